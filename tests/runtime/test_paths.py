"""Where things are kept, for users with a home and without one."""

from pathlib import Path

import pytest

from siam.runtime.paths import user_cache


def test_a_user_without_a_home_has_a_cache_all_the_same(monkeypatch):
    def refuse():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", refuse)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.delenv("LOCALAPPDATA", raising=False)
    assert user_cache().parent.is_dir()


@pytest.mark.parametrize("below", ["", "deeper"])
def test_the_usual_variable_decides(monkeypatch, tmp_path, below):
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / below))
    assert user_cache() == tmp_path / below / "siam-explorer"
