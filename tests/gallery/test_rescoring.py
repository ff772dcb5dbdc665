"""A gallery that other networks score again: new numbers, everything else as it was, and whole whatever happens."""

import json
import shutil
from dataclasses import replace

import pyarrow.parquet as pq
import pytest
from PIL import Image

import siam
from siam.cli.main import main
from siam.datasets import rendered
from siam.errors import DatasetError, StorageError
from siam.gallery import folder as own_folder
from siam.gallery import store
from siam.gallery.folder import Source
from siam.gallery.rescoring import rescore
from siam.gallery.upkeep import Networks, made_with, networks_in, networks_of, sentence, state
from siam.gallery.writing import entries_of, stamp, write
from siam.runtime.files import write_atomically
from siam.runtime.jobs import CancelledError
from siam.runtime.paths import ASSETS
from tests.support.rendered_scenes import write_scenes
from tests.support.versions import LOCK, MORE, pictures, stored_pair


@pytest.fixture(scope="module")
def pairs(tmp_path_factory):
    """Two versions of a pair, and one that wants smaller pictures."""
    base = tmp_path_factory.mktemp("pairs")
    folders = {
        "1.0": stored_pair(base / "first"),
        "1.1": stored_pair(base / "second", more=MORE, version="1.1"),
        "2.0": stored_pair(base / "third", more=MORE, version="2.0", image_size=64),
    }
    return {version: siam.load(place, device="cpu") for version, place in folders.items()}


@pytest.fixture(scope="module")
def made(tmp_path_factory, pairs):
    """Photos, and a gallery of them by version 1.0."""
    base = tmp_path_factory.mktemp("made")
    root = pictures(base / "photos")
    own_folder.build(pairs["1.0"], LOCK, Source("folder", root, "tiny"), base / "gallery")
    return base


@pytest.fixture
def gallery(made, tmp_path):
    """A copy of the gallery; its photos are where they were."""
    shutil.copytree(made / "gallery", tmp_path / "gallery")
    return tmp_path / "gallery"


