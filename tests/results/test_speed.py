"""Stored measurements of speed: what is written comes back, the table says it, and what is none is refused."""

import json
from dataclasses import replace

import pytest

from siam.evaluation.figures import Goal, Measurement, SpeedFigures
from siam.evaluation.stored import ResultError
from siam.results import speed
from tests.support.speed import ALONE, GOAL, MEASUREMENT, speed_run

RUN = SpeedFigures.from_json(speed_run(), "run")
OF = Measurement.from_json(MEASUREMENT, "run")


def test_what_is_written_comes_back(tmp_path):
    speed.write(RUN, tmp_path / "new" / "speed.json")
    assert speed.read(tmp_path / "new" / "speed.json") == RUN
    assert json.loads((tmp_path / "new" / "speed.json").read_text()) == speed_run()


def test_the_project_s_own_runs_reach_what_they_say():
    assert speed.paths()[0].name == "speed.json"
    for path in speed.paths():
        run = speed.read(path)
        assert run.measurements and run.versions["torch"]
        for of in run.measurements:
            assert of.reached == speed.reached(of.goal, of.ours, of.ratio)
            assert of.low is None or of.low <= (of.ours if of.ratio is None else of.ratio) <= of.high


def test_the_table_has_a_row_for_each_measurement_below_its_part():
    assert speed.rows(RUN.measurements, against=True) == [
        ["Networks"],
        [
            "explanation of a photo", "0.058 s", "both networks in PyTorch", "0.15 s", "0.38 (0.37 to 0.40)",
            "≤ 0.35", "no",
        ],
        ["App"],
        ["upload to finished page", "0.35 s (0.31 to 1.20)", "–", "–", "–", "≤ 0.4 s", "yes"],
    ]  # fmt: skip
    for against in (True, False):
        lengths = {len(row) for row in speed.rows(RUN.measurements, against=against)}
        assert lengths == {1, len(speed.heads(against=against))}
    assert speed.rows([OF], against=False)[1][:3] == ["explanation of a photo", "0.058 s", "0.15 s"]
    assert (
        speed.rows([replace(OF, goal=None, reached=None, peak_mib=1234)], against=True)[1][0]
        == "explanation of a photo, 1,234 MiB"
    )
    assert speed.rows([replace(OF, goal=None, reached=None)], against=True)[1][-2:] == ["–", "–"]


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0 s"), (0.0583, "0.058 s"), (0.4, "0.40 s"), (1.204, "1.20 s"), (31.42, "31.4 s"), (1234.5, "1,234 s")],
)
def test_figures_have_three_digits_and_two_below_one(value, text):
    assert speed.quantity(value, "s") == text


@pytest.mark.parametrize(
    ("of", "direction", "ours", "ratio", "reached"),
    [
        ("ratio", "at most", 9.0, 0.35, True),
        ("ratio", "at most", 0.1, 0.36, False),
        ("ratio", "at least", 0.1, 3.0, True),
        ("ratio", "at least", 9.0, 2.9, False),
        ("ours", "at most", 0.3, 9.0, True),
        ("ours", "at most", 0.5, None, False),
        ("ratio", "at most", 0.5, None, None),
    ],
)
def test_a_goal_is_reached_by_the_ratio_or_by_our_own_figure(of, direction, ours, ratio, reached):
    assert speed.reached(
        Goal(of=of, direction=direction, number=0.35 if direction == "at most" else 3), ours, ratio
    ) == (reached)
    assert speed.reached(None, ours, ratio) is None


def test_the_markdown_names_machine_command_date_commit_and_versions():
    run = SpeedFigures.from_json(
        speed_run(cores=1, checks=[{"name": "scores", "difference": 2e-6, "allowed": 1e-4, "passed": True}]), "run"
    )
    text = speed.markdown([run])
    for words in (
        "Processor of a test, 1 core; `python -m benchmarks.speed`, 2026-11-28, commit a1b2a1b2a1b2; Python 3.12.1",
        "| **App** |  |  |",
        "| scores | 2.0e-06 | 1e-04 | yes |",
        "- explanation of a photo: with its preparation; compared with both networks in PyTorch.",
    ):
        assert words in text


def test_measurements_made_alike_share_their_note():
    both = [OF, replace(OF, name="other", description="other")]
    assert speed.notes(both) == [("Networks", "with its preparation; compared with both networks in PyTorch.")]
    alone = Measurement.from_json(ALONE, "run")
    assert speed.notes([*both, alone])[1] == ("upload to finished page", "in a browser.")
    both[1] = replace(both[1], against="captum 0.9")
    (note,) = speed.notes(both)
    assert note[1] == (
        "with its preparation. explanation of a photo against both networks in PyTorch; other against captum 0.9."
    )


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ([1], "format 'list'"),
        (speed_run(format=2), "format 2"),
        (speed_run(date="yesterday"), "yesterday"),
        (speed_run(measurements=[{**MEASUREMENT, "ours": "fast"}]), "'fast' as the file · measurements · 1 · ours"),
        (speed_run(measurements=[{**MEASUREMENT, "reached": 1}]), "reached; expected true or false"),
        (speed_run(measurements=[{**MEASUREMENT, "goal": {**GOAL, "direction": "about"}}]), "at most or at least"),
        ({name: value for name, value in speed_run().items() if name != "processor"}, "lacks processor"),
    ],
)
def test_what_is_no_run_is_refused_in_one_line(tmp_path, content, words):
    path = tmp_path / "speed.json"
    path.write_text(json.dumps(content))
    with pytest.raises(ResultError, match=words) as caught:
        speed.read(path)
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("text", [None, "", "{", "[" * 100_000])
def test_what_is_no_json_is_refused(tmp_path, text):
    if text is not None:
        (tmp_path / "speed.json").write_text(text)
    with pytest.raises(ResultError, match="JSON"):
        speed.read(tmp_path / "speed.json")
