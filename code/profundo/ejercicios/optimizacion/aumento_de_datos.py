"""Comprobadores de los ejercicios del capítulo «Aumento de datos»."""

from functools import partial

import numpy as np
import torch

from profundo.comun.copias import train_copies
from profundo.comun.datos import small_mnist
from profundo.comun.ejercicios import Checker, as_array, as_numbers, call, fail, require, require_truths
from profundo.optimizacion.aumento_de_datos import Augmented, DenseCopies, keep_labels

comprobar = Checker("optimizacion/aumento_de_datos")

MIN_ACCURACY = 0.8


@comprobar.exercise("conserva")
def _(answer: object) -> str:
    facts = (
        (True, "(1) Una gata reflejada sigue siendo una gata, y en las fotos aparecen las dos orientaciones."),
        (False, "(2) Muchas letras reflejadas son otra letra o ninguna: b y d."),
        (True, "(3) Desde el aire no hay arriba ni abajo: un campo girado es el mismo cultivo."),
        (False, "(4) El color es lo que distingue la fruta verde de la madura."),
        (False, "(5) El corazón se ve casi siempre del mismo lado: reflejar cambia lo que se pregunta."),
        (
            False,
            "(6) Lo que se pide es un número que depende del tamaño: al ampliar la foto, la etiqueta también cambia.",
        ),
    )
    require_truths(answer, facts)
    return "Lo que se conserva depende de la pregunta, no de la imagen."


@comprobar.exercise("origen")
def _(answer: object) -> str:
    got = as_numbers(answer, 3)
    for wrong, hint in (
        ((2.5, 2.0), "Eso es adónde va el píxel, A v + t; se pide de dónde viene."),
        (
            (0.0, 0.5),
            "Resta el desplazamiento antes de dividir entre 2: lo último que se hizo es lo primero que se deshace.",
        ),
        ((1.0, 2.0), "Hay que dividir entre 2, no multiplicar: la inversa de ampliar es reducir."),
        ((0.5, 0.25), "Has escrito primero la fila: el punto es (x, y)."),
        ((0.5, 0.5), "Falta el desplazamiento."),
        ((0.75, 0.5), "El desplazamiento se resta, no se suma."),
    ):
        require(not np.allclose(got[:2], wrong), hint)
    require(np.allclose(got[:2], (0.25, 0.5)), "El origen es (v − t) / 2, en cada coordenada.")
    for value, hint in (
        (8.0, "Ese es el píxel más cercano; se pide el promedio de los cuatro."),
        (5.5, "Los pesos están cambiados: x es la columna e y, la fila."),
        (6.0, "Los pesos están al revés: el píxel más cercano pesa más."),
    ):
        require(not np.isclose(got[2], value), hint)
    require(np.isclose(got[2], 5), "El valor sale de los píxeles 8, 4, 2 y 6, con pesos 3/8, 1/8, 3/8 y 1/8.")
    return "De atrás hacia delante, cada píxel sabe qué promediar."


def _bilinear(image: np.ndarray, row: float, column: float) -> float:
    padded = np.pad(image, 2)
    row, column = (float(np.clip(v, -1, n)) + 2 for v, n in zip((row, column), image.shape, strict=True))
    i, j = int(row), int(column)
    r, s = row - i, column - j
    up, down = padded[i, j : j + 2], padded[i + 1, j : j + 2]
    return float((1 - r) * ((1 - s) * up[0] + s * up[1]) + r * ((1 - s) * down[0] + s * down[1]))


