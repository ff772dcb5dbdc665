"""Fits the heads of a pair on the features of a frozen backbone.

SIAM learns as in the paper: first f alone, its attribute layer, on photos with attribute labels; then attribute layer
and templates together, each step on photos of all kinds, and each kind contributing only its own losses::

    labelled photos         L_SUN + r L_region
    weakly labelled photos  w (L_SUN + r L_region) + d L_teacher + mu L_anchor
    rated photos            lambda L_SoN + mu L_anchor

L_SUN is the binary cross-entropy of the attribute scores, L_SoN the squared error of the scenicness (paper, section 3).
The others are ours, because there are few photos:
L_region, region supervision: cross-entropy of tanh(A_k) against the share of each cell, where it is known.
L_teacher, distillation (G. Hinton, O. Vinyals, J. Dean, arXiv:1503.02531): squared error against the scores that the
baseline, fitted to the same ratings, gives photos that nobody rated. It teaches the linear model what the few ratings
cannot.
L_anchor keeps the attribute maps close to those of f alone (cross-entropy of tanh(A_k), cell by cell), so that an
attribute keeps its meaning and does not come to stand for whatever else raises the score.
The baseline is ridge regression on average-pooled features, the optimum of its loss. Every source of ratings except the
first has an offset, which is learned too. SIAM is the average of several runs.
"""

import copy
from collections.abc import Callable, Iterator, Sequence
from itertools import repeat
from typing import Any

import numpy as np
import torch
from sklearn.linear_model import Ridge
from torch import Tensor, nn

from siam.models import features as frozen
from siam.models.baseline import Baseline
from siam.models.siam import SIAM, TemplateHead
from siam.training.heads.examples import Examples, batches
from siam.training.losses import cross_entropies

Weights = dict[str, Tensor]


def fit_attributes(network: SIAM, examples: Examples, settings: dict[str, Any], seed: int) -> list[Weights]:
    """Train the attribute layer alone, on photos with labels, `members` times from different random weights.

    Returns the weights of each run; the network's own layer is overwritten.
    """
    members: int = settings["members"]
    return [_fit_alone(network, examples, settings, seed * members + member) for member in range(members)]


def _fit_alone(network: SIAM, examples: Examples, settings: dict[str, Any], seed: int) -> Weights:
    generator = np.random.default_rng(seed)
    torch.manual_seed(seed)
    network.attribute_layer.reset_parameters()
    minibatches = _labelled_batches(examples, settings, generator)

    def loss() -> Tensor:
        labelled, weak = next(minibatches)
        total = _label_loss(photo_losses(network, examples, labelled, generator), settings)
        if len(weak):
            losses = photo_losses(network, examples, weak, generator)
            total = total + settings["weak_weight"] * _label_loss(losses, settings)
        return total

    steps = _steps(examples, settings["attribute_epochs"], settings)
    _minimise(loss, [_layer_parameters(network, settings)], steps, settings["learning_rate"])
    return _copied(network.attribute_layer)


def fit_siam(
    network: SIAM,
    starts: Sequence[Weights],
    examples: Examples,
    chosen: np.ndarray,
    teacher: np.ndarray,
    settings: dict[str, Any],
    seed: int,
    *,
    frozen_attributes: bool = False,
) -> list[float]:
    """Train SIAM on photos with labels and the rated photos `chosen`, once from each start, and average the results.

    With so few photos, a single run depends on luck. The attributes are anchored to their meaning, so their weights can
    be averaged over runs, and so can the effective templates.

    Args:
        network: changed in place.
        starts: attribute layers trained alone, as `fit_attributes` returns them.
        examples: the photos.
        chosen: indices of the rated photos to train on.
        teacher: (w,) scores that the baseline, fitted on `chosen`, gives the weakly labelled photos.
        settings: the recipe's section `siam`.
        seed: together with the number of the start, gives the seed of each run.
        frozen_attributes: train only the templates, the paper's "no finetuning".

    Returns:
        For each source, how far its ratings lie above the first source's, in points.
    """
    layers, templates, biases, offsets = [], [], [], []
    for number, start in enumerate(starts):
        of_run = seed * len(starts) + number
        offsets.append(_fit_jointly(network, start, examples, chosen, teacher, settings, of_run, frozen_attributes))
        layers.append(_copied(network.attribute_layer))
        templates.append(network.scenicness_head.effective_templates().detach())
        biases.append(network.scenicness_head.bias.detach())
    set_attributes(network, layers)
    network.scenicness_head.set_effective_templates(torch.stack(templates).mean(dim=0))
    nn.init.constant_(network.scenicness_head.bias, float(torch.stack(biases).mean()))
    return _rounded(np.mean(offsets, axis=0))


