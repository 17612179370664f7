"""Comprobadores de los ejercicios de ``fundamentos/perceptron``."""

from itertools import product

import numpy as np
import torch

from profundo.comun.datos import split_mnist
from profundo.comun.ejercicios import Checker, Unanswered, as_array, call, fail, require

comprobar = Checker("fundamentos/perceptron")

CORNERS = np.array(list(product((0.0, 1.0), repeat=2)))
GATES = {
    "AND": np.array([-1, -1, -1, 1]),
    "OR": np.array([-1, 1, 1, 1]),
    "x1 pero no x2": np.array([-1, -1, 1, -1]),
}
DIGITS_REQUIRED = 0.82  # entre votar con las clases (0.81 como mucho) y comparar activaciones promediadas (0.85)


def _equal(actual: np.ndarray, expected: np.ndarray) -> bool:
    return bool(np.allclose(actual, expected, rtol=1e-6, atol=1e-9))


@comprobar.exercise("neurona")
def _(answer: object) -> str:
    rng = np.random.default_rng(11)
    answers, cases = [], []
    for w, n in (([2.0, -1.0], 60), ([-1.0, 3.0, 1.0], 60), ([1.0, -2.0], 1)):
        # Enteros pequeños: las activaciones son exactas y muchas valen cero.
        x = rng.integers(-3, 4, (n, len(w))).astype(float)
        answers.append(as_array(call(answer, np.array(w), 1.0, x.copy()), shape=(n,), what="la lista de clases"))
        cases += [(w, row) for row in x]
    got, scores = np.concatenate(answers), np.array([row @ w for w, row in cases])
    f = scores + 1
    mistakes = (
        (f, "Eso son las activaciones f(x). Falta decidir la clase según su signo."),
        (f > 0, "Devuelves 0 y 1 (o falso y verdadero); aquí las clases son -1 y +1."),
        (np.sign(f), "Cuando f = 0 devuelves 0, que no es una clase: la ecuación asigna -1."),
        (np.where(f >= 0, 1, -1), "Casi: cuando f = 0, la ecuación asigna -1 y tú das +1."),
        (np.where(scores > 0, 1, -1), "Parece que falta sumar el sesgo b."),
        (np.where(scores - 1 > 0, 1, -1), "El sesgo se suma, no se resta: f = w·x + b."),
        (np.where(f > 0, -1, 1), "Todas las clases están al revés: +1 es donde f > 0."),
    )
    for values, message in mistakes:
        require(not _equal(got, values), message)
    wrong = np.flatnonzero(got != np.where(f > 0, 1, -1))
    if wrong.size:
        w, row = cases[wrong[0]]
        fail(f"Con w={w}, b=1 y x={row.tolist()}, f={f[wrong[0]]:g}: la clase no es {got[wrong[0]]:g}.")
    return "Tu neurona decide bien, también en la frontera."


@comprobar.exercise("puertas")
def _(answer: object) -> str:
    if isinstance(answer, list | tuple):
        missing = [name for name, row in zip(GATES, answer, strict=False) if row is None or row is Ellipsis]
        if missing:
            raise Unanswered(f"Sin resolver: faltan los pesos de {', '.join(missing)}.")
    weights = as_array(answer, shape=(3, 3), what="la lista de pesos")
    for (name, expected), (w1, w2, b) in zip(GATES.items(), weights, strict=True):
        f = CORNERS @ [w1, w2] + b
        got = np.where(f > 0, 1, -1)
        for corner, value in zip(CORNERS.astype(int).tolist(), f, strict=True):
            require(
                abs(value) > 1e-9,
                f"{name}: la entrada {tuple(corner)} queda justo en la frontera, f = 0. Mueve un poco el sesgo.",
            )
        if (got == expected).all():
            continue
        if (got == -expected).all():
            fail(f"{name}: hace exactamente lo contrario. Cambia el signo de los tres números.")
        for other, table in GATES.items():
            require((got != table).any(), f"{name}: esa neurona calcula «{other}». Revisa el sesgo y los signos.")
        corner = np.flatnonzero(got != expected)[0]
        point = tuple(CORNERS[corner].astype(int).tolist())
        fail(f"{name}: con la entrada {point}, f = {f[corner]:g} y da la clase contraria.")
    return "Las tres neuronas cumplen sus cuatro casos."


