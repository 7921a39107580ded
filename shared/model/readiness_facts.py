"""What a check of readiness saw of the world: each fact, or the error that stands in its place."""

from collections.abc import Mapping
from dataclasses import dataclass

from shared.errors import ControllerError
from shared.model.readiness import StickySettings

type Told[T] = T | ControllerError


@dataclass(frozen=True, slots=True, kw_only=True)
class RoadSeen:
    """How a road stands that is a state."""

    established: bool
    busy: bool
    why_not: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteSeen:
    """What the control plane tells of a site and the slot that holds the known good; `None`: there is no such slot."""

    production_build: str
    slot_build: str | None
    operation_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotState:
    """What the control plane tells of a site's slots besides.

    Attributes:
        front: Where the slot answers; empty when there is no such slot.
        prepared: The slots that a swap with preview was prepared in and left, whichever they are.
    """

    front: str
    prepared: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """What one request from outside was answered.

    Attributes:
        reached: An answer came, or was waited for in vain. If not, that says nothing of who was asked.
        status: `None` when no whole answer came in time.
    """

    reached: bool
    status: int | None
    build: str
    latency_ms: float
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SwapSeen:
    """All that was seen of a road by slot swap."""

    slot: str
    site: Told[SiteSeen]
    state: Told[SlotState]
    answer: Told[Answered]
    sticky: Told[StickySettings]


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """All that was seen.

    Attributes:
        live: What a user is served.
        roads, swaps: By the road's name.
        lacking: By the road's name, the actions that no role gives.
        hosts: By host, why it cannot be asked; `None` when it can.
    """

    live: Told[Answered]
    roads: Mapping[str, Told[RoadSeen]]
    swaps: Mapping[str, Told[SwapSeen]]
    lacking: Mapping[str, Told[tuple[str, ...]]]
    hosts: Mapping[str, Told[str | None]]
