"""What a recipe says of explainers that learn: how L-CAM's heads are trained (`siam.explainers.fitting.lcam`), and
VEBI's bounds.

Here it is only read and checked, so that what is wrong is told before the first of them is fitted.
"""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from siam.errors import TrainingError

_STARTS = ("", "lcam_fm")  # L-CAM-Fm is fitted first, so whether it is there is known before anything is fitted
_LEAST = {"epochs": 1, "batch": 1}
_FEWEST = 20  # pictures, of which every tenth judges the others
_LARGEST = sys.float_info.max  # larger whole numbers, which TOML can say, are no float
_MOST_BINS = 47  # with the score a row each, of the 48 features that can be shown


@dataclass(frozen=True)
class Settings:
    """How a head is trained; the defaults are the paper's for ResNet-50.

    Attributes:
        pictures: at most so many are taken, drawn at random, at least 20; 0: all.
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
        TrainingError: a setting is unknown, of another type or out of range, or there is no such head to start from.
    """
    kinds: dict[str, Any] = {field.name: field.type for field in fields(Settings)}
    for name, value in section.items():
        if name not in kinds:
            raise TrainingError(f"the setting {name!r} of L-CAM is unknown: choose among {', '.join(kinds)}")
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
    """Refuse a recipe's section that `siam.explainers.fitting.vebi.fit` cannot use: it knows "mu" > 0 and "bins" >= 2.

    Raises:
        TrainingError: a setting is unknown, of another type or out of range.
    """
    unknown = [name for name in section if name not in ("mu", "bins")]
    if unknown:
        raise TrainingError(f"the setting {unknown[0]!r} of VEBI is unknown: choose among mu, bins")
    mu, bins = section.get("mu", 10.0), section.get("bins", 5)
    if type(mu) not in (int, float) or not 0 < mu <= _LARGEST:
        raise TrainingError(f"mu is {_short(mu)}; expected a finite number above 0")
    if type(bins) is not int or not 2 <= bins <= _MOST_BINS:
        raise TrainingError(f"bins is {_short(bins)}; expected a whole number from 2 to {_MOST_BINS}")


def _short(value: Any) -> str:
    words = repr(value)
    return words if len(words) <= 40 else f"{words[:39]}…"
