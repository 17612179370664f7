"""Las cuentas contra SciPy, scikit-learn y PyTorch, lo que dicen los teoremas y los ejercicios."""

import itertools
import math
from functools import partial

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from respuestas import exercise_tests
from scipy import stats
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.metrics import mutual_info_score
from sklearn.naive_bayes import GaussianNB

from profundo.apendices.probabilidad import (
    GaussianClassifier,
    box_muller,
    choose,
    cross_entropy,
    entropy,
    fit_gaussian,
    gaussian_log_density,
    huffman,
    joint,
    joint_information,
    kl_divergence,
    mutual_information,
    posterior,
    sample_categorical,
    sample_gaussian,
)
from profundo.comun.datos import load_penguins
from profundo.ejercicios.apendices.probabilidad import comprobar

seeds = st.integers(0, 10_000)


def random_p(rng: np.random.Generator, *shape: int) -> np.ndarray:
    p = rng.exponential(size=shape)
    return p / p.sum(axis=-1, keepdims=True)


def random_cov(rng: np.random.Generator, d: int) -> np.ndarray:
    factor = rng.normal(size=(d, d))
    return factor @ factor.T + 0.1 * np.eye(d)


# --- Tablas y Bayes -------------------------------------------------------------------------------------------------


def test_joint_counts_pairs():
    table = joint(np.array([0, 0, 1, 2]), np.array([1, 1, 0, 3]))
    assert table.shape == (3, 4)
    assert table[0, 1] == 0.5
    assert table[1, 0] == table[2, 3] == 0.25
    assert table.sum() == 1


@pytest.mark.parametrize(
    ("x", "y"), [([0, 1], [0]), ([], []), ([0, -1], [0, 1]), ([0, 1], [0, -2])], ids=["formas", "vacía", "x", "y"]
)
def test_joint_explains_bad_input(x, y):
    with pytest.raises(ValueError, match="enteros desde 0 y la misma forma"):
        joint(np.array(x, dtype=int), np.array(y, dtype=int))


@given(seed=seeds)
@settings(max_examples=30)
def test_posterior_is_the_conditional_of_the_joint(seed):
    table = random_p(np.random.default_rng(seed), 12).reshape(3, 4)  # (causa, observación)
    prior = table.sum(axis=1)
    likelihood = table / prior[:, None]
    np.testing.assert_allclose(posterior(prior, likelihood.T), (table / table.sum(axis=0)).T)


def test_posterior_updates_one_by_one():
    rng = np.random.default_rng(0)
    prior, first, second = random_p(rng, 4), rng.random(4), rng.random(4)
    np.testing.assert_allclose(posterior(posterior(prior, first), second), posterior(prior, first * second))


@pytest.mark.parametrize(
    ("prior", "likelihood", "message"),
    [
        ([0.5, 0.6], [1.0, 1.0], "prior debe sumar 1"),
        ([1.5, -0.5], [1.0, 1.0], "probabilidades no negativas"),
        ([0.5, 0.5], [1.0, -1.0], "likelihood no puede tener negativos; el menor es -1"),
        ([1.0, 0.0], [0.0, 1.0], "probabilidad 0 con todas las causas"),
    ],
)
def test_posterior_explains_bad_input(prior, likelihood, message):
    with pytest.raises(ValueError, match=message):
        posterior(np.array(prior), np.array(likelihood))


# --- La normal ------------------------------------------------------------------------------------------------------


@given(seed=seeds, d=st.integers(1, 6))
@settings(max_examples=30)
def test_gaussian_density_matches_scipy_and_torch(seed, d):
    rng = np.random.default_rng(seed)
    mean, cov, x = rng.normal(size=d), random_cov(rng, d), rng.normal(size=(5, d))
    ours = gaussian_log_density(x, mean, cov)
    np.testing.assert_allclose(ours, stats.multivariate_normal(mean, cov).logpdf(x), rtol=1e-8, atol=1e-8)
    theirs = torch.distributions.MultivariateNormal(torch.from_numpy(mean), torch.from_numpy(cov))
    np.testing.assert_allclose(ours, theirs.log_prob(torch.from_numpy(x)), rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize(
    ("x", "cov", "message"),
    [
        (np.zeros((3, 3)), np.eye(2), "mean de forma"),
        (np.zeros((3, 2)), np.eye(3), r"forma \(2, 2\)"),
        (np.zeros((3, 2)), np.array([[1.0, 0.5], [0.0, 1.0]]), "simétrica"),
        (np.zeros((3, 2)), np.array([[1.0, 2.0], [2.0, 1.0]]), "definida positiva"),
    ],
)
def test_gaussian_density_explains_bad_input(x, cov, message):
    with pytest.raises(ValueError, match=message):
        gaussian_log_density(x, np.zeros(2), cov)


def test_fit_gaussian_is_the_maximum():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(30, 3)) @ rng.normal(size=(3, 3))
    mean, cov = fit_gaussian(x)
    np.testing.assert_allclose(cov, np.cov(x.T, bias=True))
    best = gaussian_log_density(x, mean, cov).sum()
    for _ in range(20):
        worse = gaussian_log_density(x, mean + 0.1 * rng.normal(size=3), cov * rng.uniform(0.7, 1.4))
        assert worse.sum() < best
    with pytest.raises(ValueError, match=r"\(n, d\) con n > 0"):
        fit_gaussian(np.zeros((0, 2)))


