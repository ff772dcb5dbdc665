"""Faithfulness: does the score follow what a map calls important?

::

    order      the pixels by falling saliency (the map enlarged to the picture, bilinear); ties at random, with a seed
    deletion   y of the picture with the first pixels of the order in the mean colour, minus y of that colour alone
    insertion  y of the blurred picture with its first pixels sharp, minus y of the blurred picture
    area       (sum of the curve - (first + last) / 2) / (points - 1):  V. Petsiuk, A. Das, K. Saenko, "RISE", BMVC 2018

    O_p         y of the picture times the map in [0, 1], with only its top p % of pixels kept
    drop_p      max(0, y - O_p), in points        Average Drop is its mean over pictures
    increase_p  100 [O_p > y]                     Increase in Confidence, likewise

Both are from A. Chattopadhay et al., "Grad-CAM++", WACV 2018; p = 100, 50 and 15 % are from I. Gkartzonika,
N. Gkalelis, V. Mezaris, "L-CAM", 2022, arXiv:2209.11189. The picture is masked in [0, 1], before normalisation, so
hidden pixels are black.

The papers' y is the probability of a class, from 0 to 1. Here it is a score, in points, which has no natural 0. So
curves are relative to the score of the picture without any detail, which all maps of a picture share as one end, and
drops are in points, not in percent of y. The obvious adaptation, percentages of how far y lies above the score of the
fully masked picture, is undefined for most photos: networks that learnt from landscapes score a black picture higher.
"""

from dataclasses import dataclass

import numpy as np
import torch
from scipy.ndimage import gaussian_filter
from torch import Tensor

from siam.explainers.attribution import Network
from siam.explainers.base import Progress, Target, enlarged, prepared, quiet, to_unit, untouched
from siam.explainers.minibatches import at_once, batches

STEPS = 10  # of the curves, a tenth of the pixels each
SHARES = (100, 50, 15)  # p, in percent of the pixels
PASSES = 2 * (STEPS + 1) + len(SHARES)  # forward passes for one map
_BLUR = 5 / 224  # standard deviation of the blur, in sides of the picture: RISE's 5 px of 224


@dataclass(frozen=True, eq=False)
class Faithfulness:
    """How the score of one picture follows one map.

    Attributes:
        shares: (S + 1,) shares of pixels deleted or inserted, from 0 to 1.
        deletion: (S + 1,) in points above the score of the mean colour; lower is better.
        insertion: (S + 1,) in points above the score of the blurred picture; higher is better.
        drop: for each p in `SHARES`, in points, at least 0; lower is better.
        increase: for each p, 0 or 100 percent; higher is better.
    """

    shares: np.ndarray
    deletion: np.ndarray
    insertion: np.ndarray
    drop: dict[int, float]
    increase: dict[int, float]

    @property
    def deletion_area(self) -> float:
        """Mean height of the deletion curve, in points."""
        return area(self.deletion)

    @property
    def insertion_area(self) -> float:
        """Mean height of the insertion curve, in points."""
        return area(self.insertion)


def area(curve: np.ndarray) -> float:
    """Return the mean height of a curve (n,) by the trapezoidal rule, n >= 2."""
    return float((curve.sum() - (curve[0] + curve[-1]) / 2) / (len(curve) - 1))


def faithfulness(
    model: Network, image: Tensor, saliency: Tensor, target: Target, progress: Progress = quiet, seed: int = 0
) -> Faithfulness:
    """Return how the target follows a map of one picture; this takes `PASSES` passes.

    Args:
        model: the network; it is left as it was.
        image: the picture (1, 3, H, W), normalised.
        saliency: the map (h, w); negative values come last in the order, and count as 0 in drop and increase.
        target: the target that the map explains.
        progress: called with the passes done and their total; it may raise to end the work.
        seed: seed for the order among pixels of equal saliency.

    Raises:
        ValueError: there is not exactly one picture, or the map is not (h, w).
    """
    if len(image) != 1 or saliency.ndim != 2:
        raise ValueError(
            f"got images {tuple(image.shape)} and a map {tuple(saliency.shape)}; expected (1, 3, H, W) and (h, w)"
        )
    with untouched(model), torch.no_grad():
        image = prepared(model, image)
        large = enlarged(saliency.to(image), *image.shape[2:])  # (H, W)
        rank = ranks(large, seed)
        pictures = [*_curve_pictures(image[0], rank), *_top_pictures(model, image[0], large, rank)]
        scores = []
        for part in batches(len(pictures), at_once(None, image), progress):
            scores.append(target(model, torch.stack(pictures[part])))
        answers = torch.cat(scores).double().cpu().numpy()
    points = STEPS + 1
    deletion, insertion, top = answers[:points], answers[points : 2 * points], answers[2 * points :]
    whole = float(deletion[0])
    return Faithfulness(
        shares=np.linspace(0, 1, points),
        deletion=deletion - deletion[-1],
        insertion=insertion - insertion[0],
        drop={p: max(0.0, whole - float(score)) for p, score in zip(SHARES, top, strict=True)},
        increase={p: 100.0 * bool(score > whole) for p, score in zip(SHARES, top, strict=True)},
    )


def ranks(saliency: Tensor, seed: int = 0) -> Tensor:
    """Return the rank (H, W) of each pixel by falling saliency, from 0 on; ties in random order."""
    values = saliency.flatten()
    shuffled = torch.randperm(len(values), generator=torch.Generator().manual_seed(seed)).to(values.device)
    order = shuffled[values[shuffled].argsort(descending=True, stable=True)]
    places = torch.empty_like(order)
    places[order] = torch.arange(len(order), device=order.device)
    return places.view(saliency.shape)


def _curve_pictures(image: Tensor, rank: Tensor) -> list[Tensor]:
    """Return the pictures for the deletion curve, then those for the insertion curve, `STEPS` + 1 each."""
    sigma = [0, *(_BLUR * side for side in image.shape[1:])]
    blurred = torch.from_numpy(gaussian_filter(image.cpu().numpy(), sigma)).to(image)
    counts = [round(rank.numel() * step / STEPS) for step in range(STEPS + 1)]
    deleted = [image.where(rank >= count, 0) for count in counts]  # 0 is the mean colour
    return [*deleted, *(image.where(rank < count, blurred) for count in counts)]


def _top_pictures(model: Network, image: Tensor, large: Tensor, rank: Tensor) -> list[Tensor]:
    """Return the pictures masked by the map's top p %, for each p."""
    mean, std = (
        torch.tensor(values, device=image.device).view(3, 1, 1) for values in (model.config.mean, model.config.std)
    )
    visible = image * std + mean  # (3, H, W) in [0, 1]
    weights = to_unit(large.clamp(min=0))
    masks = [weights.where(rank < round(rank.numel() * p / 100), 0) for p in SHARES]
    return [(visible * mask - mean) / std for mask in masks]
