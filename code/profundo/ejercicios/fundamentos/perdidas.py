"""Comprobadores de «Funciones de pérdida»."""

import numpy as np

from profundo.comun.ejercicios import Checker, as_array, as_list, call, fail, require
from profundo.fundamentos.perceptron import augment
from profundo.fundamentos.perdidas import gaussian_nll, log_softmax, pinball
from profundo.fundamentos.regresion_lineal import CAR_FEATURES, load_cars, solve_qr
from profundo.preparacion.numpy import standardize

comprobar = Checker("fundamentos/perdidas")

# problema → (clases que valen, qué decir a las que son un error plausible, lo demás)
PROBLEMS: tuple[tuple[str, tuple[str, ...], dict[str, str], str], ...] = (
    (
        "la temperatura",
        ("HuberLoss", "L1Loss", "SmoothL1Loss"),
        {"MSELoss": "un sensor que da 900 grados pesa el cuadrado de su error; busca una que lo resista."},
        "es un número con algunos datos absurdos.",
    ),
    (
        "el correo",
        ("BCEWithLogitsLoss",),
        {
            "BCELoss": "recibe probabilidades, y la red da puntajes; hay otra que los convierte sin perder cifras.",
            "CrossEntropyLoss": "con una sola salida, softmax siempre da 1; hacen falta dos, u otra pérdida.",
            "MSELoss": "con una sigmoide se atasca cuando se equivoca con seguridad.",
        },
        "es una pregunta de sí o no con un puntaje.",
    ),
    (
        "la especie",
        ("CrossEntropyLoss",),
        {
            "NLLLoss": "recibe logaritmos de probabilidades, y la red entrega puntajes.",
            "BCEWithLogitsLoss": "las tres especies se excluyen, y tres preguntas sueltas no lo saben.",
        },
        "es una clase de tres.",
    ),
    (
        "los objetos",
        ("BCEWithLogitsLoss", "MultiLabelSoftMarginLoss"),
        {
            "CrossEntropyLoss": "puede haber varios objetos o ninguno, y softmax reparte una sola unidad.",
            "BCELoss": "recibe probabilidades, y la red entrega puntajes.",
        },
        "son 80 preguntas de sí o no.",
    ),
    (
        "los goles",
        ("PoissonNLLLoss",),
        {
            "MSELoss": "da la media, pero no sabe que es un conteo; se pide también la probabilidad de cero goles.",
            "CrossEntropyLoss": "los conteos no tienen tope y tienen orden; no son clases.",
        },
        "es un conteo.",
    ),
    (
        "el precio",
        ("GaussianNLLLoss",),
        {"MSELoss": "predice la media y no dice cuánto duda en cada caso."},
        "se pide un número y su margen, distinto en cada caso.",
    ),
)


@comprobar.exercise("elegir")
def _(answer: object) -> str:
    for given, (name, right, mistakes, rest) in zip(as_list(answer, 6, "nombres"), PROBLEMS, strict=True):
        if not isinstance(given, str):
            fail(f"Para {name}: se esperaba el nombre de la clase, entre comillas.")
        chosen = given.strip().removeprefix("torch.").removeprefix("nn.")
        if chosen not in right:
            fail(f"Para {name}, {chosen[:40]} no: {mistakes.get(chosen, rest)}")
    return "La distribución del dato decide la salida, y las dos juntas, la pérdida."


@comprobar.exercise("reserva")
def _(answer: object) -> str:
    rng = np.random.default_rng(41)
    for short, over in ((9.0, 1.0), (1.0, 4.0), (2.0, 2.0), (30.0, 5.0)):
        samples = rng.gamma(2.0, 5.0, size=401)
        given = samples.copy()
        q = short / (short + over)

        def cost(quantity: float, samples: np.ndarray = samples, q: float = q) -> float:
            return float(pinball(np.full(len(samples), quantity), samples, q)[0])

        quantity = float(as_array(call(answer, given, short, over), shape=(), what="la cantidad"))
        require((given == samples).all(), "Modificaste las muestras; ordena una copia.")
        case = f"(falta={short:g}, sobra={over:g})"
        excess = cost(quantity) / cost(float(np.quantile(samples, q)))
        if excess <= 1.001:
            continue
        message = f"Con {quantity:.2f} el coste medio es {excess:.2f} veces el mínimo. {case}"
        if abs(quantity - samples.mean()) < 1e-6:
            message = f"Esa es la media, que solo vale para el error cuadrático. {case}"
        elif short != over and abs(quantity - np.median(samples)) < 1e-6:
            message = f"Esa es la mediana, que reparte los dos costes por igual. {case}"
        elif short != over and abs(quantity - np.quantile(samples, 1 - q)) < 1e-6:
            message = f"Cambiaste los costes: si faltar es lo caro, hay que guardar más. {case}"
        elif quantity >= samples.max():
            message = f"Así nunca falta, y sobra casi siempre. {case}"
        elif quantity in (q, 1 - q):
            message = f"Ese es el nivel del cuantil; falta buscarlo en las muestras. {case}"
        fail(message)
    return "Un cociente de costes elige el cuantil: eso es un problema de inventario."


