"""Pictures of every page, in both themes and at both widths: `python -m tests.screenshots DIR [SAMPLE]`."""

import sys
from pathlib import Path

from playwright.sync_api import Page

from tests.server import chromium, running_app, wait_until_idle

PAGES = {"explain": "", "about": "about"}


def settle(page: Page) -> None:
    """Wait until nothing is running and all pictures are there."""
    last = page.get_by_text("Show the picture in the paper's own layout").or_(page.get_by_text("arXiv:1909.08442"))
    last.wait_for(timeout=90_000)
    wait_until_idle(page)
    page.wait_for_function("[...document.images].every((image) => image.complete)")
    page.wait_for_timeout(1500)  # animations of the chart


def shoot(folder: Path, sample: str | None = None) -> None:
    """Save one picture for each page, theme and width."""
    folder.mkdir(parents=True, exist_ok=True)
    with running_app() as address, chromium() as browser:
        for theme in ("light", "dark"):
            for width in (1280, 390):
                page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=theme)
                for name, path in PAGES.items():
                    page.goto(f"{address}/{path}" + (f"?sample={sample}" if sample and not path else ""))
                    settle(page)
                    height = page.evaluate("document.querySelector('[data-testid=stMain]').scrollHeight")
                    page.set_viewport_size({"width": width, "height": max(900, int(height) + 80)})
                    page.wait_for_timeout(700)
                    page.screenshot(path=folder / f"{name}-{theme}-{width}.png")
                    page.set_viewport_size({"width": width, "height": 900})
                page.close()


if __name__ == "__main__":
    shoot(Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else None)
