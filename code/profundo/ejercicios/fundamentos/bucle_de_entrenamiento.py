"""Comprobadores de los ejercicios del capítulo «El bucle de entrenamiento»."""

import contextlib
import copy
import tempfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from profundo.comun.ejercicios import Checker, Unanswered, as_array, call, fail, require
from profundo.comun.lotes import make_loader
from profundo.fundamentos.bucle_de_entrenamiento import Callback, Checkpoint, Trainer

comprobar = Checker("fundamentos/bucle_de_entrenamiento")

Batches = Sequence[tuple[Tensor, Tensor]]


def _model(*extra: nn.Module) -> nn.Sequential:
    """La misma red pequeña cada vez; ``extra`` va entre sus dos capas."""
    with torch.random.fork_rng():
        torch.manual_seed(5)
        return nn.Sequential(nn.Linear(4, 6), nn.Tanh(), *extra, nn.Linear(6, 3))


def _data(n: int = 22, scale: float = 1.0) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(6)
    x = torch.randn(n, 4, generator=generator) * scale
    return x, (x[:, 0] > 0).long() + (x[:, 1] > 0).long()


def _flat(model: nn.Module) -> np.ndarray:
    return torch.cat([p.detach().double().flatten() for p in model.parameters()]).numpy()


def _same(a: np.ndarray, b: np.ndarray, rtol: float = 1e-4) -> bool:
    return bool(np.allclose(a, b, rtol=rtol, atol=1e-6))


@comprobar.exercise("promedio")
def _(answer: object) -> str:
    rng = np.random.default_rng(1)
    for count in (2, 5, 1, 9):
        sizes = [*rng.integers(20, 30, count - 1).tolist(), int(rng.integers(1, 7))]
        values = rng.random(count).round(3).tolist()
        got = float(as_array(call(answer, list(values), list(sizes)), shape=()))
        total = float(np.dot(values, sizes))
        hints = (
            (total, "Eso es la suma de todos los ejemplos: divide entre cuántos hay."),
            (total / count, "Divides entre el número de lotes; son ejemplos lo que has sumado."),
            (sum(values) / sum(sizes), "Multiplica cada medida por su tamaño antes de sumar."),
            (float(np.mean(values)), "Eso es la media de los lotes: el último, más corto, cuenta como los demás."),
        )
        if count > 1:
            for wrong, message in hints:
                require(not np.isclose(got, wrong, rtol=1e-6), message)
        expected = total / sum(sizes)
        require(
            np.isclose(got, expected, rtol=1e-6),
            f"Con medidas {values} y tamaños {sizes} se esperaba {expected:.4f} y llegó {got:.4f}.",
        )
    return "Cada ejemplo cuenta lo mismo, esté en el lote que esté."


def _epoch(model: nn.Module, batches: Batches, *, train: bool = True, clear: bool = True) -> Tensor:
    """Una época con SGD, correcta o con un descuido; devuelve la pérdida de cada lote."""
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
    model.train(train)
    losses = []
    for x, y in batches:
        if clear:
            optimizer.zero_grad()
        losses.append(F.cross_entropy(model(x), y))
        losses[-1].backward()
        optimizer.step()
    return torch.stack(losses).detach()


@comprobar.exercise("epoca")
def _(answer: object) -> str:
    start = _model(nn.Dropout(0.5)).eval()
    batches = [(x, y) for x, y in make_loader(*_data(), batch_size=8)]

    def run(train_once: Callable[..., object], *arguments: object, **slip: bool) -> tuple[object, np.ndarray]:
        model = copy.deepcopy(start)
        torch.manual_seed(7)  # las mismas neuronas apagadas en cada intento
        return train_once(model, *arguments, **slip), _flat(model)

    def theirs(model: nn.Module) -> object:
        return call(answer, model, F.cross_entropy, torch.optim.SGD(model.parameters(), lr=0.5), batches)

    returned, weights = run(theirs)
    if isinstance(returned, Tensor):
        fail("Devuelves un tensor, que puede conservar el grafo de toda la época. Convierte cada pérdida con `item()`.")
    value = float(as_array(returned, shape=(), what="la pérdida"))
    if _same(weights, _flat(start)):
        fail(
            "Los pesos no cambian. `step()` usa el gradiente que deja `backward()` y `zero_grad()` lo borra: ¿falta "
            "alguno o están en otro orden?"
        )
    for slip, message in (
        ({"train": False}, "El modelo llegó en modo de evaluación y así se quedó: falta `model.train()`."),
        ({"clear": False}, "Los gradientes se acumulan de un lote a otro: falta `optimizer.zero_grad()`."),
    ):
        require(not _same(weights, run(_epoch, batches, **slip)[1]), message)
    losses, reference = run(_epoch, batches)
    require(
        _same(weights, reference),
        "Los pesos finales no son los de una época. Un paso por lote, en el orden en que llegan, y una sola vuelta.",
    )
    by_batch, sizes = as_array(losses), np.array([len(y) for _, y in batches])
    expected = float(by_batch @ sizes / sizes.sum())
    for wrong, message in (
        (by_batch.mean(), "Promedias los lotes por igual, y el último es más corto: pesa cada pérdida por `len(y)`."),
        (by_batch.sum(), "Devuelves la suma de las pérdidas de los lotes; se pide el promedio por ejemplo."),
        (by_batch @ sizes, "Devuelves la suma sobre los ejemplos: falta dividir entre cuántos hay."),
        (by_batch[-1], "Devuelves la pérdida del último lote; se pide la de toda la época."),
    ):
        require(not np.isclose(value, wrong, rtol=1e-5), message)
    require(np.isclose(value, expected, rtol=1e-4), f"La pérdida es {expected:.4f} y devolviste {value:.4f}.")
    return "Una época entera, de memoria."


