"""The version of a pair: what a card may say, what training makes of it, and that no network depends on it."""

import json

import pytest

import siam
from siam.errors import CheckpointError, DatasetError
from siam.models import checkpoint, versions
from siam.models.checkpoint import BUNDLED, Pair, save, scores_key
from siam.models.identity import identity
from siam.results.versions import figures
from siam.training.recipes import read_recipe
from siam.training.succession import save_successor
from tests.support.networks import baseline_network, siam_network
from tests.support.paths import ROOT

ENTRY = {"version": "1.0", "date": "2026-11-12", "changes": "The first version.", "metrics": {}}


def stored(folder, card, seed=0):
    save(Pair("tiny", siam_network(seed=seed), baseline_network(), card), folder)
    return folder


@pytest.mark.parametrize(
    ("entries", "words"),
    [
        ({"version": 1.0}, "version is 1.0; expected text such as '1.0'"),
        ({"version": "new"}, "version is 'new'"),
        ({"version": "1.0\n"}, "version is"),
        ({"changes": "two\nlines"}, "changes is"),
        ({"history": "1.0"}, "history is '1.0'; expected a list"),
        ({"history": ["1.0"]}, "history, entry 1 is '1.0'; expected an object"),
        ({"history": [ENTRY, {**ENTRY, "date": "yesterday"}]}, "history, entry 2: date is 'yesterday'"),
        ({"history": [{**ENTRY, "metrics": [1]}]}, "entry 1: metrics is [1]"),
        ({"history": [{**ENTRY, "version": "1"}]}, "entry 1: version is '1'"),
    ],
)
def test_a_card_that_is_wrong_about_versions_is_refused_by_name(tmp_path, entries, words):
    with pytest.raises(CheckpointError) as raised:
        siam.load(stored(tmp_path / "pair", entries), device="cpu")
    assert words in str(raised.value) and "card.json" in str(raised.value) and "\n" not in str(raised.value)


def test_a_card_without_a_version_is_as_good_as_ever(tmp_path):
    pair = siam.load(stored(tmp_path / "pair", {}), device="cpu")
    assert pair.version is None
    (alone,) = versions.read(pair.card, tmp_path)
    assert (alone.number, alone.date, alone.changes) == (None, None, None)
    assert versions.named("tiny", pair.version) == "an unknown version of tiny"


def test_scores_depend_on_weights_and_settings_and_on_nothing_else_of_the_card(tmp_path):
    folder = stored(tmp_path / "pair", {})
    before = scores_key(folder)
    assert identity(siam.load(folder, device="cpu"), learnt=False) == before
    card = json.loads((folder / "card.json").read_text())
    (folder / "card.json").write_text(json.dumps({**card, "version": "2.0", "history": [ENTRY], "summary": "Noise."}))
    assert scores_key(folder) == before
    card["siam"].pop("stages")  # as older cards lack it: the default applies
    (folder / "card.json").write_text(json.dumps(card))
    assert scores_key(folder) == before
    (folder / "card.json").write_text(json.dumps({**card, "siam": {**card["siam"], "image_size": 128}}))
    assert scores_key(folder) != before
    assert scores_key(stored(tmp_path / "other", {}, seed=1)) != before


def trained(folder, seed, recipe, **card):
    save_successor(Pair("tiny", siam_network(seed=seed), baseline_network(), card), folder, recipe, half=True)
    return siam.load(folder, device="cpu")


def test_training_takes_over_the_history_of_the_pair_that_it_replaces(tmp_path):
    first = trained(tmp_path, 0, {}, trained="2026-11-12", metrics={"masks": {"pixel_ap": 0.5}})
    assert (first.version, first.card["history"]) == ("1.0", [])
    second = trained(
        tmp_path, 1, {"changes": "Other  noise."}, trained="2026-11-13", metrics={"masks": {"pixel_ap": 0.6}}
    )
    assert (second.version, second.card["changes"]) == ("1.1", "Other noise.")
    third = trained(tmp_path, 2, {"version": "2.0"}, trained="2026-11-14")
    told = versions.read(third.card, tmp_path)
    assert [of.number for of in told] == ["2.0", "1.1", "1.0"]
    assert [of.date for of in told] == ["2026-11-14", "2026-11-13", "2026-11-12"]
    assert [of.changes for of in told] == [None, "Other noise.", None]
    assert [of.metrics.get("masks", {}).get("pixel_ap") for of in told] == [None, 0.6, 0.5]


