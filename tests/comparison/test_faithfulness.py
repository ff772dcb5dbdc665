"""Deletion, insertion, drop and increase against slow loops, and on a network whose answer is known."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter
from torch.nn.functional import interpolate

from siam.comparison.faithfulness import SHARES, STEPS, area, faithfulness, ranks
from siam.explainers.targets import score_down, score_up
from siam.models.baseline import Baseline
from siam.models.siam import SIAM
from siam.models.weights import attach
from siam.runtime.jobs import CancelledError
from tests.support.explainers import REGION, assert_same_state, counted, known, red_and_green, state_of, thin, unusual
from tests.support.networks import baseline_network

COUNT = 2 * (STEPS + 1) + len(SHARES)


def saliency(height=5, width=7, seed=0):
    return torch.randn(height, width, generator=torch.Generator().manual_seed(seed))


def score(model, picture, sign):
    with torch.no_grad():
        return sign * float(model(picture[None]).scenicness)


def by_loops(model, image, low, sign):
    """Return deletion, insertion, drop and increase of a picture (3, H, W), pixel by pixel."""
    _, height, width = image.shape
    large = interpolate(low[None, None], (height, width), mode="bilinear")[0, 0]
    places = sorted((-float(large[i, j]), i, j) for i in range(height) for j in range(width))
    blurred = torch.tensor(gaussian_filter(image.numpy(), (0, height * 5 / 224, width * 5 / 224)))
    deletion, insertion = [], []
    for step in range(STEPS + 1):
        without, sharp = image.clone(), blurred.clone()
        for _value, i, j in places[: round(height * width * step / STEPS)]:
            without[:, i, j] = 0
            sharp[:, i, j] = image[:, i, j]
        deletion.append(score(model, without, sign))
        insertion.append(score(model, sharp, sign))
    positive = large.clamp(min=0)
    weights = (positive - positive.min()) / (positive.max() - positive.min())
    drop, increase = {}, {}
    for share in SHARES:
        kept = torch.zeros(3, height, width)
        for _value, i, j in places[: round(height * width * share / 100)]:
            for c in range(3):
                visible = image[c, i, j] * model.config.std[c] + model.config.mean[c]
                kept[c, i, j] = visible * weights[i, j]
        for c in range(3):
            kept[c] = (kept[c] - model.config.mean[c]) / model.config.std[c]
        drop[share] = max(0.0, score(model, image, sign) - score(model, kept, sign))
        increase[share] = 100.0 if score(model, kept, sign) > score(model, image, sign) else 0.0
    return np.array(deletion) - deletion[-1], np.array(insertion) - insertion[0], drop, increase


@pytest.mark.parametrize(("target", "sign"), [(score_up(), 1), (score_down(), -1)])
def test_fast_is_slow(target, sign):
    model, low = thin("resnet", Baseline), saliency(32, 64)  # no two pixels alike
    image = torch.randn(1, 3, 32, 64, generator=torch.Generator().manual_seed(1))
    found = faithfulness(model, image, low, target)
    deletion, insertion, drop, increase = by_loops(model, image[0], low, sign)
    assert np.ptp(deletion) > 0.01 and max(*drop.values(), *increase.values()) > 0.01  # else this compares nothing
    assert np.allclose(found.deletion, deletion, rtol=1e-4, atol=1e-4)
    assert np.allclose(found.insertion, insertion, rtol=1e-4, atol=1e-4)
    assert found.drop == pytest.approx(drop, rel=1e-4, abs=1e-4) and found.increase == increase
    assert found.deletion_area == pytest.approx(np.trapezoid(deletion, dx=1 / STEPS), abs=1e-2)
    assert found.insertion_area == pytest.approx(np.trapezoid(insertion, dx=1 / STEPS), abs=1e-2)


def test_the_ends_do_not_depend_on_the_map():
    model, image = baseline_network(), torch.randn(1, 3, 64, 64)
    one, other = (faithfulness(model, image, saliency(seed=seed), score_up()) for seed in (1, 2))
    for curve in ("deletion", "insertion"):
        first, second = getattr(one, curve), getattr(other, curve)
        assert first[0] == pytest.approx(second[0], abs=1e-5) and first[-1] == pytest.approx(second[-1], abs=1e-5)
    assert one.deletion[-1] == 0 == one.insertion[0]
    with torch.no_grad():
        grey = float(model(torch.zeros_like(image)).scenicness)
        assert one.deletion[0] == pytest.approx(float(model(image).scenicness) - grey, abs=1e-5)


@pytest.mark.parametrize("kind", [SIAM, Baseline])
def test_the_right_place_scores_best(kind):
    model, image = known(kind), red_and_green()
    right = torch.zeros(64, 96)
    right[REGION] = 1
    found = faithfulness(model, image, right, score_up())
    wrong = faithfulness(model, image, -right, score_up())
    assert found.deletion_area < wrong.deletion_area and found.insertion_area > wrong.insertion_area
    share = right.mean()  # the region is a tenth of the picture: then nothing is left to delete
    assert share <= 0.1 and np.allclose(found.deletion[1:], 0, atol=1e-6)
    down = faithfulness(model, image, right, score_down())
    assert np.allclose(down.deletion, -found.deletion, atol=1e-6)


@given(st.lists(st.integers(-3, 3), min_size=4, max_size=40))
@settings(max_examples=60, deadline=None)
def test_ranks_are_an_order_by_falling_saliency(values):
    found = ranks(torch.tensor([values], dtype=torch.float32))[0].tolist()
    assert sorted(found) == list(range(len(values)))
    ordered = [values[found.index(place)] for place in range(len(values))]
    assert ordered == sorted(values, reverse=True)


def test_ties_are_in_random_order_but_always_the_same():
    flat = torch.zeros(40, 40)
    assert torch.equal(ranks(flat, 3), ranks(flat, 3)) and not torch.equal(ranks(flat, 3), ranks(flat, 4))
    top = (ranks(flat)[:20] < 800).float().mean()
    assert 0.4 < top < 0.6  # not row by row


def test_area_is_that_of_rise():
    curve = np.array([1.0, 0.5, 0.25, 0.0])
    assert area(curve) == pytest.approx((curve.sum() - (curve[0] + curve[-1]) / 2) / 3)
    assert area(np.array([2.0, 2.0])) == 2


def test_it_leaves_the_model_and_tells_how_far_it_is():
    model, image, reported = unusual(baseline_network()), torch.randn(1, 3, 64, 64), []
    before = state_of(model)
    with counted(model) as sizes:
        faithfulness(model, image, saliency(), score_up(), lambda done, of: reported.append((done, of)))
    assert sum(sizes) == COUNT and reported[0] == (0, COUNT) and reported[-1] == (COUNT, COUNT)

    def cancel(done, _of):
        if done:
            raise CancelledError

    with pytest.raises(CancelledError):
        faithfulness(model, image, saliency(), score_up(), cancel)
    assert_same_state(before, state_of(model))


@pytest.mark.parametrize(("image", "low"), [((2, 3, 64, 64), (4, 4)), ((1, 3, 64, 64), (1, 4, 4))])
def test_other_shapes_are_refused(image, low):
    with pytest.raises(ValueError, match=r"expected \(1, 3, H, W\) and \(h, w\)"):
        faithfulness(baseline_network(), torch.zeros(image), torch.zeros(low), score_up())


def test_a_map_that_marks_nothing_keeps_nothing():
    model, image = known(Baseline), red_and_green()
    found = faithfulness(model, image, torch.zeros(2, 3), score_up())
    black = torch.tensor(model.config.mean).view(1, 3, 1, 1) / -torch.tensor(model.config.std).view(1, 3, 1, 1)
    with torch.no_grad():
        whole, hidden = float(model(image).scenicness), float(model(black.expand_as(image)).scenicness)
    assert all(math.isclose(value, max(0, whole - hidden), abs_tol=1e-5) for value in found.drop.values())


def test_an_engine_makes_all_its_passes(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    model, low = thin("fused", Baseline), saliency()
    image = torch.randn(1, 3, 96, 128, generator=torch.Generator().manual_seed(1))
    expected = faithfulness(model, image, low, score_up())
    attach(None, model, key=str(tmp_path))
    with torch.no_grad():
        model(image)  # converts the network, with PyTorch
    monkeypatch.setattr(model.backbone, "forward", lambda _images: pytest.fail("PyTorch made a pass"))
    found = faithfulness(model, image, low, score_up())
    np.testing.assert_allclose(found.deletion, expected.deletion, atol=1e-4)
    np.testing.assert_allclose(found.insertion, expected.insertion, atol=1e-4)
