"""The versions of a pair as a table: what each changed, and its figures as far as its card tells them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from siam.datasets import layout_of
from siam.drawing.phrases import number
from siam.models.versions import Version
from siam.runtime.parsing import is_number

Head = tuple[str, str]  # the figure, and on what

_TAU, _RMSE, _WHAT, _WHERE = _KINDS = "Kendall’s τ", "RMSE, points", "attributes: mean AP", "maps: pixel AP"


@dataclass(frozen=True)
class Figures:
    """Figures of several versions.

    Attributes:
        heads: what is measured, and on which photos or against what.
        rows: for each version the figures in this order, with intervals where they are known; "–" where there is none.
        protocols: how they were measured: each protocol with the versions that it belongs to.
    """

    heads: tuple[Head, ...]
    rows: tuple[tuple[str, ...], ...]
    protocols: dict[str, tuple[str, ...]]


def figures(versions: Sequence[Version]) -> Figures:
    """Return the figures of SIAM in several versions of a pair, side by side."""
    found = [_of(version.metrics) for version in versions]
    heads = sorted({head: None for of in found for head in of}, key=lambda head: _KINDS.index(head[0]))
    protocols: dict[str, list[str]] = {}
    for version in versions:
        protocol = version.metrics.get("protocol")
        if isinstance(protocol, str):
            protocols.setdefault(protocol, []).append(version.number or "unknown")
    return Figures(
        heads=tuple(heads),
        rows=tuple(tuple(of.get(head, "–") for head in heads) for of in found),
        protocols={protocol: tuple(numbers) for protocol, numbers in protocols.items()},
    )


def _of(metrics: Mapping[str, Any]) -> dict[Head, str]:
    """Return the figures of one version by their heads; a card may come from anyone, so odd ones are left out."""
    texts: dict[Head, str] = {}
    for photos, of in _entries(metrics.get("siam")):
        texts[_TAU, _title(photos)] = _text(of, "kendall_tau")
        texts[_RMSE, _title(photos)] = _text(of, "rmse")
    for photos, of in _entries(metrics):
        if photos.endswith("_test"):
            texts[_WHAT, _title(photos)] = _text(of, "mean_average_precision")
            texts[_WHERE, "by a segmenter"] = _text(of.get("places"), "pixel_ap")
    texts[_WHERE, "by people’s outlines"] = _text(metrics.get("masks"), "pixel_ap")
    return {head: text for head, text in texts.items() if text != "–"}


def _entries(value: Any) -> list[tuple[str, Mapping[str, Any]]]:
    if not isinstance(value, Mapping):
        return []
    return [(str(name), of) for name, of in value.items() if isinstance(of, Mapping)]


def _title(photos: str) -> str:
    layout = layout_of(photos)
    return (None if layout is None else layout.titles.get(photos)) or photos.removesuffix("_test").replace("_", " ")


def _text(of: Any, name: str) -> str:
    """Return a figure with two decimals, its interval or its deviation over repetitions; "–" if there is none."""
    if not isinstance(of, Mapping) or not is_number(of.get(name)):
        return "–"
    interval, deviation = of.get(f"{name}_interval"), of.get(f"{name}_sd")
    if isinstance(interval, list) and len(interval) == 2 and all(map(is_number, interval)):
        return f"{number(of[name])} ({number(interval[0])} to {number(interval[1])})"
    if is_number(deviation) and deviation > 0:  # of a single run it is 0
        return f"{number(of[name])} ± {number(deviation)}"
    return number(of[name])
