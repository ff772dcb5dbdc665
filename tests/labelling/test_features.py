"""Features are computed once, photo by photo, and what cannot be read stands in nobody's way."""

from contextlib import nullcontext
from threading import Thread

import numpy as np
import pytest
import torch

from siam.errors import ImageError
from siam.gallery.scoring import take_half_of_the_cores
from siam.labelling import features
from siam.runtime.jobs import CancelledError
from tests.archive.made import photo, stored_pair, write_photos


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    return stored_pair(tmp_path_factory.mktemp("pair"))


@pytest.fixture
def photos(tmp_path):
    return {name: tmp_path / "photos" / name for name in write_photos(tmp_path / "photos", 5)}


def made(tmp_path):
    return [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]


def same(found, other):
    return np.allclose(found.values, other.values, equal_nan=True) and np.allclose(
        found.presence, other.presence, equal_nan=True
    )


def test_they_are_computed_once_and_go_on_after_a_stop(pair, photos, tmp_path, monkeypatch):
    whole = features.of_photos(pair, photos, nullcontext())
    assert whole.photos == tuple(photos) and whole.attributes == pair.config.attributes
    assert whole.presence.shape == (5, len(whole.attributes)) and np.isfinite(whole.values).all()
    assert np.square(whole.values).sum(axis=1).mean() == pytest.approx(1)
    monkeypatch.setattr(features, "_AT_ONCE", 2)
    calls = []
    monkeypatch.setattr(features, "predict", _counted(features.predict, calls))

    def stop(done, _all):
        if done >= 2:
            raise CancelledError

    with pytest.raises(CancelledError):
        features.of_photos(pair, photos, nullcontext(), stop)
    told = []
    found = features.of_photos(pair, photos, nullcontext(), lambda done, of: told.append((done, of)))
    assert told == [(0, 5), (2, 5), (4, 5), (5, 5)] and calls == [2, 2, 1]
    assert same(features.of_photos(pair, photos, nullcontext()), found) and calls == [2, 2, 1]
    assert np.allclose(found.presence, whole.presence, atol=1e-4)


def _counted(predict, calls):
    def counted(network, files, *args, **settings):
        calls.append(len(files))
        return predict(network, files, *args, **settings)

    return counted


def test_photos_in_memory_leave_no_trace(pair, tmp_path):
    found = features.of_photos(pair, {name: photo(number) for number, name in enumerate("abc")}, nullcontext())
    assert np.isfinite(found.values).all() and not made(tmp_path)


def test_a_photo_that_cannot_be_read_or_is_gone_has_none(pair, photos, tmp_path):
    broken = tmp_path / "broken.jpg"
    broken.write_bytes(b"no picture")
    found = features.of_photos(pair, {**photos, "broken": broken, "gone": tmp_path / "gone.jpg"}, nullcontext())
    assert np.isnan(found.values).all(axis=1).tolist() == [False] * 5 + [True] * 2
    with pytest.raises(ImageError, match="none of the 2 photos can be read"):
        features.of_photos(pair, {"broken": broken, "gone": tmp_path / "gone.jpg"}, nullcontext())


def test_one_photo_and_photos_that_are_all_the_same(pair):
    for count in (1, 3):
        found = features.of_photos(pair, {str(number): photo(1) for number in range(count)}, nullcontext())
        assert np.isfinite(found.values).all() and len(found.values) == count


def test_a_job_on_half_of_the_cores_leaves_the_others_theirs(pair, photos):
    before = torch.get_num_threads()
    torch.set_num_threads(4)
    seen = []

    def work():
        take_half_of_the_cores()
        features.of_photos(pair, photos, nullcontext())

    try:
        for task in (lambda: seen.append(torch.get_num_threads()), work, lambda: seen.append(torch.get_num_threads())):
            thread = Thread(target=task)
            thread.start()
            thread.join()
    finally:
        torch.set_num_threads(before)
    assert seen == [4, 4]
