"""Las pérdidas contra PyTorch, SciPy y diferencias finitas; sus mínimos, su redondeo y los ejercicios."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from respuestas import exercise_tests
from scipy import special, stats
from scipy.optimize import minimize
from torch import Tensor
from torch.nn import functional as F

from profundo.ejercicios.fundamentos.perdidas import comprobar
from profundo.fundamentos.perceptron import augment
from profundo.fundamentos.perdidas import (
    PinballLoss,
    bce_with_logits,
    cross_entropy,
    gaussian_nll,
    huber,
    log_softmax,
    log_sum_exp,
    mae,
    mse,
    nll,
    pinball,
    poisson_nll,
)
from profundo.fundamentos.regresion_lineal import gradient_descent, solve_qr
from profundo.preparacion.numpy import standardize

REDUCTIONS = ("none", "mean", "sum")
reductions = st.sampled_from(REDUCTIONS)
seeds = st.integers(0, 10_000)


def torch_pinball(output: Tensor, target: Tensor, reduction: str) -> Tensor:
    value = torch.maximum(0.8 * (target - output), -0.2 * (target - output))
    return value if reduction == "none" else getattr(value, reduction)()


def torch_gaussian(output: Tensor, target: Tensor, reduction: str, *, full: bool = False) -> Tensor:
    variance = output[..., 1].exp()
    return F.gaussian_nll_loss(output[..., 0], target, variance, eps=1e-30, full=full, reduction=reduction)


# nombre → (la del libro, la de PyTorch, qué datos lleva)
PAIRS: dict[str, tuple[Callable, Callable, str]] = {
    "mse": (mse, lambda o, t, r: F.mse_loss(o, t, reduction=r), "real"),
    "mae": (mae, lambda o, t, r: F.l1_loss(o, t, reduction=r), "real"),
    "huber": (
        lambda o, t, *, reduction: huber(o, t, delta=0.7, reduction=reduction),
        lambda o, t, r: F.huber_loss(o, t, delta=0.7, reduction=r),
        "real",
    ),
    "pinball": (lambda o, t, *, reduction: pinball(o, t, 0.8, reduction=reduction), torch_pinball, "real"),
    "gaussian": (gaussian_nll, torch_gaussian, "pair"),
    "gaussian-full": (
        lambda o, t, *, reduction: gaussian_nll(o, t, full=True, reduction=reduction),
        lambda o, t, r: torch_gaussian(o, t, r, full=True),
        "pair",
    ),
    "poisson": (poisson_nll, lambda o, t, r: F.poisson_nll_loss(o, t, reduction=r), "count"),
    "bce": (bce_with_logits, lambda o, t, r: F.binary_cross_entropy_with_logits(o, t, reduction=r), "share"),
    "nll": (nll, lambda o, t, r: F.nll_loss(o, t, reduction=r), "class"),
    "cross_entropy": (cross_entropy, lambda o, t, r: F.cross_entropy(o, t, reduction=r), "class"),
}


def make(kind: str, seed: int, n: int = 5, scale: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    shape = {"pair": (n, 3, 2), "class": (n, 4)}.get(kind, (n, 3))
    targets = {
        "real": rng.normal(size=(n, 3)),
        "pair": rng.normal(size=(n, 3)),
        "count": rng.poisson(2, size=(n, 3)).astype(float),
        "share": rng.choice([0.0, 0.3, 1.0], size=(n, 3)),
        "class": rng.integers(0, 4, n),
    }
    return scale * rng.normal(size=shape), targets[kind]


# --- Contra PyTorch -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", PAIRS)
@settings(max_examples=25)
@given(seed=seeds, n=st.integers(1, 6), reduction=reductions, scale=st.sampled_from([0.1, 1.0, 5.0]))
def test_values_and_gradients_match_pytorch(name: str, seed: int, n: int, reduction: str, scale: float) -> None:
    ours, theirs, kind = PAIRS[name]
    output, target = make(kind, seed, n, scale)
    value, gradient = ours(output, target, reduction=reduction)
    tensor = torch.tensor(output, requires_grad=True)
    expected = theirs(tensor, torch.from_numpy(target), reduction)
    expected.sum().backward()
    torch.testing.assert_close(torch.from_numpy(np.asarray(value)), expected.detach())
    torch.testing.assert_close(torch.from_numpy(gradient), tensor.grad)


@pytest.mark.parametrize("name", PAIRS)
@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_gradients_match_finite_differences(name: str, reduction: str) -> None:
    ours, _, kind = PAIRS[name]
    output, target = make(kind, 3)
    _, gradient = ours(output, target, reduction=reduction)
    numeric = np.empty_like(output)
    for i in np.ndindex(output.shape):
        step = np.zeros_like(output)
        step[i] = 1e-6
        up, down = (ours(output + s * step, target, reduction=reduction)[0].sum() for s in (1, -1))
        numeric[i] = (up - down) / 2e-6
    np.testing.assert_allclose(gradient, numeric, atol=1e-7)


@pytest.mark.parametrize("name", PAIRS)
def test_float32_stays_float32_and_nothing_changes(name: str) -> None:
    ours, _, kind = PAIRS[name]
    output, target = make(kind, 0)
    output = output.astype(np.float32)
    target = target if kind == "class" else target.astype(np.float32)
    before = output.copy(), target.copy()
    for reduction in REDUCTIONS:
        value, gradient = ours(output, target, reduction=reduction)
        assert value.dtype == gradient.dtype == np.float32
        assert gradient.shape == output.shape
    np.testing.assert_array_equal(output, before[0])
    np.testing.assert_array_equal(target, before[1])


def test_peaks_take_the_subgradient_of_pytorch() -> None:
    zero = np.zeros(3)
    assert mae(zero, zero)[1].tolist() == pinball(zero, zero, 0.9)[1].tolist() == [0, 0, 0]
    np.testing.assert_array_equal(huber(np.array([1.0, -1.0]), np.zeros(2), reduction="sum")[1], [1, -1])


# --- Verosimilitudes ------------------------------------------------------------------------------------------------


def test_losses_are_minus_log_likelihoods() -> None:
    output, target = make("pair", 1)
    expected = -stats.norm.logpdf(target, output[..., 0], np.exp(output[..., 1] / 2))
    np.testing.assert_allclose(gaussian_nll(output, target, full=True, reduction="none")[0], expected)
    output, target = make("count", 1)
    expected = -stats.poisson.logpmf(target, np.exp(output)) - special.gammaln(target + 1)
    np.testing.assert_allclose(poisson_nll(output, target, reduction="none")[0], expected)
    output, target = make("share", 1)
    target = np.round(target)
    expected = -stats.bernoulli.logpmf(target, special.expit(output))
    np.testing.assert_allclose(bce_with_logits(output, target, reduction="none")[0], expected)


def test_two_classes_are_one_question() -> None:
    logits, target = make("class", 2, 20)[0][:, :2], np.arange(20) % 2
    value, gradient = cross_entropy(logits, target, reduction="none")
    binary, slope = bce_with_logits(logits[:, 1] - logits[:, 0], target, reduction="none")
    np.testing.assert_allclose(value, binary)
    np.testing.assert_allclose(gradient, np.stack([-slope, slope], axis=1))


def test_integer_targets_are_welcome_where_they_make_sense() -> None:
    s = np.array([0.5, -1.0])
    np.testing.assert_allclose(bce_with_logits(s, np.array([1, 0]))[0], bce_with_logits(s, np.array([1.0, 0.0]))[0])
    np.testing.assert_allclose(poisson_nll(s, np.array([2, 0]))[0], poisson_nll(s, np.array([2.0, 0.0]))[0])


# --- Qué se predice -------------------------------------------------------------------------------------------------


@settings(max_examples=60)
@given(seed=seeds, n=st.integers(1, 30), q=st.floats(0.02, 0.98))
def test_quantiles_minimize_pinball(seed: int, n: int, q: float) -> None:
    y = np.random.default_rng(seed).exponential(size=n)

    def cost(c: float) -> float:
        return float(pinball(np.full(n, c), y, q)[0])

    best = np.quantile(y, q, method="inverted_cdf")
    assert all(cost(best) <= cost(c) + 1e-12 for c in (*y, best - 0.01, best + 0.01))


@settings(max_examples=30)
@given(seed=seeds, n=st.integers(1, 30))
def test_the_mean_has_zero_slope_and_the_median_balances(seed: int, n: int) -> None:
    y = np.random.default_rng(seed).exponential(size=n)
    np.testing.assert_allclose(mse(np.full(n, y.mean()), y)[1].sum(), 0, atol=1e-12)
    assert abs(mae(np.full(n, np.median(y)), y, reduction="sum")[1].sum()) <= 1
    np.testing.assert_allclose(pinball(np.zeros(n), y, 0.5)[0], mae(np.zeros(n), y)[0] / 2)


def test_pinball_fits_lines_with_the_descent_of_the_linear_chapter() -> None:
    y = np.random.default_rng(0).exponential(size=400)
    w = gradient_descent(np.ones((400, 1)), y, lr=0.05, epochs=2000, loss=PinballLoss(0.9))[-1]
    np.testing.assert_allclose(w[0], np.quantile(y, 0.9), atol=0.02)


# --- Redondeo -------------------------------------------------------------------------------------------------------


@settings(max_examples=60)
@given(seed=seeds, n=st.integers(1, 4), k=st.integers(1, 6), scale=st.sampled_from([1.0, 100.0, 1e4, 1e30]))
def test_log_sum_exp_matches_scipy_and_pytorch(seed: int, n: int, k: int, scale: float) -> None:
    s = scale * np.random.default_rng(seed).normal(size=(n, 2, k))
    np.testing.assert_allclose(log_sum_exp(s), special.logsumexp(s, axis=-1), rtol=1e-13)
    np.testing.assert_allclose(log_sum_exp(s), torch.logsumexp(torch.from_numpy(s), -1).numpy(), rtol=1e-13)
    low, high = s.max(axis=-1), s.max(axis=-1) + np.log(k)
    assert (log_sum_exp(s) >= low - 1e-9).all()
    assert (log_sum_exp(s) <= high + 1e-9 * np.abs(high)).all()
    np.testing.assert_allclose(log_sum_exp(s[0]), s[0, :, 0] - log_softmax(s[0])[:, 0], rtol=1e-12)


@pytest.mark.parametrize("row", [[-np.inf, -np.inf], [-np.inf, 2.0], [np.inf, 1.0], [1000.0, 1000.0], [-1e4, -1e4]])
def test_log_sum_exp_of_extremes(row: list[float]) -> None:
    s = np.array(row)
    np.testing.assert_allclose(log_sum_exp(s), torch.logsumexp(torch.from_numpy(s), -1).item())


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_classification_losses_never_overflow(dtype: type) -> None:
    s: np.ndarray = np.array([[1e4, -1e4, 0], [-1e4, -1e4, -1e4], [3e4, 3e4, 3e4]], dtype=dtype)
    value, gradient = cross_entropy(s, np.array([1, 2, 0]), reduction="none")
    np.testing.assert_allclose(value, [2e4, np.log(3), np.log(3)], rtol=1e-3)
    assert np.isfinite(gradient).all()
    value, gradient = bce_with_logits(np.array([-1e4, 1e4], dtype=dtype), np.array([1.0, 0.0], dtype), reduction="none")
    np.testing.assert_allclose(value, [1e4, 1e4])
    np.testing.assert_allclose(gradient, [-1, 1])


@pytest.mark.parametrize("y", [0.0, 1.0])
def test_bce_keeps_its_digits_in_float32(y: float) -> None:
    s: np.ndarray = np.linspace(-80, 80, 161, dtype=np.float32)
    value = bce_with_logits(s, np.full_like(s, y), reduction="none")[0].astype(float)
    sign = 1 - 2 * y
    np.testing.assert_allclose(value, np.logaddexp(0, sign * s.astype(float)), rtol=1e-5)


# --- Entradas malas -------------------------------------------------------------------------------------------------

V, Y = np.array([0.1, 0.2, 0.3]), np.array([0, 1, 1])
ROWS = np.zeros((3, 2))


@pytest.mark.parametrize(
    ("error", "action", "message"),
    [
        (ValueError, lambda: mse(V[:, None], V), r"misma forma; tienen \(3, 1\) y \(3,\)"),
        (ValueError, lambda: mae(V, V[:2]), r"misma forma; tienen \(3,\) y \(2,\)"),
        (ValueError, lambda: mse(V, V, reduction="media"), r"reduction debe ser .* se recibió 'media'"),  # type: ignore[arg-type]
        (ValueError, lambda: mse(V[:0], V[:0]), r"al menos un dato"),
        (ValueError, lambda: huber(V, V, delta=0), r"delta debe ser positivo; se recibió 0"),
        (ValueError, lambda: pinball(V, V, 1.0), r"q debe estar entre 0 y 1.* se recibió 1\.0"),
        (ValueError, lambda: gaussian_nll(V, V), r"output debe tener forma \(3, 2\).* tiene \(3,\)"),
        (ValueError, lambda: poisson_nll(V, -Y), r"target debe tener conteos.* el menor es -1"),
        (ValueError, lambda: bce_with_logits(V, 2 * Y), r"target debe estar entre 0 y 1; va de 0 a 2"),
        (ValueError, lambda: bce_with_logits(ROWS, Y), r"misma forma; tienen \(3, 2\) y \(3,\)"),
        (TypeError, lambda: cross_entropy(ROWS, V), r"índices de clase enteros; es de tipo float64"),
        (ValueError, lambda: cross_entropy(V, Y), r"forma \(n, k\), uno por clase; tienen \(3,\)"),
        (ValueError, lambda: nll(ROWS, Y[:, None]), r"target debe tener forma \(3,\).* tiene \(3, 1\)"),
        (ValueError, lambda: nll(ROWS, Y + 1), r"target debe ir de 0 a 1; va de 1 a 2"),
        (ValueError, lambda: cross_entropy(ROWS, Y - 1), r"target debe ir de 0 a 1; va de -1 a 0"),
    ],
)
def test_bad_input_is_explained(error: type[Exception], action: Callable[[], object], message: str) -> None:
    with pytest.raises(error, match=message):
        action()


# --- Ejercicios -----------------------------------------------------------------------------------------------------


def smoothed(logits: np.ndarray, y: np.ndarray, eps: float) -> float:
    log_p = special.log_softmax(logits, axis=1)
    return float(np.mean(-(1 - eps) * log_p[np.arange(len(y)), y] - eps * log_p.mean(axis=1)))


def smoothed_from_probabilities(logits: np.ndarray, y: np.ndarray, eps: float) -> float:
    log_p = np.log(np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True))
    return float(np.mean(-(1 - eps) * log_p[np.arange(len(y)), y] - eps * log_p.mean(axis=1)))


def uncertain_line(x: np.ndarray, y: np.ndarray, x_new: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Media y logaritmo de la varianza lineales, por máxima verosimilitud."""
    z, z_new = (augment(standardize(part, x)) for part in (x, x_new))
    start = np.array([y.mean(), np.log(y.var())])

    def objective(flat: np.ndarray) -> tuple[float, np.ndarray]:
        value, gradient = gaussian_nll(z @ flat.reshape(2, -1).T + start, y)
        return float(value) + 1e-3 * flat @ flat, (gradient.T @ z).ravel() + 2e-3 * flat

    w = minimize(objective, np.zeros(2 * z.shape[1]), jac=True, method="L-BFGS-B").x
    output = z_new @ w.reshape(2, -1).T + start
    return output[:, 0], np.exp(output[:, 1] / 2)


