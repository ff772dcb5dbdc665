"""The page Results: every view, its numbers those of the files, its empty and broken states; and what About shows."""

import base64
import dataclasses
import json
import re
import shutil

import numpy as np
import pytest

import siam
from siam.datasets.base import RatingScale
from siam.errors import DatasetError
from siam.evaluation.stored import STORED, paths, read_all
from siam.explainers.references import REFERENCES
from siam.explainers.registry import title
from siam.figures.results import shares_figure
from siam.gallery import store
from siam.gallery.cases import read_cases
from siam.gallery.samples import load_samples
from siam.models import card as cards
from siam.models.checkpoint import BUNDLED, Pair, save
from siam.reports import citation
from siam.reports.prints import chart_print
from siam.results import explainers, paper, speed
from siam.results.doubt import trust
from siam.results.scores import figure_text
from tests.support.networks import baseline_network, siam_network
from tests.support.pages import FOLDER, button, opened, texts
from tests.support.paths import ROOT
from tests.support.speed import speed_run
from ui.results.views import VIEWS
from ui.state import chosen, resources
from ui.state.markdown import plain

RAW = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in paths(STORED)}
SPEED = [json.loads(path.read_text(encoding="utf-8")) for path in speed.paths()]
PAIRS = ("Photos", "Rendered")
EVALUATIONS = [view for view in VIEWS if view not in ("How sure", "With context", "Speed", "Model cards")]  # of stored
SAID = [
    *(("flowers", "sise", worse, "holds") for worse in ("rise", "grad_cam", "score_cam")),
    ("flowers", "vebi", "grad_cam", "holds"),
    *(("flowers", head, "grad_cam", "cannot tell") for head in ("lcam_fm", "lcam_img")),
    *(("scenes", "sise", worse, "cannot tell") for worse in ("rise", "grad_cam", "score_cam")),
    ("scenes", "lcam_fm", "grad_cam", "cannot tell"),
    ("scenes", "lcam_img", "grad_cam", "does not hold"),
    ("scenes", "vebi", "grad_cam", "does not hold"),
    *(("scenes-siam", "siam", worse, "cannot tell") for worse in ("grad_cam", "occlusion", "rise")),
    ("photos", "siam", "occlusion", "holds"),
    *(("photos", "siam", worse, "cannot tell") for worse in ("grad_cam", "rise")),
]
OUTLINED = next(raw for raw in RAW.values() if raw["model"] == "photo" and "masks" in raw["figures"].get("siam", {}))


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A copy of the stored results, to be spoiled."""
    shutil.copytree(STORED, tmp_path / "results")
    monkeypatch.setattr("siam.evaluation.stored.STORED", tmp_path / "results")
    return tmp_path / "results"


def at(page, **parameters):
    """The app at a page, where one gets from the first one, with the parameters of an address."""
    return go(
        opened(**{name: value for name, value in parameters.items() if name in ("pair", "gallery")}), page, **parameters
    )


def go(app, page, **parameters):
    """Go from one page to another one."""
    for name, value in parameters.items():
        app.query_params[name] = value
    app.switch_page(f"{FOLDER}/{page}.py").run()
    assert not app.exception, app.exception[0].value
    return app


def charts(app):
    """The charts of a page as plotly's JSON."""
    return [json.loads(chart.proto.spec) for chart in app.get("plotly_chart")]


def values(numbers):
    """The numbers of a trace, whether they are listed or packed."""
    if isinstance(numbers, list):
        return numbers
    return np.frombuffer(base64.b64decode(numbers["bdata"]), dtype=numbers["dtype"]).tolist()


def compares(raw):
    """Whether a stored result is a comparison of explainers."""
    return "comparison" in raw["figures"].get("baseline", {})


def cells(app):
    """The cells of all tables of a page."""
    return re.findall(r"<td[^>]*>([^<]*)</td>", texts(app))


