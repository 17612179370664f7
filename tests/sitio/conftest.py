"""El sitio servido, común a todas las pruebas de páginas."""

from collections.abc import Iterator

import pytest
from navegador import MISSING_SITE, SITE, base_path, serve


@pytest.fixture(scope="package")
def server() -> Iterator[str]:
    assert (SITE / "404.html").is_file(), MISSING_SITE
    with serve(SITE, base_path(SITE)) as address:
        yield address
