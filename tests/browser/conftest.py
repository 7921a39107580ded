"""A real browser on a small server that serves the pages of questions as the app does."""

import shutil
from collections.abc import Iterator
from http import HTTPStatus

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

from local.loopback import LoopbackServer, Reply, Request
from shared.web import link_pages
from tests.unit.engine.asked import Asked

PREFIX = "/api/answers/"
PHONE: ViewportSize = {"width": 390, "height": 844}
DESKTOP: ViewportSize = {"width": 1280, "height": 900}
SMALL: ViewportSize = {"width": 320, "height": 568}


class AnswerServer(LoopbackServer):
    """Serves the links of one world; counts what was asked for."""

    def __init__(self, asked: Asked) -> None:
        self.asked = asked
        self.requests: list[Request] = []

    def reply(self, request: Request) -> Reply:
        self.requests.append(request)
        if not request.path.startswith(PREFIX):
            return Reply(status=HTTPStatus.NOT_FOUND)
        token, pages = request.path.removeprefix(PREFIX), self.asked.pages
        page: link_pages.Page
        page = pages.show(token) if request.method == "GET" else pages.answer(token, request.body, "127.0.0.1")
        return Reply(status=page.status, headers=page.headers, body=page.html.encode())

    def link(self) -> str:
        """A new link to the open question."""
        return f"{self.url}{PREFIX}{self.asked.links.token(self.asked.open, 'webhook:ops')}"


@pytest.fixture(scope="module")  # while it is there, nothing else of this process can run an event loop of its own
def browser() -> Iterator[Browser]:
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("no chromium is installed")
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield running
        running.close()


@pytest.fixture
def asked() -> Asked:
    return Asked()


@pytest.fixture
def server(asked: Asked) -> Iterator[AnswerServer]:
    with AnswerServer(asked) as running:
        yield running


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page on a phone, without scripts."""
    context = browser.new_context(viewport=PHONE, java_script_enabled=False)
    yield context.new_page()
    context.close()
