"""Lo que cuesta una red antes de ejecutarla, lo que da de sí una máquina y un núcleo de cuaderno en miniatura.

Fuentes: Williams, Waterman y Patterson (2009), el modelo del tejado (*roofline*); Radford y otros (2019) y Brown y
otros (2020), las redes GPT; Rajbhandari y otros (2020), la memoria de entrenar con precisión mixta.

En qué nos apartamos: solo se cuentan los productos de matrices, como hace PyTorch; lo demás son unas pocas operaciones
por número. De la memoria al entrenar se prevé lo que no depende del lote; el resto se mide.
"""

import ast
import io
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

# --- Una red es una lista de matrices -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Layer:
    """Una matriz de ``n_in`` × ``n_out`` números por la que se multiplica cada posición de un ejemplo.

    Args:
        name: cómo se llama la capa.
        n_in: números que entran en cada posición.
        n_out: números que salen.
        positions: veces que se usa por ejemplo; 0 si solo se consulta o hace operaciones sueltas.
        bias: si además suma ``n_out`` sesgos.
        learned: falso si la matriz no se guarda, sino que sale de los propios datos.

    Raises:
        ValueError: si alguna cantidad es menor que 1, o ``positions``, que 0.
    """

    name: str
    n_in: int
    n_out: int
    positions: int = 1
    bias: bool = True
    learned: bool = True

    def __post_init__(self) -> None:
        if self.n_in < 1 or self.n_out < 1 or self.positions < 0:
            raise ValueError(
                "n_in y n_out deben ser 1 o más y positions, 0 o más; "
                f"se recibió n_in={self.n_in}, n_out={self.n_out}, positions={self.positions}"
            )

    @property
    def parameters(self) -> int:
        """Números que se guardan y se aprenden."""
        return self.n_in * self.n_out + self.n_out * self.bias if self.learned else 0

    @property
    def flops(self) -> int:
        """Operaciones de coma flotante por ejemplo: un producto y una suma por número de la matriz y posición."""
        return 2 * self.positions * self.n_in * self.n_out


def mlp(sizes: Sequence[int]) -> list[Layer]:
    """Las capas de una red densa: ``sizes`` dice cuántos números entran y cuántos salen de cada una.

    Raises:
        ValueError: si hay menos de dos tamaños.
    """
    if len(sizes) < 2:
        raise ValueError(f"sizes debe tener dos tamaños o más; se recibió {list(sizes)}")
    return [Layer(f"densa {k}", a, b) for k, (a, b) in enumerate(pairwise(sizes), start=1)]


def lenet() -> list[Layer]:
    """Las capas de LeNet con imágenes de 28 × 28: en las dos primeras, la misma matriz recorre la imagen."""
    return [
        Layer("C1", 5 * 5, 6, positions=28 * 28),
        Layer("C3", 6 * 5 * 5, 16, positions=10 * 10),
        Layer("C5", 16 * 5 * 5, 120),
        Layer("F6", 120, 84),
        Layer("salida", 84, 10),
    ]


def gpt(d: int, n_blocks: int, *, context: int, vocabulary: int = 50257) -> list[Layer]:
    """Las capas de GPT-2 y GPT-3 al leer un texto de ``context`` fragmentos, cada uno con ``d`` números."""
    block = [
        Layer("consultas, claves y valores", d, 3 * d, context),
        Layer("puntajes", d, context, context, bias=False, learned=False),
        Layer("mezcla", context, d, context, bias=False, learned=False),
        Layer("proyección", d, d, context),
        Layer("densa 1", d, 4 * d, context),
        Layer("densa 2", 4 * d, d, context),
        Layer("dos normalizaciones", 2, 2 * d, positions=0, bias=False),
    ]
    return [
        Layer("vocabulario", d, vocabulary, context, bias=False),  # sirve para entrar y para salir
        Layer("orden", context, d, positions=0, bias=False),
        *(block * n_blocks),
        Layer("normalización", 2, d, positions=0, bias=False),
    ]


