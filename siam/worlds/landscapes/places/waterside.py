"""Landscapes by the water: lakes, rivers, beaches and cliffs."""

import numpy as np

from siam.worlds.landscapes.ground.terrain import Mountains, Shape
from siam.worlds.landscapes.places.wild import BROADLEAVES, CONIFERS, course_ahead, mountain_layers, peaks_of
from siam.worlds.landscapes.plan import Layer, Plan, Strip, Wood

_Generator = np.random.Generator


def alpine_lake(generator: _Generator) -> Plan:
    """A lake in front of mountains."""
    peaks = peaks_of(generator)
    near = generator.uniform(14, 30)
    deep = generator.uniform(70, 220)
    lake = (generator.uniform(-30, 30), near + deep, generator.uniform(90, 300), deep)
    layers = [Layer("meadow"), Layer("scree", patches=(0.8, 1.3), patch_length=18), *mountain_layers(peaks.height)]
    kinds = CONIFERS if generator.random() < 0.7 else (*CONIFERS, "birch")
    woods = [Wood(kinds, 330, (-0.4, 0.2), lake[1] + deep, 1400), Wood(kinds, 5, None, 14, 40, (5, 11))]
    return Plan(
        "alpine_lake", Shape(lake=lake, level=1.5, rolling=9, mountains=peaks), layers, generator.uniform(1.8, 5),
        generator.uniform(0.40, 0.55), "lake", generator.uniform(0, 0.7), woods=woods,
        flowers=float(generator.random() < 0.3) * generator.uniform(0.2, 0.7),
    )  # fmt: skip


def beach(generator: _Generator) -> Plan:
    """A beach, with dunes and the sea to the horizon."""
    shore = generator.uniform(18, 55)
    headland = generator.choice([0.0, -1.0, 1.0]) * generator.uniform(100, 500)
    layers = [
        Layer("sand"), Layer("wet_sand", high=(0.35, 0.18)), Layer("heath", patches=(0.3, 0.7), high=(2.2, 3.2),
              patch_length=12), Layer("meadow", far=(90, 150), high=(1.5, 3.5)),
    ]  # fmt: skip
    if generator.random() < 0.35:
        layers.append(Layer("scree", patches=(0.9, 1.2), patch_length=9))
    woods = [Wood(("pine", "oak"), 120, (0.3, 0.8), 70, 700)] if headland else []
    shape = Shape(shore=shore, headland=headland, rolling=generator.uniform(3, 8), rolling_length=70, level=3.0)
    return Plan(
        "beach", shape, layers, generator.uniform(1.7, 6), generator.uniform(0.36, 0.5), "sea",
        generator.uniform(0, 0.9), woods=woods, tufts=False,
    )  # fmt: skip


def cliffs(generator: _Generator) -> Plan:
    """A grassy coast that ends in cliffs over the sea."""
    shore = generator.uniform(30, 80)
    headland = generator.choice([-1.0, 1.0]) * generator.uniform(200, 600)
    layers = [
        Layer("meadow"), Layer("heath", patches=(0.2, 0.8), patch_length=20), Layer("rock", steep=(0.35, 0.55)),
        Layer("scree", patches=(1.2, 1.6), patch_length=7),
    ]  # fmt: skip
    shape = Shape(
        shore=shore, headland=headland, cliff=generator.uniform(14, 45), rolling=generator.uniform(5, 12),
        rolling_length=120, level=8.0,
    )  # fmt: skip
    course = course_ahead(generator, 1.4, end=shore * 0.8)
    strips = [Strip(course, "path")] if generator.random() < 0.5 else []
    return Plan(
        "cliffs", shape, layers, generator.uniform(2, 6), generator.uniform(0.36, 0.48), "sea",
        generator.uniform(0.1, 1), strips=strips, flowers=float(generator.random() < 0.35) * 0.5,
    )  # fmt: skip


def river(generator: _Generator) -> Plan:
    """A river between meadows and woods: calm, or with rapids."""
    course = course_ahead(generator, generator.uniform(6, 16))
    calm = generator.random() < 0.35
    layers = [
        Layer("meadow"), Layer("scree", high=(0.45, 0.2), share=0.9), Layer("wood", patches=(-0.1, 0.4), far=(70, 130),
              patch_length=120), Layer("heath", patches=(0.9, 1.4), patch_length=30),
    ]  # fmt: skip
    kinds = BROADLEAVES if generator.random() < 0.7 else ("autumn", "birch", "oak")
    woods = [Wood(kinds, 330, (-0.2, 0.3), 45, 900), Wood(kinds, 4, None, 14, 40, (6, 12))]
    hills = Mountains(generator.uniform(150, 500), 400, ruggedness=0.2)
    shape = Shape(
        rolling=generator.uniform(8, 18), river=course, level=2.5, mountains=hills if generator.random() < 0.6 else None
    )
    plan = Plan(
        "river", shape, layers, generator.uniform(2, 5), generator.uniform(0.38, 0.5), "river", woods=woods,
        flowers=float(generator.random() < 0.3) * 0.5,
    )  # fmt: skip
    plan.wind = 0.1 if calm else 1.0
    return plan
