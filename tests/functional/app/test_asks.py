"""People are asked before a rollback begins, and answer by token or by link; that is written down, and no link is."""

import json
import re
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.functional.app.http_client import Answer, Api
from tests.functional.app.problems import refusal
from tests.functional.app.tenant_app import ASKING, LINKS, TenantApp
from tests.functional.app.waiting import wait_until

pytestmark = pytest.mark.rig

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
_LINK = re.compile(re.escape(LINKS) + r"/([A-Za-z0-9_-]+)")
_PAGE_HEADERS = {
    "referrer-policy": "no-referrer",
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "x-robots-tag": "noindex, nofollow",
    "content-type": "text/html; charset=utf-8",
}


@pytest.fixture
def asked(tenant: TenantApp) -> Iterator[dict[str, Any]]:
    """What a rollback that takes two approvals is answered; taken back afterwards if it is still open."""
    otto = tenant.of("otto")
    otto.send_json("PUT", f"/api/workloads/{ASKING}/known-good", {"build": "b1"})
    started = otto.send_json("POST", f"/api/workloads/{ASKING}/rollbacks", {"reason": "slow", "confirm": ASKING})
    assert started.status == HTTPStatus.ACCEPTED, started.body
    yield started.json
    otto.send_json("POST", f"{started.json['url']}/cancel", {"reason": "the test is over"})


def token(tenant: TenantApp, asked: dict[str, Any]) -> str:
    """Return what is in the link that the channel was sent."""

    def sent() -> str | None:
        told = [one for one in tenant.inbox.received if one["about"] == asked["id"]]
        found = [match[1] for one in told if (match := _LINK.search(one["sentence"]))]
        return found[-1] if found else None

    return wait_until(sent)


def press(api: Api, link: str, answer: str, reason: str = "") -> Answer:
    """Send the form of a page as a browser does; whoever does it has no key."""
    return api.send("POST", f"/api/answers/{link}", urlencode({"answer": answer, "reason": reason}).encode(), FORM)


def newest(tenant: TenantApp) -> dict[str, Any]:
    found: dict[str, Any] = tenant.of("vera").get("/api/audit?limit=1").json["rows"][0]
    return found


def stranger(tenant: TenantApp) -> Api:
    return Api(tenant.api.url, "")


def test_what_is_asked_is_shown_with_its_digest_and_how_long_it_waits(tenant: TenantApp, asked: dict[str, Any]) -> None:
    assert (asked["status"], asked["url"]) == ("asked", f"/api/rollbacks/{asked['id']}")
    assert newest(tenant)["outcome"] == f"rollback {asked['id']} is asked"
    shown = tenant.of("vera").get(asked["url"]).json
    assert (shown["status"], shown["requested_by"], shown["missing"]) == ("open", "otto@rig.example", 2)
    assert re.fullmatch("[0-9a-f]{64}", shown["digest"])
    assert re.fullmatch(r"asked \d+ s ago; the level's budget is 30 s", shown["waiting"])


def test_a_link_and_somebody_signed_in_begin_it_together(tenant: TenantApp, asked: dict[str, Any]) -> None:
    link, anna = token(tenant, asked), tenant.of("anna")
    pressed = press(stranger(tenant), link, "approve", "the basket is empty")
    assert pressed.status == HTTPStatus.OK, pressed.body
    row = newest(tenant)
    assert (row["who_id"], row["proof"]) == ("link:webhook:ops", "link")
    assert (row["act"], row["target"], row["ok"]) == ("ask.answer", asked["id"], True)
    assert row["outcome"] == "approved (1 of 2)"
    assert link not in json.dumps(tenant.of("vera").get("/api/audit").json)

    again = press(stranger(tenant), link, "approve")
    assert again.status == HTTPStatus.CONFLICT
    assert newest(tenant)["ok"] is False

    other = anna.send_json("POST", f"{asked['url']}/approve", {"digest": "0" * 64})
    assert "look again" in refusal(other, HTTPStatus.CONFLICT)
    digest = anna.get(asked["url"]).json["digest"]
    approved = anna.send_json("POST", f"{asked['url']}/approve", {"digest": digest, "reason": "I saw it"})
    assert (approved.status, approved.json["status"]) == (HTTPStatus.OK, "approved"), approved.body
    assert newest(tenant)["outcome"] == approved.json["says"]
    assert "I saw it" in approved.json["says"]
    run = anna.get(asked["url"]).json
    assert (run["id"], run["level"]) == (asked["id"], 1)
    assert "steps" in run


