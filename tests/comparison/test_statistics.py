"""What a comparison shows: intervals that cover, corrections, and verdicts that known data deserve."""

import numpy as np
import pytest

from siam.comparison.cost import Cost
from siam.comparison.statistics import Table, difference, halves, holm, resampled_means, summary
from siam.evaluation.stored import STORED, Result, read, variant_figures
from siam.results.explainers import (
    CLAIM_HEADINGS,
    claim_rows,
    comparisons,
    headings,
    network_claims,
    shown,
    tables,
)


def made_up(count=40, networks=("one", "two", "three"), flat=()):
    """Return records in which the truth leads, SISE leads RISE, and RISE and Grad-CAM differ by chance."""
    random, records = np.random.default_rng(0), []
    levels = {"truth": 0.9, "uniform": 0.2, "random": 0.1, "rise": 0.3, "sise": 0.5, "grad_cam": 0.3, "lcam_fm": 0.6}
    commons = random.normal(size=count)
    for network in networks:
        for number in range(count):
            for name, level in levels.items():
                value = level + commons[number] + random.normal() / 20
                record = {"network": network, "identifier": str(number), "method": name, "ebpg": value, "pixel_ap": 0.5}
                record |= {"kept_15_grey": 2 - value}
                record |= {figure: commons[number] + random.normal() for figure in flat}
                records.append(record)
    return records


def test_what_is_clear_holds_and_what_is_not_is_left_open():
    found = summary(made_up(), {"rise": Cost(2.0, None), "sise": Cost(1.0, 33.33)})
    assert found["n"] == 40 and found["networks"] == ["one", "two", "three"]
    assert list(found["methods"])[:3] == ["truth", "uniform", "random"]  # the controls come first
    claims = {(claim["better"], claim["worse"]): claim for claim in found["claims"]}
    assert claims["sise", "rise"]["outcome"] == "holds"
    assert claims["sise", "rise"]["gain"] == pytest.approx(0.2, abs=0.03)  # what pictures have in common cancels out
    assert claims["lcam_fm", "grad_cam"]["outcome"] == "holds"  # of points lost, few are good
    assert claims["lcam_fm", "grad_cam"]["gain"] == pytest.approx(0.3, abs=0.03)
    assert ("sise", "score_cam") not in claims
    assert found["methods"]["sise"]["megabytes"]["mean"] == 33.33 and "megabytes" not in found["methods"]["rise"]
    assert found["methods"]["rise"]["ebpg"]["over_random"]["gain"] == pytest.approx(0.2, abs=0.03)
    assert found["halves"]["compared"] > 10 and found["halves"]["contradicted"] == 0


def test_a_measure_that_the_truth_does_not_lead_draws_no_order():
    records = made_up()
    for record in records:  # SISE is far ahead, but the truth is no better than noise
        if record["method"] == "truth":
            record["ebpg"] = record["ebpg"] - 0.8
    found = summary(records, {})
    assert not found["measures"]["ebpg"]["decides"] and found["measures"]["kept_15_grey"]["decides"]
    claims = {(claim["better"], claim["worse"]): claim for claim in found["claims"]}
    assert claims["sise", "rise"]["gain"] > 0.15 and claims["sise", "rise"]["outcome"] == "cannot tell"
    orders = halves(Table(records))
    assert orders["compared"] == halves(Table([{**r, "ebpg": None} for r in records]))["compared"]


def test_a_constant_map_ranks_nothing():
    records = made_up()
    for record in records:
        record["truth_rank"] = record["ebpg"] if record["method"] not in ("uniform", "random") else None
        if record["method"] == "random":
            record["truth_rank"] = 0.0
        if record["identifier"] == "3":
            record["truth_rank"] = None
    found = summary([record for record in records if record["method"] != "uniform" or record.get("ebpg")], {})
    level = np.mean([r["truth_rank"] for r in records if r["method"] == "truth" and r["truth_rank"] is not None])
    assert found["measures"]["truth_rank"]["over_uniform"]["gain"] == pytest.approx(level, abs=1e-3)
    assert found["measures"]["truth_rank"]["over_uniform"]["n"] == 39


