"""The levels of a policy: what each steers, by which roads, in which order, and what it is verified by."""

from datetime import timedelta

from pydantic import Field

from shared.model.policy_approval import Approval
from shared.model.policy_readiness import LevelReadiness
from shared.model.policy_verify import Verification
from shared.model.strict import Name, Rhythm, Strict

WORKLOAD_PATTERN = r"^[a-z][a-z0-9-]{0,39}$"
# The component that the short form `roads: [...]` of a level steers, and the road that every site with a good slot has.
SITE = "site"
SLOT_SWAP = "slot_swap"
# The component that the roads of `emergency` steer: all of it.
EMERGENCY = "emergency"


class Drill(Strict):
    """How a level is rehearsed."""

    on: str | None = Field(
        default=None,
        pattern=WORKLOAD_PATTERN,
        description="A workload on which the level is really carried out, if its own policy says `drill_target: true`; "
        "else nothing is changed.",
    )


class Level(Strict):
    """One rollback level: what it steers by which roads, how long that may take, and what it is verified by."""

    roads: tuple[Name, ...] = Field(default=(), description="Short for `components: {site: [...]}`.")
    components: dict[Name, tuple[Name, ...]] = Field(
        default={}, description="What is steered, each by the fastest of its roads that works."
    )
    after: dict[Name, tuple[Name, ...]] = Field(
        default={}, description="Components that wait until others are decided. Data goes before all that serves it."
    )
    emergency: tuple[Name, ...] = Field(default=(), description="Taken when all of that could not be verified.")
    budget: Rhythm = timedelta(seconds=30)
    verify: Verification = Verification()
    readiness: LevelReadiness = LevelReadiness()
    drill: Drill = Drill()
    approval: Approval | None = Field(default=None, description="Who is asked before it begins by itself or by hand.")

    @property
    def steered(self) -> dict[str, tuple[str, ...]]:
        """The roads of each component, as the policy ranks them."""
        short = self.roads or (() if self.components else (SLOT_SWAP,))
        return ({SITE: short} if short else {}) | self.components

    @property
    def all_roads(self) -> tuple[str, ...]:
        """Every road that the level may take."""
        return tuple(dict.fromkeys([*(road for roads in self.steered.values() for road in roads), *self.emergency]))


class Levels(Strict):
    """The levels that this workload has. What a level cannot heal, the next one takes up; after the last, people."""

    traffic: Level = Field(default=Level(), alias="1", description="Level 1: traffic back to the known good.")
    data: Level | None = Field(default=None, alias="2", description="Level 2.")
    platform: Level | None = Field(default=None, alias="3", description="Level 3.")
    recovery: Level | None = Field(default=None, alias="4", description="Level 4.")

    @property
    def by_number(self) -> dict[int, Level]:
        """The levels that there are, lowest first."""
        all_of_them = (self.traffic, self.data, self.platform, self.recovery)
        return {number: level for number, level in enumerate(all_of_them, start=1) if level is not None}

    def above(self, number: int) -> int | None:
        """Return the next level that there is, or `None`."""
        return next((higher for higher in self.by_number if higher > number), None)
