"""Álgebra lineal desde cero: normas, ángulos, Gram–Schmidt, proyecciones, autovalores, SVD, pseudoinversa y PCA.

Fuentes: Jacobi (1846), los autovalores a base de giros; Hestenes (1958), los mismos giros para los valores singulares;
Eckart y Young (1936), la mejor aproximación de rango dado; Penrose (1955), la pseudoinversa; Pearson (1901) y Hotelling
(1933), las componentes principales.

En qué nos apartamos de NumPy: ``svd`` devuelve solo los valores singulares que no son redondeo, así que su longitud es
el rango; ``np.linalg.svd`` los devuelve todos. Los giros son más lentos que los métodos de LAPACK y caben en la página.

Notación: los vectores son arreglos ``(n,)``; una matriz ``a`` de forma ``(m, n)`` lleva vectores de n números a
vectores de m.
"""

from collections.abc import Iterator
from importlib import resources
from typing import NamedTuple, TypeVar

import numpy as np
from jaxtyping import Float
from PIL import Image

from profundo.fundamentos.regresion_lineal import householder_qr

EPS = float(np.finfo(np.float64).eps)
Numbers = TypeVar("Numbers", float, np.ndarray)


def load_cat() -> Float[np.ndarray, "150 225"]:
    """La gata Chelsea en gris, con 150 × 225 píxeles de 0 (negro) a 1 (blanco).

    Fuente: Stéfan van der Walt (CC0). La trae ``skimage``, en color y al doble de tamaño: cada píxel es la media de
    2 × 2 y de los tres colores.
    """
    with (resources.files("skimage.data") / "chelsea.png").open("rb") as stream, Image.open(stream) as image:
        pixels = np.asarray(image.convert("RGB"), dtype=np.float64)[:300, :450] / 255
    return pixels.reshape(150, 2, 225, 2, 3).mean(axis=(1, 3, 4))


# --- Vectores -------------------------------------------------------------------------------------------------------


def norm(x: Float[np.ndarray, "n"], p: int | float = 2) -> float:
    """La norma Lₚ: (Σ |xᵢ|ᵖ)^(1/p); con ``p = np.inf``, el mayor |xᵢ|.

    Raises:
        ValueError: si ``p`` es menor que 1, donde deja de ser una norma, o ``x`` no es un vector.
    """
    _check("x", x, 1)
    if not p >= 1:
        raise ValueError(f"p debe ser 1 o mayor; se recibió {p}")
    largest = np.abs(x).max()
    if p == np.inf or largest == 0:
        return float(largest)
    return float(largest * np.sum((np.abs(x) / largest) ** p) ** (1 / p))  # sin dividir, x² podría desbordarse


def cosine(x: Float[np.ndarray, "n"], y: Float[np.ndarray, "n"]) -> float:
    """El coseno del ángulo entre dos vectores no nulos.

    Raises:
        ValueError: si las formas difieren o alguno es nulo.
    """
    if x.shape != y.shape or not (x.any() and y.any()):
        raise ValueError(f"x e y deben ser no nulos y de la misma forma; tienen {x.shape} y {y.shape}")
    return float(np.clip((x / norm(x)) @ (y / norm(y)), -1, 1))  # el redondeo puede pasarse de 1


# --- Ortogonalizar y proyectar --------------------------------------------------------------------------------------


def gram_schmidt(
    a: Float[np.ndarray, "m n"], *, modified: bool = True
) -> tuple[Float[np.ndarray, "m n"], Float[np.ndarray, "n n"]]:
    """A = Q R: a cada columna se le quita su sombra sobre las anteriores y se le da norma 1.

    Args:
        modified: resta cada sombra antes de medir la siguiente. Sin redondeo da lo mismo; con él, acumula menos error.

    Raises:
        ValueError: si una columna es, salvo redondeo, combinación de las anteriores.
    """
    _check("a", a, 2)
    n = a.shape[1]
    q, r = np.zeros_like(a), np.zeros((n, n))
    for k in range(n):
        v = a[:, k].copy()
        for j in range(k):
            r[j, k] = q[:, j] @ (v if modified else a[:, k])
            v -= r[j, k] * q[:, j]
        r[k, k] = np.linalg.norm(v)
        if r[k, k] <= 10 * EPS * np.linalg.norm(a[:, k]):
            raise ValueError(f"a debe tener columnas independientes; la {k} sale de las anteriores")
        q[:, k] = v / r[k, k]
    return q, r


def project(y: Float[np.ndarray, "m"], a: Float[np.ndarray, "m n"]) -> Float[np.ndarray, "m"]:
    """El punto del espacio de las columnas de ``a`` más cercano a ``y``: Q Qᵀ y.

    Raises:
        ValueError: si las formas no corresponden o las columnas son dependientes.
    """
    _check("a", a, 2)
    if y.shape != (len(a),):
        raise ValueError(f"y debe tener forma ({len(a)},), como las columnas de a; tiene {y.shape}")
    q, _ = gram_schmidt(a)
    return q @ (q.T @ y)


