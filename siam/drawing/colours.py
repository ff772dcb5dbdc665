"""The colours of the project: those of signs come from the palette in use, anything without a sign is blue-grey."""

from siam.drawing.palettes import GREEN_MAGENTA, palette
from siam.drawing.phrases import signed

POSITIVE, NEGATIVE = GREEN_MAGENTA.positive, GREEN_MAGENTA.negative  # the paper's
CROWD = "#7A8CA0"  # and anything else without a sign
SIAM_COLOUR = "#3F7CB0"  # in charts that compare; all three are visible on light and dark pages
BASELINE_COLOUR = "#B5651D"
INK = "#1F2933"
SOFT_INK = "#52606D"
PAPER = "#FFFFFF"
ZERO = "#FFFFFF"


def sign_colour(value: float) -> str:
    """Return the colour of a contribution, the neutral one if it rounds to 0.00."""
    if signed(value) == "0.00":
        return CROWD
    return palette().positive if value > 0 else palette().negative
