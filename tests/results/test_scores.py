"""What pages take from stored results is what the files hold: figures, intervals, chance, or nothing."""

import dataclasses
import json

import numpy as np
import pytest

from siam.evaluation import metrics
from siam.evaluation.stored import STORED, paths, read_all, variant_figures
from siam.figures.results import compared_figure, people_figure, precisions_figure
from siam.gallery import store
from siam.gallery.cases import read_cases
from siam.results import scores, truths
from siam.results.assessment import TRUTHS
from ui.state.chosen import BUNDLED

RAW = {path.stem: json.loads(path.read_text(encoding="utf-8"))["figures"] for path in paths(STORED)}


@pytest.fixture(scope="module")
def stored():
    return read_all(STORED)


@pytest.fixture(scope="module", params=["oasis", "rendered"])
def cases(request):
    return read_cases(store.read(BUNDLED / request.param))


def test_precisions_are_the_file_s_with_its_intervals_and_the_share_that_shows_each(stored):
    (found,) = scores.precisions(stored["rendered"])
    raw = RAW["rendered"]["siam"]["annotated"]
    assert (found.mean, list(found.interval)) == (
        raw["mean_average_precision"],
        raw["mean_average_precision_interval"],
    )
    assert {row.attribute: row.value for row in found.rows} == raw["per_attribute"]
    assert {row.attribute: list(row.interval) for row in found.rows} == raw["per_attribute_interval"]
    assert np.mean([row.chance for row in found.rows]) == pytest.approx(raw["chance"], abs=1e-4)
    assert [row.value for row in found.rows] == sorted(raw["per_attribute"].values(), reverse=True)


def test_where_no_intervals_are_stored_there_are_none(stored):
    what, where = scores.precisions(stored["photo"])
    raw = RAW["photo"]["siam"]["sun_test"]
    assert {row.attribute: row.value for row in what.rows} == raw["per_attribute"]
    assert {(row.interval, row.chance) for row in what.rows} == {(None, None)}
    assert (what.interval, what.chance, what.deviation) == (None, raw["chance"], raw["mean_average_precision_sd"])
    places = raw["places"]["per_attribute"]
    assert {row.attribute: (row.value, row.chance) for row in where.rows} == {
        name: (of["pixel_ap"], of["chance"]) for name, of in places.items()
    }


def test_figures_of_attributes_alone_are_found_at_the_top(stored):
    figures = variant_figures({"siam": RAW["rendered"]["siam"]["annotated"]})
    top = dataclasses.replace(stored["rendered"], figures=figures, data="sun")
    (found,) = scores.precisions(top)
    assert (found.photos, len(found.rows)) == ("sun", 33)


def test_agreements_have_intervals_or_deviations_as_stored(stored):
    siam, baseline, difference = scores.agreements(stored["rendered"], "rendered")
    raw = RAW["rendered"]
    for found, of in ((siam, raw["siam"]), (baseline, raw["baseline"]), (difference, raw["siam"]["difference"])):
        assert (found.tau, list(found.tau_interval)) == (of["kendall_tau"], of["kendall_tau_interval"])
        assert (found.rmse, list(found.rmse_interval)) == (of["rmse"], of["rmse_interval"])
    assert difference.name == "SIAM − baseline"
    found = scores.agreements(stored["photo"], "vessel_landscapes")
    assert [of.name for of in found] == ["SIAM", "SIAM, no fine-tuning", "baseline"]
    of = RAW["photo"]["siam"]["vessel_landscapes"]
    assert (found[0].tau, list(found[0].tau_interval)) == (of["kendall_tau"], of["kendall_tau_interval"])
    repeated = {**of, "kendall_tau_interval": None, "kendall_tau_sd": 0.01}  # means over several trainings
    figures = variant_figures({"siam": {"vessel_landscapes": repeated}})
    (mean,) = scores.agreements(dataclasses.replace(stored["photo"], figures=figures), "vessel_landscapes")
    assert (mean.tau_interval, mean.tau_deviation) == (None, 0.01)
    assert scores.agreements(stored["photo"], "elsewhere") == []


