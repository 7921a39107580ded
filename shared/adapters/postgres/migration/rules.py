"""Asks whether what must hold of a database does: one query and one value each, as the server writes it.

Each runs in a transaction of its own that can write nothing and is rolled back; within the transaction of scripts that
is a savepoint, so that what they wrote is seen.
"""

from collections.abc import Iterable, Mapping
from datetime import timedelta

import psycopg
from psycopg import Connection, errors

from shared.adapters.postgres.server.session import Rows, sentence
from shared.model.migration import Verdict
from shared.model.policy_data import Rule

# How a value is written depends on the session, and scripts may have set theirs. A hidden row is an error.
_SETTINGS = {
    "transaction_read_only": "on",
    "timezone": "UTC",
    "datestyle": "ISO",
    "intervalstyle": "postgres",
    "extra_float_digits": "1",
    "bytea_output": "hex",
    "row_security": "off",
}
_SHOWN = 80
# Says nothing about the rule: it took too long, or others were in the way.
_PASSING = (errors.QueryCanceled, errors.LockNotAvailable, errors.TransactionRollback, errors.InsufficientResources)


def check_rules(connection: Connection[Rows], rules: Mapping[str, Rule]) -> tuple[Verdict, ...]:
    """Return what each rule comes to; one that cannot be asked does not hold.

    Raises:
        psycopg.OperationalError: the connection was lost.
    """
    return tuple(_check(connection, name, rule) for name, rule in rules.items())


def _check(connection: Connection[Rows], name: str, rule: Rule) -> Verdict:
    try:
        with connection.transaction(force_rollback=True):
            _set(connection, _SETTINGS | {"statement_timeout": str(int(rule.within / timedelta(milliseconds=1)))})
            got = _value(connection, rule.query)
    except psycopg.Error as error:
        if connection.closed:
            raise
        passing = isinstance(error, _PASSING)
        return Verdict(name=name, holds=False, expected=rule.expect, got=_why_not(error, rule), passing=passing)
    return Verdict(name=name, holds=got == rule.expect, expected=rule.expect, got=got[:_SHOWN])


def _set(connection: Connection[Rows], settings: Mapping[str, str]) -> None:
    connection.execute(
        "SELECT set_config(name, value, true) FROM unnest(%s::text[], %s::text[]) AS wanted (name, value)",
        [list(settings), list(settings.values())],
    )


def _value(connection: Connection[Rows], query: str) -> str:
    """Return the one value, or what was found in place of it, in brackets."""
    # The line break ends a comment that the query may end with; the limit keeps a large answer on the server.
    asked = f"SELECT * FROM (\n{query}\n) AS asked LIMIT 2"  # noqa: S608  # whoever runs scripts writes the rules
    cursor = connection.execute(asked.encode())
    result = cursor.pgresult
    assert result is not None  # noqa: S101  # a query was answered
    if (result.ntuples, result.nfields) != (1, 1):
        rows = "no row" if not result.ntuples else "more than one row" if result.ntuples > 1 else "one row"
        return f"[{rows} of {result.nfields} columns]"
    value = result.get_value(0, 0)
    return "[null]" if value is None else value.decode()


def _why_not(error: psycopg.Error, rule: Rule) -> str:
    if isinstance(error, errors.QueryCanceled):
        return f"[no answer within {rule.within.total_seconds():.0f} s]"
    return f"[{sentence(error)}]"


def failed(verdicts: Iterable[Verdict]) -> list[str]:
    """Say which do not hold."""
    return [str(verdict) for verdict in verdicts if not verdict.holds]
