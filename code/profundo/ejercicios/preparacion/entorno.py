"""Comprobadores de los ejercicios de ``preparacion/entorno``."""

import math

import numpy as np

from profundo.comun.ejercicios import Checker, as_array, call, fail, require
from profundo.preparacion.entorno import count_flops, count_parameters, matmul_intensity, mlp

comprobar = Checker("preparacion/entorno")

OUTCOMES = ("falla", "cambia", "igual")
# Qué enseña cada cuaderno de prueba, sus celdas, lo que se espera y qué decir de otra respuesta.
NOTEBOOKS: tuple[tuple[str, list[str], str, str], ...] = (
    (
        "uno que imprime lo mismo",
        ["x = 3", "print(x + 1)"],
        "igual",
        "Sus celdas comparten un solo diccionario de nombres, y las dos veces se imprime 4.",
    ),
    ("uno con un nombre que nadie define", ["print(1)", "print(y)", "print(2)"], "falla", "Una celda lanza NameError."),
    (
        "uno con las celdas en otro orden",
        ["print(z)", "z = 1"],
        "falla",
        "Cada ejecución empieza sin nombres y va de arriba abajo; las celdas no saben lo que definirán las siguientes.",
    ),
    (
        "uno que usa los nombres de una celda anterior",
        ["def f(n):\n    return 1 if n == 0 else n * f(n - 1)", "print(f(5))"],
        "igual",
        "Las celdas de una ejecución comparten un solo diccionario de nombres.",
    ),
    (
        "uno con azar sin semilla en la primera celda",
        ["import random\nprint(random.random())", "print('fin')"],
        "cambia",
        "Compara lo que imprimen todas las celdas, no solo la última.",
    ),
    (
        "uno con azar y semilla",
        ["import random\nrandom.seed(7)", "print(random.random())"],
        "igual",
        "Con semilla, las dos ejecuciones imprimen lo mismo.",
    ),
    (
        "uno que cuenta a partir de lo que encuentra",
        ["try:\n    n += 1\nexcept NameError:\n    n = 0", "print(n)"],
        "igual",
        "La segunda ejecución debe empezar con un diccionario nuevo: has heredado los nombres de la primera.",
    ),
    (
        "uno que imprime el nombre de un error sin que lo haya",
        ["print('NameError')"],
        "igual",
        "Lo que importa es si una celda lanza un error, no lo que imprime.",
    ),
    (
        "uno con azar que además falla",
        ["import random\nprint(random.random())", "1 / 0"],
        "falla",
        "Si falla, da igual lo demás: se responde «falla».",
    ),
    (
        "uno que no imprime nada y guarda azar",
        ["import random\nx = random.random()"],
        "igual",
        "Se compara lo que se imprime, no el valor de los nombres.",
    ),
)


@comprobar.exercise("primera")
def _(answer: object) -> str:
    values = [float(2**30), 16e9, 1.0, 0.0, 123456789.0]
    got = np.array([as_array(call(answer, value), shape=()) for value in values])
    expected = np.array(values) / 2**30
    if not np.allclose(got, expected, rtol=1e-6, atol=1e-15):
        given = f"Con 16e9 bytes devuelves {got[1]:.6g}."
        for other, message in (
            (np.array(values) / 1e9, "Eso son gigabytes, de 10**9 bytes; un gibibyte son 2**30."),
            (np.array(values) / 2**20, "Eso son mebibytes, de 2**20 bytes: falta otro factor 1024."),
            (np.array(values) * 2**30, "Multiplicas: eso pasa de gibibytes a bytes."),
            (np.floor(expected), "Pierdes los decimales: usa `/`, no `//` ni `int`."),
            (expected.round(2), "No redondees: se pierde 1 byte. Redondea solo al imprimir."),
            (np.array(values) / 8 / 2**30, "Divides además entre 8; los datos ya vienen en bytes, no en bits."),
        ):
            require(not np.allclose(got, other, rtol=1e-6, atol=1e-15), f"{given} {message}")
        fail(f"{given} Se esperaba {expected[1]:.6g}: los bytes divididos entre 2**30.")
    return "El cuaderno, el núcleo y el comprobador funcionan. 16 GB son 14.9 GiB."


@comprobar.exercise("cuenta")
def _(answer: object) -> str:
    rng = np.random.default_rng(0)
    cases = [[784, 256, 10], [3, 2], *(rng.integers(1, 60, size=n).tolist() for n in (2, 4, 5))]
    for sizes in cases:
        layers = mlp(sizes)
        parameters, flops = count_parameters(layers), count_flops(layers)
        weights = flops // 2
        p, f = as_array(call(answer, list(sizes)), shape=(2,), what="(parámetros, FLOPs)")
        where = f"Con sizes = {sizes} devuelves ({p:.0f}, {f:.0f})."
        if (p, f) == (parameters, flops):
            continue
        require((f, p) != (parameters, flops), f"{where} El orden es (parámetros, FLOPs).")
        if p != parameters:
            for wrong, message in (
                (weights, "A los parámetros les faltan los sesgos: uno por número que sale."),
                (weights + sum(sizes), "Los números que entran en la red no llevan sesgo."),
                (weights + sum(sizes[:-1]), "Hay un sesgo por número que sale de la capa, no por número que entra."),
                (weights + len(layers), "No hay un sesgo por capa, sino uno por número que sale."),
                (math.prod(sizes), "Cada capa tiene su matriz: los productos se suman, no se multiplican entre sí."),
            ):
                require(p != wrong, f"{where} {message}")
            fail(f"{where} Cada capa tiene n_in·n_out pesos y n_out sesgos; suma las {len(layers)}.")
        for wrong, message in (
            (weights, "Cada peso hace dos operaciones: un producto y una suma."),
            (2 * parameters, "Cuenta solo los productos de matrices: los sesgos no entran."),
            (3 * flops, "Se pide una pasada hacia delante; el triple es entrenar."),
        ):
            require(f != wrong, f"{where} {message}")
        fail(f"{where} Los parámetros están bien; los FLOPs son 2·n_in·n_out por capa.")
    return "Una red densa se cuenta con la lista de sus tamaños."


