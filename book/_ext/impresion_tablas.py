"""Los DataFrame de pandas como tablas del documento, para el PDF y el EPUB; el sitio usa su HTML."""

from html.parser import HTMLParser

from docutils import nodes
from sphinx.transforms.post_transforms import SphinxPostTransform


class _Rows(HTMLParser):
    """Lee una tabla HTML sencilla: filas de ``(es_cabecera, texto, columnas)`` y cuántas son de la cabecera."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.rows: list[list[tuple[bool, str, int]]] = []
        self.head = 0
        self._in_head = False
        self._cell: list[str] | None = None
        self._attributes: tuple[bool, int] = (False, 1)
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "thead":
            self._in_head = True
        elif tag == "tr":
            self.rows.append([])
            self.head += self._in_head
        elif tag in ("th", "td"):
            self._cell = []
            self._attributes = (tag == "th", int(dict(attrs).get("colspan") or 1))

    def handle_endtag(self, tag: str) -> None:
        if tag == "thead":
            self._in_head = False
        elif tag in ("th", "td") and self._cell is not None:
            is_header, span = self._attributes
            self.rows[-1].append((is_header, "".join(self._cell).strip(), span))
            self._cell = None

    def handle_data(self, data: str) -> None:
        if self._cell is not None:
            self._cell.append(data)


def _is_number(text: str) -> bool:
    return bool(text) and not text.strip("0123456789.,+-−eE%∞ naNi")


def to_table(html: str) -> nodes.table | None:
    """La tabla de docutils que corresponde al HTML de un DataFrame; ``None`` si no es una tabla completa."""
    parsed = _Rows(html)
    width = max((sum(span for _, _, span in row) for row in parsed.rows), default=0)
    body = parsed.rows[parsed.head :]
    widths = {sum(span for _, _, span in row) for row in parsed.rows} | {len(row) for row in body}
    if not parsed.head or not body or widths != {width}:
        return None
    right = [all(_is_number(row[column][1]) for row in body) for column in range(width)]
    group = nodes.tgroup(cols=width)
    for column in range(width):
        group += nodes.colspec(colwidth=1, **({"stub": 1} if body[0][column][0] else {}))
    for part, rows in ((nodes.thead(), parsed.rows[: parsed.head]), (nodes.tbody(), body)):
        for cells in rows:
            row, column = nodes.row(), 0
            for _, text, span in cells:
                classes = ["text-right" if right[column] else "text-left"]
                entry = nodes.entry("", *([nodes.paragraph("", text)] if text else []), classes=classes)
                if span > 1:
                    entry["morecols"] = span - 1
                row += entry
                column += span
            part += row
        group += part
    return nodes.table("", group, classes=["dataframe"])


class DataFrames(SphinxPostTransform):
    """Sustituye la salida de un DataFrame por una tabla."""

    default_priority = 3  # antes de que MyST-NB elija el formato de cada salida
    builders = ("latex", "epub")

    def run(self, **kwargs: object) -> None:
        for bundle in list(self.document.findall(nodes.container)):
            if bundle.get("nb_element") != "mime_bundle":
                continue
            html = next((c.astext() for c in bundle if c.get("mime_type") == "text/html"), "")
            table = to_table(html) if 'class="dataframe"' in html else None
            if table is not None:
                bundle.replace_self(table)
