"""A personal SIAM is what its formula says: between the crowd's and the person's, exact, and honest about itself."""

from dataclasses import replace
from unittest.mock import patch

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from siam.errors import DatasetError
from siam.evaluation.metrics import kendall_tau
from siam.models.checkpoint import Pair, load, save
from siam.models.siam import pooled
from siam.taste import personal
from siam.taste.maps import Maps
from siam.taste.personal import Design, as_pair, differences, fit, like_crowd, on_scale
from tests.support.networks import SCALE, baseline_network, siam_network
from tests.taste.made import GRID, K, crowd, maps, other_taste

MAPS = maps()
DESIGN = Design(crowd(), MAPS)
EVERY = np.arange(40)


def ratings(rows, noise=0.0, taste=None, seed=0):
    """Return somebody's ratings of photos, in points."""
    return (taste or other_taste()).scores(MAPS)[rows] + np.random.default_rng(seed).normal(0, noise, len(rows))


def solved(rows, values, strength, share):
    """Return the taste that a strength and a share give."""
    ready = DESIGN.fit(rows, values)
    taste, _offset = DESIGN.taste(ready, np.arange(len(rows)), ready.solve(np.arange(len(rows)), strength, share))
    return taste


def primal(rows, values, strength, share):
    """Return the scores of all photos by ridge regression on the features of the module's formula, written out."""
    pooled, start = MAPS.pooled.astype(float), crowd()
    scores = start.bias + (pooled * start.templates).sum(axis=(1, 2, 3))
    m = pooled.mean(axis=(2, 3))
    scale = m.std(axis=0)
    centred = (pooled - pooled.mean(axis=0)) / scale[:, None, None]
    m = centred.mean(axis=(2, 3))
    p = (centred - m[:, :, None, None]).reshape(len(pooled), -1)
    z = (scores - scores.mean()) / scores.std()
    m_size, p_size = (m**2).sum(axis=1).mean(), (p**2).sum(axis=1).mean()
    x = np.column_stack([np.full(len(z), 10**0.5), z, ((1 - share) / m_size) ** 0.5 * m, (share / p_size) ** 0.5 * p])
    chosen = x[rows]
    weights = np.linalg.solve(chosen.T @ chosen + strength * np.eye(x.shape[1]), chosen.T @ (values - scores[rows]))
    return scores + x @ weights


@settings(deadline=None, max_examples=30)
@given(strength=st.floats(0.01, 100), share=st.floats(0, 1), count=st.integers(2, 60), seed=st.integers(0, 9))
def test_the_dual_solution_is_that_of_ridge_regression(strength, share, count, seed):
    rows = np.random.default_rng(seed).permutation(len(MAPS))[:count]
    values = ratings(rows, 0.5)
    assert solved(rows, values, strength, share).scores(MAPS) == pytest.approx(
        primal(rows, values, strength, share), abs=1e-5
    )


def test_shrunk_without_end_the_crowd_remains():
    taste = solved(EVERY, ratings(EVERY), np.inf, 0.1)
    assert np.array_equal(taste.templates, crowd().templates) and taste.bias == crowd().bias
    assert np.array_equal(taste.scores(MAPS), crowd().scores(MAPS))
    near = solved(EVERY, ratings(EVERY), 1e9, 0.1)
    assert near.scores(MAPS) == pytest.approx(crowd().scores(MAPS), abs=1e-5)


@pytest.mark.parametrize("share", [0.0, 0.1])
def test_hardly_shrunk_a_linear_taste_is_found(share):
    rows = np.arange(60)
    taste = solved(rows, ratings(rows), 1e-7, share)
    assert taste.scores(MAPS)[60:] == pytest.approx(other_taste().scores(MAPS)[60:], abs=0.05)
    if share == 0:
        assert taste.templates == pytest.approx(other_taste().templates, abs=0.02)


@settings(deadline=None, max_examples=20)
@given(strength=st.floats(0.01, 100), share=st.floats(0, 1))
def test_contributions_and_bias_are_the_score(strength, share):
    taste = solved(EVERY, ratings(EVERY), strength, share)
    by_hand = (MAPS.pooled.astype(float) * taste.templates).sum(axis=(2, 3))
    assert taste.contributions(MAPS) == pytest.approx(by_hand, abs=1e-4)
    assert taste.bias + taste.contributions(MAPS).sum(axis=1) == pytest.approx(taste.scores(MAPS), abs=1e-9)


