"""How fast a demo runs: the policy, the schedules and the waits. Tests play the same scenarios at a faster pace."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from local.azure_simulator.config import Timings


@dataclass(frozen=True, slots=True, kw_only=True)
class Promptness:
    """How soon a bad build must be gone, in seconds. Holds for the policy it was written for."""

    fault_to_verified_s: float
    firing_to_verified_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """Waits are in seconds.

    Attributes:
        settings: App settings over the rig's usual ones.
        of_policy: Makes of the text of a policy what it is at this pace.
        timings: How long Azure takes for what.
        before_fault_s: From the announcement of the change to the fault.
        blip_s: How long a passing fault lasts.
        after_blip_s: How long people go on watching once it passed: longer than the rule's own time.
        quiet_s: How long a change that nothing is wrong with is watched.
        after_page_s: How long people watch on once they were told that nobody can act, or see.
        aftermath_s: How long users are watched once the run has ended.
        thinking_s: How long somebody who is asked takes to answer.
        rows: How many rows a database has.
        patience_s: A scenario that has not come to its end this long after the fault has failed.
        promptness: What is promised at this pace, if anything.
    """

    settings: Mapping[str, str] = field(default_factory=dict)
    of_policy: Callable[[str], str] = str
    timings: Timings = field(default_factory=Timings)
    before_fault_s: float = 5
    blip_s: float = 20
    after_blip_s: float = 75
    quiet_s: float = 60
    after_page_s: float = 20
    aftermath_s: float = 5
    patience_s: float = 240
    promptness: Promptness | None = None
    thinking_s: float = 15
    rows: int = 1_000_000


# A real Front Door takes minutes to tell all its edges, for which nobody wants to wait here.
_QUICK_EDGES = Timings(afd_update_s=3, afd_propagation_s=3, afd_propagation_step_s=3, feature_refresh_s=5)
FULL_PACE = Pace(timings=_QUICK_EDGES, promptness=Promptness(fault_to_verified_s=100, firing_to_verified_s=30))
