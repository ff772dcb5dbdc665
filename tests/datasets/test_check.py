"""`data check` and `usable`: every picture and row is looked at, everything amiss is reported once, nothing else."""

import csv
import io
import json
import time

import numpy as np
import pytest
from PIL import Image

from siam.cli.main import main
from siam.datasets import check as checking
from siam.datasets.check import PROBLEMS, check, usable
from siam.errors import DatasetError
from siam.images.reading import MIN_SIDE

NAMES = [f"{number}.jpg" for number in range(6)]


def picture(seed, size=(64, 48)):
    pixels = np.random.default_rng(seed).integers(0, 256, (*size[::-1], 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG")
    return file.getvalue()


@pytest.fixture
def oasis_folder(tmp_path):
    """Six different photos with scores in order."""
    (tmp_path / "images").mkdir()
    for seed, name in enumerate(NAMES):
        (tmp_path / "images" / name).write_bytes(picture(seed))
    rate(tmp_path, [(name, 1 + number) for number, name in enumerate(NAMES)])
    return tmp_path


def rate(root, rows):
    with (root / "ratings.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("file", "beauty_mean"), *rows])


def spoil(root):
    """Bring one of each problem into the dataset; return what must be found, in order."""
    images = root / "images"
    (images / "1.jpg").unlink()
    (images / "2.jpg").write_bytes(picture(2)[:-200])
    (images / "4.jpg").write_bytes((images / "3.jpg").read_bytes())
    scores = {"0.jpg": 7, "1.jpg": 2, "2.jpg": 3, "3.jpg": 4, "4.jpg": 5, "5.jpg": 7.5}
    rate(root, [*scores.items(), ("3.jpg", 4)])
    return [
        ("missing", "images/1.jpg"),
        ("unreadable", "images/2.jpg"),
        ("duplicate", "3.jpg"),
        ("duplicate", "images/4.jpg"),
        ("out of range", "5.jpg"),
    ]


def test_a_dataset_in_order_is_clean(oasis_folder, capsys):
    report = check("oasis", oasis_folder)
    assert report.clean
    assert (report.photos, report.findings, report.table()) == (6, (), "")
    assert main(["data", "check", "oasis", "--root", str(oasis_folder)]) == 0
    out, err = capsys.readouterr()
    assert out == "6 photos: 0 missing, 0 unreadable, 0 duplicate, 0 out of range\n"
    assert err == ""


def test_every_problem_is_in_one_table(oasis_folder, capsys):
    expected = spoil(oasis_folder)
    report = check("oasis", oasis_folder)
    assert [(found.problem, found.item) for found in report.findings] == expected
    assert main(["data", "check", "oasis", "--root", str(oasis_folder)]) == 2
    out, err = capsys.readouterr()
    lines = out.splitlines()
    assert lines[0].split() == ["problem", "item", "what", "was", "found"]
    assert len(lines) == 1 + len(expected) + 1
    columns = [lines[0].index("item"), lines[0].index("what")]
    for line, (problem, item) in zip(lines[1:-1], expected, strict=True):
        assert line[: columns[0]].strip() == problem
        assert line[columns[0] : columns[1]].strip() == item
        assert line[columns[1] :].strip()
    assert lines[-1] == "5 photos: 1 missing, 1 unreadable, 2 duplicate, 1 out of range"
    assert err.count("\n") == 1
    assert str(oasis_folder) in err


def test_the_report_as_json(oasis_folder, capsys):
    expected = spoil(oasis_folder)
    assert main(["data", "check", "oasis", "--root", str(oasis_folder), "--json"]) == 2
    answer = json.loads(capsys.readouterr().out)
    found = [(kind, entry["item"]) for kind in PROBLEMS for entry in answer[kind.replace(" ", "_")]]
    assert found == expected
    assert (answer["dataset"], answer["root"], answer["photos"], answer["clean"]) == (
        "oasis", str(oasis_folder), 5, False,
    )  # fmt: skip
    assert answer["duplicate"][1]["detail"] == "the same content as images/3.jpg"


def test_names_cannot_break_the_table(oasis_folder):
    rate(oasis_folder, [("a\nb\x1b[2J.jpg", 3)])
    lines = check("oasis", oasis_folder).table().splitlines()
    assert len(lines) == 2
    assert "a?b?[2J.jpg" in lines[1]


@pytest.mark.parametrize("name", ["sun", "scenicornot", "oasis", "folder"])
def test_a_dataset_that_is_not_there_is_one_line(name, tmp_path, capsys):
    assert main(["data", "check", name, "--root", str(tmp_path)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert str(tmp_path) in err


def test_an_unknown_dataset_is_named(tmp_path):
    with pytest.raises(DatasetError, match="'moon'"):
        check("moon", tmp_path)


def test_every_layout_can_be_checked(tmp_path):
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "7.jpg").write_bytes(picture(7))
    (tmp_path / "images" / "8.jpg").write_bytes(b"")
    (tmp_path / "votes.tsv").write_text(
        "ID\tLat\tLon\tAverage\tVariance\tVotes\tGeograph URI\n"
        "7\t0\t0\t2.0000\t0.6667\t1,2,3\tx\n8\t0\t0\t2.0000\t0.6667\t1,2,3\tx\n9\t0\t0\t2\t0\t2 2 2\tx\n"
    )
    found = [(finding.problem, finding.item) for finding in check("scenicornot", tmp_path).findings]
    assert found == [("unreadable", "9"), ("unreadable", "images/8.jpg")]
    found = [(finding.problem, finding.item) for finding in check("folder", tmp_path).findings]
    assert found == [("unreadable", "images/8.jpg")]


def test_usable_names_each_bad_photo_once(oasis_folder, capsys):
    images = oasis_folder / "images"
    (images / "1.jpg").unlink()
    (images / "3.jpg").write_bytes(b"no picture")
    (images / "5.jpg").write_bytes(picture(5, (MIN_SIDE - 1, 64)))
    good = usable([images / name for name in NAMES])
    assert good.dtype == bool
    assert good.tolist() == [True, False, True, False, True, False]
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 3
    for line, name in zip(lines, ("1.jpg", "3.jpg", "5.jpg"), strict=True):
        assert line.startswith("skipped: ")
        assert name in line


def test_no_photos_are_all_usable():
    assert usable([]).tolist() == []


def test_an_interrupt_does_not_read_on(oasis_folder, monkeypatch):
    """Ctrl-C: what has not begun is dropped, so that the prompt is back at once."""
    seen = []

    def interrupted(path):
        seen.append(path)
        time.sleep(0.001)  # as a photo takes, so that the interrupt comes before the end
        raise KeyboardInterrupt

    monkeypatch.setattr(checking, "_reason_against", interrupted)
    with pytest.raises(KeyboardInterrupt):
        usable([oasis_folder / "images" / "0.jpg"] * 10_000)
    assert len(seen) < 10_000
