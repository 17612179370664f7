"""El sitio construido, servido como en su dirección pública, y el navegador que lo visita."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from io import BufferedReader
from pathlib import Path

from herramientas import require_tool
from playwright.sync_api import Browser, sync_playwright

SITE = Path(__file__).parents[1] / "_build" / "html"
MISSING_SITE = "falta _build/html: constrúyelo con «make html»"
CHROMIUM_FLAGS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
)


def pages() -> list[str]:
    """Las páginas del sitio, desde su raíz."""
    return sorted(p.relative_to(SITE).as_posix() for p in SITE.rglob("*.html"))


def base_path(site: Path) -> str:
    """La parte de la dirección pública que va detrás del dominio: la que declara la página 404."""
    found = re.search(r'<base href="([^"]+)">', (site / "404.html").read_text(encoding="utf-8"))
    assert found, "404.html no declara su base"
    return found[1]


@contextmanager
def serve(site: Path, base: str) -> Iterator[str]:
    """Sirve ``site`` bajo ``base``, con la página 404 de GitHub Pages; da la dirección, terminada en «/»."""

    class Handler(SimpleHTTPRequestHandler):
        def translate_path(self, path: str) -> str:
            inside = "/" + path.removeprefix(base) if path.startswith(base) else "/fuera-del-sitio"
            return super().translate_path(inside)

        def send_head(self) -> BufferedReader | None:
            if Path(self.translate_path(self.path)).exists() or not (site / "404.html").is_file():
                return super().send_head()
            self.send_response(404)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            return (site / "404.html").open("rb")

        def log_message(self, *args: object) -> None:
            pass

    def handler(*args: object) -> Handler:
        return Handler(*args, directory=str(site))

    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as httpd:
        threading.Thread(target=httpd.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{httpd.server_port}{base}"
        httpd.shutdown()


@contextmanager
def launch() -> Iterator[Browser]:
    """Un Chromium del sistema."""
    path = require_tool("chromium", "sudo apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=CHROMIUM_FLAGS.split())
        yield browser
        browser.close()
