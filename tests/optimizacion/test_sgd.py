"""El descenso estocástico contra PyTorch, el ruido contra la cuenta completa y las respuestas del capítulo."""

from functools import partial
from itertools import combinations, islice, product

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from respuestas import exercise_tests
from torch import nn
from torch.nn import functional as F
from torch.utils.data import BatchSampler, DataLoader, RandomSampler, SequentialSampler, TensorDataset

from profundo.ejercicios.optimizacion.sgd import comprobar
from profundo.fundamentos.mlp import MLP
from profundo.fundamentos.regresion_lineal import SquaredLoss, gradient_descent, mean_loss
from profundo.optimizacion.sgd import (
    accuracies,
    batch_variance,
    batches,
    example_gradients,
    forward,
    gradient_variance,
    initial,
    noise_scale,
    sgd,
    stationary_covariance,
    train_grid,
)

ORDERS = ("reshuffle", "shuffle_once", "replacement", "fixed")


def epochs_of(n, batch_size, count=1, **options):
    """Los lotes de ``count`` épocas, una lista por época."""
    size = len(range(0, n - n % batch_size if options.get("drop_last") else n, batch_size))
    stream = batches(n, batch_size, **options)
    return [list(islice(stream, size)) for _ in range(count)]


def table(n=40, p=3, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, p)) @ rng.normal(size=(p, p))
    return x, x @ rng.normal(size=p) + rng.normal(size=n)


def squared(x, y):
    """El gradiente del error cuadrático medio de un lote."""
    return lambda w, rows: mean_loss(w, x[rows], y[rows], SquaredLoss())[1]


# --- Lotes ----------------------------------------------------------------------------------------------------------


@given(n=st.integers(1, 60), data=st.data(), drop_last=st.booleans(), order=st.sampled_from(ORDERS))
def test_batches_have_the_sizes_of_pytorch(n, data, drop_last, order):
    batch_size = data.draw(st.integers(1, n))
    sizes = [len(rows) for rows in BatchSampler(SequentialSampler(range(n)), batch_size, drop_last)]
    for epoch in epochs_of(n, batch_size, 3, order=order, drop_last=drop_last, seed=1):
        assert [len(rows) for rows in epoch] == sizes
        assert all(rows.min() >= 0 and rows.max() < n for rows in epoch)


@given(n=st.integers(1, 60), data=st.data(), order=st.sampled_from(("reshuffle", "shuffle_once", "fixed")))
def test_without_replacement_an_epoch_sees_each_example_once(n, data, order):
    batch_size = data.draw(st.integers(1, n))
    for epoch in epochs_of(n, batch_size, 3, order=order, seed=2):
        np.testing.assert_array_equal(np.sort(np.concatenate(epoch)), np.arange(n))


def test_what_changes_from_one_epoch_to_the_next():
    flat = {o: [np.concatenate(e) for e in epochs_of(100, 7, 2, order=o, seed=3)] for o in ORDERS}
    np.testing.assert_array_equal(flat["fixed"], [np.arange(100)] * 2)
    np.testing.assert_array_equal(*flat["shuffle_once"])
    assert not np.array_equal(flat["shuffle_once"][0], np.arange(100))
    assert not np.array_equal(*flat["reshuffle"])
    assert not np.array_equal(flat["reshuffle"][0], np.arange(100))
    # Con reposición falta, a la larga, una fracción 1/e: ya en la primera época.
    seen = [len(np.unique(epoch)) for epoch in flat["replacement"]]
    assert 50 < min(seen) <= max(seen) < 78


@pytest.mark.parametrize("order", ORDERS)
def test_the_seed_decides(order):
    first, again, other = (np.concatenate(list(islice(batches(50, 8, order=order, seed=s), 14))) for s in (4, 4, 5))
    np.testing.assert_array_equal(first, again)
    assert np.array_equal(first, other) == (order == "fixed")


def test_a_data_loader_accepts_them():
    x = torch.arange(23.0)
    rows = list(islice(batches(23, 5, seed=6), 10))
    loader = DataLoader(TensorDataset(x), batch_sampler=[r.tolist() for r in rows])
    for (batch,), expected in zip(loader, rows, strict=True):
        torch.testing.assert_close(batch, x[torch.from_numpy(expected)])


