"""Stored networks: `siam.safetensors`, `baseline.safetensors` and `card.json` in one folder.

The card holds both configs, from which the networks are rebuilt, and says what they were trained on and how good they
are. `folds.safetensors` may hold the templates of the networks of the cross-validation. No pickle is read or written.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from safetensors.torch import save as to_bytes
from torch import Tensor, nn

from siam.errors import CheckpointError
from siam.models import agreement, fitted, recognition
from siam.models import card as cards
from siam.models.backbones import share_stages
from siam.models.baseline import Baseline, BaselineConfig
from siam.models.card import CARD
from siam.models.card import FORMAT as FORMAT
from siam.models.engine import attach
from siam.models.recognition import Recognition
from siam.models.siam import SIAM, SIAMConfig
from siam.runtime.files import write_atomically
from siam.runtime.memory import keep_freed_memory
from siam.runtime.paths import ASSETS

BUNDLED = ASSETS / "models"
_SIAM, _BASELINE = "siam.safetensors", "baseline.safetensors"


@dataclass(frozen=True, eq=False)
class Pair:
    """A SIAM and its baseline (None if there is none), trained on the same photos, and the card that describes them.

    `fold_templates` (R, K, g, g) are effective templates of the R networks of its cross-validation, if they are known
    (`siam.models.agreement`).
    """

    name: str
    siam: SIAM
    baseline: Baseline | None
    card: dict[str, Any]
    fold_templates: Tensor | None = None

    @property
    def recognition(self) -> dict[str, Recognition]:
        """How well each attribute is recognised, as the card says; empty if it does not.

        Raises:
            CheckpointError: the card's `attributes` is malformed; `load` raises it first.
        """
        return recognition.read(self.card.get(recognition.KEY), self.siam.config.attributes, Path(self.name) / CARD)


def bundled() -> tuple[str, ...]:
    """Return the names of the bundled pairs."""
    return tuple(sorted(card.parent.name for card in BUNDLED.glob(f"*/{CARD}")))


def load(source: str | Path, device: str | torch.device | None = None, *, engine: str | None = None) -> Pair:
    """Load a pair, in evaluation mode and single precision.

    Args:
        source: the name of a bundled pair, a folder, or a Hugging Face Hub repository: `owner/name` for its newest
            version, `owner/name@revision` for a branch, tag or commit. `siam.models.hub.fetch` describes the cache and
            offline use.
        device: where to put the networks; by default a GPU if PyTorch sees one, else the CPU.
        engine: what computes features on a CPU where no gradients are needed: "openvino", "pytorch", or
            by default what the environment variable SIAM_ENGINE names, else the fastest that is installed.

    Raises:
        CheckpointError: nothing is found, or the files are damaged or do not match the card.
        EngineError: there is no such engine, or it is not installed.

    Example:
        >>> import siam
        >>> pair = siam.load("photo", device="cpu")
        >>> len(pair.siam.config.attributes)
        33
        >>> pair.siam.config.scale.low, pair.siam.config.scale.high
        (1.0, 7.0)
    """
    keep_freed_memory()
    folder = find(source)
    card = cards.read(folder)
    if device is None:
        device = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        siam = SIAM(cards.config(SIAMConfig, card.get("siam"), folder / CARD))
        baseline = None
        if card.get("baseline") is not None:
            baseline = Baseline(cards.config(BaselineConfig, card["baseline"], folder / CARD))
    except (ValueError, TypeError) as error:  # no network can be built from the card
        raise CheckpointError(f"{folder / CARD}: {error}") from error
    recognition.read(card.get(recognition.KEY), siam.config.attributes, folder / CARD)
    load_tensors(siam, folder / _SIAM)
    fold_templates = agreement.read(folder, tuple(siam.scenicness_head.effective_templates().shape))
    if baseline is not None:
        load_tensors(baseline, folder / _BASELINE)
        baseline.backbone = share_stages(siam.backbone, baseline.backbone)
        baseline.fitted = fitted.read(folder, baseline)
        baseline = baseline.to(device).eval()
    siam = siam.to(device).eval()
    attach([siam] if baseline is None else [siam, baseline], engine)
    return Pair(str(card.get("name", folder.name)), siam, baseline, card, fold_templates)


def save(pair: Pair, folder: Path, *, half: bool = False) -> None:
    """Write a pair and its card to `folder`, each file atomically.

    Args:
        pair: the networks; the card's format number and configs are filled in here. Figures in the card that are NaN or
            infinite, such as the rank correlation of equal scores, become null, since JSON has no such numbers.
        folder: created if missing; existing files are replaced.
        half: store weights in half precision (half the size; about three significant digits).

    Raises:
        CheckpointError: a config holds a number that is not finite.
        ValueError: the templates of the folds are not finite, or not of shape (R, K, g, g).
        StorageError: a file cannot be written; an existing one is then left unchanged.
    """
    text = cards.text(pair.card, pair.name, pair.siam.config, pair.baseline.config if pair.baseline else None)
    _save_tensors(pair.siam, folder / _SIAM, half)
    if pair.baseline is not None:
        _save_tensors(pair.baseline, folder / _BASELINE, half)
        fitted.write_all(pair.baseline, folder)
    agreement.keep(folder, pair.fold_templates)
    write_atomically(folder / CARD, text.encode())


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


def find(source: str | Path) -> Path:
    """Return the folder of a pair, downloaded from the Hub if necessary; `load` says what `source` may be.

    Raises:
        CheckpointError: nothing is found.
    """
    if isinstance(source, str) and source in bundled():
        return BUNDLED / source
    folder = Path(source)
    if folder.is_dir():
        return folder
    if isinstance(source, Path) or source.partition("@")[0].count("/") != 1:
        raise CheckpointError(
            f"there are no networks named {str(source)!r}: give a bundled name ({', '.join(bundled()) or 'none'}), "
            f"a folder with {CARD}, or a Hub repository owner/name or owner/name@revision"
        )
    from siam.models.hub import fetch  # imported here, so that only the Hub's users wait for its library

    return fetch(source)


def files(card: dict[str, Any], folder: Path) -> tuple[str, ...]:
    """Return the names of those files in a folder that belong to the pair with this card."""
    folds = (agreement.FILE,) if (folder / agreement.FILE).exists() else ()
    if card.get("baseline") is None:
        return (CARD, _SIAM, *folds)
    return (CARD, _SIAM, _BASELINE, *folds, *(path.name for path in fitted.files(folder)))


def _save_tensors(model: nn.Module, path: Path, half: bool) -> None:
    tensors: dict[str, Tensor] = {
        name: (tensor.half() if half and tensor.is_floating_point() else tensor).cpu().contiguous()
        for name, tensor in model.state_dict().items()
    }
    write_atomically(path, to_bytes(tensors))


def _shape(tensor: Tensor) -> str:
    return str(tuple(tensor.shape))
