"""Imports the networks that the authors of SIAM released as a pair of ours.

D. Marcos, S. Lobry, D. Tuia, "Semantically Interpretable Activation Maps: what-where-how explanations within CNNs",
ICCV Workshops 2019, arXiv:1909.08442. They released state dicts of an `nn.Sequential`: `last_model_finetuned.pt` and
`sunson_siam.pt` hold SIAM, `son_baseline.pt` the baseline. A key starts with the position of a module: torchvision's
ResNet-50 is 0 (conv1), 1 (bn1) and 4 to 7 (layer1 to layer4), the heads are 8 and 9. Their forward pass, which ours
reproduces:

- The backbone saw RGB pixels divided by 255 twice, so in [0, 1/255], without mean and std: here mean 0 and std 255.
- Attribute maps pass a ReLU, and the outer two cells are set to 0 at the map's own size. The attribute score is the
  tanh of the mean of the whole map. For the templates, maps of any size are pooled to 15 x 15.
- A ReLU lies between templates and combination. It has no effect if all templates are >= 0. If a stored one holds
  negative values (from a last step after the last clamping), `template_relu` keeps the ReLU in our network.
- The baseline predicts mean and variance of the votes; we keep the mean.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from siam.datasets.base import RatingScale
from siam.datasets.sun_attributes import ATTRIBUTES
from siam.errors import CheckpointError
from siam.models.baseline import Baseline, BaselineConfig
from siam.models.checkpoint import Pair
from siam.models.siam import SIAM, SIAMConfig
from siam.runtime.digests import digest
from siam.runtime.silence import without_warnings

SCALE = RatingScale("scenicness, ScenicOrNot", 1, 10)
_INPUT: dict[str, Any] = {
    "backbone": "resnet50",
    "scale": SCALE,
    "image_size": 500,  # px of the short side when testing; the aspect ratio is kept exactly
    "size_multiple": 1,
    "mean": (0.0, 0.0, 0.0),
    "std": (255.0, 255.0, 255.0),  # the second division by 255
}
_GRID = 15
_TRUNK = {"conv1": "0", "bn1": "1", "layer1": "4", "layer2": "5", "layer3": "6", "layer4": "7"}  # ours → theirs
_COUNTERS = ".num_batches_tracked"  # of batch normalisation: unused here, absent from old files
_REMEDY = "download last_model_finetuned.pt, sunson_siam.pt or son_baseline.pt again"

State = dict[str, Tensor]


def import_official(paths: Sequence[Path], name: str) -> Pair:
    """Return the authors' networks as a pair in evaluation mode, on the CPU.

    Args:
        paths: one of their SIAMs and optionally their baseline, in any order; the keys show which is which.
        name: the name to give the pair.

    Raises:
        CheckpointError: a file is not one of theirs, or there is not exactly one SIAM and at most one baseline.
    """
    networks: dict[str, tuple[Path, State]] = {}
    for path in paths:
        state = read_state(path)
        kind = _kind(state, path)
        if kind in networks:
            raise CheckpointError(
                f"{networks[kind][0]} and {path} are both a {kind}: give one SIAM and at most one baseline"
            )
        networks[kind] = path, state
    if "SIAM" not in networks:
        raise CheckpointError(
            f"{paths[0]} is a baseline, and a pair needs its SIAM: give last_model_finetuned.pt or sunson_siam.pt too"
        )
    siam = _siam(*networks["SIAM"])
    baseline = _baseline(*networks["baseline"]) if "baseline" in networks else None
    return Pair(name, siam, baseline, _card(siam, {kind: path for kind, (path, _) in networks.items()}))


def read_state(path: Path) -> State:
    """Return the tensors of a PyTorch file, on the CPU. Only tensors are read; code in a pickle is never run.

    Raises:
        CheckpointError: it is not an ordinary file, is damaged, or holds anything but named tensors.
    """
    if not path.is_file():
        kind = "is not an ordinary file" if path.exists() else "does not exist"
        raise CheckpointError(f"{path} {kind}: give one of the authors' .pt files")
    try:
        with without_warnings():
            state = torch.load(path, map_location="cpu", weights_only=True)
    except PermissionError as error:
        raise CheckpointError(f"{path} cannot be read: check its permissions") from error
    except Exception as error:  # on hostile bytes, unpickling raises nearly anything
        raise CheckpointError(
            f"{path} is not a PyTorch file of tensors only (it is damaged, or holds code, which was not run): "
            "download it again"
        ) from error
    if not isinstance(state, Mapping) or not all(
        isinstance(key, str) and isinstance(value, Tensor) for key, value in state.items()
    ):
        raise CheckpointError(f"{path} holds something other than named tensors: give one of the authors' .pt files")
    return dict(state)


def _kind(state: State, path: Path) -> str:
    """Return "SIAM" or "baseline", judging by the keys of the head."""
    kinds = {"SIAM": "9.conv_templates_avg.weight", "baseline": "9.conv_son.weight"}
    matching = [kind for kind, key in kinds.items() if key in state]
    if len(matching) != 1:
        expected = " nor ".join(f"{key} ({kind})" for kind, key in kinds.items())
        content = "the keys of both SIAM and baseline" if matching else f"neither {expected}"
        raise CheckpointError(
            f"{path} is not one of the authors' networks: it has {content}; give one of their .pt files"
        )
    return matching[0]


def _siam(path: Path, state: State) -> SIAM:
    config = SIAMConfig(**_INPUT, attributes=ATTRIBUTES, grid=_GRID, border=2, predicts_variance=True)
    with torch.device("meta"):  # only names and shapes: all values come from the file
        network = SIAM(config)
    keys = {"attribute_layer.weight": "8.conv1.weight", "attribute_layer.bias": "8.conv1.bias"}
    shapes: dict[str, tuple[int, ...]] = {}
    count = len(ATTRIBUTES)
    for head, suffix in (("scenicness_head", "avg"), ("variance_head", "var")):
        for ours, theirs, shape in (
            ("templates", f"9.conv_templates_{suffix}.weight", (2 * count, 1, _GRID, _GRID)),  # two rows each
            ("combination", f"9.conv_combine_templates_{suffix}.weight", (count, 2, 1, 1)),
            ("weights", f"9.fc1_{suffix}.weight", (1, count)),
            ("bias", f"9.fc1_{suffix}.bias", (1,)),
        ):
            keys[f"{head}.{ours}"] = theirs
            shapes[theirs] = shape
    weights = _translate(network, keys, shapes, state, path)
    if any(bool((weights[f"{head}.templates"] < 0).any()) for head in ("scenicness_head", "variance_head")):
        with torch.device("meta"):
            network = SIAM(replace(config, template_relu=True))
    network.load_state_dict(weights, assign=True)
    return network.eval()


def _baseline(path: Path, state: State) -> Baseline:
    with torch.device("meta"):
        network = Baseline(BaselineConfig(**_INPUT))
    channels = network.linear.in_features
    used = dict(state)
    attributes, bias = used.pop("9.conv_sun.weight", None), used.pop("9.conv_sun.bias", None)  # not used
    if attributes is None or bias is None or attributes.shape != (*bias.shape, channels, 1, 1):
        raise CheckpointError(f"{path} lacks 9.conv_sun, or its shape is wrong: {_REMEDY}")
    keys = {"linear.weight": "9.conv_son.weight", "linear.bias": "9.conv_son.bias"}
    shapes = {"9.conv_son.weight": (2, channels, 1, 1), "9.conv_son.bias": (2,)}
    network.load_state_dict(_translate(network, keys, shapes, used, path), assign=True)
    return network.eval()


def _translate(
    network: nn.Module, keys: dict[str, str], shapes: dict[str, tuple[int, ...]], state: State, path: Path
) -> State:
    """Convert their state dict to our network's; every tensor must be present, and no other.

    Args:
        network: ours, for names and shapes; its backbone's are those of torchvision.
        keys: our names of the head's tensors → their keys.
        shapes: of their tensors, where they differ from ours; values are in the same order, and any extra ones come
            last.
        state: theirs.
        path: for messages.

    Raises:
        CheckpointError: a tensor is missing, unknown, misshapen, of another type or not finite.
    """
    weights = network.state_dict()
    for name in weights:
        if name.startswith("backbone."):
            part, _, inner = name.removeprefix("backbone.").partition(".")
            keys[name] = f"{_TRUNK[part]}.{inner}"
    unknown = sorted(state.keys() - set(keys.values()))
    if unknown:
        raise CheckpointError(f"{path} holds {unknown[0][:80]!r}, which is in none of the authors' networks: {_REMEDY}")
    for name, key in keys.items():
        if key not in state and key.endswith(_COUNTERS):
            weights[name] = torch.zeros((), dtype=weights[name].dtype)
            continue
        if key not in state:
            raise CheckpointError(f"{path} lacks the tensor {key}: {_REMEDY}")
        shape = shapes.get(key, tuple(weights[name].shape))
        _check(state[key], shape, weights[name].is_floating_point(), f"{path}: tensor {key}")
        values = state[key].detach().flatten()[: weights[name].numel()]
        weights[name] = values.to(weights[name].dtype, copy=True).reshape(weights[name].shape)
    return weights


def _check(tensor: Tensor, shape: tuple[int, ...], floating: bool, label: str) -> None:
    if tuple(tensor.shape) != shape:
        raise CheckpointError(f"{label} has shape {tuple(tensor.shape)}, but the authors' has {shape}: {_REMEDY}")
    plain = tensor.layout == torch.strided and tensor.device.type == "cpu" and not tensor.is_quantized
    if not plain or tensor.is_floating_point() != floating or tensor.is_complex():
        raise CheckpointError(f"{label} does not hold plain {'floats' if floating else 'integers'}: {_REMEDY}")
    if not torch.isfinite(tensor.float()).all():
        raise CheckpointError(f"{label} holds NaN or infinite values: {_REMEDY}")


def _card(siam: SIAM, paths: dict[str, Path]) -> dict[str, Any]:
    """Return a card with what is known about the networks; none of it was measured here."""
    limits = (
        "It learned from photos of Great Britain, rated by visitors to a website; the paper reports an error (RMSE) of "
        "1.01 points on the scale of ten. The authors scaled photos with another filter, so scores here differ "
        "slightly from theirs."
    )
    if siam.config.template_relu:
        limits += (
            " Some template values are negative: as in the authors' code, a negative template response counts as 0."
        )
    return {
        "summary": "The networks that the authors of SIAM released, trained on ScenicOrNot and SUN Attributes.",
        "training_data": (
            "By D. Marcos, S. Lobry and D. Tuia: attributes from the SUN Attribute database, scores from ScenicOrNot "
            "(mean and variance of the votes, 1 to 10), backbone ResNet-50. The weights are theirs."
        ),
        "limits": limits,
        "source": {kind: {"file": path.name, "sha256": digest(path)} for kind, path in paths.items()},
        "paper": "arXiv:1909.08442",
        "imported": datetime.now(UTC).date().isoformat(),
    }
