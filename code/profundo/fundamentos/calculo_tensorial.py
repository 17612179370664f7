"""Cálculo tensorial: contraer tensores, derivarlos y usar sus derivadas sin escribir la matriz que las reúne.

Fuentes: Einstein (1916), los índices que se repiten se suman; Magnus y Neudecker (2019), el método de la diferencial;
Squire y Trapp (1998), el paso complejo; Griewank y Walther (2008), los productos con la jacobiana y su traspuesta;
Pearlmutter (1994), el producto con la hessiana; Hestenes y Stiefel (1952), el gradiente conjugado.

Convenio, el de ``torch.func``: la derivada de un tensor respecto de otro tiene forma ``(*salida, *entrada)``; la de un
número mide lo mismo, entonces, que aquello respecto de lo que se deriva. Un ejemplo ocupa una fila.
"""

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Num

from profundo.fundamentos.clasificacion_lineal import Loss
from profundo.preparacion.numpy import einsum, softmax

Linear = Callable[[np.ndarray], np.ndarray]  # función lineal de un tensor

# Los que equilibran el error de la fórmula y el de redondeo. El paso complejo no resta: puede ser minúsculo.
STEPS = {"forward": 2**-26, "central": 2**-17, "complex": 1e-100}


def contract(equation: str, a: Num[np.ndarray, "..."], b: Num[np.ndarray, "..."]) -> Num[np.ndarray, "..."]:
    """La suma de productos de dos tensores según ``equation``, con un solo producto de matrices por lotes.

    Sin flecha rige el convenio de Einstein: se suman los índices que están en los dos tensores y quedan los demás,
    en orden alfabético. Así, ``"ij,jk"`` es ``"ij,jk->ik"``.

    Raises:
        ValueError: si la ecuación no es «a,b->c», repite una letra en un término o no corresponde a las formas.
    """
    left, right, output, size = _parse(equation, a.shape, b.shape)
    batch = [i for i in output if i in left and i in right]
    rows = [i for i in output if i not in right]
    columns = [i for i in output if i not in left]
    summed = [i for i in left if i in right and i not in output]

    def as_matrices(x: np.ndarray, letters: str, *groups: list[str]) -> np.ndarray:
        """Un eje por grupo de índices; los que no están en ninguno se suman ya."""
        alone = [i for i in letters if not any(i in group for group in groups)]
        x = x.transpose([letters.index(i) for group in (*groups, alone) for i in group])
        return x.reshape([math.prod(size[i] for i in group) for group in (*groups, alone)]).sum(axis=-1)

    product = as_matrices(a, left, batch, rows, summed) @ as_matrices(b, right, batch, summed, columns)
    order = batch + rows + columns
    return product.reshape([size[i] for i in order]).transpose([order.index(i) for i in output])


def einsum_vjp(
    equation: str, operands: Sequence[Float[np.ndarray, "..."]], g: Float[np.ndarray, "..."]
) -> list[Float[np.ndarray, "..."]]:
    """Los gradientes de Σ g · einsum(equation, *operands) respecto de cada operando: otros tantos ``einsum``.

    En cada uno, ``g`` y el operando intercambian sus letras. Una letra que solo estaba en ese operando pasa a leerse
    de un vector de unos: la suma se reparte por igual.

    Raises:
        ValueError: si la ecuación no corresponde a los operandos o ``g`` no tiene la forma del resultado.
    """
    expected = einsum(equation, *operands).shape
    if g.shape != expected:
        raise ValueError(f"g debe tener la forma del resultado, {expected}; tiene {g.shape}")
    inputs, _, output = equation.replace(" ", "").partition("->")
    terms = inputs.split(",")
    gradients = []
    for k, (term, x) in enumerate(zip(terms, operands, strict=True)):
        others = [(t, o) for j, (t, o) in enumerate(zip(terms, operands, strict=True)) if j != k]
        known = set(output).union(*(t for t, _ in others))
        ones = [(i, np.ones(n)) for i, n in zip(term, x.shape, strict=True) if i not in known]
        names, factors = zip((output, g), *others, *ones, strict=True)
        gradients.append(einsum(f"{','.join(names)}->{term}", *factors))
    return gradients


