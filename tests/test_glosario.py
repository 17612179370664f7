"""El glosario está al día y bien escrito, los capítulos hablan como él y cada regla encuentra la falta que busca."""

import re
from collections.abc import Callable
from io import StringIO
from pathlib import Path

import pytest
from bs4 import BeautifulSoup
from capitulos import Chapter
from ejecucion import Project
from faltas import found_by, rule_tests, swap, write
from glosario import Entry, collation, find, load_entries, plural
from libro_de_muestra import make_sample
from reglas_glosario import FILE, GLOSSARY_RULES, defined_terms, entries_of
from sphinx.application import Sphinx
from sphinx.util.docutils import docutils_namespace, patch_docutils

BOOK = Project(Path(__file__).parents[1])
RULES = {rule.__name__: rule for rule in GLOSSARY_RULES}
MIN_ENTRIES = 200

GLOSSARY = """\
- termino: época
  ingles: epoch
  definicion: Vuelta completa a los datos $x$ de entrenamiento.
- termino: lote
  ingles: batch
  otro_ingles: [mini-batch]
  siglas: [LT]
  definicion: Grupo de ejemplos que se procesan *juntos* en un paso.
  variantes: [minilote]
  formas: [agrupado]
  evitar: [batch, golpe de datos]
  vease: [época, núcleo de un cuaderno]
- termino: núcleo
  ambito: de un cuaderno
  ingles: kernel
  definicion: Proceso que ejecuta las celdas de un cuaderno.
  solo_en: [dos/]
- termino: núcleo
  ambito: de una convolución
  ingles: kernel
  definicion: Pequeña matriz de pesos que recorre la entrada.
"""
PAGE_TEXT = "# Glosario\n\n## A\n\n:::{glosario} español\n:::\n\n## B\n\n:::{glosario} inglés\n:::\n"
ALFA = (
    "Un **lote**\n(*batch*), otro **Lote**, un **minilote** (*mini-batch*), el **núcleo** (*kernel*), **épocas**, "
    "(**LT**, *mini-batches*) y **otra cosa.** Se dice «batch» y *batch*.\n\n## Un batch\n"
)
BETA = "Un **núcleo** (*kernel*), un **grupo** y `golpe de datos`."


def prose(text: str) -> Callable[[Path], None]:
    return swap("book/uno/alfa.md", "Se suma.", f"Se suma. {text}")


@pytest.fixture
def sample(tmp_path: Path) -> Project:
    """El libro de muestra, con un glosario de cuatro entradas y sin faltas."""
    project = make_sample(tmp_path)
    write(FILE, GLOSSARY)(tmp_path)
    write("book/apendices/glosario.md", PAGE_TEXT)(tmp_path)
    swap("_toc.yml", "      - file: dos/beta\n", "      - file: dos/beta\n      - file: apendices/glosario\n")(tmp_path)
    prose(ALFA)(tmp_path)
    swap("book/dos/beta.md", "Se suma.", BETA)(tmp_path)
    return project


# --- El libro ---------------------------------------------------------------------------------------------------------


def test_glossary_is_large() -> None:
    assert len(entries_of(BOOK)) >= MIN_ENTRIES


def test_every_chapter_defines_terms() -> None:
    """La expresión que busca «**término** (*inglés*)» no se queda ciega."""
    for document in BOOK.chapters():
        assert list(defined_terms(Chapter(BOOK.source(document), document))), document


# --- Cada regla encuentra su falta ------------------------------------------------------------------------------------


