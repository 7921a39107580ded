"""The App Service managed identity endpoint: gives tokens for a resource, and knows the ones it gave.

Shape: https://learn.microsoft.com/azure/app-service/overview-managed-identity (REST endpoint reference).
"""

import secrets
import time
from dataclasses import dataclass

PRINCIPAL_ID = "0b9f6a52-5b3c-4a7e-9a53-3f4f1c8d2e10"
CLIENT_ID = "5d2c0f9e-8f0f-4b42-b0c1-1a8f7b1f6c11"


@dataclass(frozen=True, slots=True)
class Grant:
    audience: str
    expires_at_s: float


class TokenIssuer:
    """Issues opaque bearer tokens; `audience_of` answers None for a token that is unknown or has expired."""

    def __init__(self) -> None:
        self.header_secret = secrets.token_hex(16)
        self._grants: dict[str, Grant] = {}

    def issue(self, resource: str, lifetime_s: float) -> dict[str, str]:
        now_s = time.time()
        self._grants = {token: grant for token, grant in self._grants.items() if grant.expires_at_s > now_s}
        token = secrets.token_urlsafe(48)
        self._grants[token] = Grant(audience=resource.rstrip("/"), expires_at_s=now_s + lifetime_s)
        return {
            "access_token": token,
            "expires_on": str(int(now_s + lifetime_s)),
            "resource": resource,
            "token_type": "Bearer",
            "client_id": CLIENT_ID,
        }

    def audience_of(self, token: str) -> str | None:
        grant = self._grants.get(token)
        return grant.audience if grant and grant.expires_at_s > time.time() else None
