"""SIAM's own maps: what each cell adds to the target, exactly.

::

    M[n, i, j] = sum_k  dy/dA[n, k, i, j] * A[n, k, i, j]

A are the attribute maps, y the target. The score is linear in them, y = b + sum_k <W_k, A_k>: for the score this is
the total map sum_k W_k * A_k, or with one attribute k its contribution map W_k * A_k; for the presence of attribute k
it is A_k / (h w).
D. Marcos, S. Lobry, D. Tuia, "Semantically Interpretable Activation Maps: what-where-how explanations within CNNs",
ICCV Workshops 2019, arXiv:1909.08442.
"""

from dataclasses import dataclass
from difflib import get_close_matches
from typing import ClassVar

import torch
from torch import Tensor

from siam.drawing.colours import SIAM_COLOUR
from siam.explainers.base import Description, Kind, Model, Progress, Target, prepared, quiet, untouched, values_of
from siam.models.siam import SIAM, SIAMOutput


@dataclass(frozen=True)
class SIAMMap:
    """SIAM's total map or one attribute's, at the size of the attribute maps.

    Attributes:
        attribute: name of the attribute whose cells are shown, or None for the sum of all.
    """

    kind: ClassVar[Kind] = "exact"
    signed: ClassVar[bool] = True
    slow: ClassVar[bool] = False
    description: ClassVar[Description] = Description(
        title="SIAM",
        paper="Marcos, Lobry, Tuia 2019",
        link="https://arxiv.org/abs/1909.08442",
        idea="The network's own terms: named maps, weighted by place, that add up to the score.",
        colour=SIAM_COLOUR,
        networks="siam",
    )

    attribute: str | None = None

    def passes(self, model: Model, height: int, width: int) -> int:
        """Return 1."""
        return 1

    def __call__(self, model: Model, images: Tensor, target: Target, progress: Progress = quiet) -> Tensor:
        """Return maps (N, h, w), in the target's unit; they sum to scenicness minus the bias, or to the contribution.

        Raises:
            ValueError: the model is not a SIAM, or has no such attribute.
        """
        if not isinstance(model, SIAM):
            raise ValueError(f"only a SIAM has attribute maps; this is a {type(model).__name__}: use CAM")
        chosen = self._chosen(model)
        seen: list[Tensor] = []

        def keep(_module: object, _inputs: object, output: SIAMOutput) -> None:
            seen.append(output.attribute_maps)

        with untouched(model):
            images = prepared(model, images)
            handles = [
                model.backbone.register_forward_hook(lambda _module, _inputs, output: output.requires_grad_()),
                model.register_forward_hook(keep),
            ]
            score = values_of(target, model, images)  # (N,)
            for handle in handles:
                handle.remove()
            if len(seen) != 1:
                raise ValueError(f"the target ran the model {len(seen)} times; expected once")
            (gradient,) = torch.autograd.grad(score.sum(), seen)  # (N, K, h, w)
        return (gradient * seen[0].detach())[:, chosen].sum(dim=1)  # (N, h, w)

    def _chosen(self, model: SIAM) -> slice:
        names = model.config.attributes
        if self.attribute is None:
            return slice(None)
        if self.attribute not in names:
            near = get_close_matches(self.attribute, names, n=3)
            raise ValueError(
                f"the network has no attribute {self.attribute!r}; names like it: {', '.join(near) or 'none'}"
            )
        index = names.index(self.attribute)
        return slice(index, index + 1)
