"""Who calls: a person, a program or a link, with the roles that were proved."""

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """What a caller may do. Nobody has a role by having another one."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    APPROVER = "approver"
    ALERT_SENDER = "alert_sender"


class Proof(StrEnum):
    """How a caller was recognised."""

    TOKEN = "token"  # noqa: S105  # a word, no secret
    EASY_AUTH = "easy_auth"
    KEY = "key"
    LINK = "link"
    QUEUE = "queue"


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who calls.

    Attributes:
        id: Cannot be chosen by the caller: `entra:<tenant>:<object id>`, `key`, `link:<recipient>`, `queue:<name>` for
            whoever may write to a queue. The same id is the same caller.
        name: For people to read; never compared.
        origin: Address that the call came from, as the platform tells it; empty when it does not.
    """

    id: str
    name: str
    roles: frozenset[Role]
    proof: Proof
    origin: str = ""

    def may(self, *roles: Role) -> bool:
        """Tell whether the caller has one of these roles."""
        return not self.roles.isdisjoint(roles)
