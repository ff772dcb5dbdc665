"""The kinds of landscape, by name. A new one is a function that draws its plan, and a line of `PLACES`."""

from collections.abc import Callable

import numpy as np

from siam.worlds.landscapes.places import built, waterside, wild
from siam.worlds.landscapes.plan import Plan

PLACES: dict[str, tuple[Callable[[np.random.Generator], Plan], float]] = {  # and how often each comes, as a weight
    "alpine_lake": (waterside.alpine_lake, 1.6),
    "alpine_valley": (wild.alpine_valley, 1.4),
    "snowfield": (wild.snowfield, 1.1),
    "beach": (waterside.beach, 1.3),
    "cliffs": (waterside.cliffs, 1.1),
    "river": (waterside.river, 1.4),
    "meadow": (wild.meadow, 1.2),
    "farmland": (wild.farmland, 1.4),
    "woodland": (wild.woodland, 1.2),
    "moor": (wild.moor, 1.0),
    "steppe": (wild.steppe, 1.1),
    "village": (built.village, 1.3),
    "roadside": (built.roadside, 1.1),
    "railway": (built.railway, 1.1),
    "industry": (built.industry, 1.0),
    "building_site": (built.building_site, 0.9),
    "wasteland": (built.wasteland, 0.9),
    "ruins": (wild.ruins, 1.2),
}
