"""Construye el libro: ejecuta los capítulos y de esa ejecución saca un formato.

Uso: ``python book/_ext/construir.py html|cuadernos|pdf|epub`` desde la raíz del proyecto.
"""

import argparse
import asyncio
import os
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from ejecucion import Project, execute_all  # noqa: E402
from jupyter_book.sphinx import build_sphinx  # noqa: E402

BUILDERS = {"html": "html", "cuadernos": "cuadernos", "pdf": "latex", "epub": "epub"}


def run_chapters(project: Project) -> bool:
    """Ejecuta lo pendiente; devuelve si todo fue bien."""
    failures = asyncio.run(execute_all(project, os.cpu_count() or 1, lambda line: print(line, flush=True)))
    for failure in failures:
        print(f"\n{failure}", file=sys.stderr)
    if failures:
        print(f"\nFallaron {len(failures)} capítulos: no se construye nada con salidas viejas.", file=sys.stderr)
    return not failures


def run_sphinx(project: Project, builder: str, out: Path) -> bool:
    """Construye con un constructor de Sphinx; cualquier aviso es un fallo."""
    outcome = build_sphinx(
        project.book,
        out,
        path_config=project.root / "_config.yml",
        noconfig=True,
        confoverrides={
            "latex_individualpages": False,
            "external_toc_path": str(project.root / "_toc.yml"),
        },
        doctreedir=project.root / "_build" / ".doctrees" / builder,
        builder=builder,
        warningiserror=True,
        keep_going=True,
        quiet=True,
    )
    return outcome == 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("format", choices=BUILDERS)
    parser.add_argument("--root", type=Path, default=Path.cwd(), help="raíz del proyecto")
    arguments = parser.parse_args()
    started = time.perf_counter()
    project = Project(arguments.root.resolve())
    if not run_chapters(project):
        return 1
    builder = BUILDERS[arguments.format]
    out = project.root / "_build" / ("html" if builder == "html" else builder)
    if not run_sphinx(project, builder, out):
        return 1
    print(f"Listo en {time.perf_counter() - started:.1f} s: {out}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
