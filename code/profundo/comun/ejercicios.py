"""Comprobación de ejercicios: una respuesta entra, un mensaje que enseña sale. Nunca una traza nuestra.

Cada capítulo tiene en ``profundo/ejercicios/<parte>/<tema>.py`` un :class:`Checker` con una función por ejercicio::

    comprobar = Checker("fundamentos/perceptron")

    @comprobar.exercise("regla")
    def _(answer):
        w = as_array(call(answer, x, y), shape=(3,))
        require_close(w, expected, "¿Sumaste y·x solo en los errores?")
        return "Actualizas solo cuando hay error."
"""

import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, NoReturn

import numpy as np
import torch

Status = Literal["correcta", "incorrecta", "pendiente"]
MARKS: dict[Status, str] = {"correcta": "✓", "incorrecta": "✗", "pendiente": "…"}


class WrongAnswer(Exception):
    """La respuesta no es correcta; el mensaje dice por qué."""


class Unanswered(Exception):
    """La respuesta aún no está escrita."""


@dataclass(frozen=True)
class Verdict:
    """Resultado de comprobar una respuesta: estado y mensaje para quien aprende."""

    status: Status
    message: str

    def __str__(self) -> str:
        return f"{MARKS[self.status]} {self.message}"


class Checker:
    """Los comprobadores de un capítulo. Se usa como función: ``comprobar("regla", mi_funcion)``.

    Args:
        chapter: el capítulo, como en ``_toc.yml``: ``"fundamentos/perceptron"``.
    """

    def __init__(self, chapter: str) -> None:
        self.chapter = chapter
        self._checks: dict[str, Callable[[object], str]] = {}

    def exercise(self, name: str) -> Callable[[Callable[[object], str]], Callable[[object], str]]:
        """Registra la función que comprueba el ejercicio ``name``: devuelve el elogio o llama a ``fail``."""

        def register(check: Callable[[object], str]) -> Callable[[object], str]:
            if name in self._checks:
                raise ValueError(f"el ejercicio {name!r} ya tiene comprobador en {self.chapter}")
            self._checks[name] = check
            return check

        return register

    @property
    def names(self) -> tuple[str, ...]:
        """Los ejercicios del capítulo, en orden."""
        return tuple(self._checks)

    def check(self, name: str, answer: object) -> Verdict:
        """Comprueba sin imprimir. Ninguna respuesta, por rara que sea, lanza una excepción.

        Raises:
            KeyError: si el capítulo no tiene un ejercicio llamado ``name``.
        """
        if name not in self._checks:
            raise KeyError(f"{self.chapter} no tiene un ejercicio {name!r}; tiene {', '.join(self.names)}")
        if answer is None or answer is Ellipsis:
            return Verdict("pendiente", "Sin resolver: escribe tu respuesta y vuelve a ejecutar la celda.")
        try:
            return Verdict("correcta", self._checks[name](answer))
        except Unanswered as error:
            return Verdict("pendiente", str(error))
        except WrongAnswer as error:
            return Verdict("incorrecta", str(error))

    def __call__(self, name: str, answer: object) -> None:
        """Comprueba ``answer`` e imprime el veredicto."""
        print(self.check(name, answer))


def fail(message: str) -> NoReturn:
    """Rechaza la respuesta con un mensaje."""
    raise WrongAnswer(message)


def require(condition: object, message: str) -> None:
    """Rechaza la respuesta si no se cumple ``condition``."""
    if not condition:
        fail(message)


def call(function: object, *args: object) -> object:
    """Llama a la función de quien aprende y traduce lo que salga mal a un mensaje.

    Returns:
        Lo que devuelve la función, nunca ``None``.
    """
    if not callable(function):
        fail(f"Se esperaba una función; llegó {_describe(function)}. Pasa su nombre sin paréntesis.")
    name = getattr(function, "__name__", "tu función")
    try:
        result = function(*args)
    except (Exception, SystemExit) as error:
        if isinstance(error, NotImplementedError):
            raise Unanswered(f"Sin resolver: `{name}` aún lanza NotImplementedError.") from None
        frames = traceback.extract_tb(error.__traceback__)
        where = f" en la línea {frames[-1].lineno} de `{frames[-1].name}`" if len(frames) > 1 else ""
        fail(f"`{name}` lanzó {type(error).__name__}{where}: {error}")
    if result is None or result is Ellipsis:
        raise Unanswered(f"Sin resolver: `{name}` no devuelve nada todavía. ¿Falta el `return`?")
    return result


