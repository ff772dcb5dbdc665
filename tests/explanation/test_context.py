"""Causes made of several attributes: exact sums, few causes, edited maps, and their words."""

from dataclasses import replace

import numpy as np
import pytest

from siam.explanation.context import cell_presence, context_sentence, in_context, together_map
from siam.models.csib import CSIB
from tests.support.fakes import fake_explanation

EXPLANATION = fake_explanation(attributes=6)


def groups(rows, weights, **settings):
    """Return groups of the six attributes; each row maps a name, or "no name", to its share."""
    names = EXPLANATION.attributes
    members = [*names, *(f"no {name}" for name in names)]
    shares = np.array([[row.get(name, 0.0) for name in members] for row in rows])
    if not shares[:, len(names) :].any():
        shares = shares[:, : len(names)]
    return CSIB(names, shares, np.array(weights), 4.0, **settings)


CSIB_OF_SIX = groups(
    [{"hiking": 0.5, "clouds": 0.5}, {"trees": 1.0}, {"dry": 0.4, "trees": 0.3, "still_water": 0.2, "clouds": 0.1}],
    [3.0, -5.0, 1.0],
)


def test_causes_and_base_sum_to_the_score():
    context = in_context(CSIB_OF_SIX, EXPLANATION)
    assert context.base + sum(cause.value for cause in context.causes) == pytest.approx(context.score)
    assert context.score == pytest.approx(float(CSIB_OF_SIX.scores(EXPLANATION.attribute_scores)))
    values = [abs(cause.value) for cause in context.causes]
    assert values == sorted(values, reverse=True)
    for number in (1, 2, 3):
        expected = context.base + sum(cause.value for cause in context.causes[:number])
        assert context.score_with(number) == pytest.approx(expected)
    assert context.score_with(None) == context.score_with(8) == context.score
    with pytest.raises(ValueError, match="1 to 8"):
        context.score_with(9)


def test_a_map_shows_where_the_members_are_at_once():
    presence = np.tanh(EXPLANATION.attribute_maps)
    names = EXPLANATION.attributes
    hiking, clouds = presence[names.index("hiking")], presence[names.index("clouds")]
    expected = np.sqrt((hiking + 0.001) * (clouds + 0.001)) - 0.001
    assert together_map(CSIB_OF_SIX, EXPLANATION, 0) == pytest.approx(expected, abs=1e-6)
    assert together_map(CSIB_OF_SIX, EXPLANATION, 1) == pytest.approx(presence[names.index("trees")], abs=1e-6)


def test_in_the_spatial_variant_members_must_meet():
    spatial = replace(CSIB_OF_SIX, weights=np.ones((3, 2, 2)))
    maps = np.zeros_like(EXPLANATION.attribute_maps)
    maps[0, :4], maps[1, -4:] = 1, 1  # hiking at the top, clouds at the bottom
    apart = in_context(spatial, replace(EXPLANATION, attribute_maps=maps))
    maps = maps.copy()
    maps[1] = maps[0]
    together = in_context(spatial, replace(EXPLANATION, attribute_maps=maps))
    value = {name: next(of.value for of in context.causes if of.group == 0) for name, context in
             {"apart": apart, "together": together}.items()}  # fmt: skip
    assert value["together"] > 5 * value["apart"]
    assert cell_presence(maps, 2).shape == (6, 2, 2)


def test_a_title_names_up_to_three_members_and_absences():
    csib = groups(
        [{"dry": 0.4, "trees": 0.3, "no clouds": 0.3}, {"trees": 0.3, "dry": 0.3, "hiking": 0.2, "clouds": 0.2}], [1, 2]
    )
    titles = {cause.group: cause.title for cause in in_context(csib, EXPLANATION).causes}
    assert titles[0] in ("dry with trees and no clouds", "dry with no clouds and trees")
    assert titles[1].endswith("and 1 more")
    assert in_context(CSIB_OF_SIX, EXPLANATION).causes[0].title in ("trees", "hiking with clouds")


def test_the_sentence_tells_the_causes_and_what_few_of_them_make():
    context = in_context(CSIB_OF_SIX, EXPLANATION)
    text = context_sentence(context)
    assert text.startswith("With context ")
    for cause in context.causes:
        if abs(cause.value) >= 0.005:
            assert cause.title in text
    assert "lowered by trees (−" in text
    one = context_sentence(context, 1)
    assert "With its largest cause alone, the score would be" in one
    assert f"{context.score_with(1):.2f}" in one
    assert "1 other" in context_sentence(context, count=2)


def test_other_attributes_are_refused():
    with pytest.raises(ValueError, match="33 or others"):
        in_context(CSIB_OF_SIX, fake_explanation())
