"""El bucle de entrenamiento del libro: un bucle que se puede recitar, y ganchos para todo lo demás.

``Trainer`` recorre épocas y lotes. Lo que no es el bucle (guardar el mejor modelo, cambiar la tasa de aprendizaje,
dibujar una barra de progreso) va en subclases de ``Callback``, cuyos métodos se llaman siempre en los mismos lugares.
La idea viene de Howard y Gugger (2020), *fastai: A Layered API for Deep Learning*; aquí no hay atributos implícitos.
"""

import copy
import os
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import torch
from IPython.core.getipython import get_ipython
from IPython.display import DisplayHandle
from jaxtyping import Float, Int, Shaped
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset
from tqdm.std import tqdm

from profundo.comun.datos import Split
from profundo.comun.semillas import seed_everything

History = dict[str, list[float]]  # una lista por medida, con un valor por época: «train_loss», «val_accuracy»…
Metric = Callable[[Tensor, Tensor], Tensor]  # (salidas, etiquetas) → promedio del lote, un tensor sin dimensiones


class Callback:
    """Ganchos del bucle de entrenamiento. Una subclase redefine los que necesita; los demás no hacen nada."""

    def on_fit_start(self, trainer: "Trainer", total_steps: int) -> None:
        """Antes de la primera época; ``total_steps`` son los pasos del optimizador que se van a dar."""

    def on_epoch_start(self, trainer: "Trainer") -> None:
        """Al empezar la época ``trainer.epoch``, que cuenta desde 1."""

    def on_batch_end(self, trainer: "Trainer", loss: Float[Tensor, ""]) -> None:
        """Después de cada paso del optimizador, con la pérdida del lote."""

    def on_epoch_end(self, trainer: "Trainer", record: Mapping[str, float]) -> None:
        """Al terminar cada época, con sus medidas; ``trainer.should_stop = True`` detiene el entrenamiento."""

    def on_fit_end(self, trainer: "Trainer") -> None:
        """Al final, también si el entrenamiento se interrumpe o falla."""


class Trainer:
    """Entrena un modelo que recibe ``x`` y se compara con ``y``.

    Args:
        model: la red; se entrena en el dispositivo donde están sus parámetros.
        loss_fn: ``(salidas, y)`` → pérdida promedio del lote.
        optimizer: un optimizador sobre los parámetros de ``model``.
        metrics: medidas que se promedian junto a la pérdida, por nombre.
        callbacks: ganchos, que se llaman en este orden.

    Attributes:
        epoch: épocas empezadas desde que existe el entrenador; ``fit`` puede llamarse varias veces.
        history: las medidas de cada época.
        should_stop: un gancho lo pone en ``True`` para no empezar otra época.
    """

    def __init__(
        self,
        model: nn.Module,
        loss_fn: Metric,
        optimizer: torch.optim.Optimizer,
        *,
        metrics: Mapping[str, Metric] | None = None,
        callbacks: Iterable[Callback] = (),
    ) -> None:
        self.model, self.loss_fn, self.optimizer = model, loss_fn, optimizer
        self.metrics = dict(metrics or {})
        self.callbacks = list(callbacks)
        self.epoch = 0
        self.history: History = {}
        self.should_stop = False

    def fit(self, train_loader: DataLoader, val_loader: DataLoader | None = None, *, epochs: int) -> History:
        """Entrena ``epochs`` épocas más y devuelve ``history``.

        Raises:
            ValueError: si ``epochs`` no es positivo.
        """
        if epochs < 1:
            raise ValueError(f"epochs debe ser un entero positivo; se recibió {epochs}")
        self.should_stop = False
        for callback in self.callbacks:
            callback.on_fit_start(self, epochs * len(train_loader))
        try:
            for _ in range(epochs):
                self.epoch += 1
                for callback in self.callbacks:
                    callback.on_epoch_start(self)
                record = {f"train_{name}": value for name, value in self.train_epoch(train_loader).items()}
                if val_loader is not None:
                    record |= {f"val_{name}": value for name, value in self.evaluate(val_loader).items()}
                for name, value in record.items():
                    self.history.setdefault(name, []).append(value)
                for callback in self.callbacks:
                    callback.on_epoch_end(self, record)
                if self.should_stop:
                    break
        finally:
            for callback in self.callbacks:
                callback.on_fit_end(self)
        return self.history

    def train_epoch(self, loader: DataLoader) -> dict[str, float]:
        """Un paso del optimizador por lote; devuelve las medidas promediadas mientras los pesos cambian."""
        self.model.train()
        averages = _Averages()
        for x, y in self._on_device(loader):
            self.optimizer.zero_grad()
            outputs = self.model(x)
            loss = self.loss_fn(outputs, y)
            loss.backward()
            self.optimizer.step()
            averages.add(self._measure(outputs.detach(), y, loss.detach()), len(y))
            for callback in self.callbacks:
                callback.on_batch_end(self, loss.detach())
        return averages.result()

    @torch.no_grad()
    def evaluate(self, loader: DataLoader) -> dict[str, float]:
        """Las medidas sobre ``loader``, sin derivar y con el modelo en modo de evaluación, en el que se queda."""
        self.model.eval()
        averages = _Averages()
        for x, y in self._on_device(loader):
            outputs = self.model(x)
            averages.add(self._measure(outputs, y, self.loss_fn(outputs, y)), len(y))
        return averages.result()

    def _measure(self, outputs: Tensor, y: Tensor, loss: Tensor) -> dict[str, Tensor]:
        return {"loss": loss} | {name: metric(outputs, y) for name, metric in self.metrics.items()}

    def _on_device(self, loader: DataLoader) -> Iterable[tuple[Tensor, Tensor]]:
        device = next(self.model.parameters()).device
        return ((x.to(device), y.to(device)) for x, y in loader)


