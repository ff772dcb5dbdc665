"""Whether two photos show the same view, and how far it has moved: phase correlation.

::

    R = conj(F1) F2 / |conj(F1) F2|        s = F^-1(R G) / max F^-1(G)

F1 and F2 are the spectra of the photos in grey, at one size and under a Hann window, G a Gaussian low-pass. s is at
most 1. If the photos show the same view, it has one high peak, at the shift; brightness and contrast do not matter.
A smooth picture has too few frequencies for that, so two photos also match if most of them is the same by pixels.

C. D. Kuglin, D. C. Hines, "The phase correlation image alignment method", IEEE Int. Conf. on Cybernetics and Society,
1975, pp. 163-165.
"""

from dataclasses import dataclass

import numpy as np
from PIL import Image

LEAST_PEAK = 0.3  # different photos of landscapes and buildings stay below 0.23; with half of the photo edited, 0.37
MOST_SHIFT = 0.25  # of a side
MOST_STRETCH = 0.02  # by which the shapes of two photos of one view may differ

_SIDE = 256  # px of the longer side, at which photos are compared unless they are smaller
_BANDWIDTH = 0.15  # standard deviation of G, cycles per px
_CHANCE = 6  # standard deviations of s between unrelated pictures; matters below 100 px
_SAME = 4  # levels of grey by which a pixel may differ, as after JPEG compression
_UNCHANGED = 0.6  # share of the pixels with structure that are the same in a photo and its edit; others stay below 0.23
_STRUCTURE = 1  # levels per px
_NOTHING = 1e-9  # share of the largest magnitude below which a frequency says nothing


@dataclass(frozen=True)
class Registration:
    """Whether two photos register, and where the first one's content lies in the second.

    Attributes:
        matches: whether they show the same view.
        right: px of the first photo by which its content has moved to the right; 0 unless they match.
        down: px by which it has moved down.
        size: (width, height) of the first photo, in these px.
        peak: height of the peak, 0 to 1; 0 for photos of different shapes.
        same_shape: whether their sides have the same ratio.
    """

    matches: bool
    right: float
    down: float
    size: tuple[int, int]
    peak: float
    same_shape: bool


def register(first: Image.Image, second: Image.Image, size: tuple[int, int] | None = None) -> Registration:
    """Return whether two photos show the same view, and how far it has moved from the first to the second.

    They may have different sizes, but not different shapes: a photo that was cropped otherwise does not match. Turned
    or zoomed by more than a few per cent, it does not match either.

    Args:
        first: a photo in any mode.
        second: another one.
        size: (width, height) in whose px the shift is given; by default that of `first`.
    """
    size = size or first.size
    stretch = first.width * second.height / (first.height * second.width)
    if not 1 - MOST_STRETCH <= stretch <= 1 / (1 - MOST_STRETCH):
        return Registration(False, 0.0, 0.0, size, 0.0, False)
    ratio = min(_SIDE, max(first.size), max(second.size)) / max(first.size)
    common = max(1, round(first.width * ratio)), max(1, round(first.height * ratio))
    one, other = _grey(first, common), _grey(second, common)
    if np.array_equal(one, other):
        return Registration(True, 0.0, 0.0, size, 1.0, True)
    if _unchanged(one, other) >= _UNCHANGED:
        return Registration(True, 0.0, 0.0, size, float(_correlation(one, other)[0, 0]), True)
    surface = _correlation(one, other)
    row, column = np.unravel_index(int(surface.argmax()), surface.shape)
    down, right = _shift(surface[:, column], int(row)), _shift(surface[row], int(column))
    peak = float(surface[row, column])
    chance = _CHANCE / np.sqrt(2 * np.pi * _BANDWIDTH**2 * surface.size)
    if peak < max(LEAST_PEAK, chance) or max(abs(down) / common[1], abs(right) / common[0]) > MOST_SHIFT:
        return Registration(False, 0.0, 0.0, size, peak, True)
    return Registration(True, right / common[0] * size[0], down / common[1] * size[1], size, peak, True)


def _grey(image: Image.Image, size: tuple[int, int]) -> np.ndarray:
    return np.asarray(image.convert("L").resize(size, Image.Resampling.LANCZOS), dtype=float)


def _unchanged(first: np.ndarray, second: np.ndarray) -> float:
    """Return the share of pixels with structure in one of two photos (h, w) that are the same in both."""
    slopes = [np.hypot(*np.gradient(grey)) for grey in (first, second)]
    structure = np.maximum(*slopes) > _STRUCTURE
    return float((np.abs(first - second)[structure] <= _SAME).mean()) if structure.any() else 0.0


def _correlation(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return s (h, w) for two photos in grey (h, w); all 0 if one of them has no structure."""
    height, width = first.shape
    window = np.outer(np.hanning(height + 2)[1:-1], np.hanning(width + 2)[1:-1])
    spectra = [np.fft.rfft2((grey - grey.mean()) * window) for grey in (first, second)]
    cross = spectra[0].conj() * spectra[1]
    size = np.abs(cross)
    said = size > _NOTHING * max(float(size.max()), _NOTHING)
    phases = np.divide(cross, size, out=np.zeros_like(cross), where=said)
    y, x = np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None]
    low_pass = np.exp(-(x**2 + y**2) / (2 * _BANDWIDTH**2))
    highest = np.fft.irfft2(low_pass.astype(complex), first.shape).max()
    return np.fft.irfft2(phases * low_pass, first.shape) / highest


def _shift(profile: np.ndarray, peak: int) -> float:
    """Return the shift for a peak along one axis, between the cells by a parabola through its neighbours."""
    count = len(profile)
    before, at, after = profile[peak - 1], profile[peak], profile[(peak + 1) % count]
    bend = before - 2 * at + after
    offset = 0.5 * (before - after) / bend if count > 2 and bend < 0 else 0.0
    return float((peak + offset + count / 2) % count - count / 2)
