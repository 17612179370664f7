"""Lo que el sitio necesita para publicarse: su dirección, el mapa para buscadores, la página 404 y las tarjetas."""

import os
from pathlib import Path
from typing import Any
from urllib.parse import urlparse
from xml.sax.saxutils import escape

from docutils import nodes
from ejecucion import Project
from impresion_portada import draw_field
from sphinx.application import Sphinx
from sphinx.config import Config
from sphinx.errors import ConfigError
from tarjetas import card_path, write_images

SITEMAP = "sitemap.xml"
BANNER = "_images/portada.webp"


def repository(configured: str) -> str:
    """La dirección del repositorio que construye el sitio: el de la integración continua o el de ``_config.yml``."""
    slug = os.environ.get("GITHUB_REPOSITORY")
    return f"https://github.com/{slug}" if slug else configured


def source_address(config: Config, path: str) -> str:
    """La dirección de un archivo del proyecto en su repositorio."""
    return f"{repository(config.html_theme_options['repository_url'])}/blob/main/{path}"


def site_address(configured: str, repository_url: str) -> str:
    """Dónde se publica el sitio: en una bifurcación (*fork*), en las páginas de GitHub de quien la hizo.

    Args:
        configured: ``html.baseurl`` de ``_config.yml``, que vale para el repositorio de ``_config.yml``.
        repository_url: ``repository.url`` de ``_config.yml``.
    """
    slug = os.environ.get("GITHUB_REPOSITORY", "")
    if not slug or repository_url == f"https://github.com/{slug}":
        return configured.rstrip("/") + "/"
    owner, name = slug.split("/")
    host = f"https://{owner.lower()}.github.io/"
    return host if name.lower() == f"{owner.lower()}.github.io" else f"{host}{name}/"


def set_address(app: Sphinx, config: Config) -> None:
    """Fija la dirección del sitio antes de que nada la use."""
    if not config.html_baseurl:
        raise ConfigError("falta html.baseurl en _config.yml: la dirección donde se publica el sitio")
    config.html_baseurl = site_address(config.html_baseurl, config.html_theme_options.get("repository_url", ""))
    config.html_additional_pages = {"404": "404.html"}


def page_images(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None) -> None:
    """La tarjeta de la página y, en la 404, la base de sus enlaces: se sirve desde cualquier dirección."""
    if page == "404":
        context["base"] = urlparse(app.config.html_baseurl).path
    if doctree is None:
        return
    project = Project(Path(app.srcdir).parent)
    title = app.env.titles[page].astext()
    below = app.config.libro_subtitulo if page == app.config.root_doc else app.config.project
    write_images(project, page, title, below, Path(app.outdir))
    context["tarjeta"] = app.config.html_baseurl + card_path(page)


def write_extras(app: Sphinx, exception: Exception | None) -> None:
    """Escribe ``sitemap.xml`` con las páginas del libro y el dibujo de la portada."""
    if exception or app.builder.name != "html":
        return
    pages = sorted(app.env.found_docs)
    addresses = [app.config.html_baseurl + ("" if page == app.config.root_doc else f"{page}.html") for page in pages]
    entries = "".join(f"<url><loc>{escape(address)}</loc></url>\n" for address in addresses)
    text = f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n{entries}</urlset>\n'
    Path(app.outdir, SITEMAP).write_text(f'<?xml version="1.0" encoding="utf-8"?>\n{text}', encoding="utf-8")
    draw_field(1600, 240).save(Path(app.outdir, BANNER), quality=60)


def setup(app: Sphinx) -> dict:
    """Se conecta antes que el tema, que completa el resto de la página."""
    app.connect("config-inited", set_address, priority=90)
    app.connect("html-page-context", page_images, priority=850)
    app.connect("build-finished", write_extras)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
