"""Explainers: one method, one file, one paper, one line in `registry`; `base` has their contract.

Written here in full, with PyTorch alone: torchcam takes only networks that return a tensor and cannot be stopped
half-way, importing captum loads matplotlib, and both need it installed, for a few lines of arithmetic each.
"""

from siam.explainers.base import attribute, output, score_down, score_up
from siam.explainers.registry import EXPLAINERS, explainer, names_for

__all__ = ["EXPLAINERS", "attribute", "explainer", "names_for", "output", "score_down", "score_up"]
