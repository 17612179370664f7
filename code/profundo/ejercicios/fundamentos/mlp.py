"""Comprobadores de los ejercicios de ``fundamentos/mlp``."""

from itertools import pairwise, product

import numpy as np

from profundo.comun.ejercicios import Checker, Unanswered, as_array, call, fail, require

comprobar = Checker("fundamentos/mlp")

Layers = list[tuple[np.ndarray, np.ndarray]]


def _equal(actual: np.ndarray, expected: np.ndarray) -> bool:
    return actual.shape == expected.shape and bool(np.allclose(actual, expected, rtol=1e-6, atol=1e-9))


def _pair(value: object, what: str) -> tuple[object, object]:
    if not isinstance(value, tuple | list) or len(value) != 2:
        fail(f"Se esperaba una pareja en {what}, con dos elementos entre paréntesis.")
    if any(part is None or part is Ellipsis for part in value):
        raise Unanswered(f"Sin resolver: falta algo en {what}.")
    return value[0], value[1]


def _layers(value: object, n_inputs: int) -> Layers:
    """Las capas de una red de ``n_inputs`` entradas y una salida, o un mensaje que dice cuál no encaja."""
    if not isinstance(value, tuple | list) or not value:
        fail("Se esperaba una lista de parejas (W, b), una por capa.")
    layers, width = [], n_inputs
    for number, layer in enumerate(value, start=1):
        w_given, b_given = _pair(layer, f"la capa {number}")
        w, b = as_array(w_given, what=f"la W de la capa {number}"), as_array(b_given, what=f"el b de la capa {number}")
        fits = w.ndim == 2 and w.shape[1] == width
        require(fits, f"La W de la capa {number} debe tener forma (m, {width}); tiene {w.shape}.")
        require(b.shape == w.shape[:1], f"El b de la capa {number} debe tener forma ({len(w)},); tiene {b.shape}.")
        layers.append((w, b))
        width = len(w)
    require(width == 1, f"La última capa debe tener una salida; tiene {width}.")
    return layers


def _run(layers: Layers, x: np.ndarray) -> np.ndarray:
    """La salida (n,) de una red ReLU."""
    for number, (w, b) in enumerate(layers, start=1):
        x = x @ w.T + b
        if number < len(layers):
            x = np.maximum(x, 0)
    return x[:, 0]


@comprobar.exercise("colapso")
def _(answer: object) -> str:
    rng = np.random.default_rng(31)
    # Tamaños iguales primero: con ellos ningún orden de multiplicación da error de formas.
    for sizes in ((3, 3, 3, 3), (4, 2, 5, 3), (2, 4), (3, 5, 1)):
        layers = [(rng.normal(size=(m, n)), rng.normal(size=m)) for n, m in pairwise(sizes)]
        given = [(w.copy(), b.copy()) for w, b in layers]
        w_given, b_given = _pair(call(answer, given), "lo que devuelve tu función")
        untouched = all(
            (p == q).all() for own, old in zip(given, layers, strict=True) for p, q in zip(own, old, strict=True)
        )
        require(untouched, "Has modificado las matrices que recibiste. Crea otras nuevas.")
        w, b = as_array(w_given, what="W"), as_array(b_given, what="b")
        right_w, right_b = layers[0]
        for w_next, b_next in layers[1:]:
            right_w, right_b = w_next @ right_w, w_next @ right_b + b_next
        if len(layers) == 3 and sizes[0] == sizes[1]:
            (w1, b1), (w2, b2), (w3, b3) = layers
            require(not _equal(w, w1 @ w2 @ w3), "W está al revés: la última capa va a la izquierda, W3 W2 W1.")
            require(not _equal(b, b1 + b2 + b3), "Sumas los sesgos tal cual; cada uno pasa por las capas siguientes.")
            require(not _equal(b, b3), "Solo conservas el último sesgo; los anteriores también llegan a la salida.")
            require(not _equal(b, b1), "Solo conservas el primer sesgo, y las capas siguientes lo transforman.")
            require(
                not _equal(b, right_w @ (b1 + b2 + b3)), "Cada sesgo solo pasa por las capas que van después de él."
            )
        require(w.shape == right_w.shape, f"Con capas {sizes}, W debe tener forma {right_w.shape}; tiene {w.shape}.")
        require(b.shape == right_b.shape, f"Con capas {sizes}, b debe tener forma {right_b.shape}; tiene {b.shape}.")
        require(_equal(w, right_w), f"Con capas de tamaños {sizes}, W no es el producto de todas las matrices.")
        require(_equal(b, right_b), f"Con capas de tamaños {sizes}, W es correcta y b no.")
    return "Muchas capas, una sola."


