"""README's commands, links and figures are true."""

import json
import re

from siam.evaluation import stored
from siam.results import explainers
from siam.results.truths import truth_tables
from siam.training.heads import cross_validation
from tests.support.paths import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
SOURCES = {"oasis_scenes": "OASIS, outdoor scenes", "vessel_landscapes": "Vessel, nature"}


def test_figures_are_those_of_the_card():
    metrics = json.loads((ROOT / "assets" / "models" / "photo" / "card.json").read_text())["metrics"]
    text = " ".join(README.split())
    for source, title in SOURCES.items():
        siam, frozen, baseline = (metrics[variant][source] for variant in ("siam", "siam-frozen", "baseline"))
        cells = [title, str(siam["n"])]
        cells += [f"{one['kendall_tau']:.2f} ± {one['kendall_tau_sd']:.2f}" for one in (siam, frozen, baseline)]
        cells += [f"{one['rmse']:.2f}" for one in (siam, baseline)]
        assert f"| {' | '.join(cells)} |" in README
    sun, alone = metrics["sun_test"], metrics["f_alone"]
    words = f"{sun['mean_average_precision']:.2f} over {sun['attributes']} attributes (chance {sun['chance']:.2f}); "
    assert f"{words}before it learned scores, f alone reached {alone['mean_average_precision']:.2f}." in text
    places, without = sun["places"], metrics["without_regions"]["places"]
    words = f"{places['pixel_ap']:.2f} over {places['attributes']} attributes (chance {places['chance']:.2f}); "
    assert f"{words}without region supervision {without['pixel_ap']:.2f}." in text


def test_the_stored_result_is_that_of_the_card():
    folder = ROOT / "assets" / "models" / "photo"
    card = json.loads((folder / "card.json").read_text())
    assert stored.read(ROOT / "assets" / "results" / "photo.json") == cross_validation.result(card, "photo")


def test_tables_of_rendered_scenes_are_those_stored():
    results = {
        name: stored.read(ROOT / "assets" / "results" / f"{name}.json") for name in ("rendered", "rendered-frozen")
    }
    whole, frozen = results["rendered"].figures, results["rendered-frozen"].figures
    named = {"SIAM": whole["siam"], "SIAM, no fine-tuning": frozen["siam-frozen"], "baseline": whole["baseline"]}
    for name, of in named.items():
        figures = of.to_json()
        cells = [
            f"{figures[key]:.2f} ({figures[f'{key}_interval'][0]:.2f} to {figures[f'{key}_interval'][1]:.2f})"
            for key in ("kendall_tau", "rmse")
        ]
        assert f"| {name} | {' | '.join(cells)} |" in README
    printed = truth_tables([results["rendered"]], markdown=True)
    rows = [line for line in printed.splitlines() if line.startswith("|")]
    assert len(rows) > 15 and all(row in README for row in rows)


def test_tables_of_explainers_are_those_stored():
    printed = explainers.tables(stored.read_all(stored.STORED).values(), markdown=True)
    lines = [line for line in printed.splitlines() if line.startswith(("|", "- ", "`python"))]
    assert len(lines) > 35
    for line in lines:
        assert line in README, line


def test_local_links_lead_somewhere():
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        if not target.startswith("http"):
            assert (ROOT / target).exists(), target


def test_commands_use_files_that_exist():
    for name in re.findall(r"-r (\S+\.txt)", README) + re.findall(r"recipes/\S+\.toml", README) + ["app.py"]:
        assert (ROOT / name).exists(), name
