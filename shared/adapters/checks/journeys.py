"""Makes requests as a user would and holds the answers against what the policy expects, through `Outbound` alone.

A journey ends at the first answer that is not as it must be; what it left behind is cleaned up in any case. Whatever
an answer gives is captured before it is judged: an order that was taken too slowly still has to be cancelled.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from shared.adapters.bounded_http import ADDRESS_ERRORS, parse_address
from shared.adapters.checks.answers import build_of, captured, shortcoming
from shared.adapters.checks.cookies import Cookies
from shared.adapters.checks.variables import filled, filled_body, filled_target
from shared.adapters.evidence import result
from shared.adapters.outbound import Outbound, Received
from shared.adapters.redirects import Ask, redirected
from shared.errors import PermanentError, TransientError
from shared.model.journey_problems import KNOWN_GOOD, say_request, variables_of
from shared.model.policy import Policy
from shared.model.policy_verify import Answer, Exchange, GetCheck, JourneyCheck
from shared.ports import CheckResult, Expected


@dataclass(frozen=True, slots=True, kw_only=True)
class _Step:
    """What came of one request; `why` says why it counts as failed."""

    request: str
    status: int | None = None
    build: str = ""
    latency_ms: float = 0.0
    why: str | None = None

    @property
    def shown(self) -> Mapping[str, Any]:
        return {
            "request": self.request,
            "status": self.status,
            "build": self.build,
            "latency_ms": round(self.latency_ms, 1),
            "note": self.why or "",
        }


@dataclass(frozen=True, slots=True)
class RequestChecker:
    """Fulfils `ports.Checker[GetCheck]`: a journey of one request."""

    outbound: Outbound

    def check(self, policy: Policy, check: GetCheck, expected: Expected) -> CheckResult:
        answer = {name: getattr(check, name) for name in Answer.model_fields}
        (step,) = _Journey(self.outbound, policy, expected, check.timeout).walk([Exchange(get=check.get, **answer)])
        came = step.why or f"{step.status} in {step.latency_ms:.0f} ms"
        return result(
            passed=step.why is None,
            note=f"{step.request}: {came}",
            evidence={"steps": [step.shown]},
            unanswered=step.status is None,
        )


@dataclass(frozen=True, slots=True)
class JourneyChecker:
    """Fulfils `ports.Checker[JourneyCheck]`."""

    outbound: Outbound

    def check(self, policy: Policy, check: JourneyCheck, expected: Expected) -> CheckResult:
        journey = _Journey(self.outbound, policy, expected, check.timeout)
        steps = journey.walk(check.journey)
        swept = journey.clean_up(check.clean_up)
        left = [f"; clean-up, {step.request}: {step.why}" for step in swept if step.why]
        evidence = {"steps": [step.shown for step in steps], "clean_up": [step.shown for step in swept]}
        return result(
            passed=steps[-1].why is None,
            note=_note(steps, len(check.journey)) + "".join(left),
            evidence=evidence,
            unanswered=steps[-1].status is None,
        )


def _note(steps: Sequence[_Step], planned: int) -> str:
    last = steps[-1]
    if last.why:
        return f"step {len(steps)} of {planned}, {last.request}: {last.why}"
    return f"{planned} of {planned} steps in {sum(step.latency_ms for step in steps):.0f} ms"


@dataclass(slots=True)
class _Journey:
    """One way through the site: what was captured so far, and the cookies."""

    outbound: Outbound
    policy: Policy
    expected: Expected
    timeout: timedelta
    cookies: Cookies = field(default_factory=Cookies)
    known: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        self.known = {KNOWN_GOOD: self.expected.known_good}

    def walk(self, requests: Sequence[Exchange]) -> list[_Step]:
        """Make the requests in order, up to the first whose answer is not as it must be."""
        steps: list[_Step] = []
        for request in requests:
            steps.append(self._take(request))
            if steps[-1].why:
                break
        return steps

    def clean_up(self, requests: Sequence[Exchange]) -> list[_Step]:
        """Make those requests for which everything is known; for the others there is nothing to clean up."""
        return [self._take(request) for request in requests if not self._unknown(request)]

    def _take(self, request: Exchange) -> _Step:
        if unknown := self._unknown(request):
            return _Step(request=say_request(request), why=f"{{{min(unknown)}}} stands for nothing that was captured")
        try:
            answer = self._send(request)
        except (PermanentError, TransientError) as error:
            return _Step(request=say_request(request), why=str(error))
        build = build_of(answer, self.policy.site.build.header)
        self.known |= captured(request, answer)
        why = shortcoming(request, answer, build, self.known, self.expected.known_good)
        return _Step(
            request=say_request(request), status=answer.status, build=build, latency_ms=answer.latency_ms, why=why
        )

    def _unknown(self, request: Exchange) -> set[str]:
        return variables_of(request) - self.known.keys()

    def _send(self, request: Exchange) -> Received:
        """Send a request and follow as many redirects as the policy lets, with the cookies of every host on the way.

        Raises:
            PermanentError, TransientError
        """
        ask, took = self._ask(request), timedelta(0)
        for left in range(self.policy.reach.redirects, -1, -1):
            answer = self._exchange(ask, self.timeout - took)
            took += timedelta(milliseconds=answer.latency_ms)
            onward = redirected(ask, answer.status, answer.headers.get("location", "")) if left else None
            if onward is None:
                break
            ask = onward
        return replace(answer, latency_ms=took / timedelta(milliseconds=1))

    def _exchange(self, ask: Ask, within: timedelta) -> Received:
        pairs = [pair for pair in (ask.headers.get("cookie", ""), self.cookies.sent_to(ask.address)) if pair]
        headers = {**ask.headers, **({"cookie": "; ".join(pairs)} if pairs else {})}
        answer = self.outbound.send(
            self.policy, ask.method, str(ask.address), headers=headers, body=ask.body, within=within
        )
        self.cookies.keep(ask.address, answer.headers)
        return answer

    def _ask(self, request: Exchange) -> Ask:
        target = filled_target(request.target, self.known)
        try:
            address = parse_address(self.policy.site.url + target if target.startswith("/") else target)
        except ADDRESS_ERRORS:
            raise PermanentError("the target is no http or https address") from None
        headers = {name.lower(): filled(value, self.known) for name, value in request.headers.items()}
        if not all(text.isascii() for pair in headers.items() for text in pair):
            raise PermanentError("a header holds what is no ASCII, which HTTP cannot send")
        body = None if request.body is None else json.dumps(filled_body(request.body, self.known)).encode()
        typed = {} if body is None else {"content-type": "application/json"}
        return Ask(request.method.upper(), address, typed | headers, body)
