"""What a photo's file says about its place and camera stays in that file: nothing that we write or show holds it."""

import base64
import json
import re
from contextlib import nullcontext
from io import BytesIO

import pytest
from PIL import Image, PngImagePlugin

import siam
from siam.cli.main import main
from siam.drawing.maps import display_photo, map_picture, overlay, pattern_picture
from siam.drawing.printing import FORMS
from siam.drawing.shapes import data_uri
from siam.explainers import attribute_photo, score_up
from siam.explanation.difference import difference
from siam.figures.difference import swipe
from siam.figures.paper import paper_figure_png
from siam.gallery.copies import small_jpeg
from siam.gallery.uploads import Batch
from siam.images import as_photo
from siam.models.checkpoint import Pair, save
from siam.reports import files
from siam.reports.prints import explanation_print
from tests.support.fakes import fake_picture
from tests.support.networks import baseline_network, siam_network

SECRETS = (b"SecretCamera", b"SecretPlace", b"SecretComment", b"SecretOwner", b"SecretSerial")
KINDS = ("JPEG", "PNG", "WEBP", "HEIF", "TIFF", "AVIF")
XMP = (
    b"<x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF><rdf:Description>SecretPlace</rdf:Description></rdf:RDF></x:xmpmeta>"
)
IPTC = b"Photoshop 3.0\0" + b"8BIM\x04\x04\0\0\0\0\0\x10\x1c\x02\x5a\0\x0bSecretPlace"


def exif():
    data = Image.Exif()
    data[0x010F], data[0x0110], data[0x013B] = "SecretCamera", "SecretCamera 5", "SecretOwner"
    data.get_ifd(0x8769).update({0xA431: "SecretSerial", 0x9286: b"ASCII\0\0\0SecretComment"})
    data.get_ifd(0x8825).update({1: "N", 2: (46.0, 31.0, 6.5), 3: "E", 4: (6.0, 34.0, 7.5), 29: "2026:11:29"})
    return data


def telling(kind):
    """Return a photo's file that tells its place, camera and owner in every way its format has."""
    picture, content = fake_picture(0, (150, 100)), BytesIO()
    text = PngImagePlugin.PngInfo()
    text.add_text("Comment", "SecretComment")
    text.add_itxt("XML:com.adobe.xmp", XMP.decode())
    further = {
        "JPEG": {"xmp": XMP, "comment": b"SecretComment"},
        "PNG": {"pnginfo": text},
        "WEBP": {"xmp": XMP},
        "HEIF": {"xmp": XMP},
        "TIFF": {"tiffinfo": {270: "SecretComment"}},
        "AVIF": {"xmp": XMP},
    }[kind]
    picture.save(content, kind, exif=exif().tobytes() if kind != "TIFF" else exif(), **further)
    data = content.getvalue()
    if kind == "JPEG":  # IPTC, as photo agencies write it
        data = data[:2] + b"\xff\xed" + (len(IPTC) + 2).to_bytes(2, "big") + IPTC + data[2:]
    assert any(secret in data for secret in SECRETS)
    return data


def pictures_in(data):
    """Return the pictures in a file: itself, and those embedded as data URIs."""
    embedded = [base64.b64decode(found) for found in re.findall(rb"data:image/\w+;base64,([\w+/=]+)", data)]
    return [data, *embedded] if data[:2] in (b"\xff\xd8", b"\x89P") else embedded


def assert_silent(data):
    if isinstance(data, str):
        data = data.encode()
    for found in (data, *pictures_in(data)):
        assert not [secret for secret in SECRETS if secret in found]
    for found in pictures_in(data):
        with Image.open(BytesIO(found)) as picture:
            assert not dict(picture.getexif()) and not picture.getexif().get_ifd(0x8825)
            assert not {"exif", "xmp", "XML:com.adobe.xmp", "comment", "Comment", "photoshop"} & picture.info.keys()


@pytest.fixture(scope="module")
def pair():
    return Pair(
        "tiny",
        siam_network(attributes=8, attribute_link="sigmoid"),
        baseline_network(),
        {"summary": "Noise.", "limits": "All."},
    )


@pytest.fixture(params=KINDS)
def photo(request, tmp_path):
    path = tmp_path / f"walk.{request.param.lower()}"
    path.write_bytes(telling(request.param))
    return path


