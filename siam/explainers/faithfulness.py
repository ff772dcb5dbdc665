"""Faithfulness: does the score follow what a map calls important?

::

    order      the pixels by falling saliency (the map enlarged to the picture, bilinear); ties at random, with a seed
    deletion   y of the picture with the first pixels of the order in the mean colour, minus y of that colour alone
    insertion  y of the blurred picture with its first pixels sharp, minus y of the blurred picture
    area       (sum of the curve - (first + last) / 2) / (points - 1)

    O_p         y of the picture times the map in [0, 1], with only its top p % of pixels kept
    drop_p      max(0, y - O_p), in points        Average Drop is its mean over pictures
    increase_p  100 [O_p > y]                     Increase in Confidence, likewise

Deletion, insertion and area are from V. Petsiuk, A. Das, K. Saenko, "RISE", BMVC 2018, arXiv:1806.07421. Their code
(evaluation.py, `gkern(11, 5)`) blurs pictures of 224 px with SciPy's Gaussian filter of a unit impulse, of standard
deviation 5 px, on a grid of 11 x 11. The filter reflects at the grid's edge, so the kernel sums to 1 and is nearly
flat, with a standard deviation of 3.13 px along each axis. So is ours, its size and the 5 px in proportion to the
picture's short side. Beyond the picture's edge lies the mean colour, as in theirs.

Drop and increase are from A. Chattopadhay et al., "Grad-CAM++", WACV 2018; p = 100, 50 and 15 % are from I.
Gkartzonika, N. Gkalelis, V. Mezaris, "L-CAM", 2022, arXiv:2209.11189. The picture is masked in [0, 1], before
normalisation, so hidden pixels are black.

The papers' y is the probability of a class, from 0 to 1. Here it is a score, in points, which has no natural 0. So
curves are relative to the score of the picture without any detail, which all maps of a picture share as one end, and
drops are in points, not in percent of y. The obvious adaptation, percentages of how far y lies above the score of the
fully masked picture, is undefined for most photos: networks that learnt from landscapes score a black picture higher.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from siam.explainers.base import Model, Progress, Target, enlarged, prepared, quiet, to_unit, untouched, values_of
from siam.explainers.minibatches import at_once, batches
from siam.runtime.reprs import brief

STEPS = 50  # of each curve, a fiftieth of the pixels each
SHARES = (100, 50, 15)  # p, in percent of the pixels
PASSES = 2 * (STEPS + 1) + len(SHARES)  # forward passes for one map
_SIDE, _KERNEL, _SIGMA = 224, 11, 5.0  # px: the side of RISE's pictures, and its blur on them


@dataclass(frozen=True, eq=False)
class Faithfulness:
    """How the target of one picture follows one map; points are the target's unit.

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

    __repr__ = brief

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
    model: Model,
    image: Tensor,
    saliency: Tensor,
    target: Target,
    progress: Progress = quiet,
    seed: int = 0,
    *,
    steps: int = STEPS,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
) -> Faithfulness:
    """Return how the target follows a map of one picture; this takes 2 (steps + 1) + 3 passes.

    Args:
        model: any `torch.nn.Module`, or a plain function; it is left as it was.
        image: the picture (1, C, H, W), normalised as the model takes it.
        saliency: the map (h, w); negative values come last in the order, and count as 0 in drop and increase.
        target: the target that the map explains, called with the model and pictures (N, C, H, W).
        progress: called with the passes done and their total; it may raise to end the work.
        seed: seed for the order among pixels of equal saliency.
        steps: steps of each curve, at least 2.
        mean: the mean of each channel that the picture was normalised with: 0 is then the mean colour, and -mean / std
            black. By default that of `model.config`; if it has none, 0, so that 0 is both.
        std: the standard deviation of each channel, likewise; 1 if there is none.

    Raises:
        ValueError: there is not exactly one picture, the map is not (h, w), there are fewer than two steps, or mean or
            std is not one number per channel, std above 0.

    Example:
        >>> import torch
        >>> from siam.explainers import faithfulness, output
        >>> network = torch.nn.Sequential(torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(), torch.nn.Linear(3, 2))
        >>> found = faithfulness(network, torch.rand(1, 3, 32, 48), torch.rand(4, 6), output(1), steps=20)
        >>> found.deletion.shape
        (21,)
    """
    if len(image) != 1 or saliency.ndim != 2:
        raise ValueError(
            f"got images {tuple(image.shape)} and a map {tuple(saliency.shape)}; expected (1, C, H, W) and (h, w)"
        )
    if steps < 2:
        raise ValueError(f"got {steps} steps; expected at least 2")
    points = steps + 1
    with untouched(model), torch.no_grad():
        images = prepared(model, image)
        picture = images[0]
        shift, scale = normalisation(model, picture, mean, std)
        visible, without_detail = picture * scale + shift, blurred(picture)
        large = enlarged(saliency.to(picture), *picture.shape[1:])  # (H, W)
        rank, weights = ranks(large, seed), to_unit(large.clamp(min=0))
        counts = [round(rank.numel() * step / steps) for step in range(points)]

        def altered(number: int) -> Tensor:
            """Return the picture for one pass: `points` for deletion, as many for insertion, one for each p."""
            if number < points:
                return picture.where(rank >= counts[number], 0)  # 0 is the mean colour
            if number < 2 * points:
                return picture.where(rank < counts[number - points], without_detail)
            kept = round(rank.numel() * SHARES[number - 2 * points] / 100)
            return (visible * weights.where(rank < kept, 0) - shift) / scale

        scores = []
        for part in batches(2 * points + len(SHARES), at_once(None, images), progress):
            altered_pictures = torch.stack([altered(number) for number in range(part.start, part.stop)])
            scores.append(values_of(target, model, altered_pictures))
        answers = torch.cat(scores).double().cpu().numpy()
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


