"""Las jacobianas contra autograd, el recorte y los archivos contra PyTorch y TensorBoard, y los ejercicios."""

import struct
from functools import partial

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from respuestas import exercise_tests
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.tensorflow_stub.pywrap_tensorflow import masked_crc32c as reference_crc
from torch import nn
from torch.nn import functional as F
from torch.utils.tensorboard import SummaryWriter

from profundo.comun.lotes import make_loader
from profundo.ejercicios.optimizacion.gradiente_desvaneciente import comprobar
from profundo.fundamentos.bucle_de_entrenamiento import Trainer
from profundo.optimizacion.gradiente_desvaneciente import (
    Deep,
    Recorder,
    batch_norm,
    bucket_limits,
    chain,
    clip_grad_norm_,
    clip_grad_value_,
    layer_jacobians,
    log_histogram,
    masked_crc32c,
    plot_ridge,
    read_records,
    rebin,
    relative_change,
)
from profundo.optimizacion.inicializacion import build, initialize, kaiming_normal_, observe
from profundo.optimizacion.momento_y_adaptativos import SGD

he = kaiming_normal_


# --- Jacobianas -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("module", [nn.Tanh, nn.Sigmoid, nn.ReLU, nn.GELU])
def test_product_of_jacobians_is_the_jacobian(module):
    net = build((5, 4, 6, 3, 2), module).double()
    x = torch.randn(5, dtype=torch.float64)
    products = chain(layer_jacobians(net, x))
    assert [tuple(p.shape) for p in products] == [(2, 3), (2, 6), (2, 4)]
    for k, product in enumerate(products):
        rest = net[len(net) - 2 * (k + 1) :]
        z = net[: len(net) - 2 * (k + 1)](x)
        torch.testing.assert_close(product, torch.autograd.functional.jacobian(rest, z.detach()))


def test_jacobians_bring_the_gradient_back():
    net, x = build((5, 4, 6, 3), nn.Tanh).double(), torch.randn(1, 5, dtype=torch.float64)
    layers = observe(net, x, lambda outputs: outputs.square().sum(1))
    product = chain(layer_jacobians(net, x[0]))[-1]
    torch.testing.assert_close(product.T @ layers[-1].delta[0], layers[0].delta[0])


@given(seed=st.integers(0, 2**31), depth=st.integers(2, 6), scale=st.floats(0.1, 8))
@settings(max_examples=30)
def test_bound_of_the_theorem(seed, depth, scale):
    generator = torch.Generator().manual_seed(seed)
    net = initialize(build([4] * (depth + 1), nn.Sigmoid), partial(he, gain=scale), generator=generator).double()
    layers = observe(net, torch.randn(1, 4, generator=generator).double(), lambda outputs: outputs.sum(1))
    norms = [torch.linalg.matrix_norm(layer.weight, 2) / 4 for layer in net[2::2]]
    bound = torch.stack(norms).prod() * layers[-1].delta.norm()
    assert layers[0].delta.norm() <= bound * (1 + 1e-9)


# --- Redes hondas ---------------------------------------------------------------------------------------------------


def by_hand(nets, row, x, *, norm=False, branch=None):
    """La red ``row`` de ``nets``, capa a capa y con capas de PyTorch."""
    layers = [part[row] for part in nets.layers(nets.flat.detach())]
    sums = [x @ layers[0] + layers[1]]
    for weight, bias in zip(layers[2::2], layers[3::2], strict=True):
        a = torch.tanh(nn.BatchNorm1d(weight.shape[0])(sums[-1]) if norm else sums[-1])
        change = a @ weight + bias
        same = branch is not None and change.shape == sums[-1].shape
        sums.append(sums[-1] + branch * change if same else change)
    return sums


@pytest.mark.parametrize("norm", [False, True])
@pytest.mark.parametrize("branch", [None, 1.0, 0.3])
def test_deep_computes_what_it_says(norm, branch):
    options = {"norm": batch_norm if norm else None, "branch": branch}
    nets = Deep((7, 5, 5, 5, 3), [0, 1], [he, None], activation=torch.tanh, **options)
    x = torch.randn(2, 20, 7)
    sums = nets.sums(x)
    assert len(sums) == 4
    assert nets(x).shape == (2, 20, 3)
    for row in range(2):
        for got, expected in zip(sums, by_hand(nets, row, x[row], norm=norm, branch=branch), strict=True):
            torch.testing.assert_close(got[row], expected, rtol=1e-4, atol=1e-5)


