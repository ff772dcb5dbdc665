"""How far to trust a score: intervals and distances against slow formulas, their promise, and the file."""

from dataclasses import replace
from math import ceil

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

import siam
from siam.datasets.base import RatingScale
from siam.models.checkpoint import Pair, files, save
from siam.models.doubt import DIRECTIONS, FOLDS, LEVEL, USUAL, Doubt, fit, half_width, shares
from siam.models.identity import identity
from tests.support.networks import baseline_network, siam_network

SCALE = RatingScale("test rating", 1, 10)


def features(count, channels=48, seed=0):
    """Return mean features (count, channels): a few directions and some noise, some of them negative."""
    made = np.random.default_rng(seed)
    return made.random((count, 3)) @ np.random.default_rng(99).random((3, channels)) + made.normal(
        0, 0.05, (count, channels)
    )


def doubt(landscapes=90, rated=40, seed=0, **settings):
    residuals = np.abs(np.random.default_rng(seed).normal(0, 0.7, (rated, 2)))
    return fit(features(landscapes), features(landscapes)[:rated], residuals, np.arange(rated), **settings)


def slow_distance(feature, others):
    """Return how far one photo is from what the main directions of some landscapes can tell."""
    places = []
    for one in [feature, *others]:
        positive = [max(value, 0) for value in one]
        places.append(np.array([(value / sum(positive)) ** 0.5 for value in positive]))
    place, known = places[0], np.stack(places[1:])
    centre = known.mean(axis=0)
    values, axes = np.linalg.eigh(np.cov(known.T, bias=True))
    away = place - centre
    for axis in axes.T[np.argsort(-values)][: min(DIRECTIONS, len(known) - 1)]:
        away = away - (away @ axis) * axis
    return np.linalg.norm(away)


def test_distances_are_those_of_the_formula():
    landscapes, others = features(60), features(5, seed=1) + 0.3 * np.eye(5, 48)
    found = fit(landscapes, others, np.ones((5, 2)))
    assert found.distance(others) == pytest.approx([slow_distance(one, landscapes) for one in others], abs=1e-9)
    assert found.distances == pytest.approx(found.distance(others))
    assert found.distance(others[2]) == pytest.approx(found.distance(others)[2])  # one photo


def test_a_landscape_is_measured_by_others():
    landscapes = features(60)
    found = fit(landscapes, landscapes[:25], np.ones((25, 2)), np.arange(25), seed=3)
    fold = np.random.default_rng(3).permutation(60) % FOLDS
    slow = [slow_distance(one, landscapes[fold != number]) for one, number in zip(landscapes, fold, strict=True)]
    assert found.landscapes == pytest.approx(np.sort(slow), abs=1e-9)
    assert found.distances == pytest.approx(slow[:25], abs=1e-9)
    assert found.are_landscapes(np.array(slow)).mean() == pytest.approx(USUAL, abs=1 / 60)


def test_brightness_does_not_count_and_darkness_is_far():
    found, photo = doubt(), features(1)
    assert found.distance(7 * photo) == pytest.approx(found.distance(photo))
    assert not shares(np.zeros((1, 48))).any()
    assert not found.are_landscapes(found.distance(np.zeros((1, 48))))[0]


@pytest.mark.parametrize("count", [20, 21, 39, 40, 141])
def test_the_half_width_is_the_smallest_that_covers_enough(count):
    residuals = np.random.default_rng(count).random(count)
    half = half_width(residuals, np.zeros(count), np.zeros(1), 1.0)[0]
    wanted = ceil((count + 1) * LEVEL)
    assert (residuals <= half + 1e-12).sum() == wanted
    assert half in residuals


def test_photos_unlike_landscapes_get_wider_intervals():
    found = doubt()
    near, usual, far = found.intervals(np.full(3, 5.0), found.usual * np.array([0.5, 1, 2]), SCALE)
    assert usual == pytest.approx(near)  # all usual ones the same
    assert np.ptp(far) == pytest.approx(2 * np.ptp(near))
    assert found.interval(5, 0, SCALE) == pytest.approx(tuple(near))
    assert found.interval(5, 0, SCALE, "baseline") != pytest.approx(near)


@pytest.mark.parametrize("unusual", [0.0, 0.3])
def test_the_promise_holds_for_new_photos(unusual):
    """Of photos drawn like the rated ones, four of five lie inside on average, whatever errors grow with distance."""
    made, inside = np.random.default_rng(0), []
    for _trial in range(300):
        away = np.where(made.random(50) < unusual, made.uniform(1, 3, 50), 0.5)
        errors = np.abs(made.standard_t(3, 50)) * np.maximum(1, away)
        half = half_width(errors[:40], away[:40], away[40:], 1.0)
        inside += (errors[40:] <= half).tolist()
    # with m = 40, between 33/41 and one more; 3,000 photos in groups that share their intervals
    assert np.mean(inside) + 0.02 >= LEVEL and np.mean(inside) <= LEVEL + 0.05


