"""Comprobadores de los ejercicios de ``fundamentos/retropropagacion``."""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np

from profundo.comun.datos import split_mnist
from profundo.comun.ejercicios import Checker, Unanswered, as_array, call, fail, require
from profundo.fundamentos.retropropagacion import MLP, Activation, Gradients, cross_entropy

comprobar = Checker("fundamentos/retropropagacion")


def _equal(actual: np.ndarray, expected: Any) -> bool:
    """Misma forma y mismos números."""
    wanted = np.asarray(expected, dtype=float)
    return actual.shape == wanted.shape and bool(np.allclose(actual, wanted, rtol=1e-6, atol=1e-9))


def _blank(value: object) -> bool:
    """Si falta algo por escribir, también dentro de una lista."""
    return value is ... or value is None or (isinstance(value, list | tuple) and any(map(_blank, value)))


def _entries(answer: object, keys: tuple[str, ...]) -> dict[str, Any]:
    """Las entradas del diccionario, completas."""
    if not isinstance(answer, Mapping):
        fail(f"Se esperaba un diccionario con las claves {', '.join(keys)}.")
    missing = [key for key in keys if key not in answer]
    require(not missing, f"Falta la clave «{(missing or [''])[0]}» en el diccionario.")
    blank = [key for key in keys if _blank(answer[key])]
    if blank:
        raise Unanswered(f"Sin resolver: falta «{blank[0]}».")
    return {key: answer[key] for key in keys}


SHAPES: dict[str, tuple[int, ...]] = {"W2": (5, 8), "A1": (32, 8), "Delta2": (32, 5), "dW1": (8, 20), "db3": (3,)}


@comprobar.exercise("formas")
def _(answer: object) -> str:
    for name, value in _entries(answer, tuple(SHAPES)).items():
        shape, expected = _as_shape(value, name), SHAPES[name]
        if shape == expected:
            continue
        if name == "W2":
            require(shape != (8, 5), "W2: está traspuesta. Cada fila son los pesos de una unidad de la capa 2.")
            fail(f"W2: {shape} no. Recibe 8 números y da 5.")
        if name in ("A1", "Delta2"):
            require(shape != expected[::-1], f"{name}: está traspuesta. Hay un ejemplo por fila.")
            require(shape != expected[1:], f"{name}: esa es la forma con un solo ejemplo; el lote tiene 32.")
            fail(f"{name}: {shape} no. Una fila por ejemplo y una columna por unidad de su capa.")
        require(32 not in shape, f"{name}: el gradiente no tiene un eje para los ejemplos; ya se sumaron.")
        require(shape != (20, 8), "dW1: está traspuesto. Mide lo mismo que W1: una fila por unidad de la capa 1.")
        require(
            shape not in ((1, 3), (3, 1), ()), "db3: mide lo mismo que el sesgo, un vector con un número por unidad."
        )
        fail(f"{name}: {shape} no. Un gradiente mide lo mismo que aquello respecto de lo que se deriva.")
    return "Los gradientes no crecen con el lote; las salidas y los deltas, sí."


def _as_shape(value: object, name: str) -> tuple[int, ...]:
    sizes = (value,) if isinstance(value, int | np.integer) else value
    if not isinstance(sizes, list | tuple) or not all(isinstance(n, int | np.integer) for n in sizes):
        fail(f"{name}: se esperaba una forma, como (4, 3).")
    return tuple(int(n) for n in sizes)


BY_HAND = {"delta2": -3.0, "dW2": [0.0, -9.0], "delta1": [0.0, 3.0], "dW1": [[0.0, 0.0], [3.0, 6.0]]}
HAND_MISTAKES: tuple[tuple[str, object, str], ...] = (
    ("delta2", 3, "delta2: el signo está al revés; es z − y, y no y − z."),
    ("delta2", -2, "delta2: −2 es z; falta restar y."),
    ("delta2", 4.5, "delta2: 4.5 es la pérdida; se pide su derivada."),
    ("dW2", [3, -9], "dW2: por los pesos entra a, la salida de la ReLU, y no z: la primera unidad está apagada."),
    ("dW2", [0, 9], "dW2: el signo está al revés: es delta2 por a."),
    ("delta1", [-9, 3], "delta1: falta multiplicar por la derivada de la ReLU: la primera unidad está apagada."),
    ("delta1", [0, -3], "delta1: revisa el signo de W2: (−1)·(−3) es positivo."),
    ("dW1", [[0, 3], [0, 6]], "dW1: está traspuesta; hay una fila por unidad."),
    ("dW1", [[-9, -18], [3, 6]], "dW1: la primera unidad está apagada; su delta es cero."),
    ("dW1", [[0, 0], [0, 9]], "dW1: por los pesos de la primera capa entra x, y no a."),
)


