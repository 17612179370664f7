"""Las capas contra las de PyTorch, los teoremas contra la suma de todas las máscaras, y las respuestas esperadas."""

from functools import partial
from itertools import product

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from respuestas import exercise_tests
from torch import nn
from torch.nn import functional as F

from profundo.comun.copias import Copies, train_copies
from profundo.ejercicios.optimizacion.dropout import comprobar
from profundo.optimizacion.dropout import (
    DropConnect,
    Dropout,
    Dropout2d,
    DropoutCopies,
    StandardDropout,
    dropout,
    dropout_ridge,
    ensemble_means,
    every_mask,
    mc_samples,
    only_dropout,
    subnet_log_probs,
    uncertainty,
)

# --- Las capas son las de PyTorch -----------------------------------------------------------------------------------


@pytest.mark.parametrize("p", [0.0, 0.3, 0.5, 1.0])
@pytest.mark.parametrize(("ours", "theirs"), [(Dropout, nn.Dropout), (Dropout2d, nn.Dropout2d)])
@pytest.mark.parametrize("training", [True, False])
def test_layers_match_pytorch(ours, theirs, p, training):
    x = torch.randn(5, 4, 3, 2, requires_grad=True)
    results = []
    for layer in (ours(p).train(training), theirs(p).train(training)):
        torch.manual_seed(3)
        out = layer(x)
        (gradient,) = torch.autograd.grad((out * torch.arange(2.0)).sum(), x)
        results.append((out, gradient))
    torch.testing.assert_close(*results, rtol=0, atol=0)


@given(shape=st.lists(st.integers(1, 5), max_size=3), p=st.floats(0.05, 0.95), seed=st.integers(0, 2**31))
@settings(max_examples=40)
def test_survivors_are_divided_and_draws_repeat(shape, p, seed):
    x = torch.rand(shape, dtype=torch.float64) + 1
    first, second = (dropout(x, p, generator=torch.Generator().manual_seed(seed)) for _ in range(2))
    assert torch.equal(first, second)
    assert torch.isclose(first, x / (1 - p)).logical_or(first == 0).all()


def test_mean_and_variance_are_the_ones_of_the_formula():
    p, h, w = 0.3, torch.tensor([1.0, -2.0, 0.5, 0.0]), torch.tensor([0.7, 0.2, -1.0, 5.0])
    sums = dropout(h.expand(200_000, 4), p) @ w
    assert sums.mean().item() == pytest.approx((h @ w).item(), abs=0.01)
    assert sums.var().item() == pytest.approx(p / (1 - p) * (h**2 @ w**2).item(), rel=0.02)


def test_numerical_gradient():
    x = torch.randn(3, 4, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda v: dropout(v, 0.4, generator=torch.Generator().manual_seed(1)), x)


def test_channels_fall_together():
    out = Dropout2d(0.5)(torch.ones(20, 8, 4, 4))
    per_channel = out.flatten(2)
    assert (per_channel == per_channel[..., :1]).all()
    assert 0 < (per_channel == 0).double().mean() < 1


def test_standard_is_inverted_times_a_constant():
    x = torch.randn(50, 6)
    standard, inverted = (kind(0.3, generator=torch.Generator().manual_seed(1)) for kind in (StandardDropout, Dropout))
    torch.testing.assert_close(standard(x) / 0.7, inverted(x))
    torch.testing.assert_close(standard.eval()(x) / 0.7, inverted.eval()(x))


def test_dropconnect_drops_weights():
    layer = DropConnect(6, 5, 0.5, generator=torch.Generator().manual_seed(0))
    x = torch.eye(6)
    columns = (layer(x) - layer.bias).T  # los pesos que quedaron
    kept = columns != 0
    torch.testing.assert_close(columns[kept], 2 * layer.weight[kept])
    assert 0 < kept.double().mean() < 1
    layer.eval()
    torch.testing.assert_close(layer(x), F.linear(x, layer.weight, layer.bias))
    same = DropConnect(6, 5, 0.0)
    torch.testing.assert_close(same(x), F.linear(x, same.weight, same.bias))


