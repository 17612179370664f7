"""El dibujo de la portada del PDF, el EPUB y el sitio: las curvas de nivel de una red neuronal con pesos al azar."""

import io
import textwrap
from pathlib import Path

import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from PIL import Image

SEED = 20
COLORS = LinearSegmentedColormap.from_list("portada", ["#00344F", "#00578A", "#2E8BC0", "#9CCBE4", "#F3E3C7"])


def _network(xs: np.ndarray, ys: np.ndarray) -> np.ndarray:
    """La salida de un perceptrón de tres capas con tangente hiperbólica, en cada punto del plano."""
    rng = np.random.default_rng(SEED)
    h = np.stack([xs, ys], axis=-1)
    for fan_in, fan_out in ((2, 12), (12, 12), (12, 1)):
        h = np.tanh(h @ rng.normal(0, 1.7 / np.sqrt(fan_in), (fan_in, fan_out)) + rng.normal(0, 0.4, fan_out))
    return h[..., 0]


def _field(figure: Figure, box: tuple[float, float, float, float], aspect: float) -> None:
    axes = figure.add_axes(box)
    axes.set_axis_off()
    xs, ys = np.meshgrid(np.linspace(-2.4, 2.4, 500), np.linspace(-2.4 * aspect, 2.4 * aspect, 500))
    values = _network(xs, ys)
    levels = np.quantile(values, np.linspace(0, 1, 15))
    axes.contourf(xs, ys, values, levels=np.unique(levels), cmap=COLORS)
    axes.contour(xs, ys, values, levels=np.unique(levels), colors="white", linewidths=0.6, linestyles="solid")


def draw_field(width: int, height: int) -> Image.Image:
    """Solo el dibujo, de ``width`` × ``height`` píxeles."""
    figure = Figure(figsize=(width / 100, height / 100), dpi=100)
    _field(figure, (0, 0, 1, 1), height / width)
    stream = io.BytesIO()
    figure.savefig(stream, format="png")
    return Image.open(stream).convert("RGB")


def draw_banner(path: Path) -> None:
    """La banda que ocupa la mitad superior de la portada del PDF (un A4 de ancho)."""
    figure = Figure(figsize=(8.27, 6.0), dpi=150)
    _field(figure, (0, 0, 1, 1), 6.0 / 8.27)
    figure.savefig(path, metadata={"Software": None})


def draw_cover(path: Path, title: str, subtitle: str, author: str) -> None:
    """La portada entera, con letras, para el EPUB."""
    figure = Figure(figsize=(6, 9), dpi=200, facecolor="white")
    _field(figure, (0, 0.45, 1, 0.55), 4.95 / 6)
    big, small = textwrap.fill(title, 18), textwrap.fill(subtitle, 40)
    figure.text(0.08, 0.4, big, size=30, weight="bold", color="#00578A", va="top", linespacing=1.15)
    figure.text(0.08, 0.26, small, size=13, color="#5A5F66", va="top", linespacing=1.4)
    figure.text(0.08, 0.06, author, size=12, color="#222222", va="bottom")
    figure.savefig(path, metadata={"Software": None})
