"""The baseline: an ordinary network of backbone, average pooling and a linear layer. Axes as in `siam.models.siam`."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from siam.datasets.base import RatingScale
from siam.models.backbones import create_backbone
from siam.models.engine import features
from siam.models.fitted import Fitted


@dataclass(frozen=True)
class BaselineConfig:
    """Everything needed to rebuild a `Baseline` and to prepare its input."""

    backbone: str
    scale: RatingScale
    image_size: int  # of the short side, in px
    size_multiple: int  # in px: both sides are rounded to a multiple of it, the backbone's stride
    mean: tuple[float, float, float]  # of RGB pixels in [0, 1]
    std: tuple[float, float, float]
    stages: int = 1  # see `create_backbone`


@dataclass(frozen=True, eq=False)
class BaselineOutput:
    """The baseline's output for N images: `scenicness` (N,) and `total_map` (N, h, w), whose sum plus `bias` it is."""

    scenicness: Tensor
    bias: Tensor
    total_map: Tensor


class Baseline(nn.Module):
    """An ordinary network: backbone, average pooling, linear layer; its total map is the class activation map (CAM).

    B. Zhou et al., "Learning Deep Features for Discriminative Localization", CVPR 2016, arXiv:1512.04150.
    """

    def __init__(self, config: BaselineConfig) -> None:
        super().__init__()
        self.config = config
        self.backbone, channels = create_backbone(config.backbone, config.stages)
        self.linear = nn.Linear(channels, 1)
        self.fitted: dict[str, Fitted] = {}  # explainer → what it has learnt for this network

    def forward(self, images: Tensor) -> BaselineOutput:
        """Score preprocessed images (N, 3, H, W)."""
        return self.interpret(features(self.backbone, images))

    def interpret(self, features: Tensor) -> BaselineOutput:
        """Score images from the backbone's features (N, C, h, w)."""
        cam = torch.einsum("c,nchw->nhw", self.linear.weight[0], features) / features[0, 0].numel()  # (N, h, w)
        return BaselineOutput(self.linear.bias + cam.sum(dim=(1, 2)), self.linear.bias[0], cam)
