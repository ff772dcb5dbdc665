"""Rendered landscapes: the same seed gives the same files, the geometry holds, and truth and picture agree."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from siam.cli.main import main
from siam.datasets import reader, rendered
from siam.datasets.rendered import crowd, truth
from siam.datasets.sun_attributes import ATTRIBUTES
from siam.errors import DatasetError
from siam.worlds.landscapes.ground.terrain import Mountains, Shape, Terrain, look
from siam.worlds.landscapes.ground.water import paint_still
from siam.worlds.landscapes.objects import THINGS
from siam.worlds.landscapes.paint.canvas import Camera, Canvas
from siam.worlds.landscapes.paint.light import Light, draw_light
from siam.worlds.landscapes.paint.noise import SIDE, fractal
from siam.worlds.landscapes.places import PLACES
from siam.worlds.landscapes.places.unusual import UNUSUAL, make_unusual
from siam.worlds.landscapes.render import render_one, render_scenes
from siam.worlds.landscapes.scene import render
from tests.worlds import golden

SIZE, COUNT, SEED = 64, 3, 5


@pytest.fixture(scope="module")
def scenes(tmp_path_factory):
    """A few small scenes, rendered by two processes."""
    out = tmp_path_factory.mktemp("rendered")
    render_scenes(out, COUNT, SEED, SIZE, workers=2)
    return out


def files(folder):
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def assert_same_scenes(one, other):
    """The same files with the same pictures, masks and truth, but for the rounding of floats."""
    assert files(one) == files(other)
    for number in range(1, COUNT + 1):
        name = f"images/{number}.jpg"
        with Image.open(one / name) as picture, Image.open(other / name) as again:
            assert golden.alike(picture, again)
        assert (truth.read_masks(one, number) != truth.read_masks(other, number)).mean() < 1e-4
        first, second = (vars(truth.read_truth(folder, number)) for folder in (one, other))
        assert first.keys() == second.keys()
        assert all(first[key] == pytest.approx(second[key], abs=1e-4) for key in first)


def test_the_same_seed_gives_the_same_scenes_in_one_process_and_in_two(scenes, tmp_path):
    render_scenes(tmp_path, COUNT, SEED, SIZE, workers=1)
    assert_same_scenes(tmp_path, scenes)
    assert len(files(scenes)) == 3 * COUNT + 3


def test_another_seed_gives_other_scenes(scenes, tmp_path):
    render_one(tmp_path, SEED + 1, 1, SIZE)
    assert (tmp_path / "images" / "1.jpg").read_bytes() != (scenes / "images" / "1.jpg").read_bytes()


def test_what_is_missing_is_rendered_again_and_nothing_else(scenes, tmp_path):
    shutil.copytree(scenes, tmp_path, dirs_exist_ok=True)
    (tmp_path / "truth" / "2.json").unlink()
    (tmp_path / "images" / "2.jpg").write_bytes(b"half a pict")
    before = (tmp_path / "images" / "1.jpg").stat().st_mtime_ns
    render_scenes(tmp_path, COUNT, SEED, SIZE, workers=1)
    assert_same_scenes(tmp_path, scenes)
    assert (tmp_path / "images" / "1.jpg").stat().st_mtime_ns == before


@pytest.mark.parametrize(("seed", "size"), [(SEED + 1, SIZE), (SEED, SIZE + 2)])
def test_a_folder_holds_scenes_of_one_kind(scenes, seed, size):
    with pytest.raises(DatasetError, match="choose another folder"):
        render_scenes(scenes, COUNT, seed, size, workers=1)


def test_the_command_renders(scenes, tmp_path, capsys):
    words = ["data", "render", "--count", "1", "--seed", str(SEED), "--size", str(SIZE), "--out", str(tmp_path)]
    assert main(words) == 0
    with Image.open(tmp_path / "images" / "1.jpg") as one, Image.open(scenes / "images" / "1.jpg") as other:
        assert golden.alike(one, other)
    capsys.readouterr()
    assert main([*words, "--size", "10"]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_the_readers_and_the_check_take_the_folder(scenes, capsys):
    photos, labelled = reader("rendered").read(scenes), rendered.read_attributes(scenes)
    assert [path.stem for path in photos.files] == [path.stem for path in labelled.files] == ["1", "2", "3"]
    assert photos.scale.high == 10 and photos.split.tolist() == labelled.split.tolist() == ["train"] * 3
    for path, score, labels in zip(photos.files, photos.scores, labelled.labels, strict=True):
        found = truth.read_truth(scenes, int(path.stem))
        assert score == pytest.approx(np.mean(found.votes), abs=1e-4)
        assert labels.tolist() == pytest.approx([found.labels[name] for name in ATTRIBUTES], abs=1e-4)
    assert main(["data", "check", "rendered", "--root", str(scenes)]) == 0
    capsys.readouterr()


def test_contributions_are_templates_over_masks(scenes):
    """The formula of `crowd`, pixel by pixel."""
    for number in range(1, COUNT + 1):
        found, masks = truth.read_truth(scenes, number), truth.read_masks(scenes, number)
        assert masks.shape == (len(ATTRIBUTES), SIZE, SIZE)
        for k, name in enumerate(ATTRIBUTES):
            strength, tilt, centre = crowd.TEMPLATES[name]
            total = 0.0
            for row, column in zip(*np.nonzero(masks[k]), strict=True):
                x, y = 2 * (column + 0.5) / SIZE - 1, 2 * (row + 0.5) / SIZE - 1
                total += strength * (1 + tilt * y + centre * (0.5 - x * x))
            assert found.contributions[name] == pytest.approx(total / SIZE**2, abs=1e-5)
            assert found.areas[name] == pytest.approx(masks[k].mean())
            assert not (found.labels[name] and not masks[k].any())
        parts = [found.bias, *found.contributions.values(), *found.nuances.values()]
        assert found.quality == pytest.approx(sum(parts))
        assert 3 <= len(found.votes) <= 12 and all(1 <= vote <= 10 for vote in found.votes)


def test_masks_do_not_depend_on_the_crowd(scenes, tmp_path, monkeypatch):
    monkeypatch.setattr(crowd, "_NOISE", 3.0)
    render_one(tmp_path, SEED, 1, SIZE)
    with Image.open(tmp_path / "images" / "1.jpg") as one, Image.open(scenes / "images" / "1.jpg") as other:
        assert golden.alike(one, other)
    assert (truth.read_masks(tmp_path, 1) != truth.read_masks(scenes, 1)).mean() < 1e-4
    assert truth.read_truth(tmp_path, 1).votes != truth.read_truth(scenes, 1).votes


@pytest.mark.parametrize("place", PLACES)
def test_every_place_looks_as_it_did(place):
    scene = golden.landscape(place)
    assert scene.place == place
    assert golden.alike(scene.picture, golden.read(place)), golden.differences(scene.picture, golden.read(place))
    areas = golden.areas(scene)
    expected = json.loads(golden.AREAS.read_text())[place]
    assert {name: areas.get(name, 0.0) for name in expected} == pytest.approx(expected, abs=0.002)
    assert sum(areas.values()) == pytest.approx(sum(expected.values()), abs=0.01)
    assert scene.strengths.keys() == crowd.NUANCES.keys()
    assert all(0 <= strength <= 1 for strength in scene.strengths.values())


def test_golden_pictures_show_a_changed_light_a_changed_colour_and_a_missing_thing(monkeypatch):
    before = golden.read("village")
    shine = Light.lit
    with monkeypatch.context() as patch:
        patch.setattr(Light, "lit", lambda self, *arguments: 0.97 * shine(self, *arguments))
        assert not golden.alike(golden.landscape("village").picture, before)
    for thing in ("brick_house", "shingled_cottage", "stone_cottage", "brick_terrace"):
        monkeypatch.setitem(THINGS, thing, lambda _pen, _generator: None)
    assert not golden.alike(golden.landscape("village").picture, before)
    greener = np.clip(np.asarray(before, dtype=np.int16) + np.array([0, 2, 0]), 0, 255)
    assert not golden.alike(Image.fromarray(greener.astype(np.uint8)), before)


@pytest.mark.parametrize(
    ("place", "attribute", "company"),
    [("steppe", "sand", "ocean"), ("alpine_lake", "still_water", "grass"), ("river", "running_water", "trees")],
)
def test_now_and_then_the_usual_company_is_missing(place, attribute, company):
    numbers = [number for number in range(40) if _is_unusual(place, number)]
    assert 5 <= len(numbers) <= 30
    found = []
    for number in numbers[:4]:
        masks = render(np.random.default_rng([3, number]), 64, place).masks.mean(axis=(1, 2))
        shares = dict(zip(ATTRIBUTES, masks, strict=True))
        found.append(shares[attribute] > 0.02 and shares[company] < 0.01)
    assert sum(found) >= 2


def test_elsewhere_nothing_is_unusual():
    for place, (make, _weight) in PLACES.items():
        if place not in UNUSUAL:
            generator = np.random.default_rng(1)
            plan, before = make(generator), generator.bit_generator.state
            assert not any(make_unusual(plan, generator.spawn(1)[0]) for _ in range(9))
            assert generator.bit_generator.state == before  # so that other scenes stay what they were


def _is_unusual(place, number):
    """Whether the scene is one of those, by the draws that `render` makes before it decides."""
    generator = np.random.default_rng([3, number])
    weights = np.array([weight for _make, weight in PLACES.values()])
    generator.choice(list(PLACES), p=weights / weights.sum())
    return make_unusual(PLACES[place][0](generator), generator.spawn(1)[0])


def test_people_agree_with_the_quality():
    generator = np.random.default_rng(0)
    votes = [np.mean(crowd.vote(quality, generator)) for quality in np.repeat([3.0, 5.0, 7.0], 400)]
    assert np.reshape(votes, (3, 400)).mean(axis=1) == pytest.approx([3, 5, 7], abs=0.12)


def test_annotators_see_large_things_and_nothing_that_is_not_there():
    seen = crowd.annotate(np.repeat([0.0, 0.006, 0.2], 900), np.random.default_rng(0)).reshape(3, 900).mean(axis=1)
    assert seen[0] == 0
    assert seen[1] == pytest.approx(0.5, abs=0.05)
    assert seen[2] > 0.99


def test_signs_are_those_of_the_paper():
    means = dict(zip(ATTRIBUTES, crowd.true_templates(9).mean(axis=(1, 2)), strict=True))
    assert all(means[name] > 0 for name in ("hiking", "rugged_scene", "ocean", "still_water", "ice_snow"))
    assert all(means[name] < 0 for name in ("metal", "glass", "wire", "transport", "dry"))
    farming = crowd.true_templates(9)[ATTRIBUTES.index("farming")]
    assert farming[0].max() < 0 < farming[-1].min()


@given(data=st.data())
def test_masks_survive_the_disk(data, tmp_path_factory):
    generator = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    owner = generator.integers(0, data.draw(st.integers(1, 40)), (24, 24))
    member = generator.random((len(ATTRIBUTES), 40)) < data.draw(st.floats(0, 0.3))
    masks = member[:, owner]
    zeros = dict.fromkeys(ATTRIBUTES, 0.0)
    example = truth.Truth(7, "meadow", "noon", "test", crowd.BIAS, zeros, {}, (4, 5, 6), zeros, zeros)
    folder = tmp_path_factory.mktemp("truth")
    truth.write(folder, example, masks)
    assert truth.read_truth(folder, 7) == example
    assert (truth.read_masks(folder, 7) == masks).all()


def test_damaged_truth_is_one_line(scenes, tmp_path):
    with pytest.raises(DatasetError, match="render the scenes again"):
        truth.read_truth(tmp_path, 1)
    (tmp_path / "truth").mkdir()
    (tmp_path / "truth" / "1.json").write_text(json.dumps({"identifier": 1}))
    with pytest.raises(DatasetError, match="lacks"):
        truth.read_truth(tmp_path, 1)
    with pytest.raises(DatasetError, match="missing or damaged"):
        truth.read_masks(tmp_path, 1)


# Geometry


def noises():
    generator = np.random.default_rng(3)
    return fractal(generator, 2.0), fractal(generator, 1.0)


def test_noise_repeats_without_a_seam():
    noise, _rough = noises()
    place = np.linspace(0, SIDE, 50)
    assert noise.at(place, place) == pytest.approx(noise.at(place + SIDE, place - SIDE), abs=1e-3)
    assert abs(noise.values[:-1, :-1].mean()) < 1e-4
    assert noise.values[:-1, :-1].std() == pytest.approx(1, abs=1e-4)


def test_a_plain_ends_at_a_straight_horizon_and_distances_are_those_of_the_plane():
    camera = Camera(200, 80.0, 190.0, 2.0)
    view = look(camera, Terrain(Shape(rolling=0.0), *noises()))
    assert np.isinf(view.depth[:79]).all() and np.isfinite(view.depth[82:]).all()
    rows = np.arange(100, 200)
    expected = camera.focal * camera.height / (rows + 0.5 - camera.horizon)
    assert np.abs(view.depth[100:] / expected[:, None] - 1).max() < 0.01
    x, z = float(view.x[150, 30]), float(view.depth[150, 30])
    assert camera.project(x, 0.0, z) == pytest.approx((30.5, 150.5), abs=0.1)


def test_looking_is_casting_a_ray_through_every_pixel():
    """Against a slow march in small steps along single rays."""
    shape = Shape(rolling=12.0, rolling_length=120, mountains=Mountains(500, 300, 900))
    terrain, camera = Terrain(shape, *noises()), Camera(120, 55.0, 110.0, 4.0)
    view = look(camera, terrain)
    hits = 0
    for row in range(4, 120, 9):
        for column in range(3, 120, 23):
            z = np.geomspace(3.0, 15_900, 60_000)
            x = (column + 0.5 - 60) / camera.focal * z
            y = camera.height - (row + 0.5 - camera.horizon) / camera.focal * z
            below = np.flatnonzero(terrain.height(x, z) >= y)
            if len(below) and np.isfinite(view.depth[row, column]):
                hits += abs(np.log(view.depth[row, column] / z[below[0]])) < 0.05
            else:
                hits += not len(below) and bool(np.isinf(view.depth[row, column]))
    assert hits >= 0.93 * 13 * 6  # the rest graze a crest


def test_water_mirrors_what_stands_behind_it():
    """A red wall at the far shore: its mirror image stands as deep below the shore line as the wall above it."""
    light = replace(draw_light(np.random.default_rng(0)), ambient=(1.0, 1.0, 1.0))
    camera = Camera(200, 80.0, 190.0, 2.0)
    canvas = Canvas(camera, light)
    view = look(camera, Terrain(Shape(rolling=0.0), *noises()))
    canvas.rgb[:] = 1.0
    far = 40.0
    shore = round(camera.project(0, 0, far)[1])
    top = round(camera.project(0, 3.0, far)[1])
    canvas.rgb[top:shore, 60:90], canvas.depth[top:shore, 60:90] = (1.0, 0.0, 0.0), far
    wet = np.zeros((200, 200), dtype=bool)
    wet[shore:] = True
    calm = fractal(np.random.default_rng(0), 1.0)
    calm.values[:] = 0
    paint_still(canvas, view, wet, calm, breeze=0.0)
    red = (canvas.rgb[:, 75, 0] - canvas.rgb[:, 75, 1]) > 0.3
    rows = np.flatnonzero(red)
    assert rows[0] == top
    assert abs(rows[-1] - (2 * shore - top)) <= 2
    assert not ((canvas.rgb[shore:, 120, 0] - canvas.rgb[shore:, 120, 1]) > 0.3).any()
    assert canvas.masks_of("still_water")[shore:].all()


def test_near_things_hide_far_ones():
    canvas = Canvas(Camera(100, 40.0, 95.0, 2.0), draw_light(np.random.default_rng(0)))
    square = [(20, 20), (80, 20), (80, 80), (20, 80)]
    canvas.fill(square, (1, 0, 0), ["brick"], 10.0)
    canvas.fill(square, (0, 1, 0), ["metal"], 20.0)
    assert canvas.masks_of("brick")[30:70, 30:70].all() and not canvas.masks_of("metal").any()
    canvas.fill(square, (0, 0, 1), None, 5.0, opacity=0.4)
    assert canvas.masks_of("brick")[30:70, 30:70].all()  # a shadow changes the colour alone
    assert 0 < canvas.rgb[50, 50, 2] < 1
    with pytest.raises(ValueError, match="no attribute"):
        canvas.set_of(["bricks"])