@pytest.mark.parametrize("pair", PAIRS)
@pytest.mark.parametrize("view", VIEWS)
def test_every_view_is_in_the_address_and_says_where_its_figures_are_from(view, pair):
    app = at("results", table=view, pair=pair)
    assert app.pills(key="table").value == view
    assert not app.error and not app.warning
    if (view, pair) == ("What, where, how", "Photos"):
        assert "evaluate --data rendered" in app.code[0].value
        return
    last = app.main.caption[-1].value
    assert f"`python -m {'benchmarks.' if view == 'Speed' else 'siam '}" in last
    assert re.search(r"20\d\d-\d\d-\d\d", last)


@pytest.mark.parametrize("pair", PAIRS)
def test_how_sure_shows_the_stored_shares(pair):
    app = at("results", table="How sure", pair=pair)
    about = siam.load({"Photos": "photo", "Rendered": "rendered"}[pair]).doubt.about
    inside, landscapes = charts(app)
    assert values(inside["data"][0]["x"]) == [entry["share"] for entry in about["coverage"]]
    assert sorted(values(landscapes["data"][0]["x"])) == sorted(entry["share"] for entry in about["flagged"])
    for entry in about["coverage"]:
        assert 0.75 <= entry["share"] <= 0.85  # of four of five that were promised
    for landscape in {entry["landscapes"] for entry in about["flagged"]}:
        entries = [entry for entry in about["flagged"] if entry["landscapes"] == landscape]
        n = sum(entry["n"] for entry in entries)
        share = sum(entry["share"] * entry["n"] for entry in entries) / n
        assert f"{100 * share:.0f} % of {n:,}" in texts(app)


@pytest.mark.parametrize("width", [85, 180])
def test_how_sure_can_be_printed(width):
    found = trust(siam.load("photo").doubt)
    for shares, goal in ((found.coverage, found.level), ((*found.others, *found.landscapes), None)):
        figure = chart_print("shares", shares_figure(shares, "Title", "below", "share", goal))
        written = figure.file(width, "svg", "").decode()
        assert all(f"{of.label}: {of.text}" in written for of in shares)


def test_a_pair_that_nobody_calibrated_says_how(monkeypatch):
    bare = dataclasses.replace(siam.load("photo"), doubt=None)
    monkeypatch.setattr(resources, "pair", lambda: bare)
    app = at("results", table="How sure")
    assert "siam calibrate" in app.code[0].value and "never saw" in app.info[0].value


def test_one_view_after_the_other():
    app = at("results")
    assert app.pills(key="table").value == next(iter(VIEWS))
    for view in reversed(VIEWS):
        app.pills(key="table").set_value(view).run()
        assert not app.exception
        assert app.caption or app.code


def test_an_unknown_view_in_the_address_is_the_first():
    assert at("results", table="Nonsense").pills(key="table").value == next(iter(VIEWS))


def test_the_paper_s_tables_are_whole():
    app = at("results", table="The paper's tables")
    for table in paper.tables(list(read_all(STORED).values())):
        assert table.title in [heading.value for heading in app.subheader]
        for row in table.rows.values():
            for cell in row:
                assert cell in cells(app)
    said = texts(app)
    assert said.count('scope="colgroup">measured on our data') == 2
    assert said.index(">SIAM</th>") < said.index(">baseline</th>")
    for raw in RAW.values():
        assert raw["command"] in said or raw["figures"].keys() == {"siam"} or compares(raw)


def test_attributes_are_those_of_the_files_with_intervals_where_there_are_some():
    (chart,) = charts(at("results", table="Attributes", pair="Rendered"))
    raw = RAW["rendered"]["figures"]["siam"]["annotated"]
    dots = chart["data"][1]
    found = dict(zip(dots["y"], values(dots["x"]), strict=True))
    assert found == {name.replace("_", " "): value for name, value in raw["per_attribute"].items()}
    assert any(value > 0 for value in values(dots["error_x"]["array"]))
    app = at("results", table="Attributes", pair="Photos")
    what, where, people = charts(app)
    assert sorted(values(what["data"][1]["x"])) == sorted(
        RAW["photo"]["figures"]["siam"]["sun_test"]["per_attribute"].values()
    )
    assert set(values(what["data"][1]["error_x"]["array"])) == {0}
    assert len(where["data"][1]["y"]) == 14
    masks = OUTLINED["figures"]["siam"]["masks"]
    each = masks["per_attribute"].values()
    assert sorted(values(people["data"][1]["x"])) == sorted(of["pixel_ap"] for of in each)
    assert sorted(values(people["data"][0]["x"])) == sorted(of["chance"] for of in each)
    assert {f"{of['iou']:.2f}" for of in each} <= set(cells(app))
    assert f"{masks['pixel_ap']:.3f}" in texts(app) and OUTLINED["command"] in texts(app)
    assert "No intervals are stored" in texts(app)
    assert "7 attributes shown by too few photos" in texts(app)


