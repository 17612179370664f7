"""Penalización de parámetros: L2, L1, red elástica, norma máxima, parada temprana y suavizado de etiquetas.

Fuentes: Hoerl y Kennard (1970), la penalización L2 en la regresión; Tibshirani (1996), la L1; Zou y Hastie (2005), la
red elástica; Daubechies, Defrise y De Mol (2004), el descenso con umbral; Loshchilov y Hutter (2019), el decaimiento
de pesos aparte; Srivastava y otros (2014), la norma máxima; Szegedy y otros (2016), el suavizado de etiquetas; Geman,
Bienenstock y Doursat (1992), sesgo y varianza; Belkin y otros (2019), el doble descenso.

Convenio: lo que se minimiza es siempre la pérdida *media* más ``l1 · Σ|w| + l2 / 2 · Σw²``, como en PyTorch. En qué
nos apartamos de scikit-learn: su ``ElasticNet`` usa ``alpha = l1 + l2`` y ``l1_ratio = l1 / alpha``, y su ``Ridge``
suma las pérdidas en lugar de promediarlas: ``alpha = n · l2``. Los sesgos nunca pagan.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, TypeVar

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from profundo.comun.copias import Copies
from profundo.fundamentos.bucle_de_entrenamiento import Callback, KeepBest, Trainer
from profundo.optimizacion.momento_y_adaptativos import SGD

A = TypeVar("A", np.ndarray, Tensor)
Rate = float | Tensor

# --- Regresión: L2, L1 y red elástica -------------------------------------------------------------------------------


def ridge(x: Float[np.ndarray, "n p"], y: Float[np.ndarray, "n *k"], l2: float) -> Float[np.ndarray, "p *k"]:
    """El mínimo de ``‖x @ w - y‖² / 2n + l2 ‖w‖² / 2``, sin sesgo; con ``l2 = 0``, la solución de menor norma.

    Si ``y`` tiene varias columnas, resuelve una regresión por columna.

    Raises:
        ValueError: si las formas no corresponden o ``l2`` no es finito y no negativo.
    """
    _check(x, y, l2=l2)
    u, s, vt = np.linalg.svd(x, full_matrices=False)
    keep = s > s[0] * max(x.shape) * np.finfo(x.dtype).eps  # lo demás es redondeo
    u, s, vt = u[:, keep], s[keep], vt[keep]
    return vt.T @ (((s / (s**2 + len(x) * l2)) * u).T @ y)


def soft_threshold(v: A, t: Any) -> A:
    """El umbral blando, de NumPy o de PyTorch: acerca cada número al cero en ``t``, y los que llegan se quedan."""
    return v - v.clip(-t, t)


def elastic_net(
    x: Float[np.ndarray, "n p"],
    y: Float[np.ndarray, "n"],
    l1: float,
    l2: float = 0.0,
    *,
    start: Float[np.ndarray, "p"] | None = None,
    tol: float = 1e-10,
    max_iterations: int = 100_000,
) -> Float[np.ndarray, "p"]:
    """El mínimo de ``‖x @ w - y‖² / 2n + l1 Σ|w| + l2 ‖w‖² / 2``, sin sesgo, por descenso con umbral.

    Args:
        start: de dónde parte; la solución de un ``l1`` vecino ahorra iteraciones.
        tol: se detiene cuando ningún peso cambia más que esta fracción del mayor.

    Raises:
        ValueError: si las formas no corresponden, una penalización es negativa o no converge.
    """
    _check(x, y, l1=l1, l2=l2)
    gram, target = x.T @ x / len(x) + l2 * np.eye(x.shape[1]), x.T @ y / len(x)
    lr = 1 / max(np.linalg.eigvalsh(gram)[-1], np.finfo(float).tiny)
    w = np.zeros(x.shape[1]) if start is None else start
    for _ in range(max_iterations):
        before = w
        w = soft_threshold(w - lr * (gram @ w - target), lr * l1)
        if np.abs(w - before).max() <= tol * np.abs(w).max():
            return w
    raise ValueError(f"no converge en {max_iterations} iteraciones; sube max_iterations o tol")


def _check(x: np.ndarray, y: np.ndarray, **penalties: float) -> None:
    if x.ndim != 2 or 0 in x.shape or y.shape[:1] != x.shape[:1]:
        raise ValueError(f"se esperaban x de forma (n, p) e y con n filas; tienen {x.shape} y {y.shape}")
    _check_penalties(**penalties)


def _check_penalties(**penalties: Rate) -> None:
    for name, value in penalties.items():
        values = torch.as_tensor(value)
        if not ((values >= 0) & (values < math.inf)).all():
            raise ValueError(f"{name} debe ser finito y no negativo; se recibió {value}")


def ridge_factors(curvatures: Float[np.ndarray, "*d"], l2: float) -> Float[np.ndarray, "*d"]:
    """Qué fracción de la solución sin penalizar deja L2 en cada dirección propia."""
    return curvatures / (curvatures + l2)


def stopping_factors(curvatures: Float[np.ndarray, "*d"], lr: float, steps: int) -> Float[np.ndarray, "*d"]:
    """Qué fracción alcanza en cada dirección propia el descenso desde cero, en ``steps`` pasos."""
    return 1 - (1 - lr * curvatures) ** steps


# --- Sesgo y varianza -----------------------------------------------------------------------------------------------


class BiasVariance(NamedTuple):
    """Las dos partes del error que dependen del modelo, en las unidades de ``truth`` al cuadrado."""

    bias: float
    variance: float


def bias_variance(predictions: Float[np.ndarray, "r m"], truth: Float[np.ndarray, "m"]) -> BiasVariance:
    """El sesgo al cuadrado y la varianza, en promedio sobre ``m`` puntos, de un modelo ajustado a ``r`` muestras.

    Raises:
        ValueError: si las formas no corresponden o hay menos de dos muestras.
    """
    if predictions.ndim != 2 or predictions.shape[1:] != truth.shape or len(predictions) < 2:
        raise ValueError(f"predictions debe tener forma (r, {len(truth)}), con r al menos 2; tiene {predictions.shape}")
    mean = predictions.mean(axis=0)
    return BiasVariance(float(((mean - truth) ** 2).mean()), float(((predictions - mean) ** 2).mean()))


def random_features(x: Float[np.ndarray, "n d"], width: int, *, seed: int) -> Float[np.ndarray, "n {width}"]:
    """Salidas de una capa oculta ReLU con pesos al azar que no se entrenan (Rahimi y Recht, 2007).

    Divididas entre √width, el producto de dos ejemplos no crece con la anchura. Con la misma semilla, las primeras
    características son las mismas, salvo la escala.

    Raises:
        ValueError: si ``width`` no es positivo.
    """
    if width < 1:
        raise ValueError(f"width debe ser un entero positivo; se recibió {width}")
    weights = np.random.default_rng(seed).normal(size=(width, x.shape[1]))
    return np.maximum(x @ weights.T * (2 / (width * x.shape[1])) ** 0.5, 0)


# --- Redes ----------------------------------------------------------------------------------------------------------


def smoothed_cross_entropy(logits: Float[Tensor, "*b k"], y: Int[Tensor, "*b"], eps: Rate = 0.0) -> Float[Tensor, "*b"]:
    """La entropía cruzada de cada ejemplo, en nats, si la respuesta reparte ``eps`` por igual entre las clases.

    A la correcta le quedan ``1 - eps`` y su parte. ``eps`` puede ser un tensor que se difunda sobre los ejemplos.

    Raises:
        ValueError: si ``eps`` no está entre 0 y 1.
    """
    share = torch.as_tensor(eps)
    if not ((share >= 0) & (share <= 1)).all():
        raise ValueError(f"eps debe estar entre 0 y 1; se recibió {eps}")
    log_p = logits.log_softmax(-1)
    return -(1 - eps) * log_p.gather(-1, y[..., None])[..., 0] - eps * log_p.mean(-1)


@dataclass(frozen=True, kw_only=True)
class Charges:
    """Lo que pagan los pesos después de cada paso: una cuota ``l1``, un porcentaje ``l2`` y un tope ``limit``.

    Cada cobro es el operador próximo de su penalización; el tope es la mayor norma de los pesos de entrada de una
    neurona. Los tres pueden ser tensores que se difundan sobre los pesos, para cobrar distinto a cada red.

    Raises:
        ValueError: si ``l1`` o ``l2`` no son finitos y no negativos, o ``limit`` no es positivo.
    """

    l1: Rate = 0.0
    l2: Rate = 0.0
    limit: Rate = math.inf

    def __post_init__(self) -> None:
        _check_penalties(l1=self.l1, l2=self.l2)
        if not (torch.as_tensor(self.limit) > 0).all():
            raise ValueError(f"limit debe ser positivo; se recibió {self.limit}")

    def prox(self, weight: Float[Tensor, "*n out in"], lr: Rate) -> Float[Tensor, "*n out in"]:
        """Los pesos después de pagar, tras un paso de tasa ``lr``."""
        w = soft_threshold(weight, torch.as_tensor(lr * self.l1)) / (1 + lr * self.l2)
        norms = torch.linalg.vector_norm(w, dim=-1, keepdim=True)
        return w * (self.limit / norms.clamp(min=torch.finfo(w.dtype).tiny)).clamp(max=1)

    @torch.no_grad()
    def collect(self, optimizer: torch.optim.Optimizer) -> None:
        """Cobra a los parámetros de un optimizador, salvo a los de una sola dimensión, como los sesgos.

        Con momento, un gradiente constante mueve ``lr / (1 - momentum)`` por paso: esa es la tasa que cuenta.
        """
        for group in optimizer.param_groups:
            lr = group["lr"] / (1 - group.get("momentum", 0))
            for p in group["params"]:
                if p.ndim > 1:
                    p.copy_(self.prox(p.flatten(1), lr).view_as(p))


class Collector(Callback):
    """Gancho que cobra ``charges`` después de cada paso de un entrenamiento."""

    def __init__(self, charges: Charges) -> None:
        self.charges = charges

    def on_batch_end(self, trainer: Trainer, loss: Float[Tensor, ""]) -> None:
        self.charges.collect(trainer.optimizer)


class EarlyStopping(KeepBest):
    """Parada temprana: como ``KeepBest``, y no empieza otra época tras ``patience`` seguidas sin mejorar."""

    def __init__(self, patience: int, monitor: str = "val_loss", mode: Literal["min", "max"] = "min") -> None:
        super().__init__(monitor, mode)
        if patience < 1:
            raise ValueError(f"patience debe ser al menos 1; se recibió {patience}")
        self.patience = patience

    def on_epoch_end(self, trainer: Trainer, record: Mapping[str, float]) -> None:
        super().on_epoch_end(trainer, record)
        if trainer.epoch - (self.best_epoch or 0) >= self.patience:
            trainer.should_stop = True


def decay_groups(model: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Dos grupos para un optimizador de PyTorch: los pesos, con ``weight_decay``, y lo que no debe encogerse.

    Sesgos y escalas de una normalización tienen una sola dimensión: por ahí se los reconoce.
    """
    parameters = [p for p in model.parameters() if p.requires_grad]
    return [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": weight_decay},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]


def train_charged(
    nets: Copies,
    x: Float[Tensor, "n m d"],
    y: Int[Tensor, "n m"],
    charges: Charges,
    *,
    seeds: Sequence[int],
    epochs: int,
    eps: Rate = 0.0,
    on_epoch: Callable[[], None] | None = None,
) -> None:
    """Entrena ``n`` redes a la vez, cada una con sus ejemplos, con SGD de tasa 0.05 y momento 0.9, en lotes de 50.

    Args:
        charges: cobros de forma ``(n, 1, 1)`` o comunes a todas.
        seeds: la semilla de cada red fija el orden de sus lotes.
        eps: suavizado de las etiquetas, de forma ``(n, 1)`` o común a todas.
        on_epoch: se llama al terminar cada época.
    """
    optimizer = SGD(nets.parameters(), lr=0.05, momentum=0.9)
    generators = [torch.Generator().manual_seed(seed) for seed in seeds]
    rows = torch.arange(len(x))[:, None]
    for _ in range(epochs):
        order = torch.stack([torch.randperm(x.shape[1], generator=generator) for generator in generators])
        for batch in order.split(50, dim=1):
            optimizer.zero_grad()
            losses = smoothed_cross_entropy(nets(x[rows, batch]), y[rows, batch], eps)
            losses.mean(1).sum().backward()  # el gradiente de una red no depende de las demás
            optimizer.step()
            with torch.no_grad():
                for weight in nets.layers(nets.flat)[::2]:
                    weight.copy_(charges.prox(weight.mT, 0.05 / (1 - 0.9)).mT)
        if on_epoch is not None:
            on_epoch()
