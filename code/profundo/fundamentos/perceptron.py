"""El perceptrón: una neurona artificial, la regla con que aprende y lo que garantiza el teorema de convergencia.

Fuentes: Rosenblatt (1958), la neurona y la regla; Novikoff (1962), la cota de errores; Gallant (1990), el bolsillo;
Freund y Schapire (1999), el promedio; Lawson y Hanson (1974), la proyección con la que se calcula el mejor margen.

En qué nos apartamos de Rosenblatt: las entradas son números reales que llegan directos a la neurona, sin su capa previa
de conexiones al azar, y la tasa de aprendizaje vale 1, porque partiendo de cero solo cambia la escala de los pesos.

Notación: ``x`` reúne n ejemplos en sus filas, ``y`` sus clases (-1 o +1) y ``w`` los pesos. Las funciones que hablan de
margen y radio toman los vectores tal como los ve la regla: si hay sesgo, con la coordenada constante (``augment``).
"""

import copy

import numpy as np
from jaxtyping import Float, Int
from scipy.optimize import nnls


def augment(x: Float[np.ndarray, "n d"], constant: float = 1.0) -> Float[np.ndarray, "n d+1"]:
    """Antepone a cada ejemplo una coordenada constante, para que el sesgo sea un peso más.

    Raises:
        ValueError: si ``x`` no es una matriz finita con al menos una fila y una columna.
    """
    _check_examples(x)
    return np.hstack([np.full((len(x), 1), constant), x])


