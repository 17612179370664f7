"""Regresión lineal: tres maneras de resolver los mínimos cuadrados y tres pérdidas, cada una con su ruido.

Fuentes: Legendre (1805) y Gauss (1809), los mínimos cuadrados y su relación con el ruido; Householder (1958), la
factorización QR con reflexiones; Huber (1964), la pérdida que lleva su nombre; Holland y Welsch (1977), los mínimos
cuadrados con pesos que se recalculan.

En qué nos apartamos de las bibliotecas: aquí se calcula con la precisión de los datos. ``np.linalg.qr`` y
``np.linalg.lstsq`` pasan float32 a float64 sin decirlo; las funciones de PyTorch no.

Notación: ``x`` reúne n ejemplos en sus filas, con una columna de unos si hay sesgo; ``y`` son los valores que se
predicen, ``w`` los pesos y ``r = x @ w - y`` los errores.
"""

from dataclasses import dataclass
from importlib import resources
from typing import Protocol, runtime_checkable

import numpy as np
import pandas as pd
from jaxtyping import Float

CAR_FEATURES = ("weight_kg", "power_hp", "displacement_l", "cylinders", "acceleration_s", "year")
LITERS_PER_100_KM = 100 * 3.785411784 / 1.609344  # un galón de EE. UU. por milla
_FILE_COLUMNS = ["cylinders", "cubic_inches", "power_hp", "pounds", "acceleration_s", "year", "origin", "name", "mpg"]


def load_cars() -> pd.DataFrame:
    """Los 392 automóviles de *Auto MPG*, modelos de 1970 a 1982, en unidades métricas.

    Fuente: StatLib y el repositorio UCI; Quinlan (1993). Los trae mlxtend (BSD-3).

    Returns:
        Tabla con ``name``, ``CAR_FEATURES`` (``acceleration_s`` son segundos hasta 60 millas por hora) y el consumo en
        ciudad: ``mpg`` (millas por galón) y ``consumption`` (litros cada 100 km).

    Raises:
        FileNotFoundError: si la instalación de mlxtend está incompleta.
    """
    path = resources.files("mlxtend.data") / "data" / "autompg.csv.gz"
    if not path.is_file():
        raise FileNotFoundError(f"no está {path}; reinstala mlxtend: `pip install --force-reinstall mlxtend`")
    with path.open("rb") as stream:
        table = pd.read_csv(stream, header=None, names=_FILE_COLUMNS, compression="gzip")
    table["weight_kg"] = 0.45359237 * table["pounds"]
    table["displacement_l"] = 0.016387064 * table["cubic_inches"]
    table["year"] += 1900
    table["consumption"] = LITERS_PER_100_KM / table["mpg"]
    return table[["name", *CAR_FEATURES, "mpg", "consumption"]]


def r2_score(y: Float[np.ndarray, "n"], prediction: Float[np.ndarray, "n"]) -> float:
    """R²: la parte del error cuadrático de predecir siempre la media que la predicción elimina.

    Raises:
        ValueError: si las formas difieren o ``y`` es constante.
    """
    if y.ndim != 1 or y.shape != prediction.shape:
        raise ValueError(f"y y prediction deben tener la misma forma (n,); tienen {y.shape} y {prediction.shape}")
    if y.size == 0 or np.ptp(y) == 0:
        raise ValueError("y debe tener al menos dos valores distintos: si no varía, R² no está definido")
    return float(1 - np.sum((y - prediction) ** 2) / np.sum((y - y.mean()) ** 2))


# --- Forma cerrada --------------------------------------------------------------------------------------------------


def back_substitution(r: Float[np.ndarray, "p p"], b: Float[np.ndarray, "p"]) -> Float[np.ndarray, "p"]:
    """Resuelve r w = b, con ``r`` triangular superior, de la última incógnita a la primera.

    Raises:
        ValueError: si las formas no corresponden o la diagonal tiene un cero.
    """
    if r.ndim != 2 or r.shape != (len(b), len(b)):
        raise ValueError(f"r debe ser cuadrada, con tantas filas como b, {len(b)}; tiene {r.shape}")
    if not np.diag(r).all():
        raise ValueError("r debe tener una diagonal sin ceros: si no, el sistema no tiene solución única")
    w = np.zeros_like(b)
    for k in reversed(range(len(b))):
        w[k] = (b[k] - r[k, k + 1 :] @ w[k + 1 :]) / r[k, k]
    return w


