"""What is done to the source for a chunk, pass by pass, once its rows are staged: statements, and what each counts.

The images come first: rows are kept as they are before anything changes them.
"""

from dataclasses import replace
from enum import StrEnum

from psycopg.sql import SQL, Composable, Composed, Literal

from shared.adapters.postgres.copying.images import Chunk, images_of, kept, of_chunk, stored
from shared.adapters.postgres.copying.staging import unstaged
from shared.adapters.postgres.server.sql import column, columns, differs, exactly, listed, same_row, set_to, table
from shared.model.sync import Pass, SyncTable


class Counts(StrEnum):
    """What the rows of a statement are."""

    NOTHING = "nothing"
    NEW = "new"
    PUT = "put"
    GONE = "gone"
    VACATED = "vacated"
    OF_OTHERS = "of others"


Steps = list[tuple[Counts, Composable]]
_LIVE, _DEAD, _ANY = SQL("s.rollback_live"), SQL("NOT s.rollback_live"), SQL("true")


def applying(chunk: Chunk) -> Steps:
    """Return what is done for a chunk of a table with a key, in its order."""
    return _STEPS[chunk.does](chunk)


def _vacate(chunk: Chunk) -> Steps:
    of = chunk.of
    return [
        (Counts.NOTHING, _keep_images(chunk, SQL("({} OR {})").format(_DEAD, _gives_up(of)))),
        (Counts.VACATED, _delete(of, SQL("{} AND {}").format(_LIVE, _gives_up(of)))),
        (Counts.GONE, _delete(of, _DEAD)),
    ]


def _drop(chunk: Chunk) -> Steps:
    return [(Counts.NOTHING, _keep_images(chunk, _DEAD)), (Counts.GONE, _delete(chunk.of, _DEAD))]


def _put(chunk: Chunk) -> Steps:
    again = _put_again(chunk) if chunk.of.rest else []
    left = [_leave_what_came_between(chunk.of)] if chunk.ahead else []
    return [*left, (Counts.NEW, _keep_images(chunk, _LIVE)), *again, *_upsert(chunk.of)]


def _leave_what_came_between(of: SyncTable) -> tuple[Counts, Composable]:
    """A row that would give up a value only now was written after others had given up theirs: it goes by a later round.

    Its value may go to another row here, and who takes both back, one by one, would find it held.
    """
    left = SQL("DELETE FROM pg_temp.staged AS s USING {} AS t WHERE {} AND {} AND {}")
    return Counts.NOTHING, left.format(table(of.name), same_row(of, "s", "t"), _LIVE, _gives_up(of))


def _move(chunk: Chunk) -> Steps:
    of = chunk.of
    return [(Counts.NEW, _keep_images(chunk, _ANY)), *_upsert(of), (Counts.GONE, _delete(of, _DEAD))]


_STEPS = {Pass.VACATE: _vacate, Pass.DROP: _drop, Pass.PUT: _put, Pass.MOVE: _move}


def _keep_images(chunk: Chunk, touched: Composable) -> Composed:
    """Keep the rows of a chunk as they are, and note those that are not there; count how many of these will be."""
    of = chunk.of
    there = SQL("t.ctid IS NOT NULL")  # a key of several fields is neither null nor not null when one of them is
    key = [SQL("coalesce({}, {})").format(column(name, "t"), column(name, "s")) for name in of.key]
    keep = SQL(
        "INSERT INTO {images} (rollback_sync, rollback_round, rollback_pass, rollback_chunk, rollback_existed, {names})"
        " SELECT {work}, {there}, {row} FROM pg_temp.staged AS s LEFT JOIN {table} AS t ON {same}"
        " WHERE ({there} OR s.rollback_live) AND {touched}"
    ).format(
        images=images_of(of),
        names=columns(kept(of)),
        work=listed(map(Literal, (chunk.sync, chunk.round, chunk.does.value, chunk.number))),
        there=there,
        row=listed([*key, *(column(name, "t") for name in kept(of)[len(of.key) :])]),
        table=table(of.name),
        same=same_row(of, "s", "t"),
        touched=touched,
    )
    return SQL(
        "WITH kept AS ({} RETURNING rollback_existed) SELECT count(*) FROM kept WHERE NOT rollback_existed"
    ).format(keep)


def _gives_up(of: SyncTable) -> Composable:
    """The condition that a row of the source holds a unique value that it will not hold any more."""
    if of.whole_vacate:
        return differs(of, "t", "s")
    given = [one for one in of.values if one.name in of.vacate]
    sides = (listed(exactly(one, side) for one in given) for side in ("t", "s"))
    return SQL("ROW({}) IS DISTINCT FROM ROW({})").format(*sides) if given else SQL("false")


def _put_again(chunk: Chunk) -> Steps:
    """Insert the rows that were vacated, with what only the source knows of them."""
    of = chunk.of
    again = SQL(
        "INSERT INTO {table} ({names}) OVERRIDING SYSTEM VALUE SELECT {row} FROM pg_temp.staged AS s JOIN {images} AS i"
        " ON {same} AND {vacated} AND i.rollback_existed WHERE s.rollback_live ON CONFLICT ({key}) DO NOTHING"
    ).format(
        table=table(of.name),
        names=columns(kept(of)),
        row=listed([unstaged(of), columns(of.rest, "i")]),
        images=images_of(of),
        same=same_row(of, "s", "i"),
        vacated=of_chunk(replace(chunk, does=Pass.VACATE)),
        key=columns(of.key),
    )
    return [
        (Counts.NOTHING, SQL("SET LOCAL enable_hashjoin = on")),
        (Counts.PUT, again),
        (Counts.NOTHING, SQL("SET LOCAL enable_hashjoin = off")),
    ]


def _upsert(of: SyncTable) -> Steps:
    """Make the rows of a chunk as they are to be.

    A CHECK is asked of the row that would be inserted, before the row that is there is found: where it reads what only
    the source knows, rows that are there are updated beforehand, and never offered.
    """
    if of.rest and (updating := set_to(of, "s")).as_string():
        rows = SQL("(SELECT {} FROM pg_temp.staged AS s WHERE {})").format(unstaged(of), _LIVE)
        update = SQL("UPDATE {} AS t SET {} FROM {} AS s WHERE {} AND {}").format(
            table(of.name), updating, rows, same_row(of, "s", "t"), differs(of, "t", "s")
        )
        absent = SQL("NOT EXISTS (SELECT FROM {} AS t WHERE {})").format(table(of.name), same_row(of, "s", "t"))
        return [(Counts.PUT, update), (Counts.PUT, _insert(of, SQL("{} AND {}").format(_LIVE, absent)))]
    return [(Counts.PUT, _insert(of, _LIVE))]


def _insert(of: SyncTable, which: Composable) -> Composed:
    names, changed = columns(stored(of)), differs(of, "t", "excluded")
    put = SQL(
        "INSERT INTO {} AS t ({}) OVERRIDING SYSTEM VALUE SELECT {} FROM pg_temp.staged AS s WHERE {} ON CONFLICT ({}) "
    )
    updating = set_to(of, "excluded")
    then = SQL("DO UPDATE SET {} WHERE {}").format(updating, changed) if updating.as_string() else SQL("DO NOTHING")
    return put.format(table(of.name), names, unstaged(of), which, columns(of.key)) + then


def _delete(of: SyncTable, which: Composable) -> Composed:
    delete = SQL("DELETE FROM {} AS t USING pg_temp.staged AS s WHERE {} AND {}")
    return delete.format(table(of.name), which, same_row(of, "s", "t"))
