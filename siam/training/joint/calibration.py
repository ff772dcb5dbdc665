"""The last step of a joint training: maps are 0 where the evidence is ordinary, and g is fitted to these maps.

::

    A_k <- relu(a_k - theta_k)      theta_k >= 0: a quantile of the evidence a_k in photos labelled without attribute k
    W <- argmin  s L_score + l L_leak + t L_template                           as in `siam.training.joint.objective`

For an attribute that few photos show the quantile is higher, so that it answers only where the evidence clearly exceeds
what photos without it show. The second step is a convex problem. Both use photos at the size at which the network will
see them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from siam.models.siam import SIAM, pooled
from siam.training.joint.objective import leak, roughness

_FEWEST = 10  # photos that show an attribute: with fewer it is rare
_CELLS = 300_000  # cells from which a quantile is taken, evenly spaced among all
_STEPS = 300


@dataclass(frozen=True, eq=False)
class CalibrationPhotos:
    """What is known about N photos.

    Attributes:
        labels: (N, K) shares of annotators, NaN where nobody said.
        beliefs: (N, K) how likely each attribute is in the photo, 0 to 1.
        scores: (N,) ratings or the teacher's scores, on the scale of the first source.
        trust: (N,) weight of each score.
        positives: (K,) number of training photos labelled with each attribute.
        rarity: (K,) weight of each template's penalty.
    """

    labels: Tensor
    beliefs: Tensor
    scores: Tensor
    trust: Tensor
    positives: Tensor
    rarity: Tensor


@torch.no_grad()
def thresholds(
    evidence: Sequence[Tensor], photos: CalibrationPhotos, absent: float, ordinary: Sequence[float]
) -> Tensor:
    """Return theta (K,): the evidence for each attribute that photos without it usually do not exceed.

    Args:
        evidence: N maps (K, h, w) before the ReLU.
        photos: what is known about them.
        absent: labels up to this count as absent.
        ordinary: quantiles of the evidence in photos without the attribute, for common and for rare attributes.
    """
    found = []
    for k, positives in enumerate(photos.positives.tolist()):
        rows = (photos.labels[:, k] <= absent).nonzero()[:, 0].tolist()
        if not rows:
            found.append(torch.zeros(()))
            continue
        cells = torch.cat([evidence[row][k].flatten() for row in rows]).float()
        cells = cells[:: max(1, len(cells) // _CELLS)]
        found.append(cells.quantile(ordinary[positives < _FEWEST]).clamp(min=0))
    return torch.stack(found)


def fit_templates(
    maps: Tensor, photos: CalibrationPhotos, start: Tensor, bias: Tensor, settings: dict[str, Any]
) -> tuple[Tensor, Tensor]:
    """Return effective templates (K, g, g) and bias () that fit the photos' scores.

    Args:
        maps: (N, K, g, g) attribute maps, pooled to the grid.
        photos: what is known about them.
        start: (K, g, g) templates to start from.
        bias: () to start from.
        settings: the recipe's section `joint`.
    """
    templates, level = start.detach().clone().requires_grad_(), bias.detach().clone().requires_grad_()
    optimizer = torch.optim.LBFGS([templates, level], max_iter=_STEPS, history_size=30, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        contributions = torch.einsum("nkij,kij->nk", maps, templates)
        error = (photos.trust * (level + contributions.sum(dim=1) - photos.scores).square()).sum() / photos.trust.sum()
        penalty = (photos.rarity[:, None, None] * templates.square()).sum() + roughness(templates)
        total = (
            settings["score_weight"] * error
            + settings["leak_weight"] * leak(contributions, photos.beliefs)
            + settings["template_weight"] * penalty
        )
        optimizer.zero_grad()
        total.backward()
        return total

    optimizer.step(loss)
    return templates.detach(), level.detach()


@torch.no_grad()
def calibrate(
    network: SIAM, evidence: Sequence[Tensor], photos: CalibrationPhotos, absent: float, settings: dict[str, Any]
) -> None:
    """Set the bias of f and the templates and bias of g, in place.

    Args:
        network: with an f and a g to start from.
        evidence: N maps (K, h, w) of f before the ReLU, at the network's own size.
        photos: what is known about these photos.
        absent: labels up to this count as absent.
        settings: the recipe's section `joint`.
    """
    usual = thresholds(evidence, photos, absent, settings["ordinary"])
    assert network.attribute_layer.bias is not None
    network.attribute_layer.bias.sub_(usual)
    grid, head = network.config.grid, network.scenicness_head
    maps = torch.stack([pooled((of.float() - usual[:, None, None]).relu(), grid, head.pooling) for of in evidence])
    with torch.enable_grad():
        templates, bias = fit_templates(maps, photos, head.effective_templates(), head.bias.detach(), settings)
    head.set_effective_templates(templates)
    head.bias.copy_(bias)
