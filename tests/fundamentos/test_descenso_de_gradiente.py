"""El descenso contra PyTorch y SciPy, los teoremas contra lo medido y las respuestas que el capítulo espera."""

from functools import partial

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from respuestas import exercise_tests
from scipy.optimize import rosen, rosen_der
from torch import nn
from torch.nn import functional as F
from torch.nn.utils import parameters_to_vector

from profundo.ejercicios.fundamentos.descenso_de_gradiente import comprobar
from profundo.fundamentos.clasificacion_lineal import gradient_descent as plain_descent
from profundo.fundamentos.clasificacion_lineal import softmax_loss
from profundo.fundamentos.descenso_de_gradiente import (
    Backtracking,
    ChangeBelow,
    Descent,
    GradientBelow,
    NoImprovement,
    best_rate,
    contraction,
    differentiate,
    gradient_descent,
    hessian_product,
    network_loss,
    rosenbrock,
    saddle,
    top_curvature,
    train,
)
from profundo.fundamentos.mlp import MLP

curvature_lists = st.lists(st.floats(0.01, 100), min_size=1, max_size=6)
seeds = st.integers(0, 1000)


def bowl(curvatures, seed=0):
    """Una cuadrática con esas curvaturas y ejes al azar, sus ejes y su mínimo."""
    rng = np.random.default_rng(seed)
    axes = np.linalg.qr(rng.normal(size=(len(curvatures), len(curvatures))))[0]
    hessian, center = (axes * curvatures) @ axes.T, rng.normal(size=len(curvatures))

    def fun(w):
        e = w - center
        return float(e @ hessian @ e) / 2, hessian @ e

    return fun, axes, center


def softmax_problem(n=30, d=4, k=3):
    rng = np.random.default_rng(1)
    return partial(softmax_loss, x=rng.normal(size=(n, d)), y=rng.integers(0, k, n)), np.zeros((k, d))


# --- El descenso ----------------------------------------------------------------------------------------------------


def test_history_is_what_happened():
    fun, w = softmax_problem()
    run = gradient_descent(fun, w, lr=0.3, steps=7)
    assert run.steps == 7
    assert run.reason == "agotó los pasos"
    assert run.rates == [0.3] * 7
    assert run.path.shape == (8, 3, 4)
    np.testing.assert_array_equal(run.path, plain_descent(fun, w, rate=0.3, steps=7))
    for point, value, norm in zip(run.points, run.values, run.norms, strict=True):
        assert value == fun(point)[0]
        np.testing.assert_allclose(norm, np.linalg.norm(fun(point)[1]))
    assert not w.any()


def test_steps_are_those_of_torch_sgd():
    path = gradient_descent(differentiate(rosenbrock), np.array([-1.2, 1.0]), lr=1e-3, steps=50).path
    w = torch.tensor([-1.2, 1.0], dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.SGD([w], lr=1e-3)
    for point in path:
        torch.testing.assert_close(w.detach(), torch.from_numpy(point))
        optimizer.zero_grad()
        rosenbrock(w).backward()
        optimizer.step()


def test_divergence_is_a_reason_and_not_an_error():
    fun, *_ = bowl([1.0, 10.0])
    run = gradient_descent(fun, np.ones(2), lr=1e3, steps=1000)
    assert run.reason == "diverge"
    assert run.steps < 1000


def test_zero_steps_only_measures():
    fun, w = softmax_problem()
    run = gradient_descent(fun, w, lr=1.0, steps=0)
    assert (run.steps, len(run.points), run.values) == (0, 1, [fun(w)[0]])


def test_lr_can_be_a_rule():
    fun, *_ = bowl([1.0, 2.0])
    run = gradient_descent(fun, np.ones(2), lr=lambda fun, w, value, gradient: 0.1 if value > 0.5 else 0.2, steps=60)
    assert set(run.rates) == {0.1, 0.2}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"lr": 0.0, "steps": 1}, "lr=0.0"),
        ({"lr": -1.0, "steps": 1}, "lr=-1.0"),
        ({"lr": float("nan"), "steps": 1}, "lr=nan"),
        ({"lr": 0.1, "steps": -1}, "steps=-1"),
    ],
)
def test_bad_options(options, message):
    with pytest.raises(ValueError, match=message):
        gradient_descent(bowl([1.0])[0], np.ones(1), **options)