def solve_normal(x: Float[np.ndarray, "n p"], y: Float[np.ndarray, "n"]) -> Float[np.ndarray, "p"]:
    """Mínimos cuadrados con las ecuaciones normales, por la factorización de Cholesky XᵀX = L Lᵀ.

    Raises:
        ValueError: si las formas no corresponden o XᵀX, redondeada, no es definida positiva.
    """
    _check_data(x, y)
    try:
        lower = np.linalg.cholesky(x.T @ x)
    except np.linalg.LinAlgError:
        raise ValueError("x debe tener columnas independientes; XᵀX no es definida positiva") from None
    # L z = Xᵀy se resuelve hacia delante, que es hacia atrás con el orden invertido.
    z = back_substitution(lower[::-1, ::-1], (x.T @ y)[::-1])[::-1]
    return back_substitution(lower.T, z)


def householder_qr(x: Float[np.ndarray, "n p"]) -> tuple[Float[np.ndarray, "n p"], Float[np.ndarray, "p p"]]:
    """X = Q R, con las columnas de ``Q`` ortonormales y ``R`` triangular superior (Householder, 1958).

    Cada reflexión I - 2 v vᵀ lleva una columna sobre su eje y deja en cero lo que queda bajo la diagonal.

    Raises:
        ValueError: si ``x`` tiene más columnas que filas o valores que no son finitos.
    """
    _check_matrix(x)
    n, p = x.shape
    if n < p:
        raise ValueError(f"x debe tener al menos tantas filas como columnas; tiene {x.shape}")
    r, q, reflectors = x.copy(), np.eye(n, p, dtype=x.dtype), []
    for k in range(p):
        v = r[k:, k].copy()
        v[0] += np.copysign(np.linalg.norm(v), v[0])  # con el mismo signo, la suma no cancela cifras
        length = np.linalg.norm(v)
        v = v / length if length else v
        r[k:] -= 2 * np.outer(v, v @ r[k:])
        reflectors.append(v)
    for k in reversed(range(p)):  # Q es el producto de las reflexiones
        q[k:] -= 2 * np.outer(reflectors[k], reflectors[k] @ q[k:])
    return q, np.triu(r[:p])


def solve_qr(x: Float[np.ndarray, "n p"], y: Float[np.ndarray, "n"]) -> Float[np.ndarray, "p"]:
    """Mínimos cuadrados con X = Q R: basta resolver R w = Qᵀy, sin formar XᵀX.

    Raises:
        ValueError: si las formas no corresponden o una columna es, salvo redondeo, combinación de las anteriores.
    """
    _check_data(x, y)
    q, r = householder_qr(x)
    # |r_kk| / ‖x_k‖ es el seno del ángulo entre la columna k y el espacio de las anteriores.
    sines = np.abs(np.diag(r)) / np.maximum(np.linalg.norm(x, axis=0), np.finfo(x.dtype).tiny)
    dependent = np.flatnonzero(sines < (10 + len(x) / 10) * np.finfo(x.dtype).eps)  # lo que deja el redondeo
    if dependent.size:
        raise ValueError(f"x debe tener columnas independientes; la {dependent[0]} sale de las anteriores")
    return back_substitution(r, q.T @ y)


# --- Pérdidas -------------------------------------------------------------------------------------------------------


@runtime_checkable
class Loss(Protocol):
    """Una pérdida por ejemplo y su derivada, como funciones del error."""

    def __call__(self, r: Float[np.ndarray, "n"]) -> Float[np.ndarray, "n"]: ...

    def slope(self, r: Float[np.ndarray, "n"]) -> Float[np.ndarray, "n"]: ...


class SquaredLoss:
    """r²: su promedio es el MSE (``torch.nn.MSELoss``)."""

    def __call__(self, r: Float[np.ndarray, "n"]) -> Float[np.ndarray, "n"]:
        return r**2

    def slope(self, r: Float[np.ndarray, "n"]) -> Float[np.ndarray, "n"]:
        return 2 * r


class AbsoluteLoss:
    """|r|: su promedio es el MAE (``torch.nn.L1Loss``). En r = 0, el pico, toma la pendiente 0."""

    def __call__(self, r: Float[np.ndarray, "n"]) -> Float[np.ndarray, "n"]:
        return np.abs(r)

    def slope(self, r: Float[np.ndarray, "n"]) -> Float[np.ndarray, "n"]:
        return np.sign(r)


@dataclass(frozen=True)
class HuberLoss:
    """r²/2 si |r| ≤ ``delta`` y una recta después, con la misma pendiente en la unión (``torch.nn.HuberLoss``)."""

    delta: float

    def __post_init__(self) -> None:
        if not self.delta > 0:
            raise ValueError(f"delta debe ser positivo; se recibió {self.delta}")

    def __call__(self, r: Float[np.ndarray, "n"]) -> Float[np.ndarray, "n"]:
        return np.where(np.abs(r) <= self.delta, r**2 / 2, self.delta * (np.abs(r) - self.delta / 2))

    def slope(self, r: Float[np.ndarray, "n"]) -> Float[np.ndarray, "n"]:
        return np.clip(r, -self.delta, self.delta)


