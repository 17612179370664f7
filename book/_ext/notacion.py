"""Las tablas de símbolos del libro: una por grupo de ``book/apendices/notacion.yml``, con enlaces a los capítulos."""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from pathlib import Path

import yaml
from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

PAGE = "apendices/notacion"
SEVERAL = "varios"
COLUMNS = {"Símbolo": 14, "Forma": 22, "Significado": 64}
SHOWN = {r"\lVert": r"\lVert \cdot \rVert", r"\top": r"\cdot^\top", "[k = y]": r"[\,k = y\,]"}  # solo no se leen


@dataclass(frozen=True)
class Symbol:
    """Un significado de un símbolo; los nombres de los campos son los del archivo."""

    simbolo: str  # en LaTeX
    significado: str
    forma: str
    en: list[str]  # documentos donde significa eso


@dataclass(frozen=True)
class Notation:
    """Los símbolos por grupos y los que siguen siempre al mismo nombre."""

    groups: dict[str, list[Symbol]]
    reserved: dict[str, list[str]]

    @property
    def symbols(self) -> list[Symbol]:
        """Todos los significados, de todos los grupos."""
        return [symbol for group in self.groups.values() for symbol in group]


def load_notation(path: Path) -> Notation:
    """Lee los símbolos.

    Raises:
        ValueError: si a un símbolo le falta un campo, le sobra o es de otro tipo.
    """
    data = yaml.safe_load(path.read_text(encoding="utf-8"))
    kinds = {field.name: list if field.name == "en" else str for field in fields(Symbol)}
    groups: dict[str, list[Symbol]] = {}
    for group in data["grupos"]:
        for item in group["simbolos"]:
            if set(item) != set(kinds):
                raise ValueError(f"{path.name}: los campos de un símbolo son {', '.join(kinds)}; se leyó {item}")
            for key, value in item.items():
                texts = value if isinstance(value, list) else [value]
                if not isinstance(value, kinds[key]) or not texts or not all(isinstance(t, str) and t for t in texts):
                    kind = "un texto" if kinds[key] is str else "una lista de documentos"
                    raise ValueError(f"{path.name}: {item['simbolo']}: «{key}» debe ser {kind} y es {value!r}")
        groups[group["titulo"]] = [Symbol(**item) for item in group["simbolos"]]
    return Notation(groups, data["reservados"])


def repeated(symbols: Iterable[Symbol]) -> list[list[Symbol]]:
    """Los símbolos con más de un significado, con todos ellos."""
    found: dict[str, list[Symbol]] = {}
    for symbol in symbols:
        found.setdefault(symbol.simbolo, []).append(symbol)
    return [meanings for meanings in found.values() if len(meanings) > 1]


class Table(SphinxDirective):
    """Directiva ``notacion``: la tabla de un grupo de símbolos o, con ``varios``, la de los que tienen dos sentidos."""

    required_arguments = 1
    final_argument_whitespace = True

    def run(self) -> list[nodes.Node]:
        source = Path(self.env.srcdir, f"{PAGE}.yml")
        self.env.note_dependency(str(source))
        groups, group = load_notation(source).groups, self.arguments[0]
        listed = [s for name in groups if group in (name, SEVERAL) for s in groups[name] if self._chapters(s)]
        if group == SEVERAL:
            return [_table({"Símbolo": 12, "Significados": 88}, map(self._meanings, repeated(listed)))]
        if not listed:
            raise self.error(f"notacion: el grupo es {', '.join(groups)} o {SEVERAL}; se recibió {group!r}")
        return [_table(COLUMNS, map(self._symbol, listed))]

    def _symbol(self, symbol: Symbol) -> list[list[nodes.Node]]:
        form = self.parse_inline(symbol.forma)[0]
        return [_paragraph([_math(symbol)]), _paragraph(form), self._meaning(symbol)]

    def _meanings(self, symbols: list[Symbol]) -> list[list[nodes.Node]]:
        return [_paragraph([_math(symbols[0])]), [node for symbol in symbols for node in self._meaning(symbol)]]

    def _meaning(self, symbol: Symbol) -> list[nodes.Node]:
        """El significado y, aparte, los capítulos."""
        chapters = nodes.paragraph("", "En ", *self._chapters(symbol), nodes.Text("."), classes=["detalle"])
        return [*_paragraph(self.parse_inline(symbol.significado)[0]), chapters]

    def _chapters(self, symbol: Symbol) -> list[nodes.Node]:
        """Enlaces a los capítulos que están en el libro."""
        listed = [document for document in symbol.en if document in self.env.found_docs]
        return [node for document in listed for node in (nodes.Text(", "), self._chapter(document))][1:]

    def _chapter(self, document: str) -> nodes.Node:
        reference = {"refdomain": "std", "reftype": "doc", "reftarget": f"/{document}", "refdoc": self.env.docname}
        return pending_xref("", nodes.inline(), refexplicit=False, refwarn=True, **reference)


def _math(symbol: Symbol) -> nodes.Node:
    return nodes.math("", SHOWN.get(symbol.simbolo, symbol.simbolo))


def _paragraph(children: Iterable[nodes.Node]) -> list[nodes.Node]:
    return [nodes.paragraph("", "", *children)]


def _row(cells: Iterable[Iterable[nodes.Node]]) -> nodes.row:
    return nodes.row("", *(nodes.entry("", *cell) for cell in cells))


def _table(columns: dict[str, int], rows: Iterable[list[list[nodes.Node]]]) -> nodes.table:
    """Una tabla con sus anchos relativos; en el PDF puede pasar de una página a otra."""
    body = nodes.tgroup("", *(nodes.colspec(colwidth=width) for width in columns.values()), cols=len(columns))
    body += nodes.thead("", _row(_paragraph([nodes.Text(name)]) for name in columns))
    body += nodes.tbody("", *map(_row, rows))
    return nodes.table("", body, classes=["notacion", "longtable", "colwidths-given"])


def setup(app: Sphinx) -> dict:
    """Registra la directiva."""
    app.add_directive("notacion", Table)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
