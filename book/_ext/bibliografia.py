"""Citas y bibliografía con las palabras en español, y la página que reúne las referencias de todos los capítulos."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from docutils import nodes
from ejecucion import Project
from pybtex.database import parse_file
from pybtex.plugin import register_plugin as register_pybtex
from pybtex.richtext import Tag, Text
from pybtex.style.formatting.alpha import Style
from pybtex.style.template import field as bib_field
from pybtex.style.template import names, optional, sentence, together, words
from pybtex_docutils import Backend
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective
from sphinxcontrib.bibtex.plugin import register_plugin
from sphinxcontrib.bibtex.style.referencing import PersonStyle
from sphinxcontrib.bibtex.style.referencing.label import LabelReferenceStyle

NAME = "castellano"
FILE = "referencias.bib"
CITATION = re.compile(r"\{cite(?::[pt])?\}`([^`]+)`")


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


def citations(project: Project) -> dict[str, list[str]]:
    """Los documentos que citan cada referencia, en orden de lectura."""
    found: dict[str, list[str]] = {}
    for document in project.documents():
        text = project.source(document).read_text(encoding="utf-8")
        keys = {key.strip() for match in CITATION.finditer(text) for key in match[1].split(",")}
        for key in sorted(keys):
            found.setdefault(key, []).append(document)
    return found


class References(SphinxDirective):
    """Directiva ``referencias``: lo que citan los capítulos, por orden alfabético y con enlaces a donde se cita."""

    def run(self) -> list[nodes.Node]:
        project = Project(Path(self.env.srcdir).parent)
        for path in (project.book / FILE, *map(project.source, project.documents())):
            self.env.note_dependency(str(path))
        cited = citations(project)
        library = parse_file(project.book / FILE)
        entries = SpanishStyle().format_bibliography(library, [key for key in library.entries if key in cited])
        items = [self._item(entry.text.render(Backend()), cited[entry.key]) for entry in entries]
        return [nodes.bullet_list("", *items, classes=["referencias"])]

    def _item(self, text: list[nodes.Node], documents: list[str]) -> nodes.list_item:
        links, _ = self.parse_inline("En " + ", ".join(f"{{doc}}`/{document}`" for document in documents) + ".")
        return nodes.list_item("", nodes.paragraph("", "", *text, nodes.Text(" "), *links))


def setup(app: Sphinx) -> dict:
    """Registra los dos estilos antes de que los lea ``sphinxcontrib-bibtex``."""
    register_pybtex("pybtex.style.formatting", NAME, SpanishStyle, force=True)
    register_plugin("sphinxcontrib.bibtex.style.referencing", NAME, SpanishReferenceStyle, force=True)
    app.add_directive("referencias", References)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
