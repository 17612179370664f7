"""Cada página en un navegador de verdad, ancha y estrecha, clara y oscura: nada desborda, nada falla, nada sobra."""

import json
from pathlib import Path
from urllib.parse import urljoin

import pytest
from axe_playwright_python.sync_playwright import Axe
from navegador import MISSING_SITE, SITE, pages, serve
from playwright.sync_api import Browser, Page

VIEWS = [(width, scheme) for width in (1280, 390) for scheme in ("light", "dark")]
# Pesos en kB sin comprimir; el servidor los manda comprimidos, unas seis veces menos el HTML.
MAX_HTML_KB, MAX_SCRIPTS_KB = 300, 20
MAX_EAGER_REQUESTS = 8  # página, guion, iconos, fuente y lo que se ve al abrir


def open_everything(page: Page) -> None:
    """Despliega los pliegues y carga las imágenes que esperan."""
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    page.evaluate("document.querySelectorAll('img').forEach(i => i.loading = 'eager')")
    page.wait_for_function("[...document.images].every(i => i.complete)", timeout=15_000)


def problems(browser: Browser, server: str, address: str, width: int, scheme: str) -> list[str]:
    """Lo que está mal en una página, vista con un ancho y un esquema de color."""
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    found: list[str] = []
    page.on("console", lambda m: found.append(f"consola: {m.text}") if m.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: found.append(f"error: {error}"))
    page.on("request", lambda r: None if r.url.startswith((server, "data:")) else found.append(f"petición a {r.url}"))
    page.on("response", lambda r: found.append(f"{r.status} en {r.url}") if r.status >= 400 else None)
    page.goto(urljoin(server, address), wait_until="networkidle")
    open_everything(page)
    broken = page.evaluate("[...document.images].filter(i => !i.naturalWidth).map(i => i.src)")
    found += [f"imagen rota: {source}" for source in broken]
    overflow = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    if overflow > 0:
        found.append(f"desborda {overflow} px")
    results = Axe().run(page).response
    for violation in results["violations"]:
        nodes = violation["nodes"]
        found.append(f"accesibilidad: {violation['id']} en {len(nodes)} lugares, p. ej. {nodes[0]['html'][:120]}")
    page.close()
    return found


def weight(browser: Browser, server: str, address: str) -> dict[str, float]:
    """Lo que se descarga al abrir una página: kB y peticiones, sin contar entre estas las imágenes que esperan."""
    page = browser.new_page(viewport={"width": 390, "height": 844})
    total: dict[str, float] = {"peticiones": 0, "document": 0, "script": 0, "total": 0}

    def count(response: object) -> None:
        size = len(response.body()) / 1000  # type: ignore[attr-defined]
        kind = response.request.resource_type  # type: ignore[attr-defined]
        total["peticiones"] += 1
        total["total"] += size
        total[kind] = total.get(kind, 0) + size

    page.on("response", count)
    page.goto(urljoin(server, address), wait_until="networkidle")
    # El navegador adelanta las imágenes cercanas, pero el resto de la página no depende de ellas.
    waiting = "[...document.images].filter(i => i.loading === 'lazy' && i.naturalWidth)"
    total["peticiones"] -= page.evaluate(f"{waiting}.length")
    page.close()
    return total


@pytest.mark.parametrize("address", pages() or [MISSING_SITE])
def test_page_in_a_browser(browser: Browser, server: str, address: str) -> None:
    assert (SITE / address).is_file(), address
    found = [
        f"{width} px, {scheme}: {problem}"
        for width, scheme in VIEWS
        for problem in problems(browser, server, address, width, scheme)
    ]
    assert found == []


@pytest.mark.parametrize("address", pages() or [MISSING_SITE])
def test_page_is_light(browser: Browser, server: str, address: str) -> None:
    measured = weight(browser, server, address)
    print(address, json.dumps({key: round(value) for key, value in measured.items()}))
    assert measured["document"] <= MAX_HTML_KB
    if address != "search.html":  # la búsqueda carga su índice
        assert measured["script"] <= MAX_SCRIPTS_KB
        assert measured["peticiones"] <= MAX_EAGER_REQUESTS


def test_browser_check_finds_planted_faults(browser: Browser, tmp_path: Path) -> None:
    page = """<!doctype html><title>x</title><img src="no-hay.png"><div style="width:3000px">ancho</div>
    <script>console.error("queja"); throw new Error("lanzado")</script><img src="http://127.0.0.1:9/fuera.png">"""
    (tmp_path / "mala.html").write_text(page)
    with serve(tmp_path, "/") as address:
        text = " ".join(problems(browser, address, "mala.html", 390, "dark"))
    planted = ["queja", "lanzado", "404", "petición a http://127.0.0.1:9/", "imagen rota", "desborda"]
    planted += ["image-alt", "html-has-lang"]
    for expected in planted:
        assert expected in text
