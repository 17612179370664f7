"""Las deformaciones contra PyTorch, kornia y SciPy, las mezclas contra su definición, y las respuestas del capítulo."""

import kornia
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from respuestas import exercise_tests
from scipy import ndimage, stats
from torch.nn import functional as F

from profundo.comun.copias import train_copies
from profundo.ejercicios.optimizacion.aumento_de_datos import comprobar
from profundo.optimizacion.aumento_de_datos import (
    Augmented,
    ConvCopies,
    DenseCopies,
    RandomErase,
    RandomPhotometric,
    RandomWarp,
    affine_matrix,
    affine_points,
    blur,
    cutmix,
    elastic_field,
    gaussian_weights,
    keep_labels,
    mixup,
    pixel_grid,
    predict_augmented,
    random_flip,
    square_mask,
    warp,
)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def images(b=4, c=2, h=9, w=12, seed=0):
    return torch.rand(b, c, h, w, generator=generator(seed))


# --- Mover los píxeles ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["zeros", "border"])
@given(h=st.integers(1, 9), w=st.integers(1, 9), spread=st.floats(0.1, 20), seed=st.integers(0, 2**31))
@settings(max_examples=40)
def test_warp_matches_grid_sample(mode, h, w, spread, seed):
    x = torch.rand(3, 2, h, w, dtype=torch.float64, generator=generator(seed), requires_grad=True)
    source = spread * torch.randn(3, h, w, 2, dtype=torch.float64, generator=generator(seed + 1))
    source.requires_grad_()
    normalized = source / torch.tensor([w / 2, h / 2], dtype=torch.float64)
    ours = warp(x, source, mode)
    theirs = F.grid_sample(x, normalized, align_corners=False, padding_mode=mode)
    torch.testing.assert_close(ours, theirs)
    upstream = torch.randn(ours.shape, dtype=torch.float64, generator=generator(seed + 2))
    torch.testing.assert_close(*(torch.autograd.grad(y, x, upstream)[0] for y in (ours, theirs)))


def test_warp_explains_its_arguments():
    with pytest.raises(ValueError, match=r"source debe tener un punto por píxel de x, \(4, 2, 9, 12\)"):
        warp(images(), pixel_grid(9, 12)[None])
    with pytest.raises(ValueError, match="padding_mode debe ser 'zeros' o 'border'; se recibió 'wrap'"):
        warp(images(), pixel_grid(9, 12).expand(4, -1, -1, -1), "wrap")  # type: ignore[arg-type]


def test_affine_matches_kornia():
    x = images(5, 1, 15, 15)
    angle, scale = torch.tensor([0.0, 30.0, -75.0, 90.0, 180.0]), torch.tensor([1.0, 0.7, 1.5, 1.0, 2.0])
    source = affine_points(affine_matrix(angle, scale, torch.zeros(5)), torch.zeros(5, 2), 15, 15)
    center = torch.full((5, 2), 7.0)
    matrix = kornia.geometry.transform.get_rotation_matrix2d(center, angle, scale[:, None].expand(5, 2))
    expected = kornia.geometry.transform.warp_affine(x, matrix, (15, 15))
    torch.testing.assert_close(warp(x, source), expected, atol=2e-5, rtol=0)


def test_exact_movements():
    x = images(1, 3, 8, 8)
    still = torch.zeros(1, 2)

    def move(angle=0.0, shift=still):
        matrix = affine_matrix(torch.tensor([angle]), torch.ones(1), torch.zeros(1))
        return warp(x, affine_points(matrix, shift, 8, 8))

    torch.testing.assert_close(move(), x)
    torch.testing.assert_close(move(90.0), x.rot90(1, (2, 3)), atol=1e-5, rtol=0)
    torch.testing.assert_close(move(shift=torch.tensor([[2.0, -1.0]])), F.pad(x, (2, -2, -1, 1)))
    slant = affine_matrix(torch.zeros(1), torch.ones(1), torch.ones(1))
    assert (slant[0] @ torch.tensor([0.0, 1.0])).tolist() == [1.0, 1.0]


