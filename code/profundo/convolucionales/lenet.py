"""LeNet-5: convolución y submuestreo escritos desde cero, la red con piezas de hoy y la red de 1998.

Fuente: LeCun, Bottou, Bengio y Haffner (1998), *Gradient-Based Learning Applied to Document Recognition*, sección II.

``LeNet`` conserva el esqueleto del artículo (capas C1 a F6) y cambia las piezas: ReLU, máximo, C3 conectada entera y
una capa lineal de salida. ``LeNet1998`` sigue el artículo. Nos apartamos de él en dos cosas: los códigos de salida son
signos al azar (el artículo contempla esa opción y prefiere dibujos de los caracteres) y se entrena con Adam, no con el
método de Levenberg-Marquardt diagonal. De sus dos pérdidas, está la más simple.
"""

from collections import OrderedDict
from typing import Literal

import pandas as pd
import torch
from einops import reduce
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

# --- Convolución y submuestreo --------------------------------------------------------------------------------------


def output_size(size: int, kernel: int, *, stride: int = 1, padding: int = 0) -> int:
    """Lado de la salida de una convolución o de un submuestreo sobre una entrada de lado ``size``, en píxeles.

    Raises:
        ValueError: si algún argumento está fuera de rango o el núcleo no cabe.
    """
    if size < 1 or kernel < 1 or stride < 1 or padding < 0:
        raise ValueError(
            "size, kernel y stride deben ser positivos y padding, no negativo; "
            f"se recibió size={size}, kernel={kernel}, stride={stride}, padding={padding}"
        )
    if kernel > size + 2 * padding:
        raise ValueError(f"kernel debe ser como mucho size + 2·padding = {size + 2 * padding}; se recibió {kernel}")
    return (size + 2 * padding - kernel) // stride + 1


def conv2d_loops(
    x: Float[Tensor, "c h w"], weight: Float[Tensor, "o c k k"], bias: Float[Tensor, "o"], *, padding: int = 0
) -> Float[Tensor, "o i j"]:
    """La convolución de una imagen, como se lee en la ecuación: un bucle por cada índice de la salida."""
    n_out, _, k, _ = weight.shape
    x = F.pad(x, [padding] * 4)
    rows, columns = output_size(x.shape[1], k), output_size(x.shape[2], k)
    y = x.new_empty(n_out, rows, columns)
    for o in range(n_out):
        for i in range(rows):
            for j in range(columns):
                y[o, i, j] = (weight[o] * x[:, i : i + k, j : j + k]).sum() + bias[o]
    return y


def conv2d(
    x: Float[Tensor, "b c h w"],
    weight: Float[Tensor, "o c k k"],
    bias: Float[Tensor, "o"],
    *,
    stride: int = 1,
    padding: int = 0,
) -> Float[Tensor, "b o i j"]:
    """La misma convolución sin bucles: se extraen todas las ventanas y un producto las compara con los núcleos.

    Raises:
        ValueError: si los canales de ``x`` y ``weight`` no coinciden.
    """
    if x.shape[1] != weight.shape[1]:
        raise ValueError(f"weight debe tener {x.shape[1]} canales de entrada, como x; tiene {weight.shape[1]}")
    k = weight.shape[2]
    windows = F.pad(x, [padding] * 4).unfold(2, k, stride).unfold(3, k, stride)  # b c i j p q
    return torch.einsum("bcijpq,ocpq->boij", windows, weight) + bias[:, None, None]


def pool2d(
    x: Float[Tensor, "b c h w"], size: int, reduction: Literal["max", "mean", "sum"] = "max"
) -> Float[Tensor, "b c i j"]:
    """Resume cada bloque de ``size`` × ``size`` píxeles en un número. Los lados deben ser múltiplos de ``size``.

    Raises:
        ValueError: si algún lado no es múltiplo de ``size``.
    """
    if x.shape[2] % size or x.shape[3] % size:
        raise ValueError(f"los lados de x deben ser múltiplos de size={size}; son {x.shape[2]} y {x.shape[3]}")
    return reduce(x, "b c (i p) (j q) -> b c i j", reduction, p=size, q=size)


def translate(x: Float[Tensor, "... h w"], dx: int, dy: int = 0) -> Float[Tensor, "... h w"]:
    """Desplaza las imágenes ``dx`` píxeles a la derecha y ``dy`` hacia abajo; lo que entra por el borde vale cero."""
    return F.pad(x, [dx, -dx, dy, -dy])


