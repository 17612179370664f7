"""Comprobadores de los ejercicios de ``preparacion/pytorch``."""

import copy
import io
import itertools
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset

from profundo.comun.datos import load_penguins
from profundo.comun.ejercicios import Checker, as_array, as_list, call, fail, require

comprobar = Checker("preparacion/pytorch")

CROSSINGS = (
    ("`torch.tensor(a)`", "copia", "`torch.tensor` copia siempre; `from_numpy` y `as_tensor`, no."),
    ("`torch.from_numpy(a)[1:]`", "comparte", "ni el puente ni un tramo mueven los números."),
    ("`t.double()`", "comparte", "`t` ya es float64: sin cambio de tipo, devuelve el mismo tensor."),
    ("`t.float().numpy()`", "copia", "pasar a float32 escribe números nuevos; el puente comparte esos."),
    ("`w.numpy()`", "error", "`w` tiene `requires_grad=True`: PyTorch no corta el grafo sin que lo pidas."),
    ("`w.detach().numpy()`", "comparte", "`detach` corta el grafo, pero los números son los mismos."),
    ("`torch.from_numpy(a[::-1])`", "error", "`a[::-1]` tiene un paso negativo, y los tensores no los admiten."),
)
ACCURACY_REQUIRED = 0.95


@comprobar.exercise("puente")
def _(answer: object) -> str:
    words = as_list(answer, len(CROSSINGS), "palabras")
    for item, (expression, expected, reason) in zip(words, CROSSINGS, strict=True):
        word = item.strip().lower() if isinstance(item, str) else ""
        require(word in ("comparte", "copia", "error"), f"{expression}: responde «comparte», «copia» o «error».")
        require(word == expected, f"{expression}: no es «{word}»; {reason}")
    return "Sabes qué cruza el puente y qué se queda."


def _tensor(value: object, what: str) -> Tensor:
    if not isinstance(value, Tensor):
        fail(f"Se esperaba que {what} fuera un tensor; llegó un valor de tipo {type(value).__name__}.")
    return value


Function = Callable[[Tensor], Tensor]


def _functions(w: Tensor) -> tuple[tuple[Function, Function], ...]:
    """Funciones de un tensor del tamaño de ``w`` y sus derivadas; la segunda tiene ``w`` por parámetro."""
    first = torch.arange(len(w)) == 0
    return (
        (lambda v: (v**3).sum(), lambda v: 3 * v**2),
        (lambda v: (w * v.sin()).sum(), lambda v: w.detach() * v.cos()),
        (lambda v: v.prod() + 2 * v[0], lambda v: v.prod() / v + 2 * first),
    )


@comprobar.exercise("gradiente")
def _(answer: object) -> str:
    generator = torch.Generator().manual_seed(31)
    for d, case, asked in itertools.product((1, 4, 7), range(3), (False, True)):
        w = torch.randn(d, generator=generator, dtype=torch.float64).requires_grad_()
        f, derivative = _functions(w)[case]
        start = torch.randn(d, generator=generator, dtype=torch.float64) + 3
        x = start.clone().requires_grad_(asked)
        got = _tensor(call(answer, f, x), "el gradiente")
        require(torch.equal(x.detach(), start), "Has cambiado los números de x.")
        trace = x.requires_grad != asked or x.grad is not None
        require(not trace, "Has dejado huella en x: en `x.requires_grad` o en `x.grad`. Usa una copia fuera del grafo.")
        require(
            w.grad is None,
            "Los parámetros de f tienen ahora un `.grad`: `backward` deriva respecto a todo; `torch.autograd.grad`, "
            "solo respecto a lo que le pides.",
        )
        require(not got.requires_grad, "El resultado aún pertenece a un grafo; se pide sin grafo.")
        values, expected = as_array(got, shape=(d,), what="el gradiente"), derivative(start).numpy()
        require(not np.allclose(values, 2 * expected), "Es el doble del gradiente: algo se derivó dos veces.")
        require(np.allclose(values, expected), "No es el gradiente: ¿derivas f respecto a x, en x?")
    return "Derivas cualquier función y no dejas rastro."