# --- Muestreo -------------------------------------------------------------------------------------------------------


def test_categorical_inverts_the_cumulative():
    p = np.array([0.2, 0.0, 0.5, 0.3])
    u = np.array([0.0, 0.1999, 0.2, 0.69, 0.71, 1 - 1e-16])
    assert sample_categorical(p, u).tolist() == [0, 0, 2, 2, 3, 3]
    counts = np.bincount(sample_categorical(p, np.random.default_rng(0).random(10_000)), minlength=4)
    assert counts[1] == 0
    assert stats.chisquare(counts[[0, 2, 3]], 10_000 * p[[0, 2, 3]]).pvalue > 0.01


def test_categorical_never_leaves_the_table():
    p = np.full(10, 0.1)  # la suma acumulada se queda en 0.9999999999999999
    assert sample_categorical(p, np.array([np.nextafter(1, 0)])).max() == 9


def test_box_muller_is_standard_normal():
    z = box_muller(np.random.default_rng(0).random((20_000, 2)))
    assert stats.kstest(z[:, 0], "norm").pvalue > 0.01
    assert stats.kstest(z[:, 1], "norm").pvalue > 0.01
    assert abs(np.corrcoef(z.T)[0, 1]) < 0.03
    assert abs(np.corrcoef((z**2).T)[0, 1]) < 0.03
    assert np.isfinite(box_muller(np.array([[0.0, 0.0], [np.nextafter(1, 0), 0.5]]))).all()


@pytest.mark.parametrize("n", [1, 7, 20_000])
def test_gaussian_samples_have_their_mean_and_covariance(n):
    rng = np.random.default_rng(0)
    mean, cov = np.array([1.0, -2.0, 0.5]), random_cov(rng, 3)
    x = sample_gaussian(mean, cov, n, rng)
    assert x.shape == (n, 3)
    if n > 1000:
        np.testing.assert_allclose(x.mean(axis=0), mean, atol=0.06)
        np.testing.assert_allclose(np.cov(x.T), cov, atol=0.15)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda: sample_categorical(np.array([0.5, 0.5]), np.array([1.0])), r"u debe estar en \[0, 1\)"),
        (lambda: sample_categorical(np.array([0.5, 0.4]), np.array([0.1])), "p debe sumar 1"),
        (lambda: box_muller(np.zeros((3, 3))), r"forma \(n, 2\)"),
        (lambda: box_muller(np.full((3, 2), 1.0)), r"valores en \[0, 1\)"),
    ],
)
def test_sampling_explains_bad_input(function, message):
    with pytest.raises(ValueError, match=message):
        function()


# --- El clasificador ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def penguins():
    x, species = load_penguins()
    return x, np.unique(species, return_inverse=True)[1]


def test_diagonal_classifier_is_gaussian_naive_bayes(penguins):
    x, y = penguins
    ours = GaussianClassifier("diagonal").fit(x, y).predict_proba(x)
    np.testing.assert_allclose(ours, GaussianNB(var_smoothing=0).fit(x, y).predict_proba(x), atol=1e-8)


def test_shared_classifier_is_linear_discriminant(penguins):
    x, y = penguins
    ours = GaussianClassifier("shared").fit(x, y).predict_proba(x)
    theirs = LinearDiscriminantAnalysis(solver="lsqr").fit(x, y).predict_proba(x)
    np.testing.assert_allclose(ours, theirs, atol=1e-6)
    # Lineal en x: en el punto medio, la razón de probabilidades es la media geométrica.
    ends = np.stack([x[:10], x[10:20]])
    middle = GaussianClassifier("shared").fit(x, y).predict_proba(ends.mean(axis=0))
    log_odds = [np.log(p[:, 0] / p[:, 1]) for p in (ours[:10], ours[10:20], middle)]
    np.testing.assert_allclose(log_odds[2], (log_odds[0] + log_odds[1]) / 2, atol=1e-6)


