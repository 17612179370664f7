"""El PDF: lo que se lee, adónde llevan los enlaces y qué se dice cuando algo está mal."""

import re
import subprocess
from pathlib import Path

import pytest
from herramientas import require_tool
from impresion_archivos import (
    APT,
    TOOLS,
    MissingTool,
    PrintError,
    explain_failure,
    log_problems,
    make_pdf,
    require_tools,
)
from libro_minimo import build, make_minimal_book, make_one_page_book
from pypdf import PdfReader
from pypdf.generic import IndirectObject

BOOK = Path("_build", "pdf", "aprendizaje-profundo.pdf")
A4_PT = (595.28, 841.89)


@pytest.fixture(scope="module")
def _tex() -> None:
    for tool in TOOLS["pdf"]:
        require_tool(tool, APT)


@pytest.fixture(scope="module")
def pdf(_tex: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = make_minimal_book(tmp_path_factory.mktemp("pdf"))
    done = build(root, "pdf")
    assert done.returncode == 0, done.stdout + done.stderr
    return root / BOOK


@pytest.fixture(scope="module")
def reader(pdf: Path) -> PdfReader:
    return PdfReader(pdf)


@pytest.fixture(scope="module")
def text(pdf: Path) -> str:
    tool = require_tool("pdftotext", "sudo apt-get install poppler-utils")
    return subprocess.run([tool, "-layout", pdf, "-"], capture_output=True, text=True, check=True).stdout


def outline(items: list, level: int = 0) -> list[tuple[int, str]]:
    found = []
    for item in items:
        found += outline(item, level + 1) if isinstance(item, list) else [(level, item.title)]
    return found


# --- Lo que se lee --------------------------------------------------------------------------------------------------


def test_every_reference_is_resolved(text: str) -> None:
    assert "??" not in text
    for reference in ("Figura 1.1", "Figura 3.1", "Tabla 2.1", "(1.1)", "(3.1)", "Teorema 1.1", "Ejercicio 1.1"):
        assert text.count(reference) >= 2, f"{reference}: hace falta el sitio y la cita"
    assert re.search(r"Compara con Ejercicio 3\.1", text), "el ejercicio de otro capítulo se cita con su número"
    assert text.count("[Ros58]") == 4, "dos citas y una entrada en la bibliografía de cada capítulo"


def test_numbers_are_those_of_the_site(text: str) -> None:
    """Un capítulo sin número delante no corre los demás."""
    for heading in ("Capítulo 1", "Capítulo 2", "Capítulo 3", "Parte I", "Parte II", "1.1 Ejercicios"):
        assert re.search(re.escape(heading).replace("\\ ", r"\s+"), text), heading
    assert "Capítulo 4" not in text
    assert re.search(r"\(2\.1\)", text)


def test_names_are_in_spanish(text: str) -> None:
    for name in ("Índice", "Demostración.", "Solución del ejercicio 1.1", "Advertencia", "Pista", "Convergencia"):
        assert name in text
    for name in ("Proof", "Theorem", "Chapter", "Figure ", "Exercise", "Contents", "continued", "Hide code"):
        assert name not in text


def test_nothing_is_lost_nor_leaked(text: str) -> None:
    assert "CELDA-RETIRADA" not in text, "las celdas remove-cell no se imprimen"
    assert "object at 0x" not in text
    assert "solo en la web" not in text
    for present in ("ENTRADA-PLEGADA", "Se suma una vez.", "97.3 %", "FIN-DEL-RENGLÓN", "FIN-DE-LA-SALIDA", "Adelia"):
        assert present in text
    assert [int(n) for n in re.findall(r"^\s*renglón (\d+)$", text, re.MULTILINE)] == list(range(90))


def test_symbols_are_real_characters(text: str) -> None:
    assert "✓ correcto, ✗ incorrecto, … pendiente, α ≤ β, ‖w‖ = 1, 2² → 4, é ñ ¿? «»" in text
    assert "α, β, Ω; y símbolos: ✓ ✗ → ≤ ‖x‖ ℝ ∈ ²" in re.sub(r"\s+", " ", text)


def test_no_word_leaves_the_paper(pdf: Path) -> None:
    tool = require_tool("pdftotext", "sudo apt-get install poppler-utils")
    boxes = subprocess.run([tool, "-bbox", pdf, "-"], capture_output=True, text=True, check=True).stdout
    edges = [(float(a), float(b)) for a, b in re.findall(r'<word xMin="([-\d.]+)".*?xMax="([\d.]+)"', boxes)]
    assert len(edges) > 500
    assert min(a for a, _ in edges) > 20
    assert max(b for _, b in edges) < A4_PT[0] - 20


# --- El archivo -----------------------------------------------------------------------------------------------------


def test_pages_are_a4(reader: PdfReader) -> None:
    for page in reader.pages:
        assert (float(page.mediabox.width), float(page.mediabox.height)) == pytest.approx(A4_PT, abs=0.1)


def test_metadata(reader: PdfReader) -> None:
    assert reader.metadata is not None
    assert reader.metadata.title == "Aprendizaje profundo"
    assert "Aprendizaje profundo" in (reader.metadata.author or "")
    assert reader.trailer["/Root"]["/Lang"] == "es"


def test_bookmarks_have_parts_with_their_chapters(reader: PdfReader) -> None:
    entries = outline(reader.outline)
    titles = [title for _, title in entries]
    assert (0, "I Primera parte") in entries
    assert (0, "Antes de empezar") in entries
    first, second = titles.index("I Primera parte"), titles.index("II Segunda parte")
    assert entries[first + 1] == (1, "1 La recta que separa")
    assert (1, "2 La curva") in entries[first:second]
    assert (1, "3 La red") in entries[second:]


def test_links_arrive_where_they_say(reader: PdfReader) -> None:
    destinations = reader.named_destinations
    internal, external = 0, set()
    for page in reader.pages:
        for annotation in page.get("/Annots", []):
            action = annotation.get_object().get("/A", {})
            if "/URI" in action:
                external.add(str(action["/URI"]))
            elif "/D" in action:
                target = action["/D"]
                internal += 1
                assert isinstance(target, list) or target in destinations, target
    assert internal > 30
    assert {"https://doi.org/10.1037/h0042519", "https://www.example.org/a_b?x=1&y=2#ancla"} <= external


def test_an_exercise_of_another_chapter_is_linked(reader: PdfReader) -> None:
    texts = [page.extract_text() for page in reader.pages]
    citing = next(n for n, text in enumerate(texts) if "Compara con" in text)
    exercise = next(n for n, text in enumerate(texts) if "Otra regla" in text)
    names = [a.get_object().get("/A", {}).get("/D") for a in reader.pages[citing].get("/Annots", [])]
    targets = [reader.named_destinations[name] for name in names if name in reader.named_destinations]
    assert exercise in [reader.get_destination_page_number(target) for target in targets]


def test_fonts_are_embedded(reader: PdfReader) -> None:
    fonts: dict[str, object] = {}
    for page in reader.pages:
        for font in page["/Resources"].get("/Font", {}).values():
            font = font.get_object()
            for descendant in font.get("/DescendantFonts", [font]):
                descendant = descendant.get_object()
                fonts[str(descendant["/BaseFont"])] = descendant["/FontDescriptor"]
    assert any("DejaVuSansMono" in name for name in fonts), "la letra del código"
    assert any("LMRoman" in name for name in fonts), "la letra del texto"
    for name, descriptor in fonts.items():
        assert any(key.startswith("/FontFile") for key in descriptor), f"{name} no está incrustada"


def test_images_are_in_the_book(reader: PdfReader) -> None:
    """La portada, la figura y el fotograma de la animación."""
    sizes = set()
    for page in reader.pages:
        for name, image in page["/Resources"].get("/XObject", {}).items():
            assert isinstance(image, IndirectObject), name
            sizes.add((int(image["/Width"]), int(image["/Height"])))
    assert (120, 80) in sizes
    assert len(sizes) >= 3


# --- Lo que falla ---------------------------------------------------------------------------------------------------


def failure(tmp_path: Path, prose: str) -> str:
    root = make_one_page_book(tmp_path, prose)
    done = build(root, "pdf")
    assert done.returncode == 1, done.stdout
    assert not (root / BOOK).exists()
    message = done.stderr
    assert "Traceback" not in message
    return message


def test_an_undefined_reference_fails(tmp_path: Path) -> None:
    assert "no-existe" in failure(tmp_path, "Mira {ref}`no-existe`.")


@pytest.mark.usefixtures("_tex")
def test_a_character_without_glyph_fails(tmp_path: Path) -> None:
    message = failure(tmp_path, "Una letra que no está: 🙂.")
    assert "🙂" in message
    assert "U+1F642" in message
    assert "pagina" in message, "dice en qué página del libro"


@pytest.mark.usefixtures("_tex")
def test_a_tex_error_fails_and_keeps_the_old_book(tmp_path: Path) -> None:
    message = failure(tmp_path, "$$\n\\noexiste{x}\n$$")
    assert "TeX falló en pagina" in message
    assert "Undefined control sequence" in message
    assert "\\noexiste" in message
    old = tmp_path / "viejo" / BOOK.name
    old.parent.mkdir()
    old.write_bytes(b"viejo")
    with pytest.raises(PrintError, match="noexiste"):
        make_pdf(tmp_path / "_build" / "pdf-fuentes", old)
    assert old.read_bytes() == b"viejo"
    assert [p.name for p in old.parent.iterdir()] == [BOOK.name], "no quedan restos"


def test_a_missing_tool_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingTool, match=r"faltan xelatex, latexmk, xindy.*apt-get install .*texlive-xetex"):
        require_tools("pdf")
    require_tools("epub")


