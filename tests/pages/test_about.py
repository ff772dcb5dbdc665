"""The page About: where the documentation is, and the one line under each page's title."""

import pytest

from siam.models.checkpoint import Pair, save
from tests.support.networks import baseline_network, siam_network
from tests.support.pages import opened, texts

PAGES = ("", "templates", "disagreements", "map", "what_if", "label", "compare", "results", "about")


def documentation(monkeypatch, address):
    """What About says about the documentation with an address in the environment, None for none."""
    if address is None:
        monkeypatch.delenv("SIAM_DOCS_URL", raising=False)
    else:
        monkeypatch.setenv("SIAM_DOCS_URL", address)
    app = opened("about")
    assert "Documentation" in [heading.value for heading in app.subheader]
    return texts(app)


def in_the_folder(text):
    return "`docs/index.md`" in text and "`sphinx-build docs site`" in text


def test_a_hosted_documentation_is_linked(monkeypatch):
    text = documentation(monkeypatch, "https://example.org/siam_docs/en/?v=1#top")
    assert "[Read the documentation](https://example.org/siam_docs/en/?v=1#top)" in text
    assert not in_the_folder(text)


def test_without_an_address_the_folder_is_named(monkeypatch):
    text = documentation(monkeypatch, None)
    assert in_the_folder(text) and "Read the documentation" not in text


@pytest.mark.parametrize(
    "address",
    ["", "javascript:alert(1)", "docs/index.html", "https://", "https://[bad", "ftp://example.org", "https://a b.org"],
)
def test_anything_but_a_web_address_is_ignored(monkeypatch, address):
    text = documentation(monkeypatch, address)
    assert in_the_folder(text) and "Read the documentation" not in text
    assert f"]({address})" not in text


def test_a_bracket_in_the_address_does_not_end_the_link(monkeypatch):
    text = documentation(monkeypatch, "https://example.org/)[x](https://evil.example")
    assert "[Read the documentation](https://example.org/%29%5Bx%5D%28https://evil.example)" in text


@pytest.mark.parametrize("page", PAGES)
def test_the_line_below_the_title_is_the_question_that_the_page_answers(page):
    app = opened(page)
    _main, first, second = list(app.main)[:3]
    assert first.type == "header" and second.type == "caption"
    assert second.value.endswith("?") and len(second.value) <= 110


def test_what_changed_between_versions_is_told_in_figures(monkeypatch):
    text = texts(opened("about"))
    assert "You use **photo 3.0** of 28 November 2026." in text
    for words in (
        "0.71 (0.64 to 0.77)",
        "0.68 ± 0.01",
        "- **1.1**, 21 November 2026: SIAM is the average of three runs",
    ):
        assert words in text


def test_networks_without_a_version_say_so(monkeypatch, tmp_path):
    save(Pair("mine", siam_network(), baseline_network(), {}), tmp_path / "mine")
    monkeypatch.setenv("SIAM_MODEL", str(tmp_path / "mine"))
    assert "The card of mine names no version" in texts(opened("about"))
