"""RISE, SISE and Ada-SISE against slow versions written plainly from their papers, and networks with a known answer."""

import math
from dataclasses import replace
from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from siam.explainers.ada_sise import AdaSISE, chosen_by_otsu
from siam.explainers.base import quiet, untouched
from siam.explainers.layers import block_layers, layers_and_gradients
from siam.explainers.rise import RISE
from siam.explainers.sise import SISE, fused, otsu_threshold
from siam.explainers.targets import attribute, score_down, score_up
from siam.models.baseline import Baseline, BaselineConfig
from tests.support.networks import SCALE, baseline_network, siam_network

SMALL_RISE = RISE(masks=20, grid=3, batch_size=8)
ALL = [SMALL_RISE, SISE(), AdaSISE()]


def name_of(explainer):
    return type(explainer).__name__


def network():
    """Return a SIAM on a small trunk of three blocks that each halve the picture's sides; its weights are random."""
    model = siam_network()
    stages = []
    for width, following in pairwise((3, 4, 6, 10)):
        stages.append(nn.Sequential(nn.Conv2d(width, following, 3, stride=2, padding=1), nn.ReLU(inplace=True)))
    model.backbone = nn.Sequential(*stages)
    model.attribute_layer = nn.Conv2d(10, 5, 1)
    return model.eval()


def photos(count=1, height=32, width=48, seed=1):
    """Return coarse random pictures (N, 3, H, W) that a small network answers to differently in different places."""
    coarse = torch.rand(count, 3, 4, 6, generator=torch.Generator().manual_seed(seed))
    return nn.functional.interpolate(4 * coarse - 2, (height, width), mode="bilinear")


def assert_agree(found, expected, within=1e-4):
    """Assert that two maps agree but for the few pixels that a hard threshold may put on the other side by rounding."""
    assert found.shape == expected.shape
    assert ((found - expected).abs() > within).float().mean() < 0.002


class Counted(nn.Module):
    """A trunk of two blocks without weights: averages of 2 x 2 cells, those of the second times `sign`."""

    def __init__(self, sign=1.0):
        super().__init__()
        self.first, self.second, self.sign = nn.AvgPool2d(2), nn.AvgPool2d(2), sign
        self.pictures = 0  # that came through

    def forward(self, images):  # noqa: D102
        self.pictures += len(images)
        return self.sign * self.second(self.first(images))


def known_network(red=1.0, green=-1.0, sign=1.0):
    """Return a baseline whose score is 4.5 + sign (red mean(R) + green mean(G))."""
    model = baseline_network()
    model.backbone, model.linear = Counted(sign), nn.Linear(3, 1)
    nn.init.constant_(model.linear.bias, 4.5)
    with torch.no_grad():
        model.linear.weight.copy_(torch.tensor([[red, green, 0.0]]))
    return model


def red_and_green(height=32, width=48):
    """Return a picture (1, 3, H, W) with red at the top left and green at the bottom right, 0 elsewhere."""
    image = torch.zeros(1, 3, height, width)
    image[0, 0, 4:14, 6:20] = torch.linspace(0.5, 1, 10)[:, None]
    image[0, 1, 20:30, 30:44] = 1
    return image


# Slow versions


def slow_unit(values):
    low, high = values.min(), values.max()
    return (values - low) / (high - low) if high > low else torch.zeros_like(values)


def slow_variances(values):
    """Return the variance between the classes for each cut of 256 bins, times n², or -1 where a class is empty."""
    bins = torch.tensor([min(int(value * 256), 255) for value in values], dtype=torch.float64)
    variances = []
    for cut in range(1, 256):
        below, above = bins[bins < cut], bins[bins >= cut]
        gap = above.mean() - below.mean()
        variances.append(float(len(below) * len(above) * gap**2) if len(below) and len(above) else -1)
    return variances


def slow_threshold(values):
    variances = slow_variances(values)
    return (variances.index(max(variances)) + 1) / 256 if max(variances) > 0 else None


