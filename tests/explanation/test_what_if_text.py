"""Edits survive their way through an address, and nothing else passes for one."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from siam.explanation.what_if import Erase, Misread, Move, Paint, Scale, edited_maps, edits_text, read_edits

NAMES = ("trees", "still_water", "wire")
SHAPE = (5, 7)

cells = st.frozensets(st.tuples(st.integers(0, SHAPE[0] - 1), st.integers(0, SHAPE[1] - 1)))
attributes = st.integers(0, len(NAMES) - 1)
amounts = st.integers(0, 200).map(lambda hundredths: hundredths / 100)
edits = st.lists(
    st.one_of(
        st.builds(Scale, attributes, amounts),
        st.builds(Erase, attributes, cells),
        st.builds(Paint, attributes, cells, amounts),
        st.builds(Move, attributes, st.integers(-9, 9), st.integers(-9, 9)),
        st.builds(Misread, attributes, attributes),
    ),
    max_size=6,
)


@given(edits)
def test_there_and_back(made):
    assert read_edits(edits_text(made, NAMES, SHAPE), NAMES, SHAPE) == made


def test_the_text_of_the_documentation():
    made = [Scale(0, 0.5), Erase(2, frozenset({(0, 0), (4, 6)})), Misread(1, 0)]
    assert edits_text(made, NAMES, SHAPE) == "trees:scale:0.5,wire:erase:400000001,still_water:misread:trees"


@pytest.mark.parametrize(
    "text",
    [
        "oak:scale:1", "trees:scale:3", "trees:scale:-1", "trees:scale:nan", "trees:scale", "trees", "trees:paint:1:1",
        "trees:erase:fffffffff", "trees:erase:zzzzzzzzz", "trees:erase:-00000001", "trees:misread:oak",
        "trees:move:1", "trees:move:x:1", "trees:paint:000000001:inf", "trees:paint:000000001:1e308", "trees:grow:1",
    ],
)  # fmt: skip
def test_what_is_no_edit_is_refused(text):
    with pytest.raises(ValueError, match="is not an edit"):
        read_edits(text, NAMES, SHAPE)


@given(st.text(alphabet="trewi:,0123456789abcdefpscaln.-_", max_size=40))
def test_whatever_is_read_can_be_applied(text):
    """Nothing that somebody puts into an address costs more than a sentence."""
    try:
        found = read_edits(text, NAMES, SHAPE)
    except ValueError:
        return
    assert edited_maps(np.ones((3, *SHAPE)), found).shape == (3, *SHAPE)
