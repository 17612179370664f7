"""Ejecuta cada capítulo una sola vez y guarda el resultado bajo una clave que resume todo aquello de lo que depende.

La clave cubre el código del capítulo, los módulos de ``profundo`` que importa (también a través de otros), las
versiones bloqueadas, la versión de Python y este archivo. De ahí se sigue lo que se quiere: cambiar un módulo vuelve a
ejecutar solo los capítulos que lo usan, cambiar la prosa no ejecuta nada y deshacer un cambio recupera lo guardado.

Cada resultado es un archivo que aparece entero o no aparece (``os.replace``): una interrupción no deja nada a medias.
"""

import ast
import asyncio
import hashlib
import json
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import nbformat
import yaml
from myst_nb.core.read import is_myst_markdown_notebook, read_myst_markdown_notebook
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbformat import NotebookNode
from nucleos import AsyncSocketKernelManager

KEPT_PER_CHAPTER = 6
CELL_TIMEOUT_S = 300
# Un hilo por núcleo de cálculo y sin azar en los diccionarios: la misma máquina imprime siempre lo mismo.
KERNEL_ENV = {
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "PYTHONHASHSEED": "0",
    "PROFUNDO_PROGRESO": "0",
    "MPLBACKEND": "module://matplotlib_inline.backend_inline",
}
RUN_TAGS = {"raises-exception", "skip-execution"}  # las únicas etiquetas que cambian la ejecución
# Memoria máxima y segundos de procesador del núcleo de Jupyter, que no dependen de qué más haga la máquina.
USAGE_PROBE = "(lambda u: (u.ru_maxrss, u.ru_utime + u.ru_stime))(__import__('resource').getrusage(0))"


@dataclass(frozen=True)
class Project:
    """Dónde está cada cosa. Las pruebas lo apuntan a un libro de juguete."""

    root: Path

    @property
    def book(self) -> Path:
        return self.root / "book"

    @property
    def code(self) -> Path:
        return self.root / "code"

    @property
    def store(self) -> Path:
        return self.root / "_build" / "ejecuciones"

    def documents(self) -> list[str]:
        """Los documentos de ``_toc.yml``, en orden de lectura."""
        toc = yaml.safe_load((self.root / "_toc.yml").read_text(encoding="utf-8"))
        found = [toc["root"]]

        def walk(node: object) -> None:
            if isinstance(node, dict):
                if "file" in node:
                    found.append(node["file"])
                for key in ("parts", "chapters", "sections"):
                    walk(node.get(key, []))
            elif isinstance(node, list):
                for child in node:
                    walk(child)

        walk({k: v for k, v in toc.items() if k != "root"})
        return found

    def parts(self) -> list[tuple[str, list[str]]]:
        """Las partes del libro, con el título y los capítulos de cada una."""
        toc = yaml.safe_load((self.root / "_toc.yml").read_text(encoding="utf-8"))
        return [(part["caption"], [chapter["file"] for chapter in part["chapters"]]) for part in toc["parts"]]

    def source(self, document: str) -> Path:
        """El archivo Markdown de un documento."""
        return self.book / f"{document}.md"

    def chapters(self) -> list[str]:
        """Los documentos que se ejecutan."""
        return [d for d in self.documents() if is_myst_markdown_notebook(self.source(d).read_text(encoding="utf-8"))]


class ExecutionFailure(Exception):
    """Una celda falló: dice el capítulo, la celda y la traza."""


# --- La clave -------------------------------------------------------------------------------------------------------


