"""Probabilidad y teoría de la información: las cuentas que el resto del libro da por sabidas.

Fuentes: Box y Muller (1958), las normales a partir de uniformes; Shannon (1948), la entropía y la información mutua;
Kullback y Leibler (1951), la divergencia; Huffman (1952), el código óptimo.

En qué nos apartamos de ``scipy.stats`` y de scikit-learn: una distribución que no suma 1 es un error, y no se
normaliza en silencio; y el clasificador deja cambiar la probabilidad previa al predecir, fila por fila.

Notación: ``p`` y ``q`` son distribuciones discretas, con las probabilidades en el último eje; ``joint``, una tabla con
la probabilidad de cada par de valores; ``base``, la del logaritmo: e mide en nats y 2, en bits.
"""

import heapq
import math
from typing import Literal, get_args

import numpy as np
from jaxtyping import Float, Int
from scipy.linalg import solve_triangular
from scipy.special import xlogy

from profundo.fundamentos.clasificacion_lineal import log_softmax

Covariance = Literal["full", "diagonal", "shared"]


def joint(x: Int[np.ndarray, "n"], y: Int[np.ndarray, "n"]) -> Float[np.ndarray, "k m"]:
    """La distribución conjunta de dos variables discretas: qué fracción de los ejemplos tiene cada par de valores.

    Raises:
        ValueError: si las formas difieren, no hay ejemplos o algún valor es negativo.
    """
    if x.ndim != 1 or x.shape != y.shape or x.size == 0 or min(x.min(), y.min()) < 0:
        raise ValueError(f"x e y deben tener enteros desde 0 y la misma forma (n,); tienen {x.shape} y {y.shape}")
    table = np.zeros((int(x.max()) + 1, int(y.max()) + 1))
    np.add.at(table, (x, y), 1)
    return table / len(x)


def posterior(prior: Float[np.ndarray, "*a k"], likelihood: Float[np.ndarray, "*b k"]) -> Float[np.ndarray, "*c k"]:
    """El teorema de Bayes: previa por verosimilitud, entre su suma.

    ``likelihood`` es la probabilidad, o densidad, de lo observado según cada causa: no tiene por qué sumar 1.

    Raises:
        ValueError: si ``prior`` no es una distribución, ``likelihood`` tiene negativos o lo observado es imposible.
    """
    _check_distribution(prior, "prior")
    if (likelihood < 0).any():
        raise ValueError(f"likelihood no puede tener negativos; el menor es {likelihood.min()}")
    weighted = prior * likelihood
    total = weighted.sum(axis=-1, keepdims=True)
    if not (total > 0).all():
        raise ValueError("lo observado tiene probabilidad 0 con todas las causas: prior y likelihood se contradicen")
    return weighted / total


def gaussian_log_density(
    x: Float[np.ndarray, "n d"], mean: Float[np.ndarray, "d"], cov: Float[np.ndarray, "d d"]
) -> Float[np.ndarray, "n"]:
    """Logaritmo de la densidad normal de varias variables, en cada fila de ``x``.

    Con cov = L Lᵀ, z = L⁻¹ (x - mean) es normal estándar y el determinante de L, el cambio de volumen.

    Raises:
        ValueError: si las formas no corresponden o ``cov`` no es simétrica y definida positiva.
    """
    if x.ndim != 2 or mean.shape != x.shape[1:]:
        raise ValueError(f"se esperaban x de forma (n, d) y mean de forma (d,); tienen {x.shape} y {mean.shape}")
    factor = _cholesky(cov, len(mean))
    z = solve_triangular(factor, (x - mean).T, lower=True)
    log_volume = np.log(np.diag(factor)).sum()
    return -(z**2).sum(axis=0) / 2 - log_volume - len(mean) / 2 * math.log(2 * math.pi)


def sample_categorical(p: Float[np.ndarray, "k"], u: Float[np.ndarray, "n"]) -> Int[np.ndarray, "n"]:
    """Convierte números uniformes de [0, 1) en valores de ``p``: el primero cuya probabilidad acumulada los supera.

    Raises:
        ValueError: si ``p`` no es una distribución o ``u`` se sale de [0, 1).
    """
    _check_distribution(p, "p")
    if not ((u >= 0) & (u < 1)).all():
        raise ValueError(f"u debe estar en [0, 1); va de {u.min()} a {u.max()}")
    cumulative = p.cumsum()
    return np.searchsorted(cumulative / cumulative[-1], u, side="right")


def box_muller(u: Float[np.ndarray, "n 2"]) -> Float[np.ndarray, "n 2"]:
    """Dos normales estándar independientes por cada par de uniformes: un radio y un ángulo al azar.

    Raises:
        ValueError: si ``u`` no tiene forma (n, 2) o se sale de [0, 1).
    """
    if u.ndim != 2 or u.shape[1] != 2 or not ((u >= 0) & (u < 1)).all():
        raise ValueError(f"u debe tener forma (n, 2) y valores en [0, 1); tiene forma {u.shape}")
    radius = np.sqrt(-2 * np.log1p(-u[:, 0]))  # 1 - u no llega a 0, y el logaritmo es finito
    angle = 2 * np.pi * u[:, 1]
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)


