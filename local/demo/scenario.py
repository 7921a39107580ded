"""What a scenario is: where it is played, what is broken, what happens meanwhile, when it is over, what must hold then.

Every one begins alike: a good build serves, people use the site, the app says healthy, a pipeline brings something new
and announces it, and some seconds later the fault strikes. From there on nobody helps.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from local.demo.expectations import Expect
from local.demo.outside import Ask
from local.demo.scene import Scene
from local.demo.stage import Stage, usual_stage
from local.demo.turns import announced_a_while_ago, breaks_build, deploys, leave_alone, rollback_ended

BAD_BUILD = "2026.11.2-bad"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One story.

    Attributes:
        stage: What it is played on.
        change: Brings what is new, announces it, and says what it was.
        ripe: Called at every tick before the strike: whether it is time for it.
        strike: Breaks something and says what; `None` if nothing is broken.
        meddle: Called at every tick until it is over.
        ends: Whether it is over.
        expects: What must hold then, in the order in which it is told.
        asks: What is asked past the app right after the fault and in the end.
        tools: Commands that it needs besides those of every scenario.
        tick_s: Pause between two calls of `meddle`.
    """

    story: str
    expects: tuple[Expect, ...]
    stage: Stage = field(default_factory=usual_stage)
    change: Callable[[Scene], str] = deploys
    ripe: Callable[[Scene], bool] = announced_a_while_ago
    strike: Callable[[Scene], str] | None = breaks_build
    meddle: Callable[[Scene], None] = leave_alone
    ends: Callable[[Scene], bool] = rollback_ended
    asks: Mapping[str, Ask] = field(default_factory=dict)
    tools: tuple[str, ...] = ()
    new_build: str = BAD_BUILD
    hosts: int = 1
    deliver_twice: bool = False
    tick_s: float = 0.25
