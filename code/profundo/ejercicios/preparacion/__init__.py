"""Comprobadores de la parte «Preparación»."""