def test_a_gradient_of_another_shape_is_refused():
    with pytest.raises(ValueError, match=r"\(2,\); tiene \(1,\)"):
        gradient_descent(lambda w: (0.0, np.ones(1)), np.ones(2), lr=0.1, steps=1)


# --- Los teoremas ---------------------------------------------------------------------------------------------------


@settings(max_examples=40)
@given(curvatures=curvature_lists, share=st.floats(0.05, 1.2), seed=seeds)
def test_each_direction_contracts_by_its_factor(curvatures, share, seed):
    fun, axes, center = bowl(curvatures, seed)
    lr = share * 2 / max(curvatures)
    start = center + axes.sum(axis=1)  # error 1 en cada dirección
    errors = (gradient_descent(fun, start, lr=lr, steps=6).path - center) @ axes
    expected = (1 - lr * np.array(curvatures)) ** np.arange(7)[:, None]
    np.testing.assert_allclose(errors, expected, atol=1e-9)
    np.testing.assert_allclose(np.abs(errors[1]), contraction(np.array(curvatures), lr), atol=1e-9)


@settings(max_examples=40)
@given(curvatures=curvature_lists, other=st.floats(0.01, 3))
def test_best_rate_minimizes_the_worst_factor(curvatures, other):
    mu, largest = min(curvatures), max(curvatures)
    lr, factor = best_rate(mu, largest)
    array = np.array(curvatures)
    np.testing.assert_allclose(contraction(array, lr).max(), factor, atol=1e-12)
    assert contraction(array, other * lr).max() >= factor - 1e-12


def test_the_worst_start_loses_exactly_rho_each_step():
    fun, axes, center = bowl([0.5, 1.0, 3.0, 20.0])
    lr, rho = best_rate(0.5, 20.0)
    run = gradient_descent(fun, center + axes[:, 0] + axes[:, 3], lr=lr, steps=100)
    errors = np.linalg.norm(run.path - center, axis=1)
    np.testing.assert_allclose(errors, errors[0] * rho ** np.arange(101), rtol=1e-10)


@pytest.mark.parametrize(("ratio", "grows"), [(0.99, False), (1.01, True)])
def test_two_over_l_is_the_border(ratio, grows):
    fun, _, center = bowl([1.0, 5.0])
    run = gradient_descent(fun, center + 1, lr=ratio * 2 / 5, steps=2000)
    assert (np.linalg.norm(run.points[-1] - center) > 1) == grows


@settings(max_examples=40)
@given(curvatures=curvature_lists, seed=seeds)
def test_sine_of_the_angle_is_at_most_rho(curvatures, seed):
    fun, axes, center = bowl(curvatures, seed)
    mu, largest = min(curvatures), max(curvatures)
    rho = best_rate(mu, largest)[1]

    def sine(e):
        g = fun(center + e)[1]
        toward = e / np.linalg.norm(e)
        return np.linalg.norm(g - (g @ toward) * toward) / np.linalg.norm(g)

    assert sine(np.random.default_rng(seed).normal(size=len(curvatures))) <= rho + 1e-6
    if len(curvatures) > 1:
        low, high = axes[:, np.argmin(curvatures)], axes[:, np.argmax(curvatures)]
        np.testing.assert_allclose(sine(largest**0.5 * low + mu**0.5 * high), rho, atol=1e-6)


