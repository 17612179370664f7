"""Comprobadores de los ejercicios del capítulo «Momento y métodos adaptativos»."""

from collections.abc import Callable, Iterable
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from profundo.comun.datos import small_mnist
from profundo.comun.ejercicios import Checker, as_array, call, fail, require, require_close

comprobar = Checker("optimizacion/momento_y_adaptativos")

MAX_LOSS = 0.9


@comprobar.exercise("mano")
def _(answer: object) -> str:
    got = as_array(answer, shape=(3,), what="la lista de pesos")
    for wrong, hint in (
        ([0.1, 0.25, 0.425], "El signo: el gradiente es positivo, así que el peso debe bajar."),
        ([-0.1, -0.2, -0.3], "Eso es sin momento: la velocidad debe recordar la mitad de la anterior."),
        ([-0.05, -0.125, -0.2125], "Multiplicaste el gradiente por 1 − β; aquí la velocidad suma, no promedia."),
        ([0, -0.1, -0.25], "Vas un paso tarde: se actualiza la velocidad y con ella, ya nueva, el peso."),
        ([1, 1.5, 1.75], "Esas son las velocidades; con ellas se mueve el peso."),
        ([-0.1, -0.15, -0.175], "Esos son los tres cambios; el peso los acumula."),
        ([-0.15, -0.325, -0.5125], "Eso es Nesterov como en PyTorch; aquí se avanza con la velocidad sola."),
        ([-0.1, -0.15, -0.2], "La velocidad arrastra toda su historia: en el paso 3 vale 0.5 · 1.5 + 1."),
    ):
        require(not np.allclose(got, wrong), hint)
    require_close(got, [-0.1, -0.25, -0.425], "Haz una tabla con v y w: primero v = 0.5 v + 1 y después w = w − 0.1 v.")
    return "El paso crece hasta el doble, 1/(1 − β) veces el primero."


@comprobar.exercise("pasos")
def _(answer: object) -> str:
    rng = np.random.default_rng(0)
    cases = [(100.0, 1000.0, False), (100.0, 1000.0, True), (1.4, 2.0, False), (1.5, 30.0, True)]
    cases += [(float(10 ** rng.uniform(0.2, 3.5)), float(10 ** rng.uniform(0.2, 6)), bool(k % 2)) for k in range(20)]
    for kappa, factor, momentum in cases:
        got = float(as_array(call(answer, kappa, factor, momentum), shape=()))

        def steps(condition: float, factor: float = factor) -> float:
            return np.log(factor) / -np.log((condition - 1) / (condition + 1))

        exact = steps(kappa**0.5 if momentum else kappa)
        case = f"(kappa={kappa:.4g}, factor={factor:.4g}, momento={momentum})"
        if not np.isclose(got, np.ceil(exact)):
            other = steps(kappa if momentum else kappa**0.5)
            approximate = (kappa**0.5 if momentum else kappa) / 2 * np.log(factor)
            for wrong, hint in (
                (exact, "Falta redondear hacia arriba: no hay medios pasos."),
                (np.floor(exact), "Redondeas hacia abajo: ese número de pasos todavía no alcanza."),
                (np.ceil(approximate), "ln ρ ≈ −2/κ es una aproximación: con condiciones pequeñas falla. Usa ρ."),
                (np.floor(exact) + 2, "Sobra un paso: redondear hacia arriba ya basta."),
                (-np.ceil(exact), "El número de pasos debe ser positivo: ln ρ es negativo y cambia el signo."),
                (np.ceil(-exact), "El número de pasos debe ser positivo: ln ρ es negativo y cambia el signo."),
                (np.ceil(other), "Con momento la condición entra por su raíz, y sin momento, no."),
                (np.ceil(exact / np.log(10)), "Los dos logaritmos deben ser de la misma base."),
            ):
                require(not np.isclose(got, wrong), f"{hint} {case}")
            fail(f"Se esperaban {np.ceil(exact):.0f} pasos y devolviste {got:g}. {case}")
    return "La raíz de la condición es lo que separa cien pasos de diez mil."


