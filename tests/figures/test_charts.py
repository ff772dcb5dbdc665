"""Charts for print: every chart of the pages, with its data where the axes say, within the page."""

import itertools

import numpy as np
import plotly.graph_objects as go
import pytest

from siam.drawing.printing import LEAST_TEXT, points
from siam.drawing.shapes import Box, Disc, Drawing, Label, Line, Polyline, text_width
from siam.evaluation import stored
from siam.figures.attributions import curves_figure
from siam.figures.charts import chart_drawing, mark, plain_text, solid
from siam.figures.comparison import forest_figure, measures_of, strip_figure
from siam.figures.gallery import disagreement_figures, votes_figure
from siam.figures.presence import presence_figure
from siam.figures.results import NETWORKS, compared_figure, people_figure, precisions_figure
from siam.gallery import read
from siam.gallery.cases import read_cases
from siam.results.explainers import comparisons
from siam.results.scores import precisions
from siam.results.truths import compared, presences, truths
from siam.runtime.paths import ASSETS

SHARES = np.linspace(0, 1, 21)
METHODS = ("siam", "cam", "grad_cam", "grad_cam_pp", "layer_cam", "rise", "sise", "score_cam", "occlusion")


def curves():
    of = {name: 0.5 * np.exp(-SHARES * number) for number, name in enumerate(METHODS, 1)}
    return curves_figure(
        of, SHARES, "Deletion", "lower is better", "% of pixels hidden", "points above a plain picture"
    )


@pytest.fixture(scope="module")
def charts():
    """Every kind of chart that pages draw, from what is stored."""
    cases = read_cases(read(ASSETS / "gallery" / "oasis"))
    found = {
        "curves": curves(),
        "votes": votes_figure(np.array([3, 4, 4, 6, 6, 7]), 1, 10, [("mean", 5.0, "#7A8CA0")]),
        "strips": strip_figure(
            {"siam": [("a", 0.1), ("b", 0.5), ("c", 0.2)], "random": [("a", 0.0)]}, "ebpg", "t", "s"
        ),
        **{f"people {name}": people_figure(cases, name) for name in NETWORKS},
        **dict(zip(("scores", "differences"), disagreement_figures(cases, np.arange(len(cases.table))), strict=True)),
    }
    results = [stored.read(path) for path in stored.paths(stored.STORED)]
    for result in results:
        found |= {of.kind: precisions_figure(of, "t", "s") for of in precisions(result)}
        for of in truths(result):
            found["truths"] = compared_figure(compared(of), "t", "s")
        for both in presences(result):
            found |= {f"presence {kind}": presence_figure(of, "t", "s") for kind, of in both.items()}
    for _result, of in comparisons(results):
        found["forest"] = forest_figure(of, measures_of(of)[0], "t", "s")
    assert len(found) >= 12
    return found


@pytest.mark.parametrize("width", [40, 85, 180, 400])
def test_nothing_leaves_the_page_at_any_width(charts, width):
    for name, figure in charts.items():
        drawing = chart_drawing(figure, points(width))
        assert drawing.width == pytest.approx(points(width)) and 20 < drawing.height < 3000
        labels = [item for item in drawing.items if isinstance(item, Label)]
        assert labels, name
        for item in labels:
            assert item.size >= LEAST_TEXT
            left = item.x - {"start": 0, "middle": 0.5, "end": 1}[item.anchor] * text_width(item.text, item.size)
            assert left >= -0.5 and left + text_width(item.text, item.size) <= drawing.width + 0.5, (name, item)
            assert 0 < item.y < drawing.height, (name, item)
        for item in drawing.items:
            if isinstance(item, Disc):
                assert item.x - item.radius >= -1 and item.x + item.radius <= drawing.width + 1, (name, item)
                assert item.y - item.radius >= -1 and item.y + item.radius <= drawing.height, (name, item)


@pytest.mark.parametrize("width", [85, 180])
def test_labels_do_not_cover_each_other(charts, width):
    for name, figure in charts.items():
        labels = [item for item in chart_drawing(figure, points(width)).items if isinstance(item, Label)]
        spots = []
        for item in labels:
            across = text_width(item.text, item.size)
            left = item.x - {"start": 0, "middle": 0.5, "end": 1}[item.anchor] * across
            spots.append((left, item.y - 0.7 * item.size, left + across, item.y + 0.1 * item.size, item.text))
        for one, other in itertools.combinations(spots, 2):
            apart = one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1]
            assert apart, (name, one, other)


