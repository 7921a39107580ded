"""Breaks readiness in every way, one after the other, and puts it right again.

The laws: whatever is broken is named by its own finding, in one cycle, or where answers are kept for a while, when they
are too old, and by a worker that keeps none in one cycle too; from then on the report is not green; what cannot be told
is unknown and not green either; people are told once; when it is put right, all is green again.
"""

from dataclasses import dataclass, field
from datetime import timedelta

from shared.adapters.readiness.permissions import ROLES_KEPT
from shared.model.event import EventKind
from shared.model.readiness import Finding, Report
from tests.scenarios.readiness_matrix.cases import WAYS
from tests.scenarios.readiness_matrix.deeds import Way
from tests.scenarios.readiness_matrix.world import CYCLE, World

# After so long nothing is known from before.
_FORGOTTEN = ROLES_KEPT + CYCLE


@dataclass(frozen=True, slots=True)
class Played:
    """What became of one way."""

    way: Way
    named_after: timedelta | None
    says: str
    forgetful: bool = False
    wrong: list[str] = field(default_factory=list)


def all_plays() -> list[tuple[Way, bool]]:
    """Every way, and those that kept answers hide for a while again for a worker that keeps none."""
    return [(way, forgetful) for way in WAYS for forgetful in (False, True) if not forgetful or way.within > CYCLE]


def play(world: World, way: Way, *, forgetful: bool = False) -> Played:
    """Break it, look until it is named, put it right, and look again."""
    world.keeps_answers = not forgetful
    within = CYCLE if forgetful else way.within
    wrong = _not_green("before", world.cycle(_FORGOTTEN))
    told = len(world.told())
    way.do(world)
    world.clock.now += way.after
    named_after, finding = _named(world, way, within, wrong)
    world.cycle()
    wrong += _told_otherwise(world, told, [EventKind.NOT_READY])
    way.undo(world)
    wrong += _not_green("put right", world.cycle(_FORGOTTEN))
    wrong += _told_otherwise(world, told, [EventKind.NOT_READY, EventKind.READY])
    if finding is None:
        wrong.append(f"not named within {within}")
    return Played(way, named_after, finding.says if finding else "", forgetful, wrong)


def _named(world: World, way: Way, within: timedelta, wrong: list[str]) -> tuple[timedelta | None, Finding | None]:
    """Check at once, and again when no answer from before counts any more."""
    passed = timedelta(0)
    for step in (CYCLE, within - CYCLE):
        if not step:
            break
        report, passed = world.cycle(step), passed + step
        found = _finding(report, way)
        if found is not None and found.ok is not True:
            wrong += [*_green(report), *_in_doubt(found, way)]
            return passed, found
    return None, None


def _finding(report: Report, way: Way) -> Finding | None:
    names = [found for found in report.findings if (found.name, found.road) == (way.finding, way.road)]
    return min(names, key=lambda found: found.ok is True, default=None)


def _green(report: Report) -> list[str]:
    return ["the report is green all the same"] if report.ok or not report.reasons else []


def _in_doubt(found: Finding, way: Way) -> list[str]:
    return [] if (found.ok is None) is way.unknown else [f"ok is {found.ok}: {found.says}"]


def _not_green(when: str, report: Report) -> list[str]:
    return [f"{when}: {reason}" for reason in report.reasons]


def _told_otherwise(world: World, before: int, expected: list[EventKind]) -> list[str]:
    heard = world.told()[before:]
    return [] if heard == expected else [f"people heard {heard}, expected {expected}"]
