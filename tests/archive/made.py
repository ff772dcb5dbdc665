"""Small photos, and a pair in files, for the tests of archives."""

import io
from pathlib import Path

import numpy as np
from PIL import Image

from siam.models.checkpoint import Pair, load, save
from tests.support.networks import baseline_network, siam_network


def photo(seed: int = 0, size: tuple[int, int] = (90, 70), kind: str = "JPEG", **settings: object) -> bytes:
    """Return the file of a picture of coloured squares."""
    pixels = np.random.default_rng(seed).integers(0, 256, (7, 9, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).resize(size).save(file, kind, **settings)
    return file.getvalue()


def write_photos(folder: Path, count: int, start: int = 0) -> list[str]:
    """Write photos of several sizes, in subfolders; return their names in the order of the folder."""
    names = []
    for number in range(start, start + count):
        path = folder / f"part-{number // 10}" / f"{number:04d}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(photo(number, ((90, 70), (70, 90), (120, 80))[number % 3]))
        names.append(path.relative_to(folder).as_posix())
    return names


def stored_pair(folder: Path, **settings: object) -> Pair:
    """Return a tiny pair that is loaded from files; its maps are nowhere 0, so every contribution counts."""
    save(Pair("tiny", siam_network(**{"attribute_link": "sigmoid", **settings}), baseline_network(), {}), folder)
    return load(folder, "cpu")
