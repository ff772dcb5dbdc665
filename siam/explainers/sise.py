"""SISE: feature maps that raise the score serve as masks, block by block, and the blocks' maps are fused.

::

    alpha[k] = sum_ij dy/dA[k, i, j]              of a block's last feature maps A; kept: alpha > max(0, mu max_k alpha)
    m[k] = unit(enlarged(A[k]))                   masks in [0, 1], of the picture's size
    V = unit(sum_k (y(I * m[k]) - y(0)) m[k] / sum_ij m[k, i, j])          the block's visualization map
    E <- V_1;   E <- (E + V_l) * [V_l >= Otsu's threshold of V_l]          fused from shallow to deep

unit() scales from the lowest to the highest value; a constant map becomes 0, and a constant mask takes no pass.

- Blocks: the last feature map at each resolution but the lowest, where timm's `feature_info` lists it, and the
  backbone's output. This is the paper's rule, the last layer before each downsampling, applied to whole blocks: layers
  within a block (an expansion right before a strided convolution) do not count.
- I is the normalised picture, as in the authors' code, so masked pixels get the mean colour.
- The paper's y is a probability. A score has no natural 0, so ours is taken relative to y(0), the score of the fully
  masked picture; an offset of the score changes nothing.
  If all masked pictures score below y(0), V is highest where no mask is, since that costs least.
- The fusion uses the paper's hard mask. The authors' code softens it to sigmoid(100 (V - t)) and sometimes raises t.
- Without a positive alpha, a block's V is 0. No threshold divides a constant V: it marks nothing, and removes what
  shallower blocks marked.

S. Sattarzadeh et al., "Explaining Convolutional Neural Networks through Attribution-Based Input Sampling and Block-Wise
Feature Aggregation", AAAI 2021, arXiv:2010.00672, sec. 3.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import torch
from torch import Tensor

from siam.explainers.base import (
    Description,
    Kind,
    Network,
    Progress,
    Target,
    enlarged,
    layers_and_gradients,
    prepared,
    quiet,
    to_unit,
    untouched,
)
from siam.explainers.minibatches import at_once, batches, is_size
from siam.models.siam import SIAM

Choice = Callable[[Tensor], Tensor]  # alpha (C,) -> which maps of the layer to keep, (C,) of bool
BINS = 256  # of the histogram for Otsu's threshold


@dataclass(frozen=True)
class SISE:
    """SISE of the blocks that `block_layers` finds.

    Attributes:
        threshold: the paper's mu, in [0, 1): a block's masks are its maps with alpha above mu times the largest alpha.
        batch_size: pictures per forward pass, by default as many as suit the device; maps differ by rounding only.
    """

    kind: ClassVar[Kind] = "perturbation"
    signed: ClassVar[bool] = False
    slow: ClassVar[bool] = True
    description: ClassVar[Description] = Description(
        title="SISE",
        paper="Sattarzadeh et al. 2021",
        link="https://arxiv.org/abs/2010.00672",
        idea="Feature maps that raise the score serve as masks, block by block; the blocks' maps are then fused.",
        colour="#5C6BC0",
        dash="dash",
    )

    threshold: float = 0.0
    batch_size: int | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        """Raise a ValueError for settings out of range."""
        if not is_size(self.batch_size) or not 0 <= self.threshold < 1:
            raise ValueError(
                f"batch_size {self.batch_size}, threshold {self.threshold}; expected at least 1, and 0 <= threshold < 1"
            )

    def passes(self, model: Network, height: int, width: int) -> int:
        """Return the most passes it can take: one for each map of a block, though only about half have alpha > 0."""
        return most_passes(model)

    def __call__(self, model: Network, images: Tensor, target: Target, progress: Progress = quiet) -> Tensor:
        """Return maps (N, H, W) of images (N, 3, H, W), from 0 to at most the number of blocks; see `Explainer`.

        `progress` counts the masked pictures only; their number is known once the gradients have been computed.
        """
        return sampled_maps(model, images, target, self._choose, self.batch_size, progress)

    def _choose(self, alpha: Tensor) -> Tensor:
        return alpha > (self.threshold * alpha.max()).clamp(min=0)


def block_layers(model: Network) -> tuple[str, ...]:
    """Return the dotted names of the modules whose outputs are the blocks' last feature maps, from shallow to deep.

    Raises:
        ValueError: the backbone does not say where its blocks end.
    """
    return (*(f"backbone.{block['module']}" for block in _inner_blocks(model)), "backbone")


def most_passes(model: Network) -> int:
    """Return the number of maps in all blocks plus two: for the gradient and for the fully masked picture."""
    last = model.attribute_layer.in_channels if isinstance(model, SIAM) else model.linear.in_features
    return 2 + last + sum(block["num_chs"] for block in _inner_blocks(model))


def _inner_blocks(model: Network) -> list[dict[str, Any]]:
    """Return timm's description of the last feature map at every resolution but the lowest."""
    described: Any = getattr(model.backbone, "feature_info", None)
    if not described:
        raise ValueError("the backbone has no feature_info that says where its blocks end: choose one of timm's")
    blocks = {block["reduction"]: block for block in described}
    return [blocks[reduction] for reduction in sorted(blocks)[:-1]]


