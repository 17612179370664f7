"""Comprobadores de los ejercicios de ``preparacion/numpy``."""

from contextlib import suppress
from typing import Any

import numpy as np

from profundo.comun.datos import split_mnist
from profundo.comun.ejercicios import Checker, as_array, as_list, call, fail, require
from profundo.preparacion.numpy import knn_predict

comprobar = Checker("preparacion/numpy")

Shape = tuple[int, ...]
# Expresión, forma que da y qué decir de otras formas; x es (5000, 28, 28), y (5000,), w (784, 10) y b (10,).
SHAPES: tuple[tuple[str, Shape, dict[Shape, str]], ...] = (
    ("`x[0]`", (28, 28), {(1, 28, 28): "un entero quita su eje; x[:1] lo conservaría."}),
    (
        "`x[:, 14]`",
        (5000, 28),
        {
            (5000, 1, 28): "un entero quita su eje.",
            (28, 28): "el «:» deja entero el primer eje; el 14 va en el segundo.",
        },
    ),
    (
        "`x[[3, 1, 4]]`",
        (3, 28, 28),
        {
            (): "eso es x[3, 1, 4]; una lista elige varios elementos de un solo eje, el primero.",
            (28,): "la lista no son tres índices, sino tres elecciones en el primer eje.",
        },
    ),
    (
        "`x[y == 7]`",
        (500, 28, 28),
        {
            (5000, 28, 28): "una máscara se queda solo con los verdaderos.",
            (28, 28): "hay muchos sietes, no uno: la máscara los conserva todos.",
        },
    ),
    (
        "`x.mean(axis=(1, 2))`",
        (5000,),
        {
            (28, 28): "axis dice qué ejes desaparecen, no cuáles quedan.",
            (5000, 1, 1): "los ejes de longitud 1 solo quedan con `keepdims=True`.",
            (): "solo se promedian los ejes 1 y 2; el 0 queda.",
        },
    ),
    (
        "`x.max(axis=0, keepdims=True)`",
        (1, 28, 28),
        {(28, 28): "`keepdims=True` conserva el eje, con longitud 1.", (5000, 1, 1): "el eje que se reduce es el 0."},
    ),
    (
        "`x.reshape(5000, -1) @ w + b`",
        (5000, 10),
        {
            (5000, 784): "falta el producto: las 784 columnas se gastan contra las 784 filas de w.",
            (5000,): "b se difunde sobre las filas; no elimina ningún eje.",
        },
    ),
    (
        "`x[:, None] - x[:4]`",
        (5000, 4, 28, 28),
        {
            (5000, 28, 28): "`None` inserta un eje de longitud 1, que se estira contra el 4.",
            (4, 28, 28): "el primer eje de x sigue ahí: cada imagen se resta de cada una de las cuatro.",
        },
    ),
)
REGULAR = "el resultado se recorre con pasos fijos sobre los mismos datos: basta con otra forma y otros pasos."
IRREGULAR = "los elementos elegidos pueden estar en cualquier orden: ningún paso fijo los recorre."
COPIES = (
    ("`a[1]`", "vista", REGULAR),
    ("`a[:, ::2]`", "vista", REGULAR),
    ("`a[[1]]`", "copia", "un índice con lista copia siempre, aunque la lista tenga un solo número."),
    ("`a[a > 3]`", "copia", IRREGULAR),
    ("`a.T`", "vista", "trasponer solo intercambia los pasos."),
    ("`a.T.reshape(-1)`", "copia", "leer la traspuesta por filas es saltar adelante y atrás: no hay un paso fijo."),
    ("`a[:, None]`", "vista", "un eje de longitud 1 no mueve ningún dato."),
    ("`a + 0`", "copia", "toda operación aritmética escribe su resultado en memoria nueva."),
)
EINSUMS = (
    ("a", ((6, 3),), "ij->i"),
    ("b", ((6, 3), (6, 4)), "ni,nj->ij"),
    ("c", ((2, 3, 4), (2, 4, 5)), "bij,bjk->bik"),
    ("d", ((6, 3), (3, 3)), "ni,ij,nj->n"),
    ("e", ((2, 3, 4, 5), (2, 6, 4, 5)), "bthd,bshd->bhts"),
)
ACCURACY_REQUIRED = 0.93  # sin preparar nada, 0.891; con una sola mejora, 0.92; con enderezar y desenfocar, 0.939


