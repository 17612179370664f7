"""Comprobadores de los ejercicios de ``fundamentos/clasificacion_lineal``."""

from collections.abc import Iterable

import numpy as np

from profundo.comun.datos import split_mnist
from profundo.comun.ejercicios import Checker, as_array, call, fail, require
from profundo.fundamentos.clasificacion_lineal import calibration_error, reliability, sigmoid, softmax

comprobar = Checker("fundamentos/clasificacion_lineal")

NATS_REQUIRED = 0.5  # entre no penalizar (1.7) o parar pronto (0.52) y la mejor λ (0.45)


def _equal(actual: np.ndarray, expected: np.ndarray) -> bool:
    return actual.shape == expected.shape and bool(np.allclose(actual, expected, rtol=1e-6, atol=1e-9))


def _reject(got: np.ndarray, mistakes: Iterable[tuple[object, str]], *, expected: object) -> None:
    """Rechaza el error reconocido, salvo que en este caso dé lo mismo que la respuesta correcta."""
    for values, message in mistakes:
        wrong, right = np.asarray(values, dtype=float), np.asarray(expected, dtype=float)
        require(_equal(wrong, right) or not _equal(got, wrong), message)


def _finite(value: object, shape: tuple[int, ...], what: str, message: str) -> np.ndarray:
    """Como ``as_array``, con una explicación propia si la respuesta tiene la forma pedida y hay inf o nan."""
    try:
        array = np.asarray(value, dtype=float)
    except Exception:  # lo que lance un objeto ajeno; as_array lo explica
        array = np.zeros(())
    if array.shape == shape and not np.isfinite(array).all():
        fail(message)
    return as_array(value, shape=shape, what=what)


@comprobar.exercise("inversa")
def _(answer: object) -> str:
    rng = np.random.default_rng(21)
    w, b, pi = rng.normal(size=12), rng.normal(size=12), rng.uniform(0.02, 0.98, 12)
    cases = zip(w.tolist(), b.tolist(), pi.tolist(), strict=True)
    got = np.array([as_array(call(answer, *case), shape=(), what="la medida") for case in cases])
    logit = np.log(pi / (1 - pi))
    _reject(
        got,
        (
            ((pi - b) / w, "Igualas la probabilidad al puntaje: antes hay que pasarla a puntaje, ln(π / (1 - π))."),
            (logit / w, "Falta el sesgo: el puntaje es w·x + b."),
            ((logit + b) / w, "El signo de b: si w·x + b = s, entonces w·x = s - b."),
            (logit / w - b, "Resta b antes de dividir entre w, no después."),
            ((logit - b) * w, "Multiplicas por w; para despejar x hay que dividir."),
            ((-logit - b) / w, "La razón está al revés: es π entre 1 - π."),
            ((np.log(pi) - b) / w, "Usas ln π; el puntaje es el logaritmo de la razón, π / (1 - π)."),
            ((pi / (1 - pi) - b) / w, "Falta el logaritmo: el puntaje es el de la razón."),
            ((logit / np.log(10) - b) / w, "El logaritmo es natural: usa np.log, no np.log10."),
            ((logit / np.log(2) - b) / w, "El logaritmo es natural: usa np.log, no np.log2."),
            ((sigmoid(pi) - b) / w, "Aplicas la sigmoide; aquí hace falta su inversa."),
        ),
        expected=(logit - b) / w,
    )
    reached = sigmoid(w * got + b)
    worst = int(np.abs(reached - pi).argmax())
    require(
        np.allclose(reached, pi, rtol=0, atol=1e-8),
        f"Con w={w[worst]:.3f}, b={b[worst]:.3f} y π={pi[worst]:.3f}, tu medida es {got[worst]:.4f} "
        f"y en ella la probabilidad es {reached[worst]:.4f}.",
    )
    return "Sabes ir de la probabilidad a la medida."


@comprobar.exercise("entropia")
def _(answer: object) -> str:
    rng = np.random.default_rng(22)
    for n, k in ((7, 3), (12, 5)):
        p, y = rng.dirichlet(np.ones(k), size=n), rng.integers(0, k, n)
        p[0] = np.eye(k)[y[0]]  # ceros en las clases que no ocurrieron
        got = _finite(
            call(answer, p.copy(), y.copy()),
            (),
            "la pérdida",
            "Sale inf o nan: una clase que no ocurrió puede tener probabilidad 0. Toma el logaritmo solo de la que sí.",
        )
        chosen = p[np.arange(n), y]
        expected = -np.log(chosen).mean()
        _reject(
            got,
            (
                (-expected, "Falta el signo menos: el logaritmo de una probabilidad es negativo."),
                (expected * n, "Es una media: divide la suma entre el número de ejemplos."),
                (expected / k, "Promedias también sobre las clases; divide solo entre el número de ejemplos."),
                (expected / np.log(2), "Eso son bits; con el logaritmo natural, np.log, sale en nats."),
                (expected / np.log(10), "El logaritmo es natural: usa np.log, no np.log10."),
                (-np.log(p.max(axis=1)).mean(), "Tomas la mayor probabilidad; cuenta la de la clase verdadera, y."),
                (chosen.mean(), "Falta el logaritmo: la sorpresa es -ln de la probabilidad."),
                (-np.log(chosen.mean()), "Promedias antes del logaritmo; primero el logaritmo de cada ejemplo."),
                (1 - chosen.mean(), "Eso es la probabilidad media de fallar; la sorpresa es -ln de la de acertar."),
                (-np.log(chosen).sum() / k, "Divides entre el número de clases; es una media sobre los ejemplos."),
            ),
            expected=expected,
        )
        require(
            _equal(got, np.asarray(expected)),
            f"Con {n} ejemplos y {k} clases llegó {got:.4f} y se esperaba {expected:.4f}.",
        )
    return "Mides la sorpresa media, en nats."


