"""The colours of surfaces before lighting; linear RGB."""

import colorsys
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from siam.datasets.flowers.classes import Colour, Part
from siam.worlds.flowers.meshes import BAND, CENTRE, LEAF, PETAL, POT, SOIL, STEM
from siam.worlds.flowers.traits import Traits

PARTS: dict[Part, tuple[int, ...]] = {"petals": (PETAL,), "stem": (STEM, LEAF)}  # part → its materials

_SHINE = np.zeros(7, dtype=np.float32)
_SHINE[[STEM, LEAF, PETAL, CENTRE]] = 0.07, 0.09, 0.04, 0.03
_THIN = np.zeros(7, dtype=np.float32)  # how much light from behind comes through
_THIN[[LEAF, PETAL]] = 0.45, 0.75
_YELLOW, _BROWN, _EARTH = (0.80, 0.48, 0.03), (0.10, 0.045, 0.02), (0.060, 0.036, 0.022)


@dataclass(frozen=True)
class Finish:
    """How S places reflect light.

    Attributes:
        colour: (3, S) linear RGB.
        shine: (S,) strength of the highlight.
        thin: (S,) share of the light from behind that comes through.
    """

    colour: np.ndarray
    shine: np.ndarray
    thin: np.ndarray


def linear(colour: Colour | np.ndarray) -> np.ndarray:
    """Return linear RGB for sRGB, both from 0 to 1, in any shape."""
    value = np.asarray(colour, dtype=np.float32)
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4).astype(np.float32)


def finish(material: np.ndarray, surface: np.ndarray, traits: Traits, colours: Mapping[Part, Colour]) -> Finish:
    """Return how places reflect light.

    Args:
        material: (S,) material numbers of `meshes`.
        surface: (3, S) surface coordinates, as in `Mesh.surface`.
        traits: traits of the flower.
        colours: colours of the two parts by which classes differ, sRGB.
    """
    pot, band = linear(colorsys.hsv_to_rgb(*traits.pot)), _band_colour(traits)
    stem = linear(colours["stem"]) * traits.stem_shade
    stem = stem * np.array([1 + 0.15 * traits.stem_hue, 1.0, 1 - 0.15 * traits.stem_hue])
    basic = np.zeros((7, 3), dtype=np.float32)
    basic[[POT, BAND, SOIL, STEM, LEAF]] = pot, pot, _EARTH, 0.95 * stem, stem
    basic[PETAL] = linear(colours["petals"]) * traits.petal_shade
    basic[CENTRE] = np.array(_YELLOW) * (1 - traits.centre_tone) + np.array(_BROWN) * traits.centre_tone
    along, across, shade = surface
    petal, leaf, wall, centre = (np.flatnonzero(material == kind) for kind in (PETAL, LEAF, BAND, CENTRE))
    factor = shade.copy()
    factor[petal] *= _petal_pattern(along[petal], across[petal], traits.petal_eye)
    factor[leaf] *= _leaf_pattern(along[leaf], across[leaf])
    factor[centre] *= 0.55 + 0.6 * along[centre] ** 1.5
    colour = np.take(basic.T, material, axis=1) * factor
    painted = wall[(along[wall] > traits.band[0]) & (along[wall] < traits.band[1])]
    colour[:, painted] = band[:, None]
    shine = _SHINE[material]
    shine[(material == POT) | (material == BAND)] = 0.02 + 0.30 * traits.gloss
    return Finish(colour, shine, _THIN[material])


def _band_colour(traits: Traits) -> np.ndarray:
    """Return the colour of the painted band: the pot's colour, but much lighter or darker."""
    hue, saturation, value = traits.pot
    return linear(colorsys.hsv_to_rgb(hue, 0.5 * saturation, value + 0.25 if value < 0.7 else value - 0.28))


def _petal_pattern(along: np.ndarray, across: np.ndarray, eye: float) -> np.ndarray:
    """Return factors: darker at the foot, faint veins, a lighter rim."""
    foot = np.clip(1 - along / 0.55, 0, 1)
    veins = np.cos(across * 22) * (1 - along) * 0.5 + np.cos(across * 9) * 0.5
    return 1 - eye * foot * foot + 0.035 * veins + 0.05 * across**2


def _leaf_pattern(along: np.ndarray, across: np.ndarray) -> np.ndarray:
    """Return factors: a light midrib, and veins that leave it obliquely."""
    side = np.abs(across)
    rib = np.exp(-((side / 0.07) ** 2))
    veins = np.exp(-((((along * 9 - side * 2.2) % 1.0 - 0.5) / 0.10) ** 2)) * (1 - side)
    return 0.94 + 0.30 * rib + 0.13 * veins
