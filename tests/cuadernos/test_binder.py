"""La rama ``notebooks`` basta para Binder: sus archivos instalan el bloqueo y en ella un cuaderno da lo publicado."""

import re
import sys
from pathlib import Path

import nbformat
from ejecucion import Project
from entornos import ROOT, call, new_environment, pinned, project_repository, replay, seed, setup_position
from nbformat import NotebookNode
from packaging.version import Version


def test_the_branch_installs_the_lock_and_runs_a_notebook(published: dict[str, NotebookNode], tmp_path: Path) -> None:
    """La rama que arma la integración continua, en una carpeta aparte, instalada como lo hace repo2docker."""
    repository = project_repository(tmp_path / "libro")
    branch = tmp_path / "rama"
    call("bash", ".ci/rama", ROOT / "_build" / "notebooks", branch, cwd=repository)
    environment = new_environment(tmp_path / "entorno", pip=True)
    # Binder trae su Jupyter; lo demás lo dice la rama.
    kernel = ("--constraint", branch / "requirements.txt", "ipykernel")
    call(sys.executable, "-m", "uv", "pip", "install", "-q", "--python", environment.python, *kernel)
    # La falta plantada: antes de instalar, un cuaderno no arranca.
    assert replay(environment, first_cell(published, branch), tmp_path / "antes").failed == [0]

    # Si el índice de PyTorch no responde, el de siempre también tiene torch: basta un reintento.
    settings = {"PIP_RETRIES": "1", "PIP_NO_COMPILE": "1"}
    call(environment.python, "-m", "pip", "install", "-q", "-r", ".binder/requirements.txt", cwd=branch, env=settings)
    installed = environment.versions()
    assert {"profundo", "torch", "palmerpenguins"} <= set(installed)
    assert unlocked(installed, pinned(branch / "requirements.txt")) == {}
    chapters = Project(ROOT).chapters()
    result = replay(environment, branch / f"{chapters[seed() % len(chapters)]}.ipynb", tmp_path / "después")
    assert result.failed == [], result.report


def first_cell(published: dict[str, NotebookNode], folder: Path) -> Path:
    """Un cuaderno que solo se prepara."""
    notebook = next(iter(published.values()))
    setup = notebook.cells[setup_position(notebook)]
    path = folder / "preparado.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=[nbformat.from_dict(setup)]), path)
    return path


def unlocked(installed: dict[str, str], lock: dict[str, str]) -> dict[str, str]:
    """Lo instalado que no está en el bloqueo, o está en otra versión; «+cpu» dice cómo se compiló, no la versión."""
    ours = {"profundo", "pip"}
    return {name: v for name, v in installed.items() if name not in ours and Version(v).public != lock.get(name)}


def test_what_the_lock_does_not_say_is_found() -> None:
    lock = {"torch": "2.13.0", "numpy": "2.4.6"}
    assert unlocked({"torch": "2.13.0+cpu", "numpy": "2.4.6", "pip": "24.0", "profundo": "0.1.0"}, lock) == {}
    assert unlocked({"torch": "2.12.0+cpu", "scipy": "1.17.1"}, lock) == {"torch": "2.12.0+cpu", "scipy": "1.17.1"}


def test_binder_has_the_python_of_the_lock() -> None:
    [version] = re.findall(r"--python-version (\S+)", (ROOT / "Makefile").read_text(encoding="utf-8"))
    assert (ROOT / ".binder" / "runtime.txt").read_text(encoding="utf-8").strip() == f"python-{version}"
