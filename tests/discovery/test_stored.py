"""Features that are stored with an archive's scores: all photos count, none is looked at again, few are in memory."""

import shutil

import numpy as np
import pytest

from siam.archive import Settings, score_into, source_of, store
from siam.cli.main import main
from siam.discovery import candidates, cells, discover_in, gallery, stored
from siam.discovery.gallery import scores_of
from siam.errors import DatasetError
from siam.gallery.store import read
from siam.models.checkpoint import Pair, save
from siam.taste.maps import of_rows
from tests.archive.made import stored_pair, write_photos
from tests.support.networks import siam_network

pytestmark = pytest.mark.usefixtures("one_thread")
COUNT, SHARD, TOGETHER = 150, 40, 8
NAMES = "maps", "siam", "baseline", "light"


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    """Photos, of which the second cannot be read, scored with features by the pair in runs/tiny."""
    base = tmp_path_factory.mktemp("stored")
    pair = stored_pair(base / "runs" / "tiny")
    write_photos(base / "photos", COUNT)
    (base / "photos" / "part-0" / "0001.jpg").write_bytes(b"none")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(store, "_TOGETHER", TOGETHER)
        settings = Settings(engine="local", shard=SHARD, features=True)
        score_into(pair, source_of(str(base / "photos")), base / "scores", settings)
    return base, pair


@pytest.fixture
def scores(base, monkeypatch):
    """The pair, the archive as a gallery, and what its photos hold, which nobody may look at again."""
    place, pair = base
    monkeypatch.chdir(place)
    archive = read(place / "scores")
    rows = np.arange(len(archive))
    kept = stored.stored(pair, archive, rows)
    assert kept is not None and len(kept) == COUNT - 1
    return pair, archive, rows, kept


def in_memory(pair, archive, rows):
    return cells.of_photos(pair, of_rows(archive, rows))


def test_what_is_stored_is_what_the_networks_see(scores):
    pair, archive, rows, kept = scores
    seen, some = in_memory(pair, archive, rows), np.array([7, 148, 0, 60])
    found = kept.some(some)
    assert found.maps.identifiers == tuple(archive.photos["identifier"][some])
    for name in ("siam", "baseline", "light"):
        np.testing.assert_allclose(getattr(found, name), getattr(seen, name)[some], atol=2e-3)
    np.testing.assert_allclose(found.maps.pooled, seen.maps.pooled[some], atol=2e-3)


def test_candidates_are_those_of_photos_in_memory(scores):
    pair, archive, rows, kept = scores
    of, words = scores_of(archive, rows), pair.config.attributes
    found = candidates.discover(kept, of, words, count=3)
    expected = candidates.discover(kept.some(rows), of, words, count=3)
    assert [one.name for one in found.candidates] == [one.name for one in expected.candidates]
    assert found.every is None and np.array_equal(found.rows, rows)
    for one, other in zip(found.candidates, expected.candidates, strict=True):
        np.testing.assert_allclose(one.amount, other.amount, atol=1e-5)
        np.testing.assert_allclose(one.where, other.where, atol=1e-5)
        assert (one.tau.value, one.points, one.stability) == pytest.approx(
            (other.tau.value, other.points, other.stability)
        )


def test_all_photos_count_but_few_are_in_memory(scores, monkeypatch):
    pair, archive, rows, kept = scores
    reads, original = [], store.features_of

    def features_of(folder, wanted, names):
        for found in original(folder, wanted, names):
            reads.append((tuple(names), len(found["light"])))
            yield found

    monkeypatch.setattr(store, "features_of", features_of)
    monkeypatch.setattr(candidates, "_ENDS", (4, 2))
    of = scores_of(archive, rows)
    found = candidates.discover(kept, of, pair.config.attributes, count=3, most=60)
    assert max(count for _names, count in reads) <= TOGETHER
    whole = [count for names, count in reads if "siam" not in names]
    assert sum(whole) == COUNT - 1  # each photo once, without what only naming needs
    held = sum(count for names, count in reads if "siam" in names)
    assert held == len(found.rows) == len(found.cells) <= 60 + 3 * (4 + 2)
    assert found.every is not None and len(found.every.rows) == COUNT - 1
    assert found.every.amounts.shape == (COUNT - 1, 3)
    shown = set(found.rows.tolist())
    for place, one in enumerate(found.candidates):
        amounts = found.every.amounts[:, place]
        first = int(found.every.rows[amounts.argmax()])
        assert first in shown and first in found.rows[one.most(3)]
        here = amounts[np.searchsorted(found.every.rows, found.rows)]
        assert np.corrcoef(here, one.amount)[0, 1] > 0.99
    assert found.tau == pytest.approx(candidates.kendall_tau(of.siam, of.target))


