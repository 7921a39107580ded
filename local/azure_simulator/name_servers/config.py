"""How many resolvers there are, what lies outside the zones, and what a resolver does to its clients."""

from enum import StrEnum
from ipaddress import IPv4Address

from pydantic import Field

from local.azure_simulator.strict_model import StrictModel


class Mode(StrEnum):
    """What a resolver does; `STALE` tells what it knows for ever, `TRUNCATE` has an answer over TCP alone."""

    NORMAL = "normal"
    STALE = "stale"
    REFUSED = "refused"
    TIMEOUT = "timeout"
    SERVFAIL = "servfail"
    NXDOMAIN = "nxdomain"
    TRUNCATE = "truncate"


class NameServersConfig(StrictModel):
    """`hosts` are the names outside the zones and profiles; those that are not here have the address `elsewhere`."""

    resolvers: int = Field(3, ge=1, le=20)
    # Azure DNS zones are made with this minimum in their SOA record (RFC 2308).
    negative_ttl_s: int = Field(300, ge=0)
    outside_ttl_s: int = Field(300, ge=0)
    hosts: dict[str, IPv4Address] = Field(default={})
    elsewhere: IPv4Address = IPv4Address("192.0.2.1")
