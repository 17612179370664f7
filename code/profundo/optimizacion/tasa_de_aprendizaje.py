"""La tasa de aprendizaje: buscarla, programarla en el tiempo, reiniciarla y aprovechar los reinicios.

Fuentes: Robbins y Monro (1951), tasas que decrecen; Smith (2017) y Smith y Topin (2019), el barrido de tasas y el ciclo
único; Loshchilov y Hutter (2017), coseno y reinicios; Goyal y otros (2017), el calentamiento; Huang y otros (2017), las
instantáneas.

Un programa es aquí una función pura, del número de paso a un factor de la tasa: ni recuerda nada ni sabe qué tasa
multiplica. Es lo que recibe ``torch.optim.lr_scheduler.LambdaLR``. En qué nos apartamos de PyTorch: casi todos sus
programadores calculan cada tasa a partir de la anterior. De sus opciones faltan las que el capítulo no explica.
"""

import copy
import math
from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from profundo.comun.estado import State
from profundo.optimizacion.momento_y_adaptativos import Rate

Factor = Callable[[int], Rate]  # del paso, que cuenta desde 0, al factor de la tasa

# --- Programas ------------------------------------------------------------------------------------------------------


def _check(name: str, value: object, low: float = 0.0, high: float = math.inf) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{name} debe ser un número; se recibió {value!r} ({type(value).__name__})")
    if not low <= value <= high or math.isinf(value):
        limits = f"estar entre {low:g} y {high:g}" if high < math.inf else f"ser finito y al menos {low:g}"
        raise ValueError(f"{name} debe {limits}; se recibió {value}")


def multistep(milestones: Sequence[int], gamma: float = 0.1) -> Factor:
    """Multiplica la tasa por ``gamma`` en cada paso de ``milestones``."""
    _check("gamma", gamma)
    if any(b < a for a, b in pairwise(milestones)):
        raise ValueError(f"milestones debe ir en orden; se recibió {list(milestones)}")
    return lambda t: gamma ** sum(t >= milestone for milestone in milestones)


