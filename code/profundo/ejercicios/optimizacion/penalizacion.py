"""Comprobadores de los ejercicios del capítulo «Penalización de parámetros»."""

import numpy as np

from profundo.comun.datos import small_mnist
from profundo.comun.ejercicios import Checker, as_array, as_numbers, call, fail, require

comprobar = Checker("optimizacion/penalizacion")

MAX_ERROR = 30.0  # entre no penalizar (50) y una regresión con el cobro elegido en validación (27)


@comprobar.exercise("cuentas")
def _(answer: object) -> str:
    got = as_numbers(answer, 5)
    cases: tuple[tuple[float, str, tuple[tuple[float, str], ...]], ...] = (
        (
            0.04,
            "(1) `alpha` es la suma de los dos cobros.",
            ((0.03, "(1) Ese es solo λ₁."), (0.035, "(1) El ½ ya está en el convenio: suma λ₁ y λ₂ enteros.")),
        ),
        (
            0.75,
            "(2) `l1_ratio` es la parte de `alpha` que se lleva L1.",
            ((0.25, "(2) Esa es la parte de L2."), (3.0, "(2) Es λ₁ entre la suma, no entre λ₂.")),
        ),
        (
            2.0,
            "(3) Multiplica tu objetivo por 2n: el error queda sin factor, y λ₂/2 se vuelve nλ₂.",
            (
                (0.01, "(3) `Ridge` suma: su `alpha` crece con n."),
                (1.0, "(3) Sobra el ½."),
                (4.0, "(3) Falta el ½ de λ₂/2."),
            ),
        ),
        (
            1.9,
            "(4) Con gradiente nulo, el peso se multiplica por 1 − ηλ.",
            (
                (1.0, "(4) Falta la tasa: se multiplica por 1 − ηλ, no por 1 − λ."),
                (1.95, "(4) Resta ηλ·w, con el peso."),
            ),
        ),
        (
            0.0,
            "(5) La cuota es ηλ₁ = 0.03, más de lo que vale el peso.",
            ((-0.01, "(5) El operador próximo no pasa de cero."), (-0.28, "(5) Falta la tasa, y no se pasa de cero.")),
        ),
    )
    for value, (target, hint, wrong) in zip(got, cases, strict=True):
        for other, message in wrong:
            require(not np.isclose(value, other, rtol=1e-4), message)
        require(np.isclose(value, target, rtol=1e-4, atol=1e-9), f"{hint} Diste {value:.4g}.")
    return "Antes de copiar un cobro, mira qué se suma y qué se promedia."


@comprobar.exercise("proximo")
def _(answer: object) -> str:
    rng = np.random.default_rng(0)
    cases = [(np.array([2.0, -2.0, 0.3, -0.3, 0.0]), 0.5, 1.0), (np.array([1.0, -0.2]), 0.2, 0.0)]
    cases += [(rng.normal(size=(3, 4)), float(rng.uniform(0, 1)), float(rng.uniform(0, 3))) for _ in range(4)]
    for v, a, b in cases:
        got = as_array(call(answer, v.copy(), a, b), shape=v.shape, what="el resultado")
        soft = np.sign(v) * np.maximum(np.abs(v) - a, 0)
        expected = soft / (1 + b)
        if np.allclose(got, expected):
            continue
        for wrong, hint in (
            (soft, "Falta el cobro b: divide entre 1 + b."),
            (v / (1 + b), "Falta el cobro a: el umbral."),
            (np.sign(v) * np.maximum(np.abs(v) / (1 + b) - a, 0), "Primero el umbral y después el porcentaje."),
            (soft * (1 - b), "1 − b es solo una aproximación si b es pequeño: divide entre 1 + b."),
            (soft / (1 + 2 * b), "El cobro es b/2 · w²: su derivada es b·w, no 2b·w."),
            (np.maximum(v - a, 0) / (1 + b), "Trata también los negativos: el umbral es simétrico."),
            (
                (v - a * np.sign(v)) / (1 + b),
                "Los que están a menos de a del cero se quedan en él; no cambian de signo.",
            ),
            (np.where(np.abs(v) > a, v, 0) / (1 + b), "Eso anula los pequeños sin restar a los grandes."),
        ):
            require(not np.allclose(got, wrong), hint)
        fail(f"No coincide con a = {a:.2f} y b = {b:.2f}. Deriva para w > 0 y despeja.")
    return "Ceros exactos y encogimiento, en una línea."


