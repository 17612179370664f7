"""Comprobadores de los ejercicios del capítulo «La tasa de aprendizaje»."""

import copy
from collections.abc import Callable, Mapping

import numpy as np
import torch

from profundo.comun.copias import Copies, train_copies
from profundo.comun.datos import small_mnist
from profundo.comun.ejercicios import Checker, as_array, call, fail, require
from profundo.optimizacion.momento_y_adaptativos import SGD
from profundo.optimizacion.tasa_de_aprendizaje import (
    Scheduler,
    cosine,
    exponential,
    smooth,
    warmup,
)

comprobar = Checker("optimizacion/tasa_de_aprendizaje")

MAX_LOSS = 0.3
STEPS = 210  # tres épocas de 3500 imágenes en lotes de 50


@comprobar.exercise("mano")
def _(answer: object) -> str:
    got = as_array(answer, shape=(5,), what="la lista de tasas")
    right = np.array([0.2, 0.4, 0.8, 0.4, 0.32])
    for k, wrong, hint in (
        (0, 0.1, "En el paso 25 solo van dos bajadas, la del 10 y la del 20."),
        (0, 0.4, "En el paso 25 ya van dos bajadas, la del 10 y la del 20."),
        (0, 0.25, "Falta multiplicar por la tasa de referencia, 0.8."),
        (1, 0.0, "En el paso 20 el coseno va por la mitad del camino, no por el final: el ángulo es π/2."),
        (1, 0.5, "Falta multiplicar por la tasa de referencia, 0.8."),
        (2, 0.0, "En el paso 10 el primer ciclo ya terminó y empieza otro, arriba del todo."),
        (3, 0.8, "El segundo ciclo dura 20 pasos: en el paso 20 va por la mitad."),
        (3, 0.0, "El segundo ciclo dura 20 pasos: en el paso 20 va por la mitad."),
        (4, 0.4, "El calentamiento no llega arriba en el último de sus pasos: el paso 1 es el segundo de cuatro, 2/5."),
        (4, 0.2, "El paso 0 ya no vale cero: el factor es (t + 1)/(4 + 1)."),
        (4, 0.16, "El factor es (t + 1)/(4 + 1): el paso 1 es el segundo."),
    ):
        require(not np.isclose(got[k], wrong), f"Respuesta {'abcde'[k]}. {hint}")
    for k in range(5):
        require(
            np.isclose(got[k], right[k]), f"Respuesta {'abcde'[k]}: {got[k]:g} no es. Escribe la fórmula del factor."
        )
    return "Cada tasa sale de su paso, sin recorrer los anteriores."


@comprobar.exercise("calentamiento")
def _(answer: object) -> str:
    for total, first in ((50, 10), (37, 6), (20, 0), (90, 1)):
        factors = np.array([float(as_array(call(answer, t, total, first), shape=())) for t in range(total)])
        down = cosine(total - first)
        expected = np.array([(warmup(first, down) if first else down)(t) for t in range(total)])
        if np.allclose(factors, expected):
            continue
        case = f"(total={total}, calentamiento={first})"
        t = np.arange(total)
        rise = t < first
        late = np.where(rise, expected, [float(cosine(total)(k)) for k in range(total)])
        long = np.where(rise, expected, [float(cosine(total)(k - first)) for k in range(total)])
        for wrong, hint in (
            (np.where(rise, t / max(first, 1), expected), "El primer factor no debe ser cero: ese paso se perdería."),
            (
                np.where(rise, (t + 1) / max(first, 1), expected),
                "Con (t + 1)/calentamiento el 1 sale dos veces; divide entre calentamiento + 1.",
            ),
            (late, "Al terminar el calentamiento el coseno empieza en su paso 0: debe partir de 1, sin saltos."),
            (long, "El coseno dura lo que queda, total − calentamiento: así termina cerca de cero."),
            (np.where(rise, expected, 2 * expected), "Al coseno le falta el factor 1/2: empieza en 1, no en 2."),
            (
                np.where(rise, expected, 2 * expected - 1),
                "El coseno va de 1 a −1; hay que sumarle 1 y dividir entre 2.",
            ),
        ):
            require(not np.allclose(factors, wrong), f"{hint} {case}")
        wrong_at = int(np.flatnonzero(~np.isclose(factors, expected))[0])
        fail(f"En el paso {wrong_at} se esperaba {expected[wrong_at]:.4f} y devuelve {factors[wrong_at]:.4f}. {case}")
    return "Sube en línea recta, enlaza sin salto y termina cerca de cero."


