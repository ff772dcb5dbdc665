"""One photo is one photo, however people and programs spell its name."""

import unicodedata

import pytest

from siam.cli.main import main
from siam.datasets import folder, oasis, sun_attributes
from siam.datasets.check import check
from siam.datasets.names import Spellings, identity
from siam.errors import DatasetError

NFD = unicodedata.normalize("NFD", "Müllersee.jpg")


def rated(root, *rows, present=("walk/a.jpg", NFD, "IMG_1.JPG")):
    for name in present:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    (root / "ratings.csv").write_text("file,score\n" + "".join(f"{name},{score}\n" for name, score in rows))
    return root


@pytest.mark.parametrize(
    ("name", "photo"),
    [
        ("./walk/a.jpg", "walk/a.jpg"),
        ("walk\\a.jpg", "walk/a.jpg"),
        (".\\walk\\a.jpg", "walk/a.jpg"),
        ("walk//./a.jpg ", "walk/a.jpg"),
        ("other/../walk/a.jpg", "walk/a.jpg"),
        ("Walk/A.JPG", "walk/a.jpg"),
        ("Müllersee.jpg", NFD),
        ("müllersee.JPG", NFD),
        ("\u202aIMG_1.JPG\u202c", "IMG_1.JPG"),
        ("img_1.jpg", "IMG_1.JPG"),
    ],
)
def test_every_spelling_means_the_photo_on_the_disk(tmp_path, name, photo):
    photos = folder.read(rated(tmp_path, (name, 3)))
    scores = {
        path.relative_to(tmp_path).as_posix(): score for path, score in zip(photos.files, photos.scores, strict=True)
    }
    assert scores.pop(photo) == 3 and len(scores) == 2
    assert name.strip() in photos.names


def test_absolute_names_below_the_folder_are_its_photos(tmp_path, monkeypatch):
    root = rated(tmp_path / "photos", (f"{tmp_path}/photos/walk/a.jpg", 3))
    (tmp_path / "link").symlink_to(root)
    monkeypatch.chdir(tmp_path)
    for given in (root, root.relative_to(tmp_path), tmp_path / "link"):
        photos = folder.read(given)
        assert len(photos.files) == 3 and sum(photos.scores == 3) == 1
        assert all(path.is_relative_to(given) for path in photos.files)


@pytest.mark.parametrize(
    "name", ["/elsewhere/a.jpg", "../a.jpg", "walk/../../a.jpg", "C:\\photos\\a.jpg", "\\\\nas\\a.jpg"]
)
def test_a_name_outside_the_folder_is_refused_in_one_line_with_its_row(tmp_path, name, capsys):
    root = rated(tmp_path / "photos", ("walk/a.jpg", 2), (name, 3))
    with pytest.raises(DatasetError, match="in row 3; give the photo's path within the folder") as caught:
        folder.read(root)
    assert "\n" not in str(caught.value) and "out" in str(caught.value)
    assert main(["data", "check", "folder", "--root", str(root)]) == 2
    assert "out" in capsys.readouterr().out.splitlines()[1]


def test_one_photo_in_two_rows_is_refused_by_both_names(tmp_path):
    root = rated(tmp_path, ("walk/a.jpg", 2), ("./walk\\a.jpg", 3))
    with pytest.raises(DatasetError, match=r"the photo of 'walk/a\.jpg' in row 2 again, for './walk.*a\.jpg' in row 3"):
        folder.read(root)
    found = [
        (finding.problem, finding.item) for finding in check("folder", root).findings if finding.problem == "duplicate"
    ]
    assert ("duplicate", "./walk\\a.jpg") in found


def test_photos_that_differ_in_letter_case_need_their_exact_names(tmp_path):
    both = ("a.jpg", "A.jpg")
    photos = folder.read(rated(tmp_path, ("a.jpg", 2), ("A.jpg", 3), present=both))
    if len(photos.files) == 1:
        return  # a file system for which they are one
    assert {path.name: score for path, score in zip(photos.files, photos.scores, strict=True)} == {
        "a.jpg": 2,
        "A.jpg": 3,
    }
    with pytest.raises(DatasetError, match=r"a name that may mean 'A\.jpg' or 'a\.jpg' for 'A\.JPG' in row 2"):
        folder.read(rated(tmp_path, ("A.JPG", 2), present=both))


def test_the_split_of_a_photo_does_not_depend_on_the_spelling(tmp_path):
    splits = [
        folder.read(rated(tmp_path / str(n), *rows, present=(name,))).split.tolist()
        for n, (name, rows) in enumerate(((NFD, []), (unicodedata.normalize("NFC", NFD), []), (NFD, [(NFD, 3)])))
    ]
    assert splits[0] == splits[1] == splits[2]


@pytest.mark.parametrize("reader", [oasis, sun_attributes])
def test_other_tables_find_their_photos_as_well_and_none_outside(tmp_path, reader):
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / NFD).touch()
    columns = ("beauty_mean",) if reader is oasis else sun_attributes.ATTRIBUTES
    table = tmp_path / ("ratings.csv" if reader is oasis else "labels.csv")
    for name, photo in (("./MÜLLERSEE.jpg", NFD), ("missing.jpg", "missing.jpg")):
        table.write_text(",".join(("file", *columns)) + f"\n{name}" + ",1" * len(columns) + "\n")
        assert reader.read(tmp_path).files == (tmp_path / "images" / photo,)
    table.write_text(",".join(("file", *columns)) + "\n../../x.jpg" + ",1" * len(columns) + "\n")
    with pytest.raises(DatasetError, match="leads out of the folder"):
        reader.read(tmp_path)


@pytest.mark.parametrize("bare", [False, True])
def test_a_name_without_an_ending_means_the_picture_that_has_one(bare):
    spellings = Spellings(
        ["IMG_3.jpg", "IMG_3.MOV", NFD, "see.v2.png", "two.jpg", "two.heic", "lake.jpg.png"], bare=bare
    )
    assert spellings.find("img_3") == "IMG_3.jpg" and spellings.find(" ./MÜLLERSEE") == NFD
    assert spellings.find("see.v2") == "see.v2.png" and spellings.find("IMG_3.mov") == "IMG_3.MOV"
    for name in ("see", "IMG_3.png", "lake.jpg", "IMG_3.mp4", "."):  # another picture, and no picture
        assert spellings.find(name) is None
    with pytest.raises(ValueError, match=r"may mean 'two\.jpg' or 'two\.heic'"):
        spellings.find("two")


def test_a_folder_and_its_table_without_endings(tmp_path):
    photos = folder.read(rated(tmp_path, ("walk/a", 2), ("B", 3), present=("walk/a.jpg", "b.png")))
    assert {path.name: score for path, score in zip(photos.files, photos.scores.tolist(), strict=True)} == {
        "a.jpg": 2,
        "b.png": 3,
    }
    assert not photos.left_out


def test_identities_are_stable():
    for name in ("a/b.jpg", "Müllersee.jpg", "a b (2).jpg", "~a.jpg", "…/x.jpg"):
        assert identity(name) == name == identity(identity(f" ./{name} "))
    assert identity(NFD) == "Müllersee.jpg"
    assert Spellings([]).find("a.jpg") is None
