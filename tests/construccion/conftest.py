"""Deja a la vista de estas pruebas las herramientas del libro y el libro de juguete."""

import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[2] / "book" / "_ext")]
