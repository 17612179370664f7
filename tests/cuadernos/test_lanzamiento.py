"""Cada cuaderno se abre en frío en Colab: se instala solo, no cambia nada de lo que había y da lo publicado.

Aquí no hay Colab: hay un entorno con los paquetes que trae, en sus versiones, una carpeta vacía y la primera celda tal
como se publica. Git cambia la dirección del repositorio por la de una copia local.
"""

import ast
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import nbformat
import pytest
from cuadernos import commit
from ejecucion import Project
from entornos import (
    COLAB,
    IMAGES,
    ROOT,
    Environment,
    Replay,
    call,
    colab_environment,
    copy_environment,
    pinned,
    project_repository,
    replay,
    save_changes,
    seed,
    setup_position,
)
from nbformat import NotebookNode

SAMPLE_SIZE = 3  # cada cuaderno paga su instalación: se toman unos pocos, que cambian con cada commit
ADDRESS = re.compile(r"git\+(https://\S+)@([0-9a-f]{40}|main)")
LIMITS = "-c {limits} "


def sample(chapters: list[str], seed: int, size: int = SAMPLE_SIZE) -> list[str]:
    """Los capítulos que se prueban: todos si caben; si no, unos pocos de varias partes, y otros con cada semilla."""
    parts: dict[str, list[str]] = {}
    for chapter in chapters:
        parts.setdefault(chapter.split("/")[0], []).append(chapter)
    # El primero de cada parte, luego el segundo de cada una…; cada semilla toma los que siguen a los de la anterior.
    rounds = [names[i] for i in range(len(chapters)) for names in parts.values() if i < len(names)]
    chosen = {rounds[(size * seed + i) % len(rounds)] for i in range(size)}
    return [chapter for chapter in chapters if chapter in chosen]


CHAPTERS = Project(ROOT).chapters()
SAMPLE = sample(CHAPTERS, seed())


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """El repositorio del que se instala."""
    return project_repository(tmp_path_factory.mktemp("repositorio") / "libro")


@dataclass(frozen=True)
class Launch:
    """Un cuaderno ejecutado en el entorno de Colab, y lo que había instalado antes y después."""

    environment: Environment
    result: Replay
    before: dict[str, str]
    after: dict[str, str]

    def changed(self) -> dict[str, str | None]:
        """Lo que estaba instalado y ya no lo está, o está en otra versión."""
        return {name: self.after.get(name) for name, version in self.before.items() if self.after.get(name) != version}


def launch(base: Environment, notebook: NotebookNode, repository: Path, folder: Path) -> Launch:
    """Abre un cuaderno en un Colab recién hecho."""
    environment = copy_environment(base, folder / "entorno")
    setup = notebook.cells[setup_position(notebook)]
    setup.metadata["tags"] = ["nbval-ignore-output"]  # pip cuenta lo que hace; que no falle sí se comprueba
    [(address, version)] = ADDRESS.findall(setup.source)
    if commit(repository) != commit(ROOT):  # con cambios sin guardar, o en una prueba que los pone a propósito
        setup.source = setup.source.replace(f"@{version}", f"@{commit(repository)}")
    path = folder / "vacía" / "cuaderno.ipynb"
    path.parent.mkdir()
    nbformat.write(notebook, path)
    number = int(os.environ.get("GIT_CONFIG_COUNT", "0"))
    settings = {
        "GIT_CONFIG_COUNT": str(number + 1),
        f"GIT_CONFIG_KEY_{number}": f"url.{repository.as_uri()}.insteadOf",
        f"GIT_CONFIG_VALUE_{number}": address,
    }
    before = environment.versions()
    result = replay(environment, path, folder / "jupyter", colab=True, settings=settings)
    return Launch(environment, result, before, environment.versions())


@pytest.fixture(scope="module")
def colab(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """El entorno de Colab, antes de abrir nada."""
    return colab_environment(tmp_path_factory.mktemp("colab") / "entorno")


@pytest.fixture(scope="module")
def opened(
    colab: Environment, repository: Path, published: dict[str, NotebookNode], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], Launch]:
    """Abre en frío el cuaderno de un capítulo, una sola vez."""
    done: dict[str, Launch] = {}

    def open_once(chapter: str) -> Launch:
        if chapter not in done:
            notebook = nbformat.from_dict(published[f"{chapter}.ipynb"])
            done[chapter] = launch(colab, notebook, repository, tmp_path_factory.mktemp("lanzamiento"))
        return done[chapter]

    return open_once


@pytest.mark.parametrize("chapter", SAMPLE)
def test_a_notebook_opens_cold_in_colab(chapter: str, opened: Callable[[str], Launch]) -> None:
    """Se instala, no cambia nada de lo que había y cada salida es la publicada."""
    opening = opened(chapter)
    assert opening.result.failed == [], opening.result.report
    assert opening.changed() == {}
    new = set(opening.after) - set(opening.before)
    assert {"profundo", "jaxtyping", "palmerpenguins"} <= new  # lo que Colab no trae


