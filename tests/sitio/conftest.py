"""El sitio servido y un navegador, comunes a todas las pruebas de páginas."""

from collections.abc import Iterator

import pytest
from navegador import MISSING_SITE, SITE, base_path, launch, serve
from playwright.sync_api import Browser


@pytest.fixture(scope="package")
def server() -> Iterator[str]:
    assert (SITE / "404.html").is_file(), MISSING_SITE
    with serve(SITE, base_path(SITE)) as address:
        yield address


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    with launch() as opened:
        yield opened
