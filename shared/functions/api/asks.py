"""What is asked before a rollback may begin: answered by approvers who are signed in, or by the page of a link.

Scanners of mail and chat follow links: looking at a page does nothing, and is no row of the audit.
"""

from http import HTTPStatus
from typing import TYPE_CHECKING

from shared.app import app
from shared.functions.answers import QuestionAnswered
from shared.functions.bodies import ApproveBody, Form, RejectBody
from shared.functions.call import Call
from shared.functions.operations import ANYBODY, APPROVERS, Act, operation
from shared.functions.replies import HTML_MEDIA, Answered, Html, Reply
from shared.model.ask import Ask

if TYPE_CHECKING:
    from shared.web.link_pages import Page

_NOT_SHOWN = dict.fromkeys((HTTPStatus.NOT_FOUND, HTTPStatus.SERVICE_UNAVAILABLE), Html)
_NOT_TAKEN = _NOT_SHOWN | dict.fromkeys((HTTPStatus.FORBIDDEN, HTTPStatus.CONFLICT), Html)


@operation(
    "POST",
    "rollbacks/{id}/approve",
    roles=APPROVERS,
    refusals={HTTPStatus.CONFLICT},
    act=Act("ask.approve", "{says}", "{id}", ("digest", "reason")),
)
def approve(call: Call[ApproveBody]) -> QuestionAnswered:
    """Approve what is asked, by the digest of what was seen; the last approval that it takes begins it."""
    body = call.body
    return _answered(app().asks.approve(call.params["id"], call.caller, body.digest, body.reason or ""))


@operation(
    "POST",
    "rollbacks/{id}/reject",
    roles=APPROVERS,
    refusals={HTTPStatus.CONFLICT},
    act=Act("ask.reject", "{says}", "{id}", ("reason",)),
)
def reject(call: Call[RejectBody]) -> QuestionAnswered:
    """Reject what is asked; one approver is enough for that."""
    return _answered(app().asks.reject(call.params["id"], call.caller, call.body.reason or ""))


def _answered(ask: Ask) -> QuestionAnswered:
    from shared.decision.asks import say_count

    says = ask.sentence if ask.status.over else f"approved ({say_count(ask)})"
    return QuestionAnswered(ask.id, ask.status, says, f"/api/rollbacks/{ask.id}")


@operation("GET", "answers/{token}", roles=ANYBODY, answer=Html, also=_NOT_SHOWN)
def show_question(call: Call) -> Reply:
    """The page that a link leads to; looking at it changes nothing."""
    pages = app().link_pages
    return _sent(pages.show(call.params["token"]) if pages else _no_page())


@operation("POST", "answers/{token}", roles=ANYBODY, answer=Html, also=_NOT_TAKEN, act=Act("ask.answer"))
def answer_question(call: Call[Form]) -> Reply:
    """Take the answer that the page's form sends, once; the page says what became of it."""
    pages = app().link_pages
    return _sent(pages.answer(call.params["token"], call.body, call.origin) if pages else _no_page())


def _no_page() -> "Page":
    """Return what every link leads to where none are made."""
    from shared.web.link_pages import Page
    from shared.web.pages import approval_page
    from shared.web.view import INVALID

    return Page(status=HTTPStatus.NOT_FOUND, html=approval_page(INVALID))


def _sent(page: "Page") -> Reply:
    answered = Answered(who=page.who, about=page.about, says=page.says) if page.who else None
    return Reply(page.status, page.html.encode(), HTML_MEDIA, page.headers, answered=answered)