@pytest.mark.parametrize("make", [Dropout, Dropout2d, StandardDropout, lambda p: DropConnect(2, 2, p)])
def test_layers_explain_bad_rates(make):
    for p in (-0.1, 1.5, float("nan")):
        with pytest.raises(ValueError, match="p debe estar entre 0 y 1"):
            make(p)
    with pytest.raises(TypeError, match=r"p debe ser un número; se recibió '0\.5'"):
        make("0.5")


def test_layer_shows_its_rate():
    assert repr(Dropout(0.25)) == "Dropout(p=0.25)"


# --- Subredes -------------------------------------------------------------------------------------------------------


@given(width=st.integers(1, 8), p=st.floats(0, 1))
@settings(max_examples=30)
def test_masks_are_all_different_and_their_chances_add_up(width, p):
    masks, chances = every_mask(width, p)
    assert len(masks.unique(dim=0)) == len(masks) == 2**width
    assert chances.sum().item() == pytest.approx(1)
    torch.testing.assert_close(chances @ masks, torch.full((width,), 1 - p, dtype=torch.float64))


@pytest.mark.parametrize("width", [0, 21])
def test_masks_explain_bad_widths(width):
    with pytest.raises(ValueError, match=f"entre 1 y 20 para enumerar .* se recibió {width}"):
        every_mask(width, 0.5)


def small_net(p, *, deep):
    hidden = [nn.Linear(6, 4), nn.ReLU(), Dropout(p)] if deep else [nn.Linear(6, 4), nn.Tanh()]
    return nn.Sequential(*hidden, nn.Linear(4, 3), *([nn.ReLU()] if deep else []), Dropout(p), nn.Linear(3, 5)).double()


def test_subnets_are_the_masks_of_the_layers():
    net, x = small_net(0.3, deep=True), torch.randn(7, 6, dtype=torch.float64)
    masks, _ = every_mask(7, 0.3)
    with torch.no_grad():
        log_probs = subnet_log_probs(net, x, masks)
    assert log_probs.shape == (128, 7, 5)
    for row in (0, 5, 77, 127):
        first, second = masks[row, :4] / 0.7, masks[row, 4:] / 0.7
        h = net[1](net[0](x)) * first
        h = net[4](net[3](h)) * second
        torch.testing.assert_close(log_probs[row], net[6](h).log_softmax(1))
    net.train()
    torch.testing.assert_close(subnet_log_probs(net, x, masks[3:4]), log_probs[3:4])  # sin azar


@pytest.mark.parametrize("columns", [3, 6, 8])
def test_subnets_explain_wrong_masks(columns):
    with pytest.raises(ValueError, match=f"tiene {columns}"):
        subnet_log_probs(small_net(0.3, deep=True), torch.randn(2, 6).double(), torch.ones(4, columns).double())


@pytest.mark.parametrize("p", [0.1, 0.5, 0.8])
def test_whole_network_is_the_geometric_mean_when_the_mask_comes_last(p):
    net, x = small_net(p, deep=False).eval(), torch.randn(7, 6, dtype=torch.float64)
    masks, chances = every_mask(3, p)
    with torch.no_grad():
        arithmetic, geometric = ensemble_means(subnet_log_probs(net, x, masks), chances)
        whole = net(x).softmax(1)
    torch.testing.assert_close(geometric, whole)
    assert (arithmetic - whole).abs().max() > 1e-4


def test_with_two_masks_the_geometric_mean_is_another():
    net, x = small_net(0.5, deep=True).eval(), 3 * torch.randn(7, 6, dtype=torch.float64)
    masks, chances = every_mask(7, 0.5)
    with torch.no_grad():
        _, geometric = ensemble_means(subnet_log_probs(net, x, masks), chances)
        assert (geometric - net(x).softmax(1)).abs().max() > 1e-4


def test_means_explain_bad_weights():
    with pytest.raises(ValueError, match="weights debe tener 2 probabilidades que sumen 1; suman 3"):
        ensemble_means(torch.zeros(2, 1, 2), torch.tensor([1.0, 2.0]))


# --- Ridge ----------------------------------------------------------------------------------------------------------


