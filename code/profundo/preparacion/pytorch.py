"""Las piezas de PyTorch con las que se entrena una red, escritas otra vez con lo mínimo y comprobadas contra las suyas.

Fuentes: Paszke y otros (2019), la biblioteca; https://github.com/huggingface/safetensors, el formato de los archivos.

En qué nos apartamos de PyTorch: un parámetro es aquí cualquier tensor con ``requires_grad=True`` que un módulo tenga de
atributo, y no una clase aparte; no hay *buffers*, ganchos ni parámetros compartidos, y ``SGD`` no tiene inercia.
"""

import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int, Shaped
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset

# --- Módulos --------------------------------------------------------------------------------------------------------


class Module:
    """Un objeto que se llama como una función y encuentra sus parámetros y los de sus partes."""

    training = True

    def forward(self, x: Tensor) -> Tensor:
        """Lo que calcula; cada subclase lo define."""
        raise NotImplementedError(f"{type(self).__name__} debe definir forward")

    def __call__(self, x: Tensor) -> Tensor:
        return self.forward(x)

    def named_children(self) -> Iterator[tuple[str, "Module"]]:
        """Los módulos que tiene de atributo, con su nombre."""
        for name, value in vars(self).items():
            if isinstance(value, Module):
                yield name, value

    def named_parameters(self, prefix: str = "") -> Iterator[tuple[str, Tensor]]:
        """Los parámetros propios y los de cada parte, con su ruta: ``"hidden.weight"``."""
        for name, value in vars(self).items():
            if isinstance(value, Tensor) and value.requires_grad:
                yield prefix + name, value
        for name, child in self.named_children():
            yield from child.named_parameters(f"{prefix}{name}.")

    def parameters(self) -> Iterator[Tensor]:
        """Lo que se entrega al optimizador."""
        return (parameter for _, parameter in self.named_parameters())

    def train(self, mode: bool = True) -> "Module":
        """Pone este módulo y sus partes en modo de entrenamiento; ``eval``, en el de evaluación."""
        self.training = mode
        for _, child in self.named_children():
            child.train(mode)
        return self

    def eval(self) -> "Module":
        return self.train(False)


class Linear(Module):
    """``x @ weight.T + bias``, que lleva de ``in_features`` a ``out_features`` números.

    Los pesos empiezan al azar entre ``±1 / sqrt(in_features)``, como en ``nn.Linear``.

    Raises:
        ValueError: si algún tamaño es menor que 1.
    """

    def __init__(self, in_features: int, out_features: int) -> None:
        if min(in_features, out_features) < 1:
            raise ValueError(f"in_features y out_features deben ser 1 o más; se recibió {in_features} y {out_features}")
        k = 1 / math.sqrt(in_features)
        self.weight = torch.empty(out_features, in_features).uniform_(-k, k).requires_grad_()
        self.bias = torch.empty(out_features).uniform_(-k, k).requires_grad_()

    def forward(self, x: Float[Tensor, "*batch d"]) -> Float[Tensor, "*batch k"]:
        return x @ self.weight.T + self.bias


class SGD:
    """Cada paso resta a cada parámetro su gradiente multiplicado por ``lr``.

    Raises:
        ValueError: si no hay parámetros o ``lr`` no es positivo.
    """

    def __init__(self, params: Iterable[Tensor], lr: float) -> None:
        self.params, self.lr = list(params), lr
        if not self.params or lr <= 0:
            raise ValueError(f"hace falta algún parámetro y lr > 0; hay {len(self.params)} y lr={lr}")

    def zero_grad(self) -> None:
        for p in self.params:
            p.grad = None

    @torch.no_grad()  # autograd no anota esta resta; sin esto, daría error
    def step(self) -> None:
        for p in self.params:
            if p.grad is not None:
                p -= self.lr * p.grad


# --- Datos y bucle --------------------------------------------------------------------------------------------------


class ShiftedDigits(Dataset):
    """Imágenes que se corren al azar cada vez que se piden, hasta ``shift`` píxeles.

    Args:
        x: imágenes ``(n, c, h, w)``; por donde se corren entran ceros.
        y: etiquetas ``(n,)``.
        shift: píxeles; con 0 las imágenes no cambian.

    Raises:
        ValueError: si ``x`` o ``y`` tienen otra forma o ``shift`` es negativo.
    """

    def __init__(self, x: Float[Tensor, "..."], y: Int[Tensor, "..."], *, shift: int = 1) -> None:
        if x.ndim != 4 or y.shape != x.shape[:1]:
            raise ValueError(f"x debe tener forma (n, c, h, w), e y, (n,); tienen {tuple(x.shape)} y {tuple(y.shape)}")
        if shift < 0:
            raise ValueError(f"shift debe ser 0 o más píxeles; se recibió {shift}")
        self.padded = F.pad(x, (shift, shift, shift, shift))
        self.y, self.shift, self.size = y, shift, x.shape[2:]

    def __len__(self) -> int:
        return len(self.y)

    def __getitem__(self, index: int) -> tuple[Float[Tensor, "c h w"], Int[Tensor, ""]]:
        top, left = torch.randint(2 * self.shift + 1, (2,)).tolist()
        height, width = self.size
        image = self.padded[index, :, top : top + height, left : left + width]
        return image, self.y[index]


