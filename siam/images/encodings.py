"""How a file's numbers stand for light: primaries, white and curve, by the code points of ITU-T H.273 or measured.

Light is relative to the white of an ordinary picture. In PQ and HLG that is 203 cd/m² (ITU-R BT.2408), and brighter
light is rolled off towards white.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from PIL import Image

Point = tuple[float, float]  # x, y of CIE 1931

_D65, _C = (0.3127, 0.3290), (0.310, 0.316)
_PRIMARIES: dict[int, tuple[Point, ...]] = {  # white, red, green, blue
    1: (_D65, (0.64, 0.33), (0.30, 0.60), (0.15, 0.06)),  # BT.709, sRGB
    4: (_C, (0.67, 0.33), (0.21, 0.71), (0.14, 0.08)),
    5: (_D65, (0.64, 0.33), (0.29, 0.60), (0.15, 0.06)),
    6: (_D65, (0.630, 0.340), (0.310, 0.595), (0.155, 0.070)),
    7: (_D65, (0.630, 0.340), (0.310, 0.595), (0.155, 0.070)),
    8: (_C, (0.681, 0.319), (0.243, 0.692), (0.145, 0.049)),
    9: (_D65, (0.708, 0.292), (0.170, 0.797), (0.131, 0.046)),  # BT.2020
    10: ((1 / 3, 1 / 3), (1.0, 0.0), (0.0, 1.0), (0.0, 0.0)),
    11: ((0.314, 0.351), (0.680, 0.320), (0.265, 0.690), (0.150, 0.060)),  # DCI-P3
    12: (_D65, (0.680, 0.320), (0.265, 0.690), (0.150, 0.060)),  # Display P3
    22: (_D65, (0.630, 0.340), (0.295, 0.605), (0.155, 0.077)),
}
_CURVES: dict[int, float | str] = dict.fromkeys((1, 6, 7, 11, 12, 13, 14, 15), "sRGB")  # video, on screens shown alike
_CURVES |= {4: 2.2, 5: 2.8, 8: 1.0, 16: "PQ", 18: "HLG"}
_BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
_WHITE = 203.0  # cd/m² of an ordinary picture's white, in PQ and HLG
_KNEE = 0.5  # light above it is rolled off, if some is brighter than white
_STRIP = 2**20  # pixels that are converted at a time, to bound memory


@dataclass(frozen=True)
class Encoding:
    """White, red, green and blue as CIE xy, and the curve: a gamma, "sRGB", "PQ" or "HLG"."""

    primaries: tuple[Point, ...]
    curve: float | str

    def has(self, primaries: tuple[Point, ...]) -> bool:
        """Whether `primaries` are this encoding's, as far as anybody could see."""
        return bool(np.abs(np.array(primaries) - np.array(self.primaries)).max() < 0.002)

    def matrix(self) -> np.ndarray | None:
        """Return the (3, 3) matrix from its light to sRGB's, adapted to the white; None if there is none."""
        try:
            found = np.linalg.inv(_to_xyz(SRGB.primaries)) @ _to_xyz(self.primaries)
        except np.linalg.LinAlgError:
            return None
        return found if np.isfinite(found).all() and np.abs(found).max() < 100 else None

    def to_srgb(self, image: Image.Image) -> Image.Image:
        """Return an RGB picture's colours in sRGB; the picture itself if they are sRGB already."""
        matrix = self.matrix()
        if matrix is None or (self.curve == "sRGB" and SRGB.has(self.primaries)):
            return image
        pixels = np.array(image)  # (H, W, 3)
        rows = max(1, _STRIP // pixels.shape[1])
        strips = [slice(top, top + rows) for top in range(0, len(pixels), rows)]
        bright = self.curve in ("PQ", "HLG")
        peak = max(float(self._light(pixels[strip], matrix).max()) for strip in strips) if bright else 1.0
        for strip in strips:
            light = self._light(pixels[strip], matrix)
            if peak > 1:
                light *= _roll_off(light.max(axis=-1, keepdims=True), peak)
            pixels[strip] = _srgb_levels()[np.rint(light.clip(0, 1) * 65535).astype(np.uint16)]
        return Image.fromarray(pixels)

    def _light(self, pixels: np.ndarray, matrix: np.ndarray) -> np.ndarray:
        """Return the light of 8-bit pixels (…, 3), in sRGB's primaries, float32."""
        light = _decoded(self.curve)[pixels]
        if self.curve == "HLG":  # the display's system gamma of 1.2, ITU-R BT.2100
            luminance = light @ np.array([0.2627, 0.6780, 0.0593], np.float32)
            light *= (luminance**0.2)[..., None] * np.float32(1000 / _WHITE)
        return light @ matrix.T.astype(np.float32)


SRGB = Encoding(_PRIMARIES[1], "sRGB")
ADOBE_RGB = Encoding((_D65, (0.64, 0.33), (0.21, 0.71), (0.15, 0.06)), 563 / 256)


def coded(primaries: int, transfer: int) -> Encoding | None:
    """Return the encoding of two code points of H.273; None if they leave it open or are not known."""
    if primaries == 2 and transfer in (2, 13):
        return None
    points, curve = _PRIMARIES.get(1 if primaries == 2 else primaries), _CURVES.get(13 if transfer == 2 else transfer)
    return None if points is None or curve is None else Encoding(points, curve)


def _to_xyz(primaries: tuple[Point, ...]) -> np.ndarray:
    """Return the (3, 3) matrix from light to XYZ, adapted to D65."""
    white, *colours = (np.array([x, y, 1 - x - y]) for x, y in primaries)
    columns = np.stack(colours, axis=1)
    with np.errstate(all="ignore"):  # measured ones may be anything
        own, wanted = white / white[1], np.array([_D65[0], _D65[1], 1 - sum(_D65)]) / _D65[1]
        adapted = np.linalg.inv(_BRADFORD) @ np.diag((_BRADFORD @ wanted) / (_BRADFORD @ own)) @ _BRADFORD
        return adapted @ (columns * np.linalg.solve(columns, own))


@lru_cache(maxsize=16)
def _decoded(curve: float | str) -> np.ndarray:
    """Return the light of each of 256 levels, float32; for HLG that of the scene, from 0 to 1."""
    level = np.arange(256) / 255
    if curve == "sRGB":
        light = np.where(level <= 0.04045, level / 12.92, ((level + 0.055) / 1.055) ** 2.4)
    elif curve == "PQ":  # SMPTE ST 2084
        power = level ** (32 / 2523)
        light = 10_000 / _WHITE * ((power - 0.8359375).clip(0) / (18.8515625 - 18.6875 * power)) ** (8192 / 1305)
    elif curve == "HLG":
        light = np.where(level <= 0.5, level**2 / 3, (np.exp((level - 0.55991073) / 0.17883277) + 0.28466892) / 12)
    else:
        light = level ** float(curve)
    return light.astype(np.float32)


def _roll_off(light: np.ndarray, peak: float) -> np.ndarray:
    """Return the factors that bring light up to `peak` into 0 to 1: none below the knee, and without a kink at it."""
    over = ((light - _KNEE) / (peak - _KNEE)).clip(0)
    steep = (peak - _KNEE) / (1 - _KNEE)
    return np.where(over > 0, _KNEE + (1 - _KNEE) * steep * over / (1 + (steep - 1) * over), light) / light.clip(1e-6)


@lru_cache(maxsize=1)
def _srgb_levels() -> np.ndarray:
    """Return the 8-bit level of each of 65,536 steps of light, uint8."""
    light = np.arange(65536) / 65535
    return np.rint(255 * np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)).astype(
        np.uint8
    )
