"""What can be scored: folders, tables and Parquet files, here and behind fsspec; and what is refused."""

import io
import unicodedata

import fsspec
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from siam.archive import sources
from siam.archive.reading import Reader
from siam.archive.sources import source_of
from siam.errors import DatasetError
from tests.archive.made import photo, write_photos


def listed(source):
    table = pa.concat_tables(source.listed())
    return table.append_column("row", pa.array(range(len(table)), pa.int64()))


def read(rows, image):
    with Reader() as reader:
        return list(reader(rows, image))


def contents(source):
    """Return the content or the error of each photo, by its name."""
    return {got["identifier"]: got.get("content", got.get("error")) for got in read(listed(source), source.image)}


@pytest.fixture
def bucket():
    """Yield the address of a folder that is not on the disk."""
    yield "memory://bucket"
    system = fsspec.filesystem("memory")
    if system.exists("/bucket"):
        system.rm("/bucket", recursive=True)


def test_a_folder_of_any_depth_without_what_is_hidden(tmp_path):
    names = write_photos(tmp_path, 12)
    deep = tmp_path / "z" / "y" / "x" / "w" / "UPPER.JPG"
    deep.parent.mkdir(parents=True)
    deep.write_bytes(photo(99))
    for name in ("z/._0001.jpg", "z/@eaDir/0001.jpg", ".thumbnails/1.jpg", "z/notes.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    found = contents(source_of(str(tmp_path)))
    assert list(found) == [*names, "z/y/x/w/UPPER.JPG"]
    assert found["part-0/0003.jpg"] == (tmp_path / "part-0" / "0003.jpg").read_bytes()


def test_more_photos_than_are_listed_at_a_time(tmp_path, monkeypatch):
    monkeypatch.setattr(sources, "_MANY", 5)
    names = write_photos(tmp_path, 23)
    assert listed(source_of(str(tmp_path)))["identifier"].to_pylist() == names


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_a_table_of_paths_and_addresses(tmp_path, separator):
    write_photos(tmp_path / "photos", 2)
    (tmp_path / "photos" / unicodedata.normalize("NFD", "Höhe, Süd.jpg")).write_bytes(photo(7))
    absolute = (tmp_path / "photos" / "part-0" / "0001.jpg").as_posix()
    rows = [
        ("a", "photos/part-0/0000.jpg", "47,5", "8.5", "=1"),
        ("b", unicodedata.normalize("NFC", '"photos/Höhe, Süd.jpg"'), "91", "8", "007"),
        ("c", absolute, "", "", ""),
        ("d", "", "-33.9", "-151.2", "x"),
        ("e", "gone.jpg", "south", "151", "y"),
    ]
    rows = [
        tuple(f'"{cell}"' if separator in cell.strip('"') and '"' not in cell else cell for cell in row) for row in rows
    ]
    text = "\n".join(separator.join(row) for row in [("name", "file", "lat", "Longitude", "note"), *rows])
    (tmp_path / "table.csv").write_text(text, encoding="utf-8")
    source = source_of(str(tmp_path / "table.csv"), identifier="name", keep=["note"])
    table = listed(source)
    assert table["identifier"].to_pylist() == ["a", "b", "c", "d", "e"]
    assert table["note"].to_pylist() == ["=1", "007", "", "x", "y"]  # as written
    if separator != ",":
        assert table["latitude"].to_pylist() == [47.5, None, None, -33.9, None]
        assert table["longitude"].to_pylist() == [8.5, None, None, -151.2, None]  # both or neither
    found = contents(source)
    assert found["a"] == photo(0) and found["b"] == photo(7) and found["c"] == photo(1, (70, 90))
    assert "no path or address" in found["d"] and "gone.jpg does not exist" in found["e"]


def test_a_parquet_table_keeps_its_types(tmp_path):
    names = write_photos(tmp_path, 3)
    frame = pd.DataFrame({"url": names, "lat": [1.0, np.nan, 2.0], "lon": [3.0, 4.0, 5.0], "year": [2001, 2002, 2003]})
    frame.to_parquet(tmp_path / "table.parquet")
    table = listed(source_of(str(tmp_path / "table.parquet"), keep=["year"]))
    assert table["year"].to_pylist() == [2001, 2002, 2003] and table["latitude"].to_pylist() == [1.0, None, 2.0]
    assert contents(source_of(str(tmp_path / "table.parquet")))[names[2]] == (tmp_path / names[2]).read_bytes()


def write_shard(path, seeds, group=4, kind="struct"):
    cells = [photo(seed) for seed in seeds]
    if kind == "struct":
        inner = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
        values = [{"bytes": cell, "path": f"{seed}.jpg"} for seed, cell in zip(seeds, cells, strict=True)]
        column = pa.array(values, inner)
    else:
        column = pa.array(cells, pa.binary())
    stored = io.BytesIO()
    pq.write_table(pa.table({"image": column, "votes": list(seeds)}), stored, row_group_size=group)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(stored.getvalue())


@pytest.mark.parametrize("kind", ["struct", "binary"])
def test_parquet_files_that_hold_the_pictures(tmp_path, kind):
    write_shard(tmp_path / "data" / "train-0.parquet", range(10), kind=kind)
    write_shard(tmp_path / "data" / "train-1.parquet", range(10, 13), kind=kind)
    source = source_of(str(tmp_path), keep=["votes"])
    table = listed(source)
    assert table["votes"].to_pylist() == list(range(13))
    names = [f"{n}.jpg" for n in range(13)] if kind == "struct" else [f"train-0.parquet#{n}" for n in range(10)]
    assert table["identifier"].to_pylist()[: len(names)] == names
    for group in range(3):
        rows = table.filter(pa.compute.equal(table["group"], group)).slice(0, 4)
        assert [got["content"] for got in read(rows, source.image)] == [
            photo(seed) for seed in rows["votes"].to_pylist()
        ]


def test_only_the_photos_of_a_row_group_that_are_wanted(tmp_path):
    write_shard(tmp_path / "a.parquet", range(100), group=100)
    source = source_of(str(tmp_path / "a.parquet"))
    rows = listed(source).take([3, 40, 99])
    assert [got["content"] for got in read(rows, source.image)] == [photo(3), photo(40), photo(99)]


def test_a_parquet_file_that_vanished_is_an_error_of_its_photos(tmp_path):
    write_shard(tmp_path / "a.parquet", range(3))
    source = source_of(str(tmp_path / "a.parquet"))
    rows = listed(source)
    (tmp_path / "a.parquet").unlink()
    got = read(rows, source.image)
    assert len(got) == 3 and all("a.parquet cannot be read" in one["error"] for one in got)


def test_behind_fsspec_all_is_the_same(bucket, tmp_path):
    system = fsspec.filesystem("memory")
    system.pipe({"/bucket/a/1.jpg": photo(1), "/bucket/b/2.png": photo(2, kind="PNG"), "/bucket/b/._3.jpg": b"x"})
    found = contents(source_of(bucket))
    assert found == {"a/1.jpg": photo(1), "b/2.png": photo(2, kind="PNG")}
    system.pipe("/bucket/t.csv", b"file,note\na/1.jpg,x\nb/gone.jpg,y\n")
    found = contents(source_of(f"{bucket}/t.csv", keep=["note"]))
    assert found["a/1.jpg"] == photo(1) and "b/gone.jpg cannot be read" in found["b/gone.jpg"]
    write_shard(tmp_path / "s.parquet", range(5), group=8)
    system.pipe("/bucket/c/s.parquet", (tmp_path / "s.parquet").read_bytes())
    assert contents(source_of(f"{bucket}/c"))["4.jpg"] == photo(4)
    assert contents(source_of(f"{bucket}/c/s.parquet"))["0.jpg"] == photo(0)


def test_whatever_is_wrong_with_an_address_is_a_row_of_its_own(tmp_path, monkeypatch):
    def refuse(_path):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("siam.archive.reading.read_file", refuse)  # who runs tests may enter every folder
    places = ["http://[bad/1.jpg", "none://bucket/1.jpg", "closed/1.jpg"]
    (tmp_path / "t.csv").write_text("\n".join(["file", *places]))
    got = contents(source_of(str(tmp_path / "t.csv")))
    assert list(got) == places and all(isinstance(one, str) and place in one for place, one in got.items())


def written(tmp_path, text, name="t.csv"):
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return str(path)


@pytest.mark.parametrize(
    ("make", "columns", "words"),
    [
        (lambda at: str(at / "gone"), {}, "gone does not exist: check the path"),
        (lambda at: written(at, "x", "notes.md"), {}, "not a source of photos: expected a folder, a table"),
        (lambda at: str(at), {}, "holds no photos"),
        (lambda at: str(at), {"keep": ["x"]}, "folder of photos, which has no columns"),
        (lambda at: written(at, "a,b\n1,2\n"), {}, r"name one of its columns with --image \(a, b\)"),
        (lambda at: written(at, "file,b\n1,2\n"), {"keep": ["c"]}, "has no column 'c': it has file, b"),
        (lambda at: written(at, "file,b\n1,2\n"), {"image": "c"}, "has no column 'c'"),
        (lambda at: written(at, b"PAR1 and no more", "t.parquet"), {}, "not readable as Parquet"),
        (lambda _at: "nothing://bucket/x", {}, "cannot be opened"),
    ],
)
def test_what_cannot_be_listed_is_refused_in_a_line(tmp_path, make, columns, words):
    with pytest.raises(DatasetError, match=words):
        listed(source_of(make(tmp_path), **columns))


def test_what_a_file_system_raises_is_told_in_a_line(bucket, monkeypatch):
    """s3fs lets botocore's errors through if there are no credentials or no connection, hf:// those of httpx."""

    def refused(*_path, **_settings):
        raise RuntimeError("Unable to locate credentials")

    system, file = fsspec.filesystem("memory"), io.BytesIO()
    pq.write_table(pa.table({"image": [photo(0)]}), file)
    system.pipe("/bucket/a.parquet", file.getvalue())
    rows = listed(source_of(f"{bucket}/a.parquet"))
    for name in ("isdir", "_open", "walk"):
        monkeypatch.setattr(type(system), name, refused)
    with pytest.raises(DatasetError, match=r"cannot be read \(Unable to locate credentials\): .*your credentials"):
        source_of(bucket)
    (got,) = read(rows, "image")
    assert "Unable to locate credentials" in got["error"] and "content" not in got
