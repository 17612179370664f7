"""Clasificación lineal con probabilidades: regresión logística para dos clases y softmax para las que haya.

Fuentes: Cox (1958), la regresión logística; Liu y Nocedal (1989), el método L-BFGS con el que se ajusta; Naeini, Cooper
y Hauskrecht (2015), el error de calibración; Bröcker y Smith (2007), cuánto vale cuando solo lo causa el azar.

En qué nos apartamos de scikit-learn: la pérdida es una media y no una suma, así que su ``C`` es aquí ``1 / (n · l2)``.

Notación: ``x`` reúne n ejemplos en sus filas e ``y`` sus clases, enteros desde 0. Las pérdidas toman los ejemplos con
la coordenada constante delante (``augment``, del perceptrón): la primera columna de los pesos es el sesgo, y la
penalización ``l2`` no la toca.
"""

from collections.abc import Callable
from functools import partial

import numpy as np
from jaxtyping import Float, Int
from scipy.optimize import minimize

from profundo.fundamentos.perceptron import augment

Loss = Callable[[np.ndarray], tuple[float, np.ndarray]]  # pesos → (valor, gradiente)


def sigmoid(s: Float[np.ndarray, "*shape"]) -> Float[np.ndarray, "*shape"]:
    """σ(s) = 1 / (1 + e⁻ˢ), sin desbordar con puntajes grandes de cualquier signo."""
    return np.exp(-np.logaddexp(0, -s))


def log_softmax(s: Float[np.ndarray, "n k"]) -> Float[np.ndarray, "n k"]:
    """El logaritmo de ``softmax``, sin pasar por probabilidades que se redondean a cero."""
    s = s - s.max(axis=1, keepdims=True)  # restar una constante no cambia el resultado y evita desbordar
    return s - np.log(np.exp(s).sum(axis=1, keepdims=True))


def softmax(s: Float[np.ndarray, "n k"]) -> Float[np.ndarray, "n k"]:
    """Convierte cada fila de puntajes en probabilidades: exponenciales divididas entre su suma."""
    return np.exp(log_softmax(s))


def logistic_loss(
    w: Float[np.ndarray, "p"], x: Float[np.ndarray, "n p"], y: Int[np.ndarray, "n"], *, l2: float = 0.0
) -> tuple[float, Float[np.ndarray, "p"]]:
    """Entropía cruzada media, en nats, de una regresión logística, y su gradiente.

    Raises:
        ValueError: si las formas no corresponden, ``y`` tiene valores que no son 0 ni 1 o ``l2`` es negativo.
    """
    _check_loss(w, x, y, l2, shape=(x.shape[-1],), classes=2)
    s = x @ w
    surprise = np.logaddexp(0, np.where(y == 1, -s, s))  # -ln σ(s) si y = 1; -ln(1 - σ(s)) = ln(1 + eˢ) si y = 0
    penalized = w.copy()
    penalized[0] = 0  # el sesgo queda fuera
    value = surprise.sum() / len(x) + l2 / 2 * penalized @ penalized
    return float(value), (sigmoid(s) - y) @ x / len(x) + l2 * penalized


def squared_loss(
    w: Float[np.ndarray, "p"], x: Float[np.ndarray, "n p"], y: Int[np.ndarray, "n"]
) -> tuple[float, Float[np.ndarray, "p"]]:
    """La media de (σ(s) - y)² y su gradiente: la alternativa que se descarta.

    Raises:
        ValueError: si las formas no corresponden o ``y`` tiene valores que no son 0 ni 1.
    """
    _check_loss(w, x, y, 0.0, shape=(x.shape[-1],), classes=2)
    p = sigmoid(x @ w)
    return float(np.mean((p - y) ** 2)), (2 * (p - y) * p * (1 - p)) @ x / len(x)


def softmax_loss(
    w: Float[np.ndarray, "k p"], x: Float[np.ndarray, "n p"], y: Int[np.ndarray, "n"], *, l2: float = 0.0
) -> tuple[float, Float[np.ndarray, "k p"]]:
    """Entropía cruzada media, en nats, de una regresión softmax con una fila de pesos por clase, y su gradiente.

    Raises:
        ValueError: si las formas no corresponden, ``y`` no va de 0 a k - 1 o ``l2`` es negativo.
    """
    _check_loss(w, x, y, l2, shape=(len(w), x.shape[-1]), classes=len(w))
    log_p = log_softmax(x @ w.T)
    one_hot = np.eye(len(w))[y]
    penalized = w.copy()
    penalized[:, 0] = 0
    value = -(one_hot * log_p).sum() / len(x) + l2 / 2 * (penalized**2).sum()
    return float(value), (np.exp(log_p) - one_hot).T @ x / len(x) + l2 * penalized


