"""The person of a demo answers a question that has changed since it was read: they are sent back, and answer anew."""

import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from local.demo.form import Read, approve_by_form
from local.loopback import Reply, Request
from tests.browser.conftest import AnswerServer
from tests.unit.engine.asked import Asked

type Person = Callable[[str], Read]


class ChangingServer(AnswerServer):
    """The question is another one as soon as somebody has read it for the first time."""

    def reply(self, request: Request) -> Reply:
        reply = super().reply(request)
        self.asked.policy = self.asked.policy.of_version("v2")
        return reply


def by_browser(screenshot: Path) -> Person:
    """Approve in a browser of its own, in a thread of its own: one thread cannot steer two."""
    from local.demo.browser import approve

    def answered(link: str) -> Read:
        with ThreadPoolExecutor(1) as thread:
            return thread.submit(approve, link, shutil.which("chromium"), screenshot).result()

    return answered


@pytest.fixture(params=["form", "browser"])
def person(request: pytest.FixtureRequest, tmp_path: Path) -> Person:
    if request.param == "form":
        return approve_by_form
    if shutil.which("chromium") is None:
        pytest.skip("no chromium is installed")
    return by_browser(tmp_path / "approval.png")


@pytest.fixture
def changing(asked: Asked) -> Iterator[ChangingServer]:
    with ChangingServer(asked) as running:
        yield running


def test_who_is_sent_back_has_approved_nothing_and_answers_the_next_message(
    changing: ChangingServer, asked: Asked, person: Person
) -> None:
    ask = asked.ask()
    link = changing.link()
    sent_back = person(link)
    assert (sent_back.approved, sent_back.notice) == (False, "Not approved: the policy has changed; look again.")
    assert not person(link).approved  # the older link answers nothing any more
    assert not asked.begun(ask)
    read = person(changing.link())
    assert (read.approved, read.title) == (True, "Roll back orders to build b1?")
    assert asked.begun(ask)
