"""A public server: what it refuses, what it counts, what it tells, and what it writes."""

import os
from pathlib import Path
from weakref import WeakKeyDictionary

import pytest
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.uploaded_file_manager import UploadedFile, UploadedFileRec

from siam.runtime.files import keep_below
from siam.runtime.paths import ASSETS, user_cache
from ui.photos import quota, uploads
from ui.state import chosen
from ui.state.public import FLAG, limits, message, private, problem, public

MEGABYTE = 1_000_000


@pytest.fixture
def told(monkeypatch):
    """Start anew with these variables."""

    def told(**variables):
        for name in [name for name in os.environ if name.startswith(FLAG)]:
            monkeypatch.delenv(name)
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        public.cache_clear()
        limits.cache_clear()

    yield told
    told()


# The variables


@pytest.mark.parametrize(("value", "answer"), [("", False), ("0", False), ("1", True)])
def test_the_flag_is_on_off_or_missing(told, value, answer):
    told(SIAM_PUBLIC=value)
    assert public() is answer and problem() is None


@pytest.mark.parametrize("value", ["yes", "true", "2", " 1", "on"])
def test_another_value_is_refused_in_one_line(told, value):
    told(SIAM_PUBLIC=value)
    assert problem() == f"SIAM_PUBLIC is {value!r}, expected 1 (anybody may visit) or 0: set it and start again."


@pytest.mark.parametrize("value", ["0", "-1", "1.5", "many", "9999999999"])
def test_a_limit_is_a_whole_number(told, value):
    told(SIAM_PUBLIC="1", SIAM_PUBLIC_PHOTOS=value)
    said = problem()
    assert said == f"SIAM_PUBLIC_PHOTOS is {value!r}, expected a whole number above 0: set it and start again."


def test_limits_that_are_told_replace_the_others(told):
    told(SIAM_PUBLIC="1", SIAM_PUBLIC_MEGABYTES="7")
    assert (limits().photos, limits().megabytes, limits().all_megabytes) == (200, 7, 2000)


# What is offered and told


def test_no_folder_of_the_machine_is_offered(told, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    pair = tmp_path / "runs" / "own"
    pair.mkdir(parents=True)
    (pair / "card.json").write_text('{"name": "own"}', encoding="utf-8")
    told()
    assert "runs/own" in chosen.pairs()
    told(SIAM_PUBLIC="1")
    assert set(chosen.pairs()) == {"Photos", "Rendered"}
    assert not uploads.on_this_machine()


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("/home/somebody/photos/lake.jpg cannot be read", "lake.jpg cannot be read"),
        ("(/var/lib/x.json): '/etc/passwd'", "(x.json): 'passwd'"),
        (f"{ASSETS}/gallery/rendered/gallery.parquet is missing", "gallery.parquet is missing"),
        (f"{user_cache()}/pictures/ab.jpg: No space left", "ab.jpg: No space left"),
        (f"{Path.cwd()}/with space/card.json", "with space/card.json"),
        ("runs/mine/card.json is missing", "card.json is missing"),
        (r"C:\\Users\\me\\lake.jpg is damaged", "lake.jpg is damaged"),
        ("~/photos/lake.jpg", "lake.jpg"),
        ("https://example.org/a/b.jpg is not there", "https://example.org/a/b.jpg is not there"),
        ("no and/or yes, 1/2, owner/name", "no and/or yes, 1/2, owner/name"),
    ],
)
def test_messages_hold_no_path(told, text, left):
    told(SIAM_PUBLIC="1")
    assert private(text) == left
    told()
    assert private(text) == text


def test_a_message_is_markdown_without_marks(told):
    told(SIAM_PUBLIC="1")
    assert message(ValueError("/a/b/*c*.jpg is damaged")) == r"\*c\*.jpg is damaged"


# What is counted


def put(manager, session, name, size, type="image/jpeg"):
    """Upload a file; return the sentence that refuses it, if one does."""
    manager.add_file(session, UploadedFileRec(name, name, type, b"x" * size))
    found = manager.get_files(session, [name])
    return quota.problem(UploadedFile(of, None) for of in found)


@pytest.fixture
def manager(monkeypatch):
    monkeypatch.setattr(quota, "_BATCHES", WeakKeyDictionary())  # without those that other tests still hold
    return MemoryUploadedFileManager("/upload")


def test_a_visitor_has_so_many_files(told, manager):
    told(SIAM_PUBLIC="1", SIAM_PUBLIC_PHOTOS="2")
    assert put(manager, "me", "a", 10) is put(manager, "me", "b", 10) is None
    assert "at most 2 files and 400 MB of one visitor, and 2,000 MB of all together" in put(manager, "me", "c", 10)
    assert manager.get_files("me", ["c"])[0].data == b""
    assert put(manager, "you", "a", 10) is None
    manager.remove_file("me", "a")
    assert put(manager, "me", "d", 10) is None


def test_a_visitor_and_all_together_have_so_many_bytes(told, manager):
    told(SIAM_PUBLIC="1", SIAM_PUBLIC_MEGABYTES="2", SIAM_PUBLIC_ALL_MEGABYTES="3")
    assert put(manager, "me", "a", 2 * MEGABYTE) is None
    assert put(manager, "me", "b", 1)
    assert put(manager, "me", "a", MEGABYTE) is None  # replaces the one before
    assert put(manager, "you", "a", 2 * MEGABYTE) is None
    assert put(manager, "they", "a", 1)
    manager.remove_session_files("you")  # leaves
    assert put(manager, "they", "b", 2 * MEGABYTE) is None


def test_refused_files_do_not_pile_up(told, manager):
    told(SIAM_PUBLIC="1", SIAM_PUBLIC_PHOTOS="3")
    for number in range(50):
        manager.add_file("me", UploadedFileRec(str(number), "a", "", b"x"))
    assert len(manager.file_storage["me"]) <= 6


def test_nothing_is_refused_elsewhere(told, manager):
    told(SIAM_PUBLIC_PHOTOS="1")
    assert put(manager, "me", "a", 10) is put(manager, "me", "b", 10) is None


# What is written


def test_a_cache_loses_what_was_used_longest_ago(tmp_path):
    for number, name in enumerate(("new", "old", "older")):
        path = tmp_path / "pictures" / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"x" * 100)
        os.utime(path, (1000 - number, 1000 - number))
    (tmp_path / "link").symlink_to(__file__)
    keep_below(tmp_path, 300)
    assert len(list((tmp_path / "pictures").iterdir())) == 3
    keep_below(tmp_path, 150)
    assert [path.name for path in (tmp_path / "pictures").iterdir()] == ["new"]
    keep_below(tmp_path, 0)
    assert not list((tmp_path / "pictures").iterdir()) and Path(__file__).exists()
    keep_below(tmp_path / "missing", 0)
