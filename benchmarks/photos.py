"""Photos to measure with, made from those of the bundled gallery: always the same, and no two alike."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image, ImageEnhance, ImageOps
from tqdm import tqdm

from siam.images.reading import read_image
from siam.runtime.paths import ASSETS

SIDE = 1200  # px, the longer one
_QUALITY = 90


def write_photos(folder: Path, count: int, first: int = 0) -> list[Path]:
    """Write JPEG photos of 1200 px into a folder and return their paths.

    Args:
        folder: is created if it is missing.
        count: how many.
        first: number of the first one, so that others can be asked for.
    """
    folder.mkdir(parents=True, exist_ok=True)
    sources = sorted((ASSETS / "gallery/open-photos/images").glob("*.jpg"))
    files = [folder / f"{number:05}.jpg" for number in range(first, first + count)]

    def make(number: int) -> None:
        picture = _varied(read_image(sources[number % len(sources)]), number)
        picture.save(folder / f"{number:05}.jpg", quality=_QUALITY)

    with ThreadPoolExecutor() as pool:
        done = pool.map(make, range(first, first + count))
        for _photo in tqdm(done, total=count, desc=f"photos of {SIDE} px", unit="photo"):
            pass
    return files


def write_large(path: Path, source: Path, megapixels: float) -> Path:
    """Write a photo with so many megapixels, and grain as from a camera, as a JPEG file, and return its path."""
    picture = read_image(source)
    factor = (megapixels * 1e6 / (picture.width * picture.height)) ** 0.5
    size = round(picture.width * factor), round(picture.height * factor)
    pixels = np.asarray(picture.resize(size, Image.Resampling.BICUBIC), dtype=np.float32)
    pixels = pixels + np.random.default_rng(0).normal(0, 6, pixels.shape).astype(np.float32)
    Image.fromarray(pixels.round().clip(0, 255).astype(np.uint8)).save(path, quality=_QUALITY)
    return path


def _varied(picture: Image.Image, number: int) -> Image.Image:
    """Return a section of a picture, perhaps mirrored, lighter or darker, with a longer side of 1200 px."""
    random = np.random.default_rng(number)
    share = random.uniform(0.75, 1)
    width, height = round(picture.width * share), round(picture.height * share)
    left, top = random.integers(0, picture.width - width + 1), random.integers(0, picture.height - height + 1)
    picture = picture.crop((int(left), int(top), int(left) + width, int(top) + height))
    if random.random() < 0.5:
        picture = ImageOps.mirror(picture)
    factor = SIDE / max(width, height)
    picture = picture.resize((round(width * factor), round(height * factor)), Image.Resampling.BICUBIC)
    return ImageEnhance.Brightness(picture).enhance(random.uniform(0.85, 1.15))
