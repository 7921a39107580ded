"""Links: only ours are read, and what they lead to is looked at without being changed and answered once."""

import string
from base64 import b64encode
from dataclasses import replace
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.adapters.links import LinkedChannel, Links
from shared.decision.asks import spent_link
from shared.errors import SettingsError
from shared.model.ask import Ask, AskStatus
from shared.model.event import Delivery
from shared.model.policy_approval import Approval
from tests.fakes.interrupted import BrokenFor
from tests.fakes.late import Late
from tests.unit.engine.asked import ANN, KEY, Asked

OPS = "webhook:ops"
_ALPHABET = string.ascii_letters + string.digits + "-_"
ADDRESS = "https://controller.example/api/answers"


@pytest.fixture
def asked() -> Asked:
    return Asked()


@pytest.fixture(scope="module")
def token() -> str:
    asked = Asked()
    return asked.links.token(asked.ask(), OPS)


LINKS = Links(KEY, ADDRESS)


def test_a_link_says_for_what_and_to_whom_it_was_made(asked: Asked) -> None:
    ask = asked.ask()
    link = asked.links.link(ask, OPS)
    assert link.startswith(f"{ADDRESS}/")
    claim = asked.links.read(link.rpartition("/")[2])
    assert claim is not None
    assert (claim.ask_id, claim.digest, claim.recipient) == (ask.id, ask.digest, OPS)
    assert claim.expires_at == ask.expires_at
    assert claim.nonce not in repr(claim)


def test_no_two_links_are_the_same(asked: Asked) -> None:
    ask = asked.ask()
    assert asked.links.token(ask, OPS) != asked.links.token(ask, OPS)


def test_the_longest_names_fit_into_one_path_segment(asked: Asked) -> None:
    ask = replace(asked.ask(), id=f"{'w' * 40}.20260301T120000000000")
    assert len(asked.links.token(ask, "webhook:" + "c" * 40)) <= 260


@given(st.data())
def test_a_flipped_bit_is_no_link(token: str, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(token) - 1))
    flipped = chr(ord(token[place]) ^ (1 << data.draw(st.integers(0, 6))))
    assert LINKS.read(token[:place] + flipped + token[place + 1 :]) is None


@given(st.data())
def test_another_character_anywhere_is_no_link(token: str, data: st.DataObject) -> None:
    """Also in the last one, whose lowest bits stand for nothing."""
    place = data.draw(st.integers(0, len(token) - 1))
    other = data.draw(st.sampled_from([sign for sign in _ALPHABET if sign != token[place]]))
    assert LINKS.read(token[:place] + other + token[place + 1 :]) is None


@given(st.one_of(st.text(max_size=300), st.text(alphabet=_ALPHABET + "=+/", max_size=1500)))
def test_whatever_else_comes_is_no_link(text: str) -> None:
    assert LINKS.read(text) is None


@given(st.integers(0, 300), st.text(alphabet=_ALPHABET + "=", min_size=1, max_size=8))
def test_a_link_that_was_cut_or_went_on_is_none(token: str, length: int, more: str) -> None:
    assert LINKS.read(token + more) is None
    assert LINKS.read(token[:length]) is None or length >= len(token)


def test_a_link_of_another_key_is_none(token: str) -> None:
    assert Links(b64encode(b"x" * 32).decode(), ADDRESS).read(token) is None


@pytest.mark.parametrize("key", ["", "short", b64encode(b"x" * 31).decode(), "é" * 50])
def test_a_short_key_is_refused_and_not_shown(key: str) -> None:
    with pytest.raises(SettingsError) as caught:
        Links(key, ADDRESS)
    assert str(caught.value) == "no key for links; expected at least 32 bytes in base64, as of `openssl rand`"


@pytest.mark.parametrize(
    "address", ["", "controller.example", "ftp://x/y", "https://u:p@x/", "https://x/?a=b", "javascript:x"]
)
def test_an_address_that_leads_nowhere_is_refused(address: str) -> None:
    with pytest.raises(SettingsError, match="no address for links"):
        Links(KEY, address)


