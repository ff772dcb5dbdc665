"""Archives that are scored: the same numbers as for one photo, a row for every photo, and work that is interrupted."""

import csv
import hashlib
import json
import shlex
import shutil
from dataclasses import replace
from datetime import date, datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import shapely
from PIL import ExifTags, Image

import siam
from siam.archive import Settings, maps_of, score_into, source_of, store
from siam.archive.tables import write_fiftyone, write_geoparquet
from siam.cli.main import main
from siam.errors import DatasetError, EngineError
from siam.models.baseline import Baseline
from siam.models.checkpoint import Pair, load, save
from tests.archive.made import photo, stored_pair, write_photos
from tests.support.file_server import Fault, Stored, running_server
from tests.support.networks import baseline_network, siam_network

HERE = Settings(engine="local", shard=4)


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("photos")
    write_photos(folder, 11)
    return folder


def rows_of(folder: Path) -> pd.DataFrame:
    """Return all rows, as any program reads them."""
    return pd.read_parquet(folder)


def assert_explained(pair, row):
    """Compare a row with the explanation of the photo."""
    explained = siam.explain(pair, row["location"])
    assert row["siam"] == pytest.approx(explained.scenicness, abs=1e-4)
    assert row["baseline"] == pytest.approx(explained.baseline_scenicness, abs=1e-4)
    assert row["bias"] == pytest.approx(explained.bias, abs=1e-5)
    assert np.abs(explained.contributions).min() > 1e-4  # or any numbers would do
    np.testing.assert_allclose(row["contributions"], explained.contributions, atol=1e-5)
    np.testing.assert_allclose(row["presence"], explained.attribute_scores, atol=1e-4)
    assert list(row["causes"]) == [item.attribute for item in explained.ranking(count=3)]
    assert (row["width"], row["height"]) == explained.photo_size


def test_the_numbers_are_those_of_explain(pair, photos, tmp_path):
    done = score_into(pair, source_of(str(photos)), tmp_path / "out", HERE)
    table = rows_of(tmp_path / "out")
    assert (done.photos, done.failed) == (11, 0) and len(table) == 11
    assert list(table["row"]) == list(range(11)) and table["error"].isna().all()
    for row in table.to_dict("records"):
        assert_explained(pair, row)
        assert row["sha256"] == hashlib.sha256(Path(row["location"]).read_bytes()).hexdigest()
        assert row["bias"] + row["contributions"].sum() == pytest.approx(row["siam"], abs=1e-3)


def test_the_files_say_what_made_them(pair, photos, tmp_path):
    score_into(pair, source_of(str(photos)), tmp_path, HERE)
    told = json.loads(pq.read_schema(tmp_path / "scores-00000.parquet").metadata[b"siam_scores"])
    assert told["model"] == "tiny" and told["attributes"] == list(pair.config.attributes)
    assert told["scale"] == {"name": "test rating", "low": 1, "high": 10}
    assert len(list(tmp_path.glob("scores-*.parquet"))) == 3


def other_baseline():
    network = baseline_network()
    return Baseline(replace(network.config, image_size=64)).eval()


def test_a_pair_whose_networks_take_other_inputs(photos, tmp_path):
    save(Pair("two", siam_network(attribute_link="sigmoid"), other_baseline(), {}), tmp_path / "networks")
    pair = siam.load(tmp_path / "networks", "cpu")
    score_into(pair, source_of(str(photos)), tmp_path / "out", HERE)
    for row in rows_of(tmp_path / "out").head(3).to_dict("records"):
        assert_explained(pair, row)


def test_without_a_baseline(photos, tmp_path):
    save(Pair("one", siam_network(), None, {}), tmp_path / "networks")
    score_into(siam.load(tmp_path / "networks", "cpu"), source_of(str(photos)), tmp_path / "out", HERE)
    assert rows_of(tmp_path / "out")["baseline"].isna().all()


def test_maps_are_read_again(pair, photos, tmp_path):
    score_into(pair, source_of(str(photos)), tmp_path, Settings(maps=True, engine="local", shard=4))
    for row in rows_of(tmp_path).iloc[[0, 5, 10]].to_dict("records"):
        maps = siam.explain(pair, row["location"]).attribute_maps
        np.testing.assert_allclose(maps_of(tmp_path, row["row"]), maps, atol=2e-3 * np.abs(maps).max())
    with pytest.raises(DatasetError, match="no maps of row 11"):
        maps_of(tmp_path, 11)


