"""Comprobadores de los ejercicios del capítulo «Probabilidad y teoría de la información»."""

from itertools import product

import numpy as np

from profundo.comun.datos import split_mnist
from profundo.comun.ejercicios import (
    Checker,
    as_array,
    as_list,
    as_numbers,
    call,
    fail,
    require,
    require_number,
    require_truths,
)

comprobar = Checker("apendices/probabilidad")

MAX_BITS = 160
MIN_HITS = 87


@comprobar.exercise("base")
def _(answer: object) -> str:
    got = as_numbers(answer, 3, "probabilidades")
    prior, hit, alarm = 0.02, 0.90, 0.05
    positive = prior * hit + (1 - prior) * alarm
    first = prior * hit / positive
    second = prior * hit**2 / (prior * hit**2 + (1 - prior) * alarm**2)
    wrong: tuple[tuple[tuple[float, str], ...], ...] = (
        (
            (prior * hit, "solo cuenta a los enfermos; los sanos también dan positivo."),
            (hit + alarm, "suma dos condicionadas; cada una lleva delante la probabilidad de su grupo."),
            (prior * hit + alarm, "no multiplica la falsa alarma por la fracción de sanos."),
            ((hit + alarm) / 2, "da el mismo peso a sanos y enfermos; hay muchos más sanos."),
        ),
        (
            (hit, "es P(positivo | enfermo): está del revés."),
            (prior * hit, "es la probabilidad de las dos cosas a la vez; falta dividir entre la de dar positivo."),
            (hit / (hit + alarm), "olvida la tasa base: la tiene solo el 2 %."),
            (1 - alarm, "es P(negativo | sano)."),
            (1 - first, "es la de estar sano tras un positivo."),
        ),
        (
            (first**2, "no es el cuadrado de la segunda: usa la posterior como previa del segundo positivo."),
            (hit**2, "es la de dos positivos si se tiene; falta darle la vuelta."),
            (1 - (1 - first) ** 2, "no son dos sorteos: es la misma persona, y cada positivo cambia la previa."),
            (hit**2 / (hit**2 + alarm**2), "olvida la tasa base."),
            (first, "no cambia con el segundo positivo; debería."),
            (
                prior * hit**2 / positive**2,
                "supone que los dos positivos son independientes, y solo lo son dado el estado.",
            ),
        ),
    )
    for place, value, target, options in zip(
        ("primera", "segunda", "tercera"), got, (positive, first, second), wrong, strict=True
    ):
        require(0 <= value <= 1, f"La {place} no es una probabilidad: vale {value:.4g}.")
        advice = "Imagina 10 000 personas y cuenta cuántas hay en cada grupo."
        require_number(value, target, f"La {place}", options, advice)
    return "La previa manda hasta que los datos la vencen."


@comprobar.exercise("verdad")
def _(answer: object) -> str:
    facts = (
        (False, "(1) Con X normal e Y = X², la correlación es 0 e Y depende del todo de X."),
        (True, "(2) Una uniforme entre 0 y 1/3 vale 3 en ese tramo: lo que suma 1 es el área."),
        (False, "(3) Cambia qué distribución hace el promedio; mira los dos ajustes al objetivo de dos montes."),
        (True, "(4) H(X) − H(X | Y) = I(X; Y), que nunca es negativa."),
        (False, "(5) Restar también dispersa: las varianzas de variables independientes se suman."),
        (True, "(6) El error baja como 1/√n, y √4 = 2."),
    )
    require_truths(answer, facts)
    return "Son seis errores que se cometen con datos delante."


@comprobar.exercise("laplace")
def _(answer: object) -> str:
    rng = np.random.default_rng(0)
    for mu, b in ((0.0, 1.0), (2.0, 1.0), (0.0, 3.0), (-1.5, 0.4)):
        u = np.append(rng.uniform(0.001, 0.999, 200), 0.5)
        before = u.copy()
        got = as_array(call(answer, u, mu, b), shape=u.shape, what="las muestras")
        require(np.array_equal(u, before), "Modificaste `u`: trabaja con una copia.")
        tail = np.log(2 * np.minimum(u, 1 - u))
        standard = np.where(u <= 0.5, tail, -tail)
        expected = mu + b * standard
        require(np.isclose(got[-1], mu), f"Con u = 0.5 y mu = {mu} salió {got[-1]:.4g}; la mediana es mu.")
        for wrong, hint in (
            (mu - b * standard, "Es la imagen en el espejo: un u pequeño debe dar una muestra por debajo de mu."),
            (mu + standard / b, "Divides entre b; es una escala y multiplica."),
            (mu + standard, "Falta b, la escala."),
            (mu + b * tail, "Las dos mitades caen al mismo lado de mu: con u > 1/2 el signo cambia."),
            (mu - b * tail, "Las dos mitades caen al mismo lado de mu: con u < 1/2 el signo es el otro."),
            (mu + b * standard / np.log(2), "Es un logaritmo natural, no en base 2."),
        ):
            require(np.allclose(wrong, expected) or not np.allclose(got, wrong), hint)
        require(
            np.allclose(got, expected),
            f"Con mu = {mu} y b = {b} no es la inversa: G de tu muestra debe devolver u.",
        )
    return "Con G⁻¹, cualquier distribución sale de una uniforme."


