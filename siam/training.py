"""Train a pair as a recipe says: the door to both methods."""

from pathlib import Path

from siam.checkpoint import Pair
from siam.errors import TrainingError
from siam.memory import keep_freed_memory
from siam.recipes import read_recipe
from siam.results import write


def train(
    recipe_path: Path, root: Path, out: Path, cache: Path, *, resume: bool = False, results: Path | None = None
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

    Raises:
        DatasetError: the recipe or a dataset is missing or not as its layout says.
        TrainingError: a setting is wrong, `out` holds another run, or a loss is no longer a number.
    """
    keep_freed_memory()
    recipe = read_recipe(recipe_path)
    if recipe["method"] == "heads":
        from siam.cross_validation import result, train_heads

        pair = train_heads(recipe, root, out, cache)
        if results is not None:
            write(result(pair.card, pair.name), results)
        return pair
    if results is not None:
        raise TrainingError(f"{recipe_path} is not cross-validated: leave out --results, and use siam evaluate --out")
    try:
        from siam.end_to_end import train_end_to_end
    except ModuleNotFoundError as error:
        raise TrainingError(
            f"{error.name} is missing, which training needs: pip install -r requirements-dev.txt"
        ) from error
    return train_end_to_end(recipe, root, out, resume=resume)
