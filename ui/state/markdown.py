"""Text from files, addresses and people inside Markdown: it is shown as it is, and nothing in it takes effect.

Streamlit looks for icons, emoji, addresses and arrows once backslashes are gone from the text. So these are interrupted
by a space without width.
"""

import re

_MARKS = re.compile(r"([\\`*_\[\]$~:<>#&|])")
_BLOCK = re.compile(  # what begins a list, or underlines or is a line
    r"^(\d*)(?=(?<!\d)[-+](?:\s|$|-)|(?<!\d)=+$|(?<=\d)[.)](?:\s|$))"
)
_REPLACED = re.compile(
    r"(?<=:)(?=material/|[\w+/-]*(?::|$))"  # :material/home:, :smile:
    r"|(?<=http:)(?=//)|(?<=https:)(?=//)|(?<=www)(?=\.)|(?<=@)(?=[\w-])",
    re.IGNORECASE,
)
_ARROWS = re.compile(r"(?<!\S)([-<>~])(?=(?:->|[->=])(?!\S))")  # ->, <->, --, >=
_DIRECTIONS = re.compile("[\u202a-\u202e\u2066-\u2069]")  # would turn around what follows
_NOTHING = "\u200b"  # has no width


def plain(text: object) -> str:
    """Return text such as a file name so that Markdown shows it as it is, on one line."""
    text = _ARROWS.sub(rf"\1{_NOTHING}", _REPLACED.sub(_NOTHING, _line(str(text))))
    return _BLOCK.sub(r"\1\\", _MARKS.sub(r"\\\1", text))


def code(text: str) -> str:
    """Return text such as a command as code inside Markdown, on one line."""
    text = re.sub(":(?=material/)", f":{_NOTHING}", _line(text))
    fence = "`" * (1 + max(map(len, re.findall("`+", text)), default=0))
    room = " " if "`" in text else ""
    return f"{fence}{room}{text}{room}{fence}" if text else ""


def small(text: str) -> str:
    """Return Markdown in small letters, in which links can be read, unlike in captions, whose links are too pale."""
    return f":small[{text}]" if text else ""


def prose(text: str) -> str:
    """Return text as `plain` does, but what is between backticks as code."""
    return "".join(code(part) if place % 2 else _spaced(part) for place, part in enumerate(text.split("`")))


def _spaced(text: str) -> str:
    """Return text as `plain` does, with its outer spaces."""
    return " " * text[:1].isspace() + plain(text) + " " * (text[-1:].isspace() and bool(text.strip()))


def _line(text: str) -> str:
    """Return text on one line, without what no page can show."""
    return _DIRECTIONS.sub("", " ".join(text.encode(errors="replace").decode().split()))
