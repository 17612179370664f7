"""Aumento de datos: deformar, iluminar, tapar y mezclar imágenes al azar, al entrenar y al evaluar.

Fuentes: Simard, Steinkraus y Platt (2003), las deformaciones elásticas; DeVries y Taylor (2017) y Zhong y otros (2020),
el borrado al azar; Zhang y otros (2018), la mezcla de ejemplos; Yun y otros (2019), CutMix.

En qué nos apartamos: en la deformación elástica, ``alpha`` es el desplazamiento típico en píxeles y el ruido es normal;
Simard y otros multiplican por ``alpha`` un ruido uniforme ya suavizado. El borrado es un cuadrado que cabe entero.

Notación: un punto es ``(x, y)``, en píxeles desde el centro de la imagen, con ``x`` a la derecha e ``y`` hacia abajo.
Todo el azar sale del generador que se recibe, y cada imagen tiene su propio sorteo.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil, pi, prod
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Generator, Tensor, nn
from torch.nn import functional as F

from profundo.comun.copias import Copies

Images = Float[Tensor, "b c h w"]
Points = Float[Tensor, "b h w 2"]
Padding = Literal["zeros", "border"]
Transform = Callable[[Tensor, Generator], Tensor]  # (imágenes, generador) → imágenes
Augment = Callable[[Tensor, Tensor, Generator], tuple[Tensor, Tensor]]  # (imágenes, etiquetas, generador) → las dos
# En un aumento, las etiquetas son filas de probabilidades, y las imágenes, (b, …) o (n, b, …): un lote por red.


def pixel_grid(h: int, w: int) -> Float[Tensor, "h w 2"]:
    """El punto ``(x, y)`` de cada píxel de una imagen de ``h`` filas y ``w`` columnas."""
    rows, columns = torch.meshgrid(torch.arange(h) - (h - 1) / 2, torch.arange(w) - (w - 1) / 2, indexing="ij")
    return torch.stack([columns, rows], dim=-1)


def warp(x: Images, source: Points, padding_mode: Padding = "zeros") -> Images:
    """Llena cada píxel de la salida con lo que hay en su punto de origen, con interpolación bilineal.

    Args:
        x: las imágenes.
        source: de qué punto de la entrada viene cada píxel de la salida.
        padding_mode: fuera de la imagen hay ceros o, con ``"border"``, lo que haya en el borde más cercano.

    Raises:
        ValueError: si las formas no corresponden o ``padding_mode`` no existe.
    """
    if source.shape != (len(x), *x.shape[2:], 2):
        raise ValueError(f"source debe tener un punto por píxel de x, {tuple(x.shape)}; tiene {tuple(source.shape)}")
    if padding_mode not in ("zeros", "border"):
        raise ValueError(f"padding_mode debe ser 'zeros' o 'border'; se recibió {padding_mode!r}")
    b, c, h, w = x.shape
    margin = 0 if padding_mode == "border" else 1  # un borde de ceros hace de todo lo que hay fuera
    column = (source[..., 0].to(x) + (w - 1) / 2).clamp(-margin, w - 1 + margin).view(b, 1, -1)
    row = (source[..., 1].to(x) + (h - 1) / 2).clamp(-margin, h - 1 + margin).view(b, 1, -1)
    left, top = column.floor(), row.floor()
    corner = ((top + 1) * (w + 3) + left + 1).long().expand(b, c, -1)
    flat = F.pad(x, (1, 2, 1, 2)).flatten(2)
    values = [flat.gather(2, corner + step) for step in (0, 1, w + 3, w + 4)]  # los cuatro píxeles que rodean el punto
    upper, lower = (torch.lerp(a, b, column - left) for a, b in (values[:2], values[2:]))
    return torch.lerp(upper, lower, row - top).view(x.shape)


def affine_matrix(
    angle: Float[Tensor, "b"], scale: Float[Tensor, "b"], shear: Float[Tensor, "b"]
) -> Float[Tensor, "b 2 2"]:
    """Inclina, escala y luego gira, en sentido contrario a las agujas del reloj: las matrices A de ``x ↦ A x + t``.

    Args:
        angle: en grados.
        scale: factor de tamaño; 2 duplica el lado.
        shear: píxeles que avanza hacia la derecha cada píxel que se baja.
    """
    angle = angle * pi / 180
    zero, one = torch.zeros_like(angle), torch.ones_like(angle)
    rotation = torch.stack([angle.cos(), angle.sin(), -angle.sin(), angle.cos()], dim=-1).view(-1, 2, 2)
    slant = torch.stack([one, shear, zero, one], dim=-1).view(-1, 2, 2)
    return scale.view(-1, 1, 1) * rotation @ slant


def affine_points(matrix: Float[Tensor, "b 2 2"], shift: Float[Tensor, "b 2"], h: int, w: int) -> Points:
    """De dónde viene cada píxel si el punto ``u`` va a ``matrix @ u + shift``: la transformación inversa."""
    points = pixel_grid(h, w).view(1, -1, 2) - shift[:, None]
    return (points @ torch.linalg.inv(matrix).transpose(1, 2)).view(-1, h, w, 2)


def gaussian_weights(n: int, sigma: float) -> Float[Tensor, "n n"]:
    """Los pesos con que cada uno de ``n`` píxeles en fila promedia a sus vecinos; cada fila suma 1.

    Raises:
        ValueError: si ``sigma``, en píxeles, no es positiva.
    """
    if not sigma > 0:
        raise ValueError(f"sigma debe ser positiva; se recibió {sigma}")
    distance = (torch.arange(n)[:, None] - torch.arange(n)).abs()
    weights = torch.exp(-((distance / sigma) ** 2) / 2) * (distance <= ceil(3 * sigma))
    return weights / weights.sum(1, keepdim=True)


def blur(x: Float[Tensor, "*b h w"], sigma: float) -> Float[Tensor, "*b h w"]:
    """Desenfoque gaussiano: cada píxel pasa a ser un promedio de sus vecinos, por filas y por columnas."""
    return gaussian_weights(x.shape[-2], sigma).to(x) @ x @ gaussian_weights(x.shape[-1], sigma).to(x).T


def elastic_field(b: int, h: int, w: int, alpha: float, sigma: float, generator: Generator) -> Points:
    """Desplazamientos suaves al azar, en píxeles: ruido normal desenfocado y devuelto a la desviación ``alpha``."""
    noise = torch.randn(b, 2, h, w, generator=generator)
    rows, columns = (gaussian_weights(n, sigma).square().sum(1).sqrt() for n in (h, w))  # lo que encoge el promedio
    return (alpha * blur(noise, sigma) / (rows[:, None] * columns)).permute(0, 2, 3, 1)


@dataclass(frozen=True, kw_only=True)
class RandomWarp:
    """Giro hasta ±``angle`` grados, inclinación hasta ±``shear``, tamaño dividido o multiplicado hasta por ``scale``,
    desplazamiento hasta ±``shift`` píxeles en cada eje y deformación elástica; se interpola una sola vez."""

    angle: float = 0.0
    shear: float = 0.0
    scale: float = 1.0
    shift: float = 0.0
    alpha: float = 0.0
    sigma: float = 2.0
    padding_mode: Padding = "zeros"

    def __call__(self, x: Images, generator: Generator) -> Images:
        b, _, h, w = x.shape
        angle, shear, zoom, dx, dy = 2 * torch.rand(5, b, generator=generator) - 1
        matrix = affine_matrix(self.angle * angle, self.scale**zoom, self.shear * shear)
        source = affine_points(matrix, self.shift * torch.stack([dx, dy], 1), h, w)
        if self.alpha:
            source = source + elastic_field(b, h, w, self.alpha, self.sigma, generator)
        points = (source / torch.tensor([w / 2, h / 2])).to(x)  # con grid_sample, lo mismo que warp, en menos tiempo
        return F.grid_sample(x, points, padding_mode=self.padding_mode, align_corners=False)


def random_flip(x: Images, generator: Generator) -> Images:
    """Refleja cada imagen de izquierda a derecha, o no, con igual probabilidad."""
    return torch.where(torch.rand(len(x), 1, 1, 1, generator=generator) < 0.5, x, x.flip(-1))


@dataclass(frozen=True, kw_only=True)
class RandomPhotometric:
    """Suma hasta ±``brightness``, multiplica las diferencias con la media por un factor entre 1 ∓ ``contrast`` y añade
    ruido normal de desviación ``noise``; el resultado se recorta a [0, 1]."""

    brightness: float = 0.0
    contrast: float = 0.0
    noise: float = 0.0

    def __call__(self, x: Images, generator: Generator) -> Images:
        delta, factor = 2 * torch.rand(2, len(x), 1, 1, 1, generator=generator) - 1
        mean = x.mean((1, 2, 3), keepdim=True)
        x = mean + (1 + self.contrast * factor) * (x - mean) + self.brightness * delta
        return (x + self.noise * torch.randn(x.shape, generator=generator)).clamp(0, 1)


def square_mask(side: Int[Tensor, "b"], h: int, w: int, generator: Generator) -> Float[Tensor, "b 1 h w"]:
    """Un cuadrado de unos, de lado ``side``, en un lugar al azar de cada imagen y entero dentro de ella."""
    if side.min() < 0 or side.max() > min(h, w):
        raise ValueError(f"side debe estar entre 0 y {min(h, w)}; va de {side.min()} a {side.max()}")
    inside = []
    for n in (h, w):
        start = (torch.rand(len(side), generator=generator) * (n - side + 1)).floor()[:, None]
        inside.append((torch.arange(n) >= start) & (torch.arange(n) < start + side[:, None]))
    rows, columns = inside
    return (rows[:, None, :, None] & columns[:, None, None]).float()


@dataclass(frozen=True)
class RandomErase:
    """Tapa con ceros un cuadrado de ``side`` píxeles de lado."""

    side: int

    def __call__(self, x: Images, generator: Generator) -> Images:
        return x * (1 - square_mask(torch.full((len(x),), self.side), x.shape[-2], x.shape[-1], generator))


def keep_labels(transform: Transform | None) -> Augment:
    """El aumento que transforma las imágenes y supone que su etiqueta no cambia; con ``None``, no hace nada."""

    def augment(x: Tensor, y: Tensor, generator: Generator) -> tuple[Tensor, Tensor]:
        return x if transform is None else transform(x.flatten(0, -4), generator).view(x.shape), y

    return augment


def _partners(x: Tensor, y: Tensor, generator: Generator) -> tuple[Tensor, Tensor]:
    """Otro ejemplo del mismo lote, o el mismo, para cada uno."""
    order = torch.rand(x.shape[:-3], generator=generator).argsort(-1)
    return x.take_along_dim(order[..., None, None, None], -4), y.take_along_dim(order[..., None], -2)


def _beta(alpha: float, shape: Sequence[int], generator: Generator) -> Tensor:
    """Números de la distribución Beta(α, α); los sortea NumPy, porque PyTorch no la sortea con un generador."""
    if not alpha > 0:
        raise ValueError(f"alpha debe ser positivo; se recibió {alpha}")
    seed = int(torch.randint(2**62, (1,), generator=generator))
    return torch.from_numpy(np.random.default_rng(seed).beta(alpha, alpha, tuple(shape))).float()


def mixup(alpha: float) -> Augment:
    """Promedia cada ejemplo, con su etiqueta, con otro del lote; el peso es al azar, de la distribución Beta(α, α)."""

    def augment(x: Tensor, y: Tensor, generator: Generator) -> tuple[Tensor, Tensor]:
        x2, y2 = _partners(x, y, generator)
        weight = _beta(alpha, x.shape[:-3], generator)[..., None]
        return torch.lerp(x2, x, weight[..., None, None]), torch.lerp(y2, y, weight)

    return augment


def cutmix(alpha: float) -> Augment:
    """Pega en cada imagen un cuadrado de otra del lote; la etiqueta se reparte según el área de cada una."""

    def augment(x: Tensor, y: Tensor, generator: Generator) -> tuple[Tensor, Tensor]:
        x2, y2 = _partners(x, y, generator)
        h, w = x.shape[-2:]
        side = (min(h, w) * _beta(alpha, x.shape[:-3], generator).sqrt()).round().int()
        mask = square_mask(side.flatten(), h, w, generator).view(*x.shape[:-3], 1, h, w)
        return torch.lerp(x, x2, mask), torch.lerp(y, y2, (side**2 / (h * w))[..., None])

    return augment


class DenseCopies(Copies):
    """Redes densas, una por semilla, que reciben imágenes y las aplanan."""

    def forward(self, x: Float[Tensor, "n b c h w"]) -> Float[Tensor, "n b k"]:
        return super().forward(x.flatten(2))


class ConvCopies(nn.Module):
    """Redes convolucionales, una por semilla: dos convoluciones de 3 × 3 con paso 2 y una capa densa, con ReLU.

    Empiezan como ``nn.Conv2d`` y ``nn.Linear``. La imagen es de 14 × 14.
    """

    def __init__(self, seeds: Sequence[int]) -> None:
        super().__init__()
        self.n = len(seeds)
        generators = [torch.Generator().manual_seed(seed) for seed in seeds]
        self.weights, self.biases = nn.ParameterList(), nn.ParameterList()
        for outputs, *inputs in ((8, 1, 3, 3), (16, 8, 3, 3), (10, 16 * 4 * 4)):
            fan_in = prod(inputs)
            draws = (
                torch.stack([2 * torch.rand(outputs, fan_in + 1, generator=g) - 1 for g in generators]) / fan_in**0.5
            )
            self.weights.append(draws[..., 1:].reshape(-1, outputs, *inputs))
            self.biases.append(draws[..., 0])

    def forward(self, x: Float[Tensor, "n b 1 14 14"]) -> Float[Tensor, "n b 10"]:
        h = x.squeeze(2).transpose(0, 1)  # (b, n, 14, 14): una red por grupo de canales
        for weight, bias in zip(self.weights[:2], self.biases[:2], strict=True):
            h = F.conv2d(h, weight.flatten(0, 1), bias.flatten(), stride=2, padding=1, groups=self.n).relu()
        h = h.reshape(len(h), self.n, -1).transpose(0, 1)
        return torch.baddbmm(self.biases[2][:, None], h, self.weights[2].transpose(1, 2))


class Augmented(nn.Module):
    """Unas redes con sus datos, para :func:`profundo.comun.copias.train_copies`; cada lote se aumenta al usarlo.

    Args:
        nets: de ``(n, b, c, h, w)`` a puntajes ``(n, b, k)``.
        x: las imágenes de cada red.
        y: sus clases.
        augments: cada uno se aplica a una parte igual de las redes, en orden, con un generador de semilla 0.

    Raises:
        ValueError: si las redes no se pueden repartir.
    """

    def __init__(
        self, nets: nn.Module, x: Float[Tensor, "n m c h w"], y: Int[Tensor, "n m"], augments: Sequence[Augment]
    ) -> None:
        super().__init__()
        if len(x) % len(augments):
            raise ValueError(f"augments debe repartir por igual {len(x)} redes; tiene {len(augments)}")
        self.nets, self.x, self.y, self.augments = nets, x, F.one_hot(y).float(), augments
        self.generators = [torch.Generator().manual_seed(0) for _ in augments]

    def losses(self, index: Int[Tensor, "n b"], _: object = None) -> Float[Tensor, "n"]:
        """La entropía cruzada media de cada red en los ejemplos ``index`` de sus datos, recién aumentados."""
        rows = torch.arange(len(index))[:, None]
        images, labels = (part[rows, index].chunk(len(self.augments)) for part in (self.x, self.y))
        parts = zip(self.augments, images, labels, self.generators, strict=True)
        x, y = (torch.cat(part) for part in zip(*(f(a, b, g) for f, a, b, g in parts), strict=True))
        return -(y * self.nets(x).log_softmax(-1)).sum(-1).mean(1)


@torch.no_grad()
def predict_augmented(
    model: Callable[[Tensor], Tensor], x: Images, transform: Transform, copies: int, generator: Generator
) -> Float[Tensor, "v *n b k"]:
    """Las probabilidades de cada versión: la imagen sin tocar y ``copies`` transformadas. Su media es la respuesta."""
    versions = [x, *(transform(x, generator) for _ in range(copies))]
    return torch.stack([model(version).softmax(-1) for version in versions])
