"""A dry check of the roles: what the app's identity may do on a resource, as Resource Manager tells itself.

Each role that holds there is one entry of the answer, with what it gives and what it excepts; what one excepts, another
may give. Deny assignments and conditions of roles are not part of it.
https://learn.microsoft.com/rest/api/authorization/permissions/list-for-resource
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from shared.adapters.app_service import web_client
from shared.adapters.azure_clients import NO_WAITING, ArmAccess, ArmClients
from shared.adapters.azure_errors import translated
from shared.adapters.readiness.needed_actions import needs_of
from shared.clock import Clock
from shared.errors import OutcomeUnknown
from shared.model.policy import Policy
from shared.model.policy_roads import RoadBase

_PATH = "/providers/Microsoft.Authorization/permissions?api-version=2022-04-01"
_MOST_PAGES = 10
ROLES_KEPT = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Permission:
    """What one role gives."""

    actions: tuple[str, ...]
    not_actions: tuple[str, ...]
    data_actions: tuple[str, ...]
    not_data_actions: tuple[str, ...]

    def gives(self, action: str) -> bool:
        return _is_among(action, self.actions) and not _is_among(action, self.not_actions)

    def gives_data(self, action: str) -> bool:
        return _is_among(action, self.data_actions) and not _is_among(action, self.not_data_actions)


class ArmRoles:
    """Fulfils `ports.Roles`. An answer is kept for a quarter of an hour: roles change rarely, and tell late of it."""

    def __init__(self, arm: ArmAccess, clock: Clock, kept: timedelta = ROLES_KEPT) -> None:
        self._clients = ArmClients(arm, web_client)
        self._endpoint = arm.endpoint
        self._clock = clock
        self._kept = kept
        self._answers: dict[str, tuple[datetime, Sequence[Permission]]] = {}

    def lacking(self, policy: Policy, name: str, road: RoadBase) -> tuple[str, ...]:
        needs = needs_of(policy, name, road)
        if needs is None:
            return ()
        roles = self._roles_on(needs.scope)
        missing = [action for action in needs.actions if not any(role.gives(action) for role in roles)]
        missing += [action for action in needs.data_actions if not any(role.gives_data(action) for role in roles)]
        return tuple(missing)

    def _roles_on(self, scope: str) -> Sequence[Permission]:
        key, now = scope.casefold(), self._clock()
        asked_at, roles = self._answers.get(key, (None, ()))
        if asked_at is None or now - asked_at >= self._kept:
            roles = self._ask(scope)
            self._answers[key] = now, roles
        return roles

    def _ask(self, scope: str) -> Sequence[Permission]:
        from azure.core.rest import HttpRequest

        found: list[Permission] = []
        url: str | None = f"{self._endpoint}{scope}{_PATH}"
        with translated(f"reading the roles on {scope.rsplit('/', 1)[-1]}"):
            for _ in range(_MOST_PAGES):
                answer = self._clients.of(scope).send_request(HttpRequest("GET", str(url)), **NO_WAITING)
                answer.raise_for_status()
                page: Mapping[str, Any] = answer.json()
                found += [_read(entry) for entry in page["value"]]
                url = page.get("nextLink")
                if not url:
                    return found
                if not url.startswith(f"{self._endpoint}/"):  # the token is for this endpoint alone
                    raise OutcomeUnknown("reading the roles: the next page is somewhere else")
        raise OutcomeUnknown(f"reading the roles: there are more than {_MOST_PAGES} pages of them")


def _read(entry: Mapping[str, Any]) -> Permission:
    names = ("actions", "notActions", "dataActions", "notDataActions")
    return Permission(*(tuple(map(str, entry.get(name) or ())) for name in names))


def _is_among(action: str, patterns: Iterable[str]) -> bool:
    """An asterisk stands for anything, slashes too, and case counts for nothing."""
    return any(re.fullmatch(re.escape(pattern).replace(r"\*", ".*"), action, re.IGNORECASE) for pattern in patterns)
