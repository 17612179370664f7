"""Las reglas contra torch.nn.init, la teoría contra SciPy y lo medido, y las respuestas que el capítulo espera."""

from functools import partial

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from respuestas import exercise_tests
from scipy import integrate, stats
from torch import nn
from torch.nn import functional as F

from profundo.comun.copias import train_copies
from profundo.ejercicios.optimizacion.inicializacion import comprobar
from profundo.optimizacion.inicializacion import (
    Stack,
    build,
    fans,
    forward_gain,
    gaussian_moments,
    initialize,
    kaiming_normal_,
    kaiming_uniform_,
    lsuv_,
    observe,
    orthogonal_,
    predict_scales,
    prior_bias,
    xavier_normal_,
    xavier_uniform_,
)
from profundo.optimizacion.momento_y_adaptativos import SGD

# --- Las reglas son las de PyTorch ----------------------------------------------------------------------------------

PAIRS = {
    "Xavier normal": (partial(xavier_normal_, gain=1.7), partial(nn.init.xavier_normal_, gain=1.7)),
    "Xavier uniforme": (xavier_uniform_, nn.init.xavier_uniform_),
    "He normal": (kaiming_normal_, nn.init.kaiming_normal_),
    "He uniforme": (
        partial(kaiming_uniform_, mode="fan_out"),
        partial(nn.init.kaiming_uniform_, mode="fan_out", nonlinearity="relu"),
    ),
    "nn.Linear": (partial(kaiming_uniform_, gain=3**-0.5), partial(nn.init.kaiming_uniform_, a=5**0.5)),
    "ortogonal": (partial(orthogonal_, gain=0.5), partial(nn.init.orthogonal_, gain=0.5)),
}
SHAPES = st.lists(st.integers(1, 6), min_size=2, max_size=4)


@pytest.mark.parametrize("name", PAIRS)
@given(shape=SHAPES, seed=st.integers(0, 2**31))
@settings(max_examples=20)
def test_rules_draw_the_same_weights_as_pytorch(name, shape, seed):
    ours, theirs = (rule(torch.empty(shape), generator=torch.Generator().manual_seed(seed)) for rule in PAIRS[name])
    torch.testing.assert_close(ours, theirs)


def test_uniform_rules_are_bitwise_equal():
    for name in ("Xavier uniforme", "nn.Linear"):
        ours, theirs = (rule(torch.empty(30, 20), generator=torch.Generator().manual_seed(3)) for rule in PAIRS[name])
        assert torch.equal(ours, theirs)


@given(shape=SHAPES)
@settings(max_examples=50)
def test_fans_match_pytorch(shape):
    weight = torch.empty(shape)
    assert fans(weight) == nn.init._calculate_fan_in_and_fan_out(weight)


@pytest.mark.parametrize(
    ("rule", "fan"),
    [(xavier_normal_, 600 * 5), (xavier_uniform_, 600 * 5), (kaiming_normal_, 400 * 5), (kaiming_uniform_, 400 * 5)],
)
def test_rules_have_the_stated_variance(rule, fan):
    weight = rule(torch.empty(800, 400, 5), gain=1.3)
    assert weight.std().item() == pytest.approx(1.3 / fan**0.5, rel=0.01)
    assert weight.mean().item() == pytest.approx(0, abs=1e-4)


@pytest.mark.parametrize("shape", [(7, 7), (3, 8), (8, 3), (4, 2, 3)])
def test_orthogonal_preserves_lengths(shape):
    weight = orthogonal_(torch.empty(shape, dtype=torch.float64), 2.0).flatten(1)
    values = torch.linalg.svdvals(weight)
    torch.testing.assert_close(values, torch.full_like(values, 2.0))


def test_orthogonal_is_uniform():
    """Sin corregir los signos, la primera entrada sería siempre del mismo signo."""
    corner = torch.stack([orthogonal_(torch.empty(3, 3, dtype=torch.float64)) for _ in range(1000)])[:, 0, 0]
    # En una matriz uniforme de orden 3 cada entrada es uniforme en (-1, 1).
    assert stats.kstest(corner.numpy(), stats.uniform(-1, 2).cdf).pvalue > 1e-3


