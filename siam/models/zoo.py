"""Networks of timm and torchvision, and exported programs, with what they expect of pictures. Nothing is downloaded.

Networks are built without weights and then filled from a state dict: a file of tensors and their names. A program
(`torch.export`, a file that ends in .pt2) brings its weights along, but is code.

A network that takes pictures of any size gets the whole photo in its own proportions. One that does not gets the
largest part, in the middle, that has the proportions it expects. Scaling is bicubic.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor, nn

from siam.errors import CheckpointError
from siam.images.preprocessing import normalise, preprocess
from siam.models.backbones import timm
from siam.runtime.reprs import brief
from siam.runtime.silence import without_warnings

PROGRAM = ".pt2"
RANDOM = "random"  # in place of a file of weights
Triple = tuple[float, float, float]
_IMAGENET = "0.485 0.456 0.406", "0.229 0.224 0.225"
_TRAINING = "aux_classifier."  # a head of torchvision's networks for segmentation that only training uses
_WRAPPERS = ("state_dict", "model_state_dict", "model")  # keys under which training programs store a state dict


@dataclass(frozen=True)
class Input:
    """What a network expects of a picture. If its size is not fixed, `preprocess` can prepare one, too.

    Attributes:
        height: in px; if the size is not fixed, the short side gets the smaller of height and width.
        width: likewise.
        mean: of each channel, for pixels in [0, 1].
        std: likewise.
        fixed: whether the network takes pictures of this size only.
        size_multiple: if the size is not fixed, both sides are rounded to multiples of it, in px.
    """

    height: int
    width: int
    mean: Triple
    std: Triple
    fixed: bool = False
    size_multiple: int = 32

    @property
    def image_size(self) -> int:
        """The short side in px."""
        return min(self.height, self.width)


@dataclass(frozen=True, eq=False)
class Loaded:
    """A network and what is known about it.

    Attributes:
        model: takes images (N, 3, H, W), in evaluation mode.
        expects: what it expects of them.
        classes: names of its outputs, or empty.
        batch_size: the only number of pictures it takes at once; None if it takes any.
    """

    model: nn.Module
    expects: Input
    classes: tuple[str, ...] = ()
    batch_size: int | None = None

    __repr__ = brief


def load(
    name: str,
    weights: str | Path | None = None,
    *,
    size: tuple[int, int] | None = None,
    mean: Triple | None = None,
    std: Triple | None = None,
    device: str | torch.device = "cpu",
) -> Loaded:
    """Load a network in evaluation mode.

    If only the number of classes differs between a state dict and the network, the network gets as many as the state
    dict has.

    Args:
        name: "timm:NAME", "torchvision:NAME" or the path of a program, which ends in .pt2 and is code: open only those
            that you trust.
        weights: a state dict, in a file that ends in .safetensors, .pt or .pth, of which nothing but tensors is read;
            or "random". None for a program.
        size: (height, width) in px; by default what timm, torchvision or the program state.
        mean: of each channel; by default what timm or torchvision state. A program does not state it.
        std: likewise.
        device: where to put the network.

    Raises:
        ValueError: there is no such network, weights are missing or given to a program, or size, mean or std is not
            known.
        CheckpointError: the file is missing or damaged, or does not fit the network.

    Example:
        >>> from siam.models import zoo
        >>> loaded = zoo.load("timm:test_resnet", "random")
        >>> loaded.expects.height, loaded.expects.fixed, len(loaded.classes)
        (160, False, 1000)
    """
    if name.endswith(PROGRAM):
        if weights is not None:
            raise ValueError(f"{name} is a program, which has its weights: leave out --weights")
        found = _program(Path(name), size, mean, std)
    else:
        maker, _, own = name.partition(":")
        if maker not in _MAKERS or not own:
            raise ValueError(f"there is no network {name!r}: expected timm:NAME, torchvision:NAME or FILE{PROGRAM}")
        build, stated, classes = _MAKERS[maker](own)
        if weights is None:
            raise ValueError(
                f"no --weights: {name} is built without weights, and none are downloaded: give its state dict "
                f"(.safetensors, .pt or .pth), or --weights {RANDOM}"
            )
        model = _filled(name, build, weights)
        height, width = size or (stated.height, stated.width)
        expects = replace(stated, height=height, width=width, mean=mean or stated.mean, std=std or stated.std)
        found = Loaded(model, expects, classes)
    return replace(found, model=found.model.to(device))


def expected_by(model: nn.Module) -> Input | None:
    """Return what a network that timm has made expects of pictures; None if it does not say."""
    own: Any = getattr(model, "pretrained_cfg", None)
    if not isinstance(own, Mapping) or not all(own.get(name) for name in ("input_size", "mean", "std")):
        return None
    _channels, height, width = own["input_size"]
    return Input(height, width, tuple(own["mean"]), tuple(own["std"]), bool(own.get("fixed_input_size")))


def seen(image: Image.Image, expects: Input) -> tuple[Image.Image, Tensor]:
    """Return the part of an RGB photo that a network sees, at the photo's resolution, and its input (1, 3, H, W)."""
    if not expects.fixed:
        return image, preprocess(image, expects)
    scale = min(image.width / expects.width, image.height / expects.height)
    width, height = max(1, round(expects.width * scale)), max(1, round(expects.height * scale))
    left, top = (image.width - width) // 2, (image.height - height) // 2
    part = image.crop((left, top, left + width, top + height))
    return part, normalise(part.resize((expects.width, expects.height), Image.Resampling.BICUBIC), expects)