def test_amounts_of_a_sample_s_directions_are_those_of_each_photo(scores):
    pair, archive, rows, kept = scores
    of = scores_of(archive, rows)
    found = candidates.discover(kept, of, pair.config.attributes, count=2, most=80)
    sample = np.sort(np.random.default_rng(0).choice(len(rows), 80, replace=False))
    learned = candidates.parts.learned(kept.some(sample))
    seen = kept.some(rows)
    for place, one in enumerate(found.candidates):
        raw = learned.maps(seen)[..., learned.names.index(one.name)].mean(axis=(1, 2), dtype=float)
        assert np.corrcoef(raw, found.every.amounts[:, place])[0, 1] > 0.999


def test_the_command_prints_and_writes_all_photos(scores, capsys, tmp_path):
    assert (
        main(["discover", "scores", "--model", "runs/tiny", "--most", "60", "--count", "2", "--out", str(tmp_path)])
        == 0
    )
    out, err = capsys.readouterr()
    assert out.startswith(f"{COUNT - 1} photos: ") and "have looked at" not in err
    assert len((tmp_path / "amounts.csv").read_text().splitlines()) == COUNT


def test_nobody_looks_at_photos_again(scores, monkeypatch):
    pair, archive, _rows, _kept = scores
    monkeypatch.setattr(gallery.cells, "of_photos", None)
    assert len(discover_in(pair, archive, count=1).candidates) == 1


def test_features_of_other_networks_do_not_count(scores):
    _pair, archive, rows, _kept = scores
    other = Pair("tiny", siam_network(seed=5, attribute_link="sigmoid"), _pair.baseline, {})
    assert stored.stored(other, archive, rows) is None


def test_missing_features_are_told(base, tmp_path):
    shutil.copytree(base[0] / "scores", tmp_path / "scores")
    (tmp_path / "scores" / store.FEATURES.format(2)).unlink()
    with pytest.raises(DatasetError, match=r"00002\.parquet cannot be read .*--features"):
        list(store.features_of(tmp_path / "scores", np.arange(2, 120), NAMES))
    with pytest.raises(DatasetError, match="has no features of row 500"):
        shutil.copy(tmp_path / "scores" / store.FEATURES.format(0), tmp_path / "scores" / store.FEATURES.format(12))
        list(store.features_of(tmp_path / "scores", np.array([500]), NAMES))


def test_features_need_a_baseline_and_must_be_wanted_from_the_start(scores, tmp_path, capsys):
    pair, *_rest = scores
    save(Pair("alone", pair.siam, None, {}), tmp_path / "alone")
    words = ["score", "photos", "--out", str(tmp_path / "out"), "--runner", "local", "--features", "--model"]
    assert main([*words, str(tmp_path / "alone")]) == 2
    assert "has no baseline, whose features could be stored" in capsys.readouterr().err
    assert main(["score", "photos", "--out", str(tmp_path / "plain"), "--runner", "local", "--model", "runs/tiny"]) == 0
    again = ["score", "photos", "--out", str(tmp_path / "plain"), "--runner", "local", "--model", "runs/tiny"]
    assert main([*again, "--resume", "--features"]) == 2
    assert "was begun with other settings (features False)" in capsys.readouterr().err


def test_a_sample_that_holds_all_that_is_shown_is_enough(scores, monkeypatch):
    pair, archive, rows, kept = scores
    monkeypatch.setattr(candidates, "_ENDS", (1, 1))
    found = candidates.discover(kept, scores_of(archive, rows), pair.config.attributes, count=1, most=COUNT - 2)
    assert found.every is not None and len(found.every.rows) == COUNT - 1
    assert COUNT - 2 <= len(found.rows) <= COUNT - 1
