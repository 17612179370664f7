"""Lo que un cuaderno publicado no puede tener: que la revisión lo encuentra y que en los del libro no está."""

import re
from functools import cache
from pathlib import Path

import nbformat
import pytest
import yaml
from cuadernos_revision import LINK, code_cell_problems, exempt_cells, has_reason, leftovers
from nbformat import NotebookNode

ROOT = Path(__file__).parents[2]
EXEMPT_LIMIT = 0.02


def links(notebook: NotebookNode) -> list[str]:
    """Las direcciones de sus enlaces e imágenes."""
    return [link for cell in notebook.cells if cell.cell_type == "markdown" for link in LINK.findall(cell.source)]


@cache
def identifiers(page: Path) -> set[str]:
    """Los lugares de una página a los que se puede enlazar."""
    return set(re.findall(r'\sid="([^"]+)"', page.read_text(encoding="utf-8")))


def one_code_cell(source: str = "print(1)", count: int | None = 1, **metadata: object) -> NotebookNode:
    """Un cuaderno con una celda que imprime un 1."""
    outputs = [nbformat.v4.new_output("stream", text="1\n")] if count else []
    cell = nbformat.v4.new_code_cell(source, execution_count=count, outputs=outputs, metadata=metadata)
    return nbformat.v4.new_notebook(cells=[cell])


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("```{note}\nTexto.\n```", "directiva"),
        ("````{prf:theorem} Título\nTexto.\n````", "directiva"),
        ("> ```{math}\n> x\n> ```", "directiva"),
        (":::{hint} Pista\nTexto.", "directiva"),
        ("Texto.\n:::", "cierre de directiva"),
        ("Véase {ref}`algo`.", "rol {ref}`algo`"),
        ("Véase {prf:ref}`teo-uno` y `código`.", "rol {prf:ref}`teo-uno`"),
        ("Con `código` y {glue:text}`n`.", "rol {glue:text}`n`"),
        ("(mi-etiqueta)=\n# Título", "etiqueta"),
        (":label: ec-uno", "opción de directiva"),
        ("> :class: dropdown", "opción de directiva"),
        ("Texto.\n\n+++\n\nMás.", "separador de celdas"),
        ("% un comentario", "comentario"),
        ("%% otro", "comentario"),
        ("Vale {{ numero }}.", "sustitución"),
        ("Según [?].", "referencia sin resolver"),
        ("En la figura ??.", "referencia sin resolver"),
        ("[Texto](https://ejemplo.org){.clase}", "atributo"),
        ("[Texto](otro.md)", "enlace que no es absoluto 'otro.md'"),
        ("![Dibujo](_images/a.png)", "enlace que no es absoluto '_images/a.png'"),
        ("[Texto](#ancla)", "enlace que no es absoluto '#ancla'"),
    ],
)
def test_scanner_finds_each_kind_of_leftover(text: str, problem: str) -> None:
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(f"Antes.\n\n{text}\n\nDespués.")])
    (found,) = leftovers(notebook)
    assert problem in found


@pytest.mark.parametrize(
    "text",
    [
        "Código `{ref}` y `a{b}` con `{x}` y ``{r}`t` ``.",
        "```python\nd = {'a': 1}  # (x)=\n+++\n:label: no\n% tampoco\n```",
        "> ```text\n> :::\n> ??\n> ```",
        "$$\nx_{i} = \\{a\\}(b)= \n$$ y $f{(x)}$",
        "$$\n%c\n$$",
        "Un 5 % y «¿seguro?», [enlace](<https://ejemplo.org/a_(b)>) y ![x](https://ejemplo.org/x.png).",
        "Corchetes \\](sin enlace) y (paréntesis) = igual.",
    ],
)
def test_scanner_accepts_code_math_and_plain_text(text: str) -> None:
    assert leftovers(nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell(text)])) == []


def test_a_cell_that_nbval_would_not_compare_is_a_problem() -> None:
    assert code_cell_problems(one_code_cell()) == []
    unnumbered = one_code_cell()
    unnumbered.cells[0].execution_count = None
    assert code_cell_problems(unnumbered) == ["la celda de código 1 no tiene execution_count: nbval no la compararía"]
    silent = one_code_cell()
    silent.cells[0].outputs = []
    assert code_cell_problems(silent) == ["ninguna celda tiene salidas"]
    assert code_cell_problems(one_code_cell(count=7)) == ["la celda de código 1 lleva el número 7"]