class _Averages:
    """Promedios ponderados por el tamaño del lote. Suma tensores: leerlos en cada lote frenaría a una GPU."""

    def __init__(self) -> None:
        self.sums: dict[str, Tensor] = {}
        self.count = 0

    def add(self, values: Mapping[str, Tensor], n: int) -> None:
        for name, value in values.items():
            self.sums[name] = self.sums[name].add_(value, alpha=n) if name in self.sums else n * value
        self.count += n

    def result(self) -> dict[str, float]:
        return {name: total.item() / self.count for name, total in self.sums.items()}


class KeepBest(Callback):
    """Al terminar, devuelve al modelo los pesos de la época con mejor ``monitor``.

    Con ``mode="min"`` es mejor la menor, como en ``"val_loss"``; con ``"max"``, la mayor.
    """

    def __init__(self, monitor: str = "val_loss", mode: Literal["min", "max"] = "min") -> None:
        if mode not in ("min", "max"):
            raise ValueError(f"mode debe ser 'min' o 'max'; se recibió {mode!r}")
        self.monitor, self.sign = monitor, 1 if mode == "min" else -1
        self.best_epoch: int | None = None
        self._best_score = float("inf")
        self._best_state: dict[str, Any] | None = None

    def on_epoch_end(self, trainer: Trainer, record: Mapping[str, float]) -> None:
        if self.monitor not in record:
            raise ValueError(f"monitor debe ser una de {', '.join(record)}; se recibió {self.monitor!r}")
        score = self.sign * record[self.monitor]
        if score < self._best_score:
            self._best_score, self.best_epoch = score, trainer.epoch
            self._best_state = copy.deepcopy(trainer.model.state_dict())

    def on_fit_end(self, trainer: Trainer) -> None:
        if self._best_state is not None:
            trainer.model.load_state_dict(self._best_state)


class OneCycle(Callback):
    """Sube la tasa de aprendizaje hasta ``max_lr`` y la baja casi a cero, en un solo ciclo (Smith y Topin, 2019)."""

    def __init__(self, max_lr: float) -> None:
        self.max_lr = max_lr

    def on_fit_start(self, trainer: Trainer, total_steps: int) -> None:
        self.scheduler = torch.optim.lr_scheduler.OneCycleLR(trainer.optimizer, self.max_lr, total_steps)

    def on_batch_end(self, trainer: Trainer, loss: Float[Tensor, ""]) -> None:
        self.scheduler.step()


