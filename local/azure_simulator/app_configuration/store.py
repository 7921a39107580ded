"""Key-values with their newest versions, so that a reader without a sync token can be told a value of some moments ago.

https://learn.microsoft.com/azure/azure-app-configuration/rest-api-consistency
"""

import secrets
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from local.azure_simulator.app_configuration.config import KeyValueConfig
from local.azure_simulator.throttle import TokenBucket

KEPT_VERSIONS = 100

type Name = tuple[str, str]


@dataclass(frozen=True, slots=True)
class KeyValue:
    content: KeyValueConfig
    etag: str
    last_modified: datetime

    @property
    def name(self) -> Name:
        return self.content.key, self.content.label


@dataclass(frozen=True, slots=True)
class Version:
    """What a name held from a moment on; `None` is nothing."""

    sequence: int
    since_s: float
    held: KeyValue | None


@dataclass(frozen=True, slots=True)
class View:
    """What a reader sees for certain: all that was settled by a moment, and all up to a sequence number."""

    settled_by_s: float
    sequence: int

    def shows(self, version: Version) -> bool:
        return version.since_s <= self.settled_by_s or version.sequence <= self.sequence


class Store:
    """`sequence` counts the changes."""

    def __init__(self, contents: Iterable[KeyValueConfig]) -> None:
        self.sequence = 0
        self.quota = TokenBucket()
        self._versions: dict[Name, list[Version]] = {}
        for content in contents:
            self.put(content)
        # What was there at the start is old news.
        for versions in self._versions.values():
            versions[:] = [replace(version, since_s=0.0) for version in versions]

    def latest(self, name: Name) -> KeyValue | None:
        versions = self._versions.get(name)
        return versions[-1].held if versions else None

    def seen(self, name: Name, view: View) -> KeyValue | None:
        shown = [version for version in self._versions.get(name, []) if view.shows(version)]
        return shown[-1].held if shown else None

    def all_seen(self, view: View) -> list[KeyValue]:
        found = (self.seen(name, view) for name in sorted(self._versions))
        return [each for each in found if each is not None]

    def all_latest(self) -> list[KeyValue]:
        return self.all_seen(View(settled_by_s=0.0, sequence=self.sequence))

    def put(self, content: KeyValueConfig) -> KeyValue:
        held = KeyValue(content.model_copy(), etag=secrets.token_urlsafe(32), last_modified=datetime.now(UTC))
        self._add(held.name, held)
        return held

    def drop(self, name: Name) -> None:
        self._add(name, None)

    def _add(self, name: Name, held: KeyValue | None) -> None:
        self.sequence += 1
        versions = self._versions.setdefault(name, [])
        versions.append(Version(self.sequence, time.time(), held))
        del versions[:-KEPT_VERSIONS]
