"""How much a public server keeps of uploads, of each visitor and of all; what is too much is emptied as it arrives.

Counted are the files that Streamlit keeps and the batches made of them. Both go when a visitor leaves.
"""

from collections.abc import Iterable
from threading import Lock
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.uploaded_file_manager import UploadedFile, UploadedFileRec

from ui.state.public import limits, public

if TYPE_CHECKING:
    from siam.gallery.uploads import Batch  # needs PyTorch, which no page should have to wait for

_REFUSED = "application/x-refused"  # the type of a file that was emptied
_LOCK = Lock()
_BATCHES: "WeakKeyDictionary[Batch, str]" = WeakKeyDictionary()  # by the session of their visitor
_add = MemoryUploadedFileManager.add_file


def _add_within_limits(self: MemoryUploadedFileManager, session_id: str, file: UploadedFileRec) -> None:
    with _LOCK:
        if public() and not _fits(self, session_id, file):
            if len(self.file_storage[session_id]) >= 2 * limits().photos:
                return  # even empty files take room
            file = file._replace(data=b"", type=_REFUSED)
        _add(self, session_id, file)


MemoryUploadedFileManager.add_file = _add_within_limits


def hold(batch: "Batch") -> None:
    """Count the photos of a batch as this visitor's, as long as somebody holds it."""
    context = get_script_run_ctx()
    if context is not None:
        _BATCHES[batch] = context.session_id


def problem(uploads: Iterable[UploadedFile | None]) -> str | None:
    """Return a sentence if some of these files were refused; None if none was."""
    if not any(file is not None and file.type == _REFUSED for file in uploads):
        return None
    most = limits()
    files = "file" if most.photos == 1 else "files"
    return (
        f"This is more than the server takes: at most {most.photos:,} {files} and {most.megabytes:,} MB of one "
        f"visitor, and {most.all_megabytes:,} MB of all together. Remove some of yours, or try again later."
    )


def _fits(manager: MemoryUploadedFileManager, session_id: str, file: UploadedFileRec) -> bool:
    """Return whether a file is within the limits, with what is kept already."""
    most, count, own, everything = limits(), 0, 0, 0
    for session, stored in list(manager.file_storage.items()):
        replaced = file.file_id if session == session_id else None
        others = [len(of.data) for of in list(stored.values()) if of.file_id != replaced and of.type != _REFUSED]
        everything += sum(others)
        if session == session_id:
            count, own = count + len(others), own + sum(others)
    for batch, session in list(_BATCHES.items()):
        photos, size = batch.kept
        everything += size
        if session == session_id:
            count, own = count + photos, own + size
    size = len(file.data)
    return (
        count < most.photos
        and own + size <= most.megabytes * 1_000_000
        and everything + size <= most.all_megabytes * 1_000_000
    )
