"""The cookies of one journey. A host gets back what it set itself, and nothing that another one set."""

from collections import defaultdict

import httpx


class Cookies:
    """A jar for each host, so that no cookie for a whole domain travels; paths and expiry as in RFC 6265."""

    def __init__(self) -> None:
        self._jars: defaultdict[str, httpx.Cookies] = defaultdict(httpx.Cookies)

    def keep(self, address: httpx.URL, headers: httpx.Headers) -> None:
        """Take the cookies that an answer sets; what is no ASCII could not be sent back."""
        sent = [pair for pair in headers.multi_items() if pair[1].isascii()]
        answer = httpx.Response(200, headers=sent, request=httpx.Request("GET", address))
        self._jars[address.host].extract_cookies(answer)

    def sent_to(self, address: httpx.URL) -> str:
        """Return the value of the header `Cookie`; empty when there is none to send."""
        asking = httpx.Request("GET", address)
        self._jars[address.host].set_cookie_header(asking)
        return str(asking.headers.get("cookie", ""))
