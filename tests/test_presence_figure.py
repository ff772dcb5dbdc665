"""Figure 3: which attribute stands where, with what interval, and in which colour."""

import numpy as np
import pytest

from siam.drawing import sign_colour
from siam.presence import predicted_presence
from siam.presence_figure import presence_dots, presence_figure


def entry(tau, interval, present=2.0):
    return {
        "kendall_tau": tau,
        "kendall_tau_interval": interval,
        "mean_present": present,
        "mean_absent": 3.0,
        "present": 4,
        "absent": 5,
    }


FOUND = {
    "rule": "made up",
    "n": 9,
    "attributes": {
        "still_water": entry(0.1, [-0.2, 0.4]),
        "metal": entry(-0.5, [-0.6, -0.3]),
        "hiking": entry(0.4, [0.2, 0.5], present=None),
        "wire": entry(None, None),
        "brick": entry(0.1, None),
    },
}


def test_dots_stand_in_the_order_of_tau_without_those_that_have_none():
    dots = presence_dots(FOUND)
    assert [dot.label for dot in dots] == ["hiking", "brick", "still water", "metal"]
    assert [(dot.tau, dot.low, dot.high) for dot in dots][1:3] == [(0.1, 0.1, 0.1), (0.1, -0.2, 0.4)]
    assert [dot.clear for dot in dots] == [True, True, False, True]
    assert "interval" not in dots[1].hover and "-0.20 to 0.40" in dots[2].hover
    assert "where present" not in dots[0].hover and "3.00 where absent (5 photos)" in dots[0].hover


def test_the_figure_shows_each_interval_and_its_sign():
    figure = presence_figure(FOUND, "Predicted by photo on made-up photos", "beauty, OASIS")
    *bars, points = figure.data
    assert list(points.x) == [0.4, 0.1, 0.1, -0.5]
    assert [list(bar.x) for bar in bars] == [[0.2, 0.5], [0.1, 0.1], [-0.2, 0.4], [-0.6, -0.3]]
    assert points.marker.color[0] == sign_colour(1) and points.marker.color[3] == sign_colour(-1)
    assert points.marker.color[2] not in (sign_colour(1), sign_colour(-1))
    low, high = figure.layout.xaxis.range
    assert low == -high and high >= 0.6
    assert figure.layout.yaxis.categoryarray[-1] == "hiking"  # the last category is drawn on top
    assert "9 photos" in figure.layout.title.text and "made-up" in figure.layout.title.text
    assert "tau" in figure.layout.xaxis.title.text and "beauty, OASIS" in figure.layout.xaxis.title.text


@pytest.mark.parametrize("photos", [30, 3])
def test_computed_presence_can_be_drawn(photos):
    random = np.random.default_rng(0)
    presence = random.random((photos, 3))
    presence[:, 2] = 0.5  # everywhere the same: no tau
    scores = presence[:, 0] + 0.01 * random.random(photos)
    figure = presence_figure(predicted_presence(presence, scores, ["trees", "dry", "road"]), "test", "points")
    assert figure.data[-1].y[0] == "trees"
    assert "road" not in figure.data[-1].y


def test_nothing_to_draw_is_an_empty_figure():
    figure = presence_figure({"rule": "none", "n": 0, "attributes": {}}, "test", "points")
    assert list(figure.layout.xaxis.range) == [-1, 1]
