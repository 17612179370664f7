"""Entornos virtuales recién hechos, para abrir los cuadernos como quien los recibe por primera vez."""

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from importlib.metadata import distribution
from pathlib import Path

import nbformat
from construir import nbval_command, nbval_environment
from cuadernos import commit
from ejecucion import Project
from herramientas import missing_tool
from nbformat import NotebookNode
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
COLAB = ROOT / "tests" / "cuadernos" / "colab.txt"
LIST_VERSIONS = (
    "import importlib.metadata as m, json; print(json.dumps({d.name: d.version for d in m.distributions()}))"
)
LIST_FAILED = """
import sys, traceback
for line in sys.stdin.read().splitlines():
    try:
        exec(line, {})
    except Exception as error:
        print(f"{line}: {error}")
"""


class CommandError(AssertionError):
    """Una orden terminó mal; el mensaje trae lo que dijo."""


def call(*command: str | Path, cwd: Path | None = None, env: dict[str, str] | None = None, given: str = "") -> str:
    """Corre una orden y devuelve lo que escribe.

    Raises:
        CommandError: si termina mal.
    """
    # Sin lo que el entorno que corre las pruebas dice a sus propios intérpretes.
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV"))}
    run = subprocess.run(
        command, cwd=cwd, env=inherited | (env or {}), input=given, capture_output=True, text=True, check=False
    )
    if run.returncode:
        raise CommandError(f"{' '.join(map(str, command))}\n{run.stdout}\n{run.stderr}")
    return run.stdout


@dataclass(frozen=True)
class Environment:
    """Un entorno virtual en su carpeta."""

    folder: Path

    @property
    def python(self) -> Path:
        return self.folder / "bin" / "python"

    @property
    def packages(self) -> Path:
        """La carpeta donde se instalan sus paquetes."""
        return self.folder / "lib" / f"python{sys.version_info.major}.{sys.version_info.minor}" / "site-packages"

    def versions(self) -> dict[str, str]:
        """La versión de cada paquete instalado."""
        listed = json.loads(call(self.python, "-c", LIST_VERSIONS))
        return {canonicalize_name(name): version for name, version in listed.items()}

    def failed_imports(self, statements: list[str], folder: Path) -> list[str]:
        """Las importaciones que fallan desde una carpeta."""
        return call(self.python, "-c", LIST_FAILED, cwd=folder, given="\n".join(statements)).splitlines()


def new_environment(folder: Path, *, pip: bool = False) -> Environment:
    """Un entorno vacío, con el mismo Python que corre las pruebas."""
    call(sys.executable, "-m", "venv", *([] if pip else ["--without-pip"]), folder)
    return Environment(folder)


def copy_environment(origin: Environment, folder: Path) -> Environment:
    """Otro entorno con los mismos paquetes, en enlaces: instalar en la copia no toca el original."""
    copy = new_environment(folder)
    shutil.copytree(origin.packages, copy.packages, copy_function=link, dirs_exist_ok=True)
    return copy