# timm and torchvision

_Build = Callable[[int | None], nn.Module]  # number of classes -> the network; None: as many as it usually has


def _of_timm(name: str) -> tuple[_Build, Input, tuple[str, ...]]:
    from timm.data.imagenet_info import ImageNetInfo, infer_imagenet_subset

    if not timm.is_model(name):
        raise ValueError(_unknown("timm", name, timm.list_models()))
    stated: Any = timm.get_pretrained_cfg(name)
    _channels, height, width = stated.input_size

    def build(classes: int | None) -> nn.Module:
        return timm.create_model(name, pretrained=False, num_classes=stated.num_classes if classes is None else classes)

    probe: Any = type("Classes", (), {"num_classes": stated.num_classes, "pretrained_cfg": stated.to_dict()})()
    subset = infer_imagenet_subset(probe)
    names = ImageNetInfo(subset).label_descriptions() if subset else []
    return build, Input(height, width, stated.mean, stated.std, bool(stated.fixed_input_size)), tuple(names)


def _of_torchvision(name: str) -> tuple[_Build, Input, tuple[str, ...]]:
    from torchvision import models

    known = models.list_models(module=models) + models.list_models(module=models.segmentation)
    if name not in known:
        raise ValueError(_unknown("torchvision", name, known))
    default: Any = next(iter(models.get_model_weights(name)))
    transforms: Any = default.transforms()
    side: int = (getattr(transforms, "crop_size", None) or transforms.resize_size)[0]
    segments = name in models.list_models(module=models.segmentation)

    def build(classes: int | None) -> nn.Module:
        settings: dict[str, Any] = {"weights_backbone": None} if segments else {}  # else it would be downloaded
        if classes is not None:
            settings["num_classes"] = classes
        return models.get_model(name, weights=None, **settings)

    fixed = name.startswith(("vit_", "maxvit"))
    return (
        build,
        Input(side, side, tuple(transforms.mean), tuple(transforms.std), fixed),
        tuple(default.meta["categories"]),
    )


_MAKERS = {"timm": _of_timm, "torchvision": _of_torchvision}


def _unknown(maker: str, name: str, known: Sequence[str]) -> str:
    near = get_close_matches(name, known, n=5)
    return f"{maker} has no network {name!r} for pictures; names like it: {', '.join(near) or 'none'}"


def _filled(name: str, build: _Build, weights: str | Path) -> nn.Module:
    """Return a network with its weights, from a file or random ones, which are the same each time."""
    with without_warnings(), torch.random.fork_rng([]):  # of outdated names, and of slow initialisation
        torch.manual_seed(0)
        try:
            model = build(None)
        except Exception as error:  # such as a missing library that only this network needs
            reason = next(iter(str(error).splitlines()), type(error).__name__)
            raise ValueError(f"{name} cannot be built ({reason}): choose another network") from error
        if str(weights) == RANDOM:
            return model.eval()
        path = Path(weights)
        state = _state_dict(path)
        if (classes := _classes_of(model, state)) is not None:
            model = build(classes)
    _check(name, model, state, path)
    model.load_state_dict(state, strict=False)  # `_check` says what may differ
    return model.eval()


def _classes_of(model: nn.Module, state: Mapping[str, Tensor]) -> int | None:
    """Return how many classes a state dict has, if this is not as many as the network's last layer has."""
    last = [name for name, module in model.named_modules() if isinstance(module, (nn.Linear, nn.Conv2d))][-1:]
    for name in last:
        own, stored = model.get_parameter(f"{name}.weight"), state.get(f"{name}.weight")
        if stored is not None and stored.shape[1:] == own.shape[1:] and len(stored) not in (0, len(own)):
            return len(stored)
    return None


