"""The command line: JSON as promised, files that do not overwrite each other, and one line where something is wrong."""

import dataclasses
import json
import os
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import siam
from siam.cli.main import main
from siam.drawing.palettes import PALETTES, palette
from siam.drawing.phrases import words
from siam.images.reading import read_image
from siam.models.checkpoint import Pair, save
from siam.training import pairs
from tests.support.near import near
from tests.support.networks import baseline_network, siam_network
from tests.support.paths import ROOT
from tests.support.recognition import recognised

ATTRIBUTES = [f"attribute_{k}" for k in range(5)]


@pytest.fixture(scope="module")
def networks(tmp_path_factory):
    folder = tmp_path_factory.mktemp("networks")
    save(Pair("tiny", siam_network(attribute_link="sigmoid"), baseline_network(), {"summary": "Noise."}), folder)
    return folder


@pytest.fixture(scope="module")
def pair(networks):
    return siam.load(networks, device="cpu")


def make_picture(path, seed=0, size=(96, 64)):
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (5, 5, 3), dtype=np.uint8)
    Image.fromarray(pixels).resize(size, Image.Resampling.BICUBIC).save(path)
    return path


def run_alone(*arguments, **environment):
    """Run `python -m siam` in a process of its own."""
    command = [sys.executable, "-m", "siam", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, timeout=120, env={**os.environ, **environment})


@pytest.fixture
def run(networks, capsys):
    """Run `explain` with the small pair; return its status, stdout and stderr."""

    def run(*arguments, model=networks):
        status = main(["explain", *map(str, arguments), "--model", str(model)])
        return status, *capsys.readouterr()

    return run


def expected_answer(pair, path):
    """Return what the contract promises for one photo, from the Python door."""
    found = siam.explain(pair, read_image(path))
    return {
        "image": str(path),
        "model": "tiny",
        "scale": {"name": "test rating", "low": 1.0, "high": 10.0},
        "siam": {
            "score": found.scenicness,
            "bias": found.bias,
            "contributions": dict(zip(ATTRIBUTES, found.contributions.tolist(), strict=True)),
        },
        "baseline": {"score": found.baseline_scenicness},
    }


def assert_one_line(err, *names):
    """Assert that stderr is one line, an error that names the file."""
    assert err.startswith("error: ")
    assert err.endswith("\n") and err.count("\n") == 1
    assert "Traceback" not in err
    for name in names:
        assert name in err


# JSON


def test_one_photo_gives_an_object_with_the_same_numbers_as_python(run, pair, tmp_path):
    path = make_picture(tmp_path / "lake.jpg")
    status, out, err = run(path, "--json")
    assert (status, err) == (0, "")
    answer = json.loads(out)
    assert near(answer, expected_answer(pair, path))
    assert list(answer) == ["image", "model", "scale", "siam", "baseline"]
    assert list(answer["siam"]["contributions"]) == ATTRIBUTES
    contributions = answer["siam"]["contributions"].values()
    assert sum(contributions) + answer["siam"]["bias"] == pytest.approx(answer["siam"]["score"], abs=1e-5)


def test_several_photos_give_a_list_in_order(run, pair, tmp_path):
    paths = [make_picture(tmp_path / f"{seed}.png", seed) for seed in (3, 1, 2)]
    status, out, _err = run(*paths, "--json")
    assert status == 0
    assert near(json.loads(out), [expected_answer(pair, path) for path in paths])


def test_pair_without_baseline_says_so(run, pair, tmp_path):
    save(Pair("alone", pair.siam, None, {}), tmp_path / "alone")
    status, out, _err = run(make_picture(tmp_path / "lake.jpg"), "--json", model=tmp_path / "alone")
    assert status == 0
    assert json.loads(out)["baseline"] is None


def test_without_json_each_photo_gets_one_line(run, pair, tmp_path):
    paths = [make_picture(tmp_path / "one.jpg", 1), make_picture(tmp_path / "two.jpg", 2)]
    status, out, _err = run(*paths)
    assert status == 0
    lines = out.splitlines()
    assert len(lines) == 2
    for line, path in zip(lines, paths, strict=True):
        assert line.startswith(f"{path}: SIAM {siam.explain(pair, read_image(path)).scenicness:.2f} of 10")


# Files