def test_one_no_is_enough_and_nothing_is_begun(tenant: TenantApp, asked: dict[str, Any]) -> None:
    anna = tenant.of("anna")
    rejected = anna.send_json("POST", f"{asked['url']}/reject", {"reason": "a false alarm"})
    assert (rejected.status, rejected.json["status"]) == (HTTPStatus.OK, "rejected")
    shown = anna.get(asked["url"]).json
    assert shown["sentence"] == rejected.json["says"] == "rejected by anna@rig.example: a false alarm"
    cancelled = tenant.of("otto").send_json("POST", f"{asked['url']}/cancel", {"reason": "late"})
    assert refusal(cancelled, HTTPStatus.CONFLICT) == f"it is over: {shown['sentence']}"


def test_to_cancel_what_is_asked_withdraws_it(tenant: TenantApp, asked: dict[str, Any]) -> None:
    cancelled = tenant.of("otto").send_json("POST", f"{asked['url']}/cancel", {"reason": "it healed"})
    assert cancelled.json == {
        "id": asked["id"],
        "status": "withdrawn",
        "outcome": "withdrawn by otto@rig.example: it healed",
    }
    assert newest(tenant)["outcome"] == cancelled.json["outcome"]


def test_looking_at_a_page_does_nothing_and_is_not_written_down(tenant: TenantApp, asked: dict[str, Any]) -> None:
    link, before = token(tenant, asked), newest(tenant)
    pages = [stranger(tenant).get(f"/api/answers/{link}") for _ in range(3)]
    assert {page.status for page in pages} == {HTTPStatus.OK}
    assert b'name="answer" value="approve"' in pages[0].body
    assert {name: pages[0].headers[name] for name in _PAGE_HEADERS} == _PAGE_HEADERS
    assert "default-src 'none'" in pages[0].headers["content-security-policy"]
    assert tenant.of("vera").get(asked["url"]).json["missing"] == 2
    assert newest(tenant) == before


NO_FORMS = {
    "empty": b"",
    "another button": b"answer=maybe",
    "not UTF-8": b"\xff\xfe",
    "large": b"x" * 1_100_000,
    "many fields": b"a=1&" * 900 + b"answer=approve",
    "JSON": b'{"answer": "approve"}',
}


@pytest.mark.parametrize("body", NO_FORMS.values(), ids=NO_FORMS.keys())
def test_a_form_that_is_none_is_refused_on_a_page(tenant: TenantApp, asked: dict[str, Any], body: bytes) -> None:
    answer = stranger(tenant).send("POST", f"/api/answers/{token(tenant, asked)}", body, FORM)
    assert (answer.status, answer.media) == (HTTPStatus.CONFLICT, "text/html")
    assert newest(tenant)["outcome"] == "not taken: expected one of the two buttons"


@pytest.mark.parametrize("link", ["no-link", "AAAA", "x" * 2_000, "%00", "..%2f..%2fhealth", "%ff"])
def test_a_link_that_is_none_leads_to_a_page_that_says_so(tenant: TenantApp, link: str) -> None:
    before = newest(tenant)
    for answer in (stranger(tenant).get(f"/api/answers/{link}"), press(stranger(tenant), link, "approve")):
        assert (answer.status, answer.media) == (HTTPStatus.NOT_FOUND, "text/html")
        assert b"This link is not valid" in answer.body
    assert newest(tenant) == before
