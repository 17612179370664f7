"""Muchas redes pequeñas entrenadas a la vez: lo que hace falta para comparar con varias semillas.

Cien redes de 196-32-10 tardan poco más que una si sus productos de matrices se hacen juntos. Cada red tiene sus pesos
iniciales y su orden de los lotes, que salen de su semilla; no comparten nada más.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Protocol, runtime_checkable

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int, Shaped
from torch import Tensor, nn


class Copies(nn.Module):
    """Redes densas con ReLU, una por semilla, que se calculan juntas.

    Empiezan como las capas ``nn.Linear``, uniformes entre ±1/√(entradas de la capa), con los pesos multiplicados por
    ``gain``. Los parámetros de cada red son una fila de ``flat``.
    """

    def __init__(self, sizes: Sequence[int], seeds: Sequence[int], *, gain: float = 1.0) -> None:
        super().__init__()
        self.shapes = [(rows, fan_out) for fan_in, fan_out in pairwise(sizes) for rows in (fan_in, 1)]
        scales = [scale / fan_in**0.5 for fan_in in sizes[:-1] for scale in (gain, 1.0)]
        generators = [torch.Generator().manual_seed(seed) for seed in seeds]
        draws = [[2 * torch.rand(a * b, generator=g) - 1 for a, b in self.shapes] for g in generators]
        rows = [torch.cat([scale * d for scale, d in zip(scales, draw, strict=True)]) for draw in draws]
        self.flat = nn.Parameter(torch.stack(rows))

    def layers(self, flat: Float[Tensor, "n p"]) -> list[Float[Tensor, "n a b"]]:
        """Los pesos, ``(n, entra, sale)``, y los sesgos, ``(n, 1, sale)``, de cada capa, alternados."""
        parts = flat.split([a * b for a, b in self.shapes], dim=1)
        return [part.view(-1, *shape) for part, shape in zip(parts, self.shapes, strict=True)]

    def forward(self, x: Float[Tensor, "n b d"]) -> Float[Tensor, "n b k"]:
        layers = self.layers(self.flat)
        for i in range(0, len(layers), 2):
            x = torch.baddbmm(layers[i + 1], x.relu() if i else x, layers[i])
        return x

    def losses(self, x: Float[Tensor, "n b d"], y: Int[Tensor, "n b"]) -> Float[Tensor, "n"]:
        """La entropía cruzada media de cada red, en nats."""
        return F.cross_entropy(self(x).transpose(1, 2), y, reduction="none").mean(1)


@runtime_checkable
class Nets(Protocol):
    """Lo que :func:`train_copies` pide a unas redes: la pérdida de cada una en su lote."""

    def losses(self, x: Tensor, y: Tensor, /) -> Tensor: ...


@runtime_checkable
class Scheduler(Protocol):
    """Lo que cambia la tasa entre dos pasos, como los de ``torch.optim.lr_scheduler``."""

    def step(self) -> None: ...


def train_copies(
    nets: Nets,
    optimizer: torch.optim.Optimizer,
    x: Shaped[Tensor, "m ..."],
    y: Shaped[Tensor, "m ..."],
    *,
    seeds: Sequence[int],
    epochs: int | None = None,
    steps: int | None = None,
    batch_size: int = 50,
    scheduler: Scheduler | None = None,
    on_epoch: Callable[[int], None] | None = None,
) -> Float[Tensor, "steps n"]:
    """Entrena todas las redes a la vez con los mismos datos y devuelve la pérdida de cada red en cada lote.

    Args:
        nets: ``nets.losses(x, y)`` recibe un lote por red, ``(n, b, …)``, y devuelve las ``n`` pérdidas; la de una red
            no debe depender de las demás.
        optimizer: el de los parámetros de todas las redes. Se minimiza la suma de las pérdidas: el gradiente de cada
            red es el de la suya.
        seeds: una por red; fija el orden de sus lotes.
        epochs: cuántas veces se recorren los datos.
        steps: en lugar de ``epochs``, cuántos lotes se usan; la última época puede quedar a medias.
        batch_size: ejemplos por lote; el último de la época puede tener menos.
        scheduler: si lo hay, da un paso tras cada uno del optimizador.
        on_epoch: se llama con 1, 2, … al terminar cada época.

    Raises:
        ValueError: si ``y`` no tiene un valor por fila de ``x``; si no se da uno, y solo uno, de ``epochs`` y
            ``steps``, o si alguna cantidad no es positiva.
    """
    if len(x) != len(y):
        raise ValueError(f"y debe tener un valor por cada una de las {len(x)} filas de x; tiene {len(y)}")
    if (epochs is None) == (steps is None):
        raise ValueError(f"se espera epochs o steps, y solo uno; se recibió epochs={epochs} y steps={steps}")
    per_epoch = -(-len(x) // batch_size) if batch_size > 0 else 0
    total = steps if steps is not None else (epochs or 0) * per_epoch
    if not seeds or not per_epoch or total < 1:
        raise ValueError(
            "se esperaban al menos una semilla, una época (o un paso) y un ejemplo por lote; "
            f"se recibió seeds={list(seeds)}, epochs={epochs}, steps={steps}, batch_size={batch_size}"
        )
    generators = [torch.Generator().manual_seed(seed) for seed in seeds]
    history: list[Tensor] = []
    while len(history) < total:
        order = torch.stack([torch.randperm(len(x), generator=generator) for generator in generators])
        for batch in order.split(batch_size, dim=1)[: total - len(history)]:
            optimizer.zero_grad()
            losses = nets.losses(x[batch], y[batch])
            losses.sum().backward()
            optimizer.step()
            if scheduler is not None:
                scheduler.step()
            history.append(losses.detach())
        if on_epoch is not None and len(history) % per_epoch == 0:
            on_epoch(len(history) // per_epoch)
    return torch.stack(history)
