"""El módulo contra NumPy, SciPy y scikit-learn, y las respuestas que el apéndice espera."""

from functools import partial
from itertools import pairwise

import numpy as np
import pytest
import scipy.linalg
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from respuestas import exercise_tests
from sklearn.decomposition import PCA as SklearnPCA

from profundo.apendices.algebra_lineal import (
    PCA,
    cosine,
    gram_schmidt,
    jacobi_eigh,
    load_cat,
    low_rank,
    norm,
    power_iteration,
    project,
    pseudo_inverse,
    rayleigh,
    svd,
)
from profundo.ejercicios.apendices.algebra_lineal import comprobar

NUMBERS = st.floats(-100, 100, allow_subnormal=False).map(lambda value: round(value, 3))
VECTORS = arrays(np.float64, st.integers(1, 8), elements=NUMBERS)
SHAPES = st.tuples(st.integers(1, 7), st.integers(1, 7))
TABLES = arrays(np.float64, SHAPES, elements=NUMBERS)


def random_matrix(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


# --- Los datos y los vectores ---------------------------------------------------------------------------------------


def test_cat_is_a_gray_photograph():
    cat = load_cat()
    assert cat.shape == (150, 225)
    assert 0 <= cat.min() < 0.05
    assert 0.7 < cat.max() <= 1


@given(x=VECTORS, p=st.sampled_from([1, 1.5, 2, 3, np.inf]))
def test_norm_matches_numpy(x, p):
    assert norm(x, p) == pytest.approx(float(np.linalg.norm(x, p)))


@given(x=VECTORS, data=st.data(), p=st.sampled_from([1, 2, 4, np.inf]))
def test_norm_obeys_the_triangle(x, data, p):
    y = data.draw(arrays(np.float64, x.shape, elements=NUMBERS))
    assert norm(x + y, p) <= norm(x, p) + norm(y, p) + 1e-9
    assert norm(-3 * x, p) == pytest.approx(3 * norm(x, p))


def test_norm_does_not_overflow():
    assert norm(np.array([3e200, 4e200])) == pytest.approx(5e200)
    assert norm(np.array([3e-200, 4e-200])) == pytest.approx(5e-200)
    assert norm(np.zeros(3)) == 0


def test_norm_explains_its_arguments():
    with pytest.raises(ValueError, match=r"p debe ser 1 o mayor; se recibió 0\.5"):
        norm(np.ones(2), 0.5)
    with pytest.raises(ValueError, match="x debe ser un vector"):
        norm(np.array([1, np.nan]))
    with pytest.raises(ValueError, match="x debe ser un vector"):
        norm(np.array([]))


def test_cosine_of_known_angles():
    assert cosine(np.array([1.0, 0]), np.array([0, 5.0])) == 0
    assert cosine(np.array([1.0, 1]), np.array([3.0, 0])) == pytest.approx(0.5**0.5)
    x = random_matrix(50)
    assert cosine(x, -7 * x) == -1
    assert abs(cosine(x, 1e-200 * x)) <= 1
    assert cosine(x, random_matrix(50, seed=1)) == pytest.approx(
        1 - scipy.spatial.distance.cosine(x, random_matrix(50, seed=1))
    )


@pytest.mark.parametrize("y", [np.zeros(2), np.ones(3)])
def test_cosine_explains_its_arguments(y):
    with pytest.raises(ValueError, match="x e y deben ser no nulos y de la misma forma"):
        cosine(np.ones(2), y)


# --- Ortogonalizar y proyectar --------------------------------------------------------------------------------------


@pytest.mark.parametrize("modified", [True, False])
@pytest.mark.parametrize("shape", [(5, 5), (8, 3), (4, 1)])
def test_gram_schmidt_matches_numpy_but_for_signs(shape, modified):
    a = random_matrix(*shape)
    q, r = gram_schmidt(a, modified=modified)
    expected_q, expected_r = np.linalg.qr(a)
    signs = np.sign(np.diag(expected_r))
    np.testing.assert_allclose(q, expected_q * signs, atol=1e-12)
    np.testing.assert_allclose(r, signs[:, None] * expected_r, atol=1e-12)
    assert (np.diag(r) > 0).all()


def test_modified_gram_schmidt_loses_less():
    a = scipy.linalg.hilbert(8)
    losses = []
    for modified in (True, False):
        q, r = gram_schmidt(a, modified=modified)
        np.testing.assert_allclose(q @ r, a, atol=1e-14)
        losses.append(np.linalg.norm(q.T @ q - np.eye(8)))
    assert losses[0] < 1e-5 < 1e-2 < losses[1]


def test_determinant_is_the_product_of_heights():
    a = random_matrix(5, 5)
    assert np.prod(np.diag(gram_schmidt(a)[1])) == pytest.approx(abs(np.linalg.det(a)))


@pytest.mark.parametrize("a", [np.ones((3, 2)), np.zeros((2, 1)), random_matrix(2, 3)])
def test_gram_schmidt_explains_dependent_columns(a):
    with pytest.raises(ValueError, match=r"a debe tener columnas independientes; la [0-2] sale de las anteriores"):
        gram_schmidt(a)


def test_projection_is_least_squares():
    a, y = random_matrix(9, 4), random_matrix(9, seed=1)
    got = project(y, a)
    np.testing.assert_allclose(got, a @ scipy.linalg.lstsq(a, y)[0], atol=1e-12)
    np.testing.assert_allclose(a.T @ (y - got), 0, atol=1e-12)
    np.testing.assert_allclose(project(got, a), got, atol=1e-12)


def test_projection_explains_its_shapes():
    with pytest.raises(ValueError, match=r"y debe tener forma \(9,\), como las columnas de a; tiene \(4,\)"):
        project(np.ones(4), random_matrix(9, 4))


# --- Autovalores ----------------------------------------------------------------------------------------------------


def test_power_iteration_converges_at_the_predicted_rate():
    q = np.linalg.qr(random_matrix(5, 5))[0]
    a = q * np.array([4.0, -2, 1, 0.5, 0]) @ q.T
    history = power_iteration(a, np.ones(5), 60)
    np.testing.assert_allclose(np.linalg.norm(history, axis=1), 1)
    assert rayleigh(a, history[-1]) == pytest.approx(4)
    errors = np.linalg.norm(history - history @ q[:, :1] * q[:, 0], axis=1)
    np.testing.assert_allclose(errors[11:30] / errors[10:29], 0.5, rtol=0.01)


def test_power_iteration_explains_its_arguments():
    for a, start in ((np.eye(3), np.zeros(3)), (np.eye(3), np.ones(2)), (np.ones((2, 3)), np.ones(3))):
        with pytest.raises(ValueError, match="a debe ser"):
            power_iteration(a, start, 1)
    with pytest.raises(ValueError, match="a anula el vector"):
        power_iteration(np.array([[0.0, 1], [0, 0]]), np.array([1.0, 0]), 1)


@given(a=arrays(np.float64, st.integers(1, 6).map(lambda n: (n, n)), elements=NUMBERS))
@settings(max_examples=60)
def test_jacobi_matches_numpy(a):
    a = (a + a.T) / 2
    values, vectors, sweeps = jacobi_eigh(a)
    scale = max(np.abs(a).max(), 1e-300)
    np.testing.assert_allclose(values, np.linalg.eigvalsh(a), atol=1e-13 * len(a) * scale)
    np.testing.assert_allclose(vectors.T @ vectors, np.eye(len(a)), atol=1e-13)
    np.testing.assert_allclose(vectors * values @ vectors.T, a, atol=1e-12 * scale)
    np.testing.assert_allclose(sweeps[0], a)


def test_each_sweep_is_more_diagonal():
    a = random_matrix(12, 12)
    sweeps = jacobi_eigh(a + a.T).sweeps
    off = [np.linalg.norm(d - np.diag(np.diag(d))) for d in sweeps]
    assert all(later < earlier for earlier, later in pairwise(off))
    assert len(sweeps) < 12
    np.testing.assert_allclose([np.trace(d) for d in sweeps], np.trace(a + a.T))


@pytest.mark.parametrize("a", [np.ones((2, 3)), np.array([[1.0, 2], [3, 4]])])
def test_jacobi_explains_its_matrix(a):
    with pytest.raises(ValueError, match="a debe ser cuadrada y simétrica"):
        jacobi_eigh(a)


# --- Valores singulares ---------------------------------------------------------------------------------------------


@given(a=TABLES)
@settings(max_examples=100)
def test_svd_matches_numpy(a):
    u, s, vt = svd(a)
    expected = np.linalg.svd(a, compute_uv=False)
    scale = max(np.abs(a).max(), 1e-300)
    np.testing.assert_allclose(s, expected[: len(s)], atol=1e-13 * scale)
    np.testing.assert_allclose(expected[len(s) :], 0, atol=1e-12 * scale)
    assert u.shape == (a.shape[0], len(s))
    assert vt.shape == (len(s), a.shape[1])
    for basis in (u.T @ u, vt @ vt.T):
        np.testing.assert_allclose(basis, np.eye(len(s)), atol=1e-12)
    np.testing.assert_allclose(u * s @ vt, a, atol=1e-12 * scale)


@pytest.mark.parametrize("rank", [0, 1, 3, 6])
def test_svd_has_as_many_values_as_the_rank(rank):
    a = random_matrix(20, rank) @ random_matrix(rank, 13, seed=1)
    assert len(svd(a).s) == rank
    np.testing.assert_allclose(low_rank(svd(a), rank), a, atol=1e-12)


def test_svd_keeps_the_digits_that_squaring_loses():
    a = np.array([[1, 1], [1e-9, 0], [0, 1e-9]])
    assert svd(a).s[1] == pytest.approx(1e-9, rel=1e-6)


@pytest.mark.parametrize("n", [1, 2, 5, 8])
def test_rotations_visit_every_pair_once(n):
    from profundo.apendices.algebra_lineal import _tournament

    rounds = list(_tournament(n))
    pairs = [tuple(sorted(pair)) for i, j in rounds for pair in zip(i.tolist(), j.tolist(), strict=True)]
    assert sorted(pairs) == [(i, j) for i in range(n) for j in range(i + 1, n)]
    for i, j in rounds:
        assert len({*i.tolist(), *j.tolist()}) == 2 * len(i)


def test_truncation_is_the_best_of_its_rank():
    a, rng = random_matrix(12, 9), np.random.default_rng(3)
    factors = svd(a)
    for k in (0, 1, 3, 8):
        best = np.linalg.norm(a - low_rank(factors, k))
        assert best == pytest.approx(np.sqrt(np.sum(factors.s[k:] ** 2)), abs=1e-12)
        for _ in range(5):
            rival = low_rank(factors, k) + 0.1 * rng.normal(size=(12, max(k, 1))) @ rng.normal(size=(max(k, 1), 9))
            assert np.linalg.norm(a - low_rank(svd(rival), k)) >= best - 1e-12


@pytest.mark.parametrize("shape", [(4, 4), (7, 3), (3, 7)])
def test_pseudo_inverse_matches_numpy(shape):
    a = random_matrix(*shape)
    np.testing.assert_allclose(pseudo_inverse(svd(a)), np.linalg.pinv(a), atol=1e-12)


@given(a=TABLES)
@settings(max_examples=50)
def test_pseudo_inverse_meets_penrose(a):
    plus = pseudo_inverse(svd(a), rtol=1e-8)
    scale = max(np.abs(a).max(), 1e-300)
    np.testing.assert_allclose(a @ plus @ a, a, atol=1e-7 * scale)
    for product in (a @ plus, plus @ a):
        np.testing.assert_allclose(product, product.T, atol=1e-6)


def test_pseudo_inverse_drops_small_values():
    a = np.diag([4.0, 1, 0.01])
    np.testing.assert_allclose(pseudo_inverse(svd(a), rtol=0.1), np.diag([0.25, 1, 0]), atol=1e-15)
    np.testing.assert_allclose(pseudo_inverse(svd(np.zeros((2, 3)))), np.zeros((3, 2)))


def test_singular_value_functions_explain_their_arguments():
    with pytest.raises(ValueError, match="a debe ser una matriz"):
        svd(np.array([[1.0, np.inf]]))
    with pytest.raises(ValueError, match="a debe ser una matriz"):
        svd(np.ones((0, 2)))
    with pytest.raises(ValueError, match="k debe ser 0 o mayor; se recibió -1"):
        low_rank(svd(np.eye(2)), -1)
    with pytest.raises(ValueError, match=r"rtol debe estar entre 0 y 1; se recibió 1\.5"):
        pseudo_inverse(svd(np.eye(2)), rtol=1.5)


# --- Componentes principales ----------------------------------------------------------------------------------------


def test_pca_matches_sklearn():
    x = random_matrix(60, 7) @ random_matrix(7, 7, seed=1) + 3
    ours, theirs = PCA(4).fit(x), SklearnPCA(4).fit(x)
    signs = np.sign((ours.components * theirs.components_).sum(axis=1))
    np.testing.assert_allclose(ours.components, signs[:, None] * theirs.components_, atol=1e-10)
    np.testing.assert_allclose(ours.explained_variance_ratio, theirs.explained_variance_ratio_)
    np.testing.assert_allclose(ours.transform(x), signs * theirs.transform(x), atol=1e-9)
    np.testing.assert_allclose(ours.inverse_transform(ours.transform(x)), theirs.inverse_transform(theirs.transform(x)))


def test_pca_components_are_eigenvectors_of_the_covariance():
    x = random_matrix(40, 5) * np.arange(1, 6)
    pca = PCA(5).fit(x)
    values, vectors, _ = jacobi_eigh(np.cov(x.T))
    np.testing.assert_allclose(np.abs(pca.components @ vectors[:, ::-1]), np.eye(5), atol=1e-9)
    np.testing.assert_allclose(pca.explained_variance_ratio, values[::-1] / values.sum())


def test_pca_explains_its_arguments():
    with pytest.raises(ValueError, match="n_components debe ser 1 o mayor; se recibió 0"):
        PCA(0)
    with pytest.raises(ValueError, match="n_components debe ser como mucho 1, el rango de x; es 2"):
        PCA(2).fit(np.outer(np.arange(4.0), np.ones(3)))


# --- Los ejercicios -------------------------------------------------------------------------------------------------

GOOD_NUMBERS = [7, 5, 4, 20 / 65, 3, 3]


def with_number(k, value):
    return [*GOOD_NUMBERS[:k], value, *GOOD_NUMBERS[k + 1 :]]


def good_proyeccion(y, a):
    q = np.linalg.qr(a)[0]
    return q @ (q.T @ y)


def unit_proyeccion(y, a):
    unit = a / np.linalg.norm(a, axis=0)
    return unit @ (unit.T @ y)


def good_nulo(a, *, full=True, tol=1e-10, part=slice(None)):
    _, s, vt = np.linalg.svd(a, full_matrices=full)
    return vt[(s > tol * s[0]).sum() :][part].T


def range_nulo(a):
    _, s, vt = np.linalg.svd(a)
    return vt[: (s > 1e-10 * s[0]).sum()].T


def other_nulo(a):
    n = a.shape[1]
    return np.eye(n)[:, : good_nulo(a).shape[1]]


def good_giro(x, y):
    u, _, vt = np.linalg.svd(x.T @ y)
    return u @ vt


def rotation_giro(x, y):
    u, _, vt = np.linalg.svd(x.T @ y)
    signs = np.ones(len(u))
    signs[-1] = np.linalg.det(u @ vt)
    return u * signs @ vt


def dominant(product, n, steps, *, read=lambda v, w: v @ w):
    v = np.random.default_rng(0).normal(size=n)
    for _ in range(steps):
        v = product(v / np.linalg.norm(v))
    v = v / np.linalg.norm(v)
    return read(v, product(v))


def good_extremos(product, n, *, steps=1000, back=1, order=1, read=lambda v, w: v @ w):
    one = dominant(product, n, steps, read=read)
    other = back * one + dominant(lambda v: product(v) - one * v, n, steps, read=read)
    if not back:  # también el primero se queda desplazado
        return [min(0, other), max(0, other)]
    return sorted([one, other])[::order]


def columns_extremos(product, n):
    values = np.linalg.eigvalsh(np.column_stack([product(e) for e in np.eye(n)]))
    return values[0], values[-1]


def good_proyecto(x_train, y_train, x, *, k=12, choose=np.argmax):
    bases = [np.linalg.svd(x_train[y_train == digit], full_matrices=False)[2][:k] for digit in range(10)]
    return choose([np.linalg.norm(x @ basis.T, axis=1) for basis in bases], axis=0)


def mean_proyecto(x_train, y_train, x):
    means = np.stack([x_train[y_train == digit].mean(axis=0) for digit in range(10)])
    return ((x[:, None] - means) ** 2).sum(axis=2).argmin(axis=1)


def centered_proyecto(x_train, y_train, x):
    return good_proyecto(x_train - x_train.mean(axis=0), y_train, x - x.mean(axis=0))


RIGHT: dict[str, list[object]] = {
    "mano": [GOOD_NUMBERS, tuple(GOOD_NUMBERS), [7, 5, 4, 0.308, 3, 3]],
    "verdad": [[True, False, False, True, False, True], (np.True_, False, False, True, np.False_, True)],
    "proyeccion": [good_proyeccion, project, lambda y, a: a @ np.linalg.lstsq(a, y)[0]],
    "nulo": [good_nulo, scipy.linalg.null_space],
    "giro": [good_giro, lambda x, y: scipy.linalg.orthogonal_procrustes(x, y)[0]],
    "extremos": [good_extremos, columns_extremos],
    "proyecto": [good_proyecto, partial(good_proyecto, k=20)],
}
WRONG: dict[str, list[tuple[object, str]]] = {
    "mano": [
        (with_number(0, -1), "La norma L1 suma los valores absolutos"),
        (with_number(0, 25), "La norma L1 no lleva cuadrados"),
        (with_number(1, 25), "La norma L2 no lleva la raíz"),
        (with_number(1, 7), "La norma L2 es la L1"),
        (with_number(2, 3), "La norma L∞ es el mayor valor absoluto"),
        (with_number(2, -4), "La norma L∞ no tiene signo"),
        (with_number(3, 20), "El coseno es el producto escalar"),
        (with_number(3, -4 / 13), "El coseno tiene mal el signo"),
        (with_number(3, 20 / 13), "El coseno solo está dividido"),
        (with_number(3, 72.08), "El coseno es el ángulo"),
        (with_number(4, 5), "El determinante resta"),
        (with_number(4, 4), "El determinante es la traza"),
        (with_number(5, 1), "El mayor autovalor es el menor"),
        (with_number(5, 4), "El mayor autovalor es la traza"),
        (with_number(5, 2), "El mayor autovalor no es 2"),
        (GOOD_NUMBERS[:5], "tiene 5"),
    ],
    "verdad": [
        ([False, False, False, True, False, True], "(1)"),
        ([True, True, False, True, False, True], "(2)"),
        ([True, False, True, True, False, True], "(3)"),
        ([True, False, False, False, False, True], "(4)"),
        ([True, False, False, True, True, True], "(5)"),
        ([True, False, False, True, False, False], "(6)"),
        ([1, 0, 0, 1, 0, 1], "True o False"),
    ],
    "proyeccion": [
        (lambda y, a: a @ (a.T @ y), "Usas A Aᵀ y"),
        (unit_proyeccion, "las sombras se solapan"),
        (lambda y, a: y - good_proyeccion(y, a), "Eso es el residuo"),
        (lambda y, a: np.linalg.lstsq(a, y)[0], "Son los coeficientes"),
        (lambda y, a: a.T @ y, "Se esperaba un punto"),
        (lambda y, a: y, "no es el punto más cercano"),
        (lambda y, a: good_proyeccion(y, a)[:, None], "Se esperaba un punto"),
    ],
    "nulo": [
        (lambda a: good_nulo(a).T, "traspón"),
        (range_nulo, "los que no se anulan"),
        (partial(good_nulo, tol=0), "el redondeo deja"),
        (partial(good_nulo, full=False), "no uses full_matrices=False"),
        (lambda a: 2 * good_nulo(a), "ortonormales"),
        (other_nulo, "no anula esos vectores"),
        (lambda a: good_nulo(a)[:, 0] if good_nulo(a).size else np.zeros((3, 0)), "dos ejes"),
        (partial(good_nulo, part=slice(0)), "se esperaba forma"),
    ],
    "giro": [
        (lambda x, y: good_giro(x, y).T, "Es la traspuesta"),
        (lambda x, y: np.linalg.lstsq(x, y)[0] + 1e-3, "no es ortogonal"),
        (lambda x, y: np.linalg.lstsq(x, y)[0], "Mínimos cuadrados deforma"),
        (rotation_giro, "Prohíbes las reflexiones"),
        (lambda x, y: np.eye(x.shape[1]), "se puede llegar a"),
        (lambda x, y: np.linalg.svd(x.T @ y)[0], "se puede llegar a"),
    ],
    "extremos": [
        (partial(good_extremos, order=-1), "al revés"),
        (partial(good_extremos, read=lambda v, w: np.linalg.norm(w)), "valores absolutos"),
        (lambda product, n: [dominant(product, n, 500)] * 2, "el mismo dos veces"),
        (partial(good_extremos, back=0), "falta volver a sumar"),
        (partial(good_extremos, steps=2), "¿Das bastantes pasos?"),
        (partial(good_extremos, steps=5000), "el máximo es 3000"),
        (lambda product, n: dominant(product, n, 100), "dos números"),
    ],
    "proyecto": [
        (partial(good_proyecto, k=2), "se pide 93%"),
        (partial(good_proyecto, k=100), "se pide 93%"),
        (mean_proyecto, "se pide 93%"),
        (partial(good_proyecto, choose=np.argmin), "*menos* error"),
        (centered_proyecto, "qué otras la acompañen"),
        (lambda x_train, y_train, x: good_proyecto(x_train, y_train, x)[:10], "forma"),
    ],
}

(
    test_right_answers_pass,
    test_each_mistake_gets_its_message,
    test_every_exercise_has_right_and_wrong_answers,
) = exercise_tests(comprobar, RIGHT, WRONG)


@pytest.mark.parametrize("case", range(6))
def test_true_or_false_answers_are_true(case):
    rng = np.random.default_rng(case)
    a, b, c = rng.normal(size=(3, 3, 3))
    flat, q = a - np.outer(a[:, 0], [1, 0, 0]), np.linalg.qr(a)[0]
    holds = (
        np.linalg.matrix_rank(flat) < 3 and abs(np.linalg.det(flat)) < 1e-12,
        min(5 - np.linalg.matrix_rank(rng.normal(size=(3, 5))), 2) == 1,
        np.isclose(np.trace(a @ b @ c), np.trace(b @ a @ c)),
        np.isclose(cosine(q @ a[0], q @ b[0]), cosine(a[0], b[0])),
        np.linalg.eigvalsh(np.array([[1, 2], [2, 1]])).min() > 0,
        np.linalg.norm(a, 2) <= np.linalg.norm(a),
    )
    assert bool(holds[case]) == [True, False, False, True, False, True][case]
