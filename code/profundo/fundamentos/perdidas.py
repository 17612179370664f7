"""Funciones de pérdida: lo que se le pide a la red, como un número que derivar.

Fuentes: Huber (1964), su pérdida; Koenker y Bassett (1978), la de los cuantiles; Nix y Weigend (1994), la normal con
varianza predicha; Blanchard, Higham y Higham (2021), el redondeo de ``log_sum_exp``.

En qué nos apartamos de ``torch.nn.functional``: cada función devuelve la pérdida y su gradiente respecto de lo que
sale de la red; nunca difunde formas distintas, y la varianza y la tasa llegan como logaritmos, sin restricciones.

Notación: ``output`` es la última suma de la red, un número por valor que se predice; ``logits``, un puntaje por clase,
y ``target``, el dato. Con ``reduction="none"`` hay una pérdida por dato; con ``"sum"``, su suma, y con ``"mean"``, su
media. El gradiente tiene siempre la forma de ``output``.
"""

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from jaxtyping import Float, Int, Real

from profundo.fundamentos.clasificacion_lineal import log_softmax, sigmoid
from profundo.fundamentos.regresion_lineal import AbsoluteLoss, HuberLoss, SquaredLoss
from profundo.fundamentos.regresion_lineal import Loss as ErrorLoss

Reduction = Literal["none", "mean", "sum"]


# --- Del error ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class PinballLoss:
    """La pérdida del cuantil ``q``: quedarse corto cuesta ``q`` por unidad de error y pasarse, ``1 - q``.

    Es función del error r = salida - dato, como las de la regresión lineal. En r = 0, el pico, toma la pendiente 0.
    """

    q: float

    def __post_init__(self) -> None:
        if not 0 < self.q < 1:
            raise ValueError(f"q debe estar entre 0 y 1, sin incluirlos; se recibió {self.q}")

    def __call__(self, r: Float[np.ndarray, "n"]) -> Float[np.ndarray, "n"]:
        return np.maximum(-self.q * r, (1 - self.q) * r)

    def slope(self, r: Float[np.ndarray, "n"]) -> Float[np.ndarray, "n"]:
        return ((1 - self.q) * (r > 0) - self.q * (r < 0)).astype(r.dtype)


def error_loss(
    loss: ErrorLoss, output: Float[np.ndarray, "*n"], target: Float[np.ndarray, "*n"], reduction: Reduction = "mean"
) -> tuple[Float[np.ndarray, "*r"], Float[np.ndarray, "*n"]]:
    """Una pérdida que solo mira el error, ``output - target``, y su gradiente.

    Raises:
        ValueError: si las formas difieren o ``reduction`` no existe.
    """
    _check_shapes(output, target)
    r = (output - target).ravel()  # las pérdidas de la regresión lineal reciben los errores en un vector
    value, slope = loss(r).reshape(target.shape), loss.slope(r).reshape(target.shape)
    return _reduce(value, slope, reduction)


def mse(
    output: Float[np.ndarray, "*n"], target: Float[np.ndarray, "*n"], *, reduction: Reduction = "mean"
) -> tuple[Float[np.ndarray, "*r"], Float[np.ndarray, "*n"]]:
    """El error cuadrático y su gradiente (``F.mse_loss``)."""
    return error_loss(SquaredLoss(), output, target, reduction)


def mae(
    output: Float[np.ndarray, "*n"], target: Float[np.ndarray, "*n"], *, reduction: Reduction = "mean"
) -> tuple[Float[np.ndarray, "*r"], Float[np.ndarray, "*n"]]:
    """El error absoluto y su gradiente (``F.l1_loss``)."""
    return error_loss(AbsoluteLoss(), output, target, reduction)


def huber(
    output: Float[np.ndarray, "*n"],
    target: Float[np.ndarray, "*n"],
    *,
    delta: float = 1.0,
    reduction: Reduction = "mean",
) -> tuple[Float[np.ndarray, "*r"], Float[np.ndarray, "*n"]]:
    """La pérdida de Huber, cuadrática hasta ``delta`` y recta después, y su gradiente (``F.huber_loss``)."""
    return error_loss(HuberLoss(delta), output, target, reduction)


def pinball(
    output: Float[np.ndarray, "*n"], target: Float[np.ndarray, "*n"], q: float, *, reduction: Reduction = "mean"
) -> tuple[Float[np.ndarray, "*r"], Float[np.ndarray, "*n"]]:
    """La pérdida del cuantil ``q`` y su gradiente; con ``q = 0.5`` es la mitad del error absoluto."""
    return error_loss(PinballLoss(q), output, target, reduction)


# --- De la verosimilitud --------------------------------------------------------------------------------------------


def gaussian_nll(
    output: Float[np.ndarray, "*n 2"],
    target: Float[np.ndarray, "*n"],
    *,
    full: bool = False,
    reduction: Reduction = "mean",
) -> tuple[Float[np.ndarray, "*r"], Float[np.ndarray, "*n 2"]]:
    """-ln de la densidad normal cuya media y logaritmo de la varianza son las dos salidas de la red, y su gradiente.

    Args:
        full: suma también la constante ln(2π) / 2, que no cambia el gradiente.

    Raises:
        ValueError: si ``output`` no tiene dos salidas por dato o ``reduction`` no existe.
    """
    if output.shape != (*target.shape, 2):
        raise ValueError(f"output debe tener forma {(*target.shape, 2)}, dos salidas por dato; tiene {output.shape}")
    mean, log_var = output[..., 0], output[..., 1]
    precision = np.exp(-log_var)
    r = mean - target
    value = (log_var + r**2 * precision) / 2 + (np.log(2 * np.pi) / 2 if full else 0.0)
    gradient = np.stack([r * precision, (1 - r**2 * precision) / 2], axis=-1)
    return _reduce(value.astype(output.dtype), gradient, reduction)


