"""Tables as people's programs save them: text in every form, and spreadsheets."""

import io
import zipfile

import numpy as np
import pytest

from siam.datasets import folder, oasis
from siam.datasets.cells import numbers_in, read_cells
from siam.datasets.ratings import read_ratings
from siam.datasets.tables import columns
from siam.errors import DatasetError
from siam.gallery.uploads import read_scores
from tests.support.spreadsheets import changed, ods, xls, xlsx

NAMES = ("Müllersee.jpg", "b, c.jpg")


def text(separator=",", scores=("3.5", "4"), headings=("file", "score")):
    rows = [headings, *zip(NAMES, scores, strict=True)]
    return "".join(separator.join(f'"{cell}"' for cell in row) + "\r\n" for row in rows)


FORMS = {
    "comma": text().encode(),
    "semicolon": text(";", ("3,5", "4,0")).encode(),
    "tab": text("\t", ("3,5", "4")).encode(),
    "bar": text("|").encode(),
    "sep line": b"sep=;\r\n" + text(";").encode(),
    "sep line of bars": b'"sep=|"\r\n' + text("|").encode(),
    "byte order mark": text().encode("utf-8-sig"),
    "UTF-16": text("\t").encode("utf-16"),
    "UTF-16 without mark": text("\t").encode("utf-16-le"),
    "UTF-16 big": b"\xfe\xff" + text(";").encode("utf-16-be"),
    "Windows": text(";", ("3,5", "4,0")).encode("cp1252"),
    "old Mac lines": text().replace("\r\n", "\r").encode(),
    "capitals and blanks": text(headings=(" File ", "SCORE")).encode(),
    "decimal comma in quotes": text(scores=("3,5", "4,0")).encode(),
    "blank rows": ("\r\n,\r\n" + text() + ",\r\n\r\n").encode(),
    "Excel": xlsx([("file", "score"), (NAMES[0], 3.5), (NAMES[1], 4)]),
    "Excel, second sheet": xlsx([("notes",), ("by",)], [("Score", "File"), ("3,5", NAMES[0]), (4, NAMES[1])]),
    "Excel, below a blank row": xlsx([(), (None, "file", "score"), (None, NAMES[0], 3.5), (None, NAMES[1], 4.0)]),
    "Excel, hidden first": xlsx(
        [("file", "score"), ("z", 9)], [("file", "score"), (NAMES[0], 3.5), (NAMES[1], 4)], hidden=(1,)
    ),
    "OpenDocument": ods([("file", "score"), (NAMES[0], 3.5), (NAMES[1], 4.0)]),
}


@pytest.mark.parametrize("form", FORMS)
def test_uploads_and_folders_read_ratings_alike_in_every_form(form, tmp_path):
    data = FORMS[form]
    assert read_scores(data) == {NAMES[0]: 3.5, NAMES[1]: 4}
    suffix = {"E": "xlsx", "O": "ods"}.get(form[0], "CSV") if form != "tab" else "tsv"
    (tmp_path / f"Ratings.{suffix}").write_bytes(data)
    for name in NAMES:
        (tmp_path / name).touch()
    photos = folder.read(tmp_path)
    assert {path.name: score for path, score in zip(photos.files, photos.scores.tolist(), strict=True)} == {
        NAMES[0]: 3.5,
        NAMES[1]: 4,
    }


@pytest.mark.parametrize(
    ("headings", "scale"),
    [
        ("Photo;Mean rating (1 to 7)", (1, 7)),
        ("File_name;Rating", None),
        ("image file;AVERAGE SCORE", None),
        ("photo;file;rating;score", None),  # what spells the column comes before what usually stands for it
    ],
)
def test_usual_headings_mean_file_and_score(headings, scale):
    row = "a.jpg;5" if headings.count(";") == 1 else "other.jpg;a.jpg;1;5"
    ratings = read_ratings(f"{headings}\n{row}\n".encode(), "mine.csv")
    assert ratings.names == ("a.jpg",) and ratings.scores.tolist() == [5]
    assert (None if ratings.scale is None else (ratings.scale.low, ratings.scale.high)) == scale