def numerical_jacobian(
    f: Callable[[np.ndarray], np.ndarray | float],
    x: Float[np.ndarray, "..."],
    *,
    method: str = "central",
    step: float | None = None,
) -> Float[np.ndarray, "..."]:
    """Todas las derivadas de ``f`` en ``x``, de forma ``(*salida, *entrada)``, moviendo ``x`` número a número.

    Args:
        f: función de un tensor con la forma de ``x``, el punto, en float64.
        method: ``"forward"``, (f(x + h) - f(x)) / h; ``"central"``, (f(x + h) - f(x - h)) / 2h; o ``"complex"``,
            la parte imaginaria de f(x + i h) entre h, si ``f`` es analítica y acepta números complejos.
        step: el paso h; si falta, el de ``STEPS``.

    Raises:
        ValueError: si ``x`` no es float64, ``step`` no es positivo o el método no existe.
    """
    if x.dtype != np.float64:
        raise ValueError(f"x debe ser float64: con menos cifras la resta no deja ninguna; es {x.dtype}")
    if method not in STEPS:
        raise ValueError(f"method debe ser {', '.join(STEPS)}; se recibió {method!r}")
    h = STEPS[method] if step is None else step
    if not h > 0:
        raise ValueError(f"step debe ser positivo; se recibió {step}")
    base = np.asarray(f(x.copy()))
    jacobian = np.empty((*base.shape, *x.shape))
    for i in np.ndindex(x.shape):
        move = np.zeros(x.shape)
        move[i] = h
        if method == "complex":
            jacobian[(..., *i)] = np.imag(f(x + 1j * move)) / h
        elif method == "central":
            jacobian[(..., *i)] = (np.asarray(f(x + move)) - f(x - move)) / (2 * h)
        else:
            jacobian[(..., *i)] = (f(x + move) - base) / h
    return jacobian


class Linearization(NamedTuple):
    """Una función en un punto: su valor y su jacobiana J, que no se escribe, solo se multiplica.

    Attributes:
        value: y = f(x).
        jvp: v ↦ J v, de la forma de ``x`` a la de ``y``.
        vjp: g ↦ Jᵀ g, de la forma de ``y`` a la de ``x``.
    """

    value: np.ndarray
    jvp: Linear
    vjp: Linear


Map = Callable[[np.ndarray], Linearization]  # una función que sabe linealizarse en cualquier punto


def affine(w: Float[np.ndarray, "m d"], b: Float[np.ndarray, "m"]) -> Map:
    """La capa Y = X Wᵀ + 1 bᵀ, de ``(n, d)`` a ``(n, m)``, como función de X.

    Raises:
        ValueError: si ``w`` y ``b`` no corresponden o, al usarla, X no tiene d columnas.
    """
    if w.ndim != 2 or b.shape != w.shape[:1]:
        raise ValueError(f"se esperaban w (m, d) y b (m,); tienen formas {w.shape} y {b.shape}")

    def at(x: np.ndarray) -> Linearization:
        if x.ndim != 2 or x.shape[1] != w.shape[1]:
            raise ValueError(f"x debe tener forma (n, {w.shape[1]}); tiene {x.shape}")
        return Linearization(x @ w.T + b, lambda v: v @ w.T, lambda g: g @ w)

    return at


def elementwise(function: Callable[[np.ndarray], np.ndarray], slope: Callable[[np.ndarray], np.ndarray]) -> Map:
    """Una función número a número, con su derivada ``slope``: la jacobiana es diagonal."""

    def at(x: np.ndarray) -> Linearization:
        diagonal = slope(x)
        return Linearization(function(x), lambda v: diagonal * v, lambda g: diagonal * g)

    return at


def softmax_rows(x: Float[np.ndarray, "n k"]) -> Linearization:
    """El softmax de cada fila: J = diag(p) - p pᵀ, simétrica, así que sus dos productos son el mismo."""
    p = softmax(x)

    def product(v: np.ndarray) -> np.ndarray:
        return p * (v - (p * v).sum(axis=1, keepdims=True))

    return Linearization(p, product, product)


def compose(*maps: Map) -> Map:
    """La función que aplica ``maps`` de la primera a la última: J = J_K ··· J_1.

    Raises:
        ValueError: si no hay ninguna.
    """
    if not maps:
        raise ValueError("maps debe tener al menos una función; no se recibió ninguna")

    def at(x: np.ndarray) -> Linearization:
        steps = []
        for f in maps:
            steps.append(f(x))
            x = steps[-1].value

        def jvp(v: np.ndarray) -> np.ndarray:
            for step in steps:
                v = step.jvp(v)
            return v

        def vjp(g: np.ndarray) -> np.ndarray:
            for step in reversed(steps):
                g = step.vjp(g)
            return g

        return Linearization(x, jvp, vjp)

    return at


def dense(product: Linear, shape: tuple[int, ...]) -> Float[np.ndarray, "..."]:
    """Los productos con cada vector de la base de ``shape``, apilados en los primeros ejes.

    Con una VJP y la forma de la salida son las filas de la jacobiana; con una JVP y la de la entrada, sus columnas.
    """
    basis = np.eye(math.prod(shape)).reshape(-1, *shape)
    rows = np.stack([product(direction) for direction in basis])
    return rows.reshape(*shape, *rows.shape[1:])


