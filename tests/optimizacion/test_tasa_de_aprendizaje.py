"""Los programas son los de PyTorch, tasa a tasa; el barrido no deja rastro; los ejercicios distinguen cada error."""

import copy
import math
from functools import partial

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from respuestas import exercise_tests
from torch import nn
from torch.nn import functional as F
from torch.optim import lr_scheduler

from profundo.comun.copias import Copies, train_copies
from profundo.ejercicios.optimizacion.tasa_de_aprendizaje import comprobar
from profundo.optimizacion.momento_y_adaptativos import SGD, Adam
from profundo.optimizacion.tasa_de_aprendizaje import (
    ReduceOnPlateau,
    Scheduler,
    chain,
    cosine,
    exponential,
    linear,
    multistep,
    one_cycle,
    range_test,
    restarts,
    smooth,
    step_decay,
    suggest,
    warmup,
)

# --- Los programas son los de PyTorch -------------------------------------------------------------------------------


TORCH_SGD = partial(torch.optim.SGD, lr=0.1, momentum=0.9)


def optimizers(rates=(0.3, 0.02), rule=TORCH_SGD):
    """Dos optimizadores iguales con un grupo por tasa."""
    return [rule([{"params": [torch.zeros(1)], "lr": lr} for lr in rates]) for _ in range(2)]


def largest_gap(factor, build, steps, momentum=None, rule=TORCH_SGD):
    """Cuánto se separan en ``steps`` pasos las tasas y el momento de los dos grupos."""
    ours, theirs = optimizers(rule=rule)
    mine, reference = Scheduler(ours, factor, momentum), build(theirs)
    gap = 0.0
    for t in range(steps + 1):
        for a, b in zip(ours.param_groups, theirs.param_groups, strict=True):
            gap = max(gap, abs(a["lr"] - b["lr"]))
            gap = max(gap, abs(a.get("momentum", 0) - b.get("momentum", 0)))
        if t < steps:
            theirs.step()
            mine.step()
            reference.step()
    return gap


def torch_warmup(optimizer, steps, total):
    """Calentamiento y coseno, con tres programadores de PyTorch."""
    up = lr_scheduler.LinearLR(optimizer, start_factor=1 / (steps + 1), total_iters=steps)
    down = lr_scheduler.CosineAnnealingLR(optimizer, T_max=total)
    return lr_scheduler.SequentialLR(optimizer, [up, down], milestones=[steps])


PEAKS = [0.3, 0.02]
PAIRS = {
    "StepLR": (step_decay(7, 0.3), partial(lr_scheduler.StepLR, step_size=7, gamma=0.3)),
    "MultiStepLR": (
        multistep([3, 11, 11, 40], 0.2),
        partial(lr_scheduler.MultiStepLR, milestones=[3, 11, 11, 40], gamma=0.2),
    ),
    "ExponentialLR": (exponential(0.93), partial(lr_scheduler.ExponentialLR, gamma=0.93)),
    "LinearLR": (linear(25), partial(lr_scheduler.LinearLR, start_factor=1, end_factor=0, total_iters=25)),
    "CosineAnnealingLR": (cosine(30), partial(lr_scheduler.CosineAnnealingLR, T_max=30)),
    "CosineAnnealingWarmRestarts": (
        restarts(6, 2),
        partial(lr_scheduler.CosineAnnealingWarmRestarts, T_0=6, T_mult=2),
    ),
    "LambdaLR": (warmup(5, cosine(20)), partial(lr_scheduler.LambdaLR, lr_lambda=warmup(5, cosine(20)))),
    "SequentialLR": (warmup(5, cosine(40)), partial(torch_warmup, steps=5, total=40)),
}


@pytest.mark.filterwarnings("ignore:The epoch parameter in `scheduler.step")
@pytest.mark.parametrize("name", PAIRS)
@pytest.mark.parametrize("rule", [TORCH_SGD, SGD, Adam])
def test_rate_by_rate_like_pytorch(name, rule):
    factor, build = PAIRS[name]
    assert largest_gap(factor, build, 100 if name != "SequentialLR" else 45, rule=rule) < 1e-12


def test_one_cycle_like_pytorch_with_its_momentum():
    for total, at in ((50, 0.3), (101, 0.25), (20, 0.7)):
        build = partial(lr_scheduler.OneCycleLR, max_lr=PEAKS, total_steps=total, pct_start=at)
        momentum = one_cycle(total, 0.85, 0.95, 0.95, peak_at=at)
        assert largest_gap(one_cycle(total, peak_at=at), build, total, momentum) < 1e-12