def test_every_notebook_finds_what_it_imports(
    opened: Callable[[str], Launch], published: dict[str, NotebookNode], tmp_path: Path
) -> None:
    """También los que no tocó abrir: sus importaciones funcionan después de la primera celda."""
    environment = opened(SAMPLE[0]).environment
    statements = sorted({one for notebook in published.values() for one in imports(notebook)})
    assert any("profundo" in one for one in statements)
    failed = environment.failed_imports([*statements, "import hypothesis"], tmp_path)
    assert failed == ["import hypothesis: No module named 'hypothesis'"]  # la falta plantada


def imports(notebook: NotebookNode) -> set[str]:
    """Las instrucciones que importan algo, en cualquier lugar de sus celdas."""
    cells = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    sources = [re.sub(r"(?m)^(\s*)%+.*$", r"\1pass", source) for source in cells]
    nodes = [node for source in sources for node in ast.walk(ast.parse(source))]
    return {ast.unparse(node) for node in nodes if isinstance(node, ast.Import | ast.ImportFrom)}


def test_imports_are_found_wherever_they_are() -> None:
    source = "%matplotlib inline\nimport os, sys\ndef f():\n    %time x\n    from a.b import c as d"
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)])
    assert imports(notebook) == {"import os, sys", "from a.b import c as d"}


@pytest.fixture(scope="module")
def demanding(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """El mismo repositorio, con un paquete que pide una versión posterior a la que trae Colab."""
    folder = tmp_path_factory.mktemp("exigente") / "libro"
    call("git", "clone", "--quiet", repository.as_uri(), folder)
    project = folder / "pyproject.toml"
    text = project.read_text(encoding="utf-8")
    newer = f'dependencies = [\n    "packaging>{pinned(COLAB)["packaging"]}",'
    project.write_text(text.replace("dependencies = [", newer, 1), encoding="utf-8")
    save_changes(folder, folder)
    return folder


def short_notebook(published: dict[str, NotebookNode], *sources: str) -> NotebookNode:
    """La primera celda del libro y algunas más."""
    notebook = published[f"{SAMPLE[0]}.ipynb"]
    setup = nbformat.from_dict(notebook.cells[setup_position(notebook)])
    cells = [nbformat.v4.new_code_cell(source, execution_count=i) for i, source in enumerate(sources, 2)]
    return nbformat.v4.new_notebook(cells=[setup, *cells])


def test_what_colab_cannot_satisfy_is_found(
    colab: Environment, demanding: Path, published: dict[str, NotebookNode], tmp_path: Path
) -> None:
    """Un requisito que obligaría a cambiar lo instalado: el cuaderno no arranca y la prueba lo ve."""
    opening = launch(colab, short_notebook(published), demanding, tmp_path)
    assert opening.result.failed == [0]
    assert opening.changed() == {}


def test_a_changed_version_and_a_missing_package_are_found(
    colab: Environment, demanding: Path, published: dict[str, NotebookNode], tmp_path: Path
) -> None:
    """Sin sus límites la primera celda cambiaría lo instalado; y una celda puede pedir lo que nadie instala."""
    notebook = short_notebook(published, "import numpy", "import hypothesis")
    setup = notebook.cells[0]
    assert LIMITS in setup.source
    setup.source = setup.source.replace(LIMITS, "")
    opening = launch(colab, notebook, demanding, tmp_path)
    assert opening.result.failed == [2]
    assert "packaging" in opening.changed()


@pytest.mark.parametrize("size", [3, 12, 100])
def test_the_sample_rotates_over_every_chapter(size: int) -> None:
    chapters = [f"parte{part}/tema{i}" for part in range(12) for i in range(3 + part)]
    seen: set[str] = set()
    for turn in range(100):
        chosen = sample(chapters, turn, size)
        assert chosen == [chapter for chapter in chapters if chapter in chosen]
        assert len(chosen) == size
        assert len({chapter.split("/")[0] for chapter in chosen}) >= min(2, size)
        seen |= set(chosen)
    assert seen == set(chapters)
    assert sample(chapters[:5], 7, 12) == chapters[:5]


def test_only_the_bytes_of_images_are_not_compared() -> None:
    pattern = re.findall("(?m)^regex: (.*)$", IMAGES)[0]
    page = '<img src="data:image/png;base64,aB+/=" alt="Un punto">{} = [[1,20,"aB=="],[3,4,"cD"]]; ["paso 1"]'
    assert re.sub(pattern, "", page) == '<img src="data:image/png;" alt="Un punto">{} = [[],[]]; ["paso 1"]'
