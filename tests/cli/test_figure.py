"""`figure`: files for papers of the width asked for, captions on stdout, and errors before any network is loaded."""

import io
import xml.etree.ElementTree as ET

import pytest
from PIL import Image
from pypdf import PdfReader

import siam
from siam.cli.main import main
from siam.drawing.phrases import number, signed
from siam.models import checkpoint
from siam.models.checkpoint import Pair, save
from siam.reports.prints import networks_text
from tests.support.fakes import fake_picture
from tests.support.networks import baseline_network, siam_network


@pytest.fixture(scope="module")
def networks(tmp_path_factory):
    folder = tmp_path_factory.mktemp("networks")
    card = {"summary": "Noise.", "trained": "2026-11-20"}
    save(Pair("tiny", siam_network(attribute_link="sigmoid"), baseline_network(), card), folder)
    return folder


@pytest.fixture
def photos(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    paths = [tmp_path / name for name in ("lake.png", "hill <b>.png")]
    for seed, path in enumerate(paths):
        fake_picture(seed, (240, 160)).save(path)
    return paths


@pytest.fixture
def run(networks, capsys):
    """Run `figure` with the small pair; return its status, stdout and stderr."""

    def run(*arguments):
        try:
            status = main(["figure", *map(str, arguments), "--model", str(networks)])
        except SystemExit as error:
            status = error.code
        return status, *capsys.readouterr()

    return run


def test_a_photo_becomes_a_pdf_with_its_numbers_and_a_caption(run, photos, networks, tmp_path):
    status, out, err = run(photos[0], "--width", "85mm", "--format", "pdf")
    assert (status, err) == (0, "")
    pair = siam.load(networks, device="cpu")
    explanation = siam.explain(pair, photos[0])
    page = PdfReader(io.BytesIO((tmp_path / "lake-figure.pdf").read_bytes())).pages[0]
    assert float(page.mediabox.width) == pytest.approx(85 / 25.4 * 72, abs=1e-3)
    texts = page.extract_text().split("\n")
    assert {signed(item.value) for item in explanation.ranking(count=8)} | {number(explanation.bias)} <= set(texts)
    target, caption = out.splitlines()
    assert target == "lake-figure.pdf" and networks_text(pair) in caption and "trained 2026-11-20" in caption
    assert "Marcos, Lobry and Tuia" in caption


@pytest.mark.parametrize("kind", ["explanation", "waterfall", "maps"])
@pytest.mark.parametrize("form", ["pdf", "svg", "png"])
def test_every_kind_in_every_format(run, photos, tmp_path, kind, form):
    status, out, err = run(
        *photos, "--kind", kind, "--format", form.upper(), "--out", tmp_path / "figures", "--width", "9cm"
    )
    assert (status, err) == (0, "")
    files = sorted((tmp_path / "figures").iterdir())
    assert [path.suffix for path in files] == [f".{form}"] * 2 and len(out.splitlines()) == 4
    for path in files:
        if form == "pdf":
            assert float(PdfReader(path).pages[0].mediabox.width) == pytest.approx(90 / 25.4 * 72, abs=1e-3)
        elif form == "svg":
            assert ET.fromstring(path.read_bytes()).get("width") == "90mm"
        else:
            with Image.open(path) as image:
                assert image.width == round(90 / 25.4 * 300)


def test_photos_side_by_side_become_one_figure(run, photos, tmp_path):
    command = *photos, "--kind", "difference", "--change", "the new road", "--out", tmp_path / "both.svg"
    status, out, _err = run(*command)
    assert status == 0 and out.startswith(f"{tmp_path / 'both.svg'}\nThe new road ")
    texts = [item.text for item in ET.fromstring((tmp_path / "both.svg").read_bytes()).iter() if item.text]
    assert "hill <b>.png" in texts


def test_photos_of_one_name_get_their_own_files(run, photos, tmp_path):
    (tmp_path / "other").mkdir()
    fake_picture(5, (240, 160)).save(tmp_path / "other" / "lake.png")
    status, out, _err = run(photos[0], tmp_path / "other" / "lake.png", "--kind", "waterfall", "--out", tmp_path)
    assert status == 0 and len(out.splitlines()) == 4
    assert (tmp_path / "lake-waterfall.pdf").read_bytes() != (tmp_path / "lake-waterfall-2.pdf").read_bytes()


def test_a_bad_photo_does_not_stop_the_others(run, photos, tmp_path):
    (tmp_path / "bad.jpg").write_bytes(b"not a picture")
    status, out, err = run(tmp_path / "bad.jpg", photos[0])
    assert status == 2 and "bad.jpg" in err and err.count("\n") == 1
    assert out.startswith("lake-figure.pdf\n") and (tmp_path / "lake-figure.pdf").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--width", "12m"], "such as 180mm"),
        (["--width", "39mm"], "40 to 400 mm"),
        (["--width", "20in"], "40 to 400 mm"),
        (["--format", "gif"], "pdf, svg, png"),
        (["--kind", "poster"], "explanation, waterfall, maps, difference"),
        (["--out", "figure.jpg"], ".pdf, .svg or .png"),
        (["--out", "figure.png", "--format", "pdf"], "--format pdf"),
        (["--out", "lake.png"], "is one of the photos"),
        (["--kind", "difference"], "1 photo given"),
        (["--out", "lake.png/figures"], "lake.png"),
    ],
)
def test_wrong_arguments_are_told_in_one_line_before_networks_load(run, photos, monkeypatch, arguments, said):
    monkeypatch.setattr(checkpoint, "load", lambda *_, **__: pytest.fail("the networks were loaded"))
    before = photos[0].read_bytes()
    status, out, err = run(photos[0], *arguments)
    assert status == 2 and out == ""
    assert err.startswith("error: ") and err.count("\n") == 1 and said in err
    assert photos[0].read_bytes() == before and sorted(photos[0].parent.iterdir()) == sorted(photos)


def test_one_file_does_not_hold_several_photos(run, photos):
    status, _out, err = run(*photos, "--out", "both.pdf")
    assert status == 2 and "2 photos" in err and "folder" in err
