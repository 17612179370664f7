"""Las cuentas de una red contra PyTorch, el tejado y sus propiedades, el núcleo contra Jupyter y los ejercicios."""

import math
from collections.abc import Callable
from importlib.metadata import version
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from nbclient import NotebookClient
from nbformat import v4
from nucleos import AsyncSocketKernelManager
from respuestas import exercise_tests
from torch import nn
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from profundo.ejercicios.preparacion.entorno import NOTEBOOKS, comprobar
from profundo.preparacion.entorno import (
    DEVICES,
    RECIPES,
    Device,
    Kernel,
    Layer,
    attainable,
    best_seconds,
    count_flops,
    count_parameters,
    gpt,
    lenet,
    lock_differences,
    matmul_intensity,
    measure_roof,
    mlp,
    saved_bytes,
    training_memory,
)


def torch_flops(run: Callable[[], object]) -> int:
    with FlopCounterMode(display=False) as counter:
        run()
    return counter.get_total_flops()


def numel(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def dense(sizes: list[int]) -> nn.Sequential:
    return nn.Sequential(*(nn.Linear(a, b) for a, b in pairwise(sizes)))


# --- Contar ---------------------------------------------------------------------------------------------------------


@settings(max_examples=10)
@given(sizes=st.lists(st.integers(1, 40), min_size=2, max_size=5), batch=st.integers(1, 9))
def test_a_dense_network_counts_like_pytorch(sizes: list[int], batch: int) -> None:
    with torch.device("meta"):
        network, x = dense(sizes), torch.empty(batch, sizes[0])
    assert count_parameters(mlp(sizes)) == numel(network)
    assert count_flops(mlp(sizes), batch) == torch_flops(lambda: network(x))


def test_lenet_counts_like_pytorch() -> None:
    pool = nn.MaxPool2d(2)
    network = nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2), pool, nn.Conv2d(6, 16, 5), pool, nn.Flatten(), *dense([400, 120, 84, 10])
    )
    assert count_parameters(lenet()) == numel(network) == 61_706
    assert count_flops(lenet(), 3) == torch_flops(lambda: network(torch.zeros(3, 1, 28, 28)))


@pytest.mark.parametrize(("d", "n_blocks", "context", "vocabulary"), [(768, 12, 1024, 50257), (32, 3, 20, 11)])
def test_gpt_counts_like_pytorch(d: int, n_blocks: int, context: int, vocabulary: int) -> None:
    with torch.device("meta"):
        block = nn.TransformerEncoderLayer(d, 4, 4 * d, batch_first=True, norm_first=True)
        blocks = nn.TransformerEncoder(block, n_blocks, nn.LayerNorm(d), enable_nested_tensor=False)
        words, order = nn.Embedding(vocabulary, d), nn.Embedding(context, d)
        x = torch.empty(1, context, d)
    layers = gpt(d, n_blocks, context=context, vocabulary=vocabulary)
    assert count_parameters(layers) == numel(nn.ModuleList([words, order, blocks]))
    assert count_flops(layers) == torch_flops(lambda: blocks(x) @ words.weight.T)


def test_training_a_block_triples_the_operations() -> None:
    with torch.device("meta"):
        block = nn.TransformerEncoderLayer(32, 4, 128, batch_first=True)
        x = torch.empty(1, 10, 32, requires_grad=True)
    assert torch_flops(lambda: block(x).sum().backward()) == 3 * torch_flops(lambda: block(x))


def test_the_counter_of_pytorch_misses_the_attention_of_a_cpu() -> None:
    """Lo que dice «Errores frecuentes»; si una versión lo corrige, hay que cambiar ese párrafo."""

    def count(device: str) -> int:
        block = nn.TransformerEncoderLayer(32, 4, 128, dropout=0.0, batch_first=True, device=device)
        return torch_flops(lambda: block(torch.zeros(1, 10, 32, device=device)))

    assert count("meta") - count("cpu") == 2 * (2 * 10 * 10 * 32)


