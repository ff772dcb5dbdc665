"""What people answered is what the reader of attributes.csv finds, and what others wrote there stays."""

import csv
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from siam.datasets import vocabulary
from siam.errors import DatasetError
from siam.labelling import table
from siam.labelling.answers import FILE, Answer, Answers, add, read
from siam.labelling.table import NAME, said_in, write

VALUES = {"present": 1.0, "absent": 0.0, "unsure": np.nan}
WORDS = ("hedge", "dry wall", "50 % shade")
PHOTOS = ("a.jpg", "walk/b, c.jpg", 'say "x".png', "ü d.jpg", "-e.jpg")
GIVEN = st.lists(
    st.builds(Answer, st.sampled_from(list(VALUES)), st.sampled_from(WORDS), st.sampled_from(PHOTOS))
    | st.builds(Answer, st.just("undo"), st.sampled_from(WORDS)),
    max_size=20,
)


def answers(*given_: tuple[str, str, str]) -> Answers:
    return Answers(tuple(Answer(kind, word, photo) for kind, word, photo in given_))


def labels(root):
    """What the reader finds: photo → word → value."""
    found = vocabulary.read(root)
    names = [path.relative_to(root).as_posix() for path in found.files]
    return {
        name: dict(zip(found.attributes, row.tolist(), strict=True))
        for name, row in zip(names, found.labels, strict=True)
    }


@settings(deadline=None, max_examples=60)
@given(given_=GIVEN)
def test_the_reader_finds_the_answers(tmp_path_factory, given_):
    root, all_ = tmp_path_factory.mktemp("photos"), Answers(tuple(given_))
    for _again in range(2):  # the second time, over its own table
        table.write(all_, root)
        sure = {word: {of: kind for of, kind in all_.said(word).items() if kind != "unsure"} for word in WORDS}
        if not any(sure.values()):
            assert (root / table.NAME).read_text() == "file\n"
            continue
        found = labels(root)
        assert set(found) == {photo for said in sure.values() for photo in said}
        for word, said in sure.items():
            for photo, row in found.items():
                wanted = VALUES[said[photo]] if photo in said else np.nan
                assert row.get(word, np.nan) == pytest.approx(wanted, nan_ok=True)


def test_what_somebody_else_wrote_stays(tmp_path):
    text = "Photo;split;Hedge;old stone;remark (mine)\nA.JPG;test;0,5;1;0\nzoo.jpg;train;;0,25;1\nwalk\\b;val;1;;\n"
    (tmp_path / "attributes.csv").write_bytes(text.encode("utf-16"))
    (tmp_path / "walk").mkdir()
    for name in ("a.jpg", "walk/b.jpg", "new.jpg"):
        (tmp_path / name).write_bytes(b"")
    said = answers(
        ("present", "hedge", "new.jpg"), ("absent", "hedge", "walk/b.jpg"), ("present", "pond", "a.jpg"),
        ("unsure", "old stone", "a.jpg"),
    )  # fmt: skip
    table.write(said, tmp_path)
    with (tmp_path / "attributes.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    assert rows == [
        ["Photo", "split", "Hedge", "old stone", "remark (mine)", "pond"],
        ["A.JPG", "test", "0,5", "", "0", "1"],
        ["zoo.jpg", "train", "", "0,25", "1", ""],
        ["walk\\b", "val", "0", "", "", ""],
        ["new.jpg", "", "1", "", "", ""],
    ]


def test_an_undone_answer_becomes_blank_and_its_photo_stays(tmp_path):
    said = answers(("present", "hedge", "a.jpg"), ("absent", "hedge", "b.jpg"))
    table.write(said, tmp_path)
    table.write(Answers((*said.answers, Answer("undo", "hedge"))), tmp_path)
    assert (tmp_path / "attributes.csv").read_text() == "file,hedge\na.jpg,1\nb.jpg,\n"


def test_new_words_are_described_where_the_others_are(tmp_path):
    (tmp_path / "attributes.csv").write_text("file,trees\na.jpg,1\n")
    (tmp_path / "attributes.toml").write_text('[trees]\nwords = "trees and woods"\ngroup = "plants"')
    for _again in range(2):
        table.write(answers(("present", 'dry "wall"', "a.jpg"), ("absent", "trees", "b.jpg")), tmp_path)
    assert labels(tmp_path)["a.jpg"] == {"trees and woods": 1.0, 'dry "wall"': 1.0}
    assert vocabulary.read(tmp_path).groups == {"trees and woods": "plants"}
    assert table.columns_of(tmp_path) == ("trees", 'dry "wall"')


