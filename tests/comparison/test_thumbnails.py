"""Small pictures beside a comparison: those of the scenes, whole or damaged, and never those of photos."""

import numpy as np
import pytest
from PIL import Image

from siam.comparison import thumbnails
from siam.comparison.pictures import BUNDLED_SCENES, World, cases_of
from siam.errors import DatasetError
from siam.gallery import store
from siam.models import checkpoint
from siam.models.checkpoint import Pair
from tests.support.networks import baseline_network, siam_network


@pytest.fixture(scope="module")
def cases(tmp_path_factory):
    folder = tmp_path_factory.mktemp("networks") / "tiny"
    checkpoint.save(Pair("tiny", siam_network(), baseline_network(), {}), folder)
    yield cases_of(World("gallery", str(folder), BUNDLED_SCENES, 3, 192, "cpu"))
    cases_of.cache_clear()


def test_pictures_are_those_of_the_scenes(cases, tmp_path):
    path = thumbnails.beside(tmp_path / "found.json")
    assert path.name == "found.zip"
    thumbnails.write(cases, path)
    first = path.read_bytes()
    thumbnails.write(cases, path)
    assert path.read_bytes() == first  # the same pictures, the same file
    names = [case.identifier for case in cases]
    shown = thumbnails.read(path, [names[2], "no-such", names[0]])
    assert list(shown) == [names[2], names[0]]
    gallery = store.read(BUNDLED_SCENES)
    rows = {str(name): row for row, name in enumerate(gallery.photos["identifier"])}
    for name, picture in shown.items():
        large = Image.open(gallery.picture(rows[name])).convert("RGB")
        expected = np.asarray(large.resize(picture.size, Image.Resampling.BOX), dtype=float)
        assert picture.size == (thumbnails.SIDE, thumbnails.SIDE)
        assert np.abs(np.asarray(picture, dtype=float) - expected).mean() < 8


def test_missing_and_damaged_files(tmp_path):
    path = tmp_path / "found.zip"
    assert thumbnails.read(path, ["1"]) == {}
    path.write_bytes(b"nonsense")
    with pytest.raises(DatasetError, match=r"found\.zip cannot be read .*: compare again"):
        thumbnails.read(path, ["1"])
