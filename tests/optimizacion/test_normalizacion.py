"""Las escalas contra scikit-learn, las capas contra torch.nn, la vuelta contra diferencias, y los ejercicios."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from respuestas import exercise_tests
from sklearn import preprocessing
from sklearn.decomposition import PCA
from torch import nn
from torch.nn import functional as F

from profundo.comun.copias import train_copies
from profundo.ejercicios.optimizacion.normalizacion import comprobar
from profundo.optimizacion.momento_y_adaptativos import SGD
from profundo.optimizacion.normalizacion import (
    Affine,
    BatchNorm,
    GroupNorm,
    InstanceNorm,
    Jitter,
    LayerNorm,
    NormalizedNets,
    RMSNorm,
    decorrelation,
    min_max,
    normalize,
    pca_whitening,
    principal_directions,
    standard,
    zca_whitening,
)
from profundo.preparacion.numpy import standardize

# --- Las entradas ---------------------------------------------------------------------------------------------------

FITS = {"min_max": min_max, "standard": standard, "decorrelation": decorrelation, "pca": pca_whitening}
FITS["zca"] = zca_whitening


def make_table(n=60, d=4, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, d)) @ rng.normal(size=(d, d)) * 10.0 ** rng.integers(-2, 3, d) + rng.normal(size=d)


REFERENCES = {
    "min_max": preprocessing.MinMaxScaler(),
    "standard": preprocessing.StandardScaler(),
    "decorrelation": PCA(),
    "pca": PCA(whiten=True),
}


@pytest.mark.parametrize("name", REFERENCES)
@pytest.mark.parametrize("d", [1, 2, 7])
def test_scalers_match_scikit_learn(name, d):
    x, new = make_table(d=d), make_table(n=9, d=d, seed=1)
    theirs = REFERENCES[name].fit(x).transform(new)
    np.testing.assert_allclose(FITS[name](x)(new), theirs, rtol=1e-6, atol=1e-9 * np.abs(theirs).max())


def test_some_components_match_scikit_learn():
    x, new = make_table(d=6), make_table(n=5, d=6, seed=2)
    theirs = PCA(3, whiten=True).fit(x).transform(new)
    np.testing.assert_allclose(pca_whitening(x, n_components=3)(new), theirs, rtol=1e-7)


def test_standard_is_standardize():
    x, new = make_table(), make_table(n=7, seed=3)
    x[:, 1] = 0.1  # una columna constante
    np.testing.assert_allclose(standard(x)(new), standardize(new, x), rtol=1e-9)


def test_constant_column_stays_finite():
    x = np.c_[np.full(5, 3.0), np.arange(5.0)]
    for name in ("min_max", "standard", "decorrelation"):
        assert np.isfinite(FITS[name](x)(x)).all()
    assert not min_max(x)(x)[:, 0].any()


@given(st.integers(1, 6), st.integers(0, 1000))
@settings(max_examples=30)
def test_whitening_leaves_unit_covariance(d, seed):
    x = np.random.default_rng(seed).normal(size=(30, d)) @ np.diag(10.0 ** np.arange(-2, d - 2)) + seed
    for whiten in (pca_whitening, zca_whitening):
        z = whiten(x)(x)
        np.testing.assert_allclose(np.cov(z, rowvar=False).reshape(d, d), np.eye(d), atol=1e-6)
        np.testing.assert_allclose(z.mean(axis=0), 0, atol=1e-6)


@given(st.integers(2, 5), st.integers(0, 1000))
@settings(max_examples=30)
def test_zca_moves_the_data_least(d, seed):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(30, d)) @ rng.normal(size=(d, d))
    turn, _ = np.linalg.qr(rng.normal(size=(d, d)))
    center, matrix = zca_whitening(x)
    moved = np.square((x - center) @ matrix - (x - center)).sum()
    other = np.square((x - center) @ matrix @ turn - (x - center)).sum()
    assert moved <= other * (1 + 1e-9)


def test_zca_matrix_is_the_inverse_root_of_the_covariance():
    x = make_table()
    matrix = zca_whitening(x).matrix
    np.testing.assert_allclose(matrix, matrix.T, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(matrix @ matrix @ np.cov(x, rowvar=False), np.eye(4), atol=1e-6)


def test_decorrelation_keeps_distances():
    x = make_table()
    z = decorrelation(x)(x)
    np.testing.assert_allclose(np.linalg.norm(z[0] - z[5]), np.linalg.norm(x[0] - x[5]))
    covariance = np.cov(z, rowvar=False)
    np.testing.assert_allclose(covariance, np.diag(np.diag(covariance)), atol=1e-9 * covariance.max())
    assert (np.diff(np.diag(covariance)) <= 0).all()


def test_eps_limits_the_amplification():
    x = make_table()
    center, variances, directions = principal_directions(x)
    z = zca_whitening(x, eps=0.5)(x)
    expected = variances / (variances + 0.5)
    np.testing.assert_allclose(np.diag(directions.T @ np.cov(z, rowvar=False) @ directions), expected, rtol=1e-6)
    np.testing.assert_allclose(center, x.mean(axis=0))


@pytest.mark.parametrize("fit", FITS.values())
@pytest.mark.parametrize("x", [np.zeros((1, 3)), np.full((4, 2), np.nan), np.array([[1.0], [np.inf]])])
def test_scalers_explain_bad_tables(fit, x):
    with pytest.raises(ValueError, match="al menos dos filas y números finitos"):
        fit(x)


def test_whitening_explains_its_arguments():
    x = make_table()
    for k in (0, 5):
        with pytest.raises(ValueError, match=f"n_components debe estar entre 1 y 4; se recibió {k}"):
            pca_whitening(x, n_components=k)
    with pytest.raises(ValueError, match="eps no puede ser negativo; se recibió -1"):
        zca_whitening(x, eps=-1.0)
    flat = np.c_[x, x[:, 0]]
    with pytest.raises(ValueError, match="x tiene direcciones sin varianza"):
        zca_whitening(flat)
    assert np.isfinite(zca_whitening(flat, eps=1e-3)(flat)).all()
    assert pca_whitening(flat, n_components=4)(flat).shape == (60, 4)


def test_affine_explains_other_columns():
    with pytest.raises(ValueError, match=r"x debe tener forma \(n, 2\); tiene \(3, 4\)"):
        Affine(np.zeros(2), np.eye(2))(np.zeros((3, 4)))


# --- Las capas ------------------------------------------------------------------------------------------------------

LAYERS = {
    "lotes, tabla": (BatchNorm(6), nn.BatchNorm1d(6), (7, 6)),
    "lotes, serie": (BatchNorm(6), nn.BatchNorm1d(6), (3, 6, 4)),
    "lotes, imagen": (BatchNorm(6, momentum=0.3), nn.BatchNorm2d(6, momentum=0.3), (5, 6, 3, 2)),
    "lotes, promedio": (BatchNorm(6, eps=0.1, momentum=None), nn.BatchNorm2d(6, eps=0.1, momentum=None), (5, 6, 3, 2)),
    "capas, tabla": (LayerNorm(6), nn.LayerNorm(6), (7, 6)),
    "capas, imagen": (LayerNorm((6, 3, 2), eps=0.1), nn.LayerNorm((6, 3, 2), eps=0.1), (4, 6, 3, 2)),
    "grupos": (GroupNorm(3, 6), nn.GroupNorm(3, 6), (4, 6, 3, 2)),
    "grupos, tabla": (GroupNorm(2, 6, affine=False), nn.GroupNorm(2, 6, affine=False), (4, 6)),
    "instancias": (InstanceNorm(6), nn.InstanceNorm2d(6), (4, 6, 3, 2)),
    "instancias, afín": (InstanceNorm(6, affine=True), nn.InstanceNorm2d(6, affine=True), (4, 6, 3, 2)),
    "RMS": (RMSNorm(6), nn.RMSNorm(6), (4, 3, 6)),
    "RMS, eps": (RMSNorm((2, 6), eps=0.1), nn.RMSNorm((2, 6), eps=0.1), (4, 2, 6)),
}


@pytest.mark.parametrize("name", LAYERS)
def test_layers_match_pytorch(name):
    ours, theirs, shape = LAYERS[name]
    ours, theirs = ours.double(), theirs.double()
    for p in ours.parameters():
        nn.init.normal_(p)
    theirs.load_state_dict(ours.state_dict())  # los mismos nombres y formas
    assert list(ours.state_dict()) == list(theirs.state_dict())
    for training in (True, False):
        for layer in (ours, theirs):
            layer.train(training)
            layer.zero_grad()
        for _ in range(3):
            z = (3 * torch.randn(shape, dtype=torch.float64) + 2).requires_grad_()
            other = z.detach().clone().requires_grad_()
            g = torch.randn_like(z)
            a, b = ours(z), theirs(other)
            a.backward(g)
            b.backward(g)
            torch.testing.assert_close(a, b)
            torch.testing.assert_close(z.grad, other.grad)
    for p, q in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(p.grad, q.grad)
    for p, q in zip(ours.buffers(), theirs.buffers(), strict=True):
        torch.testing.assert_close(p, q, check_dtype=False)


@pytest.mark.parametrize("center", [True, False])
@pytest.mark.parametrize("dims", [(0,), (1, 2), (-1,), (0, 2)])
def test_backward_is_the_numerical_derivative(dims, center):
    z = torch.randn(3, 4, 2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda z: normalize(z, dims, 0.01, center=center), z)


def test_a_wrong_backward_would_be_seen():
    """Sin el término de la varianza, la derivada numérica no coincide: la prueba anterior ve la falta."""
    z = torch.randn(5, 2, dtype=torch.float64, requires_grad=True)

    def frozen_scale(z):
        z = z - z.mean(0)
        return z / (z.square().mean(0) + 0.01).sqrt().detach()

    with pytest.raises(RuntimeError, match="Jacobian mismatch"):
        torch.autograd.gradcheck(frozen_scale, z)


def test_gradient_is_perpendicular_to_shift_and_scale():
    z = torch.randn(20, 3, dtype=torch.float64, requires_grad=True)
    normalized = normalize(z, (0,), 0.0)
    (g,) = torch.autograd.grad(normalized, z, torch.randn_like(z))
    torch.testing.assert_close(g.sum(0), torch.zeros(3).double())
    torch.testing.assert_close((g * z).sum(0), torch.zeros(3).double())


@given(st.floats(0.01, 100), st.floats(-100, 100))
@settings(max_examples=30)
def test_shift_and_scale_change_nothing(scale, shift):
    z = torch.randn(8, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(normalize(scale * z + shift, (0,), 0.0), normalize(z, (0,), 0.0))


def test_pairs_are_plus_or_minus_one():
    z = normalize(torch.randn(2, 50, dtype=torch.float64), (0,), 0.0)
    torch.testing.assert_close(z.abs(), torch.ones(2, 50).double())


def test_running_statistics_by_hand():
    layer = BatchNorm(1)
    layer(torch.tensor([[1.0], [3.0]]))
    assert layer.running_mean.item() == pytest.approx(0.2)
    assert layer.running_var.item() == pytest.approx(0.9 + 0.1 * 2)  # la varianza entre m − 1 es 2; entre m, 1
    assert layer.num_batches_tracked.item() == 1
    layer.eval()
    before = layer.running_var.clone()
    layer(torch.randn(5, 1))
    assert torch.equal(layer.running_var, before)


def test_layers_explain_bad_input():
    with pytest.raises(ValueError, match=r"z debe tener forma \(n, 3, ...\); tiene \(2, 4\)"):
        BatchNorm(3)(torch.randn(2, 4))
    with pytest.raises(ValueError, match=r"más de un valor por canal; z tiene forma \(1, 3\)"):
        BatchNorm(3)(torch.randn(1, 3))
    assert BatchNorm(3).eval()(torch.randn(1, 3)).shape == (1, 3)
    with pytest.raises(ValueError, match=r"z debe terminar en \(3,\); tiene forma \(2, 4\)"):
        LayerNorm(3)(torch.randn(2, 4))
    with pytest.raises(ValueError, match="num_groups debe dividir a num_channels; se recibió 4 y 6"):
        GroupNorm(4, 6)
    with pytest.raises(ValueError, match=r"z debe tener forma \(n, 6, ...\); tiene \(2, 4\)"):
        GroupNorm(2, 6)(torch.randn(2, 4))
    with pytest.raises(TypeError, match="en coma flotante"):
        normalize.__wrapped__(torch.ones(2, 2, dtype=torch.int64), (0,), 0.0)


# --- Las redes ------------------------------------------------------------------------------------------------------

NORMS = {
    "ninguna": (None, lambda width: nn.Identity()),
    "lotes": (lambda n, width: BatchNorm(n * width), nn.BatchNorm1d),
    "capas": (lambda n, width: GroupNorm(n, n * width), nn.LayerNorm),
    "grupos": (lambda n, width: GroupNorm(2 * n, n * width), lambda width: nn.GroupNorm(2, width)),
}


@pytest.mark.parametrize("name", NORMS)
def test_nets_train_like_separate_networks(name):
    stacked, single = NORMS[name]
    x, y = torch.rand(48, 5).double(), torch.randint(3, (48,))
    seeds, rates = [4, 9], torch.tensor([0.1, 0.5], dtype=torch.float64)
    nets = NormalizedNets((5, 6, 4, 3), seeds, stacked).double()
    alone = []
    for row in range(2):
        layers = nets.layers(nets.flat.detach()[row : row + 1])
        net = nn.Sequential(
            *[nn.Linear(5, 6), single(6), nn.ReLU(), nn.Linear(6, 4), single(4), nn.ReLU(), nn.Linear(4, 3)]
        ).double()
        with torch.no_grad():
            for k, linear in enumerate(net[::3]):
                linear.weight.copy_(layers[2 * k][0].T)
                linear.bias.copy_(layers[2 * k + 1][0, 0])
        alone.append(net)
    history = train_copies(nets, SGD(nets.rates(rates)), x, y, seeds=seeds, epochs=2, batch_size=12)
    for row, net in enumerate(alone):
        optimizer = torch.optim.SGD(net.parameters(), lr=rates[row].item())
        generator = torch.Generator().manual_seed(seeds[row])
        order = torch.cat([torch.randperm(48, generator=generator) for _ in range(2)])
        for step, batch in enumerate(order.split(12)):
            optimizer.zero_grad()
            loss = F.cross_entropy(net(x[batch]), y[batch])
            loss.backward()
            optimizer.step()
            assert history[step, row].item() == pytest.approx(loss.item(), rel=1e-5)
    nets.eval()
    for net in alone:
        net.eval()
    torch.testing.assert_close(nets(x.expand(2, -1, -1)), torch.stack([net(x) for net in alone]), rtol=1e-5, atol=1e-6)


def test_jitter_only_when_training():
    layer, z = Jitter(0.5, 0.3), torch.randn(40, 6)
    assert layer.eval()(z) is z
    first, second = layer.train()(z), layer(z)
    assert not torch.equal(first, second)
    slope = (first[0] - first[1]) / (z[0] - z[1])
    torch.testing.assert_close(first - slope * z, (first - slope * z)[:1].expand(40, -1), rtol=1e-3, atol=1e-4)
    assert (slope.log().abs() <= 0.3 + 1e-4).all()
    assert ((first - slope * z).abs() <= 0.5 + 1e-4).all()


# --- Los ejercicios -------------------------------------------------------------------------------------------------

VAR = 0.9 + 2 / 3
GOOD_NUMBERS = [1 - 6 / 5**0.5, 0.5, VAR, 1 + 15 / VAR**0.5]
GOOD_COUNTS = [6, 8, 48, 24, 12, 300]


def replaced(values, k, value):
    return [*values[:k], value, *values[k + 1 :]]


def good_blanqueo(train, x, eps, *, turn_back=True, center=None, power=0.5, ddof=1, outside=False, use=None):
    base = train if use is None else use(train, x)
    variances, v = np.linalg.eigh(np.cov(base, rowvar=False, ddof=ddof))
    mean = base.mean(axis=0) if center is None else center(train, x)
    scale = variances.clip(0) ** power + eps if outside else (variances.clip(0) + eps) ** power
    moved = (x - mean) @ v / np.where(scale > 0, scale, 1)
    return moved @ v.T if turn_back else moved


def flipped_blanqueo(train, x, eps):
    """El mismo blanqueo, con las direcciones en otro orden y con otros signos."""
    _, s, vt = np.linalg.svd(train - train.mean(axis=0), full_matrices=False)
    return (x - train.mean(axis=0)) @ vt.T / np.sqrt(s**2 / (len(train) - 1) + eps) @ vt


def good_vuelta(g_y, z, gamma, eps, *, mean=1.0, along=1.0, divide=True, use_gamma=True, parts=None):
    s = np.sqrt(z.var(axis=0) + eps)
    z_hat = (z - z.mean(axis=0)) / s
    g = (gamma if use_gamma else 1) * g_y
    m = len(z)
    mean, along = (m if c == "m" else c for c in (mean, along))
    g_z = g - mean * g.mean(axis=0) - along * z_hat * (g * z_hat).mean(axis=0)
    result = [g_z / s if divide else g_z, (g_y * z_hat).sum(axis=0), g_y.sum(axis=0)]
    return result if parts is None else parts(result, g_y, z, gamma)


def good_plegado(linear, norm, *, eps=True, gamma=True, root=True, weight=None, bias=None):
    b = torch.zeros(linear.out_features).double() if linear.bias is None else linear.bias
    scale = norm.running_var + (norm.eps if eps else 0)
    a = (norm.weight if gamma else 1) / (scale.sqrt() if root else scale)
    folded = nn.Linear(linear.in_features, linear.out_features).double()
    shift = a * (b - norm.running_mean) + norm.bias
    with torch.no_grad():
        folded.weight.copy_(a[:, None] * linear.weight if weight is None else weight(linear, a))
        folded.bias.copy_(shift if bias is None else bias(a, b, norm))
    return folded


def in_place_plegado(linear, norm):
    folded = good_plegado(linear, norm)
    with torch.no_grad():
        linear.weight.copy_(folded.weight)
    return folded


def without_bias(linear, norm):
    folded = nn.Linear(linear.in_features, linear.out_features, bias=False)
    folded.weight.data = good_plegado(linear, norm).weight.data
    return folded


def good_norma(r, eta, lam, pasos, *, join=np.hypot, decay=True, gradient=lambda r, first: 1 / r, start=False):
    norms, first = [], r
    for _ in range(pasos):
        before = r
        r = join((1 - eta * lam if decay else 1) * r, eta * gradient(r, first))
        norms.append(before if start else r)
    return norms


def good_proyecto(model, x, *, reset=True, momentum=None, passes=1, ending="eval"):
    for layer in model:
        if isinstance(layer, nn.BatchNorm1d):
            if reset:
                layer.reset_running_stats()
            layer.momentum = momentum
    model.train()
    with torch.no_grad():
        for _ in range(passes):
            for batch in x.split(500):
                model(batch)
    if ending == "eval":
        model.eval()


def at_once(model, x):
    good_proyecto(model, x, reset=False, momentum=1.0)


def retrained(model, x):
    good_proyecto(model, x)
    model[0].weight.data *= 1.01


def other_layers(model, x):
    good_proyecto(model, x)
    model[0] = nn.Linear(196, 32)


def single_batch(model, x):
    model.train()
    with torch.no_grad():
        model(x)
    model.eval()


def broken_statistics(model, x):
    model[1].running_var.fill_(torch.nan)
    model.eval()


def helpless(model, x):
    raise RuntimeError("no sé")


RIGHT: dict[str, list[object]] = {
    "mano": [GOOD_NUMBERS, tuple(GOOD_NUMBERS), np.round(GOOD_NUMBERS, 2).tolist()],
    "ejes": [GOOD_COUNTS, tuple(float(c) for c in GOOD_COUNTS)],
    "blanqueo": [good_blanqueo, flipped_blanqueo, lambda t, x, eps: zca_whitening(t, eps=eps)(x)],
    "vuelta": [good_vuelta, lambda *a: tuple(good_vuelta(*a))],
    "plegado": [good_plegado, lambda linear, norm: good_plegado(linear, norm).float()],
    "norma": [good_norma, lambda *a: np.array(good_norma(*a))],
    "proyecto": [good_proyecto, at_once, lambda m, x: good_proyecto(m, x, momentum=0.5, passes=2)],
}
WRONG: dict[str, list[tuple[object, str]]] = {
    "mano": [
        (replaced(GOOD_NUMBERS, 0, -3 / 5**0.5), "(1) La salida no lleva γ ni β"),
        (replaced(GOOD_NUMBERS, 0, 1 - 6 / (20 / 3) ** 0.5), "se normaliza con la varianza entre 4"),
        (replaced(GOOD_NUMBERS, 0, -0.2), "(1) La salida divide entre la varianza"),
        (replaced(GOOD_NUMBERS, 0, 5.0), "se usan las del lote"),
        (replaced(GOOD_NUMBERS, 1, 4.5), "(2) La media acumulada da 0.9 a lo nuevo"),
        (replaced(GOOD_NUMBERS, 1, 5), "una décima parte"),
        (replaced(GOOD_NUMBERS, 2, 1.4), "se acumula la varianza entre 3"),
        (replaced(GOOD_NUMBERS, 2, 6.1), "(3) La varianza acumulada da 0.9 a lo nuevo"),
        (replaced(GOOD_NUMBERS, 2, 2 / 3), "empieza en 1"),
        (replaced(GOOD_NUMBERS, 3, 1 + 6 / 5**0.5), "se usan las acumuladas"),
        (replaced(GOOD_NUMBERS, 3, 7.5 / VAR**0.5), "(4) La salida al evaluar no lleva γ ni β"),
        (replaced(GOOD_NUMBERS, 3, 1 + 15 / VAR), "(4) La salida al evaluar divide entre la varianza"),
        (replaced(GOOD_NUMBERS, 3, 17), "ya ha habido un paso"),
        (replaced(GOOD_NUMBERS, 1, 0.7), "(2) La media acumulada no es 0.7"),
        (GOOD_NUMBERS[:3], "tiene 3"),
    ],
    "ejes": [
        (replaced(GOOD_COUNTS, 0, 8), "(1) Por lotes"),
        (replaced(GOOD_COUNTS, 1, 6), "(2) Por capas"),
        (replaced(GOOD_COUNTS, 2, 6), "(3) Por instancias"),
        (replaced(GOOD_COUNTS, 3, 3), "(4) Por grupos"),
        (replaced(GOOD_COUNTS, 4, 24), "no se aprenden"),
        (replaced(GOOD_COUNTS, 5, 12), "(6) LayerNorm"),
    ],
    "blanqueo": [
        (lambda t, x, e: good_blanqueo(t, x, e, turn_back=False), "falta deshacer el giro"),
        (lambda t, x, e: good_blanqueo(t, x, e, center=lambda t, x: 0), "Falta restar la media"),
        (lambda t, x, e: good_blanqueo(t, x, e, power=1), "falta la raíz"),
        (lambda t, x, e: good_blanqueo(t, x, e, ddof=0), "entre n − 1"),
        (lambda t, x, e: good_blanqueo(t, x, e, outside=True), "dentro de la raíz"),
        (lambda t, x, e: good_blanqueo(t, x, 0), "Falta sumar eps"),
        (lambda t, x, e: good_blanqueo(t, x, e, use=lambda t, x: x), "Ajustas con x"),
        (lambda t, x, e: good_blanqueo(t, x, e, center=lambda t, x: x.mean(axis=0)), "Restas la media de x"),
        (lambda t, x, e: 2 * good_blanqueo(t, x, e), "No coincide"),
        (lambda t, x, e: good_blanqueo(t, x, e).T, "forma"),
    ],
    "vuelta": [
        (lambda *a: good_vuelta(*a, mean=0.0, along=0.0), "como constantes"),
        (lambda *a: good_vuelta(*a, along=0.0), "Falta el término de la desviación típica"),
        (lambda *a: good_vuelta(*a, mean=0.0), "Falta el término de la media"),
        (lambda *a: good_vuelta(*a, use_gamma=False), "lo que llega a ẑ es γ·g_y"),
        (lambda *a: good_vuelta(*a, divide=False), "Falta dividir entre s"),
        (lambda *a: good_vuelta(*a, mean="m", along="m"), "son medias, no sumas"),
        (lambda *a: good_vuelta(*a, along=0.5), "La derivada de z no coincide"),
        (lambda *a: good_vuelta(*a, parts=lambda r, g, z, c: (r[0], c * r[1], r[2])), "γ no entra en su propia"),
        (lambda *a: good_vuelta(*a, parts=lambda r, g, z, c: (r[0], (g * z).sum(0), r[2])), "usa ẑ, no z"),
        (lambda *a: good_vuelta(*a, parts=lambda r, g, z, c: (r[0], -r[1], r[2])), "suma de g_y·ẑ"),
        (lambda *a: good_vuelta(*a, parts=lambda r, g, z, c: (r[0], r[1], g.mean(0))), "no la media"),
        (lambda *a: good_vuelta(*a, parts=lambda r, g, z, c: (r[0], r[1], -r[2])), "suma de g_y sobre"),
        (lambda *a: good_vuelta(*a)[0], "tres arreglos"),
    ],
    "plegado": [
        (lambda li, no: good_plegado(li, no, bias=lambda a, b, n: a * b + n.bias), "restar la media acumulada"),
        (lambda li, no: good_plegado(li, no, bias=lambda a, b, n: a * (b - n.running_mean)), "β"),
        (lambda li, no: good_plegado(li, no, bias=lambda a, b, n: b), "El sesgo también cambia"),
        (
            lambda li, no: good_plegado(li, no, bias=lambda a, b, n: b - a * n.running_mean + n.bias),
            "El sesgo de la capa también se multiplica",
        ),
        (lambda li, no: good_plegado(li, no, weight=lambda layer, a: layer.weight), "fila a fila"),
        (lambda li, no: good_plegado(li, no, gamma=False), "Falta γ"),
        (lambda li, no: good_plegado(li, no, eps=False), "Falta el ε"),
        (lambda li, no: good_plegado(li, no, root=False), "falta la raíz"),
        (lambda li, no: good_plegado(li, no, weight=lambda layer, a: -layer.weight), "no da lo mismo"),
        (in_place_plegado, "Cambiaste las capas originales"),
        (without_bias, "necesita sesgo"),
        (lambda li, no: nn.Sequential(li, no), "Se esperaba una nn.Linear"),
        (lambda li, no: nn.Linear(li.out_features, li.in_features), "deben tener forma"),
    ],
    "norma": [
        (lambda *a: good_norma(*a, join=lambda w, g: w + g), "Sumas longitudes"),
        (lambda *a: good_norma(*a, join=lambda w, g: w - g), "Restas longitudes"),
        (lambda *a: good_norma(*a, join=lambda w, g: w**2 + g**2), "Falta la raíz"),
        (lambda *a: good_norma(*a, decay=False), "Falta el decaimiento"),
        (lambda *a: good_norma(*a, gradient=lambda r, first: 1 / first), "El gradiente cambia"),
        (lambda *a: good_norma(*a, gradient=lambda r, first: 1.0), "mide 1/r, no 1"),
        (lambda *a: good_norma(*a, start=True), "tras un paso"),
        (lambda *a: good_norma(*a)[-1], "una por paso"),
        (lambda *a: [2 * r for r in good_norma(*a)], "No coincide"),
    ],
    "proyecto": [
        (single_batch, "¿Pesan aún las estadísticas viejas?"),
        (lambda m, x: good_proyecto(m, x, ending="train"), "termina con `eval()`"),
        (retrained, "Cambiaste algún parámetro"),
        (other_layers, "Cambiaste las capas"),
        (broken_statistics, "no son finitos"),
        (helpless, "lanzó RuntimeError"),
        (nn.Linear, "Se esperaba una función"),
    ],
}

(
    test_right_answers_pass,
    test_each_mistake_gets_its_message,
    test_every_exercise_has_right_and_wrong_answers,
) = exercise_tests(comprobar, RIGHT, WRONG)


def test_untouched_model_is_pending():
    assert comprobar.check("proyecto", lambda model, x: None).status == "pendiente"


def test_counts_are_what_happens():
    """Las respuestas de «ejes», contadas en las capas de PyTorch: cuántas medias distintas se restan."""
    z = torch.randn(8, 6, 5, 5, dtype=torch.float64)
    layers = (nn.BatchNorm2d(6), nn.LayerNorm((6, 5, 5)), nn.InstanceNorm2d(6), nn.GroupNorm(3, 6))
    for layer, count in zip(layers, GOOD_COUNTS, strict=False):
        z.requires_grad_()
        (depends,) = torch.autograd.grad(layer.double()(z)[0, 0, 0, 0], z)
        assert z.numel() / (depends != 0).sum().item() == count
    assert [sum(p.numel() for p in layer.parameters()) for layer in layers[:2]] == GOOD_COUNTS[4:]


def test_norm_tends_to_its_equilibrium():
    eta, lam = 0.01, 0.02
    for r in (0.3, 3.0):
        assert good_norma(r, eta, lam, 30_000)[-1] == pytest.approx((eta / (2 * lam)) ** 0.25, rel=1e-3)
