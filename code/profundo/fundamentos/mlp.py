"""El perceptrón multicapa: capas, regiones lineales, aproximación con lomas y el diente de sierra de Telgarsky.

Fuentes: Cybenko (1989), Hornik (1991) y Leshno y otros (1993), la aproximación universal; Montúfar y otros (2014), las
regiones lineales; Telgarsky (2016), el diente de sierra y la cuenta que separa profundidad y anchura.

En qué nos apartamos de ellos: la aproximación se construye con lomas triangulares de ReLU, no con un argumento de
existencia; las regiones se cuentan dentro de un recinto y una a una; y del resultado de Telgarsky, más general, queda
el caso de una entrada, donde basta contar tramos.

Notación: una red de tamaños ``(n_0, …, n_L)`` lleva de n_0 entradas a n_L salidas con L - 1 capas ocultas. ``x`` reúne
n ejemplos en sus filas. Los puntos suspensivos de una forma son copias independientes de la red.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise
from math import comb, prod

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

Activation = Callable[[Tensor], Tensor]
Loss = Callable[[Tensor, Tensor], Tensor]  # (salidas, etiquetas) → una pérdida por ejemplo, (..., n)


def step(z: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """El escalón: 1 si ``z`` es positivo y 0 si no. Su derivada es nula, así que no sirve para aprender."""
    return (z > 0).to(z.dtype)


class MLP(nn.Module):
    """Perceptrón multicapa: capas afines con una función de activación entre cada dos.

    Los pesos y sesgos de una capa con n entradas empiezan siendo uniformes entre -1/√n y 1/√n,
    como los de ``nn.Linear``.

    Args:
        sizes: unidades de cada capa, desde las entradas hasta las salidas.
        activation: se aplica a cada suma de las capas ocultas; la salida queda sin ella.
        copies: si se da, cuántas redes independientes guarda, para entrenarlas a la vez.

    Raises:
        ValueError: si hay menos de dos tamaños o alguno, o ``copies``, no es positivo.
    """

    def __init__(self, sizes: Sequence[int], activation: Activation = torch.relu, *, copies: int | None = None) -> None:
        if len(sizes) < 2 or min(sizes) < 1:
            raise ValueError(f"sizes debe tener al menos dos enteros positivos; se recibió {tuple(sizes)}")
        if copies is not None and copies < 1:
            raise ValueError(f"copies debe ser al menos 1; se recibió {copies}")
        super().__init__()
        lead = () if copies is None else (copies,)
        self.sizes, self.activation = tuple(sizes), activation
        self.weights, self.biases = nn.ParameterList(), nn.ParameterList()
        for n_in, n_out in pairwise(sizes):
            bound = n_in**-0.5
            self.weights.append(torch.empty(*lead, n_out, n_in).uniform_(-bound, bound))
            self.biases.append(torch.empty(*lead, n_out).uniform_(-bound, bound))

    def layers(self, x: Float[Tensor, "n d"]) -> list[Float[Tensor, "*copies n m"]]:
        """Lo que sale de cada capa: primero la entrada, luego las ocultas y al final la salida."""
        if x.ndim != 2 or x.shape[1] != self.sizes[0]:
            raise ValueError(f"x debe tener forma (n, {self.sizes[0]}); tiene {tuple(x.shape)}")
        outputs = [x]
        for w, b in zip(self.weights, self.biases, strict=True):
            z = outputs[-1] @ w.mT + b.unsqueeze(-2)
            outputs.append(self.activation(z) if len(outputs) < len(self.weights) else z)
        return outputs

    def forward(self, x: Float[Tensor, "n d"]) -> Float[Tensor, "*copies n m"]:
        """La salida de la última capa."""
        return self.layers(x)[-1]


def from_layers(layers: Sequence[tuple[np.ndarray, np.ndarray]], activation: Activation = torch.relu) -> MLP:
    """Una red con pesos elegidos: una pareja (W, b) por capa, de formas ``(salidas, entradas)`` y ``(salidas,)``.

    Raises:
        ValueError: si no hay capas o sus formas no encajan.
    """
    arrays = [(np.asarray(w, dtype=np.float64), np.asarray(b, dtype=np.float64)) for w, b in layers]
    shapes = [(w.shape, b.shape) for w, b in arrays]
    fits = all(w.ndim == 2 and b.shape == w.shape[:1] for w, b in arrays)
    if not arrays or not fits or any(len(b) != w.shape[1] for (_, b), (w, _) in pairwise(arrays)):
        raise ValueError(f"layers debe encadenar parejas (m, n) y (m,), con n la m anterior; tiene {shapes}")
    model = MLP([arrays[0][0].shape[1], *(len(b) for _, b in arrays)], activation).double()
    with torch.no_grad():
        for own_w, own_b, (w, b) in zip(model.weights, model.biases, arrays, strict=True):
            own_w.copy_(torch.from_numpy(w))
            own_b.copy_(torch.from_numpy(b))
    return model


def single_copy(model: MLP, index: int) -> MLP:
    """La copia número ``index`` de ``model``, como una red suelta en float64.

    Raises:
        ValueError: si ``model`` no tiene copias o ``index`` no es una de ellas.
    """
    count = len(model.weights[0]) if model.weights[0].ndim == 3 else 0
    if not 0 <= index < count:
        raise ValueError(
            f"index debe estar entre 0 y el número de copias menos 1; se recibió {index}, con {count} copias"
        )
    pairs = zip(model.weights, model.biases, strict=True)
    return from_layers([(w[index].detach().numpy(), b[index].detach().numpy()) for w, b in pairs], model.activation)


def logistic_loss(scores: Float[Tensor, "*copies n 1"], y: Float[Tensor, "n"]) -> Float[Tensor, "*copies n"]:
    """La entropía cruzada de cada ejemplo, con etiquetas 0 y 1: softplus(s) - y s."""
    s = scores.squeeze(-1)
    return F.softplus(s) - y * s


def squared_loss(outputs: Float[Tensor, "*copies n 1"], y: Float[Tensor, "n"]) -> Float[Tensor, "*copies n"]:
    """El cuadrado del error de cada ejemplo."""
    return (outputs.squeeze(-1) - y) ** 2


def fit(
    model: MLP,
    x: Float[Tensor, "n d"],
    y: Float[Tensor, "n"],
    loss_fn: Loss,
    *,
    epochs: int,
    lr: float,
    batch_size: int | None = None,
) -> Float[Tensor, "epochs *copies"]:
    """Entrena con Adam y devuelve la pérdida media de cada época, una por copia de la red.

    Sumar las pérdidas de las copias no las mezcla: la derivada de cada una solo llega a sus propios pesos.

    Raises:
        ValueError: si ``y`` no tiene un valor por fila de ``x``, o ``epochs``, ``lr`` o ``batch_size`` no es positivo.
    """
    if y.shape != (len(x),):
        raise ValueError(f"y debe tener forma ({len(x)},), un valor por fila de x; tiene {tuple(y.shape)}")
    if epochs < 1 or lr <= 0 or (batch_size is not None and batch_size < 1):
        raise ValueError(f"se esperaban positivos; se recibió epochs={epochs}, lr={lr}, batch_size={batch_size}")
    optimizer = torch.optim.Adam(model.parameters(), lr=lr, fused=True)
    history = []
    for _ in range(epochs):
        batches = torch.randperm(len(x)).split(batch_size) if batch_size else [slice(None)]
        total = torch.zeros(model.biases[0].shape[:-1])
        for rows in batches:
            losses = loss_fn(model(x[rows]), y[rows])
            optimizer.zero_grad()
            losses.mean(-1).sum().backward()
            optimizer.step()
            total = total + losses.detach().sum(-1)
        history.append(total / len(x))
    return torch.stack(history)


# --- Regiones lineales ----------------------------------------------------------------------------------------------


def _arrays(model: MLP) -> list[tuple[np.ndarray, np.ndarray]]:
    """Los pesos y sesgos de las capas ocultas, en float64."""
    if model.activation is not torch.relu or model.weights[0].ndim != 2:
        raise ValueError("model debe ser una sola red con activación torch.relu")
    pairs = list(zip(model.weights, model.biases, strict=True))[:-1]
    return [(w.detach().double().numpy(), b.detach().double().numpy()) for w, b in pairs]


def _zero(p: Float[np.ndarray, "m"], q: Float[np.ndarray, "m"], k: int) -> Float[np.ndarray, "m"]:
    """El punto entre ``p`` y ``q`` donde se anula la coordenada ``k``, que tiene signos contrarios en ellos."""
    t = p[k] / (p[k] - q[k])
    crossing = p + t * (q - p)
    crossing[k] = 0.0
    return crossing


def breakpoints(model: MLP, start: Float[np.ndarray, "d"], end: Float[np.ndarray, "d"]) -> Float[np.ndarray, "m"]:
    """Dónde se enciende o se apaga alguna unidad de una red ReLU entre ``start`` (0) y ``end`` (1), sin los extremos.

    Entre dos de esos puntos la red es lineal: hay ``m + 1`` tramos como mucho.

    Raises:
        ValueError: si la red no es ReLU o los extremos no tienen una coordenada por entrada.
    """
    layers = _arrays(model)
    if start.shape != (model.sizes[0],) or end.shape != start.shape:
        raise ValueError(f"start y end deben tener forma ({model.sizes[0]},); tienen {start.shape} y {end.shape}")
    t, h = np.array([0.0, 1.0]), np.stack([start, end]).astype(np.float64)
    for w, b in layers:
        rows = np.column_stack([h @ w.T + b, t])  # la posición viaja con las sumas de la capa
        for k in range(len(b)):
            flips = [i for i in range(len(rows) - 1) if rows[i, k] * rows[i + 1, k] < 0]
            if flips:
                new = [_zero(rows[i], rows[i + 1], k) for i in flips]
                rows = np.insert(rows, [i + 1 for i in flips], new, axis=0)
        h, t = np.maximum(rows[:, :-1], 0), rows[:, -1]
    return t[1:-1]


def linear_regions(model: MLP, corners: Float[np.ndarray, "c 2"]) -> list[Float[np.ndarray, "_ 2"]]:
    """Los polígonos en que una red ReLU de dos entradas parte el polígono convexo ``corners``.

    Dentro de cada uno no se enciende ni se apaga ninguna unidad, así que la red es afín. Una unidad corta los polígonos
    en los que su suma cambia de signo; como ahí dentro la suma es afín, basta mirarla en los vértices.

    Raises:
        ValueError: si la red no es ReLU de dos entradas o ``corners`` no son al menos tres puntos del plano.
    """
    layers = _arrays(model)
    if model.sizes[0] != 2:
        raise ValueError(f"model debe tener 2 entradas; tiene {model.sizes[0]}")
    if corners.ndim != 2 or corners.shape[1] != 2 or len(corners) < 3:
        raise ValueError(f"corners debe tener forma (c, 2) con c >= 3; tiene {corners.shape}")
    cells = [(corners.astype(np.float64), corners.astype(np.float64))]  # vértices y salida de la capa en ellos
    for w, b in layers:
        polygons = [np.hstack([h @ w.T + b, vertices]) for vertices, h in cells]
        for k in range(len(b)):
            polygons = [part for polygon in polygons for part in _split(polygon, k)]
        cells = [(p[:, -2:], np.maximum(p[:, :-2], 0)) for p in polygons]
    return [vertices for vertices, _ in cells]


def _split(polygon: Float[np.ndarray, "m c"], k: int) -> list[Float[np.ndarray, "_ c"]]:
    """Parte un polígono convexo, un vértice por fila, por donde se anula su columna ``k``."""
    z = polygon[:, k]
    if not (z.min() < 0 < z.max()):
        return [polygon]
    sides: dict[int, list[np.ndarray]] = {-1: [], 1: []}
    for i, p in enumerate(polygon):
        q = polygon[(i + 1) % len(polygon)]
        for sign, side in sides.items():
            if sign * p[k] >= 0:
                side.append(p)
            if p[k] * q[k] < 0:
                side.append(_zero(p, q, k))
    return [np.array(side) for side in sides.values()]


def region_bound(sizes: Sequence[int]) -> int:
    """Cuántas regiones lineales puede tener, como mucho, una red ReLU de esos tamaños.

    En dimensión d, n hiperplanos forman como mucho Σ C(n, i) regiones, con i de 0 a d (Schläfli), y cada capa puede
    partir así cada región que recibe.

    Raises:
        ValueError: si no hay entradas, capa oculta y salidas, o algún tamaño no es positivo.
    """
    if len(sizes) < 3 or min(sizes) < 1:
        raise ValueError(f"sizes debe tener al menos tres enteros positivos; se recibió {tuple(sizes)}")
    return prod(sum(comb(n, i) for i in range(sizes[0] + 1)) for n in sizes[1:-1])


# --- Redes construidas ----------------------------------------------------------------------------------------------


def bump_network(values: Float[np.ndarray, "k"]) -> MLP:
    """Suma de lomas triangulares: la red que vale ``values[i]`` en el punto i/(k - 1) y es recta entre dos puntos.

    Cada loma son tres ReLU, con coeficientes 1, -2 y 1; las de lomas vecinas se comparten, y quedan k + 2 unidades.

    Raises:
        ValueError: si ``values`` no es un vector de al menos dos números finitos.
    """
    if values.ndim != 1 or len(values) < 2 or not np.isfinite(values).all():
        raise ValueError(f"values debe ser un vector finito de al menos 2 números; tiene forma {values.shape}")
    n = len(values) - 1
    kinks = np.arange(-1, n + 2) / n
    padded = np.pad(values.astype(np.float64), 2)
    slopes = n * (padded[:-2] - 2 * padded[1:-1] + padded[2:])  # cuánto cambia la pendiente en cada quiebre
    return from_layers([(np.ones((n + 3, 1)), -kinks), (slopes[None], np.zeros(1))])


def tent_network(k: int) -> MLP:
    """La tienda T(x) = 2 ReLU(x) - 4 ReLU(x - 1/2) compuesta k veces: k capas de dos unidades y 2ᵏ tramos en [0, 1].

    Raises:
        ValueError: si ``k`` no es positivo.
    """
    if k < 1:
        raise ValueError(f"k debe ser un entero positivo; se recibió {k}")
    shift, tent = np.array([0.0, -0.5]), np.array([[2.0, -4.0]])
    inner = [(np.vstack([tent, tent]), shift)] * (k - 1)
    return from_layers([(np.ones((2, 1)), shift), *inner, (tent, np.zeros(1))])


def min_mistakes(sizes: Sequence[int], n: int) -> int:
    """Cuántos de n puntos de clases alternas falla, como mínimo, una red ReLU de una entrada con esos tamaños.

    Con un corte en la salida, m tramos dan como mucho m + 1 grupos de puntos seguidos con la misma respuesta.

    Raises:
        ValueError: si la red no tiene una entrada, una salida y alguna capa oculta, o ``n`` no es positivo.
    """
    groups = region_bound(sizes) + 1
    if n < 1 or sizes[0] != 1 or sizes[-1] != 1:
        raise ValueError(f"se esperaban una entrada, una salida y n >= 1; se recibió sizes={tuple(sizes)}, n={n}")
    return max(0, -(-(n - groups) // 2))