def test_replacement_draws_like_random_sampler():
    """Como el de PyTorch, todos los ejemplos por igual: se comparan las frecuencias."""
    drawn = np.concatenate(list(islice(batches(10, 10, order="replacement", seed=7), 4000)))
    theirs = list(RandomSampler(range(10), replacement=True, num_samples=40000))
    for sample in (drawn, np.array(theirs)):
        assert np.abs(np.bincount(sample, minlength=10) / 4000 - 1).max() < 0.08


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"batch_size": 0}, "batch_size debe estar entre 1 y n=5; se recibió 0"),
        ({"batch_size": 6}, "batch_size debe estar entre 1 y n=5; se recibió 6"),
        ({"batch_size": 2, "order": "azar"}, "order debe ser uno de reshuffle"),
    ],
)
def test_bad_batches_are_explained(arguments, message):
    with pytest.raises(ValueError, match=message):
        batches(5, **arguments)


# --- El algoritmo ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("schedule", [0.05, lambda t: 0.1 / (1 + t / 5)], ids=["constante", "decrece"])
@pytest.mark.parametrize("order", ORDERS)
def test_sgd_is_the_one_of_pytorch(order, schedule):
    x, y = table()
    path = sgd(squared(x, y), np.zeros(3), batches(40, 7, order=order), lr=schedule, steps=30)
    layer = nn.Linear(3, 1, bias=False).double()
    nn.init.zeros_(layer.weight)
    optimizer = torch.optim.SGD(layer.parameters(), lr=1.0)
    factor = schedule if callable(schedule) else lambda t: schedule
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, factor)
    tensors = torch.from_numpy(x), torch.from_numpy(y)
    for t, rows in enumerate(islice(batches(40, 7, order=order), 30)):
        np.testing.assert_allclose(path[t], layer.weight.detach().numpy()[0], atol=1e-12)
        optimizer.zero_grad()
        F.mse_loss(layer(tensors[0][rows])[:, 0], tensors[1][rows]).backward()
        optimizer.step()
        scheduler.step()
    np.testing.assert_allclose(path[-1], layer.weight.detach().numpy()[0], atol=1e-12)


def test_with_the_whole_batch_it_is_gradient_descent():
    x, y = table()
    path = sgd(squared(x, y), np.zeros(3), batches(40, 40), lr=0.05, steps=20)
    np.testing.assert_allclose(path, gradient_descent(x, y, lr=0.05, epochs=20), atol=1e-12)


def test_several_chains_at_once_are_the_same():
    x, y = table()
    streams = [list(islice(batches(40, 4, seed=s), 12)) for s in range(3)]

    def gradient(w, rows):
        return 2 * np.einsum("cbp,cb->cp", x[rows], np.einsum("cbp,cp->cb", x[rows], w) - y[rows]) / rows.shape[1]

    together = sgd(gradient, np.zeros((3, 3)), (np.stack(r) for r in zip(*streams, strict=True)), lr=0.03, steps=12)
    for k, rows in enumerate(streams):
        np.testing.assert_allclose(together[:, k], sgd(squared(x, y), np.zeros(3), rows, lr=0.03, steps=12))


def test_the_start_is_not_modified():
    x, y = table()
    w = np.ones(3)
    path = sgd(squared(x, y), w, batches(40, 4), lr=0.03, steps=5)
    np.testing.assert_array_equal(w, np.ones(3))
    np.testing.assert_array_equal(path[0], w)
    assert path.shape == (6, 3)


def test_bad_descents_are_explained():
    x, y = table()
    gradient, w, rows = squared(x, y), np.zeros(3), [np.arange(4)] * 3
    with pytest.raises(ValueError, match="steps debe ser un entero positivo; se recibió 0"):
        sgd(gradient, w, rows, lr=0.1, steps=0)
    with pytest.raises(ValueError, match="al menos steps=4 lotes; trae 3"):
        sgd(gradient, w, rows, lr=0.1, steps=4)
    for lr in (-0.1, lambda t: 0.1 - t, float("nan")):
        with pytest.raises(ValueError, match="lr no debe ser negativa; en el paso"):
            sgd(gradient, w, rows, lr=lr, steps=3)
    with pytest.raises(ValueError, match="se desbordan"):
        sgd(lambda w, rows: -w, np.ones(1), [np.arange(1)] * 40, lr=1e300, steps=40)