@pytest.mark.parametrize("rule", [xavier_normal_, xavier_uniform_, kaiming_normal_, kaiming_uniform_, orthogonal_])
@pytest.mark.parametrize("shape", [(3,), (0, 4)])
def test_rules_explain_their_shape(rule, shape):
    with pytest.raises(ValueError, match="weight debe tener dos dimensiones o más y no estar vacío; tiene forma"):
        rule(torch.empty(shape))


def test_rules_explain_their_arguments():
    with pytest.raises(ValueError, match="gain debe ser finita y no negativa; se recibió -1"):
        xavier_normal_(torch.empty(2, 2), -1.0)
    with pytest.raises(ValueError, match="mode debe ser 'fan_in' o 'fan_out'; se recibió 'fan'"):
        kaiming_normal_(torch.empty(2, 2), mode="fan")


def test_rules_do_not_leave_a_graph():
    weight = nn.Parameter(torch.empty(3, 3))
    for rule in (xavier_uniform_, kaiming_normal_, orthogonal_):
        assert rule(weight) is weight
        assert weight.grad_fn is None


# --- La teoría ------------------------------------------------------------------------------------------------------

FUNCTIONS = {
    "tanh": torch.tanh,
    "sigmoide": torch.sigmoid,
    "gelu": F.gelu,
    "selu": F.selu,
    "identidad": lambda z: 1 * z,
}


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("q", [0.3, 1.0, 5.0])
def test_moments_match_scipy(name, q):
    function = FUNCTIONS[name]

    def value(u):
        return function(torch.tensor(q**0.5 * u, dtype=torch.float64)).item() ** 2 * stats.norm.pdf(u)

    expected = sum(integrate.quad(value, *side)[0] for side in ((-10, 0), (0, 10)))
    assert gaussian_moments(function, q)[0] == pytest.approx(expected, rel=1e-6)


def test_moments_of_rectifiers_are_exact():
    assert gaussian_moments(torch.relu, 3.0) == pytest.approx((1.5, 0.5))
    assert gaussian_moments(lambda z: F.leaky_relu(z, 0.2), 2.0) == pytest.approx((1.04, 0.52))
    assert gaussian_moments(torch.tanh, 0.0) == pytest.approx((0.0, 1.0))
    with pytest.raises(ValueError, match="q debe ser finita y no negativa; se recibió -1"):
        gaussian_moments(torch.tanh, -1.0)


@pytest.mark.parametrize(("name", "param"), [("linear", None), ("relu", None), ("leaky_relu", 0.3)])
def test_gain_matches_pytorch_where_it_is_derived(name, param):
    function = {"linear": lambda z: 1 * z, "relu": torch.relu, "leaky_relu": lambda z: F.leaky_relu(z, 0.3)}[name]
    assert forward_gain(function) == pytest.approx(nn.init.calculate_gain(name, param))


def test_gain_where_pytorch_chose_another():
    assert forward_gain(F.selu) == pytest.approx(1, abs=1e-6)
    assert forward_gain(torch.tanh) == pytest.approx(1.5925, abs=1e-3)


@pytest.mark.parametrize(("function", "module", "gain"), [(torch.relu, nn.ReLU, 1.2), (torch.tanh, nn.Tanh, 1.5)])
def test_prediction_matches_wide_networks(function, module, gain):
    sizes = (50, 400, 300, 500, 400, 20)
    x = torch.randn(40, 50, generator=torch.Generator().manual_seed(1))
    squares, deltas = [], []
    for seed in range(6):
        generator = torch.Generator().manual_seed(seed)
        net = initialize(build(sizes, module), partial(kaiming_normal_, gain=gain), generator=generator)
        layers = observe(net, x, lambda outputs: outputs @ torch.linspace(-1, 1, 20))
        squares.append([layer.z.square().mean().item() for layer in layers])
        deltas.append([layer.delta.square().mean().item() for layer in layers])
    variances = [gain**2 / n for n in sizes[:-1]]
    forward, backward = predict_scales(sizes, variances, function, x.square().mean().item())
    np.testing.assert_allclose(np.mean(squares, 0), forward, rtol=0.12)
    np.testing.assert_allclose(np.mean(deltas, 0) / np.mean(deltas, 0)[-1], backward, rtol=0.12)


