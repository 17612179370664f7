"""Normalización: las escalas de una tabla de entradas y las capas que normalizan dentro de una red.

Fuentes: LeCun y otros (1998), las entradas; Kessy, Lewin y Strimmer (2018), los blanqueos; Ioffe y Szegedy (2015),
``BatchNorm``; Ba, Kiros y Hinton (2016), ``LayerNorm``; Ulyanov, Vedaldi y Lempitsky (2016), ``InstanceNorm``; Wu y He
(2018), ``GroupNorm``; Zhang y Sennrich (2019), ``RMSNorm``; Santurkar y otros (2018), ``Jitter``.

En qué nos apartamos de PyTorch: una sola ``BatchNorm`` sirve para tablas y para imágenes y guarda siempre estadísticas;
``InstanceNorm`` no las guarda. Los nombres de ``state_dict``, los valores y los gradientes son los mismos.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from profundo.comun.copias import Copies
from profundo.preparacion.numpy import standardize

Norm = Callable[[int, int], nn.Module]

# --- Las entradas: se ajusta con unas filas y se aplica a otras -----------------------------------------------------


class Affine(NamedTuple):
    """Lo que hace una normalización de entradas con cada fila: ``(x - center) @ matrix``."""

    center: Float[np.ndarray, "d"]
    matrix: Float[np.ndarray, "d k"]

    def __call__(self, x: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n k"]:
        """La tabla ``x`` normalizada.

        Raises:
            ValueError: si ``x`` no tiene las columnas con las que se ajustó.
        """
        if x.ndim != 2 or x.shape[1] != len(self.center):
            raise ValueError(f"x debe tener forma (n, {len(self.center)}); tiene {x.shape}")
        return (x - self.center) @ self.matrix


def min_max(x: Float[np.ndarray, "n d"]) -> Affine:
    """Lleva cada columna de ``x`` al intervalo [0, 1]; una constante se queda en 0."""
    _check_table(x)
    span = np.ptp(x, axis=0)
    return Affine(x.min(axis=0), np.diag(1 / np.where(span == 0, 1, span)))


def standard(x: Float[np.ndarray, "n d"]) -> Affine:
    """Deja cada columna de ``x`` con media 0 y desviación típica 1; una constante solo se centra."""
    _check_table(x)
    center = x.mean(axis=0)
    return Affine(center, standardize(center + np.eye(len(center)), x))  # las filas: a dónde va cada vector unitario


def decorrelation(x: Float[np.ndarray, "n d"]) -> Affine:
    """Gira los datos hasta sus direcciones principales, de mayor a menor varianza, sin cambiar distancias."""
    center, _, directions = principal_directions(x)
    return Affine(center, directions)


def pca_whitening(x: Float[np.ndarray, "n d"], *, n_components: int | None = None, eps: float = 0.0) -> Affine:
    """Gira hasta las ``n_components`` primeras direcciones principales y deja cada una con varianza 1.

    Args:
        eps: se suma a las varianzas antes de dividir; con más que 0, las direcciones de poca varianza no se inflan.

    Raises:
        ValueError: si ``n_components`` no está entre 1 y ``d``, si ``eps`` es negativo o si hay que dividir entre cero.
    """
    center, variances, directions = principal_directions(x)
    k = len(variances) if n_components is None else n_components
    if not 1 <= k <= len(variances):
        raise ValueError(f"n_components debe estar entre 1 y {len(variances)}; se recibió {n_components}")
    if not eps >= 0:
        raise ValueError(f"eps no puede ser negativo; se recibió {eps}")
    if eps == 0 and variances[k - 1] <= 1e-13 * variances[0]:
        raise ValueError("x tiene direcciones sin varianza: usa menos componentes o eps > 0")
    return Affine(center, directions[:, :k] / np.sqrt(variances[:k] + eps))


def zca_whitening(x: Float[np.ndarray, "n d"], *, eps: float = 0.0) -> Affine:
    """Blanquea y deshace el giro: de todos los blanqueos, el que menos cambia los datos.

    Raises:
        ValueError: como ``pca_whitening``.
    """
    center, matrix = pca_whitening(x, eps=eps)
    return Affine(center, matrix @ principal_directions(x)[2].T)


def principal_directions(
    x: Float[np.ndarray, "n d"],
) -> tuple[Float[np.ndarray, "d"], Float[np.ndarray, "d"], Float[np.ndarray, "d d"]]:
    """Media, varianzas (entre ``n - 1``) de mayor a menor y direcciones principales, una por columna.

    De cada dirección y su opuesta se elige la que tiene positiva la componente mayor, como scikit-learn.
    """
    _check_table(x)
    center = x.mean(axis=0)
    variances, directions = np.linalg.eigh(np.cov(x, rowvar=False).reshape(len(center), -1))
    variances, directions = variances[::-1].clip(min=0), directions[:, ::-1]
    largest = directions[np.abs(directions).argmax(axis=0), np.arange(len(center))]
    return center, variances, directions * np.sign(largest)


def _check_table(x: np.ndarray) -> None:
    if x.ndim != 2 or len(x) < 2 or not np.isfinite(x).all():
        raise ValueError(f"x debe ser una tabla (n, d) con al menos dos filas y números finitos; tiene forma {x.shape}")


# --- Dentro de la red: la misma cuenta, con otros números cada vez --------------------------------------------------


class _Normalize(torch.autograd.Function):
    """Normaliza sobre los ejes ``dims``; la vuelta es la que deduce el capítulo."""

    @staticmethod
    def forward(ctx: Any, z: Tensor, dims: tuple[int, ...], eps: float, center: bool) -> Tensor:
        if center:
            z = z - z.mean(dims, keepdim=True)
        scale = (z.square().mean(dims, keepdim=True) + eps).sqrt()
        normalized = z / scale
        ctx.save_for_backward(normalized, scale)
        ctx.dims, ctx.center = dims, center
        return normalized

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grads: Tensor) -> Any:
        (g,), (normalized, scale) = grads, ctx.saved_tensors
        g_z = g - normalized * (g * normalized).mean(ctx.dims, keepdim=True)
        if ctx.center:
            g_z = g_z - g.mean(ctx.dims, keepdim=True)
        return g_z / scale, None, None, None


def normalize(z: Float[Tensor, "*shape"], dims: Sequence[int], eps: float, *, center: bool = True) -> Tensor:
    """Resta a ``z`` su media sobre los ejes ``dims``, si ``center``, y lo divide entre su media cuadrática."""
    if not z.is_floating_point():
        raise TypeError(f"z debe ser un tensor en coma flotante; se recibió uno de tipo {z.dtype}")
    return _Normalize.apply(z, tuple(dims), eps, center)


class BatchNorm(nn.Module):
    """Normalización por lotes: cada canal, con la media y la varianza que tiene en el lote.

    Args:
        num_features: canales, el tamaño del eje 1.
        eps: se suma a la varianza.
        momentum: parte de la estadística nueva que entra en la acumulada; con ``None``, se promedian todos los lotes.

    Raises:
        ValueError: al llamarla, si la entrada no tiene esos canales o, al entrenar, trae un solo valor por canal.
    """

    running_mean: Tensor
    running_var: Tensor
    num_batches_tracked: Tensor

    def __init__(self, num_features: int, eps: float = 1e-5, momentum: float | None = 0.1) -> None:
        super().__init__()
        self.eps, self.momentum = eps, momentum
        self.weight = nn.Parameter(torch.ones(num_features))
        self.bias = nn.Parameter(torch.zeros(num_features))
        self.register_buffer("running_mean", torch.zeros(num_features))
        self.register_buffer("running_var", torch.ones(num_features))
        self.register_buffer("num_batches_tracked", torch.tensor(0))

    def forward(self, z: Float[Tensor, "n c *space"]) -> Float[Tensor, "n c *space"]:
        if z.ndim < 2 or z.shape[1] != len(self.weight):
            raise ValueError(f"z debe tener forma (n, {len(self.weight)}, ...); tiene {tuple(z.shape)}")
        shape = (-1,) + (1,) * (z.ndim - 2)  # un número por canal, que se difunde sobre las posiciones
        if self.training:
            if z.numel() == z.shape[1]:
                raise ValueError(f"al entrenar hace falta más de un valor por canal; z tiene forma {tuple(z.shape)}")
            self.track(z)
            z = normalize(z, (0, *range(2, z.ndim)), self.eps)
        else:
            z = (z - self.running_mean.view(shape)) / (self.running_var.view(shape) + self.eps).sqrt()
        return self.weight.view(shape) * z + self.bias.view(shape)

    @torch.no_grad()
    def track(self, z: Float[Tensor, "n c *space"]) -> None:
        """Añade las estadísticas del lote a las acumuladas; la varianza, entre ``m - 1`` y no entre ``m``."""
        dims = (0, *range(2, z.ndim))
        self.num_batches_tracked += 1
        rate = 1 / self.num_batches_tracked.item() if self.momentum is None else self.momentum
        self.running_mean.lerp_(z.mean(dims), rate)
        self.running_var.lerp_(z.var(dims, correction=1), rate)


class LayerNorm(nn.Module):
    """Normalización por capas: cada ejemplo, sobre sus últimos ejes, con una escala y un desplazamiento por número.

    Raises:
        ValueError: al llamarla, si la entrada no termina en ``normalized_shape``.
    """

    center = True

    def __init__(self, normalized_shape: int | Sequence[int], eps: float | None = 1e-5) -> None:
        super().__init__()
        self.shape = (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(self.shape))
        self.bias = nn.Parameter(torch.zeros(self.shape)) if self.center else None

    def forward(self, z: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        if tuple(z.shape[-len(self.shape) :]) != self.shape:
            raise ValueError(f"z debe terminar en {self.shape}; tiene forma {tuple(z.shape)}")
        eps = torch.finfo(z.dtype).eps if self.eps is None else self.eps
        z = self.weight * normalize(z, range(-len(self.shape), 0), eps, center=self.center)
        return z if self.bias is None else z + self.bias


class RMSNorm(LayerNorm):
    """Como ``LayerNorm``, sin restar la media ni sumar un desplazamiento; su ``eps`` es el de la precisión de ``z``."""

    center = False

    def __init__(self, normalized_shape: int | Sequence[int], eps: float | None = None) -> None:
        super().__init__(normalized_shape, eps)


class GroupNorm(nn.Module):
    """Normalización por grupos: cada ejemplo, por grupos de canales contiguos.

    Raises:
        ValueError: si ``num_groups`` no divide a ``num_channels`` o, al llamarla, la entrada no tiene esos canales.
    """

    def __init__(self, num_groups: int, num_channels: int, eps: float = 1e-5, affine: bool = True) -> None:
        super().__init__()
        if num_groups < 1 or num_channels % num_groups:
            raise ValueError(f"num_groups debe dividir a num_channels; se recibió {num_groups} y {num_channels}")
        self.num_groups, self.num_channels, self.eps = num_groups, num_channels, eps
        self.weight = nn.Parameter(torch.ones(num_channels)) if affine else None
        self.bias = nn.Parameter(torch.zeros(num_channels)) if affine else None

    def forward(self, z: Float[Tensor, "n c *space"]) -> Float[Tensor, "n c *space"]:
        if z.ndim < 2 or z.shape[1] != self.num_channels:
            raise ValueError(f"z debe tener forma (n, {self.num_channels}, ...); tiene {tuple(z.shape)}")
        normalized = normalize(z.reshape(len(z), self.num_groups, -1), (2,), self.eps).view_as(z)
        if self.weight is None or self.bias is None:
            return normalized
        shape = (-1,) + (1,) * (z.ndim - 2)
        return self.weight.view(shape) * normalized + self.bias.view(shape)


class InstanceNorm(GroupNorm):
    """Normalización por instancias: un grupo por canal."""

    def __init__(self, num_features: int, eps: float = 1e-5, affine: bool = False) -> None:
        super().__init__(num_features, num_features, eps, affine)


class Jitter(nn.Module):
    """Desplaza y escala al azar cada neurona, al entrenar y de modo distinto en cada paso (Santurkar y otros, 2018)."""

    def __init__(self, shift: float, spread: float) -> None:
        super().__init__()
        self.shift, self.spread = shift, spread

    def forward(self, z: Float[Tensor, "b d"]) -> Float[Tensor, "b d"]:
        if not self.training:
            return z
        shift, spread = 2 * torch.rand(2, z.shape[1], dtype=z.dtype) - 1
        return z * (self.spread * spread).exp() + self.shift * shift


class NormalizedNets(Copies):
    """Redes densas ReLU independientes, una por semilla, con pesos de He y una normalización tras cada suma.

    De la cantidad de redes y de neuronas, ``norm`` hace la capa que normaliza sus sumas, ``(b, redes · neuronas)``. No
    debe mezclar redes: ni ``BatchNorm`` ni ``GroupNorm`` con grupos de una sola red lo hacen.
    """

    def __init__(self, sizes: Sequence[int], seeds: Sequence[int], norm: Norm | None = None) -> None:
        super().__init__(sizes, seeds, gain=6**0.5)
        build = norm or (lambda copies, width: nn.Identity())
        self.norms = nn.ModuleList(build(len(seeds), width) for width in sizes[1:-1])

    def forward(self, x: Float[Tensor, "n b d"]) -> Float[Tensor, "n b k"]:
        layers = self.layers(self.flat)
        for i in range(0, len(layers), 2):
            if i:
                sums = x.transpose(0, 1).flatten(1)
                x = self.norms[i // 2 - 1](sums).relu().unflatten(1, (len(x), -1)).transpose(0, 1)
            x = torch.baddbmm(layers[i + 1], x, layers[i])
        return x

    def rates(self, lr: Float[Tensor, "n"]) -> list[dict[str, Any]]:
        """Los grupos de parámetros con los que cada red tiene su tasa."""
        norms = [{"params": [p], "lr": lr.repeat_interleave(len(p) // len(lr))} for p in self.norms.parameters()]
        return [{"params": [self.flat], "lr": lr[:, None]}, *norms]
