"""Stored results: what is written comes back, and what is no result is refused in one line."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from siam.evaluation import stored
from siam.evaluation.figures import ScoreFigures, VariantFigures
from siam.evaluation.stored import Result, ResultError, variant_figures

BLOCK = {"kendall_tau": 0.6316, "kendall_tau_sd": 0.01, "rmse": 0.7634, "rmse_sd": 0.01, "n": 141}
PRECISE = {"mean_average_precision": 0.6, "n": 9}
HALVES = {"compared": 0, "same": 0, "contradicted": 0}
COMPARED = {
    "world": "scenes", "networks": [], "n": 1, "measures": {}, "methods": {}, "claims": [], "halves": HALVES,
}  # fmt: skip
RESULT = Result(
    model="photo",
    data="oasis_scenes",
    split="cross-validation",
    protocol="5-fold cross-validation, mean over 3 seeds",
    date="2026-11-21",
    command="python -m siam train recipes/photo.toml",
    git_commit="0123abc",
    figures=variant_figures(
        {"siam": {"oasis_scenes": BLOCK, "sun_test": {"mean_average_precision": 0.6, "per_attribute": {}, "n": 9}}}
    ),
)

NUMBERS = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**40), 2**40) | st.none()
NAMES = st.text().map("?{}".format)  # never that of a known figure, which must be a number
TREES = st.recursive(
    NUMBERS, lambda inner: st.dictionaries(st.text(max_size=5), inner, max_size=3) | st.lists(inner, max_size=3)
)


def test_what_is_written_comes_back(tmp_path):
    path = tmp_path / "new" / "photo.json"
    stored.write(RESULT, path)
    assert stored.read(path) == RESULT
    assert list(json.loads(path.read_text())) == [
        "format", "model", "data", "split", "protocol", "date", "command", "git_commit", "figures",
    ]  # fmt: skip
    assert [file.name for file in path.parent.iterdir()] == ["photo.json"]


@given(figures=st.fixed_dictionaries({}, optional={v: st.dictionaries(NAMES, TREES) for v in stored.VARIANTS}))
def test_any_finite_figures_come_back(figures, tmp_path_factory):
    if not figures:
        return
    path = tmp_path_factory.mktemp("results") / "any.json"
    stored.write(replace(RESULT, figures=variant_figures(figures)), path)
    assert json.loads(path.read_text())["figures"] == figures
    assert stored.read(path).figures == variant_figures(figures)


@pytest.mark.parametrize("path", stored.paths(stored.STORED), ids=lambda path: path.stem)
def test_the_projects_own_results_are_written_again_as_they_are(path, tmp_path):
    stored.write(stored.read(path), tmp_path / path.name)
    assert (tmp_path / path.name).read_bytes() == path.read_bytes()


def test_unknown_figures_and_nulls_are_written_again_as_they_were():
    content = {"unit": "points", **BLOCK, "rank_rmse": None, "own": {**PRECISE, "median": 0.5}, "comparison": None}
    figures = VariantFigures.from_json(content, "siam")
    assert list(figures.to_json().items()) == list(content.items())
    assert figures.photos.scores.kendall_tau == 0.6316 and figures.sets["own"].attributes.n == 9
    assert VariantFigures(difference=ScoreFigures(kendall_tau=0.5, n=3)).to_json() == {
        "difference": {"kendall_tau": 0.5, "n": 3}
    }


def test_all_results_of_a_folder_by_name(tmp_path):
    for name in ("b", "a"):
        stored.write(replace(RESULT, data=name), tmp_path / f"{name}.json")
    (tmp_path / "notes.txt").write_text("no result")
    (tmp_path / "speed.json").write_text("measurements of speed, which are none")
    assert {name: result.data for name, result in stored.read_all(tmp_path).items()} == {"a": "a", "b": "b"}
    assert list(stored.read_all(tmp_path)) == ["a", "b"]


def test_a_failed_write_leaves_the_old_file(tmp_path):
    path = tmp_path / "photo.json"
    stored.write(RESULT, path)
    with pytest.raises(ValueError, match="rmse"):
        stored.write(replace(RESULT, figures={"siam": VariantFigures(further={"rmse": float("nan")})}), path)
    assert stored.read(path) == RESULT
    assert [file.name for file in tmp_path.iterdir()] == ["photo.json"]


@pytest.mark.parametrize("number", [float("nan"), float("inf"), np.float64("nan")])
def test_no_number_that_json_lacks(tmp_path, number):
    with pytest.raises(ValueError, match="expected a number"):
        figures = {"siam": VariantFigures(difference=ScoreFigures(kendall_tau=0.5, n=3, further={"anything": number}))}
        stored.write(replace(RESULT, figures=figures), tmp_path / "x.json")


def spoiled(**changes):
    content = RESULT.to_json()
    content.update(changes)
    return {name: value for name, value in content.items() if value is not ...}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ([1], "format 'list'"),
        (spoiled(format=2), "update SIAM Explorer"),
        (spoiled(format=...), "format None"),
        (spoiled(model=...), "model"),
        (spoiled(extra=1), "extra"),
        (spoiled(model=""), "model"),
        (spoiled(command=3), "command"),
        (spoiled(date="yesterday"), "yesterday"),
        (spoiled(git_commit=7), "git_commit"),
        (spoiled(figures={}), "figures"),
        (spoiled(figures=[1]), "figures"),
        (spoiled(figures={"other": {}}), "other"),
        (spoiled(figures={"siam": 3}), "siam"),
        (spoiled(figures={"siam": {"rmse": "much"}}), "siam · rmse"),
        (spoiled(figures={"baseline": {"oasis": {"kendall_tau": True}}}), "baseline · oasis · kendall_tau"),
        (spoiled(figures={"siam": {"rmse": 10**400}}), "siam · rmse; expected a number"),
        (spoiled(figures={"siam": {"further": -(10**400)}}), "siam · further; expected a number"),
        (spoiled(figures={"siam": {**BLOCK, "n": 10**300}}), "siam · n; expected a whole number"),
        (spoiled(figures={"siam": {"oasis": {"kendall_tau": 0.5}}}), "lacks n among the figures of siam · oasis"),
        (spoiled(figures={"siam": {**BLOCK, "rmse_interval": [1]}}), "siam · rmse_interval; expected the two ends"),
        (spoiled(figures={"siam": {**PRECISE, "positives": 3}}), "3 as siam · positives; expected names"),
        (spoiled(figures={"siam": {**PRECISE, "per_attribute": {"sky": "1"}}}), "siam · per_attribute · sky; expected"),
        (spoiled(figures={"siam": {"presence": {"predicted": {"n": 3}}}}), "lacks attributes .* siam · presence"),
        (spoiled(figures={"siam": {"what_where_how": {"n": 3}}}), "lacks siam .* siam · what_where_how"),
        (spoiled(figures={"baseline": {"comparison": {"world": "a", "n": 1}}}), "lacks networks"),
        (
            spoiled(figures={"baseline": {"comparison": {**COMPARED, "methods": {"cam": {"ebpg": {}}}}}}),
            "lacks mean .*ebpg",
        ),
        (spoiled(figures={"baseline": {"comparison": {**COMPARED, "claims": [{}]}}}), "lacks gain .* claims · 1"),
    ],
)
def test_what_is_no_result_is_refused_in_one_line(tmp_path, content, words):
    path = tmp_path / "odd.json"
    path.write_text(json.dumps(content))
    with pytest.raises(ResultError, match=words) as caught:
        stored.read(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "text", ["", "{", '{"format": NaN}', "[" * 100_000, "[" * 900 + "]" * 900, '{"format":' * 450 + "1" + "}" * 450]
)
def test_what_is_no_json_is_refused(tmp_path, text):
    path = tmp_path / "odd.json"
    path.write_text(text)
    with pytest.raises(ResultError, match="JSON"):
        stored.read(path)


def test_missing_files_and_folders_are_named(tmp_path):
    with pytest.raises(ResultError, match=r"gone\.json is missing"):
        stored.read(tmp_path / "gone.json")
    with pytest.raises(ResultError, match="gone is not a folder"):
        stored.read_all(tmp_path / "gone")
