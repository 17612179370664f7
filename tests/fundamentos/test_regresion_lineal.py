"""La regresión lineal contra NumPy, SciPy, scikit-learn y PyTorch; sus cifras, su convergencia y sus ejercicios."""

from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from respuestas import exercise_tests
from scipy.linalg import solve_triangular
from scipy.optimize import minimize
from sklearn.linear_model import LinearRegression, QuantileRegressor
from sklearn.metrics import r2_score as sklearn_r2

from profundo.comun.datos import resources
from profundo.ejercicios.fundamentos.regresion_lineal import comprobar
from profundo.fundamentos.perceptron import augment
from profundo.fundamentos.regresion_lineal import (
    CAR_FEATURES,
    AbsoluteLoss,
    HuberLoss,
    Loss,
    SquaredLoss,
    back_substitution,
    gradient_descent,
    householder_qr,
    irls,
    load_cars,
    mean_loss,
    r2_score,
    solve_normal,
    solve_qr,
)
from profundo.preparacion.numpy import standardize

SOLVERS = [solve_normal, solve_qr]
LOSSES: dict[str, tuple[Loss, torch.nn.Module]] = {
    "MSE": (SquaredLoss(), torch.nn.MSELoss()),
    "MAE": (AbsoluteLoss(), torch.nn.L1Loss()),
    "Huber": (HuberLoss(0.7), torch.nn.HuberLoss(delta=0.7)),
}


def problem(seed: int, n: int = 40, p: int = 4) -> tuple[np.ndarray, np.ndarray]:
    """Un problema bien condicionado, con columna de unos y ruido."""
    rng = np.random.default_rng(seed)
    x = augment(rng.normal(size=(n, p - 1)))
    return x, x @ rng.normal(size=p) + rng.normal(size=n)


