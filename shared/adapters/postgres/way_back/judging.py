"""What the policy demands of the data itself: one query, one value, read-only and within its time."""

from psycopg import Connection, errors

from shared.adapters.postgres.server.session import Rows, sentence
from shared.errors import PermanentError
from shared.model.policy_data import Rule

_LONGEST = 200


def judge(side: Connection[Rows], name: str, rule: Rule) -> str:
    """Return what a rule gives, if it is what is expected of it.

    Raises:
        PermanentError: it is not.
    """
    got = _answer(side, name, rule)
    if got != rule.expect:
        raise PermanentError(f"the rule {name} expects {rule.expect[:_LONGEST]!r}, and got {got[:_LONGEST]!r}")
    return got[:_LONGEST]


def _answer(side: Connection[Rows], name: str, rule: Rule) -> str:
    """Return the value that a rule's query gives, as text.

    Raises:
        PermanentError: it cannot be asked, or does not end in its time; the sentence names the rule.
    """
    within = f"{rule.within.total_seconds() * 1000:.0f}"
    try:
        with side.transaction():
            side.execute("SET TRANSACTION READ ONLY")
            side.execute("SET LOCAL search_path TO DEFAULT")  # names in it are meant as its role and database have them
            side.execute("SELECT set_config('statement_timeout', %s, true)", [within])
            # As one value, it has one row of one column, or the server says that it has not.
            row = side.execute(f"SELECT (\n{rule.query}\n)::text".encode()).fetchone()
    except errors.QueryCanceled:
        raise PermanentError(f"the rule {name} did not end within {rule.within.total_seconds():.0f} s") from None
    except (errors.ProgrammingError, errors.DataError, errors.InternalError) as error:
        raise PermanentError(f"the rule {name} cannot be asked: {sentence(error)}") from None
    return str(row[0]) if row and row[0] is not None else ""
