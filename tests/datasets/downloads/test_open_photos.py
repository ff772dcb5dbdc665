"""Open photos come out of packages of every kind, from a folder or a server, checked and scaled, or not at all."""

import csv
import hashlib
import io
import lzma
import struct
import tarfile
import zipfile
import zlib
from dataclasses import asdict, replace
from pathlib import PurePosixPath

import numpy as np
import pytest
from PIL import Image

from siam.cli.main import main
from siam.datasets.downloads import open_photos
from siam.datasets.downloads.open_photos import OpenPhoto, fetch, read_list, resources
from siam.datasets.downloads.web import DownloadError
from siam.errors import DatasetError
from siam.gallery import store
from siam.models.checkpoint import Pair, save
from tests.support.file_server import Stored, running_server
from tests.support.networks import baseline_network, siam_network


def picture(seed, size=(1000, 500), kind="PNG"):
    noise = np.random.default_rng(seed).integers(0, 255, (5, 10, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(noise).resize(size).save(file, kind)
    return file.getvalue()


def tar(entries, mode):
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode=mode) as archive:
        for name, data in entries.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return file.getvalue()


def deb(entries):
    """Return a Debian package: an ar archive whose last part is a tar file."""
    data = tar({f"./{name}": content for name, content in entries.items()}, "w:xz")
    parts = {"debian-binary": b"2.0\n", "control.tar.xz": lzma.compress(b"odd"), "data.tar.xz": data}
    head = "{:<16}{:<12}{:<6}{:<6}{:<8}{:<10}`\n"
    packed = b"!<arch>\n"
    for name, content in parts.items():
        packed += head.format(name, 0, 0, 0, 100644, len(content)).encode() + content + b"\n" * (len(content) % 2)
    return packed


def wheel(entries):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return file.getvalue()


def npm(entries):
    return tar({f"package/{name}": data for name, data in entries.items()}, "w:gz")


def rcc(folder, files, version=3):
    """Return a Qt resource file of one folder; every second file is compressed with zlib."""
    names, places = b"", []
    for name in (folder, *files):
        places.append(len(names))
        names += struct.pack(">HI", len(name), 0) + name.encode("utf-16-be")
    contents, nodes = b"", []
    for number, data in enumerate(files.values()):
        stored = struct.pack(">I", len(data)) + zlib.compress(data) if number % 2 else data
        nodes.append((places[number + 1], number % 2, len(contents)))
        contents += struct.pack(">I", len(stored)) + stored
    dated = b"" if version == 1 else bytes(8)
    tree = struct.pack(">IHII", 0, 2, 1, 1) + dated
    tree += struct.pack(">IHII", places[0], 2, len(files), 2) + dated
    for place, flags, start in nodes:
        tree += struct.pack(">IHHHI", place, flags, 0, 0, start) + dated
    head = struct.calcsize(">4s5I" if version == 3 else ">4s4I")
    offsets = head, head + len(tree), head + len(tree) + len(contents)
    packed = struct.pack(">4s4I", b"qres", version, *offsets) + bytes(head - 20)
    return packed + tree + contents + names


def listed(file, kind, archive, member, content):
    checksum = hashlib.sha256(content).hexdigest()
    return OpenPhoto(file, "T", "A", "CC0-1.0", "https://x", "", "", kind, kind, "1:2~3-4", archive, member, checksum)


PICTURES = [picture(seed) for seed in range(5)]
ARCHIVES = {
    "debian": ("pool/d/debian_2~3-4_all.deb", deb({"usr/a.png": PICTURES[0], "usr/b.rcc": rcc("in", {"c": b"", "d.png": PICTURES[1]})})),  # noqa: E501
    "pypi": ("Some_thing-1-py3.whl", wheel({"some/e.png": PICTURES[2]})),
    "npm": ("npm-1.tgz", npm({"f.png": PICTURES[3]})),
}  # fmt: skip
PHOTOS = [
    listed("a.jpg", "debian", ARCHIVES["debian"][0], "usr/a.png", PICTURES[0]),
    listed("d.jpg", "debian", ARCHIVES["debian"][0], "usr/b.rcc#in/d.png", PICTURES[1]),
    listed("e.jpg", "pypi", ARCHIVES["pypi"][0], "some/e.png", PICTURES[2]),
    listed("f.jpg", "npm", ARCHIVES["npm"][0], "package/f.png", PICTURES[3]),
]


@pytest.fixture
def mirrors():
    """A server that has the three packages, as a Debian mirror, a PyPI index and an npm registry."""
    with running_server() as server:
        name, data = ARCHIVES["debian"]
        server.files[f"/debian/{name.replace('~', '%7E')}"] = server.files[f"/debian/{name}"] = Stored(data)
        server.files["/files/Some_thing-1-py3.whl"] = Stored(ARCHIVES["pypi"][1])
        server.files["/simple/pypi/"] = Stored(b'<a href="/files/Some_thing-1-py3.whl#sha256=1">Some_thing</a>')
        server.files["/npm/npm/-/npm-1.tgz"] = Stored(ARCHIVES["npm"][1])
        yield {kind: f"{server.address}/{kind if kind != 'pypi' else 'simple'}" for kind in open_photos.KINDS}


def check(root):
    assert {path.name for path in (root / "images").iterdir()} == {photo.file for photo in PHOTOS}
    for photo, original in zip(PHOTOS, PICTURES, strict=False):
        with Image.open(root / "images" / photo.file) as stored, Image.open(io.BytesIO(original)) as expected:
            assert (stored.format, stored.size) == ("JPEG", (800, 400))
            difference = np.asarray(stored, float) - np.asarray(expected.resize((800, 400)), float)
            assert abs(difference).mean() < 10


def test_photos_come_from_servers_of_every_kind(mirrors, web, tmp_path):
    steps = []
    assert fetch(tmp_path, PHOTOS, web, mirrors, progress=lambda *step: steps.append(step)) == 4
    assert steps == [(1, 3), (2, 3), (3, 3)]
    check(tmp_path)
    assert fetch(tmp_path, PHOTOS, web, {}) == 0  # all are there


def test_packages_in_a_folder_need_no_server(web, tmp_path):
    packages = tmp_path / "packages"
    packages.mkdir()
    for kind, (name, data) in ARCHIVES.items():
        name = "debian_1%3a2~3-4_all.deb" if kind == "debian" else name  # as apt-get writes it
        (packages / name).write_bytes(data)
    assert fetch(tmp_path / "out", PHOTOS, web, {}, packages) == 4
    check(tmp_path / "out")


def test_a_package_that_is_nowhere_is_named(web, tmp_path):
    with pytest.raises(DownloadError, match=r"npm 1:2~3-4 is not at hand: .*--npm"):
        fetch(tmp_path, PHOTOS[3:], web, {})


@pytest.mark.parametrize("photo", PHOTOS, ids=lambda photo: photo.kind)
@pytest.mark.parametrize("change", [{"sha256": "0" * 64}, {"member": "usr/none.png"}])
def test_another_photo_than_the_one_on_the_list_is_refused(mirrors, web, tmp_path, photo, change):
    with pytest.raises(DownloadError, match=photo.package):
        fetch(tmp_path, [replace(photo, **change)], web, mirrors)
    assert not (tmp_path / "images").exists()


@pytest.mark.parametrize("kind", open_photos.KINDS)
def test_a_damaged_package_is_refused(web, tmp_path, kind):
    name, data = ARCHIVES[kind]
    (tmp_path / name.rpartition("/")[2]).write_bytes(data[: len(data) // 2])
    with pytest.raises(DownloadError, match="damaged"):
        fetch(tmp_path / "out", [photo for photo in PHOTOS if photo.kind == kind], web, {}, tmp_path)


@pytest.mark.parametrize("version", [1, 2, 3])
def test_qt_resources_are_unpacked_whatever_their_version(version):
    files = {"first": b"1" * 100, "second": b"2" * 1000, "third": b"", "ü": b"4"}
    assert resources(rcc("folder", files, version)) == {f"folder/{name}": data for name, data in files.items()}


def test_qt_resources_that_point_at_themselves_are_refused():
    data = bytearray(rcc("folder", {"a": b"1"}))
    struct.pack_into(">II", data, 24 + 22 + 6, 2, 0)  # the folder holds itself
    with pytest.raises(ValueError, match="no end"):
        resources(bytes(data))


def write_list(path, rows):
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def test_a_list_is_read_as_it_was_written(tmp_path):
    write_list(tmp_path / "credits.csv", [vars(photo) for photo in PHOTOS])
    assert read_list(tmp_path / "credits.csv") == tuple(PHOTOS)


@pytest.mark.parametrize(
    "change", [{"author": ""}, {"licence": " "}, {"kind": "cpan"}, {"file": "../a.jpg"}, {"file": "d.jpg"}]
)
def test_a_list_with_a_bad_row_is_refused(tmp_path, change):
    write_list(tmp_path / "credits.csv", [{**vars(PHOTOS[0]), **change}, *map(vars, PHOTOS[1:])])
    with pytest.raises(DatasetError, match=r"credits\.csv"):
        read_list(tmp_path / "credits.csv")


def test_a_missing_list_is_reported(tmp_path):
    with pytest.raises(DatasetError, match=r"credits\.csv"):
        read_list(tmp_path / "credits.csv")


def test_the_command_builds_and_scores_a_gallery(tmp_path, capsys):
    packages, out = tmp_path / "packages", tmp_path / "out"
    packages.mkdir()
    for name, data in ARCHIVES.values():
        (packages / PurePosixPath(name).name).write_bytes(data)
    write_list(tmp_path / "list.csv", [asdict(photo) for photo in PHOTOS])
    save(Pair("tiny", siam_network(), baseline_network(), {}), tmp_path / "tiny")
    arguments = ["--list", tmp_path / "list.csv", "--packages", packages, "--model", tmp_path / "tiny"]
    assert main(["data", "open-photos", str(out), *map(str, arguments)]) == 0
    assert "4 photos" in capsys.readouterr().out
    gallery = store.read(out)
    assert sorted(gallery.photos["image"]) == [f"images/{photo.file}" for photo in PHOTOS]
    assert (
        main(["data", "open-photos", str(tmp_path / "empty"), *map(str, arguments[:2]), *map(str, arguments[4:])]) == 2
    )
    assert "debian" in capsys.readouterr().err.lower()
