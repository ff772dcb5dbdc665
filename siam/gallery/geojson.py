"""Regions from a GeoJSON file (RFC 7946), read strictly: polygons in longitude and latitude of WGS 84, with names."""

from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import shapely
from shapely import MultiPolygon, Polygon

from siam.errors import DatasetError
from siam.gallery.store import PLACE
from siam.runtime.files import storage_errors
from siam.runtime.parsing import is_number, parse_json

_WORLD = ("CRS84", "EPSG::4326", "EPSG:4326")  # ends of the names of WGS 84 in older files
_PROJECT = "save it in longitude and latitude (EPSG:4326), for instance with ogr2ogr -t_srs EPSG:4326"


@dataclass(frozen=True, eq=False)
class Region:
    """A part of the world: its name, and its shape in degrees, longitude first."""

    name: str
    shape: Polygon | MultiPolygon


@dataclass(frozen=True, eq=False)
class Regions:
    """The regions of a file, and what its reader should know about them, one sentence each."""

    regions: tuple[Region, ...]
    notes: tuple[str, ...] = ()


def read_regions(path: Path, name: str | None = None) -> Regions:
    """Read the polygons of a file, as `regions_of` does.

    Raises:
        DatasetError: the file is missing, or is not as `regions_of` expects it.
        StorageError: it cannot be read.
    """
    if not path.is_file():
        raise DatasetError(f"{path} is no file: give a GeoJSON file with polygons")
    with storage_errors(path):
        content = path.read_bytes()
    return regions_of(content, str(path), name)


def regions_of(content: bytes, path: str, name: str | None = None) -> Regions:
    """Return the polygons of a FeatureCollection or a Feature.

    A region across the antimeridian is cut there, as RFC 7946 asks; lines between corners are straight in degrees. A
    polygon that crosses itself is mended, and a note says so.

    Args:
        content: of the file.
        path: what messages call it.
        name: the property that names a region; by default "name", in any letter case, else the feature's id, else its
            number in the file.

    Raises:
        DatasetError: it is no GeoJSON, is in another coordinate system, or holds something other than polygons, or two
            regions have one name.
    """
    try:
        document = parse_json(content.removeprefix(b"\xef\xbb\xbf"))
    except (ValueError, UnicodeError) as error:
        raise DatasetError(f"{path} is no JSON ({error}): give a GeoJSON file with polygons") from error
    try:
        return _regions(_features(document), name)
    except _WrongError as error:
        raise DatasetError(f"{path} {error}") from error


class _WrongError(Exception):
    """What is wrong with a file, and what to do, as the end of a sentence that begins with its name."""


def _features(document: Any) -> list[dict[str, Any]]:
    kind = document.get("type") if isinstance(document, dict) else None
    if kind == "Topology":
        raise _WrongError("is TopoJSON, not GeoJSON: convert it, for instance with ogr2ogr or mapshaper")
    if kind not in ("FeatureCollection", "Feature"):
        found = f"of the type {kind!r}" if isinstance(kind, str) else "JSON without a GeoJSON type"
        raise _WrongError(f"is {found}, expected a FeatureCollection: give a GeoJSON file with polygons")
    _refuse_system(document.get("crs"))
    features = document.get("features") if kind == "FeatureCollection" else [document]
    if not isinstance(features, list) or not features:
        raise _WrongError("holds no features: expected at least one polygon")
    for number, feature in enumerate(features, 1):
        if not isinstance(feature, dict) or feature.get("type") != "Feature":
            raise _WrongError(f"has something other than a Feature as its feature {number}: repair or remove it")
        if not isinstance(feature.get("properties") or {}, dict):
            raise _WrongError(f"has no object as the properties of feature {number}: repair or remove it")
    return features


def _refuse_system(system: Any) -> None:
    """Raise if an older file says that it is in another coordinate system."""
    if system is None:
        return
    properties = system.get("properties") if isinstance(system, dict) else None
    known = str(properties.get("name")) if isinstance(properties, dict) else str(system)
    if not known.endswith(_WORLD):
        raise _WrongError(f"is in the coordinate system {known[:60]!r}, expected WGS 84: {_PROJECT}")


def _regions(features: list[dict[str, Any]], name: str | None) -> Regions:
    names = _names(features, name)
    shapes = [_shape(feature.get("geometry"), name) for feature, name in zip(features, names, strict=True)]
    crossed = [name for name, shape in zip(names, shapes, strict=True) if not shapely.is_valid(shape)]
    mended = [shape if shapely.is_valid(shape) else _mended(shape, name)
              for name, shape in zip(names, shapes, strict=True)]  # fmt: skip
    wide = [name for name, shape in zip(names, shapes, strict=True) if _is_wide(shape)]
    notes = []
    if crossed:
        notes.append(f"{_listed(crossed)} crossed itself and was mended: compare it with your map")
    if wide:
        notes.append(
            f"{_listed(wide)} has a side longer than 180° of longitude; if it was to cross the antimeridian, cut it "
            "there, as RFC 7946 asks"
        )
    return Regions(tuple(Region(*of) for of in zip(names, mended, strict=True)), tuple(notes))


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - 1:,} more" if len(names) > 1 else ""
    return f"the region {names[0][:60]!r}{more}"


