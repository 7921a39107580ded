"""One case: a rollback over real steps and adapters, against a simulator that answers one of their calls wrongly."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from local.azure_simulator.faults import Api, Kind
from shared.engine.advance import Runs
from shared.engine.commit import commit_and_ring
from shared.engine.records import load_run, snapshot
from shared.engine.start import new_rollback, starting_writes
from shared.functions.advancing import advance
from shared.model.policy import Policy
from shared.model.run import RoadTimes, Run
from tests.fakes.doorbell import MemoryDoorbell
from tests.fakes.ledger import MemoryLedger
from tests.scenarios.answer_matrix.answers import HOOK_NEVER, LATE_S, Answer, Times, fault
from tests.scenarios.answer_matrix.roads import RoadKind, other_road
from tests.scenarios.answer_matrix.shapes import WORKLOAD, Shape
from tests.scenarios.answer_matrix.world import ACCEPTED_SWAPS, World

KNOWN_GOOD = "b1"
# More than any run takes that moves on by a second with each pass; one that does not is told by it.
MOST_PASSES = 3_000
# What must go wrong besides, so that a call is made at all. The operation of a swap is asked while the settings tell
# what was before it: two reads of a look, two right before the swap, two of each look after it, and no more looks than
# there is time for until reads must tell.
_BESIDES: Mapping[Api, tuple[Mapping[str, object], ...]] = {
    Api.OPERATION: ({"api": Api.APP_SETTINGS, "kind": Kind.STALE, "times": 4 + 2 * 4},),
    Api.SWAP_PREVIEW: ({"api": Api.SWAP, "kind": Kind.CONFLICT_PREVIEW},),
}
# How long a road is given: where the answer passes, as long as by the policy's own default.
_PATIENCE: Mapping[Times, timedelta] = {
    Times.ONCE: timedelta(minutes=5),
    Times.THREE: timedelta(minutes=5),
    Times.EVER: timedelta(minutes=2),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One answer to one call of one road, so and so often, in a policy of one shape.

    Attributes:
        patience: How long the road is given, where that matters.
        real_delay_s: How long a late answer really takes. It is late on the clock of the case without that.
    """

    road: RoadKind
    api: Api
    answer: Answer
    times: Times
    shape: Shape
    patience: timedelta | None = None
    real_delay_s: float = 0.0

    @property
    def give_up_after(self) -> timedelta:
        return self.patience or _PATIENCE[self.times]

    def __str__(self) -> str:
        return f"{self.road.name}, {self.api}, {self.answer}, {self.times}, {self.shape}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """What became of a case.

    Attributes:
        run: The run of level 1 as it ended, or as it was left when it would not.
        next_run: That of the level above, if it took up, played to its end.
        calls: How many calls came at each API during the first run.
        accepted: How many swaps were accepted.
        hits: How many calls got the wrong answer.
        took: Simulated time of the first run.
        slept: The longest that SDKs slept inside calls of one pass.
        good: Whether people were served the good side when the first run ended, asked from outside.
        good_later: The same when all faults had been lifted, and all that was under way was over.
    """

    case: Case
    run: Run
    next_run: Run | None
    passes: int
    calls: Mapping[str, int]
    accepted: int
    hits: int
    took: timedelta
    slept: timedelta
    good: bool
    good_later: bool


class _Play:
    """A case that is being played."""

    def __init__(self, world: World, case: Case) -> None:
        self._world = world
        self._case = case
        self._policy: Policy = world.policy(case.road, case.shape, case.give_up_after)
        self._ledger = MemoryLedger()
        self._doorbell = MemoryDoorbell()
        self._passes = 0
        self._slept = timedelta(0)

    def course(self) -> Course:
        world, clock = self._world, self._world.clock
        world.put_on_bad_side(self._case.road)
        engine, before = self._engine(), Counter(world.count())
        with world.lifted_afterwards(self._case.road):
            self._strike()
            run = self._finished(engine, self._started())
            took, passes, slept, good = clock() - run.created_at, self._passes, self._slept, self._seen_good()
            calls, hits = Counter(world.count()) - before, world.hits(self._case.api)
            next_id = snapshot(self._ledger, WORKLOAD).active_id
            next_run = self._finished(engine, next_id) if next_id and next_id != run.id else None
        return Course(
            case=self._case,
            run=run,
            next_run=next_run,
            passes=passes,
            calls=calls,
            accepted=calls[ACCEPTED_SWAPS],
            hits=hits,
            took=took,
            slept=slept,
            good=good,
            good_later=self._seen_good(),
        )

    def _engine(self) -> Runs:
        steps = self._world.steps_without_token() if self._case.api is Api.TOKEN else self._world.steps
        return Runs(self._ledger, self._doorbell, steps, lambda _: self._policy, self._world.clock)

    def _strike(self) -> None:
        case, world = self._case, self._world
        if case.api is Api.HOOK_CALL and case.answer is Answer.STUCK:
            world.control("PUT", "/timings", HOOK_NEVER)
            return
        world.strike({**fault(case.api, case.answer, case.times), "delay_s": case.real_delay_s})
        for more in _BESIDES.get(case.api, ()):
            world.strike(more)
        if case.answer is Answer.LATE:
            late = timedelta(seconds=LATE_S)
            world.clock.answered_late = lambda: late * world.hits(case.api)

    def _started(self) -> str:
        run = new_rollback(
            self._policy,
            level=1,
            known_good=KNOWN_GOOD,
            cause="errors",
            requested_by="watch",
            trigger="errors",
            times=RoadTimes(),
            now=self._world.clock(),
        )
        commit_and_ring(self._ledger, self._doorbell, WORKLOAD, starting_writes(self._policy, run))
        return run.id

    def _finished(self, engine: Runs, rollback_id: str) -> Run:
        """Advance a run as often as it wants to be, at the time that it wants to be."""
        clock, self._passes = self._world.clock, 0
        while not (run := self._loaded(rollback_id)).status.ended and self._passes < MOST_PASSES:
            self._passes += 1
            clock.wait_until(run.due_at)
            before = clock.slept
            advance(engine, rollback_id)
            self._slept = max(self._slept, clock.slept - before)
            if self._case.answer is not Answer.STUCK:
                self._world.wait_for_quiet(self._case.road)
        return run

    def _loaded(self, rollback_id: str) -> Run:
        found = load_run(self._ledger, WORKLOAD, rollback_id)
        assert found is not None
        return found[0]

    def _seen_good(self) -> bool:
        """The two roads of a component lead to the same people: all is well when one of them leads to the good side."""
        roads = [self._case.road, *([other_road(self._case.road)] if self._case.shape is Shape.BESIDE else [])]
        return any(road.seen_good(self._world.simulator) for road in roads)


def play(world: World, case: Case) -> Course:
    """Play a case from its beginning to its end."""
    return _Play(world, case).course()
