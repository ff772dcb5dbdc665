"""Groups found from scores: the projection, the budgets, and worlds in which it is known what counts together."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize

from siam.errors import TrainingError
from siam.training.context import Settings, budget_scores, fit, to_simplex

NAMES = tuple("abcdefgh")
QUICK = {"groups": 24, "steps": 400}


@given(st.lists(st.floats(-3, 3), min_size=1, max_size=6))
def test_the_projection_is_the_nearest_point_of_the_simplex(row):
    target = np.array(row)
    found = to_simplex(torch.tensor(row, dtype=torch.float64)).numpy()
    assert (found >= 0).all()
    assert found.sum() == pytest.approx(1)
    best = minimize(
        lambda x: ((x - target) ** 2).sum(),
        np.full(len(row), 1 / len(row)),
        jac=lambda x: 2 * (x - target),
        bounds=[(0, None)] * len(row),
        constraints={"type": "eq", "fun": lambda x: x.sum() - 1, "jac": np.ones_like},
        method="SLSQP",
    )
    assert ((found - target) ** 2).sum() <= best.fun + 1e-6


def test_budgets_add_the_largest():
    contributions = torch.tensor([[0.5, -2.0, 1.0], [0.0, 0.1, -0.2]])
    expected = [[-2.0, -0.2], [-1.0, -0.1], *[[-0.5, -0.1]] * 7]
    assert torch.allclose(budget_scores(contributions), torch.tensor(expected), atol=1e-6)


def world(count=500, seed=0):
    """Return presence of eight attributes, each absent from every other photo."""
    random = np.random.default_rng(seed)
    presence = random.random((count, len(NAMES))) * (random.random((count, len(NAMES))) < 0.5)
    return presence, random.normal(0, 0.1, count)


def test_what_counts_only_together_becomes_one_group():
    presence, noise = world()
    score = 4 + 2 * np.sqrt(presence[:, 0] * presence[:, 1]) - 1.5 * presence[:, 2] + noise
    csib = fit(presence, score, NAMES, Settings(**QUICK))
    largest = {frozenset(index for index, _, _ in csib.members(g)): csib.weights[g] for g in range(2)}
    assert set(largest) == {frozenset({0, 1}), frozenset({2})}
    assert largest[frozenset({0, 1})] > 0 > largest[frozenset({2})]
    unseen, noise = world(seed=1)
    truth = 4 + 2 * np.sqrt(unseen[:, 0] * unseen[:, 1]) - 1.5 * unseen[:, 2]
    error = np.sqrt(((csib.scores(unseen) - truth) ** 2).mean())
    assert error < 0.3 * truth.std()


def test_an_absence_is_found_where_negations_are_allowed():
    presence, noise = world()
    score = 4 + 2 * presence[:, 0] * (presence[:, 1] < 0.01) + noise
    plain = fit(presence, score, NAMES, Settings(**QUICK))
    csib = fit(presence, score, NAMES, Settings(**QUICK, negations=True))
    errors = [np.sqrt(((of.scores(presence) - score) ** 2).mean()) for of in (plain, csib)]
    assert errors[1] < errors[0]
    named = {(index, absent) for g in range(len(csib)) for index, absent, _ in csib.members(g)}
    assert (1, True) in named


def test_the_spatial_variant_tells_the_same_place_from_the_same_photo():
    random = np.random.default_rng(0)
    presence = np.zeros((400, 3, 2, 2))
    cells = random.integers(0, 4, (400, 3))
    for photo, of_photo in enumerate(cells):
        for attribute, cell in enumerate(of_photo):
            presence[photo, attribute, cell // 2, cell % 2] = random.random()
    at_once = np.sqrt(presence[:, 0] * presence[:, 1]).mean(axis=(1, 2))
    csib = fit(presence, 4 + 8 * at_once + random.normal(0, 0.05, 400), NAMES[:3], Settings(**QUICK, spatial=True))
    assert csib.grid == 2
    assert np.corrcoef(csib.scores(presence), at_once)[0, 1] > 0.9
    both = [g for g in range(len(csib)) if {index for index, _, _ in csib.members(g)} == {0, 1}]
    of_both = csib.contributions(presence)[:, both].sum(axis=1)
    assert np.corrcoef(of_both, at_once)[0, 1] > 0.9


def test_with_a_linear_part_groups_learn_what_is_left():
    presence, noise = world()
    siam = 4 + 1.5 * presence[:, 2]
    score = siam + 2 * np.sqrt(presence[:, 0] * presence[:, 1]) + noise
    csib = fit(presence, score, NAMES, Settings(**QUICK, linear=True), siam=siam)
    assert {index for index, _, _ in csib.members(0)} == {0, 1}
    assert np.sqrt(((csib.scores(presence, siam) - score) ** 2).mean()) < (score - siam).std() / 2


def test_the_same_seed_gives_the_same_groups():
    presence, noise = world(100)
    one, again, other = (
        fit(presence, presence[:, 0] + noise, NAMES, Settings(groups=8, steps=20), seed=seed) for seed in (0, 0, 1)
    )
    assert np.array_equal(one.groups, again.groups)
    assert np.array_equal(one.weights, again.weights)
    assert one.groups.shape != other.groups.shape or not np.allclose(one.groups, other.groups)


def test_it_can_be_stopped():
    def stop(step):
        if step == 3:
            raise KeyboardInterrupt

    presence, noise = world(50)
    with pytest.raises(KeyboardInterrupt):
        fit(presence, noise, NAMES, Settings(**QUICK), on_step=stop)


@pytest.mark.parametrize(
    ("presence", "scores", "settings", "words"),
    [
        (np.zeros((30, 8)), np.zeros(29), {}, r"expected \(N, 8\)"),
        (np.zeros((30, 7)), np.zeros(30), {}, r"expected \(N, 8\)"),
        (np.zeros((30, 8)), np.zeros(30), {"spatial": True}, "g, g"),
        (np.zeros((19, 8)), np.zeros(19), {}, "at least 20"),
        (np.full((30, 8), np.nan), np.zeros(30), {}, "finite"),
        (np.zeros((30, 8)), np.zeros(30), {"linear": True}, "SIAM's scores"),
    ],
)
def test_what_cannot_be_fitted_is_refused(presence, scores, settings, words):
    with pytest.raises(TrainingError, match=words):
        fit(presence, scores, NAMES, Settings(**settings))


@pytest.mark.parametrize("wrong", [{"groups": 0}, {"steps": 0}, {"learning_rate": 0}, {"few": -1}, {"ridge": np.inf}])
def test_settings_out_of_range_are_refused(wrong):
    with pytest.raises(ValueError, match="expected"):
        Settings(**wrong)
