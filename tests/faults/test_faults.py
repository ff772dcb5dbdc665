"""The quickest kinds of work, disturbed a little (`python -m tests.faults` does it thoroughly), and what is stored."""

import json
import os
import subprocess
import sys

import pytest

from tests.faults.__main__ import DISTURBANCES
from tests.faults.disturbances import NAMES
from tests.faults.running import Ended, read_everything
from tests.faults.work import WORKS, Work, same
from tests.support.paths import ROOT

KINDS = ("data render (flowers)", "download (archives)")
STORED = ROOT / "docs" / "reliability" / "faults.json"


@pytest.fixture(scope="module")
def reports():
    """Disturb the quickest kinds in a process of its own, since forks need one without threads."""
    words = [sys.executable, "-m", "tests.faults", "--kills", "3", "--few", "--only", *KINDS]
    answer = subprocess.run(words, cwd=ROOT, env={**os.environ, "SIAM_ENGINE": ""}, capture_output=True, text=True)
    assert answer.returncode in (0, 1), answer.stderr
    found = [json.loads(line) for line in answer.stdout.splitlines()]
    return {(report["kind"], report["disturbance"]): report for report in found}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("disturbance", DISTURBANCES)
def test_nothing_is_lost_or_half_written_and_the_next_call_goes_on(reports, kind, disturbance):
    report = reports[kind, NAMES[disturbance]]
    assert report["found"] == [] and report["survived"] == report["times"] >= 1


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("disturbance", ["full", "read-only"])
def test_a_place_that_takes_nothing_is_told_in_one_line(reports, kind, disturbance):
    told = list(reports[kind, NAMES[disturbance]]["facts"].values())
    assert told and all(
        line.startswith("error: ") and (": check the " in line or ": free some space" in line) for line in told
    )


@pytest.mark.parametrize("name", ["a.json", "b.jpg", "c.safetensors", "d.parquet", "e.npy", "f.tsv", "scores.part"])
def test_a_half_written_file_is_found(tmp_path, name):
    (tmp_path / name).write_bytes(b'{"half": ' if name != "f.tsv" else b"a\tb\n1")
    with pytest.raises(AssertionError, match=f"{name} is half-written"):
        read_everything(tmp_path)
    (tmp_path / name).rename(tmp_path / f"{name}.01234567.part")
    read_everything(tmp_path)


def test_other_results_are_found(tmp_path):
    work = Work("any", ("any",), lambda _data: None, loose=("*.log",))
    for folder, number, text in (("one", 1.0, "a"), ("other", 1.5, "b")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a.json").write_text(json.dumps({"date": text, "figure": number}))
        (tmp_path / folder / "b.log").write_text(text)
    with pytest.raises(AssertionError, match=r"a\.json differs from that of an undisturbed run"):
        same(work, tmp_path / "one", tmp_path / "other")
    (tmp_path / "other" / "a.json").write_text(json.dumps({"date": "c", "figure": 1.0}))
    same(work, tmp_path / "one", tmp_path / "other")
    (tmp_path / "other" / "c.json").write_text("{}")
    with pytest.raises(AssertionError, match="other files"):
        same(work, tmp_path / "one", tmp_path / "other")


@pytest.mark.parametrize(
    ("status", "lines", "told"),
    [
        (2, ("scenes: 50 %", "error: full"), "error: full"),
        (2, ("Traceback (most recent call last):", "error: full"), None),
        (2, (), None),
        (1, ("error: full",), None),
        (None, (), None),
    ],
)
def test_a_refusal_is_one_line_without_a_traceback(status, lines, told):
    assert Ended(status, lines).refusal == told


def test_what_is_stored_was_measured_by_this_program():
    stored = json.loads(STORED.read_text(encoding="utf-8"))
    assert stored["format"] == 1 and stored["reports"]
    kinds = {work.kind for work in WORKS}
    for report in stored["reports"]:
        assert report["kind"] in kinds and report["disturbance"] in NAMES.values()
        assert report["command"].startswith("python -m tests.faults --only")
        assert 0 <= report["survived"] <= report["times"] and bool(report["found"]) == (
            report["survived"] < report["times"]
        )