@comprobar.exercise("formas")
def _(answer: object) -> str:
    for item, (expression, expected, hints) in zip(as_list(answer, len(SHAPES), "formas"), SHAPES, strict=True):
        if isinstance(item, int) and not isinstance(item, bool):
            fail(f"{expression}: {item} es un número. La forma de un arreglo de un eje se escribe ({item},), con coma.")
        if not isinstance(item, list | tuple) or not all(isinstance(n, int) for n in item):
            fail(f"{expression}: se esperaba una tupla de enteros, como (5000, 28).")
        got = tuple(item)
        if got != expected:
            extra = f"quedan {len(expected)} ejes." if len(got) != len(expected) else "revisa cada eje por separado."
            fail(f"{expression}: no da la forma {got}; {hints.get(got, extra)}")
    return "Lees las formas sin ejecutar nada."


@comprobar.exercise("copias")
def _(answer: object) -> str:
    for item, (expression, expected, reason) in zip(as_list(answer, len(COPIES), "palabras"), COPIES, strict=True):
        word = item.strip().lower() if isinstance(item, str) else ""
        require(word in ("vista", "copia"), f"{expression}: responde «vista» o «copia».")
        require(word == expected, f"{expression}: no es una {word}; {reason}")
    return "Sabes cuándo escribir en un arreglo cambia otro."


@comprobar.exercise("confusion")
def _(answer: object) -> str:
    rng = np.random.default_rng(21)
    for n, c, present in ((300, 4, 4), (50, 3, 3), (40, 6, 4)):
        truth = rng.integers(0, present, n)
        guess = np.where(rng.random(n) < 0.6, truth, rng.integers(0, present, n))
        expected = np.zeros((c, c))
        for i, j in zip(truth, guess, strict=True):
            expected[i, j] += 1
        got = as_array(call(answer, truth.copy(), guess.copy(), c), shape=(c, c), what="la matriz")
        mistakes = (
            (expected > 0, "Cada pareja cuenta una sola vez: `m[i, j] += 1` lee, suma y escribe sin repetir índices."),
            (expected.T, "Está traspuesta: las filas son las clases verdaderas y las columnas, las predichas."),
            (expected / np.maximum(expected.sum(axis=1, keepdims=True), 1), "Son proporciones; se piden cuentas."),
            (np.diag(np.diag(expected)), "Solo cuentas los aciertos: faltan los errores, fuera de la diagonal."),
        )
        for values, message in mistakes:
            require(not np.allclose(got, values) or np.allclose(expected, values), message)
        if not np.allclose(got, expected):
            i, j = np.argwhere(~np.isclose(got, expected))[0]
            fail(f"En la fila {i}, columna {j}, se esperaba {expected[i, j]:g} y llegó {got[i, j]:g}.")
    return "Cuentas todas las parejas, también las repetidas."


def _log_softmax(scores: np.ndarray, axis: int = 1) -> np.ndarray:
    shifted = scores - scores.max(axis=axis, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=axis, keepdims=True))


def _cross_entropy(answer: object, scores: np.ndarray, labels: np.ndarray) -> float:
    """Lo que responde la función, que puede no ser finito."""
    given = scores.copy()
    with np.errstate(all="ignore"):
        value: Any = call(answer, given, labels.copy())
    require((given == scores).all(), "Has modificado los puntajes que recibiste. `s = s - …` crea un arreglo nuevo.")
    with suppress(Exception):
        if not np.isfinite(number := float(value)):  # as_array no dejaría pasar un infinito
            return number
    return float(as_array(value, shape=(), what="la entropía"))


