"""Faithfulness: does the score follow what a map calls important?

::

    order      the pixels by falling saliency (the map enlarged to the picture, bilinear); ties by chance, with a seed
    deletion   y of the picture whose first pixels of the order have the mean colour, less y of that colour alone
    insertion  y of the blurred picture whose first pixels are sharp, less y of the blurred picture
    area       (sum of the curve - (first + last) / 2) / (points - 1):  V. Petsiuk, A. Das, K. Saenko, "RISE", BMVC 2018

    O_p         y of the picture times the map in [0, 1], of which only the top p % of the pixels are kept
    drop_p      max(0, y - O_p), in points        Average Drop is its mean over pictures
    increase_p  100 [O_p > y]                     Increase in Confidence, likewise

Both are from A. Chattopadhay et al., "Grad-CAM++", WACV 2018; at p = 100, 50 and 15 % from I. Gkartzonika, N. Gkalelis,
V. Mezaris, "L-CAM", 2022, arXiv:2209.11189. The picture is masked in [0, 1], before the normalisation: with black.

The papers' y is the probability of a class, from 0 to 1. Here it is a score, in points, which has no natural 0. Hence
curves are relative to the score of the picture without any detail, so that all maps of a picture share one end, and
drops are in points, not in percent of y. Percentages of what y has above the score of the fully masked picture, the
obvious adaptation, are undefined for most photos: networks that learnt from landscapes score a black picture higher.
"""

from dataclasses import dataclass

import numpy as np
import torch
from scipy.ndimage import gaussian_filter
from torch import Tensor

from siam.explainers.base import Network, Progress, Target, enlarged, prepared, quiet, to_unit, untouched
from siam.explainers.minibatches import at_once, batches

STEPS = 10  # of the curves: a tenth of the pixels each
SHARES = (100, 50, 15)  # p, in percent of the pixels
PASSES = 2 * (STEPS + 1) + len(SHARES)  # forward passes of one map
_BLUR = 5 / 224  # standard deviation of the blur, in sides of the picture: RISE's 5 px of 224


@dataclass(frozen=True, eq=False)
class Faithfulness:
    """How the score of one picture follows one map.

    Attributes:
        shares: (S + 1,) of the pixels that are deleted or inserted, from 0 to 1.
        deletion: (S + 1,) in points, above the score of the mean colour; low is good.
        insertion: (S + 1,) in points, above the score of the blurred picture; high is good.
        drop: per p of `SHARES`, in points, from 0 on; low is good.
        increase: per p, 0 or 100 percent; high is good.
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
    """Return how the target follows a map of one picture; it takes `PASSES` passes.

    Args:
        model: left as it was.
        image: (1, 3, H, W), normalised.
        saliency: (h, w); of a signed map, what is negative comes last in the order, and counts as 0 in drop and
            increase.
        target: the one that the map explains.
        progress: told passes done and in all; it may raise to end the work.
        seed: of the order among pixels of the same saliency.

    Raises:
        ValueError: there is not one picture, or the map is not (h, w).
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
        for part in batches(len(pictures), at_once(None, model, image), progress):
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
    """Return the place (H, W) of each pixel in the order by falling saliency, from 0 on; ties in random order."""
    values = saliency.flatten()
    shuffled = torch.randperm(len(values), generator=torch.Generator().manual_seed(seed)).to(values.device)
    order = shuffled[values[shuffled].argsort(descending=True, stable=True)]
    places = torch.empty_like(order)
    places[order] = torch.arange(len(order), device=order.device)
    return places.view(saliency.shape)


def _curve_pictures(image: Tensor, rank: Tensor) -> list[Tensor]:
    """Return the pictures of the deletion and then of the insertion curve, `STEPS` + 1 each."""
    sigma = [0, *(_BLUR * side for side in image.shape[1:])]
    blurred = torch.from_numpy(gaussian_filter(image.cpu().numpy(), sigma)).to(image)
    counts = [round(rank.numel() * step / STEPS) for step in range(STEPS + 1)]
    deleted = [image.where(rank >= count, 0) for count in counts]  # 0 is the mean colour
    return [*deleted, *(image.where(rank < count, blurred) for count in counts)]


def _top_pictures(model: Network, image: Tensor, large: Tensor, rank: Tensor) -> list[Tensor]:
    """Return the pictures of which the map keeps the top p %."""
    mean, std = (
        torch.tensor(values, device=image.device).view(3, 1, 1) for values in (model.config.mean, model.config.std)
    )
    visible = image * std + mean  # (3, H, W) in [0, 1]
    weights = to_unit(large.clamp(min=0))
    masks = [weights.where(rank < round(rank.numel() * p / 100), 0) for p in SHARES]
    return [(visible * of - mean) / std for of in masks]
