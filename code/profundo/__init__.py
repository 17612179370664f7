"""Código del curso «Aprendizaje profundo»: una parte del temario, un subpaquete; un capítulo, un módulo."""

__version__ = "0.1.0"
