"""Funciones de activación: cada una con su derivada escrita a mano, y cómo medir lo que le hacen a una red.

Fuentes: Glorot, Bordes y Bengio (2011), ReLU y softplus; Maas, Hannun y Ng (2013), leaky ReLU; He y otros (2015),
PReLU; Clevert, Unterthiner y Hochreiter (2016), ELU; Klambauer y otros (2017), SELU; Hendrycks y Gimpel (2016), GELU;
Elfwing, Uchibe y Doya (2018), SiLU; Bridle (1990), softmax y su jacobiana.

Nombres y argumentos son los de ``torch.nn``. Diferencias: la derivada de la sigmoide no se anula al redondear, softmax
admite temperatura y PReLU aprende una sola pendiente. ``z`` es la suma que llega y ``g``, el gradiente de la salida.
"""

from collections.abc import Iterator
from math import exp, pi, sqrt
from typing import Any, Literal

import torch
from jaxtyping import Bool, Float, Int
from scipy.stats import norm
from torch import Tensor, nn
from torch.nn import functional as F

from profundo.fundamentos.mlp import MLP, step


class _WithDerivative(torch.autograd.Function):
    """Enseña a autograd la derivada de una activación: la que está escrita en ella."""

    @staticmethod
    def forward(ctx: Any, z: Tensor, activation: "Activation", *parameters: Tensor) -> Tensor:
        ctx.save_for_backward(z)
        ctx.activation = activation
        return activation.value(z)

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        (g,), (z,) = grads, ctx.saved_tensors
        return g * ctx.activation.derivative(z), None, *ctx.activation.parameter_gradients(z, g)


