"""Recipes: training settings as TOML, one file per trained pair.

`method = "heads"` fits heads on the features of a frozen backbone (few photos, two CPU cores:
`siam.training.heads.cross_validation`). An entry of its [data] is a folder in the layout of SUN or OASIS, or
{ reader = …, folder = … }. With `folds = 0`, it is not cross-validated.
`method = "joint"` also trains the last stages of the backbone, on labels, outlines and ratings at once
(`siam.training.joint.cross_validation`).
`method = "own"` fits heads on words and photos of one's own, with few settings, all but [data] with defaults
(`siam.training.own.cross_validation`).
`method = "end-to-end"` trains whole networks (many photos, a GPU: `siam.training.end_to_end.experiment`). Optional
settings in [training], with their defaults: `loss_scaling` ("paper", or "authors"; see `siam.training.losses`),
`region_weight` (0; see there), `frozen_stages` (0; how many of the backbone's first stages stay frozen) and
`half_weights` (false; whether to store half precision). An entry of its [data] may have `split`, where the reader knows
several (`siam.datasets.scenicornot`).
`version = "2.0"` and `changes = "…"`, at the top, are what the card says of the pair's version
(`siam.models.versions`); no weight depends on them.
`scale = [1, 5]` in [data], or in an entry of its scores, tells the scale of ratings whose table does not.
In [network], both methods accept `mean`, `std` and `size_multiple`; the defaults are the backbone's.
`method = "context"` finds attributes that count together, for a pair that is trained (`siam.gallery.context`, which
reads its own recipes). `method = "flowers"` is described in `siam.training.flowers`, which reads its own recipes.
"""

import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from siam.datasets.base import RatingScale
from siam.errors import DatasetError, TrainingError
from siam.models.configs import SIAMConfig
from siam.models.versions import is_line, is_number

_EXAMPLES = {
    "heads": "recipes/photo-heads.toml",
    "joint": "recipes/photo.toml",
    "own": "recipes/own.toml",
    "end-to-end": "recipes/scenicornot-resnet50.toml",
}
_SETTINGS: dict[str, dict[str, tuple[str, ...]]] = {
    "heads": {
        "": ("name", "seeds", "folds"),
        "data": ("attributes", "weak_attributes", "weak_image_size", "scores", "summary", "training_data", "limits"),
        "network": ("backbone", "image_size"),
        "siam": (
            "members", "attribute_epochs", "joint_epochs", "attribute_batch", "weak_batch", "scenicness_batch",
            "learning_rate", "weight_decay", "region_weight", "weak_weight", "scenicness_weight", "teacher_weight",
            "anchor_weight", "template_penalty",
        ),
        "baseline": ("ridge_penalty",),
    },
    "joint": {
        "": ("name", "seed", "folds"),
        "data": ("attributes", "weak_attributes", "outlines", "scores", "summary", "training_data", "limits"),
        "network": ("backbone", "stages", "image_size"),
        "views": ("size", "labelled", "weak", "outlined", "rated"),
        "teacher": ("backbones", "image_size", "weak_image_size"),
        "joint": (
            "frozen_stages", "references", "attribute_steps", "heads_first", "attribute_batch", "steps", "batch",
            "late_rate", "head_rate", "template_rate", "score_gradient", "weak_weight", "teacher_weight",
            "label_weight", "region_weight", "outline_weight", "absent_weight", "reference_weight", "score_weight",
            "baseline_weight", "leak_weight", "template_weight", "second_share", "ordinary",
        ),
    },
    "own": {"": (), "data": ("attributes", "scores"), "network": (), "training": ()},
    "end-to-end": {
        "": ("name", "seed"),
        "data": ("attributes", "scores", "summary", "training_data", "limits"),
        "network": ("backbone", "pretrained", "image_size"),
        "augmentation": ("short_side", "crop", "rotation", "mirror"),
        "training": (
            "precision", "batch", "steps", "clip_norm", "weight_decay", "patience", "validation_photos",
            "scenicness_weight", "template_penalty", "frozen_statistics", "workers",
        ),
        "phases": ("baseline", "attributes", "siam", "siam-frozen"),
    },
}  # fmt: skip


_NETWORK = {item.name for item in fields(SIAMConfig)} - {"scale", "attributes"}
EDITION = ("version", "changes")  # what a recipe says of the pair's version
_TOP = {"method", *EDITION}
_OPTIONAL: dict[str, dict[str, set[str]]] = {  # settings that a recipe may leave out
    "heads": {"": _TOP, "data": {"scale"}, "network": _NETWORK - {"predicts_variance"}},
    "joint": {"": _TOP, "data": {"scale"}, "network": _NETWORK - {"predicts_variance"}},
    "own": {
        "": {*_TOP, "name", "folds", "seed"},
        "data": {"scale"},
        "network": {"trunk", "image_size"},
        "training": {"steps", "ridge_penalty"},
    },
    "end-to-end": {
        "": _TOP,
        "data": {"scale"},
        "network": _NETWORK,
        "training": {"loss_scaling", "region_weight", "frozen_stages", "half_weights"},
    },
}
_OF_A_DATASET = {  # settings of an entry { … } in [data]
    "heads": ("reader", "folder", "scale"),
    "joint": ("reader", "folder", "scale"),
    "own": ("reader", "folder", "scale"),
    "end-to-end": ("reader", "folder", "scale", "split", "regions"),
}


