"""The dialog “Add a gallery”: what is fetched, from servers on this machine; photos that no other session sees."""

import csv
import hashlib
import io
import re
import threading
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from starlette.formparsers import MultiPartParser
from streamlit.testing.v1 import AppTest

import siam
from siam.datasets import oasis
from siam.datasets.downloads import hub, scenicornot
from siam.datasets.downloads.selection import Request
from siam.datasets.downloads.web import Patience, Web
from siam.gallery import scoring, store
from siam.gallery.table import csv_text
from siam.gallery.uploads import Batch
from siam.gallery.writing import Entry, write
from siam.images.reading import MAX_BYTES
from siam.models.checkpoint import Pair
from siam.runtime.jobs import CancelledError, Job
from tests.datasets.downloads.test_scenicornot import PICTURES, REPOSITORY, put
from tests.gallery.test_store import network_on
from tests.support.file_server import Fault, Stored, running_server
from tests.support.networks import baseline_network
from tests.support.pages import FOLDER
from tests.support.paths import ROOT
from ui.add_gallery import tasks
from ui.photos import pictures, uploads
from ui.photos.photo import case_photo
from ui.state import chosen, public, resources, turns

APP = ROOT / "app.py"
CARD = {"summary": "Tiny.", "training_data": "made up", "limits": "all"}


@pytest.fixture
def pair(monkeypatch):
    scale = replace(oasis.SCALE, low=1.0, high=7.0)
    networks = Pair("photo", network_on(scale), baseline_network(), CARD)
    monkeypatch.setattr(resources, "load", lambda _name: networks)
    for cache in (resources._loaded, resources._explanation):
        cache.clear()
    yield networks
    for cache in (resources._loaded, resources._explanation):
        cache.clear()