def test_crop_and_resize_is_affine():
    """Un recorte de 8 × 8 ampliado a 16 × 16 es un tamaño doble y un desplazamiento."""
    x = images(1, 1, 16, 16)
    crop = F.interpolate(x[..., 3:11, 5:13], size=16, mode="bilinear", align_corners=False)
    center = torch.tensor([[5 + 3.5 - 7.5, 3 + 3.5 - 7.5]])
    ours = warp(x, affine_points(2 * torch.eye(2)[None], -2 * center, 16, 16))
    torch.testing.assert_close(ours[..., 1:-1, 1:-1], crop[..., 1:-1, 1:-1], atol=1e-5, rtol=0)


def test_blur_matches_scipy_inside():
    x = images(1, 1, 30, 25)[0, 0].double()
    expected = ndimage.gaussian_filter(x.numpy(), 1.3, mode="constant", radius=4)
    torch.testing.assert_close(blur(x, 1.3)[5:-5, 5:-5], torch.from_numpy(expected)[5:-5, 5:-5], atol=1e-6, rtol=0)
    torch.testing.assert_close(gaussian_weights(7, 2.0).sum(1), torch.ones(7))
    with pytest.raises(ValueError, match=r"sigma debe ser positiva; se recibió 0\.0"):
        blur(x, 0.0)


def test_elastic_field_has_the_stated_size_and_is_smooth():
    field = elastic_field(4000, 9, 9, 1.5, 2.0, generator())
    torch.testing.assert_close(field.std(0), torch.full((9, 9, 2), 1.5), atol=0.1, rtol=0)
    step = (field[:, 1:] - field[:, :-1]).std()
    assert step < 0.8  # dos números independientes de desviación 1.5 diferirían en 2.1


def test_elastic_warp_matches_kornia():
    x = images(3, 1, 21, 21)
    noise = torch.randn(3, 2, 21, 21, generator=generator(1))
    kernel = kornia.filters.get_gaussian_kernel1d(13, 2.0)[0]
    theirs = kornia.geometry.transform.elastic_transform2d(x, noise, (13, 13), (2.0, 2.0), (1.0, 1.0))
    smooth = ndimage.correlate1d(noise.numpy(), kernel.numpy(), axis=-1, mode="constant")
    smooth = ndimage.correlate1d(smooth, kernel.numpy(), axis=-2, mode="constant")
    field = torch.from_numpy(smooth).permute(0, 2, 3, 1) * 21 / 2  # kornia mide en medias imágenes
    torch.testing.assert_close(warp(x, pixel_grid(21, 21) + field), theirs, atol=1e-4, rtol=0)


# --- Al azar --------------------------------------------------------------------------------------------------------

TRANSFORMS = {
    "deformar": RandomWarp(angle=20.0, shear=0.2, scale=1.2, shift=2.0, alpha=0.5),
    "reflejar": random_flip,
    "luz": RandomPhotometric(brightness=0.2, contrast=0.3, noise=0.1),
    "borrar": RandomErase(3),
}


@pytest.mark.parametrize("name", TRANSFORMS)
def test_transforms_use_only_their_generator_and_draw_per_image(name):
    transform = TRANSFORMS[name]
    x = images(1).expand(16, -1, -1, -1)
    state = torch.get_rng_state()
    first, second = transform(x, generator(3)), transform(x, generator(3))
    assert torch.equal(first, second)
    assert not torch.equal(first, transform(x, generator(4)))
    assert torch.equal(torch.get_rng_state(), state)
    assert len(first.unique(dim=0)) > 1
    assert first.shape == x.shape
    assert first.min() >= 0
    assert first.max() <= 1 + 1e-6


def test_no_strength_changes_nothing():
    x = images()
    torch.testing.assert_close(RandomWarp()(x, generator()), x)
    torch.testing.assert_close(RandomPhotometric()(x, generator()), x)


def test_warp_parameters_have_the_stated_range():
    """La imagen es un solo punto: dónde acaba dice cuánto se desplazó."""
    x = torch.zeros(500, 1, 11, 11)
    x[:, :, 5, 5] = 1
    moved = RandomWarp(shift=3.0)(x, generator())
    position = (moved[:, 0, :, :, None] * pixel_grid(11, 11)).sum((1, 2))
    assert 2.7 < position.abs().max() <= 3 + 1e-5
    assert position.mean(0).abs().max() < 0.25


