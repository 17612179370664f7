"""La clasificación lineal contra PyTorch, scikit-learn y el gradiente numérico; sus teoremas y sus ejercicios."""

from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from respuestas import exercise_tests
from sklearn.calibration import calibration_curve
from sklearn.linear_model import LogisticRegression as SklearnLogistic
from torch.nn import functional as F

from profundo.ejercicios.fundamentos.clasificacion_lineal import comprobar
from profundo.fundamentos.clasificacion_lineal import (
    LogisticRegression,
    SoftmaxRegression,
    calibration_error,
    chance_calibration_error,
    gradient_descent,
    log_softmax,
    logistic_loss,
    reliability,
    safe_rate,
    sigmoid,
    softmax,
    softmax_loss,
    squared_loss,
)
from profundo.fundamentos.perceptron import augment, best_separator, make_separable

SEEDS = range(4)


def noisy(seed: int, n: int = 60, d: int = 3, k: int = 2) -> tuple[np.ndarray, np.ndarray]:
    """``k`` clases que se solapan; todas aparecen."""
    rng = np.random.default_rng(seed)
    x, w = rng.normal(size=(n, d)), rng.normal(size=(d, k))
    y = (x @ w + 2 * rng.gumbel(size=(n, k))).argmax(axis=1)
    y[:k] = np.arange(k)
    return x, y


def numeric_gradient(loss: Callable[[np.ndarray], tuple[float, np.ndarray]], w: np.ndarray) -> np.ndarray:
    gradient, step = np.empty_like(w), 1e-6
    for index in np.ndindex(w.shape):
        move = np.zeros_like(w)
        move[index] = step
        gradient[index] = (loss(w + move)[0] - loss(w - move)[0]) / (2 * step)
    return gradient


# --- Contra otras implementaciones ----------------------------------------------------------------------------------


@pytest.mark.parametrize("scale", [1.0, 30.0, 2000.0])
def test_probabilities_match_pytorch(scale: float) -> None:
    s = scale * np.random.default_rng(0).normal(size=(20, 4))
    tensor = torch.from_numpy(s)
    torch.testing.assert_close(torch.from_numpy(sigmoid(s)), torch.sigmoid(tensor))
    torch.testing.assert_close(torch.from_numpy(softmax(s)), tensor.softmax(1))
    torch.testing.assert_close(torch.from_numpy(log_softmax(s)), tensor.log_softmax(1))


@pytest.mark.parametrize("l2", [0.0, 0.3])
@pytest.mark.parametrize("scale", [1.0, 500.0])
@pytest.mark.parametrize("seed", SEEDS)
def test_logistic_loss_matches_autograd(seed: int, scale: float, l2: float) -> None:
    x, y = noisy(seed)
    x = augment(scale * x)
    w = torch.randn(4, dtype=torch.float64, requires_grad=True)
    expected = F.binary_cross_entropy_with_logits(torch.from_numpy(x) @ w, torch.from_numpy(y).double())
    expected = expected + l2 / 2 * (w[1:] ** 2).sum()
    expected.backward()
    value, gradient = logistic_loss(w.detach().numpy(), x, y, l2=l2)
    torch.testing.assert_close(value, expected.item())
    torch.testing.assert_close(torch.from_numpy(gradient), w.grad)


def test_logistic_loss_keeps_the_digits_of_a_small_surprise() -> None:
    """Con puntajes grandes y acertados la pérdida es diminuta, no cero, en las dos clases."""
    for label in (0, 1):
        value, _ = logistic_loss(np.array([0.0, 1.0]), np.array([[1.0, 60.0 * (2 * label - 1)]]), np.array([label]))
        assert value == pytest.approx(np.exp(-60), rel=1e-12)