@pytest.mark.parametrize(
    ("pair", "photos", "stored"), [("Photos", "oasis_scenes", "photo"), ("Rendered", None, "rendered")]
)
def test_scores_are_those_of_the_gallery_and_agreement_that_of_the_files(pair, photos, stored):
    gallery = {"Photos": "OASIS scenes", "Rendered": "Rendered landscapes"}[pair]
    app = at("results", table="Scores and people", pair=pair, gallery=gallery)
    held = store.read(chosen.BUNDLED / {"Photos": "oasis", "Rendered": "rendered"}[pair])
    for chart, network in zip(charts(app), ("siam", "baseline"), strict=True):
        dots = chart["data"][1]
        assert values(dots["x"]) == pytest.approx(held.photos["crowd_mean"].tolist(), abs=1e-5)
        assert values(dots["y"]) == pytest.approx(held.photos[network].tolist())
    figures = RAW[stored]["figures"]
    for variant in figures:
        of = figures[variant][photos] if photos else figures[variant]
        for name in ("kendall_tau", "rmse"):
            text = figure_text(of[name], of.get(f"{name}_interval"), of.get(f"{name}_sd"))
            assert text in cells(app)
    if pair == "Rendered":
        assert "−0.028 (−0.045 to −0.012)" in cells(app) and "+0.074 (+0.032 to +0.114)" in cells(app)
        assert "of which 300 are drawn" in texts(app) and "simulated" in texts(app)


def test_scores_on_two_scales_are_compared_by_rank(monkeypatch):
    held = store.read(chosen.BUNDLED / "oasis")
    other = dataclasses.replace(held.about, data="own", crowd_scale=RatingScale("taste", 0, 100))
    monkeypatch.setattr(chosen, "cases", lambda: read_cases(dataclasses.replace(held, about=other)))
    app = at("results", table="Scores and people")
    assert "ranks are compared" in texts(app) and "taste, 0 to 100" in texts(app)
    assert all("rank" in chart["layout"]["xaxis"]["title"]["text"] for chart in charts(app))
    assert "Computed from the pictures drawn; no intervals are stored." in texts(app)
    assert "RMSE, ranks" in texts(app)


def test_presence_is_that_of_the_files():
    for pair, stored, kinds in (("Photos", "photo-presence", 1), ("Rendered", "rendered", 2)):
        shown = charts(at("results", table="Presence", pair=pair))
        assert len(shown) == kinds
        raw = RAW[stored]["figures"]["siam"]["presence"]["predicted"]["attributes"]
        dots = shown[0]["data"][0]
        assert dict(zip(dots["y"], values(dots["x"]), strict=True)) == {
            name.replace("_", " "): of["kendall_tau"] for name, of in raw.items()
        }


def test_what_where_how_is_that_of_the_file_with_a_true_minus():
    app = at("results", table="What, where, how", pair="Rendered")
    found = RAW["rendered"]["figures"]["siam"]["what_where_how"]
    for name in ("siam", "ideal", "another_scene", "uniform", "centre", "random"):
        for part in found[name].values():
            for key, value in part.items():
                assert key == "attributes" or figure_text(value) in cells(app), (name, key)
    for part in found["error"]["parts"].values():
        assert f"{part['mean_absolute']:.2f}" in cells(app)
    assert not any("-" in cell for cell in cells(app))
    each = app.dataframe[0].value
    assert each["AP"].tolist() == [of["average_precision"] for of in found["per_attribute"].values()]
    assert {text[0] for text in each["true points"]} <= {"+", "−", "0"}
    assert values(charts(app)[0]["data"][-1]["x"])[0] == found["siam"]["what"]["mean_average_precision"]


