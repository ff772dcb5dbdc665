"""`map`: the means of a gallery's scores and contributions over regions, or over cells of equal area."""

import argparse
import sys
from contextlib import suppress
from pathlib import Path

from siam.cli.arguments import fail

_SUFFIXES = (".csv", ".geojson", ".parquet")


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the command and its arguments."""
    parser = commands.add_parser(
        "map",
        help="mean scores and contributions of a gallery per region or cell",
        description="Print the means of SIAM's score, the baseline's, the crowd's ratings, the difference and every "
        "contribution over the regions of a GeoJSON file, or over cells of equal area, as CSV: each with n and the "
        "95 %% interval of the mean (Student's t, as if the photos were drawn at random; none for fewer than 2 "
        "photos). The gallery must say where its photos were taken.",
    )
    parser.add_argument("gallery", type=Path, metavar="GALLERY", help="folder of the gallery")
    over = parser.add_mutually_exclusive_group(required=True)
    over.add_argument(
        "--by", type=Path, metavar="FILE", help="regions: a GeoJSON file of polygons in longitude and latitude"
    )
    over.add_argument(
        "--cell",
        type=_side,
        metavar="KM",
        help="cells of KM × KM, 0.1 to 2000: rows of latitude, each cut into cells of exactly this area (on a sphere; "
        "only the cells at the poles differ)",
    )
    parser.add_argument(
        "--name",
        metavar="PROPERTY",
        help="with --by: the property that names a region (default: name, else the feature's id, else its number)",
    )
    parser.add_argument(
        "--out",
        type=Path,
        metavar="FILE",
        help="write FILE instead: .csv, or with the shapes .geojson or .parquet (GeoParquet 1.1)",
    )
    parser.set_defaults(run=run)


def _side(text: str) -> float:
    """Return `text` as the side of a cell in km."""
    from siam.gallery.regions import LARGEST, SMALLEST

    with suppress(ValueError):
        if SMALLEST <= float(text) <= LARGEST:
            return float(text)
    raise argparse.ArgumentTypeError(f"expected a side of {SMALLEST:g} to {LARGEST:g} km, not {text!r}")


def run(options: argparse.Namespace) -> int:
    """Print or write the means."""
    if options.out is not None and options.out.suffix.lower() not in _SUFFIXES:
        return fail(f"{options.out} ends in none of {', '.join(_SUFFIXES)}: choose one of these")
    if options.name is not None and options.by is None:
        return fail("--name is the property of regions that names them: give it with --by")
    from siam.gallery.cases import read_cases
    from siam.gallery.geojson import read_regions
    from siam.gallery.region_files import FORMATS
    from siam.gallery.regions import means_by_cell, means_by_region
    from siam.gallery.store import read
    from siam.runtime.files import check_file, write_atomically

    if options.out is not None:
        check_file(options.out)
    regions = None if options.by is None else read_regions(options.by, options.name)
    cases = read_cases(read(options.gallery))
    if not cases.placed.any():
        return fail(
            f"{options.gallery} does not say where its photos were taken: its columns latitude and longitude are empty"
        )
    if regions is None:
        means = means_by_cell(cases, options.cell)
    else:
        means = means_by_region(cases, regions.regions)
        sys.stderr.writelines(f"note: {note}\n" for note in regions.notes)
    if options.out is None:
        sys.stdout.write(FORMATS[".csv"](means).decode())
        sys.stderr.write(f"{means}\n")
    else:
        write_atomically(options.out, FORMATS[options.out.suffix.lower()](means))
        sys.stdout.write(f"{options.out}: {means}\n")
    return 0
