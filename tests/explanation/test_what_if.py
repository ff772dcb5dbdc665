"""Edits against the network's own last layer, and the promises of What-if."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

import siam
from siam.explanation import what_if
from siam.explanation.what_if import Erase, Misread, Move, Paint, Scale
from siam.models.checkpoint import Pair
from tests.support.networks import baseline_network, siam_network

K = 5


@pytest.fixture(scope="module")
def network():
    network = siam_network(attributes=K)
    torch.nn.init.normal_(network.attribute_layer.weight, std=20.0)
    torch.nn.init.uniform_(network.attribute_layer.bias, 0.1, 0.6)
    return network


@pytest.fixture(scope="module")
def explanation(network):
    pixels = np.random.default_rng(3).integers(0, 256, (150, 220, 3), dtype=np.uint8)
    found = siam.explain(Pair("tiny", network, baseline_network(), {}), Image.fromarray(pixels))
    assert np.abs(found.contributions).min() > 1e-4  # every attribute can move the score
    return found


def cells(explanation):
    height, width = explanation.attribute_maps.shape[1:]
    return st.frozensets(st.tuples(st.integers(0, height - 1), st.integers(0, width - 1)), max_size=6)


def edits(explanation):
    which = st.integers(0, K - 1)
    return st.lists(
        st.one_of(
            st.builds(Scale, which, st.floats(0, 2)),
            st.builds(Erase, which, cells(explanation)),
            st.builds(Paint, which, cells(explanation), st.floats(0, 3)),
            st.builds(Move, which, st.integers(-8, 8), st.integers(-8, 8)),
            st.builds(Misread, which, which),
        ),
        max_size=6,
    )


def slowly(maps, edit):
    """One edit, cell by cell."""
    maps = maps.copy()
    height, width = maps.shape[1:]
    before = maps.copy()
    for row in range(height):
        for column in range(width):
            k = edit.attribute
            if isinstance(edit, Scale):
                maps[k, row, column] = before[k, row, column] * edit.factor
            elif isinstance(edit, Erase) and (row, column) in edit.cells:
                maps[k, row, column] = 0
            elif isinstance(edit, Paint) and (row, column) in edit.cells:
                maps[k, row, column] = max(before[k, row, column], edit.value)
            elif isinstance(edit, Move):
                from_row, from_column = row - edit.down, column - edit.right
                inside = 0 <= from_row < height and 0 <= from_column < width
                maps[k, row, column] = before[k, from_row, from_column] if inside else 0
            elif isinstance(edit, Misread) and edit.meant != k:
                maps[edit.meant, row, column] = before[edit.meant, row, column] + before[k, row, column]
                maps[k, row, column] = 0
    return maps


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_the_score_is_that_of_the_network_on_the_edited_maps(network, explanation, data):
    chosen = data.draw(edits(explanation))
    maps = explanation.attribute_maps.astype(float)
    for edit in chosen:
        maps = slowly(maps, edit)
    with torch.no_grad():
        head = network.scenicness_head
        answer = float(head.bias + head(torch.from_numpy(maps)[None].float()).sum())
    after = what_if.apply(explanation, chosen)
    assert after.attribute_maps == pytest.approx(maps)
    assert after.scenicness == pytest.approx(answer, rel=1e-4, abs=1e-3)
    assert after.scenicness == pytest.approx(after.bias + after.contributions.sum())
    assert after.total_map.sum() == pytest.approx(after.contributions.sum())
    taken = what_if.steps(explanation, chosen)
    assert explanation.scenicness + sum(step.change for step in taken) == pytest.approx(after.scenicness, abs=1e-4)
    assert after.baseline_scenicness == explanation.baseline_scenicness


def test_no_edit_changes_nothing(explanation):
    after = what_if.apply(explanation, [])
    assert after.scenicness == pytest.approx(explanation.scenicness, abs=1e-5)
    assert after.contributions == pytest.approx(explanation.contributions, abs=1e-5)
    assert what_if.steps(explanation, []) == []


@settings(max_examples=100, deadline=None)
@given(share=st.floats(-0.2, 1.2))
def test_a_score_in_reach_is_reached_and_no_other(explanation, share):
    ends = what_if.edits_to_reach(explanation, explanation.scenicness)
    target = ends.lowest + share * (ends.highest - ends.lowest)
    found = what_if.edits_to_reach(explanation, target)
    after = what_if.score(explanation, found.edits)
    assert after == pytest.approx(found.score, abs=1e-4)
    assert found.reached == (ends.lowest - 1e-6 <= target <= ends.highest + 1e-6)
    assert after == pytest.approx(np.clip(target, ends.lowest, ends.highest), abs=1e-4)
    assert all(0 <= edit.factor <= 2 for edit in found.edits)


def test_fewer_edits_do_not_reach_it(explanation):
    contributions = explanation.contributions
    gains = np.sort(np.maximum(contributions, -contributions))[::-1]
    target = explanation.bias + contributions.sum() + gains[0] + gains[1] / 2
    assert len(what_if.edits_to_reach(explanation, target).edits) == 2  # the best single edit brings gains[0] only


def test_edits_are_described_in_words(explanation):
    names = [name.replace("_", " ") for name in explanation.attributes]
    assert what_if.edit_text(explanation, Scale(0, 1.5)) == f"{names[0]} × 1.50"
    assert what_if.edit_text(explanation, Scale(0, 0.0)) == f"{names[0]} removed"
    assert what_if.edit_text(explanation, Erase(1, frozenset({(0, 0)}))) == f"{names[1]} erased in the upper left"
    assert what_if.edit_text(explanation, Move(1, -2, 1)) == f"{names[1]} moved 2 up and 1 right"
    assert what_if.edit_text(explanation, Misread(1, 2)) == f"{names[1]} relabelled as {names[2]}"


@pytest.mark.parametrize(
    "edit",
    [Scale(0, 2.5), Scale(0, -0.1), Scale(K, 1.0), Paint(0, frozenset({(99, 0)}), 1.0), Paint(0, frozenset(), -1.0),
     Paint(0, frozenset(), float("nan")), Erase(0, frozenset({(0, -1)})), Misread(0, K)],
)  # fmt: skip
def test_edits_that_cannot_be_are_refused(explanation, edit):
    with pytest.raises(ValueError, match=type(edit).__name__):
        what_if.apply(explanation, [edit])


@pytest.mark.parametrize("link", ["tanh", "sigmoid"])
def test_presence_follows_the_edited_maps(link):
    network = siam_network(attributes=K, attribute_link=link)
    torch.nn.init.normal_(network.attribute_layer.weight, std=20.0)
    pixels = np.random.default_rng(4).integers(0, 256, (150, 220, 3), dtype=np.uint8)
    before = siam.explain(Pair("tiny", network, baseline_network(), {}), Image.fromarray(pixels))
    assert what_if.apply(before, []).attribute_scores == pytest.approx(before.attribute_scores, abs=1e-6)
    after = what_if.apply(before, [Scale(0, 0.5), Move(1, 1, 0), Misread(2, 3)])
    means = torch.from_numpy(after.attribute_maps).mean(dim=(1, 2))
    assert after.attribute_scores == pytest.approx((means.tanh() if link == "tanh" else means.sigmoid()).numpy())
    assert after.attribute_scores[4] == pytest.approx(before.attribute_scores[4], abs=1e-6)
