"""Construye el libro: ejecuta los capítulos una vez y de esa ejecución saca cada formato.

Uso: ``python book/_ext/construir.py notebooks html pdf epub nbval`` (los que hagan falta) desde la raíz del proyecto.
"""

import argparse
import asyncio
import hashlib
import multiprocessing
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from cuadernos import commit
from ejecucion import KERNEL_ENV, Project, execute_all
from impresion import MissingTool, PrintError, make_epub, make_pdf, require_tools
from jupyter_book.sphinx import build_sphinx
from plan import title

EXTENSIONS = Path(__file__).resolve().parent
FORMATS = ("notebooks", "html", "pdf", "epub", "nbval")
INDEPENDENT = ("notebooks", "pdf", "epub")  # los demás usan lo que estos dejan hecho
BUILDERS = {"notebooks": "cuadernos", "html": "html", "pdf": "latex", "epub": "epub"}
BOOK_FORMATS = ("pdf", "epub")
BOOK_FILE = "aprendizaje-profundo"


class BuildError(Exception):
    """La construcción falló; el mensaje dice qué."""


def say(line: str) -> None:
    """Informa del progreso sin esperar a que se llene la memoria intermedia."""
    print(line, flush=True)


def run_chapters(project: Project) -> None:
    """Ejecuta los capítulos pendientes, tantos a la vez como núcleos."""
    failures = asyncio.run(execute_all(project, os.cpu_count() or 1, say))
    if failures:
        listing = "\n\n".join(failures)
        raise BuildError(f"{listing}\n\nFallaron {len(failures)} capítulos: no se construye nada con salidas viejas.")


def book_path(project: Project, fmt: str) -> Path:
    """Dónde queda el libro entero en PDF o EPUB."""
    return project.root / "_build" / fmt / f"{BOOK_FILE}.{fmt}"


def inputs_digest(project: Project) -> str:
    """Resumen de todo aquello de lo que sale el libro: textos, código, extensiones, configuración y versiones."""
    digest = hashlib.sha256(os.environ.get("GITHUB_REPOSITORY", "").encode())
    folders = [path for folder in (project.book, project.code) for path in folder.rglob("*")]
    for path in sorted([*folders, *(project.root / name for name in ("_config.yml", "_toc.yml", "requirements.txt"))]):
        if path.is_file() and not {"__pycache__", "profundo.egg-info"} & set(path.parts):
            digest.update(f"{path.relative_to(project.root)}\0".encode() + path.read_bytes())
    return digest.hexdigest()


