"""Convolución, submuestreo y las dos LeNet contra PyTorch y contra las cuentas del artículo."""

import itertools

import numpy as np
import pytest
import torch
from respuestas import exercise_tests
from torch import nn
from torch.nn import functional as F

from profundo.comun.datos import load_mnist
from profundo.convolucionales.lenet import (
    C3_INPUTS,
    LeNet,
    LeNet1998,
    PartialConv2d,
    RBFOutput,
    ScaledTanh,
    Subsampling,
    build_mlp,
    c3_table,
    conv2d,
    conv2d_loops,
    describe,
    distance_loss,
    output_size,
    pool2d,
    receptive_field,
    translate,
)
from profundo.ejercicios.convolucionales.lenet import comprobar
from profundo.fundamentos.bucle_de_entrenamiento import Callback

# --- El módulo ------------------------------------------------------------------------------------------------------


def assert_same(ours, theirs, *tensors):
    """Iguales en valor y en el gradiente de una función que pesa distinto cada salida."""
    torch.testing.assert_close(ours, theirs)
    weights = torch.randn_like(ours)
    mine = torch.autograd.grad((ours * weights).sum(), tensors)
    reference = torch.autograd.grad((theirs * weights).sum(), tensors)
    for a, b in zip(mine, reference, strict=True):
        torch.testing.assert_close(a, b)


def random_conv(b=2, c=3, h=9, w=7, o=4, k=3):
    shapes = (b, c, h, w), (o, c, k, k), (o,)
    return tuple(torch.randn(shape, dtype=torch.float64, requires_grad=True) for shape in shapes)


@pytest.mark.parametrize(("stride", "padding", "k"), list(itertools.product((1, 2, 3), (0, 1, 2), (1, 2, 5))))
def test_conv2d_matches_pytorch(stride, padding, k):
    x, weight, bias = random_conv(k=k)
    ours = conv2d(x, weight, bias, stride=stride, padding=padding)
    assert_same(ours, F.conv2d(x, weight, bias, stride, padding), x, weight, bias)
    assert ours.shape[2] == output_size(9, k, stride=stride, padding=padding)
    assert ours.shape[3] == output_size(7, k, stride=stride, padding=padding)


@pytest.mark.parametrize("padding", [0, 2])
def test_conv2d_loops_matches_pytorch(padding):
    x, weight, bias = random_conv()
    ours = conv2d_loops(x[0], weight, bias, padding=padding)
    assert_same(ours, F.conv2d(x[0], weight, bias, padding=padding), x, weight, bias)


def test_conv2d_numerical_gradient():
    x, weight, bias = random_conv(b=1, c=2, h=5, w=4, o=2, k=2)
    assert torch.autograd.gradcheck(lambda *a: conv2d(*a, stride=2, padding=1), (x, weight, bias))


def test_the_comparison_sees_a_wrong_gradient():
    x, weight, bias = random_conv()
    broken = conv2d(x, weight, bias.detach() + 0 * bias)
    with pytest.raises(AssertionError):
        assert_same(broken, F.conv2d(x, weight, bias), x, weight, bias)


def test_conv2d_explains_channels():
    x, _, bias = random_conv()
    with pytest.raises(ValueError, match="weight debe tener 3 canales de entrada, como x; tiene 2"):
        conv2d(x, torch.randn(4, 2, 3, 3, dtype=torch.float64), bias)


def test_pool2d_matches_pytorch():
    x = torch.randn(2, 3, 6, 8, dtype=torch.float64, requires_grad=True)
    assert_same(pool2d(x, 2), F.max_pool2d(x, 2), x)
    assert_same(pool2d(x, 2, "mean"), F.avg_pool2d(x, 2), x)
    assert_same(pool2d(x, 2, "sum"), 4 * F.avg_pool2d(x, 2), x)


def test_pool2d_explains_size():
    with pytest.raises(ValueError, match="los lados de x deben ser múltiplos de size=2; son 6 y 7"):
        pool2d(torch.zeros(1, 1, 6, 7), 2)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"size": 0, "kernel": 1}, "se recibió size=0, kernel=1"),
        ({"size": 4, "kernel": 1, "stride": 0}, "stride=0"),
        ({"size": 4, "kernel": 1, "padding": -1}, "padding=-1"),
        ({"size": 4, "kernel": 7, "padding": 1}, "kernel debe ser como mucho size [+] 2·padding = 6; se recibió 7"),
    ],
)
def test_output_size_explains_its_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        output_size(**arguments)


