"""Lo que va dentro de un párrafo, escrito en el Markdown que entienden por igual Jupyter, Colab y GitHub.

Nada de roles ni de etiquetas: las referencias son enlaces a las páginas del sitio. Un nodo que no se sabe escribir es
un aviso, y con avisos el libro no se construye.
"""

import html
import re
from collections.abc import Callable, Iterable
from typing import Any

from docutils import nodes
from nbformat import NotebookNode
from sphinx import addnodes
from sphinx.util import logging

ANSI = re.compile(r"\x1b\[[0-9;]*m")
LOGGER = logging.getLogger(__name__)
INVISIBLE = (
    nodes.comment,
    nodes.target,
    nodes.substitution_definition,
    nodes.system_message,  # su aviso ya se dio
    nodes.meta,
    addnodes.index,
    addnodes.toctree,
    addnodes.tabular_col_spec,
    addnodes.highlightlang,
)


def escape(text: str) -> str:
    """Protege lo que Markdown leería como marcas y deja el texto en una línea."""
    text = re.sub(r"([\\`*$])", r"\\\1", text)
    text = re.sub(r"(?<![^\W_])_|_(?![^\W_])", r"\\_", text)
    text = re.sub(r"&(?=#?\w+;)", "&amp;", text)
    text = re.sub(r"<(?=[A-Za-z/!?])", "&lt;", text)
    return text.replace("](", "]\\(").replace("~~", "\\~~").replace("\n", " ")


def fence(code: str, language: str = "") -> str:
    """Un bloque de código, con una valla más larga que cualquiera de las que contiene."""
    longest = max((len(run) for run in re.findall(r"^`{3,}", code, re.MULTILINE)), default=2)
    mark = "`" * (longest + 1)
    return f"{mark}{language}\n{code.rstrip()}\n{mark}"


def details(summary: str, body: str) -> str:
    """Texto plegado; las líneas en blanco hacen que Jupyter y Colab lean Markdown dentro."""
    return f"<details>\n<summary>{html.escape(summary, quote=False)}</summary>\n\n{body}\n\n</details>"


def prefixed(text: str, first: str, rest: str) -> str:
    """Pone ``first`` ante la primera línea y ``rest`` ante las demás."""
    lines = text.split("\n")
    return "\n".join(((first if i == 0 else rest) + line).rstrip() for i, line in enumerate(lines))


def listing(items: Iterable[tuple[str, str]]) -> str:
    """Una lista de pares de texto y marca; con líneas en blanco si algún elemento las tiene."""
    written = [prefixed(text, marker, " " * len(marker)) for text, marker in items]
    return ("\n\n" if any("\n\n" in item for item in written) else "\n").join(written)


def output_text(output: NotebookNode) -> str:
    """Lo que una celda imprimió, como bloque de texto; nada si es una imagen."""
    if output.output_type == "stream":
        text = output.text
    elif output.output_type == "error":
        text = "\n".join(output.traceback)
    else:
        text = "" if any(mime.startswith("image/") for mime in output.data) else output.data.get("text/plain", "")
    return fence(ANSI.sub("", text), "text") if text else ""


def table_cell(text: str) -> str:
    """Protege las barras, que cerrarían la celda; dentro de una fórmula tienen nombre propio."""
    parts = re.split(r"(?<!\\)(\$[^$]+\$)", text)
    for i, part in enumerate(parts):
        if i % 2:
            parts[i] = re.sub(r"\\?\|", lambda m: r"\Vert " if len(m[0]) == 2 else r"\vert ", part)
        else:
            parts[i] = part.replace("|", r"\|")
    return "".join(parts)


def plain(node: nodes.Element) -> str:
    """El texto de un título, sin marcas pero con sus fórmulas."""
    leaves = (f"${leaf}$" if isinstance(leaf.parent, nodes.math) else leaf for leaf in node.findall(nodes.Text))
    return "".join(leaves).replace("\n", " ")


def ancestors(node: nodes.Node) -> list[nodes.Element]:
    """Los nodos que contienen a otro, del más cercano al documento."""
    found = []
    while node.parent is not None:
        node = node.parent
        found.append(node)
    return found