def exif_of(time, place):
    exif = Image.Exif()
    exif[ExifTags.IFD.Exif] = {ExifTags.Base.DateTimeOriginal: time}
    north, east = place
    exif[ExifTags.IFD.GPSInfo] = {
        ExifTags.GPS.GPSLatitude: (north, 0.0, 0.0), ExifTags.GPS.GPSLatitudeRef: "S",
        ExifTags.GPS.GPSLongitude: (east, 0.0, 0.0), ExifTags.GPS.GPSLongitudeRef: "E",
        ExifTags.GPS.GPSImgDirection: 90.0,
    }  # fmt: skip
    exif[ExifTags.Base.Make] = "a camera"
    return exif


def test_time_and_place_come_from_the_table_or_else_the_photo(pair, tmp_path):
    for name in ("a.jpg", "b.jpg"):
        (tmp_path / name).write_bytes(photo(exif=exif_of("2020:05:06 07:08:09", (33.0, 151.0))))
    (tmp_path / "t.csv").write_text("file,lat,lon,who\na.jpg,47.5,8.5,me\nb.jpg,,,you\n")
    source = source_of(str(tmp_path / "t.csv"), keep=["who"])
    score_into(pair, source, tmp_path / "out", HERE)
    table = rows_of(tmp_path / "out")
    assert table["latitude"].tolist() == [47.5, -33.0] and table["longitude"].tolist() == [8.5, 151.0]
    assert table["photo_latitude"].tolist() == [-33.0, -33.0] and table["heading"].tolist() == [90.0, 90.0]
    assert table["time"].tolist() == [datetime(2020, 5, 6, 7, 8, 9)] * 2 and table["who"].tolist() == ["me", "you"]
    score_into(pair, source, tmp_path / "private", Settings(place=False, engine="local"))
    table = rows_of(tmp_path / "private")
    assert table["latitude"].tolist()[0] == 47.5 and np.isnan(table["latitude"].tolist()[1])
    assert table["photo_latitude"].isna().all() and table["heading"].isna().all()


def test_points_for_a_gis(pair, tmp_path):
    for n in range(3):
        (tmp_path / f"{n}.jpg").write_bytes(photo(n))
    (tmp_path / "t.csv").write_text("file,lat,lon\n0.jpg,47.5,-8.25\n1.jpg,,\n2.jpg,-33,151\n")
    score_into(pair, source_of(str(tmp_path / "t.csv")), tmp_path / "out", Settings(engine="local", shard=1))
    table = pq.read_table(write_geoparquet(tmp_path / "out"))
    about = json.loads(table.schema.metadata[b"geo"])
    assert about["primary_column"] == "geometry" and about["columns"]["geometry"]["encoding"] == "WKB"
    points = [shapely.from_wkb(point) for point in table["geometry"].to_pylist()]
    assert [(point.x, point.y) for point in points] == [(-8.25, 47.5), (151.0, -33.0)]
    rows = rows_of(tmp_path / "out").iloc[[0, 2]]
    name = pair.config.attributes[3]
    assert table[f"contribution: {name}"].to_pylist() == pytest.approx([of[3] for of in rows["contributions"]])
    (tmp_path / "t.csv").write_text("file\n0.jpg\n")
    score_into(pair, source_of(str(tmp_path / "t.csv")), tmp_path / "none", HERE)
    with pytest.raises(DatasetError, match="no photo whose place is known"):
        write_geoparquet(tmp_path / "none")


def test_an_archive_tells_the_command_that_scores_it_again_in_the_same_way(pair, tmp_path, capsys):
    for n in range(2):
        (tmp_path / f"{n}.jpg").write_bytes(photo(n))
    (tmp_path / "a table.csv").write_text("name;of;north;east;year\na;0.jpg;47.5;8;2001\nb;1.jpg;;;2002\n")
    words = ["--image", "of", "--id", "name", "--latitude", "north", "--longitude", "east", "--keep", "year"]
    given = [str(tmp_path / "a table.csv"), "--out", str(tmp_path / "out"), *words, "--features", "--no-place"]
    model = ["--model", str(pair.files.folder)]
    assert main(["score", *given, *model, "--runner", "local"]) == 0
    told = shlex.split(store.command(store.about(tmp_path / "out"), tmp_path / "again", str(pair.files.folder)))
    assert told[:3] == ["python", "-m", "siam"] and main([*told[3:], "--runner", "local"]) == 0
    first, again = (store.about(tmp_path / name) for name in ("out", "again"))
    assert first == again and rows_of(tmp_path / "out").equals(rows_of(tmp_path / "again"))
    capsys.readouterr()


