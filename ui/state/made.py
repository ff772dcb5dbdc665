"""With which networks a link was made: a short word in the address, `v`, beside the photo or case that it names.

"3.0-9aa435" is version 3.0 and the beginning of the hash of all on which scores depend. A link that was made with other
networks than those in use says so in one line, since its sender saw other numbers; links without `v` say nothing.
"""

import re

import streamlit as st

from siam.gallery.upkeep import Networks, networks_of
from siam.models.versions import is_number
from ui.state import address, resources
from ui.state.markdown import plain

_DIGITS = 6  # of the hash
_UNKNOWN = "0"  # in place of a version


def word(networks: Networks) -> str:
    """Return the word for networks."""
    return f"{networks.version or _UNKNOWN}-{networks.key[:_DIGITS]}"


def check(path: str) -> None:
    """Compare the word in the address with the networks in use, and show a line where a link had another one.

    Args:
        path: of the page; the line stays until the visitor goes to another one or chooses other networks.
    """
    networks = networks_of(resources.pair())
    now, told = word(networks), st.query_params.get(address.WORD)
    own: set[str] = st.session_state.setdefault("words", set())  # that this session has put into addresses
    own.add(now)
    st.session_state["word"] = now
    if told is not None and told != now:
        if told not in own and (version := _version(told)) is not None:
            st.session_state["link"] = path, now, version
        st.query_params[address.WORD] = now
    at, of, version = st.session_state.get("link", (None, None, None))
    if (at, of) == (path, now):
        st.info(_text(str(version), networks), icon=":material/history:")
    elif at is not None:
        del st.session_state["link"]


def _version(told: str) -> str | None:
    """Return the version in a word, None if it is no word of ours."""
    version, _dash, digits = told.partition("-")
    known = is_number(version) or version == _UNKNOWN
    return version if known and re.fullmatch(rf"[0-9a-f]{{{_DIGITS}}}", digits) else None


def _text(version: str, networks: Networks) -> str:
    other = "other networks" if version in (_UNKNOWN, networks.version) else f"networks of version {version}"
    return f"This link was made with {other}. You see {plain(networks)}: numbers may differ from those its sender saw."
