"""Las figuras del sitio, en WebP sin pérdida: los mismos píxeles en menos de la mitad de lo que pesan en PNG."""

import re
from pathlib import Path

from docutils import nodes
from PIL import Image
from sphinx.application import Sphinx

PNG = re.compile(r'(src="[^"]*_images/)([^"/]+)\.png"')


def _figures(app: Sphinx) -> set[str]:
    """Los nombres con que el sitio publica las figuras en PNG de las páginas que se escriben ahora."""
    return {name for name in app.builder.images.values() if name.endswith(".png")}


def point_to_webp(app: Sphinx, page: str, template: str, context: dict, doctree: nodes.document | None) -> None:
    """Cambia en la página las direcciones de las figuras."""
    if "body" in context:
        figures = _figures(app)
        context["body"] = PNG.sub(
            lambda found: f'{found[1]}{found[2]}.webp"' if f"{found[2]}.png" in figures else found[0], context["body"]
        )


def write_webp(app: Sphinx, exception: Exception | None) -> None:
    """Convierte las figuras ya copiadas al sitio y quita las originales."""
    if exception or app.builder.name != "html":
        return
    for name in _figures(app):
        source = Path(app.outdir, app.builder.imagedir, name)
        if source.exists():
            target = source.with_suffix(".webp")
            if not target.exists():
                with Image.open(source) as image:
                    image.save(target, lossless=True, quality=60, method=4)
            source.unlink()


def setup(app: Sphinx) -> dict:
    """Se conecta después del tema, que da a cada imagen su tamaño."""
    app.connect("html-page-context", point_to_webp, priority=950)
    app.connect("build-finished", write_webp)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
