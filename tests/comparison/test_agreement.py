"""Maps against masks and against each other: slow formulas, and masks whose answer is plain."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import spearmanr
from sklearn.metrics import average_precision_score

from siam.comparison.agreement import CELLS, THRESHOLDS, against_mask, evidence, rank_correlation


def square():
    mask = np.zeros((24, 36), dtype=bool)
    mask[4:12, 6:18] = True
    return mask


def test_the_mask_itself_is_perfect():
    found = against_mask(torch.from_numpy(square().astype(np.float32)), square())
    assert found["ebpg"] == found["pixel_ap"] == found["iou_area"] == 1
    assert found["chance"] == square().mean()


def test_what_knows_nothing_gets_chance():
    for empty in (torch.zeros(6, 9), -torch.ones(6, 9)):
        found = against_mask(empty, square())
        assert found["ebpg"] == found["pixel_ap"] == found["chance"]
    assert against_mask(torch.ones(6, 9), square())["ebpg"] == pytest.approx(square().mean())
    opposite = against_mask(torch.from_numpy(1.0 - square()), square())
    assert opposite["ebpg"] == opposite["iou_area"] == 0 < opposite["pixel_ap"] <= opposite["chance"]


def test_against_slow_formulas():
    low = torch.randn(24, 36, generator=torch.Generator().manual_seed(0))
    found, mask = against_mask(low, square()), square()
    positive = np.maximum(low.numpy(), 0)
    unit = positive / positive.max()
    ious = []
    for threshold in THRESHOLDS:
        both = sum(bool(mask[i, j] and unit[i, j] >= threshold) for i in range(24) for j in range(36))
        either = sum(bool(mask[i, j] or unit[i, j] >= threshold) for i in range(24) for j in range(36))
        ious.append(both / either)
    assert found["iou_area"] == pytest.approx(np.mean(ious))
    assert found["ebpg"] == pytest.approx(positive[mask].sum() / positive.sum())
    assert found["pixel_ap"] == pytest.approx(average_precision_score(mask.ravel(), low.numpy().ravel()))


@pytest.mark.parametrize("full", [False, True])
def test_masks_without_contrast_are_refused(full):
    with pytest.raises(ValueError, match="expected more than none and less than all"):
        against_mask(torch.ones(2, 2), np.full((4, 4), full))


def test_ranks_are_those_of_spearman():
    random = np.random.default_rng(0)
    one, other = random.normal(size=(2, CELLS, CELLS))
    assert rank_correlation(torch.from_numpy(one), torch.from_numpy(other)) == pytest.approx(
        spearmanr(one.ravel(), other.ravel()).statistic
    )
    large = np.kron(one, np.ones((4, 4)))
    assert rank_correlation(torch.from_numpy(large), torch.from_numpy(one)) == pytest.approx(1)
    assert rank_correlation(torch.from_numpy(np.exp(one)), torch.from_numpy(-one)) == pytest.approx(-1)
    assert np.isnan(rank_correlation(torch.ones(3, 3), torch.from_numpy(one)))


def test_evidence_is_the_smallest_region_that_holds_half():
    density = np.array([[4.0, 2.0, 1.0], [1.0, 0.0, -9.0]])
    assert evidence(density).tolist() == [[True, False, False], [False, False, False]]
    assert evidence(density, 0.6).sum() == 2 and evidence(density, 1.0).sum() == 4
    assert not evidence(-np.ones((2, 2))).any()
    ties = np.ones((4, 4))
    assert evidence(ties).all()  # all are as dense as its thinnest


@given(st.lists(st.floats(-5, 5), min_size=4, max_size=30).filter(lambda values: max(values) > 1e-3))
@settings(max_examples=100, deadline=None)
def test_evidence_holds_half_and_no_smaller_region_does(values):
    density = np.array([values])
    chosen = evidence(density)
    positive = density[density > 0].sum()
    assert density[chosen].sum() >= 0.5 * positive * (1 - 1e-6) and (density[chosen] > 0).all()
    without_thinnest = density[chosen & (density > density[chosen].min())].sum()
    assert without_thinnest < 0.5 * positive * (1 + 1e-6)
