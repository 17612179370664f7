"""El motor contra PyTorch en grafos al azar y contra diferencias finitas; su memoria, sus errores y sus ejercicios."""

import gc
import inspect
from collections.abc import Callable
from functools import partial

import medir_motor
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from respuestas import exercise_tests
from torch.nn import functional as F

from profundo.comun.datos import split_mnist
from profundo.ejercicios.fundamentos.grafos_de_computo import comprobar
from profundo.fundamentos.grafos_de_computo import (
    Tensor,
    cross_entropy,
    forward_mode,
    gradcheck,
    no_grad,
    numerical_gradient,
    record,
    topological_order,
    unbroadcast,
)

Program = list[tuple[int, int, int]]


def leaf(*shape: int, seed: int = 0) -> Tensor:
    return Tensor(np.random.default_rng(seed).normal(size=shape), requires_grad=True)


# --- Contra PyTorch, en grafos al azar ------------------------------------------------------------------------------

SHAPES = ((3, 4), (4,), (1, 4), (3, 1), (), (4, 2), (2, 3, 4), (2, 1, 1))
UNARY: tuple[Callable, ...] = (
    lambda x: x.tanh(),
    lambda x: x.relu(),
    lambda x: x.tanh().exp(),
    lambda x: (x.tanh() + 2).log(),
    lambda x: -x,
    lambda x: x.tanh() ** 3,
    lambda x: 1 / (x.tanh() - 2),
    lambda x: 0.5 - 2 * x,
    lambda x: x.sum(),
    lambda x: x.mean(dim=-1, keepdim=True) if x.ndim else x,
    lambda x: x.sum(dim=0) if x.ndim else x,
    lambda x: x.mean(dim=(0, 1)) if x.ndim > 1 else x,
    lambda x: x.reshape(-1),
    lambda x: x.T if x.ndim == 2 else x,
    lambda x: x[0] if x.ndim else x,
    lambda x: x[..., -1:] if x.ndim else x,
    lambda x: x[[0, 0]] if x.ndim else x,
)
BINARY: tuple[Callable, ...] = (
    lambda a, b: a + b,
    lambda a, b: a - b,
    lambda a, b: a * b,
    lambda a, b: a / (b.tanh() + 2),
    lambda a, b: a.tanh() @ b.tanh(),
)


def compatible(operation: int, a: Tensor, b: Tensor) -> bool:
    try:
        BINARY[operation](np.ones(a.shape).view(FakeArray), np.ones(b.shape).view(FakeArray))
    except ValueError:
        return False
    return True


class FakeArray(np.ndarray):
    """Un arreglo con el método que usan los programas, para preguntarle a NumPy por las formas."""

    def tanh(self) -> np.ndarray:
        return self


def run(program: Program, leaves: list) -> list:
    """Los nodos del programa; sirve para nuestros tensores y para los de PyTorch."""
    nodes = list(leaves)
    for operation, i, j in program:
        a, b = nodes[i % len(nodes)], nodes[j % len(nodes)]
        kind = operation % (len(UNARY) + len(BINARY))
        if kind < len(UNARY):
            nodes.append(UNARY[kind](a))
        elif compatible(kind - len(UNARY), a, b):
            nodes.append(BINARY[kind - len(UNARY)](a, b))
    return nodes


def total(nodes: list) -> object:
    """Un número que depende de todos los nodos."""
    return sum((node.tanh().sum() * (0.1 + k) for k, node in enumerate(nodes)), start=0.0)


programs = st.lists(st.tuples(*[st.integers(0, 10_000)] * 3), max_size=12)


