"""The commands of docs/how-to/scenicornot.md, which put the authors' networks on the paper's test photos, on small data
from a local server.
"""

import pytest
import torch

from siam.cli.main import main
from siam.gallery import store
from siam.gallery.cases import read_cases
from tests.datasets.downloads.test_scenicornot import PICTURES, REPOSITORY, put
from tests.docs.blocks import siam_commands
from tests.models.test_official import baseline_state, random_trunk, siam_state
from tests.support.file_server import running_server
from ui.state import chosen

PAGE = "how-to/scenicornot.md"
RATED = 18  # photos, of which about an eighth are for testing


def commands():
    """Return the commands of the page, without `python -m siam`."""
    found = siam_commands(PAGE)
    assert len(found) == 3
    return found


@pytest.fixture(scope="module")
def walked(tmp_path_factory):
    """Walk through the commands in a folder that holds what people get from the authors."""
    folder = tmp_path_factory.mktemp("official")
    trunk = dict(random_trunk(0).state_dict())
    torch.save(siam_state(trunk), folder / "last_model_finetuned.pt")
    torch.save(baseline_state(trunk), folder / "son_baseline.pt")
    with running_server() as server, pytest.MonkeyPatch.context() as patch:
        put(server, list(PICTURES)[:RATED])
        patch.setenv("HF_ENDPOINT", server.address)
        patch.chdir(folder)
        for arguments in commands():
            further = ["--repo", REPOSITORY] if arguments[:2] == ["data", "download"] else []
            assert main([*arguments, *further]) == 0
    return folder


def test_the_sidebar_offers_the_networks_with_their_gallery(walked, monkeypatch):
    name = "official"
    monkeypatch.chdir(walked)
    assert f"models/{name}" in chosen.pairs()
    monkeypatch.setattr(chosen.st, "session_state", {"pair": f"models/{name}"})
    assert chosen.pair().name == name
    assert list(chosen.galleries()) == [name]
    cases = chosen.cases()
    assert cases is not None and cases.gallery.folder.resolve() == walked / "galleries" / name
    monkeypatch.setattr(chosen.st, "session_state", {"pair": "Photos"})
    assert name not in chosen.galleries()  # other networks have other numbers


def test_the_gallery_holds_the_papers_test_photos_in_points_of_their_scale(walked):
    found = store.read(walked / "galleries" / "official")
    test = {str(identifier) for identifier in sorted(PICTURES)[:RATED]}
    assert 0 < len(found) < RATED / 4 and set(found.photos["identifier"]) < test
    assert (found.about.split, found.about.scale.high, found.about.crowd_scale) == ("test", 10, None)
    assert found.photos["baseline"].notna().all() and found.photos["author"].notna().all()
    assert not read_cases(found).in_ranks
