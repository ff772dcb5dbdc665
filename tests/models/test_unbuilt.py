"""A pair that the engine has ready explains photos without PyTorch, and is otherwise like any other."""

import shutil
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch

import siam
from siam.errors import CheckpointError
from siam.explanation.batch import Together
from siam.explanation.what_if import Scale, apply
from siam.gallery.samples import load_samples
from siam.images import read_image
from siam.models import compiled
from siam.models.checkpoint import BUNDLED, Pair, bundled, save
from siam.models.identity import identity
from tests.support.near import near
from tests.support.networks import baseline_network, siam_network
from tests.support.paths import ROOT


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    """A user's cache in which the bundled pairs are ready."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        for variable in ("XDG_CACHE_HOME", "LOCALAPPDATA", "HOME"):
            patch.setenv(variable, str(folder))
        for name in bundled():
            siam.explain(siam.load(name, "cpu", engine="openvino"), photo())
        yield folder


def photo():
    return read_image(load_samples()[0].path)


@pytest.mark.parametrize("name", bundled())
def test_it_explains_as_the_built_networks_do(name, cache):
    pair = siam.load(name, "cpu", engine="openvino")
    found = siam.explain(pair, photo())
    assert not pair.built and pair.engine == "openvino"
    wanted = siam.explain(siam.load(name, "cpu", engine="pytorch"), photo())
    for field, value in vars(wanted).items():
        if isinstance(value, np.ndarray | float):
            limit = 1e-3 * max(1 if isinstance(value, float) else 0, float(np.nanmax(np.abs(value))))
            assert getattr(found, field) == pytest.approx(value, abs=limit, rel=0, nan_ok=True), field
        elif field.endswith("interval"):
            assert getattr(found, field) == pytest.approx(value, abs=1e-3), field
        elif field not in ("seconds", "image"):
            assert getattr(found, field) == value, field
    assert found.scenicness == pytest.approx(found.bias + found.contributions.sum(), abs=1e-4)
    edited = apply(found, [Scale(found.ranking()[0].index, 0)])  # what-if needs no networks either
    assert not pair.built and edited.scenicness != found.scenicness


def test_neither_python_nor_the_command_line_imports_pytorch(cache):
    program = (
        "import sys; from siam.cli.main import main; status = main(['explain', sys.argv[1]]); "
        "assert status == 0 and 'torch' not in sys.modules and 'timm' not in sys.modules"
    )
    answer = subprocess.run(
        [sys.executable, "-c", program, load_samples()[0].path], cwd=ROOT, capture_output=True, check=False
    )
    assert answer.returncode == 0, answer.stderr.decode()
    assert b"SIAM" in answer.stdout


def test_its_networks_are_built_when_they_are_asked_for(cache):
    pair = siam.load("photo", "cpu", engine="openvino")
    config, other, before = pair.config, pair.baseline_config, identity(pair)
    scores = identity(pair, learnt=False)
    assert not pair.built
    assert pair.baseline is not None and pair.built
    assert (pair.siam.config, pair.baseline.config) == (config, other)
    assert (identity(pair), identity(pair, learnt=False)) == (before, scores)
    assert pair.fold_templates is not None and set(pair.baseline.fitted) == {"vebi", "lcam_fm", "lcam_img"}
    assert replace(pair, card={}).siam is pair.siam
    with torch.no_grad():
        pair.siam.scenicness_head.bias += 1
    assert identity(pair) != before
    assert near(siam.explain(pair, photo()).bias, siam.explain(siam.load("photo", "cpu"), photo()).bias + 1)


def test_other_attributes_stay_errors(cache):
    with pytest.raises(AttributeError, match="no attribute 'networks'"):
        _ = siam.load("photo", "cpu", engine="openvino").networks  # type: ignore[attr-defined]


@pytest.mark.parametrize("file", ["siam.safetensors", "baseline.safetensors", "folds.safetensors", "vebi.safetensors"])
def test_files_that_were_damaged_since_are_noticed(file, cache, tmp_path):
    folder = shutil.copytree(BUNDLED / "photo", tmp_path / "photo")
    assert not siam.load(folder, "cpu", engine="openvino").built  # a copy is the same networks
    (folder / file).write_bytes((folder / file).read_bytes()[:-4])
    with pytest.raises(CheckpointError, match=file):
        siam.load(folder, "cpu", engine="openvino")


def test_files_that_are_replaced_after_loading_are_never_mixed(cache, tmp_path):
    folder = shutil.copytree(BUNDLED / "photo", tmp_path / "photo")
    pair = siam.load(folder, "cpu", engine="openvino")
    wanted = siam.explain(pair, photo())
    pair = siam.load(folder, "cpu", engine="openvino")
    shutil.copyfile(BUNDLED / "rendered" / "siam.safetensors", folder / "siam.safetensors")
    assert near(siam.explain(pair, photo()).contributions, wanted.contributions) and not pair.built
    with pytest.raises(CheckpointError, match="other networks than when it was loaded"):
        _ = pair.siam
    (folder / "vebi.safetensors").unlink()  # what explainers have learnt may change
    shutil.copyfile(BUNDLED / "photo" / "siam.safetensors", folder / "siam.safetensors")
    assert pair.baseline is not None and set(pair.baseline.fitted) == {"lcam_fm", "lcam_img"}
    assert near(siam.explain(pair, photo()).scenicness, wanted.scenicness)


def test_a_baseline_with_a_variance_is_computed_and_explained_like_any_other(cache, tmp_path):
    pair = Pair("spread", siam_network(predicts_variance=True), baseline_network(predicts_variance=True), {})
    save(pair, tmp_path)
    images, built = torch.randn(2, 3, 96, 128), siam.load(tmp_path, "cpu", engine="openvino")
    with torch.inference_mode():
        wanted = pair.baseline(images)
        for found in (built.baseline(images), Together(built.siam, built.baseline)(images)[1]):
            for name in ("scenicness", "total_map", "scenicness_variance"):
                assert near(getattr(found, name), getattr(wanted, name)), name
    unbuilt = siam.load(tmp_path, "cpu", engine="openvino")
    found, wanted = (siam.explain(of, photo()) for of in (unbuilt, pair))
    assert built.engine == "openvino" and not unbuilt.built
    for name in ("baseline_scenicness", "baseline_bias", "baseline_map", "scenicness_variance"):
        assert near(getattr(found, name), getattr(wanted, name)), name


def test_if_the_engine_fails_pytorch_takes_over_with_one_warning(cache, monkeypatch):
    def fail(*_arguments):
        raise RuntimeError("no such instruction")

    wanted = siam.explain(siam.load("photo", "cpu", engine="pytorch"), photo())
    pair = siam.load("photo", "cpu", engine="openvino")
    monkeypatch.setattr(compiled.Compiled, "run", fail)
    with pytest.warns(UserWarning, match="no such instruction") as said:
        found = [siam.explain(pair, photo()) for _time in range(2)]
    assert len(said) == 1 and pair.engine == "pytorch"
    assert near([one.scenicness for one in found], [wanted.scenicness] * 2)


def test_signals_are_handled_after_a_pair_was_dropped_in_another_thread(cache):
    program = (
        "import faulthandler, gc, os, signal, sys, threading; faulthandler.enable(); "
        "import siam; from siam.images import read_image; signal.signal(signal.SIGUSR1, lambda *_: None); "
        "pairs = [siam.load('photo', 'cpu', engine='openvino')]; siam.explain(pairs[0], read_image(sys.argv[1])); "
        "thread = threading.Thread(target=lambda: (pairs.clear(), gc.collect())); thread.start(); thread.join(); "
        "os.kill(os.getpid(), signal.SIGUSR1)"
    )
    subprocess.run([sys.executable, "-c", program, load_samples()[0].path], cwd=ROOT, check=True)


def test_pages_do_not_import_pytorch(cache):
    program = (
        "import sys; from tests.support.pages import opened; "
        "[opened(page) for page in ('templates', 'disagreements', 'map', 'what_if', 'label')]; "
        "assert 'torch' not in sys.modules"
    )
    answer = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, check=False)
    assert answer.returncode == 0, answer.stderr.decode()
