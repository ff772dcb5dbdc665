"""Explainers: one method, one file, one paper; `base` has their contract.

Written here in full, with PyTorch alone: torchcam takes only networks that return a tensor and cannot be stopped
half-way, importing captum loads matplotlib, and both need it installed, for a few lines of arithmetic each.
"""

from siam.explainers.ada_sise import AdaSISE
from siam.explainers.base import Explainer, Network, attribute, score_down, score_up
from siam.explainers.cam import CAM
from siam.explainers.eigen_cam import EigenCAM
from siam.explainers.grad_cam import GradCAM
from siam.explainers.grad_cam_pp import GradCAMPP
from siam.explainers.integrated_gradients import IntegratedGradients
from siam.explainers.layer_cam import LayerCAM
from siam.explainers.lcam import LCAMFm, LCAMImg
from siam.explainers.occlusion import Occlusion
from siam.explainers.rise import RISE
from siam.explainers.score_cam import ScoreCAM
from siam.explainers.siam_maps import SIAMMap
from siam.explainers.sise import SISE
from siam.explainers.vebi import VEBI
from siam.models.fitted import NAMES
from siam.models.siam import SIAM

__all__ = ["EXPLAINERS", "attribute", "explainer", "names_for", "score_down", "score_up"]

EXPLAINERS = {  # name -> class, whose fields all have defaults
    "siam": SIAMMap,  # also "siam:<attribute>", for one attribute's map
    "cam": CAM,
    "grad_cam": GradCAM,
    "grad_cam_pp": GradCAMPP,
    "layer_cam": LayerCAM,
    "score_cam": ScoreCAM,
    "eigen_cam": EigenCAM,
    "occlusion": Occlusion,
    "integrated_gradients": IntegratedGradients,
    "rise": RISE,
    "sise": SISE,
    "ada_sise": AdaSISE,
    "lcam_fm": LCAMFm,
    "lcam_img": LCAMImg,
    "vebi": VEBI,
}


def explainer(name: str) -> Explainer:
    """Return the explainer of that name with its default settings; "siam:<attribute>" gives that attribute's map.

    Raises:
        ValueError: there is none of that name. Whether the network has the attribute shows when it is called.
    """
    family, colon, chosen = name.partition(":")
    if family == "siam" and chosen:
        return SIAMMap(chosen)
    if colon or family not in EXPLAINERS:
        raise ValueError(f"no explainer is called {name!r}: choose one of {', '.join(EXPLAINERS)}, siam:<attribute>")
    return EXPLAINERS[family]()


def names_for(model: Network) -> tuple[str, ...]:
    """Return the names of all explainers that a network can be explained by.

    SIAM's own is for SIAM; CAM is for baselines, and so is what must be fitted first, where it was.
    """
    if not isinstance(model, SIAM):
        absent = {"siam", *NAMES} - model.fitted.keys()
        return tuple(name for name in EXPLAINERS if name not in absent)
    own = [f"siam:{name}" for name in model.config.attributes]
    return ("siam", *own, *(name for name in EXPLAINERS if name not in ("siam", "cam", *NAMES)))
