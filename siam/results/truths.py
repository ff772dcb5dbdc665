"""Presence, and what, where and how on rendered scenes, in stored results: as figures and as tables."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from siam.evaluation.figures import PresenceFigures, TruthFigures
from siam.evaluation.stored import Result
from siam.results.assessment import COLUMNS, TRUTHS, columns, error_rows, truth_rows
from siam.results.paper import markdown_table


@dataclass(frozen=True)
class Compared:
    """One what-where-how figure: SIAM's, and those of its references, by name."""

    part: str
    label: str
    siam: float
    references: Mapping[str, float]


def presences(result: Result) -> list[Mapping[str, PresenceFigures]]:
    """Return how the presence of attributes relates to the score, "predicted" and "true", for each network that has
    the figures.
    """
    return [figures.presence for figures in result.figures.values() if figures.presence]


def truths(result: Result) -> list[TruthFigures]:
    """Return the what-where-how figures of each network that has them."""
    return [figures.what_where_how for figures in result.figures.values() if figures.what_where_how is not None]


def compared(figures: TruthFigures) -> list[Compared]:
    """Return the what-where-how figures that are defined, with the references that are defined."""
    shown = []
    for (part, key), label in TRUTHS.items():
        values = {words: getattr(figures, name).figure(part, key) for name, words in COLUMNS.items()}
        known = {words: value for words, value in values.items() if value is not None}
        siam = known.pop(COLUMNS["siam"], None)
        if siam is not None:
            shown.append(Compared(*label.split(": ", 1), siam=siam, references=known))
    return shown


def truth_tables(results: Sequence[Result], *, markdown: bool = False) -> str:
    """Return two tables for every result that has them: what, where and how, and the parts of SIAM's errors.

    Args:
        results: stored results; the text is "" if none is about rendered scenes.
        markdown: whether to return Markdown rather than plain text.
    """
    parts = []
    for result in results:
        for variant, found in result.figures.items():
            if (figures := found.what_where_how) is None:
                continue
            parts.append(f"{'### ' if markdown else ''}{result.model} ({variant}) on {figures.n} rendered scenes")
            tables = [truth_rows(figures)] + ([error_rows(figures.error)] if figures.error else [])
            parts += [markdown_table(rows) if markdown else columns(rows) for rows in tables]
            parts.append(f"{result.date}; `{result.command}`")
    return "\n\n".join(parts) + "\n" if parts else ""