def test_networks_without_a_benchmark_lead_to_those_with_one():
    app = at("results", table="What, where, how", pair="Photos")
    button(app, "Switch to the “Rendered” networks").click().run()
    assert not app.exception
    assert len(charts(app)) == 1 and app.session_state["pair"] == "Rendered"


def test_cards_of_all_bundled_pairs_the_one_in_use_first():
    for pair, other in (PAIRS, PAIRS[::-1]):
        app = at("results", table="Model cards", pair=pair)
        assert [heading.value for heading in app.subheader] == [f"{pair} (in use)", other]
        for name in ("photo", "rendered"):
            card = cards.read(BUNDLED / name)
            assert plain(card["training_data"]) in texts(app) and plain(card["limits"]) in texts(app)


def test_explainers_are_those_of_the_files():
    app = at("results", table="Explainers")
    stored = [RAW[f"explainers-{name}"] for name in ("scenes", "scenes-siam", "flowers", "photos")]
    assert sum(compares(raw) for raw in RAW.values()) == len(stored)
    picked = app.segmented_control(key="compared")
    assert len(picked.options) == len(stored)
    for raw, label in zip(stored, picked.options, strict=True):
        app.segmented_control(key="compared").set_value(label).run()
        comparison = raw["figures"]["baseline"]["comparison"]
        methods, said = comparison["methods"], texts(app)
        for name, figures in methods.items():
            assert f">{title(name)}</th>" in said
            assert any(cell.startswith(f"{figures['ebpg']['mean']:.2f}") for cell in cells(app))
        for claim in comparison["claims"]:
            assert claim["outcome"] in cells(app) and claim["source"] in cells(app)
        told = sorted(comparison["measures"], key=lambda key: not comparison["measures"][key]["decides"])
        for measure in (told[0], told[-1]):
            app.selectbox(key="measure").set_value(measure).run()
            doubts = [box.value for box in app.warning if "cannot tell explainers apart" in box.value]
            assert bool(doubts) != comparison["measures"][measure]["decides"]
            (chart,) = charts(app)
            dots = {y: x for trace in chart["data"] for y, x in zip(trace["y"], values(trace["x"]), strict=True)}
            leads = {
                name: of[measure]["over_random"]["gain"]
                for name, of in methods.items()
                if name != "random" and measure in of
            }
            assert dots == {title(name): gain for name, gain in leads.items()}
            rows = chart["layout"]["yaxis"]["categoryarray"]
            controls = [title(name) for name in leads if name in REFERENCES]
            assert set(rows[: len(controls)]) == set(controls)  # at the bottom, where it is shaded
            others = rows[len(controls) :]
            assert [dots[name] for name in others] == sorted(dots[name] for name in others)
        assert raw["command"] in texts(app)


def test_what_is_known_is_what_the_tables_say():
    """The page's two sentences, claim by claim: each is an outcome of the stored tables."""
    app = at("results", table="Explainers")
    assert any(block.value == explainers.KNOWN for block in app.markdown)
    for name, better, worse, outcome in SAID:
        claims = RAW[f"explainers-{name}"]["figures"]["baseline"]["comparison"]["claims"]
        found = {one["outcome"] for one in claims if (one["better"], one["worse"]) == (better, worse)}
        assert found == {outcome}, (name, better, worse)


def test_no_difference_is_hidden_by_rounding():
    """A claim whose interval excludes 0 never shows nothing but zeros, nor a detectable difference of zero."""
    for comparison in (of for _result, of in explainers.comparisons(read_all(STORED).values())):
        small = [dataclasses.replace(claim, gain=0.0009, interval=(0.0004, 0.0016)) for claim in comparison.claims]
        small = [dataclasses.replace(claim, detectable=0.0008) for claim in small]
        for _claim, _outcome, _measure, difference, _n, _effect, detectable, _source in explainers.claim_rows(small):
            assert (difference, detectable) == ("+0.0009 (+0.0004 to +0.0016)", "0.0008")
        for row in explainers.claim_rows(comparison.claims):
            assert re.search("[1-9]", row[6])


def test_without_a_comparison_the_command_that_makes_one_is_named(folder):
    for path in folder.glob("explainers-*.json"):
        path.unlink()
    app = at("results", table="Explainers")
    assert not charts(app) and app.code[0].value.startswith("python -m siam compare")