class Pictures(HTMLParser):
    """The sources of a page's pictures."""

    def __init__(self, source):
        super().__init__()
        self.sources = []
        self.feed(source)

    def handle_starttag(self, tag, attrs):
        """Note a picture."""
        if tag == "img":
            self.sources.append(dict(attrs)["src"])


def test_text_and_json_say_which_names_are_hard_to_believe(run, pair, tmp_path):
    path = make_picture(tmp_path / "lake.jpg")
    name = siam.explain(pair, read_image(path)).ranking()[0].attribute
    for belief, told in (("hardly", True), ("roughly", True), ("well", False)):
        folder = tmp_path / belief
        save(dataclasses.replace(pair, card={"attributes": {name: recognised(belief).entry()}}), folder)
        _status, text, _err = run(path, model=folder)
        assert text.count(words(name)) == 1 + told
        _status, text, _err = run(path, "--json", model=folder)
        assert json.loads(text)["siam"]["recognised"] == {name: belief}
    assert "recognised" not in json.loads(run(path, "--json")[1])["siam"]


def test_out_holds_figure_data_and_report(run, pair, tmp_path):
    path, out = make_picture(tmp_path / "lake.jpg"), tmp_path / "new" / "results"
    status, text, err = run(path, "--json", "--out", out)
    assert (status, err) == (0, "")
    assert sorted(file.name for file in out.iterdir()) == ["lake.html", "lake.json", "lake.png"]
    with Image.open(out / "lake.png") as figure:
        assert figure.format == "PNG" and min(figure.size) > 200
    data, answer = json.loads((out / "lake.json").read_text(encoding="utf-8")), json.loads(text)
    assert {**answer, "image": "lake.jpg"}.items() <= data.items()
    found = siam.explain(pair, read_image(path))
    assert np.array(data["contribution_maps"]) == pytest.approx(found.contribution_maps, rel=1e-4, abs=1e-9)
    assert data["card"]["summary"] == "Noise."
    pictures = Pictures((out / "lake.html").read_text(encoding="utf-8")).sources
    assert pictures and all(source.startswith("data:image/") for source in pictures)


@pytest.mark.parametrize("name", PALETTES)
def test_the_colours_of_signs_can_be_chosen(name, run, tmp_path):
    photo = make_picture(tmp_path / "a.png")
    colours = [] if name == "green-magenta" else ["--colours", name]
    assert run(photo, "--out", tmp_path / "out", *colours)[0] == 0
    assert run(photo, photo, "--difference", "--out", tmp_path / "both.svg", *colours)[0] == 0
    page, figure = (tmp_path / "out" / "a.html").read_text(), (tmp_path / "both.svg").read_text()
    for other, of in PALETTES.items():
        assert (of.positive in page and of.negative in page) == (other == name)
        assert (of.positive in figure or of.negative in figure) <= (other == name)
    assert palette().name == "green-magenta"


def test_photos_of_one_name_do_not_overwrite_each_other(run, pair, tmp_path):
    # The third one's own name is what the second would have got.
    paths = [tmp_path / "a" / "lake.jpg", tmp_path / "b" / "lake.jpg", tmp_path / "lake-2.jpg", tmp_path / "c/lake.png"]
    for seed, path in enumerate(paths):
        make_picture(path, seed)
    status, _text, _err = run(*paths, "--json", "--out", tmp_path / "out")
    assert status == 0
    files = list((tmp_path / "out").iterdir())
    assert len(files) == 3 * len(paths)
    stored = sorted(
        json.loads(file.read_text(encoding="utf-8"))["siam"]["score"] for file in files if file.suffix == ".json"
    )
    assert stored == sorted(siam.explain(pair, read_image(path)).scenicness for path in paths)
    assert len(set(stored)) == len(paths)


# What goes wrong


def bad_pictures(folder):
    """Make files that are no pictures to explain; return them by what is wrong."""
    for name, size in (("dot.png", (1, 1)), ("needle.png", (1, 10_000))):
        Image.new("RGB", size).save(folder / name)
    (folder / "fake.jpg").write_text("I am not a photo.", encoding="utf-8")
    (folder / "empty.jpg").touch()
    (folder / "album.jpg").mkdir()
    return [folder / name for name in ("missing.jpg", "fake.jpg", "empty.jpg", "dot.png", "needle.png", "album.jpg")]


@pytest.mark.parametrize("number", range(6))
@pytest.mark.parametrize("options", [[], ["--json"]])
def test_bad_picture_is_named_in_one_line(run, number, options, tmp_path):
    bad = bad_pictures(tmp_path)[number]
    status, out, err = run(bad, *options)
    assert (status, out) == (2, "")
    assert_one_line(err, bad.name, ": ")


