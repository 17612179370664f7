"""Los núcleos de Jupyter se comunican por archivos de conexión (sockets locales) y no por puertos TCP.

Con TCP, quien arranca el núcleo busca cinco puertos libres, los suelta y se los dice; si mientras tanto otro proceso
toma uno, el núcleo muere al arrancar. Con varios núcleos a la vez ocurre de vez en cuando.
"""

import sys
import tempfile
from pathlib import Path
from uuid import uuid4

import nbval.kernel
from jupyter_client.connect import ConnectionFileMixin
from jupyter_client.manager import AsyncKernelManager, KernelManager
from traitlets import default


class _OverSockets(ConnectionFileMixin):
    @default("transport")
    def _sockets(self) -> str:
        return "tcp" if sys.platform == "win32" else "ipc"  # ZeroMQ no tiene ese transporte en Windows

    @default("ip")
    def _prefix(self) -> str:
        """El comienzo absoluto de los cinco nombres de archivo: el núcleo trabaja en otra carpeta."""
        if self.transport == "tcp":
            return "127.0.0.1"
        return str(Path(tempfile.gettempdir()) / f"nucleo-{uuid4().hex[:12]}")


class AsyncSocketKernelManager(_OverSockets, AsyncKernelManager):
    """El que usa la ejecución de los capítulos."""


class SocketKernelManager(_OverSockets, KernelManager):
    """El que usa nbval."""


def pytest_configure() -> None:
    """``pytest -p nucleos``: nbval no deja elegir el gestor de núcleos."""
    nbval.kernel.KernelManager = SocketKernelManager
