"""Las penalizaciones contra scikit-learn, SciPy y PyTorch, sus propiedades y las respuestas que el capítulo espera."""

import math
import warnings

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from respuestas import exercise_tests
from scipy.optimize import minimize_scalar
from sklearn.linear_model import ElasticNet, Ridge
from torch import nn
from torch.nn import functional as F

from profundo.comun.copias import Copies
from profundo.comun.lotes import make_loader
from profundo.ejercicios.optimizacion.penalizacion import comprobar
from profundo.fundamentos.bucle_de_entrenamiento import Trainer
from profundo.optimizacion.penalizacion import (
    Charges,
    Collector,
    EarlyStopping,
    bias_variance,
    decay_groups,
    elastic_net,
    random_features,
    ridge,
    ridge_factors,
    smoothed_cross_entropy,
    soft_threshold,
    stopping_factors,
    train_charged,
)

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(40, 6)) @ RNG.normal(size=(6, 6)), RNG.normal(size=40)

# --- Regresión ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(40, 6), (5, 12)])
@pytest.mark.parametrize("l2", [1e-3, 0.3])
def test_ridge_is_that_of_scikit_learn(shape, l2):
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=shape), rng.normal(size=(shape[0], 3))
    theirs = Ridge(alpha=l2 * len(x), fit_intercept=False).fit(x, y).coef_.T
    np.testing.assert_allclose(ridge(x, y, l2), theirs, atol=1e-10)
    np.testing.assert_allclose(ridge(x, y[:, 0], l2), theirs[:, 0], atol=1e-10)


def test_ridge_without_charge_is_the_shortest_solution():
    wide = RNG.normal(size=(5, 12))
    np.testing.assert_allclose(ridge(wide, Y[:5], 0.0), np.linalg.pinv(wide) @ Y[:5], atol=1e-10)
    repeated = np.column_stack([X[:, 0], X[:, 0]])
    a, b = ridge(repeated, Y, 0.0)
    assert a == pytest.approx(b)


@pytest.mark.parametrize(("l1", "l2"), [(0.05, 0.0), (0.3, 0.0), (0.05, 0.2), (0.0, 0.2), (10.0, 0.0)])
def test_elastic_net_is_that_of_scikit_learn(l1, l2):
    model = ElasticNet(l1 + l2, l1_ratio=l1 / (l1 + l2), fit_intercept=False, tol=1e-12, max_iter=100_000)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # scikit-learn avisa de que no le gusta l1_ratio = 0
        theirs = model.fit(X, Y).coef_
    ours = elastic_net(X, Y, l1, l2)
    np.testing.assert_allclose(ours, theirs, atol=1e-6)
    assert ((ours == 0) == (np.abs(theirs) < 1e-9)).all()


@given(l1=st.floats(1e-3, 2), l2=st.floats(0, 1), seed=st.integers(0, 1000))
@settings(max_examples=30)
def test_elastic_net_satisfies_its_optimality_conditions(l1, l2, seed):
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(20, 4)), rng.normal(size=20)
    w = elastic_net(x, y, l1, l2)
    push = x.T @ (y - x @ w) / 20 - l2 * w
    assert np.abs(push).max() <= l1 + 1e-6
    np.testing.assert_allclose(push[w != 0], l1 * np.sign(w[w != 0]), atol=1e-6)


def test_elastic_net_starts_anywhere_and_says_when_it_does_not_converge():
    np.testing.assert_allclose(elastic_net(X, Y, 0.1, start=np.ones(6)), elastic_net(X, Y, 0.1), atol=1e-7)
    assert not elastic_net(np.zeros((3, 2)), np.ones(3), 0.1).any()
    with pytest.raises(ValueError, match="no converge en 2 iteraciones"):
        elastic_net(X, Y, 0.1, max_iterations=2)


