"""Views and minibatches: what each step sees depends on its number alone."""

import os
import signal
from collections import Counter
from itertools import islice

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from siam.errors import ImageError, TrainingError, WorkerError
from siam.images.preprocessing import normalise
from siam.training.end_to_end.augmentation import Augmentation
from siam.training.end_to_end.minibatches import Minibatches, Source, errors_of_workers, load
from tests.support.networks import siam_network

CONFIG = siam_network().config
AUGMENTATION = Augmentation(short_side=40, crop=32, rotation=5, mirror=True)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = tmp_path_factory.mktemp("photos")
    paths = tuple(folder / f"{number}.png" for number in range(7))
    for number, path in enumerate(paths):
        Image.fromarray(np.random.default_rng(number).integers(0, 256, (45, 50, 3), dtype=np.uint8)).save(path)
    return paths


def minibatches(files, batch=4, **settings):
    values = {"scores": np.arange(len(files), dtype=np.float32)}
    settings = {"seed": 1, **settings}
    return Minibatches({"rated": Source(files, values, batch)}, AUGMENTATION, CONFIG, **settings)


def gradient_picture(width=50, height=40):
    across = np.linspace(0, 255, width)[None, :].repeat(height, axis=0)
    down = np.linspace(0, 255, height)[:, None].repeat(width, axis=1)
    return Image.fromarray(np.stack([across, down, across * 0], axis=2).astype(np.uint8))


@given(width=st.integers(20, 90), height=st.integers(20, 90), crop=st.integers(8, 40), seed=st.integers(0, 9))
def test_view_is_a_square_of_the_crop(width, height, crop, seed):
    view = Augmentation(40, crop, 5.0)(Image.new("RGB", (width, height)), np.random.default_rng(seed))
    assert view.size == (crop, crop)


def test_view_is_a_window_of_the_scaled_photo():
    picture = gradient_picture()
    view = np.array(Augmentation(40, 30, 0.0, mirror=False)(picture, np.random.default_rng(4)))
    pixels = np.array(picture)
    places = [(y, x) for y in range(11) for x in range(21) if np.array_equal(pixels[y : y + 30, x : x + 30], view)]
    assert len(places) == 1


def test_views_reach_every_corner_and_are_mirrored_half_of_the_time():
    generator = np.random.default_rng(0)
    augment = Augmentation(40, 30, 0.0, mirror=True)
    views = [np.array(augment(gradient_picture(), generator)) for _ in range(300)]
    mirrored = [view[0, 0, 0] > view[0, -1, 0] for view in views]
    assert 0.4 < np.mean(mirrored) < 0.6
    upright = [view for view, turned in zip(views, mirrored, strict=True) if not turned]
    assert {int(view[0, 0, 1]) for view in upright} >= {0}
    assert max(int(view[-1, -1, 1]) for view in upright) == 255
    assert max(int(view[-1, -1, 0]) for view in upright) == 255


def test_rotation_turns_both_ways_by_no_more_than_asked():
    line = np.zeros((101, 101, 3), dtype=np.uint8)
    line[50] = 255
    heights = []
    for seed in range(60):
        view = np.array(Augmentation(101, 101, 5.0, mirror=False)(Image.fromarray(line), np.random.default_rng(seed)))
        heights.append(int(view[:, 90, 0].argmax()) - 50)
    assert min(heights) < -2 and max(heights) > 2
    assert max(map(abs, heights)) <= np.ceil(40 * np.tan(np.radians(5))) + 1


@pytest.mark.parametrize("settings", [{"short_side": 30, "crop": 31}, {"crop": 0}, {"rotation": -1.0}])
def test_impossible_views_are_refused(settings):
    with pytest.raises(ValueError, match="expected"):
        Augmentation(**settings)