Gradient = Callable[[np.ndarray], np.ndarray]


def _nesterov(gradient: Gradient, w: np.ndarray, lr: float, ahead: float, beta: float, steps: int) -> np.ndarray:
    """Puntos w y velocidades v, ``(2, steps + 1, d)``; el gradiente se mide en ``w - ahead * v``."""
    w, v = w.copy(), np.zeros_like(w)
    points, velocities = [w], [v]
    for _ in range(steps):
        v = beta * v + gradient(w - ahead * v)
        w = w - lr * v
        points.append(w)
        velocities.append(v)
    return np.array([points, velocities])


@comprobar.exercise("nesterov")
def _(answer: object) -> str:
    rng = np.random.default_rng(1)
    for d, steps, lr, beta in ((1, 1, 0.3, 0.5), (3, 6, 0.1, 0.9), (4, 9, 0.2, 0.6)):
        root, start = rng.normal(size=(d, d)), rng.normal(size=d)
        matrix = np.eye(d) + root @ root.T / d

        def gradient(w: np.ndarray, matrix: np.ndarray = matrix) -> np.ndarray:
            return matrix @ w + np.sin(w)

        w = start.copy()
        got = as_array(call(answer, gradient, w, lr, beta, steps), shape=(steps, d), what="los puntos")
        require(np.array_equal(w, start), "Modificaste el punto de partida: escribe `w = w - …`, no `w -= …`.")

        points, v = _nesterov(gradient, start, lr, lr * beta, beta, steps)
        expected = points - lr * beta * v
        if np.allclose(got, expected[1:]):
            continue
        require(
            steps == 1 or not np.allclose(got, got[0]),
            "Todas las filas son iguales: guardas siempre el mismo arreglo, que sigue cambiando. Guarda una copia.",
        )
        heavy, heavy_v = _nesterov(gradient, start, lr, 0.0, beta, steps)
        late = "Guardas el punto de antes de cada paso; se pide el de después."
        inside = "El gradiente se mide en el punto adelantado, no en w."
        candidates = [
            (points[1:], "Devuelves w; se piden los puntos adelantados, w − ηβv."),
            (points[:-1], late),
            (expected[:-1], late),
            (heavy[1:], inside),
            ((heavy - lr * beta * heavy_v)[1:], inside),
        ]
        for ahead, hint in (
            (-lr * beta, "El punto adelantado va hacia donde lleva la velocidad: w − ηβv, con signo menos."),
            (beta, "Al adelantar falta la tasa: es w − ηβv, no w − βv."),
            (lr, "Al adelantar falta el momento: es w − ηβv, no w − ηv."),
        ):
            other, other_v = _nesterov(gradient, start, lr, ahead, beta, steps)
            candidates += [((other - ahead * other_v)[1:], hint), ((other - lr * beta * other_v)[1:], hint)]
        for wrong, hint in candidates:
            require(steps == 1 or not np.allclose(got, wrong), hint)
        # Con un solo paso coinciden varias respuestas equivocadas: se distinguen en el siguiente caso.
        if any(np.allclose(got, wrong) for wrong, _ in candidates):
            continue
        fail(f"Los puntos no coinciden con d={d}, steps={steps}. Comprueba a mano el primero: v = g, w = w − ηg.")
    return "Es el mismo camino que recorre torch.optim.SGD(nesterov=True)."


