"""Where the bundled files are: beside the packages in a checkout, inside them once installed."""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent.parent
ASSETS = _PACKAGE / "assets" if (_PACKAGE / "assets").is_dir() else _PACKAGE.parent / "assets"
