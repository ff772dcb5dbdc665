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
from difflib import get_close_matches
from typing import ClassVar, Literal, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from siam.drawing.colours import CROWD
from siam.models.baseline import Baseline
from siam.models.siam import SIAM
from siam.runtime.devices import device_of

Network = SIAM | Baseline
Target = Callable[[Network, Tensor], Tensor]  # (model, images (N, 3, H, W)) -> (N,), each from its own picture only
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
        learner: module that first fits it to a network (`siam.explainers.fitting`); "" if it needs no fitting.
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

    def passes(self, model: Network, height: int, width: int) -> int:
        """Return the most forward passes that one picture of height x width px can take; a gradient costs one more."""
        ...

    def __call__(self, model: Network, images: Tensor, target: Target, progress: Progress = ...) -> Tensor:
        """Return attribution maps (N, h, w), float32, on the model's device; h x w is the method's own resolution.

        Args:
            model: the network, on any device; it is left as it was.
            images: pictures (N, 3, H, W), normalised.
            target: what to explain.
            progress: if the explainer is slow, called with the passes done, from 0 on, and their total.

        Raises:
            ValueError: the images have the wrong shape, or the method is not defined for this model or target.
        """
        ...


def quiet(done: int, of: int) -> None:
    """Report no progress."""


@dataclass(frozen=True)
class _Score:
    sign: int

    def __call__(self, model: Network, images: Tensor) -> Tensor:
        return self.sign * model(images).scenicness


@dataclass(frozen=True)
class _Attribute:
    index: int

    def __call__(self, model: Network, images: Tensor) -> Tensor:
        if not isinstance(model, SIAM):
            raise ValueError("only a SIAM has attributes, and this is a baseline: explain its score instead")
        count = len(model.config.attributes)
        if not 0 <= self.index < count:
            raise ValueError(f"there is no attribute {self.index}: this network has {count}, numbered from 0")
        return model(images).attribute_logits[:, self.index]


def score_up() -> Target:
    """Return the target scenicness (N,), in points of the rating scale; all targets are hashable values."""
    return _Score(1)


def score_down() -> Target:
    """Return the target −scenicness (N,): whatever raises it lowers the score."""
    return _Score(-1)


def attribute(index: int) -> Target:
    """Return the target "presence of attribute `index`" (N,): its logit, the mean of its map, before tanh or sigmoid.

    Calling the target raises a `ValueError` if the model is a baseline or has no such attribute.
    """
    return _Attribute(index)


@dataclass(frozen=True)
class _Output:
    index: int

    def __call__(self, model: nn.Module, images: Tensor) -> Tensor:
        outputs = model(images)
        if not isinstance(outputs, Tensor) or outputs.ndim != 2:
            raise ValueError(f"a {type(model).__name__} does not return outputs (N, K): explain its score instead")
        if not 0 <= self.index < outputs.shape[1]:
            raise ValueError(f"there is no output {self.index}: this network has {outputs.shape[1]}, numbered from 0")
        return outputs[:, self.index]


def output(index: int) -> Target:
    """Return the target "output `index`" (N,) of a network with several outputs (N, K), such as class logits.

    Calling the target raises a `ValueError` if the network does not return outputs (N, K) or has no such output.
    """
    return _Output(index)


@contextmanager
def untouched(model: nn.Module) -> Iterator[None]:
    """Put the model in evaluation mode with frozen parameters for the body, and restore everything afterwards.

    Restored, even after an exception, are training flags, `requires_grad`, `.grad`, hooks (those added are removed),
    buffers, and the states of PyTorch's random number generators (CPU, and the model's CUDA device). In the body
    gradients are enabled, even if the caller is in `torch.no_grad()` or `torch.inference_mode()`.
    """
    restore = _recorded(model)
    device = device_of(model)
    generators = (
        [torch.cuda.current_device() if device.index is None else device.index] if device.type == "cuda" else []
    )
    try:
        with torch.random.fork_rng(generators), torch.inference_mode(False), torch.enable_grad():
            if any(module.training for module in model.modules()):
                model.eval()
            for parameter in model.parameters():
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
    hooks = [(table, dict(table)) for table in tables if table]

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
            if table:
                table.clear()
        for table, entries in hooks:
            table.update(entries)
        with torch.no_grad():
            for buffer, values in buffers:
                if not torch.equal(buffer, values):
                    buffer.copy_(values)

    return restore


