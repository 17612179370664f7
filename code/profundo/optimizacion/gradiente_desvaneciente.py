"""Gradientes que se desvanecen o explotan: las jacobianas de una red, el recorte, y TensorBoard por dentro.

Fuentes: Hochreiter (1991) y Bengio, Simard y Frasconi (1994), el producto de jacobianas; Pascanu, Mikolov y Bengio
(2013), el recorte por la norma; He y otros (2016), las conexiones residuales. El formato de los archivos de eventos es
el TFRecord de TensorFlow, y los cajones de sus histogramas, los de ``torch.utils.tensorboard``.

En qué nos apartamos de PyTorch: ``clip_grad_norm_`` y ``clip_grad_value_`` no tienen las opciones de velocidad.
"""

import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Shaped
from matplotlib.axes import Axes
from torch import Tensor, nn
from torch.utils.tensorboard import SummaryWriter

from profundo.fundamentos.bucle_de_entrenamiento import Callback, Trainer
from profundo.optimizacion.inicializacion import Rule, Stack

# --- El producto de jacobianas --------------------------------------------------------------------------------------


def layer_jacobians(model: nn.Sequential, x: Float[Tensor, "d"]) -> list[Float[Tensor, "_ _"]]:
    """Las jacobianas ∂z_l/∂z_{l-1} = W_l diag f'(z_{l-1}) de una red densa en el ejemplo ``x``, de l = 2 en adelante.

    Args:
        model: capas ``nn.Linear`` alternadas con activaciones que van número a número.
        x: un ejemplo.
    """
    jacobians, slope = [], None
    for module in model:
        if isinstance(module, nn.Linear):
            if slope is not None:
                jacobians.append(module.weight.detach() * slope)  # escala la columna j por f'(z_j)
            x = module(x).detach()
        else:
            z = x.requires_grad_()
            x = module(z)
            (slope,) = torch.autograd.grad(x.sum(), z)
    return jacobians


def chain(jacobians: Sequence[Float[Tensor, "_ _"]]) -> list[Float[Tensor, "_ _"]]:
    """Los productos ∂z_L/∂z_l, de l = L - 1 hacia la primera capa: cada uno añade un factor por la derecha."""
    products = [jacobians[-1]]
    for jacobian in jacobians[-2::-1]:
        products.append(products[-1] @ jacobian)
    return products


class Deep(Stack):
    """Las redes de :class:`Stack` con dos remedios: normalizar y sumar atajos.

    Args:
        sizes, seeds, rules, activation: como en ``Stack``.
        norm: lo que se aplica a las sumas de las capas ocultas, ``(n, b, c)``, antes de la activación.
        branch: si se da, una capa tan ancha como la anterior calcula ``z + branch · (W f(z) + b)``, no ``W f(z) + b``.
    """

    def __init__(
        self,
        sizes: Sequence[int],
        seeds: Sequence[int],
        rules: Sequence[Rule | None],
        *,
        activation: Callable[[Tensor], Tensor] = torch.relu,
        norm: Callable[[Tensor], Tensor] | None = None,
        branch: float | None = None,
    ) -> None:
        super().__init__(sizes, seeds, rules, activation=activation)
        self.norm, self.branch = norm, branch

    def sums(self, x: Float[Tensor, "n b d"]) -> list[Float[Tensor, "n b _"]]:
        """Las sumas de cada capa; las de la última son los puntajes."""
        first_weight, first_bias, *rest = self.layers(self.flat)
        sums = [torch.baddbmm(first_bias, x, first_weight)]
        for weight, bias in zip(rest[::2], rest[1::2], strict=True):
            z = sums[-1]
            a = self.activation(z if self.norm is None else self.norm(z))
            change = torch.baddbmm(bias, a, weight)
            sums.append(change if self.branch is None or change.shape != z.shape else z + self.branch * change)
        return sums

    def forward(self, x: Float[Tensor, "n b d"]) -> Float[Tensor, "n b k"]:
        return self.sums(x)[-1]

    def weight_norms(self, flat: Float[Tensor, "n p"]) -> Float[Tensor, "c n"]:
        """La norma de la parte de ``flat`` (parámetros o gradientes) que son pesos, por capa y por red."""
        return torch.stack([weight.norm(dim=(1, 2)) for weight in self.layers(flat)[::2]])


