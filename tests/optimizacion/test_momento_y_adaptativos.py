"""Los optimizadores contra PyTorch, la teoría contra lo medido y las respuestas que el capítulo espera."""

from functools import partial

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from respuestas import exercise_tests

from profundo.ejercicios.optimizacion.momento_y_adaptativos import comprobar
from profundo.fundamentos.descenso_de_gradiente import rosenbrock, saddle
from profundo.optimizacion.momento_y_adaptativos import (
    SGD,
    Adagrad,
    Adam,
    AdamW,
    Optimizer,
    RMSprop,
    best_settings,
    convergence_rate,
    descend,
    ravine,
)

# --- Los optimizadores son los de PyTorch ---------------------------------------------------------------------------

PAIRS = {
    "SGD": (SGD, torch.optim.SGD),
    "Nesterov": (partial(SGD, nesterov=True), partial(torch.optim.SGD, nesterov=True)),
    "AdaGrad": (Adagrad, torch.optim.Adagrad),
    "RMSProp": (RMSprop, torch.optim.RMSprop),
    "Adam": (Adam, torch.optim.Adam),
    "AdamW": (AdamW, torch.optim.AdamW),
}
fraction = st.floats(0, 0.99)
common = {"lr": st.floats(1e-5, 0.3), "weight_decay": st.sampled_from([0.0, 1e-3, 0.1])}
eps = {"eps": st.sampled_from([1e-10, 1e-8, 1e-3])}
OPTIONS = {
    "SGD": st.fixed_dictionaries({**common, "momentum": fraction}),
    "Nesterov": st.fixed_dictionaries({**common, "momentum": st.floats(0.01, 0.99)}),
    "AdaGrad": st.fixed_dictionaries({**common, **eps}),
    "RMSProp": st.fixed_dictionaries({**common, **eps, "alpha": st.floats(0.5, 0.999)}),
    "Adam": st.fixed_dictionaries({**common, **eps, "betas": st.tuples(fraction, st.floats(0.5, 0.999))}),
    "AdamW": st.fixed_dictionaries({**common, **eps, "betas": st.tuples(fraction, st.floats(0.5, 0.999))}),
}


def largest_gap(ours, theirs, seed, steps=100):
    """Cuánto se separan dos optimizadores en cien pasos con los mismos gradientes, los de una función con curvas.

    Los gradientes se miden donde está el segundo: si cada uno usara los suyos, una tasa grande podría amplificar sin
    límite un redondeo. Un parámetro se queda a veces sin gradiente.
    """
    generator = torch.Generator().manual_seed(seed)
    theirs_params = [torch.randn(shape, dtype=torch.float64, generator=generator) for shape in ((3, 2), (2,))]
    ours_params = [p.clone() for p in theirs_params]
    weight, bias = (p.requires_grad_() for p in theirs_params)
    x = torch.randn(steps, 3, dtype=torch.float64, generator=generator)
    first, second, gap = ours(ours_params), theirs(theirs_params), 0.0
    for k in range(steps):
        second.zero_grad()
        out = x[k] @ weight if k % 7 == 3 else x[k] @ weight + bias
        ((torch.tanh(out) - 0.5) ** 2).sum().backward()
        for p, q in zip(ours_params, theirs_params, strict=True):
            p.grad = None if q.grad is None else q.grad.clone()
        first.step()
        second.step()
        assert all(q.isfinite().all() for q in theirs_params)
        gap = max(gap, *((p - q).abs().max().item() for p, q in zip(ours_params, theirs_params, strict=True)))
    return gap


@pytest.mark.parametrize("name", PAIRS)
@settings(max_examples=8, derandomize=True)
@given(data=st.data())
def test_a_hundred_steps_like_pytorch(name, data):
    ours, theirs = PAIRS[name]
    options, seed = data.draw(OPTIONS[name]), data.draw(st.integers(0, 10**6))
    assert largest_gap(partial(ours, **options), partial(theirs, **options), seed) < 1e-12


