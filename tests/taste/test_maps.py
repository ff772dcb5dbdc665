"""Pooled maps give a gallery's own numbers, are computed once, and know which photo is which."""

from contextlib import nullcontext

import numpy as np
import pytest

from siam.errors import DatasetError, ImageError
from siam.explanation.batch import predict
from siam.gallery.folder import Source, build
from siam.gallery.store import read
from siam.models.checkpoint import Pair
from siam.runtime.digests import digest
from siam.taste import maps, personal
from tests.archive.made import photo, stored_pair, write_photos
from tests.support.networks import siam_network


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    return stored_pair(tmp_path_factory.mktemp("pair"))


@pytest.fixture
def photos(tmp_path):
    names = write_photos(tmp_path / "photos", 4)
    paths = {name: tmp_path / "photos" / name for name in names}
    return {name: (path, digest(path)) for name, path in paths.items()}


def test_they_give_the_galleries_own_contributions(pair, photos, tmp_path):
    build(pair, nullcontext(), Source("folder", tmp_path / "photos", "tiny"), tmp_path / "gallery")
    gallery = read(tmp_path / "gallery")
    found = maps.of_gallery(pair, gallery)
    of_crowd = personal.crowd(pair)
    assert found.identifiers == tuple(gallery.photos["identifier"])
    assert of_crowd.contributions(found) == pytest.approx(gallery.contributions, abs=0.01)
    assert of_crowd.scores(found) == pytest.approx(gallery.photos["siam"].to_numpy(), abs=0.02)
    assert found.known.all() and found.means == pytest.approx(found.pooled.astype(float).mean(axis=(2, 3)))


def test_they_are_computed_once(pair, photos, monkeypatch):
    first = maps.of_photos(pair, photos)
    calls = []
    monkeypatch.setattr(maps, "predict", lambda *args, **settings: calls.append(1) or predict(*args, **settings))
    assert np.array_equal(maps.of_photos(pair, photos).pooled, first.pooled) and not calls
    maps.of_photos(pair, dict(list(photos.items())[1:]))
    assert len(calls) == 1
    other = Pair("other", siam_network(seed=7, attribute_link="sigmoid"), None, {})
    assert not np.array_equal(maps.of_photos(other, photos).pooled, first.pooled) and len(calls) == 2


def test_a_cache_that_cannot_be_written_costs_only_time(pair, photos, tmp_path):
    (tmp_path / "cache").write_text("a file where the folder should be")
    found = maps.of_photos(pair, photos)
    assert np.array_equal(maps.of_photos(pair, photos).pooled, found.pooled) and found.known.all()


def test_a_damaged_cache_is_made_again(pair, photos, tmp_path):
    first = maps.of_photos(pair, photos)
    (stored,) = (path for path in (tmp_path / "cache").rglob("*") if path.suffix == ".safetensors")
    stored.write_bytes(stored.read_bytes()[:-9])
    assert np.array_equal(maps.of_photos(pair, photos).pooled, first.pooled)


def test_a_photo_that_cannot_be_read_or_is_elsewhere_has_no_maps(pair, photos):
    names, told = list(photos), []
    some = {**photos, "broken": (b"no picture", ""), "elsewhere": (None, "f" * 64)}
    found = maps.of_photos(pair, some, lambda name, error: told.append((name, type(error))))
    assert told == [("broken", ImageError)]
    assert found.known.tolist() == [True] * 4 + [False] * 2
    assert np.isnan(personal.crowd(pair).scores(found)).tolist() == [False] * 4 + [True] * 2
    assert found.rows({"broken": "", names[1]: ""}) == {names[1]: 1}
    with pytest.raises(ImageError):
        maps.of_photos(pair, some)


def test_rated_photos_are_found_by_content_first(pair, photos):
    found = maps.of_photos(pair, photos)
    names = list(photos)
    hashes = [sha256 for _path, sha256 in photos.values()]
    assert found.rows({names[0]: hashes[0], "renamed.jpg": hashes[2], names[3]: ""}) == {
        names[0]: 0, "renamed.jpg": 2, names[3]: 3,
    }  # fmt: skip
    assert found.rows({names[0]: "f" * 64, "unknown": "", "x": "e" * 64}) == {}  # another photo of the same name


def test_photos_in_memory(pair):
    content = {name: (photo(number), "") for number, name in enumerate("ab")}
    assert maps.of_photos(pair, content).known.all()


def test_what_cannot_be_learned_from_is_refused(photos):
    blocked = Pair("imported", siam_network(template_relu=True), None, {})
    with pytest.raises(DatasetError, match="'imported' blocks negative template responses"):
        maps.of_photos(blocked, photos)
    with pytest.raises(DatasetError, match="none of the photos is on this machine"):
        maps.of_photos(Pair("tiny", siam_network(), None, {}), {"a": (None, "")})
