"""Where a result comes from: what its card or file says beside the figures."""

import subprocess
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any


def provenance() -> dict[str, Any]:
    """Return the day, the commit of the project (None outside a checkout) and the versions of the libraries."""
    return {
        "git_commit": git_commit(),
        "trained": datetime.now(UTC).date().isoformat(),
        "versions": {name: version(name) for name in ("torch", "timm", "scikit-learn", "numpy")},
    }


def git_commit() -> str | None:
    """Return the commit that the project is at, marked where files were changed since, or None outside a checkout."""
    if not _git("ls-files", Path(__file__).name):  # installed, perhaps in the folder of another project
        return None
    commit = _git("rev-parse", "HEAD")
    return commit and commit + (" with changes" if _git("status", "--porcelain", "--untracked-files=no") else "")


def _git(*arguments: str) -> str | None:
    try:
        answer = subprocess.run(
            ["git", *arguments], cwd=Path(__file__).parent, capture_output=True, text=True, check=False
        )
    except OSError:  # no git here
        return None
    return answer.stdout.strip() or None
