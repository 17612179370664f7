"""Parte «Preparación»."""
