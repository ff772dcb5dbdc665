"""Recipes: training settings as TOML, one file per trained pair.

`method = "heads"` fits heads on the features of a frozen backbone (few photos, two CPU cores:
`siam.training.heads.cross_validation`). An entry of its [data] is a folder in the layout of SUN or OASIS, or
{ reader = …, folder = … }.
`method = "joint"` also trains the last stages of the backbone, on labels, outlines and ratings at once
(`siam.training.joint.cross_validation`).
`method = "end-to-end"` trains whole networks (many photos, a GPU: `siam.training.end_to_end.experiment`). Optional
settings in [training], with their defaults: `loss_scaling` ("paper", or "authors"; see `siam.training.losses`),
`region_weight` (0; see there), `frozen_stages` (0; how many of the backbone's first stages stay frozen) and
`half_weights` (false; whether to store half precision). An entry of its [data] may have `split`, where the reader knows
several (`siam.datasets.scenicornot`).
In [network], both methods accept `mean`, `std` and `size_multiple`; the defaults are the backbone's.
`method = "flowers"` is described in `siam.training.flowers`, which reads its own recipes.
"""

import tomllib
from pathlib import Path
from typing import Any

from siam.errors import DatasetError

_EXAMPLES = {
    "heads": "recipes/photo-heads.toml",
    "joint": "recipes/photo.toml",
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


def read_recipe(path: Path) -> dict[str, Any]:
    """Read a recipe.

    Raises:
        DatasetError: the file is missing, is not TOML, has no known method, or lacks a setting.
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
            f"{path} has the method {method!r}; expected {' or '.join(map(repr, (*_SETTINGS, 'flowers')))}"
        )
    for section, keys in _SETTINGS[method].items():
        values = recipe.get(section, {}) if section else recipe
        if not isinstance(values, dict) or (section and section not in recipe):
            raise DatasetError(f"{path} lacks the section [{section}]: compare it with {_EXAMPLES[method]}")
        missing = [key for key in keys if key not in values]
        if missing:
            where = f" in [{section}]" if section else ""
            raise DatasetError(f"{path} lacks {missing[0]!r}{where}: compare it with {_EXAMPLES[method]}")
    return recipe