def poisson_nll(
    output: Float[np.ndarray, "*n"], target: Real[np.ndarray, "*n"], *, reduction: Reduction = "mean"
) -> tuple[Float[np.ndarray, "*r"], Float[np.ndarray, "*n"]]:
    """-ln de la probabilidad de Poisson de tasa e^output, sin la constante ln(target!), y su gradiente.

    Raises:
        ValueError: si las formas difieren, hay conteos negativos o ``reduction`` no existe.
    """
    _check_shapes(output, target)
    if (target < 0).any():
        raise ValueError(f"target debe tener conteos, que no son negativos; el menor es {target.min()}")
    rate = np.exp(output)
    return _reduce(rate - target * output, rate - target, reduction)


def bce_with_logits(
    logits: Float[np.ndarray, "*n"], target: Real[np.ndarray, "*n"], *, reduction: Reduction = "mean"
) -> tuple[Float[np.ndarray, "*r"], Float[np.ndarray, "*n"]]:
    """La entropía cruzada binaria de puntajes, uno por pregunta de sí o no, y su gradiente.

    Args:
        target: 1 es sí y 0 es no; un valor intermedio es la probabilidad de que sea sí.

    Raises:
        ValueError: si las formas difieren, ``target`` se sale de [0, 1] o ``reduction`` no existe.
    """
    _check_shapes(logits, target)
    if ((target < 0) | (target > 1)).any():
        raise ValueError(f"target debe estar entre 0 y 1; va de {target.min()} a {target.max()}")
    # ln(1 + eˢ) - y s, con el exponente negativo siempre: ni desborda ni resta dos números grandes casi iguales.
    value = np.maximum(logits, 0) - target * logits + np.log1p(np.exp(-np.abs(logits)))
    return _reduce(value.astype(logits.dtype), (sigmoid(logits) - target).astype(logits.dtype), reduction)


def log_sum_exp(s: Float[np.ndarray, "*n k"]) -> Float[np.ndarray, "*n"]:
    """ln Σ e^s sobre el último eje, sin que ninguna exponencial desborde."""
    peak = s.max(axis=-1, keepdims=True)
    peak = np.where(np.isfinite(peak), peak, 0)  # si todos son -inf, la resta daría nan
    with np.errstate(divide="ignore"):  # ln 0 = -inf es el resultado correcto en ese caso
        total = peak + np.log(np.exp(s - peak).sum(axis=-1, keepdims=True))
    return total[..., 0]


def nll(
    log_p: Float[np.ndarray, "n k"], target: Int[np.ndarray, "n"], *, reduction: Reduction = "mean"
) -> tuple[Float[np.ndarray, "*r"], Float[np.ndarray, "n k"]]:
    """Menos el logaritmo de la probabilidad de la clase correcta, y su gradiente respecto de ``log_p``.

    Raises:
        TypeError: si ``target`` no son enteros.
        ValueError: si las formas no corresponden, alguna clase no existe o ``reduction`` no existe.
    """
    picked = _one_hot(log_p, target)
    return _reduce(-log_p[np.arange(len(target)), target], -picked, reduction)


def cross_entropy(
    logits: Float[np.ndarray, "n k"], target: Int[np.ndarray, "n"], *, reduction: Reduction = "mean"
) -> tuple[Float[np.ndarray, "*r"], Float[np.ndarray, "n k"]]:
    """``nll`` después de ``log_softmax``, y el gradiente respecto de los puntajes: probabilidad menos clase.

    Raises:
        TypeError, ValueError: como ``nll``.
    """
    picked = _one_hot(logits, target)
    value = log_sum_exp(logits) - logits[np.arange(len(target)), target]
    return _reduce(value, np.exp(log_softmax(logits)) - picked, reduction)


def _one_hot(scores: np.ndarray, target: np.ndarray) -> np.ndarray:
    if scores.ndim != 2 or scores.shape[1] == 0:
        raise ValueError(f"se esperaban puntajes de forma (n, k), uno por clase; tienen {scores.shape}")
    if target.shape != (len(scores),):
        raise ValueError(f"target debe tener forma ({len(scores)},), una clase por fila; tiene {target.shape}")
    if not np.issubdtype(target.dtype, np.integer):
        raise TypeError(f"target debe contener índices de clase enteros; es de tipo {target.dtype}")
    if target.size and (target.min() < 0 or target.max() >= scores.shape[1]):
        raise ValueError(f"target debe ir de 0 a {scores.shape[1] - 1}; va de {target.min()} a {target.max()}")
    return np.eye(scores.shape[1], dtype=scores.dtype)[target]


def _check_shapes(output: np.ndarray, target: np.ndarray) -> None:
    if output.shape != target.shape:
        raise ValueError(
            f"la salida y target deben tener la misma forma; tienen {output.shape} y {target.shape}, "
            "y al restarlas NumPy compararía cada salida con datos de otros ejemplos"
        )


def _reduce(value: np.ndarray, gradient: np.ndarray, reduction: Reduction) -> tuple[np.ndarray, np.ndarray]:
    if reduction not in get_args(Reduction):
        raise ValueError(f"reduction debe ser uno de {get_args(Reduction)}; se recibió {reduction!r}")
    if reduction == "none":
        return value, gradient
    if value.size == 0:
        raise ValueError("target debe tener al menos un dato; está vacío")
    if reduction == "sum":
        return np.asarray(value.sum()), gradient
    return np.asarray(value.mean()), gradient / value.size
