"""People's outlines in stored results: which result is shown, in which order, what stands beside."""

import dataclasses

import pytest

from siam.datasets.human_masks import HEADLINE
from siam.evaluation.stored import STORED, read_all
from siam.results import outlines, scores
from siam.results.assessment import outline_rows


@pytest.fixture(scope="module")
def results():
    return list(read_all(STORED).values())


def text(value, interval, _deviation):
    return f"{value:.3f}" + ("" if interval is None else " with interval")


def test_cross_validated_figures_come_first(results):
    result, masks = outlines.of_pair(results, "photo")
    crossed = dataclasses.replace(result, split="cross-validation; attributes: test")
    finished = dataclasses.replace(result, split="all")
    for order in ([finished, crossed], [crossed, finished]):
        assert outlines.of_pair(order, "photo") == (crossed, masks)
    assert outlines.taught(crossed) != outlines.taught(finished)
    assert outlines.of_pair(results, "rendered") is None


def test_rows_are_the_headline_and_its_mean_then_the_others_and_the_mean_of_all(results):
    _result, masks = outlines.of_pair(results, "photo")
    rows = [of for _name, of in outline_rows(masks)]
    means = [rows.index(masks), rows.index(masks.all)]
    first, others = rows[: means[0]], rows[means[0] + 1 : means[1]]
    assert len(first) == masks.attributes and len(rows) == masks.all.attributes + 2
    for part in (first, others):
        assert [of.pixel_ap for of in part] == sorted((of.pixel_ap for of in part), reverse=True)
    assert {name for name, of in masks.per_attribute.items() if of in first} == set(HEADLINE)


def test_the_table_has_the_figures_and_the_segmenter_s_beside(results):
    _result, masks = outlines.of_pair(results, "photo")
    segmenter = outlines.segmenter(results, "photo")
    (where,) = (of for result in results if result.model == "photo" for of in scores.precisions(result)
                if of.kind == "where")  # fmt: skip
    assert segmenter == where
    heads, rows = outlines.table(masks, segmenter, text)
    assert {len(row) for row in rows} == {len(heads) + 1}
    trees, other = masks.per_attribute["trees"], next(row for row in where.rows if row.attribute == "trees")
    (row,) = (row for row in rows if row[0] == "trees")
    assert row[1:3] == [str(trees.photos), f"{trees.pixel_ap:.3f} with interval"]
    assert row[-2:] == [f"{other.value:.3f}", f"{other.chance:.3f}"]
    alone, brief = outlines.table(masks, None, text, brief=True)
    assert len(alone) == len(heads) - 2
    narrow, short = outlines.table(masks, segmenter, text, brief=True)
    assert {len(row) for row in short} == {len(narrow) + 1} == {len(heads)}
    assert f"{other.value:.3f} / {other.chance:.3f}" in [row[-1] for row in short]
    assert sum("interval" in cell for row in brief for cell in row) == len(brief)


def test_the_chart_has_every_attribute_and_the_mean_of_the_headline(results):
    _result, masks = outlines.of_pair(results, "photo")
    found = outlines.as_precisions(masks, "human_masks")
    assert (found.mean, found.interval, found.chance) == (masks.pixel_ap, masks.pixel_ap_interval, masks.chance)
    assert sorted(row.value for row in found.rows) == sorted(of.pixel_ap for of in masks.per_attribute.values())
