"""Fit the heads of a pair on the features of a frozen trunk.

SIAM learns as in the paper: first f alone, its attribute layer on photos with attribute labels (L_SUN, binary
cross-entropy of the attribute scores); then attribute layer and templates together,

    L = L_SUN + lambda L_SoN + mu L_anchor + template penalty

in single steps for both kinds of photos, as in the published code, each kind giving only its own loss. L_SoN is the
squared error of the scenicness on photos with ratings. L_anchor is ours: on these photos, which have no attribute
labels, it holds the attribute maps near those of f alone (cross-entropy of tanh(A_k), cell by cell), so that an
attribute keeps its meaning and does not become a name for whatever else raises the score. The baseline is ridge
regression on average-pooled features, the optimum of its loss. Every source of ratings but the first has an offset,
learned beside. SIAM is the average of several runs.
"""

import copy
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from sklearn.linear_model import Ridge
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy

from siam import features as frozen
from siam.examples import Examples, batches
from siam.model import SIAM, Baseline, TemplateHead

Weights = dict[str, Tensor]
_EPSILON = 1e-6  # keeps the logarithms of the cross-entropy finite


def fit_attributes(network: SIAM, examples: Examples, settings: dict[str, Any], seed: int) -> list[Weights]:
    """Train the attribute layer alone, on the labelled photos, `members` times from different random weights.

    Returns the weights of each; the network's own layer is overwritten.
    """
    members: int = settings["members"]
    return [_fit_alone(network, examples, settings, seed * members + member) for member in range(members)]


def _fit_alone(network: SIAM, examples: Examples, settings: dict[str, Any], seed: int) -> Weights:
    generator = np.random.default_rng(seed)
    torch.manual_seed(seed)
    network.attribute_layer.reset_parameters()
    labelled = batches(examples.train, settings["attribute_batch"], generator)

    def loss() -> Tensor:
        photos = next(labelled)
        return attribute_loss(network, examples, photos, generator.integers(0, frozen.VIEWS, len(photos)))

    steps = _steps(examples, settings["attribute_epochs"], settings)
    _minimise(loss, [_layer_parameters(network, settings)], steps, settings["learning_rate"])
    return _copied(network.attribute_layer)


def fit_siam(
    network: SIAM,
    starts: Sequence[Weights],
    examples: Examples,
    chosen: np.ndarray,
    settings: dict[str, Any],
    seed: int,
) -> list[float]:
    """Train SIAM on the labelled photos and the rated photos `chosen`, once from each start, and average the results.

    On so few photos one run is a matter of luck. The attributes are anchored to their meaning, so their weights in
    different runs can be averaged, and so can effective templates.

    Args:
        network: changed in place.
        starts: attribute layers trained alone, as `fit_attributes` returns them.
        examples: the photos.
        chosen: indices of the rated photos to train on.
        settings: the recipe's section `siam`.
        seed: with the number of the start, makes the seed of each run.

    Returns:
        What each source's ratings lie above the first source's.
    """
    layers, templates, biases, offsets = [], [], [], []
    for number, start in enumerate(starts):
        offsets.append(_fit_jointly(network, start, examples, chosen, settings, seed * len(starts) + number))
        layers.append(_copied(network.attribute_layer))
        templates.append(network.scenicness_head.effective_templates().detach())
        biases.append(network.scenicness_head.bias.detach())
    network.attribute_layer.load_state_dict(
        {name: torch.stack([layer[name] for layer in layers]).mean(dim=0) for name in layers[0]}
    )
    network.scenicness_head.set_effective_templates(torch.stack(templates).mean(dim=0))
    nn.init.constant_(network.scenicness_head.bias, float(torch.stack(biases).mean()))
    return _rounded(np.mean(offsets, axis=0))


def _fit_jointly(
    network: SIAM, start: Weights, examples: Examples, chosen: np.ndarray, settings: dict[str, Any], seed: int
) -> np.ndarray:
    """Train attribute layer and templates together, in place; return the sources' offsets."""
    generator = np.random.default_rng(seed)
    network.attribute_layer.load_state_dict(start)
    anchor = copy.deepcopy(network).requires_grad_(False)
    head = network.scenicness_head = TemplateHead(len(network.config.attributes), network.config.grid)
    means = examples.source_means(chosen)
    offsets = nn.Parameter(torch.from_numpy(means - means[0]))
    nn.init.constant_(head.bias, float(means[0]))
    labelled = batches(examples.train, settings["attribute_batch"], generator)
    rated = batches(chosen, settings["scenicness_batch"], generator)

    def joint_loss() -> Tensor:
        head.clamp_templates()  # what the step before may have made negative
        some, others = next(labelled), next(rated)
        views = generator.integers(0, frozen.VIEWS, len(some) + len(others))
        attributes = attribute_loss(network, examples, some, views[: len(some)])
        scenicness, distance = scenicness_losses(network, anchor, offsets, examples, others, views[len(some) :])
        penalty = settings["template_penalty"] * head.templates.mean()
        weighted = settings["scenicness_weight"] * scenicness + settings["anchor_weight"] * distance
        return attributes + weighted + penalty

    templates = {"params": [*head.parameters(), offsets], "weight_decay": 0.0}
    steps = _steps(examples, settings["joint_epochs"], settings)
    _minimise(joint_loss, [_layer_parameters(network, settings), templates], steps, settings["learning_rate"])
    head.clamp_templates()
    return offsets.detach().numpy()


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


def _steps(examples: Examples, epochs: int, settings: dict[str, Any]) -> int:
    return epochs * -(-len(examples.train) // settings["attribute_batch"])


def _layer_parameters(network: SIAM, settings: dict[str, Any]) -> dict[str, Any]:
    return {"params": list(network.attribute_layer.parameters()), "weight_decay": settings["weight_decay"]}


def _copied(layer: nn.Module) -> Weights:
    return {name: tensor.detach().clone() for name, tensor in layer.state_dict().items()}


def _rounded(values: np.ndarray) -> list[float]:
    return [0.0, *(round(float(value), 4) for value in values[1:])]
