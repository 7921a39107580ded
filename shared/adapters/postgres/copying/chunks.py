"""Copies pinned rows from the target to the source, a chunk at a time.

One transaction of the source holds a chunk's staging, the images of what it changes, the changes and the row of its
progress: killed at any point, it is done or not done, and who comes next can tell (`docs/adr/0014`).

It commits without waiting for the disk: a crash of the server loses the last chunks whole, each with its row of
progress, and they are copied again. What is noted after the last of a round is waited for, and in the write-ahead log
all chunks stand before that: nothing is ever noted as copied that could still be lost.
https://www.postgresql.org/docs/current/wal-async-commit.html
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import astuple, dataclass
from datetime import timedelta
from time import monotonic

from psycopg import Connection, Error, errors
from psycopg.sql import SQL, Composable, Composed, Literal

from shared.adapters.postgres.copying.applying import Counts, Steps, applying
from shared.adapters.postgres.copying.images import Chunk, prepare_images
from shared.adapters.postgres.copying.meanwhile import Meanwhile, WrittenMeanwhileError
from shared.adapters.postgres.copying.referring import refuse_dropped, refuse_renamed
from shared.adapters.postgres.copying.replacing import replace_rows
from shared.adapters.postgres.copying.staging import stage, staging
from shared.adapters.postgres.server.catalogue import OURS
from shared.adapters.postgres.server.quiet import quieting, rousing
from shared.adapters.postgres.server.session import Rows, at_once
from shared.adapters.postgres.server.sql import listed, ours
from shared.model.sync import Pass, SyncTable

__all__ = [
    "CHUNK_WITHIN",
    "Chunk",
    "Effects",
    "Meanwhile",
    "WrittenMeanwhileError",
    "applied",
    "apply_chunk",
    "prepare_images",
    "workers_for",
]

# A chunk takes less than a second. Who waits for as long as this has a link that has gone bad: a time-out of a whole
# scan or proof would be the better part of the time that there is for going back.
CHUNK_WITHIN = timedelta(seconds=20)
# Two workers keep a source busy that is near. From where an answer takes longer than this, they mostly wait for it;
# one of a busy server may take as long, not each of some.
_FAR_S, _ASKED, _WORKERS_AFAR = 0.002, 3, 4


@dataclass(frozen=True, slots=True)
class Effects:
    """How many rows of the source were changed.

    Attributes:
        vacated: Deleted, to be inserted again with other values: in the end these count as updated.
    """

    inserted: int = 0
    updated: int = 0
    deleted: int = 0
    vacated: int = 0


def apply_chunk(
    target: Connection[Rows],
    source: Connection[Rows],
    chunk: Chunk,
    *,
    replica_role: bool,
    since: Meanwhile | None = None,
) -> Effects | None:
    """Apply a chunk, unless it was applied.

    A server that waits for rows of a COPY has no time-out for that: who is left behind there must hold nothing. So rows
    are staged before the chunk is claimed.

    Args:
        replica_role: As the plan says.
        since: Since when nobody else may have written its rows on the source.

    Returns:
        What it changed; `None` when somebody else applied it, or the way back is not at this round's copy any more.

    Raises:
        WrittenMeanwhileError: somebody has; nothing of it happened.
        psycopg.Error: nothing of it happened, or all of it: `progress` tells.
    """
    began = monotonic()
    try:
        with _begun(source, chunk.of):
            keys = stage(target, source, chunk)
            effects = _claim_and_apply(source, chunk, since, replica_role=replica_role)
            done = _done(chunk, [keys, *astuple(effects), int((monotonic() - began) * 1000)])
            at_once(source, [*rousing(chunk.of, replica_role=replica_role), done, SQL("COMMIT")])
    except errors.IntegrityError as error:
        if (error.diag.schema_name, error.diag.table_name) != (OURS, "progress"):
            raise
        return None
    return effects


def applied(source: Connection[Rows], sync: str, of: SyncTable, round_: int, does: Pass) -> set[int]:
    """Return the chunks that were applied."""
    asked = SQL("SELECT chunk FROM {} WHERE sync = %s AND oid = %s AND round = %s AND pass = %s")
    rows = source.execute(asked.format(ours("progress")), [sync, of.oid, round_, does.value])
    return {int(str(row[0])) for row in rows}


def workers_for(side: Connection[Rows], workers: int) -> int:
    """Return how many workers are needed, by how far away a side is."""
    far = all(_answer_s(side) > _FAR_S for _ in range(_ASKED))
    return max(workers, _WORKERS_AFAR) if far else workers


def _answer_s(side: Connection[Rows]) -> float:
    began = monotonic()
    side.execute("SELECT 1")
    return monotonic() - began


@contextmanager
def _begun(source: Connection[Rows], of: SyncTable) -> Iterator[None]:
    """Begin a transaction along with its first statements; who is in it ends it along with the last ones."""
    with ExitStack() as undone:
        undone.callback(_roll_back, source)
        at_once(source, [SQL("BEGIN"), SQL("SET LOCAL synchronous_commit = off"), staging(of)])
        yield
        undone.pop_all()


def _roll_back(source: Connection[Rows]) -> None:
    with suppress(Error):  # what cannot be told so any more ends by itself
        source.rollback()


def _claim_and_apply(source: Connection[Rows], chunk: Chunk, since: Meanwhile | None, *, replica_role: bool) -> Effects:
    of = chunk.of
    first: Steps = [(Counts.NOTHING, one) for one in (_claim(chunk), *quieting(of, replica_role=replica_role))]
    last = _of_others(chunk, since)
    if of.key and (replica_role or not of.referred):
        return _effects(source, [*first, *applying(chunk), *last])
    _effects(source, first)
    if not of.key:
        replaced = Effects(*replace_rows(source, chunk))
        if last:
            _effects(source, last)
        return replaced
    _refuse_what_cascades(source, chunk)
    return _effects(source, [*applying(chunk), *last])


def _of_others(chunk: Chunk, since: Meanwhile | None) -> Steps:
    if since is None:
        return []
    return [(Counts.NOTHING, SQL("SET LOCAL enable_hashjoin = on")), (Counts.OF_OTHERS, since.written(chunk.of))]


def _effects(source: Connection[Rows], steps: Steps) -> Effects:
    done = at_once(source, [statement for _, statement in steps])
    counted: Counter[Counts] = Counter()
    for (counts, _), result in zip(steps, done.results(), strict=True):
        row = result.fetchone() if result.description else None
        counted[counts] += int(str(row[0])) if row else result.rowcount
    if counted[Counts.OF_OTHERS]:
        raise WrittenMeanwhileError
    new, put = counted[Counts.NEW], counted[Counts.PUT]
    return Effects(new, put - new, counted[Counts.GONE], counted[Counts.VACATED])


def _refuse_what_cascades(source: Connection[Rows], chunk: Chunk) -> None:
    if chunk.does is Pass.DROP:
        refuse_dropped(source, chunk.of)
    elif chunk.does is not Pass.VACATE:
        refuse_renamed(source, chunk.of)


def _claim(chunk: Chunk) -> Composed:
    """A second worker waits here until the first has committed, and then fails: it leaves the chunk alone.

    So does one that stood still meanwhile: the round is null, which is refused, where it is not being copied now. The
    lock keeps that so until this is committed.
    """
    claim = SQL(
        "INSERT INTO {progress} (sync, oid, round, pass, chunk, keys, inserted, updated, deleted, vacated, took_ms)"
        " VALUES ({sync}, {oid}, (SELECT {round} FROM {note} WHERE sync = {sync} AND name = 'state'"
        " AND content ->> 'stage' = 'copy' AND (content ->> 'copied')::int < {round}"
        " AND (content ->> 'round')::int >= {round} FOR SHARE), {does}, {chunk}, 0, 0, 0, 0, 0, 0)"
    )
    sync, oid, round_, does, number = map(Literal, _key_of(chunk))
    return claim.format(
        progress=ours("progress"), note=ours("note"), sync=sync, oid=oid, round=round_, does=does, chunk=number
    )


def _done(chunk: Chunk, counts: list[int]) -> Composable:
    done = SQL(
        "UPDATE {} SET (keys, inserted, updated, deleted, vacated, took_ms) = ({})"
        " WHERE (sync, oid, round, pass, chunk) = ({})"
    )
    return done.format(ours("progress"), listed(map(Literal, counts)), listed(map(Literal, _key_of(chunk))))


def _key_of(chunk: Chunk) -> list[str | int]:
    return [chunk.sync, chunk.of.oid, chunk.round, chunk.does.value, chunk.number]