@settings(max_examples=25, derandomize=True)
@given(st.integers(1, 60), st.floats(0, 1), st.floats(0.1, 1), st.integers(1, 4), st.integers(1, 25))
def test_rate_by_rate_with_any_options(total, end, gamma, growth, size):
    low = [end * peak for peak in PEAKS]
    assert largest_gap(exponential(gamma), partial(lr_scheduler.ExponentialLR, gamma=gamma), 60) < 1e-12
    assert largest_gap(step_decay(size, gamma), partial(lr_scheduler.StepLR, step_size=size, gamma=gamma), 60) < 1e-12
    build = partial(lr_scheduler.LinearLR, start_factor=gamma, end_factor=end, total_iters=total)
    assert largest_gap(linear(total, gamma, end), build, 60) < 1e-12
    for k, peak in enumerate(PEAKS):  # el mínimo de PyTorch es una tasa, igual para todos los grupos
        ours, theirs = (torch.optim.SGD([torch.zeros(1)], lr=peak) for _ in range(2))
        mine = Scheduler(ours, restarts(size, growth, end))
        reference = lr_scheduler.CosineAnnealingWarmRestarts(theirs, T_0=size, T_mult=growth, eta_min=low[k])
        for _ in range(60):
            assert abs(ours.param_groups[0]["lr"] - theirs.param_groups[0]["lr"]) < 1e-12
            theirs.step()
            mine.step()
            reference.step()


def test_cosine_with_a_floor_like_pytorch():
    ours, theirs = (torch.optim.SGD([torch.zeros(1)], lr=0.5) for _ in range(2))
    mine, reference = Scheduler(ours, cosine(20, 0.1)), lr_scheduler.CosineAnnealingLR(theirs, T_max=20, eta_min=0.05)
    for _ in range(70):  # también cuando, pasado T_max, vuelve a subir
        assert abs(ours.param_groups[0]["lr"] - theirs.param_groups[0]["lr"]) < 1e-12
        theirs.step()
        mine.step()
        reference.step()


@settings(max_examples=30, derandomize=True)
@given(
    st.lists(st.floats(0.01, 3), min_size=5, max_size=60),
    st.integers(0, 5),
    st.integers(0, 4),
    st.sampled_from([0.0, 1e-4, 0.1]),
    st.sampled_from([0.0, 0.01]),
)
def test_plateau_like_pytorch(values, patience, cooldown, threshold, min_lr):
    ours, theirs = optimizers()
    options = {"factor": 0.5, "patience": patience, "cooldown": cooldown, "threshold": threshold, "min_lr": min_lr}
    mine, reference = ReduceOnPlateau(ours, **options), lr_scheduler.ReduceLROnPlateau(theirs, **options, eps=0)
    for value in values:
        mine.step(value)
        reference.step(value)
        for a, b in zip(ours.param_groups, theirs.param_groups, strict=True):
            assert abs(a["lr"] - b["lr"]) < 1e-15


def test_the_comparison_sees_a_small_difference():
    assert largest_gap(cosine(30), partial(lr_scheduler.CosineAnnealingLR, T_max=31), 20) > 1e-3
    build = partial(lr_scheduler.OneCycleLR, max_lr=PEAKS, total_steps=50)
    assert largest_gap(one_cycle(50), build, 50, momentum=one_cycle(50, 0.86, 0.95, 0.95)) > 1e-3


# --- Propiedades ----------------------------------------------------------------------------------------------------


@settings(max_examples=50)
@given(st.integers(1, 30), st.integers(1, 4), st.floats(0, 1), st.integers(0, 300))
def test_restarts_stay_in_range_and_restart(first, growth, end, t):
    factor = restarts(first, growth, end)
    assert end - 1e-12 <= factor(t) <= 1 + 1e-12
    length, start = first, 0
    while start + length <= t:
        start, length = start + length, length * growth
    assert factor(start) == 1
    assert factor(t) == pytest.approx(cosine(length, end)(t - start))


