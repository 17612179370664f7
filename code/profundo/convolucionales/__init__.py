"""Parte «Redes convolucionales»."""
