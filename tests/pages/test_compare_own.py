"""A network of the visitor's own on the page Compare."""

import pytest
import torch

from siam.explainers import attribute_photo, explainer, names_for, output
from siam.gallery.samples import load_samples
from siam.images.reading import read_image
from siam.models import zoo
from tests.support.architectures import architecture, plain
from tests.support.pages import opened, texts
from ui.compare import own

IMAGENET = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    path = tmp_path_factory.mktemp("own") / "network.pt2"
    torch.export.save(torch.export.export(plain(3), (torch.zeros(1, 3, 64, 64),)), path)
    return path


@pytest.fixture
def allowed(monkeypatch):
    monkeypatch.setenv(own.FLAG, "1")
    monkeypatch.setattr(own, "on_this_machine", lambda: True)


def asked(program, **inputs):
    app = opened("compare", methods="none")
    app.text_input("own_network").set_value(str(program))
    for key, value in inputs.items():
        (app.number_input if key == "own_output" else app.selectbox)(key).set_value(value)
    app.run()
    assert not app.exception
    return app


@pytest.mark.parametrize(("flag", "here"), [(None, True), ("1", False), ("0", True)])
def test_it_is_offered_only_on_the_visitor_s_own_machine_and_by_a_flag(monkeypatch, flag, here):
    monkeypatch.delenv(own.FLAG, raising=False)
    if flag is not None:
        monkeypatch.setenv(own.FLAG, flag)
    monkeypatch.setattr(own, "on_this_machine", lambda: here)
    app = opened("compare", methods="none")
    assert "A network of your own" not in texts(app)
    assert not any(element.key == "own_network" for element in app.text_input)


def test_all_fast_maps_of_an_exported_network_are_shown(allowed, program):
    app = asked(program, own_output=2)
    assert "The network gives 5 numbers; explained is output 2" in texts(app)
    fast = [name for name in names_for(plain(3)) if not explainer(name).slow]
    shown = [picture.alt for element in app.image for picture in element.proto.imgs if "'s map: " in picture.alt]
    assert {explainer(name).description.title for name in fast} <= {text.partition("'s map")[0] for text in shown}
    loaded = zoo.load(str(program), mean=IMAGENET[0], std=IMAGENET[1])
    _part, images = zoo.seen(read_image(load_samples()[0].path), loaded.expects)
    with torch.no_grad():
        value = float(loaded.model(images)[0, 2])
    assert f"**{value:.4g}**." in texts(app)
    assert attribute_photo(loaded.model, images, "grad_cam", output(2)).map.shape == (16, 16)


def test_without_a_number_the_largest_output_is_explained(allowed, program):
    assert ", the largest." in texts(asked(program)).replace("\\", "")


def test_what_is_wrong_is_said_once_and_in_words(allowed, program, tmp_path):
    assert "there is no output 7: this network has 5" in texts(asked(program, own_output=7)).replace("\\", "")
    assert "does not exist" in texts(asked(tmp_path / "missing.pt2")).replace("\\", "")
    (tmp_path / "junk.pt2").write_text("junk")
    assert "is not a program that takes pictures" in texts(asked(tmp_path / "junk.pt2")).replace("\\", "")
    assert "expected timm:NAME, torchvision:NAME or FILE.pt2" in texts(asked(tmp_path / "weights.pth")).replace(
        "\\", ""
    )


def test_a_network_for_pictures_of_any_size_sees_pictures_of_224_px(allowed, tmp_path):
    height, width = torch.export.Dim("height", min=32, max=4096), torch.export.Dim("width", min=32, max=4096)
    sizes = ({2: height, 3: width},)
    exported = torch.export.export(architecture("regressor"), (torch.zeros(1, 3, 64, 96),), dynamic_shapes=sizes)
    torch.export.save(exported, tmp_path / "any.pt2")
    assert "The network gives 1 number; explained is output 0" in texts(asked(tmp_path / "any.pt2")).replace("\\", "")
