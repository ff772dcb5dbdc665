"""The card's entries for attributes, for rankings whose worth is known beforehand."""

import json

import numpy as np
import pytest

from siam.evaluation.belief import belief_entries
from siam.evaluation.scores import attribute_figures_with_intervals
from siam.models.checkpoint import Pair
from tests.support.networks import siam_network

PHOTOS = 205


def labels(positives, photos=PHOTOS):
    """Return labels (photos, K): the first `positives[k]` photos show attribute k."""
    return (np.arange(photos)[:, None] < np.array(positives)).astype(float)


def test_what_is_found_always_sometimes_and_never():
    shown, random = labels([30, 30, 30, 30]), np.random.default_rng(0)
    logits = shown + random.normal(size=shown.shape) * [0.1, 0.9, 50, 0.1]
    entries = belief_entries(labels([50, 50, 50, 9], 500), shown, logits, ["clear", "unclear", "noise", "rare"])
    assert [entry["belief"] for entry in entries.values()] == ["well", "roughly", "hardly", "hardly"]
    figures = attribute_figures_with_intervals(logits, shown, list(entries))
    for name, entry in entries.items():
        assert entry["average_precision"] == figures["per_attribute"][name]
        assert entry["interval"] == figures["per_attribute_interval"][name]
        assert entry["chance"] == pytest.approx(30 / PHOTOS, abs=1e-4)
    assert [entry["positives"] for entry in entries.values()] == [50, 50, 50, 9]


def test_with_few_test_photos_nothing_is_claimed():
    shown = labels([0, 2, 3])
    entries = belief_entries(labels([50, 50, 50], 500), shown, shown, ["none", "two", "three"])
    for name in ("none", "two"):
        assert entries[name]["average_precision"] is entries[name]["interval"] is None
        assert entries[name]["belief"] == "hardly"
    assert entries["three"]["belief"] == "well" and entries["three"]["average_precision"] == pytest.approx(1)


@pytest.mark.parametrize("positives", [3, 6, 20])
def test_luck_is_no_recognition(positives):
    """Random orders are called recognised in at most one case in twenty."""
    count = 40
    shown = labels([positives] * count)
    logits = np.random.default_rng(positives).normal(size=shown.shape)
    entries = belief_entries(labels([50] * count, 500), shown, logits, [f"{k}" for k in range(count)])
    assert sum(entry["belief"] != "hardly" for entry in entries.values()) <= count / 20


def test_only_what_most_annotators_saw_counts():
    half = np.full((PHOTOS, 1), 0.5)
    entry = belief_entries(half, half, half, ["trees"])["trees"]
    assert entry["positives"] == entry["test_positives"] == 0


def test_the_entries_are_those_of_a_card():
    network = siam_network(attributes=3)
    shown = labels([0, 20, 40])
    entries = belief_entries(labels([9, 20, 40], 90), shown, shown, network.config.attributes)
    pair = Pair("test", network, None, {"attributes": json.loads(json.dumps(entries, allow_nan=False))})
    assert {name: known.entry() for name, known in pair.recognition.items()} == entries


@pytest.mark.parametrize("shapes", [((9, 2), (9, 3), (9, 3)), ((9, 3), (9, 3), (8, 3)), ((9, 3), (0, 3), (0, 3))])
def test_arrays_that_do_not_fit_are_refused(shapes):
    with pytest.raises(ValueError, match="expected"):
        belief_entries(*map(np.ones, shapes), ["a", "b", "c"])