@comprobar.exercise("entropia")
def _(answer: object) -> str:
    rng = np.random.default_rng(22)
    for n, c in ((8, 8), (30, 4), (1, 5)):
        scores, labels = 3 * rng.normal(size=(n, c)), rng.integers(0, c, n)
        logs = _log_softmax(scores)
        chosen = logs[np.arange(n), labels]
        expected = -chosen.mean()
        got = _cross_entropy(answer, scores, labels)
        require(np.isfinite(got), "El resultado no es finito ni con puntajes pequeños.")
        mistakes = (
            (chosen.mean(), "El signo está al revés: la entropía cruzada es positiva."),
            (-chosen.sum(), "Es la suma; se pide la media de los ejemplos."),
            (
                -logs[:, labels].mean(),
                "`p[:, y]` toma todas las columnas de y en cada fila; se pide una por fila: `p[np.arange(n), y]`.",
            ),
            (-chosen.sum() / (n * c), "Divides también entre las clases; se pide la media de los ejemplos."),
            (expected / np.log(2), "Usas log2; el logaritmo es el natural."),
            (np.exp(chosen).mean(), "Es la probabilidad media; falta el logaritmo."),
            (-np.log(np.exp(chosen).mean()), "Primero el logaritmo de cada probabilidad y después la media."),
            (-scores[np.arange(n), labels].mean(), "Promedias los puntajes: falta la softmax."),
        )
        for value, message in mistakes:
            require(not np.isclose(got, value) or np.isclose(expected, value), message)
        if n > 1:
            wrong_axis = -_log_softmax(scores, axis=0)[np.arange(n), labels].mean()
            require(not np.isclose(got, wrong_axis), "Normalizas cada columna: la softmax es de cada fila, axis=1.")
        require(
            np.isclose(got, expected), f"Con {n} ejemplos de {c} clases se esperaba {expected:.4f}; llegó {got:.4f}."
        )
    scores, labels = np.array([[1000.0, 0.0], [-1000.0, -1001.0]]), np.array([1, 0])
    got, expected = _cross_entropy(answer, scores, labels), -_log_softmax(scores)[[0, 1], labels].mean()
    if not np.isfinite(got):
        fail(
            "Con puntajes de ±1000 da inf o nan. Resta el máximo de cada fila y no calcules el logaritmo de la "
            "probabilidad, que puede valer 0: resta el logaritmo de la suma."
        )
    require(np.isclose(got, expected), f"Con puntajes de ±1000 se esperaba {expected:.2f}; llegó {got:.2f}.")
    return "Un número por fila, y ningún puntaje la desborda."


@comprobar.exercise("einsum")
def _(answer: object) -> str:
    rng = np.random.default_rng(23)
    for item, (name, shapes, reference) in zip(as_list(answer, len(EINSUMS), "ecuaciones"), EINSUMS, strict=True):
        if not isinstance(item, str):
            fail(f"({name}): se esperaba una ecuación entre comillas, como `ij,jk->ik`.")
        arrays = [rng.normal(size=shape) for shape in shapes]
        if name == "d":
            arrays.append(arrays[0])
        expected = np.einsum(reference, *arrays)
        described = " y ".join(str(array.shape) for array in arrays)
        try:
            got = np.asarray(np.einsum(item, *arrays))
        except Exception:  # cualquier queja de NumPy sobre la ecuación
            fail(f"({name}): NumPy no acepta «{item}» con {described}. Una letra por eje, una coma entre operandos.")
        require(
            got.shape == expected.shape,
            f"({name}): «{item}» da forma {got.shape} y se pide {expected.shape}. "
            "Tras la flecha van las letras de los ejes que quedan, en orden.",
        )
        require(
            np.allclose(got, expected),
            f"({name}): «{item}» da la forma pedida, pero otros números. Una misma letra empareja los ejes que se "
            "multiplican elemento a elemento; comprueba qué ejes comparten letra.",
        )
    return "Dices qué se multiplica y qué se suma con solo nombrar los ejes."


