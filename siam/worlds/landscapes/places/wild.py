"""Wild and farmed landscapes: what their land is like, what grows on it and what crosses it."""

import numpy as np

from siam.worlds.landscapes.ground.terrain import Course, Mountains, Shape
from siam.worlds.landscapes.plan import Layer, Plan, Strip, Thing, Wood

_Generator = np.random.Generator
CONIFERS, BROADLEAVES = ("spruce", "pine"), ("oak", "beech", "birch")


def course_ahead(generator: _Generator, width: float, *, across: bool = False, **settings: float) -> Course:
    """Return a course that leads ahead from near the middle of the foreground, or crosses the picture."""
    if across:
        start, slope = generator.uniform(16, 45), generator.uniform(-0.12, 0.12)
    else:
        start, slope = generator.uniform(-2.5, 2.5), generator.uniform(-0.22, 0.22)
    bend, period = generator.uniform(0, 9), generator.uniform(22, 60)
    phase = generator.uniform(0, 2 * np.pi)
    if across:
        bend *= 0.25
    return Course(across, start, slope, bend, period, phase, width, **settings)


def mountain_layers(top: float) -> list[Layer]:
    """Return the cover of mountains of a height: alpine meadow, with woods below, rock and snow above."""
    return [
        Layer("alp", far=(500, 900)),
        Layer("needles", patches=(-0.6, 0.0), far=(350, 700), high=(0.42 * top, 0.30 * top), patch_length=500),
        Layer("rock", far=(700, 1200), steep=(0.45, 0.62)),
        Layer("rock", far=(700, 1200), high=(0.45 * top, 0.60 * top)),
        Layer("far_snow", patches=(-1.6, -0.4), far=(700, 1200), high=(0.50 * top, 0.70 * top), patch_length=180),
    ]


def peaks_of(generator: _Generator) -> Mountains:
    """Return high, rugged mountains."""
    return Mountains(
        height=generator.uniform(1100, 2300),
        begin=generator.uniform(500, 1300),
        over=generator.uniform(2500, 5000),
        ruggedness=generator.uniform(0.6, 1.0),
    )


def alpine_valley(generator: _Generator) -> Plan:
    """Meadows below mountains, with a path or a stream."""
    peaks = peaks_of(generator)
    layers = [Layer("meadow"), Layer("scree", patches=(1.0, 1.5), patch_length=15), *mountain_layers(peaks.height)]
    stream = generator.random() < 0.35
    path = generator.random() < 0.55
    course = course_ahead(generator, generator.uniform(3.5, 8) if stream else 1.6)
    flat = () if stream else (course,) if path else ()
    shape = Shape(
        rolling=generator.uniform(8, 25), river=course if stream else None, level=2.5 if stream else 0.0, flat=flat,
        mountains=peaks,
    )  # fmt: skip
    woods = [Wood(CONIFERS, 260, (0.1, 0.6), 90, 1300), Wood(CONIFERS, 4, None, 16, 45, (6, 12))]
    return Plan(
        "alpine_valley", shape, layers, generator.uniform(1.7, 3.5), generator.uniform(0.42, 0.55),
        "river" if stream else "", strips=[] if stream or not path else [Strip(course, "path")], woods=woods,
        flowers=float(generator.random() < 0.5) * generator.uniform(0.2, 0.9),
    )  # fmt: skip


def snowfield(generator: _Generator) -> Plan:
    """Winter: snow over everything, woods, often mountains."""
    peaks = peaks_of(generator) if generator.random() < 0.7 else None
    layers = [Layer("snow")]
    if peaks:
        layers += [
            Layer("far_snow", far=(600, 1000)), Layer("rock", far=(700, 1200), steep=(0.62, 0.78)),
            Layer("rock", patches=(0.9, 1.3), far=(700, 1200), patch_length=90),
        ]  # fmt: skip
    layers.insert(1, Layer("steppe", patches=(1.3, 1.6), patch_length=14, share=0.8))
    woods = [
        Wood(("spruce",), int(generator.integers(60, 380)), (-0.3, 0.4), 70, 1200),
        Wood(("spruce", "birch"), int(generator.integers(0, 6)), None, 16, 45, (6, 12)),
    ]
    course = course_ahead(generator, 1.8)
    strips = [Strip(course, "path")] if generator.random() < 0.35 else []
    shape = Shape(rolling=generator.uniform(5, 20), flat=(course,) if strips else (), mountains=peaks)
    return Plan(
        "snowfield", shape, layers, generator.uniform(1.7, 4), generator.uniform(0.38, 0.52), woods=woods,
        strips=strips, tufts=False,
    )  # fmt: skip


def meadow(generator: _Generator) -> Plan:
    """Rolling meadows with flowers, single trees and woods."""
    layers = [Layer("meadow"), Layer("lawn", patches=(0.2, 0.8), patch_length=90), Layer("wood", patches=(0.6, 0.8),
              far=(150, 300), patch_length=200)]  # fmt: skip
    woods = [Wood(BROADLEAVES, 170, (0.5, 0.7), 110, 1300), Wood(BROADLEAVES, 5, None, 18, 70, (7, 14))]
    path = generator.random() < 0.4
    course = course_ahead(generator, 1.5)
    hills = Mountains(generator.uniform(200, 600), 900, ruggedness=0.2)
    shape = Shape(
        rolling=generator.uniform(6, 26), rolling_length=generator.uniform(150, 350), flat=(course,) if path else (),
        mountains=hills if generator.random() < 0.4 else None,
    )  # fmt: skip
    return Plan(
        "meadow", shape, layers, generator.uniform(1.7, 4), generator.uniform(0.38, 0.52),
        strips=[Strip(course, "path")] if path else [], woods=woods,
        flowers=float(generator.random() < 0.65) * generator.uniform(0.3, 1),
    )  # fmt: skip


