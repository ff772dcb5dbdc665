"""Groups trained from a gallery: judged on photos kept out, stored with the pair, and refused where they cannot be."""

import json
from dataclasses import replace

import numpy as np
import pyarrow.parquet as pq
import pytest

import siam
from siam.cli.main import main
from siam.errors import TrainingError
from siam.evaluation.metrics import kendall_tau, rmse
from siam.gallery.context import causes_needed, judged, same_groups
from siam.gallery.store import read
from siam.models.csib import BUDGETS, CSIB
from siam.results.context import budgets, figures, verdict
from siam.runtime.paths import ASSETS
from siam.training.context import Settings, fit

RECIPE = """
method = "context"
model = "photo"
gallery = "{gallery}"
folds = 3

[context]
groups = 8
steps = 30
"""
QUICK = Settings(groups=8, steps=30)
OASIS = ASSETS / "gallery" / "oasis"


@pytest.fixture(scope="module")
def gallery():
    return read(OASIS)


@pytest.fixture(scope="module")
def found(gallery):
    return judged(gallery, QUICK, folds=3)


def test_figures_are_those_of_photos_that_the_groups_never_saw(gallery, found):
    people = gallery.photos["crowd_mean"].to_numpy(float)
    siam_scores = gallery.photos["siam"].to_numpy(float)
    fold = np.random.default_rng(0).permutation(len(people)) % 3
    unseen = np.empty(len(people))
    for number in range(3):
        inside = fold != number
        csib = fit(gallery.presence[inside], people[inside], gallery.about.attributes, QUICK)
        unseen[~inside] = csib.scores(gallery.presence[~inside])
    told = found.about["figures"]
    assert told["csib"]["kendall_tau"] == pytest.approx(kendall_tau(unseen, people), abs=1e-3)
    assert told["csib"]["rmse"] == pytest.approx(rmse(unseen, people), abs=1e-3)
    assert told["siam"]["rmse"] == pytest.approx(rmse(siam_scores, people), abs=1e-3)
    assert found.about["budgets"][-1] == pytest.approx(told["csib"]["rmse"], abs=1e-3)
    assert told["csib - siam"]["rmse"] == pytest.approx(told["csib"]["rmse"] - told["siam"]["rmse"], abs=2e-3)


def test_tables_tell_the_same(found):
    table = figures(found)
    assert table["name"].tolist()[:3] == ["with context", "SIAM", "baseline"]
    assert set(table["n"]) == {141}
    assert budgets(found)["causes"].tolist() == [*map(str, BUDGETS), "all"]
    low, high = found.about["figures"]["csib - siam"]["kendall_tau_interval"]
    words = "better" if low > 0 else "worse" if high < 0 else "neither better nor worse"
    assert words in verdict(found)
    assert figures(replace(found, about={})).empty
    assert verdict(replace(found, about={})) == ""


def test_photos_without_ratings_do_not_count(gallery, found):
    photos = gallery.photos.copy()
    photos.loc[:19, "crowd_mean"] = np.nan
    fewer = judged(replace(gallery, photos=photos), QUICK, folds=3)
    assert fewer.about["n"] == found.about["n"] - 20
    photos["crowd_mean"] = np.nan
    with pytest.raises(TrainingError, match="at least 20"):
        judged(replace(gallery, photos=photos), QUICK, folds=3)


def test_causes_needed_for_most_of_the_variance():
    random = np.random.default_rng(0)
    presence = random.random((200, 3))
    names = ("a", "b", "c")
    one = CSIB(names, np.eye(3), np.array([5.0, 0.01, 0.01]))
    assert causes_needed(one, presence, np.zeros(200)) == 1
    even = CSIB(names, np.eye(3), np.array([1.0, -1.0, 1.0]))
    assert causes_needed(even, presence, np.zeros(200)) == 3


def test_groups_are_the_same_with_the_same_members_and_sign():
    names = ("a", "b", "c")
    one = CSIB(names, np.array([[0.5, 0.5, 0], [0, 0, 1]]), np.array([1.0, -1.0]))
    alike = CSIB(names, np.array([[0, 0, 1], [0.6, 0.4, 0]]), np.array([-2.0, 1.0]))
    turned = replace(alike, weights=-alike.weights)
    assert same_groups([one, one, alike]) == 1
    assert same_groups([one, turned]) == 0


def test_a_command_adds_the_groups_to_a_copy_of_the_pair(tmp_path, capsys):
    recipe, out = tmp_path / "mine-context.toml", tmp_path / "pair"
    recipe.write_text(RECIPE.format(gallery=OASIS.as_posix()))
    assert main(["train", str(recipe), "--out", str(out)]) == 0
    text = capsys.readouterr().out
    assert "groups of attributes that count together" in text
    pair, bundled = siam.load(out, device="cpu"), siam.load("photo", device="cpu")
    assert pair.csib is not None
    assert pair.csib.about["n"] == 141
    assert str(recipe) in pair.csib.about["command"]
    photo = ASSETS / "gallery/open-photos/images/storm-road.jpg"
    assert siam.explain(pair, photo).scenicness == pytest.approx(siam.explain(bundled, photo).scenicness, abs=1e-6)
    assert main(["train", str(recipe), "--out", str(out), "--resume"]) == 2
    assert "--resume does not apply" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("recipe", "words"),
    [
        (RECIPE.replace("folds = 3", "folds = 1"), "at least 2"),
        (RECIPE.replace('model = "photo"', ""), "lacks 'model'"),
        (RECIPE.replace("folds", "fold"), "unknown setting 'fold'"),
        (RECIPE.replace("steps", "step"), "step"),
        (RECIPE.replace("groups = 8", "spatial = true"), "spatial variant needs attribute maps"),
        (RECIPE.replace('"photo"', '"rendered"').replace("{gallery}", "{other}"), "other attributes"),
    ],
)
def test_what_cannot_be_trained_is_refused_in_one_line(tmp_path, capsys, recipe, words):
    path = tmp_path / "recipe.toml"
    other = tmp_path / "other"
    if "{other}" in recipe:
        with_other_names(other)
    path.write_text(recipe.format(gallery=OASIS.as_posix(), other=other.as_posix()))
    assert main(["train", str(path), "--out", str(tmp_path / "out")]) == 2
    error = capsys.readouterr().err.strip()
    assert words in error
    assert "\n" not in error
    assert not (tmp_path / "out" / "csib.safetensors").exists()


def with_other_names(folder):
    """Write the gallery of OASIS again, its attributes called otherwise."""
    table = pq.read_table(OASIS / "gallery.parquet")
    content = json.loads(table.schema.metadata[b"siam_gallery"])
    content["attributes"] = [f"{name}_2" for name in content["attributes"]]
    folder.mkdir()
    causes = [f"{name}_2" for name in table["biggest_cause"].to_pylist()]
    table = table.set_column(
        table.schema.get_field_index("biggest_cause"), table.schema.field("biggest_cause"), [causes]
    )
    pq.write_table(
        table.replace_schema_metadata({b"siam_gallery": json.dumps(content).encode()}), folder / "gallery.parquet"
    )
