"""Comprobadores de los ejercicios de ``fundamentos/grafos_de_computo``."""

from collections import Counter
from collections.abc import Callable, Sequence
from functools import lru_cache

import numpy as np

from profundo.comun.datos import split_mnist
from profundo.comun.ejercicios import Checker, Unanswered, as_array, call, fail, require
from profundo.fundamentos.grafos_de_computo import Tensor, cross_entropy, no_grad

comprobar = Checker("fundamentos/grafos_de_computo")

ATTACK_EPS, ATTACK_REQUIRED = 0.15, 0.15
Inputs = dict[str, list[str]]


def _equal(actual: np.ndarray | float, expected: object) -> bool:
    return bool(np.allclose(actual, np.asarray(expected, dtype=float), rtol=1e-6, atol=1e-9))


@comprobar.exercise("mano")
def _(answer: object) -> str:
    if isinstance(answer, Sequence) and any(value is ... or value is None for value in answer):
        raise Unanswered("Sin resolver: faltan derivadas en la lista.")
    got = as_array(answer, shape=(3,), what="la lista de derivadas")
    mistakes = (
        ([-3, -8, 15], "u se usa dos veces, en u·v y en la suma: su adjunto es v + 1. ¿Olvidaste una de las aristas?"),
        ([1, 1, 0], "Solo sigues el camino que no pasa por el producto; suma también los que pasan por u·v."),
        ([-2, -2, 15], "b llega a L también a través de v: falta c por el adjunto de v."),
        ([-2, -5, 15], "b llega a L también a través de u: falta el adjunto de u."),
        ([-2, -7, 5], "5 es el adjunto de v; para llegar a c falta multiplicar por la derivada local de b·c."),
        ([-2, 3, 15], "La derivada local de b·c respecto de b es c, que vale −1: revisa el signo."),
        ([2, 7, -15], "Todos los signos están al revés: v = b·c es negativo."),
    )
    for values, message in mistakes:
        require(not _equal(got, values), message)
    for name, value, expected in zip("abc", got, (-2, -7, 15), strict=True):
        require(_equal(value, expected), f"La derivada respecto de {name} no es {value:g}. Anota primero ū y v̄.")
    return "Sumas lo que llega por cada arista antes de seguir."


def _random_graph(rng: np.random.Generator, n: int) -> Inputs:
    """Un grafo sin ciclos con nodos de nombre barajado; el último depende solo de algunos."""
    names = [f"n{k}" for k in rng.permutation(n)]
    inputs: Inputs = {}
    for k, name in enumerate(names):
        count = int(rng.integers(0, 3)) if k else 0
        inputs[name] = [names[int(j)] for j in rng.integers(0, k, count)] if count else []
    keys = list(inputs)
    rng.shuffle(keys)
    inputs = {key: inputs[key] for key in keys}
    inputs["fin"] = [names[-1], names[-2]]
    return inputs


def _reachable(inputs: Inputs, root: str) -> set[str]:
    seen, pending = {root}, [root]
    while pending:
        for source in inputs[pending.pop()]:
            if source not in seen:
                seen.add(source)
                pending.append(source)
    return seen


@comprobar.exercise("orden")
def _(answer: object) -> str:
    rng = np.random.default_rng(21)
    square: Inputs = {"x": [], "L": ["x", "x"]}
    late: Inputs = {"a": [], "p": ["a"], "s": ["p"], "L": ["a", "s"]}
    alone: Inputs = {"L": [], "suelto": []}
    graphs = [alone, square, late] + [_random_graph(rng, int(n)) for n in rng.integers(3, 12, 40)]
    for inputs in graphs:
        root = "fin" if "fin" in inputs else "L"
        given = {node: list(sources) for node, sources in inputs.items()}
        got = call(answer, given, root)
        if not isinstance(got, list | tuple) or not all(isinstance(node, str) for node in got):
            fail("Se esperaba la lista de los nodos, con los mismos nombres que las claves de inputs.")
        case = f"con inputs={inputs} y root={root!r}"
        require(given == inputs, "Modificaste el diccionario inputs: cuenta los usos en otro aparte.")
        repeated = [node for node, times in Counter(got).items() if times > 1]
        require(
            not repeated, f"«{(repeated or [''])[0]}» sale más de una vez, {case}. Un nodo solo se recorre una vez."
        )
        needed = _reachable(inputs, root)
        extra, missing = sorted(set(got) - needed), sorted(needed - set(got))
        require(not extra, f"«{(extra or [''])[0]}» sobra: root no depende de él, {case}.")
        require(not missing, f"Falta «{(missing or [''])[0]}», {case}.")
        position = {node: k for k, node in enumerate(got)}
        pairs = [(node, source) for node in needed for source in inputs[node]]
        if pairs and all(position[source] < position[node] for node, source in pairs):
            fail(f"Ese es el orden del cálculo, de las hojas a root; para derivar hace falta el contrario, {case}.")
        for node, source in pairs:
            require(
                position[node] < position[source],
                f"«{source}» sale antes que «{node}», que lo usa, {case}. Un nodo espera a todos los que lo usan.",
            )
    return "Ningún nodo reparte su gradiente antes de haberlo recibido entero."