@comprobar.exercise("maximo")
def _(answer: object) -> str:
    layers = _layers(answer, 2)
    require(len(layers) == 2, f"Se piden dos capas, la oculta y la salida; hay {len(layers)}.")
    units = len(layers[0][1])
    require(units <= 3, f"Se piden tres unidades ocultas como mucho; hay {units}.")
    rng = np.random.default_rng(32)
    x = np.vstack([rng.normal(size=(300, 2)) * 5, list(product((-2.0, 0.0, 2.0), repeat=2))])
    got, expected = _run(layers, x), x.max(axis=1)
    mistakes = (
        (x.min(axis=1), "Eso es el mínimo. Cambia un signo."),
        (np.abs(x[:, 0] - x[:, 1]), "Eso es |x1 - x2|: falta sumar el menor de los dos."),
        (np.maximum(x[:, 0] - x[:, 1], 0), "Eso es max(0, x1 - x2): falta sumar x2."),
        (np.maximum(x[:, 1] - x[:, 0], 0), "Eso es max(0, x2 - x1): falta sumar x1."),
        (np.maximum(x, 0).sum(axis=1), "Eso suma las partes positivas de los dos números."),
        (np.maximum(expected, 0), "Con dos negativos das 0; su máximo es negativo."),
    )
    for values, message in mistakes:
        require(not _equal(got, values), message)
    wrong = ~np.isclose(got, expected, rtol=1e-6, atol=1e-9)
    if wrong.any():
        if not wrong[(x >= 0).all(axis=1)].any():
            fail("Aciertas con números positivos y fallas con algún negativo: una ReLU sola lo pierde.")
        i = np.flatnonzero(wrong)[0]
        fail(f"Con x = ({x[i, 0]:.2f}, {x[i, 1]:.2f}) das {got[i]:.2f} y el máximo es {expected[i]:.2f}.")
    return f"El máximo, exacto, con {units} unidades."


def _changes(w: np.ndarray, b: np.ndarray, v: np.ndarray, *, signed: bool = False) -> list[int]:
    """Cuánto cambia la pendiente en cada quiebre distinto."""
    total: dict[float, int] = {}
    for w_i, b_i, v_i in zip(w.tolist(), b.tolist(), v.tolist(), strict=True):
        if w_i:
            kink = -b_i / w_i + 0.0
            total[kink] = total.get(kink, 0) + v_i * (w_i if signed else abs(w_i))
    return list(total.values())


@comprobar.exercise("tramos")
def _(answer: object) -> str:
    rng = np.random.default_rng(33)
    cases = [tuple(rng.integers(-3, 4, m) for _ in range(3)) for m in (1, 2, 3, 4, 5, 6, 6, 8) * 5]
    cases.append((np.array([0, 0]), np.array([1, 2]), np.array([1, 1])))
    cases.append((np.array([1, -1]), np.array([0, 0]), np.array([1, -1])))  # una recta: x
    got, right = [], []
    rivals: dict[str, list[int]] = {}
    for w, b, v in cases:
        count = as_array(call(answer, w.copy(), b.copy(), v.copy()), shape=(), what="la cantidad de tramos")
        got.append(float(count))
        changes = _changes(w, b, v)
        right.append(1 + sum(change != 0 for change in changes))
        signed = [change for change in _changes(w, b, v, signed=True) if change]
        guesses = {
            "Cuentas los quiebres; los tramos son uno más.": right[-1] - 1,
            "Cuentas una unidad, un quiebre. Con w = 0 no hay quiebre, y varias pueden compartirlo.": len(w) + 1,
            "Descartas w = 0, pero varias unidades pueden quebrarse en el mismo punto.": 1 + int((w != 0).sum()),
            "Cuentas puntos distintos; falta ver si los cambios de pendiente de un punto se cancelan.": len(changes)
            + 1,
            "El cambio de pendiente es v·|w|: una unidad con w < 0 también dobla hacia arriba si v > 0.": len(signed)
            + 1,
        }
        for message, value in guesses.items():
            rivals.setdefault(message, []).append(value)
    for message, values in rivals.items():
        require(got != values, message)
    for mine, theirs, case in zip(got, right, cases, strict=True):
        w, b, v = (part.tolist() for part in case)
        require(mine == theirs, f"Con w={w}, b={b} y v={v} hay {theirs} tramos y has contado {mine:g}.")
    return "Cuentas los tramos, también cuando los quiebres se cancelan."


