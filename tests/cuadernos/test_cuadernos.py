"""Los cuadernos publicados: qué escriben de cada construcción, que funcionan solos y que no queda nada de MyST."""

import copy
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cuadernos_texto
import nbformat
import pytest
from cuadernos_markdown import MarkdownWriter
from docutils import nodes
from ejecucion import KERNEL_ENV
from nbclient import NotebookClient
from nbformat import NotebookNode

Build = Callable[[Path], subprocess.CompletedProcess[str]]
PAGE = "https://ejemplo.org/libro/muestra/todo.html"
IMAGES = "https://ejemplo.org/libro/_images"


def markdown(notebook: NotebookNode) -> str:
    """Todo el texto de un cuaderno."""
    return "\n\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")


def code(notebook: NotebookNode) -> list[NotebookNode]:
    """Sus celdas de código."""
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def position(notebook: NotebookNode, fragment: str) -> int:
    """La posición de la única celda que contiene un texto."""
    (found,) = [i for i, cell in enumerate(notebook.cells) if fragment in cell.source]
    return found


def run(notebook: NotebookNode, folder: Path, package: Path) -> list[str]:
    """Ejecuta un cuaderno en una carpeta vacía; devuelve lo que imprime cada celda de código."""
    folder.mkdir()
    notebook = copy.deepcopy(notebook)
    client = NotebookClient(notebook, kernel_name="python3", resources={"metadata": {"path": str(folder)}})
    client.execute(env=os.environ | KERNEL_ENV | {"PYTHONPATH": str(package)})
    return ["".join(output.get("text", "") for output in cell.outputs) for cell in code(notebook)]


# --- Lo que se escribe ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "expected",
    [
        f"# 1. Todo lo que hay\n\n[Esta página en el libro]({PAGE}). Ejecuta las celdas en orden",
        r"Primero, `código`, *énfasis*, **negrita**, $a_i * b_i$, un precio de 5 \$ y ```a``b```.",
        r"Símbolos: 2 \* 3 < 4, x_1 y \_nada\_.",
        f"Cita [[Ros58]({PAGE}#id",
        f"ecuación [(1.1)]({PAGE}#equation-ec-suma)",
        f"figura [Figura 1.1]({PAGE}#fig-recta)",
        f"tabla [Tabla 1.1]({PAGE}#tab-datos)",
        f"teorema [Teorema 1.1]({PAGE}#teo-uno)",
        f"ejercicio [Ejercicio 1.1]({PAGE}#ej-doble)",
        f"sección [Listas y tablas]({PAGE}#muestra-listas)",
        "página [Sin código](https://ejemplo.org/libro/muestra/sin_codigo.html)",
        "[fuera](<https://ejemplo.net/a_(b)>)",
        "Se logra 97.3\N{NO-BREAK SPACE}% aquí.<sup>[1]</sup>",
        "<sup>[1]</sup> Texto de la nota con $x$.",
        "**Vídeo:** [Un canal, 1.1](https://youtu.be/abc) (17 min)",
        "$$\n\\begin{aligned} a &= b \\\\ c &= d \\end{aligned}\n\\tag{1.1}\n$$",
        "$$\n\\begin{aligned}\nu &= v \\\\\ns &= t\n\\end{aligned}\n\\tag{1.2}\n$$",
        '```python\ndef area(self) -> float:\n    """Su área."""\n    return self.side**2\n```',
        "**Lista 1.1.** Una línea suelta.\n\n```python\nFACTOR = 2\n```",
        "**Figura 1.1.** Una recta $x^2$ y su **pendiente**.",
        "<summary>Descripción de la figura</summary>\n\nUna recta que sube de izquierda a derecha.\n\n</details>",
        "1. Uno\n\n2. Dos\n   - anidado\n   - más\n\n   Con párrafo.",
        "- Suelta\n- 1\\. no es una lista",
        "* **Término**: Su definición con `código`.",
        "> Una cita textual de dos líneas.\n>\n> — Alguien",
        "**Tabla 1.1.** Los datos\n\n| Nombre | Valor |\n| :-- | --: |\n| $\\vert x\\vert $ | `a\\|b` |\n| **b** | 2 |",
        '````python\nprint("""\n```\n""")\n````',
        f"![Un dibujo]({IMAGES}/dibujo.png)",
        f"![Un punto \\[azul\\].]({IMAGES}/dibujo.png)\n\n**Figura 1.2.** El pie del dibujo.",
        "\n\n---\n\n",
        "## 1.2. Recuadros",
        "> **Nota**\n>\n> Una nota con fórmula:\n>\n> $$\\begin{aligned} x = 1 \\\\ y = 2 \\end{aligned}$$\n>\n> y",
        "> **Un título *propio***\n>\n> Contenido titulado.",
        "<details>\n<summary>Advertencia</summary>\n\nContenido plegado.\n\n</details>",
        "<details>\n<summary>Plegado de sphinx-design</summary>\n\nDentro del plegado.\n\n</details>",
        "> **Teorema 1.1 (Convergencia).** Si hay $\\gamma > 0$, termina.\n>\n> Segundo párrafo.",
        "> **Demostración.** Trivial **siempre**.",
        "> **Definición 1.1.** Sin título.",
        "> **Ejercicio 1.1 (El doble de $x$).** Escribe `doble(x)`.",
        "> <details>\n> <summary>Pista</summary>\n>\n> Suma **dos veces**.\n>\n> </details>",
        "Ejercicio 1.1 (El doble de $x$)</summary>\n\nSe suma.\n\n```python\nprint",
        '```python\nprint("✓ Correcto")\n```\n\n```text\n✓ Correcto\n```',
        f"plt.show()\n```\n\n![Figura de la solución]({IMAGES}/",
        "* **[Ros58]** Frank Rosenblatt.",
    ],
)
def test_every_construct_is_written_in_common_markdown(notebook: NotebookNode, expected: str) -> None:
    assert expected in markdown(notebook)


