"""A comparison of explainers as a plotly figure in the page's fonts and text colours."""

import plotly.graph_objects as go

from siam.comparison.records import REFERENCES
from siam.drawing.colours import BASELINE_COLOUR, SIAM_COLOUR
from siam.evaluation.figures import Interval
from siam.explainers.registry import title
from siam.figures.style import GREY, dress, reach
from siam.results.explainers import Methods

_ROW = 24  # px
_OF_ONE_NETWORK = ("deletion", "insertion", "drop_", "increase_")  # in points of the network that is explained
MEASURES = {  # figure -> its name on the axis, whether higher is better, whether the axis is logarithmic
    "ebpg": ("share of the map inside the truth (EBPG)", True, False),
    "pixel_ap": ("average precision of pixels", True, False),
    "iou_area": ("area under the curve of IoU over the threshold", True, False),
    "truth_rank": ("rank correlation with the signed truth", True, False),
    "deletion": ("deletion: mean score as the top pixels are hidden, in points above the end", False, False),
    "insertion": ("insertion: mean score as the top pixels are shown, in points above the start", True, False),
    "drop_100": ("drop of the score with only the map kept, in points", False, False),
    "drop_50": ("drop of the score with only the map's top 50 % kept, in points", False, False),
    "drop_15": ("drop of the score with only the map's top 15 % kept, in points", False, False),
    "increase_100": ("pictures whose score rises with only the map kept, in %", True, False),
    "increase_50": ("pictures whose score rises with only the map's top 50 % kept, in %", True, False),
    "increase_15": ("pictures whose score rises with only the map's top 15 % kept, in %", True, False),
    "agreement": ("rank correlation with SIAM's map", True, False),
    "randomised": ("rank correlation with the map of a network with shuffled weights", False, False),
    "seconds": ("seconds per picture", False, True),
    "passes": ("forward passes per picture", False, True),
    "megabytes": ("peak memory besides the network, in MB", False, True),
}


def measures_of(methods: Methods) -> list[str]:
    """Return the measures for which at least two methods have a figure, in the order of `MEASURES`."""
    return [name for name in MEASURES if sum(name in of for of in methods.values()) >= 2]


def comparison_figure(methods: Methods, measure: str, heading: str, source: str) -> go.Figure:
    """Return a dot with its interval for each method, the best at the top.

    Args:
        methods: name → figure → its mean.
        measure: one of `MEASURES`.
        heading: title of the figure.
        source: pictures, networks and date, for the line below the title.
    """
    axis, high_is_good, logarithmic = MEASURES[measure]
    known = {name: of[measure] for name, of in methods.items() if measure in of}
    if logarithmic:
        known = {name: of for name, of in known.items() if of.mean > 0}
    order = sorted(known, key=lambda name: known[name].mean, reverse=not high_is_good)  # plotly counts from below
    figure = go.Figure()
    for group, colour, chosen in (
        ("SIAM", SIAM_COLOUR, [name for name in order if name == "siam"]),
        ("explains the baseline", BASELINE_COLOUR, [name for name in order if name not in ("siam", *REFERENCES)]),
        ("reference", GREY, [name for name in order if name in REFERENCES]),
    ):
        rows = [(known[name].mean, known[name].interval) for name in chosen]
        figure.add_scatter(
            x=[value for value, _interval in rows],
            y=[title(name) for name in chosen],
            error_x=reach(rows),
            mode="markers",
            marker={"size": 9, "color": colour, "symbol": "diamond-open" if group == "reference" else "circle"},
            name=group,
            customdata=[[_hover(*row)] for row in rows],
            hovertemplate="%{y}: %{customdata[0]}<extra></extra>",
            visible=bool(chosen),
        )
    dress(figure, heading, source, 190 + _ROW * len(order))
    best = "higher is better" if high_is_good else "lower is better"
    if measure == "agreement":
        best = "SIAM itself has 1"
    elif measure.startswith(_OF_ONE_NETWORK) and "siam_random" in known:
        best += "; compare SIAM only with “Random, on SIAM”"
    figure.update_xaxes(title=f"{axis}<br>{best}")
    if logarithmic:
        figure.update_xaxes(type="log")
    figure.update_yaxes(
        dtick=1,
        automargin=True,
        categoryorder="array",
        categoryarray=[title(name) for name in order],
        range=[-0.8, len(order) - 0.2],
    )
    return figure


def _hover(value: float, interval: Interval | None) -> str:
    text = f"{value:.3g}"
    return text if interval is None else f"{text} ({interval[0]:.3g} to {interval[1]:.3g})"
