"""Comprobadores de los ejercicios del capítulo «Normalización»."""

import inspect
from functools import lru_cache

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from profundo.comun.datos import small_mnist
from profundo.comun.ejercicios import (
    Checker,
    Unanswered,
    as_array,
    as_numbers,
    call,
    fail,
    require,
    require_close,
    require_number,
)

comprobar = Checker("optimizacion/normalizacion")

MIN_ACCURACY = 0.85
CONTRAST, BRIGHTNESS = 0.35, 0.5  # la otra cámara


@comprobar.exercise("mano")
def _(answer: object) -> str:
    got = as_numbers(answer, 4)
    root5, var = 5**0.5, 0.9 + 0.1 * 20 / 3
    names = ("(1) La salida", "(2) La media acumulada", "(3) La varianza acumulada", "(4) La salida al evaluar")
    expected = (1 - 6 / root5, 0.5, var, 1 + 15 / var**0.5)
    wrong: tuple[tuple[tuple[float, str], ...], ...] = (
        (
            (-3 / root5, "no lleva γ ni β."),
            (1 - 6 / (20 / 3) ** 0.5, "usa la varianza entre 3; el lote se normaliza con la varianza entre 4."),
            (1 - 6 / 5, "divide entre la varianza; falta la raíz."),
            (5.0, "usa las estadísticas acumuladas; al entrenar se usan las del lote."),
        ),
        (
            (4.5, "da 0.9 a lo nuevo; en PyTorch, `momentum` es el peso de lo nuevo."),
            (5.0, "es la del lote; la acumulada solo avanza una décima parte hacia ella."),
        ),
        (
            (1.4, "usa la varianza entre 4; se acumula la varianza entre 3, sin sesgo."),
            (6.1, "da 0.9 a lo nuevo; en PyTorch, `momentum` es el peso de lo nuevo."),
            (2 / 3, "olvida que la varianza acumulada empieza en 1."),
        ),
        (
            (1 + 6 / root5, "usa la media y la varianza del lote; al evaluar se usan las acumuladas."),
            (7.5 / var**0.5, "no lleva γ ni β."),
            (1 + 15 / var, "divide entre la varianza; falta la raíz."),
            (17.0, "usa las estadísticas recién creadas; ya ha habido un paso."),
        ),
    )
    for value, target, name, options in zip(got, expected, names, wrong, strict=True):
        require_number(value, target, name, options, "Media del lote 5; desviaciones al cuadrado, 9 + 1 + 1 + 9.")
    return "Entrenar y evaluar son dos funciones: el mismo 8 daba otra cosa dentro del lote."


@comprobar.exercise("ejes")
def _(answer: object) -> str:
    got = as_numbers(answer, 6)
    hints = (
        "(1) Por lotes promedia sobre ejemplos y posiciones: queda una media por canal.",
        "(2) Por capas promedia sobre todo lo de un ejemplo: queda una media por ejemplo.",
        "(3) Por instancias solo promedia sobre las posiciones: una media por ejemplo y canal.",
        "(4) Por grupos: una media por ejemplo y grupo.",
        "(5) Por lotes aprende una escala y un desplazamiento por canal; las estadísticas acumuladas no se aprenden.",
        "(6) LayerNorm((6, 5, 5)) aprende una escala y un desplazamiento por cada número normalizado.",
    )
    for value, target, hint in zip(got, (6, 8, 48, 24, 12, 300), hints, strict=True):
        require(value == target, hint)
    return "Lo que cambia de una norma a otra es sobre qué ejes se promedia."


