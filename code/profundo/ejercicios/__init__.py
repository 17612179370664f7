"""Comprobadores de los ejercicios: un módulo por capítulo, con el nombre del capítulo."""