FAULTS = {
    "sin-punto": (
        "definitions_teach",
        "«época»: la definición termina",
        swap(FILE, "entrenamiento.", "entrenamiento"),
    ),
    "corta": (
        "definitions_teach",
        "«época»: una definición tiene",
        swap(FILE, "Vuelta completa a los datos $x$", "Ir"),
    ),
    "circular": ("definitions_teach", "no empieza por el término", swap(FILE, "Grupo de", "Lote o grupo de")),
    "desordenada": ("alphabetical", "«lote» va antes que «nota»", swap(FILE, "- termino: época", "- termino: nota")),
    "repetida": ("alphabetical", "«lote» está dos veces", swap(FILE, "- termino: época", "- termino: lote")),
    "ambigua": ("unambiguous", "«núcleo» es de", swap(FILE, "  solo_en: [dos/]\n", "")),
    "véase-nada": ("cross_references_exist", "«lote» manda a «nada»", swap(FILE, "vease: [época", "vease: [nada")),
    "véase-propio": ("cross_references_exist", "«lote» manda a «lote»", swap(FILE, "vease: [época", "vease: [lote")),
    "evita-preferida": ("nothing_avoided_is_preferred", "evita «época»", swap(FILE, "[batch,", "[época,")),
    "evita-plural": ("nothing_avoided_is_preferred", "evita «núcleos»", swap(FILE, "[batch,", "[núcleos,")),
    "sin-entrada": (
        "defined_terms_listed",
        "book/uno/alfa.md:214: «tasa alta» (high rate) no está",
        prose("La **tasa\nalta** (*high rate*)."),
    ),
    "sin-entrada-con-siglas": ("defined_terms_listed", "«tasa» (rate) no está", prose("La **tasa** (TA, *rate*).")),
    "sin-entrada-tras-coma": ("defined_terms_listed", "«tasa» (rate) no está", prose("Algo (**tasa**, *rate*).")),
    "otro-inglés": ("defined_terms_listed", "el glosario dice «epoch»", prose("La **época** (*era*).")),
    "otro-sentido": (
        "defined_terms_listed",
        "no está",
        swap("book/dos/beta.md", "**núcleo** (*k", "**nuclear** (*k"),
    ),
    "calco": ("preferred_terms_used", "«Batches»: este libro dice «lote»", prose("Batches grandes.")),
    "calco-en-dos-líneas": ("preferred_terms_used", "este libro dice «lote»", prose("Un golpe de\ndatos.")),
}
# Una falta de una regla que otra también ve, con razón.
ALSO = {
    "desordenada": {"cross_references_exist"},
    "repetida": {"cross_references_exist", "defined_terms_listed", "unambiguous"},
    "evita-preferida": {"preferred_terms_used"},
    "evita-plural": {"preferred_terms_used"},
}


(
    test_glossary_follows_the_rules,
    test_sample_has_no_faults,
    test_planted_fault_is_found,
    test_every_rule_has_a_planted_fault,
) = rule_tests(RULES, FAULTS, BOOK, ALSO)


BAD_DATA = {
    "campo-de-más": ("«época» tiene campos que no existen: nota", swap(FILE, "  ingles: epoch", "  nota: epoch")),
    "campo-de-menos": ("a «época» le falta ingles", swap(FILE, "  ingles: epoch\n", "")),
    "lista-por-texto": ("«variantes» debe ser una lista de textos", swap(FILE, "[minilote]", "minilote")),
    "texto-por-lista": ("«ingles» debe ser un texto", swap(FILE, "ingles: epoch", "ingles: [epoch]")),
    "número": ("«siglas» debe ser una lista de textos y es [3]", swap(FILE, "[LT]", "[3]")),
    "vacío": (
        "«definicion» debe ser un texto",
        swap(FILE, "definicion: Proceso que ejecuta las celdas de un cuaderno.", 'definicion: " "'),
    ),
}


@pytest.mark.parametrize("fault", BAD_DATA)
def test_bad_data_is_rejected(sample: Project, fault: str) -> None:
    message, plant = BAD_DATA[fault]
    plant(sample.root)
    with pytest.raises(ValueError, match=re.escape(message)):
        load_entries(sample.root / FILE)


def test_chapters_outside_the_index_are_not_checked(sample: Project) -> None:
    swap("_toc.yml", "  - caption: Primera\n    chapters:\n      - file: uno/alfa\n", "")(sample.root)
    prose("La **tasa** (*rate*) de un batch.")(sample.root)
    assert found_by(RULES, sample) == {}