def _imports(source: str, module: str | None, is_package: bool = False) -> set[str]:
    """Nombres de módulos (o de sus atributos) que importa un código; ``module`` resuelve los relativos."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level and module:
                parts = module.split(".")
                parts = parts[: len(parts) - node.level + is_package]
                base = ".".join(parts + ([node.module] if node.module else []))
            found.add(base)
            found |= {f"{base}.{alias.name}" for alias in node.names}
    return found


@cache
def _parsed_imports(path: Path, module: str, digest: str) -> frozenset[str]:
    return frozenset(_imports(path.read_text(encoding="utf-8"), module, path.name == "__init__.py"))


def _module_file(code: Path, module: str) -> Path | None:
    base = code.joinpath(*module.split("."))
    for candidate in (base.with_suffix(".py"), base / "__init__.py"):
        if candidate.is_file():
            return candidate
    return None


def dependencies(code: Path, names: Iterable[str]) -> dict[str, str]:
    """Archivos locales que se importan desde ``names``, directa o indirectamente, con el resumen de su contenido."""
    pending, seen, files = list(names), set(), {}
    while pending:
        name = pending.pop()
        if not name or name in seen:
            continue
        seen.add(name)
        pending.append(name.rpartition(".")[0])  # importar a.b ejecuta también a/__init__.py
        path = _module_file(code, name)
        if path is None:
            continue
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        files[path.relative_to(code).as_posix()] = digest
        pending.extend(_parsed_imports(path, name, digest))
    return dict(sorted(files.items()))


def _python_only(source: str) -> str:
    """El código sin órdenes de IPython, para poder leer sus importaciones."""
    return "\n".join("" if line.lstrip().startswith(("%", "!")) else line for line in source.splitlines())


def read_chapter(project: Project, document: str, text: str | None = None) -> NotebookNode:
    """El capítulo como cuaderno sin salidas."""
    path = project.source(document)
    text = path.read_text(encoding="utf-8") if text is None else text
    notebook = read_myst_markdown_notebook(text, add_source_map=True, path=path)
    notebook.metadata["language_info"] = {"name": "python"}
    return notebook


def code_cells(notebook: NotebookNode) -> list[NotebookNode]:
    """Las celdas de código, en orden."""
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def cache_key(project: Project, notebook: NotebookNode) -> str:
    """La clave de ejecución de un capítulo."""
    cells = code_cells(notebook)
    names: set[str] = set()
    for cell in cells:
        try:
            names |= _imports(_python_only(cell.source), None)
        except SyntaxError:
            continue  # la ejecución dirá dónde está el error
    lock = project.root / "requirements.txt"
    content = {
        "celdas": [[c.source, sorted(RUN_TAGS & set(c.metadata.get("tags", [])))] for c in cells],
        "módulos": dependencies(project.code, names),
        "versiones": hashlib.sha256(lock.read_bytes()).hexdigest() if lock.exists() else "",
        "python": [platform.python_version(), sys.platform, platform.machine()],
        "ejecutor": hashlib.sha256(Path(__file__).read_bytes()).hexdigest(),
    }
    return hashlib.sha256(json.dumps(content, ensure_ascii=False).encode()).hexdigest()[:24]


# --- El almacén -----------------------------------------------------------------------------------------------------


def stored_path(project: Project, document: str, key: str) -> Path:
    """Dónde está (o estará) la ejecución de un capítulo con una clave."""
    return project.store / document / f"{key}.ipynb"


def _write_whole(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".parcial")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(text)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def _prune(folder: Path) -> None:
    for partial in folder.glob("*.parcial"):
        partial.unlink(missing_ok=True)
    entries = sorted(folder.glob("*.ipynb"), key=lambda p: p.stat().st_mtime, reverse=True)
    for old in entries[KEPT_PER_CHAPTER:]:
        old.unlink(missing_ok=True)


# --- La ejecución ---------------------------------------------------------------------------------------------------


async def _usage(client: NotebookClient) -> tuple[int, float]:
    """Memoria máxima (MiB) y tiempo de procesador (s) de lo que se ejecutó."""
    kernel: Any = client.kc
    request = kernel.execute("", silent=True, user_expressions={"u": USAGE_PROBE})
    while True:
        reply = await kernel.get_shell_msg(timeout=10)
        if reply["parent_header"].get("msg_id") == request:
            break
    memory, seconds = ast.literal_eval(reply["content"]["user_expressions"]["u"]["data"]["text/plain"])
    # ru_maxrss está en KiB en Linux y en bytes en macOS.
    return round(memory / (1024 if sys.platform != "darwin" else 1024**2)), seconds


async def execute(project: Project, document: str) -> Path:
    """Ejecuta un capítulo en una carpeta vacía y guarda el resultado.

    Raises:
        ExecutionFailure: si una celda lanza una excepción que no estaba anunciada.
    """
    notebook = read_chapter(project, document)
    key = cache_key(project, notebook)
    with tempfile.TemporaryDirectory() as folder:
        client = NotebookClient(
            notebook,
            timeout=CELL_TIMEOUT_S,
            kernel_name="python3",
            kernel_manager_class=AsyncSocketKernelManager,
            record_timing=False,
            resources={"metadata": {"path": folder}},
            extra_arguments=["--log-level=ERROR"],
            shutdown_kernel="immediate",
            coalesce_streams=True,
        )
        number = 0
        try:
            # El código que se ejecuta es el de este árbol, el mismo que resume la clave, y no otro instalado.
            environment = os.environ | KERNEL_ENV | {"PYTHONPATH": str(project.code)}
            async with client.async_setup_kernel(env=environment, cwd=folder):
                for index, cell in enumerate(notebook.cells):
                    if cell.cell_type == "code":
                        number += 1
                        await client.async_execute_cell(cell, index, execution_count=number)
                memory, seconds = await _usage(client)
        except CellExecutionError as error:
            line = notebook.metadata["source_map"][index]
            where = f"{project.source(document).relative_to(project.root)}:{line}"
            raise ExecutionFailure(f"{where}: falló la celda de código {number}\n{error}") from None
        except Exception as error:
            raise ExecutionFailure(
                f"{project.source(document).relative_to(project.root)}: la celda de código {number} no terminó: "
                f"{type(error).__name__}: {error}"
            ) from error
    notebook.metadata["ejecucion"] = {
        "clave": key,
        "fecha": datetime.now(UTC).strftime("%Y-%m-%d"),
        "segundos": round(seconds, 1),
        "memoria_mib": memory,
    }
    path = stored_path(project, document, key)
    _write_whole(path, nbformat.writes(notebook))
    _prune(path.parent)
    return path


def load(project: Project, document: str, text: str | None = None) -> NotebookNode:
    """El capítulo con las salidas de su única ejecución; si no la hay todavía, lo ejecuta."""
    notebook = read_chapter(project, document, text)
    path = stored_path(project, document, cache_key(project, notebook))
    if not path.exists():
        asyncio.run(execute(project, document))
    stored = nbformat.read(path, as_version=4)
    for cell, executed in zip(code_cells(notebook), code_cells(stored), strict=True):
        cell.outputs = executed.outputs
        cell.execution_count = executed.execution_count
    notebook.metadata["ejecucion"] = stored.metadata["ejecucion"]
    return notebook


def pending(project: Project) -> list[str]:
    """Los capítulos cuya ejecución guardada falta o ya no corresponde."""
    missing = []
    for document in project.chapters():
        path = stored_path(project, document, cache_key(project, read_chapter(project, document)))
        if path.exists():
            os.utime(path)  # lo usado es lo último que se poda
        else:
            missing.append(document)
    return missing


async def execute_all(project: Project, jobs: int, report: Callable[[str], None]) -> list[str]:
    """Ejecuta lo pendiente, ``jobs`` capítulos a la vez.

    Returns:
        Los mensajes de los capítulos que fallaron (vacío si todo fue bien).
    """
    documents = pending(project)
    total = len(project.chapters())
    report(f"Capítulos: {total}; por ejecutar: {len(documents)}.")
    gate, failures, left = asyncio.Semaphore(jobs), [], len(documents)

    async def one(document: str) -> None:
        nonlocal left
        async with gate:
            started, outcome = time.perf_counter(), "listo"
            try:
                await execute(project, document)
            except ExecutionFailure as failure:
                failures.append(str(failure))
                outcome = "FALLÓ"
            left -= 1
            report(f"  {document}: {outcome} en {time.perf_counter() - started:.1f} s; faltan {left}")

    await asyncio.gather(*(one(document) for document in documents))
    return failures
