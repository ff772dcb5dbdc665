"""Fit an explainer that learns to a target of any network, from a folder of pictures."""

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from torch import nn

from siam.explainers.base import Progress, Target, quiet
from siam.explainers.fitting.subject import Prepare, Subject, pictures_below, usual_preparation
from siam.models.fitted import Fitted

_DEFAULTS: dict[str, dict[str, Any]] = {  # as in recipes/explainers.toml: the papers' are for a million pictures
    "lcam_fm": {"epochs": 30, "learning_rate": 0.02, "decay": 0.93},
    "lcam_img": {"epochs": 3, "learning_rate": 0.02, "batch": 12},
    "vebi": {"mu": 100.0},
}


def fit(
    model: nn.Module,
    folder: str | Path | Sequence[str | Path],
    target: Target,
    explainer: str = "lcam_fm",
    *,
    prepare: Prepare | None = None,
    progress: Progress = quiet,
    **settings: Any,
) -> Fitted:
    """Let L-CAM or VEBI learn what they need to explain one target of a network; no labels are needed.

    Give the result to the explainer, `explainer("lcam_fm", learnt=…)`, and keep it with `Fitted.save`. It belongs to
    this network and this target (or minus the score, if it is a score), and is refused for others. The
    facts say, under "held_out", how well it does on every tenth picture, which it did not learn from.

    Args:
        model: the network; it is left as it was, even after an error.
        folder: a folder of pictures, searched with those in it, or a list of files: twenty or more, better some
            hundreds of the kind that will be explained.
        target: what to explain, such as `output(3)` or `output()`, or a function that has a name.
        explainer: "lcam_fm", "lcam_img" or "vebi".
        prepare: makes the network's input (C, H, W) of an upright RGB Pillow picture. Networks of ours and of timm say
            what they expect, so it can be left out for them.
        progress: called with the passes done and their total; an exception from it ends the work.
        settings: of L-CAM, the fields of `siam.explainers.fitting.settings.Settings`, "layer" and "reshape" as of
            Grad-CAM, and "start", the result of an earlier fit to go on from, which helps "lcam_img"; of VEBI, "mu" and
            "bins" (`siam.explainers.fitting.vebi.fit`).

    Raises:
        ValueError: the explainer does not learn, the network does not say what pictures it expects, `prepare` returns
            something else, or the layer gives no map.
        DatasetError, TrainingError: there are too few pictures, all get the same score, or a setting is wrong.
        ImageError: a picture cannot be read.

    Example:
        >>> from siam.explainers import explainer, fit, output
        >>> from siam.images import preprocess, read_image
        >>> from siam.models import zoo
        >>> from siam.runtime.paths import ASSETS
        >>> network = zoo.load("timm:test_resnet", "random")
        >>> photos = ASSETS / "gallery/open-photos/images"
        >>> learnt = fit(network.model, photos, output(3), pictures=20, epochs=1)
        >>> learnt
        Fitted(lcam_fm, to output(3) of a ResNet)
        >>> image = preprocess(read_image(photos / "lake-boats.jpg"), network.expects)
        >>> tuple(explainer("lcam_fm", learnt=learnt)(network.model, image, output(3)).shape)
        (1, 5, 8)
    """
    from siam.explainers.registry import EXPLAINERS, names_that_learn  # which imports what is fitted here

    learner: Any = import_module(EXPLAINERS[explainer].description.learner) if explainer in names_that_learn() else None
    if not hasattr(learner, "fit_to"):
        raise ValueError(f"{explainer!r} cannot be fitted to any network: choose one of {', '.join(_DEFAULTS)}")
    if not isinstance(model, nn.Module):
        raise ValueError(f"explainers are fitted to networks, and this is a {type(model).__name__}")
    files = pictures_below([Path(folder)]) if isinstance(folder, str | Path) else [Path(path) for path in folder]
    subject = Subject(model, target, files, prepare or usual_preparation(model))
    facts = subject.facts(explainer)  # a target without a name is refused here, before anything is computed
    learnt: Fitted = learner.fit_to(explainer, subject, {**_DEFAULTS.get(explainer, {}), **settings}, progress)
    return Fitted(learnt.tensors, {**facts, **learnt.facts})
