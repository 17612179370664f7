"""Comprobadores de la parte «Redes convolucionales»."""
