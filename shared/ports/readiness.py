"""What readiness asks of the outside besides what a rollback itself asks for: it reads, and changes nothing."""

from typing import Protocol

from shared.model.policy import Policy, Site
from shared.model.policy_roads import RoadBase
from shared.model.readiness import StickySettings
from shared.model.readiness_facts import SlotState


class SlotKeeping(Protocol):
    """Tells of the slots of a site what a swap will meet."""

    def look(self, policy: Policy, slot: str) -> SlotState: ...

    def sticky(self, site: Site, slot: str, salt: str) -> StickySettings:
        """Return the sticky settings of production and of a slot, with fingerprints made with `salt`."""
        ...


class Roles(Protocol):
    """Tells what the app's identity may do."""

    def lacking(self, policy: Policy, name: str, road: RoadBase) -> tuple[str, ...]:
        """Return the actions that a road needs and no role gives."""
        ...


class Hosts(Protocol):
    """Tells where requests can go."""

    def why_not(self, policy: Policy, host: str) -> str | None:
        """Return why a host cannot be asked, or `None`."""
        ...
