"""Redes apiladas contra las mismas redes entrenadas de una en una."""

from functools import partial

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from profundo.comun.copias import Copies, train_copies
from profundo.optimizacion.momento_y_adaptativos import SGD, Adam


def as_sequential(nets, row):
    """La red ``row`` de ``nets`` como una ``nn.Sequential``."""
    layers = nets.layers(nets.flat[row : row + 1].detach().clone())
    modules = []
    for weight, bias in zip(layers[::2], layers[1::2], strict=True):
        linear = nn.Linear(*weight.shape[1:])
        with torch.no_grad():
            linear.weight = nn.Parameter(weight[0].T)
            linear.bias = nn.Parameter(bias[0, 0])
        modules += [linear, nn.ReLU()]
    return nn.Sequential(*modules[:-1])


@pytest.mark.parametrize("rule", [partial(SGD, momentum=0.9), Adam])
def test_copies_train_like_separate_networks(rule):
    x, y = torch.rand(120, 6).double(), torch.randint(3, (120,))
    nets = Copies((6, 5, 4, 3), seeds := [7, 8, 7]).double()
    rates = torch.tensor([0.05, 0.05, 0.01]).double()[:, None]
    alone = [as_sequential(nets, row) for row in range(3)]
    torch.testing.assert_close(nets(x.expand(3, -1, -1)), torch.stack([net(x) for net in alone]))
    history = train_copies(nets, rule(nets.parameters(), lr=rates), x, y, seeds=seeds, epochs=2)
    assert history.shape == (6, 3)
    for row, net in enumerate(alone):
        optimizer = rule(net.parameters(), lr=rates[row].item())
        generator = torch.Generator().manual_seed(seeds[row])
        order = [batch for _ in range(2) for batch in torch.randperm(120, generator=generator).split(50)]
        for step, batch in enumerate(order):
            optimizer.zero_grad()
            loss = F.cross_entropy(net(x[batch]), y[batch])
            loss.backward()
            optimizer.step()
            assert history[step, row].item() == pytest.approx(loss.item(), rel=1e-9)
        torch.testing.assert_close(nets(x.expand(3, -1, -1))[row], net(x))


def test_copies_start_like_linear_layers():
    nets = Copies((100, 50, 10), range(20), gain=2.0)
    weight, bias, last, _ = nets.layers(nets.flat.detach())
    assert weight.abs().max().item() == pytest.approx(2 / 10, rel=0.01)
    assert bias.abs().max().item() == pytest.approx(1 / 10, rel=0.01)
    assert last.std().item() == pytest.approx(2 / (3 * 50) ** 0.5, rel=0.05)
    assert torch.equal(nets.flat[3], Copies((100, 50, 10), [3], gain=2.0).flat[0])


class Counter:
    """Un programa que solo cuenta sus pasos."""

    t = 0

    def step(self):
        self.t += 1


def run(**options):
    """Entrena dos redes con 50 ejemplos en lotes de 20; devuelve pérdidas, pasos del programa y épocas avisadas."""
    generator = torch.Generator().manual_seed(0)
    x, y = torch.rand(50, 6, generator=generator), torch.randint(3, (50,), generator=generator)
    nets, counter, seen = Copies((6, 5, 3), [1, 2]), Counter(), []
    options = {"seeds": [1, 2], "batch_size": 20, "scheduler": counter, "on_epoch": seen.append, **options}
    return train_copies(nets, SGD(nets.parameters(), lr=0.1), x, y, **options), counter.t, seen


def test_epochs_and_steps_are_the_same_training():
    whole, steps, seen = run(epochs=3)
    assert whole.shape == (9, 2)
    assert (steps, seen) == (9, [1, 2, 3])
    part, steps, seen = run(steps=7)
    assert torch.equal(part, whole[:7])
    assert (steps, seen) == (7, [1, 2])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "epochs o steps, y solo uno; se recibió epochs=None y steps=None"),
        ({"epochs": 1, "steps": 1}, "epochs o steps, y solo uno; se recibió epochs=1 y steps=1"),
        ({"epochs": 0}, "al menos una semilla.* epochs=0"),
        ({"steps": 0}, "al menos una semilla.* steps=0"),
        ({"epochs": 1, "seeds": []}, r"al menos una semilla.* seeds=\[\]"),
        ({"epochs": 1, "batch_size": 0}, "al menos una semilla.* batch_size=0"),
    ],
)
def test_training_explains_its_arguments(options, message):
    with pytest.raises(ValueError, match=message):
        run(**options)


def test_every_example_needs_a_target():
    nets = Copies((6, 5, 3), [1])
    with pytest.raises(ValueError, match="un valor por cada una de las 4 filas de x; tiene 3"):
        train_copies(nets, SGD(nets.parameters(), lr=0.1), torch.rand(4, 6), torch.zeros(3), seeds=[1], epochs=1)