@settings(max_examples=100)
@given(program=programs, seed=st.integers(0, 100), constants=st.sets(st.integers(0, len(SHAPES) - 2)))
def test_random_graphs_match_torch(program: Program, seed: int, constants: set[int]) -> None:
    rng = np.random.default_rng(seed)
    arrays = [rng.normal(size=shape) for shape in SHAPES]
    asked = [k not in constants for k in range(len(SHAPES))]
    ours = run(program, [Tensor(a, requires_grad=r) for a, r in zip(arrays, asked, strict=True)])
    theirs = run(program, [torch.tensor(a, requires_grad=r) for a, r in zip(arrays, asked, strict=True)])
    value, expected = total(ours), total(theirs)
    for mine, other in zip(ours, theirs, strict=True):
        assert mine.requires_grad == other.requires_grad
        if mine.requires_grad:
            mine.retain_grad()
            other.retain_grad()
    value.backward()
    expected.backward()
    np.testing.assert_allclose(value.item(), expected.item(), rtol=1e-10)
    for mine, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(mine.data, other.detach().numpy(), rtol=1e-10, atol=1e-12)
        assert (mine.grad is None) == (other.grad is None)
        if mine.grad is not None:
            assert mine.grad.shape == mine.shape
            np.testing.assert_allclose(mine.grad, other.grad.numpy(), rtol=1e-8, atol=1e-10)


@settings(max_examples=50)
@given(program=programs, seed=st.integers(0, 100))
def test_float32_stays_float32(program: Program, seed: int) -> None:
    rng = np.random.default_rng(seed)
    nodes = run(program, [Tensor(rng.normal(size=s).astype(np.float32), requires_grad=True) for s in SHAPES])
    value = total(nodes)
    value.backward()
    assert value.dtype == np.float32
    assert {node.dtype for node in topological_order(value) if node.requires_grad} == {np.dtype(np.float32)}
    assert all(node.grad.dtype == np.float32 for node in nodes[: len(SHAPES)])


SHAPE_PAIRS = [
    ((3,), (3,)), ((3,), (3, 4)), ((2, 3), (3,)), ((2, 3), (3, 4)), ((5, 2, 3), (3, 4)), ((5, 2, 3), (5, 3, 4)),
    ((3,), (5, 3, 4)), ((5, 2, 3), (3,)), ((1, 2, 3), (5, 3, 4)), ((2, 3), (5, 3, 4)), ((5, 1, 2, 3), (6, 3, 4)),
]  # fmt: skip


@pytest.mark.parametrize(("left", "right"), SHAPE_PAIRS)
def test_matmul_matches_torch_for_vectors_matrices_and_batches(left: tuple, right: tuple) -> None:
    a, b = leaf(*left), leaf(*right, seed=1)
    ta, tb = (torch.tensor(t.data, requires_grad=True) for t in (a, b))
    ours, theirs = a @ b, ta @ tb
    upstream = np.random.default_rng(2).normal(size=ours.shape)
    ours.backward(upstream)
    theirs.backward(torch.from_numpy(upstream))
    np.testing.assert_allclose(ours.data, theirs.detach().numpy())
    np.testing.assert_allclose(a.grad, ta.grad.numpy())
    np.testing.assert_allclose(b.grad, tb.grad.numpy())


