"""How well a map agrees with a mask of what truly matters, or with another map.

::

    EBPG      share of the positive saliency that lies inside the mask ("energy-based pointing game", H. Wang et al.,
              "Score-CAM", CVPR Workshops 2020); a map with none counts as uniform
    pixel AP  average precision of all pixels, ranked by the map
    IoU area  mean over thresholds t of the intersection over union of mask and [map in [0, 1] >= t]: the area under the
              curve of IoU against threshold of J. Oramas, K. Wang, T. Tuytelaars, ICLR 2019, arXiv:1712.06302
    rank      Spearman's correlation of two maps, cell by cell

Maps are enlarged to the mask, bilinear. Negative values of signed maps count as 0, except in the ranks.
"""

from typing import Any

import numpy as np
import torch
from scipy.stats import rankdata
from sklearn.metrics import average_precision_score
from torch import Tensor

from siam.evaluation.what_where_how.scenes import pooled
from siam.explainers.base import enlarged, to_unit

THRESHOLDS = tuple(step / 20 for step in range(1, 21))  # of the map in [0, 1]
CELLS = 11  # along each side, for comparing two maps: as many as a last feature map has


def against_mask(saliency: Tensor, mask: np.ndarray, known: np.ndarray | None = None) -> dict[str, float]:
    """Return "ebpg", "pixel_ap" and "iou_area" of a map (h, w) against a mask (H, W), bool, and the mask's "chance".

    Chance is the share of the picture that the mask covers: EBPG and pixel AP of a map that knows nothing. Where
    `known` (H, W), bool, is given, no other pixel counts.

    Raises:
        ValueError: the mask covers nothing, or everything.
    """
    known = np.ones(mask.shape, dtype=bool) if known is None else known
    large = enlarged(saliency.detach().cpu().float(), *mask.shape)[torch.tensor(known)]  # (pixels,)
    mask = mask[known]
    chance = float(mask.mean())
    if not 0 < chance < 1:
        raise ValueError(f"the mask covers {chance:.0%} of the picture; expected more than none and less than all")
    positive = large.clamp(min=0)
    mass = float(positive.sum())
    inside = torch.tensor(mask)
    unit = to_unit(positive[None])[0]
    overlaps = []
    for threshold in THRESHOLDS:
        marked = unit >= threshold
        overlaps.append(float((marked & inside).sum() / (marked | inside).sum()))
    return {
        "ebpg": float(positive[inside].sum()) / mass if mass > 0 else chance,
        "pixel_ap": float(average_precision_score(mask, large.numpy())),
        "iou_area": float(np.mean(overlaps)),
        "chance": chance,
    }


def rank_correlation(one: Tensor, other: Tensor) -> float:
    """Return Spearman's correlation of two maps of any sizes, on `CELLS` x `CELLS`; NaN where one is constant."""
    cells: list[Any] = [pooled(map_.detach().cpu().double().numpy(), (CELLS, CELLS)).ravel() for map_ in (one, other)]
    if any(np.ptp(values) <= 1e-12 * max(1e-300, float(np.abs(values).max())) for values in cells):
        return float("nan")
    return float(np.corrcoef(*map(rankdata, cells))[0, 1])


def evidence(density: np.ndarray, share: float = 0.5) -> np.ndarray:
    """Return the smallest region (H, W), bool, that holds `share` of the positive part of a density (H, W).

    Pixels as dense as its least dense pixel are included. If nothing is positive, the region is empty.
    """
    positive = np.sort(density[density > 0])[::-1]
    if not len(positive):
        return np.zeros(density.shape, dtype=bool)
    held = np.cumsum(positive)
    last = int(np.searchsorted(held, share * held[-1] * (1 - 1e-9)))
    return density >= positive[last]
