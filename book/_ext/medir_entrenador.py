"""Mide lo que cuesta el entrenador de ``fundamentos/bucle_de_entrenamiento`` en una época de MNIST, con LeNet y un MLP.

Lo compara con el bucle desnudo y con el mismo trabajo en Keras 3 (sobre PyTorch), Lightning y skorch, que se instalan
en un entorno aparte, ``_build/herramientas/entrenadores``. Todos promedian pérdida y exactitud con los mismos lotes;
ninguno valida, guarda ni dibuja. Las épocas se alternan y se cuenta tiempo de procesador de un solo hilo, para que lo
que haga el resto de la máquina afecte a todos por igual y poco.

Uso: ``make bench`` o ``python book/_ext/medir_entrenador.py [repeticiones]``.
"""

import os

os.environ.update(OMP_NUM_THREADS="1", MKL_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", KERAS_BACKEND="torch")

import logging
import subprocess
import sys
import sysconfig
import time
import venv
import warnings
from collections.abc import Callable
from functools import partial
from importlib import import_module
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from profundo.comun.datos import split_mnist
from profundo.comun.lotes import make_loader
from profundo.comun.semillas import seed_everything
from profundo.convolucionales.lenet import LeNet, build_mlp
from profundo.fundamentos.bucle_de_entrenamiento import Trainer, accuracy

ROOT = Path(__file__).resolve().parents[2]
TOOLS = ROOT / "_build" / "herramientas" / "entrenadores"
OTHERS = {"Keras 3": "keras", "Lightning": "lightning", "skorch": "skorch"}
BATCH, REPETITIONS, WARM_UP = 64, 31, 2
BARE, MEASURED, OURS = "bucle desnudo", "desnudo con medidas", "entrenador del libro"
NETS: dict[str, Callable[[], nn.Module]] = {"MLP": partial(build_mlp, 61_706), "LeNet": LeNet}
Epoch = Callable[[], float]  # entrena una época y devuelve los segundos de procesador que tardó


def timed(run: Callable[[], object]) -> Epoch:
    """``run`` con su tiempo."""

    def epoch() -> float:
        started = time.process_time()
        run()
        return time.process_time() - started

    return epoch


class Stopwatch:
    """Mide solo la época, sin la preparación que cada biblioteca hace alrededor."""

    def start(self, *_: object, **__: object) -> None:
        self.started = time.process_time()

    def stop(self, *_: object, **__: object) -> None:
        self.seconds = time.process_time() - self.started


def adam(model: nn.Module) -> torch.optim.Adam:
    """El optimizador de todos."""
    return torch.optim.Adam(model.parameters(), lr=1e-3)


def with_bare_loop(name: str, x: Tensor, y: Tensor, *, measure: bool) -> Epoch:
    """Las cinco líneas y, con ``measure``, las sumas de la pérdida y de la exactitud."""
    model = NETS[name]()
    optimizer, loader = adam(model), make_loader(x, y, batch_size=BATCH, shuffle_seed=0)

    def run() -> tuple[float, ...]:
        model.train()
        losses, hits, count = torch.zeros(()), torch.zeros(()), 0
        for inputs, labels in loader:
            optimizer.zero_grad()
            outputs = model(inputs)
            loss = F.cross_entropy(outputs, labels)
            loss.backward()
            optimizer.step()
            if measure:
                losses += loss.detach() * len(labels)
                hits += accuracy(outputs.detach(), labels) * len(labels)
                count += len(labels)
        return (losses.item() / count, hits.item() / count) if measure else ()

    return timed(run)


def with_trainer(name: str, x: Tensor, y: Tensor) -> Epoch:
    """El entrenador, sin ganchos."""
    model = NETS[name]()
    trainer = Trainer(model, F.cross_entropy, adam(model), metrics={"accuracy": accuracy})
    loader = make_loader(x, y, batch_size=BATCH, shuffle_seed=0)
    return timed(partial(trainer.fit, loader, epochs=1))


def with_keras(name: str, x: Tensor, y: Tensor) -> Epoch:
    """Las mismas capas en Keras, con ``fit``."""
    keras: Any = import_module("keras")

    keras.config.set_image_data_format("channels_first")
    layers = keras.layers
    flat, hidden = [layers.Flatten()], [120, 84]
    if name == "LeNet":
        flat = [
            *(layers.Conv2D(6, 5, padding="same", activation="relu"), layers.MaxPooling2D(2)),
            *(layers.Conv2D(16, 5, activation="relu"), layers.MaxPooling2D(2)),
            layers.Flatten(),
        ]
    else:
        hidden = [layer.out_features for layer in NETS[name]().modules() if isinstance(layer, nn.Linear)][:-1]
    dense = [layers.Dense(units, activation="relu") for units in hidden]
    model = keras.Sequential([layers.Input(x.shape[1:]), *flat, *dense, layers.Dense(10)])
    assert model.count_params() == sum(p.numel() for p in NETS[name]().parameters())
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(1e-3), loss, metrics=["accuracy"])
    watch = Stopwatch()
    hooks = [keras.callbacks.LambdaCallback(on_epoch_begin=watch.start, on_epoch_end=watch.stop)]
    inputs, labels = x.numpy(), y.numpy()

    def epoch() -> float:
        model.fit(inputs, labels, batch_size=BATCH, epochs=1, verbose=0, callbacks=hooks)
        return watch.seconds

    return epoch


