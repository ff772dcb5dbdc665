"""Photos have the names under which attributes.csv finds them."""

import shutil
from contextlib import nullcontext

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from siam.archive import Settings, score_into, source_of
from siam.datasets import vocabulary
from siam.errors import DatasetError, ImageError
from siam.gallery.folder import Source, build
from siam.gallery.store import read
from siam.images.reading import read_image
from siam.labelling import features, photos, table
from siam.labelling.answers import Answer, Answers
from siam.runtime.paths import ASSETS
from tests.archive.made import photo, stored_pair, write_photos


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


def test_pictures_in_parquet_files_are_taken_out_as_they_are_asked_for(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    contents = [photo(number) for number in range(7)]
    cells = [{"bytes": content, "path": f"{number}.jpeg"} for number, content in enumerate(contents)]
    pq.write_table(pa.table({"photo": cells}), tmp_path / "a.parquet", row_group_size=3)
    pair = stored_pair(tmp_path / "pair")
    source = source_of(str(tmp_path / "a.parquet"), image="photo")
    score_into(pair, source, tmp_path / "out", Settings(engine="local", shard=4))
    found = photos.of_gallery(read(tmp_path / "out"))
    assert list(found) == [f"{number}.jpeg" for number in range(7)] and "5.jpeg" in found and "7.jpeg" not in found
    assert not (tmp_path / "cache" / "siam-explorer" / "pictures").exists()
    assert found["5.jpeg"].read_bytes() == contents[5]
    assert len(list((tmp_path / "cache").rglob("*.jpeg"))) == 1
    some = photos.drawn(found, 3)
    assert len(some) == 3 and photos.drawn(found, 7) is found and list(photos.drawn(found, 3)) == list(some)
    assert all(some[name].read_bytes() == contents[int(name[0])] for name in some)
    seen = features.of_photos(pair, found, nullcontext())
    alike = features.of_photos(pair, dict(zip(found, contents, strict=True)), nullcontext())
    assert seen.photos == tuple(found) and np.allclose(seen.values, alike.values, atol=1e-5)
    pq.write_table(pa.table({"photo": cells[:2]}), tmp_path / "a.parquet")  # the others are gone
    shutil.rmtree(tmp_path / "cache")
    assert found["1.jpeg"].read_bytes() == contents[1]
    with pytest.raises(ImageError, match=r"a\.parquet"):
        read_image(found["6.jpeg"])


def test_many_photos_are_drawn_from_at_random_but_always_the_same(tmp_path):
    every = {f"{number}.jpg": tmp_path for number in range(50)}
    some = photos.drawn(every, 20)
    assert len(some) == 20 and list(photos.drawn(dict(reversed(every.items())), 20)) == list(some)
    assert max(int(name[:-4]) for name in some) > 20