def test_speed_is_that_of_the_file_and_says_on_what_machine():
    app = at("results", table="Speed")
    (raw, *_gpus) = SPEED
    said = texts(app)
    assert {of["processor"] for of in SPEED} == {heading.value for heading in app.subheader}
    for of in raw["measurements"]:
        assert f">{of['description']}</th>" in said and f">{of['part']}</th>" in said
        assert plain(of["note"]) in said
    for words in (
        raw["command"],
        raw["date"],
        raw["git_commit"][:12],
        f"{raw['cores']} cores",
        raw["versions"]["torch"],
    ):
        assert words in app.main.caption[-len(SPEED)].value or words in said


def test_a_gpu_s_speed_stands_below_the_processor_s_with_its_checks(folder):
    gpu = speed_run(
        processor="GPU of a test", checks=({"name": "scores", "difference": 2e-6, "allowed": 1e-4, "passed": True},)
    )
    (folder / "speed-gpu.json").write_text(json.dumps(gpu), encoding="utf-8")
    app = at("results", table="Speed")
    assert app.subheader[1].value == "GPU of a test"
    assert "2.0e-06" in cells(app) and "same" in texts(app)


def test_without_measurements_of_speed_the_command_is_named(folder):
    for path in speed.paths():
        assert path.parent == folder
        path.unlink()
    app = at("results", table="Speed")
    assert not cells(app) and app.code[0].value == "python -m benchmarks.speed --store"


def test_damaged_measurements_of_speed_cost_one_sentence(folder):
    (folder / "speed-gpu.json").write_text("{", encoding="utf-8")
    app = at("results", table="Speed")
    (warning,) = app.warning
    assert "speed-gpu.json" in warning.value and str(folder) not in warning.value
    assert cells(app)


def test_networks_without_stored_results_get_the_command_that_would_store_them(folder):
    for path in folder.glob("*.json"):
        path.unlink()
    for view in ("Attributes", "Presence", "What, where, how"):
        app = at("results", table=view)
        assert not charts(app) and "are stored for the “Photos” networks yet" in texts(app)
        assert re.fullmatch(
            r"python -m siam evaluate --data \w+ --root DATA/\w+ --model photo --out assets/results/photo-\w+\.json",
            app.code[0].value,
        )
    app = at("results", table="The paper's tables")
    assert "0.987 / 0.640" in cells(app) and "no result yet" in texts(app)
    app = at("results", table="Scores and people", gallery="OASIS scenes")
    assert len(charts(app)) == 2 and "no intervals are stored" in texts(app)


@pytest.mark.parametrize("content", ["{ not JSON", '{"format": 99}', "[]"])
def test_a_damaged_result_costs_one_sentence_and_no_other_result(folder, content):
    (folder / "broken.json").write_text(content, encoding="utf-8")
    for view in EVALUATIONS:
        app = at("results", table=view, pair="Rendered")
        (warning,) = app.warning
        assert "broken.json" in warning.value and str(folder) not in warning.value and "\n" not in warning.value
        assert charts(app) or cells(app)


@pytest.mark.parametrize(
    ("view", "way"),
    [
        ("Attributes", ("annotated", "per_attribute_interval")),
        ("Scores and people", ("kendall_tau_interval",)),
        ("Presence", ("presence", "predicted")),
        ("What, where, how", ("what_where_how", "siam")),
    ],
)
def test_odd_figures_cost_one_sentence(folder, view, way):
    raw = json.loads((folder / "rendered.json").read_text(encoding="utf-8"))
    inner = raw["figures"]["siam"]
    for name in way[:-1]:
        inner = inner[name]
    inner[way[-1]] = {"trees": 3}
    (folder / "rendered.json").write_text(json.dumps(raw), encoding="utf-8")
    app = at("results", table=view, pair="Rendered")
    assert len(app.warning) == 1 and "evaluate again" in app.warning[0].value