def slow_rise(explainer, score, image):
    """Equation 6 with the mean score taken off, mask by mask and pixel by pixel."""
    generator = torch.Generator().manual_seed(explainer.seed)
    height, width = image.shape[1:]
    s, p, count = explainer.grid, explainer.keep, explainer.masks
    cell_height, cell_width = math.ceil(height / s), math.ceil(width / s)
    grids = (torch.rand(count, s, s, generator=generator) < p).float()
    shifts = torch.rand(count, 2, generator=generator)
    masks, scores = [], []
    for grid, shift in zip(grids, shifts, strict=True):
        size = (s + 1) * cell_height, (s + 1) * cell_width
        large = nn.functional.interpolate(grid[None, None], size, mode="bilinear")[0, 0]
        top, left = int(shift[0] * cell_height), int(shift[1] * cell_width)
        masks.append(large[top : top + height, left : left + width])
        scores.append(float(score(image * masks[-1])))
    mean = sum(scores) / count
    found = torch.zeros(height, width)
    for mask, value in zip(masks, scores, strict=True):
        found += (value - mean) * mask / (count * p)
    return found


def slow_sise(model, target, image, chooses, zero="mean", soft=False):
    """The four phases of the paper for one image (3, H, W), one feature map at a time."""

    def score(picture):
        with torch.no_grad():
            return target(model, picture[None])[0]

    result = None
    for name in names_of_blocks(model, image[None]):
        kept = []
        handle = model.get_submodule(name).register_forward_hook(lambda _m, _i, output, kept=kept: kept.append(output))
        value = target(model, image[None].clone().requires_grad_())[0]
        handle.remove()
        gradient = torch.autograd.grad(value, kept[0])[0][0]
        alphas = [float(channel.sum()) for channel in gradient]
        masks, scores = [], []
        for features, chosen in zip(kept[0][0].detach(), chooses(alphas), strict=True):
            if not chosen:
                continue
            mask = slow_unit(nn.functional.interpolate(features[None, None], image.shape[1:], mode="bilinear")[0, 0])
            if mask.sum() > 0:
                masks.append(mask)
                scores.append(score(image * mask))
        origin = {"mean": sum(scores) / max(1, len(scores)), "least": min(scores, default=0), "paper": 0}[zero]
        visual = torch.zeros(image.shape[1:])
        for mask, value in zip(masks, scores, strict=True):
            visual += (1 if len(masks) == 1 else value - origin) * mask / mask.sum()
        visual = slow_unit(visual)
        if result is None:
            result = visual
            continue
        threshold = slow_threshold(visual.flatten().tolist())
        marked = (visual >= threshold).float() if threshold is not None else torch.zeros_like(visual)
        if soft and threshold is not None:
            above = sum(float(value) >= 1.5 * threshold for value in visual.flatten())
            threshold *= 1.5 if above < 0.1 * visual.numel() else 1
            marked = 1 / (1 + torch.exp(-100 * (visual - threshold)))
        result = (result + visual) * marked
    return result


def names_of_blocks(model, images):
    with untouched(model):
        return [place.name for place in block_layers(model, images, score_up())]


def above_zero(alphas):
    return [alpha > 0 for alpha in alphas]


def above_half(alphas):
    return [alpha > 0.5 * max(alphas) > 0 for alpha in alphas]


def above_otsu(alphas):
    shares = [alpha / max(alphas) for alpha in alphas if alpha > 0]
    threshold = slow_threshold(shares) or 0
    return [alpha > 0 and alpha / max(alphas) >= threshold for alpha in alphas]


# Otsu


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(0, 1, width=32), max_size=40))
def test_otsu_finds_the_best_cut_there_is(values):
    threshold = otsu_threshold(torch.tensor(values))
    variances = slow_variances(values)
    if max(variances) <= 0:
        assert threshold is None
        return
    cut = round(threshold * 256)
    assert cut == threshold * 256
    assert variances[cut - 1] == pytest.approx(max(variances), rel=1e-9)
    assert {value >= threshold for value in values} == {True, False}


