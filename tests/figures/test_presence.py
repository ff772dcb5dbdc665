"""Figure 3: dots and intervals are the figures' own, in their order."""

from dataclasses import replace

import numpy as np
import pytest

from siam.evaluation.figures import PresenceFigures
from siam.evaluation.presence import predicted_presence
from siam.figures.presence import presence_figure

NAMES = ["still_water", "never", "wire", "trees"]


@pytest.fixture(scope="module")
def presence():
    random = np.random.default_rng(0)
    scores = random.normal(4, 1, 40)
    values = scores[:, None] * [0.5, 0.0, -1.0, 0.0] + random.normal(size=(40, 4)) * [1.0, 0.0, 1.0, 1.0]
    return PresenceFigures.from_json(predicted_presence(values, scores, NAMES), "presence")


def test_dots_and_intervals_are_the_figures_in_their_order(presence):
    (dots,) = presence_figure(presence, "Predicted presence and beauty", "OASIS, photo").data
    assert list(dots.x) == sorted(dots.x)
    assert set(dots.y) == {"still water", "wire", "trees"}  # "never" has no τ
    for place, name in enumerate(dots.y):
        of = presence.attributes[name.replace(" ", "_")]
        assert dots.x[place] == of.kendall_tau
        ends = [dots.x[place] - dots.error_x.arrayminus[place], dots.x[place] + dots.error_x.array[place]]
        assert ends == pytest.approx(of.kendall_tau_interval)
        assert f"{of.mean_present:.2f}" in dots.customdata[place][0]


def test_it_says_what_it_shows_in_which_unit_and_where_from(presence):
    layout = presence_figure(presence, "Predicted presence and beauty", "OASIS, photo").layout
    assert layout.title.text == "Predicted presence and beauty"
    assert layout.title.subtitle.text == "40 photos · OASIS, photo"
    assert "τ" in layout.xaxis.title.text and "95 %" in layout.xaxis.title.text


def test_an_attribute_without_interval_has_a_dot_alone(presence):
    of = replace(presence.attributes["wire"], kendall_tau_interval=None, mean_present=None)
    (dots,) = presence_figure(replace(presence, attributes={"wire": of}), "t", "s").data
    assert (list(dots.error_x.array), list(dots.error_x.arrayminus)) == ([0], [0])
    assert "where present" not in dots.customdata[0][0]
