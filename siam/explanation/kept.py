"""What a pair makes of photos, computed once: kept in the user's cache, by the networks and the photos' content."""

import hashlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file
from safetensors.numpy import save as to_bytes

from siam.errors import StorageError
from siam.models.checkpoint import Pair
from siam.models.identity import identity
from siam.runtime.files import keep_below, write_atomically
from siam.runtime.paths import user_cache

_MOST = 2_000_000_000  # bytes of each kind


def kept(pair: Pair, kind: str, sha256: Sequence[str], make: Callable[[], np.ndarray]) -> np.ndarray:
    """Return an array of n photos, (n, …), as it is kept, or as it is made; with NaN in it, it is not kept.

    Where the cache is full or cannot be written, it is made each time.

    Args:
        pair: the networks that make it.
        kind: what it holds, in one word.
        sha256: (n,) of the photos' content, in hexadecimal digits; with a "" among them, nothing is kept.
        make: computes it.

    """
    path = _path(pair, kind, sha256)
    stored = None if path is None else _stored(path)
    if stored is not None and len(stored) == len(sha256):
        return stored
    made = make()
    if path is not None and not np.isnan(made).any():
        with suppress(StorageError, OSError):
            write_atomically(path, to_bytes({"values": made}))
            keep_below(path.parent, _MOST)
    return made


def _path(pair: Pair, kind: str, sha256: Sequence[str]) -> Path | None:
    if not all(sha256):
        return None
    key = hashlib.sha256(identity(pair, learnt=False).encode())
    for one in sha256:
        key.update(bytes.fromhex(one))
    return user_cache() / kind / f"{key.hexdigest()[:32]}.safetensors"


def _stored(path: Path) -> np.ndarray | None:
    try:
        return load_file(path).get("values")
    except (OSError, SafetensorError):  # not there, or damaged: it is made again
        return None
