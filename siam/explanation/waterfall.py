"""From the bias to the score, one attribute after the other: the steps, and their drawing for pages without scripts."""

from typing import NamedTuple

from siam.drawing.colours import CROWD, sign_colour
from siam.drawing.phrases import number, signed
from siam.drawing.shapes import Box, Drawing, Label, Line, text_width
from siam.explanation.inference import Explanation, Order
from siam.explanation.recognition import marked, recognition_text

CONNECTOR = "#9AA5B1"  # visible on light and dark pages
_STEP, _SIZE = 27, 13  # px of a row and of its text


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
    at, known = explanation.bias, explanation.recognition
    steps = [Step("bias", at, at, number(at))]
    shown = explanation.ranking(order, count)
    rows = [
        (
            marked(known, item.attribute),
            item.value,
            recognition_text(known[item.attribute]) if item.attribute in known else "",
        )
        for item in shown
    ]
    others = len(explanation.attributes) - len(rows)
    if others > 0:
        rows.append((f"{others} others" if others > 1 else "1 other", explanation.others(count), ""))
    for label, value, note in rows:
        steps.append(Step(label, at, at + value, signed(value), note))
        at += value
    return [*steps, Step("SIAM score", explanation.scenicness, explanation.scenicness, number(explanation.scenicness))]


def span(steps: list[Step]) -> tuple[float, float]:
    """Return the ends of an axis with room for the values beside the outermost bars."""
    ends = [step.end for step in steps]
    low, high = min(ends), max(ends)
    room = max(0.27 * (high - low), 0.05)
    return low - room, high + room


def waterfall_drawing(
    explanation: Explanation, count: int = 8, order: Order = "magnitude", width: int = 400
) -> Drawing:
    """Return the steps from the bias to the score, top to bottom, as a drawing `width` px wide."""
    steps = waterfall_steps(explanation, count, order)
    low, high = span(steps)
    left = max(text_width(step.label, _SIZE) for step in steps) + 12
    drawing = Drawing(width, _STEP * len(steps) + 8, "From bias to score")

    def across(value: float) -> float:
        return left + (value - low) / (high - low) * (width - left)

    for row, step in enumerate(steps):
        middle = _STEP * (row + 0.5) + 4
        start, end = across(step.start), across(step.end)
        if row < len(steps) - 1:
            drawing.items.append(Line(end, middle, end, middle + _STEP, CONNECTOR))
        drawing.items.append(Label(left - 12, middle + 4.5, step.label, _SIZE, "end"))
        falls = step.end < step.start
        if row in (0, len(steps) - 1):
            drawing.items.append(Box(end - 2.5, middle - 10, 5, 20, CROWD))
            end += 2.5
        else:
            length = max(abs(end - start), 1)
            drawing.items.append(Box(min(start, end), middle - 8, length, 16, sign_colour(step.value)))
        drawing.items.append(
            Label(end + (-6 if falls else 6), middle + 4.5, step.text, _SIZE, "end" if falls else "start")
        )
    return drawing
