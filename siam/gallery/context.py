"""Trains a pair's CSIB from a gallery: which attributes count together, judged on photos kept out.

A gallery holds the presence of attributes in photos that people rated, as the pair saw it without having learned from
those ratings; no picture is needed, and no network runs. A recipe says which::

    method = "context"
    model = "photo"                        # the pair
    gallery = "assets/gallery/oasis"
    folds = 5                              # of the photos, to judge the groups
    seed = 0

    [context]                              # optional: `siam.training.context.Settings`
    groups = 60

`python -m siam train RECIPE --out DIR` writes the pair with its groups (`csib.safetensors`) to DIR.
"""

import shutil
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from siam.errors import TrainingError
from siam.evaluation.scores import difference_figures, score_figures_with_intervals
from siam.gallery import store
from siam.gallery.store import Gallery
from siam.models import checkpoint
from siam.models import csib as stored
from siam.models.csib import BUDGETS, CSIB, strongest
from siam.runtime.files import check_folder, exclusive
from siam.runtime.provenance import git_commit
from siam.training.context import Settings, fit
from siam.training.recipes import made

_EXAMPLE = "recipes/photo-context.toml"
_KEYS = ("method", "model", "gallery", "folds", "seed", "context")
_EXPLAINED = 0.9  # of the variance of the full scores
_COMPARED = 8  # groups of each fold, the largest, that are looked for in the other folds
_SAME = 0.8  # cosine of two groups' shares from which they count as the same

Progress = Callable[[int, int], None]


