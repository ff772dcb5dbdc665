"""Figures of agreement and comparisons are those of the textbooks."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from scipy.optimize import minimize

from siam.datasets.folder import read
from siam.errors import DatasetError
from siam.taste.agreement import agreement, bradley_terry, icc, kendall_w, means_csv, table
from siam.taste.ratings import Answer

SHROUT_FLEISS = np.array(  # of 1979, table 2: 6 targets, 4 judges
    [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]], dtype=float
)
TABLES = st.integers(3, 6).flatmap(
    lambda n: st.integers(2, 4).flatmap(
        lambda k: st.lists(st.lists(st.integers(1, 7), min_size=k, max_size=k), min_size=n, max_size=n)
    )
)


def test_icc_of_shrout_and_fleiss():
    assert icc(SHROUT_FLEISS) == pytest.approx((0.29, 0.62), abs=0.005)


def test_kendalls_w_of_a_worked_example():
    """Three raters' ranks of four photos: sums 4, 5, 10, 11 around 7.5, so S = 37 and W = 12 · 37 / (9 · 60)."""
    ranks = np.array([[1, 1, 2], [2, 2, 1], [3, 3, 4], [4, 4, 3]], dtype=float)
    assert kendall_w(ranks) == pytest.approx(12 * 37 / (9 * 60))


def slow_w(ratings):
    """Return W by the formula of the module, rater by rater."""
    n, m = ratings.shape
    sums, ties = [0.0] * n, 0.0
    for rater in ratings.T:
        for place, value in enumerate(rater):
            below, equal = sum(other < value for other in rater), sum(other == value for other in rater)
            sums[place] += below + (equal + 1) / 2
        for value in set(rater):
            t = sum(other == value for other in rater)
            ties += t**3 - t
    s = sum((total - sum(sums) / n) ** 2 for total in sums)
    below = m**2 * (n**3 - n) - m * ties
    return 12 * s / below if below > 0 else float("nan")


def slow_icc(ratings):
    """Return ICC(2,1) and ICC(2,k) from the sums of squares of a two-way analysis of variance."""
    n, k = ratings.shape
    grand = sum(map(sum, ratings)) / (n * k)
    rows, columns = [sum(row) / k for row in ratings], [sum(column) / n for column in ratings.T]
    between = sum(k * (row - grand) ** 2 for row in rows) / (n - 1)
    raters = sum(n * (column - grand) ** 2 for column in columns) / (k - 1)
    error = sum((ratings[i, j] - rows[i] - columns[j] + grand) ** 2 for i in range(n) for j in range(k))
    error /= (n - 1) * (k - 1)
    one, mean = between + (k - 1) * error + k * (raters - error) / n, between + (raters - error) / n
    return tuple((between - error) / of if of > 1e-9 else float("nan") for of in (one, mean))


@settings(deadline=None)
@given(rows=TABLES)
def test_figures_are_those_of_the_formulas(rows):
    ratings = np.array(rows, dtype=float)
    assert kendall_w(ratings) == pytest.approx(slow_w(ratings), nan_ok=True)
    assert icc(ratings) == pytest.approx(slow_icc(ratings), nan_ok=True, abs=1e-9)


def test_agreement_knows_its_ends():
    rng = np.random.default_rng(0)
    truth = rng.permutation(30).astype(float)
    same = agreement(np.column_stack([truth] * 3))
    assert (same.kendall_w, same.icc_one, same.icc_mean) == pytest.approx((1, 1, 1))
    shifted = agreement(np.column_stack([truth, truth + 3]))
    assert shifted.kendall_w == pytest.approx(1) and shifted.icc_one < 1
    chance = agreement(rng.integers(1, 8, (200, 4)).astype(float))
    assert chance.icc_one_interval[0] < 0.05 and abs(chance.icc_one) < 0.1
    noisy = agreement(truth[:, None] + rng.normal(0, 8, (30, 4)))
    for value, (low, high) in (
        (noisy.kendall_w, noisy.kendall_w_interval),
        (noisy.icc_one, noisy.icc_one_interval),
        (noisy.icc_mean, noisy.icc_mean_interval),
    ):
        assert low < value < high
    assert noisy.icc_one < noisy.icc_mean


