"""Photos outlined by people: what is read, what is refused and named, groups that stay together, and cells."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from siam.datasets import reader
from siam.datasets.check import check
from siam.datasets.human_masks import HEADLINE, OUTLINED, read
from siam.datasets.sun_attributes import ATTRIBUTES
from siam.errors import DatasetError
from tests.support.masks import NUMBER, REGIONS, photos, write_masks

SIZE = (40, 48)  # (height, width) in px


def mask(seed, size=SIZE):
    return np.random.default_rng(seed).integers(0, len(REGIONS), size, dtype=np.uint8)


@pytest.fixture
def root(tmp_path):
    names = ("lake.jpg", "camvid_0016E5_07320.jpg", "camvid_0016E5_07330.jpg", "camvid_0001TP_00001.jpg")
    return write_masks(tmp_path, {name: mask(seed) for seed, name in enumerate(names)})


def test_masks_are_read_as_they_are_stored(root):
    found = reader("masks").read(root)
    assert found.files[0] == root / "images" / "lake.jpg" and found.regions == REGIONS
    for seed, numbers in enumerate(found.masks):
        assert np.array_equal(numbers, mask(seed))
    assert found.groups.tolist() == ["lake.jpg", "camvid_0016E5", "camvid_0016E5", "camvid_0001TP"]
    assert found.split[1] == found.split[2]
    assert found.rows([3, 0]).files == (found.files[3], found.files[0])
    assert check("masks", root).clean


def test_outlines_are_of_attributes_that_exist_and_a_clear_sky_teaches_no_clouds():
    assert {name for of in OUTLINED.values() for name in of.attributes} <= set(ATTRIBUTES)
    assert set(HEADLINE) <= set(OUTLINED)
    assert [name for name, of in OUTLINED.items() if not of.teaches] == ["clouds"]
    assert OUTLINED["water"].attributes == ("ocean", "still_water", "running_water")
    assert OUTLINED["transport"].regions == ("vehicle", "boat")


def missing(path):
    path.unlink()


def damaged(path):
    path.write_bytes(path.read_bytes()[:60])


def coloured(path):
    Image.new("RGB", SIZE[::-1]).save(path)


def smaller(path):
    Image.fromarray(mask(1, (20, 24))).save(path)


def unknown(path):
    numbers = mask(1)
    numbers[3, 4] = len(REGIONS)
    Image.fromarray(numbers).save(path)


@pytest.mark.parametrize(
    ("spoil", "problem"),
    [
        (missing, "missing"),
        (damaged, "unreadable"),
        (coloured, "unreadable"),
        (smaller, "unreadable"),
        (unknown, "out of range"),
    ],
)
def test_a_bad_mask_is_named_with_what_to_do(root, spoil, problem):
    spoil(root / "masks" / "lake.png")
    with pytest.raises(DatasetError) as caught:
        read(root)
    message = str(caught.value)
    assert str(root / "masks") in message and "lake.png" in message and "\n" not in message
    assert "; " in message  # what was found; what to do
    report = check("masks", root)
    assert [(of.problem, of.item) for of in report.findings] == [(problem, "lake.jpg")] and report.photos == 3


def test_the_number_that_no_region_has_is_told(root):
    unknown(root / "masks" / "lake.png")
    with pytest.raises(DatasetError, match=f"the number {len(REGIONS)} where the last is {len(REGIONS) - 1}"):
        read(root)


def test_a_bad_table_is_refused(root):
    table = root / "shares.csv"
    text = table.read_text()
    for bad, words in (
        (text.replace("unlabelled,sky", "sky,unlabelled"), "restore the order"),
        (text.replace("unlabelled", "nothing"), "lacks the column 'unlabelled'"),
        (text + text.splitlines()[1] + "\n", "lake.jpg"),
    ):
        table.write_text(bad)
        with pytest.raises(DatasetError, match=words):
            read(root)
    table.unlink()
    with pytest.raises(DatasetError, match=r"shares\.csv is missing"):
        read(root)


def test_an_unreadable_photo_is_no_fault_of_its_mask(root):
    (root / "images" / "lake.jpg").write_bytes(b"no picture")
    assert len(read(root).files) == 4
    assert [(of.problem, of.item) for of in check("masks", root).findings] == [("unreadable", "images/lake.jpg")]


@settings(deadline=None, max_examples=60)
@given(st.lists(st.integers(1, 9), max_size=4), st.integers(0, 40), st.integers(2, 6), st.integers(0, 3))
def test_no_group_is_in_two_folds_and_sources_are_spread(films, alone, count, seed):
    names = [f"film{film}_{frame}" for film, frames in enumerate(films) for frame in range(frames)]
    names += [f"photo{number}" for number in range(alone)]
    if not names:
        return
    found = photos([np.ones((2, 2), dtype=np.uint8)] * len(names), names)
    fold = found.folds(count, seed)
    assert set(fold.tolist()) <= set(range(count))
    for group in set(found.groups.tolist()):
        assert len(set(fold[found.groups == group].tolist())) == 1
    sizes = np.bincount(fold[found.sources == "photos"], minlength=count)
    assert sizes.max() - sizes.min() <= 1
    filled = np.count_nonzero(np.bincount(fold[found.sources == "film"], minlength=count))
    assert filled == min(len(films), count)
    assert np.array_equal(fold, found.folds(count, seed))


def test_a_photo_stored_sideways_is_as_large_as_its_mask_when_upright(root):
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90 degrees
    Image.new("RGB", SIZE).save(root / "images" / "lake.jpg", exif=exif)
    assert read(root).masks[0].shape == SIZE
    Image.new("RGB", SIZE[::-1]).save(root / "images" / "lake.jpg", exif=exif)
    with pytest.raises(DatasetError, match="beside a photo of 40 x 48 px"):
        read(root)


def test_shares_are_of_the_labelled_pixels():
    numbers = np.zeros((4, 5), dtype=np.uint8)
    numbers[0] = NUMBER["tree"]
    numbers[1, :3] = NUMBER["boat"]
    numbers[1, 3:] = NUMBER["vehicle"]
    shares = dict(zip(OUTLINED, photos([numbers]).shares()[0].tolist(), strict=True))
    assert shares["trees"] == shares["transport"] == pytest.approx(0.5)  # 5 of 10 each; 10 are unlabelled
    assert shares["water"] == 0
    assert not photos([np.zeros((4, 5), dtype=np.uint8)]).shares().any()


def test_cells_are_shares_of_their_labelled_pixels():
    numbers = mask(3, (12, 18))
    numbers[:4, :6] = 0  # the first of 3 x 3 cells is unlabelled
    numbers[4:8, :3] = 0
    found = photos([numbers])
    shares, labelled = found.cells(0, (3, 3))
    for k, of in enumerate(OUTLINED.values()):
        for y in range(3):
            for x in range(3):
                cell = [n for n in numbers[4 * y : 4 * y + 4, 6 * x : 6 * x + 6].ravel().tolist() if n]
                assert labelled[y, x] == pytest.approx(len(cell) / 24)
                if cell:
                    inside = sum(REGIONS[n] in of.regions for n in cell) / len(cell)
                    assert shares[k, y, x] == pytest.approx(inside, abs=1e-5)
                else:
                    assert np.isnan(shares[k, y, x])
