"""What “Add a gallery” does in the background: one task at a time in each session, kept under its key `task`."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import streamlit as st

from siam.datasets.base import LeftOut
from siam.datasets.downloads import hub, scenicornot
from siam.datasets.downloads.selection import Request, Step
from siam.datasets.downloads.web import DownloadError, Web
from siam.errors import SIAMError, StorageError
from siam.gallery.cases import Cases, read_cases
from siam.gallery.folder import Built, Source, build, folder_for
from siam.gallery.pictures import PATIENCE, PICTURE_BYTES, RATE, fetch
from siam.gallery.rescoring import Rescored, rescore
from siam.gallery.scoring import Refused, take_half_of_the_cores
from siam.gallery.store import FILE, Gallery
from siam.gallery.uploads import Batch
from siam.models.checkpoint import Pair
from siam.runtime.files import check_folder
from siam.runtime.jobs import CancelledError, Job, Watch
from ui.photos import pictures
from ui.state import chosen, resources
from ui.state.public import public, tidy
from ui.state.turns import SCORING

SCENICORNOT = Path("DATA", "scenicornot")  # in the folder in which the app was started, as in README
COUNT = 500
_TIDY = 20  # pictures after which the cache is looked at

Lock = AbstractContextManager[object]


@dataclass
class Task:
    """Work that was started, and its outcome.

    Attributes:
        title: what it is, in a few words.
        job: its work.
        begin: starts it again from where it stopped.
        kind: how it ended: "success", "info" (cancelled), or "warning"; "" while it runs.
        outcome: one sentence about that.
        reason: the message of the error, if there was one.
        pair: the networks that score, if any.
        batch: the photos in memory that are scored, if any.
        label: of the gallery it made.
        cases: of that gallery.
        refused: photos that were skipped.
        left_out: what else was found in the folder or the table of ratings.
        again: the folder of the gallery that it scores again.
    """

    title: str
    job: Job[Any]
    begin: Callable[[], None]
    kind: str = ""
    outcome: str = ""
    reason: str = ""
    pair: Pair | None = None
    batch: Batch | None = None
    label: str | None = None
    cases: Cases | None = None
    refused: list[Refused] = field(default_factory=list)
    left_out: tuple[LeftOut, ...] = ()
    again: Path | None = None


def current() -> Task | None:
    """Return the session's task, if there is one; once its work has ended, it holds the outcome."""
    task: Task | None = st.session_state.get("task")
    if task is not None and not task.kind and not task.job.running:
        _settle(task)
    return task


def fetch_pictures(gallery: Gallery, label: str, rows: Sequence[int] | None = None) -> None:
    """Start downloading the pictures of a gallery that comes without them, or of some of its photos."""
    work, again = partial(_pictures, gallery, rows), partial(fetch_pictures, gallery, label, rows)
    _begin(f"Pictures of “{label}”", work, again)


def fetch_scenicornot() -> None:
    """Start downloading photos from ScenicOrNot, to score them afterwards."""
    if public():
        return  # checked again: a forged message needs no dialog
    source = Source("scenicornot", SCENICORNOT, chosen.pair().source, "test", COUNT)
    pair, lock = resources.networks()
    folder = folder_for(chosen.OWN_GALLERIES, f"scenicornot-{COUNT}-{pair.name}", source)
    _begin("ScenicOrNot", partial(_scenicornot, pair, lock, source, folder), fetch_scenicornot)


def score_folder(root: Path, scale: tuple[float, float] | None = None) -> None:
    """Start scoring the photos in a folder on this machine, rated on a scale if somebody told it."""
    source = Source("folder", root, chosen.pair().source, scale=scale)
    pair, lock = resources.networks()
    folder = folder_for(chosen.OWN_GALLERIES, root.resolve().name, source)
    _begin(f"Photos in {root.name}", partial(_folder, pair, lock, source, folder), partial(score_folder, root, scale))


def score_again(folder: Path) -> None:
    """Start scoring a gallery again with the networks in use, or resume."""
    if public():
        return  # checked again: a forged message needs no button
    pair, lock = resources.networks()
    title = f"“{chosen.label_in(folder)}”"
    _begin(title, partial(_again, pair, lock, folder), partial(score_again, folder), again=folder)


def score_with(source: Path, folder: Path, out: Path) -> None:
    """Start scoring the photos of a gallery with the pair in another folder than that in use, or resume.

    Args:
        source: of the pair.
        folder: of the gallery.
        out: for the result, which is a gallery of that pair.
    """
    if public():
        return  # checked again: a forged message needs no button
    pair, lock = resources.networks(source.as_posix())
    title = f"“{chosen.label_in(folder)}” with {source.name}"
    _begin(title, partial(_with, pair, lock, folder, out), partial(score_with, source, folder, out))


def score_batch(batch: Batch) -> None:
    """Start scoring photos in memory, or resume."""
    st.session_state["batch"] = batch
    pair, lock = resources.networks()
    _begin("Your photos", partial(_batch, pair, lock, batch), partial(score_batch, batch), pair=pair, batch=batch)


def _begin(title: str, work: Callable[[Watch], Any], begin: Callable[[], None], **further: Any) -> None:
    st.session_state["task"] = Task(title, Job(work), begin, **further)


