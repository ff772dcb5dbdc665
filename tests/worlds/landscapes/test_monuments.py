"""Rendered ruins, towers, temples, pagodas and chapels."""

import pytest

from siam.worlds.landscapes.objects import monuments
from tests.worlds.landscapes.test_houses import check_object

REACH = {"ruin": 9, "castle_tower": 13, "temple": 15, "pagoda": 8, "chapel": 10}


def test_every_object_is_documented():
    assert list(monuments.OBJECTS) == list(monuments.SHOWS) == list(monuments.HEIGHTS) == list(REACH)


@pytest.mark.parametrize("name", monuments.OBJECTS)
def test_monuments(name):
    check_object(monuments.OBJECTS[name], monuments.SHOWS[name], monuments.HEIGHTS[name], REACH[name])
