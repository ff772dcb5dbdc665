"""The photos of a study are those that are here, each with its own content and checksum."""

from contextlib import nullcontext

import pytest

from siam.errors import DatasetError
from siam.gallery.folder import Source, build
from siam.gallery.store import read
from siam.runtime.digests import digest
from siam.taste import maps, photos
from siam.taste.study import Study
from tests.archive.made import stored_pair, write_photos


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    """A folder of photos, and a gallery of them."""
    base = tmp_path_factory.mktemp("base")
    write_photos(base / "photos", 5)
    (base / "photos" / "notes.txt").write_text("no photo")
    build(stored_pair(base / "pair"), nullcontext(), Source("folder", base / "photos", "tiny"), base / "gallery")
    return base


def test_those_in_a_folder(base):
    found = photos.of_study(Study("mine", photos=base / "photos"))
    names = sorted(path.relative_to(base / "photos").as_posix() for path in (base / "photos").rglob("*.jpg"))
    assert list(found.names) == names and found.count == len(found) == 5
    for name in names:
        content = (base / "photos" / name).read_bytes()
        assert found.content(name) == content and found.sha256(name) == digest(content)
    assert {name: sha for name, (_photo, sha) in found.inputs().items()} == {name: found.sha256(name) for name in names}


def test_those_of_a_gallery_that_are_here(base, tmp_path):
    gallery = read(base / "gallery")
    found = photos.of_study(Study("theirs", gallery=base / "gallery"))
    assert found.names == tuple(gallery.photos["identifier"])
    for row, name in enumerate(found.names):
        content = found.content(name)
        assert content is not None and digest(content) == found.sha256(name) == gallery.photos["sha256"][row]
    absent = found.names[1]
    path = gallery.picture(found.row(absent))
    assert path is not None
    kept = path.read_bytes()
    try:
        path.unlink()
        assert found.content(absent) is None
        fewer = photos.of_gallery(gallery)
        assert fewer.names == tuple(name for name in found.names if name != absent)
        assert all(fewer.content(name) == found.content(name) for name in fewer.names)
    finally:
        path.write_bytes(kept)


def test_of_many_some_are_drawn_by_the_seed(base, monkeypatch):
    monkeypatch.setattr(photos, "MOST", 3)
    drawn = [photos.of_folder(base / "photos", seed).names for seed in range(20)]
    assert all(len(names) == 3 and list(names) == sorted(names) for names in drawn)
    assert drawn[0] == photos.of_folder(base / "photos", 0).names and len(set(drawn)) > 1
    assert photos.of_folder(base / "photos").count == 5


def test_none_is_an_error_that_says_what_to_do(tmp_path):
    with pytest.raises(DatasetError, match="is not a folder"):
        photos.of_folder(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DatasetError, match="holds no photos"):
        photos.of_folder(tmp_path / "empty")


def test_progress_is_told_and_can_end_the_work(base):
    pair, found = stored_pair(base / "again"), photos.of_folder(base / "photos")
    inputs = {name: (photo, "") for name, (photo, _sha) in found.inputs().items()}
    told = []
    maps.of_photos(pair, inputs, progress=lambda done, of: told.append((done, of)), batch_size=1)
    assert told == [(done, 5) for done in range(1, 6)]

    def stop(done, _of):
        if done == 2:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        maps.of_photos(pair, inputs, progress=stop, batch_size=1)
