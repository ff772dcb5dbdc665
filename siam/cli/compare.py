"""`compare`: every explainer, on pictures in which it is known what moves the score and where."""

import argparse
import json
import shlex
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from siam.cli.arguments import add_engine, fail, number, side

if TYPE_CHECKING:
    from siam.comparison.pictures import World

_FLOWER_SEED = 2001  # gives pictures that no network was trained on


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the command and its arguments."""
    parser = commands.add_parser(
        "compare",
        help="measure every explainer where the truth is known, or print the stored tables",
        description="Measure every explainer on pictures in which it is known what moves the score and where, or print "
        "stored comparisons as tables.",
    )
    world = parser.add_mutually_exclusive_group()
    world.add_argument(
        "--gallery", type=Path, metavar="DIR", help="rendered scenes with masks (default: assets/gallery/rendered)"
    )
    world.add_argument("--flowers", choices=("single-6c", "double-12c"), help="render flowers and use those")
    world.add_argument(
        "--tables",
        nargs="?",
        const=Path(),
        type=Path,
        metavar="DIR",
        help="print the comparisons stored in DIR (default: assets/results)",
    )
    parser.add_argument(
        "--model", default="rendered", metavar="NAME|DIR", help="with --gallery: the pair (default: rendered)"
    )
    parser.add_argument("--methods", nargs="+", metavar="NAME", help="explainers (default: all that suit the network)")
    parser.add_argument("--count", type=number, default=40, metavar="N", help="number of pictures (default: 40)")
    parser.add_argument(
        "--size", type=side, default=0, metavar="PX", help="side of the pictures (default: the network's)"
    )
    parser.add_argument(
        "--sanity", type=number, default=8, metavar="N", help="pictures to repeat with shuffled weights (default: 8)"
    )
    parser.add_argument(
        "--workers", type=number, default=0, metavar="N", help="processes (default: one per core, or one on a GPU)"
    )
    parser.add_argument("--out", type=Path, metavar="FILE", help="store the figures in FILE")
    parser.add_argument(
        "--records",
        type=Path,
        metavar="FILE",
        help="keep the figures of each picture in FILE and resume from it (default: runs/compare-….jsonl)",
    )
    parser.add_argument("--without-cost", action="store_true", help="skip measuring time and memory")
    add_engine(parser)
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    parser.add_argument("--markdown", action="store_true", help="print the tables as Markdown")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Compare explainers, or print stored comparisons."""
    from siam.evaluation import stored
    from siam.results import explainers

    if options.tables is not None:
        folder = stored.STORED if options.tables == Path() else options.tables
        sys.stdout.write(explainers.tables(stored.read_all(folder).values(), markdown=options.markdown))
        return 0
    with tempfile.TemporaryDirectory(prefix="siam-") as scratch:
        try:
            result = _compared(options, Path(scratch))
        except ValueError as error:  # an explainer that does not exist or does not suit the network
            return fail(str(error))
    if options.out is not None:
        stored.write(result, options.out)
    if options.json:
        sys.stdout.write(json.dumps(result.figures["baseline"].to_json(), indent=1, allow_nan=False) + "\n")
    else:
        sys.stdout.write(explainers.tables([result], markdown=options.markdown))
    return 0


def _compared(options: argparse.Namespace, scratch: Path) -> Any:
    """Return the result of a comparison."""
    from datetime import UTC, datetime

    from siam.comparison.pictures import BUNDLED_SCENES, World, names_in
    from siam.comparison.records import compare
    from siam.comparison.statistics import protocol, summary
    from siam.evaluation.stored import Result, variant_figures
    from siam.runtime.provenance import git_commit

    folder = scratch / options.flowers if options.flowers else options.gallery or BUNDLED_SCENES
    kind, model = ("flowers", options.flowers) if options.flowers else ("rendered", options.model)
    world = World(kind, model, folder, options.count, options.size)
    if options.flowers:
        _render(world)
    names = tuple(options.methods or names_in(world))
    records = options.records or Path("runs") / f"compare-{kind}-{Path(model).name}-{options.size}.jsonl"
    records.parent.mkdir(parents=True, exist_ok=True)
    sys.stderr.write(f"note: the figures of each picture are kept in {records}; the same command resumes from it\n")
    made = compare(world, names, options.sanity, records, options.workers or _workers())
    costs = {} if options.without_cost else _costs(world, names)
    figures = summary(made, costs)
    return Result(
        model=f"flowers {model}" if options.flowers else Path(model).name,
        data=f"flowers ({model})" if options.flowers else f"gallery {folder.name}",
        split="test",
        protocol=protocol(world, min(options.sanity, options.count)),
        date=datetime.now(UTC).date().isoformat(),
        command=_command(options),
        git_commit=git_commit(),
        figures=variant_figures({"baseline": {"comparison": {"world": kind, **figures}}}),
    )


def _render(world: "World") -> None:
    """Render those flowers that the world's folder lacks: pictures that no network was trained on."""
    from siam.models import flowers
    from siam.worlds.flowers.render import render_flowers

    size = world.size or flowers.load(world.model, "cpu").config.image_size
    render_flowers(world.folder, world.count, _FLOWER_SEED, world.model, size)


def _costs(world: "World", names: tuple[str, ...]) -> dict[str, Any]:
    from functools import partial

    from tqdm import tqdm

    from siam.comparison.cost import cost
    from siam.comparison.pictures import cases_of, network_of

    image = cases_of(world)[0].image
    bar = tqdm(names, desc="cost", unit="method", file=sys.stderr)
    return {name: cost(partial(network_of, world, name), image, name) for name in bar}


def _workers() -> int:
    """Return how many processes to run: one per core, or one on a GPU."""
    import os

    import torch

    return 1 if torch.cuda.is_available() else os.cpu_count() or 1


def _command(options: argparse.Namespace) -> str:
    words = ["python", "-m", "siam", "compare"]
    if options.flowers:
        words += ["--flowers", options.flowers]
    else:
        words += ["--gallery", str(options.gallery)] if options.gallery else []
        words += ["--model", options.model]
    words += ["--count", str(options.count), "--sanity", str(options.sanity)]
    words += ["--size", str(options.size)] if options.size else []
    words += ["--methods", *options.methods] if options.methods else []
    return shlex.join(words)
