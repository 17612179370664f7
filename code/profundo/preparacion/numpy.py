"""Lo que NumPy hace por debajo, escrito otra vez, y las piezas con las que se clasifica un dígito sin bucles.

Fuentes: Van der Walt, Colbert y Varoquaux (2011), la memoria y los pasos; Harris y otros (2020), la biblioteca; Cover y
Hart (1967), los vecinos más cercanos.

En qué nos apartamos de NumPy: aquí cada pieza hace solo lo que explica el capítulo. ``einsum`` no admite una letra
repetida en un mismo operando ni los puntos suspensivos, y las reglas de difusión trabajan con formas, no con arreglos.
"""

import math
import sys
from collections.abc import Callable
from functools import reduce
from types import FrameType
from typing import Any

import numpy as np
from jaxtyping import Float, Int, Num, Shaped

# --- La memoria -----------------------------------------------------------------------------------------------------


def contiguous_strides(shape: tuple[int, ...], itemsize: int) -> tuple[int, ...]:
    """Pasos, en bytes, de un arreglo recién creado: el último eje avanza de elemento en elemento.

    Raises:
        ValueError: si alguna longitud o ``itemsize`` es menor que 1.
    """
    if min(shape, default=1) < 1 or itemsize < 1:
        raise ValueError(f"se esperaban longitudes e itemsize de 1 o más; se recibió {shape} e itemsize={itemsize}")
    return tuple(itemsize * math.prod(shape[axis + 1 :]) for axis in range(len(shape)))


def element_offsets(shape: tuple[int, ...], strides: tuple[int, ...]) -> Int[np.ndarray, "..."]:
    """Bytes que separan cada elemento del primero, con la forma ``shape``.

    Raises:
        ValueError: si no hay un paso por eje.
    """
    if len(shape) != len(strides):
        raise ValueError(f"strides debe tener un paso por eje de {shape}; se recibió {strides}")
    offsets = np.zeros(shape, dtype=np.int64)
    for index, stride in zip(np.indices(shape), strides, strict=True):
        offsets += index * stride
    return offsets


# --- La difusión ----------------------------------------------------------------------------------------------------


def broadcast_shapes(*shapes: tuple[int, ...]) -> tuple[int, ...]:
    """Forma que resulta de operar arreglos de formas ``shapes``.

    Raises:
        ValueError: si dos longitudes del mismo eje difieren y ninguna es 1.
    """
    ndim = max(map(len, shapes), default=0)
    padded = [(1,) * (ndim - len(shape)) + shape for shape in shapes]
    result = []
    for axis, lengths in enumerate(zip(*padded, strict=True)):
        distinct = set(lengths) - {1}
        if len(distinct) > 1:
            raise ValueError(f"las formas {shapes} no se pueden difundir: en el eje {axis - ndim} hay {lengths}")
        result.append(distinct.pop() if distinct else 1)
    return tuple(result)


def broadcast_strides(shape: tuple[int, ...], strides: tuple[int, ...], target: tuple[int, ...]) -> tuple[int, ...]:
    """Pasos con los que un arreglo de forma ``shape`` se lee como si tuviera la forma ``target``.

    Raises:
        ValueError: si ``shape`` no se puede difundir hasta ``target`` o no hay un paso por eje.
    """
    if len(shape) != len(strides):
        raise ValueError(f"strides debe tener un paso por eje de {shape}; se recibió {strides}")
    if broadcast_shapes(shape, target) != target:
        raise ValueError(f"shape no se puede difundir hasta target: {shape} no cabe en {target}")
    missing = len(target) - len(shape)
    kept = [0 if own < wanted else step for own, wanted, step in zip(shape, target[missing:], strides, strict=True)]
    return (0,) * missing + tuple(kept)


def softmax(x: Float[np.ndarray, "..."], axis: int = -1) -> Float[np.ndarray, "..."]:
    """Convierte puntajes en probabilidades que suman 1 a lo largo de ``axis``, sin desbordarse.

    Raises:
        ValueError: si el eje no existe o está vacío, o si algún máximo no es finito.
    """
    if not -x.ndim <= axis < x.ndim or x.shape[axis] == 0:
        raise ValueError(f"axis debe ser un eje con elementos de x, de forma {x.shape}; se recibió {axis}")
    largest = x.max(axis=axis, keepdims=True)
    if not np.isfinite(largest).all():
        raise ValueError(f"x debe tener máximos finitos a lo largo de axis={axis}; hay inf o nan")
    exponentials = np.exp(x - largest)
    return exponentials / exponentials.sum(axis=axis, keepdims=True)


