"""Clauses of the statements that writers run."""

from tests.contract.postgres.worlds import RandomTable, quoted

OVERRIDING = "OVERRIDING SYSTEM VALUE"
NOTHING = "(updated_at)"


def given(table: RandomTable) -> tuple[str, str]:
    """Return the columns of new rows, and their values; the database makes the keys that it can make."""
    given = table.made_keys() | table.values()
    if not given:
        return NOTHING, "timestamptz '2023-01-01' + n * interval '1 s'"
    return f"({', '.join(map(quoted, given))})", ", ".join(given.values())


def all_columns(table: RandomTable) -> str:
    return f"({', '.join([table.keys, *map(quoted, table.values())])})"


def with_keys(table: RandomTable) -> str:
    return ", ".join([table.keys, *table.values().values()])


def same(table: RandomTable, left: str, right: str) -> str:
    return " AND ".join(f"{left}.{quoted(key.name)} = {right}.{quoted(key.name)}" for key in table.key)
