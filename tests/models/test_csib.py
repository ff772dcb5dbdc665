"""Groups of attributes that count together: the formula, its properties, and its file."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import load_file, save_file

from siam.errors import CheckpointError
from siam.models.card import CARD
from siam.models.checkpoint import Pair, files, load, save
from siam.models.csib import CSIB, FILE, keep, read, strongest
from siam.models.identity import identity
from tests.support.networks import baseline_network, siam_network

NAMES = ("snow", "mountains", "road")


def groups_of(count=4, attributes=3, negations=False, grid=None, seed=0, **settings):
    random = np.random.default_rng(seed)
    shares = random.dirichlet(np.full(attributes * (1 + negations), 0.5), count)
    weights = random.normal(size=(count,) if grid is None else (count, grid, grid))
    return CSIB(NAMES[:attributes], shares, weights, 4.2, **settings)


def slow_score(csib, presence):
    """The paper's formula for one photo, literally."""
    members = [*presence, *[1 - p for p in presence]] if csib.negations else list(presence)
    score = csib.base
    for shares, weight in zip(csib.groups, csib.weights, strict=True):
        product = 1.0
        for share, p in zip(shares, members, strict=True):
            product *= (p + 1e-3) ** share
        score += weight * (product - 1e-3)
    return score


@pytest.mark.parametrize("negations", [False, True])
def test_the_score_is_that_of_the_slow_formula(negations):
    csib = groups_of(negations=negations)
    presence = np.random.default_rng(1).random((6, 3))
    presence[0], presence[1] = 0, [0, 1, 0.5]
    assert csib.scores(presence) == pytest.approx([slow_score(csib, p) for p in presence], abs=1e-6)


def test_the_spatial_variant_is_that_formula_in_every_cell():
    csib = groups_of(grid=2)
    presence = np.random.default_rng(1).random((5, 3, 2, 2))
    expected = np.zeros(5)
    for i in range(2):
        for j in range(2):
            cell = replace(csib, weights=csib.weights[:, i, j], base=0.0)
            expected += cell.scores(presence[:, :, i, j]) / 4
    assert csib.scores(presence) == pytest.approx(csib.base + expected)
    assert csib.cell_contributions(presence).sum(axis=(2, 3)) == pytest.approx(csib.contributions(presence))


@given(st.lists(st.floats(0, 1), min_size=3, max_size=3), st.integers(0, 2))
def test_a_group_is_on_only_where_all_its_members_are(presence, absent):
    csib = CSIB(NAMES, np.full((1, 3), 1 / 3), np.ones(1))
    q = csib.activations(np.array(presence))[0]
    assert -1e-12 <= q <= max(presence) + 1e-12
    assert q >= min(presence) - 1e-9
    without = np.array(presence)
    without[absent] = 0
    assert csib.activations(without)[0] <= 0.1  # the cube root of 0.001
    assert csib.activations(np.zeros(3))[0] == pytest.approx(0, abs=1e-9)


@given(st.integers(0, 5), st.integers(0, 1000))
def test_few_causes_are_the_largest_and_all_add_up(causes, seed):
    csib = groups_of(seed=seed)
    presence = np.random.default_rng(seed).random(3)
    values = csib.contributions(presence)
    largest = sorted(values, key=abs, reverse=True)[:causes]
    assert csib.scores(presence, causes=causes) == pytest.approx(csib.base + sum(largest))
    assert csib.scores(presence) == pytest.approx(csib.base + values.sum())
    assert np.count_nonzero(strongest(values, causes)) <= causes


def test_a_linear_part_is_siams_score():
    csib = groups_of(linear=True)
    presence = np.random.default_rng(0).random((4, 3))
    siam = np.arange(4.0)
    assert csib.scores(presence, siam) - csib.scores(presence, 0 * siam) == pytest.approx(siam)
    with pytest.raises(ValueError, match="give that, too"):
        csib.scores(presence)