@settings(max_examples=30)
@given(seed=seeds, share=st.floats(0.05, 0.99))
def test_descent_lemma_on_a_convex_and_a_nonconvex_function(seed, share):
    def wavy(w):
        return float(np.cos(w).sum()), -np.sin(w)  # L = 1, sin ser convexa

    w = np.random.default_rng(seed).normal(size=5)
    fun, *_ = bowl([0.1, 2.0, 3.0, 4.0, 5.0], seed)
    for f, largest in ((wavy, 1.0), (fun, 5.0)):
        value, gradient = f(w)
        lr = share * 2 / largest
        bound = value - lr * (1 - lr * largest / 2) * gradient @ gradient
        assert f(w - lr * gradient)[0] <= bound + 1e-12 * (1 + abs(value))


@pytest.mark.parametrize("pair", [(0.0, 1.0), (2.0, 1.0), (-1.0, 1.0), (1.0, float("inf")), (1.0, float("nan"))])
def test_best_rate_refuses_impossible_curvatures(pair):
    with pytest.raises(ValueError, match="0 < smallest <= largest"):
        best_rate(*pair)


# --- Parada ---------------------------------------------------------------------------------------------------------


def test_gradient_rule_stops_at_the_first_small_gradient():
    fun, *_ = bowl([1.0, 4.0])
    run = gradient_descent(fun, np.ones(2), lr=0.3, steps=500, stop=[GradientBelow(1e-3)])
    assert run.reason == "gradiente pequeño"
    assert run.norms[-1] <= 1e-3 < min(run.norms[:-1])


def test_gradient_rule_can_stop_before_the_first_step_and_trusts_a_saddle():
    run = gradient_descent(differentiate(saddle), np.zeros(2), lr=0.3, steps=500, stop=[GradientBelow(1e-3)])
    assert run.steps == 0
    assert run.values == [0.25]


def test_change_rule_needs_a_step_and_is_fooled_by_a_tiny_rate():
    fun, w = softmax_problem()
    for lr, lo, hi in ((1e-6, 1, 1), (1.0, 5, 400)):
        run = gradient_descent(fun, w, lr=lr, steps=500, stop=[ChangeBelow(1e-4)])
        assert run.reason == "cambio pequeño"
        assert lo <= run.steps <= hi


def test_patience_counts_from_the_best_and_the_rule_can_be_used_again():
    scores = iter([5.0, 3.0, 4.0, 3.0, 2.0, 6.0, 6.0, 6.0, 0.0] * 2)
    rule = NoImprovement(lambda w: next(scores), patience=3)
    for _ in range(2):
        run = gradient_descent(bowl([1.0])[0], np.ones(1), lr=0.1, steps=50, stop=[rule])
        assert (run.reason, run.steps, rule.best) == ("sin mejora", 7, 4)
        next(scores)


def test_the_first_rule_that_holds_gives_the_reason():
    fun, *_ = bowl([1.0])
    run = gradient_descent(fun, np.ones(1), lr=0.1, steps=9, stop=[lambda run: "", lambda run: "porque sí"])
    assert (run.reason, run.steps) == ("porque sí", 0)
    assert isinstance(run, Descent)


def test_patience_must_be_positive():
    with pytest.raises(ValueError, match="patience debe ser al menos 1; se recibió 0"):
        NoImprovement(lambda w: 0.0, patience=0)


# --- Retroceso ------------------------------------------------------------------------------------------------------


@settings(max_examples=40)
@given(
    curvatures=curvature_lists, seed=seeds, initial=st.floats(1e-3, 1e3), decrease=st.floats(0.01, 0.9),
    shrink=st.floats(0.2, 0.9),
)  # fmt: skip
def test_accepted_rates_satisfy_armijo_and_are_not_too_small(curvatures, seed, initial, decrease, shrink):
    fun, _, center = bowl(curvatures, seed)
    search = Backtracking(initial, shrink, decrease)
    run = gradient_descent(fun, center + np.random.default_rng(seed).normal(size=len(center)), lr=search, steps=10)
    for before, after, rate, norm in zip(run.values, run.values[1:], run.rates, run.norms, strict=False):
        assert after <= before - decrease * rate * norm**2 + 1e-14 * (1 + abs(before))
        assert rate >= min(initial, shrink * 2 * (1 - decrease) / max(curvatures)) * (1 - 1e-9)