@given(v=st.floats(-5, 5), t=st.floats(0, 3))
@settings(max_examples=50)
def test_soft_threshold_is_the_minimum(v, t):
    best = minimize_scalar(lambda w: (w - v) ** 2 / 2 + t * abs(w), bounds=(-6, 6), method="bounded")
    assert soft_threshold(np.array([v]), t)[0] == pytest.approx(best.x, abs=1e-4)
    torch.testing.assert_close(
        soft_threshold(torch.tensor([v]), t), F.softshrink(torch.tensor([v]), t), rtol=1e-5, atol=1e-6
    )


def test_factors_are_those_of_ridge_and_of_descent():
    curvatures, directions = np.linalg.eigh(X.T @ X / 40)
    best = ridge(X, Y, 0.0) @ directions
    np.testing.assert_allclose(ridge(X, Y, 0.4) @ directions, ridge_factors(curvatures, 0.4) * best, atol=1e-10)
    w, lr = np.zeros(6), 0.5 / curvatures[-1]
    for _ in range(37):
        w = w - lr * X.T @ (X @ w - Y) / 40
    np.testing.assert_allclose(w @ directions, stopping_factors(curvatures, lr, 37) * best, atol=1e-10)
    assert stopping_factors(np.zeros(1), lr, 1000) == 0  # donde los datos no dicen nada, no se mueve


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: ridge(X, Y[:-1], 0.1), "y con n filas"),
        (lambda: ridge(X[0], Y, 0.1), "forma \\(n, p\\)"),
        (lambda: ridge(X, Y, -0.1), "l2 debe ser finito y no negativo; se recibió -0.1"),
        (lambda: elastic_net(X, Y, math.nan), "l1 debe ser finito"),
        (lambda: elastic_net(X, Y, 0.1, math.inf), "l2 debe ser finito"),
        (lambda: bias_variance(np.zeros((1, 3)), np.zeros(3)), "forma \\(r, 3\\), con r al menos 2"),
        (lambda: bias_variance(np.zeros((4, 2)), np.zeros(3)), "tiene \\(4, 2\\)"),
        (lambda: random_features(X, 0, seed=0), "width debe ser un entero positivo"),
        (lambda: Charges(l1=-1.0), "l1 debe ser finito y no negativo"),
        (lambda: Charges(l2=torch.tensor([0.1, math.inf])), "l2 debe ser finito"),
        (lambda: Charges(limit=0.0), "limit debe ser positivo"),
        (lambda: smoothed_cross_entropy(torch.zeros(1, 3), torch.tensor([0]), 1.5), "eps debe estar entre 0 y 1"),
        (lambda: EarlyStopping(0), "patience debe ser al menos 1"),
        (lambda: EarlyStopping(1, mode="máximo"), "mode debe ser"),
    ],
)
def test_bad_input_is_explained(call, message):
    with pytest.raises(ValueError, match=message):
        call()


# --- Sesgo y varianza -----------------------------------------------------------------------------------------------


@given(seed=st.integers(0, 1000), r=st.integers(2, 9), m=st.integers(1, 9))
@settings(max_examples=30)
def test_bias_and_variance_add_up_to_the_error(seed, r, m):
    rng = np.random.default_rng(seed)
    predictions, truth = rng.normal(size=(r, m)), rng.normal(size=m)
    assert sum(bias_variance(predictions, truth)) == pytest.approx(((predictions - truth) ** 2).mean())


def test_random_features_share_their_first_columns():
    few, many = (random_features(X, width, seed=3) for width in (4, 16))
    np.testing.assert_allclose(few, 2 * many[:, :4], atol=1e-12)
    assert (few >= 0).all()
    assert (few == 0).any()


# --- Redes ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("eps", [0.0, 0.2, 1.0])
def test_smoothing_is_that_of_pytorch(eps):
    logits = torch.randn(7, 5, dtype=torch.float64, requires_grad=True)
    y = torch.arange(7) % 5
    ours, theirs = smoothed_cross_entropy(logits, y, eps).mean(), nn.CrossEntropyLoss(label_smoothing=eps)(logits, y)
    torch.testing.assert_close(ours, theirs)
    torch.testing.assert_close(*(torch.autograd.grad(loss, logits)[0] for loss in (ours, theirs)))
    big = smoothed_cross_entropy(torch.tensor([[1e4, -1e4]]), torch.tensor([1]), eps)
    assert torch.isfinite(big).all()