def test_strength_and_share_are_those_with_the_smallest_leave_one_out_error():
    rows = EVERY[:20]
    values = ratings(rows, 0.5)
    ready = DESIGN.fit(rows, values)
    solution = ready.solve(np.arange(20))
    errors = {}
    for strength in personal.STRENGTHS:
        for share in personal.SHARES:
            away = []
            for left in range(20):  # fitted without each photo in turn
                kept = np.delete(np.arange(20), left)
                taste, _offset = DESIGN.taste(ready, kept, ready.solve(kept, strength, share))
                away.append(values[left] - taste.scores(MAPS)[rows[left]])
            errors[strength, share] = np.mean(np.square(away))
    assert errors[solution.strength, solution.share] == pytest.approx(min(errors.values()), rel=1e-4)


def test_ratings_that_follow_the_crowd_leave_it_as_it_is():
    found = fit(DESIGN, EVERY, crowd().scores(MAPS)[EVERY])
    assert found.strength == np.inf and np.array_equal(found.taste.templates, crowd().templates)
    assert found.tau == pytest.approx(1) and found.crowd_tau == pytest.approx(1)


def test_a_taste_of_ones_own_is_closer_to_the_person_than_the_crowd():
    found = fit(DESIGN, np.arange(60), ratings(np.arange(60), 0.1))
    assert found.tau > 0.8 > found.crowd_tau
    assert found.interval[0] < found.tau < found.interval[1] and found.gain[0] > 0
    half = (found.interval[1] - found.interval[0]) / 2
    assert found.verdict.startswith(f"after 60: τ {found.tau:.2f} ± {half:.2f}, closer to you than the crowd’s (")
    new = kendall_tau(found.taste.scores(MAPS)[60:], other_taste().scores(MAPS)[60:])
    assert new > kendall_tau(crowd().scores(MAPS)[60:], other_taste().scores(MAPS)[60:])


def test_answers_without_any_taste_say_nothing():
    """On the mean of many such people, τ is 0: it is not flattered, nor punished by the mean of the other ratings."""
    taus, said = [], 0
    for seed in range(60):
        values = np.random.default_rng(seed).integers(1, 8, 30).astype(float)
        found = fit(DESIGN, np.arange(30), values, seed=seed)
        taus.append(found.tau)
        said += found.says_something
    assert abs(np.mean(taus)) < 0.08
    assert said <= 8


def test_equal_ratings_say_nothing():
    found = fit(DESIGN, EVERY, np.full(40, 4.0))
    assert np.isnan(found.tau) and not found.says_something
    assert found.verdict == "after 40: too few to say"


@pytest.mark.parametrize("count, words", [(0, "15 more ratings are needed"), (14, "1 more rating is needed")])
def test_with_too_few_ratings_it_says_so(count, words):
    with pytest.raises(DatasetError, match=f"after {count}: too few to say; {words}"):
        fit(DESIGN, np.arange(count), np.full(count, 4.0))


def test_a_photo_rated_twice_counts_once_by_its_mean():
    rows, values = np.arange(20), ratings(np.arange(20), 0.3)
    twice = fit(DESIGN, [*rows, 3, 3], [*values, values[3] - 1, values[3] + 1])
    once = fit(DESIGN, rows, values)
    assert np.array_equal(twice.rows, rows) and twice.values == pytest.approx(once.values)
    assert twice.taste.templates == pytest.approx(once.taste.templates)
    with pytest.raises(DatasetError, match="after 14"):
        fit(DESIGN, [*rows[:14], 3], [*values[:14], 4.0])


def test_wrong_arguments_are_refused():
    unknown = Maps(MAPS.identifiers, MAPS.sha256, MAPS.pooled.copy())
    unknown.pooled[3] = np.nan
    with pytest.raises(ValueError, match="a rated photo has no maps"):
        fit(Design(crowd(), unknown), EVERY, ratings(EVERY))
    with pytest.raises(ValueError, match="a finite rating for each photo"):
        fit(DESIGN, EVERY, ratings(EVERY)[1:])
    with pytest.raises(ValueError, match="a finite rating for each photo"):
        fit(DESIGN, EVERY, np.full(40, np.nan))


def test_photos_without_maps_disturb_nothing():
    pooled = np.concatenate([MAPS.pooled, np.full_like(MAPS.pooled[:2], np.nan)])
    more = Maps((*MAPS.identifiers, "a", "b"), (*MAPS.sha256, "", ""), pooled)
    found, before = fit(Design(crowd(), more), EVERY, ratings(EVERY, 0.3)), fit(DESIGN, EVERY, ratings(EVERY, 0.3))
    assert found.taste.templates == pytest.approx(before.taste.templates)
    assert found.tau == pytest.approx(before.tau)
    assert found.taste.effects(more) == pytest.approx(before.taste.effects(MAPS))
    assert np.isnan(found.taste.scores(more)[-2:]).all()
    assert all(item.row < len(MAPS) for item in differences(found, more, count=200))


