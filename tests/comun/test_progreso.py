"""La barra se ve donde hace falta y no deja rastro."""

import fcntl
import io
import os
import pty
import struct
import sys
import termios
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from profundo.comun import progreso
from profundo.comun.progreso import open_bar


def use_bar():
    bar = open_bar(5, unit="lote")
    for _ in range(5):
        bar.update()
    bar.close()


@pytest.fixture(autouse=True)
def _at_once(monkeypatch):
    monkeypatch.setattr(progreso, "DELAY_S", 0.0)
    monkeypatch.delenv("PROFUNDO_PROGRESO", raising=False)


def test_silent_when_nobody_looks(capfd):
    use_bar()
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(("wanted", "delay"), [("1", 0.0), ("0", 0.0), ("1", 60.0)])
def test_on_a_terminal(monkeypatch, wanted, delay):
    monkeypatch.setenv("PROFUNDO_PROGRESO", wanted)
    monkeypatch.setattr(progreso, "DELAY_S", delay)
    reader, writer = pty.openpty()
    with os.fdopen(writer, "w") as terminal:
        monkeypatch.setattr(sys, "stderr", terminal)
        fcntl.ioctl(writer, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 100, 0, 0))  # 30 filas de 100 columnas
        use_bar()
        terminal.flush()
        os.set_blocking(reader, False)
        try:
            shown = os.read(reader, 100_000).decode()
        except BlockingIOError:
            shown = ""
    os.close(reader)
    assert ("lote" in shown) == (wanted == "1" and not delay)
    assert not shown.rpartition("\r")[2].strip()  # la última línea queda en blanco


def rendered(text):
    """Lo que queda en pantalla: «\\b» retrocede y lo que se escribe después tapa lo anterior."""
    lines = []
    for line in text.split("\n"):
        cells, cursor = [], 0
        for character in line:
            if character == "\b":
                cursor = max(cursor - 1, 0)
            elif character == "\r":
                cursor = 0
            else:
                cells[cursor : cursor + 1] = [character]
                cursor += 1
        lines.append("".join(cells).rstrip())
    return "\n".join(lines)


def collapsed(text):
    """Lo que queda donde «\\b» borra el carácter anterior, sin pasar de línea."""
    kept = []
    for character in text:
        if character != "\b":
            kept.append(character)
        elif kept and kept[-1] != "\n":
            kept.pop()
    return "\n".join(line.rstrip() for line in "".join(kept).split("\n"))


@pytest.mark.parametrize("render", [rendered, collapsed])
def test_a_notebook_line_erases_itself(monkeypatch, render):
    out = io.StringIO()
    monkeypatch.setattr(sys, "stdout", out)
    line = progreso._NotebookLine()
    for text in ("\r10 %|█", "\r100 %|███", "\r5"):
        line.write(text)
        assert render(out.getvalue()) == text.strip()
    line.write("\r          \r")
    line.flush()
    assert render(out.getvalue()) == ""


NOTEBOOK = """
from profundo.comun import progreso
progreso.DELAY_S = 0.0
print("antes")
bar = progreso.open_bar(3, unit="lote")
bar.mininterval = 0
for _ in range(3):
    bar.update()
bar.close()
print("después")
"""


@pytest.mark.filterwarnings("ignore")  # avisos de la red local del núcleo, ajenos al libro
@pytest.mark.parametrize("watched", [True, False])
def test_a_notebook_keeps_nothing(watched):
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(NOTEBOOK)])
    client = NotebookClient(notebook, kernel_name="python3", timeout=60)
    code = str(Path(progreso.__file__).parents[2])
    with client.setup_kernel(env=os.environ | {"PYTHONPATH": code}):
        client.kc.allow_stdin = watched  # a un cuaderno que alguien mira se le pueden hacer preguntas
        client.execute_cell(notebook.cells[0], 0)
    outputs = notebook.cells[0].outputs
    assert {output.output_type for output in outputs} == {"stream"}
    assert {output.name for output in outputs} == {"stdout"}
    text = "".join(output.text for output in outputs)
    assert ("lote" in text) == watched
    assert collapsed(text) == "antes\ndespués\n"
