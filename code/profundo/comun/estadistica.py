"""Cuánto se puede creer de una media de pocas repeticiones."""

import numpy as np
from jaxtyping import Float
from numpy.typing import ArrayLike
from scipy import stats


def mean_interval(
    values: ArrayLike, *, confidence: float = 0.95
) -> tuple[Float[np.ndarray, "*rest"], Float[np.ndarray, "*rest"]]:
    """Media de ``n`` repeticiones y mitad del ancho de su intervalo de confianza (t de Student).

    Para comparar dos métodos con las mismas semillas o los mismos repartos, dale las diferencias una a una.

    Args:
        values: una repetición por fila, ``(n,)`` o ``(n, ...)``; el resto de los ejes se conserva (p. ej. las épocas).
        confidence: probabilidad de que el intervalo cubra la media verdadera si los valores son normales.

    Returns:
        ``(media, mitad)``, con la forma de una repetición y las unidades de ``values``.

    Raises:
        ValueError: con menos de dos repeticiones, con valores que no son finitos o con ``confidence`` fuera de (0, 1).
    """
    array = np.asarray(values, dtype=float)
    if array.ndim == 0 or len(array) < 2:
        raise ValueError(f"values debe tener al menos dos repeticiones en su primer eje; tiene forma {array.shape}")
    if not np.isfinite(array).all():
        raise ValueError("values debe ser finito; contiene inf o nan")
    if not 0 < confidence < 1:
        raise ValueError(f"confidence debe estar entre 0 y 1, sin incluirlos; se recibió {confidence}")
    quantile = stats.t.ppf((1 + confidence) / 2, len(array) - 1)
    return np.asarray(array.mean(axis=0)), np.asarray(quantile * stats.sem(array, axis=0))
