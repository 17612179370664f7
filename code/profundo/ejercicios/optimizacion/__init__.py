"""Comprobadores de la parte «Optimización»."""