def mean_loss(
    w: Float[np.ndarray, "p"], x: Float[np.ndarray, "n p"], y: Float[np.ndarray, "n"], loss: Loss
) -> tuple[float, Float[np.ndarray, "p"]]:
    """La pérdida media de los pesos ``w`` y su gradiente (o un subgradiente), Xᵀ loss'(r) / n.

    Raises:
        ValueError: si las formas no corresponden.
    """
    _check_data(x, y)
    if w.shape != (x.shape[1],):
        raise ValueError(f"w debe tener forma ({x.shape[1]},), un peso por columna de x; tiene {w.shape}")
    r = x @ w - y
    return float(loss(r).mean()), x.T @ loss.slope(r) / len(x)


def gradient_descent(
    x: Float[np.ndarray, "n p"],
    y: Float[np.ndarray, "n"],
    *,
    lr: float,
    epochs: int,
    loss: Loss | None = None,
    batch_size: int | None = None,
    seed: int = 0,
) -> Float[np.ndarray, "{epochs}+1 p"]:
    """Descenso de gradiente desde w = 0, con el lote completo o por minilotes; devuelve los pesos de cada época.

    Args:
        loss: la pérdida; por defecto, ``SquaredLoss()``.
        batch_size: ejemplos por paso; con ``None``, todos: un paso por época, sin azar.
        seed: baraja los ejemplos en cada época si hay minilotes.

    Raises:
        ValueError: si las formas o los números no son válidos, o si los pesos se desbordan.
    """
    _check_data(x, y)
    size = len(x) if batch_size is None else batch_size
    if lr <= 0 or epochs < 1 or size < 1:
        raise ValueError(f"se esperaban lr > 0, epochs >= 1 y batch_size >= 1; se recibió {lr}, {epochs} y {size}")
    rng = np.random.default_rng(seed)
    history = np.zeros((epochs + 1, x.shape[1]), dtype=x.dtype)
    w = history[0].copy()
    with np.errstate(over="ignore", invalid="ignore"):  # si se desborda, el mensaje es el de abajo
        for epoch in range(1, epochs + 1):
            order = np.arange(len(x)) if batch_size is None else rng.permutation(len(x))
            for rows in np.split(order, range(size, len(x), size)):
                w -= lr * mean_loss(w, x[rows], y[rows], loss or SquaredLoss())[1]
            if not np.isfinite(w).all():
                raise ValueError(f"lr debe ser menor: con {lr}, los pesos se desbordan en la época {epoch}")
            history[epoch] = w
    return history


def irls(
    x: Float[np.ndarray, "n p"], y: Float[np.ndarray, "n"], loss: Loss, *, max_iterations: int = 300, tol: float = 1e-6
) -> Float[np.ndarray, "iterations p"]:
    """Mínimos cuadrados con pesos que se recalculan, loss'(r) / r (Holland y Welsch, 1977); devuelve cada iteración.

    Args:
        loss: pérdida cuyo peso loss'(r) / r no crece con |r|.
        tol: se detiene cuando ningún peso cambia más que esta fracción del mayor.

    Raises:
        ValueError: si las formas no corresponden o las columnas de ``x`` son dependientes.
    """
    history = [solve_qr(x, y)]
    start = np.abs(x @ history[0] - y).mean()
    for k in range(1, max_iterations + 1 if start > 0 else 1):
        # Un error casi nulo tendría un peso enorme y ataría la solución a ese ejemplo: hay un mínimo, que baja.
        r = np.maximum(np.abs(x @ history[-1] - y), start * max(0.7**k, 1e-4))
        scale = np.sqrt(loss.slope(r) / r)
        history.append(solve_qr(scale[:, None] * x, scale * y))
        if np.abs(history[-1] - history[-2]).max() <= tol * np.abs(history[-1]).max():
            break
    return np.array(history)


def _check_matrix(x: Float[np.ndarray, "n p"]) -> None:
    if x.ndim != 2 or 0 in x.shape:
        raise ValueError(f"x debe tener forma (n, p) con n y p mayores que 0; tiene {x.shape}")
    if not np.isfinite(x).all():
        raise ValueError(f"x debe tener solo números finitos; hay inf o nan en {(~np.isfinite(x)).sum()} lugares")


def _check_data(x: Float[np.ndarray, "n p"], y: Float[np.ndarray, "n"]) -> None:
    _check_matrix(x)
    if y.shape != (len(x),):
        raise ValueError(f"y debe tener forma ({len(x)},), un valor por fila de x; tiene {y.shape}")
    if not np.isfinite(y).all():
        raise ValueError(f"y debe tener solo números finitos; hay inf o nan en {(~np.isfinite(y)).sum()} lugares")