@pytest.mark.parametrize(
    ("layers", "published"),
    [
        (gpt(768, 12, context=1024), 124_439_808),
        (gpt(1600, 48, context=1024), 1_557_611_200),
        (gpt(4096, 32, context=2048), 6.7e9),
        (gpt(12288, 96, context=2048), 175e9),
    ],
)
def test_the_sizes_of_the_papers(layers: list[Layer], published: float) -> None:
    assert count_parameters(layers) == pytest.approx(published, rel=0.01)


# --- La memoria -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("recipe", "dtype"), [("float32", torch.float32), ("bfloat16", torch.bfloat16)])
def test_memory_of_training_is_what_adam_holds(recipe: str, dtype: torch.dtype) -> None:
    network = dense([7, 5, 3]).to(dtype)
    optimizer = torch.optim.Adam(network.parameters())
    network(torch.ones(2, 7, dtype=dtype)).sum().backward()
    optimizer.step()
    state = [t for entry in optimizer.state.values() for name, t in entry.items() if name != "step"]
    held = {
        "pesos": sum(p.nbytes for p in network.parameters()),
        "gradientes": sum(p.grad.nbytes for p in network.parameters() if p.grad is not None),
        "momentos de Adam": sum(t.nbytes for t in state),
    }
    assert held == training_memory(numel(network), recipe)


def test_mixed_precision_needs_the_same_bytes_per_parameter() -> None:
    assert {recipe: sum(training_memory(1, recipe).values()) for recipe in RECIPES} == {
        "float32": 16,
        "mixta": 16,
        "bfloat16": 8,
    }


@pytest.mark.parametrize("batch", [1, 64])
def test_saved_bytes_are_the_inputs_and_outputs_of_the_layers(batch: int) -> None:
    network = nn.Sequential(nn.Linear(20, 8), nn.ReLU(), nn.Linear(8, 4))
    x, y = torch.rand(batch, 20), torch.zeros(batch, dtype=torch.long)
    saved = saved_bytes(network, lambda: F.cross_entropy(network(x), y))
    assert saved == 4 * batch * (20 + 8 + 4) + 8 * batch + 4  # las etiquetas y el peso total de la media
    with torch.no_grad():
        assert saved_bytes(network, lambda: network(x)) == 0


# --- El tejado ------------------------------------------------------------------------------------------------------

positive = st.floats(1e-3, 1e15)
side = st.integers(1, 5000)


@given(intensity=positive, peak=positive, bandwidth=positive)
def test_the_roof_is_the_slower_of_two_times(intensity: float, peak: float, bandwidth: float) -> None:
    seconds = max(intensity / peak, 1 / bandwidth)  # de un cálculo que mueve un byte
    assert attainable(intensity, peak, bandwidth) == pytest.approx(intensity / seconds)


@given(m=side, k=side, n=side, itemsize=st.sampled_from([1, 2, 4, 8]))
def test_intensity_of_a_product(m: int, k: int, n: int, itemsize: int) -> None:
    value = matmul_intensity(m, k, n, itemsize)
    flops, moved = 2 * m * k * n, itemsize * (m * k + k * n + m * n)
    assert value == pytest.approx(flops / moved)
    assert value == pytest.approx(matmul_intensity(n, k, m, itemsize))
    assert value < 2 * min(m, k, n) / itemsize
    assert value <= matmul_intensity(m + 1, k, n, itemsize)


def test_the_roofs_of_the_table() -> None:
    cpu, t4, h100, tpu = DEVICES
    assert (cpu.peak, cpu.bandwidth) == (768e9, 51.2e9)
    assert [round(d.balance) for d in (cpu, t4, h100, tpu)] == [15, 25, 20, 229]
    for device in DEVICES:
        assert attainable(device.balance, device.peak, device.bandwidth) == pytest.approx(device.peak)
    assert Device("prueba", "float32", 6.0, 3.0).balance == 2


