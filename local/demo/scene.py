"""One play of a scenario while it runs: what was done to the world, when, and what the app said last."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from local.demo.pace import Pace, Promptness
from local.demo.users import Kind, Tally, Users, Visit, tally
from local.demo.world import AppEvent, AppView, SiteView, World

GOOD_BUILD = "2026.11.1-good"
ANNOUNCED = "change announced"
FAULT = "fault injected"
HEALED = "fault gone"
KILLED = "host killed"
RESTARTED = "host back"
PAGED = "people told"
PROMOTING, SWAPPED = "promotion asked for", "swap accepted"
PAUSED, RESUMED = "fleet paused", "fleet resumed"
ASKED = "a person is asked"
APPROVED = "a person approved"
SENT_BACK = "a person must look again"
# The last moments of a run say how people are served in the end; about 10 requests a second of each kind.
LAST_WORD_S = 3.0
_RECENT_S = 5.0


@dataclass(frozen=True, slots=True)
class Mark:
    """Something that the demo itself did or noticed; `at_s` is Unix time."""

    at_s: float
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Glance:
    """What a person who looks at the demo sees at one moment."""

    seconds: float
    since: str
    verdict: str
    sentence: str
    recent: Tally
    serving: Mapping[Kind, str]


@dataclass
class Scene:
    """The running play; hooks of a scenario change the world through it.

    Attributes:
        sent_back_from: The link by which somebody answered what was not asked any more.
    """

    world: World
    users: Users
    pace: Pace
    new_build: str
    started_at_s: float = field(default_factory=time.time)
    app: AppView | None = None
    marks: dict[str, Mark] = field(default_factory=dict)
    heard_first: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    sent_back_from: str = ""

    def mark(self, what: str, sentence: str, at_s: float | None = None) -> None:
        """Note that something was done; now, if no time is given."""
        self.marks[what] = Mark(time.time() if at_s is None else at_s, sentence)

    def seconds_since(self, what: str) -> float | None:
        """Seconds since a mark; `None` if there is none yet."""
        return time.time() - self.marks[what].at_s if what in self.marks else None

    def lasted(self, what: str, seconds: float) -> bool:
        """Whether a mark is there and was set at least so long ago."""
        since = self.seconds_since(what)
        return since is not None and since >= seconds

    def ago(self, at: datetime) -> float:
        """Seconds since a time that the app tells."""
        return time.time() - at.timestamp()

    def look(self) -> None:
        """Ask the app what it says now."""
        self.app = self.world.app()

    def glance(self) -> Glance:
        """What there is to see now."""
        now = time.time()
        visits = self.users.visits[-500:]
        since = next((what for what in (FAULT, ANNOUNCED) if what in self.marks), "start")
        return Glance(
            seconds=now - (self.marks[since].at_s if since in self.marks else self.started_at_s),
            since=since,
            verdict=self.app.verdict if self.app else "",
            sentence=self.app.sentence if self.app else "the app does not answer",
            recent=tally(visit for visit in visits if now - visit.at_s <= _RECENT_S),
            serving={visit.kind: visit.build for visit in visits if visit.build},
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """A play that is over, with everything that was seen of it from outside; times are Unix seconds.

    Attributes:
        came_to_end: It ended by itself and not because patience ran out.
        events: The app's history since the change was announced, oldest first.
        told: Kinds of the notifications that people received.
        heard_first: What was said right after the fault, by question.
        heard_last: What was said in the end.
        doubled: How many queue messages were delivered twice.
        outcome: The app's final sentence.
    """

    scenario: str
    new_build: str
    kinds: tuple[Kind, ...]
    marks: Mapping[str, Mark]
    ended_at_s: float
    came_to_end: bool
    promptness: Promptness | None
    app: AppView
    events: tuple[AppEvent, ...]
    site: SiteView
    visits: tuple[Visit, ...]
    told: tuple[str, ...]
    heard_first: Mapping[str, tuple[str, ...]]
    heard_last: Mapping[str, tuple[str, ...]]
    doubled: int
    outcome: str

    @property
    def fault_at_s(self) -> float | None:
        return self.marks[FAULT].at_s if FAULT in self.marks else None

    @property
    def zero_s(self) -> float:
        """What seconds are counted from: the fault, or the change where nothing was broken."""
        return self.marks[FAULT if FAULT in self.marks else ANNOUNCED].at_s

    @property
    def last_visits(self) -> tuple[Visit, ...]:
        """How people were served in the end."""
        return tuple(visit for visit in self.visits if visit.at_s >= self.ended_at_s - LAST_WORD_S)

    def first(self, kind: str, about: str | None = None) -> AppEvent | None:
        """The first event of a kind, about something if that is given."""
        return next((one for one in self.events if one.kind == kind and about in (None, one.about)), None)
