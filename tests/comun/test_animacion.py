"""Las animaciones: los fotogramas son los de matplotlib, pesan poco, no cambian y se manejan con el teclado."""

import base64
import io
import json
import re
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest
from animaciones import externalize
from PIL import Image

from profundo.comun import animacion
from profundo.comun.animacion import Animation, animate


def small(frames=5, **options):
    """Un punto que cruza una figura pequeña."""
    figure, ax = plt.subplots(figsize=(2, 1.5), dpi=96)
    ax.set(xlim=(0, 1), ylim=(0, 1))
    (dot,) = ax.plot([], [], "o", color="tab:red")

    def update(frame):
        dot.set_data([(frame + 0.5) / frames], [0.5])
        return [dot]

    return animate(figure, update, frames, **{"name": "punto", "title": "Un punto que cruza", **options})


def picture(data):
    return Image.open(io.BytesIO(data)).convert("RGBA")


def rebuilt(animation):
    """Los fotogramas, deshechos desde el último como hace el navegador."""
    patches = json.loads(re.search(r"\] = (\[.*?\]);</script>", animation.html, re.DOTALL)[1])
    canvas = picture(animation.still)
    images = [canvas.copy()]
    for x, y, data in reversed(patches):
        canvas.alpha_composite(picture(base64.b64decode(data)), (x, y))
        images.append(canvas.copy())
    return [np.asarray(image.convert("RGB")).astype(int) for image in reversed(images)]


def test_frames_are_the_ones_that_matplotlib_draws():
    images = rebuilt(small())
    assert len(images) == 5
    for frame, image in enumerate(images):
        figure, ax = plt.subplots(figsize=(2, 1.5), dpi=96)
        ax.set(xlim=(0, 1), ylim=(0, 1))
        ax.plot([(frame + 0.5) / 5], [0.5], "o", color="tab:red")
        figure.canvas.draw()
        expected = np.asarray(figure.canvas.buffer_rgba())[..., :3].astype(int)
        # La paleta común aproxima los bordes suavizados.
        assert np.abs(image - expected).mean() < 0.5
        assert np.abs(image - expected).max() < 60


def test_the_result_is_always_the_same():
    assert small() == small()


def test_bundle_has_html_for_the_site_and_an_image_for_paper():
    animation = small()
    bundle = animation._repr_mimebundle_()
    assert set(bundle) == {"text/html", "image/png", "text/plain"}
    assert picture(base64.b64decode(bundle["image/png"])).size == (192, 144)
    assert bundle["text/plain"] == "<Animación: Un punto que cruza (5 fotogramas)>"
    assert 'alt="Un punto que cruza"' in bundle["text/html"]
    assert "http" not in bundle["text/html"]


def test_frames_without_changes_are_allowed():
    figure, ax = plt.subplots(figsize=(1, 1))
    (dot,) = ax.plot([0], [0], "o")
    images = rebuilt(animate(figure, lambda frame: [dot], 3, name="quieto", title="Nada"))
    assert all(np.array_equal(images[0], image) for image in images)


def test_texts_cannot_break_the_page():
    animation = small(title='"<b>', labels=["</script>"] * 5)
    assert "<b>" not in animation.html
    assert animation.html.count("</script>") == 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"frames": 1}, "frames debe ser al menos 2; se recibió 1"),
        ({"name": "Con Espacios"}, "name debe tener letras minúsculas, cifras y guiones"),
        ({"title": " "}, "title está vacío"),
        ({"fps": 0}, "fps debe ser mayor que 0 y como mucho 60; se recibió 0"),
        ({"labels": ["uno"]}, "labels debe tener 5 elementos, uno por fotograma; tiene 1"),
    ],
)
def test_animate_explains_its_arguments(options, message):
    with pytest.raises(ValueError, match=message):
        small(**options)


def test_animate_explains_what_update_must_return():
    figure, ax = plt.subplots()
    with pytest.raises(TypeError, match="update debe devolver una lista con los objetos de matplotlib"):
        animate(figure, lambda frame: None, 3, name="a", title="A")
    with pytest.raises(
        ValueError, match="update debe devolver siempre los mismos objetos; cambiaron en el fotograma 0"
    ):
        animate(figure, lambda frame: ax.plot([frame], [0]), 3, name="a", title="A")


