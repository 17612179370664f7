"""Comprobadores de los ejercicios del capítulo «Descenso de gradiente estocástico»."""

from functools import partial

import numpy as np

from profundo.comun.datos import small_mnist
from profundo.comun.ejercicios import Checker, as_array, as_list, call, fail, require, require_close
from profundo.optimizacion.sgd import accuracies, train_grid

comprobar = Checker("optimizacion/sgd")

BUDGET = 200
MIN_ACCURACY = 0.86


@comprobar.exercise("cuentas")
def _(answer: object) -> str:
    steps, last, dropped = as_array(answer, shape=(3,), what="la lista de cuentas")
    require(steps != 938, "938 son los pasos de una época; se piden los de diez.")
    require(steps != 9375, "60000 / 64 no es entero: en cada época hay un paso más, el del lote incompleto.")
    require(steps != 9370, "El lote incompleto también es un paso: son 938 por época.")
    require(steps != 600000, "600000 son las imágenes que se ven en diez épocas; cada paso usa 64.")
    require(steps == 9380, "El primer número no es: lotes por época, contando el incompleto, por diez épocas.")
    require(last not in (64, 0), "El último lote de la época está incompleto: 60000 no es múltiplo de 64.")
    require(last == 32, "El segundo número es el resto de dividir 60000 entre 64.")
    require(dropped != 9380, "drop_last descarta el lote incompleto de cada época.")
    require(
        dropped != 9379,
        "drop_last descarta el lote incompleto de cada una de las diez épocas, no solo el de la última.",
    )
    require(dropped == 9370, "El tercer número son los lotes completos de una época, por diez.")
    return "Diez pasos de diferencia, y en cada época 32 imágenes que no se ven."


@comprobar.exercise("robbins")
def _(answer: object) -> str:
    exponents = (0.0, 0.4, 0.5, 0.75, 1.0, 1.5)
    given = as_list(answer, len(exponents), "respuestas, True o False")
    require(
        all(isinstance(item, bool | np.bool_) for item in given),
        "Cada respuesta debe ser True o False, sin comillas.",
    )
    got = [bool(item) for item in given]
    for rule, hint in (
        (lambda a: not 0.5 < a <= 1, "Está justo al revés: se pide cuándo se cumplen."),
        (lambda a: a <= 1, "Eso es solo la primera condición: falta que la suma de los cuadrados sea finita."),
        (lambda a: a > 0.5, "Eso es solo la segunda condición: falta que la suma de las tasas sea infinita."),
        (lambda a: a > 1, "La suma de las tasas debe ser infinita, no finita."),
    ):
        require(got != [rule(a) for a in exponents], hint)
    reasons = {
        0.0: "Una tasa constante llega lejos, pero sus cuadrados suman infinito.",
        0.4: "Con a = 0.4 los cuadrados son 1/t elevado a 0.8, y su suma es infinita.",
        0.5: "Con a = 0.5 los cuadrados son 1/t, y su suma es infinita, aunque por poco.",
        0.75: "Con a = 0.75 las tasas suman infinito y sus cuadrados, 1/t elevado a 1.5, no.",
        1.0: "Con a = 1 las tasas son 1/t, cuya suma es infinita, y las de sus cuadrados, finita.",
        1.5: "Con a = 1.5 las tasas suman un número finito: no se llega desde lejos.",
    }
    for exponent, item in zip(exponents, got, strict=True):
        require(item == (0.5 < exponent <= 1), reasons[exponent])
    return "Entre 1/2, sin incluirlo, y 1."


