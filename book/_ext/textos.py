"""Traducciones que mejoran las de otras extensiones: «Solución del Ejercicio 1.1», no «Solución a Ejercicio 1.1»."""

from gettext import GNUTranslations

from sphinx.application import Sphinx
from sphinx.locale import translators

BETTER = {"Solution to": "Solución del"}


def setup(app: Sphinx) -> dict:
    """Corrige el catálogo de sphinx-exercise, que se carga antes."""
    app.setup_extension("sphinx_exercise")
    catalog = translators["general", "exercise"]
    if isinstance(catalog, GNUTranslations):
        catalog._catalog.update(BETTER)  # type: ignore[attr-defined]
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
