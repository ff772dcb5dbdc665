"""The figures of a stored result as typed records, which `siam.evaluation.stored` and `siam.results.speed` read.

A record keeps the names of its JSON and their order, so it is written back exactly as it was read, including names that
this version does not know (`further`) and figures that are null rather than missing.
"""
# ruff: noqa: RUF009 - `_needs` and `_may` return dataclass fields, as `dataclasses.field` does

from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, field, fields
from typing import Any, Self, TypeVar

from siam.runtime.parsing import is_number

Interval = tuple[float, float]
_MOST = 2**53  # beyond it, floats cannot count
_Value = TypeVar("_Value")
_Reader = Callable[[Any, str], _Value]  # a JSON value and its place → the parsed value; ValueError if it is invalid


def _number(value: Any, place: str) -> float:
    if not is_number(value):
        raise _odd(value, place, "a number")
    return value


def _count(value: Any, place: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) > _MOST:
        raise _odd(value, place, "a whole number")
    return value


def _text(value: Any, place: str) -> str:
    if not isinstance(value, str):
        raise _odd(value, place, "text")
    return value


def _truth(value: Any, place: str) -> bool:
    if not isinstance(value, bool):
        raise _odd(value, place, "true or false")
    return value


def _one_of(*words: str) -> _Reader[str]:
    def read_word(value: Any, place: str) -> str:
        if value not in words:
            raise _odd(value, place, " or ".join(words))
        return value

    return read_word


def _interval(value: Any, place: str) -> Interval:
    if not isinstance(value, list | tuple) or len(value) != 2:
        raise _odd(value, place, "the two ends of an interval")
    return _number(value[0], place), _number(value[1], place)


def _or_none(read: _Reader[_Value]) -> _Reader[_Value | None]:
    return lambda value, place: None if value is None else read(value, place)


def _each(read: _Reader[_Value]) -> _Reader[Mapping[str, _Value]]:
    return lambda value, place: {
        name: read(item, f"{place} · {name}") for name, item in _dictionary(value, place).items()
    }


def _list(read: _Reader[_Value]) -> _Reader[tuple[_Value, ...]]:
    def read_list(value: Any, place: str) -> tuple[_Value, ...]:
        if not isinstance(value, list | tuple):
            raise _odd(value, place, "a list")
        return tuple(read(item, f"{place} · {number}") for number, item in enumerate(value, 1))

    return read_list


