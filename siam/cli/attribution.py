"""`attribution`: one explainer's map of one photo, for any network that scores or classifies pictures."""

import argparse
import math
import sys
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from siam.cli.arguments import add_colours, fail, progress_bar, side

if TYPE_CHECKING:
    from PIL import Image
    from torch import Tensor, nn

    from siam.explainers.attribution import Attribution
    from siam.explainers.base import Explainer, Target
    from siam.models.zoo import Loaded

_TROUBLES = (RuntimeError, ValueError, TypeError, AssertionError, LookupError)  # of other people's networks


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the command and its arguments."""
    parser = commands.add_parser(
        "attribution",
        help="draw one explainer's map of a photo, for any network",
        description="Draw one explainer's map of a photo, for any network that scores or classifies pictures. If the "
        "network takes pictures of any size, it sees the whole photo, else the largest part in the middle that has the "
        "proportions it expects. The map is drawn over what the network saw.",
    )
    parser.add_argument("image", nargs="?", type=Path, metavar="IMAGE", help="a photo; not needed for --list-layers")
    parser.add_argument(
        "--network",
        required=True,
        metavar="NETWORK",
        help="timm:NAME or torchvision:NAME; a bundled pair or a pair's folder; or a torch.export program FILE.pt2, "
        "which is code: open only one that you trust",
    )
    parser.add_argument(
        "--weights",
        metavar="FILE",
        help="for timm and torchvision: the state dict (.safetensors, .pt or .pth), or random; nothing is downloaded",
    )
    parser.add_argument("--explainer", default="grad_cam", metavar="NAME", help="default: grad_cam")
    parser.add_argument(
        "--target",
        type=_target,
        metavar="TARGET",
        help="what to explain: an output's number, probability:NUMBER, up or down (of a score), or an attribute's name "
        "(default: the score, or the class that is predicted)",
    )
    parser.add_argument(
        "--layer",
        action="append",
        metavar="NAME",
        help="layer to look at (default: found); for SISE and Ada-SISE, repeat it from shallow to deep",
    )
    parser.add_argument("--list-layers", action="store_true", help="print the layers that give maps, and stop")
    parser.add_argument(
        "--size",
        type=_size,
        metavar="PX",
        help="the short side of what the network sees, or HEIGHTxWIDTH (default: what the network states)",
    )
    for name, what in (("mean", "mean"), ("std", "standard deviation")):
        parser.add_argument(
            f"--{name}",
            nargs=3,
            type=float,
            metavar=("R", "G", "B"),
            help=f"{what} of pixels in [0, 1] by which pictures are normalised (default: what the network states)",
        )
    parser.add_argument(
        "--out", type=Path, default=Path(), metavar="DIR", help="folder for PNG and NPZ (default: the current one)"
    )
    add_colours(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Explain one photo and write the map, or list the network's layers."""
    if options.image is None and not options.list_layers:
        return fail("expected IMAGE, the photo to explain: see python -m siam attribution --help")
    if not all(map(math.isfinite, (options.mean or []) + (options.std or []))) or min(options.std or [1]) <= 0:
        return fail("--mean and --std: expected finite numbers, and each of --std above 0")
    try:
        return _run(options)
    except ValueError as error:  # a network, layer, target or explainer that does not exist or does not suit the others
        return fail(str(error))


@dataclass(frozen=True)
class _Wanted:
    """A target as the user names it: an output, a probability, up or down, or an attribute."""

    kind: str
    which: Any = None


def _target(text: str) -> _Wanted:
    if text in ("up", "down"):
        return _Wanted(text)
    kind, _, number = text.rpartition(":")
    if kind not in ("", "probability") or (kind and not number.isdecimal()):
        raise argparse.ArgumentTypeError(
            f"expected a number, probability:NUMBER, up, down or an attribute's name, not {text!r}"
        )
    if number.isdecimal():
        return _Wanted(kind or "output", int(number))
    return _Wanted("attribute", text)


def _size(text: str) -> tuple[int, int]:
    sides = [side(part) for part in text.split("x", 1)]
    return sides[0], sides[-1]


