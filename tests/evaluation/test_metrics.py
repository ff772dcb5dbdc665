"""Each figure of merit against its definition, written out the slow way."""

import math
from itertools import combinations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from siam.evaluation.metrics import average_precision, kendall_tau, rank_rmse, rmse


def slow_rmse(predicted, actual):
    """The root of the mean of the squared differences."""
    return math.sqrt(sum((p - a) ** 2 for p, a in zip(predicted, actual, strict=True)) / len(actual))


def slow_tau_b(predicted, actual):
    """(concordant - discordant) / sqrt(pairs not tied in one x pairs not tied in the other), over all pairs."""
    concordant = discordant = untied_predicted = untied_actual = 0
    for (p, a), (q, b) in combinations(zip(predicted, actual, strict=True), 2):
        concordant += (p - q) * (a - b) > 0
        discordant += (p - q) * (a - b) < 0
        untied_predicted += p != q
        untied_actual += a != b
    return (concordant - discordant) / math.sqrt(untied_predicted * untied_actual)


def slow_average_precision(predicted, present):
    """The mean over the positives of the precision among all that score at least as high."""
    precisions = []
    for score, positive in zip(predicted, present, strict=True):
        if positive:
            found = [other for s, other in zip(predicted, present, strict=True) if s >= score]
            precisions.append(sum(found) / len(found))
    return sum(precisions) / len(precisions)


# Few different values, so that ties are common.
COARSE = st.integers(-3, 3).map(float)
PAIRS = st.lists(st.tuples(COARSE, COARSE), min_size=2, max_size=20)


@given(st.lists(st.tuples(st.floats(-10, 10), st.floats(-10, 10)), min_size=1, max_size=20))
def test_rmse_equals_its_definition(pairs):
    predicted, actual = np.array(pairs).T
    assert rmse(predicted, actual) == pytest.approx(slow_rmse(predicted, actual))


def test_rmse_of_known_errors():
    assert rmse(np.array([1.0, 2.0]), np.array([4.0, -2.0])) == pytest.approx(math.sqrt((9 + 16) / 2))


@settings(deadline=None, max_examples=60)
@given(PAIRS)
def test_tau_equals_the_loop_over_pairs_with_ties(pairs):
    predicted, actual = np.array(pairs).T
    assume(len(set(predicted)) > 1 and len(set(actual)) > 1)
    assert kendall_tau(predicted, actual) == pytest.approx(slow_tau_b(predicted, actual), abs=1e-9)


def test_tau_of_known_orders():
    actual = np.array([1.0, 2.0, 3.0, 4.0])
    assert kendall_tau(actual**3, actual) == pytest.approx(1)
    assert kendall_tau(-actual, actual) == pytest.approx(-1)
    # One pair tied in the prediction: 5 concordant of 6, tau-b = 5 / sqrt(5 x 6).
    assert kendall_tau(np.array([1.0, 2.0, 2.0, 3.0]), actual) == pytest.approx(5 / math.sqrt(30))


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(COARSE, st.booleans()), min_size=1, max_size=20))
def test_average_precision_equals_precision_at_each_positive(photos):
    predicted, present = (np.array(column) for column in zip(*photos, strict=True))
    assume(present.any())
    found = average_precision(predicted[:, None], present[:, None].astype(float), minimum=1)
    assert found == pytest.approx([slow_average_precision(predicted, present)])


def test_average_precision_judges_each_attribute_by_its_own_column():
    labels = np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 1.0]])
    predicted = np.array([[4.0, 4.0], [3.0, 3.0], [2.0, 2.0], [1.0, 1.0]])
    # The second attribute's positives come third and fourth: (1/3 + 2/4) / 2.
    assert average_precision(predicted, labels, minimum=2) == pytest.approx([1, (1 / 3 + 2 / 4) / 2])


def test_only_a_majority_of_annotators_counts_as_present():
    labels = np.array([[0.5], [2 / 3], [1.0], [0.51], [0.0]])
    predicted = np.array([[5.0], [4.0], [3.0], [2.0], [1.0]])
    assert average_precision(predicted, labels) == pytest.approx([(1 / 2 + 2 / 3 + 3 / 4) / 3])


def test_too_few_positives_give_no_figure():
    labels = np.zeros((6, 3))
    labels[:2, 0] = labels[:3, 1] = 1
    predicted = np.arange(18.0).reshape(6, 3)
    assert np.isnan(average_precision(predicted, labels)).tolist() == [True, False, True]
    assert np.isnan(average_precision(predicted, labels, minimum=2)).tolist() == [False, False, True]
    assert np.isnan(average_precision(predicted, labels, minimum=4)).all()


def test_rank_rmse_by_hand():
    scores = np.array([1.0, 2.0, 5.0, 9.0])
    assert rank_rmse(scores**2, scores) == 0
    # Ranks 1 to 4 against 4 to 1: differences of 3, 1, 1 and 3 places of 4.
    assert rank_rmse(-scores, scores) == pytest.approx(math.sqrt((9 + 1 + 1 + 9) / 4) / 4)
    # All alike: each has the mean rank 2.5.
    assert rank_rmse(np.zeros(4), scores) == pytest.approx(math.sqrt((2.25 + 0.25 + 0.25 + 2.25) / 4) / 4)


def test_rank_rmse_of_chance_and_reverse_as_documented():
    random = np.random.default_rng(8)
    scores = random.normal(size=20_000)
    assert rank_rmse(random.normal(size=20_000), scores) == pytest.approx(math.sqrt(1 / 6), abs=0.01)
    assert rank_rmse(-scores, scores) == pytest.approx(math.sqrt(1 / 3), abs=1e-3)
