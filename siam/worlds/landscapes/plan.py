"""The plan of a scene: everything decided before painting starts."""

from dataclasses import dataclass, field

import numpy as np

from siam.worlds.landscapes.ground.terrain import Course, Shape
from siam.worlds.landscapes.paint.noise import smoothstep


@dataclass(frozen=True)
class Layer:
    """A material on part of the land; every rule is (from, to) of a smooth rise, or None.

    Attributes:
        material: a key of `ground.MATERIALS`.
        patches: rule on a noise with patches of `patch_length` metres and standard deviation 1.
        far: rule on the distance in metres.
        high: rule on the height in metres.
        steep: rule on the sine of the slope.
        patch_length: size of the patches in metres.
        share: largest share to cover.
    """

    material: str
    patches: tuple[float, float] | None = None
    far: tuple[float, float] | None = None
    high: tuple[float, float] | None = None
    steep: tuple[float, float] | None = None
    patch_length: float = 60.0
    share: float = 1.0


@dataclass(frozen=True)
class Strip:
    """What runs along a course: its surface, and its furniture.

    Attributes:
        course: the strip's course.
        kind: "path", "road", "rails" or "track" of earth.
    """

    course: Course
    kind: str


@dataclass(frozen=True)
class Wood:
    """Trees over part of the land.

    Attributes:
        kinds: keys of `plants.LEAVES`.
        count: number of trees.
        patches: where they stand, a rule as in `Layer`.
        near: metres from which they stand.
        far: metres up to which they stand.
        height: heights of the smallest and tallest, in metres.
    """

    kinds: tuple[str, ...]
    count: int
    patches: tuple[float, float] | None = None
    near: float = 60.0
    far: float = 1500.0
    height: tuple[float, float] = (9.0, 18.0)


@dataclass(frozen=True)
class Thing:
    """An object of a scene: its name in `things.THINGS`, and where it stands (metres, radians); z None for anywhere."""

    name: str
    x: float | None = None
    z: float | None = None
    turn: float | None = None
    near: float = 14.0
    far: float = 70.0
    afloat: bool = False


@dataclass
class Plan:
    """A scene before it is painted.

    Attributes:
        place: the kind of landscape.
        shape: shape of the land.
        eye: height of the camera above the land, in metres.
        horizon: row of the horizon as a share of the picture.
        layers: materials, each over the ones before it.
        water: "sea", "lake", "river" or "".
        wind: from 0, calm, to 1: swell of the sea, ripples of a lake.
        strips: roads, paths and railways.
        woods: trees.
        flowers: density of flowers in the nearest meadow, 0 to 1.
        tufts: whether blades of grass are drawn in the foreground.
        things: objects.
        lines: names in `things.LINES`, each with the metres ahead where it passes.
        nuances: strengths (0 to 1) of causes without an attribute, as far as the plan decides them.
    """

    place: str
    shape: Shape
    layers: list[Layer]
    eye: float = 2.0
    horizon: float = 0.42
    water: str = ""
    wind: float = 0.2
    strips: list[Strip] = field(default_factory=list)
    woods: list[Wood] = field(default_factory=list)
    flowers: float = 0.0
    tufts: bool = True
    things: list[Thing] = field(default_factory=list)
    lines: list[tuple[str, float]] = field(default_factory=list)
    nuances: dict[str, float] = field(default_factory=dict)


def share_of(layer: Layer, z: np.ndarray, height: np.ndarray, steep: np.ndarray, noise: np.ndarray) -> np.ndarray:
    """Return the share (n,) of each place that a layer covers, given distance, height, slope and noise (n,) there."""
    share = np.full(z.shape, layer.share, dtype=np.float32)
    for rule, value in ((layer.patches, noise), (layer.far, z), (layer.high, height), (layer.steep, steep)):
        if rule is not None:
            share *= smoothstep(value, *rule)
    return share
