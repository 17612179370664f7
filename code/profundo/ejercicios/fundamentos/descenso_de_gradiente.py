"""Comprobadores de los ejercicios de ``fundamentos/descenso_de_gradiente``."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils import parameters_to_vector

from profundo.comun.datos import load_penguins
from profundo.comun.ejercicios import Checker, Unanswered, as_array, as_list, call, fail, require

Function = Callable[[np.ndarray], tuple[float, np.ndarray]]

comprobar = Checker("fundamentos/descenso_de_gradiente")


def _close(actual: np.ndarray, expected: Any, rtol: float = 1e-6) -> bool:
    """Misma forma y mismos números."""
    wanted = np.asarray(expected, dtype=float)
    return actual.shape == wanted.shape and bool(np.allclose(actual, wanted, rtol=rtol, atol=1e-12))


def _quadratic(hessian: np.ndarray, center: np.ndarray) -> Function:
    """½ (w - c)ᵀ H (w - c), con su gradiente."""

    def fun(w: np.ndarray) -> tuple[float, np.ndarray]:
        e = np.asarray(w, dtype=float) - center
        return float(e @ hessian @ e) / 2, hessian @ e

    return fun


def _random_hessian(rng: np.random.Generator, curvatures: np.ndarray) -> np.ndarray:
    """Una matriz simétrica con esos autovalores y ejes al azar."""
    axes = np.linalg.qr(rng.normal(size=(len(curvatures), len(curvatures))))[0]
    return (axes * curvatures) @ axes.T


@comprobar.exercise("mano")
def _(answer: object) -> str:
    rows = as_list(answer, 2, "puntos")
    if any(isinstance(row, list | tuple) and any(v is None or v is ... for v in row) for row in rows):
        raise Unanswered("Sin resolver: a un punto le falta una coordenada.")
    first, second = (as_array(row, shape=(2,), what=f"el punto {k}") for k, row in enumerate(rows, start=1))
    for wrong, message in (
        ([10.8, 2.8], "Sumaste el gradiente: eso sube. El paso resta η por el gradiente."),
        ([5.4, -2.6], "Falta el ½ de f: al derivar ½·w², queda w y no 2w."),
        ([7.2, 0.8], "Olvidaste el 9: el gradiente de la segunda coordenada es 9·w₂."),
        ([0, -8], "Olvidaste multiplicar el gradiente por η."),
        ([7.2, -1.6], "En la segunda coordenada, 1 − 0.2·9·1 = −0.8: el 9 se multiplica una sola vez."),
    ):
        require(not _close(first, wrong), message)
    require(_close(first, [7.2, -0.8]), "El primer punto no es ese. El gradiente en (9, 1) es (9, 9).")
    message = "El segundo paso sale del punto al que llegaste, con su propio gradiente, que es (7.2, −7.2)."
    require(not _close(second, [5.4, -2.6]), message)
    require(_close(second, [5.76, 0.64]), f"El segundo punto no es ese. {message}")
    return "Cada coordenada se multiplica por su factor; los dos miden 0.8, lo mejor posible."


@comprobar.exercise("tasas")
def _(answer: object) -> str:
    rng = np.random.default_rng(8)
    for lambdas in ([0.5, 1.0, 20.0], [3.0], [2.0, 2.0], [1e-3, 0.4, 0.5, 0.6]):
        curvatures = np.array(lambdas)
        hessian = _random_hessian(rng, curvatures)
        hessian = (hessian + hessian.T) / 2
        given = hessian.copy()
        limit, best, rho = as_array(call(answer, given), shape=(3,), what="lo que devuelve `mis_tasas`")
        require((given == hessian).all(), "Modificaste la hessiana que recibes.")
        mu, top = curvatures[0], curvatures[-1]
        case = f"Con curvaturas {', '.join(map(str, lambdas))}:"
        for wrong, hint in (
            (1 / top, "1/L es la tasa prudente; se pide aquella a partir de la cual diverge."),
            (2 / mu, "usaste la menor curvatura; la que primero diverge es la mayor."),
            (2 / np.trace(hessian), "usaste la suma de las curvaturas; importa la mayor."),
        ):
            if not np.isclose(wrong, 2 / top):
                require(not np.isclose(limit, wrong), f"{case} {hint}")
        require(np.isclose(limit, 2 / top), f"{case} la tasa límite no es {limit:.4g}. Es donde |1 − ηL| = 1.")
        if not np.isclose(best, 2 / (top + mu)):
            require(not np.isclose(best, 1 / (top + mu)), f"{case} a la mejor tasa le falta un 2.")
            require(not np.isclose(best, 1 / top), f"{case} 1/L es segura, pero no la mejor.")
            fail(f"{case} la mejor tasa no es {best:.4g}. Iguala 1 − ημ con ηL − 1.")
        wanted = (top - mu) / (top + mu)
        if not np.isclose(rho, wanted, atol=1e-9):
            require(not np.isclose(rho, top / mu), f"{case} el tercer número es ρ, y diste κ.")
            require(not np.isclose(rho, -wanted), f"{case} ρ es un módulo: no puede ser negativo.")
            require(
                not np.isclose(rho, 1 - mu / top), f"{case} ese es el factor con la tasa 1/L; se pide con la mejor."
            )
            root = (top**0.5 - mu**0.5) / (top**0.5 + mu**0.5)
            require(
                not np.isclose(rho, root), f"{case} sobra la raíz: κ es el cociente de las curvaturas de la hessiana."
            )
            fail(f"{case} ρ no es {rho:.4g}.")
    return "De una hessiana solo importan sus dos extremos."


# (tasa, valor tras el paso, valor, ‖g‖², c) → si se acepta; la primera condición es la buena
CONDITIONS: tuple[tuple[Callable[[float, float, float, float, float], bool], str], ...] = (
    (lambda lr, new, f, g2, c: new <= f - c * lr * g2, ""),
    (lambda lr, new, f, g2, c: new < f, "ahí la función baja, pero no lo bastante: falta el término con c."),
    (lambda lr, new, f, g2, c: new <= f - c * lr * g2**0.5, "la norma del gradiente va al cuadrado."),
)


def _first_rates(fun: Function, w: np.ndarray, lr: float, shrink: float, c: float) -> list[float]:
    """La primera tasa de la lista que acepta cada condición; nan si ninguna de las 60 primeras."""
    value, gradient = fun(w)
    found = [float("nan")] * len(CONDITIONS)
    for rate in lr * shrink ** np.arange(60):
        new = fun(w - rate * gradient)[0]
        for k, (accept, _) in enumerate(CONDITIONS):
            if np.isnan(found[k]) and accept(rate, new, value, float(gradient @ gradient), c):
                found[k] = float(rate)
    return found


def _limited(fun: Function, limit: int, message: str) -> Function:
    """La misma función, que protesta a partir de ``limit`` llamadas."""
    calls = 0

    def counted(w: np.ndarray) -> tuple[float, np.ndarray]:
        nonlocal calls
        calls += 1
        if calls > limit:
            raise RuntimeError(message)
        return fun(w)

    return counted


@comprobar.exercise("retroceso")
def _(answer: object) -> str:
    rng = np.random.default_rng(5)
    cases = [([1.0, 30.0, 400.0], 1.0, 0.5, 0.3), ([2.0, 3.0], 8.0, 0.8, 0.9), ([0.1, 0.2], 0.5, 0.5, 0.5)]
    cases += [([7.0], 2.0, 0.1, 0.05), ([1.0], 1.8, 0.5, 0.3), ([5.0, 5.0], 16.0, 0.5, 0.6)]
    rates: list[float] = []
    wanted: list[list[float]] = []
    for lambdas, lr, shrink, c in cases:
        fun = _quadratic(_random_hessian(rng, np.array(lambdas)), rng.normal(size=len(lambdas)))
        w = 3 * rng.normal(size=len(lambdas))
        given, watched = (
            w.copy(),
            _limited(fun, 2000, "más de 2000 evaluaciones: revisa la condición, y encoge la tasa en cada vuelta"),
        )
        rate = float(as_array(call(answer, watched, given, lr, shrink, c), shape=(), what="la tasa"))
        require((given == w).all(), "Modificaste `w`: `w - lr * g` crea un vector; `w -= …` cambia el que recibes.")
        rates.append(rate)
        wanted.append(_first_rates(fun, w, lr, shrink, c))
    right, *others = np.array(wanted).T
    wrong = ~np.isclose(rates, right)
    if wrong.any():
        lr, shrink, c = cases[k := int(wrong.argmax())][1:]
        case = f"Con lr={lr}, shrink={shrink}, c={c}, diste {rates[k]:.4g}:"
        for other, (_, hint) in zip(others, CONDITIONS[1:], strict=True):
            require(not np.allclose(rates, other, equal_nan=True), f"{case} {hint}")
        require(
            not np.isclose(rates[k], right[k] * shrink), f"{case} encogiste de más; devuelve la primera que cumple."
        )
        require(not np.isclose(rates[k], lr), f"{case} es la tasa inicial, que no cumple.")
        require(rates[k] > 1e-6 * right[k], f"{case} es minúscula; exiges más de lo debido. ¿Faltan c o la tasa?")
        fail(f"{case} no es la primera de la lista que cumple la condición; es {right[k]:.4g}.")
    return "La búsqueda termina siempre que el gradiente sea el de la función."


@comprobar.exercise("potencia")
def _(answer: object) -> str:
    rng = np.random.default_rng(12)
    for lambdas in ([1.0, 3.0, 9.0], [-8.0, 2.0, 1.0], [1e6, 3e5, 1.0, -2e5], [4.0], [-5.0, -1.0]):
        hessian = _random_hessian(rng, np.array(lambdas))
        start = rng.normal(size=len(lambdas))
        given = start.copy()
        with np.errstate(all="ignore"):
            result = as_array(call(answer, partial(np.dot, hessian), given, 100), what="la curvatura")
        require((given == start).all(), "Modificaste `v`: `v = v / …` crea un vector; `v /= …` cambia el que recibes.")
        require(result.shape != start.shape or result.shape == (1,), "Devolviste la dirección; se pide el autovalor.")
        value = float(as_array(result.reshape(()) if result.size == 1 else result, shape=(), what="la curvatura"))
        wanted = max(lambdas, key=abs)
        case = f"Con autovalores {', '.join(f'{v:g}' for v in lambdas)}, diste {value:.4g}:"
        if np.isclose(value, wanted, rtol=1e-4):
            continue
        require(not np.isclose(value, -wanted, rtol=1e-4), f"{case} falta el signo. La norma de H v lo pierde.")
        once = start @ hessian @ start / (start @ start)
        require(not np.isclose(value, once), f"{case} usas la dirección inicial: quédate con la nueva en cada vuelta.")
        require(not np.isclose(value, start @ hessian @ start), f"{case} `v` debe tener norma 1 al calcular vᵀHv.")
        require(not np.isclose(value, wanted**3, rtol=1e-3), f"{case} es el cubo: al final, `v` no tiene norma 1.")
        require(abs(value) < 1e20, f"{case} si no divides `v` entre su norma en cada vuelta, se desborda.")
        require(not np.isclose(value, max(lambdas), rtol=1e-4), f"{case} es el mayor, y no el de mayor módulo.")
        fail(f"{case} no es el de mayor módulo, {wanted:g}. Multiplica por H y normaliza, una y otra vez.")
    return "Sin formar la hessiana: solo con productos."


def _network() -> nn.Sequential:
    """Una red pequeña, siempre con los mismos pesos, que llega con gradientes de otra cosa."""
    generator = torch.Generator().manual_seed(3)
    model = nn.Sequential(nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, 3)).double()
    with torch.no_grad():
        for p in model.parameters():
            p.copy_(torch.randn(p.shape, dtype=torch.float64, generator=generator))
    for p in model.parameters():
        p.grad = torch.ones_like(p)
    return model


def _reference(
    x: Tensor, y: Tensor, lr: float, steps: int, *, clear: str = "siempre", sign: float = 1.0
) -> tuple[list[float], Tensor]:
    """Las pérdidas y los pesos finales de un bucle que borra los gradientes siempre, al final de la vuelta o nunca."""
    model, losses = _network(), []
    for _ in range(steps):
        if clear == "siempre":
            model.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        with torch.no_grad():
            for p in model.parameters():
                p.sub_(sign * lr * torch.as_tensor(p.grad))
        if clear == "al final":
            model.zero_grad()
        losses.append(loss.item())
    return losses, _weights(model)


def _weights(model: nn.Module) -> Tensor:
    return parameters_to_vector(model.parameters()).detach()


@comprobar.exercise("bucle")
def _(answer: object) -> str:
    generator = torch.Generator().manual_seed(4)
    x = torch.randn(12, 4, dtype=torch.float64, generator=generator)
    y = torch.randint(3, (12,), generator=generator)
    for lr, steps in ((0.3, 6), (0.05, 1), (0.1, 0)):
        right, final = _reference(x, y, lr, steps)
        model = _network()
        initial = _weights(model)
        result = call(answer, model, F.cross_entropy, x.clone(), y.clone(), lr, steps)
        losses = as_array(result, shape=(steps,), what="la lista de las pérdidas")
        weights = _weights(model)
        if torch.allclose(weights, final, rtol=1e-9, atol=1e-12):
            if np.allclose(losses, right, rtol=1e-9):
                continue
            late = steps > 1 and np.allclose(losses[:-1], right[1:], rtol=1e-9)
            require(not late, "Los pesos son correctos, pero anotas la pérdida de después de cada paso.")
            fail("Los pesos son correctos, pero las pérdidas no son las de antes de cada paso.")
        require(not torch.equal(weights, initial), "Los pesos no han cambiado: falta restar lr por el gradiente.")
        for clear, sign, message in (
            ("nunca", 1.0, "No borras los gradientes: `backward` suma a lo que haya."),
            ("al final", 1.0, "El modelo llegó con gradientes de otra cosa: bórralos antes del primer paso."),
            ("siempre", -1.0, "Sumas el gradiente: eso sube la pérdida."),
        ):
            mistaken = _reference(x, y, lr, steps, clear=clear, sign=sign)[1]
            require(not torch.allclose(weights, mistaken, rtol=1e-9, atol=1e-12), message)
        fail(f"Los pesos no son los del descenso de gradiente con lr={lr} tras {steps} pasos.")
    return "Son los mismos pesos que con torch.optim.SGD."


@comprobar.exercise("proyecto")
def _(answer: object) -> str:
    rng = np.random.default_rng(21)
    measures, _species = load_penguins()
    mixed = rng.normal(size=(200, 4)) @ (np.eye(4) + 0.3 * rng.normal(size=(4, 4)))
    odd = mixed * (1e-3, 1.0, 50.0, 1e3) + (1.0, -20.0, 0.0, 3e4)
    tables = {
        "los pingüinos": (measures[:, [2, 0, 1]], measures[:, 3]),
        "otra tabla": (odd, mixed @ (1.0, -2.0, 0.5, 3.0) + rng.normal(size=200) + 7),
    }
    for name, (x, y) in tables.items():
        design = np.column_stack([np.ones(len(x)), x])

        def mse(w: np.ndarray, design: np.ndarray = design, y: np.ndarray = y) -> tuple[float, np.ndarray]:
            weights = np.asarray(w, dtype=float)
            if weights.shape != (design.shape[1],):
                raise ValueError(f"w debe tener forma ({design.shape[1]},); tiene {weights.shape}")
            r = design @ weights - y
            return float(r @ r) / len(y), 2 * design.T @ r / len(y)

        given = x.copy()
        with np.errstate(all="ignore"):
            watched = _limited(mse, 60, "ya llamaste a `loss` 60 veces")
            w = as_array(call(answer, watched, given), shape=(design.shape[1],), what="los pesos")
        require((given == x).all(), "Modificaste `x`: crea una tabla nueva.")
        z = (x - x.mean(axis=0)) / x.std(axis=0)
        best = np.linalg.lstsq(np.column_stack([np.ones(len(z)), z]), y, rcond=None)[0]
        least = float(np.mean((np.column_stack([np.ones(len(z)), z]) @ best - y) ** 2))
        value = mse(w)[0]
        if value > 1.001 * least:
            in_z = mse(np.append(w[0] - w[1:] @ (x.mean(axis=0) / x.std(axis=0)), w[1:] / x.std(axis=0)))[0]
            require(
                in_z > 1.001 * least,
                f"Con {name}: esos pesos sirven para la tabla estandarizada; falta volver a las unidades de x.",
            )
            more = "" if value < 1.5 * least else " Con la tabla tal cual, κ es enorme: precondiciona."
            fail(f"Con {name}: el MSE es {value / least:.4g} veces el mínimo; se pide menos de 1.001.{more}")
    return "El mismo problema en otras unidades es otro valle."
