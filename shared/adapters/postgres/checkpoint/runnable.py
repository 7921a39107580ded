"""Whether the queries of a policy can run at all: a rule that cannot would be found out after everything was copied."""

from collections.abc import Iterator

from psycopg import Connection, DatabaseError, OperationalError
from psycopg.sql import SQL

from shared.adapters.postgres.server.session import Rows, sentence
from shared.model.policy_data import Database, Rule
from shared.model.sync import Finding, Severity


def unrunnable(source: Connection[Rows], database: Database) -> Iterator[Finding]:
    """Yield the rules that the source does not even plan; nothing of them is run."""
    for name, rule in _named(database):
        why = _why_not(source, rule)
        if why is not None:
            yield Finding(severity=Severity.BLOCKS, about=f"rule {name}", what=f"the source cannot run it: {why}")


def _named(database: Database) -> Iterator[tuple[str, Rule]]:
    yield from database.rules.items()
    if database.readable is not None:
        yield "readable", database.readable


def _why_not(source: Connection[Rows], rule: Rule) -> str | None:
    try:
        with source.transaction(force_rollback=True):
            source.execute("SET TRANSACTION READ ONLY")
            source.execute(SQL("EXPLAIN ") + SQL(rule.query))
    except OperationalError:  # the link, or a time-out: it says nothing of the rule
        raise
    except DatabaseError as error:
        return sentence(error)
    return None
