"""Golden pictures: what every place and two flowers looked like when they were last looked at.

    python -m tests.worlds.golden      renders them anew: look at them before they are committed

Processors round float32 sums differently. That moves a colour by a level, and where a hard edge, a threshold or the
nearer of two surfaces is decided by the last bit, it changes single pixels wholly: noise that is off by ten times the
rounding of a float32 changes up to 1.1 % of the pixels of a place, and its mean by 0.2 levels; without AVX2 it was one
level in one pixel. The limits are twice that; a light, a colour or an object that changed exceeds one of them.
"""

import json
from pathlib import Path

import numpy as np
from PIL import Image

from siam.datasets.flowers.classes import VARIANTS
from siam.datasets.sun_attributes import ATTRIBUTES
from siam.worlds.flowers import scene as flowers
from siam.worlds.landscapes import scene as landscapes
from siam.worlds.landscapes.places import PLACES

FOLDER = Path(__file__).parent / "golden"
AREAS = FOLDER / "areas.json"  # share of each golden landscape under each attribute
SIZE = 80  # px
FLOWERS = {"flower_petals": 0, "flower_stem": 6}  # by name: a class of "double-12c"
MEAN = 0.5  # levels of 255, over all pixels and channels
LEVELS, SHARE = 6, 0.02  # the share of pixels that may differ by more than so many levels


def landscape(place: str) -> landscapes.Scene:
    """Render the golden scene of a place."""
    return landscapes.render(np.random.default_rng(sum(map(ord, place))), SIZE, place)


def flower(name: str) -> flowers.Flower:
    """Render a golden flower."""
    return flowers.render(5, 1, SIZE, VARIANTS["double-12c"][FLOWERS[name]])


def areas(scene: landscapes.Scene) -> dict[str, float]:
    """Return the share of a scene under each attribute that it shows."""
    shares = zip(ATTRIBUTES, scene.masks.mean(axis=(1, 2)).tolist(), strict=True)
    return {name: round(share, 4) for name, share in shares if share}


def differences(one: Image.Image, other: Image.Image) -> tuple[float, float]:
    """Return the mean absolute difference in levels, and the share of pixels that differ by more than `LEVELS`."""
    assert one.size == other.size and one.mode == other.mode
    apart = np.abs(np.asarray(one, dtype=np.int16) - np.asarray(other, dtype=np.int16))
    return float(apart.mean()), float((apart.reshape(*apart.shape[:2], -1).max(axis=2) > LEVELS).mean())


def alike(one: Image.Image, other: Image.Image) -> bool:
    """Whether two pictures differ by no more than the rounding of another processor."""
    mean, share = differences(one, other)
    return mean <= MEAN and share <= SHARE


def read(name: str) -> Image.Image:
    """Return a golden picture."""
    with Image.open(FOLDER / f"{name}.png") as picture:
        return picture.convert("RGB")


def main() -> None:
    """Write all golden pictures."""
    FOLDER.mkdir(exist_ok=True)
    scenes = {place: landscape(place) for place in PLACES}
    for name, picture in {
        **{place: scene.picture for place, scene in scenes.items()},
        **{name: flower(name).picture for name in FLOWERS},
    }.items():
        picture.save(FOLDER / f"{name}.png", optimize=True)
    AREAS.write_text(json.dumps({place: areas(scene) for place, scene in scenes.items()}, indent=1) + "\n")


if __name__ == "__main__":
    main()
