"""A gallery whose photos have places, made up: the rendered world has none."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from siam.gallery.cases import Cases, read_cases
from siam.gallery.store import read
from siam.gallery.writing import entries_of, write
from tests.support.paths import ROOT

LABEL = "places"
UNPLACED = 7  # of the photos, the last
WEST, SOUTH, EAST, NORTH = -6.4, 56.9, -3.1, 58.4  # the Scottish Highlands


def placed_gallery(base: Path) -> Path:
    """Write the gallery of rendered scenes with made-up places, below `base`, where an app started in it finds it.

    The further east a scene, the higher SIAM's score of it is above the baseline's.
    """
    folder, source = base / "galleries" / LABEL, ROOT / "assets" / "gallery" / "rendered"
    shutil.copytree(source, folder)
    gallery = read(source)
    random = np.random.default_rng(3)
    difference = (gallery.photos["siam"] - gallery.photos["baseline"]).to_numpy(dtype=float)
    east = WEST + (EAST - WEST) * np.argsort(np.argsort(difference)) / (len(difference) - 1)
    north = random.uniform(SOUTH, NORTH, len(difference))
    places = [(float(y), float(x)) for x, y in zip(east, north, strict=True)]
    places[-UNPLACED:] = [(None, None)] * UNPLACED
    entries = [
        replace(entry, latitude=latitude, longitude=longitude)
        for entry, (latitude, longitude) in zip(entries_of(gallery), places, strict=True)
    ]
    write(folder, gallery.about, entries)
    return folder


def read_placed(base: Path) -> Cases:
    """Write the gallery below `base` and return its cases."""
    return read_cases(read(placed_gallery(base)))


def repeated(cases: Cases, count: int) -> Cases:
    """Return so many photos, those of `cases` again and again, at random places in the south of Europe."""
    rows = np.arange(count) % len(cases.table)
    random = np.random.default_rng(7)
    table = cases.table.iloc[rows].reset_index(drop=True)
    table = table.assign(longitude=random.uniform(0, 20, count), latitude=random.uniform(40, 50, count))
    gallery = replace(cases.gallery, contributions=cases.gallery.contributions[rows])
    return replace(cases, table=pd.DataFrame(table), gallery=gallery)
