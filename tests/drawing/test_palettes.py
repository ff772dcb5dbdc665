"""The colours of signs: who can tell them apart, and that everything is drawn in those that are chosen."""

import threading

import numpy as np
import pytest
from PIL import Image, ImageColor

from siam.drawing.colours import CROWD, sign_colour
from siam.drawing.maps import framed, pattern_picture, scale_bar, signed_colours
from siam.drawing.palettes import BLUE_ORANGE, GREEN_MAGENTA, PALETTES, Palette, palette, use, using
from siam.drawing.shapes import render_svg
from siam.explanation.notebook import html
from siam.figures.paper import paper_figure
from siam.figures.templates import template_figure
from siam.figures.waterfall import waterfall
from siam.reports.files import html_report
from tests.support.eyes import DEFICIENCIES, apart, contrast, rgb, seen
from tests.support.fakes import fake_explanation
from tests.support.paths import ROOT

EVERY_EYE = ("none", *DEFICIENCIES)
LEAST = {0.25: 15, 0.5: 30, 1.0: 45}  # from +x to -x on a scale of ±1, so that its sign can be told
PAGES = ("#FFFFFF", "#14181D")  # light and dark


def distances(of: Palette, eye: str) -> dict[float, float]:
    """How far apart +x and −x look on the signed scale of a palette, as it is drawn."""
    with using(of):
        found = {}
        for end in LEAST:
            down, up = np.asarray(signed_colours(np.array([[-end, end]]), 1.0))[0] / 255
            found[end] = apart(seen(down, eye), seen(up, eye))
    return found


@pytest.mark.parametrize("eye", EVERY_EYE)
def test_everybody_can_tell_the_sign_in_blue_and_orange(eye):
    for end, distance in distances(BLUE_ORANGE, eye).items():
        assert distance >= LEAST[end], (eye, end)


def test_the_paper_s_colours_hold_for_most_and_fail_where_the_documentation_says():
    failing = {
        eye: [end for end, distance in distances(GREEN_MAGENTA, eye).items() if distance < LEAST[end]]
        for eye in EVERY_EYE
    }
    assert failing == {"none": [], "protanopia": [1.0], "deuteranopia": [0.25, 0.5, 1.0], "tritanopia": []}


def test_the_documentation_has_the_distances():
    text = (ROOT / "docs" / "explanation" / "accessibility.md").read_text(encoding="utf-8")
    told = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines()]
    rows = {row[0].rpartition("(")[2].strip(")"): row[1:] for row in told if len(row) == 3}
    for eye in EVERY_EYE:
        for of, cell in zip((GREEN_MAGENTA, BLUE_ORANGE), rows["complete" if eye == "none" else eye], strict=True):
            parts = [(f"{value:.0f}", value < LEAST[end]) for end, value in distances(of, eye).items()]
            assert cell == ", ".join(f"**{text}**" if failing else text for text, failing in parts), eye


@pytest.mark.parametrize("eye", EVERY_EYE)
def test_a_quarter_of_the_scale_can_be_told_from_zero(eye):
    for of in PALETTES.values():
        with using(of):
            down, zero, up = np.asarray(signed_colours(np.array([[-0.25, 0, 0.25]]), 1.0))[0] / 255
        assert min(apart(seen(side, eye), seen(zero, eye)) for side in (down, up)) > 10


@pytest.mark.parametrize("eye", EVERY_EYE)
def test_what_has_no_sign_looks_like_neither_sign_in_blue_and_orange(eye):
    for colour in (BLUE_ORANGE.undirected, CROWD):
        for sign in (BLUE_ORANGE.positive, BLUE_ORANGE.negative):
            assert apart(seen(rgb(colour), eye), seen(rgb(sign), eye)) > 14


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("of", PALETTES.values(), ids=list(PALETTES))
def test_bars_and_frames_stand_out_from_both_pages(of, page):
    assert min(contrast(rgb(colour), rgb(page)) for colour in (of.positive, of.negative)) >= 3  # WCAG 2, 1.4.11


def test_in_grey_blue_is_darker_than_orange():
    signs = BLUE_ORANGE.positive, BLUE_ORANGE.negative
    grey = [Image.new("RGB", (1, 1), colour).convert("L").getpixel((0, 0)) for colour in signs]
    assert grey[1] - grey[0] > 50


def drawn(explanation) -> dict[str, str]:
    """Everything that shows signs, as text in which colours can be looked for."""
    template = explanation.templates[0]
    return {
        "figure": render_svg(paper_figure(explanation)),
        "report": html_report(explanation, "photo.jpg", {}),
        "notebook": html(explanation),
        "waterfall": waterfall(explanation).to_json() or "",
        "template": template_figure(template, 1.0, "trees").to_json() or "",
    }


def test_everything_is_drawn_in_the_palette_in_use():
    explanation = fake_explanation()
    with using(BLUE_ORANGE):
        shown = drawn(explanation)
    for name, text in shown.items():
        assert BLUE_ORANGE.positive in text and BLUE_ORANGE.negative in text, name
        assert GREEN_MAGENTA.positive not in text and GREEN_MAGENTA.negative not in text, name
    for name in ("report", "notebook"):
        assert "Blue frames" in shown[name] and "dashed orange" in shown[name]
        assert "magenta" not in shown[name].lower() and "green" not in shown[name].lower().replace("greenhouse", "")
    for name, text in drawn(explanation).items():
        assert GREEN_MAGENTA.positive in text and BLUE_ORANGE.positive not in text, name


def test_pictures_are_drawn_in_the_palette_in_use():
    photo = Image.new("RGB", (40, 20), (90, 90, 90))
    with using(BLUE_ORANGE):
        pictures = [
            signed_colours(np.array([[-1.0, 1.0]]), 1.0),
            scale_bar(0.1),
            framed(photo, "trees", 1.0, 10),
            framed(photo, "trees", -1.0, 10),
            pattern_picture(photo, np.ones((2, 2)), 1.0),
        ]
    colours = [{colour for _, colour in of.getcolors(10**6) or ()} for of in pictures]
    up, down, neither = (
        ImageColor.getrgb(of) for of in (BLUE_ORANGE.positive, BLUE_ORANGE.negative, BLUE_ORANGE.undirected)
    )
    assert colours[0] == {up, down}
    assert pictures[1].getpixel((13, 14)) == pytest.approx(down, abs=2)
    assert pictures[1].getpixel((466, 14)) == pytest.approx(up, abs=2)
    assert up in colours[2] and down in colours[3] and colours[4] == {neither}


def test_a_palette_ends_with_its_block_and_belongs_to_its_thread():
    seen_there = []

    def work() -> None:
        seen_there.append(palette())
        use(BLUE_ORANGE)
        seen_there.append(palette())

    with using(BLUE_ORANGE), pytest.raises(RuntimeError), using(GREEN_MAGENTA):
        assert palette() is GREEN_MAGENTA
        raise RuntimeError
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen_there == [GREEN_MAGENTA, BLUE_ORANGE] and palette() is GREEN_MAGENTA
    with using(BLUE_ORANGE):
        assert [sign_colour(value) for value in (1, -1, 0.001)] == [BLUE_ORANGE.positive, BLUE_ORANGE.negative, CROWD]


def test_palettes_have_the_names_of_their_colours():
    assert list(PALETTES) == ["green-magenta", "blue-orange"]
    assert all(PALETTES[of.name] is of and of.legend.lower().count(" the score") == 1 for of in PALETTES.values())