def tools_digest(project: Project) -> str:
    """Resumen de lo que cambia todas las páginas: extensiones, tema, configuración, orden y títulos."""
    digest = hashlib.sha256((project.root / "_config.yml").read_bytes() + (project.root / "_toc.yml").read_bytes())
    for document in project.documents():
        digest.update(title(project, document).encode())
    for path in sorted((project.book / "_ext").rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            digest.update(path.read_bytes())
    return digest.hexdigest()


def downloads(project: Project) -> list[str]:
    """Los formatos del libro entero que están construidos con el contenido de ahora; uno viejo no se ofrece."""
    current = inputs_digest(project)
    origins = {fmt: book_path(project, fmt).with_suffix(".origen") for fmt in BOOK_FORMATS}
    return [fmt for fmt, origin in origins.items() if origin.exists() and origin.read_text() == current]


def run_sphinx(project: Project, fmt: str, out: Path) -> None:
    """Construye con Sphinx, si algo cambió; cualquier aviso es un fallo.

    Mientras trabaja falta la marca de lo terminado. Si falta al empezar (porque algo falló o alguien interrumpió) o es
    de otra versión de las herramientas, se empieza de cero: Sphinx daría por buena una página a medio escribir,
    callaría los avisos de lo que no relee y no sabe que el tema o una extensión cambiaron.
    """
    doctrees = project.root / "_build" / ".doctrees" / fmt
    mark = doctrees.with_suffix(".terminado")
    tools = tools_digest(project)
    context = {"descargas": downloads(project)}
    finished = f"{tools} {inputs_digest(project)} {context} {commit(project.root)}"
    previous = mark.read_text() if mark.exists() and out.exists() else ""
    if previous == finished:
        return
    if not previous.startswith(tools):
        shutil.rmtree(doctrees, ignore_errors=True)
        shutil.rmtree(out, ignore_errors=True)
    mark.unlink(missing_ok=True)
    outcome = build_sphinx(
        project.book,
        out,
        path_config=project.root / "_config.yml",
        noconfig=True,
        confoverrides={
            "latex_individualpages": False,
            "external_toc_path": str(project.root / "_toc.yml"),
            "html_context": context,
        },
        doctreedir=doctrees,
        builder=BUILDERS[fmt],
        warningiserror=True,
        keep_going=True,
        quiet=True,
    )
    if isinstance(outcome, KeyboardInterrupt):
        raise outcome
    if outcome != 0:
        raise BuildError(f"Sphinx encontró los problemas de arriba al construir {fmt}.")
    mark.write_text(finished)


def offer_downloads(project: Project, site: Path) -> None:
    """Copia al sitio los cuadernos y, si están, el PDF y el EPUB."""
    build, target = project.root / "_build", site / "descargas"
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(build / "notebooks", target / "cuadernos")
    for fmt in downloads(project):
        shutil.copy2(book_path(project, fmt), target)


def remove_orphans(project: Project, notebooks: Path) -> None:
    """Borra los cuadernos de capítulos que ya no existen."""
    current = {notebooks / f"{document}.ipynb" for document in project.chapters()}
    for path in set(notebooks.rglob("*.ipynb")) - current:
        path.unlink()


def nbval_command(folder: Path) -> list[str]:
    """La orden que vuelve a ejecutar cuadernos de ``folder``, sin nada que relaje la comparación."""
    options = ["--nbval", "-p", "nucleos", "-p", "no:cacheprovider", "-c", os.devnull, "--rootdir", str(folder), "-q"]
    return [sys.executable, "-m", "pytest", *options]


def nbval_environment(project: Project) -> dict[str, str]:
    """El entorno de esa orden: el paquete de este árbol y las extensiones, donde está ``nucleos``."""
    return os.environ | KERNEL_ENV | {"PYTHONPATH": os.pathsep.join([str(project.code), str(EXTENSIONS)])}


def run_nbval(project: Project) -> None:
    """Ejecuta de nuevo los cuadernos publicados, de dos en dos, y compara todas sus salidas."""
    folder = project.root / "_build" / "notebooks"
    if not any(folder.rglob("*.ipynb")):
        raise BuildError(f"No hay cuadernos en {folder}: constrúyelos con «make notebooks».")
    command = [*nbval_command(folder), "-n", "2", "--dist", "loadfile", str(folder)]
    if subprocess.run(command, env=nbval_environment(project), cwd=folder, check=False).returncode:
        raise BuildError("Algún cuaderno no reproduce sus salidas.")


def build(project: Project, fmt: str) -> Path:
    """Construye un formato y devuelve dónde quedó."""
    folder = project.root / "_build"
    if fmt == "nbval":
        run_nbval(project)
        return folder / "notebooks"
    if fmt in BOOK_FORMATS:
        book = book_path(project, fmt)
        if fmt in downloads(project):
            return book
        shutil.rmtree(book.parent, ignore_errors=True)
        run_sphinx(project, fmt, folder / f"{fmt}-fuentes")
        (make_pdf if fmt == "pdf" else make_epub)(folder / f"{fmt}-fuentes", book)
        book.with_suffix(".origen").write_text(inputs_digest(project))
        return book
    run_sphinx(project, fmt, folder / fmt)
    if fmt == "notebooks":
        remove_orphans(project, folder / fmt)
    if fmt == "html":
        offer_downloads(project, folder / fmt)
        return folder / fmt / "index.html"
    return folder / fmt


def timed_build(project: Project, fmt: str) -> str:
    """Construye un formato y cuenta cuánto tardó."""
    started = time.perf_counter()
    place = build(project, fmt)
    return f"{fmt}: listo en {time.perf_counter() - started:.1f} s. Abre {place}"


def build_all(project: Project, formats: list[str]) -> Iterator[str]:
    """Construye los formatos y anuncia cada uno: primero, a la vez, los que no usan a otros; después, los demás."""
    first = [fmt for fmt in formats if fmt in INDEPENDENT]
    if len(first) > 1:
        workers = min(len(first), os.cpu_count() or 1)
        with ProcessPoolExecutor(workers, multiprocessing.get_context("spawn"), max_tasks_per_child=1) as pool:
            for done in as_completed([pool.submit(timed_build, project, fmt) for fmt in first]):
                yield done.result()
    for fmt in formats if len(first) <= 1 else [fmt for fmt in formats if fmt not in first]:
        yield timed_build(project, fmt)


def usable(fmt: str, *, tolerant: bool) -> bool:
    """Si están los programas que pide un formato; se mira antes de ejecutar nada.

    Raises:
        MissingTool: si falta alguno y no se tolera.
    """
    try:
        if fmt in BOOK_FORMATS:
            require_tools(fmt)
    except MissingTool as error:
        if not tolerant:
            raise
        say(f"{fmt}: omitido. {error}")
        return False
    return True


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("formats", nargs="+", choices=FORMATS, metavar="formato", help=", ".join(FORMATS))
    parser.add_argument("--root", type=Path, default=Path.cwd(), help="raíz del proyecto")
    parser.add_argument("--opcional", action="store_true", help="salta los formatos cuya herramienta falta")
    arguments = parser.parse_args()
    formats = arguments.formats
    if "html" in formats and "notebooks" not in formats:
        formats = ["notebooks", *formats]  # el sitio ofrece los cuadernos: han de ser los de esta ejecución
    project = Project(arguments.root.resolve())
    tolerant = arguments.opcional and os.environ.get("CI") != "true" and os.environ.get("REQUIRE_ALL") != "1"
    try:
        formats = [fmt for fmt in formats if usable(fmt, tolerant=tolerant)]
        if formats != ["nbval"]:
            run_chapters(project)
        for line in build_all(project, formats):
            say(line)
    except (BuildError, PrintError) as error:
        print(f"\n{error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nInterrumpido. La próxima construcción sigue desde lo que quedó completo.", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
