"""Whether a workload could be taken back, if it had to be: named findings, and what is kept from one check to the next.

`None` says that nobody could tell, which is never as good as yes.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from shared.model.quantity import say_span

# Checked every minute; what is older than this speaks of another time.
STALE_AFTER = timedelta(minutes=3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        ok: `None` when it could not be told.
        level: Of which level it speaks; `None` when of all of them.
        component, road: What it concerns there; the name of a check or a signal stands in `name`, behind a colon.
    """

    name: str
    ok: bool | None
    says: str
    level: int | None = None
    component: str = ""
    road: str = ""

    @property
    def sentence(self) -> str:
        return f"{self.road}: {self.says}" if self.road else self.says


def reasons_of(findings: Iterable[Finding]) -> tuple[str, ...]:
    """Say what is wrong, then what is unknown; what two levels have in common is said once."""
    doubtful = sorted((finding for finding in findings if finding.ok is not True), key=lambda one: one.ok is None)
    return tuple(dict.fromkeys(finding.sentence for finding in doubtful))


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What one check found.

    Attributes:
        ok: Every finding is.
        reasons: Sentences of those that are not, worst first, each once.
        stale: It is too old to speak of now.
    """

    workload: str
    ok: bool
    checked_at: datetime | None
    reasons: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    stale: bool = False

    @property
    def broken(self) -> bool:
        """Something is surely wrong, and not merely unknown."""
        return any(finding.ok is False for finding in self.findings)

    def as_of(self, now: datetime) -> "Report":
        """Return it as it counts now: a report that is too old is never a good one."""
        if self.checked_at is None or now - self.checked_at <= STALE_AFTER:
            return self
        old = f"nobody knows: it was last checked {say_span(now - self.checked_at)} ago"
        return replace(self, ok=False, reasons=(old, *self.reasons), stale=True)

    def why_not(self, level: int) -> tuple[str, ...]:
        """Return why a level could not be taken, none when it could: what only other levels lack is not among it."""
        if self.checked_at is None or self.stale:
            return self.reasons
        return reasons_of(finding for finding in self.findings if finding.level in (None, level))


@dataclass(frozen=True, slots=True, kw_only=True)
class Rehearsal:
    """How the last drill of a level ended."""

    at: datetime
    ok: bool
    sentence: str


@dataclass(frozen=True, slots=True)
class Rehearsals:
    """The last drill of each level."""

    levels: dict[int, Rehearsal] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class StickySettings:
    """The app settings that stay where they are when a slot is swapped; of each value, a fingerprint alone."""

    names: tuple[str, ...]
    production: dict[str, str]
    slot: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """The sticky settings as they were when things were known to be good.

    Attributes:
        since: When the known good was recorded or last verified: a later such moment makes a new baseline.
        salt: What the fingerprints were made with.
        slots: By the slot that is swapped.
    """

    since: datetime | None
    taken_at: datetime
    salt: str
    slots: dict[str, StickySettings] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What is kept: the last report, what people were told of it, and what drift is held against."""

    report: Report
    told: bool | None
    baseline: Baseline


@dataclass(frozen=True, slots=True, kw_only=True)
class Answering:
    """How people can answer a question here, as far as the app's settings go.

    Attributes:
        signed_in: Callers are recognised by the tenant; holders of a function key alone approve nothing.
        links: Channels are sent links to answer by.
    """

    signed_in: bool = False
    links: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What a check starts from that is kept for readiness alone.

    Attributes:
        baseline: `None` before there is one for what is known to be good now.
        channels: Those that are set up here.
        answering: How people can answer a question here.
    """

    rehearsals: Rehearsals = field(default_factory=Rehearsals)
    baseline: Baseline | None = None
    channels: frozenset[str] = frozenset()
    answering: Answering = Answering()
