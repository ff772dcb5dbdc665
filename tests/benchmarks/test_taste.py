"""The simulation of tastes: people are as described, and the figures are those of their fits."""

import numpy as np
import pytest

from benchmarks import taste
from benchmarks.taste import CURVE, Found, World
from siam.evaluation import stored
from siam.taste.personal import Design
from tests.taste.made import crowd, maps


@pytest.fixture(scope="module")
def world():
    design = Design(crowd(), maps(80))
    contributions = design.crowd.contributions(design.maps)
    return World("made", design, design.maps.means, contributions, design.maps.means, np.zeros((80, 0)), 30)


def test_people_give_whole_numbers_and_follow_their_causes(world, monkeypatch):
    monkeypatch.setattr(taste, "OWN", 3)
    for seed in range(10):
        rater = taste.person(world, seed)
        ratings = rater.rate(np.arange(80))
        assert set(ratings) <= set(range(1, 8)) and len(set(ratings)) > 3
        assert np.corrcoef(rater.contributions.sum(axis=1), rater.taste)[0, 1] > 0.9
        assert np.corrcoef(ratings, rater.taste)[0, 1] > 0.5
        assert (rater.taste.mean(), rater.taste.std()) == pytest.approx((0, 1))


def test_one_persons_figures(world, monkeypatch):
    monkeypatch.setattr(taste, "OWN", 3)
    found = taste.found(world, 0)
    rated = np.array(CURVE) <= 50  # of 80 photos, 30 are kept
    for values in (*found.tau.values(), *found.causes.values()):
        assert np.array_equal(np.isfinite(values), rated)
    of_crowd = found.tau[taste.CROWD][rated]
    assert of_crowd == pytest.approx(np.full(rated.sum(), of_crowd[0]))


def test_the_chosen_order_begins_anywhere_and_repeats_no_photo(world):
    pool = np.arange(79, 9, -1)
    order = taste.chosen_order(world.design, pool, 40)
    assert order[0] == 79 and len(set(order)) == 40 and set(order) <= set(pool)


def test_ratings_needed_are_read_off_the_curves():
    """The chosen order is always where the random one is with twice as many ratings."""
    counts = np.array(CURVE, dtype=float)
    people = []
    for shift in (-0.02, 0.0, 0.02):
        tau = {
            "chosen order": np.log(2 * counts) / 10 + shift,
            "random order": np.log(counts) / 10 + shift,
            taste.CROWD: np.full(len(CURVE), 0.2),
        }
        inside = {"random order": np.array([1.0, 1.0, 0.0, np.nan])}
        people.append(Found(tau, {taste.CROWD: tau[taste.CROWD]}, inside, [0.1, 0.3]))
    figures = taste.summary(people)
    assert figures["needed"]["60"] == pytest.approx([0.5, 0.5, 0.5], abs=0.01)
    assert figures["needed"]["30"][0] == pytest.approx(0.5, abs=0.01)
    assert figures["tau"][taste.CROWD]["15"] == pytest.approx([0.2, 0.2, 0.2])
    assert figures["inside"]["random order"] == {"15": 1.0, "30": 1.0, "60": 0.0}
    assert figures["seconds"] == pytest.approx([0.2, 0.3])


def test_stored_figures_are_no_result_of_an_evaluation(tmp_path):
    (tmp_path / taste.RESULT.name).write_text("{}")
    assert taste.RESULT.parent == stored.STORED and stored.paths(tmp_path) == []
