"""Dibuja grafos dirigidos sin ciclos, por capas y solo con matplotlib: cada nodo es una caja con líneas de texto.

El reparto sigue las etapas de Sugiyama, Tagawa y Toda (1981): capas, orden dentro de cada capa y coordenadas. Una
unidad de los ejes es una pulgada y la figura mide lo que ocupa el grafo: así cada texto cabe en su caja.
"""

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Protocol, runtime_checkable

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch
from matplotlib.path import Path
from matplotlib.textpath import TextPath
from sklearn.isotonic import isotonic_regression

from profundo.comun.figuras import PALETTE

Graph = Mapping[Hashable, Sequence[Hashable]]  # las entradas de cada nodo; las hojas, con la lista vacía
Edge = tuple[Hashable, int]  # la arista que llega a un nodo desde su entrada número k
Point = tuple[float, float]

FONT_SIZE = 9.5  # puntos
LINE_HEIGHT, PADDING, NEIGHBOR_GAP, PORT_GAP, MARGIN = 0.17, 0.07, 0.18, 0.13, 0.05  # pulgadas


@runtime_checkable
class Node(Protocol):
    """Lo que se pide a un nodo de un grafo de cómputo para dibujarlo."""

    op: str
    data: np.ndarray
    grad: np.ndarray | None
    requires_grad: bool
    edges: Sequence[tuple[Any, Any]]  # (entrada, …)


@dataclass(frozen=True)
class Box:
    """Cómo se dibuja un nodo.

    Args:
        lines: sus líneas de texto; la primera va en negrita.
        color: el del borde.
        rounded: esquinas redondeadas; distingue clases de nodos sin depender del color.
        dashed: borde discontinuo.
        line_colors: color de cada línea; las que falten van en negro.
    """

    lines: Sequence[str]
    color: str = PALETTE[6]
    rounded: bool = False
    dashed: bool = False
    line_colors: Sequence[str] = ()

    @property
    def size(self) -> Point:
        """Ancho y alto, en pulgadas."""
        widths = [TextPath((0, 0), line, prop=_font(k)).get_extents().width / 72 for k, line in enumerate(self.lines)]
        return max([0.2, *widths]) + 2 * PADDING, LINE_HEIGHT * len(self.lines) + 2 * PADDING


def layers(graph: Graph) -> dict[Hashable, int]:
    """La capa de cada nodo: una más que la última de sus entradas; cada hoja, justo antes de quien la usa primero.

    Raises:
        ValueError: si hay un ciclo o una entrada que no es clave de ``graph``.
    """
    unknown = [source for sources in graph.values() for source in sources if source not in graph]
    if unknown:
        raise ValueError(f"graph debe tener una clave por nodo; falta {unknown[0]!r}")
    depth: dict[Hashable, int] = {}
    while len(depth) < len(graph):
        ready = [node for node in graph if node not in depth and all(source in depth for source in graph[node])]
        if not ready:
            raise ValueError("graph tiene un ciclo: algún nodo depende de sí mismo")
        for node in ready:
            depth[node] = 1 + max((depth[source] for source in graph[node]), default=-1)
    for leaf in (node for node in graph if not graph[node]):
        depth[leaf] = min((depth[node] for node in graph if leaf in graph[node]), default=1) - 1
    return depth


def draw_graph(
    graph: Graph,
    boxes: Mapping[Hashable, Box],
    *,
    edge_labels: Mapping[Edge, str] | None = None,
    vertical: bool = False,
    layer_gap: float = 0.35,
) -> Figure:
    """Dibuja el grafo de izquierda a derecha o, con ``vertical``, de arriba abajo.

    Args:
        graph: las entradas de cada nodo, en orden.
        boxes: la caja de cada nodo.
        edge_labels: texto de algunas aristas.
        vertical: la dirección.
        layer_gap: pulgadas entre una capa y la siguiente.

    Raises:
        ValueError: si no hay nodos, hay un ciclo, o falta la caja o la clave de alguno.
    """
    missing = [node for node in graph if node not in boxes]
    if missing or not graph:
        raise ValueError(f"boxes debe tener una caja por nodo, y graph algún nodo; faltan las cajas de {missing}")
    sizes = {node: boxes[node].size for node in graph}
    rows, routes = _routes(graph)
    across = _coordinates(_order(rows, routes), routes, {n: size[0 if vertical else 1] for n, size in sizes.items()})
    depths = [max(sizes[stop][1 if vertical else 0] for stop in row if stop in sizes) for row in rows]
    along = np.cumsum(depths) - np.array(depths) / 2 + layer_gap * np.arange(len(rows))
    layer = {stop: k for k, row in enumerate(rows) for stop in row}

    def place(stop: Hashable, forward: float = 0.0, sideways: float = 0.0) -> Point:
        a, b = along[layer[stop]] + forward, across[stop] + sideways
        return (b, -a) if vertical else (a, -b)

    figure = plt.figure()
    ax = figure.add_axes((0, 0, 1, 1))
    for node in graph:
        _draw_box(ax, place(node), boxes[node])
    for (target, k), route in routes.items():
        half = {stop: sizes[stop][1 if vertical else 0] / 2 for stop in (route[0], target)}
        arrivals = [(across[routes[target, j][-2]], j) for j in range(len(graph[target]))]
        port = PORT_GAP * (sorted(arrivals).index(arrivals[k]) - (len(arrivals) - 1) / 2)
        points = [place(route[0], half[route[0]]), *map(place, route[1:-1]), place(target, -half[target], port)]
        _draw_edge(ax, points, (edge_labels or {}).get((target, k), ""), vertical=vertical)
    centers, half_sizes = np.array([place(n) for n in graph]), np.array([sizes[n] for n in graph]) / 2
    low, high = (centers - half_sizes).min(axis=0), (centers + half_sizes).max(axis=0)
    size = np.ceil(10 * (high - low + 2 * MARGIN)) / 10  # décimas: la letra cambia un poco con la versión de Matplotlib
    (left, bottom), (right, top) = (low + high - size) / 2, (low + high + size) / 2
    ax.set(xlim=(left, right), ylim=(bottom, top))
    ax.axis("off")
    figure.set_layout_engine("none")
    figure.set_size_inches(*size)
    return figure


