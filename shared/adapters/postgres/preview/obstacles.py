"""Rows that the source would refuse, by a rule that the target does not have, or by a row that stays as it is there.

Found before writers are stopped: the rows that go back are held against the rules of the source. What is unique over an
expression or for some rows alone is not reckoned here; nor is what a rule of the source makes of its own columns.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from psycopg import Connection, DatabaseError, OperationalError
from psycopg.sql import SQL, Composable, Composed

from shared.adapters.postgres.capture.keys import KEYS, give_keys
from shared.adapters.postgres.server.session import Rows
from shared.adapters.postgres.server.sides import Sides
from shared.adapters.postgres.server.sql import column, columns, listed, same_row, same_values, table
from shared.decision.sync_findings import blocks, noted
from shared.decision.sync_table_findings import is_emptier, unique_here
from shared.model.sync import Finding, SyncTable

_CHECKS = """
SELECT conname::text, pg_get_expr(conbin, conrelid) FROM pg_constraint
WHERE conrelid = %s AND contype = 'c' ORDER BY conname
"""
_TAKEN = SQL("""
SELECT count(*) FROM pg_temp.going AS w JOIN {table} AS t ON {rule}
WHERE w.rollback_live AND {stays} AND NOT EXISTS (SELECT FROM pg_temp.going AS g WHERE {same})
""")
_SHARED = SQL("""
SELECT count(*) FROM ({keys}) AS w JOIN {table} AS t ON {written}
WHERE EXISTS (SELECT FROM {table} AS o WHERE {rule} AND NOT ({same}))
""")


@dataclass(frozen=True, slots=True)
class Going:
    """The rows of one table that go back.

    Attributes:
        keys: Their keys, as a query on the target; it may take in those that are given.
        given: Keys as lines of COPY's text format.
        kept: Those that stay as they are on the source.
        follow: What nobody wrote goes back along with them, where it is in their way.
    """

    of: SyncTable
    keys: Composable
    given: Collection[bytes] = ()
    kept: Collection[bytes] = ()
    follow: bool = False


def obstacles(sides: Sides, going: Going) -> Iterator[Finding]:
    """Yield what would stop the copy, with how many rows."""
    of = going.of
    yield from _without_key(sides, of)
    if not of.key:
        return
    empty = _may_be_empty(sides, of, [one.name for one in of.values])
    with sides.source.transaction(force_rollback=True), sides.target.transaction(force_rollback=True):
        give_keys(sides.target, of, going.given)
        yield from _against_checks(sides, going)
        yield from _shared(sides, going)
        if of.unique or empty:
            _carry(sides, going, empty)
            yield from _empty(sides.source, of, empty)
            yield from _taken(sides.source, going)


def _may_be_empty(sides: Sides, of: SyncTable, names: Iterable[str]) -> list[str]:
    here, there = sides.here.tables[of.name].by_name, sides.there.tables[of.name].by_name
    return [name for name in names if is_emptier(here[name], there[name])]


def _without_key(sides: Sides, of: SyncTable) -> Iterator[Finding]:
    """No log names these; of a table without a key, none names any."""
    for name in _may_be_empty(sides, of, of.key or [one.name for one in of.columns]):
        asked = SQL("SELECT count(*) FROM {} WHERE {} IS NULL").format(table(of.name), column(name))
        yield from _no_value(of, name, _count(sides.target, asked))


def _carry(sides: Sides, going: Going, also: Iterable[str]) -> None:
    """Bring to the source what its rules are about, and take away what stays there as it is."""
    of = going.of
    names = list(dict.fromkeys([*(name for _, rule in of.unique for name in rule), *also]))
    besides = [name for name in names if name not in of.key]
    making = SQL("CREATE TEMP TABLE going ON COMMIT DROP AS SELECT {}, true AS rollback_live FROM {} WITH NO DATA")
    sides.source.execute(making.format(columns([*of.key, *besides]), table(of.name)))
    reading = SQL("COPY (SELECT {}, {} IS NOT NULL FROM ({}) AS w LEFT JOIN {} AS t ON {}) TO STDOUT").format(
        listed([columns(of.key, "w"), *([columns(besides, "t")] if besides else [])]),
        column(of.key[0], "t"),
        going.keys,
        table(of.name),
        same_row(of, "w", "t"),
    )
    with sides.target.cursor().copy(reading) as rows, sides.source.cursor().copy("COPY pg_temp.going FROM STDIN") as to:
        for some in rows:
            to.write(some)
    give_keys(sides.source, of, going.kept)
    staying = SQL("DELETE FROM pg_temp.going AS w USING {} AS k WHERE {}").format(KEYS, same_row(of, "w", "k"))
    sides.source.execute(staying)
    sides.source.execute("ANALYZE pg_temp.going")


def _empty(source: Connection[Rows], of: SyncTable, names: Iterable[str]) -> Iterator[Finding]:
    for name in names:
        asked = SQL("SELECT count(*) FROM pg_temp.going WHERE rollback_live AND {} IS NULL").format(column(name))
        yield from _no_value(of, name, _count(source, asked))


def _no_value(of: SyncTable, name: str, rows: int) -> Iterator[Finding]:
    if rows:
        yield blocks(f"{of.name}.{name}", f"{rows} rows on the target have no value in it, which the source demands")


def _taken(source: Connection[Rows], going: Going) -> Iterator[Finding]:
    of = going.of
    kept = SQL("EXISTS (SELECT FROM {} AS k WHERE {})").format(KEYS, same_row(of, "k", "t"))
    stays = kept if going.follow else SQL("true")
    for name, rule in of.unique:
        same = {"rule": same_values(of, rule, "w", "t"), "same": same_row(of, "g", "t")}
        rows = _count(source, _TAKEN.format(table=table(of.name), stays=stays, **same))
        if rows:
            what = f"{rows} rows take a value of {name} that a row of the source holds which does not go with them"
            yield blocks(str(of.name), what)


def _shared(sides: Sides, going: Going) -> Iterator[Finding]:
    of = going.of
    alone = unique_here(sides.here.tables[of.name], sides.there.tables[of.name])
    for name, rule in of.unique:
        if name in alone:
            rows = _count(
                sides.target,
                _SHARED.format(
                    keys=going.keys,
                    table=table(of.name),
                    written=same_row(of, "w", "t"),
                    rule=same_values(of, rule, "o", "t"),
                    same=same_row(of, "o", "t"),
                ),
            )
            if rows:
                yield blocks(str(of.name), f"{rows} rows share values of {name}, which are unique on the source")


def _against_checks(sides: Sides, going: Going) -> Iterator[Finding]:
    known = {rule for _, rule in _checks(sides.target, going.of.oid)}
    for name, rule in _checks(sides.source, going.of.source_oid):
        rows = _breaking(sides.target, going, rule) if rule not in known else 0
        if rows is None:
            what = f"the source checks {name}, and the target does not: whether all rows that go back hold is not known"
            yield noted(str(going.of.name), what)
        elif rows:
            yield blocks(
                str(going.of.name), f"{rows} rows on the target do not hold against {name}, which the source checks"
            )


def _checks(side: Connection[Rows], oid: int) -> Sequence[tuple[str, str]]:
    rows: list[Any] = side.execute(_CHECKS, [oid]).fetchall()
    return rows


def _breaking(target: Connection[Rows], going: Going, rule: str) -> int | None:
    """Count the rows that break a rule of the source, on the target; `None` where that cannot be asked there."""
    asked = SQL("SELECT count(*) FROM (SELECT t.* FROM ({}) AS w JOIN {} AS t ON {}) AS t WHERE NOT ({})")
    try:
        with target.transaction():
            target.execute("SET LOCAL transaction_read_only = on")
            return _count(target, _with(asked, going, rule))
    except OperationalError:  # the link, or a time-out
        raise
    except DatabaseError:  # it is about columns or functions that only the source has
        return None


def _with(asked: SQL, going: Going, rule: str) -> Composed:
    of = going.of
    return asked.format(going.keys, table(of.name), same_row(of, "w", "t"), SQL(rule))


def _count(side: Connection[Rows], asked: Composed) -> int:
    row: Any = side.execute(asked).fetchone()
    return int(row[0])