def test_photos_that_not_all_rated_are_left_out_and_counted():
    some = np.vstack([SHROUT_FLEISS, [[1, np.nan, 3, 4]]])
    found = agreement(some)
    assert (found.raters, found.photos, found.left_out) == (4, 6, 1)
    assert found.icc_one == pytest.approx(icc(SHROUT_FLEISS)[0])


@pytest.mark.parametrize(
    "ratings, message",
    [
        (SHROUT_FLEISS[:, :1], "ratings of two people"),
        (SHROUT_FLEISS[:2], "2 photos were rated by all 4 people; agreement needs 3"),
        (np.full((5, 2), np.nan), "0 photos were rated by all 2 people"),
    ],
)
def test_too_little_for_agreement_is_refused(ratings, message):
    with pytest.raises(DatasetError, match=message):
        agreement(ratings)


def test_ratings_become_a_table():
    given_ = [
        Answer("a", "rating", "lake", value=5), Answer("b", "rating", "road", value=2),
        Answer("a", "rating", "lake", value=6, repeat=True), Answer("a", "skip", "road"),
        Answer("b", "rating", "lake", value=7), Answer("b", "pair", "lake", other="road", value=1),
    ]  # fmt: skip
    photos, raters, ratings = table(given_)
    assert photos == ("lake", "road") and raters == ("a", "b")
    assert ratings == pytest.approx(np.array([[5.5, 7], [np.nan, 2]]), nan_ok=True)


def comparisons(strengths, count, seed):
    """Return comparisons of photos whose log p is known."""
    random = np.random.default_rng(seed)
    found = []
    for _number in range(count):
        first, second = random.choice(len(strengths), 2, replace=False)
        wins = random.random() < 1 / (1 + np.exp(strengths[second] - strengths[first]))
        found.append(Answer("a", "pair", str(first), other=str(second), value=1 if wins else 2))
    return found


@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 1000), count=st.integers(0, 60), prior=st.floats(0.2, 2))
def test_bradley_terry_is_maximum_likelihood(seed, count, prior):
    photos = [str(number) for number in range(6)]
    answers = comparisons(np.random.default_rng(seed).normal(0, 1, 6), count, seed)

    def unlikely(scores):
        total = 0.0
        for answer in answers:
            won, lost = (answer.photo, answer.other) if answer.value == 1 else (answer.other, answer.photo)
            total += np.logaddexp(0, scores[int(lost)] - scores[int(won)])
        return total + prior * (np.logaddexp(0, scores) + np.logaddexp(0, -scores)).sum()

    best = minimize(unlikely, np.zeros(6), method="BFGS", options={"gtol": 1e-9}).x
    assert bradley_terry(photos, answers, prior) == pytest.approx(best - best.mean(), abs=1e-4)


def test_many_comparisons_find_the_order():
    strengths = np.linspace(-2, 2, 8)
    found = bradley_terry([str(number) for number in range(8)], comparisons(strengths, 4000, 0))
    assert found == pytest.approx(strengths, abs=0.25)


def test_a_photo_that_always_won_has_a_finite_score():
    answers = [Answer("a", "pair", "x", other="y", value=1), Answer("a", "pair", "elsewhere", other="y", value=1)]
    found = bradley_terry(["x", "y", "z"], answers)
    assert np.isfinite(found).all() and found[0] > found[2] > found[1] and found.sum() == pytest.approx(0)
    assert bradley_terry([], []).shape == (0,)
    with pytest.raises(ValueError, match="expected a positive number"):
        bradley_terry(["x"], [], prior=0)


def test_means_are_ratings_that_training_reads(tmp_path):
    for name in ("lake.jpg", "road.jpg"):
        Image.new("RGB", (40, 40)).save(tmp_path / name)
    answers = [Answer("a", "rating", "lake.jpg", value=5), Answer("b", "rating", "lake.jpg", value=7),
               Answer("a", "skip", "road.jpg"), Answer("b", "rating", "road.jpg", value=2)]  # fmt: skip
    (tmp_path / "ratings.csv").write_bytes(means_csv(answers))
    rated = read(tmp_path)
    assert dict(zip((path.name for path in rated.files), rated.scores, strict=True)) == {"lake.jpg": 6, "road.jpg": 2}
    assert (
        (rated.known_scale().low, rated.known_scale().high) == (1, 7)
        and rated.votes is not None
        and rated.votes.tolist() == [2, 1]
    )
