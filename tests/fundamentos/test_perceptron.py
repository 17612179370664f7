"""El perceptrón contra scikit-learn, PyTorch y programación cuadrática; su teorema, sus errores y sus ejercicios."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from respuestas import exercise_tests
from scipy.optimize import linprog
from sklearn.linear_model import Perceptron as SklearnPerceptron
from sklearn.svm import SVC

from profundo.comun.datos import load_penguins
from profundo.ejercicios.fundamentos.perceptron import comprobar
from profundo.fundamentos.perceptron import (
    Perceptron,
    augment,
    best_separator,
    closest_mixture,
    make_separable,
    margin,
    perceptron_loss,
    radius,
    signed_distance,
)

CORNERS = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
XOR = np.array([-1, 1, 1, -1])


def noisy(seed: int, n: int = 60, d: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """Dos clases que se solapan."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, d))
    return x, np.where(x.sum(axis=1) + 2 * rng.normal(size=n) > 0, 1, -1)


# --- Contra otras implementaciones ----------------------------------------------------------------------------------


@pytest.mark.parametrize("fit_bias", [True, False])
@pytest.mark.parametrize("seed", range(5))
def test_same_weights_as_scikit_learn(seed: int, fit_bias: bool) -> None:
    x, y = noisy(seed)
    ours = Perceptron(max_epochs=7, fit_bias=fit_bias, seed=None).fit(x, y)
    theirs = SklearnPerceptron(max_iter=7, tol=None, shuffle=False, fit_intercept=fit_bias).fit(x, y)
    np.testing.assert_allclose(ours.w, theirs.coef_[0])
    np.testing.assert_allclose(ours.b, theirs.intercept_[0])
    np.testing.assert_allclose(ours.decision_function(x), theirs.decision_function(x))
    np.testing.assert_array_equal(ours.predict(x), theirs.predict(x))