# --- Las piezas -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("singular", "expected"),
    [
        ("lote", "lotes"),
        ("tasa de aprendizaje", "tasas de aprendizaje"),
        ("función de activación", "funciones de activación"),
        ("capa oculta", "capas ocultas"),
        ("red neuronal", "redes neuronales"),
        ("matriz", "matrices"),
        ("sesgo", "sesgos"),
        ("dropout", "dropoutes"),
        ("pesos", "pesos"),
    ],
)
def test_plural(singular: str, expected: str) -> None:
    assert plural(singular) == expected


def test_collation_is_spanish() -> None:
    words = ["ánimo", "anzuelo", "año", "apta", "nube", "ñandú", "otro", "señal de voz", "señales"]
    assert sorted(reversed(words), key=collation) == words


def test_meaning_depends_on_the_chapter(sample: Project) -> None:
    entries = entries_of(sample)

    def sense(text: str, document: str) -> str | None:
        entry = find(entries, text, document)
        return entry and entry.title

    assert sense("Núcleos", "dos/beta") == "núcleo de un cuaderno"
    assert sense("núcleo", "uno/alfa") == "núcleo de una convolución"
    assert sense("AGRUPADO.", "uno/alfa") == "lote"
    assert sense("grupo", "uno/alfa") is None


def test_english_plurals() -> None:
    entry = Entry("hoja", "leaf", "Nodo sin operación que lo produzca.", otro_ingles=["bus"])
    assert {"leaf", "leaves", "buses"} <= entry.english_names


# --- La página y los enlaces ------------------------------------------------------------------------------------------


def build(project: Project, builder: str = "html", warnings: StringIO | None = None) -> Path:
    """Construye el libro de muestra con la extensión y sin ejecutar nada; devuelve la carpeta."""
    out = project.root / "_build" / builder
    overrides = {
        "extensions": ["myst_parser", "sphinx.ext.mathjax", "glosario"],
        "myst_enable_extensions": ["colon_fence", "dollarmath"],
        "language": "es",
        "root_doc": "index",
        "latex_documents": [("index", "libro.tex", "Libro", "Nadie", "manual")],
        "suppress_warnings": ["*"],  # las directivas del libro no están
    }
    listing = "\n".join(d for d in project.documents() if d != "index")
    write("book/index.md", f"# Inicio\n\nUn libro con **lote**.\n\n```{{toctree}}\n{listing}\n```\n")(project.root)
    others = sorted({p.stem for p in project.book.rglob("*.md")} - {Path(d).stem for d in project.documents()})
    with patch_docutils(), docutils_namespace():
        app = Sphinx(
            project.book,
            None,
            out,
            out.parent / "doctrees",
            builder,
            confoverrides=overrides | {"exclude_patterns": [f"**/{name}.md" for name in others]},
            status=None,
            warning=warnings,
            parallel=1,
        )
        app.build()
    return out


def soup(path: Path) -> BeautifulSoup:
    return BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")


def test_first_use_links_to_its_entry_and_back(sample: Project) -> None:
    out = build(sample)
    chapter, page = soup(out / "uno" / "alfa.html"), soup(out / "apendices" / "glosario.html")
    links = [(a.get_text(), a["href"]) for a in chapter.select("a.termino")]
    start = "../apendices/glosario.html#termino-"
    assert links == [("lote", f"{start}lote"), ("núcleo", f"{start}nucleo-de-una-convolucion"),
                     ("épocas", f"{start}epoca")]  # fmt: skip
    assert all(a.find("strong") for a in chapter.select("a.termino"))
    assert [a["href"] for a in soup(out / "dos" / "beta.html").select("a.termino")] == [f"{start}nucleo-de-un-cuaderno"]
    assert not soup(out / "index.html").select("a.termino")  # no es un capítulo
    back = page.select_one("dt#termino-lote + dd a[href*=alfa]")
    assert back is not None
    assert back["href"] == "../uno/alfa.html#uso-termino-lote"
    assert back.get_text() == "Título"
    assert chapter.select_one("#uso-termino-lote") is not None