@comprobar.exercise("remuestreo")
def _(answer: object) -> str:
    values = np.repeat([0.0, 1.0, 5.0], (60, 30, 10))
    n, n_resamples = len(values), 4000

    def run(seed: int) -> np.ndarray:
        rng = np.random.default_rng(seed)
        given = values.copy()
        got = call(answer, given, n_resamples, rng)
        require((given == values).all(), "Has modificado los valores que recibiste.")
        return as_array(got, shape=(n_resamples,), what="la lista de medias")

    first, again, other = run(1), run(1), run(2)
    spread, expected = first.std(), values.std() / np.sqrt(n)
    # Con reemplazo, la media de n valores enteros es un múltiplo de 1/n.
    resampled = np.allclose(first * n, np.rint(first * n), atol=1e-6)
    require(
        not np.allclose(first, values.mean()),
        "Todas las medias son iguales: remuestreas sin reemplazo, y barajar los mismos valores no cambia su media.",
    )
    require(spread > 1e-12, "Todas las medias son iguales: hace falta una remuestra distinta para cada una.")
    require((first == again).all(), "Con dos generadores iguales das resultados distintos: usa el `rng` que recibes.")
    require(not (first == other).all(), "Con otro generador das lo mismo: usa el `rng` que recibes, no uno nuevo.")
    if np.isin(first, values).all():
        fail("Devuelves valores sueltos; se pide la media de cada remuestra, de tantos valores como había.")
    if spread > 3 * expected and resampled:
        fail("Son sumas; se piden medias.")
    require(
        abs(first.mean() - values.mean()) < 0.2 * values.std() and 0.8 * expected < spread < 1.25 * expected,
        f"Las medias tienen desviación {spread:.3f} y se esperaba cerca de {expected:.3f}: cada remuestra tiene "
        f"tantos valores como había, {n}, elegidos con reemplazo.",
    )
    require(resampled, f"Hay medias imposibles: ninguna elección de {n} de estos valores enteros da {first[0]:.4f}.")
    return "Remuestras con reemplazo, sin bucles y con el generador que te dan."


@comprobar.exercise("preparacion")
def _(answer: object) -> str:
    data = split_mnist(7, n_val=1000, n_test=1000)
    prepared = []
    for x in (data.x_val[:, 0].numpy(), data.x_test[:, 0].numpy()):
        given = x.copy()
        got = as_array(call(answer, given), what="el resultado")
        require((given == x).all(), "Has modificado las imágenes que recibiste. Trabaja sobre una copia.")
        require(
            got.ndim >= 2 and len(got) == len(x),
            f"Se esperaba un resultado por imagen, con {len(x)} filas; tiene forma {got.shape}.",
        )
        prepared.append(got.reshape(len(x), -1))
    same = prepared[0].shape[1] == prepared[1].shape[1]
    require(same, "El resultado debe tener las mismas columnas con cualquier lote de imágenes.")
    guess = knn_predict(prepared[0], data.y_val.numpy(), prepared[1])
    score = float((guess == data.y_test.numpy()).mean())
    require(score > 0.2, f"El vecino más cercano acierta el {100 * score:.1f} %, como al azar. Mira alguna imagen.")
    if score < ACCURACY_REQUIRED:
        stage = "Es menos que sin preparar nada" if score < 0.885 else "Vas bien, pero falta algo"
        fail(
            f"El vecino más cercano acierta el {100 * score:.1f} % y se pide el {100 * ACCURACY_REQUIRED:.0f} %. "
            f"{stage}: ¿enderezas cada imagen? ¿Y después la desenfocas?"
        )
    return f"El vecino más cercano acierta el {100 * score:.1f} % de mil cifras nuevas."
