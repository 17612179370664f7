"""Parte «Optimización»."""
