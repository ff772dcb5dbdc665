"""SISE: feature maps that raise the score serve as masks, block by block, and the blocks' maps are fused.

::

    alpha[k] = sum_ij dy/dA[k, i, j]              of a block's last feature maps A; kept: alpha > max(0, mu max_k alpha)
    m[k] = unit(enlarged(A[k]))                   masks in [0, 1], of the picture's size
    V = unit(sum_k (y(I * m[k]) - y_0) m[k] / sum_ij m[k, i, j])           the block's visualization map
    E <- V_1;   E <- (E + V_l) * [V_l >= t],   t = Otsu's threshold of V_l          fused from shallow to deep

unit() scales from the lowest to the highest value; a constant map becomes 0, and a constant mask takes no pass.

- Blocks: the last layer at each resolution (`siam.explainers.layers`). This is the paper's rule, the last layer before
  each downsampling, applied to whole blocks: layers within a block (an expansion right before a strided convolution) do
  not count.
- I is the normalised picture, as in the authors' code, so masked pixels get the mean colour.
- y_0 is the zero from which masks are weighed. The paper's y is a probability, about 0 where nothing is seen, and its
  y_0 is 0: `zero="paper"`. A score or a logit has no such zero, and that of a grey picture is none either: with it, V
  nearly becomes the mean of all masks. So y_0 is the mean of y over the block's masks, `zero="mean"`: a mask counts by
  what sets it apart from the others, and an offset of the score changes nothing. `zero="least"` weighs from the mask
  that keeps least instead. Unless `zero` is given, probabilities are weighed like the paper's and everything else from
  the mean.
- A block's only mask is its V, since there is nothing to compare it with. Without a positive alpha, V is 0.
- No threshold divides a constant V: it marks nothing, and removes what shallower blocks marked.
- `fusion="hard"` is the paper's mask. `fusion="soft"` is that of the authors' code, sigmoid(100 (V - t)), where t is
  raised to 1.5 t if less than a tenth of the pixels lie above that.

S. Sattarzadeh et al., "Explaining Convolutional Neural Networks through Attribution-Based Input Sampling and Block-Wise
Feature Aggregation", AAAI 2021, arXiv:2010.00672, sec. 3.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor

from siam.explainers.base import (
    Description,
    Kind,
    Model,
    Progress,
    Target,
    enlarged,
    prepared,
    quiet,
    to_unit,
    untouched,
    values_of,
)
from siam.explainers.layers import Place, Reshape, block_layers, channels_of, layers_and_gradients
from siam.explainers.minibatches import at_once, batches, is_size
from siam.explainers.targets import Probability

Choice = Callable[[Tensor], Tensor]  # alpha (C,) -> which maps of the layer to keep, (C,) of bool
Zero = Literal["mean", "least", "paper"]
Fusion = Literal["hard", "soft"]
BINS = 256  # of the histogram for Otsu's threshold
_STEEPNESS, _RAISED, _FEW = 100, 1.5, 0.1  # of the soft fusion


@dataclass(frozen=True)
class SISE:
    """SISE, at the size of the picture.

    Attributes:
        threshold: the paper's mu, in [0, 1): a block's masks are its maps with alpha above mu times the largest alpha.
        zero: from where masks are weighed: "mean", "least" or "paper", which is the default for probabilities; else
            "mean" is.
        fusion: "hard" or "soft".
        layers: dotted names of the blocks' layers, from shallow to deep; by default they are found.
        reshape: how their outputs become maps (N, C, h, w), if it is not to be guessed.
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
    zero: Zero | None = None
    fusion: Fusion = "hard"
    layers: tuple[str, ...] | None = None
    reshape: Reshape | None = None
    batch_size: int | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        """Raise a ValueError for settings out of range."""
        if not 0 <= self.threshold < 1:
            raise ValueError(f"threshold is {self.threshold}; expected 0 <= threshold < 1")
        check(self.zero, self.fusion, self.batch_size)

    def passes(self, model: Model, height: int, width: int) -> int:
        """Return the most passes it can take: one for each map of a block, though only about half have alpha > 0."""
        return most_passes(model, height, width)

    def __call__(self, model: Model, images: Tensor, target: Target, progress: Progress = quiet) -> Tensor:
        """Return maps (N, H, W) of images (N, C, H, W), from 0 to at most the number of blocks; see `Explainer`.

        `progress` counts the masked pictures only; their number is known once the gradients have been computed.
        """
        zero = self.zero or zero_for(target, "mean")
        sampling = Sampling(self._choose, zero, self.fusion, self.layers, self.reshape, self.batch_size)
        return sampling.maps(model, images, target, progress)

    def _choose(self, alpha: Tensor) -> Tensor:
        return alpha > (self.threshold * alpha.max()).clamp(min=0)


