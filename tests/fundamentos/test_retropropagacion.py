"""La retropropagación a mano contra PyTorch, el motor y diferencias finitas; su coste y sus ejercicios."""

from collections.abc import Callable
from functools import partial
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from respuestas import exercise_tests
from torch import nn
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from profundo.comun.datos import split_mnist
from profundo.ejercicios.fundamentos.retropropagacion import comprobar
from profundo.fundamentos import grafos_de_computo as engine
from profundo.fundamentos.retropropagacion import (
    ACTIVATIONS,
    MLP,
    Activation,
    Gradients,
    count_products,
    cross_entropy,
    example_gradients,
    gradient_errors,
    loss_and_gradients,
    train,
)

sizes_strategy = st.lists(st.integers(1, 7), min_size=2, max_size=5).map(tuple)
names = st.sampled_from(sorted(ACTIVATIONS))


def make(sizes: tuple[int, ...], activation: str | Activation = "tanh", seed: int = 0, n: int = 5) -> tuple:
    """Una red float64 con sesgos que no son cero, y un lote al azar."""
    net, rng = MLP(sizes, activation=activation, seed=seed, dtype=np.float64), np.random.default_rng(seed)
    for b in net.biases:
        b += rng.normal(size=b.shape)
    return net, rng.normal(size=(n, sizes[0])), rng.integers(0, sizes[-1], n)


def torch_copy(net: MLP, activation: str) -> nn.Sequential:
    """La misma red en PyTorch, capa por capa."""
    kinds = {"relu": nn.ReLU, "tanh": nn.Tanh, "sigmoid": nn.Sigmoid}
    layers: list[nn.Module] = []
    for w, b in zip(net.weights, net.biases, strict=True):
        layer = nn.Linear(w.shape[1], w.shape[0], dtype=torch.from_numpy(w).dtype)
        with torch.no_grad():
            layer.weight.copy_(torch.from_numpy(w))
            layer.bias.copy_(torch.from_numpy(b))
        layers += [layer, kinds[activation]()]
    return nn.Sequential(*layers[:-1])


# --- Contra otras implementaciones ----------------------------------------------------------------------------------


@settings(max_examples=40)
@given(sizes=sizes_strategy, activation=names, n=st.integers(1, 6), seed=st.integers(0, 50))
def test_values_and_gradients_match_pytorch(sizes: tuple[int, ...], activation: str, n: int, seed: int) -> None:
    net, x, y = make(sizes, activation, seed, n)
    loss, gradients = loss_and_gradients(net, x, y)
    theirs = torch_copy(net, activation)
    expected = F.cross_entropy(theirs(torch.from_numpy(x)), torch.from_numpy(y))
    expected.backward()
    torch.testing.assert_close(loss, expected.item())
    for g, p in zip(gradients, theirs.parameters(), strict=True):
        torch.testing.assert_close(torch.from_numpy(g), p.grad, rtol=1e-9, atol=1e-12)


@settings(max_examples=30)
@given(sizes=sizes_strategy, activation=st.sampled_from(["relu", "tanh"]), n=st.integers(1, 6), seed=st.integers(0, 50))
def test_values_and_gradients_match_the_engine(sizes: tuple[int, ...], activation: str, n: int, seed: int) -> None:
    net, x, y = make(sizes, activation, seed, n)
    loss, gradients = loss_and_gradients(net, x, y)
    parameters = [engine.Tensor(p, requires_grad=True) for p in net.parameters]
    h = engine.Tensor(x)
    for k in range(0, len(parameters), 2):
        h = h @ parameters[k].T + parameters[k + 1]
        h = getattr(h, activation)() if k + 2 < len(parameters) else h
    expected = engine.cross_entropy(h, y)
    expected.backward()
    np.testing.assert_allclose(loss, expected.item())
    for g, p in zip(gradients, parameters, strict=True):
        np.testing.assert_allclose(g, p.grad, rtol=1e-9, atol=1e-12)


@settings(max_examples=40)
@given(sizes=sizes_strategy, activation=names, n=st.integers(1, 6), seed=st.integers(0, 50))
def test_the_batch_is_the_mean_of_its_examples(sizes: tuple[int, ...], activation: str, n: int, seed: int) -> None:
    net, x, y = make(sizes, activation, seed, n)
    every = [example_gradients(net, *pair) for pair in zip(x, y.tolist(), strict=True)]
    for g, examples in zip(loss_and_gradients(net, x, y)[1], zip(*every, strict=True), strict=True):
        np.testing.assert_allclose(g, np.mean(examples, axis=0), rtol=1e-9, atol=1e-12)


