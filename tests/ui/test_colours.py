"""The colours of signs on the pages: chosen once, for all of them."""

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
    assert "Right of the middle and blue: SIAM scores higher; left and orange" in text


def test_explainers_are_told_apart_from_signs():
    text = texts(opened("compare", colours="blue-orange", methods="cam,lcam_fm"))
    assert ":blue[**Blue**] raises the score, :orange[**orange**] lowers it." in text and "**Black**: L-CAM" in text