def test_squares_are_whole_and_anywhere():
    side = torch.tensor([0, 1, 3, 5] * 500)
    mask = square_mask(side, 5, 7, generator())
    assert torch.equal(mask.sum((1, 2, 3)), (side**2).float())
    corner = mask[side == 3].mean(0)[0]
    assert corner[0, 0] > 0.03  # 1/15 de los sitios
    assert corner[2, 3] > 0.5  # casi todos
    with pytest.raises(ValueError, match="side debe estar entre 0 y 5; va de 6 a 6"):
        square_mask(torch.tensor([6]), 5, 7, generator())


# --- Etiquetas ------------------------------------------------------------------------------------------------------


def labelled(*lead):
    x = torch.rand(*lead, 1, 6, 6, generator=generator())
    y = F.one_hot(torch.randint(4, lead, generator=generator(1)), 4).float()
    return x, y


@pytest.mark.parametrize("augment", [mixup(0.4), cutmix(1.0)])
def test_mixes_keep_probabilities_and_nets_apart(augment):
    x, y = labelled(3, 8)
    x += 10.0 * torch.arange(3).view(3, 1, 1, 1, 1)  # los valores de cada red, en su decena
    mixed, labels = augment(x, y, generator())
    torch.testing.assert_close(labels.sum(-1), torch.ones(3, 8))
    assert ((mixed / 10).floor() == (x / 10).floor()).all()
    assert not torch.equal(mixed, x)
    again, _ = augment(x, y, generator())
    assert torch.equal(mixed, again)


def test_mixup_is_a_convex_combination_with_the_label_weights():
    """Con imágenes de un solo valor, el de su clase, la imagen mezclada es la media de la etiqueta mezclada."""
    y = torch.eye(4).repeat(20, 1)
    value = torch.arange(4.0)
    x = (y @ value).view(-1, 1, 1, 1).expand(-1, 1, 3, 3)
    for augment in (mixup(0.3),):
        mixed, labels = augment(x, y, generator())
        torch.testing.assert_close(mixed[:, 0, 1, 1], labels @ value)


def test_cutmix_labels_are_areas():
    y = torch.eye(4).repeat(20, 1)
    value = torch.arange(4.0)
    x = (y @ value).view(-1, 1, 1, 1).expand(-1, 1, 5, 5)
    mixed, labels = cutmix(1.0)(x, y, generator())
    torch.testing.assert_close(mixed.mean((1, 2, 3)), labels @ value)
    assert set(mixed.unique().tolist()) <= set(value.tolist())


def test_mixup_weights_follow_a_beta():
    y = torch.eye(2)[torch.arange(4000) % 2]
    x = (torch.arange(4000) % 2).float().view(-1, 1, 1, 1)
    mixed, _ = mixup(0.5)(x, y, generator())
    weight = mixed.flatten()[(mixed.flatten() > 0) & (mixed.flatten() < 1)]  # parejas de distinta clase
    assert stats.kstest(weight.numpy(), stats.beta(0.5, 0.5).cdf).pvalue > 1e-3
    with pytest.raises(ValueError, match=r"alpha debe ser positivo; se recibió 0\.0"):
        mixup(0.0)(x, y, generator())


def test_keep_labels():
    x, y = labelled(3, 8)
    for transform in (None, random_flip):
        out, labels = keep_labels(transform)(x, y, generator())
        assert labels is y
        assert out.shape == x.shape
    assert keep_labels(None)(x, y, generator())[0] is x


# --- Redes ----------------------------------------------------------------------------------------------------------


def test_conv_copies_match_pytorch():
    nets = ConvCopies([3, 4])
    x = torch.rand(2, 5, 1, 14, 14, generator=generator())
    for k in range(2):
        h = x[k]
        for weight, bias in zip(nets.weights[:2], nets.biases[:2], strict=True):
            h = F.conv2d(h, weight[k], bias[k], stride=2, padding=1).relu()
        expected = F.linear(h.flatten(1), nets.weights[2][k], nets.biases[2][k])
        torch.testing.assert_close(nets(x)[k], expected)
    assert torch.equal(nets.weights[1][1], ConvCopies([4]).weights[1][0])
    for weight, fan_in in zip(nets.weights, (9, 72, 256), strict=True):
        assert 0.8 * fan_in**-0.5 < weight.abs().max() <= fan_in**-0.5