def test_rectifier_scale_does_not_need_width():
    """Con ReLU la mitad es exacta en promedio sobre los pesos, por estrecha que sea la red."""
    x, sizes = torch.randn(1, 3), (3, 2, 2, 2)
    squares = []
    for seed in range(1000):
        net = initialize(build(sizes, nn.ReLU), kaiming_normal_, generator=torch.Generator().manual_seed(seed))
        squares.append(net(x).square().mean().item())
    expected = predict_scales(sizes, [2 / n for n in sizes[:-1]], torch.relu, x.square().mean().item())[0][-1].item()
    assert np.mean(squares) == pytest.approx(expected, abs=5 * stats.sem(squares))


def test_prediction_explains_its_sizes():
    with pytest.raises(ValueError, match="sizes debe tener un número más que variances; tienen 3 y 3"):
        predict_scales((2, 2, 2), [1.0, 1.0, 1.0], torch.tanh, 1.0)


# --- Redes enteras --------------------------------------------------------------------------------------------------


def test_initialize_reaches_every_layer():
    model = nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.Sequential(nn.Linear(4, 5), nn.BatchNorm1d(5)), nn.Linear(5, 2, bias=False)
    )
    before = model[1][1].weight.clone()
    assert initialize(model, partial(kaiming_normal_, gain=0.0)) is model
    assert not model[0].weight.any()
    assert not model[0].bias.any()
    assert not model[1][0].weight.any()
    assert not model[2].weight.any()
    assert torch.equal(model[1][1].weight, before)


def test_observe_sees_what_autograd_computes():
    net = nn.Sequential(nn.Flatten(), *build((6, 5, 4), nn.Tanh))
    x, y = torch.randn(7, 2, 3), torch.randint(4, (7,))
    layers = observe(net, x, lambda outputs: F.cross_entropy(outputs, y, reduction="none"))
    assert len(layers) == 2
    torch.testing.assert_close(layers[0].z, net[1](x.flatten(1)))
    torch.testing.assert_close(layers[0].a, layers[0].z.tanh())
    assert torch.equal(layers[1].a, layers[1].z)
    torch.testing.assert_close(layers[1].delta, layers[1].z.softmax(1) - F.one_hot(y, 4))
    back = layers[1].delta @ net[3].weight * (1 - layers[0].a ** 2)
    torch.testing.assert_close(layers[0].delta, back.detach())
    net(x).sum().backward()
    assert net[1].weight.grad.shape == (5, 6)  # observar no deja gradientes ni rompe los siguientes


@pytest.mark.parametrize("module", [nn.GELU, nn.Sigmoid, nn.ReLU])
def test_lsuv_gives_every_layer_unit_deviation(module):
    net = lsuv_(build((20, 30, 30, 30, 5), module), torch.rand(200, 20))
    x = torch.rand(200, 20, generator=torch.Generator().manual_seed(5))
    stds = [layer.z.std().item() for layer in observe(net, x, lambda outputs: outputs.sum(1))]
    np.testing.assert_allclose(stds, 1, rtol=0.15)


def test_lsuv_explains_constant_data():
    with pytest.raises(ValueError, match="x debe variar"):
        lsuv_(build((3, 4, 2), nn.ReLU), torch.zeros(10, 3))


def test_prior_bias_predicts_the_frequencies():
    labels = torch.tensor([0, 1, 1, 2, 2, 2, 2, 2])
    bias = prior_bias(labels, 3)
    torch.testing.assert_close(bias.softmax(0), torch.tensor([1, 2, 5]) / 8)
    loss = F.cross_entropy(bias.expand(8, 3), labels).item()
    assert loss == pytest.approx(stats.entropy([1, 2, 5]))


@pytest.mark.parametrize("n_classes", [2, 4])
def test_prior_bias_explains_missing_classes(n_classes):
    with pytest.raises(ValueError, match="labels debe tener ejemplos de cada clase de 0 a"):
        prior_bias(torch.tensor([0, 1, 1, 2]), n_classes)


# --- Muchas redes a la vez ------------------------------------------------------------------------------------------


def as_sequential(nets, row, module):
    """La red ``row`` de ``nets`` como una ``nn.Sequential``."""
    layers = nets.layers(nets.flat[row : row + 1].detach())
    net = build(nets_sizes(layers), module).to(nets.flat.dtype)
    linears = [layer for layer in net if isinstance(layer, nn.Linear)]
    with torch.no_grad():
        for linear, weight, bias in zip(linears, layers[::2], layers[1::2], strict=True):
            linear.weight.copy_(weight[0].T)
            linear.bias.copy_(bias[0, 0])
    return net


