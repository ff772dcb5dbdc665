"""How L-CAM's heads are trained (`siam.lcam_training`): the settings, and how a recipe says them."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from siam.errors import TrainingError


@dataclass(frozen=True)
class Settings:
    """How a head is trained; the defaults are the paper's for ResNet-50.

    Attributes:
        pictures: at most so many are taken, drawn at random; 0: all.
        epochs: how often each is seen.
        batch: pictures in a step.
        learning_rate: of the first epoch.
        decay: what the learning rate is multiplied by after each epoch.
        weight_decay: of SGD.
        fidelity_weight: of E.
        area_weight: of the masks' size.
        variation_weight: of TV.
        seed: of the pictures' choice, order and views.
        start: the name of a fitted head to start from, or "".
        image_size: of the training pictures' short side, in px; 0: the network's own. Smaller ones are quicker.
    """

    pictures: int = 0
    epochs: int = 26
    batch: int = 64
    learning_rate: float = 1e-4
    decay: float = 0.95
    weight_decay: float = 5e-4
    fidelity_weight: float = 1.5
    area_weight: float = 2.0
    variation_weight: float = 0.01
    seed: int = 0
    start: str = ""
    image_size: int = 0


def settings_from(section: Mapping[str, Any]) -> Settings:
    """Return the settings of a recipe's section; what it does not say is as in the paper.

    Raises:
        TrainingError: a setting is unknown, of another type or out of range.
    """
    kinds: dict[str, Any] = {field.name: field.type for field in fields(Settings)}
    for name, value in section.items():
        if name not in kinds:
            raise TrainingError(f"the setting {name!r} of L-CAM is unknown: choose among {', '.join(kinds)}")
        if type(value) is not kinds[name] and not (kinds[name] is float and type(value) is int):
            raise TrainingError(f"{name} is {value!r}; expected a value of type {kinds[name].__name__}")
        least = 1 if name in ("epochs", "batch") else 0
        if kinds[name] is not str and not least <= value < math.inf:
            raise TrainingError(f"{name} is {value!r}; expected at least {least}")
    return Settings(**section)
