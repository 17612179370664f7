"""Diferenciación automática en modo inverso: un motor de tensores sobre NumPy.

Cada operación guarda sus entradas y, para cada una, la función que lleva el gradiente hacia atrás: su producto
vector-jacobiana (VJP). Con eso, ``Tensor.backward`` deriva cualquier programa escrito con estas operaciones.

Fuentes: Linnainmaa (1976), el modo inverso; Maclaurin, Duvenaud y Adams (2015), una VJP por entrada; Karpathy (2020),
*micrograd*, lo mismo con números en lugar de arreglos. Los nombres son los de PyTorch. En qué nos apartamos de él:
``data`` y ``grad`` son arreglos de NumPy, el grafo se conserva después de ``backward``, no hay segundas derivadas y
nadie vigila si cambias ``data`` antes de derivar.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import numpy as np
from jaxtyping import Float, Int

VJP = Callable[[np.ndarray], np.ndarray]  # del gradiente de la salida al de una entrada

_recording = ContextVar("recording", default=True)


@contextmanager
def no_grad() -> Iterator[None]:
    """Dentro de ``with no_grad():`` las operaciones no guardan el grafo."""
    token = _recording.set(False)
    try:
        yield
    finally:
        _recording.reset(token)


def record(op: str, value: Any, *edges: tuple["Tensor", VJP]) -> "Tensor":
    """El resultado de una operación, unido a sus entradas si alguna pide gradiente.

    Así se añade cualquier operación: hay que dar su nombre, su valor y la VJP de cada entrada. Una VJP no modifica el
    gradiente que recibe; puede devolverlo tal cual, o una vista, o un arreglo nuevo.
    """
    output = Tensor(value)
    if _recording.get() and any(source.requires_grad for source, _ in edges):
        output.op, output.edges, output.requires_grad = op, edges, True
    return output


def _unary(op: str, function: Callable, vjp: Callable) -> Callable:
    """El método de una operación y = f(x); ``vjp`` recibe (g, x, y)."""

    def method(self: "Tensor") -> "Tensor":
        x = self.data
        y = function(x)
        return record(op, y, (self, lambda g: vjp(g, x, y)))

    return method


def _binary(op: str, function: Callable, vjp_a: Callable, vjp_b: Callable) -> tuple[Callable, Callable]:
    """Los métodos de «a op b» y de su reflejo «b op a»; cada VJP recibe (g, a, b)."""

    def method(self: "Tensor", other: Any) -> "Tensor":
        other = _as_tensor(other, self.dtype)
        a, b = self.data, other.data
        try:
            y = function(a, b)
        except ValueError:
            raise ValueError(f"las formas {a.shape} y {b.shape} no se pueden combinar con «{op}»") from None
        return record(op, y, (self, lambda g: vjp_a(g, a, b)), (other, lambda g: vjp_b(g, a, b)))

    return method, lambda self, other: method(_as_tensor(other, self.dtype), self)


def _reduction(op: str, function: Callable, vjp: Callable) -> Callable:
    """El método de una reducción: lo que da ``vjp``, que recibe (g, x, y), se repite por los ejes reducidos."""

    def method(self: "Tensor", dim: int | tuple[int, ...] | None = None, keepdim: bool = False) -> "Tensor":
        x = self.data
        y = function(x, axis=dim, keepdims=keepdim)
        axes = () if dim is None or keepdim else dim
        return record(op, y, (self, lambda g: np.broadcast_to(np.expand_dims(vjp(g, x, y), axes), x.shape)))

    return method


def _as_tensor(value: Any, dtype: np.dtype) -> "Tensor":
    """Números y enteros toman el ``dtype`` de su pareja: así, 2 * x no convierte float32 en float64."""
    if isinstance(value, Tensor):
        return value
    array = np.asarray(value)
    return Tensor(array.astype(dtype) if array.dtype.kind in "iub" or isinstance(value, float) else array)


def _matmul_vjp_a(g: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    if b.ndim == 1:
        return g[..., None] * b
    return (g[..., None, :] if a.ndim == 1 else g) @ b.swapaxes(-1, -2)


def _matmul_vjp_b(g: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    if b.ndim == 1:
        return g[..., None] * a
    return a[:, None] * g[..., None, :] if a.ndim == 1 else a.swapaxes(-1, -2) @ g


class Tensor:
    """Un arreglo que recuerda de qué operación, ``op``, salió y con qué entradas.

    Args:
        data: números reales (si no, ``TypeError``); los float32 y float64 se usan sin copiar y los demás se convierten.
        requires_grad: si ``backward`` debe dejar aquí un gradiente.

    Attributes:
        grad: gradiente acumulado, de la forma de ``data``, o ``None``.
        edges: una pareja (entrada, VJP) por entrada de la operación; en las hojas no hay ninguna.
    """

    __slots__ = ("_retains_grad", "data", "edges", "grad", "op", "requires_grad")
    __array_ufunc__ = None  # «arreglo + tensor» lo resuelve el tensor y no NumPy

    def __init__(self, data: Any, *, requires_grad: bool = False) -> None:
        array = np.asarray(data)
        if array.dtype.kind not in "fiub":
            raise TypeError(f"data debe contener números reales; se recibió {type(data).__name__} ({array.dtype})")
        self.data: np.ndarray = array if array.dtype.kind == "f" else array.astype(np.float64)
        self.requires_grad = requires_grad
        self.grad: np.ndarray | None = None
        self.edges: tuple[tuple[Tensor, VJP], ...] = ()
        self.op = ""
        self._retains_grad = False

    def backward(self, gradient: Any = None) -> None:
        """Suma en ``grad`` de cada hoja la derivada de este tensor, que debe ser un solo número.

        Si no lo es, hay que dar ``gradient``, de su misma forma, y se deriva la suma de sus productos.

        Raises:
            ValueError: si ninguna entrada pide gradiente, o ``gradient`` falta o no tiene la forma del tensor.
        """
        if not self.requires_grad:
            raise ValueError("backward no tiene qué derivar: ninguna entrada tiene requires_grad=True")
        start = np.ones_like(self.data) if gradient is None else np.array(gradient, self.dtype)
        if start.shape != self.shape or (gradient is None and self.data.size != 1):
            raise ValueError(f"gradient debe tener forma {self.shape}, como el tensor; solo un número puede omitirlo")
        grads = {self: start}
        for node in topological_order(self):
            if not node.requires_grad:
                continue
            upstream = grads.pop(node)  # ya pasaron todos los que usan este nodo: está completo
            if node.is_leaf or node._retains_grad:
                node.grad = upstream if node.grad is None else node.grad + upstream
            for source, vjp in node.edges:
                if source.requires_grad:
                    g = unbroadcast(np.asarray(vjp(upstream), source.dtype), source.shape)
                    if source in grads:
                        grads[source] += g
                    else:  # en su sitio solo se puede sumar sobre un arreglo que nadie más usa
                        grads[source] = g.copy() if g is upstream or g.base is not None else g

    def retain_grad(self) -> None:
        """Pide que este nodo guarde su gradiente aunque no sea una hoja."""
        self._retains_grad = True

    def item(self) -> float:
        """El número de un tensor que tiene uno solo."""
        return float(self.data.item())

    def __repr__(self) -> str:
        return f"Tensor({np.array2string(self.data, precision=4, separator=', ', prefix='Tensor(')})"

    is_leaf = property(lambda self: not self.edges)
    shape = property(lambda self: self.data.shape)
    ndim = property(lambda self: self.data.ndim)
    dtype = property(lambda self: self.data.dtype)

    # La tabla de derivadas: nombre, valor y VJP de cada entrada.
    __add__, __radd__ = _binary("+", np.add, lambda g, a, b: g, lambda g, a, b: g)
    __sub__, __rsub__ = _binary("−", np.subtract, lambda g, a, b: g, lambda g, a, b: -g)
    __mul__, __rmul__ = _binary("×", np.multiply, lambda g, a, b: g * b, lambda g, a, b: g * a)
    __truediv__, __rtruediv__ = _binary("÷", np.divide, lambda g, a, b: g / b, lambda g, a, b: -g * a / (b * b))
    __matmul__, __rmatmul__ = _binary("@", np.matmul, _matmul_vjp_a, _matmul_vjp_b)
    __neg__ = _unary("−", np.negative, lambda g, x, y: -g)
    exp = _unary("exp", np.exp, lambda g, x, y: g * y)
    log = _unary("ln", np.log, lambda g, x, y: g / x)
    tanh = _unary("tanh", np.tanh, lambda g, x, y: g * (1 - y * y))
    relu = _unary("ReLU", lambda x: np.maximum(x, 0), lambda g, x, y: g * (y > 0))
    sum = _reduction("suma", np.sum, lambda g, x, y: g)
    mean = _reduction("media", np.mean, lambda g, x, y: g * (y.size / x.size))
    T = property(_unary("T", np.transpose, lambda g, x, y: g.T))

    def __pow__(self, n: float) -> "Tensor":
        return _unary(f"^{n:g}", lambda x: x**n, lambda g, x, y: g * n * x ** (n - 1) if n else 0 * g)(self)

    def reshape(self, *shape: int) -> "Tensor":
        return record("forma", self.data.reshape(shape), (self, lambda g: g.reshape(self.shape)))

    def __getitem__(self, index: Any) -> "Tensor":
        def vjp(g: np.ndarray) -> np.ndarray:
            full = np.zeros(self.shape, g.dtype)
            np.add.at(full, index, g)  # un elemento puede salir varias veces
            return full

        return record("[ ]", self.data[index], (self, vjp))


def topological_order(root: Tensor) -> list[Tensor]:
    """Los nodos de los que depende ``root``, cada uno después de todos los que lo usan (Kahn, 1962)."""
    uses, pending = {root: 0}, [root]
    while pending:
        for source, _ in pending.pop().edges:
            if source not in uses:
                uses[source] = 0
                pending.append(source)
            uses[source] += 1
    order, ready = [], [root]
    while ready:
        order.append(ready.pop())
        for source, _ in order[-1].edges:
            uses[source] -= 1
            if uses[source] == 0:  # ya salieron todos los que lo usan
                ready.append(source)
    return order


def unbroadcast(g: Float[np.ndarray, "..."], shape: tuple[int, ...]) -> Float[np.ndarray, "..."]:
    """Suma ``g`` sobre los ejes que NumPy estiró, hasta la forma ``shape`` que había antes de estirar."""
    if g.shape == shape:
        return g
    new = g.ndim - len(shape)
    stretched = tuple(i for i in range(g.ndim) if i < new or shape[i - new] == 1)
    return g.sum(axis=stretched, keepdims=True).reshape(shape)


def cross_entropy(logits: Float[Tensor, "n k"], target: Int[np.ndarray, "n"]) -> Float[Tensor, ""]:
    """Entropía cruzada media, en nats, del softmax de ``logits``: una sola operación, que no desborda.

    Raises:
        ValueError: si las formas no corresponden o ``target`` no son clases enteras entre 0 y k - 1.
    """
    if logits.ndim != 2 or 0 in logits.shape or target.shape != logits.shape[:1]:
        raise ValueError(f"se esperaban logits (n, k) y target (n,); tienen formas {logits.shape} y {target.shape}")
    n, k = logits.shape
    if target.dtype.kind not in "iu" or target.min() < 0 or target.max() >= k:
        raise ValueError(f"target debe contener clases enteras entre 0 y {k - 1}; contiene {np.unique(target)[:5]}")
    shifted = logits.data - logits.data.max(axis=1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    chosen = np.arange(n), target
    slope = np.exp(log_p)
    slope[chosen] -= 1
    return record("entropía", -log_p[chosen].mean(), (logits, lambda g: slope * (g / n)))


def forward_mode(root: Tensor, leaf: Tensor) -> dict[Tensor, float]:
    """Modo directo: la derivada de cada nodo del que depende ``root`` respecto de ``leaf``, en un grafo de números.

    Raises:
        ValueError: si algún nodo tiene más de un número o ``leaf`` no está en el grafo.
    """
    order = topological_order(root)
    if leaf not in order or any(node.ndim for node in order):
        raise ValueError("se esperaba un grafo de tensores sin ejes que contuviera a leaf")
    tangents: dict[Tensor, float] = {}
    for node in reversed(order):  # de las hojas a la raíz
        arriving = (float(vjp(np.ones(()))) * tangents[source] for source, vjp in node.edges)
        tangents[node] = float(node is leaf) + sum(arriving)
    return tangents


def numerical_gradient(f: Callable[[np.ndarray], float], x: np.ndarray, eps: float = 1e-6) -> np.ndarray:
    """Diferencias centradas: dos evaluaciones de ``f`` por cada número de ``x``."""
    gradient = np.empty_like(x)
    for i in np.ndindex(x.shape):
        step = np.zeros_like(x)
        step[i] = eps
        gradient[i] = (f(x + step) - f(x - step)) / (2 * eps)
    return gradient


def gradcheck(f: Callable[..., Tensor], inputs: Sequence[Tensor], *, eps: float = 1e-6, tol: float = 1e-5) -> bool:
    """Compara ``backward`` con diferencias centradas en cada entrada, con un gradiente al azar desde arriba.

    Raises:
        ValueError: si alguna derivada difiere más de ``tol``, relativo a la mayor.
    """
    data = [x.data.astype(np.float64) for x in inputs]  # con float32 las diferencias pierden casi todas las cifras
    leaves = [Tensor(x, requires_grad=True) for x in data]
    output = f(*leaves)
    upstream = np.random.default_rng(0).normal(size=output.shape)
    output.backward(upstream)
    for k, leaf in enumerate(leaves):

        def projected(x: np.ndarray, k: int = k) -> float:
            return float((f(*map(Tensor, [*data[:k], x, *data[k + 1 :]])).data * upstream).sum())

        numeric = numerical_gradient(projected, data[k], eps)
        error = np.abs(numeric - (0 if leaf.grad is None else leaf.grad)).max()
        if not error <= tol * max(1, np.abs(numeric).max()):
            raise ValueError(f"la derivada respecto de la entrada {k} no coincide: difiere en {error:.2g}")
    return True