def safe_rate(x: Float[np.ndarray, "n p"], *, l2: float = 0.0) -> float:
    """La inversa de la mayor curvatura que puede tener ``logistic_loss``: con esa tasa, ningún paso la aumenta.

    Raises:
        ValueError: si ``l2`` es negativo o ``x`` es nula.
    """
    if l2 < 0 or not x.any():
        raise ValueError(f"se esperaban l2 >= 0 y x no nula; llegaron {l2} y x de forma {x.shape}")
    return float(1 / (np.linalg.norm(x, 2) ** 2 / len(x) / 4 + l2))


def gradient_descent(
    loss: Loss, w: Float[np.ndarray, "*shape"], *, rate: float, steps: int
) -> Float[np.ndarray, "t *shape"]:
    """Da ``steps`` pasos de tamaño ``rate`` contra el gradiente y devuelve todos los pesos por los que pasa.

    Raises:
        ValueError: si ``rate`` no es positiva o ``steps`` es negativo.
    """
    if rate <= 0 or steps < 0:
        raise ValueError(f"se esperaban rate > 0 y steps >= 0; se recibió rate={rate}, steps={steps}")
    history = np.empty((steps + 1, *w.shape))
    history[0] = w
    for t in range(steps):
        history[t + 1] = history[t] - rate * loss(history[t])[1]
    return history


class _Classifier:
    """Lo que comparten los dos modelos: las opciones del ajuste y el ajuste, con L-BFGS."""

    def __init__(self, *, l2: float = 0.0, max_iter: int = 1000, tol: float = 1e-4) -> None:
        self.l2, self.max_iter, self.tol = l2, max_iter, tol
        self.converged = False

    def _minimize(self, loss: Loss, shape: tuple[int, ...]) -> np.ndarray:
        def flat_loss(flat: np.ndarray) -> tuple[float, np.ndarray]:
            value, gradient = loss(flat.reshape(shape))
            return value, gradient.ravel()

        options = {"maxiter": self.max_iter, "gtol": self.tol, "ftol": self.tol**2}
        result = minimize(flat_loss, np.zeros(shape).ravel(), jac=True, method="L-BFGS-B", options=options)
        self.converged = bool(result.success)
        return result.x.reshape(shape)