def test_otsu_between_two_values_is_the_lowest_cut():
    values = torch.tensor([[0.25, 0.25], [0.25, 0.75]])
    assert otsu_threshold(values) == (64 + 1) / 256 == slow_threshold(values.flatten().tolist())
    assert otsu_threshold(torch.zeros(4, 4)) is None
    assert otsu_threshold(torch.tensor([])) is None
    assert otsu_threshold(torch.tensor([0.0, 1.0])) == 1 / 256


# Slow truth


@pytest.mark.parametrize("size", [(32, 40), (45, 33)], ids=["whole cells", "cells cut off"])
@pytest.mark.parametrize("target", [score_up(), score_down(), attribute(2)], ids=["up", "down", "attribute"])
def test_rise_equals_its_slow_version(target, size):
    model, explainer = network(), RISE(masks=37, grid=4, keep=0.3, seed=5, batch_size=8)
    image = photos(1, *size)
    with torch.no_grad():
        expected = slow_rise(explainer, lambda picture: target(model, picture[None])[0], image[0])
    found = explainer(model, image, target)[0]
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4 * float(expected.abs().max()))


@pytest.mark.parametrize(
    "explainer, target, chooses",
    [
        (SISE(batch_size=7), score_up(), above_zero),
        (SISE(threshold=0.5), score_down(), above_half),
        (SISE(zero="paper"), score_up(), above_zero),
        (SISE(zero="least"), score_up(), above_zero),
        (SISE(fusion="soft"), score_up(), above_zero),
        (AdaSISE(batch_size=5), score_up(), above_otsu),
        (AdaSISE(), score_down(), above_otsu),
        (AdaSISE(fusion="soft", zero="paper"), score_up(), above_otsu),
    ],
    ids=["sise", "with mu", "paper's zero", "least", "soft", "ada-sise", "ada-sise, down", "ada-sise, soft"],
)
def test_sise_equals_its_slow_version(explainer, target, chooses):
    model, image = network(), photos()
    found = explainer(model, image, target)[0]
    soft = explainer.fusion == "soft"
    usual = "least" if isinstance(explainer, AdaSISE) else "mean"
    expected = slow_sise(model, target, image[0], chooses, explainer.zero or usual, soft)
    assert_agree(found, expected, 1e-3 if soft else 1e-4)  # the soft mask makes rounding a hundred times larger
    assert found.max() > 0


@pytest.mark.parametrize("seed", range(4))
def test_the_mean_as_zero_tells_the_masks_apart(seed):
    """Where all masked scores lie far from 0, the paper's zero gives the masks' mean, with either sign."""
    model, image = network(), photos(seed=seed)
    with untouched(model):
        places = block_layers(model, image, score_up())
        ((features, gradient),) = layers_and_gradients(model, image, score_up(), places[-1:])
    kept = features[0][gradient[0].sum(dim=(1, 2)) > 0]
    masks = nn.functional.interpolate(kept[:, None], image.shape[2:], mode="bilinear")[:, 0]
    masks = torch.stack([slow_unit(mask) for mask in masks])
    plain = (masks / masks.sum(dim=(1, 2), keepdim=True).clamp(min=1)).sum(dim=0)

    def likeness(zero, offset):
        last = (places[-1].name,)
        found = SISE(zero=zero, layers=last)(model, image, lambda m, x: score_up()(m, x) + offset)[0]
        return float(torch.corrcoef(torch.stack([found.flatten(), plain.flatten()]))[0, 1])

    assert likeness("paper", 1000) > 0.99 and likeness("paper", -1000) < -0.99
    assert likeness("mean", 1000) == pytest.approx(likeness("mean", -1000), abs=0.02)
    assert abs(likeness("mean", 0)) < 0.95


@pytest.mark.parametrize("share", [0.05, 0.5])
def test_the_soft_threshold_is_raised_where_little_lies_above_it(share):
    values = torch.full((10, 20), 0.2) + torch.linspace(-0.1, 0.1, 200).view(10, 20)
    values.flatten()[: int(200 * share)] = 0.95
    threshold = otsu_threshold(values) * (1.5 if share < 0.1 else 1)
    found = fused([torch.zeros_like(values), values], "soft")
    torch.testing.assert_close(found, values * torch.sigmoid(100 * (values - threshold)))


# Known answers