def set_attributes(network: SIAM, layers: Sequence[Weights]) -> None:
    """Give the network the average of several attribute layers."""
    mean = {name: torch.stack([layer[name] for layer in layers]).mean(dim=0) for name in layers[0]}
    network.attribute_layer.load_state_dict(mean)


def _fit_jointly(
    network: SIAM,
    start: Weights,
    examples: Examples,
    chosen: np.ndarray,
    teacher: np.ndarray,
    settings: dict[str, Any],
    seed: int,
    frozen_attributes: bool,
) -> np.ndarray:
    """Train attribute layer and templates together, or only the templates, in place; return the sources' offsets."""
    generator = np.random.default_rng(seed)
    network.attribute_layer.load_state_dict(start)
    anchor = copy.deepcopy(network).requires_grad_(False)
    head = network.scenicness_head = TemplateHead(
        len(network.config.attributes), network.config.grid, pooling=network.config.pooling
    )
    means = examples.source_means(chosen)
    offsets = nn.Parameter(torch.from_numpy(means - means[0]))
    nn.init.constant_(head.bias, float(means[0]))
    minibatches = _labelled_batches(examples, settings, generator)
    rated = batches(chosen, settings["scenicness_batch"], generator)

    def joint_loss() -> Tensor:
        head.clamp_templates()  # the previous step may have made some negative
        labelled, weak = next(minibatches)
        photos = next(rated)
        above = torch.where(torch.from_numpy(examples.sources[photos]) > 0, offsets[examples.sources[photos]], 0.0)
        expected = torch.from_numpy(examples.scores[photos]) - above
        losses = photo_losses(network, examples, examples.rated(photos), generator, expected=expected, anchor=anchor)
        loss = settings["scenicness_weight"] * losses["scenicness"] + settings["anchor_weight"] * losses["anchor"]
        loss = loss + settings["template_penalty"] * head.templates.mean()
        if len(weak):
            expected = torch.from_numpy(teacher[weak - examples.weak[0]])
            losses = photo_losses(network, examples, weak, generator, expected=expected, anchor=anchor)
            loss = (
                loss + settings["teacher_weight"] * losses["scenicness"] + settings["anchor_weight"] * losses["anchor"]
            )
            loss = loss + settings["weak_weight"] * _label_loss(losses, settings)
        if not frozen_attributes:  # otherwise the labels have nothing to change
            loss = loss + _label_loss(photo_losses(network, examples, labelled, generator), settings)
        return loss

    groups = [{"params": [*head.parameters(), offsets], "weight_decay": 0.0}]
    if not frozen_attributes:
        groups.insert(0, _layer_parameters(network, settings))
    steps = _steps(examples, settings["joint_epochs"], settings)
    network.attribute_layer.requires_grad_(not frozen_attributes)
    try:
        _minimise(joint_loss, groups, steps, settings["learning_rate"])
    finally:
        network.attribute_layer.requires_grad_(True)
    head.clamp_templates()
    return offsets.detach().numpy()


def _label_loss(losses: dict[str, Tensor], settings: dict[str, Any]) -> Tensor:
    return losses["attribute"] + settings["region_weight"] * losses["region"]


