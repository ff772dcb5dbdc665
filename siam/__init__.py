"""Semantically Interpretable Activation Maps: what a network saw in a landscape, where, and how each thing counted.

The names below are imported when they are first used, so that `python -m siam --help` and a bad argument answer at once
instead of after the seconds that PyTorch takes.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from siam.errors import CheckpointError, DatasetError, ImageError, SIAMError
    from siam.explanation.inference import Explanation, explain
    from siam.models.checkpoint import Pair, load
    from siam.models.publishing import push

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
    "Explanation": "explanation.inference",
    "ImageError": "errors",
    "Pair": "models.checkpoint",
    "SIAMError": "errors",
    "explain": "explanation.inference",
    "load": "models.checkpoint",
    "push": "models.publishing",
}
_PACKAGES = {
    "comparison", "datasets", "drawing", "errors", "evaluation", "explainers", "explanation", "figures", "gallery",
    "images", "models", "reports", "results", "runtime", "training",
}  # fmt: skip


def __getattr__(name: str) -> object:
    if name in _HOMES:
        return getattr(import_module(f"siam.{_HOMES[name]}"), name)
    if name in _PACKAGES:
        return import_module(f"siam.{name}")
    raise AttributeError(f"module 'siam' has no attribute {name!r}")