@settings(max_examples=15)
@given(sizes=sizes_strategy, activation=st.sampled_from(["tanh", "sigmoid"]), seed=st.integers(0, 50))
def test_gradients_match_finite_differences_one_by_one(sizes: tuple[int, ...], activation: str, seed: int) -> None:
    net, x, y = make(sizes, activation, seed)
    for p, g in zip(net.parameters, loss_and_gradients(net, x, y)[1], strict=True):

        def loss(values: np.ndarray, p: np.ndarray = p) -> float:
            start = p.copy()
            p[...] = values
            value = loss_and_gradients(net, x, y)[0]
            p[...] = start
            return value

        np.testing.assert_allclose(g, engine.numerical_gradient(loss, p.copy()), atol=1e-7)


def test_deltas_are_the_gradients_of_what_enters_each_layer() -> None:
    net, x, y = make((4, 6, 5, 3), "sigmoid")
    theirs, h, entering = torch_copy(net, "sigmoid"), torch.from_numpy(x), []
    for layer in theirs:
        h = layer(h)
        if isinstance(layer, nn.Linear):
            h.retain_grad()
            entering.append(h)
    F.cross_entropy(h, torch.from_numpy(y)).backward()
    outputs = net.forward(x)
    deltas = net.deltas(outputs, cross_entropy(outputs[-1], y)[1])
    assert len(deltas) == 3
    for d, z in zip(deltas, entering, strict=True):
        torch.testing.assert_close(torch.from_numpy(d), z.grad)


def test_training_takes_the_steps_of_pytorch() -> None:
    net, x, y = make((6, 5, 4, 3), "tanh", n=23)
    theirs = torch_copy(net, "tanh")
    optimizer = torch.optim.SGD(theirs.parameters(), lr=0.3)
    losses = train(net, x, y, epochs=3, lr=0.3, batch_size=5, seed=7)
    rng, expected = np.random.default_rng(7), []
    for _ in range(3):
        for rows in torch.from_numpy(rng.permutation(23)).split(5):
            optimizer.zero_grad()
            loss = F.cross_entropy(theirs(torch.from_numpy(x)[rows]), torch.from_numpy(y)[rows])
            loss.backward()
            optimizer.step()
            expected.append(loss.item())
    np.testing.assert_allclose(losses, expected)
    for p, q in zip(net.parameters, theirs.parameters(), strict=True):
        torch.testing.assert_close(torch.from_numpy(p), q.detach())


def test_it_reads_digits() -> None:
    data = split_mnist()
    net = MLP((784, 32, 10))
    losses = train(net, data.x_train.flatten(1).numpy(), data.y_train.numpy(), epochs=2, lr=0.2)
    assert losses.shape == (2 * 70,)
    assert losses[-20:].mean() < 0.5 < losses[0]
    assert (net.predict(data.x_test.flatten(1).numpy()) == data.y_test.numpy()).mean() > 0.85
    assert all(p.dtype == np.float32 for p in net.parameters)


# --- Las piezas -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(ACTIVATIONS))
def test_slopes_are_derivatives_written_with_the_output(name: str) -> None:
    f, z = ACTIVATIONS[name], np.array([-3.0, -0.7, -1e-3, 1e-3, 0.4, 2.0])
    numeric = (f.function(z + 1e-6) - f.function(z - 1e-6)) / 2e-6
    np.testing.assert_allclose(f.slope(f.function(z)), numeric, atol=1e-9)


@pytest.mark.parametrize("name", sorted(ACTIVATIONS))
def test_float32_stays_float32(name: str) -> None:
    net = MLP((4, 3, 2), activation=name)
    outputs = net.forward(np.ones((5, 4), np.float32))
    _, delta = cross_entropy(outputs[-1], np.zeros(5, int))
    arrays = [*outputs, *net.deltas(outputs, delta), *net.backward(outputs, delta)]
    assert {a.dtype for a in arrays} == {np.dtype(np.float32)}
    assert [a.shape for a in outputs] == [(5, 4), (5, 3), (5, 2)]


