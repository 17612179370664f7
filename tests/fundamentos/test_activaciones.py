"""Las activaciones contra PyTorch y sus derivadas numéricas; lo que mide el módulo y sus ejercicios."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from respuestas import exercise_tests
from scipy.integrate import quad
from scipy.stats import norm
from torch import nn
from torch.nn import functional as F

from profundo.ejercicios.fundamentos.activaciones import comprobar
from profundo.fundamentos.activaciones import (
    ELU,
    GELU,
    SELU,
    Activation,
    LeakyReLU,
    PReLU,
    ReLU,
    Sigmoid,
    SiLU,
    Softmax,
    Softplus,
    Step,
    Tanh,
    pre_activations,
    saturation,
    selu_constants,
    silent_units,
    train,
)
from profundo.fundamentos.mlp import MLP, from_layers

PAIRS: list[tuple[Activation, nn.Module]] = [
    (Sigmoid(), nn.Sigmoid()),
    (Tanh(), nn.Tanh()),
    (ReLU(), nn.ReLU()),
    (LeakyReLU(), nn.LeakyReLU()),
    (LeakyReLU(0.3), nn.LeakyReLU(0.3)),
    (PReLU(), nn.PReLU()),
    (PReLU(1.7), nn.PReLU(init=1.7)),
    (ELU(), nn.ELU()),
    (ELU(0.4), nn.ELU(0.4)),
    (SELU(), nn.SELU()),
    (GELU(), nn.GELU()),
    (GELU("tanh"), nn.GELU("tanh")),
    (SiLU(), nn.SiLU()),
    (Softplus(), nn.Softplus()),
]
IDS = [f"{i}-{type(ours).__name__}" for i, (ours, _) in enumerate(PAIRS)]
# Con esquinas, números que desbordan una exponencial y valores corrientes.
POINTS = torch.cat([torch.tensor([0.0, -0.0, 1e4, -1e4, 750.0, -750.0, 90.0, -90.0]), torch.linspace(-8, 8, 161)])


# --- Contra PyTorch -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(("ours", "theirs"), PAIRS, ids=IDS)
def test_same_values_and_gradients_as_pytorch(ours: Activation, theirs: nn.Module, dtype: torch.dtype) -> None:
    ours, theirs = ours.to(dtype), theirs.to(dtype)
    inputs = [POINTS.to(dtype).requires_grad_() for _ in range(2)]
    upstream = torch.randn(len(POINTS), dtype=dtype)
    results = []
    for function, z in zip((ours, theirs), inputs, strict=True):
        output = function(z)
        results.append((output, *torch.autograd.grad(output, [z, *function.parameters()], upstream)))
    assert all(torch.isfinite(part).all() for part in results[0])
    torch.testing.assert_close(*results)


@pytest.mark.parametrize(("ours", "theirs"), PAIRS, ids=IDS)
def test_derivatives_pass_gradcheck_twice(ours: Activation, theirs: nn.Module) -> None:
    z = torch.tensor([[-2.3, -0.7, -0.1], [0.2, 1.1, 3.0]], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(ours.double(), (z,))
    assert torch.autograd.gradgradcheck(ours, (z,))


def test_a_wrong_derivative_is_found() -> None:
    class Forgetful(Sigmoid):
        def derivative(self, z: torch.Tensor) -> torch.Tensor:
            return self.value(z)

    z = torch.randn(5, dtype=torch.float64, requires_grad=True)
    with pytest.raises(RuntimeError, match="Jacobian mismatch"):
        torch.autograd.gradcheck(Forgetful(), (z,))


def test_step_gives_no_gradient() -> None:
    z = torch.tensor([-1.0, 0.0, 2.0], requires_grad=True)
    assert Step()(z).tolist() == [0, 0, 1]
    assert torch.equal(torch.autograd.grad(Step()(z).sum(), z)[0], torch.zeros(3))


def test_the_sigmoid_slope_survives_where_one_minus_sigmoid_is_zero() -> None:
    z = torch.tensor([40.0, -40.0], dtype=torch.float64)
    assert (1 - torch.sigmoid(z))[0] == 0
    torch.testing.assert_close(Sigmoid().derivative(z), torch.exp(-z.abs()), rtol=1e-12, atol=0)


@given(st.floats(-30, 30))
def test_identities(z: float) -> None:
    t = torch.tensor(z, dtype=torch.float64)
    torch.testing.assert_close(Sigmoid()(t) + Sigmoid()(-t), torch.ones_like(t))
    torch.testing.assert_close(Tanh()(t), 2 * Sigmoid()(2 * t) - 1)
    torch.testing.assert_close(Softplus()(t) - Softplus()(-t), t)
    torch.testing.assert_close(SiLU()(t) - SiLU()(-t), t)
    torch.testing.assert_close(GELU()(t) - GELU()(-t), t)
    torch.testing.assert_close(Softplus().derivative(t), Sigmoid()(t))


def test_selu_constants_keep_mean_and_variance() -> None:
    alpha, scale = selu_constants()
    selu = SELU()

    def moment(k: int) -> float:
        def density(z: float) -> float:
            return float(selu(torch.tensor(z, dtype=torch.float64)) ** k) * norm.pdf(z)

        return sum(quad(density, *limits)[0] for limits in ((-12, 0), (0, 12)))

    assert moment(1) == pytest.approx(0, abs=1e-9)
    assert moment(2) == pytest.approx(1, abs=1e-9)
    assert (alpha, scale) == pytest.approx((1.6732632423543772, 1.0507009873554805), rel=1e-12)


@pytest.mark.parametrize("dim", [0, 1, -1])
@pytest.mark.parametrize("temperature", [0.3, 1.0, 5.0])
def test_softmax_matches_pytorch(dim: int, temperature: float) -> None:
    z = (10 * torch.randn(4, 3, 5, dtype=torch.float64)).requires_grad_()
    g = torch.randn(4, 3, 5, dtype=torch.float64)
    pair = [f(z) for f in (Softmax(dim, temperature), lambda s: F.softmax(s / temperature, dim))]
    torch.testing.assert_close(*pair)
    torch.testing.assert_close(*(torch.autograd.grad(p, z, g)[0] for p in pair))
    assert torch.autograd.gradcheck(Softmax(dim, temperature), (z / 10,))


def test_softmax_resists_huge_scores_and_masks() -> None:
    z = torch.tensor([[1e30, 0.0, -1e30], [-torch.inf, 2.0, 2.0]])
    torch.testing.assert_close(Softmax(1)(z), torch.tensor([[1.0, 0, 0], [0, 0.5, 0.5]]))


@settings(max_examples=50)
@given(st.lists(st.floats(-20, 20), min_size=2, max_size=6), st.floats(-50, 50), st.floats(0.1, 10))
def test_softmax_ignores_a_shift_and_its_gradient_adds_up_to_zero(scores: list, shift: float, t: float) -> None:
    z = torch.tensor(scores, dtype=torch.float64, requires_grad=True)
    p = Softmax(0, t)(z)
    torch.testing.assert_close(p, Softmax(0, t)(z + shift))
    g = torch.arange(len(scores), dtype=torch.float64)
    assert torch.autograd.grad(p, z, g)[0].sum().item() == pytest.approx(0, abs=1e-9)


# --- Dentro de una red ----------------------------------------------------------------------------------------------


def tiny_problem() -> tuple[torch.Tensor, torch.Tensor]:
    torch.manual_seed(1)
    x = torch.randn(60, 4, dtype=torch.float64)
    return x, (x[:, 0] > 0).long() + (x[:, 1] > 0).long()


@pytest.mark.parametrize("activation", [nn.Tanh(), Tanh(), PReLU()])
def test_train_takes_the_steps_of_sgd(activation: Callable) -> None:
    x, y = tiny_problem()
    torch.manual_seed(2)
    ours = MLP((4, 6, 3), activation).double()
    theirs = MLP((4, 6, 3), nn.PReLU() if isinstance(activation, PReLU) else nn.Tanh()).double()
    theirs.load_state_dict(ours.state_dict())
    optimizer = torch.optim.SGD(theirs.parameters(), lr=0.3)
    torch.manual_seed(3)
    losses = torch.stack(list(train(ours, x, y, 0.3, epochs=3, batch_size=25)))
    torch.manual_seed(3)
    for _ in range(3):
        for rows in torch.randperm(60).split(25):
            optimizer.zero_grad()
            F.cross_entropy(theirs(x[rows]), y[rows]).backward()
            optimizer.step()
    for p, q in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(p, q)
    assert losses.shape == (3,)
    assert losses[-1] < losses[0]


def test_each_copy_trains_with_its_own_rate() -> None:
    x, y = tiny_problem()
    copies = MLP((4, 6, 3), ReLU(), copies=2).double()
    singles = [MLP((4, 6, 3), ReLU()).double() for _ in range(2)]
    for k, single in enumerate(singles):
        for p, q in zip(single.parameters(), copies.parameters(), strict=True):
            p.data.copy_(q[k])
    rates = torch.tensor([0.1, 0.5], dtype=torch.float64)
    torch.manual_seed(4)
    together = list(train(copies, x, y, rates, epochs=2, batch_size=20))[-1]
    for k, single in enumerate(singles):
        torch.manual_seed(4)
        alone = list(train(single, x, y, rates[k].item(), epochs=2, batch_size=20))[-1]
        torch.testing.assert_close(together[k], alone)
        torch.testing.assert_close(copies(x)[k], single(x))


def test_a_unit_of_the_first_layer_that_is_silent_stays_silent() -> None:
    x, y = tiny_problem()
    model = MLP((4, 6, 3), ReLU()).double()
    with torch.no_grad():
        model.biases[0][:2] = -100
    before = [p.detach().clone() for p in (model.weights[0], model.biases[0])]
    list(train(model, x, y, 0.2, epochs=2, batch_size=20))
    assert silent_units(model, x)[0].tolist()[:2] == [True, True]
    for p, old in zip((model.weights[0], model.biases[0]), before, strict=True):
        assert torch.equal(p[:2], old[:2])
        assert not torch.equal(p[2:], old[2:])


def test_pre_activations_and_what_is_counted_on_them() -> None:
    first_layer = (np.array([[1, 0], [0, 1], [-1, -1]]), np.array([0, 0, -9]))
    second_layer = (np.array([[1, 1, 1], [-1, -1, -1]]), np.zeros(2))
    model = from_layers([first_layer, second_layer, (np.ones((1, 2)), np.zeros(1))], Sigmoid())
    x = torch.tensor([[1.0, -2.0], [3.0, 4.0]], dtype=torch.float64)
    first, second = pre_activations(model, x)
    assert first.tolist() == [[1, -2, -8], [3, 4, -16]]
    torch.testing.assert_close(second[:, 0], torch.sigmoid(first).sum(1))
    assert [part.tolist() for part in silent_units(model, x)] == [[False, False, True], [False, True]]
    assert saturation(model, x, below=0.02).tolist() == [0.5, 0.0]  # -8, -16 y 4
    copies = MLP((2, 3, 4, 1), Tanh(), copies=5)
    assert [tuple(part.shape) for part in silent_units(copies, x.float())] == [(5, 3), (5, 4)]
    assert saturation(copies, x.float(), below=2.0).tolist() == [[1] * 5] * 2


# --- Entradas que no valen ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: LeakyReLU(1.0), "negative_slope debe ser al menos 0 y menor que 1; se recibió 1.0"),
        (lambda: LeakyReLU(-0.1), "negative_slope"),
        (lambda: ELU(0), "alpha y scale deben ser positivos"),
        (lambda: ELU(scale=-1), "alpha y scale deben ser positivos"),
        (lambda: GELU("erf"), "approximate debe ser 'none' o 'tanh'; se recibió 'erf'"),
        (lambda: Softmax(0, temperature=0), "temperature debe ser positiva; se recibió 0"),
    ],
)
def test_bad_arguments(wrong: Callable, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        wrong()


def test_integers_are_rejected() -> None:
    with pytest.raises(TypeError, match=r"en coma flotante; se recibió uno de tipo torch\.int64"):
        ReLU()(torch.arange(3))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"y": torch.zeros(3, dtype=torch.int64)},
            r"y debe tener forma \(60,\), una clase por fila de x; tiene \(3,\)",
        ),
        ({"epochs": 0}, "se esperaban positivos; se recibió epochs=0"),
        ({"batch_size": 0}, "batch_size=0"),
        ({"rate": -1.0}, "rate=-1.0"),
    ],
)
def test_train_rejects(change: dict, message: str) -> None:
    x, y = tiny_problem()
    arguments = {"rate": 0.1, "epochs": 1, "batch_size": 10, "x": x, "y": y} | change
    with pytest.raises(ValueError, match=message):
        train(MLP((4, 3)).double(), **arguments)


def test_saturation_needs_a_known_derivative() -> None:
    with pytest.raises(TypeError, match="model debe llevar una Activation; lleva <built-in"):
        saturation(MLP((4, 3, 2), torch.tanh).double(), tiny_problem()[0], below=0.1)


# --- Ejercicios -----------------------------------------------------------------------------------------------------

SLOPES = [0.25, 1, 0, 0.01, 0.5, 0.5]


def with_slope(k: int, value: float) -> list[float]:
    return [value if i == k else slope for i, slope in enumerate(SLOPES)]


def hardswish(z: np.ndarray, low: float = 0, high: float = 1, scale: float = 6) -> tuple[np.ndarray, np.ndarray]:
    gate = np.clip((z + 3) / scale, low, high)
    return z * gate, np.clip((z + 3) / 6, 0, 1) + z * (np.abs(z) < 3) / 6


def in_place(z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    result = hardswish(z.copy())
    z += 1
    return result


def twin(w: np.ndarray, b: np.ndarray, v: np.ndarray, c: np.ndarray) -> tuple[np.ndarray, ...]:
    return 2 * w, 2 * b, 2 * v, c - v.sum(axis=1)


def back(p: np.ndarray, g: np.ndarray, axis: int) -> np.ndarray:
    return p * (g - (p * g).sum(axis=axis, keepdims=True))


def revive(w: np.ndarray, b: np.ndarray, x: np.ndarray, k: int) -> np.ndarray:
    z = x @ w.T + b
    return np.where(z.max(axis=0) <= 0, b - (-np.sort(-z, axis=0))[k], b)


def rebias(level: Callable, dead: Callable = lambda z: z.max(axis=0) <= 0) -> Callable:
    """Una reanimación equivocada: qué sesgo pone y a quién da por muerta."""

    def answer(w: np.ndarray, b: np.ndarray, x: np.ndarray, k: int) -> np.ndarray:
        z = x @ w.T + b
        return np.where(dead(z), level(-np.sort(-z, axis=0), b, k), b)

    return answer


def spoiled(w: np.ndarray, b: np.ndarray, x: np.ndarray, k: int) -> np.ndarray:
    b[:] = revive(w, b, x, k)
    return b


def cross_entropy(scores: np.ndarray, y: np.ndarray, t: float) -> float:
    return F.cross_entropy(torch.from_numpy(scores) / t, torch.from_numpy(y)).item()


def search(scores: np.ndarray, y: np.ndarray) -> float:
    """Dos rejillas, la segunda más fina."""
    grid = np.geomspace(0.1, 10, 60)
    best = min(grid, key=lambda t: cross_entropy(scores, y, t))
    return min(np.geomspace(best / 1.09, best * 1.09, 40), key=lambda t: cross_entropy(scores, y, t))


RIGHT: dict[str, list[object]] = {
    "pendientes": [SLOPES, tuple(SLOPES), [torch.tensor(slope) for slope in SLOPES]],
    "hardswish": [
        hardswish,
        lambda z: [torch.from_numpy(part) for part in hardswish(z)],
        lambda z: (F.hardswish(torch.from_numpy(z)), np.where(z < -3, 0, np.where(z > 3, 1, (2 * z + 3) / 6))),
    ],
    "gemelas": [twin, lambda w, b, v, c: (-2 * w, -2 * b, -2 * v, c + v.sum(axis=1))],
    "vuelta": [back, lambda p, g, axis: p * g - p * np.expand_dims((p * g).sum(axis), axis)],
    "reanimar": [revive, lambda w, b, x, k: torch.from_numpy(revive(w, b, x, k))],
    "temperatura": [search, lambda scores, y: torch.tensor(search(scores, y))],
}

WRONG: dict[str, list[tuple[object, str]]] = {
    "pendientes": [
        (with_slope(0, 0.5), "Eso es σ(0)"),
        (with_slope(0, 0.3), "La pendiente de la sigmoide en 0 no es 0.3"),
        (with_slope(1, 0), "Eso es tanh 0"),
        (with_slope(2, 1), "la pendiente de la derecha"),
        (with_slope(3, -0.03), "Eso es el valor; la pendiente no depende de z"),
        (with_slope(3, 0), "Eso haría la ReLU"),
        (with_slope(4, 0.25), "la derivada de la puerta"),
        (with_slope(4, 0), "deriva el producto"),
        (with_slope(5, -0.5), "no lleva el -1"),
        (SLOPES[:5], "una lista de 6 pendientes; tiene 5"),
    ],
    "hardswish": [
        (lambda z: hardswish(z, low=-9e9), "también hay que hacerlo en 0"),
        (lambda z: hardswish(z, high=9e9), "también hay que hacerlo en 1"),
        (lambda z: hardswish(z, low=-9e9, high=9e9), "Falta recortar la rampa"),
        (lambda z: (6 * hardswish(z)[0], hardswish(z)[1]), "Falta dividir la rampa entre 6"),
        (lambda z: (np.clip((z + 3) / 6, 0, 1), hardswish(z)[1]), "falta multiplicarla por z"),
        (lambda z: (z / (1 + np.exp(-np.clip(z, -50, 50))), hardswish(z)[1]), "y h(z) es"),
        (lambda z: (hardswish(z)[0], np.clip((z + 3) / 6, 0, 1)), "falta un término"),
        (lambda z: (hardswish(z)[0], np.clip((z + 3) / 6, 0, 1) + z / 6), "la rampa es constante"),
        (lambda z: (hardswish(z)[0], np.clip((z + 3) / 6, 0, 1) + (np.abs(z) < 3) / 6), "multiplicada por z"),
        (lambda z: (hardswish(z)[0], np.ones_like(z)), "El valor es correcto; en z ="),
        (lambda z: hardswish(z)[0], "una lista de 2 arreglos"),
        (in_place, "Has modificado el arreglo"),
    ],
    "gemelas": [
        (lambda w, b, v, c: (w, b, 2 * v, c - v.sum(axis=1)), "Falta el 2 de dentro"),
        (lambda w, b, v, c: (2 * w, b, 2 * v, c - v.sum(axis=1)), "también el sesgo b"),
        (lambda w, b, v, c: (2 * w, 2 * b, v, c - v.sum(axis=1)), "Falta el 2 de fuera"),
        (lambda w, b, v, c: (2 * w, 2 * b, 2 * v, c), "Falta el -1 de cada unidad"),
        (lambda w, b, v, c: (2 * w, 2 * b, 2 * v, c + v.sum(axis=1)), "resta en c, no suma"),
        (lambda w, b, v, c: (2 * w, 2 * b, 2 * v, c - 2 * v.sum(axis=1)), "no 2v"),
        (lambda w, b, v, c: (2 * w, 2 * b, 2 * v, c - 1), "multiplicado por su peso v"),
        (lambda w, b, v, c: (w / 2, b / 2, v, c), "Las dos redes no coinciden"),
        (lambda w, b, v, c: (w, b), "una lista de 4 arreglos"),
    ],
    "vuelta": [
        (lambda p, g, axis: p * g, "Falta restar la media"),
        (lambda p, g, axis: p * (1 - p) * g, "solo la diagonal"),
        (lambda p, g, axis: -back(p, g, axis), "El signo está al revés"),
        (lambda p, g, axis: p * (g - (p * g).sum()), "Sumas todos los números"),
        (lambda p, g, axis: back(p, g, -1), "Sumas por otro eje"),
        (lambda p, g, axis: back(p, g, 0), "Sumas por otro eje"),
        (lambda p, g, axis: p * (g - g.mean(axis=axis, keepdims=True)), "con los pesos p"),
        (lambda p, g, axis: g - (p * g).sum(axis=axis, keepdims=True), "no es p·(g - suma de p·g)"),
    ],
    "reanimar": [
        (lambda w, b, x, k: b, "No has cambiado ningún sesgo"),
        (rebias(lambda z, b, k: b - z[k], dead=lambda z: True), "Cambias todos los sesgos"),
        (rebias(lambda z, b, k: b - z[k], dead=lambda z: z.min(axis=0) <= 0), "lo están en todos"),
        (rebias(lambda z, b, k: b - z[k - 1]), "k - 1 ejemplos"),
        (rebias(lambda z, b, k: b - z[::-1][k]), "de menor a mayor"),
        (rebias(lambda z, b, k: b - z[0]), "sigue muerta"),
        (rebias(lambda z, b, k: -z[k]), "parte de b"),
        (rebias(lambda z, b, k: 0 * b), "una unidad muerta se enciende con"),
        (spoiled, "Has modificado los sesgos"),
        (lambda w, b, x, k: revive(w, b, x, k) + 1, "alguna unidad viva"),
    ],
    "temperatura": [
        (lambda scores, y: 1.0, "Devuelves 1"),
        (lambda scores, y: 1 / search(scores, y), "Es la inversa"),
        (lambda scores, y: abs(np.log(search(scores, y))), "falta la exponencial"),
        (lambda scores, y: 0.1, "en un extremo"),
        (lambda scores, y: search(scores, y) * 1.1, "con otra baja a"),
        (lambda scores, y: -search(scores, y), "debe ser positiva"),
    ],
}


(
    test_right_answers_pass,
    test_each_mistake_gets_its_message,
    test_every_exercise_has_right_and_wrong_answers,
) = exercise_tests(comprobar, RIGHT, WRONG)


def test_slopes_left_blank_are_pending() -> None:
    assert comprobar.check("pendientes", [0.25, ..., 0, 0.01, 0.5, ...]).status == "pendiente"