def test_the_build_without_tex_says_how_to_install_it(tmp_path: Path) -> None:
    done = build(make_one_page_book(tmp_path, "Prosa."), "pdf", PATH=str(tmp_path))
    assert done.returncode == 1
    assert re.search(r"faltan xelatex, latexmk, xindy.*apt-get install", done.stderr)
    assert "Traceback" not in done.stderr


SOURCE = "\n".join(["portada", "%% página uno", "texto", "%% página dos/tres", "Ω", "fin"])


def test_the_log_is_read_in_full() -> None:
    log = "\n".join(
        [
            "LaTeX Warning: Reference `x:y' on page 1 undefined on input line 3.",
            "LaTeX Warning: Hyper reference `z:w' on page 1 undefined on input line 3.",
            "Missing character: There is no Ω (U+03A9) in font [lmroman10-regular]/OT:script=latn;!",
            "Overfull \\hbox (80.5pt too wide) in paragraph at lines 3--4",
            "Overfull \\hbox (3.5pt too wide) in paragraph at lines 3--4",
        ]
    )
    problems = log_problems(log, SOURCE)
    assert problems[:2] == ["referencia sin resolver: x:y", "referencia sin resolver: z:w"]
    assert "'Ω' (U+03A9)" in problems[2]
    assert "dos/tres" in problems[2]
    assert problems[3:] == ["algo se sale del papel (80 pt), en uno"]
    assert log_problems("This is XeTeX\nOutput written on x.pdf", SOURCE) == []


@pytest.mark.parametrize("start", ["./aprendizaje-profundo.tex:3: LaTeX Error:", "./sphinx.sty:9: LaTeX Error:", "!"])
def test_a_missing_tex_package_says_how_to_install_it(start: str) -> None:
    message = explain_failure(f"(./uno.sty\n{start} File `needspace.sty' not found.\n\nType X to quit\n", SOURCE)
    assert "needspace.sty" in message
    assert APT in message
    assert message.startswith("TeX falló en uno:" if ".tex:3" in start else "TeX falló:")
    assert explain_failure("This is XeTeX\n", SOURCE) == ""
