"""Text from outside as Markdown, in plotly's labels, in HTML tables and in spreadsheets."""

import re
from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from siam.figures.style import literal
from siam.figures.tables import html_table
from siam.runtime.spreadsheets import defused
from tests.support.hostile import TEXT
from ui.state.markdown import code, plain, prose

SPACE = "\u200b"


def read(markdown: str) -> str:
    """What Markdown says once backslashes before punctuation and spaces of no width are gone."""
    return re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", markdown).replace(SPACE, "")


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters=SPACE)))
def test_plain_text_says_the_same_on_one_line(text):
    kept = re.sub("[\u202a-\u202e\u2066-\u2069]", "", " ".join(text.split()))
    assert read(plain(text)) == kept and "\n" not in plain(text)


@pytest.mark.parametrize(
    "text", ["lake.jpg", "5.5 points", "My photo (2)", "Müller, 1.5", "1 to 10", "well-known", "2026-11-28", "-5"]
)
def test_ordinary_text_is_left_alone(text):
    assert plain(text) == text


def test_nothing_is_left_to_replace():
    found = plain(TEXT).replace("\\", "")
    for once in (
        ":material/",
        ":streamlit:",
        ":pizza:",
        "https://",
        "http://",
        "www.",
        "@evil",
        " -> ",
        " -- ",
        " >= ",
    ):
        assert once not in found, once


@pytest.mark.parametrize("text", ["- item", "+ item", "1. item", "2) item", "===", "---", "> said", "# heading"])
def test_no_line_begins_a_block(text):
    assert not re.match(r"[-+](\s|-|$)|=+$|[>#]|\d+[.)]\s", plain(text))


def test_what_is_no_text_is_shown_too():
    assert plain(None) == "None" and plain(3) == "3" and plain("a\udc80") == "a?"


def test_code_holds_backticks():
    assert code("siam train") == "`siam train`" and code("") == ""
    assert code("a ``b`` `c`") == "``` a ``b`` `c` ```"
    assert code("a\n\n# b") == "`a # b`"


def test_prose_keeps_its_code_and_nothing_else():
    assert prose("made by `siam train`, *today*") == r"made by `siam train`, \*today\*"


def test_labels_of_charts_say_the_same():
    assert unescape(literal(TEXT)) == TEXT
    assert "<" not in literal(TEXT) and "{" not in literal(TEXT)


def test_a_cell_cannot_end_its_table():
    table = html_table([("a\n\n# b",)], [("<b>first</b>", f"x\n\n{TEXT}")])
    assert "\n" not in table and "<b>" not in table and "<img" not in table and ":material/" not in table


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "  =1", "\tx", "＝1"])
def test_no_cell_is_a_formula(text):
    assert defused(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", "lake", "a=b", "1-2", "'x"])
def test_other_cells_stay(text):
    assert defused(text) == text
