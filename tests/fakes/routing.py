"""A road in simulated time whose desired state can be set again and again: weights, records, a flag.

What goes wrong with each call that sets it, and how late the control plane tells the truth, is its `RoutingFate`.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from shared.clock import Clock
from shared.errors import OutcomeUnknown, PermanentError, TransientError
from shared.model.policy import Policy
from shared.model.policy_roads import RoadBase
from shared.ports import Aim, Fence, RoadPicture
from tests.fakes.slots import NOTHING, Reply


@dataclass(frozen=True, slots=True, kw_only=True)
class RoutingFate:
    """What becomes of one call.

    Attributes:
        takes: How long the platform carries it out and shows that it is busy.
        stale: How long after that reads still tell what was before.
        undone: Somebody sets the other thing right after it.
    """

    reply: Reply = Reply.ACCEPTED
    takes: timedelta = NOTHING
    stale: timedelta = NOTHING
    undone: bool = False


@dataclass(slots=True)
class FakeRouting:
    """Fulfils `ports.Routing`.

    Attributes:
        fate: Asked once for every call that sets it.
        pause: How long a refusal for now asks to wait.
        calls: The fates of the calls so far, whether or not they arrived.
        called_at: When they were made.
    """

    clock: Clock
    good: bool = False
    why_not: str | None = None
    fate: Callable[[], RoutingFate] = RoutingFate
    pause: timedelta = timedelta(seconds=2)
    calls: list[RoutingFate] = field(default_factory=list)
    called_at: list[datetime] = field(default_factory=list)
    _busy_until: datetime | None = None
    _told_at: datetime | None = None

    def look(self, policy: Policy, road: RoadBase, aim: Aim) -> RoadPicture:
        now = self.clock()
        busy = self._busy_until is not None and now < self._busy_until
        told = self.good and not busy and (self._told_at is None or now >= self._told_at)
        return RoadPicture(established=told, busy=busy, why_not=self.why_not, shown={"good": told})

    def establish(self, policy: Policy, road: RoadBase, aim: Aim, fence: Fence) -> None:
        fence()
        fate, now = self.fate(), self.clock()
        self.calls.append(fate)
        self.called_at.append(now)
        if fate.reply is Reply.BUSY:
            raise TransientError("setting it: 429", retry_after=self.pause)
        if fate.reply is Reply.FORBIDDEN:
            raise PermanentError("setting it: 403 AuthorizationFailed")
        if fate.reply is not Reply.LOST_BEFORE:
            self.good = not fate.undone
            self._busy_until = now + fate.takes
            self._told_at = now + fate.takes + fate.stale
        if fate.reply is not Reply.ACCEPTED:
            raise OutcomeUnknown("setting it: the connection ended without an answer")

    @property
    def served_good(self) -> bool:
        """Whether people are on the good side by now."""
        return self.good and (self._busy_until is None or self.clock() >= self._busy_until)
