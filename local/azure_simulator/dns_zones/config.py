"""DNS zones as they are configured. Limits: https://learn.microsoft.com/azure/dns/dns-zones-records."""

from ipaddress import IPv4Address
from typing import Self

from pydantic import Field, model_validator

from local.azure_simulator.strict_model import StrictModel

# What a record set may be; names lead somewhere by A and CNAME alone here, the others are kept and told over ARM.
RECORD_TYPES = ("A", "AAAA", "CAA", "CNAME", "MX", "PTR", "SRV", "TXT")
APEX = "@"


class RecordSetConfig(StrictModel):
    """Addresses, or one name. A name may be `@` (the zone itself) and `*`."""

    name: str = Field(min_length=1)
    a: list[IPv4Address] = Field(default=[])
    cname: str | None = None
    ttl_s: int = Field(60, ge=1, le=2_147_483_647)

    @model_validator(mode="after")
    def is_one_of_both(self) -> Self:
        if (self.cname is None) == (not self.a):
            raise ValueError(f"record set {self.name!r} needs either `a` or `cname`")
        if self.name == APEX and self.cname:
            raise ValueError("the zone itself cannot be a CNAME")
        return self


class DnsZoneConfig(StrictModel):
    name: str = Field(pattern=r"^[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$")
    records: list[RecordSetConfig] = Field(default=[])

    @model_validator(mode="after")
    def names_are_unique(self) -> Self:
        names = [record.name.casefold() for record in self.records]
        if len(set(names)) != len(names):
            raise ValueError(f"record sets of {self.name!r} must be unique, got {names}")
        return self
