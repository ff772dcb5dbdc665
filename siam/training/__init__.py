"""Training from recipes: heads on frozen features, whole networks, and classifiers of rendered flowers."""

from typing import TYPE_CHECKING

from siam.runtime.exports import lazily

if TYPE_CHECKING:
    from siam.training.pairs import train

__all__ = ["train"]

__getattr__ = lazily(__name__, {"train": "pairs"})
