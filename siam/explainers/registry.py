"""The explainers by name: a new one is a file and a line in `EXPLAINERS`; everything else is read from its class."""

from dataclasses import fields
from typing import Any

from torch import nn

from siam.explainers.ada_sise import AdaSISE
from siam.explainers.base import Description, Explainer, Model
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


def explainer(name: str, **settings: Any) -> Explainer:
    """Return the explainer of that name; "siam:<attribute>" gives that attribute's map.

    Args:
        name: one of `EXPLAINERS`, or "siam:<attribute>".
        settings: fields of the explainer's class, such as `layer`; by default each has its own.

    Raises:
        ValueError: there is none of that name, or it has no such setting. Whether the network has the attribute is
            checked when it is called.

    Example:
        >>> from siam.explainers import explainer
        >>> method = explainer("grad_cam")
        >>> method
        GradCAM(layer=None, reshape=None)
        >>> method.description.paper
        'Selvaraju et al. 2017'
    """
    family, colon, chosen = name.partition(":")
    if family == "siam" and chosen:
        return _made(name, SIAMMap, {**settings, "attribute": chosen})
    if colon or family not in EXPLAINERS:
        raise ValueError(f"there is no explainer {name!r}: choose one of {', '.join(EXPLAINERS)}, siam:<attribute>")
    return _made(name, EXPLAINERS[family], settings)


def _made(name: str, made: type[Explainer], settings: dict[str, Any]) -> Explainer:
    known = [field.name for field in fields(made)]  # type: ignore[arg-type]  # they are dataclasses
    unknown = [setting for setting in settings if setting not in known]
    if unknown:
        raise ValueError(f"{name} has no setting {unknown[0]!r}: choose among {', '.join(known) or 'none'}")
    return made(**settings)


def name_of_explainer(method: Explainer) -> str:
    """Return the name of an explainer, whatever its settings; of a class that is not in `EXPLAINERS`, the class's."""
    chosen = getattr(method, "attribute", None)
    names = (name for name, made in EXPLAINERS.items() if made is type(method))
    return next(names, type(method).__name__) + (f":{chosen}" if chosen else "")


def names_for(model: Model) -> tuple[str, ...]:
    """Return the names of all explainers that can explain a network.

    SIAM's own maps are for a SIAM, CAM for other networks, and methods that learn for those that they were fitted to.
    A function of images that is no network can be explained by those that only alter pictures.
    """
    if not isinstance(model, nn.Module):
        return ("occlusion", "rise")
    kind, learnt = ("siam", {}) if isinstance(model, SIAM) else ("baseline", getattr(model, "fitted", {}))
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
