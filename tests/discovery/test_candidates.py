"""A hidden cause is met, where it is and with its sign; neither what attributes tell nor noise is believed."""

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.stats import kendalltau
from sklearn.decomposition import NMF
from sklearn.linear_model import Ridge

from siam.discovery import directions
from siam.discovery.candidates import Scores, discover
from siam.errors import DatasetError
from siam.runtime.jobs import CancelledError
from tests.discovery.made import ATTRIBUTES, CHANNELS, world


@pytest.fixture(scope="module")
def met():
    cells, scores, amount, where = world()
    return discover(cells, scores, ATTRIBUTES), amount, where


def test_the_hidden_cause_is_the_first_candidate(met):
    discovery, amount, where = met
    first = discovery.candidates[0]
    assert np.corrcoef(first.amount, amount)[0, 1] > 0.95
    assert first.points == pytest.approx(1.0, abs=0.15) and first.believable and first.stability > 0.9
    assert discovery.explained > 0.7 and first.rmse.low > 0
    inside, outside = first.maps[where > 0].mean(), first.maps[where == 0].mean()
    assert inside > 5 * outside
    assert len({of.name for of in discovery.candidates}) == len(discovery.candidates)


def test_a_cause_that_lowers_has_the_other_sign():
    cells, scores, amount, _where = world(effect=-0.8, seed=3)
    first = discover(cells, scores, ATTRIBUTES).candidates[0]
    assert np.corrcoef(first.amount, amount)[0, 1] > 0.95 and first.points < -0.6 and first.where.mean() < 0


def test_its_peak_is_where_it_is(met):
    discovery, amount, where = met
    first = discovery.candidates[0]
    for row in first.most(10):
        left, top, right, bottom = first.peak(row)
        assert 0 <= left < right <= 1 and 0 <= top < bottom <= 1
        ys, xs = np.nonzero(where[row])
        centre = (left + right) / 2 * 7, (top + bottom) / 2 * 7
        assert xs.min() - 1 <= centre[0] <= xs.max() + 2 and ys.min() - 1 <= centre[1] <= ys.max() + 2
    assert (
        set(first.least(5)).isdisjoint(first.most(5)) and amount[first.most(10)].min() > amount[first.least(10)].max()
    )


def test_noise_is_not_believed():
    believed, count = 0, 0
    for seed in range(2):
        cells, scores, _amount, _where = world(effect=0.0, seed=seed)
        found = discover(cells, scores, ATTRIBUTES, seed=seed)
        believed, count = believed + sum(of.believable for of in found.candidates), count + len(found.candidates)
        assert found.explained < 0.1
    assert believed <= 0.15 * count  # they are the best of some thirty, so more than the usual 2.5 %


def test_what_the_attributes_tell_is_no_candidate(met):
    discovery, *_rest = met
    means = discovery.cells.maps.means
    for first in discovery.candidates[:1]:
        assert max(abs(np.corrcoef(first.amount, of)[0, 1]) for of in means.T) < 0.3


def test_the_gain_is_that_of_a_slow_cross_validation(met):
    discovery, *_rest = met
    first, cells = discovery.candidates[0], discovery.cells
    maps = cells.maps.pooled.astype(float)
    known = np.concatenate([maps[:, :, :3].mean((2, 3)), maps[:, :, 3:].mean((2, 3)), maps.max((2, 3))], axis=1)
    learned = directions.learned(cells)
    amount = learned.maps(cells)[..., learned.names.index(first.name)].mean(axis=(1, 2))
    rest, added = discovery.target - discovery.siam, np.empty(len(amount))
    fold = np.random.default_rng(0).permutation(len(amount)) % 10
    for number in range(10):
        kept, out = fold != number, fold == number
        scaled = (known - known[kept].mean(0)) / known[kept].std(0)
        ridge = Ridge(0.4 * kept.sum()).fit(scaled[kept], amount[kept])
        left = amount - ridge.predict(scaled)
        left /= left[kept].std()
        slope = (left[kept] * (rest[kept] - rest[kept].mean())).mean() / 1.02
        added[out] = slope * left[out]
    gain = kendalltau(discovery.siam + added, discovery.target)[0] - kendalltau(discovery.siam, discovery.target)[0]
    assert first.tau.value == pytest.approx(gain, abs=2e-3)
    assert first.tau.low < first.tau.value < first.tau.high


