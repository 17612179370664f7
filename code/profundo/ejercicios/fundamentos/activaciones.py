"""Comprobadores de los ejercicios de ``fundamentos/activaciones``."""

import numpy as np
from scipy.optimize import minimize_scalar

from profundo.comun.ejercicios import Checker, as_array, as_list, call, fail, require
from profundo.fundamentos.clasificacion_lineal import log_softmax, sigmoid, softmax

comprobar = Checker("fundamentos/activaciones")


def _equal(actual: np.ndarray, expected: np.ndarray) -> bool:
    return actual.shape == expected.shape and bool(np.allclose(actual, expected, rtol=1e-6, atol=1e-9))


SLOPES: list[tuple[str, float, dict[float, str]]] = [
    ("la sigmoide en 0", 0.25, {0.5: "Eso es σ(0); su derivada es σ(0)(1 - σ(0)).", 1: "La que llega a 1 es tanh."}),
    ("tanh en 0", 1, {0: "Eso es tanh 0; su derivada es 1 - tanh² 0.", 0.25: "Esa es la de la sigmoide."}),
    ("la ReLU en -3", 0, {-3: "Eso es la suma que llega, no la pendiente.", 1: "Esa es la pendiente de la derecha."}),
    (
        "leaky ReLU en -3",
        0.01,
        {
            -0.03: "Eso es el valor; la pendiente no depende de z.",
            0: "Eso haría la ReLU; leaky conserva una pendiente.",
        },
    ),
    (
        "SiLU en 0",
        0.5,
        {
            0: "Eso es el valor, 0 · σ(0); deriva el producto.",
            0.25: "Esa es la derivada de la puerta; falta σ(0) + 0 · σ'(0).",
        },
    ),
    (
        "ELU en -ln 2",
        0.5,
        {
            -0.5: "Eso es el valor, e⁻ˡⁿ² - 1; la derivada no lleva el -1.",
            2: "e⁻ˡⁿ² es 1/2, no 2.",
            1: "Está a la izquierda de 0.",
        },
    ),
]


@comprobar.exercise("pendientes")
def _(answer: object) -> str:
    for given, (name, right, mistakes) in zip(as_list(answer, 6, "pendientes"), SLOPES, strict=True):
        value = float(as_array(given, shape=(), what=f"la pendiente de {name}"))
        for wrong, message in mistakes.items():
            require(not np.isclose(value, wrong), f"La pendiente de {name} no es {value:g}. {message}")
        require(np.isclose(value, right, atol=1e-4), f"La pendiente de {name} no es {value:g}.")
    return "Seis derivadas sin calculadora."


@comprobar.exercise("hardswish")
def _(answer: object) -> str:
    rng = np.random.default_rng(41)
    for z in (np.array([-1.5, 0.0, 1.0, 2.5, -2.9]), np.array([-4.0, 5.0, -1e3, 1e3]), rng.normal(size=(3, 2, 4)) * 4):
        given = z.copy()
        value_given, slope_given = as_list(call(answer, given), 2, "arreglos, el valor y la derivada")
        require(np.array_equal(given, z), "Has modificado el arreglo que recibiste. Crea otro.")
        value = as_array(value_given, shape=z.shape, what="el valor")
        slope = as_array(slope_given, shape=z.shape, what="la derivada")
        ramp = (z + 3) / 6
        gate = np.clip(ramp, 0, 1)
        outside = (np.abs(z) > 3).any()
        require(not _equal(value, gate), "Eso es la puerta r(z); falta multiplicarla por z.")
        require(not _equal(value, 6 * z * gate), "Falta dividir la rampa entre 6.")
        if outside:
            require(not _equal(value, z * ramp), "Falta recortar la rampa entre 0 y 1.")
            require(
                not _equal(value, z * np.maximum(ramp, 0)), "Recortas la rampa en 0, y también hay que hacerlo en 1."
            )
            require(
                not _equal(value, z * np.minimum(ramp, 1)), "Recortas la rampa en 1, y también hay que hacerlo en 0."
            )
        if not _equal(value, z * gate):
            i = np.unravel_index(np.abs(value - z * gate).argmax(), z.shape)
            fail(f"En z = {z[i]:.2f} das {value[i]:.3f} y h(z) es {(z * gate)[i]:.3f}.")
        right = gate + z * (np.abs(z) < 3) / 6
        inner = (np.abs(z) < 3).any()
        require(not inner or not _equal(slope, gate), "En la derivada falta un término: r(z) + z·r'(z).")
        require(not inner or not _equal(slope, gate + (np.abs(z) < 3) / 6), "r'(z) va multiplicada por z.")
        if outside:
            require(not _equal(slope, gate + z / 6), "Fuera de (-3, 3) la rampa es constante: ahí r'(z) es 0.")
        if not _equal(slope, right):
            i = np.unravel_index(np.abs(slope - right).argmax(), z.shape)
            fail(f"El valor es correcto; en z = {z[i]:.2f} das derivada {slope[i]:.3f} y es {right[i]:.3f}.")
    return "Casi SiLU, con sumas y recortes."