# --- El ruido -------------------------------------------------------------------------------------------------------


@settings(max_examples=30)
@given(n=st.integers(1, 7), data=st.data(), seed=st.integers(0, 1000))
def test_every_possible_batch_confirms_mean_and_variance(n, data, seed):
    """Sin azar: se recorren todos los lotes, con y sin reposición."""
    b = data.draw(st.integers(1, min(n, 4)))
    gradients = torch.randn(n, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    mean, variance = gradients.mean(0), gradient_variance(gradients)
    for all_batches, size in ((combinations(range(n), b), n), (product(range(n), repeat=b), None)):
        means = torch.stack([gradients[list(rows)].mean(0) for rows in all_batches])
        torch.testing.assert_close(means.mean(0), mean)
        measured = (means - mean).square().sum(1).mean().item()
        assert measured == pytest.approx(batch_variance(variance, b, size), abs=1e-12)


def test_gradient_variance_is_the_trace_of_the_covariance():
    gradients = torch.randn(50, 4, dtype=torch.float64)
    trace = torch.cov(gradients.T, correction=0).trace().item()
    assert gradient_variance(gradients) == pytest.approx(trace)
    assert noise_scale(gradients) == pytest.approx(trace / gradients.mean(0).square().sum().item())


def test_batch_variance_at_the_extremes():
    assert batch_variance(3.0, 10, 10) == 0
    assert batch_variance(3.0, 1, 10) == batch_variance(3.0, 1) == 3
    assert batch_variance(0.0, 1, 1) == 0


def test_bad_variances_are_explained():
    with pytest.raises(ValueError, match="se recibió -1"):
        batch_variance(-1.0, 2)
    with pytest.raises(ValueError, match="batch_size >= 1"):
        batch_variance(1.0, 0)
    with pytest.raises(ValueError, match="no puede pasar de n=5 sin reposición; se recibió 6"):
        batch_variance(1.0, 6, 5)


def test_example_gradients_are_those_of_autograd():
    model = nn.Sequential(nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, 3)).double()
    x, y = torch.randn(9, 4, dtype=torch.float64), torch.randint(3, (9,))
    gradients = example_gradients(model, F.cross_entropy, x, y)
    for row, one_x, one_y in zip(gradients, x, y, strict=True):
        expected = torch.autograd.grad(F.cross_entropy(model(one_x[None]), one_y[None]), list(model.parameters()))
        torch.testing.assert_close(row, torch.cat([g.flatten() for g in expected]))
    whole = torch.autograd.grad(F.cross_entropy(model(x), y), list(model.parameters()))
    torch.testing.assert_close(gradients.mean(0), torch.cat([g.flatten() for g in whole]))
    assert all(p.grad is None for p in model.parameters())


def test_example_gradients_pass_the_numerical_gradient():
    model = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 2)).double()
    x, y = torch.randn(1, 2, dtype=torch.float64), torch.tensor([1])
    (gradient,) = example_gradients(model, F.cross_entropy, x, y)
    flat = nn.utils.parameters_to_vector(model.parameters()).detach()
    eps, numeric = 1e-6, []
    for k in range(len(flat)):
        values = []
        for sign in (1, -1):
            shifted = flat.clone()
            shifted[k] += sign * eps
            nn.utils.vector_to_parameters(shifted, model.parameters())
            values.append(F.cross_entropy(model(x), y).item())
        numeric.append((values[0] - values[1]) / (2 * eps))
    torch.testing.assert_close(gradient, torch.tensor(numeric, dtype=torch.float64), rtol=1e-6, atol=1e-8)


def test_bad_example_gradients_are_explained():
    with pytest.raises(ValueError, match="tienen 3 y 2"):
        example_gradients(nn.Linear(2, 1), F.mse_loss, torch.zeros(3, 2), torch.zeros(2, 1))


