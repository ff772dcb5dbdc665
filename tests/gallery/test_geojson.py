"""Regions of a file: what is right is read, and what is not is told in one line with what to do."""

import json

import pytest

from siam.errors import DatasetError
from siam.gallery.geojson import read_regions

SQUARE = [[0, 0], [4, 0], [4, 4], [0, 4], [0, 0]]
HOLE = [[1, 1], [1, 2], [2, 2], [2, 1], [1, 1]]


def feature(coordinates=None, kind="Polygon", properties=None, **further):
    geometry = {"type": kind, "coordinates": [SQUARE] if coordinates is None else coordinates}
    return {"type": "Feature", "properties": properties, "geometry": geometry, **further}


def written(tmp_path, *features, **further):
    path = tmp_path / "regions.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": list(features), **further}), encoding="utf-8")
    return path


def refusal(path, name=None):
    with pytest.raises(DatasetError) as caught:
        read_regions(path, name)
    message = str(caught.value)
    assert message.startswith(str(path)) and "\n" not in message and ": " in message
    return message


def test_polygons_holes_and_islands_are_read(tmp_path):
    islands = [[SQUARE, HOLE], [[[10, 10], [11, 10], [11, 11], [10, 10]]]]
    found = read_regions(written(tmp_path, feature([SQUARE, HOLE]), feature(islands, "MultiPolygon")))
    assert [of.shape.area for of in found.regions] == [15, 15.5] and found.notes == ()
    assert [of.name for of in found.regions] == ["1", "2"]
    with_height = [[*corner, 120.5] for corner in SQUARE]
    assert read_regions(written(tmp_path, feature([with_height]))).regions[0].shape.area == 16
    path = tmp_path / "one.json"
    path.write_bytes(b"\xef\xbb\xbf" + json.dumps(feature(properties={"NAME": "Skye"})).encode())
    assert read_regions(path).regions[0].name == "Skye"


@pytest.mark.parametrize(
    ("of", "name", "expected"),
    [
        ([{"Name": "A"}, {"name": "B"}], None, ["A", "B"]),
        ([{"Name": "A"}, {}], None, ["7", "8"]),  # no name of all: their ids
        ([{"code": 12}, {"code": 1.5}], "code", ["12", "1.5"]),
        ([{"name": "A", "nuts": " UK\nM6 "}, {"name": "A", "nuts": "UKM7"}], "nuts", ["UK M6", "UKM7"]),
    ],
)
def test_regions_have_the_names_that_they_are_given(tmp_path, of, name, expected):
    path = written(tmp_path, *(feature(properties=each, id=7 + place) for place, each in enumerate(of)))
    assert [region.name for region in read_regions(path, name).regions] == expected


def test_names_that_do_not_tell_regions_apart_are_refused(tmp_path):
    path = written(tmp_path, feature(properties={"name": "A", "nuts": "x"}), feature(properties={"name": "A"}))
    assert "2 regions called 'A'" in refusal(path) and "--name" in refusal(path)
    assert "no property 'nuts' that names feature 2: its properties are 'name'" in refusal(path, "nuts")
    assert "names feature 1" in refusal(path, "code")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "no JSON"),
        (b"name,area\nA,1\n", "no JSON"),
        (b"\xff\xfe\x00", "no JSON"),
        (b"[" * 100_000, "no JSON"),
        (b"[]", "JSON without a GeoJSON type"),
        (b'{"type": "Topology", "arcs": []}', "is TopoJSON, not GeoJSON"),
        (b'{"type": "Polygon", "coordinates": []}', "of the type 'Polygon', expected a FeatureCollection"),
        (b'{"type": "FeatureCollection", "features": []}', "holds no features"),
        (b'{"type": "FeatureCollection"}', "holds no features"),
        (b'{"type": "FeatureCollection", "features": [1]}', "other than a Feature as its feature 1"),
        (b'{"type": "Feature", "properties": [1], "geometry": null}', "no object as the properties of feature 1"),
        (b'{"type": "Feature", "properties": null, "geometry": null}', "geometry is missing, expected a Polygon"),
        (b'{"type": "Feature", "geometry": {"type": "Polygon"}}', "without coordinates"),
        (b'{"type": "Feature", "geometry": {"type": "Polygon", "coordinates": []}}', "without coordinates"),
    ],
)
def test_what_is_no_geojson_of_polygons_is_refused(tmp_path, content, words):
    path = tmp_path / "regions.geojson"
    path.write_bytes(content)
    assert words in refusal(path)