@pytest.mark.parametrize("name", PAIRS)
def test_a_hundred_free_steps_like_pytorch(name):
    """Cada uno con sus gradientes, en el valle de Rosenbrock."""
    ours, theirs = PAIRS[name]
    options = {"lr": 1e-3, **({"momentum": 0.8} if name in ("SGD", "Nesterov") else {})}
    start = torch.tensor([[-1.2, 1.0], [0.5, -0.3]], dtype=torch.float64)
    a, b = (descend(rosenbrock, start, partial(rule, **options), 100) for rule in (ours, theirs))
    torch.testing.assert_close(a, b, rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", PAIRS)
def test_same_defaults_as_pytorch(name):
    ours, theirs = PAIRS[name]
    extra = {"momentum": 0.9} if name == "Nesterov" else {}
    mine = ours([torch.zeros(1, requires_grad=True)], **extra).defaults
    reference = theirs([torch.zeros(1, requires_grad=True)], **extra).defaults
    assert mine == {key: reference[key] for key in mine}


def test_the_comparison_sees_a_small_difference():
    assert largest_gap(partial(Adam, lr=0.1, eps=1.0001e-8), partial(torch.optim.Adam, lr=0.1), 0) > 1e-12


@pytest.mark.parametrize("rule", [SGD, Adagrad, RMSprop, Adam, AdamW])
def test_groups_state_and_schedulers_work_as_in_pytorch(rule):
    a, b = (torch.ones(2, dtype=torch.float64, requires_grad=True) for _ in range(2))
    optimizer = rule([{"params": [a], "lr": 0.1}, {"params": [b], "lr": 0.0}])
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, step_size=1, gamma=0.5)
    (a + b).sum().backward()
    optimizer.step()
    schedule.step()
    assert (a < 1).all()
    assert (b == 1).all()
    assert optimizer.param_groups[0]["lr"] == pytest.approx(0.05)
    # Con el estado guardado, seguir es lo mismo que no haber parado.
    saved, point = optimizer.state_dict(), [p.detach().clone().requires_grad_() for p in (a, b)]
    resumed = rule([{"params": [point[0]]}, {"params": [point[1]]}])
    resumed.load_state_dict(saved)
    for p in (a, b, *point):
        p.grad = torch.full_like(p, 0.3)
    optimizer.step()
    resumed.step()
    assert torch.equal(a, point[0])


def test_parameters_without_gradient_stay():
    p = torch.ones(2, requires_grad=True)
    AdamW([p], lr=0.1).step()
    assert torch.equal(p, torch.ones(2))


def test_the_base_class_has_no_rule():
    p = torch.ones(1, requires_grad=True)
    p.grad = torch.ones(1)
    with pytest.raises(NotImplementedError):
        Optimizer([p], lr=0.1, weight_decay=0.0).step()


@pytest.mark.parametrize(
    ("rule", "options", "error", "message"),
    [
        (SGD, {"lr": -1.0}, ValueError, "lr debe ser finito y no negativo; se recibió -1.0"),
        (SGD, {"lr": float("nan")}, ValueError, "lr debe ser finito y no negativo; se recibió nan"),
        (SGD, {"lr": "0.1"}, TypeError, "lr debe ser un número; se recibió '0.1' [(]str[)]"),
        (SGD, {"momentum": 1}, ValueError, "momentum debe estar entre 0 y 1, sin llegar a 1; se recibió 1"),
        (SGD, {"lr": torch.tensor([0.1, -1.0])}, ValueError, "lr debe ser finito y no negativo"),
        (SGD, {"nesterov": True}, ValueError, "nesterov pide un momentum mayor que 0; se recibió 0.0"),
        (SGD, {"weight_decay": -0.1}, ValueError, "weight_decay debe ser finito y no negativo"),
        (SGD, {"weight_decay": True}, TypeError, "weight_decay debe ser un número; se recibió True"),
        (RMSprop, {"alpha": 1.5}, ValueError, "alpha debe estar entre 0 y 1"),
        (Adagrad, {"eps": -1e-8}, ValueError, "eps debe ser finito y no negativo"),
        (Adam, {"betas": (1.0, 0.9)}, ValueError, r"betas\[0\] debe estar entre 0 y 1"),
        (AdamW, {"betas": (0.9, -0.1)}, ValueError, r"betas\[1\] debe estar entre 0 y 1"),
    ],
)
def test_optimizers_explain_their_arguments(rule, options, error, message):
    with pytest.raises(error, match=message):
        rule([torch.zeros(1, requires_grad=True)], **options)


# --- La velocidad en una cuadrática ---------------------------------------------------------------------------------

condition = st.floats(1.5, 300)


