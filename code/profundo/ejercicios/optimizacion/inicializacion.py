"""Comprobadores de los ejercicios del capítulo «Inicialización»."""

import inspect

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from profundo.comun.datos import small_mnist
from profundo.comun.ejercicios import (
    Checker,
    Unanswered,
    as_array,
    as_numbers,
    call,
    fail,
    require,
    require_close,
    require_number,
    require_truths,
)
from profundo.optimizacion.inicializacion import build

comprobar = Checker("optimizacion/inicializacion")

MAX_LOSS = 0.85


@comprobar.exercise("mano")
def _(answer: object) -> str:
    got = as_numbers(answer, 3)
    fan_in, fan_out = 400, 1200
    names = ("La desviación de He", "El límite de Xavier", "El límite por defecto")
    expected = ((2 / fan_in) ** 0.5, (6 / (fan_in + fan_out)) ** 0.5, fan_in**-0.5)
    wrong: tuple[tuple[tuple[float, str], ...], ...] = (
        (
            ((2 / 16) ** 0.5, "usa los canales; cada salida suma también los 25 píxeles de la ventana."),
            ((2 / fan_out) ** 0.5, "divide entre fan_out; se pide fan_in."),
            (2 / fan_in, "es la varianza; falta la raíz."),
            (fan_in**-0.5, "no lleva el 2 de la ReLU."),
            ((6 / fan_in) ** 0.5, "es el límite de una uniforme; se pide la desviación típica."),
        ),
        (
            ((2 / (fan_in + fan_out)) ** 0.5, "es la desviación típica; el límite es √3 veces mayor."),
            ((6 / fan_in) ** 0.5, "solo cuenta fan_in; Xavier suma fan_in y fan_out."),
            ((3 / (fan_in + fan_out)) ** 0.5, "usa 1/(fan_in + fan_out); la varianza lleva un 2 en el numerador."),
            ((6 / 64) ** 0.5, "usa los canales; falta multiplicar por el tamaño del núcleo."),
            (6 / (fan_in + fan_out), "no lleva la raíz."),
        ),
        (
            ((3 * fan_in) ** -0.5, "es la desviación típica; el límite es √3 veces mayor."),
            ((6 / fan_in) ** 0.5, "es el de He; PyTorch usa kaiming_uniform_ con a = √5, de ganancia 1/√3."),
            (0.25, "usa los canales; cada salida suma también los 25 píxeles de la ventana."),
            (1 / fan_in, "no lleva la raíz."),
        ),
    )
    for name, value, target, options in zip(names, got, expected, wrong, strict=True):
        advice = "fan_in cuenta los números que suma cada salida; fan_out, las sumas en que entra cada entrada."
        require_number(value, target, name, options, advice)
    return "Los tres difieren poco; elevados a la profundidad, mucho."


@comprobar.exercise("simetria")
def _(answer: object) -> str:
    facts = (
        (
            True,
            "(1) Los pesos de entrada al azar ya hacen distintas a las neuronas; los de salida se mueven en un paso.",
        ),
        (True, "(2) En tanh la derivada en 0 es 1: cada neurona recibe un delta proporcional a su peso de salida."),
        (
            False,
            "(3) Sin pesos de salida no hay delta; sin salidas ocultas, los pesos de salida tampoco reciben gradiente.",
        ),
        (True, "(4) Los sesgos distintos dan salidas ocultas distintas, y con ellas gradientes distintos."),
        (False, "(5) Adam hace la misma cuenta con cada peso: a gradientes iguales, pasos iguales."),
        (False, "(6) La ReLU en 0 tiene derivada 0 en PyTorch: a los pesos de entrada no les llega gradiente."),
    )
    require_truths(answer, facts)
    return "La simetría se rompe con cualquier diferencia que llegue a un gradiente."