def fit(
    model: nn.Module | Module,
    loader: DataLoader,
    loss_fn: Callable[[Tensor, Tensor], Tensor],
    optimizer: torch.optim.Optimizer | SGD,
    *,
    epochs: int,
) -> Float[Tensor, "epochs"]:
    """Entrena ``model`` en el dispositivo donde están sus parámetros.

    Returns:
        La pérdida media de los ejemplos en cada época, medida mientras los pesos cambian.

    Raises:
        ValueError: si ``epochs`` es menor que 1.
    """
    if epochs < 1:
        raise ValueError(f"epochs debe ser 1 o más; se recibió {epochs}")
    device = next(model.parameters()).device
    losses = torch.zeros(epochs, device=device)
    for epoch in range(epochs):
        model.train()
        examples = 0
        for x, y in loader:
            x, y = x.to(device), y.to(device)
            optimizer.zero_grad()
            loss = loss_fn(model(x), y)
            loss.backward()
            optimizer.step()
            losses[epoch] += loss.detach() * len(y)
            examples += len(y)
        losses[epoch] /= examples
    return losses


@torch.no_grad()
def predict(model: nn.Module | Module, x: Shaped[Tensor, "n ..."]) -> Float[Tensor, "n ..."]:
    """Las salidas en modo de evaluación y sin derivar, en el dispositivo de ``x``."""
    model.eval()
    device = next(model.parameters()).device
    return model(x.to(device)).to(x.device)


def best_device() -> torch.device:
    """La GPU, de NVIDIA o de Apple, si la hay; si no, la CPU."""
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


# --- Archivos -------------------------------------------------------------------------------------------------------


def save_weights(model: nn.Module, path: str | Path) -> None:
    """Guarda los parámetros y *buffers* de ``model``, por nombre; no guarda su código."""
    torch.save(model.state_dict(), path)


def load_weights(model: nn.Module, path: str | Path) -> None:
    """Devuelve a ``model`` lo que guardó ``save_weights``, sin ejecutar nada del archivo.

    Raises:
        FileNotFoundError: si ``path`` no existe.
        ValueError: si no trae solo tensores o no son los de ``model``, que no cambia.
    """
    name = Path(path).name
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise FileNotFoundError(f"path debe ser un archivo de pesos; «{name}» no existe") from None
    except Exception as error:  # cada daño lanza un tipo distinto
        raise ValueError(f"path debe ser un archivo entero y de datos; «{name}» está dañado o trae código") from error
    if not isinstance(state, dict) or not all(isinstance(value, Tensor) for value in state.values()):
        raise ValueError(f"path debe guardar un diccionario de tensores; «{name}» guarda otra cosa")
    check_state(model.state_dict(), state)
    model.load_state_dict(state)


def check_state(expected: Mapping[str, Tensor], state: Mapping[str, Tensor]) -> None:
    """Comprueba que ``state`` tiene los nombres y las formas de ``expected``.

    Raises:
        ValueError: con todas las diferencias.
    """
    problems = [f"falta {name}" for name in expected if name not in state]
    problems += [f"sobra {name}" for name in state if name not in expected]
    for name in expected.keys() & state.keys():
        here, there = tuple(expected[name].shape), tuple(state[name].shape)
        if here != there:
            problems.append(f"{name} tiene forma {here} en el modelo y {there} en el archivo")
    if problems:
        raise ValueError(f"los pesos son de otro modelo: {'; '.join(sorted(problems))}")


DTYPES = {
    **{"F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16},
    **{"I64": torch.int64, "I32": torch.int32, "U8": torch.uint8, "BOOL": torch.bool},
}


def write_safetensors(tensors: Mapping[str, Tensor], path: str | Path) -> None:
    """Escribe tensores en formato safetensors: 8 bytes con la longitud del índice, el índice en JSON y los números.

    Raises:
        ValueError: si un tensor es de un tipo que no está en ``DTYPES``.
    """
    names = {dtype: name for name, dtype in DTYPES.items()}
    index: dict[str, Any] = {}
    body = b""
    for name, tensor in tensors.items():
        if tensor.dtype not in names:
            raise ValueError(f"tensors debe tener tipos de {', '.join(DTYPES)}; {name!r} es {tensor.dtype}")
        start = len(body)
        body += tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes()
        index[name] = {"dtype": names[tensor.dtype], "shape": [*tensor.shape], "data_offsets": [start, len(body)]}
    header = json.dumps(index).encode()
    header += b" " * (-len(header) % 8)  # los números empiezan en un múltiplo de 8 bytes
    Path(path).write_bytes(len(header).to_bytes(8, "little") + header + body)


def read_safetensors(path: str | Path) -> dict[str, Tensor]:
    """Lee un archivo safetensors: JSON y números, nada que ejecutar.

    Raises:
        ValueError: si el archivo está incompleto o no tiene ese formato.
    """
    data = Path(path).read_bytes()
    start = 8 + int.from_bytes(data[:8], "little")
    body, tensors = data[start:], {}
    try:
        for name, entry in json.loads(data[8:start]).items():
            if name != "__metadata__":
                first, last = entry["data_offsets"]
                if not 0 <= first <= last <= len(body):
                    raise ValueError(f"{name!r} no cabe en el archivo")
                raw = torch.tensor(np.frombuffer(body[first:last], dtype=np.uint8))
                tensors[name] = raw.view(DTYPES[entry["dtype"]]).reshape(entry["shape"])
    except (ValueError, KeyError, TypeError, AttributeError, RuntimeError) as error:
        raise ValueError(f"path debe ser un archivo safetensors entero; «{Path(path).name}» no lo es") from error
    return tensors