@settings(max_examples=25)
@given(condition, st.floats(0.01, 100), st.booleans())
def test_best_settings_are_the_best(kappa, mu, momentum):
    lr, beta, rate = best_settings(mu, kappa * mu, momentum=momentum)
    root = kappa**0.5 if momentum else kappa
    assert rate == pytest.approx((root - 1) / (root + 1))
    curvatures = np.linspace(mu, kappa * mu, 50)

    def worst(lr, beta):
        return convergence_rate(curvatures, np.full(50, lr), np.full(50, beta)).max()

    # Cerca de la raíz doble, un error ε en los coeficientes es √ε en las raíces.
    assert worst(lr, beta) == pytest.approx(rate, abs=1e-6)
    for factor in (0.95, 1.05):
        assert worst(factor * lr, beta) > rate - 1e-6
        if momentum:
            assert worst(lr, factor * beta) > rate - 1e-6


@settings(max_examples=50)
@given(st.floats(0.01, 10), st.floats(0.01, 2), st.floats(0, 0.99))
def test_convergence_rate_is_the_largest_root(curvature, lr, beta):
    ours = convergence_rate(np.array([curvature]), np.array([lr]), np.array([beta]))
    roots = np.roots([1, -(1 + beta - lr * curvature), beta])
    assert ours[0] == pytest.approx(np.abs(roots).max(), abs=1e-6)


@pytest.mark.parametrize("momentum", [False, True])
def test_measured_rate_is_the_theory(momentum):
    kappa = 50.0
    lr, beta, rate = best_settings(1.0, kappa, momentum=momentum)
    rule = partial(SGD, lr=lr, momentum=beta)
    path = descend(lambda w: ravine(w, condition=kappa), torch.ones(2, dtype=torch.float64), rule, 600)
    error = path.norm(dim=1)
    assert (error[600] / error[300]).item() ** (1 / 300) == pytest.approx(rate, rel=0.01)


@pytest.mark.parametrize(("mu", "largest"), [(0, 1), (2, 1), (1, float("inf")), (-1, 1)])
def test_best_settings_explain_their_arguments(mu, largest):
    with pytest.raises(ValueError, match=f"se esperaba 0 < mu <= largest, finito; se recibió mu={mu}"):
        best_settings(mu, largest, momentum=True)


# --- Superficies y trayectorias -------------------------------------------------------------------------------------


def test_surfaces_have_the_stated_minima():
    point = partial(torch.tensor, dtype=torch.float64)
    for surface, minimum in ((ravine, (0, 0)), (saddle, (0, 1)), (saddle, (0, -1)), (rosenbrock, (1, 1))):
        w = point([float(c) for c in minimum], requires_grad=True)
        surface(w).backward()
        assert surface(w).item() == 0
        assert torch.equal(w.grad, torch.zeros(2, dtype=torch.float64))
    hessian = torch.autograd.functional.hessian(lambda w: ravine(w, 30.0, 0.7), point([2.0, 3.0]))
    torch.testing.assert_close(torch.linalg.eigvalsh(hessian), point([1.0, 30.0]))
    hessian = torch.autograd.functional.hessian(saddle, point([0.0, 0.0]))
    assert torch.linalg.eigvalsh(hessian).tolist() == [-1, 1]