@comprobar.exercise("regla")
def _(answer: object) -> str:
    rng = np.random.default_rng(12)
    w, x = rng.integers(-3, 4, (40, 4)).astype(float), rng.integers(-3, 4, (40, 4)).astype(float)
    x[:, 0] = 1
    w[:10, 0] = -(w[:10, 1:] * x[:10, 1:]).sum(axis=1)  # diez ejemplos justo en la frontera
    y = np.resize([1, -1], 40)
    answers = []
    for w_i, x_i, y_i in zip(w, x, y, strict=True):
        given = w_i.copy()
        answers.append(as_array(call(answer, given, x_i.copy(), int(y_i)), shape=(4,), what="el vector de pesos"))
        require((given == w_i).all(), "Has modificado el vector w que recibiste. Crea uno nuevo con `w + …`.")
    got = np.array(answers)
    agreement, step = y * (w * x).sum(axis=1), y[:, None] * x
    wrong, on_boundary = (agreement <= 0)[:, None], (agreement == 0)[:, None]
    mistakes = (
        (w, "Los pesos nunca cambian: con un error, y·(w·x) <= 0, hay que corregirlos."),
        (w + step, "Corriges también los aciertos: si y·(w·x) > 0, los pesos no cambian."),
        (w + step * (wrong & ~on_boundary), "En la frontera, y·(w·x) = 0, también se corrige; si no, no sale de cero."),
        (w + step * ~wrong, "Está al revés: corriges los aciertos y dejas los errores como estaban."),
        (w - step * wrong, "Te alejas: has restado y·x y hay que sumarlo."),
        (w + x * wrong, "Sumas x sin su signo: con y = -1 hay que restarlo. La corrección es y·x."),
        (w + y[:, None] * wrong, "Sumas la clase y; la corrección es el ejemplo con su signo, y·x."),
        (step * wrong + w * ~wrong, "Sustituyes los pesos por y·x; hay que sumárselo a los que había."),
    )
    for values, message in mistakes:
        require(not _equal(got, values), message)
    rate = float((got - w)[0] @ step[0] / (step[0] @ step[0]))
    if rate != 1 and _equal(got, w + rate * step * wrong):
        fail(f"La dirección es correcta, pero el paso mide {rate:g} veces y·x; aquí la tasa de aprendizaje es 1.")
    expected = w + step * wrong
    bad = np.flatnonzero(~np.isclose(got, expected).all(axis=1))
    if bad.size:
        k = bad[0]
        fail(
            f"Con w={w[k].tolist()}, x={x[k].tolist()}, y={y[k]}: se esperaba {expected[k].tolist()} "
            f"y llegó {got[k].tolist()}."
        )
    return "Corriges solo en los errores, y en la dirección que ayuda."


def _number(value: object) -> float:
    """Un solo número, que puede ser infinito."""
    if isinstance(value, torch.Tensor):
        value = value.detach()
    try:
        scalar = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError):
        scalar = np.array(np.nan)
    if isinstance(value, str) or scalar.shape != () or np.isnan(scalar):
        as_array(value, shape=(), what="la cota")
        fail("Se esperaba un solo número.")
    return float(scalar)


@comprobar.exercise("cota")
def _(answer: object) -> str:
    rng = np.random.default_rng(13)
    for _ in range(8):
        w = rng.normal(size=4)
        x = np.column_stack([np.ones(30), rng.normal(size=(30, 3)) * [1, 2, 3]])
        x = x[np.abs(x @ w) > 0.2 * np.linalg.norm(w)]
        y = np.where(x @ w > 0, 1, -1)
        norms, scores = np.linalg.norm(x, axis=1), y * (x @ w)
        length, largest, smallest = np.linalg.norm(w), norms.max(), scores.min()
        expected = (largest * length / smallest) ** 2
        got = _number(call(answer, w.copy(), x.copy(), y.copy()))
        if not _equal(np.array(got), np.array(expected)):
            without_bias = np.linalg.norm(w[1:]), np.linalg.norm(x[:, 1:], axis=1).max()
            mistakes = (
                (largest / smallest, 2, "No has dividido y·(w·x) entre ‖w‖: el teorema pide un vector de norma 1."),
                (largest * length / smallest, 1, "Eso es R/γ: falta elevar al cuadrado."),
                (largest * length / smallest, -2, "Está al revés: la cota es R²/γ², no γ²/R²."),
                (norms.mean() * length / smallest, 2, "R es la norma del ejemplo más largo, no la media."),
                (largest * length / scores.mean(), 2, "γ es el menor valor, no la media: manda el peor ejemplo."),
                (largest * length / scores.max(), 2, "Tomaste el mayor y·(w·x); γ es el menor."),
                (largest * without_bias[0] / smallest, 2, "La norma de w debe incluir el sesgo, su primer número."),
                (without_bias[1] * length / smallest, 2, "La norma de x debe incluir la coordenada constante."),
            )
            for base, exponent, message in mistakes:
                require(not _equal(np.array(got), np.array(base**exponent)), message)
            fail(f"Se esperaba {expected:.4f} y llegó {got:.4f}. Calcula R y γ por separado y revísalos.")
        flipped = y.copy()
        flipped[int(scores.argmax())] *= -1
        for labels, what in ((-y, "falla en todos los ejemplos"), (flipped, "falla en un ejemplo")):
            got = _number(call(answer, w.copy(), x.copy(), labels))
            require(got == np.inf, f"Cuando w {what}, γ es negativo y no hay cota: devuelve np.inf. Llegó {got:.4g}.")
    return "Mides bien R y γ, y sabes cuándo el teorema calla."