def test_without_a_crowd_the_baseline_is_the_target():
    cells, scores, amount, _where = world()
    found = discover(cells, Scores(scores.siam, scores.baseline), ATTRIBUTES)
    assert not found.rated and np.array_equal(found.target, scores.baseline)
    assert np.corrcoef(found.candidates[0].amount, amount)[0, 1] > 0.95


@pytest.mark.parametrize("method", directions.METHODS)
def test_every_way_to_take_features_apart_gives_maps_of_every_photo(method):
    cells, *_rest = world(80)
    learned = directions.learned(cells, method, 8)
    maps = learned.maps(cells)
    assert maps.shape[:3] == (80, 7, 7) and np.isfinite(maps).all() and maps.shape[3] >= 8
    assert np.array_equal(maps, directions.learned(cells, method, 8).maps(cells))
    assert len(learned.names) == maps.shape[3] and np.array_equal(maps[..., -4:], cells.light)
    if method in ("patterns", "channels", "dictionary"):
        assert maps[..., :-4].min() >= 0


@pytest.mark.parametrize("method", ["patterns", "dictionary"])
def test_maps_are_those_of_slow_solvers(method):
    cells, *_rest = world(60)
    learned = directions.learned(cells, method, 6)
    x = cells.baseline.reshape(-1, CHANNELS).astype(float)
    maps = learned.maps(cells)[..., :6].reshape(len(x), 6).astype(float)
    parts = np.linalg.lstsq(maps, x, rcond=None)[0].clip(0)  # near those that were learned, which nobody is shown
    again = directions._codes(x.astype(np.float32), parts.astype(np.float32), 0.1)[:40]
    cost = lambda codes: 0.5 * np.square(x[:40] - codes @ parts).sum(axis=1) + 0.1 * codes.sum(axis=1)  # noqa: E731
    slow = np.array([_slow(row, parts) for row in x[:40]])
    assert cost(again) == pytest.approx(cost(slow), abs=1e-3)
    fit = NMF(6, init="nndsvda", max_iter=400, random_state=0).fit(x) if method == "patterns" else None
    if fit is not None:
        error = np.square(x - maps @ np.linalg.lstsq(maps, x, rcond=None)[0]).sum()
        assert error < 1.02 * fit.reconstruction_err_**2


def _slow(row, parts):
    def cost(code):
        rest = code @ parts - row
        return 0.5 * rest @ rest + 0.1 * code.sum(), parts @ rest + 0.1

    return minimize(cost, np.ones(len(parts)), jac=True, bounds=[(0, None)] * len(parts)).x


def test_a_dictionary_marks_fewer_cells():
    cells, *_rest = world(60)
    shares = []
    for method in ("patterns", "dictionary"):
        maps = directions.learned(cells, method, 6).maps(cells)[..., :6]
        shares.append((maps > 0).mean())
    assert shares[1] < shares[0]


def test_intervals_of_many_photos_are_those_of_all_but_from_fewer_draws(monkeypatch):
    cells, scores, *_rest = world(900)
    wide = discover(cells, scores, ATTRIBUTES, count=1).candidates[0]
    monkeypatch.setattr("siam.discovery.candidates._DRAWN", 300)
    quick = discover(cells, scores, ATTRIBUTES, count=1).candidates[0]
    for one, other in ((wide.tau, quick.tau), (wide.rmse, quick.rmse)):
        assert other.value == one.value and other.low < one.value < other.high
        assert other.high - other.low == pytest.approx(one.high - one.low, rel=0.25)


def test_an_unknown_way_is_refused():
    with pytest.raises(ValueError, match="expected one of patterns"):
        directions.learned(world(60)[0], "magic")


def test_too_few_photos_and_nothing_to_explain_are_said():
    cells, scores, *_rest = world(59)
    with pytest.raises(DatasetError, match="60 photos with maps and scores, not 59"):
        discover(cells, scores, ATTRIBUTES)
    cells, scores, *_rest = world(60)
    with pytest.raises(DatasetError, match="nothing to explain"):
        discover(cells, Scores(scores.siam, scores.siam + 1), ATTRIBUTES)


def test_work_tells_how_far_it_is_and_can_be_stopped():
    cells, scores, *_rest = world(60)
    told = []
    discover(cells, scores, ATTRIBUTES, progress=lambda share, _text: told.append(share))
    assert told == sorted(told) and told[0] == 0 and told[-1] == 1

    def stop(share, _text):
        if share > 0.5:
            raise CancelledError

    with pytest.raises(CancelledError):
        discover(cells, scores, ATTRIBUTES, progress=stop)
    assert sum(share < 0.3 for share in told) > 100  # so that a stop need not wait until all patterns are learned
