"""Explainers: one method, one file, one paper, one line in `registry`; `base` defines their contract.

All are written here, with PyTorch alone. torchcam accepts only networks that return a tensor and cannot be cancelled,
importing captum loads matplotlib, and both require matplotlib, all for a few lines of arithmetic each.
"""

from siam.explainers.attribution import Attribution, attribute_photo
from siam.explainers.faithfulness import Faithfulness, faithfulness
from siam.explainers.layers import layers
from siam.explainers.registry import EXPLAINERS, explainer, names_for
from siam.explainers.targets import attribute, output, probability, score_down, score_up

__all__ = [
    "EXPLAINERS",
    "Attribution",
    "Faithfulness",
    "attribute",
    "attribute_photo",
    "explainer",
    "faithfulness",
    "layers",
    "names_for",
    "output",
    "probability",
    "score_down",
    "score_up",
]