@pytest.mark.parametrize("surface", [ravine, partial(ravine, angle=0.3), saddle, rosenbrock])
def test_surface_gradients(surface):
    w = torch.randn(4, 2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(surface, w)


def test_rotation_changes_only_the_adaptive_rules():
    angle = torch.tensor(0.7, dtype=torch.float64)
    turn = torch.stack([torch.stack([angle.cos(), -angle.sin()]), torch.stack([angle.sin(), angle.cos()])])
    start = torch.tensor([-4.0, 1.0], dtype=torch.float64)
    for rule, same in ((partial(SGD, lr=0.01, momentum=0.9), True), (partial(Adam, lr=0.1), False)):
        straight = descend(ravine, start, rule, 30)
        turned = descend(partial(ravine, angle=0.7), turn @ start, rule, 30)
        assert torch.allclose(straight @ turn.T, turned, atol=1e-9) == same


def test_points_descend_on_their_own():
    starts = torch.randn(3, 2, 2, dtype=torch.float64)
    rule = partial(Adam, lr=0.1)
    together = descend(rosenbrock, starts, rule, 20)
    assert together.shape == (21, 3, 2, 2)
    assert torch.equal(together[0], starts)
    torch.testing.assert_close(together[:, 1, 0], descend(rosenbrock, starts[1, 0], rule, 20))


def test_many_rates_at_once():
    rates = torch.tensor([0.001, 0.01, 0.015], dtype=torch.float64)
    start = torch.tensor([-4.0, 1.0], dtype=torch.float64)
    together = descend(ravine, start.expand(3, 2), partial(SGD, lr=rates[:, None], momentum=0.5), 20)
    for k, lr in enumerate(rates.tolist()):
        torch.testing.assert_close(together[:, k], descend(ravine, start, partial(SGD, lr=lr, momentum=0.5), 20))


def test_noise_is_repeatable_and_has_the_stated_size():
    start, rule = torch.zeros(5000, 2), partial(SGD, lr=1.0)
    flat = partial(descend, lambda w: 0 * w.sum(-1), start, rule, 1)
    assert torch.equal(flat(noise=3.0), flat(noise=3.0))
    assert not torch.equal(flat(noise=3.0), flat(noise=3.0, seed=1))
    assert flat(noise=3.0)[1].std().item() == pytest.approx(3, rel=0.05)
    assert torch.equal(flat()[1], start)


@pytest.mark.parametrize("options", [{"steps": 0}, {"steps": 3, "noise": -1.0}])
def test_descend_explains_its_arguments(options):
    with pytest.raises(ValueError, match="se esperaba steps >= 1 y noise >= 0; se recibió steps="):
        descend(ravine, torch.zeros(2), SGD, **options)


# --- Los ejercicios -------------------------------------------------------------------------------------------------


def good_pasos(kappa, factor, momento, *, round=np.ceil, log=np.log):
    root = kappa**0.5 if momento else kappa
    return round(log(factor) / -np.log((root - 1) / (root + 1)))


def good_nesterov(gradiente, w, lr, momentum, steps, *, ahead=None, record=None):
    look = ahead or (lambda lr, beta: lr * beta)
    v, points = np.zeros_like(w), []
    for _ in range(steps):
        v = momentum * v + gradiente(w - look(lr, momentum) * v)
        w = w - lr * v
        points.append(record(w, v) if record else w - lr * momentum * v)
    return np.array(points)


def heavy_ball(gradiente, w, lr, momentum, steps):
    return good_nesterov(gradiente, w, lr, momentum, steps, ahead=lambda lr, beta: 1e-300, record=lambda w, v: w)


def late_nesterov(gradiente, w, lr, momentum, steps):
    return np.concatenate([[w], good_nesterov(gradiente, w, lr, momentum, steps)[:-1]])


def same_array(gradiente, w, lr, momentum, steps):
    return [good_nesterov(gradiente, w, lr, momentum, steps)[-1]] * steps


def in_place_nesterov(gradiente, w, lr, momentum, steps):
    points = good_nesterov(gradiente, w, lr, momentum, steps)
    w -= lr
    return points


def adam(g, m, s, t, lr, beta1, beta2, eps, *, change=None, moments=None):
    m = beta1 * m + (1 - beta1) * g
    s = beta2 * s + (1 - beta2) * g**2
    a, b = m / (1 - beta1**t), s / (1 - beta2**t)
    step = change(g, m, s, a, b, lr, eps) if change else -lr * a / (np.sqrt(b) + eps)
    return step, *(moments(m, s, a, b) if moments else (m, s))


def raw_first_moment(g, m, s, t, lr, beta1, beta2, eps):
    change, _, new_s = adam(g, m, s, t, lr, beta1, beta2, eps)
    return change, beta1 * m + g, new_s


def raw_second_moment(g, m, s, t, lr, beta1, beta2, eps, *, power=2, scale=1.0):
    change, new_m, _ = adam(g, m, s, t, lr, beta1, beta2, eps)
    return change, new_m, beta2 * s + scale * g**power


def linear_correction(g, m, s, t, lr, beta1, beta2, eps):
    return adam(g, m, s, 1, lr, beta1, beta2, eps)


def in_place_adam(g, m, s, t, lr, beta1, beta2, eps):
    result = adam(g, m, s, t, lr, beta1, beta2, eps)
    m *= 0.5
    m += 1
    return result


def good_grupos(model, weight_decay, *, decays=lambda name, p: p.ndim >= 2, other=0.0):
    named = list(model.named_parameters())
    return [
        {"params": [p for name, p in named if decays(name, p)], "weight_decay": weight_decay},
        {"params": [p for name, p in named if not decays(name, p)], "weight_decay": other},
    ]


def without_key(model, weight_decay):
    first, second = good_grupos(model, weight_decay)
    return [first, {"params": second["params"]}]


def repeated(model, weight_decay):
    first, second = good_grupos(model, weight_decay)
    return [first, {**second, "params": list(model.parameters())}]


def by_module(model, weight_decay):
    """Recorre las capas, y así repite los parámetros compartidos."""
    every = [p for module in model.modules() for p in module.parameters(recurse=False)]
    return [
        {"params": [p for p in every if p.ndim >= 2], "weight_decay": weight_decay},
        {"params": [p for p in every if p.ndim < 2], "weight_decay": 0},
    ]


def only_weights(model, weight_decay):
    first, second = good_grupos(model, weight_decay)
    return [first, {**second, "params": []}]


def strangers(model, weight_decay):
    first, second = good_grupos(model, weight_decay)
    return [first, {**second, "params": [p.clone() for p in second["params"]]}]


def reversed_groups(model, weight_decay):
    return tuple(reversed(good_grupos(model, weight_decay)))


RIGHT: dict[str, list[object]] = {
    "mano": [[-0.1, -0.25, -0.425], np.array([-0.1, -0.25, -0.425])],
    "pasos": [good_pasos, lambda kappa, factor, momento: int(good_pasos(kappa, factor, momento))],
    "nesterov": [good_nesterov],
    "adam": [adam, lambda *a: list(adam(*a))],
    "grupos": [
        good_grupos,
        reversed_groups,
        lambda m, d: [{**g, "params": iter(g["params"])} for g in good_grupos(m, d)],
    ],
    "proyecto": [partial(Adam, lr=0.01)],
}
WRONG: dict[str, list[tuple[object, str]]] = {
    "mano": [
        ([0.1, 0.25, 0.425], "El signo"),
        ([-0.1, -0.2, -0.3], "sin momento"),
        ([-0.05, -0.125, -0.2125], "suma, no promedia"),
        ([0, -0.1, -0.25], "un paso tarde"),
        ([1, 1.5, 1.75], "son las velocidades"),
        ([-0.1, -0.15, -0.175], "los tres cambios"),
        ([-0.15, -0.325, -0.5125], "Eso es Nesterov"),
        ([-0.1, -0.25], "forma (3,)"),
        ([-0.1, -0.25, -0.4], "Haz una tabla"),
    ],
    "pasos": [
        (partial(good_pasos, round=float), "Falta redondear"),
        (partial(good_pasos, round=np.floor), "hacia abajo"),
        (lambda *a: good_pasos(*a, round=np.floor) + 2, "Sobra un paso"),
        (lambda *a: -good_pasos(*a), "debe ser positivo"),
        (lambda k, f, m: good_pasos(k, f, False), "por su raíz"),
        (lambda k, f, m: good_pasos(k, f, not m), "por su raíz"),
        (partial(good_pasos, log=np.log10), "misma base"),
        (lambda k, f, m: np.ceil((k**0.5 if m else k) / 2 * np.log(f)), "es una aproximación"),
        (lambda k, f, m: 12345, "Se esperaban"),
    ],
    "nesterov": [
        (heavy_ball, "no en w"),
        (partial(good_nesterov, record=lambda w, v: w), "Devuelves w"),
        (late_nesterov, "antes de cada paso"),
        (partial(good_nesterov, ahead=lambda lr, beta: -lr * beta), "con signo menos"),
        (partial(good_nesterov, ahead=lambda lr, beta: beta), "falta la tasa"),
        (partial(good_nesterov, ahead=lambda lr, beta: lr), "falta el momento"),
        (same_array, "Todas las filas son iguales"),
        (in_place_nesterov, "Modificaste el punto de partida"),
        (lambda g, w, lr, b, n: np.zeros((n, len(w))), "no coinciden"),
        (lambda g, w, lr, b, n: good_nesterov(g, w, lr, b, n)[-1], "los puntos tuviera forma"),
    ],
    "adam": [
        (lambda *a: adam(*a)[0], "tres cosas"),
        (in_place_adam, "Modificaste g, m o s"),
        (raw_first_moment, "primer momento le falta el factor"),
        (raw_second_moment, "segundo momento le falta el factor"),
        (
            lambda g, m, s, t, lr, b1, b2, e: raw_second_moment(g, m, s, t, lr, b1, b2, e, power=1, scale=1 - b2),
            "cuadrados",
        ),
        (lambda g, m, s, t, lr, b1, b2, e: adam(g, m, s, t, lr, b2, b1, e), "Intercambiaste"),
        (partial(adam, moments=lambda m, s, a, b: (a, s)), "el primer momento sin corregir"),
        (partial(adam, moments=lambda m, s, a, b: (m, b)), "el segundo momento sin corregir"),
        (partial(adam, moments=lambda m, s, a, b: (2 * m, s)), "El primer momento no coincide"),
        (partial(adam, moments=lambda m, s, a, b: (m, 3 * s)), "El segundo momento no coincide"),
        (partial(adam, change=lambda g, m, s, a, b, lr, e: lr * a / (b**0.5 + e)), "debe llevar signo menos"),
        (partial(adam, change=lambda g, m, s, a, b, lr, e: -lr * m / (s**0.5 + e)), "de los dos momentos"),
        (partial(adam, change=lambda g, m, s, a, b, lr, e: -lr * m / (b**0.5 + e)), "sesgo del primer"),
        (partial(adam, change=lambda g, m, s, a, b, lr, e: -lr * a / (s**0.5 + e)), "sesgo del segundo"),
        (partial(adam, change=lambda g, m, s, a, b, lr, e: -lr * a / (b + e) ** 0.5), "fuera de la raíz"),
        (partial(adam, change=lambda g, m, s, a, b, lr, e: -lr * a / (b + e)), "Falta la raíz"),
        (partial(adam, change=lambda g, m, s, a, b, lr, e: -lr * g / (b**0.5 + e)), "Eso es RMSProp"),
        (linear_correction, "elevado a t"),
    ],
    "grupos": [
        (lambda m, d: list(m.parameters()), "dos diccionarios"),
        (without_key, "valor de fábrica"),
        (partial(good_grupos, other=0.01), "y el otro, 0"),
        (partial(good_grupos, decays=lambda name, p: "weight" in name), "No te fíes del nombre"),
        (partial(good_grupos, decays=lambda name, p: p.ndim < 2), "debe encogerse"),
        (lambda m, d: [{**g, "weight_decay": d - g["weight_decay"]} for g in good_grupos(m, d)], "debe encogerse"),
        (only_weights, "Falta el parámetro"),
        (repeated, "está dos veces"),
        (by_module, "está dos veces"),
        (strangers, "no son parámetros del modelo"),
        (lambda m, d: [{**g, "params": m.named_parameters()} for g in good_grupos(m, d)], "ni de parejas"),
    ],
    "proyecto": [
        (lambda params: Adam, "¿Devuelves la clase"),
        (lambda params: torch.zeros(1), "Se esperaba que devolviera un optimizador"),
        (partial(SGD, lr=0.3), "como al azar"),
        (partial(Adam, lr=1e-3), "¿Qué regla arranca antes"),
        (partial(SGD, lr=1e6), "dejó de ser finita"),
        (lambda params: Adam(params, lr=-1.0), "lanzó ValueError"),
    ],
}


(
    test_right_answers_pass,
    test_each_mistake_gets_its_message,
    test_every_exercise_has_right_and_wrong_answers,
) = exercise_tests(comprobar, RIGHT, WRONG)


def test_reference_of_nesterov_is_pytorch():
    matrix = torch.tensor([[2.0, 0.5], [0.5, 1.0]], dtype=torch.float64)
    start = torch.tensor([1.0, -2.0], dtype=torch.float64)
    rule = partial(torch.optim.SGD, lr=0.1, momentum=0.8, nesterov=True)
    path = descend(lambda w: (w @ matrix * w).sum(-1) / 2, start, rule, 12)
    ours = good_nesterov(lambda w: matrix.numpy() @ w, start.numpy(), 0.1, 0.8, 12)
    np.testing.assert_allclose(ours, path[1:].numpy(), atol=1e-12)
