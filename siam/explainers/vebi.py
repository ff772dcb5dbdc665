"""VEBI: the few features, of any layer, that best support the score of this picture, each traced back to its pixels.

::

    r   = x * w        x: the picture's vector (`siam.explainers.vebi_features`), w: the fitted weights
    M   = max over the highest few r_m > 0 of  unit( max_rgb |g_m| )
    g_m = guided, mended backward pass to the picture of the activation map of feature m itself

w is the row of the target: sparse weights of channels that together predict it (`siam.explainers.fitting.vebi`). For
minus the score the sign of w is reversed. unit() scales each map from its lowest and highest value to 0 and 1.

- The paper explains classes; so does this, if the network is one class of a classifier. For a rating, w predicts the
  standardised score (`of="score"`), or whether the score falls in the same bin as this picture's (`of="bin"`), which is
  closer to the paper's classes but has no direction: minus the score then shows what counts against the bin.
- The paper does not say how the three colours become one number. Here it is the largest magnitude, as usual for
  gradients (Simonyan et al. 2014): a colour that should decrease counts as much as one that should increase.
- Of a network of another make, the score is the target that `siam.explainers.fit` was given.
- If no feature supports the target, the map is 0. If the strongest feature belongs to the first layer, such as one for
  a colour that is nearly everywhere, the map is spread out too: r prefers features that always respond.

J. Oramas M., K. Wang, T. Tuytelaars, "Visual Explanation by Interpretation: Improving Visual Feedback Capabilities of
Deep Neural Networks", ICLR 2019, arXiv:1712.06302, secs. 3.2 and 3.3.
"""

from collections import defaultdict
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn

from siam.explainers.base import (
    Description,
    Kind,
    Model,
    Progress,
    Target,
    prepared,
    quiet,
    to_unit,
    untouched,
    values_of,
)
from siam.explainers.guided import guided
from siam.explainers.learnt import learnt_for, sign_of
from siam.explainers.vebi_features import descriptors, entries, layer_maps, squared_norms, watched
from siam.models.fitted import Fitted


@dataclass(frozen=True)
class VEBI:
    """VEBI, at the size of the picture.

    Attributes:
        features: most features to show.
        of: "score": what supports a higher score; "bin": what supports this score rather than others.
        artifact_free: whether the backward pass removes the grid left by strided convolutions.
        learnt: what `siam.explainers.fit` learnt for the network; by default what a baseline has in its `fitted`.
    """

    kind: ClassVar[Kind] = "gradient"
    signed: ClassVar[bool] = False
    slow: ClassVar[bool] = False
    description: ClassVar[Description] = Description(
        title="VEBI",
        paper="Oramas, Wang, Tuytelaars 2019",
        link="https://arxiv.org/abs/1712.06302",
        idea="A sparse regression picks features that go with high scores; the top three are traced back to pixels.",
        colour="#4BA3C7",
        dash="dashdot",
        networks="baseline",
        learner="siam.explainers.fitting.vebi",
    )

    features: int = 3
    of: Literal["score", "bin"] = "score"
    artifact_free: bool = True
    learnt: Fitted | None = None

    def __post_init__(self) -> None:
        """Raise a ValueError for settings without a meaning."""
        if self.features < 1 or self.of not in ("score", "bin"):
            raise ValueError(f"features {self.features}, of {self.of!r}; expected at least 1, and 'score' or 'bin'")

    def passes(self, model: Model, height: int, width: int) -> int:
        """Return 1; it takes as many backward passes as it shows features."""
        return 1

    def __call__(self, model: Model, images: Tensor, target: Target, progress: Progress = quiet) -> Tensor:
        """Return maps (N, H, W) in [0, 1].

        Raises:
            ValueError: VEBI was not fitted to this network, or to this target (of a baseline, the score), or it was
                fitted without bins and `of` is "bin".
        """
        learnt = learnt_for("vebi", "VEBI", model, self.learnt)
        assert isinstance(model, nn.Module)
        with untouched(model), guided(model, self.artifact_free):
            images = prepared(model, images).requires_grad_()
            vectors, outputs, values = _answers(model, images, target, learnt)
            sign = sign_of("VEBI", target, learnt.facts)
            weights = sign * self._rows(learnt, sign * values)  # (N, M)
            relevance, chosen = (vectors * weights).topk(min(self.features, weights.shape[1]), dim=1)  # (N, k)
            strongest = torch.zeros_like(images[:, 0])
            for rank in range(chosen.shape[1]):
                gradient = _traced(images, outputs, learnt, chosen[:, rank], relevance[:, rank] > 0)
                strongest = torch.maximum(strongest, to_unit(gradient.abs().amax(dim=1)))
        return strongest.detach()  # (N, H, W)

    def _rows(self, learnt: Fitted, scores: Tensor) -> Tensor:
        """Return the weights (N, M) that explain pictures with the given scores (N,)."""
        relevance = learnt.tensors["relevance"].to(scores)
        if self.of == "score":
            return relevance[:1].expand(len(scores), -1)
        if "bounds" not in learnt.tensors:
            raise ValueError("VEBI was fitted to a class, which has no bins: use of='score'")
        inner = learnt.tensors["bounds"][1:-1].to(scores)
        return relevance[1 + torch.bucketize(scores, inner, right=True)]


def _answers(
    model: nn.Module, images: Tensor, target: Target, learnt: Fitted
) -> tuple[Tensor, dict[int, Tensor], Tensor]:
    """Return the features' entries in x (N, M), the maps of their layers by index, and the target (N,)."""
    layers: list[str] = learnt.facts["layers"]
    seen: dict[str, list[Tensor]] = defaultdict(list)
    maps = layer_maps(model, images.detach(), target, layers)
    with watched(model, layers, lambda name, output: seen[name].append(output), maps):
        values = values_of(target, model, images)  # (N,)
    for name in layers:
        if len(seen[name]) != 1:
            raise ValueError(f"the target ran the layer {name!r} {len(seen[name])} times; expected once")
    norms = [squared_norms(seen[name][0]) for name in layers]
    where = entries([norm.shape[1] for norm in norms], learnt.tensors["layer"], learnt.tensors["channel"])
    used = set(learnt.tensors["layer"].tolist())
    outputs = {layer: seen[layers[layer]][0] for layer in used}
    return descriptors(norms)[:, where.to(images.device)], outputs, values.detach()


def _traced(images: Tensor, outputs: dict[int, Tensor], learnt: Fitted, chosen: Tensor, counts: Tensor) -> Tensor:
    """Return the gradient (N, C, H, W) of one chosen feature (N,) per picture; 0 where it does not count (N,)."""
    seeds: dict[int, Tensor] = {}
    for picture, (feature, count) in enumerate(zip(chosen.tolist(), counts.tolist(), strict=True)):
        if count:
            layer, channel = int(learnt.tensors["layer"][feature]), int(learnt.tensors["channel"][feature])
            seeds.setdefault(layer, torch.zeros_like(outputs[layer]))
            seeds[layer][picture, channel] = outputs[layer][picture, channel].detach()
    if not seeds:
        return torch.zeros_like(images)
    (gradient,) = torch.autograd.grad(
        [outputs[layer] for layer in seeds], images, list(seeds.values()), retain_graph=True
    )
    return gradient
