"""README's commands use files that exist, and what is stored of the pair Photos is what its card says."""

import json
import re

from siam.evaluation import stored
from siam.training.heads import cross_validation
from tests.support.paths import ROOT
from tests.support.server import GROUPS, NAMES

README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_stored_result_is_that_of_the_card():
    folder = ROOT / "assets" / "models" / "photo"
    card = json.loads((folder / "card.json").read_text())
    assert stored.read(ROOT / "assets" / "results" / "photo.json") == cross_validation.result(card, "photo")


def test_commands_use_files_that_exist():
    names = re.findall(r"-[rc] (\S+\.txt)", README)
    assert len(names) >= 3
    for name in [*names, "app.py"]:
        assert (ROOT / name).exists(), name


def test_the_table_of_pages_has_the_groups_of_the_navigation():
    table = README.partition("## What each page answers")[2].partition("\n## ")[0]
    names = [name.strip("* ") for name in re.findall(r"^\| ([^|]+?) \|", table, re.MULTILINE)][1:]
    assert names == [*NAMES, *(name for group, pages in GROUPS.items() for name in (group, *pages))]
