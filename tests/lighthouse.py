"""Puntúa el sitio construido con Lighthouse, como un teléfono con red lenta: ``make bench``.

Lighthouse es un programa de Node: se instala con npm, con la versión de aquí, en ``_build/herramientas``. El servidor
no comprime, así que las páginas publicadas cargan algo antes de lo que dice esta medida.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import urljoin

from herramientas import require_tool
from navegador import CHROMIUM_FLAGS, SITE, base_path, pages, serve

VERSION = "13.5.0"
TOOLS = Path(__file__).parents[1] / "_build" / "herramientas"
CATEGORIES = {
    "performance": "rendimiento",
    "accessibility": "accesibilidad",
    "best-practices": "buenas prácticas",
    "seo": "SEO",
}


def install() -> Path:
    """El ejecutable de Lighthouse."""
    program = TOOLS / "node_modules" / ".bin" / "lighthouse"
    if not program.exists():
        TOOLS.mkdir(parents=True, exist_ok=True)
        command = ["npm", "install", "--no-audit", "--no-fund", "--prefix", str(TOOLS), f"lighthouse@{VERSION}"]
        subprocess.run(command, check=True, capture_output=True)
    return program


def score(program: Path, address: str) -> dict:
    """El informe de una página."""
    command = [program, address, "--quiet", "--output=json", f"--chrome-flags=--headless {CHROMIUM_FLAGS}"]
    environment = os.environ | {"CHROME_PATH": str(require_tool("chromium", "sudo apt-get install chromium"))}
    return json.loads(subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout)


def main() -> None:
    chosen = sys.argv[1:] or [page for page in pages() if page not in ("404.html", "search.html")]
    program = install()
    print(f"{'página':44}", *(f"{name:>16}" for name in CATEGORIES.values()), "      kB  fuera")
    with serve(SITE, base_path(SITE)) as server:
        for page in chosen:
            report = score(program, urljoin(server, page))
            marks = (f"{report['categories'][name]['score']:16.2f}" for name in CATEGORIES)
            requests = report["audits"]["network-requests"]["details"]["items"]
            weight = report["audits"]["total-byte-weight"]["numericValue"] / 1000
            outside = sum(not item["url"].startswith((server, "data:")) for item in requests)
            print(f"{page:44}", *marks, f"{weight:8.0f} {outside:6}")


if __name__ == "__main__":
    main()