def sampled_maps(
    model: Network, images: Tensor, target: Target, choose: Choice, batch_size: int | None, progress: Progress
) -> Tensor:
    """Return the fused maps (N, H, W) of images (N, 3, H, W): SISE with a given choice of feature maps."""
    with untouched(model):
        images = prepared(model, images)
        names = block_layers(model)
        # One picture at a time: with a threshold, the rounding of a larger batch could change which maps are kept.
        chosen = [_chosen_features(model, image, target, names, choose) for image in images.split(1)]
        total, done = len(images) + sum(len(features) for blocks in chosen for features in blocks), 0
        progress(0, total)
        results = []
        for image, blocks in zip(images, chosen, strict=True):
            with torch.no_grad():
                nothing = target(model, torch.zeros_like(image)[None])  # (1,)
            done += 1
            progress(done, total)
            maps = []
            for features in blocks:
                parts = batches(len(features), at_once(batch_size, model, image), progress, done, total)
                maps.append(_visualization(model, image, target, nothing, features, parts))
                done += len(features)
            results.append(fused(maps))
    return torch.stack(results)


def _chosen_features(
    model: Network, image: Tensor, target: Target, names: Sequence[str], choose: Choice
) -> list[Tensor]:
    """Return, for each layer, the feature maps (k, h, w) of one image (1, 3, H, W) that serve as masks."""
    chosen = []
    for features, gradient in layers_and_gradients(model, image, target, names):
        keep = choose(gradient[0].sum(dim=(1, 2)))  # (C,)
        varies = features[0].amax(dim=(1, 2)) > features[0].amin(dim=(1, 2))  # a constant map gives no mask
        chosen.append(features[0][keep & varies])
    return chosen


@torch.no_grad()
def _visualization(
    model: Network, image: Tensor, target: Target, nothing: Tensor, features: Tensor, parts: Iterable[slice]
) -> Tensor:
    """Return V (H, W) of one image (3, H, W), masked by feature maps (k, h, w); y(0) is `nothing` (1,)."""
    total = torch.zeros_like(image[0])
    for part in parts:
        masks = to_unit(enlarged(features[part], *image.shape[1:]))  # (b, H, W)
        area = masks.sum(dim=(1, 2)).clamp(min=1)  # each mask is 1 somewhere
        gains = target(model, image * masks[:, None]) - nothing  # (b,)
        total = total + torch.einsum("b,bhw->hw", gains / area, masks)
    return to_unit(total)


def fused(maps: Sequence[Tensor]) -> Tensor:
    """Fuse the blocks' maps (H, W) in [0, 1], from shallow to deep, into one map (H, W) >= 0."""
    result = maps[0]
    for deeper in maps[1:]:
        threshold = otsu_threshold(deeper)
        marked = torch.zeros_like(deeper) if threshold is None else (deeper >= threshold).to(deeper)
        result = (result + deeper) * marked
    return result


def otsu_threshold(values: Tensor, bins: int = BINS) -> float | None:
    """Return Otsu's threshold: the cut of the histogram that separates two classes best.

    ::

        t = argmax_t  n_0(t) n_1(t) (mean_1(t) - mean_0(t))²,   class 1 = the bins from t on

    It is the lowest value of the upper class: values >= it belong to that class, and neither class is empty. If several
    cuts are equally good, as within a gap of the histogram, it is the lowest.

    N. Otsu, "A Threshold Selection Method from Gray-Level Histograms", IEEE Transactions on Systems, Man, and
    Cybernetics 9(1), 1979, eq. 18 (the variance between the classes, times the square of the number of values).

    Args:
        values: of any shape, in [0, 1]; 1 belongs to the highest bin.
        bins: of equal width, from 0 to 1.

    Returns:
        A multiple of 1 / bins in (0, 1), or None if all values share one bin or there are none.
    """
    place = (values.flatten() * bins).long().clamp(0, bins - 1).cpu()
    counts = torch.bincount(place, minlength=bins).double()  # (bins,)
    sums = counts * torch.arange(bins)  # (bins,), in units of bins
    n_0, sum_0 = counts.cumsum(0)[:-1], sums.cumsum(0)[:-1]  # (bins - 1,): of the bins below the cuts 1, 2, …
    n_1, sum_1 = counts.sum() - n_0, sums.sum() - sum_0
    divides = (n_0 > 0) & (n_1 > 0)
    if not divides.any():
        return None
    between = n_0 * n_1 * (sum_1 / n_1 - sum_0 / n_0) ** 2  # 0/0 where a class is empty
    return (int(torch.where(divides, between, -1).argmax()) + 1) / bins