@comprobar.exercise("quebrada")
def _(answer: object) -> str:
    rng = np.random.default_rng(34)
    for m in (6, 2, 3, 9):
        t = np.cumsum(rng.uniform(0.2, 2, m)) - 3
        y = rng.normal(size=m)
        b_given, c_given = _pair(call(answer, t.copy(), y.copy()), "lo que devuelve tu función")
        b = float(as_array(b_given, shape=(), what="b"))
        c = as_array(c_given, shape=(m - 1,), what="c")
        slopes = np.diff(y) / np.diff(t)
        right = np.diff(slopes, prepend=0)
        if m > 2:
            require(not _equal(c, slopes), "Esas son las pendientes; cada coeficiente es lo que cambia la pendiente.")
            require(not _equal(c, -right), "Los coeficientes tienen el signo contrario.")
            flat = np.diff(np.diff(y), prepend=0)
            require(not _equal(c, flat), "Divide entre la distancia de cada tramo: las abscisas no son equidistantes.")
            require(not _equal(c, np.diff(y)), "Eso son diferencias de altura; faltan las pendientes y lo que cambian.")
        if _equal(c, right) and not np.isclose(b, y[0]):
            fail(
                f"Los coeficientes son correctos; b debe ser la altura antes de que nada se encienda, y[0], no {b:.3f}."
            )
        value = b + np.maximum(t[:, None] - t[:-1], 0) @ c
        wrong = np.flatnonzero(~np.isclose(value, y, rtol=1e-6, atol=1e-8))
        if wrong.size:
            i = wrong[0]
            fail(f"Con {m} puntos, en t[{i}] tu línea vale {value[i]:.3f} y debería valer {y[i]:.3f}.")
    return "Cada ReLU cambia la pendiente una vez, y basta."


@comprobar.exercise("paridad")
def _(answer: object) -> str:
    rng = np.random.default_rng(35)
    for k in (1, 2, 3, 6, 10):
        n = 2**k
        layers = _layers(call(answer, k), n)
        units = sum(len(b) for _, b in layers[:-1])
        require(units <= 2 * k, f"Con k = {k} se piden {2 * k} unidades ocultas como mucho; hay {units}.")
        # Cada bit solo y, dos veces, cada cantidad de unos en posiciones al azar.
        bits = np.vstack([np.eye(n), *(rng.permuted(np.tri(n + 1, n, -1), axis=1) for _ in range(2))])
        got, expected = _run(layers, bits), bits.sum(axis=1) % 2
        require(not _equal(got, 1 - expected), f"Con {n} bits das lo contrario: la paridad vale 1 con impares.")
        require(not _equal(got, bits.sum(axis=1)), "Sumas los bits; falta doblar la suma hasta dejar su paridad.")
        require(not _equal(got, bits.mean(axis=1)), "Das la proporción de unos; falta doblarla k veces.")
        wrong = np.flatnonzero(~np.isclose(got, expected, atol=1e-6))
        if wrong.size:
            ones = int(bits[wrong[0]].sum())
            fail(f"Con {n} bits y {ones} unos, tu red da {got[wrong[0]]:.3f} y la paridad es {expected[wrong[0]]:.0f}.")
    return "La paridad de 1024 bits, exacta, con veinte unidades."
