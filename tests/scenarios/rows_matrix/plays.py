"""Plays a fault: a copy of the world, a worker that meets it, others that go on until all is done, and the laws."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

from tests.contract.postgres.pairs import Pair
from tests.scenarios.rows_matrix.laws import broken, not_undone
from tests.scenarios.rows_matrix.observed import Observed, Rows, Witness, observed, rows, witness
from tests.scenarios.rows_matrix.processes import Ended, Worker
from tests.scenarios.rows_matrix.worker import Blow, Job
from tests.scenarios.rows_matrix.world import Owner, Worlds

_MOST_TRIES = 300
_PAUSE_S = 0.1
_FINAL = ("done", "refused", "crashed")
_KILLS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Plain:
    """A way back without a fault: the world before and after it, and what each exchange with a server was for."""

    before: Rows
    after: Observed
    trace: list[tuple[str, str]]

    def asked_for(self, side: str, number: int) -> str:
        """Return what an exchange was for."""
        return [what for of, what in self.trace if of == side][number - 1]

    def named(self, blow: Blow) -> Blow:
        """Return a blow at the same exchange, told by what that is for."""
        before = [what for of, what in self.trace if of == blow.side][: blow.number]
        return replace(blow, what=before[-1], place=before.count(before[-1]))

    def counted(self) -> dict[str, tuple[int, int, int]]:
        """Return by table how many rows were inserted, updated and deleted, as the progress says."""
        sums: dict[str, list[int]] = {}
        for oid, *_, inserted, updated, deleted, vacated in self.after.records["progress"]:
            done = sums.setdefault(self.after.names[oid], [0, 0, 0])
            for place, rows_ in enumerate((inserted - vacated, updated + vacated, deleted)):
                done[place] += rows_
        return {name: (done[0], done[1], done[2]) for name, done in sums.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One point of the matrix."""

    owner: str
    mode: str
    point: str
    asked_for: str
    seen: str
    wrong: list[str]


@dataclass(frozen=True, slots=True)
class Play:
    """One copy of the world."""

    pair: Pair
    witness: Witness

    def job(self, **options: Any) -> Job:
        given = {"source": self.pair.source.access.conninfo, "target": self.pair.target.access.conninfo}
        return Job(**(given | options))


@contextmanager
def playing(worlds: Worlds, owner: Owner) -> Iterator[Play]:
    with worlds.copy(owner) as pair, witness(pair) as seen:
        yield Play(pair, seen)


def plain(worlds: Worlds, owner: Owner, worker: Worker) -> Plain:
    with playing(worlds, owner) as play:
        before = rows(play.witness.source)
        ended = worker.do(play.job(traced=True))
        assert ended.ended == "done", ended.said
        return Plain(before=before, after=observed(play.pair, play.witness), trace=ended.trace)


def until_done(worker: Worker, job: Job, within_s: float = 60.0) -> list[Ended]:
    """Deliver the message again and again, each time to a fresh process."""
    until = time.monotonic() + within_s
    tries: list[Ended] = []
    while len(tries) < _MOST_TRIES and (not tries or time.monotonic() < until):
        tries.append(worker.do(job))
        if tries[-1].ended in _FINAL:
            break
        time.sleep(_PAUSE_S if tries[-1].ended == "not now" else 0)
    return tries


def killed(worlds: Worlds, owner: Owner, worker: Worker, known: Plain, blow: Blow, *, undone: bool) -> Cell:
    """A worker is killed; the next one goes on.

    Workers side by side do not make the same exchanges each time: a kill that came too late is tried again.
    """
    for _ in range(_KILLS - 1):
        cell = _killed_once(worlds, owner, worker, known, blow, undone=undone)
        if cell is not None:
            return cell
    late = [f"it was not killed in {_KILLS} tries, but done: {blow.side} {blow.number} was never reached"]
    return _killed_once(worlds, owner, worker, known, blow, undone=undone) or _cell(owner, known, blow, [], late)


def _killed_once(
    worlds: Worlds, owner: Owner, worker: Worker, known: Plain, blow: Blow, *, undone: bool
) -> Cell | None:
    """Return what came of it; `None` when it was done before the kill, and all is as it must be."""
    with playing(worlds, owner) as play:
        first = worker.do(play.job(blow=known.named(blow)))
        if first.ended == "done" and not broken(play.pair, play.witness, known.after):
            return None
        tries = until_done(worker, play.job())
        wrong = [] if first.ended == "killed" else [f"it was not killed, but {first.ended}: {first.said}"]
        wrong += not_done(tries) or broken(play.pair, play.witness, known.after)
        if undone and not wrong:
            wrong += not_undone(play.pair, known.before)
        return _cell(owner, known, blow, tries, wrong)


def _cell(owner: Owner, known: Plain, blow: Blow, tries: list[Ended], wrong: list[str]) -> Cell:
    return Cell(
        owner=owner,
        mode=f"killed {blow.kind}",
        point=f"{blow.side} {blow.number}",
        asked_for=known.asked_for(blow.side, blow.number),
        seen=", ".join(one.ended for one in tries),
        wrong=wrong,
    )


def not_done(tries: list[Ended]) -> list[str]:
    last = tries[-1]
    return [] if last.ended == "done" else [f"{last.ended} after {len(tries)} tries: {last.said}"]