# (forma de g, forma de antes de estirar)
STRETCHED: tuple[tuple[tuple[int, ...], tuple[int, ...]], ...] = (
    *(((4, 3), shape) for shape in ((4, 3), (3,), (1, 3), (4, 1), (1, 1), ())),
    *(((2, 4, 3), shape) for shape in ((4, 1), (3,), (2, 1, 3))),
    *(((3, 3), shape) for shape in ((3,), (3, 1))),
    ((2, 1, 3), (1, 3)),
)


@comprobar.exercise("estirar")
def _(answer: object) -> str:
    rng = np.random.default_rng(22)
    for big, shape in STRETCHED:
        g = rng.normal(size=big)
        given = g.copy()
        got = as_array(call(answer, given, shape), what="el gradiente")
        case = f"(g de forma {big}, shape={shape})"
        require((given == g).all(), "Modificaste g: otros nodos lo están usando. Devuelve un arreglo nuevo.")
        new = len(big) - len(shape)
        ones = tuple(i for i, size in enumerate(shape) if size == 1)
        expected = g.sum(axis=tuple(range(new))).sum(axis=ones, keepdims=True) if new or ones else g
        if got.shape != shape:
            require(got.shape != big, f"No sumaste nada: devuelves la forma de g. {case}")
            squeezed = tuple(size for size in shape if size != 1)
            require(got.shape != squeezed, f"Los ejes que medían 1 deben seguir midiendo 1: `keepdims=True`. {case}")
            fail(f"La forma debe ser {shape}, la del arreglo sin estirar, y es {got.shape}. {case}")
        if _equal(got, expected):
            continue
        axes = (*range(new), *(i + new for i in ones))
        mean = g.mean(axis=axes).reshape(shape)
        require(not _equal(got, mean), f"Promedias; cada uso aporta entera su contribución: hay que sumarlas. {case}")
        first = g[tuple(slice(0, 1) if i in axes else slice(None) for i in range(g.ndim))].reshape(shape)
        require(not _equal(got, first), f"Te quedas con la primera copia; hay que sumarlas todas. {case}")
        if big == (3, 3):
            fail(f"Sumaste por el eje equivocado: NumPy alinea las formas por la derecha. {case}")
        fail(f"La forma es correcta y los valores no: ¿por qué ejes sumas? {case}")
    return "Cada copia devuelve su parte, y las partes se suman."


@comprobar.exercise("sigmoide")
def _(answer: object) -> str:
    rng = np.random.default_rng(23)
    for x in (rng.normal(size=(3, 4)), np.array(0.3), np.array([-1000.0, 0.0, 1000.0])):
        leaf, overflows = Tensor(x.copy(), requires_grad=True), list[str]()
        with np.errstate(over="call", invalid="ignore", call=lambda kind, _, seen=overflows: seen.append(kind)):
            output = call(answer, leaf)
        if not isinstance(output, Tensor):
            fail("Se esperaba un Tensor: une el valor con su entrada mediante `record(nombre, valor, (x, vjp))`.")
        require((leaf.data == x).all(), "Modificaste x.data: calcula el resultado en un arreglo nuevo.")
        y = 0.5 * (1 + np.tanh(0.5 * x))
        value = as_array(output.data, shape=x.shape, what="el valor")
        require(_equal(value, y), "El valor no es `1 / (1 + exp(-x))`. ¿Falta un signo o un factor?")
        require(output.requires_grad, "El resultado no quedó unido a x: créalo con `record`, no con `Tensor(…)`.")
        sources = [source for source, _ in output.edges]
        require(
            sources == [leaf], "El valor es correcto, pero lo montas con varias operaciones; crea una, con `record`."
        )
        require(not overflows, "Con x = −1000, la exponencial desborda. Escribe σ con `np.tanh`, como dice la pista.")
        upstream = rng.normal(size=x.shape)
        call(_backward(output, upstream))
        got = as_array(leaf.grad, shape=x.shape, what="el gradiente")
        slope = y * (1 - y)
        hints = (
            (slope, "Tu VJP devuelve la derivada local: falta multiplicarla por el gradiente que llega, g."),
            (upstream, "Tu VJP devuelve g sin tocarlo: falta multiplicarlo por σ(x)(1 − σ(x))."),
            (upstream * x * (1 - x), "En σ(1 − σ), σ es la salida y no la entrada x."),
            (upstream * y, "Falta el factor 1 − σ(x)."),
            (upstream * (1 - y), "Falta el factor σ(x)."),
            (-upstream * slope, "El signo está al revés: la sigmoide crece, su derivada es positiva."),
        )
        if not _equal(got, upstream * slope):
            for wrong, message in hints:
                require(not _equal(got, wrong), message)
            fail("El valor es correcto y la VJP no: compárala con diferencias finitas, con `gradcheck`.")
    return "Tu operación se comporta como las de la tabla."


