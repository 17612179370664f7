"""Cada página en un navegador de verdad, ancha y estrecha, clara y oscura: nada desborda, nada falla, nada sobra."""

import json
from pathlib import Path
from urllib.parse import urljoin

import pytest
from axe_playwright_python.sync_playwright import Axe
from navegador import MISSING_SITE, SITE, pages, serve
from playwright.sync_api import Browser, Page

WIDTHS, SCHEMES = (1280, 390), ("light", "dark")
# Pesos en kB sin comprimir; el servidor los manda comprimidos, unas seis veces menos el HTML.
MAX_HTML_KB, MAX_SCRIPTS_KB = 300, 20
MAX_EAGER_REQUESTS = 8  # página, guion, iconos, fuente y lo que se ve al abrir


def open_everything(page: Page) -> None:
    """Despliega los pliegues y carga las imágenes que esperan."""
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    page.evaluate("document.querySelectorAll('img').forEach(i => i.loading = 'eager')")
    page.wait_for_function("[...document.images].every(i => i.complete)", timeout=15_000)


# Las reglas que dependen de los colores son casi todo lo que tarda axe. El color de un texto lo deciden sus etiquetas,
# clases y estilos y los de quienes lo contienen: basta el primero de cada clase de textos, uno de cada siete o más.
COLOUR_RULES = ("color-contrast", "link-in-text-block")
MARK_SAMPLE = """() => {
  const seen = new Set();
  const written = node => node.nodeType === Node.TEXT_NODE && node.data.trim();
  for (const element of document.querySelectorAll("body, body *")) {
    if (!element.matches("input, select, textarea") && ![...element.childNodes].some(written)) continue;
    const path = [];
    for (let e = element; e; e = e.parentElement) path.push(e.localName, e.className, e.getAttribute("style"));
    const key = JSON.stringify(path);
    if (!seen.has(key)) element.dataset.muestra = "";
    seen.add(key);
  }
}"""
SAMPLE = {"include": [["[data-muestra]"]]}


def violations(page: Page, context: dict[str, object] | None, options: dict[str, object]) -> list[str]:
    """Las faltas de accesibilidad que ve axe."""
    found = Axe().run(page, context, options | {"resultTypes": ["violations"]}).response["violations"]
    return [f"{v['id']} en {len(v['nodes'])} lugares, p. ej. {v['nodes'][0]['html'][:120]}" for v in found]


def problems(browser: Browser, server: str, address: str, width: int) -> list[str]:
    """Lo que está mal en una página vista con un ancho, en claro y en oscuro."""
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=SCHEMES[0])
    found: list[str] = []
    page.on("console", lambda m: found.append(f"consola: {m.text}") if m.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: found.append(f"error: {error}"))
    page.on("request", lambda r: None if r.url.startswith((server, "data:")) else found.append(f"petición a {r.url}"))
    page.on("response", lambda r: found.append(f"{r.status} en {r.url}") if r.status >= 400 else None)
    page.goto(urljoin(server, address), wait_until="networkidle")
    open_everything(page)
    broken = page.evaluate("[...document.images].filter(i => !i.naturalWidth).map(i => i.src)")
    found += [f"imagen rota: {source}" for source in broken]
    found += violations(page, None, {"rules": {rule: {"enabled": False} for rule in COLOUR_RULES}})
    page.evaluate(MARK_SAMPLE)
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme)
        overflow = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        if overflow > 0:
            found.append(f"{scheme}: desborda {overflow} px")
        found += [f"{scheme}: {one}" for one in violations(page, SAMPLE, {"runOnly": list(COLOUR_RULES)})]
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
    found = [f"{width} px: {problem}" for width in WIDTHS for problem in problems(browser, server, address, width)]
    assert found == []


@pytest.mark.parametrize("address", pages() or [MISSING_SITE])
def test_page_is_light(browser: Browser, server: str, address: str) -> None:
    measured = weight(browser, server, address)
    print(address, json.dumps({key: round(value) for key, value in measured.items()}))
    assert measured["document"] <= MAX_HTML_KB
    if address != "search.html":  # la búsqueda carga su índice
        assert measured["script"] <= MAX_SCRIPTS_KB
        assert measured["peticiones"] <= MAX_EAGER_REQUESTS


PALE, DARK = "color: #bbb; background: #fff", "color: #333; background: #000"
CONTRAST_PAGE = """<!doctype html><html lang="es"><title>x</title><link rel="icon" href="data:,"><style>{}</style>
<main><h1>x</h1><p>bien</p><p>bien</p><div class="nota"><p>texto</p></div>
<label>Busca <input value="texto"></label><p>Un <a href="#aquí">enlace</a> en su texto.</p></main></html>"""


@pytest.mark.parametrize(
    ("rule", "schemes"),
    [
        ("p { color: #111 }", []),
        (f"p {{ {PALE} }}", ["light", "dark"]),
        (f"input {{ {PALE} }}", ["light", "dark"]),
        ("a { color: #222; text-decoration: none }", ["light", "dark"]),
        (f".nota p {{ {PALE} }}", ["light", "dark"]),
        (f"@media (prefers-color-scheme: dark) {{ .nota p {{ {DARK} }} }}", ["dark"]),
        (f"@media (prefers-color-scheme: light) {{ .nota {{ {PALE} }} }}", ["light"]),
        (f"@media (max-width: 60rem) {{ .nota p {{ {PALE} }} }}", ["light", "dark"]),
    ],
)
def test_bad_contrast_is_found_where_it_is(browser: Browser, tmp_path: Path, rule: str, schemes: list[str]) -> None:
    (tmp_path / "una.html").write_text(CONTRAST_PAGE.format(rule))
    with serve(tmp_path, "/") as address:
        found = problems(browser, address, "una.html", 390)
    rule_broken = "link-in-text-block" if rule.startswith("a ") else "color-contrast"
    assert [problem.split(":")[0] for problem in found if rule_broken in problem] == schemes
    assert len(found) == len(schemes)


def test_browser_check_finds_planted_faults(browser: Browser, tmp_path: Path) -> None:
    page = """<!doctype html><title>x</title><img src="no-hay.png"><div style="width:3000px">ancho</div>
    <script>console.error("queja"); throw new Error("lanzado")</script><img src="http://127.0.0.1:9/fuera.png">"""
    (tmp_path / "mala.html").write_text(page)
    with serve(tmp_path, "/") as address:
        text = " ".join(problems(browser, address, "mala.html", 390))
    planted = ["queja", "lanzado", "404", "petición a http://127.0.0.1:9/", "imagen rota", "desborda"]
    planted += ["image-alt", "html-has-lang"]
    for expected in planted:
        assert expected in text
