"""Parte «Fundamentos»."""
