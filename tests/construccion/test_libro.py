"""El libro de verdad, ya construido: el PDF y el EPUB que se publican están enteros."""

import re
import subprocess
import zipfile
from pathlib import Path

import pytest
from ejecucion import Project
from herramientas import epubcheck, require_tool
from pypdf import PdfReader

ROOT = Path(__file__).parents[2]
PDF = ROOT / "_build" / "pdf" / "aprendizaje-profundo.pdf"
EPUB = ROOT / "_build" / "epub" / "aprendizaje-profundo.epub"


@pytest.fixture(scope="module")
def reader() -> PdfReader:
    require_tool("xelatex", "make herramientas")
    assert PDF.is_file(), f"falta {PDF}: constrúyelo con «make pdf»"
    return PdfReader(PDF)


def titles(items: list) -> list[str]:
    """Los marcadores del PDF, de todos los niveles."""
    return [t for item in items for t in (titles(item) if isinstance(item, list) else [str(item.title)])]


def test_pdf_has_every_part_and_chapter(reader: PdfReader) -> None:
    found = " | ".join(titles(reader.outline))
    for caption, documents in Project(ROOT).parts():
        assert caption in found
        for document in documents:
            heading = re.search(r"^# (.+)$", (ROOT / "book" / f"{document}.md").read_text("utf-8"), re.MULTILINE)
            assert heading is not None
            assert heading[1] in found


def test_pdf_resolves_every_reference() -> None:
    tool = require_tool("pdftotext", "make herramientas")
    text = subprocess.run([tool, PDF, "-"], capture_output=True, text=True, check=True).stdout
    assert "??" not in text
    assert "✓" in text


def test_epub_is_valid() -> None:
    assert EPUB.is_file(), f"falta {EPUB}: constrúyelo con «make epub»"
    done = epubcheck(EPUB)
    report = done.stdout + done.stderr
    assert done.returncode == 0, report
    assert "0 fatals / 0 errors / 0 warnings" in report


def test_epub_has_every_chapter() -> None:
    with zipfile.ZipFile(EPUB) as archive:
        names = " ".join(archive.namelist())
    for document in Project(ROOT).chapters():
        assert f"{document}.xhtml" in names
