"""attributes.csv and attributes.toml: any words, in any usual table, and one line for what is wrong with them."""

import numpy as np
import pytest
from PIL import Image

from siam.cli.main import main
from siam.datasets import folder, regions
from siam.errors import DatasetError

TABLE = "file,hedge,pond\nlake.png,1,0.25\nwalk/oak.png,,1\n"


@pytest.fixture
def photos(tmp_path):
    for number, name in enumerate(("lake.png", "walk/oak.png", "road.png")):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.new("RGB", (64, 64), (number * 80, 90, 90)).save(tmp_path / name)
    return tmp_path


def labelled(photos, table=TABLE, description=None, name="attributes.csv"):
    data = table if isinstance(table, bytes) else table.encode()
    (photos / name).write_bytes(data)
    if description is not None:
        (photos / "attributes.toml").write_text(description, encoding="utf-8")
    return folder.read_attributes(photos)


def refusal(photos, *arguments, **further):
    with pytest.raises(DatasetError) as caught:
        labelled(photos, *arguments, **further)
    (line,) = str(caught.value).splitlines()
    return line


def test_every_other_column_is_an_attribute_and_a_blank_is_unknown(photos):
    found = labelled(photos)
    assert found.attributes == ("hedge", "pond")
    assert found.files == (photos / "lake.png", photos / "walk/oak.png")
    assert np.array_equal(found.labels, np.array([[1, 0.25], [np.nan, 1]], dtype=np.float32), equal_nan=True)
    assert found.regions == found.groups == {}


@pytest.mark.parametrize(
    "table",
    [
        "Photo;hedge;pond\nlake.png;1;0,25\nwalk\\oak.png;;1\n",
        "﻿file name\thedge\tpond\nLAKE.PNG\t1\t0.25\n./walk/oak\t\t1\n",
        "pond,image,hedge\n0.25,lake.png,1\n1,walk/oak.png,\n",
        TABLE.encode("utf-16"),
    ],
)
def test_usual_tables_mean_the_same(photos, table):
    found = labelled(photos, table)
    labels = found.labels_of(("hedge", "pond"))
    assert [path.name for path in found.files] == ["lake.png", "oak.png"]
    assert np.array_equal(labels, np.array([[1, 0.25], [np.nan, 1]], dtype=np.float32), equal_nan=True)


def test_a_table_may_say_the_split_and_otherwise_it_is_that_of_the_ratings(photos):
    split = labelled(photos, "file,hedge,split\nlake.png,1,test\nroad.png,0,train\n")
    assert split.attributes == ("hedge",)
    assert split.split.tolist() == ["test", "train"]
    hashed = labelled(photos)
    (photos / "ratings.csv").write_text("file,score\nlake.png,1\nwalk/oak.png,2\n")
    rated = folder.read(photos)
    known = dict(zip(rated.files, rated.split, strict=True))
    assert hashed.split.tolist() == [known[path] for path in hashed.files]


@pytest.mark.parametrize("cell", ["yes", "80%", "1.5", "-0.1", "NA", "nan", "inf"])
def test_a_cell_that_is_no_share_is_named_with_row_column_and_remedy(photos, cell):
    line = refusal(photos, f"file,hedge,pond\nlake.png,1,0\nroad.png,0,{cell}\n")
    for part in (repr(cell), "'pond'", "'road.png'", "row 3", "give a share from 0 to 1", "blank"):
        assert part in line


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ("hedge,pond\n1,0\n", "lacks the column 'file'"),
        ("file\nlake.png\n", "holds no attribute"),
        ("file,split\nlake.png,train\n", "holds no attribute"),
        ("file,hedge,Hedge\nlake.png,1,0\n", "'hedge' and 'Hedge', which look the same"),
        ("file,old_wall,old wall\nlake.png,1,0\n", "which look the same"),
        ('file,"hedge, cut"\nlake.png,1\n', "'hedge, cut': give it a name without commas and colons"),
        ("file,a:b\nlake.png,1\n", "without commas and colons"),
        ("file,hedge\nlake.png,1\nlake.png,0\n", "second entry"),
        ("file,hedge\n../lake.png,1\n", "leads out of the folder"),
        ("file,hedge\n,1\n", "no name"),
        ("", "empty"),
    ],
)
def test_a_table_that_cannot_be_right_is_told_in_one_line(photos, table, words):
    line = refusal(photos, table)
    assert words in line and "attributes.csv" in line


def test_two_tables_or_none(photos):
    with pytest.raises(DatasetError, match=r"attributes\.csv is missing: put a table there with the column file"):
        folder.read_attributes(photos)
    (photos / "attributes.tsv").write_text(TABLE)
    assert "keep one table of attributes" in refusal(photos)