def standardize(x: Float[np.ndarray, "n d"], reference: Float[np.ndarray, "m d"]) -> Float[np.ndarray, "n d"]:
    """Resta a cada columna la media de ``reference`` y la divide por su desviación típica.

    Una columna constante en ``reference`` solo se centra.

    Raises:
        ValueError: si ``reference`` está vacía o no tiene las columnas de ``x``.
    """
    if x.ndim != 2 or reference.ndim != 2 or x.shape[1] != reference.shape[1] or len(reference) == 0:
        raise ValueError(f"se esperaban formas (n, d) y (m, d) con m > 0; se recibió {x.shape} y {reference.shape}")
    constant = np.ptp(reference, axis=0) == 0  # comparar la desviación con 0 fallaría por el redondeo
    scale = np.where(constant, 1, reference.std(axis=0))
    return (x - reference.mean(axis=0)) / scale.astype(x.dtype)


# --- Las ventanas y el producto de Einstein -------------------------------------------------------------------------


def sliding_windows(x: Shaped[np.ndarray, "... h w"], size: int, step: int = 1) -> Shaped[np.ndarray, "... i j k k"]:
    """Todas las ventanas de ``size`` × ``size`` píxeles, cada ``step`` píxeles, sin copiar ninguno.

    El resultado es de solo lectura: las ventanas comparten píxeles.

    Raises:
        ValueError: si la ventana no cabe o ``size`` o ``step`` son menores que 1.
    """
    if x.ndim < 2 or not 1 <= size <= min(x.shape[-2:]) or step < 1:
        raise ValueError(
            f"se esperaba una ventana que quepa en x y un paso de 1 o más; "
            f"x tiene forma {x.shape}, size={size} y step={step}"
        )
    *outer, height, width = x.shape
    *outer_strides, down, right = x.strides
    shape = (*outer, (height - size) // step + 1, (width - size) // step + 1, size, size)
    strides = (*outer_strides, step * down, step * right, down, right)
    return np.lib.stride_tricks.as_strided(x, shape, strides, writeable=False)


def einsum(equation: str, *operands: Num[np.ndarray, "..."]) -> Num[np.ndarray, "..."]:
    """Suma de productos según ``equation``, como ``ij,jk->ik``, con solo trasponer, difundir y sumar.

    Raises:
        ValueError: si la ecuación no tiene la forma «a,b->c» o no corresponde a los operandos.
    """
    terms, output = _parse(equation, operands)
    letters = output + "".join(sorted(set("".join(terms)) - set(output)))
    factors = []
    for term, x in zip(terms, operands, strict=True):
        order = [term.index(letter) for letter in letters if letter in term]
        absent = [axis for axis, letter in enumerate(letters) if letter not in term]
        factors.append(np.expand_dims(x.transpose(order), absent))
    product = reduce(np.multiply, factors)
    return np.asarray(product.sum(axis=tuple(range(len(output), len(letters)))))


# --- Las distancias -------------------------------------------------------------------------------------------------


def squared_distances_loops(x: Float[np.ndarray, "n d"], y: Float[np.ndarray, "m d"]) -> Float[np.ndarray, "n m"]:
    """Distancias al cuadrado entre las filas de ``x`` y las de ``y``, con un bucle por índice.

    Raises:
        ValueError: si ``x`` e ``y`` no son matrices con las mismas columnas.
    """
    _check_pair(x, y)
    out = np.zeros((len(x), len(y)), dtype=x.dtype)
    for i in range(len(x)):
        for j in range(len(y)):
            for k in range(x.shape[1]):
                out[i, j] += (x[i, k] - y[j, k]) ** 2
    return out


def squared_distances_broadcast(x: Float[np.ndarray, "n d"], y: Float[np.ndarray, "m d"]) -> Float[np.ndarray, "n m"]:
    """Las mismas distancias con difusión; pide memoria para los n · m · d cuadrados.

    Raises:
        ValueError: si ``x`` e ``y`` no son matrices con las mismas columnas.
    """
    _check_pair(x, y)
    return ((x[:, None, :] - y[None, :, :]) ** 2).sum(axis=-1)


def squared_distances(x: Float[np.ndarray, "n d"], y: Float[np.ndarray, "m d"]) -> Float[np.ndarray, "n m"]:
    """Las mismas distancias con un producto de matrices; pide memoria para n · m números.

    Raises:
        ValueError: si ``x`` e ``y`` no son matrices con las mismas columnas.
    """
    _check_pair(x, y)
    x_norms = np.einsum("nd,nd->n", x, x)
    y_norms = np.einsum("md,md->m", y, y)
    squares = x_norms[:, None] - 2 * (x @ y.T) + y_norms
    return np.maximum(squares, 0)  # el redondeo puede dejar algún cuadrado bajo cero


# --- Los vecinos ----------------------------------------------------------------------------------------------------


def one_hot(labels: Int[np.ndarray, "*batch"], n_classes: int) -> Float[np.ndarray, "*batch c"]:
    """Un 1 en la columna de cada etiqueta y 0 en las demás.

    Raises:
        ValueError: si alguna etiqueta no está entre 0 y ``n_classes`` - 1.
    """
    if labels.size and not 0 <= labels.min() <= labels.max() < n_classes:
        raise ValueError(f"labels debe estar entre 0 y {n_classes - 1}; se recibió de {labels.min()} a {labels.max()}")
    return np.eye(n_classes)[labels]


def class_means(
    x: Float[np.ndarray, "n *item"], labels: Int[np.ndarray, "n"], n_classes: int
) -> Float[np.ndarray, "c *item"]:
    """La media de los elementos de ``x`` de cada clase.

    Raises:
        ValueError: si no hay una etiqueta por elemento o alguna clase está vacía.
    """
    if labels.shape != x.shape[:1]:
        raise ValueError(f"labels debe tener forma {x.shape[:1]}, una etiqueta por elemento; tiene {labels.shape}")
    counts = np.bincount(labels, minlength=n_classes)
    if (counts == 0).any():
        raise ValueError(f"no hay ejemplos de las clases {np.flatnonzero(counts == 0).tolist()}")
    return np.einsum("nc,n...->c...", one_hot(labels, n_classes) / counts, x)


def nearest(x_train: Float[np.ndarray, "n d"], x: Float[np.ndarray, "m d"], k: int) -> Int[np.ndarray, "m k"]:
    """Filas de ``x_train`` más cercanas a cada fila de ``x``, de la más cercana a la menos.

    Raises:
        ValueError: si ``k`` no está entre 1 y n, o las columnas no corresponden.
    """
    if not 1 <= k <= len(x_train):
        raise ValueError(f"k debe estar entre 1 y {len(x_train)}, los ejemplos de x_train; se recibió {k}")
    squares = squared_distances(x, x_train)
    chosen = np.argpartition(squares, k - 1, axis=1)[:, :k]  # los k menores, sin ordenar los demás
    order = np.take_along_axis(squares, chosen, axis=1).argsort(axis=1)
    return np.take_along_axis(chosen, order, axis=1)


def knn_predict(
    x_train: Float[np.ndarray, "n d"], y_train: Int[np.ndarray, "n"], x: Float[np.ndarray, "m d"], k: int = 1
) -> Int[np.ndarray, "m"]:
    """La clase más votada por los ``k`` vecinos de cada ejemplo; si hay empate, la de menor número.

    Raises:
        ValueError: si ``y_train`` no tiene una etiqueta por fila de ``x_train``, o por ``k`` o las formas.
    """
    if y_train.shape != x_train.shape[:1]:
        raise ValueError(f"y_train debe tener forma {x_train.shape[:1]}, como x_train; tiene {y_train.shape}")
    votes = one_hot(y_train[nearest(x_train, x, k)], int(y_train.max()) + 1)
    return votes.sum(axis=1).argmax(axis=1)


# --- El trabajo del intérprete --------------------------------------------------------------------------------------


def count_lines(function: Callable[..., object], *args: object) -> int:
    """Líneas de Python que el intérprete ejecuta al llamar a ``function``; el código compilado no cuenta."""
    lines = 0

    def tracer(frame: FrameType, event: str, argument: object) -> Any:
        nonlocal lines
        lines += event == "line"
        return tracer

    previous = sys.gettrace()
    sys.settrace(tracer)
    try:
        function(*args)
    finally:
        sys.settrace(previous)
    return lines


def _parse(equation: str, operands: tuple[np.ndarray, ...]) -> tuple[list[str], str]:
    """Los términos y la salida de una ecuación que corresponde a ``operands``."""
    inputs, arrow, output = equation.replace(" ", "").partition("->")
    terms = inputs.split(",")
    letters = "".join(terms)
    repeated = any(len(set(term)) < len(term) for term in [*terms, output])
    if not arrow or repeated or not set(output) <= set(letters) or (letters and not letters.isalpha()):
        raise ValueError(f"se esperaba una ecuación como `ij,jk->ik`, sin letras repetidas; se recibió «{equation}»")
    shapes = [x.shape for x in operands]
    if list(map(len, terms)) != list(map(len, shapes)):
        raise ValueError(f"«{equation}» no corresponde a operandos de formas {shapes}")
    lengths = {pair for term, shape in zip(terms, shapes, strict=True) for pair in zip(term, shape, strict=True)}
    if len(lengths) > len(set(letters)):
        raise ValueError(f"una letra de «{equation}» tiene dos longitudes: las formas son {shapes}")
    return terms, output


def _check_pair(x: np.ndarray, y: np.ndarray) -> None:
    if x.ndim != 2 or y.ndim != 2 or x.shape[1] != y.shape[1]:
        raise ValueError(f"x e y deben tener formas (n, d) y (m, d); tienen {x.shape} y {y.shape}")
