"""Which layers of a network give maps, and how their outputs become maps.

A network runs once on a picture while all its modules are watched. A layer counts if its output is, for each picture,
a map of more than one cell:

- (N, C, h, w), with the picture's proportions, as in ConvNets;
- (N, h, w, C), as in timm's Swin;
- (N, L, C): the tokens of a transformer, L = h w after a few that stand for no place, such as the class token. The
  h x w cells are those of an earlier map, usually that of the patch embedding.

Left out are layers that run several times, adaptive pooling, dropout, softmax and `nn.Identity`; the picture itself;
and what lies within a block that halves the resolution, before it does so.

Two choices follow from the papers:

- The *last* layer, for CAM and its kin: the last one at the coarsest resolution, which is the last map before pooling.
  Where a class token alone is read, the last layers pass nothing on from other tokens: then it is the last layer as
  wide as the tokens whose map the target depends on, usually the normalisation before the last attention.
- The *blocks*, for SISE: at each resolution the last layer, from fine to coarse.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from math import inf, log
from typing import Any
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn

from siam.explainers.base import Model, Target, prepared, untouched, values_of
from siam.models.baseline import Baseline
from siam.models.engine import features as last_features
from siam.models.flowers import FlowerNetwork
from siam.models.siam import SIAM

Reshape = Callable[[Tensor], Tensor]  # a layer's output -> maps (N, C, h, w); it only rearranges, so gradients follow

_NO_MAPS = (
    nn.AdaptiveAvgPool2d,
    nn.AdaptiveMaxPool2d,
    nn.Dropout,
    nn.Dropout2d,
    nn.Softmax,
    nn.Identity,
)
_ALIKE = 0.35  # |log| of the ratio between a map's and a picture's proportions, at most
_MOST_PREFIX = 16  # tokens that stand for no place
_PREFIXES = 0, 1, 2, 4, 5  # the usual numbers of them, if no earlier map tells
_BLOCK = 2.5  # a block halves the resolution: more than that is a whole network or a stem
_SIDE = 224  # px of a picture, if a network does not say what it expects


@dataclass(frozen=True)
class Form:
    """How a layer's output becomes maps (N, C, h, w).

    Attributes:
        layout: "NCHW", "NHWC" or "tokens" (N, prefix + h w, C).
        height: h.
        width: w.
        prefix: tokens before those of places.
    """

    layout: str
    height: int
    width: int
    prefix: int = 0

    def __call__(self, output: Tensor) -> Tensor:
        """Rearrange an output, or its gradient."""
        if self.layout == "NCHW":
            return output
        if self.layout == "NHWC":
            return output.permute(0, 3, 1, 2)
        return output[:, self.prefix :].transpose(1, 2).unflatten(2, (self.height, self.width))


@dataclass(frozen=True)
class Layer:
    """A layer whose output is a map.

    Attributes:
        name: its dotted name in the network.
        kind: the class of its module.
        channels: C.
        height: h of the map, in cells.
        width: w.
        tokens: whether the cells are tokens.
    """

    name: str
    kind: str
    channels: int
    height: int
    width: int
    tokens: bool = False


@dataclass(frozen=True, eq=False)
class Place:
    """A layer and how its output becomes maps."""

    name: str
    maps: Reshape


def layers(model: nn.Module, images: Tensor | None = None) -> tuple[Layer, ...]:
    """Return the layers that give maps, in the order in which they run; any of them can be given as `layer=`.

    Args:
        model: any network that takes pictures.
        images: pictures (N, C, H, W) of the size that the network expects; by default grey, of the size that timm and
            torchvision state for it, or 224 px.

    Raises:
        ValueError: the network does not take such pictures.

    Example:
        >>> from torch import nn
        >>> from siam.explainers import layers
        >>> network = nn.Sequential(nn.Conv2d(3, 8, 3, 2), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten())
        >>> layers(network)[-1]
        Layer(name='1', kind='ReLU', channels=8, height=111, width=111, tokens=False)
    """
    with untouched(model):
        seen = _seen(model, prepared(model, _example(model) if images is None else images))
    return tuple(
        Layer(each.name, each.kind, each.channels, each.form.height, each.form.width, each.form.layout == "tokens")
        for each in seen.usable
    )


def last_layer(
    model: Model, images: Tensor, target: Target, layer: str | None = None, reshape: Reshape | None = None
) -> Place:
    """Return the layer that methods like Grad-CAM look at: call it inside `untouched`.

    Args:
        model: the network, frozen.
        images: as `prepared` returns them.
        target: what to explain.
        layer: the layer's dotted name, if it is chosen.
        reshape: how that layer's output becomes maps (N, C, h, w), if it is not to be guessed.

    Raises:
        ValueError: there is no such layer, or its output is not a map.
    """
    network = _network(model)
    if layer is None and reshape is not None:
        raise ValueError("reshape was given without a layer: name the layer, too")
    if layer is not None and reshape is not None:
        _module_of(network, layer, ())
        return Place(layer, reshape)
    if layer in (None, "backbone") and isinstance(network, (SIAM, Baseline, FlowerNetwork)):
        return Place("backbone", _as_it_is)
    seen = _seen(network, images)
    if layer is not None:
        return _named(network, seen, layer)
    return _last(network, images, target, seen)


def block_layers(
    model: Model, images: Tensor, target: Target, names: Sequence[str] | None = None, reshape: Reshape | None = None
) -> list[Place]:
    """Return the last layer at each resolution, from fine to coarse: call it inside `untouched`.

    Args:
        model: the network, frozen.
        images: as `prepared` returns them.
        target: what to explain.
        names: the layers' dotted names, if they are chosen.
        reshape: how the outputs of those layers become maps (N, C, h, w), if it is not to be guessed.

    Raises:
        ValueError: there is no such layer, or its output is not a map.
    """
    if names is not None:
        return [last_layer(model, images, target, name, reshape) for name in names]
    last = last_layer(model, images, target, reshape=reshape)
    seen = _seen(_network(model), images)
    return [*(Place(each.name, each.form) for each in seen.finer(last.name)), last]


def channels_of(model: Model, height: int, width: int, blocks: bool = False) -> int:
    """Return the channels of the last layer, or of all blocks together, for pictures of height x width px."""
    if not isinstance(model, nn.Module):
        return 0
    with untouched(model):
        seen = _seen(model, prepared(model, example(model, height, width)))
    last = _last_of(model, seen)
    finer = seen.finer(last.name) if blocks and last else []
    return sum(each.channels for each in [*finer, *([last] if last else [])])


def example(model: Model, height: int, width: int) -> Tensor:
    """Return a grey picture (1, C, H, W) with as many channels as the model takes."""
    return torch.zeros(1, _channels(model), height, width)


@torch.no_grad()
def maps_of(model: Model, images: Tensor, place: Place) -> Tensor:
    """Return a layer's maps (N, C, h, w) of images (N, C, H, W), without gradients.

    Raises:
        ValueError: the layer does not run exactly once.
    """
    if place.name == "backbone" and isinstance(model, (SIAM, Baseline, FlowerNetwork)):
        return last_features(model, images)
    kept: list[Tensor] = []
    module = _network(model).get_submodule(place.name)
    handle = module.register_forward_hook(lambda _module, _inputs, output: kept.append(output.clone()))
    try:
        model(images)
    finally:
        handle.remove()
    if len(kept) != 1:
        raise ValueError(f"the network ran the layer {place.name!r} {len(kept)} times; expected once")
    return checked_maps(place, kept[0], len(images))


def through_masks(place: Place, output: Tensor, masks: Tensor) -> Tensor:
    """Return a layer's output with its maps multiplied by masks (N, h, w), in the layout that the output has.

    What belongs to no place, such as a class token, stays as it is.

    Args:
        place: the layer.
        output: what it gave for N pictures.
        masks: for each picture; gradients flow back to them.

    Raises:
        ValueError: what makes maps of the output does more than rearrange it.
    """
    numbers = torch.arange(output.numel(), device=output.device).view_as(output)
    places = place.maps(numbers).long()  # (N, C, h, w): where in the output each number of the maps is from
    if not torch.equal(output.detach().flatten()[places.clamp(0, output.numel() - 1)], place.maps(output.detach())):
        raise ValueError(f"reshape changes the numbers of the layer {place.name!r}: let it only rearrange them")
    factors = output.new_ones(output.numel())
    factors = factors.index_put((places.flatten(),), masks[:, None].expand_as(places).flatten().to(output))
    return output * factors.view_as(output)


def forms_of(model: nn.Module, images: Tensor, kinds: tuple[type[nn.Module], ...]) -> dict[str, Form]:
    """Return how the outputs of all modules of some kinds become maps, in the order in which they run.

    The keys are the modules' dotted names. A module that runs several times, as torchvision's ResNets use one ReLU in a
    block, has an entry NAME@1, NAME@2, … for each run. Call it inside `untouched`.

    Args:
        model: the network, frozen.
        images: as `prepared` returns them.
        kinds: classes of modules.
    """
    return {
        f"{each.name}@{each.run}" if each.run else each.name: each.form
        for each in _seen(model, images).every
        if each.cells > 1 and isinstance(model.get_submodule(each.name), kinds)
    }


def layers_and_gradients(
    model: Model, images: Tensor, target: Target, places: Sequence[Place]
) -> list[tuple[Tensor, Tensor]]:
    """Return each layer's maps A (N, C, h, w) and d target / dA of the same shape: call it inside `untouched`.

    This takes one forward pass, and one backward pass down to the first of the layers. If "backbone" is the only layer,
    an engine may compute the forward pass.

    Args:
        model: the network, frozen.
        images: pictures (N, C, H, W), as `prepared` returns them, without gradient.
        target: what to explain; it must run the model once.
        places: layers, as `last_layer` and `block_layers` give them.

    Raises:
        ValueError: the target did not run a layer exactly once, or does not depend on it.
    """
    seen: dict[str, list[Tensor]] = {place.name: [] for place in places}

    def keep(name: str) -> Callable[[nn.Module, object, Tensor], Tensor]:
        def hook(_module: nn.Module, _inputs: object, output: Tensor) -> Tensor:
            seen[name].append(output if output.requires_grad else output.detach().requires_grad_())
            return seen[name][-1].clone()  # later modules may work in place

        return hook

    network = _network(model)
    handles = [network.get_submodule(place.name).register_forward_hook(keep(place.name)) for place in places]
    try:
        values = values_of(target, model, images)  # (N,)
    finally:
        for handle in handles:
            handle.remove()
    for name, found in seen.items():
        if len(found) != 1:
            raise ValueError(f"the target ran the layer {name!r} {len(found)} times; expected once")
    kept = [seen[place.name][0] for place in places]
    if not values.requires_grad:
        raise ValueError("the target does not depend on that layer, or has no gradient: choose another")
    # Pictures are independent, so the gradient of the sum contains each picture's own.
    gradients = torch.autograd.grad(values.sum(), kept, allow_unused=True)
    return [
        (
            checked_maps(place, output.detach(), len(images)),
            place.maps(torch.zeros_like(output) if gradient is None else gradient),
        )
        for place, output, gradient in zip(places, kept, gradients, strict=True)
    ]


def checked_maps(place: Place, output: Tensor, count: int) -> Tensor:
    """Return the maps (N, C, h, w) of a layer's output; raise a ValueError if they have another shape."""
    maps = place.maps(output)
    if maps.ndim != 4 or len(maps) != count:
        raise ValueError(
            f"the layer {place.name!r} gives {tuple(output.shape)}, made into {tuple(maps.shape)}; expected maps "
            f"({count}, C, h, w): give another layer or reshape"
        )
    return maps.float()


