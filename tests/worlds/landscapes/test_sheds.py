"""Rendered sheds, halls, offices and silos."""

import pytest

from siam.worlds.landscapes.objects import sheds
from tests.worlds.landscapes.test_houses import check_object

REACH = {
    "metal_shed": 11, "rusty_barn": 8, "glass_hall": 14, "greenhouse": 10, "office_block": 13, "brick_office": 13,
    "scaffolded_house": 9, "silo": 10,
}  # fmt: skip


def test_every_object_is_documented():
    assert list(sheds.OBJECTS) == list(sheds.SHOWS) == list(sheds.HEIGHTS) == list(REACH)


@pytest.mark.parametrize("name", sheds.OBJECTS)
def test_sheds(name):
    check_object(sheds.OBJECTS[name], sheds.SHOWS[name], sheds.HEIGHTS[name], REACH[name])
