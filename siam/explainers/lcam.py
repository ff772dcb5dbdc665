"""L-CAM: a 1x1 convolution, trained for one network, shows in a single pass where its score comes from.

::

    z[n, i, j] = sum_c  v_c A[n, c, i, j] + b,        M = unit(z)

A is the last feature map. v and b were learnt so that the network keeps its score behind the mask sigmoid(z) while the
mask stays small: see `siam.explainers.fitting.lcam`. unit() scales each map from its lowest and highest value to 0 and
1; a constant one becomes 0. As in the paper it is applied to z itself: the sigmoid is used only in training.

- Fm and Img differ in training: Fm masked the features, Img the picture.
- The loss penalises any change of the score, up or down, so one v serves the score and minus the score: the map shows
  what the score rests on, not what raises it. It is defined for no other target.
- Of a network of another make A is the last map before pooling (`siam.explainers.layers`), or a layer of your choice,
  and the score is the target that `siam.explainers.fit` was given, such as a class's logit.

I. Gkartzonika, N. Gkalelis, V. Mezaris, "Learning Visual Explanations for DCNN-Based Image Classifiers Using an
Attention Mechanism", ECCV Workshops 2022, arXiv:2209.11189.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from siam.explainers.base import Description, Kind, Model, Progress, Target, prepared, quiet, to_unit, untouched
from siam.explainers.layers import Reshape, last_layer, maps_of
from siam.explainers.learnt import learnt_for, sign_of
from siam.models.fitted import Fitted

_CONTROLS = {"constant": "an even grey mask", "centre": "a spot in the middle"}  # `siam.explainers.fitting.lcam`


@dataclass(frozen=True)
class LCAMFm:
    """L-CAM trained with masked feature maps; its maps have the size of the last one.

    Attributes:
        learnt: what `siam.explainers.fit` learnt for the network; by default what a baseline has in its `fitted`.
        reshape: how the layer's output becomes maps (N, C, h, w), if it was fitted with that.
    """

    kind: ClassVar[Kind] = "features"
    signed: ClassVar[bool] = False
    slow: ClassVar[bool] = False
    description: ClassVar[Description] = Description(
        title="L-CAM-Fm",
        paper="Gkartzonika, Gkalelis, Mezaris 2022",
        link="https://arxiv.org/abs/2209.11189",
        idea="A small attention layer, trained once to hide features without changing the score.",
        colour="#7F8C3B",
        networks="baseline",
        learner="siam.explainers.fitting.lcam",
        pattern="what the score rests on",
    )

    learnt: Fitted | None = None
    reshape: Reshape | None = None

    def passes(self, model: Model, height: int, width: int) -> int:
        """Return 1."""
        return 1

    def __call__(self, model: Model, images: Tensor, target: Target, progress: Progress = quiet) -> Tensor:
        """Return maps (N, h, w) in [0, 1]; they are the same for the target and minus the target.

        Raises:
            ValueError: "lcam_fm" was not fitted to this network, or to this target: of a baseline, the score.
        """
        return _maps("lcam_fm", self.learnt, self.reshape, model, images, target)


@dataclass(frozen=True)
class LCAMImg:
    """L-CAM trained with masked pictures; its maps have the size of the last feature map.

    Attributes:
        learnt: as for `LCAMFm`.
        reshape: likewise.
    """

    kind: ClassVar[Kind] = "features"
    signed: ClassVar[bool] = False
    slow: ClassVar[bool] = False
    description: ClassVar[Description] = Description(
        title="L-CAM-Img",
        paper="Gkartzonika, Gkalelis, Mezaris 2022",
        link="https://arxiv.org/abs/2209.11189",
        idea="The same attention, trained to hide parts of the photo itself.",
        colour="#7F8C3B",
        dash="dash",
        networks="baseline",
        learner="siam.explainers.fitting.lcam",
        pattern="what the score rests on",
    )

    learnt: Fitted | None = None
    reshape: Reshape | None = None

    def passes(self, model: Model, height: int, width: int) -> int:
        """Return 1."""
        return 1

    def __call__(self, model: Model, images: Tensor, target: Target, progress: Progress = quiet) -> Tensor:
        """Return maps (N, h, w) in [0, 1]; they are the same for the target and minus the target.

        Raises:
            ValueError: "lcam_img" was not fitted to this network, or to this target: of a baseline, the score.
        """
        return _maps("lcam_img", self.learnt, self.reshape, model, images, target)


def doubt(title: str, facts: Mapping[str, Any]) -> str:
    """Say in one sentence that a head's masks are not clearly better than some that look at nothing; "" if they are.

    Args:
        title: the method's.
        facts: of what was fitted, with the figures of the held-out pictures; nothing is said of one without controls.
    """
    held_out = facts.get("held_out", {})
    controls = held_out.get("controls", {})
    equal = [control for control in _CONTROLS if control in controls and controls[control]["interval"][0] <= 0]
    classes = "kept_probability" in held_out
    key = "kept_probability" if classes else "kept_score_variance"
    if not equal or held_out.get(key) is None:
        return ""
    others = " and ".join(f"{_CONTROLS[control]} {100 * controls[control][key]:.0f} %" for control in equal)
    what = "the class's probability" if classes else "the score's variance"
    return (
        f"On {held_out['pictures']} pictures kept aside, {title}'s masks keep {100 * held_out[key]:.0f} % of {what}, "
        f"and with the same area {others}: not clearly better."
    )


def _maps(
    name: str, learnt: Fitted | None, reshape: Reshape | None, model: Model, images: Tensor, target: Target
) -> Tensor:
    learnt = learnt_for(name, name, model, learnt)
    sign_of(name, target, learnt.facts)
    tensors, layer = learnt.tensors, learnt.facts.get("layer")
    if (reshape is None) == learnt.facts.get("reshaped", False):
        raise ValueError(
            f"{name} was fitted with{'out' if reshape else ''} reshape: give {'none' if reshape else 'it'}"
        )
    with untouched(model), torch.no_grad():
        images = prepared(model, images)
        features = maps_of(model, images, last_layer(model, images, target, layer, reshape))  # (N, C, h, w)
        weight, bias = (tensors[key].to(features) for key in ("weight", "bias"))  # (1, C), (1,)
        return to_unit(F.conv2d(features, weight[:, :, None, None], bias)[:, 0])  # (N, h, w)