def draw_computation(
    root: Node,
    names: Mapping[Any, str] | None = None,
    *,
    describe: Callable[[Any], Sequence[str]] | None = None,
    edge_labels: Mapping[Edge, str] | None = None,
    vertical: bool = False,
    layer_gap: float = 0.35,
) -> Figure:
    """Dibuja el grafo de cómputo de ``root``, con el valor y el gradiente de cada nodo.

    Las hojas son rectángulos, de borde discontinuo si no piden gradiente; las operaciones tienen las esquinas redondas.

    Args:
        root: el último nodo.
        names: nombre de algunos nodos; en una operación se escribe delante de su símbolo.
        describe: las líneas que siguen al nombre; por omisión, el valor y, tras «∂», el gradiente.
        edge_labels, vertical, layer_gap: como en ``draw_graph``.
    """
    graph: dict[Any, list[Any]] = {}

    def visit(node: Node) -> None:
        if node not in graph:
            for source, _ in node.edges:
                visit(source)
            graph[node] = [source for source, _ in node.edges]

    visit(root)
    boxes = {}
    for node in graph:
        title = " = ".join(filter(None, ((names or {}).get(node, ""), node.op)))
        lines = [title] * bool(title) + list((describe or _value_and_gradient)(node))
        boxes[node] = Box(
            lines,
            color=PALETTE[0] if node.requires_grad and not node.op else PALETTE[6],
            rounded=bool(node.op),
            dashed=not node.requires_grad,
            line_colors=[PALETTE[1] if line.startswith("∂") else "black" for line in lines],
        )
    return draw_graph(graph, boxes, edge_labels=edge_labels, vertical=vertical, layer_gap=layer_gap)


def _value_and_gradient(node: Node) -> list[str]:
    return [_number(node.data), *([] if node.grad is None else [f"∂ {_number(node.grad)}"])]


def _number(array: np.ndarray) -> str:
    """Un número con dos decimales o, si hay varios, la forma."""
    if array.size > 1:
        return " × ".join(map(str, array.shape))
    return f"{array.item():z.2f}".replace("-", "−")


# --- Reparto --------------------------------------------------------------------------------------------------------


def _routes(graph: Graph) -> tuple[list[list[Hashable]], dict[Edge, list[Hashable]]]:
    """Las capas y el camino de cada arista, con una parada intermedia en cada capa que atraviesa."""
    depth = layers(graph)
    rows: list[list[Hashable]] = [[] for _ in range(max(depth.values()) + 1)]
    for node in graph:
        rows[depth[node]].append(node)
    routes: dict[Edge, list[Hashable]] = {}
    for target, sources in graph.items():
        for k, source in enumerate(sources):
            stops = [(target, k, layer) for layer in range(depth[source] + 1, depth[target])]
            for stop in stops:
                rows[stop[2]].append(stop)
            routes[target, k] = [source, *stops, target]
    return rows, routes


