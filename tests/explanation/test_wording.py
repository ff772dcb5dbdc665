"""Words and numbers must be true of the arrays they come from."""

import dataclasses
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from siam.datasets.base import RatingScale
from siam.drawing.phrases import (
    at,
    difference_text,
    listing,
    number,
    range_text,
    score_text,
    signed,
    signed_map_text,
    tick_text,
    where,
    words,
)
from siam.explanation.wording import sentence, summary
from tests.support.fakes import fake_explanation


def with_values(*values, **changes):
    """An explanation with these contributions, each spread evenly over its map."""
    explanation = fake_explanation(attributes=len(values))
    cells = explanation.total_map.size
    maps = np.ones_like(explanation.contribution_maps) * np.array(values)[:, None, None] / cells
    changes = {"contributions": np.array(values), "contribution_maps": maps, **changes}
    return dataclasses.replace(explanation, **changes)


def region(rows, columns, shape=(12, 18)):
    """A map that is 1 in a range of rows and columns, given in shares of the picture, and 0 elsewhere."""
    field = np.zeros(shape)
    height, width = shape
    field[round(rows[0] * height) : round(rows[1] * height), round(columns[0] * width) : round(columns[1] * width)] = 1
    return field


def test_names_are_words():
    assert words("still_water") == "still water"
    assert words(" odd__name_") == "odd name"


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.41, "+0.41"), (-0.18, "−0.18"), (0, "0.00"), (-0.0, "0.00"), (0.004, "0.00"), (-0.004, "0.00"), (12, "+12.00")],
)
def test_signed_numbers(value, text):
    assert signed(value) == text
    assert signed(np.float32(value)) == text


@given(st.floats(-1e4, 1e4))
def test_a_signed_number_means_its_value(value):
    text = signed(value)
    assert float(text.replace("−", "-")) == pytest.approx(value, abs=0.00501)
    assert "-" not in text
    assert (text[0] in "+−") == (float(text.replace("−", "-")) != 0)


def test_scores_carry_their_scale():
    assert score_text(4.966, RatingScale("scenicness", 1, 7)) == "4.97 of 7"
    assert score_text(-0.5, RatingScale("beauty", 0, 5.5)) == "−0.50 of 5.5"
    assert number(3) == "3.00"


@pytest.mark.parametrize(
    ("limit", "text"),
    [(0.0213, "−0.021 … +0.021"), (0.41, "−0.41 … +0.41"), (1.26, "−1.3 … +1.3"), (0, "−0 … +0"), (250, "−250 … +250")],
)
def test_ranges_keep_two_digits(limit, text):
    assert range_text(limit) == text


@given(st.floats(1e-7, 1e3))
def test_ticks_are_near_their_value(value):
    assert float(tick_text(value)) == pytest.approx(value, rel=0.051)


@pytest.mark.parametrize(
    ("rows", "columns", "place"),
    [
        ((2 / 3, 1), (0, 1), "bottom"),
        ((0, 1 / 3), (0, 1), "top"),
        ((0, 0.5), (0, 1), "top"),
        ((0, 1), (0, 0.5), "left"),
        ((0, 1), (5 / 6, 1), "right"),
        ((0, 1 / 2), (0, 1 / 2), "upper left"),
        ((0, 0.25), (2 / 3, 1), "upper right"),
        ((0.75, 1), (0, 1 / 3), "lower left"),
        ((0.5, 1), (0.5, 1), "lower right"),
        ((1 / 3, 2 / 3), (1 / 3, 2 / 3), "centre"),
        ((0, 1), (1 / 3, 2 / 3), "centre"),
        ((5 / 12, 7 / 12), (0, 1), "across the middle"),
        ((0, 0.25), (1 / 3, 2 / 3), "top"),
        ((1 / 3, 2 / 3), (2 / 3, 1), "right"),
        ((0, 1), (0, 1), "everywhere"),
        ((1 / 6, 5 / 6), (1 / 9, 8 / 9), "everywhere"),  # an unused border is no place
    ],
)
def test_where_a_person_would_point(rows, columns, place):
    field = region(rows, columns)
    assert where(field) == place
    assert where(-0.01 * field) == place  # the sign and the size of a contribution do not move it


def test_where_of_two_ends_and_of_nothing():
    assert where(region((0, 1), (0, 1 / 6)) + region((0, 1), (5 / 6, 1))) == "left and right"
    assert where(region((0, 1 / 6), (0, 1)) + region((5 / 6, 1), (0, 1))) == "top and bottom"
    assert where(np.zeros((3, 4))) == "nowhere"
    assert where(np.ones((1, 1))) == "everywhere"


@given(st.integers(0, 10_000), st.integers(1, 20), st.integers(1, 20))
def test_mirrored_maps_are_at_mirrored_places(seed, height, width):
    field = np.random.default_rng(seed).random((height, width)) ** 8
    swapped = {"left": "right", "right": "left"}
    mirrored = re.sub(r"\b(left|right)\b", lambda found: swapped[found[0]], where(field))
    assert where(field[:, ::-1]) == mirrored.replace("right and left", "left and right")


