"""Un módulo con lo que más cuesta editar desde fuera: decoradores, formas, constantes y clases que usan otras."""

from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from jaxtyping import Float

FACTOR = 2


@dataclass(frozen=True)
class Square:
    """Un cuadrado."""

    side: float
    notes: list[str] = field(default_factory=list)

    def area(self) -> float:
        """Su área."""
        return self.side**2


@lru_cache(maxsize=8)
def scaled(n: int) -> int:
    """Usa una constante del módulo."""
    return FACTOR * n


def total_area(sides: Float[np.ndarray, " n"]) -> float:
    """Usa la clase del módulo."""
    return sum(Square(float(side)).area() for side in sides)