@given(seed=st.integers(0, 2**31), p=st.floats(0, 0.9))
@settings(max_examples=20)
def test_ridge_minimizes_the_exact_expectation(seed, p):
    rng = np.random.default_rng(seed)
    x, y, w = rng.normal(size=(9, 3)), rng.normal(size=9), rng.normal(size=3)
    masks, chances = (part.numpy() for part in every_mask(3, p))

    def expected(w):
        residual = y[:, None] - x @ (masks / (1 - p) * w).T
        return (residual**2 @ chances).sum()

    penalty = p / (1 - p) * (w**2 * (x**2).sum(0)).sum()
    assert expected(w) == pytest.approx(((y - x @ w) ** 2).sum() + penalty)
    best = dropout_ridge(x, y, p)
    assert expected(best) <= expected(best + 1e-3 * rng.normal(size=3))


def test_ridge_predictions_do_not_depend_on_units():
    rng = np.random.default_rng(0)
    x, y, units = rng.normal(size=(20, 3)), rng.normal(size=20), np.array([1e-3, 7.0, 1.0])
    np.testing.assert_allclose(x @ dropout_ridge(x, y, 0.4), x * units @ dropout_ridge(x * units, y, 0.4))
    np.testing.assert_allclose(dropout_ridge(x, y, 0.0), np.linalg.lstsq(x, y)[0])


@pytest.mark.parametrize(
    ("x", "y", "p", "message"),
    [
        (np.ones((3, 2)), np.ones(2), 0.5, "x debe tener forma"),
        (np.ones((3, 1)), np.ones(3), 1.0, "p debe ser menor que 1"),
        (np.array([[1.0, 0.0], [2.0, 0.0]]), np.ones(2), 0.5, "columna de ceros"),
    ],
)
def test_ridge_explains_bad_input(x, y, p, message):
    with pytest.raises(ValueError, match=message):
        dropout_ridge(x, y, p)


# --- Monte Carlo ----------------------------------------------------------------------------------------------------


def test_only_dropout_is_on_and_everything_comes_back():
    model = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4), nn.Dropout(0.5), Dropout(0.5), DropConnect(4, 2))
    model[3].eval()
    before = [module.training for module in model.modules()]
    with only_dropout(model):
        assert [module.training for module in model] == [False, False, True, True, True]
        assert not model.training
    assert [module.training for module in model.modules()] == before
    with pytest.raises(RuntimeError, match="mat1"), only_dropout(model):
        model(torch.ones(1, 3))
    assert [module.training for module in model.modules()] == before


def test_samples_differ_and_leave_the_model_alone():
    model = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.5), nn.Linear(8, 3))
    stats = model[1].running_mean.clone()
    samples = mc_samples(model, torch.randn(6, 4), 5)
    assert samples.shape == (5, 6, 3)
    assert not samples.requires_grad
    assert not torch.equal(samples[0], samples[1])
    assert torch.equal(model[1].running_mean, stats)
    assert model.training


def test_mean_of_samples_of_a_linear_model_is_the_model():
    model = nn.Sequential(Dropout(0.5), nn.Linear(4, 2))
    x = torch.randn(3, 4)
    mean = mc_samples(model, x, 4000).mean(0)
    torch.testing.assert_close(mean, model.eval()(x).detach(), atol=0.1, rtol=0)


def test_samples_explain_bad_input():
    with pytest.raises(ValueError, match="samples debe ser un entero positivo; se recibió 0"):
        mc_samples(nn.Sequential(Dropout()), torch.ones(1, 2), 0)
    with pytest.raises(ValueError, match="no tiene capas de dropout"):
        mc_samples(nn.Linear(2, 2), torch.ones(1, 2), 3)


def test_uncertainty_of_known_cases():
    agree = torch.tensor([[[1.0, 0.0]], [[1.0, 0.0]]])
    fight = torch.tensor([[[1.0, 0.0]], [[0.0, 1.0]]])
    doubt = torch.full((2, 1, 2), 0.5)
    got = [[part.item() for part in uncertainty(case)] for case in (agree, fight, doubt)]
    ln2 = np.log(2)
    np.testing.assert_allclose(got, [[0, 0, 0], [ln2, 0, ln2], [ln2, ln2, 0]], atol=1e-7)


