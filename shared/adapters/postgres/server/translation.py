"""Turns what the driver raises into the errors of this product: what may work later, and what will not.

What the server says of a value quotes it, and what a function raises may hold anything: of these only the condition is
told, by its name, with what else is known of the place. Names of tables, columns and functions are no secret.
https://www.postgresql.org/docs/current/errcodes-appendix.html
"""

import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import psycopg
from psycopg.errors import Diagnostic

from shared.errors import PermanentError, TransientError

log = logging.getLogger(__name__)

_RETRY = timedelta(seconds=2)
# Classes of SQLSTATE that say "not now": connection, insufficient resources (not a full disk), operator intervention,
# a transaction that was rolled back, or left alone for too long, as by who waits for the other side.
_PASSING = ("08", "53", "57", "40", "55P03", "55006", "25P03", "25P04")
_FULL = ("53100",)
# What a server says that takes no connection now; all else that it refuses one for stays as it is. And what a client
# says that refuses the server.
_NOT_NOW = ("starting up", "shutting down", "recovery mode", "not yet accept", "too many", "connection slots")
_NOT_TRUSTED = ("certificate", "does not support SSL")
# Data, and routines of others: by their class, or as RAISE has given them the state of another one.
_QUOTING = ("22", "38", "39", "P0")
_RAISED_BY = ("exec_stmt_raise", "exec_stmt_assert")
# What a function raises by these has no value in it: our own, and what has to do with the server.
_OF_NO_ROW = ("RB", *_PASSING)
# What follows a colon is quoted.
_COPIED = re.compile(r"^COPY (?P<table>[^:\n]+?), line \d+, column (?P<column>[^:\n]+):", re.M)
_WITHIN = re.compile(r"^PL/pgSQL function (?P<function>[^\s(]+)\(", re.M)
_WORDS = re.compile(r"(?<=[a-z])(?=[A-Z])")


@contextmanager
def translated(called: str) -> Iterator[None]:
    """Turn what the driver raises into the errors of this product; never with a value or a secret in it.

    Args:
        called: The side that is to blame where the error itself says none.

    Raises:
        TransientError, PermanentError: with what the server said, which names objects, never rows.
    """
    try:
        yield
    except psycopg.Error as error:
        side = next(iter(getattr(error, "__notes__", ())), called)
        said = f"{side} database: {sentence(error)}"
        log.info("%s (%s)", said, error.sqlstate)
        if _passes(error):
            raise TransientError(said, retry_after=_RETRY) from None
        raise PermanentError(said) from None


def sentence(error: psycopg.Error) -> str:
    """Say what the server said, without what it quotes of rows."""
    primary = error.diag.message_primary
    if not primary:
        return str(error).strip().partition("\n")[0] or type(error).__name__
    if _may_quote(error):
        condition = _WORDS.sub(" ", type(error).__name__).lower()
        return f"{condition} ({', '.join([f'SQLSTATE {error.sqlstate}', *_places(error.diag)])})"
    named = ", ".join(name for name in (error.diag.table_name, error.diag.constraint_name) if name)
    return f"{primary} ({named})" if named and named not in primary else primary


def _may_quote(error: psycopg.Error) -> bool:
    state = error.sqlstate or ""
    return state.startswith(_QUOTING) or (error.diag.source_function in _RAISED_BY and not state.startswith(_OF_NO_ROW))


def _places(diag: Diagnostic) -> Iterator[str]:
    """Name where it was. The context quotes values and statements: nothing but names is taken from it."""
    found = [pattern.search(diag.context or "") for pattern in (_COPIED, _WITHIN)]
    named = {kind: name for match in found if match for kind, name in match.groupdict().items()}
    said = {"table": diag.table_name, "column": diag.column_name, "constraint": diag.constraint_name}
    yield from (f"{kind} {name}" for kind, name in (named | {k: v for k, v in said.items() if v}).items())


def _passes(error: psycopg.Error) -> bool:
    state = error.sqlstate or ""
    if state:
        return state.startswith(_PASSING) and state not in _FULL
    # There is no state while a connection is being made: the server refuses it, or there is none that we trust.
    said = str(error)
    if "FATAL:" in said:
        return any(word in said for word in _NOT_NOW)
    return isinstance(error, psycopg.OperationalError) and not any(word in said for word in _NOT_TRUSTED)