def count_parameters(layers: Sequence[Layer]) -> int:
    """Parámetros de una red."""
    return sum(layer.parameters for layer in layers)


def count_flops(layers: Sequence[Layer], batch: int = 1) -> int:
    """Operaciones de coma flotante de una pasada con ``batch`` ejemplos."""
    return batch * sum(layer.flops for layer in layers)


# --- La memoria de entrenar -----------------------------------------------------------------------------------------

# Bytes por parámetro de cada receta. La mixta calcula con 2 bytes y guarda aparte los pesos con 4.
RECIPES: Mapping[str, Mapping[str, int]] = {
    "float32": {"pesos": 4, "gradientes": 4, "momentos de Adam": 8},
    "mixta": {"pesos": 2, "gradientes": 2, "momentos de Adam": 8, "copia de los pesos": 4},
    "bfloat16": {"pesos": 2, "gradientes": 2, "momentos de Adam": 4},
}


def training_memory(n_parameters: int, recipe: str = "float32") -> dict[str, int]:
    """Bytes de cada parte de la memoria al entrenar con Adam, sin contar las activaciones.

    Raises:
        ValueError: si ``n_parameters`` es negativo o no existe la receta.
    """
    if n_parameters < 0 or recipe not in RECIPES:
        raise ValueError(
            f"se esperaba n_parameters no negativo y una receta de {', '.join(RECIPES)}; "
            f"se recibió {n_parameters} y {recipe!r}"
        )
    return {part: n_parameters * size for part, size in RECIPES[recipe].items()}


