"""Fits SIAM's heads to the frozen features of a few photos: all photos at once, in some hundred steps of L-BFGS.

The features are first reduced to the directions in which the photos' cells differ most, so that fifty photos cannot fit
thousands of weights to noise: to 128 principal components, each divided by the root of its standard deviation, in
units of the largest. On them, f is fitted alone, then f and g together::

    L_f = L_SUN + r L_region + d |w|²
    L   = L_f + lambda (L_SoN + t |W|²)

L_SUN, L_region and L_SoN are those of `siam.training.heads.fit`, over all photos and their mirror images; w are the
attribute layer's weights and W the effective templates, of ratings divided by their standard deviation. Nothing is
left to chance or to the scale of the ratings: f starts from w = 0, with maps that are everywhere as bright as their
word is frequent, and g from W = 0. `python -m benchmarks.own` prints the figures by which the weights of the terms
were chosen.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from siam.models.features import VIEWS
from siam.models.siam import SIAM, pooled
from siam.training.heads.examples import Examples
from siam.training.losses import cross_entropies

_DIRECTIONS = 128
_REGION_WEIGHT, _SCORE_WEIGHT = 1.0, 0.3  # r, lambda
_LAYER_PENALTY, _TEMPLATE_PENALTY = 0.03, 1.0  # d, t
_RAREST = 0.02  # share of photos with a word, for the first brightness of its maps


@dataclass(frozen=True, eq=False)
class _Group:
    """Photos whose features have one size, each as it is and mirrored.

    Attributes:
        places: (n,) of the photos among those chosen.
        features: (n, D, h, w), reduced.
        regions: (n, K, h, w) what their maps should show, NaN where unknown; None if nothing is known.
    """

    places: Tensor
    features: Tensor
    regions: Tensor | None


def fit_siam(network: SIAM, examples: Examples, labelled: np.ndarray, rated: np.ndarray, steps: int) -> list[float]:
    """Fit attribute layer and templates, in place.

    Args:
        network: whose layers are overwritten.
        examples: the photos.
        labelled: indices of the labelled photos to learn from.
        rated: indices of the rated photos to learn from.
        steps: of L-BFGS at most, for f alone and again for both.

    Returns:
        For each source, how far its ratings lie above the first source's, in points.
    """
    of_rated = examples.rated(rated)
    with torch.no_grad():
        mean, directions = _directions(examples.features, np.concatenate([labelled, of_rated]))
        groups = _groups(examples, labelled, mean, directions), _groups(examples, of_rated, mean, directions)
    whole, small = network.attribute_layer, nn.Conv2d(directions.shape[1], len(examples.attributes), kernel_size=1)
    network.attribute_layer = small
    try:
        labels = torch.from_numpy(examples.labels[labelled]).float()
        _start(network, labels)
        _minimise(small.parameters(), lambda: _label_loss(network, groups[0], labels), steps)
        offsets = _fit_jointly(network, groups, labels, examples, rated, steps)
    finally:
        network.attribute_layer = whole
    learned = small.state_dict()
    weight = learned["weight"][:, :, 0, 0] @ directions.T  # (K, C)
    whole.load_state_dict({"weight": weight[:, :, None, None], "bias": learned["bias"] - weight @ mean})
    return offsets


def _directions(features: list[Tensor], photos: np.ndarray) -> tuple[Tensor, Tensor]:
    """Return the mean (C,) of the photos' cells, and what (C, D) reduces features to principal components."""
    count, total, products = 0, torch.zeros(()), torch.zeros(())
    for of_photo in {id(features[photo]): features[photo] for photo in photos}.values():  # once if labelled and rated
        cells = of_photo[0].float().flatten(1)  # (C, h w)
        count, total, products = count + cells.shape[1], total + cells.sum(dim=1), products + cells @ cells.T
    mean = total / count
    variances, vectors = torch.linalg.eigh(products / count - torch.outer(mean, mean))  # in ascending order
    kept = (variances > 1e-6 * variances[-1]).nonzero()[-_DIRECTIONS:, 0]
    if len(kept) == 0:  # all cells of all photos are alike
        return mean, torch.zeros(len(mean), 1)
    deviations = variances[kept].sqrt()
    return mean, vectors[:, kept] / (deviations * deviations[-1]).sqrt()