@pytest.mark.parametrize("where", ["text", "traceback", "data"])
def test_a_local_folder_in_an_output_is_a_problem(where: str) -> None:
    notebook, line = one_code_cell(), 'File "/home/ana/libro/a.py", line 3'
    outputs = {
        "text": nbformat.v4.new_output("stream", text=line),
        "traceback": nbformat.v4.new_output("error", ename="E", evalue="", traceback=["uno", line]),
        "data": nbformat.v4.new_output("display_data", data={"text/html": f"<pre>{line}</pre>"}),
    }
    notebook.cells[0].outputs = [outputs[where]]
    (problem,) = code_cell_problems(notebook)
    assert problem.endswith("muestra una ruta de esta máquina: /home/ana")


@pytest.mark.parametrize(
    ("notebook", "exempt"),
    [
        (one_code_cell(), False),
        (one_code_cell(tags=["raises-exception", "hide-input"]), False),
        (one_code_cell(tags=["nbval-ignore-output"]), True),
        (one_code_cell(tags=["nbval-skip"]), True),
        (one_code_cell("# NBVAL_IGNORE_OUTPUT\nprint(1)"), True),
        (one_code_cell("  ## NBVAL_SKIP  \nprint(1)"), True),
        (one_code_cell("print(1)  # NBVAL_SKIP"), False),
    ],
)
def test_exempt_cells_are_those_that_nbval_does_not_compare(notebook: NotebookNode, exempt: bool) -> None:
    assert bool(exempt_cells(notebook)) is exempt


def test_an_exempt_cell_has_to_say_why() -> None:
    assert has_reason(one_code_cell(tags=["nbval-skip", "motivo-necesita-gpu"]).cells[0])
    assert not has_reason(one_code_cell(tags=["nbval-skip", "motivo-"]).cells[0])


# --- Los cuadernos del libro ------------------------------------------------------------------------------------------


def test_published_notebooks_have_no_leftovers(published: dict[str, NotebookNode]) -> None:
    assert {name: found for name, nb in published.items() if (found := leftovers(nb))} == {}


def test_every_published_cell_can_be_compared(published: dict[str, NotebookNode]) -> None:
    assert {name: found for name, nb in published.items() if (found := code_cell_problems(nb))} == {}


def test_published_notebooks_are_valid_and_link_to_the_site(published: dict[str, NotebookNode]) -> None:
    for name, notebook in published.items():
        nbformat.validate(notebook)
        page = f"/{Path(name).with_suffix('.html').as_posix()}"
        assert any(link.endswith(page) for link in links(notebook)), name
        assert sum("%load_ext profundo.comun.cuaderno" in cell.source for cell in notebook.cells) == 1, name


def test_every_link_to_the_site_leads_to_something(published: dict[str, NotebookNode]) -> None:
    site = ROOT / "_build" / "html"
    if not site.is_dir():
        pytest.fail(f"no está {site}: construye antes el sitio con «make sitio»", pytrace=False)
    base = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))["html"]["baseurl"]
    pages = {link for notebook in published.values() for link in links(notebook) if link.startswith(base)}
    assert pages
    lost = []
    for link in sorted(pages):
        name, _, anchor = link.removeprefix(base).partition("#")
        found = (site / name).is_file() and (not anchor or anchor in identifiers(site / name))
        lost += [] if found else [link]
    assert lost == []


def test_almost_no_published_cell_is_exempt_and_each_says_why(published: dict[str, NotebookNode]) -> None:
    total = sum(cell.cell_type == "code" for notebook in published.values() for cell in notebook.cells)
    exempt = [(name, cell) for name, notebook in published.items() for cell in exempt_cells(notebook)]
    unexplained = [f"{name}: {cell.source[:60]!r}" for name, cell in exempt if not has_reason(cell)]
    assert not unexplained, f"celdas que nbval no compara y sin etiqueta «motivo-…» que diga por qué: {unexplained}"
    assert len(exempt) <= EXEMPT_LIMIT * total, f"nbval no compara {len(exempt)} de {total} celdas; el límite es el 2 %"
