"""One flower: its picture, and the mask of the part that identifies its class."""

from dataclasses import dataclass
from itertools import count

import numpy as np
from PIL import Image

from siam.datasets.flowers.classes import FlowerClass, Part
from siam.worlds.flowers.light import Light
from siam.worlds.flowers.materials import PARTS, finish
from siam.worlds.flowers.meshes import Mesh, join
from siam.worlds.flowers.plant import grow
from siam.worlds.flowers.pot import throw
from siam.worlds.flowers.raster import NOTHING, rasterise, weights
from siam.worlds.flowers.traits import Traits, draw_traits
from siam.worlds.flowers.view import Camera, aim

LEAST: dict[Part, float] = {"petals": 0.015, "stem": 0.006}  # rough share of the picture that a part must fill
_GLANCE = 128  # side in pixels of the picture that checks this
_SAMPLES = 3  # per pixel, each way
_NOISE = 0.006  # of the sensor, standard deviation


@dataclass(frozen=True, eq=False)
class Flower:
    """A rendered flower.

    Attributes:
        picture: square, RGB.
        mask: (H, W) bool, the pixels that show the class's discriminative part, even if only at an edge: no other pixel
            would change with that part's colour.
        traits: everything that was drawn at random for it.
    """

    picture: Image.Image
    mask: np.ndarray
    traits: Traits


@dataclass(frozen=True)
class _Samples:
    """Where the picture shows the flower: S samples.

    Attributes:
        rows, columns: (S,) of the samples, among `_SAMPLES` times as many as the picture has.
        points, normals, surface: (3, S), float32, as in `Mesh`.
        material: (S,) material numbers.
    """

    rows: np.ndarray
    columns: np.ndarray
    points: np.ndarray
    normals: np.ndarray
    surface: np.ndarray
    material: np.ndarray


def render(seed: int, number: int, size: int, kind: FlowerClass) -> Flower:
    """Render flower `number` of a seed as one of a class; only the class's colours depend on the class.

    Args:
        seed: seed of the flowers, at least 0.
        number: number of the flower, at least 1.
        size: side of the square picture, in pixels.
        kind: the class.
    """
    traits, mesh = pose(seed, number)
    camera = aim(traits, mesh.points, _SAMPLES * size)
    samples = _look(mesh, camera, _SAMPLES * size)
    parts: tuple[Part, ...] = ("petals", "stem")
    look = finish(samples.material, samples.surface, traits, {part: kind.colour_of(part) for part in parts})
    light = Light(traits, mesh)
    tile = samples.rows % _SAMPLES * _SAMPLES + samples.columns % _SAMPLES
    sent = light.shade(samples.points, samples.normals, camera.eye, look, tile)
    pixel = samples.rows // _SAMPLES * size + samples.columns // _SAMPLES
    room = light.room(camera, size, _SAMPLES).reshape(3, -1)
    covered = np.bincount(pixel, minlength=size * size) / _SAMPLES**2
    flower = np.stack([np.bincount(pixel, sent[k], size * size) for k in range(3)]) / _SAMPLES**2
    rgb = (flower + (1 - covered) * room).astype(np.float32).reshape(3, size, size)
    discriminative = np.isin(samples.material, PARTS[kind.part])
    mask = np.bincount(pixel[discriminative], minlength=size * size) > 0
    picture = _develop(rgb, np.random.default_rng([seed, number, 2]))
    return Flower(picture, mask.reshape(size, size), traits)


def pose(seed: int, number: int) -> tuple[Traits, Mesh]:
    """Return traits and surfaces of a flower that shows every part by which classes differ, whatever its class."""
    for attempt in count():
        traits = draw_traits(np.random.default_rng([seed, number, 0, attempt]))
        mesh = _build(traits, np.random.default_rng([seed, number, 1, attempt]))
        owner, _near = rasterise(*aim(traits, mesh.points, _GLANCE).project(mesh.points), mesh.triangles, _GLANCE)
        shown = mesh.material[owner[owner != NOTHING]]
        if all(np.isin(shown, PARTS[part]).sum() >= share * _GLANCE**2 for part, share in LEAST.items()):
            return traits, mesh
    raise AssertionError("there is always one more attempt")


def _build(traits: Traits, generator: np.random.Generator) -> Mesh:
    pot = throw(traits, generator)
    return join([pot.mesh, grow(traits, pot.soil, pot.rim, generator)])


def _look(mesh: Mesh, camera: Camera, size: int) -> _Samples:
    """Return what the camera sees: the nearest triangle at the middle of every sample."""
    place, near = camera.project(mesh.points)
    owner, _depth = rasterise(place, near, mesh.triangles, size)
    seen = np.flatnonzero(owner.ravel() != NOTHING).astype(np.int32)
    shown, rows, columns = owner.ravel()[seen], seen // size, seen % size
    corners = mesh.triangles.T[:, shown]  # (3, S)
    shares = weights(place, near, corners, columns.astype(np.float32), rows.astype(np.float32))
    known = np.concatenate([mesh.points, mesh.normals, mesh.surface], axis=1).T.astype(np.float32)  # (9, V)
    values = np.zeros((len(known), len(shown)), dtype=np.float32)
    for corner, weight in zip(corners, shares, strict=True):
        for value, at_corners in zip(values, known, strict=True):
            value += weight * np.take(at_corners, corner)
    normals = values[3:6] / np.maximum(np.sqrt((values[3:6] ** 2).sum(axis=0)), 1e-6)
    return _Samples(rows, columns, values[:3], normals, values[6:], mesh.material[shown])


def _develop(rgb: np.ndarray, generator: np.random.Generator) -> Image.Image:
    """Turn linear RGB (3, H, W) into a picture: soft highlights, sRGB, sensor noise."""
    rgb = np.where(rgb > 0.7, 0.7 + 0.3 * np.tanh((rgb - 0.7) / 0.3), rgb).clip(0, 1)
    coded = np.where(rgb <= 0.0031308, 12.92 * rgb, 1.055 * rgb ** (1 / 2.4) - 0.055)
    coded += _NOISE * generator.standard_normal(rgb.shape[1:], dtype=np.float32)
    return Image.fromarray((coded.clip(0, 1) * 255).round().transpose(1, 2, 0).astype(np.uint8))