@comprobar.exercise("log_sigmoide")
def _(answer: object) -> str:
    s: np.ndarray = np.array([-1e4, -200, -100, -20, -3, 0, 0.5, 4, 12, 20, 60, 200, 1e4], dtype=np.float32)
    exact = -np.logaddexp(0, -s.astype(float))
    given = s.copy()
    with np.errstate(all="ignore"):
        raw = call(answer, given)
    require((given == s).all(), "Modificaste `s`; crea un arreglo nuevo.")
    if isinstance(raw, np.ndarray) and raw.dtype.kind == "f" and not np.isfinite(raw).all():
        where = s[~np.isfinite(raw)][0] if raw.shape == s.shape else s[0]
        fail(f"Con s = {where:g} en float32 sale {'nan' if np.isnan(raw).any() else 'infinito'}: algo desborda.")
    got = as_array(raw, shape=s.shape, what="ln σ(s)")
    middle = np.abs(s) <= 4
    if not np.allclose(got[middle], exact[middle], rtol=1e-5):
        require(not np.allclose(got[middle], -exact[middle], rtol=1e-5), "El signo: ln σ(s) nunca es positivo.")
        require(not np.allclose(got[middle], np.exp(exact[middle]), rtol=1e-5), "Eso es σ(s); falta el logaritmo.")
        opposite = -np.logaddexp(0, s.astype(float))
        require(not np.allclose(got[middle], opposite[middle], rtol=1e-5), "Eso es ln σ(−s): revisa el signo de s.")
        fail(f"Con s = 4 se esperaba {exact[7]:.5f}; salió {got[7]:.5f}.")
    low = s <= -20
    require(
        np.allclose(got[low], exact[low], rtol=1e-5),
        f"Con s = −200 debe salir casi −200; sale {got[1]:.4g}. ¿Recortas?",
    )
    high = s >= 12
    require(
        np.allclose(got[high], exact[high], rtol=1e-4, atol=1e-44),
        f"Con s = 20 debe salir −2.06e−09 y sale {got[9]:.3g}: al sumar 1 se pierden las cifras.",
    )
    return "Ni desborda ni pierde cifras, con puntajes de cualquier signo."


@comprobar.exercise("espera")
def _(answer: object) -> str:
    rng = np.random.default_rng(42)
    for size in (1, 6, 40):
        o, y = rng.normal(size=size), rng.exponential(size=size)
        copies = o.copy(), y.copy()
        result = call(answer, *copies)
        require((copies[0] == o).all() and (copies[1] == y).all(), "Modificaste `o` o `y`; crea arreglos nuevos.")
        if not isinstance(result, list | tuple) or len(result) != 2:
            fail("Se esperaban dos arreglos: `(perdidas, gradiente)`.")
        value = as_array(result[0], what="las pérdidas")
        require(value.shape == o.shape, f"Se pide una pérdida por dato, {o.shape}; tienen forma {value.shape}.")
        gradient = as_array(result[1], shape=o.shape, what="el gradiente")
        rate = np.exp(o)
        if not np.allclose(value, rate * y - o):
            require(not np.allclose(value, o - rate * y), "La pérdida tiene el signo al revés: es menos el logaritmo.")
            require(not np.allclose(value, rate * y), "Falta −ln λ: sin él, la mejor tasa sería cero.")
            require(not np.allclose(value, y / rate + o), "λ es la tasa, no la espera media: multiplica a y.")
            require(not np.allclose(value, rate - y * o), "Eso es Poisson: cuenta sucesos, no tiempo.")
            require(not np.allclose(value, rate * np.exp(-rate * y)), "Esa es la densidad; falta −ln.")
            fail("La pérdida no es −ln(λ exp(−λ y)) con λ = exp(o).")
        if not np.allclose(gradient, rate * y - 1):
            plain = np.allclose(gradient, 1 / rate - y) or np.allclose(gradient, rate - y)
            require(
                not plain, "«Predicción menos dato» no vale aquí: con ln λ, el exponente no es lineal en o. Deriva."
            )
            require(not np.allclose(gradient, 1 - rate * y), "El gradiente tiene el signo al revés.")
            require(not np.allclose(gradient, y - 1 / rate), "Derivaste respecto de λ; falta la cadena: por dλ/do = λ.")
            fail("El gradiente no es la derivada de tu pérdida respecto de o. Compruébalo con una diferencia pequeña.")
    return "De la densidad a la pérdida en dos líneas; sirve para cualquier otra."


