"""Las tablas de símbolos dicen lo que los capítulos escriben, y cada regla encuentra la falta que busca."""

import re
from collections.abc import Callable
from io import StringIO
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from ejecucion import Project
from faltas import rule_tests, swap
from libro_de_muestra import make_sample
from notacion import SEVERAL, load_notation
from reglas_notacion import FILE, NOTATION_RULES, chapter_text, formulas, notation_of, uses
from sphinx.application import Sphinx
from sphinx.util.docutils import docutils_namespace, patch_docutils

BOOK = Project(Path(__file__).parents[1])
RULES = {rule.__name__: rule for rule in NOTATION_RULES}
PAGE = "book/apendices/notacion.md"
ALFA = "book/uno/alfa.md"

NOTATION = r"""
reservados:
  tasa de aprendizaje: ['\eta']
grupos:
  - titulo: Datos y pasos
    simbolos:
      - simbolo: 'n'
        significado: 'Cantidad de $x$.'
        forma: 'entero'
        en: [uno/alfa, dos/beta]
      - simbolo: '\eta'
        significado: 'Tasa.'
        forma: 'número'
        en: [uno/alfa]
      - simbolo: 'n'
        significado: 'Otra cosa.'
        forma: '(n,)'
        en: [dos/beta]
"""
TEXT = r"Con **tasa de aprendizaje** (*learning rate*) $\eta > 0$ o tasa de aprendizaje $0.1$, son $n$ y `$\tau$`."


def prose(text: str) -> Callable[[Path], None]:
    return swap(ALFA, "Se suma.", f"Se suma.\n\n{text}")


@pytest.fixture
def sample(tmp_path: Path) -> Project:
    """El libro de muestra con su notación, sin faltas."""
    project = make_sample(tmp_path)
    (tmp_path / "book" / "apendices").mkdir()
    (tmp_path / FILE).write_text(NOTATION, encoding="utf-8")
    prose(TEXT)(tmp_path)
    swap("book/dos/beta.md", "Se suma.", "```{math}\n:label: ec-b\n\\sum_{i=1}^n i\n```\n")(tmp_path)
    return project


def test_every_group_is_on_the_page() -> None:
    shown = re.findall(r"```\{notacion\} (.+)\n", (BOOK.root / PAGE).read_text(encoding="utf-8"))
    assert shown == [*notation_of(BOOK).groups, SEVERAL]


FAULTS = {
    "sin-uso": ("symbols_are_used", "n: no está en ninguna fórmula de book/uno/alfa.md", swap(ALFA, "$n$", "$\\ln m$")),
    "capítulo-falso": ("symbols_are_used", "«uno/gamma» no existe", swap(FILE, "[uno/alfa]", "[uno/gamma]")),
    "griega-nueva": ("greek_letters_listed", "alfa.md:216: \\tau no está", prose("La $\\tau_1$.")),
    "griega-en-bloque": ("greek_letters_listed", "\\Phi no está", prose("```{math}\n:label: ec-x\nx =\n\\Phi\n```")),
    "griega-sin-número": ("greek_letters_listed", "\\xi no está", prose("$$\n\\xi\n$$")),
    "otra-letra": (
        "reserved_symbols_respected",
        "alfa.md:216: «tasa de aprendizaje» se escribe \\eta, no h",
        prose("Una tasa\nde aprendizaje $h$."),
    ),
    "otra-letra-en-negrita": (
        "reserved_symbols_respected",
        "se escribe \\eta, no a > 0",
        prose("La **tasa de aprendizaje** (*learning rate*), $a > 0$."),
    ),
}  # fmt: skip


(
    test_notation_follows_the_rules,
    test_sample_has_no_faults,
    test_planted_fault_is_found,
    test_every_rule_has_a_planted_fault,
) = rule_tests(RULES, FAULTS, BOOK)


