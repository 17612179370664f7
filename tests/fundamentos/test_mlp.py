"""El perceptrón multicapa contra PyTorch, SciPy y la cuenta directa de regiones; sus teoremas y sus ejercicios."""

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from respuestas import exercise_tests
from torch import nn
from torch.nn import functional as F

from profundo.ejercicios.fundamentos.mlp import comprobar
from profundo.fundamentos.mlp import (
    MLP,
    breakpoints,
    bump_network,
    fit,
    from_layers,
    linear_regions,
    logistic_loss,
    min_mistakes,
    region_bound,
    single_copy,
    squared_loss,
    step,
    tent_network,
)

CORNERS = torch.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
XOR = torch.tensor([0.0, 1.0, 1.0, 0.0])
BOX = np.array([[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]])
FOLD = [(np.array([[1, -1], [-1, 1]]), np.zeros(2)), (np.ones((1, 2)), np.array([-0.5]))]


def parameters(model: MLP) -> list[torch.Tensor]:
    """Los pesos y sesgos, alternados como los de ``nn.Sequential``."""
    return [p for pair in zip(model.weights, model.biases, strict=True) for p in pair]


# --- Contra otras implementaciones ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ours", "theirs"), [(torch.relu, nn.ReLU), (torch.tanh, nn.Tanh), (torch.sigmoid, nn.Sigmoid)]
)
@pytest.mark.parametrize("sizes", [(3, 2), (3, 4, 1), (2, 5, 6, 3)])
def test_same_values_and_gradients_as_sequential(sizes: tuple[int, ...], ours: Callable, theirs: type) -> None:
    model = MLP(sizes, ours)
    layers = [layer for n, m in pairwise(sizes) for layer in (nn.Linear(n, m), theirs())][:-1]
    reference = nn.Sequential(*layers)
    with torch.no_grad():
        for p, q in zip(reference.parameters(), parameters(model), strict=True):
            p.copy_(q)
    x = torch.randn(7, sizes[0])
    torch.testing.assert_close(model(x), reference(x))
    torch.testing.assert_close(
        torch.autograd.grad((model(x) ** 2).sum(), parameters(model)),
        torch.autograd.grad((reference(x) ** 2).sum(), list(reference.parameters())),
    )


def test_gradient_is_the_numerical_one() -> None:
    model = MLP((2, 4, 1), torch.tanh).double()
    x, y = torch.randn(5, 2, dtype=torch.float64), torch.tensor([0.0, 1.0, 1.0, 0.0, 1.0], dtype=torch.float64)
    logistic_loss(model(x), y).mean().backward()
    for p in parameters(model):
        for index in np.ndindex(*p.shape):
            losses = []
            for shift in (1e-6, -2e-6):
                with torch.no_grad():
                    p[index] += shift
                    losses.append(logistic_loss(model(x), y).mean().item())
            with torch.no_grad():
                p[index] += 1e-6
            assert p.grad is not None
            np.testing.assert_allclose(p.grad[index].item(), (losses[0] - losses[1]) / 2e-6, atol=1e-8)


def test_initial_weights_follow_the_law_of_linear() -> None:
    model, linear = MLP((50, 400)), nn.Linear(50, 400)
    for ours, theirs in zip(parameters(model), linear.parameters(), strict=True):
        assert ours.abs().max() <= 50**-0.5
        np.testing.assert_allclose(ours.std().item(), theirs.std().item(), rtol=0.15)


def test_losses_match_pytorch() -> None:
    scores, y = 5 * torch.randn(9, 1), torch.randint(2, (9,)).float()
    expected = F.binary_cross_entropy_with_logits(scores[:, 0], y, reduction="none")
    torch.testing.assert_close(logistic_loss(scores, y), expected)
    torch.testing.assert_close(squared_loss(scores, y), F.mse_loss(scores[:, 0], y, reduction="none"))


