"""A photo in any form that people hold it in: a path, a file's content, an open picture or an array."""

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from siam.images.reading import FULL_SIZE, LEAST_SIDE, read_image

Photo = str | Path | bytes | Image.Image | np.ndarray
_KINDS = "a path, bytes, a PIL image or an array (H, W, 3)"
_ROUNDING = 1e-3  # by which floats may leave [0, 1]: a quarter of one of 255 levels


def as_photo(photo: Photo, *, least: int = LEAST_SIDE) -> Image.Image:
    """Return a photo as `read_image` does: upright 8-bit sRGB, on white where it was transparent.

    Args:
        photo: a path, a file's content, an open PIL image, or an array: (H, W, 3) of RGB, (H, W) of grey or (H, W, 4)
            of RGBA, as uint8 from 0 to 255 or as floats from 0 to 1. It is not changed.
        least: px that the shorter side of a JPEG file keeps at least; see `siam.images.preprocessing.least_side`.

    Raises:
        ImageError: the photo cannot be read or is outside the limits.
        TypeError: it is none of the above, or an array of other numbers.
        ValueError: the array has another shape or range.
    """
    if isinstance(photo, Image.Image):
        read = read_image(photo)
        full = _full_size(photo)
        if full != photo.size:
            read.info[FULL_SIZE] = full
        return read
    if isinstance(photo, str | Path | bytes):
        return read_image(photo, least=least)
    if isinstance(photo, np.ndarray):
        return read_image(Image.fromarray(_levels(photo)), name=f"The array {_shape(photo)}")
    raise TypeError(f"a photo is {_KINDS}, not {type(photo).__name__}{_remedy(photo)}")


def bare(picture: Image.Image) -> Image.Image:
    """Return a copy without what a file says beside its pixels: place, camera, comments, profiles.

    Pillow passes all of that on to derived pictures, and writes some of it into files.
    """
    copy = picture.copy()
    copy.info = {name: value for name, value in picture.info.items() if name == FULL_SIZE}
    return copy


def is_plain(photo: object) -> bool:
    """Return whether this is a picture in RGB mode that says nothing more about itself, as `read_image` returns it."""
    return isinstance(photo, Image.Image) and photo.mode == "RGB" and not photo.info.keys() - {FULL_SIZE}


def _full_size(photo: Image.Image) -> tuple[int, int]:
    """Return (width, height) of the file that `read_image` decoded at reduced size; the picture's own if it is none.

    Pillow passes `info` on to crops and other derived pictures, which have lost that size.
    """
    full = photo.info.get(FULL_SIZE, photo.size)
    reduced = [tuple(-(-side // parts) for side in full) for parts in (2, 4, 8)]
    return full if photo.size in reduced else photo.size


def _levels(pixels: np.ndarray) -> np.ndarray:
    """Return an array of pixels as uint8 (H, W), (H, W, 3) or (H, W, 4)."""
    if pixels.ndim not in (2, 3) or (pixels.ndim == 3 and pixels.shape[2] not in (3, 4)) or not pixels.size:
        remedy = ""
        if pixels.ndim == 4 and len(pixels) == 1:
            remedy = ": pass its one picture, photo[0]"
        elif pixels.ndim == 3 and pixels.shape[0] in (1, 3, 4):
            remedy = ": move the channels to the end, photo.transpose(1, 2, 0)"
        elif pixels.ndim == 3 and pixels.shape[2] == 1:
            remedy = ": pass photo[:, :, 0]"
        raise ValueError(f"the photo is an array {_shape(pixels)}; expected (H, W, 3), (H, W, 4) or (H, W){remedy}")
    if pixels.dtype == np.uint8:
        return np.ascontiguousarray(pixels)
    if pixels.dtype.kind != "f":
        raise TypeError(
            f"the photo is an array of {pixels.dtype}; expected uint8 from 0 to 255 or floats from 0 to 1: convert it"
        )
    low, high = float(pixels.min()), float(pixels.max())  # NaN if any value is
    if not (low >= -_ROUNDING and high <= 1 + _ROUNDING):
        remedy = ": divide it by 255" if low >= 0 and 1 < high <= 255 else ": scale it" if low == low else ""
        raise ValueError(f"the photo is an array of {_range(low, high)}; expected floats from 0 to 1, or uint8{remedy}")
    return np.rint(np.clip(pixels, 0, 1).astype(np.float64) * 255).astype(np.uint8)


def _range(low: float, high: float) -> str:
    return f"floats from {low:.4g} to {high:.4g}" if low == low else "floats, some of them NaN"


def _shape(pixels: np.ndarray) -> str:
    return f"({', '.join(map(str, pixels.shape))})"


def _remedy(photo: Any) -> str:
    if hasattr(photo, "permute"):
        return ": pass photo.permute(1, 2, 0).numpy(), with values from 0 to 1"
    if isinstance(photo, list | tuple):
        return ": pass one photo at a time"
    return ": pass photo.read()" if hasattr(photo, "read") else ""
