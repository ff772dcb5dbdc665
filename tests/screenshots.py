"""Pictures of every page, in both themes and at three widths: `python -m tests.screenshots DIR [PAGE …]`."""

import sys
from pathlib import Path

from playwright.sync_api import Page

from tests.support.server import chromium, running_app, wait_until_idle

CASE = "pair=Rendered&case=898"
PAGES = {
    "explain": "",
    "context": "?sample=storm-road&counting=With+context",
    "variants": "?with=lake-boats",
    "templates": "templates?pair=Rendered&attribute=wire&row=2&column=3&halves=true",
    "disagreements": "disagreements?pair=Rendered",
    "compared": "disagreements?pair=Rendered&against=with+context,+baseline",
    "case": f"disagreements?{CASE}",
    "map": "map?pair=Rendered",
    "absent": "disagreements?gallery=OASIS+scenes&case=Beach_4.jpg",
    "what_if": f"what_if?{CASE}&edits=transport:scale:0,trees:scale:1.5",
    "rate": "rate",
    "label": "label",
    "discover": "discover",
    "compare": f"compare?{CASE}",
    "compare_photo": "compare?explained=what+lowers+the+score",
    "tables": "results",
    "attributes": "results?table=Attributes&pair=Rendered",
    "people": "results?table=Scores+and+people&pair=Rendered",
    "how_sure": "results?table=How+sure",
    "with_context": "results?table=With+context",
    "presence": "results?table=Presence",
    "truth": "results?table=What,+where,+how&pair=Rendered",
    "explainers": "results?table=Explainers",
    "speed": "results?table=Speed",
    "cards": "results?table=Model+cards",
    "about": "about",
    **{f"lesson-{number}": f"?lesson={number}" for number in range(1, 9)},
}


def settle(page: Page) -> None:
    """Wait until nothing is running and all pictures are there."""
    page.get_by_test_id("stHeading").first.wait_for(timeout=90_000)
    page.wait_for_timeout(500)
    wait_until_idle(page)
    page.wait_for_function("[...document.images].every((image) => image.complete)")
    page.wait_for_timeout(1500)  # animations of the charts


def shoot(folder: Path, names: list[str]) -> None:
    """Save one picture for each page, theme and width, as high as the page is."""
    folder.mkdir(parents=True, exist_ok=True)
    with running_app() as address, chromium() as browser:
        for theme in ("light", "dark"):
            for width in (1280, 768, 390):
                page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=theme)
                for name in names or PAGES:
                    page.goto(f"{address}/{PAGES[name]}")
                    settle(page)
                    height = page.get_by_test_id("stMain").evaluate("element => element.scrollHeight")
                    page.set_viewport_size({"width": width, "height": max(900, int(height) + 20)})
                    page.wait_for_timeout(700)
                    page.screenshot(path=folder / f"{name}-{theme}-{width}.png")
                    page.set_viewport_size({"width": width, "height": 900})
                page.close()


if __name__ == "__main__":
    shoot(Path(sys.argv[1]), sys.argv[2:])