@pytest.mark.parametrize(
    "headings", ["photo,image,score", "file,rating,mean score", "photographer,score", "file,rated"]
)
def test_headings_that_may_mean_several_columns_or_none_are_refused(headings):
    row = ",".join("1" for _heading in headings.split(","))
    with pytest.raises(DatasetError, match=f"it begins with {headings.replace(',', ', ')}; expected file and score"):
        read_ratings(f"{headings}\n{row}\n".encode(), "mine.csv")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"file,score\n\na.jpg,3\n\nb.jpg,x\n", "a score that is not a number ('x') for 'b.jpg' in row 5"),
        (b"file,score\na.jpg,3,5\n", "3 cells in row 2, 'a.jpg', '3', '5', but 2 headings"),
        (b"file,score\na.jpg,1_000\n", "('1_000') for 'a.jpg' in row 2"),
        (b'file,score\na.jpg,2.5\nb.jpg,"1,234"\n', "('1,234') for 'b.jpg' in row 3"),
        (b'file,score\na.jpg,"1.234,5"\n', "('1.234,5') for 'a.jpg' in row 2"),
        (b"file,score,Score\na.jpg,1,2\n", "two columns 'score'"),
        (b"file,score,split\na.jpg,1,exam\n", "a split other than train, val and test ('exam') for 'a.jpg' in row 2"),
        (b"file\tnote\na.jpg\t1\n", "lacks the column 'score': it begins with file, note"),
        (xlsx([("file", "score"), ("a.jpg", "good")]), "('good') for 'a.jpg' in row 2"),
        (xlsx([("file", "score"), ("a.jpg", 1)])[:-40], "not readable as a spreadsheet"),
        (b"PK\x03\x04 words", "not readable as a spreadsheet"),
        (b"\xd0\xcf\x11\xe0 words", "not readable as a spreadsheet"),
        (xlsx([]), "it is empty"),
        (b"\x81\x8d,score\n", "it is not text"),
        (b"file,score\n\0,1\n", "it is not text"),
    ],
)
def test_what_is_no_table_of_ratings_is_told_in_one_line_with_its_row(data, words, tmp_path):
    path = tmp_path / "ratings.csv"
    path.write_bytes(data)
    for read in (lambda: read_scores(data, "mine.csv"), lambda: folder.read(tmp_path)):
        with pytest.raises(DatasetError) as caught:
            read()
        message = str(caught.value)
        assert words in message and message.startswith(("mine.csv ", str(path))) and "\n" not in message


def test_a_spreadsheet_that_unpacks_to_gigabytes_is_refused_before_it_is_read():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("xl/workbook.xml", "w") as part:
        for _ in range(210):
            part.write(bytes(1_000_000))
    with pytest.raises(DatasetError, match="unpacks to more than 200 MB"):
        read_cells(file.getvalue(), "mine.xlsx")


@pytest.mark.parametrize(
    "data",
    [
        changed(xlsx([("file", "score"), ("a.jpg", 1)]), b'"B2"', b'"XFD1048576"'),  # 17 billion cells up to it
        changed(xlsx([("file", "score"), ("a.jpg", 1)]), b'"B2"', b'"ZZZZZ99999999999"'),
        changed(xlsx([("file", "score"), ("a.jpg", 1)]), b'r="2"', b'r="-1"'),
        xls(following=2),  # the sector after itself, for ever
    ],
    ids=["too many cells", "no such column", "no such row", "sectors in a circle"],
)
def test_a_spreadsheet_that_would_end_or_fill_its_reader_is_refused_in_one_line(data):
    with pytest.raises(
        DatasetError, match=r"^mine\.xls is not readable as a spreadsheet \([^\n]+\): export it [^\n]+$"
    ):
        read_scores(data, "mine.xls")


def test_a_stray_blank_far_below_the_table_is_no_trouble():
    data = changed(xlsx([("file", "score"), ("a.jpg", 1), (None, " ")]), b'"B3"', b'"B1048576"')
    assert read_scores(data) == {"a.jpg": 1}


def test_two_tables_of_ratings_are_not_chosen_between(tmp_path):
    for name in ("ratings.csv", "Ratings.xlsx"):
        (tmp_path / name).write_bytes(FORMS["comma"])
    with pytest.raises(DatasetError, match=r"holds Ratings\.xlsx and ratings\.csv: keep one"):
        folder.read(tmp_path)


def test_numbers_with_points_or_commas():
    assert numbers_in(["3,5", " 4 ", "-1", "\N{MINUS SIGN}2", "1e3"]).tolist() == [3.5, 4, -1, -2, 1000]
    assert numbers_in(["3,667", "4,333"]).tolist() == [3.667, 4.333]
    assert np.isnan(numbers_in(["", "a", "nan", "1.2.3", "1 000"])).all()
    assert numbers_in([]).shape == (0,)


def test_cells_stay_as_they_are_written():
    cells = read_cells(b"file,score\n 007 ,1e3\n", "mine.csv", ("file",))
    assert (cells.columns, cells.rows, cells.numbers) == (("file", "score"), ((" 007 ", "1e3"),), (2,))


def test_other_datasets_take_the_same_tables(tmp_path):
    (tmp_path / "Ratings.csv").write_bytes(
        "File;Beauty_Mean;Beauty_SD;Split\r\na.jpg;3,5;1,5;Test\r\n".encode("utf-16")
    )
    photos = oasis.read(tmp_path)
    assert (photos.scores.tolist(), photos.split.tolist()) == ([3.5], ["test"])
    assert photos.variances == pytest.approx([2.25])
    assert columns(tmp_path / "Ratings.csv") == ["file", "beauty_mean", "beauty_sd", "split"]


def test_good_rows_are_kept_where_findings_are_wanted():
    findings = []
    ratings = read_ratings(b"file;score\na.jpg;1\nb.jpg;x\na.jpg;2\n;3\n", "mine.csv", findings)
    assert ratings.names == ("a.jpg",) and ratings.scores.tolist() == [1]
    assert [(found.problem, found.item) for found in findings] == [
        ("unreadable", ""),
        ("duplicate", "a.jpg"),
        ("out of range", "b.jpg"),
    ]
