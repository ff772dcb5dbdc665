"""Score-CAM: each channel is weighted by how far the picture, masked by it, raises the target. No gradients.

::

    H_c = to_unit(enlarged(A_c)),    C_c = y(x * H_c) - y_0,    M[n, i, j] = relu( sum_c  C_c A[n, c, i, j] )

A is the last feature map, y the target, x the normalised picture: hidden parts take on the mean colour. A constant
channel has no mask, and C_c = 0 without a pass: in a picture, many channels find nothing anywhere.

- y_0 is the zero from which channels are weighed. The paper takes y(0), the hidden picture: `zero="paper"`. Of a score
  or a logit that may lie above all masked pictures, and the map would be 0 everywhere. So y_0 is the mean of y over the
  masks, `zero="mean"`, and an offset of the score changes nothing. Unless `zero` is given, probabilities are weighed as
  in the paper and everything else from the mean.
- The paper's Algorithm 1 passes the weights through a softmax over all channels: `softmax=True`, where y_0 no longer
  matters. For a rating they differ little, and the softmax makes them nearly equal whatever the target, so it is off by
  default.

H. Wang et al., "Score-CAM: Score-Weighted Visual Explanations for Convolutional Neural Networks", CVPR Workshops 2020,
arXiv:1910.01279: the channels' weights are its "increase of confidence".
"""

from dataclasses import dataclass, field
from typing import ClassVar, Literal

import torch
from torch import Tensor

from siam.explainers.base import (
    Description,
    Kind,
    Model,
    Progress,
    Target,
    enlarged,
    prepared,
    quiet,
    to_unit,
    untouched,
    values_of,
)
from siam.explainers.layers import Reshape, channels_of, last_layer, maps_of
from siam.explainers.minibatches import at_once, batches, is_size
from siam.explainers.targets import Probability


@dataclass(frozen=True)
class ScoreCAM:
    """Score-CAM of one layer, at the size of its maps.

    Attributes:
        softmax: whether the channels' weights pass through a softmax.
        zero: from where channels are weighed, "mean" or "paper"; by default "paper" for probabilities, else "mean".
        layer: dotted name of the layer; by default the last one that gives maps (`siam.explainers.layers`).
        reshape: how its output becomes maps (N, C, h, w), if it is not to be guessed.
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
    zero: Literal["mean", "paper"] | None = None
    layer: str | None = None
    reshape: Reshape | None = None
    batch_size: int | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        """Raise a ValueError for settings that have no meaning."""
        if not is_size(self.batch_size) or self.zero not in (None, "mean", "paper"):
            raise ValueError(
                f"zero is {self.zero!r}, batch_size {self.batch_size}; expected 'mean' or 'paper', and at least 1"
            )

    def passes(self, model: Model, height: int, width: int) -> int:
        """Return a pass for each channel of the layer, the most it can take, and two for map and y(0)."""
        return 2 + channels_of(model, height, width)

    def __call__(self, model: Model, images: Tensor, target: Target, progress: Progress = quiet) -> Tensor:
        """Return maps (N, h, w) >= 0, in the target's unit times the features' unit.

        `progress` counts the channels that are not constant; their number is known once the features are.

        Raises:
            ValueError: the model has no such layer, or its output is not a map.
        """
        with untouched(model):
            images = prepared(model, images)
            place = last_layer(model, images, target, self.layer, self.reshape)
            # One picture at a time: the rounding of a larger batch could change which channels are constant.
            features = [maps_of(model, image, place)[0] for image in images.split(1)]  # (C, h, w) each
            varying = [(maps.amax(dim=(1, 2)) > maps.amin(dim=(1, 2))).nonzero()[:, 0] for maps in features]
            total, done = sum(2 + len(channels) for channels in varying), 0
            progress(0, total)
            results = []
            for image, maps, channels in zip(images.split(1), features, varying, strict=True):
                with torch.no_grad():
                    hidden = values_of(target, model, torch.zeros_like(image)).float()  # (1,)
                    done += 2
                    progress(done, total)
                    parts = batches(len(channels), at_once(self.batch_size, image), progress, done, total)
                    scores = [hidden[:0]]
                    for part in parts:
                        masks = to_unit(enlarged(maps[channels[part]], *image.shape[2:]))  # (batch, H, W)
                        scores.append(values_of(target, model, image * masks[:, None].to(image)).float())
                done += len(channels)
                results.append(self._sum(target, torch.cat(scores), hidden, channels, maps))
        return torch.stack(results)  # (N, h, w)

    def _sum(self, target: Target, scores: Tensor, hidden: Tensor, channels: Tensor, features: Tensor) -> Tensor:
        """Return the map (h, w) of features (C, h, w), of which those `channels` (V,) have scores (V,)."""
        zero = self.zero or ("paper" if isinstance(target, Probability) else "mean")
        from_mean = zero == "mean" and not self.softmax and len(scores) > 1
        weights = torch.zeros(len(features), device=features.device)  # (C,)
        weights[channels] = scores - (scores.mean() if from_mean else hidden)
        if self.softmax:
            weights = weights.softmax(dim=0)
        return torch.einsum("c,chw->hw", weights, features).relu()
