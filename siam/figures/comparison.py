"""A comparison of explainers as plotly figures in the page's fonts and text colours."""

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from siam.drawing.colours import BASELINE_COLOUR, SIAM_COLOUR
from siam.drawing.phrases import number, signed
from siam.evaluation.figures import ExplainerFigures
from siam.explainers.references import REFERENCES
from siam.figures.style import GREY, dress, literal, reach
from siam.results.explainers import heading, measure_title

_ROW = 24  # px
_SHADE = "rgba(128, 128, 128, 0.10)"
_SAID = {
    "ebpg": "share of the map inside the truth (EBPG)",
    "pixel_ap": "average precision of pixels",
    "iou_area": "area under the curve of IoU over the threshold",
    "truth_rank": "rank correlation with the signed truth",
    "removal": "rank correlation with what each object truly adds",
    "deletion": "deletion: points left as the top pixels are hidden",
    "insertion": "insertion: points gained as the top pixels are shown",
    "drop": "drop with the top {} % kept, weighed by the map, in points",
    "increase": "pictures whose score rises so, top {} % kept, in %",
    "kept": "points lost with the top {} % kept, the rest {}",
    "rises": "pictures whose score rises with the top {} % kept, the rest {}, in %",
}
_FILLED = {"grey": "grey", "blur": "blurred", "inpaint": "inpainted"}


def measure_name(key: str) -> str:
    """Return what a measure is, in a few words."""
    kind, *parts = key.split("_")
    if key in _SAID:
        return _SAID[key]
    return _SAID[kind].format(*(_FILLED.get(part, part) for part in parts))


def measures_of(figures: ExplainerFigures) -> list[str]:
    """Return the measures that can be drawn: those that decide first."""
    known = [key for key in figures.measures if any(key in of for of in figures.methods.values())]
    return sorted(known, key=lambda key: not figures.measures[key].decides)


def forest_figure(figures: ExplainerFigures, measure: str, title: str, source: str) -> go.Figure:
    """Return each method's lead over random maps with its interval, the best at the top, the controls shaded.

    Args:
        figures: the comparison.
        measure: one of `measures_of`.
        title: of the figure.
        source: pictures, networks and date, for the line below the title.
    """
    leads = {
        name: of[measure].over_random
        for name, of in figures.methods.items()
        if measure in of and of[measure].over_random is not None
    }
    rows = sorted(
        ((name, lead) for name, lead in leads.items() if lead is not None),
        key=lambda row: (row[0] not in REFERENCES, row[1].gain),
    )
    names = [name for name, _lead in rows]
    figure = go.Figure()
    for group, colour, symbol, chosen in (
        ("control", GREY, "diamond-open", [row for row in rows if row[0] in REFERENCES]),
        ("SIAM’s own map", SIAM_COLOUR, "square", [row for row in rows if row[0].partition(":")[0] == "siam"]),
        (
            "explainer",
            BASELINE_COLOUR,
            "circle",
            [row for row in rows if row[0] not in REFERENCES and row[0].partition(":")[0] != "siam"],
        ),
    ):
        figure.add_scatter(
            x=[lead.gain for _name, lead in chosen],
            y=[literal(heading(name)) for name, _lead in chosen],
            error_x=reach([(lead.gain, lead.interval) for _name, lead in chosen]),
            mode="markers",
            marker={"size": 9, "color": colour, "symbol": symbol},
            name=group,
            customdata=[
                [
                    name,
                    f"{signed(lead.gain)} ({signed(lead.interval[0])} to {signed(lead.interval[1])}), n {lead.n}",
                    number(figures.methods[name][measure].mean),
                ]
                for name, lead in chosen
            ],
            hovertemplate="%{y}: mean %{customdata[2]}, %{customdata[1]}<extra></extra>",
            visible=bool(chosen),
        )
    controls = sum(name in REFERENCES for name in names)
    dress(figure, title, source, 200 + _ROW * len(names))
    figure.add_hrect(y0=-0.8, y1=controls - 0.5, fillcolor=_SHADE, line_width=0, layer="below")
    figure.add_vline(0, line={"color": GREY, "width": 1.5, "dash": "dot"})
    figure.update_xaxes(title="lead over random maps")
    figure.update_yaxes(
        dtick=1,
        automargin=True,
        categoryorder="array",
        categoryarray=[literal(heading(name)) for name in names],
        range=[-0.8, len(names) - 0.2],
    )
    return figure


def strip_figure(values: Mapping[str, Sequence[tuple[str, float]]], measure: str, title: str, source: str) -> go.Figure:
    """Return the single values of a few methods, one dot for each picture and network.

    Args:
        values: method → (picture, value) of each dot.
        measure: one of `measures_of`.
        title: of the figure.
        source: for the line below the title.
    """
    figure = go.Figure()
    for name, dots in values.items():
        colour = GREY if name in REFERENCES else SIAM_COLOUR if name.partition(":")[0] == "siam" else BASELINE_COLOUR
        figure.add_box(
            x=[value for _picture, value in dots],
            y=[literal(heading(name))] * len(dots),
            orientation="h",
            boxpoints="all",
            jitter=0.6,
            pointpos=0,
            line={"color": colour, "width": 1},
            fillcolor="rgba(0, 0, 0, 0)",
            marker={"size": 4, "color": colour, "opacity": 0.55},
            customdata=[literal(picture) for picture, _value in dots],
            hovertemplate="picture %{customdata}: %{x:.3g}<extra></extra>",
            showlegend=False,
        )
    dress(figure, title, source, 170 + 70 * len(values))
    figure.update_xaxes(title=measure_name(measure))
    figure.update_yaxes(automargin=True, autorange="reversed")
    return figure


__all__ = ["forest_figure", "measure_name", "measure_title", "measures_of", "strip_figure"]
