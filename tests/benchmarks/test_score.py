"""The benchmark of archives: what it runs, compares, prints and stores; little is measured here."""

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from benchmarks import score
from siam.evaluation import stored
from siam.results import speed as stored_speed
from tests.support.paths import ROOT


@pytest.fixture
def quick(monkeypatch, tmp_path):
    """Where the measurements are stored, of runs that take no time: Ray gets 9 photos a second, this process 10."""
    made = []

    def begun(photos, runner, folder):
        made.append((len(list(photos.iterdir())), runner, folder))
        return made[-1][0]

    def run(photos, runner, folder):
        begun(photos, runner, folder)
        return score.Run({"local": 10.0, "ray": 9.0}[runner], {"local": 4.0, "ray": 16.0}[runner])

    monkeypatch.setattr(score, "run", run)
    monkeypatch.setattr(score, "memory", lambda photos, folder, _pair: 500 + begun(photos, "local", folder) / 10)
    monkeypatch.setattr(score, "bare", lambda files: len(files) / 3)
    monkeypatch.setattr(score, "find_spec", lambda _name: True)
    monkeypatch.setattr(score, "PHOTOS", 6)
    monkeypatch.setattr(score, "BARE_PHOTOS", 3)
    monkeypatch.setattr(score, "FEW", 5)
    monkeypatch.setattr(score, "MANY", 30)
    monkeypatch.setattr(stored, "STORED", tmp_path)
    return tmp_path, made


def test_what_is_compared_is_measured_in_turn_and_stored(quick, capsys):
    folder, made = quick
    score.main(["--store"])
    found = {of.name: of for of in stored_speed.read(folder / "throughput.json").measurements}
    assert (found["archive"].ours, found["archive"].theirs, found["archive"].reached) == (10, 1, True)
    assert (found["archive/ray"].ratio, found["archive/ray"].reached) == (0.9, True)
    assert found["archive/start/local"].reached and not found["archive/start/ray"].reached
    assert found["archive/memory"].ratio == pytest.approx(503 / 500.5, rel=1e-3) and found["archive/memory"].reached
    assert sorted(of[:2] for of in made[-6:]) == [(5, "local")] * 3 + [(30, "local")] * 3
    assert len({of[2] for of in made}) == len(made), "two runs wrote into one folder"
    assert "photos/s" in capsys.readouterr().out
    assert stored_speed.paths() == [folder / "throughput.json"]


def test_without_ray_its_lines_are_left_out(quick, monkeypatch):
    monkeypatch.setattr(score, "find_spec", lambda _name: None)
    folder, _made = quick
    score.main(["--store", "--without-memory"])
    names = [of["name"] for of in json.loads((folder / "throughput.json").read_text())["measurements"]]
    assert names == ["archive", "archive/start/local"]


def test_a_run_is_a_command_that_scores_every_photo(tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    score.write_photos(tmp_path / "photos", 4)
    found = score.run(tmp_path / "photos", "local", tmp_path / "out")
    assert found.rate >= 0 and found.start > 0
    assert score.memory(tmp_path / "photos", tmp_path / "again", Path("photo")) > 50
    assert all(pq.read_table(tmp_path / out, columns=["error"]).num_rows == 4 for out in ("out", "again"))
    with pytest.raises(SystemExit, match="status"):
        score.run(tmp_path / "missing", "local", tmp_path / "other")
