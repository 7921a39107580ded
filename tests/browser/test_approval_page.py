"""The page of a question in a real browser: read, answered, refused; by touch, by keyboard, without scripts."""

import re
from contextlib import suppress
from http import HTTPStatus
from http.client import HTTPConnection
from typing import Literal
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, expect

from shared.engine.records import CHECKPOINTS, encode
from shared.errors import Refused
from shared.model.ask import AskStatus
from shared.model.policy_approval import Approval, OnExpiry
from shared.ports import Put
from shared.web.pages import page_headers
from tests.browser.conftest import DESKTOP, PHONE, SMALL, AnswerServer
from tests.unit.engine.asked import ANN, QUIET, WARNING, Asked
from tests.unit.engine.kept import data_policy
from tests.unit.engine.rows_story import BEHIND, foreseen

APPROVE, REJECT = "Approve: roll back", "Reject"
CHANGED = (
    "What would be done has changed since this link was sent. "
    "Answer by the link in the latest message to webhook:ops, or signed in."
)


def press(page: Page, button: str) -> None:
    """Press a button of the form and wait for the page that answers: a click alone returns while that is loading."""
    with page.expect_navigation():
        page.get_by_role("button", name=button).click()


def test_a_person_reads_what_would_be_done_and_approves(page: Page, server: AnswerServer, asked: Asked) -> None:
    ask = asked.ask()
    asked.clock.forward(180)
    page.goto(server.link())
    expect(page).to_have_title("Roll back orders to build b1?")
    for text in (
        f"{WARNING}.",
        f"Right now: {WARNING}.",
        "Production of orders is taken back from build b2 to build b1 (level 1, traffic).",
        "For site: slot_swap.",
        "in 7 min, at 2026-03-01 12:10:00 UTC: nothing is done.",
        "0 of 1",
        "Asked 3 min ago; the level's budget is 30 s.",
    ):
        expect(page.get_by_text(text, exact=True).first).to_be_visible()
    page.get_by_label("Reason").fill("users <b>complain</b>")
    press(page, APPROVE)
    expect(page.get_by_text("Approved: it has begun.")).to_be_visible()
    expect(page.get_by_text("Approved by webhook:ops (1 of 1): users <b>complain</b>.")).to_be_visible()
    assert asked.begun(ask)


def test_a_person_reads_what_becomes_of_rows_and_what_stays_behind(
    page: Page, server: AnswerServer, asked: Asked
) -> None:
    asked.policy = data_policy()
    asked.ledger.commit("orders", [Put(CHECKPOINTS, encode(foreseen(says="shop: 7 rows inserted <b>")))])
    ask = asked.ask(level=2)
    assert ask.preview is not None
    page.goto(server.link())
    for text in ("Rows of shop: 7 rows inserted <b>, as of 12:00:00 UTC.", f"Agreed to as well: {BEHIND[0]}."):
        expect(page.get_by_text(text, exact=True)).to_be_visible()
    press(page, APPROVE)
    assert asked.over(ask).preview == ask.preview


def test_looking_again_and_going_back_begin_nothing_twice(page: Page, server: AnswerServer, asked: Asked) -> None:
    asked.ask()
    link = server.link()
    page.goto(link)
    press(page, APPROVE)
    page.reload()
    expect(page.get_by_text("Approved: it has begun.")).to_be_visible()
    page.goto(link)
    expect(page.get_by_text("Approved: it has begun.")).to_be_visible()
    expect(page.get_by_role("button")).to_have_count(0)
    assert asked.runs == 1


def test_a_person_rejects(page: Page, server: AnswerServer, asked: Asked) -> None:
    ask = asked.ask()
    page.goto(server.link())
    page.get_by_label("Reason").fill("it is the network")
    press(page, REJECT)
    expect(page.get_by_text("Rejected by webhook:ops: it is the network.")).to_be_visible()
    assert asked.over(ask).status is AskStatus.REJECTED
    assert asked.runs == 0


def test_what_is_healthy_by_now_is_said_and_asked_again(page: Page, server: AnswerServer, asked: Asked) -> None:
    ask = asked.ask()
    page.goto(server.link())
    asked.heal()
    press(page, APPROVE)
    expect(page.get_by_role("alert")).to_contain_text(f"Not approved: it is healthy by now: {QUIET}")
    expect(page.get_by_text(CHANGED, exact=True)).to_be_visible()
    expect(page.get_by_role("button")).to_have_count(0)
    assert not asked.begun(ask)
    page.goto(server.link())
    press(page, "Approve all the same")
    expect(page.get_by_text("Approved: it has begun.")).to_be_visible()
    assert asked.begun(ask)