# What a network's modules give


@dataclass(frozen=True, eq=False)
class _Output:
    """What one module gave for one picture."""

    name: str
    kind: str
    channels: int
    form: Form
    usable: bool
    run: int = 0  # of a module that runs several times, from 1 on

    @property
    def cells(self) -> int:
        return self.form.height * self.form.width


@dataclass(frozen=True, eq=False)
class _Seen:
    """What all modules of a network gave, in the order in which they ended.

    Attributes:
        modules: of the network, to notice that some were replaced.
        every: all that can be read as maps.
    """

    modules: list[nn.Module]
    every: list[_Output]

    @property
    def outputs(self) -> list[_Output]:
        return [each for each in self.every if not each.run]

    @property
    def usable(self) -> list[_Output]:
        return [each for each in self.outputs if each.usable]

    def finer(self, last: str) -> list[_Output]:
        """Return the last usable output at each resolution but the coarsest, from fine to coarse.

        Args:
            last: name of the last layer, which may join maps of several resolutions.
        """
        coarsest = min((each.cells for each in self.usable), default=0)
        by_size = {each.cells: each for each in self.usable if each.name != last and each.cells > coarsest}
        return [by_size[cells] for cells in sorted(by_size, reverse=True)]


_KNOWN: "WeakKeyDictionary[nn.Module, dict[tuple[int, ...], _Seen]]" = WeakKeyDictionary()


