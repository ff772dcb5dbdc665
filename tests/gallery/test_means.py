"""Means of groups against loops over their photos, one number at a time."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from siam.gallery.cases import CONTEXT
from siam.gallery.means import SCORES, group_means, numbers
from tests.support.places import read_placed


@pytest.fixture(scope="module")
def cases(tmp_path_factory):
    return read_placed(tmp_path_factory.mktemp("means"))


def slowly(values, rows, groups, count):
    """The count, mean and interval of each group and number, from lists."""
    for group in range(count):
        for number in range(values.shape[1]):
            of = [values[row, number] for row, each in zip(rows, groups, strict=True) if each == group]
            of = [value for value in of if not np.isnan(value)]
            mean = sum(of) / len(of) if of else np.nan
            if len(of) < 2:
                yield group, number, len(of), mean, (np.nan, np.nan)
            else:
                yield group, number, len(of), mean, stats.t.interval(0.95, len(of) - 1, mean, stats.sem(of))


def test_means_and_intervals_are_those_of_a_loop():
    random = np.random.default_rng(1)
    values = random.normal(1e4, 1, (60, 3))  # far from 0, where a sum of squares would lose its digits
    values[random.random(values.shape) < 0.3] = np.nan
    rows, groups = random.integers(0, 60, 200), random.integers(0, 40, 200)  # photos in several groups, small groups
    found = group_means(values, rows, groups, 41)
    assert found.count[40].tolist() == [0, 0, 0] and np.isnan(found.mean[40]).all()
    for group, number, count, mean, ends in slowly(values, rows, groups, 41):
        assert found.count[group, number] == count
        assert found.mean[group, number] == pytest.approx(mean, nan_ok=True)
        assert (found.low[group, number], found.high[group, number]) == pytest.approx(ends, nan_ok=True)


def test_one_photo_has_no_interval_and_equal_ones_have_an_empty_one():
    found = group_means(np.array([[4.0], [2.5], [2.5]]), np.arange(3), np.array([0, 1, 1]), 2)
    assert found.mean[:, 0].tolist() == [4.0, 2.5]
    assert np.isnan([found.low[0, 0], found.high[0, 0]]).all()
    assert [found.low[1, 0], found.high[1, 0]] == pytest.approx([2.5, 2.5])


def test_the_numbers_are_those_of_the_gallery(cases):
    found = numbers(cases)
    attributes = cases.gallery.about.attributes
    assert list(found)[:4] == [name for name in SCORES if name != CONTEXT] and len(found) == 4 + len(attributes)
    assert found["difference"] == pytest.approx(found["SIAM"] - found["baseline"])
    assert found["contribution: still water"].tolist() == pytest.approx(
        cases.gallery.contributions[:, attributes.index("still_water")].tolist()
    )
    parts = sum(of for name, of in found.items() if name.startswith("contribution: "))
    assert parts + cases.gallery.photos["bias"].to_numpy() == pytest.approx(found["SIAM"], abs=1e-4)
    unrated = replace(cases, table=cases.table.assign(crowd=np.nan))
    assert np.isnan(numbers(unrated)["crowd"]).all()