def sample_gaussian(
    mean: Float[np.ndarray, "d"], cov: Float[np.ndarray, "d d"], n: int, rng: np.random.Generator
) -> Float[np.ndarray, "n d"]:
    """``n`` muestras de la normal: mean + L z, con z normal estándar y cov = L Lᵀ.

    Raises:
        ValueError: si ``cov`` no es simétrica y definida positiva o no tiene la forma de ``mean``.
    """
    z = box_muller(rng.random((-(-n * len(mean) // 2), 2))).ravel()[: n * len(mean)]
    return mean + z.reshape(n, len(mean)) @ _cholesky(cov, len(mean)).T


def fit_gaussian(x: Float[np.ndarray, "n d"]) -> tuple[Float[np.ndarray, "d"], Float[np.ndarray, "d d"]]:
    """Media y covarianza de máxima verosimilitud: la suma de los cuadrados se divide entre n, no entre n - 1.

    Raises:
        ValueError: si ``x`` no tiene forma (n, d) con alguna fila.
    """
    if x.ndim != 2 or len(x) == 0:
        raise ValueError(f"x debe tener forma (n, d) con n > 0; tiene {x.shape}")
    mean = x.mean(axis=0)
    return mean, (x - mean).T @ (x - mean) / len(x)


class GaussianClassifier:
    """Clasificador de Bayes: una normal por clase y la probabilidad de cada clase dado el ejemplo.

    Args:
        covariance: ``"full"``, una matriz por clase; ``"diagonal"``, sin covarianzas (Bayes ingenuo); ``"shared"``, la
            misma matriz para todas las clases, con fronteras rectas.

    Attributes:
        prior: frecuencia de cada clase ``(k,)``.
        means: medias ``(k, d)``.
        covs: covarianzas ``(k, d, d)``.
    """

    def __init__(self, covariance: Covariance = "full") -> None:
        if covariance not in get_args(Covariance):
            raise ValueError(f"covariance debe ser uno de {get_args(Covariance)}; se recibió {covariance!r}")
        self.covariance = covariance
        self.prior = np.zeros(0)

    def fit(self, x: Float[np.ndarray, "n d"], y: Int[np.ndarray, "n"]) -> "GaussianClassifier":
        """Estima una normal por clase; las clases son enteros desde 0.

        Raises:
            ValueError: si las formas no corresponden, o si falta una clase o tiene muy pocos ejemplos.
        """
        if y.shape != x.shape[:1] or y.size == 0 or y.min() < 0:
            raise ValueError(f"y debe tener una clase, desde 0, por fila de x; las formas son {x.shape} e {y.shape}")
        groups = [fit_gaussian(x[y == k]) for k in range(int(y.max()) + 1)]
        self.prior = np.bincount(y) / len(y)
        self.means, self.covs = (np.array(part) for part in zip(*groups, strict=True))
        if self.covariance == "diagonal":
            self.covs = self.covs * np.eye(x.shape[1])
        elif self.covariance == "shared":
            self.covs = np.broadcast_to(np.tensordot(self.prior, self.covs, 1), self.covs.shape)
        return self

    def predict_proba(
        self, x: Float[np.ndarray, "n d"], prior: Float[np.ndarray, "*n k"] | None = None
    ) -> Float[np.ndarray, "n k"]:
        """P(clase | x), con la previa de ``fit`` u otra: una para todas las filas, ``(k,)``, o por fila, ``(n, k)``.

        Raises:
            ValueError: si falta llamar a ``fit`` o ``prior`` no es una distribución.
        """
        if self.prior.size == 0:
            raise ValueError("el clasificador no tiene clases todavía: llama antes a fit(x, y)")
        pairs = zip(self.means, self.covs, strict=True)
        scores = np.stack([gaussian_log_density(x, mean, cov) for mean, cov in pairs], axis=1)
        prior = self.prior if prior is None else prior
        _check_distribution(prior, "prior")
        with np.errstate(divide="ignore"):  # ln 0 = -inf: una clase que la previa descarta sigue descartada
            return np.exp(log_softmax(scores + np.log(prior)))


def entropy(p: Float[np.ndarray, "*b k"], *, base: int | float = math.e) -> Float[np.ndarray, "*b"]:
    """H(p) = -Σ p ln p: la sorpresa media.

    Raises:
        ValueError: si ``p`` no es una distribución.
    """
    return cross_entropy(p, p, base=base)


def cross_entropy(
    p: Float[np.ndarray, "*b k"], q: Float[np.ndarray, "*c k"], *, base: int | float = math.e
) -> Float[np.ndarray, "*d"]:
    """H(p, q) = -Σ p ln q: la sorpresa media de quien cree ``q`` cuando ocurre ``p``. Puede ser infinita.

    Raises:
        ValueError: si ``p`` o ``q`` no son distribuciones.
    """
    _check_distribution(p, "p")
    _check_distribution(q, "q")
    return np.asarray(xlogy(-p, q).sum(axis=-1) / math.log(base))  # aquí, 0 ln 0 = 0


def kl_divergence(
    p: Float[np.ndarray, "*b k"], q: Float[np.ndarray, "*c k"], *, base: int | float = math.e
) -> Float[np.ndarray, "*d"]:
    """D(p ‖ q) = H(p, q) - H(p): la sorpresa de más por creer ``q``.

    Raises:
        ValueError: si ``p`` o ``q`` no son distribuciones.
    """
    return np.asarray(cross_entropy(p, q, base=base) - entropy(p, base=base))


def mutual_information(table: Float[np.ndarray, "k m"], *, base: int | float = math.e) -> float:
    """I(X; Y) = D(conjunta ‖ producto de marginales): lo que dice de una variable conocer la otra."""
    product = np.outer(table.sum(axis=1), table.sum(axis=0))
    return float(kl_divergence(table.ravel(), product.ravel(), base=base))


def huffman(p: Float[np.ndarray, "k"]) -> list[str]:
    """El código binario prefijo de menor longitud media: une los dos símbolos menos probables, una y otra vez.

    Los símbolos de probabilidad 0 también reciben palabra. Con un solo símbolo, la palabra es «0».

    Raises:
        ValueError: si ``p`` no es una distribución.
    """
    _check_distribution(p, "p")
    words = [""] * len(p)
    heap: list[tuple[float, int, list[int]]] = [(float(weight), k, [k]) for k, weight in enumerate(p)]
    heapq.heapify(heap)
    for order in range(len(p), 2 * len(p) - 1):  # el número de orden deshace los empates
        (light, _, left), (heavy, _, right) = heapq.heappop(heap), heapq.heappop(heap)
        for bit, symbols in (("0", left), ("1", right)):
            for k in symbols:
                words[k] = bit + words[k]
        heapq.heappush(heap, (light + heavy, order, [*left, *right]))
    return words if len(p) > 1 else ["0"]


def joint_information(
    x: Int[np.ndarray, "n d"], y: Int[np.ndarray, "n"], known: Int[np.ndarray, "n"], *, base: int | float = math.e
) -> Float[np.ndarray, "d"]:
    """I(Y; (K, Xⱼ)) de cada columna binaria de ``x``: lo que dicen de ``y`` esa columna y lo que ya se sabe, ``known``.

    Con ``known`` constante es la información mutua de cada columna.

    Raises:
        ValueError: si las formas no corresponden o ``x`` tiene valores que no son 0 ni 1.
    """
    if y.shape != x.shape[:1] or known.shape != y.shape or not ((x == 0) | (x == 1)).all():
        raise ValueError(f"se esperaban ceros y unos (n, d) y dos (n,); llegaron {x.shape}, {y.shape} y {known.shape}")
    gain = _entropy_with(known, x) - _entropy_with(known * (y.max() + 1) + y, x)
    return (entropy(np.bincount(y) / len(y)) + gain) / math.log(base)


def _entropy_with(labels: np.ndarray, x: np.ndarray) -> np.ndarray:
    """H(etiqueta, Xⱼ) de cada columna, en nats."""
    order = np.argsort(labels, kind="stable")
    starts = np.flatnonzero(np.diff(labels[order], prepend=-1))
    ones = np.add.reduceat(x[order], starts, axis=0)
    size = np.diff(np.append(starts, len(x)))[:, None]
    table = np.stack([ones, size - ones]) / len(x)
    return xlogy(-table, table).sum(axis=(0, 1))


def choose(
    x: Int[np.ndarray, "n d"], y: Int[np.ndarray, "n"], k: int, *, base: int | float = math.e
) -> tuple[list[int], list[float]]:
    """Elige ``k`` columnas de una en una, cada vez la que más dice de ``y`` junto con las ya elegidas.

    Devuelve las columnas y la información de las elegidas hasta cada una.
    """
    known = np.zeros(len(x), dtype=int)
    columns: list[int] = []
    informations: list[float] = []
    for _ in range(k):
        information = joint_information(x, y, known, base=base)
        columns.append(int(information.argmax()))
        informations.append(float(information.max()))
        known = np.unique(2 * known + x[:, columns[-1]], return_inverse=True)[1]
    return columns, informations


def _check_distribution(p: np.ndarray, name: str) -> None:
    if p.ndim == 0 or p.shape[-1] == 0 or (p < 0).any():
        raise ValueError(f"{name} debe tener probabilidades no negativas en su último eje; tiene forma {p.shape}")
    total = p.sum(axis=-1)
    if not np.allclose(total, 1, atol=1e-6):
        raise ValueError(f"{name} debe sumar 1; la suma va de {total.min():.6g} a {total.max():.6g}")


def _cholesky(cov: np.ndarray, d: int) -> np.ndarray:
    if cov.shape != (d, d) or not np.allclose(cov, cov.T):
        raise ValueError(f"cov debe ser simétrica y de forma ({d}, {d}); tiene forma {cov.shape}")
    try:
        return np.linalg.cholesky(cov)
    except np.linalg.LinAlgError:
        raise ValueError(
            "cov debe ser definida positiva; si viene de datos, hay pocos o una columna es combinación de otras"
        ) from None