def test_networks_that_are_trained_to_the_same_weights_stay_the_same_version(tmp_path):
    trained(tmp_path, 0, {})
    trained(tmp_path, 1, {"changes": "Other noise."})
    again = trained(tmp_path, 1, {})
    assert (again.version, again.card["changes"]) == ("1.1", "Other noise.")
    assert [of["version"] for of in again.card["history"]] == ["1.0"]


def test_a_version_that_is_trained_again_takes_its_own_place(tmp_path):
    for seed in (0, 1):
        pair = trained(tmp_path, seed, {"version": "1.5"})
    assert (pair.version, pair.card["history"]) == ("1.5", [])


@pytest.mark.parametrize(
    "before", ["{", '{"format": 1, "name": "tiny", "version": 7}', '{"format": 1, "name": "other"}']
)
def test_what_is_no_pair_of_that_name_has_no_successor(tmp_path, before):
    (tmp_path / "card.json").write_text(before)
    pair = trained(tmp_path, 0, {})
    assert (pair.version, pair.card["history"]) == ("1.0", [])


@pytest.mark.parametrize("line", ["version = 2", 'version = "two"', "changes = 3", 'changes = "a\\nb"'])
def test_a_recipe_that_is_wrong_about_its_version_is_refused_before_any_work(tmp_path, line):
    recipe = (ROOT / "recipes" / "photo-heads.toml").read_text()
    (tmp_path / "recipe.toml").write_text(recipe.replace('method = "heads"', f'method = "heads"\n{line}'))
    with pytest.raises(DatasetError, match=line.split()[0]):
        read_recipe(tmp_path / "recipe.toml")


@pytest.mark.parametrize(("pair", "numbers"), [("photo", ["3.0", "2.0", "1.1", "1.0"]), ("rendered", ["1.0"])])
def test_the_bundled_cards_tell_their_versions_with_the_figures_of_each(pair, numbers):
    told = versions.read(siam.load(pair).card, BUNDLED / pair / "card.json")
    assert [of.number for of in told] == numbers
    assert all(of.date and of.metrics["siam"] and (of.changes or len(told) == 1) for of in told)
    recipe = read_recipe(ROOT / "recipes" / f"{pair}.toml")
    assert (recipe["version"], recipe.get("changes")) == (told[0].number, told[0].changes)


def test_earlier_figures_are_those_of_the_cards_of_that_time():
    earlier = {of["version"]: of["metrics"] for of in siam.load("photo").card["history"]}
    tau = {number: of["siam"]["oasis_scenes"]["kendall_tau"] for number, of in earlier.items()}
    found = {number: of["sun_test"]["mean_average_precision"] for number, of in earlier.items()}
    assert tau == pytest.approx({"2.0": 0.6759, "1.1": 0.6316, "1.0": 0.6427})
    assert found == pytest.approx({"2.0": 0.6083, "1.1": 0.5993, "1.0": 0.5933})


def test_figures_stand_side_by_side_with_what_is_known_of_their_doubt():
    shown = figures(versions.read(siam.load("photo").card, BUNDLED))
    column = shown.heads.index(("Kendall’s τ", "OASIS outdoor scenes"))
    assert [row[column] for row in shown.rows] == ["0.71 (0.64 to 0.77)", "0.68 ± 0.01", "0.63 ± 0.01", "0.64 ± 0.01"]
    outlines = shown.heads.index(("maps: pixel AP", "by people’s outlines"))
    assert [row[outlines] for row in shown.rows] == ["0.87 (0.86 to 0.88)", "–", "–", "–"]
    assert sorted(sum(shown.protocols.values(), ())) == ["1.0", "1.1", "2.0", "3.0"]


@pytest.mark.parametrize(
    "metrics", [{"siam": 3}, {"siam": {"oasis": {"rmse": "big"}}}, {"masks": {"pixel_ap": True}}, {}]
)
def test_odd_figures_of_a_strange_card_are_left_out(metrics):
    shown = figures([versions.Version("1.0", None, None, metrics)])
    assert (shown.heads, shown.rows) == ((), ((),))


def test_a_pair_is_known_before_it_is_written(tmp_path):
    pair = Pair("tiny", siam_network(), baseline_network(), {})
    for half in (True, False):
        save(pair, tmp_path / str(half), half=half)
        assert checkpoint.stored_key(pair, half=half) == scores_key(tmp_path / str(half))
