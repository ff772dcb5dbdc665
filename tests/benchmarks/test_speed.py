"""The command for all measurements: what it runs, prints and stores; nothing is measured here."""

import sys
from dataclasses import dataclass
from types import ModuleType

import pytest

from benchmarks import measuring, speed
from benchmarks.measuring import alone
from siam.evaluation import stored
from siam.results import speed as stored_speed


@dataclass
class Row:
    """What `benchmarks.explainers` returns, of which this is all that counts."""

    name: str
    against: str = "torchcam"
    version: str = "0.5.0"
    theirs_seconds: float = 0.4
    ours_seconds: float = 0.2
    ratios: tuple[float, ...] = (1.9, 2.0, 2.2)
    correlation: float = 0.999


@pytest.fixture
def folder(monkeypatch, tmp_path):
    """Where the measurements are stored, of which there are two that take no time."""

    def measure(name):
        words = {"part": "Networks", "description": name, "unit": "s", "note": "made up"}
        return lambda rounds, photos, _folder: [alone([rounds, photos], name=name, **words)]

    monkeypatch.setattr(speed, "MEASURES", {name: measure(name) for name in ("early part", "late part")})
    monkeypatch.setattr(stored, "STORED", tmp_path)
    return tmp_path


def test_everything_is_measured_printed_and_stored(folder, capsys):
    speed.main(["--store", "--quick"])
    run = stored_speed.read(folder / "speed.json")
    assert [of.name for of in run.measurements] == ["early part", "late part"]
    assert run.command == "python -m benchmarks.speed --quick" and run.cores >= 1
    assert stored_speed.source(run) in capsys.readouterr().out


def test_a_part_is_printed_and_never_stored(folder, capsys):
    speed.main(["--only", "late part"])
    printed = capsys.readouterr().out
    assert "late part" in printed and "early part" not in printed and not list(folder.iterdir())
    with pytest.raises(SystemExit):
        speed.main(["--only", "late part", "--store"])
    assert "whole run" in capsys.readouterr().err


def test_explainers_are_as_many_times_as_fast_as_their_package(monkeypatch):
    module = ModuleType("benchmarks.explainers")
    module.measure = lambda _names, _say: [Row("grad_cam"), Row("rise", "authors' formula", "", ratios=(1.5,))]
    monkeypatch.setitem(sys.modules, "benchmarks.explainers", module)
    monkeypatch.setattr(speed, "find_spec", lambda _name: module)
    one, two = speed.explainers()
    assert (one.description, one.against, one.ratio, one.low, one.high) == ("Grad-CAM", "torchcam 0.5.0", 2, 1.9, 2.2)
    assert (one.ours, one.theirs, one.unit, one.rounds) == (5, 2.5, "maps/s", 3)
    assert (one.goal.number, one.reached, two.goal.number, two.reached, two.against) == (
        1, True, 2, False, "authors' formula",
    )  # fmt: skip


def test_the_largest_size_of_a_process_is_at_least_its_own_and_not_its_parent_s():
    block = bytearray(200 << 20)  # of this process
    here = measuring.peak()
    there, _same = measuring.in_its_own_process(_sizes)
    assert here > len(block) / (1 << 20) and there < here


def _sizes():
    return measuring.peak(), 0.0
