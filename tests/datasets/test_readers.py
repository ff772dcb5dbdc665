"""Readers of datasets: the right values in the right order, and one line that names the file where not."""

import csv
import hashlib
import re
import statistics
import subprocess
import sys
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.io import savemat

from siam.datasets import DATASETS, folder, oasis, reader, scenicornot, sun_attributes
from siam.datasets.base import RatingScale
from siam.datasets.sun_attributes import ATTRIBUTES
from siam.datasets.tables import hash_split
from siam.datasets.votes import parse_votes, split_by_order
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


def refusal(read, root, **settings):
    """Return the message with which a reader refuses a folder: one line."""
    with pytest.raises(DatasetError) as caught:
        read(root, **settings)
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
    names = ["one.jpg", "two.jpg", "three.jpg"]  # without folders
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


def test_other_cells_than_numbers_and_extra_commas(tmp_path):
    (tmp_path / "ratings.csv").write_text("file,beauty_mean,beauty_n\n007.jpg,3,,\n1e5,4,7,\n")
    photos = oasis.read(tmp_path)
    assert [path.name for path in photos.files] == ["007.jpg", "1e5"]
    assert photos.votes is None  # the first photo does not tell
    assert photos.variances is None


@pytest.mark.parametrize(
    ("column", "cell", "words"),
    [
        ("beauty_sd", "-1", "a standard deviation outside 0 to 6 ('-1')"),
        ("beauty_sd", "1e300", "a standard deviation outside 0 to 6 ('1e300')"),
        ("beauty_n", "0", "a number of raters outside 1 to 1e+09 ('0')"),
        ("beauty_n", "9223372036854775808", "a number of raters outside 1 to 1e+09"),
        ("beauty_n", "inf", "a number of raters outside 1 to 1e+09 ('inf')"),
    ],
)
def test_impossible_spreads_and_numbers_of_raters_are_refused(tmp_path, column, cell, words):
    (tmp_path / "images").mkdir()
    (tmp_path / "ratings.csv").write_text(f"file,beauty_mean,{column}\na.jpg,3,\nb.jpg,4,{cell}\n")
    with pytest.raises(DatasetError) as caught:
        oasis.read(tmp_path)
    assert words in str(caught.value) and "in row 3; correct it or leave it blank" in str(caught.value)
    findings = []
    assert len(oasis.read(tmp_path, findings=findings).files) == 1
    assert [(one.problem, one.item) for one in findings] == [("out of range", "b.jpg")]


def test_oasis_tells_spread_and_number_of_votes(tmp_path):
    columns = {**oasis_columns(), "beauty_sd": [1.5, "", 2], "beauty_n": [104, 7, 368]}
    write_table(tmp_path / "ratings.csv", columns)
    photos = oasis.read(tmp_path)
    assert photos.variances == pytest.approx(np.array([2.25, np.nan, 4]), nan_ok=True)
    assert photos.votes.tolist() == [104, 7, 368]
    assert photos.scale == oasis.SCALE


@pytest.mark.parametrize("name", ["sun", "oasis"])
def test_a_tolerant_reading_tells_every_bad_row_and_keeps_the_others(name, tmp_path):
    read, table, columns = LAYOUTS[name]
    value = "ocean" if name == "sun" else "beauty_mean"
    rows = columns()
    for key, cells in rows.items():
        rows[key] = [*cells, cells[0], cells[1], cells[2], cells[2]]
    rows["file"] = ["a.jpg", "b.jpg", "c.jpg", "a.jpg", "", "d.jpg", "e.jpg"]
    rows["split"] = ["train", "val", "test", "train", "train", "dev", "test"]
    rows[value][1] = 9
    write_table(tmp_path / table, rows)
    findings = []
    photos = read(tmp_path, findings=findings)
    assert [path.name for path in photos.files] == ["a.jpg", "c.jpg", "e.jpg"]
    assert photos.split.tolist() == ["train", "test", "test"]
    found = {(finding.problem, finding.item) for finding in findings}
    expected = {("out of range", "b.jpg"), ("duplicate", "a.jpg"), ("unreadable", ""), ("out of range", "d.jpg")}
    assert found == expected
    assert len(findings) == 4
    assert "9" in next(finding.detail for finding in findings if finding.item == "b.jpg")


