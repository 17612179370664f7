"""Comprobadores de los ejercicios del capítulo «Dropout»."""

from itertools import product

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from profundo.comun.datos import small_mnist
from profundo.comun.ejercicios import Checker, as_array, as_numbers, call, fail, require, require_close, require_number
from profundo.optimizacion.dropout import dropout_ridge

comprobar = Checker("optimizacion/dropout")

MAX_LOSS = 0.5
MAX_PARAMETERS = 60_000


@comprobar.exercise("cuentas")
def _(answer: object) -> str:
    got = as_numbers(answer, 4)
    expected = (0.5, 0.3125, 0.5, 0.4)
    names = ("La media", "La varianza", "Lo que sale al evaluar", "Lo que sale al evaluar con el original")
    wrong: tuple[tuple[tuple[float, str], ...], ...] = (
        ((0.4, "no cuenta la división entre 1 − p."), (1.5, "pierde el signo del segundo peso.")),
        (
            (0.2, "no cuenta que se divide entre 1 − p, y en una varianza, al cuadrado."),
            (0.25, "divide una sola vez entre 1 − p; al salir de una varianza, la constante va al cuadrado."),
            (0.3125**0.5, "es la desviación típica; se pide la varianza."),
            (0.0625, "usa el cuadrado de la suma; las máscaras son independientes y se suman los cuadrados."),
            (0.1875, "resta el segundo término; al cuadrado, todos suman."),
            (5.0, "usa (1 − p)/p; es al revés."),
            (3.5, "no cuenta h: el ruido es proporcional a lo que se apaga."),
        ),
        (
            (0.4, "multiplica por 1 − p; el invertido ya dividió al entrenar."),
            (0.625, "divide entre 1 − p; al evaluar no se hace nada."),
        ),
        ((0.5, "no multiplica por 1 − p."), (0.625, "divide entre 1 − p; el original multiplica."), (0.1, "usa p.")),
    )
    for name, value, target, options in zip(names, got, expected, wrong, strict=True):
        require_number(value, target, name, options, "Vuelve a las ecuaciones de la suma.")
    return "Los términos se compensan en la media; en la varianza, nunca."


@comprobar.exercise("invertido")
def _(answer: object) -> str:
    x = np.random.default_rng(1).normal(size=(300, 200))
    before = x.copy()
    still = as_array(call(answer, x, 0.4, False, np.random.default_rng(0)), shape=x.shape, what="la salida al evaluar")
    require(np.array_equal(x, before), "Cambiaste x: devuelve un arreglo nuevo.")
    require(not np.allclose(still, 0.6 * x), "Al evaluar multiplicas por 1 − p: eso es del dropout original.")
    require_close(still, x, "Con entrenando=False debe salir x, sin cambios.")
    whole = as_array(call(answer, x, 0.0, True, np.random.default_rng(0)), shape=x.shape, what="la salida con p = 0")
    require_close(whole, x, "Con p = 0 debe salir x, sin cambios.")
    for p in (0.2, 0.4, 0.9):
        got = as_array(call(answer, x, p, True, np.random.default_rng(0)), shape=x.shape, what="la salida")
        require(np.array_equal(x, before), "Cambiaste x: devuelve un arreglo nuevo.")
        off = got == 0
        share = off.mean()
        require(
            0 < share < 1, f"Con p = {p} se apagaron {'todos' if share else 'cero'} números; debe ser una fracción p."
        )
        if abs(share - p) > 0.02:
            require(abs(share - (1 - p)) > 0.02, f"Con p = {p} apagas una fracción 1 − p: p es la de apagar.")
            fail(f"Con p = {p} apagas una fracción {share:.2f}.")
        ratio = (got / x)[~off]
        require(not np.allclose(ratio, 1), "Falta dividir entre 1 − p lo que queda.")
        require(not np.allclose(ratio, 1 / p), "Divides entre p; la media se conserva si divides entre 1 − p.")
        require(not np.allclose(ratio, 1 - p), "Multiplicas por 1 − p lo que queda; hay que dividir.")
        require(np.allclose(ratio, 1 / (1 - p)), "Lo que queda debe ser x / (1 − p), con el mismo factor para todos.")
        rows, columns = off.mean(axis=1), off.mean(axis=0)
        require(
            rows.std() < 0.1 and columns.std() < 0.1, "Apagas filas o columnas enteras: cada número tiene su sorteo."
        )
        again = as_array(call(answer, x, p, True, np.random.default_rng(0)), shape=x.shape, what="la salida")
        require_close(again, got, "Con el mismo generador debe salir lo mismo: todo el azar debe venir de `rng`.")
    rng = np.random.default_rng(5)
    one, two = (as_array(call(answer, x, 0.4, True, rng), what="la salida") for _ in range(2))
    require(
        not np.array_equal(one, two),
        "Dos llamadas seguidas dan la misma máscara: usa `rng` y no fijes semillas dentro.",
    )
    return "Es la misma capa de cualquier biblioteca."


