"""El sitio: tema propio, acciones de cada página, descripción y un último repaso del HTML.

El tema sirve todo lo que usa, no carga nada de terceros y se lee sin JavaScript.
"""

import re
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from bs4 import BeautifulSoup, Tag
from busqueda import SearchRoots, count_only_section_titles
from docutils import nodes
from publicacion import repository
from sphinx.application import Sphinx

THEME = Path(__file__).parent / "tema" / "libro"
NOTEBOOK_BRANCH = "notebooks"


# --- Acciones y descripción -----------------------------------------------------------------------------------------


def actions(app: Sphinx, page: str, depth: str) -> list[dict[str, Any]]:
    """Los botones de una página: ejecutar, descargar, editar y avisar de un error."""
    base = repository(app.config.html_theme_options["repository_url"])
    slug = base.removeprefix("https://github.com/")
    found: list[dict[str, Any]] = []
    if page in getattr(app.env, "execution_keys", {}):
        notebook = f"{page}.ipynb"
        colab = f"https://colab.research.google.com/github/{slug}/blob/{NOTEBOOK_BRANCH}/{notebook}"
        binder = f"https://mybinder.org/v2/gh/{slug}/{NOTEBOOK_BRANCH}?urlpath=lab/tree/{quote(notebook)}"
        found += [
            {"texto": "Colab", "icono": "ejecutar", "url": colab},
            {"texto": "Binder", "icono": "ejecutar", "url": binder},
            {
                "texto": "Cuaderno",
                "icono": "bajar",
                "url": f"{depth}descargas/cuadernos/{notebook}",
                "descarga": True,
            },
        ]
    for fmt in app.config.html_context.get("descargas", []):
        address = f"{depth}descargas/aprendizaje-profundo.{fmt}"
        found.append({"texto": f"Libro en {fmt.upper()}", "icono": "bajar", "url": address, "descarga": True})
    source = f"book/{page}.md"
    issue = f"{base}/issues/new?title={quote(f'Error en {page}')}"
    found += [
        {"texto": "Editar", "icono": "editar", "url": f"{base}/edit/main/{source}"},
        {"texto": "Avisar de un error", "icono": "aviso", "url": issue},
    ]
    return found


def description(doctree: nodes.document, limit: int = 155) -> str:
    """El comienzo del primer párrafo, cortado entre palabras."""
    for paragraph in doctree.findall(nodes.paragraph):
        if isinstance(paragraph.parent, nodes.section):
            text = " ".join(paragraph.astext().split())
            return text if len(text) <= limit else text[:limit].rsplit(" ", 1)[0].rstrip(",;:.") + "…"
    return ""


# --- Repaso del HTML ------------------------------------------------------------------------------------------------


def polish(html: str) -> str:
    """Deja el cuerpo de la página como lo quiere quien lee: plegables nativos, tablas e imágenes que no desbordan."""
    soup = BeautifulSoup(html, "html.parser")
    for box in soup.select("div.dropdown"):
        _fold(soup, box)
    for cell in soup.select("div.cell"):
        code = cell.select_one(".cell_input")
        if code and cell.select_one(".cell_output figure"):
            fold = code.wrap(soup.new_tag("details", attrs={"class": "codigo"}))
            fold.insert(0, soup.new_tag("summary", string="Código de la figura"))
    for title in soup.select("p.admonition-title"):
        if not title.get_text(strip=True):
            title.decompose()
    for heading in soup.select("th"):
        if not heading.get_text(strip=True):
            heading.name = "td"  # la esquina vacía de una tabla no encabeza nada
    for number, table in enumerate(soup.select("table"), 1):
        frame = {"class": "tabla", "tabindex": "0", "role": "region", "aria-label": f"Tabla {number} de esta página"}
        table.wrap(soup.new_tag("div", attrs=frame))
    for pre in soup.select("pre"):
        pre["tabindex"] = "0"  # para desplazar el código con el teclado
    for block in soup.select("div.math[role=group]"):
        block["tabindex"] = "0"
        block["aria-label"] = "Fórmula"
    for labelled in soup.select("[role^=doc-], div.citation-list"):
        del labelled["role"]  # docutils escribe papeles ARIA retirados o sin los hijos que exigen
    for link in soup.select("a.headerlink"):
        link["title"] = "Enlace permanente"
        link["aria-label"] = "Enlace permanente"
    for index, image in enumerate(soup.select("img")):
        image["decoding"] = "async"
        image["loading" if index else "fetchpriority"] = "lazy" if index else "high"
    return str(soup)