@comprobar.exercise("blanqueo")
def _(answer: object) -> str:
    for n, m, d, eps in ((40, 7, 3, 0.0), (30, 30, 4, 0.1), (25, 5, 2, 1.0), (50, 1, 5, 0.01)):
        rng = np.random.default_rng(n)
        mix, shift = rng.normal(size=(d, d)), rng.normal(size=d)
        train, x = rng.normal(size=(n, d)) @ mix + shift, rng.normal(size=(m, d)) @ mix + 2 * shift
        got = as_array(call(answer, train.copy(), x.copy(), eps), shape=(m, d), what="la tabla blanqueada")
        expected = _zca(train, x, eps)
        if np.allclose(got, expected, rtol=1e-6, atol=1e-8):
            continue
        variances, v = np.linalg.eigh(np.cov(train, rowvar=False))
        moved = (x - train.mean(axis=0)) @ v
        wrong = [
            (moved / np.sqrt(variances + eps), "Eso es el blanqueo PCA: falta deshacer el giro, con v.T."),
            ((x @ v) / np.sqrt(variances + eps) @ v.T, "Falta restar la media."),
            (moved / (variances + eps) @ v.T, "Divides entre la varianza; falta la raíz."),
            (_zca(train, x, eps, correction=0), "La covarianza va entre n − 1, como en np.cov."),
            (moved / (np.sqrt(variances) + eps) @ v.T, "eps se suma a las varianzas, dentro de la raíz."),
            (moved / np.sqrt(variances) @ v.T, "Falta sumar eps a las varianzas."),
        ]
        if m > 1:
            wrong += [
                (_zca(x, x, eps), "Ajustas con x: la media y las direcciones deben salir de train."),
                ((x - x.mean(axis=0)) @ v / np.sqrt(variances + eps) @ v.T, "Restas la media de x; es la de train."),
            ]
        for other, hint in wrong:
            same = got[:, ::-1] if np.allclose(got[:, ::-1], other) else got
            require(not np.allclose(np.abs(same), np.abs(other)), hint)
        fail(f"No coincide con el blanqueo ZCA de {n} filas con eps={eps}. Gira, divide y deshaz el giro.")
    return "Covarianza identidad y, en imágenes, algo que aún se puede mirar."


def _zca(train: np.ndarray, x: np.ndarray, eps: float, *, correction: int = 1) -> np.ndarray:
    variances, v = np.linalg.eigh(np.cov(train, rowvar=False, ddof=correction))
    return (x - train.mean(axis=0)) @ v / np.sqrt(np.maximum(variances, 0) + eps + 1e-300) @ v.T


@comprobar.exercise("vuelta")
def _(answer: object) -> str:
    for m, c, eps in ((5, 3, 1e-5), (8, 1, 0.3), (2, 4, 0.1), (30, 2, 0.0)):
        rng = np.random.default_rng(m)
        z, g_y = 2 * rng.normal(size=(m, c)) + 1, rng.normal(size=(m, c)) + 0.3
        gamma = rng.uniform(0.5, 2, c)
        result = call(answer, g_y.copy(), z.copy(), gamma.copy(), eps)
        names = ("la derivada de z", "la de gamma", "la de beta")
        shapes = ((m, c), (c,), (c,))
        if not isinstance(result, list | tuple) or len(result) != 3:
            fail("Se esperaban tres arreglos: las derivadas respecto de z, de gamma y de beta.")
        g_z, g_gamma, g_beta = (
            as_array(part, shape=shape, what=name) for part, shape, name in zip(result, shapes, names, strict=True)
        )
        s = np.sqrt(z.var(axis=0) + eps)
        z_hat = (z - z.mean(axis=0)) / s
        averaged = np.allclose(g_beta, g_y.mean(axis=0))
        require(not averaged, "La derivada de β es la suma sobre los ejemplos, no la media.")
        require_close(g_beta, g_y.sum(axis=0), "La derivada de β es la suma de g_y sobre los ejemplos, por columna.")
        extra = (g_y * z_hat * gamma).sum(axis=0)
        require(not np.allclose(g_gamma, extra), "γ no entra en su propia derivada: usa g_y, no γ·g_y.")
        require(not np.allclose(g_gamma, (g_y * z).sum(axis=0)), "La derivada de γ usa ẑ, no z.")
        require_close(g_gamma, (g_y * z_hat).sum(axis=0), "La derivada de γ es la suma de g_y·ẑ sobre los ejemplos.")
        g = gamma * g_y
        mean, along = g.mean(axis=0), z_hat * (g * z_hat).mean(axis=0)
        for wrong, hint in (
            (g / s, "Tratas μ y s como constantes: también dependen de z."),
            ((g - mean) / s, "Falta el término de la desviación típica, el de ẑ."),
            ((g - along) / s, "Falta el término de la media."),
            ((g - mean - along) / s / gamma, "Falta γ: lo que llega a ẑ es γ·g_y."),
            (g - mean - along, "Falta dividir entre s."),
            ((g - m * mean - m * along) / s, "Los dos términos que se restan son medias, no sumas."),
        ):
            require(not np.allclose(g_z, wrong, rtol=1e-6, atol=1e-9), hint)
        require_close(g_z, (g - mean - along) / s, "La derivada de z no coincide: (g − media(g) − ẑ·media(g·ẑ)) / s.")
    return "Tu vuelta borra dos direcciones: por eso suma cero y es casi perpendicular a ẑ."