@comprobar.exercise("mano")
def _(answer: object) -> str:
    for key, value in _entries(answer, tuple(BY_HAND)).items():
        expected = np.array(BY_HAND[key])
        got = as_array(value, what=key)
        if got.size == expected.size and got.size < 3:  # (1, 2) vale por (2,)
            got = got.reshape(expected.shape)
        require(
            got.shape == expected.shape, f"Se esperaba que {key} tuviera forma {expected.shape}; tiene {got.shape}."
        )
        for name, wrong, message in HAND_MISTAKES:
            require(name != key or not _equal(got, wrong), message)
        require(_equal(got, expected), f"{key}: no es {got.tolist()}. Empieza por la ida: z1 = (−1, 3) y z2 = −2.")
    return "La unidad apagada no recibe culpa ni cambia sus pesos."


@comprobar.exercise("capa")
def _(answer: object) -> str:
    rng = np.random.default_rng(31)
    for n, d_out, d_in in ((5, 3, 4), (4, 4, 4), (1, 2, 3), (3, 1, 1), (6, 2, 5)):
        given = delta, a, w = rng.normal(size=(n, d_out)), rng.normal(size=(n, d_in)), rng.normal(size=(d_out, d_in))
        copies = [array.copy() for array in given]
        result = call(answer, *copies)
        if not isinstance(result, list | tuple) or len(result) != 3:
            fail("Se esperaban tres arreglos: `(dw, db, da)`.")
        untouched = all((copy == array).all() for copy, array in zip(copies, given, strict=True))
        require(untouched, "Modificaste `delta`, `a` o `w`: crea arreglos nuevos.")
        case = f"(n={n}, salidas={d_out}, entradas={d_in})"
        dw, db, da = (as_array(value, what=what) for value, what in zip(result, ("dw", "db", "da"), strict=True))
        right = delta.T @ a, delta.sum(axis=0), delta @ w
        require(
            not _equal(dw, right[0].T) or n == d_out == d_in == 1 or _equal(dw, right[0]),
            f"`dw`: está traspuesta. {case}",
        )
        require(dw.shape == w.shape, f"`dw`: debe medir lo que w, {w.shape}, y mide {dw.shape}. {case}")
        if not _equal(dw, right[0]):
            require(not _equal(dw, right[0] / n), f"`dw`: el 1/n ya está en delta; no lo pongas otra vez. {case}")
            require(not _equal(dw, np.outer(delta[0], a[0])), f"`dw`: solo cuentas el primer ejemplo; súmalos. {case}")
            fail(f"`dw`: la forma es correcta y los valores no. Es una suma de productos exteriores. {case}")
        if not _equal(db, right[1]):
            require(db.shape != (), f"`db`: es un solo número; suma sobre los ejemplos y no sobre las unidades. {case}")
            require(db.shape != (n, d_out), f"`db`: falta sumar sobre los ejemplos. {case}")
            require(db.shape == (d_out,), f"`db`: debe tener forma {(d_out,)}; tiene {db.shape}. {case}")
            require(
                not _equal(db, delta.mean(axis=0)), f"`db`: el 1/n ya está en delta: suma en lugar de promediar. {case}"
            )
            fail(f"`db`: la forma es correcta y los valores no. {case}")
        if not _equal(da, right[2]):
            require(da.shape == a.shape, f"`da`: debe medir lo que a, {a.shape}, y mide {da.shape}. {case}")
            turned = d_out == d_in and _equal(da, delta @ w.T)
            require(not turned, f"`da`: usas la traspuesta; con matrices cuadradas las formas no avisan. {case}")
            fail(f"`da`: la forma es correcta y los valores no: es delta por w. {case}")
    return "Dos productos y una suma: eso es toda la vuelta de una capa."