@comprobar.exercise("gemelas")
def _(answer: object) -> str:
    rng = np.random.default_rng(42)
    for m, d, k in ((5, 3, 2), (1, 1, 1), (4, 4, 4)):
        w, b, v, c = rng.normal(size=(m, d)), rng.normal(size=m), rng.normal(size=(k, m)), rng.normal(size=k)
        given = [part.copy() for part in (w, b, v, c)]
        result = as_list(call(answer, *given), 4, "arreglos: w, b, v y c")
        require(
            all(np.array_equal(p, q) for p, q in zip(given, (w, b, v, c), strict=True)),
            "Has modificado los parámetros que recibiste. Crea otros.",
        )
        w2, b2, v2, c2 = (
            as_array(part, shape=old.shape, what=name)
            for part, old, name in zip(result, (w, b, v, c), "wbvc", strict=True)
        )
        inside, outside = _equal(w2, 2 * w) and _equal(b2, 2 * b), _equal(v2, 2 * v)
        require(not (_equal(w2, w) and _equal(b2, b)), "Falta el 2 de dentro: la sigmoide debe recibir 2z.")
        require(
            not (_equal(w2, 2 * w) and _equal(b2, b)), "El 2 de dentro multiplica toda la suma, también el sesgo b."
        )
        if inside:
            require(not _equal(v2, v), "Falta el 2 de fuera: cada unidad va de 0 a 1 y tanh va de -1 a 1.")
        if inside and outside:
            require(not _equal(c2, c), "Falta el -1 de cada unidad, que llega a la salida y cambia c.")
            require(not _equal(c2, c + v.sum(axis=1)), "El -1 de cada unidad resta en c, no suma.")
            require(not _equal(c2, c - v2.sum(axis=1)), "El -1 lo multiplica el peso original v, no 2v.")
            require(not _equal(c2, c - 1), "El -1 de cada unidad llega multiplicado por su peso v.")
        x = rng.normal(size=(20, d))
        expected, got = np.tanh(x @ w.T + b) @ v.T + c, sigmoid(x @ w2.T + b2) @ v2.T + c2
        gap = np.abs(got - expected).max()
        require(_equal(got, expected), f"Las dos redes no coinciden: con {m} unidades difieren hasta en {gap:.3f}.")
    return "Dos redes, una función."


@comprobar.exercise("vuelta")
def _(answer: object) -> str:
    rng = np.random.default_rng(43)
    for shape, axis in (((5,), 0), ((4, 4), 0), ((4, 4), 1), ((3, 4, 5), 1), ((2, 3, 4), -1), ((3, 3, 3), 0)):
        moved = np.moveaxis(rng.normal(size=shape) * 2, axis, -1)
        p = np.moveaxis(softmax(moved.reshape(-1, moved.shape[-1])).reshape(moved.shape), -1, axis)
        g = rng.normal(size=shape)
        got = as_array(call(answer, p.copy(), g.copy(), axis), shape=shape, what="el gradiente")
        right = p * (g - (p * g).sum(axis=axis, keepdims=True))
        require(not _equal(got, p * g), "Falta restar la media p·g: subir un puntaje baja a los demás.")
        require(not _equal(got, p * (1 - p) * g), "Eso es solo la diagonal de la jacobiana.")
        require(not _equal(got, -right), "El signo está al revés.")
        plain = p * (g - g.mean(axis=axis, keepdims=True))
        require(not _equal(got, plain), "La media de g se toma con los pesos p, no por igual.")
        if len(shape) > 1:
            require(not _equal(got, p * (g - (p * g).sum())), "Sumas todos los números; suma solo a lo largo de `eje`.")
            others = {k for k in range(len(shape)) if k != axis % len(shape)}
            wrong_axis = any(_equal(got, p * (g - (p * g).sum(axis=k, keepdims=True))) for k in others)
            require(not wrong_axis, f"Sumas por otro eje: con formas {shape} se pedía el eje {axis}.")
        require(_equal(got, right), f"Con formas {shape} y eje {axis} el gradiente no es p·(g - suma de p·g).")
    return "Una jacobiana que nadie construyó."


