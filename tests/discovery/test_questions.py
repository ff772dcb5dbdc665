"""Which photos somebody is asked about: a candidate gets its examples in a dozen answers, also where few show it."""

import numpy as np
import pytest

from siam.discovery.candidates import Candidate, Discovery, Gain
from siam.discovery.cells import Cells
from siam.discovery.naming import ENOUGH, Questions, too_few
from siam.taste.maps import Maps

N, SIDE = 200, 7


def found(shows):
    """Photos of noise, of which some show something: there, the candidate's amount tends to be larger."""
    random = np.random.default_rng(0)
    maps = (0.3 * random.random((N, SIDE, SIDE)) + 0.15 * shows[:, None, None]).astype(np.float16)
    features = random.normal(size=(N, SIDE, SIDE, 16)).astype(np.float16)
    names = tuple(f"{row}.jpg" for row in range(N))
    cells = Cells(
        Maps(names, ("",) * N, np.zeros((N, 2, 4, 4), dtype=np.float16)),
        features,
        features,
        np.zeros((N, SIDE, SIDE, 4), dtype=np.float16),
    )
    gain, nobody = Gain(0, 0, 0), np.zeros(N)
    amount = maps.mean(axis=(1, 2), dtype=float)
    candidate = Candidate("pattern 1", maps, amount, 0.1, 1, gain, gain, maps[0], (), ())
    return Discovery((candidate,), np.arange(N), cells, nobody, nobody, True, 0, 0), candidate


@pytest.mark.parametrize("share", [0.05, 0.5, 0.95])
def test_a_dozen_answers_are_enough_also_where_few_photos_show_it_or_few_do_not(share):
    shows = np.random.default_rng(1).random(N) < share
    questions, said = Questions(*found(shows)), {}
    for _answer in range(ENOUGH):
        place = questions.next(said)
        assert place is not None and place not in said
        said[place] = bool(shows[place])
    assert too_few(said) is None


def test_photos_about_which_nobody_could_tell_are_not_asked_about_again():
    questions, said = Questions(*found(np.arange(N) < 20)), {}
    for _answer in range(N):
        said[questions.next(said)] = None
    assert len(said) == N and questions.next(said) is None