@given(seed=st.integers(0, 2**31))
@settings(max_examples=20)
def test_mutual_information_is_never_negative(seed):
    probs = torch.randn(5, 4, 3, generator=torch.Generator().manual_seed(seed)).double().softmax(-1)
    assert (uncertainty(probs).mutual > -1e-12).all()


# --- Muchas redes a la vez ------------------------------------------------------------------------------------------


def test_copies_without_dropout_are_copies():
    x = torch.rand(3, 5, 6)
    torch.testing.assert_close(DropoutCopies((6, 4, 2), [0, 1, 2])(x), Copies((6, 4, 2), [0, 1, 2])(x))
    nets = DropoutCopies((6, 4, 2), [0, 1, 2], p_input=0.5, p_hidden=[0.1, 0.2, 0.3]).eval()
    torch.testing.assert_close(nets(x), Copies((6, 4, 2), [0, 1, 2])(x))


def test_copies_drop_with_their_own_rate_and_seed():
    nets = DropoutCopies((400, 2), [3, 3, 4, 3], p_input=[0.0, 0.5, 0.5, 0.25])
    x = torch.ones(4, 30, 400)
    out = nets.drop(x, nets.keep[0])
    shares = (out == 0).double().mean((1, 2))
    np.testing.assert_allclose(shares, [0, 0.5, 0.5, 0.25], atol=0.02)
    assert (out[1][out[1] > 0] == 2).all()
    assert not torch.equal(out[1], out[2])
    assert ((out[3] == 0) <= (out[1] == 0)).all()  # la misma semilla: quien cae con p = 0.25 cae con 0.5


def test_a_copy_does_not_depend_on_its_company():
    x, y = torch.rand(20, 6), torch.randint(3, (20,))
    trained = []
    for seeds, rates in (([7], [0.4]), ([1, 7], [0.0, 0.4])):
        nets = DropoutCopies((6, 5, 3), seeds, p_input=rates, p_hidden=rates).double()
        nets.keep = [keep.double() for keep in nets.keep]
        adam = torch.optim.Adam(nets.parameters(), lr=0.01)
        train_copies(nets, adam, x.double(), y, seeds=seeds, epochs=3, batch_size=10)
        trained.append(nets.flat[-1].detach())
    torch.testing.assert_close(*trained)


def test_copies_evaluate_without_dropout():
    nets = DropoutCopies((6, 5, 3), [0, 1], p_hidden=0.5)
    x, y = torch.rand(20, 6), torch.randint(3, (20,))
    loss, accuracy = nets.evaluate(x, y)
    assert nets.training
    logits = Copies((6, 5, 3), [0, 1])(x.expand(2, -1, -1))
    torch.testing.assert_close(loss, torch.stack([F.cross_entropy(z, y) for z in logits]).detach())
    torch.testing.assert_close(accuracy, (logits.argmax(-1) == y).double().mean(1))


@pytest.mark.parametrize("rates", [1.0, [0.1], [0.1, 1.0], [0.1, -0.2]])
def test_copies_explain_bad_rates(rates):
    with pytest.raises(ValueError, match=r"p_hidden debe ser menor que 1|p debe estar entre 0 y 1"):
        DropoutCopies((2, 2), [0, 1], p_hidden=rates)


# --- Los ejercicios -------------------------------------------------------------------------------------------------

COUNTS = [0.5, 0.3125, 0.5, 0.4]


def good_invertido(
    x, p, entrenando, rng, *, scale=lambda p: 1 / (1 - p), evaluate=lambda x, p: x.copy(), rate=lambda p: p
):
    if not entrenando:
        return evaluate(x, p)
    return x * (rng.random(x.shape) >= rate(p)) * scale(p)


def rows_invertido(x, p, entrenando, rng):
    return x * (rng.random((len(x), 1)) >= p) / (1 - p) if entrenando else x


def fixed_invertido(x, p, entrenando, rng):
    return good_invertido(x, p, entrenando, np.random.default_rng(0))


def loose_invertido(x, p, entrenando, rng):
    return good_invertido(x, p, entrenando, np.random.default_rng())


def inplace_invertido(x, p, entrenando, rng):
    if entrenando:
        x *= (rng.random(x.shape) >= p) / (1 - p)
    return x


