"""Mide el motor de ``fundamentos/grafos_de_computo``: una época de una red 784-256-10 con las 5000 imágenes de MNIST.

Lo compara, en el mismo proceso y con un solo hilo, con PyTorch y con la retropropagación escrita a mano en NumPy. Las
repeticiones se alternan para que lo que haga el resto de la máquina afecte a las tres por igual.

Uso: ``make bench`` o ``python book/_ext/medir_motor.py [repeticiones]``.
"""

import os

os.environ.update(OMP_NUM_THREADS="1", MKL_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")  # se leen al importar NumPy

import sys
import time
from collections.abc import Callable

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from profundo.comun.datos import load_mnist
from profundo.fundamentos.grafos_de_computo import Tensor, cross_entropy
from profundo.fundamentos.retropropagacion import MLP, loss_and_gradients

HIDDEN, BATCH, LR, REPETITIONS = 256, 64, 0.1, 21
Weights = list[np.ndarray]


def load(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Las imágenes ``(5000, 784)`` en float32 y sus clases, barajadas."""
    images, labels = load_mnist()
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(seed))
    return images.flatten(1)[order].numpy(), labels[order].numpy()


def initial_weights(seed: int = 0) -> Weights:
    """Matrices y sesgos de las dos capas, en float32."""
    rng = np.random.default_rng(seed)
    shapes = ((784, HIDDEN), (HIDDEN,), (HIDDEN, 10), (10,))
    return [(rng.normal(size=s) / np.sqrt(s[0]) if len(s) > 1 else np.zeros(s)).astype(np.float32) for s in shapes]


def batches(n: int) -> list[slice]:
    """Los lotes de una época."""
    return [slice(start, start + BATCH) for start in range(0, n, BATCH)]


def with_engine(x: np.ndarray, y: np.ndarray, weights: Weights) -> Callable[[], None]:
    """Una época con el motor del capítulo."""
    parameters = [Tensor(w, requires_grad=True) for w in weights]
    w1, b1, w2, b2 = parameters

    def epoch() -> None:
        for rows in batches(len(x)):
            hidden = (Tensor(x[rows]) @ w1 + b1).relu()
            cross_entropy(hidden @ w2 + b2, y[rows]).backward()
            for p in parameters:
                assert p.grad is not None
                p.data -= LR * p.grad
                p.grad = None

    return epoch


def with_torch(x: np.ndarray, y: np.ndarray, weights: Weights) -> Callable[[], None]:
    """La misma época con PyTorch."""
    inputs, targets = torch.from_numpy(x), torch.from_numpy(y)
    model = nn.Sequential(nn.Linear(784, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, 10))
    with torch.no_grad():
        for p, w in zip(model.parameters(), weights, strict=True):
            p.copy_(torch.from_numpy(w.T))
    optimizer = torch.optim.SGD(model.parameters(), lr=LR)

    def epoch() -> None:
        for rows in batches(len(inputs)):
            optimizer.zero_grad()
            F.cross_entropy(model(inputs[rows]), targets[rows]).backward()
            optimizer.step()

    return epoch


def by_hand(x: np.ndarray, y: np.ndarray, weights: Weights) -> Callable[[], None]:
    """La misma época con la retropropagación escrita a mano, la de ``fundamentos/retropropagacion``."""
    net = MLP((784, HIDDEN, 10))
    for p, w in zip(net.parameters, weights, strict=True):
        p[...] = w.T

    def epoch() -> None:
        for rows in batches(len(x)):
            _, gradients = loss_and_gradients(net, x[rows], y[rows])
            for p, gradient in zip(net.parameters, gradients, strict=True):
                p -= LR * gradient

    return epoch


def measure(repetitions: int = REPETITIONS) -> dict[str, np.ndarray]:
    """Segundos de cada época, por implementación; las tres parten de los mismos pesos y ven los mismos lotes."""
    torch.set_num_threads(1)
    x, y = load()
    makers = {"motor": with_engine, "PyTorch": with_torch, "NumPy a mano": by_hand}
    epochs = {name: make(x, y, initial_weights()) for name, make in makers.items()}
    seconds: dict[str, list[float]] = {name: [] for name in epochs}
    for repetition in range(repetitions + 2):  # las dos primeras calientan y no se cuentan
        for name, epoch in epochs.items():
            started = time.perf_counter()
            epoch()
            if repetition > 1:
                seconds[name].append(time.perf_counter() - started)
    return {name: np.array(values) for name, values in seconds.items()}


def main() -> None:
    """Mide e imprime medianas y razones, con sus cuartiles."""
    repetitions = int(sys.argv[1]) if len(sys.argv) > 1 else REPETITIONS
    seconds = measure(repetitions)
    print(f"una época: red 784-{HIDDEN}-10, 5000 imágenes, lotes de {BATCH}, float32, un hilo; {repetitions} épocas")
    for name, values in seconds.items():
        print(f"  {name:<13} {np.median(values):.4f} s (mediana)")
    for other in ("PyTorch", "NumPy a mano"):
        low, middle, high = np.quantile(seconds["motor"] / seconds[other], (0.25, 0.5, 0.75))
        print(f"  motor / {other:<13} {middle:.2f} (cuartiles {low:.2f} y {high:.2f})")


if __name__ == "__main__":
    main()
