"""Score-CAM: each channel is weighted by how far the picture, masked by it, raises the target. No gradients.

::

    H_c = to_unit(enlarged(A_c)),    C_c = y(x * H_c) - y(0),    M[n, i, j] = relu( sum_c  C_c A[n, c, i, j] )

A is the last feature map, y the target, x the normalised picture: hidden parts take on the mean colour. A constant
channel hides everything, H_c = 0, so that C_c = 0 without a pass: in a picture, many channels find nothing anywhere.
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
        """Return a pass for each channel of the last feature map, the most it can take, and two for map and y(0)."""
        return 2 + (model.attribute_layer.in_channels if isinstance(model, SIAM) else model.linear.in_features)

    def __call__(self, model: Network, images: Tensor, target: Target, progress: Progress = quiet) -> Tensor:
        """Return maps (N, h, w) >= 0, in the target's unit times the features' unit.

        `progress` counts the channels that are not constant; their number is known once the features are.
        """
        with untouched(model), torch.no_grad():
            images = prepared(model, images)
            # One picture at a time: the rounding of a larger batch could change which channels are constant.
            features = [last_features(model, image)[0] for image in images.split(1)]  # (C, h, w) each
            varying = [(maps.amax(dim=(1, 2)) > maps.amin(dim=(1, 2))).nonzero()[:, 0] for maps in features]
            total, done = sum(2 + len(channels) for channels in varying), 0
            progress(0, total)
            results = []
            for image, maps, channels in zip(images.split(1), features, varying, strict=True):
                hidden = target(model, torch.zeros_like(image))  # (1,)
                done += 2
                progress(done, total)
                parts = batches(len(channels), at_once(self.batch_size, model, image), progress, done, total)
                weights = torch.zeros(len(maps), device=image.device)  # (C,)
                for part in parts:
                    masks = to_unit(enlarged(maps[channels[part]], *image.shape[2:]))  # (batch, H, W)
                    weights[channels[part]] = target(model, image * masks[:, None]) - hidden
                done += len(channels)
                results.append(self._sum(weights, maps))
        return torch.stack(results)  # (N, h, w)

    def _sum(self, weights: Tensor, features: Tensor) -> Tensor:
        """Return the map (h, w) of features (C, h, w) whose masks raise the target by `weights` (C,)."""
        if self.softmax:
            weights = weights.softmax(dim=0)
        return torch.einsum("c,chw->hw", weights, features).relu()
