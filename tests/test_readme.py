"""README's commands use files that exist, and what is stored of the pair Photos is what its card says."""

import json
import re

from siam.evaluation import stored
from siam.training.heads import cross_validation
from tests.support.paths import ROOT

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
