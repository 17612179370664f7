"""El estilo de las figuras del libro y las pocas que se repiten de un capítulo a otro."""

from collections.abc import Callable, Sequence

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import torch
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap, to_rgba
from matplotlib.figure import Figure

# Okabe e Ito (2008), paleta que distinguen las personas con daltonismo; el amarillo, ilegible en líneas, queda fuera.
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#4D4D4D")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
LINESTYLES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (1, 1)), (0, (8, 2)))
SEQUENTIAL = "cividis"  # magnitudes
DIVERGING = "RdBu_r"  # valores con signo, centrados en cero

ACROSS = 7.0  # ancho de la columna de texto, en pulgadas


def use_style() -> None:
    """Aplica el estilo del libro: sobrio, con color y forma redundantes para quien no distingue colores."""
    mpl.rcParams.update(
        {
            "figure.figsize": (ACROSS, 3.6),
            "figure.dpi": 144,
            "savefig.dpi": 144,
            "figure.constrained_layout.use": True,
            "font.size": 10,
            "axes.titlesize": 10.5,
            "axes.titleweight": "bold",
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.grid": True,
            "grid.alpha": 0.25,
            "grid.linewidth": 0.6,
            "axes.axisbelow": True,
            "axes.prop_cycle": cycler(color=PALETTE) + cycler(linestyle=LINESTYLES),
            "lines.linewidth": 1.8,
            "lines.markersize": 5,
            "legend.frameon": False,
            "image.cmap": SEQUENTIAL,
        }
    )


def show_images(
    images: np.ndarray | torch.Tensor,
    titles: Sequence[str] = (),
    *,
    columns: int = 8,
    cmap: str = "gray_r",
    symmetric: bool = False,
    size: float = 0.9,
) -> Figure:
    """Dibuja imágenes ``(n, h, w)`` o ``(n, 1, h, w)`` en una cuadrícula.

    Args:
        images: las imágenes; valores cualesquiera, con la misma escala para todas.
        titles: un título por imagen, o ninguno.
        columns: imágenes por fila.
        cmap: mapa de color.
        symmetric: centra la escala en cero, para pesos y otros valores con signo.
        size: lado de cada imagen, en pulgadas.

    Raises:
        ValueError: si las formas o la cantidad de títulos no corresponden.
    """
    array = images.detach().cpu().numpy() if isinstance(images, torch.Tensor) else np.asarray(images)
    if array.ndim == 4 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 3 or len(array) == 0:
        raise ValueError(f"images debe tener forma (n, h, w) o (n, 1, h, w) con n > 0; tiene {array.shape}")
    if titles and len(titles) != len(array):
        raise ValueError(f"titles debe tener {len(array)} elementos, uno por imagen; tiene {len(titles)}")
    limit = float(np.abs(array).max()) if symmetric else None
    low, high = (-limit, limit) if limit is not None else (float(array.min()), float(array.max()))
    columns = min(columns, len(array))
    rows = -(-len(array) // columns)
    figure, axes = plt.subplots(
        rows, columns, figsize=(size * columns, (size + (0.22 if titles else 0)) * rows), squeeze=False
    )
    for axis in axes.flat:
        axis.axis("off")
    for index, (axis, image) in enumerate(zip(axes.flat, array, strict=False)):
        axis.imshow(image, cmap=DIVERGING if symmetric else cmap, vmin=low, vmax=high)
        if titles:
            axis.set_title(titles[index], fontsize=8, fontweight="normal")
    return figure


def plot_regions(
    ax: Axes, predict: Callable[[np.ndarray], np.ndarray], *, n_classes: int = 2, resolution: int = 300
) -> None:
    """Colorea el plano según la clase que predice ``predict`` en cada punto, dentro de los límites de ``ax``.

    Args:
        ax: ejes con los límites ya fijados.
        predict: función de ``(m, 2)`` a clases enteras ``(m,)`` entre 0 y ``n_classes - 1``.
        n_classes: cantidad de clases; la clase ``k`` toma el color ``k`` de la paleta.
        resolution: puntos por lado de la cuadrícula.
    """
    (x0, x1), (y0, y1) = ax.get_xlim(), ax.get_ylim()
    xs, ys = np.meshgrid(np.linspace(x0, x1, resolution), np.linspace(y0, y1, resolution))
    labels = np.asarray(predict(np.column_stack([xs.ravel(), ys.ravel()]))).reshape(xs.shape)
    colors = ListedColormap([to_rgba(c, 0.18) for c in PALETTE[:n_classes]])
    ax.pcolormesh(xs, ys, labels, cmap=colors, vmin=0, vmax=n_classes - 1, shading="auto", zorder=0, rasterized=True)
    ax.set(xlim=(x0, x1), ylim=(y0, y1))
