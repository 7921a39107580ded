"""How traffic is steered: slots of a site, and roads whose state can be set again and again."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from shared.model.policy import Policy, Site
from shared.model.policy_roads import RoadBase


class OperationState(StrEnum):
    """How a long-running operation stands."""

    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class SitePicture:
    """A site as the control plane tells it.

    Attributes:
        production_build: Value of the build setting in production; empty when it is not set.
        slot_build: The same in the slot that was asked for; `None` when there is no such slot.
        operation_id: Set while the control plane works on the site.
        last_swap: Time and slots of the last swap that succeeded, or empty.
    """

    production_build: str
    slot_build: str | None
    operation_id: str | None
    last_swap: str = ""


class SlotSite(Protocol):
    """An App Service site with slots."""

    def look(self, site: Site, slot: str) -> SitePicture:
        """Read what is live in production and in a slot now."""
        ...

    def swap(self, site: Site, slot: str) -> str:
        """Set the swap of a slot with production in motion, once, without waiting for its end.

        Returns:
            A token for `follow`.

        Raises:
            OutcomeUnknown: the call may have been accepted.
        """
        ...

    def follow(self, site: Site, slot: str, token: str) -> tuple[OperationState, str]:
        """Return how the operation stands, with the platform's own words when it failed."""
        ...


# Raises `LostRace` when the worker may not act any more: its lease ran out, or the run was ended or superseded.
Fence = Callable[[], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Aim:
    """For which run, and to which build, a road is taken."""

    rollback_id: str
    component: str
    known_good: str
    road: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RoadPicture:
    """How the world stands towards the desired state of a road, as the control plane tells it.

    Attributes:
        established: The desired state is set.
        busy: The platform is still carrying something out; `established` counts only when it is not.
        why_not: Why this road must not or cannot be taken; `None` means that it can.
        shown: What was seen, as JSON values: what was there before and after an effect.
    """

    established: bool
    busy: bool = False
    why_not: str | None = None
    shown: Mapping[str, Any] = field(default_factory=dict)


class Routing[R: RoadBase](Protocol):
    """A kind of road whose desired state can be set again and again with the same result."""

    def look(self, policy: Policy, road: R, aim: Aim) -> RoadPicture:
        """Read what is set now; changes nothing."""
        ...

    def establish(self, policy: Policy, road: R, aim: Aim, fence: Fence) -> None:
        """Set the desired state in motion without waiting for its end.

        Args:
            fence: Called right before every call that changes something.

        Raises:
            OutcomeUnknown: some of it may have happened; setting it again is safe.
        """
        ...