class _Heard:
    """Fulfils `ports.Channel`."""

    def __init__(self) -> None:
        self.sentences: list[str] = []

    def send(self, delivery: Delivery) -> None:
        self.sentences.append(delivery.event.sentence)


def _told(asked: Asked, name: str = OPS) -> str:
    """What a channel hears of the newest delivery."""
    heard = _Heard()
    LinkedChannel(name, heard, asked.links, asked.asks.find).send(asked.deliveries[0])
    return heard.sentences[0]


def test_the_link_is_sent_along_and_kept_nowhere(asked: Asked) -> None:
    asked.ask()
    assert f"; look at it and answer: {ADDRESS}/" in _told(asked)
    assert ADDRESS not in "".join(row.body for row in asked.ledger.scan("orders", ""))


def test_no_link_is_sent_where_none_can_be_used(asked: Asked) -> None:
    ask = asked.ask()
    assert ADDRESS not in _told(asked, "webhook:other")
    asked.asks.reject(ask.id, ANN)
    assert ADDRESS not in _told(asked)


def test_no_link_is_sent_where_it_takes_four_eyes(asked: Asked) -> None:
    asked.ask(3)
    assert ADDRESS not in _told(asked)


def press(asked: Asked, token: str, button: str = "approve", reason: str = "") -> tuple[int, str]:
    page = asked.pages.answer(token, urlencode({"answer": button, "reason": reason}).encode(), "203.0.113.9")
    return page.status.value, page.html


def linked(asked: Asked) -> tuple[Ask, str]:
    ask = asked.ask()
    return ask, asked.links.token(ask, OPS)


def test_looking_changes_nothing(asked: Asked) -> None:
    ask, token = linked(asked)
    before = asked.ledger.scan("orders", "")
    for _ in range(3):
        page = asked.pages.show(token)
        assert page.status == 200
        assert "Approve: roll back" in page.html
    assert asked.ledger.scan("orders", "") == before
    assert not asked.begun(ask)


def test_an_answer_by_link_is_written_down_as_such(asked: Asked) -> None:
    ask, token = linked(asked)
    status, html = press(asked, token, reason="users complain")
    assert (status, "Approved: it has begun." in html) == (200, True)
    (given,) = asked.over(ask).given
    assert (given.by_id, given.origin, given.reason) == ("link:webhook:ops", "203.0.113.9", "users complain")


def test_a_link_is_used_once(asked: Asked) -> None:
    ask, token = linked(asked)
    press(asked, token)
    status, html = press(asked, token)
    assert (status, "It is over: approved by webhook:ops (1 of 1)" in html) == (409, True)
    assert press(asked, token, "reject")[0] == 409
    assert asked.runs == 1
    assert asked.over(ask).status is AskStatus.APPROVED


def test_a_second_link_is_no_second_vote(asked: Asked) -> None:
    asked.warned = Approval(quorum=2)
    ask, token = linked(asked)
    second = asked.links.token(ask, OPS)
    assert press(asked, token)[0] == 200
    assert "You approved. It takes 1 more." in asked.pages.show(second).html
    status, html = press(asked, second)
    assert (status, "webhook:ops approved it already" in html) == (409, True)
    assert press(asked, token)[0] == 409
    assert asked.runs == 0


def test_two_recipients_are_two_votes(asked: Asked) -> None:
    asked.warned = Approval(quorum=2, to=("webhook:ops", "webhook:lead"))
    ask = asked.ask()
    for recipient in ask.to:
        assert press(asked, asked.links.token(ask, recipient))[0] == 200
    assert asked.begun(ask)


def test_a_link_after_the_time_is_too_late(asked: Asked) -> None:
    _, token = linked(asked)
    asked.clock.forward(600)
    status, html = press(asked, token)
    assert (status, "this link has expired" in html) == (409, True)
    assert "The time to answer is over." in asked.pages.show(token).html
    assert "<form" not in asked.pages.show(token).html
    assert asked.runs == 0