def test_a_gallery_that_nobody_rated_leaves_the_stored_figures():
    app = at("results", table="Scores and people", gallery="Open photos")
    assert not charts(app) and "Nobody rated" in texts(app)
    figures = RAW["photo"]["figures"]["baseline"]
    for photos in ("oasis_scenes", "vessel_landscapes"):
        assert figure_text(figures[photos]["rmse"], figures[photos]["rmse_interval"]) in cells(app)


def test_no_gallery_and_a_damaged_one(monkeypatch):
    monkeypatch.setattr(chosen, "cases", lambda: None)
    app = at("results", table="Scores and people", pair="Photos")
    assert not charts(app) and "--gallery galleries/NAME" in app.code[0].value
    every = [
        figure_text(of["kendall_tau"], of["kendall_tau_interval"])
        for of in RAW["photo"]["figures"]["siam"].values()
        if "kendall_tau" in of
    ]
    assert len(every) == 2 and set(every) <= set(cells(app))

    def refuse(_folder):
        raise DatasetError("gallery.parquet is damaged: write it again")

    monkeypatch.undo()
    app = opened()
    monkeypatch.setattr(chosen, "cases_in", refuse)
    go(app, "results", table="Scores and people")
    assert "gallery.parquet is damaged" in app.sidebar.error[0].value and set(every) <= set(cells(app))


def test_a_pair_without_a_baseline(monkeypatch):
    pair = siam.load("photo")
    held = read_cases(store.read(chosen.BUNDLED / "oasis"))
    alone = dataclasses.replace(held, table=held.table.assign(baseline=np.nan))
    bare = dataclasses.replace(pair, baseline=None, card={**pair.card, "baseline": None, "metrics": {}})
    resources._loaded.clear()
    monkeypatch.setattr(resources, "load", lambda _name: bare)
    monkeypatch.setattr(chosen, "cases", lambda: alone)
    assert len(charts(at("results", table="Scores and people"))) == 1
    assert "without a baseline" in texts(at("results", table="Model cards"))
    resources._loaded.clear()


def test_a_card_with_few_figures_shows_those(tmp_path, monkeypatch):
    """As of a pair that somebody's ratings, or a word, changed: τ alone."""
    figures = {"kendall_tau": 0.456, "n": 24}
    card = {"metrics": {"siam": {"own_ratings": figures}, "baseline": {"others": figures}}}
    save(Pair("mine", siam_network(), baseline_network(), card), tmp_path / "models" / "mine")
    monkeypatch.chdir(tmp_path)
    app = at("results", table="Model cards", pair="models/mine")
    (table,) = [of.value for of in app.dataframe if "n" in of.value and 24 in of.value["n"].tolist()]
    assert table["τ SIAM"].tolist() == [0.456] and not any("RMSE" in name for name in table)


def test_about_has_figure_equation_citation_licences_and_credits():
    app = at("about")
    (shown,) = (text.value for text in app.markdown if "<svg" in text.value)
    assert shown.count("<svg") == 2 and "\n" not in shown
    assert len(app.latex) == 1
    assert [code.value for code in app.code] == [citation.PAPER, citation.PROJECT]
    credits = app.table[0].value
    for sample in load_samples():
        row = credits.loc[sample.name]
        assert (row["title"], row["author"]) == (sample.title, sample.author)
        assert sample.licence in row["licence"] and sample.licence_url in row["licence"]
    for word in ("Apache License 2.0", "OASIS", "EfficientNet-Lite0", "Nothing."):
        assert word in texts(app)


def test_the_figure_is_ours_to_show_on_any_page():
    for name in ("method.svg", "method-narrow.svg"):
        text = (ROOT / "assets" / name).read_text(encoding="utf-8")
        assert 'fill="currentColor"' in text and "http" not in text.replace("http://www.w3.org/2000/svg", "")
        assert len(text) < 100_000


def test_citation_says_what_the_citation_file_says():
    cited = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    version, licence = (re.search(rf"^{key}: (\S+)$", cited, re.MULTILINE)[1] for key in ("version", "license"))
    assert f"version = {{{version}}}" in citation.PROJECT and f"license = {{{licence}}}" in citation.PROJECT
    for family in ("Marcos, Diego", "Lobry, Sylvain", "Tuia, Devis", "2019", "1909.08442"):
        assert family in citation.PAPER
        assert family.split(",")[0] in cited
