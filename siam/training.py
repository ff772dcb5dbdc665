"""Train a pair as a recipe says: the door to both methods."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

from siam.checkpoint import Pair
from siam.errors import TrainingError
from siam.memory import keep_freed_memory
from siam.recipes import read_recipe
from siam.results import write

if TYPE_CHECKING:
    from siam.held_out import OutOfFold


def train(
    recipe_path: Path,
    root: Path,
    out: Path,
    cache: Path,
    *,
    resume: bool = False,
    results: Path | None = None,
    gallery: Path | None = None,
    source: str | None = None,
) -> Pair:
    """Train a pair and write it with its card to `out`.

    Args:
        recipe_path: a TOML file such as recipes/photo.toml.
        root: the folder that holds the datasets.
        out: where networks, card and, for the method "end-to-end", states and logs are written.
        cache: where features are kept between runs of the method "heads".
        resume: go on with the run that `out` holds. The method "heads" takes minutes and begins anew, with the
            features in `cache`; either way the result is that of a run without interruption.
        results: where the cross-validated figures of the method "heads" are stored, too.
        gallery: where a gallery of the rated photos goes, without pictures, each judged by the networks of the
            cross-validation that never saw it (first seed); only for the method "heads".
        source: whose photos are in the gallery: a folder of the recipe's `scores`, by default the first.

    Raises:
        DatasetError: the recipe or a dataset is missing or not as its layout says.
        TrainingError: a setting is wrong, `out` holds another run, or a loss is no longer a number.
    """
    keep_freed_memory(large_blocks=True)
    recipe = read_recipe(recipe_path)
    if recipe["method"] == "heads":
        from siam.cross_validation import result, train_heads

        chosen = _source(recipe, source)

        def keep(found: "OutOfFold") -> None:
            if gallery is not None:
                _write_gallery(recipe, recipe_path, root, gallery, chosen, found)

        pair = train_heads(recipe, root, out, cache, keep)
        if results is not None:
            write(result(pair.card, pair.name), results)
        return pair
    if results is not None:
        raise TrainingError(f"{recipe_path} is not cross-validated: leave out --results, and use siam evaluate --out")
    if gallery is not None:
        raise TrainingError(
            f"{recipe_path} is not cross-validated: leave out --gallery, and use siam evaluate --gallery"
        )
    try:
        from siam.end_to_end import train_end_to_end
    except ModuleNotFoundError as error:
        raise TrainingError(
            f"{error.name} is missing, which training needs: pip install -r requirements-dev.txt"
        ) from error
    return train_end_to_end(recipe, root, out, resume=resume)


def train_for_gallery(recipe_path: Path, root: Path, cache: Path, gallery: Path, source: str | None = None) -> None:
    """Write the gallery that `train` would, and train only what it needs: the cross-validation of the first seed.

    Raises:
        DatasetError: as `train`.
        TrainingError: the recipe is of another method than "heads".
    """
    keep_freed_memory(large_blocks=True)
    recipe = read_recipe(recipe_path)
    if recipe["method"] != "heads":
        raise TrainingError(f"{recipe_path} is not cross-validated: use siam evaluate --gallery instead")
    from siam.cross_validation import out_of_fold

    chosen = _source(recipe, source)
    _write_gallery(recipe, recipe_path, root, gallery, chosen, out_of_fold(recipe, root, cache))


def _source(recipe: dict[str, Any], asked: str | None) -> str:
    """Return the source of scores whose photos a gallery holds."""
    sources = recipe["data"]["scores"]
    if asked is not None and asked not in sources:
        raise TrainingError(f"{recipe['name']} has no scores from {asked!r}: choose one of {', '.join(sources)}")
    return asked or sources[0]


def _write_gallery(
    recipe: dict[str, Any], recipe_path: Path, root: Path, gallery: Path, source: str, found: "OutOfFold"
) -> None:
    from siam.gallery_build import build_out_of_fold

    words = ["python", "-m", "siam", "train", str(recipe_path), "--root", str(root), "--gallery", str(gallery)]
    command = shlex.join([*words, "--gallery-source", source, "--gallery-only"])
    number = recipe["data"]["scores"].index(source)
    build_out_of_fold(recipe["name"], found, number, root / source, gallery, command)
