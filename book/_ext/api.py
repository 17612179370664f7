"""La referencia de ``profundo``: sale de la documentación del código y enlaza con capítulos y pruebas.

De leer el código se encarga ``sphinx.ext.autodoc``. Los textos son llanos, con secciones como las de Google: lo
que reStructuredText entendería como marcas se protege antes. El PDF y el EPUB no la llevan.
"""

import re
import warnings
from pathlib import Path
from typing import Any

from bs4 import BeautifulSoup
from docutils import nodes
from docutils.statemachine import StringList
from ejecucion import Project
from plan import module_name, tests_path, title
from publicacion import source_address
from sphinx.application import Sphinx
from sphinx.domains.python import PyObject
from sphinx.util.docutils import SphinxDirective

MARKS = re.compile(r"(``.*?``)|([*`|_\\])", re.DOTALL)


def anchor(stem: str) -> str:
    """Dónde empieza un módulo en la página de su parte."""
    return f"modulo-{stem.replace('/', '-').replace('_', '-')}"


def stems(project: Project, part: str) -> list[str]:
    """Los temas de una parte con módulo, en el orden del libro; los de ``comun``, por orden alfabético."""
    if part == "comun":
        folder = project.code / "profundo" / part
        return sorted(f"{part}/{path.stem}" for path in folder.glob("*.py") if path.stem != "__init__")
    return [document for document in project.chapters() if document.startswith(f"{part}/")]


def escape(lines: list[str]) -> list[str]:
    """Protege lo que reStructuredText tomaría por marcas, salvo el código entre dobles acentos graves."""
    text = MARKS.sub(lambda found: found[1] or f"\\{found[2]}", "\n".join(lines))
    return text.split("\n")


def protect(app: Sphinx, what: str, name: str, thing: object, options: object, lines: list[str]) -> None:
    """Deja la documentación de un objeto lista para ``napoleon``, que da forma a sus secciones."""
    lines[:] = escape(lines)


class Reference(SphinxDirective):
    """Directiva ``api``: los módulos de una parte, con sus clases y funciones públicas; solo en el sitio.

    Su argumento es la parte, como «fundamentos». Va dentro de ``eval-rst``.
    """

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        project = Project(Path(self.env.srcdir).parent)
        if self.env.app.builder.name != "html":
            return [nodes.paragraph("", "La referencia está en el sitio del libro.")]
        found: list[nodes.Node] = []
        for stem in stems(project, self.arguments[0]):
            self.env.note_dependency(str(project.code / "profundo" / f"{stem}.py"))
            found.append(self._module(project, stem))
        return found

    def _module(self, project: Project, stem: str) -> nodes.section:
        name = module_name(stem)
        section = nodes.section("", nodes.title("", "", nodes.literal("", name)), ids=[anchor(stem)])
        links = [f"`Código <{source_address(self.config, f'code/profundo/{stem}.py')}>`__"]
        if (project.root / tests_path(stem)).exists():
            links.append(f"`pruebas <{source_address(self.config, tests_path(stem))}>`__")
        if stem in project.chapters():
            links.insert(0, f":doc:`{title(project, stem)} </{stem}>`")
        text = [" · ".join(links), "", f".. automodule:: {name}", "   :members:", "   :member-order: bysource"]
        self.state.nested_parse(StringList(text, source=str(project.source(self.env.docname))), 0, section)
        self.state.document.note_explicit_target(section, section)
        return section


def simplify(app: Sphinx, page: str, template: str, context: dict, doctree: nodes.document | None) -> None:
    """Quita de las firmas los envoltorios, que doblan el peso, y los enlaces: «Tensor» llevaría al de otro módulo."""
    if '<dl class="py' not in context.get("body", ""):
        return
    soup = BeautifulSoup(context["body"], "html.parser")
    for wrapper in soup.select("dl.py > dt :is(span, em, a.reference)"):
        if "sig-name" not in wrapper.get_attribute_list("class"):
            wrapper.unwrap()
    context["body"] = str(soup)


def choose_options(app: Sphinx, config: Any) -> None:
    """Cómo se lee la documentación: nombres cortos y valores por defecto como se escribieron."""
    for field in PyObject.doc_field_types:
        if field.name == "exceptions":
            field.label = "Lanza"  # Sphinx lo llama «Muestra»
    config.add_module_names = False
    config.autodoc_preserve_defaults = True
    config.napoleon_numpy_docstring = False
    config.napoleon_use_rtype = False
    config.napoleon_use_ivar = True


def setup(app: Sphinx) -> dict:
    """Carga ``autodoc`` y registra la directiva; la protección va antes que ``napoleon``."""
    # Sphinx recorre los objetos de la memoria, y al mirar algunos de PyTorch este avisa de que están anticuados.
    warnings.filterwarnings("ignore", message=".*reduce_op.*", category=FutureWarning)
    app.setup_extension("sphinx.ext.autodoc")
    app.setup_extension("sphinx.ext.napoleon")
    app.add_directive("api", Reference)
    app.connect("html-page-context", simplify, priority=850)
    app.connect("autodoc-process-docstring", protect, priority=100)
    app.connect("config-inited", choose_options, priority=100)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
