"""El bucle de entrenamiento del libro: un bucle que se puede recitar, y ganchos para todo lo demás.

``Trainer`` recorre épocas y lotes. Lo que no es el bucle (guardar el mejor modelo, cambiar la tasa de aprendizaje,
reanudar tras un corte) va en subclases de ``Callback``, cuyos métodos se llaman siempre en los mismos lugares. La idea
viene de Howard y Gugger (2020), *fastai: A Layered API for Deep Learning*; aquí no hay atributos implícitos.

Si ``torch.distributed`` está en marcha, el mismo bucle se reparte entre procesos con ``DistributedDataParallel``.
"""

import copy
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
from jaxtyping import Float, Int, Shaped
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import DataLoader

from profundo.comun.datos import Split
from profundo.comun.estado import State, capture, load_whole, restore, save_whole
from profundo.comun.lotes import Averages, align_buffers, check_equal_steps, make_loader, processes
from profundo.comun.progreso import open_bar
from profundo.comun.semillas import seed_everything

History = dict[str, list[float]]  # una lista por medida, con un valor por época: «train_loss», «val_accuracy»…
Metric = Callable[[Tensor, Tensor], Tensor]  # (salidas, etiquetas) → promedio del lote, un tensor sin dimensiones


class Callback:
    """Ganchos del bucle de entrenamiento. Una subclase redefine los que necesita; los demás no hacen nada."""

    saved: tuple[str, ...] = ()  # los atributos que debe conservar si el entrenamiento se reanuda

    def on_fit_start(self, trainer: "Trainer", total_steps: int) -> None:
        """Antes de la primera época; ``total_steps`` son los pasos del optimizador de todo el entrenamiento."""

    def on_epoch_start(self, trainer: "Trainer") -> None:
        """Al empezar la época ``trainer.epoch``, que cuenta desde 1."""

    def on_backward_end(self, trainer: "Trainer") -> None:
        """Con los gradientes recién calculados, antes de que el optimizador los use."""

    def on_batch_end(self, trainer: "Trainer", loss: Float[Tensor, ""]) -> None:
        """Después de cada paso del optimizador, con la pérdida del lote."""

    def on_epoch_end(self, trainer: "Trainer", record: Mapping[str, float]) -> None:
        """Al terminar cada época, con sus medidas; ``trainer.should_stop = True`` detiene el entrenamiento."""

    def on_fit_end(self, trainer: "Trainer") -> None:
        """Al final, también si el entrenamiento se interrumpe o falla."""

    def state_dict(self) -> State:
        return {name: getattr(self, name) for name in self.saved}

    def load_state_dict(self, state: State) -> None:
        vars(self).update(state)


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
        step: pasos dados en todas ellas.
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
        self.metrics, self.callbacks = dict(metrics or {}), list(callbacks)
        self.epoch, self.step, self.should_stop = 0, 0, False
        self.history: History = {}
        # Entre varios procesos, derivar promedia además los gradientes de todos.
        self.forward = DistributedDataParallel(model) if processes()[1] > 1 else model

    def fit(self, train_loader: DataLoader, val_loader: DataLoader | None = None, *, epochs: int) -> History:
        """Entrena ``epochs`` épocas más y devuelve ``history``.

        Raises:
            ValueError: si ``epochs`` no es positivo o lo que se reanuda ya pasó de la última época.
        """
        if epochs < 1:
            raise ValueError(f"epochs debe ser un entero positivo; se recibió {epochs}")
        check_equal_steps(len(train_loader), self.model)
        loaders = [loader for loader in (train_loader, val_loader) if loader is not None]
        self.generators = [loader.generator for loader in loaders if loader.generator is not None]
        self.should_stop, last = False, self.epoch + epochs
        self._call("on_fit_start", epochs * len(train_loader))
        if self.epoch > last:
            raise ValueError(f"epochs debe llegar a la época {self.epoch}, ya entrenada; llega a la {last}")
        try:
            while self.epoch < last and not self.should_stop:
                self.epoch += 1
                self._call("on_epoch_start")
                record = {f"train_{name}": value for name, value in self.train_epoch(train_loader).items()}
                if val_loader is not None:
                    record |= {f"val_{name}": value for name, value in self.evaluate(val_loader).items()}
                for name, value in record.items():
                    self.history.setdefault(name, []).append(value)
                self._call("on_epoch_end", record)
        finally:
            self._call("on_fit_end")
        return self.history

    def train_epoch(self, loader: DataLoader) -> dict[str, float]:
        """Un paso del optimizador por lote; devuelve las medidas promediadas mientras los pesos cambian."""
        self.model.train()
        averages = Averages()
        for x, y in self._on_device(loader):
            self.optimizer.zero_grad()
            outputs = self.forward(x)
            loss = self.loss_fn(outputs, y)
            loss.backward()
            self._call("on_backward_end")
            self.optimizer.step()
            self.step += 1
            averages.add(self._measure(outputs.detach(), y, loss.detach()), len(y))
            self._call("on_batch_end", loss.detach())
        return averages.result()

    @torch.no_grad()
    def evaluate(self, loader: DataLoader) -> dict[str, float]:
        """Las medidas sobre ``loader``, sin derivar y con el modelo en modo de evaluación, en el que se queda."""
        self.model.eval()
        align_buffers(self.model)
        averages = Averages()
        for x, y in self._on_device(loader):
            outputs = self.model(x)
            averages.add(self._measure(outputs, y, self.loss_fn(outputs, y)), len(y))
        return averages.result()

    def _call(self, hook: str, *arguments: object) -> None:
        for callback in self.callbacks:
            getattr(callback, hook)(self, *arguments)

    def _measure(self, outputs: Tensor, y: Tensor, loss: Tensor) -> dict[str, Tensor]:
        return {"loss": loss} | {name: metric(outputs, y) for name, metric in self.metrics.items()}

    def _on_device(self, loader: DataLoader) -> Iterable[tuple[Tensor, Tensor]]:
        device = next(self.model.parameters()).device
        return ((x.to(device), y.to(device)) for x, y in loader)