# --- Autovalores ----------------------------------------------------------------------------------------------------


def power_iteration(
    a: Float[np.ndarray, "n n"], start: Float[np.ndarray, "n"], steps: int
) -> Float[np.ndarray, "{steps}+1 n"]:
    """Multiplica por ``a`` y da norma 1, una y otra vez; devuelve el vector de cada paso, el inicial incluido.

    Raises:
        ValueError: si ``a`` no es cuadrada, ``start`` es nulo o de otra forma, o un producto se anula.
    """
    _check("a", a, 2)
    if a.shape != (start.size, start.size) or start.ndim != 1 or not start.any():
        raise ValueError(f"a debe ser (n, n) y start, no nulo y de forma (n,); tienen {a.shape} y {start.shape}")
    history = [start / np.linalg.norm(start)]
    for _ in range(steps):
        v = a @ history[-1]
        if not v.any():
            raise ValueError("a anula el vector: start está en su espacio nulo")
        history.append(v / np.linalg.norm(v))
    return np.array(history)


def rayleigh(a: Float[np.ndarray, "n n"], v: Float[np.ndarray, "n"]) -> float:
    """El cociente de Rayleigh, vᵀ A v / vᵀ v: si ``v`` es un autovector, su autovalor."""
    return float(v @ a @ v / (v @ v))


def _rotation(x: Numbers, y: Numbers, z: Numbers) -> tuple[Numbers, Numbers]:
    """Coseno y seno del giro, de 45° como mucho, que hace diagonal la matriz ((x, y), (y, z)), con ``y`` no nulo."""
    ratio = (z - x) / (2 * y)
    tangent = np.copysign(1.0, ratio) / (np.abs(ratio) + np.hypot(1.0, ratio))
    cosines = 1 / np.hypot(1.0, tangent)
    return cosines, cosines * tangent


class Eigen(NamedTuple):
    """Los autovalores, los autovectores (columnas) y cómo quedó la matriz tras cada vuelta."""

    values: Float[np.ndarray, "n"]
    vectors: Float[np.ndarray, "n n"]
    sweeps: list[np.ndarray]


def jacobi_eigh(a: Float[np.ndarray, "n n"]) -> Eigen:
    """Autovalores, de menor a mayor, y autovectores de una matriz simétrica, a base de giros (Jacobi, 1846).

    Cada giro, en el plano de dos ejes i y j, pone un cero en a[i, j]; una vuelta recorre todas las parejas.

    Raises:
        ValueError: si ``a`` no es simétrica.
    """
    _check("a", a, 2)
    if a.shape[0] != a.shape[1] or not np.allclose(a, a.T, rtol=0, atol=1e-12 * np.abs(a).max()):
        raise ValueError(f"a debe ser cuadrada y simétrica; tiene forma {a.shape} y no coincide con su traspuesta")
    d, v, sweeps = (a + a.T) / 2, np.eye(len(a)), [a.copy()]
    tiny = EPS * np.linalg.norm(a) / len(a)
    while (np.abs(d - np.diag(np.diag(d))) > tiny).any():
        for i, j in zip(*np.triu_indices(len(d), 1), strict=True):
            if abs(d[i, j]) > tiny:
                c, s = _rotation(d[i, i], d[i, j], d[j, j])
                turn = np.array([[c, s], [-s, c]])
                d[:, [i, j]] = d[:, [i, j]] @ turn
                d[[i, j]] = turn.T @ d[[i, j]]
                d[i, j] = d[j, i] = 0  # lo que queda ahí es redondeo
                v[:, [i, j]] = v[:, [i, j]] @ turn
        sweeps.append(d.copy())
    order = np.argsort(np.diag(d), kind="stable")
    return Eigen(np.diag(d)[order], v[:, order], sweeps)


# --- Valores singulares ---------------------------------------------------------------------------------------------


class SVD(NamedTuple):
    """A = U diag(s) Vᵀ, con r = rango de A: columnas ortonormales en ``u`` y ``vt.T``, y ``s`` de mayor a menor."""

    u: Float[np.ndarray, "m r"]
    s: Float[np.ndarray, "r"]
    vt: Float[np.ndarray, "r n"]