def _run(x: np.ndarray, y: np.ndarray, epochs: int) -> tuple[np.ndarray, np.ndarray, list[int]]:
    """Los pesos antes y después de cada paso, y los pasos con error."""
    w = np.zeros(x.shape[1])
    before, after, wrong = [], [], []
    for step, i in enumerate(list(range(len(x))) * epochs):
        before.append(w)
        if y[i] * (w @ x[i]) <= 0:
            w = w + y[i] * x[i]
            wrong.append(step)
        after.append(w)
    return np.array(before), np.array(after), wrong


@comprobar.exercise("promediado")
def _(answer: object) -> str:
    rng = np.random.default_rng(14)
    for epochs in (1, 3, 5):
        x = np.column_stack([np.ones(14), rng.normal(size=(14, 3))])
        y = np.where(x @ rng.normal(size=4) + rng.normal(size=14) > 0, 1, -1)
        before, after, wrong = _run(x, y, epochs)
        expected = after.mean(axis=0)
        got = as_array(call(answer, x.copy(), y.copy(), epochs), shape=(4,), what="el vector de pesos")
        if _equal(got, expected):
            continue
        ends = after[len(x) - 1 :: len(x)]
        require(not _equal(got, after[-1]), "Devuelves los últimos pesos; hay que promediar los de todos los pasos.")
        require(not _equal(got, after.sum(axis=0)), "Da la misma frontera, pero se pide la media: divide la suma.")
        require(not _equal(got, after.sum(axis=0) / len(x)), "Divides entre n; los pasos son n · epochs.")
        require(not _equal(got, after.sum(axis=0) / epochs), "Divides entre epochs; los pasos son n · epochs.")
        require(
            not _equal(got, before.mean(axis=0)),
            "Sumas los pesos antes de mirar el ejemplo; se piden los de después.",
        )
        require(
            not _equal(got, np.vstack([np.zeros((1, 4)), after]).mean(axis=0)),
            "Incluyes en la media los ceros iniciales; son solo los n · epochs pasos.",
        )
        for partial in (after[wrong].mean(axis=0), after[wrong].sum(axis=0) / len(after)):
            require(not _equal(got, partial), "Acumulas solo tras los errores: así no pesa más lo que más dura.")
        require(not _equal(got, ends.mean(axis=0)), "Promedias una vez por época; hay que hacerlo en cada paso.")
        if epochs > 1 and _equal(got, _run(x, y, 1)[1].mean(axis=0)):
            fail("Solo recorres los datos una vez, o vuelves a cero en cada época; los pesos se conservan.")
        fail(
            f"Con {len(x)} ejemplos y {epochs} épocas, el primer peso es {got[0]:.4f} y debería ser {expected[0]:.4f}."
        )
    return "El promedio pesa cada vector por lo que duró."


@comprobar.exercise("cifras")
def _(answer: object) -> str:
    data = split_mnist(7, n_val=1000, n_test=1000)
    x_train, x_test = (part.flatten(1).double().numpy()[:1000] for part in (data.x_val, data.x_test))
    y_train, y_test = data.y_val.numpy(), data.y_test.numpy()
    got = as_array(
        call(answer, x_train.copy(), y_train.copy(), x_test.copy()), shape=(1000,), what="la lista de cifras"
    )
    strange = got[~np.isin(got, range(10))]
    if strange.size:
        fail(f"Las cifras van de 0 a 9; has devuelto, por ejemplo, {strange[0]:g}.")
    require(len(set(got)) > 1, f"Respondes siempre {got[0]:g}. ¿Comparas las diez neuronas en cada imagen?")
    score = float((got == y_test).mean())
    require(score > 0.2, f"Aciertas el {100 * score:.1f} %, como al azar. ¿Corresponde cada neurona a su cifra?")
    require(
        score >= DIGITS_REQUIRED,
        f"Aciertas el {100 * score:.1f} % y se pide el {100 * DIGITS_REQUIRED:.0f} %. "
        "¿Comparas activaciones en lugar de clases? ¿Promedias los pesos? ¿Das varias vueltas?",
    )
    return f"Diez neuronas aciertan el {100 * score:.1f} % de mil cifras nuevas."
