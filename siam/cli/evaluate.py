"""`evaluate`: a pair's figures on a dataset, with intervals; or the paper's tables beside our own results."""

import argparse
import json
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from siam.cli.arguments import add_engine, fail, number, side
from siam.datasets import DATASETS

if TYPE_CHECKING:
    from siam.evaluation.assessment import Assessment
    from siam.models.checkpoint import Pair

_SPLITS = ("train", "val", "test", "all")


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Declare the command and its arguments."""
    parser = commands.add_parser(
        "evaluate",
        help="evaluate a pair on a dataset, or print the paper's tables beside ours",
        description="Evaluate a pair on a dataset, with confidence intervals, or print the paper's tables beside ours.",
    )
    parser.add_argument(
        "--data", choices=tuple(DATASETS), metavar="NAME", help=f"layout of the dataset: {', '.join(DATASETS)}"
    )
    parser.add_argument("--root", type=Path, metavar="DIR", help="the dataset's folder")
    parser.add_argument(
        "--split", choices=_SPLITS, metavar="S", help="train, val, test or all (default: test if there is one)"
    )
    parser.add_argument(
        "--model",
        default="photo",
        metavar="NAME|DIR|HUB",
        help="bundled pair, folder or Hub repository (default: photo)",
    )
    parser.add_argument(
        "--scale",
        nargs=2,
        type=float,
        metavar=("LOW", "HIGH"),
        help="lowest and highest rating, for a folder whose table does not tell its scale (else ranks are compared)",
    )
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    parser.add_argument("--out", type=Path, metavar="FILE", help="also store the figures in FILE, for --tables")
    _add_gallery(parser)
    parser.add_argument(
        "--tables",
        nargs="?",
        const=Path(),
        type=Path,
        metavar="DIR",
        help="print the paper's Tables 2 and 3 beside the results stored in DIR, and the results on rendered scenes "
        "(default: assets/results)",
    )
    parser.add_argument("--markdown", action="store_true", help="with --tables: print Markdown")
    add_engine(parser)
    parser.set_defaults(run=run)


def _add_gallery(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--gallery", type=Path, metavar="DIR", help="also write the photos and their scores to a gallery"
    )
    parser.add_argument(
        "--gallery-count", type=number, metavar="N", help="only the first N photos by ID (default: all)"
    )
    parser.add_argument(
        "--gallery-size",
        type=side,
        default=400,
        metavar="PX",
        help="longest side of the gallery's pictures (default: 400)",
    )
    parser.add_argument(
        "--gallery-without-pictures", action="store_true", help="store public addresses instead of the pictures"
    )


def run(options: argparse.Namespace) -> int:
    """Print the figures, or the tables."""
    if options.tables is not None:
        return _tables(options)
    if options.data is None or options.root is None:
        return fail("evaluate needs --data NAME and --root DIR, or --tables: see python -m siam evaluate --help")
    # Imported here, so that --help and argument errors need not wait for PyTorch.
    from siam.datasets.base import RatingScale
    from siam.evaluation.assessment import assess
    from siam.models.checkpoint import load
    from siam.results.assessment import table
    from siam.runtime.files import check_file, check_folder, remove_left_over

    if options.out is not None:
        check_file(options.out)
        remove_left_over(options.out.parent, levels=0)
    if options.gallery is not None:
        check_folder(options.gallery)
        pictures, photos = ((folder / "images").resolve() for folder in (options.gallery, options.root))
        if not options.gallery_without_pictures and pictures in (photos, options.root.resolve()):
            return fail(f"{options.gallery} holds photos of {options.root}: choose another folder for the gallery")
    scale = None if options.scale is None else RatingScale.between(*options.scale)
    pair = load(options.model)
    gallery = options.gallery is not None
    assessment = assess(pair, options.data, options.root, options.split, score_labelled_photos=gallery, scale=scale)
    answer = assessment.figures
    for note in answer["notes"]:
        sys.stderr.write(f"note: {note}\n")
    status = 0
    if options.out is not None:
        status = _store(answer, options, str(pair.card.get("variant", "siam")))
    if gallery:
        _write_gallery(pair, assessment, options)
    if options.json:
        sys.stdout.write(json.dumps(answer, indent=1, ensure_ascii=False, allow_nan=False) + "\n")
    else:
        sys.stdout.write(table(answer))
    return status


def _tables(options: argparse.Namespace) -> int:
    from siam.evaluation import stored
    from siam.results import paper
    from siam.results.truths import truth_tables

    folder = stored.STORED if options.tables == Path() else options.tables
    results = list(stored.read_all(folder).values())
    render = paper.markdown if options.markdown else paper.text
    sys.stdout.write(render(results))
    if tables := truth_tables(results, markdown=options.markdown):
        sys.stdout.write(f"\n{tables}")
    return 0


def _write_gallery(pair: "Pair", assessment: "Assessment", options: argparse.Namespace) -> None:
    from siam.gallery.writing import Choice, build

    further = ["--gallery", str(options.gallery), "--gallery-size", str(options.gallery_size)]
    if options.gallery_count is not None:
        further += ["--gallery-count", str(options.gallery_count)]
    if options.gallery_without_pictures:
        further.append("--gallery-without-pictures")
    command = f"{_command(assessment.figures, options)} {shlex.join(further)}"
    choice = Choice(options.gallery_count, options.gallery_size, not options.gallery_without_pictures)
    count = build(pair, assessment, options.gallery, command, choice)
    sys.stderr.write(f"note: gallery {options.gallery} holds {count} photos\n")


def _command(answer: dict[str, Any], options: argparse.Namespace) -> str:
    """Return the command that reproduces these figures."""
    words = ["python", "-m", "siam", "evaluate", "--data", options.data, "--root", str(options.root)]
    words += [] if options.scale is None else ["--scale", *(f"{end:g}" for end in options.scale)]
    return shlex.join([*words, "--split", answer["split"], "--model", options.model])


def _store(answer: dict[str, Any], options: argparse.Namespace, variant: str) -> int:
    """Store the figures; for photos seen in training, only how the presence of attributes goes with the score."""
    from datetime import UTC, datetime

    from siam.evaluation import stored
    from siam.runtime.provenance import git_commit

    figures = {variant: {} if answer["seen_in_training"] else dict(answer["siam"])}
    if answer.get("baseline") is not None and not answer["seen_in_training"]:
        figures["baseline"] = answer["baseline"]
        figures[variant]["difference"] = answer["difference"]
    if answer.get("presence") is not None:
        figures[variant]["presence"] = answer["presence"]
    if answer.get("what_where_how") is not None and not answer["seen_in_training"]:
        figures[variant]["what_where_how"] = answer["what_where_how"]
    if not figures[variant]:
        return fail(f"nothing stored in {options.out}: {answer['notes'][0]}")
    protocol = "; ".join([f"the finished networks on {answer['n']} photos", answer["method"], *answer["notes"]])
    result = stored.Result(
        model=answer["model"],
        data=answer["folder"] if answer["folder"] == options.data else f"{answer['folder']} ({options.data})",
        split=answer["split"],
        protocol=protocol,
        date=datetime.now(UTC).date().isoformat(),
        command=_command(answer, options),
        git_commit=git_commit(),
        figures=stored.variant_figures(figures),
    )
    stored.write(result, options.out)
    if answer["seen_in_training"]:
        kept = "only how the presence of attributes goes with the score"
        sys.stderr.write(f"note: {options.out} holds {kept}, since figures on photos seen in training flatter\n")
    return 0
