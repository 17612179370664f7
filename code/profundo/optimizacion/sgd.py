"""Descenso de gradiente estocástico: de dónde salen los lotes, cuánto ruido traen y qué hace el ruido.

Fuentes: Robbins y Monro (1951), la aproximación estocástica y las tasas que decrecen; Cochran (1977), el muestreo sin
reposición de una población finita; Bottou, Curtis y Nocedal (2018), el descenso estocástico; McCandlish y otros (2018),
la escala del ruido.

En qué nos apartamos de ellos: la covarianza estacionaria se resuelve exacta para mínimos cuadrados con reposición, sin
suponer que la tasa es pequeña ni que el ruido es normal.

Notación: ``n`` ejemplos, ``b`` los de un lote, ``p`` parámetros. ``lr`` es la tasa de aprendizaje, η en las fórmulas.
La varianza de un vector es la suma de las varianzas de sus coordenadas, la traza de su covarianza.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from itertools import islice
from typing import Literal, get_args

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.func import functional_call, grad, vmap
from torch.nn import functional as F

from profundo.fundamentos.mlp import MLP
from profundo.preparacion.pytorch import SGD

Order = Literal["reshuffle", "shuffle_once", "replacement", "fixed"]
Gradient = Callable[[np.ndarray, np.ndarray], np.ndarray]  # (pesos, índices del lote) → gradiente medio del lote

# --- El algoritmo ---------------------------------------------------------------------------------------------------


def batches(
    n: int, batch_size: int, *, order: Order = "reshuffle", drop_last: bool = False, seed: int = 0
) -> Iterator[Int[np.ndarray, "b"]]:
    """Los índices de cada lote, época tras época, sin fin.

    Args:
        n: cantidad de ejemplos; una época toma ``n`` índices.
        batch_size: ejemplos por lote; el último de cada época trae los que queden.
        order: ``"reshuffle"`` baraja en cada época; ``"shuffle_once"``, solo al empezar; ``"fixed"`` respeta el orden
            de los datos; ``"replacement"`` sortea cada ejemplo entre todos, así que en una época unos se repiten y
            otros faltan.
        drop_last: descarta el último lote de cada época si está incompleto.
        seed: semilla del azar.

    Raises:
        ValueError: si ``batch_size`` no está entre 1 y ``n`` u ``order`` no es uno de los cuatro.
    """
    if not 1 <= batch_size <= n:
        raise ValueError(f"batch_size debe estar entre 1 y n={n}; se recibió {batch_size}")
    if order not in get_args(Order):
        raise ValueError(f"order debe ser uno de {', '.join(get_args(Order))}; se recibió {order!r}")
    return _batches(n, batch_size, order, n - n % batch_size if drop_last else n, np.random.default_rng(seed))


def _batches(
    n: int, batch_size: int, order: Order, used: int, rng: np.random.Generator
) -> Iterator[Int[np.ndarray, "b"]]:
    rows = rng.permutation(n) if order == "shuffle_once" else np.arange(n)
    while True:
        if order == "reshuffle":
            rows = rng.permutation(n)
        elif order == "replacement":
            rows = rng.integers(n, size=n)
        for start in range(0, used, batch_size):
            yield rows[start : min(start + batch_size, used)]


def sgd(
    gradient: Gradient,
    w: Float[np.ndarray, "*shape"],
    rows: Iterable[np.ndarray],
    *,
    lr: float | Callable[[int], float],
    steps: int,
) -> Float[np.ndarray, "t *shape"]:
    """Los ``steps + 1`` pesos por los que pasa el descenso de gradiente estocástico.

    Args:
        gradient: ``(w, índices)`` → gradiente medio de esos ejemplos, con la forma de ``w``.
        w: pesos iniciales; no se modifican.
        rows: los índices de cada lote, como los da :func:`batches`.
        lr: tasa de aprendizaje, o una función que da la del paso ``t = 0, 1, …``.
        steps: cuántas actualizaciones.

    Raises:
        ValueError: si ``steps`` no es positivo, faltan lotes, una tasa es negativa o los pesos se desbordan.
    """
    if steps < 1:
        raise ValueError(f"steps debe ser un entero positivo; se recibió {steps}")
    path = [w.copy()]
    with np.errstate(over="ignore", invalid="ignore"):  # si se desborda, el mensaje es el de abajo
        for t, batch in enumerate(islice(rows, steps)):
            rate = lr(t) if callable(lr) else lr
            if not rate >= 0:
                raise ValueError(f"lr no debe ser negativa; en el paso {t} vale {rate}")
            path.append(path[-1] - rate * gradient(path[-1], batch))
    if len(path) <= steps:
        raise ValueError(f"rows debe traer al menos steps={steps} lotes; trae {len(path) - 1}")
    if not np.isfinite(path[-1]).all():
        raise ValueError("lr debe ser menor: los pesos se desbordan")
    return np.array(path)


# --- El ruido del gradiente -----------------------------------------------------------------------------------------


def example_gradients(
    model: nn.Module, loss_fn: Callable[[Tensor, Tensor], Tensor], x: Float[Tensor, "n ..."], y: Tensor
) -> Float[Tensor, "n p"]:
    """El gradiente de cada ejemplo por separado, con los parámetros de ``model`` puestos en fila.

    ``loss_fn`` recibe las salidas y las etiquetas de un lote y promedia, como las de PyTorch; aquí cada lote tiene un
    ejemplo. ``vmap`` deriva todos a la vez.

    Raises:
        ValueError: si ``x`` e ``y`` no tienen la misma cantidad de ejemplos.
    """
    if len(x) != len(y):
        raise ValueError(f"x e y deben tener la misma cantidad de ejemplos; tienen {len(x)} y {len(y)}")
    parameters = {name: p.detach() for name, p in model.named_parameters()}

    def loss(parameters: dict[str, Tensor], one_x: Tensor, one_y: Tensor) -> Tensor:
        return loss_fn(functional_call(model, parameters, (one_x[None],)), one_y[None])

    gradients = vmap(grad(loss), in_dims=(None, 0, 0))(parameters, x, y)
    return torch.cat([g.flatten(1) for g in gradients.values()], dim=1)


def gradient_variance(gradients: Float[Tensor, "n p"]) -> float:
    """σ²: la distancia cuadrática media entre el gradiente de un ejemplo y el de todos."""
    return (gradients - gradients.mean(0)).square().sum(1).mean().item()


def batch_variance(variance: float, batch_size: int, n: int | None = None) -> float:
    """La varianza del gradiente de un lote, si la de un ejemplo es ``variance``.

    Args:
        variance: la de un ejemplo, σ².
        batch_size: ejemplos por lote, todos distintos si se da ``n``.
        n: cantidad de ejemplos, para un muestreo sin reposición; con ``None``, hay reposición.

    Raises:
        ValueError: si ``variance`` es negativa o ``batch_size`` no es posible.
    """
    if variance < 0 or batch_size < 1:
        raise ValueError(f"se esperaban variance >= 0 y batch_size >= 1; se recibió {variance} y {batch_size}")
    if n is None:
        return variance / batch_size
    if batch_size > n:
        raise ValueError(f"batch_size no puede pasar de n={n} sin reposición; se recibió {batch_size}")
    return variance / batch_size * (n - batch_size) / max(n - 1, 1)


def noise_scale(gradients: Float[Tensor, "n p"]) -> float:
    """El lote en que el ruido y el gradiente miden lo mismo, σ² / ‖∇L‖² (McCandlish y otros, 2018)."""
    return gradient_variance(gradients) / gradients.mean(0).square().sum().item()


def stationary_covariance(
    x: Float[np.ndarray, "n p"], y: Float[np.ndarray, "n"], *, lr: float, batch_size: int
) -> Float[np.ndarray, "p p"]:
    """La covarianza de los pesos a la larga, en mínimos cuadrados con tasa constante y lotes con reposición.

    La pérdida es el error cuadrático medio. Un paso lleva la covarianza C a (I - ηH) C (I - ηH) más el ruido, que es
    lineal en C: la que se repite sale de un sistema de p² ecuaciones.

    Raises:
        ValueError: si las formas no corresponden, ``batch_size`` no es positivo o con esa tasa no hay equilibrio.
    """
    n, p = x.shape
    if y.shape != (n,) or lr <= 0 or batch_size < 1:
        raise ValueError(
            f"se esperaban y de forma ({n},), lr > 0 y batch_size >= 1; se recibió {y.shape}, {lr} y {batch_size}"
        )
    hessian = 2 * x.T @ x / n
    errors = x @ np.linalg.solve(hessian, 2 * x.T @ y / n) - y
    at_optimum = 4 * (x * errors[:, None] ** 2).T @ x / n
    decay = np.eye(p) - lr * hessian
    pairs = (x[:, :, None] * x[:, None, :]).reshape(n, -1)  # x xᵀ de cada ejemplo, en una fila
    spread = 4 * pairs.T @ pairs / n - np.kron(hessian, hessian)  # cuánto cambia la curvatura de un ejemplo a otro
    update = np.kron(decay, decay) + lr**2 / batch_size * spread
    if np.abs(np.linalg.eigvals(update)).max() >= 1:
        raise ValueError(f"lr debe ser menor: con {lr} y lotes de {batch_size}, la varianza crece sin límite")
    noise = lr**2 / batch_size * at_optimum
    return np.linalg.solve(np.eye(p * p) - update, noise.ravel()).reshape(p, p)


# --- Muchas redes a la vez ------------------------------------------------------------------------------------------

Parameters = Sequence[Float[Tensor, "c ..."]]  # W y b de cada capa, alternados, con una copia de la red por fila


def forward(parameters: Parameters, x: Float[Tensor, "c b d"]) -> Float[Tensor, "c b k"]:
    """Las salidas de ``c`` redes ReLU, cada una con sus entradas."""
    for k, (w, b) in enumerate(zip(parameters[::2], parameters[1::2], strict=True)):
        x = torch.baddbmm(b.unsqueeze(1), x.relu() if k else x, w.mT)
    return x


@torch.no_grad()
def accuracies(parameters: Parameters, x: Float[Tensor, "n d"], y: Int[Tensor, "n"]) -> Float[Tensor, "c"]:
    """La exactitud de cada red en los mismos ejemplos."""
    return (forward(parameters, x.expand(len(parameters[0]), -1, -1)).argmax(-1) == y).double().mean(1)


def train_grid(
    x: Float[Tensor, "n d"],
    y: Int[Tensor, "n"],
    watch: Callable[[Parameters], Tensor],
    *,
    sizes: Sequence[int],
    batch_size: int,
    rates: Sequence[float],
    seeds: Sequence[int],
    marks: Collection[int],
    order: Order = "reshuffle",
) -> Float[np.ndarray, "m r s"]:
    """Entrena una red por pareja de tasa y semilla, todas a la vez, con entropía cruzada y SGD.

    La semilla de una red fija sus pesos iniciales, los de :class:`MLP`, y el orden de sus lotes: con la misma semilla,
    dos redes solo se distinguen en la tasa.

    Args:
        watch: mide las redes y devuelve un número por red.
        sizes: unidades de cada capa.
        marks: después de qué actualizaciones se llama a ``watch``; la mayor es la última.

    Returns:
        Lo que midió ``watch``, por actualización, tasa y semilla.

    Raises:
        ValueError: si falta una tasa, una semilla o una marca, o alguna no es válida.
    """
    if not rates or not seeds or not marks or min(rates) <= 0 or min(marks) < 1:
        raise ValueError(f"rates, seeds y marks deben ser positivas y no vacías; llegaron {rates}, {seeds} y {marks}")
    streams = [batches(len(x), batch_size, order=order, seed=seed) for seed in seeds]
    parameters = [p.repeat(len(rates), *[1] * (p.ndim - 1)).requires_grad_() for p in initial(sizes, seeds, x.dtype)]
    weight = torch.tensor(rates, dtype=x.dtype).repeat_interleave(len(seeds))
    optimizer = SGD(parameters, lr=1.0)
    measured = []
    for step in range(1, max(marks) + 1):
        rows = torch.from_numpy(np.stack([next(stream) for stream in streams])).repeat(len(rates), 1)
        losses = F.cross_entropy(forward(parameters, x[rows]).transpose(1, 2), y[rows], reduction="none").mean(1)
        optimizer.zero_grad()
        # Multiplicar la pérdida de una red por su tasa multiplica su gradiente: basta un optimizador de tasa 1.
        (weight * losses).sum().backward()
        optimizer.step()
        if step in marks:
            measured.append(watch(parameters).reshape(len(rates), len(seeds)))
    return torch.stack(measured).numpy()


def initial(sizes: Sequence[int], seeds: Sequence[int], dtype: torch.dtype) -> list[Float[Tensor, "s ..."]]:
    """Los parámetros con que empieza una :class:`MLP` con cada semilla, apilados; el azar global no se altera."""
    nets = []
    with torch.random.fork_rng(devices=[]):
        for seed in seeds:
            torch.manual_seed(seed)
            nets.append(MLP(sizes).to(dtype))
    layers = [[p.detach() for pair in zip(net.weights, net.biases, strict=True) for p in pair] for net in nets]
    return [torch.stack(copies) for copies in zip(*layers, strict=True)]
