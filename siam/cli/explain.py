"""`explain`: scores and contributions of photos, with figures and reports."""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from tqdm import tqdm

from siam.cli.arguments import add_engine, fail
from siam.errors import SIAMError

_ENDINGS = (".png", ".json", ".html")  # of what `--out` writes


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the command and its arguments."""
    parser = commands.add_parser(
        "explain",
        help="score photos and show what raised and lowered each score",
        description="Score photos and show what raised and lowered each score.",
    )
    parser.add_argument("image", nargs="+", type=Path, metavar="IMAGE", help="one or more photos")
    parser.add_argument(
        "--model",
        default="photo",
        metavar="NAME|DIR|HUB",
        help="bundled pair, folder or Hub repository (default: photo)",
    )
    parser.add_argument("--json", action="store_true", help="print scores and contributions as JSON")
    parser.add_argument(
        "--out", type=Path, metavar="DIR", help="write a figure (PNG), data (JSON) and a report (HTML) to DIR"
    )
    add_engine(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Explain each image in turn; a bad file does not stop the others."""
    # Imported here, so that --help and argument errors need not wait for PyTorch.
    from siam.explanation import wording
    from siam.explanation.inference import explain
    from siam.images.preprocessing import least_side
    from siam.images.reading import read_image
    from siam.models.checkpoint import load
    from siam.runtime.files import check_folder

    if options.out is not None:
        check_folder(options.out)
    pair = load(options.model)
    if options.out is not None:
        options.out.mkdir(parents=True, exist_ok=True)
    stems = _unique_stems(options.image, options.out)
    results: list[dict] = []
    failed = False
    progress = tqdm(options.image, unit="photo", file=sys.stderr, disable=len(options.image) == 1 or None, leave=False)
    for path, stem in zip(progress, stems, strict=True):
        try:
            explanation = explain(pair, read_image(path, least=least_side(*pair.configs)))
        except SIAMError as error:
            progress.clear()
            fail(str(error))
            failed = True
            continue
        if options.out is not None:
            from siam.reports import files

            files.write(explanation, path.name, pair.card, options.out, stem)
        if options.json:
            from siam.reports import files

            results.append(files.contract_json(explanation, str(path)))
        else:
            progress.clear()
            sys.stdout.write(f"{path}: {wording.summary(explanation)}\n")
    if options.json and results:
        answer = results[0] if len(options.image) == 1 else results
        sys.stdout.write(json.dumps(answer, indent=1, allow_nan=False) + "\n")
    return 2 if failed else 0


def _unique_stems(paths: Sequence[Path], out: Path | None) -> list[str]:
    """Return a file stem for each path's outputs, numbered where it would clash with another or overwrite an input."""
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
