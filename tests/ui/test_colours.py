"""The colours of signs on the pages: chosen once, for all of them."""

from streamlit.testing.v1 import AppTest

from siam.drawing.palettes import BLUE_ORANGE, GREEN_MAGENTA, palette
from tests.support.pages import opened, texts


def test_the_paper_s_colours_come_first():
    app = opened("templates")
    assert app.selectbox(key="colours").value == GREEN_MAGENTA.name
    assert GREEN_MAGENTA.legend in texts(app) and BLUE_ORANGE.legend not in texts(app)


def test_a_choice_holds_on_every_page():
    app = opened("templates")
    app.selectbox(key="colours").select(BLUE_ORANGE.name).run()
    assert not app.exception
    assert BLUE_ORANGE.legend in texts(app) and "agenta" not in texts(app)
    app.switch_page("pages/explain.py").run()
    assert not app.exception
    assert BLUE_ORANGE.frames in texts(app) and "agenta" not in texts(app)
    chart = next(chart for chart in app.get("plotly_chart") if BLUE_ORANGE.positive in str(chart.proto))
    assert GREEN_MAGENTA.positive not in str(chart.proto)
    assert palette() is GREEN_MAGENTA  # elsewhere


def test_a_link_brings_its_colours_and_a_wrong_one_the_paper_s():
    assert BLUE_ORANGE.legend in texts(opened("templates", colours="blue-orange"))
    assert GREEN_MAGENTA.legend in texts(opened("templates", colours="red-<b>"))


def test_marks_of_causes_have_the_colours_and_their_signs():
    text = texts(opened("disagreements", colours="blue-orange", pair="Rendered"))
    assert ":blue[▲]" in text and ":orange[▼]" in text and ":green[▲]" not in text
    assert "Right of the middle and blue: SIAM is higher; left and orange" in text


def test_explainers_are_told_apart_from_signs():
    text = texts(opened("compare", colours="blue-orange", methods="cam,lcam_fm"))
    assert ":blue[**Blue**] raises the score, :orange[**orange**] lowers it." in text and "**Black**: L-CAM" in text


def in_other_threads() -> None:
    """A page whose file is made in another thread, on the click, and whose fragment runs without the router."""
    import threading

    import streamlit as st

    from siam.drawing.palettes import palette
    from ui.state import colours

    st.session_state[colours.KEY] = "blue-orange"
    made = colours.kept(lambda: palette().name)
    answers: list[str] = []
    thread = threading.Thread(target=lambda: answers.append(made()))
    thread.start()
    thread.join()
    st.text(f"file {answers[0]}, page {palette().name}")
    colours.fragment(lambda: st.text(f"fragment {palette().name}"))()


def test_a_file_made_on_the_click_and_a_fragment_alone_have_the_colours():
    app = AppTest.from_function(in_other_threads, default_timeout=120).run()
    assert not app.exception
    assert [of.value for of in app.text] == ["file blue-orange, page green-magenta", "fragment blue-orange"]
