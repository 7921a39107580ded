"""Both databases as one piece of work holds them, with what their catalogues say and the plan that follows from it."""

from collections.abc import Callable
from dataclasses import dataclass

from psycopg import Connection

from shared.adapters.postgres.server.catalogue import read_catalogue
from shared.adapters.postgres.server.hashing import Hash, hash_for
from shared.adapters.postgres.server.session import Access, Rows
from shared.decision.sync_plan import sync_plan
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
    """Read both catalogues, and plan; changes nothing."""
    here, there = read_catalogue(source), read_catalogue(target)
    return Sides(source, target, here, there, sync_plan(here, there, rules), hash_for(source, target))


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