@pytest.mark.parametrize("batch_size", [None, 3])
def test_fit_is_adam_step_by_step(batch_size: int | None) -> None:
    x, y = torch.randn(8, 2), torch.randn(8)
    model, reference = MLP((2, 3, 1)), MLP((2, 3, 1))
    reference.load_state_dict(model.state_dict())
    torch.manual_seed(5)
    history = fit(model, x, y, squared_loss, epochs=4, lr=0.05, batch_size=batch_size)
    torch.manual_seed(5)
    adam = torch.optim.Adam(reference.parameters(), lr=0.05)
    for epoch in range(4):
        losses = []
        for rows in torch.randperm(8).split(batch_size) if batch_size else [torch.arange(8)]:
            adam.zero_grad()
            loss = F.mse_loss(reference(x[rows])[:, 0], y[rows])
            loss.backward()
            adam.step()
            losses += [loss.item()] * len(rows)
        np.testing.assert_allclose(history[epoch].item(), np.mean(losses), rtol=1e-5)
    torch.testing.assert_close(model.state_dict(), reference.state_dict())


def test_copies_train_as_if_they_were_alone() -> None:
    together = MLP((2, 3, 1), torch.tanh, copies=4)
    alone = [single_copy(together, i).float() for i in range(4)]
    losses = fit(together, CORNERS, XOR, logistic_loss, epochs=20, lr=0.1)
    assert losses.shape == (20, 4)
    for i, model in enumerate(alone):
        own = fit(model, CORNERS, XOR, logistic_loss, epochs=20, lr=0.1)
        torch.testing.assert_close(losses[:, i], own)
        torch.testing.assert_close(together(CORNERS)[i], model(CORNERS), rtol=1e-4, atol=1e-5)


def test_layers_start_at_the_input_and_end_at_the_output() -> None:
    model = MLP((2, 5, 4, 3), copies=6)
    x = torch.randn(7, 2)
    outputs = model.layers(x)
    assert [tuple(h.shape) for h in outputs] == [(7, 2), (6, 7, 5), (6, 7, 4), (6, 7, 3)]
    assert all((h >= 0).all() for h in outputs[1:3])
    torch.testing.assert_close(outputs[-1], model(x))


def test_step_is_zero_at_zero_and_keeps_the_type() -> None:
    z = torch.tensor([-1.0, 0.0, 2.0], dtype=torch.float64)
    torch.testing.assert_close(step(z), torch.tensor([0.0, 0.0, 1.0], dtype=torch.float64))


def test_fold_solves_xor_and_without_activation_nothing_does() -> None:
    assert from_layers(FOLD)(CORNERS.double())[:, 0].tolist() == [-0.5, 0.5, 0.5, -0.5]
    flat = MLP((2, 8, 8, 1), nn.Identity(), copies=20)
    fit(flat, CORNERS, XOR, logistic_loss, epochs=100, lr=0.1)
    assert ((flat(CORNERS)[..., 0] > 0) == (XOR > 0)).float().mean(-1).max() < 1


# --- Regiones -------------------------------------------------------------------------------------------------------


def area(polygon: np.ndarray) -> float:
    x, y = polygon.T
    return 0.5 * abs(x @ np.roll(y, -1) - y @ np.roll(x, -1))


def pattern(model: MLP, points: np.ndarray) -> np.ndarray:
    """Qué unidades ocultas están encendidas en cada punto."""
    hidden = model.double().layers(torch.from_numpy(points))[1:-1]
    return torch.cat([h > 0 for h in hidden], dim=1).numpy()


@given(st.integers(0, 10_000), st.sampled_from([(2, 5, 1), (2, 4, 4, 1), (2, 3, 3, 3, 1)]))
@settings(max_examples=20)
def test_regions_tile_the_box_with_one_pattern_each(seed: int, sizes: tuple[int, ...]) -> None:
    torch.manual_seed(seed)
    model = MLP(sizes)
    regions = linear_regions(model, BOX)
    np.testing.assert_allclose(sum(map(area, regions)), 4)
    assert len(regions) <= region_bound(sizes)
    rng = np.random.default_rng(seed)
    for region in regions:
        if area(region) > 1e-6:
            inside = rng.dirichlet(np.ones(len(region)), size=6) @ region
            assert len(np.unique(pattern(model, inside), axis=0)) == 1
    # Al revés: cada patrón que aparece al azar está en alguna región. Un patrón puede ocupar varias.
    seen = np.unique(pattern(model, rng.uniform(-1, 1, (500, 2))), axis=0)
    assert len(seen) <= len(regions)