@comprobar.exercise("adam")
def _(answer: object) -> str:
    rng = np.random.default_rng(2)
    for d, t, lr, beta1, beta2, eps in (
        (4, 3, 0.5, 0.8, 0.95, 0.2),
        (1, 40, 2.0, 0.0, 0.5, 1e-3),
        (3, 1, 0.1, 0.9, 0.999, 1e-8),
    ):
        g = rng.normal(size=d)
        m, s = (np.zeros(d), np.zeros(d)) if t == 1 else (rng.normal(size=d), rng.uniform(0.5, 2, size=d))
        before = g.copy(), m.copy(), s.copy()
        with np.errstate(all="ignore"):
            result = call(answer, g, m, s, t, lr, beta1, beta2, eps)
        if not isinstance(result, tuple | list) or len(result) != 3:
            fail("Se esperaba que devolviera tres cosas: `return cambio, m, s`.")
        same = all(np.array_equal(a, b) for a, b in zip(before, (g, m, s), strict=True))
        require(same, "Modificaste g, m o s: escribe los momentos nuevos en arreglos nuevos.")
        names = ("el cambio", "el primer momento", "el segundo momento")
        change, new_m, new_s = (as_array(x, shape=(d,), what=n) for x, n in zip(result, names, strict=True))

        good_m, good_s = beta1 * m + (1 - beta1) * g, beta2 * s + (1 - beta2) * g**2
        m_hat, s_hat = good_m / (1 - beta1**t), good_s / (1 - beta2**t)
        for wrong, hint in (
            (beta1 * m + g, "Al primer momento le falta el factor 1 − β₁ del gradiente: es una media."),
            (beta2 * m + (1 - beta2) * g, "Intercambiaste β₁ y β₂."),
            (m_hat, "Devuelve el primer momento sin corregir: la corrección es solo para este paso."),
        ):
            require(np.allclose(new_m, good_m) or not np.allclose(new_m, wrong), hint)
        require_close(new_m, good_m, "El primer momento no coincide: β₁m + (1 − β₁)g.")
        for wrong, hint in (
            (beta2 * s + g**2, "Al segundo momento le falta el factor 1 − β₂: es una media."),
            (beta2 * s + (1 - beta2) * g, "El segundo momento promedia los cuadrados de los gradientes, g²."),
            (s_hat, "Devuelve el segundo momento sin corregir: la corrección es solo para este paso."),
        ):
            require(np.allclose(new_s, good_s) or not np.allclose(new_s, wrong), hint)
        require_close(new_s, good_s, "El segundo momento no coincide: β₂s + (1 − β₂)g².")

        expected = -lr * m_hat / (np.sqrt(s_hat) + eps)
        for wrong, hint in (
            (-expected, "El cambio se suma a los pesos: para bajar debe llevar signo menos."),
            (-lr * good_m / (np.sqrt(good_s) + eps), "Falta corregir el sesgo de los dos momentos."),
            (-lr * good_m / (np.sqrt(s_hat) + eps), "Falta corregir el sesgo del primer momento."),
            (-lr * m_hat / (np.sqrt(good_s) + eps), "Falta corregir el sesgo del segundo momento."),
            (-lr * m_hat / np.sqrt(s_hat + eps), "ε va fuera de la raíz."),
            (-lr * m_hat / (s_hat + eps), "Falta la raíz del segundo momento."),
            (
                -lr * g / (np.sqrt(s_hat) + eps),
                "Eso es RMSProp corregido: el paso usa el primer momento, no el gradiente.",
            ),
        ):
            require(np.allclose(change, expected) or not np.allclose(change, wrong), hint)
        require_close(
            change,
            expected,
            f"El cambio no coincide con t={t}, β₁={beta1}, β₂={beta2}. Se corrige con 1 − β elevado a t.",
        )
    return "Los dos momentos, corregidos, y ε fuera de la raíz."


class _Tied(nn.Module):
    """Una red con de todo: dos capas que comparten pesos, normalización, convolución y un escalar."""

    def __init__(self) -> None:
        super().__init__()
        self.embed, self.conv = nn.Embedding(5, 4), nn.Conv1d(4, 4, 3)
        self.norm, self.head = nn.LayerNorm(4), nn.Linear(4, 5)
        self.head.weight = self.embed.weight
        self.scale = nn.Parameter(torch.tensor(1.0))


