"""A person who opens a link: a real Chromium without a window, steered by Playwright."""

import time
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import ViewportSize, sync_playwright

_WINDOW: ViewportSize = {"width": 900, "height": 1000}


@dataclass(frozen=True, slots=True)
class Read:
    """What the page said before the answer, when the button was pressed (Unix time), and what it said then."""

    title: str
    what: str
    pressed_at_s: float
    answer: str


def approve(link: str, chromium: str | None, screenshot: Path) -> Read:
    """Open a question, read it, keep a picture of it and press the button that approves.

    Args:
        chromium: Path of the browser; Playwright's own if none is given.
    """
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium)
        page = browser.new_page(viewport=_WINDOW)
        page.goto(link)
        title = page.get_by_role("heading", level=1).inner_text()
        what = page.get_by_role("region", name="What will be done").locator("p").first.inner_text()
        page.screenshot(path=screenshot, full_page=True)
        page.get_by_label("Reason").fill("the data must be as it was before the migration")
        at_s = time.time()
        page.get_by_role("button", name="Approve").click()
        answer = page.locator(".headline").inner_text()
        browser.close()
    return Read(title, what, at_s, answer)
