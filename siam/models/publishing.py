"""Uploads a pair of networks to the Hugging Face Hub."""

from pathlib import Path

from huggingface_hub import CommitOperationAdd, HfApi, get_token

from siam.errors import CheckpointError
from siam.models.checkpoint import files, find, load
from siam.models.hub import LOG_IN, check_name, plain_errors
from siam.models.model_card import model_card


def push(
    source: str | Path,
    repository: str,
    *,
    private: bool = False,
    revision: str | None = None,
    message: str | None = None,
) -> str:
    """Upload a pair to the Hub, in one commit with a README.md made from its card; return the commit's address.

    Args:
        source: the name of a bundled pair, or a folder. It is loaded first, so nothing damaged is published.
        repository: `owner/name`; created if missing.
        private: create a private repository. If it exists and is public, this is an error, and nothing is changed.
        revision: a branch, created if missing; by default the main branch.
        message: the commit message.

    Raises:
        CheckpointError: the pair is damaged, there is no token, or the Hub refuses or cannot be reached.
    """
    check_name(repository)
    if isinstance(source, str) and not Path(source).is_dir() and "/" in source:
        raise CheckpointError(f"{source!r} is not a folder: give a pair's folder or a bundled name")
    folder = find(source)
    pair = load(folder, device="cpu")
    place = f"{repository}@{revision}" if revision else repository
    with plain_errors(place, writing=True):
        token = get_token()
        if token is None:
            raise CheckpointError(f"pushing needs a token for the Hub, and there is none: {LOG_IN}")
        api = HfApi(token=token)
        api.create_repo(repository, private=private or None, exist_ok=True)
        if private and not api.model_info(repository).private:
            raise CheckpointError(f"{repository!r} exists and is public: leave out --private, or make it private first")
        if revision:
            api.create_branch(repository, branch=revision, exist_ok=True)
        operations = [CommitOperationAdd(name, folder / name) for name in files(pair.card, folder)]
        operations.append(CommitOperationAdd("README.md", model_card(pair.card, repository).encode()))
        commit = api.create_commit(
            repository, operations, commit_message=message or f"Networks {pair.name}", revision=revision
        )
    return commit.commit_url
