"""From the bias to the score, or from one score to another, one attribute after the other: the steps, and a drawing."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from siam.drawing.colours import CROWD, sign_colour
from siam.drawing.phrases import number, signed
from siam.drawing.shapes import Box, Drawing, Label, Line, shortened, stripes, text_width
from siam.explanation.context import ContextExplanation
from siam.explanation.difference import Change, Difference
from siam.explanation.inference import Contribution, Explanation, Order
from siam.explanation.recognition import marked, recognition_text
from siam.models.recognition import Recognition

CONNECTOR = "#9AA5B1"  # visible on light and dark pages
_SIZE = 13  # px of a row's text
_NAME = 120  # px of a photo's name beside its score
_CAUSE = 150  # px of a cause's name

_Row = tuple[str, float, str]  # label, value and note of a step


class Step(NamedTuple):
    """One row: the running sum before and after it; bias and score start where they end."""

    label: str
    start: float
    end: float
    text: str  # the value as shown
    note: str = ""  # how well the attribute is recognised

    @property
    def value(self) -> float:
        """What the step adds."""
        return self.end - self.start


def waterfall_steps(explanation: Explanation, count: int = 8, order: Order = "magnitude") -> list[Step]:
    """Return the bias, the `count` largest contributions, the sum of all others, and the score.

    Every step starts exactly where the previous one ended. Names that are hard to believe have a mark
    (`siam.explanation.recognition`).
    """
    shown = explanation.ranking(order, count)
    rest = len(explanation.attributes) - len(shown), explanation.others(count)
    bias = Step("bias", explanation.bias, explanation.bias, number(explanation.bias))
    score = Step("SIAM score", explanation.scenicness, explanation.scenicness, number(explanation.scenicness))
    return [bias, *_between(explanation.bias, _attributes(shown, explanation.recognition), rest), score]


def context_steps(context: ContextExplanation, causes: int | None = None, count: int = 8) -> list[Step]:
    """Return the base, the largest causes, the sum of all others, and the score with context.

    Every step starts exactly where the previous one ended. Names are cut short where they are long; the notes have them
    in full.

    Args:
        context: the score by groups of attributes.
        causes: 1 to 8: only so many are added, and the last step is the score with these; None adds all.
        count: how many causes have a step of their own, if all are added.
    """
    shown = context.causes[: count if causes is None else causes]
    others = context.causes[len(shown) :] if causes is None else ()
    rows = [(shortened(cause.title, _SIZE, _CAUSE), cause.value, cause.title) for cause in shown]
    end = context.score_with(causes)
    name = "score" if causes is None else f"with {causes} {'cause' if causes == 1 else 'causes'}"
    base, score = Step("base", context.base, context.base, number(context.base)), Step(name, end, end, number(end))
    return [base, *_between(context.base, rows, (len(others), sum(cause.value for cause in others))), score]


def difference_steps(
    difference: Difference,
    count: int = 8,
    order: Order = "magnitude",
    names: tuple[str, str] = ("first photo", "second photo"),
) -> list[Step]:
    """Return the first score, the `count` largest changes, the sum of all others, and the second score.

    Every step starts exactly where the previous one ended. The names of the photos are cut short where they are long.
    """
    shown = difference.ranking(order, count)
    rest = len(difference.values) - len(shown), difference.others(count)
    ends = [
        Step(shortened(name, _SIZE, _NAME), of.scenicness, of.scenicness, number(of.scenicness))
        for name, of in zip(names, (difference.before, difference.after), strict=True)
    ]
    return [ends[0], *_between(ends[0].end, _attributes(shown, difference.before.recognition), rest), ends[1]]


def _attributes(shown: Sequence[Contribution | Change], known: Mapping[str, Recognition]) -> list[_Row]:
    """Return name, value and note of attributes: how well they are recognised."""
    return [
        (
            marked(known, item.attribute),
            item.value,
            recognition_text(known[item.attribute]) if item.attribute in known else "",
        )
        for item in shown
    ]


def _between(at: float, rows: list[_Row], rest: tuple[int, float]) -> list[Step]:
    """Return the steps from a value on: those shown, and in one step the sum of the others, given with their number."""
    others, value = rest
    if others > 0:
        rows = [*rows, (f"{others} others" if others > 1 else "1 other", value, "")]
    steps = []
    for label, value, note in rows:
        steps.append(Step(label, at, at + value, signed(value), note))
        at += value
    return steps


def span(steps: Sequence[Step], share: float = 0.27) -> tuple[float, float]:
    """Return the ends of an axis with room for the values beside the outermost bars: a share of what these span."""
    ends = [step.end for step in steps]
    low, high = min(ends), max(ends)
    room = max(share * (high - low), 0.05)
    return low - room, high + room


def waterfall_drawing(
    explanation: Explanation, count: int = 8, order: Order = "magnitude", width: int = 400
) -> Drawing:
    """Return the steps from the bias to the score, top to bottom, as a drawing `width` px wide."""
    return steps_drawing(waterfall_steps(explanation, count, order), "From bias to score", width)


def steps_drawing(steps: Sequence[Step], title: str, width: float = 400, size: float = _SIZE) -> Drawing:
    """Return steps, top to bottom, as a drawing `width` wide with text of a size, both in px or both in points.

    Bars of what lowers the score are striped, so that they differ without colours, too.
    """
    unit = size / _SIZE
    step, value, gap = 27 * unit, 48 * unit, 12 * unit
    most = 0.45 * width  # for names
    names = [of.label if text_width(of.label, size) <= most else shortened(of.label, size, most) for of in steps]
    left = max(text_width(name, size) for name in names) + gap + 3 * unit
    low, high = span(steps, max(0.27, value / max(1, width - left - 2 * value)))
    drawing = Drawing(width, step * len(steps) + 8 * unit, title)

    def across(value: float) -> float:
        return left + (value - low) / (high - low) * (width - left)

    for row, (of, name) in enumerate(zip(steps, names, strict=True)):
        middle = step * (row + 0.5) + 4 * unit
        start, end = across(of.start), across(of.end)
        if row < len(steps) - 1:
            drawing.items.append(Line(end, middle, end, middle + step, CONNECTOR, unit))
        drawing.items.append(Label(left - gap, middle + 4.5 * unit, name, size, "end"))
        falls = of.end < of.start
        if row in (0, len(steps) - 1):
            drawing.items.append(Box(end - 2.5 * unit, middle - 10 * unit, 5 * unit, 20 * unit, CROWD))
            end += 2.5 * unit
        else:
            bar = Box(min(start, end), middle - 8 * unit, max(abs(end - start), unit), 16 * unit, sign_colour(of.value))
            drawing.items.append(bar)
            if signed(of.value).startswith("−"):
                drawing.items += stripes(bar, 4 * unit)
        at = end + (-6 if falls else 6) * unit
        drawing.items.append(Label(at, middle + 4.5 * unit, of.text, size, "end" if falls else "start"))
    return drawing
