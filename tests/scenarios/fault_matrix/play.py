"""One play: the real watch over simulated minutes, on one kind of trigger in every tier, with one fault.

First all is well. One site then turns bad, until its triggers have been pending for half of their `for`. Then the fault
begins and stays; what the watch says and does from there on is what the laws judge. At last a workload joins that never
knew the source in order. Without a fault the same play is the control: what is good stays, what is bad goes on.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from shared.model.event import Event
from shared.model.signal import measured
from shared.model.trigger import Tier, TriggerReading, TriggerState, Verdict
from tests.scenarios.fault_matrix.ground import Ground, Story
from tests.scenarios.fault_matrix.kinds import OTHER, WATCHED, Kind
from tests.scenarios.fault_matrix.world import Moment, World

_MOST_STEPS = 20
_HASTY = timedelta(seconds=0.2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """What became of one workload from the moment on at which the fault began, or would have.

    Attributes:
        before: What the trigger said last; `None` for a workload that joined later.
        stands: The bad that was found before is known all the same.
        events: Those of later.
        rollbacks: Ids of those that were started.
    """

    story: Story
    tier: Tier
    struck_at: datetime
    before: TriggerReading | None
    stands: bool = False
    moments: list[Moment] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    rollbacks: list[str] = field(default_factory=list)


def workload_of(story: Story, tier: Tier) -> str:
    return f"{story.value}-{tier.value}"


def workloads_of(story: Story) -> list[str]:
    return [workload_of(story, tier) for tier in Tier]


class Play:
    """A play in the making."""

    def __init__(self, world: World, kind: Kind, ground: Ground, *, hasty: bool = False, stands: bool = False) -> None:
        """Prepare it.

        Args:
            hasty: Wait less for answers once the fault has begun, because none will come in time.
            stands: What was found before the fault is known all the same.
        """
        self._hasty = hasty
        self._stands = stands
        self._world = world
        self._kind = kind
        self._ground = ground
        self._stories = (Story.QUIET, Story.PENDING) if kind.pends else (Story.QUIET,)
        self._watch = world.watch(ground.sources())

    def with_fault(self) -> list[Course]:
        """Play with the fault that the ground has."""
        self._until_as_it_should_be()
        self._ground.strike()
        courses = self._courses(self._stories)
        self._hurry()
        self._go_on(courses, self._kind.watched_for, bad=True)
        self._leave()
        self._join(Story.UNHEARD)
        joined = self._courses((Story.UNHEARD,))
        self._hurry()
        self._go_on(joined, self._kind.joined_for, bad=False)
        return courses + joined

    def without_fault(self) -> list[Course]:
        """Play the control: one site stays good, the other one goes bad and stays so."""
        self._stories = (Story.QUIET, Story.PENDING)
        self._until_as_it_should_be()
        courses = self._courses(self._stories)
        self._go_on(courses, self._kind.rule.hold_for + self._kind.rule.delay + 2 * self._kind.every, bad=True)
        return courses

    def _until_as_it_should_be(self) -> None:
        """All is well, then the pending story is bad for half of the `for`."""
        self._join(*self._stories)
        self._step_until(lambda m: m.verdict is Verdict.HEALTHY, self._stories, bad=False)
        if self._kind.pends:
            half = self._kind.rule.hold_for / 2
            pending = TriggerState.PENDING
            self._step_until(
                lambda m: m.reading.state is pending and m.reading.held >= half, (Story.PENDING,), bad=True
            )

    def _join(self, *stories: Story) -> None:
        for story in stories:
            address = self._ground.address(story)
            for tier in Tier:
                name = workload_of(story, tier)
                self._world.policies[name] = self._kind.policy(name, tier, address)
                self._world.intake.change(name, "deployment", "b2", "b1")

    def _leave(self) -> None:
        self._world.policies.clear()

    def _hurry(self) -> None:
        if not self._hasty:
            return
        for name, policy in self._world.policies.items():
            signal = policy.signals[WATCHED].model_copy(update={"timeout": _HASTY})
            self._world.policies[name] = policy.model_copy(update={"signals": {**policy.signals, WATCHED: signal}})

    def _step_until(self, reached: Callable[[Moment], bool], stories: tuple[Story, ...], *, bad: bool) -> None:
        wanted = [name for story in stories for name in workloads_of(story)]
        for _ in range(_MOST_STEPS):
            self._step(bad=bad)
            moments = [self._world.moment(name) for name in wanted]
            if all(map(reached, moments)):
                return
        raise AssertionError(f"{self._kind.name}: not as it should be before the fault: {moments[0]}")

    def _step(self, *, bad: bool) -> None:
        for story in {Story(name.partition("-")[0]) for name in self._world.policies}:
            self._ground.turn(story, bad=bad and story is Story.PENDING)
        self._world.clock.forward(self._kind.every.total_seconds())
        for name in self._world.policies:
            self._world.intake.samples(name, {OTHER: (measured(self._world.clock(), 1.0),)})
        self._watch.run()

    def _courses(self, stories: tuple[Story, ...]) -> list[Course]:
        now = self._world.clock()
        return [
            Course(
                story=story,
                tier=tier,
                struck_at=now,
                before=None if story is Story.UNHEARD else self._world.moment(workload_of(story, tier)).reading,
                stands=self._stands and story is Story.PENDING,
            )
            for story in stories
            for tier in Tier
        ]

    def _go_on(self, courses: list[Course], span: timedelta, *, bad: bool) -> None:
        until = self._world.clock() + span
        while self._world.clock() < until:
            self._step(bad=bad)
            for course in courses:
                course.moments.append(self._world.moment(workload_of(course.story, course.tier)))
        for course in courses:
            name = workload_of(course.story, course.tier)
            course.events.extend(self._world.events_since(name, course.struck_at))
            course.rollbacks.extend(filter(None, [self._world.rollback(name)]))
