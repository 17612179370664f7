"""El azar vuelve a donde estaba y un archivo está entero o no está."""

import os
import random
import signal

import numpy as np
import pytest
import torch

from profundo.comun.estado import load_whole, random_state, restore, save_whole, set_random_state


def draws(*generators):
    """Una muestra de cada generador."""
    values = [random.random(), np.random.rand(), torch.rand(1).item()]  # noqa: NPY002
    return values + [torch.rand(1, generator=generator).item() for generator in generators]


def test_random_state_goes_and_returns(tmp_path):
    own = [torch.Generator().manual_seed(seed) for seed in (1, 2)]
    np.random.normal()  # noqa: NPY002 (deja guardada la segunda normal de la pareja)
    save_whole(random_state(*own), tmp_path / "azar.pt")
    first = draws(*own), np.random.normal()  # noqa: NPY002
    assert draws(*own) != first[0]
    set_random_state(load_whole(tmp_path / "azar.pt"), *own)
    assert (draws(*own), np.random.normal()) == first  # noqa: NPY002
    with pytest.raises(ValueError, match="zip"):
        set_random_state(load_whole(tmp_path / "azar.pt"), own[0])


def test_save_whole_replaces_and_leaves_nothing_else(tmp_path):
    for path in (tmp_path / "a.pt", str(tmp_path / "a.pt")):
        save_whole({"x": torch.arange(3)}, path)
    save_whole({"x": torch.arange(5)}, tmp_path / "a.pt")
    assert len(load_whole(tmp_path / "a.pt")["x"]) == 5
    assert [path.name for path in tmp_path.iterdir()] == ["a.pt"]


@pytest.mark.parametrize("moment", ["save", "fsync", "replace"])
def test_a_kill_at_any_moment_leaves_the_old_or_the_new(tmp_path, moment):
    path = tmp_path / "a.pt"
    save_whole({"x": torch.zeros(1000)}, path)
    child = os.fork()
    if not child:  # no vuelve: se mata antes de terminar la operación
        owner = torch if moment == "save" else os

        def die(_, target=None):
            if moment == "save":
                target.write(b"PK a medias")
                target.flush()
            os.kill(os.getpid(), signal.SIGKILL)

        setattr(owner, moment, die)
        save_whole({"x": torch.ones(1000)}, path)
    assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL
    assert torch.equal(load_whole(path)["x"], torch.zeros(1000))
    save_whole({"x": torch.ones(1000)}, path)  # el resto que quedó no estorba
    assert torch.equal(load_whole(path)["x"], torch.ones(1000))


def test_load_whole_explains(tmp_path):
    path = tmp_path / "a.pt"
    with pytest.raises(FileNotFoundError):
        load_whole(path)
    path.write_bytes(b"no es nada")
    with pytest.raises(ValueError, match=r"path debe ser un archivo entero; «.*a.pt» está incompleto, dañado o trae"):
        load_whole(path)


def test_any_damaged_data_byte_is_noticed(tmp_path):
    path = tmp_path / "a.pt"
    save_whole({"x": torch.arange(500)}, path)
    content = path.read_bytes()
    start = content.index(torch.arange(500).numpy().tobytes())
    for place in range(start, start + 4000, 37):
        path.write_bytes(content[:place] + bytes([content[place] ^ 4]) + content[place + 1 :])
        with pytest.raises(ValueError, match="dañado"):
            load_whole(path)
    for size in range(0, len(content) - 1, 53):
        path.write_bytes(content[:size])
        with pytest.raises(ValueError, match="incompleto"):
            load_whole(path)


@pytest.mark.parametrize("state", [None, 3, [], {}, {"model": 1}])
def test_restore_wants_a_captured_state(state):
    with pytest.raises(ValueError, match="son datos, pero no los de un entrenamiento"):
        restore(object(), state)