@comprobar.exercise("condicional")
def _(answer: object) -> str:
    rng = np.random.default_rng(0)
    for n in (4, 6, 50):
        x = rng.normal(size=(n, 2)) @ rng.normal(size=(2, 2)) + rng.normal(size=2) * 3
        v = float(rng.normal() * 2)
        before = x.copy()
        got = as_list(_plain(call(answer, x, v)), 2, "números")
        require(np.array_equal(x, before), "Modificaste `x`: trabaja con una copia.")
        value, spread = as_array(got, shape=(2,), what="la respuesta")
        (m1, m2), cov = x.mean(axis=0), np.cov(x.T, bias=True)
        slope = cov[0, 1] / cov[1, 1]
        mean, variance = m1 + slope * (v - m2), cov[0, 0] - slope * cov[0, 1]
        for wrong, hint in (
            (m1, "Es la de todos: falta lo que dice la segunda columna."),
            (m1 + slope * v, "A v le falta restarle la media de la segunda columna."),
            (m1 - slope * (v - m2), "El signo de la pendiente está al revés."),
            (m1 + cov[0, 1] * (v - m2), "La covarianza va dividida entre la varianza de la segunda columna."),
            (m1 + cov[0, 1] / cov[0, 0] * (v - m2), "Divides entre la varianza de la primera; es la de la segunda."),
            (m2 + cov[0, 1] / cov[0, 0] * (v - m1), "Condicionas la segunda columna a la primera; es al revés."),
        ):
            require(not np.isclose(value, wrong, rtol=1e-6), f"La media no es correcta. {hint}")
        require(np.isclose(value, mean), f"La media no es correcta: se esperaba {mean:.4g} y es {value:.4g}.")
        for wrong, hint in (
            (cov[0, 0], "Es la de todos: saber la segunda columna la reduce."),
            (variance**0.5, "Es la desviación típica; se pide la varianza."),
            (variance * n / (n - 1), "Divides entre n − 1; la de máxima verosimilitud divide entre n."),
            (cov[0, 0] + slope * cov[0, 1], "Lo que se sabe se resta, no se suma."),
            (cov[0, 0] - cov[0, 1] ** 2, "Falta dividir entre la varianza de la segunda columna."),
            (cov[0, 0] - slope, "La covarianza va al cuadrado."),
        ):
            require(not np.isclose(spread, wrong, rtol=1e-6), f"La varianza no es correcta. {hint}")
        require(
            np.isclose(spread, variance), f"La varianza no es correcta: se esperaba {variance:.4g} y es {spread:.4g}."
        )
    return "La varianza que queda no depende de v: es así en toda normal."


def _plain(value: object) -> object:
    """Una lista, si es un arreglo o un tensor de dos números."""
    return value if isinstance(value, list | tuple) else as_array(value).tolist()


