"""El bucle de entrenamiento contra el mismo bucle escrito a mano, y cada gancho en su lugar."""

import dataclasses
import io
import os
import pickle
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F
from tqdm.std import tqdm

from profundo.comun import estado
from profundo.comun.datos import Split
from profundo.comun.estado import load_whole
from profundo.ejercicios.fundamentos.bucle_de_entrenamiento import comprobar
from profundo.fundamentos import bucle_de_entrenamiento as loop
from profundo.fundamentos.bucle_de_entrenamiento import (
    Callback,
    Checkpoint,
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


def flat(model):
    return torch.cat([p.detach().flatten() for p in model.parameters()])


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

    def on_backward_end(self, trainer):
        assert all(p.grad is not None for p in trainer.model.parameters())
        self.before = flat(trainer.model)
        self.calls.append("gradiente")

    def on_batch_end(self, trainer, loss):
        assert not loss.requires_grad
        assert not torch.equal(self.before, flat(trainer.model))
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
    epoch = ["gradiente", "lote", "gradiente", "lote", "medidas train_loss train_accuracy"]
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


# --- La barra de progreso ---------------------------------------------------------------------------------------


def test_progress_bar_follows_the_steps(data, monkeypatch):
    bars = []

    def shown_bar(total, unit):
        bars.append(tqdm(total=total, unit=unit, file=io.StringIO(), mininterval=0, leave=False))
        return bars[-1]

    monkeypatch.setattr(loop, "open_bar", shown_bar)
    trainer = make_trainer(ProgressBar())
    trainer.fit(make_loader(*data, batch_size=7), epochs=2)
    trainer.fit(make_loader(*data, batch_size=7), epochs=1)
    assert [(bar.n, bar.total, bar.unit) for bar in bars] == [(20, 20, "lote"), (10, 10, "lote")]
    assert "época 2" in bars[0].fp.getvalue()


# --- Reanudar -----------------------------------------------------------------------------------------------------

SCRIPT = """
import os, signal, sys
from pathlib import Path

import torch
import torch.distributed as dist
from torch import nn

from profundo.comun import estado
from profundo.comun.datos import Split
from profundo.fundamentos.bucle_de_entrenamiento import Callback, Checkpoint, KeepBest, Settings, Trainer, accuracy
from profundo.fundamentos.bucle_de_entrenamiento import make_loader, train_classifier


def die():
    os.kill(os.getpid(), signal.SIGKILL)


class Dies(Callback):
    def __init__(self, step):
        self.step = step

    def on_batch_end(self, trainer, loss):
        if trainer.step == self.step:
            die()


def split():
    x = torch.randn(91, 4, generator=torch.Generator().manual_seed(8))
    y = (x[:, 0] + 0.3 * x[:, 1] > 0).long()
    return Split(x[:60], y[:60], x[60:], y[60:], x[:1], y[:1])


def train(path, *callbacks, dropout=0.3, epochs=6):
    def build():
        return nn.Sequential(nn.Linear(4, 8), nn.Dropout(dropout), nn.ReLU(), nn.Linear(8, 2))

    hooks = [KeepBest("val_accuracy", "max"), *callbacks, Checkpoint(path)]
    return train_classifier(build, split(), Settings(epochs=epochs, batch_size=16, lr=0.05), callbacks=hooks)


def killed_in_a_batch(folder):
    train(folder / "punto.pt", Dies(step=14))


def killed_while_saving(folder):
    real, calls = os.fsync, []

    def fsync(descriptor):
        calls.append(1)
        if len(calls) == 4:
            os.truncate(folder / "punto.pt.parcial", 500)
            die()
        real(descriptor)

    estado.os.fsync = fsync
    train(folder / "punto.pt")


def together(folder):
    dist.init_process_group("gloo")
    rank = dist.get_rank()
    model, history = train(folder / "dos.pt", dropout=0.0)
    norm = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Linear(8, 2))
    trainer = Trainer(norm, nn.functional.cross_entropy, torch.optim.SGD(norm.parameters(), 0.1))
    data = split()
    loaders = [make_loader(data.x_train, data.y_train, batch_size=16, shuffle_seed=0)]
    loaders += [make_loader(data.x_val, data.y_val, batch_size=8)]
    trainer.fit(*loaders, epochs=2)
    try:
        trainer.fit([1] * (rank + 1), epochs=1)
    except ValueError as error:
        message = str(error)
    out = {"model": model.state_dict(), "history": history, "message": message}
    out |= {"norm": norm.state_dict(), "norm_history": trainer.history}
    torch.save(out, folder / f"proceso{rank}.pt")
    dist.destroy_process_group()


if __name__ == "__main__":
    globals()[sys.argv[1]](Path(sys.argv[2]))
"""


@pytest.fixture(scope="module")
def script(tmp_path_factory):
    """El guion que otro proceso ejecuta, y él mismo como módulo de este."""
    path = tmp_path_factory.mktemp("guion") / "entrena.py"
    path.write_text(SCRIPT, encoding="utf-8")
    namespace = {"__name__": "entrena"}
    exec(compile(SCRIPT, str(path), "exec"), namespace)
    return path, namespace["train"]


def run(*command):
    environment = os.environ | {"PYTHONPATH": str(Path(loop.__file__).parents[2]), "OMP_NUM_THREADS": "1"}
    return subprocess.run([sys.executable, *map(str, command)], env=environment, capture_output=True, text=True)


def same(a, b):
    """Igualdad bit a bit de dos estados."""
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[key], b[key]) for key in a)
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(same, a, b))
    return torch.equal(a, b) if isinstance(a, torch.Tensor) else a == b


