"""Damage that goes around the triggers, as a disk or a fault of a move does it, and rounds that search for it."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from psycopg.sql import SQL, Literal

from shared.adapters.postgres.corruption.ground import newest_checkpoint
from shared.adapters.postgres.corruption.search import Search, sample
from shared.decision.corruption import Key, Round
from shared.model.sync import SyncRules
from tests.contract.postgres.pairs import Database, Pair
from tests.contract.postgres.ways import begin

RULES = SyncRules()
_WITHIN = timedelta(seconds=20)
_BEHIND = """
UPDATE pg_class SET relhastriggers = {} WHERE oid IN (
  SELECT relid FROM pg_partition_tree('items'::regclass) UNION SELECT 'items'::regclass)
"""


def damage(side: Database, *statements: str) -> None:
    """Change `items` so that no trigger fires and none was switched: meanwhile the catalogue says that it has none."""
    with side.connect() as connection, connection.transaction():
        connection.execute("SET LOCAL allow_system_table_mods = on")
        connection.execute(SQL(_BEHIND).format(Literal(False)))
        for statement in statements:
            connection.execute(statement)
        connection.execute(SQL(_BEHIND).format(Literal(True)))


def start(pair: Pair, rules: SyncRules = RULES, checkpoint: str = "change") -> None:
    begin(pair.source.access, pair.target.access, rules, checkpoint)


def look(pair: Pair, share: float = 1.0, rules: SyncRules = RULES) -> Round:
    return sample(pair.source.access, pair.target.access, rules, share, _WITHIN)


@contextmanager
def searching(pair: Pair) -> Iterator[Search]:
    """Open both sides for a search that goes on for longer than a round."""
    with (
        pair.source.access.connected(statement=_WITHIN) as here,
        pair.target.access.connected(statement=_WITHIN) as there,
    ):
        since = newest_checkpoint(here, there)
        assert not isinstance(since, str)
        yield Search(here, there, RULES, since)


def keys(found: Round, table: str = "public.items") -> set[Key]:
    return set(found.damaged.get(table, ()))
