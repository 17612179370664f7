"""De un capítulo resuelto por Sphinx a los trozos de un cuaderno: Markdown, celdas del capítulo y código editable."""

import re
import textwrap
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from cuadernos_texto import (
    LOGGER,
    TextWriter,
    ancestors,
    details,
    escape,
    fence,
    listing,
    output_text,
    plain,
    prefixed,
    table_cell,
)
from docutils import nodes
from formulas import INNER, NUMBERED
from nbformat import NotebookNode
from sphinx.environment import BuildEnvironment
from sphinx.locale import admonitionlabels, get_translation

PROOF_START = re.compile(r"^(\*\*)?(Proof|Demostración)\.(\*\*)?\s*")
PARAGRAPH_MARK = re.compile(r"^(#{1,6}|[-+>]|\d+[.)])(?=\s)")
ALIGNMENTS = {"text-left": ":--", "text-center": ":-:", "text-right": "--:"}
proof_name = get_translation("proof")  # el catálogo de sphinx-proof: los mismos nombres que en el sitio


@dataclass(frozen=True)
class CodeCell:
    """Una celda del capítulo: su posición en el cuaderno ejecutado y su nodo."""

    index: int
    node: nodes.Element


@dataclass(frozen=True)
class ModuleCell:
    """Un objeto de un módulo del libro, con su código, que el cuaderno deja editar."""

    module: str
    source: str


Piece = str | CodeCell | ModuleCell