def test_smoothing_accepts_a_share_per_net():
    logits, y = torch.randn(2, 6, 5), torch.randint(0, 5, (2, 6))
    both = smoothed_cross_entropy(logits, y, torch.tensor([[0.0], [0.3]]))
    for k, eps in enumerate((0.0, 0.3)):
        torch.testing.assert_close(both[k], smoothed_cross_entropy(logits[k], y[k], eps))


def test_charges_are_proximal_operators():
    w = torch.randn(6, 20, dtype=torch.float64)
    torch.testing.assert_close(Charges(limit=2.0).prox(w, 0.1), torch.renorm(w, 2, 0, 2.0))
    torch.testing.assert_close(Charges(l1=0.3).prox(w, 0.1), F.softshrink(w, 0.03))
    torch.testing.assert_close(Charges(l2=0.5).prox(w, 0.1), w / 1.05)
    assert torch.equal(Charges().prox(w, 0.1), w)
    assert not Charges(limit=1.0).prox(torch.zeros(2, 3), 0.1).any()  # sin dividir entre cero


def test_the_shrinkage_minimizes_the_penalized_distance():
    v, lr, l1, l2 = 1.3, 0.2, 0.7, 0.9
    best = minimize_scalar(lambda w: (w - v) ** 2 / (2 * lr) + l1 * abs(w) + l2 / 2 * w**2)
    assert Charges(l1=l1, l2=l2).prox(torch.tensor([[v]]), lr).item() == pytest.approx(best.x, abs=1e-5)


@given(seed=st.integers(0, 1000), lr=st.floats(0.01, 1))
@settings(max_examples=30)
def test_charging_never_enlarges_and_never_separates(seed, lr):
    generator = torch.Generator().manual_seed(seed)
    a, b = torch.randn(2, 4, 5, dtype=torch.float64, generator=generator)
    charges = Charges(l1=0.2, l2=0.3, limit=1.0)
    x, y = charges.prox(a, lr), charges.prox(b, lr)
    assert (x.abs() <= a.abs()).all()
    assert (x - y).norm() <= (a - b).norm() + 1e-12
    assert torch.linalg.vector_norm(x, dim=1).max() <= 1 + 1e-12


def test_collect_spares_biases_and_counts_momentum():
    layer = nn.Conv2d(2, 3, 2)
    before, bias = layer.weight.detach().clone(), layer.bias.detach().clone()
    Charges(l2=1.0).collect(torch.optim.SGD(layer.parameters(), lr=0.05, momentum=0.9))
    torch.testing.assert_close(layer.weight, before / 1.5)
    assert torch.equal(layer.bias, bias)
    Charges(limit=0.1).collect(torch.optim.SGD(layer.parameters(), lr=0.05))
    assert torch.linalg.vector_norm(layer.weight.flatten(1), dim=1).max().item() == pytest.approx(0.1)


def test_weight_decay_in_sgd_is_the_penalty():
    ends = []
    for decay, penalty in ((0.3, 0.0), (0.0, 0.3)):
        w = torch.ones(6, dtype=torch.float64, requires_grad=True)
        optimizer = torch.optim.SGD([w], lr=0.01, momentum=0.5, weight_decay=decay)
        for _ in range(50):
            optimizer.zero_grad()
            (((torch.from_numpy(X) @ w) ** 2).mean() + penalty / 2 * w.square().sum()).backward()
            optimizer.step()
        ends.append(w.detach())
    torch.testing.assert_close(*ends)


def test_decay_groups_split_weights_from_the_rest():
    model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(16, 2))
    model[3].bias.requires_grad_(False)
    decayed, free = decay_groups(model, 0.1)
    assert [p.shape for p in decayed["params"]] == [model[0].weight.shape, model[3].weight.shape]
    assert len(free["params"]) == 3
    assert (decayed["weight_decay"], free["weight_decay"]) == (0.1, 0.0)
    torch.optim.AdamW([decayed, free])


