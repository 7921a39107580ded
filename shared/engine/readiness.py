"""The use case of readiness: look, judge, keep the report, and tell people when it turns.

A check of a workload costs four storage transactions: a scan of what is pending, a scan of what is kept for readiness,
one of what holds for the fleet, and one commit of the new report together with the event of its turning.
"""

import logging
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from datetime import datetime
from secrets import token_hex

from shared.clock import Clock
from shared.decision.cycle import Known
from shared.decision.readiness import report_of
from shared.engine.commit import commit_and_ring
from shared.engine.fleet import FLEET, PAUSE, Fleet
from shared.engine.incidents import outcomes_of
from shared.engine.readiness_survey import Survey
from shared.engine.records import NOW, REHEARSED, STARTS, announce, decode, encode, snapshot
from shared.engine.start import known_of
from shared.errors import ControllerError, LostRace
from shared.model.event import Event, EventKind
from shared.model.fleet import Claims, Pause
from shared.model.policy import Policy, policy_of
from shared.model.quantity import say_moment
from shared.model.readiness import Answering, Baseline, Kept, Rehearsals, Report, Standing
from shared.model.readiness_facts import World
from shared.model.run import RunStatus
from shared.ports import Doorbell, Insert, Ledger, Replace, Row, Write

log = logging.getLogger(__name__)

# One scan of their common prefix reads both.
_PREFIX = "now:1:re"
READINESS = "now:1:readiness"
_SALT_BYTES = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """What was kept when a check began."""

    known: Known
    busy: bool
    kept: Kept
    standing: Standing | None
    version: str | None
    salt: str

    @property
    def told(self) -> bool | None:
        """What people heard last."""
        return self.standing.told if self.standing else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Readiness:
    """Checks whether workloads could be taken back, if they had to be.

    Attributes:
        channels: The channels that are set up here.
        answering: How people can answer a question here.
        pool: Runs the checks of workloads; the survey has a pool of its own, for which these wait.
    """

    ledger: Ledger
    doorbell: Doorbell
    survey: Survey
    policies: Callable[[], Mapping[str, Policy]]
    fleet: Fleet
    channels: Collection[str]
    answering: Answering
    clock: Clock
    pool: Executor

    def run(self) -> list[str]:
        """Check all workloads. What goes wrong with one is its own and disturbs no other.

        Returns:
            One sentence per workload.
        """
        tasks = {name: self.pool.submit(self.check, name) for name in self.policies()}
        return [_sentence(name, outcome) for name, outcome in outcomes_of(tasks, "readiness").items()]

    def check(self, workload: str) -> Report:
        """Look at everything now, keep what was found, and tell people if it turned.

        Raises:
            NotFound: no such workload.
            TransientError: the storage does not answer.
            PermanentError: a record cannot be read.
        """
        policy = policy_of(self.policies(), workload)
        found = self._found(policy)
        good = found.known.known_good
        world = self.survey.of(policy, good.build if good else "", found.salt)
        now = self.clock()
        report = report_of(policy, found.known, found.kept, world, now)
        try:
            self._keep(policy, found, report, _baseline(found, world, now))
        except LostRace:
            log.info("%s: another check was faster", workload)
        return report

    def report(self, workload: str) -> Report:
        """Return what the last check found; one that is too old is not ready, and neither is one that never was.

        Raises:
            NotFound: no such workload.
            TransientError: the storage does not answer.
            PermanentError: the record cannot be read.
        """
        policy_of(self.policies(), workload)
        row = self.ledger.read(workload, READINESS)
        if row is None:
            return Report(workload=workload, ok=False, checked_at=None, reasons=("it was never checked",))
        return decode(Standing, row.body).report.as_of(self.clock())

    def _found(self, policy: Policy) -> _Found:
        rows = {row.key: row for row in self.ledger.scan(policy.workload, _PREFIX)}
        seen = snapshot(self.ledger, policy.workload)
        known = replace(known_of(policy, seen), fleet=self._held_by_fleet())
        standing = _decoded(Standing, rows.get(READINESS))
        rehearsals = _decoded(Rehearsals, rows.get(REHEARSED)) or Rehearsals()
        baseline = standing.baseline if standing and standing.baseline.since == _good_since(known) else None
        row = rows.get(READINESS)
        return _Found(
            known=known,
            busy=seen.active is not None,
            kept=Kept(
                rehearsals=rehearsals,
                baseline=baseline,
                channels=frozenset(self.channels),
                answering=self.answering,
            ),
            standing=standing,
            version=row.version if row else None,
            salt=baseline.salt if baseline else token_hex(_SALT_BYTES),
        )

    def _held_by_fleet(self) -> str | None:
        """Return why the fleet lets no rollback start, without claiming one."""
        rows = {row.key: row for row in self.ledger.scan(FLEET, NOW)}
        if PAUSE in rows:
            return str(decode(Pause, rows[PAUSE].body))
        claims = decode(Claims, rows[STARTS].body) if STARTS in rows else Claims()
        free_at = self.fleet.budget.free_at(claims.moments, self.clock())
        budget = self.fleet.budget
        return (
            f"the fleet's budget of {budget} is used up; automatic again at {say_moment(free_at)}" if free_at else None
        )

    def _keep(self, policy: Policy, found: _Found, report: Report, baseline: Baseline) -> None:
        turned = _turned(found, report)
        # Nobody has to be told that all is well, as long as they never heard otherwise.
        told = report.ok if turned or (found.told is None and report.ok) else found.told
        body = encode(Standing(report=report, told=told, baseline=baseline))
        writes: list[Write] = [
            Insert(READINESS, body) if found.version is None else Replace(READINESS, body, found.version),
            *(announce(turned, policy.notify) if turned else ()),
        ]
        commit_and_ring(self.ledger, self.doorbell, policy.workload, writes)