def test_members_are_named_the_largest_share_first():
    csib = CSIB(NAMES, np.array([[0.05, 0.35, 0.6, 0, 0, 0], [0, 0, 0.5, 0.5, 0, 0]]), np.ones(2))
    assert csib.members(0) == [(2, False, 0.6), (1, False, 0.35)]
    assert csib.members(1) == [(2, False, 0.5), (0, True, 0.5)]


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"groups": np.ones((2, 4)) / 4}, r"expected \(G, 3\) or \(G, 6\)"),
        ({"weights": np.ones((2, 3, 2))}, "expected .* or"),
        ({"groups": np.array([[1.5, -0.5, 0], [1, 0, 0]])}, "at least 0 and sum to 1"),
        ({"weights": np.array([1, np.nan])}, "NaN"),
    ],
)
def test_what_is_no_group_is_refused(wrong, words):
    right = {"groups": np.eye(3)[:2], "weights": np.ones(2)}
    with pytest.raises(ValueError, match=words):
        CSIB(NAMES, **{**right, **wrong})


def test_presence_of_other_attributes_is_refused():
    with pytest.raises(ValueError, match=r"expected \(..., 3\)"):
        groups_of().scores(np.zeros((2, 4)))


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """Return the folder of a tiny pair with groups."""
    folder = tmp_path_factory.mktemp("pair")
    network = siam_network(3)
    csib = CSIB(network.config.attributes, np.eye(3), np.array([1.0, -2.0, 0.5]), 4.0, False, {"n": 7})
    save(Pair("tiny", network, baseline_network(), {}, csib=csib), folder)
    return folder


def test_a_pair_keeps_its_groups(pair, tmp_path):
    loaded = load(pair, "cpu")
    assert loaded.csib is not None
    assert (loaded.csib.groups == np.eye(3)).all()
    assert loaded.csib.weights.tolist() == [1.0, -2.0, 0.5]
    assert (loaded.csib.base, loaded.csib.about) == (4.0, {"n": 7})
    assert FILE in files(loaded.card, pair)
    save(replace_csib(loaded, None), tmp_path)
    assert load(tmp_path, "cpu").csib is None
    save(loaded, tmp_path)
    save(replace_csib(loaded, None), tmp_path)  # nothing of an earlier pair stays
    assert not (tmp_path / FILE).exists()


def replace_csib(pair, csib):
    return Pair(pair.name, pair.siam, pair.baseline, pair.card, csib=csib)


def test_groups_change_what_a_pair_is_but_not_its_scores(pair):
    loaded = load(pair, "cpu")
    bare, other = replace_csib(loaded, None), replace_csib(loaded, replace(loaded.csib, base=5.0))
    assert len({identity(loaded), identity(bare), identity(other)}) == 3
    assert identity(bare, learnt=False) == identity(other, learnt=False)


def damaged(folder, tensors=None, **about):
    """Write the groups of a pair again, changed."""
    stored = load_file(folder / FILE) | (tensors or {})
    metadata = {"attributes": ["attribute_0", "attribute_1", "attribute_2"], "linear": False, "about": {}, **about}
    save_file(stored, folder / FILE, {"about": json.dumps(metadata)})


@pytest.mark.parametrize(
    ("tensors", "about", "words"),
    [
        ({}, {"attributes": ["a", "b", "c"]}, "is for 3 attributes"),
        ({}, {"linear": "yes"}, "malformed"),
        ({}, {"about": {"budgets": [1.0]}}, "figures is malformed"),
        ({}, {"about": {"causes": "two"}}, "figures is malformed"),
        ({}, {"about": {"figures": {"csib": 3}}}, "figures is malformed"),
        ({}, {"about": {"figures": {"csib": {"kendall_tau": 0.5}}, "n": 3, "folds": 2}}, "figures is malformed"),
        ({}, {"about": {"date": 20}}, "figures is malformed"),
        ({"groups": np.ones((3, 3), np.float32)}, {}, "sum to 1"),
        ({"weights": np.ones(2, np.float32)}, {}, "expected"),
        ({"base": np.ones(2, np.float32)}, {}, "malformed"),
    ],
)
def test_damaged_groups_are_refused_in_one_line(pair, tmp_path, tensors, about, words):
    for path in pair.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    damaged(tmp_path, tensors, **about)
    with pytest.raises(CheckpointError, match=words) as error:
        load(tmp_path, "cpu")
    assert "\n" not in str(error.value)
    assert FILE in str(error.value)


def test_a_file_that_is_none_is_refused(tmp_path):
    (tmp_path / FILE).write_bytes(b"no groups")
    with pytest.raises(CheckpointError, match="copy it again"):
        read(tmp_path, NAMES)
    keep(tmp_path, None)
    assert read(tmp_path, NAMES) is None
    assert not (tmp_path / CARD).exists()