def tiny_trainer(*callbacks):
    torch.manual_seed(0)
    x, y = torch.randn(40, 5), torch.randint(0, 3, (40,))
    model = nn.Linear(5, 3)
    trainer = Trainer(model, F.cross_entropy, torch.optim.SGD(model.parameters(), lr=0.5), callbacks=callbacks)
    return trainer, make_loader(x[:30], y[:30], batch_size=10), make_loader(x[30:], y[30:], batch_size=10)


def test_early_stopping_waits_and_returns_the_best_weights():
    hook = EarlyStopping(3)
    trainer, train, val = tiny_trainer(hook)
    losses = trainer.fit(train, val, epochs=100)["val_loss"]
    best = int(np.argmin(losses))
    assert len(losses) < 100
    assert (hook.best_epoch, len(losses)) == (best + 1, best + 4)
    assert trainer.evaluate(val)["loss"] == pytest.approx(losses[best])


def test_collector_charges_after_each_step():
    trainer, train, _ = tiny_trainer(Collector(Charges(limit=0.2)))
    trainer.fit(train, epochs=2)
    assert torch.linalg.vector_norm(trainer.model.weight, dim=1).max() <= 0.2 + 1e-6


def test_trained_nets_do_not_mix():
    x, y = torch.rand(2, 60, 4, dtype=torch.float64), torch.randint(0, 3, (2, 60))
    charges = {"l1": [0.0, 1e-3], "l2": [0.1, 0.0], "limit": [math.inf, 0.8]}
    together = Copies((4, 6, 3), [5, 7]).double()
    tensors = {name: torch.tensor(values, dtype=torch.float64)[:, None, None] for name, values in charges.items()}
    shares = torch.tensor([[0.0], [0.2]], dtype=torch.float64)
    calls = []
    train_charged(
        together, x, y, Charges(**tensors), seeds=[5, 7], epochs=3, eps=shares, on_epoch=lambda: calls.append(1)
    )
    assert len(calls) == 3
    for k, seed in enumerate((5, 7)):
        alone = Copies((4, 6, 3), [seed]).double()
        one = Charges(**{name: values[k] for name, values in charges.items()})
        train_charged(alone, x[k : k + 1], y[k : k + 1], one, seeds=[seed], epochs=3, eps=float(shares[k]))
        torch.testing.assert_close(alone.flat[0], together.flat[k])


# --- Ejercicios -----------------------------------------------------------------------------------------------------


def good_prox(v, a, b):
    return np.sign(v) * np.maximum(np.abs(v) - a, 0) / (1 + b)


def good_split(predictions, truth):
    mean = predictions.mean(axis=0)
    return [((mean - truth) ** 2).mean(), predictions.var(axis=0).mean()]


def good_stop(losses, patience):
    best = 0
    for epoch, loss in enumerate(losses):
        if loss < losses[best]:
            best = epoch
        elif epoch - best >= patience:
            break
    return [epoch + 1, best + 1]


def late_stop(losses, patience):
    return good_stop(losses, patience + 1)


def lazy_stop(losses, patience):
    return [good_stop(losses, patience)[0], int(np.argmin(losses)) + 1]


def tie_stop(losses, patience):
    best = 0
    for epoch, loss in enumerate(losses):
        if loss <= losses[best]:
            best = epoch
        elif epoch - best >= patience:
            break
    return [epoch + 1, best + 1]


def learn(l2s):
    def project(x, y, x_val, y_val):
        mean, target = x.mean(axis=0), np.eye(10)[y] - 0.1
        options = [ridge(x - mean, target, l2) for l2 in l2s]
        errors = [(((x_val - mean) @ w).argmax(1) != y_val).mean() for w in options]
        return lambda new: ((new - mean) @ options[int(np.argmin(errors))]).argmax(1)

    return project


