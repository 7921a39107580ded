"""Both databases as one piece of work holds them, with what their catalogues say and the plan that follows from it."""

from collections.abc import Callable
from dataclasses import dataclass

from psycopg import Connection

from shared.adapters.postgres.server.catalogue import read_catalogue
from shared.adapters.postgres.server.hashing import Hash, hash_for
from shared.adapters.postgres.server.session import Access, Rows
from shared.decision.sync_plan import sync_plan
from shared.errors import PermanentError
from shared.model.policy_data import Database
from shared.model.sync import SyncPlan, SyncRules
from shared.model.tables import Catalogue


@dataclass(frozen=True, slots=True)
class Sides:
    """Both databases, open."""

    source: Connection[Rows]
    target: Connection[Rows]
    here: Catalogue
    there: Catalogue
    plan: SyncPlan
    by: Hash


def read_sides(source: Connection[Rows], target: Connection[Rows], rules: SyncRules) -> Sides:
    """Read both catalogues, and plan; changes nothing.

    Raises:
        PermanentError: it is one database.
    """
    here, there = read_catalogue(source, rules.tables), read_catalogue(target, rules.tables)
    if here.server.place == there.server.place:
        raise PermanentError("source and target are the same database")
    return Sides(source, target, here, there, sync_plan(here, there, rules), hash_for(source, target))


def name_in_full(*sides: Connection[Rows]) -> None:
    """Have values that name objects, such as those of `regclass`, written with their schema, wherever they are found.

    What a role's or a database's search path leaves out on one side, it would not on the other.
    """
    for side in sides:
        side.execute("SELECT set_config('search_path', 'pg_catalog', false)")


def accesses(database: Database, token: Callable[[], str]) -> tuple[Access, Access]:
    """Return how to reach the source and the target of a policy's database.

    Args:
        token: Returns a token of the app's identity for Azure's servers.
    """
    given = token if database.identity else None
    return (
        Access("source", database.source, token=given, verified=database.tls),
        Access("target", database.target, token=given, verified=database.tls),
    )
