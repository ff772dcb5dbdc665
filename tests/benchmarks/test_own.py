"""The measurement of pairs on fifty photos: draws are as described, and the figures are means over draws."""

import numpy as np
import pytest

from benchmarks import own
from siam.evaluation import stored


def test_a_draw_has_fifty_photos_of_each_kind_and_at_least_ten_with_each_word():
    labels = (np.random.default_rng(0).random((200, len(own.WORDS))) < 0.15).astype(float)
    for seed in range(20):
        words, labelled, rated = own.drawn(labels, 141, seed)
        assert len(set(words)) == own.CHOSEN
        assert labelled.shape == (200,) and labelled.sum() == own.PHOTOS
        assert rated.shape == (141,) and rated.sum() == own.PHOTOS
        assert (labels[labelled][:, words] > 0.5).sum(axis=0).min() >= own.SHOWING
    again = own.drawn(labels, 141, 0), own.drawn(labels, 141, 0)
    assert all(np.array_equal(one, other) for one, other in zip(*again, strict=True))


def test_figures_are_means_over_draws_with_the_difference_of_pairs():
    draws = [
        {"average precision": [0.6 + shift, 0.5 + shift], "tau": [0.4, 0.6], "rmse": [1.0 - shift, 0.8]}
        for shift in (-0.1, 0.0, 0.1)
    ]
    figures = own.summary(draws)
    assert figures["average precision"]["SIAM"][0] == pytest.approx(0.6)
    assert figures["average precision"]["logistic regression"][0] == pytest.approx(0.5)
    assert figures["average precision"]["difference"] == pytest.approx([0.1, 0.1, 0.1])  # the same in every draw
    assert figures["tau"]["difference"] == pytest.approx([-0.2, -0.2, -0.2])
    low, high = figures["rmse"]["SIAM"][1:]
    assert 0.9 <= low < 1.0 < high <= 1.1


def test_it_is_no_result_of_an_evaluation(tmp_path):
    (tmp_path / stored.OWN).write_text("{}")
    assert stored.paths(tmp_path) == []
