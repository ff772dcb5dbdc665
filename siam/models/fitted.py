"""What an explainer learns about a network before it can explain it: small tensors, in one file beside the network.

::

    <pair>/<name of the explainer>.safetensors

`python -m siam fit` writes these files, and `siam.load` reads them into `Baseline.fitted`. Each file holds the hash of
its network's weights, so that it cannot be used with another network, and, as JSON, what it was fitted on.

For networks of others `siam.explainers.fit` returns what was learnt; `Fitted.save` and `load_fitted` keep it in a file
of the same kind, wherever you like.
"""

import json
from collections.abc import Callable, Mapping
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
from siam.runtime.files import Write, write_atomically

# the other files in the same folders
_OTHERS = ("siam.safetensors", "baseline.safetensors", "network.safetensors", agreement.FILE)
_SUFFIX = ".safetensors"
_REMEDY = "fit it again with python -m siam fit"
_AGAIN = "fit it again with siam.explainers.fit"


@dataclass(frozen=True, eq=False)
class Fitted:
    """The tensors of one explainer by name, on the CPU, and facts about the fit: see the explainer's module.

    Facts of `siam.explainers.fit` name "explainer", "target", "layer" or "layers", the class of the network as "model",
    and the hash of its weights as "network".
    """

    tensors: dict[str, Tensor]
    facts: dict[str, Any]

    def __repr__(self) -> str:
        return f"Fitted({self.facts.get('explainer', 'an explainer')}, to {fitted_what(self.facts)})"

    def save(self, path: str | Path) -> None:
        """Store what `siam.explainers.fit` returned in one file, atomically.

        Args:
            path: ends in .safetensors; its folder is created if missing.

        Raises:
            ValueError: the path ends otherwise, or this comes from elsewhere and does not say for which network it is.
            StorageError: it cannot be stored.
        """
        path = Path(path)
        if path.suffix != _SUFFIX:
            raise ValueError(f"{path} does not end in {_SUFFIX}: choose a name that does")
        if "network" not in self.facts:
            raise ValueError("this does not say to which network it was fitted: python -m siam fit stores it")
        _write_file(path, self, self.facts["network"])


def fitted_what(facts: Mapping[str, Any]) -> str:
    """Say in a few words to what something was fitted, from its facts."""
    return f"{facts.get('target', 'the score')} of a {facts.get('model', 'Baseline')}"


def load_fitted(path: str | Path, model: nn.Module) -> Fitted:
    """Return what `Fitted.save` stored.

    Args:
        path: the file.
        model: the network that it was fitted to.

    Raises:
        CheckpointError: the file is missing or damaged, or was fitted to a network with other weights.
    """
    path = Path(path)
    if not path.is_file():
        raise CheckpointError(f"{path} does not exist: give a file that was stored with save()")
    fitted, network = _content(path, _AGAIN)
    if network != fingerprint(model):
        raise CheckpointError(
            f"{path} was fitted to {fitted_what(fitted.facts)} with other weights than this {type(model).__name__}: "
            f"give that network, or {_AGAIN}"
        )
    return fitted


def fitted_to(model: object, name: str) -> Fitted:
    """Return what the explainer `name` has learnt for a network.

    Raises:
        ValueError: it has not been fitted to this network.
    """
    learnt: dict[str, Fitted] = getattr(model, "fitted", {})
    if name not in learnt:
        raise ValueError(
            f"{name} must be fitted to a network before it can explain it, and has not been fitted to this "
            f"{type(model).__name__}: see python -m siam fit --help for a baseline, siam.explainers.fit for others"
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
            learnt[path.stem] = _read_beside(path, network)
        except CheckpointError as error:
            if on_problem is None:
                raise
            on_problem(" ".join(str(error).split()))
    return learnt


def _read_beside(path: Path, expected: str) -> Fitted:
    """Return the content of one file; a `CheckpointError` if it is damaged or has another fingerprint."""
    fitted, network = _content(path, _REMEDY)
    if network != expected:
        raise CheckpointError(f"{path} was fitted to a network other than the one beside it: {_REMEDY}")
    return fitted


def _content(path: Path, remedy: str) -> tuple[Fitted, str]:
    """Return the content of one file and the fingerprint of its network; a `CheckpointError` if it is damaged."""
    try:
        with safe_open(path, "pt") as stored:
            metadata = stored.metadata() or {}
            tensors = {key: stored.get_tensor(key) for key in stored.keys()}  # noqa: SIM118 - it is no dictionary
        network, facts = metadata["network"], json.loads(metadata["facts"])
    except KeyError as error:
        raise CheckpointError(f"{path} lacks its {error.args[0]}: {remedy}") from error
    except (SafetensorError, OSError, ValueError, RecursionError) as error:
        raise CheckpointError(f"{path} is not readable ({error}): {remedy}") from error
    if not isinstance(facts, dict):
        raise CheckpointError(f"{path} has facts of type {type(facts).__name__}, not dict: {remedy}")
    if not all(torch.isfinite(tensor).all() for tensor in tensors.values()):
        raise CheckpointError(f"{path} holds NaN or infinite values: {remedy}")
    return Fitted(tensors, facts), network


def write_all(model: nn.Module, folder: Path, store: Write = write_atomically) -> None:
    """Store everything that explainers have learnt for a network, and remove files left from a previous network."""
    learnt: dict[str, Fitted] = getattr(model, "fitted", {})
    for name, fitted in learnt.items():
        write(name, fitted, model, folder, store)
    for path in files(folder):
        if path.stem not in learnt:
            path.unlink(missing_ok=True)


def write(name: str, fitted: Fitted, model: nn.Module, folder: Path, store: Write = write_atomically) -> None:
    """Store what an explainer has learnt for a network, atomically.

    Args:
        name: of the explainer.
        fitted: the tensors, and facts that JSON can hold.
        model: the network as `siam.load` returns it.
        folder: the network's; created if missing.
        store: writes a file.

    Raises:
        StorageError: it cannot be stored.
    """
    _write_file(folder / f"{name}{_SUFFIX}", fitted, fingerprint(model), store)


def _write_file(path: Path, fitted: Fitted, network: str, store: Write = write_atomically) -> None:
    metadata = {"network": network, "facts": json.dumps(fitted.facts, allow_nan=False)}
    content = to_bytes({key: tensor.contiguous() for key, tensor in fitted.tensors.items()}, metadata=metadata)
    store(path, content)