@comprobar.exercise("softplus")
def _(answer: object) -> str:
    if not isinstance(answer, Activation):
        fail("Se esperaba una activación: `Activation(function, slope)`, con dos funciones.")
    z = np.array([-1000.0, -30.0, -2.0, -0.3, 0.0, 0.7, 3.0, 40.0, 1000.0])
    slope = np.exp(-np.logaddexp(0, -z))
    with np.errstate(all="ignore"):
        a = call(answer.function, z.copy())
        require(
            np.isfinite(np.asarray(a, dtype=float)).all() if _numeric(a) else True,
            "`function` desborda con |z| = 1000.",
        )
        a = as_array(a, shape=z.shape, what="lo que da `function`")
        require(
            np.allclose(a, np.logaddexp(0, z), rtol=1e-6), "`function` no es ln(1 + exp(z)). Prueba `np.logaddexp`."
        )
        given = np.logaddexp(0, z)
        got = as_array(call(answer.slope, given.copy()), shape=z.shape, what="lo que da `slope`")
    if not np.allclose(got, slope, rtol=1e-6, atol=1e-12):
        sigmoid_of_a = np.exp(-np.logaddexp(0, -given))
        require(not np.allclose(got, sigmoid_of_a), "`slope` es la sigmoide de a; se pide en z, escrita con a.")
        require(not np.allclose(got, np.exp(-given)), "`slope`: exp(−a) es uno menos la derivada.")
        fail("`slope` no es la derivada. Despeja: 1 + exp(z) = exp(a).")
    tiny = np.array([1e-13])  # 1 - exp(-a) pierde aquí casi todas las cifras
    precise = as_array(call(answer.slope, tiny.copy()), shape=(1,), what="lo que da `slope`")
    require(
        np.allclose(precise, tiny, rtol=1e-6, atol=0),
        "`slope` es correcta, pero con a = 1e-13 pierde las cifras al restar: usa `np.expm1`.",
    )
    return "Una derivada escrita con la salida: z no hace falta."


def _numeric(value: object) -> bool:
    return isinstance(value, np.ndarray) and value.dtype.kind in "fiu"


def _chain_costs(sizes: tuple[int, ...]) -> tuple[int, int]:
    from_right = sum(a * b for a, b in pairwise(sizes[1:]))
    from_left = sum(sizes[1] * a * b for a, b in pairwise(sizes[2:]))
    return from_right, from_left + sizes[1] * sizes[-1]


@comprobar.exercise("orden")
def _(answer: object) -> str:
    rng = np.random.default_rng(32)
    cases = [(4, 3, 2), (5, 4, 3, 2), (784, 64, 32, 10)]
    cases += [tuple(int(d) for d in rng.integers(2, 30, size=k)) for k in (3, 4, 5, 6)]
    for sizes in cases:
        got = as_array(call(answer, sizes), shape=(2,), what="la pareja de costes")
        right, left = _chain_costs(sizes)
        case = f"(sizes={sizes})"
        if _equal(got, (right, left)):
            continue
        swapped = right != left and _equal(got, (left, right))
        require(not swapped, f"Están al revés: primero, desde la derecha. {case}")
        if got[0] != right:
            first = sizes[0] * sizes[1]
            require(got[0] != right + first, f"Derecha: la primera matriz es la de W2; W1 no interviene. {case}")
            fail(f"Derecha: cada producto es una matriz por un vector, de d_k por d_(k+1); suman {right}. {case}")
        last = sizes[1] * sizes[-1]
        require(got[1] != left - last, f"Izquierda: al final falta multiplicar por el vector. {case}")
        require(got[1] != right, f"Izquierda: el producto parcial es una matriz con d_1 filas, no un vector. {case}")
        fail(f"Izquierda: producto parcial de d_1 filas por cada matriz siguiente, y el vector; suman {left}. {case}")
    right, left = _chain_costs((784, *[256] * 5, 10))
    return f"Con cinco capas ocultas de 256 unidades, empezar por la izquierda cuesta {left / right:.0f} veces más."


