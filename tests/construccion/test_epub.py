"""El EPUB: válido según epubcheck, sin nada del sitio y sin nada escondido."""

import re
import xml.etree.ElementTree as ET
import zipfile
from pathlib import Path, PurePosixPath

import pytest
from herramientas import epubcheck
from impresion_archivos import PrintError, make_epub
from impresion_mathml import to_mathml3
from impresion_tablas import to_table
from libro_minimo import build, make_minimal_book, make_one_page_book

BOOK = Path("_build", "epub", "aprendizaje-profundo.epub")
XHTML = "{http://www.w3.org/1999/xhtml}"
OPS = "{http://www.idpf.org/2007/ops}"


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = make_minimal_book(tmp_path_factory.mktemp("epub"))
    done = build(root, "epub")
    assert done.returncode == 0, done.stdout + done.stderr
    return root


@pytest.fixture(scope="module")
def files(root: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(root / BOOK) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.fixture(scope="module")
def pages(files: dict[str, bytes]) -> dict[str, ET.Element]:
    return {name: ET.fromstring(content) for name, content in files.items() if name.endswith(".xhtml")}


def read(element: ET.Element) -> str:
    return re.sub(r"\s+", " ", "".join(element.itertext()))


# --- Varios formatos a la vez ----------------------------------------------------------------------------------------


def test_formats_built_at_once_are_those_built_alone(files: dict[str, bytes], tmp_path: Path) -> None:
    root = make_minimal_book(tmp_path)
    done = build(root, "epub", "notebooks")
    assert done.returncode == 0, done.stdout + done.stderr
    assert {line.split(":")[0] for line in done.stdout.splitlines() if ": listo en " in line} >= {"epub", "notebooks"}
    assert (root / "_build" / "notebooks" / "uno" / "recta.ipynb").is_file()
    with zipfile.ZipFile(root / BOOK) as archive:
        assert sorted(archive.namelist()) == sorted(files)


def test_a_failure_among_formats_built_at_once_is_told(tmp_path: Path) -> None:
    root = make_one_page_book(tmp_path, "Un enlace a {ref}`ninguna-parte`.")
    done = build(root, "epub", "notebooks")
    assert done.returncode == 1
    assert "Sphinx encontró los problemas de arriba" in done.stderr
    assert not (root / BOOK).exists()


# --- Validez --------------------------------------------------------------------------------------------------------


def test_epubcheck_finds_nothing(root: Path) -> None:
    done = epubcheck(root / BOOK)
    report = done.stdout + done.stderr
    assert done.returncode == 0, report
    assert "0 fatals / 0 errors / 0 warnings" in report


def test_epubcheck_would_find_a_corrupt_page(root: Path, tmp_path: Path) -> None:
    corrupt = tmp_path / "roto.epub"
    with zipfile.ZipFile(root / BOOK) as source, zipfile.ZipFile(corrupt, "w") as target:
        for info in source.infolist():
            content = source.read(info)
            if info.filename == "uno/recta.xhtml":
                content = content.replace(b"</h1>", b"</h2>", 1)
            target.writestr(info, content)
    done = epubcheck(corrupt)
    assert done.returncode != 0
    assert "uno/recta.xhtml" in done.stdout + done.stderr


def test_the_build_rejects_what_is_not_xml_and_links_to_nowhere(root: Path, tmp_path: Path) -> None:
    sources, out = root / "_build" / "epub-fuentes", tmp_path / "libro.epub"
    page = sources / "uno" / "recta.xhtml"
    good = page.read_text(encoding="utf-8")
    try:
        page.write_text(good.replace("</h1>", "</h2>", 1), encoding="utf-8")
        with pytest.raises(PrintError, match=r"recta\.xhtml no es XML válido"):
            make_epub(sources, out)
        page.write_text(good.replace('href="#fig-recta"', 'href="#fig-perdida"', 1), encoding="utf-8")
        with pytest.raises(PrintError, match="fig-perdida"):
            make_epub(sources, out)
    finally:
        page.write_text(good, encoding="utf-8")
    assert list(tmp_path.iterdir()) == [], "un libro a medias no aparece"
    make_epub(sources, out)
    assert out.read_bytes() == (root / BOOK).read_bytes(), "el mismo libro da el mismo archivo"


def test_an_image_without_alternative_text_fails(tmp_path: Path) -> None:
    root = make_one_page_book(tmp_path, "![](punto.png)")
    done = build(root, "epub")
    assert done.returncode == 1
    assert "no tiene texto alternativo" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_output_only_for_the_web_fails(tmp_path: Path) -> None:
    cell = "```{code-cell} python\nfrom IPython.display import HTML\nHTML('<b>hola</b>')\n```"
    root = make_one_page_book(tmp_path, cell, executed=True)
    done = build(root, "epub")
    assert done.returncode == 1
    assert "no se ve fuera de la web" in done.stderr


# --- Paquete --------------------------------------------------------------------------------------------------------


def test_metadata(files: dict[str, bytes]) -> None:
    package = files["content.opf"].decode()
    for field in ("title", "creator", "publisher", "identifier", "date", "rights", "description"):
        assert re.search(rf"<dc:{field}[^>]*>[^<]+<", package), field
    assert "<dc:language>es</dc:language>" in package
    for meta in ("accessMode", "accessibilityFeature", "accessibilityHazard", "accessibilitySummary"):
        assert f"schema:{meta}" in package
    assert 'properties="cover-image"' in package
    assert files["mimetype"] == b"application/epub+zip"


def test_navigation_has_parts_with_their_chapters(pages: dict[str, ET.Element]) -> None:
    toc = next(n for n in pages["nav.xhtml"].iter(f"{XHTML}nav") if n.get(f"{OPS}type") == "toc")
    listing = toc.find(f"{XHTML}ol")
    assert listing is not None
    parts = {read(part.find(f"{XHTML}a")): part for part in listing}  # type: ignore[arg-type]
    assert list(parts) == ["Presentación", "Antes de empezar", "Parte 1. Primera parte", "Parte 2. Segunda parte"]
    chapters = [read(link) for link in parts["Parte 1. Primera parte"].iter(f"{XHTML}a")]
    assert "1 La recta que separa" in chapters
    assert "2 La curva" in chapters
    assert "Ejercicios" in chapters


def test_reading_order(files: dict[str, bytes]) -> None:
    order = [str(PurePosixPath(name)) for name in re.findall(r'href="([^"]+\.xhtml)"', files["content.opf"].decode())]
    chapters = [name for name in order if "/" in name or name in ("index.xhtml", "guia.xhtml")]
    assert chapters == ["index.xhtml", "guia.xhtml", "uno/recta.xhtml", "uno/curva.xhtml", "dos/red.xhtml"]
    assert order[0] == "portada.xhtml"


def test_nothing_from_the_site(files: dict[str, bytes]) -> None:
    assert [name for name in files if name.endswith((".js", ".css"))] == ["libro.css"]
    for name, content in files.items():
        if name.endswith(".xhtml"):
            page = content.decode()
            assert "<script" not in page, name
            assert "<style" not in page, name
            assert "solo en la web" not in page, name
            assert not re.search(r'src="https?:', page), name


# --- Páginas --------------------------------------------------------------------------------------------------------


def test_formulas_are_mathml(pages: dict[str, ET.Element], files: dict[str, bytes]) -> None:
    namespace = "{http://www.w3.org/1998/Math/MathML}"
    assert len(list(pages["uno/curva.xhtml"].iter(f"{namespace}math"))) >= 3
    assert "(1.1)" in read(pages["uno/recta.xhtml"])
    assert re.search(r'href="uno/recta.xhtml"[^>]*properties="mathml"', files["content.opf"].decode())


def test_nothing_is_hidden(pages: dict[str, ET.Element]) -> None:
    page = pages["uno/recta.xhtml"]
    text = read(page)
    for present in ("ENTRADA-PLEGADA", "Se suma una vez.", "Suma.", "97.3 %", "✓ Correcto"):
        assert present in text
    assert "CELDA-RETIRADA" not in text
    assert [d for p in pages.values() for d in p.iter(f"{XHTML}details") if d.get("open") is None] == []
    assert "Show code" not in text


def test_references_are_resolved(pages: dict[str, ET.Element]) -> None:
    assert "Compara con Ejercicio 3.1" in read(pages["uno/recta.xhtml"])
    assert "Teorema 1.1" in read(pages["uno/curva.xhtml"])
    links = {link.get("href") for link in pages["uno/recta.xhtml"].iter(f"{XHTML}a")}
    assert "../dos/red.xhtml#ej-red" in links
    external = {link.get("href") for link in pages["uno/curva.xhtml"].iter(f"{XHTML}a")}
    assert "https://www.example.org/a_b?x=1&y=2#ancla" in external


def test_images(pages: dict[str, ET.Element], files: dict[str, bytes]) -> None:
    images = [image for page in pages.values() for image in page.iter(f"{XHTML}img")]
    assert len(images) == 3
    assert all(image.get("alt", "").strip() for image in images)
    assert not any(name.endswith(".gif") for name in files), "la animación va quieta"


def test_dataframes_are_tables(pages: dict[str, ET.Element]) -> None:
    cells = [read(cell).strip() for cell in pages["uno/recta.xhtml"].iter(f"{XHTML}td")]
    assert cells[:4] == ["Adelia", "3700", "Papúa", "5076"]


def test_language_everywhere(pages: dict[str, ET.Element]) -> None:
    for name, page in pages.items():
        assert page.get("lang") == "es", name


# --- Piezas ---------------------------------------------------------------------------------------------------------


def test_to_mathml3_moves_only_what_is_out_of_place() -> None:
    start = '<math xmlns="http://www.w3.org/1998/Math/MathML" displaystyle="true">'
    page = f'<p>{start}<mfrac displaystyle="false"><mi>a</mi><mi>b</mi></mfrac><mtable scriptlevel="0"/></math></p>'
    assert to_mathml3(page) == (
        f'<p>{start}<mstyle displaystyle="false"><mfrac><mi>a</mi><mi>b</mi></mfrac></mstyle>'
        '<mstyle scriptlevel="0"><mtable /></mstyle></math></p>'
    )
    assert to_mathml3("<p>sin fórmulas displaystyle</p>") == "<p>sin fórmulas displaystyle</p>"


def test_to_table_rejects_what_it_does_not_understand() -> None:
    assert to_table("<p>nada</p>") is None
    assert (
        to_table("<table><thead><tr><th>a</th></tr></thead><tbody><tr><td>1</td><td>2</td></tr></tbody></table>")
        is None
    )
    table = to_table("<table><thead><tr><th>a &amp; b</th></tr></thead><tbody><tr><td>−1.5</td></tr></tbody></table>")
    assert table is not None
    assert table.astext().split() == ["a", "&", "b", "−1.5"]
    assert all("text-right" in entry["classes"] for entry in table.findall() if entry.tagname == "entry")
