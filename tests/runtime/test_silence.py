"""Warnings that are ignored in all threads alike."""

import threading
import warnings

import pytest

from siam.runtime.silence import without_warnings


@pytest.fixture
def before():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        filters = list(warnings.filters)
        yield
        assert list(warnings.filters) == filters


def test_only_what_is_named_is_ignored(before):
    with without_warnings(DeprecationWarning):
        warnings.warn("old", DeprecationWarning, stacklevel=1)
        with pytest.raises(UserWarning):
            warnings.warn("odd", UserWarning, stacklevel=1)
    with without_warnings(module="elsewhere"), pytest.raises(UserWarning):
        warnings.warn("odd", UserWarning, stacklevel=1)
    with pytest.raises(DeprecationWarning):
        warnings.warn("old", DeprecationWarning, stacklevel=1)


def test_one_thread_that_leaves_does_not_wake_another(before):
    """With `warnings.catch_warnings`, the first one to leave would put back what makes the other one's warning fail."""
    inside, left, seen = threading.Event(), threading.Event(), []

    def other():
        with without_warnings():
            inside.set()
            left.wait(10)
            try:
                warnings.warn("odd", UserWarning, stacklevel=1)
            except UserWarning as error:
                seen.append(error)

    thread = threading.Thread(target=other)
    with without_warnings(module="elsewhere"):
        thread.start()
        assert inside.wait(10)
    left.set()
    thread.join()
    assert not seen


def test_an_error_inside_puts_the_filters_back(before):
    with pytest.raises(KeyError), without_warnings():
        raise KeyError
