"""Comprobadores de los ejercicios del apéndice «Álgebra lineal»."""

from collections.abc import Callable

import numpy as np

from profundo.comun.datos import small_mnist
from profundo.comun.ejercicios import Checker, as_array, as_numbers, call, fail, require, require_number, require_truths

comprobar = Checker("apendices/algebra_lineal")

MIN_ACCURACY = 0.93
MAX_PRODUCTS = 3000


@comprobar.exercise("mano")
def _(answer: object) -> str:
    got = as_numbers(answer, 6)
    wrong: tuple[tuple[str, float, tuple[tuple[float, str], ...]], ...] = (
        ("La norma L1", 7.0, ((-1.0, "suma los valores absolutos, no los números."), (25.0, "no lleva cuadrados."))),
        ("La norma L2", 5.0, ((25.0, "no lleva la raíz."), (7.0, "es la L1; la L2 suma cuadrados y saca la raíz."))),
        ("La norma L∞", 4.0, ((3.0, "es el mayor valor absoluto, y |−4| pasa de 3."), (-4.0, "no tiene signo."))),
        (
            "El coseno",
            4 / 13,
            (
                (20.0, "es el producto escalar; falta dividir entre las dos normas."),
                (-20.0, "tiene mal el signo: (−4)·(−5) es positivo."),
                (-4 / 13, "tiene mal el signo: (−4)·(−5) es positivo."),
                (20 / 13, "solo está dividido entre una norma."),
                (4.0, "solo está dividido entre una norma."),
                (np.degrees(np.arccos(4 / 13)), "es el ángulo; se pide su coseno."),
                (np.arccos(4 / 13), "es el ángulo; se pide su coseno."),
            ),
        ),
        ("El determinante", 3.0, ((5.0, "resta el producto de la otra diagonal, no lo suma."), (4.0, "es la traza."))),
        ("El mayor autovalor", 3.0, ((1.0, "es el menor."), (4.0, "es la traza, la suma de los dos."))),
    )
    for value, (name, target, options) in zip(got, wrong, strict=True):
        require_number(value, target, name, options, "Vuelve a su definición.")
    return "El vector x mide 7, 5 o 4, según para qué lo quieras."


@comprobar.exercise("verdad")
def _(answer: object) -> str:
    facts = (
        (True, "(1) Determinante nulo es área nula: la matriz aplasta alguna dirección, y esa dirección va a cero."),
        (False, "(2) El rango de una matriz 3 × 5 es 3 como mucho; ¿cuánto queda, al menos, de 5?"),
        (
            False,
            "(3) Los factores giran, `tr(ABC) = tr(BCA)`, pero no se intercambian. Prueba con tres matrices al azar.",
        ),
        (True, "(4) `QᵀQ` es la identidad: conserva productos escalares y, con ellos, longitudes y ángulos."),
        (False, "(5) Mira ((1, 2), (2, 1)): con x = (1, −1), xᵀAx es negativo."),
        (True, "(6) La espectral es σ₁ y la de Frobenius, la raíz de la suma de todos los σᵢ²."),
    )
    require_truths(answer, facts)
    return "Un contraejemplo de 2 × 2 vale más que una intuición."


@comprobar.exercise("proyeccion")
def _(answer: object) -> str:
    rng = np.random.default_rng(0)
    for m, n in ((3, 1), (3, 2), (6, 3), (8, 5), (4, 4)):
        a, y = rng.normal(size=(m, n)) * rng.uniform(0.3, 3, n) + 0.5, rng.normal(size=m)
        got = as_array(call(answer, y.copy(), a.copy()), what="la proyección")
        q = np.linalg.qr(a)[0]
        expected, unit = q @ (q.T @ y), a / np.linalg.norm(a, axis=0)
        weights = np.linalg.lstsq(a, y, rcond=None)[0]
        if got.shape == (n,) and n != m:
            close = np.allclose(got, weights)
            fail("Son los coeficientes; falta multiplicarlos por las columnas." if close else _wants(m, got))
        require(got.shape == (m,), _wants(m, got))
        if not np.allclose(got, expected, atol=1e-7):
            for wrong, hint in (
                (a @ (a.T @ y), "Usas A Aᵀ y, que solo vale si las columnas son ortonormales."),
                (unit @ (unit.T @ y), "Normalizas las columnas, pero no son perpendiculares: las sombras se solapan."),
                (y - expected, "Eso es el residuo, y menos su proyección."),
                (weights, "Son los coeficientes; falta multiplicarlos por las columnas."),
            ):
                require(wrong.shape != got.shape or not np.allclose(got, wrong, atol=1e-7), hint)
            fail(f"Con a de forma {a.shape} no es el punto más cercano: y menos él es perpendicular a cada columna.")
    return "El residuo es perpendicular a todas las columnas: no hay nada más cerca."


