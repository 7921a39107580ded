"""Function and master keys, and what each authorization level asks for.

https://learn.microsoft.com/azure/azure-functions/function-keys-how-to
"""

import hmac
from dataclasses import dataclass

from aiohttp import web

from local.functions_host.errors import ConfigurationError


@dataclass(frozen=True)
class Keys:
    function: str
    master: str

    def allow(self, auth_level: str, request: web.Request) -> bool:
        presented = request.headers.get("x-functions-key") or request.query.get("code", "")
        accepted = self._accepted_by_level()[auth_level]
        return accepted is None or any(_same(presented, key) for key in accepted)

    def check_level(self, auth_level: str) -> None:
        if auth_level not in self._accepted_by_level():
            raise ConfigurationError(f"the authorization level {auth_level!r} is not supported")

    def _accepted_by_level(self) -> dict[str, tuple[str, ...] | None]:
        return {"anonymous": None, "function": (self.function, self.master), "admin": (self.master,)}


def _same(presented: str, key: str) -> bool:
    return hmac.compare_digest(presented.encode(), key.encode())
