"""Files are whole or absent, whichever step of writing fails, and whoever writes them."""

import errno
import fcntl
import os
import shutil
import subprocess
import sys
import threading
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from siam.datasets.downloads.attribution import Attribution, credit
from siam.errors import CheckpointError, StorageError
from siam.evaluation import stored
from siam.evaluation.predictions import PairPredictions
from siam.gallery import scoring, writing
from siam.gallery.store import About
from siam.models import fitted
from siam.models.checkpoint import Pair, load, save
from siam.models.fitted import Fitted
from siam.models.flowers import FlowerNetwork
from siam.models.flowers import save as save_flowers
from siam.reports import files as report_files
from siam.runtime.files import append, exclusive, remove_left_over, whole_file, write_atomically
from siam.training.end_to_end.state import Log, PhaseFolder
from tests.support.fakes import fake_explanation
from tests.support.full_disk import full_disk
from tests.support.networks import SCALE, baseline_network, siam_network
from tests.support.paths import ROOT


def contents(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@settings(deadline=None, max_examples=30)
@given(old=st.none() | st.binary(max_size=64), new=st.binary(max_size=64), room=st.integers(0, 64))
def test_what_is_there_is_all_of_the_old_or_all_of_the_new(old, new, room, tmp_path_factory):
    folder = tmp_path_factory.mktemp("any")
    path = folder / "folder" / "file"
    if old is not None:
        write_atomically(path, old)
    try:
        with full_disk(room):
            write_atomically(path, new)
    except StorageError:
        assert len(new) > room
        assert contents(folder) == ({} if old is None else {Path("folder/file"): old})
    else:
        assert contents(folder) == {Path("folder/file"): new}


@pytest.mark.parametrize(
    ("module", "step"), [(os, "fsync"), (shutil, "copymode"), (Path, "replace"), (Path, "write_bytes")]
)
def test_a_failure_at_any_step_leaves_the_old_file(tmp_path, monkeypatch, module, step):
    path = tmp_path / "file"
    write_atomically(path, b"old")

    def refuse(*_arguments, **_options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module, step, refuse)
    with pytest.raises(StorageError, match="No space left on device: check the free space") as caught:
        write_atomically(path, b"new")
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)
    monkeypatch.undo()
    assert contents(tmp_path) == {Path("file"): b"old"}


@pytest.mark.parametrize("error", [KeyboardInterrupt(), ValueError("no such number")])
def test_what_a_writer_raises_passes_and_leaves_nothing(tmp_path, error):
    with pytest.raises(type(error)), whole_file(tmp_path / "file") as part:
        part.write_bytes(b"half")
        raise error
    assert not contents(tmp_path)


def test_what_pytorch_says_of_a_full_disk_is_an_error_of_the_file(tmp_path):
    with (
        full_disk(),
        pytest.raises(StorageError, match=r"state\.pt") as caught,
        whole_file(tmp_path / "state.pt") as part,
    ):
        torch.save({"weights": torch.ones(10_000)}, part)
    assert "\n" not in str(caught.value) and not contents(tmp_path)


def test_permissions_are_those_of_any_file_and_stay(tmp_path):
    path, plain = tmp_path / "file", tmp_path / "plain"
    plain.touch()
    write_atomically(path, b"old")
    assert path.stat().st_mode == plain.stat().st_mode
    path.chmod(0o640)
    write_atomically(path, b"new")
    assert path.stat().st_mode & 0o777 == 0o640 and path.read_bytes() == b"new"


def test_a_link_is_replaced_and_what_it_points_to_stays(tmp_path):
    (tmp_path / "blob").write_bytes(b"shared")
    (tmp_path / "link").symlink_to("blob")
    write_atomically(tmp_path / "link", b"new")
    assert contents(tmp_path) == {Path("blob"): b"shared", Path("link"): b"new"}


def test_the_longest_name_can_be_written(tmp_path):
    path = tmp_path / ("ä" * 125 + ".html")  # 255 bytes
    write_atomically(path, b"all of it")
    assert contents(tmp_path) == {Path(path.name): b"all of it"}


