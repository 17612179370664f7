"""Lee un capítulo por piezas (directivas, celdas y prosa) sin perder el número de línea.

Sirve a las pruebas de estructura y de ortografía, que miran el texto y no el sitio construido.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

if TYPE_CHECKING:
    from ejecucion import Project

OPENING = re.compile(
    r"^\s*(?P<fence>`{3,}|:{3,})(?:\{(?P<name>[\w:.-]+)\}\s*(?P<argument>.*?)|(?P<language>[\w+-]*))\s*$"
)
OPTION = re.compile(r"^\s*:(?P<key>[\w-]+):(?:\s+(?P<value>.*?))?\s*$")
# Directivas cuyo contenido no es prosa y directivas cuyo argumento no es un título.
VERBATIM = {
    *("code-cell", "code-block", "code", "math", "literalinclude", "eval-rst"),
    *("bibliography", "raw", "toctree", "video"),
}
UNTITLED = VERBATIM | {
    *("solution-start", "exercise-end", "solution-end", "figure", "image", "include", "list-table"),
    *("ruta", "plan"),
}
# Partes que pueden ejecutar código sin tener un módulo en el paquete.
PARTS_WITHOUT_MODULES = {"laboratorios", "rutas"}
PROSE_OPTIONS = {"alt", "caption", "requisitos"}
HEADER_KEY = re.compile(
    r"^\s*(?::(?P<key>[\w-]+):|(?P<yaml>mystnb|figure|image|name|caption|alt|tags|width|align|class|---):?)\s*(?P<value>.*)$"
)


@dataclass
class Block:
    """Una directiva: la línea donde empieza (desde 1), la que la cierra, sus opciones y su contenido."""

    name: str
    argument: str
    line: int
    end: int = 0
    options: dict = field(default_factory=dict)
    body: list[str] = field(default_factory=list)
    body_line: int = 0  # la línea de body[0]

    @property
    def source(self) -> str:
        """El contenido, sin líneas vacías en los extremos."""
        return "\n".join(self.body).strip("\n")

    @property
    def tags(self) -> list[str]:
        """Las etiquetas de una celda."""
        return list(self.options.get("tags") or [])

    @property
    def figure(self) -> dict | None:
        """Los metadatos de figura de una celda, o None."""
        return (self.options.get("mystnb") or {}).get("figure")

    @property
    def image(self) -> dict:
        """Los metadatos de imagen de una celda."""
        return (self.options.get("mystnb") or {}).get("image") or {}


class Chapter:
    """El texto de una página de ``book/``.

    Args:
        path: el archivo.
        document: su nombre en ``_toc.yml``.
    """

    def __init__(self, path: Path, document: str) -> None:
        self.path, self.document = path, document
        self.text = path.read_text(encoding="utf-8")
        self.lines = self.text.split("\n")
        self.executed = bool(re.match(r"---\n(?:.*\n)*?file_format: mystnb\n(?:.*\n)*?---\n", self.text))

    @cached_property
    def blocks(self) -> list[Block]:
        """Todas las directivas, también las anidadas, en orden de aparición."""
        start = self._front_matter()
        return sorted(_parse(self.lines, start, len(self.lines)), key=lambda block: block.line)

    @property
    def cells(self) -> list[Block]:
        """Las celdas de código."""
        return [block for block in self.blocks if block.name == "code-cell"]

    @cached_property
    def prose(self) -> str:
        """El texto con todo lo que no es prosa en blanco; conserva cada línea en su lugar."""
        kept = list(self.lines)
        kept[: self._front_matter()] = [""] * self._front_matter()
        for block in self.blocks:
            _blank_block(kept, self.lines, block)
        kept = ["" if re.match(r"^(\(\S+\)=|% .*|\s*[`:]{3,})\s*$", line) else line for line in kept]
        return strip_inline("\n".join(kept))

    def _front_matter(self) -> int:
        if self.lines[0] != "---":
            return 0
        return self.lines.index("---", 1) + 1


def _parse(lines: list[str], start: int, stop: int) -> Iterator[Block]:
    at = start
    while at < stop:
        opening = OPENING.match(lines[at])
        if not opening:
            at += 1
            continue
        fence = opening["fence"]
        end = _closing(lines, at, stop, fence)
        name = opening["name"] or ("code-block" if fence[0] == "`" else "div")
        block = Block(name, opening["argument"] or opening["language"] or "", at + 1, end + 1)
        body = _read_options(lines, at + 1, end, block)
        block.body, block.body_line = lines[body:end], body + 1
        yield block
        if name not in VERBATIM:
            yield from _parse(lines, body, end)
        at = end + 1


def _closing(lines: list[str], at: int, stop: int, fence: str) -> int:
    """La línea que cierra la directiva abierta en ``at``; con dos puntos, las de igual longitud se anidan."""
    depth = 1
    for index in range(at + 1, stop):
        text = lines[index].strip()
        if text == fence or (set(text) == {fence[0]} and len(text) > len(fence)):
            depth -= 1
            if depth == 0:
                return index
        elif fence[0] == ":" and text.startswith(fence + "{"):
            depth += 1
    return stop


def _read_options(lines: list[str], at: int, end: int, block: Block) -> int:
    if at < end and lines[at].strip() == "---":
        close = next((i for i in range(at + 1, end) if lines[i].strip() == "---"), end)
        block.options = yaml.safe_load("\n".join(lines[at + 1 : close])) or {}
        return close + 1
    key = None
    while at < end:
        option = OPTION.match(lines[at])
        if option:
            key, value = option["key"], option["value"] or ""
            block.options[key] = yaml.safe_load(value) if key == "tags" else value
        elif key and lines[at].startswith(("  ", "\t")) and lines[at].strip():
            block.options[key] += "\n" + lines[at].strip()
        else:
            break
        at += 1
    return at


def _blank_block(kept: list[str], lines: list[str], block: Block) -> None:
    """Deja en blanco lo que no es prosa de una directiva: su cabecera y, si es código o fórmula, su contenido."""
    first, body = block.line - 1, block.body_line - 1
    title = "" if block.name in UNTITLED else block.argument
    kept[first] = " " * lines[first].find(block.argument) + title if title else ""
    keeping = False
    for index in range(first + 1, body):
        line = lines[index]
        option = HEADER_KEY.match(line)
        if option:
            keeping = (option["key"] or option["yaml"]) in PROSE_OPTIONS
            line = option["value"]
        kept[index] = line if keeping else ""
    if block.name in VERBATIM:
        kept[body : block.end] = [""] * (min(block.end, len(kept)) - body)


# --- Lo que va dentro de una línea ----------------------------------------------------------------------------------

# Papeles cuyo texto se lee en la página; de los demás solo se ve un número o una cita.
TEXT_ROLES = {"ref", "numref", "doc", "term", "prf:ref", "abbr", "download"}
# Papeles y código se buscan juntos, de izquierda a derecha: un papel puede ir dentro de código y al revés no.
ROLE_OR_CODE = re.compile(
    r"\{(?P<role>[\w:+-]+)\}(?P<ticks>`+)(?P<content>[^`]+?)(?P=ticks)|"
    r"(?P<code>`+)(?!`)(?:[^\n]|\n(?!\n))+?(?<!`)(?P=code)(?!`)"
)
HTML_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
NOT_PROSE = [
    re.compile(r"(?<!\\)\$\$.+?(?<!\\)\$\$", re.DOTALL),
    re.compile(r"(?<!\\)\$(?!\s)(?:[^$\n]|\n(?!\n))+?(?<![\s\\])\$"),
    re.compile(r"(?<=\])\([^()\s]*(?:\([^()\s]*\)[^()\s]*)*\)"),  # el destino de un enlace
    re.compile(r"\[\^[^\]]+\]:?"),
    re.compile(r"<?https?://[^\s>)\]]+>?"),
    re.compile(r"</?[a-zA-Z][^<>]*>"),
    re.compile(r"(?<=[\])`])\{[^{}]*\}"),  # atributos
    re.compile(r"&[a-z]+;"),
]
PARENTHESIS = re.compile(r"\([^()]*\)")
ITALICS = re.compile(r"(?<![*\w])\*(?!\s|\*)(?:[^*\n]|\n(?!\n))+?(?<!\s)\*(?![*\w])")


def _spaces(match: re.Match) -> str:
    return re.sub(r"[^\n]", " ", match.group(0))


def _role_text(match: re.Match) -> str:
    content = match["content"]
    text = re.match(r"(?s)(.*?)\s*<[^<>]*>$", content)
    if match["role"] in TEXT_ROLES and text:
        visible = text[1]
    elif match["role"] in {"term", "abbr"}:
        visible = content
    else:
        visible = ""
    return visible + "\n" * (match.group(0).count("\n") - visible.count("\n"))


def strip_inline(text: str) -> str:
    """Quita comentarios, fórmulas, código, papeles, destinos de enlaces y direcciones, sin mover las líneas."""
    text = HTML_COMMENT.sub(_spaces, text)
    text = ROLE_OR_CODE.sub(lambda match: _role_text(match) if match["role"] else _spaces(match), text)
    for pattern in NOT_PROSE:
        text = pattern.sub(_spaces, text)
    return text


def without_foreign(text: str) -> str:
    """Quita las cursivas que van entre paréntesis: son el término en inglés."""
    return PARENTHESIS.sub(lambda match: ITALICS.sub(_spaces, match.group(0)), text)


def italics(text: str) -> list[tuple[int, int]]:
    """Dónde empieza y termina cada cursiva."""
    return [match.span() for match in ITALICS.finditer(text)]


def numbered(text: str) -> Iterator[tuple[int, str]]:
    """Las líneas con su número, desde 1."""
    yield from enumerate(text.split("\n"), start=1)


# --- El libro --------------------------------------------------------------------------------------------------------


def relative(project: Project, path: Path) -> str:
    """La ruta desde la raíz, como se cita en los mensajes."""
    return path.relative_to(project.root).as_posix()


def _markdown_files(project: Project) -> list[Path]:
    """Las páginas de ``book/``; lo que empieza por «_» o «.» no lo es."""
    found = project.book.rglob("*.md")
    return sorted(p for p in found if not any(part[0] in "._" for part in p.relative_to(project.book).parts))


def pages(project: Project) -> list[Chapter]:
    """Todas las páginas de ``book/``, estén o no en el índice."""
    return [Chapter(p, p.relative_to(project.book).with_suffix("").as_posix()) for p in _markdown_files(project)]


def chapters(project: Project) -> list[Chapter]:
    """Las páginas que se ejecutan y pertenecen a una parte con módulos."""
    return [
        page
        for page in pages(project)
        if page.executed and "/" in page.document and page.document.split("/")[0] not in PARTS_WITHOUT_MODULES
    ]
