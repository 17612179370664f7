"""Semillas: que dos ejecuciones en la misma máquina impriman lo mismo."""

import os
import random

import numpy as np
import torch


def seed_everything(seed: int | np.integer) -> np.random.Generator:
    """Fija las semillas de Python, NumPy y PyTorch, y deja PyTorch en un solo hilo y en modo determinista.

    Con varios hilos, el orden de las sumas en coma flotante cambia de una ejecución a otra, y con él los últimos
    dígitos de todo lo que se calcula después.

    Args:
        seed: entero entre 0 y 2**32 - 1.

    Returns:
        Un generador de NumPy independiente, sembrado con ``seed``.

    Raises:
        TypeError: si ``seed`` no es un entero.
        ValueError: si ``seed`` está fuera de rango.
    """
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer):
        raise TypeError(f"seed debe ser un entero; se recibió {seed!r} ({type(seed).__name__})")
    if not 0 <= seed < 2**32:
        raise ValueError(f"seed debe estar entre 0 y 2**32 - 1; se recibió {seed}")
    random.seed(int(seed))
    np.random.seed(int(seed))  # noqa: NPY002 (lo usan scikit-learn y otras bibliotecas)
    torch.manual_seed(int(seed))
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # sin ella, un producto determinista en GPU es un error
    return np.random.default_rng(int(seed))
