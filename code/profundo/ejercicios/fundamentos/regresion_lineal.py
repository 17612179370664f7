"""Comprobadores de los ejercicios de ``fundamentos/regresion_lineal``."""

from typing import Any

import numpy as np

from profundo.comun.ejercicios import Checker, as_array, call, fail, require
from profundo.fundamentos.perceptron import augment
from profundo.fundamentos.regresion_lineal import CAR_FEATURES, load_cars, solve_normal, solve_qr

comprobar = Checker("fundamentos/regresion_lineal")

DIGITS_REQUIRED = 5  # con κ = 1e7 y 64 bits, QR conserva unas 9 y las ecuaciones normales, 2
MAE_ALLOWED = 1.15  # litros cada 100 km: MSE, más de 2.5; MAE y Huber, menos de 1.1


def _equal(actual: Any, expected: Any) -> bool:
    return bool(np.allclose(actual, expected, rtol=1e-6, atol=1e-9))


@comprobar.exercise("recta")
def _(answer: object) -> str:
    rng = np.random.default_rng(21)
    for n, shift in ((3, 0.0), (40, 5.0), (40, -30.0)):
        x = rng.normal(size=n) + shift
        y = 2 - 1.5 * x + rng.normal(size=n)
        got = as_array(call(answer, x.copy(), y.copy()), shape=(2,), what="la pareja (b, w)")
        dx, dy = x - x.mean(), y - y.mean()
        slope = dx @ dy / (dx @ dx)
        intercept = y.mean() - slope * x.mean()
        if _equal(got, (intercept, slope)):
            continue
        require(not _equal(got, (slope, intercept)), "Los dos números están bien, pero en otro orden: primero b.")
        mistakes = (
            (x @ y / (x @ x), "Esa pendiente es la de una recta que pasa por el origen: resta antes las medias."),
            (dx @ dy / (dy @ dy), "Divides entre la variación de y; la pendiente divide entre la de x."),
            (dx @ dy / np.sqrt((dx @ dx) * (dy @ dy)), "Esa pendiente es la correlación, que no tiene unidades."),
            (dx @ dy / n, "Esa pendiente es la covarianza: falta dividir entre la varianza de x."),
            (dx @ dy / (n - 1), "Esa pendiente es la covarianza: falta dividir entre la varianza de x."),
            (slope * n / (n - 1), "La pendiente sale mayor: covarianza y varianza deben dividir entre lo mismo."),
            (slope * (n - 1) / n, "La pendiente sale menor: covarianza y varianza deben dividir entre lo mismo."),
            (-slope, "La pendiente tiene el signo cambiado."),
        )
        for value, message in mistakes:
            require(not _equal(got[1], value), message)
        if _equal(got[1], slope):
            require(not _equal(got[0], y.mean()), "El sesgo no es la media de y: descuéntale la pendiente por x̄.")
            require(not _equal(got[0], y.mean() + slope * x.mean()), "En el sesgo se resta w·x̄, no se suma.")
            fail(f"La pendiente está bien; el sesgo debería ser {intercept:.4f} y es {got[0]:.4f}.")
        fail(f"Con {n} puntos se esperaba b = {intercept:.4f}, w = {slope:.4f}; llegó {got[0]:.4f}, {got[1]:.4f}.")
    return "Tu recta es la de mínimos cuadrados."


