"""`explain --difference`: what leads from the first photo's score to the others', as text, JSON and files."""

import json

import numpy as np
import pytest
from PIL import Image

import siam
from siam.cli.main import main
from siam.explanation.difference import difference
from siam.explanation.wording import difference_sentence, difference_sentences, interval_text, view_text
from siam.images.reading import read_image
from siam.models.checkpoint import Pair, save
from tests.reports.test_report import Page
from tests.support.fakes import fake_picture
from tests.support.networks import baseline_network, siam_network


@pytest.fixture(scope="module")
def networks(tmp_path_factory):
    folder = tmp_path_factory.mktemp("networks")
    save(Pair("tiny", siam_network(attribute_link="sigmoid"), baseline_network(), {"summary": "Noise."}), folder)
    return folder


@pytest.fixture
def photos(tmp_path):
    """A photo, its edit, another photo, and one of another shape."""
    paths = [tmp_path / name for name in ("before.png", "after.png", "other.png", "tall.png")]
    before = fake_picture(0, (240, 160))
    after = before.copy()
    after.paste("white", (150, 20, 170, 120))
    pictures = (before, after, fake_picture(9, (240, 160)), fake_picture(9, (160, 240)))
    for path, picture in zip(paths, pictures, strict=True):
        picture.save(path)
    return paths


@pytest.fixture
def run(networks, capsys):
    """Run `explain --difference` with the small pair; return its status, stdout and stderr."""

    def run(*arguments):
        status = main(["explain", "--difference", *map(str, arguments), "--model", str(networks)])
        return status, *capsys.readouterr()

    return run


def expected(networks, paths):
    pair = siam.load(networks, device="cpu")
    explanations = [siam.explain(pair, read_image(path)) for path in paths]
    return explanations, [difference(explanations[0], other) for other in explanations[1:]]


def assert_one_line(err, *names):
    assert err.startswith("error: ")
    assert err.endswith("\n") and err.count("\n") == 1
    for name in names:
        assert name in err


@pytest.mark.parametrize("count", [2, 3, 4])
def test_text_gives_all_scores_then_what_leads_from_the_first_to_each_other(run, networks, photos, count):
    paths = photos[:count]
    status, out, err = run(*paths)
    assert (status, err) == (0, "")
    explanations, found = expected(networks, paths)
    lines = out.splitlines()
    assert len(lines) == count + count - 1
    for path, explanation, line in zip(paths, explanations, lines, strict=False):
        assert line.startswith(f"{path}: SIAM {explanation.scenicness:.2f} of 10, baseline ")
    for path, of, line in zip(paths[1:], found, lines[count:], strict=True):
        names = str(paths[0]), str(path)
        assert line == f"{difference_sentence(of, names)} {view_text(of, names)}"
    assert "show the same view" in lines[count]


def test_json_has_exact_differences(run, networks, photos):
    status, out, err = run(*photos, "--json")
    assert (status, err) == (0, "")
    answer = json.loads(out)
    explanations, found = expected(networks, photos)
    assert [of["image"] for of in answer["photos"]] == [str(path) for path in photos]
    assert [of["siam"]["score"] for of in answer["photos"]] == pytest.approx([of.scenicness for of in explanations])
    assert [of["to"] for of in answer["differences"]] == [str(path) for path in photos[1:]]
    assert [of["same_view"] for of in answer["differences"]] == [True, False, False]
    for given, of in zip(answer["differences"], found, strict=True):
        assert given["change"] == pytest.approx(of.change, abs=1e-5)
        assert list(given["contributions"].values()) == pytest.approx(of.values, abs=1e-5)
        assert sum(given["contributions"].values()) == pytest.approx(given["change"], abs=1e-4)


def test_a_photo_and_itself(run, photos):
    status, out, _err = run(photos[0], photos[0], "--json")
    (found,) = json.loads(out)["differences"]
    assert status == 0 and found["change"] == 0 and not np.any(list(found["contributions"].values()))
    assert (found["from"], found["to"]) == (str(photos[0]), f"{photos[0]} (2)")


@pytest.mark.parametrize("ending", [".png", ".svg", ".json", ".html", ".HTML"])
def test_one_file(run, photos, tmp_path, ending):
    path = tmp_path / "new" / f"turbines{ending}"
    status, out, err = run(*photos[:2], "--out", path)
    assert (status, err) == (0, "") and "scores" in out
    assert [of.name for of in path.parent.iterdir()] == [path.name]
    starts = {".png": b"\x89PNG", ".svg": b"<svg", ".json": b"{", ".html": b"<!DOCTYPE"}
    assert path.read_bytes().startswith(starts[ending.lower()])


def test_a_folder_gets_figure_data_and_report(run, photos, tmp_path):
    out = tmp_path / "out"
    assert run(*photos, "--out", out)[0] == 0
    assert sorted(path.name for path in out.iterdir()) == ["difference.html", "difference.json", "difference.png"]
    with Image.open(out / "difference.png") as image:
        image.load()
    data = json.loads((out / "difference.json").read_text())
    assert len(data["explanations"]) == 4
    page = Page((out / "difference.html").read_text())
    assert data["differences"][0]["sentence"] in page.text
    assert str(tmp_path) not in page.text  # names of files, not where they are


