"""`doctor` says in ten lines what is there, and what to do about what is not."""

import importlib.metadata
import shutil
import subprocess
import sys
from types import SimpleNamespace

import pytest

from siam.cli import doctor
from siam.cli.main import main
from siam.models import checkpoint
from siam.runtime.devices import cpu_threads
from tests.support.paths import ROOT

GIGABYTE = 1_000_000_000


@pytest.fixture(autouse=True)
def plenty(monkeypatch):
    """Enough space, whatever the machine has."""
    space(monkeypatch, 500)


def space(monkeypatch, gigabytes):
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: SimpleNamespace(free=gigabytes * GIGABYTE))


def answer(capsys):
    """Return the exit status and the ten lines by name."""
    status = main(["doctor"])
    lines = capsys.readouterr().out.splitlines()
    found = dict(line.split("  ", 1) for line in lines)
    assert len(lines) == len(found) == 10
    return status, {name.strip(): text.strip() for name, text in found.items()}


def test_where_all_is_well_it_says_so(capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv("SIAM_ENGINE", raising=False)
    (tmp_path / "siam-explorer" / "pictures").mkdir(parents=True)
    (tmp_path / "siam-explorer" / "pictures" / "a.jpg").write_bytes(bytes(3_000_000))
    status, lines = answer(capsys)
    assert status == 0 and lines["to do"] == "nothing, all is well"
    assert f"torch {importlib.metadata.version('torch')}" in lines["libraries"]
    assert lines["computes on"].startswith("a GPU") or f"{cpu_threads()} thread" in lines["computes on"]
    assert "photo, rendered in" in lines["networks"] and "oasis, open-photos, rendered in" in lines["galleries"]
    assert lines["cache"] == f"{tmp_path / 'siam-explorer'} (3 MB; it may be deleted)"
    assert lines["free space"].startswith("500 GB")


def test_networks_and_galleries_of_ones_own_are_listed(capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    for file in ("runs/mine/card.json", "galleries/walk/gallery.parquet"):
        (tmp_path / file).parent.mkdir(parents=True)
        (tmp_path / file).write_bytes(bytes(1_000_000))
    _status, lines = answer(capsys)
    assert "; mine in runs (1 MB)" in lines["networks"] and "; walk in galleries (1 MB)" in lines["galleries"]


def test_a_missing_and_an_old_library_are_named_with_the_remedy(capsys, monkeypatch):
    version = importlib.metadata.version

    def other(name):
        if name == "timm":
            raise importlib.metadata.PackageNotFoundError(name)
        return "0.1" if name == "plotly" else version(name)

    monkeypatch.setattr(importlib.metadata, "version", other)
    status, lines = answer(capsys)
    assert status == 2 and "timm " not in lines["libraries"]
    assert lines["to do"].startswith("install timm, plotly 0.1 instead of ")
    assert lines["to do"].endswith(": pip install -r requirements.txt")


def test_what_only_training_needs_is_no_fault(capsys, monkeypatch):
    version = importlib.metadata.version

    def other(name):
        if name == "tensorboard":
            raise importlib.metadata.PackageNotFoundError(name)
        return version(name)

    monkeypatch.setattr(importlib.metadata, "version", other)
    status, lines = answer(capsys)
    assert status == 0 and lines["for training"] == "lacking tensorboard: pip install -r requirements-train.txt"


def test_a_damaged_network_an_unknown_engine_and_a_full_disk_are_told(capsys, monkeypatch, tmp_path):
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "card.json").write_text("{")
    monkeypatch.setattr(checkpoint, "BUNDLED", tmp_path)
    monkeypatch.setenv("SIAM_ENGINE", "abacus")
    space(monkeypatch, 1)
    status, lines = answer(capsys)
    assert status == 2 and lines["computes on"].endswith("PyTorch")
    for words in ("there is no engine 'abacus'", "card.json", "free some space below", "1.0 GB are left"):
        assert words in lines["to do"]


def test_an_installed_project_knows_its_own_requirements(monkeypatch, tmp_path):
    listed = ["torch>=2", 'openvino; platform_machine == "no such machine"', 'tensorboard>=2; extra == "train"']
    monkeypatch.setattr(doctor, "ASSETS", tmp_path / "assets")
    monkeypatch.setattr(importlib.metadata, "requires", lambda _name: listed)
    assert [of.name for of in doctor.requirements("requirements.txt")] == ["torch"]
    assert [of.name for of in doctor.requirements("requirements-train.txt", "train")] == ["tensorboard"]


def test_it_works_where_no_library_does():
    program = (
        "import sys; sys.modules.update(dict.fromkeys(['torch', 'timm', 'openvino', 'streamlit', 'torchvision'])); "
        "from siam.cli.main import main; sys.exit(main(['doctor']))"
    )
    found = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert found.returncode in (0, 2) and len(found.stdout.splitlines()) == 10, found.stderr
