"""What learns jointly: the late stages of a backbone, f and g of SIAM, the baseline's layer and reference features."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import dropout2d, interpolate

from siam.errors import TrainingError
from siam.models.backbones import FusedStages, split
from siam.models.siam import SIAM, pooling_matrix

_LEAK = 0.02  # slope of the maps below 0, only while learning, so that an attribute that never answers can learn to
_DROPOUT = 0.1  # share of the channels that f does without at each step


@dataclass(frozen=True, eq=False)
class JointOutput:
    """Output for N photos.

    Attributes:
        maps: (N, K, h, w) attribute maps; slightly below 0 in places while learning.
        contributions: (N, K) in points.
        scenicness: (N,) SIAM's score.
        baseline: (N,) the baseline's score.
        reference: (N, P) prediction of the reference features.
    """

    maps: Tensor
    contributions: Tensor
    scenicness: Tensor
    baseline: Tensor
    reference: Tensor


class JointNetwork(nn.Module):
    """Late stages with heads, on features of the frozen early stages.

    f is a 1 x 1 convolution of the fused stages, enlarged to the finest. A convolution with one cell and an enlargement
    can change places, so f is computed at the size of each stage, and only its K maps are enlarged.
    """

    def __init__(self, siam: SIAM, frozen_stages: int, references: int) -> None:
        """Take the late stages of SIAM's backbone, which learn in place; the heads are new."""
        super().__init__()
        if not isinstance(siam.backbone, FusedStages) or siam.config.border or siam.config.attribute_link != "tanh":
            raise TrainingError(
                "joint training needs stages >= 2, border = 0 and attribute_link = 'tanh' in the recipe"
            )
        self.grid, self.pooling = siam.config.grid, siam.config.pooling
        count = len(siam.config.attributes)
        _early, late = split(siam.backbone, frozen_stages)
        self.late = nn.ModuleList(part for _name, part in late)
        names = [name for name, _part in late]
        self.ends = [names.index(name) for name in siam.backbone.finer] + [len(names) - 1]
        self.channels = siam.backbone.channels
        norms = [nn.BatchNorm2d(n, affine=False, momentum=0.05) for n in self.channels]
        layers = [nn.Conv2d(n, count, 1, bias=place == 0) for place, n in enumerate(self.channels)]
        self.norms, self.f = nn.ModuleList(norms), nn.ModuleList(layers)
        self.templates = nn.Parameter(torch.zeros(count, self.grid, self.grid))
        self.bias = nn.Parameter(torch.zeros(()))
        self.linear = nn.Linear(sum(self.channels), 1)
        self.reference = nn.Linear(sum(self.channels), references)
        nn.init.zeros_(self.linear.weight)
        nn.init.zeros_(self.linear.bias)
        with torch.no_grad():
            for layer in layers:
                layer.weight.mul_(0.3)
                if layer.bias is not None:
                    layer.bias.fill_(-0.3)

    @torch.no_grad()
    def start_at(self, score: float) -> None:
        """Let both scores start at a given one, for every photo."""
        self.bias.fill_(score)
        self.linear.bias.fill_(score)

    def features(self, early: Tensor) -> list[Tensor]:
        """Return the maps of each fused stage, the finest first, from the early stages' (N, C, h, w)."""
        found, maps = [], early
        for place, part in enumerate(self.late):
            maps = part(maps)
            if place in self.ends:
                found.append(maps)
        return found

    def heads(self, stages: Sequence[Tensor], score_gradient: float = 1.0) -> JointOutput:
        """Return the output for the stages' maps.

        Args:
            stages: as `features` returns them.
            score_gradient: the gradient of SIAM's score with respect to the maps is multiplied by this.
        """
        normed = [norm(maps) for norm, maps in zip(self.norms, stages, strict=True)]
        pooled = torch.cat([maps.mean(dim=(2, 3)) for maps in normed], dim=1)
        size = stages[0].shape[2:]
        evidence = torch.zeros(())
        for layer, maps in zip(self.f, normed, strict=True):
            part = layer(dropout2d(maps, _DROPOUT, self.training))
            evidence = evidence + (part if part.shape[2:] == size else interpolate(part, size, mode="bilinear"))
        positive = evidence.relu()
        shown = score_gradient * positive + (1 - score_gradient) * positive.detach()
        rows, columns = (pooling_matrix(n, self.grid, self.pooling).to(shown) for n in size)
        contributions = ((rows @ shown @ columns.T) * self.templates).sum(dim=(2, 3))
        return JointOutput(
            maps=positive + _LEAK * evidence.clamp(max=0) * self.training,
            contributions=contributions,
            scenicness=self.bias + contributions.sum(dim=1),
            baseline=self.linear(pooled)[:, 0],
            reference=self.reference(pooled),
        )

    def forward(self, early: Tensor, score_gradient: float = 1.0) -> JointOutput:
        """Return the output for the early stages' features (N, C, h, w)."""
        return self.heads(self.features(early), score_gradient)

    def train(self, mode: bool = True) -> "JointNetwork":
        """Set the mode; statistics of batch normalisation within the late stages never change."""
        super().train(mode)
        for module in self.late.modules():
            if isinstance(module, nn.modules.batchnorm._BatchNorm):
                module.eval()
        return self

    @torch.no_grad()
    def draw_towards(self, earlier: Mapping[str, Tensor], share: float) -> None:
        """Average the late stages and f with those of an earlier state of this network, which weighs `share`.

        M. Wortsman et al., "Robust Fine-Tuning of Zero-Shot Models", CVPR 2022, arXiv:2109.01903.
        """
        state = self.state_dict()
        for name, tensor in state.items():
            if name.startswith(("late.", "norms.", "f.")) and tensor.is_floating_point():
                tensor.lerp_(earlier[name], share)

    @torch.no_grad()
    def attribute_layer(self) -> tuple[Tensor, Tensor]:
        """Return weights (K, C, 1, 1) and bias (K,) of the same f on features that are not normalised."""
        layers: list[Any] = list(self.f)
        weights, bias = [], layers[0].bias.clone()
        for layer, (scale, mean) in zip(layers, self._statistics(), strict=True):
            weights.append(layer.weight * scale[None, :, None, None])
            bias -= weights[-1][:, :, 0, 0] @ mean
        return torch.cat(weights, dim=1), bias

    @torch.no_grad()
    def baseline_layer(self) -> tuple[Tensor, Tensor]:
        """Return weights (1, C) and bias (1,) of the same baseline on features that are not normalised."""
        scale, mean = (torch.cat(parts) for parts in zip(*self._statistics(), strict=True))
        weights = self.linear.weight * scale
        return weights, self.linear.bias - weights @ mean

    def _statistics(self) -> list[tuple[Tensor, Tensor]]:
        """Return 1 / standard deviation and mean of the features of each stage."""
        norms: list[Any] = list(self.norms)
        return [((norm.running_var + norm.eps).rsqrt(), norm.running_mean) for norm in norms]
