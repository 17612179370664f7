"""Las condiciones en que corren las pruebas: formas comprobadas y ninguna omisión callada."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Self

import numpy as np
import pytest
from herramientas import everything_required
from hypothesis import settings
from jaxtyping import Float, TypeCheckError, jaxtyped
from tipos import check_after_call

from profundo.comun import semillas

HERE = Path(__file__).parent


@jaxtyped(typechecker=check_after_call)
def add_rows(x: Float[np.ndarray, "n d"], y: Float[np.ndarray, "n d"]) -> Float[np.ndarray, " d"]:
    if x.ndim != 2:
        raise ValueError(f"x debe tener dos ejes; tiene {x.ndim}")
    return (x + y).sum(axis=0 if x.shape[1] < 9 else 1)


def test_right_shapes_pass() -> None:
    assert add_rows(np.ones((3, 2)), np.ones((3, 2))).tolist() == [6.0, 6.0]


def test_the_function_speaks_first() -> None:
    with pytest.raises(ValueError, match="x debe tener dos ejes; tiene 1"):
        add_rows(np.ones(3), np.ones(3))


def test_what_the_function_lets_through_is_found() -> None:
    with pytest.raises(TypeCheckError):
        add_rows(np.ones((3, 2)), np.ones((1, 2)))  # se suman por difusión, pero no es lo anotado


def test_wrong_result_is_found() -> None:
    with pytest.raises(TypeCheckError):
        add_rows(np.ones((3, 9)), np.ones((3, 9)))


class Model:
    @jaxtyped(typechecker=check_after_call)
    def fit(self, x: Float[np.ndarray, "n d"], y: Float[np.ndarray, " n"]) -> Self:
        return self


def test_methods_that_return_self_are_checked() -> None:
    model = Model()
    assert model.fit(np.ones((3, 2)), np.ones(3)) is model
    with pytest.raises(TypeCheckError):
        model.fit(np.ones((3, 2)), np.ones(4))


def test_the_package_is_checked() -> None:
    assert hasattr(semillas.seed_everything, "__wrapped__"), "profundo se importó sin comprobar sus formas"


SKIPS = """\
import pytest

@pytest.mark.skip(reason="falta algo")
def test_skipped():
    pass

@pytest.mark.xfail(reason="conocido", raises=ValueError)
def test_expected_failure():
    raise ValueError
"""
SKIPPED_FILE = "import pytest\npytest.skip('falta todo', allow_module_level=True)\n"


@pytest.mark.parametrize("strict", [True, False])
def test_skips_fail_where_nothing_may_be_skipped(tmp_path: Path, strict: bool) -> None:
    for name in ("conftest.py", "tipos.py", "herramientas.py", "navegador.py"):
        shutil.copy2(HERE / name, tmp_path)
    (tmp_path / "test_prueba.py").write_text(SKIPS, encoding="utf-8")
    (tmp_path / "test_archivo.py").write_text(SKIPPED_FILE, encoding="utf-8")
    environment = os.environ | {"CI": "true" if strict else "", "REQUIRE_ALL": ""}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--continue-on-collection-errors"]
    run = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False, timeout=120
    )
    if strict:
        assert run.returncode == 1, run.stdout
        assert "1 xfailed, 2 errors" in run.stdout
        assert "no se puede omitir nada: Skipped: falta algo" in run.stdout
        assert "no se puede omitir nada: Skipped: falta todo" in run.stdout
    else:
        assert run.returncode == 0, run.stdout
        assert "2 skipped, 1 xfailed" in run.stdout


@pytest.mark.parametrize(
    ("variables", "expected"),
    [({}, False), ({"CI": "true"}, True), ({"REQUIRE_ALL": "1"}, True), ({"CI": "false", "REQUIRE_ALL": "0"}, False)],
)
def test_when_everything_is_required(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], expected: bool
) -> None:
    for name in ("CI", "REQUIRE_ALL"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert everything_required() is expected


def test_no_example_has_a_time_limit() -> None:
    assert settings().deadline is None
