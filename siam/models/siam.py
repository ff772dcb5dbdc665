"""SIAM: named attribute maps on top of a backbone, weighted by templates and summed to the score.

::

    A_k = relu(conv_k(features)), border cells set to 0               attribute map of attribute k
    W_k = w_k (a+_k T+_k + a-_k T-_k),   T+, T- >= 0                   its effective template, on a g x g grid
    c_k = <W_k, pool(A_k)>,   y = b + sum_k c_k                        its contribution, and the scenicness

pool() averages the map over each cell of the grid. "adaptive" pooling, the published code's, lets the windows of
neighbouring grid cells overlap where h is no multiple of g, so some map cells count twice; "area" pooling takes of each
map cell the share that lies in the grid cell, so all count the same.

D. Marcos, S. Lobry, D. Tuia, "Semantically Interpretable Activation Maps: what-where-how explanations within CNNs",
ICCV Workshops 2019, arXiv:1909.08442. Axes: N images, K attributes, C channels, H W image, h w map, g g template grid.
"""

from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor, nn

from siam.models import readout
from siam.models.backbones import create_backbone
from siam.models.configs import Pooling, SIAMConfig
from siam.models.engine import Engine, computed, features
from siam.runtime.reprs import brief


@dataclass(frozen=True, eq=False)
class SIAMOutput:
    """SIAM's output for N images; the sum of `contributions` plus `bias` equals `scenicness` exactly.

    Attributes:
        scenicness: (N,), on the config's rating scale.
        bias: (), the score of a picture in which SIAM sees no attribute.
        contributions: (N, K), signed, in points of the rating scale.
        attribute_scores: (N, K), tanh or sigmoid of the mean of each attribute map: in [0, 1).
        attribute_logits: (N, K), the means themselves.
        attribute_maps: (N, K, h, w); >= 0 with the tanh link.
        contribution_maps: (N, K, h, w); each sums to its contribution.
        total_map: (N, h, w), the sum of the contribution maps.
        scenicness_variance: (N,) predicted variance of the votes, or None; linear like the score, so not bounded by 0.
        mean_features: (N, C), the backbone's features averaged over the cells; None where only maps were given.
    """

    scenicness: Tensor
    bias: Tensor
    contributions: Tensor
    attribute_scores: Tensor
    attribute_logits: Tensor
    attribute_maps: Tensor
    contribution_maps: Tensor
    total_map: Tensor
    scenicness_variance: Tensor | None
    mean_features: Tensor | None = None

    __repr__ = brief


@lru_cache(maxsize=64)
def pooling_matrix(size: int, grid: int, pooling: Pooling) -> Tensor:
    """Return the matrix P (grid, size) of `siam.models.readout` as a tensor."""
    with torch.inference_mode(False):  # the matrix is cached, and training must be able to use it too
        return torch.from_numpy(readout.pooling_matrix(size, grid, pooling))


def pooled(maps: Tensor, grid: int, pooling: Pooling) -> Tensor:
    """Return maps (…, h, w) averaged over each cell of a grid: (…, grid, grid)."""
    rows, columns = (pooling_matrix(size, grid, pooling).to(maps) for size in maps.shape[-2:])
    return rows @ maps @ columns.T