def test_references_between_chapters_are_links_to_the_site(book: Path) -> None:
    other = nbformat.read(book / "_build" / "notebooks" / "muestra" / "otro.ipynb", 4)
    expected = (
        f"La [(1.1)]({PAGE}#equation-ec-suma), la [Figura 1.1]({PAGE}#fig-recta) y el [Teorema 1.1]({PAGE}#teo-uno)"
    )
    assert expected in markdown(other)


def test_only_executed_chapters_are_exported_and_nothing_else(book: Path) -> None:
    folder = book / "_build" / "notebooks"
    files = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert files == {"muestra/todo.ipynb", "muestra/otro.ipynb"}


def test_second_cell_prepares_the_notebook_once(notebook: NotebookNode) -> None:
    assert [cell.cell_type for cell in notebook.cells[:3]] == ["markdown", "code", "markdown"]
    assert notebook.cells[1].source.startswith("# Prepara el cuaderno: en Colab instala el paquete del libro;")
    assert "git+https://github.com/" in notebook.cells[1].source
    assert sum("%load_ext" in cell.source for cell in notebook.cells) == 1


def test_whole_objects_of_the_book_become_editable_cells(notebook: NotebookNode) -> None:
    editable = [cell.source for cell in code(notebook) if cell.source.startswith("%%modulo")]
    heads = ["@dataclass(frozen=True)\nclass Square:", "@lru_cache(maxsize=8)\ndef scaled(n: int) -> int:"]
    assert [source.split("\n", 1)[0] for source in editable] == ["%%modulo profundo.juguete.formas"] * 2
    assert all(source.split("\n", 1)[1].startswith(head) for source, head in zip(editable, heads, strict=True))
    # Mostrado otra vez, es solo texto: editar en dos sitios se pisaría.
    assert markdown(notebook).count("def scaled(n: int)") == 1


def test_cells_hidden_in_the_page_keep_their_place_folded(notebook: NotebookNode) -> None:
    where = position(notebook, 'glue("todo-otro", 3)')
    cell = notebook.cells[where]
    assert cell.source.startswith("#@title Números que cita el texto\n")
    assert cell.metadata == {"tags": ["remove-cell"], "jupyter": {"source_hidden": True}, "cellView": "form"}
    assert "Entre dos celdas." in notebook.cells[where - 1].source
    assert notebook.cells[where + 1].source == "np.float64(1.5)"
    assert "oculta_en_la_solucion" not in nbformat.writes(notebook)


def test_exercise_stub_is_a_cell_and_its_solution_is_not(notebook: NotebookNode) -> None:
    assert "def doble(x)" in code(notebook)[-1].source
    assert not any("✓ Correcto" in cell.source for cell in code(notebook))


def test_outputs_tags_and_alternative_text_are_those_of_the_execution(notebook: NotebookNode) -> None:
    figure = notebook.cells[position(notebook, "ax.plot([1, 2])")]
    assert figure.metadata["tags"] == ["hide-input"]
    assert figure.outputs[0].data["image/png"].strip()
    assert figure.outputs[0].metadata["image/png"]["alt"] == "Una recta que sube de izquierda a derecha."
    value = notebook.cells[position(notebook, "np.float64(1.5)")]
    assert value.outputs[0].data["text/plain"] == "np.float64(1.5)"
    assert value.outputs[0].execution_count == value.execution_count


def test_tracebacks_cite_cells_by_their_new_number_and_no_folder(book: Path) -> None:
    failed = code(nbformat.read(book / "_build" / "notebooks" / "muestra" / "otro.ipynb", 4))[-1]
    trace = "\n".join(failed.outputs[0].traceback)
    assert failed.execution_count == 3
    assert "In[3]" in trace
    assert "In[2]" not in trace
    assert "code/profundo/juguete/formas.py" in trace
    assert str(book) not in trace


