"""What must hold after a way back, asked of the databases in plain SQL: nothing of the product's own is used for it."""

# ruff: noqa: S608  # statements are made up here; names in them are quoted
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import psycopg
from psycopg import Connection
from psycopg.sql import SQL, Identifier, Literal

from tests.contract.postgres.worlds import RandomTable, quoted

Row = tuple[str | None, ...]
Rows = dict[Row, Row]
# Rows must be written alike on both sides.
AS_TEXT = "SET timezone = 'UTC'; SET extra_float_digits = 1; SET row_security = off; SET lc_monetary = 'C'"
_COLUMNS = """
SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute
WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = '' ORDER BY attname
"""


@dataclass(frozen=True, slots=True)
class Image:
    """All rows of a table at one time: by key, each with the columns named. Without a key, by all that is in them."""

    columns: Sequence[str]
    rows: Rows
    keyless: bool = False

    def cut(self, columns: Sequence[str]) -> Rows:
        """Return the rows with only some columns."""
        places = [self.columns.index(name) for name in columns]
        cut = {key: tuple(row[place] for place in places) for key, row in self.rows.items()}
        return numbered(cut.values()) if self.keyless else cut


def numbered(rows: Iterable[Row]) -> Rows:
    """Return rows by themselves, the same ones with a number."""
    several = Counter(rows)
    return {(str(number), *row): row for row, copies in several.items() for number in range(copies)}


def types_of(side: Connection, table: RandomTable) -> dict[str, str]:
    return {str(name): str(kind) for name, kind in side.execute(_COLUMNS, [table.sql]).fetchall()}


def image(side: Connection, table: RandomTable, read_as: Mapping[str, str]) -> Image:
    """Return a table's rows, each value as text of the type that it is read as; columns without one as they are."""
    side.execute(AS_TEXT)
    types = types_of(side, table)
    texts = {name: _text(name, kind, read_as.get(name, kind)) for name, kind in types.items()}
    keys = [texts[key.name] for key in table.key]
    query = f"SELECT ARRAY[{', '.join(keys)}], ARRAY[{', '.join(texts.values())}] FROM {table.sql}"
    found = side.execute(query).fetchall()
    rows = numbered(tuple(row) for _, row in found) if table.keyless else {tuple(key): tuple(row) for key, row in found}
    assert len(rows) == len(found)
    return Image(list(texts), rows, table.keyless)


def _text(name: str, kind: str, wanted: str) -> str:
    return f"{quoted(name)}::text" if kind == wanted else f"{quoted(name)}::text::{wanted}::text"


def foreign_keys_hold(source: Connection) -> None:
    """Make every foreign key anew, which checks all rows, and take it back."""
    found = source.execute(
        "SELECT conrelid::regclass::text, quote_ident(conname), pg_get_constraintdef(oid) FROM pg_constraint"
        " WHERE contype = 'f' AND conparentid = 0"
    ).fetchall()
    with source.transaction(force_rollback=True):
        for table, name, definition in found:
            source.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
            source.execute(f"ALTER TABLE {table} ADD {definition}")


def sequences(side: Connection) -> dict[str, int]:
    found = side.execute(
        "SELECT schemaname || '.' || sequencename, last_value FROM pg_sequences WHERE schemaname !~ '^rollback_'"
    ).fetchall()
    return {str(name): int(last or 0) for name, last in found}


def taken_back(source: Connection, table: RandomTable, sync: str) -> Image:
    """Return what the source's table was before a sync, made from the images that the sync kept; changes nothing."""
    oid = source.execute("SELECT %s::regclass::oid::int8", [table.sql]).fetchone()
    assert oid is not None
    images = Identifier("rollback_controller", f"before_{oid[0]}")
    if table.keyless:
        return _counted_back(source, table, sync, images)
    names = SQL(", ").join(Identifier(name) for name in types_of(source, table))
    first = SQL(
        "SELECT DISTINCT ON ({keys}) * FROM {images} WHERE rollback_sync = {sync}"
        " ORDER BY {keys}, rollback_round, array_position(ARRAY['vacate', 'put', 'drop', 'move'], rollback_pass)"
    )
    chosen = first.format(keys=SQL(table.keys), images=images, sync=Literal(sync))
    of, keys = SQL(table.sql), SQL(table.keys)
    with source.transaction(force_rollback=True):
        source.execute("SET LOCAL session_replication_role = replica")
        source.execute(f"ALTER TABLE {table.sql} DISABLE TRIGGER USER")
        source.execute(SQL("CREATE TEMP TABLE first ON COMMIT DROP AS {}").format(chosen))
        source.execute(SQL("DELETE FROM {} WHERE ({}) IN (SELECT {} FROM first)").format(of, keys, keys))
        source.execute(
            SQL("INSERT INTO {} ({}) OVERRIDING SYSTEM VALUE SELECT {} FROM first WHERE rollback_existed").format(
                of, names, names
            )
        )
        return image(source, table, {})


def _counted_back(source: Connection, table: RandomTable, sync: str, images: Identifier) -> Image:
    now = image(source, table, {})
    values = SQL(", ").join(SQL("{}::text").format(Identifier(name)) for name in now.columns)
    asked = SQL("SELECT rollback_existed, ARRAY[{}] FROM {} WHERE rollback_sync = {}").format(
        values, images, Literal(sync)
    )
    rows = Counter(now.rows.values())
    for existed, row in source.execute(asked).fetchall():
        rows[tuple(row)] += 1 if existed else -1
    assert min(rows.values(), default=0) >= 0
    return Image(now.columns, numbered(rows.elements()), keyless=True)


def is_refused(writer: Connection, table: RandomTable) -> bool:
    """Whether the fence stands against a writer."""
    try:
        writer.execute(f"DELETE FROM {table.sql} WHERE false")
    except psycopg.Error as error:
        writer.execute("ROLLBACK")
        return error.sqlstate == "RB001"
    return False
