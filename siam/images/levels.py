"""Turns grey of more than 8 bits into 8: integers by their type's range, floats by the usual range that they fill.

Values that are no light count as black: not-a-number, infinity, and what is marked as "no data", by a tag or by custom.
"""

import numpy as np
from PIL import Image

from siam.errors import ImageError

_BITS, _PHOTOMETRIC, _PLANES, _SAMPLE_FORMAT, _NODATA = 258, 262, 284, 339, 42113  # tags of TIFF; the last is GDAL's
_UNSIGNED, _SIGNED = 1, 2
_CUSTOMARY = (
    -9999.0,
    -99999.0,
    -32768.0,
    -32767.0,
    -999.0,
    -2147483648.0,
)  # for "no data", in maps and satellite images
_HUGE = 1e15  # one or two floats beyond it are such marks, too
_SLACK = 0.1  # of a range: how far sharpening and resampling overshoot it
_FEW = 0.02  # share of pixels that may lie beyond either end of a range
_LEAST = 0.05  # share of the span of all values that most of them fill, in a picture


def grey(image: Image.Image, label: str) -> Image.Image:
    """Return a grey picture of 16 or 32 bits, or of floats, as 8-bit grey.

    Raises:
        ImageError: it holds numbers that no range of pictures explains.
    """
    tags = getattr(image, "tag_v2", {}) if image.format == "TIFF" else {}
    bits, kind = (tags.get(tag, (0,))[0] for tag in (_BITS, _SAMPLE_FORMAT))
    values = np.asarray(image)
    if image.mode == "I" and bits == 32 and kind in (0, _UNSIGNED) and tags:
        values = values.view(np.uint32)
    known = _known(values, tags.get(_NODATA))
    if image.mode.startswith("I;16"):
        low, high = 0.0, float(2**bits - 1 if 8 < bits < 16 else 65535)
    elif not known.any():
        low, high = 0.0, 1.0
    else:
        low, high = _range(values[known], _tops(image.mode, bits, kind), label)
    result = np.empty(values.shape, np.uint8)
    for row, line in enumerate(values):  # one by one, to bound memory
        light = np.where(known[row], line, low).astype(np.float64)
        result[row] = np.rint(((light - low) / (high - low)).clip(0, 1) * 255)
    if tags.get(_PHOTOMETRIC) == 0:  # white is zero, which Pillow heeds for 8 bits only
        result = np.where(known, 255 - result, 0).astype(np.uint8)
    return Image.fromarray(result)


def mend_planes(image: Image.Image) -> None:
    """Have the planes of a TIFF of 16 bits read as such: Pillow takes them for 8 bits if they are not compressed."""
    tags = image.tag_v2  # pyright: ignore[reportAttributeAccessIssue] - a TIFF has them
    if tags.get(_PLANES) == 2 and tags.get(_BITS, (8,))[0] == 16:
        suffix = ";16L" if tags.prefix == b"II" else ";16B"
        image.tile = [  # pyright: ignore[reportAttributeAccessIssue] - an opened picture has them
            tile._replace(args=(tile.args[0] + suffix, *tile.args[1:])) if tile.args[0] in tuple("RGBACMYK") else tile
            for tile in image.tile  # pyright: ignore[reportAttributeAccessIssue]
        ]


def _tops(mode: str, bits: int, kind: int) -> tuple[float, ...]:
    """Return the values that white may have, from small to large."""
    if mode == "F":
        return 1.0, 255.0, 65535.0
    if kind == _SIGNED and bits == 16:
        return 255.0, 32767.0
    return (255.0, 65535.0, float(2**31 - 1 if kind == _SIGNED else 2**32 - 1)) if bits == 32 else (255.0, 65535.0)


def _known(values: np.ndarray, nodata: object) -> np.ndarray:
    """Return which values are light, as booleans of the same shape; `nodata` is GDAL's mark."""
    known = np.isfinite(values)
    try:
        mark = float(str(nodata).strip("\0 "))
    except ValueError:
        mark = np.nan
    with np.errstate(over="ignore"):
        known &= values != mark
    if values.dtype.kind == "f":
        huge = known & (np.abs(values) > _HUGE)
        if len(np.unique(values[huge])) <= 2:
            known &= ~huge
    if values.dtype.kind != "u" and known.any() and (low := float(values[known].min())) in _CUSTOMARY:
        others = known & (values != low)
        if not others.any() or values[others].min() >= 0:
            known = others
    return known


def _range(values: np.ndarray, tops: tuple[float, ...], label: str) -> tuple[float, float]:
    """Return the values that are black and white, given all that are light."""
    low, high = float(values.min()), float(values.max())
    sample = values[:: 1 + len(values) // 1_000_000].astype(np.float64)
    first, last = (float(value) for value in np.quantile(sample, (_FEW, 1 - _FEW)))
    steps = bool((sample == np.rint(sample)).all())  # no fractions: not from 0 to 1
    for top in tops:
        least = 0 if top == 1 or (steps and top == 255) else top / 8  # what fills less is something else
        if first >= -_SLACK * top and least <= last <= (1 + _SLACK) * top and not (steps and top == 1 < high):
            return 0.0, top
    if tops[0] == 1 and -1 - _SLACK <= first < -0.5 and last <= 1 + _SLACK:
        return -1.0, 1.0
    bottom = min(low, 0.0)
    if last - first < _LEAST * (high - bottom):
        raise ImageError(
            f"{label} holds values from {low:g} to {high:g}, most from {first:g} to {last:g}, which is no range of a "
            "picture's light: save it with 8 or 16 bits."
        )
    return bottom, high
