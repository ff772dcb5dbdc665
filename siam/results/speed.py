"""Stored measurements of speed, and their tables: files in assets/results, as `siam.evaluation.stored` names them.

`python -m benchmarks.speed --store` writes speed.json, for a processor; `python -m benchmarks.gpu --store PATH` one for
a GPU; `python -m benchmarks.score --store` throughput.json, for archives. `siam.evaluation.figures.SpeedFigures` says
what they hold.
"""

import json
import math
from collections.abc import Iterable
from datetime import date
from pathlib import Path

from siam.evaluation import stored
from siam.evaluation.figures import Goal, Measurement, NumberCheck, SpeedFigures
from siam.evaluation.stored import ResultError
from siam.results.paper import markdown_table
from siam.runtime.files import write_atomically
from siam.runtime.parsing import parse_json

FORMAT = 1
MEASURED = "what is measured"  # heading of the first column
HEADS = ("ours", "theirs", "ratio", "goal", "reached")  # of the others
AGAINST = "compared with"  # of a further one, the third, where there is room
CHECKED = "numbers on the GPU as on the processor"
CHECK_HEADS = ("largest difference", "allowed", "passed")


def paths() -> list[Path]:
    """Return the project's own files: the processor's, then those of GPUs, then those of archives."""
    return [
        path
        for pattern in stored.SPEED
        for path in sorted(stored.STORED.glob(pattern), key=lambda path: (len(path.name), path.name))
    ]


def write(figures: SpeedFigures, path: Path) -> None:
    """Write the measurements of a run, whole or not at all.

    Raises:
        StorageError: they cannot be stored.
        ValueError: a number is not finite.
    """
    text = json.dumps(figures.to_json(), indent=1, ensure_ascii=False, allow_nan=False)
    write_atomically(path, f"{text}\n".encode())


def read(path: Path) -> SpeedFigures:
    """Return stored measurements.

    Raises:
        ResultError: the file is missing, damaged or invalid.
    """
    try:
        content = parse_json(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ResultError(f"{path} is not readable as JSON ({error}): measure again") from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        came = content.get("format") if isinstance(content, dict) else type(content).__name__
        raise ResultError(f"{path} has format {came!r}; this version reads format {FORMAT}: measure again")
    try:
        figures = SpeedFigures.from_json(content, "the file")
        date.fromisoformat(figures.date)
    except ValueError as error:
        raise ResultError(f"{path} {error}: correct it, or measure again") from error
    return figures


def reached(goal: Goal | None, ours: float, ratio: float | None) -> bool | None:
    """Return whether a goal is reached; None without a goal."""
    value = ours if goal is not None and goal.of == "ours" else ratio
    if goal is None or value is None:
        return None
    return value <= goal.number if goal.direction == "at most" else value >= goal.number


def heads(*, against: bool) -> list[str]:
    """Return the headings of the table."""
    first, *others = HEADS
    return [MEASURED, first, *([AGAINST] if against else []), *others]


def rows(measurements: Iterable[Measurement], *, against: bool) -> list[list[str]]:
    """Return a row of cells for each measurement, and a row with a single cell for each part.

    Args:
        measurements: in the order of the table.
        against: whether a column says what each is compared with; if not, `notes` still do.
    """
    listed: list[list[str]] = []
    part = ""
    for of in measurements:
        if of.part != part:
            listed.append([part := of.part])
        listed.append(
            [
                of.description if of.peak_mib is None else f"{of.description}, {of.peak_mib:,} MiB",
                _ours(of),
                *([of.against or "–"] if against else []),
                "–" if of.theirs is None else quantity(of.theirs, of.unit),
                "–" if of.ratio is None else f"{_digits(of.ratio)}{_spread(of)}",
                goal_text(of),
                "–" if of.reached is None else "yes" if of.reached else "no",
            ]
        )
    return listed


def check_rows(checks: Iterable[NumberCheck]) -> list[list[str]]:
    """Return a row of cells for each check, under `CHECK_HEADS`."""
    return [[of.name, f"{of.difference:.1e}", f"{of.allowed:.0e}", "yes" if of.passed else "no"] for of in checks]


def notes(measurements: Iterable[Measurement]) -> list[tuple[str, str]]:
    """Return how each was measured and against what: its description, and a sentence.

    Those of a part that were measured alike share one, under the part's name.
    """
    groups: dict[tuple[str, str], list[Measurement]] = {}
    for of in measurements:
        groups.setdefault((of.part, of.note), []).append(of)
    return [_note(part, note, alike) for (part, note), alike in groups.items()]


def _note(part: str, note: str, alike: list[Measurement]) -> tuple[str, str]:
    against = {of.against for of in alike if of.against is not None}
    if len(against) > 1:
        listed = "; ".join(f"{of.description} against {of.against}" for of in alike if of.against is not None)
        return part, f"{note}. {listed}."
    text = f"{note}; compared with {against.pop()}." if against else f"{note}."
    return alike[0].description if len(alike) == 1 else part, text


def source(figures: SpeedFigures) -> str:
    """Return where the figures come from: the machine, the command, its date, the commit and the versions."""
    cores = "" if figures.cores is None else f", {figures.cores} {'core' if figures.cores == 1 else 'cores'}"
    commit = "" if figures.git_commit is None else f", commit {_short(figures.git_commit)}"
    versions = ", ".join(f"{name} {number}" for name, number in figures.versions.items())
    return f"{figures.processor}{cores}; `{figures.command}`, {figures.date}{commit}; {versions}"


def markdown(runs: Iterable[SpeedFigures]) -> str:
    """Return the tables of several runs as Markdown."""
    parts = []
    for figures in runs:
        listed = [heads(against=True), *rows(figures.measurements, against=True)]
        parts.append(markdown_table([row if len(row) > 1 else _wide(row[0], len(listed[0])) for row in listed]))
        if figures.checks:
            parts.append(markdown_table([[CHECKED, *CHECK_HEADS], *check_rows(figures.checks)]))
        parts.append("\n".join(f"- {what}: {how}" for what, how in notes(figures.measurements)))
        parts.append(f"Ratio: ours / theirs, the median of the rounds (lowest to highest). {source(figures)}")
    return "\n\n".join(parts)


def _wide(part: str, columns: int) -> list[str]:
    return [f"**{part}**", *[""] * (columns - 1)]


def quantity(value: float, unit: str) -> str:
    """Return a value with its unit: "0.058 s", "31.4 photos/s"."""
    return f"{_digits(value)} {unit}"


def goal_text(of: Measurement) -> str:
    """Return the goal of a measurement: "≤ 0.35", "≤ 0.4 s"."""
    if of.goal is None:
        return "–"
    sign = "≤" if of.goal.direction == "at most" else "≥"
    return f"{sign} {of.goal.number:g}" + (f" {of.unit}" if of.goal.of == "ours" else "")


def _ours(of: Measurement) -> str:
    return quantity(of.ours, of.unit) + ("" if of.ratio is not None else _spread(of))


def _spread(of: Measurement) -> str:
    return "" if of.low is None or of.high is None else f" ({_digits(of.low)} to {_digits(of.high)})"


def _digits(value: float) -> str:
    """Return a number with three digits, two if it is below 1."""
    if value == 0:
        return "0"
    size = math.floor(math.log10(abs(value)))
    return f"{value:,.{min(6, max(0, (2 if size >= 0 else 1) - size))}f}".replace("-", "−")


def _short(commit: str) -> str:
    first, *rest = commit.split(" ")
    return " ".join([first[:12], *rest])
