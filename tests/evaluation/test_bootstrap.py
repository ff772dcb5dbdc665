"""Intervals: they cover the truth as often as they say, the same every time, by the slow way and the quick one."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from siam.evaluation import bootstrap
from siam.evaluation.metrics import (
    average_precision,
    average_precision_of_resamples,
    kendall_tau,
    kendall_tau_of_resamples,
    rmse,
    rmse_of_resamples,
)


def test_the_interval_covers_the_truth_as_often_as_it_says():
    random = np.random.default_rng(1)
    covered = 0
    for _ in range(400):
        photos = random.exponential(2.0, 80)  # skewed, of mean 2
        low, high = bootstrap.ends(bootstrap.resampled(lambda m, x=photos: m @ x / len(x), 80, resamples=300))
        covered += low <= 2.0 <= high
    assert 0.90 <= covered / 400 <= 0.97  # 95 % and a little less, as percentiles of a skewed mean are known for


def test_the_interval_of_a_mean_is_the_textbook_one():
    photos = np.random.default_rng(2).normal(3, 2, 400)
    found = bootstrap.interval(np.mean, photos)
    expected = photos.mean() + np.array([-1.96, 1.96]) * photos.std() / 20
    assert found == pytest.approx(expected, abs=0.03)


def test_a_tau_of_no_relation_is_covered_and_a_strong_one_is_told_from_it():
    random = np.random.default_rng(3)
    scores = random.normal(size=60)
    covered = 0
    for _ in range(60):
        noise = random.normal(size=60)
        taus = bootstrap.resampled(lambda m, x=noise: kendall_tau_of_resamples(x, scores, m), 60, resamples=200)
        low, high = bootstrap.ends(taus)
        covered += low <= 0 <= high
    assert covered >= 50
    assert bootstrap.interval(kendall_tau, scores + random.normal(0, 0.5, 60), scores, resamples=200)[0] > 0.4


def test_the_same_seed_gives_the_same_interval_and_another_one_another():
    x, y = np.random.default_rng(4).normal(size=(2, 50))
    first = bootstrap.interval(rmse, x, y, resamples=100)
    assert (first == bootstrap.interval(rmse, x, y, resamples=100)).all()
    assert (first != bootstrap.interval(rmse, x, y, seed=1, resamples=100)).all()


COARSE = st.integers(-3, 3).map(float)


@settings(deadline=None, max_examples=40)
@given(st.lists(st.tuples(COARSE, COARSE), min_size=3, max_size=15), st.integers(0, 9))
def test_quick_figures_of_resamples_equal_those_one_by_one(pairs, seed):
    x, y = np.array(pairs).T
    options = {"seed": seed, "resamples": 12}
    slow_tau, slow_rmse, slow_precision = [], [], []

    def note(one, other):
        slow_tau.append(kendall_tau(one, other))
        slow_rmse.append(rmse(one, other))
        slow_precision.append(average_precision(one[:, None], (other[:, None] > 0).astype(float), minimum=1)[0])
        return 0.0

    bootstrap.interval(note, x, y, **options)
    quick = [
        bootstrap.resampled(lambda m: kendall_tau_of_resamples(x, y, m), len(x), **options),
        bootstrap.resampled(lambda m: rmse_of_resamples(x, y, m), len(x), **options),
        bootstrap.resampled(lambda m: average_precision_of_resamples(x, y > 0, m), len(x), **options),
    ]
    for found, expected in zip(quick, (slow_tau, slow_rmse, slow_precision), strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-12)


def test_tau_of_many_photos_takes_the_other_way_and_finds_the_same(monkeypatch):
    x, y = np.round(np.random.default_rng(5).normal(size=(2, 70)), 1)
    counts = np.random.default_rng(6).multinomial(70, np.full(70, 1 / 70), 8)
    expected = kendall_tau_of_resamples(x, y, counts)
    monkeypatch.setattr("siam.evaluation.metrics._MANY", 60)
    assert kendall_tau_of_resamples(x, y, counts) == pytest.approx(expected, abs=1e-12)


def test_draws_in_pieces_hold_as_many_photos_and_resamples(monkeypatch):
    monkeypatch.setattr(bootstrap, "_CELLS", 35)  # three rows of ten at a time
    shapes = []

    def look(counts):
        shapes.append(counts.shape)
        assert (counts.sum(axis=1) == 10).all()
        return counts.max(axis=1)

    assert bootstrap.resampled(look, 10, resamples=8).shape == (8,)
    assert shapes == [(3, 10), (3, 10), (2, 10)]


def test_resamples_in_which_a_figure_is_not_defined_are_left_out():
    values = np.array([[1.0, np.nan, np.nan], [2.0, 5.0, np.nan], [3.0, 6.0, 7.0], [4.0, np.nan, np.nan]])
    low, high = bootstrap.ends(values)
    assert low == pytest.approx([1.075, 5.025, np.nan], nan_ok=True)
    assert high == pytest.approx([3.925, 5.975, np.nan], nan_ok=True)


def test_a_difference_is_taken_on_the_same_photos():
    random = np.random.default_rng(7)
    scores = random.normal(size=40)
    noisy = scores + random.normal(size=40)
    assert (bootstrap.difference(rmse, noisy, noisy, scores, resamples=50) == 0).all()
    apart = bootstrap.difference(rmse, noisy + 2, scores, scores, resamples=200)
    assert (apart == bootstrap.interval(rmse, noisy + 2, scores, resamples=200)).all()


def test_arrays_of_different_photos_or_none_are_refused():
    for arrays in ((np.zeros(3), np.zeros(4)), (np.zeros(0),), ()):
        with pytest.raises(ValueError, match="same photos"):
            bootstrap.interval(np.mean, *arrays)
    with pytest.raises(ValueError, match="no photos"):
        bootstrap.resampled(len, 0)