def test_full_classifier_matches_scipy_and_takes_other_priors(penguins):
    x, y = penguins
    model = GaussianClassifier().fit(x, y)
    groups = [x[y == k] for k in range(3)]
    density = [stats.multivariate_normal(g.mean(axis=0), np.cov(g.T, bias=True)).pdf(x) for g in groups]
    np.testing.assert_allclose(model.predict_proba(x), posterior(model.prior, np.stack(density, axis=1)), atol=1e-8)
    rows = random_p(np.random.default_rng(0), len(x), 3)
    each = [model.predict_proba(x[i : i + 1], rows[i])[0] for i in range(5)]
    np.testing.assert_allclose(model.predict_proba(x, rows)[:5], each)
    ruled_out = model.predict_proba(x, np.array([0.5, 0.5, 0.0]))
    assert not ruled_out[:, 2].any()
    np.testing.assert_allclose(ruled_out.sum(axis=1), 1)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda: GaussianClassifier("otra"), "covariance debe ser uno de"),  # type: ignore[arg-type]
        (lambda: GaussianClassifier().predict_proba(np.zeros((2, 2))), r"llama antes a fit\(x, y\)"),
        (lambda: GaussianClassifier().fit(np.zeros((2, 2)), np.zeros(3, dtype=int)), "una clase, desde 0, por fila"),
        (lambda: GaussianClassifier().fit(np.random.rand(4, 2), np.array([0, 0, 2, 2])), "con n > 0"),  # noqa: NPY002
    ],
)
def test_classifier_explains_bad_input(function, message):
    with pytest.raises(ValueError, match=message):
        function()


def test_classifier_explains_few_examples():
    x = np.random.default_rng(0).normal(size=(4, 3))
    with pytest.raises(ValueError, match="hay pocos o una columna"):
        GaussianClassifier().fit(x, np.array([0, 0, 1, 1])).predict_proba(x)


# --- Información ----------------------------------------------------------------------------------------------------


@given(seed=seeds, k=st.integers(2, 8), base=st.sampled_from([2.0, math.e, 10.0]))
@settings(max_examples=40)
def test_information_matches_scipy_and_torch(seed, k, base):
    rng = np.random.default_rng(seed)
    p, q = random_p(rng, 3, k), random_p(rng, 3, k)
    np.testing.assert_allclose(entropy(p, base=base), stats.entropy(p, base=base, axis=1))
    np.testing.assert_allclose(kl_divergence(p, q, base=base), stats.entropy(p, q, base=base, axis=1), atol=1e-12)
    np.testing.assert_allclose(cross_entropy(p, q), entropy(p) + kl_divergence(p, q))
    theirs = [torch.distributions.Categorical(torch.from_numpy(part)) for part in (p, q)]
    np.testing.assert_allclose(entropy(p), theirs[0].entropy())
    np.testing.assert_allclose(kl_divergence(p, q), torch.distributions.kl_divergence(*theirs), atol=1e-12)


@given(seed=seeds)
@settings(max_examples=40)
def test_gibbs(seed):
    rng = np.random.default_rng(seed)
    p, q = random_p(rng, 2, 5)
    assert kl_divergence(p, q) > 0
    assert kl_divergence(p, p) == pytest.approx(0, abs=1e-12)
    assert entropy(p) <= math.log(5)


def test_zeros_cost_nothing_or_everything():
    sure, half = np.array([1.0, 0.0]), np.array([0.5, 0.5])
    assert entropy(sure) == 0
    assert kl_divergence(sure, half, base=2) == pytest.approx(1)
    assert kl_divergence(half, sure) == math.inf


