"""Traducciones que mejoran las de otros: «Solución del Ejercicio 1.1», no «Solución a»; «Lanza», no «Muestra»."""

from gettext import GNUTranslations

from sphinx.application import Sphinx
from sphinx.locale import translators

BETTER = {"exercise": {"Solution to": "Solución del"}, "sphinx": {"Raises": "Lanza"}}


def setup(app: Sphinx) -> dict:
    """Corrige los catálogos; el de sphinx-exercise ha de estar cargado."""
    app.setup_extension("sphinx_exercise")
    for name, texts in BETTER.items():
        catalog = translators["general", name]
        if isinstance(catalog, GNUTranslations):
            catalog._catalog.update(texts)  # type: ignore[attr-defined]
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
