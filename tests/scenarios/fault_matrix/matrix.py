"""The matrix itself: plays every kind of trigger with every face of every fault, and judges by the laws."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

from shared.adapters.outbound import Outbound
from shared.adapters.probe import HttpProber
from shared.adapters.probe_source import ProbeSource
from shared.model.trigger import Tier
from tests.contract.listener import Listener
from tests.fakes.clock import FakeClock
from tests.scenarios.fault_matrix import answered, billed, compared, laws, monitor, probed, queried, sent
from tests.scenarios.fault_matrix.ground import Ground
from tests.scenarios.fault_matrix.kinds import Fault, Kind, Source
from tests.scenarios.fault_matrix.play import Course, Play, workloads_of
from tests.scenarios.fault_matrix.world import World, world_at

_FACES: Mapping[Source, Mapping[Fault, Mapping[str, object]]] = {
    Source.PROBE: probed.FACES,
    Source.METRIC: monitor.FACES,
    Source.LOG: monitor.FACES,
    Source.RESOURCE_HEALTH: monitor.HEALTH_FACES,
    Source.COST: billed.FACES,
    Source.SQL: queried.FACES,
    Source.DAMAGED: compared.FACES,
    **sent.FACES,
    **answered.FACES,
}
_BAD_SITES = {"watched > 50%": probed.FAILING, "watched > 150ms": probed.LAGGING}


def faces(source: Source, fault: Fault) -> list[str]:
    """How a fault looks at a kind of source."""
    return list(_FACES[source][fault])


def _played(kind: Kind, fault: Fault) -> list[str]:
    """The faces that a kind of trigger can meet."""
    found = _FACES[kind.source][fault].items()
    return [name for name, face in found if _fits(face, kind)]


def _fits(face: object, kind: Kind) -> bool:
    return not isinstance(face, monitor.MonitorFace | queried.QueriedFace) or face.fits(kind)


@dataclass(frozen=True, slots=True)
class Cell:
    """What one trigger of one kind did under one fault.

    Attributes:
        by_word: It acted on a word that stood from before the fault.
    """

    kind: str
    fault: Fault
    tier: Tier
    fail_open: tuple[str, ...]
    outage_caused: tuple[str, ...]
    by_word: bool


class Met(NamedTuple):
    """A fault, and how it looks."""

    fault: Fault
    face: str


class Stage:
    """What all plays share: the simulated time, a prober, and, started when needed, Azure and a database server."""

    def __init__(
        self,
        clock: FakeClock,
        azure: Callable[[], monitor.Azure],
        bases: Callable[[], compared.Bases],
        prober: HttpProber,
        answering: answered.Answering,
    ) -> None:
        self._clock = clock
        self._azure = azure
        self._bases = bases
        self._probes = ProbeSource(prober, Outbound())
        self._answering = answering

    def cells(self, kind: Kind, fault: Fault) -> list[Cell]:
        """Play all faces of a fault; one cell for each tier."""
        courses: list[tuple[str, Course]] = []
        spoilt: list[str] = []
        for face in _played(kind, fault):
            try:
                courses += [(face, course) for course in self._play(kind, fault, face)]
            except AssertionError as error:  # what had to be refused was taken in, or nobody saw the site before
                spoilt.append(f"{face}: {error}")
        return [_cell(kind, fault, tier, courses, spoilt) for tier in Tier]

    def _play(self, kind: Kind, fault: Fault, face: str) -> list[Course]:
        with world_at(self._clock) as world, self._ground(world, kind, Met(fault, face)) as ground:
            stands = kind.source is Source.DAMAGED and compared.FACES[fault][face].stands
            return Play(world, kind, ground, hasty=fault is Fault.SLOW, stands=stands).with_fault()

    def control(self, kind: Kind, bad: Listener | None = None) -> dict[Tier, tuple[str, ...]]:
        """Play a kind with sources in order; what is wrong, by tier."""
        with world_at(self._clock) as world, self._ground(world, kind, None, bad) as ground:
            courses = Play(world, kind, ground).without_fault()
        return {
            tier: tuple(wrong for course in courses if course.tier is tier for wrong in laws.control(course))
            for tier in Tier
        }

    @contextmanager
    def _ground(self, world: World, kind: Kind, met: Met | None, bad: Listener | None = None) -> Iterator[Ground]:
        if kind.source is Source.PROBE:
            with probed.probed(self._probes, bad or _BAD_SITES[kind.when], _of(probed.FACES, met)) as ground:
                yield ground
        elif kind.source in answered.USUAL:
            blow = _of(answered.FACES[kind.source], met)
            with answered.answered(self._answering, kind.source, world.clock, blow) as answering:
                yield answering
        elif kind.source in (Source.METRIC, Source.LOG, Source.RESOURCE_HEALTH):
            faces = monitor.HEALTH_FACES if kind.source is Source.RESOURCE_HEALTH else monitor.FACES
            yield monitor.MonitorGround(self._azure(), kind.source, _of(faces, met))
        elif kind.source is Source.COST:
            yield billed.BilledGround(self._azure(), world.clock, _of(billed.FACES, met))
        elif kind.source is Source.SQL:
            with queried.queried(world.clock, _of(queried.FACES, met)) as asked:
                yield asked
        elif kind.source is Source.DAMAGED:
            with compared.compared(self._bases(), _of(compared.FACES, met)) as comparing:
                yield comparing
        else:
            failure = (met.fault, sent.FACES[kind.source][met.fault][met.face]) if met else None
            yield sent.SentGround(world.intake, world.clock, kind, workloads_of, failure)


def _of[T](faces: Mapping[Fault, Mapping[str, T]], met: Met | None) -> T | None:
    return faces[met.fault][met.face] if met else None


def _cell(kind: Kind, fault: Fault, tier: Tier, courses: Sequence[tuple[str, Course]], spoilt: Sequence[str]) -> Cell:
    mine = [(face, course) for face, course in courses if course.tier is tier]
    return Cell(
        kind=kind.name,
        fault=fault,
        tier=tier,
        fail_open=(
            *spoilt,
            *(f"{face}: {wrong}" for face, course in mine for wrong in laws.fail_open(kind, course)),
        ),
        outage_caused=tuple(f"{face}: {wrong}" for face, course in mine for wrong in laws.outage_caused(kind, course)),
        by_word=any(laws.by_word(kind, course) for _, course in mine),
    )


@contextmanager
def stage() -> Iterator[Stage]:
    """Set up what all plays share."""
    clock = FakeClock()
    with ExitStack() as stack, ThreadPoolExecutor(8) as pool, ThreadPoolExecutor(8) as smoke:
        azure = cache(lambda: stack.enter_context(monitor.azure_at(clock)))
        bases = cache(lambda: stack.enter_context(compared.bases()))
        prober = HttpProber(pool)
        yield Stage(clock, azure, bases, prober, answered.Answering(prober, smoke))
