"""The scale of people's ratings is told, or it is not known."""

import pytest

from siam.datasets import folder, oasis, read_rated
from siam.datasets.base import RatingScale
from siam.errors import DatasetError


def rated(root, text, name="ratings.csv"):
    root.mkdir(exist_ok=True)
    (root / "a.jpg").touch()
    (root / name).write_text(text)
    return root


@pytest.mark.parametrize(
    ("text", "ends"),
    [
        ("file,score\na.jpg,3\n", None),
        ("file,score (of beauty)\na.jpg,3\n", None),
        ("file,score (1 to 5)\na.jpg,3\n", (1, 5)),
        ("file;Score [0-10]\na.jpg;3\n", (0, 10)),
        ("file,score (points: -2 … 3.5)\na.jpg,3\n", (-2, 3.5)),
        ("file,score (1 bis 7)\na.jpg,3\n", (1, 7)),
        ("file,score,scale\na.jpg,3,1 to 5\n", (1, 5)),
        ("file,score,Scale\na.jpg,3,1-5\nb.jpg,4,\n", (1, 5)),
        ("file,score (1 to 5),scale\na.jpg,3,1–5\n", (1, 5)),
    ],
)
def test_a_table_tells_its_scale_or_nobody_knows_it(tmp_path, text, ends):
    scale = folder.read(rated(tmp_path, text)).scale
    assert (scale and (scale.low, scale.high)) == ends


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("file,score (1 to 5)\na.jpg,3\nb.jpg,6\n", "a score outside 1 to 5 ('6') for 'b.jpg' in row 3"),
        ("file,score (5 to 1)\na.jpg,3\n", "the lowest rating first"),
        ("file,score,scale\na.jpg,3,five\n", "the scale 'five' in row 2; expected its ends, such as 1 to 5"),
        ("file,score,scale\na.jpg,3,1 to 5\nb.jpg,3,1 to 7\n", "the scale '1 to 7' in row 3"),
    ],
)
def test_what_does_not_fit_the_scale_is_refused_with_its_row(tmp_path, text, words):
    with pytest.raises(DatasetError) as caught:
        folder.read(rated(tmp_path, text))
    assert words in str(caught.value) and "\n" not in str(caught.value)


def test_a_told_scale_holds_unless_the_table_tells_another(tmp_path):
    root = rated(tmp_path, "file,score\na.jpg,3\n")
    assert read_rated("folder", root, RatingScale.between(1, 5)).scale.high == 5
    with pytest.raises(DatasetError, match=r"outside 4 to 5 \('3'\) for 'a\.jpg' in row 2"):
        read_rated("folder", root, RatingScale.between(4, 5))
    rated(tmp_path, "file,score (1 to 7)\na.jpg,3\n")
    with pytest.raises(DatasetError, match="the scale you gave is 1 to 5"):
        read_rated("folder", root, RatingScale.between(1, 5))
    with pytest.raises(DatasetError, match="'oasis' has its own scale"):
        read_rated("oasis", root, oasis.SCALE)


@pytest.mark.parametrize("ends", [(5, 1), (3, 3), (0, float("inf")), (float("nan"), 1)])
def test_a_scale_has_two_ends_the_lowest_first(ends):
    with pytest.raises(DatasetError, match="the lowest rating first"):
        RatingScale.between(*ends)
