"""Lo que el sitio publica: enlaces que resuelven, tarjetas, mapa para buscadores, página 404 y mapa del libro."""

import base64
import io
from pathlib import Path
from urllib.parse import unquote, urldefrag, urljoin, urlparse
from xml.etree import ElementTree

import pytest
from bs4 import BeautifulSoup
from ejecucion import Project, code_cells, load
from navegador import MISSING_SITE, SITE, base_path
from PIL import Image
from plan import read_plan
from playwright.sync_api import Browser
from portada import book_map
from publicacion import site_address
from tarjetas import CARD

PROJECT = Project(Path(__file__).parents[2])
UPSTREAM = "https://github.com/libro/libro"


def soup(address: str) -> BeautifulSoup:
    """Una página del sitio."""
    return BeautifulSoup((SITE / address).read_text(encoding="utf-8"), "html.parser")


def broken_links(site: Path, base: str = "/") -> list[str]:
    """Enlaces internos, imágenes y anclas que no llevan a ninguna parte."""
    soups = {p: BeautifulSoup(p.read_text(encoding="utf-8"), "html.parser") for p in site.rglob("*.html")}
    anchors = {p: {tag["id"] for tag in soup.select("[id]")} for p, soup in soups.items()}
    found = []
    for path, page in soups.items():
        declared = page.select_one("base")
        for tag in page.select("a[href], img[src], link[href], form[action]"):
            address = str(tag.get("href") or tag.get("src") or tag.get("action"))
            if urlparse(address).scheme or address.startswith("//"):
                continue
            if declared:
                address = urljoin(str(declared["href"]), address).removeprefix(base)
            file, anchor = urldefrag(address)
            target = ((site if declared else path.parent) / unquote(file)).resolve() if file else path
            if target.is_dir():
                target /= "index.html"
            if not target.is_file():
                found.append(f"{path.relative_to(site)}: {address} no existe")
            elif anchor and target in anchors and unquote(anchor) not in anchors[target]:
                found.append(f"{path.relative_to(site)}: {address} no tiene esa ancla")
    return found


def test_every_internal_link_resolves() -> None:
    assert SITE.is_dir(), MISSING_SITE
    assert broken_links(SITE, base_path(SITE)) == []


def test_link_check_finds_planted_faults(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text('<p id="x"></p><a href="b.html">b</a><a href="#y">y</a><a href="#x">x</a>')
    (tmp_path / "404.html").write_text('<base href="/libro/"><a href="a.html#x">a</a><a href="c.html">c</a>')
    assert sorted(broken_links(tmp_path, "/libro/")) == [
        "404.html: c.html no existe",
        "a.html: #y no tiene esa ancla",
        "a.html: b.html no existe",
    ]


def test_site_offers_every_notebook() -> None:
    notebooks = SITE / "descargas" / "cuadernos"
    assert {p.relative_to(notebooks).with_suffix("").as_posix() for p in notebooks.rglob("*.ipynb")} == set(
        PROJECT.chapters()
    )


@pytest.mark.parametrize("document", PROJECT.documents())
def test_page_presents_itself(document: str) -> None:
    page = soup(f"{document}.html")
    meta = {str(tag.get("name") or tag.get("property")): str(tag.get("content")) for tag in page.select("meta")}
    canonical = page.select_one("link[rel=canonical]")
    assert canonical is not None
    assert str(canonical["href"]).endswith(f"/{document}.html")
    assert 50 <= len(meta["description"]) <= 160
    assert meta["og:image"].endswith(f"/_images/tarjetas/{document}.png")
    with Image.open(SITE / "_images" / "tarjetas" / f"{document}.png") as card:
        assert card.size == CARD
        assert len(card.convert("RGB").getcolors(10_000_000)) > 20  # algo se dibujó


def test_figures_keep_their_pixels_in_webp() -> None:
    document = "convolucionales/lenet"
    executed = [
        Image.open(io.BytesIO(base64.b64decode(output["data"]["image/png"]))).convert("RGB").tobytes()
        for cell in code_cells(load(PROJECT, document))
        for output in cell.outputs
        if "image/png" in output.get("data", {})
    ]
    sources = [str(image["src"]) for image in soup(f"{document}.html").select("article figure img")]
    assert len(sources) == len(executed) > 3
    assert all(source.endswith(".webp") for source in sources)
    published = [Image.open((SITE / document).parent / source).convert("RGB").tobytes() for source in sources]
    assert published == executed


def test_sitemap_lists_the_book() -> None:
    tree = ElementTree.parse(SITE / "sitemap.xml")
    listed = {str(node.text) for node in tree.iter("{http://www.sitemaps.org/schemas/sitemap/0.9}loc")}
    base = str(soup(f"{PROJECT.documents()[0]}.html").select_one("link[rel=canonical]")["href"]).rpartition("/")[0]
    expected = {f"{base}/{document}.html" for document in PROJECT.documents()[1:]} | {f"{base}/"}
    assert listed == expected


def test_missing_page_helps(browser: Browser, server: str) -> None:
    page = browser.new_page()
    response = page.goto(urljoin(server, "optimizacion/no/existe.html"), wait_until="networkidle")
    assert response is not None
    assert response.status == 404
    assert page.locator("h1").inner_text() == "Página no encontrada"
    assert page.evaluate("[...document.images].every(i => i.naturalWidth > 0)")
    page.get_by_role("link", name="Ir al índice del libro").click()
    page.wait_for_url(f"{server}index.html")
    page.close()


def test_front_page_maps_the_book() -> None:
    page = soup("index.html")
    plan = read_plan(PROJECT)
    ready = PROJECT.chapters()
    for part in plan:
        for document, title in part["capitulos"].items():
            links = page.select(f'.parte a[href="{document}.html"]')
            assert bool(links) == (document in ready), document
            assert document in ready or title in page.get_text(), document
    assert (
        f"tiene {sum(len(part['capitulos']) for part in plan)} capítulos; están listos {len(ready)}." in page.get_text()
    )


def test_plan_and_table_of_contents_agree(tmp_path: Path) -> None:
    chapters = set(PROJECT.chapters())
    captions = [caption for caption, documents in PROJECT.parts() if chapters & set(documents)]
    assert [part.caption for part in book_map(PROJECT) if part.ready] == captions
    other = Project(tmp_path)
    (other.book / "a").mkdir(parents=True)
    (other.book / "index.md").write_text("# Inicio\n")
    (other.book / "a" / "nuevo.md").write_text("---\nfile_format: mystnb\nkernelspec: {name: python3}\n---\n# Nuevo\n")
    (tmp_path / "_toc.yml").write_text("root: index\nparts: [{caption: A, chapters: [{file: a/nuevo}]}]")
    (other.book / "plan.yml").write_text("[{parte: A, resumen: x, capitulos: {a/otro: Otro}}]")
    with pytest.raises(ValueError, match="a/nuevo"):
        book_map(other)


@pytest.mark.parametrize(
    ("slug", "expected"),
    [
        (None, "https://libro.example/curso/"),
        ("libro/libro", "https://libro.example/curso/"),
        ("Ana/libro", "https://ana.github.io/libro/"),
        ("Ana/ana.github.io", "https://ana.github.io/"),
    ],
)
def test_forks_have_their_own_address(monkeypatch: pytest.MonkeyPatch, slug: str | None, expected: str) -> None:
    monkeypatch.delenv("GITHUB_REPOSITORY", raising=False)
    if slug:
        monkeypatch.setenv("GITHUB_REPOSITORY", slug)
    assert site_address("https://libro.example/curso", UPSTREAM) == expected
