"""Cost Management as a source: what two resource groups cost, day by day, and each way in which nobody gets to know it.

A day is told when it is over, so that a step is half a day or less, and a fault is watched for days.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from shared.clock import Clock
from shared.ports import SampleSource
from tests.scenarios.fault_matrix.ground import Address, Story
from tests.scenarios.fault_matrix.kinds import Fault, Source
from tests.scenarios.fault_matrix.monitor import DOWN, FORBIDDEN, Azure

_GROUP = "/subscriptions/00000000-0000-0000-0000-0000000000aa/resourceGroups/{}"
_GROUPS = {Story.QUIET: "quiet", Story.PENDING: "pending", Story.UNHEARD: "quiet"}
_GOOD, _BAD = 10.0, 90.0
_HISTORY = timedelta(days=31)
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class BilledFace:
    """How a fault looks here: a fault of the simulator, or of what is in the books.

    Attributes:
        book: What else the books say than which day cost how much.
        closed: Nothing is written any more.
        late: So many days are not told yet.
    """

    fault: Mapping[str, Any] | None = None
    book: Mapping[str, Any] | None = None
    closed: bool = False
    late: int = 0


FACES: Mapping[Fault, Mapping[str, BilledFace]] = {
    Fault.DOWN: {name: BilledFace(fault) for name, fault in DOWN.items()},
    Fault.FORBIDDEN: {name: BilledFace(fault) for name, fault in FORBIDDEN.items()},
    Fault.EMPTY: {"answers hold no rows": BilledFace({"kind": "empty"})},
    Fault.STALE: {"the same answer again": BilledFace({"kind": "stale"})},
    Fault.NAN: {
        "every figure is NaN": BilledFace({"kind": "nan"}),
        "the bill is in another currency": BilledFace(book={"currency": "USD"}),
        "days are billed in two currencies": BilledFace(book={"others": {"USD": 1.0}}),
    },
    Fault.RENAMED: {
        "columns have other names": BilledFace({"kind": "renamed"}),
        "404": BilledFace({"kind": "status", "status": 404}),
    },
    Fault.NO_TRAFFIC: {
        "of days without use nothing is told": BilledFace(closed=True),
        "in part only": BilledFace({"kind": "partial"}),
    },
    Fault.SLOW: {
        "answers take longer than the time-out": BilledFace({"kind": "delay", "delay_s": 0.6}),
        "days are told a week late": BilledFace(late=7),
    },
}


class BilledGround:
    """Fulfils `Ground`."""

    def __init__(self, azure: Azure, clock: Clock, face: BilledFace | None) -> None:
        self._azure = azure
        self._clock = clock
        self._face = face
        self._met = BilledFace()
        today = clock().date()
        past = {today - ago * _DAY: _GOOD for ago in range(_HISTORY.days)}
        self._days: dict[str, dict[date, float]] = {group: dict(past) for group in set(_GROUPS.values())}
        azure.heal()

    def sources(self) -> Mapping[str, SampleSource]:
        return {"cost": self._azure.adapters[Source.COST]}

    def address(self, story: Story) -> Address:
        scope = _GROUP.format(_GROUPS[story])
        site = f"{scope}/providers/Microsoft.Web/sites/orders"
        return Address(site, "https://orders.example", {"SCOPE": scope})

    def turn(self, story: Story, *, bad: bool) -> None:
        """A day costs what was the case in its last step."""
        group, today = _GROUPS[story], self._clock().date()
        if not self._met.closed:
            self._days[group][today] = _BAD if bad else _GOOD
        told = {day.isoformat(): cost for day, cost in self._days[group].items() if self._is_told(day, today)}
        book = {"scope": _GROUP.format(group), "days": told, **(self._met.book or {})}
        self._azure.simulator.control("PUT", "/costs", book)

    def _is_told(self, day: date, today: date) -> bool:
        return day <= today - self._met.late * _DAY

    def strike(self) -> None:
        assert self._face is not None
        self._met = self._face
        if self._face.fault is not None:
            self._azure.simulator.control("POST", "/faults", {"api": "cost", **self._face.fault})
