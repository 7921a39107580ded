"""What a redirect makes of a request (RFC 9110 15.4): another address, sometimes another method, and fewer headers."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import httpx

from shared.adapters.bounded_http import ADDRESS_ERRORS, parse_address
from shared.errors import PermanentError

_SEE_OTHER = 303
_TURNS_POST_TO_GET = frozenset({301, 302})
_REDIRECTS = frozenset({*_TURNS_POST_TO_GET, _SEE_OTHER, 307, 308})
# All that another origin is told: keys and signatures travel in headers of any name.
_TOLD_EVERYBODY = frozenset({"accept", "accept-encoding", "accept-language", "content-type", "user-agent"})


@dataclass(frozen=True, slots=True)
class Ask:
    """A request on its way; the names of its headers are in lower case."""

    method: str
    address: httpx.URL
    headers: Mapping[str, str]
    body: bytes | None

    @property
    def host(self) -> str:
        return self.address.raw_host.decode().lower()

    @property
    def origin(self) -> tuple[str, str, int | None]:
        return self.address.scheme, self.host, self.address.port


def redirected(ask: Ask, status: int, location: str) -> Ask | None:
    """Return the request to which an answer redirects, or `None` when it does not.

    Raises:
        PermanentError: it redirects to what must not be asked.
    """
    if status not in _REDIRECTS or not location:
        return None
    try:
        address = parse_address(str(ask.address.join(location)))
    except ADDRESS_ERRORS:
        raise PermanentError(f"{ask.host} redirects to what is no http or https address") from None
    if ask.address.scheme == "https" and address.scheme != "https":
        raise PermanentError(f"{ask.host} redirects from https down to {address.scheme}")
    return _without_secrets(ask, _with_method(replace(ask, address=address), status))


def _with_method(ask: Ask, status: int) -> Ask:
    to_get = status == _SEE_OTHER and ask.method != "HEAD"
    if not to_get and not (status in _TURNS_POST_TO_GET and ask.method == "POST"):
        return ask
    headers = {name: value for name, value in ask.headers.items() if not name.startswith("content-")}
    return replace(ask, method="GET", headers=headers, body=None)


def _without_secrets(before: Ask, onward: Ask) -> Ask:
    if before.origin == onward.origin:
        return onward
    told = {name: value for name, value in onward.headers.items() if name in _TOLD_EVERYBODY}
    return replace(onward, headers=told)