def test_backtracking_grows_again_and_counts_its_trials():
    calls = 0

    def fun(w):  # curvatura 100 al principio y 1 cerca del mínimo
        nonlocal calls
        calls += 1
        far = np.abs(w) > 1
        value = np.where(far, 50 * w**2 - 49.5, w**2 / 2).sum()
        return float(value), np.where(far, 100 * w, w)

    search = Backtracking(initial=4.0)
    run = gradient_descent(fun, np.array([3.0]), lr=search, steps=12)
    assert min(run.rates) < 0.02 < 0.5 < run.rates[-1]
    assert calls == search.trials + len(run.points)


def test_backtracking_reaches_the_valley_floor():
    run = gradient_descent(
        differentiate(rosenbrock), np.array([-1.2, 1.0]), lr=Backtracking(), steps=200, stop=[GradientBelow(1e-3)]
    )
    assert (np.diff(run.values) <= 0).all()
    assert run.values[-1] < 4 < 24 < run.values[0]


def test_backtracking_stops_quietly_at_the_minimum_but_denounces_a_wrong_gradient():
    fun, _, center = bowl([1.0, 3.0])
    run = gradient_descent(fun, center + 1, lr=Backtracking(), steps=200)
    np.testing.assert_allclose(run.points[-1], center, atol=1e-6)
    with pytest.raises(ValueError, match="ninguna tasa baja el valor"):
        gradient_descent(lambda w: (fun(w)[0], -fun(w)[1]), center + 1, lr=Backtracking(), steps=1)


@pytest.mark.parametrize("options", [{"initial": 0.0}, {"shrink": 1.0}, {"decrease": 0.0}, {"decrease": 1.5}])
def test_backtracking_refuses_bad_options(options):
    with pytest.raises(ValueError, match="shrink y decrease entre 0 y 1"):
        Backtracking(**options)


# --- Curvaturas -----------------------------------------------------------------------------------------------------


@settings(max_examples=30)
@given(curvatures=st.lists(st.floats(-50, 50), min_size=2, max_size=6), seed=seeds)
def test_hessian_product_in_a_quadratic(curvatures, seed):
    fun, axes, _ = bowl(curvatures, seed)
    v = np.random.default_rng(seed).normal(size=len(curvatures))
    np.testing.assert_allclose(hessian_product(fun, v, v), (axes * curvatures) @ axes.T @ v, atol=1e-6)


@pytest.mark.parametrize("surface", [rosenbrock, saddle])
def test_hessian_product_matches_autograd(surface):
    w, v = torch.tensor([-0.7, 1.3], dtype=torch.float64), torch.tensor([2.0, -1.0], dtype=torch.float64)
    expected = torch.autograd.functional.hvp(surface, w, v)[1]
    np.testing.assert_allclose(hessian_product(differentiate(surface), w.numpy(), v.numpy()), expected, rtol=1e-6)


@pytest.mark.parametrize("curvatures", [[1.0, 3.0, 7.0], [-9.0, 2.0, 5.0], [4.0]])
def test_power_iteration_finds_the_largest_with_its_sign(curvatures):
    fun, axes, center = bowl(curvatures)
    value, direction = top_curvature(fun, center + 1, tol=1e-10)
    k = np.argmax(np.abs(curvatures))
    np.testing.assert_allclose(value, curvatures[k], rtol=1e-5)
    np.testing.assert_allclose(abs(direction @ axes[:, k]), 1, rtol=1e-4)
    np.testing.assert_allclose(np.linalg.norm(direction), 1)


