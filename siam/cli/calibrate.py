"""`calibrate`: how far to trust a pair's scores, from photos that it never saw."""

import argparse
import shlex
import sys
from pathlib import Path

from siam.cli.arguments import add_engine, fail


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the command and its arguments."""
    parser = commands.add_parser(
        "calibrate",
        help="find intervals for a pair's scores, and which photos are unlike those it learned from",
        description="Find intervals for a pair's scores, and which photos are unlike those it learned from; store both "
        "in the pair's folder.",
    )
    parser.add_argument("recipe", type=Path, metavar="RECIPE", help="a TOML file, such as recipes/doubt-photo.toml")
    parser.add_argument("--root", type=Path, required=True, metavar="DIR", help="the folder that holds the photos")
    parser.add_argument("--model", metavar="NAME|DIR", help="bundled pair or folder (default: the recipe's)")
    add_engine(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Calibrate a pair and print how well its intervals and its eye for landscapes hold."""
    from siam.gallery.calibration import calibrate, read_recipe
    from siam.models import checkpoint, doubt
    from siam.runtime.files import check_folder

    recipe = read_recipe(options.recipe)
    source = options.model or recipe.get("model")
    if source is None:
        return fail(f"{options.recipe} names no model: give --model NAME or DIR")
    folder = checkpoint.find(source)
    check_folder(folder)
    pair = checkpoint.load(source)
    words = ["python", "-m", "siam", "calibrate", str(options.recipe), "--root", str(options.root)]
    command = shlex.join([*words, *(["--model", options.model] if options.model else [])])
    found = calibrate(pair, recipe, options.root, command)
    doubt.write(folder, found)
    for entry in found.about["coverage"]:
        low, high = entry["interval"]
        sys.stdout.write(
            f"{entry['name']}, {entry['network']}: {entry['share']:.0%} of {entry['n']} inside their interval "
            f"({low:.0%} to {high:.0%}), {entry['width']:.2f} points wide\n"
        )
    for entry in found.about["flagged"]:
        low, high = entry["interval"]
        sys.stdout.write(
            f"{entry['name']}: {entry['share']:.0%} of {entry['n']} not a landscape ({low:.0%} to {high:.0%})\n"
        )
    return 0
