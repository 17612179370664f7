"""Lotes: en qué orden se leen los ejemplos, cómo se los reparten varios procesos y cómo se promedia entre ellos."""

from collections.abc import Iterator, Mapping

import torch
import torch.distributed as dist
from jaxtyping import Float, Shaped
from torch import Tensor, nn
from torch.utils.data import DataLoader, RandomSampler, Sampler, TensorDataset


def processes() -> tuple[int, int]:
    """Qué proceso es este y cuántos entrenan juntos: el 0 de 1, salvo que ``torch.distributed`` esté en marcha."""
    running = dist.is_available() and dist.is_initialized()
    return (dist.get_rank(), dist.get_world_size()) if running else (0, 1)


def check_equal_steps(steps: int, model: nn.Module) -> None:
    """Comprueba que todos los procesos van a dar los mismos pasos: si no, unos esperarían a otros para siempre.

    Raises:
        ValueError: si no coinciden.
    """
    if processes()[1] > 1:
        extremes = torch.tensor([steps, -steps], device=next(model.parameters()).device)
        dist.all_reduce(extremes, dist.ReduceOp.MAX)
        most, fewest = extremes.tolist()
        if most != -fewest:
            raise ValueError(f"train_loader debe dar los mismos lotes en cada proceso; da de {-fewest} a {most}")


def align_buffers(model: nn.Module) -> None:
    """Copia del primer proceso lo que no se deriva, como las medias móviles de una normalización."""
    if processes()[1] > 1:
        for buffer in model.buffers():
            dist.broadcast(buffer, 0)


class BatchOrder(Sampler[Tensor]):
    """Los índices de cada lote: en orden o, con ``generator``, barajados de nuevo en cada vuelta.

    Si W procesos entrenan juntos, cada lote se reparte: a cada proceso le toca uno de cada W ejemplos, sin repetir
    ninguno. Al barajar, todos reciben la misma cantidad, para dar los mismos pasos; los ejemplos que sobran, menos
    de W, se quedan fuera de esa vuelta. En orden, que es como se evalúa, no sobra ninguno.

    Args:
        n: cantidad de ejemplos.
        batch_size: ejemplos de un lote, contando los de todos los procesos.
        generator: el azar con que se baraja; en todos los procesos, con la misma semilla.
        shard: qué proceso y de cuántos, como ``(0, 2)``; si no se da, los que dice :func:`processes`.

    Raises:
        ValueError: si ``batch_size`` no es un múltiplo positivo de los procesos o no hay un ejemplo para cada uno.
    """

    def __init__(
        self,
        n: int,
        batch_size: int,
        generator: torch.Generator | None = None,
        *,
        shard: tuple[int, int] | None = None,
    ) -> None:
        self.rank, self.world = shard or processes()
        if batch_size < 1 or batch_size % self.world:
            raise ValueError(f"batch_size debe ser un múltiplo positivo de {self.world}; se recibió {batch_size}")
        if n < self.world:
            raise ValueError(f"debe haber al menos {self.world} ejemplos; hay {n}")
        self.n, self.batch_size, self.generator = n, batch_size // self.world, generator

    def __iter__(self) -> Iterator[Tensor]:
        if self.generator is None:
            order = torch.arange(self.n)
        else:
            shuffled = list(RandomSampler(range(self.n), generator=self.generator))
            order = torch.tensor(shuffled)[: self.n - self.n % self.world]
        yield from order[self.rank :: self.world].split(self.batch_size)

    def __len__(self) -> int:
        share = self.n // self.world + (self.generator is None and self.rank < self.n % self.world)
        return -(-share // self.batch_size)


def make_loader(
    x: Shaped[Tensor, "n ..."], y: Shaped[Tensor, "n ..."], *, batch_size: int, shuffle_seed: int | None = None
) -> DataLoader:
    """Lotes de ``(x, y)`` en orden o, con ``shuffle_seed``, barajados de nuevo en cada época.

    El generador es propio: ni el orden depende de otros números al azar del programa ni los altera. Cada lote se toma
    de los tensores con una sola indexación; juntar ejemplos de uno en uno cuesta varias veces más.

    Raises:
        ValueError: si ``x`` e ``y`` tienen distinta cantidad de ejemplos, y los de :class:`BatchOrder`.
    """
    if len(x) != len(y):
        raise ValueError(f"x e y deben tener la misma cantidad de ejemplos; tienen {len(x)} y {len(y)}")
    generator = torch.Generator().manual_seed(shuffle_seed or 0)
    order = BatchOrder(len(x), batch_size, None if shuffle_seed is None else generator)
    return DataLoader(TensorDataset(x, y), batch_size=None, sampler=order, generator=generator)


class Averages:
    """Promedios de varias medidas, ponderados por el tamaño de cada lote y comunes a todos los procesos.

    Suma tensores sin leerlos: leerlos en cada lote haría esperar a una GPU.
    """

    def __init__(self) -> None:
        self.sums: dict[str, Tensor] = {}
        self.count = 0

    def add(self, values: Mapping[str, Float[Tensor, ""]], n: int) -> None:
        """Añade las medidas de un lote de ``n`` ejemplos, cada una ya promediada en el lote."""
        for name, value in values.items():
            self.sums[name] = self.sums[name].add_(value, alpha=n) if name in self.sums else n * value
        self.count += n

    def result(self) -> dict[str, float]:
        """El promedio de cada medida por ejemplo.

        Raises:
            ValueError: si no se añadió ningún lote.
        """
        if not self.count:
            raise ValueError("no hay ningún lote que promediar")
        first = next(iter(self.sums.values()))
        totals = torch.stack([*self.sums.values(), first.new_tensor(self.count)])
        if processes()[1] > 1:
            dist.all_reduce(totals)
        *sums, count = totals.tolist()
        return {name: total / count for name, total in zip(self.sums, sums, strict=True)}
