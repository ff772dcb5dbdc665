"""Frozen features: right, computed once, and batched by size without mixing up the photos."""

import dataclasses

import numpy as np
import pytest
import torch
from PIL import Image, ImageOps

from siam.errors import ImageError
from siam.images.preprocessing import preprocess
from siam.images.reading import read_image
from siam.models import features
from tests.support.near import near
from tests.support.networks import siam_network


class CountingTrunk(torch.nn.Module):
    """One convolution with the stride of a real trunk that counts how often it runs."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.conv = torch.nn.Conv2d(3, 4, kernel_size=32, stride=32)
        self.calls = 0

    def forward(self, images):
        """Return features (N, 4, H / 32, W / 32)."""
        self.calls += 1
        return self.conv(images)


CONFIG = dataclasses.replace(siam_network().config, image_size=64)
SIZES = ((64, 64), (96, 64), (64, 128))  # (width, height): no scaling, so mirroring is exact


@pytest.fixture
def trunk():
    return CountingTrunk()


@pytest.fixture
def files(tmp_path):
    random = np.random.default_rng(0)
    paths = []
    for number, (width, height) in enumerate(SIZES):
        paths.append(tmp_path / f"{number}.png")
        Image.fromarray(random.integers(0, 256, (height, width, 3), dtype=np.uint8)).save(paths[-1])
    return paths


def cached(folder):
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def same(first, second):
    return all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


def test_extract_gives_what_the_trunk_says_of_each_photo(trunk, files, tmp_path):
    found = features.extract(trunk, CONFIG, files, tmp_path / "cache")
    assert [tuple(photo.shape) for photo in found] == [(2, 4, 2, 2), (2, 4, 2, 3), (2, 4, 4, 2)]
    for photo, path in zip(found, files, strict=True):
        assert photo.dtype == torch.float16
        with torch.no_grad():
            expected = trunk(preprocess(read_image(path), CONFIG))[0]
        assert torch.allclose(photo[0].float(), expected, atol=2e-3)


def test_second_view_is_that_of_the_flipped_photo(trunk, files, tmp_path):
    flipped = []
    for path in files:
        flipped.append(path.with_name(f"flipped-{path.name}"))
        ImageOps.mirror(Image.open(path)).save(flipped[-1])
    one = features.extract(trunk, CONFIG, files, tmp_path / "one")
    two = features.extract(trunk, CONFIG, flipped, tmp_path / "two")
    for photo, mirrored in zip(one, two, strict=True):
        assert torch.allclose(photo[1].float(), mirrored[0].float(), atol=2e-3)
        assert torch.allclose(photo[0].float(), mirrored[1].float(), atol=2e-3)
        assert not torch.allclose(photo[0].float(), photo[1].float(), atol=2e-2)


def test_second_call_does_not_run_the_trunk(trunk, files, tmp_path):
    first = features.extract(trunk, CONFIG, files, tmp_path / "cache")
    assert trunk.calls == len(files)
    second = features.extract(trunk, CONFIG, files, tmp_path / "cache")
    assert trunk.calls == len(files)
    assert same(first, second)
    (name,) = cached(tmp_path / "cache")  # one file, and no part of one
    assert name.endswith(".pt")


@pytest.mark.parametrize(
    "change", [{"image_size": 96}, {"size_multiple": 64}, {"mean": (0.1, 0.1, 0.1)}, {"std": (0.9, 0.9, 0.9)}]
)
def test_another_config_is_computed_anew(change, trunk, files, tmp_path):
    first = features.extract(trunk, CONFIG, files, tmp_path / "cache")
    second = features.extract(trunk, dataclasses.replace(CONFIG, **change), files, tmp_path / "cache")
    assert trunk.calls == 2 * len(files)
    assert len(cached(tmp_path / "cache")) == 2
    assert not near([photo.float() for photo in first], [photo.float() for photo in second])


def test_another_trunk_is_computed_anew(trunk, files, tmp_path):
    first = features.extract(trunk, CONFIG, files, tmp_path / "cache")
    with torch.no_grad():
        trunk.conv.bias[0] += 1
    second = features.extract(trunk, CONFIG, files, tmp_path / "cache")
    assert torch.allclose(second[0].float() - first[0].float(), torch.tensor([1.0, 0, 0, 0])[:, None, None], atol=2e-3)


def test_other_photos_are_computed_anew(trunk, files, tmp_path):
    first = features.extract(trunk, CONFIG, files, tmp_path / "cache")
    second = features.extract(trunk, CONFIG, files[::-1], tmp_path / "cache")
    for photo, again in zip(first, second[::-1], strict=True):
        assert torch.allclose(photo.float(), again.float(), atol=2e-3)  # half precision
    assert len(cached(tmp_path / "cache")) == 2


def test_a_photo_that_was_replaced_is_computed_anew(trunk, tmp_path):
    file = tmp_path / "photo.bmp"  # an uncompressed format: every picture of one size has as many bytes
    found = []
    for colour in ("green", "navy"):
        Image.new("RGB", (64, 64), colour).save(file)
        found.append(features.extract(trunk, CONFIG, [file], tmp_path / "cache")[0])
    assert trunk.calls == 2
    assert not torch.equal(*found)


def test_unreadable_photo_is_named_and_nothing_is_kept(trunk, files, tmp_path):
    for bad in (tmp_path / "missing.jpg", tmp_path / "fake.jpg"):
        (tmp_path / "fake.jpg").write_text("no picture")
        with pytest.raises(ImageError, match=bad.name):
            features.extract(trunk, CONFIG, [*files, bad], tmp_path / "cache")
    assert cached(tmp_path / "cache") == []


def mixed_features():
    random = torch.Generator().manual_seed(0)
    sizes = [(2, 3), (3, 2), (2, 3), (4, 4), (3, 2), (2, 3)]
    return [torch.randn(2, 5, *size, generator=random).half() for size in sizes]


def test_apply_keeps_the_order_of_photos_of_mixed_sizes():
    stored = mixed_features()
    photos, views = np.array([5, 1, 3, 0, 4, 2, 1, 5, 5]), np.array([0, 1, 1, 0, 0, 1, 0, 1, 0])
    sizes = []

    def head(x):
        sizes.append(tuple(x.shape[2:]))
        return x.mean(dim=(2, 3)), x.square().sum(dim=(1, 2, 3))

    means, sums = features.apply(head, (stored,), photos, views)
    assert len(sizes) == len(set(sizes)) == 3  # each size in one batch
    assert means.dtype == sums.dtype == torch.float32
    for position, (photo, view) in enumerate(zip(photos, views, strict=True)):
        alone = stored[photo][view].float()
        assert torch.allclose(means[position], alone.mean(dim=(1, 2)), atol=1e-6)
        assert torch.allclose(sums[position], alone.square().sum(), rtol=1e-5)


def test_apply_with_a_network_equals_one_photo_at_a_time():
    network = siam_network()
    channels = network.attribute_layer.in_channels
    stored = [torch.randn(2, channels, 2 + n % 3, 3).half() for n in range(7)]
    photos, views = np.array([6, 0, 3, 2, 5, 1, 4]), np.array([0, 1, 0, 1, 0, 1, 0])
    with torch.no_grad():
        (scores,) = features.apply(lambda x: (network.interpret(x).scenicness,), (stored,), photos, views)
        for score, photo, view in zip(scores, photos, views, strict=True):
            assert torch.allclose(score, network.interpret(stored[photo][view][None].float()).scenicness[0], atol=1e-4)