def test_power_iteration_in_a_network_matches_the_full_hessian():
    torch.manual_seed(0)
    x, y = torch.randn(20, 3, dtype=torch.float64), torch.randint(2, (20,))
    model = MLP((3, 4, 2), torch.tanh).double()
    w = parameters_to_vector(model.parameters()).detach().numpy()
    fun = network_loss(model, F.cross_entropy, x, y)
    hessian = np.stack([hessian_product(fun, w, v) for v in np.eye(len(w))])
    np.testing.assert_allclose(hessian, hessian.T, atol=1e-7)
    eigenvalues = np.linalg.eigvalsh((hessian + hessian.T) / 2)
    value, direction = top_curvature(fun, w, tol=1e-9, max_iterations=3000)
    np.testing.assert_allclose(value, eigenvalues[np.argmax(np.abs(eigenvalues))], rtol=1e-4)
    again, _ = top_curvature(fun, w, start=direction, max_iterations=1)
    np.testing.assert_allclose(again, value, rtol=1e-3)


def test_a_flat_function_has_no_curvature():
    value, direction = top_curvature(lambda w: (1.0, np.zeros_like(w)), np.ones((2, 3)))
    assert value == 0
    assert direction.shape == (2, 3)


@pytest.mark.parametrize("v", [np.zeros(2), np.ones(3), np.array([np.nan, 1.0])])
def test_hessian_product_refuses_bad_directions(v):
    with pytest.raises(ValueError, match=r"no nulo y de forma \(2,\)"):
        hessian_product(bowl([1.0, 2.0])[0], np.ones(2), v)


def test_power_iteration_needs_an_iteration():
    with pytest.raises(ValueError, match="max_iterations debe ser al menos 1; se recibió 0"):
        top_curvature(bowl([1.0])[0], np.ones(1), max_iterations=0)


# --- Superficies y redes --------------------------------------------------------------------------------------------


@settings(max_examples=20)
@given(w=st.tuples(st.floats(-2, 2), st.floats(-2, 2)).map(np.array))
def test_rosenbrock_and_its_gradient_match_scipy(w):
    value, gradient = differentiate(rosenbrock)(w)
    np.testing.assert_allclose(value, rosen(w), atol=1e-12)
    np.testing.assert_allclose(gradient, rosen_der(w), atol=1e-9)


def test_saddle_has_two_minima_and_a_saddle():
    fun = differentiate(saddle)
    for point, value in (((0.0, 1.0), 0.0), ((0.0, -1.0), 0.0), ((0.0, 0.0), 0.25)):
        found, gradient = fun(np.array(point))
        assert found == value
        assert not gradient.any()
    hessian = [hessian_product(fun, np.zeros(2), v) for v in np.eye(2)]
    np.testing.assert_allclose(hessian, np.diag([1.0, -1.0]), atol=1e-6)


def test_points_of_a_grid_go_down_on_their_own():
    starts = np.random.default_rng(0).normal(size=(3, 4, 2))
    together = gradient_descent(differentiate(saddle), starts, lr=0.1, steps=20).path
    for i in range(3):
        for j in range(4):
            alone = gradient_descent(differentiate(saddle), starts[i, j], lr=0.1, steps=20).path
            np.testing.assert_allclose(together[:, i, j], alone, rtol=1e-12)


def test_escape_from_the_saddle_takes_the_logarithm():
    steps = []
    for delta in (1e-4, 1e-8):
        run = gradient_descent(differentiate(saddle), np.array([0.0, delta]), lr=0.1, steps=400)
        steps.append(int(np.argmax(run.path[:, 1] > 0.1)))
    np.testing.assert_allclose(steps[1] - steps[0], np.log(1e4) / np.log(1.1), atol=1.5)


def three_networks():
    """La misma red tres veces, con sus datos."""
    torch.manual_seed(0)
    x, y = torch.randn(25, 6, dtype=torch.float64), torch.randint(3, (25,))
    models = []
    for _ in range(3):
        torch.manual_seed(5)
        models.append(MLP((6, 8, 3), torch.tanh).double())
    return models, x, y


