"""Where a photo shows a word: what somebody marked is what training reads, and what others wrote there stays."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from siam.datasets import region_files, regions, vocabulary
from siam.errors import DatasetError
from siam.labelling import answers, table
from siam.labelling.answers import Answer, Answers
from siam.labelling.marks import SIDE, cells_in, written

CELL = st.tuples(st.integers(0, SIDE - 1), st.integers(0, SIDE - 1))
BOX = [(row, column) for row in range(6, 18) for column in range(12)]  # a quarter of the photo, on its left


@given(cells=st.sets(CELL, max_size=40))
def test_cells_are_read_as_they_were_marked(cells):
    found = cells_in(written(cells))
    assert {(int(row), int(column)) for row, column in zip(*found.nonzero(), strict=True)} == cells


@pytest.mark.parametrize("text", ["0", "g" * 144, " " + "0" * 143, "0" * 143, 5])
def test_text_that_marks_nothing_is_no_answer(text):
    with pytest.raises(ValueError, match=r"mark|hexadecimal|somewhere"):
        Answer("present", "hedge", "a.jpg", where=text)


@pytest.mark.parametrize("kind", ["absent", "unsure", "undo"])
def test_only_what_is_present_is_somewhere(kind):
    with pytest.raises(ValueError, match="somewhere"):
        Answer(kind, "hedge", "" if kind == "undo" else "a.jpg", where=written(BOX))


def test_a_mark_is_on_the_disk_with_its_answer_and_goes_with_it(tmp_path):
    path = tmp_path / answers.FILE
    answers.add(path, Answer("present", "hedge", "a.jpg", where=written(BOX)))
    answers.add(path, Answer("present", "hedge", "b.jpg"))
    assert answers.read(path).marked("hedge") == {"a.jpg": written(BOX)}
    answers.add(path, Answer("undo", "hedge"))
    answers.add(path, Answer("undo", "hedge"))
    assert answers.read(path).marked("hedge") == {"a.jpg": ""} and answers.read(path).said("hedge") == {}


def kept(root, *given_: Answer):
    """What training reads of a folder with some answers: attribute → photo → shares (s, s)."""
    for name in {of.photo for of in given_ if of.photo}:
        (root / name).touch()
    table.write(Answers(given_), root)
    found = vocabulary.read(root)
    seen = regions.read(root / region_files.NAME, [path.name for path in found.files], found.regions)
    return {
        name: {path.name: seen.share(row)[place].numpy() for row, path in enumerate(found.files)}
        for place, name in enumerate(seen.attributes)
    }


def test_training_reads_what_was_marked_and_knows_nothing_of_other_photos(tmp_path):
    seen = kept(
        tmp_path, Answer("present", "hedge", "a.jpg", where=written(BOX)), Answer("present", "hedge", "b.jpg"),
        Answer("absent", "hedge", "c.jpg"), Answer("present", "pond", "a.jpg"),
    )  # fmt: skip
    assert set(seen) == {"hedge"}
    assert np.array_equal(seen["hedge"]["a.jpg"] == 1, cells_in(written(BOX)))
    assert not seen["hedge"]["b.jpg"].any() and not seen["hedge"]["c.jpg"].any()
    found = vocabulary.read(tmp_path)
    stored = regions.read(tmp_path / region_files.NAME, [path.name for path in found.files], found.regions)
    for row, path in enumerate(found.files):
        wanted = regions.targets(
            stored.share(row), stored.attributes, found.labels[row], found.attributes, 0.0, (6, 8)
        ).numpy()
        hedge = wanted[found.attributes.index("hedge")]
        if path.name == "a.jpg":
            assert hedge[:, 5:].max() == 0 and hedge[2:4, :3].min() == 1 and hedge.mean() == pytest.approx(0.25)
        else:
            assert np.isnan(hedge).all() if path.name == "b.jpg" else (hedge == 0).all()


def test_what_a_segmenter_saw_stays_but_for_what_was_marked(tmp_path):
    share = np.random.default_rng(0).integers(0, 256, (2, 2, 36, 36), dtype=np.uint8)
    np.savez(tmp_path / "regions.npz", files=["b.jpg", "a.jpg"], groups=["sky", "hedge"], share=share)
    seen = kept(
        tmp_path, Answer("present", "hedge", "a.jpg", where=written(BOX)), Answer("present", "hedge", "b.jpg"),
        Answer("present", "pond", "b.jpg", where=written([(0, 0)])),
    )  # fmt: skip
    assert np.array_equal(np.rint(255 * seen["hedge"]["b.jpg"]), share[0, 1])
    assert seen["hedge"]["a.jpg"].mean() == pytest.approx(0.25, abs=1e-3)  # 36 x 36 cells cover as much as 24 x 24
    assert set(np.unique(seen["hedge"]["a.jpg"])) == {0, 1} and seen["hedge"]["a.jpg"][9:27, :18].all()
    assert seen["pond"]["b.jpg"].sum() * SIDE**2 / 36**2 == pytest.approx(1, abs=0.01)
    stored = region_files.read_file(tmp_path / "regions.npz")
    assert stored.groups == ("sky", "hedge", "pond") and not stored.partial
    assert np.array_equal(stored.share[:, 0], share[:, 0])


def test_a_mark_that_is_withdrawn_is_gone(tmp_path):
    marked = Answer("present", "hedge", "a.jpg", where=written(BOX))
    rest = Answer("present", "hedge", "b.jpg", where=written([(3, 3)]))
    assert kept(tmp_path, marked, rest)["hedge"]["a.jpg"].any()
    seen = kept(
        tmp_path, marked, rest, Answer("undo", "hedge"), Answer("undo", "hedge"), Answer("absent", "hedge", "a.jpg")
    )
    assert not seen["hedge"]["a.jpg"].any()


def test_a_damaged_file_is_left_as_it_is(tmp_path):
    (tmp_path / "regions.npz").write_bytes(b"damaged")
    with pytest.raises(DatasetError, match=r"regions\.npz is not readable"):
        kept(tmp_path, Answer("present", "hedge", "a.jpg", where=written(BOX)))
    assert (tmp_path / "regions.npz").read_bytes() == b"damaged"


def test_an_attribute_shows_where_its_groups_and_its_name_are(tmp_path):
    (tmp_path / "attributes.csv").write_text("file,hedge\na.jpg,1\n")
    (tmp_path / "attributes.toml").write_text('[hedge]\nwords = "hedges"\nregions = ["bush"]\n')
    assert set(kept(tmp_path, Answer("present", "hedge", "a.jpg", where=written(BOX)))) == {"hedges"}
    assert vocabulary.read(tmp_path).regions == {"hedges": ("bush", "hedge")}


def test_a_word_that_the_description_gives_to_a_column_is_that_column(tmp_path):
    (tmp_path / "attributes.csv").write_text("file,greenery\na.jpg,\n")
    (tmp_path / "attributes.toml").write_text('[greenery]\nwords = "trees and grass"\n')
    assert table.column_of("Trees  and_grass", tmp_path) == "greenery"
    assert table.column_of("greenery", tmp_path) is table.column_of("pond", tmp_path) is None
    (tmp_path / "a.jpg").touch()
    table.write(Answers((Answer("present", "Trees and grass", "a.jpg", where=written(BOX)),)), tmp_path)
    assert (tmp_path / "attributes.csv").read_text() == "file,greenery\na.jpg,1\n"
    found = vocabulary.read(tmp_path)
    assert found.attributes == ("trees and grass",) and found.regions == {"trees and grass": ("greenery",)}
