"""Many photos through a network: the figures of one by one, in order, with a bounded number of pictures in memory."""

import dataclasses
import threading
import time
import weakref

import numpy as np
import pytest
import torch
from PIL import Image

from siam.errors import ImageError
from siam.explanation import batch
from siam.explanation.batch import predict, predict_pair
from siam.images.preprocessing import preprocess
from siam.images.reading import read_image
from siam.models.checkpoint import Pair
from tests.support.networks import baseline_network, siam_network

SIZES = ((64, 48), (48, 64), (60, 60), (90, 40))


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("photos")
    random = np.random.default_rng(0)
    files = []
    for number in range(13):
        width, height = SIZES[int(random.integers(len(SIZES)))]
        files.append(folder / f"{number}.png")
        Image.fromarray(random.integers(0, 256, (height, width, 3), dtype=np.uint8)).save(files[-1])
    return tuple(files)


@pytest.fixture(scope="module")
def network():
    return siam_network()


def one_by_one(network, files):
    """Return scenicness and attribute scores of each photo by itself."""
    with torch.inference_mode():
        outputs = [network(preprocess(read_image(path), network.config)) for path in files]
    return (
        np.array([output.scenicness[0].item() for output in outputs]),
        np.stack([output.attribute_scores[0].numpy() for output in outputs]),
    )


def both(output):
    return output.scenicness, output.attribute_scores


@pytest.mark.parametrize(("batch_size", "workers"), [(1, 1), (3, 2), (8, 4), (50, 1)])
def test_batches_equal_one_by_one_in_the_order_of_the_files(network, photos, batch_size, workers):
    found = predict(network, photos, both, batch_size=batch_size, workers=workers)
    for column, expected in zip(found, one_by_one(network, photos), strict=True):
        assert column.dtype == np.float32
        np.testing.assert_allclose(column, expected, atol=1e-5)


def test_photos_that_take_different_times_still_stand_in_order(network, photos, monkeypatch):
    def slowly(path, **_settings):
        time.sleep(0.03 if int(path.stem) % 3 == 0 else 0)
        return read_image(path)

    expected = predict(network, photos, both)
    monkeypatch.setattr(batch, "read_image", slowly)
    for column, same in zip(predict(network, photos, both, batch_size=2, workers=4), expected, strict=True):
        np.testing.assert_allclose(column, same, atol=1e-5)


def test_photos_of_one_size_go_in_full_batches(network, photos):
    shapes = []
    handle = network.register_forward_pre_hook(lambda _module, inputs: shapes.append(tuple(inputs[0].shape)))
    try:
        predict(network, [photos[0]] * 10, both, batch_size=4)
    finally:
        handle.remove()
    assert [shape[0] for shape in shapes] == [4, 4, 2]