@pytest.mark.parametrize("opened", [False, True])
def test_an_explanation_and_all_its_files(photo, pair, opened, tmp_path):
    explanation = siam.explain(pair, Image.open(photo) if opened else photo)
    assert not explanation.image.info and not dict(explanation.image.getexif())
    for path in files.write(explanation, photo.name, pair.card, tmp_path / "out", "walk"):
        assert_silent(path.read_bytes())
    for text in (explanation._repr_html_(), repr(explanation)):
        assert_silent(text)
    for form in FORMS:
        assert_silent(explanation_print(explanation).file(85, form, "Networks"))
    assert len(pictures_in(explanation._repr_html_().encode())) == 10
    assert_silent(paper_figure_png(explanation))
    assert_silent(json.dumps(files.data_json(explanation, photo.name, pair.card)))


def test_a_difference_and_all_its_files(photo, pair):
    explanations = [siam.explain(pair, photo), siam.explain(pair, Image.open(photo).rotate(1))]
    for ending in files.DIFFERENCE_ENDINGS:
        assert_silent(files.difference_file(ending, explanations, ["a.jpg", "b.jpg"], pair.card))
    view = difference(*explanations)
    assert view.view.matches
    for picture in (swipe(view, view.before.image, Image.open(photo), share) for share in (0, 0.4, 1)):
        assert not picture.info


def test_an_attribution_over_the_photo(photo, pair, tmp_path):
    result = attribute_photo(pair.baseline, photo, "grad_cam", score_up())
    for number, image in enumerate((photo, Image.open(photo), Image.open(photo).convert("RGB"))):
        for ending in ("png", "jpg", "npz"):
            result.save(tmp_path / f"{number}.{ending}", image)
            assert_silent((tmp_path / f"{number}.{ending}").read_bytes())


def test_pictures_that_are_drawn_from_an_open_file(photo, pair):
    image = Image.open(photo)
    field = siam.explain(pair, image).total_map
    drawn = [display_photo(image), display_photo(image, 64), as_photo(image)]
    drawn += [draw(image.convert("RGB"), field) for draw in (map_one, pattern_one, overlay_one)]
    for picture in drawn:
        assert not picture.info
    assert_silent(data_uri(image.convert("RGB"), "JPEG"))
    assert_silent(small_jpeg(image.convert("RGB"), 80)[0])


def map_one(image, field):
    return map_picture(image, field, 1, 0)


def pattern_one(image, field):
    return pattern_picture(image, abs(field), 0)


def overlay_one(image, field):
    return overlay(image, field, 1.0)


def test_a_gallery_in_memory(pair):
    batch = Batch([(f"{kind}.jpg", telling(kind)) for kind in KINDS])
    batch.go_on(pair, nullcontext())
    gallery = batch.gallery(pair)
    assert gallery is not None and gallery.contents and gallery.inputs and len(gallery) == len(KINDS)
    for content in (*gallery.contents, *gallery.inputs):
        assert_silent(content)


def test_commands_galleries_and_tables(pair, tmp_path, capsys):
    root = tmp_path / "own"
    root.mkdir()
    names = [f"{kind.lower()}.{kind.lower()}" for kind in KINDS]
    for name, kind in zip(names, KINDS, strict=True):
        (root / name).write_bytes(telling(kind))
    rows = [f"{name},{3 + number}" for number, name in enumerate(names)]
    (root / "ratings.csv").write_text("\n".join(["file,score", *rows]) + "\n", encoding="utf-8")
    save(pair, tmp_path / "tiny")
    model = ["--model", str(tmp_path / "tiny")]
    assert (
        main(["explain", *(str(root / name) for name in names), "--json", "--out", str(tmp_path / "out"), *model]) == 0
    )
    gallery = ["--gallery", str(tmp_path / "gallery"), "--out", str(tmp_path / "result.json")]
    assert main(["evaluate", "--data", "folder", "--root", str(root), "--json", *gallery, *model]) == 0
    assert_silent(capsys.readouterr().out)
    written = [path for folder in ("out", "gallery") for path in (tmp_path / folder).rglob("*") if path.is_file()]
    assert len(written) == 3 * len(KINDS) + 2 * len(KINDS) + 1
    for path in (*written, tmp_path / "result.json"):
        assert_silent(path.read_bytes())