def test_too_few_rated_photos_say_nothing():
    few = fit(features(30), features(19), np.ones((19, 2)))
    assert few.interval(5, 0, SCALE) is None
    assert np.isnan(few.intervals(np.array([5.0]), np.zeros(1), SCALE)).all()
    enough = fit(features(30), features(20), np.stack([np.ones(20), np.full(20, np.nan)], axis=1))
    assert enough.interval(5, 0, SCALE) == (4, 6)
    assert enough.interval(5, 0, SCALE, "baseline") is None  # there is none
    with pytest.raises(ValueError, match="19 landscapes"):
        fit(features(19), features(20), np.ones((20, 2)))
    with pytest.raises(ValueError, match="residuals of shape"):
        fit(features(30), features(20), np.ones((19, 2)))


def test_intervals_stay_on_the_scale():
    found = doubt()
    ends = found.intervals(np.array([1.1, 9.9]), np.zeros(2), SCALE)
    assert ends[0, 0] == 1 and ends[1, 1] == 10


@pytest.fixture
def pair():
    network = siam_network()
    channels = network.attribute_layer.in_channels
    rated = np.abs(np.random.default_rng(1).normal(0, 0.7, (30, 2)))
    known = fit(features(60, channels), features(60, channels)[:30], rated, np.arange(30))
    return Pair("test", network, baseline_network(), {}, doubt=replace(known, about={"date": "2026-11-29"}))


def test_it_comes_back_with_the_pair(pair, tmp_path):
    save(pair, tmp_path)
    found = siam.load(tmp_path, device="cpu").doubt
    assert found is not None
    assert found.about == {"date": "2026-11-29"}
    for name in ("centre", "axes", "landscapes", "distances", "residuals"):
        assert getattr(found, name) == pytest.approx(getattr(pair.doubt, name), abs=1e-6)
    assert "doubt.safetensors" in files(pair.card, tmp_path)
    save(replace(pair, doubt=None), tmp_path)  # what another training left does not stay
    assert siam.load(tmp_path, device="cpu").doubt is None
    assert "doubt.safetensors" not in files(pair.card, tmp_path)


def test_the_identity_of_a_pair_knows_it(pair):
    other = replace(pair, doubt=replace(pair.doubt, residuals=2 * pair.doubt.residuals))
    assert len({identity(pair), identity(other), identity(replace(pair, doubt=None))}) == 3
    assert identity(pair, learnt=False) == identity(other, learnt=False)  # scores do not depend on it


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda of: of.pop("axes"), "lacks the tensor axes"),
        (lambda of: of.update(centre=of["centre"][:-1].copy()), "do not fit together"),
        (lambda of: of.update(residuals=of["residuals"][:-1].copy()), "do not fit together"),
        (lambda of: of.update(landscapes=of["landscapes"][:5].copy()), "do not fit together"),
        (lambda of: of.update(landscapes=0 * of["landscapes"]), "do not fit together"),
        (lambda of: of.update(distances=np.full_like(of["distances"], np.inf)), "do not fit together"),
    ],
)
def test_a_file_that_does_not_fit_is_named(pair, tmp_path, change, message):
    save(pair, tmp_path)
    tensors = load_file(tmp_path / "doubt.safetensors")
    change(tensors)
    save_file(tensors, tmp_path / "doubt.safetensors")
    with pytest.raises(siam.CheckpointError, match=rf"doubt\.safetensors.*{message}"):
        siam.load(tmp_path)


@pytest.mark.parametrize("content", [b"", b"no tensors"])
def test_a_damaged_file_is_named(pair, tmp_path, content):
    save(pair, tmp_path)
    (tmp_path / "doubt.safetensors").write_bytes(content)
    with pytest.raises(siam.CheckpointError, match=r"doubt\.safetensors is not a readable safetensors file"):
        siam.load(tmp_path)


def test_one_made_for_other_networks_is_named(pair, tmp_path):
    save(replace(pair, doubt=doubt()), tmp_path)
    with pytest.raises(siam.CheckpointError, match=r"doubt\.safetensors.*48 channels"):
        siam.load(tmp_path)


def test_a_doubt_says_what_it_rests_on():
    assert repr(doubt()) == "Doubt(40 rated photos, 90 landscapes)"
    assert isinstance(doubt(), Doubt)
