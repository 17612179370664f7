"""Fotografía la portada y un capítulo, anchos y estrechos, claros y oscuros, para el README: ``make capturas``."""

import io
from pathlib import Path
from urllib.parse import urljoin

from navegador import SITE, base_path, launch, serve
from PIL import Image
from playwright.sync_api import Browser

TARGET = Path(__file__).parents[1] / ".github" / "capturas"
PAGES = {"portada": "index.html", "capitulo": "fundamentos/perceptron.html#fig-perceptron-pinguinos"}
WIDTHS, HEIGHT, GAP, SCALE = (1280, 390), 844, 24, 0.5


def screenshot(browser: Browser, address: str, width: int, scheme: str) -> Image.Image:
    """La ventana tal como se abre."""
    page = browser.new_page(viewport={"width": width, "height": HEIGHT}, color_scheme=scheme, reduced_motion="reduce")
    page.goto(address, wait_until="networkidle")
    page.evaluate("scrollBy(0, -40)" if "#" in address else "0")
    image = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    page.close()
    return image


def contact_sheet(browser: Browser, address: str) -> Image.Image:
    """Las cuatro vistas de una página: arriba en claro, abajo en oscuro."""
    sheet = Image.new("RGB", (sum(WIDTHS) + 3 * GAP, 2 * HEIGHT + 3 * GAP), "#8a94a0")
    for row, scheme in enumerate(("light", "dark")):
        left = GAP
        for width in WIDTHS:
            sheet.paste(screenshot(browser, address, width, scheme), (left, GAP + row * (HEIGHT + GAP)))
            left += width + GAP
    return sheet.resize((round(sheet.width * SCALE), round(sheet.height * SCALE)), Image.Resampling.LANCZOS)


def main() -> None:
    TARGET.mkdir(parents=True, exist_ok=True)
    with serve(SITE, base_path(SITE)) as server, launch() as browser:
        for name, address in PAGES.items():
            contact_sheet(browser, urljoin(server, address)).save(TARGET / f"{name}.webp", quality=82)
            print(TARGET / f"{name}.webp")


if __name__ == "__main__":
    main()
