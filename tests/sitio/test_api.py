"""La referencia del código dice todo lo público y enlaza con los capítulos en los dos sentidos."""

import ast
from pathlib import Path
from urllib.parse import urljoin

import pytest
from api import anchor, escape, stems
from bs4 import BeautifulSoup
from ejecucion import Project
from navegador import MISSING_SITE, SITE
from plan import module_name

PROJECT = Project(Path(__file__).parents[2])
PARTS = sorted({document.split("/")[0] for document in PROJECT.chapters()} | {"comun"})


def page(document: str) -> BeautifulSoup:
    path = SITE / f"{document}.html"
    assert path.is_file(), MISSING_SITE
    return BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")


def public_names(source: str, module: str) -> set[str]:
    """Las clases, funciones y métodos públicos con docstring que define un módulo, con su nombre completo."""
    found = set()
    for node in ast.parse(source).body:
        for owner, child in [("", node), *((f"{node.name}.", c) for c in getattr(node, "body", []) if is_class(node))]:
            named = isinstance(child, ast.FunctionDef | ast.ClassDef) and not child.name.startswith("_")
            setter = any(isinstance(d, ast.Attribute) for d in getattr(child, "decorator_list", []))
            if named and not setter and ast.get_docstring(child) and (not owner or not node.name.startswith("_")):
                found.add(f"{module}.{owner}{child.name}")
    return found


def is_class(node: ast.stmt) -> bool:
    return isinstance(node, ast.ClassDef)


@pytest.mark.parametrize("part", PARTS)
def test_everything_public_is_there(part: str) -> None:
    soup = page(f"apendices/api/{part}")
    shown = {str(term["id"]) for term in soup.select("dl.py > dt[id]")}
    for stem in stems(PROJECT, part):
        source = (PROJECT.code / "profundo" / f"{stem}.py").read_text(encoding="utf-8")
        assert public_names(source, module_name(stem)) <= shown
        assert soup.select_one(f"#{anchor(stem)}") is not None


@pytest.mark.parametrize("document", PROJECT.chapters())
def test_chapter_and_module_link_each_other(document: str) -> None:
    part, _, topic = document.rpartition("/")
    sheet = page(document).select_one("div.ficha")
    assert sheet is not None
    links = [urljoin(f"{document}.html", str(link["href"])) for link in sheet.select("a[href]")]
    assert f"apendices/api/{part}.html#module-{module_name(document)}" in links, links
    assert any(link.endswith(f"/tests/{part}/test_{topic}.py") for link in links), links
    listing = f"apendices/api/{part}"
    back = page(listing).select_one(f"#{anchor(document)}")
    assert back is not None
    assert f"{document}.html" in [urljoin(f"{listing}.html", str(link["href"])) for link in back.select("a[href]")]


def test_signatures_do_not_link_to_other_classes() -> None:
    for part in PARTS:
        assert page(f"apendices/api/{part}").select("dl.py > dt a.reference") == []


def test_sections_have_spanish_names() -> None:
    names = {term.get_text() for part in PARTS for term in page(f"apendices/api/{part}").select("dl.field-list > dt")}
    assert {"Parámetros:", "Devuelve:", "Lanza:"} <= names
    assert not {"Muestra:", "Raises:", "Returns:", "Parameters:"} & names


def test_public_names_of_a_module() -> None:
    source = (
        'def f():\n    "d"\ndef _g():\n    "d"\ndef sin_docstring():\n    pass\n'
        'class A:\n    "d"\n    def m(self):\n        "d"\n    def _n(self):\n        "d"\n'
    )
    assert public_names(source, "x") == {"x.f", "x.A", "x.A.m"}


def test_docstrings_are_plain_text_except_code() -> None:
    assert escape(["|x| y *z* de `a_b`, y ``c_d|*``"]) == [r"\|x\| y \*z\* de \`a\_b\`, y ``c_d|*``"]