@pytest.mark.parametrize(("cell", "value"), [("file", "Lake 1.jpg"), ("file", ""), ("split", "dev")])
def test_a_strict_reading_refuses_the_first_bad_row(cell, value, tmp_path):
    columns = {**oasis_columns(), "split": ["train", "train", "test"]}
    columns[cell] = [columns[cell][0], value, columns[cell][2]]
    write_table(tmp_path / "ratings.csv", columns)
    assert refusal(oasis.read, tmp_path).startswith(f"{tmp_path / 'ratings.csv'} holds ")


@pytest.mark.parametrize(
    "data", [b"", b"\xff\xfe\x00", b'file,beauty_mean\n"a,1\n', b"file,beauty_mean\na,1\nb,2,3,4\n"], ids=range(4)
)
def test_a_table_that_is_none_is_named(data, tmp_path):
    (tmp_path / "ratings.csv").write_bytes(data)
    assert refusal(oasis.read, tmp_path).startswith(f"{tmp_path / 'ratings.csv'} is not readable as a table")


def test_the_registry_reads_by_name(tmp_path):
    assert {name: reader(name).__name__ for name in DATASETS} == DATASETS
    with pytest.raises(DatasetError, match="no dataset is called 'moon': choose one of sun, "):
        reader("moon")


def test_the_registry_is_light():
    """The command line names the datasets without loading PyTorch or pandas."""
    code = "import sys, siam.datasets; sys.exit(any(name in sys.modules for name in ('torch', 'pandas', 'numpy')))"
    assert subprocess.run([sys.executable, "-c", code], timeout=60, check=False).returncode == 0


@given(st.lists(st.text(max_size=20), max_size=30, unique=True), st.tuples(*[st.integers(1, 1000)] * 3))
def test_a_split_by_hash_depends_on_the_name_alone(names, shares):
    split = hash_split(names, shares)
    for name, chosen in zip(names, split.tolist(), strict=True):
        place = Fraction(int(hashlib.sha256(name.encode("utf-8", "surrogateescape")).hexdigest()[:16], 16), 2**64)
        train, val = Fraction(shares[0], sum(shares)), Fraction(shares[0] + shares[1], sum(shares))
        assert chosen == ("train" if place < train else "val" if place < val else "test")
    assert hash_split(names[::-1], shares).tolist() == split.tolist()[::-1]


def test_a_split_by_hash_keeps_the_proportions():
    split = hash_split([f"sun_{number}.jpg" for number in range(14_340)], sun_attributes.SPLIT_SIZES)
    for name, size in zip(("train", "val", "test"), sun_attributes.SPLIT_SIZES, strict=True):
        assert abs((split == name).sum() - size) < 4 * np.sqrt(size)


# SUN as its owners pack it

ORIGINALS = [f"attribute {number}" for number in range(102)]


def save_archives(root, labels, names, attributes=ORIGINALS):
    """Write the .mat archives as METHODS.md describes them: columns of cells that hold one text each."""
    folder = root / "SUNAttributeDB"
    folder.mkdir(exist_ok=True)
    savemat(folder / "attributeLabels_continuous.mat", {"labels_cv": labels})
    for file, variable, cells in (("images", "images", names), ("attributes", "attributes", attributes)):
        column = np.empty((len(cells), 1), dtype=object)
        column[:, 0] = cells
        savemat(folder / f"{file}.mat", {variable: column})
    return folder


def random_labels(count, seed=0):
    """Return shares of three annotators (count, 102) as the archives hold them."""
    return np.random.default_rng(seed).integers(0, 4, (count, 102)) / 3


