"""`card.json`: what a pair of networks is, and the settings that rebuild it.

A card may come from anyone, so every setting is checked before a network is built.
"""

import json
import math
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, TypeVar

from siam.datasets.base import RatingScale
from siam.errors import CheckpointError
from siam.models.configs import BaselineConfig, SIAMConfig
from siam.runtime.parsing import is_number, parse_json

CARD = "card.json"
SIAM_FILE, BASELINE_FILE = "siam.safetensors", "baseline.safetensors"
FILES_OF_A_PAIR = (CARD, "*.safetensors")  # patterns: the networks, the folds' templates and what was fitted
FORMAT = 1
DISCOVERED = "discovered"  # says which attribute a person named, and in which photos (`siam.discovery.naming`)
_LATER: dict[type, set[str]] = {  # settings that older cards of this format lack: the default applies
    SIAMConfig: {"template_relu", "pooling", "stages"},
    BaselineConfig: {"stages", "predicts_variance"},
}
_USUAL = {"sun_attributes", "sun_scenes_weak", "human_masks"}  # folders that older cards with outlines do not name
_LARGEST = 4096  # limit for sizes, so that no card can make us request all memory
Config = TypeVar("Config", SIAMConfig, BaselineConfig)


def read(folder: Path) -> dict[str, Any]:
    """Return the card of a folder of networks.

    Raises:
        CheckpointError: it is missing, is not a JSON object, or has a format that this version cannot read.
    """
    path = folder / CARD
    try:
        card = parse_json(path.read_text(encoding="utf-8"), lambda _: None)  # NaN means undefined
    except FileNotFoundError:
        raise CheckpointError(
            f"{path} is missing: a folder of networks holds card.json and safetensors files"
        ) from None
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{path} is not readable as JSON ({error}): copy it again") from error
    if not isinstance(card, dict) or card.get("format") != FORMAT:
        version = card.get("format") if isinstance(card, dict) else type(card).__name__
        remedy = "update SIAM Explorer" if isinstance(version, int) and version > FORMAT else "use a card that it wrote"
        raise CheckpointError(f"{path} has format {_short(version)}; this version reads format {FORMAT}: {remedy}")
    return card


def training_folders(card: dict[str, Any]) -> set[str]:
    """Return the folders of the datasets that a card says the networks were trained on; empty if it names none.

    Older cards lack the entry `folders`; there, the figures tell: those of scores bear the folder's name, those of
    attributes the name with "_test".
    """
    stated = card.get("folders")
    if isinstance(stated, list):
        return {name for name in stated if isinstance(name, str)}
    metrics = card.get("metrics")
    if not isinstance(metrics, dict):
        return set()
    variants = [of for name in ("siam", "baseline") if isinstance(of := metrics.get(name), dict)]
    found = {name for of in variants for name, figures in of.items() if isinstance(figures, dict)}
    found |= {name.removesuffix("_test") for name in metrics if name.endswith("_test")}
    return found | _USUAL if found and "masks" in metrics else found


def text(card: dict[str, Any], name: str, siam: SIAMConfig, baseline: BaselineConfig | None) -> str:
    """Return a card as JSON, with its format, name and configs filled in.

    Figures that are NaN or infinite, such as the rank correlation of equal scores, become null, since JSON has no such
    numbers.

    Raises:
        CheckpointError: a config holds a number that is not finite.
    """
    filled = {
        "format": FORMAT,
        "name": name,
        "siam": asdict(siam),
        "baseline": None if baseline is None else asdict(baseline),
    }
    try:
        return json.dumps({**_finite(card), **filled}, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    except ValueError as error:
        raise CheckpointError(f"the config of {name!r} holds a number that is not finite: correct it") from error


def settings(config: SIAMConfig | BaselineConfig) -> str:
    """Return a config as text, which stays the same when this program learns further settings with a default."""
    values, usual = asdict(config), {item.name: item.default for item in fields(config)}
    told = {name: value for name, value in values.items() if name not in _LATER[type(config)] or value != usual[name]}
    return json.dumps(json.loads(json.dumps(told), parse_int=float), sort_keys=True)  # 1 and 1.0 are the same


def config(kind: type[Config], stored: Any, path: Path) -> Config:
    """Rebuild a config from a card's JSON; lists become tuples, and unknown settings are errors.

    Raises:
        CheckpointError: a setting is missing, unknown, of another type or out of range; the message names `path`.
    """
    if not isinstance(stored, dict):
        raise CheckpointError(f"{path} has no config for {kind.__name__}: use a card that this program wrote")
    known = {item.name for item in fields(kind)}
    odd = (stored.keys() ^ known) - _LATER[kind]
    if odd:
        names = _short(", ".join(sorted(odd)), quoted=False)
        raise CheckpointError(f"{path}: the config for {kind.__name__} has missing or unknown settings: {names}")
    scale = stored["scale"]
    if not isinstance(scale, dict) or scale.keys() != {"name", "low", "high"}:
        raise CheckpointError(f"{path}: the rating scale is {_short(scale)}; expected name, low and high")
    values: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in stored.items() if name != "scale"
    }
    for name, value in [*values.items(), ("low", scale["low"]), ("high", scale["high"])]:
        if not _fits(name, value):
            raise CheckpointError(f"{path}: {name} is {_short(value)}, which is no valid setting for {kind.__name__}")
    return kind(**values, scale=RatingScale(str(scale["name"]), float(scale["low"]), float(scale["high"])))


def _fits(name: str, value: Any) -> bool:
    """Return whether a setting has the right type and is in range."""
    if name in ("image_size", "size_multiple", "grid", "stages"):
        return type(value) is int and 1 <= value <= _LARGEST
    if name == "border":
        return type(value) is int and 0 <= value <= _LARGEST
    if name in ("low", "high"):
        return is_number(value)
    if name in ("mean", "std"):
        colours = isinstance(value, tuple) and len(value) == 3 and all(map(is_number, value))
        return colours and (name == "mean" or min(value) > 0)
    if name in ("predicts_variance", "template_relu"):
        return isinstance(value, bool)
    if name == "attributes":
        return isinstance(value, tuple) and all(isinstance(item, str) for item in value)
    return isinstance(value, str)


def _finite(value: Any) -> Any:
    """Return a card's content with None in place of every number that is not finite."""
    if isinstance(value, dict):
        return {name: _finite(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _short(value: Any, *, quoted: bool = True) -> str:
    words = repr(value) if quoted else str(value)
    return words if len(words) <= 80 else f"{words[:79]}…"