def files(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def assert_same(first, second):
    """Two galleries hold the same but for rounding, and for names of files."""
    assert list(first.photos["identifier"]) == list(second.photos["identifier"])
    for column in ("siam", "baseline", "bias", "crowd_mean"):
        assert first.photos[column].tolist() == pytest.approx(second.photos[column].tolist(), abs=1e-4, nan_ok=True)
    assert first.contributions == pytest.approx(second.contributions, abs=1e-4)
    assert first.presence == pytest.approx(second.presence, abs=1e-4)
    for column in ("sha256", "file", "author", "biggest_cause"):
        assert first.photos[column].tolist() == second.photos[column].tolist()
    for name in ("model", "version", "networks", "inputs", "scale", "attributes", "data", "split", "command"):
        assert getattr(first.about, name) == getattr(second.about, name)


@pytest.mark.parametrize("version", ["1.1", "2.0"])
def test_scored_again_it_is_the_gallery_that_these_networks_would_make(made, gallery, pairs, tmp_path, version):
    done = rescore(pairs[version], LOCK, gallery)
    source = Source("folder", made / "photos", "tiny")
    own_folder.build(pairs[version], LOCK, source, tmp_path / "anew")
    anew = store.read(tmp_path / "anew")
    anew = replace(anew, about=replace(anew.about, command=source.command(made / "gallery")))
    assert_same(store.read(gallery), anew)
    assert (done.count, done.copies) == (3, 0)
    for row in range(3):  # what is kept of a photo gives its numbers again
        again = store.read(gallery)
        found = siam.explain(pairs[version], again.scored(row) or again.picture(row))
        assert found.scenicness == pytest.approx(again.photos["siam"][row], abs=1e-4)
    named = {name for name in files(gallery) if name != store.FILE}
    listed = {*again.photos["image"], *again.photos["scored"].dropna()}
    assert named == listed


def test_places_stay_when_a_gallery_is_scored_again_or_stamped(gallery, pairs, tmp_path):
    places, before = [(57.5, -6.25), (None, None), (-33.9, 18.4)], store.read(gallery)
    entries = [
        replace(entry, latitude=north, longitude=east)
        for entry, (north, east) in zip(entries_of(before), places, strict=True)
    ]
    write(gallery, before.about, entries)
    stamp(gallery, pairs["1.1"].files.folder)
    rescore(pairs["1.1"], LOCK, gallery, tmp_path / "elsewhere")
    rescore(pairs["1.1"], LOCK, gallery)
    for folder in (gallery, tmp_path / "elsewhere"):
        found = store.read(folder)
        assert [(found.facts(row)["latitude"], found.facts(row)["longitude"]) for row in range(3)] == places


def test_it_says_how_many_scores_changed_and_by_how_much(gallery, pairs):
    done = rescore(pairs["1.1"], LOCK, gallery)
    assert done.changes["SIAM"].count == 3
    assert (done.changes["SIAM"].median, done.changes["SIAM"].largest) == pytest.approx((MORE, MORE), abs=1e-4)
    assert done.changes["baseline"].count == 0
    assert "3 photos scored again; SIAM: 3 scores changed, by 0.25 points (median), at most 0.25" in str(done)
    assert "baseline: no score changed" in str(done)
    assert "SIAM: no score changed" in str(rescore(pairs["1.1"], LOCK, gallery))


@pytest.mark.parametrize("moment", [0, 1, 2])
def test_stopped_in_the_middle_it_is_whole_and_goes_on(gallery, pairs, moment):
    before = files(gallery)

    def stop(done, _of):
        if done == moment:
            raise CancelledError

    with pytest.raises(CancelledError):
        rescore(pairs["2.0"], LOCK, gallery, progress=stop)
    kept = files(gallery)
    assert {name: kept[name] for name in before} == before
    assert store.read(gallery).about.version == "1.0"
    rescore(pairs["2.0"], LOCK, gallery)
    assert store.read(gallery).about.version == "2.0"
    assert not [name for name in files(gallery) if name.endswith(".part")]


def test_a_disk_that_fills_at_the_last_moment_leaves_it_whole(gallery, pairs, monkeypatch):
    before = files(gallery)

    def full(path, data):
        if path.name == store.FILE:
            raise StorageError(f"{path}: No space left on device")
        write_atomically(path, data)

    monkeypatch.setattr("siam.gallery.writing.write_atomically", full)
    with pytest.raises(StorageError):
        rescore(pairs["2.0"], LOCK, gallery)
    kept = files(gallery)
    assert {name: kept[name] for name in before} == before


# What is scored


def test_without_the_photos_the_stored_inputs_do_as_long_as_they_fit(made, gallery, pairs, tmp_path):
    table = store.read(gallery)
    elsewhere = replace(table.about, command=table.about.command.replace(str(made / "photos"), str(tmp_path / "gone")))
    write(gallery, elsewhere, entries_of(table))
    assert rescore(pairs["1.1"], LOCK, gallery).copies == 0
    done = rescore(pairs["2.0"], LOCK, gallery)  # which wants another size
    assert done.copies == 3 and "3 of them from the gallery's copies" in str(done)


def test_another_photo_under_the_old_name_is_not_taken_for_the_photo(made, gallery, pairs, tmp_path):
    shutil.copytree(made / "photos", tmp_path / "photos")
    Image.new("RGB", (1200, 800), "white").save(tmp_path / "photos" / "1.png")
    table = store.read(gallery)
    command = table.about.command.replace(str(made / "photos"), str(tmp_path / "photos"))
    write(gallery, replace(table.about, command=command), entries_of(table))
    assert rescore(pairs["2.0"], LOCK, gallery).copies == 1


@pytest.mark.parametrize("harm", ["gone", "changed"])
def test_missing_pictures_are_counted_and_the_old_scores_stay(made, gallery, pairs, tmp_path, harm):
    table = store.read(gallery)
    elsewhere = replace(table.about, command=table.about.command.replace(str(made / "photos"), str(tmp_path / "gone")))
    write(gallery, elsewhere, [replace(entry, scored=None) for entry in entries_of(table)])
    for name in ("0", "2"):
        path = gallery / "images" / f"{name}.jpg"
        path.unlink() if harm == "gone" else path.write_bytes(b"another picture")
    before = files(gallery)
    with pytest.raises(DatasetError) as raised:
        rescore(pairs["1.1"], LOCK, gallery)
    assert "2 of its 3 pictures are missing or damaged, such as that of '0'" in str(raised.value)
    assert "stays as it was" in str(raised.value) and "\n" not in str(raised.value)
    assert files(gallery) == before


def test_pictures_that_cannot_be_downloaded_are_counted(gallery, pairs, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    table = store.read(gallery)
    entries = [
        replace(entry, image=f"http://127.0.0.1:9/{row}.jpg", sha256="0" * 64, scored=None)
        for row, entry in enumerate(entries_of(table))
    ]
    write(gallery, replace(table.about, command="uploaded"), entries)
    with pytest.raises(DatasetError, match=r"3 of its 3 pictures cannot be downloaded"):
        rescore(pairs["1.1"], LOCK, gallery)


def test_scores_of_a_cross_validation_are_not_replaced_by_those_of_networks_that_saw_the_photos(gallery, pairs):
    table = store.read(gallery)
    write(gallery, replace(table.about, split="cross-validation", command="siam train it"), entries_of(table))
    before = files(gallery)
    with pytest.raises(DatasetError, match="had not seen the photos, which only training makes again: siam train it"):
        rescore(pairs["1.1"], LOCK, gallery)
    out = gallery.parent / "other"
    rescore(pairs["1.1"], LOCK, gallery, out)
    assert files(gallery) == before
    about = store.peek(out)[0]
    assert about.split == "all" and about.version == "1.1" and "cross-validation" not in made_with(about)
    assert (
        about.command.startswith(f"python -m siam gallery rescore {gallery} --model ")
        and f"--out {out}" in about.command
    )


# Rendered scenes


def test_truths_stay_and_errors_and_verdicts_are_those_of_the_new_scores(tmp_path):
    root = tmp_path / "scenes"
    write_scenes(root, 6)
    places = {version: tmp_path / version for version in ("1.0", "1.1")}
    stored_pair(places["1.0"], rendered.SCALE)
    stored_pair(places["1.1"], rendered.SCALE, more=MORE, version="1.1")
    arguments = ["evaluate", "--data", "rendered", "--root", str(root), "--split", "all", "--model"]
    for name, version in (("old", "1.0"), ("anew", "1.1")):
        assert main([*arguments, str(places[version]), "--gallery", str(tmp_path / name)]) == 0
    old = store.read(tmp_path / "old")
    rescore(siam.load(places["1.1"], device="cpu"), LOCK, tmp_path / "old")
    found, anew = store.read(tmp_path / "old"), store.read(tmp_path / "anew")
    for row in range(6):
        now, truth = found.truths[row], anew.truths[row]
        of_scores = ("errors", "verdict")
        assert {key: value for key, value in now.items() if key not in of_scores} == {
            key: value for key, value in old.truths[row].items() if key not in of_scores
        }
        assert now["verdict"] == truth["verdict"]
        assert now["errors"] == pytest.approx(truth["errors"], abs=0.02)  # of masks at the size of the pictures
        total = found.photos["siam"][row] - now["quality"]
        assert sum(now["errors"].values()) == pytest.approx(total, abs=1e-3)
    assert found.photos["votes"].map(list).tolist() == anew.photos["votes"].map(list).tolist()


# Whose scores these are


ABOUT = {"date": "2026-11-12", "model": "photo"}


def about(gallery, **changed):
    return replace(store.peek(gallery)[0], **{**ABOUT, **changed})


@pytest.mark.parametrize(
    ("before", "now", "said"),
    [
        (("1.0", "a"), ("1.0", "a"), None),
        (("1.0", "a"), ("1.1", "b"), "photo 1.0 on 12 November 2026; you chose photo 1.1: scores here are the old"),
        (("1.9", "a"), ("1.10", "b"), "you chose photo 1.10: scores here are the old ones."),
        (("1.1", "a"), ("1.0", "b"), "you chose photo 1.0: scores here are the newer ones."),
        (("1.0", "a"), ("1.0", "b"), "by photo 1.0 on 12 November 2026; it was trained again since: scores"),
        ((None, "a"), (None, "b"), "Scored by photo on 12 November 2026; it was trained again since: scores"),
        ((None, "a"), ("1.0", "b"), "you chose photo 1.0: scores here are those of other networks."),
        ((None, None), ("1.0", "b"), "unknown version of photo on 12 November 2026; you chose photo 1.0: scores here"),
        ((None, None), (None, "b"), "you chose photo: scores here may be old ones."),
    ],
)  # fmt: skip
def test_one_line_says_whose_scores_they_are(made, before, now, said):
    version, key = before
    told = about(made / "gallery", version=version, networks=key and key * 64)
    line = sentence(told, Networks("photo", now[0], now[1] * 64))
    assert line == said if said is None else said in line


def test_older_files_do_not_say_and_are_read_as_ever(made, gallery):
    table = pq.read_table(gallery / store.FILE)
    metadata = json.loads(table.schema.metadata[store.KEY])
    for name in ("version", "networks", "inputs"):
        del metadata[name]
    pq.write_table(table.replace_schema_metadata({store.KEY: json.dumps(metadata)}), gallery / store.FILE)
    old = store.read(gallery)
    assert (old.about.version, old.about.networks, old.about.inputs) == (None, None, None)
    assert_same(replace(old, about=store.read(made / "gallery").about), store.read(made / "gallery"))


@pytest.mark.parametrize("told", [{"version": 1}, {"networks": "abc"}, {"inputs": "large"}, {"inputs": [[1, 1e999]]}])
def test_a_gallery_that_is_wrong_about_its_networks_is_refused(gallery, told):
    table = pq.read_table(gallery / store.FILE)
    metadata = json.loads(table.schema.metadata[store.KEY]) | told
    pq.write_table(table.replace_schema_metadata({store.KEY: json.dumps(metadata)}), gallery / store.FILE)
    with pytest.raises(DatasetError, match="does not say where its scores come from"):
        store.read(gallery)


def test_a_stored_pair_is_known_without_loading_it(pairs, made):
    for pair in pairs.values():
        assert networks_in(pair.files.folder) == networks_of(pair)
    assert state(store.peek(made / "gallery")[0], networks_of(pairs["1.0"])) == "current"


def test_a_stamp_changes_nothing_but_whose_scores_they_are(gallery, pairs):
    before = store.read(gallery)
    stamp(gallery, pairs["1.1"].files.folder)
    assert_same(replace(store.read(gallery), about=before.about), before)
    assert state(store.peek(gallery)[0], networks_of(pairs["1.1"])) == "current"


# The command


def run(capsys, *words):
    status = main(["gallery", "rescore", *map(str, words)])
    out, err = capsys.readouterr()
    return status, out, [line for line in err.splitlines() if line.startswith("error")]


def test_the_command_finds_the_pair_of_the_galleries_name(gallery, pairs, capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    status, _out, (line,) = run(capsys, gallery)
    assert status == 2 and "was scored by 'tiny', and none here is called so: give --model DIR" in line
    shutil.copytree(pairs["1.1"].files.folder, tmp_path / "runs" / "mine")
    status, out, _errors = run(capsys, gallery)
    assert status == 0 and "3 scores changed, by 0.25 points" in out and "before: tiny 1.0; now: tiny 1.1" in out
    shutil.copytree(pairs["2.0"].files.folder, tmp_path / "models" / "other")
    status, _out, (line,) = run(capsys, gallery)
    assert status == 2 and "several are: runs/mine, models/other" in line
    status, out, _errors = run(capsys, gallery, "--model", tmp_path / "models" / "other")
    assert status == 0 and "now: tiny 2.0" in out


def test_the_command_writes_elsewhere_where_it_is_told_to(gallery, pairs, capsys, tmp_path):
    before = files(gallery)
    words = gallery, "--model", pairs["1.1"].files.folder, "--out", tmp_path / "new"
    assert run(capsys, *words)[0] == 0
    assert files(gallery) == before
    new = store.read(tmp_path / "new")
    assert new.about.version == "1.1" and all(new.picture(row).is_file() for row in range(3))
    status, _out, (line,) = run(capsys, *words)
    assert status == 2 and "is not empty: choose a new folder" in line


def test_doctor_says_of_each_gallery_whether_it_is_up_to_date(made, gallery, pairs, capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(made / "gallery", tmp_path / "galleries" / "old walk")
    shutil.copytree(pairs["1.1"].files.folder, tmp_path / "runs" / "mine")
    assert main(["doctor"]) in (0, 2)
    lines = capsys.readouterr().out.splitlines()
    (line,) = (line for line in lines if line.startswith("galleries"))
    assert len(lines) == 10
    again = "python -m siam gallery rescore 'galleries/old walk'"
    assert f"old walk: scored by tiny 1.0, older than tiny 1.1: {again}" in line
    assert "open-photos: scored by photo 3.0, current" in line
    assert "oasis: scored by the cross-validation of photo 3.0, current" in line
    rescore(pairs["1.1"], LOCK, tmp_path / "galleries" / "old walk")
    main(["doctor"])
    assert "old walk: scored by tiny 1.1, current" in capsys.readouterr().out


def test_the_bundled_galleries_are_those_of_the_bundled_networks():
    for path in (ASSETS / "gallery").glob(f"*/{store.FILE}"):
        about_it, _count = store.peek(path.parent)
        assert state(about_it, networks_in(siam.load(about_it.model).files.folder)) == "current"