@given(seed=seeds)
@settings(max_examples=30)
def test_mutual_information_matches_sklearn(seed):
    rng = np.random.default_rng(seed)
    x, y = rng.integers(0, 3, 40), rng.integers(0, 4, 40)
    ours = mutual_information(joint(x, y))
    assert ours == pytest.approx(mutual_info_score(x, y), abs=1e-12)
    assert ours == pytest.approx(mutual_information(joint(y, x)), abs=1e-12)
    assert mutual_information(np.outer(random_p(rng, 3), random_p(rng, 4))) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda: entropy(np.array([0.5, 0.6])), "p debe sumar 1; la suma va de 1.1 a 1.1"),
        (lambda: cross_entropy(np.array([1.0]), np.array([0.9])), "q debe sumar 1"),
        (lambda: kl_divergence(np.array([1.5, -0.5]), np.array([0.5, 0.5])), "p debe tener probabilidades"),
        (lambda: huffman(np.array([0.5, 0.4])), "p debe sumar 1"),
        (lambda: mutual_information(np.full((2, 2), 0.3)), "p debe sumar 1"),
    ],
)
def test_information_explains_bad_input(function, message):
    with pytest.raises(ValueError, match=message):
        function()


def best_lengths(p: np.ndarray) -> float:
    """La menor longitud media entre todas las longitudes que cumplen Kraft."""
    k = len(p)
    options = (c for c in itertools.product(range(1, k), repeat=k) if sum(2.0**-x for x in c) <= 1)
    return min(float(np.dot(p, c)) for c in options)


@given(seed=seeds, k=st.integers(2, 6))
@settings(max_examples=30)
def test_huffman_is_prefix_free_and_optimal(seed, k):
    p = random_p(np.random.default_rng(seed), k)
    words = huffman(p)
    assert not any(a != b and b.startswith(a) for a in words for b in words)
    assert len(set(words)) == k
    mean = sum(weight * len(word) for weight, word in zip(p, words, strict=True))
    assert entropy(p, base=2) - 1e-12 <= mean < entropy(p, base=2) + 1
    assert mean == pytest.approx(best_lengths(p))


def test_huffman_of_simple_tables():
    assert [len(word) for word in huffman(np.array([0.5, 0.25, 0.125, 0.125]))] == [1, 2, 3, 3]
    assert huffman(np.array([1.0])) == ["0"]
    assert sorted(map(len, huffman(np.array([1.0, 0.0, 0.0])))) == [1, 2, 2]


@given(seed=seeds)
@settings(max_examples=20)
def test_joint_information_matches_the_tables(seed):
    rng = np.random.default_rng(seed)
    x, y, known = rng.integers(0, 2, (30, 4)), rng.integers(0, 3, 30), rng.integers(0, 3, 30)
    expected = [mutual_information(joint(2 * known + column, y)) for column in x.T]
    np.testing.assert_allclose(joint_information(x, y, known), expected, atol=1e-12)
    np.testing.assert_allclose(joint_information(x, y, known, base=2), np.array(expected) / math.log(2), atol=1e-12)


def test_choose_avoids_repeating_itself():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 4, 400)
    high, low = y // 2, y % 2
    noisy = np.where(rng.random(400) < 0.2, 1 - low, low)
    columns, bits = choose(np.stack([noisy, high, high, low], axis=1), y, 2, base=2)
    assert set(columns) in ({1, 3}, {2, 3})
    assert bits[1] == pytest.approx(float(entropy(np.bincount(y) / 400, base=2)))


@pytest.mark.parametrize(
    ("x", "y", "known"), [(np.full((3, 2), 2), 3, 3), (np.zeros((3, 2), int), 4, 3), (np.zeros((3, 2), int), 3, 4)]
)
def test_joint_information_explains_bad_input(x, y, known):
    with pytest.raises(ValueError, match="se esperaban ceros y unos"):
        joint_information(x, np.zeros(y, dtype=int), np.zeros(known, dtype=int))


# --- Los ejercicios -------------------------------------------------------------------------------------------------

POSITIVE = 0.02 * 0.9 + 0.98 * 0.05
FIRST = 0.018 / POSITIVE
SECOND = 0.02 * 0.81 / (0.02 * 0.81 + 0.98 * 0.0025)
BASE = [POSITIVE, FIRST, SECOND]


def good_laplace(u, mu, b, *, sign=1.0, scale=1.0, log=np.log):
    return mu + sign * b * scale * np.sign(0.5 - u) * log(2 * np.minimum(u, 1 - u))


def spoil(u, mu, b):
    sample = good_laplace(u, mu, b)
    u[:] = 0.5
    return sample


def good_condicional(x, v, *, center=True, sign=1, change=lambda variance, cov, slope, n: variance):
    mean, cov = fit_gaussian(x)
    slope = cov[0, 1] / cov[1, 1]
    value = mean[0] + sign * slope * (v - mean[1] * center)
    return value, change(cov[0, 0] - slope * cov[0, 1], cov, slope, len(x))