def test_writers_of_one_file_do_not_mix(tmp_path):
    texts = [letter * 100_000 for letter in (b"a", b"b", b"c", b"d")]
    threads = [threading.Thread(target=write_atomically, args=(tmp_path / "file", text)) for text in texts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (content,) = contents(tmp_path).values()
    assert content in texts


RESULT = stored.Result(
    "photo", "oasis", "test", "any", "2026-11-21", "python -m siam", None, {"siam": {"rmse": 0.5, "n": 3}}
)
ABOUT = About("tiny", SCALE, ("a", "b"), "scenes", "all", "2026-11-21", "python -m siam", None)


def figures_of(n):
    return stored.variant_figures({"siam": {"n": n}})


def _entry(identifier):
    return writing.Entry(
        identifier=identifier, siam=5.0, bias=4.0, contributions=[0.5, 0.5], presence=[0.1, 0.2], baseline=None
    )


def _flowers(seed):
    torch.manual_seed(seed)
    return FlowerNetwork(baseline_network().config, ("red", "blue"))


def _learnt(seed):
    return Fitted({"w": torch.ones(seed + 1)}, {})


# Each writes something, and something else for another number.
WRITERS = {
    "a pair": lambda root, n: save(Pair("tiny", siam_network(seed=n), baseline_network(n), {}), root),
    "flowers": lambda root, n: save_flowers(_flowers(n), root, {"n": n}),
    "what explainers learn": lambda root, n: fitted.write("vebi", _learnt(n), baseline_network(), root),
    "a result": lambda root, n: stored.write(replace(RESULT, figures=figures_of(n)), root / "result.json"),
    "a gallery": lambda root, n: writing.write(root, ABOUT, [_entry(str(n))]),
    "a report": lambda root, n: report_files.write(fake_explanation(n, attributes=8), "photo.jpg", {}, root, "photo"),
    "a state": lambda root, n: PhaseFolder(root, "r").save_state({"step": n}),
    "the best weights": lambda root, n: PhaseFolder(root, "r").save_best(baseline_network(n)),
    "the end of a phase": lambda root, n: PhaseFolder(root, "r").finish({"steps": n}),
    "scores that are kept": lambda root, n: scoring.ScoreFile(root / "scores.part", f"networks {n}", ()),
    "credits": lambda root, _n: Attribution(root),
}  # fmt: skip


@pytest.mark.parametrize("name", WRITERS)
def test_a_full_disk_leaves_every_file_as_it_was(tmp_path, name):
    write, folder = WRITERS[name], tmp_path / "folder"
    with full_disk(), pytest.raises(StorageError) as caught:
        write(folder, 0)
    assert not contents(tmp_path) and "\n" not in str(caught.value)
    if name != "credits":  # are only ever added to
        write(folder, 0)
        before = contents(folder)
        with full_disk(), pytest.raises(StorageError, match="check the free space"):
            write(folder, 1)
        assert contents(folder) == before
        write(folder, 1)
        assert contents(folder) != before and contents(folder).keys() == before.keys()


def test_a_log_that_cannot_be_shortened_stays(tmp_path):
    log = Log(tmp_path / "steps.csv", 0)
    for step in (1, 2, 3):
        log.write({"step": step, "loss": 0.5})
    before = contents(tmp_path)
    with full_disk(), pytest.raises(StorageError):
        Log(tmp_path / "steps.csv", 2)
    assert contents(tmp_path) == before
    Log(tmp_path / "steps.csv", 2).write({"step": 3, "loss": 0.25})
    assert (tmp_path / "steps.csv").read_text().splitlines() == ["step,loss", "1,0.5", "2,0.5", "3,0.25"]


@settings(deadline=None, max_examples=30)
@given(old=st.none() | st.binary(max_size=64), new=st.binary(min_size=1, max_size=64), room=st.integers(0, 128))
def test_what_is_added_is_there_as_a_whole_or_not_at_all(old, new, room, tmp_path_factory):
    path = tmp_path_factory.mktemp("any") / "lines"
    if old is not None:
        path.write_bytes(old)
    before = contents(path.parent)
    try:
        with full_disk(room):
            append(path, new)
    except StorageError as error:
        assert len((old or b"") + new) > room and "check the free space" in str(error)
        assert contents(path.parent) == before
    else:
        assert path.read_bytes() == (old or b"") + new


def test_lines_that_processes_add_at_once_do_not_mix(tmp_path):
    lines = [letter * 3_000 + b"\n" for letter in (b"a", b"b", b"c", b"d")]
    threads = [
        threading.Thread(target=lambda line: [append(tmp_path / "lines", line) for _ in range(20)], args=(line,))
        for line in lines
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = (tmp_path / "lines").read_bytes().splitlines(keepends=True)
    assert sorted(found) == sorted(lines * 20)


# Each starts a file of lines and returns what adds one to it, with a number.
LOGS = {
    "scores": lambda root: lambda n: scoring.ScoreFile(root / "scores.part", "networks", ()).add(f"{n}", NOBODY),
    "credits": lambda root: lambda n: Attribution(root).add([credit(n, "Ann", "A lake", "https://example.org")]),
    "losses": lambda root: lambda n: Log(root / "steps.csv", 1_000).write({"step": n, "loss": 0.5}),
}  # fmt: skip
NOBODY = PairPredictions.of_photo((), {"siam": 5.0, "bias": 5.0, "contributions": [], "presence": [], "baseline": None})


@pytest.mark.parametrize("name", LOGS)
def test_a_line_for_which_there_is_no_space_leaves_the_lines_before(tmp_path, name):
    add = LOGS[name](tmp_path)
    add(1)
    (path,) = tmp_path.iterdir()
    before = path.read_bytes()
    for more in (1, len(before) // 3):
        with full_disk(len(before) + more), pytest.raises(StorageError, match="check the free space"):
            add(2)
        assert contents(tmp_path) == {Path(path.name): before}
    add(2)
    assert path.read_bytes().startswith(before) and len(path.read_bytes()) > len(before)


WRITER = """
import sys, time
from pathlib import Path
from siam.runtime.files import exclusive, whole_file
with exclusive(Path(sys.argv[1])), whole_file(Path(sys.argv[1]) / "deep" / "er" / "big.npy") as part:
    part.write_bytes(b"half")
    print(part, flush=True)
    time.sleep(600)
"""


@pytest.fixture
def writer(tmp_path):
    """Start a process that has written half of a file and never goes on; yield it and its temporary file."""
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    yield process, Path(process.stdout.readline().strip())
    process.kill()
    process.communicate()


def test_what_a_killed_process_left_is_removed_and_what_is_being_written_stays(tmp_path, writer):
    process, part = writer
    others = [tmp_path / name for name in ("photos.zip.part", "7.jpg.part", "7.jpg.part.json", "deep/notes.part")]
    for path in others:
        path.write_bytes(b"somebody's")
    remove_left_over(tmp_path)
    assert part.read_bytes() == b"half"
    process.kill()
    process.wait()
    remove_left_over(tmp_path, levels=1)
    assert part.exists()
    remove_left_over(tmp_path)
    assert not part.exists() and all(path.exists() for path in others)
    remove_left_over(tmp_path / "missing")


def test_a_folder_is_locked_until_its_process_ends_even_if_it_is_killed(tmp_path, writer):
    process, part = writer
    with pytest.raises(StorageError, match="another command is writing there") as caught, exclusive(tmp_path):
        pass
    assert str(tmp_path) in str(caught.value) and "\n" not in str(caught.value)
    process.kill()
    process.wait()
    with exclusive(tmp_path):
        assert not part.exists()
        with exclusive(tmp_path / "deep"):  # another folder
            pass
    assert not contents(tmp_path)


@pytest.mark.parametrize("age", [0, 4_000_000_000])
def test_the_time_of_a_temporary_file_does_not_matter(tmp_path, writer, age):
    process, part = writer
    os.utime(part, (age, age))  # a clock that jumped
    remove_left_over(tmp_path)
    assert part.exists()
    process.kill()
    process.wait()
    remove_left_over(tmp_path)
    assert not part.exists()


def test_writing_goes_on_where_files_cannot_be_locked(tmp_path, monkeypatch):
    def refuse(*_arguments):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    with exclusive(tmp_path):
        write_atomically(tmp_path / "file", b"all")
    assert contents(tmp_path) == {Path("file"): b"all"}


def _pair(n):
    return Pair(f"pair {n}", siam_network(seed=n), baseline_network(n, predicts_variance=bool(n)), {})


@pytest.mark.parametrize("room", [8, 100_000, 417_000])  # no file, the card alone, and one of the networks
def test_a_disk_that_fills_up_between_the_files_of_a_pair_leaves_the_old_pair(tmp_path, room):
    save(_pair(0), tmp_path)
    before = contents(tmp_path)
    with full_disk(room), pytest.raises(StorageError, match="check the free space"):
        save(_pair(1), tmp_path)
    assert contents(tmp_path) == before


@pytest.mark.parametrize("renamed", range(4))
def test_a_pair_is_never_taken_from_two_trainings(tmp_path, monkeypatch, renamed):
    save(_pair(0), tmp_path)
    whole, count = Path.replace, iter(range(9))

    def stop(path, target):
        if next(count) == renamed:
            raise KeyboardInterrupt
        return whole(path, target)

    monkeypatch.setattr(Path, "replace", stop)
    with pytest.raises(KeyboardInterrupt) if renamed < 3 else nullcontext():
        save(_pair(1), tmp_path)
    if renamed < 3:
        with pytest.raises(CheckpointError, match=r"card\.json is missing"):
            load(tmp_path)
    else:
        assert load(tmp_path, "cpu").name == "pair 1"


def test_a_row_of_a_log_that_was_cut_is_left_out(tmp_path):
    path = tmp_path / "steps.csv"
    path.write_text("step,loss\n1,0.5\n2,0.25\n1")  # of step 15
    Log(path, 20).write({"step": 3, "loss": 0.125})
    assert path.read_text().splitlines() == ["step,loss", "1,0.5", "2,0.25", "3,0.125"]
    path.write_text("step,lo")
    Log(path, 20).write({"step": 1, "loss": 0.5})
    assert path.read_text().splitlines() == ["step,loss", "1,0.5"]
