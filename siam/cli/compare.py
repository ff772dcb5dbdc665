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
    world.add_argument(
        "--scenes",
        type=Path,
        metavar="DIR",
        help="scenes of data render, best with --without-each",
    )
    world.add_argument(
        "--photos",
        type=Path,
        metavar="DIR",
        help="photos with people's outlines, as for evaluate --data masks; SIAM's attributes are explained",
    )
    world.add_argument(
        "--flowers", nargs="+", metavar="NAME", help="networks of flowers of one variant, such as single-6c"
    )
    world.add_argument(
        "--network",
        metavar="NETWORK",
        help="any classifier, timm:NAME, torchvision:NAME or FILE.pt2, on the pictures in --data",
    )
    world.add_argument(
        "--tables",
        nargs="?",
        const=Path(),
        type=Path,
        metavar="DIR",
        help="print the comparisons stored in DIR (default: assets/results)",
    )
    parser.add_argument(
        "--model",
        nargs="+",
        metavar="NAME|DIR",
        help="with --gallery, --scenes and --photos: the pair, or several of other seeds (default: rendered; with "
        "--photos: photo)",
    )
    parser.add_argument(
        "--explained",
        choices=("baseline", "siam"),
        default="baseline",
        help="with --gallery and --scenes: which of the pair's networks is explained (default: baseline)",
    )
    parser.add_argument("--weights", metavar="FILE", help="with --network: its state dict, or random")
    parser.add_argument(
        "--data",
        type=Path,
        metavar="DIR",
        help="with --flowers and --network: a folder of data render --world flowers (default: rendered anew)",
    )
    parser.add_argument(
        "--relabelled",
        nargs="+",
        default=[],
        metavar="NAME",
        help="with --flowers: for each network, or the first ones, one of train --shuffle-labels: maps should differ",
    )
    parser.add_argument("--methods", nargs="+", metavar="NAME", help="explainers (default: all that suit the network)")
    parser.add_argument(
        "--explainer",
        action="append",
        default=[],
        metavar="MODULE:CLASS",
        help="also an explainer of your own, called without settings; may be repeated",
    )
    parser.add_argument("--count", type=number, default=40, metavar="N", help="number of pictures (default: 40)")
    parser.add_argument(
        "--size", type=side, default=0, metavar="PX", help="side of the pictures (default: the network's)"
    )
    parser.add_argument(
        "--sanity", type=number, default=10, metavar="N", help="pictures to repeat with shuffled weights (default: 10)"
    )
    parser.add_argument(
        "--slow", type=number, default=60, metavar="N", help="pictures for slow explainers (default: 60)"
    )
    parser.add_argument(
        "--slow-sanity",
        type=int,
        default=10,
        metavar="N",
        help="pictures to repeat slow explainers with shuffled weights (default: 10)",
    )
    parser.add_argument(
        "--workers", type=number, default=0, metavar="N", help="processes (default: one per core, or one on a GPU)"
    )
    parser.add_argument(
        "--out",
        type=Path,
        metavar="FILE",
        help="store the figures in FILE and those of each picture beside it, as .csv.gz, from which it goes on",
    )
    parser.add_argument(
        "--records",
        type=Path,
        default=Path("runs"),
        metavar="DIR",
        help="folder that keeps the figures of each picture, to resume from (default: runs)",
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
    _check_places(options)
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


def _check_places(options: argparse.Namespace) -> None:
    """Raise a StorageError if the results could not be stored, before any work; remove what killed processes left."""
    from siam.runtime.files import check_file, check_folder, remove_left_over

    check_folder(options.records)
    remove_left_over(options.records, levels=0)
    if options.out is not None:
        check_file(options.out)
        remove_left_over(options.out.parent, levels=0)


def _compared(options: argparse.Namespace, scratch: Path) -> Any:
    """Return the result of a comparison."""
    from dataclasses import replace
    from datetime import UTC, datetime
    from itertools import zip_longest

    from siam.comparison import kept, thumbnails, values
    from siam.comparison.pictures import cases_of, learned_from, names_in
    from siam.comparison.records import Extent, against_relabelled, compare, settings_of
    from siam.comparison.statistics import protocol, summary
    from siam.evaluation.stored import Result, variant_figures
    from siam.runtime.provenance import git_commit

    kept.opencv()
    extent, worlds = Extent(options.sanity, options.slow, options.slow_sanity), _worlds(options, scratch)
    chosen: tuple[str, ...] = tuple(options.methods or names_in(worlds[0]))
    methods = {**dict.fromkeys(chosen), **{name: _own(name) for name in options.explainer}}
    table = None if options.out is None else values.beside(options.out)
    before = values.read(table) if table is not None and table.exists() else []
    if options.photos is not None and any(learned_from(world) for world in worlds):
        sys.stderr.write(
            f"note: {' '.join(options.model)} learned from the outlines in {options.photos}, which favours SIAM's own "
            "map; for a fair comparison, explain a pair that did not: python -m siam train "
            "recipes/photo-unoutlined.toml\n"
        )
    options.records.mkdir(parents=True, exist_ok=True)
    sys.stderr.write(f"note: the figures of each picture are kept in {options.records}; the same command resumes\n")
    made = []
    for world, relabelled in zip_longest(worlds, options.relabelled):
        name = Path(world.model).name
        records = options.records / f"compare-{world.kind}-{name}-{world.network}-{world.size}.jsonl"
        settings = settings_of(world, extent)
        if not records.exists():
            values.begin([one for one in before if one["network"] == name], settings, records)
        found = compare(world, methods, extent, records, options.workers or _workers())
        if relabelled is not None:
            checks = records.with_name(f"{records.stem}-relabelled.jsonl")
            other = replace(world, model=relabelled)
            alike = against_relabelled(world, other, methods, extent, checks, options.workers or _workers())
            for record in found:
                record["relabelled"] = alike.get((record["identifier"], record["method"]))
        made += [{"network": name, "made_with": values.made_with(settings), **record} for record in found]
    costs = {} if options.without_cost else _costs(worlds[0], chosen)
    figures = summary(made, costs)
    if table is not None and options.out is not None:
        values.write(made, table)
        if not (options.photos or options.network):  # pictures that we rendered
            thumbnails.write(cases_of(worlds[0]), thumbnails.beside(options.out))
    kind, folder = worlds[0].kind, worlds[0].folder.name
    names = ", ".join(Path(world.model).name for world in worlds)
    return Result(
        model=f"flowers {names}" if kind == "flowers" else f"{names}, {worlds[0].network}",
        data=f"flowers ({folder})" if kind == "flowers" else f"{kind} {folder}",
        split="test",
        protocol=protocol(worlds, extent),
        date=datetime.now(UTC).date().isoformat(),
        command=_command(options),
        git_commit=git_commit(),
        figures=variant_figures({"baseline": {"comparison": {"world": _kind(options), **figures}}}),
    )


def _kind(options: argparse.Namespace) -> str:
    """Return the kind of pictures, as results name it."""
    if options.flowers or options.network:
        return "flowers"
    if options.photos:
        return "photos"
    return "scenes-siam" if options.explained == "siam" else "scenes"


def _worlds(options: argparse.Namespace, scratch: Path) -> "list[World]":
    """Return what to compare on, once for each network; flowers are rendered if no folder is given."""
    from siam.comparison.pictures import BUNDLED_SCENES, World
    from siam.models import flowers

    count, size = options.count, options.size
    explained, relabelled = len(options.flowers or ()), len(options.relabelled)
    if relabelled > explained:
        raise ValueError(f"--relabelled names {relabelled} networks, --flowers {explained}: give at most one for each")
    options.model = options.model or ["photo" if options.photos else "rendered"]
    if options.network:
        if options.data is None:
            raise ValueError(
                "--network needs --data DIR, a dataset with classes and masks: see data render --world flowers"
            )
        return [World("flowers", options.network, options.data, count, size, weights=options.weights or "")]
    if options.flowers:
        variants = {_variant(name) for name in options.flowers}
        if len(variants) > 1:
            raise ValueError(f"--flowers {' '.join(options.flowers)}: expected networks of one variant")
        folder = options.data or scratch / variants.pop()
        if options.data is None:
            _render(folder, count, size or flowers.load(options.flowers[0], "cpu").config.image_size)
        return [World("flowers", name, folder, count, size) for name in options.flowers]
    if options.photos:
        return [World("photos", name, options.photos, count, size, network="siam") for name in options.model]
    kind, folder = ("scenes", options.scenes) if options.scenes else ("gallery", options.gallery or BUNDLED_SCENES)
    return [World(kind, name, folder, count, size, network=options.explained) for name in options.model]


def _variant(name: str) -> str:
    """Return the variant of flowers that a network was trained on."""
    from siam.models import card, flowers

    return str(card.read(flowers.find(name)).get("variant", name))


def _own(name: str) -> Any:
    """Return somebody's own explainer, made without settings."""
    from importlib import import_module

    module, colon, made = name.partition(":")
    if not colon:
        raise ValueError(f"--explainer {name}: expected MODULE:CLASS")
    sys.path.insert(0, str(Path.cwd()))
    try:
        return getattr(import_module(module), made)()
    except (ImportError, AttributeError, TypeError) as error:
        raise ValueError(
            f"--explainer {name} cannot be made ({error}): see docs/how-to/compare-explainers.md"
        ) from error
    finally:
        sys.path.pop(0)


def _render(folder: Path, count: int, size: int) -> None:
    """Render those flowers that the folder lacks: pictures that no network was trained on."""
    from siam.worlds.flowers.render import render_flowers

    render_flowers(folder, count, _FLOWER_SEED, folder.name, size)


def _costs(world: "World", names: tuple[str, ...]) -> dict[str, Any]:
    from functools import partial

    from tqdm import tqdm

    from siam.comparison.cost import cost
    from siam.comparison.pictures import cases_of, network_of

    case = cases_of(world)[0]
    bar = tqdm(names, desc="cost", unit="method", file=sys.stderr)
    return {name: cost(partial(network_of, world), case.image, name, case.target) for name in bar}


def _workers() -> int:
    """Return how many processes to run: one per core, or one on a GPU."""
    import os

    import torch

    return 1 if torch.cuda.is_available() else os.cpu_count() or 1


def _command(options: argparse.Namespace) -> str:
    words = ["python", "-m", "siam", "compare"]
    if options.network:
        words += ["--network", options.network, *(["--weights", options.weights] if options.weights else [])]
    elif options.flowers:
        words += ["--flowers", *options.flowers]
    elif options.photos:
        words += ["--photos", str(options.photos), "--model", *options.model]
    else:
        words += ["--scenes", str(options.scenes)] if options.scenes else []
        words += ["--gallery", str(options.gallery)] if options.gallery else []
        words += ["--model", *options.model, "--explained", options.explained]
    words += ["--data", str(options.data)] if options.data else []
    words += ["--count", str(options.count), "--sanity", str(options.sanity)]
    words += ["--slow", str(options.slow), "--slow-sanity", str(options.slow_sanity)]
    words += ["--size", str(options.size)] if options.size else []
    words += ["--relabelled", *options.relabelled] if options.relabelled else []
    words += ["--methods", *options.methods] if options.methods else []
    for name in options.explainer:
        words += ["--explainer", name]
    return shlex.join([*words, *(["--out", str(options.out)] if options.out else [])])