def test_page_shows_every_field(sample: Project) -> None:
    page = soup(build(sample) / "apendices" / "glosario.html")
    assert [h.get_text() for h in page.select("h3.rubric")] == ["E", "L", "N"]
    assert [a["href"] for a in page.select("p.letras a")] == ["#letra-e", "#letra-l", "#letra-n"]
    term, body = page.select_one("dt#termino-lote"), page.select_one("dt#termino-lote + dd")
    assert term is not None
    assert body is not None
    assert term.get_text() == "lote (LT, batch, mini-batch)"
    assert [em.get_text() for em in term.select("[lang=en]")] == ["batch", "mini-batch"]
    assert body.get_text(" ", strip=True).startswith("Grupo de ejemplos que se procesan juntos en un paso.")
    detail = body.select("p")[1].get_text()
    assert "También: minilote. Se evita: «batch», «golpe de datos». Véase época, núcleo de un cuaderno." in detail
    english = [p.get_text() for p in page.select("p.ingles")]
    assert english == ["B batch: lote.", "E epoch: época.",
                       "K kernel: núcleo de un cuaderno; kernel: núcleo de una convolución.",
                       "M mini-batch: lote."]  # fmt: skip
    for link in page.select("main a[href^='#']"):
        assert page.find(id=str(link["href"])[1:]) is not None or link["href"] == "#", link


def test_without_the_page_nothing_is_linked(sample: Project) -> None:
    swap("_toc.yml", "      - file: apendices/glosario\n", "")(sample.root)
    chapter = soup(build(sample) / "uno" / "alfa.html")
    assert not chapter.select("a.termino")
    assert "lote" in [strong.get_text() for strong in chapter.select("strong")]


def test_without_the_data_nothing_is_linked(sample: Project) -> None:
    swap("_toc.yml", "      - file: apendices/glosario\n", "")(sample.root)
    (sample.root / FILE).unlink()
    assert not soup(build(sample) / "uno" / "alfa.html").select("a.termino")


def test_changes_reach_the_pages(sample: Project) -> None:
    """Cambiar el glosario rehace los capítulos, y cambiar un capítulo, la página del glosario."""
    build(sample)
    swap(FILE, "formas: [agrupado]", "formas: [otra cosa]")(sample.root)
    swap(FILE, "[minilote]", "[minilote, grupo]")(sample.root)
    out = build(sample)
    assert "grupo" in [a.get_text() for a in soup(out / "dos" / "beta.html").select("a.termino")]
    swap("book/dos/beta.md", "un **grupo**", "una **época**")(sample.root)
    page = soup(build(sample) / "apendices" / "glosario.html")
    assert page.select_one("dt#termino-epoca + dd a[href*=beta]") is not None
    assert page.select_one("dt#termino-lote + dd a[href*=beta]") is None


def test_latex_has_both_links(sample: Project) -> None:
    text = (build(sample, "latex") / "libro.tex").read_text(encoding="utf-8")
    for label in ("apendices/glosario:termino-lote", "uno/alfa:uso-termino-lote"):
        assert rf"\hyperref[\detokenize{{{label}}}]" in text
        assert rf"\label{{\detokenize{{{label}}}}}" in text
    assert re.search(r"en un paso\.\s+También: minilote\.", text)  # en el mismo párrafo


def test_epub_links(sample: Project) -> None:
    page = (build(sample, "epub") / "uno" / "alfa.xhtml").read_text(encoding="utf-8")
    assert 'href="../apendices/glosario.xhtml#termino-lote"' in page


def test_unknown_language_is_an_error(sample: Project) -> None:
    swap("book/apendices/glosario.md", "inglés", "francés")(sample.root)
    build(sample, warnings=(warnings := StringIO()))
    assert "la lengua es «español» o «inglés»; se recibió 'francés'" in warnings.getvalue()
