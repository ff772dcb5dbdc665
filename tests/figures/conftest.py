"""What the tests of maps share: a gallery whose photos have places."""

import numpy as np
import pytest

from tests.support.places import read_placed


@pytest.fixture(scope="session")
def cases(tmp_path_factory):
    return read_placed(tmp_path_factory.mktemp("map"))


@pytest.fixture
def rows(cases):
    """The photos that have a place."""
    return np.flatnonzero(cases.placed)