def svd(a: Float[np.ndarray, "m n"]) -> SVD:
    """La descomposición en valores singulares: gira columnas hasta que son perpendiculares (Hestenes, 1958).

    Si las columnas de A V son perpendiculares, sus normas son los valores singulares y sus direcciones, U. Empieza por
    una QR, para girar vectores cortos. Lo que no pasa de ``max(m, n) · eps · ‖a‖`` se toma por cero.

    Raises:
        ValueError: si ``a`` no es una matriz de números finitos.
    """
    _check("a", a, 2)
    if a.shape[0] < a.shape[1]:
        u, s, vt = svd(a.T)
        return SVD(vt.T, s, u.T)
    q, r = householder_qr(a)
    w, vt = r.T.copy(), np.eye(a.shape[1])  # las filas de w son las columnas que giran
    tiny = max(a.shape) * EPS * np.linalg.norm(a)
    turned = True
    while turned:
        turned = False
        for i, j in _tournament(len(w)):
            x, y, z = ((w[k] * w[m]).sum(axis=1) for k, m in ((i, i), (i, j), (j, j)))
            pick = (np.abs(y) > (10 + len(w)) * EPS * np.sqrt(x * z)) & (np.minimum(x, z) > tiny**2)
            if pick.any():
                i, j, turned = i[pick], j[pick], True
                c, s = (part[:, None] for part in _rotation(x[pick], y[pick], z[pick]))
                for rows in (w, vt):
                    rows[i], rows[j] = c * rows[i] - s * rows[j], s * rows[i] + c * rows[j]
    lengths = np.linalg.norm(w, axis=1)
    order = np.argsort(-lengths, kind="stable")
    order = order[lengths[order] > tiny]
    return SVD(q @ (w[order] / lengths[order, None]).T, lengths[order], vt[order])


def _tournament(n: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Todas las parejas de 0 a n - 1, en rondas: dentro de una, nadie repite, y se gira todo a la vez."""
    players = list(range(n + n % 2))
    for _ in players[1:]:
        pairs = np.array([players[: len(players) // 2], players[: len(players) // 2 - 1 : -1]])
        yield tuple(pairs[:, pairs.max(axis=0) < n])  # con n impar, una descansa
        players.insert(1, players.pop())


def low_rank(factors: SVD, k: int) -> Float[np.ndarray, "m n"]:
    """La mejor aproximación de rango ``k``: los ``k`` primeros sumandos σᵢ uᵢ vᵢᵀ (Eckart y Young, 1936).

    Raises:
        ValueError: si ``k`` es negativo.
    """
    if k < 0:
        raise ValueError(f"k debe ser 0 o mayor; se recibió {k}")
    u, s, vt = factors
    return (u[:, :k] * s[:k]) @ vt[:k]


def pseudo_inverse(factors: SVD, *, rtol: float = 0.0) -> Float[np.ndarray, "n m"]:
    """La pseudoinversa V diag(1/s) Uᵀ (Penrose, 1955).

    Args:
        rtol: los valores singulares menores que ``rtol`` veces el primero se toman por cero.

    Raises:
        ValueError: si ``rtol`` no está entre 0 y 1.
    """
    if not 0 <= rtol < 1:
        raise ValueError(f"rtol debe estar entre 0 y 1; se recibió {rtol}")
    u, s, vt = factors
    keep = s >= rtol * s.max(initial=0)
    return (vt[keep].T / s[keep]) @ u[:, keep].T


# --- Componentes principales ----------------------------------------------------------------------------------------


class PCA:
    """Componentes principales: los ejes en que los datos, centrados, varían más. Se usa como la de scikit-learn.

    Args:
        n_components: cuántas se conservan.
    """

    def __init__(self, n_components: int) -> None:
        if n_components < 1:
            raise ValueError(f"n_components debe ser 1 o mayor; se recibió {n_components}")
        self.n_components = n_components

    def fit(self, x: Float[np.ndarray, "n d"]) -> "PCA":
        """Aprende la media, las componentes (filas) y qué parte de la varianza recoge cada una."""
        _check("x", x, 2)
        self.mean = x.mean(axis=0)
        _, s, vt = svd(x - self.mean)
        if len(s) < self.n_components:
            raise ValueError(f"n_components debe ser como mucho {len(s)}, el rango de x; es {self.n_components}")
        self.components = vt[: self.n_components]
        self.explained_variance_ratio = (s**2 / np.sum(s**2))[: self.n_components]
        return self

    def transform(self, x: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n k"]:
        """Las coordenadas de cada fila en los ejes nuevos."""
        return (x - self.mean) @ self.components.T

    def inverse_transform(self, z: Float[np.ndarray, "n k"]) -> Float[np.ndarray, "n d"]:
        """De las coordenadas nuevas a las de siempre: la proyección de los datos sobre las componentes."""
        return self.mean + z @ self.components


def _check(name: str, x: np.ndarray, ndim: int) -> None:
    if x.ndim != ndim or x.size == 0 or not np.isfinite(x).all():
        kind = "un vector (n,) no vacío" if ndim == 1 else "una matriz (m, n) no vacía"
        raise ValueError(f"{name} debe ser {kind} de números finitos; tiene forma {x.shape}")
