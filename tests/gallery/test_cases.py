"""The cases of a gallery against plain loops over its photos."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from siam.datasets import oasis, scenicornot
from siam.gallery.cases import (
    BASELINE,
    COMPARISONS,
    CONTEXT,
    KINDS,
    ORDERS,
    SIDES,
    Filters,
    compared,
    fits,
    read_cases,
    with_groups,
)
from siam.gallery.store import About, read
from siam.gallery.table import csv_text
from siam.gallery.writing import Entry, write
from siam.models.csib import CSIB

NAMES = ("trees", "ocean", "wire", "road", "still_water")
ABOUT = About("tiny", scenicornot.SCALE, NAMES, "made up", "all", "2026-11-21", "python", None)
VERDICTS = (
    "both right",
    "only SIAM right",
    "misread: road",
    "outside the vocabulary: litter",
    "misweighted: bias",
    None,
)


def entries(count=40, seed=0):
    """Photos some of which have no crowd, no spread, no truth; contributions with ties and zeros."""
    random = np.random.default_rng(seed)
    made = []
    for number in range(count):
        contributions = random.integers(-3, 4, len(NAMES)) / 4
        rated, verdict = random.random() < 0.8, VERDICTS[number % len(VERDICTS)]
        made.append(
            Entry(
                identifier=f"{number}",
                siam=5.0 + contributions.sum(),
                bias=5.0,
                contributions=contributions.tolist(),
                presence=random.random(len(NAMES)).tolist(),
                crowd_mean=float(random.integers(1, 11)) if rated else None,
                crowd_sd=float(random.random()) if rated and random.random() < 0.7 else None,
                vote_count=7 if rated else None,
                baseline=float(random.uniform(1, 10)),
                title=random.choice(["A Hill", "the lake", "Straße"]),
                author=random.choice(["Ann", "Bob", None]),
                latitude=None if number % 5 == 0 else float(number - 20),
                longitude=None if number % 5 == 0 else float((number * 37) % 361 - 180),
                truth=None if verdict is None else f'{{"verdict": "{verdict}", "place": "sea_coast"}}',
            )
        )
    return made


@pytest.fixture(scope="module")
def cases(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cases")
    write(folder, ABOUT, entries())
    return read_cases(read(folder))


def passes(entry, filters):
    """One photo, by the words of `Filters`."""
    known = entry.crowd_mean is not None
    siam_error = entry.siam - entry.crowd_mean if known else None
    baseline_error = entry.baseline - entry.crowd_mean if known else None
    if filters.closer is not None:
        if not known or abs(siam_error) == abs(baseline_error):
            return False
        if filters.closer != ("SIAM" if abs(siam_error) < abs(baseline_error) else "baseline"):
            return False
    if filters.side is not None and not (
        known and (siam_error > 0 if filters.side == "overestimated" else siam_error < 0)
    ):
        return False
    if filters.crowd is not None and not (known and filters.crowd[0] <= entry.crowd_mean <= filters.crowd[1]):
        return False
    if filters.cause is not None:
        own = abs(entry.contributions[NAMES.index(filters.cause)])
        if own == 0 or sum(abs(of) > own for of in entry.contributions) >= 3:
            return False
    if filters.kind is not None:
        verdict = entry.truth.split('"')[3] if entry.truth else ""
        right = verdict.endswith("right")
        if not (right if filters.kind == "right" else verdict.startswith(filters.kind + ":")):
            return False
    if filters.area is not None:
        left, right, bottom, top = filters.area
        if not (left <= np.float32(entry.baseline) <= right and bottom <= entry.siam <= top):
            return False
    if filters.place is not None:
        west, south, east, north = filters.place
        if entry.latitude is None or not south <= entry.latitude <= north:
            return False
        if not (
            west <= entry.longitude <= east if west <= east else entry.longitude >= west or entry.longitude <= east
        ):
            return False
    if filters.text:
        place = "sea coast" if entry.truth else ""
        said = " \n ".join([entry.identifier, entry.title, entry.author or "", place])
        return filters.text.strip().casefold() in said.casefold()
    return True


def maybe(values):
    return st.one_of(st.none(), values)


@settings(max_examples=200, deadline=None)
@given(
    closer=maybe(st.sampled_from(("SIAM", BASELINE))),
    side=maybe(st.sampled_from(SIDES)),
    crowd=maybe(st.tuples(st.integers(1, 10), st.integers(1, 10))),
    cause=maybe(st.sampled_from(NAMES)),
    kind=maybe(st.sampled_from(KINDS)),
    text=maybe(st.sampled_from(["", "hill", "STRASSE", "bob ", "Sea c", "(", "3"])),
    area=maybe(st.tuples(*[st.floats(2, 9)] * 4)),
    place=maybe(st.tuples(*[st.integers(-180, 180), st.integers(-90, 90)] * 2)),
    order=st.sampled_from(sorted(ORDERS)),
)
def test_filters_and_orders_are_those_of_a_loop(cases, closer, side, crowd, cause, kind, text, area, place, order):
    filters = Filters(closer, side, crowd, cause, kind, text, area, place)
    rows = cases.select(filters, order)
    every = entries()
    assert sorted(rows) == [row for row, entry in enumerate(every) if passes(entry, filters)]
    column, magnitude, largest = ORDERS[order]
    values = cases.table[column].to_numpy(dtype=float)[rows]
    values = np.abs(values) if magnitude else values
    known = values[~np.isnan(values)]
    assert np.array_equal(known, np.sort(known)[::-1] if largest else np.sort(known))
    assert np.isnan(values[len(known) :]).all()


def test_errors_are_in_points_of_the_scale(cases):
    for row, entry in enumerate(entries()):
        told = cases.table.iloc[row]
        assert told["difference"] == pytest.approx(entry.siam - entry.baseline, abs=1e-5)
        if entry.crowd_mean is None:
            assert np.isnan(told["first_error"]) and told["closer"] == ""
        else:
            assert told["second_error"] == pytest.approx(entry.baseline - entry.crowd_mean, abs=1e-5)
    assert not cases.in_ranks


def test_where_the_scales_differ_errors_are_differences_of_rank(tmp_path):
    made = entries()
    write(tmp_path, replace(ABOUT, crowd_scale=oasis.SCALE), made)
    cases = read_cases(read(tmp_path))
    assert cases.in_ranks
    rated = [entry for entry in made if entry.crowd_mean is not None]

    def rank(value, values):
        below, same = sum(of < value for of in values), sum(of == value for of in values)
        return 100 * (below + (same - 1) / 2) / (len(values) - 1)

    for row, entry in enumerate(made):
        told = cases.table["first_error"][row]
        if entry.crowd_mean is None:
            assert np.isnan(told)
            continue
        ours, theirs = (
            rank(entry.siam, [of.siam for of in rated]),
            rank(entry.crowd_mean, [of.crowd_mean for of in rated]),
        )
        assert told == pytest.approx(ours - theirs, abs=1e-6)


def test_the_summary_counts(cases):
    rows = cases.select(Filters(), "disagreement")
    told, made = cases.summary(rows), entries()
    assert told["n"] == len(made)
    assert told["median_difference"] == pytest.approx(np.median([abs(of.siam - of.baseline) for of in made]), abs=1e-5)
    wins = sum(passes(entry, Filters(closer="SIAM")) for entry in made)
    losses = sum(passes(entry, Filters(closer="baseline")) for entry in made)
    assert told["first_closer"] == pytest.approx(wins / (wins + losses))
    assert told["first_closer"] + told["second_closer"] == pytest.approx(1)
    nothing = cases.summary(np.array([], dtype=int))
    assert nothing == {"n": 0, "median_difference": None, "first_closer": None, "second_closer": None}


def test_causes_are_the_largest_of_each_sign(cases):
    for row, entry in enumerate(entries()):
        of = dict(zip(NAMES, entry.contributions, strict=True))
        highest, lowest = max(of, key=lambda name: of[name]), min(of, key=lambda name: of[name])
        raises, lowers = cases.causes(row)
        assert raises == ((highest, of[highest]) if of[highest] > 0 else None)
        assert lowers == ((lowest, of[lowest]) if of[lowest] < 0 else None)


def test_verdicts_have_kinds(cases):
    kinds = ["right", "right", "misread", "outside the vocabulary", "misweighted", ""]
    assert cases.table["kind"].tolist() == [kinds[row % len(kinds)] for row in range(len(cases.table))]


def test_a_gallery_without_baseline_has_cases(tmp_path):
    write(tmp_path, ABOUT, [replace(entry, baseline=None) for entry in entries(5)])
    cases = read_cases(read(tmp_path))
    assert len(cases.select(Filters())) == 5 and not len(cases.select(Filters(closer="SIAM")))
    assert cases.summary(np.arange(5))["median_difference"] is None


def test_a_case_is_told_in_plain_values(cases):
    for row, entry in enumerate(entries()):
        assert cases.row_of(entry.identifier) == row
        told = cases.case(row)
        assert told["identifier"] == entry.identifier and told["votes"] == entry.vote_count
        assert type(told["siam"]) is float and type(told["title"]) is str
        assert np.isnan(told["crowd"]) == (entry.crowd_mean is None)
    assert cases.row_of("no such case") is None and cases.row_of(None) is None


def test_a_rating_at_the_end_of_a_range_is_inside(tmp_path):
    """Stored in single precision, 5.2 is a little more and 5.5 exactly itself."""
    made = [replace(entry, crowd_mean=tenth / 10, crowd_sd=None) for entry, tenth in zip(entries(90), range(10, 100))]  # noqa: B905
    write(tmp_path, ABOUT, made)
    found = read_cases(read(tmp_path))
    for tenth in range(10, 100):
        assert len(found.select(Filters(crowd=(tenth / 10, tenth / 10)))) == 1


@pytest.mark.parametrize("networks", COMPARISONS[1:])
@pytest.mark.parametrize("linear", [False, True])
def test_any_two_of_three_are_compared(cases, linear, networks):
    random = np.random.default_rng(3)
    groups = random.dirichlet(np.ones(len(NAMES)), 3)
    csib = CSIB(NAMES, groups, np.array([2.0, -3.0, 0.5]), 4.0, linear)
    assert cases.networks == ("SIAM", BASELINE) and np.isnan(cases.table["context"]).all()
    held = with_groups(cases, csib)
    found = compared(held, networks)
    assert found.networks == networks
    for row, facts in enumerate(found.table.to_dict("records")):
        presence = cases.gallery.presence[row]
        score = 4.0 + (facts["siam"] if linear else 0)
        for shares, weight in zip(groups, csib.weights, strict=True):
            score += weight * (np.prod((presence.astype(float) + 0.001) ** shares) - 0.001)
        scores = {"SIAM": cases.table["siam"][row], BASELINE: cases.table["baseline"][row], CONTEXT: score}
        first, second = (scores[name] for name in networks)
        assert (facts["first"], facts["second"]) == pytest.approx((first, second), abs=1e-4, nan_ok=True)
        assert facts["difference"] == pytest.approx(first - second, abs=1e-4, nan_ok=True)
        if not np.isnan(facts["crowd"]) and not np.isnan(second):
            errors = abs(first - facts["crowd"]), abs(second - facts["crowd"])
            assert facts["second_error"] == pytest.approx(second - facts["crowd"], abs=1e-4)
            assert facts["closer"] == networks[int(errors[0] > errors[1])]
    changed = ("context", "first", "second", "difference", "first_error", "second_error", "closer")
    same = [name for name in cases.table if name not in changed]
    assert found.table[same].equals(cases.table[same])
    kept = found.select(Filters(closer=networks[1]))
    share = found.summary(np.arange(len(found.table)))["second_closer"]
    assert share == pytest.approx(len(kept) / (found.table["closer"] != "").sum())
    head = csv_text(found, np.array([0])).splitlines()[0]
    assert f",{','.join(networks)},difference,error of {networks[0]},error of {networks[1]}," in head
    back = compared(found, COMPARISONS[0]).table
    assert back.drop(columns="context").equals(cases.table.drop(columns="context"))


def test_what_counts_follows_what_is_compared(cases):
    """With context first, causes are groups, and an attribute is among the top three if one of their members is."""
    members = [[0, 1], [2], [3], [1, 2], [0]]  # of groups; attribute 4 is in none
    groups = np.zeros((5, len(NAMES)))
    for group, of in zip(groups, members, strict=True):
        group[of] = 1 / len(of)
    csib = CSIB(NAMES, groups, np.array([2.0, -3.0, 0.5, 1.0, -1.0]), 4.0)
    held = with_groups(cases, csib)
    found = compared(held, (CONTEXT, BASELINE))
    values = csib.contributions(cases.gallery.presence)
    for row, of in enumerate(values):
        together = found.together(row)
        assert together.score == pytest.approx(found.table["context"][row])
        raises, lowers = found.causes(row)
        positive = [cause for cause in together.causes if cause.value > 0]
        assert raises == (positive[0].title, pytest.approx(positive[0].value)) if positive else raises is None
        assert (lowers is None) == (of.min() >= 0)
    for place, name in enumerate(NAMES):
        top = []
        for row, of in enumerate(np.abs(values)):
            first = [group for group in range(5) if of[group] > 0 and (of > of[group]).sum() < 3]
            top += [row] if any(place in members[group] for group in first) else []
        assert sorted(found.select(Filters(cause=name))) == top
        assert len(top) == 0 or place < 4
    assert held.causes(0) == cases.causes(0) and cases.together(0) is None


def test_groups_that_do_not_fit_are_refused(cases):
    spatial = CSIB(NAMES, np.ones((1, len(NAMES))) / len(NAMES), np.ones((1, 2, 2)))
    for csib in (CSIB(("snow",), np.ones((1, 1)), np.ones(1)), spatial):
        assert not fits(cases.gallery, csib)
        with pytest.raises(ValueError, match="do not fit"):
            with_groups(cases, csib)
    assert not fits(cases.gallery, None)
    with pytest.raises(ValueError, match="add groups first"):
        compared(cases, (CONTEXT, BASELINE))