def read_recipe(path: Path) -> dict[str, Any]:
    """Read a recipe.

    Raises:
        DatasetError: the file is missing, is not TOML, has no known method, lacks a setting, or has an unknown one.
    """
    try:
        recipe = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise DatasetError(f"{path} is missing: give a recipe such as recipes/photo.toml") from None
    except (OSError, ValueError) as error:
        raise DatasetError(f"{path} is not readable as TOML ({error}): compare it with recipes/photo.toml") from error
    method = recipe.get("method")
    if method not in _SETTINGS:
        raise DatasetError(
            f"{path} has the method {method!r}; expected {' or '.join(map(repr, (*_SETTINGS, 'context', 'flowers')))}"
        )
    for section, keys in _SETTINGS[method].items():
        values = recipe.get(section, {}) if section else recipe
        if not isinstance(values, dict) or (section and keys and section not in recipe):
            raise DatasetError(f"{path} lacks the section [{section}]: compare it with {_EXAMPLES[method]}")
        missing = [key for key in keys if key not in values]
        if missing:
            where = f" in [{section}]" if section else ""
            near = get_close_matches(missing[0], _unknown(method, section, values), n=1)
            meant = f"; {near[0]!r} is no setting" if near else ""
            raise DatasetError(f"{path} lacks {missing[0]!r}{where}{meant}: compare it with {_EXAMPLES[method]}")
    _refuse_unknown(path, recipe)
    _check_edition(path, recipe)
    data = recipe["data"]
    if "scale" in data:
        several = isinstance(data["scores"], list)
        scores = [_with_scale(entry, data["scale"]) for entry in (data["scores"] if several else [data["scores"]])]
        data["scores"] = scores if several else scores[0]
    return recipe


def _check_edition(path: Path, recipe: Mapping[str, Any]) -> None:
    version, changes = (recipe.get(name) for name in EDITION)
    if version is not None and not is_number(version):
        raise DatasetError(f"{path} has the version {version!r}; expected text of two numbers, such as '2.0'")
    if changes is not None and not is_line(changes):
        raise DatasetError(f"{path} does not say in one line of text what {changes!r:.60} changes: shorten it")


def weighty(recipe: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of a recipe on which weights depend: all but what it says of its version."""
    return {name: value for name, value in recipe.items() if name not in EDITION}


def _unknown(method: str, section: str, values: Mapping[str, Any]) -> list[str]:
    """Return the settings of a section that the method does not know; "" is the top of the recipe."""
    known = {*_SETTINGS[method][section], *_OPTIONAL[method].get(section, ())}
    if not section:
        known |= set(_SETTINGS[method])
    return [name for name in values if name not in known]


def _refuse_unknown(path: Path, recipe: Mapping[str, Any]) -> None:
    method = recipe["method"]
    for section, keys in _SETTINGS[method].items():
        odd = _unknown(method, section, recipe.get(section, {}) if section else recipe)
        if odd:
            known = [*keys, *_OPTIONAL[method].get(section, ()), *(() if section else _SETTINGS[method])]
            raise DatasetError(f"{path} has an unknown setting {odd[0]!r}{_place(section)}{_meant(odd[0], known)}")
    for entry in _datasets(recipe["data"]):
        odd = [name for name in entry if name not in _OF_A_DATASET[method]]
        if odd:
            meant = _meant(odd[0], _OF_A_DATASET[method])
            raise DatasetError(f"{path} has an unknown setting {odd[0]!r} of a dataset in [data] of the recipe{meant}")


def folders_of(recipe: Mapping[str, Any]) -> list[str]:
    """Return the names of the folders of a recipe's datasets, for the card: by them, `evaluate` knows what was seen."""
    data, texts = recipe["data"], ("summary", "training_data", "limits")
    entries = [one for key, value in data.items() if key not in texts for one in _listed(value)]
    names = [entry["folder"] if isinstance(entry, dict) else entry for entry in entries]
    return sorted({Path(name).name for name in names if isinstance(name, str) and name})


def _datasets(data: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [entry for value in data.values() for entry in _listed(value) if isinstance(entry, dict)]


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _place(section: str) -> str:
    return f" in [{section}] of the recipe" if section else ""


def _meant(name: str, known: Iterable[str]) -> str:
    near = get_close_matches(name, list(known), n=1)
    return f": did you mean {near[0]!r}?" if near else ": leave it out"


def made(kind: Callable[..., Any], section: str, values: Mapping[str, Any]) -> Any:
    """Return what `kind` makes of the settings of a section.

    Raises:
        TrainingError: a setting is missing, unknown or wrong.
    """
    try:
        return kind(**values)
    except (TypeError, ValueError) as error:
        raise TrainingError(f"[{section}] of the recipe: {str(error).replace('__init__() ', '')}") from error


def _with_scale(entry: Any, scale: Any) -> Any:
    return {"scale": scale, **entry} if isinstance(entry, dict) else entry


def scale_of(entry: Mapping[str, Any]) -> RatingScale | None:
    """Return the `scale` of an entry of [data], such as [1, 5], or None without one.

    Raises:
        DatasetError: it is not two numbers, the lowest first.
    """
    ends = entry.get("scale")
    if ends is None:
        return None
    if not (isinstance(ends, list) and len(ends) == 2 and all(isinstance(end, int | float) for end in ends)):
        raise DatasetError(f"[data] of the recipe holds the scale {ends!r}; expected two numbers, such as [1, 5]")
    return RatingScale.between(*ends)
