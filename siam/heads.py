"""Fit the heads of a pair on the features of a frozen trunk.

SIAM learns as in the paper: first f alone, its attribute layer on photos with attribute labels (L_SUN, binary
cross-entropy of the attribute scores); then attribute layer and templates together,

    L = L_SUN + lambda L_SoN + mu L_anchor + template penalty

in single steps for both kinds of photos, as in the published code, each kind giving only its own loss. L_SoN is the
squared error of the scenicness on photos with ratings. L_anchor is ours: on these photos, which have no attribute
labels, it holds the attribute maps near those of f alone (cross-entropy of tanh(A_k), cell by cell), so that an
attribute keeps its meaning and does not become a name for whatever else raises the score. The baseline is ridge
regression on average-pooled features, the optimum of its loss. Every source of ratings but the first has an offset,
learned beside.
"""

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from sklearn.linear_model import Ridge
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy

from siam import features as frozen
from siam.examples import Examples, batches
from siam.model import SIAM, Baseline, TemplateHead

_EPSILON = 1e-6  # keeps the logarithms of the cross-entropy finite


def fit_siam(network: SIAM, examples: Examples, chosen: np.ndarray, settings: dict[str, Any], seed: int) -> list[float]:
    """Train SIAM's attribute layer and templates anew on the labelled photos and the rated photos `chosen`.

    The network is changed in place; the offset of each source of ratings is returned.
    """
    generator = np.random.default_rng(seed)
    torch.manual_seed(seed)
    network.attribute_layer.reset_parameters()
    head = network.scenicness_head = TemplateHead(len(network.config.attributes), network.config.grid)
    labelled = batches(examples.train, settings["attribute_batch"], generator)
    rated = batches(chosen, settings["scenicness_batch"], generator)
    an_epoch = -(-len(examples.train) // settings["attribute_batch"])

    def alone() -> Tensor:
        photos = next(labelled)
        return attribute_loss(network, examples, photos, generator.integers(0, frozen.VIEWS, len(photos)))

    layer = {"params": list(network.attribute_layer.parameters()), "weight_decay": settings["weight_decay"]}
    _minimise(alone, [layer], an_epoch * settings["attribute_epochs"], settings["learning_rate"])

    anchor = copy.deepcopy(network).requires_grad_(False)
    means = examples.source_means(chosen)
    offsets = nn.Parameter(torch.from_numpy(means - means[0]))
    nn.init.constant_(head.bias, float(means[0]))

    def jointly() -> Tensor:
        head.clamp_templates()  # what the step before may have made negative
        photos = next(rated)
        views = generator.integers(0, frozen.VIEWS, len(photos))
        scenicness, distance = scenicness_losses(network, anchor, offsets, examples, photos, views)
        penalty = settings["template_penalty"] * head.templates.mean()
        return alone() + settings["scenicness_weight"] * scenicness + settings["anchor_weight"] * distance + penalty

    templates = {"params": [*head.parameters(), offsets], "weight_decay": 0.0}
    _minimise(jointly, [layer, templates], an_epoch * settings["joint_epochs"], settings["learning_rate"])
    head.clamp_templates()
    return _rounded(offsets.detach().numpy())


def attribute_loss(network: SIAM, examples: Examples, photos: np.ndarray, views: np.ndarray) -> Tensor:
    """Return L_SUN: binary cross-entropy of the attribute scores of labelled photos, averaged over photos and K."""
    (found,) = frozen.apply(lambda x: (network.interpret(x).attribute_scores,), examples.features, photos, views)
    return binary_cross_entropy(found.clamp(_EPSILON, 1 - _EPSILON), torch.from_numpy(examples.labels[photos]))


def scenicness_losses(
    network: SIAM, anchor: SIAM, offsets: Tensor, examples: Examples, photos: np.ndarray, views: np.ndarray
) -> tuple[Tensor, Tensor]:
    """Return L_SoN and L_anchor of rated photos.

    Args:
        network: the SIAM that learns.
        anchor: the SIAM whose attribute maps the network's should stay near.
        offsets: what each source's ratings lie above the first source's; the first is taken as 0.
        examples: holds the photos.
        photos: indices among the rated photos.
        views: which view of each.
    """

    def both(features: Tensor) -> tuple[Tensor, Tensor]:
        out = network.interpret(features)
        cells, anchored = (
            network.link(maps).clamp(_EPSILON, 1 - _EPSILON)
            for maps in (out.attribute_maps, anchor.attribute_maps(features))
        )
        distance = binary_cross_entropy(cells, anchored, reduction="none").mean(dim=(1, 2, 3))  # (n,)
        return out.scenicness, distance

    scenicness, distance = frozen.apply(both, examples.features, examples.rated(photos), views)
    sources = torch.from_numpy(examples.sources[photos])
    expected = torch.from_numpy(examples.scores[photos]) - torch.where(sources > 0, offsets[sources], 0.0)
    return (scenicness - expected).square().mean(), distance.mean()


def fit_baseline(baseline: Baseline, examples: Examples, chosen: np.ndarray, settings: dict[str, Any]) -> list[float]:
    """Fit the baseline's linear layer, in place, by ridge regression on pooled features; return the offsets."""
    pooled = torch.stack([examples.features[p].float().mean(dim=(0, 2, 3)) for p in examples.rated(chosen)]).numpy()
    source = examples.sources[chosen]
    score_means = examples.source_means(chosen)
    feature_means = np.stack([pooled[source == s].mean(axis=0) for s in range(len(score_means))])
    # Centring within each source is the same as giving each source an intercept that the penalty spares.
    ridge = Ridge(alpha=settings["ridge_penalty"], fit_intercept=False)
    ridge.fit(pooled - feature_means[source], examples.scores[chosen] - score_means[source])
    intercepts = score_means - feature_means @ ridge.coef_
    with torch.no_grad():
        baseline.linear.weight.copy_(torch.from_numpy(ridge.coef_)[None])
        baseline.linear.bias.fill_(float(intercepts[0]))
    return _rounded(intercepts - intercepts[0])


def _minimise(loss: Callable[[], Tensor], groups: list[dict[str, Any]], steps: int, rate: float) -> None:
    """Take steps of AdamW, the learning rate rising over the first tenth of them and then falling to nothing."""
    optimizer = torch.optim.AdamW(groups, lr=rate)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=steps, pct_start=0.1)
    for _step in range(steps):
        optimizer.zero_grad()
        loss().backward()
        optimizer.step()
        schedule.step()


def _rounded(values: np.ndarray) -> list[float]:
    return [0.0, *(round(float(value), 4) for value in values[1:])]
