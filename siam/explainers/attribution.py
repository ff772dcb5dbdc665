"""One explainer's map of one photo, with what it cost: what the comparison and its page show."""

import time
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from siam.explainers.base import Network, Progress, Target, quiet
from siam.explainers.registry import description, explainer, names_for
from siam.models.baseline import Baseline
from siam.models.checkpoint import Pair
from siam.models.engine import PassCount
from siam.models.siam import SIAM
from siam.runtime.devices import device_of


@dataclass(frozen=True, eq=False)
class Attribution:
    """A map and what it cost.

    Attributes:
        name: the explainer's name, as `siam.explainers.explainer` takes it.
        map: (h, w) on the CPU, at the method's own resolution; positive where the target is raised.
        signed: whether the map may be negative.
        seconds: wall-clock time.
        passes: forward passes through the backbone, one for each picture.
    """

    name: str
    map: Tensor
    signed: bool
    seconds: float
    passes: int


class Networks(Protocol):
    """A SIAM and its baseline, as in a `Pair`; either may be missing."""

    # no docstrings (ruff's D102): the class describes both
    @property
    def siam(self) -> SIAM | None: ...  # noqa: D102

    @property
    def baseline(self) -> Baseline | None: ...  # noqa: D102


def network_for(networks: Networks, name: str) -> Network:
    """Return the network that an explainer explains: SIAM for SIAM's own maps, the baseline for all others.

    If that network is missing, the other one is returned.

    Raises:
        ValueError: both are missing.
    """
    both = networks.siam, networks.baseline
    first, second = both if description(name).networks == "siam" else both[::-1]
    network = second if first is None else first
    if network is None:
        raise ValueError(f"there is no network for {name!r} to explain")
    return network


def names_of(pair: Pair) -> tuple[str, ...]:
    """Return the names of the explainers that can explain a pair: "siam" first, then those for its baseline."""
    if pair.baseline is None:
        return tuple(name for name in names_for(pair.siam) if ":" not in name)
    return ("siam", *names_for(pair.baseline))


def attribute_photo(
    model: Network, image: Tensor, name: str, target: Target, progress: Progress = quiet
) -> Attribution:
    """Explain one photo and measure what it costs.

    Args:
        model: the network, as `network_for` chooses it; nothing else may use it meanwhile.
        image: one photo (1, 3, H, W), normalised.
        name: the explainer's name.
        target: what to explain.
        progress: called by slow explainers with the passes done and their total; an exception from it ends the work.

    Raises:
        ValueError: there is no such explainer, or it cannot explain this network.

    Example:
        >>> import siam
        >>> from siam.explainers import score_up
        >>> from siam.explainers.attribution import attribute_photo, network_for
        >>> from siam.images import preprocess, read_image
        >>> from siam.runtime.paths import ASSETS
        >>> model = network_for(siam.load("photo", device="cpu"), "grad_cam")
        >>> image = preprocess(read_image(ASSETS / "gallery/open-photos/images/lake-boats.jpg"), model.config)
        >>> result = attribute_photo(model, image, "grad_cam", score_up())
        >>> tuple(result.map.shape), result.passes
        ((24, 38), 1)
    """
    method = explainer(name)
    if len(image) != 1:
        raise ValueError(f"got {len(image)} photos; expected one")
    count = PassCount()
    handle = model.backbone.register_forward_hook(count)
    try:
        began = time.perf_counter()
        field = method(model, image, target, progress)[0].detach()
        if device_of(model).type == "cuda":
            torch.cuda.synchronize(device_of(model))
        seconds = time.perf_counter() - began
    finally:
        handle.remove()
    return Attribution(name, field.float().cpu(), method.signed, seconds, count.passes)