@comprobar.exercise("r2")
def _(answer: object) -> str:
    rng = np.random.default_rng(22)
    for kind in ("buena", "mala", "media"):
        y = 10 + 3 * rng.normal(size=50)
        noise = rng.normal(size=50)
        prediction = {"buena": y + noise, "mala": 2 * y + noise, "media": np.full(50, y.mean())}[kind]
        got = float(as_array(call(answer, y.copy(), prediction.copy()), shape=(), what="R²"))
        error, total = np.sum((y - prediction) ** 2), np.sum((y - y.mean()) ** 2)
        expected = 1 - error / total
        if _equal(got, expected):
            continue
        spread = np.sum((prediction - prediction.mean()) ** 2)
        explained = np.sum((prediction - y.mean()) ** 2) / total
        mistakes: list[tuple[float, str]] = [
            (error / total, "Eso es la parte del error que queda; R² es la que se elimina: réstala de 1."),
            (error / len(y), "Eso es el MSE, que tiene unidades. Compáralo con el error de predecir la media."),
            (1 - total / error if error else np.nan, "La fracción está al revés: el error del modelo va arriba."),
            (1 - np.sqrt(error / total), "R² compara sumas de cuadrados, sin raíz."),
            (explained, "Mides cuánto varía la predicción, no cuánto acierta: compárala con y."),
            (1 - error / np.sum(y**2), "La referencia es predecir la media de y, no cero."),
            (1 - error / total * (len(y) - 1) / len(y), "Divides los dos errores entre cantidades distintas."),
            (max(0.0, expected), "R² puede ser negativo: no lo recortes en 0."),
            (abs(expected), "R² puede ser negativo: no le quites el signo."),
        ]
        if spread > 1e-9:
            correlation = float(np.corrcoef(y, prediction)[0, 1])
            mistakes += [
                (1 - error / spread, "La referencia varía con y, no con la predicción: revisa el denominador."),
                (correlation**2, "Eso es la correlación al cuadrado, que no nota una predicción desplazada o doble."),
                (correlation, "Eso es la correlación, que no nota una predicción desplazada o doble."),
            ]
        for value, message in mistakes:
            require(not _equal(got, value), message)
        fail(f"Con una predicción {kind} se esperaba {expected:.4f} y llegó {got:.4f}.")
    return "Mides con la referencia correcta, también cuando el modelo es peor que la media."


@comprobar.exercise("paso")
def _(answer: object) -> str:
    rng = np.random.default_rng(23)
    for n, lr in ((7, 0.1), (12, 0.5), (1, 0.01)):
        w, x, y = rng.normal(size=3), rng.normal(size=(n, 3)), rng.normal(size=n)
        given = w.copy()
        got = as_array(call(answer, given, x.copy(), y.copy(), lr), shape=(3,), what="el vector de pesos")
        require(_equal(given, w), "Has modificado el vector w que recibiste. Crea uno nuevo con `w - …`.")
        step = lr * 2 * x.T @ (x @ w - y) / n
        if _equal(got, w - step):
            continue
        mistakes = (
            (w, "Los pesos no cambian."),
            (w + step, "Subes en lugar de bajar: el gradiente se resta. Revisa también el signo del error."),
            (step / lr, "Eso es el gradiente; falta dar el paso: w menos la tasa por el gradiente."),
            (w - step / lr, "Falta la tasa de aprendizaje."),
            (-step, "Eso es el paso; falta sumarlo a los pesos que había."),
            (w - step / 2, "Falta el 2 que sale al derivar el cuadrado."),
            (w - step * n, "Falta dividir entre n: el MSE es una media."),
            (w - step * n / 2, "Faltan el 2 de la derivada y la división entre n."),
            (w - lr * 2 * x.T @ (x @ w) / n, "Olvidas restar y: el error es la predicción menos el valor."),
            (w - lr * 2 * np.mean(x @ w - y), "Promedias los errores sin multiplicarlos por su ejemplo."),
        )
        for value, message in mistakes:
            require(not _equal(got, value), message)
        fail(f"Con n = {n} y tasa {lr:g}, el primer peso debería ser {(w - step)[0]:.5f} y es {got[0]:.5f}.")
    return "Un paso correcto cuesta abajo."


@comprobar.exercise("qr")
def _(answer: object) -> str:
    rng = np.random.default_rng(24)
    x, y = rng.normal(size=(20, 4)), rng.normal(size=20)
    got = as_array(call(answer, x.copy(), y.copy()), shape=(4,), what="el vector de pesos")
    if not _equal(got, solve_qr(x, y)):
        q, r = np.linalg.qr(x)
        require(not _equal(got, r @ q.T @ y), "Multiplicas por R; hay que resolver el sistema R w = Qᵀy.")
        require(not _equal(got, q.T @ y), "Eso es Qᵀy: falta resolver el sistema triangular R w = Qᵀy.")
        require(not _equal(got, np.linalg.solve(r.T, q.T @ y)), "Resuelves con Rᵀ; el sistema es R w = Qᵀy.")
        fail(f"Ni en un caso fácil: el primer peso debería ser {solve_qr(x, y)[0]:.5f} y es {got[0]:.5f}.")
    worst = np.inf
    for _ in range(5):
        left, right = np.linalg.qr(rng.normal(size=(60, 5)))[0], np.linalg.qr(rng.normal(size=(5, 5)))[0]
        # Coeficientes enteros y sin residuo: la solución exacta se conoce salvo el redondeo de y.
        x, exact = left * np.geomspace(1, 1e-7, 5) @ right.T, rng.integers(1, 9, 5).astype(float)
        got = as_array(call(answer, x.copy(), x @ exact), shape=(5,), what="el vector de pesos")
        error = float(np.linalg.norm(got - exact) / np.linalg.norm(exact))
        worst = min(worst, -np.log10(max(error, 1e-16)))
    require(
        worst >= DIGITS_REQUIRED,
        f"Bien en un caso fácil, pero con columnas casi paralelas conservas {max(worst, 0):.0f} cifras y se piden "
        f"{DIGITS_REQUIRED}. ¿Formas XᵀX en algún paso?",
    )
    return "Conservas las cifras donde las ecuaciones normales las pierden."


