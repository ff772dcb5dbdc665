"""Groups of attributes that count together as plotly figures: who is in which group, and the error by few causes."""

import numpy as np
import plotly.graph_objects as go

from siam.drawing.colours import BASELINE_COLOUR, CROWD, SIAM_COLOUR, ZERO
from siam.drawing.palettes import palette
from siam.drawing.phrases import number
from siam.explanation.context import Member, group_members, title
from siam.figures.style import CLEAR, GRID, ROW, dress, literal
from siam.models.csib import CSIB
from siam.results.context import budgets

_TITLE = "Who is in which group"


def groups_figure(csib: CSIB) -> go.Figure:
    """Return the matrix of members (rows) and groups (columns, numbered from 1): a cell's colour is the member's share.

    The colour is positive where the group raises the score, negative where it lowers it. Attributes that are in no
    group are left out.
    """
    groups = [group_members(csib, group) for group in range(len(csib))]
    rows = list(dict.fromkeys((member.index, member.absent) for members in groups for member in members))
    names = {(member.index, member.absent): member.text for members in groups for member in members}
    values = np.full((len(rows), len(groups)), np.nan)
    hover = np.full(values.shape, "", dtype=object)
    for column, members in enumerate(groups):
        weight = float(np.mean(csib.weights[column]))
        for member in members:
            row = rows.index((member.index, member.absent))
            values[row, column] = np.copysign(member.share, weight)
            hover[row, column] = _hover(column, members, member)
    figure = go.Figure(
        go.Heatmap(
            z=values, zmin=-1, zmax=1, xgap=1, ygap=1, showscale=False, customdata=hover, hoverongaps=False,
            colorscale=[(0.0, palette().negative), (0.5, ZERO), (1.0, palette().positive)],
            hovertemplate="%{customdata}<extra></extra>",
        )
    )  # fmt: skip
    figure.update_layout(
        title={"text": _TITLE, "x": 0, "xanchor": "left"},
        height=110 + ROW * len(rows),
        margin={"l": 8, "r": 8, "t": 44, "b": 8},
        paper_bgcolor=CLEAR,
        plot_bgcolor=CLEAR,
        dragmode=False,
    )
    places = list(range(len(groups)))
    figure.update_xaxes(
        title="group", tickvals=places, ticktext=[str(place + 1) for place in places], gridcolor=GRID, zeroline=False,
        range=[-0.5, len(groups) - 0.5],
    )  # fmt: skip
    figure.update_yaxes(
        tickvals=list(range(len(rows))), ticktext=[literal(names[row]) for row in rows], automargin=True,
        gridcolor=GRID, zeroline=False, range=[len(rows) - 0.5, -0.5],
    )  # fmt: skip
    return figure


def _hover(column: int, members: tuple[Member, ...], member: Member) -> str:
    share = f"{100 * member.share:.0f} %"
    return f"{column + 1}. {literal(title(members))}<br>{literal(member.text)}: share {share}"


def budgets_figure(csib: CSIB, source: str) -> go.Figure:
    """Return the RMSE with 1 to 8 causes and with all, beside that of the other networks where it is known.

    Args:
        csib: groups that were judged.
        source: the line below the title.
    """
    known = budgets(csib)
    figure = go.Figure()
    for key, name, colour in (("siam", "SIAM", SIAM_COLOUR), ("baseline", "baseline", BASELINE_COLOUR)):
        of = csib.about.get("figures", {}).get(key)
        if of is not None and of["rmse"] is not None:  # unknown where people rated on another scale
            figure.add_scatter(
                x=list(known["causes"]), y=[of["rmse"]] * len(known), mode="lines", name=name,
                line={"color": colour, "width": 1.5, "dash": "dot"},
                hovertemplate=f"{name}: {number(of['rmse'])}<extra></extra>",
            )  # fmt: skip
    figure.add_scatter(
        x=list(known["causes"]),
        y=list(known["rmse"]),
        mode="lines+markers",
        name="with context",
        line={"color": CROWD, "width": 1.5},
        marker={"size": 9, "color": CROWD},
        customdata=[number(error) for error in known["rmse"]],
        hovertemplate="%{x} causes: %{customdata}<extra></extra>",
    )
    dress(figure, "The error with few causes", source, 380)
    figure.update_xaxes(title="causes", type="category", showgrid=False)
    figure.update_yaxes(title="RMSE, points", rangemode="tozero")
    return figure