@settings(max_examples=50)
@given(n=st.integers(1, 5), k=st.integers(1, 5), scale=st.sampled_from([1.0, 50.0, 1e4]), seed=st.integers(0, 50))
def test_cross_entropy_matches_pytorch_and_does_not_overflow(n: int, k: int, scale: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    logits, y = scale * rng.normal(size=(n, k)), rng.integers(0, k, n)
    tensor = torch.tensor(logits, requires_grad=True)
    expected = F.cross_entropy(tensor, torch.from_numpy(y))
    expected.backward()
    value, delta = cross_entropy(logits, y)
    torch.testing.assert_close(value, expected.item())
    torch.testing.assert_close(torch.from_numpy(delta), tensor.grad)
    np.testing.assert_allclose(delta.sum(axis=1), 0, atol=1e-12)


def test_forward_and_backward_change_nothing() -> None:
    net, x, y = make((4, 5, 3))
    outputs = net.forward(x)
    _, delta = cross_entropy(outputs[-1], y)
    arrays = [x, *outputs, delta, *net.parameters]
    before = [a.copy() for a in arrays]
    net.backward(outputs, delta)
    loss_and_gradients(net, x, y)
    gradient_errors(net, x, y)
    for a, b in zip(arrays, before, strict=True):
        np.testing.assert_array_equal(a, b)


def test_same_seed_same_network_and_the_promised_scale() -> None:
    for a, b in zip(MLP((9, 4, 2), seed=3).parameters, MLP((9, 4, 2), seed=3).parameters, strict=True):
        np.testing.assert_array_equal(a, b)
    for name, gain in (("relu", 2**0.5), ("tanh", 1.0)):
        wide = MLP((400, 300, 2), activation=name)
        np.testing.assert_allclose(wide.weights[0].std(), gain / 20, rtol=0.02)
        assert not any(b.any() for b in wide.biases)


# --- La prueba del gradiente encuentra lo que busca -----------------------------------------------------------------


class Fault(MLP):
    """Una falta en una ecuación."""

    where = ""

    def deltas(self, outputs: list[np.ndarray], delta: np.ndarray) -> list[np.ndarray]:
        if self.where == "traspuesta":
            deltas = [delta]
            for w, a in zip(self.weights[:0:-1], outputs[-2:0:-1], strict=True):
                deltas.append((deltas[-1] @ w.T) * self.activation.slope(a))
            return deltas[::-1]
        return super().deltas(outputs, delta)

    def backward(self, outputs: list[np.ndarray], delta: np.ndarray) -> Gradients:
        gradients = super().backward(outputs, delta * (len(delta) if self.where == "salida" else 1))
        if self.where == "sesgos":
            gradients[1::2] = [np.full_like(g, g.sum()) for g in gradients[1::2]]
        if self.where == "un peso":
            gradients[2][0, 0] += 0.01
        return gradients


@pytest.mark.parametrize(
    ("where", "failing"),
    [
        ("", set()),
        ("salida", {0, 1, 2, 3, 4, 5}),
        ("traspuesta", {0, 1, 2, 3}),
        ("sesgos", {1, 3, 5}),
        ("un peso", {2}),
    ],
)
def test_faults_leave_their_signature(where: str, failing: set[int]) -> None:
    net = Fault((5, 5, 5, 5), activation="tanh", dtype=np.float64)
    net.where = where
    rng = np.random.default_rng(0)
    errors = gradient_errors(net, rng.normal(size=(8, 5)), rng.integers(0, 5, 8))
    assert set(np.flatnonzero(errors > 1e-6).tolist()) == failing


@settings(max_examples=15)
@given(sizes=sizes_strategy, activation=st.sampled_from(["tanh", "sigmoid"]), seed=st.integers(0, 50))
def test_right_gradients_pass_the_check(sizes: tuple[int, ...], activation: str, seed: int) -> None:
    net, x, y = make(sizes, activation, seed)
    norms = np.array([np.linalg.norm(g) for g in loss_and_gradients(net, x, y)[1]])
    errors = gradient_errors(net, x, y)
    assert (errors * np.maximum(norms, 1e-12) < 1e-7).all()


# --- El coste -------------------------------------------------------------------------------------------------------


class Counting(np.ndarray):
    """Un arreglo que cuenta las multiplicaciones de los productos de matrices en que interviene."""

    total = 0

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: np.ndarray, **kwargs: object) -> object:
        plain = [np.asarray(i) for i in inputs]
        if ufunc is np.matmul:
            Counting.total += plain[0].shape[0] * plain[0].shape[1] * plain[1].shape[1]
        result = getattr(ufunc, method)(*plain, **kwargs)
        return result.view(Counting) if isinstance(result, np.ndarray) else result


