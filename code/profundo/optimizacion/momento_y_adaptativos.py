"""Optimizadores de primer orden con memoria: momento, Nesterov, AdaGrad, RMSProp, Adam y AdamW.

Fuentes: Polyak (1964), el momento y su velocidad en una cuadrática; Nesterov (1983) y Sutskever y otros (2013), el
gradiente adelantado; Duchi, Hazan y Singer (2011), AdaGrad; Tieleman y Hinton (2012), RMSProp; Kingma y Ba (2015),
Adam; Loshchilov y Hutter (2019), AdamW.

En qué nos apartamos de Polyak y de Nesterov: como en PyTorch, la velocidad acumula gradientes y la tasa de aprendizaje
multiplica al final; ellos multiplican cada gradiente antes de acumularlo. En qué nos apartamos de PyTorch: faltan las
opciones que el capítulo no explica. A cambio, ``lr`` y ``momentum`` pueden ser tensores que se difundan sobre los
parámetros: una sola ejecución prueba así muchos valores.

Notación de las reglas: ``p`` es un parámetro, ``g`` su gradiente, ``state`` lo que el optimizador recuerda de él y
``h`` los hiperparámetros. Todo va elemento a elemento: cada número se optimiza sin mirar a los demás.
"""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from profundo.fundamentos.descenso_de_gradiente import best_rate

Params = Iterable[Tensor] | Iterable[dict[str, Any]]
Rate = float | Tensor
Pair = tuple[float, float]

# --- Optimizadores --------------------------------------------------------------------------------------------------


