"""Networks from and to the files of a pair (`siam.models.checkpoint`); this is the part that needs PyTorch."""

from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from safetensors.torch import save as to_bytes
from torch import Tensor, nn

from siam.errors import CheckpointError
from siam.models import agreement, fitted
from siam.models.backbones import share_stages
from siam.models.baseline import Baseline
from siam.models.card import BASELINE_FILE, CARD, SIAM_FILE
from siam.models.compiled import Compiled
from siam.models.configs import BaselineConfig, SIAMConfig
from siam.models.engine import Engine, Layer
from siam.models.siam import SIAM
from siam.runtime.files import Write, write_atomically


def build(
    folder: Path, config: SIAMConfig, baseline_config: BaselineConfig | None, device: str | torch.device
) -> tuple[SIAM, Baseline | None, Tensor | None]:
    """Return a SIAM, its baseline and the templates of the folds from a pair's files, in evaluation mode.

    Raises:
        CheckpointError: a file is missing or damaged, or does not match its config.
    """
    try:
        siam = SIAM(config)
        baseline = None if baseline_config is None else Baseline(baseline_config)
    except (ValueError, TypeError) as error:  # no network can be built from the card
        raise CheckpointError(f"{folder / CARD}: {error}") from error
    load_tensors(siam, folder / SIAM_FILE)
    fold_templates = agreement.read(folder, tuple(siam.scenicness_head.effective_templates().shape))
    if baseline is not None:
        load_tensors(baseline, folder / BASELINE_FILE)
        baseline.backbone = share_stages(siam.backbone, baseline.backbone)
        baseline.fitted = fitted.read(folder, baseline)
        baseline = baseline.to(device).eval()
    return siam.to(device).eval(), baseline, fold_templates


def attach(siam: SIAM | None, baseline: Baseline | None, key: str, ready: Compiled | None = None) -> None:
    """Let OpenVINO compute networks from now on, as far as `siam.models.engine` allows.

    Args:
        siam: on the CPU, or None.
        baseline: likewise.
        key: of the networks in the cache.
        ready: the networks from the cache, if they have been read.
    """
    layers: dict[str, Layer] = {}
    if siam is not None:
        layers["siam"] = Layer(siam, siam.attribute_layer.weight[:, :, 0, 0], siam.attribute_layer.bias)
    if baseline is not None:
        layers["baseline"] = Layer(baseline, baseline.layer_weights())
    engine = Engine(layers, key, ready)
    for layer in layers.values():
        layer.network.engine = engine


def load_tensors(model: nn.Module, path: Path) -> None:
    """Copy a safetensors file into a network; every tensor must match.

    Raises:
        CheckpointError: the file is missing or damaged, or a tensor is missing, unknown, misshapen or not finite.
    """
    try:
        stored = load_file(path)
    except FileNotFoundError:
        raise CheckpointError(f"{path} is missing: copy the whole folder again") from None
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"{path} is not a readable safetensors file ({error}): copy it again") from error
    wanted = model.state_dict()
    for name, tensor in wanted.items():
        if name not in stored:
            raise CheckpointError(f"{path} lacks the tensor {name} {_shape(tensor)}: it belongs to another config")
        if stored[name].shape != tensor.shape:
            raise CheckpointError(
                f"{path}: tensor {name} has shape {_shape(stored[name])}, but the card's config needs {_shape(tensor)}"
            )
        if not torch.isfinite(stored[name]).all():
            raise CheckpointError(f"{path}: tensor {name} holds NaN or infinite values: training failed; train again")
    unknown = sorted(stored.keys() - wanted.keys())
    if unknown:
        raise CheckpointError(
            f"{path} holds the tensor {unknown[0]} {_shape(stored[unknown[0]])}, which the card's config does not "
            "have: copy the whole folder again"
        )
    model.load_state_dict({name: tensor.to(wanted[name].dtype) for name, tensor in stored.items()})


def save_tensors(model: nn.Module, path: Path, half: bool, write: Write = write_atomically) -> None:
    """Write a network to a safetensors file, by default atomically; with `half`, in half precision.

    Raises:
        StorageError: the file cannot be written; an existing one is then left unchanged.
    """
    tensors: dict[str, Tensor] = {
        name: (tensor.half() if half and tensor.is_floating_point() else tensor).cpu().contiguous()
        for name, tensor in model.state_dict().items()
    }
    write(path, to_bytes(tensors))


def _shape(tensor: Tensor) -> str:
    return str(tuple(tensor.shape))