@pytest.mark.parametrize("before", [True, False])
def test_best_seconds_leaves_the_settings_as_they_were(before: bool) -> None:
    found: list[bool] = []

    def action() -> None:
        found.append(torch.are_deterministic_algorithms_enabled())
        if len(found) == 7:
            raise RuntimeError("a mitad de la medida")

    torch.use_deterministic_algorithms(before)
    try:
        assert best_seconds(action) >= 0
        assert torch.are_deterministic_algorithms_enabled() is before
        with pytest.raises(RuntimeError, match="a mitad"):
            best_seconds(action)
        assert torch.are_deterministic_algorithms_enabled() is before
    finally:
        torch.use_deterministic_algorithms(False)
    assert found == [False] * 7  # una de calentamiento y cinco medidas; y la que falla


def test_best_seconds_waits_for_the_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "synchronize", lambda: calls.append("espera"))
    best_seconds(lambda: calls.append("encarga"))
    assert calls == ["encarga", *["espera", "encarga", "espera"] * 5]


def test_measured_roof_is_positive() -> None:
    assert min(measure_roof(side=32, length=1000)) > 0


# --- El entorno y el cuaderno ---------------------------------------------------------------------------------------


def test_lock_differences() -> None:
    numpy, torch_version = version("numpy"), version("torch").split("+")[0]
    lock = f"# todo\nnumpy == {numpy}  # la de aquí\n\ntorch=={torch_version}\n"
    assert lock_differences(lock) == []
    assert lock_differences("numpy==0.1\nno-existe-tal==1") == [
        f"numpy: se pide 0.1 y hay {numpy}",
        "no-existe-tal: se pide 1 y hay nada",
    ]


CELLS = [
    "x = 3\nx + 1",
    "print('hola')\nx",
    "x; None",
    "'a' 'b'",
    "y",
    "def f(n):\n    return 1 if n == 0 else n * f(n - 1)\nf(5)",
    "x = [n * x for n in (1, 2)]",
    "x",
    "",
    "# solo un comentario",
    "print(1)\n1 / 0",
    "import math\n[math.floor(v) for v in x if v > 3]",
    "__name__",
]


def test_our_kernel_shows_what_jupyter_shows() -> None:
    notebook = v4.new_notebook(cells=[v4.new_code_cell(cell) for cell in CELLS])
    client = NotebookClient(
        notebook, kernel_name="python3", allow_errors=True, timeout=60, kernel_manager_class=AsyncSocketKernelManager
    )
    client.execute()
    kernel = Kernel()
    for cell in notebook.cells:
        shown = ""
        for output in cell.outputs:
            if output.output_type == "stream":
                shown += output.text
            elif output.output_type == "execute_result":
                shown += output.data["text/plain"] + "\n"
            else:
                shown += f"{output.ename}: {output.evalue}\n"
        assert kernel.run(cell.source) == shown
        assert (kernel.error is not None) == any(output.output_type == "error" for output in cell.outputs)


def test_kernel_counts_and_forgets() -> None:
    kernel = Kernel()
    assert [kernel.run("a = 1"), kernel.run("a"), kernel.count] == ["", "1\n", 2]
    kernel.restart()
    assert kernel.count == 0
    assert kernel.run("a") == "NameError: name 'a' is not defined\n"
    assert isinstance(kernel.error, NameError)
    assert kernel.run("if") == "SyntaxError: invalid syntax (<celda>, line 1)\n"
    assert kernel.run("2") == "2\n"
    assert kernel.error is None


