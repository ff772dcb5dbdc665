"""`train`: a pair of networks as a recipe says."""

import argparse
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from siam.cli.arguments import fail

if TYPE_CHECKING:
    from siam.training.heads.held_out import OutOfFold


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the command and its arguments."""
    parser = commands.add_parser("train", help="train a pair of networks as a recipe says")
    parser.add_argument("recipe", type=Path, metavar="RECIPE", help="a TOML file, such as recipes/photo.toml")
    parser.add_argument(
        "--root", type=Path, default=Path("data"), metavar="DIR", help="holds the datasets; default data"
    )
    parser.add_argument("--out", type=Path, metavar="DIR", help="for networks and card; default runs/NAME OF RECIPE")
    parser.add_argument("--cache", type=Path, default=Path("cache"), metavar="DIR", help="where features are kept")
    parser.add_argument("--results", type=Path, metavar="FILE", help="store cross-validated figures there, too")
    parser.add_argument("--resume", action="store_true", help="go on with the run that --out holds")
    parser.add_argument(
        "--gallery", type=Path, metavar="DIR", help="write a gallery without pictures: rated photos, judged unseen"
    )
    parser.add_argument("--gallery-source", metavar="NAME", help="whose photos; default the recipe's first scores")
    parser.add_argument("--gallery-only", action="store_true", help="train only what the gallery needs; write no pair")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Train the pair and write it."""
    gallery, source = options.gallery, options.gallery_source
    if gallery is None and (options.gallery_only or source is not None):
        return fail("--gallery-only and --gallery-source go with --gallery DIR: say where the gallery goes")
    from siam.training.flowers import is_flower_recipe
    from siam.training.pairs import cross_validate, train
    from siam.training.recipes import read_recipe

    out = options.out or Path("runs") / options.recipe.stem
    if is_flower_recipe(options.recipe):
        return _train_flowers(options, out)
    write_gallery = _gallery_writer(options, read_recipe(options.recipe)) if gallery is not None else None
    if write_gallery is not None and options.gallery_only:
        write_gallery(cross_validate(options.recipe, options.root, options.cache))
        return 0
    further = {"resume": options.resume, "results": options.results, "on_cross_validated": write_gallery}
    try:
        train(options.recipe, options.root, out, options.cache, **further)
    except KeyboardInterrupt:
        return fail(f"interrupted; {out} keeps what was finished: the same command with --resume goes on")
    return 0


def _gallery_writer(options: argparse.Namespace, recipe: dict[str, Any]) -> "Callable[[OutOfFold], object]":
    """Return what writes the gallery of --gallery; it is never called for recipes without cross-validation, which
    `train` refuses.
    """
    from siam.gallery.writing import build_out_of_fold
    from siam.training.pairs import rated_source

    if recipe["method"] != "heads":
        return lambda _judged: None
    source = rated_source(recipe, options.gallery_source)
    words = ["python", "-m", "siam", "train", str(options.recipe), "--root", str(options.root)]
    command = shlex.join([*words, "--gallery", str(options.gallery), "--gallery-source", source, "--gallery-only"])
    number = recipe["data"]["scores"].index(source)
    return lambda judged: build_out_of_fold(
        recipe["name"], judged, number, options.root / source, options.gallery, command
    )


def _train_flowers(options: argparse.Namespace, out: Path) -> int:
    from siam.training.flowers import train_flowers

    for name in ("resume", "results", "gallery"):
        if getattr(options, name):
            return fail(f"--{name} is not for {options.recipe}, whose method is flowers: leave it out")
    train_flowers(options.recipe, options.root, out)
    return 0