def normalisation(
    model: object, picture: Tensor, mean: Sequence[float] | None, std: Sequence[float] | None
) -> tuple[Tensor, Tensor]:
    """Return mean and std (C, 1, 1), on the device of the picture (C, H, W); those of the model if they are None.

    Raises:
        ValueError: there is not one number of each per channel, or a std is not above 0.
    """
    config, count = getattr(model, "config", None), len(picture)
    shift = getattr(config, "mean", (0.0,) * count) if mean is None else mean
    scale = getattr(config, "std", (1.0,) * count) if std is None else std
    if len(shift) != count or len(scale) != count or not min(scale) > 0:
        raise ValueError(f"got mean {shift} and std {scale}; expected {count} numbers each, and each std above 0")
    found = picture.new_tensor([list(shift), list(scale)])[..., None, None]
    return found[0], found[1]


def blurred(picture: Tensor) -> Tensor:
    """Return a picture (C, H, W) blurred as in RISE."""
    kernel = blur_kernel(min(picture.shape[1:])).to(picture)
    half = len(kernel) // 2
    once = F.conv2d(picture[:, None], kernel.view(1, 1, -1, 1), padding=(half, 0))  # each channel alone
    return F.conv2d(once, kernel.view(1, 1, 1, -1), padding=(0, half))[:, 0]


def blur_kernel(side: int) -> Tensor:
    """Return RISE's kernel (k,) along one axis, which sums to 1, for pictures whose short side has `side` px.

    RISE's kernel (11, 11) for 224 px is the product of two. k is odd and at least 3.
    """
    from scipy.ndimage import gaussian_filter1d  # here, since it takes long to import

    half = max(1, round((_KERNEL * side / _SIDE - 1) / 2))
    impulse = np.zeros(2 * half + 1)
    impulse[half] = 1
    return torch.from_numpy(gaussian_filter1d(impulse, _SIGMA * side / _SIDE))
