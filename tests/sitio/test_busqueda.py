"""La búsqueda encuentra sin tildes, en plural y por identificadores, y pone delante el capítulo que trata el tema."""

import re

import pytest
from playwright.sync_api import Browser

QUERIES = [
    ("perceptron", "fundamentos/perceptron.html"),
    ("perceptrones", "fundamentos/perceptron.html"),
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
