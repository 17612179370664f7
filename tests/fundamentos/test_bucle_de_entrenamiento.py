"""El bucle de entrenamiento contra el mismo bucle escrito a mano, y cada gancho en su lugar."""

import dataclasses
import fcntl
import os
import pty
import struct
import termios
from pathlib import Path

import nbformat
import numpy as np
import pytest
import torch
from nbclient import NotebookClient
from torch import nn
from torch.nn import functional as F

from profundo.comun.datos import Split
from profundo.fundamentos import bucle_de_entrenamiento as loop
from profundo.fundamentos.bucle_de_entrenamiento import (
    Callback,
    KeepBest,
    OneCycle,
    ProgressBar,
    Settings,
    Trainer,
    accuracy,
    make_loader,
    predict,
    train_classifier,
)


@pytest.fixture
def data():
    x = torch.randn(70, 4)
    return x, (x[:, 0] > 0).long()


def make_trainer(*callbacks, lr=0.1, model=None):
    torch.manual_seed(3)
    model = model or nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 2))
    optimizer = torch.optim.SGD(model.parameters(), lr=lr, momentum=0.9)
    return Trainer(model, F.cross_entropy, optimizer, metrics={"accuracy": accuracy}, callbacks=callbacks)


def test_fit_equals_a_handwritten_loop_bit_by_bit(data):
    x, y = data
    trainer = make_trainer()
    history = trainer.fit(make_loader(x, y, batch_size=16, shuffle_seed=5), make_loader(x, y, batch_size=32), epochs=3)

    twin = make_trainer()
    loader = make_loader(x, y, batch_size=16, shuffle_seed=5)
    for epoch in range(3):
        total = 0.0
        for xb, yb in loader:
            twin.optimizer.zero_grad()
            loss = F.cross_entropy(twin.model(xb), yb)
            loss.backward()
            twin.optimizer.step()
            total += loss.item() * len(yb)
        assert history["train_loss"][epoch] == pytest.approx(total / 70, rel=1e-6)
    for mine, theirs in zip(trainer.model.parameters(), twin.model.parameters(), strict=True):
        torch.testing.assert_close(mine, theirs, rtol=0, atol=0)
    with torch.no_grad():
        logits = twin.model(x)
    assert history["val_loss"][-1] == pytest.approx(F.cross_entropy(logits, y).item(), rel=1e-6)
    assert history["val_accuracy"][-1] == pytest.approx((logits.argmax(1) == y).double().mean().item(), rel=1e-6)
    assert sorted(history) == ["train_accuracy", "train_loss", "val_accuracy", "val_loss"]
    assert all(len(values) == 3 for values in history.values())


def test_evaluate_does_not_train(data):
    x, y = data
    model = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Dropout(0.5), nn.Linear(8, 2))
    trainer = make_trainer(model=model)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    first = trainer.evaluate(make_loader(x, y, batch_size=7))
    assert first == pytest.approx(trainer.evaluate(make_loader(x, y, batch_size=70)), rel=1e-5)
    assert not model.training
    assert all(p.grad is None for p in model.parameters())
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    trainer.train_epoch(make_loader(x, y, batch_size=7))
    assert model.training
    assert torch.is_grad_enabled()


class Recorder(Callback):
    def __init__(self, stop_at=None):
        self.calls, self.stop_at = [], stop_at

    def on_fit_start(self, trainer, total_steps):
        self.calls.append(f"inicio {total_steps}")

    def on_epoch_start(self, trainer):
        assert len(trainer.history.get("train_loss", [])) == trainer.epoch - 1
        self.calls.append(f"época {trainer.epoch}")

    def on_batch_end(self, trainer, loss):
        assert not loss.requires_grad
        self.calls.append("lote")

    def on_epoch_end(self, trainer, record):
        assert {name: values[-1] for name, values in trainer.history.items()} == record
        self.calls.append("medidas " + " ".join(record))
        trainer.should_stop = trainer.epoch == self.stop_at

    def on_fit_end(self, trainer):
        self.calls.append("fin")


def test_hooks_run_in_order(data):
    recorder = Recorder()
    make_trainer(Callback(), recorder).fit(make_loader(*data, batch_size=35), epochs=2)
    epoch = ["lote", "lote", "medidas train_loss train_accuracy"]
    assert recorder.calls == ["inicio 4", "época 1", *epoch, "época 2", *epoch, "fin"]


