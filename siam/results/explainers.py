"""Stored comparisons as tables, for a terminal or as Markdown: where, how faithful, how much it costs."""

from collections.abc import Iterable, Mapping
from typing import Any

from siam.drawing.phrases import signed
from siam.evaluation.stored import Result
from siam.explainers.registry import title
from siam.results.assessment import columns as aligned
from siam.results.assessment import figure
from siam.results.paper import markdown_table
from siam.results.scores import checked

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


def comparisons(results: Iterable[Result]) -> list[tuple[Result, dict[str, Any]]]:
    """Return the results that hold a comparison, with it.

    Raises:
        ResultError: the figures are not as they should be.
    """
    found = []
    for result in results:
        figures = result.figures.get("baseline", {}).get("comparison")
        if figures is None:
            continue
        with checked(result):
            for of in figures["methods"].values():
                for figure in of.values():
                    float(figure["mean"])
            if not all(isinstance(order["outcome"], str) for order in figures["orders"]):
                raise TypeError("an order without outcome")
            int(figures["n"])
        found.append((result, figures))
    return found


def tables(results: Iterable[Result], *, markdown: bool = False) -> str:
    """Return the comparisons among the results as text."""
    return "\n".join(_told(result, figures, markdown) for result, figures in comparisons(results))


def rows(methods: Mapping[str, Any], names: Iterable[str]) -> list[list[str]]:
    """Return a row of texts for each method, under `title` and those of `COLUMNS` that are named."""
    return [[title(name), *(cell(methods[name], *COLUMNS[column]) for column in names)] for name in methods]


def shown(methods: Mapping[str, Any]) -> list[str]:
    """Return the columns that at least one method has a figure for."""
    known = {key for of in methods.values() for key in of}
    return [name for name, (keys, _digits) in COLUMNS.items() if known & set(keys)]


def cell(figures: Mapping[str, Any], keys: tuple[str, ...], digits: int) -> str:
    """Return the means of some figures of a method, "–" for those that are not defined."""
    known = [figures[key]["mean"] if key in figures else None for key in keys]
    return " / ".join(figure(value, digits).replace("-", "−") for value in known)


def order_sentences(figures: Mapping[str, Any]) -> list[str]:
    """Return in words whether the orders that papers report hold."""
    told = []
    for order in figures["orders"]:
        column = next(name for name, (keys, _digits) in COLUMNS.items() if order["figure"] in keys).split(" ")[0]
        share = order["figure"].rpartition("_")[2]
        what = f"{column} at {share} %" if share.isdecimal() else column
        gain, low, high = (signed(value) for value in (order["gain"], *order["interval"]))
        told.append(
            f"{title(order['better'])} before {title(order['worse'])} in {what} ({order['reported_by']}): "
            f"{order['outcome']}; better by {gain} ({low} to {high}, {order['n']} pictures)"
        )
    return told


def _told(result: Result, figures: dict[str, Any], markdown: bool) -> str:
    heads = shown(figures["methods"])
    body = [["method", *heads], *rows(figures["methods"], heads)]
    lines = [
        f"{result.model}, {result.data}: {result.protocol}",
        "",
        markdown_table(body) if markdown else aligned(body),
        "",
    ]
    lines += [f"{'- ' if markdown else '  '}{sentence}" for sentence in order_sentences(figures)]
    source = f"`{result.command}`" if markdown else result.command
    return "\n".join([*lines, "", f"{source}, {result.date}", ""])