def _seen(model: nn.Module, images: Tensor) -> _Seen:
    """Return what a network's modules give for the first picture; it runs once for each size of picture."""
    modules, size = list(model.modules())[1:], tuple(images.shape[1:])
    known = _KNOWN.setdefault(model, {})
    seen = known.get(size)
    if seen is None or len(seen.modules) != len(modules) or any(map(_differs, seen.modules, modules)):
        seen = known[size] = _Seen(modules, _watched(model, images[:1]))
    return seen


def _differs(one: nn.Module, other: nn.Module) -> bool:
    return one is not other


@torch.no_grad()
def _watched(model: nn.Module, image: Tensor) -> list[_Output]:
    """Return the outputs of the modules for one picture (1, C, H, W) that can be read as maps."""
    own = isinstance(model, (SIAM, Baseline, FlowerNetwork))
    names = [name for name, _module in model.named_modules() if (name.partition(".")[0] == "backbone" if own else name)]
    runs: dict[str, int] = dict.fromkeys(names, 0)
    kept: list[_Output] = []
    sizes: dict[str, tuple[int, int]] = {}  # blocks that halve the resolution, and that of their outputs

    def watch(name: str) -> Callable[[nn.Module, tuple[Any, ...], Any], None]:
        def hook(module: nn.Module, inputs: tuple[Any, ...], output: Any) -> None:
            runs[name] += 1
            if not isinstance(output, Tensor) or not output.is_floating_point() or len(output) != 1:
                return
            form = _form(output, image, kept)
            if form is None:
                return
            channels = output.numel() // (form.height * form.width) if form.layout != "tokens" else output.shape[2]
            picture = output.shape == image.shape
            kind = type(module).__name__
            usable = form.height * form.width > 1 and not isinstance(module, _NO_MAPS) and not picture
            kept.append(_Output(name, kind, channels, form, usable, runs[name]))
            came = inputs[0] if inputs and isinstance(inputs[0], Tensor) and len(inputs[0]) == 1 else None
            before = None if came is None else _form(came, image, kept)
            if (
                before is not None
                and not isinstance(module, nn.Sequential)
                and 1 < before.height / form.height < _BLOCK
            ):
                sizes[name] = (form.height, form.width)

        return hook

    handles = [model.get_submodule(name).register_forward_hook(watch(name)) for name in names]
    try:
        model(image)
    except (RuntimeError, ValueError, TypeError, AssertionError, IndexError) as error:
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise ValueError(
            f"the network does not take pictures {tuple(image.shape)} ({reason}): give images of the size and with the "
            "channels that it expects"
        ) from error
    finally:
        for handle in handles:
            handle.remove()

    def within_a_block(each: _Output) -> bool:
        parts = each.name.split(".")
        owners = (".".join(parts[:end]) for end in range(1, len(parts)))
        return any(sizes.get(owner, size) != size for owner in owners for size in [(each.form.height, each.form.width)])

    return [
        replace(each, usable=each.usable and not within_a_block(each), run=each.run if runs[each.name] > 1 else 0)
        for each in kept
    ]