def _order(rows: list[list[Hashable]], routes: Mapping[Edge, list[Hashable]]) -> list[list[Hashable]]:
    """Ordena cada capa por la posición media de sus vecinos, de ida y de vuelta, y se queda con menos cruces."""
    before, after = _neighbors(routes)
    best, fewest = [list(row) for row in rows], _crossings(rows, routes)
    for sweep in range(8):
        forward = sweep % 2 == 0
        for row in rows if forward else rows[::-1]:
            position = {stop: k for other in rows for k, stop in enumerate(other)}
            near = before if forward else after
            row.sort(key=lambda stop: float(np.mean([position[n] for n in near.get(stop, [stop])])))
        crossings = _crossings(rows, routes)
        if crossings < fewest:
            best, fewest = [list(row) for row in rows], crossings
    return best


def _neighbors(routes: Mapping[Edge, list[Hashable]]) -> tuple[dict, dict]:
    before: dict[Hashable, list[Hashable]] = {}
    after: dict[Hashable, list[Hashable]] = {}
    for route in routes.values():
        for start, end in pairwise(route):
            before.setdefault(end, []).append(start)
            after.setdefault(start, []).append(end)
    return before, after


def _crossings(rows: list[list[Hashable]], routes: Mapping[Edge, list[Hashable]]) -> int:
    """Pares de tramos, entre las mismas dos capas, que se cortan."""
    place = {stop: (layer, k) for layer, row in enumerate(rows) for k, stop in enumerate(row)}
    spans = [(*place[start], place[end][1]) for route in routes.values() for start, end in pairwise(route)]
    return sum(a[0] == b[0] and (a[1] - b[1]) * (a[2] - b[2]) < 0 for a in spans for b in spans) // 2


def _coordinates(
    rows: list[list[Hashable]], routes: Mapping[Edge, list[Hashable]], thickness: Mapping[Hashable, float]
) -> dict[Hashable, float]:
    """Acerca cada nodo a la media de sus vecinos sin cambiar el orden ni juntar dos cajas.

    Con separaciones fijas, la posición más cercana a lo deseado es una regresión isotónica.
    """
    before, after = _neighbors(routes)
    offsets = []
    for row in rows:
        room = np.array([thickness.get(stop, 0.0) for stop in row])
        offsets.append(np.append(0, np.cumsum((room[:-1] + room[1:]) / 2 + NEIGHBOR_GAP)))
    across = {stop: x - o.mean() for row, o in zip(rows, offsets, strict=True) for stop, x in zip(row, o, strict=True)}
    for _ in range(40):
        for row, offset in zip(rows, offsets, strict=True):
            near = [[across[n] for n in (*before.get(stop, []), *after.get(stop, []))] for stop in row]
            wanted = np.array([np.mean(values or [across[stop]]) for stop, values in zip(row, near, strict=True)])
            across.update(zip(row, (isotonic_regression(wanted - offset) + offset).tolist(), strict=True))
    return across


# --- Trazo ----------------------------------------------------------------------------------------------------------


def _font(line: int) -> FontProperties:
    return FontProperties(size=FONT_SIZE, weight="bold" if line == 0 else "normal")


def _draw_box(ax: Axes, center: Point, box: Box) -> None:
    (x, y), (width, height) = center, box.size
    style = f"round,pad=0,rounding_size={0.15 if box.rounded else 0.01}"
    look: dict[str, Any] = {"fc": "white", "ec": box.color, "lw": 1.5, "ls": "--" if box.dashed else "-", "zorder": 2}
    ax.add_patch(FancyBboxPatch((x - width / 2, y - height / 2), width, height, boxstyle=style, **look))
    for k, line in enumerate(box.lines):
        color = box.line_colors[k] if k < len(box.line_colors) else "black"
        level = y + LINE_HEIGHT * ((len(box.lines) - 1) / 2 - k)
        ax.text(x, level, line, ha="center", va="center_baseline", fontproperties=_font(k), color=color, zorder=3)


def _draw_edge(ax: Axes, points: list[Point], label: str, *, vertical: bool) -> None:
    """Una curva que sale y llega en la dirección del dibujo, con la etiqueta en medio del último tramo."""
    vertices, codes = [points[0]], [Path.MOVETO]
    for (x0, y0), (x1, y1) in pairwise(points):
        middle = ((x0, (y0 + y1) / 2), (x1, (y0 + y1) / 2)) if vertical else (((x0 + x1) / 2, y0), ((x0 + x1) / 2, y1))
        vertices += [*middle, (x1, y1)]
        codes += [Path.CURVE4] * 3
    arrow: dict[str, Any] = {"arrowstyle": "-|>", "mutation_scale": 9, "lw": 1, "color": PALETTE[6], "zorder": 1}
    ax.add_patch(FancyArrowPatch(path=Path(vertices, codes), shrinkA=0, shrinkB=0, **arrow))
    if label:
        x, y = np.mean(points[-2:], axis=0)
        back = {"fc": "white", "ec": "none", "pad": 0.8}
        ax.text(x, y, label, ha="center", va="center", fontsize=FONT_SIZE - 0.5, bbox=back, zorder=1.5)
