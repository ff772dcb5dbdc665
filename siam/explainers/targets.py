"""What explainers explain: one number that a network gives for a picture.

A target is any function (model, images (N, C, H, W)) -> (N,), each number from its own picture only. Those made here
are hashable values: two calls with the same arguments give equal targets.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

import torch
from torch import Tensor

from siam.explainers.base import Model, Target
from siam.models.siam import SIAM


@dataclass(frozen=True, repr=False)
class _Number:
    sign: int

    def __call__(self, model: Model, images: Tensor) -> Tensor:
        values = outputs(model, images)
        if values.shape[1] != 1:
            raise ValueError(
                f"the network gives {values.shape[1]} numbers for a picture: choose one of output(0) … "
                f"output({values.shape[1] - 1})"
            )
        return self.sign * values[:, 0]

    def __repr__(self) -> str:
        return "output()" if self.sign > 0 else "score_down()"


@dataclass(frozen=True, repr=False)
class _Output:
    index: int

    def __call__(self, model: Model, images: Tensor) -> Tensor:
        return _chosen(outputs(model, images), self.index)

    def __repr__(self) -> str:
        return f"output({self.index})"


@dataclass(frozen=True, repr=False)
class Probability:
    """The target of `probability`."""

    index: int

    def __call__(self, model: Model, images: Tensor) -> Tensor:
        """Return probabilities (N,)."""
        values = outputs(model, images)
        return _chosen(values.sigmoid() if values.shape[1] == 1 else values.softmax(dim=1), self.index)

    def __repr__(self) -> str:
        return f"probability({self.index})"


@dataclass(frozen=True, repr=False)
class _Attribute:
    which: int | str

    def __call__(self, model: Model, images: Tensor) -> Tensor:
        if not isinstance(model, SIAM):
            raise ValueError(
                f"only a SIAM has attributes, and this is a {_kind(model)}: explain its score or one of its outputs"
            )
        return model(images).attribute_logits[:, self._index(model.config.attributes)]

    def _index(self, names: tuple[str, ...]) -> int:
        if isinstance(self.which, str):
            if self.which not in names:
                near = get_close_matches(self.which, names, n=3)
                raise ValueError(f"there is no attribute {self.which!r}; names like it: {', '.join(near) or 'none'}")
            return names.index(self.which)
        if not 0 <= self.which < len(names):
            raise ValueError(f"there is no attribute {self.which}: this network has {len(names)}, numbered from 0")
        return self.which

    def __repr__(self) -> str:
        return f"attribute({self.which!r})"


def score_up() -> Target:
    """Return the target y (N,), the only number of a network: of a SIAM or a baseline its score, in points."""
    return _Number(1)


def score_down() -> Target:
    """Return the target −y (N,): whatever raises it lowers the network's only number."""
    return _Number(-1)


def output(index: int | None = None) -> Target:
    """Return the target "output `index`" (N,), such as a class's logit; without an index, the network's only output.

    Of a network that gives a map for each class (N, K, h, w), as for segmentation, it is the mean over the map.

    Calling the target raises a `ValueError` if the network has no such output, or several and no index was given.
    """
    return _Number(1) if index is None else _Output(index)


def probability(index: int) -> Target:
    """Return the target "probability of class `index`" (N,): the softmax of a classifier's outputs.

    Of a single output it is the sigmoid. Calling the target raises a `ValueError` if there is no such class.
    """
    return Probability(index)


def attribute(which: int | str) -> Target:
    """Return the target "presence of an attribute" (N,): its logit, the mean of its map, before tanh or sigmoid.

    Calling the target raises a `ValueError` if the model is not a SIAM or has no such attribute.

    Args:
        which: the attribute's name or number.
    """
    return _Attribute(which)


def outputs(model: Model, images: Tensor) -> Tensor:
    """Return a network's numbers (N, K) for images (N, C, H, W).

    Understood are tensors (N,), (N, K), maps (N, K, h, w), of which the means count, a SIAM's or a baseline's output,
    of which the score counts, and objects or dictionaries with "logits" or "out".

    Raises:
        ValueError: the network returns something else.
    """
    returned: Any = model(images)
    values = returned
    for name in ("scenicness", "logits", "out"):
        values = values.get(name, values) if isinstance(values, Mapping) else getattr(values, name, values)
    if isinstance(values, Tensor) and values.ndim == 4:
        values = values.mean(dim=(2, 3))
    if isinstance(values, Tensor) and values.ndim == 1:
        values = values[:, None]
    if not isinstance(values, Tensor) or values.ndim != 2 or len(values) != len(images):
        shape = tuple(returned.shape) if isinstance(returned, Tensor) else type(returned).__name__
        raise ValueError(
            f"the network returns {shape} for {len(images)} pictures; expected outputs (N,), (N, K) or (N, K, h, w): "
            "give a function (model, images) -> (N,) as the target"
        )
    return values if torch.is_floating_point(values) else values.float()


def _chosen(values: Tensor, index: int) -> Tensor:
    if not 0 <= index < values.shape[1]:
        raise ValueError(f"there is no output {index}: this network has {values.shape[1]}, numbered from 0")
    return values[:, index]


def _kind(model: Model) -> str:
    return getattr(model, "__name__", type(model).__name__)