@comprobar.exercise("consejo")
def _(answer: object) -> str:
    rng = np.random.default_rng(58)  # con este ruido, los cuatro errores de la primera curva dan tasas distintas
    for steps, beta in ((100, 0.7), (60, 0.8), (150, 0.95)):
        rates = np.geomspace(1e-4, 10, steps)
        u = np.log10(rates)
        losses = 2.3 - 1.8 / (1 + np.exp(-4 * (u + 1))) + np.exp(5 * (u - 0.3)) + 0.25 * rng.normal(size=steps)
        before = rates.copy(), losses.copy()
        got = float(as_array(call(answer, rates, losses, beta), shape=()))
        same = np.array_equal(rates, before[0]) and np.array_equal(losses, before[1])
        require(same, "Modificaste los arreglos que recibes: guarda la media móvil en otra variable.")
        curve = smooth(losses, beta)
        bottom = int(curve.argmin())
        expected = rates[bottom] / 10
        if np.isclose(got, expected):
            continue
        swapped, biased = smooth(losses, 1 - beta), curve * (1 - beta ** np.arange(1, steps + 1))
        for wrong, hint in (
            (rates[bottom], "Esa es la tasa del mínimo; el consejo es la décima parte, lejos del borde."),
            (bottom, "Devuelves la posición del mínimo; hay que mirar qué tasa le corresponde."),
            (bottom / 10, "Devuelves la posición del mínimo; hay que mirar qué tasa le corresponde."),
            (curve[bottom], "Devuelves la pérdida del mínimo; se pide una tasa."),
            (rates[losses.argmin()] / 10, "Buscas el mínimo en las pérdidas sin suavizar: lo decide el ruido."),
            (
                rates[biased.argmin()] / 10,
                "Falta corregir el sesgo: la media empieza en cero y las primeras parecen pequeñas.",
            ),
            (rates[swapped.argmin()] / 10, "β multiplica lo acumulado y 1 − β la pérdida nueva; los cambiaste."),
        ):
            require(not np.isclose(got, wrong), hint)
        fail(f"Se esperaba {expected:.4g} y devuelve {got:.4g}, con {steps} tasas y β = {beta}.")
    return "La media corregida, su mínimo y un orden de magnitud de margen."