def test_weight_norms_by_layer():
    nets = Deep((7, 5, 5, 3), [0, 1, 2], [he] * 3)
    norms = nets.weight_norms(nets.flat.detach())
    assert norms.shape == (3, 3)
    torch.testing.assert_close(norms[1, 2], nets.layers(nets.flat.detach())[2][2].norm())


def test_shortcuts_multiply_the_squares_as_predicted():
    """Con pesos de He, cada capa multiplica en promedio la media de los cuadrados por 1 + s²."""
    for s in (1.0, 0.5):
        nets = Deep((50, *[200] * 9, 10), range(8), [he] * 8, branch=s)
        squares = [z.detach().square().mean().item() for z in nets.sums(torch.randn(8, 30, 50))]
        assert squares[8] / squares[0] == pytest.approx((1 + s**2) ** 8, rel=0.25)


def test_batch_norm_keeps_networks_apart():
    z = torch.randn(3, 40, 4) * torch.tensor([1.0, 5.0, 0.1])[:, None, None]
    for row, expected in zip(batch_norm(z), z, strict=True):
        torch.testing.assert_close(row, nn.BatchNorm1d(4)(expected).detach(), rtol=1e-3, atol=1e-4)


# --- Recorte --------------------------------------------------------------------------------------------------------


def parameters(seed=0, scale=1.0):
    generator = torch.Generator().manual_seed(seed)
    made = [torch.zeros(shape, requires_grad=True) for shape in ((3, 4), (5,), (2, 2, 2))]
    for p in made[:2]:  # el tercero se queda sin gradiente
        p.grad = scale * torch.randn(p.shape, generator=generator)
    return made


@given(seed=st.integers(0, 2**31), scale=st.floats(0, 100), limit=st.floats(1e-3, 100))
@settings(max_examples=60)
def test_clipping_matches_pytorch(seed, scale, limit):
    mine, reference = parameters(seed, scale), parameters(seed, scale)
    torch.testing.assert_close(clip_grad_norm_(mine, limit), nn.utils.clip_grad_norm_(reference, limit))
    for p, q in zip(mine[:2], reference[:2], strict=True):
        torch.testing.assert_close(p.grad, q.grad)
    assert mine[2].grad is None
    mine, reference = parameters(seed, scale), parameters(seed, scale)
    clip_grad_value_(mine, limit)
    nn.utils.clip_grad_value_(reference, limit)
    for p, q in zip(mine[:2], reference[:2], strict=True):
        assert torch.equal(p.grad, q.grad)


def test_clipping_by_norm_accepts_a_generator_and_nothing():
    net = build((3, 2), nn.ReLU)
    assert clip_grad_norm_(net.parameters(), 1.0) == 0
    net(torch.ones(1, 3)).sum().mul(100).backward()
    clip_grad_norm_(net.parameters(), 1.0)
    assert torch.cat([p.grad.flatten() for p in net.parameters()]).norm().item() == pytest.approx(1, rel=1e-5)


def test_clipping_explains_itself():
    with pytest.raises(ValueError, match="max_norm debe ser positivo; se recibió 0"):
        clip_grad_norm_(parameters(), 0.0)
    with pytest.raises(ValueError, match="clip_value debe ser positivo; se recibió -1"):
        clip_grad_value_(parameters(), -1.0)
    broken = parameters()
    broken[0].grad[0, 0] = torch.inf
    with pytest.raises(RuntimeError, match="la norma del gradiente no es finita: inf"):
        clip_grad_norm_(broken, 1.0, error_if_nonfinite=True)


# --- Histogramas y archivos de eventos ------------------------------------------------------------------------------

