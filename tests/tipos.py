"""Comprobación de formas y tipos de ``profundo`` mientras corren las pruebas (jaxtyping con beartype)."""

from collections.abc import Callable
from typing import Any

from beartype import beartype

CHECKER = "tipos.check_after_call"


def check_after_call(function: Callable[..., Any]) -> Callable[..., Any]:
    """Comprueba argumentos y resultado al terminar la llamada, no antes.

    Una función del libro explica por sí misma, en español, qué está mal en sus argumentos; si se comprobaran antes,
    las pruebas verían el mensaje de jaxtyping en lugar del suyo. Al terminar, en cambio, solo falla lo que la función
    dejó pasar. jaxtyping pide dos comprobadores por función: uno con los argumentos, que aquí no hace nada, y otro con
    los argumentos y el resultado; se distinguen porque el primero anota el resultado con ``Any``.
    """
    if function.__annotations__.get("return", Any) is Any:
        return function
    # beartype no entiende Self en un método suelto.
    hints = function.__annotations__
    function.__annotations__ = {name: Any if "typing.Self" in repr(hint) else hint for name, hint in hints.items()}
    checked: Callable[..., Any] = beartype(function)
    return checked
