"""El cálculo tensorial contra NumPy, PyTorch y diferencias; sus propiedades, sus errores y sus ejercicios."""

import math
from collections.abc import Callable
from functools import partial
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from respuestas import exercise_tests

from profundo.comun.datos import split_mnist
from profundo.ejercicios.fundamentos.calculo_tensorial import comprobar
from profundo.fundamentos.calculo_tensorial import (
    STEPS,
    Map,
    affine,
    compose,
    conjugate_gradient,
    contract,
    dense,
    einsum_vjp,
    elementwise,
    log_det,
    newton_step,
    numerical_jacobian,
    quadratic_form,
    softmax_hvp,
    softmax_rows,
    squared_error,
    trace_product,
)
from profundo.fundamentos.clasificacion_lineal import softmax_loss
from profundo.fundamentos.perceptron import augment
from profundo.preparacion.numpy import einsum

# PyTorch avisa de lo suyo al usar su modo directo por primera vez.
FORWARD_MODE = pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated:DeprecationWarning")

# --- Contracciones --------------------------------------------------------------------------------------------------

SIZE = dict(zip("abcde", (2, 3, 1, 4, 2), strict=True))
term = st.lists(st.sampled_from("abcde"), unique=True, max_size=4).map("".join)


@st.composite
def equations(draw: st.DrawFn) -> str:
    """Una ecuación de dos términos cualquiera, sin letras repetidas en un término."""
    left, right = draw(term), draw(term)
    letters = sorted(set(left + right))
    output = draw(st.permutations(letters))[: draw(st.integers(0, len(letters)))]
    return f"{left},{right}->{''.join(output)}"


def operands(equation: str, seed: int = 0) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [rng.normal(size=[SIZE[i] for i in t]) for t in equation.partition("->")[0].split(",")]


