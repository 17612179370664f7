"""``glue`` y ``%%modulo`` en un IPython de verdad."""

import importlib
import inspect
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path

import pytest
from IPython.core.error import UsageError
from IPython.core.interactiveshell import ExecutionResult, InteractiveShell
from IPython.utils.capture import capture_output

from profundo.comun.cuaderno import GLUE_PREFIX, glue, run_in_module

MODULE = '''\
"""Un módulo de prueba."""

SCALE = 2


def scale(x: int) -> int:
    return SCALE * x


def twice(x: int) -> int:
    return scale(scale(x))
'''
NAME = "profundo.comun.modulo_de_prueba"


@pytest.fixture
def shell() -> Iterator[InteractiveShell]:
    """Un intérprete nuevo con la extensión cargada."""
    InteractiveShell.clear_instance()
    shell = InteractiveShell.instance(colors="nocolor", history_load_length=0)
    shell.run_line_magic("load_ext", "profundo.comun.cuaderno")
    yield shell
    InteractiveShell.clear_instance()


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Un módulo de ``profundo`` que se puede editar sin tocar el paquete."""
    import profundo.comun

    (tmp_path / "modulo_de_prueba.py").write_text(MODULE, encoding="utf-8")
    monkeypatch.setattr(profundo.comun, "__path__", [*profundo.comun.__path__, str(tmp_path)])
    importlib.invalidate_caches()
    yield NAME
    sys.modules.pop(NAME, None)
    monkeypatch.delattr(profundo.comun, "modulo_de_prueba", raising=False)


def run(shell: InteractiveShell, cell: str) -> ExecutionResult:
    result = shell.run_cell(cell, store_history=True)
    result.raise_error()
    return result


# --- glue -----------------------------------------------------------------------------------------------------------


def test_glue_publishes_the_text_with_its_name(shell: InteractiveShell) -> None:
    with capture_output() as captured:
        run(shell, 'from profundo.comun.cuaderno import glue\nglue("alfa-exactitud", f"{97.25:.1f} %")')
    [output] = captured.outputs
    assert output.data == {f"{GLUE_PREFIX}text/plain": "97.2\N{NO-BREAK SPACE}%"}
    assert output.metadata == {"scrapbook": {"name": "alfa-exactitud", "mime_prefix": GLUE_PREFIX}}
    assert captured.stdout == captured.stderr == ""


def test_glue_is_read_by_myst_nb() -> None:
    """El prefijo es el que busca MyST-NB al armar la página."""
    from myst_nb.core.variables import create_warning  # noqa: F401 (existe donde creemos)
    from myst_nb.ext.glue import GLUE_PREFIX as theirs

    assert theirs == GLUE_PREFIX


@pytest.mark.parametrize("name", [3, None, ["a"]])
def test_glue_rejects_a_name_that_is_not_text(name: object) -> None:
    with pytest.raises(TypeError, match="name debe ser una cadena; se recibió"):
        glue(name, 1)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["", "  ", "\n"])
def test_glue_rejects_an_empty_name(name: str) -> None:
    with pytest.raises(ValueError, match="name debe tener al menos un carácter visible"):
        glue(name, 1)


# --- %%modulo -------------------------------------------------------------------------------------------------------


def test_editing_a_function_changes_the_notebook_and_the_module(shell: InteractiveShell, module: str) -> None:
    run(shell, f"from {module} import twice, scale")
    assert run(shell, "twice(1)").result == 4
    run(shell, f"%%modulo {module}\ndef scale(x):\n    return 10 * x\n")
    assert run(shell, "scale(1)").result == 10
    # También lo ve quien la llama dentro del módulo, aunque se haya importado antes.
    assert run(shell, "twice(1)").result == 100
    assert importlib.import_module(module).scale(1) == 10


def test_editing_a_constant_works_too(shell: InteractiveShell, module: str) -> None:
    run(shell, f"%%modulo {module}\nSCALE = 5\n")
    assert run(shell, "SCALE").result == 5
    assert importlib.import_module(module).twice(1) == 25


def test_unchanged_names_do_not_reach_the_notebook(shell: InteractiveShell, module: str) -> None:
    run(shell, f"%%modulo {module}\nimport math\ndef area(r):\n    return math.pi * r * r\n")
    assert "area" in shell.user_ns
    assert "twice" not in shell.user_ns
    assert "__builtins__" not in shell.user_ns or shell.user_ns["__name__"] == "__main__"


def test_edited_source_is_the_one_shown(shell: InteractiveShell, module: str) -> None:
    """``inspect`` y las trazas enseñan lo editado, no el archivo."""
    run(shell, f"%%modulo {module}\ndef scale(x):\n    return x / 0  # editada\n")
    scale = shell.user_ns["scale"]
    assert "editada" in inspect.getsource(scale)
    with pytest.raises(ZeroDivisionError) as caught:
        scale(1)
    frames = "".join(traceback.format_tb(caught.tb))
    assert f"<{module}, editado en la celda" in frames
    assert "return x / 0  # editada" in frames


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("numpy.linalg", "espera un módulo de profundo; se recibió 'numpy.linalg'"),
        ("", "espera un módulo de profundo; se recibió ''"),
        ("profundo.no_existe", "no encuentra el módulo 'profundo.no_existe'"),
    ],
)
def test_wrong_module_is_explained(shell: InteractiveShell, line: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        run_in_module(line, "x = 1", shell)


def test_syntax_error_changes_nothing(shell: InteractiveShell, module: str) -> None:
    with pytest.raises(SyntaxError):
        run_in_module(module, "def scale(x:\n", shell)
    assert importlib.import_module(module).twice(1) == 4