@comprobar.exercise("grupos")
def _(answer: object) -> str:
    for model, decay in ((nn.Sequential(nn.Linear(3, 4), nn.LayerNorm(4), nn.Linear(4, 2)), 0.1), (_Tied(), 0.03)):
        groups = call(answer, model, decay)
        if not isinstance(groups, list | tuple) or len(groups) != 2 or not all(isinstance(g, dict) for g in groups):
            fail("Se esperaba una lista con dos diccionarios, uno por grupo.")
        for group in groups:
            require(
                {"params", "weight_decay"} <= set(group),
                'A cada grupo le hacen falta "params" y "weight_decay"; sin él, AdamW usa su valor de fábrica, 0.01.',
            )
        listed = [_tensors(group["params"]) for group in groups]
        decays = [float(as_array(group["weight_decay"], shape=(), what="weight_decay")) for group in groups]
        require(
            sorted(decays) == [0, decay],
            f"Un grupo debe tener el decaimiento que se pide, {decay}, y el otro, 0; tienen {decays}.",
        )
        place: dict[int, list[float]] = {}
        for params, value in zip(listed, decays, strict=True):
            for p in params:
                place.setdefault(id(p), []).append(value)
        known = {id(p): name for name, p in model.named_parameters()}
        require(set(place) <= set(known), "Hay tensores que no son parámetros del modelo.")
        for name, p in model.named_parameters():
            where, shape = place.get(id(p), []), tuple(p.shape)
            require(where, f"Falta el parámetro «{name}», de forma {shape}: sin grupo, no se entrena.")
            require(len(where) == 1, f"El parámetro «{name}» está dos veces; debe estar en un grupo y solo en uno.")
            require(
                p.ndim >= 2 or where == [0],
                f"«{name}», de forma {shape}, no es una matriz: no debe encogerse. No te fíes del nombre, mira `ndim`.",
            )
            require(
                p.ndim < 2 or where == [decay],
                f"«{name}», de forma {shape}, debe encogerse: tiene {p.ndim} dimensiones.",
            )
    return "Cada parámetro en su grupo, también los compartidos."


def _tensors(params: object) -> list[Tensor]:
    found = [params] if isinstance(params, Tensor) else list(params) if isinstance(params, Iterable) else []
    require(
        all(isinstance(p, Tensor) for p in found),
        '"params" debe ser una lista de parámetros, no de nombres ni de parejas.',
    )
    return found


def _run(method: Callable[[], object], name: str) -> None:
    """Llama a un método que no devuelve nada."""

    def run() -> bool:
        method()
        return True

    run.__name__ = name
    call(run)


def _second_epoch(answer: object, x: Tensor, y: Tensor, seed: int) -> float:
    """Entrena dos épocas una red de cinco capas ocultas y devuelve la pérdida media de la segunda."""
    torch.manual_seed(seed)
    layers = [layer for a, b in pairwise((196, *[32] * 5, 10)) for layer in (nn.Linear(a, b), nn.ReLU())]
    model = nn.Sequential(*layers[:-1])
    optimizer = call(answer, list(model.parameters()))
    zero_grad, step = (getattr(optimizer, name, None) for name in ("zero_grad", "step"))
    if isinstance(optimizer, type) or not callable(zero_grad) or not callable(step):
        fail("Se esperaba que devolviera un optimizador, con `zero_grad` y `step`. ¿Devuelves la clase o un objeto?")
    total = 0.0
    for _ in range(2):
        total = 0.0
        for batch in torch.randperm(len(x)).split(50):
            _run(zero_grad, "zero_grad")
            loss = F.cross_entropy(model(x[batch]), y[batch])
            loss.backward()
            _run(step, "step")
            total += loss.item() * len(batch) / len(x)
    return total


@comprobar.exercise("proyecto")
def _(answer: object) -> str:
    data = small_mnist()
    reached = float(np.mean([_second_epoch(answer, data.x_train, data.y_train, seed) for seed in (901, 902, 903)]))
    require(np.isfinite(reached), "La pérdida dejó de ser finita: la tasa es demasiado grande.")
    require(
        reached < 2.2,
        f"La pérdida media es {reached:.2f}, como al azar: la red no se mueve o salta sin parar. ¿Qué tasas probaste?",
    )
    require(
        reached <= MAX_LOSS,
        f"La pérdida media es {reached:.2f} y se pide {MAX_LOSS} o menos. ¿Qué regla arranca antes, y con qué tasa?",
    )
    return f"Pérdida media de {reached:.2f} en la segunda época."