def ill_conditioned(seed: int, kappa: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Un problema sin residuo con número de condición dado: datos en float32 y pesos exactos."""
    rng = np.random.default_rng(seed)
    left, right = (np.linalg.qr(rng.normal(size=(m, 5)))[0] for m in (80, 5))
    x = (left * np.geomspace(1, 1 / kappa, 5) @ right.T).astype(np.float32)
    y = (x.astype(float) @ rng.normal(size=5)).astype(np.float32)
    return x, y, solve_qr(x.astype(float), y.astype(float))


def relative_error(actual: np.ndarray, expected: np.ndarray) -> float:
    return float(np.linalg.norm(actual - expected) / np.linalg.norm(expected))


# --- Datos ----------------------------------------------------------------------------------------------------------


def test_cars_are_in_metric_units() -> None:
    cars = load_cars()
    assert cars.shape == (392, 9)
    assert not cars.isna().any().any()
    first = cars.iloc[0]
    assert first["name"] == "chevrolet chevelle malibu"
    expected = {"weight_kg": 3504 * 0.45359237, "displacement_l": 307 * 0.0254**3 * 1000, "consumption": 13.0675}
    for column, value in expected.items():
        np.testing.assert_allclose(first[column], value, rtol=1e-5)
    assert cars["year"].agg(["min", "max"]).tolist() == [1970, 1982]
    assert set(CAR_FEATURES) < set(cars.columns)


def test_cars_missing_file_is_explained(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    monkeypatch.setattr(resources, "files", lambda package: tmp_path)
    with pytest.raises(FileNotFoundError, match="reinstala mlxtend"):
        load_cars()


@settings(max_examples=30)
@given(seed=st.integers(0, 10_000), n=st.integers(2, 30))
def test_r2_matches_scikit_learn(seed: int, n: int) -> None:
    rng = np.random.default_rng(seed)
    y, prediction = rng.normal(size=(2, n))
    np.testing.assert_allclose(r2_score(y, prediction), sklearn_r2(y, prediction))
    assert r2_score(y, y) == 1
    np.testing.assert_allclose(r2_score(y, np.full(n, y.mean())), 0, atol=1e-12)


# --- Forma cerrada --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("seed", range(5))
def test_closed_forms_match_the_libraries(seed: int, solver: Callable) -> None:
    x, y = problem(seed)
    w = solver(x, y)
    np.testing.assert_allclose(w, np.linalg.lstsq(x, y)[0])
    theirs = torch.linalg.lstsq(torch.from_numpy(x), torch.from_numpy(y)[:, None], driver="gels").solution[:, 0]
    torch.testing.assert_close(torch.from_numpy(w), theirs)
    model = LinearRegression().fit(x[:, 1:], y)
    np.testing.assert_allclose(w, [model.intercept_, *model.coef_])


@settings(max_examples=60)
@given(seed=st.integers(0, 10_000), n=st.integers(1, 30), p=st.integers(1, 6))
def test_householder_qr_factors_any_tall_matrix(seed: int, n: int, p: int) -> None:
    p = min(n, p)
    rng = np.random.default_rng(seed)
    x = rng.integers(-2, 3, (n, p)).astype(float)  # también columnas nulas, repetidas y ya triangulares
    q, r = householder_qr(x)
    np.testing.assert_allclose(q @ r, x, atol=1e-12)
    np.testing.assert_allclose(q.T @ q, np.eye(p), atol=1e-12)
    np.testing.assert_array_equal(r, np.triu(r))
    if np.linalg.matrix_rank(x) == p:  # si no, R no es única
        np.testing.assert_allclose(np.abs(r), np.abs(np.linalg.qr(x)[1]), atol=1e-12)


@settings(max_examples=60)
@given(seed=st.integers(0, 10_000), n=st.integers(5, 40), p=st.integers(2, 5))
def test_the_residual_is_perpendicular_and_nothing_does_better(seed: int, n: int, p: int) -> None:
    x, y = problem(seed, n, p)
    if np.linalg.cond(x) > 1e5:
        return
    w = solve_qr(x, y)
    np.testing.assert_allclose(x.T @ (y - x @ w), 0, atol=1e-7)
    best = np.sum((y - x @ w) ** 2)
    other = w + np.random.default_rng(seed).normal(size=p)
    np.testing.assert_allclose(np.sum((y - x @ other) ** 2), best + np.sum((x @ (other - w)) ** 2), rtol=1e-8)


def test_back_substitution_matches_scipy() -> None:
    rng = np.random.default_rng(0)
    r, b = np.triu(rng.normal(size=(6, 6))) + 3 * np.eye(6), rng.normal(size=6)
    np.testing.assert_allclose(back_substitution(r, b), solve_triangular(r, b))


@pytest.mark.parametrize("solver", SOLVERS)
def test_precision_of_the_data_is_kept(solver: Callable) -> None:
    x, y = (array.astype(np.float32) for array in problem(0))
    assert solver(x, y).dtype == np.float32
    assert gradient_descent(x, y, lr=0.1, epochs=2).dtype == np.float32


@pytest.mark.parametrize("kappa", [1e2, 1e3])
def test_qr_loses_kappa_and_the_normal_equations_its_square(kappa: float) -> None:
    cases = [ill_conditioned(seed, kappa) for seed in range(10)]
    unit = 2.0**-24
    qr, normal = (np.median([relative_error(f(x, y), w) for x, y, w in cases]) for f in (solve_qr, solve_normal))
    assert unit < qr < 10 * kappa * unit
    assert kappa**2 * unit / 100 < normal < 10 * kappa**2 * unit
    assert normal > 20 * qr


def test_at_ten_thousand_only_qr_survives_in_32_bits() -> None:
    for seed in range(5):
        x, y, w = ill_conditioned(seed, 1e4)
        assert relative_error(solve_qr(x, y), w) < 0.01
        try:
            assert relative_error(solve_normal(x, y), w) > 0.01
        except ValueError as error:
            assert "columnas independientes" in str(error)  # noqa: PT017 (fallar también vale)


@pytest.mark.parametrize("solver", SOLVERS)
def test_column_units_do_not_cost_digits(solver: Callable) -> None:
    x, y, w = ill_conditioned(0, 30.0)
    units = np.array([1, 2.0**20, 2.0**-20, 2.0**10, 1], dtype=np.float32)
    np.testing.assert_allclose(solver(x * units, y) * units, solver(x, y), rtol=1e-4)
    assert relative_error(solver(x * units, y) * units, w) < 1e-3


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@settings(max_examples=20)
@given(seed=st.integers(0, 10_000), n=st.integers(20, 500))
def test_dependent_columns_are_found(dtype: type[np.floating], seed: int, n: int) -> None:
    rng = np.random.default_rng(seed)
    x, y = augment(rng.normal(size=(n, 2))).astype(dtype), rng.normal(size=n).astype(dtype)
    assert solve_qr(x, y).dtype == dtype
    cases = (
        np.column_stack([x, x[:, 1] - 2 * x[:, 2]]),
        augment(np.eye(3)[np.arange(n) % 3]),
        np.column_stack([x, np.zeros(n)]),
        np.column_stack([x, (0.4536 * x[:, 1].astype(float)).astype(dtype)]),
    )
    for case in cases:
        with pytest.raises(ValueError, match="columnas independientes"):
            solve_qr(case.astype(dtype), y)


def test_year_without_centering_in_32_bits() -> None:
    cars = load_cars()
    y = cars["consumption"].to_numpy(dtype=np.float32)
    x = augment(cars[["year"]].to_numpy(dtype=float)).astype(np.float32)
    exact = np.polyfit(cars["year"] - 1976.0, cars["consumption"], 1)[0]
    assert abs(solve_qr(x, y)[1] / exact - 1) < 1e-2
    assert abs(solve_normal(x, y)[1] / exact - 1) > 1e-2
    default = torch.linalg.lstsq(torch.from_numpy(x), torch.from_numpy(y)[:, None])
    assert default.rank == 1
    assert abs(default.solution[1].item()) < 0.01


# --- Pérdidas -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", LOSSES)
@settings(max_examples=30)
@given(seed=st.integers(0, 10_000), n=st.integers(1, 20))
def test_losses_and_gradients_match_pytorch(name: str, seed: int, n: int) -> None:
    ours, theirs = LOSSES[name]
    rng = np.random.default_rng(seed)
    x, y, w = rng.normal(size=(n, 3)), rng.normal(size=n), rng.normal(size=3)
    weights = torch.from_numpy(w.copy()).requires_grad_()
    expected = theirs(torch.from_numpy(x) @ weights, torch.from_numpy(y))
    expected.backward()
    value, gradient = mean_loss(w, x, y, ours)
    torch.testing.assert_close(value, expected.item())
    torch.testing.assert_close(torch.from_numpy(gradient), weights.grad)


@pytest.mark.parametrize("name", LOSSES)
def test_gradients_match_finite_differences(name: str) -> None:
    x, y = problem(1)
    w, step = np.array([0.3, -0.7, 0.2, 0.1]), 1e-6
    value = partial(mean_loss, x=x, y=y, loss=LOSSES[name][0])
    numeric = [(value(w + step * e)[0] - value(w - step * e)[0]) / (2 * step) for e in np.eye(4)]
    np.testing.assert_allclose(value(w)[1], numeric, atol=1e-7)


@given(r=st.floats(-1e3, 1e3), delta=st.floats(0.01, 100))
def test_huber_lies_between_its_two_neighbours(r: float, delta: float) -> None:
    error, loss = np.array([r]), HuberLoss(delta)
    assert loss(error) <= error**2 / 2 + 1e-9
    assert loss(error) <= delta * np.abs(error) + 1e-9
    np.testing.assert_allclose(HuberLoss(1e4)(error), error**2 / 2)
    edge = np.array([delta])
    np.testing.assert_allclose(loss(edge), loss(edge * (1 + 1e-9)), rtol=1e-6)


# --- Algoritmos iterativos ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("batch_size", [None, 7, 40])
@pytest.mark.parametrize("name", LOSSES)
def test_descent_takes_the_steps_of_sgd(name: str, batch_size: int | None) -> None:
    x, y = problem(2)
    ours = gradient_descent(x, y, lr=0.05, epochs=5, loss=LOSSES[name][0], batch_size=batch_size, seed=3)
    inputs, targets = torch.from_numpy(x), torch.from_numpy(y)
    weights = torch.zeros(4, dtype=torch.float64, requires_grad=True)
    optimizer, rng = torch.optim.SGD([weights], lr=0.05), np.random.default_rng(3)
    for epoch in range(1, 6):
        order = torch.from_numpy(rng.permutation(40)) if batch_size else torch.arange(40)
        for rows in order.split(batch_size or 40):
            optimizer.zero_grad()
            LOSSES[name][1](inputs[rows] @ weights, targets[rows]).backward()
            optimizer.step()
        torch.testing.assert_close(weights.detach(), torch.from_numpy(ours[epoch]))


@settings(max_examples=30)
@given(seed=st.integers(0, 10_000), share=st.floats(0.05, 0.99))
def test_descent_obeys_the_theorem(seed: int, share: float) -> None:
    x, y = problem(seed)
    hessian = 2 * x.T @ x / len(x)
    low, high = np.linalg.eigvalsh(hessian)[[0, -1]]
    best, lr = solve_qr(x, y), share * 2 / high
    path = gradient_descent(x, y, lr=lr, epochs=30) - best
    exact = np.array([np.linalg.matrix_power(np.eye(4) - lr * hessian, t) @ path[0] for t in range(31)])
    np.testing.assert_allclose(path, exact, atol=1e-9)
    kappa = np.linalg.cond(x)
    ratio = (kappa**2 - 1) / (kappa**2 + 1)
    path = gradient_descent(x, y, lr=2 / (low + high), epochs=30) - best
    norms = np.linalg.norm(path, axis=1)
    assert (norms <= norms[0] * ratio ** np.arange(31) + 1e-9).all()


def test_too_large_a_rate_is_explained() -> None:
    x, y = problem(0)
    limit = 2 / np.linalg.eigvalsh(2 * x.T @ x / len(x))[-1]
    with pytest.raises(ValueError, match=r"lr debe ser menor: con .* se desbordan en la época"):
        gradient_descent(x, y, lr=3 * limit, epochs=3000)


@pytest.mark.parametrize("seed", range(6))
def test_irls_reaches_the_minimum_of_the_mae(seed: int) -> None:
    x, y = problem(seed, n=101)
    y[:15] += 40
    exact = QuantileRegressor(quantile=0.5, alpha=0, solver="highs").fit(x[:, 1:], y)
    best = mean_loss(np.append(exact.intercept_, exact.coef_), x, y, AbsoluteLoss())[0]
    found = mean_loss(irls(x, y, AbsoluteLoss())[-1], x, y, AbsoluteLoss())[0]
    assert best - 1e-9 <= found <= best * (1 + 1e-4)


@pytest.mark.parametrize("seed", range(3))
def test_irls_reaches_the_minimum_of_huber(seed: int) -> None:
    x, y = problem(seed)
    y[:5] += 40
    result = minimize(lambda w: mean_loss(w, x, y, HuberLoss(1.0)), np.zeros(4), jac=True, method="BFGS", tol=1e-10)
    np.testing.assert_allclose(irls(x, y, HuberLoss(1.0))[-1], result.x, atol=1e-5)


def test_irls_with_the_square_is_one_fit() -> None:
    x, y = problem(0)
    np.testing.assert_allclose(irls(x, y, SquaredLoss()), [solve_qr(x, y)] * 2)


def test_irls_stops_at_an_exact_fit() -> None:
    x = augment(np.arange(4.0)[:, None])
    np.testing.assert_allclose(irls(x, np.zeros(4), AbsoluteLoss()), np.zeros((1, 2)))


def test_the_constant_model_is_the_mean_or_the_median() -> None:
    y = np.array([1.0, 2.0, 3.0, 10.0, 100.0])
    x = np.ones((5, 1))
    np.testing.assert_allclose(solve_qr(x, y), y.mean())
    np.testing.assert_allclose(irls(x, y, AbsoluteLoss())[-1], 3.0, atol=0.01)


# --- Entradas malas -------------------------------------------------------------------------------------------------

X, Y = problem(0, n=6, p=3)


@pytest.mark.parametrize(
    ("action", "message"),
    [
        (lambda: solve_normal(X, Y[:, None]), r"y debe tener forma \(6,\).*tiene \(6, 1\)"),
        (lambda: solve_qr(X[:, 0], Y), r"x debe tener forma \(n, p\).*tiene \(6,\)"),
        (lambda: solve_qr(X[:0], Y[:0]), r"x debe tener forma \(n, p\).*tiene \(0, 3\)"),
        (lambda: solve_qr(X[:2], Y[:2]), r"tantas filas como columnas; tiene \(2, 3\)"),
        (lambda: solve_qr(np.where(X[1, 1] == X, np.nan, X), Y), r"x debe tener solo números finitos.* en 1 lugares"),
        (lambda: solve_qr(X, np.where(Y[0] == Y, np.inf, Y)), r"y debe tener solo números finitos.* en 1 lugares"),
        (lambda: solve_normal(np.ones((6, 2)), Y), r"columnas independientes; XᵀX no es definida positiva"),
        (lambda: solve_qr(np.ones((6, 2)), Y), r"columnas independientes; la 1 sale de las anteriores"),
        (lambda: back_substitution(np.eye(3), np.ones(2)), r"r debe ser cuadrada.*como b, 2; tiene \(3, 3\)"),
        (lambda: back_substitution(np.diag([1.0, 0.0]), np.ones(2)), r"diagonal sin ceros"),
        (lambda: r2_score(Y, Y[:3]), r"misma forma \(n,\); tienen \(6,\) y \(3,\)"),
        (lambda: r2_score(np.ones(3), np.ones(3)), r"al menos dos valores distintos"),
        (lambda: mean_loss(np.ones(2), X, Y, SquaredLoss()), r"w debe tener forma \(3,\).*tiene \(2,\)"),
        (lambda: HuberLoss(0.0), r"delta debe ser positivo; se recibió 0\.0"),
        (lambda: gradient_descent(X, Y, lr=0.0, epochs=1), r"se esperaban lr > 0.*se recibió 0\.0, 1 y 6"),
        (lambda: gradient_descent(X, Y, lr=0.1, epochs=1, batch_size=0), r"batch_size >= 1; se recibió 0\.1, 1 y 0"),
    ],
)
def test_bad_input_is_explained(action: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        action()


# --- Ejercicios -----------------------------------------------------------------------------------------------------


def line(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    slope, intercept = np.polyfit(x, y, 1)
    return intercept, slope


def through_mean(slope: Callable) -> Callable:
    """Una recta por el punto medio con otra pendiente."""
    return lambda x, y: (y.mean() - slope(x, y) * x.mean(), slope(x, y))


def gradient(w: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return 2 * x.T @ (x @ w - y) / len(y)


def step_in_place(w: np.ndarray, x: np.ndarray, y: np.ndarray, lr: float) -> np.ndarray:
    w -= lr * gradient(w, x, y)
    return w


def qr(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    q, r = np.linalg.qr(x)
    return np.linalg.solve(r, q.T @ y)


def with_qr(formula: Callable) -> Callable:
    return lambda x, y: formula(*np.linalg.qr(x), y)


def left_out(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return np.array([y[i] - x[i] @ qr(np.delete(x, i, axis=0), np.delete(y, i)) for i in range(len(y))])


def with_leverage(formula: Callable) -> Callable:
    """Una función de los residuos y las palancas."""
    return lambda x, y: formula(y - x @ qr(x, y), np.sum(np.linalg.qr(x)[0] ** 2, axis=1))


def robust(x: np.ndarray, y: np.ndarray, new: np.ndarray, *, loss: Loss, columns: slice = slice(None)) -> np.ndarray:
    z, z_new = (augment(standardize(part, x)[:, columns]) for part in (x, new))
    return z_new @ irls(z, y, loss, tol=1e-4)[-1]


def error_ratio(y: np.ndarray, p: np.ndarray) -> float:
    return float(np.sum((y - p) ** 2) / np.sum((y - y.mean()) ** 2))


RIGHT: dict[str, list[object]] = {
    "recta": [line, lambda x, y: torch.tensor(line(x, y)), lambda x, y: list(line(x, y))],
    "r2": [sklearn_r2, lambda y, p: 1 - error_ratio(y, p), lambda y, p: torch.tensor(1 - error_ratio(y, p))],
    "paso": [
        lambda w, x, y, lr: w - lr * gradient(w, x, y),
        lambda w, x, y, lr: (w - lr * gradient(w, x, y)).tolist(),
    ],
    "qr": [qr, lambda x, y: np.linalg.lstsq(x, y, rcond=None)[0], solve_qr],
    "fuera": [left_out, with_leverage(lambda r, h: r / (1 - h))],
    "proyecto": [partial(robust, loss=AbsoluteLoss()), partial(robust, loss=HuberLoss(1.0))],
}

WRONG: dict[str, list[tuple[object, str]]] = {
    "recta": [
        (lambda x, y: line(x, y)[::-1], "en otro orden"),
        (lambda x, y: (0.0, x @ y / (x @ x)), "pasa por el origen"),
        (through_mean(lambda x, y: line(y, x)[1]), "entre la variación de y"),
        (through_mean(lambda x, y: np.corrcoef(x, y)[0, 1]), "es la correlación"),
        (through_mean(lambda x, y: np.cov(x, y)[0, 1]), "es la covarianza"),
        (through_mean(lambda x, y: np.cov(x, y, ddof=0)[0, 1]), "es la covarianza"),
        (through_mean(lambda x, y: np.cov(x, y)[0, 1] / x.var()), "sale mayor"),
        (through_mean(lambda x, y: np.cov(x, y, ddof=0)[0, 1] / x.var(ddof=1)), "sale menor"),
        (lambda x, y: (y.mean(), -line(x, y)[1]), "signo cambiado"),
        (lambda x, y: (y.mean(), line(x, y)[1]), "descuéntale la pendiente"),
        (lambda x, y: (y.mean() + line(x, y)[1] * x.mean(), line(x, y)[1]), "se resta w·x̄"),
        (lambda x, y: (7.0, line(x, y)[1]), "La pendiente está bien"),
        (lambda x, y: (0.0, 1.0), "se esperaba b"),
        (lambda x, y: line(x, y)[1], "la pareja (b, w) tuviera forma"),
    ],
    "r2": [
        (error_ratio, "réstala de 1"),
        (lambda y, p: np.mean((y - p) ** 2), "Eso es el MSE"),
        (lambda y, p: 1 - 1 / error_ratio(y, p), "al revés"),
        (lambda y, p: 1 - error_ratio(y, p) ** 0.5, "sin raíz"),
        (lambda y, p: np.sum((p - y.mean()) ** 2) / np.sum((y - y.mean()) ** 2), "cuánto varía la predicción"),
        (lambda y, p: 1 - np.sum((y - p) ** 2) / np.sum(y**2), "no cero"),
        (lambda y, p: 1 - np.mean((y - p) ** 2) / np.var(y, ddof=1), "cantidades distintas"),
        (lambda y, p: max(0, 1 - error_ratio(y, p)), "no lo recortes"),
        (lambda y, p: abs(1 - error_ratio(y, p)), "no le quites el signo"),
        (lambda y, p: sklearn_r2(p, y), "revisa el denominador"),
        (lambda y, p: np.corrcoef(y, p)[0, 1] ** 2, "correlación al cuadrado"),
        (lambda y, p: np.corrcoef(y, p)[0, 1], "Eso es la correlación,"),
        (lambda y, p: 0.5, "se esperaba"),
        (lambda y, p: y - p, "R² tuviera forma"),
    ],
    "paso": [
        (lambda w, x, y, lr: w, "no cambian"),
        (lambda w, x, y, lr: w + lr * gradient(w, x, y), "Subes"),
        (lambda w, x, y, lr: gradient(w, x, y), "Eso es el gradiente"),
        (lambda w, x, y, lr: w - gradient(w, x, y), "Falta la tasa"),
        (lambda w, x, y, lr: -lr * gradient(w, x, y), "Eso es el paso"),
        (lambda w, x, y, lr: w - lr * gradient(w, x, y) / 2, "Falta el 2"),
        (lambda w, x, y, lr: w - lr * gradient(w, x, y) * len(y), "dividir entre n"),
        (lambda w, x, y, lr: w - lr * x.T @ (x @ w - y), "Faltan el 2"),
        (lambda w, x, y, lr: w - lr * gradient(w, x, 0 * y), "restar y"),
        (lambda w, x, y, lr: w - lr * 2 * np.mean(x @ w - y), "sin multiplicarlos"),
        (step_in_place, "Has modificado"),
        (lambda w, x, y, lr: w + 1, "el primer peso debería ser"),
    ],
    "qr": [
        (lambda x, y: np.linalg.solve(x.T @ x, x.T @ y), "¿Formas XᵀX"),
        (lambda x, y: np.linalg.inv(x.T @ x) @ x.T @ y, "¿Formas XᵀX"),
        (with_qr(lambda q, r, y: r @ q.T @ y), "Multiplicas por R"),
        (with_qr(lambda q, r, y: q.T @ y), "falta resolver"),
        (with_qr(lambda q, r, y: np.linalg.solve(r.T, q.T @ y)), "Resuelves con Rᵀ"),
        (lambda x, y: np.zeros(x.shape[1]), "Ni en un caso fácil"),
    ],
    "fuera": [
        (with_leverage(lambda r, h: r), "con el ejemplo dentro"),
        (with_leverage(lambda r, h: -r / (1 - h)), "el signo no"),
        (with_leverage(lambda r, h: r * (1 - h)), "Multiplicas por 1 - h"),
        (with_leverage(lambda r, h: r / h), "1 menos la palanca"),
        (with_leverage(lambda r, h: r / (1 + h)), "no 1 + h"),
        (with_leverage(lambda r, h: r / np.sqrt(1 - h)), "Sobra una raíz"),
        (with_leverage(lambda r, h: r / (1 - np.sqrt(h))), "al cuadrado"),
        (with_leverage(lambda r, h: (r / (1 - h)) ** 2), "los cuadrados"),
        (lambda x, y: x @ qr(x, y), "predicciones"),
        (lambda x, y: np.zeros(len(y)), "Sin el primer ejemplo"),
        (lambda x, y: np.mean(left_out(x, y) ** 2), "tuviera forma"),
    ],
    "proyecto": [
        (lambda x, y, new: augment(new) @ qr(augment(x), y), "como mínimos cuadrados"),
        (partial(robust, loss=AbsoluteLoss(), columns=slice(0, 1)), "¿Usas las seis medidas?"),
        (lambda x, y, new: np.full(len(new), np.median(y)), "para todos"),
        (lambda x, y, new: new[:, 0] / 60, "predecir siempre la mediana"),
        (lambda x, y, new: 235.2 / robust(x, y, new, loss=AbsoluteLoss()), "millas por galón"),
        (lambda x, y, new: y, "tuviera forma"),
    ],
}


(
    test_right_answers_pass,
    test_each_mistake_gets_its_message,
    test_every_exercise_has_right_and_wrong_answers,
) = exercise_tests(comprobar, RIGHT, WRONG)
