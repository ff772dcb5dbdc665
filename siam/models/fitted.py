"""What an explainer learns about a network before it can explain it: small tensors, in one file beside the network.

::

    <pair>/<name of the explainer>.safetensors

`python -m siam fit` writes these files, and `siam.load` reads them into `Baseline.fitted`. Each file holds the hash of
its network's weights, so that it cannot be used with another network, and, as JSON, what it was fitted on.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as to_bytes
from torch import Tensor, nn

from siam.errors import CheckpointError
from siam.models import agreement
from siam.models.identity import fingerprint
from siam.runtime.files import write_atomically

# the other files in the same folders
_OTHERS = ("siam.safetensors", "baseline.safetensors", "network.safetensors", agreement.FILE)
_REMEDY = "fit it again with python -m siam fit"


@dataclass(frozen=True, eq=False)
class Fitted:
    """The tensors of one explainer by name, on the CPU, and facts about the fit: see the explainer's module."""

    tensors: dict[str, Tensor]
    facts: dict[str, Any]


def fitted_to(model: object, name: str) -> Fitted:
    """Return what the explainer `name` has learnt for a network.

    Raises:
        ValueError: it has not been fitted to this network.
    """
    learnt: dict[str, Fitted] = getattr(model, "fitted", {})
    if name not in learnt:
        raise ValueError(
            f"{name} must be fitted to a network before it can explain it, and has not been fitted to this "
            f"{type(model).__name__}: see python -m siam fit --help (for baselines only)"
        )
    return learnt[name]


def files(folder: Path) -> list[Path]:
    """Return the files in a network's folder that hold something fitted, sorted by name.

    Other programs' safetensors files are left out: they lack our metadata. Unreadable files are included, so that
    reading them reports the damage.
    """
    candidates = (path for path in sorted(folder.glob("*.safetensors")) if path.name not in _OTHERS)
    return [path for path in candidates if _may_be_fitted(path)]


def _may_be_fitted(path: Path) -> bool:
    try:
        with safe_open(path, "pt") as stored:
            return bool({"network", "facts"} & (stored.metadata() or {}).keys())
    except (SafetensorError, OSError):
        return True


def read(folder: Path, model: nn.Module, on_problem: Callable[[str], None] | None = None) -> dict[str, Fitted]:
    """Return explainer → what was fitted to a network, read from the files in its folder.

    Args:
        folder: the network's.
        model: the network.
        on_problem: called with one line that says why a file is skipped; by default, a bad file is an error.

    Raises:
        CheckpointError: a file is damaged, or was fitted to another network, and there is no `on_problem`.
    """
    learnt: dict[str, Fitted] = {}
    paths = files(folder)
    network = fingerprint(model) if paths else ""
    for path in paths:
        try:
            learnt[path.stem] = _read_file(path, network)
        except CheckpointError as error:
            if on_problem is None:
                raise
            on_problem(" ".join(str(error).split()))
    return learnt


def _read_file(path: Path, expected: str) -> Fitted:
    """Return the content of one file; a `CheckpointError` if it is damaged or has another fingerprint."""
    try:
        with safe_open(path, "pt") as stored:
            metadata = stored.metadata() or {}
            tensors = {key: stored.get_tensor(key) for key in stored.keys()}  # noqa: SIM118 - it is no dictionary
        network, facts = metadata["network"], json.loads(metadata["facts"])
    except KeyError as error:
        raise CheckpointError(f"{path} lacks its {error.args[0]}: {_REMEDY}") from error
    except (SafetensorError, OSError, ValueError, RecursionError) as error:
        raise CheckpointError(f"{path} is not readable ({error}): {_REMEDY}") from error
    if not isinstance(facts, dict):
        raise CheckpointError(f"{path} has facts of type {type(facts).__name__}, not dict: {_REMEDY}")
    if network != expected:
        raise CheckpointError(f"{path} was fitted to a network other than the one beside it: {_REMEDY}")
    if not all(torch.isfinite(tensor).all() for tensor in tensors.values()):
        raise CheckpointError(f"{path} holds NaN or infinite values: {_REMEDY}")
    return Fitted(tensors, facts)


def write_all(model: nn.Module, folder: Path) -> None:
    """Store everything that explainers have learnt for a network, and remove files left from a previous network."""
    learnt: dict[str, Fitted] = getattr(model, "fitted", {})
    for path in files(folder):
        if path.stem not in learnt:
            path.unlink(missing_ok=True)
    for name, fitted in learnt.items():
        write(name, fitted, model, folder)


def write(name: str, fitted: Fitted, model: nn.Module, folder: Path) -> None:
    """Store what an explainer has learnt for a network, atomically.

    Args:
        name: of the explainer.
        fitted: the tensors, and facts that JSON can hold.
        model: the network as `siam.load` returns it.
        folder: the network's; created if missing.

    Raises:
        StorageError: it cannot be stored.
    """
    metadata = {"network": fingerprint(model), "facts": json.dumps(fitted.facts, allow_nan=False)}
    content = to_bytes({key: tensor.contiguous() for key, tensor in fitted.tensors.items()}, metadata=metadata)
    write_atomically(folder / f"{name}.safetensors", content)
