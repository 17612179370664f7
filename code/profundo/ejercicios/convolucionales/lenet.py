"""Comprobadores de los ejercicios del capítulo «LeNet»."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from profundo.comun.datos import split_mnist
from profundo.comun.ejercicios import Checker, as_array, call, fail, require, require_close
from profundo.fundamentos.bucle_de_entrenamiento import Settings, Trainer, predict, train_classifier

comprobar = Checker("convolucionales/lenet")

MAX_PARAMETERS = 6_000
MIN_ACCURACY = 0.96
PROJECT_SETTINGS = Settings(epochs=4, batch_size=64, lr=1e-2)


@comprobar.exercise("cuenta")
def _(answer: object) -> str:
    for c_in, c_out, k, h, w in ((6, 16, 5, 10, 10), (1, 6, 5, 28, 28), (3, 8, 3, 7, 4), (5, 2, 1, 9, 6)):
        got = as_array(call(answer, c_in, c_out, k, h, w), shape=(2,), what="la pareja (parámetros, conexiones)")
        case = f"con c_in={c_in}, c_out={c_out}, k={k}, h={h}, w={w}"
        parameters, connections = c_out * (c_in * k * k + 1), c_out * (c_in * k * k + 1) * h * w
        hints = {
            c_out * c_in * k * k: "Te falta el sesgo: uno por mapa de salida.",
            c_out * c_in * (k * k + 1): "Hay un sesgo por mapa de salida, no uno por cada pareja de mapas.",
            c_out * (k * k + 1): "Cada núcleo atraviesa todos los canales de entrada: falta el factor c_in.",
            c_out * (c_in * k + 1): "El núcleo es cuadrado: tiene k × k pesos por canal.",
            connections: "Los pesos se comparten: el número de parámetros no depende del tamaño de la salida.",
        }
        require(got[0] == parameters, f"{hints.get(got[0], 'El número de parámetros no es correcto.')} ({case})")
        require(
            got[1] != c_out * c_in * k * k * h * w,
            f"También el sesgo es una conexión de cada unidad de salida. ({case})",
        )
        require(
            got[1] == connections,
            f"Cada una de las c_out·h·w unidades de salida tiene c_in·k² + 1 conexiones. ({case})",
        )
    return "Pocos parámetros y muchas conexiones: eso es compartir pesos."


@comprobar.exercise("lado")
def _(answer: object) -> str:
    rng = np.random.default_rng(0)
    cases = [(28, 5, 1, 2, 1), (14, 5, 1, 0, 1), (28, 2, 2, 0, 1), (7, 2, 2, 0, 1), (28, 3, 1, 2, 2), (9, 3, 2, 0, 3)]
    while len(cases) < 40:
        n, k, s, p, d = (int(rng.integers(low, high)) for low, high in ((5, 40), (1, 7), (1, 4), (0, 4), (1, 4)))
        if n + 2 * p >= d * (k - 1) + 1:
            cases.append((n, k, s, p, d))
    for n, k, s, p, d in cases:
        got = float(as_array(call(answer, n, k, s, p, d), shape=()))
        span = d * (k - 1) + 1
        hints = {
            (n + 2 * p - span) / s + 1: "Si la última ventana no cabe, se descarta: usa la división entera.",
            -((n + 2 * p - span) // -s) + 1: "Redondeas hacia arriba; la ventana incompleta se descarta.",
            (n + 2 * p - span) // s: "Falta la primera posición del núcleo: suma 1 después de dividir.",
            (n + p - span) // s + 1: "El relleno se añade a los dos lados: cuenta 2p.",
            (n + 2 * p - k) // s + 1: "La dilatación separa los pesos: el núcleo abarca d(k − 1) + 1 píxeles, no k.",
            (n + 2 * p - d * k) // s + 1: "Entre k pesos hay k − 1 huecos: el núcleo abarca d(k − 1) + 1 píxeles.",
        }
        expected = (n + 2 * p - span) // s + 1
        default = f"Se esperaba {expected} y devolviste {got:g}."
        require(got == expected, f"{hints.get(got, default)} (n={n}, k={k}, s={s}, p={p}, d={d})")
    return "La fórmula vale para cualquier paso, relleno y dilatación."


def _correlate(x: np.ndarray, w: np.ndarray, b: np.ndarray) -> np.ndarray:
    windows = np.lib.stride_tricks.sliding_window_view(x, w.shape[2:], axis=(1, 2))
    return np.einsum("cijpq,ocpq->oij", windows, w) + b[:, None, None]


@comprobar.exercise("convolucion")
def _(answer: object) -> str:
    rng = np.random.default_rng(1)
    for c, o, k, h, w in ((1, 1, 3, 5, 5), (3, 2, 3, 6, 6), (2, 4, 2, 5, 8), (2, 3, 5, 9, 6)):
        x, weight, bias = rng.normal(size=(c, h, w)), rng.normal(size=(o, c, k, k)), rng.normal(size=o)
        before = x.copy(), weight.copy(), bias.copy()
        got = as_array(call(answer, x, weight, bias), shape=(o, h - k + 1, w - k + 1), what="la salida")
        same = all(np.array_equal(a, b) for a, b in zip(before, (x, weight, bias), strict=True))
        require(same, "Modificaste x, w o b: escribe el resultado en un arreglo nuevo.")
        zero = np.zeros(o)
        for wrong, hint in (
            (_correlate(x, weight, zero), "Falta sumar el sesgo b[o] a cada mapa de salida."),
            (
                _correlate(x, weight[:, :, ::-1, ::-1], bias),
                "Giraste el núcleo 180°: esa es la convolución de las matemáticas. Las redes no lo giran.",
            ),
            (_correlate(x, weight.transpose(0, 1, 3, 2), bias), "Intercambiaste filas y columnas del núcleo."),
            (_correlate(x[:1], weight[:, :1], bias), "Usas solo el primer canal: suma sobre todos los canales de x."),
        ):
            if c > 1 or "canal" not in hint:
                require(not np.allclose(got, wrong), hint)
        require_close(
            got,
            _correlate(x, weight, bias),
            f"Los valores no coinciden para x de forma {x.shape} y w de forma {weight.shape}. "
            "Calcula un solo píxel de la salida con lápiz y compáralo.",
        )
    return "Tu convolución coincide con la de referencia, también con imágenes que no son cuadradas."


def _field(layers: Sequence[tuple[int, int]]) -> int:
    field, jump = 1, 1
    for k, s in layers:
        field += (k - 1) * jump
        jump *= s
    return field


@comprobar.exercise("campo")
def _(answer: object) -> str:
    rng = np.random.default_rng(2)
    lenet = [(5, 1), (2, 2), (5, 1), (2, 2)]
    cases = [[(3, 1)], [(3, 1), (3, 1)], lenet, lenet[::-1]]
    cases += [[(int(k), int(s)) for k, s in rng.integers(1, 5, size=(4, 2))] for _ in range(10)]
    for layers in cases:
        got = float(as_array(call(answer, list(layers)), shape=()))
        late, jump = 1, 1
        for k, s in layers:
            jump *= s
            late += (k - 1) * jump
        hints: dict[float, str] = {
            _field(layers[::-1]): "Recorres las capas al revés: el salto crece desde la entrada hacia la salida.",
            _field(layers) - 1: "Antes de la primera capa, una unidad ve un píxel: empieza en 1, no en 0.",
            late: "El paso de una capa separa sus salidas, no sus entradas: multiplica el salto después de sumar.",
            1
            + sum(k - 1 for k, _ in layers): "Falta el salto: tras una capa de paso 2, las unidades distan 2 píxeles.",
            sum(k for k, _ in layers): "Dos ventanas vecinas se solapan: cada capa añade k − 1 veces el salto, no k.",
        }
        default = f"Se esperaba {_field(layers)} y devolviste {got:g}."
        require(got == _field(layers), f"{hints.get(got, default)} (capas {layers})")
    return "La recurrencia da lo mismo que contar píxeles."


def _stops_at(answer: object, patience: int, losses: Sequence[float], train: Sequence[float]) -> int | None:
    """Época en la que la parada de quien aprende detiene un entrenamiento con esas pérdidas, o ``None``."""
    model = nn.Linear(1, 1)
    trainer = Trainer(model, nn.MSELoss(), torch.optim.SGD(model.parameters(), lr=0.1))
    stopper = call(answer, patience)
    require(
        callable(getattr(stopper, "on_epoch_end", None)),
        "Se esperaba una clase con el gancho `on_epoch_end`. Pasa la clase, no un objeto: `comprobar(…, MiParada)`.",
    )

    def hook(name: str, *args: object) -> None:
        method = getattr(stopper, name, None)

        def run() -> bool:
            if callable(method):
                method(trainer, *args)
            return True

        run.__name__ = name
        call(run)

    hook("on_fit_start", len(losses))
    for epoch, (val, fit) in enumerate(zip(losses, train, strict=True), start=1):
        trainer.epoch = epoch
        hook("on_epoch_start")
        record = {"train_loss": fit, "train_accuracy": 0.5, "val_loss": val, "val_accuracy": 0.5}
        for name, value in record.items():
            trainer.history.setdefault(name, []).append(value)
        hook("on_epoch_end", record)
        if trainer.should_stop:
            return epoch
    return None


@comprobar.exercise("parada")
def _(answer: object) -> str:
    down = [1.0 - 0.01 * i for i in range(12)]
    up = [1.0 + 0.01 * i for i in range(12)]
    stopped = _stops_at(answer, 3, up, down)
    require(
        stopped is not None,
        "Con val_loss creciendo 12 épocas y paciencia 3 no se detuvo. ¿Pones `trainer.should_stop = True`? "
        "¿Vigilas val_loss y no train_loss?",
    )
    require(
        stopped == 4,
        f"Con paciencia 3 y la mejor época en la 1, debe parar en la 4 (tres sin mejorar); paró en la {stopped}.",
    )
    require(_stops_at(answer, 1, up, down) == 2, "Con paciencia 1 y la mejor época en la 1, debe detenerse en la 2.")
    require(_stops_at(answer, 3, down, up) is None, "Se detuvo aunque val_loss mejoraba en todas las épocas.")
    bumpy = [1.0, 1.1, 0.9, 1.0, 0.8, 0.9, 0.7, 0.8, 0.6, 0.7, 0.5, 0.6]
    require(
        _stops_at(answer, 2, bumpy, down) is None,
        "Cuando la pérdida mejora, la cuenta vuelve a cero: lo que importa son las épocas seguidas sin mejorar.",
    )
    slow = [1.0, 2.0, 1.9, 1.8, 1.7, 1.6, 1.5, 1.4, 1.3, 1.2, 1.1, 1.05]
    require(
        _stops_at(answer, 3, slow, down) == 4,
        "Compara con la mejor pérdida hasta ahora, no con la de la época anterior.",
    )
    flat = [1.0] * 12
    require(_stops_at(answer, 2, flat, down) == 3, "Repetir la misma pérdida no es mejorar: usa «menor que».")
    return "Se detiene después de `patience` épocas seguidas sin mejorar."


@comprobar.exercise("proyecto")
def _(answer: object) -> str:
    torch.manual_seed(0)
    model = call(answer)
    if not isinstance(model, nn.Module):
        fail("`mi_red()` debe devolver una red: un `torch.nn.Module`, por ejemplo un `nn.Sequential(...)`.")
    count = sum(p.numel() for p in model.parameters())
    require(count > 0, "La red no tiene parámetros: no hay nada que entrenar.")
    require(count <= MAX_PARAMETERS, f"La red tiene {count} parámetros; el límite es {MAX_PARAMETERS}.")
    data = split_mnist()
    logits = call(predict, model, data.x_val[:20])
    if not isinstance(logits, Tensor) or logits.shape != (20, 10):
        shape = tuple(getattr(logits, "shape", ()))
        fail(f"Para 20 imágenes (20, 1, 28, 28), la salida debe tener forma (20, 10); tiene {shape}.")
    require(
        logits.min() < 0 or not torch.allclose(logits.sum(1), torch.ones(20)),
        "La salida ya pasó por softmax. La pérdida espera puntajes sin normalizar: quita esa última capa.",
    )

    def entrenar() -> float:
        return train_classifier(lambda: model, data, PROJECT_SETTINGS)[1]["val_accuracy"][-1]

    reached = float(as_array(call(entrenar), shape=()))
    require(
        reached >= MIN_ACCURACY,
        f"Con {count} parámetros llegó a {100 * reached:.1f} % en validación; hace falta {100 * MIN_ACCURACY:.0f} %. "
        "¿En qué capa se gastan los parámetros? Cuéntalos por capa.",
    )
    return f"{100 * reached:.1f} % en validación con {count} parámetros."