def test_nothing_is_said_of_fewer_than_ten_pictures():
    found = summary(made_up(9), {})
    assert found["claims"] == [] and found["measures"] == {}
    assert all(not of for of in found["methods"].values())
    assert summary(made_up(10), {})["methods"]["sise"]["ebpg"]["n"] == 10
    some = [record for record in made_up(20) if record["method"] != "rise" or int(record["identifier"]) < 12]
    assert summary(some, {})["methods"]["rise"]["ebpg"]["n"] == 12


def test_halves_that_contradict_each_other_are_counted():
    records = made_up(60, ("one",))
    for record in records:  # in every other picture SISE and RISE change places
        if int(record["identifier"]) % 2 and record["method"] in ("sise", "rise"):
            record["method"] = {"sise": "rise", "rise": "sise"}[record["method"]]
    found = halves(Table(records))
    assert found["contradicted"] == 2 and found["same"] + found["contradicted"] <= found["compared"]  # two measures


def test_holm_by_hand():
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.9, 0.6]) == [1.0, 1.0] and holm([]) == []


def test_means_of_resamples_are_those_of_a_plain_loop():
    random = np.random.default_rng(1)
    values = random.normal(size=(3, 25)) + random.normal(size=(3, 1))
    values[0, :5] = np.nan
    means = resampled_means(values, resamples=4000)
    plain = []
    for _ in range(4000):
        drawn, pictures = random.integers(3, size=3), random.integers(25, size=25)
        plain.append(np.nanmean(values[np.ix_(drawn, pictures)]))
    assert np.mean(means) == pytest.approx(np.mean(plain), abs=0.03)
    assert np.std(means) == pytest.approx(np.std(plain), rel=0.1)


@pytest.mark.parametrize("networks", [1, 8])
def test_intervals_cover_the_true_difference(networks):
    """With networks that differ from each other as much as pictures do."""
    random, inside = np.random.default_rng(2), 0
    for _ in range(200):
        effects = random.normal(size=(networks, 1)) * (0.3 if networks > 1 else 0)
        gains = 0.4 + effects + random.normal(size=(networks, 40)) + random.normal(size=(1, 40))
        low, high = difference(gains)["interval"]
        inside += low <= 0.4 <= high
    assert 0.88 <= inside / 200 <= 0.99  # 95 % but for the few networks, and what 200 trials leave open


def test_the_detectable_difference_is_found_four_times_out_of_five():
    random = np.random.default_rng(3)
    one = difference(random.normal(size=(1, 60)))["detectable"]
    found = sum(difference(one + random.normal(size=(1, 60)))["p"] < 0.05 for _ in range(200))
    assert 0.65 <= found / 200 <= 0.93  # the standard deviation is estimated, too


def stored(figures):
    of_variants = variant_figures({"baseline": {"comparison": {"world": "scenes", **figures}}})
    return Result("rendered", "scenes", "test", "so", "2026-11-21", "python …", None, of_variants)


def test_tables_say_what_cannot_be_told():
    result = stored(summary(made_up(flat=("iou_area",)), {"rise": Cost(2.0, None)}))
    figures = comparisons([result])[0][1]
    text, markdown = tables([result]), tables([result], markdown=True)
    assert "SISE before RISE" in text and "holds" in text and "| RISE |" in markdown
    named = dict(zip(shown(figures), headings(figures, shown(figures)), strict=True))
    assert named["EBPG"] == "EBPG" and named["IoU area"] == "IoU area (cannot tell)"
    assert "cannot tell explainers apart" in text
    assert tables([]) == "" and comparisons([stored_without()]) == []
    assert all(len(row) == len(claim_rows(figures.claims)[0]) for row in claim_rows(figures.claims))


def test_what_the_paper_says_of_scores_is_held_against_the_stored_results():
    results = {name: read(STORED / f"{name}.json") for name in ("rendered", "rendered-frozen")}
    (good, cold) = network_claims(results)
    less = results["rendered"].figures["siam"].difference
    assert (good[1] == "does not hold") == (less.kendall_tau_interval[1] < 0)
    frozen = results["rendered-frozen"].figures["siam-frozen"].photos.scores
    alone = results["rendered"].figures["baseline"].photos.scores
    assert (cold[1] == "holds") == (frozen.kendall_tau_interval[1] < alone.kendall_tau_interval[0])
    assert network_claims({}) == [] and all(len(row) == len(CLAIM_HEADINGS) for row in (good, cold))


def stored_without():
    return Result("a", "b", "test", "so", "2026-11-21", "python …", None, variant_figures({"baseline": {}}))
