"""What explainers learn for one baseline before they can explain it: small tensors, one file beside the network.

    <pair>/<name of the explainer>.safetensors

`python -m siam fit` writes them, `siam.load` puts them into `Baseline.fitted`. Each file names its network by
the hash of the weights, so that it cannot stand beside another, and tells as JSON what it was fitted on.
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
from siam.models.identity import fingerprint
from siam.runtime.files import write_atomically

_NETWORKS = ("siam.safetensors", "baseline.safetensors", "network.safetensors")  # which stand in the same folders
_REMEDY = "fit it again by python -m siam fit"


@dataclass(frozen=True, eq=False)
class Fitted:
    """The tensors of one explainer on the CPU, by name, and what they were fitted on: see the explainer's file."""

    tensors: dict[str, Tensor]
    facts: dict[str, Any]


def fitted_to(model: nn.Module, name: str) -> Fitted:
    """Return what the explainer `name` has learnt for a network.

    Raises:
        ValueError: it has learnt nothing for this one.
    """
    learnt: dict[str, Fitted] = getattr(model, "fitted", {})
    if name not in learnt:
        raise ValueError(
            f"{name} must be fitted to a network before it explains it, and was not fitted to this "
            f"{type(model).__name__}: python -m siam fit --help (for baselines only)"
        )
    return learnt[name]


def files(folder: Path) -> list[Path]:
    """Return the files beside a network that hold what was fitted to one, in the order of their names.

    Other programs' safetensors files are not among them: what is fitted here tells its network and its facts. Files
    that cannot be read are, so that they are missed by somebody.
    """
    candidates = (path for path in sorted(folder.glob("*.safetensors")) if path.name not in _NETWORKS)
    return [path for path in candidates if _may_be_fitted(path)]


def _may_be_fitted(path: Path) -> bool:
    try:
        with safe_open(path, "pt") as stored:
            return bool({"network", "facts"} & (stored.metadata() or {}).keys())
    except (SafetensorError, OSError):
        return True


def read(folder: Path, model: nn.Module, on_problem: Callable[[str], None] | None = None) -> dict[str, Fitted]:
    """Return what was fitted to a network, from the files in its folder that are there.

    Args:
        folder: the network's.
        model: the network.
        on_problem: told, in one line, why a file is left out; by default such a file is an error.

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
    """Return what one file holds; a `CheckpointError` where it is not whole, or not of the `expected` fingerprint."""
    try:
        with safe_open(path, "pt") as stored:
            metadata = stored.metadata() or {}
            tensors = {key: stored.get_tensor(key) for key in stored.keys()}  # noqa: SIM118 - it is no dictionary
        network, facts = metadata["network"], json.loads(metadata["facts"])
    except KeyError as error:
        raise CheckpointError(f"{path} does not tell its {error.args[0]}: {_REMEDY}") from error
    except (SafetensorError, OSError, ValueError, RecursionError) as error:
        raise CheckpointError(f"{path} is not readable ({error}): {_REMEDY}") from error
    if not isinstance(facts, dict):
        raise CheckpointError(f"{path} has facts of type {type(facts).__name__}, not dict: {_REMEDY}")
    if network != expected:
        raise CheckpointError(f"{path} was fitted to another network than the one beside it: {_REMEDY}")
    if not all(torch.isfinite(tensor).all() for tensor in tensors.values()):
        raise CheckpointError(f"{path} holds NaN or infinite values: {_REMEDY}")
    return Fitted(tensors, facts)


def write_all(model: nn.Module, folder: Path) -> None:
    """Store all that explainers have learnt for a baseline, and remove what they had learnt for another before it."""
    learnt: dict[str, Fitted] = getattr(model, "fitted", {})
    for path in files(folder):
        if path.stem not in learnt:
            path.unlink(missing_ok=True)
    for name, fitted in learnt.items():
        write(name, fitted, model, folder)


def write(name: str, fitted: Fitted, model: nn.Module, folder: Path) -> None:
    """Store what an explainer has learnt for a network in the network's folder, whole or not at all.

    Args:
        name: of the explainer.
        fitted: its facts must be JSON.
        model: the network as `siam.load` returns it.
        folder: made if missing.

    Raises:
        StorageError: it cannot be stored.
    """
    metadata = {"network": fingerprint(model), "facts": json.dumps(fitted.facts, allow_nan=False)}
    content = to_bytes({key: tensor.contiguous() for key, tensor in fitted.tensors.items()}, metadata=metadata)
    write_atomically(folder / f"{name}.safetensors", content)
