"""What tests of pages share."""

import pytest

from ui.state.public import public


@pytest.fixture
def public_server(monkeypatch):
    """Make this process a public server for one test."""
    monkeypatch.setenv("SIAM_PUBLIC", "1")
    public.cache_clear()
    yield
    monkeypatch.undo()
    public.cache_clear()
