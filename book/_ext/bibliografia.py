"""Citas y bibliografía con las palabras en español: «y» y «págs.»."""

from dataclasses import dataclass, field
from typing import Any

from pybtex.plugin import register_plugin as register_pybtex
from pybtex.richtext import Tag, Text
from pybtex.style.formatting.alpha import Style
from pybtex.style.template import field as bib_field
from pybtex.style.template import names, optional, sentence, together, words
from sphinx.application import Sphinx
from sphinxcontrib.bibtex.plugin import register_plugin
from sphinxcontrib.bibtex.style.referencing import PersonStyle
from sphinxcontrib.bibtex.style.referencing.label import LabelReferenceStyle

NAME = "castellano"


class SpanishStyle(Style):
    """El estilo ``alpha`` de BibTeX con las palabras en español."""

    def format_names(self, role: str, as_sentence: bool = True) -> Any:
        listing = names(role, sep=", ", sep2=" y ", last_sep=" y ")
        return sentence[listing] if as_sentence else listing

    def format_editor(self, e: Any, as_sentence: bool = True) -> Any:
        listing = self.format_names("editor", as_sentence=False)
        editors = words[listing, "(eds.)" if len(e.persons.get("editor", [])) > 1 else "(ed.)"]
        return sentence[editors] if as_sentence else editors

    def format_chapter_and_pages(self, e: Any) -> Any:
        return words[optional[together["cap.", bib_field("chapter")]], optional[together["págs.", bib_field("pages")]]]

    def format_edition(self, e: Any) -> Any:
        return optional[words["edición", bib_field("edition")]]


def spanish_person() -> PersonStyle:
    """Dos autores unidos por «y»; si son más, el primero y «et al.»."""
    return PersonStyle(sep2=" y ", last_sep=" y ", other=Text(" ", Tag("em", "et al.")))


@dataclass
class SpanishReferenceStyle(LabelReferenceStyle):
    """Las citas del texto, con la etiqueta entre corchetes."""

    person: PersonStyle = field(default_factory=spanish_person)


def setup(app: Sphinx) -> dict:
    """Registra los dos estilos antes de que los lea ``sphinxcontrib-bibtex``."""
    register_pybtex("pybtex.style.formatting", NAME, SpanishStyle, force=True)
    register_plugin("sphinxcontrib.bibtex.style.referencing", NAME, SpanishReferenceStyle, force=True)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
