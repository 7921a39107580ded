"""Seen from outside: what people are served, before and after the effects (law 9: done means seen from outside).

A level is verified by the proofs of the roads that were established, all of which must pass, and by the checks of the
policy, of which its share must pass. Every result is kept as evidence. A rollback gives up at its deadline, since what
nobody sees is not done; a promotion has none, and only what was seen to be bad ends it (law 6).
"""

from collections.abc import Mapping, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from shared.decision.bake import BAD_AT_MOST, BAD_S, LOOKED_AT, bad_for
from shared.decision.road_times import SEEN_SINCE
from shared.decision.roads import COMPONENTS, KNOWN_GOOD_SERVED, SITE_ASKED
from shared.engine.incidents import outcome_of
from shared.engine.steps.step import Done, Look, Stop, Wait
from shared.errors import ControllerError
from shared.model.policy import Policy
from shared.model.policy_levels import EMERGENCY
from shared.model.policy_roads import RoadBase, SlotSwapRoad
from shared.model.policy_verify import CheckBase, ClientCheck, GetCheck, JourneyCheck, Verification
from shared.model.quantity import say_span
from shared.model.run import Run, RunKind, StepPhase, StepRecord
from shared.ports import Checker, CheckResult, Expected

# Evidence of a verification: how many looks in a row were good.
GOOD_LOOKS = "good_looks"
_MOST_SAID = 3
_ROUNDING = 1e-9
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

    def observe(self, policy: Policy, run: Run, record: StepRecord, now: datetime) -> Look:
        level = policy.level(run.level)
        clients = {
            proof.name: proof.check.model_copy(update={"requests": 1})
            for proof in _proofs(_roads(policy, level.all_roads), level.verify)
            if isinstance(proof.check, ClientCheck)
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

    def observe(self, policy: Policy, run: Run, record: StepRecord, now: datetime) -> Look:
        wanted = _verification(policy, run)
        proofs = _proofs(_promised(policy, run), wanted)
        checks = {proof.name: proof.check for proof in proofs} | wanted.checks
        results = self.checks.results(policy, checks, _expected(run))
        seen = _Seen(results, frozenset(proof.name for proof in proofs), wanted.at_least)
        looks = record.evidence.get(GOOD_LOOKS, 0) + 1 if seen.good else 0
        evidence = {
            GOOD_LOOKS: looks,
            "passed": len(seen.passed),
            "counted": len(seen.counted),
            SEEN_SINCE: _seen_since(record, proofs, seen, now),
            COMPONENTS: _components(run, proofs, wanted.checks, seen),
            SITE_ASKED: any(isinstance(checks[name], _ASKING) for name in seen.counted),
            KNOWN_GOOD_SERVED: any(_names_build(checks[name]) for name in seen.passed),
            **_shown(seen.results),
        } | _counted_bad(record, seen, now)
        if looks >= wanted.looks:
            return Done(note=f"{seen.sentence} in {looks} looks in a row{seen.silent}", evidence=evidence)
        waited = _given_up_after(record, evidence, now)
        if waited is not None:
            phase = StepPhase.PARTIAL if seen.partly else StepPhase.FAILED
            return Stop(phase=phase, note=f"after {waited} {seen.sentence}{seen.missing}", evidence=evidence)
        note = f"{seen.sentence}; good looks in a row: {looks}{seen.missing}"
        return Wait(until=now + wanted.look_every, note=note, evidence=evidence)


@dataclass(frozen=True, slots=True)
class _Proof:
    """A check that roads of a run promise to pass; what several of them promise is asked once."""

    name: str
    check: CheckBase
    roads: tuple[str, ...]


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
        # A share of 56 % of 25 checks is 14 of them, and 14.000000000000002 for a computer.
        enough = bool(self.passed) and len(self.passed) >= self.at_least * len(self.counted) - _ROUNDING
        return enough and not self.required & set(self.failing)

    @property
    def bad(self) -> bool:
        """What gave no answer may be good: what did answer is bad enough."""
        hoped = {
            name: replace(result, passed=True) if result.unanswered else result for name, result in self.results.items()
        }
        with_luck = replace(self, results=hoped)
        return bool(with_luck.failing) and not with_luck.good

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
    return CheckResult(passed=False, note=str(found), unanswered=True) if isinstance(found, ControllerError) else found


def _counted_bad(record: StepRecord, seen: _Seen, now: datetime) -> dict[str, Any]:
    """Without a deadline, the looks that saw what is bad are counted."""
    if record.give_up_at is not None:
        return {}
    return {BAD_S: bad_for(record, now, bad=seen.bad).total_seconds(), LOOKED_AT: now.isoformat()}


def _given_up_after(record: StepRecord, evidence: Mapping[str, Any], now: datetime) -> str | None:
    """Say after what it is given up now, or nothing while it is not."""
    if record.give_up_at is not None:
        return say_span(now - (record.started_at or now)) if now >= record.give_up_at else None
    bad = timedelta(seconds=evidence[BAD_S])
    return f"{say_span(bad)} of bad looks" if bad >= BAD_AT_MOST else None


def _answered_for(run: Run) -> tuple[str, ...]:
    """The roads that the run stands by: the last established one of each component, or the emergency's alone."""
    last = {step.component: step.road for step in run.steps if step.road and step.phase is StepPhase.DONE}
    return (last[EMERGENCY],) if EMERGENCY in last else tuple(last.values())


def _verification(policy: Policy, run: Run) -> Verification:
    """A build that goes forward is looked at as one that comes back by level 1."""
    promoted = run.kind is RunKind.PROMOTION
    return policy.levels.traffic.verify if promoted else policy.level(run.level).verify


def _promised(policy: Policy, run: Run) -> dict[str, RoadBase]:
    """What the run stands by: a promotion by its swap, a rollback by its roads; a drill has changed nothing."""
    if run.slot:
        return {"promoted": SlotSwapRoad(slot_swap=run.slot)}
    return {} if run.kind is RunKind.DRILL else _roads(policy, _answered_for(run))


def _roads(policy: Policy, names: tuple[str, ...]) -> dict[str, RoadBase]:
    # The policy may have been changed while the run was under way.
    return {name: policy.all_roads[name] for name in names if name in policy.all_roads}


def _proofs(roads: Mapping[str, RoadBase], by: Verification) -> list[_Proof]:
    proofs: list[_Proof] = []
    for road, promises in roads.items():
        for name, check in promises.proofs(road, by).items():
            place = next((place for place, each in enumerate(proofs) if each.check == check), None)
            if place is None:
                proofs.append(_Proof(f"{road}.{name}", check, (road,)))
            else:
                proofs[place] = replace(proofs[place], roads=(*proofs[place].roads, road))
    return proofs


def _seen_since(record: StepRecord, proofs: Sequence[_Proof], seen: _Seen, now: datetime) -> dict[str, str]:
    """Since which look all that a road promises has been seen, by road."""
    before: Mapping[str, str] = record.evidence.get(SEEN_SINCE, {})
    unseen = {road for proof in proofs if proof.name in seen.failing for road in proof.roads}
    roads = {road for proof in proofs if proof.name in seen.passed for road in proof.roads} - unseen
    return {road: before.get(road, now.isoformat()) for road in sorted(roads)}


def _names_build(check: CheckBase) -> bool:
    """Whether it passes only where the known-good build answers."""
    if isinstance(check, JourneyCheck):
        return any(request.build is not None for request in check.journey)
    return isinstance(check, ClientCheck) or (isinstance(check, GetCheck) and check.build is not None)


def _expected(run: Run) -> Expected:
    acted_at = max((step.acted_at for step in run.steps if step.acted_at), default=run.created_at)
    return Expected(known_good=run.build, since=acted_at, rollback_id=run.id)


def _components(run: Run, proofs: Sequence[_Proof], own: Mapping[str, CheckBase], seen: _Seen) -> list[str]:
    """The components of which the failing checks speak; none when one of them speaks of no component."""
    of_road = {step.road: step.component for step in run.steps if step.road}
    spoken_of = {proof.name: {of_road.get(road, "") for road in proof.roads} - {""} for proof in proofs}
    spoken_of |= {name: {check.component} if check.component else set() for name, check in own.items()}
    named = [spoken_of[name] for name in seen.failing]
    return sorted(set().union(*named)) if all(named) else []


def _shown(results: Mapping[str, CheckResult]) -> dict[str, Any]:
    return {
        "checks": {
            name: {"passed": result.passed, "note": result.note, **result.evidence} for name, result in results.items()
        }
    }
