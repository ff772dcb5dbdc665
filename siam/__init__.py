"""Semantically Interpretable Activation Maps: what a network saw in a landscape, where, and how much it counted.

The names below are imported on first use, so that `python -m siam --help` and argument errors need not wait for
PyTorch.
"""

from typing import TYPE_CHECKING

from siam.runtime.exports import lazily

if TYPE_CHECKING:
    from siam.archive import score
    from siam.errors import CheckpointError, DatasetError, ImageError, SIAMError
    from siam.explanation import Explanation, explain
    from siam.models import Pair, load, push

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
    "score",
]

__getattr__ = lazily(
    __name__,
    {
        "CheckpointError": "errors",
        "DatasetError": "errors",
        "Explanation": "explanation",
        "ImageError": "errors",
        "Pair": "models",
        "SIAMError": "errors",
        "explain": "explanation",
        "load": "models",
        "push": "models",
        "score": "archive",
    },
    modules=(
        "archive", "comparison", "datasets", "discovery", "drawing", "errors", "evaluation", "explainers",
        "explanation", "figures", "gallery", "images", "models", "reports", "results", "runtime", "training",
    ),
)  # fmt: skip
