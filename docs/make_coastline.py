"""Writes the coastline of the page Map: `python -m docs.make_coastline land-50m.json`.

The file is that of the npm package world-atlas: land of Natural Earth, 1:50 million, as TopoJSON.
"""

import json
import sys
from pathlib import Path

import numpy as np

from siam.drawing.coastline import FILE, PER_DEGREE

_CUT = 179.99  # degrees: lines along the antimeridian and at the pole are no coast
_POLE = -89.9


def main(source: Path) -> None:
    """Convert a file of world-atlas: differences of hundredths of degrees, line after line."""
    topology = json.loads(source.read_text(encoding="utf-8"))
    scale, origin = (np.array(topology["transform"][name]) for name in ("scale", "translate"))
    lines = [part for arc in topology["arcs"] for part in _coasts(np.cumsum(np.array(arc), axis=0) * scale + origin)]
    places = [np.round(line * PER_DEGREE).astype(np.int16) for line in lines]
    steps = np.concatenate([np.diff(line, axis=0, prepend=np.zeros((1, 2), np.int16)) for line in places])
    FILE.parent.mkdir(exist_ok=True)
    np.savez_compressed(FILE, steps=steps.astype(np.int16), lengths=np.array([*map(len, places)], dtype=np.int32))


def _coasts(line: np.ndarray) -> list[np.ndarray]:
    """Return a line (n, 2) of longitudes and latitudes without its cuts at the antimeridian and the pole."""
    cut = (np.abs(line[:, 0]) > _CUT) | (line[:, 1] < _POLE)
    jumps = np.abs(np.diff(line[:, 0])) > 180
    along = np.flatnonzero(jumps | (cut[1:] & cut[:-1])) + 1
    return [part for part in np.split(line, along) if len(part) > 1]


if __name__ == "__main__":
    main(Path(sys.argv[1]))