def nets_sizes(layers):
    return [layers[0].shape[1], *(weight.shape[2] for weight in layers[::2])]


def test_stack_trains_like_separate_networks():
    x, y = torch.rand(60, 6).double(), torch.randint(3, (60,))
    rules = [kaiming_normal_, None, partial(orthogonal_, gain=1.5)]
    nets = Stack((6, 5, 4, 3), seeds := [7, 8, 7], rules, activation=torch.tanh).double()
    alone = [as_sequential(nets, row, nn.Tanh) for row in range(3)]
    torch.testing.assert_close(nets(x.expand(3, -1, -1)), torch.stack([net(x) for net in alone]))
    rates = torch.tensor([0.05, 0.5, 0.1], dtype=torch.float64)[:, None]
    history = train_copies(nets, SGD(nets.parameters(), lr=rates), x, y, seeds=seeds, steps=9, batch_size=20)
    assert history.shape == (9, 3)
    for row, net in enumerate(alone):
        optimizer = SGD(net.parameters(), lr=rates[row].item())
        generator = torch.Generator().manual_seed(seeds[row])
        order = torch.cat([torch.randperm(60, generator=generator) for _ in range(3)])
        for step, batch in enumerate(order.split(20)):
            optimizer.zero_grad()
            loss = F.cross_entropy(net(x[batch]), y[batch])
            loss.backward()
            optimizer.step()
            assert history[step, row].item() == pytest.approx(loss.item(), rel=1e-5)


def test_stack_starts_as_its_rules_say():
    nets = Stack((40, 30, 10), [3, 3, 4], [None, kaiming_normal_, kaiming_normal_])
    weight, bias, _, last = nets.layers(nets.flat.detach())
    assert weight[0].abs().max().item() == pytest.approx(1 / 40**0.5, rel=0.01)
    assert bias[0].any()
    assert not bias[1:].any()
    assert not last[1:].any()
    alone = kaiming_normal_(torch.empty(40, 30).T, generator=torch.Generator().manual_seed(3))
    assert torch.equal(weight[1], alone.T)
    assert not torch.equal(weight[1], weight[2])


def test_stack_normalizes_each_sum_over_the_batch():
    nets = Stack((6, 5, 3), [0], [None], normalize=True)
    net, x = as_sequential(nets, 0, nn.ReLU), torch.rand(50, 6)
    normalized = nn.Sequential(net[0], nn.BatchNorm1d(5), *net[1:])
    torch.testing.assert_close(nets(x[None])[0], normalized(x))


# --- Los ejercicios -------------------------------------------------------------------------------------------------

GOOD_NUMBERS = [(2 / 400) ** 0.5, (6 / 1600) ** 0.5, 1 / 20]


def good_escala(anchos, desviaciones, m0, *, power=2, side=0, first=1.0, half=0.5, last=1.0):
    scales, m = [], first * m0
    for k, std in enumerate(desviaciones):
        scales.append(anchos[k + side] * std**power * m)
        m = half * scales[-1]
    return [last * s for s in scales]


def good_ganancia(f, *, final=lambda square, mean, size: square**-0.5, weighted=True, step=None):
    u = np.linspace(-8, 8, 20_001)
    density = np.exp(-(u**2) / 2) / np.sqrt(2 * np.pi)
    width = u[1] - u[0] if step is None else step
    square, mean, size = ((density * v).sum() * width for v in (f(u) ** 2, f(u), np.abs(f(u))))
    return final(square, mean, size)


def flat_ganancia(f):
    u = (np.arange(-10_000, 10_000) + 0.5) * 1e-3
    return (f(u) ** 2).mean() ** -0.5


def stepless_ganancia(f):
    u = (np.arange(-10_000, 10_000) + 0.5) * 1e-3
    return (f(u) ** 2 * np.exp(-(u**2) / 2) / np.sqrt(2 * np.pi)).sum() ** -0.5


def sampled_ganancia(f):
    return (f(np.random.default_rng(0).normal(size=2_000_000)) ** 2).mean() ** -0.5


def good_ortogonal(m, n, rng, *, signs=True):
    if m < n:
        return good_ortogonal(n, m, rng, signs=signs).T
    q, r = np.linalg.qr(rng.normal(size=(m, n)))
    return q * np.sign(np.diag(r)) if signs else q