def test_samples_for_fiftyone(pair, tmp_path):
    for n in range(2):
        (tmp_path / f"{n}.jpg").write_bytes(photo(n))
    (tmp_path / "damaged.jpg").write_bytes(b"no picture")
    (tmp_path / "t.csv").write_text("file,lat,lon\n0.jpg,47.5,-8.25\n1.jpg,,\ndamaged.jpg,,\n")
    settings = Settings(maps=True, engine="local", shard=1)
    score_into(pair, source_of(str(tmp_path / "t.csv")), tmp_path / "out", settings)
    told = json.loads(write_fiftyone(tmp_path / "out").read_text(encoding="utf-8"))
    assert told["name"] == "out" and told["media_type"] == "image" and len(told["samples"]) == 2
    first, second = told["samples"]
    explained = siam.explain(pair, first["filepath"])
    assert first["siam"] == pytest.approx(explained.scenicness, abs=1e-4)
    assert first["contributions"].pop("_cls") == "DynamicEmbeddedDocument"
    assert list(first["contributions"]) == list(pair.config.attributes)
    assert list(first["contributions"].values()) == pytest.approx(explained.contributions.tolist(), abs=1e-4)
    point = {"type": "Point", "coordinates": [-8.25, 47.5]}
    assert first["location"] == {"_cls": "GeoLocation", "point": point} and "location" not in second
    for name in first["causes"]:
        heat = first[f"map_{name}"]
        with Image.open(heat["map_path"]) as picture:
            levels = np.asarray(picture) / 255
        maps = explained.attribute_maps[pair.config.attributes.index(name)]
        maps = maps - min(0, maps.min())
        assert maps.max() > 0
        assert heat["_cls"] == "Heatmap" and heat["range"] == [0, 255]
        np.testing.assert_allclose(levels, maps / maps.max(), atol=0.05)


def test_the_type_of_each_field_is_told_to_fiftyone_and_its_names_are_kept(tmp_path):
    """`fiftyone.Dataset.from_json` refuses fields without a type, and names that it uses itself."""
    pair = stored_pair(tmp_path / "tiny")
    names = ("a/b", "a.b", "_x", "tags", "map")
    pair.siam.config = replace(pair.siam.config, attributes=names)
    save(Pair("odd", pair.siam, pair.baseline, {}), tmp_path / "odd")
    day, zone = date(2020, 5, 17), timezone(timedelta(hours=2))
    table = {
        "file": ["0.jpg", "1.jpg"], "tags": ["x", None], "my year": [2020, None], "seen": [day, day], "map_map": [1, 2],
        "when": [datetime(2020, 5, 17, 1, 2, 3, tzinfo=zone), None], "ok": [True, False], "of": [["a"], ["b", "c"]],
        "other": [{"a": 1}, None], "share": [0.5, None],
    }  # fmt: skip
    pq.write_table(pa.table(table), tmp_path / "t.parquet")
    for n in range(2):
        (tmp_path / f"{n}.jpg").write_bytes(photo(n, exif=exif_of("2021:02:03 04:05:06", (33.0, 151.0))))
    source = source_of(str(tmp_path / "t.parquet"), keep=[name for name in table if name != "file"])
    settings = Settings(maps=True, engine="local")
    score_into(load(tmp_path / "odd", "cpu"), source, tmp_path / "out", settings)
    told = json.loads(write_fiftyone(tmp_path / "out").read_text(encoding="utf-8"))
    fields = {name: kind.replace("fiftyone.core.", "") for name, kind in told["sample_fields"].items()}
    kept = {"kept_tags": "String", "my_year": "Int", "seen": "String", "kept_map_map": "Int", "when": "String",
            "ok": "Boolean", "other": "String", "share": "Float"}  # fmt: skip
    assert {name: fields[name] for name in kept} == {name: f"fields.{kind}Field" for name, kind in kept.items()}
    assert fields["of"] == fields["causes"] == "fields.ListField(fields.StringField)"
    assert fields["siam"] == "fields.FloatField" and fields["landscape"] == "fields.BooleanField"
    parts = ["a_b", "a_b_2", "x", "tags", "map"]
    assert [name.partition(".")[2] for name in fields if "." in name] == parts
    first, second = told["samples"]
    assert first["kept_tags"] == "x" and first["tags"] == [] and "kept_tags" not in second
    assert first["seen"] == "2020-05-17" and first["other"] == "{'a': 1}"
    assert first["when"] == "2020-05-17T01:02:03+02:00" and first["time"] == "2021-02-03T04:05:06"
    assert list(first["contributions"])[1:] == parts
    causes = {f"map_{parts[names.index(of)]}" for of in {*first["causes"], *second["causes"]}}
    assert {name for name in fields if name.startswith("map_")} == causes
    for sample in told["samples"]:
        assert {name for name in sample if name not in ("filepath", "tags")} <= set(fields)