@comprobar.exercise("reanimar")
def _(answer: object) -> str:
    rng = np.random.default_rng(44)
    for n, d, m, k in ((30, 4, 8, 3), (12, 2, 5, 1), (50, 6, 9, 10)):
        w, x = rng.normal(size=(m, d)), rng.normal(size=(n, d))
        b = np.where(np.arange(m) % 2 == 0, -30.0, 0.1) + rng.normal(size=m) * 0.01
        b[1] = 40.0  # encendida con todos los ejemplos
        given = b.copy()
        got = as_array(call(answer, w.copy(), given, x.copy(), k), shape=(m,), what="los sesgos")
        require(np.array_equal(given, b), "Has modificado los sesgos que recibiste. Crea otros.")
        z = x @ w.T + b
        ordered, dead = -np.sort(-z, axis=0), z.max(axis=0) <= 0
        require(not _equal(got, b), "No has cambiado ningún sesgo, y hay unidades muertas.")
        mixed = np.where(z.min(axis=0) <= 0, b - ordered[k], b)
        require(not _equal(got, mixed), "Tratas como muertas las que se apagan en algún ejemplo; lo están en todos.")
        require(not _equal(got, b - ordered[k]), "Cambias todos los sesgos; los de las unidades vivas no se tocan.")
        require(_equal(got[~dead], b[~dead]), "Has cambiado el sesgo de alguna unidad viva.")
        mine = got[dead]
        wrong = {
            "Se encienden con k - 1 ejemplos: el ejemplo k + 1 tiene índice k.": ordered[k - 1],
            "Ordenas de menor a mayor: así se encienden casi todos.": ordered[::-1][k],
            "Con ese sesgo la mayor suma queda en cero, y sigue muerta.": ordered[0],
        }
        for message, level in wrong.items():
            require(not _equal(mine, (b - level)[dead]), message)
        require(not _equal(mine, -ordered[k][dead]), "Restas la suma entera al cero, no al sesgo: parte de b.")
        lit = (x @ w.T + got > 1e-9).sum(axis=0)[dead]
        require(
            _equal(mine, (b - ordered[k])[dead]), f"Con k = {k}, una unidad muerta se enciende con {lit[0]} ejemplos."
        )
    return "Otra vez encendidas, y las demás intactas."


@comprobar.exercise("temperatura")
def _(answer: object) -> str:
    rng = np.random.default_rng(45)
    for truth, n, k, shift in ((2.5, 2000, 5, 0.0), (0.4, 1500, 3, 0.0), (6.0, 3000, 10, 1e4)):
        honest = rng.normal(size=(n, k)) * 2
        y = (softmax(honest).cumsum(axis=1) < rng.random((n, 1))).sum(axis=1).clip(max=k - 1)
        scores = truth * honest + shift

        def loss(t: float, scores: np.ndarray = scores, y: np.ndarray = y) -> float:
            return float(-log_softmax(scores / t)[np.arange(len(y)), y].mean())

        log_range = np.log((0.1, 10))
        right = float(np.exp(minimize_scalar(lambda u, f=loss: f(np.exp(u)), bounds=log_range, method="bounded").x))
        got = float(as_array(call(answer, scores.copy(), y.copy()), shape=(), what="la temperatura"))
        require(got > 0, f"La temperatura debe ser positiva; llegó {got:g}.")
        require(not np.isclose(got, 1), "Devuelves 1, que es no cambiar nada.")
        require(not np.isclose(got, 1 / right, rtol=0.02), "Es la inversa: los puntajes se dividen entre T.")
        require(not np.isclose(got, np.log(right), rtol=0.02), "Eso es ln T; falta la exponencial.")
        edge = np.isclose(got, [0.1, 10], rtol=0.01).any()
        require(not edge, f"Te quedas en un extremo, T = {got:.3g}. ¿Estás maximizando en lugar de minimizar?")
        require(
            abs(np.log(got / right)) < 0.012,
            f"Con T = {got:.3g} la entropía cruzada es {loss(got):.4f}; con otra baja a {loss(right):.4f}.",
        )
    return "La misma red, con la confianza que merece."
