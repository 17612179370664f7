"""El estilo se aplica, los colores significan lo que se dice y los distingue quien no ve todos."""

from collections.abc import Iterator
from itertools import combinations

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from matplotlib.colors import to_rgb, to_rgba
from matplotlib.image import AxesImage

from profundo.comun.figuras import (
    DIVERGING,
    LINESTYLES,
    MARKERS,
    PALETTE,
    SEQUENTIAL,
    plot_regions,
    show_images,
    use_style,
)


@pytest.fixture(autouse=True)
def _restore_style() -> Iterator[None]:
    with mpl.rc_context():
        yield


def drawn(figure: plt.Figure) -> list[AxesImage]:
    """Las imágenes de una figura, en orden de lectura."""
    return [image for axis in figure.axes for image in axis.images]


# --- Estilo ---------------------------------------------------------------------------------------------------------


def test_lines_differ_in_color_and_in_dash() -> None:
    use_style()
    _, ax = plt.subplots()
    lines = [ax.plot([0, 1], [k, k])[0] for k in range(len(PALETTE))]
    assert [line.get_color() for line in lines] == list(PALETTE)
    assert len({str(line._dash_pattern) for line in lines}) == len(LINESTYLES)
    assert not ax.spines["top"].get_visible()
    assert mpl.rcParams["image.cmap"] == SEQUENTIAL


def test_there_is_a_marker_and_a_dash_for_each_color() -> None:
    assert len(PALETTE) == len(set(PALETTE)) == len(set(MARKERS)) == len(set(LINESTYLES))


# Viénot, Brettel y Mollon (1999): cómo ve un color lineal quien carece de un tipo de cono.
DICHROMATS = {
    "normal": np.eye(3),
    "protanopia": np.array([[0.11238, 0.88762, 0], [0.11238, 0.88762, 0], [0.00401, -0.00401, 1]]),
    "deuteranopia": np.array([[0.29275, 0.70725, 0], [0.29275, 0.70725, 0], [-0.02234, 0.02234, 1]]),
}


def lab(color: str, vision: np.ndarray) -> np.ndarray:
    """Coordenadas CIELAB de un color tal como se ve con ``vision``."""
    srgb = np.array(to_rgb(color))
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    seen = np.clip(vision @ linear, 0, 1)
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    xyz = to_xyz @ seen / (to_xyz @ np.ones(3))
    f = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("vision", DICHROMATS)
def test_any_two_colors_can_be_told_apart(vision: str) -> None:
    seen = {color: lab(color, DICHROMATS[vision]) for color in PALETTE}
    distances = {(a, b): float(np.linalg.norm(seen[a] - seen[b])) for a, b in combinations(PALETTE, 2)}
    closest = min(distances, key=lambda pair: distances[pair])
    assert distances[closest] > 10, f"{closest} distan {distances[closest]:.1f}"


def test_red_and_green_of_the_same_lightness_would_not_pass() -> None:
    """La medida anterior distingue una paleta mala."""
    red, green = (lab(color, DICHROMATS["deuteranopia"]) for color in ("#C44E00", "#7C7C00"))
    assert np.linalg.norm(red - green) < 10
    red, green = (lab(color, DICHROMATS["normal"]) for color in ("#C44E00", "#7C7C00"))
    assert np.linalg.norm(red - green) > 30


# --- Imágenes -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(5, 4, 3), (5, 1, 4, 3)])
@pytest.mark.parametrize("make", [np.zeros, torch.zeros])
def test_images_are_laid_out_in_rows(shape: tuple[int, ...], make: type) -> None:
    figure = show_images(make(shape), columns=2)
    assert len(figure.axes) == 6
    assert [image.get_array().shape for image in drawn(figure)] == [(4, 3)] * 5
    assert not any(axis.axison for axis in figure.axes)


def test_all_images_share_the_scale() -> None:
    images = np.stack([np.zeros((2, 2)), np.full((2, 2), 9.0)])
    assert {image.get_clim() for image in drawn(show_images(images))} == {(0.0, 9.0)}


def test_symmetric_scale_is_centered_on_zero() -> None:
    images = drawn(show_images(np.array([[[-3.0, 1.0]]]), symmetric=True))
    assert images[0].get_clim() == (-3.0, 3.0)
    assert images[0].get_cmap().name == DIVERGING


def test_tensors_with_gradient_can_be_shown_with_titles() -> None:
    figure = show_images(torch.ones(2, 3, 3, requires_grad=True), ["uno", "dos"])
    assert [axis.get_title() for axis in figure.axes] == ["uno", "dos"]


@pytest.mark.parametrize("shape", [(3, 3), (0, 3, 3), (2, 3, 4, 4)])
def test_wrong_shape_is_explained(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"images debe tener forma \(n, h, w\) o \(n, 1, h, w\) con n > 0; tiene \("):
        show_images(np.zeros(shape))


def test_wrong_number_of_titles_is_explained() -> None:
    with pytest.raises(ValueError, match="titles debe tener 2 elementos, uno por imagen; tiene 1"):
        show_images(np.zeros((2, 3, 3)), ["uno"])


# --- Regiones -------------------------------------------------------------------------------------------------------


def color_at(ax: plt.Axes, x: float, y: float) -> np.ndarray:
    """El color que queda pintado en un punto del plano."""
    figure = ax.figure
    ax.axis("off")
    figure.canvas.draw()
    column, row = (int(value) for value in ax.transData.transform((x, y)))
    pixels = np.asarray(figure.canvas.buffer_rgba())
    return pixels[len(pixels) - 1 - row, column, :3] / 255


def test_each_class_takes_its_color() -> None:
    _, ax = plt.subplots()
    ax.set(xlim=(-2, 2), ylim=(-1, 1))
    # La clase 0 a la izquierda, la 1 arriba a la derecha y la 2 abajo a la derecha.
    plot_regions(ax, lambda p: np.where(p[:, 0] < 0, 0, np.where(p[:, 1] > 0, 1, 2)), n_classes=3)
    assert ax.get_xlim() == (-2, 2)
    assert ax.get_ylim() == (-1, 1)
    for point, label in (((-1, 0.5), 0), ((1, 0.5), 1), ((1, -0.5), 2)):
        red, green, blue, alpha = to_rgba(PALETTE[label], 0.18)
        expected = alpha * np.array([red, green, blue]) + (1 - alpha)
        np.testing.assert_allclose(color_at(ax, *point), expected, atol=0.02)


def test_one_class_everywhere_keeps_its_color() -> None:
    """La escala no se estira cuando solo se predice una clase."""
    _, ax = plt.subplots()
    ax.set(xlim=(0, 1), ylim=(0, 1))
    plot_regions(ax, lambda p: np.ones(len(p), dtype=int), n_classes=2, resolution=10)
    expected = 0.18 * np.array(to_rgb(PALETTE[1])) + 0.82
    np.testing.assert_allclose(color_at(ax, 0.5, 0.5), expected, atol=0.02)


def test_predict_sees_points_inside_the_axes() -> None:
    seen: list[np.ndarray] = []

    def predict(points: np.ndarray) -> np.ndarray:
        seen.append(points)
        return np.zeros(len(points), dtype=int)

    _, ax = plt.subplots()
    ax.set(xlim=(5, 6), ylim=(-3, -2))
    plot_regions(ax, predict, resolution=4)
    [points] = seen
    assert points.shape == (16, 2)
    assert (points.min(axis=0).tolist(), points.max(axis=0).tolist()) == ([5, -3], [6, -2])
