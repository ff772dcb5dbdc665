"""The baseline: an ordinary network of backbone, average pooling and a linear layer. Axes as in `siam.models.siam`."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from siam.models.backbones import create_backbone
from siam.models.configs import BaselineConfig
from siam.models.engine import Engine, computed, features
from siam.models.fitted import Fitted
from siam.runtime.reprs import brief


@dataclass(frozen=True, eq=False)
class BaselineOutput:
    """The baseline's output for N images.

    Attributes:
        scenicness: (N,), on the config's rating scale.
        bias: (), the score without what the map adds.
        total_map: (N, h, w), whose sum plus `bias` is `scenicness`.
        scenicness_variance: (N,) predicted variance of the votes, or None; not bounded by 0.
    """

    scenicness: Tensor
    bias: Tensor
    total_map: Tensor
    scenicness_variance: Tensor | None = None

    __repr__ = brief


class Baseline(nn.Module):
    """An ordinary network: backbone, average pooling, linear layer; its total map is the class activation map (CAM).

    B. Zhou et al., "Learning Deep Features for Discriminative Localization", CVPR 2016, arXiv:1512.04150.
    A second linear layer may predict the variance of the votes, as in the published code of SIAM; neither the score
    nor the map depends on it.
    """

    def __init__(self, config: BaselineConfig) -> None:
        super().__init__()
        self.config = config
        self.engine: Engine | None = None
        self.backbone, channels = create_backbone(config.backbone, config.stages)
        self.linear = nn.Linear(channels, 1)
        self.variance_layer = nn.Linear(channels, 1) if config.predicts_variance else None
        self.fitted: dict[str, Fitted] = {}  # explainer → what it has learnt for this network

    def forward(self, images: Tensor) -> BaselineOutput:
        """Score preprocessed images (N, 3, H, W)."""
        ready = computed([self], images)
        return self.interpret(features(self, images)) if ready is None else self.interpret_layer(ready[0][0])

    def interpret(self, features: Tensor) -> BaselineOutput:
        """Score images from the backbone's features (N, C, h, w)."""
        # One layer after the other: together, they could round the score differently.
        values = [torch.einsum("c,nchw->nhw", weights, features) for weights in self.layer_weights()]
        return self.interpret_layer(torch.stack(values, dim=1))

    def interpret_layer(self, values: Tensor) -> BaselineOutput:
        """Score images from what `layer_weights` make of each cell (N, 1 or 2, h, w)."""
        cam = values[:, 0] / values[0, 0].numel()  # (N, h, w)
        variance = None
        if self.variance_layer is not None:
            variance = self.variance_layer.bias + values[:, 1].mean(dim=(1, 2))
        return BaselineOutput(self.linear.bias + cam.sum(dim=(1, 2)), self.linear.bias[0], cam, variance)

    def layer_weights(self) -> Tensor:
        """Return the weights (1 or 2, C) of the linear layers: of the score and, if it is predicted, the variance."""
        if self.variance_layer is None:
            return self.linear.weight
        return torch.cat([self.linear.weight, self.variance_layer.weight])