def test_augmented_without_augments_is_cross_entropy():
    x = torch.rand(4, 6, 1, 3, 3, generator=generator())
    y = torch.arange(6).remainder(3).repeat(4, 1)
    nets = DenseCopies((9, 5, 3), range(4))
    index = torch.randint(6, (4, 7), generator=generator())
    losses = Augmented(nets, x, y, [keep_labels(None)] * 2).losses(index)
    rows = torch.arange(4)[:, None]
    expected = F.cross_entropy(nets(x[rows, index]).transpose(1, 2), y[rows, index], reduction="none").mean(1)
    torch.testing.assert_close(losses, expected)
    with pytest.raises(ValueError, match="augments debe repartir por igual 4 redes; tiene 3"):
        Augmented(nets, x, y, [keep_labels(None)] * 3)


def test_each_part_gets_its_augment_and_a_net_does_not_depend_on_the_rest():
    x = torch.rand(2, 6, 1, 3, 3, generator=generator())
    y = torch.arange(6).remainder(3).repeat(2, 1)
    order = torch.arange(6)
    shift = keep_labels(RandomWarp(shift=1.0))
    results = []
    for augments in ([keep_labels(None), shift], [shift]):
        nets = DenseCopies((9, 5, 3), [0, 1] * len(augments)).double()
        task = Augmented(nets, x.double().repeat(len(augments), 1, 1, 1, 1), y.repeat(len(augments), 1), augments)
        optimizer = torch.optim.SGD(nets.parameters(), lr=0.1)
        train_copies(task, optimizer, order, order, seeds=[0, 1] * len(augments), epochs=3, batch_size=4)
        results.append(nets.flat.detach())
    torch.testing.assert_close(results[0][2:], results[1])
    assert not torch.allclose(results[0][:2], results[1])


def test_predict_augmented():
    x = images(3, 1, 4, 4)

    def model(batch):
        return batch.flatten(1)[:, :5]

    p = predict_augmented(model, x, random_flip, 6, generator())
    assert p.shape == (7, 3, 5)
    torch.testing.assert_close(p[0], model(x).softmax(-1))
    torch.testing.assert_close(p.sum(-1), torch.ones(7, 3))
    # La entropía cruzada de la media no supera a la media de las entropías cruzadas.
    assert (-p.mean(0).log() <= -p.log().mean(0) + 1e-6).all()


# --- Ejercicios -----------------------------------------------------------------------------------------------------


def bilinear(image, row, column):
    total = 0.0
    for i in (int(np.floor(row)), int(np.floor(row)) + 1):
        for j in (int(np.floor(column)), int(np.floor(column)) + 1):
            if 0 <= i < image.shape[0] and 0 <= j < image.shape[1]:
                total += (1 - abs(row - i)) * (1 - abs(column - j)) * image[i, j]
    return total


def clipped(image, row, column):
    return bilinear(image, np.clip(row, 0, image.shape[0] - 1), np.clip(column, 0, image.shape[1] - 1))


def reversed_weights(image, row, column):
    i, j = int(np.floor(row)), int(np.floor(column))
    return bilinear(image, i + 1 - row % 1, j + 1 - column % 1)


def swapped_weights(image, row, column):
    return bilinear(image, np.floor(row) + column % 1, np.floor(column) + row % 1)


def negative_index(image, row, column):
    if row < 0 or column < 0:
        i, j, r, s = int(np.floor(row)), int(np.floor(column)), row % 1, column % 1
        if i >= -3 and j >= -3:
            top = (1 - s) * image[i, j] + s * image[i, j + 1]
            return (1 - r) * top + r * ((1 - s) * image[i + 1, j] + s * image[i + 1, j + 1])
    return bilinear(image, row, column)


def move_box(box, matrix, shift, corners=4, forward=True):
    x0, y0, x1, y1 = box
    points = np.array([(x0, y0), (x1, y1), (x0, y1), (x1, y0)][:corners])
    moved = points @ matrix.T + shift if forward else (points - shift) @ np.linalg.inv(matrix).T
    return [*moved.min(0), *moved.max(0)]


