"""Descenso de gradiente con todos los datos: tasa fija o con retroceso, criterios de parada y curvaturas.

Fuentes: Cauchy (1847), el método; Armijo (1966), el retroceso; Rosenbrock (1960), el valle que lleva su nombre; Cohen y
otros (2021), la mayor curvatura durante un entrenamiento.

En qué nos apartamos de Armijo: cada búsqueda empieza un peldaño por encima de la tasa anterior, para que también pueda
crecer, y no en un valor fijo.

Notación: ``fun`` recibe los parámetros ``w``, un arreglo de cualquier forma, y devuelve ``(valor, gradiente)``.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.utils import parameters_to_vector, vector_to_parameters

Function = Callable[[np.ndarray], tuple[float, np.ndarray]]
StepRule = Callable[[Function, np.ndarray, float, np.ndarray], float]  # (fun, w, valor, gradiente) → tasa
LossFn = Callable[[Tensor, Tensor], Tensor]  # (salidas, etiquetas) → la pérdida media

# --- El descenso ----------------------------------------------------------------------------------------------------


@dataclass
class Descent:
    """La historia de un descenso: lo que se midió en cada punto, el inicial incluido, y por qué se detuvo."""

    points: list[np.ndarray] = field(default_factory=list)
    values: list[float] = field(default_factory=list)
    norms: list[float] = field(default_factory=list)  # la norma del gradiente en cada punto
    rates: list[float] = field(default_factory=list)  # la tasa de cada paso: una menos que puntos
    reason: str = "agotó los pasos"

    @property
    def path(self) -> Float[np.ndarray, "t *shape"]:
        """Todos los puntos en un arreglo."""
        return np.stack(self.points)

    @property
    def steps(self) -> int:
        """Cuántos pasos dio."""
        return len(self.rates)


StopRule = Callable[[Descent], str]  # devuelve el motivo para parar, o "" para seguir


@np.errstate(over="ignore", invalid="ignore")  # si diverge, lo dice el motivo
def gradient_descent(
    fun: Function, w: Float[np.ndarray, "*shape"], *, lr: float | StepRule, steps: int, stop: Sequence[StopRule] = ()
) -> Descent:
    """Baja desde ``w`` contra el gradiente de ``fun`` hasta agotar ``steps`` o hasta que pare alguna regla de ``stop``.

    Args:
        lr: la tasa de aprendizaje, o una regla que la elige en cada paso, como ``Backtracking``.

    Raises:
        ValueError: si ``steps`` es negativo, una tasa no es positiva o ``w`` y el gradiente tienen formas distintas.
    """
    if steps < 0 or (not callable(lr) and not 0 < lr < np.inf):
        raise ValueError(f"se esperaban steps >= 0 y lr positiva y finita; se recibió steps={steps}, lr={lr}")
    run = Descent()
    while True:
        value, gradient = fun(w)
        if gradient.shape != w.shape:
            raise ValueError(f"el gradiente de fun debe tener la forma de w, {w.shape}; tiene {gradient.shape}")
        run.points.append(w)
        run.values.append(value)
        run.norms.append(float(np.linalg.norm(gradient)))
        if not np.isfinite(value) or not np.isfinite(run.norms[-1]):
            run.reason = "diverge"
            return run
        for rule in stop:
            if reason := rule(run):
                run.reason = reason
                return run
        if run.steps == steps:
            return run
        rate = lr(fun, w, value, gradient) if callable(lr) else lr
        w = w - rate * gradient
        run.rates.append(rate)


# --- Criterios de parada --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class GradientBelow:
    """Para cuando la norma del gradiente no supera ``tol``."""

    tol: float

    def __call__(self, run: Descent) -> str:
        return "gradiente pequeño" if run.norms[-1] <= self.tol else ""


@dataclass(frozen=True)
class ChangeBelow:
    """Para cuando un paso cambia el valor de la función en una fracción ``tol`` o menos."""

    tol: float

    def __call__(self, run: Descent) -> str:
        if run.steps == 0:
            return ""
        before, now = run.values[-2:]
        return "cambio pequeño" if abs(before - now) <= self.tol * abs(now) else ""


@dataclass
class NoImprovement:
    """Para cuando ``score``, que se quiere pequeña, lleva ``patience`` pasos sin mejorar; ``best`` es su mejor paso."""

    score: Callable[[np.ndarray], float]
    patience: int
    scores: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        if self.patience < 1:
            raise ValueError(f"patience debe ser al menos 1; se recibió {self.patience}")

    @property
    def best(self) -> int:
        return int(np.argmin(self.scores))

    def __call__(self, run: Descent) -> str:
        if run.steps == 0:
            self.scores.clear()
        self.scores.append(self.score(run.points[-1]))
        return "sin mejora" if run.steps - self.best >= self.patience else ""


# --- La tasa --------------------------------------------------------------------------------------------------------


def contraction(curvatures: Float[np.ndarray, "*d"], lr: float) -> Float[np.ndarray, "*d"]:
    """|1 - ηλ|: por cuánto multiplica cada paso el error en una dirección de curvatura λ."""
    return np.abs(1 - lr * curvatures)


def best_rate(smallest: float, largest: float) -> tuple[float, float]:
    """La mejor tasa fija si las curvaturas van de ``smallest`` a ``largest``, y el factor por paso que consigue.

    Raises:
        ValueError: si no se cumple 0 < smallest <= largest.
    """
    if not 0 < smallest <= largest < np.inf:
        raise ValueError(f"se esperaba 0 < smallest <= largest, finito; se recibió {smallest} y {largest}")
    return 2 / (largest + smallest), (largest - smallest) / (largest + smallest)


@dataclass
class Backtracking:
    """Búsqueda con retroceso (Armijo, 1966): encoge la tasa hasta que el valor baja lo bastante.

    Args:
        initial: la primera tasa que prueba.
        shrink: por cuánto la multiplica si no sirve, en (0, 1).
        decrease: qué fracción de la bajada que promete el gradiente exige, en (0, 1).

    Raises:
        ValueError: si un argumento está fuera de rango o, al llamarla, si ninguna tasa baja el valor.
    """

    initial: float = 1.0
    shrink: float = 0.5
    decrease: float = 0.5
    trials: int = 0  # cuántas veces ha evaluado la función

    def __post_init__(self) -> None:
        if self.initial <= 0 or not 0 < self.shrink < 1 or not 0 < self.decrease < 1:
            raise ValueError(f"se esperaban initial > 0 y shrink y decrease entre 0 y 1; se recibió {self}")
        self._rate = self.shrink * self.initial

    def __call__(self, fun: Function, w: np.ndarray, value: float, gradient: np.ndarray) -> float:
        rate, slope = self._rate / self.shrink, float((gradient**2).sum())
        # Tan cerca del mínimo que el redondeo puede esconder la bajada.
        near = rate * slope**0.5 < 1e-8 * (1 + np.linalg.norm(w)) or self.decrease * rate * slope < 1e-10 * abs(value)
        while (goal := value - self.decrease * rate * slope) < value:
            self.trials += 1
            if fun(w - rate * gradient)[0] <= goal:
                self._rate = rate
                return rate
            rate *= self.shrink
        if not near:
            raise ValueError("ninguna tasa baja el valor: el gradiente de fun no es el de su valor")
        return rate


# --- La curvatura ---------------------------------------------------------------------------------------------------


def hessian_product(
    fun: Function, w: Float[np.ndarray, "*shape"], v: Float[np.ndarray, "*shape"]
) -> Float[np.ndarray, "*shape"]:
    """H v, sin formar la hessiana H: cuánto cambia el gradiente al moverse en la dirección ``v``.

    Raises:
        ValueError: si ``v`` no tiene la forma de ``w`` o es nulo.
    """
    length = float(np.linalg.norm(v))
    if v.shape != w.shape or not 0 < length < np.inf:
        raise ValueError(f"v debe ser finito, no nulo y de forma {w.shape}; tiene forma {v.shape} y norma {length}")
    h = 1e-5 * (1 + float(np.linalg.norm(w))) / length
    return (fun(w + h * v)[1] - fun(w - h * v)[1]) / (2 * h)


def top_curvature(
    fun: Function,
    w: Float[np.ndarray, "*shape"],
    *,
    start: Float[np.ndarray, "*shape"] | None = None,
    tol: float = 1e-6,
    max_iterations: int = 500,
) -> tuple[float, Float[np.ndarray, "*shape"]]:
    """El autovalor de la hessiana de mayor módulo y su dirección, por el método de la potencia.

    Args:
        start: dirección inicial; al azar si no se da. La de un punto vecino ahorra iteraciones.
        tol: se detiene cuando el autovalor cambia menos que esta fracción.

    Raises:
        ValueError: si ``max_iterations`` no es positivo o ``start`` no tiene la forma de ``w``.
    """
    if max_iterations < 1:
        raise ValueError(f"max_iterations debe ser al menos 1; se recibió {max_iterations}")
    v = np.random.default_rng(0).normal(size=w.shape) if start is None else start
    curvature = np.inf
    for _ in range(max_iterations):
        v = v / np.linalg.norm(v)
        product = hessian_product(fun, w, v)
        before, curvature = curvature, float((v * product).sum())
        if not product.any() or abs(curvature - before) <= tol * abs(curvature):
            break
        v = product
    return curvature, v / np.linalg.norm(v)


# --- Lo que se minimiza ---------------------------------------------------------------------------------------------


def saddle(w: Float[Tensor, "*b 2"]) -> Float[Tensor, "*b"]:
    """Una silla en el origen, entre dos mínimos de valor 0 en (0, -1) y (0, 1)."""
    return w[..., 0] ** 2 / 2 + (w[..., 1] ** 2 - 1) ** 2 / 4


def rosenbrock(w: Float[Tensor, "*b 2"]) -> Float[Tensor, "*b"]:
    """El valle curvo de Rosenbrock (1960); mínimo 0 en (1, 1)."""
    return (1 - w[..., 0]) ** 2 + 100 * (w[..., 1] - w[..., 0] ** 2) ** 2


def differentiate(surface: Callable[[Tensor], Tensor]) -> Function:
    """Hace de una superficie de PyTorch ``fun``; si da un valor por punto, los suma y cada uno baja por su cuenta."""

    def fun(w: np.ndarray) -> tuple[float, np.ndarray]:
        point = torch.tensor(w, requires_grad=True)
        value = surface(point).sum()
        return value.item(), torch.autograd.grad(value, point)[0].numpy()

    return fun


def network_loss(model: nn.Module, loss_fn: LossFn, x: Float[Tensor, "n d"], y: Tensor) -> Function:
    """La pérdida media como función del vector de parámetros de ``model``, que se quedan en el último evaluado."""
    parameters = list(model.parameters())

    def fun(w: np.ndarray) -> tuple[float, np.ndarray]:
        vector_to_parameters(torch.tensor(w, dtype=parameters[0].dtype), parameters)
        loss = loss_fn(model(x), y)
        return loss.item(), parameters_to_vector(torch.autograd.grad(loss, parameters)).numpy()

    return fun


def train(
    model: nn.Module, loss_fn: LossFn, x: Float[Tensor, "n d"], y: Tensor, *, lr: float, steps: int
) -> list[float]:
    """El bucle de entrenamiento: ``steps`` pasos con todos los ejemplos; devuelve la pérdida antes de cada uno.

    Raises:
        ValueError: si ``lr`` no es positiva o ``steps`` es negativo.
    """
    if lr <= 0 or steps < 0:
        raise ValueError(f"se esperaban lr > 0 y steps >= 0; se recibió lr={lr}, steps={steps}")
    losses = []
    for _ in range(steps):
        loss = loss_fn(model(x), y)  # 1. predecir y medir
        loss.backward()  # 2. derivar: deja en p.grad la derivada respecto de cada parámetro
        with torch.no_grad():  # 3. dar el paso, que no forma parte de lo que se deriva
            for p in model.parameters():
                if p.grad is not None:
                    p.sub_(lr * p.grad)
        model.zero_grad()  # 4. borrar los gradientes, que si no se suman a los siguientes
        losses.append(loss.item())
    return losses