def _own(modules: Sequence[nn.Module], kind: str) -> list[Tensor]:
    """Return the tensors of one kind, "_parameters" or "_buffers", each once."""
    tensors = [tensor for module in modules for tensor in module.__dict__[kind].values() if tensor is not None]
    return list({id(tensor): tensor for tensor in tensors}.values())


def prepared(model: nn.Module, images: Tensor) -> Tensor:
    """Return a copy of the images (N, 3, H, W) on the model's device, without gradient: call it inside `untouched`.

    Raises:
        ValueError: the images have another shape, or there are none.
    """
    if images.ndim != 4 or images.shape[1] != 3 or 0 in images.shape:
        raise ValueError(
            f"the images have shape {tuple(images.shape)}; expected (N, 3, H, W) with at least one picture"
        )
    return images.detach().to(device_of(model), torch.float32, copy=True)


def layers_and_gradients(
    model: Network, images: Tensor, target: Target, layers: Sequence[str]
) -> list[tuple[Tensor, Tensor]]:
    """Return each layer's output A (N, C, h, w) and d target / dA of the same shape: call it inside `untouched`.

    This takes one forward pass, and one backward pass down to the first of the layers. If "backbone" is the only layer,
    an engine may compute the forward pass.

    Args:
        model: the network, frozen.
        images: pictures (N, 3, H, W), as `prepared` returns them, without gradient.
        target: what to explain; it must run the model once.
        layers: dotted names of modules whose output is a map; "backbone" gives the last feature map.

    Raises:
        ValueError: the model has no such module, or the target did not run it exactly once.
    """
    seen: dict[str, list[Tensor]] = {name: [] for name in layers}

    def keep(name: str) -> Callable[[nn.Module, object, Tensor], Tensor]:
        def hook(_module: nn.Module, _inputs: object, output: Tensor) -> Tensor:
            seen[name].append(output if output.requires_grad else output.detach().requires_grad_())
            return seen[name][-1].clone()  # later modules may work in place

        return hook

    handles = [module_of(model, name).register_forward_hook(keep(name)) for name in layers]
    try:
        score = target(model, images)  # (N,)
    finally:
        for handle in handles:
            handle.remove()
    for name, outputs in seen.items():
        if len(outputs) != 1:
            raise ValueError(f"the target ran the layer {name!r} {len(outputs)} times; expected once")
    outputs = [seen[name][0] for name in layers]
    # Pictures are independent, so the gradient of the sum contains each picture's own.
    gradients = torch.autograd.grad(score.sum(), outputs)
    return [(output.detach(), gradient) for output, gradient in zip(outputs, gradients, strict=True)]


def module_of(model: nn.Module, name: str) -> nn.Module:
    """Return the module of that dotted name; raise a `ValueError` if there is none."""
    try:
        return model.get_submodule(name)
    except AttributeError:
        near = get_close_matches(name, dict(model.named_modules()), n=3)
        raise ValueError(f"the model has no layer {name!r}; names like it: {', '.join(near) or 'none'}") from None


def enlarged(maps: Tensor, height: int, width: int) -> Tensor:
    """Return maps (…, h, w) at height x width, bilinear, corners not aligned."""
    flat = maps.reshape(1, -1, *maps.shape[-2:])
    return F.interpolate(flat, (height, width), mode="bilinear").reshape(*maps.shape[:-2], height, width)


def to_unit(maps: Tensor) -> Tensor:
    """Return maps (…, h, w), each scaled from its own lowest and highest value to 0 and 1; constant ones become 0."""
    low, high = maps.amin(dim=(-2, -1), keepdim=True), maps.amax(dim=(-2, -1), keepdim=True)
    return torch.where(high > low, (maps - low) / (high - low), 0)
