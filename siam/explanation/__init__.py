"""Explanations of photos: what SIAM sees, where, and exactly how much each attribute adds to the score."""

from typing import TYPE_CHECKING

from siam.runtime.exports import lazily

if TYPE_CHECKING:
    from siam.explanation.batch import predict
    from siam.explanation.inference import Explanation, explain

__all__ = ["Explanation", "explain", "predict"]

__getattr__ = lazily(__name__, {"Explanation": "inference", "explain": "inference", "predict": "batch"})
