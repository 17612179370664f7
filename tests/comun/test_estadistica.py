"""El intervalo de la media, contra SciPy y contra su propia definición."""

import numpy as np
import pytest
from scipy import stats

from profundo.comun.estadistica import mean_interval


@pytest.mark.parametrize("confidence", [0.5, 0.95, 0.99])
def test_matches_scipy(confidence: float) -> None:
    values = np.random.default_rng(0).normal(3, 2, size=12)
    mean, half = mean_interval(values, confidence=confidence)
    expected = stats.ttest_1samp(values, 0).confidence_interval(confidence)
    np.testing.assert_allclose((mean - half, mean + half), expected)


def test_covers_the_true_mean_as_often_as_it_says() -> None:
    samples = np.random.default_rng(1).normal(5, 1, size=(4, 20_000))
    mean, half = mean_interval(samples, confidence=0.9)
    assert np.mean(np.abs(mean - 5) <= half) == pytest.approx(0.9, abs=0.01)


def test_keeps_the_other_axes() -> None:
    curves = np.arange(24.0).reshape(4, 3, 2) ** 2
    mean, half = mean_interval(curves)
    assert mean.shape == half.shape == (3, 2)
    np.testing.assert_allclose((mean[1, 0], half[1, 0]), mean_interval(curves[:, 1, 0]))


@pytest.mark.parametrize(
    ("values", "confidence", "message"),
    [
        ([1.0], 0.95, "al menos dos repeticiones"),
        (3.0, 0.95, "al menos dos repeticiones"),
        ([1.0, np.nan], 0.95, "finito"),
        ([1.0, 2.0], 1.0, "confidence debe estar entre 0 y 1"),
    ],
)
def test_bad_input_is_explained(values: object, confidence: float, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        mean_interval(values, confidence=confidence)
