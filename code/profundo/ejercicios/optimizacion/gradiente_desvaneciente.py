"""Comprobadores de los ejercicios del capítulo «Gradientes que se desvanecen»."""

import inspect
import struct
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from profundo.comun.datos import small_mnist
from profundo.comun.ejercicios import Checker, as_array, as_numbers, call, fail, require, require_number, require_truths
from profundo.optimizacion.gradiente_desvaneciente import masked_crc32c

comprobar = Checker("optimizacion/gradiente_desvaneciente")

DEPTH, MAX_LOSS = 40, 0.8


@comprobar.exercise("mano")
def _(answer: object) -> str:
    got = as_numbers(answer, 3)
    names = ("La cota", "La cantidad de capas", "El crecimiento")
    expected = (0.5**10, 13.0, 1.25**10)
    wrong: tuple[tuple[tuple[float, str], ...], ...] = (
        (
            (0.25**10, "olvida las matrices, que estiran hasta 2."),
            (2.0**10, "olvida la pendiente de la sigmoide, 1/4 como mucho."),
            (0.5**11, "tiene un factor de más: entre la capa 1 y la 11 hay diez jacobianas."),
            (0.5, "es la de una capa; son diez."),
        ),
        (
            (12.0, "se queda corta: 0.24¹² aún no baja de 10⁻⁸."),
            (np.log(1e-8) / np.log(0.24), "debe ser un número entero de capas."),
            (6.0, "eleva al cuadrado: 0.24 ya multiplica el tamaño, no la media de los cuadrados."),
        ),
        (
            (1.25**20, "es el de la media de los cuadrados; falta la raíz."),
            (1.5**20, "es la suma 1 + s; lo que crece es la media de los cuadrados, por 1 + s²."),
            (1.5**10, "usa 1 + s; es 1 + s²."),
            (1.25**0.5, "es el de una capa; son veinte."),
        ),
    )
    for name, value, target, options in zip(names, got, expected, wrong, strict=True):
        require_number(value, target, name, options, "Multiplica un factor por capa.")
    return "Un factor cualquiera, elevado a la profundidad."


@comprobar.exercise("diagnostico")
def _(answer: object) -> str:
    facts = (
        (True, "(1) El teorema: una cota menor que 1 en cada capa basta para que se desvanezca."),
        (
            False,
            "(2) La cota es de la peor dirección. Con sigmoides de ganancia 4, todas pasan de 1 y el gradiente decae.",
        ),
        (False, "(3) La primera capa de la red ReLU se movió mucho y su histograma quedó igual."),
        (True, "(4) Todos los números se multiplican por el mismo factor."),
        (False, "(5) Por debajo de ε, Adam divide entre ε y el paso es tan pequeño como el gradiente."),
        (False, "(6) Con s = 1 y pesos de He, la media de los cuadrados se duplica en cada capa."),
    )
    require_truths(answer, facts)
    return "Sabes qué dice cada medida y qué no."


@comprobar.exercise("jacobiana")
def _(answer: object) -> str:
    rng = np.random.default_rng(0)
    for sizes in ((3, 3, 3, 3), (4, 2), (5, 3, 2), (2, 6, 4, 3)):
        weights = [rng.normal(size=(m, n)) for n, m in pairwise(sizes)]
        slopes = [rng.uniform(0.1, 2, n) for n in sizes[:-1]]
        got = as_array(call(answer, [w.copy() for w in weights], [s.copy() for s in slopes]), what="la jacobiana")
        expected = _product([w * s for w, s in zip(weights, slopes, strict=True)])
        if got.shape == expected.shape[::-1] and np.allclose(got, expected.T):
            require(np.allclose(expected, expected.T), "Es la traspuesta: filas, las salidas; columnas, las entradas.")
        require(got.shape == expected.shape, f"Con anchos {sizes} debe tener forma {expected.shape}; es {got.shape}.")
        for other, hint in (
            (_product(weights), "Faltan las pendientes de la activación."),
            (_product([w * s for w, s in zip(weights, slopes, strict=True)][::-1]), "El orden va al revés."),
            (
                _product([s[:, None] * w if len(s) == len(w) else w for w, s in zip(weights, slopes, strict=True)]),
                "La pendiente de z_{l-1} multiplica columnas de W_l: la entrada pasa antes por la activación.",
            ),
            (_product([w * s**2 for w, s in zip(weights, slopes, strict=True)]), "Aplicas dos veces las pendientes."),
        ):
            close = other is not None and other.shape == got.shape and np.allclose(got, other)
            require(not close or np.allclose(got, expected), hint)
        require(np.allclose(got, expected), f"No coincide con anchos {sizes}. Cada capa es W_l · diag(pendiente).")
    return "Es lo que la vuelta multiplica sin formarlo nunca."


def _product(factors: list[np.ndarray]) -> np.ndarray:
    result = factors[0]
    for factor in factors[1:]:
        if factor.shape[1] != result.shape[0]:
            return np.empty((0, 0))
        result = factor @ result
    return result