def _settle(task: Task) -> None:
    """Take in the result of the work; an error that is not the user's is raised."""
    pictures.forget()  # some may have been downloaded
    try:
        result = task.job.result()
        task.kind, task.outcome = "success", _outcome(task, result)
    except CancelledError:
        task.kind, task.outcome = "info", f"{task.title}: stopped. What was finished is kept."
        if task.batch is not None and task.pair is not None:
            task.outcome = f"{task.title}: stopped, with {task.batch.left(task.pair)} left to score."
    except SIAMError as error:
        task.kind, task.outcome = "warning", f"{task.title}: {str(error).rstrip('.')}."
        if isinstance(error, DownloadError | StorageError):
            task.outcome = f"{task.title}: not finished. Everything so far is kept; you can try again."
            task.reason = str(error)
    except BaseException:
        del st.session_state["task"]
        raise
    if task.batch is not None and task.pair is not None:
        _keep_batch(task, task.batch, task.pair)


def _outcome(task: Task, result: Any) -> str:
    if isinstance(result, Built):
        task.label = chosen.label_in(result.folder)
        task.cases, task.refused = chosen.cases_in(result.folder), list(result.refused)
        task.left_out = result.left_out
        many = "1 photo" if result.count == 1 else f"{result.count} photos"
        return f"{many} scored and saved in {result.folder.as_posix()}."
    if isinstance(result, Rescored):
        task.label = chosen.label_in(result.folder)
        task.cases = chosen.cases_in(result.folder)
        if result.folder != task.again:  # which cannot be written to
            chosen.choose_gallery(task.label)
            return f"{str(result).rstrip('.')}; saved in {result.folder.as_posix()}."
        return f"{str(result).rstrip('.')}."
    if isinstance(result, Batch):
        return "Your photos are scored. They stay in memory, visible only to you, until you close this page."
    return f"All {result} pictures are now on this machine."


def _keep_batch(task: Task, batch: Batch, pair: Pair) -> None:
    """Make a gallery of the photos in a batch that have been scored, even if some are left."""
    task.refused, task.left_out = list(batch.refused), batch.left_out
    gallery = batch.gallery(pair)
    if gallery is not None:
        task.cases = read_cases(gallery)
        chosen.keep_uploads(task.cases)
        task.label = chosen.label_of(task.cases)
    elif task.kind == "success":
        task.kind, task.outcome = "warning", "None of the photos could be scored; the reasons are below."


def _pictures(gallery: Gallery, rows: Sequence[int] | None, watch: Watch) -> int:
    def report(done: int, total: int) -> None:
        size, whole = (count * PICTURE_BYTES for count in (done, total))
        text = f"Downloading {done:,} of {total:,} pictures, about {_mb(size)} of {_mb(whole)} MB"
        if done % _TIDY == 0 or done == total:
            tidy()
        watch(done, total, text)

    watch(0, 1, "Connecting")
    with Web(PATIENCE, rate=RATE, sleep=watch.sleep) as web:
        paths = fetch(gallery, progress=report, web=web, rows=rows)
    return sum(path is not None for path in paths)


def _scenicornot(pair: Pair, lock: Lock, source: Source, folder: Path, watch: Watch) -> Built:
    def report(step: Step) -> None:
        if step.kind == "tables":
            watch(step.done, step.of, f"Step 1 of 3: table {step.done} of {step.of}, {_mb(step.come)} MB")
        else:
            size = step.size or 1
            text = f"{step.done} of {step.of} photos, {_mb(step.come)} of {_mb(size)} MB"
            watch(step.come, size, f"Step 2 of 3: downloading {text}")

    watch(0, 1, "Step 1 of 3: asking the Hub for its tables")
    with Web(PATIENCE, headers=hub.headers(), sleep=watch.sleep) as web:
        scenicornot.fetch(source.root, web, Request(source.split, source.count), progress=report)
    return _build(pair, lock, source, folder, watch, "Step 3 of 3: scoring")


def _folder(pair: Pair, lock: Lock, source: Source, folder: Path, watch: Watch) -> Built:
    return _build(pair, lock, source, folder, watch, "Scoring")


def _again(pair: Pair, lock: Lock, folder: Path, watch: Watch) -> Rescored:
    take_half_of_the_cores()
    watch(0, 1, "Scoring again")
    out = None
    try:
        check_folder(folder)
    except StorageError:
        names = (folder.name, *(f"{folder.name}-{number}" for number in range(2, 1000)))
        out = next(place for name in names if not (place := chosen.OWN_GALLERIES / name / FILE).exists()).parent
    with SCORING.turn(watch), Web(PATIENCE, rate=RATE, sleep=watch.sleep) as web:
        report = partial(_report, watch)
        return rescore(pair, lock, folder, out, report, web)


def _with(pair: Pair, lock: Lock, folder: Path, out: Path, watch: Watch) -> Rescored:
    take_half_of_the_cores()
    watch(0, 1, "Scoring")
    with SCORING.turn(watch), Web(PATIENCE, rate=RATE, sleep=watch.sleep) as web:
        return rescore(pair, lock, folder, out, partial(_report, watch), web)


def _report(watch: Watch, done: int, total: int) -> None:
    watch(done, total, f"Scoring again: {done:,} of {total:,} photos")


def _build(pair: Pair, lock: Lock, source: Source, folder: Path, watch: Watch, doing: str) -> Built:
    def report(done: int, total: int) -> None:
        watch(done, total, f"{doing} {done} of {total} photos" if total else "Looking through the folder")

    take_half_of_the_cores()
    watch(0, 1, f"{doing} photos")
    with SCORING.turn(watch):
        return build(pair, lock, source, folder, report)


def _batch(pair: Pair, lock: Lock, batch: Batch, watch: Watch) -> Batch:
    take_half_of_the_cores()
    with SCORING.turn(watch):
        batch.go_on(pair, lock, lambda done, total: watch(done, total, f"Scoring {done} of {total} photos"))
    return batch


def _mb(size: float) -> str:
    return f"{size / 1e6:.0f}" if size >= 1e6 or not size else f"{size / 1e6:.1f}"