def _groups(examples: Examples, photos: np.ndarray, mean: Tensor, directions: Tensor) -> list[_Group]:
    places = defaultdict(list)
    for place, photo in enumerate(photos):
        places[examples.features[photo].shape[2:]].append(place)
    groups = []
    for of_size in places.values():
        chosen = photos[of_size]
        reduced = [
            torch.einsum("vchw,cd->vdhw", examples.features[photo].float() - mean[:, None, None], directions)
            for photo in chosen
        ]
        regions = None
        if chosen.max() < len(examples.region_targets):
            regions = torch.cat([examples.region_targets[photo] for photo in chosen]).float()
            regions = None if regions.isnan().all() else regions
        groups.append(_Group(torch.tensor(of_size).repeat_interleave(VIEWS), torch.cat(reduced), regions))
    return groups


def _start(network: SIAM, labels: Tensor) -> None:
    """Give maps, everywhere, the brightness that stands for the share of photos with the attribute."""
    share = labels.nanmean(dim=0).nan_to_num(0.5).clamp(_RAREST, 1 - _RAREST)
    start = torch.atanh(share) if network.config.attribute_link == "tanh" else torch.logit(share)
    weight = torch.zeros_like(network.attribute_layer.weight)
    network.attribute_layer.load_state_dict({"weight": weight, "bias": start})


def _label_loss(network: SIAM, groups: list[_Group], labels: Tensor) -> Tensor:
    """Return L_f ()."""
    loss = _LAYER_PENALTY * network.attribute_layer.weight.square().sum()
    known = ~labels.isnan()
    for group in groups:
        maps = network.attribute_maps(group.features)
        entropies = cross_entropies(network.link(maps.mean(dim=(2, 3))), labels[group.places].nan_to_num())  # (n, K)
        loss = loss + torch.where(known[group.places], entropies, 0.0).sum() / (VIEWS * known.sum().clamp(min=1))
        if group.regions is not None:
            entropies = cross_entropies(network.link(maps), group.regions.nan_to_num())  # (n, K, h, w)
            seen = torch.where(group.regions.isnan(), 0.0, entropies).mean(dim=(1, 2, 3))
            loss = loss + _REGION_WEIGHT * seen.sum() / (VIEWS * len(labels))
    return loss


def _fit_jointly(
    network: SIAM,
    groups: tuple[list[_Group], list[_Group]],
    labels: Tensor,
    examples: Examples,
    rated: np.ndarray,
    steps: int,
) -> list[float]:
    """Fit attribute layer and templates together, in place; return the sources' offsets."""
    head, sources = network.scenicness_head, torch.from_numpy(examples.sources[rated])
    means = torch.from_numpy(examples.source_means(rated)).float()
    centred = torch.from_numpy(examples.scores[rated]).float() - means[sources]
    deviation = centred.square().mean().sqrt().clamp(min=torch.finfo().tiny)
    scores = centred / deviation
    templates = torch.zeros(head.effective_templates().shape, requires_grad=True)
    intercepts = torch.zeros(len(means), requires_grad=True)  # of the sources

    def loss() -> Tensor:
        error = _TEMPLATE_PENALTY * templates.square().sum()
        for group in groups[1]:
            maps = network.attribute_maps(group.features)
            responses = (pooled(maps, network.config.grid, head.pooling) * templates).sum(dim=(1, 2, 3))
            expected = scores[group.places] - intercepts[sources[group.places]]
            error = error + (responses - expected).square().sum() / (VIEWS * len(scores))
        return _label_loss(network, groups[0], labels) + _SCORE_WEIGHT * error

    _minimise([*network.attribute_layer.parameters(), templates, intercepts], loss, steps)
    levels = means + deviation * intercepts.detach()
    head.set_effective_templates(deviation * templates.detach())
    nn.init.constant_(head.bias, float(levels[0]))
    return [round(float(level - levels[0]), 4) for level in levels]


def _minimise(parameters: Iterable[Tensor], loss: Callable[[], Tensor], steps: int) -> None:
    optimizer = torch.optim.LBFGS(list(parameters), max_iter=steps, history_size=20, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        optimizer.zero_grad()
        value = loss()
        value.backward()
        return value

    optimizer.step(closure)
