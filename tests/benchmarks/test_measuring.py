"""What benchmarks share: turns, medians, goals, and the machine they ran on."""

import pytest

from benchmarks import photos
from benchmarks.measuring import Pairs, alone, at_least, at_most, compared, paired, processor_name, report, run_of
from siam.gallery.samples import load_samples
from siam.images.reading import read_image

WORDS = {"name": "explain", "part": "Networks", "description": "explanation of a photo", "unit": "s", "note": "alike"}


def test_both_are_measured_in_turn_and_every_other_round_begins_with_theirs():
    order = []

    def measure(name, value):
        order.append(name)
        return value

    pairs = paired(lambda: measure("ours", 1.0), lambda: measure("theirs", 4.0), 3)
    assert order == ["ours", "theirs", "theirs", "ours", "ours", "theirs"]
    assert pairs.ratios == [0.25] * 3
    assert pairs.rates(2, 4) == Pairs([2.0] * 3, [1.0] * 3)


def test_a_comparison_has_medians_and_the_spread_of_its_ratios():
    of = compared(Pairs([1, 2, 9], [2, 8, 9]), against="PyTorch", goal=at_most(0.5), **WORDS)
    assert (of.ours, of.theirs, of.ratio, of.low, of.high, of.rounds, of.reached) == (2, 8, 0.5, 0.25, 1, 3, True)
    of = compared(Pairs([1.0], [2.0]), ratios=[0.5, 0.3, 0.4], against="PyTorch", goal=at_least(1), **WORDS)
    assert (of.ratio, of.low, of.high, of.rounds, of.reached) == (0.4, 0.3, 0.5, 3, False)


def test_what_is_compared_with_nothing_has_the_spread_of_its_own_figures():
    of = alone([0.5, 0.3, 0.4], goal=at_most(0.4, of="ours"), **WORDS)
    assert (of.ours, of.low, of.high, of.ratio, of.reached) == (0.4, 0.3, 0.5, None, True)
    assert alone([3.0], **WORDS).low is None


def test_the_report_names_everything_that_is_needed_to_repeat_it():
    run = run_of("python -m benchmarks.speed", [alone([0.4], goal=at_most(0.4, of="ours"), **WORDS)], cores=2)
    text = report(run)
    for words in (
        "Networks\n",
        "explanation of a photo",
        "≤ 0.4 s",
        "yes",
        processor_name(),
        "2 cores",
        run.date,
    ):
        assert words in text
    assert run.versions["torch"] in text and run.git_commit is not None


def test_photos_are_always_the_same_and_no_two_alike(tmp_path):
    first, again = (photos.write_photos(tmp_path / name, 3) for name in ("a", "b"))
    contents = [path.read_bytes() for path in first]
    assert contents == [path.read_bytes() for path in again] and len(set(contents)) == 3
    assert {max(read_image(path).size) for path in first} == {photos.SIDE}
    assert photos.write_photos(tmp_path / "a", 1, first=2)[0].read_bytes() == contents[2]


@pytest.mark.parametrize("megapixels", [0.5, 2])
def test_a_large_photo_has_as_many_pixels_as_asked_for(tmp_path, megapixels):
    picture = read_image(photos.write_large(tmp_path / "large.jpg", load_samples()[0].path, megapixels))
    assert picture.width * picture.height == pytest.approx(megapixels * 1e6, rel=0.01)