def _fold(soup: BeautifulSoup, box: Tag) -> None:
    """Convierte una caja ``dropdown`` en ``<details>``."""
    title = box.find("p", class_="admonition-title", recursive=False)
    if title is None:
        return
    box.name = "details"
    box["class"] = " ".join(name for name in box.get_attribute_list("class") if name != "dropdown")
    title.name = "summary"
    for link in title.select("a"):
        link.unwrap()  # un enlace dentro de lo que se pulsa para desplegar confunde a quien navega con teclado


def set_image_sizes(app: Sphinx, html: str) -> str:
    """Da a cada imagen su ancho y su alto, para que el texto no salte mientras se carga."""
    sources = {name: Path(app.srcdir, source) for source, name in app.builder.images.items()}
    soup = BeautifulSoup(html, "html.parser")
    for image in soup.select("img[src]:not([width]):not([height])"):
        source = sources.get(unquote(str(image["src"]).rpartition("/")[2]))
        size = image_size(source) if source else None
        if size:
            image["width"], image["height"] = (str(side) for side in size)
    return str(soup)


@lru_cache(maxsize=4096)
def image_size(path: Path) -> tuple[int, int] | None:
    """Tamaño en pixeles de CSS: las figuras se dibujan al doble de resolución."""
    from PIL import Image

    if not path.is_file():
        return None
    with Image.open(path) as image:
        scale = 1.5 if image.info.get("dpi", (72, 72))[0] > 100 else 1
        return round(image.width / scale), round(image.height / scale)


# --- Conexión -------------------------------------------------------------------------------------------------------


def page_context(app: Sphinx, page: str, template: str, context: dict, doctree: nodes.document | None) -> None:
    """Completa lo que la plantilla necesita para una página."""
    context["project_title"] = app.config.project
    context["html_baseurl"] = app.config.html_baseurl
    context.setdefault("display_toc", False)
    font = f"{context['content_root']}_static/matematicas.woff2"
    context["estilo"] = stylesheet().replace("matematicas.woff2", font)
    if doctree is None:
        return
    context["descripcion"] = description(doctree)
    context["acciones"] = actions(app, page, context["content_root"]) if page != app.config.root_doc else []
    context["body"] = set_image_sizes(app, polish(context["body"]))


@lru_cache(maxsize=1)
def stylesheet() -> str:
    """Todo el estilo, compacto. Va dentro de cada página: pesa poco y ahorra la espera de otra petición."""
    sheet = (THEME / "static" / "libro.css").read_text(encoding="utf-8")
    sheet = re.sub(r"/\*.*?\*/", "", sheet, flags=re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"\s*([{};,])\s*", r"\1", sheet)).strip()


def clean_assets(app: Sphinx, exception: Exception | None) -> None:
    """Quita del sitio lo que otras extensiones copian y ninguna página carga."""
    if exception or app.builder.name != "html":
        return
    used = {"libro.js", "busqueda.js", "calendario.js", "iconos.svg", "icono.svg", "matematicas.woff2"}
    used |= {"documentation_options.js", "doctools.js", "language_data.js", "searchtools.js"}
    static = Path(app.outdir, "_static")
    for path in sorted(static.rglob("*"), reverse=True):
        if path.is_file() and path.relative_to(static).as_posix() not in used:
            path.unlink()
        elif path.is_dir() and not any(path.iterdir()):
            path.rmdir()


def choose_options(app: Sphinx, config: Any) -> None:
    """Lo que el tema del libro entiende; lo demás que propone Jupyter Book sobra."""
    known = {"repository_url": config.html_theme_options.get("repository_url", "")}
    config.html_theme_options = known
    config.html_copy_source = False
    config.html_use_index = config.html_domain_indices = False
    config.html_permalinks_icon = "#"
    config.html_show_search_summary = False  # busqueda.js pide solo las páginas que se ven
    app.add_search_language(SearchRoots)
    count_only_section_titles()


def setup(app: Sphinx) -> dict:
    """Registra el tema y los repasos del HTML."""
    app.add_html_theme("libro", str(THEME))
    app.add_config_value("comments_config", {}, "")  # Jupyter Book la define aunque no se use
    app.connect("config-inited", choose_options, priority=100)
    app.connect("html-page-context", page_context, priority=900)
    app.connect("build-finished", clean_assets, priority=990)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
