"""Maps judged by people's outlines: against loops written from the definitions, and what must not change a figure."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.functional import interpolate

from siam.datasets.human_masks import OUTLINED
from siam.errors import DatasetError
from siam.evaluation import outlines
from siam.evaluation.figures import MaskFigures
from tests.evaluation.test_metrics import slow_average_precision
from tests.support.masks import NUMBER, REGIONS, photos

NAMES = ("wire", "ocean", "running_water", "still_water", "clouds", "trees")
SIZE = (7, 9)


@pytest.fixture(autouse=True)
def few_resamples(monkeypatch):
    """Intervals are tested once; elsewhere a few resamples are enough."""
    monkeypatch.setattr(outlines.bootstrap.resampled, "__kwdefaults__", {"seed": 0, "resamples": 20})


def random_masks(count=8, seed=0, size=SIZE):
    random = np.random.default_rng(seed)
    return [random.choice([0, 1, 2, 4], size).astype(np.uint8) for _ in range(count)]


def random_maps(count=8, seed=1, size=SIZE, levels=6):
    """Maps of few different values, so that ties are common."""
    random = np.random.default_rng(seed)
    return [(random.integers(0, levels, (len(NAMES), *size)) / levels).astype(np.float32) for _ in range(count)]


def slow_figures(maps, masks, name, folds):
    """One attribute's figures, pixel by pixel, for maps of the masks' size."""
    of, each = OUTLINED[name], []
    for photo, mask in enumerate(masks):
        pixels = []
        for y in range(mask.shape[0]):
            for x in range(mask.shape[1]):
                if mask[y, x]:
                    strength = max(maps[photo][NAMES.index(attribute), y, x] for attribute in of.attributes)
                    pixels.append((strength, REGIONS[mask[y, x]] in of.regions))
        share = sum(inside for _, inside in pixels) / len(pixels)
        if 0.03 <= share <= 0.9:
            each.append((folds[photo], pixels, share))

    def iou(pixels, threshold):
        both = sum(inside and strength >= threshold for strength, inside in pixels)
        return both / sum(inside or strength >= threshold for strength, inside in pixels)

    everything = [pixel for _, pixels, _ in each for pixel in pixels]
    tried = np.quantile(np.array([strength for strength, _ in everything]), np.linspace(0, 1, outlines.THRESHOLDS))
    ious, hits, precisions = [], [], []
    for fold, pixels, _share in each:
        others = [of_other for other, of_other, _ in each if other != fold]
        best = max(tried, key=lambda threshold: sum(iou(of_other, threshold) for of_other in others))
        ious.append(iou(pixels, best))
        top = [inside for strength, inside in pixels if strength == max(pixels)[0]]
        hits.append(sum(top) / len(top))
        precisions.append(slow_average_precision(*zip(*pixels, strict=True)))
    return {
        "photos": len(each),
        "pixel_ap": np.mean(precisions),
        "iou": np.mean(ious),
        "pointing": np.mean(hits),
        "chance": np.mean([share for _, _, share in each]),
        "pooled_ap": slow_average_precision(*zip(*everything, strict=True)),
        "pooled_chance": np.mean([inside for _, inside in everything]),
    }


def test_figures_are_those_of_the_definitions():
    masks, maps = random_masks(), random_maps()
    folds = np.arange(8) % 3
    found = outlines.judge(maps, photos(masks), NAMES, folds)
    assert found["per_attribute"].keys() == {"trees", "clouds", "water"}
    for name, figures in found["per_attribute"].items():
        for key, value in slow_figures(maps, masks, name, folds).items():
            assert figures[key] == pytest.approx(value, abs=1e-4), (name, key)
    for key in ("pixel_ap", "iou", "pointing", "chance", "pooled_ap"):
        mean = np.mean([figures[key] for figures in found["per_attribute"].values()])
        assert found[key] == pytest.approx(mean, abs=2e-4) == found["all"][key]
    assert (found["n"], found["attributes"], found["all"]["attributes"]) == (8, 3, 3)
    assert MaskFigures.from_json(found, "masks").to_json() == found


def test_only_attributes_of_the_headline_are_in_the_first_mean():
    masks = random_masks()
    for mask in masks:
        mask[0] = NUMBER["boat"]
    rugged = ("rugged_scene", "transport")
    regions = tuple("mountain_hill" if name == "tree" else name for name in REGIONS)
    outlined = photos(masks)
    object.__setattr__(outlined, "regions", regions)
    found = outlines.judge([one[:2] for one in random_maps()], outlined, rugged)
    assert found["pixel_ap"] == found["per_attribute"]["transport"]["pixel_ap"]
    both = [figures["pixel_ap"] for figures in found["per_attribute"].values()]
    assert len(both) == 2 and found["all"]["pixel_ap"] == pytest.approx(np.mean(both), abs=1e-4)


def test_a_perfect_map_is_1_and_a_constant_one_is_chance():
    masks = random_masks()
    perfect = [np.stack([(mask == 4) if "water" in n or n == "ocean" else (mask == (2 if n == "trees" else 1))
                         for n in NAMES]).astype(np.float32) for mask in masks]  # fmt: skip
    found = outlines.judge(perfect, photos(masks), NAMES)
    for figures in found["per_attribute"].values():
        assert [figures[key] for key in outlines.FIGURES] == [1.0] * 4
    same = outlines.judge([np.full_like(one, 0.3) for one in perfect], photos(masks), NAMES)
    for figures in (same, *same["per_attribute"].values()):
        assert figures["pixel_ap"] == figures["iou"] == figures["pointing"] == figures["chance"]
        assert figures["pooled_ap"] == figures["pooled_chance"]


def test_water_is_judged_by_the_highest_of_three_maps():
    masks, maps = random_masks(), random_maps()
    highest = [np.stack([one[1:4].max(axis=0) if 1 <= k < 4 else one[k] for k in range(6)]) for one in maps]
    moved = [one[[0, 3, 1, 2, 4, 5]] for one in maps]  # another of the three
    water = outlines.judge(maps, photos(masks), NAMES)["per_attribute"]["water"]
    for others in (highest, moved):
        assert outlines.judge(others, photos(masks), NAMES)["per_attribute"]["water"] == water
    without = [name if name != "ocean" else "sea" for name in NAMES]
    assert "water" not in outlines.judge(maps, photos(masks), without)["per_attribute"]


@settings(deadline=None, max_examples=15)
@given(st.integers(0, 1000))
def test_what_nobody_labelled_changes_nothing(seed):
    """Maps of any strength on unlabelled pixels, and unlabelled pixels around them, leave all figures as they are."""
    masks, maps = random_masks(5, seed), random_maps(5, seed + 1)
    expected = outlines.judge(maps, photos(masks), NAMES)
    random = np.random.default_rng(seed)
    other = [np.where(mask == 0, random.normal(0, 9, one.shape), one) for mask, one in zip(masks, maps, strict=True)]
    wider = [np.pad(mask, 2) for mask in masks]
    padded = [np.pad(one, ((0, 0), (2, 2), (2, 2)), constant_values=9) for one in other]
    assert outlines.judge(other, photos(masks), NAMES) == expected
    assert outlines.judge(padded, photos(wider), NAMES) == expected


@pytest.mark.parametrize(("covered", "shown"), [(2, False), (3, True), (90, True), (91, False)])
def test_a_region_shows_between_3_and_90_percent_of_the_labelled_pixels(covered, shown):
    mask = np.zeros((10, 20), dtype=np.uint8)  # half of it unlabelled
    mask.ravel()[:100] = NUMBER["building"]
    mask.ravel()[:covered] = NUMBER["tree"]
    sure = np.full((10, 20), NUMBER["tree"], dtype=np.uint8)
    sure[:5] = NUMBER["building"]
    found = outlines.judge(random_maps(4, size=(10, 20)), photos([sure, sure, sure, mask]), NAMES)
    assert found["per_attribute"]["trees"]["photos"] == 3 + shown


def test_big_masks_are_reduced_and_small_maps_are_scaled_to_them():
    small = [np.where(np.random.default_rng(n).random((16, 20)) < 0.5, 2, 1).astype(np.uint8) for n in range(4)]
    big = [mask.repeat(30, axis=0).repeat(30, axis=1) for mask in small]  # 480 x 600 px
    maps = random_maps(4, size=(4, 5), levels=1000)
    found = outlines.judge(maps, photos(big), NAMES)
    reduced = [mask.repeat(10, axis=0).repeat(10, axis=1) for mask in small]  # short side 160 px
    scaled = [interpolate(torch.from_numpy(one)[None], (160, 200), mode="bilinear")[0].numpy() for one in maps]
    again = outlines.judge(scaled, photos(reduced), NAMES)
    for name, figures in found["per_attribute"].items():
        for key in outlines.FIGURES:
            assert figures[key] == pytest.approx(again["per_attribute"][name][key], abs=2e-4)
    tensors = outlines.judge([torch.from_numpy(one) for one in maps], photos(big), NAMES)
    assert tensors == found


def test_intervals_are_those_of_photos_drawn_one_by_one(monkeypatch):
    monkeypatch.setattr(outlines.bootstrap.resampled, "__kwdefaults__", {"seed": 0, "resamples": 300})
    masks, maps = random_masks(20), random_maps(20, levels=1000)
    found = outlines.judge(maps, photos(masks), NAMES)["per_attribute"]["trees"]
    alone = [slow_figures([one] * 2, [mask] * 2, "trees", [0, 1]) for one, mask in zip(maps, masks, strict=True)]
    random = np.random.default_rng(5)
    draws = random.integers(20, size=(300, 20))
    for key in ("pixel_ap", "pointing"):
        values = np.array([of[key] for of in alone])
        low, high = np.quantile(values[draws].mean(axis=1), [0.025, 0.975])
        assert found[f"{key}_interval"] == pytest.approx([low, high], abs=0.25 * (high - low))
    pixels = [
        [(one[5][y, x], mask[y, x] == 2) for y, x in zip(*np.nonzero(mask), strict=True)]
        for one, mask in zip(maps, masks, strict=True)
    ]
    pooled = []
    for rows in draws[:60]:
        drawn = [pixel for row in rows for pixel in pixels[row]]
        order = sorted(drawn, key=lambda pixel: -pixel[0])
        inside = np.array([hit for _, hit in order])
        pooled.append((np.cumsum(inside) / np.arange(1, len(inside) + 1))[inside].mean())
    low, high = np.quantile(pooled, [0.025, 0.975])
    assert found["pooled_ap_interval"] == pytest.approx([low, high], abs=0.4 * (high - low))


def test_thresholds_are_never_chosen_on_the_photos_judged():
    """Where the other fold's maps are on another scale, its threshold fails, however good the photo's own would be."""
    masks = random_masks(6)
    maps = [np.stack([(mask == 2) + 0.5] * 6).astype(np.float32) for mask in masks]
    scaled = [one * (1 if n % 2 else 10) for n, one in enumerate(maps)]
    folds = np.arange(6) % 2
    assert outlines.judge(maps, photos(masks), NAMES, folds)["per_attribute"]["trees"]["iou"] == 1
    assert outlines.judge(scaled, photos(masks), NAMES, folds)["per_attribute"]["trees"]["pixel_ap"] == 1
    assert outlines.judge(scaled, photos(masks), NAMES, folds)["per_attribute"]["trees"]["iou"] < 0.9
    one = outlines.judge(maps, photos(masks), NAMES, np.zeros(6, dtype=int))["per_attribute"]["trees"]
    assert one["iou"] is None and one["iou_interval"] is None and one["pixel_ap"] == 1


def test_mean_over_networks_has_the_structure_of_one():
    masks = random_masks()
    each = [outlines.judge(random_maps(seed=seed), photos(masks), NAMES) for seed in range(3)]
    mean = outlines.mean(each)
    assert mean["pixel_ap"] == pytest.approx(np.mean([of["pixel_ap"] for of in each]), abs=1e-4)
    assert mean["pixel_ap_sd"] == pytest.approx(np.std([of["pixel_ap"] for of in each]), abs=1e-4)
    trees = [of["per_attribute"]["trees"]["iou_interval"][0] for of in each]
    assert mean["per_attribute"]["trees"]["iou_interval"][0] == pytest.approx(np.mean(trees), abs=1e-4)
    assert mean["n"] == 8 and mean["per_attribute"]["trees"]["photos"] == each[0]["per_attribute"]["trees"]["photos"]
    assert MaskFigures.from_json(mean, "masks").to_json() == mean


def test_what_cannot_be_judged_is_refused():
    masks = random_masks(2)
    with pytest.raises(DatasetError, match="at most 2 of 2 photos"):
        outlines.judge(random_maps(2), photos(masks), NAMES)
    with pytest.raises(DatasetError, match="knows none of the outlined attributes"):
        outlines.judge(random_maps(2), photos(masks), ["a", "b", "c", "d", "e", "f"])
    with pytest.raises(ValueError, match="got 3 maps for 2 photos"):
        outlines.judge(random_maps(3), photos(masks), NAMES)