def flat_line(x: np.ndarray, y: np.ndarray, x_new: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    z, z_new = (augment(standardize(part, x)) for part in (x, x_new))
    w = solve_qr(z, y)
    return z_new @ w, np.full(len(x_new), np.std(z @ w - y))


def reserve(samples: np.ndarray, short: float, over: float) -> float:
    return float(np.quantile(samples, short / (short + over)))


def sorted_in_place(samples: np.ndarray, short: float, over: float) -> float:
    samples.sort()
    return float(samples[int(short / (short + over) * len(samples))])


CHOICES = [
    "HuberLoss",
    "BCEWithLogitsLoss",
    "CrossEntropyLoss",
    "BCEWithLogitsLoss",
    "PoissonNLLLoss",
    "GaussianNLLLoss",
]


def choose(k: int, name: object) -> list[object]:
    return [*CHOICES[:k], name, *CHOICES[k + 1 :]]


RIGHT: dict[str, list[object]] = {
    "elegir": [CHOICES, ["nn.L1Loss", *CHOICES[1:]], tuple(choose(2, "torch.nn.CrossEntropyLoss"))],
    "reserva": [
        reserve,
        lambda s, short, over: np.sort(s)[int(np.ceil(short / (short + over) * len(s))) - 1],
        lambda s, short, over: torch.tensor(reserve(s, short, over)),
    ],
    "log_sigmoide": [
        lambda s: np.minimum(s, 0) - np.log1p(np.exp(-np.abs(s))),
        lambda s: -np.logaddexp(np.float32(0), -s),
        lambda s: F.logsigmoid(torch.from_numpy(s)),
    ],
    "espera": [
        lambda o, y: (np.exp(o) * y - o, np.exp(o) * y - 1),
        lambda o, y: [(np.exp(o) * y - o).tolist(), (np.exp(o) * y - 1).tolist()],
        lambda o, y: (-stats.expon.logpdf(y, scale=np.exp(-o)), y * np.exp(o) - 1),
    ],
    "suavizado": [
        smoothed,
        lambda s, y, eps: F.cross_entropy(torch.from_numpy(s), torch.from_numpy(y), label_smoothing=eps),
        lambda s, y, eps: np.float64(smoothed(s, y, eps)),
    ],
    "proyecto": [uncertain_line, lambda *data: [values.tolist() for values in uncertain_line(*data)]],
}

WRONG: dict[str, list[tuple[object, str]]] = {
    "elegir": [
        (choose(0, "MSELoss"), "Para la temperatura, MSELoss no: un sensor"),
        (choose(0, "NLLLoss"), "es un número con algunos datos absurdos"),
        (choose(1, "BCELoss"), "sin perder cifras"),
        (choose(1, "CrossEntropyLoss"), "softmax siempre da 1"),
        (choose(2, "NLLLoss"), "recibe logaritmos de probabilidades"),
        (choose(2, "BCEWithLogitsLoss"), "se excluyen"),
        (choose(3, "CrossEntropyLoss"), "reparte una sola unidad"),
        (choose(4, "MSELoss"), "no sabe que es un conteo"),
        (choose(5, "MSELoss"), "cuánto duda"),
        (choose(3, 3), "el nombre de la clase"),
        (CHOICES[:5], "una lista de 6 nombres"),
    ],
    "reserva": [
        (lambda s, short, over: s.mean(), "Esa es la media"),
        (lambda s, short, over: np.median(s), "Esa es la mediana"),
        (lambda s, short, over: np.quantile(s, over / (short + over)), "Cambiaste los costes"),
        (lambda s, short, over: s.max(), "nunca falta"),
        (lambda s, short, over: short / (short + over), "el nivel del cuantil"),
        (lambda s, short, over: 1.0, "veces el mínimo"),
        (sorted_in_place, "Modificaste las muestras"),
        (lambda s, short, over: s, "la cantidad tuviera forma ()"),
    ],
    "log_sigmoide": [
        (lambda s: np.log(1 / (1 + np.exp(-s))), "algo desborda"),
        (lambda s: np.minimum(s, 0) - np.log(1 + np.exp(-np.abs(s))), "al sumar 1 se pierden"),
        (lambda s: np.log(np.clip(1 / (1 + np.exp(-s)), 1e-7, 1)), "¿Recortas?"),
        (lambda s: np.exp(-np.logaddexp(0, -s)), "falta el logaritmo"),
        (lambda s: np.logaddexp(0, -s), "nunca es positivo"),
        (lambda s: -np.logaddexp(0, s), "ln σ(−s)"),
        (lambda s: np.zeros_like(s), "Con s = 4"),
        (lambda s: 0.0, "ln σ(s) tuviera forma"),
        (lambda s: np.minimum(s, 0, out=s) - 1, "Modificaste `s`"),
    ],
    "espera": [
        (lambda o, y: (o - np.exp(o) * y, 1 - np.exp(o) * y), "el signo al revés: es menos"),
        (lambda o, y: (np.exp(o) * y, np.exp(o) * y), "Falta −ln λ"),
        (lambda o, y: (y / np.exp(o) + o, 1 - y / np.exp(o)), "no la espera media"),
        (lambda o, y: (np.exp(o) - y * o, np.exp(o) - y), "Eso es Poisson"),
        (lambda o, y: (np.exp(o) * np.exp(-np.exp(o) * y), o), "Esa es la densidad"),
        (lambda o, y: (o, o), "La pérdida no es"),
        (lambda o, y: (np.exp(o) * y - o, np.exp(-o) - y), "no vale aquí"),
        (lambda o, y: (np.exp(o) * y - o, 1 - np.exp(o) * y), "El gradiente tiene el signo"),
        (lambda o, y: (np.exp(o) * y - o, y - np.exp(-o)), "falta la cadena"),
        (lambda o, y: (np.exp(o) * y - o, o), "diferencia pequeña"),
        (lambda o, y: (np.mean(np.exp(o) * y - o), np.exp(o) * y - 1), "una pérdida por dato"),
        (lambda o, y: np.exp(o) * y - o, "Se esperaban dos arreglos"),
    ],
    "suavizado": [
        (lambda s, y, eps: len(y) * smoothed(s, y, eps), "Es la suma"),
        (lambda s, y, eps: smoothed(s, y, 0), "No suavizas"),
        (lambda s, y, eps: smoothed(s, y, eps * s.shape[1] / (s.shape[1] - 1)), "también la correcta"),
        (lambda s, y, eps: (1 - eps) * smoothed(s, y, 0), "no suma 1"),
        (smoothed_from_probabilities, "desborda"),
        (lambda s, y, eps: 1.0, "Se esperaba"),
        (lambda s, y, eps: np.zeros(len(y)), "la pérdida tuviera forma ()"),
    ],
    "proyecto": [
        (flat_line, "¿Cambia tu desviación?"),
        (lambda *d: (uncertain_line(*d)[0], 2 * np.log(uncertain_line(*d)[1])), "no son positivas"),
        (lambda *d: (uncertain_line(*d)[0], 0.4 * uncertain_line(*d)[1]), "Demasiada confianza"),
        (lambda *d: (uncertain_line(*d)[0], 3 * uncertain_line(*d)[1]), "Demasiada duda"),
        (lambda x, y, x_new: (np.full(len(x_new), y.mean()), np.full(len(x_new), y.std())), "¿Y las unidades?"),
        (lambda *d: uncertain_line(*d)[0], "Se esperaban dos arreglos"),
    ],
}

(
    test_right_answers_pass,
    test_each_mistake_gets_its_message,
    test_every_exercise_has_right_and_wrong_answers,
) = exercise_tests(comprobar, RIGHT, WRONG)