# --- Entradas malas -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("action", "message"),
    [
        (lambda: Layer("c", 0, 3), r"n_in y n_out deben ser 1 o más.*se recibió n_in=0, n_out=3, positions=1"),
        (lambda: Layer("c", 2, 3, positions=-1), r"positions, 0 o más.*positions=-1"),
        (lambda: mlp([784]), r"sizes debe tener dos tamaños o más; se recibió \[784\]"),
        (lambda: training_memory(-1), r"n_parameters no negativo.*se recibió -1 y 'float32'"),
        (lambda: training_memory(1, "int8"), r"una receta de float32, mixta, bfloat16; se recibió 1 y 'int8'"),
        (lambda: matmul_intensity(0, 2, 3), r"deben ser 1 o más; se recibió m=0, k=2, n=3, itemsize=4"),
        (lambda: attainable(1.0, 0.0, 1.0), r"deben ser positivos; se recibió intensity=1.0, peak=0.0"),
        (lambda: lock_differences("numpy>=1.26"), r"debe ser paquete==versión; se recibió 'numpy>=1.26'"),
    ],
)
def test_bad_input_is_explained(action: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        action()


# --- Ejercicios -----------------------------------------------------------------------------------------------------


def counts(sizes: list[int]) -> tuple[int, int]:
    weights = sum(a * b for a, b in pairwise(sizes))
    return weights + sum(sizes[1:]), 2 * weights


def batch_left(per_parameter: int) -> Callable[[int, int, int], int]:
    return lambda n, each, memory: max(0, (memory - per_parameter * n) // each)


def smallest_batch(k: int, n: int, itemsize: int, peak: float, bandwidth: float) -> int:
    balance = peak / bandwidth
    return math.ceil(balance * itemsize * k * n / (2 * k * n - balance * itemsize * (k + n)))


def verify(
    cells: list[str], *, again: bool = False, last: bool = False, names: bool = False, apart: bool = False
) -> str:
    """El verificador correcto y, con cada opción, un error plausible."""
    runs: list[Any] = []
    kernel = Kernel()
    for _ in range(2):
        if not again:
            kernel.restart()
        shown = []
        for cell in cells:
            if apart:
                kernel.restart()
            shown.append(kernel.run(cell))
            if kernel.error:
                return "falla"
        plain = {k: v for k, v in kernel.names.items() if isinstance(v, float)}
        runs.append(plain if names else shown[-1:] if last else shown)
    return "igual" if runs[0] == runs[1] else "cambia"


def verify_by_text(cells: list[str]) -> str:
    kernel = Kernel()
    text = "".join(kernel.run(cell) for cell in cells)
    return "falla" if "Error" in text else verify(cells)


def verify_late(cells: list[str]) -> str:
    """Solo mira si la última celda falla."""
    kernel = Kernel()
    for cell in cells:
        kernel.run(cell)
    return "falla" if kernel.error else "igual"


def verify_and_empty(cells: list[str]) -> str:
    result = verify(cells)
    cells.clear()
    return result


def verify_change_first(cells: list[str]) -> str:
    runs = []
    for _ in range(2):
        kernel = Kernel()
        runs.append([kernel.run(cell) for cell in cells])
    return "cambia" if runs[0] != runs[1] else verify(cells)


RIGHT: dict[str, list[object]] = {
    "primera": [lambda b: b / 2**30, lambda b: b / 1024 / 1024 / 1024, lambda b: torch.tensor(b).double() / 2**30],
    "cuenta": [counts, lambda sizes: list(counts(sizes)), lambda sizes: np.array(counts(sizes))],
    "memoria": [batch_left(16), lambda n, each, memory: float(max(0, math.floor((memory - 16 * n) / each)))],
    "tejado": [
        smallest_batch,
        lambda k, n, s, p, b: next(
            m for m in range(1, 10**6) if 2 * m * k * n / (s * (m * k + k * n + m * n)) >= p / b
        ),
    ],
    "verificacion": [verify, lambda cells: str(verify(list(cells)))],
}

WRONG: dict[str, list[tuple[object, str]]] = {
    "primera": [
        (lambda b: b / 1e9, "gigabytes, de 10**9"),
        (lambda b: b / 2**20, "mebibytes"),
        (lambda b: b * 2**30, "Multiplicas"),
        (lambda b: b // 2**30, "Pierdes los decimales"),
        (lambda b: round(b / 2**30, 2), "No redondees"),
        (lambda b: b / 8 / 2**30, "en bytes, no en bits"),
        (lambda b: b, "divididos entre 2**30"),
        (lambda b: f"{b / 2**30:.1f} GiB", "Se esperaban números"),
    ],
    "cuenta": [
        (lambda sizes: counts(sizes)[::-1], "El orden es"),
        (lambda sizes: (counts(sizes)[1] // 2, counts(sizes)[1]), "faltan los sesgos"),
        (lambda sizes: (counts(sizes)[0] + sizes[0], counts(sizes)[1]), "no llevan sesgo"),
        (lambda sizes: (counts(sizes)[1] // 2 + sum(sizes[:-1]), 0), "no por número que entra"),
        (lambda sizes: (counts(sizes)[1] // 2 + len(sizes) - 1, 0), "No hay un sesgo por capa"),
        (lambda sizes: (math.prod(sizes), 0), "los productos se suman"),
        (lambda sizes: (1, 1), "n_in·n_out pesos"),
        (lambda sizes: (counts(sizes)[0], counts(sizes)[1] // 2), "dos operaciones"),
        (lambda sizes: (counts(sizes)[0], 2 * counts(sizes)[0]), "los sesgos no entran"),
        (lambda sizes: (counts(sizes)[0], 3 * counts(sizes)[1]), "el triple es entrenar"),
        (lambda sizes: (counts(sizes)[0], 5), "Los parámetros están bien"),
        (lambda sizes: counts(sizes)[0], "(parámetros, FLOPs) tuviera forma (2,)"),
    ],
    "memoria": [
        (batch_left(0), "solo las activaciones"),
        (batch_left(4), "Cuentas solo los pesos"),
        (batch_left(8), "Faltan los dos momentos"),
        (batch_left(12), "cuentas uno"),
        (batch_left(20), "no hay otra copia"),
        (lambda n, each, memory: (memory - 16 * n) / each, "van enteros"),
        (lambda n, each, memory: max(0, math.ceil((memory - 16 * n) / each)), "Redondea hacia abajo"),
        (lambda n, each, memory: (memory - 16 * n) // each, "el lote es 0"),
        (lambda n, each, memory: 1, "Se esperaba"),
    ],
    "tejado": [
        (lambda k, n, s, p, b: math.ceil(p / b * s / 2), "lo que entra y lo que sale"),
        (lambda k, n, s, p, b: math.ceil(p / b), "falta el tamaño del número"),
        (lambda k, n, s, p, b: smallest_batch(k, n, s, p, b) - 1, "prueba con uno más"),
        (lambda k, n, s, p, b: smallest_batch(k, n, s, p, b) + 1, "basta con igualarlo"),
        (lambda k, n, s, p, b: smallest_batch(k, n, s, p, b) - 0.3, "número entero"),
        (lambda k, n, s, p, b: 0, "un ejemplo como mínimo"),
        (lambda k, n, s, p, b: 10**6, "un lote menor también"),
        (lambda k, n, s, p, b: 2, "aún manda la memoria"),
    ],
    "verificacion": [
        (lambda cells: "igual", "Una celda lanza NameError"),
        (lambda cells: "bien", "se esperaba «falla», «cambia» o «igual»"),
        (lambda cells: True, "un valor de tipo bool"),
        (lambda cells: "falla", "uno que imprime lo mismo"),
        (lambda cells: verify(cells, again=True), "has heredado los nombres"),
        (lambda cells: verify(cells, last=True), "no solo la última"),
        (lambda cells: verify(cells, apart=True), "un solo diccionario"),
        (lambda cells: verify(cells, names=True), "todas las celdas"),
        (verify_by_text, "no lo que imprime"),
        (verify_late, "Una celda lanza NameError"),
        (verify_and_empty, "Has modificado la lista"),
        (verify_change_first, "Si falla, da igual lo demás"),
    ],
}


(
    test_right_answers_pass,
    test_each_mistake_gets_its_message,
    test_every_exercise_has_right_and_wrong_answers,
) = exercise_tests(comprobar, RIGHT, WRONG)


@pytest.mark.parametrize(("title", "cells", "expected"), [case[:3] for case in NOTEBOOKS])
def test_the_trial_notebooks_are_what_they_say(title: str, cells: list[str], expected: str) -> None:
    assert verify(cells) == expected, title
