"""Whose machine this is, and how uploads are held: in memory alone."""

import os
from pathlib import Path
from urllib.parse import urlsplit

import streamlit as st
from starlette.formparsers import MultiPartParser
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.uploaded_file_manager import UploadedFile

from siam.images.reading import MAX_BYTES

_HERE = ("localhost", "127.0.0.1", "::1")
_FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-Ip")

# Streamlit's server would put an upload of more than 1 MB into a temporary file while it comes.
MultiPartParser.spool_max_size = 2 * MAX_BYTES


def on_this_machine() -> bool:
    """Return whether the browser runs on the machine that runs the app, whose folders are then its user's own.

    Only there may a page read a folder by its name: to any other visitor the server's disk shows what is none of
    theirs. The address that the browser tells could be made up, so the connection must come from this machine, too,
    and not by way of a proxy, which stands between others and the app.
    """
    host = urlsplit(st.context.url or "").hostname
    forwarded = any(name in st.context.headers for name in _FORWARDED)
    return host in _HERE and st.context.ip_address is None and not forwarded


def forget(files: list[UploadedFile]) -> None:
    """Make the server forget uploads; else it would keep them as long as the session lasts."""
    context = get_script_run_ctx()
    if context is not None and isinstance(context.uploaded_file_mgr, MemoryUploadedFileManager):
        for file in files:
            context.uploaded_file_mgr.remove_file(context.session_id, file.file_id)


def folder(text: str) -> Path | None:
    """Return the folder that somebody typed, absolute; None for nothing."""
    name = text.replace("\0", "").strip().strip("\"'")
    if not name:
        return None
    return Path(os.path.expanduser(name)).absolute()  # noqa: PTH111 - pathlib raises for an unknown ~user