def other_column(x, v):
    return good_condicional(x[:, ::-1].copy(), v)


def covariance_slope(x, v):
    mean, cov = fit_gaussian(x)
    return mean[0] + cov[0, 1] * (v - mean[1]), good_condicional(x, v)[1]


def good_kl(m1, s1, m2, s2):
    return math.log(s2 / s1) + (s1**2 + (m1 - m2) ** 2) / (2 * s2**2) - 0.5


def sampled_kl(m1, s1, m2, s2):
    x = np.random.default_rng(0).normal(m1, s1, 500_000)
    return (stats.norm.logpdf(x, m1, s1) - stats.norm.logpdf(x, m2, s2)).mean()


def good_compresor(x_train, y_train, x_test, *, alpha=0.3, offsets=((0, -1), (-1, 0)), by_class=True, by_place=True):
    def context(x):
        padded = np.pad(x, ((0, 0), (1, 1), (1, 1)))
        h, w = x.shape[1:]
        return sum(padded[:, 1 + i : 1 + i + h, 1 + j : 1 + j + w] << bit for bit, (i, j) in enumerate(offsets)) + 0 * x

    rows, columns = np.indices(x_train.shape[1:]) * by_place
    bits = np.zeros((len(x_test), 10))
    for k in range(10):
        x = x_train[y_train == k] if by_class else x_train
        counts = np.full((*x_train.shape[1:], 2 ** len(offsets), 2), alpha)
        np.add.at(counts, (rows[None], columns[None], context(x), x), 1)
        with np.errstate(all="ignore"):
            p = counts / counts.sum(axis=-1, keepdims=True)
            bits[:, k] = -np.log2(p[rows, columns, context(x_test), x_test]).sum(axis=(1, 2))
    return bits