def _random_return(net: MLP, feedback: list[np.ndarray], outputs: list[np.ndarray], delta: np.ndarray) -> Gradients:
    gradients: Gradients = []
    for k in reversed(range(len(net.weights))):
        gradients = [delta.T @ outputs[k], delta.sum(axis=0), *gradients]
        if k:
            delta = (delta @ feedback[k]) * net.activation.slope(outputs[k])
    return gradients


def _random_feedback(net: MLP, seed: int) -> list[np.ndarray]:
    """Matrices del tamaño de las de la red y de su mismo orden de magnitud."""
    rng = np.random.default_rng(seed)
    return [rng.normal(scale=w.std(), size=w.shape).astype(w.dtype) for w in net.weights]


@comprobar.exercise("alineacion")
def _(answer: object) -> str:
    rng = np.random.default_rng(33)
    for sizes, activation in (
        ((4, 5, 3), "tanh"),
        ((4, 6, 5, 3), "relu"),
        ((3, 4, 4, 4, 2), "sigmoid"),
        ((4, 3), "relu"),
    ):
        net = MLP(sizes, activation=activation, seed=1, dtype=np.float64)
        feedback = _random_feedback(net, 2)
        outputs = net.forward(rng.normal(size=(6, sizes[0])))
        _, delta = cross_entropy(outputs[-1], rng.integers(0, sizes[-1], 6))
        copies = [a.copy() for a in (*net.parameters, *feedback, *outputs, delta)]
        result = call(answer, net, feedback, outputs, delta)
        same = zip(copies, (*net.parameters, *feedback, *outputs, delta), strict=True)
        require(all((a == b).all() for a, b in same), "Modificaste la red, las salidas o delta: solo hay que leerlos.")
        if not isinstance(result, list | tuple) or len(result) != len(net.parameters):
            fail(f"Se esperaba una lista de {len(net.parameters)} arreglos, [W1, b1, W2, b2, …], con sizes={sizes}.")
        got = [as_array(g, shape=p.shape, what="cada gradiente") for g, p in zip(result, net.parameters, strict=True)]
        expected = _random_return(net, feedback, outputs, delta)
        if all(map(_equal, got, expected)):
            continue
        last = all(map(_equal, got[-2:], expected[-2:]))
        require(last, "Los gradientes de la última capa no dependen de feedback: son los de `backward`.")
        require(not all(map(_equal, got, net.backward(outputs, delta))), "Son los de `backward`: falta usar feedback.")
        flat = MLP(sizes, activation=Activation(net.activation.function, np.ones_like), seed=1, dtype=np.float64)
        unmasked = all(map(_equal, got, _random_return(flat, feedback, outputs, delta)))
        require(not unmasked, "Falta la derivada de la activación al ir hacia atrás.")
        fail(
            f"Los gradientes de las capas ocultas no son los esperados, con sizes={sizes}. "
            "¿Usas cada feedback[k] donde iba net.weights[k]?"
        )
    learned, frozen = (100 * _train_with(answer, frozen) for frozen in (False, True))
    return f"Con la vuelta al azar, acierta el {learned:.0f} %; sin entrenar las capas ocultas, el {frozen:.0f} %."


def _train_with(function: object, frozen: bool) -> float:
    """Exactitud de prueba tras dos épocas con los gradientes de ``function``; ``frozen`` deja quietas las ocultas."""
    data = split_mnist(4)
    x, y = data.x_train.flatten(1).numpy(), data.y_train.numpy()
    net = MLP((784, 24, 16, 10), activation="tanh", seed=4)
    feedback, rng = _random_feedback(net, 5), np.random.default_rng(4)
    for _ in range(2):
        for rows in np.array_split(rng.permutation(len(y)), len(y) // 50):
            outputs = net.forward(x[rows])
            gradients: Any = call(function, net, feedback, outputs, cross_entropy(outputs[-1], y[rows])[1])
            for p, g in list(zip(net.parameters, gradients, strict=True))[-2 if frozen else 0 :]:
                p -= 0.2 * g
    return float((net.predict(data.x_test.flatten(1).numpy()) == data.y_test.numpy()).mean())
