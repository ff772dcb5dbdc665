"""Built-up landscapes: what their land is like, and what stands along roads and railways."""

import numpy as np

from siam.worlds.landscapes.ground.terrain import Mountains, Shape
from siam.worlds.landscapes.places.wild import BROADLEAVES, course_ahead
from siam.worlds.landscapes.plan import Layer, Plan, Strip, Thing, Wood

_Generator = np.random.Generator


def _settled(generator: _Generator, place: str, kind: str, width: float, houses: tuple[str, ...], count: int,
             ground: str = "lawn", along: float = 0.5) -> Plan:  # fmt: skip
    """Return land with a road or railway, and buildings on both sides of it."""
    course = course_ahead(generator, width, across=generator.random() > along)
    layers = [Layer("meadow"), Layer(ground, patches=(-0.8, -0.4), patch_length=70), Layer("wood", patches=(0.6, 0.9),
              far=(180, 320), patch_length=200)]  # fmt: skip
    woods = [Wood(BROADLEAVES, 110, (0.4, 0.7), 110, 1000), Wood(BROADLEAVES, 6, None, 18, 90, (6, 12))]
    things = [Thing(str(generator.choice(houses)), near=18, far=100) for _number in range(count)]
    hills = Mountains(generator.uniform(150, 700), 900, ruggedness=0.3)
    shape = Shape(
        rolling=generator.uniform(2, 9), flat=(course,), mountains=hills if generator.random() < 0.4 else None
    )
    return Plan(
        place, shape, layers, generator.uniform(1.8, 5), generator.uniform(0.38, 0.5), strips=[Strip(course, kind)],
        woods=woods, things=things,
    )  # fmt: skip


def village(generator: _Generator) -> Plan:
    """Houses along a road."""
    houses = (
        "brick_house",
        "brick_house",
        "shingled_cottage",
        "shingled_cottage",
        "stone_cottage",
        "brick_terrace",
        "chapel",
    )
    return _settled(generator, "village", "road", 5.5, houses, int(generator.integers(3, 8)))


def roadside(generator: _Generator) -> Plan:
    """Open land with a road through it."""
    plan = _settled(
        generator, "roadside", "road", 6.5, ("shingled_cottage", "metal_shed"), int(generator.integers(0, 2))
    )
    plan.lines += [("pylon_line", generator.uniform(60, 200))] * bool(generator.random() < 0.5)
    plan.lines += [("pole_line", generator.uniform(12, 40))] * bool(generator.random() < 0.4)
    return plan


def railway(generator: _Generator) -> Plan:
    """A railway line."""
    plan = _settled(
        generator, "railway", "rails", 4.2, ("brick_house", "metal_shed"), int(generator.integers(0, 3)), along=0.7
    )
    plan.lines += [("pole_line", generator.uniform(10, 30))] * bool(generator.random() < 0.5)
    return plan


def industry(generator: _Generator) -> Plan:
    """Sheds, halls and offices on concrete."""
    houses = ("metal_shed", "metal_shed", "glass_hall", "office_block", "silo", "rusty_barn")
    plan = _settled(generator, "industry", "road", 6.5, houses, int(generator.integers(3, 6)), "concrete")
    plan.lines += [("pylon_line", generator.uniform(60, 200))] * bool(generator.random() < 0.4)
    return plan


def building_site(generator: _Generator) -> Plan:
    """A building site: scaffolds, diggers, mud."""
    plan = _settled(generator, "building_site", "track", 4.0, ("scaffolded_house", "brick_house"), 2, "mud")
    plan.things += [Thing(name, near=12, far=40) for name in ("digger", "pit_with_heap", "pallets", "roadworks")]
    plan.flowers = 0.0
    return plan


def wasteland(generator: _Generator) -> Plan:
    """A tip: rubbish, scrap and mud."""
    plan = _settled(generator, "wasteland", "track", 3.0, ("rusty_barn", "metal_shed"), 1, "mud")
    names = ("rubbish_heap", "scrap_metal", "car_wreck", "pallets", "rubbish_heap", "car_wreck")
    plan.things += [Thing(str(name), near=9, far=40) for name in generator.permutation(names)[:4]]
    return plan