def test_sentence_names_what_raised_and_what_lowered():
    explanation = with_values(0.41, 0.22, -0.18, 0.02, 0.01)
    maps = explanation.contribution_maps.copy()
    maps[0] = 0.41 * region((0.5, 1), (0, 0.5), maps.shape[1:])
    text = sentence(dataclasses.replace(explanation, contribution_maps=maps), count=3)
    assert text == (
        "Raised by hiking (+0.41, lower left) and clouds (+0.22, everywhere); lowered by dry (−0.18, everywhere); "
        "2 others together +0.03."
    )


@pytest.mark.parametrize(
    ("values", "count", "text"),
    [
        ((0.3, 0.2), 4, "Raised by hiking (+0.30, everywhere) and clouds (+0.20, everywhere)."),
        ((-0.3,), 4, "Lowered by hiking (−0.30, everywhere)."),
        ((-0.3, 0.02), 1, "Lowered by hiking (−0.30, everywhere); 1 other +0.02."),
        ((0.3, 0.004, -0.003), 4, "Raised by hiking (+0.30, everywhere); 2 others together 0.00."),
        (
            (0.004, 0.004, 0.004),
            4,
            "No attribute moves the score by 0.01 or more; all 3 together +0.01.",
        ),
        ((0.0, 0.0), 4, "No attribute moves the score by 0.01 or more; all 2 together 0.00."),
        ((0.0,), 4, "No attribute moves the score by 0.01 or more."),
        ((0.3, -0.2, 0.1), 0, "All 3 attributes together +0.20."),
        (
            (0.2, 0.2, 0.2),
            3,
            "Raised by hiking (+0.20, everywhere), clouds (+0.20, everywhere) and dry (+0.20, everywhere).",
        ),
    ],
)
def test_sentence_at_its_edges(values, count, text):
    assert sentence(with_values(*values), count) == text


@given(st.integers(0, 50), st.integers(1, 33), st.integers(1, 33))
def test_sentence_accounts_for_the_whole_score(seed, attributes, count):
    explanation = fake_explanation(seed, attributes)
    values = [
        float(found.replace("−", "-")) for found in re.findall(r"[+−]?\d+\.\d\d\b(?! or)", sentence(explanation, count))
    ]
    assert sum(values) == pytest.approx(explanation.scenicness - explanation.bias, abs=0.0051 * (count + 1))


def test_summary_has_a_baseline_only_if_there_is_one():
    explanation = fake_explanation()
    start = f"SIAM {explanation.scenicness:.2f} of 7, baseline {explanation.baseline_scenicness:.2f} of 7. "
    assert summary(explanation) == start + sentence(explanation)
    assert "baseline" not in summary(fake_explanation(baseline=False))


def test_alternative_text_of_signed_maps():
    field = region((0, 1 / 3), (0, 1)) - region((2 / 3, 1), (0, 1 / 3))
    assert signed_map_text(field) == "raised at the top, lowered in the lower left"
    assert signed_map_text(np.zeros((2, 2))) == "no effect anywhere"


def test_lists_read_as_prose():
    assert [listing([]), listing(["a"]), listing(["a", "b"]), listing(["a", "b", "c"])] == [
        "",
        "a",
        "a and b",
        "a, b and c",
    ]


@pytest.mark.parametrize(
    ("place", "words_in_a_sentence"),
    [
        ("top", "at the top"),
        ("left", "on the left"),
        ("lower right", "in the lower right"),
        ("centre", "in the centre"),
        ("top and bottom", "at the top and bottom"),
        ("left and right", "on the left and right"),
        ("across the middle", "across the middle"),
        ("everywhere", "everywhere"),
    ],
)
def test_places_fit_into_a_sentence(place, words_in_a_sentence):
    assert at(place) == words_in_a_sentence


def test_scattered_spots_are_not_everywhere():
    field = np.full((12, 12), 0.1)
    field[1::4, 1::4] = 3.0
    assert where(field) == "in places"


@pytest.mark.parametrize(
    ("first", "second", "text"), [(5.374, 5.096, "+0.27"), (4.806, 5.144, "−0.33"), (3, 3, "0.00")]
)
def test_difference_agrees_with_the_scores_as_shown(first, second, text):
    assert difference_text(first, second) == text
    assert signed(float(number(first)) - float(number(second))) == text


@pytest.mark.parametrize(("shares", "place"), [((0.52, 0.28, 0.2), "left"), ((0.4, 0.35, 0.25), "everywhere")])
def test_a_side_is_named_where_the_centre_of_mass_leans_by_a_tenth(shares, place):
    assert where(np.tile(shares, (3, 1))) == place
