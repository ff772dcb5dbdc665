"""What a pair says of photos: rows, attributes and single photos taken from it, and the record that comes back."""

import json
from dataclasses import fields

import numpy as np
import pytest

from siam.evaluation.predictions import PairPredictions

NAMES = ("sky", "sea", "sand")


def made_up(count=5, **further):
    random = np.random.default_rng(0)
    numbers = {
        "siam": (count,),
        "bias": (count,),
        "contributions": (count, 3),
        "presence": (count, 3),
        "baseline": (count,),
        "logits": (count, 3),
        "maps": (count, 3, 4, 6),
        "total": (count, 4, 6),
        "templates": (3, 2, 2),
        "interval": (count, 2),
        "landscape": (count,),
    }
    made = {name: random.normal(size=shape).astype(np.float32) for name, shape in numbers.items()}
    made["landscape"] = made["landscape"] > 0
    return PairPredictions(NAMES, **made | further)


@pytest.mark.parametrize("chosen", [[3, 1], np.array([False, True, False, True, True])])
def test_rows_are_those_of_the_photos_and_leave_what_all_photos_share(chosen):
    whole = made_up()
    part = whole.rows(chosen)
    assert (part.attributes, len(part)) == (NAMES, len(np.arange(5)[chosen]))
    for field in fields(PairPredictions)[1:]:
        before, after = getattr(whole, field.name), getattr(part, field.name)
        assert np.array_equal(after, before if field.name in ("templates", "pooling") else before[chosen])
    assert made_up(baseline=None, maps=None).rows(chosen).baseline is None


def test_attributes_come_in_the_order_asked_for():
    whole = made_up()
    part = whole.in_order_of(("sand", "sky"))
    assert part.attributes == ("sand", "sky")
    for name in ("contributions", "presence", "logits", "maps"):
        assert np.array_equal(getattr(part, name), getattr(whole, name)[:, [2, 0]])
    assert np.array_equal(part.templates, whole.templates[[2, 0]]) and np.array_equal(part.siam, whole.siam)
    with pytest.raises(ValueError, match="snow"):
        whole.in_order_of(("snow",))


@pytest.mark.parametrize("baseline", [None, np.arange(5.0)])
def test_the_numbers_of_a_photo_outlast_json(baseline):
    whole = made_up(baseline=baseline)
    numbers = json.loads(json.dumps(whole.photo(2)))
    assert numbers["contributions"] == whole.contributions[2].tolist() and numbers["siam"] == float(whole.siam[2])
    assert numbers["baseline"] == (None if baseline is None else 2.0)
    assert (numbers["siam_low"], numbers["siam_high"]) == pytest.approx(whole.interval[2])
    assert numbers["landscape"] is bool(whole.landscape[2])
    assert PairPredictions.of_photo(NAMES, numbers).photo(0) == numbers


@pytest.mark.parametrize("interval", [None, np.full((5, 2), np.nan)])
def test_what_nobody_found_out_of_a_photo_is_none(interval):
    numbers = made_up(interval=interval, landscape=None).photo(2)
    assert numbers["siam_low"] is numbers["siam_high"] is numbers["landscape"] is None
    assert PairPredictions.of_photo(NAMES, numbers).photo(0) == numbers


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"siam": None}, ValueError),
        ({"siam": [5.0, 5.0]}, ValueError),
        ({"baseline": [5.0]}, TypeError),
        ({"siam": "high"}, ValueError),
        ({"presence": [0.5, 0.5]}, ValueError),
        ({"contributions": 1.0}, ValueError),
    ],
)
def test_numbers_that_are_none_of_a_photo_are_refused(change, error):
    with pytest.raises(error):
        PairPredictions.of_photo(NAMES, made_up().photo(0) | change)
    with pytest.raises(KeyError, match="bias"):
        PairPredictions.of_photo(NAMES, {name: of for name, of in made_up().photo(0).items() if name != "bias"})


def test_maps_on_the_grid_are_means_of_its_cells():
    whole = made_up()
    expected = whole.maps.reshape(5, 3, 2, 2, 2, 3).mean(axis=(3, 5))
    assert np.allclose(whole.maps_on_grid(), expected, atol=1e-6)
    with pytest.raises(ValueError, match="maps=True"):
        made_up(maps=None).maps_on_grid()