@pytest.mark.parametrize("batch", [1, 3, 4, 10])
def test_every_photo_comes_once_before_any_comes_again(files, batch):
    data = minibatches(files, batch)
    steps = 21
    seen = [data.photo_at(place, "rated") for step in range(steps) for place in data.places(step, "rated")]
    for turn in range(len(seen) // len(files)):
        assert sorted(seen[turn * 7 : (turn + 1) * 7]) == list(range(7))
    assert len({tuple(seen[turn * 7 : turn * 7 + 7]) for turn in range(2)}) == 2 or batch * steps < 14


def test_processes_share_what_one_would_see(files):
    alone = minibatches(files)
    shares = [minibatches(files, process=process, processes=2) for process in range(2)]
    for step in range(5):
        whole = alone[step]["rated"]
        parts = [share[step]["rated"] for share in shares]
        assert torch.equal(whole["images"][0::2], parts[0]["images"])
        assert torch.equal(whole["images"][1::2], parts[1]["images"])
        assert torch.equal(whole["scores"], torch.stack([part["scores"] for part in parts], dim=1).flatten())


def test_minibatches_depend_on_step_and_seed_alone(files):
    first, again, other = minibatches(files), minibatches(files), minibatches(files, seed=2)
    assert torch.equal(first[3]["rated"]["images"], again[3]["rated"]["images"])
    assert not torch.equal(first[3]["rated"]["images"], other[3]["rated"]["images"])
    assert not torch.equal(first[0]["rated"]["images"], first[7]["rated"]["images"])  # same place in another turn


def test_values_go_with_their_photos(files):
    minibatch = minibatches(files, batch=7)[0]["rated"]
    plain = Minibatches(
        {"rated": Source(files, {"scores": np.arange(7, dtype=np.float32)}, 7)},
        Augmentation(45, 45, 0.0, mirror=False),
        CONFIG,
        seed=1,
    )[0]["rated"]
    assert torch.equal(minibatch["scores"], plain["scores"])
    for picture, score in zip(plain["images"], plain["scores"], strict=True):
        whole = normalise(Image.open(files[int(score)]), CONFIG)[0]
        windows = [whole[:, :, x : x + 45] for x in range(6)]
        assert any(torch.equal(picture, window) for window in windows)


@pytest.mark.parametrize("workers", [0, 2])
def test_loading_starts_anywhere_and_keeps_the_order(files, workers):
    data = minibatches(files)
    for step, minibatch in zip(range(2, 5), islice(load(data, range(2, 9), workers), 3), strict=True):
        assert torch.equal(minibatch["rated"]["images"], data[step]["rated"]["images"])


def test_minibatch_that_cannot_be_shared_is_refused(files):
    with pytest.raises(TrainingError, match=r"4 rated photos .* 3 processes"):
        minibatches(files, processes=3)


def test_kinds_are_shuffled_apart(files):
    values = {"scores": np.arange(7, dtype=np.float32)}
    data = Minibatches({kind: Source(files, values, 7) for kind in ("rated", "labelled")}, AUGMENTATION, CONFIG, seed=1)
    orders = Counter(tuple(data.photo_at(place, kind) for place in range(7)) for kind in data.sources)
    assert len(orders) == 2


@pytest.mark.parametrize("rotation", [0.0, 8.0])
def test_regions_see_the_view_that_the_network_sees(tmp_path, rotation):
    """Masks painted in the very colours of the photo: what is red in the view is what its region says."""
    owner = np.zeros((45, 50), dtype=np.uint8)
    owner[5:30, 8:26], owner[25:40, 20:48] = 1, 2
    colours = np.array([[0, 0, 0], [255, 0, 0], [0, 255, 0]], dtype=np.uint8)
    path = tmp_path / "1.png"
    Image.fromarray(colours[owner]).save(path)
    member = np.array([[False, True, False], [False, False, True], [False, True, True]])  # the third is the union
    source = Source(
        (path,), {"labels": np.zeros((1, 3), dtype=np.float32)}, 6, lambda _path: (Image.fromarray(owner), member)
    )
    augmentation = Augmentation(90, 64, rotation, mirror=True)
    found = Minibatches({"labelled": source}, augmentation, CONFIG, seed=3)[0]["labelled"]
    std, mean = (torch.tensor(of).view(1, 3, 1, 1) for of in (CONFIG.std, CONFIG.mean))
    pixels = found["images"] * std + mean
    seen = torch.nn.functional.avg_pool2d(pixels, 16)  # (6, 3, 4, 4)
    assert found["regions"].shape == (6, 3, 4, 4)
    assert torch.allclose(found["regions"][:, 0], seen[:, 0], atol=0.03)
    assert torch.allclose(found["regions"][:, 1], seen[:, 1], atol=0.03)
    assert torch.allclose(found["regions"][:, 2], found["regions"][:, :2].sum(dim=1), atol=1e-5)
    assert len({tuple(region.flatten().tolist()) for region in found["regions"]}) > 1


def end_of_a_worker(_step):
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_killed_worker_is_told_in_one_line(files, monkeypatch):
    data = minibatches(files)
    monkeypatch.setattr(type(data), "__getitem__", lambda _self, step: end_of_a_worker(step))
    with (
        pytest.raises(WorkerError, match="ended from outside, as when memory runs out: run the command"),
        errors_of_workers(),
    ):
        list(load(data, range(4), 1))


def test_what_a_worker_raises_is_told_without_its_traceback(files, monkeypatch):
    def refuse(_self, _step):
        raise ImageError("7.jpg cannot be read: replace it")

    data = minibatches(files)
    monkeypatch.setattr(type(data), "__getitem__", refuse)
    with pytest.raises(ImageError) as caught, errors_of_workers():
        list(load(data, range(4), 1))
    assert str(caught.value) == "7.jpg cannot be read: replace it"