@comprobar.exercise("ridge")
def _(answer: object) -> str:
    rng = np.random.default_rng(0)
    for n, d, p in ((30, 3, 0.5), (50, 4, 0.2), (40, 1, 0.8), (25, 5, 0.0)):
        x, y = rng.normal(size=(n, d)) * rng.uniform(0.2, 5, d), rng.normal(size=n)
        got = as_array(call(answer, x.copy(), y.copy(), p), shape=(d,), what="los pesos")
        expected = dropout_ridge(x, y, p)
        gram, force = x.T @ x, x.T @ y
        squares = gram.diagonal()
        for matrix, hint in (
            (np.eye(d) * p / (1 - p), "Usas la identidad: cada peso paga según la suma de cuadrados de su columna."),
            (np.diag(squares) * p, "El coeficiente es p / (1 − p), no p."),
            (np.diag(squares) * (1 - p) / max(p, 1e-9), "El coeficiente está invertido: es p / (1 − p)."),
            (np.diag(squares) * p / (1 - p) / n, "Usas la media de los cuadrados de la columna; es la suma."),
            (np.diag(squares) * p * (1 - p), "Eso es la varianza de la máscara sin dividir entre (1 − p)²."),
            (
                np.diag(x.var(axis=0) * n) * p / (1 - p),
                "Usas la varianza de la columna; es la suma de cuadrados, sin restar la media.",
            ),
            (gram * p / (1 - p), "Sumas toda la matriz XᵀX; solo se suma su diagonal."),
            (np.zeros((d, d)), "Son los mínimos cuadrados: falta la penalización."),
        ):
            wrong = np.linalg.solve(gram + matrix, force)
            require(np.allclose(wrong, expected) or not np.allclose(got, wrong), f"{hint} (con p = {p})")
        require_close(got, expected, f"No coincide con p = {p}. Es (XᵀX + p/(1−p)·D)⁻¹ Xᵀy.")
    return "Con estos pesos, cambiar de unidades una columna no cambia ninguna predicción."


@comprobar.exercise("conjunto")
def _(answer: object) -> str:
    rng = np.random.default_rng(0)
    for d, k, p in ((1, 2, 0.5), (3, 4, 0.3), (5, 3, 0.7), (6, 2, 0.1)):
        w, b, h = rng.normal(size=(d, k)) * 2, rng.normal(size=k), rng.uniform(0, 3, d)
        got = as_array(call(answer, w.copy(), b.copy(), h.copy(), p), shape=(k,), what="las probabilidades")
        masks = np.array(list(product((0.0, 1.0), repeat=d)))
        kept = masks.sum(axis=1)
        odds = (1 - p) ** kept * p ** (d - kept)
        inverted = odds @ _softmax(masks * h / (1 - p) @ w + b)
        for wrong, hint in (
            (_softmax(h @ w + b), "Es la red entera, la media geométrica; se pide la aritmética de las subredes."),
            (
                _softmax(masks * h / (1 - p) @ w + b).mean(axis=0),
                "Todas las máscaras pesan igual; su probabilidad es (1−p)^unos · p^ceros.",
            ),
            (odds @ _softmax(masks * h @ w + b), "Falta dividir entre 1 − p lo que no se apaga."),
            (
                p**kept * (1 - p) ** (d - kept) @ _softmax(masks * h / (1 - p) @ w + b),
                "Las probabilidades están cambiadas: p es la de apagar.",
            ),
            (odds @ _softmax((masks * h @ w + b) / (1 - p)), "El sesgo no se apaga ni se divide."),
        ):
            require(np.allclose(wrong, inverted) or not np.allclose(got, wrong), hint)
        require_close(
            got, inverted, f"No coincide con d = {d} y p = {p}: recorre las 2^d máscaras y suma π_m · softmax."
        )
    return "Exacto y caro: por eso se usa la red entera."


