"""A thousand damaged pictures and a thousand other inputs, and that the fuzzer finds what it looks for."""

import json
import subprocess
import sys
from collections import Counter

import pytest

from siam.runtime.provenance import git_commit
from tests.fuzz import run
from tests.fuzz.inputs import made
from tests.support.paths import ROOT

SEED = 20261129
OTHERS = {name: round(1000 * share) for name, share in run.SHARES.items()}


def broken(name):
    return f"tests.fuzz.broken:{name}"


@pytest.mark.parametrize(("part", "many"), {"pictures": 1000, **OTHERS}.items())
def test_every_input_is_read_or_refused_in_one_line(part, many):
    outcomes = list(run.run(part, range(many), SEED))
    failed = [str(run.Failure(part, SEED, of)) for of in outcomes if of.answer == "failed"]
    assert not failed, "\n\n".join(failed)
    assert [of.number for of in outcomes] == list(range(many))
    answers = Counter(of.answer for of in outcomes)
    assert answers["read"] > many / 20  # damage that everybody sees at once would try little
    assert answers["refused"] > many / 20 or part == "addresses"


def test_there_are_two_thousand_inputs_of_every_kind():
    assert sum(OTHERS.values()) == 1000
    kinds = {
        part: {made(run.part_of(part), SEED, number).kind for number in range(400)} for part in ("pictures", "tables")
    }
    assert kinds["pictures"] == {"JPEG", "MPO", "PNG", "WebP", "TIFF", "BMP", "GIF", "JPEG 2000", "HEIC", "AVIF"}
    assert {"ratings, text", "ratings, xlsx", "ratings, ods", "ratings, xls", "votes", "credits"} <= kinds["tables"]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("RAISES", "ValueError: nobody expects this"),
        ("LINES", "a refusal holds '\\n'"),
        ("HANGS", "no answer after 2 s"),
        ("ENDS", "it ended its process"),
        ("WARNS", "it warns: RuntimeWarning: odd numbers"),
        ("GROWS", "its process has grown by"),
    ],
)
def test_whatever_is_wrong_is_found_and_the_next_input_is_tried(name, words, tmp_path):
    outcomes = list(run.run(broken(name), [4, 7], 0, patience=2 if name == "HANGS" else 60, memory=80))
    assert [(of.number, of.answer) for of in outcomes] == [(4, "failed"), (7, "failed")]
    assert all(words in of.words for of in outcomes)
    first, _ = run.failures(broken(name), run.Count(outcomes), 0, tmp_path)
    assert f"--only {broken(name)} --seed 0 --number 4" in str(first)
    assert (first.saved / "word.txt").read_bytes() == made(run.part_of(broken(name)), 0, 4).files["word.txt"]


def test_an_input_that_takes_far_longer_than_others_is_found(monkeypatch):
    monkeypatch.setattr(run, "LEAST", 0.1)
    count = run.Count(list(run.run(broken("SLOW"), range(9), 0)))
    (failure,) = run.failures(broken("SLOW"), count, 0)
    assert failure.outcome.number == 3 and "more than 10 times as long" in str(failure)


def test_an_input_depends_on_part_seed_and_number_alone():
    for part in ("pictures", "tables"):
        one, again, other = (made(run.part_of(part), seed, 5) for seed in (1, 1, 2))
        assert one == again and one != other


def test_counts_are_stored_by_part_and_kind(tmp_path):
    path = tmp_path / "fuzz.json"
    for name, many in (("SOUND", 20), ("RAISES", 2)):
        count = run.Count(list(run.run(broken(name), range(many), 3)))
        run.write({"tables" if name == "SOUND" else "files": count}, 3, f"fuzz {name}", path)
    stored = json.loads(path.read_text())
    assert list(stored["parts"]) == ["tables", "files"] and stored["format"] == 1
    sound, raises = stored["parts"].values()
    assert sound["command"] == "fuzz SOUND" and sound["seed"] == 3 and sound["git_commit"] == git_commit()
    assert sound["tried"] == 20 == sound["read"] + sound["refused"] and sound["read"] and sound["refused"]
    assert sound["kinds"] == {"word": {name: sound[name] for name in ("tried", "read", "refused", "failed")}}
    assert (raises["tried"], raises["failed"], raises["read"]) == (2, 2, 0)


def test_the_command_repeats_one_input():
    command = [sys.executable, "-m", "tests.fuzz", "--only", "pictures", "--seed", "0", "--number", "17"]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert answer.returncode == 0 and answer.stdout.splitlines()[-1].startswith("pictures: 1 inputs, ")