def _wants(m: int, got: np.ndarray) -> str:
    return f"Se esperaba un punto de forma ({m},), como y; tiene forma {got.shape}."


@comprobar.exercise("nulo")
def _(answer: object) -> str:
    rng = np.random.default_rng(1)
    for m, n, r in ((5, 6, 2), (4, 4, 2), (3, 5, 3), (6, 4, 2), (2, 6, 1), (5, 3, 3), (1, 3, 1)):
        a = rng.normal(size=(m, r)) @ rng.normal(size=(r, n)) * 10.0 ** rng.integers(-3, 4)
        got = as_array(call(answer, a.copy()), what="la base")
        require(got.ndim == 2, f"Se esperaba un arreglo de dos ejes, ({n}, {n - r}); tiene forma {got.shape}.")
        if got.shape != (n, n - r):
            hints = {
                (n - r, n): "Los vectores van en columnas: traspón.",
                (n, r): f"Son {r} vectores, los que no se anulan; se piden los otros {n - r}.",
                (n, n - min(m, n)): "Faltan vectores: el redondeo deja valores singulares pequeños, no ceros.",
                (n, min(m, n) - r): "Faltan las filas de Vᵀ que no tienen valor singular: no uses full_matrices=False.",
            }
            fail(
                hints.get(got.shape, f"Con rango {r} y {n} columnas se esperaba forma ({n}, {n - r}); es {got.shape}.")
            )
        require(np.allclose(got.T @ got, np.eye(n - r), atol=1e-8), "Las columnas deben ser ortonormales.")
        small = np.abs(a @ got).max(initial=0) < 1e-8 * np.abs(a).max()
        require(small, "La matriz no anula esos vectores. ¿Son las últimas filas de Vᵀ, o columnas de otra matriz?")
    return "Moverse por ahí no cambia nada de lo que la matriz ve."


@comprobar.exercise("giro")
def _(answer: object) -> str:
    rng = np.random.default_rng(2)
    for d, n, noise in ((2, 20, 0.0), (2, 20, 0.3), (3, 15, 0.2), (4, 30, 0.5), (2, 12, 0.1)):
        true = np.linalg.qr(rng.normal(size=(d, d)))[0]
        x = rng.normal(size=(n, d)) * np.arange(1, d + 1)
        y = x @ true + noise * rng.normal(size=(n, d))
        got = as_array(call(answer, x.copy(), y.copy()), shape=(d, d), what="la matriz")
        u, _, vt = np.linalg.svd(x.T @ y)
        best = u @ vt
        if np.allclose(got, best, atol=1e-6):
            continue
        if np.allclose(got, best.T, atol=1e-6):
            fail("Es la traspuesta: va de y a x. Los puntos son filas, X R.")
        if not np.allclose(got.T @ got, np.eye(d), atol=1e-6):
            least = np.linalg.lstsq(x, y, rcond=None)[0]
            more = " Mínimos cuadrados deforma la figura para tapar el ruido." if np.allclose(got, least) else ""
            fail("La matriz no es ortogonal: sus columnas deben ser perpendiculares y de norma 1." + more)
        turned = best.copy() if np.linalg.det(best) > 0 else u @ np.diag([*[1] * (d - 1), -1]) @ vt
        require(not np.allclose(got, turned, atol=1e-6), "Prohíbes las reflexiones, y aquí la mejor matriz es una.")
        error, least_error = (float(np.linalg.norm(x @ r - y)) for r in (got, best))
        fail(f"Es ortogonal, pero deja un error de {error:.3g} y se puede llegar a {least_error:.3g}.")
    return "Eso es alinear dos figuras sin deformarlas."


