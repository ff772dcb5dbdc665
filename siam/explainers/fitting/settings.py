"""A recipe's settings for explainers that learn: how L-CAM's heads are trained (`siam.explainers.fitting.lcam`), and
VEBI's bounds.

Settings are read and checked here, so that mistakes are reported before any explainer is fitted.
"""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from siam.errors import TrainingError

_STARTS = ("", "lcam_fm")  # L-CAM-Fm is fitted first, so L-CAM-Img can start from it
_LEAST = {"epochs": 1, "batch": 1}
_FEWEST = 20  # pictures, of which every tenth is held out
_LARGEST = sys.float_info.max  # TOML allows larger whole numbers, which no float can hold
_MOST_BINS = 47  # with the score, one row each for the 48 features that can be shown


@dataclass(frozen=True)
class Settings:
    """How a head is trained; the defaults are the paper's for ResNet-50.

    Attributes:
        pictures: most pictures to use, drawn at random, at least 20; 0 for all.
        epochs: how often each picture is shown.
        batch: pictures per step.
        learning_rate: learning rate in the first epoch.
        decay: factor on the learning rate after each epoch.
        weight_decay: weight decay of SGD.
        fidelity_weight: weight of E in the loss.
        area_weight: weight of the masks' area.
        variation_weight: weight of TV.
        seed: seed for the choice, order and views of pictures.
        start: name of a fitted head to start from, or "".
        image_size: short side of the training pictures in px; 0 for the network's own. Smaller is faster.
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
    """Return the settings of a recipe's section; missing ones are the paper's.

    Raises:
        TrainingError: a setting is unknown, has the wrong type or is out of range, or the starting head is unknown.
    """
    kinds: dict[str, Any] = {field.name: field.type for field in fields(Settings)}
    for name, value in section.items():
        if name not in kinds:
            raise TrainingError(f"unknown L-CAM setting {name!r}: choose from {', '.join(kinds)}")
        if type(value) is not kinds[name] and not (kinds[name] is float and type(value) is int):
            raise TrainingError(f"{name} is {value!r}; expected a value of type {kinds[name].__name__}")
        least = _LEAST.get(name, 0)
        if kinds[name] is not str and not least <= value <= _LARGEST:
            raise TrainingError(f"{name} is {_short(value)}; expected at least {least}, and finite")
    settings = Settings(**section)
    if 0 < settings.pictures < _FEWEST:
        raise TrainingError(f"pictures is {settings.pictures}; expected at least {_FEWEST}, or 0 for all")
    if settings.start not in _STARTS:
        raise TrainingError(f"start is {settings.start!r}; expected {' or '.join(map(repr, _STARTS))}")
    return settings


def check_vebi(section: Mapping[str, Any]) -> None:
    """Check a recipe's section for `siam.explainers.fitting.vebi.fit`, which takes "mu" > 0 and "bins" >= 2.

    Raises:
        TrainingError: a setting is unknown, has the wrong type or is out of range.
    """
    unknown = [name for name in section if name not in ("mu", "bins")]
    if unknown:
        raise TrainingError(f"unknown VEBI setting {unknown[0]!r}: choose from mu, bins")
    mu, bins = section.get("mu", 10.0), section.get("bins", 5)
    if type(mu) not in (int, float) or not 0 < mu <= _LARGEST:
        raise TrainingError(f"mu is {_short(mu)}; expected a finite number above 0")
    if type(bins) is not int or not 2 <= bins <= _MOST_BINS:
        raise TrainingError(f"bins is {_short(bins)}; expected a whole number from 2 to {_MOST_BINS}")


def _short(value: Any) -> str:
    words = repr(value)
    return words if len(words) <= 40 else f"{words[:39]}…"