def svd_ortogonal(m, n, rng):
    u, _, v = np.linalg.svd(rng.normal(size=(m, n)), full_matrices=False)
    return u @ v


def always_columns(m, n, rng):
    q, r = np.linalg.qr(rng.normal(size=(max(m, n), max(m, n))))
    return (q * np.sign(np.diag(r)))[:m, :n] * (2 if m < n else 1)


def only_lengths(m, n, rng):
    w = rng.normal(size=(m, n))
    return w / np.linalg.norm(w, axis=1 if m < n else 0, keepdims=True)


def uniform_start(m, n, rng):
    if m < n:
        return uniform_start(n, m, rng).T
    q, r = np.linalg.qr(rng.uniform(size=(m, n)) - 0.2)
    return q * np.sign(np.diag(r))


def good_proyecto(model, x):
    initialize(model, partial(orthogonal_, gain=forward_gain(F.softsign)))


def freeze(model, x):
    good_proyecto(model, x)
    model[0].weight.requires_grad_(False)


def replace_layer(model, x):
    good_proyecto(model, x)
    model[0] = nn.Linear(196, 32)


def huge(model, x):
    for p in model.parameters():
        nn.init.constant_(p, 1e30)


def bootless(model, x):
    raise RuntimeError("no sé")


RIGHT: dict[str, list[object]] = {
    "mano": [GOOD_NUMBERS, tuple(GOOD_NUMBERS), [0.0707, 0.0612, 0.05]],
    "simetria": [[True, True, False, True, False, False], (np.True_, True, False, True, np.False_, False)],
    "escala": [good_escala, lambda *a: np.array(good_escala(*a))],
    "ganancia": [
        good_ganancia,
        sampled_ganancia,
        lambda f: forward_gain(lambda z: torch.from_numpy(f(z.detach().numpy())) + 0 * z),
    ],
    "ortogonal": [good_ortogonal, svd_ortogonal],
    "proyecto": [good_proyecto, lsuv_],
}
WRONG: dict[str, list[tuple[object, str]]] = {
    "mano": [
        ([(2 / 16) ** 0.5, *GOOD_NUMBERS[1:]], "La desviación de He usa los canales"),
        ([(2 / 1200) ** 0.5, *GOOD_NUMBERS[1:]], "divide entre fan_out"),
        ([2 / 400, *GOOD_NUMBERS[1:]], "es la varianza"),
        ([0.05, *GOOD_NUMBERS[1:]], "no lleva el 2 de la ReLU"),
        ([(6 / 400) ** 0.5, *GOOD_NUMBERS[1:]], "es el límite de una uniforme"),
        ([GOOD_NUMBERS[0], (2 / 1600) ** 0.5, 0.05], "El límite de Xavier es la desviación típica"),
        ([GOOD_NUMBERS[0], (6 / 400) ** 0.5, 0.05], "solo cuenta fan_in"),
        ([GOOD_NUMBERS[0], (3 / 1600) ** 0.5, 0.05], "lleva un 2 en el numerador"),
        ([GOOD_NUMBERS[0], (6 / 64) ** 0.5, 0.05], "falta multiplicar por el tamaño del núcleo"),
        ([GOOD_NUMBERS[0], 6 / 1600, 0.05], "El límite de Xavier no lleva la raíz"),
        ([*GOOD_NUMBERS[:2], 1200**-0.5], "El límite por defecto es la desviación típica"),
        ([*GOOD_NUMBERS[:2], (6 / 400) ** 0.5], "a = √5"),
        ([*GOOD_NUMBERS[:2], 0.25], "El límite por defecto usa los canales"),
        ([*GOOD_NUMBERS[:2], 1 / 400], "El límite por defecto no lleva la raíz"),
        ([0.3, *GOOD_NUMBERS[1:]], "fan_in cuenta los números"),
        (GOOD_NUMBERS[:2], "tiene 2"),
    ],
    "simetria": [
        ([False, True, False, True, False, False], "(1)"),
        ([True, False, False, True, False, False], "(2)"),
        ([True, True, True, True, False, False], "(3)"),
        ([True, True, False, False, False, False], "(4)"),
        ([True, True, False, True, True, False], "(5)"),
        ([True, True, False, True, False, True], "(6)"),
        ([1, 1, 0, 1, 0, 0], "True o False"),
    ],
    "escala": [
        (partial(good_escala, side=1), "las que entran"),
        (partial(good_escala, power=1), "van al cuadrado"),
        (partial(good_escala, first=0.5), "Sobra una mitad"),
        (lambda a, d, m0: good_escala(a, d, 1.0), "Falta m0"),
        (lambda a, d, m0: good_escala(a, d, m0**2), "no la eleves"),
        (partial(good_escala, last=0.5), "no las salidas"),
        (partial(good_escala, half=1.0), "Falta la ReLU"),
        (lambda a, d, m0: good_escala(a, d, m0)[-1], "un número por capa"),
        (partial(good_escala, last=3.0), "No coincide"),
    ],
    "ganancia": [
        (partial(good_ganancia, final=lambda s, m, a: s**0.5), "Es el inverso"),
        (partial(good_ganancia, final=lambda s, m, a: 1 / s), "Falta la raíz"),
        (partial(good_ganancia, final=lambda s, m, a: s), "1 entre su raíz"),
        (partial(good_ganancia, final=lambda s, m, a: (s - m**2) ** -0.5), "Eso usa la varianza"),
        (partial(good_ganancia, final=lambda s, m, a: 1 / a), "valor absoluto"),
        (flat_ganancia, "falta la densidad"),
        (stepless_ganancia, "el ancho del paso"),
        (lambda f: 5.0, "se esperaba 1.414"),
        (lambda f: nn.init.calculate_gain("relu"), "tanh(z)"),
    ],
    "ortogonal": [
        (partial(good_ortogonal, signs=False), "mismo signo"),
        (only_lengths, "no son perpendiculares"),
        (lambda m, n, rng: rng.normal(size=(m, n)), "norma 1"),
        (always_columns, "norma 1"),
        (lambda m, n, rng: good_ortogonal(n, m, rng), "forma"),
        (lambda m, n, rng: good_ortogonal(m, n, np.random.default_rng(0)), "Sale siempre la misma"),
        (lambda m, n, rng: good_ortogonal(m, n, np.random.default_rng()), "Con el mismo generador"),
        (uniform_start, "igual de probables"),
    ],
    "proyecto": [
        (lambda model, x: initialize(model, kaiming_normal_), "se pide 0.85"),
        (lambda model, x: initialize(model, partial(xavier_normal_, gain=0.3)), "como al azar"),
        (huge, "demasiado grandes"),
        (freeze, "ya no se entrenan"),
        (replace_layer, "Cambiaste las capas"),
        (bootless, "lanzó RuntimeError"),
        (nn.Linear, "Se esperaba una función"),
    ],
}

