"""What the tests of archives share."""

import pytest

from tests.archive.made import stored_pair


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """Return a tiny pair in files."""
    return stored_pair(tmp_path_factory.mktemp("networks"))