@settings(max_examples=30)
@given(sizes=sizes_strategy, n=st.integers(1, 6))
def test_cost_is_what_our_code_and_pytorch_multiply(sizes: tuple[int, ...], n: int) -> None:
    cost = count_products(sizes, n)
    net, x, y = make(sizes, n=n)
    net.weights = [w.view(Counting) for w in net.weights]
    Counting.total = 0
    outputs = net.forward(x.view(Counting))
    assert Counting.total == cost.forward
    _, delta = cross_entropy(np.asarray(outputs[-1]), y)
    net.backward(outputs, delta.view(Counting))
    assert Counting.total == sum(cost)

    theirs = torch_copy(MLP(sizes, activation="tanh"), "tanh")
    with FlopCounterMode(display=False) as forward:
        output = theirs(torch.zeros(n, sizes[0]))
    with FlopCounterMode(display=False) as backward:
        output.sum().backward()
    assert (forward.get_total_flops(), backward.get_total_flops()) == (
        2 * cost.forward,
        2 * (cost.deltas + cost.gradients),
    )


@pytest.mark.parametrize("depth", [1, 2, 5, 50])
def test_backward_costs_two_minus_one_over_depth_forwards(depth: int) -> None:
    assert count_products((8,) * (depth + 1)).ratio == pytest.approx(2 - 1 / depth)


# --- Entradas malas -------------------------------------------------------------------------------------------------

NET, X, Y = make((4, 3, 2))


