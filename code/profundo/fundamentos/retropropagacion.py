"""Retropropagación a mano: la ida y la vuelta de un perceptrón multicapa, con NumPy y sin motor de derivadas.

Fuente: Rumelhart, Hinton y Williams (1986). En qué nos apartamos: la pérdida es la entropía cruzada del softmax, y no
el error cuadrático de unas sigmoides; los ejemplos se procesan por lotes, uno por fila; y los pesos tienen la forma de
``torch.nn.Linear``, una fila por unidad.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import DTypeLike

from profundo.fundamentos.clasificacion_lineal import log_softmax, sigmoid, softmax

Gradients = list[np.ndarray]  # en el orden de ``MLP.parameters``


@dataclass(frozen=True)
class Activation:
    """Una función que se aplica número a número.

    Args:
        function: la salida ``a`` para cada entrada ``z``.
        slope: la derivada respecto de ``z``, escrita con la salida ``a``: así no hace falta guardar ``z``.
        gain: los pesos iniciales tienen desviación típica ``gain / √entradas``.
    """

    function: Callable[[np.ndarray], np.ndarray]
    slope: Callable[[np.ndarray], np.ndarray]
    gain: float = 1.0


ACTIVATIONS = {
    "relu": Activation(lambda z: np.maximum(z, 0), lambda a: a > 0, gain=2**0.5),
    "tanh": Activation(np.tanh, lambda a: 1 - a * a),
    "sigmoid": Activation(sigmoid, lambda a: a * (1 - a)),
}


class MLP:
    """Perceptrón multicapa: capas afines, con una activación entre cada dos.

    Args:
        sizes: números de cada capa, de la entrada a los puntajes: ``(784, 128, 64, 10)`` tiene tres capas de pesos.
        activation: una clave de ``ACTIVATIONS`` o una ``Activation``.
        seed: la semilla de los pesos iniciales; los sesgos empiezan en cero.
        dtype: el tipo de los parámetros.

    Attributes:
        weights: una matriz ``(salidas, entradas)`` por capa.
        biases: un vector ``(salidas,)`` por capa.

    Raises:
        ValueError: si hay menos de dos tamaños, alguno no es positivo o no existe la activación.
    """

    def __init__(
        self,
        sizes: Sequence[int],
        *,
        activation: str | Activation = "relu",
        seed: int = 0,
        dtype: DTypeLike = np.float32,
    ) -> None:
        if len(sizes) < 2 or min(sizes) < 1:
            raise ValueError(f"sizes debe tener al menos dos tamaños positivos; se recibió {tuple(sizes)}")
        if isinstance(activation, str) and activation not in ACTIVATIONS:
            raise ValueError(f"activation debe ser una de {', '.join(ACTIVATIONS)}; se recibió {activation!r}")
        self.activation = ACTIVATIONS[activation] if isinstance(activation, str) else activation
        rng, gain = np.random.default_rng(seed), self.activation.gain
        shapes = [(m, n) for n, m in pairwise(sizes)]
        self.weights = [rng.normal(scale=gain / n**0.5, size=(m, n)).astype(dtype) for m, n in shapes]
        self.biases = [np.zeros(m, dtype) for m, _ in shapes]

    @property
    def parameters(self) -> list[np.ndarray]:
        """Matriz y sesgo de cada capa: ``[W1, b1, W2, b2, …]``."""
        return [p for layer in zip(self.weights, self.biases, strict=True) for p in layer]

    def forward(self, x: Float[np.ndarray, "n d"]) -> list[Float[np.ndarray, "n _"]]:
        """La ida: lo que sale de cada capa, ``[x, a1, …, puntajes]``.

        Raises:
            ValueError: si ``x`` no tiene la forma ``(n, entradas)``.
        """
        if x.ndim != 2 or x.shape[1] != self.weights[0].shape[1]:
            raise ValueError(f"x debe tener forma (n, {len(self.weights[0].T)}); tiene {x.shape}")
        outputs = [x]
        for w, b in zip(self.weights, self.biases, strict=True):
            z = outputs[-1] @ w.T + b
            last = len(outputs) == len(self.weights)
            outputs.append(z if last else self.activation.function(z))
        return outputs

    def predict(self, x: Float[np.ndarray, "n d"]) -> Int[np.ndarray, "n"]:
        """La clase con mayor puntaje de cada ejemplo."""
        return self.forward(x)[-1].argmax(axis=1)

    def deltas(
        self,
        outputs: list[np.ndarray],
        delta: Float[np.ndarray, "n k"],
    ) -> list[Float[np.ndarray, "n _"]]:
        """La vuelta: con el delta de los puntajes, el de cada capa, en orden."""
        deltas = [delta]
        for w, a in zip(self.weights[:0:-1], outputs[-2:0:-1], strict=True):
            deltas.append((deltas[-1] @ w) * self.activation.slope(a))
        return deltas[::-1]

    def backward(
        self,
        outputs: list[np.ndarray],
        delta: Float[np.ndarray, "n k"],
    ) -> Gradients:
        """Los gradientes, en el orden de ``parameters``, con lo que dio ``forward``."""
        gradients = []
        for d, a in zip(self.deltas(outputs, delta), outputs[:-1], strict=True):
            gradients += [d.T @ a, d.sum(axis=0)]
        return gradients


def cross_entropy(
    logits: Float[np.ndarray, "n k"], target: Int[np.ndarray, "n"]
) -> tuple[float, Float[np.ndarray, "n k"]]:
    """Entropía cruzada media, en nats, y el delta de los puntajes.

    Raises:
        ValueError: si las formas no corresponden o ``target`` no son clases.
    """
    if logits.ndim != 2 or target.shape != logits.shape[:1] or not len(target):
        shapes = f"{logits.shape} y {target.shape}"
        raise ValueError(f"se esperaban logits (n, k) y target (n,); tienen formas {shapes}")
    k = logits.shape[1]
    if target.dtype.kind not in "iu" or target.min() < 0 or target.max() >= k:
        raise ValueError(f"target debe contener clases enteras entre 0 y {k - 1}")
    log_p, chosen = log_softmax(logits), (np.arange(len(target)), target)
    delta = np.exp(log_p)
    delta[chosen] -= 1
    return -float(log_p[chosen].mean()), delta / len(target)


def example_gradients(net: MLP, x: Float[np.ndarray, "d"], target: int) -> Gradients:
    """Las cuatro ecuaciones, al pie de la letra, con un ejemplo y su clase."""
    f = net.activation
    *hidden, last = zip(net.weights, net.biases, strict=True)
    a = [x]
    for w, b in hidden:
        a.append(f.function(w @ a[-1] + b))
    w, b = last
    delta = softmax((w @ a[-1] + b)[None])[0]
    delta[target] -= 1  # salida
    gradients: Gradients = []
    for k in reversed(range(len(net.weights))):
        gradients = [np.outer(delta, a[k]), delta, *gradients]  # pesos y sesgos
        if k:
            delta = (net.weights[k].T @ delta) * f.slope(a[k])  # atrás
    return gradients


def loss_and_gradients(net: MLP, x: Float[np.ndarray, "n d"], y: Int[np.ndarray, "n"]) -> tuple[float, Gradients]:
    """La entropía cruzada media del lote y sus derivadas: una ida y una vuelta."""
    outputs = net.forward(x)
    loss, delta = cross_entropy(outputs[-1], y)
    return loss, net.backward(outputs, delta)


def train(
    net: MLP,
    x: Float[np.ndarray, "n d"],
    y: Int[np.ndarray, "n"],
    *,
    epochs: int,
    lr: float = 0.1,
    batch_size: int = 50,
    seed: int = 0,
) -> Float[np.ndarray, "steps"]:
    """Descenso de gradiente por lotes, barajados en cada época. Cambia ``net``; devuelve la pérdida de cada paso.

    Raises:
        ValueError: si ``epochs``, ``lr`` o ``batch_size`` no son positivos.
    """
    if epochs < 1 or lr <= 0 or batch_size < 1:
        raise ValueError(f"epochs, lr y batch_size deben ser positivos; llegaron {epochs}, {lr} y {batch_size}")
    rng, losses = np.random.default_rng(seed), []
    for _ in range(epochs):
        order = rng.permutation(len(y))
        for start in range(0, len(y), batch_size):
            rows = order[start : start + batch_size]
            loss, gradients = loss_and_gradients(net, x[rows], y[rows])
            losses.append(loss)
            for p, g in zip(net.parameters, gradients, strict=True):
                p -= lr * g
    return np.array(losses)


def gradient_errors(
    net: MLP,
    x: Float[np.ndarray, "n d"],
    y: Int[np.ndarray, "n"],
    *,
    eps: float = 1e-6,
    directions: int = 3,
    seed: int = 0,
) -> Float[np.ndarray, "parameters"]:
    """El error relativo del gradiente de cada parámetro, con diferencias centradas.

    Mueve todos los números de un parámetro a la vez, cada uno ``eps`` hacia un lado
    al azar, y se queda con el mayor error de varias direcciones.

    Raises:
        ValueError: si los parámetros de ``net`` no son float64.
    """
    if any(p.dtype != np.float64 for p in net.parameters):
        raise ValueError("net debe tener parámetros float64: usa dtype=np.float64")
    rng, errors = np.random.default_rng(seed), []
    _, gradients = loss_and_gradients(net, x, y)
    for p, g in zip(net.parameters, gradients, strict=True):
        start, differences = p.copy(), []
        for _ in range(directions):
            v, losses = rng.choice([-1.0, 1.0], size=p.shape), []
            for sign in (1, -1):
                p[...] = start + sign * eps * v
                losses.append(cross_entropy(net.forward(x)[-1], y)[0])
            numeric = (losses[0] - losses[1]) / (2 * eps)
            differences.append(abs(numeric - (g * v).sum()))
        p[...] = start
        errors.append(max(differences) / max(float(np.linalg.norm(g)), 1e-12))
    return np.array(errors)


class Cost(NamedTuple):
    """Multiplicaciones (cada una con su suma) de los productos de matrices de un paso."""

    forward: int
    deltas: int
    gradients: int

    @property
    def ratio(self) -> float:
        """Cuántas idas cuesta la vuelta."""
        return (self.deltas + self.gradients) / self.forward


def count_products(sizes: Sequence[int], n: int = 1) -> Cost:
    """El coste de un lote de ``n``: un producto por capa en la ida y dos en la vuelta.

    La primera capa hace solo uno en la vuelta: nadie usa el gradiente de la entrada.

    Raises:
        ValueError: si hay menos de dos tamaños o algo no es positivo.
    """
    if len(sizes) < 2 or min(*sizes, n) < 1:
        got = f"{tuple(sizes)} y {n}"
        raise ValueError(f"se esperaban dos o más tamaños y n, positivos; llegaron {got}")
    layers = [n * a * b for a, b in pairwise(sizes)]
    return Cost(forward=sum(layers), deltas=sum(layers[1:]), gradients=sum(layers))
