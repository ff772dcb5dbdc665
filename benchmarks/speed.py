"""Every measurement of speed in one run: `python -m benchmarks.speed [--only NAME …] [--quick] [--store]`.

Whatever is compared is measured in turn, so ratios hold on other machines and on busy ones; seconds do not. It needs
Chromium. `--store` writes assets/results/speed.json, from which Results and the documentation take their tables.
"""

import argparse
import sys
import tempfile
from collections.abc import Callable, Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from benchmarks import app, networks
from benchmarks.measuring import Pairs, at_least, compared, cores_used, report, run_of
from siam.evaluation import stored
from siam.evaluation.figures import Measurement
from siam.explainers.registry import EXPLAINERS, title
from siam.results import speed

COMMAND = "python -m benchmarks.speed"
ROUNDS, QUICK_ROUNDS = 10, 2
PHOTOS, QUICK_PHOTOS = 2000, 60

MEASURES: dict[str, Callable[[int, int, Path], list[Measurement]]] = {  # of rounds, photos to score, and their folder
    "explain": lambda rounds, _photos, _folder: networks.explain(rounds),
    "score": networks.score,
    "jpeg": lambda rounds, _photos, folder: networks.jpeg(rounds, folder),
    "upload": lambda rounds, _photos, folder: app.upload(rounds, folder),
    "start": lambda rounds, _photos, _folder: app.start(max(2, rounds // 2)),
    "explainers": lambda rounds, _photos, _folder: explainers(quick=rounds == QUICK_ROUNDS),
}


def explainers(*, quick: bool = False) -> list[Measurement]:
    """Measure every explainer against the package that one would take instead; nothing without that benchmark."""
    if find_spec("benchmarks.explainers") is None:
        return []
    named = ("grad_cam",) if quick else ()
    rows = import_module("benchmarks.explainers").measure(named, lambda line: sys.stderr.write(f"{line}\n"))
    alike = min((row.correlation for row in rows), default=1.0)
    return [
        compared(
            Pairs([row.ours_seconds], [row.theirs_seconds]).rates(),
            ratios=row.ratios,
            name=f"explainers/{row.name}",
            part="Explainers",
            description=title(row.name),
            against=f"{row.against} {row.version}".strip(),
            unit="maps/s",
            goal=at_least(2 if row.name in EXPLAINERS and EXPLAINERS[row.name].kind == "perturbation" else 1),
            note="a map of the baseline's score for a sample photo, with the same settings; theirs in PyTorch, in "
            f"batches of the size that suits it best; the maps correlate by {alike:.3f} or more",
        )
        for row in rows
    ]


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print the table, and store it."""
    parser = argparse.ArgumentParser(prog=COMMAND, description="Measure how fast SIAM Explorer is.")
    parser.add_argument(
        "--only", nargs="+", choices=MEASURES, metavar="NAME", help=f"only some of {', '.join(MEASURES)}"
    )
    parser.add_argument("--quick", action="store_true", help="few rounds and photos, to see whether everything works")
    parser.add_argument("--store", action="store_true", help="write the measurements to assets/results/speed.json")
    options = parser.parse_args(arguments)
    if options.only and options.store:
        parser.error("--store is for a whole run: leave out --only")
    rounds, photos = (QUICK_ROUNDS, QUICK_PHOTOS) if options.quick else (ROUNDS, PHOTOS)
    found: list[Measurement] = []
    with tempfile.TemporaryDirectory() as name:
        for measure in options.only or MEASURES:
            found += MEASURES[measure](rounds, photos, Path(name))
    figures = run_of(f"{COMMAND} --quick" if options.quick else COMMAND, found, cores=cores_used())
    sys.stdout.write(f"{report(figures)}\n")
    if options.store:
        speed.write(figures, stored.STORED / "speed.json")


if __name__ == "__main__":
    main()
