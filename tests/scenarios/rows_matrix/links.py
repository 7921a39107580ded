"""Links that are cut, reset or stalled at some byte or some moment, to one side or both; then they are whole again.

A worker on a link that stalls must give up by itself: nothing tells it. Where it was killed instead, its sessions stand
on the servers with all that they hold, for these hear nothing either: a worker on another link has to get past them.
"""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from enum import StrEnum
from random import Random

from psycopg.conninfo import make_conninfo

from local.tcp_proxy import Fault, Proxy, Way
from tests.scenarios.rows_matrix.laws import broken
from tests.scenarios.rows_matrix.plays import Cell, Plain, Play, not_done, playing, until_done
from tests.scenarios.rows_matrix.processes import Ended, Worker
from tests.scenarios.rows_matrix.world import Owner, Worlds

# What the product is told a statement may take; and how long a worker may then be without an answer, or in the way.
STATEMENT_S = 1.0
WITHIN_S = 15.0  # in which a time-out of connecting has room as well
_SIDES = ("source", "target")


class Mode(StrEnum):
    """What happens to the link; `STRANDED` stalls, and the worker is killed while it does."""

    CUT = "cut"
    RESET = "reset"
    STALL = "stall"
    STRANDED = "stranded"

    @property
    def fault(self) -> Fault:
        return Fault.STALL if self is Mode.STRANDED else Fault(self)


# A stall takes until somebody loses patience; of what ends at once, there is more.
_MODES = (Mode.CUT, Mode.RESET, Mode.STALL, Mode.CUT, Mode.RESET, Mode.STRANDED)


@dataclass(frozen=True, slots=True)
class Point:
    """When it happens, to which sides: after so many bytes in a direction, or after so many seconds."""

    mode: Mode
    sides: tuple[str, ...]
    way: Way
    after_bytes: int = 0
    after_s: float = 0.0

    def __str__(self) -> str:
        when = f"{self.after_bytes} bytes {self.way}" if self.after_bytes else f"{self.after_s * 1000:.0f} ms"
        return f"{' and '.join(self.sides)}, {when}"


@dataclass(frozen=True, slots=True)
class Links:
    """A proxy before each side."""

    proxies: dict[str, Proxy]

    def through(self, play: Play) -> dict[str, str]:
        """Return the options of a job that goes through them; in the clear, as bytes are counted."""
        sides = {"source": play.pair.source, "target": play.pair.target}
        return {
            called: make_conninfo(
                side.access.conninfo, port=self.proxies[called].port, sslmode="disable", gssencmode="disable"
            )
            for called, side in sides.items()
        }

    def arm(self, point: Point) -> None:
        for side in point.sides:
            if point.after_bytes:
                self.proxies[side].strike_after_bytes(point.mode.fault, point.after_bytes, point.way)
            else:
                self.proxies[side].strike_after(point.mode.fault, point.after_s)

    def struck(self) -> bool:
        return any(proxy.fault for proxy in self.proxies.values())

    def heal(self) -> None:
        for proxy in self.proxies.values():
            proxy.heal()


@contextmanager
def links(play: Play) -> Iterator[Links]:
    with ExitStack() as stack:
        sides = {"source": play.pair.source, "target": play.pair.target}
        yield Links(
            {called: stack.enter_context(Proxy("127.0.0.1", side.cluster.port)) for called, side in sides.items()}
        )


@dataclass(frozen=True, slots=True)
class Extent:
    """How much passes, and how long it takes, when nothing happens."""

    passed: dict[str, dict[Way, int]]
    took_s: float


def extent(worlds: Worlds, owner: Owner, worker: Worker) -> Extent:
    with playing(worlds, owner) as play, links(play) as through:
        ended = worker.do(play.job(**through.through(play)))
        assert ended.ended == "done", ended.said
        return Extent({side: dict(proxy.passed) for side, proxy in through.proxies.items()}, ended.took_s)


def points(found: Extent, seed: int, count: int) -> list[Point]:
    """Return random points, of all modes."""
    random = Random(seed)
    return [_point(found, random, _MODES[place % len(_MODES)]) for place in range(count)]


def _point(found: Extent, random: Random, mode: Mode) -> Point:
    sides, way = random.choice((_SIDES[:1], _SIDES[1:], _SIDES)), random.choice(list(Way))
    if random.random() < 0.3:
        return Point(mode, sides, way, after_s=random.uniform(0.01, found.took_s))
    return Point(mode, sides, way, after_bytes=random.randint(1, min(found.passed[side][way] for side in sides)))


def faulty(worlds: Worlds, owner: Owner, worker: Worker, known: Plain, point: Point) -> Cell:
    """A link becomes bad under a worker, and is whole again once that has given up, or was killed."""
    with playing(worlds, owner) as play, links(play) as through:
        job = play.job(**through.through(play), statement_s=STATEMENT_S)
        through.arm(point)
        worker.begin(job)
        wrong: list[str] = []
        if point.mode is Mode.STRANDED:
            first, tries, wrong = _stranded(worker, play, through)
        else:
            first = _given_up(worker, wrong)
            through.heal()
            tries = until_done(worker, job)
        seen = f"{first.ended} after {first.took_s:.1f} s ({first.said[:90]}); then {', '.join(t.ended for t in tries)}"
        wrong += [f"the worker {first.ended}: {first.said}"] if first.ended in ("refused", "crashed") else []
        wrong += not_done(tries) or broken(play.pair, play.witness, known.after)
        return Cell(owner=owner, mode=f"link {point.mode}", point=str(point), asked_for="", seen=seen, wrong=wrong)


def _given_up(worker: Worker, wrong: list[str]) -> Ended:
    ended = worker.ended_within(WITHIN_S)
    if ended is None:
        wrong.append(f"it hangs: no end within {WITHIN_S:.0f} s, with {STATEMENT_S:.0f} s for a statement")
        worker.kill()
        ended = worker.ended()
    return ended


def _stranded(worker: Worker, play: Play, through: Links) -> tuple[Ended, list[Ended], list[str]]:
    """Kill it on its stalled link; another worker has to be done before the servers hear of that."""
    until = time.monotonic() + WITHIN_S
    first = None
    while first is None and not through.struck() and time.monotonic() < until:
        first = worker.ended_within(0.005)
    if first is None:
        worker.kill()
        first = worker.ended()
    began = time.monotonic()
    tries = until_done(worker, play.job(statement_s=STATEMENT_S), within_s=WITHIN_S)
    took_s = time.monotonic() - began
    through.heal()
    if tries[-1].ended == "not now":
        wrong = [f"it is in the way for more than {took_s:.0f} s: {tries[-1].said}"]
        return first, until_done(worker, play.job()), wrong
    return first, tries, []