@comprobar.exercise("bilineal")
def _(answer: object) -> str:
    rng = np.random.default_rng(0)
    inside = [(1.25, 2.6), (0.0, 0.0), (2.0, 1.0), (2.3, 0.9), (1.5, 2.5)]
    edge = [(3.0, 4.0), (3.0, 1.5), (0.4, 4.0)]
    outside = [(-0.25, 1.5), (1.5, -0.75), (3.4, 2.2), (2.2, 4.5), (-3.0, 1.0), (9.0, 9.0), (1.5, 7.25)]
    image = rng.uniform(1, 9, (4, 5))
    for places, where in ((inside, "dentro"), (edge, "en el borde"), (outside, "fuera")):
        for row, column in places:
            got = float(as_array(call(answer, image.copy(), row, column), shape=(), what="el valor"))
            expected = _bilinear(image, row, column)
            if np.isclose(got, expected):
                continue
            if where == "dentro":
                near = image[round(row), round(column)]
                require(
                    not np.isclose(got, near),
                    "Devuelves el píxel más cercano; promedia los cuatro que rodean el punto.",
                )
                i, j, r, s = int(row), int(column), row % 1, column % 1
                reverse = _bilinear(image, i + 1 - r, j + 1 - s)
                require(not np.isclose(got, reverse), "Los pesos están al revés: el píxel más cercano pesa más.")
                require(
                    not np.isclose(got, _bilinear(image, i + s, j + r)),
                    "Los pesos de la fila y la columna están cambiados.",
                )
            if where == "fuera":
                clipped = image[int(np.clip(round(row), 0, 3)), int(np.clip(round(column), 0, 4))]
                border = _bilinear(image, float(np.clip(row, 0, 3)), float(np.clip(column, 0, 4)))
                require(
                    not np.isclose(got, border) and not np.isclose(got, clipped),
                    "Fuera de la imagen hay ceros: no repitas el borde.",
                )
                wrapped = (
                    _bilinear(np.roll(image, (1, 1), (0, 1)), 1 + row, 1 + column) if row < 0 or column < 0 else np.nan
                )
                require(
                    not np.isclose(got, wrapped),
                    "Un índice negativo de NumPy cuenta desde el final: mira si está fuera.",
                )
            fail(f"En la fila {row} y la columna {column}, {where}, se esperaba {expected:.4g} y devolviste {got:.4g}.")
    return "Con esta función y una matriz puedes deformar cualquier imagen."


@comprobar.exercise("caja")
def _(answer: object) -> str:
    rng = np.random.default_rng(0)
    turn = np.array([[0.0, 2.0], [-2.0, 0.0]])
    cases = [(np.diag([-1.0, 1.0]), np.zeros(2)), (np.eye(2), np.array([3.0, -2.0])), (turn, np.zeros(2))]
    for _ in range(8):
        cases.append((rng.normal(size=(2, 2)), rng.normal(size=2)))
    names = ["un volteo", "un desplazamiento", "un giro de 90° y el doble de tamaño"] + ["una matriz cualquiera"] * 8
    for name, (matrix, shift) in zip(names, cases, strict=True):
        x0, y0 = rng.uniform(-5, 5, 2)
        x1, y1 = x0 + rng.uniform(0.5, 4), y0 + rng.uniform(0.5, 4)
        box = (float(x0), float(y0), float(x1), float(y1))
        got = as_array(call(answer, box, matrix.copy(), shift.copy()), shape=(4,), what="la caja")
        corners = np.array([(x0, y0), (x1, y0), (x0, y1), (x1, y1)])
        moved = corners @ matrix.T + shift
        expected = np.r_[moved.min(0), moved.max(0)]
        if np.allclose(got, expected):
            continue
        two = moved[[0, 3]]
        require(not np.allclose(got, box), f"Con {name}, la caja debe moverse con la imagen.")
        require(
            got[0] <= got[2] and got[1] <= got[3],
            f"Con {name}, sale una caja con x0 > x1 o y0 > y1: vuelve a ordenar las esquinas.",
        )
        require(
            not np.allclose(got, np.r_[two.min(0), two.max(0)]),
            f"Con {name}, solo mueves dos esquinas; al girar, las otras dos pueden quedar más lejos.",
        )
        inverse = (corners - shift) @ np.linalg.inv(matrix).T
        require(
            not np.allclose(got, np.r_[inverse.min(0), inverse.max(0)]),
            "Usas la inversa: esa es la que llena los píxeles; los puntos van hacia delante.",
        )
        require(
            not np.allclose(got, np.r_[(corners @ matrix.T).min(0), (corners @ matrix.T).max(0)]),
            f"Con {name}, falta el desplazamiento t.",
        )
        wrong = corners @ matrix + shift
        require(
            not np.allclose(got, np.r_[wrong.min(0), wrong.max(0)]),
            "Multiplicas por la traspuesta: con los puntos en filas, es puntos @ A.T.",
        )
        fail(f"Con {name}, se esperaba {np.round(expected, 3).tolist()} y devolviste {np.round(got, 3).tolist()}.")
    return "La imagen y su etiqueta se mueven juntas."


