"""The pot with its soil and saucer, standing on the table at height 0."""

from typing import NamedTuple

import numpy as np

from siam.worlds.flowers.meshes import BAND, POT, SOIL, Mesh, join, turned
from siam.worlds.flowers.traits import Traits


class Pot(NamedTuple):
    """A pot: its surfaces, and the heights of soil and rim."""

    mesh: Mesh
    soil: float
    rim: float


def throw(traits: Traits, generator: np.random.Generator) -> Pot:
    """Return the pot of a flower; the generator makes the soil uneven."""
    low = 0.035 if traits.saucer else 0.0
    foot, mouth = traits.pot_foot, traits.pot_foot * traits.pot_flare
    rim = low + traits.pot_height
    lip, soil = rim - 0.17, rim - 0.09
    t = np.linspace(0, 1, 9)
    wall = foot + (mouth - foot) * t + traits.pot_bulge * np.sin(np.pi * t)
    rounding = np.linspace(-np.pi / 2, np.pi / 2, 9)
    outside = np.sign(np.sin(rounding)) * np.abs(np.sin(rounding)) ** 0.35  # a band with rounded edges
    lip_radius = mouth + 0.045 * np.cos(rounding) ** 0.35
    meshes = [
        turned(wall, low + (lip - low) * t, BAND),
        turned(lip_radius, (lip + rim) / 2 + (rim - lip) / 2 * outside, POT),
        turned(np.array([mouth, mouth - 0.05]), np.array([rim, rim]), POT),
        turned(np.array([mouth - 0.05, mouth - 0.06]), np.array([rim, soil - 0.05]), POT),
        _soil(mouth - 0.05, soil, generator),
    ]
    if traits.saucer:
        edge = foot + 0.17
        meshes += [
            turned(np.array([edge - 0.05, edge - 0.02, edge, edge + 0.01]), np.array([0.0, 0.025, 0.07, 0.105]), POT),
            turned(np.array([edge + 0.01, edge - 0.03]), np.array([0.105, 0.105]), POT, 49),
            turned(np.array([edge - 0.03, edge - 0.05, foot - 0.05]), np.array([0.105, 0.035, 0.035]), POT),
        ]
    return Pot(join(meshes), soil, rim)


def _soil(radius: float, height: float, generator: np.random.Generator) -> Mesh:
    """Return an uneven disc that rises a little towards the stem."""
    rings, columns = 12, 49
    radii = np.linspace(radius, 0, rings)
    disc = turned(radii, height + 0.025 * (1 - radii / radius), SOIL, columns)
    lumps = generator.normal(0, 0.012, (rings, columns))
    lumps[:, -1], lumps[-1] = lumps[:, 0], 0.0
    disc.points[:, 1] += lumps.ravel()
    tilt = generator.normal(0, 0.22, (rings, columns, 3))
    tilt[:, -1] = tilt[:, 0]
    disc.normals[:] += tilt.reshape(-1, 3)
    disc.normals[:] /= np.linalg.norm(disc.normals, axis=1, keepdims=True)
    disc.surface[:, 2] = generator.uniform(0.7, 1.3, rings * columns)
    return disc