def test_sise_of_a_network_with_a_known_answer():
    model, image = known_network(), red_and_green()
    expected = []
    for size in (2, 4):
        red = nn.functional.avg_pool2d(image[:, :1], size)
        expected.append(slow_unit(nn.functional.interpolate(red, image.shape[2:], mode="bilinear")[0, 0]))
    threshold = slow_threshold(expected[1].flatten().tolist())
    found = SISE()(model, image, score_up())[0]
    torch.testing.assert_close(found, (expected[0] + expected[1]) * (expected[1] >= threshold))
    assert found[9, 12] > 1 and found[25, 36] == 0  # what is red; what is green
    assert SISE()(model, image, score_down())[0][9, 12] == 0


def test_rise_of_a_network_with_a_known_answer():
    found = RISE(masks=300, grid=5)(known_network(), red_and_green(), score_up())[0]
    found = found / found.std()
    assert found[4:14, 6:20].mean() > 1 and found[20:30, 30:44].mean() < -1
    assert found.argmax() // 48 in range(2, 16) and found.argmax() % 48 in range(4, 22)


def test_a_map_is_zero_where_no_feature_raises_the_score():
    model = known_network(red=-1, green=-1)
    for explainer in (SISE(), AdaSISE()):
        assert not explainer(model, red_and_green(), score_up()).any()
    assert model.backbone.pictures == 1 + 2  # to see the layers, and for each gradient: no masks


def test_a_block_without_positive_alpha():
    image = red_and_green()
    # alpha of the first block is positive for red, and that of the second, whose output is negated, is negative.
    assert not SISE()(known_network(red=-1, green=0, sign=-1), image, score_up()).any()
    # The reverse: the first block gives nothing, the second its only mask: what is not red.
    found = SISE()(known_network(red=1, green=0, sign=-1), image, score_up())[0]
    red = nn.functional.interpolate(nn.functional.avg_pool2d(image[:, :1], 4), image.shape[2:], mode="bilinear")[0, 0]
    visual = slow_unit(-red)
    torch.testing.assert_close(found, fused([torch.zeros_like(visual), visual]))


def test_fusing_takes_away_what_a_deeper_block_does_not_mark():
    shallow, deep = torch.tensor([[1.0, 0.5, 0.2, 0.0]]), torch.tensor([[0.0, 0.1, 0.9, 1.0]])
    torch.testing.assert_close(fused([shallow, deep]), torch.tensor([[0.0, 0.0, 1.1, 1.0]]))
    assert torch.equal(fused([shallow]), shallow)
    assert not fused([shallow, torch.zeros_like(deep)]).any()


def test_an_offset_of_the_score_changes_nothing():
    model, image = network(), photos()
    for explainer in ALL:
        found = explainer(model, image, score_up())
        shifted = explainer(model, image, lambda network, pictures: score_up()(network, pictures) + 8)
        torch.testing.assert_close(
            shifted, found, rtol=0, atol=2e-3 * float(found.abs().max()), msg=f"{name_of(explainer)} moved"
        )
    assert not SMALL_RISE(model, image, lambda _network, pictures: torch.full((len(pictures),), 7.3)).any()


# The choice of layers and maps


