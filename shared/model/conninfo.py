"""Where a PostgreSQL connection string leads: host, port and database, whichever way it is written.

Only to tell whether two lead to the same place; the driver itself is asked when it is used.
https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING
"""

import shlex
from hashlib import sha256
from urllib.parse import parse_qsl, unquote, urlsplit

_SCHEMES = ("postgresql", "postgres")


def place_of(conninfo: str) -> tuple[str, str, str] | None:
    """Return host, port and database of a connection string; `None` where it does not say them."""
    try:
        given = _of_uri(conninfo) if conninfo.partition("://")[0] in _SCHEMES else _of_words(conninfo)
    except ValueError:
        return None
    host, name = given.get("host") or given.get("hostaddr"), given.get("dbname") or given.get("user")
    return (host.casefold(), given.get("port") or "5432", name) if host and name else None


def place_name(conninfo: str) -> str:
    """Return a name of where a connection string leads that says nothing of it; empty where that is not known."""
    place = place_of(conninfo)
    return sha256("\n".join(place).encode()).hexdigest()[:16] if place else ""


def _of_uri(uri: str) -> dict[str, str]:
    parts = urlsplit(uri)
    given = {"host": parts.hostname or "", "port": str(parts.port or ""), "dbname": unquote(parts.path.lstrip("/"))}
    return given | {"user": unquote(parts.username or "")} | dict(parse_qsl(parts.query))


def _of_words(text: str) -> dict[str, str]:
    words = (word.partition("=") for word in shlex.split(text.replace(" = ", "=")))
    return {name: value for name, _, value in words}