def test_loop_descent_and_torch_optimizer_agree():
    (looped, reference, wrapped), x, y = three_networks()
    begin = parameters_to_vector(wrapped.parameters()).detach().numpy().copy()
    losses = train(looped, F.cross_entropy, x, y, lr=0.4, steps=30)
    optimizer, expected = torch.optim.SGD(reference.parameters(), lr=0.4), []
    for _ in range(30):
        optimizer.zero_grad()
        loss = F.cross_entropy(reference(x), y)
        loss.backward()
        optimizer.step()
        expected.append(loss.item())
    run = gradient_descent(network_loss(wrapped, F.cross_entropy, x, y), begin, lr=0.4, steps=30)
    final = parameters_to_vector(reference.parameters()).detach()
    torch.testing.assert_close(parameters_to_vector(looped.parameters()).detach(), final)
    torch.testing.assert_close(torch.from_numpy(run.points[-1]), final)
    np.testing.assert_allclose(losses, expected)
    np.testing.assert_allclose(run.values[:-1], expected)


def test_network_loss_does_not_share_memory_with_the_points():
    (model, *_), x, y = three_networks()
    w = parameters_to_vector(model.parameters()).detach().numpy().copy()
    before, fun = w.copy(), network_loss(model, F.cross_entropy, x, y)
    value, gradient = fun(w)
    train(model, F.cross_entropy, x, y, lr=0.5, steps=3)
    np.testing.assert_array_equal(w, before)
    assert (value, gradient.shape) == (fun(before)[0], w.shape)


def test_network_gradient_matches_finite_differences():
    (model, *_), x, y = three_networks()
    w, fun = (
        parameters_to_vector(model.parameters()).detach().numpy().copy(),
        network_loss(model, F.cross_entropy, x, y),
    )
    v = np.random.default_rng(0).normal(size=len(w))
    slope = (fun(w + 1e-6 * v)[0] - fun(w - 1e-6 * v)[0]) / 2e-6
    np.testing.assert_allclose(fun(w)[1] @ v, slope, rtol=1e-6)


def test_training_leaves_no_gradients_and_skips_unused_parameters():
    model = nn.ModuleDict({"used": nn.Linear(2, 1), "idle": nn.Linear(2, 1)})
    idle = model["idle"].weight.detach().clone()
    model.forward = model["used"].forward
    losses = train(model, F.mse_loss, torch.ones(3, 2), torch.zeros(3, 1), lr=0.1, steps=4)
    assert losses == sorted(losses, reverse=True)
    assert all(p.grad is None or not p.grad.any() for p in model.parameters())
    assert torch.equal(model["idle"].weight, idle)


@pytest.mark.parametrize(("lr", "steps"), [(0.0, 1), (-0.1, 1), (0.1, -1)])
def test_training_refuses_bad_options(lr, steps):
    with pytest.raises(ValueError, match=f"lr={lr}, steps={steps}"):
        train(nn.Linear(1, 1), F.mse_loss, torch.ones(1, 1), torch.ones(1, 1), lr=lr, steps=steps)


# --- Ejercicios -----------------------------------------------------------------------------------------------------


def rates(limit=lambda m, t: 2 / t, best=lambda m, t: 2 / (m + t), rho=lambda m, t: (t - m) / (t + m)):
    def answer(hessian):
        lambdas = np.linalg.eigvalsh(hessian)
        return [f(lambdas[0], lambdas[-1]) for f in (limit, best, rho)]

    return answer


def touch_hessian(hessian):
    result = rates()(hessian)
    hessian *= 2
    return result


def search(accept):
    def answer(fun, w, lr, shrink, c):
        value, g = fun(w)
        while not accept(lr, fun(w - lr * g)[0], value, g, c):
            lr *= shrink
        return lr

    return answer


armijo = search(lambda lr, new, f, g, c: new <= f - c * lr * g @ g)


def search_in_place(fun, w, lr, shrink, c):
    value, g = fun(w)
    start = w.copy()
    w -= lr * g
    while fun(w)[0] > value - c * lr * g @ g:
        lr *= shrink
        w[:] = start - lr * g
    return lr


def power(product, v, iterations, *, normalize=True, last=True, result=lambda v, product: v @ product(v)):
    for _ in range(iterations):
        v = product(v)
        if normalize:
            v = v / np.linalg.norm(v)
    return result(v if last else v * 2, product)


