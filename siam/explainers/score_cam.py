"""Score-CAM: each channel is weighted by how far the picture, masked by it, raises the target. No gradients.

::

    H_c = to_unit(enlarged(A_c)),    C_c = y(x * H_c) - y(0),    M[n, i, j] = relu( sum_c  C_c A[n, c, i, j] )

A is the last feature map, y the target, x the normalised picture: hidden parts take on the mean colour.
H. Wang et al., "Score-CAM: Score-Weighted Visual Explanations for Convolutional Neural Networks", CVPR Workshops 2020,
arXiv:1910.01279: the channels' weights are its "increase of confidence". Its Algorithm 1 passes them through a softmax
over the channels: `softmax=True`. For a rating they differ little, and the softmax makes them nearly equal whatever the
target, so it is off by default.
"""

from dataclasses import dataclass, field
from typing import ClassVar

import torch
from torch import Tensor

from siam.explainers.base import (
    Description,
    Kind,
    Network,
    Progress,
    Target,
    enlarged,
    prepared,
    quiet,
    to_unit,
    untouched,
)
from siam.explainers.minibatches import at_once, batches, is_size
from siam.models.engine import features as last_features
from siam.models.siam import SIAM


@dataclass(frozen=True)
class ScoreCAM:
    """Score-CAM of the last feature map, at its size.

    Attributes:
        softmax: whether the channels' weights pass through a softmax.
        batch_size: pictures per forward pass, by default as many as suit the device; maps differ by rounding only.
    """

    kind: ClassVar[Kind] = "perturbation"
    signed: ClassVar[bool] = False
    slow: ClassVar[bool] = True
    description: ClassVar[Description] = Description(
        title="Score-CAM",
        paper="Wang et al. 2020",
        link="https://arxiv.org/abs/1910.01279",
        idea="Each of the last feature maps masks the photo and is weighted by the score that remains.",
        colour="#2A9D8F",
        dash="dash",
    )

    softmax: bool = False
    batch_size: int | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        """Raise a ValueError for a batch size below 1."""
        if not is_size(self.batch_size):
            raise ValueError(f"batch_size is {self.batch_size}; expected at least 1")

    def passes(self, model: Network, height: int, width: int) -> int:
        """Return one pass for each channel of the last feature map, one for the map, one for the hidden picture."""
        return 2 + (model.attribute_layer.in_channels if isinstance(model, SIAM) else model.linear.in_features)

    def __call__(self, model: Network, images: Tensor, target: Target, progress: Progress = quiet) -> Tensor:
        """Return maps (N, h, w) >= 0, in the target's unit times the features' unit."""
        with untouched(model), torch.no_grad():
            images = prepared(model, images)
            count = self.passes(model, *images.shape[2:])
            maps = [
                self._map(model, image[None], target, progress, done * count, len(images) * count)
                for done, image in enumerate(images)
            ]
        return torch.stack(maps)  # (N, h, w)

    def _map(
        self, model: Network, image: Tensor, target: Target, progress: Progress, before: int, total: int
    ) -> Tensor:
        if before == 0:
            progress(0, total)
        features = last_features(model, image)[0]  # (C, h, w)
        hidden = target(model, torch.zeros_like(image))  # (1,)
        scores = [
            target(model, image * to_unit(enlarged(features[part], *image.shape[2:]))[:, None])  # (batch,)
            for part in batches(len(features), at_once(self.batch_size, model, image), progress, before + 2, total)
        ]
        weights = torch.cat(scores) - hidden  # (C,)
        if self.softmax:
            weights = weights.softmax(dim=0)
        return torch.einsum("c,chw->hw", weights, features).relu()