@comprobar.exercise("minimo")
def _(answer: object) -> str:
    rng = np.random.default_rng(0)
    # Fracciones que no caen en un entero: ahí, un redondeo decidiría la respuesta.
    cases = [(10.0, 0.3, 100), (5.0, 7.0, 20), (2.0, 1e-9, 50)]
    cases += [
        (float(10 ** rng.uniform(-2, 3)), float(10 ** rng.uniform(-3, 2)), int(rng.integers(2, 5000)))
        for _ in range(30)
    ]
    for variance, goal, n in cases:
        exact = variance * n / (goal * (n - 1) + variance)
        if abs(exact - round(exact)) < 1e-6:
            continue
        got = float(as_array(call(answer, variance, goal, n), shape=()))
        expected = np.ceil(exact)
        case = f"(varianza={variance:.4g}, meta={goal:.4g}, n={n})"
        if got == expected:
            continue
        for wrong, hint in (
            (exact, "Falta redondear hacia arriba: un lote tiene un número entero de ejemplos."),
            (np.floor(exact), "Redondeas hacia abajo: con ese lote la varianza todavía pasa de la meta."),
            (np.floor(exact) + 2, "Sobra un ejemplo: con uno menos ya se cumple."),
            (np.ceil(variance / goal), "Esa es la cuenta con reposición: falta la corrección (n − B)/(n − 1)."),
            (min(np.ceil(variance / goal), n), "Esa es la cuenta con reposición: falta la corrección (n − B)/(n − 1)."),
            (np.ceil(variance * n / (goal * n + variance)), "El denominador de la corrección es n − 1, no n."),
            (np.ceil((variance / goal) ** 0.5), "La varianza baja como 1/B, no como 1/B²: sobra la raíz."),
            (np.ceil((variance / goal) ** 2), "La meta es la varianza, no la desviación típica: sobra el cuadrado."),
        ):
            require(not np.isclose(got, wrong, rtol=1e-9), f"{hint} {case}")
        require(1 <= got <= n, f"El lote debe estar entre 1 y n; devolviste {got:g}. {case}")
        fail(f"Se esperaba un lote de {expected:.0f} y devolviste {got:g}. {case}")
    return "Y nunca pasa de n, por exigente que sea la meta."


@comprobar.exercise("acumular")
def _(answer: object) -> str:
    rng = np.random.default_rng(1)
    for shape, sizes in (((3,), (4, 4, 1)), ((2, 3), (5, 2, 7, 1)), ((1,), (3,)), ((4,), (2, 6))):
        targets = rng.normal(size=(sum(sizes), *shape))
        chunks = np.split(rng.permutation(sum(sizes)), np.cumsum(sizes)[:-1])
        calls: list[int] = []

        def gradient(
            w: np.ndarray, rows: np.ndarray, targets: np.ndarray = targets, calls: list[int] = calls
        ) -> np.ndarray:
            calls.append(len(rows))
            return np.tanh(w - targets[rows]).mean(axis=0)

        w = rng.normal(size=shape)
        before, rows_before = w.copy(), [rows.copy() for rows in chunks]
        got = as_array(call(answer, gradient, w, chunks), shape=shape, what="el gradiente")
        require(np.array_equal(w, before), "Modificaste w: solo se pide el gradiente.")
        intact = len(chunks) == len(rows_before) and all(map(np.array_equal, chunks, rows_before))
        require(intact, "Modificaste los trozos.")
        parts = [np.tanh(w - targets[rows]).mean(axis=0) for rows in chunks]
        weighted = sum(len(rows) * part for rows, part in zip(chunks, parts, strict=True))
        total = sum(sizes)
        expected = weighted / total
        if len(sizes) > 1:
            for wrong, hint in (
                (np.mean(parts, axis=0), "Promedias promedios: un ejemplo de un trozo corto pesa de más."),
                (np.sum(parts, axis=0), "Sumas las medias de los trozos sin pesarlas ni dividir."),
                (np.sum(parts, axis=0) / total, "Divides dos veces: cada media ya está dividida entre su trozo."),
                (weighted, "Falta dividir entre el total de ejemplos."),
                (weighted / len(sizes), "Se divide entre el total de ejemplos, no entre el número de trozos."),
                (parts[-1], "Te quedas con el último trozo: hay que acumular."),
            ):
                require(not np.allclose(got, wrong), hint)
        require_close(got, expected, f"No es el gradiente medio de los {total} ejemplos, con trozos de {list(sizes)}.")
        require(
            sorted(calls) == sorted(sizes),
            f"Se esperaba una llamada a gradiente por trozo, de {list(sizes)} ejemplos; fueron de {calls}.",
        )
    return "El mismo gradiente, con la memoria de un trozo."