def _pair(item: object) -> tuple[Tensor, Tensor]:
    if not isinstance(item, tuple | list) or len(item) != 2:
        fail("Se esperaba que cada ejemplo fuera una pareja: la ventana y el valor siguiente.")
    return _tensor(item[0], "la ventana"), _tensor(item[1], "el valor siguiente")


@comprobar.exercise("ventanas")
def _(answer: object) -> str:
    rng = np.random.default_rng(32)
    for n, width in ((5, 3), (40, 7), (12, 1), (4, 3)):
        series = rng.normal(size=n)
        given = series.copy()
        windows: Any = call(answer, given, width)
        for method in ("__len__", "__getitem__"):
            require(hasattr(windows, method), f"Se esperaba un objeto con `{method}`; no lo tiene.")
        length = int(as_array(call(lambda made=windows: len(made)), shape=(), what="la longitud"))
        case = f"con {n} valores y ventanas de {width}"
        require(length != n, f"Dices que hay {n} ejemplos, {case}; las últimas posiciones no tienen ventana entera.")
        require(length != n - width + 1, f"Cuentas una ventana de más, {case}: la última no tiene un valor detrás.")
        require(length == n - width, f"Se esperaban {n - width} ejemplos, {case}; hay {length}.")
        for i in range(length):
            inputs, target = _pair(call(lambda i, made=windows: made[i], i))
            types = {inputs.dtype, target.dtype}
            require(types == {torch.float32}, "Se esperaban tensores float32, como los pesos de una red.")
            values = as_array(inputs, shape=(width,), what="la ventana")
            label = as_array(target, shape=(), what="el valor siguiente")
            require(np.allclose(values, series[i : i + width]), f"La ventana {i} no empieza en {i}, {case}.")
            last = np.isclose(label, series[i + width - 1])
            require(not last, "La etiqueta es el último valor de la ventana, que la red ya ve: debe ser el siguiente.")
            require(np.isclose(label, series[i + width]), f"La etiqueta {i} no es el valor siguiente, {case}.")
        require((given == series).all(), "Has modificado la serie que recibiste.")
        first = call(lambda made=windows, size=length: next(iter(DataLoader(made, batch_size=size))))
        require(len(_pair(first)[0]) == length, "Un DataLoader no apila bien tus ejemplos.")
    return "Ventanas enteras, etiquetas del futuro y tipos listos para una red."


class _Probe(nn.Module):
    """Una recta que anota en qué modo se la llama."""

    def __init__(self) -> None:
        super().__init__()
        self.line = nn.Linear(3, 1)
        self.modes: list[bool] = []

    def forward(self, x: Tensor) -> Tensor:
        self.modes.append(self.training)
        return self.line(x)[:, 0]


def _flat(model: nn.Module) -> Tensor:
    return torch.cat([p.detach().flatten() for p in model.parameters()])


def _epoch(model: nn.Module, loader: DataLoader, *, clear: bool) -> tuple[np.ndarray, Tensor]:
    """Entrena una copia: la pérdida de cada lote y los parámetros finales; sin ``clear``, los gradientes se suman."""
    twin = copy.deepcopy(model)
    for p, q in zip(twin.parameters(), model.parameters(), strict=True):
        p.grad = None if q.grad is None else q.grad.clone()
    optimizer, losses = torch.optim.SGD(twin.parameters(), lr=0.05), []
    for x, y in loader:
        if clear:
            optimizer.zero_grad()
        loss = F.mse_loss(twin(x), y)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return np.array(losses), _flat(twin)


