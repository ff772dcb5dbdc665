"""The benchmark for a GPU, tried without one: it checks, measures and stores; or says that there is no GPU."""

import numpy as np
import pytest
import torch

import siam
from benchmarks import gpu
from siam.models.checkpoint import Pair
from siam.results import speed
from tests.support.networks import baseline_network, siam_network

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def small(monkeypatch):
    """Tiny networks in the place of the bundled pair."""
    pair = Pair("photo", siam_network(), baseline_network(), {})
    monkeypatch.setattr(siam, "load", lambda *_arguments, **_settings: pair)


def test_without_cuda_it_says_so_in_one_line(monkeypatch, capsys):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert gpu.main([]) == 2
    assert capsys.readouterr().err == "error: PyTorch sees no GPU with CUDA: run this on a machine that has one\n"


def test_it_checks_measures_and_stores(small, tmp_path, capsys):
    assert gpu.main(["--device", "cpu", "--store", str(tmp_path / "gpu.json")]) == 0
    run = speed.read(tmp_path / "gpu.json")
    assert {of.name for of in run.checks} >= {"explanation: contributions", "training SIAM: gradient", "Grad-CAM"}
    assert all(of.passed for of in run.checks)
    assert [of.name for of in run.measurements] == [
        *(f"{name}/{kind}/1" for name in ("photos", "two-resnet-50") for kind in ("float32", "bfloat16")), "files",
    ]  # fmt: skip
    printed = capsys.readouterr().out
    assert run.processor in printed and "float32, 1 at a time" in printed


def test_wrong_numbers_are_noticed(small, monkeypatch, capsys):
    monkeypatch.setattr(gpu, "measurements", lambda _settings, _folder: iter(()))
    monkeypatch.setattr(
        gpu, "checks", lambda _settings: iter([gpu._check("maps", [np.ones(3)], [np.full(3, 2.0)], 1e-3)])
    )
    assert gpu.main(["--device", "cpu"]) == 1
    assert "no" in capsys.readouterr().out


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_what_is_not_finite_does_not_pass(wrong):
    assert not gpu._check("maps", [np.array([wrong])], [np.array([1.0])], 1e-3).passed
    assert gpu._check("maps", [np.array([1.0])], [np.array([1.00001])], 1e-3).passed
