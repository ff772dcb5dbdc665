"""Semantically Interpretable Activation Maps: what a network saw in a landscape, where, and how each thing counted.

The names below are imported when they are first used, so that `python -m siam --help` and a bad argument answer at once
instead of after the seconds that PyTorch takes.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from siam.checkpoint import Pair, load
    from siam.errors import CheckpointError, DatasetError, ImageError, SIAMError
    from siam.hub import push
    from siam.inference import Explanation, explain

__all__ = [
    "CheckpointError",
    "DatasetError",
    "Explanation",
    "ImageError",
    "Pair",
    "SIAMError",
    "explain",
    "load",
    "push",
]

_HOMES = {
    "CheckpointError": "errors",
    "DatasetError": "errors",
    "Explanation": "inference",
    "ImageError": "errors",
    "Pair": "checkpoint",
    "SIAMError": "errors",
    "explain": "inference",
    "load": "checkpoint",
    "push": "hub",
}
_MODULES = {"checkpoint", "errors", "hub", "images", "inference", "model", "official", "visualization"}


def __getattr__(name: str) -> object:
    if name in _HOMES:
        return getattr(import_module(f"siam.{_HOMES[name]}"), name)
    if name in _MODULES:
        return import_module(f"siam.{name}")
    raise AttributeError(f"module 'siam' has no attribute {name!r}")