def test_what_cannot_be_kept_is_not_written_over(tmp_path):
    said = answers(("present", "hedge", "a.jpg"))
    (tmp_path / "attributes.csv").write_text("name of it,trees\na.jpg,1\n")
    with pytest.raises(DatasetError, match="lacks the column 'file'"):
        table.write(said, tmp_path)
    assert (tmp_path / "attributes.csv").read_text() == "name of it,trees\na.jpg,1\n"
    (tmp_path / "attributes.csv").unlink()
    (tmp_path / "attributes.tsv").write_text("file\ttrees\na.jpg\t1\n")
    with pytest.raises(DatasetError, match=r"attributes.tsv is not written to: save it as attributes.csv"):
        table.write(said, tmp_path)
    assert table.merged(said, tmp_path).decode() == "file,trees,hedge\na.jpg,1,1\n"
    (tmp_path / "attributes.tsv").unlink()
    (tmp_path / "attributes.toml").write_text("no = [toml")
    with pytest.raises(DatasetError, match="is not readable as TOML"):
        table.write(said, tmp_path)
    assert not (tmp_path / "attributes.csv").exists()


def test_without_a_folder_the_table_holds_the_answers_alone():
    said = answers(("present", "hedge", "b.jpg"), ("absent", "hedge", "a.jpg"), ("unsure", "hedge", "c.jpg"))
    assert table.merged(said).decode() == "file,hedge\na.jpg,0\nb.jpg,1\n"


@settings(deadline=None, max_examples=40)
@given(st.lists(st.tuples(st.integers(0, 6), st.sampled_from(["present", "absent"])), min_size=1, max_size=20))
def test_the_table_says_what_the_answers_say(tmp_path_factory, told):
    folder = tmp_path_factory.mktemp("said")
    for number, kind in told:
        add(folder / FILE, Answer(kind, "Old wall", f"{number}.jpg"))
    write(read(folder / FILE), folder)
    last = {f"{number}.jpg": kind == "present" for number, kind in told}
    assert said_in(folder / NAME, "old_wall") == said_in(folder / FILE, "OLD WALL") == last


def test_shares_are_split_in_the_middle_and_blanks_say_nothing(tmp_path):
    (tmp_path / NAME).write_text("file;pond\na.jpg;0,67\nb.jpg;0,33\nc.jpg;0.5\nd.jpg;\n e.jpg ;1\n")
    assert said_in(tmp_path / NAME, "pond") == {"a.jpg": True, "b.jpg": False, "c.jpg": None, "e.jpg": True}


def test_an_answer_that_is_unsure_is_none(tmp_path):
    add(tmp_path / FILE, Answer("unsure", "pond", "a.jpg"))
    add(tmp_path / FILE, Answer("present", "pond", "b.jpg"))
    add(tmp_path / FILE, Answer("undo", "pond"))
    assert said_in(tmp_path / FILE, "pond") == {"a.jpg": None}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("file,pond\na.jpg,yes\n", "has 'yes' under 'pond' in row 2: give 1 for yes"),
        ("file,pond\na.jpg,1\nb.jpg,7\n", "has '7' under 'pond' in row 3"),
        ("file,wall\na.jpg,1\n", "says nothing of 'pond': its words are 'wall'"),
        ("file\na.jpg\n", "says nothing of 'pond': its words are none"),
        ("pond\n1\n", "lacks the column 'file'"),
        ("", "empty"),
    ],
)
def test_a_table_that_cannot_be_understood_is_told(tmp_path, text, told):
    (tmp_path / NAME).write_text(text)
    with pytest.raises(DatasetError, match=re.escape(told)):
        said_in(tmp_path / NAME, "pond")


def test_a_file_that_is_missing_is_no_empty_one(tmp_path):
    for name in (NAME, FILE):
        with pytest.raises(DatasetError, match="is no file: give answers as Label keeps them"):
            said_in(tmp_path / name, "pond")


@pytest.mark.parametrize("word", ["file", "split"])
def test_other_columns_are_no_words(tmp_path, word):
    (tmp_path / NAME).write_text("file,split,pond\na.jpg,test,1\n")
    with pytest.raises(DatasetError, match="its words are 'pond'"):
        said_in(tmp_path / NAME, word)
