"""Ada-SISE: SISE with fewer masks, because each block's own gradients set the threshold.

::

    kept: alpha[k] >= t max_k alpha[k],   t = Otsu's threshold of the positive alpha / max_k alpha

Everything else is as in `siam.explainers.sise`, but for the zero from which scores and logits are weighed: that is the
mask that keeps least, since a block's few masks are all good ones, and their mean would count half of them against the
places that they mark. If all positive alphas fall into one bin of Otsu's histogram, all their maps are kept.

M. Sudhakar et al., "Ada-SISE: Adaptive Semantic Input Sampling for Efficient Explanation of Convolutional Neural
Networks", ICASSP 2021, arXiv:2102.07799.
"""

from dataclasses import dataclass, field
from typing import ClassVar

import torch
from torch import Tensor

from siam.explainers.base import Description, Kind, Model, Progress, Target, quiet
from siam.explainers.layers import Reshape
from siam.explainers.sise import Fusion, Sampling, Zero, check, most_passes, otsu_threshold, zero_for


@dataclass(frozen=True)
class AdaSISE:
    """Ada-SISE, at the size of the picture.

    Attributes:
        zero: "mean", "least" or "paper" (`siam.explainers.sise`); by default "paper" for probabilities, else "least".
        fusion: "hard" or "soft".
        layers: dotted names of the blocks' layers, from shallow to deep; by default they are found.
        reshape: how their outputs become maps (N, C, h, w), if it is not to be guessed.
        batch_size: pictures per forward pass, by default as many as suit the device; maps differ by rounding only.
    """

    kind: ClassVar[Kind] = "perturbation"
    signed: ClassVar[bool] = False
    slow: ClassVar[bool] = True
    description: ClassVar[Description] = Description(
        title="Ada-SISE",
        paper="Sudhakar et al. 2021",
        link="https://arxiv.org/abs/2102.07799",
        idea="SISE that keeps only the feature maps above Otsu's threshold in each block.",
        colour="#5C6BC0",
        dash="dot",
    )

    zero: Zero | None = None
    fusion: Fusion = "hard"
    layers: tuple[str, ...] | None = None
    reshape: Reshape | None = None
    batch_size: int | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        """Raise a ValueError for settings out of range."""
        check(self.zero, self.fusion, self.batch_size)

    def passes(self, model: Model, height: int, width: int) -> int:
        """Return the most passes it can take, as for SISE; most pictures need far fewer."""
        return most_passes(model, height, width)

    def __call__(self, model: Model, images: Tensor, target: Target, progress: Progress = quiet) -> Tensor:
        """Return maps (N, H, W) of images (N, C, H, W), from 0 to at most the number of blocks; see `Explainer`.

        `progress` counts the masked pictures only; their number is known once the gradients have been computed.
        """
        zero = self.zero or zero_for(target, "least")
        sampling = Sampling(chosen_by_otsu, zero, self.fusion, self.layers, self.reshape, self.batch_size)
        return sampling.maps(model, images, target, progress)


def chosen_by_otsu(alpha: Tensor) -> Tensor:
    """Return which of a layer's maps to keep (C,), bool, given their alphas (C,)."""
    positive = alpha > 0
    if not positive.any():
        return positive
    share = alpha / alpha.max()
    threshold = otsu_threshold(share[positive])
    return positive if threshold is None else torch.ge(share, threshold)
