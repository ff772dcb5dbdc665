"""The Hugging Face Hub: downloads pairs and reports what goes wrong with it in plain sentences.

A repository holds the files of a pair and a README.md that describes it for people. The Hub's address, cache and token
are those of huggingface_hub (HF_ENDPOINT, HF_HOME, HF_TOKEN or `hf auth login`).
"""

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from huggingface_hub import is_offline_mode, snapshot_download
from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, RepositoryNotFoundError, RevisionNotFoundError
from huggingface_hub.utils import are_progress_bars_disabled, disable_progress_bars, enable_progress_bars, logging

from siam.errors import CheckpointError
from siam.models.card import CARD, FILES_OF_A_PAIR
from siam.runtime.silence import without_warnings

_REPOSITORY = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}", re.ASCII)
LOG_IN = "log in with `hf auth login` or set HF_TOKEN"


def fetch(source: str) -> Path:
    """Return the local folder of a pair on the Hub, downloading only what is not yet in the cache.

    Without a revision, or with a branch or tag, one small request asks for the commit; with a full commit hash, a
    cached pair is used without any request. With HF_HUB_OFFLINE=1, or if the Hub cannot be reached, only the cache is
    used.

    Args:
        source: `owner/name`, or `owner/name@revision` with a branch, tag or commit.

    Raises:
        CheckpointError: there is no such repository or revision, it holds no pair, or it cannot be downloaded.
    """
    repository, _, revision = source.partition("@")
    check_name(repository)
    if source.endswith("@"):
        raise CheckpointError(f"{source!r} names no revision: put a branch, tag or commit after the @")
    with plain_errors(source):
        folder = Path(snapshot_download(repository, revision=revision or None, allow_patterns=list(FILES_OF_A_PAIR)))
    if not (folder / CARD).is_file():
        raise CheckpointError(
            f"{source!r} on the Hub holds no {CARD}, so it is not a pair of this program: check the name"
        )
    return folder


def check_name(repository: str) -> None:
    """Raise a CheckpointError if this cannot be the name of a repository."""
    if not _REPOSITORY.fullmatch(repository) or "--" in repository or ".." in repository:
        raise CheckpointError(f"{repository!r} is not the name of a Hub repository: expected owner/name")


@contextmanager
def plain_errors(place: str, *, writing: bool = False) -> Iterator[None]:
    """Turn any error of the Hub into a `CheckpointError` of one sentence.

    Hides the library's own log messages, and its progress bars unless stderr is a terminal.
    """
    before = logging.get_verbosity()
    logging.set_verbosity_error()
    hide_bars = not sys.stderr.isatty() and not are_progress_bars_disabled()
    if hide_bars:
        disable_progress_bars()
    try:
        with without_warnings():
            yield
    except CheckpointError:
        raise
    except Exception as error:  # from the HTTP client, uploading threads or the cache, which have no common base class
        raise CheckpointError(_sentence(error, place, writing)) from error
    finally:
        logging.set_verbosity(before)
        if hide_bars:
            enable_progress_bars()


def _sentence(error: Exception, place: str, writing: bool) -> str:
    chain = _causes(error)
    answer = next((item for item in chain if isinstance(item, HfHubHTTPError)), None)
    if answer is not None:
        return _refusal(answer, place, writing)
    if is_offline_mode():
        if writing:
            return "HF_HUB_OFFLINE is set, so nothing can be pushed: unset it"
        return f"{place!r} is not in the local cache, and HF_HUB_OFFLINE is set: unset it to download the pair"
    local = next((item for item in chain if isinstance(item, OSError) and item.filename), None)
    if local is not None:
        where = f"{place!r}: {local.filename}: {local.strerror}"
        return f"{where}: check the free space and the permissions of the Hub's cache"
    reason = " ".join(str(chain[-1]).split())[:160] or type(chain[-1]).__name__
    return f"the Hub could not be reached for {place!r} ({reason}): check the connection, and HF_ENDPOINT if it is set"


def _refusal(answer: HfHubHTTPError, place: str, writing: bool) -> str:
    """Say in one sentence what the Hub's HTTP status means."""
    status = answer.response.status_code
    if isinstance(answer, RevisionNotFoundError):
        return f"{place!r}: the Hub has no such revision: check the branch, tag or commit"
    if isinstance(answer, GatedRepoError):
        return f"{place!r} is open only to people who have accepted its terms: accept them on its page, then {LOG_IN}"
    if status == 401 and (writing or not isinstance(answer, RepositoryNotFoundError)):
        return f"the Hub needs a valid token (401) for {place!r}: {LOG_IN}"
    if status == 403:
        right = "write" if writing else "read"
        return f"the Hub does not allow this for {place!r} (403): use a token that may {right} it"
    if status in (401, 404):
        return f"the Hub has no repository {place!r}, or it is private ({status}): check the name, or {LOG_IN}"
    detail = " ".join((answer.server_message or "").split())[:120]
    return f"the Hub answered {status} for {place!r}{f' ({detail})' if detail else ''}: try again later"


def _causes(error: BaseException) -> list[BaseException]:
    """Return an error and the chain of its causes, the root cause last."""
    chain = [error]
    while (cause := chain[-1].__cause__ or chain[-1].__context__) is not None and cause not in chain:
        chain.append(cause)
    return chain