def test_a_description_gives_words_order_groups_and_regions(photos):
    description = '[pond]\nwords = "ponds and lakes"\nregions = ["water", "lake"]\n[hedge]\ngroup = "plants"\n'
    found = labelled(photos, description=description)
    assert found.attributes == ("ponds and lakes", "hedge")
    assert found.labels[0].tolist() == [0.25, 1]
    assert found.groups == {"hedge": "plants"}
    assert found.regions == {"ponds and lakes": ("water", "lake")}


@pytest.mark.parametrize(
    ("description", "words"),
    [
        ("[hedge]\n[pont]\n[pond]\n", "describes 'pont', but attributes.csv has no such column: did you mean 'pond'?"),
        ("[hedge]\n", "lacks [pond], a column of attributes.csv"),
        ('[hedge]\nword = "h"\n[pond]\n', "unknown setting 'word' of 'hedge': did you mean 'words'?"),
        ("[hedge]\ngroup = 3\n[pond]\n", "group = 3 of 'hedge'; expected text"),
        ('[hedge]\nregions = "tree"\n[pond]\n', 'expected a list of names, such as ["tree"]'),
        ('[hedge]\nwords = " "\n[pond]\n', "expected text"),
        ('[hedge]\nwords = "pond"\n[pond]\n', "which look the same"),
        ("hedge = 1\n[pond]\n", "expected a table for each attribute"),
        ("[hedge\n", "not readable as TOML"),
    ],
)
def test_a_description_that_does_not_fit_is_told_in_one_line(photos, description, words):
    line = refusal(photos, description=description)
    assert words in line and "attributes.toml" in line


def test_regions_mean_what_the_description_says(photos):
    found = labelled(photos, description='[pond]\nregions = ["water", "lake"]\n[hedge]\n')
    share = np.zeros((1, 3, 2, 2), dtype=np.uint8)
    share[0, 0, 0, 0], share[0, 2, 1, 1] = 200, 50
    np.savez(photos / "regions.npz", files=["lake.png"], groups=["water", "sky", "lake"], share=share)
    seen = regions.read(photos / "regions.npz", ["lake.png"], found.regions)
    assert seen.attributes == ("pond",)
    assert seen.shares.tolist() == [[[[200, 0], [0, 50]]]]
    with pytest.raises(DatasetError, match="show none of the attributes"):
        regions.read(photos / "regions.npz", ["lake.png"], {"hedge": ("bush",)})


def test_check_reads_both_tables_and_names_what_is_wrong(photos, capsys):
    labelled(photos)
    (photos / "ratings.csv").write_text("file,score (1 to 5)\nlake.png,3\n")
    assert main(["data", "check", "folder", "--root", str(photos)]) == 0
    assert "suffix that is not read" not in capsys.readouterr().out
    (photos / "attributes.csv").write_text("file,hedge\nlake.png,7\ngone.png,1\nroad.png,0\n")
    (photos / "attributes.toml").write_text("[hedge]\n")
    assert main(["data", "check", "folder", "--root", str(photos)]) == 2
    out = capsys.readouterr().out
    assert "'7' under 'hedge' in row 2" in out
    assert "gone.png" in out and "no such file" in out
    assert "1 missing, 0 unreadable, 0 duplicate, 1 out of range" in out


def test_ratings_may_tell_how_many_people_rated_and_how_far_they_differ(photos):
    (photos / "ratings.csv").write_text("file,score (1 to 5),n,sd\nlake.png,3,12,0.5\nroad.png,4,8,\n")
    found = folder.read(photos)
    by_name = {path.name: row for row, path in enumerate(found.files)}
    assert found.votes is not None and found.variances is not None
    assert [found.votes[by_name[name]] for name in ("lake.png", "road.png", "oak.png")] == [12, 8, 0]
    assert found.variances[by_name["lake.png"]] == pytest.approx(0.25)
    assert np.isnan(found.variances[[by_name["road.png"], by_name["oak.png"]]]).all()


def test_a_rating_without_its_number_of_raters_leaves_all_numbers_unknown(photos):
    (photos / "ratings.csv").write_text("file,score (1 to 5),n\nlake.png,3,12\nroad.png,4,\n")
    found = folder.read(photos)
    assert found.votes is None and found.variances is None


@pytest.mark.parametrize(("column", "cell"), [("n", "0"), ("n", "many"), ("sd", "-1"), ("sd", "4.5"), ("sd", "x")])
def test_impossible_numbers_of_raters_and_deviations_are_refused(photos, column, cell):
    (photos / "ratings.csv").write_text(f"file,score (1 to 5),{column}\nlake.png,3,{cell}\n")
    with pytest.raises(DatasetError, match=r"'lake\.png' in row 2") as caught:
        folder.read(photos)
    assert repr(cell) in str(caught.value) and "leave it blank" in str(caught.value)