@pytest.mark.parametrize("l2", [0.0, 0.3])
@pytest.mark.parametrize("scale", [1.0, 500.0])
@pytest.mark.parametrize("seed", SEEDS)
def test_softmax_loss_matches_autograd(seed: int, scale: float, l2: float) -> None:
    x, y = noisy(seed, k=4)
    x = augment(scale * x)
    w = torch.randn(4, 4, dtype=torch.float64, requires_grad=True)
    expected = F.cross_entropy(torch.from_numpy(x) @ w.T, torch.from_numpy(y)) + l2 / 2 * (w[:, 1:] ** 2).sum()
    expected.backward()
    value, gradient = softmax_loss(w.detach().numpy(), x, y, l2=l2)
    torch.testing.assert_close(value, expected.item())
    torch.testing.assert_close(torch.from_numpy(gradient), w.grad)


@pytest.mark.parametrize("seed", SEEDS)
def test_squared_loss_matches_autograd(seed: int) -> None:
    x, y = noisy(seed)
    x = augment(x)
    w = torch.randn(4, dtype=torch.float64, requires_grad=True)
    expected = F.mse_loss(torch.sigmoid(torch.from_numpy(x) @ w), torch.from_numpy(y).double())
    expected.backward()
    value, gradient = squared_loss(w.detach().numpy(), x, y)
    torch.testing.assert_close(value, expected.item())
    torch.testing.assert_close(torch.from_numpy(gradient), w.grad)


@pytest.mark.parametrize(
    ("loss", "shape"),
    [
        (partial(logistic_loss, l2=0.2), (4,)),
        (squared_loss, (4,)),
        (partial(softmax_loss, l2=0.2), (2, 4)),
    ],
)
def test_gradients_match_finite_differences(loss: Callable, shape: tuple[int, ...]) -> None:
    x, y = noisy(5)
    loss = partial(loss, x=augment(x), y=y)
    w = np.random.default_rng(1).normal(size=shape)
    np.testing.assert_allclose(loss(w)[1], numeric_gradient(loss, w), atol=1e-8)


