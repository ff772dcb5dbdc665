"""Readers of the csv layouts: the right values in the right order, and one line that names the file where not."""

import csv
import re

import numpy as np
import pytest

from siam.datasets import oasis, sun_attributes
from siam.datasets.sun_attributes import ATTRIBUTES
from siam.datasets.tables import hash_split
from siam.errors import DatasetError


def write_table(path, columns):
    """Write columns, a dictionary from name to values, as a csv file."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(zip(*columns.values(), strict=True))


def sun_columns():
    """Three photos with labels; attribute k of photo n is (n + k) mod 4 of 3 annotators, so every column differs."""
    columns = {"file": ["a/one.jpg", "two.jpg", "three.jpg"], "split": ["train", "test", "train"]}
    # Another order than the reader's, and a column that it does not know.
    for k in reversed(range(len(ATTRIBUTES))):
        columns[ATTRIBUTES[k]] = [(n + k) % 4 / 3 for n in range(3)]
    return {**columns, "warmth": [7, 8, 9]}


def oasis_columns():
    return {"file": ["Lake 1.jpg", "Lake 2.jpg", "dirt.png"], "beauty_sd": [1, 1, 1], "beauty_mean": [1, 6.25, 7]}


LAYOUTS = {
    "sun": (sun_attributes.read, "labels.csv", sun_columns),
    "oasis": (oasis.read, "ratings.csv", oasis_columns),
}


@pytest.fixture(params=LAYOUTS)
def layout(request):
    return LAYOUTS[request.param]


def refusal(read, root):
    """Return the message with which a reader refuses a folder: one line."""
    with pytest.raises(DatasetError) as caught:
        read(root)
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_sun_reads_values_in_the_papers_order(tmp_path):
    write_table(tmp_path / "labels.csv", sun_columns())
    photos = sun_attributes.read(tmp_path)
    assert photos.files == tuple(tmp_path / "images" / name for name in ("a/one.jpg", "two.jpg", "three.jpg"))
    assert photos.split.tolist() == ["train", "test", "train"]
    assert photos.labels.dtype == np.float32
    expected = [[(n + k) % 4 / 3 for k in range(len(ATTRIBUTES))] for n in range(3)]
    assert photos.labels == pytest.approx(np.array(expected))


def test_the_papers_attributes_are_33_different_ones():
    assert len(set(ATTRIBUTES)) == len(ATTRIBUTES) == 33
    assert all(re.fullmatch(r"[a-z]+(_[a-z]+)*", name) for name in ATTRIBUTES)


def test_oasis_reads_files_and_mean_ratings(tmp_path):
    write_table(tmp_path / "ratings.csv", oasis_columns())
    photos = oasis.read(tmp_path)
    assert photos.files == tuple(tmp_path / "images" / name for name in ("Lake 1.jpg", "Lake 2.jpg", "dirt.png"))
    assert photos.scores.dtype == np.float32
    assert photos.scores.tolist() == [1, 6.25, 7]  # both ends of the scale belong to it


def test_names_that_look_like_numbers_stay_names(tmp_path):
    write_table(tmp_path / "ratings.csv", {"file": [11, 12], "beauty_mean": [3, 4]})
    assert [path.name for path in oasis.read(tmp_path).files] == ["11", "12"]


def test_missing_table_is_named(layout, tmp_path):
    read, name, _columns = layout
    message = refusal(read, tmp_path)
    assert message.startswith(f"{tmp_path / name} is missing")
    assert "images/" in message


def test_sun_without_a_split_gets_one_by_the_names(tmp_path):
    columns = {key: value for key, value in sun_columns().items() if key != "split"}
    write_table(tmp_path / "labels.csv", columns)
    names = [str(name) for name in columns["file"]]
    expected = hash_split(names, sun_attributes.SPLIT_SIZES).tolist()
    assert sun_attributes.read(tmp_path).split.tolist() == expected


def test_missing_column_is_named(layout, tmp_path):
    read, name, columns = layout
    for lacking in columns():
        if lacking not in ("warmth", "beauty_sd", "split"):  # these are nobody's business, or may be missing
            write_table(tmp_path / name, {key: value for key, value in columns().items() if key != lacking})
            message = refusal(read, tmp_path)
            assert message.startswith(f"{tmp_path / name} lacks the column {lacking!r}")


@pytest.mark.parametrize("value", [-0.01, 7.01, "", "inf", "nan", "many"])
def test_value_outside_the_scale_is_refused(layout, value, tmp_path):
    read, name, columns = layout
    table = columns()
    column = "beauty_mean" if "beauty_mean" in table else "ocean"
    table[column] = [table[column][0], value, table[column][2]]
    write_table(tmp_path / name, table)
    message = refusal(read, tmp_path)
    assert message.startswith(f"{tmp_path / name} holds ")
    assert "outside" in message
