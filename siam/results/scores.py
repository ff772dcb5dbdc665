"""What a stored result tells of attributes and scores: which figures it has, and their intervals."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from siam.evaluation import metrics
from siam.evaluation.stored import Result, ResultError
from siam.gallery.cases import Cases
from siam.results.assessment import figure

Interval = tuple[float, float]
_NETWORKS = ("siam", "siam-frozen")  # those with attributes
_OWN = "annotated"  # figures of the result's own photos, which carry scores and attributes
_NO_PHOTOS = {"without_regions", "difference", "presence", "what_where_how"}  # no figures of a set of photos
_SCORES = {"siam": "SIAM", "siam-frozen": "SIAM, no fine-tuning", "baseline": "baseline"}


@dataclass(frozen=True)
class Precision:
    """How well one attribute is found; interval and chance are None where they are not known."""

    attribute: str
    value: float
    interval: Interval | None
    chance: float | None


@dataclass(frozen=True)
class Precisions:
    """How well attributes are found on a set of photos.

    Attributes:
        kind: "what" (average precision of photos) or "where" (average precision of the cells of maps).
        photos: name of the set.
        count: of its photos; None where it is not told.
        mean: over the attributes, with its interval, what chance gives, and the standard deviation over repetitions.
        rows: the attributes, the best first.
    """

    kind: str
    photos: str
    count: int | None
    mean: float
    interval: Interval | None
    chance: float | None
    deviation: float | None
    rows: tuple[Precision, ...]


@dataclass(frozen=True)
class Agreement:
    """How far a network agrees with people; `deviation` is that over repetitions. Points are None in ranks."""

    name: str
    tau: float | None
    tau_interval: Interval | None
    tau_deviation: float | None
    rmse: float | None
    rmse_interval: Interval | None
    rmse_deviation: float | None
    count: int
    in_ranks: bool


def precisions(result: Result) -> list[Precisions]:
    """Return how well a result's SIAM finds attributes, what before where; nothing where it does not tell.

    Raises:
        ResultError: the figures are not as they should be.
    """
    with checked(result):
        return list(_precisions(result))


def agreements(result: Result, photos: str) -> list[Agreement]:
    """Return how far the networks of a result agree with people on a set of photos, SIAM first, the difference last.

    Raises:
        ResultError: the figures are not as they should be.
    """
    with checked(result):
        found = {
            _SCORES[name]: _scored(result, result.figures[name], photos) for name in _SCORES if name in result.figures
        }
        if own := next((result.figures[name] for name in _NETWORKS if name in result.figures), None):
            apart = own.get("difference") if _is_of(result, photos) else None
            found["SIAM − baseline"] = apart if apart and "kendall_tau" in apart else None
        return [_agreement(name, block) for name, block in found.items() if block is not None]


def agreements_of_cases(cases: Cases) -> list[Agreement]:
    """Return how far both networks agree with the crowd on the rated photos of a gallery; no intervals."""
    found = []
    for name, column in (("SIAM", "siam"), ("baseline", "baseline")):
        table = cases.table.dropna(subset=["crowd", column])
        if len(table) > 1:
            crowd, score = table["crowd"].to_numpy(), table[column].to_numpy()
            error = (metrics.rank_rmse if cases.in_ranks else metrics.rmse)(score, crowd)
            tau = metrics.kendall_tau(score, crowd)
            found.append(Agreement(name, tau, None, None, error, None, None, len(table), cases.in_ranks))
    return found


@contextmanager
def checked(result: Result) -> Iterator[None]:
    """Raise a `ResultError` for figures that lack something, or are no numbers, where they are read."""
    try:
        yield
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        what = f"the result of {result.command!r} lacks figures or has odd ones"
        raise ResultError(f"{what} ({type(error).__name__}: {error}): evaluate again") from error


def figure_text(
    value: float | None, interval: Interval | None = None, deviation: float | None = None, *, signs: bool = False
) -> str:
    """Return a figure with its interval, or else its standard deviation: "0.748 (0.726 to 0.769)"."""
    if value is None:
        return "–"
    if interval is not None:
        return f"{_minus(value, signs)} ({' to '.join(_minus(end, signs) for end in interval)})"
    return _minus(value, signs) + ("" if deviation is None else f" ± {deviation:.3f}")


def _minus(value: float, signs: bool) -> str:
    """Return a figure with a true minus and, if asked, a plus."""
    text = figure(value).replace("-", "−")
    return f"+{text}" if signs and not text.startswith("−") and float(text) > 0 else text


def _precisions(result: Result) -> Iterator[Precisions]:
    figures = next((result.figures[name] for name in _NETWORKS if name in result.figures), {})
    own = result.data.split()[0]
    blocks = {own: figures, **{own if name == _OWN else name: of for name, of in figures.items() if _counts(name, of)}}
    for photos, block in blocks.items():
        if "per_attribute" not in block or "mean_average_precision" not in block:
            continue
        yield _what(photos, block)
        if places := block.get("places"):
            rows = [Precision(name, of["pixel_ap"], None, of["chance"]) for name, of in places["per_attribute"].items()]
            yield Precisions("where", photos, None, places["pixel_ap"], None, places["chance"], None, _ranked(rows))


def _what(photos: str, block: Mapping[str, Any]) -> Precisions:
    intervals, positives = block.get("per_attribute_interval", {}), block.get("positives", {})
    rows = [
        Precision(name, value, pair(intervals.get(name)), positives[name] / block["n"] if name in positives else None)
        for name, value in block["per_attribute"].items()
        if value is not None
    ]
    interval, deviation = pair(block.get("mean_average_precision_interval")), block.get("mean_average_precision_sd")
    mean = block["mean_average_precision"]
    return Precisions("what", photos, block["n"], mean, interval, block.get("chance"), deviation, _ranked(rows))


def _ranked(rows: list[Precision]) -> tuple[Precision, ...]:
    return tuple(sorted(rows, key=lambda row: -row.value))


def _counts(name: str, block: Any) -> bool:
    return isinstance(block, dict) and name not in _NO_PHOTOS


def _is_of(result: Result, photos: str) -> bool:
    return result.data.split()[0] == photos


def _scored(result: Result, figures: Mapping[str, Any], photos: str) -> Mapping[str, Any] | None:
    """Return the scores of a set of photos: a part of a result's figures, or its own."""
    part = figures.get(photos)
    if isinstance(part, dict) and "kendall_tau" in part:
        return part
    return figures if _is_of(result, photos) and "kendall_tau" in figures else None


def _agreement(name: str, of: Mapping[str, Any]) -> Agreement:
    in_ranks = of.get("rmse") is None
    return Agreement(
        name=name,
        tau=of["kendall_tau"],
        tau_interval=pair(of.get("kendall_tau_interval")),
        tau_deviation=of.get("kendall_tau_sd"),
        rmse=of.get("rank_rmse") if in_ranks else of["rmse"],
        rmse_interval=pair(of.get("rmse_interval")),
        rmse_deviation=of.get("rmse_sd"),
        count=int(of["n"]),
        in_ranks=in_ranks,
    )


def pair(ends: Any) -> Interval | None:
    """Return the ends of an interval; None where there is none."""
    if ends is None:
        return None
    low, high = ends
    return float(low), float(high)
