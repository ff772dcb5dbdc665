"""The scores of an archive, opened as a gallery."""

import os
import time
from contextlib import nullcontext

import fsspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import siam
from siam.archive import Settings, score_into, source_of
from siam.datasets.downloads.web import DownloadError, Web
from siam.errors import DatasetError
from siam.gallery import store
from siam.gallery.cases import Filters, read_cases
from siam.gallery.pictures import fetch, here, path_here, reachable
from siam.gallery.rescoring import rescore
from siam.gallery.table import csv_text
from siam.gallery.upkeep import networks_in, state
from tests.archive.made import photo, stored_pair, write_photos

HERE = Settings(engine="local", shard=4)


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    return stored_pair(tmp_path_factory.mktemp("networks"))


@pytest.fixture(scope="module")
def made(pair, tmp_path_factory):
    """Score eleven photos of which one is damaged; return their folder, and that of the scores."""
    photos, out = tmp_path_factory.mktemp("photos"), tmp_path_factory.mktemp("galleries") / "mine"
    write_photos(photos, 11)
    (photos / "part-0" / "0004.jpg").write_bytes(b"no picture")
    score_into(pair, source_of(str(photos)), out, HERE)
    return photos, out


def test_an_archive_opens_as_a_gallery(pair, made):
    photos, out = made
    gallery = store.read(out)
    about, count = store.peek(out)
    assert gallery.about == about and count == 11 and len(gallery) == 10  # one could not be scored
    assert (about.model, about.scale, about.attributes) == ("tiny", pair.config.scale, pair.config.attributes)
    assert about.data == photos.name and about.rated_on == about.scale
    assert state(about, networks_in(pair.files.folder)) == "current"
    for row in range(len(gallery)):
        path = path_here(gallery, row)
        assert path is not None and path.is_relative_to(photos)
        explained = siam.explain(pair, path)
        assert gallery.photos["siam"][row] == pytest.approx(explained.scenicness, abs=1e-4)
        np.testing.assert_allclose(gallery.contributions[row], explained.contributions, atol=1e-4)
        assert gallery.photos["biggest_cause"][row] == explained.ranking(count=1)[0].attribute


def test_its_photos_are_cases_like_others(made):
    cases = read_cases(store.read(made[1]))
    rows = cases.select(Filters(text="0007"))
    assert [cases.table["identifier"][row] for row in rows] == ["part-0/0007.jpg"]
    assert not cases.rated and not cases.in_ranks and len(csv_text(cases, rows).splitlines()) == 2


def test_it_is_scored_again_by_score(pair, made):
    with pytest.raises(DatasetError, match="score it again with siam score --out, elsewhere"):
        rescore(pair, nullcontext(), made[1])


def test_galleries_and_archives_stand_beside_each_other(made, tmp_path):
    place = made[1].parent
    (place / "other").mkdir(exist_ok=True)
    assert store.galleries_in(place) == [made[1]] and store.galleries_in(tmp_path / "none") == []
    before = store.changed(made[1])
    os.utime(made[1], ns=(time.time_ns(), time.time_ns()))
    assert before and store.changed(made[1]) != before and store.changed(place / "other") == 0


def test_photos_of_one_name_are_told_apart(pair, tmp_path):
    (tmp_path / "a.jpg").write_bytes(photo())
    (tmp_path / "t.csv").write_text("file,lat,lon\na.jpg,1,2\na.jpg,,\n")
    score_into(pair, source_of(str(tmp_path / "t.csv")), tmp_path / "out", HERE)
    gallery = store.read(tmp_path / "out")
    assert gallery.photos["identifier"].tolist() == ["a.jpg#0", "a.jpg#1"]
    assert gallery.photos["file"].tolist() == ["a.jpg", "a.jpg"]
    np.testing.assert_equal(gallery.photos["latitude"].to_numpy(), [1.0, np.nan])