@comprobar.exercise("posicion")
def _(answer: object) -> str:
    cases = [(0, 10, 2), (9, 10, 2), (10, 10, 2), (29, 10, 2), (30, 10, 2), (47, 10, 1), (50, 10, 1), (5, 1, 3)]
    rng = np.random.default_rng(3)
    cases += [(int(rng.integers(0, 5000)), int(rng.integers(1, 60)), int(rng.integers(1, 4))) for _ in range(30)]
    for t, first, growth in cases:
        k, rest, length = 0, t, first
        while rest >= length:
            k, rest, length = k + 1, rest - length, length * growth
        got = as_array(call(answer, t, first, growth), shape=(2,), what="el ciclo y el paso dentro de él")
        if np.array_equal(got, (k, rest)):
            continue
        case = f"(t={t}, first={first}, growth={growth})"
        for wrong, hint in (
            ((k + 1, rest), "Los ciclos se cuentan desde 0."),
            ((k, rest + 1), "Los pasos de cada ciclo se cuentan desde 0."),
            ((rest, k), "Primero el número de ciclo y después el paso dentro de él."),
            ((k, rest / length), "Se pide el paso dentro del ciclo, no la fracción recorrida."),
            ((t // first, t % first), "Los ciclos crecen: cada uno dura growth veces lo que el anterior."),
            ((k - 1, length // growth), "Cuando t llega al final de un ciclo ya está en el siguiente: compara con >=."),
        ):
            require(not np.allclose(got, wrong), f"{hint} {case}")
        fail(f"Se esperaba ({k}, {rest}) y devuelve ({got[0]:g}, {got[1]:g}). {case}")
    return "Sabes en qué ciclo cae cada paso: el programa es una función."


@comprobar.exercise("pasos")
def _(answer: object) -> str:
    for n, batch, epochs, accumulate in (
        (3500, 50, 5, 1),
        (3500, 64, 10, 1),
        (1100, 32, 3, 4),
        (7, 8, 4, 3),
        (90, 9, 2, 4),
    ):
        got = float(as_array(call(answer, n, batch, epochs, accumulate), shape=()))
        batches = -(-n // batch)
        expected = -(-batches // accumulate) * epochs
        if got == expected:
            continue
        case = f"(n={n}, batch={batch}, epochs={epochs}, acumula={accumulate})"
        for wrong, hint in (
            (
                -(-(n // batch) // accumulate) * epochs,
                "El último lote, incompleto, también es un lote: redondea hacia arriba.",
            ),
            (n // batch * epochs, "El último lote, incompleto, también es un lote: redondea hacia arriba."),
            (batches // accumulate * epochs, "Los lotes que sobran al final de la época también dan un paso."),
            (batches * epochs, "Cada paso del optimizador reúne `acumula` lotes."),
            (-(-n * epochs // batch), "Cada época tiene su último lote incompleto: redondea antes de multiplicar."),
            (-(-batches // accumulate), "Eso es una época."),
            (
                -(-batches * epochs // accumulate),
                "Lo que sobra en una época no se junta con la siguiente: redondea antes.",
            ),
            (n * epochs / batch / accumulate, "No hay medios pasos: redondea hacia arriba los lotes y los pasos."),
        ):
            require(not np.isclose(got, wrong), f"{hint} {case}")
        fail(f"Se esperaban {expected} pasos y devuelve {got:g}. {case}")
    return "Ese es el número que va en total_steps y en T_max."


def _method(thing: object, name: str) -> Callable[..., object]:
    found = getattr(thing, name, None)
    if isinstance(thing, type) or not callable(found):
        fail(f"Se esperaba una clase cuyos objetos tengan `step`, `state_dict` y `load_state_dict`; falta `{name}`.")
    return found


def _run(method: Callable[..., object], name: str, *args: object) -> None:
    """Llama a un método que no devuelve nada."""

    def run() -> bool:
        method(*args)
        return True

    run.__name__ = name
    call(run)


def _optimizer() -> torch.optim.Optimizer:
    return torch.optim.SGD([{"params": [torch.zeros(1)], "lr": lr} for lr in (0.5, 0.02)])


@comprobar.exercise("reanudar")
def _(answer: object) -> str:
    factor = warmup(4, exponential(0.8))
    optimizer = _optimizer()
    scheduler = call(answer, optimizer, factor)
    step = _method(scheduler, "step")
    for name in ("state_dict", "load_state_dict"):
        _method(scheduler, name)

    def compare(optimizer: torch.optim.Optimizer, t: int, when: str) -> None:
        got = [float(as_array(group["lr"], shape=(), what="la tasa")) for group in optimizer.param_groups]
        right = np.array([0.5, 0.02]) * float(factor(t))
        if np.allclose(got, right):
            return
        products = np.array([0.5, 0.02]) * np.prod([float(factor(k)) for k in range(t + 1)])
        require(
            t < 1 or not np.allclose(got, products), "Multiplicas la tasa ya multiplicada: parte siempre de la inicial."
        )
        require(t > 0 or not np.allclose(got, [0.5, 0.02]), "Al crearse debe poner ya la tasa del paso 0, factor(0).")
        require(not np.allclose(got, right[0]), "Cada grupo tiene su propia tasa inicial.")
        fail(
            f"{when}, en el paso {t}, las tasas son {got[0]:.4g} y {got[1]:.4g}, y no {right[0]:.4g} y {right[1]:.4g}."
        )

    for t in range(9):
        compare(optimizer, t, "Sin interrupciones")
        _run(step, "step")
    state = call(_method(scheduler, "state_dict"))
    if not isinstance(state, Mapping):
        fail("`state_dict` debe devolver un diccionario con lo que hay que recordar.")
    saved = copy.deepcopy((optimizer.state_dict(), {k: v for k, v in state.items() if not callable(v)}))
    other = _optimizer()
    other.load_state_dict(saved[0])  # trae las tasas del paso 9, no las iniciales
    resumed = call(answer, other, factor)
    load = _method(resumed, "load_state_dict")
    _run(load, "load_state_dict", saved[1])
    now = [float(as_array(group["lr"], shape=(), what="la tasa")) for group in other.param_groups]
    start, right = np.array([0.5, 0.02]), np.array([0.5, 0.02]) * float(factor(9))
    if not np.allclose(now, right):
        require(
            not np.allclose(now, start * float(factor(0))),
            "Tras `load_state_dict` vuelve a la tasa del paso 0: recupera también el contador.",
        )
        require(
            not np.allclose(now, right * float(factor(0))),
            "Tras `load_state_dict` la tasa sigue siendo la del paso 0: ponla de nuevo en el optimizador.",
        )
        require(
            not np.allclose(now, right * float(factor(9))),
            "Al reanudar tomas por inicial la tasa ya reducida: guarda también las iniciales en `state_dict`.",
        )
    for t in range(9, 14):
        compare(other, t, "Al reanudar")
        _run(_method(resumed, "step"), "step")
    return "Sigue en el paso 9 con las tasas que le tocan."


@comprobar.exercise("proyecto")
def _(answer: object) -> str:
    rates = np.array([float(as_array(call(answer, t, STEPS), shape=(), what="la tasa")) for t in range(STEPS)])
    require((rates >= 0).all(), "Hay tasas negativas: subirían la pérdida.")
    require(rates.any(), "Todas las tasas son cero: la red no se mueve.")
    data, seeds = small_mnist(), range(901, 907)
    nets = Copies((196, 32, 10), seeds, gain=6**0.5)
    optimizer = SGD(nets.parameters(), lr=1.0, momentum=0.9)
    scheduler = Scheduler(optimizer, lambda t: float(rates[min(t, STEPS - 1)]))
    train_copies(nets, optimizer, data.x_train, data.y_train, scheduler=scheduler, seeds=seeds, epochs=3)
    x, y = torch.cat([data.x_val, data.x_test]), torch.cat([data.y_val, data.y_test])
    with torch.no_grad():
        reached = float(nets.losses(x.expand(6, -1, -1), y.expand(6, -1)).mean())
    require(np.isfinite(reached), "La pérdida dejó de ser finita: la tasa es demasiado grande.")
    if reached > MAX_LOSS:
        said = f"La entropía cruzada media es {reached:.2f} y se pide {MAX_LOSS} o menos."
        require(not np.allclose(rates, rates[0]), f"{said} Es una tasa constante, y ninguna constante llega: bájala.")
        require(rates.max() > 0.1, f"{said} La tasa más alta es {rates.max():.3g}; con tan pocos pasos, es poca.")
        require(
            rates[-10:].mean() < 0.1 * rates.max(),
            f"{said} La tasa no termina cerca de cero: queda el ruido del final.",
        )
        require(rates.max() < 0.45, f"{said} La tasa más alta es {rates.max():.3g}; por ahí la red ya salta sin parar.")
        fail(f"{said} ¿Cuántos pasos pasa con tasas de verdad útiles, entre 0.1 y 0.4?")
    return f"Entropía cruzada media de {reached:.2f}; la mejor constante que conocemos se queda en 0.33."