def batch_norm(z: Float[Tensor, "n b c"]) -> Float[Tensor, "n b c"]:
    """Normalización por lotes de cada red: la ``nn.BatchNorm1d`` de PyTorch al entrenar, sin parámetros."""
    n, b, c = z.shape
    flat = z.transpose(0, 1).reshape(b, n * c)  # una columna por neurona de cada red
    return nn.functional.batch_norm(flat, None, None, training=True).view(b, n, c).transpose(0, 1)


# --- Recorte --------------------------------------------------------------------------------------------------------


def clip_grad_value_(parameters: Iterable[Tensor], clip_value: float) -> None:
    """Lleva cada número del gradiente al intervalo [-clip_value, clip_value].

    Raises:
        ValueError: si ``clip_value`` no es positivo.
    """
    if not clip_value > 0:
        raise ValueError(f"clip_value debe ser positivo; se recibió {clip_value}")
    for p in parameters:
        if p.grad is not None:
            p.grad.clamp_(-clip_value, clip_value)


def clip_grad_norm_(
    parameters: Iterable[Tensor], max_norm: float, *, error_if_nonfinite: bool = False
) -> Float[Tensor, ""]:
    """Si la norma del gradiente, con todos los parámetros juntos, supera ``max_norm``, lo encoge hasta ella.

    Returns:
        La norma *antes* de recortar.

    Raises:
        ValueError: si ``max_norm`` no es positivo.
        RuntimeError: con ``error_if_nonfinite``, si la norma es infinita o no es un número.
    """
    if not max_norm > 0:
        raise ValueError(f"max_norm debe ser positivo; se recibió {max_norm}")
    gradients = [p.grad for p in parameters if p.grad is not None]
    if not gradients:
        return torch.tensor(0.0)
    total = torch.stack([g.norm() for g in gradients]).norm()
    if error_if_nonfinite and not total.isfinite():
        raise RuntimeError(f"la norma del gradiente no es finita: {total.item()}")
    factor = (max_norm / (total + 1e-6)).clamp(max=1)  # el 1e-6 es el de PyTorch: evita dividir entre cero
    for g in gradients:
        g.mul_(factor)
    return total


# --- Histogramas ----------------------------------------------------------------------------------------------------


def bucket_limits() -> Float[np.ndarray, "m"]:
    """Los bordes de los cajones: 0 y ±1e-12 · 1.1^k, hasta 1e20. Cada cajón mide la décima parte de lo que contiene."""
    positive = [1e-12]
    while positive[-1] * 1.1 < 1e20:
        positive.append(positive[-1] * 1.1)
    return np.array([*(-v for v in reversed(positive)), 0.0, *positive])


def log_histogram(values: Shaped[Tensor, "..."]) -> tuple[Float[np.ndarray, "m"], Float[np.ndarray, "m"]]:
    """El histograma que guarda ``SummaryWriter.add_histogram``.

    Returns:
        El borde derecho de cada cajón y cuántos valores hay en él; el primer cajón está vacío, y su borde es el
        izquierdo del segundo.

    Raises:
        ValueError: si no hay valores o alguno no es finito.
    """
    array = values.detach().numpy().astype(float).ravel()
    if array.size == 0 or not np.isfinite(array).all():
        raise ValueError("values debe tener algún valor y ser todos finitos")
    counts, limits = np.histogram(array, bucket_limits())
    first, last = np.flatnonzero(counts)[[0, -1]]
    return limits[first : last + 2], np.concatenate([[0.0], counts[first : last + 1]])


def rebin(
    limits: Float[np.ndarray, "m"], counts: Float[np.ndarray, "m"], edges: Float[np.ndarray, "e"]
) -> Float[np.ndarray, "e-1"]:
    """Reparte los cajones de ``log_histogram`` entre otros, como si dentro de cada uno los valores fueran uniformes."""
    return np.diff(np.interp(edges, limits, np.cumsum(counts)))