@settings(max_examples=50)
@given(st.integers(5, 400), st.floats(0.25, 0.9))
def test_one_cycle_reaches_its_corners(total, at):
    if at * total - 1 <= 0:
        return
    factor = one_cycle(total, peak_at=at)
    values = [factor(t) for t in range(total)]
    assert values[0] == pytest.approx(1 / 25)
    assert values[-1] == pytest.approx(1 / 25e4)
    assert max(values) <= 1 + 1e-12
    assert abs(int(np.argmax(values)) - (at * total - 1)) <= 1


def test_warmup_grows_and_hands_over():
    factor = warmup(4, cosine(10))
    assert [factor(t) for t in range(5)] == pytest.approx([0.2, 0.4, 0.6, 0.8, 1.0])
    assert factor(14) == pytest.approx(0)
    late = chain([exponential(0.5), linear(4), cosine(6)], [2, 7])
    assert [late(t) for t in (0, 1, 2, 4, 7, 10, 13)] == pytest.approx([1, 0.5, 1, 0.5, 1, 0.5, 0])


def test_factors_can_be_tensors():
    rates = torch.tensor([[0.1], [0.2]])
    optimizer = SGD([nn.Parameter(torch.zeros(2, 3))], lr=rates)
    scheduler = Scheduler(optimizer, lambda t: torch.tensor([[1.0], [0.5**t]]))
    scheduler.step()
    assert torch.equal(optimizer.param_groups[0]["lr"], torch.tensor([[0.1], [0.1]]))


def test_scheduler_resumes_where_it_was():
    factor = warmup(5, cosine(20))
    (optimizer, other), momentum = optimizers(), one_cycle(30, 0.85, 0.95, 0.95)
    scheduler, rates = Scheduler(optimizer, factor, momentum), []
    for t in range(25):
        if t == 9:
            saved = copy.deepcopy((optimizer.state_dict(), scheduler.state_dict()))
        rates.append([(group["lr"], group["momentum"]) for group in optimizer.param_groups])
        scheduler.step()
    other.load_state_dict(saved[0])
    resumed = Scheduler(other, factor, momentum)
    assert other.param_groups[0]["lr"] != rates[9][0][0]  # sin el estado, parte de una tasa ya reducida
    resumed.load_state_dict(saved[1])
    for t in range(9, 25):
        assert [(group["lr"], group["momentum"]) for group in other.param_groups] == rates[t]
        resumed.step()


def test_optimal_decay_for_a_noisy_quadratic():
    """El programa del teorema es, en cada paso, la mejor de muchas tasas, y el error es el que predice."""
    curvature, noise, error = 3.0, 0.7, 2.0
    tried = np.linspace(0, 1, 2001)
    for t in range(60):
        rate = curvature * error / (curvature**2 * error + noise**2)
        after = (1 - tried * curvature) ** 2 * error + (tried * noise) ** 2
        assert abs(tried[after.argmin()] - rate) < 1e-3
        error = (1 - rate * curvature) ** 2 * error + (rate * noise) ** 2
        assert error == pytest.approx(1 / (1 / 2.0 + (t + 1) * (curvature / noise) ** 2))


# --- El barrido -----------------------------------------------------------------------------------------------------


