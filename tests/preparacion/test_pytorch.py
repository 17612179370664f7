"""Las piezas del capítulo de PyTorch contra las de PyTorch; sus errores y sus ejercicios."""

import base64
import json
import pickle
import pickletools
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from respuestas import exercise_tests
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset, TensorDataset

from profundo.ejercicios.preparacion.pytorch import CROSSINGS, comprobar
from profundo.preparacion.pytorch import (
    DTYPES,
    SGD,
    Linear,
    Module,
    ShiftedDigits,
    best_device,
    fit,
    load_weights,
    predict,
    read_safetensors,
    save_weights,
    write_safetensors,
)


def network(base: type, linear: type, sizes: tuple[int, int, int] = (6, 5, 3)) -> nn.Module:
    """La misma red sobre ``nn.Module`` o sobre ``Module``, con módulos dentro de módulos."""

    class Block(base):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.linear = linear(*sizes[:2])

        def forward(self, x: Tensor) -> Tensor:
            return self.linear(x).clamp(min=0)

    class Net(base):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.block = Block()
            self.output = linear(*sizes[1:])

        def forward(self, x: Tensor) -> Tensor:
            return self.output(self.block(x))

    torch.manual_seed(3)
    return Net()


def batches(n: int = 50, size: int = 8) -> DataLoader:
    generator = torch.Generator().manual_seed(4)
    x = torch.randn(n, 6, generator=generator)
    return DataLoader(TensorDataset(x, torch.arange(n) % 3), batch_size=size)


def flat(model: nn.Module) -> Tensor:
    return torch.cat([p.detach().flatten() for p in model.parameters()])


# --- Módulos y optimizador ------------------------------------------------------------------------------------------


def test_network_is_that_of_pytorch() -> None:
    ours, theirs = network(Module, Linear), network(nn.Module, nn.Linear)
    x, y = next(iter(batches()))
    for model in (ours, theirs):
        F.cross_entropy(model(x), y).backward()
    named = [dict(model.named_parameters()) for model in (ours, theirs)]
    assert (
        list(named[0]) == list(named[1]) == ["block.linear.weight", "block.linear.bias", "output.weight", "output.bias"]
    )
    torch.testing.assert_close(named[0], {name: p.detach().requires_grad_() for name, p in named[1].items()})
    torch.testing.assert_close(ours(x), theirs(x))
    torch.testing.assert_close([p.grad for p in ours.parameters()], [p.grad for p in theirs.parameters()])