RIGHT = {
    "cuentas": [[0.04, 0.75, 2, 1.9, 0], np.array([0.04, 0.75, 2, 1.9, 0]).tolist()],
    "proximo": [good_prox, lambda v, a, b: (v - np.clip(v, -a, a)) / (1 + b)],
    "apagado": [lambda x, y: np.abs(x.T @ y).max() / len(x), lambda x, y: max(abs(c @ y) for c in x.T) / len(y)],
    "reparto": [good_split, lambda p, t: np.array(good_split(p, t))],
    "paciencia": [good_stop, lambda losses, patience: tuple(good_stop(losses, patience))],
    "proyecto": [learn([0.01, 0.03, 0.1, 0.3, 1.0])],
}
WRONG = {
    "cuentas": [
        ([0.03, 0.75, 2, 1.9, 0], "solo λ₁"),
        ([0.04, 0.25, 2, 1.9, 0], "la parte de L2"),
        ([0.04, 0.75, 0.01, 1.9, 0], "crece con n"),
        ([0.04, 0.75, 1, 1.9, 0], "Sobra el ½"),
        ([0.04, 0.75, 2, 1.0, 0], "Falta la tasa"),
        ([0.04, 0.75, 2, 1.9, -0.01], "no pasa de cero"),
        ([0.04, 0.75, 2, 1.7, 0], "se multiplica por 1 − ηλ"),
    ],
    "proximo": [
        (lambda v, a, b: good_prox(v, a, 0), "Falta el cobro b"),
        (lambda v, a, b: v / (1 + b), "Falta el cobro a"),
        (lambda v, a, b: np.sign(v) * np.maximum(np.abs(v) / (1 + b) - a, 0), "Primero el umbral"),
        (lambda v, a, b: np.maximum(v - a, 0) / (1 + b), "negativos"),
        (lambda v, a, b: (v - a * np.sign(v)) / (1 + b), "no cambian de signo"),
        (lambda v, a, b: np.where(np.abs(v) > a, v, 0) / (1 + b), "sin restar a los grandes"),
        (lambda v, a, b: v + 1, "No coincide"),
    ],
    "apagado": [
        (lambda x, y: np.abs(x.T @ y).max(), "Falta dividir entre n"),
        (lambda x, y: np.abs(x.T @ y).max() / len(x) / 2, "Deriva"),
        (lambda x, y: (x.T @ y).max() / len(x), "valor absoluto"),
        (lambda x, y: np.abs(x.T @ y).mean() / len(x), "no la media"),
        (lambda x, y: np.abs(x).max(), "se esperaba"),
    ],
    "reparto": [
        (lambda p, t: good_split(p, t)[::-1], "al revés"),
        (lambda p, t: [(p.mean(0) - t).mean() ** 2, p.var(0).mean()], "Cuadrado primero"),
        (lambda p, t: [np.abs(p.mean(0) - t).mean(), p.var(0).mean()], "Falta el cuadrado"),
        (lambda p, t: [((p - t) ** 2).mean(), p.var(0).mean()], "promedia antes las muestras"),
        (lambda p, t: [good_split(p, t)[0], p.var(0, ddof=1).mean()], "no entre r − 1"),
        (lambda p, t: [good_split(p, t)[0], p.std(0).mean()], "desviación típica"),
        (lambda p, t: [good_split(p, t)[0], p.var()], "Mezclas los puntos"),
        (lambda p, t: [0.0, 0.0], "Se esperaba ["),
    ],
    "paciencia": [
        (lambda losses, patience: [n - 1 for n in good_stop(losses, patience)], "desde 1"),
        (lambda losses, patience: good_stop(losses, patience)[::-1], "al revés"),
        (lazy_stop, "posterior a la parada"),
        (late_stop, "posterior a la parada"),
        (tie_stop, "Igualar no es mejorar"),
        (lambda losses, patience: [1, 1], "Se esperaba ["),
    ],
    "proyecto": [
        (learn([0.0]), "memorizado"),
        (learn([3.0]), "elige con la validación"),
        (lambda x, y, x_val, y_val: lambda new: np.zeros(len(new)), "al azar"),
        (lambda x, y, x_val, y_val: 3, "una función de imágenes a clases"),
    ],
}

test_right_answers, test_wrong_answers, test_coverage = exercise_tests(comprobar, RIGHT, WRONG)
