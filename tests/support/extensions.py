"""Extensions as another author would write them: one file, loaded from a temporary folder."""

import importlib
import sys
from pathlib import Path
from types import ModuleType

import pytest


def load_module(folder: Path, name: str, text: str, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Write a module into a folder and import it; forget it after the test."""
    (folder / f"{name}.py").write_text(text, encoding="utf-8")
    monkeypatch.syspath_prepend(folder)
    monkeypatch.delitem(sys.modules, name, raising=False)
    importlib.invalidate_caches()
    module = importlib.import_module(name)
    del sys.modules[name]
    monkeypatch.setitem(sys.modules, name, module)  # which was absent, so the end of the test removes it
    return module
