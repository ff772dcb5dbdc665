"""`explain`: scores and contributions of photos, or what leads from one photo's score to another's, with figures."""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tqdm import tqdm

from siam.cli.arguments import add_change, add_colours, add_engine, fail
from siam.errors import SIAMError
from siam.models.csib import BUDGETS

if TYPE_CHECKING:
    from siam.explanation.inference import Explanation
    from siam.models.checkpoint import Pair
    from siam.models.csib import CSIB

_FEWEST, _MOST = 2, 4  # photos that `--difference` compares
_DIFFERENCE = "difference"  # name of the files that it writes to a folder
_NOT_WRITTEN = (".jpg", ".jpeg", ".webp", ".gif", ".tif", ".tiff", ".pdf", ".htm", ".txt", ".csv")  # no folders either
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
    parser.add_argument(
        "--difference",
        action="store_true",
        help="compare two to four photos of one place: what leads from the first one's score to the others'",
    )
    add_change(parser)
    parser.add_argument(
        "--context",
        action="store_true",
        help="also score the photos by groups of attributes that count together, if the networks have any; data and "
        "report then hold these, too",
    )
    parser.add_argument(
        "--causes", type=int, choices=BUDGETS, metavar="K", help="with --context: what 1 to 8 causes make of the score"
    )
    parser.add_argument("--json", action="store_true", help="print scores and contributions as JSON")
    parser.add_argument(
        "--out",
        type=Path,
        metavar="DIR",
        help="write a figure (PNG), data (JSON) and a report (HTML) to DIR; with --difference also to one FILE.png, "
        ".svg, .json or .html",
    )
    add_colours(parser)
    add_engine(parser)
    parser.set_defaults(run=run)


def _wrong(options: argparse.Namespace) -> str:
    """Return which options do not go together; "" if all do."""
    if options.causes is not None and not options.context:
        return "--causes is a number of causes that count together; give --context, too"
    if options.difference and options.context:
        return "--difference compares SIAM's own scores: leave out --context"
    if options.change and not options.difference:
        return "--change names what changed between photos; give --difference, too"
    return ""


def run(options: argparse.Namespace) -> int:
    """Explain each image in turn; a bad file does not stop the others."""
    if wrong := _wrong(options):
        return fail(wrong)
    if options.difference:
        return _difference(options)
    # Imported here, so that --help and argument errors need not wait for PyTorch.
    from siam.explanation.inference import explain
    from siam.images.preprocessing import least_side
    from siam.images.reading import read_image
    from siam.models.checkpoint import load
    from siam.runtime.files import check_folder

    if options.out is not None:
        check_folder(options.out)
    pair = load(options.model)
    if options.context and pair.csib is None:
        return fail(
            f"{pair.name!r} has no groups of attributes that count together: leave out --context, or train them with a "
            "recipe such as recipes/photo-context.toml"
        )
    if options.out is not None:
        options.out.mkdir(parents=True, exist_ok=True)
    stems = _unique_stems(options.image, options.out)
    csib = pair.csib if options.context else None
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

            files.write(explanation, path.name, pair.card, options.out, stem, csib, options.causes)
        if options.json:
            from siam.reports.files import contract_json

            results.append(contract_json(explanation, str(path), csib))
        else:
            progress.clear()
            sys.stdout.write(f"{path}: {_text(explanation, csib, options.causes)}\n")
    if options.json and results:
        answer = results[0] if len(options.image) == 1 else results
        sys.stdout.write(json.dumps(answer, indent=1, allow_nan=False) + "\n")
    return 2 if failed else 0


def _text(explanation: "Explanation", csib: "CSIB | None", causes: int | None) -> str:
    from siam.explanation.context import context_sentence, in_context
    from siam.explanation.wording import summary

    together = "" if csib is None else f" {context_sentence(in_context(csib, explanation), causes)}"
    return f"{summary(explanation)}{together}"


def _difference(options: argparse.Namespace) -> int:
    """Compare the photos with the first one; without any of them there is nothing to compare."""
    paths, out = options.image, options.out
    if not _FEWEST <= len(paths) <= _MOST:
        photos = f"{len(paths)} photo{'s' * (len(paths) != 1)}"
        return fail(f"--difference compares {_FEWEST} to {_MOST} photos with the first; {photos} given")
    from siam.explanation import wording
    from siam.explanation.difference import differences, distinct
    from siam.explanation.inference import explain
    from siam.images.preprocessing import least_side
    from siam.images.reading import read_image
    from siam.models.checkpoint import load
    from siam.reports import files
    from siam.runtime.files import check_folder

    alone = out is not None and out.suffix.lower() in files.DIFFERENCE_ENDINGS and not out.is_dir()
    if out is not None and out.suffix.lower() in _NOT_WRITTEN and not out.is_dir():
        return fail(f"{out} cannot be written; give --out a folder or a file that ends in .png, .svg, .json or .html")
    if out is not None and alone and out.resolve() in {path.resolve() for path in paths}:
        return fail(f"{out} is one of the photos; give --out another name")
    if out is not None:
        check_folder(out.parent if alone else out)
    pair = load(options.model)
    explanations = [explain(pair, read_image(path, least=least_side(*pair.configs))) for path in paths]
    names = distinct([str(path) for path in paths])
    if out is not None:
        _write_difference(explanations, distinct([path.name for path in paths]), pair, options, alone)
    if options.json:
        answer = files.difference_json(explanations, names, options.change)
        sys.stdout.write(json.dumps(answer, indent=1, allow_nan=False) + "\n")
        return 0
    for explanation, name in zip(explanations, names, strict=True):
        texts = (f"{name}: {wording.scores(explanation)}", wording.interval_text(explanation))
        sys.stdout.write(f"{'. '.join(filter(None, texts))}\n")
    found = differences(explanations, options.change)
    for of, name, sentence in zip(found, names[1:], wording.difference_sentences(found, names), strict=True):
        texts = sentence, wording.difference_caveat(of), wording.view_text(of, (names[0], name))
        sys.stdout.write(f"{' '.join(filter(None, texts))}\n")
    return 0


def _write_difference(
    explanations: "list[Explanation]", names: list[str], pair: "Pair", options: argparse.Namespace, alone: bool
) -> None:
    """Write the file that `--out` names if it stands `alone`, otherwise figure, data and report into that folder."""
    from siam.reports import files
    from siam.runtime.files import write_atomically

    out: Path = options.out
    (out.parent if alone else out).mkdir(parents=True, exist_ok=True)
    targets = [out]
    if not alone:
        (stem,) = _unique_stems([Path(_DIFFERENCE)], out, options.image)
        targets = [out / f"{stem}{ending}" for ending in _ENDINGS]
    for path in targets:
        ending = path.suffix.lower()
        write_atomically(path, files.difference_file(ending, explanations, names, pair.card, options.change))


def _unique_stems(paths: Sequence[Path], out: Path | None, photos: Sequence[Path] = ()) -> list[str]:
    """Return a file stem for each path's outputs, numbered where it would clash with another or overwrite an input."""
    inputs = {path.resolve() for path in (*paths, *photos)}
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
