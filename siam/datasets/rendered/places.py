"""The kinds of landscape, by name."""

from collections.abc import Callable

import numpy as np

from siam.datasets.rendered import built_places, water_places, wild_places
from siam.datasets.rendered.plan import Plan

PLACES: dict[str, tuple[Callable[[np.random.Generator], Plan], float]] = {  # and how often each comes, as a weight
    "alpine_lake": (water_places.alpine_lake, 1.6),
    "alpine_valley": (wild_places.alpine_valley, 1.4),
    "snowfield": (wild_places.snowfield, 1.1),
    "beach": (water_places.beach, 1.3),
    "cliffs": (water_places.cliffs, 1.1),
    "river": (water_places.river, 1.4),
    "meadow": (wild_places.meadow, 1.2),
    "farmland": (wild_places.farmland, 1.4),
    "woodland": (wild_places.woodland, 1.2),
    "moor": (wild_places.moor, 1.0),
    "steppe": (wild_places.steppe, 1.1),
    "village": (built_places.village, 1.3),
    "roadside": (built_places.roadside, 1.1),
    "railway": (built_places.railway, 1.1),
    "industry": (built_places.industry, 1.0),
    "building_site": (built_places.building_site, 0.9),
    "wasteland": (built_places.wasteland, 0.9),
    "ruins": (wild_places.ruins, 1.2),
}