@comprobar.exercise("kl")
def _(answer: object) -> str:
    rng = np.random.default_rng(0)
    cases = [(0.0, 1.0, 0.0, 1.0), (0.0, 1.0, 1.0, 1.0), (0.0, 2.0, 0.0, 1.0), (1.0, 0.5, -2.0, 3.0)]
    cases += [
        (*rng.normal(size=1), *rng.uniform(0.3, 3, 1), *rng.normal(size=1), *rng.uniform(0.3, 3, 1)) for _ in "abcd"
    ]
    for case in cases[::-1]:
        m1, s1, m2, s2 = (float(v) for v in case)
        got = float(as_array(call(answer, m1, s1, m2, s2), shape=(), what="la divergencia"))
        expected = _gaussian_kl(m1, s1, m2, s2)
        if not np.isclose(got, expected, atol=1e-9):
            square = (s1**2 + (m1 - m2) ** 2) / (2 * s2**2)
            for wrong, hint in (
                (_gaussian_kl(m2, s2, m1, s1), "Es KL(q ‖ p): el promedio se hace con p."),
                (expected + 0.5, "Falta el −1/2: viene de E[ln p]."),
                (expected / np.log(2), "Está en bits; se pide en nats."),
                (_gaussian_kl(m1, s1**0.5, m2, s2**0.5), "Tratas s1 y s2 como varianzas; son desviaciones típicas."),
                (2 * np.log(s2 / s1) + square - 0.5, "El logaritmo es de las desviaciones, no de las varianzas."),
                (-np.log(s2 / s1) + square - 0.5, "El logaritmo está del revés: es ln(s2 / s1)."),
                (square - 0.5, "Falta el logaritmo de las desviaciones."),
                (np.log(s2 / s1) + s1**2 / (2 * s2**2) - 0.5, "Falta la distancia entre las medias."),
                (np.log(s2 / s1) + 2 * square - 0.5, "Falta un 2 en el denominador."),
            ):
                require(not np.isclose(got, wrong, atol=1e-9), hint)
            require(got > -1e-9, f"Salió {got:.3g}, y una divergencia no puede ser negativa.")
            close = np.isclose(got, expected, rtol=0.05, atol=1e-3)
            require(not close, "Casi: es una fórmula exacta; no integres ni muestrees.")
            fail(f"Con ({m1:.2f}, {s1:.2f}, {m2:.2f}, {s2:.2f}) se esperaba {expected:.4f} y devolviste {got:.4f}.")
    return "Vale 0 solo con las dos iguales, y sin integrar nada."


def _gaussian_kl(m1: float, s1: float, m2: float, s2: float) -> float:
    return float(np.log(s2 / s1) + (s1**2 + (m1 - m2) ** 2) / (2 * s2**2) - 0.5)


@comprobar.exercise("comprimir")
def _(answer: object) -> str:
    rng = np.random.default_rng(0)
    for height, width in ((2, 3), (3, 2)):
        tiny = np.array(list(product((0, 1), repeat=height * width))).reshape(-1, height, width)
        few = (rng.random((60, height, width)) < rng.random((height, width))).astype(int)
        bits = _bits(answer, few, np.arange(60) % 10, tiny)
        total = float((2.0**-bits).sum(axis=0).max())
        require(
            total < 1 + 1e-6,
            f"Con imágenes de {height} × {width}, 2^−bits de todas las posibles suma {total:.3g}: ningún código "
            "prefijo puede ser tan corto. ¿Miras píxeles que aún no se han escrito, o no son bits?",
        )
    data = split_mnist()
    x_train, x_val = ((part[:, 0] > 0.5).numpy().astype(int) for part in (data.x_train[:2000], data.x_val))
    y_train, y_val = data.y_train[:2000].numpy(), data.y_val.numpy()
    bits = _bits(answer, x_train, y_train, x_val)
    hits = 100 * (bits.argmin(axis=1) == y_val).mean()
    mean = bits[np.arange(len(y_val)), y_val].mean()
    require(hits > 15, f"El modelo más corto acierta el {hits:.0f} %, como al azar: ¿usas las clases?")
    require(
        mean < MAX_BITS,
        f"Gastas {mean:.0f} bits por dígito; se piden menos de {MAX_BITS}. ¿Condicionas cada píxel a sus vecinos?",
    )
    require(
        hits >= MIN_HITS,
        f"El más corto acierta el {hits:.0f} %; se pide el {MIN_HITS} %. ¿Hay una tabla por clase y por posición?",
    )
    return f"{mean:.0f} bits por dígito y {hits:.0f} % de aciertos, sin entrenar ninguna red."


def _bits(answer: object, x: np.ndarray, y: np.ndarray, new: np.ndarray) -> np.ndarray:
    value = call(answer, x.copy(), y.copy(), new.copy())
    if isinstance(value, np.ndarray) and value.dtype.kind == "f" and not np.isfinite(value).all():
        fail("Hay bits infinitos: alguna imagen es imposible para tu modelo. Falta la previa.")
    bits = as_array(value, shape=(len(new), 10), what="los bits")
    require((bits >= 0).all(), "Hay bits negativos: una probabilidad no pasa de 1. ¿Falta el signo menos?")
    return bits
