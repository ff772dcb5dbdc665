"""The README.md of a pair on the Hub: its model card, for people."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from siam.models import versions

_DETAILS = {"per_attribute"}  # figures that only card.json holds
_ABOUT = (
    "SIAM scores a photo through maps of named attributes and combines them linearly, so each attribute's contribution "
    "is exact: what the network saw, where, and how much it counted. D. Marcos, S. Lobry, D. Tuia: Semantically "
    "Interpretable Activation Maps: what-where-how explanations within CNNs. ICCV Workshops, 2019. arXiv:1909.08442."
)


def model_card(card: Mapping[str, Any], repository: str) -> str:
    """Return the README.md for the pair with this card, in the Hub repository `owner/name`."""
    siam = card["siam"]
    scale = siam["scale"]
    networks = "SIAM alone" if card.get("baseline") is None else "SIAM and its baseline"
    parts = [
        "---\nlibrary_name: siam-explorer\ntags:\n- siam\n- explainable-ai\n- landscape\n---",
        f"# {_line(card.get('name', repository))}",
        _line(card.get("summary", "")),
        f"```python\nimport siam\n\npair = siam.load({json.dumps(repository)})\n```",
        f"{networks}, backbone `{_line(siam['backbone'])}`, {len(siam['attributes'])} attributes. Scores: "
        f"{_line(scale['name'])}, {scale['low']:g} to {scale['high']:g}.",
        _section("Version", _version(card)),
        _section("Trained on", card.get("training_data")),
        _section("Limits", card.get("limits")),
        _figures(card.get("metrics")),
        _section("Method", _ABOUT),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _version(card: Mapping[str, Any]) -> str:
    number, changes = versions.known(card), card.get("changes")
    return "" if number is None else f"{number}: {changes}" if changes else number


def _section(title: str, words: Any) -> str:
    return f"## {title}\n\n{_line(words)}" if words else ""


def _figures(metrics: Any) -> str:
    """Return nested figures as one table, one row each, named by their path."""
    if not isinstance(metrics, Mapping) or not metrics:
        return ""
    rows = [f"| {_line(name)} | {_line(value)} |" for name, value in _flat(metrics)]
    return "\n".join(["## Figures", "", "| figure | value |", "|---|---|", *rows])


def _flat(values: Mapping[str, Any], way: str = "") -> Iterator[tuple[str, str]]:
    for name, value in values.items():
        if name in _DETAILS:
            continue
        path = f"{way} · {name}" if way else str(name)
        if isinstance(value, Mapping):
            yield from _flat(value, path)
        elif value is None:
            yield path, "undefined"
        else:
            yield path, f"{value:g}" if isinstance(value, float) else str(value)


def _line(words: Any) -> str:
    """Return words on one line, escaped so that they neither end a table cell nor open a tag."""
    return " ".join(str(words).split()).replace("|", "\\|").replace("<", "&lt;")
