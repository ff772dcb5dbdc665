"""Stored results: one JSON file per evaluation, with its model, data, date and command beside the figures.

::

    {"format": 1, "model": "photo", "data": "oasis_scenes", "split": "test", "protocol": "…", "date": "2026-11-21",
     "command": "python -m siam evaluate …", "git_commit": "…" or null, "figures": {"siam": {…}, "baseline": {…}}}

The project's own results are in assets/results, beside measurements of speed, which `siam.results.speed` reads, and
`taste.json`, `own.json`, `discovery.json` and `labelling.json`, the figures of `benchmarks.taste` and so on.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date
from pathlib import Path
from typing import Any

from siam.errors import SIAMError
from siam.evaluation.figures import VariantFigures
from siam.runtime.files import write_atomically
from siam.runtime.parsing import is_number, parse_json
from siam.runtime.paths import ASSETS

FORMAT = 1
VARIANTS = ("siam", "siam-frozen", "baseline")
STORED = ASSETS / "results"
SPEED = ("speed*.json", "throughput*.json")  # files in the same folder, of `siam.results.speed`
TASTE, OWN, DISCOVERY = "taste.json", "own.json", "discovery.json"  # of `benchmarks.taste` and so on
LABELLING, CONTEXT = "labelling.json", "context.json"

_TEXTS = ("model", "data", "split", "protocol", "date", "command")


class ResultError(SIAMError):
    """A stored result is missing, damaged or in the wrong format."""


@dataclass(frozen=True)
class Result:
    """The figures of one evaluation, and where they come from.

    Attributes:
        model: name of the pair.
        data: name of the dataset or datasets.
        split: which photos: "train", "val", "test" or "all", or how they were divided.
        protocol: how the figures were obtained, in one sentence.
        date: date of the evaluation, as YYYY-MM-DD.
        command: the command that repeats it.
        git_commit: the project's commit, or None if unknown.
        figures: variant (of `VARIANTS`) → its figures. In JSON, a dictionary with "kendall_tau" and "rmse", or with
            "mean_average_precision", holds the figures for one set of photos: the variant's own, or one level below,
            under the name of the set.
        format: format number of the file.
    """

    model: str
    data: str
    split: str
    protocol: str
    date: str
    command: str
    git_commit: str | None
    figures: Mapping[str, VariantFigures]
    format: int = FORMAT

    def to_json(self) -> dict[str, Any]:
        """Return the content of the result's file."""
        content = {field_.name: getattr(self, field_.name) for field_ in fields(self)}
        figures = {variant: item.to_json() for variant, item in self.figures.items()}
        return {"format": content.pop("format"), **content, "figures": figures}


def variant_figures(figures: Any) -> dict[str, VariantFigures]:
    """Return the figures of each variant from what JSON holds.

    Raises:
        ValueError: a figure is missing or has the wrong type; the message ends a sentence about the result.
    """
    if problem := _problem_of_figures(figures):
        raise ValueError(problem)
    return {variant: VariantFigures.from_json(item, variant) for variant, item in figures.items()}


def write(result: Result, path: Path) -> None:
    """Write a result, whole or not at all; missing folders are created, and an existing file is replaced.

    Raises:
        StorageError: it cannot be stored.
        ValueError: the result is invalid, or holds a number that is not finite.
    """
    content = result.to_json()
    if problem := _problem(content):
        raise ValueError(f"the result {problem}")
    text = json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False)
    write_atomically(path, f"{text}\n".encode())


def read(path: Path) -> Result:
    """Return a stored result.

    Raises:
        ResultError: the file is missing, damaged or invalid.
    """
    try:
        content = parse_json(path.read_text(encoding="utf-8"), _refuse)
    except FileNotFoundError:
        raise ResultError(f"{path} is missing: write it with siam evaluate --out FILE") from None
    except (OSError, ValueError) as error:
        raise ResultError(f"{path} is not readable as JSON ({error}): evaluate again") from error
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        came = content.get("format") if isinstance(content, dict) else type(content).__name__
        remedy = "update SIAM Explorer" if isinstance(came, int) and came > FORMAT else "evaluate again"
        raise ResultError(f"{path} has format {_short(came)}; this version reads format {FORMAT}: {remedy}")
    try:
        if problem := _problem(content):
            raise ValueError(problem)
        return Result(**{**content, "figures": variant_figures(content["figures"])})
    except ValueError as error:
        raise ResultError(f"{path} {error}: correct it, or evaluate again") from error


def paths(folder: Path) -> list[Path]:
    """Return the files of the results in a folder, in alphabetical order, without the other ones named above."""
    others = (*SPEED, TASTE, OWN, DISCOVERY, LABELLING, CONTEXT)
    return sorted(path for path in folder.glob("*.json") if not any(map(path.match, others)))


def read_all(folder: Path) -> dict[str, Result]:
    """Return the results in a folder by file name without ".json", in alphabetical order.

    Raises:
        ResultError: there is no such folder, or a file in it is not a result.
    """
    if not folder.is_dir():
        raise ResultError(f"{folder} is not a folder: give one that holds results as JSON files")
    return {path.stem: read(path) for path in paths(folder)}


def _problem(content: dict[str, Any]) -> str | None:
    """Return what is wrong with a result's content, as the end of a sentence, or None."""
    odd = sorted(content.keys() ^ {field.name for field in fields(Result)})
    if odd:
        return f"has missing or unknown names: {_short(', '.join(odd))}"
    for name in _TEXTS:
        if not isinstance(content[name], str) or not content[name].strip():
            return f"has {_short(content[name])} as {name}; expected text"
    try:
        date.fromisoformat(content["date"])
    except ValueError:
        return f"has the date {_short(content['date'])}; expected a date such as 2026-11-21"
    if content["git_commit"] is not None and not isinstance(content["git_commit"], str):
        return f"has {_short(content['git_commit'])} as git_commit; expected text or null"
    return _problem_of_figures(content["figures"])


def _problem_of_figures(figures: Any) -> str | None:
    if not isinstance(figures, dict) or not figures:
        return f"has {_short(figures)} as figures; expected those of {', '.join(VARIANTS[:-1])} or {VARIANTS[-1]}"
    for variant, item in figures.items():
        if variant not in VARIANTS:
            return f"has figures of {_short(variant)}; expected {', '.join(VARIANTS[:-1])} or {VARIANTS[-1]}"
        if not isinstance(item, dict):
            return f"has {_short(item)} as figures of {variant}; expected names with numbers"
        for way, value in _leaves(item, variant):
            if not _fits(way, value):
                return f"has {_short(value)} as {way}; expected a number"
    return None


def _leaves(value: Any, way: str) -> list[tuple[str, Any]]:
    """Return every value in nested figures that is neither a dictionary nor a list, with its path."""
    if isinstance(value, dict):
        return [leaf for name, item in value.items() for leaf in _leaves(item, f"{way} · {name}")]
    if isinstance(value, list | tuple):
        return [leaf for item in value for leaf in _leaves(item, way)]
    return [(way, value)]


def _fits(way: str, value: Any) -> bool:
    """Return whether a value is allowed in figures: those that tables show are numbers or None."""
    if value is None or is_number(value):
        return True
    if isinstance(value, bool):
        return not way.endswith(_SHOWN)
    return isinstance(value, str) and not way.endswith(_SHOWN)


_SHOWN = tuple(f" · {name}" for name in ("rmse", "kendall_tau", "mean_average_precision", "n"))


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not valid JSON")


def _short(value: Any) -> str:
    words = repr(value)
    return words if len(words) <= 80 else f"{words[:79]}…"
