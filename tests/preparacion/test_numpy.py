"""Las piezas de NumPy contra NumPy, SciPy, scikit-learn y PyTorch; sus errores y sus ejercicios."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from respuestas import exercise_tests
from scipy.spatial.distance import cdist
from scipy.special import softmax as scipy_softmax
from sklearn.metrics import confusion_matrix, log_loss
from sklearn.neighbors import KNeighborsClassifier
from sklearn.preprocessing import StandardScaler

from profundo.ejercicios.preparacion.numpy import COPIES, EINSUMS, SHAPES, comprobar
from profundo.preparacion.numpy import (
    broadcast_shapes,
    broadcast_strides,
    class_means,
    contiguous_strides,
    count_lines,
    einsum,
    element_offsets,
    knn_predict,
    nearest,
    one_hot,
    sliding_windows,
    softmax,
    squared_distances,
    squared_distances_broadcast,
    squared_distances_loops,
    standardize,
)

DISTANCES = (squared_distances_loops, squared_distances_broadcast, squared_distances)
lengths = st.lists(st.integers(1, 4), max_size=4).map(tuple)


def clusters(seed: int, n: int = 90, d: int = 5, c: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """Clases que se solapan, cada una alrededor de un centro."""
    rng = np.random.default_rng(seed)
    y = rng.permutation(np.arange(n) % c)
    return rng.normal(size=(c, d))[y] + rng.normal(size=(n, d)), y


# --- La memoria y la difusión ---------------------------------------------------------------------------------------


@given(shape=lengths, dtype=st.sampled_from(["int8", "float32", "float64"]))
def test_strides_of_a_new_array(shape: tuple[int, ...], dtype: str) -> None:
    array = np.zeros(shape, dtype)
    # NumPy deja cualquier paso en los ejes de longitud 1, que no se recorren.
    ours = contiguous_strides(shape, array.itemsize)
    assert [s for s, n in zip(ours, shape, strict=True) if n > 1] == [
        s for s, n in zip(array.strides, shape, strict=True) if n > 1
    ]


VIEWS: list[Callable[[np.ndarray], np.ndarray]] = [
    lambda a: a,
    lambda a: a.T,
    lambda a: a[1:, ::2],
    lambda a: a[::-1, :, ::-1],
    lambda a: a[:, None, 1],
    lambda a: np.broadcast_to(a[:, :1], (2, 5, 4)),
    lambda a: a[1, 2, 3:],
    lambda a: a[0, 0, 0, ...],
]


@pytest.mark.parametrize("view", VIEWS)
def test_offsets_lead_to_each_element(view: Callable[[np.ndarray], np.ndarray]) -> None:
    base = np.arange(24).reshape(2, 3, 4)
    array = view(base)
    start = array.__array_interface__["data"][0] - base.__array_interface__["data"][0]
    places = (start + element_offsets(array.shape, array.strides)) // base.itemsize
    np.testing.assert_array_equal(base.ravel()[places], array)


@settings(max_examples=300)
@given(shapes=st.lists(lengths, max_size=3))
def test_broadcast_shapes_is_that_of_numpy(shapes: list[tuple[int, ...]]) -> None:
    try:
        expected = np.broadcast_shapes(*shapes)
    except ValueError:
        with pytest.raises(ValueError, match="no se pueden difundir"):
            broadcast_shapes(*shapes)
    else:
        assert broadcast_shapes(*shapes) == expected


def test_broadcast_shapes_with_empty_axes() -> None:
    assert broadcast_shapes((0, 1), (1, 3)) == (0, 3)
    with pytest.raises(ValueError, match="no se pueden difundir"):
        broadcast_shapes((0,), (3,))


@given(shape=lengths, target=lengths)
def test_broadcast_strides_read_the_stretched_array(shape: tuple[int, ...], target: tuple[int, ...]) -> None:
    array = np.arange(np.prod(shape, dtype=int)).reshape(shape)
    try:
        expected = np.broadcast_to(array, target)
    except ValueError:
        with pytest.raises(ValueError, match="difundir"):
            broadcast_strides(shape, array.strides, target)
    else:
        places = element_offsets(target, broadcast_strides(shape, array.strides, target)) // array.itemsize
        np.testing.assert_array_equal(array.ravel()[places], expected)


@given(
    shape=st.lists(st.integers(1, 4), min_size=1, max_size=4).map(tuple),
    axis=st.integers(-4, 3),
    scale=st.sampled_from([1.0, 1e3, 1e200]),
    seed=st.integers(0, 99),
)
def test_softmax_is_that_of_scipy(shape: tuple[int, ...], axis: int, scale: float, seed: int) -> None:
    x = scale * np.random.default_rng(seed).normal(size=shape)
    axis = axis % len(shape)
    p = softmax(x, axis)
    np.testing.assert_allclose(p, scipy_softmax(x, axis), atol=1e-300)
    np.testing.assert_allclose(p.sum(axis=axis), 1)
    torch.testing.assert_close(torch.from_numpy(p), torch.from_numpy(x).softmax(axis))


def test_softmax_accepts_minus_infinity_as_zero_probability() -> None:
    np.testing.assert_array_equal(softmax(np.array([0.0, -np.inf])), [1, 0])
    assert softmax(np.zeros(3, np.float32)).dtype == np.float32


def test_standardize_is_that_of_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    train, test = rng.normal(3, 2, size=(50, 4)), rng.normal(3, 2, size=(20, 4))
    train[:, 1] = 0.1  # su desviación, por redondeo, no es exactamente 0
    scaler = StandardScaler().fit(train)
    np.testing.assert_allclose(standardize(test, train), scaler.transform(test))
    ours = standardize(train, train)
    np.testing.assert_allclose(ours.mean(axis=0), 0, atol=1e-12)
    np.testing.assert_allclose(ours.std(axis=0), [1, 0, 1, 1], atol=1e-12)
    assert standardize(train.astype(np.float32), train.astype(np.float32)).dtype == np.float32


# --- Ventanas y einsum ----------------------------------------------------------------------------------------------


@given(outer=st.lists(st.integers(1, 2), max_size=2), h=st.integers(1, 7), w=st.integers(1, 7), data=st.data())
def test_windows_are_those_of_numpy(outer: list[int], h: int, w: int, data: st.DataObject) -> None:
    size, step = data.draw(st.integers(1, min(h, w))), data.draw(st.integers(1, 3))
    x = np.random.default_rng(0).normal(size=(*outer, w, h)).swapaxes(-1, -2)  # no contiguo
    windows = sliding_windows(x, size, step)
    expected = np.lib.stride_tricks.sliding_window_view(x, (size, size), axis=(-2, -1))
    np.testing.assert_array_equal(windows, expected[..., ::step, ::step, :, :])
    assert np.shares_memory(windows, x)
    assert not windows.flags.writeable


def test_windows_times_a_kernel_are_a_convolution() -> None:
    x, kernel = torch.randn(2, 9, 11, dtype=torch.float64), torch.randn(3, 3, dtype=torch.float64)
    ours = np.einsum("bijpq,pq->bij", sliding_windows(x.numpy(), 3, 2), kernel.numpy())
    theirs = torch.nn.functional.conv2d(x[:, None], kernel[None, None], stride=2)[:, 0]
    torch.testing.assert_close(torch.from_numpy(ours), theirs)


@settings(max_examples=200)
@given(
    terms=st.lists(
        st.permutations("abcd").flatmap(lambda p: st.integers(0, 4).map(lambda n: "".join(p[:n]))),
        min_size=1,
        max_size=3,
    ),
    data=st.data(),
)
def test_einsum_is_that_of_numpy(terms: list[str], data: st.DataObject) -> None:
    known = sorted(set("".join(terms)))
    kept = data.draw(st.permutations(known))[: data.draw(st.integers(0, len(known)))]
    size = {"a": 1, "b": 2, "c": 3, "d": 4}
    operands = [np.random.default_rng(k).normal(size=[size[i] for i in term]) for k, term in enumerate(terms)]
    equation = f"{','.join(terms)}->{''.join(kept)}"
    np.testing.assert_allclose(einsum(equation, *operands), np.einsum(equation, *operands), atol=1e-12)


def test_einsum_keeps_integers() -> None:
    x = np.arange(6).reshape(2, 3)
    result = einsum("ij, kj -> ik", x, x)
    np.testing.assert_array_equal(result, x @ x.T)
    assert result.dtype == x.dtype


# --- Distancias y vecinos -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("distances", DISTANCES)
def test_distances_are_those_of_scipy(distances: Callable, dtype: type[np.floating]) -> None:
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(7, 4)).astype(dtype), rng.normal(size=(5, 4)).astype(dtype)
    ours = distances(x, y)
    assert ours.dtype == dtype
    np.testing.assert_allclose(ours, cdist(x, y, "sqeuclidean"), rtol=1e-4 if dtype == np.float32 else 1e-10)


def test_product_of_matrices_never_gives_negative_squares() -> None:
    x = (1000 + np.random.default_rng(2).normal(size=(60, 3))).astype(np.float32)
    norms = (x**2).sum(axis=1)
    assert (norms[:, None] - 2 * x @ x.T + norms < 0).any()
    assert (squared_distances(x, x) >= 0).all()


@given(shape=st.lists(st.integers(0, 3), max_size=3), n_classes=st.integers(1, 6))
def test_one_hot_is_that_of_pytorch(shape: list[int], n_classes: int) -> None:
    labels = np.random.default_rng(0).integers(0, n_classes, size=tuple(shape))
    expected = torch.nn.functional.one_hot(torch.from_numpy(labels), n_classes)
    np.testing.assert_array_equal(one_hot(labels, n_classes), expected.numpy())


def test_class_means_of_vectors_and_images() -> None:
    x, y = clusters(3)
    np.testing.assert_allclose(class_means(x, y, 3), [x[y == k].mean(axis=0) for k in range(3)])
    images = x[:, :4].reshape(-1, 2, 2)
    np.testing.assert_allclose(class_means(images, y, 3), class_means(x[:, :4], y, 3).reshape(3, 2, 2))


@pytest.mark.parametrize("k", [1, 4, 60])
def test_neighbors_are_those_of_scikit_learn(k: int) -> None:
    x, y = clusters(4)
    theirs = KNeighborsClassifier(k, algorithm="brute").fit(x[:60], y[:60])
    np.testing.assert_array_equal(nearest(x[:60], x[60:], k), theirs.kneighbors(x[60:])[1])
    np.testing.assert_array_equal(knn_predict(x[:60], y[:60], x[60:], k), theirs.predict(x[60:]))


def test_a_tie_goes_to_the_lower_class() -> None:
    x = np.array([[0.0], [2.0]])
    assert knn_predict(x, np.array([5, 3]), np.array([[0.5]]), k=2).tolist() == [3]


# --- El trabajo del intérprete --------------------------------------------------------------------------------------


def loop(n: int) -> int:
    total = 0
    for i in range(n):
        total += i
    return total


def test_lines_grow_with_the_loop_and_not_with_the_array() -> None:
    assert count_lines(loop, 20) - count_lines(loop, 10) == 20
    big, small = np.ones(10_000), np.ones(10)
    assert count_lines(np.sum, big) == count_lines(np.sum, small)


def test_counting_stops_after_an_error() -> None:
    with pytest.raises(ZeroDivisionError):
        count_lines(lambda: 1 / 0)
    assert count_lines(loop, 3) == count_lines(loop, 3)


# --- Entradas malas -------------------------------------------------------------------------------------------------

X = np.arange(6.0).reshape(3, 2)


@pytest.mark.parametrize(
    ("action", "message"),
    [
        (lambda: contiguous_strides((2, 0), 8), r"longitudes e itemsize de 1 o más; se recibió \(2, 0\)"),
        (lambda: contiguous_strides((2,), 0), r"itemsize=0"),
        (lambda: element_offsets((2, 3), (8,)), r"strides debe tener un paso por eje de \(2, 3\); se recibió \(8,\)"),
        (lambda: broadcast_shapes((2, 3), (2, 1), (4,)), r"en el eje -1 hay \(3, 1, 4\)"),
        (lambda: broadcast_strides((3,), (8, 8), (3,)), r"strides debe tener un paso por eje"),
        (lambda: broadcast_strides((3,), (8,), (1,)), r"\(3,\) no cabe en \(1,\)"),
        (lambda: softmax(X, axis=2), r"axis debe ser un eje con elementos de x, de forma \(3, 2\); se recibió 2"),
        (lambda: softmax(np.zeros((2, 0))), r"de forma \(2, 0\); se recibió -1"),
        (lambda: softmax(np.array([1.0, np.nan])), r"x debe tener máximos finitos"),
        (lambda: softmax(np.array([-np.inf, -np.inf])), r"x debe tener máximos finitos"),
        (lambda: standardize(X, X[:, :1]), r"formas \(n, d\) y \(m, d\).*\(3, 2\) y \(3, 1\)"),
        (lambda: standardize(X, X[:0]), r"con m > 0"),
        (lambda: sliding_windows(X, 3), r"x tiene forma \(3, 2\), size=3 y step=1"),
        (lambda: sliding_windows(X, 2, 0), r"step=0"),
        (lambda: einsum("ij", X), r"se esperaba una ecuación como.*«ij»"),
        (lambda: einsum("ii->i", X), r"sin letras repetidas"),
        (lambda: einsum("ij->k", X), r"se recibió «ij->k»"),
        (lambda: einsum("...j->j", X), r"se recibió «...j->j»"),
        (lambda: einsum("i->i", X), r"no corresponde a operandos de formas \[\(3, 2\)\]"),
        (lambda: einsum("ij,jk->ik", X), r"no corresponde a operandos"),
        (lambda: einsum("ij,jk->ik", X, X), r"una letra de .* tiene dos longitudes"),
        *[(lambda f=f: f(X, X.T), r"formas \(n, d\) y \(m, d\); tienen \(3, 2\) y \(2, 3\)") for f in DISTANCES],
        (lambda: one_hot(np.array([0, 3]), 3), r"labels debe estar entre 0 y 2; se recibió de 0 a 3"),
        (lambda: one_hot(np.array([-1]), 3), r"se recibió de -1 a -1"),
        (lambda: class_means(X, np.array([0, 1]), 2), r"labels debe tener forma \(3,\).*tiene \(2,\)"),
        (lambda: class_means(X, np.array([0, 0, 2]), 4), r"no hay ejemplos de las clases \[1, 3\]"),
        (lambda: nearest(X, X, 4), r"k debe estar entre 1 y 3.*se recibió 4"),
        (lambda: knn_predict(X, np.array([1]), X), r"y_train debe tener forma \(3,\).*tiene \(1,\)"),
    ],
)
def test_bad_input_is_explained(action: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        action()


# --- Ejercicios -----------------------------------------------------------------------------------------------------


def right_shapes() -> list[object]:
    return [shape for _, shape, _ in SHAPES]


def right_copies() -> list[object]:
    return [word for _, word, _ in COPIES]


def right_equations() -> list[object]:
    return [equation for _, _, equation in EINSUMS]


def replaced(answers: list[object], place: int, value: object) -> list[object]:
    return [*answers[:place], value, *answers[place + 1 :]]


def test_the_exercises_say_what_numpy_does() -> None:
    x, y = np.zeros((5000, 28, 28), np.int8), np.repeat(np.arange(10), 500)
    names = {"x": x, "y": y, "w": np.zeros((784, 10), np.int8), "b": np.zeros(10)}
    for expression, shape, hints in SHAPES:
        assert eval(expression.strip("`"), names).shape == shape
        assert shape not in hints
    a = np.arange(24).reshape(2, 3, 4)
    for expression, word, _ in COPIES:
        assert np.shares_memory(a, eval(expression.strip("`"), {"a": a})) == (word == "vista"), expression


def confusion(t: np.ndarray, p: np.ndarray, c: int) -> np.ndarray:
    return np.bincount(t * c + p, minlength=c * c).reshape(c, c)


def confusion_by_assignment(t: np.ndarray, p: np.ndarray, c: int) -> np.ndarray:
    m = np.zeros((c, c))
    m[t, p] += 1
    return m


def log_softmax(s: np.ndarray, axis: int = 1) -> np.ndarray:
    s = s - s.max(axis=axis, keepdims=True)
    return s - np.log(np.exp(s).sum(axis=axis, keepdims=True))


def entropy(s: np.ndarray, y: np.ndarray) -> float:
    return -log_softmax(s)[np.arange(len(y)), y].mean()


def entropy_in_place(s: np.ndarray, y: np.ndarray) -> float:
    s -= s.max(axis=1, keepdims=True)
    return entropy(s, y)


def log_of_probability(s: np.ndarray, y: np.ndarray) -> float:
    p = np.exp(s - s.max(axis=1, keepdims=True))
    return -np.log(p / p.sum(axis=1, keepdims=True))[np.arange(len(y)), y].mean()


def naive_entropy(s: np.ndarray, y: np.ndarray) -> float:
    return -np.log((np.exp(s) / np.exp(s).sum(axis=1, keepdims=True))[np.arange(len(y)), y]).mean()


def chosen(s: np.ndarray, y: np.ndarray) -> np.ndarray:
    return log_softmax(s)[np.arange(len(y)), y]


def clipped(s: np.ndarray, y: np.ndarray) -> float:
    """Evita el infinito recortando: deja de crecer."""
    return -np.maximum(chosen(s, y), np.log(1e-12)).mean()


def bootstrap(v: np.ndarray, b: int, rng: np.random.Generator) -> np.ndarray:
    return v[rng.integers(0, len(v), (b, len(v)))].mean(axis=1)


def in_place_bootstrap(v: np.ndarray, b: int, rng: np.random.Generator) -> np.ndarray:
    v += 1
    return bootstrap(v, b, rng)


def deskew(x: np.ndarray) -> np.ndarray:
    i = np.arange(28)
    ink = x.sum(axis=(1, 2))[:, None]
    down, across = i - x.sum(axis=2) @ i[:, None] / ink, i - x.sum(axis=1) @ i[:, None] / ink
    slope = np.einsum("nij,ni,nj->n", x, down, across) / np.einsum("nij,ni->n", x, down**2)
    columns = np.rint(i + (slope[:, None] * down)[:, :, None]).astype(int).clip(0, 27)
    return np.take_along_axis(x, columns, axis=2)


def blur(x: np.ndarray) -> np.ndarray:
    return sliding_windows(np.pad(x, ((0, 0), (1, 1), (1, 1))), 3).mean(axis=(-1, -2))


def erase(x: np.ndarray) -> np.ndarray:
    x[:] = 0
    return x


RIGHT: dict[str, list[object]] = {
    "formas": [right_shapes(), tuple(map(list, right_shapes()))],  # type: ignore[arg-type]
    "copias": [right_copies(), tuple(f" {str(word).upper()}" for word in right_copies())],
    "confusion": [
        confusion,
        lambda t, p, c: (np.eye(c)[t].T @ np.eye(c)[p]).tolist(),
        lambda t, p, c: confusion_matrix(t, p, labels=range(c)),
        lambda t, p, c: torch.from_numpy(confusion(t, p, c)),
    ],
    "entropia": [
        entropy,
        lambda s, y: torch.nn.functional.cross_entropy(torch.from_numpy(s), torch.from_numpy(y)),
        lambda s, y: torch.nn.functional.cross_entropy(torch.from_numpy(s).requires_grad_(), torch.from_numpy(y)),
    ],
    "einsum": [right_equations(), ["i j->i", "ni,nj", "Bij,Bjk->Bik", "ni,ij,nj->n", "bthd,bshd->bhts"]],
    "remuestreo": [
        bootstrap,
        lambda v, b, rng: rng.choice(v, (b, len(v))).mean(axis=1).tolist(),
        lambda v, b, rng: [rng.choice(v, len(v)).mean() for _ in range(b)],
    ],
    "preparacion": [lambda x: blur(deskew(x)), lambda x: torch.from_numpy(blur(deskew(x)))],
}

WRONG: dict[str, list[tuple[object, str]]] = {
    "formas": [
        (replaced(right_shapes(), 0, (1, 28, 28)), "`x[0]`: no da la forma (1, 28, 28); un entero quita su eje"),
        (replaced(right_shapes(), 1, (28, 28)), "el 14 va en el segundo"),
        (replaced(right_shapes(), 2, ()), "eso es x[3, 1, 4]"),
        (replaced(right_shapes(), 3, (5000, 28, 28)), "una máscara se queda solo con los verdaderos"),
        (replaced(right_shapes(), 4, 5000), "se escribe (5000,), con coma"),
        (replaced(right_shapes(), 4, (28, 28)), "qué ejes desaparecen"),
        (replaced(right_shapes(), 5, (28, 28)), "`keepdims=True` conserva el eje"),
        (replaced(right_shapes(), 6, (5000, 784)), "falta el producto"),
        (replaced(right_shapes(), 6, (5000, 11)), "revisa cada eje"),
        (replaced(right_shapes(), 7, (5000, 28, 28)), "que se estira contra el 4"),
        (replaced(right_shapes(), 7, (1,)), "quedan 4 ejes"),
        (replaced(right_shapes(), 7, "(5000, 4)"), "se esperaba una tupla de enteros"),
        (right_shapes()[:3], "una lista de 8 formas; tiene 3"),
    ],
    "copias": [
        (replaced(right_copies(), 0, "copia"), "`a[1]`: no es una copia; el resultado se recorre con pasos fijos"),
        (replaced(right_copies(), 2, "vista"), "un índice con lista copia siempre"),
        (replaced(right_copies(), 3, "vista"), "ningún paso fijo"),
        (replaced(right_copies(), 5, "vista"), "saltar adelante y atrás"),
        (replaced(right_copies(), 1, True), "responde «vista» o «copia»"),
        (["vista"] * 8, "`a[[1]]`: no es una vista"),
    ],
    "confusion": [
        (confusion_by_assignment, "Cada pareja cuenta una sola vez"),
        (lambda t, p, c: confusion(p, t, c), "Está traspuesta"),
        (lambda t, p, c: confusion(t, p, c) / np.bincount(t, minlength=c).clip(1)[:, None], "Son proporciones"),
        (lambda t, p, c: np.diag(np.bincount(t[t == p], minlength=c)), "Solo cuentas los aciertos"),
        (lambda t, p, c: confusion(t, p, t.max() + 1), "Se esperaba que la matriz tuviera forma (6, 6)"),
        (lambda t, p, c: confusion(t[1:], p[1:], c), "se esperaba"),
    ],
    "entropia": [
        (lambda s, y: -entropy(s, y), "El signo está al revés"),
        (lambda s, y: -chosen(s, y).sum(), "Es la suma"),
        (lambda s, y: -log_softmax(s)[:, y].mean(), "toma todas las columnas"),
        (lambda s, y: -chosen(s, y).sum() / s.size, "Divides también entre las clases"),
        (lambda s, y: entropy(s, y) / np.log(2), "Usas log2"),
        (lambda s, y: np.exp(chosen(s, y)).mean(), "falta el logaritmo"),
        (lambda s, y: -np.log(np.exp(chosen(s, y)).mean()), "Primero el logaritmo"),
        (lambda s, y: -s[np.arange(len(y)), y].mean(), "falta la softmax"),
        (lambda s, y: -log_softmax(s, 0)[np.arange(len(y)), y].mean(), "la softmax es de cada fila"),
        (naive_entropy, "Con puntajes de ±1000 da inf o nan"),
        (log_of_probability, "Con puntajes de ±1000 da inf o nan"),
        (clipped, "Con puntajes de ±1000 se esperaba"),
        (entropy_in_place, "Has modificado los puntajes"),
        (lambda s, y: np.nan, "no es finito ni con puntajes pequeños"),
        (lambda s, y: chosen(s, y), "un solo número"),
        (lambda s, y: 1.0, "se esperaba"),
    ],
    "einsum": [
        (replaced(right_equations(), 0, "ij->j"), "(a): «ij->j» da forma (3,) y se pide (6,)"),
        (replaced(right_equations(), 1, "ni,jn->ij"), "(b): NumPy no acepta"),
        (replaced(right_equations(), 2, "bij,bjk->ik"), "(c): «bij,bjk->ik» da forma"),
        (replaced(right_equations(), 3, "ni,ij,ni->n"), "(d): «ni,ij,ni->n» da la forma pedida, pero otros números"),
        (replaced(right_equations(), 4, "bthd,bshe->bhts"), "(e): «bthd,bshe->bhts» da la forma pedida"),
        (replaced(right_equations(), 0, np.sum), "se esperaba una ecuación entre comillas"),
        (right_equations()[:2], "una lista de 5 ecuaciones; tiene 2"),
    ],
    "remuestreo": [
        (lambda v, b, rng: np.array([rng.permutation(v).mean() for _ in range(b)]), "remuestreas sin reemplazo"),
        (lambda v, b, rng: np.full(b, bootstrap(v, 1, rng)), "una remuestra distinta para cada una"),
        (lambda v, b, rng: bootstrap(v, b, np.random.default_rng()), "Con dos generadores iguales"),
        (lambda v, b, rng: bootstrap(v, b, np.random.default_rng(0)), "Con otro generador das lo mismo"),
        (lambda v, b, rng: rng.choice(v, b), "Devuelves valores sueltos"),
        (lambda v, b, rng: bootstrap(v, b, rng) * len(v), "Son sumas"),
        (lambda v, b, rng: rng.choice(v, (b, 2 * len(v))).mean(axis=1), "tantos valores como había, 100"),
        (lambda v, b, rng: rng.normal(v.mean(), v.std() / np.sqrt(len(v)), b), "Hay medias imposibles"),
        (lambda v, b, rng: v[rng.integers(0, len(v), (b, len(v)))].mean(axis=0), "tuviera forma (4000,)"),
        (in_place_bootstrap, "Has modificado los valores"),
    ],
    "preparacion": [
        (lambda x: x, "el 89.1 % y se pide el 93 %"),
        (blur, "Vas bien, pero falta algo"),
        (deskew, "Vas bien, pero falta algo"),
        (lambda x: x > 0.5, "Es menos que sin preparar nada"),
        (lambda x: np.random.default_rng(0).normal(size=(len(x), 5)), "como al azar"),
        (lambda x: x[:10], "Se esperaba un resultado por imagen"),
        (lambda x: x.reshape(len(x), -1)[:, : int(x.sum()) % 7 + 1], "las mismas columnas"),
        (erase, "Has modificado las imágenes"),
    ],
}


(
    test_right_answers_pass,
    test_each_mistake_gets_its_message,
    test_every_exercise_has_right_and_wrong_answers,
) = exercise_tests(comprobar, RIGHT, WRONG)


def test_lists_with_blanks_are_pending() -> None:
    for name, answers in (("formas", right_shapes()), ("copias", right_copies()), ("einsum", right_equations())):
        verdict = comprobar.check(name, replaced(answers, 1, ...))
        assert verdict.status == "pendiente"
        assert "faltan las respuestas 2" in verdict.message


def test_cross_entropy_of_the_exercise_is_that_of_scikit_learn() -> None:
    scores, labels = np.random.default_rng(5).normal(size=(20, 4)), np.arange(20) % 4
    np.testing.assert_allclose(entropy(scores, labels), log_loss(labels, np.exp(log_softmax(scores))))