def step_decay(size: int, gamma: float = 0.1) -> Factor:
    """Multiplica la tasa por ``gamma`` cada ``size`` pasos."""
    _check("size", size, 1.0)
    _check("gamma", gamma)
    return lambda t: gamma ** (t // size)


def exponential(gamma: float) -> Factor:
    """Multiplica la tasa por ``gamma`` en cada paso."""
    _check("gamma", gamma)
    return lambda t: gamma**t


def linear(total: int, start: float = 1.0, end: float = 0.0) -> Factor:
    """Va en línea recta de ``start`` a ``end`` en ``total`` pasos y ahí se queda."""
    _check("total", total, 1.0)
    return lambda t: start + (end - start) * min(t, total) / total


def cosine(total: int, end: float = 0.0) -> Factor:
    """Baja de 1 a ``end`` en ``total`` pasos por media onda de coseno; después, como en PyTorch, vuelve a subir."""
    _check("total", total, 1.0)
    return lambda t: end + (1 - end) * (1 + math.cos(math.pi * t / total)) / 2


def restarts(first: int, growth: int = 1, end: float = 0.0) -> Factor:
    """Cosenos uno tras otro: el primero dura ``first`` pasos y cada uno de los demás, ``growth`` veces el anterior."""
    _check("first", first, 1.0)
    _check("growth", growth, 1.0)

    def factor(t: int) -> float:
        length = first
        while t >= length:
            t, length = t - length, length * growth
        return end + (1 - end) * (1 + math.cos(math.pi * t / length)) / 2

    return factor


def one_cycle(
    total: int, peak: float = 1.0, start: float = 1 / 25, end: float = 1 / 25e4, peak_at: float = 0.3
) -> Factor:
    """Va de ``start`` a ``peak`` y de ahí a ``end``, con medias ondas de coseno, en ``total`` pasos en total.

    La cima está en la fracción ``peak_at`` del recorrido. Con la cima por debajo de los extremos sirve para el momento.

    Raises:
        ValueError: al crearla, si no caben una subida y una bajada; al usarla, si ``t`` pasa de ``total``.
    """
    up = peak_at * total - 1
    if not 0 < up < total - 1:
        raise ValueError(f"one_cycle pide 1 < peak_at·total < total; se recibió total={total}, peak_at={peak_at}")

    def factor(t: int) -> float:
        if t > total:
            raise ValueError(f"el ciclo dura {total} pasos; se pidió el factor del paso {t}")
        a, b, u = (start, peak, t / up) if t <= up else (peak, end, (t - up) / (total - 1 - up))
        return b + (a - b) * (1 + math.cos(math.pi * u)) / 2

    return factor


def chain(factors: Sequence[Factor], milestones: Sequence[int]) -> Factor:
    """Un programa detrás de otro: en cada paso de ``milestones`` entra el siguiente, que cuenta desde cero."""
    if len(milestones) != len(factors) - 1 or any(b <= a for a, b in pairwise((0, *milestones))):
        expected = f"{len(factors) - 1} pasos positivos y crecientes, uno por relevo"
        raise ValueError(f"milestones debe tener {expected}; se recibió {list(milestones)}")

    def factor(t: int) -> Rate:
        current = sum(t >= milestone for milestone in milestones)
        return factors[current](t - (0, *milestones)[current])

    return factor


def warmup(steps: int, factor: Factor) -> Factor:
    """Sube en línea recta durante ``steps`` pasos, desde casi nada, y después empieza ``factor``."""
    return chain([linear(steps, start=1 / (steps + 1), end=1.0), factor], [steps])


# --- Del programa al optimizador ------------------------------------------------------------------------------------


class Scheduler:
    """Pone la tasa de cada paso en el optimizador: la que tenía cada grupo al crearlo, por ``factor(t)``.

    ``momentum`` es el programa del momento: no un factor, sino su valor.
    """

    def __init__(self, optimizer: torch.optim.Optimizer, factor: Factor, momentum: Factor | None = None) -> None:
        self.optimizer, self.factor, self.momentum = optimizer, factor, momentum
        self.base = [group["lr"] for group in optimizer.param_groups]
        self.t = 0
        self._apply()

    def step(self) -> None:
        """Se llama una vez después de cada ``optimizer.step()``."""
        self.t += 1
        self._apply()

    def _apply(self) -> None:
        for base, group in zip(self.base, self.optimizer.param_groups, strict=True):
            group["lr"] = base * self.factor(self.t)
            if self.momentum is not None:
                group["momentum"] = self.momentum(self.t)

    def state_dict(self) -> State:
        return {"t": self.t, "base": list(self.base)}

    def load_state_dict(self, state: State) -> None:
        self.t, self.base = state["t"], list(state["base"])
        self._apply()


class ReduceOnPlateau:
    """Multiplica la tasa por ``factor`` cuando la medida deja de bajar: no es función del paso, recuerda lo visto.

    Baja tras más de ``patience`` medidas seguidas que no mejoren a la mejor en una fracción ``threshold``; en las
    ``cooldown`` siguientes no cuenta las malas. La tasa no pasa de ``min_lr`` hacia abajo.
    """

    def __init__(
        self,
        optimizer: torch.optim.Optimizer,
        factor: float = 0.1,
        patience: int = 10,
        *,
        threshold: float = 1e-4,
        cooldown: int = 0,
        min_lr: float = 0.0,
    ) -> None:
        _check("factor", factor, 0.0, math.nextafter(1, 0))
        _check("patience", patience)
        self.optimizer, self.factor, self.patience, self.threshold = optimizer, factor, patience, threshold
        self.cooldown, self.min_lr = cooldown, min_lr
        self.best, self.bad, self.resting = math.inf, 0, 0

    def step(self, metric: float) -> None:
        """Se llama con cada medida nueva, normalmente la pérdida de validación de la época."""
        improved = metric < self.best * (1 - self.threshold)
        self.best = float(metric) if improved else self.best
        self.bad = 0 if improved else self.bad + 1
        if self.resting:
            self.resting, self.bad = self.resting - 1, 0
        if self.bad > self.patience:
            self.resting, self.bad = self.cooldown, 0
            for group in self.optimizer.param_groups:
                group["lr"] = max(group["lr"] * self.factor, self.min_lr)


# --- Buscar la tasa -------------------------------------------------------------------------------------------------


def range_test(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    batch_loss: Callable[[], Float[Tensor, "*n"]],
    rates: Float[np.ndarray, "t"],
) -> Float[np.ndarray, "t *n"]:
    """Da un paso con cada tasa, de menor a mayor, y devuelve la pérdida de cada lote antes de su paso.

    ``batch_loss`` toma el lote siguiente y devuelve su pérdida, o las de ``n`` redes independientes. Al terminar, el
    modelo y el optimizador quedan como estaban, también si algo falla.

    Raises:
        ValueError: si ``rates`` no son al menos dos tasas positivas y crecientes.
    """
    if len(rates) < 2 or not (rates[0] > 0 and (np.diff(rates) > 0).all() and np.isfinite(rates[-1])):
        raise ValueError(f"rates debe tener al menos dos tasas finitas, positivas y crecientes; se recibió {rates}")
    weights, memory = copy.deepcopy(model.state_dict()), copy.deepcopy(optimizer.state_dict())
    losses = []
    try:
        for rate in rates:
            for group in optimizer.param_groups:
                group["lr"] = float(rate)
            optimizer.zero_grad()
            loss = batch_loss()
            loss.sum().backward()
            optimizer.step()
            losses.append(loss.detach().clone())
    finally:
        model.load_state_dict(weights)
        optimizer.load_state_dict(memory)
        optimizer.zero_grad()
    return torch.stack(losses).double().cpu().numpy()


def smooth(values: Float[np.ndarray, "t *n"], beta: float = 0.9) -> Float[np.ndarray, "t *n"]:
    """Media móvil exponencial con el sesgo inicial corregido, como el primer momento de Adam."""
    _check("beta", beta, 0.0, math.nextafter(1, 0))
    mean, out = np.zeros(values.shape[1:]), []
    for t, value in enumerate(values, start=1):
        mean = beta * mean + (1 - beta) * value
        out.append(mean / (1 - beta**t))
    return np.stack(out)


def suggest(
    rates: Float[np.ndarray, "t"], losses: Float[np.ndarray, "t"], *, beta: float = 0.9, skip: int = 10
) -> dict[str, float]:
    """Las tasas que proponen las dos reglas de uso común, según la pérdida suavizada de un barrido.

    ``"pendiente"`` es la tasa en que la pérdida baja más deprisa, respecto al logaritmo de la tasa, antes de llegar al
    mínimo; ``"mínimo/10"``, la décima parte de la tasa del mínimo. Los ``skip`` primeros valores no se miran: promedian
    tan pocos lotes que casi todo en ellos es ruido.

    Raises:
        ValueError: si después no quedan al menos dos pérdidas finitas.
    """
    stop = int(np.argmin(np.append(np.isfinite(losses), False)))  # la primera que no es finita
    if stop - skip < 2:
        found = max(stop - skip, 0)
        raise ValueError(f"hacen falta al menos dos pérdidas finitas después de las {skip} primeras; hay {found}")
    rates, curve = rates[skip:stop], smooth(losses[:stop], beta)[skip:]
    bottom = max(int(curve.argmin()), 1)
    slope = np.gradient(curve[: bottom + 1], np.log(rates[: bottom + 1]))
    return {"pendiente": float(rates[slope.argmin()]), "mínimo/10": float(rates[bottom] / 10)}


# --- Entrenar con un programa ---------------------------------------------------------------------------------------