def _backward(output: Tensor, upstream: np.ndarray) -> Callable[[], bool]:
    def vjp() -> bool:
        output.backward(upstream)
        return True

    return vjp


@comprobar.exercise("jacobiana")
def _(answer: object) -> str:
    rng = np.random.default_rng(24)
    for n, m in ((3, 2), (2, 4), (1, 3), (4, 1), (3, 3)):
        weights, x = rng.normal(size=(m, n)), rng.normal(size=n)

        def f(t: Tensor, weights: np.ndarray = weights) -> Tensor:
            return (Tensor(weights) @ t).tanh()

        expected = (1 - np.tanh(weights @ x) ** 2)[:, None] * weights
        given = x.copy()
        got = as_array(call(answer, f, given), what="la jacobiana")
        require((given == x).all(), "Modificaste el arreglo x.")
        case = f"(n={n}, m={m})"
        if got.shape != (m, n):
            transposed = got.shape == (n, m) and _equal(got, expected.T)
            require(not transposed, f"Está traspuesta: hay una fila por salida y una columna por entrada. {case}")
            summed = got.shape == (n,) and _equal(got, expected.sum(axis=0))
            require(not summed, f"Esa es la suma de las filas. Haz un `backward` por salida. {case}")
            fail(f"La matriz debe tener forma {(m, n)} y tiene {got.shape}.")
        require(
            m == 1 or not _equal(got, expected.cumsum(axis=0)), "Cada fila arrastra las anteriores: `grad` se acumula."
        )
        total = np.broadcast_to(expected.sum(axis=0), (m, n))
        require(
            m == 1 or not _equal(got, total),
            "Todas las filas son la suma: ¿guardas el mismo arreglo `grad`, o falta el `gradient` de cada fila?",
        )
        require(n != m or not _equal(got, expected.T), f"Está traspuesta: una fila por salida. {case}")
        require(_equal(got, expected), f"La forma es correcta y los valores no. Compara una fila a mano. {case}")
    return "Una fila por recorrido: con una sola salida, un recorrido basta."


@lru_cache(maxsize=1)
def _victim() -> tuple[Callable[[Tensor], Tensor], np.ndarray, np.ndarray]:
    """Una red entrenada con dígitos, y 300 imágenes que no ha visto con sus clases."""
    data = split_mnist(3)
    x, y = data.x_train.flatten(1).numpy(), data.y_train.numpy()
    rng = np.random.default_rng(3)
    layers = [
        Tensor(rng.normal(scale=(2 / n) ** 0.5, size=(n, m)), requires_grad=True) for n, m in ((784, 32), (32, 10))
    ]
    for layer in layers:
        layer.data = layer.data.astype(np.float32)

    def network(images: Tensor) -> Tensor:
        return (images @ layers[0]).relu() @ layers[1]

    for _ in range(2):
        for rows in np.array_split(rng.permutation(len(y)), len(y) // 64):
            cross_entropy(network(Tensor(x[rows])), y[rows]).backward()
            for layer in layers:
                assert layer.grad is not None
                layer.data -= 0.3 * layer.grad
                layer.grad = None
    return network, data.x_test.flatten(1).numpy()[:300], data.y_test.numpy()[:300]


def _hits(network: Callable[[Tensor], Tensor], x: np.ndarray, y: np.ndarray) -> float:
    with no_grad():
        return float((network(Tensor(x.astype(np.float32))).data.argmax(axis=1) == y).mean())


@comprobar.exercise("ataque")
def _(answer: object) -> str:
    network, x, y = _victim()
    for eps in (ATTACK_EPS, 0.03):
        given = x.copy()
        result = call(answer, network, given, y.copy(), eps)
        if isinstance(result, Tensor):
            fail("Se esperaba un arreglo de NumPy, no un Tensor: devuelve sus números, `.data`.")
        got = as_array(result, shape=x.shape, what="las imágenes")
        require((given == x).all(), "Modificaste las imágenes x que recibiste: crea otras.")
        largest = float(np.abs(got - x).max())
        require(largest > 0, "Las imágenes son las mismas: falta moverlas.")
        require(largest <= eps + 1e-5, f"Algún píxel cambia en {largest:.3g}, y el máximo es {eps}. ¿Usas el signo?")
        require(got.min() >= 0 and got.max() <= 1, "Hay píxeles fuera de [0, 1]: termina con np.clip.")
        clean, fooled = _hits(network, x, y), _hits(network, got, y)
        require(
            fooled <= clean,
            f"La red acierta más que antes ({100 * fooled:.0f} %): vas hacia donde la pérdida baja. Cambia el signo.",
        )
        if eps == ATTACK_EPS:
            require(
                fooled < ATTACK_REQUIRED,
                f"La red aún acierta el {100 * fooled:.0f} % (antes, el {100 * clean:.0f} %). ¿Derivas respecto de la "
                "imagen y con las clases correctas? ¿Cambia cada píxel todo lo permitido?",
            )
            best = fooled
    return f"Con cambios de {ATTACK_EPS} por píxel, la red pasa del {100 * clean:.0f} % al {100 * best:.0f} %."
