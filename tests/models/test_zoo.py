"""Networks of timm and torchvision: built without downloads, and shown the part of a photo that they can take."""

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from siam.cli.attribution import _case_of
from siam.models import zoo


@pytest.fixture
def photo():
    """A photo of 300 x 200 px whose left and right 50 px are black."""
    pixels = np.zeros((200, 300, 3), dtype=np.uint8)
    pixels[:, 50:250] = 200
    return Image.fromarray(pixels)


def expecting(fixed, height=64, width=64):
    return zoo.Input(height, width, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5), fixed)


def test_a_network_of_any_size_sees_the_whole_photo(photo):
    part, pixels = zoo.seen(photo, expecting(fixed=False))
    assert part.size == photo.size and pixels.shape == (1, 3, 64, 96)
    assert pixels.min() == -1  # the black margins


@pytest.mark.parametrize(
    ("height", "width", "size"), [(64, 64, (200, 200)), (32, 64, (300, 150)), (96, 48, (100, 200))]
)
def test_a_network_of_one_size_sees_the_largest_part_in_the_middle(photo, height, width, size):
    part, pixels = zoo.seen(photo, expecting(True, height, width))
    assert part.size == size and pixels.shape == (1, 3, height, width)
    middle = np.asarray(part)[0]
    assert np.array_equal(middle, middle[::-1])
    if size[0] <= 200:
        assert pixels.min() == pixels.max() == pytest.approx(200 / 255 * 2 - 1)


class OnlySquares(nn.Module):
    """A network that refuses other pictures than square ones."""

    def forward(self, images):
        """Return the means of the channels."""
        assert images.shape[2] == images.shape[3], "not square"
        return images.mean(dim=(2, 3))


def test_a_network_that_refuses_the_whole_photo_sees_the_middle(photo):
    case = _case_of(zoo.Loaded(OnlySquares(), expecting(fixed=False)), photo)
    assert case.photo.size == (200, 200) and case.pixels.shape == (1, 3, 64, 64)
    torch.testing.assert_close(case.outputs, torch.full((3,), 200 / 255 * 2 - 1))


def test_nothing_is_downloaded(monkeypatch):
    def refuse(*_given, **_settings):
        raise AssertionError("a download")

    monkeypatch.setattr("torch.hub.load_state_dict_from_url", refuse)
    monkeypatch.setattr("torchvision.models._api.load_state_dict_from_url", refuse)
    loaded = zoo.load("torchvision:lraspp_mobilenet_v3_large", "random")  # its backbone has weights of its own
    assert (loaded.expects.height, len(loaded.classes)) == (520, 21)
    assert not loaded.model.training