@comprobar.exercise("memoria")
def _(answer: object) -> str:
    rng = np.random.default_rng(1)
    cases = [(10**9, 10**8, 10**10), (10**6, 10**6, 16 * 10**6 + 10**7), (10**6, 10**6, 16 * 10**6)]
    cases += [
        (int(rng.integers(1, 10**8)), int(rng.integers(1, 10**7)), int(rng.integers(10**9, 10**11))) for _ in "abcd"
    ]
    for n, each, memory in [cases[1], *cases[3:], *cases[::2]]:
        expected = max(0, (memory - 16 * n) // each)
        got = float(as_array(call(answer, n, each, memory), shape=()))
        if got == expected:
            continue
        where = f"Con mi_lote({n}, {each}, {memory}) devuelves {got:g}."
        require(got >= 0, f"{where} Si ni el modelo cabe, el lote es 0, no un número negativo.")
        exact = (memory - 16 * n) / each
        if not got.is_integer():
            fail(f"{where} Los ejemplos van enteros: usa `//`.")
        for size, message in (
            (0, "No has contado el modelo: solo las activaciones."),
            (4, "Cuentas solo los pesos; al entrenar hay además un gradiente y dos momentos por parámetro."),
            (8, "Faltan los dos momentos de Adam: 8 bytes más por parámetro."),
            (12, "Adam guarda dos momentos por parámetro, y cuentas uno."),
            (8 + 4 + 8, "Cuentas de más: con float32 no hay otra copia de los pesos."),
        ):
            require(got != max(0, (memory - size * n) // each), f"{where} {message}")
        require(got != math.ceil(exact), f"{where} Redondea hacia abajo: el último ejemplo no cabe entero.")
        fail(
            f"{where} Se esperaba {expected}: lo que queda tras 16 bytes por parámetro, entre lo que ocupa un ejemplo."
        )
    return "Si no cabe, lo primero que se reduce es el lote."


@comprobar.exercise("tejado")
def _(answer: object) -> str:
    # En el primero, cada error da un número distinto.
    cases = [(512, 2048, 4, 7.68e11, 5.12e10), (4096, 4096, 4, 8.1e12, 320e9), (4096, 4096, 2, 8.1e12, 320e9)]
    cases += [(1024, 1024, 4, 1e12, 1e12), (64, 64, 4, 1.6e12, 4e11), (256, 64, 4, 8e11, 1e11)]
    for k, n, itemsize, peak, bandwidth in cases:
        balance = peak / bandwidth
        expected = next(b for b in range(1, 10**5) if matmul_intensity(b, k, n, itemsize) >= balance)
        got = float(as_array(call(answer, k, n, itemsize, peak, bandwidth), shape=()))
        if got == expected:
            continue
        where = f"Con mi_lote_minimo({k}, {n}, {itemsize}, {peak:.3g}, {bandwidth:.3g}) devuelves {got:g}."
        require(got.is_integer(), f"{where} El lote es un número entero de ejemplos.")
        require(got >= 1, f"{where} Un lote tiene un ejemplo como mínimo.")
        simple = math.ceil(balance * itemsize / 2)
        require(got != simple, f"{where} Cuenta también los bytes de lo que entra y lo que sale, no solo la matriz.")
        require(got != math.ceil(balance), f"{where} Eso es el equilibrio del aparato; falta el tamaño del número.")
        if got == expected - 1:
            fail(f"{where} Con ese lote la intensidad aún es menor que el equilibrio: prueba con uno más.")
        if got == expected + 1:
            fail(f"{where} Con uno menos ya se alcanza el equilibrio; basta con igualarlo.")
        side = "aún manda la memoria" if got < expected else "un lote menor también valdría"
        fail(f"{where} Con ese lote, {side}: compara la intensidad con el cociente `peak / bandwidth`.")
    return "A partir de ahí, más ejemplos ya no salen gratis."


@comprobar.exercise("verificacion")
def _(answer: object) -> str:
    for title, cells, expected, message in NOTEBOOKS:
        given = list(cells)
        got = call(answer, given)
        if not isinstance(got, str) or got not in OUTCOMES:
            shown = f"«{got[:30]}»" if isinstance(got, str) else f"un valor de tipo {type(got).__name__}"
            fail(f"Con {title} devuelves {shown}; se esperaba «falla», «cambia» o «igual».")
        require(given == cells, "Has modificado la lista de celdas de quien llama; recórrela sin cambiarla.")
        require(got == expected, f"Con {title} devuelves «{got}» y es «{expected}». {message}")
    return "Tienes un verificador de cuadernos: el de este libro hace lo mismo con cada capítulo."
