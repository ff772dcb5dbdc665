"""Semantically Interpretable Activation Maps: what a network saw in a landscape, where, and how each thing counted."""

from siam.checkpoint import Pair, load
from siam.errors import CheckpointError, DatasetError, ImageError, SIAMError
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
]