def test_what_has_changed_since_is_shown_anew(page: Page, server: AnswerServer, asked: Asked) -> None:
    ask = asked.ask()
    page.goto(server.link())
    asked.policy = asked.policy.of_version("v2")
    press(page, APPROVE)
    expect(page.get_by_role("alert")).to_have_text("Not approved: the policy has changed; look again.")
    expect(page.get_by_text(CHANGED, exact=True)).to_be_visible()
    expect(page.get_by_role("button")).to_have_count(0)
    page.goto(server.link())
    press(page, APPROVE)
    assert asked.begun(ask)


def test_an_older_link_answers_nothing_and_says_how_to(page: Page, server: AnswerServer, asked: Asked) -> None:
    """One that was used and one that was not: both were sent for what is not asked any more."""
    asked.warned = Approval(quorum=2)
    ask = asked.ask()
    used, unused = server.link(), server.link()
    page.goto(used)
    press(page, APPROVE)
    page.goto(unused)
    expect(page.get_by_text("You approved. It takes 1 more.")).to_be_visible()
    asked.heal()
    with suppress(Refused):
        asked.asks.approve(ask.id, ANN, ask.digest)
    for link in (used, unused):
        page.goto(link)
        expect(page.get_by_text(CHANGED, exact=True)).to_be_visible()
        expect(page.get_by_role("button")).to_have_count(0)
        answer = asked.pages.answer(link.rpartition("/")[2], b"answer=reject", "")
        assert answer.status == HTTPStatus.CONFLICT
    assert not asked.open.status.over


def test_two_are_asked_and_one_has_answered(page: Page, server: AnswerServer, asked: Asked) -> None:
    asked.warned = Approval(quorum=2, on_expiry=OnExpiry.CLIMB)
    asked.ask()
    page.goto(server.link())
    expect(page.get_by_role("heading", name="If too few approve")).to_be_visible()
    press(page, APPROVE)
    expect(page.get_by_text("You approved. It takes 1 more.")).to_be_visible()
    expect(page.get_by_text("the next level takes up if it is still bad then")).to_be_visible()
    expect(page.get_by_role("button")).to_have_count(0)


def test_an_expired_question_cannot_be_answered(page: Page, server: AnswerServer, asked: Asked) -> None:
    asked.ask()
    page.goto(server.link())
    asked.clock.forward(600)
    press(page, APPROVE)
    expect(page.get_by_role("alert")).to_have_text("Not taken: this link has expired.")
    expect(page.get_by_text("The time to answer is over.")).to_be_visible()
    expect(page.get_by_role("button")).to_have_count(0)


def test_a_question_that_ended_otherwise_says_how(page: Page, server: AnswerServer, asked: Asked) -> None:
    ask = asked.ask()
    link = server.link()
    asked.asks.reject(ask.id, ANN, "I am on it")
    page.goto(link)
    expect(page.get_by_text("Rejected by ann: I am on it.")).to_be_visible()


def test_a_forged_link_says_nothing_else(page: Page, server: AnswerServer, asked: Asked) -> None:
    asked.ask()
    link = server.link()
    page.goto(link[:-1] + ("A" if link[-1] != "A" else "B"))
    assert page.locator("main").inner_text() == "This link is not valid"


def test_hostile_texts_stay_texts(page: Page, server: AnswerServer, asked: Asked) -> None:
    ask = asked.ask()
    asked.asks.reject(ask.id, ANN, '</p><script>alert(1)</script><img src=x onerror=alert(1)> "x" {{ 7 * 7 }}')
    page.goto(f"{server.url}/api/answers/{asked.links.token(ask, 'webhook:ops')}")
    expect(page.get_by_text("</p><script>alert(1)</script>")).to_be_visible()
    expect(page.get_by_text("{{ 7 * 7 }}")).to_be_visible()
    assert page.locator("script, img").count() == 0


def test_it_is_answered_by_keyboard_alone(page: Page, server: AnswerServer, asked: Asked) -> None:
    ask = asked.ask()
    page.goto(server.link())
    page.keyboard.press("Tab")
    page.keyboard.type("from the keyboard")
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name=APPROVE)).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_role("button", name=REJECT)).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_text("Rejected by webhook:ops: from the keyboard.")).to_be_visible()
    assert asked.over(ask).status is AskStatus.REJECTED


