"""El libro en PDF y en EPUB.

Como extensión de Sphinx, configura los dos formatos y carga sus escritores (``impresion_latex`` e ``impresion_epub``).
Como módulo, da a ``construir.py`` el último paso, que hace un solo archivo de lo que escribió Sphinx: ``make_pdf`` y
``make_epub``.
"""

import re
import shutil
from pathlib import Path

from docutils import nodes
from impresion_archivos import MissingTool, PrintError, make_epub, make_pdf, require_tools
from impresion_epub import setup_epub
from impresion_latex import (
    THEOREMS,
    BookTranslator,
    LocalReferences,
    PartStructure,
    depart_block,
    visit_exercise,
    visit_solution,
    visit_theorem,
)
from impresion_tablas import DataFrames
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util import logging, texescape
from sphinx_exercise.nodes import exercise_enumerable_node, exercise_node, solution_node

__all__ = ["MissingTool", "PrintError", "make_epub", "make_pdf", "require_tools", "setup"]

LOGGER = logging.getLogger(__name__)
ASSETS = Path(__file__).parent / "impresion"
FILE = "aprendizaje-profundo"
REAL_CHARACTERS = "✓✔✗✘"
WEB_ONLY = ("text/html", "application/javascript", "application/vnd.jupyter.widget-view+json")
OPAQUE = re.compile(r"<[\w.]+ object( at 0x[0-9a-f]+)?>")

FONTS = r"""
\setmainfont{lmroman10}[Extension=.otf, UprightFont=*-regular, BoldFont=*-bold, ItalicFont=*-italic,
  BoldItalicFont=*-bolditalic, SmallCapsFont=lmromancaps10-regular]
\setsansfont{lmsans10}[Extension=.otf, UprightFont=*-regular, BoldFont=*-bold, ItalicFont=*-oblique,
  BoldItalicFont=*-boldoblique]
\setmonofont{DejaVuSansMono}[Extension=.ttf, Path=./, UprightFont=*, BoldFont=*-Bold, ItalicFont=*-Oblique,
  BoldItalicFont=*-BoldOblique, Scale=0.82]
\usepackage{mathtools}
\usepackage[mathbf=sym, warnings-off={mathtools-colon,mathtools-overbracket}]{unicode-math}
\setmathfont{latinmodern-math.otf}
"""
CODE_FONTS = ("DejaVuSansMono", "DejaVuSansMono-Bold", "DejaVuSansMono-Oblique", "DejaVuSansMono-BoldOblique")


def configure(app: Sphinx, config: Config) -> None:
    """Fija la configuración de LaTeX; no cambia nada del sitio."""
    config.nb_mime_priority_overrides = [
        *config.nb_mime_priority_overrides,
        ("html", "image/gif", 45),  # una animación se mueve en el sitio y está quieta en el PDF y en el EPUB
        *(("epub", kind, None) for kind in WEB_ONLY),
    ]
    config.latex_engine = "xelatex"
    config.latex_show_urls = config.epub_show_urls = "no"
    config.latex_domain_indices = False
    config.latex_toplevel_sectioning = "part"
    config.latex_table_style = ["booktabs"]

    def tex(text: str) -> str:
        return texescape.escape(text, "xelatex")

    config.latex_elements = {
        "papersize": "a4paper",
        "pointsize": "11pt",
        "extraclassoptions": "oneside,openany",
        "geometry": r"\usepackage[a4paper, hmargin=2.4cm, top=2.5cm, bottom=2.4cm, headheight=14pt]{geometry}",
        "fncychap": "",
        "fontpkg": FONTS,
        "extrapackages": r"\usepackage{caption,eso-pic,needspace,xurl,cancel}",
        "figure_align": "H",  # una figura es la salida de su celda: no se aleja de ella
        "maketitle": r"\portada",
        "printindex": r"\renewcommand{\indexname}{Índice alfabético}\printindex",
        "preamble": rf"""
\hypersetup{{pdftitle={{{tex(config.html_title)}}}, pdfauthor={{{tex(config.author)}}}, pdflang={config.language},
  pdfsubject={{{tex(config.libro_subtitulo)}}}}}
\newcommand{{\librosubtitulo}}{{{tex(config.libro_subtitulo)}}}
\newcommand{{\librolegal}}{{© {tex(config.copyright)} {tex(config.author)}.\par {tex(config.libro_licencia)}\par
  \url{{{config.html_baseurl}}}}}
"""
        + (ASSETS / "preambulo.tex").read_text(encoding="utf-8"),
    }