def _smoothed(logits: np.ndarray, y: np.ndarray, eps: float, *, others_only: bool = False) -> np.ndarray:
    k = logits.shape[1]
    if others_only:
        q = np.full(logits.shape, eps / (k - 1))
        q[np.arange(len(y)), y] = 1 - eps
    else:
        q = (1 - eps) * np.eye(k)[y] + eps / k
    return -(q * log_softmax(logits)).sum(axis=1)


@comprobar.exercise("suavizado")
def _(answer: object) -> str:
    rng = np.random.default_rng(43)
    for n, k, eps, scale in ((5, 4, 0.1, 1.0), (1, 3, 0.3, 1.0), (6, 10, 0.0, 2.0), (4, 3, 0.2, 1e4)):
        logits, y = scale * rng.normal(size=(n, k)), rng.integers(0, k, n)
        copies = logits.copy(), y.copy()
        with np.errstate(all="ignore"):
            raw = call(answer, *copies, eps)
        require((copies[0] == logits).all() and (copies[1] == y).all(), "Modificaste `logits` o `y`.")
        case = f"(n={n}, K={k}, ε={eps:g})"
        if scale > 1e3 and isinstance(raw, float | np.floating | np.ndarray) and not np.isfinite(raw).all():
            fail("Con puntajes de miles desborda: parte de `log_softmax`, no de las probabilidades.")
        value = as_array(raw, shape=(), what="la pérdida")
        each = _smoothed(logits, y, eps)
        if np.allclose(value, each.mean()):
            continue
        require(n == 1 or not np.allclose(value, each.sum()), f"Es la suma; se pide la media. {case}")
        require(eps == 0 or not np.allclose(value, _smoothed(logits, y, 0.0).mean()), f"No suavizas: falta ε. {case}")
        others = _smoothed(logits, y, eps, others_only=True).mean()
        require(
            not np.allclose(value, others), f"La parte ε se reparte entre las K clases, también la correcta. {case}"
        )
        partial = (1 - eps) * _smoothed(logits, y, 0.0).mean()
        require(not np.allclose(value, partial), f"Falta la parte de las demás clases: no suma 1. {case}")
        fail(f"Se esperaba {each.mean():.4f}; salió {float(value):.4f}. {case}")
    return "Igual que `F.cross_entropy(..., label_smoothing=ε)`."


GAIN = 0.04  # nats por automóvil que debe mejorar a la recta de margen único


def _flat(x: np.ndarray, y: np.ndarray, x_new: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """La recta de mínimos cuadrados, con el mismo margen para todos."""
    z, z_new = (augment(standardize(part, x)) for part in (x, x_new))
    w = solve_qr(z, y)
    return z_new @ w, np.full(len(x_new), np.sqrt(np.mean((z @ w - y) ** 2)))


def _score(mean: np.ndarray, sigma: np.ndarray, y: np.ndarray) -> float:
    return float(gaussian_nll(np.stack([mean, 2 * np.log(sigma)], axis=-1), y, full=True)[0])


@comprobar.exercise("proyecto")
def _(answer: object) -> str:
    cars = load_cars()
    x, y = cars[list(CAR_FEATURES)].to_numpy(dtype=float), cars["consumption"].to_numpy(dtype=float)
    ours, flat, covered = [], [], []
    for seed in range(50, 54):
        fit, test = np.split(np.random.default_rng(seed).permutation(len(y)), [294])
        result = call(answer, x[fit], y[fit], x[test])
        if not isinstance(result, list | tuple) or len(result) != 2:
            fail("Se esperaban dos arreglos: `(medias, desviaciones)`.")
        mean = as_array(result[0], shape=(len(test),), what="las medias")
        sigma = as_array(result[1], shape=(len(test),), what="las desviaciones")
        require((sigma > 0).all(), "Hay desviaciones que no son positivas. ¿Devuelves el logaritmo?")
        ours.append(_score(mean, sigma, y[test]))
        flat.append(_score(*_flat(x[fit], y[fit], x[test]), y[test]))
        covered.append(np.mean(np.abs(y[test] - mean) <= 1.645 * sigma))
        error = np.sqrt(np.mean((y[test] - mean) ** 2))
        require(error < 2.5, f"Las medias fallan por {error:.1f} litros; la recta falla por la mitad. ¿Y las unidades?")
    gain, inside = float(np.mean(flat) - np.mean(ours)), 100 * float(np.mean(covered))
    if gain < GAIN:
        require(inside >= 80, f"Demasiada confianza: tus intervalos del 90 % contienen al {inside:.0f} %.")
        require(inside <= 97, f"Demasiada duda: tus intervalos del 90 % contienen al {inside:.0f} %. ¿Es la varianza?")
        fail(f"Frente a un margen único ganas {gain:.3f} nats por automóvil; se piden {GAIN}. ¿Cambia tu desviación?")
    return f"Ganas {gain:.2f} nats por automóvil; tus intervalos del 90 % contienen al {inside:.0f} %."