@comprobar.exercise("apagado")
def _(answer: object) -> str:
    rng = np.random.default_rng(1)
    for n, p in ((30, 4), (12, 20), (50, 1)):
        x, y = rng.normal(size=(n, p)) * rng.uniform(0.5, 2, p), rng.normal(size=n)
        pushes = x.T @ y
        if np.argmax(pushes) == np.argmax(np.abs(pushes)):
            y, pushes = -y, -pushes  # que el mayor empujón sea negativo
        got = float(as_array(call(answer, x.copy(), y.copy()), shape=(), what="el cobro"))
        expected = np.abs(pushes).max() / n
        if np.isclose(got, expected):
            continue
        for wrong, hint in (
            (np.abs(pushes).max(), "Falta dividir entre n: la pérdida es una media."),
            (np.abs(pushes).max() / (2 * n), "Deriva: el ½ se va con el cuadrado."),
            (2 * np.abs(pushes).max() / n, "El ½ de la pérdida se lleva el 2 de la derivada."),
            (pushes.max() / n, "Los empujones negativos también encienden pesos: falta el valor absoluto."),
            (np.abs(pushes).mean() / n, "Basta con que un peso se encienda: es el máximo, no la media."),
            (np.abs(pushes).min() / n, "Con ese cobro solo se apaga el más débil: es el máximo."),
            (np.abs(pushes).sum() / n, "Cada peso responde a su propio empujón: es el máximo, no la suma."),
        ):
            require(not np.isclose(got, wrong), hint)
        fail(f"Con x de forma {x.shape} se esperaba {expected:.4f} y devolviste {got:.4f}.")
    return "Por encima de ese cobro no hay nada que buscar: es donde empieza todo camino."


@comprobar.exercise("reparto")
def _(answer: object) -> str:
    rng = np.random.default_rng(2)
    for r, m in ((5, 3), (40, 11), (2, 1)):
        truth = rng.normal(size=m)
        predictions = truth + rng.normal(size=m) + rng.uniform(0.2, 2) * rng.normal(size=(r, m))
        got = as_array(call(answer, predictions.copy(), truth.copy()), what="la lista")
        require(got.shape == (2,), f"Se esperaban dos números, [sesgo², varianza]; la forma es {got.shape}.")
        mean = predictions.mean(axis=0)
        gap, variance = mean - truth, float(predictions.var(axis=0).mean())
        square = float((gap**2).mean())
        if np.allclose(got, [square, variance]):
            continue
        require(not np.allclose(got, [variance, square]), "Están al revés: primero el sesgo al cuadrado.")
        for wrong, hint in (
            (gap.mean() ** 2, "Elevas la media de los sesgos: los de distinto signo se compensan. Cuadrado primero."),
            (np.abs(gap).mean(), "Falta el cuadrado del sesgo."),
            (gap.mean(), "Falta el cuadrado del sesgo."),
            (((predictions - truth) ** 2).mean(), "Eso es el error entero: promedia antes las muestras."),
        ):
            require(np.isclose(square, wrong) or not np.isclose(got[0], wrong), hint)
        for wrong, hint in (
            (
                predictions.var(axis=0, ddof=1).mean(),
                "Divide entre r, no entre r − 1: si no, las partes no suman el error.",
            ),
            (predictions.std(axis=0).mean(), "Eso es la desviación típica; se pide la varianza."),
            (predictions.var(axis=1).mean(), "Es la varianza entre muestras, en cada punto: el eje de las filas."),
            (predictions.var(), "Mezclas los puntos: la varianza se calcula en cada punto y luego se promedia."),
            (
                ((predictions - truth) ** 2).mean(),
                "Eso es el error entero: resta la media de las muestras, no la verdad.",
            ),
        ):
            require(np.isclose(variance, wrong) or not np.isclose(got[1], wrong), hint)
        fail(f"Se esperaba [{square:.4f}, {variance:.4f}] y devolviste {np.round(got, 4).tolist()}.")
    return "Sesgo al cuadrado más varianza es el error cuadrático medio frente a la verdad."