@comprobar.exercise("plegado")
def _(answer: object) -> str:
    for n, m, bias in ((4, 3, True), (6, 5, False), (1, 2, True)):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(n)
            linear = nn.Linear(n, m, bias=bias).double()
            norm = nn.BatchNorm1d(m, eps=0.1).double()
            state = {name: 2 * torch.randn(m) for name in ("weight", "bias", "running_mean")}
            norm.load_state_dict(state | {"running_var": 0.2 + 3 * torch.rand(m)}, strict=False)
            x = torch.randn(9, n, dtype=torch.float64)
        norm.eval()
        before = [t.clone() for layer in (linear, norm) for t in layer.state_dict().values()]
        folded = call(answer, linear, norm)
        after = [t for layer in (linear, norm) for t in layer.state_dict().values()]
        same = all(torch.equal(a, b) for a, b in zip(after, before, strict=True))
        require(same, "Cambiaste las capas originales: crea una nn.Linear nueva.")
        if not isinstance(folded, nn.Linear):
            fail(f"Se esperaba una nn.Linear; llegó un valor de tipo {type(folded).__name__}.")
        assert isinstance(folded, nn.Linear)
        shape = tuple(folded.weight.shape)
        require(shape == (m, n), f"Los pesos deben tener forma {(m, n)}; tienen {shape}.")
        require(folded.bias is not None, "La capa plegada necesita sesgo, aunque la original no lo tenga.")
        with torch.no_grad():
            weight, got_bias = folded.weight.double(), folded.bias.double()
            got, expected = F.linear(x, weight, got_bias), norm(linear(x))
            center, var, beta = norm.state_dict()["running_mean"], norm.state_dict()["running_var"], norm.bias
            b = torch.zeros(m).double() if linear.bias is None else linear.bias
            root = (var + norm.eps).sqrt()
            a = norm.weight / root
            for scale, shift, hint in (
                (a, a * b + beta, "Falta restar la media acumulada en el sesgo."),
                (a, b - a * center + beta, "El sesgo de la capa también se multiplica."),
                (a, a * (b - center), "Falta sumar el sesgo de la norma, β."),
                (a, b, "El sesgo también cambia: a·(b − media) + β."),
                (torch.ones_like(a), a * (b - center) + beta, "Los pesos también se multiplican, fila a fila."),
                (1 / root, (b - center) / root + beta, "Falta γ: a = γ / √(varianza + ε)."),
                (
                    a * root / var.sqrt(),
                    a * root / var.sqrt() * (b - center) + beta,
                    "Falta el ε, que aquí no es pequeño.",
                ),
                (a / root, a / root * (b - center) + beta, "Divides entre la varianza; falta la raíz."),
            ):
                wrong = F.linear(x, scale[:, None] * linear.weight, shift)
                close = torch.allclose(got, wrong, rtol=1e-4, atol=1e-5)
                require(not close or torch.allclose(wrong, expected, rtol=1e-3, atol=1e-4), hint)
            close = torch.allclose(got, expected, rtol=1e-4, atol=1e-5)
            require(close, "La capa plegada no da lo mismo que las dos: a·(W x + b − media) + β.")
    return "Dos capas por el precio de una, y la misma salida."


