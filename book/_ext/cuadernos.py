"""Constructor de Sphinx ``cuadernos``: publica cada capítulo como un cuaderno limpio, con las salidas de su ejecución.

Un cuaderno tiene el texto en Markdown común, las celdas del capítulo y, donde la página muestra el código de un módulo,
una celda ``%%modulo`` que permite editarlo. De la misma ejecución salen siempre los mismos bytes.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable
from copy import deepcopy
from pathlib import Path
from string import Template
from typing import Any

import nbformat
from cuadernos_markdown import CodeCell, MarkdownWriter, ModuleCell
from cuadernos_revision import code_cell_problems, leftovers
from docutils import nodes
from ejecucion import Project, load
from nbformat import NotebookNode
from publicacion import repository
from sphinx.application import Sphinx
from sphinx.builders import Builder
from sphinx.config import Config
from sphinx.directives.code import LiteralInclude
from sphinx.util import logging

LOGGER = logging.getLogger(__name__)
IMAGES = ["image/svg+xml", "image/png", "image/jpeg", "image/gif"]
# Todo lo que una salida puede traer, lo mejor para el cuaderno primero.
MIME_PRIORITY = [
    *IMAGES,
    "text/html",
    "text/markdown",
    "text/latex",
    "application/javascript",
    "application/vnd.jupyter.widget-view+json",
    "text/plain",
]
HIDDEN_SOURCE = {"remove-cell", "remove-input", "hide-cell", "hide-input"}
# Opciones de ``literalinclude`` con las que lo mostrado ya no es un objeto entero.
PARTIAL = {"lines", "start-after", "end-before", "start-at", "end-at", "prepend", "append", "diff"}
CELL_NUMBER = re.compile(r"In\[(\d+)\]")
HOW_TO_READ = "Ejecuta las celdas en orden, desde la primera."
HOW_TO_EDIT = (
    " Las que empiezan por `%%modulo` muestran código del libro: cámbialo y vuelve a ejecutar, "
    "y las celdas siguientes usarán tu versión."
)
SETUP = Template(
    r"""# Prepara el cuaderno: en Colab instala el paquete del libro; en otro lugar ya está instalado.
import sys

if "google.colab" in sys.modules:
    import tempfile
    from importlib.metadata import distributions
    from pathlib import Path

    # Nada de lo que ya viene instalado cambia de versión.
    versions = {}
    for package in distributions():
        name = (package.name or "").lower().replace("_", "-").replace(".", "-")
        versions.setdefault(name, package.version)
    limits = Path(tempfile.mkdtemp()) / "versiones.txt"
    limits.write_text("\n".join(f"{n}=={v}" for n, v in versions.items() if n and v and n != "profundo"))
    %pip install -q -c {limits} git+$repository@$commit