def test_each_step_is_one_of_sgd_on_the_perceptron_loss() -> None:
    x, y = noisy(1)
    ours = Perceptron(max_epochs=3, seed=None).fit(x, y)
    inputs = torch.from_numpy(augment(x))
    weights = torch.zeros(4, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.SGD([weights], lr=1.0)
    visited = [weights.detach().clone()]
    for _ in range(3):
        for row, label in zip(inputs, y.tolist(), strict=True):
            optimizer.zero_grad()
            (-label * (row @ weights)).clamp(min=0).backward()
            optimizer.step()
            if not torch.equal(weights, visited[-1]):
                visited.append(weights.detach().clone())
    torch.testing.assert_close(torch.stack(visited), torch.from_numpy(ours.history))


@pytest.mark.parametrize("seed", range(5))
def test_loss_and_gradient_match_autograd(seed: int) -> None:
    x, y = noisy(seed)
    w = np.random.default_rng(seed).normal(size=3)
    weights = torch.from_numpy(w.copy()).requires_grad_()
    expected = (-torch.from_numpy(y) * (torch.from_numpy(x) @ weights)).clamp(min=0).mean()
    expected.backward()
    value, gradient = perceptron_loss(w, x, y)
    torch.testing.assert_close(value, expected.item())
    torch.testing.assert_close(torch.from_numpy(gradient), weights.grad)


def test_gradient_matches_finite_differences() -> None:
    x, y = noisy(3)
    w, step = np.array([0.3, -0.7, 0.2]), 1e-6
    numeric = [
        (perceptron_loss(w + step * e, x, y)[0] - perceptron_loss(w - step * e, x, y)[0]) / (2 * step)
        for e in np.eye(3)
    ]
    np.testing.assert_allclose(perceptron_loss(w, x, y)[1], numeric, atol=1e-8)


def test_at_zero_the_rule_takes_the_whole_subgradient() -> None:
    value, gradient = perceptron_loss(np.zeros(2), np.array([[3.0, -1.0]]), np.array([1]))
    assert value == 0
    np.testing.assert_array_equal(gradient, [-3.0, 1.0])


@pytest.mark.parametrize("seed", range(5))
def test_best_separator_matches_a_hard_margin_svm(seed: int) -> None:
    x, y = make_separable(40, 3, gamma=0.1, seed=seed)
    # Con los ejemplos y sus opuestos, el sesgo de la máquina de vectores de soporte es cero por simetría.
    svm = SVC(kernel="linear", C=1e9, tol=1e-9).fit(np.vstack([x, -x]), np.append(y, -y))
    w, gamma = best_separator(x, y)
    expected = svm.coef_[0] / np.linalg.norm(svm.coef_[0])
    np.testing.assert_allclose(w, expected, atol=1e-5)
    np.testing.assert_allclose(gamma, margin(expected, x, y), atol=1e-6)


@settings(max_examples=60)
@given(seed=st.integers(0, 10_000), n=st.integers(2, 25), d=st.integers(1, 4))
def test_separability_agrees_with_linear_programming(seed: int, n: int, d: int) -> None:
    rng = np.random.default_rng(seed)
    x, y = augment(rng.integers(-3, 4, (n, d)).astype(float)), rng.choice([-1, 1], n)
    feasible = linprog(
        np.zeros(d + 1), A_ub=-y[:, None] * x, b_ub=-np.ones(n), bounds=[(None, None)] * (d + 1), method="highs"
    )
    if feasible.status == 0:
        gamma = best_separator(x, y)[1]
        assert gamma > 0
        np.testing.assert_allclose(np.linalg.norm((y * closest_mixture(x, y)) @ x), gamma, rtol=1e-6)
        assert gamma >= margin(feasible.x, x, y) - 1e-9
        assert Perceptron(max_epochs=10_000, seed=None, fit_bias=False).fit(x, y).converged
    else:
        with pytest.raises(ValueError, match="no son separables"):
            best_separator(x, y)
        np.testing.assert_allclose((y * closest_mixture(x, y)) @ x, 0, atol=1e-9)


# --- El teorema -----------------------------------------------------------------------------------------------------


@settings(max_examples=40)
@given(seed=st.integers(0, 10_000), d=st.integers(2, 20), gamma=st.floats(0.01, 0.9))
def test_mistakes_never_exceed_the_bound(seed: int, d: int, gamma: float) -> None:
    x, y = make_separable(50, d, gamma=gamma, seed=seed)
    model = Perceptron(fit_bias=False, max_epochs=20_000, seed=seed).fit(x, y)
    best, largest = best_separator(x, y)
    assert model.converged
    assert largest >= gamma - 1e-9
    assert len(model.corrected) <= (radius(x) / largest) ** 2 + 1e-9
    # Los dos muros de la demostración, error a error.
    k, norms = np.arange(len(model.history)), np.linalg.norm(model.history, axis=1)
    assert (norms <= radius(x) * np.sqrt(k) + 1e-9).all()
    assert (model.history[:, 1:] @ best >= k * largest - 1e-9).all()


@pytest.mark.parametrize("n", [1, 7, 60])
def test_an_orthonormal_basis_attains_the_bound(n: int) -> None:
    x, y = np.eye(n), np.ones(n, dtype=int)
    assert len(Perceptron(fit_bias=False).fit(x, y).corrected) == n
    np.testing.assert_allclose((radius(x) / best_separator(x, y)[1]) ** 2, n)


@pytest.mark.parametrize("second", ["flipper_length_mm", "body_mass_g"])
def test_gentoo_penguins_are_separable(second: str) -> None:
    x, species = load_penguins(("bill_depth_mm", second))
    y = np.where(species == "Gentoo", 1, -1)
    model = Perceptron().fit(x, y)
    assert model.converged
    np.testing.assert_array_equal(model.predict(x), y)
    assert len(model.corrected) <= (radius(augment(x)) / best_separator(augment(x), y)[1]) ** 2


def test_xor_cycles_through_zero() -> None:
    model = Perceptron(seed=None, max_epochs=5).fit(CORNERS, XOR)
    assert model.mistakes == [4] * 5
    assert not model.converged
    np.testing.assert_array_equal(model.history[::4], np.zeros((6, 3)))
    np.testing.assert_allclose(closest_mixture(augment(CORNERS), XOR), 0.25)
    lifted = np.column_stack([CORNERS, CORNERS.prod(axis=1)])
    assert Perceptron(seed=None).fit(lifted, XOR).converged


# --- Lo que guarda y lo que devuelve --------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [None, 0, 5])
def test_record_is_consistent(seed: int | None) -> None:
    x, y = noisy(0)
    model = Perceptron(max_epochs=6, seed=seed).fit(x, y)
    steps = y[model.corrected, None] * augment(x)[model.corrected]
    np.testing.assert_allclose(model.history, np.vstack([np.zeros(4), steps.cumsum(axis=0)]), atol=1e-12)
    assert model.survival.sum() == len(model.mistakes) * len(x)
    assert sum(model.mistakes) == len(model.corrected)
    np.testing.assert_array_equal(model.history[-1], [model.b, *model.w])


def test_same_seed_same_run_and_other_seed_another() -> None:
    x, y = noisy(0)
    runs = [Perceptron(max_epochs=5, seed=seed).fit(x, y).history for seed in (1, 1, 2)]
    np.testing.assert_array_equal(runs[0], runs[1])
    assert runs[0].shape != runs[2].shape or not np.allclose(runs[0], runs[2])


def test_fit_leaves_the_data_alone_and_starts_over() -> None:
    x, y = noisy(0)
    before = x.copy(), y.copy()
    model = Perceptron(max_epochs=5).fit(x, y)
    first = model.history
    np.testing.assert_array_equal(model.fit(x, y).history, first)
    np.testing.assert_array_equal(x, before[0])
    np.testing.assert_array_equal(y, before[1])


def test_averaged_is_the_mean_over_steps() -> None:
    x, y = noisy(2)
    model = Perceptron(max_epochs=4).fit(x, y)
    averaged = model.averaged()
    expected = np.repeat(model.history, model.survival, axis=0).mean(axis=0)
    np.testing.assert_allclose([averaged.b, *averaged.w], expected)
    np.testing.assert_array_equal([model.b, *model.w], model.history[-1])  # el original no cambia


def test_pocket_has_the_best_training_accuracy_of_the_run() -> None:
    x, y = noisy(2)
    model = Perceptron(max_epochs=10).fit(x, y)
    hits = [(np.where(x @ row[1:] + row[0] > 0, 1, -1) == y).sum() for row in model.history[1:]]
    assert (model.pocket(x, y).predict(x) == y).sum() == max(hits)


def test_signed_distance_is_the_length_of_the_perpendicular() -> None:
    w, b = np.array([3.0, -4.0]), 2.0
    x = np.random.default_rng(0).normal(size=(10, 2))
    distance = signed_distance(w, b, x)
    feet = x - distance[:, None] * w / 5
    np.testing.assert_allclose(feet @ w + b, 0, atol=1e-12)
    np.testing.assert_allclose(np.abs(distance), np.linalg.norm(x - feet, axis=1))
    np.testing.assert_allclose(signed_distance(10 * w, 10 * b, x), distance)


def test_radius_is_the_longest_norm() -> None:
    assert radius(np.array([[3.0, 4.0], [0.0, 1.0]])) == 5


def test_boundary_belongs_to_the_negative_class() -> None:
    model = Perceptron(seed=None).fit(np.array([[1.0], [-1.0]]), np.array([1, -1]))
    assert model.predict(np.array([[-model.b / model.w[0]]])).tolist() == [-1]


# --- Entradas malas -------------------------------------------------------------------------------------------------

X, Y = noisy(0, n=5, d=2)


@pytest.mark.parametrize(
    ("action", "message"),
    [
        (lambda: Perceptron(max_epochs=0), r"max_epochs debe ser al menos 1; se recibió 0"),
        (lambda: Perceptron().fit(X, (Y + 1) // 2), r"y debe contener solo -1 y \+1; contiene \[0, 1\]"),
        (lambda: Perceptron().fit(X, Y[:3]), r"y debe tener forma \(5,\).*tiene \(3,\)"),
        (lambda: Perceptron().fit(X[:, 0], Y), r"x debe tener forma \(n, d\).*tiene \(5,\)"),
        (lambda: Perceptron().fit(X[:0], Y[:0]), r"x debe tener forma \(n, d\).*tiene \(0, 2\)"),
        (lambda: Perceptron().fit(np.where(X[1, 0] == X, np.nan, X), Y), r"hay inf o nan en 1 filas, como la 1"),
        (lambda: Perceptron().predict(X), r"llama antes a fit"),
        (lambda: Perceptron().averaged(), r"llama antes a fit"),
        (lambda: Perceptron().pocket(X, Y), r"llama antes a fit"),
        (lambda: Perceptron().fit(X, Y).predict(X[:, :1]), r"x debe tener forma \(n, 2\).*tiene \(5, 1\)"),
        (lambda: margin(np.zeros(2), X, Y), r"w debe tener algún peso distinto de cero"),
        (lambda: margin(np.ones(3), X, Y), r"w debe tener forma \(2,\).*tiene \(3,\)"),
        (lambda: signed_distance(np.zeros(2), 1.0, X), r"w debe tener algún peso distinto de cero"),
        (lambda: perceptron_loss(np.ones(3), X, Y), r"w debe tener forma \(2,\)"),
        (lambda: best_separator(augment(CORNERS), XOR), r"no son separables"),
        (lambda: make_separable(10, 2, gamma=1.0, seed=0), r"gamma debe estar entre 0 y 1.*se recibió 1\.0"),
        (lambda: make_separable(0, 2, gamma=0.1, seed=0), r"n >= 1 y d >= 2; se recibió n=0, d=2"),
    ],
)
def test_bad_input_is_explained(action: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        action()


# --- Ejercicios -----------------------------------------------------------------------------------------------------


def rule_in_place(w: np.ndarray, x: np.ndarray, y: int) -> np.ndarray:
    """Corrige el vector de quien llama."""
    if y * (w @ x) <= 0:
        w += y * x
    return w


def steps(x: np.ndarray, y: np.ndarray, epochs: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pesos antes y después de cada paso, y en qué pasos hubo error."""
    w, before, after = np.zeros(x.shape[1]), [], []
    for _ in range(epochs):
        for x_i, y_i in zip(x, y, strict=True):
            before.append(w)
            w = w + y_i * x_i if y_i * (w @ x_i) <= 0 else w
            after.append(w)
    return np.array(before), np.array(after), (np.array(before) != np.array(after)).any(axis=1)


def averaged(x: np.ndarray, y: np.ndarray, epochs: int) -> np.ndarray:
    return steps(x, y, epochs)[1].mean(axis=0)


def bound(w: np.ndarray, x: np.ndarray, y: np.ndarray) -> float:
    gamma = (y * (x @ w)).min() / np.linalg.norm(w)
    return (np.linalg.norm(x, axis=1).max() / gamma) ** 2 if gamma > 0 else np.inf


def one_versus_rest(x_train: np.ndarray, y_train: np.ndarray, x_test: np.ndarray, *, votes: bool = False) -> np.ndarray:
    models = [Perceptron(max_epochs=10).fit(x_train, np.where(y_train == k, 1, -1)).averaged() for k in range(10)]
    return np.argmax([m.predict(x_test) if votes else m.decision_function(x_test) for m in models], axis=0)


norm = np.linalg.norm
GATES = [[1, 1, -1.5], [1, 1, -0.5], [1, -1, -0.5]]

RIGHT: dict[str, list[object]] = {
    "neurona": [
        lambda w, b, x: np.where(x @ w + b > 0, 1, -1),
        lambda w, b, x: [1 if sum(p * q for p, q in zip(w, row, strict=True)) + b > 0 else -1 for row in x],
        lambda w, b, x: torch.tensor(np.where(x @ w + b > 0, 1.0, -1.0), requires_grad=True),
    ],
    "puertas": [GATES, np.array(GATES) * 10, [[2, 2, -3], [2, 2, -1], [3, -3, -1]]],
    "regla": [
        lambda w, x, y: w + y * x if y * (w @ x) <= 0 else w,
        lambda w, x, y: w + y * x * (y * (w @ x) <= 0),
        lambda w, x, y: (w + y * x if y * (w @ x) <= 0 else w).tolist(),
    ],
    "cota": [
        bound,
        lambda w, x, y: torch.tensor(bound(w, x, y), dtype=torch.float64, requires_grad=True),
        lambda w, x, y: np.array(bound(w, x, y)),
    ],
    "promediado": [averaged, lambda x, y, epochs: averaged(x, y, epochs).tolist()],
    "cifras": [one_versus_rest, lambda *data: one_versus_rest(*data).tolist()],
}

WRONG: dict[str, list[tuple[object, str]]] = {
    "neurona": [
        (lambda w, b, x: x @ w + b, "Eso son las activaciones"),
        (lambda w, b, x: x @ w + b > 0, "Devuelves 0 y 1"),
        (lambda w, b, x: np.sign(x @ w + b), "Cuando f = 0 devuelves 0"),
        (lambda w, b, x: np.where(x @ w + b >= 0, 1, -1), "Casi: cuando f = 0"),
        (lambda w, b, x: np.where(x @ w > 0, 1, -1), "falta sumar el sesgo"),
        (lambda w, b, x: np.where(x @ w - b > 0, 1, -1), "El sesgo se suma"),
        (lambda w, b, x: -np.where(x @ w + b > 0, 1, -1), "al revés"),
        (lambda w, b, x: np.ones(len(x)), "la clase no es 1"),
        (lambda w, b, x: 1, "la lista de clases tuviera forma"),
    ],
    "puertas": [
        ([[1, 1, -1], *GATES[1:]], "AND: la entrada (0, 1) queda justo en la frontera"),
        ([GATES[1], *GATES[1:]], "AND: esa neurona calcula «OR»"),
        ([GATES[0], [-1, -1, 0.5], GATES[2]], "OR: hace exactamente lo contrario"),
        ([*GATES[:2], [1, 1, -0.5]], "x1 pero no x2: esa neurona calcula «OR»"),
        ([*GATES[:2], [-1, 1, -0.5]], "x1 pero no x2: con la entrada (0, 1)"),
        ([GATES[0], GATES[1]], "la lista de pesos tuviera forma"),
    ],
    "regla": [
        (lambda w, x, y: w + y * x, "Corriges también los aciertos"),
        (lambda w, x, y: w + y * x if y * (w @ x) < 0 else w, "En la frontera"),
        (lambda w, x, y: w - y * x if y * (w @ x) <= 0 else w, "Te alejas"),
        (lambda w, x, y: w + x if y * (w @ x) <= 0 else w, "sin su signo"),
        (lambda w, x, y: w + y if y * (w @ x) <= 0 else w, "Sumas la clase"),
        (lambda w, x, y: w + 0.1 * y * x if y * (w @ x) <= 0 else w, "0.1 veces"),
        (lambda w, x, y: w + y * x if y * (w @ x) > 0 else w, "dejas los errores"),
        (lambda w, x, y: y * x if y * (w @ x) <= 0 else w, "Sustituyes los pesos"),
        (lambda w, x, y: w, "nunca cambian"),
        (lambda w, x, y: w + y * x if y * (w @ x) == 0 else w, "se esperaba"),
        (rule_in_place, "Has modificado el vector w"),
        (lambda w, x, y: 2 * w, "se esperaba"),
    ],
    "cota": [
        (lambda w, x, y: (norm(x, axis=1).max() / (y * (x @ w)).min()) ** 2, "No has dividido"),
        (lambda w, x, y: bound(w, x, y) ** 0.5, "falta elevar al cuadrado"),
        (lambda w, x, y: 1 / bound(w, x, y), "Está al revés"),
        (lambda w, x, y: (norm(x, axis=1).mean() * norm(w) / (y * (x @ w)).min()) ** 2, "no la media"),
        (lambda w, x, y: (norm(x, axis=1).max() * norm(w) / (y * (x @ w)).mean()) ** 2, "γ es el menor valor"),
        (lambda w, x, y: (norm(x, axis=1).max() * norm(w) / (y * (x @ w)).max()) ** 2, "Tomaste el mayor"),
        (lambda w, x, y: (norm(x, axis=1).max() * norm(w[1:]) / (y * (x @ w)).min()) ** 2, "debe incluir el sesgo"),
        (lambda w, x, y: (norm(x[:, 1:], axis=1).max() * norm(w) / (y * (x @ w)).min()) ** 2, "coordenada constante"),
        (lambda w, x, y: (norm(x, axis=1).max() * norm(w) / (y * (x @ w)).min()) ** 2, "devuelve np.inf"),
        (lambda w, x, y: (norm(x, axis=1).max() * norm(w) / np.abs(x @ w).min()) ** 2, "devuelve np.inf"),
        (lambda w, x, y: np.inf, "Se esperaba"),
        (lambda w, x, y: np.floor(bound(w, x, y)) if bound(w, x, y) < np.inf else np.inf, "Calcula R y γ"),
    ],
    "promediado": [
        (lambda x, y, epochs: steps(x, y, epochs)[1][-1], "Devuelves los últimos pesos"),
        (lambda x, y, epochs: steps(x, y, epochs)[1].sum(axis=0), "divide la suma"),
        (lambda x, y, epochs: steps(x, y, epochs)[0].mean(axis=0), "antes de mirar"),
        (
            lambda x, y, epochs: np.vstack([np.zeros((1, x.shape[1])), steps(x, y, epochs)[1]]).mean(axis=0),
            "ceros iniciales",
        ),
        (lambda x, y, epochs: steps(x, y, epochs)[1][steps(x, y, epochs)[2]].mean(axis=0), "solo tras los errores"),
        (lambda x, y, epochs: steps(x, y, epochs)[1][len(x) - 1 :: len(x)].mean(axis=0), "últimos pesos"),
        (lambda x, y, epochs: epochs * averaged(x, y, epochs) if epochs > 1 else averaged(x, y, 1), "entre n"),
        (lambda x, y, epochs: averaged(x, y, 1), "una vez"),
        (lambda x, y, epochs: np.zeros(x.shape[1]), "el primer peso es 0.0000"),
    ],
    "cifras": [
        (lambda x, y, t: one_versus_rest(x, y, t, votes=True), "¿Comparas activaciones"),
        (lambda x, y, t: np.full(len(t), 3), "Respondes siempre 3"),
        (lambda x, y, t: np.arange(len(t)) % 10, "como al azar"),
        (lambda x, y, t: np.where(t.mean(axis=1) > 0.1, 1, -1), "por ejemplo, -1"),
        (lambda x, y, t: one_versus_rest(x, y, x[:10]), "la lista de cifras tuviera forma"),
    ],
}


(
    test_right_answers_pass,
    test_each_mistake_gets_its_message,
    test_every_exercise_has_right_and_wrong_answers,
) = exercise_tests(comprobar, RIGHT, WRONG)


def test_gates_left_blank_are_pending() -> None:
    verdict = comprobar.check("puertas", [GATES[0], ..., None])
    assert verdict.status == "pendiente"
    assert "OR, x1 pero no x2" in verdict.message
