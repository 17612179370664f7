"""Los grafos se dibujan por capas, sin cajas que se pisen, y con lo que cada nodo tiene que decir."""

from collections.abc import Callable

import matplotlib.pyplot as plt
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from profundo.comun.figuras import PALETTE
from profundo.comun.grafos import Box, draw_computation, draw_graph, layers

DIAMOND = {"a": [], "b": [], "p": ["a", "b"], "s": ["p", "a"], "L": ["p", "s"]}


def boxes(figure: plt.Figure) -> list[FancyBboxPatch]:
    return [patch for patch in figure.axes[0].patches if isinstance(patch, FancyBboxPatch)]


def arrows(figure: plt.Figure) -> list[FancyArrowPatch]:
    return [patch for patch in figure.axes[0].patches if isinstance(patch, FancyArrowPatch)]


def texts(figure: plt.Figure) -> list[str]:
    return [text.get_text() for text in figure.axes[0].texts]


def draw(graph: dict, **options: object) -> plt.Figure:
    return draw_graph(graph, {node: Box([str(node), "1.00"]) for node in graph}, **options)


def corners(box: FancyBboxPatch) -> tuple[float, float, float, float]:
    return box.get_x(), box.get_y(), box.get_x() + box.get_width(), box.get_y() + box.get_height()


@st.composite
def graphs(draw: Callable) -> dict[int, list[int]]:
    size = draw(st.integers(1, 7))
    return {k: draw(st.lists(st.integers(0, k - 1), max_size=3)) if k else [] for k in range(size)}


def test_layers_follow_the_computation_and_leaves_wait_for_their_user() -> None:
    assert layers(DIAMOND) == {"a": 0, "b": 0, "p": 1, "s": 2, "L": 3}
    assert layers({"a": [], "c": [], "p": ["a"], "q": ["p", "c"]}) == {"a": 0, "c": 1, "p": 1, "q": 2}
    assert layers({"solo": []}) == {"solo": 0}


@settings(max_examples=12)
@given(graph=graphs(), vertical=st.booleans())
def test_boxes_never_overlap_and_every_edge_moves_forward(graph: dict[int, list[int]], *, vertical: bool) -> None:
    figure = draw(graph, vertical=vertical)
    drawn = [corners(box) for box in boxes(figure)]
    assert len(drawn) == len(graph)
    for k, (x0, y0, x1, y1) in enumerate(drawn):
        for u0, v0, u1, v1 in drawn[:k]:
            assert x1 <= u0 or u1 <= x0 or y1 <= v0 or v1 <= y0
    paths = [arrow.get_path().vertices for arrow in arrows(figure)]
    assert len(paths) == sum(map(len, graph.values()))
    depth = layers(graph)
    for node, sources in graph.items():
        assert all(depth[source] < depth[node] for source in sources)
    plt.close(figure)


def test_figure_measures_what_the_graph_occupies() -> None:
    figure = draw(DIAMOND)
    ax = figure.axes[0]
    width, height = figure.get_size_inches()
    (x0, x1), (y0, y1) = ax.get_xlim(), ax.get_ylim()
    np.testing.assert_allclose([x1 - x0, y1 - y0], [width, height])  # una unidad, una pulgada
    for box in boxes(figure):
        left, bottom, right, top = corners(box)
        assert x0 < left
        assert right < x1
        assert y0 < bottom
        assert top < y1
    tall = draw(DIAMOND, vertical=True).get_size_inches()
    assert tall[1] > tall[0]
    assert width > height


def test_text_fits_in_its_box() -> None:
    figure = draw_graph({"n": []}, {"n": Box(["un nombre bastante largo", "784 × 256", "∂ 0.25"])})
    figure.canvas.draw()
    (box,) = boxes(figure)
    frame = box.get_window_extent()
    for text in figure.axes[0].texts:
        extent = text.get_window_extent()
        assert frame.x0 <= extent.x0
        assert extent.x1 <= frame.x1
        assert frame.y0 <= extent.y0
        assert extent.y1 <= frame.y1


def test_edges_cross_as_little_as_possible_and_repeated_ones_are_seen() -> None:
    square = draw({"x": [], "y": ["x", "x"]})
    first, second = (arrow.get_path().vertices[2] for arrow in arrows(square))
    assert first[1] != second[1]
    # Con las entradas en orden contrario al de las capas, hay que reordenar para no cruzar.
    figure = draw({"a": [], "b": [], "p": ["b"], "q": ["a"], "L": ["p", "q"]})
    heights = {text.get_text(): text.get_position()[1] for text in figure.axes[0].texts if text.get_text() in "abpq"}
    assert (heights["a"] - heights["b"]) * (heights["q"] - heights["p"]) > 0


def test_edge_labels_are_written() -> None:
    assert {"3", "−1"} <= set(texts(draw(DIAMOND, edge_labels={("p", 0): "3", ("L", 1): "−1"})))


class Node:
    """Lo mínimo que se pide a un nodo."""

    def __init__(self, value: object, *sources: "Node", op: str = "", grad: object = None, asks: bool = True) -> None:
        self.data, self.op, self.requires_grad = np.asarray(value), op, asks
        self.grad = None if grad is None else np.asarray(grad)
        self.edges = [(source, None) for source in sources]


def test_computation_shows_names_values_and_gradients() -> None:
    w, x = Node(2.0, grad=-3.0), Node(np.ones((4, 3)), asks=False)
    y = Node(-6.0, w, x, w, op="×", grad=1.0)
    figure = draw_computation(y, {w: "w", y: "y"})
    assert sorted(texts(figure)) == sorted(["w", "2.00", "∂ −3.00", "4 × 3", "y = ×", "−6.00", "∂ 1.00"])
    assert len(arrows(figure)) == 3
    leaf, constant, operation = boxes(figure)
    assert leaf.get_linestyle() != constant.get_linestyle()
    assert leaf.get_edgecolor() != operation.get_edgecolor()
    gradient = next(text for text in figure.axes[0].texts if text.get_text().startswith("∂"))
    assert gradient.get_color() == PALETTE[1]
    assert "nota" in texts(draw_computation(y, describe=lambda node: ["nota"]))


@pytest.mark.parametrize(
    ("action", "message"),
    [
        (lambda: layers({"a": ["b"]}), r"graph debe tener una clave por nodo; falta 'b'"),
        (lambda: layers({"a": ["b"], "b": ["a"]}), r"graph tiene un ciclo"),
        (lambda: draw_graph({}, {}), r"y graph algún nodo"),
        (lambda: draw_graph({"a": []}, {}), r"faltan las cajas de \['a'\]"),
    ],
)
def test_bad_input_is_explained(action: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        action()