VALUES = {
    "normales": torch.randn(1000, generator=torch.Generator().manual_seed(0)),
    "minúsculos": 1e-9 * torch.randn(50, generator=torch.Generator().manual_seed(1)),
    "ceros": torch.zeros(3, 2),
    "uno": torch.tensor([2.5]),
}


@pytest.mark.parametrize("name", VALUES)
def test_histogram_is_the_one_tensorboard_stores(name, tmp_path):
    with SummaryWriter(str(tmp_path)) as writer:
        writer.add_histogram("x", VALUES[name], 3)
    log = EventAccumulator(str(tmp_path)).Reload()
    (event,) = log.Histograms("x")
    limits, counts = log_histogram(VALUES[name])
    assert event.step == 3
    np.testing.assert_allclose(limits, event.histogram_value.bucket_limit)
    np.testing.assert_array_equal(counts, event.histogram_value.bucket)


def test_bucket_limits_match_pytorch(tmp_path):
    with SummaryWriter(str(tmp_path)) as writer:
        np.testing.assert_allclose(bucket_limits(), writer.default_bins)


@pytest.mark.parametrize("values", [torch.empty(0), torch.tensor([1.0, torch.nan])])
def test_histogram_explains_its_values(values):
    with pytest.raises(ValueError, match="values debe tener algún valor y ser todos finitos"):
        log_histogram(values)


def test_rebin_conserves_what_it_covers():
    limits, counts = log_histogram(VALUES["normales"])
    edges = np.linspace(-6, 6, 31)
    moved = rebin(limits, counts, edges)
    assert moved.sum() == pytest.approx(1000)
    exact = np.histogram(VALUES["normales"], edges)[0]
    assert np.abs(moved - exact).max() < 25
    np.testing.assert_allclose(
        rebin(np.array([0.0, 1.0, 3.0]), np.array([0.0, 4.0, 6.0]), np.array([0, 0.5, 2, 3])), [2, 5, 3]
    )


def test_ridge_draws_one_hill_per_step():
    import matplotlib.pyplot as plt

    ax = plt.figure().subplots()
    plot_ridge(ax, np.ones((7, 4)), np.arange(5.0), [0, 10, 20, 30, 40, 50, 60], color="0.5")
    assert len(ax.lines) == 7
    assert ax.get_yticklabels()[1].get_text() == "10"


def recorded(folder, **options):
    net = initialize(build((6, 5, 3), nn.Tanh), he, generator=torch.Generator().manual_seed(0))
    x, y = torch.randn(40, 6), torch.randint(3, (40,))
    first = net[0].weight.detach().clone()
    trainer = Trainer(net, F.cross_entropy, SGD(net.parameters(), lr=0.1), callbacks=[Recorder(folder, **options)])
    trainer.fit(make_loader(x, y, batch_size=10, shuffle_seed=0), epochs=2)
    return net, first


def test_recorder_writes_what_it_says(tmp_path):
    _, first = recorded(tmp_path, every=3)
    log = EventAccumulator(str(tmp_path), size_guidance={"histograms": 0, "scalars": 0}).Reload()
    assert [e.step for e in log.Scalars("pérdida")] == list(range(8))
    assert [e.step for e in log.Scalars("cambio/2.weight")] == [0, 3, 6]
    assert [e.step for e in log.Histograms("gradientes/0.weight")] == [0, 3, 6]
    assert set(log.Tags()["histograms"]) == {f"{kind}/{k}.weight" for kind in ("pesos", "gradientes") for k in (0, 2)}
    np.testing.assert_array_equal(log_histogram(first)[1], log.Histograms("pesos/0.weight")[0].histogram_value.bucket)
    # Con SGD, el cambio relativo es la tasa por la norma del gradiente entre la de los pesos.
    gradient = log.Histograms("gradientes/0.weight")[0].histogram_value.sum_squares ** 0.5
    assert log.Scalars("cambio/0.weight")[0].value == pytest.approx(0.1 * gradient / first.norm().item(), rel=1e-4)
    with pytest.raises(ValueError, match="every debe ser un entero positivo; se recibió 0"):
        Recorder(tmp_path, every=0)


def test_relative_change():
    assert relative_change(torch.tensor([3.0, 4.0]), torch.tensor([3.0, 4.5])) == pytest.approx(0.1)