@comprobar.exercise("norma")
def _(answer: object) -> str:
    for r, eta, lam, steps in ((0.5, 0.1, 0.05, 6), (5.0, 0.1, 0.05, 3), (1.0, 0.5, 0.0, 4), (2.0, 1.0, 0.3, 9)):
        got = as_array(call(answer, r, eta, lam, steps), what="las normas")
        require(got.shape == (steps,), f"Se esperaban {steps} normas, una por paso; la forma es {got.shape}.")
        expected = _norms(r, eta, lam, steps, lambda w, g: np.hypot(w, g))
        for wrong, hint in (
            (_norms(r, eta, lam, steps, lambda w, g: w + g), "Sumas longitudes: son perpendiculares, usa Pitágoras."),
            (_norms(r, eta, lam, steps, lambda w, g: w - g), "Restas longitudes: son perpendiculares, usa Pitágoras."),
            (_norms(r, eta, lam, steps, lambda w, g: w**2 + g**2), "Falta la raíz: se piden normas, no sus cuadrados."),
            (_norms(r, eta, 0.0, steps, lambda w, g: np.hypot(w, g)), "Falta el decaimiento: w se encoge antes."),
            (_norms(r, eta, lam, steps, lambda w, g: np.hypot(w, g), fixed=1 / r), "El gradiente cambia con la norma."),
            (_norms(r, eta, lam, steps, lambda w, g: np.hypot(w, g), fixed=1.0), "El gradiente mide 1/r, no 1."),
        ):
            require(np.allclose(wrong, expected) or not np.allclose(got, wrong), hint)
        start = [r, *expected[:-1]]
        require(np.allclose(got, expected) or not np.allclose(got, start), "La primera norma es la de tras un paso.")
        require(
            np.allclose(got, expected),
            f"No coincide con r={r}, eta={eta}, lam={lam}: √(((1 − ηλ) r)² + (η / r)²) en cada paso.",
        )
    return "El decaimiento no frena a la red: fija a qué tasa efectiva aprende."


def _norms(r: float, eta: float, lam: float, steps: int, join: object, *, fixed: float | None = None) -> np.ndarray:
    norms = []
    for _ in range(steps):
        r = float(join((1 - eta * lam) * r, eta * (1 / r if fixed is None else fixed)))  # type: ignore[operator]
        norms.append(r)
    return np.array(norms)


@comprobar.exercise("proyecto")
def _(answer: object) -> str:
    if not callable(answer) or inspect.isclass(answer):
        fail("Se esperaba una función que reciba el modelo y las imágenes; pasa su nombre sin paréntesis.")
    data = small_mnist()
    model = _build()
    model.load_state_dict(_trained())
    parameters = [p.detach().clone() for p in model.parameters()]
    statistics = [b.clone() for b in model.buffers()]
    layers = list(model)

    def run(model: nn.Sequential, x: torch.Tensor) -> bool:
        answer(model, x)
        return True

    run.__name__ = getattr(answer, "__name__", "tu función")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        call(run, model, CONTRAST * data.x_train + BRIGHTNESS)
    require(list(model) == layers, "Cambiaste las capas de la red; solo pueden cambiar sus estadísticas acumuladas.")
    same = all(torch.equal(p.detach(), q) for p, q in zip(model.parameters(), parameters, strict=True))
    require(same, "Cambiaste algún parámetro; solo pueden cambiar las estadísticas acumuladas.")
    buffers = list(model.buffers())
    if len(buffers) == len(statistics) and all(torch.equal(a, b) for a, b in zip(buffers, statistics, strict=True)):
        raise Unanswered(f"Sin resolver: `{run.__name__}` no cambió ninguna estadística acumulada.")
    require(not any(layer.training for layer in model), "La red quedó en modo de entrenamiento: termina con `eval()`.")
    with torch.no_grad():
        scores = model(CONTRAST * data.x_val + BRIGHTNESS)
    require(torch.isfinite(scores).all(), "La red da valores que no son finitos: revisa las varianzas acumuladas.")
    accuracy = float((scores.argmax(1) == data.y_val).float().mean())
    require(
        accuracy >= MIN_ACCURACY,
        f"Exactitud {accuracy:.0%} con la otra cámara; se pide {MIN_ACCURACY:.0%}. ¿Pesan aún las estadísticas viejas? "
        "¿Pasaste las imágenes nuevas en modo `train()`?",
    )
    return f"Exactitud {accuracy:.0%} con la otra cámara, sin una sola etiqueta."


def _build() -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(196, 32, bias=False),
        nn.BatchNorm1d(32),
        nn.ReLU(),
        nn.Linear(32, 32, bias=False),
        nn.BatchNorm1d(32),
        nn.ReLU(),
        nn.Linear(32, 10),
    )


@lru_cache(maxsize=1)
def _trained() -> dict[str, torch.Tensor]:
    """Los parámetros y estadísticas de la red, entrenada con los dígitos de siempre."""
    data = small_mnist()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = _build()
        optimizer = torch.optim.SGD(model.parameters(), lr=0.3)
        for batch in torch.cat([torch.randperm(len(data.x_train)) for _ in range(3)]).split(50):
            optimizer.zero_grad()
            F.cross_entropy(model(data.x_train[batch]), data.y_train[batch]).backward()
            optimizer.step()
    return {name: tensor.clone() for name, tensor in model.eval().state_dict().items()}