def test_linear_gradient_is_the_numerical_one() -> None:
    layer = Linear(3, 2)
    weight, bias = (p.detach().double().requires_grad_() for p in (layer.weight, layer.bias))

    def apply(x: Tensor, w: Tensor, b: Tensor) -> Tensor:
        layer.weight, layer.bias = w, b
        return layer(x)

    x = torch.randn(4, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(apply, (x, weight, bias))


def test_modes_reach_every_part() -> None:
    model = network(Module, Linear)
    assert model.training
    assert model.eval() is model
    assert not model.training
    assert not model.block.linear.training  # type: ignore[union-attr]
    model.train()
    assert model.block.linear.training  # type: ignore[union-attr]


def test_only_tensors_that_require_gradient_are_parameters() -> None:
    layer = Linear(2, 2)
    layer.mean = torch.zeros(2)  # type: ignore[attr-defined]
    assert [name for name, _ in layer.named_parameters()] == ["weight", "bias"]


@pytest.mark.parametrize("lr", [0.01, 0.5])
def test_sgd_is_that_of_pytorch(lr: float) -> None:
    ours, theirs = network(nn.Module, nn.Linear), network(nn.Module, nn.Linear)
    losses = [
        fit(ours, batches(), F.cross_entropy, SGD(ours.parameters(), lr=lr), epochs=3),
        fit(theirs, batches(), F.cross_entropy, torch.optim.SGD(theirs.parameters(), lr=lr), epochs=3),
    ]
    torch.testing.assert_close(losses[0], losses[1])
    torch.testing.assert_close(flat(ours), flat(theirs))


def test_sgd_skips_what_has_no_gradient() -> None:
    used, unused = torch.ones(2, requires_grad=True), torch.ones(2, requires_grad=True)
    optimizer = SGD([used, unused], lr=0.1)
    used.sum().backward()
    optimizer.step()
    torch.testing.assert_close(used.detach(), torch.full((2,), 0.9))
    assert torch.equal(unused.detach(), torch.ones(2))
    optimizer.zero_grad()
    assert used.grad is None


# --- Datos y bucle --------------------------------------------------------------------------------------------------


@settings(max_examples=25)
@given(shift=st.integers(0, 3), seed=st.integers(0, 1000), height=st.integers(1, 6), width=st.integers(1, 6))
def test_shifted_image_is_a_translation(shift: int, seed: int, height: int, width: int) -> None:
    torch.manual_seed(seed)
    x = torch.rand(2, 1, height, width) + 1
    data = ShiftedDigits(x, torch.tensor([4, 7]), shift=shift)
    image, label = data[1]
    canvas = F.pad(x[1], (shift,) * 4)
    places = [
        (top, left)
        for top in range(2 * shift + 1)
        for left in range(2 * shift + 1)
        if torch.equal(canvas[:, top : top + height, left : left + width], image)
    ]
    assert places
    assert label == 7
    assert len(data) == 2
    if shift == 0:
        assert torch.equal(image, x[1])


def test_every_shift_appears_and_the_data_stay() -> None:
    x = torch.rand(1, 1, 5, 5)
    before = x.clone()
    data = ShiftedDigits(x, torch.zeros(1, dtype=torch.int64))
    images = torch.stack([data[0][0] for _ in range(300)])
    assert len(images.unique(dim=0)) == 9
    assert torch.equal(x, before)


def test_fit_averages_examples_and_not_batches() -> None:
    model = network(nn.Module, nn.Linear)
    frozen = torch.optim.SGD(model.parameters(), lr=0.0)
    loader = batches(50, 8)  # el último lote tiene 2
    losses = fit(model, loader, F.cross_entropy, frozen, epochs=2)
    x, y = loader.dataset.tensors  # type: ignore[attr-defined]
    torch.testing.assert_close(losses, F.cross_entropy(model(x), y).detach().expand(2))
    assert not losses.requires_grad


def test_fit_learns() -> None:
    generator = torch.Generator().manual_seed(5)
    x = torch.randn(60, 6, generator=generator)
    loader = DataLoader(TensorDataset(x, x[:, :3].argmax(dim=1)), batch_size=10)
    model = network(nn.Module, nn.Linear, (6, 16, 3))
    losses = fit(model, loader, F.cross_entropy, torch.optim.Adam(model.parameters(), lr=0.02), epochs=30)
    assert losses[-1] < 0.3 * losses[0]


def test_fit_follows_the_device_of_the_model() -> None:
    model = network(nn.Module, nn.Linear).to("meta")
    losses = fit(model, batches(), F.cross_entropy, torch.optim.Adam(model.parameters()), epochs=1)
    assert losses.device.type == "meta"
    with pytest.raises(RuntimeError, match="meta"):
        model(torch.ones(2, 6))


def test_fit_trains_and_predict_evaluates() -> None:
    model = nn.Sequential(nn.Linear(6, 8), nn.Dropout(0.5), nn.Linear(8, 3)).eval()
    fit(model, batches(), F.cross_entropy, torch.optim.SGD(model.parameters(), lr=0.1), epochs=1)
    assert model.training
    x = torch.randn(5, 6)
    outputs = predict(model, x)
    assert not model.training
    assert not outputs.requires_grad
    assert torch.equal(outputs, predict(model, x))


@pytest.mark.parametrize(
    ("cuda", "mps", "expected"),
    [(True, False, "cuda"), (True, True, "cuda"), (False, True, "mps"), (False, False, "cpu")],
)
def test_best_device(monkeypatch: pytest.MonkeyPatch, cuda: bool, mps: bool, expected: str) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
    assert best_device().type == expected


# --- Archivos -------------------------------------------------------------------------------------------------------

executed: list[str] = []


def record(text: str) -> str:
    executed.append(text)
    return text


class Surprise:
    def __reduce__(self) -> tuple[Callable, tuple]:
        return record, ("abierto",)


def test_weights_go_and_come_back(tmp_path: Path) -> None:
    model, other = network(nn.Module, nn.Linear), network(nn.Module, nn.Linear)
    with torch.no_grad():
        for p in other.parameters():
            p.zero_()
    save_weights(model, tmp_path / "pesos.pt")
    load_weights(other, tmp_path / "pesos.pt")
    assert torch.equal(flat(model), flat(other))


def test_code_in_a_file_does_not_run(tmp_path: Path) -> None:
    path = tmp_path / "ajeno.pt"
    torch.save({"weight": torch.ones(2), "extra": Surprise()}, path)
    executed.clear()
    with pytest.raises(ValueError, match=r"«ajeno\.pt» está dañado o trae código"):
        load_weights(nn.Linear(2, 1), path)
    assert executed == []
    torch.load(path, weights_only=False)
    assert executed == ["abierto"]  # la trampa funciona


def test_bad_weight_files_are_explained(tmp_path: Path) -> None:
    model, path = nn.Linear(2, 1), tmp_path / "malo.pt"
    before = flat(model).clone()
    with pytest.raises(FileNotFoundError, match=r"«malo\.pt» no existe"):
        load_weights(model, path)
    contents: list[tuple[object, str]] = [
        ([1, 2], "diccionario de tensores"),
        ({"weight": 3}, "diccionario de tensores"),
        ({"weight": torch.ones(1, 2)}, "falta bias"),
        (dict(nn.Linear(2, 1).state_dict(), extra=torch.ones(1)), "sobra extra"),
        (nn.Linear(3, 1).state_dict(), r"weight tiene forma \(1, 2\) en el modelo y \(1, 3\) en el archivo"),
    ]
    for content, message in contents:
        torch.save(content, path)
        with pytest.raises(ValueError, match=message):
            load_weights(model, path)
    save_weights(model, path)
    whole = path.read_bytes()
    for damaged in (b"", b"hola", whole[: len(whole) // 2]):
        path.write_bytes(damaged)
        with pytest.raises(ValueError, match="dañado o trae código"):
            load_weights(model, path)
    assert torch.equal(flat(model), before)


shapes = st.lists(st.integers(0, 4), max_size=3)


@settings(max_examples=25)
@given(
    named=st.dictionaries(st.text(min_size=1, max_size=8), st.tuples(st.sampled_from(list(DTYPES)), shapes), max_size=4)
)
def test_safetensors_round_trip(
    tmp_path_factory: pytest.TempPathFactory, named: dict[str, tuple[str, list[int]]]
) -> None:
    path = tmp_path_factory.mktemp("st") / "x.safetensors"
    tensors = {
        name: (10 * torch.randn(shape, dtype=torch.float64)).to(DTYPES[dtype])
        for name, (dtype, shape) in named.items()
        if name != "__metadata__"
    }
    write_safetensors(tensors, path)
    back = read_safetensors(path)
    assert list(back) == list(tensors)
    for name, tensor in tensors.items():
        assert back[name].dtype == tensor.dtype
        assert torch.equal(back[name], tensor)
    size = int.from_bytes(path.read_bytes()[:8], "little")
    assert size % 8 == 0
    assert json.loads(path.read_bytes()[8 : 8 + size]).keys() == tensors.keys()


def test_views_are_written_in_order(tmp_path: Path) -> None:
    weight = torch.arange(6.0).reshape(2, 3).requires_grad_()
    write_safetensors({"w": weight.T, "columna": weight[:, 1]}, tmp_path / "x")
    back = read_safetensors(tmp_path / "x")
    torch.testing.assert_close(
        back, {"w": weight.detach().T.contiguous(), "columna": weight.detach()[:, 1].contiguous()}
    )


# Lo que escribe la biblioteca safetensors 0.8.0 con metadatos, tres tipos y un tensor sin ejes.
REFERENCE = base64.b64decode(
    "0AAAAAAAAAB7Il9fbWV0YWRhdGFfXyI6eyJsaWJybyI6InPDrSJ9LCJzdGVwcyI6eyJkdHlwZSI6Ikk2NCIsInNoYXBlIjpbXSwiZGF0YV9vZm"
    "ZzZXRzIjpbMCw4XX0sIndlaWdodCI6eyJkdHlwZSI6IkYzMiIsInNoYXBlIjpbMiwzXSwiZGF0YV9vZmZzZXRzIjpbOCwzMl19LCJtYXNrIjp7"
    "ImR0eXBlIjoiQk9PTCIsInNoYXBlIjpbMl0sImRhdGFfb2Zmc2V0cyI6WzMyLDM0XX19BwAAAAAAAAAAAAAAAACAPgAAAD8AAEA/AACAPwAAoD"
    "8BAA=="
)


def test_reads_what_the_library_writes(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(REFERENCE)
    expected = {
        "steps": torch.tensor(7),
        "weight": torch.arange(6.0).reshape(2, 3) / 4,
        "mask": torch.tensor([True, False]),
    }
    torch.testing.assert_close(read_safetensors(tmp_path / "x"), expected)


def entry(**changes: object) -> bytes:
    """Un archivo con un tensor de dos float32 y lo que se cambie en su índice."""
    header = json.dumps({"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]} | changes}).encode()
    return len(header).to_bytes(8, "little") + header + bytes(8)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"PK\x03\x04 esto es un zip",
        entry()[:-1],
        entry(dtype="X8"),
        entry(shape=[3]),
        entry(data_offsets=[-8, 0]),
        entry(data_offsets=[8, 0]),
        entry(data_offsets=[0]),
        (2**40).to_bytes(8, "little") + b"{'a': 1}",
        (2).to_bytes(8, "little") + b"[]",
    ],
)
def test_bad_safetensors_are_explained(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "malo.safetensors"
    path.write_bytes(entry())
    assert torch.equal(read_safetensors(path)["a"], torch.zeros(2))
    path.write_bytes(data)
    with pytest.raises(ValueError, match=r"«malo\.safetensors» no lo es"):
        read_safetensors(path)


@pytest.mark.parametrize(
    ("action", "error", "message"),
    [
        (lambda: Linear(0, 3), ValueError, "in_features y out_features deben ser 1 o más; se recibió 0 y 3"),
        (lambda: Module()(torch.ones(1)), NotImplementedError, "Module debe definir forward"),
        (lambda: SGD([], lr=0.1), ValueError, "hace falta algún parámetro y lr > 0; hay 0"),
        (lambda: SGD([torch.ones(1)], lr=0.0), ValueError, "hay 1 y lr=0.0"),
        (lambda: ShiftedDigits(torch.ones(3, 4), torch.zeros(3).long()), ValueError, r"tienen \(3, 4\) y \(3,\)"),
        (lambda: ShiftedDigits(torch.ones(3, 1, 4, 4), torch.zeros(2).long()), ValueError, r"\(3, 1, 4, 4\) y \(2,\)"),
        (lambda: ShiftedDigits(torch.ones(1, 1, 4, 4), torch.zeros(1).long(), shift=-1), ValueError, "se recibió -1"),
        (
            lambda: fit(nn.Linear(1, 1), batches(), F.mse_loss, SGD([torch.ones(1)], lr=1.0), epochs=0),
            ValueError,
            "epochs debe ser 1 o más; se recibió 0",
        ),
        (
            lambda: write_safetensors({"z": torch.ones(1, dtype=torch.complex64)}, "x"),
            ValueError,
            "'z' es torch.complex64",
        ),
    ],
)
def test_bad_input_is_explained(action: Callable[[], object], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        action()


# --- Ejercicios -----------------------------------------------------------------------------------------------------


def crossings(*changes: tuple[int, object]) -> list[object]:
    answers: list[object] = [expected for _, expected, _ in CROSSINGS]
    for position, value in changes:
        answers[position] = value
    return answers


def test_crossings_are_what_pytorch_does() -> None:
    a = np.ones(3)
    scope = {"a": a, "t": torch.from_numpy(a), "w": torch.ones(3, requires_grad=True), "torch": torch}
    sources = (a, scope["w"].detach().numpy())  # type: ignore[attr-defined]
    for expression, expected, _ in CROSSINGS:
        try:
            result = eval(expression.strip("`"), scope)
        except (RuntimeError, ValueError):
            assert expected == "error", expression
        else:
            array = result.detach().numpy() if isinstance(result, Tensor) else result
            shared = any(np.shares_memory(array, source) for source in sources)
            assert expected == ("comparte" if shared else "copia"), expression


def gradient(f: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    point = x.detach().clone().requires_grad_()
    return torch.autograd.grad(f(point), point)[0]


def gradient_in_x(f: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    x.requires_grad_()
    f(x).backward()
    return x.grad  # type: ignore[return-value]


def gradient_backward(f: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    point = x.detach().clone().requires_grad_()
    f(point).backward()
    return point.grad  # type: ignore[return-value]


def gradient_twice(f: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    return gradient(lambda v: f(v) + f(v), x)


def gradient_moves_x(f: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    result = gradient(f, x)
    x.data -= result
    return result


def gradient_with_graph(f: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    return gradient(f, x).requires_grad_()


class Windows(Dataset):
    """La respuesta, con piezas que las equivocadas cambian."""

    extra, dtype, ahead = 0, torch.float32, 0

    def __init__(self, series: np.ndarray, width: int) -> None:
        self.series, self.width = torch.tensor(series, dtype=self.dtype), width

    def __len__(self) -> int:
        return len(self.series) - self.width + self.extra

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        end = index + self.width
        return self.series[index:end], self.series[end + self.ahead]


def windows(**changes: object) -> type:
    return type("MisVentanas", (Windows,), changes)


class InPlace(Windows):
    def __init__(self, series: np.ndarray, width: int) -> None:
        super().__init__(series, width)
        series[:] = 0


Loss = Callable[[Tensor, Tensor], Tensor]


def epoch_steps(
    model: nn.Module,
    loader: DataLoader,
    loss_fn: Loss,
    optimizer: torch.optim.Optimizer,
    *,
    mode: bool = True,
    clear: bool = True,
    step: bool = True,
    sign: int = 1,
) -> Iterator[tuple[Tensor, int]]:
    model.train(mode)
    for x, y in loader:
        if clear:
            optimizer.zero_grad()
        loss = loss_fn(model(x), y)
        (sign * loss).backward()
        if step:
            optimizer.step()
        yield loss, len(y)


def epoch(*arguments: object, **options: object) -> float:
    pairs = [(loss.item(), n) for loss, n in epoch_steps(*arguments, **options)]  # type: ignore[arg-type]
    return float(np.average([loss for loss, _ in pairs], weights=[n for _, n in pairs]))


def epoch_with(summary: Callable[[list[Tensor], list[int]], object], **options: object) -> Callable[..., object]:
    def answer(*arguments: object) -> object:
        losses, sizes = zip(*epoch_steps(*arguments, **options), strict=True)  # type: ignore[arg-type]
        return summary(list(losses), list(sizes))

    return answer


def numbers(losses: list[Tensor]) -> np.ndarray:
    return np.array([loss.item() for loss in losses])


def audit(data: bytes) -> set[str]:
    return {str(arg).replace(" ", ".") for op, arg, _ in pickletools.genops(data) if op.name == "GLOBAL"}


def audit_by_loading(data: bytes) -> set[str]:
    pickle.loads(data)
    return audit(data)


def audit_and_fail(data: bytes) -> set[str]:
    pickle.loads(data)
    raise RuntimeError


def first_only(data: bytes) -> set[str]:
    found = [str(arg).replace(" ", ".") for op, arg, _ in pickletools.genops(data) if op.name == "GLOBAL"]
    return set(found[:1])


def audit_texts(data: bytes) -> set[str]:
    texts = {str(arg) for op, arg, _ in pickletools.genops(data) if isinstance(arg, str)}
    return {text.replace(" ", ".") for text in texts if " " in text}


class Classifier(nn.Module):
    """Un modelo de pingüinos con las piezas que las respuestas equivocadas cambian."""

    def __init__(self, mean: Tensor, std: Tensor, *, scale: str = "buffer", dropout: float = 0.0) -> None:
        super().__init__()
        self.scale = scale
        if scale == "buffer":
            self.register_buffer("mean", mean)
            self.register_buffer("std", std)
        else:
            self.mean, self.std = mean, std
        self.net = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Dropout(dropout), nn.Linear(16, 3))

    def forward(self, x: Tensor) -> Tensor:
        if self.scale == "lote":
            x = (x - x.mean(0)) / (x.std(0) + 1e-6)
        elif self.scale != "nada":
            x = (x - self.mean) / self.std
        return self.net(x)


def penguins(*, mode: bool = False, **options: object) -> Callable[[np.ndarray, np.ndarray], nn.Module]:
    def answer(x: np.ndarray, y: np.ndarray) -> nn.Module:
        torch.manual_seed(0)
        inputs, targets = torch.tensor(x, dtype=torch.float32), torch.as_tensor(y)
        model = Classifier(inputs.mean(0), inputs.std(0), **options)  # type: ignore[arg-type]
        loader = DataLoader(TensorDataset(inputs, targets), batch_size=32, shuffle=True)
        fit(model, loader, F.cross_entropy, torch.optim.Adam(model.parameters(), lr=0.01), epochs=20)
        return model.train(mode)

    return answer


def changes_measures(x: np.ndarray, y: np.ndarray) -> nn.Module:
    x -= x.mean(axis=0)
    return nn.Linear(4, 3)


def sized_by_data(x: np.ndarray, y: np.ndarray) -> nn.Module:
    model = penguins()(x, y)
    model.register_buffer("datos", torch.tensor(x))
    return model


RIGHT: dict[str, list[object]] = {
    "puente": [crossings(), tuple(f" {str(word).upper()}" for word in crossings())],
    "gradiente": [gradient, lambda f, x: torch.func.grad(f)(x.detach()).detach()],
    "ventanas": [
        Windows,
        lambda series, width: TensorDataset(
            torch.tensor(series).float().unfold(0, width, 1)[:-1], torch.tensor(series).float()[width:]
        ),
    ],
    "epoca": [
        epoch,
        epoch_with(lambda losses, n: sum(a.detach() * k for a, k in zip(losses, n, strict=True)) / sum(n)),
    ],
    "auditoria": [audit, lambda data: sorted(audit(data))],
    "proyecto": [penguins(), penguins(dropout=0.2)],
}

WRONG: dict[str, list[tuple[object, str]]] = {
    "puente": [
        (crossings((0, "comparte")), "`torch.tensor` copia siempre"),
        (crossings((1, "copia")), "ni el puente ni un tramo"),
        (crossings((2, "copia")), "`t` ya es float64"),
        (crossings((3, "comparte")), "pasar a float32 escribe números nuevos"),
        (crossings((4, "comparte")), "no corta el grafo sin que lo pidas"),
        (crossings((5, "error")), "los números son los mismos"),
        (crossings((6, "comparte")), "tiene un paso negativo"),
        (crossings((3, 7)), "responde «comparte», «copia» o «error»"),
        (crossings()[:2], "una lista de 7 palabras; tiene 2"),
    ],
    "gradiente": [
        (gradient_in_x, "Has dejado huella en x"),
        (gradient_backward, "Los parámetros de f tienen ahora un `.grad`"),
        (gradient_twice, "Es el doble"),
        (gradient_moves_x, "Has cambiado los números de x"),
        (gradient_with_graph, "aún pertenece a un grafo"),
        (lambda f, x: torch.zeros_like(x), "No es el gradiente"),
        (lambda f, x: gradient(f, x).numpy(), "fuera un tensor"),
        (lambda f, x: f(x.detach()).detach(), "el gradiente tuviera forma"),
    ],
    "ventanas": [
        (windows(__len__=lambda self: len(self.series)), "no tienen ventana entera"),
        (windows(extra=1), "Cuentas una ventana de más"),
        (windows(extra=-1), "Se esperaban 2 ejemplos"),
        (windows(dtype=torch.float64), "Se esperaban tensores float32"),
        (windows(ahead=-1), "La etiqueta es el último valor"),
        (
            windows(__getitem__=lambda self, i: (self.series[1 : 1 + self.width], self.series[i + self.width])),
            "La ventana 0 no empieza en 0",
        ),
        (
            windows(__getitem__=lambda self, i: (self.series[i : i + self.width], self.series[0])),
            "no es el valor siguiente",
        ),
        (windows(__getitem__=lambda self, i: self.series[i : i + self.width]), "fuera una pareja"),
        (
            windows(
                __getitem__=lambda self, i: (
                    self.series[i : i + self.width],
                    self.series[i + self.width : i + self.width + 1],
                )
            ),
            "el valor siguiente tuviera forma",
        ),
        (windows(__getitem__=lambda self, i: (self.series[i].item(), 1.0)), "la ventana fuera un tensor"),
        (InPlace, "Has modificado la serie"),
        (lambda series, width: list(series), "no tienen ventana entera"),
        (lambda series, width: 3.0, "con `__len__`"),
    ],
    "epoca": [
        (lambda *a: epoch(*a, clear=False), "falta `optimizer.zero_grad()`"),
        (lambda *a: epoch(*a, mode=False), "falta `model.train()`"),
        (lambda *a: epoch(*a, step=False), "¿falta `optimizer.step()`?"),
        (lambda *a: epoch(*a, sign=-1), "Los parámetros no terminan donde deben"),
        (lambda *a: epoch(*a) + epoch(*a), "una época son"),
        (epoch_with(lambda losses, n: numbers(losses).mean()), "Promedias los lotes por igual"),
        (epoch_with(lambda losses, n: numbers(losses).sum()), "Sumas las pérdidas"),
        (epoch_with(lambda losses, n: numbers(losses)[-1]), "la pérdida del último lote"),
        (epoch_with(lambda losses, n: (numbers(losses) * n).sum()), "Falta dividir"),
        (epoch_with(lambda losses, n: numbers(losses).sum() / sum(n)), "multiplícala por su tamaño"),
        (
            epoch_with(lambda losses, n: sum(a * k for a, k in zip(losses, n, strict=True)) / sum(n)),
            "arrastra el grafo",
        ),
        (epoch_with(lambda losses, n: 1.5), "Se esperaba una media de"),
        (lambda *a: 0.0, "No has llamado al modelo"),
    ],
    "auditoria": [
        (audit_by_loading, "Has abierto el pickle"),
        (audit_and_fail, "Has abierto el pickle"),
        (first_only, "recorre el pickle hasta el final"),
        (audit_texts, "un texto guardado no es una instrucción"),
        (lambda data: {arg for op, arg, _ in pickletools.genops(data) if op.name == "GLOBAL"}, "unir con un punto"),
        (lambda data: set(), "Falta «"),
        (lambda data: 3, "un conjunto de textos"),
    ],
    "proyecto": [
        (penguins(scale="atributos"), "algo no viajó en el archivo"),
        (penguins(scale="nada"), "¿Estandarizas las medidas?"),
        (penguins(scale="lote"), "dependen de los demás del lote"),
        (penguins(dropout=0.5, mode=True), "devuelve el modelo en modo `eval()`"),
        (changes_measures, "Has modificado las medidas"),
        (sized_by_data, "no se puede cargar en otro"),
        (lambda x, y: nn.Identity(), "El modelo no tiene parámetros"),
        (lambda x, y: nn.Linear(4, 2), "la salida del modelo tuviera forma"),
        (lambda x, y: Linear(4, 3), "Se esperaba un nn.Module"),
    ],
}


(
    test_right_answers_pass,
    test_each_mistake_gets_its_message,
    test_every_exercise_has_right_and_wrong_answers,
) = exercise_tests(comprobar, RIGHT, WRONG)


def test_lists_with_blanks_are_pending() -> None:
    verdict = comprobar.check("puente", crossings((1, ...)))
    assert verdict.status == "pendiente"
    assert "faltan las respuestas 2" in verdict.message