def test_a_missing_file_is_refused(tmp_path):
    assert "is no file" in refusal(tmp_path / "none.geojson")
    assert "is no file" in refusal(tmp_path)


@pytest.mark.parametrize(
    ("geometry", "words"),
    [
        (feature([[1, 2]], "LineString"), "of the type 'LineString', expected a Polygon or MultiPolygon"),
        (feature([1, 2], "Point"), "of the type 'Point'"),
        (feature([SQUARE[:3]]), "fewer than four positions"),
        (feature([SQUARE[:4]]), "does not end where it begins"),
        (feature([[[0, 0], [4, 0], [4, "4"], [0, 4], [0, 0]]]), "expected [longitude, latitude]"),
        (feature([[[0, 0], [4, 0], [4], [0, 4], [0, 0]]]), "expected [longitude, latitude]"),
        (feature([[[0, 0], [4, 0], [4, True], [0, 4], [0, 0]]]), "expected [longitude, latitude]"),
        (feature([[[0, 0], [4, 0], [4, float("nan")], [0, 4], [0, 0]]]), "expected [longitude, latitude]"),
        (feature([{"a": 1}]), "fewer than four positions"),
        (feature([[[0, 0], [4, 0], [4, 91], [0, 4], [0, 0]]]), "no longitude and latitude in degrees"),
        (feature([[[170, 0], [190, 0], [190, 4], [170, 4], [170, 0]]]), "cut it at the antimeridian"),
        (feature([[[1, 1], [1, 1], [1, 1], [1, 1]]]), "without an area"),
    ],
)
def test_a_shape_that_is_none_is_refused(tmp_path, geometry, words):
    geometry["properties"] = {"name": "Skye"}
    assert words in refusal(written(tmp_path, geometry)) and "'Skye'" in refusal(written(tmp_path, geometry))


def test_projected_coordinates_are_refused_with_the_way_out(tmp_path):
    metres = [[[250000, 840000], [260000, 840000], [260000, 850000], [250000, 840000]]]
    assert "EPSG:4326" in refusal(written(tmp_path, feature(metres)))
    system = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::27700"}}
    assert "the coordinate system 'urn:ogc:def:crs:EPSG::27700', expected WGS 84" in refusal(
        written(tmp_path, feature(), crs=system)
    )
    for known in ("urn:ogc:def:crs:OGC:1.3:CRS84", "urn:ogc:def:crs:EPSG::4326", "EPSG:4326"):
        system["properties"]["name"] = known
        assert len(read_regions(written(tmp_path, feature(), crs=system)).regions) == 1


def test_a_shape_that_crosses_itself_is_mended_and_told(tmp_path):
    bow = [[[0, 0], [2, 2], [2, 0], [0, 2], [0, 0]]]
    found = read_regions(written(tmp_path, feature(bow, properties={"name": "bow"})))
    assert found.regions[0].shape.area == pytest.approx(2) and found.regions[0].shape.is_valid
    assert "'bow' crossed itself and was mended" in found.notes[0]


def test_a_region_that_seems_to_cross_the_antimeridian_uncut_is_told(tmp_path):
    uncut = [[[179, -17], [-179, -17], [-179, -16], [179, -16], [179, -17]]]
    assert "cut it there, as RFC 7946 asks" in read_regions(written(tmp_path, feature(uncut))).notes[0]
    world = [[[-180, -90], [180, -90], [180, 90], [-180, 90], [-180, -90]]]
    assert read_regions(written(tmp_path, feature(world))).notes == ()
