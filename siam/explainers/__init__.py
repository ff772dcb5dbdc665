"""Explainers: one method, one file, one paper, one line in `registry`; `base` defines their contract.

All are written here, with PyTorch alone. torchcam accepts only networks that return a tensor and cannot be cancelled,
importing captum loads matplotlib, and both require matplotlib, all for a few lines of arithmetic each.
"""

from siam.explainers.base import attribute, output, score_down, score_up
from siam.explainers.registry import EXPLAINERS, explainer, names_for

__all__ = ["EXPLAINERS", "attribute", "explainer", "names_for", "output", "score_down", "score_up"]
