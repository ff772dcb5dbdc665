"""The losses of a minibatch.

SIAM, on photos with attribute labels and photos with ratings, each contributing only its own loss (paper, section 3)::

    L_SUN = - mean over n, k of  l log p + (1 - l) log(1 - p),   p = tanh(mean of A_k), l the share of annotators
    L_SoN = mean over n of  (y - ybar)^2
    L_reg = cross-entropy of tanh(A_k) against the share of each cell that k covers, mean over n, k and cells
    |T|   = mean over all values of the templates, without their signs

They are weighed in one of two ways::

    paper     L = L_SUN + r L_reg + lambda L_SoN + penalty |T|
    authors   L = L_SUN + r L_reg + lambda (L_SUN / L_SoN) L_SoN + penalty (L_SUN / |T|) |T|
              L = L_SoN + penalty (L_SoN / |T|) |T|,   if no photo has labels

"authors" is what the published code does. The quotients are constants, of which no gradient is taken, so lambda and the
penalty say how much a term counts beside L_SUN. Each kind of photos passes through the network by itself, so that batch
normalisation sees it alone, and |T| is over the templates of score and variance. With "paper", all photos pass through
the network together, and |T| is over the templates of the score. The paper has no penalty; when training starts, the
same number gives |T| a weight 120 to 380 times as large with "authors".

L_reg, region supervision, is ours, for photos whose masks are known.
If a network predicts the variance of the votes, the squared error of that is added to L_SoN (published code). The
baseline learns from L_SoN alone.
"""

from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import adaptive_avg_pool2d, mse_loss

from siam.models.baseline import Baseline, BaselineOutput
from siam.models.siam import SIAM, SIAMOutput
from siam.training.end_to_end.minibatches import Minibatch

LossScaling = Literal["paper", "authors"]
LOSS_SCALINGS: tuple[LossScaling, ...] = ("paper", "authors")
LABELLED, RATED, BOTH = "labelled", "rated", "labelled and rated"  # kinds of photos, by what is known about them
_EPSILON = 1e-6  # keeps logarithms and quotients finite


class BaselineObjective(nn.Module):
    """L_SoN of a baseline."""

    def __init__(self, network: Baseline) -> None:
        super().__init__()
        self.network = network

    def forward(self, minibatch: Minibatch) -> dict[str, Tensor]:
        """Return the scalar losses of a minibatch: "loss", which is to be minimised."""
        rated = minibatch[RATED]
        return {"loss": _scenicness_loss(self.network(rated["images"]), rated)}

    def after_step(self) -> None:
        """Do nothing: the baseline has no templates."""


class SIAMObjective(nn.Module):
    """The losses of a SIAM on whatever kinds of photos a minibatch holds.

    Args:
        network: the SIAM to train.
        scenicness_weight: lambda, the weight of L_SoN; 0.1 in the paper and in the authors' code.
        template_penalty: weight of the mean of the templates, which are >= 0; 0.001 in the authors' code.
        region_weight: r, for minibatches that hold regions.
        loss_scaling: how the losses are weighed, and whether each kind of photos passes through the network by itself.
        average: returns the mean over all processes of a loss, so that they agree on the quotients.
    """

    def __init__(
        self,
        network: SIAM,
        scenicness_weight: float,
        template_penalty: float,
        region_weight: float = 0.0,
        loss_scaling: LossScaling = "paper",
        average: Callable[[Tensor], Tensor] = lambda loss: loss,
    ) -> None:
        super().__init__()
        self.network = network
        self.scenicness_weight = scenicness_weight
        self.template_penalty = template_penalty
        self.region_weight = region_weight
        self.loss_scaling = loss_scaling
        self._average = average

    def forward(self, minibatch: Minibatch) -> dict[str, Tensor]:
        """Return the scalar losses of a minibatch: "loss", which is to be minimised, and its parts.

        Photos with both labels and scores contribute to both losses.
        """
        losses: dict[str, Tensor] = {}
        for known, output in zip(minibatch.values(), self._outputs(minibatch), strict=True):
            if "labels" in known:
                losses["attribute_loss"] = cross_entropies(output.attribute_scores.float(), known["labels"]).mean()
            if "regions" in known:
                losses["region_loss"] = self._region_loss(output.attribute_maps, known["regions"])
            if "scores" in known:
                losses["scenicness_loss"] = _scenicness_loss(output, known)
        return {"loss": self._sum(losses), **losses}

    def _outputs(self, minibatch: Minibatch) -> list[SIAMOutput]:
        """Return the network's output for each kind of photos."""
        images = [known["images"] for known in minibatch.values()]
        if self.loss_scaling == "authors":
            return [self.network(of_kind) for of_kind in images]
        values = self.network.attribute_layer(self.network.backbone(torch.cat(images)))  # (N, K, h, w)
        return [self.network.interpret_layer(of_kind) for of_kind in values.split([len(of) for of in images])]

    def _sum(self, losses: dict[str, Tensor]) -> Tensor:
        """Return L, the weighed sum of its parts."""
        terms = dict(losses)
        if "scenicness_loss" in losses:
            terms["templates"] = self._template_size()
        weights: dict[str, Tensor | float] = {
            "attribute_loss": 1.0,
            "region_loss": self.region_weight,
            "scenicness_loss": self.scenicness_weight,
            "templates": self.template_penalty,
        }
        if self.loss_scaling == "authors" and "scenicness_loss" in losses:
            sizes = {name: self._average(term.detach()).clamp(min=_EPSILON) for name, term in terms.items()}
            labelled = "attribute_loss" in losses
            unit = sizes["attribute_loss" if labelled else "scenicness_loss"]
            of_scores = self.scenicness_weight if labelled else 1.0
            weights["scenicness_loss"] = of_scores * unit / sizes["scenicness_loss"]
            weights["templates"] = self.template_penalty * unit / sizes["templates"]
        return torch.stack([weights[name] * term for name, term in terms.items()]).sum()

    def _template_size(self) -> Tensor:
        """Return |T| ()."""
        if self.loss_scaling == "paper":
            return self.network.scenicness_head.templates.mean()
        heads = (self.network.scenicness_head, self.network.variance_head)
        return torch.stack([head.templates.abs() for head in heads if head is not None]).mean()

    def _region_loss(self, maps: Tensor, regions: Tensor) -> Tensor:
        cells = self.network.link(maps.float())  # (n, K, h, w)
        height, width = cells.shape[2:]
        return cross_entropies(cells, adaptive_avg_pool2d(regions, (height, width))).mean()

    def after_step(self) -> None:
        """Keep the templates non-negative."""
        self.network.scenicness_head.clamp_templates()
        if self.network.variance_head is not None:
            self.network.variance_head.clamp_templates()


def _scenicness_loss(output: SIAMOutput | BaselineOutput, known: dict[str, Tensor]) -> Tensor:
    """Return L_SoN (), with the error of the variance if it is both predicted and known."""
    loss = mse_loss(output.scenicness.float(), known["scores"])
    if output.scenicness_variance is not None and "variances" in known:
        loss = loss + mse_loss(output.scenicness_variance.float(), known["variances"])
    return loss


def cross_entropies(probabilities: Tensor, labels: Tensor) -> Tensor:
    """Return the elementwise binary cross-entropy of probabilities and labels, in [0, 1] and of the same shape.

    Written out because PyTorch's own function does not run under mixed precision.
    """
    inside = probabilities.clamp(_EPSILON, 1 - _EPSILON)
    return -(labels * inside.log() + (1 - labels) * (-inside).log1p())
