"""Parte «Apéndices»."""
