"""Figures for the card: per source and attribute, mean and spread over runs, all checked by hand."""

import json
import math

import numpy as np
import pytest

from siam.evaluation import bootstrap
from siam.evaluation.metrics import average_precision
from siam.evaluation.presence import predicted_presence
from siam.evaluation.scores import (
    attribute_figures,
    attribute_figures_with_intervals,
    difference_figures,
    mean_figures,
    score_figures,
    score_figures_with_intervals,
)
from tests.evaluation.test_metrics import slow_average_precision, slow_rmse, slow_tau_b


def test_score_figures_by_hand():
    scores = np.array([1.0, 2.0, 3.0, 10.0, 20.0])
    sources = np.array([0, 0, 0, 1, 1])
    predicted = np.array([[1.0, 2.0, 3.0, 13.0, 24.0], [3.0, 2.0, 1.0, 13.0, 24.0]])
    figures = score_figures(predicted, scores, sources, ["first", "second"])
    error = math.sqrt(8 / 3)  # of the second run on the first source; the first run's is 0
    assert figures == {
        "first": {
            "kendall_tau": 0.0,
            "kendall_tau_sd": 1.0,
            "rmse": round(error / 2, 4),
            "rmse_sd": round(error / 2, 4),
            "n": 3,
        },
        "second": {
            "kendall_tau": 1.0,
            "kendall_tau_sd": 0.0,
            "rmse": round(math.sqrt((9 + 16) / 2), 4),
            "rmse_sd": 0.0,
            "n": 2,
        },
    }


def test_score_figures_equal_slow_definitions_run_by_run():
    random = np.random.default_rng(0)
    scores, sources = random.integers(1, 8, 40).astype(float), random.integers(0, 3, 40)
    predicted = scores + random.normal(0, 1, (4, 40))
    figures = score_figures(predicted, scores, sources, ["a", "b", "c"])
    for index, name in enumerate("abc"):
        at = np.flatnonzero(sources == index)
        taus = [slow_tau_b(run[at], scores[at]) for run in predicted]
        errors = [slow_rmse(run[at], scores[at]) for run in predicted]
        for key, values in (("kendall_tau", taus), ("rmse", errors)):
            mean = sum(values) / 4
            assert figures[name][key] == pytest.approx(mean, abs=6e-5)
            spread = math.sqrt(sum((value - mean) ** 2 for value in values) / 4)
            assert figures[name][f"{key}_sd"] == pytest.approx(spread, abs=6e-5)
        assert figures[name]["n"] == len(at)


def test_attribute_figures_judge_only_attributes_with_three_positives():
    random = np.random.default_rng(1)
    labels = np.zeros((8, 4))
    labels[:3, 0], labels[:2, 1], labels[2:7, 2], labels[:, 3] = 1, 1, 2 / 3, 1 / 3
    predicted = random.normal(0, 1, (8, 4))
    figures = attribute_figures(predicted, labels, ["trees", "wire", "ocean", "dry"])
    expected = {
        name: slow_average_precision(predicted[:, k], labels[:, k] > 0.5) for k, name in ((0, "trees"), (2, "ocean"))
    }
    assert figures["per_attribute"] == pytest.approx(expected, abs=6e-5)
    assert figures["mean_average_precision"] == pytest.approx(sum(expected.values()) / 2, abs=6e-5)
    assert figures["chance"] == (3 / 8 + 5 / 8) / 2
    assert (figures["attributes"], figures["minimum_positives"], figures["n"]) == (2, 3, 8)


def test_mean_figures_average_the_networks():
    common = {"chance": 0.3, "attributes": 2, "minimum_positives": 3, "n": 9}
    first = {**common, "mean_average_precision": 0.5, "per_attribute": {"trees": 0.4, "ocean": 0.6}}
    second = {**common, "mean_average_precision": 0.9, "per_attribute": {"trees": 0.8, "ocean": 1.0}}
    assert mean_figures([first, second]) == {
        **common,
        "mean_average_precision": 0.7,
        "mean_average_precision_sd": 0.2,
        "per_attribute": {"trees": 0.6, "ocean": 0.8},
    }
    assert first["per_attribute"] == {"trees": 0.4, "ocean": 0.6}  # what came in is left as it was