# --- La red, con piezas de hoy --------------------------------------------------------------------------------------


class LeNet(nn.Module):
    """LeNet-5 con ReLU, máximo y salida lineal: de imágenes ``(b, 1, 28, 28)`` a un puntaje por clase.

    Args:
        n_classes: cantidad de clases.
    """

    def __init__(self, n_classes: int = 10) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            OrderedDict(
                c1=nn.Conv2d(1, 6, kernel_size=5, padding=2),
                relu1=nn.ReLU(),
                s2=nn.MaxPool2d(2),
                c3=nn.Conv2d(6, 16, kernel_size=5),
                relu3=nn.ReLU(),
                s4=nn.MaxPool2d(2),
                flatten=nn.Flatten(),
                c5=nn.Linear(16 * 5 * 5, 120),
                relu5=nn.ReLU(),
                f6=nn.Linear(120, 84),
                relu6=nn.ReLU(),
                output=nn.Linear(84, n_classes),
            )
        )

    def forward(self, x: Float[Tensor, "b 1 28 28"]) -> Float[Tensor, "b k"]:
        return self.layers(x)


def build_mlp(n_parameters: int) -> nn.Sequential:
    """La red de una capa oculta cuyo número de parámetros más se acerca a ``n_parameters``, para comparar.

    Con h unidades ocultas tiene 784·h + h + h·10 + 10 parámetros.

    Raises:
        ValueError: si no alcanza para una unidad oculta.
    """
    hidden = round((n_parameters - 10) / 795)
    if hidden < 1:
        raise ValueError(f"n_parameters debe ser al menos 408; se recibió {n_parameters}")
    return nn.Sequential(nn.Flatten(), nn.Linear(784, hidden), nn.ReLU(), nn.Linear(hidden, 10))


# --- La red de 1998 -------------------------------------------------------------------------------------------------

# Los mapas de S2 que ve cada mapa de C3 (tabla I del artículo).
C3_INPUTS = (
    *((o, (o + 1) % 6, (o + 2) % 6) for o in range(6)),
    *((o, (o + 1) % 6, (o + 2) % 6, (o + 3) % 6) for o in range(6)),
    *((o, o + 1, (o + 3) % 6, (o + 4) % 6) for o in range(3)),
    tuple(range(6)),
)


def c3_table() -> Bool[Tensor, "16 6"]:
    """La tabla de conexiones de C3: qué mapas de S2 (columnas) ve cada mapa de C3 (filas)."""
    table = torch.zeros(len(C3_INPUTS), 6, dtype=torch.bool)
    for row, inputs in zip(table, C3_INPUTS, strict=True):
        row[list(inputs)] = True
    return table


