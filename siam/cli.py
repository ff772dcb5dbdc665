"""The command line: arguments in, results to stdout, progress and errors to stderr.

Exit status: 0; 2 for bad usage or bad input, with one line on stderr that names the file and the remedy.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from io import TextIOWrapper
from pathlib import Path
from typing import NoReturn

from tqdm import tqdm

from siam.errors import SIAMError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    options = _parser().parse_args(arguments)
    if isinstance(sys.stdout, TextIOWrapper):  # a character that the terminal lacks, as in a file's name, is no error
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        return options.run(options)
    except SIAMError as error:
        return _fail(str(error))
    except OSError as error:  # an output folder that cannot be written, a full disk
        return _fail(f"{error.filename or 'file system'}: {error.strerror or error}: check the path and the space left")
    except KeyboardInterrupt:
        return _fail("interrupted; what was finished is kept")


_ENDINGS = (".png", ".json", ".html")  # of what `explain --out` writes


class _Parser(argparse.ArgumentParser):
    """Says what is wrong with the arguments in one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"error: {message}: see {self.prog} --help\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="python -m siam", description="Explain why a network finds a landscape beautiful.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    explain = commands.add_parser("explain", help="score photos and say what raised and lowered each score")
    explain.add_argument("image", nargs="+", type=Path, metavar="IMAGE", help="a photo; several are explained in turn")
    explain.add_argument(
        "--model", default="photo", metavar="NAME|DIR|HUB", help="bundled pair, folder or Hub repository"
    )
    explain.add_argument("--json", action="store_true", help="print scores and contributions as JSON")
    explain.add_argument(
        "--out", type=Path, metavar="DIR", help="write figure (PNG), data (JSON) and report (HTML) there"
    )
    explain.set_defaults(run=_explain)

    train = commands.add_parser("train", help="train a pair of networks as a recipe says")
    train.add_argument("recipe", type=Path, metavar="RECIPE", help="a TOML file, such as recipes/photo.toml")
    train.add_argument(
        "--root", type=Path, default=Path("data"), metavar="DIR", help="holds the datasets; default data"
    )
    train.add_argument("--out", type=Path, metavar="DIR", help="for networks and card; default runs/NAME OF RECIPE")
    train.add_argument("--cache", type=Path, default=Path("cache"), metavar="DIR", help="where features are kept")
    train.set_defaults(run=_train)
    return parser


def _explain(options: argparse.Namespace) -> int:
    # Imported here, so that --help and a bad argument answer without loading PyTorch.
    from siam import report, wording
    from siam.checkpoint import load
    from siam.images import read_image
    from siam.inference import explain

    pair = load(options.model)
    if options.out is not None:
        options.out.mkdir(parents=True, exist_ok=True)
    stems = _unique_stems(options.image, options.out)
    results: list[dict] = []
    failed = False
    progress = tqdm(options.image, unit="photo", file=sys.stderr, disable=len(options.image) == 1 or None, leave=False)
    for path, stem in zip(progress, stems, strict=True):
        try:
            explanation = explain(pair, read_image(path))
        except SIAMError as error:  # one bad file does not cost the others
            progress.clear()
            _fail(str(error))
            failed = True
            continue
        if options.out is not None:
            report.write(explanation, path.name, pair.card, options.out, stem)
        if options.json:
            results.append(report.contract_json(explanation, str(path)))
        else:
            progress.clear()
            sys.stdout.write(f"{path}: {wording.summary(explanation)}\n")
    if options.json and results:
        answer = results[0] if len(options.image) == 1 else results
        sys.stdout.write(json.dumps(answer, indent=1, allow_nan=False) + "\n")
    return 2 if failed else 0


def _train(options: argparse.Namespace) -> int:
    from siam.training import train

    train(options.recipe, options.root, options.out or Path("runs") / options.recipe.stem, options.cache)
    return 0


def _unique_stems(paths: Sequence[Path], out: Path | None) -> list[str]:
    """Return a file stem for each path's outputs, with a number where it would meet another's or replace an input."""
    inputs = {path.resolve() for path in paths}
    taken: set[str] = set()
    stems = []
    for path in paths:
        stem, number = path.stem, 2
        while stem.casefold() in taken or (
            out is not None and any((out / f"{stem}{end}").resolve() in inputs for end in _ENDINGS)
        ):
            stem, number = f"{path.stem}-{number}", number + 1
        taken.add(stem.casefold())
        stems.append(stem)
    return stems


def _fail(message: str) -> int:
    sys.stderr.write(f"error: {' '.join(message.split())}\n")
    return 2