class LogisticRegression(_Classifier):
    """Regresión logística: la probabilidad de la clase 1 es σ(w·x + b).

    Args:
        l2: penaliza con ``l2 / 2 · ‖w‖²``. Con 0 y clases separables no hay mínimo: los pesos solo dejan de crecer
            cuando el gradiente es tan pequeño que el método se detiene.
        max_iter: iteraciones de L-BFGS, como mucho.
        tol: se detiene cuando ninguna coordenada del gradiente la supera.

    Attributes:
        w: pesos ``(d,)``.
        b: sesgo.
        converged: si se detuvo antes de agotar ``max_iter``.
    """

    w = np.zeros(0)
    b = 0.0

    def fit(self, x: Float[np.ndarray, "n d"], y: Int[np.ndarray, "n"]) -> "LogisticRegression":
        """Minimiza ``logistic_loss`` con las clases ``y`` en {0, 1}.

        Raises:
            ValueError: si las formas no corresponden o ``y`` tiene otros valores.
        """
        x = augment(x)
        weights = self._minimize(partial(logistic_loss, x=x, y=y, l2=self.l2), (x.shape[1],))
        self.w, self.b = weights[1:], float(weights[0])
        return self

    def decision_function(self, x: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n"]:
        """El puntaje w·x + b: el logaritmo de la razón entre las dos probabilidades.

        Raises:
            ValueError: si aún no se llamó a ``fit`` o ``x`` tiene otro número de columnas.
        """
        _check_columns(x, self.w)
        return x @ self.w + self.b

    def predict_proba(self, x: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n"]:
        """La probabilidad de la clase 1."""
        return sigmoid(self.decision_function(x))

    def predict(self, x: Float[np.ndarray, "n d"]) -> Int[np.ndarray, "n"]:
        """La clase más probable."""
        return (self.decision_function(x) > 0).astype(int)


class SoftmaxRegression(_Classifier):
    """Regresión softmax: una fila de pesos por clase, y probabilidades en lugar de votos.

    Args:
        l2: penaliza con ``l2 / 2 · ‖weight‖²``; los sesgos no.
        max_iter, tol: como en ``LogisticRegression``.

    Attributes:
        weight: pesos ``(k, d)``, como en ``torch.nn.Linear``.
        bias: sesgos ``(k,)``.
        converged: si se detuvo antes de agotar ``max_iter``.
    """

    weight = np.zeros((0, 0))
    bias = np.zeros(0)

    def fit(self, x: Float[np.ndarray, "n d"], y: Int[np.ndarray, "n"]) -> "SoftmaxRegression":
        """Minimiza ``softmax_loss``; hay tantas clases como el mayor valor de ``y`` más uno.

        Raises:
            ValueError: si las formas no corresponden, ``y`` tiene negativos o solo hay una clase.
        """
        x = augment(x)
        if y.size == 0 or y.min() < 0 or y.max() < 1:
            raise ValueError(f"y debe contener enteros desde 0 y al menos dos clases; contiene {np.unique(y)[:5]}")
        weights = self._minimize(partial(softmax_loss, x=x, y=y, l2=self.l2), (int(y.max()) + 1, x.shape[1]))
        self.weight, self.bias = weights[:, 1:], weights[:, 0]
        return self

    def decision_function(self, x: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n k"]:
        """Los puntajes de cada clase.

        Raises:
            ValueError: si aún no se llamó a ``fit`` o ``x`` tiene otro número de columnas.
        """
        _check_columns(x, self.weight)
        return x @ self.weight.T + self.bias

    def predict_proba(self, x: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n k"]:
        """Las probabilidades de cada clase."""
        return softmax(self.decision_function(x))

    def predict(self, x: Float[np.ndarray, "n d"]) -> Int[np.ndarray, "n"]:
        """La clase de mayor puntaje, que es la de mayor probabilidad."""
        return self.decision_function(x).argmax(axis=1)


def reliability(
    p: Float[np.ndarray, "n"], hit: Float[np.ndarray, "n"], *, bins: int = 10
) -> tuple[Int[np.ndarray, "bins"], Float[np.ndarray, "bins"], Float[np.ndarray, "bins"]]:
    """Agrupa las predicciones en ``bins`` tramos iguales de probabilidad y compara lo prometido con lo cumplido.

    Args:
        p: probabilidad que se dio a un suceso, entre 0 y 1.
        hit: 1 si el suceso ocurrió y 0 si no.
        bins: tramos; cada uno incluye su extremo derecho.

    Returns:
        Cuántas predicciones hay en cada tramo, la media de ``p`` y la de ``hit``; nan donde no hay ninguna.

    Raises:
        ValueError: si las formas no corresponden, ``p`` se sale de [0, 1] o ``bins`` no es positivo.
    """
    if p.ndim != 1 or p.shape != hit.shape or p.size == 0:
        raise ValueError(f"p y hit deben tener la misma forma (n,) con n > 0; tienen {p.shape} y {hit.shape}")
    if not ((p >= 0) & (p <= 1)).all():
        raise ValueError(f"p debe estar entre 0 y 1; va de {p.min():.3g} a {p.max():.3g}")
    if bins < 1:
        raise ValueError(f"bins debe ser al menos 1; se recibió {bins}")
    index = np.clip(np.ceil(p * bins).astype(int) - 1, 0, bins - 1)
    count = np.bincount(index, minlength=bins)
    with np.errstate(invalid="ignore"):  # 0/0 en los tramos vacíos
        promised = np.bincount(index, weights=p, minlength=bins) / count
        kept = np.bincount(index, weights=hit, minlength=bins) / count
    return count, promised, kept


def calibration_error(p: Float[np.ndarray, "n"], hit: Float[np.ndarray, "n"], *, bins: int = 10) -> float:
    """El error de calibración esperado: distancia media, por tramos, entre lo prometido y lo cumplido."""
    count, promised, kept = reliability(p, hit, bins=bins)
    return float(np.nansum(count * np.abs(promised - kept)) / len(p))


def chance_calibration_error(
    p: Float[np.ndarray, "n"], *, bins: int = 10, repeats: int = 200, seed: int = 0
) -> Float[np.ndarray, "repeats"]:
    """El error de calibración que tendría ``p`` si fuera perfecta: sortea los aciertos con esas probabilidades."""
    rng = np.random.default_rng(seed)
    return np.array([calibration_error(p, (rng.random(len(p)) < p) * 1.0, bins=bins) for _ in range(repeats)])


def _check_loss(
    w: np.ndarray, x: np.ndarray, y: np.ndarray, l2: float, *, shape: tuple[int, ...], classes: int
) -> None:
    if x.ndim != 2 or 0 in x.shape:
        raise ValueError(f"x debe tener forma (n, p) con n y p mayores que 0; tiene {x.shape}")
    if w.shape != shape:
        raise ValueError(f"w debe tener forma {shape}, una columna por columna de x; tiene {w.shape}")
    if y.shape != (len(x),):
        raise ValueError(f"y debe tener forma ({len(x)},), una clase por fila de x; tiene {y.shape}")
    if y.min() < 0 or y.max() >= classes:
        raise ValueError(f"y debe ir de 0 a {classes - 1}; contiene {np.unique(y)[:5].tolist()}")
    if l2 < 0:
        raise ValueError(f"l2 no puede ser negativo; se recibió {l2}")


def _check_columns(x: np.ndarray, w: np.ndarray) -> None:
    if w.size == 0:
        raise ValueError("el modelo no tiene pesos todavía: llama antes a fit(x, y)")
    if x.ndim != 2 or x.shape[1] != w.shape[-1]:
        raise ValueError(f"x debe tener forma (n, {w.shape[-1]}), como en fit; tiene {x.shape}")
