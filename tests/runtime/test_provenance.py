"""A stored result names the commit of the code that made it, and says if that was not all."""

import shutil
import subprocess
import sys

import pytest

from tests.support.paths import ROOT

MODULE = "siam/runtime/provenance.py"
PRINT = "from siam.runtime.provenance import git_commit; print(git_commit())"


@pytest.fixture
def checkout(tmp_path):
    """The module that tells the commit, and a result, in a repository of their own."""
    for name in ("siam/__init__.py", "siam/runtime/__init__.py", "assets/results/found.json"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    shutil.copy(ROOT / MODULE, tmp_path / MODULE)
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", "-A")
    git(tmp_path, "-c", "user.name=A", "-c", "user.email=a@example.org", "commit", "-qm", "All")
    return tmp_path


def git(folder, *words):
    return subprocess.run(["git", *words], cwd=folder, capture_output=True, text=True, check=True).stdout.strip()


def commit_seen(folder):
    words = [sys.executable, "-B", "-c", PRINT]
    return subprocess.run(words, cwd=folder, capture_output=True, text=True, check=True).stdout.strip()


def test_changed_code_is_told_and_changed_results_are_not(checkout):
    head = git(checkout, "rev-parse", "HEAD")
    assert commit_seen(checkout) == head
    (checkout / "assets" / "results" / "found.json").write_text('{"new": 1}')
    (checkout / "other.txt").write_text("not part of the project")
    assert commit_seen(checkout) == head
    with (checkout / "siam" / "__init__.py").open("a") as file:
        file.write("# changed")
    assert commit_seen(checkout) == f"{head} with changes"


def test_outside_a_checkout_there_is_none(checkout):
    shutil.rmtree(checkout / ".git")
    git(checkout, "init", "-q")  # somebody else's project, in which this one is installed
    assert commit_seen(checkout) == "None"
