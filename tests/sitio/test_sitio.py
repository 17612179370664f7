"""El sitio construido, en un navegador de verdad: nada desborda, nada falla y nada se pide fuera."""

import re
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urldefrag, urljoin, urlparse

import pytest
from bs4 import BeautifulSoup
from herramientas import require_tool
from playwright.sync_api import Browser, sync_playwright

SITE = Path(__file__).parents[2] / "_build" / "html"
CHROMIUM_FLAGS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
)


def pages() -> list[str]:
    """Las páginas del sitio; sin sitio construido, la prueba falla y lo dice."""
    found = sorted(p.relative_to(SITE).as_posix() for p in SITE.rglob("*.html"))
    return found or ["falta _build/html: constrúyelo con «make html»"]


class Quiet(SimpleHTTPRequestHandler):
    """Un servidor que no escribe en la salida de las pruebas."""

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(SITE))) as httpd:
        threading.Thread(target=httpd.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{httpd.server_port}/"
        httpd.shutdown()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = require_tool("chromium", "apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=CHROMIUM_FLAGS.split())
        yield browser
        browser.close()


def problems(browser: Browser, server: str, address: str, width: int, scheme: str) -> list[str]:
    """Lo que está mal en una página, vista con un ancho y un esquema de color."""
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    found: list[str] = []
    page.on("console", lambda m: found.append(f"consola: {m.text}") if m.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: found.append(f"error: {error}"))
    page.on("request", lambda r: None if r.url.startswith((server, "data:")) else found.append(f"petición a {r.url}"))
    page.on("response", lambda r: found.append(f"{r.status} en {r.url}") if r.status >= 400 else None)
    page.goto(urljoin(server, address), wait_until="networkidle")
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    page.evaluate("document.querySelectorAll('img').forEach(i => i.loading = 'eager')")
    page.wait_for_function("[...document.images].every(i => i.complete)", timeout=10_000)
    broken = page.evaluate("[...document.images].filter(i => !i.naturalWidth).map(i => i.src)")
    found += [f"imagen rota: {source}" for source in broken]
    overflow = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    if overflow > 0:
        found.append(f"desborda {overflow} px")
    page.close()
    return found


@pytest.mark.parametrize("address", pages())
def test_page_in_a_browser(browser: Browser, server: str, address: str) -> None:
    assert (SITE / address).is_file(), address
    found = [
        f"{width} px, {scheme}: {problem}"
        for width, scheme in ((1280, "light"), (390, "dark"))
        for problem in problems(browser, server, address, width, scheme)
    ]
    assert found == []


def test_browser_check_finds_planted_faults(browser: Browser, server: str, tmp_path: Path) -> None:
    page = """<!doctype html><title>x</title><img src="no-hay.png"><div style="width:3000px">ancho</div>
    <script>console.error("queja"); throw new Error("lanzado")</script><img src="http://127.0.0.1:9/fuera.png">"""
    (tmp_path / "mala.html").write_text(page)
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path))) as httpd:
        threading.Thread(target=httpd.serve_forever, daemon=True).start()
        text = " ".join(problems(browser, f"http://127.0.0.1:{httpd.server_port}/", "mala.html", 390, "light"))
        httpd.shutdown()
    for expected in ("queja", "lanzado", "404", "petición a http://127.0.0.1:9/", "imagen rota", "desborda"):
        assert expected in text


def broken_links(site: Path) -> list[str]:
    """Enlaces internos, imágenes y anclas que no llevan a ninguna parte."""
    soups = {p: BeautifulSoup(p.read_text(encoding="utf-8"), "html.parser") for p in site.rglob("*.html")}
    anchors = {p: {tag["id"] for tag in soup.select("[id]")} for p, soup in soups.items()}
    found = []
    for path, soup in soups.items():
        for tag in soup.select("a[href], img[src], link[href]"):
            address = str(tag.get("href") or tag.get("src"))
            if urlparse(address).scheme or address.startswith("//"):
                continue
            file, anchor = urldefrag(address)
            target = (path.parent / unquote(file)).resolve() if file else path
            if target.is_dir():
                target /= "index.html"
            if not target.is_file():
                found.append(f"{path.relative_to(site)}: {address} no existe")
            elif anchor and target in anchors and unquote(anchor) not in anchors[target]:
                found.append(f"{path.relative_to(site)}: {address} no tiene esa ancla")
    return found


def test_every_internal_link_resolves() -> None:
    assert SITE.is_dir(), "falta _build/html: constrúyelo con «make html»"
    assert broken_links(SITE) == []


def test_link_check_finds_planted_faults(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text('<p id="x"></p><a href="b.html">b</a><a href="#y">y</a><a href="#x">x</a>')
    assert len(broken_links(tmp_path)) == 2


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("perceptron", "fundamentos/perceptron.html"),
        ("perceptrones", "fundamentos/perceptron.html"),
        ("convolucion", "convolucionales/lenet.html"),
        ("LeNet", "convolucionales/lenet.html"),
    ],
)
def test_search_ignores_accents_and_plurals(browser: Browser, server: str, query: str, first: str) -> None:
    page = browser.new_page()
    page.goto(f"{server}search.html?q={query}", wait_until="networkidle")
    page.wait_for_selector("#search-results li a", timeout=10_000)
    results = page.eval_on_selector_all("#search-results li a", "links => links.map(a => a.getAttribute('href'))")
    assert re.sub(r"[#?].*", "", results[0]) == first
    page.close()


def test_site_offers_every_notebook() -> None:
    chapters = {p.relative_to(SITE).with_suffix("") for p in SITE.glob("*/*.html")}
    notebooks = SITE / "descargas" / "cuadernos"
    assert chapters == {p.relative_to(notebooks).with_suffix("") for p in notebooks.rglob("*.ipynb")}