@comprobar.exercise("mezcla")
def _(answer: object) -> str:
    rng = np.random.default_rng(0)
    for n, d, k in ((5, 3, 4), (4, 4, 4), (7, 2, 3)):
        x, y = rng.normal(size=(n, d)), np.eye(k)[rng.integers(0, k, n)]
        m, partner = rng.uniform(0.05, 0.95, n), rng.permutation(n)
        while (partner == np.arange(n)).any() or np.array_equal(partner, np.argsort(partner)):
            partner = rng.permutation(n)
        result = call(answer, x.copy(), y.copy(), m.copy(), partner.copy())
        require(
            isinstance(result, tuple | list) and len(result) == 2, "Devuelve dos cosas: las entradas y las etiquetas."
        )
        got_x = as_array(result[0], shape=(n, d), what="las entradas")  # type: ignore[index]
        got_y = as_array(result[1], shape=(n, k), what="las etiquetas")  # type: ignore[index]
        w = m[:, None]
        other = np.argsort(partner)
        require(not np.allclose(got_y, y), "Las etiquetas no se han mezclado: son las de antes.")
        require(not np.allclose(got_x, x), "Las entradas no se han mezclado: son las de antes.")
        for a, b, hint in (
            (x[partner], x, "El peso m es el del propio ejemplo; 1 − m, el de su pareja."),
            (x, x[other], "La pareja del ejemplo i es la fila pareja[i], no al revés."),
        ):
            require(not np.allclose(got_x, w * a + (1 - w) * b), hint)
        mean = m[0] * x + (1 - m[0]) * x[partner]
        require(not np.allclose(got_x, mean), "Cada ejemplo tiene su propio peso; usas uno para todos.")
        require(
            np.allclose(got_x, w * x + (1 - w) * x[partner]),
            "Las entradas no son m·x + (1 − m)·x[pareja], fila a fila.",
        )
        hard = np.where(w >= 0.5, y, y[partner])
        require(not np.allclose(got_y, hard), "No elijas la etiqueta que más pesa: se promedian como las entradas.")
        require(
            np.allclose(got_y, w * y + (1 - w) * y[partner]),
            "Las etiquetas se mezclan con los mismos pesos y parejas que las entradas.",
        )
    return "La etiqueta sigue a la imagen también a mitad de camino."


