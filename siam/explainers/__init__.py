"""Explainers: one method, one file, one paper, one line in `registry`; `base` defines their contract.

All are written here, with PyTorch alone. torchcam accepts only networks that return a tensor and cannot be cancelled,
importing captum loads matplotlib, and both require matplotlib, all for a few lines of arithmetic each.
"""

from siam.explainers.attribution import Attribution, attribute_photo
from siam.explainers.faithfulness import Faithfulness, faithfulness
from siam.explainers.fitting.any_network import fit
from siam.explainers.layers import layers
from siam.explainers.registry import EXPLAINERS, explainer, names_for
from siam.explainers.targets import attribute, output, probability, score_down, score_up
from siam.models.fitted import Fitted, load_fitted

__all__ = [
    "EXPLAINERS",
    "Attribution",
    "Faithfulness",
    "Fitted",
    "attribute",
    "attribute_photo",
    "explainer",
    "faithfulness",
    "fit",
    "layers",
    "load_fitted",
    "names_for",
    "output",
    "probability",
    "score_down",
    "score_up",
]
