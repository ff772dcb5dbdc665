"""`train`: trains networks from a recipe."""

import argparse
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from siam.cli.arguments import fail

if TYPE_CHECKING:
    from siam.training.heads.held_out import OutOfFold


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the command and its arguments."""
    parser = commands.add_parser(
        "train",
        help="train networks from a recipe",
        description="Train networks from a recipe: a pair, or a small classifier of rendered flowers.",
    )
    parser.add_argument("recipe", type=Path, metavar="RECIPE", help="a TOML file, such as recipes/photo.toml")
    parser.add_argument(
        "--root", type=Path, default=Path("data"), metavar="DIR", help="folder that holds the datasets (default: data)"
    )
    parser.add_argument(
        "--out", type=Path, metavar="DIR", help="folder for networks and card (default: runs/RECIPE NAME)"
    )
    parser.add_argument(
        "--cache", type=Path, default=Path("cache"), metavar="DIR", help="folder for features (default: cache)"
    )
    parser.add_argument("--results", type=Path, metavar="FILE", help="also store the cross-validated figures in FILE")
    parser.add_argument("--seed", type=int, metavar="S", help="use this random seed, not the recipe's")
    parser.add_argument(
        "--shuffle-labels",
        action="store_true",
        help="train a classifier of flowers on labels in random order: a control for explainers",
    )
    parser.add_argument("--resume", action="store_true", help="resume the run in --out")
    parser.add_argument(
        "--gallery",
        type=Path,
        metavar="DIR",
        help="write a gallery, without pictures, of the rated photos scored unseen",
    )
    parser.add_argument("--gallery-source", metavar="NAME", help="dataset of its photos (default: first under scores)")
    parser.add_argument("--gallery-only", action="store_true", help="train only what the gallery needs, and no pair")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Train what the recipe describes and write it."""
    gallery, source = options.gallery, options.gallery_source
    if gallery is None and (options.gallery_only or source is not None):
        return fail("--gallery-only and --gallery-source need --gallery DIR: say where to write the gallery")
    from siam.gallery.context import is_context_recipe
    from siam.runtime.files import check_folder
    from siam.training.flowers import is_flower_recipe
    from siam.training.pairs import cross_validate, train
    from siam.training.recipes import read_recipe

    out = options.out or Path("runs") / options.recipe.stem
    if gallery is not None:
        check_folder(gallery)
    if is_flower_recipe(options.recipe):
        return _train_flowers(options, out)
    if is_context_recipe(options.recipe):
        return _train_context(options, out)
    if options.shuffle_labels:
        return fail(f"--shuffle-labels needs a recipe whose method is flowers, and {options.recipe} is another")
    write_gallery = _gallery_writer(options, read_recipe(options.recipe)) if gallery is not None else None
    if write_gallery is not None and options.gallery_only:
        write_gallery(cross_validate(options.recipe, options.root, options.cache))
        return 0
    further = {"resume": options.resume, "results": options.results, "on_cross_validated": write_gallery}
    further["seed"] = options.seed
    try:
        pair = train(options.recipe, options.root, out, options.cache, **further)
        if read_recipe(options.recipe)["method"] == "own":
            from siam.results.own import summary

            sys.stdout.write(summary(pair.card, out, options.root))
        if gallery is not None and gallery.exists():
            from siam.gallery.writing import stamp

            stamp(gallery, out)
    except KeyboardInterrupt:
        return fail(f"interrupted; finished work is kept in {out}: run the same command with --resume to continue")
    return 0


def _gallery_writer(options: argparse.Namespace, recipe: dict[str, Any]) -> "Callable[[OutOfFold], object]":
    """Return a function that writes the gallery of --gallery.

    It is never called for recipes without cross-validation, which `train` rejects.
    """
    from siam.gallery.writing import build_out_of_fold
    from siam.training.pairs import CROSS_VALIDATED, rated_source

    if recipe["method"] not in CROSS_VALIDATED:
        return lambda _judged: None
    source = rated_source(recipe, options.gallery_source)
    only = ["--gallery-only"] if recipe["method"] == "heads" else []
    words = ["python", "-m", "siam", "train", str(options.recipe), "--root", str(options.root)]
    command = shlex.join([*words, "--gallery", str(options.gallery), "--gallery-source", source, *only])
    number = recipe["data"]["scores"].index(source)
    return lambda judged: build_out_of_fold(
        recipe["name"], judged, number, options.root / source, options.gallery, command
    )


def _train_flowers(options: argparse.Namespace, out: Path) -> int:
    from siam.training.flowers import train_flowers

    for name in ("resume", "results", "gallery"):
        if getattr(options, name):
            return fail(f"--{name} does not apply to {options.recipe}, whose method is flowers: leave it out")
    train_flowers(options.recipe, options.root, out, options.seed, options.shuffle_labels)
    return 0


def _train_context(options: argparse.Namespace, out: Path) -> int:
    from tqdm import tqdm

    from siam.gallery.context import train
    from siam.results.context import summary

    for name in ("resume", "results", "gallery", "shuffle_labels", "seed"):
        if getattr(options, name) not in (None, False):
            option = f"--{name.replace('_', '-')}"
            return fail(f"{option} does not apply to {options.recipe}, whose method is context: leave it out")
    command = shlex.join(["python", "-m", "siam", "train", str(options.recipe), "--out", str(out)])
    with tqdm(unit="fit", file=sys.stderr, disable=None, leave=False) as bar:

        def progress(done: int, of: int) -> None:
            bar.total = of
            bar.update(done - bar.n)

        csib = train(options.recipe, out, command, progress)
    sys.stdout.write(summary(csib, out))
    return 0
