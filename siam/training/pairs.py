"""Trains a pair from a recipe, by any method."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from siam.errors import TrainingError
from siam.evaluation.stored import write
from siam.models.checkpoint import Pair
from siam.runtime.files import check_file, check_folder, exclusive, remove_left_over
from siam.runtime.memory import keep_freed_memory
from siam.training.recipes import read_recipe

if TYPE_CHECKING:
    from siam.training.heads.held_out import OutOfFold

CROSS_VALIDATED = ("heads", "joint")  # methods


def train(
    recipe_path: Path,
    root: Path,
    out: Path,
    cache: Path,
    *,
    resume: bool = False,
    results: Path | None = None,
    on_cross_validated: "Callable[[OutOfFold], None] | None" = None,
    seed: int | None = None,
) -> Pair:
    """Train a pair and write it with its card to `out`.

    Args:
        recipe_path: a TOML file such as recipes/photo.toml.
        root: the folder that holds the datasets.
        out: folder for networks, card and, for the method "end-to-end", states and logs.
        cache: folder that keeps features between runs of the methods "heads" and "joint".
        resume: continue the run in `out`. The method "heads" takes minutes and starts again, with the features in
            `cache`; "joint" always continues after the last network that is finished. The result is that of an
            uninterrupted run.
        results: file for the cross-validated figures of the methods "heads" and "joint".
        on_cross_validated: called with the predictions of the cross-validation (first seed) for photos its networks
            never saw; only for the same methods.
        seed: random seed in place of the recipe's, or of all its `seeds`; it becomes part of the pair's name.

    Raises:
        DatasetError: the recipe or a dataset is missing or does not match its layout.
        StorageError: `out`, `cache` or `results` cannot be written, or another training is writing to `out`.
        TrainingError: a setting is wrong, `out` holds another run, or a loss is no longer finite.
    """
    keep_freed_memory(large_blocks=True)
    recipe = {"file": recipe_path.name, **read_recipe(recipe_path)}
    if recipe["method"] == "own":
        recipe = {"name": out.resolve().name, "folds": 5, "seed": 0, **recipe}
    if seed is not None:
        seeds = {"seeds": [seed]} if recipe["method"] == "heads" else {"seed": seed}
        recipe |= {**seeds, "name": f"{recipe['name']}-seed{seed}"}
    for folder in (out, cache):
        check_folder(folder)
    remove_left_over(cache)
    if results is not None:
        check_file(results)
    crossed = _is_cross_validated(recipe, recipe_path)
    if results is not None and not crossed:
        raise TrainingError(f"{recipe_path} is not cross-validated: leave out --results and use siam evaluate --out")
    if on_cross_validated is not None and (not crossed or recipe["method"] == "own"):
        why = "is not cross-validated" if not crossed else "makes no gallery"
        raise TrainingError(f"{recipe_path} {why}: leave out --gallery and use siam evaluate --gallery")
    if crossed or recipe["method"] in CROSS_VALIDATED:
        from siam.training.heads import cross_validation as heads
        from siam.training.joint import cross_validation as joint
        from siam.training.own.cross_validation import train_own

        with exclusive(out):
            if recipe["method"] == "own":
                pair = train_own(recipe, root, out, cache)
            else:
                train_pair = heads.train_heads if recipe["method"] == "heads" else joint.train_joint
                pair = train_pair(recipe, root, out, cache, on_cross_validated or (lambda _judged: None))
        if results is not None:
            write(heads.result(pair.card, pair.name), results)
        return pair
    try:
        from siam.training.end_to_end.experiment import train_end_to_end
    except ModuleNotFoundError as error:
        raise TrainingError(
            f"training needs {error.name}, which is not installed: pip install -r requirements-train.txt"
        ) from error
    return train_end_to_end(recipe, root, out, resume=resume)


def _is_cross_validated(recipe: dict[str, Any], path: Path) -> bool:
    """Return whether training judges a recipe's networks by cross-validation; raises a TrainingError for odd folds."""
    method = recipe["method"]
    if method not in (*CROSS_VALIDATED, "own"):
        return False
    count = recipe["folds"]
    fewest = "2 or more, or 0 for no cross-validation" if method == "heads" else "2 or more"
    if type(count) is not int or count < 0 or count == 1 or (count == 0 and method != "heads"):
        raise TrainingError(f"{path} has folds = {count!r}; expected {fewest}")
    return count > 0


def cross_validate(recipe_path: Path, root: Path, cache: Path) -> "OutOfFold":
    """Return the predictions of a cross-validation (first seed) for photos its networks never saw; trains no pair.

    Raises:
        DatasetError: the recipe or a dataset is missing or does not match its layout.
        TrainingError: the recipe's method is not "heads", or it has no folds.
    """
    keep_freed_memory(large_blocks=True)
    recipe = read_recipe(recipe_path)
    if recipe["method"] == "own":
        raise TrainingError(f"{recipe_path} makes no gallery: use siam evaluate --gallery")
    if recipe["method"] == "joint":
        raise TrainingError(f"{recipe_path} writes its gallery while it trains: leave out --gallery-only")
    if not _is_cross_validated(recipe, recipe_path):
        raise TrainingError(f"{recipe_path} is not cross-validated: use siam evaluate --gallery instead")
    from siam.training.heads.cross_validation import out_of_fold

    return out_of_fold(recipe, root, cache)


def rated_source(recipe: dict[str, Any], name: str | None = None) -> str:
    """Return the name of one of a recipe's sources of scores: the given one, or the first.

    Raises:
        TrainingError: the recipe has no source of that name.
    """
    from siam.training.heads.examples import source_name

    sources = [source_name(entry) for entry in recipe["data"]["scores"]]
    if name is not None and name not in sources:
        raise TrainingError(f"{recipe['name']} has no scores from {name!r}: choose one of {', '.join(sources)}")
    return name or sources[0]
