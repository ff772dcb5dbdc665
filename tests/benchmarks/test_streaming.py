"""Made-up photos of an archive differ from one another, and are read back as they were stored."""

import numpy as np
import pytest

from benchmarks.streaming import varied, write
from siam.discovery.gallery import scores_of
from siam.discovery.stored import stored
from siam.gallery.store import read
from tests.archive.made import stored_pair
from tests.discovery.made import ATTRIBUTES, world

pytestmark = pytest.mark.usefixtures("one_thread")


def test_an_archive_holds_photos_made_of_fewer(tmp_path):
    pair = stored_pair(tmp_path / "tiny", attributes=len(ATTRIBUTES))
    cells, scores, *_rest = world(20)
    write(pair, cells, scores, 50, tmp_path / "made")
    gallery, rows = read(tmp_path / "made" / "archive"), np.arange(50)
    kept = stored(pair, gallery, rows)
    assert kept is not None and len(kept) == 50
    found, expected = kept.some(rows), varied(cells, rows, np.random.default_rng(0))
    assert found.maps.identifiers == tuple(f"{number:06d}.jpg" for number in range(50))
    for name in ("siam", "baseline", "light"):
        assert np.array_equal(getattr(found, name), getattr(expected, name))
    assert np.array_equal(found.maps.pooled, cells.maps.pooled[rows % 20])
    np.testing.assert_allclose(scores_of(gallery, rows).siam, scores.siam[rows % 20], atol=0.3)
    first, mirrored, again = (found.baseline[row].astype(float) for row in (3, 23, 43))
    assert np.abs(np.corrcoef(first.ravel(), mirrored[:, ::-1].ravel())[0, 1]) > 0.95
    assert not np.array_equal(first, again) and np.corrcoef(first.ravel(), again.ravel())[0, 1] > 0.95
