"""Answers are on the disk at once, and nothing that happens to a file costs an answer that was complete."""

import csv
import io
import json
import multiprocessing
import os
import signal
import subprocess
import sys
from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from siam.errors import DatasetError, StorageError
from siam.taste import ratings
from siam.taste.ratings import Answer
from tests.support.full_disk import full_disk
from tests.support.paths import ROOT

SHA = "0123456789abcdef" * 4
TIMES = st.datetimes(min_value=datetime(2000, 1, 1)).map(lambda time: time.strftime("%Y-%m-%dT%H:%M:%SZ"))
NAMES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=20)
HASHES = st.sampled_from(["", SHA, "f" * 64])
CODES = st.text("abcXYZ019_-", min_size=1, max_size=8)
RATINGS = st.builds(
    Answer, CODES, st.just("rating"), NAMES, HASHES, value=st.integers(1, 7), repeat=st.booleans(), time=TIMES
)
SKIPS = st.builds(Answer, CODES, st.just("skip"), NAMES, HASHES, time=TIMES)
UNDOS = st.builds(Answer, CODES, st.just("undo"), time=TIMES)
PAIRS = st.builds(
    lambda code, names, value, time: Answer(code, "pair", names[0], SHA, names[1], "", value, time=time),
    CODES, st.lists(NAMES, min_size=2, max_size=2, unique=True), st.integers(1, 2), TIMES,
)  # fmt: skip
ANSWERS = st.lists(RATINGS | SKIPS | UNDOS | PAIRS, max_size=12)


def some(count):
    return [Answer("k7m2", "rating", f"lake {number} ü", SHA, value=number % 7 + 1) for number in range(count)]


@settings(deadline=None, max_examples=30)  # each answer waits for the disk
@given(answers=ANSWERS)
def test_answers_are_read_as_they_were_given(tmp_path_factory, answers):
    path = tmp_path_factory.mktemp("study") / "study.jsonl"
    for answer in answers:
        ratings.add(path, answer)
    assert ratings.read(path) == ratings.Answers(tuple(answers), 0)


def test_a_file_cut_off_at_any_byte_holds_all_complete_answers(tmp_path):
    whole, path = tmp_path / "whole.jsonl", tmp_path / "study.jsonl"
    answers, ends = some(4), []
    for answer in answers:
        ratings.add(whole, answer)
        ends.append(whole.stat().st_size)
    data, after = whole.read_bytes(), Answer("p3", "skip", "road")
    for length in range(len(data) + 1):
        path.write_bytes(data[:length])
        complete = tuple(answer for answer, end in zip(answers, ends, strict=True) if end <= length)
        assert ratings.read(path).answers == complete
        ratings.add(path, after)
        assert ratings.read(path).answers == (*complete, after)


def test_damage_in_the_middle_costs_one_answer_and_is_counted(tmp_path):
    path = tmp_path / "study.jsonl"
    for answer in some(3):
        ratings.add(path, answer)
    lines = path.read_bytes().split(b"\n")
    lines[2] = lines[2][:9] + b"\xff\xfe" + lines[2][9:]
    path.write_bytes(b"\n".join([*lines, b"[1, 2]", b'{"rater": "k", "kind": "rating", "photo": "x", "value": 8}']))
    found = ratings.read(path)
    assert [answer.photo for answer in found.answers] == ["lake 0 ü", "lake 2 ü"] and found.damaged == 3


def test_without_a_file_there_are_no_answers(tmp_path):
    assert ratings.read(tmp_path / "none.jsonl") == ratings.Answers(())


def test_a_file_of_a_newer_version_is_refused(tmp_path):
    path = tmp_path / "study.jsonl"
    path.write_text('{"format": 2}\n{"rater": "k7m2", "what": "else"}')
    with pytest.raises(DatasetError, match="format 2, not 1: update SIAM Explorer"):
        ratings.read(path)


def _rate(path, rater, count):
    for number in range(count):
        ratings.add(path, Answer(rater, "rating", f"{rater} {number}", SHA, value=number % 7 + 1))