def test_figures_are_plain_json():
    random = np.random.default_rng(2)
    scores = random.normal(4, 1, 12).astype(np.float32)
    labels = (random.random((12, 2)) > 0.5).astype(np.float32)
    figures = {
        "scores": score_figures(scores + random.normal(0, 1, (2, 12)), scores, np.zeros(12, dtype=int), ["only"]),
        "attributes": mean_figures([attribute_figures(random.random((12, 2)), labels, ["trees", "ocean"])]),
    }
    assert json.loads(json.dumps(figures, allow_nan=False)) == figures


def test_score_figures_with_intervals_hold_their_figures():
    random = np.random.default_rng(3)
    scores = random.integers(1, 8, 60).astype(float)
    first, second = scores + random.normal(0, 1, 60), scores + random.normal(1, 2, 60)
    figures = score_figures_with_intervals(first, scores)
    assert figures["rmse"] == pytest.approx(slow_rmse(first, scores), abs=6e-5)
    assert figures["kendall_tau"] == pytest.approx(slow_tau_b(first, scores), abs=6e-5)
    apart = difference_figures(first, second, scores)
    assert apart["rmse"] == pytest.approx(slow_rmse(first, scores) - slow_rmse(second, scores), abs=6e-5)
    assert apart["kendall_tau"] == pytest.approx(slow_tau_b(first, scores) - slow_tau_b(second, scores), abs=6e-5)
    for found in (figures, apart):
        for name in ("rmse", "kendall_tau"):
            low, high = found[f"{name}_interval"]
            assert low < found[name] < high
    assert apart["rmse_interval"][1] < 0  # the first is plainly better


def test_a_difference_of_a_network_from_itself_is_nothing():
    scores = np.random.default_rng(4).normal(size=20)
    found = difference_figures(scores * 2, scores * 2, scores)
    assert (found["rmse_interval"], found["kendall_tau_interval"]) == ([0, 0], [0, 0])


def test_intervals_of_attributes_are_those_of_the_figures_one_resample_at_a_time():
    random = np.random.default_rng(6)
    labels = (random.random((40, 3)) < [0.5, 0.03, 0.0]).astype(float)
    labels[0, 1] = 1
    predicted = labels + random.normal(0, 1, (40, 3))
    found = attribute_figures_with_intervals(predicted, labels, ["trees", "wire", "dry"])
    assert list(found["per_attribute"]) == list(found["per_attribute_interval"]) == ["trees", "wire"]

    def figures(one, other):
        precision = average_precision(one, other, minimum=1)[:2]
        known = precision[~np.isnan(precision)]
        return np.array([*precision, known.mean() if len(known) else np.nan])

    trees, wire, mean = bootstrap.interval(figures, predicted, labels).T
    assert found["per_attribute_interval"]["trees"] == pytest.approx(trees, abs=6e-5)
    assert found["per_attribute_interval"]["wire"] == pytest.approx(wire, abs=6e-5)
    assert found["mean_average_precision_interval"] == pytest.approx(mean, abs=6e-5)
    assert found["attributes"] == 2
    sure = attribute_figures(predicted, labels, ["trees", "wire", "dry"])
    assert found["mean_average_precision_of_three"] == sure["mean_average_precision"]


def test_predicted_presence_in_thirds_with_many_equal_values():
    scores = np.arange(10.0)
    presence = np.zeros((10, 3))
    presence[7:, 0] = 0.1  # most photos show nothing: they all are the lower group
    presence[:, 2] = -scores
    found = predicted_presence(presence, scores, ["rare", "never", "ugly"])["attributes"]
    assert (found["rare"]["present"], found["rare"]["absent"]) == (3, 7)
    assert (found["rare"]["mean_present"], found["rare"]["mean_absent"]) == (8, 3)
    assert (found["never"]["kendall_tau"], found["never"]["kendall_tau_interval"]) == (None, None)
    assert (found["never"]["present"], found["never"]["mean_present"]) == (0, None)
    assert found["ugly"]["kendall_tau"] == -1
    assert (found["ugly"]["mean_present"], found["ugly"]["mean_absent"]) == (1, 7.5)  # of three photos and four
