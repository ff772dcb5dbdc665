"""Means of a gallery's numbers over regions, or over cells of equal area, with 95 % intervals (`siam.gallery.means`).

Cells lie in rows of latitude. Each row is cut into a whole number of cells, as many as make them about as wide as high,
and is as high as gives each cell exactly the wanted area, on a sphere with the surface of the Earth. What is left at
each pole is one cell.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import shapely
from shapely import Polygon

from siam.gallery.cases import Cases
from siam.gallery.geojson import Region
from siam.gallery.means import CONTRIBUTION, group_means, numbers

RADIUS = 6371.0072  # km: of the sphere with the surface of the ellipsoid WGS 84
SMALLEST, LARGEST = 0.1, 2000.0  # km: sides of cells


@dataclass(frozen=True, eq=False)
class RegionMeans:
    """Means over regions.

    Attributes:
        regions: (G,) in the order of the file; of cells, only those that hold a photo, from south to north and west to
            east.
        table: one row each: "region", its bounds "west", "south", "east" and "north" in degrees, "n" (photos in it),
            then "siam", "baseline", "crowd", "difference" and "contribution_ATTRIBUTE", each followed by "…_low" and
            "…_high", the ends of its 95 % interval, and "crowd_n", how many of the photos are rated. NaN: not known.
        photos: how many photos have a place.
        outside: how many of these are in no region.
        unplaced: how many photos have no place.
    """

    regions: tuple[Region, ...]
    table: pd.DataFrame
    photos: int
    outside: int
    unplaced: int

    def __str__(self) -> str:
        count = len(self.regions)
        many = "1 region" if count == 1 else f"{count:,} regions"
        parts = [f"{many} with {_photos(self.photos - self.outside)}"]
        if self.outside:
            parts.append(f"{_photos(self.outside)} outside every region")
        if self.unplaced:
            parts.append(f"{_photos(self.unplaced)} without a place")
        return "; ".join(parts)


def means_by_region(cases: Cases, regions: Sequence[Region]) -> RegionMeans:
    """Return the means of the photos in each region; a photo counts in every region that holds or touches it."""
    rows = np.flatnonzero(cases.placed)
    x, y = (cases.table[name].to_numpy(dtype=float)[rows] for name in ("longitude", "latitude"))
    edge = np.flatnonzero(np.abs(x) == 180)  # the antimeridian has two names
    points = np.asarray(shapely.points(np.concatenate([x, -x[edge]]), np.concatenate([y, y[edge]])))
    of_point = np.concatenate([np.arange(len(rows)), edge])
    found = shapely.STRtree(points).query([region.shape for region in regions], predicate="intersects")
    pairs = np.unique(np.stack([found[0], of_point[found[1]]]), axis=1)
    return _means(cases, tuple(regions), rows, rows[pairs[1]], pairs[0])


def means_by_cell(cases: Cases, side: float) -> RegionMeans:
    """Return the means of the photos in each cell of `side` × `side` km that holds one.

    Raises:
        ValueError: the side is not from `SMALLEST` to `LARGEST`.
    """
    rows = np.flatnonzero(cases.placed)
    x, y = (cases.table[name].to_numpy(dtype=float)[rows] for name in ("longitude", "latitude"))
    edges, counts = rows_of_cells(side)
    row = np.clip(np.searchsorted(edges, y, side="right") - 1, 0, len(counts) - 1)
    column = np.floor((x + 180) % 360 / 360 * counts[row]).astype(int)
    held, group = np.unique(np.stack([row, column]), axis=1, return_inverse=True)
    cells = []
    for at, place in held.T.tolist():
        west, east = (place * 360 / counts[at] - 180, (place + 1) * 360 / counts[at] - 180)
        name = f"{(edges[at] + edges[at + 1]) / 2:.4f} {(west + east) / 2:.4f}"
        cells.append(Region(name, _box(west, float(edges[at]), east, float(edges[at + 1]))))
    return _means(cases, tuple(cells), rows, rows, group.ravel())


def _box(west: float, south: float, east: float, north: float) -> Polygon:
    return Polygon([(west, south), (east, south), (east, north), (west, north)])


def rows_of_cells(side: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the latitudes (R + 1,) that bound the rows of cells, from pole to pole, and the number (R,) in each.

    Args:
        side: of a cell in km; its area is the square of it.

    Raises:
        ValueError: the side is not from `SMALLEST` to `LARGEST`.
    """
    if not SMALLEST <= side <= LARGEST:
        raise ValueError(f"expected a side of {SMALLEST:g} to {LARGEST:g} km, not {side:g}")
    share = side**2 / (2 * math.pi * RADIUS**2)  # of a hemisphere
    height, sines, counts = side / RADIUS, [0.0], []
    while True:
        middle = min(math.asin(sines[-1]) + height / 2, math.pi / 2)
        count = max(round(2 * math.pi * RADIUS * math.cos(middle) / side), 1)
        if sines[-1] + count * share >= 1:
            break
        sines.append(sines[-1] + count * share)
        counts.append(count)
    north = np.degrees(np.arcsin([*sines, 1.0]))
    counts = np.array([*counts, 1])
    return np.concatenate([-north[:0:-1], north]), np.concatenate([counts[::-1], counts])


def _means(
    cases: Cases, regions: tuple[Region, ...], placed: np.ndarray, rows: np.ndarray, groups: np.ndarray
) -> RegionMeans:
    """Return the means of pairs of photo and region."""
    values = {_column(name): of for name, of in numbers(cases).items()}
    means = group_means(np.column_stack([*values.values()]), rows, groups, len(regions))
    bounds = shapely.bounds([region.shape for region in regions]) if regions else np.empty((0, 4))
    columns: dict[str, object] = {"region": [region.name for region in regions]}
    columns |= dict(zip(("west", "south", "east", "north"), bounds.T, strict=True))
    columns["n"] = np.bincount(groups, minlength=len(regions))
    for place, name in enumerate(values):
        columns |= {
            name: means.mean[:, place],
            f"{name}_low": means.low[:, place],
            f"{name}_high": means.high[:, place],
        }
        if name == "crowd":
            columns["crowd_n"] = means.count[:, place]
    outside, unplaced = len(placed) - len(np.unique(rows)), len(cases.table) - len(placed)
    return RegionMeans(regions, pd.DataFrame(columns), len(placed), outside, unplaced)


def _photos(count: int) -> str:
    return "1 photo" if count == 1 else f"{count:,} photos"


def _column(name: str) -> str:
    """Return the column of a number: "contribution_still_water"."""
    if not name.startswith(CONTRIBUTION):
        return name.casefold().replace(" ", "_")
    return f"contribution_{name.removeprefix(CONTRIBUTION).replace(' ', '_')}"