@pytest.mark.parametrize(("n", "expected"), [(1, 2), (2, 4), (3, 7), (5, 16), (8, 37)])
def test_lines_in_general_position_attain_the_bound(n: int, expected: int) -> None:
    angles = np.pi * np.arange(n) / n + 0.1
    w = np.column_stack([np.cos(angles), np.sin(angles)])
    model = from_layers([(w, np.random.default_rng(0).uniform(-0.3, 0.3, n)), (np.ones((1, n)), np.zeros(1))])
    assert region_bound((2, n, 1)) == expected
    assert len(linear_regions(model, 100 * BOX)) == expected


def test_region_bound_is_a_product_of_layers() -> None:
    assert region_bound((1, 4, 1)) == 5
    assert region_bound((1, 2, 2, 2, 1)) == 27
    assert region_bound((2, 3, 4, 1)) == 7 * 11
    assert region_bound((9, 3, 1)) == 2**3


@given(st.integers(0, 10_000), st.sampled_from([(1, 6, 1), (3, 4, 4, 1), (2, 3, 3, 3, 2)]))
@settings(max_examples=20)
def test_network_is_affine_between_breakpoints(seed: int, sizes: tuple[int, ...]) -> None:
    torch.manual_seed(seed)
    model = MLP(sizes).double()
    start, end = np.random.default_rng(seed).normal(size=(2, sizes[0])) * 3
    t = breakpoints(model, start, end)
    assert (np.diff(t) >= 0).all()
    assert len(t) + 1 <= region_bound((1, *sizes[1:]))
    for low, high in pairwise(np.concatenate([[0], t, [1]])):
        middle = start + np.linspace(low, high, 5)[:, None] * (end - start)
        output = model(torch.from_numpy(middle)).detach().numpy()
        np.testing.assert_allclose(np.diff(output, n=2, axis=0), 0, atol=1e-9)


def test_breakpoints_of_one_layer_are_known() -> None:
    model = from_layers(
        [(np.array([[1.0], [-2.0], [0.0]]), np.array([-0.25, 1.0, 3.0])), (np.ones((1, 3)), np.zeros(1))]
    )
    np.testing.assert_allclose(breakpoints(model, np.zeros(1), np.ones(1)), [0.25, 0.5])


# --- Redes construidas ----------------------------------------------------------------------------------------------


@given(st.lists(st.floats(-10, 10), min_size=2, max_size=20))
@settings(max_examples=40)
def test_bumps_are_linear_interpolation(values: list[float]) -> None:
    heights = np.array(values)
    x = np.linspace(0, 1, 257)
    got = bump_network(heights)(torch.from_numpy(x[:, None]))[:, 0].detach().numpy()
    np.testing.assert_allclose(got, np.interp(x, np.linspace(0, 1, len(heights)), heights), atol=1e-9)


@pytest.mark.parametrize("n", [3, 8, 50])
@pytest.mark.parametrize("kink", [1 / 3, 0.5, 0.77])
def test_error_of_bumps_respects_the_lipschitz_bound(n: int, kink: float) -> None:
    x = np.linspace(0, 1, 3001)
    got = bump_network(np.abs(np.linspace(0, 1, n + 1) - kink))(torch.from_numpy(x[:, None]))[:, 0].detach().numpy()
    assert np.abs(got - np.abs(x - kink)).max() <= 1 / (2 * n) + 1e-12


def test_a_zigzag_attains_the_lipschitz_bound() -> None:
    x = np.linspace(0, 1, 801)
    zigzag = np.abs((x * 10 + 0.5) % 1 - 0.5) / 10  # nula en los nudos, de pendiente 1
    got = bump_network(np.zeros(11))(torch.from_numpy(x[:, None]))[:, 0].detach().numpy()
    np.testing.assert_allclose(np.abs(got - zigzag).max(), 1 / 20)


@pytest.mark.parametrize("k", [1, 2, 5, 9, 14])
def test_tent_network_alternates_exactly(k: int) -> None:
    model = tent_network(k)
    assert model.sizes == (1, *[2] * k, 1)
    index = torch.arange(2**k + 1)
    output = model(index[:, None].double() / 2**k)[:, 0]
    assert torch.equal(output, (index % 2).double())
    if k < 10:
        assert len(breakpoints(model, np.zeros(1), np.ones(1))) + 1 == 2**k


