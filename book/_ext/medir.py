"""Mide la construcción en una copia limpia del árbol: en frío, sin cambios, tras editar prosa o un módulo, y nbval.

Uso: ``make bench``. No toca ``_build``.
"""

import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
MODULES = ("convolucionales/lenet", "fundamentos/perceptron", "comun/figuras")


def run(copy: Path, *formats: str) -> tuple[float, list[str]]:
    """Construye y devuelve los segundos y los capítulos que se ejecutaron.

    Raises:
        SystemExit: si la construcción falla.
    """
    started = time.perf_counter()
    command = [sys.executable, "book/_ext/construir.py", *formats]
    outcome = subprocess.run(command, cwd=copy, capture_output=True, text=True, check=False)
    if outcome.returncode:
        sys.exit(outcome.stdout + outcome.stderr)
    return time.perf_counter() - started, re.findall(r"^  (\S+): listo en", outcome.stdout, re.MULTILINE)


def copy_tree(target: Path) -> None:
    """Copia los archivos que git conoce, tal como están ahora."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listing = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in listing.splitlines():
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name)


def report(what: str, seconds: float, executed: list[str]) -> None:
    """Una línea por medida."""
    print(f"{what:<46}{seconds:7.1f} s   ejecuta: {', '.join(sorted(executed)) or 'nada'}", flush=True)


def main() -> None:
    """Toma todas las medidas y las imprime."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        copy_tree(copy)
        report("sitio en frío", *run(copy, "html"))
        report("sitio sin cambios", *run(copy, "html"))
        with (copy / "book" / "fundamentos" / "perceptron.md").open("a", encoding="utf-8") as stream:
            stream.write("\nUn párrafo más.\n")
        report("sitio tras editar prosa", *run(copy, "html"))
        for module in MODULES:
            path = copy / "code" / "profundo" / f"{module}.py"
            original = path.read_text(encoding="utf-8")
            path.write_text(original + "\n# un comentario\n", encoding="utf-8")
            report(f"sitio tras editar {module}", *run(copy, "html"))
            path.write_text(original, encoding="utf-8")
        report("sitio al deshacer el último cambio", *run(copy, "html"))
        report("nbval de todos los cuadernos", *run(copy, "nbval"))


if __name__ == "__main__":
    main()