class KeepBest(Callback):
    """Al terminar, devuelve al modelo los pesos de la época con menor ``monitor`` o, con ``mode="max"``, mayor."""

    saved = ("best_epoch", "_best_score", "_best_weights")

    def __init__(self, monitor: str = "val_loss", mode: Literal["min", "max"] = "min") -> None:
        if mode not in ("min", "max"):
            raise ValueError(f"mode debe ser 'min' o 'max'; se recibió {mode!r}")
        self.monitor, self.sign = monitor, 1 if mode == "min" else -1
        self.best_epoch: int | None = None
        self._best_score = float("inf")
        self._best_weights: State | None = None

    def on_epoch_end(self, trainer: Trainer, record: Mapping[str, float]) -> None:
        if self.monitor not in record:
            raise ValueError(f"monitor debe ser una de {', '.join(record)}; se recibió {self.monitor!r}")
        score = self.sign * record[self.monitor]
        if score < self._best_score:
            self._best_score, self.best_epoch = score, trainer.epoch
            self._best_weights = copy.deepcopy(trainer.model.state_dict())

    def on_fit_end(self, trainer: Trainer) -> None:
        if self._best_weights is not None:
            trainer.model.load_state_dict(self._best_weights)


class OneCycle(Callback):
    """Sube la tasa de aprendizaje hasta ``max_lr`` y la baja casi a cero, en un solo ciclo (Smith y Topin, 2019)."""

    def __init__(self, max_lr: float) -> None:
        self.max_lr = max_lr

    def on_fit_start(self, trainer: Trainer, total_steps: int) -> None:
        self.scheduler = torch.optim.lr_scheduler.OneCycleLR(trainer.optimizer, self.max_lr, total_steps)

    def on_batch_end(self, trainer: Trainer, loss: Float[Tensor, ""]) -> None:
        self.scheduler.step()

    def state_dict(self) -> State:
        return self.scheduler.state_dict()

    def load_state_dict(self, state: State) -> None:
        if state["total_steps"] != self.scheduler.total_steps:
            raise ValueError(f"el ciclo guardado es de {state['total_steps']} pasos, no {self.scheduler.total_steps}")
        self.scheduler.load_state_dict(dict(state))