def _check(name: str, model: nn.Module, state: Mapping[str, Tensor], path: Path) -> None:
    """Raise a CheckpointError unless a state dict has the names and shapes of a network's."""
    wanted = model.state_dict()
    missing = [key for key in wanted if key not in state and not key.endswith("num_batches_tracked")]
    unexpected = [key for key in state if key not in wanted and not key.startswith(_TRAINING)]
    other = [
        f"{key} {tuple(state[key].shape)} instead of {tuple(wanted[key].shape)}"
        for key in wanted
        if key in state and state[key].shape != wanted[key].shape
    ]
    wrong = {"missing": missing, "unexpected": unexpected, "of another shape": other}
    if any(wrong.values()):
        said = "; ".join(f"{kind}: {_first(keys)}" for kind, keys in wrong.items() if keys)
        raise CheckpointError(f"{path} does not fit {name}; {said}: give the weights of this very network")


def _first(keys: Sequence[str], count: int = 3) -> str:
    more = f" and {len(keys) - count} more" if len(keys) > count else ""
    return ", ".join(keys[:count]) + more


def _state_dict(path: Path) -> dict[str, Tensor]:
    """Return the tensors of a file by name, on the CPU. Code in a pickle is never run.

    Raises:
        CheckpointError: the file is missing, damaged, of another kind, or holds something other than named tensors.
    """
    readers: dict[str, Callable[[Path], Any]] = {".safetensors": _safetensors, ".pt": _pickled, ".pth": _pickled}
    if path.suffix.lower() not in readers:
        raise CheckpointError(f"{path} is not a state dict: expected a file that ends in {', '.join(readers)}")
    if not path.is_file():
        raise CheckpointError(f"{path} {'is not a file' if path.exists() else 'does not exist'}: give a state dict")
    try:
        found = readers[path.suffix.lower()](path)
    except PermissionError as error:
        raise CheckpointError(f"{path} cannot be read: check its permissions") from error
    except Exception as error:  # on hostile bytes, readers raise nearly anything
        raise CheckpointError(
            f"{path} is not a file of tensors only (it is damaged, or holds code, which was not run): save the state "
            "dict, as by torch.save(model.state_dict(), FILE)"
        ) from error
    for wrapper in _WRAPPERS:
        if isinstance(found, Mapping) and isinstance(found.get(wrapper), Mapping):
            found = found[wrapper]
    if not isinstance(found, Mapping) or not found or not all(isinstance(tensor, Tensor) for tensor in found.values()):
        raise CheckpointError(f"{path} holds something other than named tensors: save the network's state dict")
    names = [str(name) for name in found]
    if all(name.startswith("module.") for name in names):  # as nn.DataParallel names them
        names = [name.removeprefix("module.") for name in names]
    return dict(zip(names, found.values(), strict=True))


def _safetensors(path: Path) -> dict[str, Tensor]:
    from safetensors.torch import load_file

    return load_file(path)


def _pickled(path: Path) -> Any:
    with without_warnings():
        return torch.load(path, map_location="cpu", weights_only=True)


# Programs


def _program(path: Path, size: tuple[int, int] | None, mean: Triple | None, std: Triple | None) -> Loaded:
    if not path.is_file():
        raise CheckpointError(f"{path} does not exist: give a program that torch.export.save wrote")
    logger = logging.getLogger("torch.export")
    level = logger.level
    try:
        logger.setLevel(logging.CRITICAL)  # it would log a traceback
        program: Any = torch.export.load(path)
        with without_warnings():  # of buffers that it copies
            module = torch.export.unflatten(program)  # so that its layers are modules
        (shape,) = (
            node.meta["val"].shape for node in program.graph.nodes if node.name in program.graph_signature.user_inputs
        )
        batch, channels, *sides = (side if isinstance(side, int) else None for side in shape)  # None: any
    except Exception as error:  # on hostile bytes, readers raise nearly anything
        raise CheckpointError(
            f"{path} is not a program that takes pictures (N, 3, H, W): write it by torch.export.save"
        ) from error
    finally:
        logger.setLevel(level)
    if len(sides) != 2 or channels not in (3, None):
        raise CheckpointError(f"{path} takes {_words(shape)}; expected pictures (N, 3, H, W)")
    height, width = (side or given for side, given in zip(sides, size or (None, None), strict=True))
    if height is None or width is None:
        raise ValueError(f"{path} takes pictures of any size: give --size")
    if size not in (None, (height, width)):
        raise ValueError(f"{path} takes pictures of {height} x {width} px only: leave out --size")
    if mean is None or std is None:
        raise ValueError(
            f"{path} does not say how its pictures are normalised: give --mean and --std (ImageNet's are "
            f"{' and '.join(_IMAGENET)})"
        )
    return Loaded(module, Input(height, width, mean, std, fixed=None not in sides), batch_size=batch)


def _words(shape: Sequence[object]) -> str:
    return f"({', '.join(map(str, shape))})"