def test_translate_moves_and_fills_with_zeros():
    x = torch.arange(1.0, 10).view(1, 1, 3, 3)
    assert translate(x, 1)[0, 0].tolist() == [[0, 1, 2], [0, 4, 5], [0, 7, 8]]
    assert translate(x, -1)[0, 0].tolist() == [[2, 3, 0], [5, 6, 0], [8, 9, 0]]
    assert translate(x, 0, 2)[0, 0].tolist() == [[0, 0, 0], [0, 0, 0], [1, 2, 3]]
    assert torch.equal(translate(x, 0), x)


def test_convolution_is_equivariant():
    x, weight, bias = random_conv(h=16, w=16, k=5)
    x = x.detach().clone()
    x[..., :5], x[..., -5:] = 0, 0  # con margen, el borde no interviene
    there = conv2d(translate(x, 3), weight, bias, padding=2)
    torch.testing.assert_close(there[..., 5:-2], translate(conv2d(x, weight, bias, padding=2), 3)[..., 5:-2])


def test_lenet_is_our_pieces_together():
    net = LeNet().double()
    layers = net.layers
    x = torch.randn(3, 1, 28, 28, dtype=torch.float64, requires_grad=True)
    h = pool2d(conv2d(x, layers.c1.weight, layers.c1.bias, padding=2).relu(), 2)
    h = pool2d(conv2d(h, layers.c3.weight, layers.c3.bias).relu(), 2).flatten(1)
    for name in ("c5", "f6"):
        h = F.linear(h, getattr(layers, name).weight, getattr(layers, name).bias).relu()
    assert_same(F.linear(h, layers.output.weight, layers.output.bias), net(x), x, *net.parameters())


def count(model):
    return sum(p.numel() for p in model.parameters())


def test_parameter_counts():
    assert count(LeNet()) == 61_706
    assert count(LeNet(n_classes=26)) == 61_706 + 16 * 85
    mlp = build_mlp(61_706)
    assert abs(count(mlp) - 61_706) / 61_706 < 0.01
    assert mlp(torch.zeros(2, 1, 28, 28)).shape == (2, 10)
    with pytest.raises(ValueError, match="n_parameters debe ser al menos 408; se recibió 100"):
        build_mlp(100)


def test_lenet1998_has_the_counts_of_the_paper():
    table = describe(LeNet1998().layers, 32)
    assert table["parámetros"].tolist() == [156, 12, 1516, 32, 48120, 10164, 0]
    assert table["conexiones"].tolist() == [122304, 5880, 151600, 2000, 48120, 10164, 840]
    assert table["campo receptivo"].tolist() == [5, 6, 14, 16, 32, 32, 32]
    assert count(LeNet1998()) == 60_000
    assert table["conexiones"].sum() == 340_908


def test_describe_lenet():
    table = describe(LeNet().layers)
    assert table["salida"]["C3"] == "16 × 10 × 10"
    assert table["parámetros"].sum() == 61_706
    assert table["campo receptivo"].tolist() == [5, 6, 14, 16, 28, 28, 28]


def test_c3_table_is_the_one_in_the_paper():
    table = c3_table()
    assert table.sum(1).tolist() == [3] * 6 + [4] * 9 + [6]
    assert table.sum(0).tolist() == [10] * 6
    assert len({tuple(sorted(inputs)) for inputs in C3_INPUTS}) == 16
    assert [sorted(inputs) for inputs in C3_INPUTS[12:15]] == [[0, 1, 3, 4], [1, 2, 4, 5], [0, 2, 3, 5]]


def test_partial_convolution_sees_only_its_inputs():
    layer = PartialConv2d(c3_table(), kernel_size=5).double()
    x = torch.randn(2, 6, 14, 14, dtype=torch.float64)
    maps, start = [], 0
    for o, inputs in enumerate(sorted(i) for i in C3_INPUTS):
        kernels = layer.weight[start : start + len(inputs)]
        start += len(inputs)
        maps.append(F.conv2d(x[:, inputs], kernels[None], layer.bias[o : o + 1]))
    assert_same(layer(x), torch.cat(maps, 1), layer.weight, layer.bias)


def test_pieces_of_1998():
    x = torch.randn(3, 6, 4, 4)
    layer = Subsampling(6)
    expected = F.avg_pool2d(x, 2) * 4 * layer.weight + layer.bias
    torch.testing.assert_close(layer(x), expected)
    assert ScaledTanh()(torch.ones(1)).item() == pytest.approx(1.0, abs=1e-4)
    rbf = RBFOutput(84, 10)
    features = torch.randn(5, 84)
    torch.testing.assert_close(rbf(features), -(torch.cdist(features, rbf.codes) ** 2), rtol=1e-4, atol=1e-3)
    assert set(rbf.codes.unique().tolist()) == {-1.0, 1.0}
    y = torch.tensor([3, 1, 4, 1, 5])
    expected = ((features - rbf.codes[y]) ** 2).sum(1).mean()
    torch.testing.assert_close(distance_loss(rbf(features), y), expected)