class ProgressBar(Callback):
    """Barra de progreso en una terminal o en un cuaderno abierto. Al terminar desaparece sin dejar salida.

    No se muestra si la salida no es interactiva o si la variable de entorno ``PROFUNDO_PROGRESO`` vale ``0``.
    """

    def on_fit_start(self, trainer: Trainer, total_steps: int) -> None:
        notebook = hasattr(get_ipython(), "kernel")
        silent = os.environ.get("PROFUNDO_PROGRESO") == "0" or not (notebook or sys.stderr.isatty())
        file = _NotebookLine() if notebook and not silent else None
        self.bar = tqdm(total=total_steps, file=file, disable=silent, leave=False, unit="lote", ncols=80)

    def on_epoch_start(self, trainer: Trainer) -> None:
        self.bar.set_description(f"época {trainer.epoch}", refresh=False)

    def on_batch_end(self, trainer: Trainer, loss: Float[Tensor, ""]) -> None:
        self.bar.update()

    def on_fit_end(self, trainer: Trainer) -> None:
        self.bar.close()


class _NotebookLine:
    """Un archivo de una sola línea en el cuaderno: cada escritura reemplaza a la anterior y una en blanco la borra."""

    encoding = "utf-8"  # sin ella, tqdm dibuja la barra con almohadillas

    def __init__(self) -> None:
        self.handle = DisplayHandle()
        self.handle.display({}, raw=True)

    def write(self, text: str) -> None:
        if text:
            self.handle.update({"text/plain": text.strip()} if text.strip() else {}, raw=True)

    def flush(self) -> None:
        """No hay nada pendiente de escribir."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Lo que hay que anotar para repetir un entrenamiento."""

    epochs: int
    batch_size: int
    lr: float
    seed: int = 0


def accuracy(logits: Float[Tensor, "n k"], y: Int[Tensor, "n"]) -> Float[Tensor, ""]:
    """Fracción de ejemplos cuya clase de mayor puntaje es la correcta."""
    return (logits.argmax(1) == y).float().mean()


def make_loader(
    x: Shaped[Tensor, "n ..."], y: Shaped[Tensor, "n ..."], *, batch_size: int, shuffle_seed: int | None = None
) -> DataLoader:
    """Lotes de ``(x, y)`` en orden o, con ``shuffle_seed``, barajados de nuevo en cada época.

    El generador es propio: ni el orden depende de otros números al azar del programa ni los altera.
    """
    generator = torch.Generator().manual_seed(shuffle_seed or 0)
    return DataLoader(TensorDataset(x, y), batch_size, shuffle=shuffle_seed is not None, generator=generator)


def train_classifier(
    build: Callable[[], nn.Module],
    data: Split[Tensor],
    settings: Settings,
    *,
    loss_fn: Metric = F.cross_entropy,
    callbacks: Iterable[Callback] = (),
) -> tuple[nn.Module, History]:
    """Construye un clasificador y lo entrena con Adam y un ciclo de la tasa de aprendizaje.

    No mira la parte de prueba. La semilla fija los pesos iniciales y el orden de los lotes: en la misma máquina, el
    resultado se repite bit a bit. Devuelve el modelo y las medidas de cada época.
    """
    seed_everything(settings.seed)
    model = build()
    trainer = Trainer(
        model,
        loss_fn,
        torch.optim.Adam(model.parameters()),
        metrics={"accuracy": accuracy},
        callbacks=[OneCycle(settings.lr), ProgressBar(), *callbacks],
    )
    history = trainer.fit(
        make_loader(data.x_train, data.y_train, batch_size=settings.batch_size, shuffle_seed=settings.seed),
        make_loader(data.x_val, data.y_val, batch_size=500),
        epochs=settings.epochs,
    )
    return model, history


@torch.no_grad()
def predict(model: nn.Module, x: Shaped[Tensor, "n ..."], *, batch_size: int = 500) -> Float[Tensor, "n ..."]:
    """Las salidas del modelo en modo de evaluación, sin derivar y por lotes para no llenar la memoria."""
    model.eval()
    return torch.cat([model(part) for part in x.split(batch_size)])