def merged_slowly(labels):
    """The rule of the paper once more, one label at a time: which originals a name stands for, summed up to 1."""
    rule = (
        "trees 40, grass 41, flowers 46, ocean 65+66, running_water 67, still_water 68, road 47+48, railroad 39, "
        "fencing_railing 36+37, wire 38, transport 3, wood 56, ice_snow 69+70, brick 51, shingles 49, metal 54, "
        "cloth 59, sand 60, rock_stone 61, glass 64, aged_worn 77, dirty 83, rusty 84, dry 82, rugged_scene 94, "
        "cluttered_space 98, clouds 71, horizon 92, digging 33, temple 35, farming 27, hiking 6+7, "
        "social 16+18+19+20+26+29"
    )
    merged = []
    for row in labels:
        values = {}
        for part in rule.split(", "):
            name, places = part.split(" ")
            values[name] = min(1.0, sum(float(row[int(place)]) for place in places.split("+")))
        merged.append([values[name] for name in ATTRIBUTES])
    return np.array(merged)


NAMES = ["a/abbey/sun_aakbdcgfpksytcwj.jpg", "a/abbey/sun_aaoktempcmudsvna.jpg", "z/zoo/sun_b.jpg", "z/zoo/sun_c.jpg"]


@pytest.mark.parametrize("count", [1, 4])
def test_the_official_archives_read_as_the_paper_merges_them(tmp_path, count):
    labels = random_labels(count)
    save_archives(tmp_path, labels, NAMES[:count])
    photos = sun_attributes.read(tmp_path)
    assert photos.files == tuple(tmp_path / "images" / name for name in NAMES[:count])
    assert photos.labels.dtype == np.float32
    assert photos.labels == pytest.approx(merged_slowly(labels), abs=1e-6)
    bare = [name.rsplit("/", 1)[1] for name in NAMES[:count]]
    assert photos.split.tolist() == hash_split(bare, sun_attributes.SPLIT_SIZES).tolist()


def test_merging_caps_at_one_and_ignores_the_rest():
    labels = np.zeros((3, 102))
    labels[0, [16, 18]] = 2 / 3  # eating and socializing: social
    labels[1, [42, 43, 44, 45, 93]] = 1  # vegetation, shrubbery, foliage, leaves, no horizon: not among the 33
    labels[2, 65] = 1 / 3
    merged = sun_attributes.merge(labels)
    assert merged[0, ATTRIBUTES.index("social")] == 1
    assert merged[0].sum() == 1
    assert not merged[1].any()
    assert merged[2, ATTRIBUTES.index("ocean")] == pytest.approx(1 / 3)


def test_labels_of_the_archives_outside_their_range_are_found(tmp_path):
    labels = random_labels(4)
    labels[1, 66], labels[2, 40], labels[3, 42] = 1.5, np.nan, 9  # 42, vegetation, is nobody's business
    save_archives(tmp_path, labels, NAMES)
    assert "a label outside 0 to 1 (attribute 66: 1.5)" in refusal(sun_attributes.read, tmp_path)
    findings = []
    photos = sun_attributes.read(tmp_path, findings=findings)
    assert [finding.item for finding in findings] == NAMES[1:3]
    assert photos.labels == pytest.approx(merged_slowly(labels[[0, 3]]), abs=1e-6)


