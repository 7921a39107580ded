"""Where callers show what they have: the product's own identities, a clock that is told, and the issuer over HTTP."""

import json
from base64 import b64encode
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Barrier
from typing import Any

from local.entra_issuer.launch import RunningIssuer
from local.entra_issuer.outages import Mode
from shared.adapters.entra import EntraIdentities, Pace
from shared.errors import NotAuthenticated, TransientError
from shared.model.caller import Role
from shared.ports.people import Presented
from tests.contract.identity.case import Answering, Call, Case, Later, Rotating, Step
from tests.fakes.clock import FakeClock

ORIGIN = "192.0.2.7"
_ECHO_LENGTH = 12


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a call came to, and what it was expected to come to."""

    status: int
    says: str
    expected: str
    leaks: bool = False

    def __str__(self) -> str:
        return f"{self.status} {self.says}".strip()

    @property
    def as_expected(self) -> bool:
        status, _, says = self.expected.partition(" ")
        fits = says == self.says if self.status == 200 else says in self.says
        return str(self.status) == status and fits and not self.leaks


@dataclass(frozen=True, slots=True)
class Played:
    """A row with what came of it."""

    case: Case
    outcomes: tuple[Outcome, ...]
    fetches: int

    @property
    def as_expected(self) -> bool:
        few_enough = self.case.fetches is None or self.fetches == self.case.fetches
        return few_enough and all(outcome.as_expected for outcome in self.outcomes)


class Desk:
    """One app, newly started, in front of an issuer."""

    def __init__(self, issuer: RunningIssuer, *, easy_auth: bool = False, pace: Pace | None = None) -> None:
        self.clock = FakeClock()
        self.issuer = issuer
        self.identities = EntraIdentities(
            tenant_id=issuer.tenant_id,
            audiences=issuer.audiences,
            authority=issuer.authority,
            easy_auth=easy_auth,
            pace=pace,
        )

    def take(self, step: Step) -> Iterator[Outcome]:
        """Take a step and yield what its calls came to."""
        match step:
            case Answering(mode, delay_s):
                self.issuer.answer_keys(mode, delay_s=delay_s)
            case Later(by):
                self.clock.forward(by.total_seconds())
            case Rotating():
                self.issuer.rotate()
            case Call(at_once=True):
                yield from self._all_at_once(step)
            case Call():
                yield from self._one_by_one(step)

    def _one_by_one(self, step: Call) -> Iterator[Outcome]:
        for number in range(step.times):
            if number:
                self.clock.forward(step.every.total_seconds())
            yield self.outcome(step, self._presented(step, number))

    def _all_at_once(self, step: Call) -> Iterator[Outcome]:
        presented, ready = self._presented(step, 0), Barrier(step.times)

        def one(_: int) -> Outcome:
            ready.wait()
            return self.outcome(step, presented)

        with ThreadPoolExecutor(step.times) as threads:
            yield from threads.map(one, range(step.times))

    def _presented(self, step: Call, number: int) -> Presented:
        """Return what is shown: a token that is issued now, unless the header is made without one."""
        stands_for = {"{authority}": self.issuer.authority, "{n}": str(number)}
        asked = _filled({"issued_at_s": self.clock.now.timestamp(), **step.asked}, stands_for)
        token = self.issuer.token(step.who, **asked)
        return Presented(authorization=step.header(token), principal=_encoded(step.principal), origin=ORIGIN)

    def outcome(self, step: Call, presented: Presented) -> Outcome:
        """Return what a call comes to in the words of HTTP."""
        try:
            caller = self.identities.of(presented, self.clock.now)
        except (NotAuthenticated, TransientError) as error:
            status = 401 if isinstance(error, NotAuthenticated) else 503
            return Outcome(status, str(error), step.expected, leaks=self._leaks(step, presented, str(error)))
        if not caller.may(step.needs):
            return Outcome(403, f"{caller.name} is not {step.needs}", step.expected)
        return Outcome(200, "+".join(role for role in Role if role in caller.roles), step.expected)

    def _leaks(self, step: Call, presented: Presented, sentence: str) -> bool:
        """Tell whether a sentence repeats what came from outside; what is expected may be said."""
        ours = {self.issuer.tenant_id, *self.issuer.audiences}
        foreign = (text for text in _texts(step.asked) if len(text) >= _ECHO_LENGTH and text not in ours)
        return echoes(presented, sentence) or any(text in sentence for text in foreign)


def play(issuer: RunningIssuer, case: Case) -> Played:
    """Play a row from the start; afterwards the issuer answers as usual."""
    desk = Desk(issuer, easy_auth=case.easy_auth, pace=Pace(fetch_within=case.fetch_within))
    before = issuer.state()["fetches"]
    try:
        outcomes = tuple(outcome for step in case.steps for outcome in desk.take(step))
    finally:
        issuer.answer_keys(Mode.UP)
    return Played(case, outcomes, issuer.state()["fetches"] - before)


def echoes(presented: Presented, sentence: str) -> bool:
    """Tell whether a sentence repeats a piece of what was presented."""
    shown = [presented.authorization.partition(" ")[2], presented.principal]
    pieces = (text[start : start + _ECHO_LENGTH] for text in shown for start in range(len(text) - _ECHO_LENGTH + 1))
    return any(piece in sentence for piece in pieces)


def _filled(asked: Any, stands_for: dict[str, str]) -> Any:
    text = json.dumps(asked)
    for word, meaning in stands_for.items():
        text = text.replace(word, meaning)
    return json.loads(text)


def _texts(asked: Any) -> Iterator[str]:
    """Yield every text within what was asked for."""
    if isinstance(asked, str):
        yield asked
    elif isinstance(asked, Mapping):
        yield from (text for value in asked.values() for text in _texts(value))
    elif isinstance(asked, list):
        yield from (text for value in asked for text in _texts(value))


def _encoded(principal: Any) -> str:
    return principal if isinstance(principal, str) else b64encode(json.dumps(principal).encode()).decode()