(
    test_right_answers_pass,
    test_each_mistake_gets_its_message,
    test_every_exercise_has_right_and_wrong_answers,
) = exercise_tests(comprobar, RIGHT, WRONG)


def test_untouched_model_is_pending():
    assert comprobar.check("proyecto", lambda model, x: None).status == "pendiente"


SYMMETRY = {  # activación, pesos de entrada, pesos de salida, sesgos ocultos, optimizador
    1: (nn.Tanh, "azar", 0.0, 0.0, SGD),
    2: (nn.Tanh, 0.0, "azar", 0.0, SGD),
    3: (nn.Tanh, 0.0, 0.0, 0.0, SGD),
    4: (nn.Tanh, 0.1, 0.1, "azar", SGD),
    5: (nn.Tanh, 0.1, 0.1, 0.0, torch.optim.Adam),
    6: (nn.ReLU, 0.0, "azar", 0.0, SGD),
}


@pytest.mark.parametrize("case", SYMMETRY)
def test_symmetry_answers_are_what_happens(case):
    module, enter, leave, bias, rule = SYMMETRY[case]
    net = build((5, 16, 3), module).double()
    for p, start in ((net[0].weight, enter), (net[2].weight, leave), (net[0].bias, bias), (net[2].bias, 0.0)):
        nn.init.normal_(p) if start == "azar" else nn.init.constant_(p, start)
    optimizer = rule(net.parameters(), lr=0.05)
    x, y = torch.randn(30, 5).double(), torch.randint(3, (30,))
    for _ in range(5):
        optimizer.zero_grad()
        F.cross_entropy(net(x), y).backward()
        optimizer.step()
    hidden = net[1](net[0](x)).detach()
    different = (hidden - hidden[:, :1]).abs().max().item() > 1e-9
    assert different == [True, True, False, True, False, False][case - 1]
