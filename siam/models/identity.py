"""Which networks these are: names for them that depend on their numbers alone, never on the objects that hold them.

    identity(pair)     of the exact weights, the configs and what explainers have learnt: the key of every cache
    fingerprint(net)   of the weights in half precision: by it, files name the network that they belong to

Objects are no keys: Python gives the `id` of one that is gone to the next one.
"""

import hashlib
from collections.abc import Iterator
from typing import Protocol
from weakref import WeakKeyDictionary, ref

from torch import Tensor, nn


class Digest(Protocol):
    """What takes bytes in, as the hashes of `hashlib` do."""

    def update(self, data: bytes, /) -> None:
        """Take bytes in."""


class Networks(Protocol):
    """A SIAM and its baseline, as a `siam.models.checkpoint.Pair` has them."""

    # ruff's D102: the class says what they are
    @property
    def siam(self) -> nn.Module: ...  # noqa: D102

    @property
    def baseline(self) -> nn.Module | None: ...  # noqa: D102


# For each object and choice: its configs and the state of its tensors, and its identity as long as they stay so.
_Version = tuple[ref[Tensor], int, int]
_KNOWN: WeakKeyDictionary[object, dict[bool, tuple[list[str], list[_Version], str]]] = WeakKeyDictionary()


def identity(of: nn.Module | Networks, *, learnt: bool = True) -> str:
    """Return a hash of networks; those that are loaded twice have the same, and others have another.

    It is computed once, and again where a config or a tensor was exchanged or changed in place; only what is written
    through `tensor.data` goes unnoticed.

    Args:
        of: one network, or a pair.
        learnt: whether networks differ for which explainers have learnt other things (`fitted`): scores do not.
    """
    together = (of, None) if isinstance(of, nn.Module) else (of.siam, of.baseline)
    networks = [network for network in together if network is not None]
    configs = [repr(getattr(network, "config", None)) for network in networks]
    versions = [_version(tensor) for network in networks for tensor in _tensors(network, learnt)]
    known = _KNOWN.setdefault(of, {})
    if learnt not in known or known[learnt][0] != configs or not _same(known[learnt][1], versions):
        digest = hashlib.sha256()
        for config, network in zip(configs, networks, strict=True):
            digest.update(config.encode())
            take_weights(digest, network)
        if learnt:
            for network in networks:
                take_learnt(digest, network)
        known[learnt] = configs, versions, digest.hexdigest()
    return known[learnt][2]


def fingerprint(network: nn.Module) -> str:
    """Return a hash of a network's weights in half precision, the same on every device and however they are stored.

    Stored files hold it: it must stay as it is.
    """
    digest = hashlib.sha256()
    for name, tensor in sorted(network.state_dict().items()):
        digest.update(name.encode() + tensor.detach().half().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def record_name(baseline: nn.Module, siam: nn.Module | None) -> str:
    """Return by what records of a comparison name its networks: fingerprints, and what explainers have learnt.

    Stored files hold it: it must stay as it is.
    """
    digest = hashlib.sha256()
    for network in (baseline, siam):
        digest.update(b"" if network is None else fingerprint(network).encode())
    take_learnt(digest, baseline)
    return digest.hexdigest()[:16]


def take_weights(digest: Digest, network: nn.Module) -> None:
    """Let a hash take in the exact weights of a network."""
    for name, tensor in network.state_dict().items():
        digest.update(name.encode() + _bytes(tensor))


def take_learnt(digest: Digest, network: nn.Module) -> None:
    """Let a hash take in what explainers have learnt for a network; nothing where that is nothing."""
    for name, fitted in sorted(getattr(network, "fitted", {}).items()):
        for key, tensor in sorted(fitted.tensors.items()):
            digest.update(f"{name} {key}".encode() + _bytes(tensor))


def _bytes(tensor: Tensor) -> bytes:
    return tensor.detach().cpu().contiguous().numpy().tobytes()


def _tensors(network: nn.Module, learnt: bool) -> Iterator[Tensor]:
    yield from network.parameters()
    yield from network.buffers()
    if learnt:
        for fitted in getattr(network, "fitted", {}).values():
            yield from fitted.tensors.values()


def _version(tensor: Tensor) -> _Version:
    """Return what becomes another when a tensor is exchanged, moved, or changed in place."""
    return ref(tensor), 0 if tensor.is_inference() else tensor._version, tensor.data_ptr()


def _same(before: list[_Version], now: list[_Version]) -> bool:
    """Return whether these are the same tensors, unchanged; two references would compare the tensors' numbers."""
    return len(before) == len(now) and all(
        old() is new() and of_old == of_new for (old, *of_old), (new, *of_new) in zip(before, now, strict=True)
    )