@pytest.mark.parametrize(
    ("action", "message"),
    [
        (lambda: MLP((4,)), r"sizes debe tener al menos dos tamaños positivos; se recibió \(4,\)"),
        (lambda: MLP((4, 0, 2)), r"se recibió \(4, 0, 2\)"),
        (lambda: MLP((4, 2), activation="gelu"), r"activation debe ser una de relu, tanh, sigmoid; se recibió 'gelu'"),
        (lambda: NET.forward(X[0]), r"x debe tener forma \(n, 4\); tiene \(4,\)"),
        (lambda: NET.forward(X[:, :3]), r"tiene \(5, 3\)"),
        (lambda: cross_entropy(X, Y[:2]), r"logits \(n, k\) y target \(n,\); tienen formas \(5, 4\) y \(2,\)"),
        (lambda: cross_entropy(X[:0], Y[:0]), r"tienen formas \(0, 4\) y \(0,\)"),
        (lambda: cross_entropy(X, Y + 4), r"target debe contener clases enteras entre 0 y 3"),
        (lambda: cross_entropy(X, Y - 1), r"clases enteras"),
        (lambda: cross_entropy(X, Y + 0.5), r"clases enteras"),
        (lambda: train(NET, X, Y, epochs=0), r"deben ser positivos; llegaron 0, 0\.1 y 50"),
        (lambda: train(NET, X, Y, epochs=1, lr=0), r"llegaron 1, 0 y 50"),
        (lambda: train(NET, X, Y, epochs=1, batch_size=0), r"llegaron 1, 0\.1 y 0"),
        (lambda: gradient_errors(MLP((4, 2)), X, Y), r"float64: usa dtype=np\.float64"),
        (lambda: count_products((4,)), r"llegaron \(4,\) y 1"),
        (lambda: count_products((4, 3), 0), r"llegaron \(4, 3\) y 0"),
    ],
)
def test_bad_input_is_explained(action: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        action()


# --- Ejercicios -----------------------------------------------------------------------------------------------------

SHAPES = {"W2": (5, 8), "A1": (32, 8), "Delta2": (32, 5), "dW1": (8, 20), "db3": (3,)}
HAND = {"delta2": -3, "dW2": [0, -9], "delta1": [0, 3], "dW1": [[0, 0], [3, 6]]}


def layer(delta: np.ndarray, a: np.ndarray, w: np.ndarray) -> tuple:
    return delta.T @ a, delta.sum(axis=0), delta @ w


def layer_with(
    dw: Callable = lambda d, a, w: d.T @ a,
    db: Callable = lambda d, a, w: d.sum(axis=0),
    da: Callable = lambda d, a, w: d @ w,
) -> Callable:
    return lambda d, a, w: (dw(d, a, w), db(d, a, w), da(d, a, w))


def scribbles(delta: np.ndarray, a: np.ndarray, w: np.ndarray) -> tuple:
    result = layer(delta, a, w)
    delta *= 2
    return result


def chain(sizes: tuple[int, ...], *, first: bool = False, vector: bool = True) -> tuple[int, int]:
    right = sum(a * b for a, b in pairwise(sizes[0 if first else 1 :]))
    left = sum(sizes[1] * a * b for a, b in pairwise(sizes[2:]))
    return right, left + sizes[1] * sizes[-1] * vector


def random_return(
    net: MLP,
    feedback: list[np.ndarray],
    outputs: list[np.ndarray],
    delta: np.ndarray,
    *,
    mask: bool = True,
    shift: bool = False,
    own: bool = False,
    mean: bool = False,
) -> Gradients:
    gradients: Gradients = []
    for k in reversed(range(len(net.weights))):
        db = delta.mean(axis=0) if mean else delta.sum(axis=0)
        gradients = [delta.T @ outputs[k], db, *gradients]
        if k:
            back = -feedback[k] if shift else net.weights[k] if own else feedback[k]
            delta = (delta @ back) * (net.activation.slope(outputs[k]) if mask else 1)
    return gradients


def spoils(net: MLP, feedback: list, outputs: list, delta: np.ndarray) -> Gradients:
    gradients = random_return(net, feedback, outputs, delta)
    for p, g in zip(net.parameters, gradients, strict=True):
        p -= 0.1 * g
    return gradients


def softplus(z: np.ndarray) -> np.ndarray:
    return np.logaddexp(0, z)


def naive_softplus(z: np.ndarray) -> np.ndarray:
    with np.errstate(over="ignore"):
        return np.log(1 + np.exp(z))


RIGHT: dict[str, list[object]] = {
    "formas": [SHAPES, {k: list(v) for k, v in SHAPES.items()}, SHAPES | {"db3": 3}],
    "mano": [HAND, HAND | {"delta2": [-3], "dW2": [[0, -9]], "delta1": np.array([0, 3])}],
    "capa": [
        layer,
        lambda d, a, w: [np.einsum("no,ni->oi", d, a), d.T @ np.ones(len(d)), np.einsum("no,oi->ni", d, w)],
    ],
    "softplus": [
        Activation(softplus, lambda a: -np.expm1(-a)),
        Activation(lambda z: np.maximum(z, 0) + np.log1p(np.exp(-abs(z))), lambda a: -np.expm1(-a)),
    ],
    "orden": [chain, lambda sizes: list(chain(sizes))],
    "alineacion": [random_return],
}

WRONG: dict[str, list[tuple[object, str]]] = {
    "formas": [
        (SHAPES | {"W2": (8, 5)}, "W2: está traspuesta"),
        (SHAPES | {"W2": (8, 20)}, "Recibe 8 números y da 5"),
        (SHAPES | {"A1": (8, 32)}, "A1: está traspuesta"),
        (SHAPES | {"A1": (8,)}, "con un solo ejemplo"),
        (SHAPES | {"Delta2": (32, 8)}, "Una fila por ejemplo"),
        (SHAPES | {"dW1": (32, 8, 20)}, "no tiene un eje para los ejemplos"),
        (SHAPES | {"dW1": (20, 8)}, "dW1: está traspuesto"),
        (SHAPES | {"db3": (1, 3)}, "un vector con un número por unidad"),
        (SHAPES | {"db3": (5,)}, "aquello respecto de lo que se deriva"),
        (SHAPES | {"db3": "3"}, "se esperaba una forma"),
        ({"W2": (5, 8)}, "Falta la clave «A1»"),
    ],
    "mano": [
        (HAND | {"delta2": 3}, "es z − y"),
        (HAND | {"delta2": -2}, "falta restar y"),
        (HAND | {"delta2": 4.5}, "es la pérdida"),
        (HAND | {"dW2": [3, -9]}, "entra a, la salida"),
        (HAND | {"dW2": [0, 9]}, "dW2: el signo"),
        (HAND | {"delta1": [-9, 3]}, "falta multiplicar por la derivada de la ReLU"),
        (HAND | {"delta1": [0, -3]}, "revisa el signo de W2"),
        (HAND | {"dW1": [[0, 3], [0, 6]]}, "hay una fila por unidad"),
        (HAND | {"dW1": [[-9, -18], [3, 6]]}, "su delta es cero"),
        (HAND | {"dW1": [[0, 0], [0, 9]]}, "entra x, y no a"),
        (HAND | {"dW1": [0, 0, 3, 6]}, "tuviera forma (2, 2)"),
        (HAND | {"delta1": [1, 3]}, "Empieza por la ida"),
    ],
    "capa": [
        (layer_with(dw=lambda d, a, w: a.T @ d), "`dw`: está traspuesta"),
        (layer_with(dw=lambda d, a, w: d.T @ a / len(d)), "`dw`: el 1/n"),
        (layer_with(dw=lambda d, a, w: np.outer(d[0], a[0])), "solo cuentas el primer ejemplo"),
        (layer_with(dw=lambda d, a, w: w), "suma de productos exteriores"),
        (layer_with(db=lambda d, a, w: d.sum()), "`db`: es un solo número"),
        (layer_with(db=lambda d, a, w: d), "`db`: falta sumar"),
        (layer_with(db=lambda d, a, w: d.mean(axis=0)), "suma en lugar de promediar"),
        (layer_with(db=lambda d, a, w: d.sum(axis=1)), "`db`: debe tener forma (3,)"),
        (
            lambda d, a, w: (d.T @ a, d.sum(axis=0), d @ (w.T if w.shape[0] == w.shape[1] else w)),
            "usas la traspuesta",
        ),
        (layer_with(da=lambda d, a, w: d), "`da`: debe medir lo que a"),
        (layer_with(da=lambda d, a, w: a), "`da`: la forma es correcta"),
        (layer_with(da=lambda d, a, w: d @ w.T), "lanzó ValueError"),
        (lambda d, a, w: d.T @ a, "tres arreglos"),
        (scribbles, "Modificaste"),
    ],
    "softplus": [
        (softplus, "Se esperaba una activación"),
        (Activation(naive_softplus, lambda a: -np.expm1(-a)), "desborda"),
        (Activation(lambda z: np.maximum(z, 0), lambda a: a > 0), "no es ln(1 + exp(z))"),
        (Activation(softplus, lambda a: 1 / (1 + np.exp(-a))), "es la sigmoide de a"),
        (Activation(softplus, lambda a: np.exp(-a)), "uno menos la derivada"),
        (Activation(softplus, lambda a: a > 0), "no es la derivada"),
        (Activation(softplus, lambda a: 1 - np.exp(-a)), "pierde las cifras"),
    ],
    "orden": [
        (lambda sizes: chain(sizes)[::-1], "Están al revés"),
        (partial(chain, first=True), "W1 no interviene"),
        (partial(chain, vector=False), "falta multiplicar por el vector"),
        (lambda sizes: (chain(sizes)[0],) * 2, "no un vector"),
        (lambda sizes: (1, 2), "Derecha: cada producto"),
        (lambda sizes: (chain(sizes)[0], 1), "Izquierda: producto parcial"),
    ],
    "alineacion": [
        (partial(random_return, own=True), "falta usar feedback"),
        (lambda net, feedback, outputs, delta: net.backward(outputs, delta), "falta usar feedback"),
        (partial(random_return, mask=False), "Falta la derivada de la activación"),
        (partial(random_return, mean=True), "última capa"),
        (partial(random_return, shift=True), "no son los esperados"),
        (lambda net, feedback, outputs, delta: net.backward(outputs, delta)[:2], "una lista de 4 arreglos"),
        (spoils, "Modificaste la red"),
    ],
}


(
    test_right_answers_pass,
    test_each_mistake_gets_its_message,
    test_every_exercise_has_right_and_wrong_answers,
) = exercise_tests(comprobar, RIGHT, WRONG)


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("formas", SHAPES | {"A1": ...}),
        ("mano", HAND | {"dW1": [[..., ...], [..., ...]]}),
        ("mano", HAND | {"dW2": [0, None]}),
    ],
)
def test_what_is_left_blank_is_pending(name: str, answer: object) -> None:
    assert comprobar.check(name, answer).status == "pendiente"
