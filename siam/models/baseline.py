"""The baseline: an ordinary network of backbone, average pooling and a linear layer. Axes as in `siam.models.siam`."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from siam.models.backbones import create_backbone
from siam.models.configs import BaselineConfig
from siam.models.engine import Engine, computed, features
from siam.models.fitted import Fitted


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
        self.engine: Engine | None = None
        self.backbone, channels = create_backbone(config.backbone, config.stages)
        self.linear = nn.Linear(channels, 1)
        self.fitted: dict[str, Fitted] = {}  # explainer → what it has learnt for this network

    def forward(self, images: Tensor) -> BaselineOutput:
        """Score preprocessed images (N, 3, H, W)."""
        ready = computed([self], images)
        return self.interpret(features(self, images)) if ready is None else self.interpret_layer(ready[0])

    def interpret(self, features: Tensor) -> BaselineOutput:
        """Score images from the backbone's features (N, C, h, w)."""
        return self.interpret_layer(torch.einsum("c,nchw->nhw", self.linear.weight[0], features)[:, None])

    def interpret_layer(self, values: Tensor) -> BaselineOutput:
        """Score images from what the linear layer, without its bias, makes of each cell (N, 1, h, w)."""
        cam = values[:, 0] / values[0, 0].numel()  # (N, h, w)
        return BaselineOutput(self.linear.bias + cam.sum(dim=(1, 2)), self.linear.bias[0], cam)