def check(zero: str | None, fusion: str, batch_size: int | None) -> None:
    """Raise a ValueError for settings that have no meaning."""
    if zero not in (None, "mean", "least", "paper") or fusion not in ("hard", "soft") or not is_size(batch_size):
        raise ValueError(
            f"zero {zero!r}, fusion {fusion!r}, batch_size {batch_size}; expected 'mean', 'least' or "
            "'paper', 'hard' or 'soft', and at least 1"
        )


def zero_for(target: Target, otherwise: Zero) -> Zero:
    """Return from where masks are weighed by default."""
    return "paper" if isinstance(target, Probability) else otherwise


def most_passes(model: Model, height: int, width: int) -> int:
    """Return the number of maps in all blocks, plus one for the gradient."""
    return 1 + channels_of(model, height, width, blocks=True)


@dataclass(frozen=True)
class Sampling:
    """SISE with a given choice of feature maps; the other settings are those of `SISE`."""

    choose: Choice
    zero: Zero
    fusion: Fusion
    layers: tuple[str, ...] | None
    reshape: Reshape | None
    batch_size: int | None

    def maps(self, model: Model, images: Tensor, target: Target, progress: Progress) -> Tensor:
        """Return the fused maps (N, H, W) of images (N, C, H, W)."""
        with untouched(model):
            images = prepared(model, images)
            places = block_layers(model, images, target, self.layers, self.reshape)
            # One picture at a time: with a threshold, the rounding of a larger batch could change which are kept.
            chosen = [_chosen_features(model, image, target, places, self.choose) for image in images.split(1)]
            total, done = sum(len(features) for blocks in chosen for features in blocks), 0
            progress(0, total)
            results = []
            for image, blocks in zip(images, chosen, strict=True):
                maps = []
                for features in blocks:
                    size = at_once(self.batch_size, image)
                    parts = batches(len(features), size, progress, done, total)
                    maps.append(_visualization(model, image, target, self.zero, features, parts))
                    done += len(features)
                results.append(fused(maps, self.fusion))
        return torch.stack(results).float()


def _chosen_features(
    model: Any, image: Tensor, target: Target, places: Sequence[Place], choose: Choice
) -> list[Tensor]:
    """Return, for each layer, the feature maps (k, h, w) of one image (1, C, H, W) that serve as masks."""
    chosen = []
    for features, gradient in layers_and_gradients(model, image, target, places):
        keep = choose(gradient[0].sum(dim=(1, 2)))  # (C,)
        varies = features[0].amax(dim=(1, 2)) > features[0].amin(dim=(1, 2))  # a constant map gives no mask
        chosen.append(features[0][keep & varies])
    return chosen


@torch.no_grad()
def _visualization(
    model: Model, image: Tensor, target: Target, zero: Zero, features: Tensor, parts: Iterable[slice]
) -> Tensor:
    """Return V (H, W) of one image (C, H, W), masked by feature maps (k, h, w)."""
    first = score_sum = torch.zeros((), device=image.device)
    least = torch.full_like(score_sum, torch.inf)
    weighted = mask_sum = torch.zeros_like(image[0], dtype=torch.float32)
    for part in parts:
        masks = to_unit(enlarged(features[part], *image.shape[1:]))  # (b, H, W)
        shares = masks / masks.sum(dim=(1, 2), keepdim=True).clamp(min=1)  # each mask is 1 somewhere
        scores = values_of(target, model, image * masks[:, None].to(image)).float()  # (b,)
        if part.start == 0 and zero != "paper":
            first = scores[0]  # stands in for the zero, not known yet, to limit rounding
        scores = scores - first
        weighted = weighted + torch.einsum("b,bhw->hw", scores, shares)
        mask_sum, score_sum = mask_sum + shares.sum(dim=0), score_sum + scores.sum()
        least = torch.minimum(least, scores.min())
    if len(features) < 2:
        return to_unit(mask_sum)
    origin = {"mean": score_sum / len(features), "least": least, "paper": torch.zeros_like(least)}[zero]
    return to_unit(weighted - origin * mask_sum)


def fused(maps: Sequence[Tensor], fusion: Fusion = "hard") -> Tensor:
    """Fuse the blocks' maps (H, W) in [0, 1], from shallow to deep, into one map (H, W) >= 0."""
    result = maps[0]
    for deeper in maps[1:]:
        result = (result + deeper) * (_soft_mask(deeper) if fusion == "soft" else _hard_mask(deeper))
    return result


def _hard_mask(values: Tensor) -> Tensor:
    threshold = otsu_threshold(values)
    return torch.zeros_like(values) if threshold is None else (values >= threshold).to(values)


def _soft_mask(values: Tensor) -> Tensor:
    threshold = otsu_threshold(values)
    if threshold is None:
        return torch.zeros_like(values)
    raised = _RAISED * threshold
    few = (values >= raised).float().mean() < _FEW
    return (_STEEPNESS * (values - (raised if few else threshold))).sigmoid()


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
