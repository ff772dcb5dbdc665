"""A client whose waits are written down instead of waited."""

import pytest

from siam.datasets.downloads.web import Patience, Web


@pytest.fixture
def pauses():
    return []


@pytest.fixture
def web(pauses):
    with Web(Patience(silence=5), sleep=pauses.append) as web:
        yield web