def is_context_recipe(path: Path) -> bool:
    """Return whether a file is a recipe of this method; False if it cannot be read, which others then report."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8")).get("method") == "context"
    except (OSError, ValueError):
        return False


def read_recipe(path: Path) -> dict[str, Any]:
    """Return the recipe of a CSIB.

    Raises:
        TrainingError: a setting is missing, unknown or wrong.
    """
    recipe = tomllib.loads(path.read_text(encoding="utf-8"))
    if odd := [name for name in recipe if name not in _KEYS]:
        raise TrainingError(f"{path} has an unknown setting {odd[0]!r}: expected {', '.join(_KEYS)}")
    if missing := [name for name in ("model", "gallery") if name not in recipe]:
        raise TrainingError(f"{path} lacks {missing[0]!r}: compare it with {_EXAMPLE}")
    recipe = {"folds": 5, "seed": 0, "context": {}, **recipe}
    if type(recipe["folds"]) is not int or recipe["folds"] < 2 or type(recipe["seed"]) is not int:
        raise TrainingError(
            f"{path} has folds = {recipe['folds']!r} and seed = {recipe['seed']!r}; expected whole numbers, folds of "
            "at least 2"
        )
    return {**recipe, "settings": made(Settings, "context", recipe["context"])}


def train(path: Path, out: Path, command: str, progress: Progress = lambda _done, _of: None) -> CSIB:
    """Train a pair's CSIB from a recipe and write the pair with it to `out`; return it.

    Args:
        path: of the recipe.
        out: folder; the pair's own folder gets the groups alone.
        command: that repeats this.
        progress: called with the number of fits done, and of all.

    Raises:
        TrainingError: a setting is wrong, too few photos are rated, or the gallery was scored by another pair.
        CheckpointError, DatasetError: the pair, or the gallery, is missing or damaged.
        StorageError: `out` cannot be written.
    """
    recipe = read_recipe(path)
    folder = checkpoint.find(recipe["model"])
    pair = checkpoint.load(folder, device="cpu")
    gallery = store.read(Path(recipe["gallery"]))
    if gallery.about.attributes != pair.config.attributes:
        raise TrainingError(
            f"{recipe['gallery']} was scored by {gallery.about.model!r}, which knows other attributes than "
            f"{pair.name!r}: give a gallery that this pair scored"
        )
    check_folder(out)
    found = judged(gallery, recipe["settings"], recipe["folds"], recipe["seed"], progress)
    about = {
        **found.about,
        "model": pair.name,
        "version": pair.version,
        "data": gallery.about.data,
        "command": command,
        "date": datetime.now(UTC).date().isoformat(),
        "git_commit": git_commit(),
    }
    csib = replace(found, about=about)
    with exclusive(out):
        if out.resolve() != folder.resolve():
            for name in checkpoint.files(pair.card, folder):
                shutil.copyfile(folder / name, out / name)
        stored.keep(out, csib)
    return csib


def judged(
    gallery: Gallery, settings: Settings, folds: int = 5, seed: int = 0, progress: Progress = lambda _done, _of: None
) -> CSIB:
    """Return a CSIB fitted to all rated photos of a gallery, with figures from photos kept out.

    Its `about` then holds "figures" of "csib", "siam" and "baseline" (`siam.evaluation.scores`) and the differences
    "csib - siam" and "csib - baseline", with 95 % intervals; "budgets", the RMSE with 1 to 8 causes and all; "causes",
    how many causes explain 90 % of the variance of the full scores; "same", the share of a fold's eight largest groups
    that the other folds have, too; "most", the most points that each group adds in a photo; "n" and "folds".

    Args:
        gallery: photos with ratings, scored by networks that had not learned from those.
        settings: of the fit; the spatial variant needs maps, which a gallery does not hold.
        folds: of the photos.
        seed: of folds and fits.
        progress: called with the number of fits done, and of all.

    Raises:
        TrainingError: too few photos are rated, or the settings ask for the spatial variant.
    """
    if settings.spatial:
        raise TrainingError("the spatial variant needs attribute maps, which a gallery does not hold: leave it out")
    people = gallery.photos["crowd_mean"].to_numpy(float)
    siam = gallery.photos["siam"].to_numpy(float)
    rows = np.flatnonzero(np.isfinite(people))
    people, siam, presence = people[rows], siam[rows], gallery.presence[rows]
    attributes = gallery.about.attributes
    fold = np.random.default_rng(seed).permutation(len(rows)) % folds
    scores = np.full((len(BUDGETS) + 1, len(rows)), np.nan)
    values: list[CSIB] = []
    for number in range(folds):
        inside, out = fold != number, fold == number
        of = fit(presence[inside], people[inside], attributes, settings, siam=siam[inside], seed=seed)
        values.append(of)
        contributions, bases = of.contributions(presence[out]), of.bases(siam[out])
        for place, budget in enumerate((*BUDGETS, None)):
            scores[place, out] = bases + strongest(contributions, budget).sum(axis=1)
        progress(number + 1, folds + 1)
    found = fit(presence, people, attributes, settings, siam=siam, seed=seed)
    progress(folds + 1, folds + 1)
    networks = {"csib": scores[-1], "siam": siam}
    baseline = gallery.photos["baseline"].to_numpy(float)[rows]
    if np.isfinite(baseline).all():
        networks["baseline"] = baseline
    same_scale = gallery.about.crowd_scale is None and gallery.about.crowd_scale_known
    figures: dict[str, Any] = {
        name: score_figures_with_intervals(of, people, same_scale=same_scale) for name, of in networks.items()
    }
    for name, of in list(networks.items())[1:]:
        figures[f"csib - {name}"] = difference_figures(scores[-1], of, people, same_scale=same_scale)
    errors = np.sqrt(((scores - people) ** 2).mean(axis=1))
    about: Mapping[str, Any] = {
        "figures": figures,
        "budgets": [round(float(error), 4) for error in errors],
        "causes": causes_needed(found, presence, siam),
        "same": round(same_groups(values), 4),
        "most": [round(float(of[np.abs(of).argmax()]), 4) for of in found.contributions(presence).T],
        "n": len(rows),
        "folds": folds,
    }
    return replace(found, about=about)


def causes_needed(csib: CSIB, presence: np.ndarray, siam: np.ndarray) -> int | None:
    """Return the fewest causes, 1 to 8, whose scores explain 90 % of the variance of the full scores; None if more.

    Args:
        csib: the groups.
        presence: (N, K) of photos.
        siam: (N,) SIAM's scores of them.
    """
    full = csib.scores(presence, siam)
    for budget in BUDGETS:
        rest = full - csib.scores(presence, siam, budget)
        if (rest**2).mean() <= (1 - _EXPLAINED) * full.var():
            return budget
    return None


def same_groups(fits: list[CSIB]) -> float:
    """Return the share of the eight largest groups of each fit that each other fit has, too, with the same sign.

    Groups are the same if the cosine of their shares is at least 0.8. Groups are sorted, the largest first, as `fit`
    returns them.
    """
    shares = []
    for one in fits:
        for other in fits:
            if one is not other:
                mine, theirs = one.groups[:_COMPARED], other.groups
                cosine = (mine @ theirs.T) / np.outer(np.linalg.norm(mine, axis=1), np.linalg.norm(theirs, axis=1))
                alike = np.sign(one.weights[:_COMPARED])[:, None] == np.sign(other.weights)
                shares.append(((cosine >= _SAME) & alike).any(axis=1).mean())
    return float(np.mean(shares)) if shares else float("nan")