@comprobar.exercise("escala")
def _(answer: object) -> str:
    rng = np.random.default_rng(0)
    cases: list[tuple[list[int], list[float], float]] = [([6, 4, 3], [0.5, 0.7], 0.3)]
    for depth in (1, 2, 5, 9):
        widths = [int(n) for n in rng.integers(2, 60, depth + 1)]
        cases.append((widths, [float(s) for s in rng.uniform(0.1, 0.6, depth)], float(rng.uniform(0.1, 3))))
    for widths, stds, m0 in cases:
        got = as_array(call(answer, list(widths), list(stds), m0), what="las escalas")
        require(got.shape == (len(stds),), f"Se esperaba un número por capa, {len(stds)}; la forma es {got.shape}.")
        expected = _scales(widths[:-1], np.square(stds), m0)
        for wrong, hint in (
            (_scales(widths[1:], np.square(stds), m0), "Usas las neuronas que salen; cada suma tiene las que entran."),
            (_scales(widths[:-1], np.array(stds), m0), "Las desviaciones van al cuadrado: la varianza es lo que suma."),
            (expected / 2, "Sobra una mitad: la entrada no pasa por una ReLU, y se piden las sumas, no las salidas."),
            (_scales(widths[:-1], np.square(stds), 1.0), "Falta m0, la media de los cuadrados de la entrada."),
            (_scales(widths[:-1], np.square(stds), m0**2), "m0 ya es una media de cuadrados: no la eleves."),
        ):
            require(np.allclose(expected, wrong) or not np.allclose(got, wrong), hint)
        if len(stds) > 1:
            whole = _scales(widths[:-1], np.square(stds), m0, half=1.0)
            require(not np.allclose(got, whole), "Falta la ReLU: entre dos capas se pierde la mitad.")
        require(
            np.allclose(got, expected),
            f"No coincide con anchos={widths}. Cada capa: q = entradas · desviación² · m, y después m = q / 2.",
        )
    return "Con He, todos los factores valen 1."


def _scales(fans: list[int], variances: np.ndarray, m: float, *, half: float = 0.5) -> np.ndarray:
    scales = []
    for n, variance in zip(fans, variances, strict=True):
        scales.append(n * variance * m)
        m = half * scales[-1]
    return np.array(scales)


@comprobar.exercise("ganancia")
def _(answer: object) -> str:
    u = (np.arange(-10_000, 10_000) + 0.5) * 1e-3
    density = np.exp(-(u**2) / 2) / (2 * np.pi) ** 0.5 * 1e-3
    for name, f in (
        ("max(z, 0)", lambda z: np.maximum(z, 0.0)),
        ("tanh(z)", np.tanh),
        ("1 / (1 + e^−z)", lambda z: 1 / (1 + np.exp(-z))),
        ("ln(1 + e^z)", lambda z: np.logaddexp(0, z)),
        ("z² − 1", lambda z: z**2 - 1),
        ("2 cos z + 1", lambda z: 2 * np.cos(z) + 1),
    ):
        got = float(as_array(call(answer, f), shape=(), what="la ganancia"))
        values = f(u)
        square, mean, size = (float((density * v).sum()) for v in (values**2, values, np.abs(values)))
        expected = square**-0.5
        if not np.isclose(got, expected, rtol=1e-2):
            for wrong, hint in (
                (square**0.5, "Es el inverso: la ganancia compensa lo que la activación encoge."),
                (1 / square, "Falta la raíz: la ganancia multiplica desviaciones típicas, no varianzas."),
                (square, "Eso es E[f(u)²]; la ganancia es 1 entre su raíz."),
                ((square - mean**2) ** -0.5, "Eso usa la varianza; lo que se propaga es la media de los cuadrados."),
                (1 / size, "Usas la media del valor absoluto; se propagan los cuadrados."),
                (float((values**2).mean() ** -0.5), "Todos los puntos pesan igual: falta la densidad normal."),
                (expected * 1e-3**0.5, "Falta multiplicar la suma por el ancho del paso de la rejilla."),
            ):
                require(not np.isclose(got, wrong, rtol=1e-2), f"{hint} (con f(z) = {name})")
            fail(f"Con f(z) = {name} se esperaba {expected:.3f} y devolviste {got:.3f}.")
    return "Con esta función no necesitas ninguna tabla."


