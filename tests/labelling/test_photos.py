"""Photos have the names under which attributes.csv finds them."""

from contextlib import nullcontext

import pytest

from siam.datasets import vocabulary
from siam.errors import DatasetError
from siam.gallery.folder import Source, build
from siam.gallery.store import read
from siam.labelling import photos, table
from siam.labelling.answers import Answer, Answers
from siam.runtime.paths import ASSETS
from tests.archive.made import stored_pair, write_photos


def test_photos_of_a_folder_are_those_that_its_reader_finds(tmp_path):
    names = write_photos(tmp_path, 3)
    (tmp_path / "labels.jsonl").write_text("")
    found = photos.in_folder(tmp_path)
    assert sorted(found) == sorted(names)
    table.write(Answers(tuple(Answer("present", "hedge", name) for name in found)), tmp_path)
    assert sorted(vocabulary.read(tmp_path).files) == sorted(found.values())
    assert photos.in_folder(tmp_path) == found


def test_no_folder_an_empty_one_and_a_large_one_are_refused(tmp_path, monkeypatch):
    for root, message in (
        (tmp_path / "none", "is not a folder"),
        (tmp_path, "holds no photos: expected"),
    ):
        with pytest.raises(DatasetError, match=message):
            photos.in_folder(root)
    write_photos(tmp_path, 3)
    monkeypatch.setattr("siam.datasets.folder.MOST", 2)
    with pytest.raises(DatasetError, match="more than 2 photos"):
        photos.in_folder(tmp_path)


def test_photos_of_galleries_are_named_as_in_the_folder_they_came_from(tmp_path):
    found = photos.of_gallery(read(ASSETS / "gallery" / "open-photos"))
    assert found["boardwalk.jpg"] == ASSETS / "gallery" / "open-photos" / "images" / "boardwalk.jpg"
    assert len(found) == 132 and all(path.is_file() for path in found.values())
    names = write_photos(tmp_path / "photos" / "walk", 3)
    pair = stored_pair(tmp_path / "pair")
    build(pair, nullcontext(), Source("folder", tmp_path / "photos", "tiny"), tmp_path / "gallery")
    assert sorted(photos.of_gallery(read(tmp_path / "gallery"))) == sorted(f"walk/{name}" for name in names)


def test_pictures_that_are_not_here_are_left_out(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert photos.of_gallery(read(ASSETS / "gallery" / "oasis")) == {}
