"""Two workers at one sync, as a message that is delivered twice, or a lease that ran out, makes them.

One stands still before a statement until the other has gone as far as it gets; where that is the end, the application
writes on the source again, as it does after a rollback. Then the first goes on: it must not spoil anything. While it
holds its lock on both sides, the other is told so and gives way; it holds it no more where servers have ended the
sessions of who stood still for too long.
"""

from tests.scenarios.rows_matrix.laws import broken, same_rows
from tests.scenarios.rows_matrix.observed import rows
from tests.scenarios.rows_matrix.plays import Cell, Plain, Play, not_done, playing, until_done
from tests.scenarios.rows_matrix.processes import Ended, Worker
from tests.scenarios.rows_matrix.worker import Blow, Kind
from tests.scenarios.rows_matrix.world import SYNC, Owner, Worlds

_LOCK_S = 0.3
_END_HOLDERS = (
    "SELECT pg_terminate_backend(pid, 5000) FROM pg_locks WHERE locktype = 'advisory'"
    " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)
_AFTERWARDS = (
    "UPDATE items SET name = 'after it' WHERE id = 1",
    "INSERT INTO notes VALUES (md5('after')::uuid, 'after it')",
    "DELETE FROM codes WHERE id = 9",
    "UPDATE parts SET said = 'after it' WHERE item = 2",
)


def overtaken(
    worlds: Worlds,
    owner: Owner,
    workers: tuple[Worker, Worker],
    known: Plain,
    number: int,
    side: str,
    *,
    unlocked: bool,
) -> Cell:
    """The first worker stands still before an exchange; the second one works; then the first goes on.

    Args:
        unlocked: The sessions that hold the first one's lock are ended meanwhile.
    """
    one, other = workers
    blow = Blow(side, number, Kind.STOPPED)
    with playing(worlds, owner) as play:
        one.begin(play.job(blow=blow, lock_s=_LOCK_S))
        stopped = one.ended()
        if unlocked:
            _end_holders(play)
        passed = other.do(play.job(lock_s=_LOCK_S))
        wrong = [] if stopped.ended == "stopped" else [f"it did not stop, but {stopped.ended}: {stopped.said}"]
        if passed.ended == "done":
            ended, more = _after_the_end(play, one, other, known)
        else:
            one.go_on()
            ended = one.ended()
            tries = until_done(other, play.job(lock_s=_LOCK_S))
            more = not_done(tries) or broken(play.pair, play.witness, known.after)
        return Cell(
            owner=owner,
            mode="overtaken, without its lock" if unlocked else "overtaken",
            point=f"{side} {number}",
            asked_for=known.asked_for(side, number),
            seen=f"{_told(passed)}; then {_told(ended)}",
            wrong=[*wrong, *_failed("the second", passed), *_failed("the first", ended), *more],
        )


def _end_holders(play: Play) -> None:
    for side in (play.pair.source, play.pair.target):
        with side.connect() as admin:
            admin.execute(_END_HOLDERS)


def _after_the_end(play: Play, one: Worker, other: Worker, known: Plain) -> tuple[Ended, list[str]]:
    """All is done while one still stands: what it is about to do is of no use to anybody."""
    wrong = broken(play.pair, play.witness, known.after, working=True)
    with play.pair.source.connect("app") as app:
        for statement in _AFTERWARDS:
            app.execute(statement)
    written = rows(play.witness.source)
    one.go_on()
    ended = one.ended()
    wrong += [f"after the end, {said}" for said in same_rows("by the first", rows(play.witness.source), written)]
    stage = play.witness.source.execute(
        "SELECT content ->> 'stage' FROM rollback_controller.note WHERE sync = %s AND name = 'state'", [SYNC]
    ).fetchone()
    if stage != ("done",):
        wrong.append(f"it was done, and is {stage} again")
    tries = until_done(other, play.job(lock_s=_LOCK_S))
    wrong += not_done(tries)
    wrong += [f"after the end, {said}" for said in same_rows("by the third", rows(play.witness.source), written)]
    return ended, wrong


def _told(ended: Ended) -> str:
    return ended.ended if ended.ended == "done" else f"{ended.ended} ({ended.said[:80]})"


def _failed(who: str, ended: Ended) -> list[str]:
    """To give way is right; to say that it cannot go on ends the rollback."""
    return [f"{who} {ended.ended}: {ended.said}"] if ended.ended in ("refused", "crashed") else []
