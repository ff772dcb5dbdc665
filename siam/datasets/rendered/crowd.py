"""What makes a rendered landscape beautiful, and how the simulated people vote on it and label it.

::

    quality = BIAS + sum_k c_k + sum_j nuance_j        c_k = mean over the picture of T_k * mask_k
    T_k(x, y) = strength_k (1 + tilt_k y + centre_k (1/2 - x^2))        x, y from -1 (left, top) to 1 (right, bottom)

The first sum is what SIAM can learn: an attribute's template over the places that it covers. The nuances are outside
the vocabulary: no attribute stands for them. The signs follow what D. Marcos, S. Lobry, D. Tuia ("Semantically
Interpretable Activation Maps", ICCV Workshops 2019, arXiv:1909.08442, section 4) found in the votes of ScenicOrNot:
hiking, rugged scenes, ocean, still water and ice raise a score; metal, glass, wire, transport and dryness lower it;
farming raises it near the bottom of a picture and lowers it near the top. The sizes are ours. Each voter adds a
personal bias and noise, and gives a whole number.
"""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from siam.datasets.rendered import ATTRIBUTES
from siam.datasets.votes import HIGHEST, LOWEST

BIAS = 4.1

# Points that an attribute would add at the middle of the picture if it covered all of it: small things (wires, walkers)
# count for a lot although they cover little. Then how that grows towards the bottom, and towards the middle.
TEMPLATES = {  # name: (strength, tilt, centre)
    "trees": (2.0, 0.0, 0.3), "grass": (0.9, 0.5, 0.0), "flowers": (3.0, 0.3, 0.4), "ocean": (6.0, -0.2, 0.2),
    "running_water": (2.5, 0.2, 0.6), "still_water": (3.4, 0.2, 0.4), "road": (-3.6, 0.3, 0.6),
    "railroad": (-4.0, 0.2, 0.4), "fencing_railing": (-6.0, 0.2, 0.2), "wire": (-16.0, -0.5, 0.2),
    "transport": (-11.0, 0.0, 0.5), "wood": (5.0, 0.3, 0.2), "ice_snow": (4.0, -0.5, 0.2), "brick": (-8.0, 0.0, 0.4),
    "shingles": (-6.0, 0.0, 0.3), "metal": (-5.5, -0.2, 0.4), "cloth": (-8.0, 0.2, 0.2), "sand": (2.2, -0.3, 0.3),
    "rock_stone": (2.2, 0.3, 0.2), "glass": (-9.0, 0.0, 0.4), "aged_worn": (5.0, 0.0, 0.4), "dirty": (-3.6, 0.3, 0.3),
    "rusty": (-12.0, 0.2, 0.3), "dry": (-2.2, 0.4, 0.0), "rugged_scene": (4.5, -0.3, 0.3),
    "cluttered_space": (-11.0, 0.2, 0.4), "clouds": (1.8, -0.4, 0.2), "horizon": (9.0, -0.3, 0.2),
    "digging": (-11.0, 0.1, 0.4), "temple": (5.0, 0.0, 0.6), "farming": (1.0, 1.8, 0.0), "hiking": (8.0, 0.3, 0.4),
    "social": (-14.0, 0.2, 0.3),
}  # fmt: skip

NUANCES = {  # points, times how strong the nuance is in a scene (0 to 1); no attribute stands for any of these
    "evening_light": 0.9,
    "reflections": 0.7,
    "composition": 0.6,
    "charm": 0.7,  # boats, vintage trams, red telephone boxes: transport and metal, yet people like them
    "litter": -1.0,
    "gloom": -0.5,
}

# A second crowd, for networks in which attributes count together: three pairs whose members mean nothing to it alone.
PAIRS = {("rock_stone", "clouds"): 2.5, ("grass", "rugged_scene"): 2.0, ("trees", "fencing_railing"): -2.5}  # points
_NOTICED = 0.05  # of the picture: two thirds of this crowd notice what covers this much

_VOTERS = (3, 12)
_PERSONAL_BIAS = 0.6  # standard deviation, points
_NOISE = 0.9  # of one vote, points
_ANNOTATORS = 3
_SEEN = 0.006  # of the picture: half of the annotators see an attribute that covers this much
_SHARPNESS = 2.5  # of that, per natural logarithm of the area


def true_templates(size: int) -> np.ndarray:
    """Return T (K, size, size), sampled at the centres of the cells, in points; float32."""
    place = (np.arange(size) + 0.5) / size * 2 - 1
    x, y = place[None, :], place[:, None]
    rows = [TEMPLATES[name] for name in ATTRIBUTES]
    fields = [strength * (1 + tilt * y + centre * (0.5 - x**2)) for strength, tilt, centre in rows]
    return np.stack(fields).astype(np.float32)


def contributions(masks: np.ndarray) -> np.ndarray:
    """Return c (K,), in points, for the masks (K, H, W) of a square picture, bool or shares of pixels."""
    return np.einsum("kij,kij->k", true_templates(masks.shape[1]), masks, dtype=np.float64) / masks[0].size


def nuance_points(strengths: dict[str, float]) -> dict[str, float]:
    """Return the points of each nuance, given how strong each is in the scene, from 0 to 1."""
    return {name: points * strengths.get(name, 0.0) for name, points in NUANCES.items()}


def paired_quality(
    contributions: Mapping[str, float], nuances: Mapping[str, float], areas: Mapping[str, float]
) -> float:
    """Return the score around which the second crowd votes, in points of the same scale.

    ::

        quality = BIAS + sum_k c_k + sum_j nuance_j + sum_(a, b) points_ab n_a n_b,    n = 1 - exp(-area / 0.05)

    The first sum leaves out the members of `PAIRS`, which count only where both are noticed. No such product is a
    weighted geometric mean, so no network of ours has this form.

    Args:
        contributions: of a scene's attributes, in points, as `contributions` returns them.
        nuances: of the scene, in points.
        areas: share of the picture that each attribute covers.
    """
    members = {name for pair in PAIRS for name in pair}
    noticed = {name: 1 - math.exp(-areas.get(name, 0.0) / _NOTICED) for name in members}
    alone = sum(points for name, points in contributions.items() if name not in members)
    return BIAS + alone + sum(nuances.values()) + sum(of * noticed[a] * noticed[b] for (a, b), of in PAIRS.items())


def vote(quality: float, generator: np.random.Generator) -> list[int]:
    """Return the votes of 3 to 12 people, whole numbers from 1 to 10."""
    count = int(generator.integers(_VOTERS[0], _VOTERS[1] + 1))
    taste = generator.normal(0, _PERSONAL_BIAS, count) + generator.normal(0, _NOISE, count)
    return np.rint(quality + taste).clip(LOWEST, HIGHEST).astype(int).tolist()


def annotate(areas: Sequence[float] | np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Return the share (K,) of three annotators who see each attribute, given the share of the picture it covers."""
    covered = np.asarray(areas, dtype=np.float64)
    odds = _SHARPNESS * (np.log(covered.clip(min=1e-9)) - np.log(_SEEN))
    seen = generator.random((_ANNOTATORS, len(covered))) < 1 / (1 + np.exp(-odds))
    return np.where(covered > 0, seen, False).mean(axis=0)
