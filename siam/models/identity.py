"""Hashes that identify networks by their numbers, never by the objects that hold them.

::

    identity(pair)     hash of exact weights, configs, what explainers have learnt, the templates of the folds, how
                       well attributes are recognised and how far to trust scores: the key of every cache; of the
                       files, while it is as they are
    fingerprint(net)   hash of the weights in half precision: files use it to name the network they belong to

The `id` of an object would be no key: Python reuses it once the object is gone.
"""

import hashlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Protocol
from weakref import WeakKeyDictionary, ref

if TYPE_CHECKING:
    from torch import Tensor, nn

    from siam.models.checkpoint import Pair, Stored
    from siam.models.csib import CSIB
    from siam.models.doubt import Doubt


class Digest(Protocol):
    """Anything that takes in bytes as the hashes of `hashlib` do."""

    def update(self, data: bytes, /) -> None:
        """Take bytes in."""


class Networks(Protocol):
    """Anything with a SIAM and a baseline, such as a `siam.models.checkpoint.Pair`."""

    # no docstrings of their own (ruff's D102): the class describes them
    @property
    def siam(self) -> "nn.Module": ...  # noqa: D102

    @property
    def baseline(self) -> "nn.Module | None": ...  # noqa: D102


# For each object and value of `learnt`: its configs and recognition, the state of its tensors, and the identity that
# holds for these.
Version = tuple["ref[Tensor]", int, int]
_KNOWN: WeakKeyDictionary[object, dict[bool, tuple[list[str], list[Version], str]]] = WeakKeyDictionary()
_FINGERPRINTS: "WeakKeyDictionary[nn.Module, tuple[list[Version], str]]" = WeakKeyDictionary()


def identity(of: "nn.Module | Networks", *, learnt: bool = True) -> str:
    """Return a hash that is the same for the same networks, however often they are loaded, and differs for others.

    It is computed once, and again only after a config or a tensor was replaced or changed in place; writes through
    `tensor.data` go unnoticed.

    Args:
        of: one network, or a pair.
        learnt: whether to include that on which scores do not depend: what explainers have learnt (`fitted`), and a
            pair's `fold_templates`, `recognition`, `doubt` and `csib`.
    """
    files: Stored | None = getattr(of, "files", None)
    if files is not None and not getattr(of, "built", True):
        return files.key if learnt else files.scores_key
    networks = _networks(of)
    stated, versions = _state(of, learnt)
    folds: Tensor | None = getattr(of, "fold_templates", None) if learnt else None
    known = _KNOWN.setdefault(of, {})
    if learnt not in known or known[learnt][0] != stated or not same(known[learnt][1], versions):
        digest = hashlib.sha256()
        for config, network in zip(stated, networks, strict=False):
            digest.update(config.encode())
            take_weights(digest, network)
        if stated[-1] != repr(None):
            digest.update(stated[-1].encode())
        if folds is not None:
            digest.update(b"folds" + _bytes(folds))
        if learnt:
            for network in networks:
                take_learnt(digest, network)
        known[learnt] = stated, versions, digest.hexdigest()
    return known[learnt][2]


def remember(pair: "Pair", key: str, scores_key: str) -> None:
    """Make hashes of a pair's files its identities, with and without what is learnt, until something is changed."""
    _KNOWN[pair] = {learnt: (*_state(pair, learnt), given) for learnt, given in ((True, key), (False, scores_key))}


def _networks(of: "nn.Module | Networks") -> "list[nn.Module]":
    together: Any = (of.siam, of.baseline) if hasattr(of, "siam") else (of, None)
    return [network for network in together if network is not None]


def _state(of: "nn.Module | Networks", learnt: bool) -> tuple[list[str], list[Version]]:
    """Return configs, and recognition with doubt and CSIB, as text, and the versions of all tensors."""
    networks = _networks(of)
    configs = [repr(getattr(network, "config", None)) for network in networks]
    versions = [version(tensor) for network in networks for tensor in _tensors(network, learnt)]
    folds: Tensor | None = getattr(of, "fold_templates", None) if learnt else None
    recognition = getattr(of, "recognition", None) if learnt else None
    if folds is not None:
        versions.append(version(folds))
    doubt: Doubt | None = getattr(of, "doubt", None) if learnt else None
    csib: CSIB | None = getattr(of, "csib", None) if learnt else None
    digests = [known.digest for known in (doubt, csib) if known is not None]
    return [*configs, "".join([repr(recognition or None), *digests])], versions


def fingerprint(network: "nn.Module") -> str:
    """Return a hash of a network's weights rounded to half precision, the same on every device.

    It is stored in files, so it must never change.
    """
    digest = hashlib.sha256()
    for name, tensor in sorted(network.state_dict().items()):
        digest.update(name.encode() + tensor.detach().half().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def known_fingerprint(network: "nn.Module") -> str:
    """Return the fingerprint, computed again only after a change, which is noticed as `identity` notices it."""
    versions = [version(tensor) for tensor in _tensors(network, learnt=False)]
    known = _FINGERPRINTS.get(network)
    if known is None or not same(known[0], versions):
        known = _FINGERPRINTS[network] = versions, fingerprint(network)
    return known[1]


def record_name(network: "nn.Module") -> str:
    """Return the name of a network in the records of a comparison: a hash of its fingerprint and what was learnt.

    It is stored in files, so it must never change.
    """
    digest = hashlib.sha256(fingerprint(network).encode())
    take_learnt(digest, network)
    return digest.hexdigest()[:16]


def take_weights(digest: Digest, network: "nn.Module") -> None:
    """Add the exact weights of a network to a hash."""
    for name, tensor in network.state_dict().items():
        digest.update(name.encode() + _bytes(tensor))


def take_learnt(digest: Digest, network: "nn.Module") -> None:
    """Add what explainers have learnt for a network to a hash; this may be nothing."""
    for name, fitted in sorted(getattr(network, "fitted", {}).items()):
        for key, tensor in sorted(fitted.tensors.items()):
            digest.update(f"{name} {key}".encode() + _bytes(tensor))


def _bytes(tensor: "Tensor") -> bytes:
    return tensor.detach().cpu().contiguous().numpy().tobytes()


def _tensors(network: "nn.Module", learnt: bool) -> "Iterator[Tensor]":
    yield from network.parameters()
    yield from network.buffers()
    if learnt:
        for fitted in getattr(network, "fitted", {}).values():
            yield from fitted.tensors.values()


def version(tensor: "Tensor") -> Version:
    """Return a value that changes when a tensor is replaced, moved or changed in place."""
    return ref(tensor), 0 if tensor.is_inference() else tensor._version, tensor.data_ptr()


def same(before: list[Version], now: list[Version]) -> bool:
    """Return whether these are the same tensors, unchanged; comparing references with == would compare the numbers."""
    return len(before) == len(now) and all(
        old() is new() and of_old == of_new for (old, *of_old), (new, *of_new) in zip(before, now, strict=True)
    )