@comprobar.exercise("adaptativo")
def _(answer: object) -> str:
    rng = np.random.default_rng(0)
    for rows, columns in ((4, 3), (3, 3), (1, 5), (6, 2)):
        w, g = rng.normal(size=(rows, columns)), rng.normal(size=(rows, columns))
        g *= 10.0 ** rng.uniform(-4, 2, (rows, 1))
        w[0], g[-1] = (0.0, 0.0) if rows > 1 else (w[0], g[-1])
        c = float(rng.uniform(0.01, 0.3))
        kept = g.copy()
        got = as_array(call(answer, w.copy(), g.copy(), c), shape=g.shape, what="el gradiente")
        size, limit = np.linalg.norm(g, axis=1, keepdims=True), np.linalg.norm(w, axis=1, keepdims=True)
        safe = np.where(size > 0, size, 1)
        floor = c * np.maximum(limit, 1e-3)
        expected = kept * np.minimum(1, floor / safe)
        total = float(np.linalg.norm(g))
        columns_size = np.linalg.norm(g, axis=0)
        across = g * np.minimum(1, c * np.maximum(np.linalg.norm(w, axis=0), 1e-3) / columns_size)
        for other, hint in (
            (kept * floor / safe, "Agrandas los gradientes pequeños: falta el mínimo con 1."),
            (
                kept * np.minimum(1, c * limit / safe),
                "Falta el suelo: una fila de pesos nula nunca aprendería.",
            ),
            (kept * np.minimum(1, c / safe), "El máximo es proporcional a la norma de los pesos de la fila."),
            (across, "Mides columnas; cada fila es una neurona."),
            (
                kept * min(1.0, c * max(float(np.linalg.norm(w)), 1e-3) / total),
                "Usas la norma de toda la matriz; aquí cada fila se recorta por separado.",
            ),
        ):
            require(not np.allclose(got, other) or np.allclose(got, expected), hint)
        require(np.allclose(got, expected), f"No coincide con una matriz de {rows} × {columns} y c = {c:.2f}.")
    return "Cada neurona cambia, como mucho, una fracción fija de lo que mide."


@comprobar.exercise("registro")
def _(answer: object) -> str:
    for data in (b"", b"hola", bytes(range(256)), b"gradiente" * 40):
        got = call(answer, data)
        if not isinstance(got, bytes | bytearray):
            fail(f"Se esperaban bytes; llegó un valor de tipo {type(got).__name__}.")
        length = len(data)
        size = struct.pack("<Q", length)
        sums = [struct.pack("<I", masked_crc32c(part)) for part in (size, data)]
        require(
            len(got) == length + 16,
            f"Con {length} bytes de datos, el registro tiene {length + 16}; devolviste {len(got)}. "
            "Son 8 de longitud, 4 de suma, los datos y otros 4.",
        )
        expected = size + sums[0] + data + sums[1]
        swapped = length > 0 and bytes(got[:8]) == size[::-1]
        require(not swapped, "La longitud va con el byte menos significativo delante («<»).")
        for other, hint in (
            (
                size + sums[1] + data + sums[1],
                "La primera suma es la de los 8 bytes de la longitud.",
            ),
            (size + sums[0] + data + sums[0], "La segunda suma es la de los datos."),
            (size + sums[0][::-1] + data + sums[1][::-1], "Las sumas van también con «<»."),
            (size + sums[0] + sums[1] + data, "El orden es longitud, su suma, datos y su suma."),
        ):
            require(bytes(got) != other or other == expected, hint)
        require(bytes(got) == expected, f"No coincide con {length} bytes de datos.")
    return "TensorBoard podría leerlo."


@comprobar.exercise("proyecto")
def _(answer: object) -> str:
    data = small_mnist()
    x, y = (data.x_train - data.x_train.mean()) / data.x_train.std(), data.y_train
    mean = float(np.mean([_last_loss(answer, x, y, seed) for seed in (11, 12)]))
    require(
        mean <= MAX_LOSS,
        f"La pérdida media es {mean:.2f}; se pide {MAX_LOSS} como mucho. ¿Tiene atajos? ¿Algo frena la rama?",
    )
    return f"Pérdida media {mean:.2f}, con {DEPTH} capas y cien pasos."


def _last_loss(answer: object, x: Tensor, y: Tensor, seed: int) -> float:
    """La pérdida media de los treinta últimos pasos de cien."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = _build(answer)
        deep = [m for m in model.modules() if isinstance(m, nn.Linear) and (m.in_features, m.out_features) == (32, 32)]
        require(len(deep) >= DEPTH, f"Se piden {DEPTH} capas nn.Linear(32, 32); hay {len(deep)}.")
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        total = 0.0
        for step, batch in enumerate(torch.randperm(len(x))[:3200].split(32)):
            optimizer.zero_grad()
            loss = F.cross_entropy(_forward(model, x[batch]), y[batch])
            require(bool(loss.isfinite()), "La pérdida deja de ser finita: alguna capa agranda demasiado la señal.")
            loss.backward()
            if step == 0:
                norms = [0.0 if m.weight.grad is None else float(m.weight.grad.norm()) for m in deep]
                require(
                    min(norms) > 1e-3 * max(norms),
                    "Hay capas que reciben mil veces menos gradiente que otras, o ninguno. "
                    "No vale saltarlas: todas deben aprender.",
                )
            optimizer.step()
            total += loss.item() / 30 if step >= 70 else 0.0
        return total


def _build(answer: object) -> nn.Module:
    if isinstance(answer, nn.Module):
        fail("Pasa la función o la clase que construye la red, no una red ya hecha.")
    if inspect.isclass(answer) and not issubclass(answer, nn.Module):
        fail("Se esperaba una función, o una clase de nn.Module, que construya la red.")
    model = call(answer)
    if not isinstance(model, nn.Module):
        fail(f"Se esperaba una red (nn.Module); llegó un valor de tipo {type(model).__name__}.")
    return model


def _forward(model: nn.Module, x: Tensor) -> Tensor:
    def red(x: Tensor) -> Tensor:
        return model(x)

    outputs = call(red, x)
    if not isinstance(outputs, Tensor) or outputs.shape != (len(x), 10) or not outputs.requires_grad:
        fail(f"La red debe dar los 10 puntajes de cada imagen, un tensor ({len(x)}, 10) que se pueda derivar.")
    return outputs