class TextWriter:
    """Escribe texto corrido.

    Args:
        page: la dirección de la página del capítulo en el sitio.
        image_uri: da la dirección absoluta de una imagen.
        file_uri: da la dirección absoluta de un archivo para descargar.
    """

    def __init__(self, page: str, image_uri: Callable[[str], str], file_uri: Callable[[str], str]) -> None:
        self.page, self.image_uri, self.file_uri = page, image_uri, file_uri

    def inline(self, children: Iterable[nodes.Node]) -> str:
        """Unos nodos hermanos, en una sola línea."""
        return "".join(self.dispatch("inline", child) or "" for child in children)

    def dispatch(self, kind: str, node: nodes.Node) -> Any:
        """Llama al método del nodo o de su antepasado más cercano que lo tenga, como ``inline_emphasis``."""
        if isinstance(node, INVISIBLE):
            return None
        for cls in type(node).__mro__:
            method = getattr(self, f"{kind}_{cls.__name__}", None)
            if method:
                return method(node)
        return self.unknown(kind, node)

    def unknown(self, kind: str, node: nodes.Node) -> Any:
        """Avisa y, mientras tanto, conserva el contenido."""
        LOGGER.warning("el cuaderno no sabe escribir %r", type(node).__name__, location=node)
        return getattr(self, kind)(node.children)

    def inline_Text(self, node: nodes.Text) -> str:
        return escape(node.astext())

    def inline_inline(self, node: nodes.Element) -> str:
        return self.inline(node.children)

    inline_pending_xref = inline_title_reference = inline_abbreviation = inline_generated = inline_inline

    def inline_emphasis(self, node: nodes.Element) -> str:
        return self._marked(node, "*")

    def inline_strong(self, node: nodes.Element) -> str:
        return self._marked(node, "**")

    def _marked(self, node: nodes.Element, mark: str) -> str:
        content = self.inline(node.children)
        bare = content.strip()
        return content.replace(bare, f"{mark}{bare}{mark}", 1) if bare else content

    def inline_subscript(self, node: nodes.Element) -> str:
        return f"<sub>{self.inline(node.children)}</sub>"

    def inline_superscript(self, node: nodes.Element) -> str:
        return f"<sup>{self.inline(node.children)}</sup>"

    def inline_literal(self, node: nodes.Element) -> str:
        code = node.astext().replace("\n", " ")
        mark = "`" * (max((len(run) for run in re.findall("`+", code)), default=0) + 1)
        padding = " " if code.startswith("`") or code.endswith("`") else ""
        return f"{mark}{padding}{code}{padding}{mark}"

    inline_problematic = inline_literal

    def inline_math(self, node: nodes.Element) -> str:
        return f"${' '.join(node.astext().split())}$"

    def inline_reference(self, node: nodes.Element) -> str:
        return self._link(node, node.get("refuri") or f"{self.page}#{node['refid']}")

    def inline_download_reference(self, node: nodes.Element) -> str:
        return self._link(node, node["refuri"] if "refuri" in node else self.file_uri(node["filename"]))

    def _link(self, node: nodes.Element, uri: str) -> str:
        address = f"<{uri}>" if re.search(r"[\s()]", uri) else uri
        return f"[{self.inline(node.children)}]({address})"

    def inline_image(self, node: nodes.Element) -> str:
        alt = escape(node.get("alt", "")).replace("[", "\\[").replace("]", "\\]")
        # Con dos puntos lleva su protocolo (``https:``, ``data:``); si no, es un archivo del libro.
        return f"![{alt}]({node['uri'] if ':' in node['uri'] else self.image_uri(node['uri'])})"

    def inline_footnote_reference(self, node: nodes.Element) -> str:
        return f"<sup>[{node.astext()}]</sup>"

    def inline_raw(self, node: nodes.Element) -> str:
        # Lo escrito para otros formatos (LaTeX, por ejemplo) no es para el cuaderno, y un guion no se ejecutaría.
        text = node.astext()
        return text if "html" in node["format"].split() and "<script" not in text else ""