def test_a_hook_can_stop_and_fit_can_continue(data):
    recorder = Recorder(stop_at=2)
    trainer = make_trainer(recorder)
    loader = make_loader(*data, batch_size=70)
    assert len(trainer.fit(loader, epochs=9)["train_loss"]) == 2
    assert recorder.calls[-1] == "fin"
    assert len(trainer.fit(loader, epochs=3)["train_loss"]) == 5
    assert trainer.epoch == 5


def test_two_fits_equal_one(data):
    once, twice = make_trainer(), make_trainer()
    loader, same = (make_loader(*data, batch_size=16, shuffle_seed=1) for _ in range(2))
    once.fit(loader, epochs=4)
    twice.fit(same, epochs=1)
    twice.fit(same, epochs=3)
    assert once.history == twice.history


def test_on_fit_end_runs_when_training_fails(data):
    class Breaks(Callback):
        def on_batch_end(self, trainer, loss):
            raise KeyboardInterrupt

    recorder = Recorder()
    with pytest.raises(KeyboardInterrupt):
        make_trainer(recorder, Breaks()).fit(make_loader(*data, batch_size=35), epochs=2)
    assert recorder.calls[-1] == "fin"


@pytest.mark.parametrize("epochs", [0, -1])
def test_epochs_must_be_positive(data, epochs):
    with pytest.raises(ValueError, match=rf"epochs debe ser un entero positivo; se recibió {epochs}"):
        make_trainer().fit(make_loader(*data, batch_size=35), epochs=epochs)


class ScriptedWeights(Callback):
    """Pone en el modelo, al final de cada época, un peso conocido y una pérdida de validación de guion."""

    def __init__(self, losses):
        self.losses = losses

    def on_epoch_end(self, trainer, record):
        record["val_loss"] = self.losses[trainer.epoch - 1]
        with torch.no_grad():
            trainer.model[0].bias.fill_(float(trainer.epoch))


@pytest.mark.parametrize(
    ("mode", "losses", "expected"),
    [
        ("min", [0.5, 0.2, 0.3], 2),
        ("max", [0.5, 0.2, 0.3], 1),
        ("min", [float("nan"), 0.4, 0.4], 2),
        ("min", [float("nan")] * 3, None),
    ],
)
def test_keep_best_restores_the_best_epoch(data, mode, losses, expected):
    keep = KeepBest(mode=mode)
    trainer = make_trainer(ScriptedWeights(losses), keep)
    loader = make_loader(*data, batch_size=70)
    trainer.fit(loader, loader, epochs=3)
    assert keep.best_epoch == expected
    assert (trainer.model[0].bias == (expected or 3)).all()


def test_keep_best_explains_its_arguments(data):
    with pytest.raises(ValueError, match="mode debe ser 'min' o 'max'; se recibió 'menor'"):
        KeepBest(mode="menor")
    message = "monitor debe ser una de train_loss, train_accuracy; se recibió 'val_loss'"
    with pytest.raises(ValueError, match=message):
        make_trainer(KeepBest()).fit(make_loader(*data, batch_size=35), epochs=1)


def test_one_cycle_rises_then_falls(data):
    rates = []

    class Watch(Callback):
        def on_batch_end(self, trainer, loss):
            rates.append(trainer.optimizer.param_groups[0]["lr"])

    make_trainer(Watch(), OneCycle(0.4)).fit(make_loader(*data, batch_size=7), epochs=2)
    peak = int(np.argmax(rates))
    assert len(rates) == 20
    assert max(rates) == pytest.approx(0.4, rel=0.02)
    assert (np.diff(rates[: peak + 1]) > 0).all()
    assert (np.diff(rates[peak:]) < 0).all()
    assert rates[-1] < 0.02 * 0.4


def test_loader_order_is_its_own(data):
    x, y = torch.arange(20.0)[:, None], torch.arange(20)

    def epochs(seed):
        loader = make_loader(x, y, batch_size=6, shuffle_seed=seed)
        return [torch.cat([labels for _, labels in loader]).tolist() for _ in range(2)]

    torch.manual_seed(0)
    first = epochs(1)
    state = torch.random.get_rng_state()
    assert epochs(1) == first  # aunque el generador global esté en otro punto
    assert torch.equal(torch.random.get_rng_state(), state)  # y sin moverlo
    assert first[0] != first[1]
    assert epochs(2) != first
    assert epochs(None) == [list(range(20))] * 2
    assert all(sorted(order) == list(range(20)) for order in first)