class MarkdownWriter(TextWriter):
    """Escribe un capítulo entero.

    Args:
        env: el entorno de Sphinx, de donde salen los números.
        docname: el documento.
        executed: el capítulo con las salidas de su ejecución.
        page, image_uri, file_uri: véase :class:`TextWriter`.
    """

    def __init__(
        self,
        env: BuildEnvironment,
        docname: str,
        executed: NotebookNode,
        page: str,
        image_uri: Callable[[str], str],
        file_uri: Callable[[str], str],
    ) -> None:
        super().__init__(page, image_uri, file_uri)
        self.env, self.docname, self.executed = env, docname, executed

    def block(self, children: Iterable[nodes.Node]) -> list[Piece]:
        """Los trozos de unos nodos hermanos; el texto suelto entre bloques forma párrafos."""
        pieces: list[Piece] = []
        loose: list[nodes.Node] = []
        for child in [*children, None]:
            if isinstance(child, nodes.Text | nodes.Inline):
                loose.append(child)
                continue
            text = self.inline(loose).strip()
            pieces += [text] if text else []
            loose = []
            pieces += (self.dispatch("block", child) or []) if child is not None else []
        return pieces

    def text(self, children: Iterable[nodes.Node], separator: str = "\n\n") -> str:
        """Unos nodos hermanos como texto; las celdas que haya pasan a ser código escrito."""
        return separator.join(filter(None, map(self.as_text, self.block(children))))

    def as_text(self, piece: Piece) -> str:
        """Un trozo como texto: una celda, con su código y lo que imprimió."""
        if isinstance(piece, ModuleCell):
            return fence(piece.source, "python")
        if isinstance(piece, str):
            return piece
        cell = self.executed.cells[piece.index]
        if "remove-cell" in cell.metadata.get("tags", []):
            return ""
        images = list(piece.node.findall(nodes.image))
        for image in images:
            image.attributes.setdefault("alt", "Figura de la solución")
        blocks = [fence(cell.source, "python"), *map(output_text, cell.outputs), *map(self.inline_image, images)]
        return "\n\n".join(filter(None, blocks))

    def _number(self, kind: str, node: nodes.Element) -> str:
        numbers = self.env.toc_fignumbers.get(self.docname, {}).get(kind, {})
        return next((".".join(map(str, numbers[i])) for i in node["ids"] if i in numbers), "")

    def _label(self, kind: str, node: nodes.Element) -> str:
        """«Figura 1.2», o nada si no lleva número."""
        number = self._number(kind, node)
        return self.env.config.numfig_format[kind] % number if number else ""

    # --- Títulos, párrafos, código y fórmulas -------------------------------------------------------------------------

    def block_document(self, node: nodes.Element) -> list[Piece]:
        return self.block(node.children)

    block_section = block_compound = block_legend = block_glossary = block_figure = block_document
    block_only = block_document  # Sphinx ya quitó lo que era para otros formatos

    def block_title(self, node: nodes.Element) -> list[Piece]:
        sections = [parent for parent in ancestors(node) if isinstance(parent, nodes.section)]
        numbers = self.env.toc_secnumbers.get(self.docname, {})
        number = numbers.get("" if len(sections) == 1 else f"#{sections[0]['ids'][0]}")
        prefix = f"{'.'.join(map(str, number))}. " if number else ""
        return [f"{'#' * len(sections)} {prefix}{self.inline(node.children)}"]

    def block_paragraph(self, node: nodes.Element) -> list[Piece]:
        text = self.inline(node.children).strip()
        return [PARAGRAPH_MARK.sub(lambda mark: f"{mark[1][:-1]}\\{mark[1][-1]}", text)] if text else []

    def block_rubric(self, node: nodes.Element) -> list[Piece]:
        return [f"**{self.inline(node.children)}**"]

    def block_attribution(self, node: nodes.Element) -> list[Piece]:
        return [f"— {self.inline(node.children)}"]

    def block_transition(self, node: nodes.Element) -> list[Piece]:
        return ["---"]

    def block_line_block(self, node: nodes.Element) -> list[Piece]:
        return ["  \n".join(self.inline(line.children) for line in node.findall(nodes.line))]

    def block_literal_block(self, node: nodes.Element) -> list[Piece]:
        if "module" in node:
            return [ModuleCell(node["module"], node.astext())]
        language = node.get("language", self.env.config.highlight_language)
        return [fence(textwrap.dedent(node.astext()), "" if language in ("default", "none") else language)]

    def block_doctest_block(self, node: nodes.Element) -> list[Piece]:
        return [fence(node.astext(), "python")]

    def block_math_block(self, node: nodes.Element) -> list[Piece]:
        latex = NUMBERED.sub(lambda m: rf"\{m[1]}{{{INNER[m[2]]}}}", node.astext()).strip()
        if r"\\" in latex and r"\begin" not in latex:
            latex = f"\\begin{{aligned}}\n{latex}\n\\end{{aligned}}"
        number = self._number("displaymath", node)
        lines = [line for line in latex.splitlines() if line.strip()] + ([rf"\tag{{{number}}}"] if number else [])
        # En citas y listas, en una línea: Jupyter tomaría la marca de cada línea («> ») por parte de la fórmula.
        plain = all(isinstance(parent, nodes.section | nodes.document) for parent in ancestors(node))
        return ["\n".join(["$$", *lines, "$$"]) if plain else f"$${' '.join(' '.join(lines).split())}$$"]

    # --- Listas y tablas ----------------------------------------------------------------------------------------------

    def block_bullet_list(self, node: nodes.Element) -> list[Piece]:
        return [listing((self._item(item), "- ") for item in node.children)]

    def block_enumerated_list(self, node: nodes.Element) -> list[Piece]:
        return [listing((self._item(item), f"{i}. ") for i, item in enumerate(node.children, node.get("start", 1)))]

    def block_definition_list(self, node: nodes.Element) -> list[Piece]:
        entries = []
        for item in node.children:
            terms = ", ".join(f"**{self.inline(n.children)}**" for n in item.children if isinstance(n, nodes.term))
            body = self.text(c for n in item.children if isinstance(n, nodes.definition) for c in n.children)
            entries.append((f"{terms}: {body}", "* "))  # otra marca: que no siga una lista anterior
        return [listing(entries)]

    def block_field_list(self, node: nodes.Element) -> list[Piece]:
        fields = ((self.inline(name.children), self.text(body.children)) for name, body in node.children)
        return [listing((f"**{name}:** {body}", "- ") for name, body in fields)]

    def _item(self, item: nodes.Element) -> str:
        """El contenido de un elemento de una lista; otra lista corta va pegada a su párrafo."""
        text = ""
        for child in item.children:
            part = self.text([child])
            close = isinstance(child, nodes.bullet_list | nodes.enumerated_list) and "\n\n" not in part
            text += ("\n" if close else "\n\n") + part if text and part else part
        return text

    def block_table(self, node: nodes.Element) -> list[Piece]:
        rows = [[self._entry(entry) for entry in row.children] for row in node.findall(nodes.row)]
        if not any(node.findall(nodes.thead)):
            rows.insert(0, [""] * len(rows[0]))
        first = next(node.findall(nodes.row)).children
        align = [next((mark for name, mark in ALIGNMENTS.items() if name in e["classes"]), "---") for e in first]
        lines = [f"| {' | '.join(row)} |" for row in (rows[0], align, *rows[1:])]
        title = next((child for child in node.children if isinstance(child, nodes.title)), None)
        return [*([self._caption(title, "table", node)] if title else []), "\n".join(lines)]

    def _entry(self, entry: nodes.Element) -> str:
        text = self.text(entry.children, separator="<br>")
        if "\n" in text or "morecols" in entry or "morerows" in entry:
            LOGGER.warning("una celda de tabla del cuaderno no admite bloques ni celdas unidas", location=entry)
        return table_cell(text.replace("\n", " "))

    # --- Celdas y figuras ---------------------------------------------------------------------------------------------

    def block_container(self, node: nodes.Element) -> list[Piece]:
        if node.get("nb_element") == "cell_code":
            return [CodeCell(node["cell_index"], node), *self._below(node)]
        if node.get("design_component") == "dropdown" and node.get("has_title"):
            return [details(plain(node[0]), self.text(node.children[1:]))]
        return self.block(node.children)

    def _below(self, cell: nodes.Element) -> list[Piece]:
        """El pie de la figura de una celda y, plegada, la descripción para quien no la ve."""
        parts = cell.findall(lambda node: isinstance(node, nodes.caption | nodes.legend))
        alts = dict.fromkeys(image["alt"] for image in cell.findall(nodes.image) if image.get("alt"))
        return [*self.block(parts), *(details("Descripción de la figura", escape(alt)) for alt in alts)]

    def block_caption(self, node: nodes.Element) -> list[Piece]:
        return [self._caption(node, "figure" if isinstance(node.parent, nodes.figure) else "code-block", node.parent)]

    def _caption(self, node: nodes.Element, kind: str, numbered: nodes.Element) -> str:
        label, text = self._label(kind, numbered), self.inline(node.children)
        return f"**{label}.** {text}" if label else f"**{text}**"

    # --- Recuadros ----------------------------------------------------------------------------------------------------

    def block_block_quote(self, node: nodes.Element) -> list[Piece]:
        return _quoted(self.block(node.children))

    def block_Admonition(self, node: Any) -> list[Piece]:
        """Nota, advertencia, pista…; con la clase ``dropdown`` va plegada."""
        if "realtype" in node:
            label = f"{proof_name(node['realtype'].title())} {self._number(node['countertype'], node)}".strip()
            return self._box(label + self.inline(node[0].children).rstrip(), node[1].children)
        title = node[0] if isinstance(node[0], nodes.title) else None
        if title is None and node.tagname not in admonitionlabels:
            return self.unknown("block", node)
        content = node.children[1:] if title else node.children
        if "dropdown" in node["classes"]:
            return [details(plain(title) if title else admonitionlabels[node.tagname], self.text(content))]
        head = self.inline(title.children) if title else admonitionlabels[node.tagname]
        return _quoted([f"**{head}**", self.text(content)])

    block_topic = block_sidebar = block_Admonition

    def block_proof_node(self, node: Any) -> list[Piece]:
        first, *rest = self.block(node[0].children)
        return _quoted([f"**Demostración.** {PROOF_START.sub('', str(first))}", *rest])

    def block_exercise_node(self, node: Any) -> list[Piece]:
        return self._box(self._label("exercise", node) + self.inline(node[0].children).rstrip(), _unsectioned(node))

    block_exercise_enumerable_node = block_exercise_node

    def block_solution_node(self, node: Any) -> list[Piece]:
        return [details(plain(node[0]), self.text(_unsectioned(node)))]

    def _box(self, head: str, content: list[nodes.Node]) -> list[Piece]:
        """Un recuadro cuyo encabezado abre el primer párrafo."""
        pieces = self.block(content)
        if content and isinstance(content[0], nodes.paragraph) and isinstance(pieces[0], str):
            return _quoted([f"**{head}.** {pieces[0]}", *pieces[1:]])
        return _quoted([f"**{head}.**", *pieces])

    # --- Notas y bibliografía -----------------------------------------------------------------------------------------

    def block_footnote(self, node: nodes.Element) -> list[Piece]:
        return [f"<sup>[{node[0].astext()}]</sup> {self.text(node.children[1:])}"]

    def block_citation(self, node: nodes.Element) -> list[Piece]:
        return [prefixed(f"**[{node[0].astext()}]** {self.text(node.children[1:])}", "* ", "  ")]


def _unsectioned(node: nodes.Element) -> list[nodes.Node]:
    """El contenido de un ejercicio o una solución, sin las secciones en que sphinx-exercise lo envuelve."""
    return [c for n in node.children[1:] for c in (n.children if isinstance(n, nodes.section) else [n])]


def _quoted(pieces: Iterable[Piece]) -> list[Piece]:
    """Una cita; las celdas de código no caben en ella y la parten."""
    quoted: list[Piece] = []
    for piece in pieces:
        line = prefixed(piece, "> ", "> ") if isinstance(piece, str) else piece
        if isinstance(line, str) and quoted and isinstance(quoted[-1], str):
            quoted[-1] = f"{quoted[-1]}\n>\n{line}"
        else:
            quoted.append(line)
    return quoted