def test_lenet1998_learns_one_batch():
    net = LeNet1998()
    x, y = (part[::250] for part in load_mnist())  # dos imágenes de cada cifra
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-2)
    first = distance_loss(net(x), y).item()
    for _ in range(60):
        optimizer.zero_grad()
        loss = distance_loss(net(x), y)
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.5 * first
    assert all(p.grad.abs().sum() > 0 for p in net.parameters())


def test_receptive_field_by_gradient():
    # Con pesos positivos y promedios, el gradiente no se anula en ningún píxel del campo receptivo.
    layers = nn.Sequential(nn.Conv2d(1, 2, 5, padding=2), nn.AvgPool2d(2), nn.Conv2d(2, 3, 3))
    for p in layers.parameters():
        nn.init.constant_(p, 0.1)
    x = torch.zeros(1, 1, 28, 28, requires_grad=True)
    out = layers(x)
    out[0, 0, out.shape[2] // 2, out.shape[3] // 2].backward()
    assert torch.equal(receptive_field(layers), x.grad[0, 0] != 0)


# --- Los ejercicios -------------------------------------------------------------------------------------------------


def good_cuenta(c_in, c_out, k, h, w):
    parameters = c_out * (c_in * k * k + 1)
    return parameters, parameters * h * w


def good_lado(n, k, s, p, d):
    return (n + 2 * p - d * (k - 1) - 1) // s + 1


def good_convolucion(x, w, b):
    return F.conv2d(*(torch.from_numpy(a) for a in (x, w, b))).numpy()


def good_campo(layers):
    field, jump = 1, 1
    for k, s in layers:
        field, jump = field + (k - 1) * jump, jump * s
    return field


class Patience(Callback):
    """Parada correcta, con piezas que las respuestas equivocadas cambian."""

    monitor = "val_loss"

    def __init__(self, patience):
        self.patience, self.best, self.bad = patience, float("inf"), 0

    def improved(self, value):
        return value < self.best

    def on_epoch_end(self, trainer, record):
        value = record[self.monitor]
        if self.improved(value):
            self.bad = 0
        else:
            self.bad += 1
        self.best = min(self.best, value)
        trainer.should_stop = self.bad >= self.patience


def small_net():
    return nn.Sequential(
        *(nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(6, 12, 5), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Flatten(), nn.Linear(300, 10)),
    )


RIGHT: dict[str, list[object]] = {
    "cuenta": [good_cuenta],
    "lado": [good_lado],
    "convolucion": [good_convolucion],
    "campo": [good_campo],
    "parada": [Patience],
    "proyecto": [small_net],
}


def wrong_patience(**changes):
    return type("MiParada", (Patience,), changes)


def never_resets(self, trainer, record):
    if record["val_loss"] >= self.best:
        self.bad += 1
    self.best = min(self.best, record["val_loss"])
    trainer.should_stop = self.bad >= self.patience


def compares_with_previous(self, trainer, record):
    self.bad = 0 if record["val_loss"] < self.best else self.bad + 1
    self.best = record["val_loss"]
    trainer.should_stop = self.bad >= self.patience


def ignores_patience(self, trainer, record):
    trainer.should_stop = record["val_loss"] >= self.best
    self.best = min(self.best, record["val_loss"])


def one_too_many(self, trainer, record):
    Patience.on_epoch_end(self, trainer, record)
    trainer.should_stop = self.bad > self.patience


def late_jump(layers):
    field, jump = 1, 1
    for k, s in layers:
        jump *= s
        field += (k - 1) * jump
    return field


def flipped(x, w, b):
    return good_convolucion(x, np.ascontiguousarray(w[:, :, ::-1, ::-1]), b)


def in_place(x, w, b):
    x += 0.0
    x[0, 0, 0] = 0.0
    return good_convolucion(x, w, b)


WRONG: dict[str, list[tuple[object, str]]] = {
    "cuenta": [
        (lambda c, o, k, h, w: (c * o * k * k, c * o * k * k * h * w), "Te falta el sesgo"),
        (lambda c, o, k, h, w: (c * o * (k * k + 1), 1), "un sesgo por mapa de salida, no uno por cada"),
        (lambda c, o, k, h, w: (good_cuenta(c, o, k, h, w)[1],) * 2, "no depende del tamaño de la salida"),
        (lambda c, o, k, h, w: (o * (k * k + 1), 1), "falta el factor c_in"),
        (lambda c, o, k, h, w: (o * (c * k * k + 1), o * c * k * k * h * w), "También el sesgo"),
        (lambda c, o, k, h, w: (o * (c * k * k + 1), 0), "c_in·k² + 1 conexiones"),
    ],
    "lado": [
        (lambda n, k, s, p, d: (n + 2 * p - d * (k - 1) - 1) / s + 1, "división entera"),
        (lambda n, k, s, p, d: -((n + 2 * p - d * (k - 1) - 1) // -s) + 1, "hacia arriba"),
        (lambda n, k, s, p, d: (n + 2 * p - d * (k - 1) - 1) // s, "suma 1"),
        (lambda n, k, s, p, d: (n + p - d * (k - 1) - 1) // s + 1, "2p"),
        (lambda n, k, s, p, d: (n + 2 * p - k) // s + 1, "La dilatación separa"),
        (lambda n, k, s, p, d: (n + 2 * p - d * k) // s + 1, "k − 1 huecos"),
        (lambda n, k, s, p, d: n, "Se esperaba"),
    ],
    "convolucion": [
        (flipped, "Giraste el núcleo"),
        (lambda x, w, b: good_convolucion(x, w, 0 * b), "Falta sumar el sesgo"),
        (lambda x, w, b: good_convolucion(x[:1], w[:, :1], b), "solo el primer canal"),
        (
            lambda x, w, b: good_convolucion(x, np.ascontiguousarray(w.transpose(0, 1, 3, 2)), b),
            "Intercambiaste filas y columnas",
        ),
        (in_place, "Modificaste x, w o b"),
        (lambda x, w, b: 2 * good_convolucion(x, w, b), "no coinciden"),
        (lambda x, w, b: good_convolucion(x, w, b)[0], "la salida tuviera forma"),
    ],
    "campo": [
        (lambda layers: 1 + sum(k - 1 for k, _ in layers), "Falta el salto"),
        (lambda layers: good_campo(layers[::-1]), "al revés"),
        (late_jump, "después de sumar"),
        (lambda layers: good_campo(layers) - 1, "empieza en 1"),
        (lambda layers: sum(k for k, _ in layers), "Dos ventanas vecinas"),
        (lambda layers: 99, "Se esperaba"),
    ],
    "parada": [
        (wrong_patience(monitor="train_loss"), "¿Vigilas val_loss"),
        (wrong_patience(on_epoch_end=lambda self, trainer, record: None), "no se detuvo"),
        (wrong_patience(on_epoch_end=ignores_patience), "debe parar en la 4"),
        (wrong_patience(on_epoch_end=one_too_many), "debe parar en la 4"),
        (wrong_patience(on_epoch_end=never_resets), "vuelve a cero"),
        (wrong_patience(on_epoch_end=compares_with_previous), "no con la de la época anterior"),
        (wrong_patience(improved=lambda self, value: value <= self.best), "no es mejorar"),
        (Patience(3), "Se esperaba una"),
        (lambda patience: patience, "gancho `on_epoch_end`"),
        (wrong_patience(monitor="pérdida"), "lanzó KeyError"),
    ],
    "proyecto": [
        (LeNet, "el límite es 6000"),
        (lambda: nn.Flatten(), "no tiene parámetros"),
        (lambda: nn.Sequential(nn.Conv2d(1, 2, 28), nn.ReLU()), "debe tener forma"),
        (lambda: nn.Sequential(nn.Conv2d(1, 10, 3)), "debe tener forma"),
        (lambda: nn.Sequential(*small_net(), nn.Softmax(1)), "quita esa última capa"),
        (lambda: nn.Sequential(nn.Flatten(), nn.Linear(28, 10)), "RuntimeError"),
        (lambda: nn.Sequential(nn.AvgPool2d(2), nn.Flatten(), nn.Linear(196, 10)), "¿En qué capa se gastan"),
    ],
}


(
    test_right_answers_pass,
    test_each_mistake_gets_its_message,
    test_every_exercise_has_right_and_wrong_answers,
) = exercise_tests(comprobar, RIGHT, WRONG)


def test_unfinished_hook_is_pending():
    def unfinished(self, trainer, record):
        raise NotImplementedError

    verdict = comprobar.check("parada", wrong_patience(on_epoch_end=unfinished))
    assert verdict.status == "pendiente"
