"""Candidates are matched with what is known of the scenes, in either direction, and the others are counted."""

from dataclasses import replace

import numpy as np

from benchmarks import discovery as benchmark
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


def test_the_time_is_that_of_as_many_photos(monkeypatch):
    cells, scores, *_rest = world(80)
    monkeypatch.setattr(benchmark, "MANY", 170)
    found = []
    monkeypatch.setattr(benchmark.candidates, "discover", lambda *of: found.append(of))
    told = benchmark.many(cells, scores, ATTRIBUTES)
    ((more, of, names),) = found
    assert told["photos"] == len(more) == len(of.rest) == 170 and names == ATTRIBUTES
    assert told["seconds"] > 0 and told["processor_seconds"] >= 0 and told["processor"]
    ratio = more.light[80:160].astype(float) / cells.light[:, :, ::-1].astype(
        float
    )  # mirrored, each with its own noise
    assert np.nanstd(ratio) < 0.15 and np.nanstd(ratio[:, 0, 0, 0]) > 0.05
    assert np.allclose(ratio[:, 0, 0], ratio[:, 6, 6], rtol=0.02, equal_nan=True)


def test_the_command_that_is_stored_names_no_folder_of_here(tmp_path, monkeypatch):
    words = ["--gallery", str(tmp_path), "--photos", str(tmp_path), "--store"]
    options = benchmark.parser().parse_args(words)
    assert benchmark.command(options) == (
        "python -m benchmarks.discovery --gallery DATA/scenes --photos DATA/sun --store"
    )
    assert benchmark.command(benchmark.parser().parse_args([])) == "python -m benchmarks.discovery"
