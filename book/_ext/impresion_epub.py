"""El EPUB del libro: páginas sin nada del sitio, índice con partes, metadatos de accesibilidad y portada."""

import os
import re
import uuid
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

from docutils import nodes
from impresion_mathml import to_mathml3
from myst_nb.sphinx_ import HideCodeCellNode
from sphinx.application import Sphinx
from sphinx.builders.epub3 import Epub3Builder
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util import logging

LOGGER = logging.getLogger(__name__)
ASSETS = Path(__file__).parent / "impresion"
STYLE, COVER = "libro.css", "portada.png"
MEDIA = {".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".gif": "image/gif", ".svg": "image/svg+xml"}

SUMMARY = (
    "Las figuras tienen texto alternativo y las fórmulas están en MathML. El código se distingue por la forma de la "
    "letra, no por el color."
)


def template(name: str) -> str:
    """Una plantilla del paquete, con huecos ``{así}``."""
    return (ASSETS / name).read_text(encoding="utf-8")


class Entry(NamedTuple):
    """Una línea del índice: lo que se lee, adónde lleva y lo que cuelga de ella."""

    text: str
    href: str
    children: list["Entry"]


class OpenPages(SphinxPostTransform):
    """Abre lo que en el sitio se pliega, avisa de las imágenes sin texto alternativo y no repite identificadores."""

    default_priority = 900  # después de todo lo que cambia el documento
    builders = ("epub",)

    def run(self, **kwargs: object) -> None:
        for hidden in list(self.document.findall(HideCodeCellNode)):
            hidden.replace_self(hidden.children)
        seen: set[str] = set()
        for node in self.document.findall(nodes.Element):
            if "dropdown" in node.get("classes", []):
                node["classes"].remove("dropdown")
            if node.get("ids"):
                node["ids"] = [i for i in node["ids"] if i not in seen]
                seen.update(node["ids"])
            if isinstance(node, nodes.image) and not node.get("alt", "").strip():
                LOGGER.warning("la imagen no tiene texto alternativo: %s", node["uri"], location=node)


class BookEpub(Epub3Builder):
    """Escribe las páginas con una plantilla mínima y el paquete entero; ``make_epub`` lo comprime."""

    name = "epub"

    def init(self) -> None:
        """Sphinx avisa si el libro no tiene versión, aunque aquí no se usa."""
        super().init()
        self.config.version = self.config.version or "1"

    def get_outdated_docs(self) -> Any:
        """Todas las páginas: escribirlas cuesta poco y así ninguna se queda vieja."""
        return self.env.found_docs

    def handle_page(
        self,
        pagename: str,
        addctx: dict[str, Any],
        templatename: str = "page.html",
        outfilename: str | None = None,
        event_arg: Any = None,
    ) -> None:
        """Escribe una página con el cuerpo del documento y nada más."""
        title = re.sub(r"<[^>]+>", "", addctx["title"])
        body = re.sub(r"<details(?![^>]*\bopen\b)", '<details open="open"', addctx["body"])
        page = template("pagina.xhtml").format(
            lang=self.config.language, title=title, root="../" * pagename.count("/"), body=body
        )
        self.write_file(f"{pagename}.xhtml", to_mathml3(page))

    def write_file(self, name: str, text: str) -> None:
        """Escribe un archivo del paquete."""
        path = Path(self.outdir, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def copy_static_files(self) -> None:
        """Solo la carpeta donde MyST-NB deja su hoja de estilo, que no entra en el paquete."""
        Path(self.outdir, "_static").mkdir(parents=True, exist_ok=True)

    def copy_extra_files(self) -> None:
        """Nada de lo que usa el sitio."""

    def gen_pages_from_extensions(self) -> None:
        """Ninguna: son páginas del sitio."""

    def gen_additional_pages(self) -> None:
        """Ninguna: son páginas del sitio."""

    # --- El paquete -------------------------------------------------------------------------------------------------

    def handle_finish(self) -> None:
        """Escribe la portada, las páginas de las partes, el índice y la lista de archivos."""
        from impresion_portada import draw_cover

        config = self.config
        self.write_file(STYLE, template("epub.css"))
        self.write_file("META-INF/container.xml", template("container.xml"))
        draw_cover(Path(self.outdir, COVER), config.html_title, config.libro_subtitulo, config.author)
        alt = escape(f"Portada: {config.html_title}. {config.libro_subtitulo}")
        cover = f'<section epub:type="cover" class="portada"><img src="{COVER}" alt="{alt}"/></section>'
        self.handle_page("portada", {"title": config.html_title, "body": cover})
        self.handle_page("creditos", {"title": "Créditos", "body": self.credits()})
        contents = self.contents()
        self.write_navigation(contents)
        self.write_package(contents)

    def build_date(self) -> datetime:
        """La fecha del libro; ``SOURCE_DATE_EPOCH`` la fija."""
        epoch = os.environ.get("SOURCE_DATE_EPOCH")
        return datetime.fromtimestamp(int(epoch), UTC) if epoch else datetime.now(UTC)

    def credits(self) -> str:
        """La página de créditos."""
        config = self.config
        lines = [
            f"<strong>{escape(config.html_title)}</strong>",
            escape(config.libro_subtitulo),
            f"© {escape(config.copyright)} {escape(config.author)}",
            escape(config.libro_licencia),
            f'<a href="{escape(config.html_baseurl)}">{escape(config.html_baseurl)}</a>',
            f"Edición del {self.build_date():%Y-%m-%d}",
        ]
        body = "".join(f"<p>{line}</p>" for line in lines if line)
        return f'<section epub:type="copyright-page" class="creditos">{body}</section>'

    def contents(self) -> list[Entry]:
        """El índice, en el orden de ``_toc.yml``; escribe de paso una página por parte."""
        site_map = self.config.external_site_map
        entries = [Entry(self.config.libro_presentacion, f"{self.config.root_doc}.xhtml", [])]
        roman = 0
        for number, subtree in enumerate(site_map.root.subtrees, start=1):
            chapters = [self.chapter(site_map, str(item)) for item in subtree.items]
            if not subtree.caption:
                entries += chapters
                continue
            roman += bool(subtree.numbered)
            label = f"Parte {roman}. " if subtree.numbered else ""
            body = f'<section epub:type="part"><h1 class="parte">{escape(label + subtree.caption)}</h1></section>'
            self.handle_page(f"parte-{number}", {"title": escape(subtree.caption), "body": body})
            entries.append(Entry(label + subtree.caption, f"parte-{number}.xhtml", chapters))
        return entries

    def chapter(self, site_map: Any, docname: str) -> Entry:
        """La entrada de un capítulo, con sus apartados y los documentos que cuelgan de él."""
        number = self.env.toc_secnumbers.get(docname, {}).get("") or ()
        text = " ".join([".".join(map(str, number)), self.env.titles[docname].astext()]).strip()
        sections = []
        for reference in self.env.tocs[docname].findall(nodes.reference):
            depth = sum(isinstance(parent, nodes.bullet_list) for parent in ancestors(reference))
            if depth == 2 and reference["anchorname"]:
                href = f"{docname}.xhtml{self.fix_fragment('#', reference['anchorname'][1:])}"
                sections.append(Entry(reference.astext(), href, []))
        nested = [self.chapter(site_map, str(item)) for tree in site_map[docname].subtrees for item in tree.items]
        return Entry(text, f"{docname}.xhtml", sections + nested)

    def write_navigation(self, contents: list[Entry]) -> None:
        """El índice de EPUB 3 y el que entienden los lectores viejos."""
        lang, title = self.config.language, escape(self.config.html_title)
        body = f'<nav epub:type="toc" id="toc" role="doc-toc"><h1>Índice</h1>{ordered_list(contents)}</nav>'
        landmarks = [Entry("Portada", "portada.xhtml", []), Entry("Índice", "nav.xhtml#toc", [])]
        kinds = iter(("cover", "toc"))
        listing = re.sub("<a ", lambda _: f'<a epub:type="{next(kinds)}" ', ordered_list(landmarks))
        body += f'<nav epub:type="landmarks" hidden="hidden"><h2>Guía</h2>{listing}</nav>'
        self.handle_page("nav", {"title": "Índice", "body": body})
        counter = iter(range(1, 100_000))
        points = "".join(nav_point(entry, counter) for entry in contents)
        self.write_file(
            "toc.ncx", template("toc.ncx").format(lang=lang, identifier=self.identifier(), title=title, points=points)
        )

    def identifier(self) -> str:
        """Un identificador que no cambia entre ediciones: sale de la dirección del sitio."""
        return f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, self.config.html_baseurl or self.config.html_title)}"

    def write_package(self, contents: list[Entry]) -> None:
        """La lista de archivos y el orden de lectura."""
        pages = ["portada", "creditos", "nav", *(page.removesuffix(".xhtml") for page in reading_order(contents))]
        manifest = [
            '<item id="ncx" href="toc.ncx" media-type="application/x-dtbncx+xml"/>',
            f'<item id="estilo" href="{STYLE}" media-type="text/css"/>',
            f'<item id="portada-imagen" href="{COVER}" media-type="image/png" properties="cover-image"/>',
        ]
        for number, page in enumerate(pages):
            text = Path(self.outdir, f"{page}.xhtml").read_text(encoding="utf-8")
            found = [name for name, mark in (("mathml", "<math"), ("svg", "<svg")) if mark in text]
            properties = " ".join((["nav"] if page == "nav" else []) + found)
            extra = f' properties="{properties}"' if properties else ""
            manifest.append(
                f'<item id="pagina-{number}" href="{quote(page)}.xhtml" media-type="application/xhtml+xml"{extra}/>'
            )
        for number, image in enumerate(sorted(self.images.values())):
            media = MEDIA[Path(image).suffix.lower()]
            manifest.append(f'<item id="imagen-{number}" href="{self.imagedir}/{quote(image)}" media-type="{media}"/>')
        config, date = self.config, self.build_date()
        self.write_file(
            "content.opf",
            template("content.opf").format(
                lang=config.language,
                identifier=self.identifier(),
                title=escape(config.html_title),
                description=escape(config.libro_subtitulo or config.html_title),
                author=escape(config.author),
                rights=escape(f"© {config.copyright} {config.author}. {config.libro_licencia}".strip()),
                address=escape(config.html_baseurl or config.html_title),
                date=f"{date:%Y-%m-%d}",
                modified=f"{date:%Y-%m-%dT%H:%M:%SZ}",
                summary=SUMMARY,
                manifest="\n".join(manifest),
                spine="\n".join(f'<itemref idref="pagina-{number}"/>' for number in range(len(pages))),
            ),
        )


