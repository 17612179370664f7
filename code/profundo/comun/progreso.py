"""Una barra de progreso que se ve mientras hace falta y no deja rastro."""

import os
import sys

from tqdm.std import tqdm

DELAY_S = 1.0  # lo que termina antes no necesita barra


def open_bar(total: int, *, initial: int = 0, unit: str = "paso") -> tqdm:
    """Una barra de ``total`` pasos que aparece si hay alguien mirando y desaparece al cerrarla.

    Se ve en una terminal o en un cuaderno abierto. No se ve si la salida va a un archivo, si el cuaderno se ejecuta
    desatendido o si la variable de entorno ``PROFUNDO_PROGRESO`` vale ``0``.
    """
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    kernel = getattr(shell, "kernel", None)
    # A un cuaderno que mira una persona se le pueden hacer preguntas (``input``); al que se ejecuta solo, no.
    watched = sys.stderr.isatty() if kernel is None else getattr(kernel, "_allow_stdin", True)
    return tqdm(
        total=total,
        initial=initial,
        unit=unit,
        file=None if kernel is None else _NotebookLine(),
        disable=not watched or os.environ.get("PROFUNDO_PROGRESO") == "0",
        delay=DELAY_S,
        leave=False,
        ncols=80,
    )


class _NotebookLine:
    """Una línea de la salida estándar que se reescribe.

    Borra con retrocesos. Una salida aparte, de las que se actualizan, no se puede quitar después y deja un hueco en el
    cuaderno; la línea borrada desaparece de lo que se guarda. Quien imprima debe borrar antes la barra.
    """

    encoding = "utf-8"  # sin ella, tqdm dibuja la barra con almohadillas

    def __init__(self) -> None:
        self.shown = ""

    def write(self, text: str) -> None:
        line = text.replace("\r", "").rstrip()
        if line != self.shown:
            # Según el programa, «\b» borra un carácter o solo retrocede: escribir espacios encima sirve en los dos.
            back = "\b" * len(self.shown)
            sys.stdout.write(f"{back}{' ' * len(self.shown)}{back}{line}")
            self.shown = line

    def flush(self) -> None:
        sys.stdout.flush()
