"""Lo que la portada dice del libro, sacado de ``_toc.yml`` y de las ejecuciones: nada que pueda quedar viejo."""

from pathlib import Path

from docutils import nodes
from ejecucion import Project, load
from ficha import reading_minutes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

NAMES = {"pdf": "PDF", "epub": "EPUB"}


class Chapters(SphinxDirective):
    """Directiva ``capitulos``: los capítulos por partes, con lo que lleva leerlos y ejecutarlos."""

    def run(self) -> list[nodes.Node]:
        project = Project(Path(self.env.srcdir).parent)
        self.env.note_dependency(str(project.root / "_toc.yml"))
        found: list[nodes.Node] = []
        for caption, documents in project.parts():
            found.append(nodes.paragraph("", "", nodes.strong(text=caption)))
            items = nodes.bullet_list()
            for document in documents:
                children, _ = self.parse_inline(self._line(project, document))
                items += nodes.list_item("", nodes.paragraph("", "", *children))
            found.append(items)
        return found

    def _line(self, project: Project, document: str) -> str:
        self.env.note_dependency(str(project.source(document)))
        minutes = reading_minutes(project.source(document).read_text(encoding="utf-8"))
        seconds = load(project, document).metadata["ejecucion"]["segundos"]
        return f"{{doc}}`{document}`: {minutes} min de lectura, {max(1, round(seconds))} s de ejecución"


class downloads_node(nodes.General, nodes.Element):
    """Se resuelve al escribir la página: el PDF y el EPUB aparecen solo si están construidos."""


class Downloads(SphinxDirective):
    """Directiva ``descargas``: enlaces al libro entero."""

    def run(self) -> list[nodes.Node]:
        return [downloads_node()]


def resolve_downloads(app: Sphinx, doctree: nodes.document, document: str) -> None:
    """Pone los enlaces de lo que hay; en el PDF y el EPUB no hacen falta."""
    available = app.config.html_context.get("descargas", []) if app.builder.name == "html" else []
    for node in list(doctree.findall(downloads_node)):
        links: list[nodes.Node] = []
        for fmt in available:
            address = f"descargas/aprendizaje-profundo.{fmt}"
            links += [
                nodes.Text(" o en " if links else "El libro entero está en "),
                nodes.reference("", NAMES[fmt], refuri=address),
            ]
        node.replace_self(nodes.paragraph("", "", *links, nodes.Text(".")) if links else [])


def setup(app: Sphinx) -> dict:
    """Registra las directivas."""
    app.add_directive("capitulos", Chapters)
    app.add_directive("descargas", Downloads)
    app.add_node(downloads_node)
    app.connect("doctree-resolved", resolve_downloads)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