@comprobar.exercise("epoca")
def _(answer: object) -> str:
    generator = torch.Generator().manual_seed(33)
    for n, size in ((23, 5), (10, 3)):
        x = torch.randn(n, 3, generator=generator)
        y = x @ torch.tensor([1.0, -2.0, 0.5]) + 1 + 0.3 * torch.randn(n, generator=generator)
        loader = DataLoader(TensorDataset(x, y), batch_size=size)
        model = _Probe().eval()
        F.mse_loss(model(x), y).backward()  # los gradientes de antes
        before, (losses, after), (_, piled) = _flat(model), *(_epoch(model, loader, clear=c) for c in (True, False))
        model.modes.clear()
        got = call(answer, model, loader, F.mse_loss, torch.optim.SGD(model.parameters(), lr=0.05))
        value = float(as_array(got, shape=(), what="la pérdida media"))
        moved = _flat(model)
        require(model.modes, "No has llamado al modelo.")
        require(all(model.modes), "El modelo llegó en modo de evaluación y así se entrenó: falta `model.train()`.")
        require(not torch.equal(moved, before), "Los parámetros no han cambiado: ¿falta `optimizer.step()`?")
        require(not torch.allclose(moved, piled), "Los gradientes se acumulan: falta `optimizer.zero_grad()`.")
        if not torch.allclose(moved, after, atol=1e-5):
            calls, batches = len(model.modes), len(losses)
            require(calls == batches, f"Llamaste al modelo {calls} veces; una época son {batches} lotes, una cada uno.")
            fail("Los parámetros no terminan donde deben: borra, predice, mide, deriva y da el paso, en ese orden.")
        sizes = np.array([len(batch) for batch, _ in loader])
        expected = float(np.average(losses, weights=sizes))
        attached = isinstance(got, Tensor) and got.requires_grad
        require(not attached, "La pérdida que devuelves arrastra el grafo de todos los lotes. Usa `.item()`.")
        mistakes = (
            (np.mean(losses), "Promedias los lotes por igual: el último, más corto, debe pesar menos."),
            (np.sum(losses), "Sumas las pérdidas de los lotes; se pide la media de los ejemplos."),
            (losses[-1], "Devuelves la pérdida del último lote; se pide la de toda la época."),
            (np.sum(losses * sizes), "Falta dividir entre el número de ejemplos."),
            (np.sum(losses) / n, "Cada pérdida es ya la media de su lote: multiplícala por su tamaño."),
        )
        for wrong, message in mistakes:
            require(not np.isclose(value, wrong, rtol=1e-4) or np.isclose(expected, wrong, rtol=1e-3), message)
        require(np.isclose(value, expected, rtol=1e-4), f"Se esperaba una media de {expected:.4f}; llegó {value:.4f}.")
    return "Cinco líneas por lote, y cada ejemplo cuenta una vez."


_opened: list[str] = []


def _alarm(name: str) -> str:
    """Lo que llaman los archivos del comprobador si alguien los abre; no hace nada más."""
    _opened.append(name)
    return name


class _Calls:
    """Un objeto que, al abrir su pickle, llama a ``function``."""

    def __init__(self, function: Callable, *arguments: object) -> None:
        self.function, self.arguments = function, arguments

    def __reduce__(self) -> tuple[Callable, tuple]:
        return self.function, self.arguments


@comprobar.exercise("auditoria")
def _(answer: object) -> str:
    alarm = f"{__name__}._alarm"
    cases: tuple[tuple[object, set[str]], ...] = (
        (_Calls(_alarm, "uno"), {alarm}),
        ({"weight": [1.0, 2.0], "nombre": "GLOBAL esto no"}, set()),
        ([_Calls(_alarm, "dos"), {"a": _Calls(_alarm, "tres")}, 1j], {alarm, "__builtin__.complex"}),
        (_Calls(_alarm, _Calls(len, "os.system")), {alarm, "__builtin__.len"}),
    )
    for content, expected in cases:
        data = pickle.dumps(content, protocol=2)
        _opened.clear()
        try:
            got = call(answer, data)
        finally:  # también si falló después de abrirlo
            require(not _opened, "Has abierto el pickle y su función se ejecutó: recorre sus instrucciones.")
        if not isinstance(got, set | frozenset | list | tuple):
            fail(f"Se esperaba un conjunto de textos; llegó un valor de tipo {type(got).__name__}.")
        names = {str(name) for name in got}
        spaced = {name.replace(" ", ".") for name in names} == expected != names
        require(not spaced, "Falta unir con un punto el módulo y el nombre: `os.system`, no `os system`.")
        for name in names - expected:
            fail(f"Este pickle no importa «{name}»: un texto guardado no es una instrucción.")
        for name in expected - names:
            fail(f"Falta «{name}»: recorre el pickle hasta el final.")
    return "Sabes qué haría un archivo sin dejar que lo haga."