def test_descent_is_the_one_of_pytorch() -> None:
    x, y = noisy(2, k=3)
    x = augment(x)
    history = gradient_descent(partial(softmax_loss, x=x, y=y, l2=0.1), np.zeros((3, 4)), rate=0.4, steps=30)
    weights = torch.zeros(3, 4, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.SGD([weights], lr=0.4)
    for t in range(30):
        torch.testing.assert_close(weights.detach(), torch.from_numpy(history[t]))
        optimizer.zero_grad()
        penalty = 0.05 * (weights[:, 1:] ** 2).sum()
        (F.cross_entropy(torch.from_numpy(x) @ weights.T, torch.from_numpy(y)) + penalty).backward()
        optimizer.step()
    torch.testing.assert_close(weights.detach(), torch.from_numpy(history[30]))


@pytest.mark.parametrize("l2", [1e-3, 0.1, 3.0])
@pytest.mark.parametrize("seed", SEEDS)
def test_logistic_regression_matches_scikit_learn(seed: int, l2: float) -> None:
    x, y = noisy(seed)
    ours = LogisticRegression(l2=l2, tol=1e-8).fit(x, y)
    theirs = SklearnLogistic(C=1 / (len(y) * l2), tol=1e-10, max_iter=1000).fit(x, y)
    np.testing.assert_allclose(ours.w, theirs.coef_[0], atol=1e-5)
    np.testing.assert_allclose(ours.b, theirs.intercept_[0], atol=1e-5)
    np.testing.assert_allclose(ours.decision_function(x), theirs.decision_function(x), atol=1e-4)
    np.testing.assert_allclose(ours.predict_proba(x), theirs.predict_proba(x)[:, 1], atol=1e-5)
    np.testing.assert_array_equal(ours.predict(x), theirs.predict(x))
    assert ours.converged


@pytest.mark.parametrize("l2", [1e-3, 0.1])
@pytest.mark.parametrize("seed", SEEDS)
def test_softmax_regression_matches_scikit_learn(seed: int, l2: float) -> None:
    x, y = noisy(seed, n=90, k=4)
    ours = SoftmaxRegression(l2=l2, tol=1e-8).fit(x, y)
    theirs = SklearnLogistic(C=1 / (len(y) * l2), tol=1e-10, max_iter=1000).fit(x, y)
    np.testing.assert_allclose(ours.weight, theirs.coef_, atol=1e-5)
    np.testing.assert_allclose(ours.predict_proba(x), theirs.predict_proba(x), atol=1e-5)
    np.testing.assert_array_equal(ours.predict(x), theirs.predict(x))
    assert ours.weight.shape == (4, 3)
    assert ours.bias.shape == (4,)


def test_reliability_matches_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    p = rng.random(500)
    hit = (rng.random(500) < p) * 1.0
    count, promised, kept = reliability(p, hit, bins=8)
    expected_kept, expected_promised = calibration_curve(hit, p, n_bins=8)
    np.testing.assert_allclose(promised, expected_promised)
    np.testing.assert_allclose(kept, expected_kept)
    assert count.sum() == 500


# --- Lo que dicen los teoremas --------------------------------------------------------------------------------------


@settings(max_examples=15)
@given(seed=st.integers(0, 10_000), l2=st.sampled_from([0.0, 0.5]), scale=st.floats(0.1, 20))
def test_a_safe_step_never_raises_the_loss(seed: int, l2: float, scale: float) -> None:
    x, y = noisy(seed, n=20)
    x = augment(scale * x)
    loss = partial(logistic_loss, x=x, y=y, l2=l2)
    start = np.random.default_rng(seed).normal(size=4)
    for factor in (1, 2):  # la demostración permite el doble de la tasa segura
        path = gradient_descent(loss, start, rate=factor * safe_rate(x, l2=l2), steps=15)
        values = np.array([loss(w)[0] for w in path])
        assert (np.diff(values) <= 1e-9 * values[:-1]).all()


def test_safe_rate_is_the_inverse_of_the_largest_curvature() -> None:
    x, y = noisy(1)
    x = augment(x)
    inputs, targets = torch.from_numpy(x), torch.from_numpy(y).double()
    hessian = torch.autograd.functional.hessian(
        lambda w: F.binary_cross_entropy_with_logits(inputs @ w, targets), torch.zeros(4, dtype=torch.float64)
    )
    # En w = 0 todas las probabilidades valen 1/2 y la cota se alcanza.
    np.testing.assert_allclose(1 / safe_rate(x), torch.linalg.eigvalsh(hessian)[-1].item())


def test_softmax_loss_is_convex_and_flat_along_shared_shifts() -> None:
    x, y = noisy(3, k=3)
    x = augment(x)
    inputs, targets = torch.from_numpy(x), torch.from_numpy(y)
    hessian = torch.autograd.functional.hessian(
        lambda w: F.cross_entropy(inputs @ w.view(3, 4).T, targets), torch.randn(12, dtype=torch.float64)
    )
    values = torch.linalg.eigvalsh(hessian)
    assert values.min() > -1e-12
    assert (values < 1e-12).sum() == 4  # tantas direcciones planas como coordenadas: solo importan las diferencias


@settings(max_examples=30)
@given(seed=st.integers(0, 10_000), shift=st.floats(-1e3, 1e3))
def test_softmax_ignores_a_shared_shift(seed: int, shift: float) -> None:
    s = np.random.default_rng(seed).normal(size=(5, 4))
    np.testing.assert_allclose(softmax(s + shift), softmax(s), rtol=1e-9)
    np.testing.assert_allclose(softmax(s).sum(axis=1), 1)
    np.testing.assert_allclose(sigmoid(-s), 1 - sigmoid(s), atol=1e-12)


@pytest.mark.parametrize("seed", SEEDS)
def test_two_classes_are_a_logistic_regression(seed: int) -> None:
    x, y = noisy(seed)
    x = augment(x)
    w = np.random.default_rng(seed).normal(size=(2, 4))
    value, gradient = softmax_loss(w, x, y)
    expected, expected_gradient = logistic_loss(w[1] - w[0], x, y)
    np.testing.assert_allclose(value, expected)
    np.testing.assert_allclose(gradient, [-expected_gradient, expected_gradient], atol=1e-12)


def test_descent_keeps_the_sum_of_rows_and_the_penalty_removes_it() -> None:
    x, y = noisy(0, k=3)
    x, start = augment(x), np.random.default_rng(0).normal(size=(3, 4))
    free = gradient_descent(partial(softmax_loss, x=x, y=y), start, rate=0.3, steps=200)
    np.testing.assert_allclose(free.sum(axis=1), np.tile(start.sum(axis=0), (201, 1)), atol=1e-9)
    tied = gradient_descent(partial(softmax_loss, x=x, y=y, l2=0.2), start, rate=0.3, steps=400)
    np.testing.assert_allclose(tied[-1].sum(axis=0)[1:], 0, atol=1e-6)
    np.testing.assert_allclose(tied[-1].sum(axis=0)[0], start.sum(axis=0)[0])


@pytest.mark.parametrize("seed", [0, 1])
def test_without_a_minimum_the_weights_grow_towards_the_best_separator(seed: int) -> None:
    x, t = make_separable(40, 2, gamma=0.2, seed=seed)
    y = (t + 1) // 2
    loss = partial(logistic_loss, x=x, y=y)
    path = gradient_descent(loss, np.zeros(2), rate=safe_rate(x), steps=2000)
    norms = np.linalg.norm(path, axis=1)
    assert (np.diff(norms[1:]) > 0).all()
    best, _ = best_separator(x, t)
    cosines = path[[1, 10, 100, 2000]] @ best / norms[[1, 10, 100, 2000]]
    assert cosines[-1] > 0.98
    assert cosines[-1] >= cosines[0]


def test_the_penalty_brings_the_minimum_back() -> None:
    x, t = make_separable(40, 2, gamma=0.2, seed=1)
    y = (t + 1) // 2
    lengths = [np.linalg.norm(LogisticRegression(l2=l2, tol=1e-7).fit(x, y).w) for l2 in (1.0, 0.1, 0.01, 0.001)]
    assert (np.diff(lengths) > 0).all()
    stopped = [np.linalg.norm(LogisticRegression(tol=tol).fit(x, y).w) for tol in (1e-2, 1e-4, 1e-6)]
    assert stopped[2] > 2 * stopped[0]  # sin penalización, la tolerancia decide


@pytest.mark.parametrize("l2", [0.0, 0.5])
def test_average_probability_is_the_proportion_of_the_class(l2: float) -> None:
    x, y = noisy(4, n=80, k=3)
    p = SoftmaxRegression(l2=l2, tol=1e-8).fit(x, y).predict_proba(x)
    np.testing.assert_allclose(p.mean(axis=0), np.bincount(y) / len(y), atol=1e-6)


# --- Calibración ----------------------------------------------------------------------------------------------------


def test_calibration_error_by_hand() -> None:
    p, hit = np.array([0.6, 0.8, 0.1, 0.0]), np.array([1.0, 0.0, 0.0, 0.0])
    count, promised, kept = reliability(p, hit, bins=2)
    assert count.tolist() == [2, 2]
    np.testing.assert_allclose(promised, [0.05, 0.7])
    np.testing.assert_allclose(kept, [0, 0.5])
    np.testing.assert_allclose(calibration_error(p, hit, bins=2), 0.5 * 0.05 + 0.5 * 0.2)


def test_bins_include_their_right_end_and_may_be_empty() -> None:
    count, promised, kept = reliability(np.array([0.0, 0.25, 0.5, 1.0]), np.array([0.0, 1.0, 0.0, 1.0]), bins=4)
    assert count.tolist() == [2, 1, 0, 1]
    assert np.isnan(promised[2])
    assert np.isnan(kept[2])
    np.testing.assert_allclose(calibration_error(np.array([1.0, 0.0]), np.array([1.0, 0.0]), bins=50), 0)


def test_chance_error_is_what_a_perfect_model_gets() -> None:
    p = np.random.default_rng(0).random(2000)
    chance = chance_calibration_error(p, repeats=100, seed=1)
    np.testing.assert_array_equal(chance, chance_calibration_error(p, repeats=100, seed=1))
    assert 0 < chance.mean() < 0.05
    assert chance_calibration_error(p, bins=100, repeats=20).mean() > 2 * chance.mean()
    perfect = (np.random.default_rng(7).random(2000) < p) * 1.0
    assert calibration_error(p, perfect) < np.quantile(chance, 0.999)
    assert calibration_error(p, (p > 0.5) * 1.0) > chance.max()  # acierta más de lo que dice


# --- Entradas malas -------------------------------------------------------------------------------------------------

X, Y = noisy(0, n=6, d=2)
P = np.array([0.2, 0.9])


@pytest.mark.parametrize(
    ("action", "message"),
    [
        (lambda: logistic_loss(np.zeros(2), X, 2 * Y - 1), r"y debe ir de 0 a 1; contiene \[-1, 1\]"),
        (lambda: logistic_loss(np.zeros(3), X, Y), r"w debe tener forma \(2,\).*tiene \(3,\)"),
        (lambda: logistic_loss(np.zeros(2), X, Y[:3]), r"y debe tener forma \(6,\).*tiene \(3,\)"),
        (lambda: logistic_loss(np.zeros(2), X, Y, l2=-1.0), r"l2 no puede ser negativo; se recibió -1\.0"),
        (lambda: squared_loss(np.zeros(2), X, Y + 1), r"y debe ir de 0 a 1"),
        (lambda: softmax_loss(np.zeros((2, 3)), X, Y), r"w debe tener forma \(2, 2\).*tiene \(2, 3\)"),
        (lambda: softmax_loss(np.zeros((2, 2)), X, Y + 1), r"y debe ir de 0 a 1; contiene \[1, 2\]"),
        (lambda: softmax_loss(np.zeros((2, 2)), X[:0], Y[:0]), r"x debe tener forma \(n, p\).*tiene \(0, 2\)"),
        (lambda: safe_rate(X, l2=-1.0), r"l2 >= 0.*llegaron -1\.0"),
        (lambda: safe_rate(np.zeros((3, 2))), r"x no nula"),
        (lambda: gradient_descent(lambda w: (0.0, w), X[0], rate=0.0, steps=3), r"rate > 0.*rate=0\.0"),
        (lambda: gradient_descent(lambda w: (0.0, w), X[0], rate=1.0, steps=-1), r"steps >= 0.*steps=-1"),
        (lambda: LogisticRegression().predict(X), r"llama antes a fit"),
        (lambda: LogisticRegression().fit(X, Y).predict(X[:, :1]), r"x debe tener forma \(n, 2\).*tiene \(6, 1\)"),
        (lambda: LogisticRegression().fit(X, Y + 1), r"y debe ir de 0 a 1"),
        (lambda: SoftmaxRegression().predict_proba(X), r"llama antes a fit"),
        (lambda: SoftmaxRegression().fit(X, Y - 1), r"enteros desde 0 y al menos dos clases"),
        (lambda: SoftmaxRegression().fit(X, 0 * Y), r"enteros desde 0 y al menos dos clases"),
        (lambda: SoftmaxRegression().fit(np.full((6, 2), np.nan), Y), r"hay inf o nan"),
        (lambda: reliability(P, np.array([1.0])), r"la misma forma \(n,\).*\(2,\) y \(1,\)"),
        (lambda: reliability(P + 0.5, P), r"p debe estar entre 0 y 1; va de 0\.7 a 1\.4"),
        (lambda: reliability(P, P, bins=0), r"bins debe ser al menos 1; se recibió 0"),
    ],
)
def test_bad_input_is_explained(action: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        action()


def test_fit_leaves_the_data_alone_and_reports_when_it_runs_out() -> None:
    x, y = noisy(0, k=3)
    before = x.copy(), y.copy()
    model = SoftmaxRegression(l2=0.1).fit(x, y)
    assert model.converged
    assert not SoftmaxRegression(max_iter=2).fit(x, y).converged
    np.testing.assert_array_equal(x, before[0])
    np.testing.assert_array_equal(y, before[1])


# --- Ejercicios -----------------------------------------------------------------------------------------------------


def logit(p: float) -> float:
    return float(np.log(p / (1 - p)))


def entropy(p: np.ndarray, y: np.ndarray) -> float:
    return float(-np.log(p[np.arange(len(y)), y]).mean())


def entropy_with_zeros(p: np.ndarray, y: np.ndarray) -> float:
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(-(np.eye(p.shape[1])[y] * np.log(p)).sum() / len(y))


def softmax_gradient(w: np.ndarray, x: np.ndarray, y: np.ndarray, *, sign: float = 1.0) -> np.ndarray:
    return sign * (softmax(x @ w.T) - np.eye(len(w))[y]).T @ x / len(y)


def naive_gradient(w: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    with np.errstate(over="ignore", invalid="ignore"):
        e = np.exp(x @ w.T)
        return (e / e.sum(axis=1, keepdims=True) - np.eye(len(w))[y]).T @ x / len(y)


def groups(p: np.ndarray, hit: np.ndarray, bins: int) -> tuple[np.ndarray, np.ndarray]:
    """Diferencias y proporciones de los tramos con predicciones."""
    count, promised, kept = reliability(p, hit, bins=bins)
    return np.abs(promised - kept)[count > 0], count[count > 0] / len(p)


def left_closed(p: np.ndarray, hit: np.ndarray, bins: int) -> float:
    index = np.minimum((p * bins).astype(int), bins - 1)
    return float(sum(abs((p - hit)[index == b].sum()) for b in range(bins)) / len(p))


def empty_bins(p: np.ndarray, hit: np.ndarray, bins: int) -> float:
    index = np.maximum(np.ceil(p * bins).astype(int) - 1, 0)
    with np.errstate(invalid="ignore"):
        return float(
            sum(
                np.float64((index == b).sum()) / len(p) * abs((p - hit)[index == b].sum() / np.float64(sum(index == b)))
                for b in range(bins)
            )
        )


def digits(l2: float, x: np.ndarray, y: np.ndarray, t: np.ndarray) -> np.ndarray:
    return SoftmaxRegression(l2=l2, tol=1e-3).fit(x, y).predict_proba(t)


def quick(x: np.ndarray, y: np.ndarray, t: np.ndarray) -> np.ndarray:
    """Unas pocas iteraciones: basta para los errores de forma."""
    return SoftmaxRegression(max_iter=5).fit(x, y).predict_proba(t)


def wide(p: np.ndarray, cost: np.ndarray) -> np.ndarray:
    """Traspone los costes si son cuadrados."""
    return (p @ (cost.T if cost.shape[0] == cost.shape[1] else cost)).argmin(axis=1)


RIGHT: dict[str, list[object]] = {
    "inversa": [
        lambda w, b, pi: (np.log(pi / (1 - pi)) - b) / w,
        lambda w, b, pi: torch.tensor((logit(pi) - b) / w, dtype=torch.float64, requires_grad=True),
    ],
    "entropia": [
        entropy,
        lambda p, y: F.nll_loss(torch.from_numpy(p).clamp(min=1e-300).log(), torch.from_numpy(y)),
        lambda p, y: sum(-np.log(row[c]) for row, c in zip(p, y, strict=True)) / len(y),
    ],
    "gradiente": [softmax_gradient, lambda w, x, y: softmax_gradient(w, x, y).tolist()],
    "decision": [
        lambda p, cost: (p @ cost).argmin(axis=1),
        lambda p, cost: [min(range(cost.shape[1]), key=lambda j: row @ cost[:, j]) for row in p],
    ],
    "ece": [
        lambda p, hit, bins: calibration_error(p, hit, bins=bins),
        lambda p, hit, bins: float(np.dot(*groups(p, hit, bins))),
    ],
    "cifras": [lambda *data: digits(0.005, *data).tolist()],
}

WRONG: dict[str, list[tuple[object, str]]] = {
    "inversa": [
        (lambda w, b, pi: (pi - b) / w, "Igualas la probabilidad al puntaje"),
        (lambda w, b, pi: logit(pi) / w, "Falta el sesgo"),
        (lambda w, b, pi: (logit(pi) + b) / w, "El signo de b"),
        (lambda w, b, pi: logit(pi) / w - b, "antes de dividir"),
        (lambda w, b, pi: (logit(pi) - b) * w, "hay que dividir"),
        (lambda w, b, pi: (-logit(pi) - b) / w, "La razón está al revés"),
        (lambda w, b, pi: (np.log(pi) - b) / w, "Usas ln π"),
        (lambda w, b, pi: (pi / (1 - pi) - b) / w, "Falta el logaritmo"),
        (lambda w, b, pi: (np.log10(pi / (1 - pi)) - b) / w, "no np.log10"),
        (lambda w, b, pi: (np.log2(pi / (1 - pi)) - b) / w, "no np.log2"),
        (lambda w, b, pi: (1 / (1 + np.exp(-pi)) - b) / w, "hace falta su inversa"),
        (lambda w, b, pi: 0.5, "en ella la probabilidad es"),
        (lambda w, b, pi: [1.0, 2.0], "la medida tuviera forma"),
    ],
    "entropia": [
        (lambda p, y: -entropy(p, y), "Falta el signo menos"),
        (lambda p, y: len(y) * entropy(p, y), "Es una media"),
        (lambda p, y: entropy(p, y) / p.shape[1], "Promedias también sobre las clases"),
        (lambda p, y: entropy(p, y) / np.log(2), "Eso son bits"),
        (lambda p, y: entropy(p, y) / np.log(10), "no np.log10"),
        (lambda p, y: entropy(p, p.argmax(axis=1)), "Tomas la mayor probabilidad"),
        (lambda p, y: p[np.arange(len(y)), y].mean(), "Falta el logaritmo"),
        (lambda p, y: -np.log(p[np.arange(len(y)), y].mean()), "Promedias antes del logaritmo"),
        (lambda p, y: 1 - p[np.arange(len(y)), y].mean(), "la probabilidad media de fallar"),
        (lambda p, y: entropy(p, y) * len(y) / p.shape[1], "Divides entre el número de clases"),
        (entropy_with_zeros, "Sale inf o nan"),
        (lambda p, y: 1.0, "se esperaba"),
        (lambda p, y: -np.log(p[np.arange(len(y)), y]), "la pérdida tuviera forma"),
    ],
    "gradiente": [
        (lambda w, x, y: softmax_gradient(w, x, y, sign=-1), "El signo está al revés"),
        (lambda w, x, y: len(y) * softmax_gradient(w, x, y), "divide entre el número de ejemplos"),
        (lambda w, x, y: softmax_gradient(w, x, y) / len(w), "entre n·K"),
        (lambda w, x, y: len(y) * softmax_gradient(w, x, y) / len(w), "entre el número de clases"),
        (lambda w, x, y: softmax(x @ w.T).T @ x / len(y), "Falta restar la clase verdadera"),
        (lambda w, x, y: -np.eye(len(w))[y].T @ x / len(y), "Falta sumar las probabilidades"),
        (lambda w, x, y: (x @ w.T - np.eye(len(w))[y]).T @ x / len(y), "antes hay que pasar los puntajes"),
        (lambda w, x, y: (sigmoid(x @ w.T) - np.eye(len(w))[y]).T @ x / len(y), "una sigmoide por clase"),
        (lambda w, x, y: (softmax(w @ x.T).T - np.eye(len(w))[y]).T @ x / len(y), "suma 1 por columnas"),
        (lambda w, x, y: softmax_gradient(w, x, (x @ w.T).argmax(axis=1)), "a la clase más probable"),
        (naive_gradient, "Sale nan con puntajes grandes"),
        (lambda w, x, y: softmax_gradient(w, x, y).T, "el gradiente tuviera forma"),
        (lambda w, x, y: np.zeros_like(w), "y se esperaba"),
    ],
    "decision": [
        (lambda p, cost: (p @ cost).min(axis=1), "Devuelves el coste esperado"),
        (lambda p, cost: (p @ cost).argmax(axis=1), "mayor coste esperado"),
        (lambda p, cost: p.argmax(axis=1), "sin mirar los costes"),
        (lambda p, cost: cost[p.argmax(axis=1)].argmin(axis=1), "Solo miras la clase más probable"),
        (lambda p, cost: np.full(len(p), cost.sum(axis=0).argmin()), "No usas las probabilidades"),
        (lambda p, cost: (p @ cost).argmin(axis=1) + 1, "se numeran desde 0"),
        (wide, "están traspuestos"),
        (lambda p, cost: np.zeros(len(p)), "los costes esperados son"),
        (lambda p, cost: p @ cost, "la lista de decisiones tuviera forma"),
    ],
    "ece": [
        (lambda p, hit, bins: groups(p, hit, bins)[0].mean(), "Todos los tramos te pesan igual"),
        (lambda p, hit, bins: groups(p, hit, bins)[0].sum() / bins, "Todos los tramos te pesan igual"),
        (lambda p, hit, bins: groups(p, hit, bins)[0].sum(), "sin pesarlos"),
        (lambda p, hit, bins: groups(p, hit, bins)[0].max(), "el peor tramo"),
        (lambda p, hit, bins: abs(p.mean() - hit.mean()), "Comparas las medias globales"),
        (lambda p, hit, bins: hit.mean() - p.mean(), "Falta el valor absoluto"),
        (lambda p, hit, bins: groups(p, hit, bins)[0] ** 2 @ groups(p, hit, bins)[1], "Elevas al cuadrado"),
        (lambda p, hit, bins: ((p - hit) ** 2).mean(), "el error cuadrático de cada predicción"),
        (lambda p, hit, bins: np.abs(p - hit).mean(), "primero se agrupan"),
        (lambda p, hit, bins: len(p) * calibration_error(p, hit, bins=bins), "Falta dividir"),
        (left_closed, "va al tramo de su izquierda"),
        (empty_bins, "hay tramos sin ninguna predicción"),
        (lambda p, hit, bins: calibration_error(p, hit, bins=10), "y se esperaba"),
        (lambda p, hit, bins: np.zeros(bins), "el error tuviera forma"),
    ],
    "cifras": [
        (lambda x, y, t: SoftmaxRegression().fit(x, y).predict_proba(t), "Prometes más de lo que cumples"),
        (partial(digits, 1.0), "Dudas más de la cuenta"),
        (lambda x, y, t: np.full((len(t), 10), 0.1), "¿Corresponde cada columna a su cifra?"),
        (lambda x, y, t: quick(x, y, t)[:, ::-1], "¿Corresponde cada columna a su cifra?"),
        (lambda x, y, t: np.eye(10)[quick(x, y, t).argmax(axis=1)], "Diste probabilidad 0"),
        (lambda x, y, t: np.log(quick(x, y, t)), "Hay probabilidades negativas"),
        (lambda x, y, t: 2 * quick(x, y, t), "Cada fila debe sumar 1"),
        (lambda x, y, t: quick(x, y, t).argmax(axis=1), "la tabla de probabilidades tuviera forma"),
    ],
}


(
    test_right_answers_pass,
    test_each_mistake_gets_its_message,
    test_every_exercise_has_right_and_wrong_answers,
) = exercise_tests(comprobar, RIGHT, WRONG)