BAD_DATA = {
    "campo-de-más": (
        "los campos de un símbolo son simbolo, significado",
        swap(FILE, "  forma: 'entero'", "  tipo: x"),
    ),
    "texto-por-lista": (r"n: «significado» debe ser un texto", swap(FILE, "'Cantidad de $x$.'", "[x]")),
    "lista-vacía": ("«en» debe ser una lista de documentos y es []", swap(FILE, "[uno/alfa]", "[]")),
}


@pytest.mark.parametrize("fault", BAD_DATA)
def test_bad_data_is_rejected(sample: Project, fault: str) -> None:
    message, plant = BAD_DATA[fault]
    plant(sample.root)
    with pytest.raises(ValueError, match=re.escape(message)):
        load_notation(sample.root / FILE)


@pytest.mark.parametrize(
    ("symbol", "formula", "expected"),
    [
        ("n", "2 n + 1", True),
        ("n", r"\ln x", False),
        ("n", r"\text{con n} + \operatorname{sen} x", False),
        ("n", r"\mathbb{R}^{n \times d}", True),
        (r"\beta", r"\beta_1", True),
        (r"\eta", r"\beta + \theta", False),
        (r"\mathbf{X}", r"\mathbf{X}^\top", True),
    ],
)
def test_uses(symbol: str, formula: str, expected: bool) -> None:
    assert uses(symbol, formula) is expected


def test_formulas_are_read_from_prose(sample: Project) -> None:
    prose("$a$ y \\$5 y $5.\n\n```{code-cell} python\nx = '$b$'\n```\n\n$$\nc\n$$")(sample.root)
    read = [formula for line, formula in formulas(chapter_text(sample, "uno/alfa")) if line >= 214]
    assert read == ["a", "c", "\\eta > 0", "0.1", "n"]


def tables(project: Project, text: str, warnings: StringIO | None = None, **overrides: object) -> list[list[list[str]]]:
    """El texto de las tablas de una página de notación, por celdas."""
    (project.root / PAGE).write_text(text, encoding="utf-8")
    listing = "uno/alfa\ndos/beta\napendices/notacion"
    (project.book / "index.md").write_text(f"# Inicio\n\n```{{toctree}}\n{listing}\n```\n", encoding="utf-8")
    settings = {
        "extensions": ["myst_parser", "sphinx.ext.mathjax", "notacion"],
        "myst_enable_extensions": ["colon_fence", "dollarmath"],
        "suppress_warnings": ["*"],
    }
    out = project.root / "_build"
    with patch_docutils(), docutils_namespace():
        app = Sphinx(project.book, None, out, out, "html", settings | overrides, None, warnings)
        app.build()
    page = BeautifulSoup((out / "apendices" / "notacion.html").read_text(encoding="utf-8"), "html.parser")
    return [
        [[" ".join(cell.get_text().split()) for cell in row.select("th, td")] for row in table.select("tr")]
        for table in page.select("table")
    ]


PAGE_TEXT = "# Notación\n\n```{notacion} Datos y pasos\n```\n\n```{notacion} varios\n```\n"


def test_tables_on_the_page(sample: Project) -> None:
    assert tables(sample, PAGE_TEXT) == [
        [
            ["Símbolo", "Forma", "Significado"],
            [r"\(n\)", "entero", r"Cantidad de \(x\). En Título, Título."],
            [r"\(\eta\)", "número", "Tasa. En Título."],
            [r"\(n\)", "(n,)", "Otra cosa. En Título."],
        ],
        [["Símbolo", "Significados"], [r"\(n\)", r"Cantidad de \(x\). En Título, Título. Otra cosa. En Título."]],
    ]


def test_symbols_of_absent_chapters_are_not_shown(sample: Project) -> None:
    rows = tables(sample, PAGE_TEXT, exclude_patterns=["dos"])[0]
    assert [row[2] for row in rows[1:]] == [r"Cantidad de \(x\). En Título.", "Tasa. En Título."]


def test_unknown_group_is_an_error(sample: Project) -> None:
    tables(sample, "# Notación\n\n```{notacion} nada\n```\n", warnings := StringIO())
    assert "notacion: el grupo es Datos y pasos o varios; se recibió 'nada'" in warnings.getvalue()
