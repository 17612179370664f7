"""Programas externos que piden algunas pruebas: en la integración continua su falta es un fallo, no una omisión."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import NoReturn

import pytest


def everything_required() -> bool:
    """Si el entorno prohíbe omitir pruebas (``CI=true`` o ``REQUIRE_ALL=1``)."""
    return os.environ.get("CI", "").lower() in {"true", "1"} or os.environ.get("REQUIRE_ALL") == "1"


def require_tool(name: str, install_hint: str) -> Path:
    """La ruta del programa ``name``; si falta, la prueba falla o se omite diciendo cómo instalarlo.

    Args:
        name: el ejecutable, como se escribe en la terminal.
        install_hint: la orden que lo instala, p. ej. ``"sudo apt-get install epubcheck"``.
    """
    found = shutil.which(name)
    if not found:
        missing_tool(name, install_hint)
    return Path(found)


def missing_tool(name: str, install_hint: str) -> NoReturn:
    """La prueba falla o se omite porque falta ``name``."""
    message = f"falta el programa {name}; se instala con: {install_hint}"
    if everything_required():
        pytest.fail(message, pytrace=False)
    pytest.skip(message)


def epubcheck(path: Path) -> subprocess.CompletedProcess[str]:
    """Debian instala epubcheck como un .jar ejecutable, que sin binfmt (en un contenedor) hay que dar a java."""
    hint = "sudo apt-get install epubcheck"
    tool = require_tool("epubcheck", hint)
    is_jar = tool.read_bytes()[:2] == b"PK"
    command = [require_tool("java", hint), "-jar", tool] if is_jar else [tool]
    return subprocess.run([*command, path], capture_output=True, text=True, check=False)
