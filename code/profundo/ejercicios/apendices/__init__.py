"""Comprobadores de la parte «Apéndices»."""