@settings(max_examples=100)
@given(
    n=st.integers(1, 6), k=st.integers(1, 5), scale=st.sampled_from([0.0, 1.0, 50.0, 1e4]), seed=st.integers(0, 1000)
)
def test_cross_entropy_matches_torch_even_with_huge_logits(n: int, k: int, scale: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    logits, target = rng.normal(size=(n, k)) * scale, rng.integers(0, k, n)
    ours, theirs = Tensor(logits, requires_grad=True), torch.tensor(logits, requires_grad=True)
    loss, expected = cross_entropy(ours, target) * 3, F.cross_entropy(theirs, torch.from_numpy(target)) * 3
    loss.backward()
    expected.backward()
    np.testing.assert_allclose(loss.item(), expected.item(), rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(ours.grad, theirs.grad.numpy(), rtol=1e-8, atol=1e-12)


def test_some_steps_of_training_match_torch() -> None:
    data = split_mnist()
    x, y = data.x_val.flatten(1).double().numpy(), data.y_val.numpy()
    # En float64: con float32 basta que una ReLU caiga a otro lado de cero para que se separen.
    weights = [w.astype(np.float64) for w in medir_motor.initial_weights()]
    ours = [Tensor(w.copy(), requires_grad=True) for w in weights]
    theirs = [torch.from_numpy(w).requires_grad_() for w in weights]
    optimizer = torch.optim.SGD(theirs, lr=0.1)
    for rows in np.array_split(np.arange(len(y)), 5):
        cross_entropy((Tensor(x[rows]) @ ours[0] + ours[1]).relu() @ ours[2] + ours[3], y[rows]).backward()
        for p in ours:
            p.data -= 0.1 * p.grad
            p.grad = None
        hidden = (torch.from_numpy(x[rows]) @ theirs[0] + theirs[1]).relu()
        optimizer.zero_grad()
        F.cross_entropy(hidden @ theirs[2] + theirs[3], torch.from_numpy(y[rows])).backward()
        optimizer.step()
    for p, q in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(p.data, q.detach().numpy(), atol=1e-12)


def test_the_three_benchmarked_epochs_are_the_same_computation() -> None:
    x, y = (part[:200] for part in medir_motor.load())
    engine, initial = medir_motor.initial_weights(), medir_motor.initial_weights()
    medir_motor.with_engine(x, y, engine)()  # cambia los pesos que recibe; las otras dos, los de su propia red
    by_hand, with_torch = (make(x, y, initial) for make in (medir_motor.by_hand, medir_motor.with_torch))
    by_hand()
    with_torch()
    hand = [p.T for p in inspect.getclosurevars(by_hand).nonlocals["net"].parameters]
    other = [p.detach().numpy().T for p in inspect.getclosurevars(with_torch).nonlocals["model"].parameters()]
    for ours, written, reference, start in zip(engine, hand, other, initial, strict=True):
        np.testing.assert_allclose(ours, written, atol=1e-5)
        np.testing.assert_allclose(ours, reference, atol=1e-5)
        assert np.abs(ours - start).max() > 1e-3


def test_the_benchmark_measures_three_programs(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    few = rng.random((100, 784), dtype=np.float32), rng.integers(0, 10, 100)
    monkeypatch.setattr(medir_motor, "load", lambda: few)
    seconds = medir_motor.measure(1)
    assert set(seconds) == {"motor", "PyTorch", "NumPy a mano"}
    assert all(values.shape == (1,) and values[0] > 0 for values in seconds.values())


# --- Contra diferencias finitas -------------------------------------------------------------------------------------

CHECKED: dict[str, Callable[..., Tensor]] = {
    "elementales": lambda a, b: (a + b) * (a - b) / (b * b + 1) - 2 / (a * a + 1),
    "funciones": lambda a, b: (a.exp() + 1).log() * b.tanh(),
    "potencias": lambda a, b: a**2 * b**3 + (a * a + 1) ** -0.5 + b**0,
    "producto": lambda a, b: a @ b.T @ a,
    "reducciones": lambda a, b: a / (b * b).sum(dim=1, keepdim=True) + a.mean(dim=0) - b.sum(),
    "formas": lambda a, b: a.reshape(4, 3) @ b + a.T[[0, 0, 2, 3]] @ b[:, :4],
    "compartido": lambda a, b: a * a + a,
    "entropía": lambda a, b: cross_entropy(a + b, np.array([0, 1, 3])),
}


@pytest.mark.parametrize("f", CHECKED.values(), ids=CHECKED)
def test_every_operation_passes_gradcheck(f: Callable[..., Tensor]) -> None:
    assert gradcheck(f, [leaf(3, 4), leaf(3, 4, seed=1)])


def broken(vjp: Callable[[np.ndarray, np.ndarray], np.ndarray], x: Tensor) -> Tensor:
    return record("mala", x.data**2, (x, lambda g: vjp(g, x.data)))


@pytest.mark.parametrize(
    "vjp",
    [
        lambda g, x: 2 * x,
        lambda g, x: g,
        lambda g, x: -2 * g * x,
        lambda g, x: g * x,
        lambda g, x: 2 * g * x.sum(),
        lambda g, x: np.full_like(g, np.nan),
    ],
)
def test_gradcheck_finds_a_wrong_derivative(vjp: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> None:
    assert gradcheck(partial(broken, lambda g, x: 2 * g * x), [leaf(3)])
    with pytest.raises(ValueError, match="respecto de la entrada 0 no coincide"):
        gradcheck(partial(broken, vjp), [leaf(3)])


def test_gradcheck_finds_an_input_that_was_left_out_and_says_which() -> None:
    with pytest.raises(ValueError, match="respecto de la entrada 1 no coincide"):
        gradcheck(lambda a, b: a * Tensor(b.data), [leaf(3), leaf(3, seed=1)])
    assert gradcheck(lambda a, b: a * 2, [leaf(3), leaf(3, seed=1)])  # una entrada que no influye


def test_gradcheck_works_in_float64_and_leaves_its_inputs_alone() -> None:
    x = Tensor(np.array([1.0, 2.0], np.float32), requires_grad=True)
    assert gradcheck(lambda t: t.exp(), [x])
    assert x.grad is None
    assert x.dtype == np.float32


def test_numerical_gradient_of_a_quadratic_is_exact() -> None:
    x = np.random.default_rng(0).normal(size=(2, 3))
    before = x.copy()
    np.testing.assert_allclose(numerical_gradient(lambda v: float((v**2).sum()), x, 0.5), 2 * x)
    np.testing.assert_array_equal(x, before)
    np.testing.assert_allclose(numerical_gradient(lambda v: float(v**2), np.array(3.0)), 6.0)


# --- El recorrido ---------------------------------------------------------------------------------------------------


@settings(max_examples=60)
@given(program=programs)
def test_topological_order_puts_every_node_after_its_users(program: Program) -> None:
    root = total(run(program, [leaf(*shape) for shape in SHAPES]))
    order = topological_order(root)
    position = {node: k for k, node in enumerate(order)}
    assert order[0] is root
    assert len(position) == len(order)
    for node in order:
        for source, _ in node.edges:
            assert position[node] < position[source]


def test_shared_nodes_add_up() -> None:
    x = Tensor(3.0, requires_grad=True)
    (x * x).backward()
    assert x.grad == 6
    y = Tensor(1.0, requires_grad=True)
    z = y
    for _ in range(50):
        z = z + z
    z.backward()
    assert y.grad == 2.0**50


def test_long_chains_do_not_exhaust_the_stack() -> None:
    x = Tensor(1.0, requires_grad=True)
    y = x
    for _ in range(3_000):
        y = y + 1.0
    y.backward()
    assert x.grad == 1


def test_leaves_accumulate_and_other_nodes_keep_nothing_unless_asked() -> None:
    w = leaf(3)
    h = w * 2
    loss = (h * h).sum()
    loss.backward()
    first = w.grad.copy()
    assert h.grad is None
    h.retain_grad()
    loss.backward()
    np.testing.assert_allclose(w.grad, 2 * first)
    np.testing.assert_allclose(h.grad, 2 * h.data)
    loss.backward()
    np.testing.assert_allclose(h.grad, 4 * h.data)  # como en PyTorch


@pytest.mark.parametrize(
    "f",
    [
        lambda a, b: a + b,
        lambda a, b: (a + b).reshape(3, 1) + (a + b).reshape(3, 1),
        lambda a, b: a.reshape(1, 3).T + b.reshape(3, 1) + a.reshape(3, 1),
        lambda a, b: (a.sum() + b + b)[:3],
    ],
)
def test_gradients_never_share_memory(f: Callable[..., Tensor]) -> None:
    a, b = leaf(3), leaf(3, seed=1)
    output = f(a, b)
    upstream = np.ones(output.shape)
    output.backward(upstream)
    assert not np.shares_memory(a.grad, b.grad)
    assert not np.shares_memory(a.grad, upstream)
    np.testing.assert_array_equal(upstream, np.ones(output.shape))
    kept = b.grad.copy()
    a.grad += 100
    np.testing.assert_array_equal(b.grad, kept)


def test_what_asks_for_no_gradient_costs_nothing() -> None:
    def forbidden(g: np.ndarray) -> np.ndarray:
        raise AssertionError("esta VJP no hacía falta")

    x, w = Tensor(np.ones(2)), leaf(2)
    record("producto", x.data * w.data, (x, forbidden), (w, lambda g: g * x.data)).sum().backward()
    np.testing.assert_array_equal(w.grad, x.data)
    assert x.grad is None


def test_no_grad_records_nothing_and_ends_even_after_an_error() -> None:
    w = leaf(2)
    with no_grad():
        y = w * 2
        with no_grad():
            pass
        assert not (w * 2).requires_grad
    assert y.is_leaf
    assert not y.requires_grad
    with pytest.raises(RuntimeError), no_grad():
        raise RuntimeError
    assert (w * 2).requires_grad


def test_graphs_are_freed_without_waiting_for_the_collector() -> None:
    w = leaf(4)
    gc.collect()
    gc.disable()
    try:
        for _ in range(3):
            loss = cross_entropy((w * w).reshape(2, 2).tanh() @ Tensor(np.eye(2))[[0, 1]], np.array([0, 1])).exp()
            loss.backward()
            del loss
        assert gc.collect() == 0
    finally:
        gc.enable()


def test_changing_data_between_forward_and_backward_goes_unnoticed() -> None:
    x = Tensor([1.0, 2.0], requires_grad=True)
    y = (x * x).sum()
    x.data *= 10
    y.backward()
    np.testing.assert_array_equal(x.grad, [20, 40])  # lo que el capítulo advierte
    z = (x * x).sum()
    x.grad, x.data = None, np.zeros(2)  # otro arreglo no cambia lo que ya se anotó
    z.backward()
    np.testing.assert_array_equal(x.grad, [20, 40])


# --- Formas, tipos y modo directo -----------------------------------------------------------------------------------


@settings(max_examples=100)
@given(mask=st.lists(st.booleans(), min_size=0, max_size=3), extra=st.integers(0, 2), seed=st.integers(0, 100))
def test_unbroadcast_is_the_adjoint_of_broadcasting(mask: list[bool], extra: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    full = tuple(rng.integers(1, 4, extra + len(mask)).tolist())
    shape = tuple(1 if stretched else size for stretched, size in zip(mask, full[extra:], strict=True))
    x, g = rng.normal(size=shape), rng.normal(size=full)
    out = unbroadcast(g, shape)
    assert out.shape == shape
    np.testing.assert_allclose((np.broadcast_to(x, full) * g).sum(), (x * out).sum(), atol=1e-12)


def test_arrays_numbers_and_lists_mix_on_both_sides() -> None:
    w = Tensor(np.array([1.0, 2.0], np.float32), requires_grad=True)
    array = np.array([3.0, 4.0], np.float32)
    for result in (array * w, w * array, array @ w, 2 * w, w * np.float64(2), w + 1, 1 - w, 1 / w, w * [1, 2]):
        assert isinstance(result, Tensor)
        assert result.requires_grad
        assert result.dtype == np.float32
    assert (w * array.astype(np.float64)).dtype == np.float64
    (w * array.astype(np.float64)).sum().backward()
    assert w.grad.dtype == np.float32


def test_data_is_shared_if_it_is_floating_and_converted_otherwise() -> None:
    array = np.zeros(2)
    assert Tensor(array).data is array
    assert Tensor([1, 2]).dtype == np.float64
    assert Tensor(True).item() == 1
    assert repr(Tensor([1.0, 2.5])) == "Tensor([1. , 2.5])"
    assert (leaf(2, 3).shape, leaf(2, 3).ndim) == ((2, 3), 2)


@settings(max_examples=40)
@given(program=programs, values=st.tuples(*[st.floats(-2, 2)] * 3))
def test_forward_mode_agrees_with_reverse_mode(program: Program, values: tuple[float, ...]) -> None:
    numbers = [(op % 8 if op % 3 else len(UNARY) + op % 4, i, j) for op, i, j in program]
    leaves = [Tensor(v, requires_grad=True) for v in values]
    root = total(run(numbers, leaves))
    root.backward()
    for source in leaves:
        np.testing.assert_allclose(forward_mode(root, source)[root], source.grad, rtol=1e-9, atol=1e-12)


# --- Entradas malas -------------------------------------------------------------------------------------------------

W, ZEROS = leaf(2, 3), np.zeros(2, int)


@pytest.mark.parametrize(
    ("action", "error", "message"),
    [
        (lambda: Tensor("hola"), TypeError, r"data debe contener números reales; se recibió str"),
        (lambda: Tensor(1j), TypeError, r"se recibió complex"),
        (lambda: Tensor(W), TypeError, r"se recibió Tensor"),
        (lambda: W * "hola", TypeError, r"números reales"),
        (lambda: W + np.ones(2), ValueError, r"las formas \(2, 3\) y \(2,\) no se pueden combinar con «\+»"),
        (lambda: W @ W, ValueError, r"las formas \(2, 3\) y \(2, 3\) no se pueden combinar con «@»"),
        (lambda: W.backward(), ValueError, r"gradient debe tener forma \(2, 3\).*solo un número puede omitirlo"),
        (lambda: W.backward(np.ones(3)), ValueError, r"gradient debe tener forma \(2, 3\)"),
        (lambda: W.sum().backward(np.ones(3)), ValueError, r"gradient debe tener forma \(\)"),
        (lambda: Tensor(1.0).backward(), ValueError, r"no tiene qué derivar"),
        (lambda: cross_entropy(W, ZEROS[:1]), ValueError, r"logits \(n, k\) y target \(n,\); tienen formas \(2, 3\)"),
        (lambda: cross_entropy(W.sum(dim=0), ZEROS), ValueError, r"tienen formas \(3,\) y \(2,\)"),
        (lambda: cross_entropy(W, ZEROS + 3), ValueError, r"clases enteras entre 0 y 2; contiene \[3\]"),
        (lambda: cross_entropy(W, ZEROS - 1), ValueError, r"contiene \[-1\]"),
        (lambda: cross_entropy(W, ZEROS + 0.5), ValueError, r"clases enteras entre 0 y 2; contiene \[0\.5\]"),
        (lambda: forward_mode(W.sum(), W), ValueError, r"tensores sin ejes que contuviera a leaf"),
        (lambda: forward_mode(Tensor(1.0), Tensor(1.0)), ValueError, r"contuviera a leaf"),
    ],
)
def test_bad_input_is_explained(action: Callable[[], object], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        action()


# --- Ejercicios -----------------------------------------------------------------------------------------------------


def depth_first(inputs: dict, root: str) -> list[str]:
    finished: list[str] = []

    def visit(node: str) -> None:
        if node not in finished:
            for source in inputs[node]:
                visit(source)
            finished.append(node)

    visit(root)
    return finished[::-1]


def kahn(inputs: dict, root: str) -> tuple[str, ...]:
    uses = {node: 0 for node in inputs}
    needed = set(depth_first(inputs, root))
    for node in needed:
        for source in inputs[node]:
            uses[source] += 1
    order = [root]
    for node in order:
        for source in inputs[node]:
            uses[source] -= 1
            if not uses[source]:
                order.append(source)
    return tuple(order)


def breadth_first(inputs: dict, root: str) -> list[str]:
    order = [root]
    for node in order:
        order += [source for source in dict.fromkeys(inputs[node]) if source not in order]
    return order


def every_path(inputs: dict, root: str) -> list[str]:
    return [root] + [node for source in inputs[root] for node in every_path(inputs, source)]


def clears(inputs: dict, root: str) -> list[str]:
    order = depth_first(inputs, root)
    inputs.clear()
    return order


def stretched_axes(g: np.ndarray, shape: tuple) -> tuple[int, ...]:
    new = g.ndim - len(shape)
    return tuple(i for i in range(g.ndim) if i < new or shape[i - new] == 1)


def from_the_left(g: np.ndarray, shape: tuple) -> np.ndarray:
    while g.ndim > len(shape):
        g = g.sum(axis=-1)
    return g.sum(axis=tuple(i for i, n in enumerate(shape) if n == 1), keepdims=True) if 1 in shape else g


def in_place(g: np.ndarray, shape: tuple) -> np.ndarray:
    out = unbroadcast(g, shape).copy()
    g *= 2
    return out


def sigmoid_with(vjp: Callable, value: Callable = lambda x: 0.5 * (1 + np.tanh(0.5 * x))) -> Callable[[Tensor], Tensor]:
    def operation(x: Tensor) -> Tensor:
        y = value(x.data)
        return record("σ", y, (x, lambda g: vjp(g, x.data, y)))

    return operation


def jacobian(f: Callable, x: np.ndarray, *, reset: bool = True, copy: bool = True, seed: bool = True) -> np.ndarray:
    t = Tensor(x, requires_grad=True)
    y = f(t)
    rows = []
    for row in np.eye(y.data.size):
        if reset:
            t.grad = None
        y.backward(row if seed else np.ones_like(row))
        rows.append(t.grad.copy() if copy else t.grad)
    return np.array(rows)


def image_gradient(network: Callable, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    pictures = Tensor(x, requires_grad=True)
    cross_entropy(network(pictures), y).backward()
    return pictures.grad


def attack(network: Callable, x: np.ndarray, y: np.ndarray, eps: float, *, sign: float = 1) -> np.ndarray:
    return np.clip(x + sign * eps * np.sign(image_gradient(network, x, y)), 0, 1)


def overwrite(network: Callable, x: np.ndarray, y: np.ndarray, eps: float) -> np.ndarray:
    x[:] = attack(network, x, y, eps)
    return x


def noise(network: Callable, x: np.ndarray, y: np.ndarray, eps: float) -> np.ndarray:
    return np.clip(x + eps * np.random.default_rng(0).choice([-1, 1], x.shape), 0, 1)


good_vjp = lambda g, x, y: g * y * (1 - y)  # noqa: E731

RIGHT: dict[str, list[object]] = {
    "mano": [[-2, -7, 15], np.array([-2.0, -7.0, 15.0]), torch.tensor([-2.0, -7.0, 15.0])],
    "orden": [depth_first, kahn],
    "estirar": [
        unbroadcast,
        lambda g, shape: torch.from_numpy(g).sum_to_size(shape) if shape else torch.from_numpy(g).sum(),
    ],
    "sigmoide": [sigmoid_with(good_vjp), sigmoid_with(lambda g, x, y: g * (y - y**2))],
    "jacobiana": [jacobian, lambda f, x: jacobian(f, x).tolist()],
    "ataque": [attack, lambda *data: attack(*data).astype(np.float64)],
}

WRONG: dict[str, list[tuple[object, str]]] = {
    "mano": [
        ([-3, -8, 15], "su adjunto es v + 1"),
        ([1, 1, 0], "no pasa por el producto"),
        ([-2, -2, 15], "también a través de v"),
        ([-2, -5, 15], "también a través de u"),
        ([-2, -7, 5], "5 es el adjunto de v"),
        ([-2, 3, 15], "vale −1"),
        ([2, 7, -15], "signos están al revés"),
        ([-2, -7, 14], "respecto de c no es 14"),
        ([-2, -7], "tuviera forma"),
    ],
    "orden": [
        (lambda inputs, root: depth_first(inputs, root)[::-1], "orden del cálculo"),
        (breadth_first, "espera a todos los que lo usan"),
        (every_path, "sale más de una vez"),
        (lambda inputs, root: list(inputs), "sobra"),
        (lambda inputs, root: [root], "Falta «x»"),
        (lambda inputs, root: inputs, "la lista de los nodos"),
        (clears, "Modificaste el diccionario"),
        (lambda inputs, root: depth_first(inputs, "otro"), "lanzó KeyError"),
    ],
    "estirar": [
        (lambda g, shape: g, "No sumaste nada"),
        (lambda g, shape: g.sum(axis=stretched_axes(g, shape)), "keepdims=True"),
        (lambda g, shape: g.mean(axis=stretched_axes(g, shape)).reshape(shape), "Promedias"),
        (
            lambda g, shape: g[
                tuple(0 if i in stretched_axes(g, shape) else slice(None) for i in range(g.ndim))
            ].reshape(shape),
            "primera copia",
        ),
        (lambda g, shape: from_the_left(g, shape) if g.shape == (3, 3) else unbroadcast(g, shape), "eje equivocado"),
        (from_the_left, "La forma debe ser (3,)"),
        (lambda g, shape: unbroadcast(g, shape) + 1, "¿por qué ejes sumas?"),
        (in_place, "Modificaste g"),
    ],
    "sigmoide": [
        (lambda x: Tensor(1 / (1 + np.exp(-x.data))), "no quedó unido a x"),
        (lambda x: 0.5 * ((0.5 * x).tanh() + 1), "con varias operaciones"),
        (lambda x: 0.5 * (1 + np.tanh(0.5 * x.data)), "Se esperaba un Tensor"),
        (sigmoid_with(good_vjp, np.tanh), "El valor no es"),
        (sigmoid_with(good_vjp, lambda x: 1 / (1 + np.exp(-x))), "la exponencial desborda"),
        (sigmoid_with(lambda g, x, y: y * (1 - y)), "falta multiplicarla por el gradiente"),
        (sigmoid_with(lambda g, x, y: g), "devuelve g sin tocarlo"),
        (sigmoid_with(lambda g, x, y: g * x * (1 - x)), "σ es la salida"),
        (sigmoid_with(lambda g, x, y: g * y), "Falta el factor 1 − σ(x)"),
        (sigmoid_with(lambda g, x, y: g * (1 - y)), "Falta el factor σ(x)"),
        (sigmoid_with(lambda g, x, y: -g * y * (1 - y)), "El signo está al revés"),
        (sigmoid_with(lambda g, x, y: 3 * g * y), "la VJP no"),
        (sigmoid_with(lambda g, x, y: g / 0 if isinstance(g, int) else 1 / [][0]), "lanzó IndexError"),
    ],
    "jacobiana": [
        (lambda f, x: jacobian(f, x).T, "Está traspuesta"),
        (lambda f, x: jacobian(f, x).sum(axis=0), "suma de las filas"),
        (partial(jacobian, reset=False), "Cada fila arrastra"),
        (partial(jacobian, reset=True, seed=False), "Todas las filas son la suma"),
        (lambda f, x: 2 * jacobian(f, x), "los valores no"),
        (lambda f, x: np.zeros((7, 7)), "debe tener forma (2, 3)"),
    ],
    "ataque": [
        (partial(attack, sign=-1), "Cambia el signo"),
        (lambda network, x, y, eps: attack(network, x, y, 2 * eps), "y el máximo es"),
        (lambda network, x, y, eps: x + eps * np.sign(image_gradient(network, x, y)), "fuera de [0, 1]"),
        (noise, "La red aún acierta"),
        (lambda network, x, y, eps: attack(network, x, np.zeros_like(y), eps), "clases correctas"),
        (lambda network, x, y, eps: x, "son las mismas"),
        (lambda network, x, y, eps: Tensor(attack(network, x, y, eps)), "no un Tensor"),
        (overwrite, "Modificaste las imágenes"),
        (lambda network, x, y, eps: x[:5], "las imágenes tuviera forma"),
    ],
}


(
    test_right_answers_pass,
    test_each_mistake_gets_its_message,
    test_every_exercise_has_right_and_wrong_answers,
) = exercise_tests(comprobar, RIGHT, WRONG)


def test_derivatives_left_blank_are_pending() -> None:
    assert comprobar.check("mano", [..., -7, 15]).status == "pendiente"
