"""Messages: one line, whatever they quote."""

import inspect
import pickle

import pytest

from siam import errors
from siam.errors import DatasetError, SIAMError

KINDS = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, SIAMError)]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("breaking", ["\n", "\r\n", "\r", "\t", "\v", "\f", "\x1c", "\x85", "\u2028", "\u2029"])
def test_a_message_is_one_line_whatever_name_it_quotes(kind, breaking):
    message = str(kind(f"my{breaking}photo.jpg is empty"))
    assert len(message.splitlines()) == 1 and "\t" not in message
    assert message.split() == ["my", "photo.jpg", "is", "empty"]


def test_a_message_can_be_written_to_any_file_and_leaves_the_terminal_alone():
    message = str(DatasetError("it begins with \ud800, \x1b[31mred, \x00"))
    assert message.encode("utf-8").decode() == "it begins with ?, ?[31mred, ?"


@pytest.mark.parametrize(
    "name", ["Müllersee.jpg", "雪　山.jpg", "e\u0301te\xa0.jpg", "👩\u200d🌾.jpg", "two  blanks.jpg"]
)
def test_names_of_all_languages_stay_as_they_are(name):
    assert str(DatasetError(f"{name} is missing")) == f"{name} is missing"


def test_a_message_that_quotes_pages_of_text_keeps_its_beginning_and_its_remedy():
    message = str(DatasetError(f"mine.csv lacks the column 'score': it begins with {'x' * 70_000}: export it again"))
    assert len(message) < 1100 and message.startswith("mine.csv lacks") and message.endswith("export it again")


def test_an_error_that_crosses_processes_says_the_same():
    error = pickle.loads(pickle.dumps(DatasetError("a\nb")))
    assert isinstance(error, DatasetError) and str(error) == "a b"