def test_notebooks_are_valid_and_depend_only_on_the_execution(book: Path, notebook: NotebookNode) -> None:
    nbformat.validate(notebook)
    assert (notebook.nbformat, notebook.nbformat_minor) == (4, 5)
    assert notebook.metadata.kernelspec.name == "python3"
    assert set(notebook.metadata) == {"kernelspec", "language_info"}
    assert [cell.execution_count for cell in code(notebook)] == list(range(1, len(code(notebook)) + 1))
    assert all(set(cell.metadata) <= {"tags", "jupyter", "cellView"} for cell in notebook.cells)


def test_same_execution_gives_the_same_bytes(book: Path, build: Build) -> None:
    files = sorted((book / "_build" / "notebooks").rglob("*.ipynb"))
    before = [path.read_bytes() for path in files]
    shutil.rmtree(book / "_build" / ".doctrees")
    assert build(book).returncode == 0
    assert [path.read_bytes() for path in files] == before


# --- Que funciona solo ------------------------------------------------------------------------------------------------


def test_notebook_runs_from_an_empty_folder_and_repeats_its_outputs(
    notebook: NotebookNode, book: Path, tmp_path: Path
) -> None:
    printed = run(notebook, tmp_path / "vacía", book / "code")
    assert printed == ["".join(output.get("text", "") for output in cell.outputs) for cell in code(notebook)]
    assert "5.0\n" in printed


@pytest.mark.parametrize(
    ("old", "new", "printed"),
    [
        ("return self.side**2", "return 10 * self.side**2", "50.0\n"),  # otra función del módulo usa la clase
        (
            "side: float\n",
            "side: float\n    extra: int = 1\n",
            "5.0\n",
        ),  # un campo más: el decorador se aplica de nuevo
        ("return self.side**2", "return scaled(3)", "12\n"),  # el código editado ve el resto del módulo
    ],
)
def test_editing_a_module_cell_changes_the_cells_below(
    notebook: NotebookNode, book: Path, tmp_path: Path, old: str, new: str, printed: str
) -> None:
    edited = copy.deepcopy(notebook)
    cell = edited.cells[position(edited, "class Square:")]
    assert old in cell.source
    cell.source = cell.source.replace(old, new)
    where = code(edited).index(edited.cells[position(edited, "print(total_area(")])
    assert run(edited, tmp_path / "vacía", book / "code")[where] == printed


def test_in_colab_the_setup_cell_installs_without_moving_what_is_installed(
    notebook: NotebookNode, book: Path, tmp_path: Path
) -> None:
    pretend = """
        import sys, types
        sys.modules["google.colab"] = types.ModuleType("google.colab")
        def pip(line):
            arguments = line.split()
            limits = open(arguments[3]).read().split()
            assert any(limit.startswith("numpy==") for limit in limits)
            assert not any(limit.startswith("profundo==") for limit in limits)
            assert len({limit.split("==")[0] for limit in limits}) == len(limits)
            print(*arguments[:3], *arguments[4:])
        get_ipython().register_magic_function(pip, magic_kind="line")
    """
    cells = [nbformat.v4.new_code_cell(re.sub("^        ", "", pretend, flags=re.MULTILINE)), notebook.cells[1]]
    printed = run(nbformat.v4.new_notebook(cells=cells), tmp_path / "vacía", book / "code")
    assert re.fullmatch(r"install -q -c git\+https://github\.com/[\w./-]+@(main|[0-9a-f]{40})\n", printed[1])


def test_a_leftover_stops_the_build(book: Path, build: Build, tmp_path: Path) -> None:
    shutil.copytree(book, tmp_path, dirs_exist_ok=True)
    with (tmp_path / "book" / "muestra" / "otro.md").open("a", encoding="utf-8") as chapter:
        chapter.write("\nComo dice [?].\n")
    outcome = build(tmp_path)
    assert outcome.returncode == 1
    assert "muestra/otro" in outcome.stderr
    assert "referencia sin resolver '[?]'" in outcome.stderr


def test_an_unknown_node_is_a_warning_and_keeps_its_text(monkeypatch: pytest.MonkeyPatch) -> None:
    class Mystery(nodes.General, nodes.Element):
        pass

    class MysteryInline(nodes.Inline, nodes.TextElement):
        pass

    warnings: list[str] = []
    monkeypatch.setattr(cuadernos_texto.LOGGER, "warning", lambda text, *args, **_: warnings.append(text % args))
    nothing: Any = None
    writer = MarkdownWriter(nothing, "uno", nbformat.v4.new_notebook(), PAGE, str, str)
    paragraph = nodes.paragraph("", "", nodes.Text("Hola, "), MysteryInline("", "", nodes.Text("tú")))
    assert writer.block([Mystery("", paragraph)]) == ["Hola, tú"]
    assert warnings == ["el cuaderno no sabe escribir 'Mystery'", "el cuaderno no sabe escribir 'MysteryInline'"]
