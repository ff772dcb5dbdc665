"""Things that stand in a landscape by chance: often where they are expected, now and then where they are not.

Without the latter, a network could recognise wires by the road below them, and sand by the sea.
"""

import numpy as np

from siam.worlds.landscapes.ground.terrain import Course
from siam.worlds.landscapes.plan import Plan, Strip, Thing

_WALKED = ("alpine_lake", "alpine_valley", "moor", "woodland", "cliffs", "meadow", "river", "ruins", "snowfield")
_BUILT = ("village", "roadside", "industry", "building_site", "railway")
_FIELDS = ("farmland", "meadow")
_DUMPS = ("wasteland", "building_site", "industry")
_SHORES = ("beach", "cliffs", "alpine_lake")

# name: (usual places, chance there, chance elsewhere, nearest and farthest metres)
EXTRAS: dict[str, tuple[tuple[str, ...], float, float, float, float]] = {
    "walker": (_WALKED, 0.26, 0.05, 7, 30),
    "walkers": (_WALKED, 0.24, 0.04, 8, 32),
    "group": (("village", "beach", "ruins"), 0.22, 0.05, 8, 26),
    "picnic": (("meadow", "beach", "river"), 0.16, 0.04, 8, 22),
    "spectators": (("ruins", "railway"), 0.10, 0.02, 12, 35),
    "car": (_BUILT, 0.30, 0.04, 9, 45),
    "van": (_BUILT, 0.12, 0.01, 10, 45),
    "lorry": (_BUILT, 0.10, 0.01, 14, 55),
    "bus": (("village", "roadside"), 0.12, 0.01, 14, 55),
    "parked_cars": (_BUILT, 0.16, 0.02, 14, 50),
    "vintage_tram": (("village",), 0.14, 0.015, 12, 40),
    "train": (("railway",), 0.45, 0.0, 15, 60),
    "tractor": (_FIELDS, 0.22, 0.01, 12, 45),
    "plough": (("farmland",), 0.16, 0.0, 14, 50),
    "car_wreck": (_DUMPS, 0.14, 0.025, 9, 35),
    "phone_box": (("village", "roadside"), 0.20, 0.02, 9, 25),
    "sailing_boat": (_SHORES, 0.30, 0.0, 30, 220),
    "rowing_boat": (_SHORES, 0.24, 0.0, 20, 60),
    "ferry": (("beach", "cliffs"), 0.12, 0.0, 120, 400),
    "fishing_boat": (_SHORES, 0.16, 0.0, 30, 120),
    "digger": (_DUMPS, 0.20, 0.022, 12, 45),
    "pit_with_heap": (_DUMPS, 0.16, 0.018, 10, 35),
    "roadworks": (("roadside", "village"), 0.16, 0.01, 10, 30),
    "crane": (("building_site", "industry"), 0.3, 0.01, 40, 120),
    "ruin": (("moor", "cliffs"), 0.12, 0.02, 20, 60),
    "castle_tower": (("moor", "cliffs"), 0.10, 0.015, 30, 90),
    "temple": ((), 0.0, 0.014, 20, 60),
    "pagoda": (("alpine_lake",), 0.08, 0.012, 25, 70),
    "chapel": (("alpine_valley", "meadow"), 0.10, 0.01, 25, 90),
    "rubbish_heap": (_DUMPS, 0.25, 0.03, 8, 28),
    "scrap_metal": (_DUMPS, 0.25, 0.02, 9, 30),
    "pallets": (_DUMPS, 0.22, 0.015, 9, 30),
    "log_pile": (("woodland", "alpine_valley"), 0.25, 0.04, 9, 32),
    "fallen_trunk": (("woodland", "river"), 0.25, 0.05, 6, 22),
    "wooden_cabin": (("alpine_valley", "snowfield"), 0.2, 0.04, 18, 60),
    "tent": (("alpine_lake", "meadow"), 0.10, 0.03, 9, 28),
    "tents_group": (("meadow", "beach"), 0.08, 0.02, 14, 40),
    "washing_line": (("village",), 0.25, 0.02, 10, 28),
    "flags": (("ruins", "beach"), 0.12, 0.02, 12, 35),
    "parasols": (("beach",), 0.25, 0.01, 10, 35),
    "hay_bales": (_FIELDS, 0.28, 0.015, 12, 45),
    "boulder": (_WALKED, 0.14, 0.05, 6, 25),
    "boulders": (_WALKED, 0.14, 0.04, 8, 35),
    "brick_house": ((), 0.0, 0.05, 22, 90),
    "shingled_cottage": (_FIELDS, 0.20, 0.04, 22, 100),
    "stone_cottage": (("moor", "cliffs"), 0.15, 0.02, 22, 90),
    "metal_shed": (("farmland",), 0.15, 0.015, 25, 90),
    "rusty_barn": (("farmland", "steppe"), 0.14, 0.02, 20, 80),
    "greenhouse": (("farmland",), 0.14, 0.012, 18, 60),
    "glass_hall": ((), 0.0, 0.012, 25, 80),
    "office_block": ((), 0.0, 0.012, 40, 120),
    "scaffolded_house": (("village",), 0.12, 0.01, 20, 60),
    "litter": (_WALKED, 0.13, 0.08, 6, 13),
}
AFLOAT = ("sailing_boat", "rowing_boat", "ferry", "fishing_boat")
CHARMING = ("sailing_boat", "rowing_boat", "fishing_boat", "vintage_tram", "phone_box")

_LINES: dict[str, tuple[tuple[str, ...], float, float, float, float]] = {
    "pylon_line": (("farmland", "roadside"), 0.12, 0.05, 45, 220),
    "pole_line": (("village", "railway"), 0.2, 0.05, 10, 45),
    "wooden_fence": (_FIELDS, 0.22, 0.07, 7, 28),
    "wire_fence": (("railway", "farmland"), 0.2, 0.05, 7, 26),
    "railing": (_BUILT, 0.14, 0.03, 8, 24),
    "picket_fence": (("village",), 0.25, 0.02, 8, 24),
    "stone_wall": (("moor", "ruins", "farmland"), 0.22, 0.03, 8, 32),
}
_MOST = 7  # things that are added


def add_extras(plan: Plan, generator: np.random.Generator) -> None:
    """Add to a plan the things that stand there by chance, and the strengths of nuances without an attribute."""
    chosen = [name for name, rule in EXTRAS.items() if generator.random() < _chance(plan, rule)]
    for name in generator.permutation(chosen)[:_MOST].tolist():
        _places, _usual, _other, near, far = EXTRAS[name]
        plan.things.append(Thing(name, near=near, far=far, afloat=name in AFLOAT))
    for name, rule in _LINES.items():
        if generator.random() < _chance(plan, rule):
            plan.lines.append((name, float(generator.uniform(*rule[3:]))))
    if generator.random() < 0.10:  # a road or railway where there is none
        _add_strip(plan, generator)


def _chance(plan: Plan, rule: tuple[tuple[str, ...], float, float, float, float]) -> float:
    return rule[1] if plan.place in rule[0] else rule[2]


def _add_strip(plan: Plan, generator: np.random.Generator) -> None:
    if plan.water == "river":
        return
    kind, width = [("road", 6.0), ("rails", 4.2), ("path", 1.6)][int(generator.integers(3))]
    start, slope = float(generator.uniform(13, 40)), float(generator.uniform(-0.15, 0.15))
    plan.strips.append(Strip(Course(True, start, slope, 2.0, 50.0, float(generator.uniform(0, 6)), width), kind))