@comprobar.exercise("promedio")
def _(answer: object) -> str:
    rng = np.random.default_rng(0)
    for v, n, k in ((4, 5, 3), (3, 3, 3), (6, 2, 10), (1, 4, 2), (2, 3, 4)):
        scores = rng.normal(scale=3, size=(v, n, k))
        scores += 900.0 if v == 2 else 0.0
        got = as_array(call(answer, scores.copy()), shape=(n, k), what="las probabilidades")

        def softmax(z: np.ndarray, axis: int = -1) -> np.ndarray:
            e = np.exp(z - z.max(axis, keepdims=True))
            return e / e.sum(axis, keepdims=True)

        expected = softmax(scores).mean(0)
        if np.allclose(got, expected):
            continue
        votes = np.eye(k)[scores.argmax(-1)].mean(0)
        for wrong, hint in (
            (
                softmax(scores.mean(0)),
                "Promedias los puntajes y después aplicas softmax; se promedian las probabilidades.",
            ),
            (scores.mean(0), "Eso son puntajes: falta softmax en cada versión."),
            (votes, "Eso cuenta votos: cada versión aporta todas sus probabilidades, no solo su clase preferida."),
            (softmax(scores).sum(0), "Sumas las versiones; falta dividir entre cuántas son."),
            (softmax(scores, 0).mean(0), "softmax va sobre las clases, el último eje."),
            (softmax(scores, 1).mean(0), "softmax va sobre las clases, el último eje."),
            (softmax(scores[0])[:, :], "Usas solo la primera versión."),
        ):
            require(not np.allclose(got, wrong), hint)
        fail("Las probabilidades no son la media, sobre las versiones, de los softmax de cada una.")
    return "Si las versiones no se ponen de acuerdo, la media es más prudente."


@comprobar.exercise("proyecto")
def _(answer: object) -> str:
    data = small_mnist()
    x, y = data.x_train.view(-1, 1, 14, 14), data.y_train
    trial = x[:30].clone()
    with torch.random.fork_rng(devices=[]):
        first, again, other = (_apply(answer, trial, torch.Generator().manual_seed(seed)) for seed in (0, 0, 1))
        require(
            torch.allclose(first, again, atol=1e-6),
            "Con el mismo generador debe salir lo mismo: saca de él todo el azar.",
        )
        require(not torch.allclose(first, trial, atol=1e-4), "Las imágenes salen como entraron.")
        require(not torch.allclose(first, other, atol=1e-4), "Con otro generador sale lo mismo: falta el azar.")
        accuracy = _accuracy(answer, x, y, data.x_val.view(-1, 1, 14, 14), data.y_val)
    require(accuracy > 0.6, f"Aciertas el {accuracy:.0%}: las imágenes han quedado irreconocibles. Baja la fuerza.")
    require(
        accuracy >= MIN_ACCURACY,
        f"Aciertas el {accuracy:.0%} y se pide el {MIN_ACCURACY:.0%}. ¿Mueves la tinta, o solo cambias su brillo? "
        "¿Es la fuerza adecuada?",
    )
    return f"Aciertas el {accuracy:.0%} con diez imágenes de cada dígito."


def _apply(answer: object, images: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Las imágenes que devuelve la función de quien aprende, comprobadas."""
    result = call(answer, images.clone(), generator)
    require(isinstance(result, torch.Tensor), "Devuelve un tensor de imágenes.")
    as_array(result, shape=tuple(images.shape), what="las imágenes")
    return torch.as_tensor(result).detach().float()


def _accuracy(answer: object, x: torch.Tensor, y: torch.Tensor, x_val: torch.Tensor, y_val: torch.Tensor) -> float:
    """Aciertos medios en validación de cuatro redes entrenadas con diez imágenes de cada dígito."""
    seeds = range(4)
    generators = [torch.Generator().manual_seed(50 + seed) for seed in seeds]
    places = [(y == digit).nonzero()[:, 0] for digit in range(10)]
    rows = torch.stack([torch.cat([p[torch.randperm(len(p), generator=g)[:10]] for p in places]) for g in generators])

    nets = DenseCopies((196, 64, 10), seeds)
    task = Augmented(nets, x[rows], y[rows], [keep_labels(partial(_apply, answer))])
    optimizer = torch.optim.Adam(nets.parameters(), lr=0.02)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.02, total_steps=400)
    order = torch.arange(100)
    train_copies(task, optimizer, order, order, seeds=seeds, epochs=80, batch_size=20, scheduler=schedule)
    with torch.no_grad():
        return float((nets(x_val.expand(4, *x_val.shape)).argmax(-1) == y_val).float().mean())