def link(source: Path | str, target: Path | str) -> None:
    """Un enlace duro o, entre discos distintos, una copia."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def pinned(requirements: Path) -> dict[str, str]:
    """Las versiones de un archivo de requisitos, las que valen para este Python."""
    lines = [line.split("#")[0].strip() for line in requirements.read_text(encoding="utf-8").splitlines()]
    found = [Requirement(line) for line in lines if line]
    return {
        canonicalize_name(one.name): str(one.specifier).removeprefix("==")
        for one in found
        if one.marker is None or one.marker.evaluate()
    }


def closure(name: str, excluded: set[str]) -> set[str]:
    """Un paquete de este entorno y lo que necesita, sin lo excluido."""
    found: set[str] = set()
    pending = [canonicalize_name(name)]
    while pending:
        one = pending.pop()
        if one in found or one in excluded:
            continue
        found.add(one)
        for line in distribution(one).requires or []:
            needed = Requirement(line)
            if needed.marker is None or needed.marker.evaluate({"extra": ""}):
                pending.append(canonicalize_name(needed.name))
    return found


def link_packages(names: set[str], environment: Environment) -> None:
    """Pone en el entorno los archivos que esos paquetes declaran en este."""
    for name in names:
        package = distribution(name)
        for file in package.files or []:
            if ".." not in file.parts:  # los programas llevan escrita la ruta de su intérprete
                target = environment.packages / file
                target.parent.mkdir(parents=True, exist_ok=True)
                link(str(package.locate_file(file)), target)


def colab_environment(folder: Path) -> Environment:
    """Un entorno con lo que trae Colab y nada más, incluido un ``google.colab`` que solo se deja importar."""
    environment = new_environment(folder)
    link_packages(closure("torch", set(pinned(COLAB))), environment)
    call(sys.executable, "-m", "uv", "pip", "install", "-q", "--no-deps", "--python", environment.python, "-r", COLAB)
    marker = environment.packages / "google" / "colab" / "__init__.py"
    marker.parent.mkdir(parents=True)
    marker.touch()
    return environment


def kernel_settings(environment: Environment, folder: Path, *, colab: bool) -> dict[str, str]:
    """Las variables con las que Jupyter encuentra el núcleo del entorno, llamado «frio»."""
    argv = [str(environment.python), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    # El núcleo no ve el paquete de este árbol, que nbval sí ve.
    spec = {"argv": argv, "display_name": "frío", "language": "python", "env": {"PYTHONPATH": ""}}
    place = folder / "jupyter" / "kernels" / "frio" / "kernel.json"
    place.parent.mkdir(parents=True)
    place.write_text(json.dumps(spec), encoding="utf-8")
    startup = folder / "ipython" / "profile_default" / "startup" / "colab.py"
    startup.parent.mkdir(parents=True)
    startup.write_text("import google.colab\n" * colab, encoding="utf-8")
    return {"JUPYTER_PATH": str(folder / "jupyter"), "IPYTHONDIR": str(folder / "ipython")}


@dataclass(frozen=True)
class Replay:
    """Lo que pasó al repetir un cuaderno: las celdas de código que fallaron, por su posición, y el informe."""

    failed: list[int]
    report: str


# Los bytes de una imagen dependen de la versión de las bibliotecas que la escriben. nbval no compara las imágenes
# sueltas; esto hace lo mismo con las que van dentro del HTML de una animación, y deja todo lo demás.
IMAGES = r"""[bytes]
regex: \d+,\d+,"[A-Za-z0-9+/=]+"|base64,[A-Za-z0-9+/=]+
replace: IMAGEN
"""


def replay(
    environment: Environment, path: Path, folder: Path, *, colab: bool = False, settings: dict[str, str] | None = None
) -> Replay:
    """Vuelve a ejecutar un cuaderno con el núcleo de un entorno y compara todas sus salidas, menos las imágenes.

    Args:
        environment: el entorno del núcleo.
        path: el cuaderno; el núcleo trabaja en su carpeta.
        folder: dónde dejar la configuración de Jupyter.
        colab: si el núcleo ha cargado ``google.colab``, como hace el de Colab.
        settings: otras variables de entorno.
    """
    settings_of_jupyter = kernel_settings(environment, folder, colab=colab)
    images = folder / "imagenes.cfg"
    images.write_text(IMAGES, encoding="utf-8")
    options = ["--nbval-kernel-name", "frio", "--nbval-sanitize-with", str(images), "-rA", "--color", "no"]
    run = subprocess.run(
        [*nbval_command(path.parent), *options, str(path)],
        cwd=path.parent,
        env=nbval_environment(Project(ROOT)) | settings_of_jupyter | (settings or {}),
        capture_output=True,
        text=True,
        check=False,
    )
    verdicts = re.findall(rf"(?m)^(PASSED|FAILED) {path.name}::Cell (\d+)", run.stdout)
    cells = [cell for cell in nbformat.read(path, 4).cells if cell.cell_type == "code"]
    assert len(verdicts) == len(cells), run.stdout + run.stderr
    return Replay([int(cell) for verdict, cell in verdicts if verdict == "FAILED"], run.stdout)


def save_changes(repository: Path, tree: Path) -> None:
    """Guarda en un repositorio lo que tiene una carpeta de trabajo; si nada cambió, el último commit es el mismo."""
    git = ("git", f"--git-dir={repository / '.git'}", f"--work-tree={tree}")
    author = ("-c", "user.name=Prueba", "-c", "user.email=prueba@ejemplo.org")
    call(*git, "add", "--all", cwd=tree)
    if call(*git, "diff", "--cached", "--name-only", cwd=tree):
        call(*git, *author, "commit", "--quiet", "--message", "Cambios", cwd=tree)
        call("git", "reset", "--hard", "--quiet", cwd=repository)


def project_repository(folder: Path) -> Path:
    """Una copia de este repositorio; los cambios sin guardar, si los hay, van en un commit más."""
    if not (ROOT / ".git").exists():
        missing_tool("el repositorio de git del proyecto", "git clone")
    # De un repositorio sin toda su historia no se puede clonar como lo hace pip: aquí todo va en un commit nuevo.
    shallow = call("git", "rev-parse", "--is-shallow-repository", cwd=ROOT).strip() == "true"
    call("git", *(["init"] if shallow else ["clone", ROOT.as_uri()]), "--quiet", folder)
    save_changes(folder, ROOT)
    return folder


def seed() -> int:
    """Un número que cambia con cada commit."""
    version = commit(ROOT)
    return int(version[:8], 16) if len(version) == 40 else 0


def setup_position(notebook: NotebookNode) -> int:
    """Dónde está la celda que prepara el cuaderno."""
    [position] = [i for i, cell in enumerate(notebook.cells) if "google.colab" in cell.source]
    return position