@dataclass(frozen=True, eq=False)
class _Case:
    """A network and a photo as it sees it.

    Attributes:
        model: the network.
        photo: what it sees of the photo.
        pixels: (1, 3, H, W), normalised.
        outputs: its numbers (K,).
        classes: names of its outputs, or empty.
        batch_size: the only number of pictures it takes at once, if any.
    """

    model: "nn.Module"
    photo: "Image.Image"
    pixels: "Tensor"
    outputs: "Tensor"
    classes: tuple[str, ...] = ()
    batch_size: int | None = None


def _run(options: argparse.Namespace) -> int:
    # Imported here, so that --help and argument errors need not wait for PyTorch.
    from siam.explainers import explainer
    from siam.explainers.registry import title
    from siam.runtime.files import check_folder
    from siam.runtime.memory import keep_freed_memory

    keep_freed_memory()
    explainer(options.explainer)  # a wrong name need not wait for the network
    if not options.list_layers:
        check_folder(options.out)
    case = _case(options)
    if options.list_layers:
        return _list_layers(case)
    target, label = _chosen(options.target, case)
    value = _value(case, target)
    attribution = _explained(options, case, target)
    stem = f"{options.image.stem}-{options.explainer.replace(':', '-')}"
    written = [options.out / f"{stem}.png", options.out / f"{stem}.npz"]
    for path in written:
        attribution.save(path, case.photo)
    if not attribution.map.any():
        sys.stderr.write("note: the map is 0 everywhere: try another explainer, layer or target\n")
    if options.target is None and len(case.outputs) > 1:
        sys.stdout.write(f"{options.image}: the network predicts {label}; --target chooses another\n")
    names = " and ".join(map(str, written))
    sys.stdout.write(f"{options.image}: {title(options.explainer)} of {label}, {value:.4g}: {names}\n")
    return 0


# The network and what it sees


def _case(options: argparse.Namespace) -> _Case:
    """Load the network and read the photo; without a photo, the network sees a grey one."""
    from PIL import Image

    from siam.images.reading import read_image
    from siam.models import zoo
    from siam.models.checkpoint import bundled
    from siam.runtime.devices import best_device

    photo = Image.new("RGB", (512, 512), "grey") if options.image is None else read_image(options.image)
    name = options.network
    if name in bundled() or Path(name).is_dir():
        return _case_of_pair(options, photo)
    if not name.startswith(("timm:", "torchvision:")) and not name.endswith(zoo.PROGRAM):
        raise ValueError(
            f"there is no network {name!r}: expected timm:NAME, torchvision:NAME, a bundled pair "
            f"({', '.join(bundled())}), a pair's folder, or a program FILE{zoo.PROGRAM}"
        )
    mean, std = (None if of is None else tuple(of) for of in (options.mean, options.std))
    loaded = zoo.load(name, options.weights, size=options.size, mean=mean, std=std, device=best_device())
    if options.weights == zoo.RANDOM:
        sys.stderr.write("note: the weights are random, so the map shows nothing that a network has learnt\n")
    return _case_of(loaded, photo)


def _case_of_pair(options: argparse.Namespace, photo: "Image.Image") -> _Case:
    """Return the network of a pair that the explainer explains, or SIAM if it is asked for an attribute."""
    import siam
    from siam.explainers.attribution import network_for
    from siam.images.preprocessing import preprocess

    given = [name for name in ("weights", "size", "mean", "std") if getattr(options, name) is not None]
    if given:
        raise ValueError(f"{options.network} is a pair, whose files say all about it: leave out --{given[0]}")
    pair = siam.load(options.network)
    of_attribute = options.target is not None and options.target.kind == "attribute"
    model = pair.siam if of_attribute else network_for(pair, options.explainer)
    pixels = preprocess(photo, model.config)
    return _Case(model, photo, pixels, _outputs(model, pixels))