def power_in_place(product, v, iterations):
    for _ in range(iterations):
        v[:] = product(v)
        v /= np.linalg.norm(v)
    return v @ product(v)


def loop(model, loss_fn, x, y, lr, steps, *, clear="siempre", after=False, sign=1, move=True, last=False):
    losses = []
    for _ in range(steps):
        if clear == "siempre":
            model.zero_grad()
        loss = loss_fn(model(x), y)
        loss.backward()
        if move:
            with torch.no_grad():
                for p in model.parameters():
                    p -= sign * lr * p.grad
        if clear == "al final":
            model.zero_grad()
        losses.append((loss_fn(model(x), y) if after else loss).item())
    return losses[-1:] if last else losses


def with_optimizer(model, loss_fn, x, y, lr, steps):
    optimizer, losses = torch.optim.SGD(model.parameters(), lr=lr), []
    for _ in range(steps):
        optimizer.zero_grad()
        losses.append(loss_fn(model(x), y))
        losses[-1].backward()
        optimizer.step()
    return torch.stack(losses).detach() if losses else []


def adjust(loss, x, *, steps=60, back=True, newton=False):
    mean, std = x.mean(axis=0), x.std(axis=0)
    s = np.diag(np.append(1, 1 / std))
    s[0, 1:] = -mean / std
    z = np.column_stack([np.ones(len(x)), x]) @ s
    hessian, u = 2 * z.T @ z / len(z), np.zeros(len(s))
    if newton:
        return s @ np.linalg.solve(hessian, -s.T @ loss(u)[1])
    lambdas = np.linalg.eigvalsh(hessian)
    for _ in range(steps):
        u = u - 2 / (lambdas[0] + lambdas[-1]) * s.T @ loss(s @ u)[1]
    return s @ u if back else u


def naive(loss, x):
    design = np.column_stack([np.ones(len(x)), x])
    lr, w = 1 / np.linalg.eigvalsh(2 * design.T @ design / len(x))[-1], np.zeros(x.shape[1] + 1)
    for _ in range(60):
        w = w - lr * loss(w)[1]
    return w


def adjust_in_place(loss, x):
    w = adjust(loss, x.copy())
    x -= x.mean(axis=0)
    return w