def plot_ridge(
    ax: Axes, curves: Float[np.ndarray, "s b"], edges: Float[np.ndarray, "b+1"], steps: Sequence[int], *, color: str
) -> None:
    """Una cordillera: un histograma por paso, el más reciente delante y abajo, cada uno sobre su línea de base.

    Args:
        curves: cuántos valores hay en cada cajón, en cada paso.
        edges: los bordes de los cajones.
        steps: el paso de cada curva, que se escribe en el eje.
        color: el de las curvas.
    """
    height = 3 * curves / curves.max()
    x = np.repeat(edges, 2)[1:-1]
    for row, curve in enumerate(height):
        y = np.repeat(curve, 2) - row
        ax.fill_between(x, y, -row, where=np.repeat(curve > 0, 2), color=color, lw=0, zorder=row + 2)
        ax.plot(x, y, color="white", lw=0.6, linestyle="-", zorder=row + 2)
    marks = range(0, len(steps), max(1, len(steps) // 5))
    ax.set_yticks([-k for k in marks], [str(steps[k]) for k in marks])


# --- TensorBoard ----------------------------------------------------------------------------------------------------


class Recorder(Callback):
    """Escribe el entrenamiento en archivos de eventos, para verlo con TensorBoard.

    En cada paso, la pérdida. Cada ``every`` pasos, por cada matriz de pesos, su histograma, el de su gradiente y cuánto
    la cambia el paso en relación con su tamaño.

    Args:
        log_dir: la carpeta de esta ejecución.
        every: pasos entre dos histogramas.
    """

    def __init__(self, log_dir: str | Path, *, every: int = 10) -> None:
        if every < 1:
            raise ValueError(f"every debe ser un entero positivo; se recibió {every}")
        self.log_dir, self.every = log_dir, every

    def on_fit_start(self, trainer: Trainer, total_steps: int) -> None:
        self.writer = SummaryWriter(str(self.log_dir))

    def on_backward_end(self, trainer: Trainer) -> None:
        if trainer.step % self.every:
            return
        self.before = {name: p.detach().clone() for name, p in trainer.model.named_parameters() if p.ndim > 1}
        for name, p in trainer.model.named_parameters():
            if name in self.before and p.grad is not None:
                self.writer.add_histogram(f"pesos/{name}", p, trainer.step)
                self.writer.add_histogram(f"gradientes/{name}", p.grad, trainer.step)

    def on_batch_end(self, trainer: Trainer, loss: Float[Tensor, ""]) -> None:
        step = trainer.step - 1  # el paso que se acaba de dar
        self.writer.add_scalar("pérdida", loss, step)
        if step % self.every == 0:
            for name, p in trainer.model.named_parameters():
                if name in self.before:
                    self.writer.add_scalar(f"cambio/{name}", relative_change(self.before[name], p), step)

    def on_fit_end(self, trainer: Trainer) -> None:
        self.writer.close()


def relative_change(before: Tensor, after: Tensor) -> float:
    """Cuánto se movió un tensor, en relación con lo que medía: ‖después - antes‖ / ‖antes‖."""
    return ((after.detach() - before).norm() / before.norm()).item()


def _crc_table() -> list[int]:
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ 0x82F63B78 * (byte & 1)  # el polinomio de Castagnoli, con los bits del revés
        table.append(byte)
    return table


CRC_TABLE = _crc_table()


def masked_crc32c(data: bytes) -> int:
    """La suma de comprobación de un TFRecord: CRC-32C, girada 15 bits y desplazada.

    Se altera para que no confunda comprobar unos datos que ya llevan dentro su propia suma.
    """
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ CRC_TABLE[(crc ^ byte) & 0xFF]
    crc ^= 0xFFFFFFFF
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def read_records(path: str | Path) -> Iterator[bytes]:
    """Los registros de un TFRecord, en orden; un último registro a medio escribir se deja para más tarde.

    Raises:
        ValueError: si una suma de comprobación no coincide.
    """
    data, start = Path(path).read_bytes(), 0
    while start + 12 <= len(data):
        length, length_crc = struct.unpack_from("<QI", data, start)
        if masked_crc32c(data[start : start + 8]) != length_crc:
            raise ValueError(f"path está dañado: no coincide la suma de la longitud en el byte {start}")
        end = start + 12 + length
        if end + 4 > len(data):
            return
        record = data[start + 12 : end]
        if masked_crc32c(record) != struct.unpack_from("<I", data, end)[0]:
            raise ValueError(f"path está dañado: no coincide la suma del registro que empieza en el byte {start}")
        yield record
        start = end + 4