@comprobar.exercise("fuera")
def _(answer: object) -> str:
    rng = np.random.default_rng(25)
    for n in (6, 25):
        x, y = augment(rng.normal(size=(n, 3))), rng.normal(size=n)
        x[0, 1] += 6  # un ejemplo con mucha palanca
        got = as_array(call(answer, x.copy(), y.copy()), shape=(n,), what="la lista de residuos")
        refits = [solve_normal(np.delete(x, i, axis=0), np.delete(y, i)) for i in range(n)]
        expected = y - np.array([row @ w for row, w in zip(x, refits, strict=True)])
        if _equal(got, expected):
            continue
        leverage = np.sum(np.linalg.qr(x)[0] ** 2, axis=1)
        plain = expected * (1 - leverage)
        mistakes = (
            (plain, "Esos son los residuos de siempre, con el ejemplo dentro: divídelos entre 1 - h."),
            (-expected, "Los tamaños están bien y el signo no: el residuo es el valor menos la predicción."),
            (plain * (1 - leverage), "Multiplicas por 1 - h; hay que dividir: fuera del ajuste el error crece."),
            (plain / leverage, "Divides entre la palanca; hay que dividir entre 1 menos la palanca."),
            (plain / (1 + leverage), "Es 1 - h, no 1 + h: fuera del ajuste el error crece."),
            (plain / np.sqrt(1 - leverage), "Sobra una raíz: eso es el residuo estandarizado."),
            (plain / (1 - np.sqrt(leverage)), "La palanca es la norma de la fila al cuadrado."),
            (expected**2, "Devuelves los cuadrados; se piden los residuos con su signo."),
            (x @ solve_qr(x, y), "Eso son las predicciones; se piden residuos."),
        )
        for value, message in mistakes:
            require(not _equal(got, value), message)
        fail(f"Sin el primer ejemplo, su residuo es {expected[0]:.4f} y has devuelto {got[0]:.4f}.")
    return "Un ajuste en lugar de n, con el mismo resultado."


@comprobar.exercise("proyecto")
def _(answer: object) -> str:
    cars = load_cars()
    x, liters, mpg = (cars[c].to_numpy(dtype=float) for c in (list(CAR_FEATURES), "consumption", "mpg"))
    scores = []
    for seed in (31, 32, 33):
        rng = np.random.default_rng(seed)
        train, test = np.split(rng.permutation(len(cars)), [294])
        wrong = rng.random(294) < 0.2
        y_train = np.where(wrong, mpg[train], liters[train])
        got = as_array(
            call(answer, x[train], y_train, x[test]), shape=(len(test),), what="la lista de consumos de prueba"
        )
        require(np.ptp(got) > 0, f"Predices {got[0]:.4g} litros para todos: no usas las medidas.")
        as_mpg = np.abs(got - mpg[test]).mean()
        scores.append(np.abs(got - liters[test]).mean())
        require(as_mpg > scores[-1], "Tus predicciones se parecen a millas por galón; se piden litros cada 100 km.")
    score = float(np.mean(scores))
    baseline = float(np.abs(liters - np.median(liters)).mean())
    require(
        score < baseline, f"Fallas en {score:.2f} litros de media; predecir siempre la mediana falla en {baseline:.2f}."
    )
    require(
        score < 2,
        f"Fallas en {score:.2f} litros de media, como mínimos cuadrados: los valores en millas por galón arrastran la "
        "recta. Prueba una pérdida robusta.",
    )
    require(
        score <= MAE_ALLOWED,
        f"Fallas en {score:.2f} litros de media y se piden {MAE_ALLOWED}. ¿Usas las seis medidas? ¿Llega a converger?",
    )
    return f"Con la tabla sucia fallas en {score:.2f} litros de media."
