"""La búsqueda encuentra sin tildes, en plural y por identificadores, y pone delante el capítulo que trata el tema."""

import json
import re

import pytest
from busqueda import root
from navegador import SITE
from playwright.sync_api import Browser
from sphinx.search.es import SearchSpanish

QUERIES = [
    ("perceptron", "fundamentos/perceptron.html"),
    ("perceptrones", "fundamentos/perceptron.html"),
    ("retropropagacion", "fundamentos/retropropagacion.html"),
    ("grafos", "fundamentos/grafos_de_computo.html"),
    ("optimizacion", "optimizacion/sgd.html"),
    ("inicializaciones", "optimizacion/inicializacion.html"),
    ("activacion", "fundamentos/activaciones.html"),
    ("perdida", "fundamentos/perdidas.html"),
    ("descenso de gradiente", "fundamentos/descenso_de_gradiente.html"),
    ("Adam", "optimizacion/momento_y_adaptativos.html"),
    ("TensorBoard", "optimizacion/gradiente_desvaneciente.html"),
    ("gradiente desvaneciente", "optimizacion/gradiente_desvaneciente.html"),
    ("normalizaciones", "optimizacion/normalizacion.html"),
    ("penalizacion", "optimizacion/penalizacion.html"),
    ("dropout", "optimizacion/dropout.html"),
    ("aumento de datos", "optimizacion/aumento_de_datos.html"),
    ("algebra", "apendices/algebra_lineal.html"),
    ("probabilidades", "apendices/probabilidad.html"),
    ("difusion", "preparacion/numpy.html"),
    ("convolucion", "convolucionales/lenet.html"),
    ("LeNet", "convolucionales/lenet.html"),
]


def results(browser: Browser, server: str, query: str) -> list[str]:
    """Las páginas que encuentra, en orden y sin repetir."""
    page = browser.new_page()
    page.goto(f"{server}search.html?q={query}", wait_until="networkidle")
    page.wait_for_selector("#search-results li a", timeout=10_000)
    found = page.eval_on_selector_all("#search-results li a", "links => links.map(a => a.getAttribute('href'))")
    page.close()
    return list(dict.fromkeys(re.sub(r"[#?].*", "", address) for address in found))


@pytest.mark.parametrize(("query", "first"), QUERIES)
def test_search(browser: Browser, server: str, query: str, first: str) -> None:
    found = results(browser, server, query)
    print(query, "→", found[:3])
    assert found[0] == first


def test_each_result_in_view_shows_where_it_is_found(browser: Browser, server: str) -> None:
    page = browser.new_page(viewport={"width": 390, "height": 800})
    page.goto(f"{server}search.html?q=convolucion", wait_until="networkidle")
    page.wait_for_selector("#search-results li p.context")
    assert "convoluci" in root(page.inner_text("#search-results li:first-child p.context"))
    assert re.fullmatch(r"Páginas encontradas: \d+\.", page.inner_text("#search-results p.search-summary"))
    page.close()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("retropropagación", "retropropagacion"),
        ("optimización", "Optimizaciones"),
        ("capa", "capas"),
        ("red", "redes"),
        ("eje", "ejes"),
        ("matriz", "matrices"),
        ("tensor", "tensores"),
        ("pequeña", "pequeños"),
    ],
)
def test_forms_of_a_word_share_their_root(one: str, other: str) -> None:
    assert root(one) == root(other)


def test_what_is_another_word_has_another_root() -> None:
    assert len({root(word) for word in ("año", "ano", "red", "rojo", "ley", "leer", "sesgo", "seda")}) == 8


def disagreements(browser: Browser, server: str, words: list[str], roots: list[str]) -> list[tuple[str, str, str]]:
    """Las palabras de las que el navegador no saca la raíz dada."""
    page = browser.new_page()
    page.goto(f"{server}search.html", wait_until="load")
    theirs = page.evaluate("words => words.map(word => new Stemmer().stemWord(word))", words)
    page.close()
    return [(word, a, b) for word, a, b in zip(words, roots, theirs, strict=True) if a != b]


def test_the_browser_finds_the_roots_of_the_index(browser: Browser, server: str) -> None:
    """En cada palabra del libro; con las raíces de Sphinx, que no coinciden, la prueba lo vería."""
    texts = [path.read_text(encoding="utf-8") for path in sorted(SITE.rglob("*.html"))]
    words = sorted({word for text in texts for word in re.findall(r"\w+", text)})
    assert len(words) > 4000
    assert disagreements(browser, server, words, [root(word) for word in words]) == []
    assert disagreements(browser, server, ["optimización"], [SearchSpanish({}).stem("optimización")])


def test_the_index_is_made_of_roots() -> None:
    text = (SITE / "searchindex.js").read_text(encoding="utf-8")
    index = json.loads(text[text.index("(") + 1 : text.rindex(")")])
    terms = index["terms"].keys() | index["titleterms"].keys()
    assert {"retropropagacion", "perceptron", "red"} <= terms
    assert not {"retropropagación", "perceptrones", "redes"} & terms
