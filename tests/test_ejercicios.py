"""Los ejercicios del libro: la solución convence a su comprobador, el hueco espera y ninguna basura lo rompe."""

import importlib
import pkgutil
import re
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from capitulos import Block, Chapter, chapters
from ejecucion import Project, code_cells, load
from nbformat import NotebookNode
from reglas_capitulos import registered_exercises

import profundo.ejercicios
from profundo.comun.ejercicios import MARKS, Checker, as_array, call, require, require_close

BOOK = Project(Path(__file__).parents[1])

# --- Basura -----------------------------------------------------------------------------------------------------


def leaves(*_: object) -> None:
    """Lo que haría quien escribe ``exit()`` en su respuesta."""
    sys.exit(1)


class Strange:
    """Una clase sin nada dentro."""


JUNK: dict[str, object] = {
    "None": None,
    "...": ...,
    "3.5": 3.5,
    "texto": "hola",
    "lista vacía": [],
    "diccionario vacío": {},
    "ceros (3,)": np.zeros(3),
    "ceros (2, 3, 4)": np.zeros((2, 3, 4)),
    "tensor": torch.zeros(2),
    "objeto": object(),
    "clase": Strange,
    "excepción": ValueError("no"),
    "función que divide entre cero": lambda *a: 1 / 0,
    "función que no devuelve nada": lambda *a: None,
    "función que devuelve texto": lambda *a: "x",
    "función que devuelve ceros": lambda *a: np.zeros(7),
    "función que devuelve nan": lambda *a: np.nan,
    "función que devuelve una lista desigual": lambda *a: [[1], [1, 2]],
    "función que devuelve un objeto": lambda *a: object(),
    "función que devuelve una función": lambda *a: leaves,
    "función sin argumentos": lambda: 1.0,
    "función que sale": leaves,
}

SPANISH = re.compile(
    r"\b(de|la|el|los|las|un|una|que|es|se|tu|no|en|con|por|debe|hay|sin|llegó|lanzó|devuelve)\b", re.IGNORECASE
)


def all_checkers() -> list[Checker]:
    """Los comprobadores de todos los capítulos."""
    package = profundo.ejercicios
    found = []
    for info in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        if not info.ispkg:
            found.append(importlib.import_module(info.name).comprobar)
    return found


def verdict_problems(checker: Checker, name: str, answer: object) -> list[str]:
    """Qué tiene de malo el veredicto sobre una respuesta que no puede ser correcta."""
    try:
        verdict = checker.check(name, answer)
    except BaseException as error:
        return [f"lanza {type(error).__name__}: {error}"]
    problems = []
    if verdict.status not in MARKS:
        problems.append(f"el estado es {verdict.status!r}")
    if verdict.status == "correcta":
        problems.append("la da por correcta")
    if not verdict.message.strip():
        problems.append("no dice nada")
    elif "Traceback" in verdict.message or not SPANISH.search(verdict.message):
        problems.append(f"el mensaje no es una explicación en español: {verdict.message!r}")
    return problems


EXERCISES = [(checker, name) for checker in all_checkers() for name in checker.names]


@pytest.mark.parametrize(("checker", "name"), EXERCISES, ids=[f"{c.chapter}:{n}" for c, n in EXERCISES])
def test_junk_gets_a_message(checker: Checker, name: str) -> None:
    problems = [
        f"{what}: {problem}" for what, answer in JUNK.items() for problem in verdict_problems(checker, name, answer)
    ]
    if problems:
        pytest.fail(f"{checker.chapter}, ejercicio «{name}»\n" + "\n".join(problems), pytrace=False)


def test_checkers_are_named_after_their_chapter() -> None:
    for checker in all_checkers():
        path = BOOK.code / "profundo" / "ejercicios" / f"{checker.chapter}.py"
        assert path.exists(), f"Checker({checker.chapter!r}) no lleva el nombre de su archivo"
        assert registered_exercises(path) == set(checker.names)


# --- Lo que se ve en el capítulo ejecutado --------------------------------------------------------------------------


def printed(cell: NotebookNode) -> str:
    """Lo que imprimió una celda."""
    return "".join(output.text for output in cell.outputs if output.output_type == "stream" and output.name == "stdout")


def exercise_output_problems(chapter: Chapter, executed: list[NotebookNode]) -> list[str]:
    """Huecos que no esperan respuesta y soluciones que su comprobador no acepta."""
    solutions = [
        (start.line, next((b.line for b in chapter.blocks if b.name == "solution-end" and b.line > start.line), 0))
        for start in chapter.blocks
        if start.name == "solution-start"
    ]
    problems = []
    for cell, ran in zip(chapter.cells, executed, strict=True):
        if not re.search(r"^comprobar\(", cell.source, re.MULTILINE):
            continue
        marks = {line[0] for line in printed(ran).splitlines() if line[:1] in MARKS.values()}
        solved = any(first < cell.line < last for first, last in solutions)
        expected = MARKS["correcta" if solved else "pendiente"]
        if marks != {expected}:
            kind = "la solución" if solved else "el hueco"
            problems.append(
                f"{chapter.path.name}:{cell.line}: {kind} debe imprimir «{expected}» e imprimió {printed(ran)!r}"
            )
    return problems


UNSTABLE = re.compile(r"0x[0-9a-f]{6,}|ipykernel_\d+|/(?:tmp|home|root)/\S+")