@given(st.integers(0, 10_000), st.sampled_from([(1, 3, 1), (1, 2, 2, 1), (1, 6, 1)]), st.floats(-1, 1))
@settings(max_examples=60)
def test_no_network_beats_min_mistakes(seed: int, sizes: tuple[int, ...], cut: float) -> None:
    torch.manual_seed(seed)
    index = torch.arange(33)
    output = MLP(sizes)(index[:, None] / 32 * 4 - 2)[:, 0]
    assert ((output > cut) != (index % 2 > 0)).sum() >= min_mistakes(sizes, 33)


def test_min_mistakes_is_the_theorem_and_is_attained() -> None:
    for k, n in ((4, 3), (6, 10), (5, 40)):
        assert min_mistakes((1, n, 1), 2**k + 1) == max(0, -(-(2**k - n - 1) // 2))
    # Una unidad: dos tramos, tres grupos; con cinco puntos alternos se falla en uno.
    spike = from_layers([(np.ones((2, 1)), np.array([0.0, -1.0])), (np.array([[1.0, -2.0]]), np.zeros(1))])
    wrong = (spike(torch.arange(-1.0, 4.0)[:, None].double())[:, 0] > 0.5) != (torch.arange(5) % 2 == 0)
    assert min_mistakes((1, 1, 1), 5) == 1
    assert wrong.sum() >= min_mistakes((1, 2, 1), 5)


# --- Entradas malas -------------------------------------------------------------------------------------------------

X, Y = torch.zeros(4, 2), torch.zeros(4)


@pytest.mark.parametrize(
    ("action", "message"),
    [
        (lambda: MLP((3,)), r"sizes debe tener al menos dos enteros positivos; se recibió \(3,\)"),
        (lambda: MLP((3, 0, 1)), r"sizes debe tener.*se recibió \(3, 0, 1\)"),
        (lambda: MLP((3, 1), copies=0), r"copies debe ser al menos 1; se recibió 0"),
        (lambda: from_layers([]), r"layers debe encadenar"),
        (lambda: from_layers([(np.ones((2, 2)), np.ones(3))]), r"tiene \[\(\(2, 2\), \(3,\)\)\]"),
        (lambda: from_layers([*FOLD, *FOLD]), r"layers debe encadenar"),
        (lambda: MLP((2, 3, 1))(torch.zeros(4, 3)), r"x debe tener forma \(n, 2\); tiene \(4, 3\)"),
        (
            lambda: fit(MLP((2, 1)), X, Y[:3], squared_loss, epochs=1, lr=0.1),
            r"y debe tener forma \(4,\).*tiene \(3,\)",
        ),
        (
            lambda: fit(MLP((2, 1)), X, Y, squared_loss, epochs=0, lr=0.1),
            r"se esperaban positivos; se recibió epochs=0",
        ),
        (lambda: fit(MLP((2, 1)), X, Y, squared_loss, epochs=1, lr=0.0), r"lr=0\.0"),
        (lambda: fit(MLP((2, 1)), X, Y, squared_loss, epochs=1, lr=0.1, batch_size=0), r"batch_size=0"),
        (lambda: breakpoints(MLP((2, 3, 1)), np.zeros(1), np.zeros(1)), r"start y end deben tener forma \(2,\)"),
        (lambda: breakpoints(MLP((1, 3, 1), torch.tanh), np.zeros(1), np.ones(1)), r"activación torch\.relu"),
        (lambda: linear_regions(MLP((2, 3, 1), copies=2), BOX), r"una sola red"),
        (lambda: linear_regions(MLP((3, 3, 1)), BOX), r"model debe tener 2 entradas; tiene 3"),
        (lambda: linear_regions(MLP((2, 3, 1)), BOX[:2]), r"corners debe tener forma.*tiene \(2, 2\)"),
        (lambda: region_bound((2, 1)), r"al menos tres enteros positivos; se recibió \(2, 1\)"),
        (lambda: bump_network(np.zeros(1)), r"vector finito de al menos 2 números; tiene forma \(1,\)"),
        (lambda: bump_network(np.array([0.0, np.nan])), r"vector finito"),
        (lambda: tent_network(0), r"k debe ser un entero positivo; se recibió 0"),
        (lambda: min_mistakes((2, 3, 1), 5), r"una entrada, una salida y n >= 1; se recibió sizes=\(2, 3, 1\)"),
        (lambda: min_mistakes((1, 3, 1), 0), r"n=0"),
    ],
)
def test_bad_input_is_explained(action: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        action()


# --- Ejercicios -----------------------------------------------------------------------------------------------------

Layers = list[tuple[np.ndarray, np.ndarray]]


def collapse(layers: Layers) -> tuple[np.ndarray, np.ndarray]:
    w, b = layers[0]
    for w_next, b_next in layers[1:]:
        w, b = w_next @ w, w_next @ b + b_next
    return w, b


def in_place(layers: Layers) -> tuple[np.ndarray, np.ndarray]:
    """Escribe sobre el primer sesgo que recibe."""
    result = collapse(layers)
    layers[0][1][:] = 0
    return result


def reversed_product(layers: Layers) -> tuple[np.ndarray, np.ndarray]:
    w = layers[0][0]
    for w_next, _ in layers[1:]:
        w = w @ w_next
    return w, collapse(layers)[1]


MAX = [([[1, -1], [0, 1], [0, -1]], [0, 0, 0]), ([[1, 1, -1]], [0])]


def count(w: np.ndarray, b: np.ndarray, v: np.ndarray, *, signed: bool = False, cancel: bool = True) -> int:
    total: dict[float, int] = {}
    for w_i, b_i, v_i in zip(w.tolist(), b.tolist(), v.tolist(), strict=True):
        if w_i:
            kink = -b_i / w_i + 0.0
            total[kink] = total.get(kink, 0) + v_i * (w_i if signed else abs(w_i))
    return 1 + sum(change != 0 or not cancel for change in total.values())


def broken_line(t: np.ndarray, y: np.ndarray) -> tuple[float, np.ndarray]:
    return y[0], np.diff(np.diff(y) / np.diff(t), prepend=0)


def parity(k: int, *, scale: float = 1.0, folds: int | None = None) -> Layers:
    shift, tent = np.array([0.0, -0.5]), np.array([[2.0, -4.0]])
    first = (np.full((2, 2**k), scale / 2**k), shift)
    inner = [(np.vstack([tent, tent]), shift)] * ((k if folds is None else folds) - 1)
    return [first, *inner, (tent, np.zeros(1))]


def wide_parity(k: int) -> Layers:
    """Una sola capa con una unidad por bit."""
    n = 2**k
    slopes = np.append(1, 2 * (-1.0) ** np.arange(1, n))
    return [(np.ones((n, n)), -np.arange(n)), (slopes[None], np.zeros(1))]


RIGHT: dict[str, list[object]] = {
    "colapso": [collapse, lambda layers: [part.tolist() for part in collapse(layers)]],
    "maximo": [
        MAX,
        [([[-1, 1], [1, 0], [-1, 0]], [0, 0, 0]), ([[1, 1, -1]], [0])],
        tuple((np.array(w, dtype=float), torch.tensor(b)) for w, b in MAX),
    ],
    "tramos": [count, lambda w, b, v: np.int64(count(w, b, v)), lambda w, b, v: torch.tensor(count(w, b, v))],
    "quebrada": [broken_line, lambda t, y: (torch.tensor(y[0]), broken_line(t, y)[1].tolist())],
    "paridad": [parity, lambda k: [(w.tolist(), torch.from_numpy(b)) for w, b in parity(k)]],
}

WRONG: dict[str, list[tuple[object, str]]] = {
    "colapso": [
        (reversed_product, "W está al revés"),
        (
            lambda c: (collapse(c)[0], sum(b for _, b in c) if len({len(b) for _, b in c}) == 1 else c[-1][1]),
            "tal cual",
        ),
        (lambda c: (collapse(c)[0], c[-1][1]), "Solo conservas el último sesgo"),
        (lambda c: (collapse(c)[0], c[0][1]), "Solo conservas el primer sesgo"),
        (lambda c: (collapse(c)[0], collapse(c)[0] @ sum(b for _, b in c)), "que van después de él"),
        (lambda c: collapse(c[:2]), "W no es el producto"),
        (lambda c: (collapse(c)[0], 0 * collapse(c)[1]), "W es correcta y b no"),
        (lambda c: (collapse(c)[0].T, collapse(c)[1]), "W no es el producto"),
        (lambda c: collapse(c)[0], "una pareja"),
        (in_place, "Has modificado"),
    ],
    "maximo": [
        ([([[1, -1], [0, 1]], [0, 0]), ([[1, 1]], [0])], "Aciertas con números positivos"),
        ([([[1, -1], [0, 1], [0, -1]], [0, 0, 0]), ([[-1, 1, -1]], [0])], "das"),
        ([([[1, -1], [-1, 1]], [0, 0]), ([[1, 1]], [0])], "|x1 - x2|"),
        ([([[1, -1]], [0]), ([[1]], [0])], "falta sumar x2"),
        ([([[1, 0], [0, 1]], [0, 0]), ([[1, 1]], [0])], "partes positivas"),
        ([([[-1, 1], [0, 1], [0, -1]], [0, 0, 0]), ([[-1, 1, -1]], [0])], "Eso es el mínimo"),
        ([([[1, -1], [0, 1], [0, -1], [0, 0]], [0, 0, 0, 0]), ([[1, 1, -1, 0]], [0])], "tres unidades"),
        ([([[1, -1, 0]], [0]), ([[1]], [0])], "debe tener forma (m, 2)"),
        ([([[1, -1]], [0, 0]), ([[1]], [0])], "debe tener forma (1,)"),
        ([([[1, -1]], [0])], "Se piden dos capas"),
    ],
    "tramos": [
        (lambda w, b, v: count(w, b, v) - 1, "Cuentas los quiebres"),
        (lambda w, b, v: len(w) + 1, "una unidad, un quiebre"),
        (lambda w, b, v: 1 + int((w != 0).sum()), "Descartas w = 0"),
        (lambda w, b, v: count(w, b, v, cancel=False), "se cancelan"),
        (lambda w, b, v: count(w, b, v, signed=True), "v·|w|"),
        (lambda w, b, v: 1 + int(((w != 0) & (v != 0)).sum()), "tramos y has contado"),
        (lambda w, b, v: 2, "tramos y has contado"),
    ],
    "quebrada": [
        (lambda t, y: (y[0], np.diff(y) / np.diff(t)), "Esas son las pendientes"),
        (lambda t, y: (y[0], -broken_line(t, y)[1]), "signo contrario"),
        (lambda t, y: (y[0], np.diff(np.diff(y), prepend=0)), "no son equidistantes"),
        (lambda t, y: (y[0], np.diff(y)), "diferencias de altura"),
        (lambda t, y: (0.0, broken_line(t, y)[1]), "b debe ser la altura"),
        (lambda t, y: broken_line(t, y)[1], "una pareja"),
        (lambda t, y: (y[0], np.zeros(len(t) - 1)), "tu línea vale"),
        (lambda t, y: (y[0], np.zeros(len(t))), "c tuviera forma"),
    ],
    "paridad": [
        (wide_parity, "unidades ocultas como mucho"),
        (lambda k: [*parity(k)[:-1], (-parity(k)[-1][0], np.ones(1))], "das lo contrario"),
        (lambda k: parity(k, scale=2**k), "tu red da"),
        (lambda k: parity(k, folds=1), "tu red da"),
        (lambda k: [(np.ones((1, 2**k)), np.zeros(1))], "Sumas los bits"),
        (lambda k: [(np.full((1, 2**k), 2.0**-k), np.zeros(1))], "proporción de unos"),
        (lambda k: parity(k + 1), "debe tener forma (m, 2)"),
        (lambda k: parity(k)[:-1], "debe tener una salida"),
        (lambda k: [1, 2], "una pareja"),
    ],
}


(
    test_right_answers_pass,
    test_each_mistake_gets_its_message,
    test_every_exercise_has_right_and_wrong_answers,
) = exercise_tests(comprobar, RIGHT, WRONG)


def test_weights_left_blank_are_pending() -> None:
    assert comprobar.check("maximo", [(..., ...), (..., ...)]).status == "pendiente"
    assert comprobar.check("maximo", [MAX[0], (..., [0])]).status == "pendiente"
