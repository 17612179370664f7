"""Extensión de Sphinx: da a cada capítulo las salidas de su única ejecución y rehace la página si cambiaron."""

from pathlib import Path
from typing import Any

from ejecucion import Project, cache_key, load, read_chapter
from nbformat import NotebookNode
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment


def read_executed(text: str, *, root: str, document: str) -> NotebookNode:
    """Lector de MyST-NB: el capítulo ya ejecutado."""
    return load(Project(Path(root)), document, text)


def use_executed_chapters(app: Sphinx) -> None:
    """Hace que MyST-NB lea cada capítulo con sus salidas, en lugar de ejecutarlo él."""
    project = Project(Path(app.srcdir).parent)
    formats = {
        f"{Path(app.srcdir).name}/{d}.md": ("libro.read_executed", {"root": str(project.root), "document": d}, False)
        for d in project.chapters()
    }
    environment: Any = app.env  # MyST-NB le añade su configuración
    environment.mystnb_config = environment.mystnb_config.copy(custom_formats=formats)


def _readers(env: BuildEnvironment) -> set[str]:
    if not hasattr(env, "execution_readers"):
        env.execution_readers = set()  # type: ignore[attr-defined]
    return env.execution_readers  # type: ignore[attr-defined]


def reads_executions(env: BuildEnvironment) -> None:
    """Apunta que la página que se lee dice algo de las ejecuciones: se rehace cuando cambia alguna."""
    _readers(env).add(env.docname)


def outdated(app: Sphinx, env: BuildEnvironment, added: set, changed: set, removed: set) -> list[str]:
    """Los capítulos cuya clave de ejecución cambió desde la última vez, y las páginas que dicen cuánto tardan."""
    project = Project(Path(app.srcdir).parent)
    keys = {d: cache_key(project, read_chapter(project, d)) for d in project.chapters()}
    previous = getattr(env, "execution_keys", {})
    env.execution_keys = keys  # type: ignore[attr-defined]
    stale = [d for d, key in keys.items() if previous.get(d) != key and d in env.found_docs]
    return [*stale, *sorted(_readers(env) & env.found_docs)] if stale else []


def setup(app: Sphinx) -> dict:
    """Se conecta después de MyST-NB, que fija su configuración en el mismo suceso."""
    app.connect("builder-inited", use_executed_chapters, priority=900)
    app.connect("env-get-outdated", outdated)
    return {"version": "1", "parallel_read_safe": False, "parallel_write_safe": True}