def test_enter_in_the_reason_answers_nothing_by_mistake(page: Page, server: AnswerServer, asked: Asked) -> None:
    """In a field of one line, browsers press the first button of the form for it."""
    ask = asked.ask()
    page.goto(server.link())
    page.get_by_label("Reason").press("Enter")
    expect(page.get_by_role("button", name=APPROVE)).to_be_visible()
    assert asked.open == ask
    assert [request.method for request in server.requests] == ["GET"]


def test_a_scanner_that_follows_links_answers_nothing(server: AnswerServer, asked: Asked) -> None:
    ask = asked.ask()
    link = urlsplit(server.link())
    for method in ("GET", "GET"):
        connection = HTTPConnection(link.netloc, timeout=5)
        connection.request(method, link.path)
        answer = connection.getresponse()
        assert answer.status == 200
        assert {name: answer.headers[name] for name in page_headers()} == page_headers()
        connection.close()
    assert asked.open == ask


def test_the_page_asks_for_nothing_else_and_names_nobody_where_it_came_from(
    page: Page, server: AnswerServer, asked: Asked
) -> None:
    asked.ask()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.goto(server.link())
    press(page, REJECT)
    expect(page.get_by_text("Rejected by webhook:ops.")).to_be_visible()
    pages = [request for request in server.requests if request.path != "/favicon.ico"]
    assert [request.method for request in pages] == ["GET", "POST"]
    assert not any("referer" in {name.lower() for name in request.headers} for request in server.requests)
    assert said == []


_LAYOUT = """() => {
  const channels = text => text.match(/[\\d.]+/g).map(Number);
  const ground = element => {
    for (let at = element; at; at = at.parentElement) {
      const [red, green, blue, alpha = 1] = channels(getComputedStyle(at).backgroundColor);
      if (alpha > 0) return [red, green, blue];
    }
    return [255, 255, 255];
  };
  const texts = [...document.querySelectorAll('h1,h2,p,time,strong,label,span,dt,dd,button,footer')];
  return {
    overflow: document.documentElement.scrollWidth - document.documentElement.clientWidth,
    texts: texts.map(element => ({
      text: element.textContent.slice(0, 40),
      ink: channels(getComputedStyle(element).color).slice(0, 3),
      ground: ground(element),
    })),
    targets: [...document.querySelectorAll('button,textarea')].map(element => element.getBoundingClientRect().height),
  };
}"""


def _luminance(colour: list[float]) -> float:
    """Relative luminance as WCAG 2.2 defines it."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (part / 255 for part in colour)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def _contrast(one: list[float], other: list[float]) -> float:
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [PHONE, DESKTOP, SMALL], ids=["phone", "desktop", "small"])
@pytest.mark.parametrize("story", ["open", "healthy", "over"])
def test_it_can_be_read_and_pressed_everywhere(
    browser: Browser,
    server: AnswerServer,
    asked: Asked,
    scheme: Literal["light", "dark"],
    size: ViewportSize,
    story: str,
) -> None:
    """Contrast of 4.5 at least (WCAG 1.4.3), targets of 44 px (2.5.5), no scrolling sideways at 320 px (1.4.10)."""
    ask = asked.ask()
    link = server.link()
    if story == "healthy":
        asked.heal()
    if story == "over":
        asked.asks.reject(ask.id, ANN, "w" * 280)
    context = browser.new_context(viewport=size, color_scheme=scheme)
    page = context.new_page()
    page.goto(link)
    layout = page.evaluate(_LAYOUT)
    context.close()
    assert layout["overflow"] == 0
    assert len(layout["texts"]) > 10
    weak = [text for text in layout["texts"] if _contrast(text["ink"], text["ground"]) < 4.5]
    assert weak == []
    assert all(height >= 44 for height in layout["targets"])


def test_every_field_has_a_label_and_the_page_one_heading(page: Page, server: AnswerServer, asked: Asked) -> None:
    asked.ask()
    page.goto(server.link())
    assert page.get_by_role("heading", level=1).count() == 1
    assert page.get_by_role("textbox", name=re.compile("^Reason")).count() == 1
    assert page.get_by_role("region").count() >= 4
    assert page.locator("html").get_attribute("lang") == "en"