@comprobar.exercise("ortogonal")
def _(answer: object) -> str:
    for m, n in ((5, 5), (7, 3), (3, 7), (1, 4), (4, 1)):
        got = as_array(call(answer, m, n, np.random.default_rng(m)), shape=(m, n), what="la matriz")
        gram = got @ got.T if m < n else got.T @ got
        lengths = np.sqrt(np.diag(gram))
        which = "filas" if m < n else "columnas"
        require(np.allclose(lengths, 1), f"Las {which} de una matriz de {m} × {n} deben tener norma 1.")
        require_close(gram, np.eye(len(gram)), f"Las {which} de una matriz de {m} × {n} no son perpendiculares.")
    rng = np.random.default_rng(0)
    many = np.array([as_array(call(answer, 3, 3, rng), shape=(3, 3), what="la matriz") for _ in range(400)])
    require(many.std(axis=0).min() > 1e-6, "Sale siempre la misma: usa `rng` y no fijes una semilla dentro.")
    other = as_array(call(answer, 3, 3, np.random.default_rng(1)), what="la matriz")
    again = as_array(call(answer, 3, 3, np.random.default_rng(1)), what="la matriz")
    require_close(again, other, "Con el mismo generador debe salir la misma matriz: todo el azar debe venir de `rng`.")
    positive = (many[:, 0, 0] > 0).mean()
    require(
        0.05 < positive < 0.95,
        "La primera entrada tiene siempre el mismo signo: corrige los signos con la diagonal de r.",
    )
    # En una matriz uniforme, cada entrada tiene media 0 y varianza 1/3; con 400, la media casi nunca pasa de 0.15.
    uneven = np.abs(many.mean(axis=0)).max() > 0.15 or np.abs((many**2).mean(axis=0) - 1 / 3).max() > 0.1
    require(not uneven, "No todas las matrices son igual de probables: parte de números normales y corrige los signos.")
    return "Conserva la longitud de cada vector, y ninguna dirección es más probable que otra."


@comprobar.exercise("proyecto")
def _(answer: object) -> str:
    data = small_mnist()
    x, y = data.x_train, data.y_train
    x = (x - x.mean()) / x.std()
    losses = [_last_loss(answer, x, y, seed) for seed in (11, 12, 13)]
    mean = float(np.mean(losses))
    require(mean < 3, f"La pérdida media es {mean:.3g}, mucho peor que al azar: los pesos son demasiado grandes.")
    require(
        mean < 2.2, f"La pérdida media es {mean:.2f}, como al azar: la señal no llega. Mira la escala de cada capa."
    )
    require(
        mean <= MAX_LOSS,
        f"La pérdida media es {mean:.2f}; se pide {MAX_LOSS} como mucho. ¿La ganancia es la de Softsign? "
        "¿Conservan las matrices todas las direcciones?",
    )
    return f"Pérdida media {mean:.2f}: doce capas, cien pasos y ninguna tabla."


def _last_loss(answer: object, x: torch.Tensor, y: torch.Tensor, seed: int) -> float:
    """La pérdida media de los treinta últimos pasos de cien, con la inicialización de quien aprende."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = build((196, *[32] * 12, 10), nn.Softsign)
        layers, shapes = list(model), [p.shape for p in model.parameters()]
        _initialize(answer, model, x[:200].clone())
        same = list(model) == layers and [p.shape for p in model.parameters()] == shapes
        require(same, "Cambiaste las capas de la red; solo pueden cambiar los números de sus parámetros.")
        for p in model.parameters():
            require(p.requires_grad, "Hay parámetros que ya no se entrenan: no les quites el gradiente.")
            p.grad = None
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        total = 0.0
        for step, batch in enumerate(torch.randperm(len(x)).repeat(2)[:5000].split(50)):
            optimizer.zero_grad()
            loss = F.cross_entropy(model(x[batch]), y[batch])
            loss.backward()
            optimizer.step()
            total += loss.item() / 30 if step >= 70 else 0.0
        return total


def _initialize(answer: object, model: nn.Sequential, x: torch.Tensor) -> None:
    """Llama a la función de quien aprende, que no tiene por qué devolver nada."""

    def run(model: nn.Sequential, x: torch.Tensor) -> bool:
        answer(model, x)  # type: ignore[operator]
        return True

    if not callable(answer) or inspect.isclass(answer):
        fail("Se esperaba una función que reciba el modelo y un lote; pasa su nombre sin paréntesis.")
    run.__name__ = getattr(answer, "__name__", "tu función")
    before = [p.detach().clone() for p in model.parameters()]
    call(run, model, x)
    if all(torch.equal(p, old) for p, old in zip(model.parameters(), before, strict=True)):
        raise Unanswered(f"Sin resolver: `{run.__name__}` no cambió ningún parámetro del modelo.")