def discs(drawing: Drawing):
    return [item for item in drawing.items if isinstance(item, Disc)]


def test_points_lie_where_the_axes_say():
    figure = go.Figure(go.Scatter(x=[0, 5, 10], y=[0, 2, 1], mode="markers", marker={"size": 8, "color": "#112233"}))
    figure.update_xaxes(range=[0, 10])
    figure.update_yaxes(range=[0, 4])
    first, second, third = discs(chart_drawing(figure, 300))
    assert second.x == pytest.approx((first.x + third.x) / 2)
    assert first.y - second.y == pytest.approx(2 * (first.y - third.y))
    assert {of.fill for of in (first, second, third)} == {"#112233"}


def test_intervals_have_their_ends():
    figure = go.Figure()
    figure.add_scatter(
        x=[0.4, 0.6], y=["trees", "a <b>"], mode="markers", marker={"color": "#000000"},
        error_x={"array": [0.1, 0.2], "arrayminus": [0.2, 0.0], "color": "#FF0000"},
    )  # fmt: skip
    figure.update_xaxes(range=[0, 1])
    drawing = chart_drawing(figure, 400)
    lines = [item for item in drawing.items if isinstance(item, Line) and item.stroke == "#FF0000"]
    left, right = discs(drawing)
    unit = (right.x - left.x) / 0.2
    assert lines[0].x1 == pytest.approx(left.x - 0.2 * unit) and lines[0].x2 == pytest.approx(left.x + 0.1 * unit)
    assert lines[1].x1 == pytest.approx(right.x) and lines[1].x2 == pytest.approx(right.x + 0.2 * unit)


def test_lines_are_told_apart_without_colours():
    drawing = chart_drawing(curves(), points(85))
    lines = [item for item in drawing.items if isinstance(item, Polyline)]
    assert len(lines) == len(METHODS)
    assert len({(item.width, item.dash) for item in lines}) == len(METHODS)
    keys = [item for item in drawing.items if isinstance(item, Line) and item.x2 - item.x1 == 15]
    assert [(item.stroke, item.dash) for item in keys] == [(item.stroke, item.dash) for item in lines]


def test_a_gap_in_a_line_stays_a_gap():
    figure = go.Figure(go.Scatter(x=[0, 1, None, 2, 3], y=[0, 1, None, 1, 0], mode="lines", line={"color": "#000"}))
    assert [len(item.points) for item in chart_drawing(figure, 200).items if isinstance(item, Polyline)] == [2, 2]


def test_bars_start_at_0_and_are_as_high_as_their_numbers():
    figure = votes_figure(np.array([3, 4, 4, 6, 6, 6]), 1, 10, [])
    bars = [item for item in chart_drawing(figure, 300).items if isinstance(item, Box)]
    assert [bar.height / bars[0].height for bar in bars] == pytest.approx([1, 2, 3])
    assert len({round(bar.y + bar.height, 6) for bar in bars}) == 1


def test_signs_are_kept_in_numbers():
    figure = go.Figure(go.Scatter(x=[-1, 0, 1], y=[-0.02, 0, 0.02], mode="markers", marker={"color": "#000000"}))
    texts = [item.text for item in chart_drawing(figure, 300).items if isinstance(item, Label)]
    assert {"−1.0", "0", "1.0", "−0.02", "0.02"} <= set(texts)
    assert not [text for text in texts if "-" in text]


def test_markup_of_plotly_becomes_text():
    assert plain_text("<b>What</b> 1 &lt; 2<br>&#123;x}") == "What 1 < 2\n{x}"
    assert (
        solid("rgba(0, 0, 0, 0)") == "" and solid("rgba(0, 0, 0, 0.5)") == "#808080" and solid("#008000") == "#008000"
    )


def test_what_cannot_be_drawn_is_refused():
    with pytest.raises(ValueError, match="heatmap"):
        chart_drawing(go.Figure(go.Heatmap(z=[[1, 2]])), 200)
    with pytest.raises(ValueError, match="star"):
        mark((0, 0), "star", 5, "#000000")
