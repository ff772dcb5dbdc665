"""The baseline: an ordinary network, average pooling and one linear layer over a trunk. Axes as in
`siam.models.siam`.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from siam.datasets.base import RatingScale
from siam.models.backbones import create_backbone
from siam.models.fitted import Fitted


@dataclass(frozen=True)
class BaselineConfig:
    """Everything that rebuilds a `Baseline` and prepares its input."""

    backbone: str
    scale: RatingScale
    image_size: int  # of the short side, in px
    size_multiple: int  # both sides are rounded to a multiple of it: the trunk's stride
    mean: tuple[float, float, float]  # of an image in [0, 1]
    std: tuple[float, float, float]


@dataclass(frozen=True, eq=False)
class BaselineOutput:
    """What the baseline says of N images: `scenicness` (N,), and `total_map` (N, h, w) whose sum + `bias` equals it."""

    scenicness: Tensor
    bias: Tensor
    total_map: Tensor


class Baseline(nn.Module):
    """An ordinary network: trunk, average pooling, linear; its total map is the class activation map (CAM).

    B. Zhou et al., "Learning Deep Features for Discriminative Localization", CVPR 2016, arXiv:1512.04150.
    """

    def __init__(self, config: BaselineConfig) -> None:
        super().__init__()
        self.config = config
        self.backbone, channels = create_backbone(config.backbone)
        self.linear = nn.Linear(channels, 1)
        self.fitted: dict[str, Fitted] = {}  # what explainers have learnt for it, by their names

    def forward(self, images: Tensor) -> BaselineOutput:
        """Score preprocessed images (N, 3, H, W)."""
        return self.interpret(self.backbone(images))

    def interpret(self, features: Tensor) -> BaselineOutput:
        """Score images by the trunk's features (N, C, h, w)."""
        cam = torch.einsum("c,nchw->nhw", self.linear.weight[0], features) / features[0, 0].numel()  # (N, h, w)
        return BaselineOutput(self.linear.bias + cam.sum(dim=(1, 2)), self.linear.bias[0], cam)
