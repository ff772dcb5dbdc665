"""Candidates in words, as tables and as sheets of photos."""

import csv
from dataclasses import replace
from io import StringIO

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from siam import discovery
from siam.discovery import report
from siam.discovery.answers import placed
from siam.discovery.candidates import Gain
from tests.support.discovered import by_hand, read_gallery

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def gallery(tmp_path_factory):
    return read_gallery(tmp_path_factory.mktemp("report"))


@pytest.fixture(scope="module")
def found(gallery):
    random = np.random.default_rng(2)
    return by_hand(gallery, {"pattern 7": random.random(len(gallery)), "warmth": random.random(len(gallery))})


def rows_of(data):
    return list(csv.DictReader(StringIO(data.decode())))


def test_a_candidate_is_one_line(found):
    first, second = found.candidates
    assert report.line(first) == ("pattern 7: lowers by 0.25 points per SD; τ +0.012 (0.000 to +0.025); stability 0.50")
    assert report.line(second).endswith("; like still water +0.61; unlike =sum −0.42")
    assert "raises by 0.75" in report.line(second)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        (
            {},
            "64 photos: SIAM’s scores and the crowd’s ratings agree by τ 0.500; together, the candidates explain 18 %",
        ),
        ({"rated": False, "tau": -0.1234}, "SIAM’s scores and the baseline’s scores agree by τ −0.123; "),
        ({"explained": -0.3}, "the candidates explain none of the rest"),
        ({"explained": 0.001}, "the candidates explain none of the rest"),
    ],
)
def test_the_heading_says_what_is_left(found, changes, told):
    assert told in report.heading(replace(found, **changes))


@given(st.floats(-1, 1), st.floats(0, 1), st.floats(0, 1))
def test_a_gain_keeps_its_order_and_signs_in_words(value, below, above):
    text = report.gain_text(Gain(value, value - below, value + above)).replace("−", "-")
    middle, low, high = (float(part.strip("()")) for part in text.replace(" to ", " ").split())
    assert low <= middle <= high and middle == pytest.approx(value, abs=6e-4)


def test_the_tables_hold_what_was_found(found, gallery):
    table = rows_of(report.table(found))
    assert list(table[0]) == list(report.COLUMNS)
    assert [row["name"] for row in table] == ["pattern 7", "warmth"] and [row["number"] for row in table] == ["1", "2"]
    assert [float(row["points"]) for row in table] == [-0.25, 0.75]
    assert float(table[1]["tau_low"]) == pytest.approx(-0.0004) and float(table[1]["rmse_high"]) == pytest.approx(0.03)
    assert table[1]["like"] == "still water +0.61" and table[1]["unlike"] == "'=sum −0.42"
    photos = rows_of(report.amounts(found, gallery))
    assert list(photos[0]) == ["identifier", "siam", "target", "pattern 7", "warmth"]
    assert [row["identifier"] for row in photos] == list(gallery.photos["identifier"])
    for name, values in (("warmth", found.candidates[1].amount), ("target", found.target), ("siam", found.siam)):
        assert [float(row[name]) for row in photos] == pytest.approx(values, abs=1e-6)


def test_a_part_of_a_gallery_keeps_its_own_photos(found, gallery):
    some = np.array([3, 10, 40])
    candidates = tuple(replace(one, maps=one.maps[some], amount=one.amount[some]) for one in found.candidates)
    part = replace(found, candidates=candidates, rows=some, siam=found.siam[some], target=found.target[some])
    names = [row["identifier"] for row in rows_of(report.amounts(part, gallery))]
    assert names == [gallery.photos["identifier"][row] for row in some]
    sheet = report.sheet(candidates[0], part, gallery)  # fewer photos than a row of the sheet holds
    assert np.asarray(sheet)[-1].min() == 255
    assert placed({gallery.photos["file"][10]: True, gallery.photos["file"][11]: False}, gallery, part) == (
        {1: True},
        (gallery.photos["file"][11],),
    )


def test_the_sheet_shows_the_photos_with_most_of_it_first(found, gallery):
    candidate = found.candidates[0]
    sheet = report.sheet(candidate, found, gallery)
    with Image.open(gallery.picture(int(candidate.most(1)[0]))) as photo:
        expected = np.asarray(photo.convert("RGB")).reshape(-1, 3).mean(axis=0)
    tile = np.asarray(sheet)[166:346, 12:252].reshape(-1, 3).astype(float)
    shown = tile[~(tile == 255).all(axis=1)]  # without the paper beside it
    assert shown.mean(axis=0) == pytest.approx(expected, abs=2)


def test_everything_is_written_and_named(found, gallery, tmp_path):
    paths = discovery.write(found, gallery, tmp_path / "new" / "out")
    assert [path.name for path in paths] == ["candidates.csv", "amounts.csv", "01-pattern-7.png", "02-warmth.png"]
    assert sorted(path.name for path in (tmp_path / "new" / "out").iterdir()) == sorted(path.name for path in paths)
    assert [row["picture"] for row in rows_of(paths[0].read_bytes())] == [path.name for path in paths[2:]]
    with Image.open(paths[2]) as first, Image.open(paths[3]) as second:
        assert first.size == second.size and np.asarray(first).tobytes() != np.asarray(second).tobytes()


def test_answers_find_their_photos_in_any_spelling(found, gallery):
    names = list(gallery.photos["file"])
    said = {names[5].upper(): True, f"./{names[6]}": False, names[7].removesuffix(".jpg"): None, "gone.jpg": True}
    assert placed(said, gallery, found) == ({5: True, 6: False, 7: None}, ("gone.jpg",))


def test_the_package_offers_its_doors():
    assert discovery.discover_in.__module__ == "siam.discovery.gallery"
    assert all(callable(getattr(discovery, name)) for name in discovery.__all__)
    with pytest.raises(AttributeError, match="discoverr"):
        _ = discovery.discoverr