def test_every_photo_has_a_row_whatever_is_wrong_with_it(pair, tmp_path):
    with running_server() as server:
        server.files["/good.jpg"] = Stored(photo(1))
        server.files["/slow.jpg"] = Stored(photo(2))
        server.faults["/slow.jpg"] = [Fault(status=503), Fault(drop=10)]
        (tmp_path / "damaged.jpg").write_bytes(photo(3)[:200])
        (tmp_path / "empty.jpg").write_bytes(b"")
        (tmp_path / "text.jpg").write_bytes(b"hello")
        (tmp_path / "long.png").write_bytes(photo(4, (3000, 40), "PNG"))
        (tmp_path / "good.jpg").write_bytes(photo(5))
        names = [f"{server.address}/{name}" for name in ("good.jpg", "gone.jpg", "slow.jpg")]
        names += ["damaged.jpg", "empty.jpg", "text.jpg", "long.png", "vanished.jpg", "", "good.jpg", "ftp9://x/y.jpg"]
        (tmp_path / "t.csv").write_text("\n".join(["n,file", *(f"{n},{name}" for n, name in enumerate(names))]))
        out = tmp_path / "out"
        words = ["score", str(tmp_path / "t.csv"), "--out", str(out), "--runner", "local", "--id", "n", "--csv"]
        words += ["--model", str(pair.files.folder)]
        assert main(words) == 0
        assert main([*words, "--resume", "--strict"]) == 1
    table = rows_of(out)
    errors = table.set_index("identifier")["error"].to_dict()
    assert [name for name, error in errors.items() if pd.isna(error)] == ["0", "2", "9"]
    for name, part in {
        "1": "404",
        "3": "damaged",
        "4": "is empty",
        "5": "not a picture",
        "6": "one side",
        "7": "exist",
    }.items():
        assert part in errors[name]
    assert "no path or address" in errors["8"] and "ftp9" in errors["10"]
    with (out / "_tables" / "scores.csv").open(encoding="utf-8") as file:
        written = list(csv.DictReader(file))
    assert len(written) == 11 and float(written[9]["siam"]) == pytest.approx(table["siam"].iloc[9], abs=1e-5)
    assert written[1]["siam"] == "" and written[1]["error"] == errors["1"]
    name = pair.config.attributes[2]
    assert float(written[9][f"contribution: {name}"]) == pytest.approx(table["contributions"].iloc[9][2], abs=1e-5)


class StopError(Exception):
    """Somebody presses Ctrl+C."""


def stopping(after):
    def progress(done, _of, _failed):
        if done >= after:
            raise StopError

    return progress


def test_interrupted_work_goes_on_where_it_was(pair, photos, tmp_path):
    source, out, whole = source_of(str(photos)), tmp_path / "out", tmp_path / "whole"
    score_into(pair, source, whole, HERE)
    with pytest.raises(StopError):
        score_into(pair, source, out, HERE, progress=stopping(6))
    stored = {path.name: path.stat().st_mtime_ns for path in out.glob("scores-*")}
    assert list(stored) == ["scores-00000.parquet"]
    with pytest.raises(DatasetError, match="holds scores already: go on with --resume"):
        score_into(pair, source, out, HERE)
    seen = []
    score_into(pair, source, out, HERE, resume=True, progress=lambda done, of, _failed: seen.append((done, of)))
    assert seen[0] == (4, 11) and seen[-1] == (11, 11)
    assert all((out / name).stat().st_mtime_ns == time for name, time in stored.items())
    pd.testing.assert_frame_equal(rows_of(out), rows_of(whole))
    score_into(pair, source, out, HERE, resume=True, progress=stopping(12))  # nothing is left to do