@comprobar.exercise("gradiente")
def _(answer: object) -> str:
    rng = np.random.default_rng(23)
    for n, k, d, scale in ((8, 3, 4, 1.0), (15, 4, 2, 1.0), (6, 3, 4, 1000.0)):
        w, y = rng.normal(size=(k, d)), rng.integers(0, k, n)
        x = np.column_stack([np.ones(n), scale * rng.normal(size=(n, d - 1))])
        got = _finite(
            call(answer, w.copy(), x.copy(), y.copy()),
            (k, d),
            "el gradiente",
            "Sale nan con puntajes grandes: resta a cada fila su mayor puntaje antes de la exponencial.",
        )
        s, one_hot = x @ w.T, np.eye(k)[y]
        p = softmax(s)
        expected = (p - one_hot).T @ x / n
        _reject(
            got,
            (
                (-expected, "El signo está al revés: es probabilidad menos clase, P - Y."),
                (expected * n, "La pérdida es una media: divide entre el número de ejemplos."),
                (expected / k, "Divides entre n·K; la media es solo sobre los ejemplos."),
                (expected * n / k, "Divides entre el número de clases; la media es sobre los ejemplos."),
                (p.T @ x / n, "Falta restar la clase verdadera: P - Y, con Y en codificación uno entre varios."),
                (-one_hot.T @ x / n, "Falta sumar las probabilidades: P - Y."),
                ((s - one_hot).T @ x / n, "Restas la clase al puntaje; antes hay que pasar los puntajes por softmax."),
                ((sigmoid(s) - one_hot).T @ x / n, "Usas una sigmoide por clase; las probabilidades son de softmax."),
                ((softmax(s.T).T - one_hot).T @ x / n, "Tu softmax suma 1 por columnas; cada fila es un ejemplo."),
                (
                    (p - np.eye(k)[p.argmax(axis=1)]).T @ x / n,
                    "Restas 1 a la clase más probable; hay que restarlo a la verdadera, y.",
                ),
            ),
            expected=expected,
        )
        row, column = np.unravel_index(np.abs(got - expected).argmax(), got.shape)
        require(
            _equal(got, expected),
            f"En la fila {row}, columna {column}, llegó {got[row, column]:.4f} "
            f"y se esperaba {expected[row, column]:.4f}.",
        )
    return "Tu gradiente coincide, también con puntajes enormes."


@comprobar.exercise("decision")
def _(answer: object) -> str:
    rng = np.random.default_rng(32)
    for k, actions in ((3, 3), (2, 2), (3, 4), (4, 2)):
        p, cost = rng.dirichlet(np.ones(k), size=60), rng.uniform(0, 5, (k, actions))
        got = as_array(call(answer, p.copy(), cost.copy()), shape=(60,), what="la lista de decisiones")
        risk = p @ cost
        expected = risk.argmin(axis=1)
        mistakes: list[tuple[object, str]] = [
            (risk.min(axis=1), "Devuelves el coste esperado; se pide qué decisión lo logra (`argmin`)."),
            (risk.argmax(axis=1), "Eliges la decisión de mayor coste esperado; se pide la de menor."),
            (p.argmax(axis=1), "Eliges la clase más probable, sin mirar los costes."),
            (cost[p.argmax(axis=1)].argmin(axis=1), "Solo miras la clase más probable; promedia sobre todas."),
            (np.full(60, cost.sum(axis=0).argmin()), "No usas las probabilidades: la decisión es siempre la misma."),
            (expected + 1.0, "Las decisiones se numeran desde 0, como las columnas de `cost`."),
        ]
        if k == actions:
            swapped = (p @ cost.T).argmin(axis=1)
            mistakes.append((swapped, "Los costes están traspuestos: las filas son la clase verdadera."))
        _reject(got, mistakes, expected=expected)
        bad = np.flatnonzero(got != expected)
        if bad.size:
            i = bad[0]
            fail(
                f"Con probabilidades {np.round(p[i], 2).tolist()} los costes esperados son "
                f"{np.round(risk[i], 2).tolist()}, y elegiste {got[i]:g}."
            )
    return "Decides por coste esperado, aunque haya más decisiones que clases."


