"""`score`: scores any number of photos into Parquet files."""

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from siam.cli.arguments import add_engine, fail, number

if TYPE_CHECKING:
    from siam.archive.scoring import Progress

_SHARD = 500
_SHOWN = 3  # reasons why photos could not be scored


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the command and its arguments."""
    parser = commands.add_parser(
        "score",
        help="score an archive: a folder, a table of paths or addresses, or Parquet files of pictures",
        description="Score any number of photos into Parquet files, one row for each photo: scores, the contribution "
        "of every attribute, and when and where the photo was taken. A photo that cannot be scored gets a row that "
        "says why. Interrupted work goes on with --resume.",
        epilog="Exit status: 0 when all photos have a row; with --strict, 1 if some could not be scored.",
    )
    parser.add_argument(
        "source",
        metavar="SOURCE",
        help="folder, table (CSV, spreadsheet, Parquet), Parquet files of pictures, or an address of these such as "
        "s3://bucket/folder or hf://datasets/owner/name",
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder for the scores")
    parser.add_argument(
        "--model",
        default="photo",
        metavar="NAME|DIR|HUB",
        help="bundled pair, folder or Hub repository (default: photo)",
    )
    columns = parser.add_argument_group("columns of a table or of Parquet files")
    columns.add_argument("--image", metavar="COLUMN", help="paths, addresses or pictures (default: found by its name)")
    columns.add_argument("--id", metavar="COLUMN", help="names of the photos (default: their paths)")
    columns.add_argument("--latitude", metavar="COLUMN", help="degrees north (default: found by its name)")
    columns.add_argument("--longitude", metavar="COLUMN", help="degrees east (default: found by its name)")
    columns.add_argument("--keep", nargs="+", default=[], metavar="COLUMN", help="columns that are carried over")
    results = parser.add_argument_group("results")
    results.add_argument("--maps", action="store_true", help="store the attribute maps, too")
    results.add_argument(
        "--features",
        action="store_true",
        help="store what siam discover looks at, too: all photos count there, and none is looked at again; takes twice "
        "the time, and about 0.1 MB a photo",
    )
    results.add_argument("--csv", action="store_true", help="write DIR/_tables/scores.csv, too, for spreadsheets")
    results.add_argument(
        "--geoparquet",
        action="store_true",
        help="write DIR/_tables/points.parquet, too, for a GIS: photos whose place is known",
    )
    results.add_argument(
        "--fiftyone", action="store_true", help="write DIR/_tables/fiftyone.json, too, with heatmaps of --maps"
    )
    results.add_argument(
        "--no-place", action="store_true", help="do not read from the photos where they were taken (EXIF)"
    )
    results.add_argument(
        "--shard", type=number, default=_SHARD, metavar="N", help=f"photos in each file of scores (default: {_SHARD})"
    )
    work = parser.add_argument_group("work")
    work.add_argument("--resume", action="store_true", help="go on with what was begun in DIR")
    work.add_argument("--strict", action="store_true", help="exit with status 1 if a photo could not be scored")
    work.add_argument(
        "--runner",
        choices=("ray", "local"),
        help="what runs the work: Ray on all cores, GPUs or a cluster, or this process (default: Ray, if installed)",
    )
    work.add_argument("--ray-address", metavar="ADDRESS", help="a cluster of Ray (default: this machine)")
    add_engine(work)
    parser.set_defaults(run=_score)


def _score(options: argparse.Namespace) -> int:
    from siam.archive.sources import source_of
    from siam.runtime.files import check_folder

    if options.ray_address and options.runner == "local":
        return fail("--ray-address is for Ray: leave out --runner local")
    check_folder(options.out)
    source = source_of(
        options.source,
        image=options.image,
        identifier=options.id,
        latitude=options.latitude,
        longitude=options.longitude,
        keep=options.keep,
    )
    # Imported here, so that errors in arguments need not wait for PyTorch.
    from siam.archive.engines import Settings
    from siam.archive.scoring import score_into
    from siam.archive.tables import write_csv, write_fiftyone, write_geoparquet
    from siam.models.checkpoint import load

    runner = "ray" if options.ray_address else options.runner
    settings = Settings(
        options.maps, not options.no_place, options.shard, runner, options.ray_address, options.features
    )
    with _progress() as progress:
        done = score_into(load(options.model), source, options.out, settings, resume=options.resume, progress=progress)
    if options.csv:
        write_csv(options.out)
    if options.geoparquet:
        write_geoparquet(options.out)
    if options.fiftyone:
        write_fiftyone(options.out)
    what = f"{done.photos:,} {'photo' if done.photos == 1 else 'photos'}"
    sys.stdout.write(f"{options.out}: {what}, {done.photos - done.failed:,} scored\n")
    if done.failed:
        sys.stdout.write(f"{done.failed:,} could not be scored; the column error says why, such as:\n")
        sys.stdout.writelines(f"  {reason}\n" for reason in done.reasons[:_SHOWN])
    return 1 if options.strict and done.failed else 0


@contextmanager
def _progress() -> Iterator["Progress"]:
    """Yield a callback that shows on stderr how many photos are done, how many a second, and the time left."""
    from tqdm import tqdm

    bar: tqdm | None = None

    def progress(done: int, of: int, failed: int) -> None:
        nonlocal bar
        if bar is None:  # what was done before counts as done, but not into the speed
            bar = tqdm(desc="score", unit=" photos", total=of, initial=done, mininterval=0.5, file=sys.stderr)
        bar.update(done - bar.n)
        if failed:
            bar.set_postfix_str(f"{failed:,} failed", refresh=False)

    try:
        yield progress
    finally:
        if bar is not None:
            bar.close()
