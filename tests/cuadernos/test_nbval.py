"""Que nbval detecta lo que debe: se le dan cuadernos con un fallo puesto a propósito."""

import re
import subprocess
from pathlib import Path

import nbformat
import pytest
from construir import nbval_command, nbval_environment
from cuadernos_revision import code_cell_problems
from ejecucion import Project
from nbformat import NotebookNode

PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
IMAGE = "<IPython.core.display.Image object>"
PROMISE = "application/papermill.record/text/plain"


def notebook() -> NotebookNode:
    """Un cuaderno correcto: imprime, devuelve un valor, cita un número y dibuja."""
    v4 = nbformat.v4
    cells = [
        ("print(1 + 1)", [v4.new_output("stream", text="2\n")]),
        ("x = 3\nx", [v4.new_output("execute_result", {"text/plain": "3"}, execution_count=2)]),
        (
            f"from IPython.display import publish_display_data\npublish_display_data({{{PROMISE!r}: '97.3 %'}})",
            [v4.new_output("display_data", {PROMISE: "97.3 %"})],
        ),
        (
            "import base64\nfrom IPython.display import Image\nImage(base64.b64decode('" + PNG + "'))",
            [
                v4.new_output(
                    "execute_result",
                    {"image/png": PNG, "text/plain": IMAGE},
                    execution_count=4,
                )
            ],
        ),
    ]
    metadata = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    code = [v4.new_code_cell(source, outputs=out, execution_count=i) for i, (source, out) in enumerate(cells, 1)]
    return v4.new_notebook(cells=code, metadata=metadata)


def broken(cell: int, **changes: object) -> NotebookNode:
    """El mismo cuaderno con una celda cambiada."""
    book = notebook()
    book.cells[cell].update(changes)
    return book


def output(kind: str, *data: object, **fields: object) -> list[NotebookNode]:
    """Una sola salida."""
    return [nbformat.v4.new_output(kind, *data, **fields)]


def vacuous() -> NotebookNode:
    """Un cuaderno sin ejecutar: dice una cosa y nadie comprobó que la haga."""
    book = notebook()
    for cell in book.cells:
        cell.update(source="print('lo que sea')", outputs=[], execution_count=None)
    return book


NOTEBOOKS = {
    "correcto": notebook(),
    "texto": broken(0, outputs=output("stream", text="3\n")),
    "valor": broken(1, outputs=output("execute_result", {"text/plain": "4"}, execution_count=2)),
    "cita": broken(2, outputs=output("display_data", {PROMISE: "97.4 %"})),
    "falta_la_salida": broken(0, outputs=[]),
    "sobra_la_salida": broken(0, source="pass"),
    "stderr": broken(0, source="print(1 + 1)\nimport sys\nprint('aviso', file=sys.stderr)"),
    "excepcion": broken(0, source="print(1 + 1)\n1 / 0"),
    "otra_imagen": broken(3, outputs=output("execute_result", {"image/png": "AAAA", "text/plain": IMAGE})),
    "sin_imagen": broken(3, source="3"),
    "sin_ejecutar": vacuous(),
    "transporte": broken(
        0,
        source="from ipykernel import get_connection_info\nprint(get_connection_info(unpack=True)['transport'])",
        outputs=output("stream", text="ipc\n"),
    ),
}


@pytest.fixture(scope="module")
def failures(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[int]]:
    """Las celdas de cada cuaderno que nbval rechaza, en una sola ejecución como la de ``make nbval``."""
    folder = tmp_path_factory.mktemp("nbval")
    for name, book in NOTEBOOKS.items():
        nbformat.write(book, folder / f"{name}.ipynb")
    outcome = subprocess.run(
        [*nbval_command(folder), "-rA", *(f"{name}.ipynb" for name in NOTEBOOKS)],
        cwd=folder,
        env=nbval_environment(Project(Path(__file__).parents[2])),
        capture_output=True,
        text=True,
        check=False,
    )
    assert outcome.returncode == 1, outcome.stdout + outcome.stderr
    verdicts = re.findall(r"^(PASSED|FAILED) (\w+)\.ipynb::Cell (\d+)", outcome.stdout, re.MULTILINE)
    assert len(verdicts) == sum(len(book.cells) for book in NOTEBOOKS.values()), outcome.stdout
    return {
        name: [int(cell) for verdict, n, cell in verdicts if n == name and verdict == "FAILED"] for name in NOTEBOOKS
    }


@pytest.mark.parametrize(
    ("name", "rejected"),
    [
        ("correcto", []),
        ("transporte", []),  # con puertos TCP, dos núcleos que arrancan a la vez pueden pedir el mismo
        ("texto", [0]),
        ("valor", [1]),
        ("cita", [2]),  # los números que cita el texto también se comparan
        ("falta_la_salida", [0]),
        ("sobra_la_salida", [0]),
        ("stderr", [0]),
        ("excepcion", [0]),
        ("otra_imagen", []),  # los píxeles no se comparan: una figura se prueba por los números que dibuja
        ("sin_imagen", [3]),  # que haya figura, sí
    ],
)
def test_nbval_rejects_the_cell_with_the_fault_and_no_other(
    failures: dict[str, list[int]], name: str, rejected: list[int]
) -> None:
    assert failures[name] == rejected


def test_our_guard_catches_what_nbval_lets_pass(failures: dict[str, list[int]]) -> None:
    """nbval no compara una celda sin ``execution_count``; si tampoco tiene salidas, la da por buena."""
    assert failures["sin_ejecutar"] == []
    problems = code_cell_problems(NOTEBOOKS["sin_ejecutar"])
    assert problems[0] == "ninguna celda tiene salidas"
    assert len(problems) == 1 + len(NOTEBOOKS["sin_ejecutar"].cells)
    assert code_cell_problems(NOTEBOOKS["correcto"]) == []
