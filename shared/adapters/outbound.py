"""Requests to addresses that a policy or a redirect names: the one way by which checks and hooks leave this app.

The app stands inside a network and holds an identity, so that an address from outside must not choose where it goes
(server-side request forgery). Only hosts that the policy names are asked, at addresses that `address_rules` lets; a
name is looked up once, and the connection goes to the addresses that were judged, while TLS is verified against the
name. A redirect is one more request under the same rules.
https://cheatsheetseries.owasp.org/cheatsheets/Server_Side_Request_Forgery_Prevention_Cheat_Sheet.html
"""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any, Never

import httpcore
import httpx

from shared.adapters.address_rules import refusal
from shared.adapters.bounded_http import ADDRESS_ERRORS, EXCHANGE_ERRORS, AddressRefused, Connection, parse_address
from shared.adapters.redirects import Ask, redirected
from shared.errors import ControllerError, OutcomeUnknown, PermanentError, TransientError
from shared.model.policy import Policy

_MOST_BODY_BYTES = 256 * 1024
_ALWAYS_SENT = {"user-agent": "rollback-controller/1", "accept-encoding": "identity"}
# Whom a request is for and where it ends is not for its sender to say: a Host of its own would ask a shared front end
# for somebody else's site.
_OURS_ALONE = frozenset({"host", "content-length", "transfer-encoding", "connection", "upgrade", "te", "trailer"})
_NEVER_SENT = (httpcore.ConnectError, httpcore.ConnectTimeout, httpcore.PoolTimeout)
_CANNOT_BE_SENT = (*ADDRESS_ERRORS, httpcore.LocalProtocolError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """An answer.

    Attributes:
        body: Its first 256 KiB.
        cut: There was more of the body.
        latency_ms: From the beginning of the first request to the end of this answer.
    """

    status: int
    headers: httpx.Headers
    body: bytes
    latency_ms: float
    cut: bool = False

    def json(self) -> Any:
        """Return the body as JSON.

        Raises:
            ValueError: it is none, or there was more of it.
        """
        if self.cut:
            raise ValueError(f"the answer is longer than {_MOST_BODY_BYTES // 1024} KiB")
        try:
            return json.loads(self.body, parse_constant=_refuse_constant)
        except RecursionError:
            raise ValueError("the answer is nested too deeply") from None


def _refuse_constant(word: str) -> Never:
    raise ValueError(f"{word} is no JSON")


class Outbound:
    """Sends requests for policies. Safe to use from many threads."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` tells seconds for deadlines and latencies."""
        self._clock = clock

    def send(
        self,
        policy: Policy,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] = {},
        body: bytes | None = None,
        within: timedelta,
        redirects: int = 0,
    ) -> Received:
        """Send a request and return what was answered, whatever its status.

        Args:
            within: Bounds all of it, redirects included.
            redirects: How many are followed; the one after them is the answer.

        Raises:
            PermanentError: the policy does not let it, or it cannot be sent.
            TransientError: nothing was sent.
            OutcomeUnknown: it was sent, and no whole answer came.
        """
        begun = self._clock()
        ask = Ask(method.upper(), address_of(url), _own(headers), body)
        answer = self._exchange(policy, ask, begun, within)
        for _ in range(redirects):
            onward = redirected(ask, answer.status, answer.headers.get("location", ""))
            if onward is None:
                break
            ask, answer = onward, self._follow(policy, onward, begun, within)
        return answer

    def _follow(self, policy: Policy, ask: Ask, begun: float, within: timedelta) -> Received:
        try:
            return self._exchange(policy, ask, begun, within)
        except TransientError as error:  # what led here was sent, and may have done something
            raise OutcomeUnknown(str(error)) from None

    def _exchange(self, policy: Policy, ask: Ask, begun: float, within: timedelta) -> Received:
        _demand_named(policy, ask)
        judge = partial(refusal, ask.host, private=policy.reach.private)
        left = within - timedelta(seconds=self._clock() - begun)
        url = str(ask.address)
        try:
            with (
                Connection(clock=self._clock, judge=judge) as connection,
                connection.exchange(ask.method, url, headers=ask.headers, body=ask.body, within=left) as answer,
            ):
                body, cut = _read(answer)
        except EXCHANGE_ERRORS as error:
            raise _translated(ask.host, error) from None
        latency_ms = (self._clock() - begun) * 1000
        headers = httpx.Headers(answer.headers)
        return Received(status=answer.status, headers=headers, body=body, latency_ms=latency_ms, cut=cut)


def _own(headers: Mapping[str, str]) -> dict[str, str]:
    lowered = {name.lower(): value for name, value in headers.items()}
    if refused := sorted(_OURS_ALONE & lowered.keys()):
        raise PermanentError(f"the header {refused[0]} is not for a policy to say")
    return _ALWAYS_SENT | lowered


def address_of(url: str) -> httpx.URL:
    """Return an address as it is asked for.

    Raises:
        PermanentError: it is none.
    """
    try:
        return parse_address(url)
    except ADDRESS_ERRORS:
        raise PermanentError("what is to be asked is no http or https address") from None


def _demand_named(policy: Policy, ask: Ask) -> None:
    if ask.address.userinfo:
        raise PermanentError(f"the address at {ask.host} holds a name or a password; credentials go into headers")
    if ask.host not in policy.named_hosts:
        raise PermanentError(f"the policy of {policy.workload} does not name the host {ask.host} (reach.hosts)")


def _read(answer: httpcore.Response) -> tuple[bytes, bool]:
    """Return the first of a body, and whether there was more."""
    body = bytearray()
    for piece in answer.iter_stream():
        body += piece
        if len(body) > _MOST_BODY_BYTES:
            break
    return bytes(body[:_MOST_BODY_BYTES]), len(body) > _MOST_BODY_BYTES


def _translated(host: str, error: Exception) -> ControllerError:
    """Return our error for one of an exchange, whose own text may quote a header."""
    if isinstance(error, AddressRefused):
        return PermanentError(str(error))
    if isinstance(error, _NEVER_SENT):
        return TransientError(f"{host} could not be reached: {type(error).__name__}")
    if isinstance(error, _CANNOT_BE_SENT):
        return PermanentError(f"the request to {host} cannot be sent: {type(error).__name__}")
    return OutcomeUnknown(f"{host} gave no whole answer: {type(error).__name__}")
