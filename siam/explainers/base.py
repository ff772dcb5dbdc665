"""The contract of all explainers, and the steps that several of them share.

An explainer shows where in a picture a network found what moves one number, its *target*. It promises:

1. It is a frozen dataclass, its settings are its fields, and calling it returns maps (N, h, w): see `Explainer`.
2. It leaves the model as it was, even if it fails or is cancelled: see `untouched`.
3. Pictures do not influence each other: a batch of two gives what two batches of one give, up to rounding.
4. The same call gives the same maps: anything random comes from a field `seed` and a generator of its own.
5. It works on the model's device and leaves the maps there; the images may be on any device.
6. Slow explainers report to `progress`; an exception from it ends the work and reaches the caller.

Axes: N pictures, C channels of a layer, H W picture, h w map. A model serves one explainer at a time: threads that
share a model need a lock.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from typing import Any, ClassVar, Literal, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from siam.drawing.colours import CROWD
from siam.models.baseline import Baseline
from siam.models.siam import SIAM
from siam.runtime.devices import device_of

Model = nn.Module | Callable[[Tensor], Any]  # takes images (N, C, H, W); what it returns is for the target to read
Target = Callable[[Any, Tensor], Tensor]  # (model, images (N, C, H, W)) -> (N,), each from its own picture only
Progress = Callable[[int, int], None]  # (passes done, total passes); may raise, which ends the work
Kind = Literal["exact", "features", "gradient", "perturbation"]
Networks = Literal["all", "siam", "baseline"]
_HOOKS = (
    "_forward_hooks",
    "_forward_hooks_with_kwargs",
    "_forward_hooks_always_called",
    "_forward_pre_hooks",
    "_forward_pre_hooks_with_kwargs",
    "_backward_hooks",
    "_backward_pre_hooks",
)


@dataclass(frozen=True)
class Description:
    """How pages describe a method, how figures draw it, and what it needs.

    Attributes:
        title: the method's name in print.
        paper: a short reference: authors and year.
        link: the paper's address, or "".
        idea: how it works, in one sentence.
        colour: colour of its curves, visible on light and dark pages and distinct from the green and magenta of signs.
        dash: line style of its curves; no two methods share colour and dash, and neighbours also differ in dash.
        networks: which networks it can explain.
        learner: module that first fits it to a network (`siam.explainers.fitting`); "" if it needs no fitting. With
            a function `fit_to`, also to one that is not a baseline.
        pattern: what its maps show if they cannot tell raising from lowering; "" if they can.
    """

    title: str
    paper: str
    link: str
    idea: str
    colour: str = CROWD
    dash: str = "solid"
    networks: Networks = "all"
    learner: str = ""
    pattern: str = ""


class Explainer(Protocol):
    """The interface of every class in `EXPLAINERS`.

    Attributes:
        kind: "exact": from the network's own terms, which add up to the score minus its bias; "features": from a
            layer's output alone, whatever the target; "gradient": from derivatives of the target; "perturbation": from
            the target of altered pictures.
        signed: True: positive cells raise the target, negative ones lower it. False: no cell is below 0.
        slow: whether it reports to `progress`, as all methods do that take more than a few passes.
        description: the method's description, for pages and figures.
    """

    kind: ClassVar[Kind]
    signed: ClassVar[bool]
    slow: ClassVar[bool]
    description: ClassVar[Description]

    def passes(self, model: Model, height: int, width: int) -> int:
        """Return the most forward passes that one picture of height x width px can take; a gradient costs one more."""
        ...

    def __call__(self, model: Model, images: Tensor, target: Target, progress: Progress = ...) -> Tensor:
        """Return attribution maps (N, h, w), float32, on the model's device; h x w is the method's own resolution.

        Args:
            model: the network, on any device; it is left as it was.
            images: pictures (N, C, H, W), normalised as the model expects.
            target: what to explain.
            progress: if the explainer is slow, called with the passes done, from 0 on, and their total.

        Raises:
            ValueError: the images have the wrong shape, or the method is not defined for this model or target.
        """
        ...


def quiet(done: int, of: int) -> None:
    """Report no progress."""


@contextmanager
def untouched(model: Model) -> Iterator[None]:
    """Put the model in evaluation mode with frozen parameters for the body, and restore everything afterwards.

    Restored, even after an exception, are training flags, `requires_grad`, `.grad`, hooks (those added are removed),
    buffers, and the states of PyTorch's random number generators (CPU, and the model's CUDA device). In the body
    gradients are enabled, even if the caller is in `torch.no_grad()` or `torch.inference_mode()`.
    """
    network = model if isinstance(model, nn.Module) else nn.Module()  # a function has no state that is known
    restore = _recorded(network)
    device = device_of(network)
    generators = (
        [torch.cuda.current_device() if device.index is None else device.index] if device.type == "cuda" else []
    )
    try:
        with torch.random.fork_rng(generators), torch.inference_mode(False), torch.enable_grad():
            for module in network.modules():
                if module.training:
                    module.training = False  # eval() would do the same, but exported programs refuse it
            for parameter in network.parameters():
                if parameter.requires_grad:
                    parameter.requires_grad_(False)
                if parameter.grad is not None:
                    parameter.grad = None  # so that nothing accumulates in the existing one
            yield
    finally:
        restore()


def _recorded(model: nn.Module) -> Callable[[], None]:
    """Return a function that restores the model's present state: flags, gradients, hooks and buffers.

    It writes only what has changed, since writing to modules takes longer than all else.
    """
    modules = list(model.modules())
    training = [(module, module.training) for module in modules]
    parameters = [(parameter, parameter.requires_grad, parameter.grad) for parameter in _own(modules, "_parameters")]
    buffers = [(buffer, buffer.clone()) for buffer in _own(modules, "_buffers")]
    tables = [module.__dict__[name] for module in modules for name in _HOOKS]
    hooks = {id(table): set(table) for table in tables if table}

    def restore() -> None:
        for module, flag in training:
            if module.training != flag:
                module.training = flag
        for parameter, flag, gradient in parameters:
            if parameter.requires_grad != flag:
                parameter.requires_grad_(flag)
            if parameter.grad is not gradient:
                parameter.grad = gradient
        for table in tables:
            for added in set(table) - hooks.get(id(table), set()) if table else ():
                del table[added]  # those that their owner has removed meanwhile stay away
        with torch.no_grad():
            for buffer, values in buffers:
                if not torch.equal(buffer, values):
                    buffer.copy_(values)

    return restore


def _own(modules: Sequence[nn.Module], kind: str) -> list[Tensor]:
    """Return the tensors of one kind, "_parameters" or "_buffers", each once."""
    tensors = [tensor for module in modules for tensor in module.__dict__[kind].values() if tensor is not None]
    return list({id(tensor): tensor for tensor in tensors}.values())


def prepared(model: Model, images: Tensor) -> Tensor:
    """Return a copy of the images (N, C, H, W) on the model's device, without gradient: call it inside `untouched`.

    They get the number format of the model's parameters, single precision if it has none.

    Raises:
        ValueError: the images have another shape, or there are none.
    """
    channels = (3,) if isinstance(model, (SIAM, Baseline)) else (1, 2, 3, 4)
    if images.ndim != 4 or images.shape[1] not in channels or 0 in images.shape:
        expected = "3" if len(channels) == 1 else "1 to 4"
        raise ValueError(
            f"the images have shape {tuple(images.shape)}; expected (N, {expected}, H, W) with at least one picture"
        )
    tensors = chain(model.parameters(), model.buffers()) if isinstance(model, nn.Module) else ()
    first = next((tensor for tensor in tensors if tensor.is_floating_point()), None)
    if first is None:
        return images.detach().to(torch.float32, copy=True)
    return images.detach().to(first.device, first.dtype, copy=True)


def values_of(target: Target, model: Model, images: Tensor) -> Tensor:
    """Return the target (N,) of images (N, C, H, W); raise a ValueError if it gives something else."""
    values = target(model, images)
    if not isinstance(values, Tensor) or values.shape != (len(images),):
        came = tuple(values.shape) if isinstance(values, Tensor) else type(values).__name__
        raise ValueError(f"the target {target!r} gives {came} for {len(images)} pictures; expected ({len(images)},)")
    return values


def enlarged(maps: Tensor, height: int, width: int) -> Tensor:
    """Return maps (…, h, w) at height x width, bilinear, corners not aligned."""
    flat = maps.reshape(1, -1, *maps.shape[-2:])
    return F.interpolate(flat, (height, width), mode="bilinear").reshape(*maps.shape[:-2], height, width)


def to_unit(maps: Tensor) -> Tensor:
    """Return maps (…, h, w), each scaled from its own lowest and highest value to 0 and 1; constant ones become 0."""
    low, high = maps.amin(dim=(-2, -1), keepdim=True), maps.amax(dim=(-2, -1), keepdim=True)
    return torch.where(high > low, (maps - low) / (high - low), 0)
