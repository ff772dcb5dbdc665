"""The losses of a minibatch.

SIAM, on photos with attribute labels and photos with ratings, each contributing only its own loss (paper, section 3)::

    L_SUN = - mean over n, k of  l log p + (1 - l) log(1 - p),   p = tanh(mean of A_k), l the share of annotators
    L_SoN = mean over n of  (y - ybar)^2
    L_reg = cross-entropy of tanh(A_k) against the share of each cell that k covers, mean over n, k and cells
    L     = L_SUN + r L_reg + lambda L_SoN + penalty mean |T|    T: both templates of every attribute

L_reg, region supervision, is ours, for photos whose masks are known.
If the network predicts the variance of the votes, the squared error of that is added to L_SoN (published code). The
baseline learns from L_SoN alone.
"""

import torch
from torch import Tensor, nn
from torch.nn.functional import adaptive_avg_pool2d, mse_loss

from siam.models.baseline import Baseline
from siam.models.siam import SIAM
from siam.training.end_to_end.minibatches import Minibatch

LABELLED, RATED, BOTH = "labelled", "rated", "labelled and rated"  # kinds of photos, by what is known about them
_EPSILON = 1e-6  # keeps the logarithms of the cross-entropy finite


class BaselineObjective(nn.Module):
    """L_SoN of a baseline."""

    def __init__(self, network: Baseline) -> None:
        super().__init__()
        self.network = network

    def forward(self, minibatch: Minibatch) -> dict[str, Tensor]:
        """Return the scalar losses of a minibatch: "loss", which is to be minimised."""
        rated = minibatch[RATED]
        return {"loss": mse_loss(self.network(rated["images"]).scenicness.float(), rated["scores"])}

    def after_step(self) -> None:
        """Do nothing: the baseline has no templates."""


class SIAMObjective(nn.Module):
    """The losses of a SIAM on whatever kinds of photos a minibatch holds.

    Args:
        network: the SIAM to train.
        scenicness_weight: lambda, the weight of L_SoN; the paper's is 0.1.
        template_penalty: weight of the mean of the templates, which are >= 0; 0.001 in the authors' code.
        region_weight: r, for minibatches that hold regions.
    """

    def __init__(
        self, network: SIAM, scenicness_weight: float, template_penalty: float, region_weight: float = 0.0
    ) -> None:
        super().__init__()
        self.network = network
        self.scenicness_weight = scenicness_weight
        self.template_penalty = template_penalty
        self.region_weight = region_weight

    def forward(self, minibatch: Minibatch) -> dict[str, Tensor]:
        """Return the scalar losses of a minibatch: "loss", which is to be minimised, and its parts.

        Photos of all kinds go through the network together, so that batch normalisation sees the mixture. Photos with
        both labels and scores contribute to both losses.
        """
        output = self.network(torch.cat([known["images"] for known in minibatch.values()]))
        losses: dict[str, Tensor] = {}
        loss = output.scenicness.new_zeros((), dtype=torch.float32)
        start = 0
        for known in minibatch.values():
            rows = slice(start, start + len(known["images"]))
            start = rows.stop
            if "labels" in known:
                losses["attribute_loss"] = cross_entropies(
                    output.attribute_scores[rows].float(), known["labels"]
                ).mean()
                loss = loss + losses["attribute_loss"]
            if "regions" in known:
                losses["region_loss"] = self._region_loss(output.attribute_maps[rows], known["regions"])
                loss = loss + self.region_weight * losses["region_loss"]
            if "scores" in known:
                losses["scenicness_loss"] = mse_loss(output.scenicness[rows].float(), known["scores"])
                if output.scenicness_variance is not None and "variances" in known:
                    variances = output.scenicness_variance[rows].float()
                    losses["scenicness_loss"] = losses["scenicness_loss"] + mse_loss(variances, known["variances"])
                penalty = self.template_penalty * self.network.scenicness_head.templates.mean()
                loss = loss + self.scenicness_weight * losses["scenicness_loss"] + penalty
        return {"loss": loss, **losses}

    def _region_loss(self, maps: Tensor, regions: Tensor) -> Tensor:
        cells = self.network.link(maps.float())  # (n, K, h, w)
        height, width = cells.shape[2:]
        return cross_entropies(cells, adaptive_avg_pool2d(regions, (height, width))).mean()

    def after_step(self) -> None:
        """Keep the templates non-negative."""
        self.network.scenicness_head.clamp_templates()
        if self.network.variance_head is not None:
            self.network.variance_head.clamp_templates()


def cross_entropies(probabilities: Tensor, labels: Tensor) -> Tensor:
    """Return the elementwise binary cross-entropy of probabilities and labels, in [0, 1] and of the same shape.

    Written out because PyTorch's own function does not run under mixed precision.
    """
    inside = probabilities.clamp(_EPSILON, 1 - _EPSILON)
    return -(labels * inside.log() + (1 - labels) * (-inside).log1p())
