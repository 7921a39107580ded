"""A person who opens a link: a real Chromium without a window, steered by Playwright."""

import time
from pathlib import Path

from playwright.sync_api import ViewportSize, sync_playwright

from local.demo.form import REASON, Read

_WINDOW: ViewportSize = {"width": 900, "height": 1000}


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
        at_s, button = time.time(), page.get_by_role("button", name="Approve")
        if button.count():  # what has changed since the link was sent has none
            page.get_by_label("Reason").fill(REASON)
            at_s = time.time()
            with page.expect_navigation():  # a click alone returns while the answer is loading
                button.click()
        answer = page.locator(".headline").inner_text()
        notice = " ".join(page.locator(".notice").all_inner_texts())
        browser.close()
    return Read(title, what, at_s, answer, notice)
