"""Wherever a worker is killed, overtaken or cut off, the rows end as without that (the laws: `laws.py`).

`python -m tests.scenarios.rows_matrix` plays all points; here it is a part of each kind.
"""

from collections.abc import Iterable, Iterator

import pytest

from tests.scenarios.rows_matrix.doubles import overtaken
from tests.scenarios.rows_matrix.laws import predicted
from tests.scenarios.rows_matrix.links import extent, faulty, points
from tests.scenarios.rows_matrix.plays import Cell, Plain, killed, plain
from tests.scenarios.rows_matrix.points import places, some_kills, some_places
from tests.scenarios.rows_matrix.processes import Crew, Worker, crew
from tests.scenarios.rows_matrix.table import wrong_lines
from tests.scenarios.rows_matrix.worker import Blow
from tests.scenarios.rows_matrix.world import Owner, Worlds, worlds

pytestmark = pytest.mark.timeout(600)  # dozens of runs in real processes, on a machine that may be busy
# What a run must have asked for, or the matrix would prove nothing.
_MUST_ASK = {"_raised", "_pin", "decide_conflicts", "_begun", "stage", "_claim_and_apply", "_settle", "save_state"}
# What only reads, and may be killed at any of dozens of places: in the whole matrix alone.
_ONLY_READS = {
    *("read_sides", "not_told", "source_log", "logged_tables", "load_checkpoint", "_changed_on_source", "kept_rows"),
    *("standing", "lying", "pinned", "applied", "stored_state", "last_round", "expected_bytes", "demand_room"),
    *("_demand_no_writers", "_orphans", "workers_for"),
}
_DOUBLES_EVERY = 6
_UNDONE_EVERY = 5
_LINKS = 12
_AT_ONCE = 3


@pytest.fixture(scope="module")
def made() -> Iterator[Worlds]:
    with worlds() as both:
        yield both


@pytest.fixture(scope="module")
def workers() -> Iterator[Crew]:
    with crew(_AT_ONCE) as several:
        yield several


@pytest.fixture(scope="module")
def known(made: Worlds, workers: Crew) -> dict[Owner, Plain]:
    return dict(zip(Owner, workers.each(lambda worker, owner: plain(made, owner, worker), Owner), strict=True))


@pytest.mark.parametrize("owner", Owner)
def test_without_a_fault_what_is_done_is_what_differed(known: dict[Owner, Plain], owner: Owner) -> None:
    done = known[owner]
    assert done.after.source == done.after.target
    assert done.counted() == predicted(done.before, done.after.target)
    assert {name for _, asked_for in places(done) for name in asked_for.split(" < ")} >= _MUST_ASK


@pytest.mark.parametrize("owner", Owner)
def test_a_killed_worker_changes_nothing_about_the_end(
    made: Worlds, workers: Crew, known: dict[Owner, Plain], owner: Owner
) -> None:
    blows = [blow for blow in some_kills(known[owner], seed=1) if _changes(known[owner], blow.side, blow.number)]
    if owner is Owner.ORDERLY:  # all but the copy is as with the other one
        blows = [blow for blow in blows if "_worker" in known[owner].asked_for(blow.side, blow.number)]

    def play(worker: Worker, placed: tuple[int, Blow]) -> Cell:
        place, blow = placed
        return killed(made, owner, worker, known[owner], blow, undone=place % _UNDONE_EVERY == 0)

    _hold(workers.each(play, enumerate(blows)))


@pytest.mark.parametrize("owner", Owner)
def test_two_workers_at_once_are_as_one(made: Worlds, workers: Crew, known: dict[Owner, Plain], owner: Owner) -> None:
    stops = [place for place in some_places(known[owner], seed=2) if _changes(known[owner], *place)]
    copies = [place for place in stops if "apply_chunk" in known[owner].asked_for(*place)]
    locked = stops[::_DOUBLES_EVERY] if owner is Owner.KEEPER else []
    plays = [(place, True) for place in copies] + [(place, False) for place in locked]
    with Worker() as other:
        one = workers.free.get()
        _hold(
            overtaken(made, owner, (one, other), known[owner], number, side, unlocked=unlocked)
            for (side, number), unlocked in plays
        )
        workers.free.put(one)


def test_a_bad_link_changes_nothing_about_the_end(made: Worlds, workers: Crew, known: dict[Owner, Plain]) -> None:
    owner = Owner.KEEPER
    found = next(workers.each(lambda worker, owner: extent(made, owner, worker), [owner]))
    chosen = points(found, seed=3, count=_LINKS)
    _hold(workers.each(lambda worker, point: faulty(made, owner, worker, known[owner], point), chosen))


def _changes(known: Plain, side: str, number: int) -> bool:
    return _ONLY_READS.isdisjoint(known.asked_for(side, number).split(" < "))


def _hold(played: Iterable[Cell]) -> None:
    cells = list(played)
    assert cells
    assert wrong_lines(cells) == []