def test_a_link_of_another_question_answers_that_one_alone(asked: Asked) -> None:
    first, token = linked(asked)
    asked.asks.reject(first.id, ANN)
    asked.clock.forward(60)
    second = asked.ask()
    assert press(asked, token)[0] == 409
    assert asked.open == second
    assert asked.runs == 0


def test_a_forged_link_shows_nothing(asked: Asked) -> None:
    _, token = linked(asked)
    forged = token[:-1] + ("A" if token[-1] != "A" else "B")
    page = asked.pages.show(forged)
    assert page.status == 404
    assert "This link is not valid" in page.html
    assert "orders" not in page.html
    assert press(asked, forged) == (404, page.html)


def test_a_link_to_what_nobody_asked_shows_nothing(asked: Asked) -> None:
    ask = asked.ask()
    token = asked.links.token(replace(ask, id="orders.20260301T120000999999"), OPS)
    assert asked.pages.show(token).status == 404
    assert press(asked, token)[0] == 404


def test_what_is_healthy_by_now_is_asked_again_with_a_fresh_link(asked: Asked) -> None:
    ask, token = linked(asked)
    asked.heal()
    status, html = press(asked, token)
    assert (status, "it is healthy by now" in html, "<form" in html) == (409, True, False)
    assert [press(asked, token, button)[0] for button in ("approve", "reject")] == [409, 409]
    assert (asked.begun(ask), asked.open.status) == (False, AskStatus.OPEN)
    fresh = asked.links.token(asked.open, OPS)
    assert "Approve all the same" in asked.pages.show(fresh).html
    assert press(asked, fresh)[0] == 200
    assert asked.begun(ask)


def test_the_form_of_a_link_answers_by_that_very_link(asked: Asked) -> None:
    """A form with another link in it would make one link after the other of a single one."""
    _, token = linked(asked)
    html = asked.pages.show(token).html
    assert html.partition('action="')[2].partition('"')[0] == token


def test_a_link_says_why_it_answers_nothing_and_who_does(asked: Asked) -> None:
    ask, token = linked(asked)
    claim = asked.links.read(token)
    assert claim is not None
    instead = "Answer by the link in the latest message to webhook:ops, or signed in."
    assert spent_link(ask, claim) is None
    assert spent_link(replace(ask, used=(claim.nonce,)), claim) == f"This link was used. {instead}"
    changed = "What would be done has changed since this link was sent."
    assert spent_link(replace(ask, digest="0" * 64), claim) == f"{changed} {instead}"


@pytest.mark.parametrize(
    "form",
    [
        b"",
        b"answer=",
        b"answer=maybe",
        b"\xff\xfe",
        b"answer=approve&a=1&b=2&c=3&d=4",
        b"answer=approve&reason=" + b"x" * 5000,
    ],
)
def test_a_form_that_is_none_of_ours_does_nothing(asked: Asked, form: bytes) -> None:
    ask, token = linked(asked)
    assert asked.pages.answer(token, form, "").status == 409
    assert asked.open == ask


def test_a_storage_that_does_not_answer_is_said_and_asked_again(asked: Asked) -> None:
    ask, token = linked(asked)
    whole, asked.ledger = asked.ledger, BrokenFor(asked.ledger, "orders")
    page = asked.pages.show(token)
    assert (page.status, "This cannot be shown right now" in page.html) == (503, True)
    status, html = press(asked, token)
    assert (status, "Nobody knows yet whether your answer was taken" in html) == (503, True)
    asked.ledger = whole
    assert press(asked, token)[0] == 200
    assert asked.begun(ask)


def test_an_answer_whose_reply_is_lost_is_taken_once(asked: Asked) -> None:
    ask, token = linked(asked)
    whole, asked.ledger = asked.ledger, Late(asked.ledger, calls_later=0)
    assert press(asked, token)[0] == 503
    asked.ledger = whole
    assert "Approved: it has begun." in asked.pages.show(token).html
    assert press(asked, token)[0] == 409
    assert (asked.begun(ask), asked.runs) == (True, 1)