class Checkpoint(Callback):
    """Guarda el entrenamiento en ``path`` al terminar cada época y, si ``path`` existe al empezar, lo reanuda.

    Raises:
        ValueError: al empezar, si no es el último gancho o si ``path`` está dañado o es de otro entrenamiento.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)

    def on_fit_start(self, trainer: Trainer, total_steps: int) -> None:
        if trainer.callbacks[-1] is not self:
            raise ValueError("Checkpoint debe ser el último de callbacks: guarda también el estado de los anteriores")
        if trainer.step == 0 and self.path.exists():
            try:
                restore(trainer, load_whole(self.path))
            except ValueError as error:
                message = f"«{self.path}» no sirve para reanudar y queda intacto; apártalo para empezar de cero"
                raise ValueError(f"{message}: {error}") from error

    def on_epoch_end(self, trainer: Trainer, record: Mapping[str, float]) -> None:
        if processes()[0] == 0:
            save_whole(capture(trainer), self.path)


class ProgressBar(Callback):
    """Barra de progreso que al terminar desaparece; va antes que los ganchos que imprimen (véase ``open_bar``)."""

    def on_fit_start(self, trainer: Trainer, total_steps: int) -> None:
        self.bar, self.start = open_bar(total_steps, unit="lote"), trainer.step

    def on_epoch_start(self, trainer: Trainer) -> None:
        self.bar.set_description(f"época {trainer.epoch}", refresh=False)

    def on_batch_end(self, trainer: Trainer, loss: Float[Tensor, ""]) -> None:
        self.bar.update(trainer.step - self.start - self.bar.n)

    def on_epoch_end(self, trainer: Trainer, record: Mapping[str, float]) -> None:
        self.bar.clear()

    def on_fit_end(self, trainer: Trainer) -> None:
        self.bar.close()


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


def train_classifier(
    build: Callable[[], nn.Module],
    data: Split[Tensor],
    settings: Settings,
    *,
    loss_fn: Metric = F.cross_entropy,
    callbacks: Iterable[Callback] = (),
) -> tuple[nn.Module, History]:
    """Construye un clasificador y lo entrena con Adam y un ciclo de la tasa de aprendizaje, sin mirar la prueba.

    La semilla fija los pesos iniciales y el orden de los lotes: en la misma máquina, el resultado se repite bit a bit.
    Devuelve el modelo y las medidas de cada época.
    """
    seed_everything(settings.seed)
    model = build()
    adam = torch.optim.Adam(model.parameters())
    hooks = [OneCycle(settings.lr), ProgressBar(), *callbacks]
    trainer = Trainer(model, loss_fn, adam, metrics={"accuracy": accuracy}, callbacks=hooks)
    train = make_loader(data.x_train, data.y_train, batch_size=settings.batch_size, shuffle_seed=settings.seed)
    val = make_loader(data.x_val, data.y_val, batch_size=500)
    return model, trainer.fit(train, val, epochs=settings.epochs)


@torch.no_grad()
def predict(model: nn.Module, x: Shaped[Tensor, "n ..."], *, batch_size: int = 500) -> Float[Tensor, "n ..."]:
    """Las salidas del modelo en modo de evaluación, sin derivar y por lotes para no llenar la memoria."""
    model.eval()
    return torch.cat([model(part) for part in x.split(batch_size)])
