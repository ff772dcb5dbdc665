"""Stored networks: `siam.safetensors`, `baseline.safetensors` and `card.json` in one folder.

The card holds both configs, so networks rebuild themselves from the folder, and tells what they were trained on and how
well they do. No pickle is read or written.
"""

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, TypeVar

import torch
from huggingface_hub import snapshot_download
from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError
from safetensors import SafetensorError
from safetensors.torch import load_file
from safetensors.torch import save as to_bytes
from torch import Tensor, nn

from siam.errors import CheckpointError
from siam.model import SIAM, Baseline, BaselineConfig, RatingScale, SIAMConfig

BUNDLED = Path(__file__).parent.parent / "assets" / "models"
FORMAT = 1
_CARD, _SIAM, _BASELINE = "card.json", "siam.safetensors", "baseline.safetensors"
Config = TypeVar("Config", SIAMConfig, BaselineConfig)


@dataclass(frozen=True, eq=False)
class Pair:
    """A SIAM and its baseline (None if there is none), trained on the same images, and the card that describes them."""

    name: str
    siam: SIAM
    baseline: Baseline | None
    card: dict[str, Any]


def bundled() -> tuple[str, ...]:
    """Return the names of the pairs that come with the project."""
    return tuple(sorted(card.parent.name for card in BUNDLED.glob(f"*/{_CARD}")))


def load(source: str | Path, device: str | torch.device | None = None) -> Pair:
    """Return a pair in evaluation mode, in single precision.

    Args:
        source: the name of a bundled pair, a folder, or a Hugging Face Hub repository `owner/name`.
        device: where to put the networks; by default a GPU if PyTorch sees one, else the CPU.

    Raises:
        CheckpointError: nothing is there, or what is there is damaged or does not fit its card.
    """
    folder = _find(source)
    card = _read_card(folder / _CARD)
    if device is None:
        device = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        siam = SIAM(_config(SIAMConfig, card.get("siam"), folder / _CARD))
        baseline = None
        if card.get("baseline") is not None:
            baseline = Baseline(_config(BaselineConfig, card["baseline"], folder / _CARD))
    except (ValueError, TypeError) as error:  # what the card says is no network
        raise CheckpointError(f"{folder / _CARD}: {error}") from error
    load_tensors(siam, folder / _SIAM)
    if baseline is not None:
        load_tensors(baseline, folder / _BASELINE)
        baseline = baseline.to(device).eval()
    return Pair(str(card.get("name", folder.name)), siam.to(device).eval(), baseline, card)


def save(pair: Pair, folder: Path, *, half: bool = False) -> None:
    """Write a pair and its card to `folder`, each file whole or not at all.

    Args:
        pair: the networks; the card's format number and configs are filled in here.
        folder: made if missing; files of the same names are replaced.
        half: store weights in half precision (half the size; about three significant digits).
    """
    folder.mkdir(parents=True, exist_ok=True)
    _save_tensors(pair.siam, folder / _SIAM, half)
    if pair.baseline is not None:
        _save_tensors(pair.baseline, folder / _BASELINE, half)
    own = {
        "format": FORMAT,
        "name": pair.name,
        "siam": asdict(pair.siam.config),
        "baseline": None if pair.baseline is None else asdict(pair.baseline.config),
    }
    part = folder / f"{_CARD}.part"
    part.write_text(json.dumps({**pair.card, **own}, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    part.replace(folder / _CARD)


def load_tensors(model: nn.Module, path: Path) -> None:
    """Copy a safetensors file into a network, strictly.

    Raises:
        CheckpointError: the file is missing or damaged, or a tensor is missing, unknown, misshapen or not finite.
    """
    try:
        stored = load_file(path)
    except FileNotFoundError:
        raise CheckpointError(f"{path} is missing: copy the whole folder of the networks") from None
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"{path} is not a readable safetensors file ({error}): copy it again") from error
    own = model.state_dict()
    for name, tensor in own.items():
        if name not in stored:
            raise CheckpointError(f"{path} lacks the tensor {name} {_shape(tensor)}: it belongs to another config")
        if stored[name].shape != tensor.shape:
            raise CheckpointError(
                f"{path}: tensor {name} has shape {_shape(stored[name])}, but the card's config wants {_shape(tensor)}"
            )
        if not torch.isfinite(stored[name]).all():
            raise CheckpointError(
                f"{path}: tensor {name} holds NaN or infinite values: the training failed; train again"
            )
    unknown = sorted(stored.keys() - own.keys())
    if unknown:
        raise CheckpointError(
            f"{path} holds the tensor {unknown[0]} {_shape(stored[unknown[0]])}, which the card's config does not have"
        )
    model.load_state_dict({name: tensor.to(own[name].dtype) for name, tensor in stored.items()})


def _find(source: str | Path) -> Path:
    if isinstance(source, str) and source in bundled():
        return BUNDLED / source
    folder = Path(source)
    if folder.is_dir():
        return folder
    if isinstance(source, Path) or source.count("/") != 1:
        raise CheckpointError(
            f"there are no networks named {str(source)!r}: give a bundled name ({', '.join(bundled()) or 'none'}), "
            "a folder with card.json, or a Hub repository owner/name"
        )
    try:
        return Path(snapshot_download(source, allow_patterns=[_CARD, _SIAM, _BASELINE]))
    except HFValidationError as error:
        raise CheckpointError(f"{source!r} is neither a folder nor a Hub repository owner/name") from error
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError) as error:
        reason = str(error).splitlines()[0]
        raise CheckpointError(
            f"{source!r} is no folder here and could not be fetched from the Hub ({reason}): check name and network"
        ) from error


def _read_card(path: Path) -> dict[str, Any]:
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise CheckpointError(
            f"{path} is missing: a folder of networks holds card.json and safetensors files"
        ) from None
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{path} is not readable as JSON ({error}): copy it again") from error
    if not isinstance(card, dict) or card.get("format") != FORMAT:
        found = card.get("format") if isinstance(card, dict) else type(card).__name__
        raise CheckpointError(f"{path} has format {found!r}; this version reads format {FORMAT}")
    return card


def _config(kind: type[Config], stored: Any, path: Path) -> Config:
    """Rebuild a config from the card's JSON: lists become tuples, and every name must be known."""
    if not isinstance(stored, dict):
        raise CheckpointError(f"{path} has no config for {kind.__name__}: it was not written by this program")
    known = {item.name for item in fields(kind)}
    if stored.keys() != known:
        odd = ", ".join(sorted(stored.keys() ^ known))
        raise CheckpointError(f"{path}: the config for {kind.__name__} lacks or does not know: {odd}")
    scale = stored["scale"]
    if not isinstance(scale, dict) or scale.keys() != {"name", "low", "high"}:
        raise CheckpointError(f"{path}: the rating scale is {scale!r}; expected name, low and high")
    values: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in stored.items()
    }
    return kind(**{**values, "scale": RatingScale(str(scale["name"]), float(scale["low"]), float(scale["high"]))})


def _save_tensors(model: nn.Module, path: Path, half: bool) -> None:
    tensors: dict[str, Tensor] = {
        name: (tensor.half() if half and tensor.is_floating_point() else tensor).cpu().contiguous()
        for name, tensor in model.state_dict().items()
    }
    part = path.with_suffix(".part")
    part.write_bytes(to_bytes(tensors))
    part.replace(path)


def _shape(tensor: Tensor) -> str:
    return str(tuple(tensor.shape))