@given(data=st.binary(max_size=60))
@settings(max_examples=60)
def test_checksum_matches_tensorboard(data):
    assert masked_crc32c(data) == reference_crc(data)


def test_checksum_of_the_standard():
    """El valor de comprobación de CRC-32C, 0xE3069283 para «123456789», girado y desplazado."""
    crc = 0xE3069283
    assert masked_crc32c(b"123456789") == ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def test_records_are_the_events(tmp_path):
    recorded(tmp_path)
    (path,) = tmp_path.iterdir()
    events = [Event.FromString(record) for record in read_records(path)]
    assert events[0].file_version == "brain.Event:2"
    tags = [value.tag for event in events for value in event.summary.value]
    assert tags.count("pérdida") == 8


def test_records_survive_a_cut_and_notice_damage(tmp_path):
    path = tmp_path / "registros"
    whole = b"".join(good_registro(data) for data in (b"uno", b"dos", b"tres"))
    path.write_bytes(whole)
    assert list(read_records(path)) == [b"uno", b"dos", b"tres"]
    for cut in (1, 5, 19):
        path.write_bytes(whole[:-cut])
        assert list(read_records(path)) == [b"uno", b"dos"]
    path.write_bytes(b"")
    assert list(read_records(path)) == []
    for where, message in (
        (1, "no coincide la suma de la longitud en el byte 0"),
        (13, "no coincide la suma del registro"),
    ):
        path.write_bytes(whole[:where] + bytes([whole[where] ^ 4]) + whole[where + 1 :])
        with pytest.raises(ValueError, match=message):
            list(read_records(path))


# --- Los ejercicios -------------------------------------------------------------------------------------------------

GOOD_NUMBERS = [0.5**10, 13, 1.25**10]
GOOD_CASES = [True, False, False, True, False, False]


def good_jacobiana(pesos, pendientes):
    total = np.eye(pesos[0].shape[1])
    for w, s in zip(pesos, pendientes, strict=True):
        total = w @ np.diag(s) @ total
    return total


def product(factors):
    total = factors[0]
    for factor in factors[1:]:
        total = factor @ total
    return total


def rows_jacobiana(pesos, pendientes):
    return product([s[:, None] * w if len(s) == len(w) else w for w, s in zip(pesos, pendientes, strict=True)])


def good_adaptativo(w, g, c, *, floor=1e-3, axis=1, cap=1.0):
    size, limit = (np.linalg.norm(a, axis=axis, keepdims=True) for a in (g, w))
    return g * np.minimum(cap, c * np.maximum(limit, floor) / np.where(size > 0, size, 1))


def fixed_adaptativo(w, g, c):
    size = np.linalg.norm(g, axis=1, keepdims=True)
    return g * np.minimum(1, c / np.where(size > 0, size, 1))


def whole_adaptativo(w, g, c):
    return g * min(1, c * max(np.linalg.norm(w), 1e-3) / np.linalg.norm(g))


def good_registro(data, *, endian="<", sums=None, order=(0, 1, 2, 3)):
    size = struct.pack(f"{endian}Q", len(data))
    first, second = sums(size, data) if sums else (masked_crc32c(size), masked_crc32c(data))
    parts = [size, struct.pack("<I", first), data, struct.pack("<I", second)]
    return b"".join(parts[k] for k in order)


class Tower(nn.Module):
    def __init__(self, depth=40, s=None, gain=2**0.5, use=True):
        super().__init__()
        self.first, self.last = nn.Linear(196, 32), nn.Linear(32, 10)
        self.blocks = nn.ModuleList(nn.Linear(32, 32) for _ in range(depth))
        self.s, self.use = depth**-0.5 if s is None else s, use
        initialize(self, partial(he, gain=gain))

    def forward(self, x):
        z = self.first(x)
        if self.use:
            for block in self.blocks:
                z = z + self.s * block(z.relu())
        return self.last(z.relu())


def plain():
    return initialize(build((196, *[32] * 41, 10), nn.ReLU), he)