def saved_bytes(model: nn.Module, run: Callable[[], object]) -> int:
    """Bytes de las activaciones que PyTorch guarda durante ``run`` para calcular los gradientes, sin los parámetros."""
    own = {parameter.untyped_storage().data_ptr() for parameter in model.parameters()}
    kept: dict[int, torch.UntypedStorage] = {}  # guardarlas impide que dos ocupen la misma dirección

    def remember(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            kept[storage.data_ptr()] = storage
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(remember, lambda tensor: tensor):
        run()
    return sum(storage.nbytes() for storage in kept.values())


# --- El tejado ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Device:
    """Lo que dice la ficha técnica de un aparato.

    Args:
        name: cómo se llama.
        number: el tipo de número con el que calcula.
        peak: operaciones de coma flotante por segundo, como mucho.
        bandwidth: bytes por segundo entre su memoria y sus unidades de cálculo, como mucho.
        memory: bytes de memoria; ``None`` si depende del equipo.
    """

    name: str
    number: str
    peak: float
    bandwidth: float
    memory: float | None = None

    @property
    def balance(self) -> float:
        """Operaciones por byte a partir de las cuales deja de mandar la memoria."""
        return self.peak / self.bandwidth


DEVICES = (
    # 8 núcleos a 3 GHz con dos unidades AVX2 de 8 sumas y productos; dos canales de DDR4-3200, de 8 bytes.
    Device("CPU de 8 núcleos", "float32", 8 * 3e9 * 2 * 8 * 2, 2 * 8 * 3200e6),
    Device("GPU NVIDIA T4", "float32", 8.1e12, 320e9, 16e9),
    Device("GPU NVIDIA H100", "float32", 67e12, 3.35e12, 80e9),
    Device("TPU v4", "bfloat16", 275e12, 1.2e12, 32.0 * 2**30),
)


def matmul_intensity(m: int, k: int, n: int, itemsize: int = 4) -> float:
    """Operaciones por byte de multiplicar ``(m, k)`` por ``(k, n)`` si cada número viaja una sola vez.

    Raises:
        ValueError: si algún argumento es menor que 1.
    """
    if min(m, k, n, itemsize) < 1:
        raise ValueError(f"m, k, n e itemsize deben ser 1 o más; se recibió m={m}, k={k}, n={n}, itemsize={itemsize}")
    return 2 * m * k * n / (itemsize * (m * k + k * n + m * n))


def attainable(intensity: float, peak: float, bandwidth: float) -> float:
    """Operaciones por segundo que permite el tejado a un cálculo con esa intensidad, en operaciones por byte.

    Raises:
        ValueError: si algún argumento no es positivo.
    """
    if min(intensity, peak, bandwidth) <= 0:
        raise ValueError(
            "intensity, peak y bandwidth deben ser positivos; "
            f"se recibió intensity={intensity}, peak={peak}, bandwidth={bandwidth}"
        )
    return min(peak, bandwidth * intensity)


def best_seconds(action: Callable[[], object]) -> float:
    """Segundos que tarda ``action``, en CPU o en GPU: la menor de cinco medidas, que es la menos estorbada."""
    wait = torch.cuda.synchronize if torch.cuda.is_available() else lambda: None
    deterministic = torch.are_deterministic_algorithms_enabled()
    torch.use_deterministic_algorithms(False)  # en una GPU pediría además una variable de entorno
    try:
        action()  # la primera vez reserva memoria y elige el algoritmo
        times = []
        for _ in range(5):
            wait()  # la GPU trabaja por su cuenta: sin esperarla solo se mediría el encargo
            start = time.perf_counter()
            action()
            wait()
            times.append(time.perf_counter() - start)
    finally:
        torch.use_deterministic_algorithms(deterministic)
    return min(times)


def measure_roof(device: str = "cpu", *, side: int = 1024, length: int = 2**24) -> tuple[float, float]:
    """Operaciones por segundo y bytes por segundo de un aparato, ``"cpu"`` o ``"cuda"``, con ``float32``.

    Lo primero sale de multiplicar matrices de lado ``side``; lo segundo, de leer dos vectores de ``length`` números.
    """
    a = torch.rand(side, side, device=device)
    x, y = torch.rand(2, length, device=device)
    return 2 * side**3 / best_seconds(lambda: a @ a), 8 * length / best_seconds(lambda: x @ y)


# --- El entorno y el cuaderno ---------------------------------------------------------------------------------------


def lock_differences(lock: str) -> list[str]:
    """En qué se aparta lo instalado de un archivo de bloqueo, con una línea ``paquete==versión`` por paquete.

    Raises:
        ValueError: si una línea no fija una versión exacta.
    """
    differences = []
    for line in filter(None, (text.partition("#")[0].strip() for text in lock.splitlines())):
        name, equals, wanted = line.partition("==")
        if not equals:
            raise ValueError(f"cada línea de lock debe ser paquete==versión; se recibió {line!r}")
        try:
            found = version(name.strip())
        except PackageNotFoundError:
            found = "nada"
        if found.split("+")[0] != wanted.strip():  # tras el «+» va la variante
            differences.append(f"{name.strip()}: se pide {wanted.strip()} y hay {found}")
    return differences


class Kernel:
    """Un núcleo de cuaderno: un diccionario de nombres que cada celda cambia y un contador.

    El de Jupyter hace lo mismo en otro proceso, y el navegador le manda las celdas por mensajes.
    """

    def __init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """Olvida todos los nombres y vuelve a contar."""
        self.names: dict[str, Any] = {"__name__": "__main__"}
        self.count = 0
        self.error: Exception | None = None

    def run(self, source: str) -> str:
        """Ejecuta una celda y devuelve lo que muestra: lo que imprime, el valor de su última línea o su error."""
        self.count, self.error = self.count + 1, None
        with redirect_stdout(io.StringIO()) as screen:
            try:
                body = ast.parse(source, "<celda>").body
                final = body.pop() if body and isinstance(body[-1], ast.Expr) else None
                exec(compile(ast.Module(body, []), "<celda>", "exec"), self.names)
                if isinstance(final, ast.Expr):
                    value = eval(compile(ast.Expression(final.value), "<celda>", "eval"), self.names)
                    print("" if value is None else f"{value!r}\n", end="")
            except Exception as error:
                self.error = error
                print(f"{type(error).__name__}: {error}")
        return screen.getvalue()
