"""The SUN archives: unpacked whole or not at all, whatever happens on the way."""

import gzip
import io
import os
import resource
import signal
import tarfile

import numpy as np
import pytest

from siam.datasets.downloads import sun
from siam.datasets.downloads.web import DownloadError, Patience, Web
from tests.datasets.downloads.test_files import command, run, stop_once
from tests.support.file_server import Fault, Stored, running_server

LABELS, IMAGES = sun.ARCHIVES
PHOTOS = {f"a/abbey/sun_{n}.jpg": np.random.default_rng(n).bytes(40_000) for n in range(10)}


def archive(entries, top):
    """Return a .tar.gz with `top`/name → content."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as tar:
        for name, data in entries.items():
            entry = tarfile.TarInfo(f"{top}/{name}")
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    return file.getvalue()


def linking(name, target):
    """Return a .tar.gz whose one entry is a symbolic link."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as tar:
        entry = tarfile.TarInfo(name)
        entry.type, entry.linkname = tarfile.SYMTYPE, target
        tar.addfile(entry)
    return file.getvalue()


@pytest.fixture
def server():
    with running_server() as server:
        server.files[f"/{LABELS}"] = Stored(archive({"images.mat": b"1", "attributes.mat": b"2"}, "SUNAttributeDB"))
        server.files[f"/{IMAGES}"] = Stored(archive(PHOTOS, "images"))
        yield server


@pytest.fixture
def web():
    with Web(Patience(silence=5), sleep=lambda _seconds: None) as web:
        yield web


