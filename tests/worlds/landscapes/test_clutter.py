"""Rendered rubbish, wood, cloth, bales and stones."""

import pytest

from siam.worlds.landscapes.objects import clutter
from tests.worlds.landscapes.test_houses import check_object

REACH = {
    "rubbish_heap": 4, "scrap_metal": 5.5, "litter": 2.8, "log_pile": 5.5, "pallets": 3.5, "tent": 2.5,
    "tents_group": 10, "washing_line": 4, "flags": 10, "parasols": 8, "hay_bales": 10, "boulder": 3.5, "boulders": 6,
    "fallen_trunk": 4.5,
}  # fmt: skip


def test_every_object_is_documented():
    assert list(clutter.OBJECTS) == list(clutter.SHOWS) == list(clutter.HEIGHTS) == list(REACH)


@pytest.mark.parametrize("name", clutter.OBJECTS)
def test_clutter(name):
    check_object(clutter.OBJECTS[name], clutter.SHOWS[name], clutter.HEIGHTS[name], REACH[name])
