"""Attributes and scores in stored results: which figures a result has, and their intervals."""

from collections.abc import Iterator
from dataclasses import dataclass

from siam.evaluation import metrics
from siam.evaluation.figures import Interval, PhotoFigures, ScoreFigures, VariantFigures
from siam.evaluation.stored import Result
from siam.gallery.cases import Cases
from siam.results.assessment import figure

_NETWORKS = ("siam", "siam-frozen")  # those with attributes
_ANNOTATED = "annotated"  # figures for the result's photos with both scores and attributes
_ABLATIONS = {"without_regions"}  # figures of other networks
_SCORES = {"siam": "SIAM", "siam-frozen": "SIAM, no fine-tuning", "baseline": "baseline"}


@dataclass(frozen=True)
class Precision:
    """How well one attribute is found; interval and chance are None if unknown."""

    attribute: str
    value: float
    interval: Interval | None
    chance: float | None


@dataclass(frozen=True)
class Precisions:
    """How well attributes are found on a set of photos.

    Attributes:
        kind: "what" (average precision of photos), "where" (of map cells, by a segmenter) or "people" (of pixels, by
            people's outlines).
        photos: name of the set.
        count: number of its photos; None if unknown.
        mean: mean over the attributes, with its interval, the figure of chance, and the standard deviation over
            repetitions.
        rows: the attributes, best first.
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
    """How far a network agrees with people; `deviation` is over repetitions, and points are None for ranks."""

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
    """Return how well a result's SIAM finds attributes, what before where; empty if the result does not say."""
    siam = _siam(result)
    return [] if siam is None else [found for name, block in _sets(result, siam) for found in _precisions(name, block)]


def agreements(result: Result, photos: str) -> list[Agreement]:
    """Return how far a result's networks agree with people on a set of photos, SIAM first, the difference last."""
    scores = {_SCORES[name]: _scores(result, found, photos) for name in _SCORES if (found := result.figures.get(name))}
    if (siam := _siam(result)) and _is_of(result, photos):
        scores["SIAM − baseline"] = siam.difference
    return [_agreement(name, found) for name, found in scores.items() if found is not None]


def agreements_of_cases(cases: Cases) -> list[Agreement]:
    """Return how far both networks agree with the crowd on the rated photos of a gallery, without intervals."""
    agreement = []
    for name, column in (("SIAM", "siam"), ("baseline", "baseline")):
        table = cases.table.dropna(subset=["crowd", column])
        if len(table) > 1:
            crowd, score = table["crowd"].to_numpy(), table[column].to_numpy()
            error = (metrics.rank_rmse if cases.in_ranks else metrics.rmse)(score, crowd)
            tau = metrics.kendall_tau(score, crowd)
            agreement.append(Agreement(name, tau, None, None, error, None, None, len(table), cases.in_ranks))
    return agreement


def figure_text(
    value: float | None, interval: Interval | None = None, deviation: float | None = None, *, signs: bool = False
) -> str:
    """Return a figure with its interval, or else its standard deviation, as "0.748 (0.726 to 0.769)"."""
    if value is None:
        return "–"
    if interval is not None:
        return f"{_minus(value, signs)} ({' to '.join(_minus(end, signs) for end in interval)})"
    return _minus(value, signs) + ("" if deviation is None else f" ± {deviation:.3f}")


def _minus(value: float, signs: bool) -> str:
    """Return a figure with a real minus sign and, if asked, a plus sign."""
    text = figure(value).replace("-", "−")
    return f"+{text}" if signs and not text.startswith("−") and float(text) > 0 else text


def _siam(result: Result) -> VariantFigures | None:
    """Return the figures of the variant that has attributes."""
    return next((result.figures[name] for name in _NETWORKS if name in result.figures), None)


def _sets(result: Result, siam: VariantFigures) -> list[tuple[str, PhotoFigures]]:
    """Return SIAM's sets of photos; figures for photos with both scores and attributes replace the result's own."""
    first = result.data.split()[0]
    named = {first if name == _ANNOTATED else name: of for name, of in siam.sets.items() if name not in _ABLATIONS}
    return list({first: siam.photos, **named}.items())


def _precisions(photos: str, block: PhotoFigures) -> Iterator[Precisions]:
    found = block.attributes
    if found is None or found.per_attribute is None or found.mean_average_precision is None:
        return
    intervals, positives, labelled = found.per_attribute_interval or {}, found.positives or {}, found.labelled or {}
    rows = [
        Precision(name, value, intervals.get(name), _chance(positives.get(name), labelled.get(name, found.n)))
        for name, value in found.per_attribute.items()
        if value is not None
    ]
    mean, interval = found.mean_average_precision, found.mean_average_precision_interval
    deviation = found.mean_average_precision_sd
    yield Precisions("what", photos, found.n, mean, interval, found.chance, deviation, _ranked(rows))
    if (places := found.places) is not None:
        rows = [Precision(name, at.pixel_ap, None, at.chance) for name, at in places.per_attribute.items()]
        yield Precisions("where", photos, None, places.pixel_ap, None, places.chance, None, _ranked(rows))


def _chance(positives: int | None, labelled: int) -> float | None:
    return None if positives is None else positives / labelled


def _ranked(rows: list[Precision]) -> tuple[Precision, ...]:
    return tuple(sorted(rows, key=lambda row: -row.value))


def _is_of(result: Result, photos: str) -> bool:
    return result.data.split()[0] == photos


def _scores(result: Result, figures: VariantFigures, photos: str) -> ScoreFigures | None:
    """Return the scores of a set of photos: part of a result's figures, or the result's own."""
    if photos in figures.sets and (scores := figures.sets[photos].scores) is not None:
        return scores
    return figures.photos.scores if _is_of(result, photos) else None


def _agreement(name: str, scores: ScoreFigures) -> Agreement:
    in_ranks = scores.rmse is None
    return Agreement(
        name=name,
        tau=scores.kendall_tau,
        tau_interval=scores.kendall_tau_interval,
        tau_deviation=scores.kendall_tau_sd,
        rmse=scores.rank_rmse if in_ranks else scores.rmse,
        rmse_interval=scores.rmse_interval,
        rmse_deviation=scores.rmse_sd,
        count=scores.n,
        in_ranks=in_ranks,
    )
