"""README's commands, links and figures are true."""

import json
import re

from tests.server import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
SOURCES = {"oasis_scenes": "OASIS, outdoor scenes", "vessel_landscapes": "Vessel, nature"}


def test_figures_are_those_of_the_card():
    metrics = json.loads((ROOT / "assets" / "models" / "photo" / "card.json").read_text())["metrics"]
    for source, title in SOURCES.items():
        siam, baseline = metrics["siam"][source], metrics["baseline"][source]
        cells = [title, str(siam["n"])]
        cells += [f"{model['kendall_tau']:.2f} ± {model['kendall_tau_sd']:.2f}" for model in (siam, baseline)]
        cells += [f"{model['rmse']:.2f}" for model in (siam, baseline)]
        assert f"| {' | '.join(cells)} |" in README
    sun = metrics["sun_test"]
    words = f"{sun['mean_average_precision']:.2f} over {sun['attributes']} attributes (chance {sun['chance']:.2f})"
    assert words in README


def test_local_links_lead_somewhere():
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        if not target.startswith("http"):
            assert (ROOT / target).exists(), target


def test_commands_use_files_that_exist():
    for name in re.findall(r"-r (\S+\.txt)", README) + re.findall(r"recipes/\S+\.toml", README) + ["app.py"]:
        assert (ROOT / name).exists(), name