@pytest.mark.parametrize(("lr", "batch_size"), [(0.02, 1), (0.05, 4), (0.2, 16)])
def test_stationary_covariance_is_the_measured_one(lr, batch_size):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(60, 2)) @ [[1.0, 0.5], [0.0, 0.7]]
    y = x @ [1.0, -1.0] + rng.normal(size=60)
    optimum = np.linalg.lstsq(x, y)[0]
    covariance = stationary_covariance(x, y, lr=lr, batch_size=batch_size)

    def gradient(w, rows):
        return 2 * np.einsum("cbp,cb->cp", x[rows], np.einsum("cbp,cp->cb", x[rows], w) - y[rows]) / batch_size

    chains, steps = 400, 700
    rows = (rng.integers(60, size=(chains, batch_size)) for _ in range(steps))
    path = sgd(gradient, np.tile(optimum, (chains, 1)), rows, lr=lr, steps=steps)[steps // 2 :] - optimum
    measured = np.einsum("tci,tcj->ij", path, path) / path[..., 0].size
    np.testing.assert_allclose(measured, covariance, rtol=0.1, atol=0.02 * np.abs(covariance).max())


def test_stationary_covariance_is_a_fixed_point():
    """Un paso deja igual la covarianza: se promedia sobre todos los lotes posibles."""
    x, y = table(n=6, p=2)
    x /= 2
    lr, b = 0.1, 2
    optimum, covariance = np.linalg.lstsq(x, y)[0], stationary_covariance(x, y, lr=0.1, batch_size=2)
    after = np.zeros((2, 2))
    for rows in product(range(6), repeat=b):
        part, errors = x[list(rows)], (x @ optimum - y)[list(rows)]
        step, noise = np.eye(2) - 2 * lr * part.T @ part / b, 2 * lr * part.T @ errors / b
        after += (step @ covariance @ step + np.outer(noise, noise)) / 6**b
    np.testing.assert_allclose(after, covariance, atol=1e-12)


def test_small_rates_leave_a_floor_of_eta_over_b():
    x, y = table()
    hessian = 2 * x.T @ x / len(x)
    errors = x @ np.linalg.lstsq(x, y)[0] - y
    variance = (4 * errors**2 * (x**2).sum(1)).mean()
    for lr, b in ((1e-4, 1), (1e-3, 20)):
        floor = np.trace(hessian @ stationary_covariance(x, y, lr=lr, batch_size=b)) / 2
        assert floor == pytest.approx(lr * variance / (4 * b), rel=0.02)


def test_bad_stationary_covariances_are_explained():
    x, y = table()
    with pytest.raises(ValueError, match="la varianza crece sin límite"):
        stationary_covariance(x, y, lr=2.0, batch_size=4)
    for arguments in ({"lr": 0.0, "batch_size": 1}, {"lr": 0.1, "batch_size": 0}):
        with pytest.raises(ValueError, match="lr > 0 y batch_size >= 1"):
            stationary_covariance(x, y, **arguments)


# --- Muchas redes ---------------------------------------------------------------------------------------------------


def images(n=30):
    return torch.randn(n, 5, dtype=torch.float64), torch.randint(3, (n,))


@pytest.mark.parametrize("order", ["reshuffle", "replacement"])
def test_a_grid_trains_each_net_as_if_alone(order):
    x, y = images()
    final = []

    def watch(parameters):
        final[:] = [p.detach().clone() for p in parameters]
        return torch.zeros(len(parameters[0]))

    rates, seeds = (0.1, 0.5), (3, 8, 9)
    options = {"sizes": (5, 4, 3), "batch_size": 8, "rates": rates, "seeds": seeds, "order": order}
    train_grid(x, y, watch, **options, marks=[11])
    for k, (rate, seed) in enumerate(product(rates, seeds)):
        torch.manual_seed(seed)
        net = MLP((5, 4, 3)).double()
        optimizer = torch.optim.SGD(net.parameters(), lr=rate)
        for rows in islice(batches(30, 8, order=order, seed=seed), 11):
            optimizer.zero_grad()
            F.cross_entropy(net(x[rows]), y[rows]).backward()
            optimizer.step()
        expected = [p for pair in zip(net.weights, net.biases, strict=True) for p in pair]
        for ours, theirs in zip(final, expected, strict=True):
            torch.testing.assert_close(ours[k], theirs.detach())


def test_a_grid_watches_at_its_marks():
    x, y = images()
    norms = lambda parameters: sum(p.detach().flatten(1).square().sum(1) for p in parameters)  # noqa: E731
    options = {"sizes": (5, 3), "batch_size": 10, "rates": [0.1, 0.2], "seeds": [0, 1, 2]}
    measured = train_grid(x, y, norms, **options, marks=[2, 5])
    assert measured.shape == (2, 2, 3)
    np.testing.assert_allclose(measured[0], train_grid(x, y, norms, **options, marks=[2])[0])


def test_forward_and_accuracies_are_those_of_each_net():
    x, y = images()
    parameters = initial((5, 4, 3), (0, 1), torch.float64)
    outputs = forward(parameters, x.expand(2, -1, -1))
    for seed in (0, 1):
        torch.manual_seed(seed)
        net = MLP((5, 4, 3)).double()
        torch.testing.assert_close(outputs[seed], net(x))
        assert accuracies(parameters, x, y)[seed] == pytest.approx((net(x).argmax(1) == y).double().mean().item())


def test_initial_leaves_the_global_randomness_alone():
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    initial((4, 2), (0, 1), torch.float32)
    torch.testing.assert_close(torch.rand(3), expected)


@pytest.mark.parametrize(
    "change", [{"rates": []}, {"rates": [0.1, -1.0]}, {"seeds": []}, {"marks": []}, {"marks": [0, 3]}]
)
def test_bad_grids_are_explained(change):
    x, y = images()
    options = {"sizes": (5, 3), "batch_size": 10, "rates": [0.1], "seeds": [0], "marks": [2]} | change
    with pytest.raises(ValueError, match="deben ser positivas y no vacías"):
        train_grid(x, y, lambda parameters: torch.zeros(len(parameters[0])), **options)


# --- Ejercicios -----------------------------------------------------------------------------------------------------


def good_lote(varianza, meta, n, round=np.ceil):
    return int(round(varianza * n / (meta * (n - 1) + varianza)))


def slow_lote(varianza, meta, n):
    return next(b for b in range(1, n + 1) if batch_variance(varianza, b, n) <= meta)


def accumulated(end=lambda total, count, chunks: total / count, weight=len):
    def mi_gradiente(gradiente, w, trozos):
        total = sum(weight(rows) * gradiente(w, rows) for rows in trozos)
        return end(total, sum(map(len, trozos)), len(trozos))

    return mi_gradiente


def predictions(factor=2.0, keep=lambda guess, y, row, w: guess):
    def mis_predicciones(x, y, w, lr):
        found = []
        for row, target in zip(x, y, strict=True):
            guess = row @ w
            w = w - factor * lr * (guess - target) * row
            found.append(keep(guess, target, row, w))
        return np.array(found)

    return mis_predicciones


def in_place_predictions(x, y, w, lr):
    found = []
    for row, target in zip(x, y, strict=True):
        found.append(row @ w)
        w -= 2 * lr * (found[-1] - target) * row
    return found


def in_place_gradient(gradiente, w, trozos):
    w -= 1
    return accumulated()(gradiente, w, trozos)


def emptied(gradiente, w, trozos):
    result = accumulated()(gradiente, w, trozos)
    trozos.clear()
    return result


EXPONENTS = (0, 0.4, 0.5, 0.75, 1, 1.5)
RIGHT: dict[str, list[object]] = {
    "cuentas": [[9380, 32, 9370], (9380.0, 32, 9370), np.array([9380, 32, 9370])],
    "robbins": [[False, False, False, True, True, False], [np.bool_(0.5 < a <= 1) for a in EXPONENTS]],
    "minimo": [good_lote, slow_lote, partial(good_lote, round=lambda v: np.float64(np.ceil(v)))],
    "acumular": [
        accumulated(),
        lambda g, w, chunks: np.average([g(w, r) for r in chunks], axis=0, weights=[len(r) for r in chunks]),
    ],
    "linea": [predictions(), lambda x, y, w, lr: predictions()(x, y, w.copy(), lr).tolist()],
    "proyecto": [[64, 0.85], (64.0, 1.0), [32, 0.5]],
}
WRONG: dict[str, list[tuple[object, str]]] = {
    "cuentas": [
        ([938, 32, 937], "los de diez"),
        ([9375, 32, 9370], "no es entero"),
        ([9370, 32, 9370], "también es un paso"),
        ([600000, 32, 9370], "son las imágenes"),
        ([1, 32, 9370], "El primer número no es"),
        ([9380, 64, 9370], "está incompleto"),
        ([9380, 33, 9370], "el resto"),
        ([9380, 32, 9380], "descarta el lote incompleto de cada época"),
        ([9380, 32, 9379], "cada una de las diez épocas"),
        ([9380, 32, 937], "El tercer número"),
        ([9380, 32], "forma (3,)"),
    ],
    "robbins": [
        ([a <= 1 for a in EXPONENTS], "solo la primera condición"),
        ([a > 0.5 for a in EXPONENTS], "solo la segunda condición"),
        ([not 0.5 < a <= 1 for a in EXPONENTS], "al revés"),
        ([a > 1 for a in EXPONENTS], "no finita"),
        ([0.5 <= a <= 1 for a in EXPONENTS], "aunque por poco"),
        ([0.5 < a < 1 for a in EXPONENTS], "Con a = 1 "),
        ([0.4 <= a <= 1 for a in EXPONENTS], "Con a = 0.4"),
        ([True, False, False, True, True, False], "Una tasa constante"),
        ([False, False, False, False, True, False], "Con a = 0.75"),
        ([False, False, False, True, True, True, True], "tiene 7"),
        ([0, 0, 0, 1, 1, 0], "True o False, sin comillas"),
    ],
    "minimo": [
        (lambda v, m, n: v * n / (m * (n - 1) + v), "Falta redondear"),
        (partial(good_lote, round=np.floor), "Redondeas hacia abajo"),
        (lambda v, m, n: good_lote(v, m, n, round=np.floor) + 2, "Sobra un ejemplo"),
        (lambda v, m, n: int(np.ceil(v / m)), "con reposición"),
        (lambda v, m, n: min(int(np.ceil(v / m)), n), "con reposición"),
        (lambda v, m, n: int(np.ceil((v / m) ** 0.5)), "sobra la raíz"),
        (lambda v, m, n: int(np.ceil((v / m) ** 2)), "sobra el cuadrado"),
        (lambda v, m, n: n + 1, "entre 1 y n"),
        (lambda v, m, n: 3, "Se esperaba un lote de"),
    ],
    "acumular": [
        (accumulated(lambda total, count, chunks: total / chunks, weight=lambda r: 1), "Promedias promedios"),
        (accumulated(lambda total, count, chunks: total, weight=lambda r: 1), "sin pesarlas ni dividir"),
        (accumulated(weight=lambda r: 1), "Divides dos veces"),
        (accumulated(lambda total, count, chunks: total), "Falta dividir"),
        (accumulated(lambda total, count, chunks: total / chunks), "no entre el número de trozos"),
        (lambda g, w, chunks: g(w, chunks[-1]), "último trozo"),
        (lambda g, w, chunks: g(w, np.concatenate(chunks)), "una llamada a gradiente por trozo"),
        (in_place_gradient, "Modificaste w"),
        (emptied, "Modificaste los trozos"),
        (accumulated(lambda total, count, chunks: -total / count), "No es el gradiente medio"),
    ],
    "linea": [
        (predictions(keep=lambda guess, y, row, w: row @ w), "Predices después"),
        (lambda x, y, w, lr: x @ w, "Los pesos no cambian"),
        (predictions(factor=1.0), "Falta el 2"),
        (predictions(factor=-2.0), "revisa el signo"),
        (lambda x, y, w, lr: predictions()(x, y, w, lr / len(x)), "No dividas entre n"),
        (predictions(keep=lambda guess, y, row, w: guess - y), "Devuelves los errores"),
        (lambda x, y, w, lr: predictions()(x[::-1], y[::-1], w, lr)[::-1], "en su orden"),
        (in_place_predictions, "Modificaste w"),
        (predictions(factor=5.0), "no coinciden"),
        (lambda x, y, w, lr: predictions()(x, y, w, lr)[:-1], "forma"),
    ],
    "proyecto": [
        ([64, 30.0], "casi adivinar"),
        ([4, 0.2], "muchos y ruidosos"),
        ([512, 0.6], "pasado el lote crítico"),
        ([64, 0.2], "prueba otras tasas"),
        ([64.5, 0.8], "un entero entre 1 y 2048"),
        ([4096, 0.8], "un entero entre 1 y 2048"),
        ([64, -0.8], "positiva"),
        ([64, 1e9], "se desbordan"),
    ],
}


(
    test_right_answers_pass,
    test_each_mistake_gets_its_message,
    test_every_exercise_has_right_and_wrong_answers,
) = exercise_tests(comprobar, RIGHT, WRONG)
