"""Condiciones de todas las pruebas: formas comprobadas, un hilo, figuras sin pantalla y ninguna omisión callada."""

import os
import sys
from collections.abc import Iterator

# Antes de importar NumPy y PyTorch, que los leen una vez.
os.environ.update(
    OMP_NUM_THREADS="1", MKL_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MPLBACKEND="Agg", PROFUNDO_PROGRESO="0"
)

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from herramientas import everything_required
from hypothesis import settings
from jaxtyping import install_import_hook
from navegador import launch
from playwright.sync_api import Browser
from tipos import CHECKER

# Antes de que nada importe profundo: solo se comprueban los módulos que se importan después.
assert not any(name.split(".")[0] == "profundo" for name in sys.modules), "profundo se importó antes de tiempo"
install_import_hook("profundo", CHECKER)

torch.set_num_threads(1)
# Lo que tarda un ejemplo depende de qué más haga la máquina.
settings.register_profile("libro", deadline=None)
settings.load_profile("libro")
# Los archivos que más tardan, primero: así no queda al final un proceso con uno de ellos y los demás esperando.
SLOWEST = ("test_paginas.py", "test_lanzamiento.py", "test_ejecucion.py", "test_binder.py", "test_epub.py")
# Sus comprobaciones explican el fallo como las de cualquier prueba.
pytest.register_assert_rewrite("respuestas", "faltas")


@pytest.fixture(autouse=True)
def _isolated() -> Iterator[None]:
    """Cada prueba empieza con las mismas semillas y termina sin figuras abiertas."""
    np.random.seed(0)  # noqa: NPY002 (el generador global, por si algo lo usa)
    torch.manual_seed(0)
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Un navegador por archivo: Playwright no admite dos a la vez, y mientras vive nadie más puede usar ``asyncio``."""
    with launch() as opened:
        yield opened


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Pone delante los archivos que más tardan."""
    order = {name: position for position, name in enumerate(SLOWEST)}
    items.sort(key=lambda item: order.get(item.path.name, len(order)))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """En la integración continua (o con ``REQUIRE_ALL=1``) una prueba omitida es un fallo."""
    report = yield
    if report.skipped and not hasattr(report, "wasxfail") and everything_required():
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} se omitió y aquí no se puede omitir nada: {_reason(report.longrepr)}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector: pytest.Collector) -> Iterator[None]:
    """Lo mismo con un archivo que se omite entero al importarse."""
    report = yield
    if report.skipped and everything_required():
        report.outcome = "failed"
        report.longrepr = f"{collector.nodeid} se omitió y aquí no se puede omitir nada: {_reason(report.longrepr)}"
    return report


def _reason(longrepr: object) -> str:
    return str(longrepr[2]) if isinstance(longrepr, tuple) else str(longrepr)
