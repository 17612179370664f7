"""El sitio se usa entero con el teclado, y respeta a quien pide menos movimiento."""

from urllib.parse import urljoin

import pytest
from playwright.sync_api import Browser, Page

CHAPTER = "fundamentos/perceptron.html"
FOCUSED = "document.activeElement"


@pytest.fixture
def phone(browser: Browser, server: str) -> Page:
    page = browser.new_page(viewport={"width": 390, "height": 844}, color_scheme="light")
    page.goto(urljoin(server, CHAPTER), wait_until="networkidle")
    yield page
    page.close()


def test_first_tab_skips_to_the_content(phone: Page) -> None:
    phone.keyboard.press("Tab")
    assert phone.evaluate(f"{FOCUSED}.textContent") == "Saltar al contenido"
    assert phone.evaluate(f"{FOCUSED}.getBoundingClientRect().left") >= 0
    phone.keyboard.press("Enter")
    assert phone.evaluate("location.hash") == "#contenido"
    phone.keyboard.press("Tab")
    assert phone.evaluate(f"document.getElementById('contenido').contains({FOCUSED})")


def test_every_stop_is_visible_and_none_is_a_trap(phone: Page) -> None:
    stops = 0
    for _ in range(400):
        phone.keyboard.press("Tab")
        if phone.evaluate(f"{FOCUSED} === document.body"):
            break
        stops += 1
        shown = phone.evaluate(f"(({{width, height}}) => width > 0 && height > 0)({FOCUSED}.getBoundingClientRect())")
        outline = phone.evaluate(f"getComputedStyle({FOCUSED}).outlineStyle")
        label = phone.evaluate(f"{FOCUSED}.outerHTML.slice(0, 80)")
        assert shown, f"el foco cae en algo invisible: {label}"
        assert outline != "none", f"el foco no se ve en {label}"
    else:
        pytest.fail("el tabulador no llega al final de la página")
    links = phone.evaluate("[...document.querySelectorAll('main a[href]')].filter(a => a.checkVisibility()).length")
    assert stops >= links


def test_menu_opens_and_closes(phone: Page) -> None:
    menu = phone.get_by_role("button", name="Índice del libro")
    menu.focus()
    phone.keyboard.press("Enter")
    assert menu.get_attribute("aria-expanded") == "true"
    assert phone.locator("#indice a").first.is_visible()
    phone.keyboard.press("Escape")
    assert menu.get_attribute("aria-expanded") == "false"
    assert menu.evaluate(f"node => node === {FOCUSED}")


def test_theme_is_kept(phone: Page) -> None:
    phone.get_by_role("button", name="Cambiar entre claro y oscuro").focus()
    phone.keyboard.press("Space")
    assert phone.evaluate("document.documentElement.dataset.tema") == "oscuro"
    phone.reload()
    assert phone.evaluate("document.documentElement.dataset.tema") == "oscuro"


def test_slash_searches(phone: Page) -> None:
    phone.keyboard.press("/")
    phone.keyboard.type("perceptron")
    phone.keyboard.press("Enter")
    phone.wait_for_selector("#search-results li a")
    assert "search.html?q=perceptron" in phone.url


def test_hint_unfolds(phone: Page) -> None:
    summary = phone.locator("details:not(.codigo) > summary").first
    summary.focus()
    phone.keyboard.press("Enter")
    assert summary.evaluate("node => node.parentElement.open")


@pytest.mark.parametrize(("preference", "expected"), [("reduce", "auto"), ("no-preference", "smooth")])
def test_reduced_motion_is_respected(browser: Browser, server: str, preference: str, expected: str) -> None:
    page = browser.new_page(reduced_motion=preference)
    page.goto(urljoin(server, CHAPTER))
    assert page.evaluate("getComputedStyle(document.documentElement).scrollBehavior") == expected
    page.close()


def test_visible_code_can_be_copied(browser: Browser, server: str) -> None:
    context = browser.new_context(permissions=["clipboard-read", "clipboard-write"])
    page = context.new_page()
    page.goto(urljoin(server, CHAPTER), wait_until="networkidle")
    block = page.locator(".cell_input div.highlight").first
    block.scroll_into_view_if_needed()
    block.get_by_role("button", name="Copiar").focus()
    page.keyboard.press("Enter")
    block.get_by_role("button", name="Copiado").wait_for()
    assert page.evaluate("navigator.clipboard.readText()") == block.locator("pre").inner_text()
    context.close()