def signed_distance(w: Float[np.ndarray, "d"], b: float, x: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n"]:
    """Distancia de cada ejemplo al hiperplano w·x + b = 0, positiva hacia donde apunta ``w``.

    Está en las unidades de ``x``; solo significa algo si son las mismas en todas las columnas.

    Raises:
        ValueError: si ``w`` es cero o las formas no corresponden.
    """
    _check_examples(x)
    _check_weights(w, x)
    return (x @ w + b) / np.linalg.norm(w)


class Perceptron:
    """Perceptrón de Rosenblatt: recorre los ejemplos y corrige los pesos solo cuando se equivoca.

    Args:
        max_epochs: épocas, como mucho; se detiene antes si completa una sin errores.
        fit_bias: si es falso, el sesgo queda en cero y el hiperplano pasa por el origen.
        seed: baraja los ejemplos en cada época; con ``None`` respeta el orden dado.

    Attributes:
        w: pesos ``(d,)``.
        b: sesgo.
        history: ``(k + 1, d + 1)``, sesgo y pesos tras cada error; la primera fila es cero.
        survival: ``(k + 1,)``, pasos que duró cada fila de ``history``.
        corrected: ``(k,)``, fila de ``x`` en la que cometió cada error.
        mistakes: errores de cada época.
        converged: si la última época no tuvo errores.
    """

    def __init__(self, *, max_epochs: int = 1000, fit_bias: bool = True, seed: int | None = 0) -> None:
        if max_epochs < 1:
            raise ValueError(f"max_epochs debe ser al menos 1; se recibió {max_epochs}")
        self.max_epochs, self.fit_bias, self.seed = max_epochs, fit_bias, seed
        self.w = np.zeros(0)
        self.b = 0.0

    def fit(self, x: Float[np.ndarray, "n d"], y: Int[np.ndarray, "n"]) -> "Perceptron":
        """Aprende de los ejemplos ``x`` con clases ``y`` en {-1, +1}.

        Raises:
            ValueError: si las formas no corresponden o ``y`` tiene otros valores.
        """
        _check_labels(x, y)
        x = augment(x, constant=float(self.fit_bias))
        rng = None if self.seed is None else np.random.default_rng(self.seed)
        w = np.zeros(x.shape[1])
        history, survival, corrected, self.mistakes = [w], [0], [], []
        for _ in range(self.max_epochs):
            self.mistakes.append(0)
            for i in range(len(x)) if rng is None else rng.permutation(len(x)):
                if y[i] * (w @ x[i]) <= 0:  # el cero también cuenta: así arranca con w = 0
                    w = w + y[i] * x[i]
                    history.append(w)
                    survival.append(0)
                    corrected.append(i)
                    self.mistakes[-1] += 1
                survival[-1] += 1
            if self.mistakes[-1] == 0:
                break
        self.history, self.survival = np.array(history), np.array(survival)
        self.corrected = np.array(corrected)
        self.converged = self.mistakes[-1] == 0
        self.w, self.b = w[1:], float(w[0])
        return self

    def decision_function(self, x: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n"]:
        """La activación w·x + b de cada ejemplo: su signo es la clase.

        Raises:
            ValueError: si aún no se llamó a ``fit`` o ``x`` tiene otro número de columnas.
        """
        self._check_fitted()
        if x.ndim != 2 or x.shape[1] != len(self.w):
            raise ValueError(f"x debe tener forma (n, {len(self.w)}), como en fit; tiene {x.shape}")
        return x @ self.w + self.b

    def predict(self, x: Float[np.ndarray, "n d"]) -> Int[np.ndarray, "n"]:
        """La clase de cada ejemplo: +1 si la activación es positiva y -1 si no."""
        return np.where(self.decision_function(x) > 0, 1, -1)

    def averaged(self) -> "Perceptron":
        """El promediado de Freund y Schapire (1999): la media de los pesos tras cada paso."""
        self._check_fitted()
        return self._with(self.survival @ self.history / self.survival.sum())

    def pocket(self, x: Float[np.ndarray, "n d"], y: Int[np.ndarray, "n"]) -> "Perceptron":
        """El de bolsillo: de todos los pesos por los que pasó, los que más aciertan en ``x``.

        Es la variante «con trinquete» de Gallant (1990), que cuenta los aciertos en todos los
        ejemplos y no solo los seguidos.
        """
        self._check_fitted()
        _check_labels(x, y)
        scores = augment(x, constant=float(self.fit_bias)) @ self.history.T
        return self._with(self.history[(y[:, None] * scores > 0).sum(axis=0).argmax()])

    def _check_fitted(self) -> None:
        if self.w.size == 0:
            raise ValueError("el perceptrón no tiene pesos todavía: llama antes a fit(x, y)")

    def _with(self, weights: Float[np.ndarray, "p"]) -> "Perceptron":
        other = copy.copy(self)
        other.w, other.b = weights[1:], float(weights[0])
        return other


def perceptron_loss(
    w: Float[np.ndarray, "p"], x: Float[np.ndarray, "n p"], y: Int[np.ndarray, "n"]
) -> tuple[float, Float[np.ndarray, "p"]]:
    """La media de max(0, -y w·x) y el subgradiente que usa la regla de Rosenblatt.

    En y w·x = 0 la pérdida tiene un pico, y todo vector entre 0 y -y x es subgradiente: la regla
    toma -y x.

    Raises:
        ValueError: si las formas no corresponden o ``y`` tiene valores que no son -1 ni +1.
    """
    _check_labels(x, y)
    _check_weights(w, x, nonzero=False)
    agreement = y * (x @ w)
    wrong = agreement <= 0
    return float(np.maximum(0, -agreement).mean()), -(wrong * y) @ x / len(x)


def radius(x: Float[np.ndarray, "n p"]) -> float:
    """R: la norma del ejemplo más largo."""
    _check_examples(x)
    return float(np.linalg.norm(x, axis=1).max())


def margin(w: Float[np.ndarray, "p"], x: Float[np.ndarray, "n p"], y: Int[np.ndarray, "n"]) -> float:
    """γ: el menor y w·x / ‖w‖; positivo si y solo si ``w`` clasifica bien todos los ejemplos.

    Raises:
        ValueError: si ``w`` es cero, las formas no corresponden o ``y`` tiene valores que no son -1 ni +1.
    """
    _check_labels(x, y)
    _check_weights(w, x)
    return float((y * (x @ w)).min() / np.linalg.norm(w))


def closest_mixture(x: Float[np.ndarray, "n p"], y: Int[np.ndarray, "n"]) -> Float[np.ndarray, "n"]:
    """Coeficientes λ ≥ 0 que suman 1 y dejan la mezcla Σ λᵢ yᵢ xᵢ lo más cerca del origen.

    Si la mezcla alcanza el origen, ningún w separa las clases; si no, su dirección es la del mejor
    separador. Son mínimos cuadrados con incógnitas no negativas (Lawson y Hanson, 1974, cap. 23).

    Raises:
        ValueError: si las formas no corresponden o ``y`` tiene valores que no son -1 ni +1.
    """
    _check_labels(x, y)
    signed = y[:, None] * x / radius(x)
    matrix = np.vstack([signed.T, np.ones(len(x))])
    target = np.append(np.zeros(x.shape[1]), 1.0)
    coefficients, _ = nnls(matrix, target)
    return coefficients / coefficients.sum()


def best_separator(x: Float[np.ndarray, "n p"], y: Int[np.ndarray, "n"]) -> tuple[Float[np.ndarray, "p"], float]:
    """El vector unitario de mayor margen y ese margen.

    Raises:
        ValueError: si ningún w separa las clases, o si ``x`` o ``y`` no son como se espera.
    """
    mixture = (y * closest_mixture(x, y)) @ x
    length = float(np.linalg.norm(mixture))
    # Cerca del origen la dirección es puro redondeo: decide si clasifica bien los ejemplos.
    if length == 0 or margin(mixture, x, y) <= 0:
        raise ValueError(f"x e y no son separables: hay una mezcla a {length:.1e} del origen")
    return mixture / length, margin(mixture, x, y)


def make_separable(n: int, d: int, *, gamma: float, seed: int) -> tuple[Float[np.ndarray, "n d"], Int[np.ndarray, "n"]]:
    """Ejemplos de norma 1 que algún hiperplano por el origen separa con margen ``gamma`` o mayor.

    Raises:
        ValueError: si ``gamma`` no está entre 0 y 1, ``n`` es menor que 1 o ``d`` es menor que 2.
    """
    if not 0 < gamma < 1:
        raise ValueError(f"gamma debe estar entre 0 y 1, sin llegar a ellos; se recibió {gamma}")
    if n < 1 or d < 2:
        raise ValueError(f"se esperaban n >= 1 y d >= 2; se recibió n={n}, d={d}")
    rng = np.random.default_rng(seed)
    u = rng.normal(size=d)
    u /= np.linalg.norm(u)
    y = rng.choice([-1, 1], size=n)
    along = rng.uniform(gamma, 1, size=n)  # distancia de cada ejemplo al hiperplano que define u
    across = rng.normal(size=(n, d))
    across -= np.outer(across @ u, u)
    across /= np.linalg.norm(across, axis=1, keepdims=True)
    return np.outer(y * along, u) + np.sqrt(1 - along**2)[:, None] * across, y


def _check_examples(x: Float[np.ndarray, "n d"]) -> None:
    if x.ndim != 2 or 0 in x.shape:
        raise ValueError(f"x debe tener forma (n, d) con n y d mayores que 0; tiene {x.shape}")
    if not np.isfinite(x).all():
        rows = np.flatnonzero(~np.isfinite(x).all(axis=1))
        raise ValueError(f"x debe tener solo números finitos; hay inf o nan en {len(rows)} filas, como la {rows[0]}")


def _check_labels(x: Float[np.ndarray, "n d"], y: Int[np.ndarray, "n"]) -> None:
    _check_examples(x)
    if y.shape != (len(x),):
        raise ValueError(f"y debe tener forma ({len(x)},), una clase por fila de x; tiene {y.shape}")
    if not np.isin(y, (-1, 1)).all():
        raise ValueError(f"y debe contener solo -1 y +1; contiene {np.unique(y)[:5].tolist()}")


def _check_weights(w: Float[np.ndarray, "d"], x: Float[np.ndarray, "n d"], *, nonzero: bool = True) -> None:
    if w.shape != (x.shape[1],):
        raise ValueError(f"w debe tener forma ({x.shape[1]},), un peso por columna de x; tiene {w.shape}")
    if nonzero and not w.any():
        raise ValueError("w debe tener algún peso distinto de cero: el vector nulo no define un hiperplano")
