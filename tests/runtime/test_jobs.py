"""Work that takes turns: in order, with its place told, and gone from the queue when it is cancelled."""

import gc
import threading
import time

import pytest

from siam.errors import SIAMError
from siam.runtime.jobs import CancelledError, Job, Queue

PATIENCE = 60  # seconds; a loaded machine is slow


class Work:
    """Jobs in a queue, each of which holds its turn until it is told to go on."""

    def __init__(self, queue):
        self.queue, self.begun, self.doors, self.jobs = queue, [], {}, {}

    def start(self, name):
        """Start a job."""
        door = self.doors[name] = threading.Event()
        queue, begun = self.queue, self.begun

        def work(watch):
            with queue.turn(watch):
                begun.append(name)
                assert door.wait(PATIENCE)
            return name

        self.jobs[name] = Job(work)
        return self.jobs[name]

    def open(self, name):
        """Let a job end."""
        self.doors[name].set()


def until(holds):
    """Wait until something holds."""
    for _attempt in range(PATIENCE * 50):
        if holds():
            return
        time.sleep(0.02)
    raise AssertionError


@pytest.fixture
def work():
    at_work = Work(Queue(1))
    yield at_work
    for door in at_work.doors.values():
        door.set()


def queued(work, *names):
    """Start the first and let the others wait, in this order."""
    for place, name in enumerate(names):
        job = work.start(name)
        until(lambda place=place, job=job: "queue" in job.progress.text if place else work.begun == [names[0]])


def test_turns_follow_the_order_of_arrival_and_places_are_told(work):
    queued(work, "a", "b", "c", "d")
    assert [work.jobs[name].progress.text for name in "bcd"] == [
        "You are first in the queue",
        "You are second in the queue",
        "You are third in the queue",
    ]
    work.open("a")
    until(lambda: work.begun == ["a", "b"])
    until(lambda: work.jobs["d"].progress.text == "You are second in the queue")
    for name in "bcd":
        work.open(name)
    assert [work.jobs[name].result() for name in "abcd"] == list("abcd")
    assert work.begun == list("abcd")


def test_whoever_is_cancelled_or_forgotten_leaves_the_queue(work):
    queued(work, "a", "b", "c", "d")
    work.jobs["b"].cancel()
    with pytest.raises(CancelledError):
        work.jobs["b"].result()
    del work.jobs["c"]  # as when its session ends
    gc.collect()
    until(lambda: work.jobs["d"].progress.text == "You are first in the queue")
    work.open("a")
    until(lambda: work.begun == ["a", "d"])


def test_a_turn_ends_when_its_work_fails():
    queue = Queue(1)

    def fail(watch):
        with queue.turn(watch):
            raise ValueError("broken")

    def pass_through(watch):
        with queue.turn(watch):
            return 1

    with pytest.raises(ValueError, match="broken"):
        Job(fail).result()
    assert Job(pass_through).result() == 1


def test_as_much_goes_on_at_once_as_is_allowed():
    work = Work(Queue(2))
    first, second, third = (work.start(name) for name in "abc")
    until(lambda: len(work.begun) == 2)
    (waiting,) = (job for name, job in work.jobs.items() if name not in work.begun)
    until(lambda: waiting.progress.text == "You are first in the queue")
    for name in "abc":
        work.open(name)
    assert {first.result(), second.result(), third.result()} == {"a", "b", "c"}


def test_a_full_queue_says_so():
    work = Work(Queue(1, most=1))
    queued(work, "a", "b")
    with pytest.raises(SIAMError, match="1 job waits already, and no more may: try again later"):
        work.start("c").result()
    work.open("a")
    until(lambda: "b" in work.begun)
    work.open("b")


@pytest.mark.parametrize(("place", "word"), [(10, "tenth"), (11, "11th"), (12, "12th"), (21, "21st"), (23, "23rd")])
def test_places_are_in_words(place, word):
    work = Work(Queue(1))
    queued(work, *range(place + 1))
    assert work.jobs[place].progress.text == f"You are {word} in the queue"
    for name in range(place + 1):
        work.open(name)
