"""Comprobadores de los ejercicios de ``fundamentos/calculo_tensorial``."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from profundo.comun.ejercicios import Checker, Unanswered, as_array, as_list, call, fail, require
from profundo.fundamentos.calculo_tensorial import affine, compose, elementwise, softmax_rows

comprobar = Checker("fundamentos/calculo_tensorial")


def _equal(actual: np.ndarray, expected: Any) -> bool:
    """Misma forma y mismos números."""
    wanted = np.asarray(expected, dtype=float)
    return actual.shape == wanted.shape and bool(np.allclose(actual, wanted, rtol=1e-6, atol=1e-9))


def _arrays(*shapes: tuple[int, ...], seed: int) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [rng.normal(size=shape) for shape in shapes]


def _call_pure(function: object, *arrays: np.ndarray) -> object:
    """Llama con copias y comprueba que no las cambia."""
    copies = [array.copy() for array in arrays]
    result = call(function, *copies)
    same = all((copy == array).all() for copy, array in zip(copies, arrays, strict=True))
    require(same, "Modificaste los arreglos que recibes: crea otros nuevos.")
    return result


# Nombre, formas de los operandos y una ecuación correcta.
INDICES: tuple[tuple[str, tuple[tuple[int, ...], ...], str], ...] = (
    ("norma de cada fila", ((3, 4), (3, 4)), "nd,nd->n"),
    ("lote por una matriz", ((5, 2, 3), (3, 4)), "bij,jk->bik"),
    ("productos escalares", ((3, 4), (2, 4)), "nd,md->nm"),
    ("formas cuadráticas", ((3, 4), (4, 4), (3, 4)), "ni,ij,nj->n"),
    ("trazas", ((3, 4, 4),), "bii->b"),
    ("gradiente de W", ((5, 2), (5, 3)), "nm,nd->md"),
)
INDEX_MISTAKES: tuple[tuple[int, str, str], ...] = (
    (1, "nd,nd->", "sumaste también las filas; su letra va a la derecha de la flecha."),
    (1, "nd,nd->nd", "falta sumar las columnas: quita su letra de la salida."),
    (1, "nd,nd->d", "eso es por columnas; se queda la letra de las filas."),
    (1, "nd,md->nm", "son los productos de todas las filas con todas; usa la misma letra en los dos términos."),
    (2, "bij,jk->ik", "el lote se sumó; su letra se queda en la salida."),
    (2, "bij,jk->bki", "cada matriz sale traspuesta: revisa el orden de la salida."),
    (2, "bij,jk->bijk", "falta sumar el índice que comparten."),
    (3, "nd,md->mn", "está traspuesta: las filas de la salida son las de x."),
    (3, "nd,md->nmd", "falta sumar las columnas."),
    (3, "nd,md->n", "sumaste las filas de y; su letra va en la salida."),
    (4, "ni,ij,mj->nm", "cruzas todos los ejemplos con todos; la letra del ejemplo es la misma en los dos."),
    (4, "ni,ij,nj->", "sumaste los ejemplos; se pide un número por fila."),
    (4, "ni,ii,ni->n", "con una sola letra en A lees solo su diagonal."),
    (4, "ni,ij,ni->n", "la segunda x usa la otra letra de A."),
    (5, "bii->bi", "esas son las diagonales; falta sumarlas."),
    (5, "bii->", "sumaste también el lote."),
    (5, "bij->b", "sumas toda la matriz; la diagonal se lee repitiendo la letra."),
    (6, "nm,nd->dm", "está traspuesto: el gradiente mide lo mismo que W, (m, d)."),
    (6, "nm,nd->nmd", "falta sumar los ejemplos: W es la misma para todos."),
    (6, "nm,kd->md", "los ejemplos llevan la misma letra en los dos términos."),
)


@comprobar.exercise("indices")
def _(answer: object) -> str:
    for k, equation in enumerate(as_list(answer, len(INDICES), "ecuaciones"), start=1):
        name, shapes, right = INDICES[k - 1]
        where = f"Ecuación {k}, {name}:"
        if not isinstance(equation, str):
            fail(f'{where} se esperaba un texto como "ij,jk->ik"; llegó un valor de tipo {type(equation).__name__}.')
        require("->" in equation, f"{where} escribe la flecha, «->», y a su derecha lo que se queda.")
        operands = _arrays(*shapes, seed=40 + k)
        if k in (1, 4):  # la misma x, dos veces: así vale también la ecuación que las intercambia
            operands[-1] = operands[0]
        terms = equation.partition("->")[0].count(",") + 1
        require(terms == len(shapes), f"{where} hay {len(shapes)} operandos y tu ecuación tiene {terms} términos.")
        try:
            got = np.asarray(np.einsum(equation, *operands))
        except Exception as error:
            fail(f"{where} np.einsum no la acepta con formas {', '.join(map(str, shapes))}: {error}.")
        if _equal(got, np.einsum(right, *operands)):
            continue
        for number, wrong, message in INDEX_MISTAKES:
            require(number != k or not _equal(got, np.einsum(wrong, *operands)), f"{where} {message}")
        fail(f"{where} el resultado tiene forma {got.shape} y no es lo pedido. Escribe antes la fórmula con índices.")
    return "Seis operaciones, seis ecuaciones, y ninguna traspuesta."


SHAPES: dict[str, tuple[int, ...]] = {
    "dL_dW": (8, 20),
    "dL_db": (8,),
    "dY_dX": (32, 8, 32, 20),
    "dY_dW": (32, 8, 8, 20),
    "H_b": (8, 8),
    "jvp": (32, 8),
    "vjp": (32, 20),
}
SHAPE_MISTAKES: tuple[tuple[str, tuple[int, ...], str], ...] = (
    ("dL_dW", (20, 8), "está traspuesta: W tiene una fila por unidad."),
    ("dL_dW", (32, 8, 20), "el gradiente no tiene eje de ejemplos: W es la misma para todos."),
    ("dL_db", (32, 8), "el sesgo es el mismo para todos los ejemplos: un número por unidad."),
    ("dL_db", (), "hay un sesgo por unidad."),
    ("dY_dX", (8, 20), "esa es la de un solo ejemplo. La definición no sabe que los demás bloques son cero."),
    ("dY_dX", (32, 8, 20), "faltan los bloques entre ejemplos distintos: son cero, pero están."),
    ("dY_dX", (32, 20, 32, 8), "primero la forma de la salida y después la de la entrada."),
    ("dY_dX", (256, 640), "es correcta si desenrollas los dos tensores; se pide con todos los ejes."),
    ("dY_dW", (8, 20), "esa es la forma de W; Y no es un número, así que también pone sus ejes."),
    ("dY_dW", (8, 20, 32, 8), "primero la forma de la salida y después la de la entrada."),
    ("dY_dW", (256, 160), "es correcta si desenrollas los dos tensores; se pide con todos los ejes."),
    ("H_b", (8,), "ese es el gradiente; la hessiana es su jacobiana."),
    ("H_b", (32, 8, 8), "L es un número: los ejemplos no tienen eje propio."),
    ("jvp", (32, 20), "J v es un cambio de la salida, y mide lo mismo que ella."),
    ("jvp", (32, 8, 32, 20), "esa es la jacobiana; su producto por v ya no tiene los ejes de la entrada."),
    ("vjp", (32, 8), "Jᵀ g es un gradiente respecto de X, y mide lo mismo que X."),
    ("vjp", (32, 8, 32, 20), "esa es la jacobiana; el producto ya no tiene los ejes de la salida."),
)


@comprobar.exercise("formas")
def _(answer: object) -> str:
    if not isinstance(answer, Mapping):
        fail(f"Se esperaba un diccionario con las claves {', '.join(SHAPES)}.")
    for key, expected in SHAPES.items():
        require(key in answer, f"Falta la clave «{key}» en el diccionario.")
        value = answer[key]
        if value is None or value is Ellipsis:
            raise Unanswered(f"Sin resolver: falta «{key}».")
        sizes = (value,) if isinstance(value, int | np.integer) else value
        if not isinstance(sizes, list | tuple) or not all(isinstance(n, int | np.integer) for n in sizes):
            fail(f"{key}: se esperaba una forma, como (4, 3).")
        shape = tuple(int(n) for n in sizes)
        for name, wrong, message in SHAPE_MISTAKES:
            require((name, wrong) != (key, shape), f"{key}: {message}")
        require(shape == expected, f"{key}: {shape} no. Es la forma de la salida seguida de la de la entrada.")
    return "La forma de la salida y después la de la entrada; un producto se queda con una de las dos."


@comprobar.exercise("factores")
def _(answer: object) -> str:
    for seed, (n, k, m) in enumerate(((5, 2, 4), (3, 3, 3), (1, 4, 2), (4, 1, 6))):
        a, w, h = _arrays((n, m), (n, k), (k, m), seed=50 + seed)
        result = _call_pure(answer, a, w, h)
        if not isinstance(result, list | tuple) or len(result) != 2:
            fail("Se esperaban dos arreglos: `(dw, dh)`.")
        r = a - w @ h
        case = f"(n={n}, k={k}, m={m})"
        right = {"dw": -2 * r @ h.T, "dh": -2 * w.T @ r}
        got = {name: as_array(value, what=f"`{name}`") for name, value in zip(right, result, strict=True)}
        swapped = _equal(got["dw"], right["dh"]) and _equal(got["dh"], right["dw"])
        require(not swapped, f"Están intercambiados: primero, el gradiente de W. {case}")
        for name, x, turned in (("dw", w, -2 * r.T @ h.T if n == m else None), ("dh", h, None)):
            value, expected = got[name], right[name]
            if _equal(value, expected):
                continue
            require(
                not _equal(value, -expected),
                f"`{name}`: el signo está al revés; R lleva un menos delante de WH. {case}",
            )
            for factor, why in ((0.5, "falta el 2 del cuadrado"), (-0.5, "faltan el 2 del cuadrado y el signo")):
                require(not _equal(value, factor * expected), f"`{name}`: {why}. {case}")
            require(not _equal(value, expected.T), f"`{name}`: está traspuesto; mide lo mismo que la matriz. {case}")
            require(not _equal(value, expected / a.size), f"`{name}`: eso es de la media; se pide la suma. {case}")
            require(value.shape == x.shape, f"`{name}`: debe tener forma {x.shape}; tiene {value.shape}. {case}")
            require(turned is None or not _equal(value, turned), f"`{name}`: R no va traspuesta. {case}")
            fail(f"`{name}`: la forma es correcta y los valores no. Comprueba con `numerical_jacobian`. {case}")
    return "Los dos gradientes son correctos, con cualquier forma."


@comprobar.exercise("normalizar")
def _(answer: object) -> str:
    for seed, shape in enumerate(((4, 3), (1, 5), (3, 3), (6, 2))):
        x, g = _arrays(shape, shape, seed=60 + seed)
        x *= 3
        got = as_array(_call_pure(answer, x, g), shape=shape, what="el gradiente")
        length = np.linalg.norm(x, axis=1, keepdims=True)
        y = x / length
        along = y * (y * g).sum(axis=1, keepdims=True)
        whole = x / np.linalg.norm(x)
        expected = (g - along) / length
        if _equal(got, expected):
            continue
        mistakes = (
            (g / length, "Tratas la norma como una constante, y también depende de x: falta un término."),
            (g - along, "Falta dividir entre la norma de cada fila."),
            (along / length, "Eso es lo que hay que quitar de g, no lo que queda."),
            ((g + along) / length, "El segundo término lleva el signo contrario: la norma divide."),
            ((g - x * (x * g).sum(axis=1, keepdims=True)) / length, "En el segundo término va y, no x."),
            ((g - along) / length**2, "Divides dos veces entre la norma."),
            ((g - y * (y * g).sum()) / length, "Mezclas las filas: cada ejemplo tiene su propio y · g."),
            ((g - y * g * y) / length, "y · g es un producto escalar: falta la suma por filas."),
            ((g - whole * (whole * g).sum()) / np.linalg.norm(x), "Normalizas todo el lote a la vez; es fila a fila."),
            (y, "Eso es la función; se pide su VJP."),
        )
        for values, message in mistakes:
            require(not _equal(got, values), message)
        fail(f"Con x de forma {shape} el gradiente no es correcto. Compara con `numerical_jacobian`, fila a fila.")
    return "Quitas la parte de g que solo alargaría x."


@comprobar.exercise("hessiana")
def _(answer: object) -> str:
    for seed, (n, p) in enumerate(((6, 3), (4, 4), (1, 5), (50, 20_000))):
        x, w, v = _arrays((n, p), (p,), (p,), seed=70 + seed)
        w /= p**0.5
        got = as_array(_call_pure(answer, w, x, v), shape=(p,), what="el producto")
        pi = 1 / (1 + np.exp(-x @ w))
        moved = x @ v
        expected = x.T @ (pi * (1 - pi) * moved) / n
        if _equal(got, expected):
            continue
        mistakes = (
            (n * expected, "Falta dividir entre n: la pérdida es una media."),
            (x.T @ moved / n, "Falta la derivada de la sigmoide, π(1 − π)."),
            (x.T @ (pi * moved) / n, "La derivada de la sigmoide es π(1 − π), no π."),
            (x.T @ (moved * (1 - moved)) / n, "π(1 − π) se calcula con w, no con v."),
            (x.T @ pi / n, "Eso no usa v: ¿cómo cambia π cuando w se mueve según v?"),
            (x.T @ (pi * (1 - pi)) / n, "Falta multiplicar por `x @ v`, lo que cambian los puntajes."),
            (-expected, "El signo está al revés: la pérdida es convexa y su curvatura no puede ser negativa."),
        )
        for values, message in mistakes:
            require(n == 1 or not _equal(got, values), message)
        fail(f"Con n={n} y p={p} el producto no es correcto. Compara con `numerical_jacobian` del gradiente.")
    return "Con 20 000 pesos, H tendría 400 millones de números; tú solo has usado vectores."


LIMIT = 150


def _random_map(shape: tuple[int, ...], outputs: int, seed: int) -> tuple[Callable, Callable]:
    """Una jacobiana con valores singulares 3, 3/2, 3/4…"""
    rng = np.random.default_rng(seed)
    size = int(np.prod(shape))
    right = np.linalg.qr(rng.normal(size=(size, min(size, outputs))))[0]
    left = np.linalg.qr(rng.normal(size=(outputs, right.shape[1])))[0]
    matrix = left * 3.0 * 0.5 ** np.arange(right.shape[1]) @ right.T
    return lambda v: matrix @ np.reshape(v, size), lambda g: (matrix.T @ g).reshape(shape)


def _network_map(seed: int) -> tuple[Callable, Callable]:
    w1, b1, w2, b2, x = _arrays((20, 784), (20,), (4, 20), (4,), (1, 784), seed=seed)
    hidden = elementwise(np.tanh, lambda z: 1 - np.tanh(z) ** 2)
    at = compose(affine(w1 / 28, b1), hidden, affine(w2 / 4, b2), softmax_rows)(x)
    return at.jvp, at.vjp


@comprobar.exercise("direccion")
def _(answer: object) -> str:
    cases: list[tuple[tuple[int, ...], tuple[Callable, Callable], tuple[int, ...]]] = [
        ((784,), _random_map((784,), 10, 80), (10,)),
        ((3, 5), _random_map((3, 5), 30, 81), (30,)),
        ((1, 784), _network_map(83), (1, 4)),
    ]
    for shape, (jvp, vjp), out in cases:
        used = {"jvp": 0, "vjp": 0}

        def counted(
            name: str, product: Callable, expected: tuple[int, ...], used: dict[str, int] = used
        ) -> Callable[[np.ndarray], np.ndarray]:
            def wrapper(vector: np.ndarray) -> np.ndarray:
                used[name] += 1
                if np.shape(vector) != expected:
                    raise ValueError(f"{name} espera un vector de forma {expected}; recibió {np.shape(vector)}")
                if used[name] > LIMIT:
                    raise RuntimeError(f"{name} ya se usó {LIMIT} veces")
                return product(vector)

            return wrapper

        result = call(answer, counted("jvp", jvp, shape), counted("vjp", vjp, out), shape)
        if not isinstance(result, list | tuple) or len(result) != 2:
            fail("Se esperaban dos cosas: `(sigma, v)`.")
        sigma = float(as_array(result[0], shape=(), what="`sigma`"))
        v = as_array(result[1], shape=shape, what="`v`")
        basis = np.eye(int(np.prod(shape))).reshape(-1, *shape)
        _, values, rows = np.linalg.svd(np.stack([np.ravel(jvp(e)) for e in basis], axis=1), full_matrices=False)
        require(abs(np.linalg.norm(v) - 1) < 1e-6, f"`v` debe tener norma 1; tiene {np.linalg.norm(v):.4g}.")
        if abs(float(v.ravel() @ rows[0])) < 1 - 1e-5:
            fail(f"`v` no es la dirección de mayor ganancia con shape={shape}: ¿aplicas `vjp(jvp(v))` bastantes veces?")
        if abs(sigma - values[0]) > 1e-4 * values[0]:
            require(abs(sigma - values[0] ** 2) > 1e-4, "`sigma` es el cuadrado: es lo que estira JᵀJ, no J.")
            fail(f"`v` es correcta y `sigma` no: es la norma de J v, {values[0]:.4f}, y diste {sigma:.4f}.")
    return f"La encuentras con menos de {LIMIT} productos de cada clase, y la jacobiana no se escribió nunca."
