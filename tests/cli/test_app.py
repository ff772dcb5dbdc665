"""`app` starts the dashboard, or says in one line why not; with what it begins is what was asked for."""

import pytest

from siam.cli.main import main
from siam.models import checkpoint
from siam.models.checkpoint import Pair
from siam.runtime.paths import ASSETS
from tests.support.networks import baseline_network, siam_network
from tests.support.pages import opened


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--port 0", "expected a port from 1 to 65535, not '0'"),
        ("--port many", "not 'many'"),
        ("--model nowhere", "nowhere"),
        ("--gallery nowhere", "gallery.parquet is missing"),
        (
            f"--gallery {ASSETS}/gallery/oasis --model rendered",
            "was scored by 'photo', not by 'rendered': give --model",
        ),
    ],
)
def test_what_cannot_be_begun_with_is_told_in_one_line(words, message, capsys):
    with pytest.raises(SystemExit) if "--port" in words else pytest.MonkeyPatch.context():
        assert main(["app", *words.split()]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1 and lines[0].startswith("error: ") and message in lines[0]


def test_the_pair_and_the_gallery_that_were_asked_for_come_first(monkeypatch, tmp_path):
    folder = tmp_path / "mine"
    checkpoint.save(Pair("mine", siam_network(), baseline_network(), {}), folder)
    monkeypatch.setenv("SIAM_MODEL", str(folder))
    app = opened("about")
    assert app.selectbox(key="pair").options == ["mine", "Photos", "Rendered"]
    assert app.selectbox(key="pair").value == "mine"


def test_a_gallery_is_shown_with_its_pair(monkeypatch):
    monkeypatch.setenv("SIAM_MODEL", "photo")
    monkeypatch.setenv("SIAM_GALLERY", str(ASSETS / "gallery" / "oasis"))
    app = opened("about")
    assert app.selectbox(key="pair").value == "Photos"
    assert app.selectbox(key="gallery").options == ["OASIS scenes", "Open photos"]
