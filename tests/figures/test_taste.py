"""The chart of a taste shows the effects that `Taste.effects` returns, the largest of them, on both sides."""

import numpy as np
import pytest

from siam.figures.taste import effects_figure
from siam.reports.prints import chart_print
from siam.taste.personal import Design, fit
from tests.taste.made import crowd, maps, other_taste


@pytest.fixture(scope="module")
def found():
    photos = maps(60)
    rows = np.arange(40)
    return fit(Design(crowd(), photos), rows, other_taste().scores(photos)[rows]), photos


def test_points_are_the_effects_of_both(found):
    personal, photos = found
    figure = effects_figure(personal, photos, "me")
    of_crowd, mine = (trace for trace in figure.data if trace.mode == "markers")
    assert (of_crowd.name, mine.name) == ("the crowd", "me")
    for trace, taste in ((of_crowd, personal.crowd), (mine, personal.taste)):
        effects = {f"attribute {k}": value for k, value in enumerate(taste.effects(photos))}
        assert dict(zip(trace.y, trace.x, strict=True)) == pytest.approx(effects)
    assert list(mine.x) == sorted(mine.x)


def test_only_the_largest_are_shown_and_it_prints(found):
    personal, photos = found
    figure = effects_figure(personal, photos, count=2)
    yours, crowds = personal.taste.effects(photos), personal.crowd.effects(photos)
    largest = np.argsort(-np.maximum(np.abs(yours), np.abs(yours - crowds)))[:2]
    assert set(figure.data[-1].y) == {f"attribute {k}" for k in largest}
    assert chart_print("taste", figure).file(85, "pdf", "").startswith(b"%PDF")