def unsorted_box(box, matrix, shift):
    return [*(matrix @ box[:2] + shift), *(matrix @ box[2:] + shift)]


def mix(x, y, m, partner):
    m = m[:, None]
    return m * x + (1 - m) * x[partner], m * y + (1 - m) * y[partner]


def softmax(z, axis=-1):
    e = np.exp(z - z.max(axis, keepdims=True))
    return e / e.sum(axis, keepdims=True)


RIGHT = {
    "conserva": [[True, False, True, False, False, False], (np.True_, False, True, False, False, False)],
    "origen": [[0.25, 0.5, 5], [1 / 4, 1 / 2, 5.0]],
    "bilineal": [bilinear],
    "caja": [move_box, lambda *a: np.array(move_box(*a))],
    "mezcla": [mix, lambda *a: list(mix(*a))],
    "promedio": [lambda s: softmax(s).mean(0), lambda s: torch.tensor(s).softmax(-1).mean(0)],
    "proyecto": [RandomWarp(angle=10.0, shear=0.15, scale=1.1, shift=1.0, alpha=0.5)],
}
WRONG = {
    "conserva": [
        ([True, True, True, False, False, False], "(2)"),
        ([True, False, True, True, False, False], "(4)"),
        ([True, False, True, False, False, 1], "True o False"),
    ],
    "origen": [
        ([2.5, 2, 5], "adónde va"),
        ([0, 0.5, 5], "antes de dividir"),
        ([1, 2, 5], "no multiplicar"),
        ([0.5, 0.25, 5], "primero la fila"),
        ([0.25, 0.5, 8], "más cercano"),
        ([0.25, 0.5, 7], "pesos 3/8"),
    ],
    "bilineal": [
        (lambda image, r, c: image[min(max(round(r), 0), 3), min(max(round(c), 0), 4)], "más cercano; promedia"),
        (clipped, "hay ceros"),
        (reversed_weights, "al revés"),
        (swapped_weights, "cambiados"),
        (negative_index, "desde el final"),
    ],
    "caja": [
        (unsorted_box, "vuelve a ordenar"),
        (lambda *a: move_box(*a, corners=2), "solo mueves dos"),
        (lambda *a: move_box(*a, forward=False), "Usas la inversa"),
        (lambda box, matrix, shift: move_box(box, matrix, 0 * shift), "debe moverse"),
        (lambda box, matrix, shift: box, "debe moverse"),
        (lambda box, matrix, shift: move_box(box, matrix.T, shift), "traspuesta"),
    ],
    "mezcla": [
        (lambda x, y, m, p: (mix(x, y, m, p)[0], y), "Las etiquetas no se han"),
        (lambda x, y, m, p: (x, mix(x, y, m, p)[1]), "Las entradas no se han"),
        (lambda x, y, m, p: mix(x, y, 1 - m, p), "su pareja"),
        (lambda x, y, m, p: mix(x, y, m, np.argsort(p)), "pareja[i]"),
        (lambda x, y, m, p: mix(x, y, 0 * m + m[0], p), "su propio peso"),
        (lambda x, y, m, p: (mix(x, y, m, p)[0], np.where(m[:, None] >= 0.5, y, y[p])), "que más pesa"),
    ],
    "promedio": [
        (lambda s: softmax(s.mean(0)), "Promedias los puntajes"),
        (lambda s: s.mean(0), "falta softmax"),
        (lambda s: np.eye(s.shape[2])[s.argmax(-1)].mean(0), "cuenta votos"),
        (lambda s: softmax(s).sum(0), "dividir"),
        (lambda s: softmax(s, 0).mean(0), "último eje"),
        (lambda s: softmax(s)[0], "primera versión"),
    ],
    "proyecto": [
        (lambda x, g: x, "como entraron"),
        (lambda x, g: x.flip(-1), "falta el azar"),
        (lambda x, g: x + torch.rand(x.shape), "saca de él"),
        (lambda x, g: x.flatten(1), "forma"),
        (RandomErase(4), "Mueves la tinta"),
        (RandomWarp(angle=180.0, shift=5.0), "irreconocibles"),
    ],
}

test_right, test_wrong, test_complete = exercise_tests(comprobar, RIGHT, WRONG)
