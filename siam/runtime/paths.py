"""Where the bundled files are (beside the packages in a checkout, inside them once installed), and the user's cache."""

import os
import sys
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent.parent
ASSETS = _PACKAGE / "assets" if (_PACKAGE / "assets").is_dir() else _PACKAGE.parent / "assets"


def user_cache() -> Path:
    """Return the folder for what can be made or fetched again, in the user's cache folder; it may not exist yet."""
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local"
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "siam-explorer"