%load_ext profundo.comun.cuaderno"""
)


class Include(LiteralInclude):
    """``literalinclude`` que anota en su nodo el módulo, si muestra una clase o función entera de ``profundo``."""

    def run(self) -> list[nodes.Node]:
        result = super().run()
        name = self.options.get("pyobject", "")
        code = Project(Path(self.env.srcdir).parent).code
        for block in (block for node in result for block in node.findall(nodes.literal_block)):
            path = Path(block["source"])
            if name.isidentifier() and not PARTIAL & set(self.options) and path.is_relative_to(code / "profundo"):
                block["module"] = ".".join(path.relative_to(code).with_suffix("").parts)
        return result


class NotebookBuilder(Builder):
    """Escribe ``<parte>/<tema>.ipynb`` por cada capítulo que se ejecuta."""

    name = "cuadernos"
    format = "cuadernos"
    epilog = "Los cuadernos están en %(outdir)s."
    supported_image_types = IMAGES
    supported_remote_images = True
    supported_data_uri_images = True

    def init(self) -> None:
        """Prepara lo común a todos los cuadernos."""
        self.site = self.config.html_baseurl
        self.project = Project(Path(self.srcdir).parent)
        self.chapters = self.project.chapters()
        self.setup_source = SETUP.substitute(
            repository=repository(self.config.html_theme_options["repository_url"]), commit=commit(self.project.root)
        )

    def get_target_uri(self, docname: str, typ: str | None = None) -> str:
        """La página del documento en el sitio."""
        return f"{self.site}{docname}.html"

    def get_relative_uri(self, from_: str, to: str, typ: str | None = None) -> str:
        """Fuera del sitio no hay direcciones relativas."""
        return self.get_target_uri(to, typ)

    def get_outdated_docs(self) -> Iterable[str]:
        """Todos: cambiar un capítulo puede cambiar los números y los enlaces de los demás."""
        return self.chapters

    def prepare_writing(self, docnames: set[str]) -> None:
        """No hace falta nada."""

    def write_doc(self, docname: str, doctree: nodes.document) -> None:
        """Escribe el cuaderno de un capítulo y avisa de lo que no debería tener."""
        if docname not in self.chapters:
            return
        self.post_process_images(doctree)
        executed = self._load(docname)
        page = self.get_target_uri(docname)
        writer = MarkdownWriter(self.env, docname, executed, page, self._image_uri, self._file_uri)
        notebook = self._assemble(page, writer, doctree, executed)
        for problem in [*leftovers(notebook), *code_cell_problems(notebook)]:
            LOGGER.warning("cuaderno: %s", problem, location=docname)
        nbformat.validate(notebook)
        path = Path(self.outdir) / f"{docname}.ipynb"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(nbformat.writes(notebook) + "\n", encoding="utf-8")

    def _image_uri(self, uri: str) -> str:
        return f"{self.site}_images/{self.images.get(uri, Path(uri).name)}"

    def _file_uri(self, filename: str) -> str:
        return f"{self.site}_downloads/{filename}"

    def _assemble(
        self, page: str, writer: MarkdownWriter, doctree: nodes.document, executed: NotebookNode
    ) -> NotebookNode:
        title, *pieces = writer.block(doctree.children)
        editable = {piece for piece in pieces if isinstance(piece, ModuleCell)}
        how_to = HOW_TO_READ + HOW_TO_EDIT * bool(editable)
        cells = [_markdown(f"{title}\n\n[Esta página en el libro]({page}). {how_to}"), _code(self.setup_source)]
        for piece in pieces:
            if isinstance(piece, CodeCell):
                cells.append(self._chapter_cell(executed.cells[piece.index], piece.node))
            elif isinstance(piece, ModuleCell) and piece in editable:
                editable.remove(piece)  # si el capítulo lo vuelve a mostrar, será solo texto: se edita en un sitio
                cells.append(_code(f"%%modulo {piece.module}\n{piece.source.rstrip()}"))
            else:
                text = writer.as_text(piece)
                if cells[-1].cell_type == "markdown" and not text.startswith("#"):
                    cells[-1].source += f"\n\n{text}"
                else:
                    cells.append(_markdown(text))
        _number(cells)
        kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
        metadata = {"kernelspec": kernel, "language_info": {"name": "python"}}
        return nbformat.v4.new_notebook(cells=cells, metadata=metadata)

    def _chapter_cell(self, executed: NotebookNode, node: nodes.Element) -> NotebookNode:
        """La celda con sus salidas y etiquetas; lo que la página oculta queda plegado."""
        tags = executed.metadata.get("tags", [])
        cell = _code(executed.source, deepcopy(executed.outputs), executed.execution_count)
        if tags:
            cell.metadata["tags"] = tags
        if HIDDEN_SOURCE & set(tags):
            cell.metadata["jupyter"] = {"source_hidden": True}
            cell.metadata["cellView"] = "form"
        if "remove-cell" in tags and not cell.source.startswith("%%"):
            cell.source = f"#@title Números que cita el texto\n{cell.source}"
        alts = iter([image.get("alt", "") for image in node.findall(nodes.image)])
        for output in cell.outputs:
            images = [mime for mime in output.get("data", {}) if mime.startswith("image/")]
            alt = next(alts, "") if images else ""
            output.get("metadata", {}).update({mime: {"alt": alt} for mime in images if alt})
        return cell

    def _load(self, docname: str) -> NotebookNode:
        """El capítulo ejecutado, sin las carpetas de la máquina que construye en las trazas de error."""
        notebook = load(self.project, docname)
        folders = [f"{folder}{os.sep}" for folder in (self.project.root, sys.prefix, sys.base_prefix)]
        folders += [folder.replace(str(Path.home()), "~", 1) for folder in folders]  # así las abrevia IPython
        for output in (output for cell in notebook.cells for output in cell.get("outputs", [])):
            for folder in folders if output.output_type == "error" else ():
                output.traceback = [line.replace(folder, "") for line in output.traceback]
        return notebook


def _markdown(source: str) -> NotebookNode:
    return nbformat.v4.new_markdown_cell(source)


def _code(source: str, outputs: Iterable[NotebookNode] = (), count: int | None = 0) -> NotebookNode:
    return nbformat.v4.new_code_cell(source, outputs=list(outputs), execution_count=count)


def _number(cells: list[NotebookNode]) -> None:
    """Numera las celdas ejecutadas y da a cada una un identificador que solo depende de su contenido."""
    seen: Counter[str] = Counter()
    renumbered: dict[int, int] = {}
    for cell in cells:
        digest = hashlib.sha256(f"{cell.cell_type}\n{cell.source}".encode()).hexdigest()[:12]
        seen[digest] += 1
        cell.id = digest if seen[digest] == 1 else f"{digest}-{seen[digest]}"
    executed = [cell for cell in cells if cell.cell_type == "code" and cell.execution_count is not None]
    for number, cell in enumerate(executed, 1):
        renumbered[cell.execution_count] = number
        cell.execution_count = number
        for output in cell.outputs:
            if output.output_type == "execute_result":
                output.execution_count = number
            if output.output_type == "error":  # la traza cita las celdas por su número
                output.traceback = [
                    CELL_NUMBER.sub(lambda cited: f"In[{renumbered.get(int(cited[1]), cited[1])}]", line)
                    for line in output.traceback
                ]


def commit(root: Path) -> str:
    """La versión del repositorio que se construye, o su rama principal si no se sabe."""
    if shutil.which("git") is None:
        return "main"
    answer = subprocess.run(["git", "rev-parse", "HEAD"], cwd=root, capture_output=True, text=True, check=False)
    return answer.stdout.strip() if answer.returncode == 0 else "main"


def read_with_hidden_cells(text: str, *, root: str, document: str) -> NotebookNode:
    """Lector de MyST-NB que conserva el lugar de las celdas ``remove-cell``, que de otro modo no dejan rastro."""
    notebook = load(Project(Path(root)), document, text)
    for cell in notebook.cells:
        if "remove-cell" in cell.metadata.get("tags", []):
            cell.metadata["tags"] = ["remove-output"]
    return notebook


def use_own_reader(app: Sphinx) -> None:
    """Cambia el lector de los capítulos; se conecta después de ``libro``, que pone el suyo."""
    if app.builder.name == NotebookBuilder.name:
        environment: Any = app.env  # MyST-NB le añade su configuración
        formats = {
            suffix: ("cuadernos.read_with_hidden_cells", *rest)
            for suffix, (_, *rest) in environment.mystnb_config.custom_formats.items()
        }
        environment.mystnb_config = environment.mystnb_config.copy(custom_formats=formats)


def choose_outputs(_app: Sphinx, config: Config) -> None:
    """Dice a MyST-NB qué versión de una salida prefieren los cuadernos, que él no conoce."""
    order = [(NotebookBuilder.name, mime, 10 * i) for i, mime in enumerate(MIME_PRIORITY, 1)]
    config.nb_mime_priority_overrides = [*config.nb_mime_priority_overrides, *order]


def remove_static(app: Sphinx, _error: Exception | None) -> None:
    """Borra las hojas de estilo que algunas extensiones copian sea cual sea el formato."""
    if app.builder.name == NotebookBuilder.name:
        shutil.rmtree(Path(app.outdir) / "_static", ignore_errors=True)


def setup(app: Sphinx) -> dict:
    """Registra el constructor y lo que necesita saber de cada capítulo."""
    app.add_builder(NotebookBuilder)
    app.add_directive("literalinclude", Include, override=True)
    app.connect("config-inited", choose_outputs)
    app.connect("builder-inited", use_own_reader, priority=950)
    app.connect("build-finished", remove_static, priority=950)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