def test_pictures_in_parquet_files_are_shown_as_they_were_scored(pair, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    contents = [photo(number) for number in range(7)]
    cells = [{"bytes": content, "path": f"{number}.jpeg"} for number, content in enumerate(contents)]
    pq.write_table(pa.table({"photo": cells}), tmp_path / "a.parquet", row_group_size=3)
    score_into(pair, source_of(str(tmp_path / "a.parquet"), image="photo"), tmp_path / "out", HERE)
    gallery = store.read(tmp_path / "out")
    assert here(gallery) == (tmp_path / "a.parquet",) * 7 and not (tmp_path / "cache").exists()
    for row in (0, 5, 6, 5):
        path = path_here(gallery, row)
        assert path is not None and path.read_bytes() == contents[row] and path.suffix == ".jpeg"
        assert gallery.photos["siam"][row] == pytest.approx(siam.explain(pair, path).scenicness, abs=1e-4)
    assert len(list((tmp_path / "cache").rglob("*.jpeg"))) == 3
    pq.write_table(pa.table({"photo": cells[::-1]}), tmp_path / "a.parquet")  # other pictures than were scored
    assert path_here(gallery, 1) is None and path_here(gallery, 0) is not None
    (tmp_path / "a.parquet").unlink()
    assert path_here(gallery, 2) is None and here(gallery) == (None,) * 7


def test_a_few_pictures_with_addresses_can_be_downloaded_alone(pair, tmp_path, monkeypatch):
    contents = [photo(number) for number in range(5)]
    addresses = {f"http://photos.test/{number}.jpeg": content for number, content in enumerate(contents)}
    monkeypatch.setattr(Web, "get", lambda _web, address, _most: addresses[address])
    (tmp_path / "t.csv").write_text("\n".join(["url", *addresses]))
    score_into(pair, source_of(str(tmp_path / "t.csv")), tmp_path / "out", HERE)
    gallery, steps = store.read(tmp_path / "out"), []
    found = fetch(gallery, tmp_path / "pictures", lambda *step: steps.append(step), rows=[3, 1])
    assert [path.read_bytes() for path in found] == [contents[3], contents[1]] and steps == [(1, 2), (2, 2)]
    assert [path is not None for path in here(gallery, tmp_path / "pictures")] == [False, True, False, True, False]


def test_pictures_behind_any_address_can_be_downloaded(pair, tmp_path, monkeypatch):
    system = fsspec.filesystem("memory")  # of fsspec, as s3:// is
    monkeypatch.setattr(type(system), "store", {})  # which all tests share
    monkeypatch.setattr(type(system), "pseudo_dirs", [""])
    contents = [photo(number) for number in range(2)]
    for number, content in enumerate(contents):
        system.pipe(f"/bucket/{number}.jpg", content)
    score_into(pair, source_of("memory://bucket"), tmp_path / "out", HERE)
    gallery = store.read(tmp_path / "out")
    assert here(gallery, tmp_path / "pictures") == (None, None) and path_here(gallery, 0, tmp_path / "pictures") is None
    addresses = gallery.photos["image"]
    assert reachable(addresses[1]) and not reachable("memory://bucket/2.jpg") and not reachable("none://bucket/2.jpg")
    assert [path.read_bytes() for path in fetch(gallery, tmp_path / "pictures")] == contents
    assert path_here(gallery, 1, tmp_path / "pictures").read_bytes() == contents[1]
    system.pipe("/bucket/0.jpg", photo(9))
    with pytest.raises(DownloadError, match=r"0\.jpg is not the picture that was scored .*: score .* again"):
        fetch(gallery, tmp_path / "others")
    system.rm("/bucket/0.jpg")
    with pytest.raises(DownloadError, match=r"0\.jpg cannot be read \(FileNotFoundError"):
        fetch(gallery, tmp_path / "others")


def test_one_without_a_scored_photo_is_told(pair, tmp_path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "a.jpg").write_bytes(b"no picture")
    score_into(pair, source_of(str(tmp_path / "photos")), tmp_path / "out", HERE)
    with pytest.raises(DatasetError, match="holds no scored photo yet"):
        store.read(tmp_path / "out")
    (tmp_path / "out" / "scores-00000.parquet").write_bytes(b"no file of scores")
    with pytest.raises(DatasetError, match="is damaged"):
        store.read(tmp_path / "out")
