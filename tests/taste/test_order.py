"""What comes next: every photo once, what tells most first, and some again."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from siam.taste.order import GAP, Order, consistency, most_telling
from siam.taste.personal import Design
from siam.taste.ratings import Answer
from tests.taste.made import crowd, maps

MAPS = maps(60)
DESIGN = Design(crowd(), MAPS)
NAMES = MAPS.identifiers


def answered(order, count=10**6, skip=()):
    """Return the answers of somebody who follows an order; turns with a place in `skip` are skipped."""
    given_ = []
    while len(given_) < count and (turn := order.photo(given_)) is not None:
        kind = "skip" if len(given_) in skip else "rating"
        value = None if kind == "skip" else len(given_) % 7 + 1
        given_.append(Answer("a", kind, turn.photo, value=value, repeat=turn.repeat))
    return given_


@settings(deadline=None, max_examples=15)
@given(
    seed=st.integers(0, 2**40),
    repeats=st.sampled_from([0.0, 0.1, 0.3]),
    chosen=st.booleans(),
    skip=st.sets(st.integers(0, 40)),
)
def test_every_photo_comes_once_and_repeats_come_late(seed, repeats, chosen, skip):
    order = Order(NAMES, seed, DESIGN if chosen else None, repeats)
    given_ = answered(order, skip=skip)
    first = [answer.photo for answer in given_ if not answer.repeat and answer.kind == "rating"]
    assert len(set(first)) == len(first)
    assert {answer.photo for answer in given_} == set(NAMES)
    again = [place for place, answer in enumerate(given_) if answer.repeat]
    assert len(again) <= repeats * len(first)
    for place in again:
        earlier = [before for before in range(place) if given_[before].photo == given_[place].photo]
        assert len(earlier) >= 1 and place - max(earlier) > GAP
    assert len({given_[place].photo for place in again}) == len(again)


def test_about_one_in_ten_comes_again():
    given_ = answered(Order(NAMES, 1, repeats=0.1))
    assert sum(answer.repeat for answer in given_) == 5  # of 60 - GAP


def test_a_number_ends_it():
    given_ = answered(Order(NAMES, 0, number=20))
    assert sum(not answer.repeat for answer in given_) == 20


@pytest.mark.parametrize("design", [None, DESIGN])
def test_the_same_seed_gives_everybody_the_same_order(design):
    first, second, other = (answered(Order(NAMES, seed, design), 30) for seed in (5, 5, 6))
    assert [answer.photo for answer in first] == [answer.photo for answer in second]
    assert [answer.photo for answer in first] != [answer.photo for answer in other]


def test_an_undo_shows_the_same_photo_again():
    order = Order(NAMES, 3, DESIGN)
    given_ = answered(order, 12)
    assert order.photo(given_[:-1]).photo == given_[-1].photo


def test_the_most_telling_photo_leaves_the_least_variance():
    """Slowly: the covariance of the weights after each photo, and the variance of all scores, offset aside."""
    rated, left = list(NAMES[:5]), list(NAMES[5:25])
    x, row = DESIGN.whole, {name: place for place, name in enumerate(NAMES)}
    spread = {}
    for name in left:
        seen = x[[row[one] for one in (*rated, name)]]
        covariance = np.linalg.inv(np.eye(x.shape[1]) + seen.T @ seen / 3)
        others = x * np.r_[0.0, np.ones(x.shape[1] - 1)]
        spread[name] = sum(one @ covariance @ one for one in others)
    assert most_telling(DESIGN, rated, left) == min(spread, key=lambda name: spread[name])


def test_photos_without_maps_can_be_rated_but_come_last():
    order = Order((*NAMES, "unreadable"), 0, DESIGN, repeats=0)
    given_ = answered(order)
    places = [answer.photo for answer in given_].index("unreadable")
    assert places in (0, len(NAMES))


def test_pairs_are_compared_evenly_and_only_once():
    order, given_ = Order(NAMES[:6], 2), []
    while (turn := order.pair(given_)) is not None:
        given_.append(Answer("a", "pair", turn.photo, other=turn.other, value=1))
        often = [sum(name in (one.photo, one.other) for one in given_) for name in NAMES[:6]]
        assert max(often) - min(often) <= 2
    assert len({frozenset((one.photo, one.other)) for one in given_}) == len(given_) == 15
    assert Order(NAMES[:1]).pair([]) is None and Order(NAMES[:6], number=1).pair(given_[:1]) is None


def test_which_of_two_photos_is_first_does_not_depend_on_its_name():
    first = [Order(NAMES, seed).pair([]).photo for seed in range(40)]
    assert len(set(first)) > 15


def rated(*values):
    return [Answer("a", "rating", name, value=value) for name, value in values]


def test_consistency_compares_first_and_second_ratings():
    given_ = rated(("a", 1), ("b", 4), ("c", 7), ("d", 5), ("a", 2), ("b", 4), ("c", 5), ("a", 7))
    found = consistency([*given_, Answer("a", "skip", "b")])
    assert found.count == 3 and found.difference == pytest.approx(1)
    assert found.correlation == pytest.approx(np.corrcoef([1, 4, 7], [2, 4, 5])[0, 1])


@pytest.mark.parametrize("given_, count", [([], 0), (rated(("a", 1), ("a", 1)), 1)])
def test_of_too_few_repeats_there_is_no_correlation(given_, count):
    found = consistency(given_)
    assert found.count == count and np.isnan(found.correlation)


def test_a_rater_who_always_says_the_same_has_no_correlation():
    found = consistency(rated(*[(name, 4) for name in "abcabc"]))
    assert found.difference == 0 and np.isnan(found.correlation)