def _labelled_batches(
    examples: Examples, settings: dict[str, Any], generator: np.random.Generator
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield batches of labelled and of weakly labelled photos; the latter are empty if there are none."""
    weak = repeat(examples.weak)
    if len(examples.weak):
        weak = batches(examples.weak, settings["weak_batch"], generator)
    return zip(batches(examples.train, settings["attribute_batch"], generator), weak, strict=False)


def fit_baseline(baseline: Baseline, examples: Examples, chosen: np.ndarray, settings: dict[str, Any]) -> list[float]:
    """Fit the baseline's linear layer, in place, by ridge regression on pooled features; return the offsets."""
    pooled = torch.stack([examples.features[p].float().mean(dim=(0, 2, 3)) for p in examples.rated(chosen)]).numpy()
    source = examples.sources[chosen]
    score_means = examples.source_means(chosen)
    feature_means = np.stack([pooled[source == s].mean(axis=0) for s in range(len(score_means))])
    # Centring within each source is the same as giving each source an unpenalised intercept.
    ridge = Ridge(alpha=settings["ridge_penalty"], fit_intercept=False)
    ridge.fit(pooled - feature_means[source], examples.scores[chosen] - score_means[source])
    intercepts = score_means - feature_means @ ridge.coef_
    with torch.no_grad():
        baseline.linear.weight.copy_(torch.from_numpy(ridge.coef_)[None])
        baseline.linear.bias.fill_(float(intercepts[0]))
    return _rounded(intercepts - intercepts[0])


def _minimise(loss: Callable[[], Tensor], groups: list[dict[str, Any]], steps: int, rate: float) -> None:
    """Take steps of AdamW, with a learning rate that rises over the first tenth of them and then falls to zero."""
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


def photo_losses(
    network: SIAM,
    examples: Examples,
    photos: np.ndarray,
    generator: np.random.Generator,
    *,
    expected: Tensor | None = None,
    anchor: SIAM | None = None,
) -> dict[str, Tensor]:
    """Return the mean losses of photos, each seen once in a random view; all of them have labels, or none.

    Args:
        network: the SIAM being trained.
        examples: holds the photos.
        photos: (n,) indices among all photos.
        generator: chooses the views.
        expected: (n,) scores on the scale of the first source, or None.
        anchor: the SIAM whose attribute maps the network's should stay close to, or None.

    Returns:
        "attribute" (L_SUN), the mean over the labels that are known, and "region" (L_region), averaged over K, if the
        photos have labels; "scenicness", the
        squared error, if `expected` is given; "anchor" (L_anchor) if `anchor` is given.
    """
    labelled = bool(photos.max() < len(examples.labels))
    columns = (examples.features, examples.region_targets) if labelled else (examples.features,)
    names = ["attribute_scores", "scenicness", *["region"] * labelled, *["anchor"] * (anchor is not None)]

    def of_group(features: Tensor, *targets: Tensor) -> tuple[Tensor, ...]:
        out = network.interpret(features)
        cells = network.link(out.attribute_maps)  # (n, K, h, w)
        means = [out.attribute_scores, out.scenicness]
        for target in targets:
            known = ~target.isnan()
            means.append(torch.where(known, cross_entropies(cells, target.nan_to_num()), 0.0).mean(dim=(1, 2, 3)))
        if anchor is not None:
            with torch.no_grad():
                anchored = network.link(anchor.attribute_maps(features))
            means.append(cross_entropies(cells, anchored).mean(dim=(1, 2, 3)))
        return tuple(means)

    views = generator.integers(0, frozen.VIEWS, len(photos))
    means = dict(zip(names, frozen.apply(of_group, columns, photos, views), strict=True))
    losses = {name: means[name].mean() for name in ("region", "anchor") if name in means}
    if labelled:
        labels = torch.from_numpy(examples.labels[photos])
        known = ~labels.isnan()
        entropies = cross_entropies(means["attribute_scores"], labels.nan_to_num())
        losses["attribute"] = entropies[known].mean() if known.any() else 0 * entropies.sum()
    if expected is not None:
        losses["scenicness"] = (means["scenicness"] - expected).square().mean()
    return losses