def test_differences_add_up_and_come_largest_first():
    found = fit(DESIGN, EVERY, ratings(EVERY, 0.1))
    items = differences(found, MAPS, count=5, causes=2)
    person, of_crowd = found.taste.scores(MAPS), found.crowd.scores(MAPS)
    away = np.abs(person - of_crowd - (person - of_crowd).mean())
    assert [item.row for item in items] == list(np.argsort(-away)[:5])
    for item in items:
        assert (item.person, item.crowd) == pytest.approx((person[item.row], of_crowd[item.row]))
        assert sum(points for _name, points in item.causes) + item.rest == pytest.approx(item.person - item.crowd)
        moved = found.taste.contributions(MAPS)[item.row] - found.crowd.contributions(MAPS)[item.row]
        largest = np.argsort(-np.abs(moved))[:2]
        assert [name for name, _points in item.causes] == [f"attribute_{k}" for k in largest]


def test_effects_are_the_points_of_a_usual_range():
    """With templates that are the same everywhere, that is weight times standard deviation."""
    taste = replace(crowd(), templates=np.full((K, GRID, GRID), 0.2) * np.array([1, -1, 0, 2])[:, None, None])
    expected = 0.2 * GRID**2 * MAPS.means.std(axis=0) * [1, -1, 0, 2]
    assert taste.effects(MAPS) == pytest.approx(expected, abs=1e-5)


def test_ratings_are_put_on_the_networks_scale():
    assert on_scale([1, 4, 7], SCALE) == pytest.approx([1, 5.5, 10])


def test_scores_of_comparisons_get_the_crowds_mean_and_spread():
    rows, scores = EVERY[:10], np.random.default_rng(0).normal(0, 3, 10)
    values, of_crowd = like_crowd(DESIGN, rows, scores), crowd().scores(MAPS)[EVERY[:10]]
    assert np.array_equal(np.argsort(values), np.argsort(scores))
    assert (values.mean(), values.std()) == pytest.approx((of_crowd.mean(), of_crowd.std()))
    assert like_crowd(DESIGN, rows, np.zeros(10)) == pytest.approx(np.full(10, of_crowd.mean()))


def test_the_same_seed_gives_the_same_figures():
    first, second, other = (fit(DESIGN, EVERY, ratings(EVERY, 1.0), seed=seed) for seed in (3, 3, 4))
    assert np.array_equal(first.out_of_fold, second.out_of_fold) and np.array_equal(first.interval, second.interval)
    assert not np.array_equal(first.out_of_fold, other.out_of_fold)
    assert np.array_equal(first.taste.templates, other.taste.templates)


@pytest.fixture(scope="module")
def pair():
    return Pair("tiny", siam_network(K, grid=GRID, predicts_variance=True), baseline_network(), {"folders": ["sun"]})


def test_the_persons_pair_scores_as_the_fit_does(pair, tmp_path):
    start = personal.crowd(pair)
    images = torch.rand(30, 3, 96, 96, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        output = pair.siam(images)
    seen = pooled(output.attribute_maps, pair.config.grid, pair.config.pooling).numpy()
    known = Maps(tuple(map(str, range(30))), ("",) * 30, seen.astype(np.float16))
    assert start.scores(known) == pytest.approx(output.scenicness.numpy(), abs=0.02)
    values = np.random.default_rng(0).uniform(1, 10, 30)
    found = fit(Design(start, known), np.arange(30), values)
    with patch.object(personal, "provenance", return_value={"trained": "2026-11-29"}):
        save(as_pair(found, pair, "mine"), tmp_path / "mine")
    again = load(tmp_path / "mine", "cpu")
    with torch.inference_mode():
        scores = again.siam(images).scenicness.numpy()
        unchanged = pair.siam(images).scenicness.numpy()
    assert scores == pytest.approx(found.taste.scores(known), abs=0.02)
    assert np.array_equal(unchanged, output.scenicness.numpy())
    templates, folds = again.templates
    assert templates == pytest.approx(found.taste.templates, abs=1e-4) and folds.shape == (10, K, GRID, GRID)
    assert again.name == "mine" and again.baseline is None and again.card["folders"] == ["sun"]
    assert "30 photos rated by one person" in again.card["training_data"] and "tiny" in again.card["training_data"]
