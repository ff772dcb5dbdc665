"""Whether the visitor is on this machine, and how uploads are held: in memory only."""

import os
from pathlib import Path
from urllib.parse import urlsplit

import streamlit as st
from starlette.formparsers import MultiPartParser
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.uploaded_file_manager import UploadedFile

from siam.images.reading import MAX_BYTES
from ui.state.public import public

_HERE = ("localhost", "127.0.0.1", "::1")
_FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-Ip")

# Otherwise Streamlit's server would write uploads of more than 1 MB to a temporary file while receiving them.
MultiPartParser.spool_max_size = 2 * MAX_BYTES


def on_this_machine() -> bool:
    """Return whether the browser runs on the machine that runs the app, so that its folders are the visitor's own.

    Only then may a page read a folder by its name; to anyone else the server's disk is private. The address that the
    browser sends can be forged, so the connection must also come from this machine, and not through a proxy, which may
    forward other people's requests. On a public server nobody is.
    """
    if public():
        return False
    host = urlsplit(st.context.url or "").hostname
    forwarded = any(name in st.context.headers for name in _FORWARDED)
    return host in _HERE and st.context.ip_address is None and not forwarded


def forget(files: list[UploadedFile]) -> None:
    """Make the server forget uploads, which it would otherwise keep for the whole session."""
    context = get_script_run_ctx()
    if context is not None and isinstance(context.uploaded_file_mgr, MemoryUploadedFileManager):
        for file in files:
            context.uploaded_file_mgr.remove_file(context.session_id, file.file_id)


def folder(text: str) -> Path | None:
    """Return the absolute path of a folder that was typed in; None for an empty text."""
    name = text.replace("\0", "").strip().strip("\"'")
    if not name:
        return None
    return Path(os.path.expanduser(name)).absolute()  # noqa: PTH111 - pathlib raises for an unknown ~user