@comprobar.exercise("ece")
def _(answer: object) -> str:
    rng = np.random.default_rng(26)
    for n, bins, low in ((200, 8, 0.0), (150, 4, 0.3), (60, 8, 0.0), (40, 8, 0.0)):
        p = rng.uniform(low, 1, n)
        rate = p**2
        if n == 60:  # todas en el borde de un tramo, y los dos que cambian de grupo fallan en sentidos contrarios
            p = rng.integers(0, 9, n) / 8
            rate = np.array([0.6, 0, 0.2, 0.3, 0.4, 0.5, 0.6, 1, 0.4])[(8 * p).astype(int)]
        if n == 40:
            p[p < 0.5] += 0.5  # con tramos vacíos
        hit = (rng.random(n) < rate).astype(float)
        got = _finite(
            call(answer, p.copy(), hit.copy(), bins),
            (),
            "el error",
            "Sale nan: hay tramos sin ninguna predicción. Sáltalos.",
        )
        count, promised, kept = reliability(p, hit, bins=bins)
        full = count > 0
        gaps, share = np.abs(promised - kept)[full], count[full] / n
        expected = calibration_error(p, hit, bins=bins)
        left = np.clip((p * bins).astype(int), 0, bins - 1)
        left_error = sum(abs((p - hit)[left == b].sum()) for b in range(bins)) / n
        _reject(
            got,
            (
                (gaps.mean(), "Todos los tramos te pesan igual; pesa cada uno por sus predicciones, n_b / n."),
                (gaps.sum() / bins, "Todos los tramos te pesan igual, también los vacíos; usa n_b / n."),
                (gaps.sum(), "Sumas los tramos sin pesarlos: falta n_b / n."),
                (gaps.max(), "Devuelves el peor tramo; se pide la media ponderada."),
                (abs(p.mean() - hit.mean()), "Comparas las medias globales: lo que sobra en un tramo tapa otro."),
                (p.mean() - hit.mean(), "Falta el valor absoluto en cada tramo."),
                (hit.mean() - p.mean(), "Falta el valor absoluto en cada tramo."),
                ((share * gaps**2).sum(), "Elevas al cuadrado; la ecuación usa el valor absoluto."),
                (np.sqrt((share * gaps**2).sum()), "Elevas al cuadrado; la ecuación usa el valor absoluto."),
                (((p - hit) ** 2).mean(), "Eso es el error cuadrático de cada predicción, sin agrupar en tramos."),
                (np.abs(p - hit).mean(), "Comparas cada predicción con su acierto; primero se agrupan en tramos."),
                (expected * n, "Falta dividir entre el total de predicciones."),
                (left_error, "Un valor justo en el borde va al tramo de su izquierda: incluye el extremo derecho."),
            ),
            expected=expected,
        )
        require(
            _equal(got, np.asarray(expected)),
            f"Con {n} predicciones y {bins} tramos llegó {got:.5f} y se esperaba {expected:.5f}.",
        )
    return "Tu ECE coincide, con tramos vacíos y valores en los bordes."


@comprobar.exercise("cifras")
def _(answer: object) -> str:
    data = split_mnist(7, n_val=1000, n_test=1000)
    x_train, x_test = (part.flatten(1).double().numpy()[:1000] for part in (data.x_val, data.x_test))
    y_train, y_test = data.y_val.numpy(), data.y_test.numpy()
    p = as_array(
        call(answer, x_train.copy(), y_train.copy(), x_test.copy()), shape=(1000, 10), what="la tabla de probabilidades"
    )
    require((p >= 0).all(), "Hay probabilidades negativas. ¿Devuelves puntajes o logaritmos?")
    total = float(p.sum(axis=1)[0])
    require(np.allclose(p.sum(axis=1), 1, atol=1e-6), f"Cada fila debe sumar 1; la primera suma {total:.3f}.")
    given = p[np.arange(1000), y_test]
    score = 100 * float((p.argmax(axis=1) == y_test).mean())
    impossible = int((given == 0).sum())
    require(
        impossible == 0,
        f"Diste probabilidad 0 a lo que ocurrió en {impossible} imágenes: la entropía cruzada es infinita.",
    )
    nats = float(-np.log(given).mean())
    found = (
        f"Aciertas el {score:.1f} % con una entropía cruzada de {nats:.2f} nats; se piden {NATS_REQUIRED} como mucho."
    )
    if nats > NATS_REQUIRED:
        require(score > 50, f"{found} ¿Corresponde cada columna a su cifra?")
        require(
            p.max(axis=1).mean() < score / 100,
            f"{found} Prometes más de lo que cumples: ¿y si penalizas más?",
        )
        fail(f"{found} Dudas más de la cuenta: ¿y si penalizas menos?")
    return f"Aciertas el {score:.1f} %, con {nats:.2f} nats: tus probabilidades valen."