@pytest.mark.parametrize("job", ["killed_in_a_batch", "killed_while_saving"])
def test_a_killed_training_resumes_bit_by_bit(script, tmp_path, job):
    path, train = script
    dead = run(path, job, tmp_path)
    assert dead.returncode == -signal.SIGKILL, dead.stderr
    saved = load_whole(tmp_path / "punto.pt")
    assert saved["progress"][0] == 3  # murió en la época 4, que tiene los pasos del 13 al 16
    model, history = train(tmp_path / "punto.pt")
    whole, whole_history = train(tmp_path / "entero.pt")
    assert history == whole_history
    assert len(history["val_loss"]) == 6
    assert torch.equal(flat(model), flat(whole))
    resumed, uninterrupted = (load_whole(tmp_path / f"{name}.pt") for name in ("punto", "entero"))
    for state in (resumed, uninterrupted):
        del state["random"]["python"]  # lo gasta beartype al comprobar listas, y solo en estas pruebas
    assert same(resumed, uninterrupted)


def test_two_processes_equal_one(script, tmp_path):
    path, train = script
    outcome = run("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", 2, path, "together", tmp_path)
    assert outcome.returncode == 0, outcome.stderr
    first, second = (torch.load(tmp_path / f"proceso{rank}.pt", weights_only=True) for rank in range(2))
    model, history = train(tmp_path / "uno.pt", dropout=0.0)
    assert sorted(first["history"]) == sorted(history)
    for name, values in history.items():
        assert first["history"][name] == second["history"][name]
        assert first["history"][name] == pytest.approx(values, rel=1e-4)
    torch.testing.assert_close(first["model"], dict(model.state_dict()), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(first["model"], second["model"], rtol=0, atol=0)
    # Con normalización por lotes cada proceso normaliza su parte, pero todos terminan con las mismas medias móviles.
    torch.testing.assert_close(first["norm"], second["norm"], rtol=0, atol=0)
    assert first["norm_history"] == second["norm_history"]
    assert (
        first["message"] == second["message"] == "train_loader debe dar los mismos lotes en cada proceso; da de 1 a 2"
    )
    # El archivo lo escribió un solo proceso y un tercero puede seguir con él.
    assert load_whole(tmp_path / "dos.pt")["progress"][0] == 6
    assert train(tmp_path / "dos.pt", dropout=0.0)[1] == first["history"]


class Stops(Callback):
    """Interrumpe el entrenamiento en un paso."""

    def __init__(self, step):
        self.step = step

    def on_batch_end(self, trainer, loss):
        if trainer.step == self.step:
            raise KeyboardInterrupt


def checkpointed(path, *callbacks, hidden=8, optimizer=None, cycle=None, data=None):
    torch.manual_seed(3)
    model = nn.Sequential(nn.Linear(4, hidden), nn.Dropout(0.3), nn.Tanh(), nn.Linear(hidden, 2))
    optimizer = (optimizer or torch.optim.Adam)(model.parameters(), lr=0.01)
    return Trainer(model, F.cross_entropy, optimizer, callbacks=[OneCycle(0.1), *callbacks, Checkpoint(path)])


@pytest.mark.parametrize("step", [1, 5, 6, 11, 19])
def test_resuming_equals_not_stopping(data, tmp_path, step):
    def loaders():
        return make_loader(*data, batch_size=16, shuffle_seed=4), make_loader(*data, batch_size=32)

    whole = checkpointed(tmp_path / "a.pt", KeepBest())
    whole.fit(*loaders(), epochs=4)
    with pytest.raises(KeyboardInterrupt):
        checkpointed(tmp_path / "b.pt", KeepBest(), Stops(step)).fit(*loaders(), epochs=4)
    torch.rand(step)  # el azar del programa sigue su camino
    resumed = checkpointed(tmp_path / "b.pt", KeepBest())
    resumed.fit(*loaders(), epochs=4)
    assert resumed.history == whole.history
    assert torch.equal(flat(resumed.model), flat(whole.model))
    assert (resumed.epoch, resumed.step) == (4, 20)
    # Lanzarlo otra vez no entrena más.
    again = checkpointed(tmp_path / "b.pt", KeepBest())
    assert again.fit(*loaders(), epochs=4) == whole.history
    assert torch.equal(flat(again.model), flat(whole.model))


def test_a_stopped_training_stays_stopped(data, tmp_path):
    for _ in range(2):
        trainer = checkpointed(tmp_path / "p.pt", Recorder(stop_at=2))
        assert len(trainer.fit(make_loader(*data, batch_size=70), epochs=5)["train_loss"]) == 2


def test_more_epochs_can_be_asked_later(data, tmp_path):
    def trainer():
        trainer = make_trainer(Checkpoint(tmp_path / "p.pt"))
        return trainer, make_loader(*data, batch_size=16, shuffle_seed=1)

    first, loader = trainer()
    first.fit(loader, epochs=2)
    second, loader = trainer()
    assert len(second.fit(loader, epochs=5)["train_loss"]) == 5
    short, loader = trainer()
    with pytest.raises(ValueError, match="epochs debe llegar a la época 5, ya entrenada; llega a la 3"):
        short.fit(loader, epochs=3)


def refuses(path, trainer, data, match):
    """El entrenador se niega a reanudar y no cambia ni el archivo ni el modelo."""
    content, weights = path.read_bytes(), flat(trainer.model)
    with pytest.raises(ValueError, match=match):
        trainer.fit(make_loader(*data, batch_size=16, shuffle_seed=4), epochs=2)
    assert path.read_bytes() == content
    assert torch.equal(flat(trainer.model), weights)
    assert trainer.history == {}


@pytest.fixture
def saved(data, tmp_path):
    path = tmp_path / "punto.pt"
    checkpointed(path).fit(make_loader(*data, batch_size=16, shuffle_seed=4), epochs=2)
    return path


UNTOUCHED = r"punto.pt» no sirve para reanudar y queda intacto; apártalo para empezar de cero: .*"


@pytest.mark.parametrize("kept", [0, 1, 0.1, 0.5, 0.9, 0.999])
def test_a_truncated_checkpoint_is_refused(data, saved, kept):
    content = saved.read_bytes()
    saved.write_bytes(content[: kept if isinstance(kept, int) else int(kept * len(content))])
    refuses(saved, checkpointed(saved), data, UNTOUCHED + "incompleto, dañado o trae código")


@pytest.mark.parametrize("place", np.linspace(0.02, 0.98, 13))
def test_a_flipped_bit_is_refused(data, saved, place):
    content = bytearray(saved.read_bytes())
    # Un bit de los datos: los del relleno del ZIP no cambian nada.
    weights = load_whole(saved)["model"]["0.weight"].numpy().tobytes()
    content[bytes(content).index(weights) + int(place * len(weights))] ^= 1
    saved.write_bytes(content)
    torch.load(saved, weights_only=True)  # no lo nota
    refuses(saved, checkpointed(saved), data, UNTOUCHED + "incompleto, dañado o trae código")


class Intruder:
    def __reduce__(self):
        return os.abort, ()


@pytest.mark.parametrize("save", [torch.save, lambda value, path: path.write_bytes(pickle.dumps(value))])
def test_a_checkpoint_cannot_run_code(data, saved, save):
    save(Intruder(), saved)
    refuses(saved, checkpointed(saved), data, UNTOUCHED + "trae código")


@pytest.mark.parametrize("content", [torch.zeros(3), {"0.weight": torch.zeros(8, 4)}, [1, 2]])
def test_other_data_is_not_a_checkpoint(data, saved, content):
    torch.save(content, saved)
    refuses(saved, checkpointed(saved), data, UNTOUCHED + "le faltan el optimizador, el azar y lo demás")


@pytest.mark.parametrize(
    ("options", "callbacks", "match"),
    [
        ({"hidden": 9}, (), r"«0.weight» es torch.float32 \(8, 4\) en el archivo y torch.float32 \(9, 4\) en este"),
        ({"optimizer": torch.optim.SGD}, (), r"«optimizador» es Adam \[4\] en el archivo y SGD \[4\] en este"),
        ({}, (KeepBest(),), "«ganchos» es OneCycle en el archivo y OneCycle, KeepBest en este"),
    ],
)
def test_a_checkpoint_of_another_training_is_refused(data, saved, options, callbacks, match):
    refuses(saved, checkpointed(saved, *callbacks, **options), data, UNTOUCHED + match)


def test_a_checkpoint_of_another_cycle_or_loader_is_refused(data, saved):
    x, y = data
    trainer = checkpointed(saved)
    with pytest.raises(ValueError, match=UNTOUCHED + "el ciclo guardado es de 10 pasos, no 15"):
        trainer.fit(make_loader(x, y, batch_size=16, shuffle_seed=4), epochs=3)
    with pytest.raises(ValueError, match=UNTOUCHED + "«generadores» es 1 en el archivo y 2 en este"):
        checkpointed(saved).fit(
            make_loader(x, y, batch_size=16, shuffle_seed=4), make_loader(x, y, batch_size=9), epochs=2
        )


def test_hooks_without_memory_may_change(data, saved):
    trainer = checkpointed(saved, Callback(), ProgressBar())
    assert len(trainer.fit(make_loader(*data, batch_size=16, shuffle_seed=4), epochs=2)["train_loss"]) == 2


def test_checkpoint_must_be_last(data, tmp_path):
    trainer = make_trainer(Checkpoint(tmp_path / "p.pt"), KeepBest("train_loss"))
    with pytest.raises(ValueError, match="Checkpoint debe ser el último de callbacks"):
        trainer.fit(make_loader(*data, batch_size=35), epochs=1)
    assert not list(tmp_path.iterdir())


def test_a_full_disk_keeps_the_last_checkpoint(data, tmp_path, monkeypatch):
    path, loader = tmp_path / "p.pt", make_loader(*data, batch_size=35)
    make_trainer(Checkpoint(path)).fit(loader, epochs=1)
    before = path.read_bytes()

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(estado.os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        make_trainer(Checkpoint(path)).fit(loader, epochs=2)
    assert path.read_bytes() == before


# --- Los ejercicios ---------------------------------------------------------------------------------------------


def fails(exercise, answer, fragment):
    verdict = comprobar.check(exercise, answer)
    assert verdict.status == "incorrecta", verdict
    assert fragment in verdict.message


@pytest.mark.parametrize(
    ("answer", "fragment"),
    [
        (lambda m, n: np.dot(m, n), "suma de todos los ejemplos"),
        (lambda m, n: np.dot(m, n) / len(m), "entre el número de lotes"),
        (lambda m, n: sum(m) / sum(n), "Multiplica cada medida"),
        (lambda m, n: np.mean(m), "media de los lotes"),
        (lambda m, n: np.dot(m, n) / sum(n) + 0.01, "se esperaba"),
    ],
)
def test_promedio_teaches(answer, fragment):
    fails("promedio", answer, fragment)


def epoch(model, loss_fn, optimizer, loader, *, train=True, clear=True, step=True, order=True, tensor=False, how="n"):
    if train:
        model.train()
    losses, sizes = [], []
    for x, y in loader:
        if clear:
            optimizer.zero_grad()
        if not order:
            optimizer.step()
        loss = loss_fn(model(x), y)
        loss.backward()
        if step and order:
            optimizer.step()
        losses.append(loss.item())
        sizes.append(len(y))
    if tensor:
        return loss
    total = float(np.dot(losses, sizes))
    return {"n": total / sum(sizes), "lotes": np.mean(losses), "suma": total, "último": losses[-1]}[how]


@pytest.mark.parametrize(
    ("slip", "fragment"),
    [
        ({"train": False}, "falta `model.train()`"),
        ({"clear": False}, "falta `optimizer.zero_grad()`"),
        ({"step": False}, "Los pesos no cambian"),
        ({"order": False}, "están en otro orden"),
        ({"tensor": True}, "Devuelves un tensor"),
        ({"how": "lotes"}, "pesa cada pérdida"),
        ({"how": "suma"}, "falta dividir"),
        ({"how": "último"}, "la pérdida del último lote"),
    ],
)
def test_epoca_teaches(slip, fragment):
    fails("epoca", lambda *a: epoch(*a, **slip), fragment)


def test_epoca_rejects_two_rounds():
    fails("epoca", lambda *a: [epoch(*a), epoch(*a)][1], "una sola vuelta")


def evaluation(model, loader, *, mode=True, evaluate=True, no_grad=True, scale=1.0, by_batch=False):
    was = model.training
    if evaluate:
        model.eval()
    with torch.set_grad_enabled(not no_grad):
        hits = [(model(x).argmax(1) == y).double() for x, y in loader]
    if mode:
        model.train(was)
    return np.mean([h.mean() for h in hits]) if by_batch else scale * torch.cat(hits).mean().item()


@pytest.mark.parametrize(
    ("slip", "fragment"),
    [
        ({"evaluate": False}, "Falta `eval()`"),
        ({"no_grad": False}, "falta `torch.no_grad()`"),
        ({"mode": False}, "recuerda el modo"),
        ({"by_batch": True}, "pesa de más"),
        ({"scale": 100}, "no en porcentaje"),
    ],
)
def test_evaluacion_teaches(slip, fragment):
    fails("evaluacion", lambda *a: evaluation(*a, **slip), fragment)


def clipping(clip, hook="on_backward_end"):
    """Una clase de gancho que recorta con ``clip(parámetros, máximo)``."""

    class Clips(Callback):
        def __init__(self, max_norm):
            self.max_norm = max_norm

    def run(self, trainer, *_):
        clip(list(trainer.model.parameters()), self.max_norm)

    setattr(Clips, hook, run)
    return Clips


def each(parameters, limit):
    for p in parameters:
        nn.utils.clip_grad_norm_([p], limit)


def always(parameters, limit):
    norm = torch.cat([p.grad.flatten() for p in parameters]).norm()
    for p in parameters:
        p.grad *= limit / norm


@pytest.mark.parametrize(
    ("answer", "fragment"),
    [
        (clipping(nn.utils.clip_grad_norm_, "on_batch_end"), "no se recorta a tiempo"),
        (clipping(each), "por separado"),
        (clipping(nn.utils.clip_grad_value_), "cambias su dirección"),
        (clipping(always), "también los gradientes pequeños"),
        (clipping(lambda p, c: nn.utils.clip_grad_norm_(p, c / 2)), "tiene norma"),
        (clipping(nn.utils.clip_grad_norm_)(1.0), "Pasa su nombre sin paréntesis"),
    ],
)
def test_recorte_teaches(answer, fragment):
    fails("recorte", answer, fragment)


def averaging(*, copies=True, saved=("average",), swap=False, hook="on_batch_end", zero=False, late=False):
    """Una clase de media móvil con un descuido."""

    class Averages(Callback):
        def __init__(self, decay):
            self.decay = 1 - decay if swap else decay
            self.average = None

        def copy(self, trainer):
            parameters = {name: p.detach() for name, p in trainer.model.named_parameters()}
            self.average = {name: p.clone() if copies else p for name, p in parameters.items()}
            if zero:
                self.average = {name: torch.zeros_like(p) for name, p in parameters.items()}

        def on_fit_start(self, trainer, total_steps):
            if not late:
                self.copy(trainer)

    @torch.no_grad()
    def update(self, trainer, *_):
        if self.average is None:
            self.copy(trainer)
        else:
            for name, p in trainer.model.named_parameters():
                self.average[name].lerp_(p, 1 - self.decay)

    Averages.saved = saved
    setattr(Averages, hook, update)
    return Averages


def test_media_accepts_a_right_answer():
    assert comprobar.check("media", averaging()).status == "correcta"


@pytest.mark.parametrize(
    ("slip", "fragment"),
    [
        ({"copies": False}, "guarda copias"),
        ({"saved": ()}, "¿está `average` en `saved`?"),
        ({"swap": True}, "están cambiados"),
        ({"hook": "on_epoch_end"}, "una vez por época"),
        ({"hook": "on_fit_end"}, "no sigue la fórmula"),
        ({"zero": True}, "empieza en cero"),
        ({"late": True}, "Empiezas en los pesos tras el primer paso"),
    ],
)
def test_media_teaches(slip, fragment):
    fails("media", averaging(**slip), fragment)
