"""`data`: check a dataset."""

import argparse
import json
import sys
from pathlib import Path

from siam.commands.failure import fail
from siam.datasets import DATASETS


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the commands and their arguments."""
    parser = commands.add_parser("data", help="check datasets")
    actions = parser.add_subparsers(required=True, metavar="ACTION")
    _add_check(actions)


def _add_check(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = actions.add_parser(
        "check", help="read everything and list missing, unreadable, duplicate and out-of-range items"
    )
    parser.add_argument("name", choices=tuple(DATASETS), metavar="NAME", help=f"layout: {', '.join(DATASETS)}")
    parser.add_argument("--root", type=Path, required=True, metavar="DIR", help="the dataset's folder")
    parser.add_argument("--json", action="store_true", help="print the findings as JSON")
    parser.set_defaults(run=_check)


def _check(options: argparse.Namespace) -> int:
    """Print the report; the exit status is 2 where something is amiss."""
    # Imported here, so that --help and a bad argument answer without loading PyTorch.
    from siam.datasets.check import check

    report = check(options.name, options.root)
    if options.json:
        sys.stdout.write(json.dumps(report.as_json(), indent=1, allow_nan=False) + "\n")
    else:
        sys.stdout.write(f"{report.table()}{report.summary()}\n")
    if report.clean:
        return 0
    return fail(f"{options.root}: {report.summary()}: mend or remove them (pictures that cannot be read are skipped)")