def _model(answer: object, x: np.ndarray, y: np.ndarray) -> nn.Module:
    given = x.copy()
    model = call(answer, given, y.copy())
    require(np.array_equal(given, x), "Has modificado las medidas que recibiste.")
    if not isinstance(model, nn.Module):
        fail(f"Se esperaba un nn.Module; llegó un valor de tipo {type(model).__name__}.")
    require(any(p.numel() for p in model.parameters()), "El modelo no tiene parámetros: ¿están en una lista corriente?")
    return model


@torch.no_grad()
def _scores(model: nn.Module, x: Tensor) -> np.ndarray:
    return as_array(call(model, x), shape=(len(x), 3), what="la salida del modelo")


@comprobar.exercise("proyecto")
def _(answer: object) -> str:
    measures, species = load_penguins()
    labels = np.unique(species, return_inverse=True)[1].astype(np.int64)
    order = np.random.default_rng(34).permutation(len(labels))
    train, test = order[:240], order[240:]
    inputs, targets = torch.tensor(measures[test], dtype=torch.float32), labels[test]
    model = _model(answer, measures[train], labels[train])
    scores = _scores(model, inputs)
    again = np.allclose(scores, _scores(model, inputs), atol=1e-4)
    require(again, "Dos llamadas con las mismas medidas dan salidas distintas: devuelve el modelo en modo `eval()`.")
    pairs = np.concatenate([_scores(model, pair) for pair in inputs[:10].split(2)])
    require(
        np.allclose(pairs, scores[:10], atol=1e-3),
        "Los puntajes de un pingüino dependen de los demás del lote: estandariza con la media y la desviación de los "
        "datos de entrenamiento.",
    )
    accuracy = float((scores.argmax(axis=1) == targets).mean())
    if accuracy < ACCURACY_REQUIRED:
        advice = "¿Estandarizas las medidas?" if accuracy < 0.9 else "Entrena algo más."
        fail(f"Acierta el {100 * accuracy:.1f} % y se pide el {100 * ACCURACY_REQUIRED:.0f} %. {advice}")
    # Otro modelo, entrenado con pocos pingüinos y casi todos de una especie, recibe el archivo del primero.
    few = np.concatenate([np.flatnonzero(labels == k)[:count] for k, count in enumerate((30, 4, 4))])
    other = _model(answer, measures[few], labels[few])
    stream = io.BytesIO()
    torch.save(model.state_dict(), stream)
    stream.seek(0)
    try:
        other.load_state_dict(torch.load(stream, weights_only=True))
    except Exception as error:  # el modelo de quien aprende puede fallar de muchas maneras
        fail(f"El `state_dict` de un modelo tuyo no se puede cargar en otro: {type(error).__name__}.")
    require(
        np.allclose(_scores(other, inputs), scores, atol=1e-3),
        "Con los mismos pesos cargados, otro modelo tuyo responde distinto: algo no viajó en el archivo. "
        "¿Son la media y la desviación atributos sueltos, en vez de `register_buffer`?",
    )
    return f"Acierta el {100 * accuracy:.1f} % de {len(targets)} pingüinos nuevos, y todo viaja en el archivo."