def test_no_photo_is_overwritten(run, photos, tmp_path):
    taken = tmp_path / "difference.png"
    taken.write_bytes(photos[0].read_bytes())
    assert run(taken, photos[1], "--out", tmp_path)[0] == 0
    assert taken.read_bytes() == photos[0].read_bytes()
    assert (tmp_path / "difference-2.png").is_file()
    status, out, err = run(*photos[:2], "--out", photos[0])
    assert (status, out) == (2, "")
    assert_one_line(err, "before.png is one of the photos", "another name")


@pytest.mark.parametrize("count", [2, 3])
def test_what_changed_begins_the_sentence(run, networks, photos, tmp_path, count):
    paths = photos[:count]
    status, out, err = run(*paths, "--change", "The wind turbines", "--out", tmp_path / "out.json")
    assert (status, err) == (0, "")
    explanations, _found = expected(networks, paths)
    found = [difference(explanations[0], other, changed="the wind turbines") for other in explanations[1:]]
    names = [str(path) for path in paths]
    for sentence, line in zip(difference_sentences(found, names), out.splitlines()[count:], strict=True):
        assert sentence.startswith("The wind turbines ") and line.startswith(sentence)
    data = json.loads((tmp_path / "out.json").read_text())
    assert data["changed"] == "the wind turbines"
    assert data["differences"][0]["sentence"].startswith("The wind turbines ")
    printed = json.loads(run(*paths, "--change", "the wind turbines", "--json")[1])
    assert printed["changed"] == "the wind turbines"
    assert run(*paths, "--change", " ") == run(*paths)


@pytest.mark.parametrize("command", [["explain", "--difference"], ["figure", "--kind", "difference"]])
@pytest.mark.parametrize(
    ("words", "told"),
    [("x" * 81, "at most 80 characters, not 81"), (" . ", "expected words such as")],
)
def test_words_that_fit_no_sentence(photos, capsys, command, words, told):
    with pytest.raises(SystemExit) as stopped:
        main([*command, str(photos[0]), str(photos[1]), "--change", words])
    assert stopped.value.code == 2
    err = capsys.readouterr().err
    assert "--change" in err and told in err and "Traceback" not in err


@pytest.mark.parametrize(
    ("command", "remedy"), [(["explain"], "--difference"), (["figure"], "--kind difference")], ids=["explain", "figure"]
)
def test_without_a_difference_nothing_changed(photos, capsys, command, remedy):
    assert main([*command, str(photos[0]), "--change", "the wind turbines"]) == 2
    assert_one_line(capsys.readouterr().err, "--change", f"give {remedy}")


def test_each_score_has_its_interval(photos, capsys):
    paths = photos[:2]
    assert main(["explain", "--difference", *map(str, paths)]) == 0
    lines = capsys.readouterr().out.splitlines()
    pair = siam.load("photo", device="cpu")
    for path, line in zip(paths, lines, strict=False):
        text = interval_text(siam.explain(pair, path))
        assert text and line.startswith(f"{path}: SIAM ") and line.endswith(f". {text}")
    assert main(["explain", "--difference", *map(str, paths), "--json"]) == 0
    for of, path in zip(json.loads(capsys.readouterr().out)["photos"], paths, strict=True):
        assert of["intervals"]["siam"] == pytest.approx(siam.explain(pair, path).interval, abs=1e-3)


@pytest.mark.parametrize("count", [1, 5])
def test_wrong_number_of_photos(run, photos, count):
    status, out, err = run(*(photos * 2)[:count])
    assert (status, out) == (2, "")
    assert_one_line(err, "2 to 4 photos", f"{count} photo{'s' * (count > 1)} given")


def test_a_bad_photo_leaves_nothing_to_compare(run, photos, tmp_path):
    (tmp_path / "notes.jpg").write_text("words")
    for bad, words in (("notes.jpg", "notes.jpg"), ("absent.jpg", "absent.jpg")):
        status, out, err = run(photos[0], tmp_path / bad, "--json", "--out", tmp_path / "out")
        assert (status, out) == (2, "")
        assert_one_line(err, words)
    assert not list((tmp_path / "out").glob("*"))


@pytest.mark.parametrize("name", ["figure.jpg", "report.pdf", "report.htm"])
def test_a_kind_of_file_that_is_not_written(run, photos, tmp_path, name):
    status, out, err = run(*photos[:2], "--out", tmp_path / name)
    assert (status, out) == (2, "")
    assert_one_line(err, name, ".png, .svg, .json or .html")


def test_a_place_that_cannot_be_written_to(run, photos, tmp_path):
    (tmp_path / "file").write_text("")
    for place in ("file", "file/report.html"):
        status, out, err = run(*photos[:2], "--out", tmp_path / place)
        assert (status, out) == (2, "")
        assert_one_line(err, "is a file, but a folder is needed")
