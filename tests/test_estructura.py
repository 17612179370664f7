"""El libro cumple las reglas de la casa, y cada regla encuentra la falta que busca."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from capitulos import Chapter, pages
from ejecucion import Project, code_cells, read_chapter
from faltas import edit, found_by, remove, rule_tests, write
from libro_de_muestra import make_sample
from reglas_capitulos import CHAPTER_RULES, python_source
from reglas_proyecto import PROJECT_RULES

RULES = {rule.__name__: rule for rule in (*PROJECT_RULES, *CHAPTER_RULES)}
BOOK = Project(Path(__file__).parents[1])


@pytest.mark.parametrize("page", pages(BOOK), ids=lambda page: page.document)
def test_cells_are_the_ones_that_run(page: Chapter) -> None:
    """El lector de estas pruebas ve las mismas celdas que el libro ejecuta."""
    if not page.executed:
        assert not page.cells, "hay celdas y el capítulo no se ejecuta: falta «file_format: mystnb» en la cabecera"
        return
    executed = [cell.source.strip() for cell in code_cells(read_chapter(BOOK, page.document))]
    assert [cell.source.strip() for cell in page.cells] == executed


def name_problems(page: Chapter) -> list[str]:
    """Nombres que ninguna celda anterior define e importaciones que ninguna usa, con su línea."""
    lines: list[str] = []
    for cell in page.cells:
        lines += [""] * (cell.body_line - 1 - len(lines)) + python_source(cell).splitlines()
    options = ["--isolated", "--quiet", "--select=F401,F632,F821,F841", "--output-format=concise"]
    command = [sys.executable, "-m", "ruff", "check", *options, "--stdin-filename", f"{page.path.stem}.py", "-"]
    done = subprocess.run(command, input="\n".join(lines), capture_output=True, text=True, check=False)
    assert done.returncode in (0, 1), done.stderr
    return done.stdout.splitlines()


@pytest.mark.parametrize("page", [page for page in pages(BOOK) if page.executed], ids=lambda page: page.document)
def test_cells_use_names_that_exist(page: Chapter) -> None:
    assert not name_problems(page)


def test_names_that_nobody_defines_or_uses_are_found(tmp_path: Path) -> None:
    cells = ("import math\nimport json\nprint(math.pi)", "%time x = 1\nprint(x)", "print(F.relu)")
    text = "\n\n".join(f"Prosa.\n\n```{{code-cell}} python\n{cell}\n```" for cell in cells)
    write("tema.md", f"---\nfile_format: mystnb\n---\n# Tema\n\n{text}\n")(tmp_path)
    problems = name_problems(Chapter(tmp_path / "tema.md", "tema"))
    lines = (tmp_path / "tema.md").read_text(encoding="utf-8").splitlines()
    for name, code, line in (("json", "F401", "import json"), ("F", "F821", "print(F.relu)")):
        found = [problem for problem in problems if code in problem and f"`{name}`" in problem]
        assert [int(problem.split(":")[1]) for problem in found] == [lines.index(line) + 1], problems
    assert len(problems) == 3  # y «x», que solo define una orden de IPython


# --- Cada regla encuentra su falta ----------------------------------------------------------------------------------


@pytest.fixture
def sample(tmp_path: Path) -> Project:
    """El libro de muestra, sin faltas."""
    return make_sample(tmp_path)


def prose(text: str) -> Callable[[Path], None]:
    return edit(ALFA, "Se suma\\.", text.replace("\\", "\\\\"))


def cell(*lines: str) -> Callable[[Path], None]:
    return prose("Así:\n\n```{code-cell} python\n" + "\n".join(lines) + "\n```\n")


ALFA, BETA = "book/uno/alfa.md", "book/dos/beta.md"
ALFA_MODULE, BETA_MODULE = "code/profundo/uno/alfa.py", "code/profundo/dos/beta.py"
ALFA_CHECKER = "code/profundo/ejercicios/uno/alfa.py"
LOOSE_FIGURE = (
    "{numref}`fig-x`\n\n```{code-cell} python\n---\nmystnb:\n  figure:\n    name: fig-x\n    caption: Una.\n"
    "  image:\n    alt: Dos.\n---\nplt.show()\n```\n"
)

# (regla, lo que debe decir el mensaje, la falta)
FAULTS = {
    "paquete-code": ("no_package_in_code", "pdb", write("code/__init__.py", "")),
    "entrada-sin-archivo": (
        "index_entries_exist",
        "uno/gamma",
        edit("_toc.yml", "(      - file: uno/alfa\n)", "\\1      - file: uno/gamma\n"),
    ),
    "archivo-sin-entrada": ("pages_in_index", "como_usar.md", write("book/como_usar.md", "# Cómo\n")),
    "sin-módulo": ("stems_match", f"{ALFA_MODULE}: falta", remove(ALFA_MODULE)),
    "sin-prueba": ("stems_match", "tests/uno/test_alfa.py: falta", remove("tests/uno/test_alfa.py")),
    "módulo-huérfano": ("stems_match", "book/uno/gamma.md: falta", write("code/profundo/uno/gamma.py", "")),
    "prueba-huérfana": ("stems_match", "code/profundo/dos/gamma.py: falta", write("tests/dos/test_gamma.py", "")),
    "módulo-largo": ("module_length", "301 líneas", write("code/profundo/comun/largo.py", "X = 1\n" * 301)),
    "importa-después": (
        "imports_follow_the_course",
        "alfa.py:1: importa de «dos», que se estudia después de «uno»",
        write(ALFA_MODULE, "from profundo.dos.beta import teach\n"),
    ),
    "importa-después-relativo": (
        "imports_follow_the_course",
        "importa de «dos»",
        write(ALFA_MODULE, "def f():\n    from ..dos import beta\n    return beta\n"),
    ),
    "ejercicio-importa-después": (
        "imports_follow_the_course",
        "ejercicios/uno/alfa.py:1: importa de «dos»",
        edit(ALFA_CHECKER, "^", "import profundo.dos.beta\n"),
    ),
    "comun-importa": (
        "imports_follow_the_course",
        "comun importa de «uno»",
        write("code/profundo/comun/ayuda.py", "from profundo.uno import alfa\n"),
    ),
    "módulo-importa-ejercicios": (
        "imports_follow_the_course",
        "importa de «ejercicios»",
        write(BETA_MODULE, "from profundo import ejercicios\n"),
    ),
    "sin-sección": ("required_sections", "«## Resumen»", edit(ALFA, "## Resumen\n", "")),
    "secciones-desordenadas": (
        "required_sections",
        "en este orden",
        edit(ALFA, "## Resumen(.*)## Para saber más", "## Para saber más\\1## Resumen"),
    ),
    "sin-ficha": ("fact_sheet", "hay 0 fichas", edit(ALFA, ":::\\{ficha\\}\n.*?\n:::\n", "")),
    "redefine": ("nothing_redefined", "define «teach»", cell("def teach():", "    return 1")),
    "punto-y-coma": ("no_trailing_semicolon", "«;» al final", cell("x = 1", "x;")),
    "punto-y-coma-comentado": ("no_trailing_semicolon", "«;» al final", cell("x = ';'", "x;  # se oculta")),
    "porcentaje": ("no_typed_percentages", "debe venir de glue: «97.3 %»", prose("Acierta el 97.3 % de las veces.")),
    "porcentaje-pegado": ("no_typed_percentages", "«12%»", prose("Sube un **12%**.")),
    "porcentaje-escapado": ("no_typed_percentages", "«5 \\%»", prose("Baja al 5 \\% de antes.")),
    "figura-sin-pie": ("figures_described", "no tiene «caption»", edit(ALFA, "    caption: [^\n]*\n", "")),
    "figura-sin-nombre": (
        "figures_described",
        "no tiene «name»",
        edit(ALFA, "Lo anuncia [^\n]*(.*?)    name: [^\n]*\n", "\\1"),
    ),
    "figura-sin-alt": ("figures_described", "no tiene «alt»", edit(ALFA, "  image:\n    alt: [^\n]*\n", "")),
    "dibujo-sin-figura": ("figures_described", "no tiene mystnb.figure", cell("plt.plot([1])", "plt.show()")),
    "imagen-sin-alt": ("figures_described", "«:alt:»", prose("```{image} x.png\n:width: 10px\n```")),
    "figura-sin-citar": ("figures_referenced", "nadie cita", edit(ALFA, "Lo anuncia [^\n]*\n", "Sin anuncio.\n")),
    "figura-citada-tarde": (
        "figures_referenced",
        "después de la figura",
        prose(LOOSE_FIGURE.replace("{numref}`fig-x`\n\n", "") + "\nVéase {numref}`fig-x`."),
    ),
    "pocos-ejercicios": (
        "exercises_complete",
        "hay 4 ejercicios",
        edit(ALFA, "```\\{exercise-start\\} Ejercicio 5.*?\\{solution-end\\}\n```\n", ""),
    ),
    "sin-pista": ("exercises_complete", "«ej-alfa-1» no tiene pista", edit(ALFA, ":::\\{hint\\}.*?\n:::\n", "")),
    "sin-solución": (
        "exercises_complete",
        "«ej-alfa-1» no tiene solución",
        edit(ALFA, "```\\{solution-start\\} ej-alfa-1", "```{solution-start} ej-alfa-otro"),
    ),
    "hueco-sin-comprobar": (
        "exercises_complete",
        "no tiene una celda para responder",
        edit(ALFA, 'comprobar\\("fa", mi_fa\\)', "mi_fa(1)"),
    ),
    "solución-sin-comprobar": (
        "exercises_complete",
        "la solución de «ej-alfa-1» no llama",
        edit(ALFA, 'comprobar\\("fa", fa\\)', "fa(1)"),
    ),
    "solución-de-otro": (
        "exercises_complete",
        "el hueco comprueba ['fa'] y la solución ['fb']",
        edit(ALFA, 'comprobar\\("fa", fa\\)', 'comprobar("fb", fa)'),
    ),
    "sin-registrar": (
        "exercises_complete",
        'comprobar("fe") no está registrado',
        edit(ALFA_CHECKER, 'exercise\\("fe"\\)', 'exercise("fa")'),
    ),
    "comprobador-huérfano": (
        "exercises_complete",
        "«fz» no corresponde a ningún ejercicio",
        edit(ALFA_CHECKER, "$", '\n\n@comprobar.exercise("fz")\ndef _(answer):\n    return ""\n'),
    ),
    "imprime-tiempo": (
        "no_printed_times",
        "imprime un tiempo",
        cell("start = time.perf_counter()", "lap = time.perf_counter() - start", 'print(f"{lap:.1f} s")'),
    ),
    "imprime-tiempo-por-función": (
        "no_printed_times",
        "imprime un tiempo",
        cell("def lap():", "    t = perf_counter()", "    return perf_counter() - t", "print(lap())"),
    ),
    "cita-tiempo": (
        "no_printed_times",
        "imprime un tiempo",
        cell("laps = []", "laps.append(time.monotonic())", 'glue("alfa-t", max(laps))'),
    ),
    "mide-con-magia": ("no_printed_times", "imprime un tiempo", cell("%timeit 1 + 1")),
    "ruta": ("no_machine_traces", "nombra una ruta", write("notas.txt", "Está en /" + "tmp/x.\n")),
    "registro": ("no_machine_traces", "registro de paquetes", write("notas.txt", "https://pypi." + "org/simple\n")),
    "índice": (
        "no_machine_traces",
        "registro de paquetes",
        write("notas.txt", "pip install --index" + "-url https://ejemplo.org/simple x\n"),
    ),
    "dirección": ("no_machine_traces", "una dirección privada", write("notas.txt", "Proxy 10." + "0.0.7.\n")),
    "glue-repetido": (
        "glued_names_unique",
        'glue("alfa-n") ya está',
        edit(BETA, 'glue\\("beta-n", "97.3 %"\\)(.*?)glue:text\\}`beta-n', 'glue("alfa-n", 1)\\1glue:text}`alfa-n'),
    ),
}


(
    test_book_follows_the_rules,
    test_sample_book_has_no_faults,
    test_planted_fault_is_found,
    test_every_rule_has_a_planted_fault,
) = rule_tests(RULES, FAULTS, BOOK)


# Lo que se parece a una falta y no lo es.
ALLOWED = {
    "comparar-tiempos": cell("t = time.perf_counter()", "print(time.perf_counter() - t < 60)", "t = 3", "print(t)"),
    "repeat-no-es-un-reloj": cell("x = einops.repeat(y, 'a -> a b', b=2).repeat(2)", "print(x)"),
    "punto-y-coma-en-texto": cell("s = 'fin;'", "# nada;", "a = 1; b = 2"),
    "porcentaje-en-código": prose("Un `5 %` en código, $5\\,\\%$ en fórmula y un [enlace](a%20b)."),
    "índice-de-pytorch": write("notas.txt", "pip install --index-url https://download.pytorch.org/whl/cpu torch\n"),
    "plantilla": write("book/_plantilla.md", "# No es una página\n"),
    "importar-de-antes": write(BETA_MODULE, "from profundo.uno.alfa import teach\n"),
}


@pytest.mark.parametrize("plant", ALLOWED.values(), ids=ALLOWED)
def test_allowed_things_are_not_faults(sample: Project, plant: Callable[[Path], None]) -> None:
    plant(sample.root)
    assert found_by(RULES, sample) == {}
