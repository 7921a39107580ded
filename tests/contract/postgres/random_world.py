"""A random world under way: both its databases, filled alike, with the triggers and policies that a real one has."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from random import Random
from typing import Any

from psycopg import Connection

from local.postgres import NEW, OLD
from shared.model.sync import Conflicts, Keyless, SyncRules
from tests.contract.postgres.pairs import Pair, Servers
from tests.contract.postgres.worlds import RandomTable, random_tables, tables_on
from tests.contract.postgres.writers import Lane, Script

_VERSIONS = ((OLD, OLD), (OLD, NEW), (NEW, OLD))
_SCRATCH = "CREATE TABLE scratch (id int)"
_TRIGGERS = """
CREATE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql AS
  $$ BEGIN NEW.updated_at := '1999-01-01'; RETURN NEW; END $$;
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
  $$ BEGIN IF current_user <> 'app' THEN RAISE 'a trigger of the source fired'; END IF; RETURN NULL; END $$
"""
_TRIGGER = {
    "stamp": "CREATE TRIGGER stamp BEFORE INSERT OR UPDATE ON {} FOR EACH ROW EXECUTE FUNCTION stamp()",
    "always": "CREATE TRIGGER always BEFORE INSERT OR UPDATE ON {0} FOR EACH ROW EXECUTE FUNCTION stamp();"
    " ALTER TABLE {0} ENABLE ALWAYS TRIGGER always",
    "refuse": "CREATE TRIGGER refuse AFTER INSERT OR UPDATE OR DELETE ON {} FOR EACH ROW EXECUTE FUNCTION refuse()",
}


@dataclass(slots=True)
class World:
    """A random world under way.

    Attributes:
        log_is_blind: A key had another name for a while: what was written then is not in the log.
    """

    seed: int
    pair: Pair
    random: Random
    tables: list[RandomTable]
    script: Script
    rules: SyncRules
    stack: ExitStack
    pool: ThreadPoolExecutor
    both_write: bool = False
    log_is_blind: bool = False

    @property
    def sync(self) -> str:
        return f"sync {self.seed}"

    def lanes(self, side: str, count: int) -> list[Lane]:
        database = getattr(self.pair, side)
        return [Lane(self.stack.enter_context(database.connect("app"))) for _ in range(count)]

    def whole(self, side: str) -> Connection[Any]:
        return self.stack.enter_context(getattr(self.pair, side).connect())


@contextmanager
def random_world(servers: Servers, seed: int) -> Iterator[World]:
    """Make both sides, filled alike."""
    random = Random(seed)
    versions = random.choice(_VERSIONS)
    owner = "orderly" if random.random() < 0.15 else "keeper"
    tables = random_tables(random, in_order=owner == "orderly")
    script = Script(random, tables)
    rules = SyncRules(
        leave_out=("public.scratch", "public.moods"),
        conflicts=random.choice(list(Conflicts)),
        keyless=Keyless.REPLACE,
        chunk=random.choice((7, 50, 1_000)),
        workers=random.randint(1, 2),
    )
    with servers.pair(*versions, owner) as pair, ExitStack() as stack, ThreadPoolExecutor(4) as pool:
        pair.source.run(*tables_on("source", tables))
        pair.target.run(*tables_on("target", tables))
        pair.run(_SCRATCH, *script.filling())
        pair.source.run(_TRIGGERS, *(_TRIGGER[one].format(of.sql) for of in tables for one in of.triggers))
        secured = [f"ALTER TABLE {of.sql} {how} ROW LEVEL SECURITY" for of in tables if of.secured for how in _SECURED]
        pair.run(*secured)
        far = random.choice((pair.source, pair.target))
        far.run("SELECT setval('lonely', 30001)")
        pair.open_to_writers()
        yield World(seed, pair, random, tables, script, rules, stack, pool)


_SECURED = ("ENABLE", "FORCE")
