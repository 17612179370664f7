"""Fórmulas en MathML, generadas al construir: la página no necesita ningún guion para mostrarlas.

Sirve al sitio y al EPUB. Una orden de LaTeX desconocida es un aviso, y con avisos el libro no se construye.
"""

import re

from docutils import nodes
from math_core import LatexError, LatexToMathML
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.math import get_node_equation_number
from sphinx.writers.html5 import HTML5Translator

LOGGER = logging.getLogger(__name__)
NUMBERED = re.compile(r"\\(begin|end)\{(align|gather|equation|multline)\*?\}")
INNER = {"align": "aligned", "gather": "gathered", "equation": "aligned", "multline": "gathered"}


def to_mathml(latex: str, *, display: bool) -> str:
    """Convierte LaTeX en un elemento ``<math>`` que también es XML válido.

    Raises:
        LatexError: si hay una orden desconocida o un error de sintaxis.
    """
    # El número lo pone Sphinx, así que los entornos numerados pasan a su versión interior.
    latex = NUMBERED.sub(lambda m: rf"\{m[1]}{{{INNER[m[2]]}}}", latex)
    converter = LatexToMathML(xml_namespace=True, fancy_error=False)
    mathml = converter.convert_with_local_state(latex.strip(), displaystyle=display)
    return mathml.replace("&ApplyFunction;", "&#x2061;")


def _convert(node: nodes.Element, *, display: bool) -> str:
    try:
        return to_mathml(node.astext(), display=display)
    except LatexError as error:
        LOGGER.warning("fórmula que no se puede mostrar: %s (%s)", node.astext(), str(error).strip(), location=node)
        return f"<code>{nodes.unescape(node.astext())}</code>"


def visit_inline(translator: HTML5Translator, node: nodes.math) -> None:
    """Una fórmula dentro del texto."""
    translator.body.append(f'<span class="math notranslate">{_convert(node, display=False)}</span>')
    raise nodes.SkipNode


def visit_display(translator: HTML5Translator, node: nodes.math_block) -> None:
    """Una fórmula aparte, con su número y su enlace permanente."""
    translator.body.append(translator.starttag(node, "div", CLASS="math notranslate", role="group"))
    translator.body.append(_convert(node, display=True))
    if node["number"]:
        number = get_node_equation_number(translator, node)
        translator.body.append(f'<span class="eqno">({number})')
        translator.add_permalink_ref(node, "Enlace a esta ecuación")
        translator.body.append("</span>")
    translator.body.append("</div>\n")
    raise nodes.SkipNode


def setup(app: Sphinx) -> dict:
    """Registra el escritor de fórmulas de los formatos HTML y EPUB."""
    app.add_html_math_renderer("mathml", (visit_inline, None), (visit_display, None))
    app.connect("config-inited", lambda _app, config: setattr(config, "html_math_renderer", "mathml"))
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
