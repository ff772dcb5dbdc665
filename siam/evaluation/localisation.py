"""Where: how well attribute maps agree with regions from an outside segmenter."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from sklearn.metrics import average_precision_score
from torch import Tensor
from torch.nn.functional import interpolate

from siam.datasets.base import PRESENT
from siam.datasets.regions import MINIMUM_SHARE, Regions

MINIMUM_PHOTOS = 3  # that show an attribute; with fewer, a figure means nothing


def pixel_average_precision(maps: Sequence[Tensor], labels: np.ndarray, regions: Regions, names: Sequence[str]) -> Any:
    """Return the pixel average precision of each attribute, with chance beside it.

    The cells of all photos that are labelled with an attribute and in which the segmenter sees it are ranked by the
    attribute map, scaled to the cells of the regions (bilinear); cells more than half covered by the attribute should
    come first. Chance is their share.

    Args:
        maps: attribute maps (K, h, w) of each photo.
        labels: (N, K) shares of annotators.
        regions: regions of the same photos.
        names: names of the K attributes.

    Returns:
        "per_attribute": name → {"pixel_ap", "chance", "photos"}; "pixel_ap" and "chance": their means; "over_chance":
        the mean of the ratios; "attributes": their number.
    """
    per_attribute = {}
    for row, name in enumerate(regions.attributes):
        if name not in names:
            continue
        k = list(names).index(name)
        shares = regions.shares[:, row] / 255  # (N, s, s)
        shown = np.flatnonzero((labels[:, k] > PRESENT) & (shares.mean(axis=(1, 2)) >= MINIMUM_SHARE)).tolist()
        covered = shares[shown].reshape(-1) > 0.5
        if len(shown) < MINIMUM_PHOTOS or not covered.any():
            continue
        size = shares.shape[1:]
        scaled = [interpolate(maps[n][None, k : k + 1], size, mode="bilinear")[0, 0] for n in shown]
        precision = average_precision_score(covered, torch.stack(scaled).flatten().numpy())
        per_attribute[name] = {"pixel_ap": float(precision), "chance": float(covered.mean()), "photos": len(shown)}
    return _summary(per_attribute)


def mean_localisation(figures: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the mean of several networks' `pixel_average_precision` on the same photos."""
    first = figures[0]["per_attribute"]
    return _summary(
        {
            name: {
                **first[name],
                "pixel_ap": float(np.mean([one["per_attribute"][name]["pixel_ap"] for one in figures])),
            }
            for name in first
        }
    )


def _summary(per_attribute: dict[str, dict[str, float]]) -> dict[str, Any]:
    rows = [(row["pixel_ap"], row["chance"]) for row in per_attribute.values()]
    precision, chance = np.array(rows).reshape(-1, 2).T
    return {
        "pixel_ap": _rounded(precision.mean()),
        "chance": _rounded(chance.mean()),
        "over_chance": _rounded((precision / chance).mean()),
        "attributes": len(per_attribute),
        "per_attribute": {
            name: {key: _rounded(value) for key, value in row.items()} for name, row in per_attribute.items()
        },
    }


def _rounded(value: float | np.floating) -> float:
    return round(float(value), 4)