def with_lightning(name: str, x: Tensor, y: Tensor) -> Epoch:
    """La misma red en un ``LightningModule``."""
    lightning: Any = import_module("lightning")

    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)

    class Module(lightning.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.net = NETS[name]()

        def training_step(self, batch: Any, _: int) -> Tensor:
            outputs = self.net(batch[0])
            loss = F.cross_entropy(outputs, batch[1])
            values = {"loss": loss, "accuracy": accuracy(outputs.detach(), batch[1])}
            self.log_dict(values, on_step=False, on_epoch=True, batch_size=len(batch[1]))
            return loss

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return adam(self)

    class Watch(lightning.Callback, Stopwatch):
        on_train_epoch_start, on_train_epoch_end = Stopwatch.start, Stopwatch.stop

    module, loader, watch = Module(), make_loader(x, y, batch_size=BATCH, shuffle_seed=0), Watch()

    def epoch() -> float:
        silent = ("enable_progress_bar", "enable_checkpointing", "enable_model_summary", "logger")
        options: dict[str, Any] = dict.fromkeys(silent, False)
        lightning.Trainer(max_epochs=1, accelerator="cpu", callbacks=[watch], **options).fit(module, loader)
        return watch.seconds

    return epoch


def with_skorch(name: str, x: Tensor, y: Tensor) -> Epoch:
    """La misma red en un ``NeuralNetClassifier``, con los lotes del libro."""
    skorch: Any = import_module("skorch")

    class Watch(skorch.callbacks.Callback, Stopwatch):
        on_epoch_begin, on_epoch_end = Stopwatch.start, Stopwatch.stop

    loader, watch = make_loader(x, y, batch_size=BATCH, shuffle_seed=0), Watch()
    scoring = skorch.callbacks.EpochScoring("accuracy", on_train=True, name="train_acc")
    net = skorch.NeuralNetClassifier(
        NETS[name],
        criterion=nn.CrossEntropyLoss,
        optimizer=torch.optim.Adam,
        lr=1e-3,
        max_epochs=1,
        iterator_train=lambda dataset, **_: loader,
        train_split=None,
        verbose=0,
        callbacks=[scoring, watch],
    )

    def epoch() -> float:
        net.partial_fit(x.numpy(), y.numpy())
        return watch.seconds

    return epoch


MAKERS: dict[str, Callable[[str, Tensor, Tensor], Epoch]] = {
    BARE: partial(with_bare_loop, measure=False),
    MEASURED: partial(with_bare_loop, measure=True),
    OURS: with_trainer,
    "Keras 3": with_keras,
    "Lightning": with_lightning,
    "skorch": with_skorch,
}


def measure(name: str, repetitions: int) -> dict[str, np.ndarray]:
    """Tiempo por paso, en µs, de cada época y cada implementación; el orden rota en cada repetición."""
    data = split_mnist()
    x, y = data.x_train, data.y_train
    available = {who: make for who, make in MAKERS.items() if who not in OTHERS or find_spec(OTHERS[who])}
    epochs = {who: make(name, x, y) for who, make in available.items()}
    seconds: dict[str, list[float]] = {who: [] for who in epochs}
    for repetition in range(repetitions + WARM_UP):
        order = list(epochs)[repetition % len(epochs) :] + list(epochs)[: repetition % len(epochs)]
        for who in order:
            elapsed = epochs[who]()
            if repetition >= WARM_UP:
                seconds[who].append(elapsed)
    steps = -(-len(x) // BATCH)
    return {who: 1e6 * np.array(values) / steps for who, values in seconds.items()}


def report(name: str, times: dict[str, np.ndarray]) -> None:
    """Medianas por paso y razones, repetición a repetición, con sus cuartiles."""
    print(f"{name}: {sum(p.numel() for p in NETS[name]().parameters())} parámetros")
    for who, values in times.items():
        line = f"  {who:<21}{np.median(values):7.0f} µs por paso"
        for base in (BARE, MEASURED):
            low, middle, high = 100 * (np.quantile(values / times[base], (0.25, 0.5, 0.75)) - 1)
            line += f"   {middle:+6.1f} % [{low:+.1f}, {high:+.1f}]"
        print(line)


def prepare() -> str:
    """Un intérprete que además ve las otras bibliotecas, o el actual si no se pueden instalar."""
    python = TOOLS / "bin" / "python"
    if not (TOOLS / "listo").exists():
        venv.create(TOOLS, clear=True, with_pip=True)
        site = sysconfig.get_path("purelib", vars={"base": str(TOOLS), "platbase": str(TOOLS)})
        # Lo que ya tiene el entorno del libro, PyTorch incluido, no se instala otra vez.
        here = sysconfig.get_path("purelib")
        Path(site, "libro.pth").write_text(f"import site; site.addsitedir({here!r})\n", encoding="utf-8")
        pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *OTHERS.values()]
        outcome = subprocess.run(pip, capture_output=True, text=True, check=False)
        if outcome.returncode:
            print(f"sin las otras bibliotecas, que no se instalaron:\n{outcome.stderr}", flush=True)
            return sys.executable
        (TOOLS / "listo").touch()
    return str(python)


def main() -> None:
    """Prepara el entorno, se vuelve a lanzar en él, mide e informa."""
    if "--aqui" not in sys.argv:
        environment = os.environ | {"PYTHONPATH": str(ROOT / "code"), "PROFUNDO_PROGRESO": "0"}
        command = [prepare(), __file__, "--aqui", *sys.argv[1:]]
        sys.exit(subprocess.run(command, env=environment, check=False).returncode)
    warnings.simplefilter("ignore")
    numbers = [int(argument) for argument in sys.argv[1:] if argument.isdecimal()]
    repetitions = numbers[0] if numbers else REPETITIONS
    versions = [f"{package} {version(package)}" for who, package in OTHERS.items() if find_spec(package)]
    print(f"una época de 3500 imágenes en lotes de {BATCH}, Adam, un hilo; mediana de {repetitions} épocas alternadas")
    print(f"PyTorch {torch.__version__}, {', '.join(versions) or 'sin otras bibliotecas'}")
    print(f"  {'':<38}{'sobre el desnudo':>22}{'sobre el que mide':>23}   [cuartiles]")
    for name in NETS:
        seed_everything(0)
        report(name, measure(name, repetitions))


if __name__ == "__main__":
    main()
