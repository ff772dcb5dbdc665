"""The colours of the project: green raises a score, magenta lowers it, what has no sign is blue-grey."""

from siam.drawing.phrases import signed

POSITIVE = "#008000"
NEGATIVE = "#FF0080"
CROWD = "#7A8CA0"  # also of everything else that has no sign
SIAM_COLOUR = "#3F7CB0"  # of charts that compare; all three are seen on light and on dark pages
BASELINE_COLOUR = "#B5651D"
INK = "#1F2933"
SOFT_INK = "#52606D"
PAPER = "#FFFFFF"
ZERO = "#FFFFFF"


def sign_colour(value: float) -> str:
    """Return the colour of a contribution; the neutral one if it has no sign to two decimals."""
    if signed(value) == "0.00":
        return CROWD
    return POSITIVE if value > 0 else NEGATIVE
