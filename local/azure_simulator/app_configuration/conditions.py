"""What callers state besides their request: `If-Match`, `If-None-Match`, `Sync-Token`, filters of a list."""

import re
from base64 import b64decode, b64encode
from collections.abc import Callable
from fnmatch import fnmatchcase

from aiohttp import web

from local.azure_simulator.app_configuration import problems
from local.azure_simulator.app_configuration.store import KeyValue

TOKEN_ID = "jtqGc1I4"  # noqa: S105  # an id, as opaque as the real ones
NO_LABEL = "\0"
ANY = "*"
MOST_FILTERS = 5


def condition_refusal(request: web.BaseRequest, held: KeyValue | None) -> web.Response | None:
    """The answer to a request whose condition does not hold: 412, or 304 to a reader that has it already."""
    wanted, unwanted = request.headers.get("If-Match"), request.headers.get("If-None-Match")
    if wanted is not None and not _matches(wanted, held):
        return problems.precondition_failed()
    if unwanted is not None and _matches(unwanted, held):
        return web.Response(status=304) if request.method == "GET" else problems.precondition_failed()
    return None


def _matches(etags: str, held: KeyValue | None) -> bool:
    if held is None:
        return False
    return etags.strip() == ANY or held.etag in re.findall(r'"([^"]*)"', etags)


def sync_token(sequence: int) -> str:
    value = b64encode(f"0:{sequence}".encode()).decode()
    return f"{TOKEN_ID}={value};sn={sequence}"


def sequence_of(tokens: str) -> int:
    """The newest change that the caller knows of; 0 where it says nothing that this store ever said."""
    found = re.search(rf"{TOKEN_ID}=([A-Za-z0-9+/=]+)", tokens)
    try:
        return int(b64decode(found[1]).decode().removeprefix("0:")) if found else 0
    except ValueError:
        return 0


def label_of(request: web.BaseRequest) -> str:
    return request.query.get("label", "").removeprefix(NO_LABEL)


def filter_for(written: str | None) -> Callable[[str], bool] | None:
    """A test for keys or labels; None where the filter is wrong. A star stands at the end of a name only."""
    parts = (written or ANY).split(",")
    if len(parts) > MOST_FILTERS or any("*" in part[:-1] for part in parts):
        return None
    patterns = [_literally(part.replace(NO_LABEL, "")) for part in parts]
    return lambda text: any(fnmatchcase(text, pattern) for pattern in patterns)


def _literally(part: str) -> str:
    """`fnmatch` knows more wildcards than the store."""
    return part.replace("[", "[[]").replace("?", "[?]")
