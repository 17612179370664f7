"""Un libro de muestra con todo lo que puede llevar un capítulo, y los cuadernos que salen de él."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode

ROOT = Path(__file__).parents[2]
SAMPLE = Path(__file__).parent / "libro"  # un capítulo con todo lo que puede llevar, otro que lo cita
SITE = "https://ejemplo.org/libro/"


def make_book(root: Path) -> Path:
    """Escribe el libro de muestra en ``root`` con la configuración, las extensiones y el paquete del proyecto."""
    shutil.copytree(SAMPLE, root, dirs_exist_ok=True)
    for folder in ("book/_ext", "code/profundo"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / folder, root / folder, ignore=ignored, dirs_exist_ok=True)
    shutil.copy2(ROOT / "book" / "referencias.bib", root / "book")
    shutil.copy2(ROOT / "requirements.txt", root)
    config = (ROOT / "_config.yml").read_text(encoding="utf-8")
    lines = [f"  baseurl: {SITE}" if line.startswith("  baseurl:") else line for line in config.splitlines()]
    (root / "_config.yml").write_text("\n".join(lines), encoding="utf-8")
    return root


def build_book(root: Path) -> subprocess.CompletedProcess[str]:
    """Publica los cuadernos del libro de ``root`` con la misma orden que usa el proyecto."""
    environment = {name: value for name, value in os.environ.items() if name != "GITHUB_REPOSITORY"}
    command = [sys.executable, "book/_ext/construir.py", "notebooks"]
    return subprocess.run(command, cwd=root, env=environment, text=True, capture_output=True, check=False)


@pytest.fixture(scope="session")
def build() -> Callable[[Path], subprocess.CompletedProcess[str]]:
    """La orden que publica los cuadernos de un libro."""
    return build_book


@pytest.fixture(scope="session")
def book(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """El libro de muestra, ya publicado."""
    root = make_book(tmp_path_factory.mktemp("libro"))
    outcome = build_book(root)
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    return root


@pytest.fixture(scope="session")
def notebook(book: Path) -> NotebookNode:
    """El cuaderno del capítulo que lo tiene todo."""
    return nbformat.read(book / "_build" / "notebooks" / "muestra" / "todo.ipynb", as_version=4)


@pytest.fixture(scope="session")
def published() -> dict[str, NotebookNode]:
    """Los cuadernos publicados del libro de verdad, por su ruta."""
    folder = ROOT / "_build" / "notebooks"
    found = {path.relative_to(folder).as_posix(): nbformat.read(path, 4) for path in sorted(folder.rglob("*.ipynb"))}
    if not found:
        pytest.fail(f"no hay cuadernos en {folder}: constrúyelos antes con «make notebooks»", pytrace=False)
    return found
