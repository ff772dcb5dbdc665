"""`train`: a pair of networks as a recipe says."""

import argparse
from pathlib import Path

from siam.commands.failure import fail


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
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Train the pair and write it."""
    from siam.training import train

    out = options.out or Path("runs") / options.recipe.stem
    try:
        train(options.recipe, options.root, out, options.cache, resume=options.resume, results=options.results)
    except KeyboardInterrupt:
        return fail(f"interrupted; {out} keeps what was finished: the same command with --resume goes on")
    return 0