RIGHT = {
    "mano": [[[7.2, -0.8], [5.76, 0.64]], np.array([[7.2, -0.8], [5.76, 0.64]]).tolist()],
    "tasas": [rates(), lambda h: np.array(rates()(h)), lambda h: tuple(rates()(np.triu(h) + np.triu(h, 1).T))],
    "retroceso": [armijo, search(lambda lr, new, f, g, c: f - new >= c * lr * (g**2).sum())],
    "potencia": [power, lambda product, v, n: [power(product, v, n)]],
    "bucle": [loop, with_optimizer],
    "proyecto": [adjust, partial(adjust, newton=True), partial(adjust, steps=40)],
}
WRONG = {
    "mano": [
        ([[10.8, 2.8], [1, 1]], "eso sube"),
        ([[5.4, -2.6], [1, 1]], "Falta el ½"),
        ([[7.2, 0.8], [1, 1]], "Olvidaste el 9"),
        ([[0, -8], [1, 1]], "multiplicar el gradiente por η"),
        ([[7.2, -0.8], [5.4, -2.6]], "sale del punto al que llegaste"),
        ([[7.2, -0.8], [5.76, -0.64]], "El segundo punto no es ese"),
        ([[1, 1], [1, 1]], "El primer punto no es ese"),
        ([[1, 1, 1], [1, 1]], "forma (2,)"),
        ([[7.2, -0.8]], "Se esperaba una lista de 2 puntos"),
        (7.2, "Se esperaba una lista de 2 puntos"),
    ],
    "tasas": [
        (rates(limit=lambda m, t: 1 / t), "1/L es la tasa prudente"),
        (rates(limit=lambda m, t: 2 / m), "usaste la menor curvatura"),
        (lambda h: [2 / np.trace(h), 1, 1], "usaste la suma"),
        (rates(limit=lambda m, t: t), "la tasa límite no es"),
        (rates(best=lambda m, t: 1 / (m + t)), "le falta un 2"),
        (rates(best=lambda m, t: 1 / t), "no la mejor"),
        (rates(best=lambda m, t: 0.1), "la mejor tasa no es"),
        (rates(rho=lambda m, t: t / m), "diste κ"),
        (rates(rho=lambda m, t: (m - t) / (t + m)), "no puede ser negativo"),
        (rates(rho=lambda m, t: 1 - m / t), "con la tasa 1/L"),
        (rates(rho=lambda m, t: ((t / m) ** 0.5 - 1) / ((t / m) ** 0.5 + 1)), "sobra la raíz"),
        (rates(rho=lambda m, t: 0.5), "ρ no es"),
        (touch_hessian, "Modificaste la hessiana"),
        (lambda h: rates()(h)[:2], "forma (3,)"),
    ],
    "retroceso": [
        (search(lambda lr, new, f, g, c: new < f), "falta el término con c"),
        (search(lambda lr, new, f, g, c: new <= f - c * lr * np.linalg.norm(g)), "va al cuadrado"),
        (search(lambda lr, new, f, g, c: new <= f - lr * g @ g), "es minúscula"),
        (lambda fun, w, lr, shrink, c: lr, "es la tasa inicial"),
        (lambda fun, w, lr, shrink, c: shrink * armijo(fun, w, lr, shrink, c), "encogiste de más"),
        (search_in_place, "Modificaste `w`"),
        (search(lambda lr, new, f, g, c: False), "más de 2000 evaluaciones"),
        (lambda fun, w, lr, shrink, c: 3.21, "no es la primera de la lista"),
        (lambda fun, w, lr, shrink, c: w, "forma"),
    ],
    "potencia": [
        (partial(power, normalize=False), "se desborda"),
        (partial(power, result=lambda v, product: np.linalg.norm(product(v))), "falta el signo"),
        (partial(power, result=lambda v, product: v), "Devolviste la dirección"),
        (lambda product, v, n: v @ product(v) / (v @ v), "usas la dirección inicial"),
        (lambda product, v, n: v @ product(v), "debe tener norma 1"),
        (partial(power, last=False), "no es el de mayor módulo"),
        (lambda product, v, n: np.linalg.eigvalsh([product(e) for e in np.eye(len(v))])[-1], "es el mayor, y no"),
        (partial(power, result=lambda v, product: product(v) @ product(product(v))), "es el cubo"),
        (power_in_place, "Modificaste `v`"),
    ],
    "bucle": [
        (partial(loop, clear="nunca"), "No borras los gradientes"),
        (partial(loop, clear="al final"), "gradientes de otra cosa"),
        (partial(loop, sign=-1), "Sumas el gradiente"),
        (partial(loop, move=False), "Los pesos no han cambiado"),
        (partial(loop, after=True), "la pérdida de después"),
        (partial(loop, last=True), "forma (6,)"),
        (lambda m, f, x, y, lr, steps: [0.0 * v for v in loop(m, f, x, y, lr, steps)], "no son las de antes"),
        (lambda m, f, x, y, lr, steps: loop(m, f, x, y, 2 * lr, steps), "no son los del descenso"),
        (lambda *args: "listo", "Se esperaban números"),
    ],
    "proyecto": [
        (naive, "κ es enorme"),
        (partial(adjust, back=False), "falta volver a las unidades"),
        (partial(adjust, steps=61), "ya llamaste a `loss` 60 veces"),
        (partial(adjust, steps=2), "veces el mínimo"),
        (adjust_in_place, "Modificaste `x`"),
        (lambda loss, x: np.zeros(x.shape[1]), "forma"),
        (lambda loss, x: loss(np.zeros(x.shape[1])), "w debe tener forma"),
    ],
}  # fmt: skip
test_right_answers_pass, test_each_mistake_gets_its_message, test_every_exercise_is_covered = exercise_tests(
    comprobar, RIGHT, WRONG
)