class TemplateHead(nn.Module):
    """g of the paper: two non-negative templates per attribute, combined linearly into one score."""

    def __init__(self, attributes: int, grid: int, relu: bool = False, pooling: Pooling = "adaptive") -> None:
        super().__init__()
        self.relu = relu
        self.pooling: Pooling = pooling
        # Initial values as in the authors' code; T+ and T- cancel, so every effective template starts at 0.
        self.templates = nn.Parameter(torch.full((attributes, 2, grid, grid), 0.01))
        self.combination = nn.Parameter(torch.tensor([[0.5, -0.5]]).repeat(attributes, 1))  # (K, 2): a+, a-
        self.weights = nn.Parameter(torch.full((attributes,), 1 / attributes))  # (K,): w
        self.bias = nn.Parameter(torch.zeros(()))

    def effective_templates(self) -> Tensor:
        """Return W (K, g, g): how many points one unit of an attribute in a grid cell adds to the score."""
        shares = self.weights[:, None] * self.combination  # (K, 2)
        # Separate products, then one sum: a fused operation would leave rounding errors where T+ and T- cancel.
        positive, negative = (shares[:, :, None, None] * self.templates).unbind(1)  # (K, g, g) each
        return positive + negative

    def cell_weights(self, height: int, width: int) -> Tensor:
        """Return the effective templates as weights (K, h, w) of a map's cells: <W, pool(A)>, cell by cell."""
        return self._spread(self.effective_templates(), height, width)

    def _spread(self, templates: Tensor, height: int, width: int) -> Tensor:
        """Return templates (..., g, g) as weights (..., h, w) of a map's cells: the transpose of the pooling."""
        grid = templates.shape[-1]
        rows, columns = (pooling_matrix(size, grid, self.pooling).to(templates) for size in (height, width))
        return rows.T @ templates @ columns

    def weights_on(self, maps: Tensor) -> Tensor:
        """Return `cell_weights` for maps (N, K, h, w), without templates that the ReLU blocks: (1 or N, K, h, w)."""
        if not self.relu:
            return self.cell_weights(*maps.shape[2:])[None]
        cells = self._spread(self.templates, *maps.shape[2:])  # (K, 2, h, w)
        active = torch.einsum("nkhw,kthw->nkt", maps, cells) > 0
        return torch.einsum("nkt,k,kt,kthw->nkhw", active.to(cells), self.weights, self.combination, cells)

    @torch.no_grad()
    def set_effective_templates(self, effective: Tensor) -> None:
        """Set templates, combination and weights so that the effective templates are W (K, g, g)."""
        self.templates.copy_(torch.stack([2 * effective.relu(), 2 * (-effective).relu()], dim=1))  # (K, 2, g, g)
        self.combination.copy_(torch.tensor([0.5, -0.5]))
        self.weights.fill_(1.0)

    def forward(self, attribute_maps: Tensor) -> Tensor:
        """Return contribution maps (N, K, h, w) of attribute maps (N, K, h, w)."""
        return attribute_maps * self.weights_on(attribute_maps)

    @torch.no_grad()
    def clamp_templates(self) -> None:
        """Set negative template values to 0; to be called after every optimiser step."""
        self.templates.clamp_(min=0)


class SIAM(nn.Module):
    """Scenicness through named attribute maps."""

    def __init__(self, config: SIAMConfig) -> None:
        super().__init__()
        attributes = len(config.attributes)
        self.config = config
        self.engine: Engine | None = None
        self.backbone, channels = create_backbone(config.backbone, config.stages)
        self.attribute_layer = nn.Conv2d(channels, attributes, kernel_size=1)
        settings = attributes, config.grid, config.template_relu, config.pooling
        self.scenicness_head = TemplateHead(*settings)
        self.variance_head = TemplateHead(*settings) if config.predicts_variance else None

    def forward(self, images: Tensor) -> SIAMOutput:
        """Explain preprocessed images (N, 3, H, W).

        Raises:
            ValueError: the images are so small that no map cell is left inside the border.
        """
        ready = computed([self], images)
        return self.interpret(features(self, images)) if ready is None else self.interpret_layer(*ready[0])

    def interpret(self, features: Tensor) -> SIAMOutput:
        """Explain images from the backbone's features (N, C, h, w)."""
        return self.interpret_layer(self.attribute_layer(features), features.mean(dim=(2, 3)))

    def interpret_layer(self, values: Tensor, mean_features: Tensor | None = None) -> SIAMOutput:
        """Explain images from what the attribute layer returns (N, K, h, w), and the mean features (N, C), if known."""
        maps = self._inside(values)  # (N, K, h, w)
        logits = maps.mean(dim=(2, 3))  # (N, K)
        contribution_maps = self.scenicness_head(maps)  # (N, K, h, w)
        contributions = contribution_maps.sum(dim=(2, 3))  # (N, K)
        return SIAMOutput(
            scenicness=self.scenicness_head.bias + contributions.sum(dim=1),
            bias=self.scenicness_head.bias,
            contributions=contributions,
            attribute_scores=self.link(logits),
            attribute_logits=logits,
            attribute_maps=maps,
            contribution_maps=contribution_maps,
            total_map=contribution_maps.sum(dim=1),
            scenicness_variance=self._variance(maps),
            mean_features=mean_features,
        )

    def attribute_maps(self, features: Tensor) -> Tensor:
        """Return attribute maps (N, K, h, w) of features (N, C, h, w); the outer `border` cells are 0."""
        return self._inside(self.attribute_layer(features))

    def _inside(self, maps: Tensor) -> Tensor:
        if self.config.attribute_link == "tanh":
            maps = maps.relu()
        border = self.config.border
        if border == 0:
            return maps
        readout.refuse_small(maps.shape[2:], border)
        return nn.functional.pad(maps[:, :, border:-border, border:-border], [border] * 4)

    def link(self, logits: Tensor) -> Tensor:
        """Return logits of any shape as presence: tanh (in [0, 1) for values >= 0) or sigmoid, as the config says."""
        return torch.tanh(logits) if self.config.attribute_link == "tanh" else torch.sigmoid(logits)

    def _variance(self, maps: Tensor) -> Tensor | None:
        if self.variance_head is None:
            return None
        return self.variance_head.bias + self.variance_head(maps).sum(dim=(1, 2, 3))
