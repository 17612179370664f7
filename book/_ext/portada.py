"""Lo que la portada dice del libro: sale de ``_toc.yml``, ``plan.yml`` y las ejecuciones, y no puede quedar viejo."""

from html import escape
from pathlib import Path
from typing import NamedTuple

from docutils import nodes
from ejecucion import Project
from plan import Workload, read_plan, workload
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective
from tarjetas import THUMBNAIL, thumbnail_path

SITE_ONLY = {"empezar", "miniatura", "solo-sitio"}
NAMES = {"pdf": "PDF", "epub": "EPUB"}


class Part(NamedTuple):
    """Una parte del libro: lo que hay y lo que falta."""

    caption: str
    summary: str
    ready: list[str]  # documentos
    coming: list[str]  # títulos


def book_map(project: Project) -> list[Part]:
    """El plan del libro contra ``_toc.yml``.

    Raises:
        ValueError: si un capítulo listo no está en el plan, o está en otra parte.
    """
    plan = read_plan(project)
    chapters = set(project.chapters())
    ready = {caption: [d for d in documents if d in chapters] for caption, documents in project.parts()}
    parts = [
        Part(
            part["parte"],
            part["resumen"],
            ready.get(part["parte"], []),
            [title for name, title in part["capitulos"].items() if name not in ready.get(part["parte"], [])],
        )
        for part in plan
    ]
    planned = {(part["parte"], name) for part in plan for name in part["capitulos"]}
    missing = {(caption, name) for caption, names in ready.items() for name in names} - planned
    if missing:
        raise ValueError(f"capítulos de _toc.yml que no están en esa parte de book/plan.yml: {sorted(missing)}")
    return parts


class Map(SphinxDirective):
    """Directiva ``mapa``: las partes del libro, con los capítulos listos y los que faltan."""

    def run(self) -> list[nodes.Node]:
        book = workload(self.env)
        parts = book_map(book.project)
        ready = sum(len(part.ready) for part in parts)
        total = ready + sum(len(part.coming) for part in parts)
        found: list[nodes.Node] = [
            nodes.paragraph("", f"El plan tiene {total} capítulos; están listos {ready}. El resto está en preparación.")
        ]
        grid = nodes.container(classes=["mapa"])
        grid += [self._part(book, part) for part in parts]
        return [*found, grid]

    def _part(self, book: Workload, part: Part) -> nodes.Node:
        box = nodes.container(classes=["parte"])
        box += nodes.paragraph("", "", nodes.strong(text=part.caption), classes=["nombre"])
        box += nodes.paragraph("", part.summary)
        if part.ready:
            box += nodes.bullet_list(
                "", *(self._chapter(book, document) for document in part.ready), classes=["listos"]
            )
        if part.coming:
            box += nodes.paragraph("", f"En preparación: {', '.join(part.coming)}.", classes=["pendientes"])
        return box

    def _chapter(self, book: Workload, document: str) -> nodes.Node:
        link, _ = self.parse_inline(f"{{doc}}`{document}`")
        facts = f"{book.reading(document)} min de lectura, {max(1, round(book.execution(document)))} s de ejecución"
        width, height = THUMBNAIL
        source = escape(thumbnail_path(document))
        image = f'<img src="{source}" alt="" width="{width}" height="{height}" loading="lazy">'
        return nodes.list_item(
            "",
            nodes.raw("", image, format="html", classes=["miniatura"]),
            nodes.paragraph("", "", *link),
            nodes.paragraph("", facts),
        )


class Begin(SphinxDirective):
    """Directiva ``empezar``: el botón que lleva al primer capítulo listo (solo en el sitio)."""

    def run(self) -> list[nodes.Node]:
        first = Project(Path(self.env.srcdir).parent).chapters()[0]
        children, _ = self.parse_inline(f"{{doc}}`Empezar a leer <{first}>`")
        return [nodes.paragraph("", "", *children, classes=["empezar"])]


class downloads_node(nodes.General, nodes.Element):
    """Se resuelve al escribir la página: el PDF y el EPUB aparecen solo si están construidos."""


class Downloads(SphinxDirective):
    """Directiva ``descargas``: enlaces al libro entero."""

    def run(self) -> list[nodes.Node]:
        return [downloads_node()]


def resolve_downloads(app: Sphinx, doctree: nodes.document, document: str) -> None:
    """Pone los enlaces de lo que hay; en el PDF y el EPUB no hacen falta."""
    on_site = app.builder.name == "html"
    for node in list(doctree.findall(downloads_node)):
        links: list[nodes.Node] = []
        for fmt in app.config.html_context.get("descargas", []) if on_site else []:
            address = f"descargas/aprendizaje-profundo.{fmt}"
            links += [
                nodes.Text(" o en " if links else "El libro entero está en "),
                nodes.reference("", NAMES[fmt], refuri=address),
            ]
        node.replace_self(nodes.paragraph("", "", *links, nodes.Text(".")) if links else [])
    if not on_site:
        for node in list(doctree.findall(nodes.Element)):
            if SITE_ONLY & set(node.get("classes", [])):
                node.parent.remove(node)


def setup(app: Sphinx) -> dict:
    """Registra las directivas."""
    app.add_directive("mapa", Map)
    app.add_directive("empezar", Begin)
    app.add_directive("descargas", Downloads)
    app.add_node(downloads_node)
    app.connect("doctree-resolved", resolve_downloads)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