def test_message_stays_one_line_whatever_the_file_is_called(run, tmp_path):
    status, out, err = run(tmp_path / "two\nlines\r.jpg")
    assert (status, out) == (2, "")
    assert_one_line(err, "lines")
    assert "\r" not in err


def test_bad_pictures_do_not_cost_the_good_ones(run, pair, tmp_path):
    good = [make_picture(tmp_path / "good" / f"{seed}.jpg", seed) for seed in (1, 2)]
    bad = bad_pictures(tmp_path)
    status, out, err = run(good[0], *bad, good[1], "--json", "--out", tmp_path / "out")
    assert status == 2
    assert near(json.loads(out), [expected_answer(pair, path) for path in good])
    assert err.count("error: ") == len(bad)
    for path in bad:
        assert path.name in err
    assert sorted({file.stem for file in (tmp_path / "out").iterdir()}) == ["1", "2"]


def test_a_list_stays_a_list_when_one_is_left(run, pair, tmp_path):
    good = make_picture(tmp_path / "good.jpg")
    status, out, err = run(tmp_path / "missing.jpg", good, "--json")
    assert status == 2
    assert near(json.loads(out), [expected_answer(pair, good)])
    assert err.count("error: ") == 1


@pytest.mark.parametrize("model", ["no-such-pair", "no/such/pair", ""])
def test_unknown_model_is_named(run, model, tmp_path):
    status, out, err = run(make_picture(tmp_path / "lake.jpg"), "--json", model=model)
    assert (status, out) == (2, "")
    assert_one_line(err, model)


def test_damaged_model_is_named(run, tmp_path):
    folder = tmp_path / "two\nlines"  # the message stays one line
    folder.mkdir()
    (folder / "card.json").write_text("{", encoding="utf-8")
    status, _out, err = run(make_picture(tmp_path / "lake.jpg"), model=folder)
    assert status == 2
    assert_one_line(err, "card.json")


@pytest.mark.parametrize("below", ["", "deeper"])
def test_unwritable_output_folder_is_named(run, below, tmp_path):
    (tmp_path / "taken").write_text("a file where the folder should be", encoding="utf-8")
    status, out, err = run(make_picture(tmp_path / "lake.jpg"), "--json", "--out", tmp_path / "taken" / below)
    assert (status, out) == (2, "")
    assert_one_line(err, "taken", "check the path")


def test_unwritable_output_file_is_named(run, tmp_path):
    (tmp_path / "out" / "lake.png").mkdir(parents=True)
    status, _out, err = run(make_picture(tmp_path / "lake.jpg"), "--out", tmp_path / "out")
    assert status == 2
    assert_one_line(err, "lake.png")


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["explain"],
        ["explain", "--json"],
        ["explain", "a.jpg", "--colour"],
        ["explain", "a.jpg", "--model"],
        ["train"],
        ["beautify", "a.jpg"],
    ],
)
def test_bad_usage(arguments, capsys):
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    out, err = capsys.readouterr()
    assert (caught.value.code, out) == (2, "")
    assert err.count("\n") == 1
    assert "--help" in err
    assert err.startswith("error: ")


# Names that do not fit


def test_name_that_is_no_text_still_gives_json(run, pair, tmp_path):
    path = make_picture(tmp_path / "lake.jpg")
    odd = path.rename(tmp_path / os.fsdecode(b"caf\xe9 \xe2\x88\x92.jpg"))
    status, out, err = run(odd, "--json", "--out", tmp_path / "out")
    assert (status, err) == (0, "")
    assert near(json.loads(out), {**expected_answer(pair, odd), "image": str(odd)})
    assert len(list((tmp_path / "out").iterdir())) == 3


def test_process_with_a_terminal_of_few_characters(networks, tmp_path):
    good, bad = make_picture(tmp_path / "Zürichsee −1.jpg"), tmp_path / "fehlt−.jpg"
    answer = run_alone("explain", good, bad, "--model", networks, PYTHONIOENCODING="ascii")
    assert answer.returncode == 2
    assert answer.stdout.decode("ascii").count("\n") == 1
    assert b"SIAM " in answer.stdout
    assert b"error: " in answer.stderr and b"fehlt" in answer.stderr
    assert b"Traceback" not in answer.stderr and b"Warning" not in answer.stderr


