"""Los lotes son los de PyTorch, y el reparto entre procesos no pierde ni repite ejemplos."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.utils.data import DataLoader, TensorDataset

from profundo.comun.lotes import Averages, BatchOrder, check_equal_steps, make_loader, processes


@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize(("n", "batch_size"), [(20, 6), (20, 5), (3, 8), (64, 64)])
def test_batches_are_those_of_pytorch(shuffle, n, batch_size):
    x, y = torch.randn(n, 2), torch.arange(n)
    generator = torch.Generator().manual_seed(7)
    theirs = DataLoader(TensorDataset(x, y), batch_size, shuffle=shuffle, generator=generator)
    ours = make_loader(x, y, batch_size=batch_size, shuffle_seed=7 if shuffle else None)
    assert len(ours) == len(theirs)
    for _ in range(3):
        for a, b in zip(ours, theirs, strict=True):
            assert torch.equal(a[0], b[0])
            assert torch.equal(a[1], b[1])


@given(
    n=st.integers(1, 60),
    share=st.integers(1, 9),
    world=st.integers(1, 5),
    seed=st.one_of(st.none(), st.integers(0, 99)),
)
def test_processes_share_every_batch(n, share, world, seed):
    if n < world:
        with pytest.raises(ValueError, match=rf"debe haber al menos {world} ejemplos; hay {n}"):
            BatchOrder(n, share * world, shard=(0, world))
        return

    def order(rank, of):
        generator = None if seed is None else torch.Generator().manual_seed(seed)
        order = BatchOrder(n, share * world, generator, shard=(rank, of))
        batches = list(order)
        assert len(batches) == len(order)
        return batches

    parts = [order(rank, world) for rank in range(world)]
    seen = torch.cat([torch.cat(part) for part in parts]).tolist()
    assert len(set(seen)) == len(seen)
    if seed is None:
        assert len(seen) == n
    else:
        assert len(seen) == n - n % world
        assert len({tuple(map(len, part)) for part in parts}) == 1  # los mismos pasos y del mismo tamaño
    # Entre todos forman los lotes de un solo proceso.
    whole = torch.cat(order(0, 1)).tolist()
    for k, batch in enumerate(zip(*parts, strict=False)):
        start = k * share * world
        assert sorted(torch.cat(batch).tolist()) == sorted(whole[start : start + sum(map(len, batch))])


@pytest.mark.parametrize(("batch_size", "world"), [(0, 1), (-3, 1), (5, 2)])
def test_batch_size_is_checked(batch_size, world):
    message = rf"batch_size debe ser un múltiplo positivo de {world}; se recibió {batch_size}"
    with pytest.raises(ValueError, match=message):
        BatchOrder(30, batch_size, shard=(0, world))


def test_make_loader_wants_pairs():
    with pytest.raises(ValueError, match="x e y deben tener la misma cantidad de ejemplos; tienen 3 y 4"):
        make_loader(torch.zeros(3, 1), torch.zeros(4), batch_size=2)


@given(st.lists(st.tuples(st.integers(1, 50), st.floats(0, 10, width=32)), min_size=1, max_size=8))
def test_averages_weigh_each_batch_by_its_size(batches):
    averages = Averages()
    for n, value in batches:
        averages.add({"a": torch.tensor(value), "b": torch.tensor(2 * value)}, n)
    sizes, values = zip(*batches, strict=True)
    result = averages.result()
    assert result["a"] == pytest.approx(np.average(values, weights=sizes), rel=1e-5, abs=1e-6)
    assert result["b"] == pytest.approx(2 * result["a"], rel=1e-5, abs=1e-6)


def test_averages_do_not_change_what_they_are_given():
    averages, value = Averages(), torch.tensor(3.0)
    for _ in range(3):
        averages.add({"a": value}, 1)
    assert value.item() == 3
    assert averages.result() == {"a": 3.0}


def test_averages_need_a_batch():
    with pytest.raises(ValueError, match="no hay ningún lote que promediar"):
        Averages().result()


def test_one_process_is_the_default():
    assert processes() == (0, 1)
    check_equal_steps(5, torch.nn.Linear(1, 1))
