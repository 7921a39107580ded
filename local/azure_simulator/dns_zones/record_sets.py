"""Zones and record sets as Azure DNS keeps them, and its rules for a record set.

Rules: https://learn.microsoft.com/azure/dns/dns-zones-records (CNAME record sets, record set limits, ETags).
"""

import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Address
from typing import Any

from local.azure_simulator.dns_zones.config import APEX, DnsZoneConfig, RecordSetConfig

MOST_RECORDS = 20
LONGEST_TTL_S = 2_147_483_647
_DOMAIN_NAME = re.compile(r"[A-Za-z0-9_-]{1,63}(\.[A-Za-z0-9_-]{1,63})*\.?")
# Told by GET, and not for a client to say.
_READ_ONLY = frozenset({"fqdn", "provisioningState"})

type Properties = dict[str, Any]


@dataclass(frozen=True, slots=True)
class RecordSet:
    """Properties are in ARM's spelling; what is not looked at here is kept. Every write makes a new ETag."""

    name: str
    type: str
    properties: Properties
    etag: str = field(default_factory=lambda: str(uuid.uuid4()))

    @property
    def ttl_s(self) -> int:
        return int(self.properties["TTL"])

    @property
    def addresses(self) -> tuple[str, ...]:
        return tuple(record["ipv4Address"] for record in self.properties.get("ARecords") or ())

    @property
    def cname(self) -> str:
        return str((self.properties.get("CNAMERecord") or {}).get("cname") or "").rstrip(".")


@dataclass(slots=True)
class Zone:
    name: str
    record_sets: dict[tuple[str, str], RecordSet] = field(default_factory=dict)

    def find(self, kind: str, name: str) -> RecordSet | None:
        return self.record_sets.get((kind.upper(), name.casefold()))

    def named(self, name: str) -> list[RecordSet]:
        """Every record set of a name, whatever its type."""
        return [each for each in self.record_sets.values() if each.name.casefold() == name.casefold()]

    def put(self, kind: str, name: str, properties: Mapping[str, Any]) -> RecordSet:
        """Write a record set whatever is there; its name keeps the case in which it was made."""
        found = self.find(kind, name)
        kept = {each: value for each, value in properties.items() if each not in _READ_ONLY}
        written = RecordSet(found.name if found else name, kind.upper(), kept)
        self.record_sets[written.type, name.casefold()] = written
        return written

    def drop(self, kind: str, name: str) -> None:
        self.record_sets.pop((kind.upper(), name.casefold()), None)

    def fqdn(self, name: str) -> str:
        return self.name if name == APEX else f"{name}.{self.name}"

    def conflict(self, kind: str, name: str) -> str | None:
        """A CNAME is alone with its name (RFC 1034, 3.6.2)."""
        others = {each.type for each in self.named(name)} - {kind.upper()}
        if kind.upper() == "CNAME" and others:
            return "The CNAME record could not be created because another record with the same name already exists."
        if "CNAME" in others:
            return "The record could not be created because a CNAME record with the same name already exists."
        return None


def problem(kind: str, name: str, properties: Mapping[str, Any]) -> str | None:
    """Say what is wrong with a record set; `None` when nothing is."""
    ttl = properties.get("TTL")
    if type(ttl) is not int or not 1 <= ttl <= LONGEST_TTL_S:
        return f"The TTL '{ttl}' is invalid. It must be between 1 and {LONGEST_TTL_S}."
    if kind.upper() == "CNAME":
        return _cname_problem(name, properties)
    return _addresses_problem(properties) if kind.upper() == "A" else None


def _cname_problem(name: str, properties: Mapping[str, Any]) -> str | None:
    if name == APEX:
        return "A CNAME record set cannot be created at the zone apex."
    cname = (properties.get("CNAMERecord") or {}).get("cname")
    if properties.get("targetResource") or (isinstance(cname, str) and _DOMAIN_NAME.fullmatch(cname)):
        return None
    return f"The domain name '{cname}' is invalid."


def _addresses_problem(properties: Mapping[str, Any]) -> str | None:
    records = properties.get("ARecords") or []
    if not records and not properties.get("targetResource"):
        return "The record set holds no record."
    if len(records) > MOST_RECORDS:
        return f"The record set holds more than {MOST_RECORDS} records."
    return next((f"'{record}' is no IPv4 address." for record in records if not _is_address(record)), None)


def _is_address(record: Mapping[str, Any]) -> bool:
    try:
        IPv4Address(record.get("ipv4Address", ""))
    except ValueError:
        return False
    return True


def build_zones(configs: Sequence[DnsZoneConfig]) -> dict[str, Zone]:
    zones = {config.name.casefold(): _build_zone(config) for config in configs}
    if len(zones) != len(configs):
        raise ValueError(f"zone names must be unique, got {[config.name for config in configs]}")
    return zones


def _build_zone(config: DnsZoneConfig) -> Zone:
    zone = Zone(config.name)
    for record in config.records:
        zone.put("CNAME" if record.cname else "A", record.name, properties_of(record))
    return zone


def properties_of(record: RecordSetConfig) -> Properties:
    if record.cname:
        return {"TTL": record.ttl_s, "CNAMERecord": {"cname": record.cname}}
    return {"TTL": record.ttl_s, "ARecords": [{"ipv4Address": str(address)} for address in record.a]}