RIGHT: dict[str, list[object]] = {
    "mano": [GOOD_NUMBERS, [9.77e-4, 13, 9.31]],
    "diagnostico": [GOOD_CASES, tuple(np.bool_(v) for v in GOOD_CASES)],
    "jacobiana": [good_jacobiana, lambda w, s: torch.tensor(good_jacobiana(w, s))],
    "adaptativo": [good_adaptativo],
    "registro": [good_registro, lambda data: bytearray(good_registro(data))],
    "proyecto": [Tower, lambda: Tower(s=1 / 40)],
}


def numbers(k, value):
    return [value if i == k else v for i, v in enumerate(GOOD_NUMBERS)]


def flipped(k):
    return [not v if i == k else v for i, v in enumerate(GOOD_CASES)]


WRONG: dict[str, list[tuple[object, str]]] = {
    "mano": [
        (numbers(0, 0.25**10), "olvida las matrices"),
        (numbers(0, 1024), "olvida la pendiente"),
        (numbers(0, 0.5**11), "un factor de más"),
        (numbers(1, 12), "se queda corta"),
        (numbers(1, 12.908), "número entero"),
        (numbers(2, 1.25**20), "falta la raíz"),
        (numbers(2, 1.5**20), "es la suma 1 + s"),
        (numbers(2, 7), "no es 7"),
    ],
    "diagnostico": [
        *((flipped(k), f"({k + 1})") for k in range(6)),
        ([1, 0, 0, 1, 0, 0], "True o False"),
    ],
    "jacobiana": [
        (lambda w, s: product(w), "Faltan las pendientes"),
        (lambda w, s: good_jacobiana(w, s).T, "Es la traspuesta"),
        (
            lambda w, s: product([b[:, None] * a if len(b) == len(a) else a for a, b in zip(w, s, strict=True)]),
            "columnas",
        ),
        (lambda w, s: good_jacobiana(w, [v**2 for v in s]), "dos veces"),
        (
            lambda w, s: (
                product([a * b for a, b in zip(w, s, strict=True)][::-1]) if len({*w[0].shape}) == 1 else np.zeros(1)
            ),
            "al revés",
        ),
        (lambda w, s: 2 * good_jacobiana(w, s), "No coincide"),
        (lambda w, s: np.zeros((2, 2)), "debe tener forma"),
    ],
    "adaptativo": [
        (partial(good_adaptativo, cap=np.inf), "falta el mínimo"),
        (partial(good_adaptativo, floor=0.0), "Falta el suelo"),
        (fixed_adaptativo, "proporcional"),
        (partial(good_adaptativo, axis=0), "columnas"),
        (whole_adaptativo, "toda la matriz"),
        (lambda w, g, c: g, "No coincide"),
    ],
    "registro": [
        (partial(good_registro, endian=">"), "menos significativo"),
        (lambda data: data, "8 de longitud"),
        (partial(good_registro, sums=lambda a, b: (masked_crc32c(b), masked_crc32c(b))), "La primera suma"),
        (partial(good_registro, sums=lambda a, b: (masked_crc32c(a), masked_crc32c(a))), "La segunda suma"),
        (partial(good_registro, order=(0, 1, 3, 2)), "El orden"),
        (lambda data: "texto", "Se esperaban bytes"),
        (partial(good_registro, sums=lambda a, b: (0, 0)), "No coincide"),
    ],
    "proyecto": [
        (plain, "se pide"),
        (lambda: Tower(s=1.0), "deja de ser finita"),
        (lambda: Tower(use=False), "reciben mil veces menos"),
        (lambda: Tower(depth=3), "hay 3"),
        (lambda: build((196, *[32] * 41, 10), nn.Sigmoid), "reciben mil veces menos"),
        (Tower(), "no una red ya hecha"),
        (lambda: 3, "nn.Module"),
        (lambda: nn.Sequential(*[nn.Linear(32, 32) for _ in range(40)]), "lanzó RuntimeError"),
        (lambda: nn.Sequential(nn.Linear(196, 32), *[nn.Linear(32, 32) for _ in range(40)]), "10 puntajes"),
    ],
}

test_right, test_wrong, test_complete = exercise_tests(comprobar, RIGHT, WRONG)
