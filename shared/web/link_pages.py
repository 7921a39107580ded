"""The two ways to use a link: looking at it, which never does anything, and answering, which does.

Scanners of mail and chat follow every link that passes; none of them sends a form. A link is all that an answer needs:
there is no session that another site could ride on.
"""

from dataclasses import dataclass, field
from http import HTTPStatus
from urllib.parse import parse_qs

from shared.adapters.links import Links, may_answer
from shared.clock import Clock
from shared.decision.asks import link_id, say_count, spent_link
from shared.engine.asks import Asks
from shared.errors import ControllerError, Forbidden, NotFound, Refused, TransientError
from shared.model.ask import Ask, LinkClaim
from shared.model.caller import Caller, Proof
from shared.web.pages import approval_page, page_headers
from shared.web.view import INVALID, ApprovalView, PageState, approval_view

_LARGEST_FORM_BYTES = 4096
_MOST_FIELDS = 4
_STATUS: dict[type[ControllerError], HTTPStatus] = {
    Refused: HTTPStatus.CONFLICT,
    Forbidden: HTTPStatus.FORBIDDEN,
    NotFound: HTTPStatus.NOT_FOUND,
    TransientError: HTTPStatus.SERVICE_UNAVAILABLE,
}
_UNREAD = ApprovalView(
    state=PageState.INVALID,
    title="This cannot be shown right now",
    headline="The storage does not answer. Open the link again in a moment.",
)
_READ_LATER = ApprovalView(
    state=PageState.INVALID,
    title="Your answer was taken",
    headline="The storage does not answer right now. Open the link again in a moment to see what became of it.",
)
_UNSURE = ApprovalView(
    state=PageState.INVALID,
    title="Nobody knows yet whether your answer was taken",
    headline="The storage does not answer. Open the link again in a moment: answering twice is safe.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What is sent to a browser.

    Attributes:
        about: The question, for the audit; empty for a link that is none.
        who: Who sent the answer, for the audit.
        says: What became of it.
    """

    status: HTTPStatus
    html: str
    headers: dict[str, str] = field(default_factory=page_headers)
    about: str = ""
    who: Caller | None = None
    says: str = ""


@dataclass(frozen=True, slots=True)
class LinkPages:
    """Shows questions to whoever holds a link to them, and takes their answers."""

    asks: Asks
    links: Links
    clock: Clock

    def show(self, token: str) -> Page:
        """Return the page that a link leads to. It changes nothing, however often it is asked for."""
        claim = self.links.read(token)
        if claim is None:
            return _page(HTTPStatus.NOT_FOUND, INVALID)
        try:
            view = self._view(token, claim)
        except TransientError:
            return _page(HTTPStatus.SERVICE_UNAVAILABLE, _UNREAD)
        return _page(HTTPStatus.NOT_FOUND if view is INVALID else HTTPStatus.OK, view)

    def answer(self, token: str, form: bytes, origin: str) -> Page:
        """Take the answer of a form and return the page that says what became of it.

        Args:
            origin: Address that it came from, as the platform tells it.
        """
        claim = self.links.read(token)
        if claim is None:
            return _page(HTTPStatus.NOT_FOUND, INVALID)
        who = Caller(
            id=link_id(claim.recipient), name=claim.recipient, roles=frozenset(), proof=Proof.LINK, origin=origin
        )
        try:
            ask, status = self._take(claim, who, form), HTTPStatus.OK
            says = ask.sentence if ask.status.over else f"approved ({say_count(ask)})"
        except ControllerError as error:
            says = str(error)
            found = (status for kind, status in _STATUS.items() if isinstance(error, kind))
            status = next(found, HTTPStatus.SERVICE_UNAVAILABLE)
        return self._outcome(token, claim, who, says, status)

    def _take(self, claim: LinkClaim, who: Caller, form: bytes) -> Ask:
        answer, reason = _read(form)
        if self.clock() >= claim.expires_at:
            raise Refused("not taken: this link has expired")
        if answer == "approve":
            return self.asks.approve(claim.ask_id, who, claim.digest, reason, nonce=claim.nonce)
        if answer == "reject":
            return self.asks.reject(claim.ask_id, who, reason, digest=claim.digest, nonce=claim.nonce)
        raise Refused("not taken: expected one of the two buttons")

    def _outcome(self, token: str, claim: LinkClaim, who: Caller, says: str, status: HTTPStatus) -> Page:
        try:
            view = self._view(token, claim, "" if status is HTTPStatus.OK else says)
        except ControllerError:  # the answer was taken, or not: that must be said whatever cannot be read now
            view = _READ_LATER if status is HTTPStatus.OK else _UNSURE
        if status is HTTPStatus.SERVICE_UNAVAILABLE:
            view = _UNSURE
        return _page(status, view, claim.ask_id, who, says)

    def _view(self, token: str, claim: LinkClaim, notice: str = "") -> ApprovalView:
        """Return what a link shows now; the form answers by the link itself, which is used with that.

        Raises:
            TransientError: the storage does not answer.
        """
        ask = self.asks.find(claim.ask_id)
        if ask is None:
            return INVALID
        ask = self.asks.seen(ask)
        answered = any(one.by_id == link_id(claim.recipient) for one in ask.counted)
        if not may_answer(ask, claim.recipient):
            return approval_view(ask, self.clock(), answered=answered, notice=notice)
        spent = spent_link(ask, claim)
        if spent is not None:
            return approval_view(ask, self.clock(), closed=spent, notice=notice)
        stands, says = self.asks.standing(ask)
        return approval_view(ask, self.clock(), action=token, stands=stands, says=says, notice=notice)


def _read(form: bytes) -> tuple[str, str]:
    """Return which button was pressed, and the reason."""
    if len(form) > _LARGEST_FORM_BYTES:
        return "", ""
    try:
        fields = parse_qs(form.decode(), max_num_fields=_MOST_FIELDS)
    except ValueError:
        return "", ""
    return fields.get("answer", [""])[0], fields.get("reason", [""])[0]


def _page(status: HTTPStatus, view: ApprovalView, about: str = "", who: Caller | None = None, says: str = "") -> Page:
    return Page(status=status, html=approval_page(view), about=about, who=who, says=says)
