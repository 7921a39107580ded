"""Asks resolvers where a name leads, past every cache of this machine.

All of them are asked at once. One that does not answer, or that says that there is no such name, has not agreed. An
answer agrees when its chain of CNAMEs has one of the names that are expected, or when it holds expected addresses and
no others; behind an expected name, the addresses are its owner's affair.
"""

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from shared.adapters.dns_names import plain
from shared.adapters.evidence import cut, result
from shared.model.policy import Policy
from shared.model.policy_verify import ResolvesCheck
from shared.ports import CheckResult, Expected

if TYPE_CHECKING:
    from dns.resolver import Resolver

_SYSTEM = "the system's resolver"
_DNS_PORT = 53
_MOST_TOLD = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class _Heard:
    """What one resolver said; `problem` stands in an answer's place, and it may be one although it answered."""

    resolver: str
    names: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    ttl_s: int = 0
    ms: float
    problem: str = ""
    answered: bool = True

    def agrees(self, expected: frozenset[str]) -> bool:
        if self.problem:
            return False
        return not expected.isdisjoint(self.names) or (bool(self.addresses) and expected.issuperset(self.addresses))

    @property
    def sentence(self) -> str:
        led = " -> ".join((*self.names, ", ".join(self.addresses) or "no address"))
        return f"{self.resolver} {self.problem or f'answers {cut(led)}'}"

    @property
    def evidence(self) -> Mapping[str, Any]:
        answers = [*self.names, *self.addresses]
        return {"answers": answers, "ttl": self.ttl_s, "ms": round(self.ms, 1), "problem": self.problem}


class ResolvesChecker:
    """Fulfils `ports.Checker[ResolvesCheck]`. Safe to use from many threads."""

    def __init__(self, pool: Executor) -> None:
        """`pool` asks the resolvers at once; nothing that runs in it may wait for it."""
        self._pool = pool

    def check(self, policy: Policy, check: ResolvesCheck, expected: Expected) -> CheckResult:
        resolvers = tuple(dict.fromkeys(check.resolvers)) or (_SYSTEM,)
        heard = list(self._pool.map(partial(_ask, check), resolvers))
        wanted = frozenset(map(plain, check.to))
        against = [each for each in heard if not each.agrees(wanted)]
        return result(
            passed=not against,
            note=_note(check, len(heard), against),
            evidence={"resolvers": {each.resolver: each.evidence for each in heard}},
            unanswered=bool(against) and not any(each.answered for each in against),
        )


def _note(check: ResolvesCheck, asked: int, against: Sequence[_Heard]) -> str:
    expected = " or ".join(check.to)
    if not against:
        return f"{check.resolves} leads to {expected}: {asked} of {asked} resolvers agree"
    told = "; ".join(each.sentence for each in against[:_MOST_TOLD])
    more = f"; and {len(against) - _MOST_TOLD} more" if len(against) > _MOST_TOLD else ""
    agree = f"{asked - len(against)} of {asked} resolvers agree"
    return f"{check.resolves} must lead to {expected} and nothing else: {agree}; {told}{more}"


def _ask(check: ResolvesCheck, resolver: str) -> _Heard:
    """Ask one resolver; what can go wrong is part of what is heard."""
    from dns.exception import DNSException
    from dns.resolver import NXDOMAIN

    begun = time.monotonic()
    try:
        names, addresses, ttl_s = _answer(_resolver(resolver), check)
    except (DNSException, OSError, OverflowError, ValueError) as error:
        answered = isinstance(error, NXDOMAIN)
        return _Heard(resolver=resolver, ms=_ms_since(begun), problem=_problem(error, check), answered=answered)
    return _Heard(resolver=resolver, names=names, addresses=addresses, ttl_s=ttl_s, ms=_ms_since(begun))


def _resolver(written: str) -> "Resolver":
    from dns.resolver import Resolver

    if written == _SYSTEM:
        return Resolver()
    address, _, port = written.partition("@")
    resolver = Resolver(configure=False)
    resolver.nameservers = [address]
    resolver.port = int(port or _DNS_PORT)
    return resolver


def _answer(resolver: "Resolver", check: ResolvesCheck) -> tuple[tuple[str, ...], tuple[str, ...], int]:
    """Return the names of the chain, the addresses at its end, and how long all of it may be kept, in seconds."""
    from dns.rdatatype import A

    answer = resolver.resolve(check.resolves, A, lifetime=check.timeout.total_seconds(), raise_on_no_answer=False)
    names = [plain(record.target.to_text()) for link in answer.chaining_result.cnames for record in link]
    addresses = sorted(record.address for record in answer.rrset or ())
    return tuple(names), tuple(addresses), min((rrset.ttl for rrset in answer.response.answer), default=0)


def _problem(error: Exception, check: ResolvesCheck) -> str:
    from dns.exception import Timeout
    from dns.resolver import NXDOMAIN, NoNameservers, NoResolverConfiguration

    words = {
        Timeout: f"did not answer within {check.timeout.total_seconds():g} s",
        NXDOMAIN: "says that there is no such name",
        NoNameservers: "refused or failed to answer",
        NoResolverConfiguration: "is not configured on this machine",
    }
    told = next((sentence for kind, sentence in words.items() if isinstance(error, kind)), None)
    return told or f"could not be asked: {type(error).__name__}"


def _ms_since(begun: float) -> float:
    return (time.monotonic() - begun) * 1000
