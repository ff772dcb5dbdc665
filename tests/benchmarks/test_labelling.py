"""The simulation of a person who labels: figures are those of what was found."""

import numpy as np
import pytest

from benchmarks import labelling
from tests.labelling.made import known


def test_a_person_answers_in_both_orders(monkeypatch):
    monkeypatch.setattr(labelling, "COUNTS", (10, 20, 60))
    features, shown = known(200)
    found = labelling.Found()
    labelling.simulate(found, features, "hedge", shown, 0)
    for order in labelling.ORDERS:
        assert [len(of) for of in found.reached[order].values()] == [1, 1, 1]
        assert found.reached[order][60][0] > np.mean(list(shown.values()))
        assert len(found.said[order][60]) == len(found.inside[order][60]) == 1
    assert len(found.seconds) == 3


def test_the_share_of_answers_is_read_off_the_curves(monkeypatch, capsys):
    """This order is always where the drawn one is with twice as many answers."""
    found = labelling.Found(seconds=[0.1])
    for count in labelling.COUNTS:
        found.reached["this order"][count] = [np.log(2 * count) / 10 + shift for shift in (-0.1, 0.1)]
        found.reached["drawn order"][count] = [np.log(count) / 10]
    shares = labelling.needed(found)
    assert [shares[count] for count in (20, 30, 40, 60, 80)] == pytest.approx([0.5] * 5, abs=0.01)
    figures = labelling.summary(found)
    assert figures["simulations"] == 2 and figures["needed"]["60"] == pytest.approx(0.5, abs=0.01)
    assert figures["orders"]["drawn order"]["10"]["average_precision"] == pytest.approx(np.log(10) / 10, abs=1e-3)
    assert figures["orders"]["this order"]["10"]["said_minus_that"] is None
    labelling.show(figures)
    assert "a round: 0.10 s (median), at most 0.10 s" in capsys.readouterr().out