def output_problems(chapter: Chapter, executed: list[NotebookNode]) -> list[str]:
    """Salidas que no deben estar en el libro: avisos, direcciones de memoria, rutas e imágenes sin describir."""
    problems = []
    for cell, ran in zip(chapter.cells, executed, strict=True):
        where = f"{chapter.path.name}:{cell.line}"
        for output in ran.outputs:
            data = output.get("data", {})
            text = output.get("text", "") or str(data.get("text/plain", ""))
            if output.output_type == "stream" and output.name == "stderr":
                problems.append(f"{where}: escribe en stderr: {text.strip()[:200]}")
            elif not any(mime.startswith("image/") for mime in data) and (match := UNSTABLE.search(text)):
                problems.append(f"{where}: imprime algo que cambia de una máquina a otra: {match[0]}")
            if _undescribed_image(cell, data):
                problems.append(f"{where}: produce una imagen sin mystnb.figure, y quien no la ve no sabe qué hay")
    return problems


def _undescribed_image(cell: Block, data: dict) -> bool:
    hidden = {"remove-cell", "remove-output"} & set(cell.tags)
    return any(mime.startswith("image/") for mime in data) and cell.figure is None and not hidden


@pytest.mark.parametrize("chapter", chapters(BOOK), ids=lambda chapter: chapter.document)
def test_executed_chapter(chapter: Chapter) -> None:
    executed = code_cells(load(BOOK, chapter.document))
    problems = exercise_output_problems(chapter, executed) + output_problems(chapter, executed)
    if problems:
        pytest.fail("\n".join(problems), pytrace=False)


# --- Estas pruebas encuentran lo que buscan -------------------------------------------------------------------------


def broken_checker(check: Callable[[object], str]) -> Checker:
    checker = Checker("uno/alfa")
    checker.exercise("f")(check)
    return checker


def accepts_anything(answer: object) -> str:
    return "Bien."


def forgets_to_call_safely(answer: object) -> str:
    require(answer(3) == 9, "Se esperaba el cuadrado de tu número.")  # type: ignore[operator]
    return "Bien."


def says_nothing(answer: object) -> str:
    require(False, "")
    return "Bien."


def speaks_english(answer: object) -> str:
    require(False, "Wrong answer")
    return "Good."


def right(answer: object) -> str:
    values = as_array(call(answer, np.ones(3)), shape=(3,))
    require_close(values, [1, 1, 1], "Se esperaba que no cambiara nada.")
    return "No cambia nada."


@pytest.mark.parametrize(
    ("check", "message"),
    [
        (accepts_anything, "la da por correcta"),
        (forgets_to_call_safely, "lanza TypeError"),
        (says_nothing, "no dice nada"),
        (speaks_english, "no es una explicación en español"),
    ],
)
def test_bad_checkers_are_found(check: Callable[[object], str], message: str) -> None:
    problems = [p for answer in JUNK.values() for p in verdict_problems(broken_checker(check), "f", answer)]
    assert any(message in problem for problem in problems), problems


def test_good_checker_has_no_problems() -> None:
    checker = broken_checker(right)
    assert [p for answer in JUNK.values() for p in verdict_problems(checker, "f", answer)] == []
    assert checker.check("f", lambda x: x).status == "correcta"


CHAPTER = """\
---
file_format: mystnb
---
```{code-cell} python
comprobar("f", mi_f)
```

```{solution-start} ej-f
```
```{code-cell} python
comprobar("f", f)
```
```{solution-end}
```
"""


def ran(*texts: str, name: str = "stdout", data: dict | None = None) -> list[NotebookNode]:
    outputs = [[NotebookNode(output_type="stream", name=name, text=text)] for text in texts]
    if data:
        outputs[0].append(NotebookNode(output_type="display_data", data=data))
    return [NotebookNode(outputs=o) for o in outputs]


@pytest.fixture
def chapter(tmp_path: Path) -> Chapter:
    (tmp_path / "alfa.md").write_text(CHAPTER, encoding="utf-8")
    return Chapter(tmp_path / "alfa.md", "uno/alfa")


def test_right_outputs_have_no_problems(chapter: Chapter) -> None:
    executed = ran("… Sin resolver: escribe.\n", "✓ Bien.\n")
    assert exercise_output_problems(chapter, executed) + output_problems(chapter, executed) == []


@pytest.mark.parametrize(
    ("stub", "solution", "message"),
    [
        ("✓ Bien.\n", "✓ Bien.\n", "alfa.md:4: el hueco debe imprimir «…»"),
        ("✗ No.\n", "✓ Bien.\n", "alfa.md:4: el hueco debe imprimir «…»"),
        ("… Sin resolver.\n", "✗ No.\n", "alfa.md:10: la solución debe imprimir «✓»"),
        ("… Sin resolver.\n", "✓ Bien.\n✗ No.\n", "alfa.md:10: la solución debe imprimir «✓»"),
        ("… Sin resolver.\n", "", "alfa.md:10: la solución debe imprimir «✓»"),
    ],
)
def test_wrong_exercise_outputs_are_found(chapter: Chapter, stub: str, solution: str, message: str) -> None:
    problems = exercise_output_problems(chapter, ran(stub, solution))
    assert len(problems) == 1
    assert message in problems[0]


@pytest.mark.parametrize(
    ("executed", "message"),
    [
        ([ran("aviso", name="stderr")[0], ran("")[0]], "escribe en stderr: aviso"),
        (ran("<objeto en 0x7f12ab34cd>", ""), "cambia de una máquina a otra: 0x7f12ab34cd"),
        (ran("", "", data={"image/png": "", "text/plain": "<Figure>"}), "imagen sin mystnb.figure"),
    ],
)
def test_unwanted_outputs_are_found(chapter: Chapter, executed: list[NotebookNode], message: str) -> None:
    problems = output_problems(chapter, executed)
    assert len(problems) == 1
    assert message in problems[0]
