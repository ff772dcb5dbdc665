"""Augmented views of photos, as features of a backbone's frozen early stages: computed once and cached on disk."""

import hashlib
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn.functional import interpolate
from tqdm import tqdm

from siam.images.preprocessing import InputConfig, input_settings, normalise
from siam.images.reading import read_image
from siam.models.identity import take_weights
from siam.runtime.digests import digest
from siam.runtime.files import whole_file

_BAND = 0.95  # a photo narrower than this times its height is seen in bands, so that it is not stretched much
_BAND_HEIGHTS = (0.75, 0.95)  # of a band, as a share of the photo's width


@dataclass(frozen=True)
class Augmentation:
    """How views of a photo differ. The first two are the photo as it is and mirrored; the others are random crops.

    Attributes:
        count: views per photo.
        smallest, largest: limits of a crop's sides, as shares of the photo's.
        colour: strength of random changes of brightness, contrast and saturation of the crops; 0 for none.
    """

    count: int
    smallest: float
    largest: float
    colour: float


@dataclass(frozen=True)
class View:
    """A part of a photo: left, top, right and bottom as shares of its sides, and whether it is mirrored."""

    left: float
    top: float
    right: float
    bottom: float
    mirrored: bool

    def of(self, cells: Tensor, size: Sequence[int]) -> Tensor:
        """Return what the view shows of cells (C, h, w) that cover the photo, averaged to `size`: (C, *size)."""
        height, width = cells.shape[1:]
        left, top = int(self.left * width), int(self.top * height)
        right, bottom = max(left + 1, round(self.right * width)), max(top + 1, round(self.bottom * height))
        shown = interpolate(cells[None, :, top:bottom, left:right], tuple(size), mode="area")[0]
        return shown.flip(2) if self.mirrored else shown


@dataclass(frozen=True, eq=False)
class Views:
    """V views of each of N photos: `features` float16 (N, V, C, h, w) of the early stages, and what each one shows."""

    features: np.ndarray
    shown: tuple[tuple[View, ...], ...]


def extract(
    early: nn.Module,
    config: InputConfig,
    size: tuple[int, int],
    files: Sequence[Path],
    augmentation: Augmentation,
    cache: Path,
) -> Views:
    """Return the views of photos; their features are read from disk where they lie in `cache` already.

    Args:
        early: the frozen stages, in evaluation mode.
        config: mean and std of the input.
        size: (height, width) of a view in px.
        files: N photos.
        augmentation: how the views differ; the same photos get the same views in every run.
        cache: folder for the features, whose file name is a hash of everything they depend on.

    Raises:
        ImageError: a photo cannot be read.
        StorageError: the features cannot be stored.
    """
    name = f"views-{_key(early, config, size, files, augmentation)}"
    features, shown = cache / f"{name}.npy", cache / f"{name}.json"
    if not (features.is_file() and shown.is_file()):
        _compute(early, config, size, files, augmentation, features, shown)
    described = json.loads(shown.read_text(encoding="utf-8"))
    views = tuple(
        tuple(View(left, top, right, bottom, bool(mirrored)) for left, top, right, bottom, mirrored in photo)
        for photo in described
    )
    return Views(np.load(features), views)


def _compute(
    early: nn.Module,
    config: InputConfig,
    size: tuple[int, int],
    files: Sequence[Path],
    augmentation: Augmentation,
    features: Path,
    shown: Path,
) -> None:
    described: list[list[list[float]]] = []
    # A memory map would be simpler, but the system kills a process that writes to one on a full disk.
    with whole_file(features) as part, part.open("wb") as file, torch.inference_mode():
        for row, path in enumerate(tqdm(files, desc="views", unit="photo", file=sys.stderr)):
            image = read_image(path)
            generator = np.random.default_rng([row, *image.size])
            views = [_view(image, number, augmentation, generator) for number in range(augmentation.count)]
            pixels = torch.cat([_pixels(image, view, size, config) for view in views])
            for number in range(2, len(views)):
                pixels[number] = _recoloured(pixels[number], augmentation.colour, generator)
            found = early(pixels).half().numpy()  # (V, C, h, w)
            if row == 0:
                shape = (len(files), *found.shape)
                np.lib.format.write_array_header_2_0(file, {"descr": "<f2", "fortran_order": False, "shape": shape})
            file.write(np.ascontiguousarray(found).data)
            described.append([[view.left, view.top, view.right, view.bottom, view.mirrored] for view in views])
    with whole_file(shown) as part:
        part.write_text(json.dumps(described), encoding="utf-8")


def _view(image: Image.Image, number: int, augmentation: Augmentation, generator: np.random.Generator) -> View:
    width, height = image.size
    tall = 1.0
    if width < _BAND * height:
        tall = min(1.0, generator.uniform(*_BAND_HEIGHTS) * width / height)
    top, left, wide = generator.uniform(0, 1 - tall), 0.0, 1.0
    if number >= 2:
        share = generator.uniform(augmentation.smallest, augmentation.largest)
        left, top = generator.uniform(0, 1 - share), top + generator.uniform(0, tall * (1 - share))
        wide, tall = share, tall * share
    return View(left, top, left + wide, top + tall, number % 2 == 1)


def _pixels(image: Image.Image, view: View, size: tuple[int, int], config: InputConfig) -> Tensor:
    width, height = image.size
    box = (view.left * width, view.top * height, min(view.right, 1.0) * width, min(view.bottom, 1.0) * height)
    pixels = normalise(image.resize((size[1], size[0]), Image.Resampling.BICUBIC, box=box), config)
    return pixels.flip(3) if view.mirrored else pixels


def _recoloured(pixels: Tensor, strength: float, generator: np.random.Generator) -> Tensor:
    """Return normalised pixels (3, H, W) with random contrast, brightness and saturation."""
    if strength == 0:
        return pixels
    contrast, brightness, saturation = 1 + strength * generator.uniform([-1, -0.75, -2], [1, 0.75, 1.5]) * 0.2
    pixels = pixels * float(contrast) + float(brightness - 1)
    grey = pixels.mean(dim=0)
    return grey + (pixels - grey) * float(saturation)


def _key(
    early: nn.Module, config: InputConfig, size: tuple[int, int], files: Sequence[Path], augmentation: Augmentation
) -> str:
    key = hashlib.sha256()
    take_weights(key, early)
    key.update(repr((input_settings(config)[2:], size, augmentation)).encode())
    for path in files:
        key.update(bytes.fromhex(digest(path)) if path.is_file() else bytes(path))
    return key.hexdigest()[:16]
