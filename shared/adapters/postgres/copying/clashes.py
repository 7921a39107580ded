"""Rows of the target that cannot go where a row of the source stays as it is: it holds a unique value that they take.

Found before anything is copied. What is unique over an expression, or for some rows, is not reckoned here: then the
source's server says so while rows are copied.
"""

from collections.abc import Collection, Iterable, Iterator

from psycopg import Connection
from psycopg.sql import SQL, Composed

from shared.adapters.postgres.capture.keys import KEYS, give_keys
from shared.adapters.postgres.server.session import Rows
from shared.adapters.postgres.server.sql import columns, same_row, same_values, table
from shared.model.sync import SyncTable


def clashes(source: Connection[Rows], target: Connection[Rows], of: SyncTable, kept: Collection[bytes]) -> list[str]:
    """Return a sentence for each unique rule that would not hold.

    Args:
        kept: Keys of rows that stay as they are on the source, as lines of COPY's text format.
    """
    if not kept or not of.unique or not of.key:
        return []
    with source.transaction(), target.transaction():
        give_keys(source, of, kept)
        give_keys(target, of, kept)
        _carry(source, target, of)
        counted = ((name, _count(target, of, rule)) for name, rule in of.unique)
        return [
            f"{of.name}: {rows} rows take a value of {name} that a kept row holds" for name, rows in counted if rows
        ]


def _carry(source: Connection[Rows], target: Connection[Rows], of: SyncTable) -> None:
    """Bring what the kept rows hold to the target."""
    names = list(dict.fromkeys(_names(of.unique)))
    target.execute(
        SQL("CREATE TEMP TABLE held_there ON COMMIT DROP AS SELECT {} FROM {} WITH NO DATA").format(
            columns(names), table(of.name)
        )
    )
    reading = SQL("COPY (SELECT {} FROM {} AS t JOIN {} AS k ON {}) TO STDOUT").format(
        columns(names, "t"), table(of.name), KEYS, same_row(of, "t", "k")
    )
    with source.cursor().copy(reading) as rows, target.cursor().copy("COPY pg_temp.held_there FROM STDIN") as held:
        for some in rows:
            held.write(some)


def _names(rules: Iterable[tuple[str, tuple[str, ...]]]) -> Iterator[str]:
    for _, rule in rules:
        yield from rule


def _count(target: Connection[Rows], of: SyncTable, rule: tuple[str, ...]) -> int:
    row = target.execute(_taking(of, rule)).fetchone()
    return int(str(row[0])) if row else 0


def _taking(of: SyncTable, rule: tuple[str, ...]) -> Composed:
    return SQL(
        "SELECT count(*) FROM {} AS t JOIN pg_temp.held_there AS h ON {}"
        " WHERE NOT EXISTS (SELECT FROM {} AS k WHERE {})"
    ).format(table(of.name), same_values(of, rule, "t", "h"), KEYS, same_row(of, "t", "k"))
