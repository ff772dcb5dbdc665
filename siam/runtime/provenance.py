"""Where a result comes from: what a card or a stored result records beside its figures."""

import subprocess
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any


def provenance() -> dict[str, Any]:
    """Return today's date, the project's commit (None outside a checkout) and the versions of the main libraries."""
    return {
        "git_commit": git_commit(),
        "trained": datetime.now(UTC).date().isoformat(),
        "versions": {name: version(name) for name in ("torch", "timm", "scikit-learn", "numpy")},
    }


_MADE = ("assets/results", "docs")  # results and what is printed from them, which other results do not depend on


def git_commit() -> str | None:
    """Return the project's commit, marked if files other than results have changed, or None outside a checkout."""
    if not _git("ls-files", Path(__file__).name):  # installed, perhaps inside another project's checkout
        return None
    commit = _git("rev-parse", "HEAD")
    places = (":/", *(f":(top,exclude){place}" for place in _MADE))
    changed = _git("status", "--porcelain", "--untracked-files=no", "--", *places)
    return commit and commit + (" with changes" if changed else "")


def _git(*arguments: str) -> str | None:
    try:
        answer = subprocess.run(
            ["git", *arguments], cwd=Path(__file__).parent, capture_output=True, text=True, check=False
        )
    except OSError:  # git is not installed
        return None
    return answer.stdout.strip() or None
