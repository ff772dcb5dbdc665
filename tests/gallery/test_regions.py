"""Means per region and per cell against loops, ray casting and the arithmetic of a sphere; files that others read."""

import csv
import io
import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from shapely import MultiPolygon, Polygon

from siam.gallery.geojson import Region
from siam.gallery.means import numbers
from siam.gallery.region_files import csv_of, geojson_of, geoparquet_of
from siam.gallery.regions import RADIUS, means_by_cell, means_by_region, rows_of_cells
from tests.support.places import UNPLACED, read_placed

LOCH = [(-6, 57), (-5.5, 57), (-5.5, 58), (-6, 58)]
WEST = Region("=west", Polygon([(-7, 56), (-5, 56), (-5, 59), (-7, 59)], [LOCH]))
ISLANDS = [[(-5, 56), (-4, 56), (-4, 59)], [(-3.5, 56), (-3, 56), (-3, 59)]]
EAST = Region("east", MultiPolygon([Polygon(island) for island in ISLANDS]))
NOWHERE = Region("nowhere", Polygon([(100, 0), (101, 0), (101, 1)]))


@pytest.fixture(scope="module")
def cases(tmp_path_factory):
    return read_placed(tmp_path_factory.mktemp("regions"))


def placed_at(cases, longitudes, latitudes):
    rows = np.arange(len(longitudes)) % len(cases.table)
    table = cases.table.iloc[rows].reset_index(drop=True).assign(longitude=longitudes, latitude=latitudes)
    gallery = replace(cases.gallery, contributions=cases.gallery.contributions[rows])
    return replace(cases, table=pd.DataFrame(table), gallery=gallery)


def crosses(ring, x, y):
    """How often a ray to the east meets a ring, modulo 2."""
    inside = False
    for (ax, ay), (bx, by) in zip(ring, [*ring[1:], ring[0]], strict=True):
        if (ay > y) != (by > y) and x < ax + (y - ay) * (bx - ax) / (by - ay):
            inside = not inside
    return inside


def holds(shape, x, y):
    """Whether a point is in a shape, by ray casting; holes count as rings, too."""
    parts = shape.geoms if isinstance(shape, MultiPolygon) else [shape]
    rings = [list(ring.coords)[:-1] for part in parts for ring in (part.exterior, *part.interiors)]
    return sum(crosses(ring, x, y) for ring in rings) % 2 == 1


def test_means_of_regions_are_those_of_a_loop(cases):
    found = means_by_region(cases, [WEST, EAST, NOWHERE])
    table = found.table.set_index("region")
    longitude, latitude = (cases.table[name].to_numpy() for name in ("longitude", "latitude"))
    seen = set()
    for region in (WEST, EAST):
        rows = [row for row in range(300) if cases.placed[row] and holds(region.shape, longitude[row], latitude[row])]
        seen |= set(rows)
        told = table.loc[region.name]
        assert told["n"] == len(rows) > 10
        for name, values in numbers(cases).items():
            column = name.lower().replace("contribution: ", "contribution_").replace(" ", "_")
            of = values[rows]
            of = of[~np.isnan(of)]
            ends = stats.t.interval(0.95, len(of) - 1, of.mean(), stats.sem(of))
            assert told[column] == pytest.approx(of.mean())
            assert (told[f"{column}_low"], told[f"{column}_high"]) == pytest.approx(ends)
        assert told["crowd_n"] == np.count_nonzero(~np.isnan(numbers(cases)["crowd"][rows]))
    assert table.loc["nowhere"]["n"] == 0 and np.isnan(table.loc["nowhere"]["siam"])
    assert (found.photos, found.unplaced) == (300 - UNPLACED, UNPLACED) and found.outside == 293 - len(seen)
    assert str(found) == (
        f"3 regions with {len(seen)} photos; {293 - len(seen)} photos outside every region; 7 photos without a place"
    )


def test_a_photo_counts_in_every_region_that_holds_or_touches_it(cases):
    left, right = (Region(name, shapely.box(x, 0, x + 1, 1)) for name, x in (("left", 0), ("right", 1)))
    whole = Region("whole", shapely.box(0, 0, 2, 1))
    found = means_by_region(placed_at(cases, [0.5, 1.0, 2.0, 3.0], [0.5, 0.5, 1.0, 0.5]), [left, right, whole])
    assert found.table["n"].tolist() == [2, 2, 3] and found.outside == 1


def test_the_antimeridian_is_one_line_with_two_names(cases):
    fiji = Region("Fiji", MultiPolygon([shapely.box(177, -19, 180, -16), shapely.box(-180, -19, -178, -16)]))
    east = Region("east", shapely.box(-180, -19, -178, -16))
    found = means_by_region(placed_at(cases, [178.0, -179.0, 180.0, -180.0, 0.0], [-17.0] * 5), [fiji, east])
    assert found.table["n"].tolist() == [4, 3] and found.outside == 1


coordinates = st.integers(-20, 20).map(float)