def _dictionary(value: Any, place: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise _odd(value, place, "names with figures")
    return value


def _odd(value: Any, place: str, expected: str) -> ValueError:
    words = repr(value)
    return ValueError(f"has {words if len(words) <= 80 else f'{words[:79]}…'} as {place}; expected {expected}")


def _needs(read: _Reader[_Value]) -> Any:
    """Return a field that JSON must contain."""
    return field(metadata={"read": read})


def _may(read: _Reader[_Value]) -> Any:
    """Return a field that may be missing or null in JSON."""
    return field(default=None, metadata={"read": _or_none(read)})


@dataclass(frozen=True, kw_only=True)
class Figures:
    """The base of all records.

    Attributes:
        names: names in the JSON, in order; by default those of the fields that are not None.
        further: figures whose names this version does not know.
    """

    names: tuple[str, ...] = field(default=(), repr=False, compare=False)
    further: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def known_names(cls) -> tuple[str, ...]:
        """Return the names that records of this kind have in JSON."""
        return tuple(field_.name for field_ in fields(cls) if "read" in field_.metadata)

    @classmethod
    def from_json(cls, value: Any, place: str) -> Self:
        """Return the record of a dictionary.

        Args:
            value: the parsed JSON.
            place: what error messages call it, such as "siam · oasis_scenes".

        Raises:
            ValueError: a figure is missing or has the wrong type; the message ends a sentence about the file.
        """
        content = _dictionary(value, place)
        values: dict[str, Any] = {}
        for field_ in (field_ for field_ in fields(cls) if "read" in field_.metadata):
            if field_.name in content:
                values[field_.name] = field_.metadata["read"](content[field_.name], f"{place} · {field_.name}")
            elif field_.default is MISSING:
                raise ValueError(f"lacks {field_.name} among the figures of {place}")
        further = {name: item for name, item in content.items() if name not in cls.known_names()}
        return cls(names=tuple(content), further=further, **values)

    def to_json(self) -> dict[str, Any]:
        """Return the dictionary that `from_json` reads, with its names in the order they were read."""
        known = {name: getattr(self, name) for name in self.known_names()}
        names = self.names or (*(name for name, item in known.items() if item is not None), *self.further)
        return {name: _as_json(known[name] if name in known else self.further[name]) for name in names}


@dataclass(frozen=True, kw_only=True)
class ScoreFigures(Figures):
    """How far scores agree with the crowd's (`siam.evaluation.scores`), in points, or how far two networks differ.

    Intervals are 95 % intervals; `_sd` are standard deviations over repetitions; if the scales differ, `rmse` is None
    and `rank_rmse`, a share of the photos, is given instead.
    """

    kendall_tau: float | None = _needs(_or_none(_number))
    rmse: float | None = _may(_number)
    n: int = _needs(_count)
    kendall_tau_interval: Interval | None = _may(_interval)
    rmse_interval: Interval | None = _may(_interval)
    kendall_tau_sd: float | None = _may(_number)
    rmse_sd: float | None = _may(_number)
    rank_rmse: float | None = _may(_number)


@dataclass(frozen=True, kw_only=True)
class PlaceOfAttribute(Figures):
    """How well an attribute's maps agree with a segmenter: average precision of cells, and chance."""

    pixel_ap: float = _needs(_number)
    chance: float = _needs(_number)


@dataclass(frozen=True, kw_only=True)
class PlaceFigures(PlaceOfAttribute):
    """The means of `PlaceOfAttribute` over attributes (`siam.evaluation.localisation`), and each attribute's own."""

    per_attribute: Mapping[str, PlaceOfAttribute] = _needs(_each(PlaceOfAttribute.from_json))


@dataclass(frozen=True, kw_only=True)
class OutlineFigures(Figures):
    """How well maps agree with people's outlines (`siam.evaluation.outlines`): shares from 0 to 1, or None.

    Intervals are 95 % intervals, `_sd` is the standard deviation over repetitions. `photos` is how many show the
    attribute; of a mean, `attributes` is the number of attributes.
    """

    pixel_ap: float | None = _needs(_or_none(_number))
    chance: float | None = _needs(_or_none(_number))
    photos: int | None = _may(_count)
    attributes: int | None = _may(_count)
    pixel_ap_interval: Interval | None = _may(_interval)
    pixel_ap_sd: float | None = _may(_number)
    iou: float | None = _may(_number)
    iou_interval: Interval | None = _may(_interval)
    pointing: float | None = _may(_number)
    pointing_interval: Interval | None = _may(_interval)
    pooled_ap: float | None = _may(_number)
    pooled_ap_interval: Interval | None = _may(_interval)
    pooled_chance: float | None = _may(_number)


@dataclass(frozen=True, kw_only=True)
class MaskFigures(OutlineFigures):
    """The means of `OutlineFigures` over the attributes of the headline, those over all, and each attribute's own.

    `n` is the number of photos judged.
    """

    n: int = _needs(_count)
    all: OutlineFigures = _needs(OutlineFigures.from_json)
    per_attribute: Mapping[str, OutlineFigures] = _needs(_each(OutlineFigures.from_json))


@dataclass(frozen=True, kw_only=True)
class AttributeFigures(Figures):
    """How well attributes are found (`siam.evaluation.scores`): average precisions, 0 to 1.

    `chance` is the mean share of photos that show an attribute, `attributes` how many are judged, `positives` how many
    of the `n` photos show each, `labelled` for how many of them that is known, unless for all; intervals are 95 %
    intervals, `_sd` is the standard deviation over repetitions.
    """

    mean_average_precision: float | None = _needs(_or_none(_number))
    n: int = _needs(_count)
    chance: float | None = _may(_number)
    attributes: int | None = _may(_count)
    per_attribute: Mapping[str, float | None] | None = _may(_each(_or_none(_number)))
    mean_average_precision_interval: Interval | None = _may(_interval)
    mean_average_precision_sd: float | None = _may(_number)
    per_attribute_interval: Mapping[str, Interval | None] | None = _may(_each(_or_none(_interval)))
    positives: Mapping[str, int] | None = _may(_each(_count))
    labelled: Mapping[str, int] | None = _may(_each(_count))
    places: PlaceFigures | None = _may(PlaceFigures.from_json)


@dataclass(frozen=True, kw_only=True)
class PresenceOfAttribute(Figures):
    """How an attribute's presence relates to the score: tau, and mean scores in points of both photo groups."""

    kendall_tau: float | None = _needs(_or_none(_number))
    kendall_tau_interval: Interval | None = _needs(_or_none(_interval))
    mean_present: float | None = _needs(_or_none(_number))
    mean_absent: float | None = _needs(_or_none(_number))
    present: int = _needs(_count)
    absent: int = _needs(_count)


@dataclass(frozen=True, kw_only=True)
class PresenceFigures(Figures):
    """The presence of each attribute and the score, over n photos (`siam.evaluation.presence`)."""

    n: int = _needs(_count)
    attributes: Mapping[str, PresenceOfAttribute] = _needs(_each(PresenceOfAttribute.from_json))
    rule: str | None = _may(_text)


@dataclass(frozen=True, kw_only=True)
class TruthColumn(Figures):
    """What, where, how and score figures of SIAM or a reference, as far as they apply: shares and correlations."""

    what: Mapping[str, float | None] | None = _may(_each(_or_none(_number)))
    where: Mapping[str, float | None] = _needs(_each(_or_none(_number)))
    how: Mapping[str, float | None] | None = _may(_each(_or_none(_number)))
    score: Mapping[str, float | None] | None = _may(_each(_or_none(_number)))

    def figure(self, part: str, name: str) -> float | None:
        """Return a figure of "what", "where", "how" or "score", or None."""
        return (getattr(self, part) or {}).get(name)


@dataclass(frozen=True, kw_only=True)
class TruthOfAttribute(Figures):
    """SIAM's figures for one attribute on rendered scenes; points are for one that covers the whole picture."""

    scenes: int = _needs(_count)
    average_precision: float | None = _needs(_or_none(_number))
    pixel_ap: float | None = _needs(_or_none(_number))
    iou: float | None = _needs(_or_none(_number))
    pointing: float | None = _needs(_or_none(_number))
    template: float | None = _needs(_or_none(_number))
    points: float | None = _needs(_or_none(_number))
    true_points: float | None = _needs(_or_none(_number))
    covered: float | None = _may(_number)
    contribution: float | None = _may(_number)


@dataclass(frozen=True, kw_only=True)
class ErrorPart(Figures):
    """One part of SIAM's errors on rendered scenes: sizes in points, and shares."""

    mean_absolute: float | None = _needs(_or_none(_number))
    rms: float | None = _needs(_or_none(_number))
    share_of_variance: float | None = _needs(_or_none(_number))
    largest: float | None = _needs(_or_none(_number))


@dataclass(frozen=True, kw_only=True)
class ErrorFigures(Figures):
    """The parts of SIAM's errors on rendered scenes (`siam.evaluation.what_where_how.errors`), in points."""

    mean_absolute: float | None = _needs(_or_none(_number))
    rms: float | None = _needs(_or_none(_number))
    parts: Mapping[str, ErrorPart] = _needs(_each(ErrorPart.from_json))


@dataclass(frozen=True, kw_only=True)
class TruthFigures(Figures):
    """What, where and how on n rendered scenes (`siam.evaluation.what_where_how`): SIAM and its references."""

    n: int = _needs(_count)
    siam: TruthColumn = _needs(TruthColumn.from_json)
    ideal: TruthColumn = _needs(TruthColumn.from_json)
    another_scene: TruthColumn = _needs(TruthColumn.from_json)
    uniform: TruthColumn = _needs(TruthColumn.from_json)
    centre: TruthColumn = _needs(TruthColumn.from_json)
    random: TruthColumn = _needs(TruthColumn.from_json)
    per_attribute: Mapping[str, TruthOfAttribute] = _needs(_each(TruthOfAttribute.from_json))
    error: ErrorFigures | None = _needs(_or_none(ErrorFigures.from_json))


@dataclass(frozen=True, kw_only=True)
class Difference(Figures):
    """How much better one explainer is than another, positive is better (`siam.comparison.statistics`).

    Attributes:
        gain: mean of the paired differences.
        interval: its 95 % interval, over networks and pictures.
        effect: gain / standard deviation of the paired differences; None if they are all the same.
        detectable: the gain that this many pictures would find four times out of five.
        p: two-sided, corrected by Holm's method.
        n: number of pictures.
    """

    gain: float = _needs(_number)
    interval: Interval = _needs(_interval)
    effect: float | None = _needs(_or_none(_number))
    detectable: float = _needs(_number)
    p: float = _needs(_number)
    n: int = _needs(_count)


@dataclass(frozen=True, kw_only=True)
class MeanFigure(Figures):
    """The mean of one figure of an explainer over n pictures, with its 95 % interval, and its lead over random maps."""

    mean: float = _needs(_number)
    interval: Interval | None = _may(_interval)
    n: int | None = _may(_count)
    over_random: Difference | None = _may(Difference.from_json)


@dataclass(frozen=True, kw_only=True)
class MeasureFigures(Figures):
    """Whether a measure can tell explainers apart: whether the truth is ahead of uniform and of random maps."""

    decides: bool = _needs(_truth)
    over_uniform: Difference | None = _may(Difference.from_json)
    over_random: Difference | None = _may(Difference.from_json)


@dataclass(frozen=True, kw_only=True)
class ClaimFigures(Difference):
    """Whether an order of two explainers that a paper reports holds here."""

    better: str = _needs(_text)
    worse: str = _needs(_text)
    figure: str = _needs(_text)
    source: str = _needs(_text)
    outcome: str = _needs(_one_of("holds", "does not hold", "cannot tell"))


@dataclass(frozen=True, kw_only=True)
class HalfFigures(Figures):
    """How two disjoint halves of a comparison agree: pairs and measures in which both decide, and with what outcome."""

    compared: int = _needs(_count)
    same: int = _needs(_count)
    contradicted: int = _needs(_count)


@dataclass(frozen=True, kw_only=True)
class ExplainerFigures(Figures):
    """A comparison of explainers on n pictures of a world.

    Attributes:
        world: the kind of pictures.
        networks: names of the networks that were explained.
        n: number of pictures.
        measures: figure → whether it can tell explainers apart.
        methods: explainer or control → figure → its mean.
        claims: orders that papers report.
        halves: how two halves agree.
    """

    world: str = _needs(_text)
    networks: tuple[str, ...] = _needs(_list(_text))
    n: int = _needs(_count)
    measures: Mapping[str, MeasureFigures] = _needs(_each(MeasureFigures.from_json))
    methods: Mapping[str, Mapping[str, MeanFigure]] = _needs(_each(_each(MeanFigure.from_json)))
    claims: tuple[ClaimFigures, ...] = _needs(_list(ClaimFigures.from_json))
    halves: HalfFigures = _needs(HalfFigures.from_json)


@dataclass(frozen=True, kw_only=True)
class PhotoFigures(Figures):
    """The figures for a set of photos, in one JSON dictionary: scores, attributes, or both."""

    scores: ScoreFigures | None = None
    attributes: AttributeFigures | None = None

    @classmethod
    def known_names(cls) -> tuple[str, ...]:
        """Return the names of scores and attributes."""
        return (*ScoreFigures.known_names(), *AttributeFigures.known_names())

    @classmethod
    def from_json(cls, value: Any, place: str) -> Self:
        """Return the figures of a dictionary; arguments and errors as for `Figures`."""
        content = _dictionary(value, place)
        parts: dict[str, Any] = {}
        for name, kind, sign in (
            ("scores", ScoreFigures, "kendall_tau"),
            ("attributes", AttributeFigures, "mean_average_precision"),
        ):
            if sign in content:
                known = {key: item for key, item in content.items() if key in kind.known_names()}
                parts[name] = kind.from_json(known, place)
        used = {key for part in parts.values() for key in part.names}
        further = {key: item for key, item in content.items() if key not in used}
        return cls(names=tuple(content), further=further, **parts)

    def to_json(self) -> dict[str, Any]:
        """Return the dictionary that `from_json` reads."""
        parts = [part.to_json() for part in (self.scores, self.attributes) if part is not None]
        content = {name: item for part in (*parts, dict(self.further)) for name, item in part.items()}
        return {name: content[name] for name in self.names or content}


@dataclass(frozen=True, kw_only=True)
class VariantFigures(Figures):
    """All figures of a variant of the networks in a stored result.

    Attributes:
        photos: figures for the result's own photos.
        sets: figures for other sets of photos, by name; "annotated" are its own photos with both scores and attributes.
        difference: SIAM's scores minus the baseline's.
        presence: "predicted" and "true" → how the presence of attributes relates to the score.
        masks: how well maps agree with people's outlines.
        what_where_how: figures on rendered scenes.
        comparison: comparison of explainers.
    """

    photos: PhotoFigures = field(default_factory=PhotoFigures)
    sets: Mapping[str, PhotoFigures] = field(default_factory=dict)
    difference: ScoreFigures | None = _may(ScoreFigures.from_json)
    presence: Mapping[str, PresenceFigures] | None = _may(_each(PresenceFigures.from_json))
    masks: MaskFigures | None = _may(MaskFigures.from_json)
    what_where_how: TruthFigures | None = _may(TruthFigures.from_json)
    comparison: ExplainerFigures | None = _may(ExplainerFigures.from_json)

    @classmethod
    def from_json(cls, value: Any, place: str) -> Self:
        """Return the figures of a dictionary; arguments and errors as for `Figures`."""
        record = super().from_json(value, place)
        direct = {
            name: item
            for name, item in record.further.items()
            if name in PhotoFigures.known_names() or not isinstance(item, dict)
        }
        sets = {
            name: PhotoFigures.from_json(item, f"{place} · {name}")
            for name, item in record.further.items()
            if name not in direct
        }
        parts = {name: getattr(record, name) for name in cls.known_names()}
        return cls(names=record.names, photos=PhotoFigures.from_json(direct, place), sets=sets, **parts)

    def to_json(self) -> dict[str, Any]:
        """Return the dictionary that `from_json` reads."""
        known = {name: _as_json(getattr(self, name)) for name in self.known_names()}
        content = {**self.photos.to_json(), **_as_json(self.sets), **self.further}
        content |= {name: item for name, item in known.items() if name in self.names or item is not None}
        return {name: content[name] for name in self.names or content}


@dataclass(frozen=True, kw_only=True)
class Goal(Figures):
    """What a measurement of speed should be: its ratio, or our own figure, at most or at least a number."""

    of: str = _needs(_one_of("ratio", "ours"))
    direction: str = _needs(_one_of("at most", "at least"))
    number: float = _needs(_number)


@dataclass(frozen=True, kw_only=True)
class Measurement(Figures):
    """How fast something is, and something else that was measured in turn with it.

    Attributes:
        name: what `python -m benchmarks.speed --only` calls it, or the part of it.
        part: the heading it belongs under.
        description: what is measured, in a few words.
        unit: of `ours` and `theirs`.
        ours: the median of all rounds.
        against: what it is compared with; None for nothing, as are `theirs` and `ratio`.
        theirs: the median of the same for that.
        ratio: the median of the rounds' ratios, ours / theirs.
        low: the lowest of these ratios; without a comparison, of our own figures.
        high: the highest of them.
        rounds: how often both were measured.
        goal: what was to be reached, if anything.
        reached: whether it was.
        note: how it was measured.
        peak_mib: MiB of a GPU's memory that it needs.
    """

    name: str = _needs(_text)
    part: str = _needs(_text)
    description: str = _needs(_text)
    unit: str = _needs(_text)
    ours: float = _needs(_number)
    against: str | None = _may(_text)
    theirs: float | None = _may(_number)
    ratio: float | None = _may(_number)
    low: float | None = _may(_number)
    high: float | None = _may(_number)
    rounds: int = _needs(_count)
    goal: Goal | None = _may(Goal.from_json)
    reached: bool | None = _may(_truth)
    note: str = _needs(_text)
    peak_mib: int | None = _may(_count)


@dataclass(frozen=True, kw_only=True)
class NumberCheck(Figures):
    """Whether a device computes what the processor does: the largest difference, as a share of the largest value."""

    name: str = _needs(_text)
    difference: float = _needs(_number)
    allowed: float = _needs(_number)
    passed: bool = _needs(_truth)


@dataclass(frozen=True, kw_only=True)
class SpeedFigures(Figures):
    """The measurements of one run on one machine.

    Attributes:
        format: number of the file's format.
        date: date of the run, as YYYY-MM-DD.
        command: the command that repeats it.
        git_commit: the project's commit, or None if unknown.
        processor: name of the processor, or of the GPU.
        cores: processor cores that were used; None on a GPU.
        versions: Python's and the libraries'.
        measurements: in the order of the table.
        checks: of a GPU's numbers.
    """

    format: int = _needs(_count)
    date: str = _needs(_text)
    command: str = _needs(_text)
    git_commit: str | None = _needs(_or_none(_text))
    processor: str = _needs(_text)
    cores: int | None = _may(_count)
    versions: Mapping[str, str] = _needs(_each(_text))
    measurements: tuple[Measurement, ...] = _needs(_list(Measurement.from_json))
    checks: tuple[NumberCheck, ...] | None = _may(_list(NumberCheck.from_json))


def _as_json(value: Any) -> Any:
    if isinstance(value, Figures):
        return value.to_json()
    if isinstance(value, Mapping):
        return {name: _as_json(item) for name, item in value.items()}
    return [_as_json(item) for item in value] if isinstance(value, list | tuple) else value