def problem(rule=TORCH_SGD):
    """Una red con normalización y dropout, su optimizador y una función que toma lotes al azar."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Dropout(0.2), nn.Linear(8, 3)).double()
    x, y = torch.randn(64, 4, dtype=torch.float64), torch.randint(3, (64,))

    def batch_loss():
        pick = torch.randint(64, (16,))
        return F.cross_entropy(model(x[pick]), y[pick])

    return model, rule(model.parameters()), batch_loss


@pytest.mark.parametrize(
    "rule",
    [TORCH_SGD, partial(torch.optim.Adam, lr=0.01), partial(Adam, lr=0.01)],
)
def test_range_test_leaves_no_trace(rule):
    model, optimizer, batch_loss = problem(rule)
    for _ in range(3):  # con memoria ya en el optimizador
        optimizer.zero_grad()
        batch_loss().backward()
        optimizer.step()
    weights, memory = copy.deepcopy((model.state_dict(), optimizer.state_dict()))
    losses = range_test(model, optimizer, batch_loss, np.geomspace(1e-3, 10, 20))
    assert losses.shape == (20,)
    torch.testing.assert_close(model.state_dict(), weights, rtol=0, atol=0)
    torch.testing.assert_close(optimizer.state_dict(), memory, rtol=0, atol=0)
    assert all(p.grad is None for p in model.parameters())


def test_range_test_restores_even_if_it_fails():
    model, optimizer, batch_loss = problem()
    weights, calls = copy.deepcopy(model.state_dict()), iter(range(3))

    def failing():
        return batch_loss() if next(calls, None) is not None else 1 / 0

    with pytest.raises(ZeroDivisionError):
        range_test(model, optimizer, failing, np.geomspace(1e-3, 1, 20))
    torch.testing.assert_close(model.state_dict(), weights, rtol=0, atol=0)
    assert optimizer.param_groups[0]["lr"] == 0.1


def test_range_test_is_training_with_a_growing_rate():
    rates, expected = np.geomspace(1e-3, 0.5, 12), []
    model, optimizer, batch_loss = problem()
    torch.manual_seed(3)
    losses = range_test(model, optimizer, batch_loss, rates)
    scheduler = Scheduler(optimizer, lambda t: rates[min(t, 11)] / 0.1)
    torch.manual_seed(3)
    for _ in rates:
        optimizer.zero_grad()
        loss = batch_loss()
        loss.backward()
        optimizer.step()
        scheduler.step()
        expected.append(loss.item())
    np.testing.assert_allclose(losses, expected)


def test_range_test_of_many_networks():
    x, y = torch.rand(30, 6, dtype=torch.float64), torch.randint(3, (30,))

    def sweep(seeds):
        nets = Copies((6, 5, 3), seeds).double()

        def batch_loss():
            return nets.losses(x.expand(len(seeds), -1, -1), y.expand(len(seeds), -1))

        return range_test(nets, SGD(nets.parameters(), lr=0.1), batch_loss, np.geomspace(0.01, 1, 15))

    together = sweep([4, 5, 6])
    assert together.shape == (15, 3)
    np.testing.assert_allclose(together[:, 1:2], sweep([5]))


@pytest.mark.parametrize("rates", [[0.1], [0.2, 0.1], [0.0, 0.1], [0.1, 0.1], [0.1, math.inf], [0.1, math.nan]])
def test_range_test_explains_its_rates(rates):
    model, optimizer, batch_loss = problem()
    with pytest.raises(ValueError, match="rates debe tener al menos dos tasas finitas, positivas y crecientes"):
        range_test(model, optimizer, batch_loss, np.array(rates))


def test_smooth_is_an_unbiased_average():
    np.testing.assert_allclose(smooth(np.full((9, 2), 3.0)), 3.0)
    values = np.random.default_rng(0).normal(size=20)
    np.testing.assert_array_equal(smooth(values, 0.0), values)
    weights = 0.8 ** np.arange(20)[::-1]
    assert smooth(values, 0.8)[-1] == pytest.approx((weights * values).sum() / weights.sum())


def test_suggestions_on_a_known_curve():
    """Una bajada logística en 0.1 y una subida brusca: la pendiente máxima y el mínimo se conocen."""
    rates = np.geomspace(1e-4, 10, 600)
    u = np.log10(rates)
    losses = 2.3 - 2 / (1 + np.exp(-6 * (u + 1))) + np.exp(8 * (u - 0.5))
    found = suggest(rates, losses, beta=0.0)
    assert found["pendiente"] == pytest.approx(0.1, rel=0.05)
    assert found["mínimo/10"] == pytest.approx(rates[losses.argmin()] / 10)
    losses[rates > 5] = np.nan
    assert suggest(rates, losses, beta=0.0) == found
    assert suggest(rates, losses)["pendiente"] > found["pendiente"]  # el suavizado llega tarde


def test_suggest_ignores_the_first_values_and_needs_some_more():
    rates, losses = np.geomspace(0.01, 1, 30), np.linspace(2, 1, 30)
    losses[3] = -5
    assert suggest(rates, losses, beta=0.0)["mínimo/10"] == pytest.approx(0.1)
    losses[11] = np.inf
    with pytest.raises(ValueError, match="hacen falta al menos dos pérdidas finitas después de las 10 primeras; hay 1"):
        suggest(rates, losses)


# --- Entrenar con un programa ---------------------------------------------------------------------------------------


def test_constant_program_is_plain_training():
    x, y = torch.rand(120, 6, dtype=torch.float64), torch.randint(3, (120,))
    seeds = [7, 8]
    ours, plain = (Copies((6, 5, 3), seeds).double() for _ in range(2))
    rule = partial(SGD, lr=0.1, momentum=0.9)
    first, seen = rule(ours.parameters()), []
    scheduler = Scheduler(first, lambda t: 1.0)
    losses = train_copies(ours, first, x, y, scheduler=scheduler, seeds=seeds, epochs=3, on_epoch=seen.append)
    history = train_copies(plain, rule(plain.parameters()), x, y, seeds=seeds, epochs=3)
    torch.testing.assert_close(ours.flat, plain.flat)
    assert losses.shape == (9, 2)
    assert seen == [1, 2, 3]
    assert scheduler.t == 9
    torch.testing.assert_close(losses, history)


def test_training_uses_the_rate_of_each_step():
    x, y = torch.rand(40, 6, dtype=torch.float64), torch.randint(3, (40,))
    ours, twin = (Copies((6, 5, 3), [1]).double() for _ in range(2))
    optimizer = torch.optim.SGD(ours.parameters(), lr=0.5)
    scheduler = Scheduler(optimizer, linear(4))
    train_copies(ours, optimizer, x, y, scheduler=scheduler, seeds=[1], epochs=2, batch_size=20)
    second, generator = torch.optim.SGD(twin.parameters(), lr=0.5), torch.Generator().manual_seed(1)
    reference = lr_scheduler.LinearLR(second, start_factor=1, end_factor=0, total_iters=4)
    for _ in range(2):
        for batch in torch.randperm(40, generator=generator).split(20):
            second.zero_grad()
            twin.losses(x[batch][None], y[batch][None]).sum().backward()
            second.step()
            reference.step()
    torch.testing.assert_close(ours.flat, twin.flat)


# --- Argumentos -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("build", "error", "message"),
    [
        (lambda: step_decay(0), ValueError, "size debe ser finito y al menos 1; se recibió 0"),
        (lambda: step_decay(3, -0.1), ValueError, "gamma debe ser finito y al menos 0; se recibió -0.1"),
        (lambda: exponential(math.nan), ValueError, "gamma debe ser finito y al menos 0; se recibió nan"),
        (lambda: exponential("0.9"), TypeError, "gamma debe ser un número; se recibió '0.9' [(]str[)]"),
        (lambda: multistep([5, 3]), ValueError, r"milestones debe ir en orden; se recibió \[5, 3\]"),
        (lambda: linear(0), ValueError, "total debe ser finito y al menos 1; se recibió 0"),
        (lambda: cosine(0), ValueError, "total debe ser finito y al menos 1; se recibió 0"),
        (lambda: cosine(True), TypeError, "total debe ser un número; se recibió True"),
        (lambda: restarts(0), ValueError, "first debe ser finito y al menos 1; se recibió 0"),
        (lambda: restarts(5, 0), ValueError, "growth debe ser finito y al menos 1; se recibió 0"),
        (lambda: one_cycle(3), ValueError, "one_cycle pide 1 < peak_at·total < total; se recibió total=3"),
        (lambda: one_cycle(50, peak_at=1.0), ValueError, "se recibió total=50, peak_at=1.0"),
        (lambda: one_cycle(50)(51), ValueError, "el ciclo dura 50 pasos; se pidió el factor del paso 51"),
        (lambda: chain([cosine(3)], [2]), ValueError, "milestones debe tener 0 pasos positivos y crecientes"),
        (lambda: warmup(0, cosine(3)), ValueError, "total debe ser finito y al menos 1; se recibió 0"),
        (
            lambda: chain([cosine(3), cosine(3), cosine(3)], [4, 4]),
            ValueError,
            r"milestones debe tener 2 pasos .*; se recibió \[4, 4\]",
        ),
        (lambda: ReduceOnPlateau(optimizers()[0], 1.0), ValueError, "factor debe estar entre 0 y 1; se recibió 1.0"),
        (lambda: ReduceOnPlateau(optimizers()[0], 0.5, -1), ValueError, "patience debe ser finito y al menos 0"),
        (lambda: smooth(np.zeros(3), 1.0), ValueError, "beta debe estar entre 0 y 1; se recibió 1.0"),
    ],
)
def test_arguments_are_explained(build, error, message):
    with pytest.raises(error, match=message):
        build()


# --- Ejercicios -----------------------------------------------------------------------------------------------------


def warm_cosine(
    t, total, first, rise=lambda t, w: (t + 1) / (w + 1), late=False, long=False, form=lambda c: (1 + c) / 2
):
    """El factor pedido, con los errores que se le quieran poner."""
    if t < first:
        return rise(t, first)
    length = total if late or long else total - first
    return form(math.cos(math.pi * (t if late else t - first) / length))


def advise(rates, losses, beta, divide=10, correct=True, what="rate"):
    mean, curve = 0.0, []
    for t, loss in enumerate(losses, start=1):
        mean = beta * mean + (1 - beta) * loss
        curve.append(mean / (1 - beta**t) if correct else mean)
    bottom = int(np.argmin(curve))
    return {"rate": rates[bottom] / divide, "index": bottom, "loss": curve[bottom]}[what]


def in_place_advise(rates, losses, beta):
    result = advise(rates, losses, beta)
    losses *= beta
    return result


def position(t, first, growth, strict=False, base=0, inner=0):
    k, length = 0, first
    while t > length if strict else t >= length:
        k, t, length = k + 1, t - length, length * growth
    return k + base, t + inner


def count_steps(n, batch, epochs, accumulate):
    return math.ceil(math.ceil(n / batch) / accumulate) * epochs


class Resumable:
    """Un programador correcto del que salen los equivocados."""

    base_saved, apply_on_load, counter_saved, apply_at_start, compound, shared = True, True, True, True, False, False

    def __init__(self, optimizer, factor):
        self.optimizer, self.factor, self.t = optimizer, factor, 0
        self.base = [group["lr"] for group in optimizer.param_groups]
        if self.apply_at_start:
            self.apply()

    def apply(self):
        for base, group in zip(self.base, self.optimizer.param_groups, strict=True):
            reference = group["lr"] if self.compound else self.base[0] if self.shared else base
            group["lr"] = reference * self.factor(self.t)

    def step(self):
        self.t += 1
        self.apply()

    def state_dict(self):
        return {"t": self.t, "base": self.base}

    def load_state_dict(self, state):
        self.t = state["t"] if self.counter_saved else self.t
        self.base = state["base"] if self.base_saved else self.base
        if self.apply_on_load:
            self.apply()


def variant(**flags):
    return type("MiProgramador", (Resumable,), flags)


class WithInitial(Resumable):
    """Guarda las tasas iniciales en los grupos del optimizador, como PyTorch."""

    def __init__(self, optimizer, factor):
        for group in optimizer.param_groups:
            group.setdefault("initial_lr", group["lr"])
        self.optimizer, self.factor, self.t = optimizer, factor, 0
        self.apply()

    def apply(self):
        for group in self.optimizer.param_groups:
            group["lr"] = group["initial_lr"] * self.factor(self.t)

    def state_dict(self):
        return {"t": self.t}

    def load_state_dict(self, state):
        self.t = state["t"]
        self.apply()


RIGHT = {
    "mano": [[0.2, 0.4, 0.8, 0.4, 0.32]],
    "calentamiento": [warm_cosine],
    "consejo": [advise],
    "posicion": [position, lambda *a: np.array(position(*a))],
    "pasos": [count_steps],
    "reanudar": [Resumable, WithInitial],
    "proyecto": [
        lambda t, total: 0.3 * (1 - t / total),
        lambda t, total: 0.25 * one_cycle(total)(t),
    ],
}
WRONG = {
    "mano": [
        ([0.1, 0.4, 0.8, 0.4, 0.32], "solo van dos bajadas"),
        ([0.4, 0.4, 0.8, 0.4, 0.32], "ya van dos bajadas"),
        ([0.25, 0.5, 1, 0.5, 0.4], "Falta multiplicar por la tasa de referencia"),
        ([0.2, 0.0, 0.8, 0.4, 0.32], "va por la mitad del camino"),
        ([0.2, 0.4, 0.0, 0.4, 0.32], "el primer ciclo ya terminó"),
        ([0.2, 0.4, 0.8, 0.8, 0.32], "El segundo ciclo dura 20 pasos"),
        ([0.2, 0.4, 0.8, 0.4, 0.4], "el paso 1 es el segundo de cuatro"),
        ([0.2, 0.4, 0.8, 0.4, 0.2], "El paso 0 ya no vale cero"),
        ([0.2, 0.4, 0.8, 0.4, 0.7], "Respuesta e: 0.7 no es"),
        ([0.2, 0.4], "tuviera forma (5,)"),
    ],
    "calentamiento": [
        (partial(warm_cosine, rise=lambda t, w: t / w), "El primer factor no debe ser cero"),
        (partial(warm_cosine, rise=lambda t, w: (t + 1) / w), "el 1 sale dos veces"),
        (partial(warm_cosine, late=True), "debe partir de 1, sin saltos"),
        (partial(warm_cosine, long=True), "El coseno dura lo que queda"),
        (partial(warm_cosine, form=lambda c: 1 + c), "falta el factor 1/2"),
        (partial(warm_cosine, form=lambda c: c), "hay que sumarle 1"),
        (lambda t, total, first: 1.0, "se esperaba 0.0909"),
        (lambda t, total, first: t / (total - first - 40), "lanzó ZeroDivisionError"),
    ],
    "consejo": [
        (partial(advise, divide=1), "la décima parte"),
        (partial(advise, what="index"), "la posición del mínimo"),
        (partial(advise, what="loss"), "Devuelves la pérdida del mínimo"),
        (partial(advise, correct=False), "Falta corregir el sesgo"),
        (lambda rates, losses, beta: rates[np.argmin(losses)] / 10, "sin suavizar"),
        (lambda rates, losses, beta: advise(rates, losses, 1 - beta), "los cambiaste"),
        (in_place_advise, "Modificaste los arreglos"),
        (lambda rates, losses, beta: 0.5, "Se esperaba"),
    ],
    "posicion": [
        (partial(position, base=1), "Los ciclos se cuentan desde 0"),
        (partial(position, inner=1), "Los pasos de cada ciclo se cuentan desde 0"),
        (partial(position, strict=True), "compara con >="),
        (lambda t, first, growth: position(t, first, growth)[::-1], "Primero el número de ciclo"),
        (lambda t, first, growth: (t // first, t % first), "Los ciclos crecen"),
        (lambda t, first, growth: (5, 5), "Se esperaba (0, 0)"),
        (lambda t, first, growth: 3, "el ciclo y el paso dentro de él"),
    ],
    "pasos": [
        (lambda n, b, e, a: math.ceil(n // b / a) * e, "El último lote, incompleto"),
        (lambda n, b, e, a: math.ceil(n / b) // a * e, "Los lotes que sobran"),
        (lambda n, b, e, a: math.ceil(n / b) * e, "Cada paso del optimizador reúne"),
        (lambda n, b, e, a: math.ceil(n * e / b), "Cada época tiene su último lote"),
        (lambda n, b, e, a: math.ceil(math.ceil(n / b) / a), "Eso es una época"),
        (lambda n, b, e, a: math.ceil(math.ceil(n / b) * e / a), "no se junta con la siguiente"),
        (lambda n, b, e, a: n * e / b / a, "No hay medios pasos"),
        (lambda n, b, e, a: n, "Se esperaban 350 pasos"),
    ],
    "reanudar": [
        (variant(compound=True), "Multiplicas la tasa ya multiplicada"),
        (variant(apply_at_start=False), "Al crearse debe poner ya la tasa"),
        (variant(shared=True), "Cada grupo tiene su propia tasa"),
        (variant(base_saved=False), "tomas por inicial la tasa ya reducida"),
        (variant(apply_on_load=False), "sigue siendo la del paso 0"),
        (variant(counter_saved=False), "recupera también el contador"),
        (variant(state_dict=lambda self: [self.t]), "debe devolver un diccionario"),
        (variant(step=None), "falta `step`"),
        (variant(step=lambda self: None), "Sin interrupciones, en el paso 1"),
        (variant(load_state_dict=lambda self, state: 1 / 0), "lanzó ZeroDivisionError"),
    ],
    "proyecto": [
        (lambda t, total: 0.13, "ninguna constante llega"),
        (lambda t, total: 0.02 * (1 - t / total), "con tan pocos pasos, es poca"),
        (lambda t, total: 0.3 * (1 + t / total), "no termina cerca de cero"),
        (lambda t, total: 1.0 * (1 - t / total), "salta sin parar"),
        (lambda t, total: 0.2 * 0.9**t, "tasas de verdad útiles"),
        (lambda t, total: -0.1, "tasas negativas"),
        (lambda t, total: 0, "Todas las tasas son cero"),
        (lambda t, total: 1e30, "dejó de ser finita"),
    ],
}

test_right_answers, test_wrong_answers, test_every_exercise = exercise_tests(comprobar, RIGHT, WRONG)
