"""What a folder holds besides the photos that are used is counted and said."""

import io
import json

import pytest
from PIL import Image

from siam.cli.main import main
from siam.datasets import folder
from siam.datasets.base import LeftOut
from siam.errors import DatasetError
from siam.gallery.uploads import Batch


@pytest.fixture
def root(tmp_path):
    picture = io.BytesIO()
    Image.new("RGB", (40, 40)).save(picture, "JPEG")
    for n, name in enumerate(
        (
            "a.jpg",
            "@b.jpg",
            "walk/c.jpg",
            "@eaDir/a.jpg/thumb.jpg",
            "walk/.thumbs/d.jpg",
            "#recycle/e.jpg",
            "walk/._c.jpg",
        )
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(picture.getvalue() + bytes(n))  # each its own content
    for name in ("raw.cr2", "walk/notes.txt", ".DS_Store", "Thumbs.db"):
        (tmp_path / name).touch()
    return tmp_path


def reasons(photos):
    return {left.reason: set(left.names) for left in photos.left_out}


def test_folders_of_programs_hold_no_photos_and_what_is_left_out_is_named(root):
    photos = folder.read(root)
    assert [path.relative_to(root).as_posix() for path in photos.files] == ["@b.jpg", "a.jpg", "walk/c.jpg"]
    assert reasons(photos) == {
        "a suffix that is not read": {"raw.cr2", "walk/notes.txt"},
        "a hidden name": {"#recycle/", "@eaDir/", "walk/.thumbs/", "walk/._c.jpg"},
    }


def test_photos_without_rating_and_ratings_without_photo_are_named(root):
    endless = f"{'long' * 100}.jpg"  # more than a file's name can have
    (root / "Ratings.CSV").write_text(f"file,score\n./a.jpg,3\ngone.jpg,2\n{endless},2\n")
    told = reasons(folder.read(root))
    assert (told["no rating"], told["a rating but no photo"]) == ({"@b.jpg", "walk/c.jpg"}, {"gone.jpg", endless})
    assert all("atings" not in name for names in told.values() for name in names)


def test_a_link_to_a_photo_of_the_folder_is_not_a_second_photo(root):
    (root / "0.jpg").symlink_to(root / "a.jpg")
    photos = folder.read(root)
    assert len(photos.files) == 3 and reasons(photos)["the file of a.jpg"] == {"0.jpg"}
    (root / "ratings.csv").write_text("file,score\n0.jpg,3\n")
    rated = folder.read(root)
    assert rated.files == photos.files and rated.scores[1] == 3
    (root / "ratings.csv").write_text("file,score\n0.jpg,3\na.jpg,4\n")
    with pytest.raises(DatasetError, match=r"the photo of '0\.jpg' in row 2 again, for 'a\.jpg' in row 3"):
        folder.read(root)


def test_the_check_says_what_is_left_out_and_is_clean_all_the_same(root, capsys):
    assert main(["data", "check", "folder", "--root", str(root)]) == 0
    out = capsys.readouterr().out
    assert (
        "3 photos: 0 missing" in out and "left out: 2 with a suffix that is not read (raw.cr2, walk/notes.txt)" in out
    )
    assert "4 with a hidden name" in out
    main(["data", "check", "folder", "--root", str(root), "--json"])
    assert json.loads(capsys.readouterr().out)["left_out"]["a suffix that is not read"] == ["raw.cr2", "walk/notes.txt"]


def test_nothing_is_said_where_nothing_is_left_out(tmp_path):
    (tmp_path / "a.jpg").touch()
    assert folder.read(tmp_path).left_out == ()


def test_uploads_without_rating_and_ratings_without_upload_are_named():
    batch = Batch([("a.jpg", b"1"), ("b.jpg", b"2")], {"A.jpg": 3, "c.jpg": 4})
    assert batch.left_out == (LeftOut("no rating", ("b.jpg",)), LeftOut("a rating but no photo", ("c.jpg",)))
    assert batch.unused == 1
    assert Batch([("a.jpg", b"1")]).left_out == ()
    assert str(batch.left_out[0]) == "1 with no rating (b.jpg)"
