"""Scenes without some objects, and otherwise the same: so it is known what an object really changes."""

import json
from functools import cache

import numpy as np
import pytest
from scipy.ndimage import binary_dilation

from siam.cli.main import main
from siam.datasets.rendered import ATTRIBUTES, crowd
from siam.worlds.landscapes.scene import OBJECTS, render

SIZE = 96


SEEDS = {"meadow": 7, "roadside": 3}  # scenes that have what is left out


def seeded(place):
    return np.random.default_rng([SEEDS.get(place, 1), 0])


def pixels(scene):
    return np.asarray(scene.picture).astype(int)


@pytest.fixture(scope="module")
def whole():
    """Return a scene by its place, and the state of its generator afterwards."""

    @cache
    def made(place):
        generator = seeded(place)
        return render(generator, SIZE, place), generator.bit_generator.state

    return made


@pytest.mark.parametrize(
    ("place", "name"),
    [("woodland", "trees"), ("meadow", "flowers"), ("building_site", "digger"), ("roadside", "car")],
)
def test_everything_else_is_drawn_as_before(whole, place, name):
    scene, state = whole(place)
    generator = seeded(place)
    other = render(generator, SIZE, place, without=(name,))
    assert generator.bit_generator.state == state  # the same draws
    assert (other.place, other.light) == (scene.place, scene.light)
    differs, relabelled = (pixels(scene) != pixels(other)).any(axis=2), (scene.masks != other.masks).any(axis=0)
    assert 0 < differs.mean() < 0.7
    if name != "flowers":  # whose meadow is labelled between them, too
        assert (relabelled & ~binary_dilation(differs, iterations=2)).mean() < 0.01
    if name in ATTRIBUTES:
        k = ATTRIBUTES.index(name)
        assert other.masks[k].sum() < scene.masks[k].sum()
        assert crowd.contributions(other.masks)[k] < crowd.contributions(scene.masks)[k]


def test_every_scene_without_each_of_its_objects(tmp_path, capsys):
    words = ["data", "render", "--count", "2", "--seed", "3", "--size", str(SIZE), "--workers", "1", "--out"]
    assert main([*words, str(tmp_path), "--without-each"]) == 0
    for number in (1, 2):
        whole, seen = render(np.random.default_rng([3, number]), SIZE), []
        for name in whole.objects:
            other = render(np.random.default_rng([3, number]), SIZE, without=(name,))
            if (pixels(other) != pixels(whole)).any():
                seen.append(name)
                assert (tmp_path / "without" / name / f"{number}.jpg").is_file()
            else:
                assert not (tmp_path / "without" / name / f"{number}.jpg").exists()
        assert json.loads((tmp_path / "without" / f"{number}.json").read_text()) == seen
        assert seen and set(whole.objects) <= set(OBJECTS)
        absent = next(name for name in OBJECTS if name not in whole.objects)  # what was not placed changes nothing
        assert (pixels(render(np.random.default_rng([3, number]), SIZE, without=(absent,))) == pixels(whole)).all()
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.jpg")}
    assert main([*words, str(tmp_path), "--without-each"]) == 0  # nothing is rendered again
    assert before == {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.jpg")}
    assert main([*words, str(tmp_path), "--without-each", "--without", "trees"]) == 2
    assert "choose one" in capsys.readouterr().err


def test_one_split_is_rendered_as_it_is_among_all(tmp_path, capsys):
    words = ["data", "render", "--count", "9", "--seed", "3", "--size", "64", "--workers", "1", "--out"]
    assert main([*words, str(tmp_path / "some"), "--split", "test"]) == 0
    assert main([*words, str(tmp_path / "all")]) == 0
    some, every = (
        {path.name: path.read_bytes() for path in (tmp_path / name / "images").iterdir()} for name in ("some", "all")
    )
    assert set(some) == {"8.jpg", "9.jpg"} and len(every) == 9
    assert all(every[name] == content for name, content in some.items())
    labels = (tmp_path / "some" / "labels.csv").read_text().splitlines()
    assert [line.split(",")[:2] for line in labels[1:]] == [["8.jpg", "test"], ["9.jpg", "test"]]
    capsys.readouterr()
    for further in (["--without-each"], ["--sheet", "sheet.png"], ["--world", "flowers"]):
        assert main([*words, str(tmp_path / "some"), "--split", "test", *further]) == 2
        assert "--split" in capsys.readouterr().err


def test_what_is_not_there_can_be_left_out(whole):
    scene, _state = whole("woodland")
    other = render(seeded("woodland"), SIZE, "woodland", without=("pylon_line", "lorry"))
    assert np.array_equal(pixels(other), pixels(scene)) and np.array_equal(other.masks, scene.masks)


def test_an_unknown_object_is_an_error():
    with pytest.raises(ValueError, match="no landscape has a 'tree'; names like it: trees"):
        render(seeded("meadow"), SIZE, without=("tree",))


def test_the_command_renders_folders_without_objects(tmp_path, capsys):
    asked = ["data", "render", "--count", "2", "--seed", "3", "--size", "64", "--workers", "1", "--out"]
    assert main([*asked, str(tmp_path / "whole")]) == 0
    assert main([*asked, str(tmp_path / "bare"), "--without", "trees", "flowers"]) == 0
    assert "with votes, labels and truth, without trees, flowers" in capsys.readouterr().out
    assert json.loads((tmp_path / "bare" / "rendered.json").read_text()) == {
        "seed": 3,
        "size": 64,
        "without": ["flowers", "trees"],
    }
    assert json.loads((tmp_path / "whole" / "rendered.json").read_text()) == {"seed": 3, "size": 64}
    pictures = [(tmp_path / name / "images" / "1.jpg").read_bytes() for name in ("whole", "bare")]
    assert pictures[0] != pictures[1]
    assert main([*asked, str(tmp_path / "bare")]) == 2
    assert "choose another folder" in capsys.readouterr().err
    assert main([*asked, str(tmp_path / "other"), "--without", "tree"]) == 2
    assert "--without: no landscape has a 'tree'; names like it: trees" in capsys.readouterr().err
    assert main([*asked, str(tmp_path / "other"), "--world", "flowers", "--without", "trees"]) == 2
    assert "only landscapes" in capsys.readouterr().err
