"""Our own storage as what fails: the watch cannot read or write what it knows, while a source is good, bad or out.

**Nobody acts for it.** While nothing can be recorded nothing is begun, told or rung for. Where all was well, or became
well, or the source is out as well, nothing is done afterwards either.

**Nobody is told that all is well.** Each cycle that could not be saved fails as a whole, which is how people learn of
it. What was bad and is so still is never healthy after it, and what nobody sees is blind.

**The gap is no proof.** `for` is covered by what was measured: a gap longer than `max_gap` covers nothing, unless its
samples are heard afterwards. A write that was carried out although its reply was lost is no gap.

**The watch goes on.** When the storage is back, what is bad is taken back once, when its `for` is covered; what is well
is healthy again.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import partial
from itertools import pairwise

from shared.errors import TransientError
from shared.model.event import Event, EventKind
from shared.model.signal import Sample, failed, measured
from shared.model.trigger import Tier, TriggerState, Verdict
from shared.ports import Collected, Job, SampleSource, Want
from tests.fakes.clock import FakeClock
from tests.fakes.interrupted import Trouble
from tests.scenarios.fault_matrix.ground import Address
from tests.scenarios.fault_matrix.kinds import OTHER, Kind, Source
from tests.scenarios.fault_matrix.laws import ACTION_OF, ACTIONS
from tests.scenarios.fault_matrix.world import Moment, World, world_at

QUEUE = "the queue does not answer"
TROUBLES: Sequence[str] = (*Trouble, QUEUE)
_UNSAVED = frozenset(Trouble)
_GAPS = frozenset({Trouble.READS, Trouble.WRITES, Trouble.ALL})
# What is told of now alone, or sent, is lost with it; whoever is asked for the past has kept it.
_LOSES: Mapping[Source, frozenset[Trouble]] = {
    Source.SMOKE: _GAPS,
    Source.PUSHED: _GAPS - {Trouble.READS},
    Source.METRIC: frozenset(),
}
_OUTAGE, _AFTER = 5, 8
_SHAPE = "every: 60s, stale_after: 1m"
KINDS = (
    Kind("asked for now", Source.SMOKE, f"smoke: [front], delay: 0s, {_SHAPE}", "watched < 50%", "for: 4m"),
    Kind("asked for the past", Source.METRIC, f"metric: Http5xx, delay: 0s, {_SHAPE}", "watched < 0.5", "for: 4m"),
    Kind("sent", Source.PUSHED, f"pushed: load, {_SHAPE}", "watched < 0.5", "for: 4m"),
)


class Way(StrEnum):
    """How things stand before the trouble, and from its beginning on."""

    GOOD = "good, and stays so"
    TURNS_BAD = "good, then bad"
    BAD = "bad, and stays so"
    TURNS_GOOD = "bad, then good"
    OUT = "bad, then the source is out as well"

    @property
    def was_bad(self) -> bool:
        return self in (Way.BAD, Way.TURNS_GOOD, Way.OUT)

    @property
    def is_bad(self) -> bool:
        return self in (Way.BAD, Way.TURNS_BAD)


class Told(SampleSource):
    """Says how things are now, or, asked for the past, how they were at each minute."""

    def __init__(self) -> None:
        self.said: list[Sample] = []
        self.out = False

    def jobs(self, wants: Sequence[Want]) -> list[Job]:
        return [Job(wants=(want,), timeout=want.signal.timeout, run=partial(self._run, want)) for want in wants]

    def _run(self, want: Want, now: datetime) -> list[Collected]:
        past = want.signal.source == Source.METRIC
        known = [sample for sample in self.said if sample.at == now or (past and sample.at > want.since)]
        heard = (failed(now, "503"),) if self.out else tuple(known)
        return [Collected(workload=want.policy.workload, name=want.name, samples=heard)]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptCell:
    """What was wrong where a storage had one trouble, in one way of the world and one tier."""

    kind: str
    trouble: str
    way: Way
    tier: Tier
    wrong: tuple[str, ...]


class KeptPlay:
    """One workload through a trouble of five minutes, longer than `max_gap`."""

    def __init__(self, world: World, kind: Kind, trouble: str, way: Way, tier: Tier) -> None:
        self._world, self._kind, self._trouble, self._way, self._tier = world, kind, trouble, way, tier
        self._source = Told()
        self._watch = world.watch({kind.source.value: self._source})
        # When it was bad, as far as it may be known.
        self._known_bad: list[datetime] = []
        self._moments: list[Moment] = []

    def wrong(self) -> Iterator[str]:
        """Play it, and say which laws were broken."""
        site = Address("/subscriptions/s1/resourceGroups/shop/providers/Microsoft.Web/sites/w", "https://w.example")
        self._world.policies["w"] = self._kind.policy("w", self._tier, site)
        self._world.intake.change("w", "deployment", "b2", "b1")
        self._lead_up()
        struck_at, rung = self._world.clock(), len(self._world.doorbell.rings)
        self._fail()
        for _ in range(_OUTAGE):
            yield from self._during()
        if self._trouble in _GAPS and (self._events(struck_at) or len(self._world.doorbell.rings) > rung):
            yield "something was recorded or rung for that could not be"
        self._mend()
        for _ in range(_AFTER):
            self._step(bad=self._way.is_bad)
            yield from self._after()
        yield from self._at_last(struck_at)

    def _lead_up(self) -> None:
        """All is well; then, perhaps, bad for half of the `for`."""
        for bad in (False, False, *((True, True, True) if self._way.was_bad else ())):
            self._step(bad=bad)
        moment = self._world.moment("w")
        wanted = TriggerState.PENDING if self._way.was_bad else TriggerState.INACTIVE
        assert (moment.reading.state, moment.verdict is Verdict.HEALTHY) == (wanted, not self._way.was_bad), moment

    def _fail(self) -> None:
        self._source.out = self._way is Way.OUT
        self._world.doorbell.broken = self._trouble == QUEUE
        self._world.storage.trouble = Trouble(self._trouble) if self._trouble in _UNSAVED else None

    def _mend(self) -> None:
        self._world.doorbell.broken = False
        self._world.storage.trouble = None

    def _during(self) -> Iterator[str]:
        try:
            self._step(bad=self._way.is_bad)
        except TransientError:
            return
        if self._trouble in _UNSAVED:
            yield "a cycle that could not be saved did not fail"

    def _step(self, *, bad: bool) -> None:
        self._world.clock.forward(self._kind.every.total_seconds())
        now = self._world.clock()
        sample = measured(now, 0.0 if bad else 1.0, 9)
        self._source.said.append(sample)
        sent = {} if self._kind.source is not Source.PUSHED or self._source.out else {"load": (sample,)}
        with suppress(TransientError):  # a sender that is turned away has lost its sample
            self._world.intake.samples("w", {OTHER: (measured(now, 1.0),), **sent})
        if bad and self._world.storage.trouble not in _LOSES[self._kind.source]:
            self._known_bad.append(now)
        self._watch.run()

    def _after(self) -> Iterator[str]:
        moment = self._world.moment("w")
        covered = self._world.clock() - self._covered_since()
        self._moments.append(moment)
        if moment.reading.held > covered:
            yield f"held for {moment.reading.held}, of which {covered} were seen: {moment.reading.sentence}"
        if self._way.is_bad and moment.reading.verdict is Verdict.HEALTHY:
            yield f"what is bad is healthy: {moment.reading.sentence}"
        if self._way is Way.OUT and moment.reading.verdict is not Verdict.BLIND:
            yield f"what nobody sees is {moment.reading.verdict}: {moment.reading.sentence}"

    def _covered_since(self) -> datetime:
        """Since when the bad is known without a gap that is too long."""
        bad = self._known_bad or [self._world.clock()]
        gaps = [later for earlier, later in pairwise(bad) if later - earlier > self._kind.rule.max_gap]
        return max(gaps, default=bad[0])

    def _at_last(self, struck_at: datetime) -> Iterator[str]:
        events = self._events(struck_at)
        acted = [event.sentence for event in events if event.kind in ACTIONS]
        started = self._world.rollback("w")
        if not self._way.is_bad:
            yield from (f"acted although nothing was bad: {sentence}" for sentence in acted)
            yield from (f"{one} was started" for one in (started,) if one)
        elif [event.kind for event in events].count(ACTION_OF[self._tier]) != 1:
            yield f"not taken back once: {acted}; {self._moments[-1].reading.sentence}"
        elif bool(started) is not (self._tier is Tier.CRITICAL):
            yield f"the rollback that was started: {started}"
        if self._way in (Way.GOOD, Way.TURNS_GOOD) and self._moments[-1].verdict is not Verdict.HEALTHY:
            yield f"what is well is {self._moments[-1].verdict}: {self._moments[-1].reading.sentence}"
        told = any(event.kind is EventKind.BLIND for event in events)
        if self._way is Way.OUT and self._tier is not Tier.INVESTIGATION and not told:
            yield "nobody was paged"

    def _events(self, since: datetime) -> Sequence[Event]:
        return self._world.events_since("w", since)


def kept_cells(kind: Kind, way: Way) -> list[KeptCell]:
    """Play every trouble of the storage in every tier."""
    return [_cell(kind, trouble, way, tier) for trouble in TROUBLES for tier in Tier]


def _cell(kind: Kind, trouble: str, way: Way, tier: Tier) -> KeptCell:
    with world_at(FakeClock()) as world:
        wrong = tuple(KeptPlay(world, kind, trouble, way, tier).wrong())
    return KeptCell(kind=kind.name, trouble=trouble, way=way, tier=tier, wrong=wrong)
