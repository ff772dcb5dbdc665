"""Nothing knows the paper's list of attributes but what reads the paper's data, its weights, and the rendered world."""

import ast
from pathlib import Path

import pytest

from siam.datasets.sun_attributes import ATTRIBUTES
from tests.support.paths import ROOT

KNOWING = (
    "siam/datasets/sun_attributes.py",  # the paper's data
    "siam/datasets/human_masks.py",  # what people outlined, in the paper's words
    "siam/datasets/rendered/",
    "siam/worlds/",
    "ui/lesson/steps.py",  # a lesson on the bundled pairs: one step edits the wires of a rendered landscape
    "siam/models/official.py",  # the authors' weights
    "siam/results/paper.py",  # the paper's tables
)
IN_OTHER_SENSES = {"flowers"}  # the world of rendered flowers
SOURCES = [
    path.relative_to(ROOT).as_posix()
    for folder in ("siam", "ui", "pages")
    for path in sorted((ROOT / folder).rglob("*.py"))
]


def constants(name: str) -> set[object]:
    """Return the constants of a module's code; docstrings and messages hold no name alone."""
    tree = ast.parse((ROOT / name).read_text(encoding="utf-8"))
    return {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)}


@pytest.mark.parametrize("name", [name for name in SOURCES if not name.startswith(KNOWING)])
def test_no_module_knows_the_papers_words_or_their_number(name):
    found = constants(name)
    assert len(ATTRIBUTES) not in {of for of in found if type(of) is int}
    assert not {of for of in found if of in ATTRIBUTES} - IN_OTHER_SENSES


def test_those_that_know_them_are_there():
    assert all((ROOT / name).exists() for name in KNOWING)
    assert set(ATTRIBUTES) <= constants(Path("siam/datasets/sun_attributes.py").as_posix())