def test_pictures_in_memory_stay_few_even_when_all_sizes_differ(tmp_path, monkeypatch):
    batch_size, count = 2, 60
    config_sizes = [(32 * (1 + number % 30), 32 * (2 + number // 30)) for number in range(count)]
    files = [tmp_path / f"{number}.png" for number in range(count)]
    alive, most, lock = weakref.WeakSet(), 0, threading.Lock()

    def fake(path, _config):
        nonlocal most
        pixels = torch.full((1, 1, *config_sizes[int(path.stem)]), float(path.stem))
        with lock:
            alive.add(pixels)
            most = max(most, len(alive))
        return pixels

    class Mean(torch.nn.Module):
        """Says which photo it saw."""

        def __init__(self):
            super().__init__()
            self.config, self.nothing = siam_network().config, torch.nn.Parameter(torch.zeros(()))

        def forward(self, images):
            return images.mean(dim=(1, 2, 3))

    monkeypatch.setattr(batch, "read_image", lambda path, **_settings: path)
    monkeypatch.setattr(batch, "preprocess", fake)
    (found,) = predict(Mean(), files, lambda means: (means,), batch_size=batch_size)
    np.testing.assert_allclose(found, np.arange(count), rtol=1e-6)
    # four batches waiting, two read ahead, and the one that goes through the network
    assert most <= (4 + 2 + 1) * batch_size + 1 < count


def test_the_networks_leave_no_gradient_and_no_thread(network, photos):
    before = threading.active_count()
    found = predict(network, photos[:3], both)
    assert all(isinstance(column, np.ndarray) for column in found)
    assert threading.active_count() == before
    assert all(parameter.grad is None for parameter in network.parameters())


def test_a_photo_that_cannot_be_read_is_named(network, photos, tmp_path):
    bad = tmp_path / "bad.jpg"
    bad.write_bytes(b"no picture")
    before = threading.active_count()
    with pytest.raises(ImageError, match=r"bad\.jpg"):
        predict(network, [*photos[:3], bad, *photos[3:]], both)
    assert threading.active_count() == before


def test_reported_errors_skip_a_photo_and_leave_the_others_as_they_are(network, photos, tmp_path):
    bad = tmp_path / "bad.jpg"
    bad.write_bytes(b"no picture")
    errors = []
    files = [bad, *photos[:5], tmp_path / "missing.jpg", *photos[5:]]
    found = predict(
        network, files, both, batch_size=4, on_error=lambda place, error: errors.append((place, str(error)))
    )
    assert [place for place, _reason in errors] == [0, 6]
    assert "bad.jpg" in errors[0][1] and "missing.jpg" in errors[1][1]
    good = [place for place in range(len(files)) if place not in (0, 6)]
    for column, expected in zip(found, one_by_one(network, photos), strict=True):
        assert np.isnan(column[[0, 6]]).all()
        np.testing.assert_allclose(column[good], expected, atol=1e-5)


def test_nothing_to_score_is_said(network, tmp_path):
    with pytest.raises(ValueError, match="no photos"):
        predict(network, [], both)
    with pytest.raises(ImageError, match=r"none of the 2 photos.*a\.jpg"):
        predict(network, [tmp_path / "a.jpg", tmp_path / "b.jpg"], both, on_error=lambda *_told: None)


def test_a_border_that_leaves_no_cell_is_said(photos):
    with pytest.raises(ImageError, match=r"0\.png.*border"):
        predict(siam_network(border=2), photos[:1], both)


def test_progress_goes_to_stderr_only_when_described(network, photos, capsys, monkeypatch):
    predict(network, photos[:2], both)
    assert capsys.readouterr() == ("", "")
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    predict(network, photos[:2], both, description="scoring")
    out, err = capsys.readouterr()
    assert out == "" and "scoring: 100%" in err and "2/2" in err


def test_a_pair_reads_each_photo_once_and_scores_it_twice(network, photos, monkeypatch):
    read = []
    monkeypatch.setattr(batch, "read_image", lambda path, **settings: read.append(path) or read_image(path, **settings))
    baseline = baseline_network()
    found, scores = predict_pair(Pair("tiny", network, baseline, {}), photos, both, batch_size=4)
    assert sorted(read) == sorted(photos)
    for column, expected in zip(found, one_by_one(network, photos), strict=True):
        np.testing.assert_allclose(column, expected, atol=1e-5)
    (alone,) = predict(baseline, photos, lambda output: (output.scenicness,), batch_size=1)
    np.testing.assert_allclose(scores, alone, atol=1e-5)


def test_a_pair_of_different_inputs_gives_each_network_its_own(network, photos, tmp_path):
    baseline, errors = baseline_network(), []
    baseline.config = dataclasses.replace(baseline.config, image_size=64, mean=(0.1, 0.2, 0.3))
    files = [*photos[:3], tmp_path / "missing.jpg"]
    pair = Pair("tiny", network, baseline, {})
    found, scores = predict_pair(pair, files, both, on_error=lambda place, _error: errors.append(place))
    assert errors == [3]
    np.testing.assert_allclose(found[0][:3], one_by_one(network, photos[:3])[0], atol=1e-5)
    (alone,) = predict(baseline, photos[:3], lambda output: (output.scenicness,))
    np.testing.assert_allclose(scores[:3], alone, atol=1e-5)


def test_a_pair_without_a_baseline(network, photos):
    found, scores = predict_pair(Pair("tiny", network, None, {}), photos[:2], both)
    assert scores is None
    np.testing.assert_allclose(found[0], one_by_one(network, photos[:2])[0], atol=1e-5)