# Training


def test_train_hands_its_paths_over(monkeypatch, capsys):
    calls = []
    monkeypatch.setattr(pairs, "train", lambda *arguments, **further: calls.append((*arguments, *further.values())))
    recipe = str(ROOT / "recipes" / "photo.toml")
    assert main(["train", recipe, "--root", "data", "--out", "o"]) == 0
    assert (
        main(
            [
                "train",
                recipe,
                "--cache",
                "c",
                "--resume",
                "--gallery",
                "g",
                "--gallery-source",
                "oasis_scenes",
                "--seed",
                "3",
            ]
        )
        == 0
    )
    assert calls[0] == (Path(recipe), Path("data"), Path("o"), Path("cache"), False, None, None, None)
    *others, write_gallery, seed = calls[1]
    assert others == [Path(recipe), Path("data"), Path("runs/photo"), Path("c"), True, None] and seed == 3
    assert callable(write_gallery)
    assert capsys.readouterr().out == ""


def test_interrupted_training_says_how_to_go_on(monkeypatch, capsys):
    def interrupted(*_arguments, **_further):
        raise KeyboardInterrupt

    monkeypatch.setattr(pairs, "train", interrupted)
    assert main(["train", "r.toml", "--out", "o"]) == 2
    assert_one_line(capsys.readouterr().err, "--resume")


def test_train_names_a_missing_recipe_and_missing_data(capsys, tmp_path):
    places = ["--root", str(tmp_path), "--out", str(tmp_path / "out"), "--cache", str(tmp_path / "cache")]
    assert main(["train", str(tmp_path / "recipe.toml"), *places]) == 2
    assert_one_line(capsys.readouterr().err, "recipe.toml")
    assert main(["train", str(ROOT / "recipes" / "photo.toml"), *places]) == 2
    assert_one_line(capsys.readouterr().err, "labels.csv")
    assert not (tmp_path / "out").exists()


# Help


@pytest.mark.parametrize(
    ("command", "expected"),
    [([], ["explain", "train"]), (["explain"], ["--model", "--json", "--out"]), (["train"], ["--root", "--cache"])],
)
def test_help_of_every_command(command, expected, capsys):
    with pytest.raises(SystemExit) as caught:
        main([*command, "--help"])
    out, err = capsys.readouterr()
    assert (caught.value.code, err) == (0, "")
    assert "python -m siam" in out
    for word in expected:
        assert word in out


def test_help_and_bad_usage_do_not_wait_for_pytorch():
    code = """
import contextlib, io, sys
from siam.cli.main import main
for arguments in (["--help"], ["explain", "--help"], ["train", "--help"], ["explain"]):
    with contextlib.suppress(SystemExit), contextlib.redirect_stdout(io.StringIO()):
        main(arguments)
sys.stdout.write(" ".join(sorted(sys.modules)))
"""
    answer = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
    )
    loaded = set(answer.stdout.split())
    assert "siam.cli.main" in loaded
    assert not loaded & {"torch", "timm", "pandas", "sklearn"}


def test_process_answers_help():
    answer = run_alone("explain", "--help")
    assert (answer.returncode, answer.stderr) == (0, b"")
    assert b"--model" in answer.stdout


def test_outputs_never_replace_the_photos_they_explain(run, tmp_path):
    photo = make_picture(tmp_path / "view.png")
    before = photo.read_bytes()
    status, _, err = run(photo, "--out", tmp_path)
    assert (status, err) == (0, "")
    assert photo.read_bytes() == before
    written = sorted(path.name for path in tmp_path.iterdir())
    assert written == ["view-2.html", "view-2.json", "view-2.png", "view.png"]


@pytest.mark.parametrize("words", [["evaluate", "--tables"], ["compare", "--tables"]])
def test_results_that_cannot_be_written_are_told_in_one_line(words, monkeypatch, capsys):
    with open("/dev/full", "w") as full:  # noqa: PTH123 - a device
        monkeypatch.setattr(sys, "stdout", full)
        assert main(words) == 2
    assert capsys.readouterr().err.startswith(
        "error: file system: No space left on device: check the path and the free"
    )


def test_a_reader_that_has_seen_enough_is_no_error(monkeypatch, capsys):
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as pipe:
        monkeypatch.setattr(sys, "stdout", pipe)
        assert main(["evaluate", "--tables"]) == 141
    assert capsys.readouterr().err == ""