RIGHT: dict[str, list[object]] = {
    "base": [BASE, tuple(BASE), [0.067, 0.2687, 0.8686]],
    "verdad": [[False, True, False, True, False, True], (np.False_, True, False, True, False, True)],
    "laplace": [good_laplace, lambda u, mu, b: stats.laplace.ppf(u, mu, b)],
    "condicional": [good_condicional, lambda x, v: np.array(good_condicional(x, v))],
    "kl": [good_kl, lambda m1, s1, m2, s2: torch.tensor(good_kl(m1, s1, m2, s2), dtype=torch.float64)],
    "comprimir": [good_compresor, partial(good_compresor, offsets=((0, -1), (-1, 0), (-1, 1)))],
}
WRONG: dict[str, list[tuple[object, str]]] = {
    "base": [
        ([0.018, *BASE[1:]], "solo cuenta a los enfermos"),
        ([0.95, *BASE[1:]], "suma dos condicionadas"),
        ([0.068, *BASE[1:]], "no multiplica la falsa alarma"),
        ([0.475, *BASE[1:]], "el mismo peso"),
        ([POSITIVE, 0.9, SECOND], "está del revés"),
        ([POSITIVE, 0.018, SECOND], "falta dividir"),
        ([POSITIVE, 0.9 / 0.95, SECOND], "olvida la tasa base: la tiene"),
        ([POSITIVE, 0.95, SECOND], "P(negativo | sano)"),
        ([POSITIVE, 1 - FIRST, SECOND], "estar sano tras"),
        ([*BASE[:2], FIRST**2], "no es el cuadrado"),
        ([*BASE[:2], 0.81], "falta darle la vuelta"),
        ([*BASE[:2], 1 - (1 - FIRST) ** 2], "la misma persona"),
        ([*BASE[:2], 0.81 / 0.8125], "La tercera olvida la tasa base"),
        ([*BASE[:2], FIRST], "no cambia con el segundo"),
        ([0.3, *BASE[1:]], "Imagina 10 000 personas"),
        ([6.7, *BASE[1:]], "no es una probabilidad"),
        (BASE[:2], "tiene 2"),
    ],
    "verdad": [
        ([True, True, False, True, False, True], "(1)"),
        ([False, False, False, True, False, True], "(2)"),
        ([False, True, True, True, False, True], "(3)"),
        ([False, True, False, False, False, True], "(4)"),
        ([False, True, False, True, True, True], "(5)"),
        ([False, True, False, True, False, False], "(6)"),
        ([0, 1, 0, 1, 0, 1], "True o False"),
    ],
    "laplace": [
        (partial(good_laplace, sign=-1.0), "imagen en el espejo"),
        (lambda u, mu, b: good_laplace(u, 0.0, b), "la mediana es mu"),
        (lambda u, mu, b: good_laplace(u, mu, 1.0), "Falta b"),
        (lambda u, mu, b: good_laplace(u, mu, 1 / b), "Divides entre b"),
        (lambda u, mu, b: mu + b * np.log(2 * np.minimum(u, 1 - u)), "con u > 1/2"),
        (lambda u, mu, b: mu - b * np.log(2 * np.minimum(u, 1 - u)), "con u < 1/2"),
        (partial(good_laplace, log=np.log2), "logaritmo natural"),
        (partial(good_laplace, scale=2.0), "G de tu muestra"),
        (lambda u, mu, b: -np.log(u), "la mediana es mu"),
        (spoil, "Modificaste `u`"),
        (lambda u, mu, b: mu, "forma"),
    ],
    "condicional": [
        (partial(good_condicional, center=False), "A v le falta"),
        (partial(good_condicional, sign=-1), "El signo de la pendiente"),
        (partial(good_condicional, sign=0), "Es la de todos: falta"),
        (covariance_slope, "La covarianza va dividida"),
        (other_column, "La media no es correcta"),
        (partial(good_condicional, change=lambda v, c, s, n: c[0, 0]), "saber la segunda columna la reduce"),
        (partial(good_condicional, change=lambda v, c, s, n: v**0.5), "Es la desviación típica"),
        (partial(good_condicional, change=lambda v, c, s, n: v * n / (n - 1)), "Divides entre n − 1"),
        (partial(good_condicional, change=lambda v, c, s, n: c[0, 0] + s * c[0, 1]), "se resta, no se suma"),
        (partial(good_condicional, change=lambda v, c, s, n: c[0, 0] - c[0, 1] ** 2), "Falta dividir"),
        (partial(good_condicional, change=lambda v, c, s, n: c[0, 0] - s), "va al cuadrado"),
        (partial(good_condicional, change=lambda v, c, s, n: 3 * v), "se esperaba"),
        (lambda x, v: good_condicional(x, v)[0], "lista de 2"),
    ],
    "kl": [
        (lambda m1, s1, m2, s2: good_kl(m2, s2, m1, s1), "Es KL(q ‖ p)"),
        (lambda *a: good_kl(*a) + 0.5, "Falta el −1/2"),
        (lambda *a: good_kl(*a) / math.log(2), "Está en bits"),
        (lambda m1, s1, m2, s2: good_kl(m1, s1**0.5, m2, s2**0.5), "Tratas s1 y s2 como varianzas"),
        (lambda m1, s1, m2, s2: good_kl(m1, s1, m2, s2) + math.log(s2 / s1), "El logaritmo es de las desviaciones"),
        (lambda m1, s1, m2, s2: good_kl(m1, s1, m2, s2) - 2 * math.log(s2 / s1), "El logaritmo está del revés"),
        (lambda m1, s1, m2, s2: good_kl(m1, s1, m2, s2) - math.log(s2 / s1), "Falta el logaritmo"),
        (lambda m1, s1, m2, s2: good_kl(m1, s1, m1, s2), "Falta la distancia"),
        (sampled_kl, "ni muestrees"),
        (lambda *a: -good_kl(*a), "no puede ser negativa"),
        (lambda *a: 7.0, "se esperaba"),
    ],
    "comprimir": [
        (partial(good_compresor, offsets=()), "¿Condicionas cada píxel"),
        (partial(good_compresor, alpha=0.0), "Falta la previa"),
        (partial(good_compresor, offsets=((0, -1), (-1, 0), (0, 1))), "ningún código prefijo"),
        (partial(good_compresor, by_class=False), "como al azar"),
        (partial(good_compresor, offsets=((0, -1), (-1, 0), (-1, 1), (-1, -1)), by_place=False), "una tabla por clase"),
        (lambda *d: good_compresor(*d) / 2, "ningún código prefijo"),
        (lambda *d: -good_compresor(*d), "Hay bits negativos"),
        (lambda *d: np.zeros((len(d[2]), 10)), "ningún código prefijo"),
        (lambda *d: good_compresor(*d).argmin(axis=1), "forma"),
    ],
}

(
    test_right_answers_pass,
    test_each_mistake_gets_its_message,
    test_every_exercise_has_right_and_wrong_answers,
) = exercise_tests(comprobar, RIGHT, WRONG)