def _form(output: Tensor, image: Tensor, earlier: Sequence[_Output]) -> Form | None:
    """Return how an output (1, …) becomes a map, or None if it is none."""
    height, width = image.shape[2:]
    if output.ndim == 4:
        forms = Form("NCHW", *output.shape[2:]), Form("NHWC", *output.shape[1:3])
        nearest = min(forms, key=lambda form: _distance(form, height, width))  # with equal ones, the first
        if _distance(nearest, height, width) <= max(_ALIKE, 1 / min(nearest.height, nearest.width)):
            return nearest
    if output.ndim == 3 and output.shape[1] > 1:
        count = output.shape[1]
        for before in reversed(earlier):
            if 0 <= count - before.cells <= _MOST_PREFIX and before.cells > 1:
                return Form("tokens", before.form.height, before.form.width, count - before.cells)
        for prefix in (number for number in _PREFIXES if count > number + 1):
            h = round(((count - prefix) * height / width) ** 0.5)
            w = round(h * width / height)
            if h * w == count - prefix:
                return Form("tokens", h, w, prefix)
    return None


def _distance(form: Form, height: int, width: int) -> float:
    """Return by how much the proportions of maps differ from those of a picture; infinite if they are larger."""
    if form.height > height or form.width > width or not form.height or not form.width:
        return inf
    return abs(log(form.height / form.width) - log(height / width))


