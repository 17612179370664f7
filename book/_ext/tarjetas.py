"""La imagen con que cada página se presenta fuera de ella: la miniatura de la portada y la tarjeta al compartirla.

Las dos salen de la primera figura del capítulo. La tarjeta mide 1200 × 630 píxeles, el tamaño que piden las redes.
"""

import base64
import io
import textwrap
from functools import lru_cache
from pathlib import Path

import matplotlib as mpl
from ejecucion import Project, code_cells, load
from impresion_portada import draw_field
from PIL import Image, ImageDraw, ImageFont, ImageOps

THUMBNAIL = (200, 130)
CARD = (1200, 630)
INK, BRAND, PAPER = "#4e5a69", "#12355b", "#ffffff"
MARGIN = 64


def thumbnail_path(document: str) -> str:
    """La dirección de la miniatura de un capítulo desde la raíz del sitio."""
    return f"_images/miniaturas/{document}.webp"


def card_path(document: str) -> str:
    """La dirección de la tarjeta de una página desde la raíz del sitio."""
    return f"_images/tarjetas/{document}.png"


def first_figure(project: Project, document: str) -> Image.Image | None:
    """La primera imagen de la ejecución de un capítulo."""
    if document not in project.chapters():
        return None
    for cell in code_cells(load(project, document)):
        for output in cell.outputs:
            png = output.get("data", {}).get("image/png")
            if png:
                return Image.open(io.BytesIO(base64.b64decode(png))).convert("RGB")
    return None


@lru_cache(maxsize=1)
def _banner() -> Image.Image:
    return draw_field(CARD[0], 150)


def _font(size: int, *, bold: bool) -> ImageFont.FreeTypeFont:
    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    return ImageFont.truetype(str(Path(mpl.get_data_path(), "fonts", "ttf", name)), size)


def draw_card(title: str, above: str, below: str, figure: Image.Image | None) -> Image.Image:
    """La tarjeta: el dibujo de la portada arriba, el título con una línea encima y otra debajo, y la figura al lado."""
    card = Image.new("RGB", CARD, PAPER)
    banner = _banner()
    card.paste(banner, (0, 0))
    draw = ImageDraw.Draw(card)
    width = CARD[0] - 2 * MARGIN
    if figure is not None:
        space = (560, CARD[1] - banner.height - 96)
        picture = ImageOps.contain(figure, space)
        left = CARD[0] - MARGIN - picture.width
        card.paste(picture, (left, banner.height + (CARD[1] - banner.height - picture.height) // 2))
        width = left - 2 * MARGIN
    size = 60
    lines = [title]
    while size > 30:  # el título, tan grande como quepa en cuatro líneas
        font = _font(size, bold=True)
        lines = textwrap.wrap(title, max(8, int(width / (0.64 * size))), break_long_words=False)
        if len(lines) <= 4 and max(font.getlength(line) for line in lines) <= width:
            break
        size -= 4
    top = banner.height + 56
    if above:
        draw.text((MARGIN, top), above, font=_font(28, bold=False), fill=INK)
        top += 52
    draw.multiline_text((MARGIN, top), "\n".join(lines), font=_font(size, bold=True), fill=BRAND, spacing=14)
    draw.text((MARGIN, CARD[1] - 72), below, font=_font(28, bold=False), fill=INK)
    return card


def write_images(project: Project, document: str, title: str, below: str, site: Path) -> None:
    """Escribe en el sitio la tarjeta de una página y, si es un capítulo con figuras, su miniatura."""
    figure = first_figure(project, document)
    part = next((caption for caption, documents in project.parts() if document in documents), "")
    card = site / card_path(document)
    card.parent.mkdir(parents=True, exist_ok=True)
    draw_card(title, part, below, figure).quantize(128).save(card, optimize=True)
    if figure is not None:
        thumbnail = site / thumbnail_path(document)
        thumbnail.parent.mkdir(parents=True, exist_ok=True)
        size = (2 * THUMBNAIL[0], 2 * THUMBNAIL[1])  # nítida también en pantallas densas
        ImageOps.pad(figure, size, color=PAPER).save(thumbnail, quality=70)