@settings(max_examples=300)
@given(equation=equations(), seed=st.integers(0, 9))
def test_contract_is_einsum(equation: str, seed: int) -> None:
    a, b = operands(equation, seed)
    got = contract(equation, a, b)
    np.testing.assert_allclose(got, np.einsum(equation, a, b), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(got, einsum(equation, a, b), rtol=1e-12, atol=1e-12)


@settings(max_examples=150)
@given(left=term, right=term)
def test_without_arrow_repeated_indices_are_summed(left: str, right: str) -> None:
    a, b = operands(f"{left},{right}")
    np.testing.assert_allclose(contract(f"{left},{right}", a, b), np.einsum(f"{left},{right}", a, b), atol=1e-12)


def test_contract_keeps_integers_and_takes_empty_axes() -> None:
    a, b = np.arange(6).reshape(2, 3), np.arange(12).reshape(3, 4)
    assert contract("ij,jk->ki", a, b).dtype == a.dtype
    np.testing.assert_array_equal(contract("ij,jk->ki", a, b), (a @ b).T)
    np.testing.assert_array_equal(contract("ij,jk->ik", np.zeros((2, 0)), np.zeros((0, 4))), np.zeros((2, 4)))


@pytest.mark.parametrize(
    ("equation", "shapes", "message"),
    [
        ("ij->i", ((2, 3), (3,)), "como `ij,jk->ik`"),
        ("ii,ij->j", ((2, 2), (2, 3)), "sin letras repetidas"),
        ("ij,jk->ii", ((2, 3), (3, 4)), "sin letras repetidas"),
        ("i1,j->i", ((2, 3), (3,)), "se recibió «i1,j->i»"),
        ("ij,jk->il", ((2, 3), (3, 4)), "no corresponde a tensores de formas (2, 3) y (3, 4)"),
        ("ij,jk->ik", ((2, 3), (4, 5)), "no corresponde"),
        ("ij,jk->ik", ((2, 3), (3,)), "no corresponde"),
        ("i,jk->ik", ((2, 3), (3, 1)), "no corresponde"),
    ],
)
def test_contract_explains_bad_input(equation: str, shapes: tuple, message: str) -> None:
    with pytest.raises(ValueError, match=r"ecuación|corresponde") as error:
        contract(equation, *map(np.ones, shapes))
    assert message in str(error.value)


@settings(max_examples=200)
@given(equation=equations(), seed=st.integers(0, 9))
def test_einsum_gradients_match_pytorch(equation: str, seed: int) -> None:
    arrays = operands(equation, seed)
    tensors = [torch.tensor(x, requires_grad=True) for x in arrays]
    output = torch.einsum(equation, *tensors)
    g = np.random.default_rng(seed).normal(size=output.shape)
    output.backward(torch.from_numpy(g))
    for got, t in zip(einsum_vjp(equation, arrays, np.asarray(g)), tensors, strict=True):
        assert t.grad is not None
        np.testing.assert_allclose(got, t.grad.numpy(), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("equation", ["ab->b", "ab,bd,de->ae", "a,ab,b->", "ab->"])
def test_einsum_gradients_with_any_number_of_operands(equation: str) -> None:
    arrays = operands(equation)
    g = np.random.default_rng(1).normal(size=einsum(equation, *arrays).shape)
    for k, got in enumerate(einsum_vjp(equation, arrays, np.asarray(g))):

        def projected(x: np.ndarray, k: int = k) -> float:
            return float((einsum(equation, *arrays[:k], x, *arrays[k + 1 :]) * g).sum())

        np.testing.assert_allclose(got, numerical_jacobian(projected, arrays[k]), atol=1e-8)


def test_einsum_vjp_asks_for_the_shape_of_the_result() -> None:
    with pytest.raises(ValueError, match=r"g debe tener la forma del resultado, \(2, 4\); tiene \(4, 2\)"):
        einsum_vjp("ab,bd->ad", operands("ab,bd->ad"), np.ones((4, 2)))


# --- Derivadas numéricas --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("method", "tol"), [("forward", 1e-6), ("central", 1e-9), ("complex", 1e-14)])
def test_numerical_jacobian_of_any_shapes(method: str, tol: float) -> None:
    rng = np.random.default_rng(0)
    w, x = rng.normal(size=(2, 3)), rng.normal(size=(3, 2))
    got = numerical_jacobian(lambda x: np.sin(w @ x), x, method=method)
    expected = torch.func.jacrev(lambda x: torch.sin(torch.from_numpy(w) @ x))(torch.from_numpy(x))
    assert got.shape == (2, 2, 3, 2)
    np.testing.assert_allclose(got, expected.numpy(), atol=tol)


def test_numerical_jacobian_of_a_number_has_the_shape_of_the_input() -> None:
    x = np.arange(6.0).reshape(2, 3)
    np.testing.assert_allclose(numerical_jacobian(lambda x: (x**2).sum(), x), 2 * x, atol=1e-8)
    assert numerical_jacobian(lambda x: float(x**2), np.array(3.0)).shape == ()
    np.testing.assert_array_equal(x, np.arange(6.0).reshape(2, 3))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"x": np.ones(2, dtype=np.float32)}, "x debe ser float64.*float32"),
        ({"x": np.ones(2), "method": "otro"}, "method debe ser forward, central, complex; se recibió 'otro'"),
        ({"x": np.ones(2), "step": 0.0}, "step debe ser positivo; se recibió 0.0"),
        ({"x": np.ones(2), "step": math.nan}, "step debe ser positivo"),
    ],
)
def test_numerical_jacobian_explains_bad_input(arguments: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        numerical_jacobian(np.sum, **arguments)


def test_default_steps_are_near_the_best() -> None:
    w, x = np.random.default_rng(0).normal(size=(5, 4)), np.random.default_rng(1).normal(size=4)
    exact = (1 - np.tanh(w @ x) ** 2)[:, None] * w
    for method, step in STEPS.items():
        errors = [
            np.abs(numerical_jacobian(lambda x: np.tanh(w @ x), x, method=method, step=step * factor) - exact).max()
            for factor in (1e-3, 1, 1e3)
        ]
        assert method == "complex" or errors[1] < min(errors[0], errors[2]) / 10


# --- Funciones que se linealizan ------------------------------------------------------------------------------------


def tanh_map() -> Map:
    return elementwise(np.tanh, lambda x: 1 - np.tanh(x) ** 2)


def random_network(sizes: tuple[int, ...], seed: int) -> tuple[Map, Callable[[torch.Tensor], torch.Tensor]]:
    """Capas afines y tanh, y un softmax al final: nuestra y de PyTorch."""
    rng = np.random.default_rng(seed)
    layers = [(rng.normal(size=(m, d)) / d**0.5, rng.normal(size=m)) for d, m in pairwise(sizes)]
    maps: list[Map] = []
    for w, b in layers:
        maps += [affine(w, b), tanh_map()]
    maps[-1] = softmax_rows

    def theirs(x: torch.Tensor) -> torch.Tensor:
        for k, (w, b) in enumerate(layers):
            x = x @ torch.from_numpy(w).T + torch.from_numpy(b)
            x = x.softmax(dim=1) if k == len(layers) - 1 else x.tanh()
        return x

    return compose(*maps), theirs


@FORWARD_MODE
@settings(max_examples=40)
@given(
    sizes=st.lists(st.integers(1, 5), min_size=2, max_size=4).map(tuple), n=st.integers(1, 4), seed=st.integers(0, 20)
)
def test_products_match_torch_func(sizes: tuple[int, ...], n: int, seed: int) -> None:
    ours, theirs = random_network(sizes, seed)
    rng = np.random.default_rng(seed)
    x, v, g = rng.normal(size=(n, sizes[0])), rng.normal(size=(n, sizes[0])), rng.normal(size=(n, sizes[-1]))
    at = ours(x)
    value, moved = torch.func.jvp(theirs, (torch.from_numpy(x),), (torch.from_numpy(v),))
    np.testing.assert_allclose(at.value, value.numpy(), rtol=1e-10)
    np.testing.assert_allclose(at.jvp(v), moved.numpy(), rtol=1e-8, atol=1e-12)
    pulled = torch.func.vjp(theirs, torch.from_numpy(x))[1](torch.from_numpy(g))[0]
    np.testing.assert_allclose(at.vjp(g), pulled.numpy(), rtol=1e-8, atol=1e-12)
    # La prueba del producto escalar, y la jacobiana por filas y por columnas.
    np.testing.assert_allclose((g * at.jvp(v)).sum(), (at.vjp(g) * v).sum(), rtol=1e-9, atol=1e-12)
    rows, columns = dense(at.vjp, at.value.shape), dense(at.jvp, x.shape)
    np.testing.assert_allclose(rows, columns.transpose(2, 3, 0, 1), rtol=1e-9, atol=1e-13)
    np.testing.assert_allclose(rows, torch.func.jacrev(theirs)(torch.from_numpy(x)).numpy(), rtol=1e-8, atol=1e-12)
    np.testing.assert_allclose(rows, numerical_jacobian(lambda x: ours(x).value, x), atol=1e-7)


def test_linear_maps_reject_what_does_not_fit() -> None:
    with pytest.raises(ValueError, match=r"w \(m, d\) y b \(m,\); tienen formas \(2, 3\) y \(3,\)"):
        affine(np.ones((2, 3)), np.ones(3))
    with pytest.raises(ValueError, match=r"x debe tener forma \(n, 3\); tiene \(4, 2\)"):
        affine(np.ones((2, 3)), np.ones(2))(np.ones((4, 2)))
    with pytest.raises(ValueError, match="maps debe tener al menos una función"):
        compose()


# --- Expresiones con matrices ---------------------------------------------------------------------------------------

RNG = np.random.default_rng(3)
SQUARE, WIDE, VECTOR = RNG.normal(size=(4, 4)), RNG.normal(size=(4, 3)), RNG.normal(size=4)


@pytest.mark.parametrize(
    ("ours", "theirs", "x"),
    [
        (
            partial(squared_error, x=WIDE, y=VECTOR),
            lambda w: ((torch.from_numpy(WIDE) @ w - torch.from_numpy(VECTOR)) ** 2).sum(),
            RNG.normal(size=3),
        ),
        (partial(quadratic_form, a=SQUARE), lambda x: x @ torch.from_numpy(SQUARE) @ x, VECTOR),
        (
            partial(trace_product, a=WIDE.T.copy()),
            lambda x: (torch.from_numpy(WIDE).T @ x).trace(),
            RNG.normal(size=(4, 3)),
        ),
        (log_det, lambda x: torch.linalg.slogdet(x)[1], SQUARE),
    ],
)
def test_expressions_match_pytorch_and_differences(ours: Callable, theirs: Callable, x: np.ndarray) -> None:
    value, gradient = ours(x)
    expected, slope = torch.func.grad_and_value(theirs)(torch.from_numpy(x))[::-1]
    np.testing.assert_allclose(value, float(expected), rtol=1e-12)
    np.testing.assert_allclose(gradient, slope.numpy(), rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(gradient, numerical_jacobian(lambda x: ours(x)[0], x), rtol=1e-7, atol=1e-7)


def test_log_det_of_a_singular_matrix() -> None:
    with pytest.raises(ValueError, match="x debe ser invertible"):
        log_det(np.ones((2, 2)))


# --- Segundas derivadas ---------------------------------------------------------------------------------------------


def problem(n: int = 12, d: int = 4, k: int = 3, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return augment(rng.normal(size=(n, d))), rng.integers(0, k, n), rng.normal(size=(k, d + 1))


@FORWARD_MODE
@settings(max_examples=30)
@given(seed=st.integers(0, 30), l2=st.sampled_from([0.0, 0.1]))
def test_hvp_is_the_derivative_of_the_gradient(seed: int, l2: float) -> None:
    x, y, w = problem(seed=seed)
    v = np.random.default_rng(seed).normal(size=w.shape)
    got = softmax_hvp(w, x, v, l2=l2)

    def slope(t: np.ndarray) -> np.ndarray:
        return softmax_loss(w + t * v, x, y, l2=l2)[1]

    np.testing.assert_allclose(got, numerical_jacobian(slope, np.array(0.0)), atol=1e-8)

    def loss(w: torch.Tensor) -> torch.Tensor:
        scores = torch.from_numpy(x) @ w.T
        penalty = l2 / 2 * (w[:, 1:] ** 2).sum()
        return torch.nn.functional.cross_entropy(scores, torch.from_numpy(y)) + penalty

    expected = torch.func.jvp(torch.func.grad(loss), (torch.from_numpy(w),), (torch.from_numpy(v),))[1]
    np.testing.assert_allclose(got, expected.numpy(), rtol=1e-8, atol=1e-12)


def test_hvp_asks_for_the_shape_of_the_weights() -> None:
    x, _, w = problem()
    with pytest.raises(ValueError, match=r"v debe tener la forma de w, \(3, 5\); tiene \(5, 3\)"):
        softmax_hvp(w, x, w.T)


@settings(max_examples=30)
@given(n=st.integers(1, 8), seed=st.integers(0, 30))
def test_conjugate_gradient_solves_in_as_many_steps_as_unknowns(n: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    root = rng.normal(size=(n, n))
    matrix, b = root @ root.T + np.eye(n), rng.normal(size=n)
    got = conjugate_gradient(lambda v: matrix @ v, b, steps=n)
    np.testing.assert_allclose(got, np.linalg.solve(matrix, b), rtol=1e-5, atol=1e-7)


def test_conjugate_gradient_of_nothing_is_nothing() -> None:
    calls = []
    np.testing.assert_array_equal(conjugate_gradient(calls.append, np.zeros((2, 2)), steps=5), np.zeros((2, 2)))
    assert not calls


def test_newton_reaches_the_minimum() -> None:
    data = split_mnist()
    x, y = augment(data.x_val.flatten(1).double().numpy()[:60, ::9]), data.y_val.numpy()[:60]
    loss, hvp = partial(softmax_loss, x=x, y=y, l2=0.01), partial(softmax_hvp, x=x, l2=0.01)
    w = np.zeros((10, x.shape[1]))
    for _ in range(12):
        w = newton_step(loss, lambda w, v: hvp(w, v=v), w, products=40)
    assert np.abs(loss(w)[1]).max() < 1e-6


# --- Ejercicios -----------------------------------------------------------------------------------------------------

INDICES = ["nd,nd->n", "bij,jk->bik", "nd,md->nm", "ni,ij,nj->n", "bii->b", "nm,nd->md"]
SHAPES = {
    "dL_dW": (8, 20),
    "dL_db": (8,),
    "dY_dX": (32, 8, 32, 20),
    "dY_dW": (32, 8, 8, 20),
    "H_b": (8, 8),
    "jvp": (32, 8),
    "vjp": (32, 20),
}


def with_index(k: int, equation: object) -> list[object]:
    return [*INDICES[: k - 1], equation, *INDICES[k:]]


def factors(a: np.ndarray, w: np.ndarray, h: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return -2 * (a - w @ h) @ h.T, -2 * w.T @ (a - w @ h)


def scaled(factor: float) -> Callable:
    return lambda a, w, h: tuple(factor * g for g in factors(a, w, h))


def factors_in_place(a: np.ndarray, w: np.ndarray, h: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    a -= w @ h
    return -2 * a @ h.T, -2 * w.T @ a


def unit(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    length = np.linalg.norm(x, axis=1, keepdims=True)
    return x / length, length


def rows_dot(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return (a * b).sum(axis=1, keepdims=True)


def normalize_vjp(x: np.ndarray, g: np.ndarray) -> np.ndarray:
    y, length = unit(x)
    return (g - y * rows_dot(y, g)) / length


def whole_batch(x: np.ndarray, g: np.ndarray) -> np.ndarray:
    y = x / np.linalg.norm(x)
    return (g - y * (y * g).sum()) / np.linalg.norm(x)


def pi(w: np.ndarray, x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x @ w))


def hvp(w: np.ndarray, x: np.ndarray, v: np.ndarray) -> np.ndarray:
    return x.T @ (pi(w, x) * (1 - pi(w, x)) * (x @ v)) / len(x)


def power(jvp: Callable, vjp: Callable, shape: tuple[int, ...], times: int = 100) -> tuple[float, np.ndarray]:
    v = np.random.default_rng(0).normal(size=shape)
    for _ in range(times):
        v = vjp(jvp(v))
        v = v / np.linalg.norm(v)
    return float(np.linalg.norm(jvp(v))), v


def by_svd(jvp: Callable, vjp: Callable, shape: tuple[int, ...]) -> tuple[float, np.ndarray]:
    columns = [np.ravel(jvp(e)) for e in np.eye(math.prod(shape)).reshape(-1, *shape)]
    _, values, rows = np.linalg.svd(np.stack(columns, axis=1), full_matrices=False)
    return values[0], rows[0].reshape(shape)


RIGHT: dict[str, list[object]] = {
    "indices": [
        INDICES,
        tuple(INDICES),
        ["ab,ab->a", " zxy , yw -> zxw", "ik,jk->ij", "nj,ij,ni->n", "kaa->k", "as,at->st"],
    ],
    "formas": [SHAPES, {key: list(shape) for key, shape in SHAPES.items()}, SHAPES | {"dL_db": 8}],
    "factores": [
        factors,
        lambda a, w, h: [torch.tensor(g, requires_grad=True) for g in factors(a, w, h)],
        lambda a, w, h: (np.einsum("nm,km->nk", 2 * (w @ h - a), h), 2 * w.T @ (w @ h - a)),
    ],
    "normalizar": [
        normalize_vjp,
        lambda x, g: normalize_vjp(x, g).tolist(),
        lambda x, g: torch.func.vjp(lambda x: torch.nn.functional.normalize(x), torch.from_numpy(x))[1](
            torch.from_numpy(g)
        )[0],
    ],
    "hessiana": [hvp, lambda w, x, v: torch.from_numpy(hvp(w, x, v))],
    "direccion": [power, lambda *args: [power(*args)[0], -power(*args, times=40)[1]]],
}

WRONG: dict[str, list[tuple[object, str]]] = {
    "indices": [
        (with_index(1, "nd,nd->"), "Ecuación 1, norma de cada fila: sumaste también las filas"),
        (with_index(1, "nd,nd->nd"), "falta sumar las columnas"),
        (with_index(1, "nd,nd->d"), "por columnas"),
        (with_index(1, "nd,md->nm"), "todas las filas con todas"),
        (with_index(1, "nd,nd"), "escribe la flecha"),
        (with_index(1, "nd->n"), "hay 2 operandos y tu ecuación tiene 1"),
        (with_index(2, "bij,jk->ik"), "el lote se sumó"),
        (with_index(2, "bij,jk->bki"), "traspuesta"),
        (with_index(2, "bij,jk->bijk"), "falta sumar el índice"),
        (with_index(2, "bij,kj->bik"), "np.einsum no la acepta"),
        (with_index(3, "nd,md->mn"), "está traspuesta"),
        (with_index(3, "nd,md->nmd"), "falta sumar"),
        (with_index(3, "nd,md->n"), "sumaste las filas de y"),
        (with_index(3, "nd,mk->nm"), "no es lo pedido"),
        (with_index(4, "ni,ij,mj->nm"), "cruzas todos los ejemplos"),
        (with_index(4, "ni,ij,nj->"), "sumaste los ejemplos"),
        (with_index(4, "ni,ii,ni->n"), "solo su diagonal"),
        (with_index(4, "ni,ij,ni->n"), "la otra letra de A"),
        (with_index(5, "bii->bi"), "falta sumarlas"),
        (with_index(5, "bii->"), "también el lote"),
        (with_index(5, "bij->b"), "sumas toda la matriz"),
        (with_index(6, "nm,nd->dm"), "mide lo mismo que W"),
        (with_index(6, "nm,nd->nmd"), "falta sumar los ejemplos"),
        (with_index(6, "nm,kd->md"), "la misma letra en los dos términos"),
        (with_index(6, 3), "se esperaba un texto"),
        (INDICES[:5], "una lista de 6 ecuaciones"),
    ],
    "formas": [
        (SHAPES | {"dL_dW": (20, 8)}, "dL_dW: está traspuesta"),
        (SHAPES | {"dL_dW": (32, 8, 20)}, "no tiene eje de ejemplos"),
        (SHAPES | {"dL_db": (32, 8)}, "un número por unidad"),
        (SHAPES | {"dL_db": ()}, "hay un sesgo por unidad"),
        (SHAPES | {"dY_dX": (8, 20)}, "la de un solo ejemplo"),
        (SHAPES | {"dY_dX": (32, 8, 20)}, "son cero, pero están"),
        (SHAPES | {"dY_dX": (32, 20, 32, 8)}, "primero la forma de la salida"),
        (SHAPES | {"dY_dX": (256, 640)}, "desenrollas"),
        (SHAPES | {"dY_dW": (8, 20)}, "también pone sus ejes"),
        (SHAPES | {"dY_dW": (8, 20, 32, 8)}, "primero la forma de la salida"),
        (SHAPES | {"dY_dW": (256, 160)}, "desenrollas"),
        (SHAPES | {"H_b": (8,)}, "ese es el gradiente"),
        (SHAPES | {"H_b": (32, 8, 8)}, "los ejemplos no tienen eje"),
        (SHAPES | {"jvp": (32, 20)}, "un cambio de la salida"),
        (SHAPES | {"jvp": (32, 8, 32, 20)}, "esa es la jacobiana"),
        (SHAPES | {"vjp": (32, 8)}, "mide lo mismo que X"),
        (SHAPES | {"vjp": (32, 8, 32, 20)}, "esa es la jacobiana"),
        (SHAPES | {"vjp": (2, 2)}, "vjp: (2, 2) no"),
        (SHAPES | {"vjp": "32 x 20"}, "se esperaba una forma"),
        ({"dL_dW": (8, 20)}, "Falta la clave «dL_db»"),
        ([(8, 20)], "un diccionario"),
    ],
    "factores": [
        (scaled(-1), "el signo está al revés"),
        (scaled(0.5), "falta el 2 del cuadrado"),
        (scaled(-0.5), "faltan el 2 del cuadrado y el signo"),
        (lambda a, w, h: factors(a, w, h)[::-1], "Están intercambiados"),
        (lambda a, w, h: tuple(g.T for g in factors(a, w, h)), "`dw`: está traspuesto"),
        (lambda a, w, h: tuple(g / a.size for g in factors(a, w, h)), "se pide la suma"),
        (lambda a, w, h: (factors(a, w, h)[0], factors(a, w, h)[1].T), "`dh`: está traspuesto"),
        (lambda a, w, h: (factors(a, w, h)[0], -2 * w.T @ a), "`dh`: la forma es correcta"),
        (lambda a, w, h: (-2 * (a - w @ h), factors(a, w, h)[1]), "`dw`: debe tener forma (5, 2)"),
        (
            lambda a, w, h: (
                -2 * (a - w @ h).T @ h.T if a.shape[0] == a.shape[1] else factors(a, w, h)[0],
                factors(a, w, h)[1],
            ),
            "R no va traspuesta",
        ),
        (factors_in_place, "Modificaste los arreglos"),
        (lambda a, w, h: factors(a, w, h)[0], "Se esperaban dos arreglos"),
    ],
    "normalizar": [
        (lambda x, g: g / unit(x)[1], "Tratas la norma como una constante"),
        (lambda x, g: g - unit(x)[0] * rows_dot(unit(x)[0], g), "Falta dividir"),
        (lambda x, g: unit(x)[0] * rows_dot(unit(x)[0], g) / unit(x)[1], "lo que hay que quitar"),
        (lambda x, g: (g + unit(x)[0] * rows_dot(unit(x)[0], g)) / unit(x)[1], "el signo contrario"),
        (lambda x, g: (g - x * rows_dot(x, g)) / unit(x)[1], "va y, no x"),
        (lambda x, g: normalize_vjp(x, g) / unit(x)[1], "Divides dos veces"),
        (lambda x, g: (g - unit(x)[0] * (unit(x)[0] * g).sum()) / unit(x)[1], "Mezclas las filas"),
        (lambda x, g: (g - unit(x)[0] ** 2 * g) / unit(x)[1], "falta la suma por filas"),
        (whole_batch, "Normalizas todo el lote"),
        (lambda x, g: unit(x)[0], "Eso es la función"),
        (lambda x, g: x + g, "el gradiente no es correcto"),
        (lambda x, g: g.sum(axis=1), "tuviera forma"),
    ],
    "hessiana": [
        (lambda w, x, v: len(x) * hvp(w, x, v), "Falta dividir entre n"),
        (lambda w, x, v: x.T @ (x @ v) / len(x), "Falta la derivada de la sigmoide"),
        (lambda w, x, v: x.T @ (pi(w, x) * (x @ v)) / len(x), "no π"),
        (lambda w, x, v: x.T @ ((x @ v) * (1 - x @ v)) / len(x), "se calcula con w"),
        (lambda w, x, v: x.T @ pi(w, x) / len(x), "no usa v"),
        (lambda w, x, v: x.T @ (pi(w, x) * (1 - pi(w, x))) / len(x), "Falta multiplicar por `x @ v`"),
        (lambda w, x, v: -hvp(w, x, v), "la pérdida es convexa"),
        (lambda w, x, v: v, "el producto no es correcto"),
        (lambda w, x, v: x @ v, "tuviera forma (3,)"),
    ],
    "direccion": [
        (by_svd, "ya se usó 150 veces"),
        (lambda *args: power(*args, times=2), "no es la dirección de mayor ganancia"),
        (lambda *args: (power(*args)[0] ** 2, power(*args, times=40)[1]), "es el cuadrado"),
        (lambda *args: (1.0, power(*args)[1]), "`v` es correcta y `sigma` no"),
        (lambda *args: (power(*args)[0], 2 * power(*args, times=40)[1]), "debe tener norma 1"),
        (lambda *args: power(*args)[0], "Se esperaban dos cosas"),
        (lambda jvp, vjp, shape: power(vjp, jvp, shape), "espera un vector de forma"),
    ],
}

(
    test_right_answers_pass,
    test_each_mistake_gets_its_message,
    test_every_exercise_has_right_and_wrong_answers,
) = exercise_tests(comprobar, RIGHT, WRONG)
