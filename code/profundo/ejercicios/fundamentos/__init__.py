"""Comprobadores de la parte «Fundamentos»."""
