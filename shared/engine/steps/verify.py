"""Seen from outside: what people are served, before and after the effects (law 9: done means seen from outside).

A level is verified by the proofs of the roads that were established, all of which must pass, and by the checks of the
policy, of which its share must pass. Every result is kept as evidence.
"""

from collections.abc import Mapping
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from shared.decision.road_times import GOOD_SINCE
from shared.decision.roads import COMPONENTS, SITE_ASKED
from shared.engine.incidents import outcome_of
from shared.engine.steps.step import Done, Look, Stop, Wait
from shared.errors import ControllerError
from shared.model.policy import Policy
from shared.model.policy_verify import CheckBase, ClientCheck, GetCheck, JourneyCheck
from shared.model.quantity import say_span
from shared.model.rollback import Rollback, StepPhase, StepRecord
from shared.ports import Checker, CheckResult, Expected

_MOST_SAID = 3
# What hears it from those who serve people; the other kinds read back what was set.
_ASKING = (ClientCheck, GetCheck, JourneyCheck)


@dataclass(frozen=True, slots=True)
class Checks:
    """Carries out checks at once, each by the checker of its kind."""

    checkers: Mapping[type[CheckBase], Checker[Any]]
    pool: Executor

    def results(self, policy: Policy, checks: Mapping[str, CheckBase], expected: Expected) -> dict[str, CheckResult]:
        tasks = {
            name: self.pool.submit(self.checkers[type(check)].check, policy, check, expected)
            for name, check in checks.items()
        }
        return {name: _result(task, name) for name, task in tasks.items()}


@dataclass(frozen=True, slots=True)
class LookBefore:
    """Records what is served before anything is done, and opens the connections that are looked through afterwards."""

    checks: Checks

    def observe(self, policy: Policy, run: Rollback, record: StepRecord, now: datetime) -> Look:
        level = policy.level(run.level)
        proofs = _proofs(policy, run, level.all_roads)
        clients = {
            name: check.model_copy(update={"requests": 1})
            for name, check in proofs.items()
            if isinstance(check, ClientCheck)
        }
        results = self.checks.results(policy, clients, _expected(run))
        seen = [request for result in results.values() for request in result.evidence.get("requests", ())]
        builds = sorted({request["build"] or "no build named" for request in seen if request["status"] is not None})
        note = f"outside sees {', '.join(builds)}" if builds else "nothing answers outside"
        return Done(note=note if clients else "no client of the site is looked through", evidence=_shown(results))


@dataclass(frozen=True, slots=True)
class VerifyOutside:
    """Desired state: what the roads promise and the policy asks is seen from outside, in several looks in a row."""

    checks: Checks

    def observe(self, policy: Policy, run: Rollback, record: StepRecord, now: datetime) -> Look:
        wanted = policy.level(run.level).verify
        taken = [step.road for step in run.steps if step.road and step.phase is StepPhase.DONE]
        proofs = _proofs(policy, run, tuple(taken))
        checks = {**proofs, **wanted.checks}
        seen = _Seen(self.checks.results(policy, checks, _expected(run)), frozenset(proofs), wanted.at_least)
        looks = record.evidence.get("good_looks", 0) + 1 if seen.good else 0
        evidence = {
            "good_looks": looks,
            "passed": len(seen.passed),
            "counted": len(seen.counted),
            GOOD_SINCE: (record.evidence.get(GOOD_SINCE) or now.isoformat()) if looks else None,
            COMPONENTS: _components(run, checks, seen),
            SITE_ASKED: any(isinstance(checks[name], _ASKING) for name in seen.counted),
            **_shown(seen.results),
        }
        if looks >= wanted.looks:
            return Done(note=f"{seen.sentence} in {looks} looks in a row{seen.silent}", evidence=evidence)
        if record.give_up_at is not None and now >= record.give_up_at:
            waited = say_span(now - (record.started_at or now))
            phase = StepPhase.PARTIAL if seen.partly else StepPhase.FAILED
            return Stop(phase=phase, note=f"after {waited} {seen.sentence}{seen.missing}", evidence=evidence)
        note = f"{seen.sentence}; good looks in a row: {looks}{seen.missing}"
        return Wait(until=now + wanted.look_every, note=note, evidence=evidence)


@dataclass(frozen=True, slots=True)
class _Seen:
    """The results of one look."""

    results: Mapping[str, CheckResult]
    required: frozenset[str]
    at_least: float

    @property
    def counted(self) -> list[str]:
        return [name for name, result in self.results.items() if result.passed is not None]

    @property
    def passed(self) -> list[str]:
        return [name for name, result in self.results.items() if result.passed]

    @property
    def failing(self) -> list[str]:
        return [name for name, result in self.results.items() if result.passed is False]

    @property
    def good(self) -> bool:
        enough = bool(self.passed) and len(self.passed) >= self.at_least * len(self.counted)
        return enough and not self.required & set(self.failing)

    @property
    def partly(self) -> bool:
        """Something of what the roads promise is seen, or of what is asked, when they promise nothing."""
        return bool(self.required & set(self.passed) if self.required else self.passed)

    @property
    def sentence(self) -> str:
        return f"{len(self.passed)} of {len(self.counted)} checks passed"

    @property
    def missing(self) -> str:
        said = [f"{name}: {self.results[name].note}" for name in self.failing[:_MOST_SAID]]
        more = [f"and {len(self.failing) - _MOST_SAID} more"] if len(self.failing) > _MOST_SAID else []
        return "".join(f"; {one}" for one in said + more)

    @property
    def silent(self) -> str:
        return "".join(f"; {name}: {result.note}" for name, result in self.results.items() if result.passed is None)


def _result(task: "Future[CheckResult]", name: str) -> CheckResult:
    found = outcome_of(task, f"check {name}")
    return CheckResult(passed=False, note=str(found)) if isinstance(found, ControllerError) else found


def _proofs(policy: Policy, run: Rollback, roads: tuple[str, ...]) -> dict[str, CheckBase]:
    """The proofs of some roads by name; what two of them share is asked once."""
    proofs: dict[str, CheckBase] = {}
    for road in roads:
        if road not in policy.all_roads:  # the policy was changed while the run was under way
            continue
        for name, check in policy.all_roads[road].proofs(road, policy.level(run.level).verify).items():
            if check not in proofs.values():
                proofs[f"{road}.{name}"] = check
    return proofs


def _expected(run: Rollback) -> Expected:
    acted_at = max((step.acted_at for step in run.steps if step.acted_at), default=run.created_at)
    return Expected(known_good=run.known_good, since=acted_at, rollback_id=run.id)


def _components(run: Rollback, checks: Mapping[str, CheckBase], seen: _Seen) -> list[str]:
    """The components of which the failing checks speak; none when one of them speaks of no component."""
    of_road = {step.road: step.component for step in run.steps if step.road}
    named = [checks[name].component or of_road.get(name.partition(".")[0], "") for name in seen.failing]
    return sorted(set(named)) if all(named) else []


def _shown(results: Mapping[str, CheckResult]) -> dict[str, Any]:
    return {
        "checks": {
            name: {"passed": result.passed, "note": result.note, **result.evidence} for name, result in results.items()
        }
    }