@settings(max_examples=150, deadline=None)
@given(
    corners=st.lists(st.tuples(coordinates, coordinates), min_size=3, max_size=8, unique=True),
    hole=st.booleans(),
    points=st.lists(st.tuples(coordinates, coordinates), min_size=1, max_size=20),
)
def test_who_is_inside_is_what_ray_casting_says(cases, corners, hole, points):
    ring = sorted(corners, key=lambda corner: np.arctan2(corner[1], corner[0]))  # a star, which rarely crosses itself
    shape = Polygon(ring, [[(0.1, 0.1), (0.2, 0.1), (0.2, 0.3)]] if hole else [])
    if not shape.is_valid or not shape.area:
        return
    shifted = [(x + 0.137, y + 0.0713) for x, y in points]  # on no border
    placed = placed_at(cases, [x for x, _ in shifted], [y for _, y in shifted])
    found = means_by_region(placed, [Region("star", shape)])
    assert found.table["n"][0] == sum(holds(shape, x, y) for x, y in shifted)


# Cells


@pytest.mark.parametrize("side", [5, 50, 333, 2000])
def test_all_cells_have_one_area_and_are_about_as_wide_as_high(side):
    edges, counts = rows_of_cells(side)
    assert (edges[0], edges[-1]) == pytest.approx((-90, 90)) and (np.diff(edges) > 0).all()
    sines = np.sin(np.radians(edges))
    areas = 2 * np.pi * RADIUS**2 * np.diff(sines) / counts
    assert areas[1:-1] == pytest.approx(side**2)
    assert (areas * counts).sum() == pytest.approx(4 * np.pi * RADIUS**2)
    middle = np.cos(np.radians((edges[1:] + edges[:-1]) / 2))
    shape = 2 * np.pi * middle / counts / np.radians(np.diff(edges))
    assert (np.abs(np.log(shape[2:-2])) < 0.5).all()


def test_200000_photos_in_cells_are_those_of_a_loop(cases):
    random = np.random.default_rng(11)
    count = 200_000
    x, y = random.uniform(-180, 180, count), np.degrees(np.arcsin(random.uniform(-1, 1, count)))
    placed = placed_at(cases, x, y)
    found = means_by_cell(placed, 1000)
    assert found.table["n"].sum() == count == found.photos and found.outside == 0
    siam = placed.table["siam"].to_numpy()
    for _, cell in found.table.iloc[:: len(found.table) // 25].iterrows():
        of = [
            value
            for value, longitude, latitude in zip(siam, x, y, strict=True)
            if cell["west"] <= longitude < cell["east"] and cell["south"] <= latitude < cell["north"]
        ]
        assert cell["n"] == len(of) and cell["siam"] == pytest.approx(np.mean(of))


def test_the_ends_of_the_world_are_in_cells(cases):
    placed = placed_at(cases, [-180.0, 180.0, 0.0, 179.9999], [0.0, 0.0, 90.0, -90.0])
    found = means_by_cell(placed, 100)
    assert found.table["n"].sum() == 4 and (found.table["east"] <= 180 + 1e-9).all()
    assert found.table["n"].max() == 2  # the antimeridian's two names are one place


@pytest.mark.parametrize("side", [0, -1, 0.01, 5000, float("nan")])
def test_other_sides_are_refused(cases, side):
    with pytest.raises(ValueError, match="a side of"):
        means_by_cell(cases, side)


# Files


@pytest.fixture(scope="module")
def means(cases):
    return means_by_region(cases, [WEST, EAST, NOWHERE])


def test_the_csv_has_the_table(means):
    rows = list(csv.DictReader(io.StringIO(csv_of(means).decode())))
    assert [row["region"] for row in rows] == ["'=west", "east", "nowhere"]
    assert list(rows[0]) == list(means.table.columns)
    assert float(rows[1]["contribution_trees_low"]) == pytest.approx(means.table["contribution_trees_low"][1], abs=1e-6)
    assert rows[2]["siam"] == "" and rows[2]["n"] == "0"


def test_the_geojson_has_the_table_and_the_shapes(means):
    content = json.loads(geojson_of(means))
    assert content["type"] == "FeatureCollection" and len(content["features"]) == 3
    for row, (feature, region) in enumerate(zip(content["features"], means.regions, strict=True)):
        shape = shapely.from_geojson(json.dumps(feature["geometry"]))
        assert shape.equals(region.shape)
        parts = shape.geoms if isinstance(shape, MultiPolygon) else [shape]
        assert all(part.exterior.is_ccw and not any(hole.is_ccw for hole in part.interiors) for part in parts)
        assert feature["properties"]["n"] == means.table["n"][row]
    assert content["features"][0]["properties"]["siam"] == pytest.approx(means.table["siam"][0])
    assert content["features"][2]["properties"]["siam"] is None


def test_the_geoparquet_says_what_the_standard_asks(means, tmp_path):
    path = tmp_path / "regions.parquet"
    path.write_bytes(geoparquet_of(means))
    table = pq.read_table(path)
    about = json.loads(table.schema.metadata[b"geo"])
    assert about["version"] == "1.1.0" and about["primary_column"] == "geometry"
    column = about["columns"]["geometry"]
    assert column["encoding"] == "WKB" and column["geometry_types"] == ["MultiPolygon", "Polygon"]
    assert column["bbox"] == [-7, 0, 101, 59] and "crs" not in column  # without one, it is longitude and latitude
    shapes = shapely.from_wkb(table["geometry"].to_pylist())
    assert all(shape.equals(region.shape) for shape, region in zip(shapes, means.regions, strict=True))
    assert table["siam"].to_pylist()[2] is None and table["n"].to_pylist() == means.table["n"].tolist()
    assert table["siam"].to_pylist()[0] == pytest.approx(means.table["siam"][0])
