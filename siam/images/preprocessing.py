"""Turns a picture into a network's input: scaled to a multiple of the stride and normalised."""

from typing import Protocol

import numpy as np
import torch
from PIL import Image


class InputConfig(Protocol):
    """What `preprocess` needs from a network's config: sizes in px, mean and std of RGB pixels in [0, 1].

    The picture's short side is scaled to `image_size`, then both sides are rounded to multiples of `size_multiple`.
    """

    # no docstrings of their own (ruff's D102): the class describes them
    @property
    def image_size(self) -> int: ...  # noqa: D102

    @property
    def size_multiple(self) -> int: ...  # noqa: D102

    @property
    def mean(self) -> tuple[float, float, float]: ...  # noqa: D102

    @property
    def std(self) -> tuple[float, float, float]: ...  # noqa: D102


def input_settings(config: InputConfig) -> tuple[object, ...]:
    """Return everything `preprocess` depends on: networks for which it is equal get the same input."""
    return config.image_size, config.size_multiple, config.mean, config.std


def target_size(size: tuple[int, int], config: InputConfig) -> tuple[int, int]:
    """Return the input's (height, width) for a picture of `size` (height, width): short side scaled, both rounded."""
    unit = min(size) * config.size_multiple

    def scaled(side: int) -> int:
        multiples = (2 * side * config.image_size + unit) // (2 * unit)  # nearest, halves up, in exact integers
        return max(1, multiples) * config.size_multiple

    return scaled(size[0]), scaled(size[1])


def preprocess(image: Image.Image, config: InputConfig) -> torch.Tensor:
    """Return the picture as float32 (1, 3, H, W): scaled, its aspect kept up to rounding, then (pixel - mean) / std.

    Raises:
        ValueError: the picture is not in RGB mode.

    Example:
        >>> import siam
        >>> from siam.images import preprocess, read_image
        >>> from siam.runtime.paths import ASSETS
        >>> photo = read_image(ASSETS / "gallery/open-photos/images/lake-boats.jpg")
        >>> config = siam.load("photo", device="cpu").siam.config
        >>> config.image_size, tuple(preprocess(photo, config).shape)
        (384, (1, 3, 384, 608))
    """
    if image.mode != "RGB":
        raise ValueError(f"preprocess takes an RGB picture as read_image returns it, not mode {image.mode}")
    height, width = target_size((image.height, image.width), config)  # bicubic in Pillow is antialiased
    return normalise(image.resize((width, height), Image.Resampling.BICUBIC), config)


def normalise(image: Image.Image, config: InputConfig) -> torch.Tensor:
    """Return an RGB picture at its own size as float32 (1, 3, H, W): (pixel - mean) / std, pixels in [0, 1]."""
    pixels = torch.from_numpy(np.array(image)).permute(2, 0, 1)[None] / 255  # (1, 3, H, W)
    mean, std = (torch.tensor(rgb, dtype=torch.float32).view(1, 3, 1, 1) for rgb in (config.mean, config.std))
    return ((pixels - mean) / std).contiguous()
