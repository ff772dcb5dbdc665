"""`data`: check, download or render a dataset."""

import argparse
import json
import sys
from pathlib import Path

from siam.cli.arguments import add_engine, fail, number
from siam.datasets import DATASETS

_SPLITS = ("train", "val", "test")


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the commands and their arguments."""
    parser = commands.add_parser(
        "data",
        help="check, download or render a dataset",
        description="Check a dataset's files, download a dataset, or render one whose truth is known.",
    )
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    _add_check(actions)
    _add_render(actions)
    _add_open_photos(actions)
    download = actions.add_parser("download", help="download a dataset; run again to resume")
    names = download.add_subparsers(required=True, metavar="NAME")
    _add_sun(names)
    _add_scenicornot(names)


def _add_check(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = actions.add_parser(
        "check", help="read every file and list what is missing, unreadable, duplicated or out of range"
    )
    parser.add_argument(
        "name", choices=tuple(DATASETS), metavar="NAME", help=f"layout of the dataset: {', '.join(DATASETS)}"
    )
    parser.add_argument("--root", type=Path, required=True, metavar="DIR", help="the dataset's folder")
    parser.add_argument("--json", action="store_true", help="print the findings as JSON")
    parser.set_defaults(run=_check)


def _add_render(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = actions.add_parser("render", help="render landscapes or flowers whose truth is known; run again to resume")
    parser.add_argument(
        "--world", choices=("landscapes", "flowers"), default="landscapes", help="what to render (default: landscapes)"
    )
    parser.add_argument(
        "--variant", choices=("single-6c", "double-12c"), help="flowers: six or twelve classes (default: single-6c)"
    )
    parser.add_argument("--count", type=number, required=True, metavar="N", help="render pictures 1 to N of the seed")
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="random seed (default: 0)")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder for the dataset")
    parser.add_argument("--size", type=int, metavar="PX", help="side of the pictures (default: 500; flowers: 256)")
    parser.add_argument("--workers", type=number, metavar="W", help="number of processes (default: one per core)")
    parser.add_argument(
        "--without",
        nargs="+",
        metavar="OBJECT",
        help="landscapes: leave out these objects, such as trees or pylon_line, and nothing else",
    )
    parser.add_argument(
        "--without-each",
        action="store_true",
        help="landscapes: also render each scene without each of its objects, into DIR/without",
    )
    parser.add_argument("--split", choices=_SPLITS, help="landscapes: only the scenes of this split (default: all)")
    parser.add_argument(
        "--sheet", type=Path, metavar="FILE", help="also write a contact sheet of the first 24 pictures to FILE"
    )
    parser.set_defaults(run=_render)


def _add_open_photos(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = actions.add_parser(
        "open-photos",
        help="build the gallery of open photos from software packages, or score it again",
        description="Take the photos on a list out of their packages, unless they are there already, and score them.",
    )
    parser.add_argument(
        "out", type=Path, nargs="?", metavar="DIR", help="folder of the gallery (default: assets/gallery/open-photos)"
    )
    parser.add_argument(
        "--list", type=Path, metavar="FILE", help="list of photos (default: credits.csv in DIR, else the bundled one)"
    )
    parser.add_argument("--packages", type=Path, metavar="DIR", help="folder of packages that need no download")
    parser.add_argument("--debian", metavar="URL", help="address of a Debian mirror, for packages that are not there")
    parser.add_argument("--pypi", metavar="URL", help="address of a PyPI index (…/simple), likewise")
    parser.add_argument("--npm", metavar="URL", help="address of an npm registry, likewise")
    parser.add_argument(
        "--model",
        default="photo",
        metavar="NAME|DIR|HUB",
        help="bundled pair, folder or Hub repository (default: photo)",
    )
    add_engine(parser)
    parser.set_defaults(run=_open_photos)


def _add_sun(names: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = names.add_parser("sun", help="SUN Attribute database: two archives, for research only")
    parser.add_argument("--root", type=Path, required=True, metavar="DIR", help="folder for the dataset")
    parser.add_argument("--url", metavar="BASE", help="address that holds the archives (default: the authors')")
    parser.set_defaults(run=_download_sun)


def _add_scenicornot(names: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = names.add_parser("scenicornot", help="ScenicOrNot: ratings (ODbL) and photos (CC BY-SA 2.0, credited)")
    parser.add_argument("--root", type=Path, required=True, metavar="DIR", help="folder for the dataset")
    parser.add_argument(
        "--source",
        choices=("hub", "geograph"),
        default="hub",
        help="where from: the Hub, in bulk, or Geograph, one by one (default: hub)",
    )
    parser.add_argument("--split", choices=_SPLITS, help="download only this split (default: all)")
    parser.add_argument("--limit", type=number, metavar="N", help="maximum number of photos (default: no limit)")
    parser.add_argument("--repo", metavar="OWNER/NAME", help="hub: another repository with the same columns")
    parser.add_argument("--revision", help="hub: commit, branch or tag (default: main, then the first run's commit)")
    parser.add_argument(
        "--rate", type=float, metavar="R", help="geograph: requests per second, at most 10 (default: 4)"
    )
    parser.add_argument("--votes-url", metavar="URL", help="geograph: another address for votes.tsv")
    parser.add_argument("--oembed-url", metavar="URL", help="geograph: another address for the oEmbed service")
    parser.set_defaults(run=_download_scenicornot)


def _check(options: argparse.Namespace) -> int:
    """Print the report and return the exit status: 2 if there are findings."""
    # Imported here, so that --help and argument errors need not wait for PyTorch.
    from siam.datasets.check import check

    report = check(options.name, options.root)
    if options.json:
        sys.stdout.write(json.dumps(report.as_json(), indent=1, allow_nan=False) + "\n")
    else:
        sys.stdout.write(f"{report.table()}{report.summary()}\n")
    if report.clean:
        return 0
    return fail(f"{options.root}: {report.summary()}: repair or remove them (training skips unreadable pictures)")


def _render(options: argparse.Namespace) -> int:
    if options.world == "flowers":
        from siam.worlds.flowers.render import SIZES

        if options.without is not None or options.without_each:
            return fail("--without: only landscapes can be rendered without some objects: leave it out")
        if options.split is not None:
            return fail("--split: only landscapes have splits of their own: leave it out")
        size = 256 if options.size is None else options.size
    else:
        from siam.worlds.landscapes.render import SIZES
        from siam.worlds.landscapes.scene import check_objects

        if options.without and options.without_each:
            return fail("--without and --without-each: choose one of them")
        if options.split is not None and (options.without_each or options.sheet is not None):
            return fail("--split: --without-each and --sheet need all scenes: leave them out, or --split")
        try:
            check_objects(options.without or ())
        except ValueError as error:
            return fail(f"--without: {error}")
        size = 500 if options.size is None else options.size
        if options.variant is not None:
            return fail(
                f"--variant {options.variant}: landscapes have no variants: add --world flowers or leave --variant out"
            )
    if options.seed < 0 or not SIZES[0] <= size <= SIZES[1]:
        return fail(
            f"--seed {options.seed} --size {size}: expected a seed of 0 or more, a size of {SIZES[0]} to {SIZES[1]}"
        )
    summary = _render_flowers(options, size) if options.world == "flowers" else _render_landscapes(options, size)
    if options.sheet is not None:
        from siam.worlds.contact_sheet import write_sheet

        write_sheet(options.out, range(1, min(options.count, 24) + 1), options.sheet)
    sys.stdout.write(f"{options.out}: {summary}\n")
    return 0


def _render_landscapes(options: argparse.Namespace, size: int) -> str:
    """Render, and return a line that says what the folder now holds."""
    from siam.worlds.landscapes.render import render_scenes, render_without_each

    without = options.without or ()
    render_scenes(options.out, options.count, options.seed, size, options.workers, without, options.split)
    if options.without_each:
        render_without_each(options.out, options.count, options.seed, size, options.workers)
    left_out = f", without {', '.join(without)}" if without else ""
    return f"scenes 1 to {options.count} of seed {options.seed}, with votes, labels and truth{left_out}"


def _render_flowers(options: argparse.Namespace, size: int) -> str:
    """Render, and return a line that says what the folder now holds."""
    from siam.worlds.flowers.render import render_flowers

    variant = options.variant or "single-6c"
    render_flowers(options.out, options.count, options.seed, variant, size, options.workers)
    return f"flowers 1 to {options.count} of seed {options.seed}, {variant}, with classes and masks"


def _open_photos(options: argparse.Namespace) -> int:
    """Get the photos that are missing, then score all."""
    import shlex
    from contextlib import nullcontext

    from tqdm import tqdm

    from siam.datasets.downloads import open_photos
    from siam.datasets.downloads.web import Web
    from siam.gallery.open_photos import write_scores
    from siam.gallery.samples import FOLDER
    from siam.models.checkpoint import load
    from siam.runtime.files import write_atomically

    out = FOLDER if options.out is None else options.out
    if options.packages is not None and not options.packages.is_dir():
        return fail(f"--packages {options.packages} is not a folder: give one that holds packages")
    known = out / open_photos.LIST
    chosen = options.list or (known if known.is_file() else FOLDER / open_photos.LIST)
    photos = open_photos.read_list(chosen)
    mirrors = {kind: url for kind in open_photos.KINDS if (url := getattr(options, kind)) is not None}
    with Web() as web, tqdm(desc="packages", unit="package", file=sys.stderr, disable=None) as bar:
        open_photos.fetch(
            out, photos, web, mirrors, options.packages, lambda done, of: bar.reset(of) or bar.update(done)
        )
    if chosen.resolve() != known.resolve():
        write_atomically(known, chosen.read_bytes())
    command = ["python", "-m", "siam", "data", "open-photos"]
    command += [] if options.out is None else [out.as_posix()]
    command += [] if options.model == "photo" else ["--model", options.model]
    with tqdm(total=len(photos), desc="scores", unit="photo", file=sys.stderr, disable=None) as bar:
        write_scores(load(options.model), nullcontext(), out, shlex.join(command), lambda _done, _of: bar.update(1))
    sys.stdout.write(f"{out}: {len(photos)} photos in {open_photos.IMAGES}/, scored by {options.model}\n")
    return 0


def _download_sun(options: argparse.Namespace) -> int:
    from siam.datasets.downloads import sun
    from siam.datasets.downloads.web import Web

    with Web() as web:
        sun.fetch(options.root, web, options.url or sun.BASE)
    sys.stdout.write(f"{options.root}: {' and '.join(f'{name}/' for name in sun.ARCHIVES.values())} are complete\n")
    return 0


def _download_scenicornot(options: argparse.Namespace) -> int:
    from siam.datasets.downloads import geograph, hub, scenicornot
    from siam.datasets.downloads.selection import Request
    from siam.datasets.downloads.web import Web

    request = Request(options.split, options.limit)
    if options.source == "hub":
        with Web(headers=hub.headers()) as web:
            repository = options.repo or scenicornot.REPOSITORY
            summary = scenicornot.fetch(options.root, web, request, repository, options.revision)
    else:
        rate = geograph.RATE if options.rate is None else options.rate
        if not 0 < rate <= geograph.MAXIMUM_RATE:
            return fail(
                f"--rate {rate:g}: expected more than 0 and at most {geograph.MAXIMUM_RATE:g} requests per second"
            )
        with Web(rate=rate) as web:
            votes, oembed = options.votes_url or geograph.VOTES_URL, options.oembed_url or geograph.OEMBED_URL
            summary = geograph.fetch(options.root, web, request, votes, oembed)
    sys.stdout.write(
        f"{options.root}: {summary.here} of {summary.asked} photos in images/, "
        "ratings in votes.tsv, authors in attribution.csv\n"
    )
    return 0
