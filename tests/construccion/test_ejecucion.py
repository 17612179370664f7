"""La ejecución única: qué vuelve a ejecutar cada cambio, qué pasa cuando una celda falla o alguien interrumpe."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from ejecucion import (
    ExecutionFailure,
    Project,
    code_cells,
    dependencies,
    execute,
    execute_all,
    load,
    pending,
    stored_path,
)
from juguete import ROOT, chapter, make_book, write

MODULES = {
    "paquete/__init__.py": "",
    "paquete/base.py": "VALUE = 1\n",
    "paquete/directo.py": "from .base import VALUE\n\ndef double():\n    return 2 * VALUE\n",
    "paquete/otro.py": "NAME = 'otro'\n",
}
CHAPTERS = {
    "a/directo": chapter("Directo", "import paquete.base as base", "print('valor', base.VALUE)"),
    "a/indirecto": chapter("Indirecto", "from paquete.directo import double\nprint('doble', double())"),
    "b/aparte": chapter("Aparte", "from paquete import otro\nprint(otro.NAME)"),
}


@pytest.fixture
def book(tmp_path: Path) -> Project:
    project = make_book(tmp_path, CHAPTERS, MODULES)
    assert asyncio.run(execute_all(project, 2, lambda line: None)) == []
    assert pending(project) == []
    return project


def printed(project: Project, document: str) -> str:
    return "".join(o.text for c in code_cells(load(project, document)) for o in c.outputs if o.output_type == "stream")


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_editing_prose_executes_nothing(book: Project) -> None:
    edit(book.source("a/directo"), "Prosa.", "Otra prosa, más larga.\n\n## Y una sección")
    assert pending(book) == []


def test_editing_code_executes_that_chapter(book: Project) -> None:
    edit(book.source("a/directo"), "'valor'", "'el valor'")
    assert pending(book) == ["a/directo"]


@pytest.mark.parametrize(
    ("module", "expected"),
    [
        ("base.py", ["a/directo", "a/indirecto"]),
        ("directo.py", ["a/indirecto"]),
        ("otro.py", ["b/aparte"]),
        ("__init__.py", ["a/directo", "a/indirecto", "b/aparte"]),
    ],
)
def test_editing_a_module_executes_exactly_its_users(book: Project, module: str, expected: list[str]) -> None:
    with (book.code / "paquete" / module).open("a") as stream:
        stream.write("\nEXTRA = 0\n")
    assert pending(book) == expected


def test_outputs_follow_the_module_and_reverting_hits_the_store(book: Project) -> None:
    assert printed(book, "a/indirecto") == "doble 2\n"
    edit(book.code / "paquete" / "base.py", "VALUE = 1", "VALUE = 21")
    asyncio.run(execute_all(book, 2, lambda line: None))
    assert printed(book, "a/indirecto") == "doble 42\n"
    edit(book.code / "paquete" / "base.py", "VALUE = 21", "VALUE = 1")
    assert pending(book) == []
    assert printed(book, "a/indirecto") == "doble 2\n"


def test_changing_the_lock_executes_everything(book: Project) -> None:
    write(book.root / "requirements.txt", "numpy==2.0.1\n")
    assert pending(book) == list(CHAPTERS)


def test_dependencies_follow_every_form_of_import(tmp_path: Path) -> None:
    files = {
        "p/__init__.py": "from . import uno",
        "p/uno.py": "def f():\n    from .sub import hoja  # dentro de una función también cuenta",
        "p/sub/__init__.py": "",
        "p/sub/hoja.py": "from ..dos import X",
        "p/dos.py": "import p.tres",
        "p/tres.py": "X = 1",
        "p/suelto.py": "",
    }
    for name, source in files.items():
        write(tmp_path / name, source)
    assert set(dependencies(tmp_path, ["p.uno"])) == set(files) - {"p/suelto.py"}
    assert dependencies(tmp_path, ["numpy", "torch.nn"]) == {}


def test_failing_cell_is_reported_and_stores_nothing(tmp_path: Path) -> None:
    text = chapter("Falla", "x = 1", "print('antes')\nx / 0")
    project = make_book(tmp_path, {"a/falla": text}, {})
    with pytest.raises(ExecutionFailure) as caught:
        asyncio.run(execute(project, "a/falla"))
    message = str(caught.value)
    assert "book/a/falla.md:" in message
    assert "celda de código 2" in message
    assert "ZeroDivisionError" in message
    assert "x / 0" in message
    assert pending(project) == ["a/falla"]


def test_kernel_death_is_reported(tmp_path: Path) -> None:
    project = make_book(tmp_path, {"a/muere": chapter("Muere", "import os; os._exit(3)")}, {})
    with pytest.raises(ExecutionFailure, match="celda de código 1 no terminó: DeadKernelError"):
        asyncio.run(execute(project, "a/muere"))


def test_kernels_do_not_compete_for_ports(tmp_path: Path) -> None:
    probe = "from ipykernel import get_connection_info\nprint(get_connection_info(unpack=True)['transport'])"
    project = make_book(tmp_path, {"a/nucleo": chapter("Núcleo", probe)}, {})
    asyncio.run(execute(project, "a/nucleo"))
    assert printed(project, "a/nucleo") == "ipc\n"


def test_expected_exception_is_not_a_failure(tmp_path: Path) -> None:
    text = chapter("Anunciada", ":tags: [raises-exception]\n\n1 / 0")
    project = make_book(tmp_path, {"a/anunciada": text}, {})
    asyncio.run(execute(project, "a/anunciada"))
    assert code_cells(load(project, "a/anunciada"))[0].outputs[0].ename == "ZeroDivisionError"


def run_build(project: Project, *formats: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "book/_ext/construir.py", *formats]
    return subprocess.run(command, cwd=project.root, capture_output=True, text=True, check=False)


def page(project: Project, document: str) -> str:
    return (project.root / "_build" / "html" / f"{document}.html").read_text(encoding="utf-8")


def test_site_never_shows_stale_outputs(book: Project) -> None:
    first = run_build(book, "html")
    assert first.returncode == 0, first.stderr
    assert "doble 2" in page(book, "a/indirecto")
    edit(book.code / "paquete" / "base.py", "VALUE = 1", "VALUE = 21")
    second = run_build(book, "html")
    assert second.returncode == 0, second.stderr
    assert "por ejecutar: 2" in second.stdout
    assert "doble 42" in page(book, "a/indirecto")
    notebook = book.root / "_build" / "html" / "descargas" / "cuadernos" / "a" / "indirecto.ipynb"
    assert "doble 42" in notebook.read_text(encoding="utf-8")


def test_new_title_reaches_the_index_of_every_page(book: Project) -> None:
    assert run_build(book, "html").returncode == 0
    edit(book.source("a/directo"), "# Directo", "# Renombrado")
    assert run_build(book, "html").returncode == 0
    assert "Renombrado" in page(book, "b/aparte")


def test_failing_chapter_fails_the_build(book: Project) -> None:
    edit(book.source("b/aparte"), "print(otro.NAME)", "raise ValueError('roto a propósito')")
    outcome = run_build(book, "html")
    assert outcome.returncode == 1
    assert "b/aparte: FALLÓ" in outcome.stdout
    assert "roto a propósito" in outcome.stderr
    assert "book/b/aparte.md" in outcome.stderr


def test_a_warning_fails_the_build_every_time(book: Project) -> None:
    edit(book.source("b/aparte"), "Prosa.", "Véase {ref}`no-existe`.")
    for _ in range(2):  # Sphinx calla la segunda vez si cree que no hay nada que releer
        outcome = run_build(book, "html")
        assert outcome.returncode == 1
        assert "no-existe" in outcome.stderr
    edit(book.source("b/aparte"), "Véase {ref}`no-existe`.", "Prosa.")
    assert run_build(book, "html").returncode == 0


SLOW_PAGES = '; app.connect("html-page-context", lambda *_: __import__("time").sleep(0.2))'


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGKILL])
@pytest.mark.parametrize("moment", ["ejecutando", "escribiendo"])
def test_the_build_after_an_interruption_is_right(book: Project, sent: signal.Signals, moment: str) -> None:
    assert run_build(book, "html").returncode == 0
    edit(book.code / "paquete" / "base.py", "VALUE = 1", "VALUE = 21")
    if moment == "ejecutando":
        edit(book.source("a/indirecto"), "print(", "import time; time.sleep(3)\nprint(")
    else:  # despacio, para que la señal llegue antes del final aunque la máquina esté ocupada
        handler = 'app.connect("html-page-context", page_context, priority=900)'
        edit(book.root / "book" / "_ext" / "sitio.py", handler, handler + SLOW_PAGES)
    command = [sys.executable, "book/_ext/construir.py", "html"]
    with subprocess.Popen(
        command, cwd=book.root, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, start_new_session=True
    ) as process:
        if moment == "ejecutando":
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(1.0)
        else:
            mark = book.root / "_build" / ".doctrees" / "html.terminado"
            wait_for(lambda: not mark.exists())
            time.sleep(0.3)
        os.killpg(process.pid, sent)
        process.wait(timeout=30)
    assert process.returncode != 0
    outcome = run_build(book, "html")
    assert outcome.returncode == 0, outcome.stderr
    assert "doble 42" in page(book, "a/indirecto")
    assert "valor 21" in page(book, "a/directo")
    assert not list(book.store.rglob("*.parcial"))


def wait_for(condition, seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "la construcción no llegó al punto esperado"
        time.sleep(0.02)


def test_truncated_page_is_rewritten_after_an_interruption(book: Project) -> None:
    assert run_build(book, "html").returncode == 0
    target = book.root / "_build" / "html" / "a" / "directo.html"
    target.write_text("<html>a medias")
    (book.root / "_build" / ".doctrees" / "html.terminado").unlink()
    assert run_build(book, "html").returncode == 0
    assert "valor 1" in target.read_text(encoding="utf-8")


def test_changing_the_theme_rewrites_the_pages(book: Project) -> None:
    assert run_build(book, "html").returncode == 0
    edit(book.book / "_ext" / "tema" / "libro" / "layout.html", "Saltar al contenido", "Ir al contenido")
    assert run_build(book, "html").returncode == 0
    assert "Ir al contenido" in page(book, "a/directo")


def test_old_book_file_is_not_offered(book: Project) -> None:
    from construir import book_path, downloads, inputs_digest

    pdf = book_path(book, "pdf")
    write(pdf, "un pdf")
    assert downloads(book) == []
    write(pdf.with_suffix(".origen"), inputs_digest(book))
    assert downloads(book) == ["pdf"]
    edit(book.source("a/directo"), "Prosa.", "Otra.")
    assert downloads(book) == []


def test_the_real_project_is_read_by_the_same_rules() -> None:
    project = Project(ROOT)
    assert "fundamentos/perceptron" in project.chapters()
    files = dependencies(project.code, ["profundo.ejercicios.fundamentos.perceptron"])
    assert "profundo/comun/ejercicios.py" in files
    assert "profundo/convolucionales/lenet.py" not in files


def test_store_keeps_only_the_latest(book: Project) -> None:
    folder = stored_path(book, "a/directo", "x").parent
    for number in range(10):
        shutil.copy(next(folder.glob("*.ipynb")), folder / f"viejo{number}.ipynb")
    write(folder / "resto.parcial", "")
    asyncio.run(execute(book, "a/directo"))
    assert len(list(folder.glob("*.ipynb"))) == 6
    assert not list(folder.glob("*.parcial"))