def _case_of(loaded: "Loaded", photo: "Image.Image") -> _Case:
    """Return what a network sees of a photo: all of it, or the middle if it refuses the photo's proportions."""
    from siam.models import zoo

    reason, shape = "", ()
    for expects in dict.fromkeys((loaded.expects, replace(loaded.expects, fixed=True))):
        part, pixels = zoo.seen(photo, expects)
        try:
            outputs = _outputs(loaded.model, pixels)
        except _TROUBLES as error:
            reason, shape = _first_line(error), tuple(pixels.shape)
        else:
            return _Case(loaded.model, part, pixels, outputs, loaded.classes, loaded.batch_size)
    raise ValueError(f"the network takes no pictures {shape} ({reason}): give --size, or another network")


def _outputs(model: "nn.Module", pixels: "Tensor") -> "Tensor":
    """Return a network's numbers (K,) for a picture (1, 3, H, W)."""
    import torch

    from siam.explainers.base import prepared, untouched
    from siam.explainers.targets import outputs

    with untouched(model), torch.no_grad():
        return outputs(model, prepared(model, pixels))[0]


def _first_line(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)


def _list_layers(case: _Case) -> int:
    from siam.explainers import layers

    found = layers(case.model, case.pixels)
    if not found:
        raise ValueError("no layer of this network gives maps: use integrated_gradients, occlusion or rise")
    width = max(len(layer.name) for layer in found)
    for layer in found:
        sys.stdout.write(
            f"{layer.name:{width}}  {layer.height} x {layer.width} cells, {layer.channels} channels, {layer.kind}\n"
        )
    return 0


# The target and the map


def _chosen(wanted: _Wanted | None, case: _Case) -> "tuple[Target, str]":
    """Return the target and how to call it."""
    from siam.explainers import targets

    if wanted is None:
        wanted = _Wanted("output", int(case.outputs.argmax())) if len(case.outputs) > 1 else _Wanted("up")
    which = wanted.which
    if wanted.kind in ("up", "down"):
        up = wanted.kind == "up"
        return (targets.score_up(), "the score") if up else (targets.score_down(), "minus the score")
    if wanted.kind == "attribute":
        return targets.attribute(which), f"the attribute {which}"
    named = len(case.classes) == len(case.outputs) > which
    label = f"{wanted.kind} {which}" + (f" ({case.classes[which]})" if named else "")
    return (targets.output if wanted.kind == "output" else targets.probability)(which), label


def _value(case: _Case, target: "Target") -> float:
    """Return the target's value for the photo; raise a ValueError if it has none."""
    import torch

    from siam.explainers.base import prepared, untouched, values_of

    with untouched(case.model), torch.no_grad():
        value = float(values_of(target, case.model, prepared(case.model, case.pixels)))
    if not math.isfinite(value):
        raise ValueError(f"the network gives {value} for {target!r}: check --weights, --mean and --std")
    return value


def _method(options: argparse.Namespace, case: _Case) -> "Explainer":
    from siam.explainers import explainer

    known = {field.name for field in fields(explainer(options.explainer))}  # type: ignore[arg-type]  # all dataclasses
    settings: dict[str, Any] = {}
    if options.layer and "layers" in known:
        settings["layers"] = tuple(options.layer)
    elif options.layer:
        if len(options.layer) > 1:
            raise ValueError(f"{options.explainer} takes one layer at most, and got {len(options.layer)}")
        settings["layer"] = options.layer[0]
    if case.batch_size is not None and "batch_size" in known:
        settings["batch_size"] = case.batch_size
    return explainer(options.explainer, **settings)


def _explained(options: argparse.Namespace, case: _Case, target: "Target") -> "Attribution":
    from siam.explainers import attribute_photo

    method = _method(options, case)
    try:
        with progress_bar(options.explainer, "pass") as progress:
            return attribute_photo(case.model, case.pixels, method, target, progress)
    except ValueError:  # says by itself what to do
        raise
    except _TROUBLES as error:
        raise ValueError(
            f"{options.explainer} fails on this network ({_first_line(error)}): try occlusion or rise, which need "
            "nothing but its outputs"
        ) from error
