"""A study is a file that somebody wrote by hand: what is wrong with it is said in one line."""

import pytest

from siam.errors import DatasetError
from siam.taste.study import Study, answers_file, read, studies_in


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "photos").mkdir()
    return tmp_path


def written(folder, text):
    path = folder / "valley.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_whole_study(folder):
    path = written(
        folder,
        'title = "Schönheit im Tal"\nphotos = "photos"\nmode = "pairs"\ninstructions = """Two\nlines"""\n'
        'consent = "Yes"\nlow = "ugly"\nhigh = "beautiful"\norder = "random"\nseed = 7\nnumber = 60\nrepeats = 0.2\n',
    )
    assert read(path) == Study(
        "Schönheit im Tal", folder / "photos", None, "pairs", "Two\nlines", "Yes", "ugly", "beautiful", "random",
        7, 60, 0.2,
    )  # fmt: skip
    assert answers_file(path) == folder / "valley.jsonl"


def test_what_is_left_out_has_a_default(folder):
    found = read(written(folder, '\ufefftitle = "Valley"\ngallery = "photos"\n'))
    assert found == Study("Valley", gallery=folder / "photos")
    assert (found.mode, found.order, found.number, found.consent) == ("rating", "chosen", None, "")


GOOD = 'title = "Valley"\nphotos = "photos"\n'


@pytest.mark.parametrize(
    "text, message",
    [
        ("title = Valley", "is not readable as TOML"),
        ('photos = "photos"', "lacks the title"),
        ('title = "Valley"', "needs either photos or gallery"),
        (GOOD + 'gallery = "photos"', "needs either photos or gallery"),
        (GOOD + 'oder = "random"', "unknown setting 'oder'; did you mean 'order'?"),
        (GOOD + 'mode = "stars"', "has 'stars' as mode; expected 'rating' or 'pairs'"),
        (GOOD + "mode = [1]", r"has \[1\] as mode"),
        (GOOD + 'number = "60"', "has '60' as number; expected a whole number from 1 to 10,000"),
        (GOOD + "number = 0", "has 0 as number"),
        (GOOD + "number = true", "has True as number"),
        (GOOD + "seed = -1", "has -1 as seed; expected a whole number from 0"),
        (GOOD + "repeats = 0.9", "has 0.9 as repeats; expected a share from 0 to 0.5"),
        (GOOD + "repeats = nan", "has nan as repeats"),
        (GOOD + 'low = ""', "has '' as low; expected a line of text"),
        ('title = "a\\nb"\nphotos = "photos"', "as title; expected a line of text"),
        ('title = "Valley"\nphotos = "elsewhere"', "names the folder .*elsewhere, which is not there: correct photos"),
    ],
)
def test_a_wrong_study_is_refused_in_one_line(folder, text, message):
    with pytest.raises(DatasetError, match=message) as refused:
        read(written(folder, text))
    assert "\n" not in str(refused.value) and str(refused.value).startswith(str(folder / "valley.toml"))


def test_a_missing_study_is_named(folder):
    with pytest.raises(DatasetError, match="is missing"):
        read(folder / "none.toml")
    (folder / "latin.toml").write_bytes(b'title = "\xe9"')
    with pytest.raises(DatasetError, match="is not readable as TOML"):
        read(folder / "latin.toml")


def test_the_studies_of_a_folder(folder):
    written(folder, GOOD)
    (folder / "another.toml").write_text(GOOD)
    (folder / "notes.txt").write_text("")
    assert [path.name for path in studies_in(folder)] == ["another.toml", "valley.toml"]
    assert studies_in(folder / "none") == []