def exact_count(x, p, entrenando, rng):
    return np.zeros_like(x) if entrenando and p else x


def good_ridge(X, y, p, *, matrix=lambda X, p: np.diag((X**2).sum(0)) * p / (1 - p)):
    return np.linalg.solve(X.T @ X + matrix(X, p), X.T @ y)


def good_conjunto(
    w, b, h, p, *, chance=lambda mask, p: np.prod(np.where(mask, 1 - p, p)), scale=lambda p: 1 - p, bias=1.0
):
    total = 0.0
    for mask in product((0, 1), repeat=len(h)):
        mask = np.array(mask)
        e = np.exp(mask * h / scale(p) @ w + (b if bias == 1.0 else b / scale(p)))
        total = total + chance(mask, p) * e / e.sum()
    return total


def whole_conjunto(w, b, h, p):
    e = np.exp(h @ w + b)
    return e / e.sum()


def entropy(p):
    return -(p * np.log(np.where(p > 0, p, 1))).sum(-1)


def good_incertidumbre(s, *, total=None, mutual=None):
    whole, each = entropy(s.mean(0)), entropy(s).mean(0)
    return (whole if total is None else total(whole, each)), (whole - each if mutual is None else mutual(whole, each))


def naive_incertidumbre(s):
    with np.errstate(all="ignore"):
        m = s.mean(0)
        total = -(m * np.log(m)).sum(-1)
        return total, total + (s * np.log(s)).sum(-1).mean(0)


def dense(a, b, *, module=nn.Dropout):
    return nn.Sequential(
        module(a), nn.Linear(196, 64), nn.ReLU(), module(b), nn.Linear(64, 64), nn.ReLU(), module(b), nn.Linear(64, 10)
    )


