"""Where the bundled files are (beside the packages in a checkout, inside them once installed), and the user's cache."""

import os
import sys
import tempfile
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent.parent
ASSETS = _PACKAGE / "assets" if (_PACKAGE / "assets").is_dir() else _PACKAGE.parent / "assets"
DASHBOARD = _PACKAGE / "dashboard" if (_PACKAGE / "dashboard").is_dir() else _PACKAGE.parent  # app.py, pages/ and ui/

GALLERY_VARIABLE, MODEL_VARIABLE = "SIAM_GALLERY", "SIAM_MODEL"  # with what the dashboard begins


def user_cache() -> Path:
    """Return the folder for what can be made or fetched again, in the user's cache folder; it may not exist yet.

    A user without a home, as in a container, has it in the folder for temporary files.
    """
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or _home("AppData", "Local")
    elif sys.platform == "darwin":
        base = _home("Library", "Caches")
    else:
        base = os.environ.get("XDG_CACHE_HOME") or _home(".cache")
    return Path(base) / "siam-explorer"


def _home(*below: str) -> Path:
    try:
        return Path.home().joinpath(*below)
    except RuntimeError:
        return Path(tempfile.gettempdir())
