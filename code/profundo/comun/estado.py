"""Estado que se puede guardar y recuperar: el de un entrenamiento, el del azar, y archivos que no quedan a medias."""

import os
import random
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

State = Mapping[str, Any]  # tensores, números, textos, listas y diccionarios: lo que torch.load lee sin ejecutar código


def random_state(*generators: torch.Generator) -> State:
    """En qué punto están los generadores de Python, NumPy y PyTorch, y los que se den además."""
    kind, keys, *rest = np.random.get_state()  # noqa: NPY002 (el global, que usan otras bibliotecas)
    return {
        "python": random.getstate(),
        "numpy": (kind, torch.from_numpy(np.asarray(keys, dtype=np.int64)), *rest),
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state() if torch.cuda.is_initialized() else None,
        "others": [generator.get_state() for generator in generators],
    }


def set_random_state(state: State, *generators: torch.Generator) -> None:
    """Vuelve al punto que devolvió :func:`random_state` con los mismos generadores, en el mismo orden."""
    random.setstate(state["python"])
    kind, keys, *rest = state["numpy"]
    np.random.set_state((kind, keys.numpy(), *rest))  # noqa: NPY002
    torch.set_rng_state(state["torch"])
    if state["cuda"] is not None and torch.cuda.is_available():
        torch.cuda.set_rng_state(state["cuda"])
    for generator, saved in zip(generators, state["others"], strict=True):
        generator.set_state(saved)


def capture(trainer: Any) -> State:
    """Todo lo que un ``Trainer`` necesita para seguir, desde el final de una época, como si no se hubiera parado."""
    return {
        "identity": _identity(trainer),
        "progress": (trainer.epoch, trainer.step, trainer.should_stop, trainer.history),
        "model": trainer.model.state_dict(),
        "optimizer": trainer.optimizer.state_dict(),
        "callbacks": [callback.state_dict() for callback in _with_memory(trainer)],
        "random": random_state(*trainer.generators),
    }


def restore(trainer: Any, state: Any) -> None:
    """Devuelve a un ``Trainer`` lo que dio :func:`capture`.

    Raises:
        ValueError: antes de tocar el modelo, si ``state`` es de otro entrenamiento.
    """
    if not isinstance(state, Mapping) or "identity" not in state:
        raise ValueError("son datos, pero no los de un entrenamiento: le faltan el optimizador, el azar y lo demás")
    there, here = state["identity"], _identity(trainer)
    for what in here | there:
        if here.get(what) != there.get(what):
            raise ValueError(f"«{what}» es {there.get(what)} en el archivo y {here.get(what)} en este entrenamiento")
    for callback, saved in zip(_with_memory(trainer), state["callbacks"], strict=True):
        callback.load_state_dict(saved)
    trainer.epoch, trainer.step, trainer.should_stop, trainer.history = state["progress"]
    trainer.model.load_state_dict(state["model"])
    trainer.optimizer.load_state_dict(state["optimizer"])
    set_random_state(state["random"], *trainer.generators)


def _with_memory(trainer: Any) -> list[Any]:
    """Los ganchos que tienen algo que conservar; los demás pueden cambiar al reanudar."""
    return [callback for callback in trainer.callbacks if callback.state_dict()]


def _identity(trainer: Any) -> dict[str, str]:
    """Lo que distingue un entrenamiento de otro: los pesos, el optimizador, los ganchos y los cargadores barajados."""
    weights = {name: f"{value.dtype} {tuple(value.shape)}" for name, value in trainer.model.state_dict().items()}
    groups = [len(group["params"]) for group in trainer.optimizer.param_groups]
    return weights | {
        "optimizador": f"{type(trainer.optimizer).__name__} {groups}",
        "ganchos": ", ".join(type(callback).__name__ for callback in _with_memory(trainer)),
        "generadores": str(len(trainer.generators)),
    }


def save_whole(state: State, path: str | os.PathLike[str]) -> None:
    """Guarda ``state`` de modo que ``path`` contenga siempre lo anterior o lo nuevo entero, nunca una mitad.

    Escribe en un archivo vecino, espera a que esté en el disco y lo renombra: renombrar es una operación indivisible.
    """
    temporary = Path(f"{os.fspath(path)}.parcial")
    with temporary.open("wb") as stream:
        torch.save(state, stream)
        stream.flush()
        os.fsync(stream.fileno())
    os.replace(temporary, path)


def load_whole(path: str | os.PathLike[str]) -> Any:
    """Lee lo que guardó :func:`save_whole`, sin ejecutar código y en la memoria de la CPU.

    ``torch.load`` no nota un byte cambiado dentro de un tensor; las sumas de control del archivo, que es un ZIP, sí.

    Raises:
        FileNotFoundError: si ``path`` no existe.
        ValueError: si el archivo está incompleto, dañado o guarda algo que no son datos.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            damaged = archive.testzip()
        if damaged is not None:
            raise ValueError(f"la suma de control de «{damaged}» no coincide")
        return torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise
    except Exception as error:  # cada daño tiene su propio tipo
        name, kind = os.fspath(path), type(error).__name__
        raise ValueError(
            f"path debe ser un archivo entero; «{name}» está incompleto, dañado o trae código ({kind})"
        ) from error
