"""Inicialización de pesos: propagación de la varianza, Xavier, He, ortogonal, LSUV y el sesgo de la última capa.

Fuentes: Glorot y Bengio (2010), la varianza capa a capa y la regla que llaman «de Xavier»; He y otros (2015), la de
las redes con ReLU; Saxe y otros (2014), los pesos ortogonales; Poole y otros (2016), la recurrencia con una activación
cualquiera; Mishkin y Matas (2016), LSUV.

En qué nos apartamos de PyTorch: las reglas reciben la ganancia, un número, y no el nombre de una activación. Con el
mismo generador, los pesos son los mismos, bit a bit.

Notación: ``z`` son las sumas de una capa y ``a = f(z)`` lo que sale de ella; ``q = E[z²]``.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Literal, NamedTuple

import torch
from jaxtyping import Float, Int, Shaped
from torch import Generator, Tensor, nn

from profundo.comun.copias import Copies

Function = Callable[[Tensor], Tensor]
Rule = Callable[..., Tensor]  # rule(weight, generator=...) llena weight y lo devuelve
Mode = Literal["fan_in", "fan_out"]
LAYERS = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d)

# --- Reglas: la desviación típica de cada peso ----------------------------------------------------------------------


def fans(weight: Shaped[Tensor, "salen entran *nucleo"]) -> tuple[int, int]:
    """Cuántos números suma cada salida (``fan_in``) y en cuántas sumas entra cada entrada (``fan_out``).

    En una convolución cada salida suma una ventana de todos los canales, y cada píxel, lejos del borde y con paso 1,
    entra en una ventana por posición del núcleo: las dos cuentas se multiplican por el tamaño del núcleo.

    Raises:
        ValueError: si ``weight`` tiene menos de dos dimensiones o está vacío.
    """
    if weight.ndim < 2 or weight.numel() == 0:
        raise ValueError(f"weight debe tener dos dimensiones o más y no estar vacío; tiene forma {tuple(weight.shape)}")
    size = weight[0, 0].numel()
    return weight.shape[1] * size, weight.shape[0] * size


def _fill(weight: Tensor, gain: float, fan: int | float, kind: str, generator: Generator | None) -> Tensor:
    """Números independientes de media 0 y desviación típica ``gain / √fan``; una uniforme en ±b tiene b / √3."""
    if not 0 <= gain < float("inf"):
        raise ValueError(f"gain debe ser finita y no negativa; se recibió {gain}")
    std = gain / fan**0.5
    with torch.no_grad():
        if kind == "normal":
            return weight.normal_(0, std, generator=generator)
        bound = 3**0.5 * std
        return weight.uniform_(-bound, bound, generator=generator)


def xavier_normal_(weight: Tensor, gain: float = 1.0, *, generator: Generator | None = None) -> Tensor:
    """Glorot y Bengio (2010): varianza ``gain² · 2 / (fan_in + fan_out)``, con números normales."""
    return _fill(weight, gain, sum(fans(weight)) / 2, "normal", generator)


def xavier_uniform_(weight: Tensor, gain: float = 1.0, *, generator: Generator | None = None) -> Tensor:
    """Lo mismo que ``xavier_normal_``, con números uniformes."""
    return _fill(weight, gain, sum(fans(weight)) / 2, "uniform", generator)


def kaiming_normal_(
    weight: Tensor, gain: float = 2**0.5, *, mode: Mode = "fan_in", generator: Generator | None = None
) -> Tensor:
    """He y otros (2015): varianza ``gain² / fan``, con números normales; ``fan_out`` conserva la vuelta y no la ida."""
    return _fill(weight, gain, _choose_fan(weight, mode), "normal", generator)


def kaiming_uniform_(
    weight: Tensor, gain: float = 2**0.5, *, mode: Mode = "fan_in", generator: Generator | None = None
) -> Tensor:
    """La misma varianza que ``kaiming_normal_``, con números uniformes."""
    return _fill(weight, gain, _choose_fan(weight, mode), "uniform", generator)


def _choose_fan(weight: Tensor, mode: str) -> int:
    if mode not in ("fan_in", "fan_out"):
        raise ValueError(f"mode debe ser 'fan_in' o 'fan_out'; se recibió {mode!r}")
    return fans(weight)[mode == "fan_out"]


def orthogonal_(weight: Tensor, gain: float = 1.0, *, generator: Generator | None = None) -> Tensor:
    """Saxe y otros (2014): filas (o columnas, si hay menos) perpendiculares y de norma ``gain``, al azar.

    Un núcleo de convolución se trata como una matriz con una fila por canal de salida.
    """
    fans(weight)  # al menos dos dimensiones
    flat = weight.new_empty(len(weight), weight[0].numel()).normal_(generator=generator)
    wide = flat.shape[0] < flat.shape[1]
    q, r = torch.linalg.qr(flat.T if wide else flat)
    q = q * r.diagonal().sign()  # sin esto, el signo de cada columna lo elige el algoritmo y no el azar
    with torch.no_grad():
        return weight.copy_(gain * (q.T if wide else q).view_as(weight))


# --- Teoría: qué escala tendrá cada capa ----------------------------------------------------------------------------


def gaussian_moments(function: Function, q: float = 1.0) -> tuple[float, float]:
    """E[f(z)²] y E[f'(z)²] con z normal de media 0 y varianza ``q``, por la regla del punto medio.

    Raises:
        ValueError: si ``q`` es negativa o no es finita.
    """
    if not 0 <= q < float("inf"):
        raise ValueError(f"q debe ser finita y no negativa; se recibió {q}")
    width = 1e-3
    u = (torch.arange(-10_000, 10_000, dtype=torch.float64) + 0.5) * width  # ningún punto cae en el cero
    density = torch.exp(-(u**2) / 2) * width / (2 * torch.pi) ** 0.5
    z = (q**0.5 * u).requires_grad_()
    a = function(z)
    (slope,) = torch.autograd.grad(a.sum(), z)
    return (density * a.detach() ** 2).sum().item(), (density * slope**2).sum().item()


def forward_gain(function: Function) -> float:
    """La ganancia con que a sumas normales de varianza 1 les siguen sumas de varianza 1: 1/√E[f(z)²]."""
    return gaussian_moments(function)[0] ** -0.5


def predict_scales(
    sizes: Sequence[int], variances: Sequence[float], function: Function, mean_square: float
) -> tuple[Float[Tensor, "c"], Float[Tensor, "c"]]:
    """La ida, E[z²] en cada capa, y la vuelta, E[δ²] en cada una entre la última, en una red densa sin sesgos.

    Args:
        sizes: unidades de cada capa, desde las entradas: un número más que capas.
        variances: varianza de los pesos de cada capa.
        function: la activación de las capas ocultas.
        mean_square: media de los cuadrados de las entradas.

    Raises:
        ValueError: si los tamaños y las varianzas no corresponden.
    """
    if len(sizes) != len(variances) + 1 or len(sizes) < 2:
        raise ValueError(f"sizes debe tener un número más que variances; tienen {len(sizes)} y {len(variances)}")
    forward, slopes, square = [], [], mean_square
    for n, variance in zip(sizes, variances, strict=False):
        forward.append(n * variance * square)
        square, slope = gaussian_moments(function, forward[-1])
        slopes.append(slope)
    backward = [1.0]
    for n, variance, slope in zip(sizes[:1:-1], variances[:0:-1], slopes[-2::-1], strict=True):
        backward.append(n * variance * slope * backward[-1])
    return torch.tensor(forward), torch.tensor(backward[::-1])


# --- Redes enteras --------------------------------------------------------------------------------------------------


def build(sizes: Sequence[int], activation: Callable[[], nn.Module]) -> nn.Sequential:
    """Red densa: capas ``nn.Linear`` con una activación entre cada dos."""
    layers: list[nn.Module] = []
    for n, m in pairwise(sizes):
        layers += [nn.Linear(n, m), activation()]
    return nn.Sequential(*layers[:-1])


def initialize(model: nn.Module, rule: Rule, *, generator: Generator | None = None) -> nn.Module:
    """Aplica ``rule`` a los pesos de todas las capas densas y convolucionales, y pone sus sesgos en cero."""
    for module in model.modules():
        if isinstance(module, LAYERS):
            rule(module.weight, generator=generator)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
    return model


class Layer(NamedTuple):
    """Lo que pasa por una capa con pesos: las sumas, lo que sale de su activación y la derivada de cada pérdida."""

    z: Tensor
    a: Tensor
    delta: Tensor


def observe(model: nn.Sequential, x: Shaped[Tensor, "n *d"], loss_fn: Callable[[Tensor], Tensor]) -> list[Layer]:
    """Ida y vuelta de una red, y lo que se vio en cada capa con pesos.

    Args:
        model: capas en fila, las que tienen pesos y las que no.
        x: las entradas.
        loss_fn: de las salidas ``(n, k)`` a una pérdida por ejemplo, ``(n,)``; ``delta`` es su derivada respecto de z.
    """
    seen: list[list[Tensor]] = []  # z y a de cada capa con pesos
    for module in model:
        x = module(x)
        if isinstance(module, LAYERS):
            seen.append([x, x])
        elif seen:
            seen[-1][1] = x
    deltas = torch.autograd.grad(loss_fn(x).sum(), [z for z, _ in seen])
    return [Layer(z.detach(), a.detach(), d) for (z, a), d in zip(seen, deltas, strict=True)]


@torch.no_grad()
def lsuv_(model: nn.Sequential, x: Shaped[Tensor, "n *d"]) -> nn.Sequential:
    """LSUV (Mishkin y Matas, 2016): pesos ortogonales y, capa a capa, divididos por lo que mide su salida con ``x``.

    Raises:
        ValueError: si una capa da siempre el mismo número.
    """
    initialize(model, orthogonal_)
    for module in model:
        if isinstance(module, LAYERS):
            std = module(x).std()
            if not std > 0:
                raise ValueError("x debe variar: hay una capa que da siempre el mismo número")
            module.weight /= std
        x = module(x)
    return model


def prior_bias(labels: Int[Tensor, "n"], n_classes: int) -> Float[Tensor, "k"]:
    """El sesgo con que un softmax de puntajes nulos predice la frecuencia de cada clase: su logaritmo.

    Raises:
        ValueError: si alguna clase no aparece: su logaritmo no sería finito.
    """
    counts = torch.bincount(labels, minlength=n_classes)
    if len(counts) != n_classes or not counts.all():
        raise ValueError(f"labels debe tener ejemplos de cada clase de 0 a {n_classes - 1}; tiene {counts.tolist()}")
    return (counts / len(labels)).log()


# --- Muchas redes a la vez ------------------------------------------------------------------------------------------


class Stack(Copies):
    """Redes densas independientes que se calculan juntas, cada una con su regla y su semilla.

    Args:
        sizes: unidades de cada capa, desde las entradas.
        seeds: una semilla por red.
        rules: una regla por red, o ``None`` para dejarla como ``nn.Linear``, con sesgos al azar; con regla, son cero.
        activation: la de las capas ocultas.
        normalize: si se normaliza cada suma con la media y la desviación típica del lote.
    """

    def __init__(
        self,
        sizes: Sequence[int],
        seeds: Sequence[int],
        rules: Sequence[Rule | None],
        *,
        activation: Function = torch.relu,
        normalize: bool = False,
    ) -> None:
        super().__init__(sizes, seeds)
        self.activation, self.normalize = activation, normalize
        for seed, rule, row in zip(seeds, rules, self.flat.data, strict=True):
            if rule is None:
                continue
            generator = torch.Generator().manual_seed(seed)
            layers = self.layers(row[None])
            for weight, bias in zip(layers[::2], layers[1::2], strict=True):
                rule(weight[0].T, generator=generator)  # las reglas esperan una fila por salida
                bias.zero_()

    def forward(self, x: Float[Tensor, "n b d"]) -> Float[Tensor, "n b k"]:
        layers = self.layers(self.flat)
        for i in range(0, len(layers), 2):
            if i:
                if self.normalize:
                    x = (x - x.mean(1, keepdim=True)) / (x.var(1, keepdim=True, correction=0) + 1e-5).sqrt()
                x = self.activation(x)
            x = torch.baddbmm(layers[i + 1], x, layers[i])
        return x
