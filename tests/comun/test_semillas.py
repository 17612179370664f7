"""Sembrar hace repetible todo lo que usa azar."""

import os
import random

import numpy as np
import pytest
import torch

from profundo.comun.semillas import seed_everything


def draws(seed: int) -> tuple:
    """Una muestra de cada generador, y un paso de una red que se entrena."""
    generator = seed_everything(seed)
    net = torch.nn.Linear(4, 3)
    net(torch.randn(8, 4)).sum().backward()
    return (
        random.random(),
        np.random.rand(),  # noqa: NPY002
        generator.random(),
        torch.rand(2).tolist(),
        net.weight.grad.tolist(),
    )


def test_same_seed_repeats_and_another_does_not() -> None:
    assert draws(7) == draws(7)
    assert all(a != b for a, b in zip(draws(7), draws(8), strict=True))


def test_the_generator_is_independent_of_the_global_one() -> None:
    first = seed_everything(3)
    np.random.rand(100)  # noqa: NPY002
    assert first.random() == seed_everything(3).random()


def test_torch_is_left_in_one_deterministic_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.use_deterministic_algorithms(False)
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG", raising=False)
    seed_everything(0)
    assert os.environ["CUBLAS_WORKSPACE_CONFIG"] == ":4096:8"
    assert torch.get_num_threads() == 1
    assert torch.are_deterministic_algorithms_enabled()


@pytest.mark.parametrize("seed", [0, 2**32 - 1, np.int64(5), np.uint8(5)])
def test_accepted_seeds(seed: int | np.integer) -> None:
    assert isinstance(seed_everything(seed), np.random.Generator)


@pytest.mark.parametrize("seed", [1.0, "1", None, True, np.float64(2)])
def test_wrong_type_is_named(seed: object) -> None:
    with pytest.raises(TypeError, match=r"seed debe ser un entero; se recibió .*\((float|str|NoneType|bool|float64)\)"):
        seed_everything(seed)  # type: ignore[arg-type]


@pytest.mark.parametrize("seed", [-1, 2**32])
def test_out_of_range_is_named(seed: int) -> None:
    with pytest.raises(ValueError, match=rf"seed debe estar entre 0 y 2\*\*32 - 1; se recibió {seed}"):
        seed_everything(seed)