def as_array(value: object, *, shape: tuple[int, ...] | None = None, what: str = "la respuesta") -> np.ndarray:
    """Convierte números, listas, arreglos o tensores en un arreglo de float64, o explica por qué no se puede.

    Args:
        value: lo que devolvió quien aprende.
        shape: forma exacta que se espera; ``()`` pide un solo número.
        what: cómo se nombra el valor en los mensajes.
    """
    if isinstance(value, str) or callable(value):
        fail(f"Se esperaban números en {what}; llegó {_describe(value)}.")
    try:
        if isinstance(value, torch.Tensor):
            value = value.detach().cpu()
            value = (value if value.is_complex() else value.double()).numpy()
        array = np.asarray(value)
        if np.iscomplexobj(array):
            fail(f"Se esperaba que {what} tuviera números reales; llegó {_describe(value)}.")
        array = array.astype(np.float64)
    except WrongAnswer:
        raise
    except Exception:  # lo que lance un objeto ajeno al convertirlo
        fail(f"Se esperaban números en {what}; llegó {_describe(value)}.")
    if shape is not None and array.shape != shape:
        fail(f"Se esperaba que {what} tuviera forma {_shape(shape)}; tiene {_shape(array.shape)}.")
    if not np.isfinite(array).all():
        fail(f"Hay valores que no son finitos (inf o nan) en {what}.")
    return array


def as_list(answer: object, n: int, what: str) -> list[object]:
    """Una lista de ``n`` respuestas, todas escritas; ``what`` las nombra en los mensajes, en plural."""
    if not isinstance(answer, list | tuple):
        fail(f"Se esperaba una lista de {n} {what}; llegó un valor de tipo {type(answer).__name__}.")
    require(len(answer) == n, f"Se esperaba una lista de {n} {what}; tiene {len(answer)}.")
    missing = [k for k, item in enumerate(answer, start=1) if item is None or item is Ellipsis]
    if missing:
        raise Unanswered(f"Sin resolver: faltan las respuestas {', '.join(map(str, missing))}.")
    return list(answer)


def as_numbers(answer: object, n: int, what: str = "números") -> np.ndarray:
    """Una lista de ``n`` números, todos escritos; ``what`` los nombra en los mensajes, en plural."""
    return as_array(as_list(answer, n, what), shape=(n,), what="la lista")


def require_close(actual: object, expected: object, message: str, *, rtol: float = 1e-5, atol: float = 1e-8) -> None:
    """Rechaza la respuesta si difiere de lo esperado en forma o en valor."""
    expected_array = np.asarray(expected, dtype=np.float64)
    actual_array = as_array(actual, shape=expected_array.shape)
    require(np.allclose(actual_array, expected_array, rtol=rtol, atol=atol), message)


def require_number(value: float, target: float, name: str, wrong: Sequence[tuple[float, str]], advice: str) -> None:
    """Rechaza un número que no es ``target`` salvo redondeo (0.5 %); si sale de un error conocido, dice cuál.

    Args:
        name: cómo empieza el mensaje: ``"La media"``.
        wrong: el valor al que lleva cada error y lo que sigue a ``name`` cuando el número es ese.
        advice: la frase que cierra el mensaje de cualquier otro número.
    """
    for other, hint in wrong:
        require(not np.isclose(value, other, rtol=2e-3), f"{name} {hint}")
    require(np.isclose(value, target, rtol=5e-3), f"{name} no es {value:.4g}. {advice}")


def require_truths(answer: object, facts: Sequence[tuple[bool, str]]) -> None:
    """Comprueba una lista de verdaderos y falsos; cada hecho lleva su valor y la pista de quien lo falla."""
    got = as_list(answer, len(facts), "respuestas")
    for item in got:
        require(isinstance(item, bool | np.bool_), "Cada respuesta debe ser True o False.")
    for item, (truth, hint) in zip(got, facts, strict=True):
        require(bool(item) == truth, hint)


def _describe(value: object) -> str:
    if callable(value):
        return f"la función `{getattr(value, '__name__', type(value).__name__)}` sin llamar"
    try:
        text = repr(value)
    except Exception:
        text = "un objeto que no se puede mostrar"
    return f"{text if len(text) <= 60 else text[:57] + '...'} (de tipo {type(value).__name__})"


def _shape(shape: tuple[int, ...]) -> str:
    return "() (un solo número)" if shape == () else str(shape)
