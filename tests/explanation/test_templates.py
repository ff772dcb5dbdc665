"""Descriptions of templates, against templates whose answer is obvious."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from siam.explanation.templates import (
    net_agreement,
    net_effects,
    spreads,
    stamp,
    stamp_effect,
    template_order,
    template_text,
    usual_amount,
)
from tests.support.networks import siam_network


def half(top, bottom, grid=6):
    template = np.full((grid, grid), float(bottom))
    template[: grid // 2] = top
    return template


def test_templates_are_described_in_words():
    assert template_text(half(-1, 1)) == "helps at the bottom, hurts at the top"
    assert template_text(half(2, 2)) == "helps equally everywhere"
    assert template_text(half(-2, -2)) == "hurts equally everywhere"
    assert template_text(half(0, -1)) == "hurts most at the bottom"
    assert template_text(half(0, 0)) == "has no effect"
    assert template_text(half(0.02, -1)) == "hurts most at the bottom"  # the little that helps is not mentioned
    corner = np.zeros((6, 6))
    corner[:2, :2] = 1
    assert template_text(corner) == "helps most in the upper left"


def test_the_net_effect_is_what_the_network_adds_with_one_unit_everywhere():
    network = siam_network(attributes=4)
    templates = network.scenicness_head.effective_templates().detach().numpy()
    for k, net in enumerate(net_effects(templates)):
        maps = torch.zeros(1, 4, 7, 9)
        maps[0, k] = 1
        assert net == pytest.approx(network.scenicness_head(maps).sum().item(), abs=1e-4)


def test_orders_are_by_what_they_say():
    templates = np.stack([half(1, 1), half(-9, 9), half(-3, -3), half(2, 2)])
    names = ["d", "c", "b", "a"]
    assert template_order(templates, names, "net effect") == [3, 0, 1, 2]
    assert template_order(templates, names, "name") == [3, 2, 1, 0]
    assert template_order(templates, names, "depends on place")[0] == 1
    assert spreads(templates)[[0, 2, 3]] == pytest.approx(0) and spreads(templates)[1] == pytest.approx(9 * 36)


@given(grid=st.integers(1, 9), size=st.integers(1, 9), data=st.data())
def test_a_stamp_lies_around_its_cell_and_inside_the_grid(grid, size, data):
    row, column = (data.draw(st.integers(0, grid - 1)) for _ in range(2))
    cells = stamp(grid, row, column, size)
    rows, columns = np.nonzero(cells)
    assert cells[row, column] and cells.shape == (grid, grid)
    assert np.ptp(rows) < size and np.ptp(columns) < size
    assert cells.sum() == len(set(rows)) * len(set(columns))  # a rectangle
    if size <= row < grid - size and size <= column < grid - size:
        assert cells.sum() == size * size
    template = np.arange(grid * grid, dtype=float).reshape(grid, grid)
    attribute_map = np.where(cells, 1.0, 0.0)
    attribute_map *= 0.5 / attribute_map.mean()  # half a unit on average, all of it under the stamp
    assert stamp_effect(template, cells, 0.5) == pytest.approx((attribute_map * template).sum())


@pytest.mark.parametrize("wrong", [(4, -1, 0, 1), (4, 0, 4, 1), (4, 0, 0, 0)])
def test_stamps_that_cannot_be_are_refused(wrong):
    with pytest.raises(ValueError, match="expected a cell"):
        stamp(*wrong)


def test_the_usual_amount_is_the_median_of_the_photos_that_show_it():
    amounts = np.array([0.1, 0.2, 0.9, 1.0, 1.5, 2.0, 3.0])
    assert usual_amount(np.tanh(amounts)) == pytest.approx(1.5, rel=1e-3)  # 0.2 and 0.1 are below a presence of 0.5
    logits = np.array([-2.0, -1.0, 0.5, 1.0, 1.5, 2.0, 3.0])
    assert usual_amount(1 / (1 + np.exp(-logits)), "sigmoid") == pytest.approx(1.5, rel=1e-3)
    assert usual_amount(np.tanh(np.full(8, 0.01))) == pytest.approx(0.01, rel=1e-3)  # hardly anywhere
    assert np.isfinite(usual_amount(np.ones(9))) and usual_amount(np.array([])) == 1
    assert usual_amount(np.zeros(9), "sigmoid") == 0


def noisy(template, noise, folds=15, seed=0):
    """Return templates of the folds: the shown one with noise of its own in every cell."""
    return template + noise * np.random.default_rng(seed).normal(size=(folds, *template.shape))


@pytest.mark.parametrize("template", [half(-1, 1), half(2, 2), half(-2, -2), half(0.02, -1)])
def test_words_stay_where_folds_agree(template):
    assert template_text(template, noisy(template, 0.001)) == template_text(template)


@pytest.mark.parametrize("folds", [5, 15])
def test_nothing_is_said_of_noise(folds):
    for seed in range(20):
        of_folds = noisy(np.zeros((7, 7)), 1, folds, seed)
        assert template_text(of_folds.mean(axis=0), of_folds) == "has no effect that the folds agree on"


def test_a_sign_that_folds_do_not_share_is_not_mentioned():
    template = half(-0.5, 1)
    folds = np.repeat(template[None], 5, axis=0)
    folds[:2, :3] *= -1  # at the top only 3 of 5 agree
    assert template_text(template, folds) == "helps most at the bottom"
    folds[1] = template  # now 4 of 5
    assert template_text(template, folds) == template_text(template)
    assert template_text(template, -folds) == "has no effect that the folds agree on"


def test_a_place_that_folds_do_not_share_is_not_mentioned():
    template = half(0.5, 1.5)  # helps everywhere, most at the bottom
    assert "bottom" in template_text(template)
    folds = np.stack([half(0.5, 1.5)] * 3 + [half(1.5, 0.5)] * 2)
    assert template_text(template, folds) == "helps everywhere"
    folds[3] = template
    assert template_text(template, folds) == template_text(template)


def test_folds_with_the_same_net_effect_are_counted():
    template = half(-1, 2)
    assert net_agreement(template, np.stack([template, half(2, -1), -template, half(-1, -1), half(0, 0)])) == 2
