"""Stored comparisons of explainers as tables, in plain text or Markdown: where, how faithful, at what cost."""

from collections.abc import Iterable, Mapping

from siam.drawing.phrases import signed
from siam.evaluation.figures import ExplainerFigures, MeanFigure
from siam.evaluation.stored import Result
from siam.explainers.registry import title
from siam.results.assessment import columns as aligned
from siam.results.assessment import figure
from siam.results.paper import markdown_table

Methods = Mapping[str, Mapping[str, MeanFigure]]  # explainer → figure → its mean

COLUMNS = {  # heading -> figures (joined by " / "), digits
    "EBPG": (("ebpg",), 2),
    "pixel AP": (("pixel_ap",), 2),
    "IoU area": (("iou_area",), 2),
    "truth": (("truth_rank",), 2),
    "deletion": (("deletion",), 2),
    "insertion": (("insertion",), 2),
    "drop 100 / 50 / 15": (("drop_100", "drop_50", "drop_15"), 2),
    "increase 100 / 50 / 15": (("increase_100", "increase_50", "increase_15"), 0),
    "as SIAM": (("agreement",), 2),
    "shuffled": (("randomised",), 2),
    "passes": (("passes",), 0),
    "s": (("seconds",), 2),
    "MB": (("megabytes",), 0),
}


def comparisons(results: Iterable[Result]) -> list[tuple[Result, ExplainerFigures]]:
    """Return the results that hold a comparison, each with its comparison."""
    variants = [(result, result.figures.get("baseline")) for result in results]
    return [
        (result, found.comparison) for result, found in variants if found is not None and found.comparison is not None
    ]


def tables(results: Iterable[Result], *, markdown: bool = False) -> str:
    """Return the comparisons among the results as text."""
    return "\n".join(_table(result, figures, markdown) for result, figures in comparisons(results))


def rows(methods: Methods, names: Iterable[str]) -> list[list[str]]:
    """Return a row of cells for each method, under `title` and the given `COLUMNS`."""
    return [[title(name), *(cell(methods[name], *COLUMNS[column]) for column in names)] for name in methods]


def shown(methods: Methods) -> list[str]:
    """Return the columns in which at least one method has a figure."""
    known = {key for means in methods.values() for key in means}
    return [name for name, (keys, _digits) in COLUMNS.items() if known & set(keys)]


def cell(figures: Mapping[str, MeanFigure], keys: tuple[str, ...], digits: int) -> str:
    """Return the means of some figures of a method, "–" for undefined ones."""
    known = [figures[key].mean if key in figures else None for key in keys]
    return " / ".join(figure(value, digits).replace("-", "−") for value in known)


def order_sentences(figures: ExplainerFigures) -> list[str]:
    """Say whether each order that papers report holds, one sentence each."""
    sentences = []
    for order in figures.orders:
        column = next(name for name, (keys, _digits) in COLUMNS.items() if order.figure in keys).split(" ")[0]
        share = order.figure.rpartition("_")[2]
        what = f"{column} at {share} %" if share.isdecimal() else column
        gain, low, high = (signed(value) for value in (order.gain, *order.interval))
        sentences.append(
            f"{title(order.better)} ahead of {title(order.worse)} in {what} ({order.reported_by}): "
            f"{order.outcome}; gain {gain} ({low} to {high}, {order.n} pictures)"
        )
    return sentences


def _table(result: Result, figures: ExplainerFigures, markdown: bool) -> str:
    heads = shown(figures.methods)
    body = [["method", *heads], *rows(figures.methods, heads)]
    lines = [
        f"{result.model}, {result.data}: {result.protocol}",
        "",
        markdown_table(body) if markdown else aligned(body),
        "",
    ]
    lines += [f"{'- ' if markdown else '  '}{sentence}" for sentence in order_sentences(figures)]
    source = f"`{result.command}`" if markdown else result.command
    return "\n".join([*lines, "", f"{source}, {result.date}", ""])
