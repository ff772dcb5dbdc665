"""Answers are on the disk at once, an undo brings back what was, and words are what tables can name."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from siam.errors import DatasetError, StorageError
from siam.labelling import answers
from siam.labelling.answers import Answer, Answers, word_of
from tests.support.full_disk import full_disk

NAMES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=8)
GIVEN = st.builds(Answer, st.sampled_from(answers.KINDS[:3]), st.sampled_from(["hedge", "dry wall"]), NAMES)
UNDOS = st.builds(Answer, st.just("undo"), st.sampled_from(["hedge", "dry wall"]))
LISTS = st.lists(GIVEN | UNDOS, max_size=12)


@settings(deadline=None, max_examples=30)  # each answer waits for the disk
@given(given_=LISTS)
def test_answers_are_read_as_they_were_given(tmp_path_factory, given_):
    path = tmp_path_factory.mktemp("labels") / answers.FILE
    for answer in given_:
        answers.add(path, answer)
    assert answers.read(path) == Answers(tuple(given_))


@settings(deadline=None)
@given(given_=LISTS)
def test_the_last_answer_counts_and_an_undo_brings_back_the_one_before(given_):
    for word in ("hedge", "dry wall"):
        states: list[dict[str, str]] = [{}]  # by hand: one after each answer, of which an undo removes the last
        for answer in (of for of in given_ if of.word == word):
            if answer.kind != "undo":
                states.append({**states[-1], answer.photo: answer.kind})
            elif len(states) > 1:
                states.pop()
        assert Answers(tuple(given_)).said(word) == states[-1]


def test_a_file_cut_off_at_any_byte_holds_all_complete_answers(tmp_path):
    whole, path, ends = tmp_path / "whole.jsonl", tmp_path / "labels.jsonl", []
    some = [Answer("present", "hedge", f"lake {number} ü.jpg") for number in range(3)]
    for answer in some:
        answers.add(whole, answer)
        ends.append(whole.stat().st_size)
    data, after = whole.read_bytes(), Answer("unsure", "hedge", "road.jpg")
    for length in range(len(data) + 1):
        path.write_bytes(data[:length])
        answers.add(path, after)
        complete = tuple(answer for answer, end in zip(some, ends, strict=True) if end <= length)
        assert answers.read(path).answers == (*complete, after)


def test_damaged_lines_are_left_out_and_counted(tmp_path):
    path = tmp_path / "labels.jsonl"
    answers.add(path, Answer("present", "hedge", "a.jpg"))
    bad = [
        *('{"kind": "love", "word": "hedge", "photo": "a.jpg"}', '{"kind": "undo", "word": "hedge", "photo": "a.jpg"}'),
        *('{"kind": "present", "word": "hedge"}', '{"kind": "present", "word": 3, "photo": "a.jpg"}', "[]", "{", "nul"),
        '{"kind": "present", "word": "hedge", "photo": "a.jpg", "time": "yesterday"}',
    ]
    path.write_text("\n".join([path.read_text(), *bad]))
    answers.add(path, Answer("absent", "hedge", "b.jpg"))
    found = answers.read(path)
    assert found.said("hedge") == {"a.jpg": "present", "b.jpg": "absent"} and found.damaged == len(bad)


def test_a_newer_version_and_a_full_disk(tmp_path):
    path = tmp_path / "labels.jsonl"
    answers.add(path, Answer("present", "hedge", "a.jpg"))
    before = path.read_bytes()
    with full_disk(len(before) + 5), pytest.raises(StorageError, match="check the free space"):
        answers.add(path, Answer("present", "hedge", "b.jpg"))
    assert path.read_bytes() == before
    path.write_text(json.dumps({"format": 2}))
    with pytest.raises(DatasetError, match="format 2, not 1: update SIAM Explorer"):
        answers.read(path)


@pytest.mark.parametrize("text", ["hedges", "Old stone", "köy evi", "naïve", "水", "x" * 60, "100 % green"])
def test_words_that_networks_can_name(text):
    assert word_of(f"  {text}\n") == text


def test_a_word_that_looks_like_a_known_one_is_that_one():
    assert word_of("OLD  stone", ["trees", "old_stone"]) == "old_stone"


@pytest.mark.parametrize(
    "text, message",
    [
        *[(text, "There is no word") for text in ("", "  \n", "_")],
        *[
            (text, "cannot name an attribute")
            for text in ("a,b", "a:b", "x" * 61, "=1+1", "-x", "@x", "\u202ex", "a\0b")
        ],
        *[(text, "take another word") for text in ("file", "Photo", "image name", "SPLIT", "file (path)")],
    ],
)
def test_words_that_tables_cannot_hold(text, message):
    with pytest.raises(DatasetError, match=message):
        word_of(text)