def squared_error(
    w: Float[np.ndarray, "d"], x: Float[np.ndarray, "n d"], y: Float[np.ndarray, "n"]
) -> tuple[float, Float[np.ndarray, "d"]]:
    """``‖Xw - y‖²`` y su gradiente, ``2 Xᵀ (Xw - y)``."""
    residual = x @ w - y
    return float(residual @ residual), 2 * x.T @ residual


def quadratic_form(x: Float[np.ndarray, "d"], a: Float[np.ndarray, "d d"]) -> tuple[float, Float[np.ndarray, "d"]]:
    """xᵀ A x y su gradiente, (A + Aᵀ) x."""
    return float(x @ a @ x), (a + a.T) @ x


def trace_product(x: Float[np.ndarray, "d n"], a: Float[np.ndarray, "n d"]) -> tuple[float, Float[np.ndarray, "d n"]]:
    """``tr(A X)`` y su gradiente respecto de X, Aᵀ. No hace falta el producto: es Σ A_ij X_ji."""
    return float((a.T * x).sum()), a.T


def log_det(x: Float[np.ndarray, "d d"]) -> tuple[float, Float[np.ndarray, "d d"]]:
    """``ln |det X|`` y su gradiente, X⁻ᵀ.

    Raises:
        ValueError: si el determinante es cero.
    """
    sign, value = np.linalg.slogdet(x)
    if sign == 0:
        raise ValueError("x debe ser invertible; su determinante es cero")
    return float(value), np.linalg.inv(x).T


def softmax_hvp(
    w: Float[np.ndarray, "k p"], x: Float[np.ndarray, "n p"], v: Float[np.ndarray, "k p"], *, l2: float = 0.0
) -> Float[np.ndarray, "k p"]:
    """H v: la derivada del gradiente de ``softmax_loss`` en ``w`` según la dirección ``v``.

    Raises:
        ValueError: si ``v`` no tiene la forma de ``w``.
    """
    if v.shape != w.shape:
        raise ValueError(f"v debe tener la forma de w, {w.shape}; tiene {v.shape}")
    moved = softmax_rows(x @ w.T).jvp(x @ v.T)  # cómo cambian las probabilidades
    penalized = v.copy()
    penalized[:, 0] = 0  # el sesgo queda fuera, como en la pérdida
    return moved.T @ x / len(x) + l2 * penalized


def conjugate_gradient(
    product: Linear, b: Float[np.ndarray, "*shape"], *, steps: int, tol: float = 1e-10
) -> Float[np.ndarray, "*shape"]:
    """Resuelve H z = b con H simétrica y definida positiva, de la que solo se conoce ``product``: v ↦ H v.

    Se detiene tras ``steps`` productos o cuando el residuo baja de ``tol`` veces la norma de ``b``.
    """
    z, residual = np.zeros_like(b), b.copy()
    direction, square = residual, (residual**2).sum()
    limit = tol**2 * square
    for _ in range(steps):
        if square <= limit:
            break
        image = product(direction)
        length = square / (direction * image).sum()
        z, residual = z + length * direction, residual - length * image
        previous, square = square, (residual**2).sum()
        direction = residual + square / previous * direction
    return z


def newton_step(
    loss: Loss, hvp: Callable[[np.ndarray, np.ndarray], np.ndarray], w: Float[np.ndarray, "*shape"], *, products: int
) -> Float[np.ndarray, "*shape"]:
    """Un paso de Newton, w - H⁻¹ g, con ``products`` productos por la hessiana como mucho."""
    return w + conjugate_gradient(lambda v: hvp(w, v), -loss(w)[1], steps=products, tol=0.1)


def _parse(equation: str, *shapes: tuple[int, ...]) -> tuple[str, str, str, dict[str, int]]:
    """Los índices de los dos tensores y de la salida, y la longitud de cada uno."""
    inputs, arrow, output = equation.replace(" ", "").partition("->")
    terms = inputs.split(",")
    if not arrow:
        output = "".join(sorted(i for i in set(inputs) - {","} if inputs.count(i) == 1))
    if len(terms) != 2 or any(len(set(t)) < len(t) or not f"{t}a".isalpha() for t in [*terms, output]):
        raise ValueError(f"se esperaba una ecuación como `ij,jk->ik`, sin letras repetidas; se recibió «{equation}»")
    size = {i: n for term, shape in zip(terms, shapes, strict=True) for i, n in zip(term, shape, strict=False)}
    if not set(output) <= set(size) or any(
        shape != tuple(size.get(i) for i in t) for t, shape in zip(terms, shapes, strict=True)
    ):
        raise ValueError(f"«{equation}» no corresponde a tensores de formas {shapes[0]} y {shapes[1]}")
    return terms[0], terms[1], output, size
