"""Un libro de juguete con la misma herramienta de construcción: dos capítulos y un paquete pequeño."""

import shutil
import sys
import textwrap
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "book" / "_ext"))

from ejecucion import Project  # noqa: E402

HEADER = "---\nfile_format: mystnb\nkernelspec:\n  name: python3\n---\n\n"


def chapter(title: str, *cells: str, prose: str = "Prosa.") -> str:
    """El texto de un capítulo con una celda de código por argumento."""
    blocks = [f"```{{code-cell}} python\n{textwrap.dedent(cell).strip()}\n```" for cell in cells]
    return HEADER + f"# {title}\n\n{prose}\n\n" + "\n\n".join(blocks) + "\n"


def make_book(root: Path, chapters: dict[str, str], modules: dict[str, str]) -> Project:
    """Escribe el libro en ``root`` con la configuración y las extensiones del proyecto."""
    listing = "".join(f"      - file: {document}\n" for document in chapters)
    write(root / "_toc.yml", f"format: jb-book\nroot: index\nparts:\n  - caption: Parte\n    chapters:\n{listing}")
    write(root / "requirements.txt", "numpy==2.0.0\n")
    write(root / "book" / "index.md", "# Inicio\n\nUn libro.\n")
    for document, text in chapters.items():
        write(root / "book" / f"{document}.md", text)
    for name, source in modules.items():
        write(root / "code" / name, textwrap.dedent(source))
    shutil.copy2(ROOT / "_config.yml", root / "_config.yml")
    shutil.copy2(ROOT / "book" / "referencias.bib", root / "book" / "referencias.bib")
    shutil.copytree(ROOT / "book" / "_ext", root / "book" / "_ext", ignore=shutil.ignore_patterns("__pycache__"))
    return Project(root)


def write(path: Path, text: str) -> None:
    """Escribe un archivo y las carpetas que le falten."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
