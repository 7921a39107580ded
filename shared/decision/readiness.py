"""Could this workload be taken back, if it had to be? A pure function of what is kept and what was just seen.

Every level is asked about, whether or not anything is wrong now. What could not be told counts as little as what is
wrong: a report is good only when every finding is.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from shared.decision.cycle import Known
from shared.decision.guards import Situation, rollback_limitation
from shared.decision.readiness_levels import Needed, level_findings
from shared.decision.readiness_people import approver_findings, people_finding
from shared.errors import ControllerError
from shared.model.change import ChangeStatus
from shared.model.policy import Policy
from shared.model.quantity import say_span
from shared.model.readiness import Finding, Kept, Report, reasons_of
from shared.model.readiness_facts import Answered, World
from shared.model.trigger import Verdict
from shared.model.watch import NEVER

_WATCHED_WITHIN = timedelta(minutes=1)


def report_of(policy: Policy, known: Known, kept: Kept, world: World, now: datetime) -> Report:
    """Return what the facts amount to."""
    findings = (*_workload_findings(policy, known, kept, world, now), *_levels(policy, known, kept, world, now))
    return Report(
        workload=policy.workload,
        ok=all(finding.ok is True for finding in findings),
        checked_at=now,
        reasons=reasons_of(findings),
        findings=findings,
    )


def _levels(policy: Policy, known: Known, kept: Kept, world: World, now: datetime) -> Iterator[Finding]:
    good = known.known_good.build if known.known_good else ""
    for number in policy.levels.by_number:
        needed = Needed(policy=policy, number=number, good=good, state=known.state, kept=kept, world=world, now=now)
        for finding in (*level_findings(needed), *approver_findings(policy, number, kept)):
            yield replace(finding, level=number)


def _workload_findings(policy: Policy, known: Known, kept: Kept, world: World, now: datetime) -> Iterator[Finding]:
    yield from _target(known)
    yield _live(known, world.live, now)
    yield _watched(known, now)
    yield _automatic(policy, known, world.live, now)
    yield people_finding(policy, kept)


def _target(known: Known) -> Iterator[Finding]:
    good = known.known_good
    if good is None:
        yield Finding(name="known_good", ok=False, says="no known-good build is recorded to go back to")
        return
    yield Finding(name="known_good", ok=True, says=f"build {good.build} is known to be good")
    why = known.quarantine.builds.get(good.build)
    says = f"the known-good build {good.build} is {why}" if why else f"build {good.build} is not in quarantine"
    yield Finding(name="quarantine", ok=why is None, says=says)


def _live(known: Known, seen: Answered | ControllerError, now: datetime) -> Finding:
    """A build that nobody announced is neither what was good nor what a rollback would know how to take back."""
    build = _build_of(seen) or known.state.build_seen_lately(now)
    if not build:
        note = str(seen) if isinstance(seen, ControllerError) else seen.note or "no answer named its build"
        return Finding(name="live", ok=None, says=f"nobody knows which build is live: {note}")
    announced = {known.known_good.build} if known.known_good else set()
    change = known.change
    if change is not None and (change.in_progress or change.status is ChangeStatus.COMPLETED):
        announced.add(change.build)
    if build in announced:
        return Finding(name="live", ok=True, says=f"build {build} is live")
    expected = " or ".join(sorted(announced)) or "one that is known"
    return Finding(name="live", ok=False, says=f"build {build} is live, which nobody announced; expected {expected}")


def _build_of(seen: Answered | ControllerError) -> str:
    return "" if isinstance(seen, ControllerError) else seen.build


def _watched(known: Known, now: datetime) -> Finding:
    state = known.state
    if state.watched_at == NEVER:
        return Finding(name="watched", ok=False, says="it is not watched yet")
    if now - state.watched_at > _WATCHED_WITHIN:
        return Finding(name="watched", ok=False, says=f"it was last watched {say_span(now - state.watched_at)} ago")
    if state.verdict is Verdict.BLIND:
        return Finding(name="watched", ok=False, says=state.sentence)
    return Finding(name="watched", ok=True, says="the watch sees")


def _automatic(policy: Policy, known: Known, seen: Answered | ControllerError, now: datetime) -> Finding:
    """Ask the guards as if something had begun to fire now.

    That there may be nothing to take back at this moment is no hindrance: that is what `swaps_only` would ask.
    """
    situation = Situation(
        now=now,
        guards=policy.guards,
        known_good=known.known_good,
        production_build=_build_of(seen) or known.state.build_seen_lately(now),
        active_rollback=known.active_rollback,
        last_rollback=known.last_rollback,
        swaps_only=False,
        change=known.change,
        started=known.started,
        quarantine=known.quarantine,
        fleet=known.fleet,
    )
    held_back = rollback_limitation(situation)
    says = f"an automatic rollback would be held back: {held_back}" if held_back else "nothing would hold one back"
    return Finding(name="automatic", ok=held_back is None, says=says)