class Forgetful(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = dense(0.0, 0.0)

    def forward(self, x):
        return self.net(F.dropout(x, 0.4))


class Constant(nn.Module):
    def __init__(self):
        super().__init__()
        self.w = nn.Parameter(torch.zeros(3))

    def forward(self, x):
        return torch.zeros(len(x), 10)


RIGHT: dict[str, list[object]] = {
    "cuentas": [COUNTS, tuple(COUNTS), np.array(COUNTS).tolist()],
    "invertido": [good_invertido, lambda x, p, e, rng: np.where(rng.random(x.shape) < p, 0, x / (1 - p)) if e else x],
    "ridge": [good_ridge, lambda X, y, p: dropout_ridge(X, y, p)],
    "conjunto": [good_conjunto],
    "incertidumbre": [good_incertidumbre, lambda s: uncertainty(torch.from_numpy(s))[::2]],
    "proyecto": [partial(dense, 0.4, 0.25)],
}
WRONG: dict[str, list[tuple[object, str]]] = {
    "cuentas": [
        ([0.4, *COUNTS[1:]], "La media no cuenta la división"),
        ([1.5, *COUNTS[1:]], "el signo"),
        ([0.5, 0.2, 0.5, 0.4], "al cuadrado"),
        ([0.5, 0.25, 0.5, 0.4], "divide una sola vez"),
        ([0.5, 0.559, 0.5, 0.4], "es la desviación típica"),
        ([0.5, 0.0625, 0.5, 0.4], "se suman los cuadrados"),
        ([0.5, 0.1875, 0.5, 0.4], "resta el segundo"),
        ([0.5, 5.0, 0.5, 0.4], "(1 − p)/p"),
        ([0.5, 3.5, 0.5, 0.4], "no cuenta h"),
        ([0.5, 0.3125, 0.4, 0.4], "ya dividió"),
        ([0.5, 0.3125, 0.625, 0.4], "al evaluar no se hace nada"),
        ([0.5, 0.3125, 0.5, 0.5], "no multiplica"),
        ([0.5, 0.3125, 0.5, 0.1], "usa p"),
        ([0.9, *COUNTS[1:]], "La media no es 0.9"),
        (COUNTS[:3], "tiene 3"),
    ],
    "invertido": [
        (partial(good_invertido, scale=lambda p: 1.0), "Falta dividir"),
        (partial(good_invertido, scale=lambda p: 1 / p if p else 1.0), "Divides entre p"),
        (partial(good_invertido, scale=lambda p: 1 - p), "Multiplicas por 1 − p lo que queda"),
        (partial(good_invertido, evaluate=lambda x, p: x * (1 - p)), "Al evaluar multiplicas"),
        (partial(good_invertido, evaluate=lambda x, p: 2 * x), "Con entrenando=False"),
        (partial(good_invertido, rate=lambda p: 1 - p if p else 0), "p es la de apagar"),
        (partial(good_invertido, rate=lambda p: p**2), "apagas una fracción 0.0"),
        (lambda x, p, e, rng: x, "se apagaron cero"),
        (exact_count, "se apagaron todos"),
        (rows_invertido, "filas o columnas"),
        (fixed_invertido, "misma máscara"),
        (loose_invertido, "Con el mismo generador"),
        (inplace_invertido, "Cambiaste x"),
    ],
    "ridge": [
        (partial(good_ridge, matrix=lambda X, p: np.eye(X.shape[1]) * p / (1 - p)), "Usas la identidad"),
        (partial(good_ridge, matrix=lambda X, p: np.diag((X**2).sum(0)) * p), "no p"),
        (partial(good_ridge, matrix=lambda X, p: np.diag((X**2).sum(0)) * (1 - p) / max(p, 1e-9)), "invertido"),
        (partial(good_ridge, matrix=lambda X, p: np.diag((X**2).mean(0)) * p / (1 - p)), "es la suma"),
        (partial(good_ridge, matrix=lambda X, p: np.diag((X**2).sum(0)) * p * (1 - p)), "sin dividir"),
        (partial(good_ridge, matrix=lambda X, p: np.diag(X.var(0) * len(X)) * p / (1 - p)), "varianza de la columna"),
        (partial(good_ridge, matrix=lambda X, p: X.T @ X * p / (1 - p)), "solo se suma su diagonal"),
        (partial(good_ridge, matrix=lambda X, p: 0 * X.T @ X), "falta la penalización"),
        (lambda X, y, p: np.zeros(X.shape[1]), "No coincide"),
    ],
    "conjunto": [
        (whole_conjunto, "la media geométrica"),
        (partial(good_conjunto, chance=lambda mask, p: 0.5 ** len(mask)), "pesan igual"),
        (partial(good_conjunto, scale=lambda p: 1.0), "Falta dividir"),
        (partial(good_conjunto, chance=lambda mask, p: np.prod(np.where(mask, p, 1 - p))), "cambiadas"),
        (partial(good_conjunto, bias=0.0), "El sesgo"),
        (lambda w, b, h, p: np.full(w.shape[1], 1 / w.shape[1]), "No coincide"),
    ],
    "incertidumbre": [
        (partial(good_incertidumbre, total=lambda whole, each: each), "es la entropía de la media"),
        (partial(good_incertidumbre, mutual=lambda whole, each: each), "menos la media"),
        (partial(good_incertidumbre, mutual=lambda whole, each: each - whole), "signo"),
        (lambda s: tuple(v / np.log(2) for v in good_incertidumbre(s)), "bits"),
        (naive_incertidumbre, "0 · ln 0"),
        (lambda s: good_incertidumbre(s)[0], "dos arreglos"),
        (partial(good_incertidumbre, total=lambda whole, each: whole + 1), "El total no coincide"),
        (partial(good_incertidumbre, mutual=lambda whole, each: 0 * whole), "La discrepancia no coincide"),
    ],
    "proyecto": [
        (partial(dense, 0.0, 0.0), "no tiene dropout"),
        (partial(dense, 0.0, 0.85), "con otra p"),
        (Forgetful, "En `eval()` dos llamadas"),
        (lambda: nn.Sequential(nn.Linear(196, 400), nn.Linear(400, 10)), "60000"),
        (lambda: nn.Linear(196, 9), "(2, 10)"),
        (lambda: nn.Linear(195, 10), "lanzó RuntimeError"),
        (Constant, "no depende de los parámetros"),
        (lambda: 3, "un nn.Module"),
    ],
}

(
    test_right_answers_pass,
    test_each_mistake_gets_its_message,
    test_every_exercise_has_right_and_wrong_answers,
) = exercise_tests(comprobar, RIGHT, WRONG)
