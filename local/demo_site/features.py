"""The site's feature flags: `/features/<flag>?user=ann&groups=beta,staff` tells which path this request is given.

A flag is evaluated as Microsoft's feature management libraries do: `enabled`, then the filters, of which any or all
must let the request in. A percentage is drawn anew for every request; targeting gives a user the same answer each time.
Variants are not evaluated. https://learn.microsoft.com/azure/azure-app-configuration/feature-management-dotnet-reference
"""

import hashlib
import json
import os
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from aiohttp import web

from local.demo_site.shop import Page, Visit

# Names the file from which the flags are read; a site without one has no flags.
FEATURES_VARIABLE = "DEMO_SITE_FEATURES"
ROUTE = "/features/"
_LARGEST_MARKER = 2**32 - 1

type Flags = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Visitor:
    user: str
    groups: frozenset[str]

    @classmethod
    def of(cls, request: web.BaseRequest) -> Self:
        groups = request.query.get("groups", "")
        return cls(request.query.get("user", ""), frozenset(filter(None, groups.split(","))))


def is_on(flag: Mapping[str, Any], name: str, visitor: Visitor) -> bool:
    """Whether the visitor is on the flag; a flag that makes no sense is off."""
    conditions = flag.get("conditions") or {}
    filters = conditions.get("client_filters") or []
    if flag.get("enabled") is not True or not filters:
        return flag.get("enabled") is True
    decide = all if conditions.get("requirement_type") == "All" else any
    return decide(_lets_in(entry, name, visitor) for entry in filters)


def _lets_in(entry: Mapping[str, Any], name: str, visitor: Visitor) -> bool:
    lets_in = _FILTERS.get(str(entry.get("name")))
    return lets_in is not None and lets_in(entry.get("parameters") or {}, name, visitor)


def _by_percentage(parameters: Mapping[str, Any], _: str, __: Visitor) -> bool:
    return random.random() * 100 < float(parameters.get("Value", 0))


def _by_targeting(parameters: Mapping[str, Any], name: str, visitor: Visitor) -> bool:
    audience = parameters.get("Audience") or {}
    excluded = audience.get("Exclusion") or {}
    if not visitor.user and not visitor.groups:
        return False
    if visitor.user in (excluded.get("Users") or []) or visitor.groups & set(excluded.get("Groups") or []):
        return False
    if visitor.user in (audience.get("Users") or []):
        return True
    rollouts = [
        _is_among(f"{visitor.user}\n{name}\n{group['Name']}", group.get("RolloutPercentage", 0))
        for group in audience.get("Groups") or []
        if group.get("Name") in visitor.groups
    ]
    return any(rollouts) or _is_among(f"{visitor.user}\n{name}", audience.get("DefaultRolloutPercentage", 0))


def _is_among(context: str, percentage: float) -> bool:
    marker = int.from_bytes(hashlib.sha256(context.encode()).digest()[:4], "little")
    return percentage >= 100 or marker / _LARGEST_MARKER * 100 < percentage


_FILTERS: dict[str, Callable[[Mapping[str, Any], str, Visitor], bool]] = {
    "Microsoft.Percentage": _by_percentage,
    "Microsoft.Targeting": _by_targeting,
}


class Features:
    """The flags as they were read last from the site's cache."""

    def __init__(self, build: str, file: Path | None) -> None:
        self._build = build
        self._file = file

    @classmethod
    def from_environment(cls, build: str) -> Self:
        named = os.environ.get(FEATURES_VARIABLE)
        return cls(build, Path(named) if named else None)

    def page_for(self, path: str) -> Page | None:
        return self._tell if path.startswith(ROUTE) else None

    def lets_in(self, name: str, request: web.BaseRequest) -> bool:
        """Whether a request is on a flag; one that is not there lets nobody in."""
        flag = self._flags().get(name)
        return isinstance(flag, dict) and is_on(flag, name, Visitor.of(request))

    def _tell(self, visit: Visit) -> web.Response:
        name, visitor = visit.request.path.removeprefix(ROUTE), Visitor.of(visit.request)
        on, known = self.lets_in(name, visit.request), self._flags().get(name) is not None
        answer = {"build": self._build, "feature": name, "user": visitor.user, "on": on, "known": known}
        return web.json_response(answer)

    def _flags(self) -> Flags:
        flags: Flags = json.loads(self._file.read_text(encoding="utf-8")) if self._file else {}
        return flags