def _online(x: np.ndarray, y: np.ndarray, w: np.ndarray, rate: float) -> tuple[np.ndarray, np.ndarray]:
    """Las predicciones de cada fila antes de su lección y después de ella, con ``w -= rate * error * x``."""
    before, after = [], []
    for row, target in zip(x, y, strict=True):
        before.append(row @ w)
        w = w - rate * (before[-1] - target) * row
        after.append(row @ w)
    return np.array(before), np.array(after)


@comprobar.exercise("linea")
def _(answer: object) -> str:
    rng = np.random.default_rng(2)
    for n, d, lr in ((6, 3, 0.05), (1, 2, 0.1), (12, 1, 0.03)):
        x, y, w = rng.normal(size=(n, d)), rng.normal(size=n), rng.normal(size=d)
        copies = x.copy(), y.copy(), w.copy()
        got = as_array(call(answer, x, y, w, lr), shape=(n,), what="las predicciones")
        require(np.array_equal(w, copies[2]), "Modificaste w: escribe `w = w - …`, no `w -= …`.")
        require(np.array_equal(x, copies[0]) and np.array_equal(y, copies[1]), "Modificaste los datos.")
        expected, cheating = _online(x, y, w, 2 * lr)
        require(not np.allclose(got, cheating), "Predices después de aprender: el ejemplo ya ha visto su respuesta.")
        if n > 1:
            for wrong, hint in (
                (x @ w, "Los pesos no cambian: tras cada predicción hay que dar un paso."),
                (_online(x, y, w, lr)[0], "Falta el 2: es la derivada de un cuadrado."),
                (_online(x, y, w, -2 * lr)[0], "El paso va contra el gradiente: revisa el signo."),
                (_online(x, y, w, 2 * lr / n)[0], "No dividas entre n: cada lote tiene un solo ejemplo."),
                (expected - y, "Devuelves los errores; se piden las predicciones."),
                (
                    _online(x[::-1], y[::-1], w, 2 * lr)[0][::-1],
                    "Recorre las filas en su orden, de la primera a la última.",
                ),
            ):
                require(not np.allclose(got, wrong), hint)
        require_close(
            got, expected, f"Las predicciones no coinciden con n={n}, d={d}. Comprueba a mano las dos primeras."
        )
    return "Cada ejemplo es primero examen y después lección."


@comprobar.exercise("proyecto")
def _(answer: object) -> str:
    size, rate = as_array(answer, shape=(2,), what="el plan")
    require(size == int(size) and 1 <= size <= 2048, f"El lote debe ser un entero entre 1 y 2048; es {size:g}.")
    require(rate > 0, f"La tasa debe ser positiva; es {rate:g}.")
    require(rate < 1e6, f"Con una tasa de {rate:g} los pesos se desbordan.")
    steps = int(BUDGET // (1 + size / 64))
    data = small_mnist(1, n_val=2000, n_test=950)
    reached = float(
        train_grid(
            data.x_train[:2048],
            data.y_train[:2048],
            partial(accuracies, x=data.x_val, y=data.y_val),
            sizes=(196, 32, 10),
            batch_size=int(size),
            rates=[float(rate)],
            seeds=[901, 902, 903, 904],
            marks=[steps],
        ).mean()
    )
    if reached < MIN_ACCURACY:
        what = f"En {steps} pasos llega al {100 * reached:.0f} %, y se pide el {100 * MIN_ACCURACY:.0f} %."
        require(reached > 0.2, f"{what} Eso es casi adivinar: ¿es la tasa demasiado grande, o demasiado pequeña?")
        require(size >= 24, f"{what} Los pasos son muchos y ruidosos: casi todo el coste es fijo.")
        require(size <= 200, f"{what} Son pocos pasos: pasado el lote crítico, cada ejemplo de más se desperdicia.")
        fail(f"{what} El lote es razonable: prueba otras tasas.")
    return f"{100 * reached:.0f} % de aciertos en {steps} pasos."