def ancestors(node: nodes.Node) -> list[nodes.Node]:
    """Los nodos que contienen a otro, del más cercano a la raíz."""
    found = []
    while node.parent is not None:
        node = node.parent
        found.append(node)
    return found


def address(entry: Entry) -> str:
    """Adónde lleva una entrada, lista para un atributo."""
    return escape(quote(entry.href, safe="/#"))


def ordered_list(entries: list[Entry]) -> str:
    """El índice como listas anidadas."""
    items = [
        f'<li><a href="{address(entry)}">{escape(entry.text)}</a>{ordered_list(entry.children)}</li>'
        for entry in entries
    ]
    return f"<ol>{''.join(items)}</ol>" if items else ""


def nav_point(entry: Entry, counter: Any) -> str:
    """Una entrada del índice para lectores viejos."""
    number = next(counter)
    children = "".join(nav_point(child, counter) for child in entry.children)
    return (
        f'<navPoint id="punto-{number}" playOrder="{number}"><navLabel><text>{escape(entry.text)}</text></navLabel>'
        f'<content src="{address(entry)}"/>{children}</navPoint>\n'
    )


def reading_order(entries: list[Entry]) -> list[str]:
    """Las páginas del índice, cada una una vez y en orden."""
    pages: list[str] = []
    for entry in entries:
        for page in (entry.href.partition("#")[0], *reading_order(entry.children)):
            if page not in pages:
                pages.append(page)
    return pages


def setup_epub(app: Sphinx) -> None:
    """Registra el constructor y la transformación; las salidas en HTML y JavaScript no entran en el EPUB."""
    app.add_builder(BookEpub, override=True)
    app.add_post_transform(OpenPages)