@comprobar.exercise("extremos")
def _(answer: object) -> str:
    rng = np.random.default_rng(3)
    cases = ([-5, -1, 0, 2], [1, 2, 3, 10], [-7, -3, -2, -1], [0.5, 0.7, 4, 4.5, 5], [-2, 0, 1, 6], [-0.03, 0.01, 0.02])
    for case in cases:
        values = np.array(case, dtype=float)
        n = len(values)
        q = np.linalg.qr(rng.normal(size=(n, n)))[0]
        matrix = q * values @ q.T
        product, calls = _counted(matrix)
        got = as_array(call(answer, product, n), what="la respuesta")
        require(got.shape == (2,), f"Se esperaban dos números, el menor y el mayor; la forma es {got.shape}.")
        require(calls() <= MAX_PRODUCTS, f"Llamaste a `producto` {calls()} veces; el máximo es {MAX_PRODUCTS}.")
        tolerance = 0.01 * (values[-1] - values[0])
        expected = values[[0, -1]]
        if np.abs(got - expected).max() <= tolerance:
            continue
        top = np.abs(values).max()
        size = np.array([top, top + np.abs(values - top).max()])  # con la norma de A v en vez de vᵀA v
        named = f"Con autovalores {', '.join(f'{value:g}' for value in values)}: "
        for wrong, hint in (
            (expected[::-1], "están al revés; primero, el menor."),
            (size, "devuelves valores absolutos. El cociente de Rayleigh, vᵀAv, conserva el signo."),
            (np.abs(expected), "devuelves valores absolutos. El cociente de Rayleigh, vᵀAv, conserva el signo."),
            (
                np.full(2, values[np.abs(values).argmax()]),
                "es el mismo dos veces. Desplaza la matriz, A − μI, y repite.",
            ),
            (expected - values[np.abs(values).argmax()], "falta volver a sumar el desplazamiento."),
        ):
            require(np.abs(got - wrong).max() > tolerance, named + hint)
        fail(f"{named}devolviste {got[0]:.3g} y {got[1]:.3g}. ¿Das bastantes pasos? ¿Deshaces el desplazamiento?")
    return "Con eso se mide la condición de una hessiana que no cabe en la memoria."


def _counted(matrix: np.ndarray) -> tuple[Callable[[object], np.ndarray], Callable[[], int]]:
    """La función que multiplica por ``matrix`` y otra que dice cuántas veces se usó."""
    count = 0

    def product(v: object) -> np.ndarray:
        nonlocal count
        count += 1
        return matrix @ np.asarray(v, dtype=float)

    return product, lambda: count


@comprobar.exercise("proyecto")
def _(answer: object) -> str:
    data = small_mnist(1, n_val=1500, n_test=0)
    parts = (part.double().numpy() for part in (data.x_train, data.x_val))
    (x_train, x), y_train, y = parts, data.y_train.numpy(), data.y_val.numpy()
    got = as_array(call(answer, x_train.copy(), y_train.copy(), x.copy()), shape=(len(x),), what="las cifras")
    hits = float((got == y).mean())
    for k in (int((y == digit).argmax()) for digit in (3, 7)):
        alone = as_array(call(answer, x_train.copy(), y_train.copy(), x[[k]]), shape=(1,), what="las cifras")
        require(alone[0] == got[k], "La cifra de una imagen cambia según qué otras la acompañen en x.")
    require(hits > 0.2, f"Aciertos: {hits:.1%}. ¿Eliges el subespacio con *menos* error, o con más proyección?")
    require(
        hits >= MIN_ACCURACY,
        f"Aciertos: {hits:.1%}; se pide {MIN_ACCURACY:.0%}. Con pocas direcciones por cifra falta detalle y con "
        "demasiadas todo cabe en todas: prueba varios k.",
    )
    return f"Aciertos: {hits:.1%}, y solo con proyecciones."