def _softmax(s: np.ndarray) -> np.ndarray:
    e = np.exp(s - s.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


@comprobar.exercise("incertidumbre")
def _(answer: object) -> str:
    rng = np.random.default_rng(0)
    sure = np.zeros((4, 2, 3))
    sure[:, 0, 0] = 1  # todas de acuerdo
    sure[:2, 1, 0] = sure[2:, 1, 1] = 1  # seguras y en desacuerdo
    for samples in (rng.dirichlet(np.ones(5), size=(20, 7)), rng.dirichlet(np.full(3, 0.2), size=(1, 4)), sure):
        n = samples.shape[1]
        result = call(answer, samples.copy())
        require(
            isinstance(result, tuple | list) and len(result) == 2, "Devuelve dos arreglos: el total y la discrepancia."
        )
        assert isinstance(result, tuple | list)
        if (samples == 0).any():
            for part in result:
                values = np.asarray(part.detach() if isinstance(part, torch.Tensor) else part, dtype=object)
                require(
                    not any(isinstance(v, float | np.floating) and np.isnan(v) for v in values.ravel()),
                    "Con probabilidades nulas sale nan: 0 · ln 0 debe valer 0.",
                )
        total, mutual = (
            as_array(part, shape=(n,), what=w) for part, w in zip(result, ("el total", "la discrepancia"), strict=True)
        )
        whole, each = _entropy(samples.mean(axis=0)), _entropy(samples).mean(axis=0)
        if not np.allclose(whole, each):
            require(not np.allclose(total, each), "El total es la entropía de la media, no la media de las entropías.")
            require(not np.allclose(mutual, each), "La discrepancia es el total menos la media de las entropías.")
            require(
                not np.allclose(mutual, each - whole), "La discrepancia tiene el signo cambiado: nunca es negativa."
            )
        require(
            whole.max() < 1e-9 or not np.allclose(total, whole / np.log(2)), "Está en bits; usa el logaritmo natural."
        )
        require_close(total, whole, "El total no coincide: −Σ p ln p con la media de las muestras.", atol=1e-6)
        require_close(
            mutual, whole - each, "La discrepancia no coincide: total menos media de las entropías.", atol=1e-6
        )
    return "Seguras y en desacuerdo: esa es la señal de Monte Carlo."


def _entropy(p: np.ndarray) -> np.ndarray:
    return -(p * np.log(np.where(p > 0, p, 1.0))).sum(axis=-1)


@comprobar.exercise("proyecto")
def _(answer: object) -> str:
    data = small_mnist()
    losses, plain = [], 0
    for seed in (21, 22):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            model = _build(answer)
            losses.append(
                _train_and_test(model, data.x_train[:300], data.y_train[:300], data.x_test, data.y_test, seed)
            )
            plain += not _is_random(model, data.x_test[:50])
    mean = float(np.mean(losses))
    require(
        mean <= MAX_LOSS,
        f"La pérdida media de prueba es {mean:.2f}; se pide {MAX_LOSS} como mucho. "
        + ("Tu red no tiene dropout." if plain else "Prueba con más unidades, o con otra p en las entradas."),
    )
    return f"Pérdida media de prueba {mean:.2f} con 300 dígitos."


def _build(answer: object) -> nn.Module:
    model = call(answer)
    if not isinstance(model, nn.Module):
        fail(f"Se esperaba que la función devolviera un nn.Module; devolvió un valor de tipo {type(model).__name__}.")
    count = sum(p.numel() for p in model.parameters())
    require(0 < count <= MAX_PARAMETERS, f"La red tiene {count} parámetros; debe tener entre 1 y {MAX_PARAMETERS}.")
    shape = as_array(call(model.eval(), torch.zeros(2, 196)), what="la salida de la red").shape
    require(shape == (2, 10), f"Con un lote de forma (2, 196) se esperaba una salida (2, 10); tiene {shape}.")
    return model


def _is_random(model: nn.Module, x: torch.Tensor) -> bool:
    model.train()
    with torch.no_grad():
        return not torch.equal(model(x), model(x))


def _train_and_test(
    model: nn.Module, x: torch.Tensor, y: torch.Tensor, x_test: torch.Tensor, y_test: torch.Tensor, seed: int
) -> float:
    """Entrena con Adam durante 60 épocas y devuelve la pérdida de prueba."""
    generator, adam = torch.Generator().manual_seed(seed), torch.optim.Adam(model.parameters(), lr=3e-3)
    model.train()

    def batch_loss(batch: torch.Tensor) -> torch.Tensor:
        return F.cross_entropy(model(x[batch]), y[batch])

    for _ in range(60):
        for batch in torch.randperm(len(x), generator=generator).split(50):
            adam.zero_grad()
            loss = call(batch_loss, batch)
            require(isinstance(loss, torch.Tensor) and loss.requires_grad, "La salida no depende de los parámetros.")
            assert isinstance(loss, torch.Tensor)
            loss.backward()
            adam.step()
    model.eval()
    with torch.no_grad():
        once, twice = model(x_test), model(x_test)
        require(
            torch.equal(once, twice),
            "En `eval()` dos llamadas dan distinto: falta `training=self.training` o un módulo.",
        )
        value = F.cross_entropy(once, y_test).item()
    require(np.isfinite(value), "La pérdida de prueba no es finita.")
    return value