def test_a_photo_that_vanished_meanwhile_gets_a_row(pair, tmp_path):
    write_photos(tmp_path / "photos", 6)
    source, out = source_of(str(tmp_path / "photos")), tmp_path / "out"
    with pytest.raises(StopError):
        score_into(pair, source, out, HERE, progress=stopping(4))
    shutil.rmtree(tmp_path / "photos" / "part-0")
    done = score_into(pair, source, out, HERE, resume=True)
    assert (done.photos, done.failed) == (6, 2) and "does not exist" in done.reasons[0]


def test_nothing_is_mixed(pair, photos, tmp_path):
    source, out = source_of(str(photos)), tmp_path / "out"
    with pytest.raises(StopError):
        score_into(pair, source, out, HERE, progress=stopping(4))
    other = stored_pair(tmp_path / "other", seed=1)
    write_photos(tmp_path / "photos", 2)
    for arguments, words in (
        ((other, source, out, HERE), "begun with other networks"),
        ((pair, source_of(str(tmp_path / "photos")), out, HERE), "begun with another source"),
        ((pair, source, out, Settings(maps=True, engine="local")), "other settings \\(maps False\\)"),
        ((pair, source, out, Settings(place=False, engine="local")), "other settings \\(place True\\)"),
    ):
        with pytest.raises(DatasetError, match=words):
            score_into(*arguments, resume=True)
    assert len(list(out.glob("scores-*"))) == 1
    score_into(pair, source, out, Settings(engine="local", shard=100), resume=True)  # the size of files stays as it was
    assert len(list(out.glob("scores-*"))) == 3


def test_what_cannot_be_done_is_refused_before_the_work(pair, photos, tmp_path, capsys):
    with pytest.raises(DatasetError, match="is inside"):
        score_into(pair, source_of(str(photos)), photos / "out", HERE)
    (tmp_path / "t.csv").write_text("file,siam\na.jpg,1\n")
    with pytest.raises(DatasetError, match="'siam' cannot be kept"):
        score_into(pair, source_of(str(tmp_path / "t.csv"), keep=["siam"]), tmp_path / "out", HERE)
    with pytest.raises(EngineError, match="there is no engine 'spark'"):
        score_into(pair, source_of(str(photos)), tmp_path / "other", Settings(engine="spark"))
    for words, told in (
        ([str(tmp_path / "gone"), "--out", str(tmp_path / "x")], "gone does not exist"),
        ([str(photos), "--out", str(tmp_path / "t.csv")], "is a file, but a folder is needed"),
        ([str(photos), "--out", str(tmp_path / "x"), "--ray-address", "a", "--runner", "local"], "is for Ray"),
    ):
        assert main(["score", *words]) == 2
        assert told in capsys.readouterr().err


def test_a_damaged_description_is_told(tmp_path):
    with pytest.raises(DatasetError, match="holds no scores of an archive"):
        store.about(tmp_path)
    (tmp_path / "_work").mkdir()
    for content in ("", "{}", "[1]", '{"format": 1}', '{"format": 9}'):
        (tmp_path / "_work" / "archive.json").write_text(content)
        with pytest.raises(DatasetError, match=r"archive\.json (is damaged|has a format)"):
            store.about(tmp_path)


def test_an_iterator_for_python(pair, photos):
    rows = list(siam.score(pair, photos, Settings(engine="local", maps=True)))
    assert [row["row"] for row in rows] == list(range(11))
    explained = siam.explain(pair, rows[3]["location"])
    assert rows[3]["siam"] == pytest.approx(explained.scenicness, abs=1e-4)
    assert rows[3]["maps"].shape == explained.attribute_maps.shape
    first = next(siam.score(pair, photos, Settings(engine="local")))  # and nobody has to take them all
    assert first["identifier"] == "part-0/0000.jpg" and "maps" not in first