def _last_of(model: nn.Module, seen: _Seen) -> _Output | None:
    """Return the last map before pooling: that of the backbone, of a network of ours."""
    coarsest = min((each.cells for each in seen.usable), default=0)
    wanted = (
        [each for each in seen.usable if each.name == "backbone"]
        if isinstance(model, (SIAM, Baseline, FlowerNetwork))
        else [each for each in seen.usable if each.cells == coarsest]
    )
    return wanted[-1] if wanted else None


def _last(model: nn.Module, images: Tensor, target: Target, seen: _Seen) -> Place:
    last = _last_of(model, seen)
    if last is None:
        raise ValueError(
            f"the network, a {type(model).__name__}, has no layer whose output is a map: use integrated gradients, "
            "occlusion or RISE, or name a layer and give reshape"
        )
    if not last.form.prefix:
        return Place(last.name, last.form)
    alike = [each for each in seen.usable if each.cells == last.cells and each.channels == last.channels]
    places = [Place(each.name, each.form) for each in alike]
    found = layers_and_gradients(model, images[:1], target, places)
    reached = [place for place, (_maps, gradient) in zip(places, found, strict=True) if gradient.any()]
    return reached[-1] if reached else places[-1]


def _named(model: nn.Module, seen: _Seen, name: str) -> Place:
    candidates = [each.name for each in seen.usable]
    _module_of(model, name, candidates)
    for each in seen.outputs:
        if each.name == name and each.cells > 1:
            return Place(name, each.form)
    raise ValueError(
        f"the layer {name!r} gives no map, or runs several times; the last ones that do: {', '.join(candidates[-5:])}: "
        "choose one of them, or give reshape"
    )


def _module_of(model: nn.Module, name: str, candidates: Sequence[str]) -> nn.Module:
    try:
        return model.get_submodule(name)
    except AttributeError:
        near = get_close_matches(name, dict(model.named_modules()), n=3) or list(candidates[-5:])
        raise ValueError(f"the model has no layer {name!r}; names like it: {', '.join(near) or 'none'}") from None


def _network(model: Model) -> nn.Module:
    if not isinstance(model, nn.Module):
        raise ValueError(
            f"this method looks into the layers of a network, and got a {type(model).__name__}: use RISE or occlusion, "
            "which only alter pictures"
        )
    return model


def _as_it_is(output: Tensor) -> Tensor:
    return output


def _example(model: Model) -> Tensor:
    stated: Any = getattr(model, "default_cfg", None) or {}
    side = getattr(model, "image_size", None) or (stated.get("input_size") or (3, _SIDE))[-1]
    side = getattr(getattr(model, "config", None), "image_size", side)
    return example(model, *(side if isinstance(side, tuple) else (side, side)))


def _channels(model: Model) -> int:
    if isinstance(model, nn.Module):
        for module in model.modules():
            if isinstance(module, nn.Conv2d):
                return module.in_channels
    return 3