class _Watched(nn.Module):
    """Una red que recuerda en qué condiciones la usaron."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = _model(nn.BatchNorm1d(6), nn.Dropout(0.6))
        self.used_grad = self.used_training = False

    def forward(self, x: Tensor) -> Tensor:
        self.used_grad |= torch.is_grad_enabled()
        self.used_training |= self.training
        return self.layers(x)


@comprobar.exercise("evaluacion")
def _(answer: object) -> str:
    x, y = _data(27)
    modes = {True: "entrenamiento", False: "evaluación"}
    for training in modes:
        model = _Watched().train(training)
        before = copy.deepcopy(model.state_dict())
        got = float(as_array(call(answer, model, make_loader(x, y, batch_size=8)), shape=(), what="la exactitud"))
        require(
            not model.used_training,
            "Evaluaste en modo de entrenamiento: dropout apaga neuronas y las medias móviles cambian. Falta `eval()`.",
        )
        require(not model.used_grad, "PyTorch anotó el grafo de cada predicción: falta `torch.no_grad()`.")
        enabled = torch.is_grad_enabled()
        torch.set_grad_enabled(True)
        require(enabled, "Dejaste la derivación apagada para todo el programa: usa `with` o `@`.")
        require(
            model.training == training,
            f"Llegó en modo de {modes[training]} y se va en modo de {modes[model.training]}: recuerda el modo.",
        )
        changed = [name for name, value in model.state_dict().items() if not torch.equal(before[name], value)]
        require(not changed, f"Cambiaste el modelo: {', '.join(changed)}.")
        with torch.no_grad():
            hits = (model.eval()(x).argmax(1) == y).double()
        parts = [part.mean().item() for part in hits.split(8)]
        expected = hits.mean().item()
        for wrong, message in (
            (float(np.mean(parts)), "Promedias las exactitudes de los lotes; el último, más corto, pesa de más."),
            (100 * expected, "La exactitud va entre 0 y 1, no en porcentaje."),
            (hits.sum().item(), "Devuelves los aciertos: falta dividir entre los ejemplos."),
            (1 - expected, "Eso es la fracción de errores."),
            (parts[-1], "Devuelves la exactitud del último lote."),
        ):
            require(not np.isclose(got, wrong), message)
        require(np.isclose(got, expected), f"La exactitud es {expected:.3f} y devolviste {got:.3f}.")
    return "Mides lo que hay y lo dejas como estaba."


def _hook(answer: object, *arguments: object) -> Callback:
    """El gancho de quien aprende, ya construido."""
    hook = call(answer, *arguments)
    if not isinstance(hook, Callback):
        fail("Se esperaba una clase que herede de `Callback`. Pasa la clase, no un objeto: `comprobar(…, MiGancho)`.")
    if not any(name.startswith("on_") for kind in type(hook).__mro__ if kind is not Callback for name in vars(kind)):
        raise Unanswered("Sin resolver: la clase no redefine ningún gancho `on_…` todavía.")
    return hook


def _fit(
    callbacks: Iterable[Callback], *, n: int = 22, scale: float = 1.0, lr: float = 0.3, epochs: int = 1
) -> np.ndarray:
    """Los pesos tras entrenar con esos ganchos, o hasta que uno interrumpa."""
    model = _model()
    trainer = Trainer(model, F.cross_entropy, torch.optim.SGD(model.parameters(), lr=lr), callbacks=callbacks)

    def entrenar() -> bool:
        with contextlib.suppress(InterruptedError):
            trainer.fit(make_loader(*_data(n, scale), batch_size=8, shuffle_seed=1), epochs=epochs)
        return True

    call(entrenar)
    return _flat(model)


@comprobar.exercise("recorte")
def _(answer: object) -> str:
    for limit, scale in ((0.05, 4.0), (0.2, 1.0), (1e3, 1.0)):
        # Un paso de SGD con tasa 1 desde los mismos pesos: lo que se mueven es el gradiente que se usó.
        start = _flat(_model())
        raw, got = (start - _fit(hooks, scale=scale, lr=1.0, n=8) for hooks in ([], [_hook(answer, limit)]))
        norm = np.linalg.norm(raw)
        parts = np.split(raw, np.cumsum([p.numel() for p in _model().parameters()])[:-1])
        each = np.concatenate([part * min(1, limit / np.linalg.norm(part)) for part in parts])
        expected = raw * min(1, limit / norm)
        for wrong, message in (
            (raw, "El gradiente no se recorta a tiempo: el gancho debe ir después de derivar y antes del paso."),
            (each, "Recortas cada parámetro por separado; la norma es la de todos juntos."),
            (raw.clip(-limit, limit), "Recortas cada número del gradiente y cambias su dirección. Recorta la norma."),
            (raw * limit / norm, "Cambias también los gradientes pequeños: si la norma no supera c, se dejan."),
        ):
            require(_same(wrong, expected, rtol=1e-3) or not _same(got, wrong, rtol=1e-3), message)
        require(
            _same(got, expected, rtol=1e-3),
            f"Con c = {limit} y un gradiente de norma {norm:.3f}, el que se usó tiene norma {np.linalg.norm(got):.3f}.",
        )
    return "La dirección se conserva y el paso no se desboca."


class _Cut(Callback):
    """Interrumpe el entrenamiento a mitad de una época."""

    def on_batch_end(self, trainer: Trainer, loss: Tensor) -> None:
        if trainer.step == 8:
            raise InterruptedError


class _Weights(Callback):
    """Los pesos iniciales y los de cada paso."""

    def on_fit_start(self, trainer: Trainer, total_steps: int) -> None:
        self.seen = [_flat(trainer.model)]

    def on_batch_end(self, trainer: Trainer, loss: Tensor) -> None:
        self.seen.append(_flat(trainer.model))


def _average_of(hook: Callback) -> np.ndarray:
    average = getattr(hook, "average", None)
    names = [name for name, _ in _model().named_parameters()]
    if not isinstance(average, dict) or sorted(average) != sorted(names):
        fail(f"`self.average` debe ser un diccionario con los parámetros {', '.join(names)}.")
    flat = [as_array(average[name], what=f"average[{name!r}]").ravel() for name in names]
    expected = sum(p.numel() for p in _model().parameters())
    require(sum(part.size for part in flat) == expected, "Cada tensor de `average` tiene la forma de su parámetro.")
    return np.concatenate(flat)


@comprobar.exercise("media")
def _(answer: object) -> str:
    for decay in (0.9, 0.5):
        hook, watch = _hook(answer, decay), _Weights()
        final = _fit([watch, hook], epochs=4)
        got = _average_of(hook)

        def smooth(start: np.ndarray, steps: Sequence[np.ndarray], beta: float) -> np.ndarray:
            for weights in steps:
                start = beta * start + (1 - beta) * weights
            return start

        first, *rest = watch.seen
        for wrong, message in (
            (final, "La media termina igual a los pesos: guarda copias (`clone()`), no los mismos tensores."),
            (first, "La media no se mueve de los pesos iniciales: actualízala en cada paso."),
            (smooth(0 * first, rest, decay), "La media empieza en cero; debe empezar en los pesos iniciales."),
            (smooth(rest[0], rest[1:], decay), "Empiezas en los pesos tras el primer paso, no en los iniciales."),
            (smooth(first, rest, 1 - decay), "Los pesos de la fórmula están cambiados: β multiplica a la media."),
            (smooth(first, rest[2::3], decay), "Actualizas una vez por época; hay que hacerlo en cada paso."),
            (np.mean(rest, axis=0), "Eso es la media corriente; se pide la exponencial."),
        ):
            expected = smooth(first, rest, decay)
            require(_same(wrong, expected) or not _same(got, wrong), message)
        require(_same(got, expected), "La media no sigue la fórmula: β por la media más (1 − β) por los pesos.")
        if not _same(_resumed(answer, decay), expected):
            fail("Tras interrumpir y reanudar, la media no es la misma: ¿está `average` en `saved`?")
    return "La media sobrevive a un corte."


def _resumed(answer: object, decay: float) -> np.ndarray:
    """La media tras un entrenamiento interrumpido y reanudado con un ``Checkpoint``."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "punto.pt"
        _fit([_hook(answer, decay), _Cut(), Checkpoint(path)], epochs=4)
        hook = _hook(answer, decay)
        _fit([hook, Callback(), Checkpoint(path)], epochs=4)
    return _average_of(hook)