def test_heavy_animations_are_rejected(monkeypatch):
    monkeypatch.setattr(animacion, "MAX_BYTES", 3000)
    with pytest.raises(ValueError, match=r"la animación pesa .* kB, más de 3; usa menos fotogramas"):
        small()


# --- En el sitio ----------------------------------------------------------------------------------------------------


def test_site_moves_the_data_to_files(tmp_path):
    animation = small()
    page = externalize(animation.html, tmp_path, "../_images", 'Un punto «rojo» y "lento"')
    png, script = (next(tmp_path.glob(f"animacion-punto-*{suffix}")) for suffix in (".png", ".js"))
    assert png.read_bytes() == animation.still
    assert script.read_text(encoding="utf-8") in animation.html
    assert f'data-animacion="punto" data-cambios="../_images/{script.name}"' in page
    assert f'src="../_images/{png.name}" alt="Un punto «rojo» y &quot;lento&quot;"' in page
    assert "base64," not in page.replace('"data:image/png;base64," + patch', "")
    assert 'alt="Un punto que cruza"' in externalize(animation.html, tmp_path, "x")


def test_site_rejects_other_html(tmp_path):
    with pytest.raises(ValueError, match="no es el HTML de una animación"):
        externalize("<p>Hola</p>", tmp_path, "x")


def write_page(folder: Path, animation: Animation, *, external: bool) -> str:
    page = externalize(animation.html, folder / "datos", "datos") if external else animation.html
    path = folder / "pagina.html"
    path.write_text(f"<!doctype html><html lang=es><meta charset=utf-8><title>x</title>{page}", encoding="utf-8")
    return path.as_uri()


@pytest.mark.parametrize("external", [False, True], ids=["cuaderno", "sitio"])
def test_it_plays_pauses_and_moves_by_keyboard(browser, tmp_path, external):
    page = browser.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(write_page(tmp_path, small(fps=20.0), external=external))
    state = "[...document.querySelectorAll('button, input, output')].map(e => e.value || e.textContent)"
    assert page.evaluate(state) == ["Reproducir", "4", "5 de 5"]  # nada se mueve hasta que alguien lo pide
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_function("document.querySelector('button').textContent === 'Pausa'")
    page.wait_for_function("document.querySelector('button').textContent === 'Reproducir'")
    assert page.evaluate(state) == ["Reproducir", "4", "5 de 5"]
    page.keyboard.press("Tab")
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    assert page.evaluate(state) == ["Reproducir", "1", "2 de 5"]
    canvas = page.locator("canvas")
    assert canvas.get_attribute("role") == "img"
    assert canvas.get_attribute("aria-label") == "Un punto que cruza"
    assert page.locator("input").get_attribute("aria-valuetext") == "2 de 5"
    shown = np.asarray(picture(canvas.screenshot()).convert("RGB")).astype(int)
    expected = rebuilt(small(fps=20.0))[1]
    middle = slice(40, 100)
    assert np.abs(shown[middle, middle] - expected[middle, middle]).mean() < 2
    assert errors == []
    page.close()


def test_it_can_be_paused_and_is_slow_for_who_asks_for_calm(browser, tmp_path):
    address = write_page(tmp_path, small(frames=8, fps=20.0), external=False)
    page = browser.new_page(reduced_motion="reduce")
    page.goto(address)
    page.click("button")
    page.wait_for_timeout(300)  # a 20 por segundo ya habría avanzado cinco
    assert page.locator("input").input_value() == "0"
    page.click("button")
    assert page.locator("button").text_content() == "Reproducir"
    page.close()


def test_without_scripts_the_still_remains(browser, tmp_path):
    page = browser.new_context(java_script_enabled=False).new_page()
    page.goto(write_page(tmp_path, small(), external=True))
    assert page.locator("img").is_visible()
    assert not page.locator("button").is_visible()
    page.context.close()


def test_missing_data_are_reported(browser, tmp_path):
    address = write_page(tmp_path, small(), external=True)
    next((tmp_path / "datos").glob("*.js")).unlink()
    page = browser.new_page()
    page.goto(address)
    page.click("button")
    page.wait_for_function("document.querySelector('output').textContent === 'no se pudo cargar'")
    assert page.locator("img").is_visible()
    assert page.locator("button").text_content() == "Reproducir"
    page.close()