def _turned(found: _Found, report: Report) -> Event | None:
    """Return what people are to be told.

    What could merely not be told for one minute is not worth waking anybody, and while a rollback or a promotion runs
    it is that which people hear of.
    """
    before = found.standing
    known_already = found.told is report.ok or (found.told is None and report.ok)
    if found.busy or known_already or report.checked_at is None:
        return None
    if not report.ok and not report.broken and (before is None or before.report.ok):
        return None
    kind = EventKind.READY if report.ok else EventKind.NOT_READY
    return Event(workload=report.workload, kind=kind, at=report.checked_at, sentence=_said(report))


def _said(report: Report) -> str:
    if report.ok:
        return "ready: it could be taken back"
    first, *more = report.reasons
    others = f"; and {len(more)} more" if more else ""
    return f"not ready: it could not be taken back for sure: {first}{others}"


def _good_since(known: Known) -> datetime | None:
    """Return when things were last known to be good."""
    recorded = known.known_good.recorded_at if known.known_good else None
    last = known.last_rollback
    verified = last.ended_at if last and last.status is RunStatus.VERIFIED else None
    return max((at for at in (recorded, verified) if at is not None), default=None)


def _baseline(found: _Found, world: World, now: datetime) -> Baseline:
    """Return the baseline with every slot that has none yet and could be read."""
    known = found.kept.baseline or Baseline(since=_good_since(found.known), taken_at=now, salt=found.salt)
    swaps = [swap for swap in world.swaps.values() if not isinstance(swap, ControllerError)]
    seen = {swap.slot: swap.sticky for swap in swaps if not isinstance(swap.sticky, ControllerError)}
    return replace(known, slots={**seen, **known.slots})


def _decoded[T](kind: type[T], row: Row | None) -> T | None:
    return decode(kind, row.body) if row else None


def _sentence(workload: str, outcome: Report | ControllerError) -> str:
    if isinstance(outcome, ControllerError):
        log.error("%s: readiness was not checked: %s", workload, outcome)
        return f"{workload}: readiness was not checked: {outcome}"
    return f"{workload}: {_said(outcome)}"