@comprobar.exercise("paciencia")
def _(answer: object) -> str:
    rng = np.random.default_rng(3)
    cases: list[tuple[list[float], int]] = [
        ([3.0, 2.0, 1.0, 2.0, 3.0, 0.0], 2),
        ([5.0, 4.0, 3.0, 2.0], 2),
        ([1.0], 3),
        ([1.0, 2.0, 1.0, 1.0, 0.0], 3),
        ([2.0, 3.0, 1.0, 2.0, 2.0, 2.0, 0.0], 1),
    ]
    cases += [(np.round(rng.random(12), 1).tolist(), int(k)) for k in (1, 2, 3, 4)]
    for losses, patience in cases:
        got = as_array(call(answer, list(losses), patience), what="la lista")
        require(got.shape == (2,), f"Se esperaban dos números, [última, mejor]; la forma es {got.shape}.")
        last, best = _stop(losses, patience)
        if np.array_equal(got, [last, best]):
            continue
        case = f"(con pérdidas {losses} y paciencia {patience})"
        require(not np.array_equal(got, [last - 1, best - 1]), f"Las épocas cuentan desde 1 {case}.")
        require(not np.array_equal(got, [best, last]), f"Están al revés: primero la última época {case}.")
        require(not np.array_equal(got, _stop(losses, patience, ties=True)), f"Igualar no es mejorar {case}.")
        total = int(np.argmin(losses)) + 1
        require(
            best == total or got[1] != total,
            f"La mejor época que das es posterior a la parada: esas épocas no se entrenan {case}.",
        )
        require(
            not np.array_equal(got, _stop(losses, patience + 1)),
            f"Paras una época tarde: con paciencia 1 basta una sin mejorar {case}.",
        )
        require(
            not np.array_equal(got, _stop(losses, patience, previous=True)),
            f"Se compara con la mejor, no con la época anterior {case}.",
        )
        fail(f"Se esperaba [{last}, {best}] y devolviste {got.tolist()} {case}.")
    return "Se guardan los pesos de la mejor época, no los de la última."


def _stop(losses: list[float], patience: int, *, ties: bool = False, previous: bool = False) -> list[int]:
    """La parada, o la que sale con un error frecuente."""
    best, bad = 0, 0
    for epoch, loss in enumerate(losses):
        reference = losses[max(epoch - 1, 0)] if previous else losses[best]
        bad = 0 if epoch == 0 or loss < reference or (ties and loss == reference) else bad + 1
        if loss < losses[best] or (ties and loss == losses[best]):
            best = epoch
        if bad >= patience:
            return [epoch + 1, best + 1]
    return [len(losses), best + 1]


@comprobar.exercise("proyecto")
def _(answer: object) -> str:
    errors = [_project_error(answer, seed) for seed in (11, 12)]
    mean = float(np.mean(errors))
    found = f"Falla el {mean:.1f} % de las imágenes nuevas; se pide el {MAX_ERROR:.0f} % como mucho."
    require(mean < 75, f"{found} Es casi como responder al azar: ¿devuelves clases de 0 a 9?")
    require(mean < 42, f"{found} Has memorizado las etiquetas falsas: cobra más.")
    require(mean <= MAX_ERROR, f"{found} Prueba varios cobros y elige con la validación.")
    return f"Falla el {mean:.1f} % con un 40 % de etiquetas falsas."


def _project_error(answer: object, seed: int) -> float:
    """Porcentaje de fallos en prueba de lo que aprende quien responde, con otras imágenes por semilla."""
    data = small_mnist(n_test=2000)
    x, y, x_val, y_val, x_test, y_test = (
        part.double().numpy() if part.ndim == 2 else part.numpy()
        for part in (data.x_train, data.y_train, data.x_val, data.y_val, data.x_test, data.y_test)
    )
    rng = np.random.default_rng(seed)
    rows = rng.permutation(len(x))[:400]
    labels = y[rows].copy()
    labels[:160] = (labels[:160] + rng.integers(1, 10, 160)) % 10
    mixed = rng.permutation(400)  # que las falsas no sean las primeras
    predict = call(answer, x[rows][mixed], labels[mixed], x_val.copy(), y_val.copy())
    if not callable(predict):
        fail(f"Se esperaba una función de imágenes a clases; llegó un valor de tipo {type(predict).__name__}.")
    guess = as_array(call(predict, x_test.copy()), what="las clases")
    require(
        guess.shape == (len(x_test),), f"Se esperaba una clase por imagen, {len(x_test)}; la forma es {guess.shape}."
    )
    return float(100 * (guess != y_test).mean())
