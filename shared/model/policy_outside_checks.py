"""What is wrong with the signals from outside of Azure Monitor that no single field can see."""

from collections.abc import Iterator, Mapping

from shared.model.journey_problems import KNOWN_GOOD, variables_of
from shared.model.policy import Policy
from shared.model.policy_outside_signals import PromqlSignal, SmokeSignal
from shared.model.policy_problem import Place, Problem
from shared.model.policy_road_checks import check_problems, unreachable
from shared.model.policy_verify import Check, Exchange, GetCheck, JourneyCheck, ResolvesCheck


def outside_problems(policy: Policy) -> Iterator[Problem]:
    """Yield them, and what is wrong with the checks that signals make."""
    for name, check in policy.checks.items():
        yield from check_problems(policy, policy.levels.traffic, ("checks", name), check)
    for name, signal in policy.signals.items():
        if isinstance(signal, PromqlSignal):
            yield from unreachable(policy, ("signals", name, "endpoint"), signal.endpoint)
        if isinstance(signal, SmokeSignal):
            yield from _smoke_problems(named_checks(policy), ("signals", name, "smoke"), signal)


def named_checks(policy: Policy) -> Mapping[str, Check]:
    """Return the checks that a signal can name: those of `checks`, then of a promotion, then of the levels."""
    found: dict[str, Check] = {}
    for level in reversed(policy.levels.by_number.values()):
        found |= level.verify.checks
    found |= policy.promotion.smoke if policy.promotion else {}
    return found | policy.checks


def _smoke_problems(checks: Mapping[str, Check], place: Place, signal: SmokeSignal) -> Iterator[Problem]:
    for number, name in enumerate(signal.smoke):
        check = checks.get(name)
        if check is None:
            known = ", ".join(sorted(checks)) or "none is defined"
            yield Problem(place, f"unknown check {name!r}; expected one of: {known}")
        elif not isinstance(check, GetCheck | JourneyCheck | ResolvesCheck):
            yield Problem(place, f"{name!r} speaks of a rollback; expected a check of `get`, `journey` or `resolves`")
        elif _wants_known_good(check):
            yield Problem(place, f"{name!r} expects the known-good build, which is not what serves; expected any build")
        if name in signal.smoke[:number]:
            yield Problem(place, f"{name!r} stands twice; expected each check once")


def _wants_known_good(check: Check) -> bool:
    requests: list[GetCheck | Exchange] = [check] if isinstance(check, GetCheck) else []
    if isinstance(check, JourneyCheck):
        requests += [*check.journey, *check.clean_up]
    return any(request.build is not None or KNOWN_GOOD in variables_of(request) for request in requests)