def name_document(app: Sphinx) -> None:
    """Da nombre al documento de LaTeX cuando ya se sabe cuál es la raíz de ``_toc.yml``."""
    config = app.config
    # Sphinx cambia algunos símbolos por fórmulas, que dentro del código quedan con otra letra y otro ancho.
    for table in (texescape._tex_escape_map_without_unicode, texescape._tex_hlescape_map_without_unicode):
        for character in REAL_CHARACTERS:
            table.pop(ord(character), None)
    config.latex_documents = [(config.root_doc, f"{FILE}.tex", config.html_title, config.author, "manual", False)]


def copy_latex_assets(app: Sphinx, error: Exception | None) -> None:
    """Pone junto al .tex la letra del código, que viene con matplotlib, y la imagen de la portada."""
    if app.builder.name != "latex" or error:
        return
    from impresion_portada import draw_banner
    from matplotlib import get_data_path

    for font in CODE_FONTS:
        shutil.copy2(Path(get_data_path(), "fonts", "ttf", f"{font}.ttf"), app.outdir)
    draw_banner(Path(app.outdir) / "portada.png")


def mend_links(app: Sphinx, doctree: nodes.document) -> None:
    """MyST escapa el ``&`` de las direcciones como si ya escribiera HTML, y luego se escapa otra vez: enlaces rotos."""
    for reference in doctree.findall(nodes.reference):
        if "&amp;" in reference.get("refuri", ""):
            reference["refuri"] = reference["refuri"].replace("&amp;", "&")


class WebOnly(SphinxPostTransform):
    """Quita lo que solo tiene sentido en el sitio: lo que lleva la clase ``solo-web``."""

    default_priority = 2
    builders = ("latex", "epub")

    def run(self, **kwargs: object) -> None:
        for node in list(self.document.findall(nodes.Element)):
            if "solo-web" in node.get("classes", []):
                node.parent.remove(node)


class OpaqueOutputs(SphinxPostTransform):
    """Avisa de una salida que solo se ve en una página web: en el PDF y el EPUB se leería ``<… object>``."""

    default_priority = 6  # después de que MyST-NB elija un formato
    builders = ("latex", "epub")

    def run(self, **kwargs: object) -> None:
        for node in self.document.findall(nodes.literal_block):
            if OPAQUE.fullmatch(node.astext().strip()):
                LOGGER.warning(
                    "esta salida no se ve fuera de la web: %s. Publica también text/plain o una imagen.",
                    node.astext().strip(),
                    location=node,
                )


def setup(app: Sphinx) -> dict:
    """Registra la configuración, los escritores y las transformaciones de los dos formatos."""
    app.add_config_value("libro_subtitulo", "", "env", str)
    app.add_config_value("libro_licencia", "", "env", str)
    app.add_config_value("libro_presentacion", "Presentación", "env", str)
    for extension in ("sphinx_exercise", "sphinx_proof"):
        app.setup_extension(extension)  # para escribir encima de lo que registran
    app.connect("config-inited", configure, priority=700)
    app.connect("builder-inited", name_document)
    app.connect("doctree-read", mend_links)
    app.connect("build-finished", copy_latex_assets)
    setup_epub(app)
    app.set_translator("latex", BookTranslator, override=True)
    for transform in (WebOnly, PartStructure, LocalReferences, DataFrames, OpaqueOutputs):
        app.add_post_transform(transform)
    for node in (exercise_node, exercise_enumerable_node):
        app.add_node(node, override=True, latex=(visit_exercise, depart_block))
    app.add_node(solution_node, override=True, latex=(visit_solution, depart_block))
    for node in THEOREMS:
        app.add_node(node, override=True, latex=(visit_theorem, depart_block))
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
