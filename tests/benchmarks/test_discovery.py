"""Candidates are matched with what is known of the scenes, in either direction, and the others are counted."""

from dataclasses import replace

import numpy as np

from benchmarks.discovery import FIRST, judged, matches
from siam.discovery.candidates import discover
from tests.discovery.made import ATTRIBUTES, world


def test_a_match_is_told_from_a_spurious_candidate():
    cells, scores, amount, _where = world()
    discovery = discover(cells, scores, ATTRIBUTES)
    noise = np.random.default_rng(0).random(len(amount)) < 0.5
    truth = {"cause": amount > 0, "noise": noise, "nowhere": np.zeros(len(amount), dtype=bool)}
    first = discovery.candidates[0]
    assert list(matches(first, truth)) == ["cause"] and matches(first, truth)["cause"] > 0.95
    assert list(matches(replace(first, amount=-first.amount), truth)) == ["cause"]
    found = judged(discovery, truth)
    assert found["met"] == ["cause"] and found["spurious"] == FIRST - 1
