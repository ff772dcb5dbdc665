"""Shared by the tests of pages: the app opened at an address, without a browser."""

from streamlit.testing.v1 import AppTest

from tests.support.paths import ROOT

FOLDER = "pages"


def opened(page: str = "", /, **parameters: str | list[str]) -> AppTest:
    """Return the app after its first run at a page ("" is the first one), with these parameters in its address."""
    app = AppTest.from_file(ROOT / "app.py", default_timeout=120)
    for name, value in parameters.items():
        app.query_params[name] = value
    if page:
        app.switch_page(f"{FOLDER}/{page}.py")
    app.run()
    assert not app.exception, app.exception[0].value
    return app


def texts(app: AppTest) -> str:
    """Return all Markdown, captions, headings and notes of a page as one text."""
    parts = [app.markdown, app.caption, app.subheader, app.info, app.warning, app.error]
    return "\n".join(element.value for part in parts for element in part)


def button(app: AppTest, label: str):
    """Return the button with a label."""
    found = [button for button in app.button if button.label == label]
    assert len(found) == 1, [button.label for button in app.button]
    return found[0]


def parameter(app: AppTest, name: str) -> str | None:
    """Return one parameter of the address as a page reads it."""
    value = app.query_params.get(name)
    return value[-1] if isinstance(value, list) else value
