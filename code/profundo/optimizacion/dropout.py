"""Dropout: apagar unidades al azar mientras la red aprende, y lo que eso equivale a hacer.

Fuentes: Hinton y otros (2012) y Srivastava y otros (2014), dropout y el promedio de subredes; Baldi y Sadowski (2013),
la media geométrica; Wager, Wang y Liang (2013), la penalización que resulta en una regresión; Tompson y otros (2015),
el apagado de canales enteros; Wan y otros (2013), DropConnect; Gal y Ghahramani (2016), dropout de Monte Carlo.

En qué nos apartamos de los artículos: ``p`` es la probabilidad de apagar, como en PyTorch; Srivastava y otros llaman
``p`` a la de conservar. En qué nos apartamos de PyTorch: no hay ``inplace``, y las capas aceptan un generador. Con la
misma semilla, en CPU, las máscaras son las mismas, bit a bit.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Generator, Tensor, nn
from torch.nn import functional as F

from profundo.comun.copias import Copies

Rates = float | Sequence[float]


def _check_rate(p: object) -> float:
    """La probabilidad de apagar, comprobada."""
    if isinstance(p, bool) or not isinstance(p, int | float):
        raise TypeError(f"p debe ser un número; se recibió {p!r} ({type(p).__name__})")
    if not 0 <= p <= 1:
        raise ValueError(f"p debe estar entre 0 y 1: es la probabilidad de apagar; se recibió {p}")
    return float(p)


# --- Capas ----------------------------------------------------------------------------------------------------------


def dropout(
    x: Float[Tensor, "*shape"],
    p: float = 0.5,
    training: bool = True,
    *,
    generator: Generator | None = None,
    mask_shape: Sequence[int] | None = None,
) -> Float[Tensor, "*shape"]:
    """Apaga cada número con probabilidad ``p`` y divide los demás entre ``1 - p``: la esperanza no cambia.

    Args:
        x: números de cualquier forma.
        p: probabilidad de apagar, en [0, 1].
        training: si es falso, devuelve ``x``.
        generator: de dónde sale la máscara; si no se da, del generador global de PyTorch.
        mask_shape: forma de la máscara, que se difunde sobre ``x``; si no se da, la de ``x``.

    Raises:
        TypeError, ValueError: si ``p`` no es un número de [0, 1].
    """
    p = _check_rate(p)
    if not training or p == 0:
        return x
    if p == 1:
        return torch.zeros_like(x) * x  # cero también en el gradiente
    mask = x.new_empty(x.shape if mask_shape is None else tuple(mask_shape)).bernoulli_(1 - p, generator=generator)
    return x * (mask / (1 - p))


class Dropout(nn.Module):
    """Dropout invertido, como ``nn.Dropout``: al evaluar no hace nada. Los argumentos son los de :func:`dropout`."""

    def __init__(self, p: float = 0.5, *, generator: Generator | None = None) -> None:
        super().__init__()
        self.p, self.generator = _check_rate(p), generator

    def forward(self, x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        return dropout(x, self.p, self.training, generator=self.generator)

    def extra_repr(self) -> str:
        return f"p={self.p}"


class StandardDropout(Dropout):
    """Dropout como lo publicaron Hinton y otros (2012): no divide al entrenar y multiplica por ``1 - p`` al evaluar."""

    def forward(self, x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        if not self.training:
            return x * (1 - self.p)
        return x * torch.empty_like(x).bernoulli_(1 - self.p, generator=self.generator)


class Dropout2d(Dropout):
    """Apaga canales enteros de un lote de mapas ``(n, c, h, w)``, como ``nn.Dropout2d`` (Tompson y otros, 2015)."""

    def forward(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c h w"]:
        return dropout(x, self.p, self.training, generator=self.generator, mask_shape=(*x.shape[:2], 1, 1))


class DropConnect(nn.Linear):
    """Capa densa que al entrenar apaga pesos en vez de unidades (Wan y otros, 2013); los sesgos se conservan.

    Una máscara para todo el lote; el artículo usa una por ejemplo, que cuesta tanta memoria como pesos por ejemplos.
    """

    def __init__(self, in_features: int, out_features: int, p: float = 0.5, *, generator: Generator | None = None):
        super().__init__(in_features, out_features)
        self.p, self.generator = _check_rate(p), generator

    def forward(self, x: Float[Tensor, "*batch d"]) -> Float[Tensor, "*batch k"]:
        return F.linear(x, dropout(self.weight, self.p, self.training, generator=self.generator), self.bias)


# --- Un promedio de subredes ----------------------------------------------------------------------------------------


def every_mask(width: int, p: float) -> tuple[Float[Tensor, "m width"], Float[Tensor, "m"]]:
    """Las ``2**width`` máscaras de ceros y unos, una por fila, y la probabilidad de cada una.

    Raises:
        ValueError: si ``width`` no está entre 1 y 20 o ``p`` fuera de [0, 1].
    """
    if not 1 <= width <= 20:
        raise ValueError(f"width debe estar entre 1 y 20 para enumerar 2**width máscaras; se recibió {width}")
    masks = (torch.arange(2**width)[:, None] >> torch.arange(width)) & 1
    kept = masks.sum(1).double()
    return masks.double(), (1 - _check_rate(p)) ** kept * p ** (width - kept)


def subnet_log_probs(
    model: nn.Sequential, x: Float[Tensor, "n d"], masks: Float[Tensor, "m width"]
) -> Float[Tensor, "m n k"]:
    """Los logaritmos de las probabilidades que da cada subred de ``model``.

    Args:
        model: capas en fila; las de tipo :class:`Dropout` se sustituyen por su trozo de la máscara.
        x: los ejemplos.
        masks: una fila por subred, de ceros y unos, con las unidades de cada capa con dropout, en orden.

    Raises:
        ValueError: si las máscaras no tienen tantas columnas como unidades con dropout.
    """
    h, rest = x[None], masks.to(x.dtype)
    problem = f"masks debe tener una columna por unidad con dropout; tiene {masks.shape[1]}"
    for module in model:
        if isinstance(module, Dropout):
            chunk, rest = rest[:, : h.shape[-1]], rest[:, h.shape[-1] :]
            if chunk.shape[1] != h.shape[-1]:
                raise ValueError(problem)
            h = h * chunk[:, None] / (1 - module.p)
        else:
            h = module(h)
    if rest.shape[1]:
        raise ValueError(problem)
    return h.log_softmax(-1).expand(len(masks), -1, -1)


def ensemble_means(
    log_probs: Float[Tensor, "m n k"], weights: Float[Tensor, "m"]
) -> tuple[Float[Tensor, "n k"], Float[Tensor, "n k"]]:
    """Las medias aritmética y geométrica de las probabilidades de ``m`` modelos; la segunda, vuelta a normalizar.

    Raises:
        ValueError: si los pesos no son probabilidades, una por modelo.
    """
    total = weights.sum().item()
    if weights.shape != log_probs.shape[:1] or not (weights >= 0).all() or abs(total - 1) > 1e-6:
        raise ValueError(f"weights debe tener {len(log_probs)} probabilidades que sumen 1; suman {total:.6g}")
    weights = weights.to(log_probs.dtype)
    arithmetic = torch.einsum("m,mnk->nk", weights, log_probs.exp())
    geometric = torch.einsum("m,mnk->nk", weights, log_probs).softmax(-1)
    return arithmetic, geometric


# --- Una penalización que se adapta ---------------------------------------------------------------------------------


def dropout_ridge(x: Float[np.ndarray, "n d"], y: Float[np.ndarray, "n"], p: float) -> Float[np.ndarray, "d"]:
    """Los pesos que minimizan la suma esperada de cuadrados de una regresión con dropout en las entradas.

    Es una penalización L2 que cobra a cada peso la suma de los cuadrados de su columna: Wager y otros (2013).

    Raises:
        ValueError: si las formas no corresponden, ``p`` no está en [0, 1) o hay columnas nulas.
    """
    if x.ndim != 2 or y.shape != x.shape[:1]:
        raise ValueError(f"x debe tener forma (n, d) e y (n,); tienen {x.shape} y {y.shape}")
    if _check_rate(p) == 1:
        raise ValueError("p debe ser menor que 1: con 1 no queda ninguna entrada")
    gram = x.T @ x
    if not gram.diagonal().all():
        raise ValueError("x tiene una columna de ceros: su peso no está determinado")
    return np.linalg.solve(gram + p / (1 - p) * np.diag(gram.diagonal()), x.T @ y)


# --- Monte Carlo ----------------------------------------------------------------------------------------------------


def _stochastic() -> tuple[type[nn.Module], ...]:
    return (Dropout, DropConnect, DropoutCopies, nn.modules.dropout._DropoutNd)


@contextmanager
def only_dropout(model: nn.Module) -> Iterator[nn.Module]:
    """Dentro del ``with``, todo en modo de evaluación salvo las capas de dropout; al salir, como estaba."""
    before = [(module, module.training) for module in model.modules()]
    try:
        for module, _ in before:
            module.training = isinstance(module, _stochastic())
        yield model
    finally:
        for module, training in before:
            module.training = training


@torch.no_grad()
def mc_samples(model: nn.Module, x: Float[Tensor, "*n d"], samples: int) -> Float[Tensor, "s *n k"]:
    """``samples`` salidas de ``model`` con otras tantas máscaras (Gal y Ghahramani, 2016).

    Raises:
        ValueError: si ``samples`` no es positivo o el modelo no tiene ninguna capa de dropout.
    """
    if samples < 1:
        raise ValueError(f"samples debe ser un entero positivo; se recibió {samples}")
    if not any(isinstance(module, _stochastic()) for module in model.modules()):
        raise ValueError("model no tiene capas de dropout: todas las muestras serían iguales")
    with only_dropout(model):
        return torch.stack([model(x) for _ in range(samples)])


class Uncertainty(NamedTuple):
    """Entropías en nats, una por ejemplo: la de la media, la media de las entropías y su diferencia."""

    total: Tensor
    expected: Tensor
    mutual: Tensor


def uncertainty(probabilities: Float[Tensor, "s *n k"]) -> Uncertainty:
    """Cuánto dudan ``s`` predicciones: en conjunto, cada una por su lado y entre sí (información mutua)."""
    mean = probabilities.mean(0)
    total = torch.special.entr(mean).sum(-1)
    expected = torch.special.entr(probabilities).sum(-1).mean(0)
    return Uncertainty(total, expected, total - expected)


# --- Muchas redes a la vez ------------------------------------------------------------------------------------------


class DropoutCopies(Copies):
    """Las redes de :class:`~profundo.comun.copias.Copies` con dropout en las entradas y en las capas ocultas.

    Args:
        sizes: unidades de cada capa, desde las entradas.
        seeds: una semilla por red: sus pesos y sus máscaras.
        p_input, p_hidden: probabilidad de apagar una entrada o una unidad oculta, común o una por red.
    """

    def __init__(
        self,
        sizes: Sequence[int],
        seeds: Sequence[int],
        *,
        p_input: Rates = 0.0,
        p_hidden: Rates = 0.0,
        gain: float = 1.0,
    ) -> None:
        super().__init__(sizes, seeds, gain=gain)
        self.keep: list[Tensor] = []  # la probabilidad de conservar de cada red: en las entradas y en lo demás
        for name, rates in (("p_input", p_input), ("p_hidden", p_hidden)):
            each = list(rates) if isinstance(rates, Sequence) else [rates] * len(seeds)
            if len(each) != len(seeds) or max(map(_check_rate, each)) == 1:
                raise ValueError(f"{name} debe ser menor que 1 y, si es una lista, una por red; se recibió {rates}")
            self.keep.append(1 - torch.tensor(each)[:, None, None])
        self.generators = [torch.Generator().manual_seed(seed) for seed in seeds]

    def forward(self, x: Float[Tensor, "n b d"]) -> Float[Tensor, "n b k"]:
        layers = self.layers(self.flat)
        for i in range(0, len(layers), 2):
            x = self.drop(x.relu() if i else x, self.keep[i > 0])
            x = torch.baddbmm(layers[i + 1], x, layers[i])
        return x

    def drop(self, x: Float[Tensor, "n b d"], keep: Float[Tensor, "n 1 1"]) -> Float[Tensor, "n b d"]:
        """Dropout invertido; la máscara de cada red sale de su generador."""
        if not self.training or (keep == 1).all():
            return x
        draws = torch.zeros_like(x)
        for draw, k, generator in zip(draws, keep, self.generators, strict=True):
            if k < 1:
                draw.uniform_(generator=generator)
        return x * ((draws < keep) / keep)

    @torch.no_grad()
    def evaluate(self, x: Float[Tensor, "m d"], y: Int[Tensor, "m"]) -> tuple[Float[Tensor, "n"], Float[Tensor, "n"]]:
        """Entropía cruzada, en nats, y exactitud de cada red, sin dropout, con los mismos ejemplos."""
        was = self.training
        self.eval()
        logits = self(x.expand(len(self.flat), -1, -1))
        self.train(was)
        loss = F.cross_entropy(logits.transpose(1, 2), y.expand(len(logits), -1), reduction="none").mean(1)
        return loss, (logits.argmax(-1) == y).double().mean(1)