def test_several_processes_do_not_mix_their_lines(tmp_path):
    path = tmp_path / "study.jsonl"
    others = multiprocessing.get_context("spawn")
    workers = [others.Process(target=_rate, args=(path, f"r{number}", 40)) for number in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    found = ratings.read(path)
    assert found.damaged == 0 and len(found.answers) == 120
    for number in range(3):
        own = [answer.photo for answer in found.answers if answer.rater == f"r{number}"]
        assert own == [f"r{number} {place}" for place in range(40)]


def test_a_killed_process_loses_no_answer_that_it_had_given(tmp_path):
    path = tmp_path / "study.jsonl"
    code = (
        "import sys; from pathlib import Path; from siam.taste.ratings import Answer, add\n"
        "for number in range(10 ** 6):\n"
        "    add(Path(sys.argv[1]), Answer('k7m2', 'rating', str(number), value=4))\n"
        "    print(number, flush=True)\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        [sys.executable, "-c", code, path], stdout=subprocess.PIPE, text=True, env=environment
    ) as one:
        assert one.stdout is not None
        for _number in range(30):
            told = int(one.stdout.readline())
        one.send_signal(signal.SIGKILL)
    found = [int(answer.photo) for answer in ratings.read(path).answers]
    assert found == list(range(len(found))) and len(found) > told


@settings(deadline=None)
@given(answers=ANSWERS)
def test_an_undo_withdraws_the_raters_last_answer(answers):
    kept = []
    for answer in answers:  # by hand, slowly
        if answer.kind != "undo":
            kept.append(answer)
            continue
        own = [place for place, one in enumerate(kept) if one.rater == answer.rater]
        if own:
            del kept[own[-1]]
    assert ratings.standing(answers) == tuple(kept)


@settings(deadline=None)
@given(answers=ANSWERS)
def test_a_table_of_answers_is_read_back(answers):
    data = ratings.to_csv(answers)
    assert ratings.from_csv(data, "ratings.csv") == tuple(answers)
    rows = list(csv.reader(io.StringIO(data.decode(), newline="")))
    assert rows[0] == list(ratings.COLUMNS) and len(rows) == len(answers) + 1
    assert not any(cell.lstrip().startswith(("=", "+", "-", "@", "\t", "\r")) for row in rows for cell in row)


def test_a_table_may_come_back_from_a_spreadsheet():
    data = "rater;kind;photo;value;time\nk7m2;rating;lake;5.0;2026-11-29T21:04:05Z\n".encode("utf-16")
    (answer,) = ratings.from_csv(data, "ratings.csv")
    assert answer == Answer("k7m2", "rating", "lake", value=5, time="2026-11-29T21:04:05Z")


@pytest.mark.parametrize(
    "row, message",
    [
        ("k7m2,rating,lake,8,2026-11-29T21:04:05Z", "row 2: the value 8 of a rating is not 1 to 7"),
        ("k7m2,rating,lake,4.5,2026-11-29T21:04:05Z", "row 2: the value '4.5' is no whole number"),
        ("k7m2,pair,lake,1,2026-11-29T21:04:05Z", "only a pair has another photo, and always has"),
        ("k 7,rating,lake,4,2026-11-29T21:04:05Z", "row 2: the rater 'k 7' is no code"),
        ("k7m2,love,lake,4,2026-11-29T21:04:05Z", "the kind 'love' is none of rating, skip, undo, pair"),
        ("k7m2,rating,,4,2026-11-29T21:04:05Z", "row 2: there is no photo"),
        ("k7m2,rating,lake,4,yesterday", "the time 'yesterday' is not like 2026"),
        ("k7m2,rating,lake,4,", "row 2: there is no time"),
        ("k7m2,undo,lake,,2026-11-29T21:04:05Z", "row 2: an undo has no photo"),
    ],
)
def test_a_bad_row_is_named(row, message):
    with pytest.raises(DatasetError, match=r"ratings.csv, row 2: .*: correct or remove the row") as refused:
        ratings.from_csv(f"rater,kind,photo,value,time\n{row}\n".encode(), "ratings.csv")
    assert message in str(refused.value)


def test_another_table_is_refused():
    with pytest.raises(DatasetError, match="lacks the column 'rater'"):
        ratings.from_csv(b"file,score\nlake.jpg,5\n", "scores.csv")


def test_answers_hold_no_name_of_a_person(tmp_path):
    codes = {ratings.code() for _number in range(200)}
    assert len(codes) > 190 and all(len(code) == 6 and not set(code) & set("0o1il") for code in codes)
    with pytest.raises(ValueError, match="is no code of up to 40 letters"):
        Answer("Jane Doe", "rating", "lake", value=4)


@pytest.mark.parametrize("room", [0, 5, 100])
def test_on_a_full_disk_what_was_there_stays(tmp_path, room):
    path = tmp_path / "study.jsonl"
    for answer in some(2):
        ratings.add(path, answer)
    before = path.read_bytes()
    with full_disk(len(before) + room), pytest.raises(StorageError, match="check the free space"):
        ratings.add(path, some(1)[0])
    assert path.read_bytes() == before


def test_each_line_is_json(tmp_path):
    path = tmp_path / "study.jsonl"
    for answer in [*some(2), Answer("k7m2", "undo")]:
        ratings.add(path, answer)
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert lines[0] == {"format": 1} and [line["kind"] for line in lines[1:]] == ["rating", "rating", "undo"]