def farmland(generator: _Generator) -> Plan:
    """Fields in plots, hedges and farm tracks."""
    crops = generator.permutation(["crop", "wheat", "ploughed", "rape", "crop", "wheat"])[:4]
    low = np.linspace(-1.2, 1.0, len(crops))
    layers = [Layer("meadow")]
    layers += [
        Layer(str(name), patches=(edge, edge + 0.04), far=(10, 14), patch_length=150)
        for name, edge in zip(crops, low, strict=True)
    ]
    layers.append(Layer("wood", patches=(1.1, 1.2), far=(200, 400), patch_length=160))
    woods = [Wood(BROADLEAVES, 130, (1.0, 1.2), 140, 1300), Wood(BROADLEAVES, 4, None, 30, 110, (7, 13))]
    track = generator.random() < 0.5
    course = course_ahead(generator, 2.6)
    shape = Shape(
        rolling=generator.uniform(5, 20), rolling_length=generator.uniform(220, 450), flat=(course,) if track else ()
    )
    return Plan(
        "farmland", shape, layers, generator.uniform(2, 7), generator.uniform(0.36, 0.48),
        strips=[Strip(course, "track")] if track else [], woods=woods,
    )  # fmt: skip


def woodland(generator: _Generator) -> Plan:
    """In the woods: a clearing or a path between trees."""
    kinds = [CONIFERS, BROADLEAVES, ("autumn", "beech", "oak"), ("birch", "spruce")][int(generator.integers(4))]
    course = course_ahead(generator, 1.7)
    layers = [Layer("meadow"), Layer("floor", patches=(-0.9, 0.2), patch_length=16, share=0.9),
              Layer("needles", far=(60, 120))]  # fmt: skip
    woods = [Wood(kinds, 260, None, 35, 400, (12, 22)), Wood(kinds, 24, None, 15, 40, (9, 19))]
    shape = Shape(
        rolling=generator.uniform(5, 20), rolling_length=120, flat=(course,), valley=generator.uniform(0, 0.2)
    )
    return Plan(
        "woodland", shape, layers, generator.uniform(1.6, 2.4), generator.uniform(0.40, 0.52),
        strips=[Strip(course, "path")] if generator.random() < 0.6 else [], woods=woods,
        flowers=float(generator.random() < 0.25) * 0.6,
    )  # fmt: skip


def moor(generator: _Generator) -> Plan:
    """Heath and bare hills with rocks."""
    layers = [Layer("heath"), Layer("scree", patches=(0.8, 1.1), patch_length=14), Layer("alp", far=(400, 800)),
              Layer("rock", far=(400, 800), steep=(0.30, 0.45))]  # fmt: skip
    course = course_ahead(generator, 1.5)
    path = generator.random() < 0.5
    shape = Shape(
        rolling=generator.uniform(12, 35), rolling_length=260, flat=(course,) if path else (),
        mountains=Mountains(generator.uniform(300, 900), 500, ruggedness=0.7),
    )  # fmt: skip
    return Plan(
        "moor", shape, layers, generator.uniform(1.8, 4), generator.uniform(0.38, 0.5),
        strips=[Strip(course, "path")] if path else [], flowers=float(generator.random() < 0.3) * 0.7,
    )  # fmt: skip


def steppe(generator: _Generator) -> Plan:
    """Dry land: parched grass, bare earth, table mountains."""
    layers = [Layer("steppe"), Layer("earth", patches=(-0.5, 0.1), patch_length=40), Layer("rock", far=(500, 900),
              steep=(0.3, 0.5)), Layer("scree", patches=(1.3, 1.6), patch_length=9)]  # fmt: skip
    hills = Mountains(generator.uniform(300, 1000), 700, ruggedness=0.9)
    shape = Shape(rolling=generator.uniform(3, 16), mountains=hills if generator.random() < 0.6 else None)
    course = course_ahead(generator, 2.8)
    return Plan(
        "steppe", shape, layers, generator.uniform(1.7, 5), generator.uniform(0.36, 0.5),
        strips=[Strip(course, "track")] if generator.random() < 0.4 else [],
        woods=[Wood(("bush", "pine"), int(generator.integers(2, 22)), None, 18, 160, (1.2, 4))],
    )  # fmt: skip


def ruins(generator: _Generator) -> Plan:
    """Old walls or a temple on a green hill."""
    plan = meadow(generator)
    plan.place = "ruins"
    name = str(generator.choice(["ruin", "castle_tower", "temple", "pagoda", "ruin", "temple", "pagoda"]))
    plan.things.append(Thing(name, x=float(generator.uniform(-8, 8)), near=22, far=55))
    return plan