@pytest.fixture
def place(monkeypatch, tmp_path):
    """The folder in which the app was started, and a cache of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    pictures.forget()
    yield tmp_path
    pictures.forget()


@pytest.fixture
def app(pair, place):
    return session()


def session():
    app = AppTest.from_file(APP, default_timeout=120).run()
    assert not app.exception
    return app


def opened(app):
    app.button(key="add-gallery").click().run()
    assert not app.exception
    return app


def ended(app):
    """Wait for the task, and for the page to take in its result."""
    assert app.session_state["task"].job.wait(60)
    app.run()
    assert not app.exception
    return app.session_state["task"]


def keys(app):
    return {button.key for button in app.button}


def jpeg(seed=0, size=(90, 70)):
    pixels = np.random.default_rng(seed).integers(0, 256, (7, 9, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).resize(size).save(file, "JPEG")
    return file.getvalue()


def bring(app, photos, table=None):
    """Upload photos, and a table of their scores."""
    turn = app.session_state["batch_turn"]
    app.file_uploader(key=f"batch-photos-{turn}").set_value([(name, data, "image/jpeg") for name, data in photos])
    if table is not None:
        app.file_uploader(key=f"batch-scores-{turn}").set_value(("scores.csv", table, "text/csv"))
    return app.run()


# Photos of one's own


def test_the_dialog_opens_and_closes(app):
    assert "score-batch" not in keys(app)
    opened(app)
    assert {"score-batch", "fetch-pictures", "fetch-scenicornot"} <= keys(app)
    assert app.button(key="score-batch").disabled
    assert "score-folder" not in keys(app)  # nobody says that browser and app share a machine


def test_uploads_become_a_gallery_with_its_table(app, pair):
    photos = [("a.jpg", jpeg(1, (1600, 1200))), ("bad.jpg", b"words"), ("b.jpg", jpeg(2))]
    bring(opened(app), photos, b"file,score\na.jpg,5\nother.jpg,2\n")
    assert not app.error
    app.button(key="score-batch").click().run()
    task = ended(app)
    assert (task.kind, task.label) == ("success", "Your photos (2)")
    assert "Your photos (2)" in app.selectbox(key="gallery").options
    said = " ".join(of.value for of in (*app.markdown, *app.caption, *app.success))
    assert "bad.jpg" in said and "stay in memory" in said
    assert "Left out: 1 with no rating (b.jpg), 1 with a rating but no photo (other.jpg)." in said.replace("\\", "")
    rows = list(csv.DictReader(io.StringIO(task_csv(task))))
    assert [row["identifier"] for row in rows] == ["a.jpg", "b.jpg"] and float(rows[0]["crowd"]) == 5
    cases = task.cases
    explained = siam.explain(pair, jpeg(1, (1600, 1200)))  # the visitor's own file
    assert cases.table["siam"][0] == pytest.approx(explained.scenicness, abs=1e-5)
    assert "added-csv" in {button.key for button in app.get("download_button")}
    # The uploader is empty again, and the server has forgotten the files.
    assert app.file_uploader(key="batch-photos-1").value in (None, [])


def task_csv(task):
    return csv_text(task.cases, np.arange(len(task.cases.table)))


def test_scoring_waits_for_its_turn_and_says_its_place(app):
    door = threading.Event()

    def hold(watch):
        with turns.SCORING.turn(watch):
            assert door.wait(60)

    other = Job(hold)
    bring(opened(app), [("a.jpg", jpeg(1))])
    app.button(key="score-batch").click().run()
    job = app.session_state["task"].job
    for _attempt in range(300):
        if "queue" in job.progress.text:
            break
        job.wait(0.1)
    assert job.progress.text == "You are first in the queue" and job.running
    door.set()
    assert ended(app).kind == "success"
    other.result()


def test_a_public_server_takes_so_much_and_offers_no_folder(app, monkeypatch):
    monkeypatch.setenv("SIAM_PUBLIC", "1")
    monkeypatch.setenv("SIAM_PUBLIC_PHOTOS", "2")
    for of in (public.public, public.limits):
        of.cache_clear()
    try:
        bring(opened(app), [("a.jpg", jpeg(1)), ("b.jpg", jpeg(2)), ("c.jpg", jpeg(3))])
        assert "at most 2 files and 400 MB of one visitor" in app.error[0].value
        assert app.button(key="score-batch").disabled
        assert not {"score-folder", "fetch-scenicornot"} & keys(app)
        tasks.fetch_scenicornot()  # as a forged message would
        assert "task" not in app.session_state
    finally:
        monkeypatch.undo()
        for of in (public.public, public.limits):
            of.cache_clear()


def test_a_batch_knows_what_it_keeps(pair):
    batch = Batch([("a.jpg", jpeg(1)), ("b.jpg", b"words")])
    assert batch.kept == (2, len(jpeg(1)) + 5)
    batch.go_on(pair, threading.Lock())
    assert batch.kept == (1, len(batch.gallery(pair).contents[0]))


def test_a_gallery_in_memory_can_be_shown(app):
    bring(opened(app), [("a.jpg", jpeg(1)), ("b.jpg", jpeg(2))])
    app.button(key="score-batch").click().run()
    ended(app)
    app.button(key="show-added").click().run()
    assert not app.exception
    assert app.selectbox(key="gallery").value == "Your photos (2)"
    assert "score-batch" not in keys(app)  # the dialog is closed
    for page in ("templates", "disagreements", "what_if", "explain"):
        app.switch_page(f"{FOLDER}/{page}.py").run()
        assert not app.exception, page


def test_no_other_session_sees_uploads(app, place):
    bring(opened(app), [("secret-lake.jpg", jpeg(1))])
    app.button(key="score-batch").click().run()
    assert ended(app).kind == "success"
    app.button(key="show-added").click().run()
    other = session()
    assert other.selectbox(key="gallery").options == ["Open photos", "OASIS scenes"]
    link = AppTest.from_file(APP, default_timeout=120)
    link.query_params["gallery"] = "Your photos (1)"
    link.query_params["case"] = "secret-lake.jpg"
    for stranger in (other, link.run(), opened(other)):
        assert not stranger.exception
        assert "Your photos" not in " ".join(stranger.selectbox(key="gallery").options)
        assert stranger.selectbox(key="gallery").value == "Open photos"
        for key in ("task", "batch", "own_cases", "own_thumbnails"):
            assert key not in stranger.session_state
    assert [path for path in place.rglob("*") if path.is_file()] == []  # and nothing was stored


def test_a_photo_in_memory_is_a_photo_without_an_address(app, pair):
    bring(opened(app), [("a.jpg", jpeg(1))])
    app.button(key="score-batch").click().run()
    cases = ended(app).cases
    photo = case_photo(cases, 0)
    assert (photo.name, photo.address, photo.shown) == ("a.jpg", {}, cases.gallery.contents[0])
    assert siam.explain(pair, photo.image()).scenicness == pytest.approx(cases.table["siam"][0], abs=1e-5)
    assert pictures.path_of(cases.gallery, 0) is None
    assert pictures.thumbnail_of(cases.gallery, 0).size == pictures.THUMBNAIL
    assert pictures.content_of(cases.gallery, 0) == cases.gallery.contents[0]


def test_a_bad_table_is_reported_in_one_sentence_and_nothing_starts(app):
    for table, words in ((b"a,b\n1,2\n", "begins with a, b"), (b"file,score\nx.jpg,3\n", "none of these photos")):
        bring(opened(app), [("a.jpg", jpeg(1))], table)
        assert len(app.error) == 1 and words in app.error[0].value
        assert app.button(key="score-batch").disabled
    app.file_uploader(key="batch-scores-0").set_value(None)
    bring(app, [("a.jpg", jpeg(1))] * 201)
    assert len(app.error) == 1 and "You chose 201 photos, but at most 200" in app.error[0].value
    assert app.button(key="score-batch").disabled


def test_only_bad_photos_are_a_warning(app):
    bring(opened(app), [("a.jpg", b"words")])
    app.button(key="score-batch").click().run()
    task = ended(app)
    assert (task.kind, task.label) == ("warning", None)
    assert "None of the photos" in app.warning[0].value
    assert [option for option in app.selectbox(key="gallery").options if "Your" in option] == []


def test_scoring_shares_the_networks_can_be_stopped_and_goes_on(app, pair, monkeypatch):
    _pair, lock = resources._loaded("photo", 0)
    held, explain = [], scoring.explain

    def watched(*given):
        held.append(lock.locked())
        if len(held) == 2:
            app.session_state["task"].job.cancel()
        return explain(*given)

    monkeypatch.setattr(scoring, "explain", watched)
    bring(opened(app), [(f"{number}.jpg", jpeg(number)) for number in range(4)])
    app.button(key="score-batch").click().run()
    task = ended(app)
    assert (task.kind, task.label) == ("info", "Your photos (2)") and "2 left" in task.outcome
    assert "Your photos (2)" in app.selectbox(key="gallery").options
    app.button(key="again").click().run()
    assert ended(app).label == "Your photos (4)" and held == [True] * 4
    assert "Your photos (2)" not in app.selectbox(key="gallery").options


def test_photos_can_be_removed(app):
    bring(opened(app), [("a.jpg", jpeg(1))])
    app.button(key="score-batch").click().run()
    ended(app)
    app.button(key="forget-batch").click().run()
    assert not app.exception
    assert app.selectbox(key="gallery").options == ["Open photos", "OASIS scenes"]
    for key in ("task", "batch", "own_cases"):
        assert key not in app.session_state


# A folder


@pytest.fixture
def walk(place):
    (place / "walk").mkdir()
    for number in range(3):
        (place / "walk" / f"{number}.jpg").write_bytes(jpeg(number))
    return place / "walk"


def test_a_folder_where_browser_and_app_share_a_machine(app, walk, place, monkeypatch):
    monkeypatch.setattr(uploads, "on_this_machine", lambda: True)
    opened(app)
    app.text_input(key="batch-folder").set_value(f" '{walk}' ").run()
    app.button(key="score-folder").click().run()
    task = ended(app)
    assert (task.kind, task.label) == ("success", "walk")
    assert len(store.read(place / "galleries" / "walk")) == 3
    app.button(key="show-added").click().run()
    assert app.selectbox(key="gallery").value == "walk"
    assert "walk" in session().selectbox(key="gallery").options  # it is in the machine's folder, for all who use that


def test_a_path_that_is_no_folder_is_reported(app, walk, monkeypatch):
    monkeypatch.setattr(uploads, "on_this_machine", lambda: True)
    opened(app)
    app.text_input(key="batch-folder").set_value(str(walk / "nothing")).run()
    app.button(key="score-folder").click().run()
    assert ended(app).kind == "warning"
    assert "is not a folder" in app.warning[0].value
    assert "again" in keys(app)


class Context:
    """What Streamlit knows about a visitor."""

    def __init__(self, url, address=None, **headers):
        self.url, self.ip_address = url, address
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


@pytest.mark.parametrize(
    ("context", "shared"),
    [
        (Context("http://localhost:8501/"), True),
        (Context("http://127.0.0.1:8501/disagreements"), True),
        (Context("http://[::1]:8501"), True),
        (Context("https://siam.example.org/"), False),
        (Context("http://localhost.example.org/"), False),
        (Context("http://localhost:8501", "203.0.113.9"), False),  # an address that was made up
        (Context("http://localhost:8501", X_Forwarded_For="203.0.113.9"), False),
        (Context(None), False),
    ],
)
def test_whose_machine_it_is(monkeypatch, context, shared):
    monkeypatch.setattr(uploads.st, "context", context)
    assert uploads.on_this_machine() == shared


def test_large_uploads_are_not_put_into_a_temporary_file():
    assert MultiPartParser.spool_max_size > MAX_BYTES


# What is fetched


@pytest.fixture
def server():
    with running_server() as server:
        yield server


@pytest.fixture
def scenes(server, monkeypatch, place):
    """The gallery of the OASIS scenes, with three pictures on a server."""
    bundled = place / "bundled"
    found = store.read(chosen.BUNDLED / "oasis")
    table = found.photos.iloc[:3].copy()
    contents = [jpeg(seed) for seed in range(3)]
    table["image"] = [f"{server.address}/{row}.jpg" for row in range(3)]
    table["sha256"] = [hashlib.sha256(content).hexdigest() for content in contents]
    entries = [
        Entry(
            **{
                name: None if np.ndim(value) == 0 and pd.isna(value) else value
                for name, value in row.items()
                if name != "biggest_cause"
            },
            contributions=found.contributions[number].tolist(),
            presence=found.presence[number].tolist(),
        )
        for number, row in enumerate(table.to_dict("records"))
    ]
    write(bundled / "oasis", found.about, entries)
    monkeypatch.setattr(chosen, "BUNDLED", bundled)
    for row, content in enumerate(contents):
        server.files[f"/{row}.jpg"] = Stored(content)
    return contents


def test_pictures_are_fetched_and_no_longer_offered(scenes, app):
    opened(app)
    assert any("Still to download: 3 of 3," in caption.value for caption in app.caption)
    app.button(key="fetch-pictures").click().run()
    task = ended(app)
    assert (task.kind, task.outcome) == ("success", "All 3 pictures are now on this machine.")
    assert "fetch-pictures" not in keys(app)
    cases = chosen.cases_in(chosen.BUNDLED / "oasis")
    assert [pictures.path_of(cases.gallery, row).read_bytes() for row in range(3)] == scenes


def test_a_server_that_refuses_loses_nothing_that_arrived(scenes, server, app):
    del server.files["/2.jpg"]
    opened(app)
    app.button(key="fetch-pictures").click().run()
    task = ended(app)
    assert task.kind == "warning" and "Everything so far is kept; you can try again." in app.warning[0].value
    assert "http" not in task.outcome and "404" in task.reason
    assert any("Still to download: 1 of 3," in caption.value for caption in app.caption)
    server.files["/2.jpg"] = Stored(scenes[2])
    app.button(key="again").click().run()
    assert ended(app).kind == "success"
    whole = [asked for asked in server.asked("/0.jpg") if not any(name.lower() == "range" for name in asked.headers)]
    assert len(whole) == 1  # kept from before; the check whether the server answers asks for one byte


def test_fetching_is_cancelled_shown_in_the_sidebar_and_resumed(scenes, server, app):
    server.faults["/1.jpg"] = [Fault(stall=100)]
    opened(app)
    app.button(key="fetch-pictures").click().run()
    job = app.session_state["task"].job
    while job.progress.share < 0.3:
        pass
    app.run()
    assert re.fullmatch(r"Downloading 1 of 3 pictures, about 0.1 of 0.3 MB", job.progress.text)
    assert "cancel-dialog" in keys(app) and "score-batch" not in keys(app)
    app.session_state["adding"] = False  # what the cross of the dialog does
    app.run()
    assert "cancel-sidebar" in keys(app)
    app.button(key="cancel-sidebar").click().run()
    assert job.stopping and app.button(key="cancel-sidebar").disabled
    server.go_on.set()
    task = ended(app)
    assert task.kind == "info" and any("stopped" in caption.value for caption in app.sidebar.caption)
    opened(app)
    asked = len(server.asked("/0.jpg"))
    app.button(key="again").click().run()
    assert ended(app).kind == "success"
    assert len(server.asked("/0.jpg")) == asked  # it was here already


@pytest.fixture
def hub_server(server, monkeypatch):
    put(server, list(PICTURES))
    monkeypatch.setenv("HF_ENDPOINT", server.address)
    monkeypatch.setattr(scenicornot.fetch, "__defaults__", (REPOSITORY, *scenicornot.fetch.__defaults__[1:]))
    return server


def test_photos_of_scenicornot_are_fetched_and_scored(hub_server, app, place, monkeypatch):
    monkeypatch.setattr(tasks, "COUNT", 12)
    opened(app)
    app.button(key="fetch-scenicornot").click().run()
    task = ended(app)
    assert (task.kind, task.label) == ("success", "ScenicOrNot, 12 test photos")
    found = store.read(place / "galleries" / "scenicornot-12-photo")
    assert len(found) == 12 and (found.about.scale, found.about.crowd_scale.high) == (oasis.SCALE, 10)
    assert set(found.photos["identifier"].astype(int)) <= set(sorted(PICTURES)[-18:])
    assert found.photos["author"].notna().all() and found.photos["votes"].notna().all()
    assert (place / "DATA" / "scenicornot" / "votes.tsv").is_file()
    assert task.label in app.selectbox(key="gallery").options


def test_a_hub_that_is_not_there_is_one_calm_sentence(app, monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr(tasks, "PATIENCE", Patience(attempts=1))
    opened(app)
    app.button(key="fetch-scenicornot").click().run()
    task = ended(app)
    assert task.kind == "warning" and task.outcome.startswith("ScenicOrNot: not finished.")
    assert "again" in keys(app)


# The hooks of the download


def test_a_download_reports_its_progress(hub_server, tmp_path):
    steps = []
    with Web(Patience(silence=5), headers=hub.headers()) as web:
        scenicornot.fetch(tmp_path, web, Request("test"), REPOSITORY, progress=steps.append)
    tables = [step for step in steps if step.kind == "tables"]
    photos = [step for step in steps if step.kind == "photos"]
    assert max(step.done for step in tables) == tables[0].of == 3 and max(step.come for step in tables) > 0
    assert [step.done for step in photos] == sorted(step.done for step in photos)
    assert photos[0].done == 0 and photos[-1].of == 18
    assert photos[-1].size <= photos[-1].come < 1.1 * photos[-1].size  # PyArrow joins neighbouring columns


@pytest.mark.parametrize("kind", ["tables", "photos"])
def test_a_download_that_is_cancelled_goes_on_to_the_same(hub_server, tmp_path, kind):
    def stop(step):
        if step.kind == kind and step.come > 0 and (kind == "tables" or step.done > 0):
            raise CancelledError

    with Web(Patience(silence=5)) as web:
        with pytest.raises(CancelledError):
            scenicornot.fetch(tmp_path, web, Request("test"), REPOSITORY, progress=stop)
        kept = len(list((tmp_path / "images").glob("*.jpg"))) if kind == "photos" else 0
        assert kind == "tables" or 0 < kept < 18
        assert scenicornot.fetch(tmp_path, web, Request("test"), REPOSITORY).here == 18
