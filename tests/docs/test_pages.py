"""README and the documentation say what is stored, and their links lead somewhere."""

import re
from urllib.parse import unquote

import pytest

from docs import make_pages
from tests.support.paths import ROOT

NAMES = [str(path.relative_to(ROOT)) for path in make_pages.PAGES]
NUMBER = re.compile(r"\d+(?:\.\d+)?")
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")


def anchors(text: str) -> set[str]:
    """Return the anchors of a page's headings, as GitHub and the site make them."""
    headings = re.findall(r"^#+ (.*)$", re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("name", NAMES)
def test_tables_are_those_the_program_writes(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    found = make_pages.fill(text)
    if "<!-- printed: lesson solutions -->" in text:  # by networks that run here, so the last digit may differ
        assert NUMBER.sub("#", found) == NUMBER.sub("#", text), "python -m docs.make_pages"
        numbers = [[float(number) for number in NUMBER.findall(of)] for of in (found, text)]
        assert numbers[0] == pytest.approx(numbers[1], abs=0.011)
    else:
        assert found == text, "python -m docs.make_pages"


def test_every_table_is_on_a_page():
    text = "".join(path.read_text(encoding="utf-8") for path in make_pages.PAGES)
    assert set(re.findall(r"<!-- printed: ([\w ]+) -->", text)) == set(make_pages.BLOCKS)


def test_a_changed_figure_is_noticed():
    page = "before\n\n<!-- printed: five figures -->\n| 0.99 |\n<!-- end -->\n\nafter\n"
    filled = make_pages.fill(page)
    assert "0.99" not in filled and filled.startswith("before") and filled.endswith("after\n")
    assert make_pages.fill(filled) == filled


@pytest.mark.parametrize("name", NAMES)
def test_links_lead_somewhere(name):
    page = ROOT / name
    for target in LINK.findall(page.read_text(encoding="utf-8")):
        if target.startswith(("http://", "https://")):
            continue
        path, _, anchor = unquote(target).partition("#")
        file = page.parent / path if path else page
        assert file.exists(), target
        if anchor:
            assert anchor in anchors(file.read_text(encoding="utf-8")), target