class Optimizer(torch.optim.Optimizer):
    """Lo común a todos: recorrer los parámetros y aplicar a cada uno la regla ``update`` de la subclase.

    De la clase de PyTorch hereda lo que no es la regla: ``zero_grad``, los grupos de parámetros, ``state_dict`` y el
    trato con los programadores de la tasa. Un hiperparámetro fuera de rango lanza ``ValueError`` o ``TypeError``.
    """

    decoupled_weight_decay = False  # si los pesos se encogen aparte, en lugar de sumar λp al gradiente

    def __init__(self, params: Params, **hyperparameters: Any) -> None:
        beta1, beta2 = hyperparameters.get("betas", (0.0, 0.0))
        for name, value in {**hyperparameters, "betas[0]": beta1, "betas[1]": beta2}.items():
            fraction = name in ("momentum", "alpha", "betas[0]", "betas[1]")
            if name not in ("betas", "nesterov"):
                _check_range(name, value, 1.0 if fraction else float("inf"))
        super().__init__(params, hyperparameters)

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Da un paso con los gradientes que haya; un parámetro sin gradiente se queda como está."""
        for h in self.param_groups:
            for p in h["params"]:
                if p.grad is None:
                    continue
                g = p.grad
                if self.decoupled_weight_decay:
                    p *= 1 - h["lr"] * h["weight_decay"]
                elif h["weight_decay"]:
                    g = g + h["weight_decay"] * p
                self.update(p, g, self.state[p], h)

    def update(self, p: Tensor, g: Tensor, state: dict[str, Any], h: dict[str, Any]) -> None:
        """Cambia ``p`` y ``state`` según el gradiente ``g``."""
        raise NotImplementedError


def _check_range(name: str, value: object, limit: float) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float | Tensor):
        raise TypeError(f"{name} debe ser un número; se recibió {value!r} ({type(value).__name__})")
    values = torch.as_tensor(value)
    if not ((values >= 0) & (values < limit)).all():
        expected = "estar entre 0 y 1, sin llegar a 1" if limit == 1 else "ser finito y no negativo"
        raise ValueError(f"{name} debe {expected}; se recibió {value}")


class SGD(Optimizer):
    """Descenso de gradiente, con momento (Polyak, 1964) si ``momentum`` no es cero.

    Args:
        params: parámetros, o grupos de parámetros como los de PyTorch.
        lr: tasa de aprendizaje.
        momentum: fracción de la velocidad que se conserva en cada paso, en [0, 1).
        weight_decay: coeficiente λ de la penalización L2.
        nesterov: avanza con la velocidad que tendrá después de este paso.
    """

    def __init__(
        self, params: Params, lr: Rate = 1e-3, momentum: Rate = 0.0, weight_decay: float = 0.0, nesterov: bool = False
    ) -> None:
        super().__init__(params, lr=lr, momentum=momentum, weight_decay=weight_decay, nesterov=nesterov)
        if nesterov and not torch.as_tensor(momentum).all():
            raise ValueError(f"nesterov pide un momentum mayor que 0; se recibió {momentum}")

    def update(self, p: Tensor, g: Tensor, state: dict[str, Any], h: dict[str, Any]) -> None:
        v = h["momentum"] * state.get("v", 0) + g
        state["v"] = v
        p -= h["lr"] * (g + h["momentum"] * v if h["nesterov"] else v)


class Adagrad(Optimizer):
    """AdaGrad (Duchi y otros, 2011); ``eps`` evita dividir entre cero y lo demás es como en ``SGD``."""

    def __init__(self, params: Params, lr: Rate = 1e-2, weight_decay: float = 0.0, eps: float = 1e-10) -> None:
        super().__init__(params, lr=lr, weight_decay=weight_decay, eps=eps)

    def update(self, p: Tensor, g: Tensor, state: dict[str, Any], h: dict[str, Any]) -> None:
        s = state.get("s", 0) + g**2
        state["s"] = s
        p -= h["lr"] * g / (s.sqrt() + h["eps"])


class RMSprop(Optimizer):
    """RMSProp (Tieleman y Hinton, 2012); ``alpha`` es la fracción del segundo momento que se conserva, en [0, 1)."""

    def __init__(
        self, params: Params, lr: Rate = 1e-2, alpha: float = 0.99, eps: float = 1e-8, weight_decay: float = 0.0
    ) -> None:
        super().__init__(params, lr=lr, alpha=alpha, eps=eps, weight_decay=weight_decay)

    def update(self, p: Tensor, g: Tensor, state: dict[str, Any], h: dict[str, Any]) -> None:
        s = h["alpha"] * state.get("s", 0) + (1 - h["alpha"]) * g**2
        state["s"] = s
        p -= h["lr"] * g / (s.sqrt() + h["eps"])


class Adam(Optimizer):
    """Adam (Kingma y Ba, 2015); ``betas`` son las fracciones de cada momento que se conservan, en [0, 1)."""

    def __init__(
        self, params: Params, lr: Rate = 1e-3, betas: Pair = (0.9, 0.999), eps: float = 1e-8, weight_decay: float = 0.0
    ) -> None:
        super().__init__(params, lr=lr, betas=betas, eps=eps, weight_decay=weight_decay)

    def update(self, p: Tensor, g: Tensor, state: dict[str, Any], h: dict[str, Any]) -> None:
        beta1, beta2 = h["betas"]
        t = state.get("t", 0) + 1
        m = beta1 * state.get("m", 0) + (1 - beta1) * g
        s = beta2 * state.get("s", 0) + (1 - beta2) * g**2
        state.update(t=t, m=m, s=s)
        m_hat, s_hat = m / (1 - beta1**t), s / (1 - beta2**t)
        p -= h["lr"] * m_hat / (s_hat.sqrt() + h["eps"])


class AdamW(Adam):
    """AdamW (Loshchilov y Hutter, 2019): Adam que encoge los pesos aparte, sin pasar por los momentos."""

    decoupled_weight_decay = True

    def __init__(
        self, params: Params, lr: Rate = 1e-3, betas: Pair = (0.9, 0.999), eps: float = 1e-8, weight_decay: float = 1e-2
    ) -> None:
        super().__init__(params, lr, betas, eps, weight_decay)


# --- La velocidad en una cuadrática ---------------------------------------------------------------------------------


def best_settings(mu: float, largest: float, *, momentum: bool) -> tuple[float, float, float]:
    """Lo mejor que se puede hacer si las curvaturas van de ``mu`` a ``largest`` (Polyak, 1964), con momento o sin él.

    Returns:
        La tasa de aprendizaje, el momento y el factor por el que se multiplica el error en cada paso, a la larga.

    Raises:
        ValueError: si no se cumple 0 < mu <= largest.
    """
    if not 0 < mu <= largest < float("inf"):
        raise ValueError(f"se esperaba 0 < mu <= largest, finito; se recibió mu={mu}, largest={largest}")
    if not momentum:
        lr, rate = best_rate(mu, largest)
        return lr, 0.0, rate
    total = largest**0.5 + mu**0.5
    rate = (largest**0.5 - mu**0.5) / total
    return (2 / total) ** 2, rate**2, rate


def convergence_rate(
    curvature: Float[np.ndarray, "*#n"], lr: Float[np.ndarray, "*#n"], momentum: Float[np.ndarray, "*#n"]
) -> Float[np.ndarray, "*#n"]:
    """El factor por paso, a la larga, con una curvatura: el mayor módulo de las raíces de r² - (1 + β - ηλ) r + β."""
    half = (1 + momentum - lr * curvature) / 2
    discriminant = half**2 - momentum
    real = np.abs(half) + np.sqrt(np.maximum(discriminant, 0))
    # El producto de dos raíces conjugadas es β, y las dos tienen el mismo módulo.
    return np.where(discriminant < 0, np.sqrt(momentum), real)


# --- Superficies y trayectorias -------------------------------------------------------------------------------------


def ravine(w: Float[Tensor, "*b 2"], condition: float = 100.0, angle: float = 0.0) -> Float[Tensor, "*b"]:
    """Un barranco: cuadrática de curvaturas 1 y ``condition``, girada ``angle`` radianes; mínimo 0 en el origen."""
    c, s = float(np.cos(angle)), float(np.sin(angle))
    along, across = c * w[..., 0] + s * w[..., 1], c * w[..., 1] - s * w[..., 0]
    return (along**2 + condition * across**2) / 2


def descend(
    surface: Callable[[Tensor], Tensor],
    start: Float[Tensor, "*b d"],
    rule: Callable[[list[Tensor]], torch.optim.Optimizer],
    steps: int,
    *,
    noise: float = 0.0,
    seed: int = 0,
) -> Float[Tensor, "t *b d"]:
    """Los ``steps + 1`` puntos por los que pasa un optimizador; cada punto de ``start`` baja por su cuenta.

    Args:
        surface: la función que se minimiza, de ``(*b, d)`` a ``(*b)``.
        start: punto o puntos de partida.
        rule: construye el optimizador, como ``partial(Adam, lr=0.1)``.
        steps: cuántos pasos.
        noise: desviación típica del ruido normal que se suma a cada número del gradiente.
        seed: semilla del ruido.

    Raises:
        ValueError: si ``steps`` o ``noise`` están fuera de rango.
    """
    if steps < 1 or noise < 0:
        raise ValueError(f"se esperaba steps >= 1 y noise >= 0; se recibió steps={steps}, noise={noise}")
    generator = torch.Generator().manual_seed(seed)
    w = start.clone().requires_grad_()
    optimizer, path = rule([w]), [start.clone()]
    for _ in range(steps):
        (g,) = torch.autograd.grad(surface(w).sum(), w)
        w.grad = g + noise * torch.randn(w.shape, dtype=w.dtype, generator=generator)
        optimizer.step()
        path.append(w.detach().clone())
    return torch.stack(path)