def content(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def assert_complete(root):
    assert content(root / "SUNAttributeDB") == {"images.mat": b"1", "attributes.mat": b"2"}
    assert content(root / "images") == PHOTOS
    assert {path.name for path in root.iterdir()} <= {"SUNAttributeDB", "images", ".download.lock"}


def test_both_archives_are_unpacked_and_removed(server, web, tmp_path):
    server.faults[f"/{IMAGES}"] = [Fault(drop=200_000), Fault(status=503)]
    sun.fetch(tmp_path, web, server.address + "/")
    assert_complete(tmp_path)
    requests = len(server.log)
    sun.fetch(tmp_path, web, server.address)
    assert len(server.log) == requests  # all is there: nobody is asked


def test_photos_in_a_folder_of_their_own_are_found(server, web, tmp_path):
    server.files[f"/{IMAGES}"] = Stored(archive(PHOTOS, "SUNAttributeDB_Images/images"))
    sun.fetch(tmp_path, web, server.address)
    assert_complete(tmp_path)


@pytest.mark.parametrize("name", ["../../outside.txt", "/tmp/siam-outside.txt"])
def test_entries_never_leave_the_folder(server, web, tmp_path, name):
    """Names that lead up are refused; the slash of an absolute name is dropped, so that it stays inside."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as tar:
        entry = tarfile.TarInfo(name)
        entry.size = 3
        tar.addfile(entry, io.BytesIO(b"bad"))
    server.files[f"/{IMAGES}"] = Stored(file.getvalue())
    root = tmp_path / "one" / "two"
    with pytest.raises(DownloadError, match="not the right archive"):
        sun.fetch(root, web, server.address)
    assert not (root / "images").exists()
    assert not list(tmp_path.glob("*.txt"))
    assert not (tmp_path / "one" / "outside.txt").exists()
    assert not os.path.lexists("/tmp/siam-outside.txt")


def test_links_that_lead_outside_are_refused(server, web, tmp_path):
    server.files[f"/{IMAGES}"] = Stored(linking("images", "/etc"))
    with pytest.raises(DownloadError, match="not the right archive"):
        sun.fetch(tmp_path, web, server.address)
    assert not os.path.lexists(tmp_path / "images")
    assert not (tmp_path / IMAGES).exists()


def damaged(kind):
    whole = archive(PHOTOS, "images")
    plain = gzip.decompress(whole)
    return {
        "cut": whole[:-30_000],
        "without its checksum": whole[:-8],
        "wrong checksum": whole[:-8] + b"\0" * 8,
        "a page": b"<html>Sorry</html>",
        "cut inside": gzip.compress(plain[:100_000]),
    }[kind]


@pytest.mark.parametrize("kind", ["cut", "without its checksum", "wrong checksum", "a page", "cut inside"])
def test_a_damaged_archive_is_removed_and_fetched_anew(server, web, tmp_path, kind):
    good = server.files[f"/{IMAGES}"]
    server.files[f"/{IMAGES}"] = Stored(damaged(kind))
    with pytest.raises(DownloadError, match="was damaged") as caught:
        sun.fetch(tmp_path, web, server.address)
    assert "\n" not in str(caught.value)
    assert {path.name for path in tmp_path.iterdir()} <= {"SUNAttributeDB", ".download.lock"}
    server.files[f"/{IMAGES}"] = good
    sun.fetch(tmp_path, web, server.address)
    assert_complete(tmp_path)


def test_an_archive_without_its_folder_is_refused(server, web, tmp_path):
    server.files[f"/{IMAGES}"] = Stored(archive(PHOTOS, "pictures"))
    with pytest.raises(DownloadError, match="no folder images in it"):
        sun.fetch(tmp_path, web, server.address)
    assert not (tmp_path / "images").exists()


def test_killed_half_way_it_goes_on_where_it_stopped(server, tmp_path):
    """Killed without a chance to tidy up: nothing under a final name, and no byte that came is fetched again."""
    size = len(server.files[f"/{IMAGES}"].data)
    half = size // 2
    server.faults[f"/{IMAGES}"] = [Fault(stall=half)]
    part = tmp_path / f"{IMAGES}.part"
    arguments = ("sun", "--root", tmp_path, "--url", server.address)
    stop_once(command(*arguments), lambda: part.exists() and part.stat().st_size == half)
    assert not (tmp_path / "images").exists()
    assert not (tmp_path / IMAGES).exists()
    status, out, err = run(*arguments)
    assert (status, err) == (0, "")
    assert out == f"{tmp_path}: SUNAttributeDB/ and images/ are complete\n"
    assert_complete(tmp_path)
    assert server.asked(f"/{IMAGES}")[1].headers["Range"] == f"bytes={half}-"
    assert server.asked(f"/{IMAGES}")[1].sent == size - half
    assert len(server.asked(f"/{LABELS}")) == 1


def test_killed_while_unpacking_it_unpacks_again(server, web, tmp_path):
    """What a killed unpacking leaves: the archive, and a folder that is not called images yet."""
    (tmp_path / "images.part" / "images" / "a").mkdir(parents=True)
    (tmp_path / "images.part" / "images" / "a" / "half.jpg").write_bytes(b"half")
    (tmp_path / IMAGES).write_bytes(server.files[f"/{IMAGES}"].data)
    sun.fetch(tmp_path, web, server.address)
    assert_complete(tmp_path)
    assert not server.asked(f"/{IMAGES}")


def test_a_full_disk_is_one_line_and_the_next_run_goes_on(server, tmp_path):
    """The process may write no file above 100 kB, which the file system refuses much as a full disk does."""
    arguments = ("sun", "--root", tmp_path, "--url", server.address)

    def little_room():
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))

    status, out, err = run(*arguments, preexec_fn=little_room)
    assert (status, out) == (2, "")
    assert err.count("\n") == 1
    assert err.startswith("error: ")
    assert "check the free space" in err
    assert not (tmp_path / "images").exists()
    status, _out, err = run(*arguments)
    assert (status, err) == (0, "")
    assert_complete(tmp_path)
    assert server.asked(f"/{IMAGES}")[-1].headers["Range"] == "bytes=100000-"


def test_interrupted_it_says_so_in_one_line_and_goes_on(server, web, tmp_path):
    """Ctrl-C in the middle of the body: the part stays, and is continued."""
    server.faults[f"/{IMAGES}"] = [Fault(stall=150_000)]
    part = tmp_path / f"{IMAGES}.part"
    started = command("sun", "--root", tmp_path, "--url", server.address)
    status, err = stop_once(started, lambda: part.exists() and part.stat().st_size == 150_000, signal.SIGINT)
    assert (status, err) == (2, "error: interrupted; finished work is kept\n")
    sun.fetch(tmp_path, web, server.address)
    assert_complete(tmp_path)
    assert server.asked(f"/{IMAGES}")[1].headers["Range"] == "bytes=150000-"


def test_a_file_that_is_not_there_is_one_line(server, tmp_path):
    del server.files[f"/{LABELS}"]
    status, out, err = run("sun", "--root", tmp_path, "--url", server.address)
    assert (status, out) == (2, "")
    assert err.count("\n") == 1
    assert "404" in err
