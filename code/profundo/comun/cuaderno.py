"""Lo que un capítulo necesita del cuaderno: números que el texto cita y código del libro que se puede editar.

``%load_ext profundo.comun.cuaderno`` activa la orden ``%%modulo``.
"""

import __future__

import linecache
import sys
from importlib import import_module
from typing import Any

from IPython.core.error import UsageError
from IPython.core.interactiveshell import InteractiveShell
from IPython.display import publish_display_data

GLUE_PREFIX = "application/papermill.record/"


def glue(name: str, value: object) -> None:
    """Guarda ``str(value)`` con un nombre, para que la prosa lo cite con ``{glue:text}`` en vez de copiarlo a mano.

    No muestra nada en el cuaderno. Usa el formato que leen MyST-NB y papermill, sin depender de ellos.

    Args:
        name: nombre único en el libro, p. ej. ``"perceptron-exactitud"``.
        value: el número ya redondeado o el texto que se citará.

    Raises:
        TypeError: si ``name`` no es una cadena.
        ValueError: si ``name`` está vacío.
    """
    if not isinstance(name, str):
        raise TypeError(f"name debe ser una cadena; se recibió {name!r} ({type(name).__name__})")
    if not name.strip():
        raise ValueError(f"name debe tener al menos un carácter visible; se recibió {name!r}")
    publish_display_data(
        # Un número y su «%» no se separan al final de un renglón.
        {f"{GLUE_PREFIX}text/plain": str(value).replace(" %", "\N{NO-BREAK SPACE}%")},
        {"scrapbook": {"name": name, "mime_prefix": GLUE_PREFIX}},
    )


def run_in_module(module_name: str, source: str, shell: InteractiveShell) -> None:
    """Ejecuta ``source`` dentro de un módulo y copia al cuaderno los nombres que define.

    Así, una clase del libro que se edita en una celda cambia para las celdas siguientes y para el propio módulo.

    Args:
        module_name: módulo ya instalado, p. ej. ``"profundo.fundamentos.perceptron"``.
        source: código Python completo (clases, funciones o constantes).
        shell: el intérprete de IPython que recibe los nombres.

    Raises:
        UsageError: si el módulo no existe o no es de ``profundo``.
        SyntaxError: si ``source`` no es Python válido.
    """
    if module_name.split(".")[0] != "profundo":
        raise UsageError(f"%%modulo espera un módulo de profundo; se recibió {module_name!r}")
    try:
        module = import_module(module_name)
    except ModuleNotFoundError as error:
        raise UsageError(f"%%modulo no encuentra el módulo {module_name!r}: {error}") from None
    # Un nombre de archivo propio, para que las trazas y ``inspect`` muestren el código editado.
    filename = f"<{module_name}, editado en la celda {shell.execution_count}>"
    linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)
    namespace = module.__dict__
    before = dict(namespace)
    # Con las mismas opciones ``from __future__`` que el módulo.
    flags = sum(value.compiler_flag for value in before.values() if isinstance(value, __future__._Feature))
    exec(compile(source, filename, "exec", flags, dont_inherit=True), namespace)
    changed = {k: v for k, v in namespace.items() if not k.startswith("__") and before.get(k, sys) is not v}
    shell.push(changed, interactive=True)


def load_ipython_extension(shell: InteractiveShell) -> None:
    """Registra la orden ``%%modulo`` en el cuaderno."""

    def modulo(line: str, cell: str) -> Any:
        """Ejecuta la celda dentro del módulo indicado: ``%%modulo profundo.fundamentos.perceptron``."""
        run_in_module(line.strip(), cell, shell)

    shell.magics_manager.register_function(modulo, magic_kind="cell")
