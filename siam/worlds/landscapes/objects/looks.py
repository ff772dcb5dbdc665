"""How people look, and how they stand, walk or sit."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

Spot = tuple[float, float]  # metres to the right and up in the plane of a figure
TALL = 1.75  # metres: the figure that poses are given for
_SKINS = ((0.86, 0.66, 0.54), (0.78, 0.56, 0.44), (0.55, 0.37, 0.27), (0.36, 0.24, 0.18))
_HAIRS = ((0.12, 0.09, 0.07), (0.28, 0.17, 0.10), (0.62, 0.47, 0.25), (0.55, 0.53, 0.50), (0.42, 0.20, 0.10))
_TOPS = ((0.78, 0.16, 0.14), (0.14, 0.34, 0.66), (0.88, 0.86, 0.82), (0.92, 0.66, 0.12), (0.20, 0.46, 0.32),
         (0.56, 0.24, 0.52), (0.90, 0.42, 0.16), (0.24, 0.26, 0.30), (0.36, 0.62, 0.76))  # fmt: skip
_TROUSERS = ((0.16, 0.20, 0.32), (0.26, 0.34, 0.50), (0.44, 0.37, 0.27), (0.16, 0.16, 0.17), (0.38, 0.40, 0.36))
_PACKS = ((0.86, 0.30, 0.10), (0.12, 0.30, 0.62), (0.72, 0.12, 0.16), (0.30, 0.36, 0.16), (0.10, 0.46, 0.46))


class Look(NamedTuple):
    """What a person looks like: height in metres, colours, and clothes."""

    height: float
    skin: np.ndarray
    hair: np.ndarray
    top: np.ndarray
    trousers: np.ndarray
    pack: np.ndarray
    broad: float
    long_hair: bool
    skirt: bool
    hat: bool
    bare_arms: bool


class Pose(NamedTuple):
    """Where knees and feet, elbows and hands are, in metres for a figure of 1.75 m; seen from the side if `side`.

    `view` is -1 for a figure seen from behind, 0 from the side, 1 from the front; `side` is the sign of the direction
    in which a figure seen from the side looks; `down` is by how many metres the hips are lower than when standing.
    """

    legs: tuple[tuple[Spot, Spot], tuple[Spot, Spot]]
    arms: tuple[tuple[Spot, Spot], tuple[Spot, Spot]]
    view: int = 1
    side: int = 1
    down: float = 0.0


def draw_look(generator: np.random.Generator) -> Look:
    """Return a person's look."""

    def one(colours: Sequence[Sequence[float]]) -> np.ndarray:
        return np.array(colours[int(generator.integers(len(colours)))]) * generator.uniform(0.85, 1.1)

    woman = bool(generator.random() < 0.5)
    return Look(
        float(generator.uniform(1.6, 1.74) if woman else generator.uniform(1.7, 1.9)), one(_SKINS), one(_HAIRS),
        one(_TOPS), one(_TROUSERS), one(_PACKS), float(generator.uniform(0.9, 1.12)),
        bool(generator.random() < 0.7) and woman, bool(generator.random() < 0.3) and woman,
        bool(generator.random() < 0.25), bool(generator.random() < 0.4),
    )  # fmt: skip


def standing(generator: np.random.Generator, view: int) -> Pose:
    """Return a standing pose, sometimes with an arm raised or akimbo."""
    arms = []
    for sign in (-1, 1):
        kind, bend = generator.random(), float(generator.uniform(0, 0.05))
        hand = (sign * 0.25, 0.84) if kind < 0.55 else (sign * 0.12, 0.98) if kind < 0.75 else (sign * 0.24, 1.34)
        arms.append(((sign * (0.27 + bend), 1.12 + bend * (kind > 0.75)), hand))
    wide = float(generator.uniform(0.07, 0.14))
    legs = ((-wide, 0.48), (-wide - 0.02, 0.05)), ((wide, 0.48), (wide + 0.02, 0.05))
    return Pose(legs, (arms[0], arms[1]), view, int(generator.choice([-1, 1])))


def walking(generator: np.random.Generator, view: int, side: int) -> Pose:
    """Return a walking pose, with sticks in both hands."""
    stride, left = float(generator.uniform(0.8, 1.1)), int(generator.choice([-1, 1]))
    if view == 0:
        legs = (
            ((-0.05 * side, 0.50), (-0.36 * side * stride, 0.13)),
            ((0.17 * side, 0.50), (0.30 * side * stride, 0.05)),
        )
        return Pose(
            legs, (((-0.13 * side, 1.14), (0.10 * side, 1.0)), ((-0.08 * side, 1.13), (0.26 * side, 1.06))), 0, side
        )
    feet = [0.05 + 0.12 * (sign == left) for sign in (-1, 1)]
    legs = ((-0.10, 0.46 + feet[0] / 2), (-0.11, feet[0])), ((0.10, 0.46 + feet[1] / 2), (0.11, feet[1]))
    return Pose(legs, (((-0.28, 1.14), (-0.27, 1.0)), ((0.28, 1.14), (0.27, 1.0))), view, side)


def sitting(generator: np.random.Generator) -> Pose:
    """Return a pose sitting on the ground."""
    side = int(generator.choice([-1, 1]))
    reach = float(generator.uniform(0.42, 0.6))
    legs = ((0.20 * side, 0.40), (reach * side, 0.07)), ((0.34 * side, 0.34), ((reach + 0.08) * side, 0.06))
    back = bool(generator.random() < 0.5)
    behind = (-0.30 * side, 1.10), (-0.36 * side, 0.86)
    ahead = (0.22 * side, 1.12), (0.34 * side, 1.16)
    return Pose(legs, (behind if back else ((-0.2 * side, 1.1), (0.1 * side, 1.06)), ahead), 0, side, 0.80)
