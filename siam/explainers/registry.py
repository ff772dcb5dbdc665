"""The explainers by name: a new one is a file and a line in `EXPLAINERS`; everything else is read from its class."""

from siam.explainers.ada_sise import AdaSISE
from siam.explainers.base import Description, Explainer, Network
from siam.explainers.cam import CAM
from siam.explainers.eigen_cam import EigenCAM
from siam.explainers.grad_cam import GradCAM
from siam.explainers.grad_cam_pp import GradCAMPP
from siam.explainers.integrated_gradients import IntegratedGradients
from siam.explainers.layer_cam import LayerCAM
from siam.explainers.lcam import LCAMFm, LCAMImg
from siam.explainers.occlusion import Occlusion
from siam.explainers.references import REFERENCES
from siam.explainers.rise import RISE
from siam.explainers.score_cam import ScoreCAM
from siam.explainers.siam_maps import SIAMMap
from siam.explainers.sise import SISE
from siam.explainers.vebi import VEBI
from siam.models.siam import SIAM

EXPLAINERS: dict[str, type[Explainer]] = {  # name -> class, whose fields all have defaults
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
        ValueError: there is none of that name. Whether the network has the attribute is checked when it is called.

    Example:
        >>> from siam.explainers import explainer
        >>> method = explainer("grad_cam")
        >>> method
        GradCAM(layer='backbone')
        >>> method.description.paper
        'Selvaraju et al. 2017'
    """
    family, colon, chosen = name.partition(":")
    if family == "siam" and chosen:
        return SIAMMap(chosen)
    if colon or family not in EXPLAINERS:
        raise ValueError(f"there is no explainer {name!r}: choose one of {', '.join(EXPLAINERS)}, siam:<attribute>")
    return EXPLAINERS[family]()


def names_for(model: Network) -> tuple[str, ...]:
    """Return the names of all explainers that can explain a network.

    SIAM's own maps are for a SIAM, CAM for a baseline, and methods that learn for the baselines they were fitted to.
    """
    kind, learnt = ("siam", {}) if isinstance(model, SIAM) else ("baseline", model.fitted)
    suited = tuple(
        name
        for name, made in EXPLAINERS.items()
        if made.description.networks in ("all", kind) and (not made.description.learner or name in learnt)
    )
    if not isinstance(model, SIAM):
        return suited
    by_attribute = (f"siam:{name}" for name in model.config.attributes)
    return ("siam", *by_attribute, *(name for name in suited if name != "siam"))


def names_that_learn() -> tuple[str, ...]:
    """Return the names of the explainers that must first be fitted to a network, in the order of fitting."""
    return tuple(name for name, made in EXPLAINERS.items() if made.description.learner)


def description(name: str) -> Description:
    """Return the description of an explainer or a reference.

    Raises:
        ValueError: there is none of that name.
    """
    return REFERENCES[name] if name in REFERENCES else explainer(name).description


def title(name: str) -> str:
    """Return an explainer's name in print; "siam:<attribute>" is SIAM's map of that attribute."""
    attribute = name.partition(":")[2]
    return description(name).title + (f": {attribute.replace('_', ' ')}" if attribute else "")