def test_agreement_of_a_gallery_is_computed_where_nothing_is_stored(cases):
    table = cases.table
    siam, baseline = scores.agreements_of_cases(cases)
    assert siam.tau == metrics.kendall_tau(table["siam"].to_numpy(), table["crowd"].to_numpy())
    assert baseline.rmse == pytest.approx(float(np.sqrt(np.mean((table["baseline"] - table["crowd"]) ** 2))))
    assert (siam.tau_interval, siam.count) == (None, len(table))
    without = dataclasses.replace(cases, table=table.assign(baseline=np.nan), in_ranks=True)
    (alone,) = scores.agreements_of_cases(without)
    assert alone.rmse == metrics.rank_rmse(table["siam"].to_numpy(), table["crowd"].to_numpy())


@pytest.mark.parametrize(
    ("figures", "text"),
    [
        ((0.748, (0.7261, 0.7686)), "0.748 (0.726 to 0.769)"),
        ((0.6759, None, 0.0109), "0.676 ± 0.011"),
        ((-0.028, (-0.0449, -0.0118)), "−0.028 (−0.045 to −0.012)"),
        ((None,), "–"),
        ((-0.0001,), "0.000"),
    ],
)
def test_figures_have_three_decimals_and_a_true_minus(figures, text):
    assert scores.figure_text(*figures) == text


def test_differences_carry_their_signs():
    assert scores.figure_text(0.0741, (-0.0321, 0.1142), signs=True) == "+0.074 (−0.032 to +0.114)"


def test_siam_is_compared_with_the_references_that_say_something(stored):
    (found,) = truths.truths(stored["rendered"])
    shown = truths.compared(found)
    assert [f"{of.part}: {of.label}" for of in shown] == list(TRUTHS.values())
    raw = RAW["rendered"]["siam"]["what_where_how"]
    assert [of.siam for of in shown] == [raw["siam"][part][key] for part, key in TRUTHS]
    assert shown[0].references == {
        "another scene": raw["another_scene"]["what"]["mean_average_precision"],
        "random": raw["random"]["what"]["mean_average_precision"],
    }


def test_the_chart_of_attributes_shows_the_figures_and_their_intervals(stored):
    (found,) = scores.precisions(stored["rendered"])
    chance, dots = precisions_figure(found, "What", "600 scenes").data
    for place, name in enumerate(dots.y):
        row = next(row for row in found.rows if row.attribute == name.replace(" ", "_"))
        ends = dots.x[place] - dots.error_x.arrayminus[place], dots.x[place] + dots.error_x.array[place]
        assert (dots.x[place], ends) == (row.value, pytest.approx(row.interval))
        assert chance.x[place] == row.chance
    assert list(dots.x) == sorted(dots.x)
    figure = precisions_figure(scores.precisions(stored["photo"])[0], "What", "205 photos")
    assert set(figure.data[1].error_x.array) == {0.0}
    assert "interval" not in figure.layout.xaxis.title.text
    assert figure.layout.shapes[0].x0 == RAW["photo"]["siam"]["sun_test"]["chance"]


@pytest.mark.parametrize("network", ["siam", "baseline"])
def test_the_chart_of_scores_has_a_dot_for_each_picture_on_equal_axes(cases, network):
    figure = people_figure(cases, network)
    _line, dots = figure.data
    assert list(dots.x) == cases.table["crowd"].tolist() and list(dots.y) == cases.table[network].tolist()
    assert figure.layout.xaxis.range == figure.layout.yaxis.range
    assert "points, 1 to" in figure.layout.xaxis.title.text
    ranked = people_figure(dataclasses.replace(cases, in_ranks=True), network)
    assert (min(ranked.data[1].y), max(ranked.data[1].y)) == (0, 100)
    assert np.argmax(ranked.data[1].y) == cases.table[network].argmax()
    assert "rank" in ranked.layout.yaxis.title.text


def test_the_chart_of_what_where_how_spans_the_references(stored):
    (found,) = truths.truths(stored["rendered"])
    shown = truths.compared(found)
    figure = compared_figure(shown, "t", "s")
    line, siam = figure.data[0], figure.data[-1]
    assert list(siam.x) == [of.siam for of in shown]
    for row, of in enumerate(shown):
        ends = [x for x, y in zip(line.x, line.y, strict=True) if y == row]
        assert ends == [min(of.references.values()), max(of.references.values())]


def test_charts_leave_colours_of_text_and_background_to_the_page(stored, cases):
    (found,) = scores.precisions(stored["rendered"])
    for figure in (precisions_figure(found, "t", "s"), people_figure(cases, "siam")):
        assert figure.layout.paper_bgcolor == figure.layout.plot_bgcolor == "rgba(0, 0, 0, 0)"
        assert figure.layout.font.color is None and figure.layout.title.font.color is None
