"""Turns a picture into a network's input: scaled to a multiple of the stride and normalised."""

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Protocol

import numpy as np
from PIL import Image

from siam.images.photos import Photo, as_photo, bare, is_plain
from siam.images.reading import FULL_SIZE, LEAST_SIDE, MAX_ASPECT, MIN_SIDE

if TYPE_CHECKING:
    import torch


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


def least_side(*configs: InputConfig) -> int:
    """Return how many px the shorter side of a JPEG should keep for some networks when it is decoded at reduced size.

    With 8/3 of the network's input, no score moves by 0.02 points; with 7/3, some do (`python -m benchmarks.decoding`).
    """
    return max(LEAST_SIDE, *(-(-8 * config.image_size // 3) for config in configs))


def input_picture(image: Image.Image, configs: Sequence[InputConfig]) -> Image.Image:
    """Return a picture from which networks take exactly the same input as from this one, as small as possible.

    It has the size of their input. If they differ in that, or if scaling it once more would change it, the picture
    keeps its size.

    Args:
        image: as `read_image` returns it.
        configs: of the networks.
    """
    width, height = image.info.get(FULL_SIZE, image.size)
    sizes = {target_size((height, width), config) for config in configs}
    size = sizes.pop()  # (height, width)
    again = {target_size(size, config) for config in configs}
    if sizes or again != {size} or min(size) < MIN_SIDE or max(size) > MAX_ASPECT * min(size):
        return bare(image)
    return bare(image.resize((size[1], size[0]), Image.Resampling.BICUBIC))


def preprocess(image: Photo, config: InputConfig) -> "torch.Tensor":
    """Return the picture as float32 (1, 3, H, W): scaled, its aspect kept up to rounding, then (pixel - mean) / std.

    Args:
        image: a picture in RGB mode, which is taken as it is, or a photo in any other form that `as_photo` takes.
        config: of the network.

    Raises:
        ImageError, TypeError, ValueError: as in `as_photo`.

    Example:
        >>> import siam
        >>> from siam.images import preprocess, read_image
        >>> from siam.runtime.paths import ASSETS
        >>> photo = read_image(ASSETS / "gallery/open-photos/images/lake-boats.jpg")
        >>> config = siam.load("photo", device="cpu").siam.config
        >>> config.image_size, tuple(preprocess(photo, config).shape)
        (384, (1, 3, 384, 608))
    """
    if not (isinstance(image, Image.Image) and is_plain(image)):
        image = as_photo(image, least=least_side(config))
    return _tensor(prepared(image, config))


def prepared(image: Image.Image, config: InputConfig) -> np.ndarray:
    """Return what `preprocess` returns, as an array.

    Raises:
        ValueError: the picture is not in RGB mode.
    """
    if image.mode != "RGB":
        raise ValueError(f"expected an RGB picture as read_image returns it, not mode {image.mode}")
    width, height = image.info.get(FULL_SIZE, image.size)
    height, width = target_size((height, width), config)  # bicubic in Pillow is antialiased
    return _normalised(image.resize((width, height), Image.Resampling.BICUBIC), config)


def normalise(image: Image.Image, config: InputConfig) -> "torch.Tensor":
    """Return an RGB picture at its own size as float32 (1, 3, H, W): (pixel - mean) / std, pixels in [0, 1]."""
    return _tensor(_normalised(image, config))


def _normalised(image: Image.Image, config: InputConfig) -> np.ndarray:
    pixels = np.asarray(image)  # (H, W, 3)
    result = np.empty((1, 3, *pixels.shape[:2]), dtype=np.float32)
    for place, (mean, std) in enumerate(zip(config.mean, config.std, strict=True)):
        result[0, place] = _levels(mean, std)[pixels[:, :, place]]
    return result


@lru_cache(maxsize=64)
def _levels(mean: float, std: float) -> np.ndarray:
    """Return the 256 values that a pixel can have after normalisation, float32."""
    return (np.arange(256, dtype=np.float32) / 255 - np.float32(mean)) / np.float32(std)


def _tensor(pixels: np.ndarray) -> "torch.Tensor":
    import torch  # here, so that explaining a photo need not wait for it

    return torch.from_numpy(pixels)