def test_archives_that_do_not_fit_are_named(tmp_path):
    folder = save_archives(tmp_path, random_labels(4), NAMES)
    for labels, names, attributes in (
        (random_labels(3), NAMES, ORIGINALS),
        (random_labels(4)[:, :-1], NAMES, ORIGINALS),
        (random_labels(4), NAMES, ORIGINALS[:-1]),
    ):
        save_archives(tmp_path, labels, names, attributes)
        assert "(images, 102) were expected" in refusal(sun_attributes.read, tmp_path)
    save_archives(tmp_path, random_labels(4), NAMES)
    for name in ("attributeLabels_continuous.mat", "attributes.mat", "images.mat"):
        good = (folder / name).read_bytes()
        (folder / name).write_bytes(good[: len(good) // 2])
        assert f"{folder / name} is damaged" in refusal(sun_attributes.read, tmp_path)
        savemat(folder / name, {"other": [1]})
        assert f"{folder / name} lacks " in refusal(sun_attributes.read, tmp_path)
        (folder / name).unlink()
        assert f"{folder / name} is missing" in refusal(sun_attributes.read, tmp_path)
        (folder / name).write_bytes(good)


def test_where_both_layouts_are_there_the_csv_counts(tmp_path):
    save_archives(tmp_path, random_labels(4), NAMES)
    write_table(tmp_path / "labels.csv", sun_columns())
    assert len(sun_attributes.read(tmp_path).files) == 3


# Any folder


@pytest.fixture
def photos_folder(tmp_path):
    for name in ("b.JPG", "a.png", "walk/lake.jpg", "walk/deep/er.webp", ".hidden/c.jpg", "walk/.d.jpg", "notes.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    return tmp_path


def test_a_folder_without_ratings(photos_folder):
    photos = folder.read(photos_folder)
    names = ["a.png", "b.JPG", "walk/deep/er.webp", "walk/lake.jpg"]
    assert photos.files == tuple(photos_folder / name for name in names)
    assert np.isnan(photos.scores).all()
    assert photos.split.tolist() == hash_split(names, folder.SHARES).tolist()


def test_a_folder_with_some_ratings(photos_folder):
    columns = {"file": ["walk/lake.jpg", "gone.jpg", "a.png"], "score": [7, -2.5, 3], "split": ["val", "test", "train"]}
    write_table(photos_folder / "ratings.csv", columns)
    photos = folder.read(photos_folder)
    names = [path.relative_to(photos_folder).as_posix() for path in photos.files]
    assert names == ["a.png", "b.JPG", "gone.jpg", "walk/deep/er.webp", "walk/lake.jpg"]
    assert photos.scores == pytest.approx(np.array([3, np.nan, -2.5, np.nan, 7], dtype=np.float32), nan_ok=True)
    assert photos.split[[0, 2, 4]].tolist() == ["train", "test", "val"]
    assert photos.scale is None  # nobody told it
    scale = RatingScale("mine", 0, 10)
    assert "a score outside 0 to 10 ('-2.5')" in refusal(lambda root: folder.read(root, scale=scale), photos_folder)


@pytest.mark.parametrize("score", ["many", "", "inf", "nan"])
def test_a_folders_score_is_a_number(photos_folder, score):
    write_table(photos_folder / "ratings.csv", {"file": ["a.png", "b.JPG"], "score": [score, 1]})
    assert f"a score that is not a number ({score!r}) for 'a.png' in row 2" in refusal(folder.read, photos_folder)
    findings = []
    photos = folder.read(photos_folder, findings=findings)
    assert [finding.item for finding in findings] == ["a.png"]
    assert len(photos.files) == 4  # the photo itself is there
    assert np.isnan(photos.scores[0])


def test_a_folder_of_nothing_is_named(tmp_path):
    assert "holds no photos" in refusal(folder.read, tmp_path)
    assert "is not a folder" in refusal(folder.read, tmp_path / "none")


# ScenicOrNot


def votes_table(rows):
    """Return votes.tsv of (ID, votes) pairs, as its owners write it; the rows may replace cells by name."""
    lines = ["ID\tLat\tLon\tAverage\tVariance\tVotes\tGeograph URI"]
    for identifier, votes, *changed in rows:
        mean = sum(votes) / len(votes) if votes else 0
        spread = sum((vote - mean) ** 2 for vote in votes) / len(votes) if votes else 0
        cells = {
            "ID": identifier, "Lat": "50.886", "Lon": "-1.78673", "Average": f"{mean:.4f}", "Variance": f"{spread:.4f}",
            "Votes": ",".join(map(str, votes)), "Geograph URI": f"http://www.geograph.org.uk/photo/{identifier}",
            **(changed[0] if changed else {}),
        }  # fmt: skip
        lines.append("\t".join(str(cell) for cell in cells.values()))
    return "\n".join(lines) + "\n"


def random_rows(count, seed=0):
    random = np.random.default_rng(seed)
    identifiers = random.permutation(5 * count)[:count].tolist()
    return [(identifier, random.integers(1, 11, random.integers(1, 9)).tolist()) for identifier in identifiers]


def split_slowly(rows, sizes):
    """Return {ID: split} one photo after the other: at least three votes, in the order of their IDs."""
    split = {}
    for identifier in sorted(identifier for identifier, votes in rows if len(votes) >= 3):
        place = len(split)
        ends = [sizes[0], sizes[0] + sizes[1], sum(sizes)]
        if place < sum(sizes):
            split[identifier] = ("train", "val", "test")[sum(place >= end for end in ends)]
    return split


def test_scenicornot_reads_forty_rows(tmp_path):
    rows = random_rows(40)
    (tmp_path / "votes.tsv").write_text(votes_table(rows))
    photos = scenicornot.read(tmp_path, sizes=(8, 4, 6))
    expected = split_slowly(rows, (8, 4, 6))
    assert len(expected) == 18  # the table holds more with enough votes
    votes = dict(rows)
    assert photos.files == tuple(tmp_path / "images" / f"{identifier}.jpg" for identifier in expected)
    assert photos.split.tolist() == list(expected.values())
    assert photos.scores.tolist() == pytest.approx([statistics.fmean(votes[i]) for i in expected])
    assert photos.variances.tolist() == pytest.approx([float(statistics.pvariance(votes[i])) for i in expected])
    assert photos.votes.tolist() == [len(votes[i]) for i in expected]
    assert (photos.scale.name, photos.scale.low, photos.scale.high) == ("scenicness, ScenicOrNot", 1, 10)


def test_the_papers_sizes():
    assert scenicornot.SPLIT_SIZES == (150_000, 20_000, 30_000)
    split = split_by_order(212_000)
    assert len(split) == 200_000
    assert (split[:150_000] == "train").all()
    assert (split[150_000:170_000] == "val").all()
    assert (split[170_000:] == "test").all()


@given(st.integers(0, 300), st.tuples(*[st.integers(0, 100)] * 3).filter(any))
def test_splits_of_fewer_rows_keep_the_proportions(count, sizes):
    split = split_by_order(count, sizes).tolist()
    used = min(count, sum(sizes))
    assert len(split) == used
    assert split == sorted(split, key=("train", "val", "test").index)
    for name, size in zip(("train", "val", "test"), sizes, strict=True):
        assert abs(split.count(name) - Fraction(size * used, sum(sizes))) <= 1
    if count >= sum(sizes):
        assert [split.count(name) for name in ("train", "val", "test")] == list(sizes)


@pytest.mark.parametrize("sizes", [(1, 2), (0, 0, 0), (1, -1, 1)])
def test_sizes_that_are_none_are_refused(sizes):
    with pytest.raises(ValueError, match="three numbers of photos"):
        split_by_order(10, sizes)


def test_the_authors_split_is_by_row(tmp_path):
    rows = random_rows(60)
    (tmp_path / "votes.tsv").write_text(votes_table(rows))
    photos = scenicornot.read(tmp_path, split="authors", sizes=(8, 4, 6))
    rated = [identifier for identifier, votes in rows if len(votes) >= 3][:18]
    assert rated != sorted(rated)
    assert [int(path.stem) for path in photos.files] == rated
    assert photos.split.tolist() == ["train"] * 8 + ["val"] * 4 + ["test"] * 6
    votes = dict(rows)
    assert photos.scores.tolist() == pytest.approx([statistics.fmean(votes[i]) for i in rated])
    assert photos.variances.tolist() == pytest.approx([float(statistics.pvariance(votes[i])) for i in rated])
    by_id = scenicornot.read(tmp_path, sizes=(8, 4, 6))
    assert [int(path.stem) for path in by_id.files] == sorted(i for i, votes in rows if len(votes) >= 3)[:18]


def test_sizes_of_the_authors_split(tmp_path):
    rows = [(identifier, [4, 5, 6]) for identifier in range(400, 20, -1)]  # 380: two for every thousand
    (tmp_path / "votes.tsv").write_text(votes_table(rows))
    split = scenicornot.read(tmp_path, split="authors").split.tolist()
    assert split == ["train"] * 300 + ["val"] * 10 + ["test"] * 70
    assert len(scenicornot.read(tmp_path, split="authors", sizes=(1, 1, 1)).files) == 3


def test_another_split_is_refused(tmp_path):
    (tmp_path / "votes.tsv").write_text(votes_table(random_rows(9)))
    assert refusal(scenicornot.read, tmp_path, split="rows") == (
        "there is no split 'rows' of ScenicOrNot: choose 'paper' or 'authors'"
    )


BAD_ROWS = {
    "a word": ({"Votes": "many"}, "unreadable"),
    "semicolons": ({"Votes": "7;4;6"}, "unreadable"),
    "a gap": ({"Votes": "7,,6"}, "unreadable"),
    "a half": ({"Votes": "7.5,6,5"}, "unreadable"),
    "too high": ({"Votes": "7,11,6", "Average": "8", "Variance": "4.6667"}, "out of range"),
    "too low": ({"Votes": "0,3,3", "Average": "2", "Variance": "2"}, "out of range"),
    "average": ({"Average": "5.002"}, "out of range"),
    "no average": ({"Average": ""}, "out of range"),
    "variance": ({"Variance": "4"}, "out of range"),
    "no ID": ({"ID": ""}, "unreadable"),
    "a word as ID": ({"ID": "12a"}, "unreadable"),
    "the same ID": ({"ID": "11"}, "duplicate"),
}


@pytest.mark.parametrize("kind", BAD_ROWS)
def test_bad_votes_are_found(tmp_path, kind):
    changed, problem = BAD_ROWS[kind]
    rows = [(11, [4, 4, 4]), (12, [3, 5, 7], changed), (13, [1, 2]), (14, []), (15, [9, 9, 10])]
    (tmp_path / "votes.tsv").write_text(votes_table(rows))
    assert refusal(scenicornot.read, tmp_path).startswith(f"{tmp_path / 'votes.tsv'} holds ")
    findings = []
    photos = scenicornot.read(tmp_path, findings=findings)
    assert [(finding.problem, finding.item) for finding in findings] == [(problem, changed.get("ID", "12"))]
    assert [path.stem for path in photos.files] == ["11", "15"]  # too few votes are no fault


@given(st.lists(st.integers(0, 99), max_size=12))
def test_votes_are_read_back(votes):
    assert parse_votes(",".join(map(str, votes))) == tuple(votes)


@given(st.text(alphabet="0123456789,;. -x", max_size=12))
def test_anything_else_is_no_votes(text):
    """Once more, cell by cell: every piece between commas is one or two digits."""
    pieces = text.split(",")
    good = all(0 < len(piece) <= 2 and set(piece) <= set("0123456789") for piece in pieces)
    expected = () if not text else tuple(map(int, pieces)) if good else None
    assert parse_votes(text) == expected


def test_digits_of_other_scripts_are_no_votes():
    assert parse_votes("٣,٤,٥") is None


def test_only_listed_photos_belong_to_a_partial_download(tmp_path):
    rows = [(identifier, [1, 5, 9]) for identifier in range(20, 40)]
    (tmp_path / "votes.tsv").write_text(votes_table(rows))
    listed = "ID,file,author,title,page,licence\n21,images/21.jpg,Ann,a,b,c\n39,images/39.jpg,Bob,a,b,c\n3"
    (tmp_path / "attribution.csv").write_text(listed)
    photos = scenicornot.read(tmp_path)
    assert [path.stem for path in photos.files] == ["21", "39"]
    assert photos.split.tolist() == ["train", "test"]  # as all of votes.tsv has it