class ScaledTanh(nn.Module):
    """La activación del artículo: 1.7159 tanh(2a/3), que vale casi ±1 en a = ±1."""

    def forward(self, a: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
        return 1.7159 * torch.tanh(2 / 3 * a)


class Subsampling(nn.Module):
    """Suma cada bloque de 2 × 2 y lo escala y desplaza con un coeficiente y un sesgo entrenables por canal."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(channels, 1, 1).uniform_(-2.4 / 4, 2.4 / 4))
        self.bias = nn.Parameter(torch.zeros(channels, 1, 1))

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c i j"]:
        return self.weight * pool2d(x, 2, "sum") + self.bias


class PartialConv2d(nn.Module):
    """Convolución en la que cada mapa de salida ve solo los mapas de entrada que dice ``table``."""

    def __init__(self, table: Bool[Tensor, "o c"], kernel_size: int) -> None:
        super().__init__()
        self.table: Tensor
        self.register_buffer("table", table)
        fan_in = kernel_size**2 * table.sum(1, keepdim=True).expand_as(table)[table]
        uniform = 2 * torch.rand(len(fan_in), kernel_size, kernel_size) - 1
        self.weight = nn.Parameter(2.4 / fan_in[:, None, None] * uniform)
        self.bias = nn.Parameter(torch.zeros(len(table)))

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b o i j"]:
        dense = self.weight.new_zeros(*self.table.shape, *self.weight.shape[1:])
        dense[self.table] = self.weight
        return F.conv2d(x, dense, self.bias)


class RBFOutput(nn.Module):
    """Menos la distancia euclidiana al cuadrado entre la entrada y el código fijo de cada clase, de ±1 al azar."""

    def __init__(self, n_inputs: int, n_classes: int) -> None:
        super().__init__()
        self.codes: Tensor
        signs = torch.randint(0, 2, (n_classes, n_inputs), generator=torch.Generator().manual_seed(0))
        self.register_buffer("codes", 2.0 * signs - 1)

    def forward(self, x: Float[Tensor, "b d"]) -> Float[Tensor, "b k"]:
        return -((x[:, None] - self.codes) ** 2).sum(-1)


def distance_loss(scores: Float[Tensor, "b k"], y: Int[Tensor, "b"]) -> Float[Tensor, ""]:
    """La pérdida más simple del artículo (su ecuación 8): la distancia promedio al código de la clase correcta."""
    return -scores.gather(1, y[:, None]).mean()


class LeNet1998(nn.Module):
    """LeNet-5 como en el artículo: de imágenes ``(b, 1, 28, 28)`` en [0, 1] a puntajes ``(b, 10)``.

    La entrada crece a 32 × 32 con fondo y se reescala a [−0.1, 1.175]; los pesos empiezan uniformes entre ±2.4/F, donde
    F es la cantidad de entradas de la unidad.
    """

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            OrderedDict(
                c1=nn.Conv2d(1, 6, kernel_size=5),
                tanh1=ScaledTanh(),
                s2=Subsampling(6),
                tanh2=ScaledTanh(),
                c3=PartialConv2d(c3_table(), kernel_size=5),
                tanh3=ScaledTanh(),
                s4=Subsampling(16),
                tanh4=ScaledTanh(),
                flatten=nn.Flatten(),
                c5=nn.Linear(16 * 5 * 5, 120),
                tanh5=ScaledTanh(),
                f6=nn.Linear(120, 84),
                tanh6=ScaledTanh(),
                output=RBFOutput(84, 10),
            )
        )
        for layer in self.layers:
            if isinstance(layer, nn.Conv2d | nn.Linear):
                bound = 2.4 / layer.weight[0].numel()
                nn.init.uniform_(layer.weight, -bound, bound)

    def forward(self, x: Float[Tensor, "b 1 28 28"]) -> Float[Tensor, "b 10"]:
        return self.layers(F.pad(1.275 * x - 0.1, [2] * 4, value=-0.1))


# --- Radiografía ----------------------------------------------------------------------------------------------------


@torch.no_grad()
def receptive_field(layers: nn.Module, size: int = 28) -> Bool[Tensor, "h w"]:
    """Los píxeles de una entrada de ``size`` × ``size`` de los que depende la unidad central del primer mapa de salida.

    No usa fórmulas: estropea un píxel cada vez con un NaN, que contamina toda cuenta en que entra, y mira si llega.
    """
    images = torch.zeros(size * size, 1, size, size)
    images.view(size * size, -1).fill_diagonal_(float("nan"))
    first = layers(images)[:, 0]
    unit = first[:, first.shape[1] // 2, first.shape[2] // 2] if first.ndim == 3 else first
    return unit.isnan().view(size, size)


def describe(layers: nn.Sequential, size: int = 28) -> pd.DataFrame:
    """Salida, parámetros, conexiones y lado del campo receptivo de cada capa, medidos sobre la red misma.

    Una unidad tiene una conexión por cada entrada y otra por su sesgo; las que comparten pesos cuentan aparte.
    """
    x, rows = torch.zeros(1, 1, size, size), []
    for depth, (name, layer) in enumerate(layers.named_children(), start=1):
        x = layer(x)
        parameters = sum(p.numel() for p in layer.parameters())
        if isinstance(layer, RBFOutput):
            connections = layer.codes.numel()
        elif isinstance(layer, Subsampling | nn.MaxPool2d):
            connections = x.numel() * (4 + isinstance(layer, Subsampling))
        elif parameters:
            connections = parameters * x[0, 0].numel()
        else:
            continue
        field = receptive_field(layers[:depth], size)
        shape = " × ".join(str(side) for side in x.shape[1:])
        rows.append((name.upper(), shape, parameters, connections, int(field.any(0).sum())))
    columns = ["capa", "salida", "parámetros", "conexiones", "campo receptivo"]
    return pd.DataFrame(rows, columns=columns).set_index("capa")
