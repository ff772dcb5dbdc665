"""`map`: means per region or cell, on stdout or in a file, and one line where something is wrong."""

import csv
import io
import json

import pyarrow.parquet as pq
import pytest

from siam.cli.main import main
from tests.support.paths import ROOT
from tests.support.places import EAST, NORTH, SOUTH, WEST, placed_gallery

MIDDLE = (WEST + EAST) / 2


@pytest.fixture(scope="module")
def gallery(tmp_path_factory):
    return placed_gallery(tmp_path_factory.mktemp("map"))


@pytest.fixture(scope="module")
def regions(tmp_path_factory):
    """The two halves of the places, and a region without photos."""
    ends = {"west": (WEST - 1, MIDDLE), "east": (MIDDLE, EAST + 0.01), "sea": (0.0, 1.0)}
    features = [
        {
            "type": "Feature",
            "properties": {"code": name},
            "geometry": {
                "type": "Polygon",
                "coordinates": [[[a, SOUTH], [b, SOUTH], [b, NORTH], [a, NORTH], [a, SOUTH]]],
            },
        }
        for name, (a, b) in ends.items()
    ]
    path = tmp_path_factory.mktemp("regions") / "halves.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    return path


@pytest.fixture
def run(capsys):
    def run(*words):
        status = main(["map", *map(str, words)])
        return status, *capsys.readouterr()

    return run


def test_means_per_region_are_a_table(run, gallery, regions):
    status, out, err = run(gallery, "--by", regions, "--name", "code")
    rows = {row["region"]: row for row in csv.DictReader(io.StringIO(out))}
    assert status == 0 and list(rows) == ["west", "east", "sea"]
    assert int(rows["west"]["n"]) + int(rows["east"]["n"]) == 293 and rows["sea"]["siam"] == ""
    # The further east, the higher is SIAM above the baseline: the intervals of the two halves do not meet.
    assert float(rows["west"]["difference_high"]) < float(rows["east"]["difference_low"])
    assert err == "3 regions with 293 photos; 7 photos without a place\n"


def test_photos_outside_every_region_are_counted(run, gallery, regions, tmp_path):
    content = json.loads(regions.read_text())
    del content["features"][0]
    path = tmp_path / "half.geojson"
    path.write_text(json.dumps(content))
    status, out, err = run(gallery, "--by", path)
    rows = list(csv.DictReader(io.StringIO(out)))
    assert status == 0 and f"{293 - int(rows[0]['n'])} photos outside every region; 7 photos without" in err


@pytest.mark.parametrize("suffix", ["csv", "geojson", "parquet"])
def test_cells_go_to_a_file_that_others_read(run, gallery, tmp_path, suffix):
    path = tmp_path / "new" / f"cells.{suffix}"
    status, out, err = run(gallery, "--cell", 25, "--out", path)
    assert status == 0 and err == "" and out.startswith(f"{path}: ") and "with 293 photos; 7 photos without" in out
    if suffix == "csv":
        counts = [int(row["n"]) for row in csv.DictReader(io.StringIO(path.read_text()))]
    elif suffix == "geojson":
        counts = [feature["properties"]["n"] for feature in json.loads(path.read_text())["features"]]
    else:
        counts = pq.read_table(path)["n"].to_pylist()
    assert sum(counts) == 293 and min(counts) > 0 and len(counts) > 20


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--by", "none.geojson"], "none.geojson is no file"),
        (["--by", ROOT / "README.md"], "is no JSON"),
        (["--cell", "25", "--name", "code"], "give it with --by"),
        (["--cell", "25", "--out", "cells.shp"], "ends in none of .csv, .geojson, .parquet"),
        (["--cell", "25", "--out", "."], "ends in none of"),
    ],
)
def test_what_cannot_be_is_told_in_one_line(run, gallery, words, said):
    status, out, err = run(gallery, *words)
    assert status == 2 and out == "" and said in err and err.startswith("error: ") and err.count("\n") == 1


@pytest.mark.parametrize("words", [[], ["--by", "a.geojson", "--cell", "5"], ["--cell", "0"], ["--cell", "nan"],
                                   ["--cell", "wide"], ["--cell", "5000"]])  # fmt: skip
def test_bad_usage_is_refused(run, gallery, words, capsys):
    with pytest.raises(SystemExit) as caught:
        run(gallery, *words)
    assert caught.value.code == 2 and capsys.readouterr().err.startswith("error: ")


def test_a_gallery_without_places_says_so(run, regions):
    status, out, err = run(ROOT / "assets" / "gallery" / "rendered", "--by", regions)
    assert status == 2 and out == "" and "columns latitude and longitude are empty" in err


def test_what_should_be_known_of_the_regions_is_a_note(run, gallery, tmp_path):
    path = tmp_path / "bow.geojson"
    bow = [[[-6, 57], [-4, 58], [-4, 57], [-6, 58], [-6, 57]]]
    geometry = {"type": "Polygon", "coordinates": bow}
    path.write_text(json.dumps({"type": "Feature", "id": "bow", "properties": None, "geometry": geometry}))
    status, out, err = run(gallery, "--by", path)
    assert status == 0 and "note: the region 'bow' crossed itself and was mended" in err
    assert int(next(csv.DictReader(io.StringIO(out)))["n"]) > 10
