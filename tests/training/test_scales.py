"""A recipe tells the scale of ratings whose table does not, and training asks for it."""

import pytest

from siam.errors import DatasetError
from siam.runtime.paths import ASSETS
from siam.training.heads.examples import rated
from siam.training.recipes import read_recipe, scale_of
from tests.support.paths import ROOT


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "walk").mkdir()
    (tmp_path / "walk" / "a.jpg").write_bytes(next((ASSETS / "gallery/open-photos/images").glob("*.jpg")).read_bytes())
    (tmp_path / "walk" / "ratings.csv").write_text("file,score\na.jpg,3\n")
    return tmp_path


def test_ratings_teach_only_on_a_scale_that_was_told(folder):
    entry = {"reader": "folder", "folder": "walk"}
    with pytest.raises(DatasetError, match=r"add scale = \[1, 5\]"):
        rated(entry, folder)
    assert rated({**entry, "scale": [1, 5]}, folder).known_scale().high == 5
    with pytest.raises(DatasetError, match=r"outside 4 to 5 \('3'\) for 'a\.jpg' in row 2"):
        rated({**entry, "scale": [4, 5]}, folder)


@pytest.mark.parametrize("scale", [5, [5], ["1", "5"], [5, 1]])
def test_a_scale_that_is_none_is_refused(scale):
    with pytest.raises(DatasetError, match="expected two numbers"):
        scale_of({"scale": scale})


def test_a_scale_in_data_is_that_of_all_scores(tmp_path):
    text = (ROOT / "recipes" / "photo.toml").read_text(encoding="utf-8")
    recipe = tmp_path / "own.toml"
    recipe.write_text(text.replace("[data]", "[data]\nscale = [1, 5]"), encoding="utf-8")
    before, after = read_recipe(ROOT / "recipes" / "photo.toml")["data"], read_recipe(recipe)["data"]
    assert after["scale"] == [1, 5] and len(after["scores"]) == len(before["scores"])
    assert all(entry["scale"] == [1, 5] for entry in after["scores"] if isinstance(entry, dict))