def _names(features: list[dict[str, Any]], name: str | None) -> list[str]:
    properties = [feature.get("properties") or {} for feature in features]
    if name is None:
        usual = [next((key for key in of if key.casefold() == "name"), None) for of in properties]
        found = [None if key is None else of[key] for key, of in zip(usual, properties, strict=True)]
        if not all(map(_is_name, found)):
            found = [feature.get("id") for feature in features]
        if not all(map(_is_name, found)):
            found = list(range(1, len(features) + 1))
    else:
        found = [of.get(name) for of in properties]
        odd = next((place for place, of in enumerate(found) if not _is_name(of)), None)
        if odd is not None:
            known = ", ".join(map(repr, list(properties[odd])[:10])) or "none"
            raise _WrongError(f"has no property {name!r} that names feature {odd + 1}: its properties are {known}")
    names = [" ".join(str(of).split()) for of in found]
    often, count = Counter(names).most_common(1)[0]
    if count > 1:
        raise _WrongError(
            f"has {count:,} regions called {often[:60]!r}: dissolve them into one, or give another property by --name"
        )
    return names


def _is_name(value: Any) -> bool:
    return (isinstance(value, str) and bool(value.strip())) or is_number(value)


def _shape(geometry: Any, name: str) -> Polygon | MultiPolygon:
    kind = geometry.get("type") if isinstance(geometry, dict) else None
    if kind not in ("Polygon", "MultiPolygon"):
        found = f"of the type {kind!r}" if isinstance(kind, str) else "missing"
        raise _WrongError(
            f"has the region {name[:60]!r} whose geometry is {found}, expected a Polygon or MultiPolygon: remove or "
            "replace it"
        )
    parts: Any = geometry.get("coordinates")
    parts = [parts] if kind == "Polygon" else parts
    if not isinstance(parts, list) or not parts or not all(isinstance(part, list) and part for part in parts):
        raise _WrongError(f"has the region {name[:60]!r} without coordinates: repair or remove it")
    rings = [[_ring(ring, name) for ring in part] for part in parts]
    polygons = [Polygon(outer, holes) for outer, *holes in rings]
    return polygons[0] if kind == "Polygon" else MultiPolygon(polygons)


def _ring(ring: Any, name: str) -> list[tuple[float, float]]:
    """Return the corners of a ring, the last of which is the first."""
    where = f"in the region {name[:60]!r}"
    if not isinstance(ring, list) or len(ring) < 4:
        raise _WrongError(f"has a ring of fewer than four positions {where}: repair it")
    for position in ring:
        if not isinstance(position, list) or len(position) < 2 or not all(map(is_number, position)):
            raise _WrongError(f"has {str(position)[:60]} {where}, expected [longitude, latitude]: repair it")
        longitude, latitude = position[:2]
        if abs(longitude) > 360 or abs(latitude) > PLACE["latitude"]:
            raise _WrongError(
                f"has the position {longitude:g}, {latitude:g} {where}, which is no longitude and latitude in degrees: "
                f"{_PROJECT}"
            )
        if abs(longitude) > PLACE["longitude"]:
            raise _WrongError(
                f"has the longitude {longitude:g} {where}, beyond 180°: cut it at the antimeridian, as RFC 7946 asks"
            )
    corners = [(float(position[0]), float(position[1])) for position in ring]
    if corners[0] != corners[-1]:
        raise _WrongError(f"has a ring {where} that does not end where it begins: close it")
    return corners


def _mended(shape: Polygon | MultiPolygon, name: str) -> Polygon | MultiPolygon:
    """Return a shape that crosses itself as one that does not."""
    sound = shapely.make_valid(shape, method="structure", keep_collapsed=False)
    if isinstance(sound, Polygon | MultiPolygon) and not sound.is_empty:
        return sound
    raise _WrongError(f"has the region {name[:60]!r} without an area: remove it")


def _is_wide(shape: Polygon | MultiPolygon) -> bool:
    """Return whether a side is longer than 180° but does not go around the world."""
    parts = shape.geoms if isinstance(shape, MultiPolygon) else [shape]
    sides = [pair for part in parts for pair in pairwise(part.exterior.coords)]
    return any(180 < abs(end[0] - begin[0]) < 360 for begin, end in sides)
