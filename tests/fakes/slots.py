"""A site with a slot that keeps the good build, in simulated time.

It swaps as App Service does: a swap is relative and not idempotent, takes time, is refused with a conflict while
another one runs, and is told by an operation id, by the time of the last swap, and by the settings that moved. What
goes wrong with each POST, and how late the control plane tells the truth, is its `Fate`.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from shared.clock import Clock
from shared.errors import Busy, OutcomeUnknown, PermanentError, TransientError
from shared.model.policy import Site
from shared.ports import OperationState, SitePicture

NOTHING = timedelta(0)


class Reply(StrEnum):
    """What becomes of one POST."""

    ACCEPTED = "accepted"
    LOST_AFTER = "accepted, reply lost"
    LOST_BEFORE = "lost on the way"
    LATE = "arrives after its sender gave up"
    BUSY = "refused for now (409 or 429)"
    FORBIDDEN = "forbidden"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fate:
    """What becomes of one POST and of the swap that it starts.

    Attributes:
        late: How long a `LATE` request travels.
        works: Whether the swap succeeds.
        hidden: How long after acceptance the site shows no operation id.
        stale: How long after the swap the settings still read as before it.
        stale_swap_status: The time of the last swap is told as late as the settings.
    """

    reply: Reply = Reply.ACCEPTED
    late: timedelta = NOTHING
    takes: timedelta = timedelta(seconds=8)
    works: bool = True
    hidden: timedelta = NOTHING
    stale: timedelta = NOTHING
    stale_swap_status: bool = False


@dataclass(frozen=True, slots=True)
class _Told:
    """What the control plane tells of builds and swaps, once it tells it."""

    production: str
    slot: str | None
    last_swap: str = ""


@dataclass(slots=True)
class _Swap:
    id: str
    fate: Fate
    accepted_at: datetime
    over: bool = False

    @property
    def ends_at(self) -> datetime:
        return self.accepted_at + self.fate.takes


@dataclass(slots=True)
class FakeSlotPair:
    """Fulfils `ports.SlotSite`.

    Attributes:
        fate: Asked once for every POST.
        posts: Every POST that was sent, with its fate; whether or not it arrived.
        switched_at: When production changed its build.
    """

    clock: Clock
    production: str = "b2"
    slot: str | None = "b1"
    fate: Callable[[], Fate] = Fate
    operations_expire: bool = False
    posts: list[Fate] = field(default_factory=list)
    switched_at: list[datetime] = field(default_factory=list)
    _swaps: list[_Swap] = field(default_factory=list)
    _arriving: list[tuple[datetime, Fate]] = field(default_factory=list)
    _before: _Told | None = None
    _last_swap: str = ""

    def look(self, site: Site, slot: str) -> SitePicture:
        now = self._catch_up()
        told, running = self._told(now), self._running
        shown = running and now >= running.accepted_at + running.fate.hidden
        return SitePicture(
            production_build=told.production,
            slot_build=told.slot,
            operation_id=running.id if running and shown else None,
            last_swap=told.last_swap,
        )

    def swap(self, site: Site, slot: str) -> str:
        now = self._catch_up()
        fate = self.fate()
        self.posts.append(fate)
        match fate.reply:
            case Reply.BUSY:
                raise TransientError("swapping: 429")
            case Reply.FORBIDDEN:
                raise PermanentError("swapping: 403 AuthorizationFailed")
            case Reply.LOST_BEFORE:
                raise OutcomeUnknown("swapping: the connection ended without an answer")
            case Reply.LATE:
                self._arriving.append((now + fate.late, fate))
                raise OutcomeUnknown("swapping: the connection ended without an answer")
        swap = self._accept(fate, now)
        if fate.reply is Reply.LOST_AFTER:
            raise OutcomeUnknown("swapping: the connection ended without an answer")
        if swap is None:
            raise Busy("swapping: 409 another operation is in progress")
        return swap.id

    def follow(self, site: Site, slot: str, token: str) -> tuple[OperationState, str]:
        self._catch_up()
        swap = next(swap for swap in self._swaps if swap.id == token)
        if swap.over and self.operations_expire:
            raise PermanentError("following the swap: 404 NotFound")
        if not swap.over:
            return OperationState.RUNNING, "InProgress"
        return (OperationState.SUCCEEDED, "Succeeded") if swap.fate.works else (OperationState.FAILED, "Failed")

    def swapped_by_hand(self, fate: Fate) -> None:
        """Somebody else swaps now."""
        self._accept(fate, self._catch_up())

    @property
    def served(self) -> str:
        """The build that people are served now."""
        self._catch_up()
        return self.production

    @property
    def other(self) -> str:
        """The build that the slot holds now."""
        self._catch_up()
        return self.slot or ""

    @property
    def platform_failed(self) -> bool:
        """A swap was accepted and failed by the platform's own fault."""
        return any(swap.over and not swap.fate.works for swap in self._swaps)

    @property
    def _running(self) -> _Swap | None:
        return next((swap for swap in self._swaps if not swap.over), None)

    def _accept(self, fate: Fate, at: datetime) -> _Swap | None:
        if self._running is not None:
            return None
        swap = _Swap(f"operation-{len(self._swaps) + 1}", fate, at)
        self._swaps.append(swap)
        return swap

    def _catch_up(self) -> datetime:
        """Carry out what has happened since the last call, in the order of time."""
        now = self.clock()
        while due := self._next_due(now):
            due()
        return now

    def _next_due(self, now: datetime) -> Callable[[], None] | None:
        running, arrival = self._running, min(self._arriving, key=lambda late: late[0], default=None)
        if running and running.ends_at <= now and (arrival is None or running.ends_at <= arrival[0]):
            return lambda: self._end(running)
        if arrival and arrival[0] <= now:
            return lambda: self._arrive(arrival)
        return None

    def _arrive(self, arrival: tuple[datetime, Fate]) -> None:
        self._arriving.remove(arrival)
        self._accept(arrival[1], arrival[0])

    def _end(self, swap: _Swap) -> None:
        swap.over = True
        if not swap.fate.works or self.slot is None:
            return
        self._before = _Told(self.production, self.slot, self._last_swap)
        self.production, self.slot = self.slot, self.production
        self._last_swap = f"{swap.ends_at.isoformat()} last-good production"
        self.switched_at.append(swap.ends_at)

    def _told(self, now: datetime) -> _Told:
        true = _Told(self.production, self.slot, self._last_swap)
        swap = next((swap for swap in reversed(self._swaps) if swap.over and swap.fate.works), None)
        if swap is None or self._before is None or now >= swap.ends_at + swap.fate.stale:
            return true
        old = self._before
        return old if swap.fate.stale_swap_status else _Told(old.production, old.slot, true.last_swap)