@pytest.fixture
def split():
    x = torch.randn(90, 4)
    y = (x[:, 0] > 0).long()
    return Split(x[:60], y[:60], x[60:], y[60:], torch.full((1, 4), torch.nan), y[:1])


def build():
    return nn.Sequential(nn.Linear(4, 8), nn.Dropout(0.2), nn.ReLU(), nn.Linear(8, 2))


def test_train_classifier_is_reproducible(split):
    settings = Settings(epochs=10, batch_size=16, lr=0.05, seed=4)
    runs = [train_classifier(build, split, settings) for _ in range(2)]
    assert runs[0][1] == runs[1][1]
    other = train_classifier(build, split, dataclasses.replace(settings, seed=5))
    assert other[1] != runs[0][1]
    assert runs[0][1]["val_accuracy"][-1] > 0.8
    a, b = (predict(model, split.x_val, batch_size=7) for model, _ in runs)
    torch.testing.assert_close(a, b, rtol=0, atol=0)
    assert not a.requires_grad


def test_train_classifier_accepts_loss_and_callbacks(split):
    keep = KeepBest("val_accuracy", "max")
    model, history = train_classifier(
        build, split, Settings(epochs=4, batch_size=16, lr=0.02), loss_fn=F.multi_margin_loss, callbacks=[keep]
    )
    best = history["val_accuracy"][keep.best_epoch - 1]
    assert best == max(history["val_accuracy"])
    assert accuracy(predict(model, split.x_val), split.y_val).item() == pytest.approx(best)


def test_settings_are_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Settings(epochs=1, batch_size=1, lr=0.1).lr = 0.2


def test_progress_is_silent_when_not_interactive(data, capfd, monkeypatch):
    monkeypatch.delenv("PROFUNDO_PROGRESO", raising=False)
    make_trainer(ProgressBar()).fit(make_loader(*data, batch_size=7), epochs=2)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("wanted", [True, False])
def test_progress_on_a_terminal(data, monkeypatch, wanted):
    monkeypatch.setenv("PROFUNDO_PROGRESO", "1" if wanted else "0")
    reader, writer = pty.openpty()
    with os.fdopen(writer, "w") as terminal:
        monkeypatch.setattr(loop.sys, "stderr", terminal)
        fcntl.ioctl(writer, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 100, 0, 0))  # 30 filas de 100 columnas
        make_trainer(ProgressBar()).fit(make_loader(*data, batch_size=7), epochs=2)
        os.set_blocking(reader, False)
        try:
            shown = os.read(reader, 100_000).decode()
        except BlockingIOError:
            shown = ""
    os.close(reader)
    assert ("lote" in shown) == wanted
    if wanted:
        assert not shown.rpartition("\r")[2].strip()  # la última línea queda en blanco


NOTEBOOK = """
from torch import nn, randn
from profundo.comun.datos import Split
from profundo.fundamentos.bucle_de_entrenamiento import Settings, train_classifier
x = randn(200, 4)
y = (x[:, 0] > 0).long()
print("antes")
_ = train_classifier(lambda: nn.Linear(4, 2), Split(x, y, x, y, x, y), Settings(epochs=2, batch_size=16, lr=0.1))
print("después")
"""


class ListeningClient(NotebookClient):
    """Guarda lo que el cuaderno muestra mientras corre, además de lo que deja."""

    shown: list

    def process_message(self, message, cell, index):
        if message["msg_type"] == "update_display_data":
            self.shown.append(message["content"]["data"].get("text/plain", ""))
        return super().process_message(message, cell, index)


@pytest.mark.filterwarnings("ignore")  # avisos de la red local del núcleo, ajenos al libro
def test_progress_in_a_notebook_leaves_nothing():
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(NOTEBOOK)])
    client = ListeningClient(notebook, kernel_name="python3", timeout=60)
    client.shown = []
    code = str(Path(loop.__file__).parents[2])
    with client.setup_kernel(env=os.environ | {"PROFUNDO_PROGRESO": "1", "PYTHONPATH": code}):
        client.execute_cell(notebook.cells[0], 0)
    assert any("época" in text or "lote" in text for text in client.shown)
    outputs = [o for o in notebook.cells[0].outputs if o.output_type != "display_data" or o.data]
    assert "".join(o.text for o in outputs) == "antes\ndespués\n"
    assert {o.name for o in outputs} == {"stdout"}
