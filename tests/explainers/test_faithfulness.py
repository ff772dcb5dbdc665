"""Deletion, insertion, drop and increase against slow loops, and on networks whose answer is known."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter
from torch import nn
from torch.nn.functional import conv2d, interpolate

from siam.explainers import faithfulness
from siam.explainers.faithfulness import PASSES, SHARES, STEPS, area, blur_kernel, ranks
from siam.explainers.targets import output, score_down, score_up
from siam.models.baseline import Baseline
from siam.models.siam import SIAM
from siam.models.weights import attach
from siam.runtime.jobs import CancelledError
from tests.support.explainers import REGION, assert_same_state, counted, known, red_and_green, state_of, thin, unusual
from tests.support.networks import baseline_network


def saliency(height=5, width=7, seed=0):
    return torch.randn(height, width, generator=torch.Generator().manual_seed(seed))


def random_picture(*shape, seed=1):
    return torch.randn(1, *shape, generator=torch.Generator().manual_seed(seed))


def rise_kernel(size, sigma):
    """Return the kernel (size, size) of RISE's evaluation code: a unit impulse, filtered."""
    impulse = np.zeros((size, size))
    impulse[size // 2, size // 2] = 1
    return gaussian_filter(impulse, sigma)


def slow_blur(picture, kernel):
    """Blur a picture (C, H, W) pixel by pixel; outside, it is 0."""
    (channels, height, width), half = picture.shape, len(kernel) // 2
    blurred = torch.zeros_like(picture)
    for c in range(channels):
        for i in range(height):
            for j in range(width):
                for di in range(-half, half + 1):
                    for dj in range(-half, half + 1):
                        if 0 <= i + di < height and 0 <= j + dj < width:
                            blurred[c, i, j] += float(kernel[di + half, dj + half]) * picture[c, i + di, j + dj]
    return blurred


def by_loops(score, picture, low, kernel, steps, mean, std):
    """Return deletion, insertion, drop and increase of a picture (C, H, W), pixel by pixel; no two pixels are alike."""
    channels, height, width = picture.shape
    large = interpolate(low[None, None], (height, width), mode="bilinear")[0, 0]
    places = sorted((-float(large[i, j]), i, j) for i in range(height) for j in range(width))
    blurred = slow_blur(picture, kernel)
    deletion, insertion = [], []
    for step in range(steps + 1):
        without, sharp = picture.clone(), blurred.clone()
        for _value, i, j in places[: round(height * width * step / steps)]:
            without[:, i, j] = 0
            sharp[:, i, j] = picture[:, i, j]
        deletion.append(score(without))
        insertion.append(score(sharp))
    positive = large.clamp(min=0)
    weights = (positive - positive.min()) / (positive.max() - positive.min())
    drop, increase = {}, {}
    for share in SHARES:
        kept = torch.zeros(channels, height, width)
        for _value, i, j in places[: round(height * width * share / 100)]:
            for c in range(channels):
                kept[c, i, j] = (picture[c, i, j] * std[c] + mean[c]) * weights[i, j]
        for c in range(channels):
            kept[c] = (kept[c] - mean[c]) / std[c]
        drop[share] = max(0.0, score(picture) - score(kept))
        increase[share] = 100.0 if score(kept) > score(picture) else 0.0
    return np.array(deletion) - deletion[-1], np.array(insertion) - insertion[0], drop, increase


def assert_same(found, expected, steps):
    deletion, insertion, drop, increase = expected
    assert np.ptp(deletion) > 0.01 and np.ptp(insertion) > 0.01  # else this compares nothing
    assert max(*drop.values(), *increase.values()) > 0.01
    assert found.shares == pytest.approx([step / steps for step in range(steps + 1)])
    np.testing.assert_allclose(found.deletion, deletion, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(found.insertion, insertion, rtol=1e-4, atol=1e-4)
    assert found.drop == pytest.approx(drop, rel=1e-4, abs=1e-4) and found.increase == increase
    assert found.deletion_area == pytest.approx(np.trapezoid(deletion, dx=1 / steps), abs=1e-4)
    assert found.insertion_area == pytest.approx(np.trapezoid(insertion, dx=1 / steps), abs=1e-4)


@pytest.mark.parametrize(("target", "sign"), [(score_up(), 1), (score_down(), -1)])
def test_fast_is_slow(target, sign):
    model, low = thin("resnet", Baseline), saliency(32, 64)  # no two pixels alike
    image = random_picture(3, 32, 64)

    @torch.no_grad()
    def score(picture):
        return sign * float(model(picture[None]).scenicness)

    kernel = rise_kernel(3, 32 * 5 / 224)
    expected = by_loops(score, image[0], low, kernel, STEPS, model.config.mean, model.config.std)
    assert_same(faithfulness(model, image, low, target), expected, STEPS)


class Classifier(nn.Module):
    """A network of one layer without `config`, from pictures (N, C, 60, 64) to outputs (N, 2)."""

    def __init__(self, channels):
        super().__init__()
        self.layer = nn.Linear(channels * 60 * 64, 2)
        generator = torch.Generator().manual_seed(2)
        self.layer.weight.data = torch.randn(self.layer.weight.shape, generator=generator) / 8

    def forward(self, images):
        """Return outputs (N, 2)."""
        return self.layer(images.flatten(1)).tanh()


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("normalised", [True, False])
def test_a_network_of_others_is_measured_as_slowly(channels, normalised):
    model, image, low = Classifier(channels), random_picture(channels, 60, 64), saliency(60, 64)
    mean, std = [0.4, 0.5, 0.3, 0.2][:channels], [0.25, 0.2, 0.5, 1.5][:channels]
    of = {"mean": mean, "std": std} if normalised else {}
    found = faithfulness(model, image, low, output(1), steps=7, **of)

    @torch.no_grad()
    def score(picture):
        return float(model(picture[None])[0, 1])

    plain = ([0.0] * channels, [1.0] * channels)
    kernel = rise_kernel(3, 60 * 5 / 224)
    assert_same(found, by_loops(score, image[0], low, kernel, 7, *((mean, std) if normalised else plain)), 7)


def test_a_function_is_a_model():
    image, low = random_picture(2, 16, 24), saliency()

    def brightness(images):
        return images.abs().mean(dim=(1, 2, 3))

    found = faithfulness(brightness, image, low, lambda model, images: model(images), steps=4)
    large = interpolate(low[None, None], (16, 24), mode="bilinear")[0, 0]
    left = [image[0].where(ranks(large) >= count, 0).abs().mean() for count in (0, 96, 192, 288, 384)]
    assert found.deletion == pytest.approx([float(value) for value in left], abs=1e-6)


def test_the_blur_is_that_of_rise():
    kernel = blur_kernel(224)
    np.testing.assert_allclose(torch.outer(kernel, kernel), rise_kernel(11, 5), atol=1e-12)
    offsets = torch.arange(-5, 6)
    assert float(kernel.sum()) == pytest.approx(1)
    assert float((kernel * offsets**2).sum().sqrt()) == pytest.approx(3.13, abs=5e-3)
    seen, image = [], random_picture(3, 224, 224)

    def first(model, images):
        seen.append(images)
        return model(images)[:, 1]

    network = nn.Sequential(nn.AvgPool2d(32), nn.Flatten(), nn.Linear(147, 2))
    faithfulness(network, image, saliency(), first, steps=2)
    three = torch.zeros(3, 3, 11, 11)
    for channel in range(3):
        three[channel, channel] = torch.from_numpy(rise_kernel(11, 5)).float()
    torch.testing.assert_close(torch.cat(seen)[3], conv2d(image, three, padding=5)[0], rtol=1e-4, atol=1e-5)


@given(st.integers(1, 1000))
@settings(max_examples=60, deadline=None)
def test_the_blur_grows_with_the_picture(side):
    kernel = blur_kernel(side)
    assert len(kernel) % 2 == 1 and len(kernel) == pytest.approx(max(3, side * 11 / 224), abs=1)
    assert float(kernel.sum()) == pytest.approx(1) and torch.equal(kernel, kernel.flip(0))


def test_a_constant_picture_in_the_mean_colour_has_flat_curves():
    found = faithfulness(baseline_network(), torch.zeros(1, 3, 64, 64), saliency(), score_up(), steps=3)
    assert found.deletion == pytest.approx([0] * 4, abs=1e-5) and found.insertion == pytest.approx([0] * 4, abs=1e-5)


@given(st.integers(2, 40), st.floats(-3, 3))
@settings(max_examples=25, deadline=None)
def test_on_a_linear_network_the_order_of_a_constant_map_makes_straight_lines(steps, level):
    """Pixels that all count alike: each step takes, or adds, as much as any other, whatever the order."""

    def total(_model, images):
        return images.mean(dim=(1, 2, 3))

    found = faithfulness(baseline_network(), torch.full((1, 3, 40, 40), level), torch.ones(3, 3), total, steps=steps)
    # A step may hold half a pixel more or less than its share of 1600.
    assert found.deletion == pytest.approx(level * (1 - found.shares), abs=1e-3 + abs(level) / 1600)
    assert found.deletion_area == pytest.approx(level / 2, abs=1e-3 + abs(level) / 1600)


def test_deletion_and_insertion_mirror_each_other_where_pixels_add_up():
    """Where y is linear, the curves of an order and of its reverse add up to the whole."""
    model, image = baseline_network(), torch.zeros(1, 3, 64, 64)
    image[..., ::2, ::2] = 1
    weights = torch.randn(3, 64, 64, generator=torch.Generator().manual_seed(5))

    def linear(_model, images):
        return (images * weights).sum(dim=(1, 2, 3))

    low = saliency(64, 64)
    one, other = (faithfulness(model, image, of, linear, steps=4) for of in (low, -low))
    assert one.deletion + other.deletion[::-1] == pytest.approx([one.deletion[0]] * 5, abs=1e-3)
    assert one.insertion + other.insertion[::-1] == pytest.approx([one.insertion[-1]] * 5, abs=1e-3)


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
    found = faithfulness(model, image, right, score_up(), steps=10)
    wrong = faithfulness(model, image, -right, score_up(), steps=10)
    assert found.deletion_area < wrong.deletion_area and found.insertion_area > wrong.insertion_area
    share = right.mean()  # the region is a tenth of the picture: then nothing is left to delete
    assert share <= 0.1 and np.allclose(found.deletion[1:], 0, atol=1e-6)
    down = faithfulness(model, image, right, score_down(), steps=10)
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
    assert sum(sizes) == PASSES == 105 and reported[0] == (0, PASSES) and reported[-1] == (PASSES, PASSES)

    def cancel(done, _of):
        if done:
            raise CancelledError

    with pytest.raises(CancelledError):
        faithfulness(model, image, saliency(), score_up(), cancel)
    assert_same_state(before, state_of(model))


def test_pictures_are_made_a_batch_at_a_time(monkeypatch):
    monkeypatch.setattr("siam.explainers.minibatches._PIXELS_ELSEWHERE", 4 * 64 * 64)
    model, image = baseline_network(), torch.randn(1, 3, 64, 64)
    with counted(model) as sizes:
        found = faithfulness(model, image, saliency(), score_up())
    assert set(sizes) == {1, 4} and sum(sizes) == PASSES
    monkeypatch.setattr("siam.explainers.minibatches._PIXELS_ELSEWHERE", 200 * 64 * 64)
    in_one = faithfulness(model, image, saliency(), score_up())
    np.testing.assert_allclose(found.insertion, in_one.insertion, atol=1e-4)


@pytest.mark.parametrize(("image", "low"), [((2, 3, 64, 64), (4, 4)), ((1, 3, 64, 64), (1, 4, 4))])
def test_other_shapes_are_refused(image, low):
    with pytest.raises(ValueError, match=r"expected \(1, C, H, W\) and \(h, w\)"):
        faithfulness(baseline_network(), torch.zeros(image), torch.zeros(low), score_up())


@pytest.mark.parametrize(
    ("of", "message"),
    [
        ({"steps": 1}, "got 1 steps; expected at least 2"),
        ({"mean": [0.5]}, "got mean .* expected 3 numbers each"),
        ({"std": [0.2, 0.2, 0.0]}, "each std above 0"),
        ({"mean": [], "std": []}, "expected 3 numbers each"),
    ],
)
def test_other_settings_are_refused(of, message):
    with pytest.raises(ValueError, match=message):
        faithfulness(baseline_network(), torch.zeros(1, 3, 64, 64), torch.zeros(4, 4), score_up(), **of)


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
    spread = np.ptp(expected.deletion)  # differences of scores: single precision keeps 1e-4 of their size, not of them
    np.testing.assert_allclose(found.deletion, expected.deletion, atol=1e-4 * spread)
    np.testing.assert_allclose(found.insertion, expected.insertion, atol=1e-4 * spread)
