"""Inference engines: the same numbers as PyTorch, and PyTorch wherever they cannot or must not compute."""

import copy
import subprocess
import sys
import warnings

import pytest
import torch

import siam
from siam.errors import EngineError
from siam.explainers import score_up
from siam.explainers.base import untouched
from siam.explainers.layers import block_layers, layers_and_gradients
from siam.explanation.batch import Together
from siam.models import compiled, engine, flowers
from siam.models.checkpoint import bundled
from tests.support.full_disk import full_disk
from tests.support.paths import ROOT

SIZES = ((1, 384, 512), (3, 160, 224), (2, 96, 416))  # N, H, W
CLOSE = 1e-3  # of a point, and of the largest value of a map


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    """A user's cache of its own, for all tests here: converting takes seconds."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(folder))
        patch.setenv("LOCALAPPDATA", str(folder))
        patch.setenv("HOME", str(folder))
        yield folder / "siam-explorer" / "engines"


@pytest.fixture(scope="module", params=bundled())
def pairs(request, cache):
    """A pair twice: by PyTorch, and by OpenVINO."""
    return [siam.load(request.param, "cpu", engine=name) for name in ("pytorch", "openvino")]


@pytest.fixture
def photo(cache):
    """The pair Photos, loaded anew."""
    return siam.load("photo", "cpu", engine="openvino")


def pictures(count, height, width):
    return torch.randn(count, 3, height, width, generator=torch.Generator().manual_seed(height))


@pytest.mark.parametrize("size", SIZES)
def test_scores_and_maps_are_those_of_pytorch(pairs, size):
    images = pictures(*size)
    with torch.inference_mode():
        plain, fast = ((pair.siam(images), pair.baseline(images)) for pair in pairs)
    assert engine.name_of(pairs[0].siam) == "pytorch" and engine.name_of(pairs[1].siam) == "openvino"
    for one, other in zip(plain, fast, strict=True):
        assert torch.allclose(one.scenicness, other.scenicness, atol=CLOSE)
        assert (one.total_map - other.total_map).abs().max() <= CLOSE * one.total_map.abs().max()
    maps = plain[0].attribute_maps
    assert (maps - fast[0].attribute_maps).abs().max() <= CLOSE * maps.abs().max()


def test_features_and_both_networks_at_once_are_those_of_pytorch(pairs):
    images, (plain, fast) = pictures(2, 128, 192), pairs
    with torch.inference_mode():
        for one, other in ((plain.siam, fast.siam), (plain.baseline, fast.baseline)):
            wanted, found = one.backbone(images), engine.features(other, images)
            assert (wanted - found).abs().max() <= CLOSE * wanted.abs().max()
        found = Together(fast.siam, fast.baseline)(images)
        for one, other in zip(found, (plain.siam(images), plain.baseline(images)), strict=True):
            assert torch.allclose(one.scenicness, other.scenicness, atol=CLOSE)


def test_gradients_and_hooks_are_pytorch_s(photo):
    images, seen = pictures(1, 96, 128), []
    with untouched(photo.baseline):
        ((features, gradient),) = layers_and_gradients(
            photo.baseline, images, score_up(), block_layers(photo.baseline, images, score_up(), ["backbone"])
        )
    assert features.shape == gradient.shape and gradient.abs().max() > 0
    handle = photo.baseline.backbone.net.blocks[2].register_forward_hook(lambda *call: seen.append(call))
    with torch.no_grad():
        photo.baseline(images)
    handle.remove()
    assert len(seen) == 1


def test_weights_that_change_after_loading_count(photo):
    images = pictures(1, 96, 128)
    with torch.no_grad():
        before = photo.siam(images).scenicness
        for parameter in photo.siam.backbone.parameters():
            parameter.mul_(1.01)
        after = photo.siam(images).scenicness
        copied = copy.deepcopy(photo.siam)(images).scenicness  # a copy has no engine
    assert abs(after - before) > 1e-4 and torch.allclose(after, copied)


def test_networks_are_converted_once(photo, cache, monkeypatch):
    images = pictures(1, 96, 128)
    with torch.no_grad():
        photo.siam(images)
        stored = sorted(cache.iterdir())
        monkeypatch.setattr(torch.jit, "trace", lambda *_, **__: pytest.fail("converted again"))
        siam.load("photo", "cpu", engine="openvino").siam(images)
    assert sorted(cache.iterdir()) == stored


def test_who_listens_to_a_network_does_not_hear_that_it_is_converted(tmp_path, monkeypatch):
    for name in ("XDG_CACHE_HOME", "LOCALAPPDATA", "HOME"):
        monkeypatch.setenv(name, str(tmp_path))  # nothing is converted yet
    model, heard = siam.load("rendered", "cpu", engine="openvino").baseline, []
    model.backbone.register_forward_hook(lambda *_: heard.append(1))
    with torch.inference_mode():
        engine.features(model, pictures(1, 96, 128))
    assert engine.name_of(model) == "openvino" and len(heard) == len(model.backbone._forward_hooks) == 1


@pytest.mark.parametrize("damage", ["cut", "gone"])
def test_a_damaged_cache_is_mended(photo, cache, damage):
    images = pictures(1, 96, 128)
    with torch.no_grad():
        wanted = photo.siam(images).scenicness
        for path in cache.glob("*/networks.*"):
            path.unlink() if damage == "gone" else path.write_bytes(path.read_bytes()[:100])
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            found = siam.load("photo", "cpu", engine="openvino").siam(images).scenicness
    assert torch.allclose(found, wanted, atol=CLOSE)


def test_the_cache_has_a_limit(cache, monkeypatch):
    monkeypatch.setattr(compiled, "CACHE_BYTES", 1)
    for path in cache.glob("*/networks.*"):
        path.unlink()
    with torch.no_grad():
        siam.load("photo", "cpu", engine="openvino").siam(pictures(1, 96, 128))
    assert len(list(cache.iterdir())) == 1  # the one that is in use


def test_a_machine_whose_cache_cannot_be_written_works(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setattr(compiled, "user_cache", lambda: tmp_path / "file")
    pair = siam.load("photo", "cpu", engine="openvino")
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("error")
        pair.siam(pictures(1, 96, 128))
    assert engine.name_of(pair.siam) == "openvino"


def test_a_full_cache_is_no_failure_of_the_engine(tmp_path, monkeypatch):
    monkeypatch.setattr(compiled, "user_cache", lambda: tmp_path)
    pair = siam.load("rendered", "cpu", engine="openvino")
    with full_disk(100_000), torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("error")
        pair.siam(pictures(1, 96, 128))
    assert engine.name_of(pair.siam) == "openvino" and not list((tmp_path / "engines").iterdir())


def test_if_it_fails_pytorch_takes_over_with_one_warning(photo, monkeypatch):
    def fail(*_arguments):
        raise RuntimeError("no such instruction")

    monkeypatch.setattr(compiled.Compiled, "run", fail)
    images = pictures(1, 96, 128)
    with torch.no_grad(), pytest.warns(UserWarning, match="no such instruction") as said:
        found = [network(images).scenicness for network in (photo.siam, photo.baseline, photo.siam)]
    assert len(said) == 1 and torch.equal(found[0], found[2]) and engine.name_of(photo.siam) == "pytorch"


def test_an_unknown_engine_is_one_sentence(monkeypatch):
    with pytest.raises(EngineError, match="no engine 'warp': choose auto, openvino or pytorch"):
        siam.load("photo", "cpu", engine="warp")
    monkeypatch.setenv(compiled.VARIABLE, "warp")
    with pytest.raises(EngineError, match=r"'warp' \(from SIAM_ENGINE\)"):
        siam.load("photo", "cpu")
    monkeypatch.setenv(compiled.VARIABLE, "pytorch")
    assert engine.name_of(siam.load("photo", "cpu").siam) == "pytorch"


def test_nothing_is_reported_to_anybody():
    """OpenVINO's wheel brings a package that sends usage statistics when it is imported."""
    program = (
        "import sys, siam.models.compiled as e; assert e.chosen() == 'openvino'; "
        "assert not any(name.startswith('openvino_telemetry.') for name in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], check=True, cwd=ROOT)


def test_passes_are_counted_whatever_computes(pairs):
    images = pictures(3, 96, 128)
    for pair in pairs:
        count = engine.PassCount()
        handle = pair.baseline.backbone.register_forward_hook(count)
        with torch.no_grad():
            pair.baseline(images)
            pair.baseline(images[:1])
        handle.remove()
        assert count.passes == 4
        assert engine.name_of(pair.baseline) == ("pytorch" if pair is pairs[0] else "openvino")


def test_copies_for_work_beside_the_original_have_an_engine_of_their_own(photo):
    images = pictures(1, 96, 128)
    with torch.no_grad():
        wanted = photo.baseline(images).scenicness
        twin = engine.copied(photo.baseline)
        for parameter in photo.baseline.backbone.parameters():
            parameter.mul_(1.01)
        found = twin(images).scenicness
        assert engine.name_of(twin) == "openvino" and twin.engine is not photo.baseline.engine
        assert torch.allclose(found, wanted, atol=CLOSE)
        assert engine.name_of(engine.copied(photo.baseline)) == "pytorch"  # it is not what is in the cache


@pytest.mark.parametrize("name", flowers.bundled())
def test_flower_networks_and_their_classes_too(name, cache, monkeypatch):
    images = pictures(2, 96, 96)
    monkeypatch.setenv(compiled.VARIABLE, "pytorch")
    plain = flowers.load(name, "cpu")
    monkeypatch.setenv(compiled.VARIABLE, "openvino")
    fast = flowers.load(name, "cpu")
    with torch.no_grad():
        assert torch.allclose(plain(images), fast(images), atol=CLOSE)
        for label in (0, len(fast.class_names) - 1):
            one, other = plain.of_class(label), fast.of_class(label)
            assert engine.name_of(other) == "openvino" and engine.name_of(one) == "pytorch"
            assert torch.allclose(one(images).scenicness, other(images).scenicness, atol=CLOSE)
            assert torch.allclose(other(images).scenicness, fast(images)[:, label], atol=CLOSE)