class Activation(nn.Module):
    """Una función que se aplica número a número: cada subclase escribe su valor y su derivada.

    Raises:
        TypeError: al llamarla, si la entrada no es un tensor de números en coma flotante.
    """

    def value(self, z: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        """σ(z)."""
        raise NotImplementedError

    def derivative(self, z: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        """σ'(z), y en una esquina, la pendiente de la izquierda, como PyTorch."""
        raise NotImplementedError

    def parameter_gradients(self, z: Float[Tensor, "*shape"], g: Float[Tensor, "*shape"]) -> tuple[Tensor, ...]:
        """El gradiente de cada parámetro, si los hay, cuando a la salida le llega ``g``."""
        return ()

    def forward(self, z: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        if not z.is_floating_point():
            raise TypeError(f"se esperaba un tensor en coma flotante; se recibió uno de tipo {z.dtype}")
        return _WithDerivative.apply(z, self, *self.parameters())


class Step(Activation):
    """El escalón."""

    def value(self, z: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        return step(z)

    def derivative(self, z: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        return torch.zeros_like(z)


class Sigmoid(Activation):
    """1 / (1 + e⁻ᶻ), con una exponencial que nunca desborda: la de -|z|."""

    def value(self, z: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        small = torch.exp(-z.abs())
        return torch.where(z >= 0, 1, small) / (1 + small)

    def derivative(self, z: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        return self.value(z) * self.value(-z)  # 1 - σ(z) se redondearía a cero con z grande


class Tanh(Activation):
    """Una sigmoide entre -1 y 1: tanh z = 2σ(2z) - 1."""

    def value(self, z: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        return torch.tanh(z)

    def derivative(self, z: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        return 1 - torch.tanh(z) ** 2


class ReLU(Activation):
    """max(0, z)."""

    def value(self, z: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        return z.clamp(min=0)

    def derivative(self, z: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        return (z > 0).to(z.dtype)


class LeakyReLU(Activation):
    """ReLU con una pendiente pequeña a la izquierda."""

    def __init__(self, negative_slope: float = 0.01) -> None:
        super().__init__()
        if not 0 <= negative_slope < 1:
            raise ValueError(f"negative_slope debe ser al menos 0 y menor que 1; se recibió {negative_slope}")
        self.negative_slope = negative_slope

    def value(self, z: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        return torch.maximum(z, self.negative_slope * z)

    def derivative(self, z: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        return torch.where(z > 0, torch.ones_like(z), self.negative_slope)


class PReLU(Activation):
    """Leaky ReLU con una pendiente, ``weight``, que se aprende; toda la red comparte la misma."""

    def __init__(self, init: float = 0.25) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor([init]))

    def value(self, z: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        return torch.where(z > 0, z, self.weight * z)

    def derivative(self, z: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        return torch.where(z > 0, 1, self.weight)

    def parameter_gradients(self, z: Float[Tensor, "*shape"], g: Float[Tensor, "*shape"]) -> tuple[Tensor, ...]:
        return ((g * z.clamp(max=0)).sum().reshape(1),)  # la pendiente es de todos: sus derivadas se suman


class ELU(Activation):
    """z a la derecha; a la izquierda, una exponencial que baja hasta ``-alpha``."""

    def __init__(self, alpha: float = 1.0, scale: float = 1.0) -> None:
        super().__init__()
        if alpha <= 0 or scale <= 0:
            raise ValueError(f"alpha y scale deben ser positivos; se recibió alpha={alpha}, scale={scale}")
        self.alpha, self.scale = alpha, scale

    def value(self, z: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        return self.scale * torch.where(z > 0, z, self.alpha * torch.expm1(z.clamp(max=0)))

    def derivative(self, z: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        return self.scale * torch.where(z > 0, 1, self.alpha * torch.exp(z.clamp(max=0)))


def selu_constants() -> tuple[float, float]:
    """Los ``(alpha, scale)`` con los que ELU lleva una normal de media 0 y varianza 1 a otra media 0 y varianza 1.

    Si z es normal estándar, E[eᵏᶻ; z < 0] = e^(k²/2) Φ(-k), y las dos condiciones se despejan.
    """
    first, second = exp(1 / 2) * norm.cdf(-1), exp(2) * norm.cdf(-2)
    alpha = 1 / sqrt(2 * pi) / (1 / 2 - first)
    variance = 1 / 2 + alpha**2 * (second - 2 * first + 1 / 2)
    return float(alpha), float(1 / sqrt(variance))


class SELU(ELU):
    """ELU con las constantes que conservan media 0 y varianza 1."""

    def __init__(self) -> None:
        super().__init__(*selu_constants())


class SiLU(Activation):
    """z σ(z), que también se llama *swish*: z por una puerta que se abre de 0 a 1."""

    def gate(self, z: Float[Tensor, "*shape"]) -> tuple[Float[Tensor, "*shape"], Float[Tensor, "*shape"]]:
        """La puerta y su derivada."""
        return Sigmoid().value(z), Sigmoid().derivative(z)

    def value(self, z: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        return z * self.gate(z)[0]

    def derivative(self, z: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        gate, slope = self.gate(z)
        return gate + z * slope


class GELU(SiLU):
    """z Φ(z): la puerta es la probabilidad de que una normal estándar no pase de z; ``"tanh"`` la aproxima."""

    def __init__(self, approximate: Literal["none", "tanh"] = "none") -> None:
        super().__init__()
        if approximate not in ("none", "tanh"):
            raise ValueError(f"approximate debe ser 'none' o 'tanh'; se recibió {approximate!r}")
        self.approximate = approximate

    def gate(self, z: Float[Tensor, "*shape"]) -> tuple[Float[Tensor, "*shape"], Float[Tensor, "*shape"]]:
        if self.approximate == "tanh":
            t = torch.tanh(sqrt(2 / pi) * (z + 0.044715 * z**3))
            return (1 + t) / 2, (1 - t**2) * (1 + 3 * 0.044715 * z**2) / sqrt(2 * pi)
        return torch.erfc(-z / sqrt(2)) / 2, torch.exp(-(z**2) / 2) / sqrt(2 * pi)


class Softplus(Activation):
    """ln(1 + eᶻ): una ReLU sin esquina, cuya derivada es la sigmoide."""

    def value(self, z: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        return torch.logaddexp(z, torch.zeros_like(z))

    def derivative(self, z: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        return Sigmoid().value(z)


class _SoftmaxFunction(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, z: Tensor, dim: int, temperature: float) -> Tensor:
        e = torch.exp((z - z.amax(dim, keepdim=True)) / temperature)
        p = e / e.sum(dim, keepdim=True)
        ctx.save_for_backward(p)
        ctx.dim, ctx.temperature = dim, temperature
        return p

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        (g,), (p,) = grads, ctx.saved_tensors
        return p * (g - (g * p).sum(ctx.dim, keepdim=True)) / ctx.temperature, None, None


class Softmax(nn.Module):
    """Probabilidades que suman 1 a lo largo del eje ``dim``; ``temperature`` divide antes los puntajes."""

    def __init__(self, dim: int, temperature: float = 1.0) -> None:
        super().__init__()
        if temperature <= 0:
            raise ValueError(f"temperature debe ser positiva; se recibió {temperature}")
        self.dim, self.temperature = dim, temperature

    def forward(self, z: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        return _SoftmaxFunction.apply(z, self.dim, self.temperature)


def train(
    model: MLP,
    x: Float[Tensor, "n d"],
    y: Int[Tensor, "n"],
    rate: float | Float[Tensor, "copies"],
    *,
    epochs: int,
    batch_size: int,
) -> Iterator[Float[Tensor, "*copies"]]:
    """Entrena un clasificador con pasos contra el gradiente y entrega la pérdida media de cada época, al terminarla.

    ``rate`` es la tasa de aprendizaje, o una por copia de la red.

    Raises:
        ValueError: si ``y`` no tiene un valor por fila de ``x`` o ``rate``, ``epochs`` o ``batch_size`` no es positivo.
    """
    if y.shape != (len(x),):
        raise ValueError(f"y debe tener forma ({len(x)},), una clase por fila de x; tiene {tuple(y.shape)}")
    if epochs < 1 or batch_size < 1 or not (torch.as_tensor(rate) > 0).all():
        raise ValueError(f"se esperaban positivos; se recibió epochs={epochs}, batch_size={batch_size}, rate={rate}")
    optimizer = torch.optim.SGD(model.parameters(), lr=1, fused=True)

    def run() -> Iterator[Tensor]:
        for _ in range(epochs):
            total = torch.zeros(model.biases[0].shape[:-1])
            for rows in torch.randperm(len(x)).split(batch_size):
                losses = _losses(model(x[rows]), y[rows])
                optimizer.zero_grad()
                (rate * losses.mean(-1)).sum().backward()  # la tasa de cada copia multiplica su gradiente
                optimizer.step()
                total = total + losses.detach().sum(-1)
            yield total / len(x)

    return run()


def pre_activations(model: MLP, x: Float[Tensor, "n d"]) -> list[Float[Tensor, "*copies n m"]]:
    """Las sumas z que llegan a la activación de cada capa oculta."""
    inputs = model.layers(x)[:-2]
    return [h @ w.mT + b.unsqueeze(-2) for h, w, b in zip(inputs, model.weights, model.biases, strict=False)]


@torch.no_grad()
def silent_units(model: MLP, x: Float[Tensor, "n d"]) -> list[Bool[Tensor, "*copies m"]]:
    """Qué unidades de cada capa oculta reciben una suma negativa o nula en todos los ejemplos."""
    return [(z <= 0).all(-2) for z in pre_activations(model, x)]


@torch.no_grad()
def saturation(model: MLP, x: Float[Tensor, "n d"], *, below: float) -> Float[Tensor, "layers *copies"]:
    """Por capa oculta, la fracción de sumas donde |σ'| no llega a ``below``; la red debe llevar una ``Activation``."""
    if not isinstance(model.activation, Activation):
        raise TypeError(f"model debe llevar una Activation; lleva {model.activation!r}")
    low = [model.activation.derivative(z).abs() < below for z in pre_activations(model, x)]
    return torch.stack([part.double().mean((-2, -1)) for part in low])


def _losses(scores: Float[Tensor, "*copies n k"], y: Int[Tensor, "n"]) -> Float[Tensor, "*copies n"]:
    labels = y.expand(scores.shape[:-1])
    return F.cross_entropy(scores.flatten(0, -2), labels.flatten(), reduction="none").view(labels.shape)