@pytest.mark.parametrize(
    "backbone, names, passes",
    [
        (
            "tf_efficientnet_lite0",
            ("backbone.blocks.0", "backbone.blocks.1", "backbone.blocks.2", "backbone.blocks.4", "backbone"),
            1 + 16 + 24 + 40 + 112 + 1280,
        ),
        (
            "resnet50",
            ("backbone.act1", "backbone.layer1", "backbone.layer2", "backbone.layer3", "backbone"),
            1 + 64 + 256 + 512 + 1024 + 2048,
        ),
    ],
)
def test_the_layers_of_both_trunks(backbone, names, passes):
    model = Baseline(BaselineConfig(backbone, SCALE, 64, 32, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5))).eval()
    assert tuple(names_of_blocks(model, torch.zeros(1, 3, 64, 96))) == names
    assert SISE().passes(model, 64, 64) == AdaSISE().passes(model, 64, 64) == passes
    sizes = []
    handles = [
        model.get_submodule(name).register_forward_hook(lambda _m, _i, output: sizes.append(output.shape[2:]))
        for name in names
    ]
    with torch.no_grad():
        model(torch.zeros(1, 3, 64, 96))
    for handle in handles:
        handle.remove()
    assert sizes == [(64 // 2**depth, 96 // 2**depth) for depth in range(1, 6)]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(-1, 1, width=32), min_size=1, max_size=30))
def test_ada_sise_keeps_some_of_the_maps_that_raise_the_score(values):
    alpha = torch.tensor(values)
    kept = chosen_by_otsu(alpha)
    assert not kept[alpha <= 0].any()
    assert bool(kept.any()) == bool((alpha > 0).any())
    if kept.any():
        assert kept[alpha.argmax()] and (alpha[kept].min() > alpha[(alpha > 0) & ~kept]).all()


def test_ada_sise_takes_fewer_passes_and_both_say_how_many():
    model, image, in_all = network(), photos(), []
    for explainer in (SISE(), AdaSISE()):
        reported = []
        explainer(model, image, score_up(), lambda done, total, reported=reported: reported.append((done, total)))
        assert reported[0][0] == 0 and reported[-1][0] == reported[-1][1] and reported == sorted(reported)
        in_all.append(reported[-1][1])
    assert in_all[1] < 0.7 * in_all[0] < 0.7 * SISE().passes(model, 32, 48)


# The contract


@pytest.mark.parametrize("explainer", ALL, ids=name_of)
def test_a_batch_of_two_is_two_batches_of_one(explainer):
    model, images = network(), photos(2)
    both = explainer(model, images, score_up())
    assert both.shape == (2, 32, 48)
    assert not torch.equal(both[0], both[1])
    for found, image in zip(both, images, strict=True):
        assert_agree(found, explainer(model, image[None], score_up())[0])


@pytest.mark.parametrize("explainer", ALL, ids=name_of)
def test_the_same_call_gives_the_same_map(explainer):
    model, image = network(), photos()
    first = explainer(model, image, score_up())
    torch.rand(3)  # the global generator plays no part
    assert_agree(first, explainer(model, image, score_up()))


def test_another_seed_gives_other_masks():
    model, image = network(), photos()
    other = RISE(masks=20, grid=3, batch_size=8, seed=1)
    assert not torch.equal(SMALL_RISE(model, image, score_up()), other(model, image, score_up()))


class StopError(Exception):
    """Somebody cancelled."""


@pytest.mark.parametrize("explainer", ALL, ids=name_of)
def test_cancelled_in_the_middle_it_leaves_the_model_as_it_was(explainer):
    model, image = network().train(), photos()
    explainer = replace(explainer, batch_size=4)
    model.backbone.eval()
    model.attribute_layer.weight.requires_grad_(False)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    calls = []

    def stop(done, total):
        calls.append((done, total))
        if len(calls) == 3:
            raise StopError

    with pytest.raises(StopError):
        explainer(model, image, score_up(), stop)
    assert 0 < calls[-1][0] < calls[-1][1]
    hooks = [module._forward_hooks or module._backward_hooks for module in model.modules()]
    assert not any(hooks)
    assert model.training and not model.backbone.training
    assert not model.attribute_layer.weight.requires_grad and model.scenicness_head.templates.requires_grad
    assert all(parameter.grad is None for parameter in model.parameters())
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


@pytest.mark.parametrize(
    "settings_of",
    [
        lambda: RISE(masks=0),
        lambda: RISE(keep=1.0),
        lambda: SISE(threshold=1.0),
        lambda: SISE(batch_size=0),
        lambda: SISE(zero="grey"),
        lambda: AdaSISE(fusion="hardly"),
        lambda: AdaSISE(batch_size=0),
    ],
)
def test_settings_out_of_range_are_refused(settings_of):
    with pytest.raises(ValueError, match="expected"):
        settings_of()


def test_nobody_need_watch():
    assert SMALL_RISE.passes(network(), 32, 48) == 20
    assert SMALL_RISE(network(), photos(), score_up(), quiet).dtype == torch.float32
